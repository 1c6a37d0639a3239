//! The settings page: the addresses to enter at the payment system, and the form for the settings in the component's
//! description.

use domain::{Choice, Problem, SettingKind, SettingSpec};
use host::{ActiveComponent, CallHost, ProviderStatus, invisible, payment_hosts};
use maud::{Markup, html};

use super::check::Check;
use super::{BLOCK_ROWS, CONFIRM, FormOutcome, LARGEST, SMALLEST, Typed, VERSION, badge, confirmation};
use crate::pages::csrf;
use crate::pages::layout::{Page, titles};
use crate::pages::provider_titles;
use crate::pages::text::{self, Clock, Lang};
use crate::sessions::Session;
use crate::shared::App;

/// The page of a provider's settings.
pub struct View<'v> {
    pub app: &'v App,
    /// A snapshot, so that a swap meanwhile does not mix two components.
    pub provider: &'v ProviderStatus,
    pub lang: Lang,
    pub session: &'v Session,
    /// The contents of the form.
    pub typed: &'v Typed,
    /// The stored settings.
    pub in_use: &'v Typed,
}

/// Notes beside the fields.
struct Notes<'n> {
    problems: &'n [Problem],
    /// Typed secrets were not saved.
    lost_secrets: Option<&'static str>,
    /// Somebody saved other values in the meantime.
    is_stale: bool,
}

fn value<'t>(typed: &'t Typed, name: &str) -> &'t str {
    typed.settings.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

