use super::*;

const COLUMNS: [(&str, &str); 9] = [
    ("column-transaction", "Transaction ID"),
    ("column-original", "Parent ID"),
    ("column-order", "Order ID"),
    ("column-account", "cs1"),
    ("column-date", "Date"),
    ("column-amount", "Amount"),
    ("column-fee", "Fee"),
    ("column-currency", "Currency"),
    ("column-type", "Type"),
];

const HEADER: &str = "Transaction ID;Parent ID;Order ID;Date;Amount;Currency;Fee;Type;cs1;cs2\n";

fn options(changes: &[(&str, &str)]) -> Fields {
    kit::settings::entered_with(&COLUMNS, changes)
}

/// Reads a file in pieces of a length.
fn read(changes: &[(&str, &str)], file: &[u8], piece: usize) -> Result<Vec<ReportRow>, Problem> {
    let mut register = open("csv", &options(changes), Currency::RUB).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut rows = Vec::new();
    for bytes in file.chunks(piece) {
        rows.extend(register.append(bytes)?);
    }
    let (last, control) = register.finish()?;
    rows.extend(last);
    assert_eq!(control.rows, None);
    Ok(rows)
}

/// Returns what is compared: kind, transaction, order, gross, fee and time.
fn words(row: &ReportRow) -> String {
    format!(
        "{} {} {} {} {} {}",
        row.kind.map_or("none".to_owned(), |kind| format!("{kind:?}")),
        row.transaction,
        row.order.as_deref().unwrap_or("-"),
        row.gross.minor_units,
        row.fee.as_ref().map_or("-".to_owned(), |fee| fee.minor_units.to_string()),
        row.occurred_at.as_deref().unwrap_or("-"),
    )
}

#[test]
fn a_register_whatever_its_pieces() {
    let file = [
        HEADER,
        "4000000101;;o-1001;2026-10-05 00:00:00;500.00;RUB;14.00;Purchase;100500;\n",
        "4000000103;4000000102;o-1002;2026-10-05 18:00:01;-99.99;RUB;0.00;refund;100501;\n",
        "4000000104;3999990017;o-0007;2026-10-05 20:15:00;1000.00;RUB;350.00;Chargeback;100777;\"dispute; \"\"55\"\"\"\n",
        ";;;2026-10-31;-100.00;rur;;Monthly fee;;",
    ]
    .concat();
    for piece in [1, 7, 64 << 10] {
        let rows = read(&[("zone", "+03:00"), ("other-types", "monthly fee, x")], file.as_bytes(), piece).unwrap();
        assert_eq!(
            rows.iter().map(words).collect::<Vec<_>>(),
            [
                "EventKind::Payment 4000000101 o-1001 50000 1400 2026-10-05T00:00:00+03:00",
                "EventKind::Refund 4000000103 o-1002 -9999 0 2026-10-05T18:00:01+03:00",
                "EventKind::Chargeback 4000000104 o-0007 -100000 35000 2026-10-05T20:15:00+03:00",
                "none  - -10000 - 2026-10-31",
            ]
        );
        assert_eq!(rows[1].extra, [("original".to_owned(), "4000000102".to_owned())]);
        assert_eq!((rows[0].account.as_deref(), rows[0].day.map(|day| day.day)), (Some("100500"), Some(5)));
    }
}

