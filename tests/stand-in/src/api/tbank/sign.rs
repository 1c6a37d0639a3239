//! T-Bank's signature of requests and notifications.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Returns the Token: SHA-256, in hexadecimal, of the values of all fields but objects, arrays and `Token`, and of the password as
/// the field `Password`, in the order of their names.
pub fn token(fields: &Map<String, Value>, password: &str) -> String {
    let mut signed = BTreeMap::from([("Password", password.to_owned())]);
    for (name, value) in fields.iter().filter(|(name, _)| *name != "Token") {
        match value {
            Value::String(text) => signed.insert(name, text.clone()),
            Value::Number(number) => signed.insert(name, number.to_string()),
            Value::Bool(flag) => signed.insert(name, flag.to_string()),
            Value::Null | Value::Object(_) | Value::Array(_) => None,
        };
    }
    let values: String = signed.into_values().collect();
    hex::encode(Sha256::digest(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of T-Bank's documentation.
    #[test]
    fn published_tokens() {
        for (fields, password, want) in [
            (
                r#"{"TerminalKey":"MerchantTerminalKey","Amount":19200,"OrderId":"21090","Description":"Подарочная карта на 1000 рублей",
                    "DATA":{"Phone":"+71234567890"},"Receipt":{"Items":[]},"Token":"x"}"#,
                "usaf8fw8fsw21g",
                "0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9",
            ),
            (
                r#"{"TerminalKey":"1321054611234DEMO","OrderId":"201709","Success":true,"Status":"AUTHORIZED","PaymentId":8742591,
                    "ErrorCode":"0","Amount":9855,"CardId":322264,"Pan":"430000******0777","ExpDate":"1122","RebillId":101709}"#,
                "Dfsfh56dgKl",
                "b906d28e76c6428e37b25fcf86c0adc52c63d503013fdd632e300593d165766b",
            ),
        ] {
            assert_eq!(token(&serde_json::from_str(fields).unwrap(), password), want);
        }
    }
}
