//! «Выгрузка в 1С».

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::{ExcludedWriteOff, Exclusion, Money, Party, UndatedWriteOff, WrittenDate};
use host::{ExportFailure, ExportRequest, FileEntry, Gone, HostError, Manifest, RateTotals, StoredExport};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Page, titles};
use super::requisites::{self, Wrong};
use super::text::{self, Clock, Lang};
use super::{AppState, CsrfForm, Fields, Operator, csrf, exclusions, provider_titles};
use crate::download;
use crate::identifiers;
use crate::problem::Problem;
use crate::sessions::Session;
use crate::shared::{App, Shared, blocking};

/// How an EnterpriseData export names individuals. Other formats ignore it.
const MODES: [(&str, &str, &str); 2] = [
    ("per-subscriber", "по каждому абоненту", "for each subscriber"),
    ("summary-individuals", "физлица одним актом", "individuals in one act"),
];
/// How many files of an export are listed one by one. If it has more, only the archive is listed.
const FILES_LISTED_MAX: usize = 4;

/// The result of the form that is shown on the page.
pub enum FormOutcome {
    Nothing,
    Made { name: String, before: Option<u64>, gone: Gone },
    SellerSaved,
    SellerRefused(Wrong),
    Failed(ExportFailure),
}

/// The submitted form of an export.
#[derive(Clone, Default)]
pub struct Form {
    provider: String,
    from: String,
    to: String,
    format: String,
    mode: String,
    documents_per_file: String,
    allow_empty: bool,
    replace: bool,
}

impl Form {
    fn of(fields: &Fields) -> Form {
        let text = |name: &str| fields.get(name).to_owned();
        Form {
            provider: text("provider"),
            from: text("from"),
            to: text("to"),
            format: text("format"),
            mode: text("mode"),
            documents_per_file: text("documents-per-file"),
            allow_empty: fields.get("allow-empty") == "yes",
            replace: fields.get("replace") == "yes",
        }
    }

    fn request(&self) -> Result<ExportRequest, HostError> {
        let date = |written: &str| -> Result<WrittenDate, HostError> {
            let day = text::parse_date(written).and_then(|_| WrittenDate::parse(written));
            day.ok_or_else(|| HostError::invalid("a date is missing"))
        };
        // A table has no documents to split into files. It does have the mode, which says whose acts its rows add up to.
        let is_table = self.format.ends_with("csv");
        let documents = if is_table { "" } else { &self.documents_per_file };
        let options = [("mode", self.mode.as_str()), ("documents-per-file", documents)];
        let options = options.into_iter().filter(|(_, value)| !value.is_empty());
        let (from, to) = (date(&self.from)?, date(&self.to)?);
        Ok(ExportRequest {
            provider: identifiers::chosen_provider(Some(self.provider.clone()))?,
            from,
            to,
            format: self.format.clone(),
            options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            allow_empty: self.allow_empty,
            replace: self.replace,
        })
    }

    /// Returns the form again, with a button that submits it with something agreed to.
    fn again(&self, session: &Session, agreed: &str, button: &str) -> Markup {
        let Form { provider, from, to, format, mode, documents_per_file, allow_empty, replace } = self;
        html! {
            form method="post" action="/operator/export" {
                (csrf(session))
                @for (name, value) in [
                    ("provider", provider), ("from", from), ("to", to), ("format", format), ("mode", mode),
                    ("documents-per-file", documents_per_file),
                ] { input type="hidden" name=(name) value=(value); }
                @for (name, is_set) in [("allow-empty", *allow_empty), ("replace", *replace)] {
                    @if is_set || name == agreed { input type="hidden" name=(name) value="yes"; }
                }
                button { (button) }
            }
        }
    }
}

/// Where the list of exclusions continues.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Listing {
    before: Option<u64>,
}

pub async fn page(
    State(app): AppState,
    lang: Lang,
    Operator(session): Operator,
    Query(listing): Query<Listing>,
) -> Result<Markup, Problem> {
    show(&app, lang, session, Form::default(), FormOutcome::Nothing, listing.before).await
}

