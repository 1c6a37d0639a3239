//! What the end-to-end tests share: the shipped components, a sandbox, ChronoPay's vectors (Robokassa's are in [`robokassa`]),
//! and the same values in the provider's types and in the host's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "it is all test code")]

pub mod bombs;
pub mod cloudpayments;
pub mod convert;
pub mod entries;
pub mod exports;
pub mod figures;
pub mod guest;
pub mod month;
pub mod onec;
pub mod osmp;
pub mod robokassa;
pub mod straight;
pub mod tbank;
pub mod vectors;
pub mod yookassa;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use chronopay::ChronoPay;
use domain::{
    AccountNumber, CallbackRequest, Date, ExportOptions, ExportRow, HttpMethod, LinkRequest, Money, OrderId, Party, PartyKind,
    SettingKind, Settings,
};
use kit::Provider as _;
use md5::{Digest, Md5};
use money::Currency;
use sandbox::{Limits, Merchant, Provider, Sandbox, SandboxConfig};

use crate::vectors::Vectors;

/// The secret of the vectors.
pub const SECRET: &str = "TestSharedSec001";
/// The product of the vectors.
pub const PRODUCT: &str = "001234-0001-0001";

/// Returns the path of ChronoPay's component, as built by `cargo xtask build`.
pub fn component_path() -> PathBuf {
    component_path_of("chronopay")
}

/// Reads ChronoPay's component.
pub fn component() -> Vec<u8> {
    component_of("chronopay")
}

/// Returns the workspace's target directory.
pub fn target_dir() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()))
}

/// Returns the path of a provider's component.
pub fn component_path_of(provider: &str) -> PathBuf {
    target_dir().join("components").join(format!("{provider}.wasm"))
}

/// Reads a provider's component.
pub fn component_of(provider: &str) -> Vec<u8> {
    let path = component_path_of(provider);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; make it with `cargo xtask build`", path.display()))
}

/// Returns the component with different bytes but the same behaviour, by a section that nothing reads.
pub fn with_custom_section(component: &[u8], mark: &str) -> Vec<u8> {
    let name = "mark";
    let length = u8::try_from(1 + name.len() + mark.len()).ok().filter(|length| *length < 128).expect("a mark is short");
    let header = [0, length, u8::try_from(name.len()).expect("it is short")];
    [component, &header, name.as_bytes(), mark.as_bytes()].concat()
}

/// Replaces a text in a component by another of the same length, wherever it occurs, which changes its behaviour.
pub fn patched(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "a patch must keep the length");
    let mut patched = component.to_vec();
    let places: Vec<usize> = (0..component.len()).filter(|at| component[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "the component holds {from:?}");
    places.iter().for_each(|at| patched[*at..at + to.len()].copy_from_slice(to.as_bytes()));
    patched
}

/// Returns ChronoPay with its secret setting declared as plain text: a component that would make hosts show a stored secret.
pub fn relabelled() -> Vec<u8> {
    let component = component();
    let at = |name: &str| component.windows(name.len()).position(|bytes| bytes == name.as_bytes()).expect("it is there");
    let word = |at: usize| i64::from(u32::from_le_bytes(component[at..at + 4].try_into().expect("four bytes")));
    let length = |name: &str| i64::try_from(name.len()).expect("it is short");
    // The differences between addresses in memory and in the file, from the places that refer to a setting's name with its
    // length.
    let shifts = |name: &str| -> std::collections::BTreeSet<i64> {
        let (place, pairs) = (i64::try_from(at(name)).expect("it is small"), 0..component.len() - 8);
        pairs.filter(|pair| word(pair + 4) == length(name)).map(|pair| word(pair) - place).collect()
    };
    let shifts = &(&shifts("shared-sec") & &shifts("order-control")) & &shifts("product-id");
    let place = i64::try_from(at("shared-sec")).expect("it is small");
    let address = |shift: i64| (place + shift, length("shared-sec"));
    let references = shifts.into_iter().flat_map(|shift| {
        (64..component.len() - 72).filter(move |pair| (word(*pair), word(pair + 4)) == address(shift)).collect::<Vec<_>>()
    });
    let candidates = references.flat_map(|pair| pair - 64..pair + 64).filter(|byte| component[*byte] == 1);
    let changed = candidates.map(|byte| {
        let mut changed = component.clone();
        changed[byte] = 0;
        changed
    });
    let is_relabelled = |bytes: &Vec<u8>| {
        sandbox().load(bytes, Limits::default()).is_ok_and(|provider| {
            let settings = &provider.description().settings;
            settings.iter().any(|setting| setting.name == "shared-sec" && setting.kind == SettingKind::Text)
        })
    };
    changed.into_iter().find(is_relabelled).expect("one byte must be the setting's kind")
}

