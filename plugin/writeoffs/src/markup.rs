//! The XML itself: element names and their order, by 1C's schemas.
//!
//! The text between two values is a single literal, and repeated parts are built once: a month has gigabytes of XML.

use std::ops::Range;

use crate::date::Month;
use crate::identity::Reference;
use crate::totals::Sums;
use crate::writeoff::PartyKind;

use crate::buyer::Buyer;
use crate::options::Options;
use crate::services::{Service, Services};
use crate::version::Version;

/// The namespace of the format, without the version at its end.
const NAMESPACE: &str = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData/";

/// The rouble's ISO 4217 number.
macro_rules! roubles {
    () => {
        "<ДанныеКлассификатора><Код>643</Код></ДанныеКлассификатора>"
    };
}

/// Writes pieces one after another.
macro_rules! xml {
    ($out:expr, $($piece:expr),+ $(,)?) => {
        $(Piece::write(&$piece, $out);)+
    };
}

/// What identifies a document.
pub struct Document {
    pub reference: Reference,
    pub number: String,
    /// The sum, including VAT.
    pub minor_units: i64,
    pub comment: String,
    /// Whether every line's «Содержание» ends with the comment.
    pub lines_have_comment: bool,
}

/// Writes the objects of one version, each on its own line.
///
/// The parts of documents that depend on the buyer and the month are built beforehand, by `set_buyer` and `set_month`.
#[derive(Debug)]
pub struct Markup {
    version: Version,
    beginning: String,
    /// The text between a contract's reference and its «Контрагент»: the seller's «Организация», which exists in 1C's database
    /// already and is found by its tax numbers.
    contract_organisation: Vec<u8>,
    /// The text between a document's number and its sum, which includes the «Организация».
    number_to_sum: Vec<u8>,
    /// «СтавкаНДС» of each rate that the version supports, up to the VAT.
    rates: Vec<(Option<u16>, Vec<u8>)>,
    month_set: Option<Month>,
    /// `октябрь 2026`
    month_name: String,
    /// The text between a document's reference and its number.
    month_date: Vec<u8>,
    /// The text between a document's sum and its «Налогообложение»: the buyer's «Контрагент» and the «Договор».
    buyer: Vec<u8>,
    /// The range of the «Договор»'s content in it.
    contract: Range<usize>,
    /// The end of a line, after the service.
    line_end: Vec<u8>,
    /// By the service's index.
    services: Vec<ServiceMarkup>,
}

/// The repeated parts of a service.
#[derive(Debug)]
struct ServiceMarkup {
    /// The beginning of a line, up to the quantity; then the part between the VAT and the month.
    line: Vec<u8>,
    /// The range of the key properties in it.
    keys: Range<usize>,
    /// Where its second part begins.
    text_at: usize,
}

