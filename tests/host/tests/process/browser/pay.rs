//! A payer in each browser: from the cabinet over a payment page on other origins, and back.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use end_to_end::{PRODUCT, SECRET};
use host_tests::browser::Engine;
use host_tests::{Browser, CallbackSpec, Screen, Site};
use serde_json::{Value, json};

use super::ACCOUNT;

const ENGINES: [Engine; 2] = [Engine::Chromium, Engine::Firefox];
const TAB: &str = "\u{e004}";

/// Starts a server that gives the same answer to every request until the test ends. Returns its address.
fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Browsers open connections that they do not use.
            let Ok(stream) = stream else { return };
            let answer = answer(&format!("http://{}", stream.local_addr().unwrap()));
            std::thread::spawn(move || answer_one(stream, &answer));
        }
    });
    format!("http://{address}")
}

fn answer_one(mut stream: TcpStream, answer: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    drop(std::io::Read::read_exact(&mut reader, &mut body));
    drop(stream.write_all(answer.as_bytes()));
}

fn page(body: &str) -> String {
    let html = format!("<!DOCTYPE html><meta charset=utf-8><title>x</title>{body}");
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{html}", html.len())
}

fn redirect(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} See\r\nlocation: {to}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
}

/// Returns a payment page that redirects the payer over two other origins to the bank's.
fn payment_page(status: u16) -> String {
    let bank = serve(|_| page("<h1>Банк</h1>"));
    let second = serve(move |_| redirect(status, &format!("{bank}/bank")));
    serve(move |_| redirect(status, &format!("{second}/hop")))
}

fn set_up(site: &Site, payment_page: &str) {
    let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET, "payment-page": format!("{payment_page}/")});
    let answer = site.api("PUT", "/api/v1/providers/chronopay/settings", &settings);
    assert_eq!(answer.status, 204, "{}", answer.text());
    site.host.api.put_account(ACCOUNT);
}

/// Goes from the cabinet's link to an order's page. Returns its URL.
fn order(site: &Site, browser: &Browser) -> String {
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    browser.fill("Сумма", "100 руб");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    browser.url()
}

#[test]
fn payment_page_may_redirect_across_origins_in_every_browser() {
    let site = Site::start();
    for engine in ENGINES {
        let browser = Browser::of(engine, Screen::DESKTOP, true);
        for status in [302, 303, 307] {
            set_up(&site, &payment_page(status));
            order(&site, &browser);
            browser.press("Перейти к оплате");
            browser.see_page("Банк");
            browser.see_address("/bank");
        }
    }
}

#[test]
fn order_page_updates_itself_keeping_focus_and_history() {
    let site = Site::start();
    set_up(&site, &payment_page(303));
    for engine in ENGINES {
        let browser = Browser::of(engine, Screen::DESKTOP, true);
        let path = order(&site, &browser);
        assert_eq!(browser.count("//meta[@http-equiv='refresh']"), 0);
        assert_eq!(browser.count("//*[@data-watched]"), 0, "the page does not poll before the payer leaves to pay");
        let reached = (0..5).any(|_| browser.press_keys(TAB) == "Перейти к оплате");
        assert!(reached, "the button is reached by the keyboard");

        let id = browser.attribute("//input[@name='cs1']", "value");
        browser.open(&format!("{path}/returned"));
        browser.see_page("Ждём подтверждения");
        let length = browser.evaluate("history.length");
        browser.evaluate("(window.here = 'still', document.querySelector('[data-look]').focus())");
        browser.click_at("//a[.='Проверить сейчас']");
        browser.see("Подтверждения ещё нет, проверено в");
        assert_eq!(browser.evaluate("document.activeElement.textContent"), "Проверить сейчас");
        let transaction = if engine == Engine::Chromium { 501 } else { 502 };
        assert_eq!(site.host.api.callback(&CallbackSpec::payment(&id, transaction, 10_000).body()), 200);
        browser.see_page("Оплачено");
        assert_eq!(browser.evaluate("window.here"), "still", "the page must not be reloaded");
        assert_eq!(browser.evaluate("history.length"), length);
        assert_eq!(browser.evaluate("document.activeElement.dataset.order"), "paid", "the focus is on the changed state");

        // A stale copy of the page from which the payer left, which the browser shows again.
        order(&site, &browser);
        let id = browser.attribute("//input[@name='cs1']", "value");
        assert_eq!(site.host.api.callback(&CallbackSpec::payment(&id, transaction + 10, 10_000).body()), 200);
        browser.see("Перейти к оплате");
        browser.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
        browser.see_page("Оплачено");
        assert_eq!(browser.count("//button[.='Перейти к оплате']"), 0);
    }
}

