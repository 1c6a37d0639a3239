//! Screenshots of every page.

use std::sync::Arc;

use domain::{
    Account, Date, Event, EventKind, Facts, Money, NewOrder, PartyKind, ProviderName, Recurrence, StoredCallback, WriteOff,
};
use end_to_end::{PRODUCT, SECRET};
use host_tests::host::{PROVIDER, target_dir};
use host_tests::site::PASSWORD;
use host_tests::{Browser, CallbackSpec, Folder, Screen, Site};
use ledger::{Ledger, Submission};
use money::Currency;
use serde_json::{Value, json};
use storage_sqlite::Sqlite;

use super::{ACCOUNT, COMMENT, MENU, MenuItem, PROVIDERS, STATISTICS, fits, go, log_in};

/// The longest possible account number.
const LONG_ACCOUNT: &str = "0123456789012345678901234567890123456789012345678901234567890123";
/// A usual month, and one with long words and amounts, which must not widen a page. Both are in the past, whatever the day.
const USUAL: Month = Month { name: "from=2026-09-01&to=2026-09-30", month: 9, begins: 1_788_253_200, account: ACCOUNT };
const LONG: Month = Month { name: "from=2026-08-01&to=2026-08-31", month: 8, begins: 1_785_574_800, account: LONG_ACCOUNT };
const DAYS: u8 = 30;
const DAY_SECONDS: u64 = 86_400;

struct Month {
    /// The month as a URL's query.
    name: &'static str,
    month: u8,
    /// Its first morning, in seconds since the epoch.
    begins: u64,
    /// The account that has payments and write-offs in it.
    account: &'static str,
}

#[test]
fn every_page_fits_desktop_and_phone() {
    let folder = Folder::default();
    fill(&folder);
    let site = Site::start_on(folder, "info");
    set_up(&site);
    for (screen, name) in [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone")] {
        let browser = Browser::start(screen);
        let screenshot = |page: &str| {
            assert_eq!(browser.evaluate("window.innerWidth"), screen.width, "{page}");
            fits(&browser, page);
            let path = target_dir().join(format!("screenshots/{page}-{name}.png"));
            assert_eq!(browser.screenshot(&path), (screen.width, screen.height), "{page}");
        };
        operator_pages(&site, &browser, &screenshot);
        cabinet_pages(&site, &browser, &screenshot);
        browser.open(&format!("{}/operator/statistics?{}", site.url, LONG.name));
        browser.press("English");
        for MenuItem { en, screenshot, .. } in MENU {
            go(&browser, en);
            fits(&browser, screenshot);
        }
    }
}

fn operator_pages(site: &Site, browser: &Browser, screenshot: &impl Fn(&str)) {
    browser.open(&site.url);
    screenshot("login");
    log_in(browser, PASSWORD);
    browser.see_page(STATISTICS.1);
    for (Month { name, account, .. }, page) in [(USUAL, "statistics"), (LONG, "statistics-of-long-words")] {
        browser.open(&format!("{}/operator/statistics?{name}", site.url));
        browser.see(&format!("Платёж: {DAYS}"));
        screenshot(page);
        browser.open(&format!("{}/operator/statistics?{name}&account={account}", site.url));
        browser.see("Баланс:");
        screenshot(&format!("{page}-of-an-account"));
    }
    for item in &MENU[1..] {
        go(browser, item.ru);
        screenshot(item.screenshot);
    }
    go(browser, PROVIDERS);
    browser.press_within("//section", "Настройки");
    browser.fill("ProductId", "1234");
    browser.press("Сохранить");
    browser.see("Настройки не сохранены");
    screenshot("settings-refused");
    browser.press("Проверить настройки");
    browser.see("За сутки принято: ");
    screenshot("settings-checked");
    browser.open(&format!("{}/cabinet/orders/none", site.url));
    browser.see_page("Ошибка");
    screenshot("nothing-there");
}

fn cabinet_pages(site: &Site, browser: &Browser, screenshot: &impl Fn(&str)) {
    for (account, page) in [(LONG_ACCOUNT, "cabinet-of-long-words"), (ACCOUNT, "cabinet")] {
        let link = site.api("POST", &format!("/api/v1/accounts/{account}/cabinet"), &Value::Null).json();
        browser.open(link["url"].as_str().unwrap());
        if account == ACCOUNT {
            browser.see(&format!("Ссылка ведёт в кабинет лицевого счёта {account}."));
            screenshot("cabinet-of-another-account");
            browser.press(&format!("Перейти в кабинет счёта {account}"));
        }
        browser.see(&format!("лицевой счёт {account}"));
        screenshot(page);
    }
    browser.fill("Сумма", "1234,50");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    screenshot("order-to-pay");
    let order = browser.url();
    // The form's fields name the order.
    let id = browser.attribute("//input[@name='cs1']", "value");
    browser.open(&format!("{order}/returned"));
    browser.see_page("Ждём подтверждения");
    screenshot("order-waiting");
    browser.open(&format!("{order}/failed"));
    browser.see("Если вы не заплатили, вернитесь к оплате.");
    screenshot("order-failed");
    browser.open(&format!("{order}/returned"));
    let transaction = u64::try_from(site.host.api.feed().len()).unwrap() + 1_000;
    assert_eq!(site.host.api.callback(&CallbackSpec::payment(&id, transaction, 123_450).body()), 200);
    browser.see_page("Оплачено");
    screenshot("order-paid");
}

