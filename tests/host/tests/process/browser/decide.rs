//! Operators' decisions, and their consequences for the payer.

use end_to_end::{PRODUCT, SECRET};
use host_tests::{Browser, CallbackSpec, Screen, Site};
use serde_json::{Value, json};

use super::{ACCOUNT, CHRONOPAY, PASSWORD, PROVIDERS, UNMATCHED, go, log_in};

fn site() -> (Site, Browser) {
    let site = Site::start();
    let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET, "payment-page": "http://127.0.0.1:9/"});
    assert_eq!(site.api("PUT", "/api/v1/providers/chronopay/settings", &settings).status, 204);
    site.host.api.put_account(ACCOUNT);
    let browser = Browser::start(Screen::DESKTOP);
    browser.open(&site.url);
    log_in(&browser, PASSWORD);
    (site, browser)
}

fn enter_cabinet(site: &Site, browser: &Browser) {
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    browser.see_page("Личный кабинет");
}

#[test]
fn unmatched_refund_is_debited_after_confirmation() {
    let (site, browser) = site();
    let payment = CallbackSpec::payment(&site.host.api.order(ACCOUNT, 20_000), 1, 20_000);
    assert_eq!(site.host.api.callback(&payment.body()), 200);
    // A refund of an unknown payment.
    let refund = CallbackSpec::payment("none", 7, 15_050).body_with(&[("transaction_type", "Refund")]);
    assert_eq!(site.host.api.callback(&refund), 200);
    go(&browser, UNMATCHED);
    browser.see("150,50 ₽ — Возврат");
    assert_eq!(browser.count("//button[.='Зачислить…']"), 0);
    browser.fill("Лицевой счёт", ACCOUNT);
    browser.fill("Почему", "возврат по заявлению");
    browser.press("Списать…");
    assert_eq!(browser.texts_of("//dl[dt='Абонент']/dd")[3..], ["200,00 ₽", "49,50 ₽"]);
    assert_eq!(site.host.api.balance(ACCOUNT), 20_000, "no money moves before the confirmation");
    browser.press(&format!("Списать 150,50 ₽ со счёта {ACCOUNT}"));
    browser.see("Списано 150,50 ₽ со счёта");
    assert_eq!(site.host.api.balance(ACCOUNT), 4_950);
}

#[test]
fn callbacks_of_paused_and_removed_provider_are_stored() {
    let (site, browser) = site();
    let order = site.host.api.order(ACCOUNT, 10_000);
    enter_cabinet(&site, &browser);
    browser.fill("Сумма", "100");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    let page = browser.url();

    // It accepts no new orders, but still processes callbacks.
    browser.open(&site.url);
    go(&browser, PROVIDERS);
    browser.press_within(CHRONOPAY, "Не предлагать");
    browser.see("Новые заказы не принимаются");
    enter_cabinet(&site, &browser);
    assert_eq!(browser.count("//button[.='Пополнить']"), 0);
    assert_eq!(site.host.api.callback(&CallbackSpec::payment(&order, 1, 10_000).body()), 200);
    assert_eq!(site.host.api.balance(ACCOUNT), 10_000);
    browser.open(&site.url);
    go(&browser, PROVIDERS);
    browser.press_within(CHRONOPAY, "Снова предлагать");
    enter_cabinet(&site, &browser);
    assert_eq!(browser.count("//button[.='Пополнить']"), 1);

    // Removing requires confirmation while an order is open. A callback that still arrives is stored and shown.
    browser.open(&site.url);
    go(&browser, PROVIDERS);
    browser.press_within(CHRONOPAY, "Удалить");
    browser.see("chronopay: неоплаченных заказов — 1");
    browser.press("Всё равно удалить chronopay");
    browser.see("Удалённые");
    assert_eq!(site.host.api.callback(&CallbackSpec::payment("8", 8, 10_000).body()), 503);
    go(&browser, UNMATCHED);
    browser.see("Пришло после того, как платёжную систему удалили.");
    browser.open(&page);
    browser.see_page("Заказ больше нельзя оплатить");
}