impl View<'_> {
    pub fn page(&self, done: &FormOutcome) -> Markup {
        let Self { app, provider, lang, session, typed, .. } = *self;
        let component = &provider.component;
        let description = component.description();
        let lost = lang.of("Секрет не сохранён, введите его ещё раз.", "The secret is not saved; enter it again.");
        let notes = match done {
            FormOutcome::Nothing | FormOutcome::Saved(_) => Notes { problems: &[], lost_secrets: None, is_stale: false },
            FormOutcome::Stale => Notes { problems: &[], lost_secrets: Some(lost), is_stale: true },
            FormOutcome::Refused(error) => Notes { problems: &error.problems, lost_secrets: Some(lost), is_stale: false },
            FormOutcome::Checked(_, problems) => Notes {
                problems,
                lost_secrets: Some(lang.of(
                    "Секрет проверен, но не сохранён: чтобы сохранить, введите его ещё раз.",
                    "The secret was checked and is not saved: enter it again to save it.",
                )),
                is_stale: false,
            },
        };
        let content = html! {
            p { b { (provider_titles::of(app, &provider.name)) } " " (badge(lang, component)) }
            (self.outcome(done, component))
            (addresses(app, provider, lang))
            form.card method="post" action={ "/operator/settings/" (provider.name) } {
                (csrf(session))
                input type="hidden" name=(VERSION) value=(typed.version);
                @for setting in &description.settings { (self.field(setting, component, &notes)) }
                (self.limits(&notes))
                p.inline {
                    button { (lang.of("Сохранить", "Save")) }
                    button.quiet formaction={ "/operator/settings/" (provider.name) "/check" } {
                        (lang.of("Проверить настройки", "Check the settings"))
                    }
                }
            }
            @if let Some(at) = provider.last_accepted_at {
                p.hint { (lang.of("Последнее уведомление принято ", "The last callback was accepted at ")) (Clock::new(app.config.utc_offset_hours).text(at)) }
            }
        };
        Page::operators(lang, titles::settings(lang), session).show(&content)
    }

    fn outcome(&self, done: &FormOutcome, component: &ActiveComponent) -> Markup {
        let lang = self.lang;
        html! {
            @match done {
                FormOutcome::Nothing => {},
                FormOutcome::Saved(saved) => div.good role="status" {
                    p { (lang.of("Настройки сохранены и уже действуют.", "The settings are saved and in use.")) }
                    p { (changed_secrets(lang, component, &saved.changed_secrets)) }
                    @if !saved.not_latin.is_empty() {
                        p.bad {
                            (lang.of("Есть буквы не латинского алфавита, проверьте раскладку: ", "There are letters beyond the Latin alphabet; check the keyboard's layout: "))
                            (titles_of(lang, component, &saved.not_latin)) "."
                        }
                    }
                    @if let Some(currency) = saved.new_currency {
                        p.bad {
                            (lang.of("Валюта теперь ", "The currency is now ")) (currency)
                            (lang.of(": проверьте наименьшую и наибольшую сумму пополнения.", ": check the smallest and the largest top-up."))
                        }
                    }
                },
                FormOutcome::Stale => p.bad role="alert" {
                    (lang.of(
                        "Не сохранено: пока вы правили, настройки изменил кто-то другой. Введённое вами осталось в форме; где сейчас сохранено другое, это написано под полем. Исправьте и сохраните ещё раз.",
                        "Not saved: somebody else changed the settings while you were editing. What you entered is still in the form; where another value is saved now, it is shown below the field. Correct it and save again.",
                    ))
                },
                FormOutcome::Refused(error) => p.bad role="alert" {
                    @if error.problems.is_empty() { (lang.of("Настройки не сохранены.", "The settings are not saved.")) " " (error) }
                    @else { (lang.of("Настройки не сохранены: исправьте отмеченные поля.", "The settings are not saved: correct the marked fields.")) }
                },
                FormOutcome::Checked(checks, _) => ul.list role="status" { @for check in checks { (shown_check(check)) } },
            }
        }
    }

    fn limits(&self, notes: &Notes) -> Markup {
        let lang = self.lang;
        let [smallest, largest] = &self.typed.limits;
        let [smallest_in_use, largest_in_use] = &self.in_use.limits;
        html! {
            fieldset {
                legend { (lang.of("Пополнение", "Top-ups")) }
                (self.limit(SMALLEST, lang.of("Наименьшая сумма", "Smallest amount"), smallest, smallest_in_use, notes))
                (self.limit(LARGEST, lang.of("Наибольшая сумма", "Largest amount"), largest, largest_in_use, notes))
            }
        }
    }

    fn limit(&self, name: &str, title: &str, value: &str, in_use: &str, notes: &Notes) -> Markup {
        let problem = notes.problems.iter().find(|problem| problem.field.as_deref() == Some(name));
        html! {
            label { (title)
                input name=(name) inputmode="decimal" required value=(value) aria-invalid=[problem.map(|_| "true")];
                @if let Some(problem) = problem { span.bad role="alert" { (problem.message) } }
                @if notes.is_stale && value != in_use { (self.saved_now(in_use)) }
            }
        }
    }

    fn saved_now(&self, value: &str) -> Markup {
        html! {
            span.bad {
                (self.lang.of("Сейчас сохранено: ", "Saved now: "))
                @if value.is_empty() { (self.lang.of("пусто", "nothing")) } @else { (value) }
            }
        }
    }

    fn field(&self, setting: &SettingSpec, component: &ActiveComponent, notes: &Notes) -> Markup {
        let lang = self.lang;
        let name = setting.name.as_str();
        let (entered, in_use) = (value(self.typed, name), value(self.in_use, name));
        let default_value = setting.default_value.as_deref().unwrap_or_default();
        let shown = if entered.is_empty() { default_value } else { entered };
        let saved = if in_use.is_empty() { default_value } else { in_use };
        let problem = notes.problems.iter().find(|problem| problem.field.as_deref() == Some(name));
        let is_secret = component.kind(setting) == SettingKind::Secret;
        let lost = notes.lost_secrets.filter(|_| is_secret && !entered.is_empty());
        html! {
            label {
                span { (lang.pick(&setting.title)) @if setting.required { " " b.required title=(lang.of("обязательно", "required")) { "*" } } }
                (self.input(setting, component, shown, problem.is_some() || lost.is_some()))
                @if let Some(problem) = problem { span.bad role="alert" { (problem_text(lang, problem, setting.kind, entered)) } }
                @if let Some(lost) = lost { span.bad role="alert" { (lost) } }
                @if notes.is_stale && !is_secret && shown != saved { (self.saved_now(saved)) }
                span.hint id={ (name) "-help" } {
                    (lang.pick(&setting.help))
                    @if let Some(host) = self.called(setting, component, saved) {
                        (lang.of(" Компонент обращается к узлу ", " The component may call the host ")) b { (host) } "."
                    }
                }
                @if let Some(never) = self.called(setting, component, saved).and_then(|_| self.app.host.unreachable(saved)) {
                    span.bad { (never.message_in(lang.tag())) }
                }
            }
            @if let Some(host) = problem.filter(|problem| problem.code == payment_hosts::CODE).and_then(|_| CallHost::of_url(entered)) {
                (confirmation(lang, &format!("{CONFIRM}{name}"), &host.to_string()))
            }
        }
    }

    /// Returns the host that the component may call by this setting, as it is saved.
    fn called(&self, setting: &SettingSpec, component: &ActiveComponent, saved: &str) -> Option<CallHost> {
        let host = CallHost::of_url(saved).filter(|_| setting.kind == SettingKind::Url)?;
        component.call_hosts().contains(&host).then_some(host)
    }

    fn input(&self, setting: &SettingSpec, component: &ActiveComponent, value: &str, is_invalid: bool) -> Markup {
        let lang = self.lang;
        let name = setting.name.as_str();
        let help = format!("{name}-help");
        let invalid = is_invalid.then_some("true");
        let keeps = component
            .has_secret(name)
            .then(|| lang.of("введён; оставьте пустым, чтобы не менять", "entered; leave it empty to keep it"));
        html! {
            @match component.kind(setting) {
                SettingKind::Secret => input type="password" name=(name) autocomplete="new-password" aria-describedby=(help)
                    aria-invalid=[invalid] placeholder=[keeps];,
                SettingKind::SecretBlock => textarea name=(name) rows=(BLOCK_ROWS) autocomplete="off" spellcheck="false"
                    aria-describedby=(help) aria-invalid=[invalid] placeholder=[keeps] {},
                SettingKind::TextBlock => textarea name=(name) rows=(BLOCK_ROWS) spellcheck="false" aria-describedby=(help)
                    aria-invalid=[invalid] { (value) },
                SettingKind::Choice => select name=(name) aria-describedby=(help) aria-invalid=[invalid] {
                    @for Choice { value: choice, title } in &setting.choices {
                        option value=(choice) selected[choice == value] { (lang.pick(title)) }
                    }
                },
                SettingKind::Flag => input type="checkbox" name=(name) value="true" checked[value == "true"] aria-describedby=(help);,
                SettingKind::Url => input type="url" name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
                SettingKind::Integer => input inputmode="numeric" name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
                SettingKind::Text => input name=(name) value=(value) aria-describedby=(help) aria-invalid=[invalid];,
            }
        }
    }
}

