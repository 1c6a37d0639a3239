//! A person at a browser: headless Chromium with chromedriver, or Firefox with geckodriver. Elements on a page are found as a
//! person finds them, by their text.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::error::CmdError;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::host::target_dir;

/// The longest wait for a page to reach an expected state.
const WAIT_TIME_MAX: Duration = Duration::from_secs(30);
/// The interval between checks meanwhile.
const LOOK_TIME: Duration = Duration::from_millis(30);

/// Chromium without a window, which takes half the processor time of the whole browser.
const CHROMIUM: &str = "/usr/bin/chromium-headless-shell";

/// The screen of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether it is a phone, for which pages have another layout.
    pub is_phone: bool,
}

impl Screen {
    /// A desktop's screen.
    pub const DESKTOP: Screen = Screen { width: 1280, height: 900, is_phone: false };
    /// A phone's screen.
    pub const PHONE: Screen = Screen { width: 390, height: 844, is_phone: true };
}

/// The browser engine. Engines differ in what they allow a page to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// Google's, which most payers use.
    Chromium,
    /// Mozilla's.
    Firefox,
}

/// A browser with a fresh profile, in Russian. Dropping it ends the browser and its driver.
pub struct Browser {
    runtime: Runtime,
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium with scripts enabled.
    pub fn start(screen: Screen) -> Browser {
        Browser::with(screen, true)
    }

    /// Starts Chromium with scripts enabled or disabled.
    pub fn with(screen: Screen, javascript: bool) -> Browser {
        Browser::of(Engine::Chromium, screen, javascript)
    }

