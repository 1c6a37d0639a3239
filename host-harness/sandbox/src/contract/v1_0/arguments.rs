//! The arguments of version 1.0.0. They borrow the host's values, so that the only copy is the one into the component's memory.

use wasmtime::component::{ComponentType, Lower};

use super::enums::{HttpMethod, PartyKind};
use crate::request::GivenRequest;
use crate::unchecked;

pub type Fields<'a> = &'a [(String, String)];

macro_rules! argument {
    ($name:ident<'a> { $($field:ident $wit:literal: $type:ty,)* }) => {
        #[derive(ComponentType, Lower)]
        #[component(record)]
        pub struct $name<'a> { $(#[component(name = $wit)] pub $field: $type,)* }
    };
}

argument! {
    Money<'a> {
        minor_units "minor-units": i64,
        currency "currency": &'a str,
    }
}

impl<'a> From<&'a domain::Money> for Money<'a> {
    fn from(money: &'a domain::Money) -> Money<'a> {
        Money { minor_units: money.minor_units, currency: money.currency.as_str() }
    }
}

impl<'a> From<&'a unchecked::Money<'_>> for Money<'a> {
    fn from(money: &'a unchecked::Money<'_>) -> Money<'a> {
        Money { minor_units: money.minor_units, currency: &money.currency }
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl From<domain::Date> for Date {
    fn from(date: domain::Date) -> Date {
        unchecked::Date::from(date).into()
    }
}

impl From<unchecked::Date> for Date {
    fn from(unchecked::Date { year, month, day }: unchecked::Date) -> Date {
        Date { year, month, day }
    }
}

argument! {
    Order<'a> {
        id "id": &'a str,
        account "account": &'a str,
        amount "amount": Money<'a>,
        description "description": &'a str,
        language "language": &'a str,
        callback_url "callback-url": &'a str,
        success_url "success-url": &'a str,
        failure_url "failure-url": &'a str,
        expires_at "expires-at": Option<u64>,
        payer "payer": Fields<'a>,
        receipt "receipt": Option<Receipt<'a>>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a unchecked::LinkRequest<'_>> for Order<'a> {
    fn from(request: &'a unchecked::LinkRequest<'_>) -> Order<'a> {
        Order {
            id: &request.id,
            account: &request.account,
            amount: (&request.amount).into(),
            description: &request.description,
            language: &request.language,
            callback_url: &request.callback_url,
            success_url: &request.success_url,
            failure_url: &request.failure_url,
            expires_at: request.expires_at,
            payer: &request.payer,
            receipt: request.receipt.map(Receipt::from),
            extra: &request.extra,
        }
    }
}

/// What only a link needs is empty.
impl<'a> From<&'a domain::Order> for Order<'a> {
    fn from(order: &'a domain::Order) -> Order<'a> {
        Order {
            id: &order.id,
            account: &order.account,
            amount: (&order.amount).into(),
            description: &order.description,
            language: "",
            callback_url: "",
            success_url: "",
            failure_url: "",
            expires_at: order.expires_at,
            payer: &[],
            receipt: None,
            extra: &[],
        }
    }
}

