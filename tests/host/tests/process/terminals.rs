//! Terminals: a system of them asks about accounts and reports payments, and is known by its address alone.

use std::sync::Barrier;

use end_to_end::component_path_of;
use host_tests::host::PROVIDER;
use host_tests::site::{OPERATOR, PASSWORD, add_operator};
use host_tests::{Folder, Host};
use stand_in::Method;
use stand_in::terminal::{Answer, Payment, Protocol, Terminal};
use support::{Client, Session};

const ACCOUNT: &str = "100500";
/// A system that is known here, one that copied its protocol and numbers payments by itself, Sber, and one that calls from elsewhere.
const SYSTEMS: [(&str, &str, &str); 4] = [
    ("osmp", "", "127.0.0.1/32"),
    ("ibox", "id-element = \"ibox_txn_id\"\nid-parameter = \"ibox_txn_id\"\n", "127.0.0.1/32"),
    ("sber", "protocol = \"sber\"\n", "127.0.0.1/32"),
    ("elsewhere", "", "203.0.113.0/24"),
];
const OSMP: Protocol = Protocol::Osmp("txn_id");

/// Starts a host on a folder with all systems of terminals.
fn start(folder: &Folder) -> Host {
    let mut command = folder.command();
    for (name, settings, addresses) in SYSTEMS {
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, settings).unwrap();
        command.arg("--component").arg(format!("{name}={}", component_path_of("osmp").display()));
        command.arg("--settings").arg(format!("{name}={}", file.display()));
        command.args(["--callback-from", &format!("{name}={addresses}")]);
    }
    folder.try_start(command).unwrap_or_else(|status| panic!("it ended: {status}\n{}", folder.log()))
}

fn terminal(host: &Host, name: &str, protocol: Protocol, method: Method) -> Terminal {
    Terminal::new(&format!("http://{}/callbacks/{name}", host.address), protocol, method).unwrap()
}

fn payment(number: &str, account: &str) -> Payment {
    let [number, account, sum, date] = [number, account, "10.45", "20261120100005"].map(str::to_owned);
    Payment { number, account, sum, date }
}

/// Returns the result of an answer, and the host's number where there is one.
fn result(answer: Result<Answer, String>) -> (String, Option<String>) {
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let [code, number] = ["result", "prv_txn"].map(|name| answer.value(name).map(str::to_owned));
    (code.unwrap_or_else(|| panic!("{}", answer.body)), number)
}

/// A payer finds the account, pays, and the account has the money once: whatever is repeated, and though the host dies.
#[test]
fn a_payment_at_a_terminal_is_credited_once() {
    let folder = Folder::default();
    add_operator(&folder);
    let host = start(&folder);
    let get = terminal(&host, "osmp", OSMP, Method::Get);
    let post = terminal(&host, "osmp", OSMP, Method::Post);
    host.api.put_account(ACCOUNT);
    let check = get.check("1", ACCOUNT, "10.45").unwrap();
    assert_eq!(check.value("result"), Some("0"), "{}", check.body);
    assert!(check.body.contains("<field1 name=\"FIO\">Иванов И. И.</field1>"), "{}", check.body);
    assert_eq!(result(get.status("1")), ("90".to_owned(), None), "a check is no payment");
    let paid = result(get.pay(&payment("1", ACCOUNT)));
    assert!(paid.0 == "0" && paid.1.is_some(), "{paid:?}");
    assert_eq!(result(post.pay(&payment("1", ACCOUNT))), paid, "a repetition has the same number");
    assert_eq!(result(get.status("1")), paid);
    // A payment of other money under the same number is another's.
    assert_eq!(result(get.pay(&Payment { sum: "900.00".to_owned(), ..payment("1", ACCOUNT) })).0, "300");
    assert_eq!(host.api.balance(ACCOUNT), 1_045);
    host.kill();

    let host = start(&folder);
    let get = terminal(&host, "osmp", OSMP, Method::Get);
    assert_eq!(result(get.pay(&payment("1", ACCOUNT))), paid, "also after a crash");
    assert_ne!(result(get.pay(&payment("2", ACCOUNT))).1, paid.1);
    assert_eq!((host.api.balance(ACCOUNT), host.api.feed().len()), (2_090, 2));
    let client = Client::new(format!("http://{}", host.address));
    let statistics = Session::log_in(&client, OPERATOR, PASSWORD).get("/operator/statistics");
    assert_eq!(statistics.text().matches("Пополнение баланса через терминал").count(), 2, "{}", statistics.text());
}

