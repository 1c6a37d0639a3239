//! What billing implements where the gateway asks it about accounts: an OpenAPI document of its own, since it describes another
//! server. Nothing here is called; the client is the crate `outbound`, whose JSON this describes.

#![allow(dead_code, reason = "the types describe the JSON of another server")]

use std::collections::BTreeMap;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Info, OpenApi, SecurityRequirement};
use utoipa::{OpenApi as _, ToSchema};

use super::Amount;

/// The address of the document. It needs no token, as `/api/openapi.json` needs none.
pub const ADDRESS: &str = "/api/billing-openapi.json";

/// A question about an account.
#[derive(ToSchema)]
#[schema(example = json!({
    "purpose": "payment", "provider": "osmp", "account": "100500", "amount": {"minor_units": 12345, "currency": "RUB"},
    "fields": {"service": "5"}
}))]
struct AccountQuestion {
    /// Why it is asked.
    purpose: Purpose,
    /// The payment system by which the payer pays: its name in the gateway.
    #[schema(example = "osmp")]
    provider: String,
    /// The account's number, as the payer entered it: 1 to 64 characters.
    #[schema(example = "100500", max_length = 64)]
    account: String,
    /// What the payer wants to pay. It may be absent from a check, and is always there for a payment.
    amount: Option<Amount>,
    /// What else the payment system says; `service`: which of the merchant's services.
    fields: BTreeMap<String, String>,
}

/// Why billing is asked.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
enum Purpose {
    /// A payer looks whether the account is the right one and takes a payment.
    Check,
    /// The gateway is about to enter this amount; a refusal ends the payment, and nothing is entered. Where the payment system only
    /// reports what has happened, the payment is entered whatever is refused. Billing enters nothing now: the feed of entries
    /// (`GET /api/v1/entries`) tells what was entered.
    Payment,
}

/// The answer about an account.
#[derive(ToSchema)]
struct AccountAnswer {
    /// The account; null if there is none of this number, which the payer is told and takes for final. It must be given.
    #[schema(required = true)]
    account: Option<BillingAccount>,
}

/// An account, as a payer may see it.
#[derive(ToSchema)]
#[schema(example = json!({
    "number": "100500", "holder": "Иванов И. И.", "address": "Москва, ул. Первая", "balance": {"minor_units": -5005, "currency": "RUB"},
    "due": {"minor_units": 60000, "currency": "RUB"}, "refusal": null, "extra": {}
}))]
struct BillingAccount {
    /// The number that was asked about.
    #[schema(example = "100500", max_length = 64)]
    number: String,
    /// The holder as anybody may see it who enters the number, so masked, in at most 250 characters; empty or absent: not to be shown.
    /// Line breaks and other control characters become spaces, here and in the other texts.
    #[schema(required = false, max_length = 250)]
    holder: String,
    /// The address, likewise.
    #[schema(required = false, max_length = 250)]
    address: String,
    /// The balance, if it is to be shown; of at most 999,999,999,999,999 minor units, as `due`.
    balance: Option<Amount>,
    /// What the payer should pay, if billing says it.
    due: Option<Amount>,
    /// Why the account takes no payment, or not this one. Null or absent: it takes it.
    refusal: Option<AccountRefusal>,
    /// What else billing says, at most 8 texts. No name is defined yet.
    #[schema(required = false)]
    extra: BTreeMap<String, String>,
}

/// Why an account takes no payment, or not this one.
#[derive(ToSchema)]
struct AccountRefusal {
    /// The reason, which the payment system is told by a code of its own.
    code: RefusalCode,
    /// One or two sentences in English, at most 500 characters. Empty or absent: the gateway's own words.
    #[schema(required = false, max_length = 500)]
    message: String,
    /// The same in up to 4 other languages, by their tags, such as `ru`.
    #[schema(required = false)]
    translations: BTreeMap<String, String>,
}

/// Why billing refuses.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
enum RefusalCode {
    /// The account takes no payments.
    AccountInactive,
    /// It takes no payment of this amount.
    AmountOutOfRange,
    /// The amount is too small.
    AmountTooSmall,
    /// The amount is too large.
    AmountTooLarge,
    /// This payment is not allowed.
    Forbidden,
}

/// Finds an account.
///
/// It is asked when a payer looks for the account, and once more right before a payment is entered. Every answer but 200 with this
/// JSON, within 3 seconds and 64 KiB, is taken for "billing is unavailable": the payment system is told to come again. So an error of
/// billing never becomes "no such account". Names that are not described here are refused.
#[utoipa::path(post, path = "/", operation_id = "find_account", request_body = AccountQuestion,
    responses((status = OK, body = AccountAnswer, description = "The account, or null if there is none.")))]
fn find_account() {}

/// Returns the document.
pub fn document() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(paths(find_account))]
    struct Billing;
    let mut document = Billing::openapi();
    document.info = Info::builder()
        .title("What billing implements to be asked about accounts")
        .version("1")
        .description(Some(
            "The gateway posts to the URL of its option --accounts-url. The path / stands for that URL. Amounts are integers of \
             minor units. With --accounts-token-file, billing compares the bearer token.",
        ))
        .build();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), scheme.into());
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    document
}
