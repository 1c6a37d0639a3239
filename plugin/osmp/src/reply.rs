//! Replies to the payment system, to the byte.

use kit::contract::{HttpReply, Money};
use kit::datetime;
use kit::exchanges::{AccountState, Movement};
use kit::xml::{Name, Writer};
use money::format_amount;
use time::{OffsetDateTime, UtcOffset};

use crate::message::Number;
use crate::reason::Reason;
use crate::settings::{Protocol, Settings};

/// What a reply says.
pub struct Reply<'a> {
    /// The request's number, which ОСМП's reply repeats.
    pub id: Option<&'a Number>,
    /// Of a cancellation with a number of its own: the payment's.
    pub cancelled: Option<&'a Number>,
    pub reason: Reason,
    pub subject: Subject<'a>,
}

/// What a reply is about.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Nothing,
    Account(&'a AccountState),
    /// A payment that the host recorded.
    Payment(&'a Movement),
}

impl<'a> Reply<'a> {
    /// Creates a reply that gives a reason and nothing else.
    pub fn of(id: Option<&'a Number>, reason: Reason) -> Reply<'a> {
        Reply { id, cancelled: None, reason, subject: Subject::Nothing }
    }

    /// Writes the reply. Its status is always 200: the code in it says whether the payment system comes again.
    pub fn write(&self, settings: &Settings) -> HttpReply {
        let mut xml = Writer::document();
        let media_type = match &settings.protocol {
            Protocol::Osmp { id_element, .. } => {
                xml.element("response", |response| self.osmp(response, settings, id_element));
                "text/xml"
            }
            Protocol::Sber => {
                xml.element("response", |response| self.sber(response, settings));
                "application/xml"
            }
        };
        let headers = vec![("content-type".to_owned(), format!("{media_type}; charset=utf-8"))];
        HttpReply { status: 200, headers, body: xml.finish() }
    }

    fn osmp(&self, response: &mut Writer, settings: &Settings, id_element: &Name) {
        response.text(id_element.clone(), self.id.map_or("", Number::as_str));
        if let Some(cancelled) = self.cancelled {
            response.text("cancel_txn_id", cancelled.as_str());
        }
        if let Subject::Payment(payment) = self.subject {
            response.text("prv_txn", &payment.id);
            response.text("sum", &amount(&payment.event.amount));
        }
        response.text("result", self.reason.osmp());
        response.text("comment", self.reason.words());
        let Subject::Account(account) = self.subject else { return };
        let shown = shown(account, settings);
        if !shown.is_empty() {
            response.element("fields", |fields| {
                for (name, (fact, value)) in FIELD_NAMES.into_iter().zip(&shown) {
                    fields.text_with(name, &[("name", fact.osmp())], value);
                }
            });
        }
    }

    fn sber(&self, response: &mut Writer, settings: &Settings) {
        response.text("CODE", self.reason.sber());
        response.text("MESSAGE", self.reason.words());
        match self.subject {
            Subject::Nothing => {}
            Subject::Account(account) => {
                for (fact, value) in shown(account, settings) {
                    response.text(fact.sber(), &value);
                }
            }
            Subject::Payment(payment) => {
                response.text("EXT_ID", &payment.id);
                response.text("REG_DATE", &registered_at(payment.recorded_at, settings.zone));
                let sum = if self.reason == Reason::Repeated { "AMOUNT" } else { "SUM" };
                response.text(sum, &amount(&payment.event.amount));
            }
        }
    }
}

/// The names of the elements of ОСМП's `fields`, one for each fact.
const FIELD_NAMES: [&str; 4] = ["field1", "field2", "field3", "field4"];

/// What a check's reply shows of an account, in this order.
#[derive(Clone, Copy)]
enum Fact {
    Holder,
    Address,
    Balance,
    Due,
}

impl Fact {
    fn osmp(self) -> &'static str {
        match self {
            Fact::Holder => "FIO",
            Fact::Address => "address",
            Fact::Balance => "balance",
            Fact::Due => "rec_sum",
        }
    }

    fn sber(self) -> &'static str {
        match self {
            Fact::Holder => "FIO",
            Fact::Address => "ADDRESS",
            Fact::Balance => "BALANCE",
            Fact::Due => "REC_SUM",
        }
    }
}

