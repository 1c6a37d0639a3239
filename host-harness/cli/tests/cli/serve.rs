//! The program as a server, and its data folder.

use std::io::Read as _;
use std::net::TcpListener;

use serde_json::{Value, json};
use support::{Client, Program};

use super::{GENUINE, Place};

/// What may pass by itself has an exit code of its own, so that a service manager starts the program again.
#[test]
fn exit_code_says_whether_another_start_may_help() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let serve = format!("serve --data data --listen {address} --public-url https://billing.example.ru");
    let run = |arguments: &str, filter: &str| {
        let output = place.command(arguments).env("HARNESS_LOG", filter).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&serve, "");
    assert!(code == Some(1) && said.contains("cannot listen on"), "{code:?} {said}");
    let locked = rusqlite::Connection::open(place.path("data/ledger.db")).unwrap();
    locked.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (code, said) = run(&serve, "info");
    assert!(code == Some(1) && said.contains("another process holds a lock"), "{code:?} {said}");
    let (code, said) = run(&serve, "warning");
    assert!(code == Some(2) && said.contains("HARNESS_LOG takes error, warn, info"), "{code:?} {said}");
}

/// A folder that is a slip of the pen is not filled by an operator whose password is refused.
#[test]
fn refused_password_creates_no_ledger() {
    let place = Place::new();
    assert_eq!(place.run("operator anna --data slip", "12345\n").status.code(), Some(2));
    assert!(!place.path("slip").exists());
}

#[test]
fn serve_records_payment_and_ends_on_sigterm() {
    let place = Place::new();
    let arguments = "serve --data data --listen 127.0.0.1:0 --public-url https://billing.example.ru --component \
        chronopay=COMPONENT --settings chronopay=settings.toml";
    let component = place.command("inspect COMPONENT").get_args().nth(1).unwrap().to_owned();
    let arguments = arguments.replace("COMPONENT", component.to_str().unwrap());
    let mut token = String::new();
    for round in 0..2 {
        let log = std::fs::File::create(place.path("log")).unwrap();
        let server = Program::start(place.command(&arguments).env_remove("HARNESS_TOKEN").stderr(log)).unwrap();
        let client = Client::new(format!("http://{}", server.address));
        let kept = std::fs::read_to_string(place.path("data/token")).unwrap();
        assert!(kept.len() == 64 && (token.is_empty() || token == kept), "the token stays");
        token = kept;
        let api = |method: &str, path: &str, body: &Value| client.api(method, path, &token, body).unwrap();
        if round == 0 {
            assert_eq!(api("PUT", "/api/v1/accounts/1", &json!({"name": "Иванов", "kind": "individual"})).status, 200);
        }
        // The order 42 is not in this ledger: the payment waits for the operator, once.
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = client.send("POST", "/callbacks/chronopay", &headers, GENUINE.as_bytes()).unwrap();
        assert_eq!((reply.status, reply.text()), (200, "OK"), "{round}");
        let waiting = api("GET", "/api/v1/unmatched", &Value::Null).text().to_owned();
        assert_eq!(waiting.matches("unknown-order").count(), 1, "{waiting}");
        assert!(server.stop().success());
        let log = std::fs::read_to_string(place.path("log")).unwrap();
        assert!(log.contains("a callback was accepted") && log.contains("56244472") && !log.contains("TestSharedSec"), "{log}");
    }
    std::fs::write(place.path("large.wasm"), vec![0; (4 << 20) + 1]).unwrap();
    for (arguments, words) in [
        (arguments.replace("--settings chronopay", "--settings other"), "add --component other=FILE"),
        (arguments.replace("https://", "ftp://"), "--public-url takes an address"),
        (arguments.replace("example.ru", "example.ru?x"), "--public-url takes an address"),
        (arguments.replace("example.ru", "example.ru/pay"), "and not under a path"),
        (arguments.replace("billing.example.ru", "оплата.рф/pay"), "and not under a path"),
        (arguments.replace("billing.example.ru", "оплата?рф"), "--public-url takes an address"),
        (
            format!("{arguments} --utc-offset 13"),
            "whole hours from -11 to 12, such as 3 for Moscow (UTC+3); beyond that, a write-off",
        ),
        (format!("{arguments} --utc-offset -12"), "whole hours from -11 to 12"),
        (format!("{arguments} --utc-offset 5:30"), "whole hours from -11 to 12"),
        ("ledger check --data data --utc-offset 15".to_owned(), "whole hours from -12 to 14"),
        ("swap a COMPONENT --time-ms-max 0".to_owned(), "'--time-ms-max <N>': with a limit of 0 every call would fail"),
        ("swap a COMPONENT --fuel-max 0".to_owned(), "'--fuel-max <N>': with a limit of 0 every call would fail"),
        ("swap a COMPONENT --export-fuel-max 0".to_owned(), "'--export-fuel-max <N>': with a limit of 0"),
        ("swap a COMPONENT --memory-bytes-max much".to_owned(), "a limit is a whole number of at least 1"),
        (
            "swap a large.wasm --token-file data/token".to_owned(),
            "cannot use large.wasm: it has 4194305 bytes, and a component may have at most 4194304 (4 MiB)",
        ),
        (format!("{arguments} --callback-from chronopay=10.0.0"), "is not an address"),
        (format!("{arguments} --call-ca-file settings.toml"), "the CA file settings.toml has no certificate"),
        (format!("{arguments} --call-lan-host 127.0.0.1"), "it is not an address of a local network"),
        (format!("{arguments} --accounts-url billing.example.ru"), "begins neither with https:// nor with http://"),
        (format!("{arguments} --accounts-url http://1.1.1.1/accounts"), "http:// leads to a public address"),
        (format!("{arguments} --accounts-url https://a:b@billing.example.ru/"), "it has a user name or password"),
        (format!("{arguments} --accounts-url https://billing.example.ru/#a"), "it has a fragment"),
        (format!("{arguments} --accounts-token-file settings.toml"), "--accounts-url"),
        (
            format!("{arguments} --accounts-url https://billing.example.ru/ --accounts-token-file settings.toml"),
            "it is not one line of 16 or more ASCII characters",
        ),
        (format!("{arguments} --accounts-url https://billing.example.ru/ --accounts-token-file nowhere"), "nowhere"),
        (format!("{arguments} --trusted-proxy 10.0.0.0/8"), "--trusted-proxy-header"),
        (
            format!("{arguments} --trusted-proxy-header x-forwarded-for --trusted-proxy 10.0.0/8"),
            "--trusted-proxy <ADDRESSES>': \"10.0.0/8\" is not an address",
        ),
        (arguments.replace("--component chronopay", "--component chrono pay"), "unexpected argument"),
        (
            arguments.replace("--component chronopay", "--component chrono/pay"),
            "invalid value for '--component <NAME=FILE>': the name before = is \"chrono/pay\"; letters, digits and hyphens",
        ),
        (format!("{arguments} --settings chronopay=other.toml"), "--settings chronopay=… is given twice"),
    ] {
        let output = place.run(&arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{error}");
    }
    #[cfg(unix)]
    private_files_are_looked_at(&place, &arguments);
    calls_go_by_the_options(&place, &arguments);
    let output = place.command(&arguments).env("HARNESS_TOKEN", "short").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("openssl rand -hex 32"));
}

