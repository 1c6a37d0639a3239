//! What an operator does with payment systems on the pages: over real HTTP, without a browser.

use crate::server::{Server, Session};
use end_to_end::{component, with_custom_section};
use serde_json::json;

const PROVIDERS: &str = "/operator/providers";

impl Session<'_> {
    /// Uploads a component by a form.
    fn upload(&self, path: &str, fields: &[(&str, &str)], component: &[u8]) -> String {
        let boundary = "a-boundary-of-tests";
        let csrf = self.csrf();
        let fields = [&[("csrf", csrf)], fields].concat();
        let part = |(name, value): &(&str, &str)| {
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.wasm\"\r\ncontent-type: application/wasm\r\n\r\n"
        );
        let head: String = fields.iter().map(part).chain([file]).collect();
        let body = [head.as_bytes(), component, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        self.send(path, &format!("multipart/form-data; boundary={boundary}"), &body)
    }
}

/// Returns the SHA-256 of the component that the first form of the page replaces.
fn in_use(page: &str) -> &str {
    page.split_once("name=\"in_use\" value=\"").unwrap().1.split_once('"').unwrap().0
}

#[test]
fn removal_is_always_confirmed() {
    let server = Server::new();
    let session = server.log_in();
    let remove = format!("{PROVIDERS}/chronopay/remove");
    let asked = session.post(&remove, &[]);
    assert!(asked.contains("Удалить платёжную систему <b>chronopay</b>?"), "{asked}");
    assert!(asked.contains("Неоплаченных заказов у неё нет.") && asked.contains("Не удалять"), "{asked}");
    assert_eq!(server.catalog().lock().unwrap().len(), 1, "nothing is removed before it is confirmed");
    server.order();
    let asked = session.post(&remove, &[]);
    assert!(asked.contains("неоплаченных заказов — 1") && asked.contains("Всё равно удалить chronopay"), "{asked}");
    assert_eq!(session.post(&remove, &[("confirm", "true")]), "");
    assert_eq!(server.catalog().lock().unwrap().len(), 0);
    // A second tab confirms it again.
    for fields in [&[][..], &[("confirm", "true")]] {
        let page = session.post(&remove, fields);
        assert!(page.contains("Эту платёжную систему удалили."), "{page}");
    }
}

#[test]
fn outdated_swap_form_does_not_bring_back_a_removed_provider() {
    let server = Server::new();
    let session = server.log_in();
    let page = session.get(PROVIDERS);
    assert_eq!(server.delete("/api/v1/providers/chronopay?operator=boris").0, 204);
    let swap = format!("{PROVIDERS}/chronopay/component");
    for new in [component(), with_custom_section(&component(), "x")] {
        let refused = session.upload(&swap, &[("in_use", in_use(&page))], &new);
        assert!(refused.contains("эту платёжную систему тем временем удалили"), "{refused}");
        assert!(refused.contains("<a href=\"/operator/providers\">К списку платёжных систем</a>"), "{refused}");
        assert_eq!(server.catalog().lock().unwrap().len(), 0);
    }
    // The form at the end of the list adds it.
    let added = session.upload(PROVIDERS, &[("name", "chronopay")], &component());
    assert!(added.contains("добавлена"), "{added}");
    assert_eq!(server.catalog().lock().unwrap().len(), 1);
}

#[test]
fn two_payment_systems_of_one_title_are_told_apart() {
    let server = Server::new();
    let session = server.log_in();
    let seller = json!({"kind": "company", "name": "ООО «Связь»", "inn": "7700000009", "kpp": "770701001"});
    assert_eq!(server.put("/api/v1/seller", &seller).0, 204);
    let pages = [PROVIDERS, "/operator/settings/chronopay", "/operator/statistics", "/operator/export"];
    for page in pages {
        let page = session.get(page);
        assert!(page.contains("ChronoPay") && !page.contains("ChronoPay (chronopay)"), "one needs no name: {page}");
    }
    let added = session.upload(PROVIDERS, &[("name", "of-moscow")], &component());
    assert!(added.contains("добавлена"), "{added}");
    for page in pages.into_iter().chain(["/operator/settings", "/operator/settings/of-moscow"]) {
        let shown = session.get(page);
        let own = if page.ends_with("chronopay") { &["chronopay"][..] } else { &["of-moscow"] };
        let both = if page.contains("/settings/") { own } else { &["chronopay", "of-moscow"] };
        both.iter().for_each(|name| assert!(shown.contains(&format!("ChronoPay ({name})")), "{page}: {shown}"));
    }
}
