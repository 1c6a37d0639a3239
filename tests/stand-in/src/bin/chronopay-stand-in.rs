//! `chronopay-stand-in`: a payment page that speaks ChronoPay's merchant protocol and moves no money.

use std::process::ExitCode;

use clap::Parser;
use stand_in::chronopay::{ChronoPay, Config, OrderControl};
use stand_in::program::{PatienceArguments, seconds_since_1970, secret_of, serve};

/// A payment page that speaks ChronoPay's merchant protocol and moves no money.
///
/// Name its address as the provider's payment page, and with /gate as its gate. What was sent is at /sent.
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
    #[command(flatten)]
    patience: PatienceArguments,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let listen = arguments.listen.clone();
    serve::<ChronoPay>("chronopay-stand-in", config(arguments), &listen)
}

fn config(arguments: Arguments) -> Result<Config, String> {
    let secret = secret_of(&arguments.secret_env, "secret")?;
    Ok(Config {
        order_control: arguments.order_control,
        currency: arguments.currency,
        shop_name: arguments.shop_name,
        callback_url: arguments.callback_url,
        first_transaction: arguments.first_transaction.unwrap_or_else(seconds_since_1970),
        patience: arguments.patience.into(),
        ..Config::new(&secret, &arguments.product_id)
    })
}