pub async fn make(State(app): AppState, lang: Lang, CsrfForm { session, fields }: CsrfForm) -> Result<Markup, Problem> {
    let form = Form::of(&fields);
    let wanted = form.clone();
    let made = blocking(&app, move |app| {
        let created = || app.host.create_export(wanted.request()?);
        Ok(created())
    })
    .await?;
    let done = match made {
        Ok(made) => FormOutcome::Made { name: made.name, before: made.before, gone: made.gone },
        Err(why) => FormOutcome::Failed(why),
    };
    show(&app, lang, session, form, done, None).await
}

pub async fn put_seller(State(app): AppState, lang: Lang, CsrfForm { session, fields }: CsrfForm) -> Result<Markup, Problem> {
    let seller = requisites::entered(&fields);
    let kept = seller.clone();
    let saved = blocking(&app, move |app| Ok(app.host.set_seller(&kept)?)).await;
    let done = match saved {
        Ok(()) => FormOutcome::SellerSaved,
        Err(problem) => FormOutcome::SellerRefused(Wrong { seller, problem }),
    };
    show(&app, lang, session, Form::default(), done, None).await
}

pub async fn file(State(app): AppState, Path(name): Path<String>, Operator(_): Operator) -> Result<Response, Problem> {
    let opened = name.clone();
    let file = blocking(&app, move |app| Ok(app.host.open_export_file(&opened)?)).await?;
    download::file(&name, file)
}

/// The data from the ledger and the folder.
struct PageData {
    seller: Option<Party>,
    made: Vec<StoredExport>,
    excluded: Vec<ExcludedWriteOff>,
    of_no_day: Vec<(UndatedWriteOff, Option<Exclusion>)>,
}

async fn show(
    app: &App,
    lang: Lang,
    session: Session,
    form: Form,
    done: FormOutcome,
    before: Option<u64>,
) -> Result<Markup, Problem> {
    let found = blocking(app, move |app| find(app, before)).await?;
    let clock = Clock::new(app.config.utc_offset_hours);
    let wrong = if let FormOutcome::SellerRefused(wrong) = &done { Some(wrong) } else { None };
    let content = html! {
        (told(lang, clock, &session, &form, &done))
        @if found.seller.is_some() { (forms(app, lang, clock, &session, &form)) }
        @else { p.bad { (lang.of("Сначала введите реквизиты оператора: они указываются в документах.", "Enter your company details first: the documents name them.")) } }
        (exclusions::of_no_day(lang, &session, &found.of_no_day))
        @for kept in &found.made { (export(lang, clock, kept)) }
        (exclusions::list(lang, clock, &session, &found.excluded))
        (requisites::form(lang, &session, found.seller.as_ref(), wrong))
    };
    Ok(Page::operators(lang, titles::export(lang), &session).show(&content))
}

fn find(app: &Shared, before: Option<u64>) -> Result<PageData, Problem> {
    Ok(PageData {
        seller: app.host.seller()?,
        made: app.host.exports(),
        excluded: app.host.exclusions(before, exclusions::PAGE_ROWS + 1)?,
        of_no_day: app.host.writeoffs_of_no_day("", exclusions::PAGE_ROWS)?,
    })
}

/// Shows the result of the form.
fn told(lang: Lang, clock: Clock, session: &Session, form: &Form, done: &FormOutcome) -> Markup {
    match done {
        FormOutcome::Nothing => html! {},
        FormOutcome::Made { name, before: None, gone } => html! {
            p.good role="status" { (lang.of("Выгрузка готова: ", "The export is ready: ")) (name) }
            (gone_acts(lang, gone))
        },
        FormOutcome::Made { name, before: Some(at), .. } => html! {
            p.good role="status" {
                (lang.of("Такая выгрузка уже есть, с тем же содержанием; она сделана ", "There is such an export already, and it holds the same; it was made "))
                (clock.text(*at)) ": " (name)
            }
        },
        FormOutcome::SellerSaved => {
            html! { p.good role="status" { (lang.of("Реквизиты сохранены.", "The company details are saved.")) } }
        }
        FormOutcome::SellerRefused(wrong) => wrong.told(lang),
        FormOutcome::Failed(why) => html! {
            div.bad role="alert" {
                p { (lang.of("Выгрузка не сформирована.", "The export was not created.")) }
                (not_made(lang, clock, session, form, why))
            }
        },
    }
}

