//! An operator and a subscriber at a browser, with the program, the real component, and a stand-in for the payment system.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "these are tests"
)]

#[path = "browser/decide.rs"]
mod decide;
#[path = "browser/pay.rs"]
mod pay;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chronopay_stand_in::{Config, Running, Scenario};
use domain::{Account, Date, Event, EventKind, Facts, Money, NewOrder, PartyKind, RawCallback, Recurrence, WriteOff};
use end_to_end::{
    PRODUCT, SECRET, another, component, component_path, component_path_of, patched, read_csv, relabelled, robokassa,
};
use host_tests::host::{PROVIDER, program, target_dir};
use host_tests::site::{OPERATOR, PASSWORD};
use host_tests::{Browser, Folder, Screen, Site, Told};
use ledger::{Ledger, Sqlite};
use money::Currency;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The subscriber who pays, and one who only owes.
const ACCOUNT: &str = "100500";
const DEBTOR: &str = "100501";
const COMMENT: &str = "Пополнение баланса через ЛК";
/// More write-offs than a page of the statistics has entries.
const WRITEOFFS: usize = 60;
const PAGE_ROWS: usize = 50;
/// How long after the buyer's return the stand-in confirms: the page must be read before it does.
const DELAY_MS: u64 = 5_000;

/// A page as the menu calls it, and as it calls itself.
type Page = (&'static str, &'static str);
const STATISTICS: Page = ("Статистика", "Статистика платежей и списаний");
const UNMATCHED: Page = ("Неопознанные", "Неопознанные платежи");
const DECISIONS: Page = ("Решения", "Решения сотрудников");
const EXPORT: Page = ("Выгрузка в 1С", "Выгрузка в 1С");
const SETTINGS: Page = ("Настройки", "Настройка платёжных систем");
const PROVIDERS: Page = ("Платёжные системы", "Платёжные системы");
/// All of the operator's.
const PAGES: [Page; 6] = [STATISTICS, UNMATCHED, DECISIONS, EXPORT, SETTINGS, PROVIDERS];
const IN_ENGLISH: [Page; 6] = [
    ("Statistics", "Payments and write-offs"),
    ("Unmatched", "Unmatched payments"),
    ("Decisions", "Operators' decisions"),
    ("Export", "Export for 1C"),
    ("Settings", "Payment systems' settings"),
    ("Payment systems", "Payment systems"),
];

struct Walk {
    site: Site,
    stand_in: Running,
    browser: Browser,
}

/// A host that nobody has set up, and a payment system that it does not know yet.
#[test]
fn an_operator_and_a_subscriber_use_every_page() {
    let config = Config { delay_ms: DELAY_MS, attempts_max: 1, ..Config::new(SECRET, PRODUCT) };
    let stand_in = Running::start(config, "127.0.0.1:0").unwrap();
    let walk = Walk { site: Site::start(), stand_in, browser: Browser::start(Screen::DESKTOP) };
    walk.log_in();
    walk.enter_settings();
    walk.top_up();
    walk.read_statistics();
    walk.download_statistics();
    walk.resolve_unmatched();
    walk.undo_and_correct();
    walk.see_to_a_callback_of_an_unknown_form();
    walk.export();
    walk.look_at_providers();
    walk.change_the_language();
    walk.log_out();
}

impl Walk {
    fn log_in(&self) {
        let Walk { site, browser, .. } = self;
        browser.open(&format!("{}/operator/statistics", site.url));
        browser.see_page("Вход для оператора");
        assert_eq!(browser.url(), format!("{}/operator/login", site.url));
        log_in(browser, "wrong password");
        browser.see("Имя или пароль неверны.");
        assert_eq!(browser.cookie("session"), None);
        log_in(browser, PASSWORD);
        browser.see_page(STATISTICS.1);
        browser.see("Здесь пока ничего нет.");
        assert_eq!(browser.text_of("//nav/a[@aria-current]"), STATISTICS.0);
    }