/// Says which secrets changed, by their titles.
fn changed_secrets(lang: Lang, component: &ActiveComponent, changed: &[String]) -> String {
    if changed.is_empty() {
        lang.of("Секреты не изменились.", "No secret was changed.").to_owned()
    } else {
        format!("{}{}.", lang.of("Изменены секреты: ", "Secrets changed: "), titles_of(lang, component, changed))
    }
}

fn titles_of(lang: Lang, component: &ActiveComponent, names: &[String]) -> String {
    let settings = component.description().settings.iter().filter(|setting| names.contains(&setting.name));
    settings.map(|setting| lang.pick(&setting.title)).collect::<Vec<_>>().join(", ")
}

fn shown_check(check: &Check) -> Markup {
    let (class, mark) = match check.is_good {
        Some(true) => ("good", "✓"),
        Some(false) => ("bad", "✗"),
        None => ("hint", "…"),
    };
    html! { li class=(class) { (mark) " " (check.what) } }
}

/// Shows the addresses to enter at the payment system.
fn addresses(app: &App, provider: &ProviderStatus, lang: Lang) -> Markup {
    let callback = app.host.callback_url(&provider.name);
    let cabinet = format!("{}/cabinet", app.config.public_url);
    html! {
        div.card {
            p { (lang.of("Передайте платёжной системе:", "Hand over to the payment system:")) }
            (address("callback-url", lang.of("Адрес для уведомлений", "Callback URL"), &callback, lang))
            // Nobody returns to the cabinet who was not sent from it by a link.
            @if provider.component.description().links {
                (address("cabinet-url", lang.of("Адрес личного кабинета", "Cabinet URL"), &cabinet, lang))
            }
        }
    }
}

fn address(id: &str, title: &str, url: &str, lang: Lang) -> Markup {
    html! {
        label { (title)
            span.row {
                input id=(id) readonly value=(url);
                // A script shows the button: without a script it would do nothing.
                button.quiet type="button" data-copy=(id) data-copied=(lang.of("Скопировано", "Copied")) hidden {
                    (lang.of("Копировать", "Copy"))
                }
            }
        }
    }
}

/// Returns what is wrong with a setting. A component whose messages are in English alone has its codes explained in Russian.
fn problem_text(lang: Lang, problem: &Problem, kind: SettingKind, entered: &str) -> String {
    if lang == Lang::En {
        return problem.message.clone();
    }
    match problem.code.as_str() {
        invisible::CODE => invisible::find_in(kind, entered).map_or_else(String::new, invisible::Invisible::in_russian),
        "setting-missing" => "Заполните это поле.".to_owned(),
        _ if text::is_russian(problem.message_in(lang.tag())) => problem.message_in(lang.tag()).to_owned(),
        _ => "Такое значение не подходит. Сверьте его с описанием поля.".to_owned(),
    }
}
