//! Faulty's reports, as a file or by calls: lines of `kind;transaction;order;gross;fee;net;time`, and at the end
//! `total;rows;gross;fee;net`. A page that is not the last ends with `next;PAGE` instead. A line that begins
//! with `#` is a comment.

use std::cell::RefCell;
use std::mem::take;

use kit::binding::settlement_reports;
use kit::contract::{Date, EventKind, Fields, MerchantBorrow, Money, Problem, SettingKind};
use kit::exchanges::{self, HttpCall, HttpResult};
use kit::problem::Code;
use kit::settings::{self, Declared};
use kit::settlement_reports::{
    ControlTotals, GuestReportReader, ReportFormat, ReportPage, ReportReader, ReportRow, ReportStep,
};
use kit::{Context, Stop};
use money::Currency;

use crate::api::unavailable;
use crate::operation::step_of;
use crate::{Component, Merchant, fault};

const FORMAT: &str = "lines";
const DELIMITER: &str = "delimiter";
/// The longest answer that a host passes on for a report.
const ANSWER_BYTES_MAX: u32 = 1 << 20;

impl settlement_reports::Guest for Component {
    type ReportReader = Report;

    fn report_formats(_: MerchantBorrow<'_>) -> Vec<ReportFormat> {
        let words = |text: &str| vec![("ru".to_owned(), text.to_owned()), ("en".to_owned(), text.to_owned())];
        let delimiter = Declared::new(DELIMITER, SettingKind::Text, ["A delimiter"; 2], [""; 2]).or(";");
        vec![ReportFormat {
            name: FORMAT.to_owned(),
            title: words("Lines"),
            file: true,
            call: true,
            options: settings::form(&[delimiter]),
            extra: Fields::new(),
        }]
    }

    fn open_report(merchant: MerchantBorrow<'_>, format: String, options: Fields) -> Result<ReportReader, Vec<Problem>> {
        let delimiter = read_options(&format, &options)?;
        Ok(ReportReader::new(Report(RefCell::new(Reader::new(delimiter, merchant.get::<Merchant>().currency)))))
    }

    fn fetch_report(
        merchant: MerchantBorrow<'_>,
        format: String,
        options: Fields,
        day: Date,
        cursor: Option<String>,
        context: exchanges::Context,
    ) -> ReportStep {
        let delimiter = match read_options(&format, &options) {
            Ok(delimiter) => delimiter,
            Err(problems) => return ReportStep::Failed(problems),
        };
        let merchant = merchant.get::<Merchant>();
        step_of!(merchant.page(delimiter, day, cursor.as_deref(), &context.into()), ReportStep)
    }
}

/// Returns the delimiter.
fn read_options(format: &str, options: &Fields) -> Result<char, Vec<Problem>> {
    let mut problems = Vec::new();
    if format != FORMAT {
        problems.push(Code::Unsupported.at("format", "There is no such report."));
    }
    let mut delimiter = ';';
    for (name, value) in options {
        let mut chars = value.chars();
        match (name.as_str(), chars.next(), chars.next()) {
            (DELIMITER, Some(char), None) => delimiter = char,
            (DELIMITER, ..) => problems.push(Code::Malformed.at(DELIMITER, "A delimiter is one character.")),
            (name, ..) => problems.push(Code::SettingUnknown.at(name, "There is no such option.")),
        }
    }
    if problems.is_empty() { Ok(delimiter) } else { Err(problems) }
}

impl Merchant {
    fn page(&self, delimiter: char, day: Date, cursor: Option<&str>, context: &Context) -> Result<ReportStep, Stop> {
        let day = format!("{:04}-{:02}-{:02}", day.year, day.month, day.day);
        let call = self.reading("/reports", &[("day", &day), ("page", cursor.unwrap_or("1"))]);
        let call = HttpCall { answer_bytes_max: ANSWER_BYTES_MAX, ..call };
        let body = match context.call(call)? {
            HttpResult::Response(response) if response.status == 200 => &response.body,
            HttpResult::Response(_) | HttpResult::NotSent(_) | HttpResult::Unknown(_) => {
                return Ok(ReportStep::Unavailable(unavailable()));
            }
        };
        let mut reader = Reader::new(delimiter, self.currency);
        let read = reader.read(body).and_then(|mut rows| {
            let (last, control) = reader.end()?;
            rows.extend(last);
            Ok((rows, control))
        });
        Ok(match read {
            Ok((rows, control)) => {
                let is_last = reader.next.is_none();
                ReportStep::Done(ReportPage { rows, next: reader.next, control: is_last.then_some(control) })
            }
            Err(_) => ReportStep::Unavailable(unavailable()),
        })
    }
}

