//! Swapping and adding components on the page.

use end_to_end::{PRODUCT, SECRET, component, component_path_of, patched, relabelled, robokassa, with_custom_section};
use host_tests::host::{PROVIDER, target_dir};
use host_tests::site::PASSWORD;
use host_tests::{Browser, CallbackSpec, Screen, Site};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{ACCOUNT, CHRONOPAY, COMMENT, PROVIDERS, SETTINGS, fits, go, log_in};

const FILE: &str = "Файл компонента (.wasm)";
/// A provider's section on the page.
const ROBOKASSA: &str = "//section[h2[starts-with(., 'Robokassa')]]";
const ADDING: &str = "//section[h2[.='Добавить платёжную систему']]";
/// Has the same length as the comment that it replaces.
const OTHER_COMMENT: &str = "Пополнение баланса через ИК";

/// An operator who swaps components, with their files.
struct Swapping {
    site: Site,
    browser: Browser,
    files: TempDir,
}

#[test]
fn page_swaps_rolls_back_and_adds_components() {
    for (screen, name) in [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone")] {
        let (site, browser) = (Site::start(), Browser::start(screen));
        let settings = json!({"product-id": PRODUCT, "shared-sec": SECRET, "payment-page": "http://127.0.0.1:9/"});
        assert_eq!(site.api("PUT", "/api/v1/providers/chronopay/settings", &settings).status, 204);
        site.host.api.put_account(ACCOUNT);
        browser.open(&site.url);
        log_in(&browser, PASSWORD);
        let swapping = Swapping { site, browser, files: TempDir::new().unwrap() };
        swapping.swap(name);
        swapping.accept_changes(name);
        swapping.accept_a_secret_that_is_declared_otherwise();
        go(&swapping.browser, PROVIDERS);
        swapping.add(name);
    }
}

impl Swapping {
    fn in_use(&self) -> String {
        self.browser.text_of(&format!("{CHRONOPAY}//dt[.='SHA-256']/following-sibling::dd[1]"))
    }

    /// Submits ChronoPay's form with a component. Returns its digest.
    fn upload(&self, component: &[u8]) -> String {
        let Swapping { browser, files, .. } = self;
        let path = files.path().join("swapped.wasm");
        std::fs::write(&path, component).unwrap();
        browser.click_within(CHRONOPAY, "Заменить компонент");
        browser.attach_within(CHRONOPAY, FILE, &path);
        browser.press_within(CHRONOPAY, "Проверить и заменить");
        hex::encode(Sha256::digest(component))
    }

    fn screenshot(&self, page: &str, name: &str) {
        fits(&self.browser, page);
        self.browser.screenshot(&target_dir().join(format!("screenshots/providers-{page}-{name}.png")));
    }

    /// Makes a payment and returns the comment with which it is credited.
    fn pay(&self, transaction: u64) -> String {
        let api = &self.site.host.api;
        let order = api.order(ACCOUNT, 10_000);
        assert_eq!(api.callback(&CallbackSpec::payment(&order, transaction, 10_000).body()), 200);
        let feed = self.site.api("GET", "/api/v1/entries", &Value::Null).json();
        feed["entries"].as_array().unwrap().last().unwrap()["comment"].as_str().unwrap().to_owned()
    }

    fn swap(&self, name: &str) {
        let Swapping { browser, .. } = self;
        assert_eq!(self.pay(1), COMMENT);
        go(browser, PROVIDERS);
        assert_eq!(browser.count(&format!("{CHRONOPAY}//button[.='Вернуть прежний компонент']")), 0, "there was none");
        browser.click_within(CHRONOPAY, "Заменить компонент");
        self.screenshot("form", name);
        browser.click_within(CHRONOPAY, "Заменить компонент");
        let new = self.upload(&with_custom_section(&component(), "x"));
        browser.see("chronopay: теперь работает компонент chronopay ");
        browser.see(&format!("SHA-256 {new}."));
        browser.see("Проверено на прежних уведомлениях: 1.");
        assert_eq!(self.in_use(), new);
        self.screenshot("swapped", name);
        assert_eq!(self.pay(2), COMMENT, "the settings are the same");
        self.upload(b"no component");
        browser.see("не принят, работает прежний компонент.");
        browser.see("the component cannot be loaded");
        assert_eq!(self.in_use(), new);
    }

