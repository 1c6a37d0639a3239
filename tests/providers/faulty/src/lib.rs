//! A provider of a made-up payment system, «Faulty». It obeys the contract unless the marker in its bytes names a fault. Then
//! it breaks the contract in that one respect, and the check for it must notice.
//!
//! A callback is a form: `type`, `payment` (8 digits), `payer` (6 digits), `amount` (`100.00`), `order`, `currency`, `shop`,
//! `time`, and `sign`. The signature is the MD5 of key, type, payment, payer and amount, without separators, followed by order,
//! currency and shop, each preceded by a semicolon. The grammars of the values without separators allow only one way to split
//! them. A callback of the type `check` asks whether the order can be paid; one of the type `bundle` reports a payment and its refund.

mod api;
mod check;
mod entered;
mod export;
mod fault;
mod lookup;
mod operation;
mod reply;
mod report;

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kit::binding::asking;
use kit::contract::{
    CallbackAnswer, CallbackProof, CallbackRequest, Description, Event, EventKind, ExportOptions, Fields, Guest, GuestMerchant,
    HttpReply, Merchant as MerchantResource, MerchantBorrow, Money, Order, PaymentForm, PaymentLink, Problem, Recurrence,
    RequestHeader, Verdict, WriteoffExport,
};
use kit::description::{extra, with_unsigned_fields};
use kit::form::{self, Form};
use kit::problem::Code;
use kit::settings::{self, Choice};
use kit::signature::{Secret, matches, md5};
use kit::text;
use kit::{CallbackStep, LinkStep, exchanges};
use money::{AMOUNT_MAX, Currency, format_amount, parse_amount};

const CURRENCIES: [Choice; 2] = [Choice::plain("RUB"), Choice::plain("USD")];
const FORMATS: [&str; 2] = ["enterprise-data-1.17", "register-csv"];
/// The required fields: all but the time.
const REQUIRED_FIELDS: [&str; 8] = ["type", "payment", "payer", "amount", "order", "currency", "shop", "sign"];
const FIELDS: [&str; 9] = ["type", "payment", "payer", "amount", "order", "currency", "shop", "time", "sign"];
/// The headers that it asks for, and whether they are secret. Without a fault it has no use for them.
const HEADERS: [(&str, bool); 2] = [("x-shop", false), ("x-key", true)];
/// What the header `x-key` must hold where it proves the callback.
const HEADER_KEY: &str = "TestHeaderKey";
const COMMENT: &str = "Top-up";
/// The largest form that a fault parses by itself: a larger one would exceed a call's fuel.
const FORM_BYTES_MAX: usize = 8 << 10;
/// More than an instance's initial memory, and less than its limit.
const MUCH_MEMORY_BYTES: usize = 4 << 20;

#[cfg(target_arch = "wasm32")]
kit::export!(Component, asking, payment_status, refunds, recurring_payments, settlement_reports);

/// The component.
pub struct Component;

impl Guest for Component {
    type Merchant = Merchant;
    type WriteoffExport = export::Export;

    fn describe() -> Description {
        Description {
            id: "faulty".to_owned(),
            name: "Faulty".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: settings::form(&entered::declared()),
            currencies: CURRENCIES.map(|currency| currency.value.to_owned()).to_vec(),
            export_formats: FORMATS.map(str::to_owned).to_vec(),
            links: !fault::is("no-links"),
            order_id: kit::order::ANY_ID,
            hosts: if fault::is("another-host") {
                vec![api::HOST.to_owned(), "another.example:8443".to_owned()]
            } else {
                vec![api::HOST.to_owned()]
            },
            headers: HEADERS.map(|(name, secret)| RequestHeader { name: name.to_owned(), secret }).to_vec(),
            extra: said_of_fields(),
        }
    }
}

/// Returns what the description says about the fields of callbacks.
fn said_of_fields() -> Fields {
    match () {
        () if fault::is("unsigned-sum") => extra(&["payment", "sum"]),
        () if fault::is("declared-sum") => with_unsigned_fields(extra(&["payment", "sum"]), &["sum"]),
        () if fault::is("declared-outcome") => with_unsigned_fields(extra(&["payment", "time"]), &["time"]),
        () if fault::is("declared-not-required") => with_unsigned_fields(extra(&["payment"]), &["time"]),
        () => Fields::new(),
    }
}

