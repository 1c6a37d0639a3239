//! Robokassa's two signatures: a hash of values and a password, joined by colons, in hexadecimal.

use kit::signature::{Hash, Secret, matches};

/// The field of the order's id among the merchant's own parameters.
pub const ORDER: &str = "Shp_order";

/// Signs a link: shop, sum, invoice, Password #1 and the order.
pub fn link(hash: Hash, merchant_login: &str, out_sum: &str, inv_id: &str, password_1: &Secret, order: &str) -> String {
    let parts = [merchant_login, ":", out_sum, ":", inv_id, ":", password_1.expose(), ":", ORDER, "=", order];
    hex::encode(hash.digest(&parts))
}

/// Whether a notification's signature holds: sum, invoice, Password #2 and the merchant's own parameters, all as received, the
/// last in the order of their names.
pub fn notification_holds(
    hash: Hash,
    [out_sum, inv_id]: [&str; 2],
    password_2: &Secret,
    own: &[(String, String)],
    signature: &str,
) -> bool {
    let mut parts = vec![out_sum, ":", inv_id, ":", password_2.expose()];
    for (name, value) in own {
        parts.extend([":", name, "=", value]);
    }
    matches(&hash.digest(&parts), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    // By Python's hashlib.
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
            assert_eq!(link(hash, "robo-demo-test", "100.00", "42", &password, "42"), want);
        }
    }

    #[test]
    fn own_parameters_are_signed_in_their_order() {
        let password = Secret::parse("TestPassword2").unwrap();
        let own = [("Shp_login".to_owned(), "Vasya".to_owned()), ("Shp_oplata".to_owned(), "1".to_owned())];
        // 100.26:450009:TestPassword2:Shp_login=Vasya:Shp_oplata=1, the documentation's example.
        let signature = "d9cc2eb47f272f11699f4ec43ef84ddc";
        assert!(notification_holds(Hash::Md5, ["100.26", "450009"], &password, &own, signature));
        assert!(!notification_holds(Hash::Md5, ["100.26", "450009"], &password, &own[..1], signature));
        assert!(!notification_holds(Hash::Md5, ["100.27", "450009"], &password, &own, signature));
        assert!(!notification_holds(Hash::Sha256, ["100.26", "450009"], &password, &own, signature));
    }
}