    fn enter_settings(&self) {
        let Walk { site, stand_in, browser } = self;
        go(browser, SETTINGS);
        browser.see("не настроена");
        browser.fill("ProductId", "1234");
        browser.fill("SharedSec", SECRET);
        browser.press("Сохранить");
        browser.see("Настройки не сохранены");
        let beside = browser.text_of("//label[.//input[@name='product-id']]//*[@role='alert']");
        assert!(beside.starts_with("Такое значение не подходит."), "{beside}");
        let lost = browser.text_of("//label[.//input[@name='shared-sec']]//*[@role='alert']");
        assert_eq!(lost, "Секрет не сохранён, введите его ещё раз.");
        assert_eq!(browser.count("//form//*[@role='alert']"), 2, "nothing else is wrong");
        assert_eq!(browser.value("ProductId"), "1234", "what was entered stays to be corrected");
        go(browser, SETTINGS);
        browser.see("не настроена");
        assert_eq!(browser.value("ProductId"), "");
        assert_eq!(site.api("GET", "/api/v1/providers/chronopay/settings", &Value::Null).json(), json!({}));

        browser.fill("ProductId", PRODUCT);
        browser.fill("SharedSec", SECRET);
        browser.fill("Адрес страницы оплаты", &stand_in.url());
        browser.press("Сохранить");
        browser.see("Настройки сохранены и уже действуют.");
        browser.see("Изменены секреты: SharedSec.");
        go(browser, SETTINGS);
        browser.see("настроена");
        assert_eq!((browser.value("ProductId"), browser.value("Адрес страницы оплаты")), (PRODUCT.to_owned(), stand_in.url()));
        assert_eq!(browser.value("SharedSec"), "");
        let source = browser.source();
        assert!(source.contains(PRODUCT) && !source.contains(SECRET), "{source}");

        let callback_url = format!("{}/callbacks/{PROVIDER}", site.url);
        assert_eq!(browser.value("Адрес для уведомлений"), callback_url);
        assert_eq!(browser.value("Адрес личного кабинета"), format!("{}/cabinet", site.url));
        browser.click("Копировать");
        browser.see("Скопировано");
        // Pasted where it can be read again; it is not saved.
        browser.fill("Комментарий платежа", "");
        browser.send_keys("Комментарий платежа", "\u{e009}v\u{e000}");
        assert_eq!(browser.value("Комментарий платежа"), callback_url);

        browser.press("Проверить настройки");
        browser.see(&format!("Ссылка на оплату создана, ведёт на {}", stand_in.url()));
        assert_eq!(browser.value("Комментарий платежа"), callback_url, "what is typed stays");
        browser.see("За сутки не было ни одного уведомления.");
    }

    /// The subscriber, at the same browser, in the cabinet.
    fn enter_cabinet(&self) {
        let link = self.site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
        self.browser.open(link["url"].as_str().unwrap());
        self.browser.see_page("Личный кабинет");
        assert_eq!(self.browser.url(), format!("{}/cabinet", self.site.url), "the link itself is not left in the address");
    }

    /// Pays 100.00 in the cabinet and comes back; the stand-in does as a scenario says.
    fn pay(&self, scenario: &str) {
        let Walk { site, browser, .. } = self;
        browser.fill("Сумма", "100,00");
        browser.press("Пополнить");
        browser.see_page("К оплате");
        browser.see("К оплате: 100,00 ₽");
        browser.press("Перейти к оплате");
        browser.see_page("Оплата");
        browser.see("100.00 RUB");
        browser.choose_at("//select[@id='scenario']", scenario);
        browser.press("Оплатить");
        assert!(browser.url().starts_with(&format!("{}/cabinet/orders/", site.url)), "{}", browser.url());
    }

    fn see_balance(&self, balance: &str) {
        assert_eq!(self.browser.text_of("//*[@class='balance']"), balance);
    }

    fn top_up(&self) {
        let Walk { site, stand_in, browser } = self;
        site.host.api.put_account(ACCOUNT);
        self.enter_cabinet();
        browser.see(&format!("Иванов И. И., лицевой счёт {ACCOUNT}"));
        self.see_balance("0,00 ₽");
        browser.fill("Сумма", "ничего");
        browser.press("Пополнить");
        browser.see("Это не похоже на сумму.");
        assert_eq!(browser.value("Сумма"), "ничего");
        self.pay("Обычная оплата");
        browser.see_page("Оплачено");
        browser.see("Платёж зачислен: 100,00 ₽");
        browser.press("В личный кабинет");
        self.see_balance("100,00 ₽");
        assert_eq!(browser.text_of("//tbody/tr/td[@data-label='Комментарий']"), COMMENT);

        self.pay("Уведомление после возврата покупателя");
        browser.see_page("Ждём подтверждения");
        browser.see("Подтверждение от платёжной системы ещё не пришло");
        // By itself: nothing is pressed.
        browser.see_page("Оплачено");
        browser.press("В личный кабинет");
        self.see_balance("200,00 ₽");

        self.pay("Банк отклонил оплату");
        browser.see_page("Оплата не прошла");
        browser.see("деньги не зачислены");
        let sent = stand_in.settled(Duration::from_secs(30)).unwrap();
        let declined = sent.iter().find(|sent| sent.scenario == Scenario::Decline);
        assert_eq!(declined.and_then(|sent| sent.status), Some(200));
        browser.press("В личный кабинет");
        self.see_balance("200,00 ₽");
    }