fn not_made(lang: Lang, clock: Clock, session: &Session, form: &Form, why: &ExportFailure) -> Markup {
    match why {
        ExportFailure::Failed(error) => problems(lang, session, error, &BTreeMap::new(), 0),
        ExportFailure::Rows { error, ids, more } => problems(lang, session, error, ids, *more),
        ExportFailure::Empty => html! {
            p { (lang.of("За эти дни выгружать нечего: списаний нет или все они исключены.", "There is nothing to export in these days: there are no write-offs, or all are left out.")) }
            (form.again(session, "allow-empty", lang.of("Сделать пустой файл", "Make an empty file")))
        },
        ExportFailure::Differs { before, made_at, now, gone } => html! {
            p {
                (lang.of("Такая выгрузка уже есть, она сделана ", "There is such an export already, made ")) (clock.text(*made_at)) ", "
                (lang.of("и её содержание другое.", "and it holds something else."))
            }
            p {
                @if let Some(before) = before { (lang.of("Была: ", "It was: ")) (sums(lang, before)) ". " }
                (lang.of("Будет: ", "It would be: ")) (sums(lang, now)) "."
            }
            p {
                (lang.of(
                    "Если прежняя уже загружена в 1С, загрузите после замены и новую: акты, которые есть в обеих, в базе обновятся.",
                    "Where the earlier one is loaded into 1C, load the new one too: the acts that both have are updated there.",
                ))
            }
            (gone_acts(lang, gone))
            (form.again(session, "replace", lang.of("Заменить прежнюю выгрузку", "Replace the earlier export")))
        },
    }
}

/// Shows the acts that an earlier export had and the new one lacks.
fn gone_acts(lang: Lang, gone: &Gone) -> Markup {
    match gone {
        Ok(gone) if gone.is_empty() => html! {},
        Ok(gone) => html! {
            p.bad {
                (lang.of("Этих актов прежней выгрузки в новой нет: ", "The new export lacks these acts of the earlier one: "))
                (gone.numbers.join(", "))
                @if gone.more > 0 { (lang.of(" и ещё ", " and more: ")) (gone.more) }
                (lang.of(
                    ". Если прежняя загружена, удалите их в 1С вручную, до загрузки новой. Акт с тем же номером в новой выгрузке — другой документ.",
                    ". Where the earlier one is loaded, delete them in 1C by hand before the new one is loaded. An act of the same number in the new export is another document.",
                ))
            }
        },
        Err(_) => html! {
            p.bad {
                (lang.of(
                    "Прочитать прежнюю выгрузку нельзя: какие её акты исчезнут, неизвестно. Если она загружена, сверьте акты в 1С с новой.",
                    "The earlier export cannot be read, so which of its acts are gone is not known. Where it is loaded, compare the acts in 1C with the new one.",
                ))
            }
        },
    }
}

/// Reports whether a problem is about the write-off itself, so that no export can ever include it, rather than about the
/// account, which billing can correct, or the request.
fn is_its_own(problem: &domain::Problem) -> bool {
    match (problem.field.as_deref(), problem.code.as_str()) {
        (Some("amount.currency"), _) | (None, _) => true,
        (Some("service-code"), "out-of-range") | (_, "unsupported") => false,
        (Some(field), _) => !is_of_account(field),
    }
}

fn is_of_account(field: &str) -> bool {
    matches!(field, "account" | "contract" | "contract-date" | "extra.foreign-tax-number") || field.starts_with("subscriber.")
}

/// Returns what to do about a problem that is not about the write-off itself.
fn other_remedy(lang: Lang, problem: &domain::Problem) -> &'static str {
    if problem.code != "out-of-range" && problem.field.as_deref().is_some_and(is_of_account) {
        lang.of(
            "Само списание верно: исправьте данные абонента в биллинге и пришлите его счёт ещё раз.",
            "The write-off itself is right: correct the subscriber's data in billing and put the account again.",
        )
    } else {
        lang.of(
            "Само списание верно: выберите другой формат или другие параметры выгрузки.",
            "The write-off itself is right: choose another format or other options of the export.",
        )
    }
}

