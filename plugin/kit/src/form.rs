//! Forms as sent over HTTP: `application/x-www-form-urlencoded` in UTF-8.

use std::borrow::Cow;
use std::fmt;

use crate::contract::{CallbackRequest, HttpMethod, Problem};
use crate::problem::Code;

mod pairs;

use pairs::{Pair, pairs};

/// The most fields that a form may have. Real callbacks have about thirty; more than this would exceed a call's fuel.
pub const FIELDS_MAX: usize = 512;

/// The known fields of a form, in the order of the known names. Each is decoded once, and copied only if it is encoded. Unknown
/// fields are skipped.
#[derive(Debug)]
pub struct Form<'b> {
    fields: Vec<Field<'b>>,
    /// A hash table with linear probing. Each entry is a field's position, counted from 1, or 0 if it is empty; three of four
    /// entries are.
    places: Vec<u16>,
}

#[derive(Debug)]
struct Field<'b> {
    name: &'static str,
    value: Option<Cow<'b, str>>,
    /// Whether the field occurs with two different values.
    has_conflict: bool,
}

/// Why a form is ambiguous or too large.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormError {
    /// A field that must have one value, or one with a prefix whose fields must, occurs with two different values.
    Conflict(&'static str),
    /// There are more than [`FIELDS_MAX`] fields, known or not.
    TooMany,
}

impl FormError {
    /// Returns the field that the error is about, or `None` if it is about the whole form.
    pub fn field(self) -> Option<&'static str> {
        match self {
            FormError::Conflict(field) => Some(field),
            FormError::TooMany => None,
        }
    }

    /// Returns the problem with which a callback is refused.
    pub fn problem(self) -> Problem {
        let code = match self {
            FormError::TooMany => Code::Malformed,
            FormError::Conflict(_) => Code::FieldConflict,
        };
        let in_russian = match self {
            FormError::TooMany => "Полей больше, чем бывает в уведомлении.",
            FormError::Conflict(_) => "Поле указано дважды, с разными значениями.",
        };
        let message = [in_russian.to_owned(), self.to_string()];
        Problem { field: self.field().map(str::to_owned), ..code.whole(message) }
    }
}

/// Returns the form of a callback: the query of a GET, the body of any other request.
pub fn of(request: &CallbackRequest) -> &[u8] {
    match request.method {
        HttpMethod::Get => request.query.as_bytes(),
        _ => &request.body,
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FormError::Conflict(_) => "The field is given twice, with two values.",
            FormError::TooMany => "The form has more fields than any callback.",
        })
    }
}