    fn see_total(&self, kind: &str, sum: &str) {
        let xpath = format!("//*[@class='totals']/*[starts-with(normalize-space(.), '{kind}')]/b");
        assert_eq!(self.browser.text_of(&xpath), sum, "{kind}");
    }

    fn rows(&self) -> usize {
        self.browser.count("//tbody/tr")
    }

    fn read_statistics(&self) {
        let Walk { site, browser, .. } = self;
        site.host.api.put_account(DEBTOR);
        let ids: Vec<String> = (0..WRITEOFFS).map(|at| format!("w-{at}")).collect();
        assert_eq!(site.host.api.writeoffs(DEBTOR, &ids, "Доступ в интернет"), 200);

        browser.open(&site.url);
        browser.see_page(STATISTICS.1);
        // Write-offs count by their date, whenever they came: the payments are of today, and they of October.
        browser.fill_day("С", "2026-10-01");
        browser.press("Показать");
        self.see_total("Платёж: 2", "200,00 ₽");
        self.see_total(&format!("Списание: {WRITEOFFS}"), "−0,60 ₽");
        browser.see("Списания учтены по своей дате");
        for bars in ["income", "outgo"] {
            let drawn = browser.sizes_of(&format!("//*[name()='rect'][@class='{bars}'][@height>0]"));
            assert!(
                !drawn.is_empty() && drawn.iter().all(|(width, height)| *width > 0.0 && *height > 0.0),
                "{bars}: {drawn:?}"
            );
        }
        assert_eq!(self.rows(), PAGE_ROWS);
        assert_eq!(
            browser.texts_of("//td[@data-label='Вид'][.='Платёж']/../td[@data-label='Комментарий']//span"),
            [COMMENT; 2]
        );
        assert_eq!(browser.texts_of("//*[@class='pager']/a"), ["Раньше →"]);
        browser.press("Раньше →");
        assert_eq!(self.rows(), WRITEOFFS + 2 - PAGE_ROWS);
        assert_eq!(browser.count("//td[@data-label='Время'][.='31.10.2026']"), WRITEOFFS + 2 - PAGE_ROWS);
        assert_eq!(browser.texts_of("//*[@class='pager']/a"), ["← Позже"]);
        browser.press("← Позже");
        assert_eq!(self.rows(), PAGE_ROWS);

        browser.fill("Лицевой счёт", ACCOUNT);
        browser.press("Показать");
        browser.see("Иванов И. И., 100500, Д-17");
        browser.see("Баланс: 200,00 ₽");
        assert_eq!(browser.texts_of("//td[@data-label='Лицевой счёт']"), [ACCOUNT; 2]);
        browser.choose("Вид", "Списание");
        browser.press("Показать");
        browser.see("Здесь пока ничего нет.");
        assert_eq!(self.rows(), 0);
        browser.fill("Лицевой счёт", "");
        browser.press("Показать");
        assert_eq!(self.rows(), PAGE_ROWS);
        assert_eq!(browser.count("//td[@data-label='Вид'][.='Списание']"), PAGE_ROWS);
        browser.fill("Лицевой счёт", "нет такого");
        browser.press("Показать");
        browser.see("Такого лицевого счёта нет.");
    }

    fn download_statistics(&self) {
        let Walk { site, browser, .. } = self;
        go(browser, STATISTICS);
        browser.fill_day("С", "2026-10-01");
        browser.press("Показать");
        let file = self.download(&browser.attribute("//a[.='Скачать CSV']", "href"));
        let text = String::from_utf8(file).unwrap();
        assert!(text.starts_with("\u{feff}\"Номер\";\"Время\";\"Лицевой счёт\";"), "{text}");
        assert!(text.contains(&format!("\"100,00\";\"RUB\";\"{COMMENT}\";")), "{text}");
        let rows = read_csv(&text);
        assert_eq!(rows.len(), 1 + 2 + WRITEOFFS);
        assert_eq!(rows.iter().filter(|row| row[6] == COMMENT && row[2] == ACCOUNT).count(), 2);

        browser.fill("Лицевой счёт", ACCOUNT);
        browser.press("Показать");
        browser.press("Открыть личный кабинет абонента");
        browser.see_page("Личный кабинет");
        self.see_balance("200,00 ₽");
        browser.press("Выйти");
        browser.see("Вы вышли из личного кабинета");
        browser.open(&site.url);
    }

    /// What a link of the operator's gives, by the browser's own session and by nobody else's.
    fn download(&self, path: &str) -> Vec<u8> {
        let session = format!("session={}", self.browser.cookie("session").unwrap());
        assert_eq!(self.site.get(path, "").header("location"), "/operator/login", "{path}");
        let answer = self.site.get(path, &session);
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    }