/// Shows problems, with a form to exclude each write-off that can never be exported, and then how many more problems there are.
fn problems(lang: Lang, session: &Session, error: &HostError, ids: &BTreeMap<u64, String>, more: u64) -> Markup {
    html! {
        @if error.problems.is_empty() { p { (error) } }
        @for one in &error.problems {
            p { (one) }
            @if let Some(id) = one.row.and_then(|row| ids.get(&row)) {
                @if is_its_own(one) { (exclusions::form(lang, session, Some(id))) } @else { p.hint { (other_remedy(lang, one)) } }
            }
        }
        @if more > 0 { p { (lang.of("Ещё ошибок: ", "More faults: ")) (more) "." } }
    }
}

fn forms(app: &App, lang: Lang, clock: Clock, session: &Session, sent: &Form) -> Markup {
    let (from, to) = text::month_before(clock.day(app.now()));
    let mut exporting = app.host.providers();
    exporting.retain(|one| !one.component.description().export_formats.is_empty());
    let (exporting, not_ready): (Vec<_>, Vec<_>) = exporting.into_iter().partition(|one| one.component.is_ready());
    let or = |sent: &str, text: String| if sent.is_empty() { text } else { sent.to_owned() };
    html! {
        @if exporting.is_empty() && not_ready.is_empty() {
            p.bad {
                (lang.of(
                    "Выгружать нечем: ни один из подключённых компонентов не умеет выгружать в 1С. Добавьте компонент onec.wasm на странице ",
                    "Nothing here exports: no component that is loaded has export formats. Add the component onec.wasm on the page ",
                ))
                a href="/operator/providers" { (lang.of("«Платёжные системы»", "«Payment systems»")) }
                (lang.of(", сохраните его настройки и вернитесь сюда.", ", save its settings, and come back."))
            }
        }
        @for provider in &not_ready {
            p.bad {
                (lang.of("Чтобы выгружать через ", "To export by ")) (provider_titles::of(app, &provider.name))
                (lang.of(", сохраните ", ", save ")) a href=(format!("/operator/settings/{}", provider.name)) { (lang.of("настройки", "its settings")) } "."
            }
        }
        @for provider in &exporting {
            @let description = provider.component.description();
            @let nothing = Form::default();
            @let sent = if provider.name == sent.provider.as_str() { sent } else { &nothing };
            form.filter method="post" action="/operator/export" {
                (csrf(session))
                input type="hidden" name="provider" value=(provider.name);
                label { (lang.of("С", "From")) input type="date" name="from" value=(or(&sent.from, text::format_date(from))) required; }
                label { (lang.of("По", "To")) input type="date" name="to" value=(or(&sent.to, text::format_date(to))) required; }
                label { (lang.of("Формат", "Format"))
                    select name="format" {
                        @for format in &description.export_formats { option value=(format) selected[sent.format == *format] { (format) } }
                    }
                }
                label { (lang.of("Акты", "Acts"))
                    select name="mode" {
                        option value="" { (lang.of("по умолчанию", "the format's own")) }
                        @for (mode, ru, en) in MODES { option value=(mode) selected[sent.mode == mode] { (lang.of(ru, en)) } }
                    }
                }
                label { (lang.of("Актов в файле", "Acts in a file"))
                    input name="documents-per-file" inputmode="numeric" pattern="[1-9][0-9]*" placeholder=(lang.of("все", "all")) value=(sent.documents_per_file);
                }
                button { (lang.of("Сформировать", "Create export")) }
                span.hint { (provider_titles::of(app, &provider.name)) " " (description.version) }
            }
        }
    }
}

fn amount(lang: Lang, manifest: &Manifest, minor_units: i64) -> String {
    text::amount(lang, Money { minor_units, ..manifest.totals.amount })
}

