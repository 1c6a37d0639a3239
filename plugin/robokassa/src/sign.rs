//! Robokassa's signatures: a hash of values and a password, joined by colons, in hexadecimal.

use kit::form::Parameter;
use kit::signature::{Hash, Secret, matches};

/// The field of the order's id among the merchant's own parameters.
pub const ORDER: &str = "Shp_order";

/// Signs a link: shop, sum, invoice, the receipt and the return addresses if the link has them, Password #1 and the order.
pub fn link(
    hash: Hash,
    [merchant_login, out_sum, inv_id]: [&str; 3],
    optional: &[&str],
    password_1: &Secret,
    order: &str,
) -> String {
    let mut parts = vec![merchant_login, ":", out_sum, ":", inv_id, ":"];
    for text in optional {
        parts.extend([text, ":"]);
    }
    parts.extend([password_1.expose(), ":", ORDER, "=", order]);
    hex::encode(hash.digest(&parts))
}

/// Signs a question about the state of an invoice: shop, invoice and Password #2.
pub fn operation_state(hash: Hash, [merchant_login, inv_id]: [&str; 2], password_2: &Secret) -> String {
    hex::encode(hash.digest(&[merchant_login, ":", inv_id, ":", password_2.expose()]))
}

/// Reports whether a notification's signature is valid. It covers the sum, the invoice, Password #2 and the merchant's own
/// parameters, sorted by name.
///
/// Some sites sign their parameters URL-encoded and some do not; some sort the names with regard to letter case and some
/// without. Robokassa repeats what the link had. All four signatures are made with the same password, so each of them counts.
pub fn notification_holds(
    hash: Hash,
    [out_sum, inv_id]: [&str; 2],
    password_2: &Secret,
    own: &[Parameter],
    signature: &str,
) -> bool {
    let holds = |own: &[&Parameter], is_encoded: bool| {
        let mut parts = [out_sum, ":", inv_id, ":", password_2.expose()].map(str::as_bytes).to_vec();
        for parameter in own {
            let [name, value] = if is_encoded { parameter.encoded } else { [&*parameter.name, &*parameter.value] };
            parts.extend([b":", name, b"=", value]);
        }
        matches(&hash.digest(&parts), signature)
    };
    let by_name: Vec<&Parameter> = own.iter().collect();
    if holds(&by_name, false) {
        return true;
    }
    let is_encoded = own.iter().any(|parameter| parameter.encoded != [&*parameter.name, &*parameter.value]);
    let mut without_case = by_name.clone();
    without_case.sort_by_key(|parameter| parameter.name.to_ascii_lowercase());
    let other_order = without_case != by_name;
    is_encoded && holds(&by_name, true)
        || other_order && holds(&without_case, false)
        || other_order && is_encoded && holds(&without_case, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::form::prefixed;

    // Expected values from Python's hashlib.
    #[test]
    fn links_by_each_hash() {
        let password = Secret::parse("TestPassword1").unwrap();
        for (hash, want) in [
            (Hash::Md5, "03139b6b295aa160800f290bf48dc5cd"),
            (Hash::Sha256, "f909733648b7c59847f5cc86fe84ad425f32c40f1ac1f88357685d9fd0606308"),
            (
                Hash::Sha512,
                "6479a00f37d42dc13f347e2ff5999033720f9d69f390d4ebda0cb70c78e472bc\
                 5811e2da2b55c91b5dc2e1e8d54a87eb501b729e75dab19ca29f020cd3da090f",
            ),
        ] {
            assert_eq!(link(hash, ["robo-demo-test", "100.00", "42"], &[], &password, "42"), want);
        }
    }

    #[test]
    fn questions_about_a_state() {
        // md5("demo:123:password") by Python's hashlib.
        let password = Secret::parse("password").unwrap();
        assert_eq!(operation_state(Hash::Md5, ["demo", "123"], &password), "9456c549e6ace4fc5403327cfe93168d");
    }

    #[test]
    fn own_parameters_are_signed_in_their_order() {
        let password = Secret::parse("TestPassword2").unwrap();
        let own = prefixed(b"Shp_login=Vasya&Shp_oplata=1", "Shp_").unwrap();
        // The documentation's example: 100.26:450009:TestPassword2:Shp_login=Vasya:Shp_oplata=1.
        let signature = "d9cc2eb47f272f11699f4ec43ef84ddc";
        assert!(notification_holds(Hash::Md5, ["100.26", "450009"], &password, &own, signature));
        assert!(!notification_holds(Hash::Md5, ["100.26", "450009"], &password, &own[..1], signature));
        assert!(!notification_holds(Hash::Md5, ["100.27", "450009"], &password, &own, signature));
        assert!(!notification_holds(Hash::Sha256, ["100.26", "450009"], &password, &own, signature));
    }

    #[test]
    fn own_parameters_may_be_signed_encoded_and_sorted_without_case() {
        let password = Secret::parse("TestPassword2").unwrap();
        for (form, signed) in [
            ("Shp_fio=%D0%98&Shp_order=42", "Shp_fio=И:Shp_order=42"),
            ("Shp_fio=%D0%98&Shp_order=42", "Shp_fio=%D0%98:Shp_order=42"),
            ("Shp_Z=1&Shp_a=2", "Shp_Z=1:Shp_a=2"),
            ("Shp_Z=1&Shp_a=2", "Shp_a=2:Shp_Z=1"),
            ("Shp_Z=%D0%98&Shp_a=2", "Shp_a=2:Shp_Z=%D0%98"),
        ] {
            let own = prefixed(form.as_bytes(), "Shp_").unwrap();
            let signature = hex::encode(Hash::Md5.digest(&["100.00:42:TestPassword2:", signed]));
            assert!(notification_holds(Hash::Md5, ["100.00", "42"], &password, &own, &signature), "{form} {signed}");
        }
        let own = prefixed(b"Shp_fio=%C8", "Shp_").unwrap();
        let signature = hex::encode(Hash::Md5.digest(&[&b"100.00:42:TestPassword2:Shp_fio=\xc8"[..]]));
        assert!(notification_holds(Hash::Md5, ["100.00", "42"], &password, &own, &signature), "bytes that are not UTF-8");
    }

    #[test]
    fn addresses_of_return_stand_before_the_password() {
        let password = Secret::parse("TestPassword1").unwrap();
        let returns = ["https://lk.example.ru/ok", "GET"];
        let signed = "shop:100.00:42:https://lk.example.ru/ok:GET:TestPassword1:Shp_order=42";
        let want = hex::encode(Hash::Md5.digest(&[signed]));
        assert_eq!(link(Hash::Md5, ["shop", "100.00", "42"], &returns, &password, "42"), want);
    }
}
