//! «Обращения к платёжным системам»: the calls that components had made since the start, by host, and the questions to billing.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::State;
use host::{CallCount, CallHost, OTHER};
use maud::{Markup, html};

use super::layout::{Page, titles};
use super::text::{Clock, Lang};
use super::{AppState, Operator};

pub async fn page(State(app): AppState, lang: Lang, Operator(session): Operator) -> Markup {
    let (counts, proxy, billing) = (app.host.call_counts(), app.host.call_proxy(), app.host.billing_calls());
    let asked = billing.as_ref().map(|billing| billing.address.as_deref().unwrap_or_default());
    let clock = Clock::new(app.config.utc_offset_hours);
    let content = html! {
        p.hint {
            (lang.of(
                "О чём компоненты спрашивали свои платёжные системы с момента запуска программы. Обращаться можно только к узлам, которые объявил компонент, и к узлам из его настроек.",
                "What components asked their payment systems since the start of the program. They may call only the hosts that they declare, and those of their settings.",
            ))
        }
        p {
            @match &proxy {
                Some(proxy) => { (lang.of("Через прокси ", "By the proxy ")) code { (proxy) } "." }
                None => (lang.of("Без прокси.", "Without a proxy.")),
            }
        }
        @if let Some(address) = asked {
            p {
                (lang.of(
                    "О лицевых счетах, которые плательщик вводит на терминале или в приложении банка, программа спрашивает биллинг",
                    "About accounts that payers enter at terminals or in banks' apps, billing is asked",
                ))
                @if !address.is_empty() { ": " b { (address) } }
                ". "
                (lang.of(
                    "Пока он не отвечает, платёжная система получает просьбу прийти позже, а не отказ.",
                    "While it gives no answer, the payment system is told to come again, and nothing is refused.",
                ))
            }
        }
        @if counts.is_empty() && billing.is_none() {
            p { (lang.of("Ни один компонент ни к чему не обращается.", "No component calls anything.")) }
        } @else {
            table {
                thead { tr { @for (at, title) in columns(lang).iter().enumerate() { th.amount[(2..7).contains(&at)] { (title) } } } }
                tbody {
                    @if let Some(billing) = &billing {
                        (row(lang, clock, lang.of("биллинг", "billing"), asked.unwrap_or_default(), &billing.count))
                    }
                    @for ((provider, host), count) in &counts { (row(lang, clock, provider, host, count)) }
                }
            }
        }
    };
    Page::operators(lang, titles::calls(lang), &session).show(&content)
}

fn columns(lang: Lang) -> [&'static str; 8] {
    [
        lang.of("Платёжная система", "Payment system"),
        lang.of("Узел", "Host"),
        lang.of("С ответом", "Answered"),
        lang.of("Не отправлено", "Not sent"),
        lang.of("Исход неизвестен", "Unknown"),
        lang.of("В среднем", "Mean time"),
        lang.of("Самое долгое", "Longest"),
        lang.of("Последнее без ответа", "Last without an answer"),
    ]
}

fn row(lang: Lang, clock: Clock, provider: &str, host: &str, count: &CallCount) -> Markup {
    let [provider_title, host_title, answered, not_sent, unknown, mean, longest, failure] = columns(lang);
    let is_sent = count.time_mean().is_some();
    html! {
        tr {
            td data-label=(provider_title) { (provider) }
            td.words data-label=(host_title) {
                @if host == OTHER { (lang.of("узлы, которые не разрешены", "hosts that are not permitted")) } @else { (host) }
            }
            td.amount data-label=(answered) { (count.answered) }
            td.amount data-label=(not_sent) { (count.not_sent) }
            td.amount data-label=(unknown) { (count.unknown) }
            td.amount data-label=(mean) { (count.time_mean().map_or_else(|| "—".to_owned(), |time| seconds(lang, time))) }
            td.amount data-label=(longest) { @if is_sent { (seconds(lang, count.time_longest)) } @else { "—" } }
            td.words data-label=(failure) {
                @match &count.failure {
                    Some(failure) => { (clock.text(failure.at)) " " (failure.message) }
                    None => "—",
                }
            }
        }
    }
}

/// `0,25 с`
fn seconds(lang: Lang, time: Duration) -> String {
    let text = format!("{}.{:02}", time.as_secs(), time.subsec_millis() / 10);
    match lang {
        Lang::Ru => format!("{}\u{a0}с", text.replace('.', ",")),
        Lang::En => format!("{text}\u{a0}s"),
    }
}

/// Lists the hosts that a component may call.
pub fn hosts(lang: Lang, hosts: &BTreeSet<CallHost>) -> String {
    if hosts.is_empty() {
        return lang.of("ни к каким", "none").to_owned();
    }
    hosts.iter().map(CallHost::to_string).collect::<Vec<_>>().join(", ")
}
