//! The QR code of a payment link, such as that of «СБП».

use domain::PaymentLink;
use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

use super::text::Lang;

/// The width of the light border that a reader needs, in modules (ISO/IEC 18004, 9.1).
const BORDER: usize = 4;

/// Shows a link's QR code and, for a payer whose phone shows this page, a button that opens the bank's app. Shows nothing for a
/// link without a code.
pub fn code(lang: Lang, link: &PaymentLink) -> Markup {
    let Some(qr) = &link.qr else { return html! {} };
    html! {
        div.qr {
            (drawn(lang, qr))
            // Other schemes open no app from a page.
            @if qr.starts_with("https://") {
                p { a.button.on-phone href=(qr) { (lang.of("Оплатить в приложении банка", "Pay in your bank's app")) } }
            }
        }
    }
}

/// Draws a code of level M, by which a code is still read with 15 % of it damaged. A text that is too long for a code has none;
/// the contract's 1,024 characters are not.
fn drawn(lang: Lang, text: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return html! {} };
    let width = code.width();
    let path: String = code.to_colors().chunks(width).enumerate().map(|(y, row)| dark_runs(row, y + BORDER)).collect();
    let size = width + 2 * BORDER;
    html! {
        svg role="img" aria-label=(lang.of("QR-код для оплаты", "QR code to pay by")) viewBox={ "0 0 " (size) " " (size) }
            shape-rendering="crispEdges" {
            rect width=(size) height=(size) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// Returns the dark modules of a row as an SVG path, neighbours in one rectangle.
fn dark_runs(row: &[Color], y: usize) -> String {
    let mut x = BORDER;
    let mut path = String::new();
    for run in row.chunk_by(|left, right| left == right) {
        if run.contains(&Color::Dark) {
            path += &format!("M{x} {y}h{0}v1h-{0}z", run.len());
        }
        x += run.len();
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    const LINK: &str =
        "https://qr.nspk.ru/AD10006M8KH234K782OQM0L13JI31LQD?type=02&bank=100000000009&sum=10000&cur=RUB&crc=C63A";

    fn shown(qr: &str) -> String {
        code(Lang::Ru, &PaymentLink { qr: Some(qr.to_owned()), ..PaymentLink::default() }).into_string()
    }

    #[test]
    fn a_code_has_its_border_and_finder_patterns() {
        let page = shown(LINK);
        // A code of version 6: 41 modules a side.
        assert!(page.contains("viewBox=\"0 0 49 49\""));
        // The corners of the three finder patterns: rows of seven dark modules.
        for corner in ["\"M4 4h7", "M38 4h7", "M4 44h7"] {
            assert!(page.contains(corner), "{corner}");
        }
        assert!(page.contains(&format!("href=\"{}\"", LINK.replace('&', "&amp;"))));
    }

    #[test]
    fn a_code_of_another_scheme_has_no_button() {
        assert!(!shown("bank100000000007://qr.nspk.ru/AD1").contains("<a"));
        assert!(!shown("javascript:alert(1)").contains("<a"));
        assert_eq!(code(Lang::Ru, &PaymentLink::default()).into_string(), "");
    }

    #[test]
    fn the_longest_code_of_the_contract_is_drawn() {
        assert!(shown(&"~".repeat(1024)).contains("<svg"));
    }
}
