//! The size of a provider's arguments: their texts and bytes, without the small overhead around them.

use domain::{
    AccountState, Context, Event, EventOutcome, Exchange, HttpCall, HttpResult, LedgerAnswer, LedgerQuestion, Movement,
    MovementName, MovementState, Order, PaymentLink, PaymentReference, Problem, Receipt, RefundRequest, ReportRequest,
};

use crate::contract::Operation;
use crate::request::GivenRequest;
use crate::unchecked::{ExportOptions, ExportRow, LinkRequest, Party};

/// A size that is limited by [`Limits::input_bytes_max`](crate::Limits::input_bytes_max).
pub(crate) trait InputBytes {
    fn input_bytes(&self) -> usize;
}

/// The size of a record itself, with its numbers and the pointers to its texts.
const RECORD_BYTES: usize = 200;

fn texts<const N: usize>(texts: [&str; N]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

impl InputBytes for [(String, String)] {
    fn input_bytes(&self) -> usize {
        // The name and the value each take two 32-bit words, 16 bytes together, so that a million empty pairs are not free.
        self.iter().map(|(name, value)| 16 + name.len() + value.len()).sum()
    }
}

impl InputBytes for LinkRequest<'_> {
    fn input_bytes(&self) -> usize {
        let own = [&*self.id, &*self.account, &*self.amount.currency, &*self.description, &*self.language];
        let urls = [&*self.callback_url, &*self.success_url, &*self.failure_url];
        let receipt = self.receipt.map_or(0, InputBytes::input_bytes);
        texts(own) + texts(urls) + self.payer.input_bytes() + receipt + self.extra.input_bytes()
    }
}

impl InputBytes for GivenRequest<'_> {
    fn input_bytes(&self) -> usize {
        let GivenRequest { request, headers } = self;
        texts([&request.path, &request.query, &request.remote_address]) + headers.input_bytes() + request.body.len()
    }
}

impl InputBytes for Receipt {
    fn input_bytes(&self) -> usize {
        // 120 bytes for a line itself, with its numbers and the pointers to its texts.
        let item = |item: &domain::ReceiptItem| {
            120 + texts([&item.name, &item.measure, &item.method, &item.subject]) + item.extra.input_bytes()
        };
        self.contact.len() + self.items.iter().map(item).sum::<usize>() + self.extra.input_bytes()
    }
}

impl InputBytes for Context {
    fn input_bytes(&self) -> usize {
        let called = self.called.iter().map(|(call, answer)| call.input_bytes() + answer.input_bytes());
        let outcomes = self.outcomes.iter().map(InputBytes::input_bytes);
        self.asked.iter().map(InputBytes::input_bytes).chain(called).chain(outcomes).sum()
    }
}

/// A context, with the movement of the payment that a call is about.
impl InputBytes for (&Context, &Option<MovementState>) {
    fn input_bytes(&self) -> usize {
        self.0.input_bytes() + self.1.as_ref().map_or(0, InputBytes::input_bytes)
    }
}

/// Its movement counts with the context.
impl InputBytes for PaymentReference {
    fn input_bytes(&self) -> usize {
        let order = |order: &Order| RECORD_BYTES + texts([&order.id, &order.account, &order.description]);
        self.order.as_ref().map_or(0, order) + self.link.as_ref().map_or(0, InputBytes::input_bytes)
    }
}

impl InputBytes for PaymentLink {
    fn input_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let form = self.form.as_ref().map_or(0, |form| form.action.len() + form.inputs.input_bytes());
        RECORD_BYTES + text(&self.url) + form + text(&self.qr) + text(&self.reference) + self.extra.input_bytes()
    }
}

impl InputBytes for RefundRequest {
    fn input_bytes(&self) -> usize {
        let receipt = self.receipt.as_ref().map_or(0, InputBytes::input_bytes);
        RECORD_BYTES + self.id.len() + self.payment.input_bytes() + self.reason.len() + receipt
    }
}

impl InputBytes for Operation<'_> {
    fn input_bytes(&self) -> usize {
        let reference = |reference: &Option<&str>| reference.map_or(0, str::len);
        match self {
            Operation::Refund(request) => request.input_bytes(),
            Operation::QueryRefund(request, last) => request.input_bytes() + reference(last),
            Operation::Charge(payment, order) => payment.input_bytes() + order.input_bytes(),
            Operation::QueryCharge(payment, order, last) => payment.input_bytes() + order.input_bytes() + reference(last),
        }
    }
}

