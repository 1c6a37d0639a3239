//! A billing system that embeds the host: one top-up, from the order to the entry.
//!
//! `cargo run --release --example billing`

use std::error::Error;
use std::path::Path;

use catalog::Catalog;
use domain::{Account, AccountNumber, CallbackRequest, Currency, Entry, Money, Order, PartyKind, ProviderName};
use host::{HostBuilder, Key, Ledger, LinkOptions, NewSettings, OrderRequest, SwapRequest};
use md5::{Digest, Md5};
use sandbox::{Sandbox, SandboxConfig};
use storage_sqlite::Sqlite;

const SECRET: &str = "TestSharedSec001";

/// Processes a top-up of 100 roubles. All that billing stores is in the folder `data`.
///
/// # Errors
/// If the host refuses something: each error says what to do.
pub fn top_up(data: &Path, component: &Path) -> Result<Entry, Box<dyn Error>> {
    // When billing starts. The key seals secrets: in production it is random, and stored in a separate file.
    let key = Key::parse(&"5e".repeat(32)).ok_or("a key has 64 hexadecimal digits")?;
    let ledger = Ledger::new(Sqlite::open(&data.join("ledger.db"))?);
    let host = HostBuilder::new(ledger, Catalog::open(data)?, Sandbox::new(&SandboxConfig::default())?, key)
        .callback_url(|provider| format!("https://billing.example.ru/callbacks/{provider}"))
        .open()?;

    // Once for each payment system. The component is compiled and checked, which takes seconds.
    let chronopay = ProviderName::new("chronopay")?;
    host.swap(SwapRequest::new(chronopay.clone(), std::fs::read(component)?))?;
    let settings = [("product-id", "001234-0001-0001"), ("shared-sec", SECRET), ("currency", "RUB")];
    host.save_settings(&chronopay, NewSettings::new(settings))?;

    // The subscriber presses «Пополнить», and is redirected to the payment page.
    let number = AccountNumber::new("100500")?;
    host.put_account(Account::new(number.clone(), "Иванов И. И.", PartyKind::Individual), false)?;
    let amount = Money { minor_units: 10_000, currency: Currency::RUB };
    let request = OrderRequest::new(number.clone(), amount, "Пополнение баланса через ЛК");
    let back = || "https://billing.example.ru/cabinet".to_owned();
    let options = |_: &Order| LinkOptions { success_url: back(), failure_url: back(), ..Default::default() };
    let (order, link) = host.create_order_and_link(request, options)?;
    println!("pay at {}", link.url.unwrap_or_default());

    // The payment system sends a callback. The entry is on disk before the reply. On an error, answer 503, and the payment
    // system sends the callback again.
    let outcome = host.receive_callback(&chronopay, CallbackRequest::post(paid(&order)))?;
    println!("reply {} {:?}", outcome.reply.status, outcome.result);
    Ok(host.entries_after(Some(&number), 0, 1)?.pop().ok_or("nothing was entered")?)
}

/// Returns the body of the callback that ChronoPay sends when an order is paid.
fn paid(Order { id, .. }: &Order) -> String {
    let sign = hex::encode(Md5::digest(format!("{SECRET}001234-1000000625624Purchase100.00")));
    let who = "product_id=001234-0001-0001&customer_id=001234-100000062";
    format!("{who}&transaction_type=Purchase&transaction_id=5624&total=100.00&currency=RUB&cs1={id}&sign={sign}")
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:?}", top_up(tempfile::tempdir()?.path(), Path::new("target/components/chronopay.wasm"))?);
    Ok(())
}