    fn accept_changes(&self, name: &str) {
        let Swapping { browser, .. } = self;
        go(browser, PROVIDERS);
        let old = self.in_use();
        let changed = patched(&component(), COMMENT, OTHER_COMMENT);
        let new = self.upload(&changed);
        browser.see("chronopay: не принят, работает прежний компонент.");
        browser.see("Прежних уведомлений, которые он обрабатывает иначе: 2.");
        assert_eq!(browser.texts_of("//caption").len(), 2);
        let [before, after] = ["Было", "Будет"].map(|side| browser.texts_of(&format!("//td[@data-label='{side}']")));
        assert_eq!((before, after), (vec![COMMENT.to_owned(); 2], vec![OTHER_COMMENT.to_owned(); 2]));
        self.screenshot("changed", name);
        browser.press("English");
        browser.see_page("Payment systems");
        browser.press("По-русски");
        browser.see_page(PROVIDERS.1);
        assert_eq!((self.in_use(), self.pay(3)), (old.clone(), COMMENT.to_owned()));

        self.upload(&changed);
        browser.see("Прежних уведомлений, которые он обрабатывает иначе: 3.");
        browser.press("Так и задумано: заменить");
        browser.see(&format!("SHA-256 {new}."));
        assert_eq!((self.in_use(), self.pay(4)), (new, OTHER_COMMENT.to_owned()));
        browser.press_within(CHRONOPAY, "Вернуть прежний компонент");
        browser.see(&format!("SHA-256 {old}."));
        assert_eq!((self.in_use(), self.pay(5)), (old, COMMENT.to_owned()));
        self.screenshot("back", name);
    }

    /// A value that was entered as a secret stays one, whatever a later component declares.
    fn accept_a_secret_that_is_declared_otherwise(&self) {
        let Swapping { site, browser, .. } = self;
        go(browser, PROVIDERS);
        let old = self.in_use();
        let new = self.upload(&relabelled());
        browser.see("Эти настройки вводились как секрет");
        assert_eq!(browser.attribute("//input[@name='accept_relabelled']", "value"), "shared-sec");
        assert!(!browser.source().contains(SECRET));
        assert_eq!((self.pay(10), site.host.api.in_use(PROVIDER)), (COMMENT.to_owned(), old));
        browser.click_at("//input[@name='accept_relabelled']");
        browser.press("Так и задумано: заменить");
        browser.see(&format!("SHA-256 {new}."));
        browser.press_within(CHRONOPAY, "Настройки");
        assert!(!browser.source().contains(SECRET), "it is shown nowhere");
        assert_eq!(self.pay(11), COMMENT);
    }

    /// Submits the form from a page that shows the result of another form; it must still go to the right address.
    fn add(&self, name: &str) {
        let Swapping { site, browser, .. } = self;
        browser.fill_within(ADDING, "Имя", "robokassa");
        browser.attach_within(ADDING, FILE, &component_path_of("robokassa"));
        browser.press("Проверить и добавить");
        browser.see("Платёжная система robokassa добавлена: robokassa ");
        browser.see("Robokassa не настроена");
        assert_eq!(browser.count(ROBOKASSA), 1);
        self.screenshot("added", name);
        browser.press("Введите её настройки");
        browser.fill("Идентификатор магазина", robokassa::SHOP);
        browser.fill("Пароль #1", robokassa::PASSWORD_1);
        browser.fill("Пароль #2", robokassa::PASSWORD_2);
        browser.press("Сохранить");
        browser.see("Настройки сохранены и уже действуют.");
        go(browser, SETTINGS);
        assert_eq!(browser.texts_of("//main//li"), ["ChronoPay настроена", "Robokassa настроена"]);
        go(browser, PROVIDERS);
        browser.see("Robokassa настроена");
        let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
        browser.open(link["url"].as_str().unwrap());
        assert_eq!(browser.texts_of("//fieldset/label"), ["ChronoPay", "Robokassa"]);
        fits(browser, "cabinet of two");
        browser.screenshot(&target_dir().join(format!("screenshots/cabinet-of-two-{name}.png")));
        browser.click_at("//label[contains(., 'Robokassa')]/input");
        browser.fill("Сумма", "100");
        browser.press("Пополнить");
        browser.see_page("К оплате");
        assert_eq!(browser.attribute("//main//form", "action"), "https://auth.robokassa.ru/Merchant/Index.aspx");
    }
}