impl InputBytes for ReportRequest {
    fn input_bytes(&self) -> usize {
        self.format.len() + self.options.input_bytes() + self.cursor.as_ref().map_or(0, String::len)
    }
}

impl InputBytes for Exchange {
    fn input_bytes(&self) -> usize {
        match self {
            Exchange::Account(query, answer) => {
                let state = answer.as_ref().ok().and_then(Option::as_ref).map_or(0, InputBytes::input_bytes);
                query.number.len() + query.extra.input_bytes() + state
            }
            Exchange::Other(name, values, _) => name.len() + values.input_bytes(),
            Exchange::Ledger(question, answer) => {
                let asked = match question {
                    LedgerQuestion::Order(id) => id.len(),
                    LedgerQuestion::Movement(MovementName::Key(key)) => key.len(),
                    LedgerQuestion::Movement(MovementName::Id(id)) => id.len(),
                    LedgerQuestion::Movements(query) => query.after.as_ref().map_or(0, String::len),
                };
                asked + answer.as_ref().map_or(0, InputBytes::input_bytes)
            }
        }
    }
}

impl InputBytes for LedgerAnswer {
    fn input_bytes(&self) -> usize {
        let state = |state: &Option<MovementState>| state.as_ref().map_or(0, InputBytes::input_bytes);
        match self {
            LedgerAnswer::Order(None) => 0,
            LedgerAnswer::Order(Some(found)) => {
                let texts = texts([&found.order.id, &found.order.account, &found.order.description]);
                RECORD_BYTES + texts + state(&found.paid_by) + state(&found.held_by)
            }
            LedgerAnswer::Movement(found) => state(found),
            LedgerAnswer::Movements(page) => page.movements.iter().map(InputBytes::input_bytes).sum(),
        }
    }
}

impl InputBytes for MovementState {
    fn input_bytes(&self) -> usize {
        self.movement.input_bytes() + self.later.iter().map(InputBytes::input_bytes).sum::<usize>()
    }
}

impl InputBytes for Movement {
    fn input_bytes(&self) -> usize {
        let Event { provider: _, facts, comment, dedup_key, fee: _, extra } = &self.event;
        let text = |text: Option<&str>| text.map_or(0, str::len);
        let named = [facts.original.as_deref(), facts.ends_hold.as_deref(), facts.order.as_deref(), facts.account.as_deref()];
        let told = [facts.payer.as_deref(), facts.occurred_at.as_deref()];
        let optional = named.into_iter().chain(told).map(text).sum::<usize>();
        RECORD_BYTES + texts([&facts.transaction, comment, dedup_key]) + optional + extra.input_bytes()
    }
}

impl InputBytes for AccountState {
    fn input_bytes(&self) -> usize {
        let refusal = self.refusal.as_ref().map_or(0, InputBytes::input_bytes);
        RECORD_BYTES + texts([&self.number, &self.holder, &self.address]) + refusal + self.extra.input_bytes()
    }
}

impl InputBytes for Problem {
    fn input_bytes(&self) -> usize {
        let field = self.field.as_ref().map_or(0, String::len);
        self.code.len() + field + self.message.len() + self.translations.input_bytes()
    }
}

impl InputBytes for HttpCall {
    fn input_bytes(&self) -> usize {
        RECORD_BYTES + self.url.len() + self.headers.input_bytes() + self.body.len() + self.extra.input_bytes()
    }
}

impl InputBytes for HttpResult {
    fn input_bytes(&self) -> usize {
        match self {
            HttpResult::Response(response) => response.headers.input_bytes() + response.body.len(),
            HttpResult::NotSent(reason) | HttpResult::Unknown(reason) => reason.len(),
        }
    }
}

impl InputBytes for EventOutcome {
    fn input_bytes(&self) -> usize {
        match self {
            EventOutcome::Entered(state)
            | EventOutcome::Repeated(state)
            | EventOutcome::Conflict(state)
            | EventOutcome::Kept(state) => state.input_bytes(),
            EventOutcome::Refused(problem) => problem.input_bytes(),
            EventOutcome::Unavailable => 0,
        }
    }
}

