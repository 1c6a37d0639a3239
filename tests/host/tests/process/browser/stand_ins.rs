//! A person who tries the product by hand: pays by «СБП» on the stand-in's page, has the money sent back, and pays at a terminal.

use end_to_end::{component_path_of, tbank};
use host_tests::{Browser, Folder, Screen, Site};
use serde_json::{Value, json};
use stand_in::Method;
use stand_in::api::ApiServer;
use stand_in::api::tbank::{Config, TBank};
use stand_in::terminal::{Protocol, Terminal, page};

use super::ACCOUNT;

fn start(bank: &ApiServer<TBank>) -> Site {
    let folder = Folder::default();
    let (key, password, api) = (tbank::TERMINAL_KEY, tbank::PASSWORD, bank.url("/v2"));
    let by_sbp =
        format!("terminal-key = \"{key}\"\npassword = \"{password}\"\napi-url = \"{api}\"\npayment-method = \"sbp\"\n");
    let mut arguments = vec!["--call-loopback".to_owned(), "--callback-from".to_owned(), "osmp=127.0.0.1".to_owned()];
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
