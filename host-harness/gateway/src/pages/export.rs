//! «Выгрузка в 1С».

use axum::extract::{Path, State};
use axum::response::Response;
use export::{FileEntry, Manifest, RateTotals};
use ledger::Money;
use maud::{Markup, html};
use money::Currency;
use sandbox::records::{Date, Party, PartyKind};

use super::layout::{Page, titles};
use super::text::{self, Clock, Lang};
use super::{AppState, Operator, Posted, csrf};
use crate::exports::{self, Asked};
use crate::operators::Session;
use crate::problem::Problem;
use crate::{App, blocking, download, now};

/// How an EnterpriseData export may name individuals; other formats do not look at it.
const MODES: [(&str, &str, &str); 2] = [
    ("per-subscriber", "по каждому абоненту", "for each subscriber"),
    ("summary-individuals", "физлица одной суммой", "individuals in one sum"),
];

/// What was done before the page is shown.
enum Done {
    Nothing,
    Made(String),
    SellerSaved,
    Refused(Problem),
}

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Result<Markup, Problem> {
    show(&app, lang, session, Done::Nothing).await
}

pub async fn make(State(app): AppState, lang: Lang, Posted { session, fields }: Posted) -> Result<Markup, Problem> {
    let date = |name: &str| -> Result<Date, Problem> {
        let day = text::read_iso(fields.get(name)).ok_or_else(|| Problem::unprocessable("a date is missing"))?;
        let year = u16::try_from(day.year()).map_err(|_| Problem::unprocessable("a date is out of range"))?;
        Ok(Date { year, month: u8::from(day.month()), day: day.day() })
    };
    let asked = || -> Result<Asked, Problem> {
        let mode = fields.get("mode");
        let options = if mode.is_empty() { Vec::new() } else { vec![("mode".to_owned(), mode.to_owned())] };
        Ok(Asked { from: date("from")?, to: date("to")?, format: fields.get("format").to_owned(), options })
    };
    let provider = fields.get("provider").to_owned();
    let done = match asked() {
        Err(problem) => Done::Refused(problem),
        Ok(asked) => {
            let made = blocking(&app, move |app| exports::make(app, &*app.providers.get(&provider)?, asked)).await;
            made.map_or_else(Done::Refused, |made| Done::Made(made.name))
        }
    };
    show(&app, lang, session, done).await
}

pub async fn put_seller(State(app): AppState, lang: Lang, Posted { session, fields }: Posted) -> Result<Markup, Problem> {
    let kind = if fields.get("kind") == "sole-proprietor" { PartyKind::SoleProprietor } else { PartyKind::Company };
    let [name, inn, kpp] = ["name", "inn", "kpp"].map(|name| fields.get(name).to_owned());
    let seller = Party { kind, name, inn, kpp };
    let saved = blocking(&app, move |app| exports::put_seller(app, &seller)).await;
    show(&app, lang, session, saved.map_or_else(Done::Refused, |()| Done::SellerSaved)).await
}

pub async fn file(State(app): AppState, Path(name): Path<String>, Operator(_): Operator) -> Result<Response, Problem> {
    let opened = name.clone();
    let file = blocking(&app, move |app| exports::open(app, &opened)).await?;
    download::file(&name, file)
}

async fn show(app: &App, lang: Lang, session: Session, done: Done) -> Result<Markup, Problem> {
    let (seller, made) = blocking(app, |app| Ok((exports::seller(app)?, exports::all(app)))).await?;
    let content = html! {
        @match &done {
            Done::Nothing => {},
            Done::Made(name) => p.good role="status" { (lang.of("Выгрузка готова: ", "The export is made: ")) (name) },
            Done::SellerSaved => p.good role="status" { (lang.of("Реквизиты сохранены.", "Saved.")) },
            Done::Refused(problem) => div.bad role="alert" {
                p { (lang.of("Выгрузка не сделана.", "The export was not made.")) " " (problem.detail) }
                @for one in &problem.problems { p { (one) } }
            },
        }
        @if seller.is_some() { (form(app, lang, &session)) }
        @else { p.bad { (lang.of("Сначала введите реквизиты оператора: они стоят в документах.", "Say first who sells: the documents name it.")) } }
        @for (name, manifest) in &made { (export(lang, name, manifest)) }
        (seller_form(lang, &session, seller.as_ref()))
    };
    Ok(Page::operators(lang, titles::export(lang), &session).show(&content))
}

