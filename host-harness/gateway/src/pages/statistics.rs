//! «Статистика платежей и списаний».

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Redirect;
use domain::{
    Account, AccountNumber, Cursor, DecidedBy, Entry, EntryFilter, EntryKind, HourlyTotal, Money, MovementId, Operation,
    OperationDecision, PageStart, ProviderName,
};
use host::AccountBalances;
use maud::{Markup, html};
use money::Currency;
use serde::Deserialize;
use time::Date;

use super::layout::{Page, titles};
use super::operation::payment_address;
use super::text::{self, Clock, Lang};
use super::{AppState, Operator, chart, confirm, csrf, occurred, path_segment, provider_titles};
use crate::problem::Problem;
use crate::shared::{App, Shared, blocking};

const PAGE_ROWS: u32 = 50;
/// The indexes of the columns of the time and the comment.
const TIME: usize = 0;
const COMMENT: usize = 4;

const KINDS: [EntryKind; 6] = [
    EntryKind::Payment,
    EntryKind::Refund,
    EntryKind::Chargeback,
    EntryKind::ChargebackReversal,
    EntryKind::WriteOff,
    EntryKind::Correction,
];

/// The form's fields. An invalid value counts as empty.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PageQuery {
    account: String,
    kind: String,
    provider: String,
    from: String,
    to: String,
    before: String,
    after: String,
}

/// The parsed fields.
pub struct ParsedQuery {
    pub filter: EntryFilter,
    pub from: Date,
    pub to: Date,
    page: PageStart,
}

impl PageQuery {
    /// Parses the fields. Without dates, the period is this month.
    pub fn wanted(&self, clock: Clock, now: u64) -> ParsedQuery {
        let today = clock.day(now);
        let first = today.replace_day(1).unwrap_or(today);
        let from = text::parse_date(&self.from).unwrap_or(first);
        let to = text::parse_date(&self.to).unwrap_or(today).max(from);
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        // An invalid number or name is searched for as well, and has no entries.
        let filter = EntryFilter {
            account: some(&self.account).map(AccountNumber::stored),
            kind: EntryKind::from_name(&self.kind),
            provider: some(&self.provider).map(ProviderName::stored),
            from: Some(clock.start(from)),
            until: Some(clock.end(to)),
        };
        let page = match (place(&self.before), place(&self.after)) {
            (Some(before), _) => PageStart::Before(before),
            (None, Some(after)) => PageStart::After(after),
            (None, None) => PageStart::Latest,
        };
        ParsedQuery { filter, from, to, page }
    }
}

fn place(text: &str) -> Option<Cursor> {
    let (at, seq) = text.split_once('-')?;
    Some(Cursor { at: at.parse().ok()?, seq: seq.parse().ok()? })
}

