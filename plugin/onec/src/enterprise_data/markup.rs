//! The XML itself: element names and their order, by 1C's schemas.
//!
//! What stands between two values is one literal, and what repeats is made once: a month has gigabytes of it.

use std::collections::BTreeMap;

use crate::identity::Reference;
use crate::totals::Sums;
use crate::writeoff::{Month, PartyKind};

use super::buyer::Buyer;
use super::options::{Options, Version};
use super::services::Service;

/// The namespace of the format, before its version.
const NAMESPACE: &str = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData/";

/// Roubles by ISO 4217.
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

/// What a document is known by.
pub struct Document {
    pub reference: Reference,
    pub number: String,
    pub month: Month,
    pub comment: String,
    /// What every line's «Содержание» ends with.
    pub lines_end: String,
}

/// A line of a document: the charges of one service and VAT rate.
#[derive(Clone, Copy)]
pub struct Line<'e> {
    pub service: &'e Service,
    pub rate: Option<u16>,
    pub sums: Sums,
    pub quantity_thousandths: i64,
}

/// A month as it is written.
#[derive(Debug)]
pub struct MonthTexts {
    /// `2026-10`
    pub key: String,
    /// `октябрь 2026`
    pub name: String,
    /// `2026-10-31T23:59:59`
    last_second: String,
}

/// Writes objects of one version, each on a line of its own.
#[derive(Debug)]
pub struct Markup {
    version: Version,
    months: BTreeMap<Month, MonthTexts>,
    beginning: String,
    /// The operator's «Организация», which 1C's base has already and finds by its tax numbers.
    organisation: String,
    /// The current buyer's «Контрагент» and the content of the «Договор», as other objects refer to them.
    counterparty: Vec<u8>,
    contract: Vec<u8>,
}

impl Markup {
    pub fn new(options: &Options) -> Markup {
        let version = options.version.as_str();
        let created_at = options.created_at.map(|at| at.to_string());
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
        let texts =
            |month: Month| MonthTexts { key: month.to_string(), name: month_name(month), last_second: month.last_second() };
        Markup {
            version: options.version,
            months: options.months().map(|month| (month, texts(month))).collect(),
            beginning,
            // It was made of strings.
            organisation: String::from_utf8(organisation).unwrap_or_default(),
            counterparty: Vec::new(),
            contract: Vec::new(),
        }
    }

    /// A month's texts; it is one of the export's.
    #[allow(clippy::indexing_slicing, reason = "no write-off of another month is taken")]
    pub fn month(&self, month: Month) -> &MonthTexts {
        &self.months[&month]
    }

    /// Begins a file.
    pub fn begin(&self, out: &mut Vec<u8>) {
        xml!(out, self.beginning.as_str());
    }

    /// Ends a file.
    pub fn end(&self, out: &mut Vec<u8>) {
        xml!(out, "</Body>\n</Message>\n");
    }

    /// Makes ready what the next objects say of their buyer.
    ///
    /// The keys are all that 1C may search by, since the buyer or the contract may have been in its base before, under a reference
    /// of its own.
    pub fn set_buyer(&mut self, buyer: &Buyer<'_>) {
        let out = &mut self.counterparty;
        out.clear();
        xml!(out, "<Контрагент><Ссылка>", buyer.reference, "</Ссылка><Наименование>", Text(&buyer.name), "</Наименование>");
        tax_numbers(out, buyer.inn, buyer.kpp);
        xml!(out, legal_form(buyer.kind), "</Контрагент>");

        let out = &mut self.contract;
        out.clear();
        xml!(out, "<Ссылка>", buyer.contract, "</Ссылка><ВидДоговора>СПокупателем</ВидДоговора>", self.organisation.as_str());
        xml!(
            out,
            self.counterparty.as_slice(),
            concat!("<ВалютаВзаиморасчетов>", roubles!(), "</ВалютаВзаиморасчетов><Наименование>"),
            Text(&buyer.contract_name),
            "</Наименование>"
        );
        if let Some(date) = buyer.contract_date {
            xml!(out, "<Дата>", date.to_string().as_str(), "</Дата>");
        }
        if !buyer.contract_number.is_empty() {
            xml!(out, "<Номер>", Text(buyer.contract_number), "</Номер>");
        }
    }

