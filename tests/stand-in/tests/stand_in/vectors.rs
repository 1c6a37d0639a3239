//! Recomputes the project's vectors of ChronoPay's signatures.

use serde_json::Value;
use stand_in::chronopay::{Callback, sign_callback, sign_request, types};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../data/chronopay/vectors.json")).unwrap()
}

#[test]
fn request_signatures_match_vectors() {
    let vectors = vectors();
    let secret = vectors["settings"]["shared-sec"].as_str().unwrap();
    let requests = vectors["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 4);
    for vector in requests {
        let (joined, _) = vector["signed"].as_str().unwrap().rsplit_once('-').unwrap();
        assert_eq!(sign_request(secret, &[joined]), vector["sign"], "{}", vector["name"]);
    }
    assert_eq!(sign_request(secret, &["001234-0001-0001", "100.00", "42"]), requests[1]["sign"]);
}

#[test]
fn callback_signatures_match_vectors() {
    let vectors = vectors();
    let secret = vectors["settings"]["shared-sec"].as_str().unwrap();
    let callbacks = vectors["callbacks"].as_array().unwrap();
    let mut unsigned = Vec::new();
    for vector in callbacks {
        let body = vector["body"].as_str().unwrap();
        let fields: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        let sign = fields.iter().find(|(name, _)| name == "sign").map_or("", |(_, value)| value);
        if !sign.eq_ignore_ascii_case(&sign_callback(secret, &fields)) {
            unsigned.push(vector["name"].as_str().unwrap());
        }
    }
    assert_eq!(unsigned, ["no sign", "sign of another secret", "total changed"]);
}

#[test]
fn built_callback_equals_vector() {
    let vectors = vectors();
    let secret = vectors["settings"]["shared-sec"].as_str().unwrap();
    for (at, transaction, transaction_type) in [
        (0, "56244472", types::PURCHASE),
        (1, "56244473", types::REFUND),
        (2, "56244474", "Rebill"),
        (3, "56244475", "onetime"),
        (4, "56244476", types::CHARGEBACK),
        (5, "56244477", types::DECLINE),
        (6, "56244478", "Preauth"),
    ] {
        let callback = Callback::new("42", transaction, transaction_type, "100.00").with("order_id", "42");
        assert_eq!(callback.signed(secret), vectors["callbacks"][at]["body"], "{transaction_type}");
    }
}
