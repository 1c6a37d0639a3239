//! A gateway to ask, over real HTTP, with real components and a real database.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use catalog::{Catalog, Version};
use end_to_end::{component, provider, sandbox, settings, signed};
use gateway::{Config, Gateway, Key, Token};
use ledger::Ledger;
use sandbox::Limits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use storage_sqlite::Sqlite;
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Response;

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A gateway on a free port; it ends with the test.
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

    /// A gateway whose configuration is not the usual one.
    pub fn with(change: impl FnOnce(&mut Config)) -> Server {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let agent: Agent = Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build().into();
        let mut server = Server { folder, address: ([127, 0, 0, 1], 0).into(), runtime, agent };
        server.start(change);
        server
    }

    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub fn start(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = config(self.folder.path());
        change(&mut config);
        self.address = serve(&self.runtime, &self.database(), config);
    }

    /// A gateway that starts on the same folder, with what the lock says.
    pub fn reopen(&self) -> Result<Gateway, gateway::OpenError> {
        let catalog = Catalog::open(self.folder.path()).unwrap();
        let ledger = Ledger::new(Sqlite::open(&self.database()).unwrap());
        Gateway::new(ledger, catalog, sandbox().clone(), config(self.folder.path()))
    }

    /// The same, in the place of the one that serves.
    pub fn restart(&mut self) {
        let gateway = self.reopen().unwrap_or_else(|error| panic!("{error}"));
        self.address = listen(&self.runtime, gateway);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        answer(request.send_json(body).unwrap())
    }

    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.put(self.url(path)).header("authorization", format!("Bearer {TOKEN}"));
        answer(request.send_json(body).unwrap())
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        answer(self.agent.get(self.url(path)).header("authorization", format!("Bearer {TOKEN}")).call().unwrap())
    }

    pub fn callback(&self, body: &str) -> (u16, String) {
        let response = self.agent.post(self.url("/callbacks/chronopay")).send(body);
        let mut response = response.unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// An order of 100.00 for the account 100500.
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

/// An operator who is logged in.
pub struct Session<'s> {
    server: &'s Server,
    agent: Agent,
    cookie: String,
    csrf: String,
}

impl Server {
    /// Lets an operator in.
    pub fn log_in(&self) -> Session<'_> {
        const PASSWORD: &str = "correct horse battery";
        gateway::set_password(&Ledger::new(Sqlite::open(&self.database()).unwrap()), "anna", PASSWORD).unwrap();
        let agent: Agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let cookie_of = |response: &Response<ureq::Body>| {
            response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
        };
        let form = agent.get(self.url("/operator/login")).call().unwrap();
        let cookie = cookie_of(&form);
        let mark = cookie.split_once('=').unwrap().1.to_owned();
        let request = agent.post(self.url("/operator/login")).header("cookie", &cookie);
        let entered = request.send_form([("csrf", mark.as_str()), ("operator", "anna"), ("password", PASSWORD)]).unwrap();
        let mut session = Session { server: self, agent, cookie: cookie_of(&entered), csrf: String::new() };
        let page = session.get("/operator/statistics");
        session.csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        session
    }
}

impl Session<'_> {
    /// A request whose answer is not read yet.
    pub fn open(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\nconnection: close\r\n\r\n", self.cookie).unwrap();
        stream
    }

    /// A page, in Russian.
    pub fn get(&self, path: &str) -> String {
        let request = self.agent.get(self.server.url(path)).header("cookie", &self.cookie);
        request.call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// What a form of the session comes to.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let form = [&[("csrf", self.csrf.as_str())], fields].concat();
        let request = self.agent.post(self.server.url(path)).header("cookie", &self.cookie);
        request.send_form(form).unwrap().body_mut().read_to_string().unwrap()
    }
}

pub fn config(folder: &Path) -> Config {
    Config {
        public_url: "https://billing.example.ru".to_owned(),
        token: Token::new(TOKEN).unwrap(),
        key: Key::parse(&"5e".repeat(32)).unwrap(),
        exports: folder.join("exports"),
        utc_offset_hours: 3,
        callback_rate: None,
        proxy_header: None,
        trusted_proxies: Vec::new(),
        callback_sources: BTreeMap::new(),
        stall_time_max: Duration::from_secs(60),
    }
}

/// Serves ChronoPay with the settings of the vectors.
pub fn serve(runtime: &tokio::runtime::Runtime, database: &Path, config: Config) -> SocketAddr {
    let gateway = gateway(database, "chronopay", &component(), config);
    gateway.enter_settings("chronopay", settings(&[])).unwrap();
    listen(runtime, gateway)
}

/// A gateway with one provider, on a database and the catalog beside it.
pub fn gateway(database: &Path, name: &str, component: &[u8], config: Config) -> Gateway {
    let catalog = Catalog::open(database.parent().unwrap()).unwrap();
    // Compiling takes a while, and most tests are about the same one.
    let is_chronopay = component == end_to_end::component();
    let version = if is_chronopay {
        Version::of(provider())
    } else {
        Version::of(&sandbox().load(component, Limits::default()).unwrap())
    };
    catalog.stage(component).unwrap();
    catalog.publish(name, version).unwrap();
    let ledger = Ledger::new(Sqlite::open(database).unwrap());
    Gateway::new(ledger, catalog, sandbox().clone(), config).unwrap()
}

/// Keeps settings as those that a component passed the checks with, which a faulty one would not.
pub fn keep_as_checked(database: &Path, name: &str, component: &[u8], values: &Value) {
    let component = json!({"sha256": hex::encode(Sha256::digest(component)), "values": values, "relabelled": []});
    let stored = json!({"revision": 1, "secrets": [], "components": [component]});
    let document = format!("settings/{name}");
    let sealed = config(Path::new("")).key.seal(&document, stored.to_string().as_bytes()).unwrap();
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

pub fn answer(mut response: Response<ureq::Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub fn asked() -> Value {
    json!({"account": "100500", "amount": {"minor_units": 10_000, "currency": "RUB"}, "description": "Пополнение баланса"})
}

/// A signed payment of 100.00 for an order.
pub fn payment(order: &str, transaction: &str) -> String {
    callback_with(order, transaction, &[])
}

/// The same with other fields, in the place of those of their names or behind them.
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
