//! A person who tries the product by hand: pays by «СБП» on the stand-in's page, has the money sent back, and pays at a terminal.

use end_to_end::{component_path_of, tbank};
use host_tests::{Browser, Folder, Screen, Site};
use serde_json::{Value, json};
use stand_in::Method;
use stand_in::api::ApiServer;
use stand_in::api::tbank::{Config, TBank};
use stand_in::terminal::{Protocol, Terminal, page};

use super::{ACCOUNT, PASSWORD, go, log_in};

fn start(bank: &ApiServer<TBank>) -> Site {
    let folder = Folder::default();
    let (key, password, api) = (tbank::TERMINAL_KEY, tbank::PASSWORD, bank.url("/v2"));
    let by_sbp =
        format!("terminal-key = \"{key}\"\npassword = \"{password}\"\napi-url = \"{api}\"\npayment-method = \"sbp\"\n");
    let mut arguments = vec!["--callback-from".to_owned(), "osmp=127.0.0.1".to_owned()];
    for (name, settings) in [("tbank", by_sbp.as_str()), ("osmp", "")] {
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, settings).unwrap();
        arguments.extend(["--component".to_owned(), format!("{name}={}", component_path_of(name).display())]);
        arguments.extend(["--settings".to_owned(), format!("{name}={}", file.display())]);
    }
    let site = Site::start_with(folder, "info", &arguments);
    site.host.api.put_account(ACCOUNT);
    site
}

#[test]
fn a_person_pays_by_sbp_and_at_a_terminal() {
    let config = Config::new(tbank::TERMINAL_KEY, tbank::PASSWORD);
    let bank = ApiServer::start(TBank::new(config), "127.0.0.1:0").unwrap();
    let site = start(&bank);
    let browser = Browser::start(Screen::PHONE);
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    browser.fill("Сумма", "100 руб");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    let order = browser.url();
    browser.open(&bank.page());
    browser.press("Оплатить");
    browser.see("Сделано. Ответы на уведомления: 200 OK.");
    browser.open(&order);
    browser.see_page("Оплачено");

    // A refund by «СБП» is under way until somebody ends it.
    let payment = site.host.api.get("/entries?after=0")["entries"][0]["movement"].clone();
    let refund = json!({"provider": "tbank", "payment": payment, "kind": "refund", "reason": "ошибочный платёж",
        "amount": {"minor_units": 3_000, "currency": "RUB"}});
    let (status, refund) = site.host.api.try_post_once("/operations", "k-1", &refund).unwrap();
    assert_eq!((status, &refund["state"]), (200, &json!("pending")), "{refund}");
    browser.open(&bank.page());
    browser.see("ждёт банка плательщика");
    browser.press("Выполнить возврат");
    browser.see("Возврат 1: 30.00, выполнен");
    // The notification does not tell how much was paid back; the answer to the host's own question does.
    let path = format!("/operations/{}/retry", refund["id"].as_str().unwrap());
    let (status, refund) = site.host.api.try_post(&path, &json!({})).unwrap();
    assert_eq!((status, &refund["state"]), (200, &json!("done")), "{refund}");
    assert_eq!(site.host.api.balance(ACCOUNT), 7_000);

    let callbacks = format!("{}/callbacks/osmp", site.url);
    let terminal = Terminal::new(&callbacks, Protocol::Osmp("txn_id"), Method::Get).unwrap();
    let terminal = page::serve(terminal, "127.0.0.1:0").unwrap();
    browser.open(&format!("http://{}/", terminal.address()));
    browser.fill("Лицевой счёт", ACCOUNT);
    browser.press("Проверить");
    browser.see("<field1 name=\"FIO\">Иванов И. И.</field1>");
    assert_eq!(site.host.api.balance(ACCOUNT), 7_000, "a check is no payment");
    for _ in 0..2 {
        browser.press("Оплатить");
        browser.see("command=pay");
        browser.see("<result>0</result>");
        assert_eq!(site.host.api.balance(ACCOUNT), 17_000);
    }
    browser.press("Отменить");
    browser.see("<cancel_txn_id>");
    assert_eq!(site.host.api.balance(ACCOUNT), 7_000);
}

/// The bank cannot be reached: the operator sees that nothing was sent, and takes the refund back.
#[test]
fn an_operator_withdraws_a_refund_that_was_not_sent() {
    let config = Config::new(tbank::TERMINAL_KEY, tbank::PASSWORD);
    let bank = ApiServer::start(TBank::new(config), "127.0.0.1:0").unwrap();
    let site = start(&bank);
    let browser = Browser::start(Screen::DESKTOP);
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    browser.fill("Сумма", "100");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    let order = browser.url();
    browser.open(&bank.page());
    browser.press("Оплатить");
    browser.see("Сделано. Ответы на уведомления: 200 OK.");
    drop(bank);

    browser.open(&site.url);
    log_in(&browser, PASSWORD);
    browser.click_at("//a[.='Платёж и возвраты']");
    browser.see_page("Платёж");
    browser.fill("Сумма (₽)", "30");
    browser.fill("Почему", "ошибочный платёж");
    browser.press("Вернуть…");
    browser.press("Вернуть 30,00 ₽");
    browser.see("Возврат ещё не отправлен платёжной системе, деньги не двигались.");
    browser.see("связаться с платёжной системой не удалось");
    browser.see("эта платёжная система делает их по очереди");
    go(&browser, ("Операции", "Операции"));
    browser.see("операция op");
    browser.choose("Вид", "ссылки на оплату");
    browser.press("Показать");
    browser.see_address("kind=link");
    browser.see("Ссылка на оплату");
    browser.choose("Вид", "возвраты");
    browser.press("Показать");
    browser.press("Отправить сейчас");
    browser.see("Пока не выполнена: операция op");
    browser.see_address("kind=refund");
    browser.press("Отменить возврат…");
    browser.see("Отменить эту операцию?");
    browser.fill("Почему", "не тот платёж");
    browser.press("Да, отменить возврат");
    browser.see("Операция отменена, отправлена она не будет.");
    browser.see("Отменена до отправки, деньги не двигались: не тот платёж — ");
    browser.see_address("kind=refund");
    go(&browser, ("Решения", "Решения сотрудников"));
    browser.see("Отменена до отправки, деньги не двигались: не тот платёж — ");
    assert_eq!(site.host.api.balance(ACCOUNT), 10_000);
    browser.open(&order);
    browser.see_page("Оплачено");
}
