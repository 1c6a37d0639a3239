//! Payme's Merchant API, by which a payment has two phases: the payment system has billing hold an order's amount, charges the
//! payer, and then has the hold become a payment, or end without one.
//!
//! It follows what public integrations agree on. Payme's own documents were not compared, so that tests alone load it: they show
//! that the contract can say such a protocol. All methods come to one address, as JSON-RPC 2.0, and every reply has the status 200.

#![cfg_attr(test, allow(missing_docs))]

mod method;
mod rpc;
mod settings;
mod transaction;

use kit::base64::{self, Alphabet};
use kit::contract::{
    CallbackAnswer, CallbackRequest, Description, Fields, HttpReply, Order, PaymentLink, Problem, RequestHeader, Verdict,
};
use kit::problem::Code;
use kit::{Asking, CallbackStep, Context, LinkStep, Provider, Stop};

use rpc::Fault;
use settings::Settings;

/// The only proof of a request: HTTP Basic with the key.
const HEADER: &str = "authorization";

/// A configured cash desk of Payme.
pub struct Payme(Settings);

kit::provider!(Payme, asking);

impl Provider for Payme {
    fn describe() -> Description {
        Description {
            id: "payme".to_owned(),
            name: "Payme".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: kit::settings::form(&settings::DECLARED),
            currencies: settings::CURRENCIES.map(|currency| currency.value.to_owned()).to_vec(),
            export_formats: Vec::new(),
            links: true,
            order_id: kit::order::ANY_ID,
            hosts: Vec::new(),
            headers: vec![RequestHeader { name: HEADER.to_owned(), secret: true }],
            extra: Fields::new(),
        }
    }

    fn configure(settings: &Fields) -> Result<Self, Vec<Problem>> {
        Settings::read(settings).map(Payme)
    }
}

impl Asking for Payme {
    /// The page's address has the cash desk, the order and the amount in base64, and nothing signs it: Payme asks billing.
    fn create_link(&self, order: &Order, _: &Context) -> Result<LinkStep, Stop> {
        let Payme(settings) = self;
        let problems = kit::order::check(order, settings.currency);
        if !problems.is_empty() {
            return Ok(LinkStep::Failed(problems));
        }
        let fields = format!("m={};ac.order_id={};a={}", settings.cash_desk, order.id, order.amount.minor_units);
        let url = format!("{}/{}", settings.page.trim_end_matches('/'), base64::encode(Alphabet::Standard, fields));
        let (form, qr, reference, expires_at, extra) = (None, None, None, None, Fields::new());
        Ok(LinkStep::Done(PaymentLink { url: Some(url), form, qr, reference, expires_at, extra }))
    }

    fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<CallbackStep, Stop> {
        if !self.is_proved(request) {
            let problem = Code::SignatureMismatch.at(HEADER, "It is not that of the entered key.");
            let reply = Fault::Credentials.reply(rpc::id(request).as_ref());
            return Ok(CallbackStep::Done(CallbackAnswer { verdict: Verdict::Refused(problem), reply }));
        }
        method::reply(&self.0, request, context).map(CallbackStep::Answered)
    }

    fn unavailable(&self, request: &CallbackRequest) -> HttpReply {
        Fault::System.reply(rpc::id(request).as_ref())
    }
}

impl Payme {
    fn is_proved(&self, request: &CallbackRequest) -> bool {
        let header =
            request.headers.iter().find(|(name, _)| name == HEADER).and_then(|(_, value)| value.strip_prefix("Basic "));
        let decoded = header.and_then(|value| base64::decode(Alphabet::Standard, value).ok());
        let given = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        given.and_then(|given| given.strip_prefix("Paycom:").map(str::to_owned)).is_some_and(|key| self.0.is_key(&key))
    }
}