impl ParsedQuery {
    /// Returns the query string of the filter.
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &text::format_date(self.from)).append_pair("to", &text::format_date(self.to));
        for (name, value) in [
            ("account", self.filter.account.as_deref()),
            ("kind", self.filter.kind.map(EntryKind::name)),
            ("provider", self.filter.provider.as_deref()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

/// The data of the page.
struct PageData {
    entries: Vec<Entry>,
    /// The operations that made entries, by their movements.
    operations: BTreeMap<MovementId, Operation>,
    hours: Vec<HourlyTotal>,
    account: Option<AccountBalances>,
    /// Whether there is a page of later entries before this one, and a page of earlier ones after it.
    has_later: bool,
    has_earlier: bool,
}

fn find(app: &Shared, wanted: &ParsedQuery) -> Result<PageData, Problem> {
    let filter = &wanted.filter;
    let mut entries = app.host.entries(filter, wanted.page, PAGE_ROWS + 1)?;
    let has_more = entries.len() > PAGE_ROWS as usize;
    let (has_later, has_earlier) = match wanted.page {
        PageStart::Latest => (false, has_more),
        PageStart::Before(_) => (true, has_more),
        PageStart::After(_) => (has_more, true),
    };
    if has_more {
        match wanted.page {
            PageStart::After(_) => drop(entries.remove(0)),
            PageStart::Latest | PageStart::Before(_) => drop(entries.pop()),
        }
    }
    let account = filter.account.as_ref().map(|number| app.host.find_account(number)).transpose()?.flatten();
    let (operations, hours) = (app.host.operations_of_entries(&entries)?, app.host.hourly_totals(filter)?);
    Ok(PageData { entries, operations, hours, account, has_later, has_earlier })
}

/// Redirects to the page, when a form's address is opened by GET.
pub async fn again() -> Redirect {
    Redirect::to("/operator/statistics")
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(asked): Query<PageQuery>,
) -> Result<Markup, Problem> {
    let clock = Clock::new(app.config.utc_offset_hours);
    let wanted = asked.wanted(clock, app.now());
    let (wanted, found) = blocking(&app, move |app| {
        let found = find(app, &wanted)?;
        Ok((wanted, found))
    })
    .await?;
    let content = html! {
        (form(&app, lang, &wanted))
        @if let Some((account, balances)) = &found.account {
            div.card {
                p { b { (account.name) } ", " (account.number) (contract(lang, account)) }
                p { (lang.of("Баланс: ", "Balance: ")) b { (sums(lang, balances)) } }
                form method="post" action={ "/operator/accounts/" (path_segment(&account.number)) "/cabinet" } {
                    (csrf(&session))
                    button.quiet { (lang.of("Открыть личный кабинет абонента", "Open the subscriber's cabinet")) }
                }
            }
        } @else if wanted.filter.account.is_some() {
            p.bad { (lang.of("Такого лицевого счёта нет.", "There is no such account.")) }
        }
        (totals(lang, &found.hours))
        p.hint {
            (lang.of(
                "Списания учтены по своей дате, как в выгрузке в 1С; всё остальное — по времени проводки.",
                "Write-offs count by their date, as in the export for 1C; everything else by when it was entered.",
            ))
        }
        (chart::charts(lang, clock, wanted.from, wanted.to, &found.hours))
        p { a href={ "/operator/statistics.csv?" (wanted.query()) } { (lang.of("Скачать CSV", "Download CSV")) } }
        (table(lang, clock, &found.entries, Some(&Beside { operations: &found.operations, titles: &provider_titles::all(&app) })))
        (pager(lang, &wanted, &found))
    };
    Ok(Page::operators(lang, titles::statistics(lang), &session).show(&content))
}

/// Shows the account's contract, if it has one.
fn contract(lang: Lang, account: &Account) -> Markup {
    html! {
        @if !account.contract.is_empty() { ", " (account.contract) }
        @if let Some(day) = account.contract_date { " " (lang.of("от ", "of ")) (text::calendar_day(day)) }
    }
}

/// Returns when the statistics count an entry: a write-off by its date, every other entry by its time.
pub fn counted(clock: Clock, entry: &Entry) -> String {
    entry.date.map_or_else(|| clock.text(entry.at), text::calendar_day)
}

fn sums(lang: Lang, sums: &[Money]) -> String {
    if sums.is_empty() {
        return text::amount(lang, Money { minor_units: 0, currency: Currency::RUB });
    }
    sums.iter().map(|sum| text::amount(lang, *sum)).collect::<Vec<_>>().join(", ")
}

fn form(app: &App, lang: Lang, wanted: &ParsedQuery) -> Markup {
    let EntryFilter { account, kind, provider, .. } = &wanted.filter;
    html! {
        form.filter method="get" {
            label { (lang.of("Лицевой счёт", "Account")) input name="account" value=[account.as_deref()]; }
            label { (lang.of("С", "From")) input type="date" name="from" value=(text::format_date(wanted.from)); }
            label { (lang.of("По", "To")) input type="date" name="to" value=(text::format_date(wanted.to)); }
            label { (lang.of("Вид", "Kind"))
                select name="kind" {
                    option value="" { (lang.of("все", "all")) }
                    @for one in KINDS { option value=(one.name()) selected[*kind == Some(one)] { (text::kind(lang, one)) } }
                }
            }
            label { (lang.of("Платёжная система", "Payment system"))
                select name="provider" {
                    option value="" { (lang.of("все", "all")) }
                    @for (name, title) in provider_titles::all(app) {
                        option value=(name) selected[provider.as_ref() == Some(&name)] { (title) }
                    }
                }
            }
            button { (lang.of("Показать", "Show")) }
        }
    }
}

/// Shows sums by kind and currency. In a time zone with half hours, hours would be counted whole.
fn totals(lang: Lang, hours: &[HourlyTotal]) -> Markup {
    let mut totals: BTreeMap<(usize, String), (u64, i64, Currency)> = BTreeMap::new();
    for HourlyTotal { kind, count, amount, .. } in hours {
        let order = KINDS.iter().position(|one| one == kind).unwrap_or(KINDS.len());
        let (counted, sum, _) = totals.entry((order, amount.currency.to_string())).or_insert((0, 0, amount.currency));
        *counted += count;
        *sum = sum.saturating_add(amount.minor_units);
    }
    html! {
        div.totals {
            @for ((order, _), (count, minor_units, currency)) in &totals {
                @let kind = KINDS.get(*order).copied().unwrap_or(EntryKind::Correction);
                div.card {
                    span.hint { (text::kind(lang, kind)) ": " (count) }
                    b { (text::amount(lang, Money { minor_units: *minor_units, currency: *currency })) }
                }
            }
        }
    }
}

/// What operators see beside entries.
pub struct Beside<'b> {
    /// The operations that made entries, by their movements.
    operations: &'b BTreeMap<MovementId, Operation>,
    /// The titles of the payment systems.
    titles: &'b BTreeMap<ProviderName, String>,
}

impl Beside<'_> {
    /// Returns the title of an entry's payment system; its name, if it was removed.
    fn title(&self, entry: &Entry) -> String {
        let Some(name) = &entry.provider else { return String::new() };
        self.titles.get(name).cloned().unwrap_or_else(|| name.to_string())
    }
}