    pub fn counterparty(&self, buyer: &Buyer<'_>, out: &mut Vec<u8>) {
        xml!(out, "<Справочник.Контрагенты><КлючевыеСвойства><Ссылка>", buyer.reference, "</Ссылка><Наименование>");
        xml!(out, Text(&buyer.name), "</Наименование><НаименованиеПолное>", Text(&buyer.full_name), "</НаименованиеПолное>");
        tax_numbers(out, buyer.inn, buyer.kpp);
        xml!(out, legal_form(buyer.kind));
        if self.version >= Version::V1_17 && buyer.kind == PartyKind::SoleProprietor {
            xml!(out, "<ИндивидуальныйПредприниматель>true</ИндивидуальныйПредприниматель>");
        }
        xml!(out, "</КлючевыеСвойства></Справочник.Контрагенты>\n");
    }

    pub fn contract(&self, out: &mut Vec<u8>) {
        xml!(
            out,
            "<Справочник.Договоры><КлючевыеСвойства>",
            self.contract.as_slice(),
            "</КлючевыеСвойства></Справочник.Договоры>\n"
        );
    }

    pub fn service(&self, service: &Service, out: &mut Vec<u8>) {
        xml!(
            out,
            "<Справочник.Номенклатура><КлючевыеСвойства>",
            service.keys.as_slice(),
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

    /// Writes a document of the buyer that was set.
    pub fn document<'e>(
        &self,
        document: &Document,
        minor_units: i64,
        lines: impl Iterator<Item = Line<'e>> + Clone,
        out: &mut Vec<u8>,
    ) {
        let month = self.month(document.month);
        xml!(
            out,
            "<Документ.РеализацияТоваровУслуг><КлючевыеСвойства><Ссылка>",
            document.reference,
            "</Ссылка><Дата>",
            month.last_second.as_str(),
            "</Дата><Номер>",
            Text(&document.number),
            "</Номер>",
            self.organisation.as_str(),
            concat!("</КлючевыеСвойства><ВидОперации>РеализацияКлиенту</ВидОперации><Валюта>", roubles!(), "</Валюта><Сумма>"),
            Amount(minor_units),
            "</Сумма><СуммаВключаетНДС>true</СуммаВключаетНДС>",
            self.counterparty.as_slice(),
            "<ДанныеВзаиморасчетов><Договор>",
            self.contract.as_slice(),
            "</Договор></ДанныеВзаиморасчетов>"
        );
        let comment = Text(&document.comment);
        if self.version < Version::V1_17 {
            xml!(out, "<Комментарий>", comment, "</Комментарий>");
        }
        let is_taxed = lines.clone().any(|line| line.rate.is_some());
        let taxation =
            if is_taxed { "ПродажаОблагаетсяНДС" } else { "ПродажаНеОблагаетсяНДС" };
        xml!(out, "<Налогообложение>", taxation, "</Налогообложение><Услуги>");
        let mut lines_end = Vec::new();
        xml!(&mut lines_end, " за ", month.name.as_str(), " г.", Text(&document.lines_end), "</Содержание></Строка>");
        for line in lines {
            self.line(&line, out);
            xml!(out, lines_end.as_slice());
        }
        xml!(out, "</Услуги>");
        if self.version >= Version::V1_17 {
            xml!(out, "<ОбщиеСвойстваОбъектовФормата><Комментарий>", comment, "</Комментарий></ОбщиеСвойстваОбъектовФормата>");
        }
        xml!(out, "</Документ.РеализацияТоваровУслуг>\n");
    }

    /// Writes a line up to the end of its «Содержание».
    fn line(&self, line: &Line<'_>, out: &mut Vec<u8>) {
        let quantity = line.quantity_thousandths;
        // The quantity was chosen so that this divides evenly; nothing overflows that was multiplied for it.
        let price = line.sums.minor_units.saturating_mul(1000) / quantity;
        xml!(
            out,
            line.service.line.as_slice(),
            Thousandths(quantity),
            "</Количество><Сумма>",
            Amount(line.sums.minor_units),
            "</Сумма><Цена>",
            Amount(price),
            "</Цена>",
            rate(self.version, line.rate),
            Amount(line.sums.vat_minor_units),
            line.service.text.as_slice()
        );
    }
}

/// The key properties of a service.
pub fn service_keys(reference: Reference, name: &str, full_name: &str, article: &str) -> Vec<u8> {
    let mut keys = Vec::new();
    let out = &mut keys;
    xml!(out, "<Ссылка>", reference, "</Ссылка><НаименованиеПолное>", Text(full_name), "</НаименованиеПолное>");
    if !article.is_empty() {
        xml!(out, "<Артикул>", Text(article), "</Артикул>");
    }
    xml!(out, "<Наименование>", Text(name), "</Наименование>");
    keys
}

/// The beginning of a line of a service with these keys.
pub fn line_beginning(keys: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    xml!(&mut out, "<Строка><Номенклатура>", keys, "</Номенклатура><Количество>");
    out
}

/// The end of a line's VAT and the beginning of its «Содержание».
pub fn line_text(service: &str) -> Vec<u8> {
    let mut out = Vec::new();
    xml!(&mut out, "</СуммаНДС><Содержание>", Text(service));
    out
}

fn legal_form(kind: PartyKind) -> &'static str {
    match kind {
        PartyKind::Company => "<ЮридическоеФизическоеЛицо>ЮридическоеЛицо</ЮридическоеФизическоеЛицо>",
        PartyKind::SoleProprietor | PartyKind::Individual => {
            "<ЮридическоеФизическоеЛицо>ФизическоеЛицо</ЮридическоеФизическоеЛицо>"
        }
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

/// «СтавкаНДС» of a rate that the version has, and the beginning of «СуммаНДС». For 5 and 7 % no source says which «ВидСтавки»
/// 1С:Бухгалтерия expects; they are written as the one public generator that knows them does.
fn rate(version: Version, vat_basis_points: Option<u16>) -> &'static str {
    macro_rules! structure {
        ($rate:literal, $is_free:literal, $kind:literal) => {
            concat!(
                "<СтавкаНДС>",
                $rate,
                "<РасчетнаяСтавка>false</РасчетнаяСтавка><НеОблагается>",
                $is_free,
                "</НеОблагается><ВидСтавки>",
                $kind,
                "</ВидСтавки></СтавкаНДС><СуммаНДС>"
            )
        };
    }
    if version.has_any_rate() {
        match vat_basis_points {
            None => structure!("", "true", "БезНДС"),
            Some(0) => structure!("<Ставка>0</Ставка>", "false", "Нулевая"),
            Some(500) => structure!("<Ставка>5</Ставка>", "false", "Общая"),
            Some(700) => structure!("<Ставка>7</Ставка>", "false", "Общая"),
            Some(1000) => structure!("<Ставка>10</Ставка>", "false", "Пониженная"),
            Some(2000) => structure!("<Ставка>20</Ставка>", "false", "Общая"),
            Some(_) => structure!("<Ставка>22</Ставка>", "false", "Общая"),
        }
    } else {
        match vat_basis_points {
            None => "<СтавкаНДС>БезНДС</СтавкаНДС><СуммаНДС>",
            Some(0) => "<СтавкаНДС>НДС0</СтавкаНДС><СуммаНДС>",
            Some(1000) => "<СтавкаНДС>НДС10</СтавкаНДС><СуммаНДС>",
            Some(_) => "<СтавкаНДС>НДС20</СтавкаНДС><СуммаНДС>",
        }
    }
}

/// The code and name of a unit by the classifier of units («ОКЕИ»); one that is not known here goes by its name alone.
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

/// `октябрь 2026`
fn month_name(month: Month) -> String {
    const NAMES: [&str; 12] =
        ["январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"];
    let name = NAMES.get(usize::from(month.number()) - 1).copied().unwrap_or_default();
    format!("{name} {}", month.year())
}

/// Something that is written.
trait Piece {
    fn write(&self, out: &mut Vec<u8>);
}

/// Text between tags. What XML cannot hold at all was refused before.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

/// Minor units, with two decimals.
struct Amount(i64);

/// Thousandths, with three decimals; positive.
struct Thousandths(i64);

impl Piece for &str {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Piece for &[u8] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Piece for Text<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.0.as_bytes();
        if !bytes.iter().any(|byte| matches!(byte, b'&' | b'<' | b'>')) {
            return out.extend_from_slice(bytes);
        }
        for byte in bytes {
            match byte {
                b'&' => out.extend_from_slice(b"&amp;"),
                b'<' => out.extend_from_slice(b"&lt;"),
                b'>' => out.extend_from_slice(b"&gt;"),
                byte => out.push(*byte),
            }
        }
    }
}

impl Piece for Amount {
    fn write(&self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        decimal(out, self.0.unsigned_abs(), 100);
    }
}

impl Piece for Thousandths {
    fn write(&self, out: &mut Vec<u8>) {
        decimal(out, self.0.unsigned_abs(), 1000);
    }
}

impl Piece for Reference {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text().as_bytes());
    }
}

/// Writes a number of units of which `whole` make one, with all decimals.
fn decimal(out: &mut Vec<u8>, units: u64, whole: u64) {
    let mut place = whole;
    while units / place >= 10 {
        place *= 10;
    }
    while place > 0 {
        // A digit.
        out.push(b'0' + (units / place % 10) as u8);
        if place == whole {
            out.push(b'.');
        }
        place /= 10;
    }
}
