//! Answers that the contract's types allow and its rules forbid.

use end_to_end::guest::{DATA, EVENT_COMMENT, EVENT_TIME, Guest, LINK_URL, REPLY_BODY, REPLY_HEADERS, REPLY_STATUS};
use end_to_end::order;

use super::{Call, callback, case, check, register, sandbox};

#[test]
fn answers_breaking_the_contract_are_refused() {
    let contract = "merchant.handle-callback: contract";
    let status = |status: u32| Guest::good().with(|guest| guest.answer[REPLY_STATUS] = status);
    let accepted = |minor_units: i64, transaction: &'static str, currency: &'static str, key: &'static str| {
        Guest::good().with(|guest| guest.accept(minor_units, transaction, currency, key))
    };
    let header = |name: &'static str, value: &'static str| {
        Guest::good().with(|guest| {
            let pair = [guest.text(name), guest.text(value)].concat();
            let list = guest.put_words(&pair);
            guest.answer[REPLY_HEADERS..REPLY_HEADERS + 2].copy_from_slice(&[list, 1]);
        })
    };
    let body =
        |length: u32| Guest::good().with(|guest| guest.answer[REPLY_BODY..REPLY_BODY + 2].copy_from_slice(&[DATA, length]));
    let description = |at: usize, text: &'static str| {
        Guest::good().with(|guest| {
            let text = guest.text(text);
            guest.description[at..at + 2].copy_from_slice(&text);
        })
    };
    let link = |url: &'static str| {
        Guest::good().with(|guest| {
            let url = guest.text(url);
            guest.link[LINK_URL..LINK_URL + 2].copy_from_slice(&url);
        })
    };
    // A payment with an optional text at a given position of its answer.
    let event = |at: usize, text: Option<&'static str>| {
        accepted(1, "1", "RUB", "k").with(|guest| {
            if let Some(text) = text {
                let text = guest.text(text);
                guest.event[at..at + 3].copy_from_slice(&[1, text[0], text[1]]);
            }
        })
    };
    let comment = |text: &'static str| {
        accepted(1, "1", "RUB", "k").with(|guest| {
            let text = guest.text(text);
            guest.event[EVENT_COMMENT..EVENT_COMMENT + 2].copy_from_slice(&text);
        })
    };
    let message = |chars: usize| {
        Guest::good().with(|guest| {
            let text = guest.text(&"ж".repeat(chars));
            guest.message[2..].copy_from_slice(&text);
        })
    };
    let twice = Guest::good().with(|guest| {
        let rub = guest.text("RUB");
        let currencies = guest.put_words(&[rub, rub].concat());
        guest.description[8..10].copy_from_slice(&[currencies, 2]);
    });
    let rows = |rows: u32| Guest::good().with(|guest| guest.totals[2] = rows);
    check(
        sandbox(),
        vec![
            case("status 200", status(200), callback(), "fine"),
            case("status 599", status(599), callback(), "fine"),
            case("status 99", status(99), callback(), contract),
            case("a redirect", status(302), callback(), contract),
            case("not modified", status(304), callback(), contract),
            case("status 600", status(600), callback(), contract),
            case("a header", header("content-type", "text/plain"), callback(), "fine"),
            case("a header of its own", header("x-request", "7"), callback(), "fine"),
            case("a page", header("content-type", "text/html"), callback(), contract),
            case("a cookie", header("set-cookie", "s=1; Path=/operator"), callback(), contract),
            case("an address", header("location", "https://evil.example"), callback(), contract),
            case("a length", header("content-length", "5"), callback(), contract),
            case("a coding", header("transfer-encoding", "chunked"), callback(), contract),
            case("a connection", header("connection", "keep-alive"), callback(), contract),
            case("a header in upper case", header("Content-Type", "text/plain"), callback(), contract),
            case("a header within a header", header("content-type", "text/plain\r\nx: y"), callback(), contract),
            case("a body", body(64 << 10), callback(), "fine"),
            case("a body with no content", body(1).with(|guest| guest.answer[REPLY_STATUS] = 204), callback(), contract),
            case("a body that is too long", body((64 << 10) + 1), callback(), contract),
            case("a payment", accepted(1, "1", "RUB", "k"), callback(), "fine"),
            case("a payment of nothing", accepted(0, "1", "RUB", "k"), callback(), contract),
            case("a payment of less", accepted(-1, "1", "RUB", "k"), callback(), contract),
            case("a payment without an id", accepted(1, "", "RUB", "k"), callback(), contract),
            case("a payment in no currency", accepted(1, "1", "руб", "k"), callback(), contract),
            case("a payment at a time", event(EVENT_TIME, Some("2026-11-27T10:00:00+03:00")), callback(), "fine"),
            case("a payment of yesterday", event(EVENT_TIME, Some("yesterday")), callback(), contract),
            case("a comment", event(EVENT_TIME, None), callback(), "fine"),
            case("a comment with a terminal's escape", comment("\u{1b}[2Jпополнение"), callback(), contract),
            case("a payment with a terminal's escape", accepted(1, "\u{1b}[2J", "RUB", "k"), callback(), contract),
            case("a payment without a key", accepted(1, "1", "RUB", ""), callback(), contract),
            case("a payment with a key that is no ASCII", accepted(1, "1", "RUB", "ключ"), callback(), contract),
            case(
                "a code that is none",
                Guest::good().with(|guest| guest.answer = guest.ignored("Not A Code")),
                callback(),
                contract,
            ),
            case("a link", link("https://x.ru/?a=1"), Call::Link(order()), "fine"),
            case("a link that runs", link("javascript:alert(1)"), Call::Link(order()), "merchant.create-link: contract"),
            case("a link that is no ASCII", link("https://лк.рф/"), Call::Link(order()), "merchant.create-link: contract"),
            case("no rows", rows(0), register(), "fine"),
            case("a row that was not there", rows(1), register(), "writeoff-export.finish: contract"),
            case(
                "an id",
                description(0, "Hostile One"),
                Call::Load,
                r#"load: description, id "Hostile One" is not kebab-case"#,
            ),
            case(
                "a version",
                description(4, "1.0"),
                Call::Load,
                r#"load: description, version "1.0" is not semantic, of at most 64 characters"#,
            ),
            case(
                "a version of 64 characters",
                description(4, "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                Call::Load,
                "fine",
            ),
            case(
                "a version of 65 characters",
                description(4, "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                Call::Load,
                r#"load: description, version "1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is not semantic, of at most 64 characters"#,
            ),
            case(
                "a currency twice",
                twice,
                Call::Load,
                "load: description, currencies are more than 256, or one is given twice",
            ),
            case("a message of 500 characters", message(500), callback(), "fine"),
            case("a message of 501 characters", message(501), callback(), contract),
            case(
                "a name that forges lines",
                description(2, "ChronoPay\n  imports     none"),
                Call::Load,
                "load: description, name is not 1 to 100 characters without control characters",
            ),
            case(
                "no name",
                description(2, ""),
                Call::Load,
                "load: description, name is not 1 to 100 characters without control characters",
            ),
            case(
                "no currencies",
                Guest::good().with(|guest| guest.description[9] = 0),
                Call::Load,
                "load: description, there are no currencies",
            ),
        ],
    );
}
