//! The client that asks billing, against servers that do what no billing should.

use std::sync::mpsc::{Receiver, channel};

use domain::{AccountQuery, AccountState, Currency, Money};
use host::{AccountPurpose, AccountQuestion, BillingAccounts, NoAccountAnswer};
use outbound::{BillingClient, BillingOptions};

use crate::certificates::CA;
use crate::client::LONG;
use crate::server::{Server, Step, write};

type Answer = Result<Option<AccountState>, NoAccountAnswer>;

const TOKEN: &str = "secret-token";

fn client(url: &str, trusts_ca: bool) -> BillingClient {
    let ca_file = trusts_ca.then(|| CA.file().to_owned());
    BillingClient::new(&BillingOptions { url: url.to_owned(), token: Some(TOKEN.to_owned().into()), ca_file }).unwrap()
}

fn begin(client: &BillingClient) -> Receiver<Answer> {
    let amount = Some(Money { minor_units: 12_345, currency: Currency::RUB });
    let query = AccountQuery { number: "100500".parse().unwrap(), amount, extra: Vec::new() };
    let question = AccountQuestion { provider: "osmp".parse().unwrap(), purpose: AccountPurpose::Payment, query };
    let (sender, receiver) = channel();
    client.find(question, Box::new(move |answer| sender.send(answer).unwrap()));
    receiver
}

/// The answer, which comes once.
fn end(receiver: &Receiver<Answer>) -> Answer {
    let answer = receiver.recv_timeout(LONG).expect("a question has an answer");
    assert!(receiver.recv_timeout(LONG).is_err(), "a question has one answer");
    answer
}

fn json(body: &str) -> Step {
    let length = body.len();
    write(&format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"))
}

fn check_failure(answer: Answer, is_sent: bool, words: &str) {
    let failure = answer.unwrap_err();
    assert!(failure.is_sent == is_sent && failure.reason.contains(words), "{failure:?}");
    assert!(!failure.reason.contains(TOKEN), "{failure:?}");
}

#[test]
fn question_is_posted_once_with_the_token() {
    let server = Server::https(&[Step::Read, json(r#"{"account": {"number": "100500", "holder": "Иванов И. И."}}"#)]);
    let client = client(&server.url("/find?by=number"), true);
    assert_eq!(client.address(), Some(format!("localhost:{}", server.port())));
    let state = end(&begin(&client)).unwrap().unwrap();
    assert_eq!((state.number.as_str(), state.holder.as_str(), state.refusal), ("100500", "Иванов И. И.", None));
    let request = String::from_utf8(server.requests().remove(0)).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /find?by=number HTTP/1.1\r\n"), "{head}");
    for header in [
        "authorization: Bearer secret-token",
        "content-type: application/json",
        "accept: application/json",
        &format!("host: localhost:{}", server.port()),
    ] {
        assert!(head.lines().any(|line| line == header), "{header}: {head}");
    }
    assert_eq!(
        body,
        r#"{"purpose":"payment","provider":"osmp","account":"100500","amount":{"minor_units":12345,"currency":"RUB"},"fields":{}}"#
    );
    assert_eq!(server.connections(), 1);
}

#[test]
fn billing_may_be_asked_over_http_on_this_machine() {
    let server = Server::start(None, &[Step::Read, json(r#"{"account": null}"#)]);
    let client = client(&format!("http://127.0.0.1:{}/", server.port()), false);
    assert_eq!((end(&begin(&client)), client.root_certificates()), (Ok(None), None));
}

#[test]
fn redirect_is_not_followed() {
    let target = Server::https(&[Step::Read, json(r#"{"account": null}"#)]);
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url("/"));
    let server = Server::https(&[Step::Read, write(&redirect)]);
    check_failure(
        end(&begin(&client(&server.url("/"), true))),
        true,
        "billing at localhost answered with the status 302; it must answer 200",
    );
    assert_eq!((server.connections(), target.connections()), (1, 0));
}

#[test]
fn another_server_is_not_asked() {
    let server = Server::https(&[Step::Read, json(r#"{"account": null}"#)]);
    let untrusted = end(&begin(&client(&server.url("/"), false)));
    // Where the system has no certificates either, that is the reason.
    check_failure(untrusted, false, "CA");
    assert!(server.requests().is_empty());
}

#[test]
fn answer_that_does_not_end_is_given_up_after_three_seconds() {
    const TIME: &str = "the call took longer than its 3 s";
    let servers = [
        Server::https(&[Step::Read, Step::Wait]),
        Server::https(&[Step::Read, write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"), Step::Drip(b" ")]),
    ];
    let clients = servers.each_ref().map(|server| client(&server.url("/"), true));
    let asked = clients.each_ref().map(begin);
    for answer in &asked {
        check_failure(end(answer), true, TIME);
    }
    assert_eq!(servers.each_ref().map(Server::connections), [1, 1], "nothing is sent again");
}

#[test]
fn broken_answers_are_none() {
    for (step, words) in [
        (Step::Cut, "gave no whole answer"),
        (Step::Reset, "gave no whole answer"),
        (write("+OK POP3\r\n\r\n"), "gave no whole answer"),
        (json(&" ".repeat((64 << 10) + 1)), "longer than the 65536 bytes"),
        (json("{\"account\": null"), "answered what is not as described: EOF"),
    ] {
        let server = Server::https(&[Step::Read, step]);
        check_failure(end(&begin(&client(&server.url("/"), true))), true, words);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn question_of_a_client_that_ends_has_an_answer() {
    let server = Server::https(&[Step::Read, Step::Wait]);
    let client = client(&server.url("/"), true);
    let asked = begin(&client);
    server.wait_for(1);
    drop(client);
    check_failure(end(&asked), true, "the call was given up");
}

/// The most that are asked at once, and one more, which waits.
#[test]
fn billing_is_asked_few_questions_at_once() {
    const AT_ONCE: usize = 32;
    let server = Server::https(&[Step::Read, Step::Wait]);
    let client = client(&server.url("/"), true);
    let asked: Vec<_> = (0..=AT_ONCE).map(|_| begin(&client)).collect();
    server.wait_for(AT_ONCE);
    assert_eq!(server.connections(), AT_ONCE);
    drop(client);
    let waiting = asked.iter().map(|asked| end(asked).unwrap_err()).filter(|failure| !failure.is_sent).count();
    assert_eq!(waiting, 1);
}
