//! Orders and write-offs that no provider has a reason to refuse.

use domain::{Fields, PartyKind};
use sandbox::unchecked::{Date, ExportOptions, ExportRow, LinkRequest, Money, Party};

/// 2100-01-01: the order stays payable for long.
const EXPIRES_AT: u64 = 4_102_444_800;
const FIRST_ORDER: usize = 1_001;

/// Makes the order of this number, with every field that a payment system may require. Its id is all digits, because some
/// payment systems accept no other ids.
pub fn order(number: usize, minor_units: i64, currency: &str) -> LinkRequest<'static> {
    let pairs = |pairs: &[(&str, &str)]| -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    LinkRequest {
        id: (FIRST_ORDER + number).to_string().into(),
        account: "100500".into(),
        amount: money(minor_units, currency),
        description: "Top-up of account 100500".into(),
        language: "ru".into(),
        callback_url: "https://billing.example.ru/callbacks/check".into(),
        success_url: "https://billing.example.ru/paid".into(),
        failure_url: "https://billing.example.ru/not-paid".into(),
        expires_at: Some(EXPIRES_AT),
        payer: pairs(&[
            ("email", "payer@example.ru"),
            ("phone", "+79001234567"),
            ("first-name", "Ivan"),
            ("last-name", "Petrov"),
            ("country", "RUS"),
        ])
        .into(),
        receipt: None,
        extra: Fields::new().into(),
    }
}

fn money(minor_units: i64, currency: &str) -> Money<'static> {
    Money { minor_units, currency: currency.to_owned().into() }
}

/// Returns a day of the exported month.
pub fn day(day: u8) -> Date {
    Date { year: 2026, month: 10, day }
}

/// Makes the options of a month's export in a format.
pub fn options(format: &str) -> ExportOptions<'static> {
    ExportOptions {
        format: format.to_owned().into(),
        seller: company(),
        period_start: day(1),
        period_end: day(31),
        created_at: 0,
        extra: Fields::new().into(),
    }
}

/// A company whose tax numbers have correct check digits.
fn company() -> Party<'static> {
    Party {
        kind: PartyKind::Company, name: "ООО «Пример»".into(), inn: "7700000009".into(), kpp: "770001001".into()
    }
}

fn sole_proprietor() -> Party<'static> {
    Party {
        kind: PartyKind::SoleProprietor,
        name: "ИП Петров Пётр Петрович".into(),
        inn: "500100732259".into(),
        kpp: "".into(),
    }
}

fn individual(account: usize) -> Party<'static> {
    Party {
        kind: PartyKind::Individual, name: format!("Иванов Иван {account}").into(), inn: "".into(), kpp: "".into()
    }
}

/// Makes write-offs of this many accounts at these VAT rates, ordered by the bytes of the account: charges, and corrections
/// smaller than their charges. Sums and rows are exact.
pub fn writeoffs(accounts: usize, currency: &str, rates: &[Option<u16>]) -> Vec<ExportRow<'static>> {
    let services = [("internet", "Доступ в интернет"), ("tv", "Телевидение"), ("phone", "Телефония")];
    let mut rows = Vec::new();
    for account in 0..accounts {
        let subscriber = match account % 4 {
            1 => company(),
            3 => sole_proprietor(),
            _ => individual(account),
        };
        for (at, rate) in rates.iter().enumerate() {
            let (service_code, service) = services.get(at % services.len()).copied().unwrap_or_default();
            let charged = 10_000 + i64::try_from(account * 137 + at * 31).unwrap_or_default();
            for (kind, minor_units) in [("charge", charged), ("correction", -(charged / 3))] {
                rows.push(ExportRow {
                    id: format!("{account}-{kind}-{at}").into(),
                    account: format!("{:06}", 100_000 + account).into(),
                    subscriber: subscriber.clone(),
                    contract: format!("Д-{account}").into(),
                    contract_date: Some(Date { year: 2024, month: 2, day: 29 }),
                    service_code: format!("{service_code}-{at}").into(),
                    service: format!("{service} {at}").into(),
                    unit: "мес".into(),
                    period: day(1),
                    date: day(31),
                    quantity_thousandths: 1000,
                    amount: money(minor_units, currency),
                    vat_basis_points: *rate,
                    extra: Fields::new().into(),
                });
            }
        }
    }
    rows
}