/// Returns what billing says of an account, if the settings let the payer see it.
fn shown(account: &AccountState, settings: &Settings) -> Vec<(Fact, String)> {
    let is_own = |money: &&Money| settings.currency.is(&money.currency);
    let sum = |money: &Option<Money>| money.as_ref().filter(is_own).map(amount).unwrap_or_default();
    let facts = [
        (Fact::Holder, account.holder.clone()),
        (Fact::Address, account.address.clone()),
        (Fact::Balance, sum(&account.balance)),
        // A terminal offers it as the sum to pay.
        (Fact::Due, sum(&account.due.clone().filter(|due| due.minor_units > 0))),
    ];
    facts.into_iter().filter(|(_, value)| settings.shows_account && !value.is_empty()).collect()
}

fn amount(money: &Money) -> String {
    format_amount(money.minor_units)
}

/// Returns when the host recorded a payment, by the payment system's clock; an empty text if there is no such time.
fn registered_at(seconds: u64, zone: UtcOffset) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = time.and_then(|time| time.checked_to_offset(zone));
    time.map_or_else(String::new, |time| datetime::format(datetime::SBER, time))
}

#[cfg(test)]
mod tests {
    use kit::contract::{Event, EventKind, Recurrence};

    use super::*;
    use crate::settings::tests::settings;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response>";

    fn money(minor_units: i64) -> Money {
        Money { minor_units, currency: "RUB".to_owned() }
    }

    fn account(holder: &str) -> AccountState {
        AccountState {
            number: "100500".to_owned(),
            refusal: None,
            holder: holder.to_owned(),
            address: "Москва, ул. «Первая», 1".to_owned(),
            balance: Some(money(-5_005)),
            due: Some(money(60_000)),
            extra: Vec::new(),
        }
    }

    fn payment() -> Movement {
        let event = Event {
            kind: EventKind::Payment,
            recurrence: Recurrence::Single,
            transaction: "1234567".to_owned(),
            original: None,
            ends_hold: None,
            expires_at: None,
            order: None,
            account: Some("100500".to_owned()),
            payer: None,
            amount: money(1_045),
            fee: None,
            occurred_at: None,
            comment: String::new(),
            dedup_key: "payment:1234567".to_owned(),
            extra: Vec::new(),
        };
        // 2026-11-28T22:30:07+03:00
        Movement { id: "2016".to_owned(), event, recorded_at: 1_795_894_207, extra: Vec::new() }
    }

    fn written(entered: &[(&str, &str)], reply: &Reply) -> String {
        let HttpReply { status, headers, body } = reply.write(&settings(entered));
        assert_eq!((status, headers.len(), headers[0].0.as_str()), (200, 1, "content-type"));
        let text = String::from_utf8(body).unwrap();
        let body = text.strip_prefix(HEAD).unwrap().strip_suffix("</response>").unwrap();
        format!("{} {body}", headers[0].1)
    }

