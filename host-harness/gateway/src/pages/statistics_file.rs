//! The entries of «Статистика» as a file for a spreadsheet. It says what the page says.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use csv::{QuoteStyle, Terminator, WriterBuilder};
use domain::{Entry, MovementId, Operation};
use host::{Pages, invisible};

use super::statistics::{PageQuery, ParsedQuery, counted};
use super::text::{self, Clock, Lang};
use super::{AppState, Operator, occurred};
use crate::download;
use crate::problem::Problem;

/// How many entries are read at once for a file, each time in a separate transaction.
const FILE_ROWS: u32 = 250;

/// Sends the entries as a file for a spreadsheet: those that exist when the download begins, and none that are entered later.
pub async fn csv(
    State(app): AppState,
    lang: Lang,
    Operator(_): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Response, Problem> {
    let clock = Clock::new(app.config.utc_offset_hours);
    let ParsedQuery { filter, from, to, .. } = asked.wanted(clock, app.now());
    let name = format!("statistics_{}_{}.csv", text::format_date(from), text::format_date(to));
    let mut pages = Pages::new(filter, FILE_ROWS);
    // Only with this mark do spreadsheets recognize UTF-8.
    let mut mark = Some("\u{feff}".as_bytes());
    Ok(download::stream(&name, move || {
        if let Some(mark) = mark.take() {
            return Ok(Some([mark, &lines(&[header(lang)])?].concat()));
        }
        let entries = app.host.next_page(&mut pages).map_err(std::io::Error::other)?;
        let operations = app.host.operations_of_entries(&entries).map_err(std::io::Error::other)?;
        let rows: Vec<_> = entries.into_iter().map(|entry| row(lang, clock, entry, &operations)).collect();
        if rows.is_empty() { Ok(None) } else { Ok(Some(lines(&rows)?)) }
    }))
}

fn header(lang: Lang) -> Vec<String> {
    let names = [
        lang.of("Номер", "Number"),
        lang.of("Время", "Time"),
        lang.of("Лицевой счёт", "Account"),
        lang.of("Вид", "Kind"),
        lang.of("Сумма", "Amount"),
        lang.of("Валюта", "Currency"),
        lang.of("Комментарий", "Comment"),
        lang.of("Заказ", "Order"),
        lang.of("Транзакция", "Transaction"),
        lang.of("Платёжная система", "Payment system"),
        lang.of("Внесено", "Entered"),
        lang.of("Решил", "Decided by"),
        lang.of("Почему", "Why"),
        lang.of("Сторно проводки", "Takes back entry"),
        lang.of("Сведения платёжной системы", "What the payment system says beside"),
        lang.of("Списание (id)", "Write-off (id)"),
        lang.of("Операция", "Operation"),
        lang.of("Операцию начал", "Operation begun by"),
        lang.of("Причина операции", "Reason of the operation"),
        lang.of("Исход записал", "Outcome recorded by"),
        lang.of("Как узнал", "How they know"),
        lang.of("Время в платёжной системе", "Time at the payment system"),
    ];
    names.map(str::to_owned).to_vec()
}

fn row(lang: Lang, clock: Clock, entry: Entry, operations: &BTreeMap<MovementId, Operation>) -> Vec<String> {
    let operation = entry.movement.and_then(|movement| operations.get(&movement));
    let of_operation = |of: fn(&Operation) -> &str| escape_formula(operation.map(of).unwrap_or_default().to_owned());
    let decision = entry.decision.clone();
    let extra: Vec<String> = entry.extra.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let occurred = escape_formula(occurred::text(clock, &entry));
    vec![
        entry.seq.to_string(),
        counted(clock, &entry),
        escape_formula(entry.account.into()),
        text::kind(lang, entry.kind).to_owned(),
        money::format_amount(entry.amount.minor_units).replace('.', lang.of(",", ".")),
        entry.amount.currency.to_string(),
        escape_formula(entry.comment),
        entry.order.map(String::from).unwrap_or_default(),
        escape_formula(entry.transaction.map(String::from).unwrap_or_default()),
        entry.provider.map(String::from).unwrap_or_default(),
        clock.text(entry.at),
        escape_formula(decision.as_ref().map(|decision| decision.operator.clone()).unwrap_or_default()),
        escape_formula(decision.map(|decision| decision.reason).unwrap_or_default()),
        entry.reverses.map(|seq| seq.to_string()).unwrap_or_default(),
        escape_formula(extra.join("; ")),
        escape_formula(entry.writeoff.unwrap_or_default()),
        of_operation(|operation| operation.id.as_str()),
        of_operation(|operation| &operation.operator),
        of_operation(|operation| &operation.reason),
        of_operation(|operation| operation.decision.as_ref().map_or("", |decision| &decision.operator)),
        of_operation(|operation| operation.decision.as_ref().map_or("", |decision| &decision.comment)),
        occurred,
    ]
}

/// Returns a text that a spreadsheet does not interpret as a formula.
fn escape_formula(text: String) -> String {
    // Spreadsheets skip invisible characters, and treat full-width signs like ASCII ones.
    let first = text.chars().find(|char| !char.is_whitespace() && !invisible::is_ignorable(*char));
    let is_formula = first.is_some_and(|first| "=+-@＝＋－＠".contains(first)) || text.starts_with(['\t', '\r']);
    if is_formula { format!("'{text}") } else { text }
}

fn lines(rows: &[Vec<String>]) -> std::io::Result<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    builder.delimiter(b';').quote_style(QuoteStyle::Always).terminator(Terminator::CRLF);
    let mut writer = builder.from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.write_record(row))?;
    writer.into_inner().map_err(|error| error.into_error())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_formula_or_another_cell() {
        for text in ["＝1+1", "\u{a0}=1", "\u{feff}=1", "\t1"] {
            assert!(escape_formula(text.to_owned()).starts_with('\''), "{text:?}");
        }
        let row = ["=1+1", "a;\"b\"", "-5,00"].map(|text| escape_formula(text.to_owned())).to_vec();
        let lines = lines(&[row, vec![String::new(), "a\r\nb".to_owned(), "'".to_owned()]]).unwrap();
        let want = "\"'=1+1\";\"a;\"\"b\"\"\";\"'-5,00\"\r\n\"\";\"a\r\nb\";\"'\"\r\n";
        assert_eq!(String::from_utf8(lines).as_deref(), Ok(want));
    }
}
