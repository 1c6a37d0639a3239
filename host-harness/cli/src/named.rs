//! Arguments of the form NAME=VALUE.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::{TypedValueParser, ValueParserFactory};
use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::failure::Failure;

/// A value and its name, which consists of letters, digits and hyphens.
#[derive(Clone)]
pub struct Named<T> {
    pub name: String,
    pub value: T,
}

impl<T> Named<T> {
    /// Returns the values of an argument by their names.
    ///
    /// # Errors
    /// If a name is given twice.
    pub fn by_name<'n>(argument: &str, all: &'n [Named<T>]) -> Result<BTreeMap<&'n str, &'n T>, Failure> {
        let mut values = BTreeMap::new();
        match all.iter().find(|named| values.insert(named.name.as_str(), &named.value).is_some()) {
            None => Ok(values),
            Some(Named { name, .. }) => {
                Err(Failure::Usage(format!("--{argument} {name}=… is given twice; leave one of the two out")))
            }
        }
    }

    /// Parses NAME=VALUE. The error says what is wrong, without the value, which may be a secret.
    fn read(text: &str) -> Result<Named<T>, String>
    where
        T: FromStr<Err: Display>,
    {
        let (name, value) = text.split_once('=').ok_or("there is no = between a name and its value")?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(format!("the name before = is {name:?}; letters, digits and hyphens make a name"));
        }
        let value = value.parse().map_err(|error: T::Err| format!("{name}: {error}"))?;
        Ok(Named { name: name.to_owned(), value })
    }
}

impl<T> ValueParserFactory for Named<T> {
    type Parser = NamedParser<T>;

    fn value_parser() -> NamedParser<T> {
        NamedParser(PhantomData)
    }
}

/// Parses a [`Named`]. clap's own parsers would show the whole argument in an error.
#[derive(Clone)]
pub struct NamedParser<T>(PhantomData<fn() -> T>);

impl<T: FromStr<Err: Display> + Clone + Send + Sync + 'static> TypedValueParser for NamedParser<T> {
    type Value = Named<T>;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, text: &OsStr) -> Result<Named<T>, clap::Error> {
        let named = text.to_str().ok_or("it is not UTF-8".to_owned()).and_then(Named::read);
        named.map_err(|what| {
            let argument = argument.map(Arg::to_string).unwrap_or_default();
            command.clone().error(ErrorKind::ValueValidation, format!("invalid value for '{argument}': {what}"))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_before_the_first_equals_sign() {
        for (text, name, value) in [("a=b", "a", "b"), ("shared-sec=x=y", "shared-sec", "x=y"), ("A1=", "A1", "")] {
            let named = Named::<String>::read(text).unwrap();
            assert_eq!((named.name.as_str(), named.value.as_str()), (name, value), "{text}");
        }
        assert_eq!(Named::<i64>::read("n=-1").unwrap().value, -1);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for (text, what) in [
            ("secret", "there is no = between a name and its value"),
            ("=secret", "the name before = is \"\"; letters, digits and hyphens make a name"),
            ("chrono/pay=secret", "the name before = is \"chrono/pay\"; letters, digits and hyphens make a name"),
            ("n=secret", "n: invalid digit found in string"),
        ] {
            assert_eq!(Named::<i64>::read(text).err().as_deref(), Some(what), "{text}");
        }
    }
}
