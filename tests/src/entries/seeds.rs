//! Seed inputs.

use domain::{ExportOptions, ExportRow, HttpMethod};

use super::asking::seeds_of;
use crate::exports::native_export;
use crate::month::{RATES, month};
use crate::vectors::Vector;
use crate::{export_options, order, osmp, robokassa, tbank, writeoff};

/// Returns a small export, preceded by a byte that selects its format.
fn exported(format: &str, first: u8) -> Vec<u8> {
    let extra = vec![("other-vat-rate".to_owned(), "20".to_owned())];
    let options = ExportOptions { format: format.into(), extra, ..export_options() };
    let rows: Vec<ExportRow> = month(3, RATES).map(|row| ExportRow { unit: String::new(), ..row }).collect();
    let exported = native_export(&rows, &options).expect("the month is good");
    [&[first], exported.file()].concat()
}

/// Returns the seed inputs of an entry, which are valid or nearly so.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let texts: Vec<String> = match name {
        "form" => return crate::vectors().callbacks.iter().map(|vector| vector.form().to_vec()).collect(),
        "money" => ["100.00", "0.01", "99.5", "7", "9999999999999.99", "10000000000000", "00.1"].map(str::to_owned).into(),
        "settings" => vec![
            "product-id=001234-0001-0001\nshared-sec=TestSharedSec001".to_owned(),
            "product-id=1\nshared-sec= short\ncolour=red\npayment-page=http://example.ru/?x\ncurrency=EUR".to_owned(),
            "product-id=001234-0001-0001\nshared-sec=TestSharedSec001\nshared-sec=TestSharedSec001\nlanguage=en".to_owned(),
            "product-id=001234-0001-0001\nshared-sec=Test\tSharedSec001\npayment-type-group=1\ncomment=x".to_owned(),
        ],
        "callback" | "component_callback" => {
            let forms = crate::vectors().callbacks.iter().map(Vector::form);
            return forms.flat_map(|form| [[b"P", form].concat(), [b"G", form].concat()]).collect();
        }
        "signed_callback" => ["Purchase", "rebill", "Refund", "chargeback", "Preauth", "decline", "cancel", "Lottery"]
            .map(|kind| format!("001234-100000062\u{1f}56244472\u{1f}{kind}\u{1f}100.00"))
            .into(),
        "link" => {
            let payer = "user@example.com\u{1f}+79001234567\u{1f}Иванов Иван\u{1f}Москва";
            let urls = "https://billing.example.ru/cb\u{1f}https://lk.example.ru/ok\u{1f}https://xn--j1ao.xn--p1ai/нет";
            let texts = "42\u{1f}100500\u{1f}10000\u{1f}Пополнение\u{1f}ru";
            let whole = format!("{texts}\u{1f}{urls}\u{1f}1893542645\u{1f}{payer}");
            vec![
                format!("\0{whole}"),
                format!("\u{1}{whole}"),
                format!("\u{2}{whole}"),
                "\u{2}".to_owned() + texts + &"\u{1f}".repeat(8) + "\u{1f}30",
            ]
        }
        "register" | "enterprise_data" => {
            let row = "w-1\u{1f}100500\u{1f}ООО «Ромашка»\u{1f}50000\u{1f}2200\u{1f}Доступ; \"в\" интернет\u{1f}=1+1";
            let correction = "w-2\u{1f}-7\u{1f}@Иванов\u{1f}-333\u{1f}\u{1f}'Связь\u{1f}\nстрока\u{1f}+17\u{1f}7701234560";
            vec![row.to_owned(), format!("{row}\u{1e}{correction}\u{1e}{row}")]
        }
        "exported_file" => return vec![exported("enterprise-data-1.17", b'E'), exported("register-csv", b'R')],
        "register_rows" => return vec![exported("register-csv", b'R').split_off(1)],
        "component" => return vec![crate::component(), b"\0asm\x0d\0\x01\0".to_vec(), b"\0asm\x01\0\0\0".to_vec()],
        "host_records" => vec![
            r#"{"method":"POST","body":"a=1","headers":{"host":"x"},"query":"q","received_at":5}"#.to_owned(),
            r#"{"method":"get","query":"a=1","body":{"base64":"/w=="},"headers":[["a","b"]]}"#.to_owned(),
            serde_json::to_string(&order()).expect("it can be written"),
            serde_json::to_string(&writeoff()).expect("it can be written"),
            serde_json::to_string(&export_options()).expect("it can be written"),
        ],
        "robokassa_callback" => {
            let texts = robokassa::vectors().iter().flat_map(|(_, vectors)| &vectors.callbacks).map(|vector| {
                let first = if vector.request.method == HttpMethod::Get { "G" } else { "P" };
                format!("{first}{}", String::from_utf8_lossy(vector.form()))
            });
            let signed =
                ["S100.000000\u{1f}42\u{1f}42", "S94.72\u{1f}7\u{1f}A-1\u{1f}a\u{1f}1:Shp_order=42", "S1.001\u{1f}042"];
            texts.chain(signed.map(str::to_owned)).collect()
        }
        "robokassa_link" => {
            let rest = "10000\u{1f}Пополнение\u{1f}ru\u{1f}1893542645\u{1f}user@example.com";
            ["42", "1795545611003", "A-42", "9223372036854775808"].map(|id| format!("\0{id}\u{1f}{rest}")).into()
        }
        "cloudpayments_callback" => {
            let vectors = include_bytes!("../../data/cloudpayments/vectors.json");
            return [seeds_of(vectors, true), seeds_of(vectors, false)].concat();
        }
        "yookassa_callback" => return seeds_of(include_bytes!("../../data/yookassa/vectors.json"), false),
        "tbank_callback" => {
            return tbank::VECTORS
                .iter()
                .flat_map(|vectors| [seeds_of(vectors, true), seeds_of(vectors, false)].concat())
                .collect();
        }
        "osmp_callback" => return osmp::VECTORS.iter().flat_map(|(_, vectors)| seeds_of(vectors, false)).collect(),
        _ => panic!("unknown entry {name}"),
    };
    texts.into_iter().map(String::into_bytes).collect()
}