/// Shows entries in a table that becomes a list on a phone: to operators with what they see beside them. To a subscriber their own
/// number is not shown, nor who decided what.
pub fn table(lang: Lang, clock: Clock, entries: &[Entry], operators: Option<&Beside<'_>>) -> Markup {
    if entries.is_empty() {
        return html! { p.hint { (lang.of("Здесь пока ничего нет.", "There is nothing here yet.")) } };
    }
    let (account, system) = (lang.of("Лицевой счёт", "Account"), lang.of("Платёжная система", "Payment system"));
    let names = [
        lang.of("Время", "Time"),
        account,
        lang.of("Вид", "Kind"),
        lang.of("Сумма", "Amount"),
        lang.of("Комментарий", "Comment"),
        lang.of("Заказ", "Order"),
        lang.of("Транзакция", "Transaction"),
        system,
    ];
    let is_shown = |name: &&str| operators.is_some() || ![account, system].contains(name);
    html! {
        table {
            thead { tr { @for name in names.iter().filter(|name| is_shown(name)) { th { (name) } } } }
            tbody {
                @for entry in entries {
                    @let cells = [
                        counted(clock, entry), entry.account.to_string(), text::kind(lang, entry.kind).to_owned(),
                        text::amount(lang, entry.amount), entry.comment.clone(),
                        entry.order.as_deref().unwrap_or_default().to_owned(), entry.transaction.as_deref().unwrap_or_default().to_owned(),
                        operators.map(|beside| beside.title(entry)).unwrap_or_default(),
                    ];
                    tr {
                        @for (at, (name, cell)) in names.iter().zip(cells).enumerate().filter(|(_, (name, _))| is_shown(name)) {
                            td data-label=(name) .words[matches!(at, 1 | 4 | 6)] .amount[at == 3] .outgo[at == 3 && entry.amount.minor_units < 0] {
                                @match operators {
                                    Some(_) if at == TIME => (time_cell(lang, clock, entry, &cell)),
                                    Some(Beside { operations, .. }) if at == COMMENT => div { span { (cell) } (beside(lang, entry, operations)) },
                                    _ => (cell)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Shows when an entry counts, and the day of its payment at the payment system if it is another one.
fn time_cell(lang: Lang, clock: Clock, entry: &Entry, counted: &str) -> Markup {
    let Some(occurred) = occurred::of_another_day(clock, entry) else { return html! { (counted) } };
    html! {
        div {
            span { (counted) }
            div.hint { (lang.of("в платёжной системе ", "at the payment system ")) (occurred) }
        }
    }
}

/// Shows what operators see of an entry besides its comment: its sequence number, its write-off's id, who decided it and why,
/// and what the provider reported with it.
fn beside(lang: Lang, entry: &Entry, operations: &BTreeMap<MovementId, Operation>) -> Markup {
    let operation = entry.movement.and_then(|movement| operations.get(&movement));
    html! {
        div.hint {
            "№ " (entry.seq)
            @if let Some(id) = &entry.writeoff { ". " (lang.of("Списание ", "Write-off ")) code { (id) } }
            @if let Some(DecidedBy { id, operator, reason }) = &entry.decision {
                ". " a href={ "/operator/decisions?before=" (id + 1) } { (lang.of("Решение № ", "Decision № ")) (id) } ", " (operator) ": " (reason)
            }
            @if let Some(reversed) = entry.reverses { ". " (lang.of("Сторно проводки № ", "Takes back the entry № ")) (reversed) }
            @if let Some(origin) = entry.origin.and_then(|origin| text::origin(lang, origin)) { ". " (origin) }
            @if let (EntryKind::Payment, Some(movement)) = (entry.kind, entry.movement) {
                ". " a href=(payment_address(movement)) { (lang.of("Платёж и возвраты", "Payment and refunds")) }
            }
            @if let Some(operation) = operation { ". " (made_by(lang, operation)) }
        }
        (confirm::extra(lang, &entry.extra))
    }
}

/// Says who began the operation that made an entry, and who recorded its outcome if nobody else told it.
fn made_by(lang: Lang, operation: &Operation) -> Markup {
    let Operation { id, operator, reason, decision, task, .. } = operation;
    let name = lang.of("Операция ", "Operation ");
    html! {
        @match task.payment() {
            Some(payment) => a href=(payment_address(payment)) { (name) (id) },
            None => { (name) (id) }
        }
        @if !operator.is_empty() { (lang.of(", начал ", ", begun by ")) (operator) }
        @if !reason.is_empty() { ": " (reason) }
        @if let Some(OperationDecision { operator, comment, .. }) = decision {
            (lang.of("; исход записал ", "; outcome recorded by ")) (operator) ": " (comment)
        }
    }
}

fn pager(lang: Lang, wanted: &ParsedQuery, found: &PageData) -> Markup {
    let link = |name: &str, entry: &Entry| {
        let Cursor { at, seq } = entry.cursor();
        format!("/operator/statistics?{}&{name}={at}-{seq}", wanted.query())
    };
    html! {
        p.pager {
            @if let (true, Some(first)) = (found.has_later, found.entries.first()) {
                a href=(link("after", first)) rel="prev" { "← " (lang.of("Более новые", "Newer")) }
            }
            @if let (true, Some(last)) = (found.has_earlier, found.entries.last()) {
                a href=(link("before", last)) rel="next" { (lang.of("Более старые", "Older")) " →" }
            }
        }
    }
}
