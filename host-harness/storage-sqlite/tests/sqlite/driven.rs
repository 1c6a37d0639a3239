//! A ledger that the models drive: it has one account and one order.

use std::path::Path;

use domain::{Account, Money, NewOrder, OrderId, PartyKind};
use ledger::Ledger;
use money::Currency;
use storage_sqlite::Sqlite;

pub struct Driven {
    pub ledger: Ledger,
    pub order: OrderId,
}

impl Driven {
    /// Creates a ledger in a folder, with an unpaid order of the account `1` and the provider `p`.
    pub fn new(folder: &Path, price: i64) -> Driven {
        let ledger = Ledger::new(Sqlite::open(&folder.join("ledger.db")).unwrap());
        let [name, contract, inn, kpp, foreign_tax_number] = ["Иванов", "", "", "", ""].map(str::to_owned);
        let (number, kind, contract_date) = ("1".parse().unwrap(), PartyKind::Individual, None);
        let account = Account { number, name, kind, contract, contract_date, inn, kpp, foreign_tax_number };
        ledger.put_account(account).unwrap().unwrap();
        let (account, provider) = ("1".parse().unwrap(), "p".parse().unwrap());
        let (description, idempotency_key, expires_at) = (String::new(), None, None);
        let order = NewOrder { account, provider, amount: roubles(price), description, idempotency_key, expires_at };
        let order = ledger.create_order(order, 1).unwrap().unwrap().id;
        Driven { ledger, order }
    }

    /// Closes the ledger and opens it again, as after the death of its process.
    pub fn restart(self, folder: &Path) -> Driven {
        let Driven { ledger, order } = self;
        drop(ledger);
        Driven { ledger: Ledger::new(Sqlite::open(&folder.join("ledger.db")).unwrap()), order }
    }

    /// Returns the balance of the account, in kopecks.
    pub fn balance(&self) -> i64 {
        let (_, balances) = self.ledger.account(&"1".parse().unwrap()).unwrap().unwrap();
        balances.first().map_or(0, |balance| balance.minor_units)
    }
}

pub fn roubles(roubles: i64) -> Money {
    Money { minor_units: roubles * 100, currency: Currency::RUB }
}