    fn resolve_unmatched(&self) {
        let Walk { site, browser, .. } = self;
        for _ in 0..2 {
            self.enter_cabinet();
            self.pay("Неизвестный номер заказа");
            browser.see_page("Ждём подтверждения");
        }
        browser.open(&site.url);
        go(browser, UNMATCHED);
        assert_eq!(browser.texts_of("//section/p[@class='bad']"), ["Причина: нет такого заказа"; 2]);
        let [first, second] = [1, 2].map(|at| browser.text_of(&format!("//section[{at}]/p[3]")));
        let transaction = |told: &str| told.split([' ', ',']).nth(1).unwrap().to_owned();

        browser.fill_within("//section[1]", "Лицевой счёт", "нет такого");
        browser.fill_within("//section[1]", "Почему", "звонил");
        browser.press_within("//section[1]", "Зачислить…");
        browser.see("Такого лицевого счёта нет.");
        // What was typed is still there; nothing is entered before the operator has seen whose account it is.
        assert_eq!(browser.value("Почему"), "звонил");
        browser.fill("Лицевой счёт", ACCOUNT);
        browser.press("Зачислить…");
        browser.see("Баланс после");
        assert_eq!(site.host.api.balance(ACCOUNT), 20_000);
        let told = browser.texts_of("//dl[dt='Абонент']/dd");
        assert_eq!(told, [ACCOUNT, "Иванов И. И.", "Д-17", "200,00 ₽", "300,00 ₽"]);
        browser.press(&format!("Зачислить 100,00 ₽ на счёт {ACCOUNT}"));
        browser.see_page(UNMATCHED.1);
        browser.see("Зачислено 100,00 ₽ на счёт");
        assert_eq!(browser.texts_of("//section/p[3]"), [second.as_str()]);
        browser.fill_within("//section[1]", "Почему", "Деньги возвращены");
        browser.press_within("//section[1]", "Отклонить");
        browser.see("Всё разобрано.");

        go(browser, STATISTICS);
        self.see_total("Платёж: 3", "300,00 ₽");
        let row = "//tbody/tr[1]";
        assert_eq!(browser.texts_of(&format!("{row}/td[@data-label='Транзакция']")), [transaction(&first)]);
        let comment = browser.text_of(&format!("{row}/td[@data-label='Комментарий']"));
        assert!(comment.starts_with("Зачислено оператором"), "{comment}");
        assert!(comment.contains(&format!("{OPERATOR}: звонил")), "{comment}");
        assert_eq!(browser.count(&format!("//td[.='{}']", transaction(&second))), 0);
        assert_eq!(site.host.api.balance(ACCOUNT), 30_000);
    }

    /// The payment was on the wrong account: it waits again, and is put on the right one. And a correction by hand.
    fn undo_and_correct(&self) {
        let Walk { site, browser, .. } = self;
        go(browser, DECISIONS);
        let decided = "//section[.//b[.='Неопознанный платёж проведён']]";
        browser.fill_within(decided, "Почему отменить", "не тот счёт");
        browser.press_within(decided, "Отменить…");
        browser.see("Отменить это решение?");
        assert_eq!(browser.texts_of("//dl[dt='Абонент']/dd")[3..], ["300,00 ₽", "200,00 ₽"]);
        assert_eq!(site.host.api.balance(ACCOUNT), 30_000);
        browser.press(&format!("Отменить решение: Списать 100,00 ₽ со счёта {ACCOUNT}"));
        browser.see("Решение отменено.");
        assert_eq!(site.host.api.balance(ACCOUNT), 20_000);
        browser.see("отменено решением № 3");
        go(browser, UNMATCHED);
        browser.fill_within("//section[1]", "Лицевой счёт", ACCOUNT);
        browser.fill_within("//section[1]", "Почему", "счёт всё же тот");
        browser.press_within("//section[1]", "Зачислить…");
        browser.press(&format!("Зачислить 100,00 ₽ на счёт {ACCOUNT}"));
        browser.see("Всё разобрано.");
        assert_eq!(site.host.api.balance(ACCOUNT), 30_000);

        go(browser, DECISIONS);
        browser.press("Внести корректировку");
        browser.fill("Лицевой счёт", ACCOUNT);
        browser.click_at("//input[@value='debit']");
        browser.fill("Сумма", "1 000,5 руб");
        browser.fill("За что", "перерасчёт");
        browser.press("Дальше");
        assert_eq!(browser.texts_of("//dl[dt='Абонент']/dd")[3..], ["300,00 ₽", "−700,50 ₽"]);
        browser.press("Нет, изменить");
        assert_eq!(browser.value("Сумма"), "1 000,5 руб");
        browser.fill("Сумма", "50");
        browser.press("Дальше");
        browser.press(&format!("Списать 50,00 ₽ со счёта {ACCOUNT}"));
        browser.see("Списано 50,00 ₽ со счёта");
        assert_eq!(site.host.api.balance(ACCOUNT), 25_000);
        go(browser, DECISIONS);
        let decided = "//section[.//b[.='Корректировка']]";
        browser.fill_within(decided, "Почему отменить", "ошибка");
        browser.press_within(decided, "Отменить…");
        browser.press(&format!("Отменить решение: Зачислить 50,00 ₽ на счёт {ACCOUNT}"));
        browser.see("Решение отменено.");
        assert_eq!(site.host.api.balance(ACCOUNT), 30_000);
    }

