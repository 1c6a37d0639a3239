//! Data that an earlier build left is opened by this one and shows the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use host_tests::Folder;
use host_tests::host::{program, succeed};
use rusqlite::Connection;
use serde_json::Value;

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data/golden")
}

/// Copies a golden folder and unpacks its components.
fn copy(of: &Path) -> Folder {
    let folder = Folder::default();
    succeed(Command::new("cp").arg("-r").arg(of.join("data/.")).arg(folder.data()));
    for component in std::fs::read_dir(folder.data().join("components")).unwrap() {
        succeed(Command::new("gzip").arg("-d").arg(component.unwrap().path()));
    }
    folder
}

/// Returns the command that serves the folder with the components and settings that it contains.
fn serve(folder: &Folder) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").arg("--data").arg(folder.data());
    command.args(["--listen", "127.0.0.1:0", "--public-url", "https://billing.example.ru"]);
    command
}

/// Reports whether everything expected was found. Records may have more fields; lists may not have more elements.
fn holds(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(name, value)| found.get(name).is_some_and(|found| holds(value, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| holds(expected, found))
        }
        _ => expected == found,
    }
}

fn statistics(folder: &Folder) -> Value {
    let database = Connection::open(folder.database()).unwrap();
    let sql = "SELECT json_group_array(json_array(kind, provider, currency, count, minor_units)) FROM (
        SELECT kind, provider, currency, sum(count) AS count, sum(minor_units) AS minor_units FROM hours
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3)";
    let text: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn golden_folders_open_with_unchanged_contents() {
    let folders = std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let folders: Vec<PathBuf> = folders.collect();
    assert!(!folders.is_empty());
    for golden in folders {
        let name = golden.display();
        let expected: Value = serde_json::from_slice(&std::fs::read(golden.join("expected.json")).unwrap()).unwrap();
        let folder = copy(&golden);
        // It is migrated the first time, and opened unchanged the second time.
        for _ in 0..2 {
            let host = folder.try_start(serve(&folder)).unwrap_or_else(|status| panic!("{name}: {status}: {}", folder.log()));
            for (path, expected) in expected.as_object().unwrap().iter().filter(|(path, _)| path.starts_with('/')) {
                let found = host.api.get(path);
                assert!(holds(expected, &found), "{name}{path}: {found:#} is not {expected:#}");
            }
            // The host also works on from there.
            host.api.put_account("100502");
            assert!(host.stop().success());
        }
        let without_mark = usize::from(!golden.join("data/ledger.mark").exists());
        assert_eq!(folder.log().matches("the ledger had no mark").count(), without_mark, "{}", folder.log());
        assert_eq!(statistics(&folder), expected["statistics"], "{name}");
        let check = Command::new(program()).args(["ledger", "check", "--data"]).arg(folder.data()).output().unwrap();
        let said = String::from_utf8_lossy(&check.stdout);
        assert!(check.status.success() && said.starts_with("the ledger is consistent"), "{name}: {said}");
    }
}
