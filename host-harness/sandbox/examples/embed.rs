//! A billing system's side of a top-up: a link for the subscriber, and the payment system's callback.
//!
//! `cargo run --release --package sandbox --example embed target/components/chronopay.wasm`

use std::path::Path;

use sandbox::domain::{CallbackRequest, Currency, LinkRequest, Money, Settings, Verdict};
use sandbox::{Error, Limits, Sandbox, SandboxConfig};

/// Everything that a host does with a provider for one top-up.
///
/// # Errors
/// The sandbox's, each by its type.
pub fn top_up(component: &Path, callback_body: &[u8]) -> Result<(), Error> {
    // Once, when the host starts; all three are shared by threads freely.
    let sandbox = Sandbox::new(&SandboxConfig::default())?;
    let provider = sandbox.load_file(component, Limits::default())?;
    let settings = Settings::new([("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001")]);
    let merchant = provider.merchant(settings)?;

    // The subscriber presses «Пополнить»: store the order, then send the subscriber to the payment page.
    let amount = Money { minor_units: 10_000, currency: Currency::RUB };
    let link = merchant.create_link(&LinkRequest::new("42", "100500", amount))?;
    println!("pay at {}", link.url);

    // The payment system calls back: bind a payment to the order, store it, and only then send the reply.
    let answer = merchant.handle_callback(&CallbackRequest::post(callback_body))?;
    match answer.verdict {
        Verdict::Accepted(event) => println!(
            "{:?} of {} for order {:?}, once by {}",
            event.facts.kind, event.facts.amount.minor_units, event.facts.order, event.dedup_key
        ),
        Verdict::Unresolved(problem) => println!("keep the callback and show it to a person: {problem}"),
        Verdict::Ignored(problem) => println!("nothing to do: {problem}"),
        Verdict::Refused(problem) => println!("refused: {problem}"),
    }
    println!("reply {}", answer.reply.status);
    Ok(())
}

fn main() -> Result<(), Error> {
    let component = std::env::args_os().nth(1).unwrap_or("target/components/chronopay.wasm".into());
    top_up(Path::new(&component), b"transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00&product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9")
}