    fn see_to_a_callback_of_an_unknown_form(&self) {
        let Walk { site, browser, .. } = self;
        self.enter_cabinet();
        self.pay("Сумма с запятой");
        browser.open(&site.url);
        go(browser, UNMATCHED);
        browser.see("Уведомления, которые нельзя было разобрать");
        let raw = browser.text_of("//section/pre");
        assert!(raw.contains("total=100%2C00") && raw.contains("&sign="), "{raw}");
        browser.press("Разобрано");
        browser.see("Всё разобрано.");
        assert_eq!(browser.count("//section"), 0);
    }

    fn export(&self) {
        let Walk { browser, .. } = self;
        go(browser, EXPORT);
        browser.see("Сначала введите реквизиты оператора");
        browser.choose("Кто", "Юридическое лицо");
        browser.fill("Наименование", "ООО «Связь»");
        browser.fill("ИНН", "7700000009");
        browser.fill("КПП", "770701001");
        browser.press("Сохранить");
        browser.see("Реквизиты сохранены.");
        assert_eq!((browser.value("Наименование").as_str(), browser.value("ИНН").as_str()), ("ООО «Связь»", "7700000009"));
        // The month that the write-offs are of.
        browser.fill_day("С", "2026-10-01");
        browser.fill_day("По", "2026-10-31");
        browser.press("Сформировать");
        browser.see("Выгрузка готова:");
        browser.see(&format!("Списаний: {WRITEOFFS}"));
        browser.see("сумма 0,60 ₽");

        let folder = TempDir::new().unwrap();
        let links = ["//section//a[not(.='Манифест')]", "//section//a[.='Манифест']"];
        let [file, manifest] = links.map(|link| {
            let path = browser.attribute(link, "href");
            let name = folder.path().join(path.rsplit('/').next().unwrap());
            std::fs::write(&name, self.download(&path)).unwrap();
            name
        });
        assert_eq!(manifest.to_str().unwrap(), format!("{}.manifest.json", file.to_str().unwrap()));
        assert!(verifies(&file));
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(!verifies(&file), "a changed file is not what its manifest says");
    }

    fn look_at_providers(&self) {
        let Walk { site, stand_in, browser } = self;
        self.enter_cabinet();
        self.pay("Подпись чужим секретом");
        browser.see_page("Ждём подтверждения");
        let sent = stand_in.settled(Duration::from_secs(30)).unwrap();
        browser.open(&site.url);
        go(browser, PROVIDERS);
        browser.see("ChronoPay настроена");
        let sum = Command::new("sha256sum").arg(component_path()).output().unwrap().stdout;
        browser.see(String::from_utf8(sum).unwrap().split(' ').next().unwrap());
        let refused = browser.texts_of("//section/ul/li");
        let hint = "1 — подпись не сходится: проверьте секрет в настройках";
        assert!(refused.iter().any(|line| line.starts_with(hint)), "{refused:?}");
        let calls = browser.text_of("//tr[td[.='handle-callback']]/td[@data-label='успешно']");
        assert_eq!(calls, sent.len().to_string());

        browser.press_within("//section", "Настройки");
        browser.press("Проверить настройки");
        browser
            .see("За сутки принято: 5, из них неопознанных: 2; не разобрано: 1; отклонено: 1, из них с неверной подписью: 1.");
    }

    fn change_the_language(&self) {
        let Walk { browser, .. } = self;
        for (ru, en) in PAGES.into_iter().zip(IN_ENGLISH) {
            go(browser, ru);
            browser.press("English");
            browser.see_page(en.1);
            assert_eq!(browser.attribute("/html", "lang"), "en");
            assert_eq!(browser.texts_of("//nav/a"), IN_ENGLISH.map(|(menu, _)| menu));
            browser.press("По-русски");
            browser.see_page(ru.1);
            assert_eq!(browser.attribute("/html", "lang"), "ru");
        }
    }

