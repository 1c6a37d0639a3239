//! A billing system's side of a top-up, using only the sandbox: the billing system has its own rules about money. In `host`'s
//! example, the host applies them.
//!
//! `cargo run --release --example embed target/components/chronopay.wasm`

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sandbox::domain::{
    AccountNumber, CallbackRequest, Currency, DedupKey, HttpReply, LinkRequest, Money, OrderId, ProvedEvent, Settings, Verdict,
};
use sandbox::{Error, Limits, NoAnswers, Sandbox, SandboxConfig, drive};

/// The data that billing stores. In production this is a database, and each change is a transaction.
#[derive(Default)]
pub struct Billing {
    /// The amount of each order, by its id.
    pub orders: HashMap<OrderId, Money>,
    /// The events that were credited, by provider and dedup key.
    pub credited: HashSet<(&'static str, DedupKey)>,
}

impl Billing {
    /// Credits a payment once, if it names an existing order with the same amount and currency. Reports whether it credited it
    /// now.
    fn credit(&mut self, event: &ProvedEvent) -> bool {
        let order = event.facts.order.as_ref().and_then(|order| self.orders.get(order));
        // A real billing system stores a payment that fits no order for a person to review. Here it is only not credited.
        order == Some(&event.facts.amount) && self.credited.insert(("chronopay", event.dedup_key.clone()))
    }
}

/// Does everything that a host does with a provider for one top-up.
///
/// # Errors
/// The sandbox's errors, each by its type.
pub fn top_up(billing: &mut Billing, order: &LinkRequest, component: &Path, callback_body: &[u8]) -> Result<HttpReply, Error> {
    // Load once, when the host starts, and on a separate thread, because loading compiles. Threads can share all three values.
    let sandbox = Sandbox::new(&SandboxConfig::default())?;
    let provider = sandbox.load_file(component, Limits::default())?;
    let merchant =
        provider.merchant(Settings::new([("product-id", "001234-0001-0001"), ("shared-sec", "TestSharedSec001")]))?;

    // The subscriber presses «Пополнить»: store the order, then send the subscriber to the payment page.
    billing.orders.insert(order.id.clone(), order.amount);
    // ChronoPay asks nothing, so nobody has to answer; for other providers implement `Answers`.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (link, _) = drive(now, &mut NoAnswers, |context| merchant.create_link(order, context))?;
    let link = link.map_err(|failure| Error::Provider(failure.into_problems()))?;
    println!("pay at {}", link.url.unwrap_or_default());

    // The payment system sends its callback. Send the reply only after the commit is durable. If the commit or the call fails,
    // reply 503.
    let request = CallbackRequest::post(callback_body);
    let (answer, _) = drive(now, &mut NoAnswers, |context| merchant.handle_callback(&request, context))?;
    match answer.verdict {
        Verdict::Happened(events) => {
            for event in events {
                println!("{:?}, credited now: {}", event.facts.kind, billing.credit(&event));
            }
        }
        Verdict::Unresolved(problem) => println!("keep the callback and show it to a person: {problem}"),
        Verdict::Ignored(problem) => println!("nothing to do: {problem}"),
        Verdict::Refused(problem) => println!("refused: {problem}"),
        // This billing agrees to no wish, and has nothing to enter for what is only answered.
        Verdict::Wanted(_) | Verdict::Answered | Verdict::Unavailable => {}
    }
    Ok(answer.reply.unwrap_or_else(|| HttpReply { status: 503, headers: Vec::new(), body: Vec::new() }))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let amount = Money { minor_units: 10_000, currency: Currency::RUB };
    let order = LinkRequest::new(OrderId::new("42")?, AccountNumber::new("100500")?, amount);
    let component = std::env::args_os().nth(1).unwrap_or("target/components/chronopay.wasm".into());
    let reply = top_up(&mut Billing::default(), &order, Path::new(&component), b"transaction_type=Purchase&customer_id=001234-100000062&transaction_id=56244472&total=100.00&product_id=001234-0001-0001&currency=RUB&cs1=42&sign=361e40a4bfe23530d6521546e2bbbeb9")?;
    println!("reply {}, {} bytes, headers {:?}", reply.status, reply.body.len(), reply.headers);
    Ok(())
}
