//! A call of a function that may ask and have calls made, with its input, and its result, both in JSON.

mod payment;
mod result;

use domain::{
    CallbackRequest, Context, LinkRequest, Money, OperationId, PaymentReference, Receipt, RefundRequest, ReportFile,
    ReportRequest, Step,
};
use sandbox::{Error, Merchant};
use serde::Deserialize;
use serde_json::Value;

use payment::PaymentInput;
pub use payment::RecordedInput;
pub use result::FunctionResult;

/// A function that may ask, with its input.
///
/// In JSON each input is an object: `create-link` has an order, `handle-callback` a request, `fetch-report` `format`, `options`,
/// `day` and `cursor`, and `read-report` `format`, `options` and `file`. The others have `payment` (`order`, `link`, `movement` and
/// `later`), and beside it what they need: `id`, `amount`, `full`, `reason` and `receipt` of a refund, `order` of a charge,
/// `reference` of a question.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the contract's")]
pub enum FunctionCall {
    CreateLink(Box<LinkRequest>),
    HandleCallback(Box<CallbackRequest>),
    QueryPayment(Box<PaymentReference>),
    RefundPayment(Box<RefundRequest>),
    QueryRefund(Box<RefundRequest>, Option<String>),
    ChargeAgain(Box<PaymentReference>, Box<LinkRequest>),
    QueryCharge(Box<PaymentReference>, Box<LinkRequest>, Option<String>),
    CancelRecurring(Box<PaymentReference>),
    FetchReport(ReportRequest),
    ReadReport(ReportFile),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundInput {
    id: String,
    payment: PaymentInput,
    amount: Money,
    #[serde(default)]
    full: bool,
    #[serde(default)]
    reason: String,
    receipt: Option<Receipt>,
    reference: Option<String>,
}

impl RefundInput {
    fn request(self) -> Result<(Box<RefundRequest>, Option<String>), String> {
        let RefundInput { id, payment, amount, full, reason, receipt, reference } = self;
        let id = OperationId::new(id).map_err(|error| error.to_string())?;
        Ok((Box::new(RefundRequest { id, payment: payment.reference(), amount, full, reason, receipt }), reference))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargeInput {
    payment: PaymentInput,
    order: LinkRequest,
    reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPayment {
    payment: PaymentInput,
}

fn read<T: for<'de> Deserialize<'de>>(input: Value) -> Result<T, String> {
    serde_json::from_value(input).map_err(|error| error.to_string())
}

/// A question has a reference, and a request has none.
fn without_reference<T>(input: T, reference: Option<String>) -> Result<T, String> {
    match reference {
        None => Ok(input),
        Some(_) => Err("only a question has a \"reference\"".to_owned()),
    }
}

impl FunctionCall {
    /// The functions, by their names in the contract. `read-report` stands for those that read a report's file.
    pub const FUNCTIONS: [&'static str; 10] = [
        "create-link",
        "handle-callback",
        "query-payment",
        "refund-payment",
        "query-refund",
        "charge-again",
        "query-charge",
        "cancel-recurring",
        "fetch-report",
        "read-report",
    ];

    /// Reads the input of a function.
    ///
    /// # Errors
    /// What is wrong with the name or the input.
    pub fn from_json(function: &str, input: Value) -> Result<FunctionCall, String> {
        let boxed = |payment: OfPayment| Box::new(payment.payment.reference());
        Ok(match function {
            "create-link" => FunctionCall::CreateLink(read(input)?),
            "handle-callback" => FunctionCall::HandleCallback(read(input)?),
            "query-payment" => FunctionCall::QueryPayment(boxed(read(input)?)),
            "cancel-recurring" => FunctionCall::CancelRecurring(boxed(read(input)?)),
            "fetch-report" => FunctionCall::FetchReport(read(input)?),
            "read-report" => FunctionCall::ReadReport(read(input)?),
            "refund-payment" => {
                let (request, reference) = read::<RefundInput>(input)?.request()?;
                FunctionCall::RefundPayment(without_reference(request, reference)?)
            }
            "query-refund" => {
                let (request, reference) = read::<RefundInput>(input)?.request()?;
                FunctionCall::QueryRefund(request, reference)
            }
            "charge-again" => {
                let ChargeInput { payment, order, reference } = read(input)?;
                let payment = without_reference(Box::new(payment.reference()), reference)?;
                FunctionCall::ChargeAgain(payment, Box::new(order))
            }
            "query-charge" => {
                let ChargeInput { payment, order, reference } = read(input)?;
                FunctionCall::QueryCharge(Box::new(payment.reference()), Box::new(order), reference)
            }
            _ => return Err(format!("there is no function {function:?}; it is one of {}", FunctionCall::FUNCTIONS.join(", "))),
        })
    }

    /// Returns the function's name.
    pub fn function(&self) -> &'static str {
        match self {
            FunctionCall::CreateLink(_) => "create-link",
            FunctionCall::HandleCallback(_) => "handle-callback",
            FunctionCall::QueryPayment(_) => "query-payment",
            FunctionCall::RefundPayment(_) => "refund-payment",
            FunctionCall::QueryRefund(..) => "query-refund",
            FunctionCall::ChargeAgain(..) => "charge-again",
            FunctionCall::QueryCharge(..) => "query-charge",
            FunctionCall::CancelRecurring(_) => "cancel-recurring",
            FunctionCall::FetchReport(_) => "fetch-report",
            FunctionCall::ReadReport(_) => "read-report",
        }
    }

    /// Reports whether the function moves money, so that a call whose answer is lost may have moved it.
    pub fn moves_money(&self) -> bool {
        matches!(self, FunctionCall::RefundPayment(_) | FunctionCall::ChargeAgain(..))
    }

    /// Takes a step to the result.
    ///
    /// # Errors
    /// Those of the sandbox.
    pub fn step(&self, merchant: &Merchant, context: &Context) -> Result<Step<FunctionResult>, Error> {
        Ok(match self {
            FunctionCall::CreateLink(order) => merchant.create_link(order, context)?.map(FunctionResult::Link),
            FunctionCall::HandleCallback(request) => merchant.handle_callback(request, context)?.map(FunctionResult::Callback),
            FunctionCall::QueryPayment(payment) => merchant.query_payment(payment, context)?.map(FunctionResult::Status),
            FunctionCall::RefundPayment(request) => merchant.refund_payment(request, context)?.map(FunctionResult::Operation),
            FunctionCall::QueryRefund(request, reference) => {
                merchant.query_refund(request, reference.as_deref(), context)?.map(FunctionResult::Operation)
            }
            FunctionCall::ChargeAgain(payment, order) => {
                merchant.charge_again(payment, order, context)?.map(FunctionResult::Operation)
            }
            FunctionCall::QueryCharge(payment, order, reference) => {
                merchant.query_charge(payment, order, reference.as_deref(), context)?.map(FunctionResult::Operation)
            }
            FunctionCall::CancelRecurring(payment) => merchant.cancel_recurring(payment, context)?.map(FunctionResult::Cancel),
            FunctionCall::FetchReport(request) => merchant.fetch_report(request, context)?.map(FunctionResult::Page),
            FunctionCall::ReadReport(file) => Step::Done(read_report(file, merchant, usize::MAX)?),
        })
    }
}

/// Reads a report's file, so many bytes at a time.
///
/// # Errors
/// Those of the sandbox but for what the provider refuses, which is a result.
pub fn read_report(report: &ReportFile, merchant: &Merchant, chunk_bytes: usize) -> Result<FunctionResult, Error> {
    let read = || {
        let mut reader = merchant.open_report(&report.format, &report.options)?;
        let mut rows = Vec::new();
        for chunk in report.file.chunks(chunk_bytes) {
            rows.extend(reader.append(chunk)?);
        }
        let (last, totals) = reader.finish()?;
        rows.extend(last);
        Ok((rows, totals))
    };
    match read() {
        Ok(read) => Ok(FunctionResult::File(Ok(read))),
        Err(Error::Provider(problems)) => Ok(FunctionResult::File(Err(problems))),
        Err(error) => Err(error),
    }
}
