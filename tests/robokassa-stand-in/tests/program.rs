//! The program, as it is started.

#![allow(clippy::unwrap_used, reason = "it is all test code")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_robokassa-stand-in");
const ARGUMENTS: [&str; 8] = [
    "--merchant-login",
    "robo-demo-test",
    "--password-1-env",
    "ROBO_P1",
    "--password-2-env",
    "ROBO_P2",
    "--result-url",
    "http://127.0.0.1:1/callbacks/robokassa",
];

#[test]
fn it_says_where_it_listens_and_serves() {
    let mut program = Command::new(PROGRAM)
        .args(ARGUMENTS)
        .args(["--hash", "sha256"])
        .envs([("ROBO_P1", "TestPassword1"), ("ROBO_P2", "TestPassword2")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_prefix("listening on ").unwrap().trim_end().to_owned();
    let signature = "f909733648b7c59847f5cc86fe84ad425f32c40f1ac1f88357685d9fd0606308";
    let link = format!("MerchantLogin=robo-demo-test&OutSum=100.00&InvId=42&Shp_order=42&SignatureValue={signature}");
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let answer = agent.get(format!("{url}/Merchant/Index.aspx?{link}")).call();
    program.kill().unwrap();
    program.wait().unwrap();
    assert_eq!(answer.unwrap().status(), 200);
}

#[test]
fn without_a_password_it_says_which_variable_is_not_set() {
    let program = Command::new(PROGRAM).args(ARGUMENTS).env("ROBO_P1", "TestPassword1").output().unwrap();
    assert_eq!(program.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&program.stderr).contains("ROBO_P2"));
}
