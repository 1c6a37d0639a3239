//! Reads an EnterpriseData file again, and checks its structure by 1C's schemas, and every sum.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use domain::{Date, WrittenDate};

use super::xml::{Element, Next, Xml};
use super::{FileFindings, Sums};
use crate::decimal::{self, vat_within};
use crate::manifest::{ExportInfo, FileEntry};

const MESSAGE: &str = "http://www.1c.ru/SSL/Exchange/Message";
const ENTERPRISE_DATA: &str = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData/";
/// The object type of an act.
pub const ACT: &str = "Документ.РеализацияТоваровУслуг";
/// The length of 1С:Бухгалтерия's field «Номер».
const NUMBER_CHARS_MAX: usize = 11;

/// Returns the version in a format's name, as the minor number of version 1.
pub fn version(format: &str) -> Option<u32> {
    let minor = format.strip_prefix("enterprise-data-1.")?.parse().ok()?;
    matches!(minor, 8 | 17 | 19 | 20 | 22).then_some(minor)
}

/// The document numbers of all files so far.
pub type Numbers = HashSet<String>;

/// Whether an element must be present, and since or until which version it exists.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Required,
    Optional,
    OptionalUntil17,
    OptionalSince17,
    RequiredSince17,
}

/// An element's children in their order, each with its own children or with the form of its text.
struct Sequence(&'static [(&'static str, Need, Content)]);

