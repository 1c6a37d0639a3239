//! A gateway to test over real HTTP, with real components and a real database.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use catalog::{Catalog, Version};
use end_to_end::{component, provider, sandbox, settings, signed};
use gateway::{Config, Gateway, Token};
use host::{Confirmed, HostBuilder, Key, NewSettings};
use ledger::Ledger;
use sandbox::Limits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use storage_sqlite::Sqlite;
use support::{Answer, Client};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Response;

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A gateway on a free port. It stops with the test.
pub struct Server {
    pub folder: TempDir,
    pub address: SocketAddr,
    pub runtime: tokio::runtime::Runtime,
    pub agent: Agent,
}

impl Server {
    pub fn new() -> Server {
        Server::with(|_| {})
    }

    /// Starts a gateway with a changed configuration.
    pub fn with(change: impl FnOnce(&mut Config)) -> Server {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let mut server = Server { folder, address, runtime, agent: support::agent() };
        server.start(change);
        server
    }

    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub fn start(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = config();
        change(&mut config);
        self.address = serve(&self.runtime, &self.database(), config);
    }

    /// Opens another gateway on the same folder, with the components in the lock.
    pub fn reopen(&self) -> Result<Gateway, gateway::OpenError> {
        Gateway::open(host(&self.database(), key()), config())
    }

    /// Does the same, and replaces the running one.
    pub fn restart(&mut self) {
        let gateway = self.reopen().unwrap_or_else(|error| panic!("{error}"));
        self.address = listen(&self.runtime, gateway);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn client(&self) -> Client {
        Client::new(self.url(""))
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.api("POST", path, body)
    }

    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.api("PUT", path, body)
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.api("GET", path, &Value::Null)
    }

    pub fn delete(&self, path: &str) -> (u16, Value) {
        self.api("DELETE", path, &Value::Null)
    }

    fn api(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client().api(method, path, TOKEN, body).unwrap();
        (answer.status, answer.json())
    }

    pub fn callback(&self, body: &str) -> (u16, String) {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.client().send("POST", "/callbacks/chronopay", &headers, body.as_bytes()).unwrap();
        (answer.status, answer.text().to_owned())
    }

    /// Creates an order of 100.00 for the account 100500.
    pub fn order(&self) -> String {
        let account = json!({"name": "Иванов И. И.", "kind": "individual", "contract": "Д-17"});
        assert_eq!(self.put("/api/v1/accounts/100500", &account).0, 200);
        let (status, link) = self.post("/api/v1/links", &asked());
        assert_eq!(status, 200, "{link}");
        link["order"].as_str().unwrap().to_owned()
    }

    pub fn balance(&self) -> i64 {
        self.get("/api/v1/accounts/100500").1["balances"][0]["minor_units"].as_i64().unwrap_or(0)
    }
}

/// A logged-in operator.
pub struct Session<'s> {
    server: &'s Server,
    session: support::Session,
}

impl Server {
    /// Logs an operator in.
    pub fn log_in(&self) -> Session<'_> {
        const PASSWORD: &str = "correct horse battery";
        host::operators::set_password(&Ledger::new(Sqlite::open(&self.database()).unwrap()), "anna", PASSWORD).unwrap();
        Session { server: self, session: support::Session::log_in(&self.client(), "anna", PASSWORD) }
    }
}

impl Session<'_> {
    /// Sends a request without reading the answer.
    pub fn open(&self, path: &str) -> TcpStream {
        let cookies = self.session.cookies();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookies}\r\nconnection: close\r\n\r\n");
        support::wire::send(self.server.address, &request)
    }

    /// Returns a page, in Russian.
    pub fn get(&self, path: &str) -> String {
        self.session.get(path).text().to_owned()
    }

    /// Submits a form with the session's CSRF token, and returns the page.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        self.session.post(path, fields).text().to_owned()
    }

    /// Returns the value of the `cookie` header.
    pub fn cookies(&self) -> String {
        self.session.cookies()
    }

    /// Returns the session's CSRF token.
    pub fn csrf(&self) -> &str {
        &self.session.csrf
    }

    /// Posts a body of a type, and returns the page.
    pub fn send(&self, path: &str, content_type: &str, body: &[u8]) -> String {
        let headers = [("cookie", &*self.session.cookies()), ("content-type", content_type)];
        self.server.client().send("POST", path, &headers, body).unwrap().text().to_owned()
    }
}

/// Returns the key that seals the settings of these tests.
pub fn key() -> Key {
    Key::parse(&"5e".repeat(32)).unwrap()
}

pub fn config() -> Config {
    Config {
        public_url: "https://billing.example.ru".to_owned(),
        token: Token::new(TOKEN).unwrap(),
        utc_offset_hours: 3,
        callback_rate: None,
        proxy_header: None,
        trusted_proxies: Vec::new(),
        callers: BTreeMap::new(),
        stall_time_max: Duration::from_secs(60),
    }
}

