//! The codes of errors, which programs compare.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $code:ident $name:literal,)*) => {
        /// Which error it is, for a program. Codes are added, and none is renamed; docs/gateway.md lists them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $code,)*
        }

        impl ErrorCode {
            /// All codes, sorted by name.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$code,)*];

            /// Returns the name, such as `account-unknown`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$code => $name,)* }
            }
        }
    };
}

error_codes! {
    /// There is no account with this number.
    AccountUnknown "account-unknown",
    /// There is no acknowledged callback with this number.
    CallbackNotAcknowledged "callback-not-acknowledged",
    /// The callback cannot be judged again: it is not stored as it came, its caller alone proves it, or it needs a reply.
    CallbackNotJudgeable "callback-not-judgeable",
    /// There is no callback with this number that waits: it may have been acknowledged.
    CallbackNotWaiting "callback-not-waiting",
    /// A component was refused; the active one is unchanged.
    ComponentRefused "component-refused",
    /// The amount of a correction is zero.
    CorrectionAmountZero "correction-amount-zero",
    /// The idempotency key was used for another correction.
    CorrectionKeyReused "correction-key-reused",
    /// The decision was already undone.
    DecisionAlreadyUndone "decision-already-undone",
    /// The decision undoes another one, and cannot be undone itself.
    DecisionIsUndoing "decision-is-undoing",
    /// Money was already returned after the decision.
    DecisionMoneyWentBack "decision-money-went-back",
    /// A refund of the payment that the decision entered is under way, or its outcome is unknown.
    DecisionRefundUnderWay "decision-refund-under-way",
    /// There is no decision with this number.
    DecisionUnknown "decision-unknown",
    /// The ledger has no entry with the number after which the feed was to go on: it was restored from an older copy.
    EntriesAfterUnknown "entries-after-unknown",
    /// The operation has ended, and cannot be changed.
    OperationEnded "operation-ended",
    /// The idempotency key was used for another operation.
    OperationKeyReused "operation-key-reused",
    /// There is no operation with this id.
    OperationNotFound "operation-not-found",
    /// The operation's outcome is not unknown, so that there is nothing to decide.
    OperationNotUnknown "operation-not-unknown",
    /// An operation of this kind cannot be withdrawn: only refunds and charges can.
    OperationNotWithdrawable "operation-not-withdrawable",
    /// A rule refuses the operation.
    OperationRefused "operation-refused",
    /// The operation was sent to the payment system, or may have been, and cannot be withdrawn.
    OperationSent "operation-sent",
    /// The same operation is under way already.
    OperationUnderWay "operation-under-way",
    /// The component cannot do the operation.
    OperationUnsupported "operation-unsupported",
    /// The provider has operations that have not ended.
    OperationsOpen "operations-open",
    /// The name of whoever decides is not 1 to 64 visible characters on one line.
    OperatorNameInvalid "operator-name-invalid",
    /// The order would have expired already.
    OrderAlreadyExpired "order-already-expired",
    /// The amount of an order is zero or negative.
    OrderAmountNotPositive "order-amount-not-positive",
    /// The amount of an order is outside the limits that an operator entered.
    OrderAmountOutsideLimits "order-amount-outside-limits",
    /// The order was charged already, by a charge that is done, and its payment is not reported yet.
    OrderCharged "order-charged",
    /// The order has expired, and is not charged any more.
    OrderExpired "order-expired",
    /// The order would expire more than ten years from now, as a time in milliseconds does.
    OrderExpiresTooLate "order-expires-too-late",
    /// The idempotency key was used for another order.
    OrderKeyReused "order-key-reused",
    /// There is no order with this id.
    OrderUnknown "order-unknown",
    /// The order has no payment link, and gets none any more, or it is not known whether the payment system made one.
    OrderWithoutLink "order-without-link",
    /// There is no payment with this number.
    PaymentUnknown "payment-unknown",
    /// The provider broke the contract, exceeded a limit or crashed.
    ProviderFailed "provider-failed",
    /// No settings were entered for the provider.
    ProviderNotConfigured "provider-not-configured",
    /// The provider's component could not be loaded.
    ProviderNotLoaded "provider-not-loaded",
    /// A payer cannot choose the provider now.
    ProviderNotOffered "provider-not-offered",
    /// An operator paused the provider: it takes no new orders.
    ProviderPaused "provider-paused",
    /// An operator removed the provider.
    ProviderRemoved "provider-removed",
    /// The provider does not accept the settings that were entered.
    ProviderSettingsRejected "provider-settings-rejected",
    /// There is no provider with this name.
    ProviderUnknown "provider-unknown",
    /// The provider has no payment links, and so no orders: its payers pay elsewhere.
    ProviderWithoutLinks "provider-without-links",
    /// Less is left of the payment than is to be paid back.
    RefundExceedsPayment "refund-exceeds-payment",
    /// The ledger was restored from a copy, and nobody has compared the payment systems with it since: no operation about a payment
    /// begins.
    RestoredNotCompared "restored-not-compared",
    /// Too many callbacks that prove nothing by themselves are being looked up at the payment system.
    TooManyLookups "too-many-lookups",
    /// The transaction of this unmatched payment was already entered.
    UnmatchedAlreadyEntered "unmatched-already-entered",
    /// The unmatched payment was already resolved.
    UnmatchedAlreadyResolved "unmatched-already-resolved",
    /// There is no unmatched payment with this number.
    UnmatchedUnknown "unmatched-unknown",
    /// The unmatched payment has no positive amount: it can only be dismissed.
    UnmatchedWithoutMoney "unmatched-without-money",
}