impl<'b> Form<'b> {
    /// Parses the `known` fields. A `%` that is not followed by two hexadecimal digits is taken literally, as the URL standard
    /// says. Bytes that are not UTF-8 become U+FFFD, so that a payer's name in another charset does not get the callback
    /// refused. If a field occurs twice, the first value counts; [`Form::require_single`] refuses two different values where
    /// that matters.
    ///
    /// # Errors
    /// [`FormError::TooMany`] if there are more than [`FIELDS_MAX`] fields.
    pub fn parse(bytes: &'b [u8], known: impl IntoIterator<Item = &'static str>) -> Result<Form<'b>, FormError> {
        Form::empty(known).filled(bytes)
    }

    fn filled(mut self, bytes: &'b [u8]) -> Result<Form<'b>, FormError> {
        let longest = self.fields.iter().map(|field| field.name.len()).max().unwrap_or_default();
        for (at, Pair { name, value }) in pairs(bytes).enumerate() {
            if at == FIELDS_MAX {
                return Err(FormError::TooMany);
            }
            // Encoding turns a byte into at most three, so a longer name cannot be a known one and need not be decoded. Known
            // names contain no `%` or `+`, so a name that matches without decoding has no escapes.
            if name.0.len() > 3 * longest {
                continue;
            }
            let known = self.position(name.0).or_else(|| self.position(&name.decode()));
            let Some(field) = known.and_then(|at| self.fields.get_mut(at)) else { continue };
            let value = value.text();
            match &field.value {
                Some(earlier) => field.has_conflict |= *earlier != value,
                None => field.value = Some(value),
            }
        }
        Ok(self)
    }

    fn empty(known: impl IntoIterator<Item = &'static str>) -> Form<'b> {
        let fields: Vec<Field<'b>> = known.into_iter().map(|name| Field { name, value: None, has_conflict: false }).collect();
        let mut places = vec![0; (4 * fields.len()).next_power_of_two()];
        for (field, position) in fields.iter().zip(1..) {
            if let Some(place) = probe(places.len(), field.name.as_bytes()).find(|place| places.get(*place) == Some(&0)) {
                places.iter_mut().skip(place).take(1).for_each(|place| *place = position);
            }
        }
        Form { fields, places }
    }

    /// Returns a known field's position. It is not inlined: a loop in a larger function has no registers left.
    #[inline(never)]
    fn position(&self, name: &[u8]) -> Option<usize> {
        for place in probe(self.places.len(), name) {
            let position = usize::from(*self.places.get(place)?).checked_sub(1)?;
            if self.fields.get(position).is_some_and(|field| is_same(field.name.as_bytes(), name)) {
                return Some(position);
            }
        }
        None
    }

    /// Returns a field's value, or an empty text if it is absent: the protocols do not distinguish the two.
    pub fn get(&self, name: &str) -> &str {
        self.position(name.as_bytes()).and_then(|at| self.fields.get(at)).map_or("", Field::value)
    }

    /// Refuses a form in which one of the named fields has two different values. The same value twice is tolerated, since real
    /// callbacks contain it.
    ///
    /// # Errors
    /// [`FormError::Conflict`] with the first such field.
    pub fn require_single(&self, names: &[&'static str]) -> Result<(), FormError> {
        let has_conflict = |name: &str| {
            self.position(name.as_bytes()).and_then(|at| self.fields.get(at)).is_some_and(|field| field.has_conflict)
        };
        names.iter().find(|name| has_conflict(name)).map_or(Ok(()), |name| Err(FormError::Conflict(name)))
    }

    /// Returns the values of the known fields, in the order of the known names. An absent field's is empty.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(Field::value)
    }
}

impl Field<'_> {
    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

/// Returns the table entries to probe for a name, in order. The hash covers its length and its first, middle and last byte.
fn probe(places: usize, name: &[u8]) -> impl Iterator<Item = usize> {
    let byte = |at: usize| u32::from(name.get(at).copied().unwrap_or_default());
    let ends = byte(0) | byte(name.len().saturating_sub(1)) << 8 | byte(name.len() / 2) << 16;
    let hash = (ends ^ (name.len() as u32) << 24).wrapping_mul(0x9e37_79b1) >> 16;
    (0..places).map(move |probe| (hash as usize + probe) & (places - 1))
}

/// Reports whether two names are equal. Most have 8 to 16 bytes, which are compared as two overlapping numbers: otherwise
/// WebAssembly would compare them byte by byte.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() == other.len() && (8..=16).contains(&one.len()) {
        return one.first_chunk::<8>() == other.first_chunk() && one.last_chunk::<8>() == other.last_chunk();
    }
    one == other
}

/// A parameter with a name chosen by the merchant. Name and value are bytes, since their charset is that of the merchant's
/// site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter<'b> {
    /// The name's bytes.
    pub name: Cow<'b, [u8]>,
    /// The value's bytes.
    pub value: Cow<'b, [u8]>,
    /// The name and the value as received, still encoded.
    pub encoded: [&'b [u8]; 2],
}

/// Returns the fields whose names begin with `prefix`, in any letter case, sorted by the bytes of their names. For payment
/// systems that return a merchant's own parameters, whose names are not known in advance.
///
/// # Errors
/// [`FormError::Conflict`] with the prefix, if a name has two different values.
pub fn prefixed<'b>(bytes: &'b [u8], prefix: &'static str) -> Result<Vec<Parameter<'b>>, FormError> {
    let has_prefix = |name: &[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    sorted(bytes, has_prefix).ok_or(FormError::Conflict(prefix))
}

/// Returns all fields that have a name but the named ones, sorted by the bytes of their names, for payment systems that sign every field that they send,
/// such as Sber: leave out the signature itself and what the payment system says that it does not sign.
///
/// # Errors
/// The problem with which a callback is refused: [`Code::FieldConflict`] if one of the fields has two different values,
/// [`Code::Malformed`] if there are more than [`FIELDS_MAX`].
pub fn all_but<'b>(bytes: &'b [u8], names: &[&str]) -> Result<Vec<Parameter<'b>>, Problem> {
    if pairs(bytes).nth(FIELDS_MAX).is_some() {
        return Err(FormError::TooMany.problem());
    }
    let is_named = |name: &[u8]| names.iter().any(|other| other.as_bytes() == name);
    sorted(bytes, |name| !name.is_empty() && !is_named(name))
        .ok_or_else(|| Code::FieldConflict.whole("A signed field is given twice, with two values."))
}