#[derive(Clone, Copy)]
enum Content {
    Within(&'static Sequence),
    /// A list of at least one of these elements.
    Rows(&'static str, &'static Sequence),
    Matches(fn(&str) -> bool),
}

use Content::{Matches, Rows, Within};
use Need::{Optional, OptionalSince17, OptionalUntil17, Required, RequiredSince17};

const ORGANISATION: Sequence = Sequence(&[
    ("Наименование", Required, Matches(is_text)),
    ("ИНН", Required, Matches(is_digits)),
    ("КПП", Optional, Matches(is_text)),
    ("ЮридическоеФизическоеЛицо", Required, Matches(is_legal_form)),
]);
const COUNTERPARTY: Sequence = Sequence(&[
    ("Ссылка", Required, Matches(is_reference)),
    ("Наименование", Required, Matches(is_name)),
    ("НаименованиеПолное", Optional, Matches(is_full_name)),
    ("ИНН", Optional, Matches(is_digits)),
    ("КПП", Optional, Matches(is_text)),
    ("ЮридическоеФизическоеЛицо", Required, Matches(is_legal_form)),
    ("НалоговыйНомерНерезидента", Optional, Matches(is_text)),
    ("ИндивидуальныйПредприниматель", OptionalSince17, Matches(is_true)),
]);
const CLASSIFIED: Sequence = Sequence(&[("ДанныеКлассификатора", Required, Within(&CLASSIFIER))]);
const CLASSIFIER: Sequence = Sequence(&[("Код", Optional, Matches(is_digits)), ("Наименование", Optional, Matches(is_text))]);
const CONTRACT: Sequence = Sequence(&[
    ("Ссылка", Required, Matches(is_reference)),
    ("ВидДоговора", Required, Matches(|text| text == "СПокупателем")),
    ("Организация", Required, Within(&ORGANISATION)),
    ("Контрагент", Required, Within(&COUNTERPARTY)),
    ("ВалютаВзаиморасчетов", Optional, Within(&CLASSIFIED)),
    ("Наименование", Required, Matches(is_name)),
    ("Дата", Optional, Matches(is_date)),
    ("Номер", Optional, Matches(|text| is_text(text) && text.chars().count() <= 20)),
]);
const SERVICE: Sequence = Sequence(&[
    ("Ссылка", Required, Matches(is_reference)),
    ("НаименованиеПолное", Optional, Matches(|text| is_text(text) && text.chars().count() <= 1000)),
    ("Артикул", Optional, Matches(|text| is_text(text) && text.chars().count() <= 25)),
    ("Наименование", Required, Matches(is_name)),
]);
const VAT_RATE: Sequence = Sequence(&[
    ("Ставка", Optional, Matches(is_digits)),
    ("РасчетнаяСтавка", Required, Matches(|text| text == "false")),
    ("НеОблагается", Required, Matches(|text| matches!(text, "true" | "false"))),
    ("ВидСтавки", Required, Matches(|text| matches!(text, "Общая" | "Пониженная" | "Нулевая" | "БезНДС"))),
]);
const LINE: Sequence = Sequence(&[
    ("Номенклатура", Required, Within(&SERVICE)),
    ("Количество", Required, Matches(|text| decimal::exact(text, 3).is_some_and(|thousandths| thousandths > 0))),
    ("Сумма", Required, Matches(is_amount)),
    ("Цена", Required, Matches(is_amount)),
    ("СтавкаНДС", Required, Within(&VAT_RATE)),
    ("СуммаНДС", Required, Matches(|text| decimal::exact(text, 2).is_some_and(|vat| vat >= 0))),
    ("Содержание", Required, Matches(is_text)),
]);
const DOCUMENT_KEYS: Sequence = Sequence(&[
    ("Ссылка", Required, Matches(is_reference)),
    ("Дата", Required, Matches(is_moment)),
    ("Номер", Required, Matches(|text| is_text(text) && text.chars().count() <= NUMBER_CHARS_MAX)),
    ("Организация", Required, Within(&ORGANISATION)),
]);
const DOCUMENT: Sequence = Sequence(&[
    ("КлючевыеСвойства", Required, Within(&DOCUMENT_KEYS)),
    ("ВидОперации", Required, Matches(|text| text == "РеализацияКлиенту")),
    ("Валюта", Required, Within(&CLASSIFIED)),
    ("Сумма", Required, Matches(is_amount)),
    ("СуммаВключаетНДС", Required, Matches(is_true)),
    ("Контрагент", Required, Within(&COUNTERPARTY)),
    ("ДанныеВзаиморасчетов", Required, Within(&Sequence(&[("Договор", Required, Within(&CONTRACT))]))),
    ("Комментарий", OptionalUntil17, Matches(is_text)),
    ("Налогообложение", Required, Matches(|text| matches!(text, "ПродажаОблагаетсяНДС" | "ПродажаНеОблагаетсяНДС"))),
    ("Услуги", Required, Rows("Строка", &LINE)),
    ("ОбщиеСвойстваОбъектовФормата", RequiredSince17, Within(&Sequence(&[("Комментарий", Required, Matches(is_text))]))),
]);
const OBJECTS: [(&str, &Sequence); 4] = [
    ("Справочник.Контрагенты", &Sequence(&[("КлючевыеСвойства", Required, Within(&COUNTERPARTY))])),
    ("Справочник.Договоры", &Sequence(&[("КлючевыеСвойства", Required, Within(&CONTRACT))])),
    (
        "Справочник.Номенклатура",
        &Sequence(&[
            ("КлючевыеСвойства", Required, Within(&SERVICE)),
            ("ТипНоменклатуры", Required, Matches(|text| text == "Услуга")),
            ("ЕдиницаИзмерения", Required, Within(&CLASSIFIED)),
        ]),
    ),
    (ACT, &DOCUMENT),
];

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

fn is_name(text: &str) -> bool {
    is_text(text) && text.chars().count() <= 100
}

fn is_full_name(text: &str) -> bool {
    is_text(text) && text.chars().count() <= 250
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_true(text: &str) -> bool {
    text == "true"
}

fn is_legal_form(text: &str) -> bool {
    matches!(text, "ЮридическоеЛицо" | "ФизическоеЛицо")
}

fn is_amount(text: &str) -> bool {
    decimal::exact(text, 2).is_some_and(|amount| amount > 0) && text.len() <= 16
}

fn is_reference(text: &str) -> bool {
    let form = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'5',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(form)
}

fn is_date(text: &str) -> bool {
    WrittenDate::parse(text).is_some()
}

fn is_moment(text: &str) -> bool {
    text.split_once('T').is_some_and(|(date, time)| is_date(date) && time == "23:59:59")
}

/// Reads a file. Returns what it holds, as far as it could be read.
pub fn read(
    file: impl BufRead,
    version: u32,
    about: &ExportInfo,
    entry: &FileEntry,
    numbers: &mut Numbers,
    found: &mut FileFindings<'_>,
) -> Sums {
    let mut reader = FileReader {
        version,
        namespace: format!("{ENTERPRISE_DATA}1.{version}"),
        about,
        rows: entry.totals.rows,
        numbers,
        objects: HashMap::new(),
        sums: Sums::default(),
        found,
    };
    if let Err(what) = reader.message(&mut Xml::new(file)) {
        reader.found.report(what);
    }
    reader.sums
}

struct FileReader<'f, 'n> {
    version: u32,
    namespace: String,
    about: &'f ExportInfo,
    /// How many write-offs the file has by the manifest. It bounds the rounding difference in the sum of their VAT.
    rows: u64,
    numbers: &'f mut Numbers,
    /// The references of the file's objects, with the type of each object.
    objects: HashMap<String, &'static str>,
    sums: Sums,
    found: &'f mut FileFindings<'n>,
}

impl FileReader<'_, '_> {
    fn message<R: BufRead>(&mut self, xml: &mut Xml<R>) -> Result<(), String> {
        self.open(xml, "", "Message")?;
        let mut header = self.open(xml, MESSAGE, "Header")?;
        xml.rest(&mut header)?;
        let names: Vec<_> = header.children.iter().map(|child| child.name.as_str()).collect();
        if names != ["Format", "CreationDate", "AvailableVersion"] {
            self.found.report(format!("the header has {}", names.join(", ")));
        }
        if header.at(&["Format"]) != self.namespace || header.at(&["AvailableVersion"]) != format!("1.{}", self.version) {
            self.found.report(format!("the header is not of the version 1.{}", self.version));
        }
        let namespace = self.namespace.clone();
        self.open(xml, &namespace, "Body")?;
        loop {
            match xml.next()? {
                Next::Start(mut object) => {
                    xml.rest(&mut object)?;
                    self.object(&object);
                }
                Next::End => break,
                Next::Eof => return Err("the file ends within its body".to_owned()),
            }
        }
        // The body has ended. The message must end now, and then the file.
        match (xml.next()?, xml.next()?) {
            (Next::End, Next::Eof) => Ok(()),
            _ => Err("something stands after the body".to_owned()),
        }
    }

    fn open<R: BufRead>(&mut self, xml: &mut Xml<R>, namespace: &str, name: &str) -> Result<Element, String> {
        match xml.next()? {
            Next::Start(element) if element.name == name && element.namespace == namespace => Ok(element),
            other => Err(format!("{name} is missing where {other:?} stands")),
        }
    }

    fn object(&mut self, object: &Element) {
        let Some((name, sequence)) = OBJECTS.iter().find(|(name, _)| *name == object.name) else {
            return self.found.report(format!("the object {} is not known, and 1C passes over it in silence", object.name));
        };
        let reference = object.at(&["КлючевыеСвойства", "Ссылка"]).to_owned();
        let at = format!("{name} {reference}");
        self.sequence(object, sequence, &at);
        if *name == ACT {
            self.document(object, &at);
        }
        if *name == "Справочник.Договоры" {
            self.refer(object.at(&["КлючевыеСвойства", "Контрагент", "Ссылка"]), "Справочник.Контрагенты", &at);
        }
        if self.objects.insert(reference, name).is_some() {
            self.found.report(format!("{at}: the reference occurs twice"));
        }
    }

    /// Compares an element's children with their sequence.
    fn sequence(&mut self, element: &Element, sequence: &Sequence, at: &str) {
        let mut children = element.children.iter().peekable();
        for (name, need, content) in sequence.0 {
            let (must, may) = match need {
                Required => (true, true),
                Optional => (false, true),
                OptionalUntil17 => (false, self.version < 17),
                OptionalSince17 => (false, self.version >= 17),
                RequiredSince17 => (self.version >= 17, self.version >= 17),
            };
            match children.next_if(|child| child.name == *name && may) {
                Some(child) => self.content(child, *content, at),
                None if must => self.found.report(format!("{at}: {} has no {name} in its place", element.name)),
                None => {}
            }
        }
        for child in children {
            self.found.report(format!("{at}: {} has {} where it must not stand", element.name, child.name));
        }
    }

    fn content(&mut self, element: &Element, content: Content, at: &str) {
        if element.namespace != self.namespace {
            self.found.report(format!("{at}: {} is of another namespace", element.name));
        }
        match content {
            // Before 1.17 the rate is a name.
            Within(sequence) if std::ptr::eq(sequence, &VAT_RATE) && self.version < 17 => {}
            Within(sequence) => {
                if !element.text.is_empty() {
                    self.found.report(format!("{at}: {} has the text {:?}", element.name, element.text));
                }
                self.sequence(element, sequence, at);
            }
            Rows(name, sequence) => {
                if element.children.is_empty() {
                    self.found.report(format!("{at}: {} is empty", element.name));
                }
                for row in &element.children {
                    if row.name == name {
                        self.sequence(row, sequence, at);
                    } else {
                        self.found.report(format!("{at}: {} has {} instead of {name}", element.name, row.name));
                    }
                }
            }
            Matches(is) => {
                if !element.children.is_empty() || !is(&element.text) {
                    self.found.report(format!("{at}: {} is {:?}", element.name, element.text));
                }
            }
        }
    }

    fn document(&mut self, document: &Element, at: &str) {
        let number = document.at(&["КлючевыеСвойства", "Номер"]);
        if !self.numbers.insert(number.to_owned()) {
            self.found.report(format!("{at}: the number {number} occurs twice"));
        }
        let date = document.at(&["КлючевыеСвойства", "Дата"]);
        let day = |date: Date| date.to_string();
        if date
            .get(..10)
            .is_none_or(|date| date < day(self.about.period_start).as_str() || date > day(self.about.period_end).as_str())
        {
            self.found.report(format!("{at}: its date {date} lies outside the period"));
        }
        if document.at(&["КлючевыеСвойства", "Организация", "ИНН"]) != self.about.seller.inn {
            self.found.report(format!("{at}: it is of another organisation than the manifest's"));
        }
        self.refer(document.at(&["Контрагент", "Ссылка"]), "Справочник.Контрагенты", at);
        self.refer(document.at(&["ДанныеВзаиморасчетов", "Договор", "Ссылка"]), "Справочник.Договоры", at);
        let buyer = ["ДанныеВзаиморасчетов", "Договор", "Контрагент", "Ссылка"];
        if document.at(&buyer) != document.at(&["Контрагент", "Ссылка"]) {
            self.found.report(format!("{at}: the contract is of another counterparty"));
        }
        self.sums.documents += 1;
        let summary = self.about.options.iter().any(|(name, value)| name == "mode" && value == "summary-individuals");
        let has_number = |number| !document.at(&["Контрагент", number]).is_empty();
        let is_summary = summary && !has_number("ИНН") && !has_number("НалоговыйНомерНерезидента");
        let mut total = 0;
        for line in document.child("Услуги").map(|lines| lines.children.as_slice()).unwrap_or_default() {
            total += self.line(line, is_summary, at).unwrap_or_default();
        }
        if decimal::exact(document.at(&["Сумма"]), 2) != Some(total) {
            self.found.report(format!("{at}: its sum is {}, its lines have {total} kopecks", document.at(&["Сумма"])));
        }
    }

    /// Checks a line's sums and returns its amount. An amount that cannot be read was reported already.
    fn line(&mut self, line: &Element, is_summary: bool, at: &str) -> Option<i128> {
        self.refer(line.at(&["Номенклатура", "Ссылка"]), "Справочник.Номенклатура", at);
        let amount = decimal::exact(line.at(&["Сумма"]), 2)?;
        let (quantity, price) = (decimal::exact(line.at(&["Количество"]), 3)?, decimal::exact(line.at(&["Цена"]), 2)?);
        if quantity * price != amount * 1000 {
            self.found.report(format!("{at}: {quantity} thousandths at {price} kopecks are not {amount} kopecks"));
        }
        let vat = decimal::exact(line.at(&["СуммаНДС"]), 2)?;
        let Some(rate) = self.rate(line) else {
            self.found.report(format!("{at}: a line has no VAT rate that is known"));
            return Some(amount);
        };
        let want = rate.map_or(0, |rate| vat_within(amount, rate));
        // Each write-off's VAT was rounded by itself, by half a kopeck at most.
        let tolerance = if is_summary { i128::from(self.rows.div_ceil(2)) } else { 0 };
        if (vat - want).abs() > tolerance {
            self.found.report(format!("{at}: the VAT is {vat} kopecks instead of {want}"));
        }
        self.sums.count(rate, amount, vat);
        Some(amount)
    }

    /// Returns a line's rate in hundredths of a percent; the inner `None` is «без НДС».
    fn rate(&self, line: &Element) -> Option<Option<u16>> {
        let (rate, kind, free) = if self.version < 17 {
            match line.at(&["СтавкаНДС"]) {
                "НДС20" => ("20", "Общая", false),
                "НДС10" => ("10", "Пониженная", false),
                "НДС0" => ("0", "Нулевая", false),
                "БезНДС" => ("", "БезНДС", true),
                _ => return None,
            }
        } else {
            let of = |name| line.at(&["СтавкаНДС", name]);
            (of("Ставка"), of("ВидСтавки"), of("НеОблагается") == "true")
        };
        match (rate, kind, free) {
            ("", "БезНДС", true) => Some(None),
            ("0", "Нулевая", false) | ("10", "Пониженная", false) | ("5" | "7" | "20" | "22", "Общая", false) => {
                Some(Some(rate.parse::<u16>().ok()? * 100))
            }
            _ => None,
        }
    }

    /// Checks that the referenced object came before.
    fn refer(&mut self, reference: &str, kind: &str, at: &str) {
        if self.objects.get(reference).is_none_or(|known| *known != kind) {
            self.found.report(format!("{at}: no {kind} {reference} stands before it"));
        }
    }
}