    fn log_out(&self) {
        let Walk { site, browser, .. } = self;
        let session = format!("session={}", browser.cookie("session").unwrap());
        assert_eq!(site.get("/operator/statistics", &session).status, 200);
        browser.press("Выйти");
        browser.see_page("Вход для оператора");
        assert_eq!(browser.cookie("session"), None);
        let answer = site.get("/operator/statistics", &session);
        assert_eq!((answer.status, answer.header("location")), (303, "/operator/login"));
        browser.open(&site.url);
        browser.see_page("Вход для оператора");
    }
}

fn go(browser: &Browser, (menu, title): Page) {
    browser.press_within("//nav", menu);
    browser.see_page(title);
}

fn log_in(browser: &Browser, password: &str) {
    browser.fill("Имя", OPERATOR);
    browser.fill("Пароль", password);
    browser.press("Войти");
}

fn verifies(file: &Path) -> bool {
    let output = Command::new(program()).arg("verify").arg(file).output().unwrap();
    let code = output.status.code();
    assert!([Some(0), Some(3)].contains(&code), "{output:?}");
    code == Some(0)
}

#[test]
fn without_javascript_settings_are_saved_and_a_payment_is_credited() {
    let site = Site::start();
    let browser = Browser::with(Screen::DESKTOP, false);
    browser.open(&site.url);
    log_in(&browser, PASSWORD);
    browser.see_page(STATISTICS.1);
    go(&browser, SETTINGS);
    browser.fill("ProductId", PRODUCT);
    browser.fill("SharedSec", SECRET);
    browser.press("Сохранить");
    browser.see("Настройки сохранены и уже действуют.");
    assert!(!browser.is_displayed("//button[@data-copy]"), "only a script shows it");

    site.host.api.put_account(ACCOUNT);
    assert_eq!(site.host.api.callback(&Told::payment("none", 7, 12_345).body()), 200);
    go(&browser, UNMATCHED);
    browser.see("123,45 ₽");
    browser.fill("Лицевой счёт", ACCOUNT);
    browser.fill("Почему", "Звонил");
    browser.press("Зачислить…");
    browser.press(&format!("Зачислить 123,45 ₽ на счёт {ACCOUNT}"));
    browser.see("Всё разобрано.");
    assert_eq!(site.host.api.balance(ACCOUNT), 12_345);
    PAGES.into_iter().for_each(|page| go(&browser, page));
    go(&browser, STATISTICS);
    browser.see("123,45 ₽");
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    assert_eq!(browser.text_of("//*[@class='balance']"), "123,45 ₽");
    browser.fill("Сумма", "10");
    browser.press("Пополнить");
    browser.see_page("К оплате");
}

const FILE: &str = "Файл компонента (.wasm)";
/// A provider's card.
const CHRONOPAY: &str = "//section[h2[starts-with(., 'ChronoPay')]]";
const ROBOKASSA: &str = "//section[h2[starts-with(., 'Robokassa')]]";
const ADDING: &str = "//section[h2[.='Добавить платёжную систему']]";
/// As long as the comment that it takes the place of.
const OTHER_COMMENT: &str = "Пополнение баланса через ИК";

/// An operator who swaps components, with their files.
struct Swapping {
    site: Site,
    browser: Browser,
    files: TempDir,
}