impl InputBytes for Party<'_> {
    fn input_bytes(&self) -> usize {
        texts([&self.name, &self.inn, &self.kpp])
    }
}

impl InputBytes for ExportRow<'_> {
    fn input_bytes(&self) -> usize {
        let own = [&*self.id, &*self.account, &*self.contract, &*self.service_code, &*self.service, &*self.unit];
        RECORD_BYTES + texts(own) + self.amount.currency.len() + self.subscriber.input_bytes() + self.extra.input_bytes()
    }
}

impl InputBytes for ExportOptions<'_> {
    fn input_bytes(&self) -> usize {
        self.format.len() + self.seller.input_bytes() + self.extra.input_bytes()
    }
}

#[cfg(test)]
mod tests {
    use domain::{CallbackRequest, PartyKind};

    use super::*;
    use crate::unchecked::{Date, Money};

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_argument_by_its_table() {
        assert_eq!(fields(&[]).input_bytes(), 0);
        assert_eq!(fields(&[("", ""), ("ab", "ё")]).input_bytes(), 16 + 16 + 2 + 2);

        let rub = domain::Money { minor_units: i64::MAX, currency: money::Currency::RUB };
        let order = domain::LinkRequest::new(domain::OrderId::stored(""), domain::AccountNumber::stored(""), rub);
        let mut order = LinkRequest::from(&order);
        order.amount.currency = "".into();
        assert_eq!(order.input_bytes(), 0);
        (order.id, order.account, order.amount) = ("1".into(), "22".into(), (&rub).into());
        (order.description, order.language) = ("4444".into(), "55555".into());
        (order.callback_url, order.success_url, order.failure_url) = ("666666".into(), "7777777".into(), "88888888".into());
        (order.expires_at, order.payer, order.extra) = (Some(9), fields(&[("a", "b")]).into(), fields(&[("c", "")]).into());
        assert_eq!(order.input_bytes(), 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 18 + 17);

        let mut request = CallbackRequest::post("12345");
        (request.query, request.remote_address, request.received_at) = ("abc".into(), "::1".into(), u64::MAX);
        request.headers = fields(&[("host", "x"), ("host", "y"), ("cookie", "z")]);
        let host = domain::RequestHeader { name: "host".into(), secret: false };
        assert_eq!(GivenRequest::new(&request, &[host]).input_bytes(), 5 + 3 + 3 + 21 + 21);

        let party = |name: &'static str, inn: &'static str, kpp: &'static str| Party {
            kind: PartyKind::Company,
            name: name.into(),
            inn: inn.into(),
            kpp: kpp.into(),
        };
        let day = Date { year: 2026, month: 10, day: 31 };
        let empty = ExportRow {
            id: "".into(),
            account: "".into(),
            subscriber: party("", "", ""),
            contract: "".into(),
            contract_date: Some(day),
            service_code: "".into(),
            service: "".into(),
            unit: "".into(),
            period: day,
            date: day,
            quantity_thousandths: 1000,
            amount: Money { minor_units: i64::MAX, currency: "".into() },
            vat_basis_points: Some(2200),
            extra: vec![].into(),
        };
        assert_eq!(empty.input_bytes(), 200);
        let row = ExportRow {
            id: "1".into(),
            account: "22".into(),
            subscriber: party("333", "1234567890", "1"),
            contract: "4444".into(),
            service_code: "55555".into(),
            service: "666666".into(),
            unit: "7777777".into(),
            amount: (&rub).into(),
            extra: fields(&[("note", "n")]).into(),
            ..empty
        };
        assert_eq!(row.input_bytes(), 200 + 1 + 2 + (3 + 10 + 1) + 4 + 5 + 6 + 7 + 3 + (16 + 4 + 1));

        let options = ExportOptions {
            format: "f-1".into(),
            seller: party("ООО", "1234567890", "1"),
            period_start: day,
            period_end: day,
            created_at: 5,
            extra: fields(&[("mode", "x")]).into(),
        };
        assert_eq!(options.input_bytes(), 3 + (6 + 10 + 1) + (16 + 4 + 1));
    }
}