/// Adds two months of payments and write-offs directly to the ledger, so that they can be in the past.
fn fill(folder: &Folder) {
    let ledger = Ledger::new(Sqlite::open(&folder.database()).unwrap());
    for (number, name) in [(ACCOUNT, "Иванов И. И."), (LONG_ACCOUNT, &"Константинопольский".repeat(13))]
    {
        let [contract, inn, kpp, foreign_tax_number] = ["Д-17", "", "", ""].map(str::to_owned);
        let (number, name, kind, contract_date) = (number.parse().unwrap(), name.to_owned(), PartyKind::Individual, None);
        let account = Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number };
        ledger.put_account(account).unwrap().unwrap();
    }
    for Month { month, begins, account, .. } in [USUAL, LONG] {
        for day in 1..=DAYS {
            let at = begins + u64::from(day - 1) * DAY_SECONDS;
            let is_long = month == LONG.month;
            let times = if is_long { 100_000 } else { 1 };
            let rub = |minor_units| Money { minor_units, currency: Currency::RUB };
            let comment =
                if is_long { "Оченьдлинныйкомментарий".repeat(11) } else { COMMENT.to_owned() };
            pay(&ledger, account, rub((30_000 + i64::from(day) * 37 % 11 * 9_000) * times), &comment, at);
            let date = Date::new(2026, month, day).unwrap();
            write_off(&ledger, account, rub((20_000 + i64::from(day) * 53 % 13 * 6_000) * times), date, at);
        }
    }
}

fn pay(ledger: &Ledger, account: &str, amount: Money, comment: &str, at: u64) {
    let (account, provider) = (account.parse().unwrap(), ProviderName::stored(PROVIDER));
    let description = "Пополнение".to_owned();
    let order = NewOrder { account, provider: provider.clone(), amount, description, idempotency_key: None, expires_at: None };
    let order = ledger.create_order(order, at).unwrap().unwrap();
    let event = Event {
        provider: provider.clone(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: at.to_string().parse().unwrap(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: Some(order.id),
            payer: None,
            amount,
            occurred_at: None,
        },
        comment: comment.to_owned(),
        dedup_key: at.to_string().parse().unwrap(),
        fee: None,
        extra: Vec::new(),
    };
    let [method, query, remote_address] = ["POST", "", ""].map(str::to_owned);
    let (headers, body) = (Vec::new(), Vec::new());
    let callback = StoredCallback {
        provider,
        received_at: at,
        method,
        path: String::new(),
        query,
        headers,
        body,
        remote_address,
        sealed_headers: Vec::new(),
        is_masked: false,
    };
    ledger.record(Submission::of_callback(event, Arc::new(callback))).unwrap();
}

fn write_off(ledger: &Ledger, account: &str, amount: Money, date: Date, at: u64) {
    let [service_code, service, unit, note] = ["inet", "Доступ в интернет", "мес", ""].map(str::to_owned);
    let writeoff = WriteOff {
        id: format!("w-{at}"),
        account: account.parse().unwrap(),
        service_code,
        service,
        unit,
        period: Date::new(date.year(), date.month(), 1).unwrap(),
        date,
        quantity_thousandths: 1000,
        amount,
        vat_basis_points: Some(2200),
        note,
    };
    ledger.add_writeoffs(vec![writeoff], at).unwrap().unwrap();
}

/// Sets up everything that pages can show.
fn set_up(site: &Site) {
    let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET, "payment-page": "http://127.0.0.1:9/"});
    assert_eq!(site.api("PUT", "/api/v1/providers/chronopay/settings", &settings).status, 204);
    let seller = json!({"kind": "company", "name": "ООО «Связь»", "inn": "7700000009", "kpp": "770701001"});
    assert_eq!(site.api("PUT", "/api/v1/seller", &seller).status, 204);
    let made = site.api("GET", &format!("/api/v1/exports/writeoffs?{}", USUAL.name), &Value::Null);
    assert_eq!(made.status, 200, "{}", made.text());
    let order = site.host.api.order(ACCOUNT, 10_000);
    let long_order = "8".repeat(100);
    for (order, transaction) in [(order.as_str(), 1), ("99", 2), (&long_order, 3)] {
        assert_eq!(site.host.api.callback(&CallbackSpec::payment(order, transaction, 10_000).body()), 200);
    }
    let payment = CallbackSpec::payment(&order, 4, 10_000);
    let of_unknown_form = payment.body_with(&[("total", "100,00")]);
    assert_eq!(site.host.api.callback(&of_unknown_form), 200);
    assert_ne!(site.host.api.callback(&payment.body().replace("100.00", "900.00")), 200);
}