argument! {
    Receipt<'a> {
        items "items": Vec<ReceiptItem<'a>>,
        contact "contact": &'a str,
        taxation "taxation": Option<&'a str>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::Receipt> for Receipt<'a> {
    fn from(domain::Receipt { items, contact, taxation, extra }: &'a domain::Receipt) -> Receipt<'a> {
        let items = items.iter().map(ReceiptItem::from).collect();
        Receipt { items, contact, taxation: taxation.as_deref(), extra }
    }
}

argument! {
    ReceiptItem<'a> {
        name "name": &'a str,
        quantity_thousandths "quantity-thousandths": i64,
        price "price": Money<'a>,
        amount "amount": Money<'a>,
        measure "measure": &'a str,
        vat "vat": Vat,
        method "method": &'a str,
        subject "subject": &'a str,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a domain::ReceiptItem> for ReceiptItem<'a> {
    fn from(item: &'a domain::ReceiptItem) -> ReceiptItem<'a> {
        ReceiptItem {
            name: &item.name,
            quantity_thousandths: item.quantity_thousandths,
            price: (&item.price).into(),
            amount: (&item.amount).into(),
            measure: &item.measure,
            vat: match item.vat {
                domain::ReceiptVat::Exempt => Vat::Exempt,
                domain::ReceiptVat::Rate(rate) => Vat::Rate(rate),
                domain::ReceiptVat::Calculated(rate) => Vat::Calculated(rate),
            },
            method: &item.method,
            subject: &item.subject,
            extra: &item.extra,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Vat {
    #[component(name = "exempt")]
    Exempt,
    #[component(name = "rate")]
    Rate(u16),
    #[component(name = "calculated")]
    Calculated(u16),
}

argument! {
    CallbackRequest<'a> {
        method "method": HttpMethod,
        path "path": &'a str,
        query "query": &'a str,
        headers "headers": Fields<'a>,
        body "body": &'a [u8],
        remote_address "remote-address": &'a str,
        received_at "received-at": u64,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a GivenRequest<'_>> for CallbackRequest<'a> {
    fn from(GivenRequest { request, headers }: &'a GivenRequest<'_>) -> CallbackRequest<'a> {
        CallbackRequest {
            method: request.method.into(),
            path: &request.path,
            query: &request.query,
            headers,
            body: &request.body,
            remote_address: &request.remote_address,
            received_at: request.received_at,
            extra: &[],
        }
    }
}

argument! {
    Party<'a> {
        kind "kind": PartyKind,
        name "name": &'a str,
        inn "inn": &'a str,
        kpp "kpp": &'a str,
    }
}

impl<'a> From<&'a unchecked::Party<'_>> for Party<'a> {
    fn from(party: &'a unchecked::Party<'_>) -> Party<'a> {
        Party { kind: party.kind.into(), name: &party.name, inn: &party.inn, kpp: &party.kpp }
    }
}

argument! {
    Writeoff<'a> {
        id "id": &'a str,
        account "account": &'a str,
        subscriber "subscriber": Party<'a>,
        contract "contract": &'a str,
        contract_date "contract-date": Option<Date>,
        service_code "service-code": &'a str,
        service "service": &'a str,
        unit "unit": &'a str,
        period "period": Date,
        date "date": Date,
        quantity_thousandths "quantity-thousandths": i64,
        amount "amount": Money<'a>,
        vat_basis_points "vat-basis-points": Option<u16>,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a unchecked::ExportRow<'_>> for Writeoff<'a> {
    fn from(row: &'a unchecked::ExportRow<'_>) -> Writeoff<'a> {
        Writeoff {
            id: &row.id,
            account: &row.account,
            subscriber: (&row.subscriber).into(),
            contract: &row.contract,
            contract_date: row.contract_date.map(Date::from),
            service_code: &row.service_code,
            service: &row.service,
            unit: &row.unit,
            period: row.period.into(),
            date: row.date.into(),
            quantity_thousandths: row.quantity_thousandths,
            amount: (&row.amount).into(),
            vat_basis_points: row.vat_basis_points,
            extra: &row.extra,
        }
    }
}

argument! {
    ExportOptions<'a> {
        format "format": &'a str,
        seller "seller": Party<'a>,
        period_start "period-start": Date,
        period_end "period-end": Date,
        created_at "created-at": u64,
        extra "extra": Fields<'a>,
    }
}

impl<'a> From<&'a unchecked::ExportOptions<'_>> for ExportOptions<'a> {
    fn from(options: &'a unchecked::ExportOptions<'_>) -> ExportOptions<'a> {
        ExportOptions {
            format: &options.format,
            seller: (&options.seller).into(),
            period_start: options.period_start.into(),
            period_end: options.period_end.into(),
            created_at: options.created_at,
            extra: &options.extra,
        }
    }
}

pub(super) use argument;
