//! The options of the register's format.

use kit::contract::{EventKind, Fields, Problem, SettingKind};
use kit::problem::Code;
use kit::settings::{Choice, Declared, Reader, form};
use kit::settlement_reports::ReportFormat;

use crate::register::value::Encoding;

/// The format's name.
pub const CSV: &str = "csv";

/// A column that the options can name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    Transaction,
    Amount,
    Type,
    Order,
    Account,
    Fee,
    Net,
    Currency,
    Date,
    Original,
    Payout,
}

impl Column {
    pub const ALL: [Column; 11] = [
        Column::Transaction,
        Column::Amount,
        Column::Type,
        Column::Order,
        Column::Account,
        Column::Fee,
        Column::Net,
        Column::Currency,
        Column::Date,
        Column::Original,
        Column::Payout,
    ];

    /// Returns the option that names the column.
    pub fn option(self) -> &'static str {
        match self {
            Column::Transaction => "column-transaction",
            Column::Amount => "column-amount",
            Column::Type => "column-type",
            Column::Order => "column-order",
            Column::Account => "column-account",
            Column::Fee => "column-fee",
            Column::Net => "column-net",
            Column::Currency => "column-currency",
            Column::Date => "column-date",
            Column::Original => "column-original",
            Column::Payout => "column-payout",
        }
    }
}

/// The lists of types: the option of each, and what its types are.
const TYPES: [(&str, Option<EventKind>); 4] = [
    ("payment-types", Some(EventKind::Payment)),
    ("refund-types", Some(EventKind::Refund)),
    ("chargeback-types", Some(EventKind::Chargeback)),
    ("other-types", None),
];

/// Validated options.
pub struct Options {
    pub separator: u8,
    pub encoding: Encoding,
    pub decimal_mark: char,
    /// The row with the names of the columns, from 1. Rows before it are skipped.
    pub header_row: u64,
    /// The offset from UTC, `+03:00`; empty: not known.
    pub zone: String,
    /// The names of the columns, in the order of [`Column::ALL`].
    columns: Vec<Option<String>>,
    /// The types of each list, in the order of [`TYPES`].
    types: Vec<Vec<String>>,
}

impl Options {
    /// Parses the entered options.
    ///
    /// # Errors
    /// All problems at once, each with its field.
    pub fn read(entered: &Fields) -> Result<Options, Vec<Problem>> {
        let mut reader = Reader::new(&DECLARED, entered);
        let separator = reader.choose("separator", b";,\t");
        let encoding = reader.choose("encoding", &[Encoding::Utf8, Encoding::Windows1251]);
        let decimal_mark = reader.choose("decimal-mark", &['.', ',']);
        let header_row = reader.take("header-row", |text| match text.parse() {
            Ok(row) if row > 0 => Ok(row),
            _ => Err("The first row is 1.".to_owned()),
        });
        let zone = reader.take("zone", zone).unwrap_or_default();
        let name = |text: &str| Ok::<_, String>(text.to_owned());
        let columns: Vec<Option<String>> = Column::ALL.into_iter().map(|column| reader.take(column.option(), name)).collect();
        let types: Vec<Vec<String>> =
            TYPES.into_iter().map(|(option, _)| reader.take(option, types).unwrap_or_default()).collect();
        let mut problems = reader.into_problems();
        if let Some(name) = types.iter().enumerate().find_map(|(at, list)| {
            let others = types.get(at + 1..).unwrap_or_default();
            list.iter().find(|name| others.iter().flatten().any(|other| is_same(name, other)))
        }) {
            let message = format!("The type «{}» is in two lists.", kit::text::shown(name));
            problems.push(Code::FieldConflict.at("payment-types", message));
        }
        match (separator, encoding, decimal_mark, header_row) {
            (Some(separator), Some(encoding), Some(decimal_mark), Some(header_row)) if problems.is_empty() => {
                Ok(Options { separator, encoding, decimal_mark, header_row, zone, columns, types })
            }
            _ => Err(problems),
        }
    }

    /// Returns the name of a column, if the options give one.
    pub fn column(&self, column: Column) -> Option<&str> {
        self.columns.get(column as usize)?.as_deref()
    }

