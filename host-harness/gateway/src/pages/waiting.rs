//! Lists of what waits for an operator.

use maud::{Markup, html};

use super::text::Lang;

/// How many rows of each list a page shows, the oldest first.
pub const PAGE_ROWS: u32 = 50;

/// The path of the page with unmatched payments.
pub const ADDRESS: &str = "/operator/unmatched";

/// A page of waiting items of one kind, and how many there are in all.
pub struct List<T> {
    pub rows: Vec<T>,
    pub total: u64,
}

/// Returns the link to the next page, if there are more rows than are shown.
pub fn pager<T>(lang: Lang, address: &str, parameter: &str, rows: &[T], id: impl Fn(&T) -> u64) -> Markup {
    let is_full = rows.len() >= PAGE_ROWS as usize;
    html! {
        @if let Some(last) = rows.last().filter(|_| is_full) {
            p.pager { a href={ (address) "?" (parameter) "=" (id(last)) } rel="next" { (lang.of("Дальше", "More")) " →" } }
        }
    }
}