#[test]
fn commands_on_running_host_say_what_is_wrong() {
    let place = Place::new();
    let serve = "serve --data data --listen 127.0.0.1:0 --public-url https://billing.example.ru";
    let log = std::fs::File::create(place.path("log")).unwrap();
    let server = Program::start(place.command(serve).env_remove("HARNESS_TOKEN").stderr(log)).unwrap();
    place.write("empty", "\n");
    place.write("words", "no token\n");
    for (arguments, words) in [
        ("provider nosuch --token-file data/token --host http://HOST", "there is no provider nosuch"),
        ("provider nosuch --json --token-file data/token --host http://HOST", "there is no provider nosuch"),
        ("provider nosuch --pause --token-file data/token --host http://HOST", "nothing was changed"),
        ("provider --token-file data/token --host HOST", "write http:// before it"),
        ("swap a --back --token-file data/token --host HOST", "write http:// before it"),
        ("provider --token-file empty --host http://HOST", "empty holds no token"),
        ("provider --token-file words --host http://HOST", "words holds no token"),
        ("provider --token-file data/token --host http://127.0.0.1:1", "does not answer"),
    ] {
        let output = place.run(&arguments.replace("HOST", &server.address.to_string()), "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains(words), "{arguments}: {:?} {error}", output.status.code());
    }
    let output = place.run(&format!("provider --token-file data/token --host http://{}", server.address), "");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"there is no provider yet\n"[..]));
}

#[test]
fn swap_that_the_host_breaks_off_says_so() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let breaking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // It is closed with much of the request unread, so that the connection is reset.
        stream.read_exact(&mut [0]).unwrap();
    });
    let output = place.run(&format!("swap a COMPONENT --token-file body.txt --host http://{address}"), "");
    breaking.join().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let words = format!("the host at http://{address} closed the connection before it answered");
    assert!(output.status.code() == Some(2) && error.contains(&words) && error.contains("Its log says why"), "{error}");
}

#[test]
fn missing_component_file_is_unusable_everywhere() {
    let place = Place::new();
    for arguments in [
        "inspect nowhere.wasm",
        "check nowhere.wasm",
        "link nowhere.wasm --settings settings.toml --order order.json",
        "component nowhere.wasm --out made.wasm",
        "serve --data data --public-url https://billing.example.ru --component a=nowhere.wasm",
        "swap a nowhere.wasm --token-file body.txt",
    ] {
        let output = place.run(arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && error.contains("cannot use nowhere.wasm"), "{arguments}: {error}");
    }
}

