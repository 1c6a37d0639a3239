//! The stand-in programs.

use std::process::Command;

use support::Program;

use crate::wire::open;

/// Starts a program that prints its address, opens a page of it, and returns the page's status.
fn status_of(program: &mut Command, page: &str) -> u16 {
    let program = Program::start(program).unwrap();
    open(&format!("http://{}{page}", program.address)).0
}

/// The program exits with 2 and names the variable that is not set.
fn misses(program: &mut Command, variable: &str) {
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(variable));
}

mod chronopay {
    use super::*;

    fn program(secret_env: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_chronopay-stand-in"));
        program.args(["--product-id", "001234-0001-0001", "--secret-env", secret_env]);
        program
    }

    #[test]
    fn prints_address_and_serves() {
        let link = "product_id=001234-0001-0001&product_price=100.00&order_id=42&sign=09347bdab595aaaa622b08de24275103";
        let mut program = program("STAND_IN_SECRET");
        program.args(["--order-control", "order-id"]).env("STAND_IN_SECRET", "TestSharedSec001");
        assert_eq!(status_of(&mut program, &format!("/?{link}")), 200);
    }

    #[test]
    fn missing_secret_is_named() {
        misses(&mut program("NO_SUCH_SECRET"), "NO_SUCH_SECRET");
    }
}

mod robokassa {
    use super::*;

    fn program() -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_robokassa-stand-in"));
        program.args(["--merchant-login", "robo-demo-test", "--password-1-env", "ROBO_P1", "--password-2-env", "ROBO_P2"]);
        program.args(["--result-url", "http://127.0.0.1:1/callbacks/robokassa"]).env("ROBO_P1", "TestPassword1");
        program
    }

    #[test]
    fn prints_address_and_serves() {
        let signature = "f909733648b7c59847f5cc86fe84ad425f32c40f1ac1f88357685d9fd0606308";
        let link = format!("MerchantLogin=robo-demo-test&OutSum=100.00&InvId=42&Shp_order=42&SignatureValue={signature}");
        let mut program = program();
        program.args(["--hash", "sha256"]).env("ROBO_P2", "TestPassword2");
        assert_eq!(status_of(&mut program, &format!("/Merchant/Index.aspx?{link}")), 200);
    }

    #[test]
    fn missing_password_is_named() {
        misses(&mut program(), "ROBO_P2");
    }
}

mod api {
    use super::*;

    const SYSTEMS: [(&[&str], &str); 4] = [
        (&["tbank", "--terminal-key", "1321054611234", "--password-env", "API_SECRET"], "/stand-in"),
        (&["cloudpayments", "--public-id", "pk_test_site_1", "--api-secret-env", "API_SECRET"], "/stand-in"),
        (&["yookassa", "--shop-id", "100500", "--secret-key-env", "API_SECRET"], "/stand-in"),
        (&["terminal"], "/"),
    ];

    fn program(arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_api-stand-in"));
        program.args(arguments).args(["--callback-url", "http://127.0.0.1:1/callbacks/name"]);
        program
    }

    #[test]
    fn each_system_prints_its_address_and_serves_its_page() {
        for (arguments, page) in SYSTEMS {
            assert_eq!(status_of(program(arguments).env("API_SECRET", "TestPassword1"), page), 200, "{arguments:?}");
        }
    }

    #[test]
    fn missing_secret_is_named() {
        for (arguments, _) in &SYSTEMS[..3] {
            misses(&mut program(arguments), "API_SECRET");
        }
    }
}