/// Returns the sandbox that the test program shares, since each sandbox reserves address space.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let config = SandboxConfig::default().with_concurrent_calls_max(64);
        Sandbox::new(&config).expect("the machine has room for a sandbox")
    })
}

/// Returns the default limits with more time. Fuel still bounds a call, and does not depend on the machine's load.
pub fn patient_limits() -> Limits {
    Limits::default().with_time_max(Duration::from_secs(10))
}

/// Returns ChronoPay, loaded from its component.
pub fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| sandbox().load(&component(), patient_limits()).expect("ChronoPay loads"))
}

/// Returns the settings of the vectors with changes. A changed setting replaces the one with the same name.
pub fn settings(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = [("product-id", PRODUCT), ("shared-sec", SECRET), ("currency", "RUB")];
    kit::settings::entered_with(&base, changes)
}

/// Returns a configured merchant in the sandbox.
pub fn merchant(changes: &[(&str, &str)]) -> Merchant {
    provider().merchant(Settings::new(settings(changes))).expect("the settings are good")
}

/// Returns the same merchant as native Rust.
pub fn native(changes: &[(&str, &str)]) -> ChronoPay {
    match ChronoPay::configure(&settings(changes)) {
        Ok(merchant) => merchant,
        Err(problems) => panic!("{problems:?}"),
    }
}

/// Returns ChronoPay's vectors. Their signatures were computed by Python's `hashlib`.
pub fn vectors() -> &'static Vectors {
    static VECTORS: OnceLock<Vectors> = OnceLock::new();
    VECTORS.get_or_init(|| Vectors::from_json(include_str!("../data/chronopay/check.json")))
}

/// Returns the body of a genuine payment.
pub fn genuine() -> &'static str {
    std::str::from_utf8(vectors().callbacks[0].form()).expect("it is a form")
}

/// Returns the body of a genuine payment with 35 fields: all that occur in public integrations, each with a value.
pub fn full_callback() -> String {
    signed(&[
        ("transaction_type", "Purchase"),
        ("customer_id", "001234-100000062"),
        ("site_id", "001234-0001"),
        ("product_id", PRODUCT),
        ("date", "05/31/2030 04:31:15"),
        ("time", "04:31:15"),
        ("transaction_id", "56244472"),
        ("order_id", "42"),
        ("cs1", "42"),
        ("cs2", "100500"),
        ("cs3", "cabinet"),
        ("email", "payer@example.com"),
        ("country", "RUS"),
        ("name", "IVAN PETROV"),
        ("cardholder", "IVAN PETROV"),
        ("city", "Москва"),
        ("street", "ул. Примерная, 1"),
        ("phone", "+74950000000"),
        ("state", "XX"),
        ("zip", "101000"),
        ("language", "ru"),
        ("ip", "192.0.2.7"),
        ("username", "ivan"),
        ("total", "100.00"),
        ("currency", "RUB"),
        ("payment_type", "MasterCard"),
        ("creditcardnumber", "555555XXXXXX4444"),
        ("expire_date", "3012"),
        ("auth_code", "891189"),
        ("card_type", "debit"),
        ("card_bank_name", "EXAMPLE BANK"),
        ("eci", "02"),
        ("merchant_no", "9290001"),
        ("merchant_uid", "1234"),
    ])
}

/// Returns a callback by POST.
pub fn post(body: &[u8]) -> CallbackRequest {
    CallbackRequest::post(body)
}