    #[test]
    fn replies_of_osmp() {
        let (id, own, payment) = (Number::parse("1234567"), Number::parse("9"), payment());
        let (known, nameless) = (account("Иванов И. И."), AccountState { balance: None, due: None, ..account("А & <Б>") });
        let id = id.as_ref();
        for (entered, reply, want) in [
            (
                &[][..],
                Reply::of(id, Reason::UnknownAccount),
                "<osmp_txn_id>1234567</osmp_txn_id><result>5</result><comment>Лицевой счёт не найден</comment>",
            ),
            (
                &[],
                Reply::of(None, Reason::UnknownCommand),
                "<osmp_txn_id></osmp_txn_id><result>300</result><comment>Неизвестный тип запроса</comment>",
            ),
            (
                &[("id-element", "ibox_txn_id")],
                Reply { subject: Subject::Payment(&payment), ..Reply::of(id, Reason::Done) },
                "<ibox_txn_id>1234567</ibox_txn_id><prv_txn>2016</prv_txn><sum>10.45</sum><result>0</result><comment>OK</comment>",
            ),
            (
                &[],
                Reply { subject: Subject::Payment(&payment), cancelled: id, ..Reply::of(own.as_ref(), Reason::Done) },
                "<osmp_txn_id>9</osmp_txn_id><cancel_txn_id>1234567</cancel_txn_id><prv_txn>2016</prv_txn><sum>10.45</sum><result>0</result><comment>OK</comment>",
            ),
            (
                &[],
                Reply { subject: Subject::Account(&known), ..Reply::of(id, Reason::Done) },
                "<osmp_txn_id>1234567</osmp_txn_id><result>0</result><comment>OK</comment><fields><field1 name=\"FIO\">Иванов И. И.</field1>\
                 <field2 name=\"address\">Москва, ул. «Первая», 1</field2><field3 name=\"balance\">-50.05</field3>\
                 <field4 name=\"rec_sum\">600.00</field4></fields>",
            ),
            (
                &[],
                Reply { subject: Subject::Account(&nameless), ..Reply::of(id, Reason::Done) },
                "<osmp_txn_id>1234567</osmp_txn_id><result>0</result><comment>OK</comment><fields><field1 name=\"FIO\">А &amp; &lt;Б&gt;</field1>\
                 <field2 name=\"address\">Москва, ул. «Первая», 1</field2></fields>",
            ),
            (
                &[("show-account", "false")],
                Reply { subject: Subject::Account(&known), ..Reply::of(id, Reason::Done) },
                "<osmp_txn_id>1234567</osmp_txn_id><result>0</result><comment>OK</comment>",
            ),
        ] {
            assert_eq!(written(entered, &reply), format!("text/xml; charset=utf-8 {want}"));
        }
    }

    #[test]
    fn replies_of_sber() {
        let (payment, known) = (payment(), account("Иванов И. И."));
        let known = Reply { subject: Subject::Account(&known), ..Reply::of(None, Reason::Done) };
        for (entered, reply, want) in [
            (&[][..], Reply::of(None, Reason::UnknownAccount), "<CODE>3</CODE><MESSAGE>Лицевой счёт не найден</MESSAGE>"),
            (
                &[],
                known,
                "<CODE>0</CODE><MESSAGE>OK</MESSAGE><FIO>Иванов И. И.</FIO><ADDRESS>Москва, ул. «Первая», 1</ADDRESS>\
                 <BALANCE>-50.05</BALANCE><REC_SUM>600.00</REC_SUM>",
            ),
            (
                &[],
                Reply { subject: Subject::Payment(&payment), ..Reply::of(None, Reason::Done) },
                "<CODE>0</CODE><MESSAGE>OK</MESSAGE><EXT_ID>2016</EXT_ID><REG_DATE>28.11.2026_22:30:07</REG_DATE><SUM>10.45</SUM>",
            ),
            (
                &[("utc-offset", "+05:00")],
                Reply { subject: Subject::Payment(&payment), ..Reply::of(None, Reason::Repeated) },
                "<CODE>8</CODE><MESSAGE>Платёж уже проведён</MESSAGE><EXT_ID>2016</EXT_ID><REG_DATE>29.11.2026_00:30:07</REG_DATE>\
                 <AMOUNT>10.45</AMOUNT>",
            ),
        ] {
            let entered = [&[("protocol", "sber")], entered].concat();
            assert_eq!(written(&entered, &reply), format!("application/xml; charset=utf-8 {want}"));
        }
    }

    #[test]
    fn sums_in_other_currencies_are_not_shown() {
        let euros = Money { minor_units: 1, currency: "EUR".to_owned() };
        let account = AccountState { balance: Some(euros.clone()), due: Some(euros), ..account("") };
        let reply = Reply { subject: Subject::Account(&account), ..Reply::of(None, Reason::Done) };
        let text = written(&[], &reply);
        assert!(text.contains("<field1 name=\"address\">") && !text.contains("field2"), "{text}");
    }
}
