//! A payment system of two phases, by the component of Payme's protocol: billing holds an order's amount before the payer is
//! charged, and the hold becomes a payment, is released, or ends by its time.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Account, AccountNumber, CallbackRequest, Money, OrderId, PartyKind};
use end_to_end::component_of;
use host::{Clock, Confirmed, Host, NewSettings, OrderRequest};
use money::Currency;
use serde_json::{Value, json};

use crate::refunds::{Hands, START};
use crate::server::{self, key, publish};

const NAME: &str = "payme";
const KEY: &str = "TestKassaKey001";
const AMOUNT: i64 = 5_000_000;
const HOUR: u64 = 3_600;

struct Shop {
    _folder: tempfile::TempDir,
    clock: Hands,
    host: Host,
    order: OrderId,
}

impl Shop {
    fn open() -> Shop {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Hands::new());
        let database = folder.path().join("ledger.db");
        publish(&database, NAME, &component_of(NAME));
        let host = server::host(&database, key()).clock(clock.clone()).open().unwrap();
        let settings = [("cash-desk", "587f72c72cac0d162c722ae2"), ("key", KEY)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let new = NewSettings { settings, confirmed: Confirmed::All, ..NewSettings::default() };
        host.save_settings(&NAME.parse().unwrap(), new).unwrap();
        let account: AccountNumber = "100500".parse().unwrap();
        host.put_account(Account::new(account, "Каримов А. А.".to_owned(), PartyKind::Individual), false).unwrap();
        let order = order(&host);
        Shop { _folder: folder, clock, host, order }
    }

    /// Calls a method, and returns its result or, in brackets, the code of its error.
    fn call(&self, method: &str, params: &Value) -> Value {
        let mut reply = self.send(KEY, &json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string());
        assert_eq!((&reply["jsonrpc"], &reply["id"]), (&json!("2.0"), &json!(7)), "{reply}");
        if reply["error"].is_null() { reply["result"].take() } else { json!([reply["error"]["code"]]) }
    }

    fn send(&self, key: &str, body: &str) -> Value {
        let authorization = format!("Basic {}", STANDARD.encode(format!("Paycom:{key}")));
        let headers = vec![("authorization".to_owned(), authorization)];
        let request = CallbackRequest { headers, received_at: self.clock.now(), ..end_to_end::post(body.as_bytes()) };
        let reply = self.host.receive_callback(&NAME.parse().unwrap(), request).unwrap().reply;
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).unwrap()
    }

    fn create(&self, transaction: &str) -> Value {
        let params =
            json!({"id": transaction, "time": START * 1_000 + 123, "amount": AMOUNT, "account": {"order_id": self.order}});
        self.call("CreateTransaction", &params)
    }

    fn perform(&self, transaction: &str) -> Value {
        self.call("PerformTransaction", &json!({"id": transaction}))
    }

    fn cancel(&self, transaction: &str, reason: i64) -> Value {
        self.call("CancelTransaction", &json!({"id": transaction, "reason": reason}))
    }

    fn check(&self, transaction: &str) -> Value {
        self.call("CheckTransaction", &json!({"id": transaction}))
    }

    fn allowed(&self, amount: i64) -> Value {
        self.call("CheckPerformTransaction", &json!({"amount": amount, "account": {"order_id": self.order}}))
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Returns the time in the payment system's milliseconds.
    fn now(&self) -> u64 {
        self.clock.now() * 1_000
    }

    fn balance(&self) -> i64 {
        let balances = self.host.account(&"100500".parse().unwrap()).unwrap().1;
        balances.first().map_or(0, |balance| balance.minor_units)
    }
}

fn order(host: &Host) -> OrderId {
    let amount = Money { minor_units: AMOUNT, currency: Currency::parse("UZS").unwrap() };
    host.create_order(OrderRequest::new("100500".parse().unwrap(), amount, "Пополнение")).unwrap().id
}

#[test]
fn a_hold_becomes_a_payment_once() {
    let shop = Shop::open();
    assert_eq!(shop.allowed(AMOUNT), json!({"allow": true}));
    assert_eq!(shop.allowed(AMOUNT + 1), json!([-31_001]));
    let created = shop.create("t1");
    let number = created["transaction"].as_str().unwrap();
    assert_eq!(created, json!({"create_time": shop.now(), "transaction": number, "state": 1}));
    assert_eq!(shop.balance(), 0, "a hold moves no money");
    assert_eq!((shop.allowed(AMOUNT), shop.create("t2")), (json!([-31_052]), json!([-31_052])), "another one holds the order");
    shop.pass(60);
    assert_eq!(shop.create("t1"), created, "a repetition has the same number and time");
    let performed = shop.perform("t1");
    assert_eq!(performed, json!({"perform_time": shop.now(), "transaction": number, "state": 2}));
    assert_eq!(shop.balance(), AMOUNT);
    shop.pass(60);
    assert_eq!((shop.perform("t1"), shop.balance()), (performed, AMOUNT));
    assert_eq!((shop.create("t1"), shop.create("t3")), (json!([-31_008]), json!([-31_051])), "it is paid");
    assert_eq!(shop.allowed(AMOUNT), json!([-31_051]));
}

