//! `link`: creates a payment link.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::{LinkRequest, PaymentForm};
use sandbox::{Error, NoAnswers, drive};

use crate::call::unanswered;
use crate::failure::Failure;
use crate::input::{self, MerchantArguments};
use crate::{escape, output};

/// Makes the payment page's link for an order, and the same as a form for POST.
///
/// Example: host-harness link chronopay.wasm --settings settings.toml --order order.json
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    merchant: MerchantArguments,
    /// A JSON file with the order, such as {"id": "42", "account": "100500", "amount": {"minor_units": 10000, "currency": "RUB"}}.
    #[arg(long)]
    order: PathBuf,
    /// Prints JSON: url, form (action, inputs as pairs), qr, reference, expires_at; what the payment system does not have is null.
    #[arg(long)]
    pub json: bool,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let order: LinkRequest = input::record(&arguments.order)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if let Some(at) = order.expires_at.filter(|at| *at <= now) {
        let why =
            format!("expires_at is over: it is {at}, and the time here is {now}, in seconds since the epoch; give a later one");
        return Err(Failure::file(&arguments.order, why));
    }
    let merchant = arguments.merchant.merchant()?;
    let (link, context) = drive(now, &mut NoAnswers, |context| merchant.create_link(&order, context))?;
    let link = link.map_err(|failure| {
        if let Some(what) = unanswered("create-link", &context) {
            eprintln!("host-harness: no link is made: {}", escape::line(&what));
        }
        Error::Provider(failure.into_problems())
    })?;
    if arguments.json {
        output::json(&link)?;
    } else {
        if let Some(url) = &link.url {
            output::line(url)?;
        }
        if let Some(PaymentForm { action, inputs }) = &link.form {
            output::line(&format!("\nor by POST to {action}"))?;
            for (name, value) in inputs {
                output::line(&format!("  {name} = {value}"))?;
            }
        }
        if let Some(qr) = &link.qr {
            output::line(&format!("\nor by a QR code of {qr}"))?;
        }
        let not_passed_on: Vec<&str> = link.not_passed_on().collect();
        if !not_passed_on.is_empty() {
            output::line(&format!("\nThe payment system takes no: {}", not_passed_on.join(", ")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
