//! A ledger that was restored from an older copy: what was sent to a payment system after the copy is not sent a second time, before a person
//! has compared.

use std::fs;

use gateway::Gateway;
use host::HostBuilder;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::decisions::sees;
use crate::operations::{Shop, problem};
use crate::refunds::{NAME, builder};
use crate::server::{Server, config, listen};

const PAGE: &str = "/operator/operations";

impl Shop {
    /// Copies the database as the administrator's manual says.
    fn copy(&self) -> Vec<u8> {
        let folder = self.server.folder.path();
        let copy = folder.join("copy.db");
        let database = Connection::open(folder.join("ledger.db")).unwrap();
        database.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        fs::read(copy).unwrap()
    }

    /// Serves a copy of the database in a folder with everything else, but without the mark. The payment system stays as it is.
    fn restored(self, copy: &[u8]) -> Shop {
        let folder = TempDir::new().unwrap();
        let before = self.server.folder.path();
        fs::write(folder.path().join("ledger.db"), copy).unwrap();
        fs::copy(before.join("providers.lock"), folder.path().join("providers.lock")).unwrap();
        fs::create_dir(folder.path().join("components")).unwrap();
        for file in fs::read_dir(before.join("components")).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), folder.path().join("components").join(file.file_name())).unwrap();
        }
        let host: HostBuilder = builder(folder.path(), &self.bank, &self.clock);
        let gateway = Gateway::open(host, config()).unwrap();
        let host = gateway.host().clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let address = listen(&runtime, gateway);
        let server = Server { folder, address, runtime, agent: support::agent() };
        Shop { server, host, bank: self.bank.clone(), clock: self.clock.clone(), payment: self.payment.clone() }
    }
}

#[test]
fn refund_that_was_sent_after_the_copy_is_not_sent_again_before_a_comparison() {
    let shop = Shop::open();
    let copy = shop.copy();
    assert_eq!(shop.refund("k1", 3_000).1["state"], "done");
    assert_eq!(shop.paid_back(), ["30.00"]);
    let shop = shop.restored(&copy);
    assert_eq!(shop.server.balance(), 10_000, "the copy has no refund");

    let (calls, operations) = (shop.bank.calls(), shop.listed("?ended=true"));
    let cancel = json!({"provider": NAME, "payment": shop.payment, "kind": "cancel"});
    let charge = json!({"provider": NAME, "payment": shop.payment, "kind": "charge", "order": shop.server.order()});
    for (key, body) in [("k1", &shop.refund_of(3_000)), ("k2", &shop.refund_of(3_000)), ("k3", &cancel), ("k4", &charge)] {
        let answer = shop.ask(key, body);
        let detail = answer.1["detail"].as_str().unwrap();
        assert!(detail.contains("Nothing was sent now") && detail.contains(" UTC: the same may"), "{detail}");
        assert_eq!(problem(answer), (409, "restored-not-compared".to_owned()), "{key}");
    }
    let listed = shop.server.get("/api/v1/restorations").1;
    assert_eq!(listed["restorations"][0]["comparison"], json!(null), "{listed}");
    let session = shop.server.log_in();
    assert!(!session.get("/operator/decisions").contains("Сверено"), "nobody has compared yet");
    let page = format!("/operator/payments/{}", shop.payment);
    let warned = ["База данных восстановлена из копии. Платежи, возвраты, повторные списания и отмены подписок, сделанные с"];
    sees(&session.get(&page), &warned);
    let typed = [("amount", "30"), ("reason", "ошибка"), ("key", "page-1"), ("seen", "0"), ("decision", "confirmed")];
    sees(&session.post(&format!("{page}/refund"), &typed), &["Сейчас ничего не отправлено."]);
    shop.host.go_on_with_due();
    assert_eq!((shop.bank.calls(), shop.listed(""), shop.listed("?ended=true")), (calls, vec![], operations));

    // A person compares: he says how, and is asked once more.
    sees(&session.get(PAGE), &[warned[0], "Как вы сверили", "Сверено…"]);
    let form = format!("{PAGE}/restorations/1");
    sees(&session.post(&form, &[("comment", "")]), &["Напишите, почему", "Как вы сверили"]);
    sees(&session.post(&form, &[("comment", "по выписке")]), &["Записать, что всё сверено?", "Как вы сверили: по выписке"]);
    assert_eq!(problem(shop.refund("k1", 3_000)).0, 409, "nothing is recorded before it is confirmed");
    for _ in 0..2 {
        let confirmed = [("comment", "по выписке"), ("decision", "confirmed")];
        assert_eq!(session.post(&form, &confirmed), "", "the same form again redirects as before");
    }
    let other = session.post(&form, &[("comment", "иначе"), ("decision", "confirmed")]);
    sees(&other, &["Эту сверку уже записал другой сотрудник."]);
    sees(&session.get(PAGE), &["Восстановления из копии", "Копия от", "Сверено: anna, ", "по выписке"]);
    let decided = ["Сверено после восстановления из копии", "Копия от", "Как сверено: по выписке", "anna, "];
    sees(&session.get("/operator/decisions"), &decided);
    let (status, listed) = shop.server.get("/api/v1/restorations");
    let [one] = &listed["restorations"].as_array().unwrap()[..] else { panic!("it is one: {listed}") };
    assert_eq!((status, &one["id"], one["copied_at"].is_u64()), (200, &json!(1), true), "{listed}");
    let comparison = &one["comparison"];
    assert_eq!((&comparison["operator"], &comparison["comment"]), (&json!("anna"), &json!("по выписке")));
    assert!(comparison["at"].is_u64() && one["started_at"].is_u64(), "{listed}");
    assert!(!session.get(PAGE).contains("Как вы сверили") && !session.get(&page).contains("восстановлена из копии"));
    assert_eq!(shop.refund("k5", 3_000).1["state"], "done");
}

#[test]
fn restored_ledger_makes_links_and_takes_payments() {
    let shop = Shop::open();
    let copy = shop.copy();
    let shop = shop.restored(&copy);
    let order = shop.server.order();
    let paid = crate::swap::made_up_payment(&order, "00000009", crate::swap::KEY);
    shop.host.receive_callback(&NAME.parse().unwrap(), end_to_end::post(paid.as_bytes())).unwrap();
    assert_eq!(shop.server.balance(), 20_000);
}
