//! Disks that are really full or read-only, made in a mount namespace if the machine allows it.
//!
//! This is not an ordinary test: if it cannot run, it must not count as passed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use host_tests::host::succeed;
use host_tests::torture::audit_database;
use host_tests::{CallbackSpec, Folder};

/// Set in the process that may mount.
const INSIDE_VARIABLE: &str = "HOST_TESTS_MOUNTS";
const ACCOUNT: &str = "100500";
const PRICE: i64 = 10_000;

fn main() -> ExitCode {
    if std::env::var_os(INSIDE_VARIABLE).is_some() {
        a_full_disk();
        println!("a_full_disk ... ok");
        a_read_only_disk();
        println!("a_read_only_disk ... ok");
        if a_ledger_that_becomes_immutable() {
            println!("a_ledger_that_becomes_immutable ... ok");
        } else {
            println!("a_ledger_that_becomes_immutable ... NOT RUN: this disk or user makes no file immutable (chattr +i)");
        }
        return ExitCode::SUCCESS;
    }
    // As root, or else as root of a user namespace.
    for namespaces in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(namespaces).args(["--propagation", "private", "--"]);
            command
        };
        let mut probe = unshare();
        probe.args(["mount", "-t", "tmpfs", "none", "/mnt"]).stdout(Stdio::null()).stderr(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            let inside = unshare().arg(std::env::current_exe().unwrap()).env(INSIDE_VARIABLE, "1").status().unwrap();
            return if inside.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    }
    println!("full and read-only disks ... NOT RUN: this machine lets nobody mount (unshare --mount)");
    ExitCode::SUCCESS
}

fn mount(arguments: &[&str], at: &Path) {
    succeed(Command::new("mount").args(arguments).arg(at));
}

fn transactions(host: &host_tests::Host) -> Vec<u64> {
    host.api.feed().iter().map(|entry| entry.transaction.unwrap()).collect()
}

/// Payments are sent until the disk has no free block. Those that were answered 200 are stored, and the others are accepted
/// when they are sent again.
fn a_full_disk() {
    let folder = Folder::default();
    mount(&["-t", "tmpfs", "-o", "size=1m", "none"], &folder.data());
    let host = folder.start();
    host.api.put_account(ACCOUNT);
    let mut specs = Vec::new();
    while let Some(order) = host.api.try_order(ACCOUNT, PRICE) {
        specs.push(CallbackSpec::payment(&order, specs.len() as u64 + 1, PRICE));
        assert!(specs.len() < 10_000, "a megabyte must fill up");
        // An order is smaller than a payment, so either may be the first that cannot be stored.
        if host.api.callback(&specs.last().unwrap().body()) != 200 {
            break;
        }
    }
    let (last, kept) = specs.split_last().unwrap();
    let kept: Vec<u64> = kept.iter().map(|spec| spec.transaction).collect();
    assert!(!kept.is_empty());
    let is_full = || host.api.callback(&last.body()) == 503;
    assert!(is_full() && is_full(), "{}", folder.log());
    assert_eq!(transactions(&host), kept);
    host.kill();

    mount(&["-o", "remount,size=16m"], &folder.data());
    let host = folder.start();
    assert_eq!(transactions(&host), kept);
    specs.iter().for_each(|spec| assert_eq!(host.api.callback(&spec.body()), 200));
    let all: Vec<u64> = specs.iter().map(|spec| spec.transaction).collect();
    assert_eq!((transactions(&host), host.api.balance(ACCOUNT)), (all, PRICE * specs.len() as i64));
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

/// A host with a read-only disk does not start, reports the reason, and loses nothing.
fn a_read_only_disk() {
    let folder = Folder::default();
    mount(&["-t", "tmpfs", "none"], &folder.data());
    let host = folder.start();
    host.api.put_account(ACCOUNT);
    let spec = CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), 1, PRICE);
    assert_eq!(host.api.callback(&spec.body()), 200);
    host.kill();
    mount(&["-o", "remount,ro"], &folder.data());
    let status = folder.try_start(folder.command()).err().expect("a host on a read-only disk must not start");
    assert_eq!(status.code(), Some(2), "{}", folder.log());
    assert!(folder.log().contains("serve.lock: Read-only file system"), "{}", folder.log());
    mount(&["-o", "remount,rw"], &folder.data());
    let host = folder.start();
    assert_eq!((host.api.callback(&spec.body()), transactions(&host)), (200, vec![1]));
}

/// The disk becomes read-only while the host runs, as after a disk error. Reports whether this could be simulated.
fn a_ledger_that_becomes_immutable() -> bool {
    let folder = Folder::within(&host_tests::host::target_dir().join("tmp"));
    let host = folder.start();
    host.api.put_account(ACCOUNT);
    let specs: Vec<CallbackSpec> =
        (1..=2).map(|transaction| CallbackSpec::payment(&host.api.order(ACCOUNT, PRICE), transaction, PRICE)).collect();
    assert_eq!(host.api.callback(&specs[0].body()), 200);
    let log = folder.data().join("ledger.db-wal");
    let chattr = |flag: &str| {
        let status = Command::new("chattr").arg(flag).arg(&log).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !chattr("+i") {
        return false;
    }
    let statuses = [0, 1].map(|at| host.api.callback(&specs[at].body()));
    let there = transactions(&host);
    assert!(chattr("-i"));
    // A repetition is stored as well, so it is not acknowledged either while nothing can be stored.
    assert_eq!((statuses, there), ([503, 503], vec![1]));
    assert_eq!([0, 1].map(|at| host.api.callback(&specs[at].body())), [200, 200]);
    assert_eq!((transactions(&host), host.api.balance(ACCOUNT)), (vec![1, 2], 2 * PRICE));
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
    true
}