/// Returns a callback by GET. A query is text, so bytes that are not UTF-8 are replaced; the host's HTTP library would refuse
/// them.
pub fn get(query: &[u8]) -> CallbackRequest {
    CallbackRequest { method: HttpMethod::Get, ..CallbackRequest::get(String::from_utf8_lossy(query)) }
}

/// Returns the MD5 of the concatenated parts, in lower-case hexadecimal, without the provider's code.
pub fn md5_hex(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part));
    hex::encode(hash.finalize())
}

/// Signs a form as ChronoPay does, whatever it contains.
pub fn signed(fields: &[(&str, &str)]) -> String {
    let value = |name| fields.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value);
    let parts = [SECRET, value("customer_id"), value("transaction_id"), value("transaction_type"), value("total")];
    let sign = md5_hex(&parts.map(str::as_bytes));
    kit::form::encode(fields.iter().copied().chain([("sign", sign.as_str())]))
}

/// Parses a form into pairs of bytes, without the provider's code.
pub fn decode(form: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |pair: &[u8]| match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (decode_text(&pair[..at]), decode_text(&pair[at + 1..])),
        None => (decode_text(pair), Vec::new()),
    };
    form.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decode_text(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        rest = if escaped.is_some() { &after[2..] } else { after };
        decoded.extend(escaped.unwrap_or_else(|| vec![if *first == b'+' { b' ' } else { *first }]));
    }
    decoded
}

/// Returns order 42 of the vectors, of 100.00 RUB.
pub fn order() -> LinkRequest {
    LinkRequest::new(
        OrderId::stored("42"),
        AccountNumber::stored("100500"),
        Money { minor_units: 10_000, currency: Currency::RUB },
    )
}

/// Returns the options for a register of October 2026.
pub fn export_options() -> ExportOptions {
    ExportOptions {
        format: "register-csv".into(),
        seller: Party {
            kind: PartyKind::Company,
            name: "ООО «Связь»".into(),
            inn: "7700000009".into(),
            kpp: "770701001".into(),
        },
        period_start: Date::new(2026, 10, 1).unwrap(),
        period_end: Date::new(2026, 10, 31).unwrap(),
        created_at: 1_793_542_645,
        extra: Vec::new(),
    }
}

/// Returns a write-off of 500.00 RUB, including 22 % of VAT.
pub fn writeoff() -> ExportRow {
    ExportRow {
        id: "w-1".into(),
        account: AccountNumber::stored("100500"),
        subscriber: Party {
            kind: PartyKind::Individual, name: "Иванов Иван".into(), inn: String::new(), kpp: String::new()
        },
        contract: "Д-17".into(),
        contract_date: Some(Date::new(2024, 2, 29).unwrap()),
        service_code: "inet".into(),
        service: "Доступ в интернет".into(),
        unit: "мес".into(),
        period: Date::new(2026, 10, 1).unwrap(),
        date: Date::new(2026, 10, 31).unwrap(),
        quantity_thousandths: 1000,
        amount: Money { minor_units: 50_000, currency: Currency::RUB },
        vat_basis_points: Some(2200),
        extra: Vec::new(),
    }
}

/// Parses a register into lines of unquoted cells, header first, without the writer's code.
pub fn read_csv(text: &str) -> Vec<Vec<String>> {
    let mut lines = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(char) = chars.next() {
        let line = lines.last_mut().expect("there is a line");
        match (quoted, char) {
            (true, '"') if chars.peek() == Some(&'"') => line.last_mut().expect("a cell").extend(chars.next()),
            (_, '"') => quoted = !quoted,
            (false, ';') => line.push(String::new()),
            (false, '\r') if chars.peek() == Some(&'\n') => {
                chars.next();
                lines.push(vec![String::new()]);
            }
            _ => line.last_mut().expect("a cell").push(char),
        }
    }
    assert_eq!(lines.pop(), Some(vec![String::new()]), "the last line ends");
    lines
}

/// Parses an amount with two decimals to minor units. It may be negative.
pub fn minor_units(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').expect("an amount has decimals");
    assert_eq!(decimals.len(), 2, "{text}");
    sign * format!("{whole}{decimals}").parse::<i128>().expect("an amount is digits")
}