/// A configured merchant.
pub struct Merchant {
    shop: String,
    key: Secret,
    currency: Currency,
    page: String,
    lifetime: String,
    comment: String,
    /// How many callbacks this instance has judged. A provider must not keep such a count.
    calls: AtomicU32,
}

impl GuestMerchant for Merchant {
    fn configure(settings: Fields) -> Result<MerchantResource, Vec<Problem>> {
        entered::read(&settings).map(MerchantResource::new)
    }

    fn callback_proof(&self) -> CallbackProof {
        match () {
            () if fault::is("lookup") => CallbackProof::Lookup,
            () if fault::is("caller-verifies") => CallbackProof::Caller,
            () => CallbackProof::Signature,
        }
    }

    fn create_link(&self, order: Order) -> Result<PaymentLink, Vec<Problem>> {
        self.link(&order)
    }

    fn handle_callback(&self, request: CallbackRequest) -> CallbackAnswer {
        self.answer(&request)
    }

    fn export_writeoffs(&self, options: ExportOptions) -> Result<WriteoffExport, Vec<Problem>> {
        export::Export::begin(&options, self.currency).map(WriteoffExport::new)
    }
}

impl asking::Guest for Component {
    fn create_link(merchant: MerchantBorrow<'_>, order: Order, context: exchanges::Context) -> LinkStep {
        let merchant = merchant.get::<Merchant>();
        let made = |link| lookup::link(merchant, &order, link, &context.into());
        merchant.link(&order).map_or_else(LinkStep::Failed, made)
    }

    fn handle_callback(merchant: MerchantBorrow<'_>, request: CallbackRequest, context: exchanges::Context) -> CallbackStep {
        let merchant = merchant.get::<Merchant>();
        check::step(merchant, &request, &context.into()).unwrap_or_else(|| CallbackStep::Done(merchant.answer(&request)))
    }
}

impl Merchant {
    fn answer(&self, request: &CallbackRequest) -> CallbackAnswer {
        let verdict = self.judge(request);
        let (status, mut body) = match &verdict {
            Verdict::Happened(_) | Verdict::Unresolved(_) | Verdict::Ignored(_) => (200, "OK".to_owned()),
            Verdict::Refused(_) => (403, "Forbidden".to_owned()),
        };
        if fault::is("secret-in-reply") && status == 403 {
            body = STANDARD.encode(format!("expected with {}", self.key.expose()));
        }
        let reply = reply::with_fault(&verdict, HttpReply { status, headers: Vec::new(), body: body.into_bytes() });
        CallbackAnswer { verdict, reply }
    }

