//! The rules for a single write-off, whatever else is exported.

use money::{AMOUNT_MAX, Currency};

use crate::date::Date;
use crate::inn::{is_kpp, is_number_of};
use crate::rates::{self, Rules};
use crate::text::{Charset, NAME_CHARS_MAX, NOTE_CHARS_MAX, Text, chars};
use crate::writeoff::{CODE_CHARS_MAX, Code, PartyKind, Problem, Writeoff};

/// The largest quantity, in thousandths: a million months.
const QUANTITY_THOUSANDTHS_MAX: i64 = 1_000_000_000;

/// The longest «ИНН», in characters.
const INN_CHARS_MAX: usize = 12;

/// A day as given, which may not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "they say what they are")]
pub struct Day {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Day {
    /// Returns the date, or `None` if there is no such day.
    pub fn date(self) -> Option<Date> {
        Date::new(self.year, self.month, self.day)
    }
}

impl From<Date> for Day {
    fn from(date: Date) -> Day {
        let (year, month, day) = date.parts();
        Day { year, month, day }
    }
}

/// A write-off with its buyer as received, before any check. [`Writeoff`](crate::Writeoff) and its party document the fields.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "`Writeoff` and `Party` say what each is")]
pub struct Candidate<'w> {
    pub id: &'w str,
    pub account: &'w str,
    pub kind: PartyKind,
    pub name: &'w str,
    pub inn: &'w str,
    pub kpp: &'w str,
    pub foreign_tax_number: &'w str,
    pub contract: &'w str,
    pub contract_date: Option<Day>,
    pub service_code: &'w str,
    pub service: &'w str,
    pub unit: &'w str,
    pub period: Day,
    pub date: Day,
    pub quantity_thousandths: i64,
    pub minor_units: i64,
    /// ISO 4217.
    pub currency: &'w str,
    pub vat_basis_points: Option<u16>,
    pub note: &'w str,
}

impl Writeoff {
    /// Returns the write-off in the form that [`check_writeoff`] accepts.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            id: &self.id,
            account: &self.account,
            kind: self.subscriber.kind,
            name: &self.subscriber.name,
            inn: &self.subscriber.inn,
            kpp: &self.subscriber.kpp,
            foreign_tax_number: &self.subscriber.foreign_tax_number,
            contract: &self.contract,
            contract_date: self.contract_date.map(Into::into),
            service_code: &self.service_code,
            service: &self.service,
            unit: &self.unit,
            period: self.period.into(),
            date: self.date.into(),
            quantity_thousandths: self.quantity_thousandths,
            minor_units: self.minor_units,
            currency: self.currency.as_str(),
            vat_basis_points: self.vat_basis_points,
            note: &self.note,
        }
    }
}

/// Returns all problems that keep a write-off from being exported, each with its field. If there are none, it can be exported.
///
/// The export applies the same checks to each write-off. Beyond them, it refuses a write-off only for reasons that take the
/// whole export to see: the order of accounts, repeated ids, differing units, the months exported, and whether a document
/// number fits the account.
///
/// In every currency: required texts and their lengths, characters that cannot be exported or are invisible, spaces around
/// identifiers, days that exist, and the ranges of quantity, amount and VAT rate. In roubles also: the tax numbers, that an
/// entity has a contract, and that the VAT rate is valid in the write-off's month.
pub fn check_writeoff(candidate: &Candidate<'_>, rules: &Rules) -> Vec<Problem> {
    let mut problems = Problems::default();
    check_texts(candidate, &mut problems);
    check_numbers(candidate, &mut problems);
    let period = check_days(candidate, &mut problems);
    match Currency::parse(candidate.currency) {
        None => problems.add(Code::Invalid, "amount.currency", "A currency is three capital letters, such as RUB."),
        Some(Currency::RUB) => {
            check_buyer(candidate, &mut problems);
            if let Some(period) = period {
                problems.keep(rates::check(candidate.vat_basis_points, period, rules));
            }
        }
        Some(_) => {
            if !candidate.inn.bytes().all(|byte| byte.is_ascii_digit()) {
                problems.add(Code::Invalid, "subscriber.inn", "An INN is digits only; correct it or leave it empty.");
            }
        }
    }
    problems.0
}

/// The problems so far. Usually there are none, and then nothing is allocated.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    #[cold]
    fn add(&mut self, code: Code, field: &'static str, message: &str) {
        self.0.push(*Problem::new(code, field, message));
    }

    fn keep(&mut self, checked: Result<(), Box<Problem>>) {
        if let Err(problem) = checked {
            self.0.push(*problem);
        }
    }
}

