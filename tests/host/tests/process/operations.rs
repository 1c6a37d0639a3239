//! What concerns an administrator: system limits, memory, and the log.

use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use end_to_end::component_path;
use host_tests::host::{PROVIDER, program, succeed};
use host_tests::{Api, CallbackSpec, Folder, Host};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::wire::send;

const ACCOUNT: &str = "100500";
const PRICE: i64 = 10_000;

/// Starts a host after running some shell code.
fn start_after(first: &str) -> (Folder, Host) {
    let folder = Folder::default();
    let host = folder.try_start(folder.command_of(&program(), &component_path(), first)).unwrap();
    host.api.put_account(ACCOUNT);
    (folder, host)
}

/// Opens a page through a reverse proxy.
fn open_through_proxy(host: &Host, forwarded: &str) {
    let head = "GET /operator/login HTTP/1.1\r\nhost: x\r\nconnection: close";
    let mut answer = String::new();
    send(host.address, &format!("{head}\r\nx-forwarded-for: {forwarded}\r\n\r\n")).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Returns how many lines of the log contain these words, once there is one. Fails after a while.
fn lines_with(folder: &Folder, words: &str) -> usize {
    let began = Instant::now();
    loop {
        match folder.log().lines().filter(|line| line.contains(words)).count() {
            0 => assert!(began.elapsed().as_secs() < 30, "no line has {words:?}:\n{}", folder.log()),
            count => return count,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Hashing a password takes 19 MiB. A client that disconnects before its hash is done must not let the next one start.
#[test]
fn abandoned_logins_are_hashed_one_at_a_time() {
    let (_folder, host) = start_after("");
    host.forget_memory_peak();
    let before = host.memory_kilobytes("VmHWM");
    for attempt in 0..40 {
        let body = format!("csrf=x&operator=nobody-{attempt}&password=wrong-password-1");
        let head = "POST /operator/login HTTP/1.1\r\nhost: x\r\ncookie: login=x";
        let kind = "content-type: application/x-www-form-urlencoded";
        let stream = send(host.address, &format!("{head}\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        // Long enough for its hash to start, and too short for all of them to finish.
        std::thread::sleep(Duration::from_millis(20));
        drop(stream);
    }
    // The last ones are still being hashed.
    std::thread::sleep(Duration::from_secs(1));
    let grown = host.memory_kilobytes("VmHWM") - before;
    assert!((15_000..30_000).contains(&grown), "{grown} KB for logins");
}

#[test]
fn silent_connections_give_way_when_descriptors_run_out() {
    let (folder, host) = start_after("ulimit -n 64;");
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(host.address).unwrap()).collect();
    // An idle connection of the client before may be the one that gives way, as it is used again.
    let api = Api::new(host.address, &std::fs::read_to_string(folder.data().join("token")).unwrap());
    let order = api.try_order(ACCOUNT, PRICE).unwrap_or_else(|| panic!("no order is made: {}", folder.log()));
    assert_eq!(api.callback(&CallbackSpec::payment(&order, 1, PRICE).body()), 200);
    drop(silent);
    assert_eq!(lines_with(&folder, "raise the limit of open files"), 1, "{}", folder.log());
}

#[test]
fn file_size_limit_is_like_a_full_disk() {
    let (folder, host) = start_after("trap - XFSZ;");
    let body = CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), 1, PRICE).body();
    host.limit_files(Some(std::fs::metadata(folder.data().join("ledger.db-wal")).unwrap().len()));
    assert_eq!(host.api.callback(&body), 503);
    host.limit_files(None);
    assert_eq!(host.api.callback(&body), 200);
}

#[test]
fn too_little_address_space_is_explained() {
    let folder = Folder::default();
    let status = folder.try_start(folder.command_of(&program(), &component_path(), "ulimit -v 4000000;")).err().unwrap();
    assert_eq!(status.code(), Some(5), "{}", folder.log());
    assert!(folder.log().contains("cannot reserve its address space"), "{}", folder.log());
    assert!(folder.log().contains("ulimit -v"), "{}", folder.log());
}

#[test]
fn unused_or_unreadable_proxy_header_is_logged() {
    let (folder, host) = start_after("");
    (0..3).for_each(|_| open_through_proxy(&host, "192.0.2.1"));
    assert_eq!(lines_with(&folder, "add --trusted-proxy-header x-forwarded-for"), 1, "{}", folder.log());
    drop(host);

    let folder = Folder::default();
    let mut command = folder.command();
    command.args(["--trusted-proxy-header", "x-forwarded-for"]);
    let host = folder.try_start(command).unwrap();
    open_through_proxy(&host, "[2001:db8::1]:4711");
    (0..3).for_each(|_| open_through_proxy(&host, "unknown"));
    assert_eq!(lines_with(&folder, "the trusted proxy header contains no readable address"), 1, "{}", folder.log());
}

/// What is made anew is said, and a ledger that was there is not replaced by an empty one.
#[test]
fn lost_ledger_is_not_replaced_silently() {
    let (folder, host) = start_after("");
    for made in ["a new ledger was created", "a new key was created", "a new token was created"] {
        assert_eq!(lines_with(&folder, made), 1, "{}", folder.log());
    }
    assert!(host.stop().success());
    let file = |name: &str| folder.data().join(name);
    assert!(!file("ledger.db-wal").exists(), "a host that was asked to end leaves all commits in the database itself");
    let refused = |words: &str| {
        let before = folder.log().len();
        assert_eq!(folder.try_start(folder.command()).err().unwrap().code(), Some(2));
        assert!(folder.log().split_off(before).contains(words), "{words}:\n{}", folder.log());
        assert!(!file("ledger.db").exists(), "{words}");
    };
    std::fs::rename(file("ledger.db"), folder.path().join("copy.db")).unwrap();
    refused("ledger.mark says that its last commit is number");
    let check = || {
        let output = Command::new(program()).args(["ledger", "check", "--data"]).arg(folder.data()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = check();
    assert!(code == Some(3) && said.contains("ledger.db is missing, but"), "{code:?} {said}");
    std::fs::remove_file(file("ledger.mark")).unwrap();
    refused("providers.lock names chronopay");
    assert_eq!(check().0, Some(2), "there is nothing to check");
    let mut command = folder.command();
    command.arg("--accept-loss");
    drop(folder.try_start(command).unwrap());
    assert_eq!(lines_with(&folder, "a new ledger was created"), 2, "{}", folder.log());
}

/// Lock and components are gone, and the command line gives them again: nothing of that is an error.
#[test]
fn lock_and_components_come_back_by_the_command_line() {
    let (folder, host) = start_after("");
    let component = host.api.in_use(PROVIDER);
    assert!(host.stop().success());
    std::fs::remove_dir_all(folder.data().join("components")).unwrap();
    std::fs::remove_file(folder.data().join("providers.lock")).unwrap();
    let before = folder.log().len();
    let mut command = folder.command();
    command.arg("--restore-lock");
    let host = folder.try_start(command).unwrap();
    assert_eq!(host.api.in_use(PROVIDER), component);
    let log = folder.log().split_off(before);
    assert!(log.contains("the component was added to providers.lock"), "{log}");
    assert!(!log.contains("ERROR") && !log.contains("providers.lock was restored"), "{log}");
}

/// A service's command line goes on naming what an operator removed.
#[test]
fn removed_provider_stays_removed_after_restart() {
    let (folder, host) = start_after("");
    let component = host.api.in_use(PROVIDER);
    let body = CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), 1, PRICE).body();
    assert_eq!(host.api.remove(PROVIDER), 204);
    assert!(host.stop().success());
    let mut command = folder.command();
    command.args(["--callback-from", &format!("{PROVIDER}=127.0.0.1")]);
    let host = folder.try_start(command).unwrap_or_else(|status| panic!("{status}\n{}", folder.log()));
    assert_eq!(host.api.callback(&body), 503, "it credits nothing");
    assert_eq!(lines_with(&folder, "an operator removed this provider; add it again"), 1, "{}", folder.log());
    // It comes back as the log says.
    assert_eq!(host.api.try_swap(PROVIDER, &end_to_end::component()).unwrap().0, 200);
    assert_eq!((host.api.in_use(PROVIDER), host.api.callback(&body)), (component.clone(), 200));
    assert!(host.stop().success());
    let host = folder.start();
    assert_eq!((host.api.in_use(PROVIDER), host.api.callback(&body)), (component, 200));
}

/// A reload is asked for while the ledger is being opened: the start goes on, and the lock is read once it serves.
#[test]
fn sighup_during_start_is_remembered() {
    let (folder, host) = start_after("");
    assert!(host.stop().success());
    // The start waits for the database, whose lock is another's.
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let owner = || std::fs::read_to_string(folder.data().join("serve.lock")).unwrap();
    let before = owner();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| folder.try_start(folder.command()));
        let began = Instant::now();
        while owner() == before || !owner().ends_with('\n') {
            assert!(began.elapsed().as_secs() < 30, "it does not start:\n{}", folder.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        succeed(Command::new("kill").args(["-HUP", owner().trim()]));
        other.execute_batch("ROLLBACK").unwrap();
        let host = starting.join().unwrap().unwrap_or_else(|status| panic!("{status}\n{}", folder.log()));
        assert_eq!(lines_with(&folder, "providers.lock was read again"), 1, "{}", folder.log());
        drop(host);
    });
}

/// The log says what was done, not what was merely attempted.
#[test]
fn refused_decision_is_not_logged() {
    let (folder, host) = start_after("");
    assert_eq!(host.api.callback(&CallbackSpec::payment("of-another-billing", 1, PRICE).body()), 200);
    let decide = |account: &str| {
        let body = json!({"account": account, "operator": "anna", "comment": "по чеку"});
        host.api.try_post("/unmatched/1/credit", &body).unwrap()
    };
    let (status, problem) = decide("nobody");
    assert_eq!((status, &problem["status"]), (422, &Value::from(422)), "{problem}");
    assert!(!folder.log().contains("an operator credited an unmatched event"), "{}", folder.log());
    assert_eq!(decide(ACCOUNT).0, 200);
    assert_eq!(lines_with(&folder, "an operator credited an unmatched event"), 1);
}

#[test]
fn locked_database_is_named_in_the_answer() {
    let (folder, host) = start_after("");
    let other = Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let order =
        json!({"account": ACCOUNT, "amount": {"minor_units": PRICE, "currency": "RUB"}, "description": "Пополнение баланса"});
    let (status, problem) = host.api.try_post("/links", &order).unwrap();
    assert_eq!(status, 503, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("another process holds a lock on the ledger's database"), "{detail}");
}
