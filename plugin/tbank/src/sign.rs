//! T-Bank's signature, the Token: SHA-256 over the scalar fields of a request's or notification's root.

use kit::signature::{Hash, Secret, matches};

/// The field of the signature.
pub const TOKEN: &str = "Token";
/// The name under which the password is sorted among the fields.
const PASSWORD: &str = "Password";

/// Signs fields, in any order: their values and the password are joined in the order of their names' bytes.
pub fn token(fields: &[(&str, &str)], password: &Secret) -> String {
    hex::encode(digest(fields, password))
}

/// Reports whether a signature is that of the fields.
pub fn holds(fields: &[(&str, &str)], password: &Secret, token: &str) -> bool {
    matches(&digest(fields, password), token)
}

fn digest(fields: &[(&str, &str)], password: &Secret) -> Vec<u8> {
    let mut all: Vec<(&str, &str)> = fields.iter().copied().filter(|(name, _)| *name != TOKEN).collect();
    all.push((PASSWORD, password.expose()));
    all.sort_by_key(|(name, _)| *name);
    let values: Vec<&str> = all.into_iter().map(|(_, value)| value).collect();
    Hash::Sha256.digest(&values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(fields: &[(&str, &str)], password: &str, want: &str) {
        let password = Secret::parse(password).unwrap();
        assert_eq!(token(fields, &password), want);
        assert!(holds(fields, &password, want) && holds(fields, &password, &want.to_uppercase()));
        assert!(!holds(fields, &password, &want.replace('0', "1")) && !holds(fields, &password, ""));
    }

    /// The examples of T-Bank's documentation, and of public integrations.
    #[test]
    fn published_tokens() {
        let init = |order, description| {
            let all =
                [("TerminalKey", "MerchantTerminalKey"), ("Amount", "19200"), ("OrderId", order), ("Description", description)];
            all.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>()
        };
        let description = "Подарочная карта на 1000 рублей";
        let want = "0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9";
        signs(&init("21090", description), "usaf8fw8fsw21g", want);
        let want = "72dd466f8ace0a37a1f740ce5fb78101712bc0665d91a8108c7c8a0ccd426db2";
        signs(&init("00000", description), "11111111111111", want);
        signs(
            &[
                ("TerminalKey", "1321054611234DEMO"),
                ("OrderId", "201709"),
                ("Success", "true"),
                ("Status", "AUTHORIZED"),
                ("PaymentId", "8742591"),
                ("ErrorCode", "0"),
                ("Amount", "9855"),
                ("CardId", "322264"),
                ("Pan", "430000******0777"),
                ("ExpDate", "1122"),
                ("RebillId", "101709"),
            ],
            "Dfsfh56dgKl",
            "b906d28e76c6428e37b25fcf86c0adc52c63d503013fdd632e300593d165766b",
        );
    }

    #[test]
    fn the_password_stands_among_the_fields_and_the_token_is_not_signed() {
        let password = Secret::parse("TestPassword1").unwrap();
        let fields = [("Status", "CONFIRMED"), ("OrderId", "42"), ("PaymentId", "7"), ("Token", "x")];
        // printf '42TestPassword17CONFIRMED' | openssl dgst -sha256
        assert_eq!(token(&fields, &password), "48b4e14905dc70eb8c4cae37f64c63ebf6811fcd1fca0d5b9e79194a95e53bbe");
        assert_eq!(token(&fields, &password), token(&fields[..3], &password));
    }
}
