//! An operator and a subscriber at a browser, with the program, the real component, and a stand-in for the payment system.

mod decide;
mod pay;
mod screenshots;
mod stand_ins;
mod swap;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use end_to_end::{PRODUCT, SECRET, component_path, read_csv};
use host_tests::host::{PROVIDER, program};
use host_tests::site::{OPERATOR, PASSWORD};
use host_tests::{Browser, CallbackSpec, Screen, Site};
use serde_json::{Value, json};
use stand_in::chronopay::{Config, Running};
use stand_in::{Patience, Scenario};
use tempfile::TempDir;

/// A subscriber who pays, and one who only has debts.
const ACCOUNT: &str = "100500";
const DEBTOR: &str = "100501";
const COMMENT: &str = "Пополнение баланса через ЛК";
/// More write-offs than a page of the statistics shows entries.
const WRITEOFFS: usize = 60;
const PAGE_ROWS: usize = 50;
/// How long after the buyer's return the stand-in confirms the payment. The page must be read before that.
const DELAY_MS: u64 = 5_000;

/// A page's name in the menu, and its heading.
type Page = (&'static str, &'static str);
const STATISTICS: Page = ("Статистика", "Статистика платежей и списаний");
const UNMATCHED: Page = ("Неопознанные", "Неопознанные платежи");
const DECISIONS: Page = ("Решения", "Решения сотрудников");
const EXPORT: Page = ("Выгрузка в 1С", "Выгрузка в 1С");
const SETTINGS: Page = ("Настройки", "Настройка платёжных систем");
const PROVIDERS: Page = ("Платёжные системы", "Платёжные системы");

struct MenuItem {
    ru: Page,
    en: Page,
    screenshot: &'static str,
}

/// All of the operator's pages, in the order of the menu.
const MENU: [MenuItem; 8] = [
    item("statistics", STATISTICS, ("Statistics", "Payments and write-offs")),
    item("unmatched", UNMATCHED, ("Unmatched", "Unmatched payments")),
    item("operations", ("Операции", "Операции"), ("Operations", "Operations")),
    item("decisions", DECISIONS, ("Decisions", "Operators' decisions")),
    item("export", EXPORT, ("Export", "Export for 1C")),
    item("settings", SETTINGS, ("Settings", "Payment systems' settings")),
    item("providers", PROVIDERS, ("Payment systems", "Payment systems")),
    item("calls", ("Обращения", "Обращения к платёжным системам"), ("Calls", "Calls to payment systems")),
];

/// A provider's section on the page.
const CHRONOPAY: &str = "//section[h2[starts-with(., 'ChronoPay')]]";

struct Walk {
    site: Site,
    stand_in: Running,
    browser: Browser,
}

