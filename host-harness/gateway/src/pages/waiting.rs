//! Lists of what waits for an operator.

use maud::{Markup, html};

use super::text::Lang;

/// How many of each list are shown at once, the oldest first.
pub const PAGE_ROWS: u32 = 50;

/// The page of unmatched payments.
pub const ADDRESS: &str = "/operator/unmatched";

/// What waits of a kind: a page of it, and how much there is in all.
pub struct List<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

/// Where a page's list goes on that has more rows than are shown.
pub fn pager<T>(lang: Lang, address: &str, parameter: &str, rows: &[T], id: impl Fn(&T) -> u64) -> Markup {
    let is_full = rows.len() >= PAGE_ROWS as usize;
    html! {
        @if let Some(last) = rows.last().filter(|_| is_full) {
            p.pager { a href={ (address) "?" (parameter) "=" (id(last)) } rel="next" { (lang.of("Дальше", "More")) " →" } }
        }
    }
}
