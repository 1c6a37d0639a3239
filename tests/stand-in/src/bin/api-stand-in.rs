//! `api-stand-in`: payment systems that are called, and a terminal. They move no money.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use stand_in::Method;
use stand_in::api::cloudpayments::{self, CloudPayments};
use stand_in::api::tbank::{self, TBank};
use stand_in::api::yookassa::{self, YooKassa};
use stand_in::program::{seconds_since_1970, secret_of, serve_api, serve_terminal};
use stand_in::terminal::{Protocol, Terminal};

const NAME: &str = "api-stand-in";

/// A payment system that is called, or a terminal. It moves no money.
///
/// Name a payment system's address as the provider's API. On its page a person pays payments or refuses them, pays them back, and
/// ends refunds that take time.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
struct Arguments {
    /// The address to listen on; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0", global = true)]
    listen: String,
    #[command(subcommand)]
    system: System,
}

#[derive(Subcommand)]
enum System {
    /// T-Bank's acquiring; its API is at /v2.
    ///
    /// Example: PASSWORD=TestPassword1 api-stand-in tbank --terminal-key 1321054611234 --password-env PASSWORD --callback-url
    /// http://127.0.0.1:8080/callbacks/tbank
    Tbank(TBankArguments),
    /// CloudPayments; its API is at the address itself.
    ///
    /// Example: SECRET=TestApiSecret0001 api-stand-in cloudpayments --public-id pk_test_site_1 --api-secret-env SECRET --callback-url
    /// http://127.0.0.1:8080/callbacks/cloudpayments
    Cloudpayments(CloudPaymentsArguments),
    /// YooKassa; its API is at /v3.
    ///
    /// Example: KEY=live_TestSecretKey1 api-stand-in yookassa --shop-id 100500 --secret-key-env KEY --callback-url
    /// http://127.0.0.1:8080/callbacks/yookassa
    Yookassa(YooKassaArguments),
    /// A terminal, on whose page a person checks accounts and pays.
    ///
    /// Example: api-stand-in terminal --callback-url http://127.0.0.1:8080/callbacks/osmp
    Terminal(TerminalArguments),
}

#[derive(clap::Args)]
struct TBankArguments {
    /// The terminal's key.
    #[arg(long)]
    terminal_key: String,
    /// The environment variable that holds the terminal's password.
    #[arg(long, value_name = "VARIABLE")]
    password_env: String,
    /// Where notifications go when an order names no address.
    #[arg(long, value_name = "URL")]
    callback_url: String,
}

#[derive(clap::Args)]
struct CloudPaymentsArguments {
    /// The site's Public ID.
    #[arg(long)]
    public_id: String,
    /// The environment variable that holds the site's API Secret.
    #[arg(long, value_name = "VARIABLE")]
    api_secret_env: String,
    /// Where notifications go, each with its name behind it, such as /pay.
    #[arg(long, value_name = "URL")]
    callback_url: String,
    /// The site is in test mode.
    #[arg(long)]
    test: bool,
}

#[derive(clap::Args)]
struct YooKassaArguments {
    /// The shop's number.
    #[arg(long)]
    shop_id: String,
    /// The environment variable that holds the shop's secret key.
    #[arg(long, value_name = "VARIABLE")]
    secret_key_env: String,
    /// Where notifications go.
    #[arg(long, value_name = "URL")]
    callback_url: String,
    /// It is a test shop.
    #[arg(long)]
    test: bool,
}

#[derive(clap::Args)]
struct TerminalArguments {
    /// The callback address of the host.
    #[arg(long, value_name = "URL")]
    callback_url: String,
    /// The protocol.
    #[arg(long, value_enum, default_value = "osmp")]
    protocol: ProtocolName,
    /// Requests go by POST and not by GET.
    #[arg(long)]
    post: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProtocolName {
    /// ОСМП's, with the payment's number in txn_id.
    Osmp,
    /// Sber's.
    Sber,
}

fn main() -> ExitCode {
    let Arguments { listen, system } = Arguments::parse();
    match system {
        System::Tbank(arguments) => serve_api(NAME, tbank(arguments), &listen),
        System::Cloudpayments(arguments) => serve_api(NAME, cloudpayments(arguments), &listen),
        System::Yookassa(arguments) => serve_api(NAME, yookassa(arguments), &listen),
        System::Terminal(arguments) => serve_terminal(NAME, terminal(&arguments), &listen),
    }
}

fn tbank(arguments: TBankArguments) -> Result<TBank, String> {
    let TBankArguments { terminal_key, password_env, callback_url } = arguments;
    let password = secret_of(&password_env, "password")?.as_str().into();
    Ok(TBank::new(tbank::Config { terminal_key, password, callback_url, first_payment: seconds_since_1970() }))
}

fn cloudpayments(arguments: CloudPaymentsArguments) -> Result<CloudPayments, String> {
    let CloudPaymentsArguments { public_id, api_secret_env, callback_url, test: is_test } = arguments;
    let api_secret = secret_of(&api_secret_env, "API Secret")?.as_str().into();
    let first_transaction = seconds_since_1970();
    Ok(CloudPayments::new(cloudpayments::Config { public_id, api_secret, callback_url, first_transaction, is_test }))
}

fn yookassa(arguments: YooKassaArguments) -> Result<YooKassa, String> {
    let YooKassaArguments { shop_id, secret_key_env, callback_url, test: is_test } = arguments;
    let secret_key = secret_of(&secret_key_env, "secret key")?.as_str().into();
    let first_id = seconds_since_1970();
    Ok(YooKassa::new(yookassa::Config { shop_id, secret_key, callback_url, is_test, first_id }))
}

fn terminal(arguments: &TerminalArguments) -> Result<Terminal, String> {
    let protocol = match arguments.protocol {
        ProtocolName::Osmp => Protocol::Osmp("txn_id"),
        ProtocolName::Sber => Protocol::Sber,
    };
    let method = if arguments.post { Method::Post } else { Method::Get };
    Terminal::new(&arguments.callback_url, protocol, method).map_err(|error| format!("--callback-url: {error}"))
}