    fn link(&self, order: &Order) -> Result<PaymentLink, Vec<Problem>> {
        let mut problems: Vec<Problem> = Vec::new();
        problems.extend(text::check_required("id", &order.id, 64).err());
        problems.extend(text::check_required("account", &order.account, 64).err());
        problems.extend(text::check("description", &order.description, 255).err());
        if order.amount.currency != self.currency.as_str() && !fault::is("foreign-currency-taken") {
            problems.push(Code::Unsupported.at("amount.currency", "The settings name another currency."));
        }
        if !(1..=AMOUNT_MAX).contains(&order.amount.minor_units) && !fault::is("zero-taken") {
            problems.push(Code::OutOfRange.at("amount.minor-units", "An amount is positive."));
        }
        if fault::is("overflow") {
            problems.extend((order.amount.minor_units * 100 == 0).then(|| Code::OutOfRange.at("amount", "Nothing to pay.")));
        }
        if fault::is("code-with-spaces") {
            problems.iter_mut().for_each(|problem| problem.code = "Not a code".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let amount = amount_text(order.amount.minor_units);
        let key = self.key.expose();
        let id = if fault::is("same-link") { "" } else { order.id.as_str() };
        let sign = hex::encode(md5(&[key, ";", &self.shop, ";", id, ";", &amount, ";", self.currency.as_str()]));
        let mut fields = vec![
            ("shop", self.shop.clone()),
            ("order", id.to_owned()),
            ("amount", amount.clone()),
            ("currency", self.currency.to_string()),
            ("lifetime", self.lifetime.clone()),
            ("about", order.description.clone()),
            ("sign", sign),
        ];
        if fault::is("secret-in-link") {
            fields.push(("token", hex::encode(key)));
        }
        let query = form::encode(fields.iter().map(|(name, value)| (*name, value.as_str())));
        let query = if fault::is("other-url") { query.replace("&amount=", "&amount=0") } else { query };
        let inputs = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(PaymentLink {
            url: Some(format!("{}?{query}", self.page)),
            form: Some(PaymentForm { action: self.page.clone(), inputs }),
            qr: None,
            reference: None,
            expires_at: None,
            extra: Fields::new(),
        })
    }

    fn judge(&self, request: &CallbackRequest) -> Verdict {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let body = form::of(request);
        if fault::is("panic-at-nul") {
            assert!(!body.windows(3).any(|bytes| bytes == b"%00"), "there is a NUL");
        }
        while fault::is("endless-at-percent") && body.windows(3).any(|bytes| bytes == b"%%%") {
            std::hint::black_box(body);
        }
        if fault::is("empty-taken") && body.is_empty() {
            return Verdict::Happened(vec![self.event(EventKind::Payment, ["1", "1", "1"], 100, calls)]);
        }
        let first_of_each = first_of_each(body);
        let form = Form::parse(first_of_each.as_deref().unwrap_or(body), FIELDS);
        let single: &[&str] = if fault::is("doubled-time-refused") { &FIELDS } else { &REQUIRED_FIELDS };
        let form = match form.and_then(|form| form.require_single(single).map(|()| form)) {
            Ok(form) if fault::is("foreign-time-refused") && form.get("time").contains('\u{fffd}') => {
                return Verdict::Refused(Code::Malformed.at("time", "It is not UTF-8."));
            }
            Ok(form) => form,
            Err(error) => return Verdict::Refused(Code::Malformed.whole(error.to_string())),
        };
        let mut values = FIELDS.map(|name| form.get(name).to_owned());
        if fault::is("header-proves") && !request.headers.iter().any(|(name, value)| name == "x-key" && value == HEADER_KEY) {
            return Verdict::Refused(Code::SignatureMismatch.at("x-key", "The header does not hold the key."));
        }
        if !self.is_signed(&values) {
            let problem = Code::SignatureMismatch.at("sign", "The signature does not hold.");
            return if fault::is("forgeries-ignored") { Verdict::Ignored(problem) } else { Verdict::Refused(problem) };
        }
        if fault::is("unsigned-sum") || fault::is("declared-sum") {
            let sum = Form::parse(body, ["sum"]).map(|form| form.get("sum").to_owned()).unwrap_or_default();
            values[4] = if sum.is_empty() { std::mem::take(&mut values[4]) } else { sum };
        }
        if fault::is("query-wins") {
            read_over(request.query.as_bytes(), &mut values);
        }
        if fault::is("last-wins") {
            read_over(body, &mut values);
        }
        self.read(&values, &request.path, calls)
    }

    fn is_signed(&self, [kind, payment, payer, amount, order, currency, shop, _, sign]: &[String; 9]) -> bool {
        let signed = |fault: &str, value: &'_ str| if fault::is(fault) { String::new() } else { value.to_owned() };
        let (kind, amount) = (signed("unsigned-type", kind), signed("unsigned-amount", amount));
        let (payer, order) = (signed("unsigned-payer", payer), signed("unsigned-order", order));
        let currency = signed("unsigned-currency", currency);
        let memory = Vec::<u8>::new().try_reserve_exact(if is_about_memory() { MUCH_MEMORY_BYTES } else { 0 });
        if memory.is_err() {
            return fault::is("accepts-without-memory");
        }
        let digest = md5(&[self.key.expose(), &kind, payment, &payer, &amount, ";", &order, ";", &currency, ";", shop]);
        matches(&digest, sign)
    }

    fn read(
        &self,
        [kind, payment, payer, amount, order, currency, shop, time, _]: &[String; 9],
        path: &str,
        calls: u32,
    ) -> Verdict {
        if *shop != self.shop {
            return unresolved(Code::MerchantMismatch, "shop", "It is of another shop.");
        }
        if *currency != self.currency.as_str() {
            let problem = Code::CurrencyMismatch.at("currency", "It is in another currency.");
            let is_refused = fault::is("unsigned-currency");
            return if is_refused { Verdict::Refused(problem) } else { Verdict::Unresolved(problem) };
        }
        let digits = |text: &str, length: usize| {
            let fits = if fault::is("moved-boundary") { (1..=16).contains(&text.len()) } else { text.len() == length };
            fits && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let minor_units = match parse_amount(amount) {
            Ok(minor_units)
                if minor_units > 0 && amount.len() > 3 && amount.as_bytes().get(amount.len() - 3) == Some(&b'.') =>
            {
                minor_units + i64::from(fault::is("wrong-amount"))
            }
            _ => return unresolved(Code::UnrecognizedForm, "amount", "It is no amount such as 100.00."),
        };
        if !digits(payment, 8) || !digits(payer, 6) {
            return unresolved(Code::UnrecognizedForm, "payment", "It has a form that is not known.");
        }
        if kind == "bundle" {
            let refund = self.event(EventKind::Refund, [payment, payer, order], minor_units, calls);
            let comment = if fault::is("second-event-unsigned") { time.clone() } else { refund.comment.clone() };
            let payment = self.event(EventKind::Payment, [payment, payer, order], minor_units, calls);
            return Verdict::Happened(vec![payment, Event { comment, ..refund }]);
        }
        let kind = match kind.as_str() {
            "payment" if fault::is("path-is-kind") && path == "/refund" => EventKind::Refund,
            "payment" => EventKind::Payment,
            "refund" => EventKind::Refund,
            "chargeback" => EventKind::Chargeback,
            "hold" if is_cancelled(time) => EventKind::HoldRelease,
            "hold" => EventKind::Hold,
            "declined" => EventKind::Declined,
            _ if fault::is("unknown-ignored") => {
                return Verdict::Ignored(Code::UnknownType.at("type", "The type is not known."));
            }
            _ => return unresolved(Code::UnknownType, "type", "The type is not known."),
        };
        Verdict::Happened(vec![self.event(kind, [payment, payer, order], minor_units, calls)])
    }

    fn event(&self, kind: EventKind, [payment, payer, order]: [&str; 3], minor_units: i64, calls: u32) -> Event {
        let comment =
            if fault::is("calls-counted") && calls > 0 { format!("{} {calls}", self.comment) } else { self.comment.clone() };
        let is_order = (1..=64).contains(&order.chars().count());
        Event {
            kind,
            recurrence: Recurrence::Single,
            transaction: payment.to_owned(),
            original: None,
            ends_hold: None,
            expires_at: None,
            account: None,
            order: is_order.then(|| order.to_owned()),
            payer: Some(payer.to_owned()),
            amount: Money { minor_units, currency: self.currency.to_string() },
            fee: None,
            occurred_at: None,
            comment,
            dedup_key: match fault::is("key-of-amount") {
                true => format!("{kind:?}:{minor_units}"),
                false => format!("{kind:?}:{payment}:{minor_units}"),
            },
            extra: Fields::new(),
        }
    }
}

fn unresolved(code: Code, field: &str, message: &str) -> Verdict {
    Verdict::Unresolved(code.at(field, message))
}

/// Reports whether a field that is not signed says that a hold is at its end.
fn is_cancelled(time: &str) -> bool {
    (fault::is("unsigned-outcome") || fault::is("declared-outcome")) && time == "cancelled"
}

fn is_about_memory() -> bool {
    fault::is("accepts-without-memory") || fault::is("refuses-without-memory")
}

fn amount_text(minor_units: i64) -> String {
    match minor_units {
        amount if fault::is("amount-cut") => (amount / 100).to_string(),
        amount if fault::is("amount-as-float") => {
            #[allow(clippy::cast_precision_loss, reason = "it is the fault")]
            let float = amount as f32 / 100.0;
            format!("{float:.2}")
        }
        amount if fault::is("large-amounts-in-kopecks") && amount >= 1_000_000 => amount.to_string(),
        amount => format_amount(amount),
    }
}

/// Returns the form with only the first field of each known name, if the fault says so.
fn first_of_each(body: &[u8]) -> Option<Vec<u8>> {
    let mut seen = FIELDS.map(|_| false);
    let is_first = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        let known = FIELDS.iter().position(|known| known.as_bytes() == name);
        known.and_then(|at| seen.get_mut(at)).is_none_or(|seen| !std::mem::replace(seen, true))
    };
    (fault::is("last-wins") && body.len() <= FORM_BYTES_MAX)
        .then(|| body.split(|byte| *byte == b'&').filter(is_first).collect::<Vec<_>>().join(&b'&'))
}

/// Overwrites verified values with those of a text.
fn read_over(text: &[u8], values: &mut [String; 9]) {
    for pair in text.split(|byte| *byte == b'&') {
        let Ok(pair) = std::str::from_utf8(pair) else { continue };
        let Some((name, value)) = pair.split_once('=') else { continue };
        for (known, read) in FIELDS.iter().zip(values.iter_mut()) {
            if *known == name && *known != "sign" {
                value.clone_into(read);
            }
        }
    }
}
