//! The port to billing, which knows the accounts.

use domain::{AccountQuery, AccountState, ProviderName};

/// Tells the host about accounts. Without it the host answers by the accounts of its ledger.
///
/// The host asks when a payer looks for an account, and once more right before it records what a payment system asks billing to agree
/// to. Whatever billing answers is checked: a text that is too long, another account than the one asked about and the like count as
/// no answer.
pub trait BillingAccounts: Send + Sync {
    /// Finds one account, and passes it to `then`, once, on any thread, which `then` must not block for long. `None`: there is no such
    /// account. A payer takes that for final, so that only billing itself may say so: whatever else goes wrong is a
    /// [`NoAccountAnswer`], and the payment system comes again.
    ///
    /// A payment system waits meanwhile: answer within 3 seconds.
    fn find(&self, question: AccountQuestion, then: AccountReply);

    /// Returns where billing is asked, as `host` or `host:port`, for the operator. `None` if there is nothing to show.
    fn address(&self) -> Option<String> {
        None
    }
}

/// Takes the answer to a question about an account.
pub type AccountReply = Box<dyn FnOnce(Result<Option<AccountState>, NoAccountAnswer>) + Send>;

/// A question about an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountQuestion {
    /// The payment system by which the payer pays, by the host's name for it.
    pub provider: ProviderName,
    /// Why it is asked.
    pub purpose: AccountPurpose,
    /// The account, the amount if it is known, and what else the payment system says.
    pub query: AccountQuery,
}

/// Why billing is asked about an account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AccountPurpose {
    /// A payer looks whether the account is the right one and takes a payment.
    Check,
    /// The host is about to record this amount. Where the payment can still be refused, a refusal ends it.
    Payment,
}

impl AccountPurpose {
    /// Returns its name: `check` or `payment`.
    pub fn name(self) -> &'static str {
        match self {
            AccountPurpose::Check => "check",
            AccountPurpose::Payment => "payment",
        }
    }
}

/// Billing gave no answer that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoAccountAnswer {
    /// What was wrong, for the log and for the operator. It holds no token, and nothing of what billing says about a person.
    pub reason: String,
    /// Whether billing may have got the question.
    pub is_sent: bool,
}
