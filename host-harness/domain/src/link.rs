//! Links to payment pages.

use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::fields::Fields;
use crate::identifiers::{AccountNumber, OrderId};
use crate::json;
use crate::provider::Problem;
use crate::receipt::Receipt;

/// A request for a link to the payment page of a top-up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// The order's id, unique over all providers. JSON may hold any text, here and in `account`: the component checks it.
    #[serde(deserialize_with = "json::order_id")]
    pub id: OrderId,
    /// The account that the payment is for.
    #[serde(deserialize_with = "json::account_number")]
    pub account: AccountNumber,
    /// The exact amount to pay. Positive.
    pub amount: Money,
    /// The description that the payer sees; may be empty.
    #[serde(default)]
    pub description: String,
    /// The payment page's language, such as `ru`; if empty, the payment system decides.
    #[serde(default)]
    pub language: String,
    /// Where the payment system sends callbacks; if empty, its own settings decide.
    #[serde(default)]
    pub callback_url: String,
    /// Where the payer returns after success: no proof of payment. May be empty.
    #[serde(default)]
    pub success_url: String,
    /// Where the payer returns after failure; may be empty.
    #[serde(default)]
    pub failure_url: String,
    /// When the order stops being payable, seconds since the epoch.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// What is known about the payer, to pre-fill the payment page: `email`, `phone` and the like, at most 255 characters each.
    #[serde(default, deserialize_with = "json::fields")]
    pub payer: Fields,
    /// What the payment system is to print; if `None`, nothing, or what its own settings say.
    #[serde(default)]
    pub receipt: Option<Receipt>,
    /// Options that only this provider has.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

impl LinkRequest {
    /// Creates a request with the required fields. The caller sets the others.
    pub fn new(id: OrderId, account: AccountNumber, amount: Money) -> LinkRequest {
        LinkRequest {
            id,
            account,
            amount,
            description: String::new(),
            language: String::new(),
            callback_url: String::new(),
            success_url: String::new(),
            failure_url: String::new(),
            expires_at: None,
            payer: Fields::new(),
            receipt: None,
            extra: Fields::new(),
        }
    }
}

/// How the payer gets to pay: by at least one of `url`, `form` and `qr`, which all lead to the same.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentLink {
    /// An absolute URL for GET, ASCII.
    pub url: Option<String>,
    /// A form to submit.
    pub form: Option<PaymentForm>,
    /// What a QR code holds, such as the link of «СБП»; ASCII.
    pub qr: Option<String>,
    /// The payment system's own id of what it made, 1 to 255 characters.
    pub reference: Option<String>,
    /// When it stops leading anywhere, seconds since the epoch.
    pub expires_at: Option<u64>,
    /// What else the provider says about the link, such as `not-passed-on`.
    #[serde(default, deserialize_with = "json::fields")]
    pub extra: Fields,
}

/// A form to submit by POST with `application/x-www-form-urlencoded` in UTF-8.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentForm {
    /// An absolute URL.
    pub action: String,
    /// The fields in order, not yet encoded, under the payment system's own names.
    pub inputs: Fields,
}

/// Why there is no payment link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkFailure {
    /// The order cannot be paid so, for problems of its fields. Nothing was made.
    Failed(Vec<Problem>),
    /// The payment system cannot make it now. Nothing was made; it may be asked again for the same order.
    Unavailable(Problem),
    /// It may have been made. It must not be asked again for the same order.
    Unknown(Problem),
}

impl LinkFailure {
    /// Returns its problems.
    pub fn into_problems(self) -> Vec<Problem> {
        match self {
            LinkFailure::Failed(problems) => problems,
            LinkFailure::Unavailable(problem) | LinkFailure::Unknown(problem) => vec![problem],
        }
    }
}

impl PaymentLink {
    /// Returns the fields of the request that have a value but that the payment system cannot accept, by their names in the
    /// contract.
    pub fn not_passed_on(&self) -> impl Iterator<Item = &str> {
        let lists = self.extra.iter().filter(|(name, _)| name == "not-passed-on");
        lists.flat_map(|(_, names)| names.split(',')).map(str::trim).filter(|name| !name.is_empty())
    }
}
