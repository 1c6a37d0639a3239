//! Payment systems that ask billing: what it agrees to is entered, and the reply says what became of it.

use serde_json::json;

use crate::server::Server;
use crate::swap::{KEY, made_up};

/// Tops up an account by the made-up payment system, and returns the status and the reply.
fn top_up(server: &Server, payment: &str, account: &str) -> (u16, String) {
    let body = top_up_body(payment, account);
    let mut answer = server.agent.post(server.url("/callbacks/made-up/pay")).send(body).unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

/// Returns the request that asks billing to agree to a payment of an account.
pub fn top_up_body(payment: &str, account: &str) -> String {
    let signed = format!("{KEY}top-up{payment}100500100.00;{account};RUB;17");
    let sign = end_to_end::md5_hex(&[signed.as_bytes()]);
    format!("type=top-up&payment={payment}&payer=100500&amount=100.00&order={account}&currency=RUB&shop=17&sign={sign}")
}

/// A payment of an account, to which billing is asked to agree: it is credited once, every repetition gets the same number, and one
/// that billing refuses leaves nothing.
#[test]
fn wanted_payments_of_accounts_are_entered_once_and_replied_with_their_number() {
    let server = Server::with_made_up();
    let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    let pay = |payment: &str, account: &str| top_up(&server, payment, account);
    let (status, first) = pay("12345678", "100500");
    let number = first.strip_prefix("OK ").unwrap_or_else(|| panic!("{status} {first}"));
    assert!(status == 200 && number.len() == 13 && number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
    assert_eq!(pay("12345678", "100500"), (200, first.clone()), "a repetition has the same number");
    assert_eq!(server.balance(), 10_000);
    let (_, second) = pay("12345679", "100500");
    assert_ne!(second, first);
    assert_eq!(server.balance(), 20_000);
    assert_eq!(pay("12345680", "200600"), (200, "NO unknown-account".to_owned()));
    assert_eq!(server.get("/api/v1/unmatched").1["total"], 0, "nothing is kept of what billing refuses");
    let entries = server.get("/api/v1/entries").1["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 2, "{entries}");
    assert!(entries[0]["order"].is_null() && entries[0]["transaction"] == "12345678", "{entries}");
}

/// A provider that fails only when it is called for the reply that it left open: its event is entered, the payment system hears that it
/// is to come again, and then gets the reply to what was entered.
#[test]
fn reply_that_fails_is_given_to_the_repetition() {
    let server = Server::with_made_up();
    assert_eq!(server.swap("made-up", &made_up("fails-once-entered"), "").0, 200);
    let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
    assert_eq!(server.put("/api/v1/accounts/100500", &account).0, 200);
    assert_eq!(top_up(&server, "12345678", "100500").0, 503);
    assert_eq!(server.balance(), 10_000);
    assert_eq!(server.get("/api/v1/unrecognized").1["total"], 0, "it is entered, so that it is not kept besides");
    let (status, reply) = top_up(&server, "12345678", "100500");
    assert!(status == 200 && reply.starts_with("OK ") && reply.len() == 16, "{status} {reply}");
    assert_eq!(top_up(&server, "12345678", "100500"), (200, reply));
    assert_eq!(server.balance(), 10_000);
}