impl Markup {
    pub fn new(format: Version, options: &Options) -> Markup {
        let version = format.as_str();
        let created_at = options.created_at.map(|at| at.text());
        let created_at = created_at.unwrap_or_else(|| options.period_end.month().last_second());
        let beginning = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Message xmlns:msg=\"http://www.1c.ru/SSL/Exchange/Message\" \
             xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
             <msg:Header><msg:Format>{NAMESPACE}{version}</msg:Format><msg:CreationDate>{created_at}</msg:CreationDate>\
             <msg:AvailableVersion>{version}</msg:AvailableVersion></msg:Header>\n<Body xmlns=\"{NAMESPACE}{version}\">\n"
        );
        let seller = &options.seller;
        let mut organisation = Vec::new();
        xml!(&mut organisation, "<Организация><Наименование>", Text(seller.name.trim()), "</Наименование>");
        tax_numbers(&mut organisation, &seller.inn, &seller.kpp);
        xml!(&mut organisation, legal_form(seller.kind), "</Организация>");
        let mut contract_organisation = Vec::new();
        xml!(&mut contract_organisation, "</Ссылка><ВидДоговора>СПокупателем</ВидДоговора>", organisation.as_slice());
        let mut number_to_sum = Vec::new();
        xml!(
            &mut number_to_sum,
            "</Номер>",
            organisation.as_slice(),
            concat!("</КлючевыеСвойства><ВидОперации>РеализацияКлиенту</ВидОперации><Валюта>", roubles!(), "</Валюта><Сумма>")
        );
        Markup {
            version: format,
            beginning,
            contract_organisation,
            number_to_sum,
            rates: RATES.iter().map(|rate| (rate.0, rate_beginning(format, rate))).collect(),
            month_set: None,
            month_name: String::new(),
            month_date: Vec::new(),
            buyer: Vec::new(),
            contract: 0..0,
            line_end: Vec::new(),
            services: Vec::new(),
        }
    }

    /// Writes the beginning of a file.
    pub fn begin(&self, out: &mut Vec<u8>) {
        xml!(out, self.beginning.as_str());
    }

    /// Writes the end of a file.
    pub fn end(&self, out: &mut Vec<u8>) {
        xml!(out, "</Body>\n</Message>\n");
    }

    /// Prepares the month's part of the next documents.
    pub fn set_month(&mut self, month: Month) {
        if self.month_set == Some(month) {
            return;
        }
        self.month_set = Some(month);
        self.month_name = month_name(month);
        self.month_date.clear();
        xml!(&mut self.month_date, "</Ссылка><Дата>", month.last_second().as_str(), "</Дата><Номер>");
    }

    /// Returns the name of the month that was set, such as `октябрь 2026`.
    pub fn month_name(&self) -> &str {
        &self.month_name
    }

    /// Prepares the buyer's part of the next objects.
    ///
    /// The keys include everything that 1C may search by: the buyer or the contract may exist in its database already, with a
    /// reference of its own.
    pub fn set_buyer(&mut self, buyer: &Buyer<'_>) {
        let out = &mut self.buyer;
        out.clear();
        xml!(out, "</Сумма><СуммаВключаетНДС>true</СуммаВключаетНДС>");
        let counterparty = out.len();
        xml!(out, "<Контрагент><Ссылка>", buyer.reference, "</Ссылка><Наименование>", Text(&buyer.name), "</Наименование>");
        tax_numbers(out, buyer.inn, buyer.kpp);
        xml!(out, legal_form(buyer.kind));
        foreign_tax_number(out, buyer);
        xml!(out, "</Контрагент>");
        let counterparty = counterparty..out.len();
        xml!(out, "<ДанныеВзаиморасчетов><Договор>");
        let contract = out.len();
        xml!(out, "<Ссылка>", buyer.contract, self.contract_organisation.as_slice());
        out.extend_from_within(counterparty);
        xml!(
            out,
            concat!("<ВалютаВзаиморасчетов>", roubles!(), "</ВалютаВзаиморасчетов><Наименование>"),
            Text(&buyer.contract_name),
            "</Наименование>"
        );
        if !buyer.contract_date.is_empty() {
            xml!(out, "<Дата>", buyer.contract_date.as_str(), "</Дата>");
        }
        if !buyer.contract_number.is_empty() {
            xml!(out, "<Номер>", Text(buyer.contract_number), "</Номер>");
        }
        self.contract = contract..out.len();
        xml!(out, "</Договор></ДанныеВзаиморасчетов>");
    }

    pub fn counterparty(&self, buyer: &Buyer<'_>, out: &mut Vec<u8>) {
        xml!(out, "<Справочник.Контрагенты><КлючевыеСвойства><Ссылка>", buyer.reference, "</Ссылка><Наименование>");
        xml!(out, Text(&buyer.name), "</Наименование><НаименованиеПолное>", Text(&buyer.full_name), "</НаименованиеПолное>");
        tax_numbers(out, buyer.inn, buyer.kpp);
        xml!(out, legal_form(buyer.kind));
        foreign_tax_number(out, buyer);
        if self.version >= Version::V1_17 && buyer.kind == PartyKind::SoleProprietor {
            xml!(out, "<ИндивидуальныйПредприниматель>true</ИндивидуальныйПредприниматель>");
        }
        xml!(out, "</КлючевыеСвойства></Справочник.Контрагенты>\n");
    }

    pub fn contract(&self, out: &mut Vec<u8>) {
        xml!(
            out,
            "<Справочник.Договоры><КлючевыеСвойства>",
            self.buyer.get(self.contract.clone()).unwrap_or_default(),
            "</КлючевыеСвойства></Справочник.Договоры>\n"
        );
    }

    /// Prepares the parts of services that were added since the last call.
    pub fn set_services(&mut self, services: &Services) {
        let new = services.since(self.services.len());
        self.services.extend(new.iter().map(ServiceMarkup::new));
    }

    /// Writes a service, given its index.
    pub fn service(&self, index: usize, service: &Service, out: &mut Vec<u8>) {
        let keys = self.services.get(index).and_then(|known| known.line.get(known.keys.clone())).unwrap_or_default();
        xml!(
            out,
            "<Справочник.Номенклатура><КлючевыеСвойства>",
            keys,
            "</КлючевыеСвойства><ТипНоменклатуры>Услуга</ТипНоменклатуры><ЕдиницаИзмерения><ДанныеКлассификатора>"
        );
        let (code, name) = unit(&service.unit);
        if !code.is_empty() {
            xml!(out, "<Код>", code, "</Код>");
        }
        xml!(
            out,
            "<Наименование>",
            Text(name),
            "</Наименование></ДанныеКлассификатора></ЕдиницаИзмерения></Справочник.Номенклатура>\n"
        );
    }

    /// Writes the part of a document before its lines, for the buyer and month that were set.
    pub fn begin_document(&mut self, document: &Document, is_taxed: bool, out: &mut Vec<u8>) {
        xml!(
            out,
            "<Документ.РеализацияТоваровУслуг><КлючевыеСвойства><Ссылка>",
            document.reference,
            self.month_date.as_slice(),
            Text(&document.number),
            self.number_to_sum.as_slice(),
            Amount(document.minor_units),
            self.buyer.as_slice()
        );
        if self.version < Version::V1_17 {
            xml!(out, "<Комментарий>", Text(&document.comment), "</Комментарий>");
        }
        let taxation =
            if is_taxed { "ПродажаОблагаетсяНДС" } else { "ПродажаНеОблагаетсяНДС" };
        xml!(out, "<Налогообложение>", taxation, "</Налогообложение><Услуги>");
        let out = &mut self.line_end;
        out.clear();
        xml!(out, " за ", self.month_name.as_str(), " г.");
        if document.lines_have_comment {
            xml!(out, ", ", Text(&document.comment));
        }
        xml!(out, "</Содержание></Строка>");
    }

    /// Writes a line, given the index of its service.
    pub fn line(&self, service: usize, rate: Option<u16>, sums: Sums, quantity_thousandths: i64, out: &mut Vec<u8>) {
        // The quantity was chosen so that this divides evenly, and the same product was checked for overflow then.
        let price = sums.minor_units.saturating_mul(1000) / quantity_thousandths;
        let rate = self.rates.iter().find(|known| known.0 == rate).map_or(&[][..], |known| &known.1);
        let service = self.services.get(service).and_then(|known| known.line.split_at_checked(known.text_at));
        let (line, text) = service.unwrap_or_default();
        xml!(
            out,
            line,
            Thousandths(quantity_thousandths),
            "</Количество><Сумма>",
            Amount(sums.minor_units),
            "</Сумма><Цена>",
            Amount(price),
            "</Цена>",
            rate,
            Amount(sums.vat_minor_units),
            text,
            self.line_end.as_slice()
        );
    }

    pub fn end_document(&self, document: &Document, out: &mut Vec<u8>) {
        xml!(out, "</Услуги>");
        if self.version >= Version::V1_17 {
            xml!(out, "<ОбщиеСвойстваОбъектовФормата><Комментарий>", Text(&document.comment));
            xml!(out, "</Комментарий></ОбщиеСвойстваОбъектовФормата>");
        }
        xml!(out, "</Документ.РеализацияТоваровУслуг>\n");
    }
}