#[test]
fn a_component_is_swapped_gone_back_from_and_added_on_the_page() {
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

    /// Sends ChronoPay's form with a component, and gives its digest.
    fn upload(&self, component: &[u8]) -> String {
        let Swapping { browser, files, .. } = self;
        let path = files.path().join("swapped.wasm");
        std::fs::write(&path, component).unwrap();
        browser.click_within(CHRONOPAY, "Заменить компонент");
        browser.attach_within(CHRONOPAY, FILE, &path);
        browser.press_within(CHRONOPAY, "Проверить и заменить");
        hex::encode(Sha256::digest(component))
    }

    fn look(&self, page: &str, name: &str) {
        fits(&self.browser, page);
        self.browser.screenshot(&target_dir().join(format!("screenshots/providers-{page}-{name}.png")));
    }

    /// A payment that is told, and the comment that it is credited with.
    fn pay(&self, transaction: u64) -> String {
        let api = &self.site.host.api;
        let order = api.order(ACCOUNT, 10_000);
        assert_eq!(api.callback(&Told::payment(&order, transaction, 10_000).body()), 200);
        let feed = self.site.api("GET", "/api/v1/entries", &Value::Null).json();
        feed["entries"].as_array().unwrap().last().unwrap()["comment"].as_str().unwrap().to_owned()
    }

    fn swap(&self, name: &str) {
        let Swapping { browser, .. } = self;
        assert_eq!(self.pay(1), COMMENT);
        go(browser, PROVIDERS);
        assert_eq!(browser.count(&format!("{CHRONOPAY}//button[.='Вернуть прежний компонент']")), 0, "there was none");
        browser.click_within(CHRONOPAY, "Заменить компонент");
        self.look("form", name);
        browser.click_within(CHRONOPAY, "Заменить компонент");
        let new = self.upload(&another(&component(), "x"));
        browser.see("chronopay: теперь работает компонент chronopay ");
        browser.see(&format!("SHA-256 {new}."));
        browser.see("Проверено на прежних уведомлениях: 1.");
        assert_eq!(self.in_use(), new);
        self.look("swapped", name);
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
        self.look("changed", name);
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
        self.look("back", name);
    }

    /// What was entered as a secret stays one, whatever a component calls it.
    fn accept_a_secret_that_is_declared_otherwise(&self) {
        let Swapping { site, browser, .. } = self;
        go(browser, PROVIDERS);
        let old = self.in_use();
        let new = self.upload(&relabelled());
        browser.see("Эти настройки вводились как секрет");
        assert_eq!(browser.attribute("//input[@name='accept_shown']", "value"), "shared-sec");
        assert!(!browser.source().contains(SECRET));
        assert_eq!((self.pay(10), site.host.api.in_use(PROVIDER)), (COMMENT.to_owned(), old));
        browser.click_at("//input[@name='accept_shown']");
        browser.press("Так и задумано: заменить");
        browser.see(&format!("SHA-256 {new}."));
        browser.press_within(CHRONOPAY, "Настройки");
        assert!(!browser.source().contains(SECRET), "it is shown nowhere");
        assert_eq!(self.pay(11), COMMENT);
    }

    /// On a page that shows what came of another form: this one goes where it should all the same.
    fn add(&self, name: &str) {
        let Swapping { site, browser, .. } = self;
        browser.fill_within(ADDING, "Имя", "robokassa");
        browser.attach_within(ADDING, FILE, &component_path_of("robokassa"));
        browser.press("Проверить и добавить");
        browser.see("Платёжная система robokassa добавлена: robokassa ");
        browser.see("Robokassa не настроена");
        assert_eq!(browser.count(ROBOKASSA), 1);
        self.look("added", name);
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

/// A number of an account as long as one may be.
const LONG_ACCOUNT: &str = "0123456789012345678901234567890123456789012345678901234567890123";
/// A usual month, and one of words and amounts that no page may become wider by; past ones, whatever the day.
const USUAL: Month = Month { name: "from=2026-09-01&to=2026-09-30", month: 9, begins: 1_788_253_200, account: ACCOUNT };
const LONG: Month = Month { name: "from=2026-08-01&to=2026-08-31", month: 8, begins: 1_785_574_800, account: LONG_ACCOUNT };
const DAYS: u8 = 30;
const DAY_SECONDS: u64 = 86_400;

struct Month {
    /// As an address says it.
    name: &'static str,
    month: u8,
    /// Its first morning, in seconds since the epoch.
    begins: u64,
    /// Whose payments and write-offs it has.
    account: &'static str,
}

#[test]
fn every_page_fits_a_desk_and_a_phone() {
    let folder = Folder::default();
    fill(&folder);
    let site = Site::start_on(folder, "info");
    set_up(&site);
    for (screen, name) in [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone")] {
        let browser = Browser::start(screen);
        let look = |page: &str| {
            assert_eq!(browser.evaluate("window.innerWidth"), screen.width, "{page}");
            fits(&browser, page);
            let path = target_dir().join(format!("screenshots/{page}-{name}.png"));
            assert_eq!(browser.screenshot(&path), (screen.width, screen.height), "{page}");
        };
        look_at_operators_pages(&site, &browser, &look);
        look_at_cabinets(&site, &browser, &look);
        browser.open(&format!("{}/operator/statistics?{}", site.url, LONG.name));
        browser.press("English");
        for page in IN_ENGLISH {
            go(&browser, page);
            fits(&browser, page.1);
        }
    }
}

fn look_at_operators_pages(site: &Site, browser: &Browser, look: &impl Fn(&str)) {
    browser.open(&site.url);
    look("login");
    log_in(browser, PASSWORD);
    browser.see_page(STATISTICS.1);
    for (Month { name, account, .. }, page) in [(USUAL, "statistics"), (LONG, "statistics-of-long-words")] {
        browser.open(&format!("{}/operator/statistics?{name}", site.url));
        browser.see(&format!("Платёж: {DAYS}"));
        look(page);
        browser.open(&format!("{}/operator/statistics?{name}&account={account}", site.url));
        browser.see("Баланс:");
        look(&format!("{page}-of-an-account"));
    }
    for (page, name) in PAGES[1..].iter().zip(["unmatched", "decisions", "export", "settings", "providers"]) {
        go(browser, *page);
        look(name);
    }
    browser.press_within("//section", "Настройки");
    browser.fill("ProductId", "1234");
    browser.press("Сохранить");
    browser.see("Настройки не сохранены");
    look("settings-refused");
    browser.press("Проверить настройки");
    browser.see("За сутки принято: ");
    look("settings-checked");
    browser.open(&format!("{}/cabinet/orders/none", site.url));
    browser.see_page("Не получилось");
    look("nothing-there");
}

fn look_at_cabinets(site: &Site, browser: &Browser, look: &impl Fn(&str)) {
    for (account, page) in [(LONG_ACCOUNT, "cabinet-of-long-words"), (ACCOUNT, "cabinet")] {
        let link = site.api("POST", &format!("/api/v1/accounts/{account}/cabinet"), &Value::Null).json();
        browser.open(link["url"].as_str().unwrap());
        if account == ACCOUNT {
            browser.see(&format!("Ссылка ведёт в кабинет лицевого счёта {account}."));
            look("cabinet-of-another-account");
            browser.press(&format!("Перейти в кабинет счёта {account}"));
        }
        browser.see(&format!("лицевой счёт {account}"));
        look(page);
    }
    browser.fill("Сумма", "1234,50");
    browser.press("Пополнить");
    browser.see_page("К оплате");
    look("order-to-pay");
    let order = browser.url();
    browser.open(&format!("{order}/returned"));
    browser.see_page("Ждём подтверждения");
    look("order-waiting");
    browser.open(&format!("{order}/failed"));
    browser.see_page("Оплата не прошла");
    look("order-failed");
    // What the form would send says which order it is.
    let id = browser.attribute("//input[@name='cs1']", "value");
    browser.open(&format!("{order}/returned"));
    let transaction = u64::try_from(site.host.api.feed().len()).unwrap() + 1_000;
    assert_eq!(site.host.api.callback(&Told::payment(&id, transaction, 123_450).body()), 200);
    browser.see_page("Оплачено");
    look("order-paid");
}

fn fits(browser: &Browser, page: &str) {
    let wide = browser.evaluate("document.documentElement.scrollWidth").as_u64().unwrap();
    let shown = browser.evaluate("document.documentElement.clientWidth").as_u64().unwrap();
    assert!(wide <= shown, "{page} is {wide} pixels wide, and {shown} are shown");
}

/// Two months of payments and write-offs, as the ledger has them when they are not of today.
fn fill(folder: &Folder) {
    let ledger = Ledger::new(Sqlite::open(&folder.database()).unwrap());
    for (number, name) in [(ACCOUNT, "Иванов И. И."), (LONG_ACCOUNT, &"Константинопольский".repeat(13))]
    {
        let [contract, inn, kpp, foreign_tax_number] = ["Д-17", "", "", ""].map(str::to_owned);
        let (number, name, kind, contract_date) = (number.to_owned(), name.to_owned(), PartyKind::Individual, None);
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

fn pay(ledger: &Ledger<Sqlite>, account: &str, amount: Money, comment: &str, at: u64) {
    let [account, provider, description] = [account, PROVIDER, "Пополнение"].map(str::to_owned);
    let order = NewOrder { account, provider, amount, description, idempotency_key: None, expires_at: None };
    let order = ledger.create_order(order, at).unwrap().unwrap();
    let event = Event {
        provider: PROVIDER.to_owned(),
        facts: Facts {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: at.to_string(),
            order: Some(order.id),
            payer: None,
            amount,
            occurred_at: None,
        },
        comment: comment.to_owned(),
        dedup_key: at.to_string(),
        extra: Vec::new(),
    };
    let [provider, method, query, remote_address] = [PROVIDER, "POST", "", ""].map(str::to_owned);
    let (headers, body) = (Vec::new(), Vec::new());
    let callback = RawCallback { provider, received_at: at, method, query, headers, body, remote_address, is_masked: false };
    ledger.take_event(event, callback).unwrap();
}

fn write_off(ledger: &Ledger<Sqlite>, account: &str, amount: Money, date: Date, at: u64) {
    let [account, service_code, service, unit, note] = [account, "inet", "Доступ в интернет", "мес", ""].map(str::to_owned);
    let writeoff = WriteOff {
        id: format!("w-{at}"),
        account,
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

/// Everything that pages have something to say of.
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
        assert_eq!(site.host.api.callback(&Told::payment(order, transaction, 10_000).body()), 200);
    }
    let payment = Told::payment(&order, 4, 10_000);
    let of_unknown_form = payment.body_with(&[("total", "100,00")]);
    assert_eq!(site.host.api.callback(&of_unknown_form), 200);
    assert_ne!(site.host.api.callback(&payment.body().replace("100.00", "900.00")), 200);
}