/// Cyrillic, commas, quotes, a line break within a field, and two lines above the headings.
#[test]
fn a_register_in_windows_1251() {
    let text = "Отчёт по операциям\n\"Период: 06.10.2026, 07.10.2026\"\n\
        \"Номер транзакции\",\"Номер заказа\",\"Операция\",\"Дата\",\"Сумма\",\"Комиссия\",\"Описание\"\n\
        \"4000000201\",\"o-1101\",\"Покупка\",\"06.10.2026 10:00\",\"1 250,50\",\"35,01\",\"Пополнение счёта\n100500\"\n\
        \"4000000203\",\"o-1101\",\"Возврат\",\"07.10.2026 12:30\",\"-250,50\",\"0,00\",\"частичный\"\n";
    let table: Vec<(char, u8)> =
        (0x80..=0xff).map(|byte| (value::Encoding::Windows1251.text(&[byte]).chars().next().unwrap(), byte)).collect();
    let byte = |char: char| {
        u8::try_from(u32::from(char))
            .ok()
            .filter(u8::is_ascii)
            .unwrap_or_else(|| table.iter().find(|(known, _)| *known == char).unwrap().1)
    };
    let file: Vec<u8> = text.chars().map(byte).collect();
    let changes = [
        ("encoding", "windows-1251"),
        ("separator", "comma"),
        ("decimal-mark", "comma"),
        ("header-row", "3"),
        ("column-transaction", "Номер транзакции"),
        ("column-order", "Номер заказа"),
        ("column-type", "Операция"),
        ("column-date", "Дата"),
        ("column-amount", "Сумма"),
        ("column-fee", "Комиссия"),
        ("column-original", ""),
        ("column-account", ""),
        ("column-currency", ""),
        ("payment-types", "Покупка"),
        ("refund-types", "Возврат"),
    ];
    let rows = read(&changes, &file, 5).unwrap();
    assert_eq!(
        rows.iter().map(words).collect::<Vec<_>>(),
        [
            "EventKind::Payment 4000000201 o-1101 125050 3501 2026-10-06T10:00:00",
            "EventKind::Refund 4000000203 o-1101 -25050 0 2026-10-07T12:30:00",
        ]
    );
}

#[test]
fn without_a_type_the_sign_says_what_a_row_is() {
    let file = [HEADER, "1;;;;5.00;;;;;\n2;;;;-5.00;;;;;\n"].concat();
    let rows = read(&[("column-type", "")], file.as_bytes(), 9).unwrap();
    let kinds: Vec<Option<EventKind>> = rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [Some(EventKind::Payment), Some(EventKind::Refund)]);
}

#[test]
fn what_is_wrong_is_named_by_row_and_field() {
    let row = "1;;;2026-10-05;5.00;RUB;0.10;Purchase;100500;\n";
    for (changes, file, at, field, code) in [
        (&[][..], row.replace("5.00", "5,00"), Some(3), Some("Amount"), "invalid"),
        (&[], row.replace("5.00", ""), Some(3), Some("Amount"), "missing"),
        (&[], row.replace("5.00", "-5.00"), Some(3), Some("Amount"), "out-of-range"),
        (&[], row.replace("0.10", "x"), Some(3), Some("Fee"), "invalid"),
        (&[], row.replace("RUB", "USD"), Some(3), Some("Currency"), "unsupported"),
        (&[], row.replace("Purchase", "Lottery"), Some(3), Some("Type"), "unknown-type"),
        (&[], row.replace("2026-10-05", "2026-13-05"), Some(3), Some("Date"), "invalid"),
        (&[], row.replace("100500", &"1".repeat(65)), Some(3), Some("cs1"), "too-long"),
        (&[], row.replace("100500;\n", "100500"), Some(3), None, "malformed"),
        (&[], row.replace("100500", "1\"0"), Some(3), None, "malformed"),
        (&[], row.replace("100500", "\"1"), Some(3), None, "malformed"),
        (&[("separator", "comma")], String::new(), Some(1), Some("column-transaction"), "missing"),
        (&[("column-fee", "Fees")], String::new(), Some(1), Some("column-fee"), "missing"),
        (&[("header-row", "9")], String::new(), None, Some("header-row"), "missing"),
    ] {
        let file = [HEADER, row, &file].concat();
        let problem = read(changes, file.as_bytes(), 11).unwrap_err();
        assert_eq!((problem.row, problem.field.as_deref(), problem.code.as_str()), (at, field, code), "{file}");
    }
    let twice = HEADER.replace("cs2", "Amount");
    assert_eq!(read(&[], twice.as_bytes(), 100).unwrap_err().code, "field-conflict");
    assert!(read(&[], HEADER.as_bytes(), 3).unwrap().is_empty(), "no operations");
}

#[test]
fn problems_of_options_all_at_once() {
    let entered = options(&[
        ("column-amount", ""),
        ("encoding", "koi8-r"),
        ("separator", "|"),
        ("header-row", "0"),
        ("zone", "MSK"),
        ("refund-types", "Refund, purchase"),
        ("colour", "red"),
    ]);
    let problems = open("csv", &entered, Currency::RUB).err().unwrap();
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_deref().unwrap()).collect();
    assert_eq!(fields, ["colour", "encoding", "separator", "column-amount", "header-row", "zone", "payment-types"]);
    assert_eq!(open("xls", &options(&[]), Currency::RUB).err().unwrap()[0].field.as_deref(), Some("format"));
}