impl ServiceMarkup {
    fn new(service: &Service) -> ServiceMarkup {
        let mut line = Vec::new();
        let out = &mut line;
        xml!(out, "<Строка><Номенклатура>");
        let keys = out.len();
        xml!(out, "<Ссылка>", service.reference, "</Ссылка><НаименованиеПолное>", Text(&service.name), "</НаименованиеПолное>");
        if !service.article().is_empty() {
            xml!(out, "<Артикул>", Text(service.article()), "</Артикул>");
        }
        xml!(out, "<Наименование>", Text(&service.short_name), "</Наименование>");
        let keys = keys..out.len();
        xml!(out, "</Номенклатура><Количество>");
        let text_at = out.len();
        xml!(out, "</СуммаНДС><Содержание>", Text(&service.name));
        ServiceMarkup { line, keys, text_at }
    }
}

fn legal_form(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Company => "<ЮридическоеФизическоеЛицо>ЮридическоеЛицо</ЮридическоеФизическоеЛицо>",
        PartyKind::SoleProprietor | PartyKind::Individual => {
            "<ЮридическоеФизическоеЛицо>ФизическоеЛицо</ЮридическоеФизическоеЛицо>"
        }
    }
}

fn foreign_tax_number(out: &mut Vec<u8>, buyer: &Buyer<'_>) {
    if !buyer.foreign_tax_number.is_empty() {
        xml!(out, "<НалоговыйНомерНерезидента>", Text(buyer.foreign_tax_number), "</НалоговыйНомерНерезидента>");
    }
}