    /// Starts a browser of this engine.
    pub fn of(engine: Engine, screen: Screen, javascript: bool) -> Browser {
        let profile = TempDir::new().unwrap();
        let (mut driver, url) = driver(engine, profile.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities(engine, screen, javascript, profile.path())).connect(&url).await
        });
        let client = client.unwrap_or_else(|error| {
            drop(driver.kill());
            panic!("no browser: {error}; `cargo xtask test` installs Chromium and Firefox")
        });
        Browser { runtime, client, driver, _profile: profile }
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.runtime.block_on(self.client.goto(url)).unwrap();
    }

    /// Goes back in the browser's history.
    pub fn back(&self) {
        self.runtime.block_on(self.client.back()).unwrap();
    }

    /// Waits until the URL contains a text.
    pub fn see_address(&self, part: &str) {
        self.until(&format!("the address has {part:?}"), async |client| {
            Ok(client.current_url().await?.as_str().contains(part).then_some(()))
        });
    }

    /// Presses keys, as a person without a mouse does. Returns the text of the element that then has the focus.
    pub fn press_keys(&self, keys: &str) -> String {
        self.runtime.block_on(async {
            let active = self.client.active_element().await.unwrap();
            active.send_keys(keys).await.unwrap();
            self.client.active_element().await.unwrap().text().await.unwrap()
        })
    }

    /// Returns the current URL.
    pub fn url(&self) -> String {
        self.runtime.block_on(self.client.current_url()).unwrap().to_string()
    }

    /// Returns the page's source as the browser has it.
    pub fn source(&self) -> String {
        self.runtime.block_on(self.client.source()).unwrap()
    }

    /// Returns the visible text of the page.
    pub fn text(&self) -> String {
        self.text_of("/html/body")
    }

    /// Returns the visible text of an element, and waits for it to appear.
    pub fn text_of(&self, xpath: &str) -> String {
        self.until(&format!("there is {xpath}"), async |client| {
            Ok(Some(client.find(Locator::XPath(xpath)).await?.text().await?.replace('\u{a0}', " ")))
        })
    }

    /// Returns the visible text of each matching element.
    pub fn texts_of(&self, xpath: &str) -> Vec<String> {
        self.runtime.block_on(async {
            let mut texts = Vec::new();
            for element in self.client.find_all(Locator::XPath(xpath)).await.unwrap() {
                texts.push(element.text().await.unwrap().replace('\u{a0}', " "));
            }
            texts
        })
    }

    /// Returns the number of matching elements.
    pub fn count(&self, xpath: &str) -> usize {
        self.runtime.block_on(self.client.find_all(Locator::XPath(xpath))).unwrap().len()
    }

    /// Returns the rendered width and height of each matching element.
    pub fn sizes_of(&self, xpath: &str) -> Vec<(f64, f64)> {
        self.runtime.block_on(async {
            let mut sizes = Vec::new();
            for element in self.client.find_all(Locator::XPath(xpath)).await.unwrap() {
                let (_, _, width, height) = element.rectangle().await.unwrap();
                sizes.push((width, height));
            }
            sizes
        })
    }

    /// Reports whether an element is visible.
    pub fn is_displayed(&self, xpath: &str) -> bool {
        self.until(&format!("there is {xpath}"), async |client| {
            Ok(Some(client.find(Locator::XPath(xpath)).await?.is_displayed().await?))
        })
    }

    /// Waits until the page shows a text.
    pub fn see(&self, text: &str) {
        self.until(&format!("it says {text:?}"), async |client| {
            let body = client.find(Locator::Css("body")).await?.text().await?.replace('\u{a0}', " ");
            Ok(body.contains(text).then_some(()))
        });
    }

    /// Waits until the page has this heading.
    pub fn see_page(&self, heading: &str) {
        self.until(&format!("the page is {heading:?}"), async |client| {
            Ok((client.find(Locator::Css("h1")).await?.text().await? == heading).then_some(()))
        });
    }

    /// Replaces the value of a field.
    pub fn fill(&self, label: &str, value: &str) {
        self.fill_within("", label, value);
    }

    /// Replaces the value of a field within an element, for pages with several fields of that label.
    pub fn fill_within(&self, within: &str, label: &str, value: &str) {
        let xpath = field(within, label);
        self.until(&format!("{label:?} can be filled"), async |client| {
            let field = client.find(Locator::XPath(&xpath)).await?;
            field.clear().await?;
            field.send_keys(value).await.map(Some)
        });
    }

    /// Types a day, such as 2026-10-31, into a date field.
    pub fn fill_day(&self, label: &str, iso: &str) {
        let parts: Vec<&str> = iso.split('-').collect();
        let [year, month, day] = parts[..] else { panic!("{iso} is no day") };
        // A browser without Russian texts expects the month first.
        let is_typed = [[day, month, year], [month, day, year]].iter().any(|keys| {
            self.fill(label, &keys.concat());
            self.value(label) == iso
        });
        assert!(is_typed, "{label} is {:?} and not {iso}", self.value(label));
    }

    /// Chooses an option of a field.
    pub fn choose(&self, label: &str, option: &str) {
        self.choose_at(&field("", label), option);
    }

    /// Chooses an option of a `select` element.
    pub fn choose_at(&self, select: &str, option: &str) {
        let xpath = format!("{select}/option[normalize-space(.)=\"{option}\"]");
        self.until(&format!("{option:?} can be chosen"), async |client| {
            client.find(Locator::XPath(&xpath)).await?.click().await.map(Some)
        });
    }

    /// Chooses a file for a field.
    pub fn attach_within(&self, within: &str, label: &str, file: &Path) {
        let xpath = field(within, label);
        let file = file.canonicalize().unwrap().into_os_string().into_string().unwrap();
        self.until(&format!("{label:?} takes a file"), async |client| {
            client.find(Locator::XPath(&xpath)).await?.send_keys(&file).await.map(Some)
        });
    }

    /// Returns the value of a field.
    pub fn value(&self, label: &str) -> String {
        let xpath = field("", label);
        self.until(&format!("there is {label:?}"), async |client| {
            client.find(Locator::XPath(&xpath)).await?.prop("value").await
        })
    }

    /// Presses a button or link that leads to another page, and waits until this page is gone.
    pub fn press(&self, name: &str) {
        self.press_within("", name);
    }

    /// Presses a button or link within an element, for pages with several of that name.
    pub fn press_within(&self, within: &str, name: &str) {
        // Amounts contain no-break spaces.
        let xpath =
            format!("{within}//*[self::button or self::a][normalize-space(translate(., \"\u{a0}\", \" \"))=\"{name}\"]");
        let page = self.until(&format!("{name:?} can be pressed"), async |client| {
            // A page that refreshes itself may go away in between.
            let page = client.find(Locator::Css("html")).await?;
            client.find(Locator::XPath(&xpath)).await?.click().await?;
            Ok(Some(page))
        });
        self.until(&format!("{name:?} leads on"), async |_| Ok(page.tag_name().await.is_err().then_some(())));
    }

    /// Presses a button that changes this page.
    pub fn click(&self, name: &str) {
        self.click_within("", name);
    }

    /// Presses a button, or opens a `summary`, within an element.
    pub fn click_within(&self, within: &str, name: &str) {
        let xpath = format!("{within}//*[self::button or self::summary][normalize-space(.)=\"{name}\"]");
        self.until(&format!("{name:?} can be clicked"), async |client| {
            client.find(Locator::XPath(&xpath)).await?.click().await.map(Some)
        });
    }

    /// Clicks an element that affects only itself.
    pub fn click_at(&self, xpath: &str) {
        self.until(&format!("{xpath} can be clicked"), async |client| {
            client.find(Locator::XPath(xpath)).await?.click().await.map(Some)
        });
    }

    /// Sends keys to a field unchanged.
    pub fn send_keys(&self, label: &str, keys: &str) {
        let xpath = field("", label);
        self.until(&format!("{label:?} takes keys"), async |client| {
            client.find(Locator::XPath(&xpath)).await?.send_keys(keys).await.map(Some)
        });
    }

    /// Returns an element's attribute.
    pub fn attribute(&self, xpath: &str, name: &str) -> String {
        self.until(&format!("there is {xpath}"), async |client| client.find(Locator::XPath(xpath)).await?.attr(name).await)
    }

    /// Returns a cookie's value, even if scripts may not read it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookie = self.runtime.block_on(self.client.get_named_cookie(name));
        cookie.ok().map(|cookie| cookie.value().to_owned())
    }

    /// Evaluates a script expression on the page.
    pub fn evaluate(&self, expression: &str) -> Value {
        self.runtime.block_on(self.client.execute(&format!("return {expression}"), Vec::new())).unwrap()
    }

    /// Saves a screenshot as a PNG. Returns its width and height.
    pub fn screenshot(&self, path: &Path) -> (u32, u32) {
        let png = self.runtime.block_on(self.client.screenshot()).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &png).unwrap();
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    /// Polls until `look` returns something. Stale and missing elements count as not there yet.
    fn until<T>(&self, what: &str, mut look: impl AsyncFnMut(&Client) -> Result<Option<T>, CmdError>) -> T {
        let end = Instant::now() + WAIT_TIME_MAX;
        let last = loop {
            let last = match self.runtime.block_on(look(&self.client)) {
                Ok(Some(found)) => return found,
                Ok(None) => String::new(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > end {
                break last;
            }
            self.runtime.block_on(async { tokio::time::sleep(LOOK_TIME).await });
        };
        let page = self.runtime.block_on(async {
            let text = self.client.find(Locator::Css("body")).await?.text().await?;
            Ok::<_, CmdError>(format!("{}\n{text}", self.client.current_url().await?))
        });
        panic!("not in time: {what}. {last}\n{}", page.unwrap_or_else(|error| error.to_string()));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Otherwise Chromium would outlive its driver.
        drop(self.runtime.block_on(self.client.clone().close()));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// Returns the XPath of the field with a label that begins with this text.
fn field(within: &str, label: &str) -> String {
    format!(
        "{within}//label[normalize-space(text()[1])=\"{label}\" or starts-with(normalize-space(span[1]), \"{label}\")]\
         //*[self::input or self::select]"
    )
}

/// Starts the driver of an engine on a free port. Returns the process and its address.
fn driver(engine: Engine, home: &Path) -> (Child, String) {
    let (mut command, says) = match engine {
        Engine::Chromium => (Command::new("chromedriver"), "started successfully on port "),
        Engine::Firefox => (Command::new(geckodriver()), "Listening on 127.0.0.1:"),
    };
    command.arg("--port=0");
    if engine == Engine::Firefox {
        // The driver gets its own home directory, and its own port, which two drivers cannot share.
        command.arg("--websocket-port=0").env("HOME", home);
    }
    // The language of the browser's own texts, such as date formats.
    command.env("LANGUAGE", "ru").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().expect("the driver is installed; `cargo xtask test` does it");
    let mut said = BufReader::new(driver.stdout.take().unwrap());
    let mut output = String::new();
    let port = loop {
        let before = output.len();
        let read = said.read_line(&mut output).unwrap();
        assert!(read > 0, "the driver of {engine:?} ended: {:?} {output}", driver.wait());
        if let Some((_, port)) = output[before..].trim().split_once(says) {
            break port.trim_end_matches('.').to_owned();
        }
    };
    // Drains the rest of its output, so that it does not block.
    std::thread::spawn(move || drop(said.read_to_end(&mut Vec::new())));
    (driver, format!("http://127.0.0.1:{port}"))
}

/// Returns the driver that `cargo xtask test` has installed, or the machine's.
fn geckodriver() -> PathBuf {
    let built = target_dir().join("tools/bin/geckodriver");
    if built.is_file() { built } else { "geckodriver".into() }
}

fn capabilities(engine: Engine, screen: Screen, javascript: bool, profile: &Path) -> Capabilities {
    match engine {
        Engine::Chromium => of_chromium(screen, javascript, profile),
        Engine::Firefox => of_firefox(screen, javascript),
    }
}

fn of_firefox(screen: Screen, javascript: bool) -> Capabilities {
    let Screen { width, height, .. } = screen;
    let capabilities = json!({
        "browserName": "firefox",
        "timeouts": {"pageLoad": WAIT_TIME_MAX.as_millis() as u64},
        "moz:firefoxOptions": {
            "args": ["-headless", format!("--width={width}"), format!("--height={height}")],
            "prefs": {"intl.accept_languages": "ru", "javascript.enabled": javascript},
        },
    });
    serde_json::from_value(capabilities).unwrap()
}

fn of_chromium(screen: Screen, javascript: bool, profile: &Path) -> Capabilities {
    let arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=ru",
    ];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    if !javascript {
        arguments.push("--blink-settings=scriptEnabled=false".to_owned());
    }
    let Screen { width, height, is_phone } = screen;
    let capabilities = json!({
        "browserName": "chrome-headless-shell",
        "timeouts": {"pageLoad": WAIT_TIME_MAX.as_millis() as u64},
        "goog:chromeOptions": {
            "binary": CHROMIUM,
            "args": arguments,
            // A window has borders and a minimum width; the emulated screen has neither.
            "mobileEmulation": {
                "deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "mobile": is_phone, "touch": is_phone},
            },
        },
    });
    serde_json::from_value(capabilities).unwrap()
}
