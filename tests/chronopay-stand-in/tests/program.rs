//! The program, as it is started.

#![allow(clippy::unwrap_used, reason = "it is all test code")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_chronopay-stand-in");

#[test]
fn it_says_where_it_listens_and_serves() {
    let mut program = Command::new(PROGRAM)
        .args(["--product-id", "001234-0001-0001", "--secret-env", "STAND_IN_SECRET", "--order-control", "order-id"])
        .env("STAND_IN_SECRET", "TestSharedSec001")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
    let link = "product_id=001234-0001-0001&product_price=100.00&order_id=42&sign=09347bdab595aaaa622b08de24275103";
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let answer = agent.get(format!("{url}/?{link}")).call();
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(answer.unwrap().status(), 200);
}

#[test]
fn without_a_secret_it_says_which_variable_is_not_set() {
    let program =
        Command::new(PROGRAM).args(["--product-id", "001234-0001-0001", "--secret-env", "NO_SUCH_SECRET"]).output().unwrap();
    assert_eq!(program.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&program.stderr).contains("NO_SUCH_SECRET"));
}