fn tax_numbers(out: &mut Vec<u8>, inn: &str, kpp: &str) {
    if !inn.is_empty() {
        xml!(out, "<ИНН>", Text(inn), "</ИНН>");
    }
    if !kpp.is_empty() {
        xml!(out, "<КПП>", Text(kpp), "</КПП>");
    }
}

/// The rates, each in percent and with its «ВидСтавки». For 5 and 7 % no source says which «ВидСтавки» 1С:Бухгалтерия expects;
/// they follow the only public generator that supports them.
const RATES: [(Option<u16>, &str, &str); 7] = [
    (None, "", "БезНДС"),
    (Some(0), "0", "Нулевая"),
    (Some(500), "5", "Общая"),
    (Some(700), "7", "Общая"),
    (Some(1000), "10", "Пониженная"),
    (Some(2000), "20", "Общая"),
    (Some(2200), "22", "Общая"),
];

/// Returns «СтавкаНДС» of a rate and the opening tag of «СуммаНДС».
fn rate_beginning(version: Version, (rate, percent, kind): &(Option<u16>, &str, &str)) -> Vec<u8> {
    let mut out = Vec::new();
    xml!(&mut out, "<СтавкаНДС>");
    if version.has_any_rate() {
        if rate.is_some() {
            xml!(&mut out, "<Ставка>", *percent, "</Ставка>");
        }
        let is_free = if rate.is_some() { "false" } else { "true" };
        xml!(&mut out, "<РасчетнаяСтавка>false</РасчетнаяСтавка><НеОблагается>", is_free);
        xml!(&mut out, "</НеОблагается><ВидСтавки>", *kind, "</ВидСтавки>");
    } else if rate.is_some() {
        xml!(&mut out, "НДС", *percent);
    } else {
        xml!(&mut out, *kind);
    }
    xml!(&mut out, "</СтавкаНДС><СуммаНДС>");
    out
}

/// Returns the code and name of a unit by the classifier «ОКЕИ». A unit that is not known here has an empty code.
fn unit(name: &str) -> (&'static str, &str) {
    match name {
        "" | "шт" | "шт." => ("796", "шт"),
        "мес" | "мес." => ("362", "мес"),
        "сут" | "сут." => ("359", "сут"),
        "ч" => ("356", "ч"),
        "мин" | "мин." => ("355", "мин"),
        "с" => ("354", "с"),
        "МБ" | "Мбайт" => ("257", "Мбайт"),
        other => ("", other),
    }
}

/// Returns the name of a month and the year, such as `октябрь 2026`.
fn month_name(month: Month) -> String {
    const NAMES: [&str; 12] =
        ["январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"];
    let name = NAMES.get(usize::from(month.number()) - 1).copied().unwrap_or_default();
    let number = month.text();
    [name, " ", number.get(..4).unwrap_or_default()].concat()
}

/// Something that can be written.
trait Piece {
    fn write(&self, out: &mut Vec<u8>);
}

/// Text between tags. Characters that XML cannot contain were refused before.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

/// An amount in minor units, written with two decimals.
struct Amount(i64);

/// A positive quantity in thousandths, written with three decimals.
struct Thousandths(i64);

impl Piece for &str {
    fn write(&self, out: &mut Vec<u8>) {
        write(out, self.as_bytes());
    }
}

impl Piece for &[u8] {
    fn write(&self, out: &mut Vec<u8>) {
        write(out, self);
    }
}

impl Piece for Text<'_> {
    #[inline(never)]
    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.0.as_bytes();
        // The loop has no early exit, so that compilers can vectorize it.
        let escapes = bytes.iter().fold(false, |any, byte| any | matches!(byte, b'&' | b'<' | b'>'));
        if !escapes {
            return write(out, bytes);
        }
        for byte in bytes {
            match byte {
                b'&' => write(out, b"&amp;"),
                b'<' => write(out, b"&lt;"),
                b'>' => write(out, b"&gt;"),
                byte => out.push(*byte),
            }
        }
    }
}

impl Piece for Amount {
    fn write(&self, out: &mut Vec<u8>) {
        money::write_amount(out, self.0);
    }
}

impl Piece for Thousandths {
    fn write(&self, out: &mut Vec<u8>) {
        money::write_decimal(out, self.0.unsigned_abs(), 3);
    }
}

impl Piece for Reference {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes());
    }
}

/// Not inlined, to keep the code small where something is written.
#[inline(never)]
fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}
