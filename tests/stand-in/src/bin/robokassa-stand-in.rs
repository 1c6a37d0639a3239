//! `robokassa-stand-in`: a payment page that speaks Robokassa's merchant protocol and moves no money.

use std::process::ExitCode;

use clap::Parser;
use stand_in::Method;
use stand_in::program::{PatienceArguments, seconds_since_1970, secret_of, serve};
use stand_in::robokassa::{Config, Hash, Passwords, Robokassa};

/// A payment page that speaks Robokassa's merchant protocol and moves no money.
///
/// Name its address, with /Merchant/Index.aspx, as the provider's payment page; with
/// /Merchant/WebService/Service.asmx/OpStateExt for states, and with /RefundService/Refund for refunds. What was sent is at /sent.
///
/// Example: P1=TestPassword1 P2=TestPassword2 robokassa-stand-in --merchant-login robo-demo-test --password-1-env P1
/// --password-2-env P2 --result-url http://127.0.0.1:8080/callbacks/robokassa
#[derive(Parser)]
#[command(version, max_term_width = 120)]
struct Arguments {
    /// The address to listen on; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// The shop's identifier.
    #[arg(long)]
    merchant_login: String,
    /// The environment variable that holds Password #1.
    #[arg(long, value_name = "VARIABLE")]
    password_1_env: String,
    /// The environment variable that holds Password #2.
    #[arg(long, value_name = "VARIABLE")]
    password_2_env: String,
    /// The environment variable that holds the test Password #1; without it there are no test payments.
    #[arg(long, value_name = "VARIABLE", requires = "test_password_2_env")]
    test_password_1_env: Option<String>,
    /// The environment variable that holds the test Password #2.
    #[arg(long, value_name = "VARIABLE", requires = "test_password_1_env")]
    test_password_2_env: Option<String>,
    /// The environment variable that holds Password #3; without it there are no refunds.
    #[arg(long, value_name = "VARIABLE")]
    password_3_env: Option<String>,
    /// What everything is signed by: md5, sha256 or sha512.
    #[arg(long, default_value = "md5")]
    hash: Hash,
    /// Where notifications go.
    #[arg(long, value_name = "URL")]
    result_url: String,
    /// Notifications go by GET and not by POST.
    #[arg(long)]
    result_get: bool,
    /// Where the buyer returns after success.
    #[arg(long, value_name = "URL")]
    success_url: Option<String>,
    /// Where the buyer returns else.
    #[arg(long, value_name = "URL")]
    fail_url: Option<String>,
    /// The number of the first invoice that the shop gives none [default: the time, in seconds since 1970].
    #[arg(long, value_name = "NUMBER")]
    first_invoice: Option<u64>,
    #[command(flatten)]
    patience: PatienceArguments,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let listen = arguments.listen.clone();
    serve::<Robokassa>("robokassa-stand-in", config(arguments), &listen)
}

fn config(arguments: Arguments) -> Result<Config, String> {
    let test_passwords = match (&arguments.test_password_1_env, &arguments.test_password_2_env) {
        (Some(first), Some(second)) => Some(passwords(first, second)?),
        _ => None,
    };
    let real = passwords(&arguments.password_1_env, &arguments.password_2_env)?;
    Ok(Config {
        test_passwords,
        password_3: arguments
            .password_3_env
            .as_deref()
            .map(|name| secret_of(name, "password"))
            .transpose()?
            .as_deref()
            .map(Into::into),
        hash: arguments.hash,
        result_method: if arguments.result_get { Method::Get } else { Method::Post },
        success_url: arguments.success_url,
        fail_url: arguments.fail_url,
        first_invoice: arguments.first_invoice.unwrap_or_else(seconds_since_1970),
        patience: arguments.patience.into(),
        ..Config::new(&arguments.merchant_login, real, &arguments.result_url)
    })
}

fn passwords(first: &str, second: &str) -> Result<Passwords, String> {
    Ok(Passwords::new(&secret_of(first, "password")?, &secret_of(second, "password")?))
}