fn form(app: &App, lang: Lang, session: &Session) -> Markup {
    let (from, to) = text::month_before(Clock::new(app.config.utc_offset_hours).day(now()));
    let slots = app.providers.all().into_iter().map(|slot| (slot.live(), slot));
    html! {
        @for (live, slot) in slots.filter(|(live, _)| !live.description().export_formats.is_empty()) {
            form.filter method="post" action="/operator/export" {
                (csrf(session))
                input type="hidden" name="provider" value=(slot.name);
                label { (lang.of("С", "From")) input type="date" name="from" value=(text::iso(from)) required; }
                label { (lang.of("По", "To")) input type="date" name="to" value=(text::iso(to)) required; }
                label { (lang.of("Формат", "Format"))
                    select name="format" {
                        @for format in &live.description().export_formats { option value=(format) { (format) } }
                    }
                }
                label { (lang.of("Акты", "Acts"))
                    select name="mode" {
                        option value="" { (lang.of("как принято в формате", "the format's own")) }
                        @for (mode, ru, en) in MODES { option value=(mode) { (lang.of(ru, en)) } }
                    }
                }
                button { (lang.of("Сформировать", "Make")) }
                span.hint { (live.description().name) " " (live.description().version) }
            }
        }
    }
}

fn export(lang: Lang, name: &str, manifest: &Manifest) -> Markup {
    let totals = &manifest.totals;
    let sum = |minor_units: i64| {
        let currency = Currency::parse(&totals.amount.currency).unwrap_or(Currency::RUB);
        text::amount(lang, Money { minor_units, currency })
    };
    let rate = |rate: Option<u16>| match rate {
        None => lang.of("без НДС", "no VAT").to_owned(),
        Some(rate) => format!("{} %", rate / 100),
    };
    html! {
        section.card {
            @for FileEntry { name, sha256, bytes, .. } in &manifest.files {
                p { a href={ "/operator/export/files/" (name) } download { (name) } " — " (bytes) " " (lang.of("байт", "bytes")) }
                p.hint { "SHA-256 " code { (sha256) } }
            }
            p {
                (lang.of("Списаний: ", "Write-offs: ")) (totals.rows) ", " (lang.of("документов: ", "documents: ")) (totals.documents) ", "
                (lang.of("сумма ", "amount ")) b { (sum(totals.amount.minor_units)) } ", " (lang.of("в т. ч. НДС ", "VAT within it ")) b { (sum(totals.vat_minor_units)) }
            }
            p.hint {
                @for RateTotals { vat_basis_points, minor_units, vat_minor_units } in &totals.vat_by_rate {
                    (rate(*vat_basis_points)) ": " (sum(*minor_units)) ", " (lang.of("НДС", "VAT")) " " (sum(*vat_minor_units)) ". "
                }
            }
            p { a href={ "/operator/export/files/" (name) ".manifest.json" } download { (lang.of("Манифест", "Manifest")) } }
        }
    }
}

fn seller_form(lang: Lang, session: &Session, seller: Option<&Party>) -> Markup {
    let text = |of: fn(&Party) -> &str| seller.map(of).unwrap_or_default();
    let is_person = seller.is_some_and(|seller| seller.kind == PartyKind::SoleProprietor);
    html! {
        h2 { (lang.of("Реквизиты оператора", "The operator")) }
        form.card method="post" action="/operator/export/seller" {
            (csrf(session))
            label { (lang.of("Кто", "Kind"))
                select name="kind" {
                    option value="company" { (lang.of("Юридическое лицо", "Company")) }
                    option value="sole-proprietor" selected[is_person] { (lang.of("Индивидуальный предприниматель", "Sole proprietor")) }
                }
            }
            label { (lang.of("Наименование", "Name")) input name="name" required maxlength="250" value=(text(|seller| &seller.name)); }
            label { (lang.of("ИНН", "INN")) input name="inn" required inputmode="numeric" maxlength="12" value=(text(|seller| &seller.inn)); }
            label { (lang.of("КПП", "KPP")) input name="kpp" inputmode="numeric" maxlength="9" value=(text(|seller| &seller.kpp)); }
            button { (lang.of("Сохранить", "Save")) }
        }
    }
}