/// A host that was not set up, and a payment system that does not know it yet.
#[test]
fn operator_and_subscriber_use_every_page() {
    let patience = Patience { delay_ms: DELAY_MS, attempts_max: 1, ..Patience::default() };
    let config = Config { patience, ..Config::new(SECRET, PRODUCT) };
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
        assert_eq!(browser.url(), format!("{}/operator/login?to=%2Foperator%2Fstatistics", site.url));
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
        assert!(beside.starts_with("ProductId — три группы из 6, 4 и 4 цифр"), "{beside}");
        let lost = browser.text_of("//label[.//input[@name='shared-sec']]//*[@role='alert']");
        assert_eq!(lost, "Секрет не сохранён, введите его ещё раз.");
        assert_eq!(browser.count("//form//*[@role='alert']"), 2, "nothing else is wrong");
        assert_eq!(browser.value("ProductId"), "1234", "the input is kept for correction");
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
        // Pastes into a field whose value can be read; it is not saved.
        browser.fill("Комментарий платежа", "");
        browser.send_keys("Комментарий платежа", "\u{e009}v\u{e000}");
        assert_eq!(browser.value("Комментарий платежа"), callback_url);

        browser.press("Проверить настройки");
        browser.see(&format!("Ссылка на оплату создана, ведёт на {}", stand_in.url()));
        assert_eq!(browser.value("Комментарий платежа"), callback_url, "the input is kept");
        browser.see("За сутки не было ни одного уведомления.");
    }

    /// Opens the cabinet for the subscriber, in the same browser.
    fn enter_cabinet(&self) {
        let link = self.site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
        self.browser.open(link["url"].as_str().unwrap());
        self.browser.see_page("Личный кабинет");
        assert_eq!(self.browser.url(), format!("{}/cabinet", self.site.url), "the link's token is not left in the address");
    }

    /// Pays 100.00 in the cabinet and returns. The stand-in follows the scenario.
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
        // The page updates itself; nothing is pressed.
        browser.see_page("Оплачено");
        browser.press("В личный кабинет");
        self.see_balance("200,00 ₽");

        self.pay("Банк отклонил оплату");
        browser.see_page("Платёж отклонён");
        browser.see("деньги не зачислены");
        let sent = stand_in.settled(Duration::from_secs(30)).unwrap();
        let declined = sent.iter().find(|sent| sent.scenario == Scenario::Decline);
        assert_eq!(declined.and_then(|sent| sent.status), Some(200));
        browser.press("Попробовать ещё раз");
        assert_eq!(browser.value("Сумма"), "100,00");
        browser.see("платёж отклонён");
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
        // Write-offs count by their date, not by when they were added: the payments are of today, the write-offs of October.
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
        assert_eq!(browser.texts_of("//*[@class='pager']/a"), ["Более старые →"]);
        browser.press("Более старые →");
        assert_eq!(self.rows(), WRITEOFFS + 2 - PAGE_ROWS);
        assert_eq!(browser.count("//td[@data-label='Время'][.='31.10.2026']"), WRITEOFFS + 2 - PAGE_ROWS);
        assert_eq!(browser.texts_of("//*[@class='pager']/a"), ["← Более новые"]);
        browser.press("← Более новые");
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

    /// Returns what one of the operator's links downloads, with the browser's session. Without a session it is refused.
    fn download(&self, path: &str) -> Vec<u8> {
        let session = format!("session={}", self.browser.cookie("session").unwrap());
        assert_eq!(self.site.get(path, "").status, 303, "{path}");
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
        let transaction = |text: &str| text.split([' ', ',']).nth(1).unwrap().to_owned();

        browser.fill_within("//section[1]", "Лицевой счёт", "нет такого");
        browser.fill_within("//section[1]", "Почему", "звонил");
        browser.press_within("//section[1]", "Зачислить…");
        browser.see("Такого лицевого счёта нет.");
        // The input is kept. Nothing is entered before the operator has seen whose account it is.
        assert_eq!(browser.value("Почему"), "звонил");
        browser.fill("Лицевой счёт", ACCOUNT);
        browser.press("Зачислить…");
        browser.see("Баланс после");
        assert_eq!(site.host.api.balance(ACCOUNT), 20_000);
        let texts = browser.texts_of("//dl[dt='Абонент']/dd");
        assert_eq!(texts, [ACCOUNT, "Иванов И. И.", "Д-17", "200,00 ₽", "300,00 ₽"]);
        browser.press(&format!("Зачислить 100,00 ₽ на счёт {ACCOUNT}"));
        browser.see_page(UNMATCHED.1);
        browser.see("Зачислено 100,00 ₽ на счёт");
        assert_eq!(browser.texts_of("//section/p[3]"), [second.as_str()]);
        browser.fill_within("//section[1]", "Почему", "Деньги возвращены");
        browser.press_within("//section[1]", "Отклонить");
        browser.see("Неразобранных платежей нет.");

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

    /// Takes back a payment on the wrong account, so that it waits again, and credits it to the right one. Then makes a
    /// correction by hand.
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
        browser.see("Неразобранных платежей нет.");
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
        browser.see("Нераспознанные уведомления");
        let raw = browser.text_of("//section/pre");
        assert!(raw.contains("total=100%2C00") && raw.contains("&sign="), "{raw}");
        browser.press("Отметить разобранным");
        browser.see("Неразобранных платежей нет.");
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
        // The month of the write-offs.
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
        browser.see("1 — неверная подпись: проверьте секрет в настройках");
        let calls = browser.text_of("//tr[td[.='handle-callback']]/td[@data-label='успешно']");
        assert_eq!(calls, sent.len().to_string());

        browser.press_within("//section", "Настройки");
        browser.press("Проверить настройки");
        browser.see(
            "За сутки принято: 5, из них неопознанных: 2; не распознано: 1; отвергнуто: 1, из них с неверной подписью: 1.",
        );
    }

    fn change_the_language(&self) {
        let Walk { browser, .. } = self;
        for MenuItem { ru, en, .. } in MENU {
            go(browser, ru);
            browser.press("English");
            browser.see_page(en.1);
            assert_eq!(browser.attribute("/html", "lang"), "en");
            assert_eq!(browser.texts_of("//nav/a"), MENU.map(|item| item.en.0));
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
        assert_eq!((answer.status, answer.header("location")), (303, "/operator/login?to=%2Foperator%2Fstatistics"));
        browser.open(&site.url);
        browser.see_page("Вход для оператора");
    }
}

const fn item(screenshot: &'static str, ru: Page, en: Page) -> MenuItem {
    MenuItem { ru, en, screenshot }
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

fn fits(browser: &Browser, page: &str) {
    let wide = browser.evaluate("document.documentElement.scrollWidth").as_u64().unwrap();
    let shown = browser.evaluate("document.documentElement.clientWidth").as_u64().unwrap();
    assert!(wide <= shown, "{page} is {wide} pixels wide, and {shown} are shown");
}

fn verifies(file: &Path) -> bool {
    let output = Command::new(program()).arg("verify").arg(file).output().unwrap();
    let code = output.status.code();
    assert!([Some(0), Some(3)].contains(&code), "{output:?}");
    code == Some(0)
}

#[test]
fn settings_and_payment_work_without_javascript() {
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
    assert!(!browser.is_displayed("//button[@data-copy]"), "the button needs a script and must be hidden without one");

    site.host.api.put_account(ACCOUNT);
    assert_eq!(site.host.api.callback(&CallbackSpec::payment("none", 7, 12_345).body()), 200);
    go(&browser, UNMATCHED);
    browser.see("123,45 ₽");
    browser.fill("Лицевой счёт", ACCOUNT);
    browser.fill("Почему", "Звонил");
    browser.press("Зачислить…");
    browser.press(&format!("Зачислить 123,45 ₽ на счёт {ACCOUNT}"));
    browser.see("Неразобранных платежей нет.");
    assert_eq!(site.host.api.balance(ACCOUNT), 12_345);
    MENU.into_iter().for_each(|item| go(&browser, item.ru));
    go(&browser, STATISTICS);
    browser.see("123,45 ₽");
    let link = site.api("POST", &format!("/api/v1/accounts/{ACCOUNT}/cabinet"), &Value::Null).json();
    browser.open(link["url"].as_str().unwrap());
    assert_eq!(browser.text_of("//*[@class='balance']"), "123,45 ₽");
    browser.fill("Сумма", "10");
    browser.press("Пополнить");
    browser.see_page("К оплате");
}