/// Serves ChronoPay with the settings of its vectors.
pub fn serve(runtime: &tokio::runtime::Runtime, database: &Path, config: Config) -> SocketAddr {
    // The settings are stored as already checked, since the checks take most of a second. The tests of the checks enter
    // settings themselves.
    listen(runtime, checked_gateway(database, "chronopay", &component(), &settings(&[]), config))
}

/// Opens a gateway with one provider, on a database and the catalog beside it.
pub fn gateway(database: &Path, name: &str, component: &[u8], config: Config) -> Gateway {
    gateway_with(key(), database, name, component, config)
}

/// Does the same with another key than the usual one.
pub fn gateway_with(key: Key, database: &Path, name: &str, component: &[u8], config: Config) -> Gateway {
    publish(database, name, component);
    Gateway::open(host(database, key), config).unwrap()
}

/// Locks a component in the catalog beside a database.
pub fn publish(database: &Path, name: &str, component: &[u8]) {
    let catalog = Catalog::open(database.parent().unwrap()).unwrap();
    // Compiling is slow, and most tests use the same component.
    let is_chronopay = component == end_to_end::component();
    let version = if is_chronopay {
        Version::of(provider())
    } else {
        Version::of(&sandbox().load(component, Limits::default()).unwrap())
    };
    catalog.stage(component).unwrap();
    catalog.publish(&name.parse().unwrap(), version).unwrap();
}

/// Configures a host on a database and the catalog beside it.
pub fn host(database: &Path, key: Key) -> HostBuilder {
    let folder = database.parent().unwrap();
    let ledger = Ledger::new(Sqlite::open(database).unwrap());
    HostBuilder::new(ledger, Catalog::open(folder).unwrap(), sandbox().clone(), key).exports(folder.join("exports"))
}

/// Enters settings like somebody with access to the server's files. Returns why they are refused.
pub fn enter_settings(gateway: &Gateway, provider: &str, settings: Vec<(String, String)>) -> Result<(), String> {
    let new = NewSettings { settings, confirmed: Confirmed::All, ..NewSettings::default() };
    gateway.host().save_settings(&provider.parse().unwrap(), new).map(drop).map_err(|error| error.to_string())
}

/// Opens a gateway with settings that are stored as if the component had passed the checks with them, whatever it does.
pub fn checked_gateway(
    database: &Path,
    name: &str,
    component: &[u8],
    settings: &[(String, String)],
    config: Config,
) -> Gateway {
    store_checked(database, name, component, settings);
    gateway(database, name, component, config)
}

/// Stores settings as if the component had passed the checks with them.
pub fn store_checked(database: &Path, name: &str, component: &[u8], settings: &[(String, String)]) {
    let secrets: Vec<&String> = settings.iter().map(|(name, _)| name).filter(|name| *name == "shared-sec").collect();
    let of_component = json!({"sha256": hex::encode(Sha256::digest(component)), "values": settings, "relabelled": []});
    let stored = json!({"revision": 1, "secrets": secrets, "components": [of_component]});
    let document = format!("settings/{name}");
    let sealed = key().seal(&document, stored.to_string().as_bytes()).unwrap();
    Ledger::new(Sqlite::open(database).unwrap()).put_document(document, sealed).unwrap();
}

/// Serves on a free port until the runtime ends.
pub fn listen(runtime: &tokio::runtime::Runtime, gateway: Gateway) -> SocketAddr {
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        address
    })
}

pub fn answer(response: Response<ureq::Body>) -> (u16, Value) {
    let answer = Answer::of(response).unwrap();
    (answer.status, answer.json())
}

pub fn asked() -> Value {
    json!({"account": "100500", "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение баланса"})
}

/// Returns a signed payment of 100.00 for an order.
pub fn payment(order: &str, transaction: &str) -> String {
    callback_with(order, transaction, &[])
}

/// Does the same with other fields, which replace those with the same names or are appended.
pub fn callback_with<'f>(order: &'f str, transaction: &'f str, more: &[(&'f str, &'f str)]) -> String {
    let fields = [
        ("customer_id", "001234-100000062"),
        ("transaction_id", transaction),
        ("transaction_type", "Purchase"),
        ("total", "100.00"),
        ("product_id", end_to_end::PRODUCT),
        ("currency", "RUB"),
        ("cs1", order),
    ];
    let changed = fields.map(|(name, value)| more.iter().find(|(other, _)| *other == name).copied().unwrap_or((name, value)));
    let added = more.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    signed(&changed.into_iter().chain(added.copied()).collect::<Vec<_>>())
}
