//! The charts of the statistics.

use std::collections::BTreeMap;

use domain::{EntryKind, HourlyTotal, Money};
use maud::{Markup, PreEscaped, html};
use money::Currency;
use time::{Date, Duration};

use super::text::{self, Clock, Lang};

/// How many days a chart shows at most. Of a longer period it shows the last ones.
const DAYS_MAX: i64 = 92;
/// The height of each half, above and below the line.
const HALF_HEIGHT: i64 = 60;
const DAY_WIDTH: i64 = 8;

/// Returns a chart for each currency, with the money in above the line and the money out below it, day by day. A reversal
/// counts against the kind that it reverses, as in the totals: a reversed write-off is not income. Corrections count in both
/// directions.
pub fn charts(lang: Lang, clock: Clock, first: Date, last: Date, hours: &[HourlyTotal]) -> Markup {
    let first = first.max(last - Duration::days(DAYS_MAX - 1));
    let mut currencies: BTreeMap<String, BTreeMap<Date, (i64, i64)>> = BTreeMap::new();
    for HourlyTotal { hour, kind, amount, .. } in hours {
        let day = clock.day(*hour);
        let days = currencies.entry(amount.currency.to_string()).or_default();
        let (income, outgo) = days.entry(day).or_default();
        let is_income = match kind {
            EntryKind::Payment | EntryKind::ChargebackReversal => true,
            EntryKind::Refund | EntryKind::Chargeback | EntryKind::WriteOff => false,
            EntryKind::Correction => amount.minor_units >= 0,
        };
        if is_income {
            *income = income.saturating_add(amount.minor_units);
        } else {
            *outgo = outgo.saturating_sub(amount.minor_units);
        }
    }
    html! {
        @for (currency, days) in &currencies {
            @if let Some(currency) = Currency::parse(currency) { (chart(lang, currency, first, last, days)) }
        }
    }
}

fn chart(lang: Lang, currency: Currency, first: Date, last: Date, days: &BTreeMap<Date, (i64, i64)>) -> Markup {
    let most = days.values().map(|(income, outgo)| *income.max(outgo)).max().unwrap_or_default().max(1);
    let height = |minor_units: i64| {
        let height = i128::from(minor_units.max(0)) * i128::from(HALF_HEIGHT) / i128::from(most);
        // A day with a negative sum has no bar, and only its title shows the sum.
        i64::try_from(height).unwrap_or(HALF_HEIGHT).max(i64::from(minor_units > 0))
    };
    let count = (last - first).whole_days() + 1;
    let title = format!("{}, {currency}", lang.of("Поступления и списания по дням", "Income and write-offs by day"));
    let view = format!("0 0 {} {}", count * DAY_WIDTH, 2 * HALF_HEIGHT + 1);
    let bars = (0..count).map(|at| {
        let day = first + Duration::days(at);
        let (income, outgo) = days.get(&day).copied().unwrap_or_default();
        let [plus, minus] = [income, -outgo].map(|minor_units| text::amount(lang, Money { minor_units, currency }));
        html! {
            g {
                title { (text::day_text(day)) ": " @if income >= 0 { "+" } (plus) ", " @if outgo < 0 { "+" } (minus) }
                rect.back x=(at * DAY_WIDTH) y="0" width=(DAY_WIDTH) height=(2 * HALF_HEIGHT + 1) {}
                rect.income x=(at * DAY_WIDTH + 1) y=(HALF_HEIGHT - height(income)) width=(DAY_WIDTH - 2) height=(height(income)) {}
                rect.outgo x=(at * DAY_WIDTH + 1) y=(HALF_HEIGHT + 1) width=(DAY_WIDTH - 2) height=(height(outgo)) {}
            }
        }
    });
    html! {
        figure.card {
            figcaption.hint { (title) " — " (lang.of("наибольшее за день: ", "the most in a day: ")) (text::amount(lang, Money { minor_units: most, currency })) }
            svg viewBox=(view) preserveAspectRatio="none" role="img" aria-label=(title) {
                @for bar in bars { (bar) }
                (PreEscaped(format!("<line class=\"axis\" x1=\"0\" x2=\"{}\" y1=\"{HALF_HEIGHT}.5\" y2=\"{HALF_HEIGHT}.5\"/>", count * DAY_WIDTH)))
            }
            div.ends.hint { span { (text::day_text(first)) } span { (text::day_text(last)) } }
        }
    }
}