    /// Returns what the rows of a type are; `None` if it is in no list.
    pub fn kind(&self, name: &str) -> Option<Option<EventKind>> {
        let mut lists = self.types.iter().zip(TYPES);
        lists.find(|(list, _)| list.iter().any(|known| is_same(known, name))).map(|(_, (_, kind))| kind)
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn zone(text: &str) -> Result<String, String> {
    let is_zone = match text.as_bytes() {
        [b'+' | b'-', digits @ ..] => {
            matches!(digits, [b'0'..=b'1', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'])
        }
        _ => false,
    };
    if is_zone { Ok(text.to_owned()) } else { Err("It is an offset from UTC such as +03:00.".to_owned()) }
}

fn types(text: &str) -> Result<Vec<String>, String> {
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Returns the format with its options.
pub fn format() -> ReportFormat {
    let title = [("ru", "Детализация ChronoPay (CSV)"), ("en", "ChronoPay's register (CSV)")];
    ReportFormat {
        name: CSV.to_owned(),
        title: title.map(|(language, text)| (language.to_owned(), text.to_owned())).to_vec(),
        file: true,
        call: false,
        options: form(&DECLARED),
        extra: Vec::new(),
    }
}

const HEADING: [&str; 2] = ["Заголовок столбца.", "The column's heading."];
const OPTIONAL: [&str; 2] = ["Заголовок столбца. Пусто: такого столбца нет.", "The column's heading. Empty: there is none."];

const fn column(name: &'static str, title: [&'static str; 2]) -> Declared {
    Declared::new(name, SettingKind::Text, title, OPTIONAL).optional()
}

const fn list(name: &'static str, title: [&'static str; 2]) -> Declared {
    Declared::new(
        name,
        SettingKind::Text,
        title,
        ["Через запятую, как в столбце типа.", "Separated by commas, as in the column of the type."],
    )
    .optional()
}

static DECLARED: [Declared; 20] = [
    Declared::new(
        "encoding",
        SettingKind::Choice,
        ["Кодировка", "Encoding"],
        ["Если вместо букв видны знаки «?» — выберите другую.", "Choose the other one where letters become question marks."],
    )
    .or("utf-8")
    .one_of(&[Choice::plain("utf-8"), Choice::plain("windows-1251")]),
    Declared::new("separator", SettingKind::Choice, ["Разделитель", "Separator"], ["Между столбцами.", "Between columns."])
        .or("semicolon")
        .one_of(&[
            Choice::new("semicolon", ["точка с запятой", "semicolon"]),
            Choice::new("comma", ["запятая", "comma"]),
            Choice::new("tab", ["табуляция", "tab"]),
        ]),
    Declared::new("decimal-mark", SettingKind::Choice, ["Знак перед копейками", "Decimal mark"], ["В суммах.", "In amounts."])
        .or("point")
        .one_of(&[Choice::new("point", ["точка", "point"]), Choice::new("comma", ["запятая", "comma"])]),
    Declared::new(
        "header-row",
        SettingKind::Integer,
        ["Строка с заголовками", "Row of the headings"],
        ["Номер строки; строки до неё пропускаются.", "Its number; rows before it are skipped."],
    )
    .or("1"),
    Declared::new(
        "zone",
        SettingKind::Text,
        ["Часовой пояс", "Time zone"],
        ["Смещение от UTC, например +03:00. Пусто: не известно.", "An offset from UTC such as +03:00. Empty: not known."],
    )
    .optional(),
    Declared::new("column-transaction", SettingKind::Text, ["Транзакция", "Transaction"], HEADING),
    Declared::new("column-amount", SettingKind::Text, ["Сумма", "Amount"], HEADING),
    column("column-type", ["Тип операции", "Type"]),
    column("column-order", ["Заказ", "Order"]),
    column("column-account", ["Лицевой счёт", "Account"]),
    column("column-fee", ["Комиссия", "Fee"]),
    column("column-net", ["К выплате", "Net amount"]),
    column("column-currency", ["Валюта", "Currency"]),
    column("column-date", ["Дата и время", "Date and time"]),
    column("column-original", ["Исходная транзакция возврата", "A refund's payment"]),
    column("column-payout", ["Выплата", "Payout"]),
    list("payment-types", ["Типы платежей", "Types of payments"]).or("Purchase, Rebill, onetime, initial"),
    list("refund-types", ["Типы возвратов", "Types of refunds"]).or("Refund"),
    list("chargeback-types", ["Типы оспоренных платежей", "Types of chargebacks"]).or("Chargeback"),
    list("other-types", ["Прочие типы: не деньги плательщиков", "Other types: not payers' money"]),
];