/// Returns the fields with such names, sorted by the bytes of their names; `None` if one has two different values.
fn sorted(bytes: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<Parameter<'_>>> {
    let mut fields: Vec<Parameter> = Vec::new();
    for Pair { name, value } in pairs(bytes) {
        let decoded = name.decode();
        if !is_wanted(&decoded) {
            continue;
        }
        let field = Parameter { name: decoded, value: value.decode(), encoded: [name.0, value.0] };
        match fields.binary_search_by(|earlier| earlier.name.cmp(&field.name)) {
            Err(at) => fields.insert(at, field),
            Ok(at) if fields.get(at).is_some_and(|earlier| earlier.value == field.value) => {}
            Ok(_) => return None,
        }
    }
    Some(fields)
}

/// Returns the value of a field whose name a setting gives, decoded as those of [`Form`]; an empty text if it is absent. `None` if it has
/// two different values.
pub fn single<'b>(bytes: &'b [u8], name: &str) -> Option<Cow<'b, str>> {
    let mut values = pairs(bytes).filter(|pair| *pair.name.decode() == *name.as_bytes()).map(|pair| pair.value.text());
    let first = values.next().unwrap_or_default();
    values.all(|other| other == first).then_some(first)
}

/// Encodes a value for a form.
pub fn encode_value(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Encodes a form.
pub fn encode<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [&str; 3] = ["a", "b", "поле"];

    fn parsed(text: &[u8]) -> Result<Vec<(&'static str, String)>, FormError> {
        let given =
            |form: Form| form.fields.into_iter().filter_map(|field| Some((field.name, field.value?.into_owned()))).collect();
        Form::parse(text, KNOWN).map(given)
    }

    #[test]
    fn forms_as_they_come() {
        for (text, want) in [
            (&b""[..], Ok(vec![])),
            (b"a=1&b=2&c=3", Ok(vec![("a", "1"), ("b", "2")])),
            (b"a", Ok(vec![("a", "")])),
            (b"&&a=1&", Ok(vec![("a", "1")])),
            (b"a=x+y%20z%2B", Ok(vec![("a", "x y z+")])),
            (b"a=%2525", Ok(vec![("a", "%25")])),
            (b"a=x+y&b=%41", Ok(vec![("a", "x y"), ("b", "A")])),
            (b"a=1=2", Ok(vec![("a", "1=2")])),
            (b"a=100%&b=%zz", Ok(vec![("a", "100%"), ("b", "%zz")])),
            (b"%61=1", Ok(vec![("a", "1")])),
            (b"%D0%BF%D0%BE%D0%BB%D0%B5=%D0%9C", Ok(vec![("поле", "М")])),
            ("поле=М".as_bytes(), Ok(vec![("поле", "М")])),
            (b"a=1&a=1", Ok(vec![("a", "1")])),
            (b"a=1&a=2", Ok(vec![("a", "1")])),
            (b"c=1&c=2", Ok(vec![])),
            (b"a=%C8%E2%E0%ED&b=\xc8x", Ok(vec![("a", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"), ("b", "\u{fffd}x")])),
            (b"c=%FF&\xff=1&a=1", Ok(vec![("a", "1")])),
            (b"A=1&a =2", Ok(vec![])),
            (b"%FF%FF%FF%FF%FF%FF%FF%FF%FF=1&%61%61=1", Ok(vec![])),
        ] {
            let want = want.map(|fields| fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>());
            assert_eq!(parsed(text), want, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn two_values_are_refused_where_they_matter() {
        for (text, names, want) in [
            (&b"a=1&a=2"[..], &["a"][..], Err(FormError::Conflict("a"))),
            (b"a=1&a", &["b", "a"], Err(FormError::Conflict("a"))),
            (b"a=1&b=2&a=1", &["a", "b"], Ok(())),
            (b"a=1&a=2&a=1", &["a"], Err(FormError::Conflict("a"))),
            (b"a=1&a=2", &["b"], Ok(())),
        ] {
            let form = Form::parse(text, KNOWN).unwrap();
            assert_eq!(form.require_single(names), want, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn names_are_the_same_in_every_byte() {
        let name = b"abcdefghijklmnopqrst";
        for length in 0..=name.len() {
            let name = &name[..length];
            assert!(is_same(name, name));
            assert!(!is_same(name, &[name, b"a"].concat()));
            for at in 0..length {
                let mut other = name.to_vec();
                other[at] = b'_';
                assert!(!is_same(name, &other), "{length} {at}");
            }
        }
    }

    #[test]
    fn fields_by_their_prefix() {
        type Want = Result<Vec<(&'static [u8], &'static [u8])>, FormError>;
        let cases: [(&[u8], Want); 8] = [
            (b"", Ok(vec![])),
            (b"a=1&Shp=2&xShp_a=3", Ok(vec![])),
            (b"Shp_b=2&a=1&Shp_a=1", Ok(vec![(b"Shp_a", b"1"), (b"Shp_b", b"2")])),
            (b"shp_a=1&SHP_A=2&Shp_", Ok(vec![(b"SHP_A", b"2"), (b"Shp_", b""), (b"shp_a", b"1")])),
            (b"Shp%5Fa=%D0%9C&Shp_a=%D0%9C", Ok(vec![(b"Shp_a", "М".as_bytes())])),
            (b"Shp_a=1&Shp_a=2", Err(FormError::Conflict("Shp_"))),
            (b"Shp_a=%FF", Ok(vec![(b"Shp_a", b"\xff")])),
            (b"Shp_%FF=1", Ok(vec![(b"Shp_\xff", b"1")])),
        ];
        for (text, want) in cases {
            let got = prefixed(text, "Shp_");
            let got = got.as_ref().map(|fields| fields.iter().map(|field| (&*field.name, &*field.value)).collect::<Vec<_>>());
            assert_eq!(got.map_err(|error| *error), want, "{}", String::from_utf8_lossy(text));
        }
        let field = &prefixed(b"Shp%5Fa=%D0%9C", "Shp_").unwrap()[0];
        assert_eq!(field.encoded, [&b"Shp%5Fa"[..], b"%D0%9C"]);
    }

    #[test]
    fn all_fields_but_named_ones() {
        type Want = Result<Vec<(&'static [u8], &'static [u8])>, &'static str>;
        let cases: [(&[u8], Want); 5] = [
            (b"checksum=AB&sign_alias=1&sign_alias=2", Ok(vec![])),
            (b"status=1&checksum=AB&mdOrder=a%2Db", Ok(vec![(b"mdOrder", b"a-b"), (b"status", b"1")])),
            (b"b=1&Checksum=2&b=%31", Ok(vec![(b"Checksum", b"2"), (b"b", b"1")])),
            (b"a=%FF&&", Ok(vec![(b"a", b"\xff")])),
            (b"amount=1&amount=2&checksum=AB", Err("field-conflict")),
        ];
        for (text, want) in cases {
            let got = all_but(text, &["checksum", "sign_alias"]);
            let got = got.as_ref().map(|fields| fields.iter().map(|field| (&*field.name, &*field.value)).collect::<Vec<_>>());
            assert_eq!(got.map_err(|problem| problem.code.as_str()), want, "{}", String::from_utf8_lossy(text));
        }
        let many = |fields: usize| vec!["a=1"; fields].join("&");
        assert_eq!(all_but(many(FIELDS_MAX).as_bytes(), &[]).map(|fields| fields.len()).ok(), Some(1));
        assert_eq!(all_but(many(FIELDS_MAX + 1).as_bytes(), &[]).unwrap_err().code, "malformed");
    }

    #[test]
    fn a_field_that_a_setting_names() {
        for (text, want) in [
            (&b"ibox_txn_id=12+3&a=1"[..], Some("12 3")),
            (b"a=1&%69box_txn_id=%31", Some("1")),
            (b"ibox_txn_id=1&ibox_txn_id=%31", Some("1")),
            (b"ibox_txn_id=1&ibox_txn_id=2", None),
            (b"ibox_txn_id=1&ibox_txn_id", None),
            (b"a=1", Some("")),
        ] {
            assert_eq!(single(text, "ibox_txn_id").as_deref(), want, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_form_has_so_many_fields_and_no_more() {
        let form = |fields: usize| vec!["c=1"; fields - 1].join("&") + "&a=1";
        assert_eq!(parsed(form(FIELDS_MAX).as_bytes()), Ok(vec![("a", "1".to_owned())]));
        assert_eq!(parsed(form(FIELDS_MAX + 1).as_bytes()), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(a in "\\PC{0,40}|(?s).{0,10}", b in "[%+&=;a-zа-я0-9]{0,40}") {
            let text = encode([("a", a.as_str()), ("поле", b.as_str())]);
            prop_assert!(text.is_ascii());
            let form = Form::parse(text.as_bytes(), KNOWN).unwrap();
            prop_assert_eq!((form.get("a"), form.get("поле"), form.get("b")), (a.as_str(), b.as_str(), ""));
        }

        #[test]
        fn any_bytes_are_read_as_the_url_standard_reads_them(bytes in prop::collection::vec(prop::sample::select(&b"ab&=%+20F\xd0\x9c"[..]), 0..40)) {
            let standard: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
            let form = Form::parse(&bytes, KNOWN).unwrap();
            for name in KNOWN {
                let mut values = standard.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
                let first = values.next().map_or("", |value| value);
                prop_assert_eq!(form.get(name), first);
                prop_assert_eq!(form.require_single(&[name]).is_ok(), values.all(|value| value == first));
            }
        }
    }
}