#[test]
fn order_page_refreshes_without_javascript_or_history() {
    let site = Site::start();
    set_up(&site, &payment_page(303));
    for (engine, transaction) in ENGINES.into_iter().zip([601, 602]) {
        let browser = Browser::of(engine, Screen::DESKTOP, false);
        let path = order(&site, &browser);
        let id = browser.attribute("//input[@name='cs1']", "value");
        browser.open(&format!("{path}/returned"));
        browser.see_page("Ждём подтверждения");
        assert_eq!(site.host.api.callback(&CallbackSpec::payment(&id, transaction, 10_000).body()), 200);
        // The page updates itself; nothing is pressed.
        browser.see_page("Оплачено");
        browser.back();
        assert_eq!(browser.url(), path, "one step back leads to the previous page");
    }
}

#[test]
fn payer_returning_by_cross_site_post_sees_order() {
    let site = Site::start();
    for engine in ENGINES {
        set_up(&site, &payment_page(303));
        let browser = Browser::of(engine, Screen::PHONE, true);
        let path = order(&site, &browser);
        let id = browser.attribute("//input[@name='cs1']", "value");
        let form = format!(
            "<form method=post action='{}/cabinet'><input type=hidden name=OutSum value='100.00'>\
             <input type=hidden name=InvId value='{id}'><button>Вернуться в магазин</button></form>",
            site.url
        );
        // Another name of this machine is another site, whose forms are sent without cookies.
        let shop = serve(move |_| page(&form)).replace("127.0.0.1", "localhost");
        browser.open(&shop);
        browser.press("Вернуться в магазин");
        browser.see_page("Ждём подтверждения");
        assert_eq!(browser.url(), format!("{path}/returned"));
    }
}

#[test]
fn secret_typed_beside_a_mistake_is_asked_again() {
    let site = Site::start();
    set_up(&site, "http://127.0.0.1:9");
    let browser = Browser::start(Screen::DESKTOP);
    browser.open(&site.url);
    super::log_in(&browser, host_tests::site::PASSWORD);
    super::go(&browser, super::SETTINGS);
    browser.fill("SharedSec", "AnotherSecret001");
    browser.fill("ProductId", "1234");
    browser.press("Сохранить");
    browser.see("Секрет не сохранён, введите его ещё раз.");
    browser.fill("ProductId", PRODUCT);
    browser.press("Сохранить");
    browser.see("Секреты не изменились.");
    browser.fill("SharedSec", "AnotherSecret001");
    browser.press("Сохранить");
    browser.see("Изменены секреты: SharedSec.");
}

#[test]
fn browser_checks_names_as_the_host_does() {
    let site = Site::start();
    let browser = Browser::start(Screen::DESKTOP);
    browser.open(&site.url);
    super::log_in(&browser, host_tests::site::PASSWORD);
    super::go(&browser, super::PROVIDERS);
    let name = "document.querySelector('form[action=\"/operator/providers\"] [name=name]')";
    for (value, good) in
        [("chronopay-2", true), ("a", true), ("0-", true), ("Chrono Pay", false), ("-a", false), ("a_b", false)]
    {
        let mismatch = format!("({name}.value = '{value}', {name}.validity.patternMismatch)");
        assert_eq!(browser.evaluate(&mismatch), !good, "{value}");
    }
}