fn check_texts(candidate: &Candidate<'_>, problems: &mut Problems) {
    let Candidate { id, account, name, inn, kpp, foreign_tax_number, contract, service_code, service, unit, note, .. } =
        *candidate;
    let line =
        Text { field: "", value: "", chars_max: CODE_CHARS_MAX, charset: Charset::Line, is_required: false, is_key: true };
    let texts = [
        Text { field: "id", value: id, is_required: true, is_key: false, ..line },
        Text { field: "account", value: account, is_required: true, ..line },
        Text { field: "subscriber.name", value: name, chars_max: NAME_CHARS_MAX, is_required: true, is_key: false, ..line },
        Text { field: "subscriber.inn", value: inn, chars_max: INN_CHARS_MAX, is_key: false, ..line },
        Text { field: "subscriber.kpp", value: kpp, chars_max: 9, is_key: false, ..line },
        Text { field: "extra.foreign-tax-number", value: foreign_tax_number, ..line },
        Text { field: "contract", value: contract, ..line },
        Text { field: "service-code", value: service_code, ..line },
        Text { field: "service", value: service, chars_max: NAME_CHARS_MAX, is_required: true, ..line },
        Text { field: "unit", value: unit, ..line },
        Text { field: "extra.note", value: note, chars_max: NOTE_CHARS_MAX, charset: Charset::Cell, is_key: false, ..line },
    ];
    for text in &texts {
        problems.keep(text.check());
    }
}

fn check_numbers(candidate: &Candidate<'_>, problems: &mut Problems) {
    if !(1..=QUANTITY_THOUSANDTHS_MAX).contains(&candidate.quantity_thousandths) {
        let message = "A quantity is 1 to 1000000000 thousandths of the unit; a correction is a negative amount instead.";
        problems.add(Code::OutOfRange, "quantity-thousandths", message);
    }
    if !(-AMOUNT_MAX..=AMOUNT_MAX).contains(&candidate.minor_units) {
        let message = format!("An amount is at most {AMOUNT_MAX} minor units, either way.");
        problems.add(Code::OutOfRange, "amount.minor-units", &message);
    }
    if candidate.vat_basis_points.is_some_and(|rate| rate > rates::BASIS_POINTS_MAX) {
        let message = "A VAT rate is at most 10000 hundredths of a percent; 22 % is 2200.";
        problems.add(Code::OutOfRange, "vat-basis-points", message);
    }
}

/// Checks the days. Returns the day of the period if it exists.
fn check_days(candidate: &Candidate<'_>, problems: &mut Problems) -> Option<Date> {
    let mut exists = |field, day: Day| {
        let date = day.date();
        if date.is_none() {
            problems.add(Code::Invalid, field, "There is no such day.");
        }
        date
    };
    if let Some(day) = candidate.contract_date {
        exists("contract-date", day);
    }
    let period = exists("period", candidate.period);
    exists("date", candidate.date);
    period
}

/// Checks the tax numbers, and that an entity has a contract.
fn check_buyer(candidate: &Candidate<'_>, problems: &mut Problems) {
    let Candidate { kind, inn, kpp, .. } = *candidate;
    let is_company = kind == PartyKind::Company;
    let is_entity = kind != PartyKind::Individual;
    if inn.is_empty() {
        if is_entity && candidate.foreign_tax_number.is_empty() {
            let message = "A company or a sole proprietor needs an INN: 1C tells them apart by it. A foreign one that has none \
                           needs the tax number of its own country (extra foreign-tax-number).";
            problems.add(Code::Missing, "subscriber.inn", message);
        }
    } else if chars(inn) > INN_CHARS_MAX {
        // It was reported as too long already. A message that contains all of it could itself be too long.
    } else if !is_number_of(kind, inn) {
        let digits = if is_company { "10 digits of a company" } else { "12 digits of a person" };
        let message = format!("{inn} is no INN: it needs {digits}, with their check digits; a digit may be wrong.");
        problems.add(Code::Invalid, "subscriber.inn", &message);
    }
    if !(kpp.is_empty() || is_company && is_kpp(kpp)) {
        problems.add(Code::Invalid, "subscriber.kpp", KPP_MESSAGE);
    }
    if is_entity && candidate.contract.is_empty() {
        problems.add(Code::Missing, "contract", "A company or a sole proprietor needs a contract.");
    }
}