/// Reports whether a text is 1 to 16 letters and digits.
fn is_word(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reports whether a text is a day, or a time with an offset.
fn is_time(text: &str) -> bool {
    let is_like = |form: &str| {
        let mut pairs = text.bytes().zip(form.bytes());
        text.len() == form.len() && pairs.all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    is_like("0000-00-00") || is_like("0000-00-00T00:00:00+00:00")
}

/// A report's file that is being read.
pub struct Report(RefCell<Reader>);

/// What was read of a report.
struct Reader {
    delimiter: char,
    currency: Currency,
    /// The line that has no end yet.
    line: Vec<u8>,
    rows: u64,
    control: Option<ControlTotals>,
    next: Option<String>,
}

impl GuestReportReader for Report {
    fn append(&self, bytes: Vec<u8>) -> Result<Vec<ReportRow>, Problem> {
        let mut reader = self.0.borrow_mut();
        if fault::is("piece-is-a-line") {
            reader.line.clear();
        }
        reader.read(&bytes)
    }

    fn finish(&self) -> Result<(Vec<ReportRow>, ControlTotals), Problem> {
        self.0.borrow_mut().end()
    }
}

impl Reader {
    fn new(delimiter: char, currency: Currency) -> Reader {
        Reader { delimiter, currency, line: Vec::new(), rows: 0, control: None, next: None }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Vec<ReportRow>, Problem> {
        let mut rows = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = take(&mut self.line);
                    rows.extend(self.row(&line)?);
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(rows)
    }

    fn end(&mut self) -> Result<(Vec<ReportRow>, ControlTotals), Problem> {
        let is_whole = self.line.is_empty() && (self.control.is_some() || self.next.is_some());
        if !is_whole {
            return Err(self.bad("total", "It has no end."));
        }
        let nothing = ControlTotals { rows: None, gross: None, fee: None, net: None, extra: Fields::new() };
        Ok((Vec::new(), self.control.take().unwrap_or(nothing)))
    }

    fn row(&mut self, line: &[u8]) -> Result<Option<ReportRow>, Problem> {
        let line = std::str::from_utf8(line).map_err(|_| self.bad("kind", "It is not UTF-8."))?;
        if line.starts_with('#') {
            return Ok(None);
        }
        let values: Vec<&str> = line.split(self.delimiter).collect();
        if self.control.is_some() || self.next.is_some() {
            return Err(self.bad("total", "It goes on after its end."));
        }
        match values.as_slice() {
            ["total", rows, gross, fee, net] => {
                let rows: u64 = rows.parse().map_err(|_| self.bad("rows", "It is not a number."))?;
                let rows = rows + u64::from(fault::is("report-rows-off-by-one"));
                self.control = Some(ControlTotals {
                    rows: Some(rows),
                    gross: Some(self.money("gross", gross)?),
                    fee: Some(self.money("fee", fee)?),
                    net: Some(self.money("net", net)?),
                    extra: Fields::new(),
                });
                Ok(None)
            }
            ["next", page] if is_word(page) => {
                self.next = Some((*page).to_owned());
                Ok(None)
            }
            [kind, transaction, order, gross, fee, net, time] => {
                let kind = match *kind {
                    "payment" => Some(EventKind::Payment),
                    "refund" => Some(EventKind::Refund),
                    "fee" => None,
                    _ => return Err(self.bad("kind", "It is not known.")),
                };
                let is_empty_or = |text: &str, is_it: fn(&str) -> bool| text.is_empty() || is_it(text);
                if !is_empty_or(transaction, is_word) || !is_empty_or(order, is_word) || !is_empty_or(time, is_time) {
                    return Err(self.bad("transaction", "The transaction, the order or the time has another form."));
                }
                let row = ReportRow {
                    kind,
                    transaction: (*transaction).to_owned(),
                    order: (!order.is_empty()).then(|| (*order).to_owned()),
                    account: None,
                    gross: self.money("gross", gross)?,
                    fee: Some(self.money("fee", fee)?),
                    net: Some(self.money("net", net)?),
                    occurred_at: (!time.is_empty()).then(|| (*time).to_owned()),
                    day: None,
                    payout: None,
                    extra: Fields::new(),
                };
                self.rows += 1;
                Ok(Some(row))
            }
            _ => Err(self.bad("kind", "It has another number of columns.")),
        }
    }

    fn money(&self, field: &str, text: &str) -> Result<Money, Problem> {
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let minor_units = money::parse_amount(digits).map_err(|_| self.bad(field, "It is not an amount."))?;
        let minor_units = if is_negative { -minor_units } else { minor_units };
        Ok(Money { minor_units, currency: self.currency.to_string() })
    }

    fn bad(&self, field: &str, message: &str) -> Problem {
        Problem { row: Some(self.rows + 1), ..Code::Malformed.at(field, message) }
    }
}
