//! Arguments of the contract's functions with values that a host must not send. For conformance checks only.
//!
//! A host uses the types of [`domain`], which cannot hold a day that does not exist or the currency `rub`. A conformance check
//! must send such values, since the contract requires providers to refuse them. [`Merchant::create_link_unchecked`],
//! [`Merchant::export_writeoffs_unchecked`], [`Session::create_link_unchecked`] and [`Export::append_unchecked`] accept these
//! views. The domain's values are converted to the same views, so that all arguments reach the contract on one path.
//!
//! [`Merchant::create_link_unchecked`]: crate::Merchant::create_link_unchecked
//! [`Merchant::export_writeoffs_unchecked`]: crate::Merchant::export_writeoffs_unchecked
//! [`Session::create_link_unchecked`]: crate::Session::create_link_unchecked
//! [`Export::append_unchecked`]: crate::Export::append_unchecked

use std::borrow::Cow;

use domain::PartyKind;

pub use domain::WrittenDate as Date;

/// Named values. Names may repeat, and may be any text.
pub type Fields<'a> = Cow<'a, [(String, String)]>;

/// [`domain::Money`] with any currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Money<'a> {
    /// In the currency's minor units.
    pub minor_units: i64,
    /// Any text.
    pub currency: Cow<'a, str>,
}

impl<'a> From<&'a domain::Money> for Money<'a> {
    fn from(money: &'a domain::Money) -> Money<'a> {
        Money { minor_units: money.minor_units, currency: money.currency.as_str().into() }
    }
}

/// [`domain::Party`] with any texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party<'a> {
    /// As [`domain::Party::kind`].
    pub kind: PartyKind,
    /// As [`domain::Party::name`].
    pub name: Cow<'a, str>,
    /// As [`domain::Party::inn`].
    pub inn: Cow<'a, str>,
    /// As [`domain::Party::kpp`].
    pub kpp: Cow<'a, str>,
}

impl<'a> From<&'a domain::Party> for Party<'a> {
    fn from(party: &'a domain::Party) -> Party<'a> {
        Party {
            kind: party.kind,
            name: party.name.as_str().into(),
            inn: party.inn.as_str().into(),
            kpp: party.kpp.as_str().into(),
        }
    }
}

/// [`domain::LinkRequest`] with any amount, currency and texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRequest<'a> {
    /// As [`domain::LinkRequest::id`].
    pub id: Cow<'a, str>,
    /// As [`domain::LinkRequest::account`].
    pub account: Cow<'a, str>,
    /// As [`domain::LinkRequest::amount`].
    pub amount: Money<'a>,
    /// As [`domain::LinkRequest::description`].
    pub description: Cow<'a, str>,
    /// As [`domain::LinkRequest::language`].
    pub language: Cow<'a, str>,
    /// As [`domain::LinkRequest::callback_url`].
    pub callback_url: Cow<'a, str>,
    /// As [`domain::LinkRequest::success_url`].
    pub success_url: Cow<'a, str>,
    /// As [`domain::LinkRequest::failure_url`].
    pub failure_url: Cow<'a, str>,
    /// As [`domain::LinkRequest::expires_at`].
    pub expires_at: Option<u64>,
    /// As [`domain::LinkRequest::payer`].
    pub payer: Fields<'a>,
    /// As [`domain::LinkRequest::receipt`].
    pub receipt: Option<&'a domain::Receipt>,
    /// As [`domain::LinkRequest::extra`].
    pub extra: Fields<'a>,
}

impl<'a> From<&'a domain::LinkRequest> for LinkRequest<'a> {
    fn from(request: &'a domain::LinkRequest) -> LinkRequest<'a> {
        LinkRequest {
            id: request.id.as_str().into(),
            account: request.account.as_str().into(),
            amount: (&request.amount).into(),
            description: request.description.as_str().into(),
            language: request.language.as_str().into(),
            callback_url: request.callback_url.as_str().into(),
            success_url: request.success_url.as_str().into(),
            failure_url: request.failure_url.as_str().into(),
            expires_at: request.expires_at,
            payer: request.payer.as_slice().into(),
            receipt: request.receipt.as_ref(),
            extra: request.extra.as_slice().into(),
        }
    }
}

/// [`domain::ExportRow`] with any days, currency and texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportRow<'a> {
    /// As [`domain::ExportRow::id`].
    pub id: Cow<'a, str>,
    /// As [`domain::ExportRow::account`].
    pub account: Cow<'a, str>,
    /// As [`domain::ExportRow::subscriber`].
    pub subscriber: Party<'a>,
    /// As [`domain::ExportRow::contract`].
    pub contract: Cow<'a, str>,
    /// As [`domain::ExportRow::contract_date`].
    pub contract_date: Option<Date>,
    /// As [`domain::ExportRow::service_code`].
    pub service_code: Cow<'a, str>,
    /// As [`domain::ExportRow::service`].
    pub service: Cow<'a, str>,
    /// As [`domain::ExportRow::unit`].
    pub unit: Cow<'a, str>,
    /// As [`domain::ExportRow::period`].
    pub period: Date,
    /// As [`domain::ExportRow::date`].
    pub date: Date,
    /// As [`domain::ExportRow::quantity_thousandths`].
    pub quantity_thousandths: i64,
    /// As [`domain::ExportRow::amount`].
    pub amount: Money<'a>,
    /// As [`domain::ExportRow::vat_basis_points`].
    pub vat_basis_points: Option<u16>,
    /// As [`domain::ExportRow::extra`].
    pub extra: Fields<'a>,
}

impl<'a> From<&'a domain::ExportRow> for ExportRow<'a> {
    fn from(row: &'a domain::ExportRow) -> ExportRow<'a> {
        ExportRow {
            id: row.id.as_str().into(),
            account: row.account.as_str().into(),
            subscriber: (&row.subscriber).into(),
            contract: row.contract.as_str().into(),
            contract_date: row.contract_date.map(Date::from),
            service_code: row.service_code.as_str().into(),
            service: row.service.as_str().into(),
            unit: row.unit.as_str().into(),
            period: row.period.into(),
            date: row.date.into(),
            quantity_thousandths: row.quantity_thousandths,
            amount: (&row.amount).into(),
            vat_basis_points: row.vat_basis_points,
            extra: row.extra.as_slice().into(),
        }
    }
}

/// [`domain::ExportOptions`] with any days and texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportOptions<'a> {
    /// As [`domain::ExportOptions::format`].
    pub format: Cow<'a, str>,
    /// As [`domain::ExportOptions::seller`].
    pub seller: Party<'a>,
    /// As [`domain::ExportOptions::period_start`].
    pub period_start: Date,
    /// As [`domain::ExportOptions::period_end`].
    pub period_end: Date,
    /// As [`domain::ExportOptions::created_at`].
    pub created_at: u64,
    /// As [`domain::ExportOptions::extra`].
    pub extra: Fields<'a>,
}

impl<'a> From<&'a domain::ExportOptions> for ExportOptions<'a> {
    fn from(options: &'a domain::ExportOptions) -> ExportOptions<'a> {
        ExportOptions {
            format: options.format.as_str().into(),
            seller: (&options.seller).into(),
            period_start: options.period_start.into(),
            period_end: options.period_end.into(),
            created_at: options.created_at,
            extra: options.extra.as_slice().into(),
        }
    }
}
