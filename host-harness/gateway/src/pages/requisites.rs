//! «Реквизиты оператора»: the seller, as documents name it.

use domain::{Party, PartyKind};
use maud::{Markup, html};

use super::text::Lang;
use super::{Fields, csrf};
use crate::problem::Problem;
use crate::sessions::Session;

/// A seller that was entered and refused.
pub struct Wrong {
    pub seller: Party,
    pub problem: Problem,
}

impl Wrong {
    /// Shows that nothing was saved.
    pub fn told(&self, lang: Lang) -> Markup {
        html! {
            div.bad role="alert" {
                p { (lang.of("Реквизиты не сохранены: исправьте отмеченные поля.", "The company details are not saved: correct the marked fields.")) }
                @if self.problem.problems.is_empty() { p { (self.problem.detail) } }
            }
        }
    }

    fn of_field(&self, field: &str) -> Option<&domain::Problem> {
        self.problem.problems.iter().find(|problem| problem.field.as_deref() == Some(field))
    }
}

/// Returns the seller in a form.
pub fn entered(fields: &Fields) -> Party {
    let kind = if fields.get("kind") == "sole-proprietor" { PartyKind::SoleProprietor } else { PartyKind::Company };
    let [name, inn, kpp] = ["name", "inn", "kpp"].map(|name| fields.get(name).to_owned());
    Party { kind, name, inn, kpp }
}

/// Returns what is wrong with a field, for a person.
fn wrong_text(lang: Lang, kind: PartyKind, problem: &domain::Problem) -> String {
    let is_company = kind == PartyKind::Company;
    let text = match (problem.field.as_deref(), problem.code.as_str()) {
        (Some("inn"), _) if is_company => lang.of(
            "ИНН юридического лица — 10 цифр, последняя из них контрольная. Проверьте, нет ли ошибки в цифре.",
            "A company's INN has 10 digits, the last of which checks the others. A digit may be wrong.",
        ),
        (Some("inn"), _) => lang.of(
            "ИНН предпринимателя — 12 цифр, две последние из них контрольные. Проверьте, нет ли ошибки в цифре.",
            "A sole proprietor's INN has 12 digits, the last two of which check the others. A digit may be wrong.",
        ),
        (Some("kpp"), "missing") => lang.of(
            "У юридического лица есть КПП: по ИНН и КПП 1С находит организацию.",
            "A company has a KPP: 1C finds the organisation by INN and KPP.",
        ),
        (Some("kpp"), _) if is_company => {
            lang.of("КПП — 9 знаков, например 770701001.", "A KPP has nine characters, such as 770701001.")
        }
        (Some("kpp"), _) => {
            lang.of("У предпринимателя КПП нет: оставьте поле пустым.", "A sole proprietor has no KPP: leave it empty.")
        }
        (Some("name"), "missing") => lang.of("Введите наименование.", "Enter the name."),
        (Some("name"), "too-long") => lang.of("Наименование длиннее 250 знаков.", "The name has more than 250 characters."),
        (Some("name"), _) => lang.of(
            "В наименовании есть невидимый знак или перевод строки; введите его заново.",
            "The name holds a character that is not seen, or a line break; type it anew.",
        ),
        _ => return problem.message.clone(),
    };
    text.to_owned()
}

/// Returns the form. If a seller was refused, it has what was entered.
pub fn form(lang: Lang, session: &Session, kept: Option<&Party>, wrong: Option<&Wrong>) -> Markup {
    let shown = wrong.map(|wrong| &wrong.seller).or(kept);
    let text = |of: fn(&Party) -> &str| shown.map(of).unwrap_or_default();
    let kind = shown.map_or(PartyKind::Company, |seller| seller.kind);
    let note = |field: &str| {
        let problem = wrong.and_then(|wrong| wrong.of_field(field));
        html! { @if let Some(problem) = problem { span.bad id={ "wrong-" (field) } { (wrong_text(lang, kind, problem)) } } }
    };
    let is_wrong = |field: &str| wrong.is_some_and(|wrong| wrong.of_field(field).is_some());
    let described = |field: &str| is_wrong(field).then(|| format!("wrong-{field}"));
    let invalid = |field: &str| is_wrong(field).then_some("true");
    html! {
        h2 { (lang.of("Реквизиты оператора", "Your company")) }
        form.card method="post" action="/operator/export/seller" {
            (csrf(session))
            label { (lang.of("Кто", "Kind"))
                select name="kind" {
                    option value="company" { (lang.of("Юридическое лицо", "Company")) }
                    option value="sole-proprietor" selected[kind == PartyKind::SoleProprietor] { (lang.of("Индивидуальный предприниматель", "Sole proprietor")) }
                }
            }
            label { (lang.of("Наименование", "Name"))
                input name="name" required maxlength="250" value=(text(|seller| &seller.name)) aria-invalid=[invalid("name")] aria-describedby=[described("name")];
                (note("name"))
            }
            label { (lang.of("ИНН", "INN"))
                input name="inn" required inputmode="numeric" maxlength="12" value=(text(|seller| &seller.inn)) aria-invalid=[invalid("inn")] aria-describedby=[described("inn")];
                (note("inn"))
            }
            label { (lang.of("КПП", "KPP"))
                input name="kpp" maxlength="9" value=(text(|seller| &seller.kpp)) aria-invalid=[invalid("kpp")] aria-describedby=[described("kpp")];
                (note("kpp"))
            }
            button { (lang.of("Сохранить", "Save")) }
        }
    }
}