pub(crate) const KPP_MESSAGE: &str = "A KPP has nine characters, such as 770701001, and only a company has one.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writeoff::tests::writeoff;

    #[test]
    fn a_writeoff_that_can_be_exported_has_no_problem() {
        assert_eq!(check_writeoff(&writeoff().candidate(), &Rules::default()), []);
    }

    #[test]
    fn problems_name_their_field() {
        type Change = fn(&mut Writeoff);
        let changes: [(Change, &str, Code); 22] = [
            (|row| row.id.clear(), "id", Code::Missing),
            (|row| row.id = "x".repeat(65), "id", Code::TooLong),
            (|row| row.account = "1\u{0}".into(), "account", Code::Invalid),
            (|row| row.account = "1 ".into(), "account", Code::Invalid),
            (|row| row.subscriber.name = "  ".into(), "subscriber.name", Code::Missing),
            (|row| row.subscriber.name = "ы".repeat(251), "subscriber.name", Code::TooLong),
            (|row| row.subscriber.name = "ООО \u{202e}«Ромашка»".into(), "subscriber.name", Code::Invalid),
            (|row| row.subscriber.inn = "77012345AB".into(), "subscriber.inn", Code::Invalid),
            (|row| row.subscriber.inn = "0000000000".into(), "subscriber.inn", Code::Invalid),
            (|row| row.subscriber.inn.clear(), "subscriber.inn", Code::Missing),
            (|row| row.subscriber.kpp = "77010100".into(), "subscriber.kpp", Code::Invalid),
            (|row| row.subscriber.foreign_tax_number = "DE 1\n".into(), "extra.foreign-tax-number", Code::Invalid),
            (|row| row.contract.clear(), "contract", Code::Missing),
            (|row| row.service.clear(), "service", Code::Missing),
            (|row| row.service_code = " inet".into(), "service-code", Code::Invalid),
            (|row| row.unit = "мес\u{a0}".into(), "unit", Code::Invalid),
            (|row| row.note = "x".repeat(256), "extra.note", Code::TooLong),
            (|row| row.quantity_thousandths = 0, "quantity-thousandths", Code::OutOfRange),
            (|row| row.minor_units = i64::MIN, "amount.minor-units", Code::OutOfRange),
            (|row| row.vat_basis_points = Some(10_001), "vat-basis-points", Code::OutOfRange),
            (|row| row.vat_basis_points = Some(1800), "vat-basis-points", Code::Invalid),
            (|row| row.vat_basis_points = Some(2000), "vat-basis-points", Code::Invalid),
        ];
        for (change, field, code) in changes {
            let mut row = writeoff();
            change(&mut row);
            let problems = check_writeoff(&row.candidate(), &Rules::default());
            assert_eq!(problems.iter().map(|problem| (problem.field, problem.code)).collect::<Vec<_>>(), [(field, code)]);
        }
    }

    #[test]
    fn no_message_is_longer_than_the_contract_allows() {
        let long = "7".repeat(20_000);
        let row = writeoff();
        let candidate =
            Candidate { id: &long, account: &long, name: &long, inn: &long, kpp: &long, contract: &long, ..row.candidate() };
        for problem in check_writeoff(&candidate, &Rules::default()) {
            assert!(problem.message.len() <= 300, "{problem:?}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let row = writeoff();
        let day = Day { year: 2026, month: 2, day: 30 };
        let candidate = Candidate {
            id: "",
            contract: "",
            service: "a\tb",
            kpp: "1",
            contract_date: Some(day),
            date: day,
            quantity_thousandths: -1,
            vat_basis_points: Some(1800),
            ..row.candidate()
        };
        let fields = |candidate: &Candidate<'_>| {
            check_writeoff(candidate, &Rules::default()).iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(
            fields(&candidate),
            [
                "id",
                "service",
                "quantity-thousandths",
                "contract-date",
                "date",
                "subscriber.kpp",
                "contract",
                "vat-basis-points"
            ]
        );
        // Without a month there is no rate to compare with. Without a known currency no national rules apply.
        assert_eq!(fields(&Candidate { period: day, ..row.candidate() }), ["period"]);
        assert_eq!(fields(&Candidate { currency: "rub", inn: "", ..row.candidate() }), ["amount.currency"]);
    }

    #[test]
    fn russian_rules_hold_in_roubles_alone() {
        let row = writeoff();
        let foreign =
            Candidate { currency: "KZT", inn: "990740000123", contract: "", vat_basis_points: Some(1200), ..row.candidate() };
        assert_eq!(check_writeoff(&foreign, &Rules::default()), []);
        assert_eq!(check_writeoff(&Candidate { currency: "RUB", ..foreign }, &Rules::default()).len(), 3);
    }

    #[test]
    fn a_foreigner_may_have_the_tax_number_of_another_country() {
        let row = writeoff();
        let foreigner = Candidate { inn: "", kpp: "", foreign_tax_number: "DE129273398", ..row.candidate() };
        assert_eq!(check_writeoff(&foreigner, &Rules::default()), []);
        let told = check_writeoff(&Candidate { foreign_tax_number: "", ..foreigner }, &Rules::default());
        assert!(told.len() == 1 && told[0].message.contains("foreign-tax-number"), "{told:?}");
    }
}
