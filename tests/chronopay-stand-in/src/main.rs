//! `chronopay-stand-in`: a payment page that speaks ChronoPay's merchant protocol and moves no money.

use std::io::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use chronopay_stand_in::{Config, OrderControl, Running};
use clap::Parser;

/// A payment page that speaks ChronoPay's merchant protocol and moves no money.
///
/// Name its address as the provider's payment page. What was sent is at /sent.
///
/// Example: SHARED_SEC=TestSharedSec001 chronopay-stand-in --product-id 001234-0001-0001 --secret-env SHARED_SEC
#[derive(Parser)]
#[command(version, max_term_width = 120)]
struct Arguments {
    /// The address to listen on; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// The shop's product, such as 001234-0001-0001.
    #[arg(long)]
    product_id: String,
    /// The environment variable that holds the shared secret.
    #[arg(long, value_name = "VARIABLE")]
    secret_env: String,
    /// What a link's signature covers: basic, order-id or order-id-with-expiry.
    #[arg(long, default_value = "basic")]
    order_control: OrderControl,
    /// The product's currency.
    #[arg(long, default_value = "RUB")]
    currency: String,
    /// The shop's name on the page.
    #[arg(long, default_value = "Магазин")]
    shop_name: String,
    /// Where callbacks go when a link has no cb_url.
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// The first transaction's id [default: the time, in seconds since 1970, so that a new start repeats none].
    #[arg(long, value_name = "ID")]
    first_transaction: Option<u64>,
    /// How long after the buyer's return the callback of the scenario `delay` is sent.
    #[arg(long, default_value_t = 3000)]
    delay_ms: u64,
    /// How many times a callback is sent until it is answered 200.
    #[arg(long, default_value_t = 5)]
    attempts_max: u32,
    /// The time before the second attempt; it doubles before each further one.
    #[arg(long, default_value_t = 1000)]
    retry_ms: u64,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("chronopay-stand-in: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let secret = std::env::var(&arguments.secret_env)
        .map_err(|_| format!("the environment variable {} holds no secret; set it", arguments.secret_env))?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let config = Config {
        order_control: arguments.order_control,
        currency: arguments.currency,
        shop_name: arguments.shop_name,
        callback_url: arguments.callback_url,
        first_transaction: arguments.first_transaction.unwrap_or(seconds),
        delay_ms: arguments.delay_ms,
        attempts_max: arguments.attempts_max,
        retry_ms: arguments.retry_ms,
        ..Config::new(&secret, &arguments.product_id)
    };
    let running = Running::start(config, &arguments.listen).map_err(|error| error.to_string())?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", running.address()).and_then(|()| out.flush()).map_err(|error| error.to_string())?;
    loop {
        std::thread::park();
    }
}