/// A mistyped account leaves nothing behind, and the payer can try again once it exists.
#[test]
fn an_unknown_account_takes_no_payment() {
    let folder = Folder::default();
    let host = start(&folder);
    let get = terminal(&host, "osmp", OSMP, Method::Get);
    assert_eq!(result(get.check("1", ACCOUNT, "10.45")), ("5".to_owned(), None));
    assert_eq!(result(get.pay(&payment("1", ACCOUNT))), ("5".to_owned(), None));
    assert_eq!(result(get.pay(&payment("2", "1005OO"))), ("4".to_owned(), None));
    assert_eq!((host.api.feed(), host.api.unmatched()), (vec![], vec![]), "nothing was paid");
    host.api.put_account(ACCOUNT);
    assert_eq!(result(get.pay(&payment("1", ACCOUNT))).0, "0");
    assert_eq!(host.api.balance(ACCOUNT), 1_045);
}

/// A payment system that hears nothing for long sends again while the first request is still under way.
#[test]
fn payments_of_one_number_at_once_are_one() {
    const AT_ONCE: usize = 16;
    let folder = Folder::default();
    let host = start(&folder);
    host.api.put_account(ACCOUNT);
    let ready = Barrier::new(AT_ONCE);
    let mut results: Vec<_> = std::thread::scope(|scope| {
        let pay = || {
            let get = terminal(&host, "osmp", OSMP, Method::Get);
            ready.wait();
            result(get.pay(&payment("1", ACCOUNT)))
        };
        let running: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(pay)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    results.dedup();
    assert!(results.len() == 1 && results[0].0 == "0", "{results:?}");
    assert_eq!((host.api.balance(ACCOUNT), host.api.feed().len()), (1_045, 1));
}

/// Every system numbers its payments by itself, and none but the known addresses is believed.
#[test]
fn systems_of_terminals_do_not_meet() {
    let folder = Folder::default();
    let host = start(&folder);
    host.api.put_account(ACCOUNT);
    let osmp = terminal(&host, "osmp", OSMP, Method::Get);
    let ibox = terminal(&host, "ibox", Protocol::Osmp("ibox_txn_id"), Method::Post);
    let (first, second) = (result(osmp.pay(&payment("1", ACCOUNT))), ibox.pay(&payment("1", ACCOUNT)).unwrap());
    assert_eq!((second.value("result"), second.value("ibox_txn_id")), (Some("0"), Some("1")), "{}", second.body);
    assert_ne!(second.value("prv_txn"), first.1.as_deref());
    let sber = terminal(&host, "sber", Protocol::Sber, Method::Get);
    let paid = Payment { date: "20.11.2026_10:00:05".to_owned(), ..payment("1", ACCOUNT) };
    let codes = [sber.check("", ACCOUNT, "10.45"), sber.pay(&paid), sber.pay(&paid)].map(|answer| {
        let answer = answer.unwrap();
        let [code, number] = ["CODE", "EXT_ID"].map(|name| answer.value(name).unwrap_or_default().to_owned());
        (code, number)
    });
    assert_eq!([&*codes[0].0, &*codes[1].0, &*codes[2].0], ["0", "0", "8"], "{codes:?}");
    assert!(!codes[1].1.is_empty() && codes[1].1 == codes[2].1, "{codes:?}");
    assert_eq!(host.api.balance(ACCOUNT), 3 * 1_045);
    let stranger = terminal(&host, "elsewhere", OSMP, Method::Get).pay(&payment("1", ACCOUNT)).unwrap();
    assert_eq!((stranger.status, stranger.value("result")), (403, None), "{}", stranger.body);
    let page = terminal(&host, PROVIDER, OSMP, Method::Get).pay(&payment("1", ACCOUNT)).unwrap();
    assert_eq!(page.status, 403, "a payment system that signs is not told by terminals");
    assert_eq!(host.api.balance(ACCOUNT), 3 * 1_045);
}

/// Money goes back as long as the account has it, once.
#[test]
fn a_payment_is_cancelled_while_the_money_is_there() {
    let folder = Folder::default();
    let host = start(&folder);
    host.api.put_account(ACCOUNT);
    let get = terminal(&host, "osmp", OSMP, Method::Get);
    let paid = result(get.pay(&payment("1", ACCOUNT)));
    assert_eq!(result(get.cancel("9", "7")), ("251".to_owned(), None), "there is no such payment");
    let cancelled = result(get.cancel("9", "1"));
    assert_eq!(cancelled, paid);
    assert_eq!(result(get.cancel("9", "1")), cancelled, "a repetition");
    assert_eq!((result(get.status("1")).0, host.api.balance(ACCOUNT)), ("300".to_owned(), 0));
    result(get.pay(&payment("2", ACCOUNT)));
    assert_eq!(host.api.writeoffs(ACCOUNT, &["w-1".to_owned()], "Доступ в интернет"), 200);
    assert_eq!(result(get.cancel("10", "2")), ("251".to_owned(), None), "it is spent");
    assert_eq!(host.api.balance(ACCOUNT), 1_044);
}
