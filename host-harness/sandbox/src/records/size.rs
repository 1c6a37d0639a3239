//! How much a host gives a provider: the text and the bytes of the arguments, without the few bytes around them.

use super::{CallbackRequest, ExportOptions, Fields, Order, Party, Writeoff};

/// What is measured against [`Limits::input_bytes_max`](crate::Limits::input_bytes_max).
pub trait InputBytes {
    fn input_bytes(&self) -> usize;
}

fn texts<const N: usize>(texts: [&String; N]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

impl InputBytes for Fields {
    fn input_bytes(&self) -> usize {
        // A pair takes two words each for its name and value, so that a million empty ones are not nothing.
        self.iter().map(|(name, value)| 16 + name.len() + value.len()).sum()
    }
}

impl InputBytes for Order {
    fn input_bytes(&self) -> usize {
        let own = [&self.id, &self.account, &self.amount.currency, &self.description, &self.language];
        let urls = [&self.callback_url, &self.success_url, &self.failure_url];
        texts(own) + texts(urls) + self.payer.input_bytes() + self.extra.input_bytes()
    }
}

impl InputBytes for CallbackRequest {
    fn input_bytes(&self) -> usize {
        texts([&self.query, &self.remote_address]) + self.headers.input_bytes() + self.body.len()
    }
}

impl InputBytes for Party {
    fn input_bytes(&self) -> usize {
        texts([&self.name, &self.inn, &self.kpp])
    }
}

impl InputBytes for Writeoff {
    fn input_bytes(&self) -> usize {
        let own =
            [&self.id, &self.account, &self.contract, &self.service_code, &self.service, &self.unit, &self.amount.currency];
        // The record itself, with its numbers and its texts' addresses.
        200 + texts(own) + self.subscriber.input_bytes() + self.extra.input_bytes()
    }
}

impl InputBytes for ExportOptions {
    fn input_bytes(&self) -> usize {
        self.format.len() + self.seller.input_bytes() + self.extra.input_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_argument_by_its_table() {
        assert_eq!(fields(&[]).input_bytes(), 0);
        assert_eq!(fields(&[("", ""), ("ab", "ё")]).input_bytes(), 16 + 16 + 2 + 2);

        let amount = || Money { minor_units: i64::MAX, currency: "RUB".into() };
        let mut order = Order::new("", "", Money { currency: String::new(), ..amount() });
        assert_eq!(order.input_bytes(), 0);
        (order.id, order.account, order.amount) = ("1".into(), "22".into(), amount());
        (order.description, order.language) = ("4444".into(), "55555".into());
        (order.callback_url, order.success_url, order.failure_url) = ("666666".into(), "7777777".into(), "88888888".into());
        (order.expires_at, order.payer, order.extra) = (Some(9), fields(&[("a", "b")]), fields(&[("c", "")]));
        assert_eq!(order.input_bytes(), 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 18 + 17);

        let mut request = CallbackRequest::post("12345");
        (request.query, request.remote_address, request.received_at) = ("abc".into(), "::1".into(), u64::MAX);
        request.headers = fields(&[("host", "x"), ("host", "y")]);
        assert_eq!(request.input_bytes(), 5 + 3 + 3 + 21 + 21);

        let party =
            |name: &str| Party { kind: PartyKind::Company, name: name.into(), inn: "1234567890".into(), kpp: "1".into() };
        let day = Date { year: 2026, month: 10, day: 31 };
        let empty = Writeoff {
            id: String::new(),
            account: String::new(),
            subscriber: Party { kind: PartyKind::Individual, name: String::new(), inn: String::new(), kpp: String::new() },
            contract: String::new(),
            contract_date: Some(day),
            service_code: String::new(),
            service: String::new(),
            unit: String::new(),
            period: day,
            date: day,
            quantity_thousandths: 1000,
            amount: Money { currency: String::new(), ..amount() },
            vat_basis_points: Some(2200),
            extra: vec![],
        };
        assert_eq!(empty.input_bytes(), 200);
        let row = Writeoff {
            id: "1".into(),
            account: "22".into(),
            subscriber: party("333"),
            contract: "4444".into(),
            service_code: "55555".into(),
            service: "666666".into(),
            unit: "7777777".into(),
            amount: amount(),
            extra: fields(&[("note", "n")]),
            ..empty
        };
        assert_eq!(row.input_bytes(), 200 + 1 + 2 + (3 + 10 + 1) + 4 + 5 + 6 + 7 + 3 + (16 + 4 + 1));

        let options = ExportOptions {
            format: "f-1".into(),
            seller: party("ООО"),
            period_start: day,
            period_end: day,
            created_at: 5,
            extra: fields(&[("mode", "x")]),
        };
        assert_eq!(options.input_bytes(), 3 + (6 + 10 + 1) + (16 + 4 + 1));
    }
}