#[test]
fn a_hold_is_released_and_the_order_can_be_paid_again() {
    let shop = Shop::open();
    let created = shop.create("t1");
    shop.pass(60);
    let cancelled = shop.cancel("t1", 3);
    assert_eq!(cancelled, json!({"cancel_time": shop.now(), "transaction": created["transaction"], "state": -1}));
    shop.pass(60);
    assert_eq!(shop.cancel("t1", 3), cancelled, "a repetition has the same time");
    assert_eq!((shop.perform("t1"), shop.balance()), (json!([-31_008]), 0));
    let told = shop.check("t1");
    assert_eq!((&told["state"], &told["reason"], &told["perform_time"]), (&json!(-1), &json!(3), &json!(0)));
    assert_eq!(shop.allowed(AMOUNT), json!({"allow": true}));
    assert_eq!(shop.create("t2")["state"], 1);
    assert_eq!((&shop.perform("t2")["state"], shop.balance()), (&json!(2), AMOUNT));
}

#[test]
fn a_hold_ends_by_its_time() {
    let shop = Shop::open();
    shop.create("t1");
    shop.pass(12 * HOUR + 1);
    assert_eq!((shop.perform("t1"), shop.balance()), (json!([-31_008]), 0));
    let told = shop.check("t1");
    assert_eq!((&told["state"], &told["reason"]), (&json!(-1), &json!(4)), "{told}");
}

#[test]
fn a_performed_transaction_is_cancelled_while_its_money_is_there() {
    let shop = Shop::open();
    shop.create("t1");
    shop.perform("t1");
    shop.pass(60);
    let cancelled = shop.cancel("t1", 5);
    assert_eq!((&cancelled["state"], &cancelled["cancel_time"], shop.balance()), (&json!(-2), &json!(shop.now()), 0));
    shop.pass(60);
    assert_eq!((shop.cancel("t1", 5), shop.balance()), (cancelled, 0));
}

#[test]
fn a_statement_has_every_transaction_with_its_state() {
    let shop = Shop::open();
    shop.create("t1");
    shop.cancel("t1", 3);
    shop.create("t2");
    shop.perform("t2");
    let statement = |from: u64, to: u64| shop.call("GetStatement", &json!({"from": from, "to": to}))["transactions"].clone();
    let whole = statement(START * 1_000, START * 1_000 + 200);
    let told: Vec<_> = whole.as_array().unwrap().iter().map(|one| (&one["id"], &one["state"], &one["time"])).collect();
    let time = json!(START * 1_000 + 123);
    assert_eq!(told, [(&json!("t1"), &json!(-1), &time), (&json!("t2"), &json!(2), &time)]);
    assert_eq!(whole[1]["account"], json!({"order_id": shop.order}));
    assert_eq!(statement(START * 1_000 + 124, START * 1_000 + 200), json!([]), "milliseconds count");
}

#[test]
fn what_is_not_payme_or_makes_no_sense_changes_nothing() {
    let shop = Shop::open();
    let create = json!({"jsonrpc": "2.0", "id": 7, "method": "CreateTransaction", "params": {
        "id": "t1", "time": START * 1_000, "amount": AMOUNT, "account": {"order_id": shop.order},
    }});
    assert_eq!(shop.send("TestKassaKey002", &create.to_string())["error"]["code"], -32_504);
    assert_eq!(shop.send(KEY, "{")["error"]["code"], -32_700);
    assert_eq!(shop.call("Transfer", &json!({})), json!([-32_601]));
    assert_eq!(shop.perform("t1"), json!([-31_003]), "nothing was held");
    let unknown = json!({"id": "t1", "time": START * 1_000, "amount": AMOUNT, "account": {"order_id": "17"}});
    assert_eq!(shop.call("CreateTransaction", &unknown), json!([-31_050]));
    let other_amount = json!({"id": "t1", "time": START * 1_000, "amount": 1, "account": {"order_id": shop.order}});
    assert_eq!(shop.call("CreateTransaction", &other_amount), json!([-31_001]));
    assert_eq!((shop.check("t1"), shop.balance()), (json!([-31_003]), 0));
}