/// Shows a manifest's row count and total.
fn sums(lang: Lang, manifest: &Manifest) -> Markup {
    let totals = &manifest.totals;
    html! {
        (lang.of("Списаний: ", "Write-offs: ")) (totals.rows) ", " (lang.of("документов: ", "documents: ")) (totals.documents) ", "
        (lang.of("сумма ", "amount ")) b { (amount(lang, manifest, totals.amount.minor_units)) } ", "
        (lang.of("в т. ч. НДС ", "VAT within it ")) b { (amount(lang, manifest, totals.vat_minor_units)) }
    }
}

/// Formats a VAT rate: `22 %`, `7,50 %`.
fn rate(lang: Lang, basis_points: Option<u16>) -> String {
    match basis_points.map(|rate| (rate / 100, rate % 100)) {
        None => lang.of("без НДС", "no VAT").to_owned(),
        Some((percent, 0)) => format!("{percent}\u{a0}%"),
        Some((percent, hundredths)) => format!("{percent}{}{hundredths:02}\u{a0}%", lang.of(",", ".")),
    }
}

fn export(lang: Lang, clock: Clock, StoredExport { name, manifest, made_at, archive }: &StoredExport) -> Markup {
    let totals = &manifest.totals;
    let files: &[FileEntry] = if archive.is_some() && manifest.files.len() > FILES_LISTED_MAX { &[] } else { &manifest.files };
    let address = |name: &str| format!("/operator/export/files/{}", super::path_segment(name));
    html! {
        section.card {
            @if let Some(archive) = archive {
                p {
                    a href=(address(archive)) download { (archive) } " — "
                    (lang.of("файлов: ", "files: ")) (manifest.files.len()) ", " (lang.of("с манифестом", "with the manifest"))
                }
            }
            @for FileEntry { name, sha256, bytes, .. } in files {
                p { a href=(address(name)) download { (name) } " — " (bytes) " " (lang.of("байт", "bytes")) }
                p.hint { "SHA-256 " code { (sha256) } }
            }
            p { (sums(lang, manifest)) }
            p.hint {
                @for RateTotals { vat_basis_points, minor_units, vat_minor_units } in &totals.vat_by_rate {
                    (rate(lang, *vat_basis_points)) ": " (amount(lang, manifest, *minor_units)) ", " (lang.of("НДС", "VAT")) " " (amount(lang, manifest, *vat_minor_units)) ". "
                }
            }
            @if let Some(left_out) = manifest.left_out.as_ref().filter(|left_out| left_out.rows > 0) {
                p {
                    (lang.of("Не вошло в файлы: списаний ", "In no file: write-offs ")) (left_out.rows) ", "
                    (lang.of("сумма ", "amount ")) b { (amount(lang, manifest, left_out.minor_units)) }
                    @if let Some(file) = &left_out.file {
                        " — " a href=(address(&file.name)) download { (lang.of("список с причинами", "the list with the reasons")) }
                    }
                }
            }
            @for warning in &manifest.warnings {
                p.hint { (lang.of("Предупреждение: ", "Warning: ")) (warning.message) }
            }
            @if manifest.warnings_count > manifest.warnings.len() as u64 {
                p.hint { (lang.of("Всего предупреждений: ", "Warnings in all: ")) (manifest.warnings_count) }
            }
            @for host::Excluded { writeoff, account, date, amount: charged, reason, .. } in &manifest.excluded {
                p.hint {
                    (lang.of("Исключено: ", "Left out: ")) (amount(lang, manifest, charged.minor_units)) ", " code { (writeoff) } ", "
                    (lang.of("л/с ", "account ")) (account) ", " (date) ": " (reason)
                }
            }
            p.hint {
                (lang.of("Сделана ", "Made ")) (clock.text(*made_at)) ". "
                a href=(address(&format!("{name}.manifest.json"))) download { (lang.of("Манифест", "Manifest")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_said_to_the_hundredth_of_a_percent() {
        for (basis_points, ru) in [
            (Some(2200), "22\u{a0}%"),
            (Some(750), "7,50\u{a0}%"),
            (Some(1605), "16,05\u{a0}%"),
            (Some(0), "0\u{a0}%"),
            (None, "без НДС"),
        ] {
            assert_eq!(rate(Lang::Ru, basis_points), ru);
        }
        assert_eq!(rate(Lang::En, Some(750)), "7.50\u{a0}%");
    }
}