/// The log and the API say by what calls to payment systems are made, without the proxy's password.
fn calls_go_by_the_options(place: &Place, arguments: &str) {
    let log = std::fs::File::create(place.path("log")).unwrap();
    let mut command = place.command(&format!("{arguments} --call-proxy-from-env"));
    let command = command.env("https_proxy", "http://name:hidden@proxy.lan:3128").env_remove("HARNESS_TOKEN");
    // No CA certificates are there.
    let server = Program::start(command.env("SSL_CERT_FILE", "none").env("SSL_CERT_DIR", "none").stderr(log)).unwrap();
    let token = std::fs::read_to_string(place.path("data/token")).unwrap();
    let client = Client::new(format!("http://{}", server.address));
    let calls = client.api("GET", "/api/v1/calls", &token, &Value::Null).unwrap().json();
    assert_eq!(calls["proxy"], "proxy.lan:3128");
    assert!(calls["calls"].as_array().unwrap().iter().all(|call| call["answered"] == 0), "{calls}");
    drop(server);
    let log = std::fs::read_to_string(place.path("log")).unwrap();
    let says = |words: &str| log.contains(words);
    assert!(says("go by a proxy") && says("proxy.lan:3128") && says("has no CA certificates") && !says("hidden"), "{log}");
}

/// A key that others may read is told of, with the remedy, and is no reason not to serve.
#[cfg(unix)]
fn private_files_are_looked_at(place: &Place, arguments: &str) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |name: &str, mode: u32| std::fs::set_permissions(place.path(name), PermissionsExt::from_mode(mode)).unwrap();
    let is_private = place.path("data").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(is_private, 0o700, "the folder is made for its owner alone");
    mode("data", 0o755);
    mode("data/key", 0o644);
    let log = std::fs::File::create(place.path("log")).unwrap();
    drop(Program::start(place.command(arguments).env_remove("HARNESS_TOKEN").stderr(log)).unwrap());
    let log = std::fs::read_to_string(place.path("log")).unwrap();
    for name in ["data", "data/key"] {
        assert!(log.contains(&format!("chmod go= {name}\n")), "{log}");
    }
    assert_eq!(log.matches("chmod go=").count(), 2, "{log}");
}

#[test]
fn operators_get_passwords_and_ledger_is_checked() {
    let place = Place::new();
    for (name, password, words) in [
        ("anna", "correct horse battery", None),
        ("anna", "short", Some("at least 10 characters")),
        ("anna", "aaaaaaaaaa", Some("easy to guess")),
        ("an/na", "correct horse battery", Some("letters, digits")),
    ] {
        let output = place.run(&format!("operator {name} --data data"), &format!("{password}\n"));
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(if words.is_some() { 2 } else { 0 }), "{text}");
        assert!(
            text.contains(words.unwrap_or("the password of the operator anna was saved")) && !text.contains(password),
            "{text}"
        );
    }
    let run = |arguments: &str| {
        let output = place.run(arguments, "");
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    assert_eq!(run("operator --list --data data"), (Some(0), "anna\n".to_owned()));
    let (code, text) = run("operator nobody --remove --data data");
    assert!(code == Some(2) && text.contains("there is no operator nobody") && text.contains("--list"), "{text}");
    for arguments in ["operator --list --data nowhere", "operator anna --remove --data nowhere", "operator --data data"] {
        let (code, text) = run(arguments);
        assert!(code == Some(2) && !place.path("nowhere").exists(), "{arguments}: {text}");
    }
    let output = place.run("ledger check --data data", "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = place.run("ledger check --data nowhere", "");
    assert!(output.status.code() == Some(2) && !place.path("nowhere").exists(), "a check creates nothing");
}

/// A write-off that an older program accepted, dated a day that does not exist.
const OF_NO_DAY: &str = "
    INSERT INTO accounts (number, name, kind, contract, inn, kpp) VALUES ('100500', 'Иванов', 'individual', '', '', '');
    INSERT INTO entries (account, kind, minor_units, currency, comment, at) VALUES ('100500', 'write-off', -700, 'RUB', '', 1);
    INSERT INTO writeoffs (account, id, service_code, service, unit, period, date, quantity_thousandths, minor_units, currency, note,
        entry) VALUES ('100500', 'w-30', '', 'Интернет', '', 20260201, 20260230, 1000, 700, 'RUB', '', 1);
    INSERT INTO balances VALUES ('100500', 'RUB', -700);
    INSERT INTO hours VALUES (0, 'write-off', '', 'RUB', 1, -700)";

#[test]
fn ledger_check_reports_impossible_write_off_date() {
    let place = Place::new();
    assert!(place.run("operator anna --data data", "correct horse battery\n").status.success());
    let database = rusqlite::Connection::open(place.path("data/ledger.db")).unwrap();
    database.execute_batch(OF_NO_DAY).unwrap();
    let output = place.run("ledger check --data data", "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("write-off-day w-30: of the account 100500, 7.00 RUB: its day is 2026-02-30"), "{text}");
    let decision = "INSERT INTO exclusions (writeoff, operator, reason, at) VALUES ('w-30', 'anna', 'дубль', 1)";
    database.execute(decision, []).unwrap();
    let output = place.run("ledger check --data data", "");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
