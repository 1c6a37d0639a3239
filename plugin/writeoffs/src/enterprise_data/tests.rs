use super::*;
use crate::date::Date;
use crate::options::tests::options;
use crate::options::{Mode, Options};
use crate::output::Part;
use crate::output::tests::files;
use crate::services::SERVICES_MAX;
use crate::text::Charset;
use crate::totals::Sums;
use crate::writeoff::{Party, PartyKind};
use money::Currency;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn day(month: u8, day: u8) -> Date {
    Date::new(2026, month, day).unwrap()
}

/// A charge of 500.00 with 22 % of VAT to an individual.
fn charge(account: &str) -> Writeoff {
    Writeoff {
        id: format!("w-{account}"),
        account: account.into(),
        subscriber: Party {
            kind: PartyKind::Individual,
            name: "Иванов И. И.".into(),
            inn: String::new(),
            kpp: String::new(),
            foreign_tax_number: String::new(),
        },
        contract: String::new(),
        contract_date: None,
        ..crate::writeoff::tests::writeoff()
    }
}

fn company(account: &str) -> Writeoff {
    let subscriber = Party {
        kind: PartyKind::Company,
        name: "ООО «Ромашка»".into(),
        inn: "7701234560".into(),
        kpp: "770401001".into(),
        foreign_tax_number: String::new(),
    };
    Writeoff { subscriber, contract: "Д-17".into(), ..charge(account) }
}

fn output(options: Options, rows: &[Writeoff]) -> (Output, Totals) {
    let mut out = Output::default();
    let version = options.version.unwrap_or(Version::V1_17);
    let mut export = EnterpriseData::begin(version, options).unwrap();
    for (row, writeoff) in (1..).zip(rows) {
        export.append(row, writeoff.clone(), &mut out);
    }
    let totals = export.finish(&mut out);
    (out, totals)
}

fn faults(options: Options, rows: &[Writeoff]) -> Vec<Problem> {
    output(options, rows).0.take_faults()
}

fn beside(options: Options, rows: &[Writeoff]) -> Vec<Part> {
    let mut out = output(options, rows).0;
    std::iter::from_fn(|| out.take(usize::MAX)).filter(|part| matches!(part, Part::LeftOut(_) | Part::Warning(_))).collect()
}

/// Returns what is left out: the rows, the account, the service's code and the sums.
fn left_out(options: Options, rows: &[Writeoff]) -> Vec<(u64, String, String, Sums)> {
    let parts = beside(options, rows).into_iter();
    let left_out = parts.filter_map(|part| match part {
        Part::LeftOut(of) => Some((of.rows, of.account, of.service_code, of.sums)),
        _ => None,
    });
    left_out.collect()
}

fn export(options: Options, rows: &[Writeoff]) -> Result<Vec<(String, Totals)>, Problem> {
    let (mut out, totals) = output(options.clone(), rows);
    if let Some(problem) = out.take_faults().into_iter().next() {
        return Err(problem);
    }
    let files = files(&mut out);
    let sum = |part: fn(&Totals) -> i64| files.iter().map(|(_, totals)| part(totals)).sum::<i64>();
    assert_eq!(sum(|totals| totals.all.minor_units), totals.all.minor_units);
    assert_eq!(sum(|totals| totals.all.vat_minor_units), totals.all.vat_minor_units);
    assert_eq!(sum(|totals| totals.vat_rounding), totals.vat_rounding);
    let left_out = left_out(options, rows);
    let left_rows: u64 = left_out.iter().map(|(rows, ..)| rows).sum();
    let left_sum: i64 = left_out.iter().map(|(.., sums)| sums.minor_units).sum();
    assert_eq!(files.iter().map(|(_, totals)| totals.rows).sum::<u64>() + left_rows, rows.len() as u64);
    assert_eq!(totals.all.minor_units + left_sum, rows.iter().map(|row| row.minor_units).sum::<i64>());
    Ok(files)
}

fn file(rows: &[Writeoff]) -> String {
    let [(file, _)] = export(options(), rows).unwrap().try_into().unwrap();
    file
}

/// Returns the unescaped texts of all elements with this name.
fn texts(file: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let texts = file.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap());
    // Text may contain no tag but the closing one.
    let texts = texts.inspect(|text| assert!(text.starts_with('<') || !text.contains(['<', '>']), "{text}"));
    texts.map(|text| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).collect()
}

/// Turns a good write-off into a bad one.
type Change = fn(&mut Writeoff);

#[test]
fn bad_writeoffs_are_refused_by_row_id_and_field() {
    let changes: [(&str, Change, &str); 20] = [
        ("account", |row| row.account = "1".into(), "comes after 2"),
        ("id", |row| row.account = "2".into(), "is given twice"),
        ("period", |row| row.period = day(9, 30), "outside the export's months"),
        ("vat-basis-points", |row| row.vat_basis_points = Some(1800), "no VAT rate"),
        ("vat-basis-points", |row| row.vat_basis_points = Some(2201), "no VAT rate"),
        ("subscriber.name", |row| row.subscriber.name = "a\tb".into(), "control character"),
        ("subscriber.name", |row| row.subscriber.name = "a\u{fffe}".into(), "XML cannot hold"),
        ("service", |row| row.service = "a\nb".into(), "line break"),
        ("service", |row| row.service = " a".into(), "space"),
        ("contract", |row| row.contract = "Д ".into(), "space"),
        ("account", |row| row.account = "3_1".into(), "document number"),
        ("account", |row| row.account = "30000000000".into(), "account-prefix"),
        ("subscriber.inn", |row| row.subscriber.inn = "500100732258".into(), "12 digits of a person"),
        ("subscriber.inn", |row| row.subscriber.inn = "7701234560".into(), "12 digits of a person"),
        ("subscriber.inn", |row| row.subscriber.kind = PartyKind::Company, "needs an INN"),
        ("subscriber.inn", |row| row.subscriber.kind = PartyKind::SoleProprietor, "needs an INN"),
        ("subscriber.kpp", |row| row.subscriber.kpp = "770401001".into(), "only a company"),
        ("contract", |row| *row = Writeoff { contract: String::new(), id: "w-2".into(), ..company("3") }, "needs a contract"),
        ("unit", |row| row.unit = "шт".into(), "had the unit"),
        ("quantity-thousandths", |row| row.quantity_thousandths = 0, "thousandths"),
    ];
    for (field, change, words) in changes {
        let mut bad = Writeoff { id: "w-2".into(), ..charge("3") };
        change(&mut bad);
        let problem = export(options(), &[charge("2"), bad.clone(), charge("4")]).unwrap_err();
        assert_eq!((problem.field, problem.row), (field, Some(2)), "{problem:?}");
        assert!(problem.message.contains(words) && problem.message.contains("\"w-2\""), "{problem:?}");
    }
    let old = Options { version: Some(Version::V1_8), ..options() };
    let problem = export(old, &[charge("2")]).unwrap_err();
    assert!(problem.message.contains("use enterprise-data-1.17"), "{problem:?}");
}

#[test]
fn a_month_that_is_not_positive_is_left_out() {
    let row = |account: &str, id: &str, service: &str, minor_units| Writeoff {
        id: id.into(),
        service_code: service.into(),
        service: service.into(),
        minor_units,
        ..charge(account)
    };
    let rows = [
        // A zero charge; charges that net to zero; and a total below zero although one of its lines is positive.
        row("1", "a", "inet", 0),
        row("2", "b", "inet", 50_000),
        row("2", "c", "inet", -50_000),
        row("3", "d", "inet", 50_000),
        row("3", "e", "tv", -60_000),
        // An act that keeps its positive line.
        row("4", "f", "inet", 50_000),
        row("4", "g", "tv", 0),
        row("4", "h", "phone", -1_220),
    ];
    let sums = |minor_units, vat_minor_units| Sums { minor_units, vat_minor_units };
    let of = |rows, account: &str, service: &str, sums| (rows, account.to_owned(), service.to_owned(), sums);
    assert_eq!(
        left_out(options(), &rows),
        [
            of(1, "1", "inet", sums(0, 0)),
            of(2, "2", "inet", sums(0, 0)),
            of(1, "3", "inet", sums(50_000, 9_016)),
            of(1, "3", "tv", sums(-60_000, -10_820)),
            of(1, "4", "phone", sums(-1_220, -220)),
            of(1, "4", "tv", sums(0, 0)),
        ]
    );
    let file = file(&rows);
    assert_eq!((texts(&file, "Номер"), texts(&file, "Сумма")), (vec!["10-4".to_owned()], vec!["500.00".to_owned(); 2]));
    // An account that cannot have a document number needs none if all of its lines are left out.
    assert_eq!(faults(options(), &[row("4_4", "i", "inet", 0)]), []);
    let refusing = faults(Options { refuses_not_positive: true, ..options() }, &rows);
    assert_eq!(refusing.iter().map(|problem| problem.row).collect::<Vec<_>>(), [1, 3, 4, 5, 8, 7].map(Some));
    assert!(refusing.iter().all(|problem| problem.field == "amount.minor-units"));
}

#[test]
fn a_service_of_all_individuals_that_is_not_positive_is_left_out() {
    let row = |account: &str, service: &str, minor_units| Writeoff {
        id: format!("{account}-{service}"),
        service_code: service.into(),
        service: service.into(),
        minor_units,
        ..charge(account)
    };
    let summary = || Options { mode: Mode::SummaryIndividuals, ..options() };
    let rows = [row("1", "inet", 50_000), row("1", "tv", -3), row("2", "tv", -3), row("3", "phone", 5), row("4", "phone", -5)];
    let left_out = beside(summary(), &rows);
    let [Part::LeftOut(phone), Part::LeftOut(tv)] = left_out.as_slice() else { panic!("{left_out:?}") };
    assert_eq!((phone.rows, phone.row, phone.writeoff.as_str(), phone.sums.minor_units), (2, 5, "4-phone", 0));
    assert_eq!((tv.rows, tv.row, tv.writeoff.as_str(), tv.subscriber.as_str()), (2, 3, "2-tv", "Физические лица"));
    // The VAT of each write-off is rounded by itself: 22/122 of 0.03 is 0.54 kopecks.
    assert_eq!(tv.sums, Sums { minor_units: -6, vat_minor_units: -2 });
    assert_eq!(texts(&export(summary(), &rows).unwrap()[0].0, "Номер"), ["ФЛ-10"]);
}

#[test]
fn faults_are_told_all_in_one_run() {
    let mut rows: Vec<Writeoff> = (10..40).map(|at| charge(&at.to_string())).collect();
    rows[3].vat_basis_points = Some(1800);
    rows[3].service = "a\nb".into();
    rows[7].account = "10".into();
    rows[9].unit = "шт".into();
    rows[12].id = "w-1".into();
    rows[12].account = "21".into();
    rows[11].id = "w-1".into();
    rows[15].account = "25_1".into();
    rows[29].account = "39_1".into();
    let got: Vec<_> = faults(options(), &rows).iter().map(|problem| (problem.row.unwrap(), problem.field)).collect();
    let want =
        [(4, "service"), (4, "vat-basis-points"), (8, "account"), (10, "unit"), (13, "id"), (16, "account"), (30, "account")];
    assert_eq!(got, want);
}

#[test]
fn what_would_take_too_much_memory_ends_the_search_for_faults() {
    let service = |at: usize| Writeoff { id: at.to_string(), service_code: at.to_string(), ..charge("1") };
    let rows: Vec<Writeoff> = (0..SERVICES_MAX + 5).map(service).collect();
    assert_eq!(faults(options(), &rows).iter().map(|problem| problem.field).collect::<Vec<_>>(), ["service-code"]);
}

#[test]
fn two_services_of_one_name_are_warned_about() {
    let row = |id: &str, code: &str, name: &str| Writeoff {
        id: id.into(),
        service_code: code.into(),
        service: name.into(),
        ..charge("1")
    };
    let rows = [row("1", "a", "Интернет"), row("2", "b", "Интернет"), row("3", "a", "Интернет"), row("4", "c", "ТВ")];
    let [Part::Warning(warning)] = &beside(options(), &rows)[..] else { panic!() };
    assert_eq!(warning.row, 2);
    assert!(warning.message.contains("«Интернет» has two codes, \"a\" and \"b\""), "{warning:?}");
    let [Part::Warning(warning)] = &beside(options(), &[row("1", "", "ТВ"), row("2", "tv", "ТВ")])[..] else { panic!() };
    assert!(warning.message.contains("none and \"tv\""), "{warning:?}");
}

#[test]
fn a_writeoff_that_would_go_to_another_act_than_its_register_names_is_refused() {
    let row = |account: &str, act_uuid: &str| Writeoff { act_uuid: act_uuid.into(), ..charge(account) };
    let of_zeros = texts(&file(&[charge("00123")]), "Ссылка").into_iter();
    let references: Vec<String> = of_zeros.collect();
    let act = references.iter().find(|act| faults(options(), &[row("00123", act)]).is_empty()).unwrap();
    let [problem] = &faults(options(), &[row("123", act)])[..] else { panic!() };
    assert_eq!((problem.field, problem.row), ("account", Some(1)));
    let summary = || Options { mode: Mode::SummaryIndividuals, ..options() };
    assert_eq!(faults(summary(), &[row("00123", act)]), [], "its own act, which the summary replaces");
    assert_eq!(faults(summary(), &[row("123", act)]).len(), 1);
}

#[test]
fn a_foreigner_goes_by_the_tax_number_of_another_country() {
    let foreign = |account: &str, number: &str| {
        let mut row = company(account);
        row.subscriber = Party { name: "Acme GmbH".into(), inn: String::new(), kpp: String::new(), ..row.subscriber };
        row.subscriber.foreign_tax_number = number.into();
        row
    };
    for version in Version::ALL {
        let rows = [foreign("1", "DE129273398"), foreign("2", "DE129273398"), foreign("3", "DE 2")];
        let rows = rows.map(|row| Writeoff { vat_basis_points: Some(2000), ..row });
        let file = export(Options { version: Some(version), ..options() }, &rows).unwrap().remove(0).0;
        assert_eq!(file.matches("<Справочник.Контрагенты>").count(), 2);
        assert_eq!(texts(&file, "НалоговыйНомерНерезидента").last().unwrap(), "DE 2");
        assert!(!file.contains("<КПП></КПП>") && texts(&file, "НаименованиеПолное").contains(&"Acme GmbH".to_owned()));
    }
}

#[test]
fn options_are_refused_all_at_once() {
    type Change = fn(&mut Options);
    let changes: [(&[&str], Change); 11] = [
        (&["seller.kind", "seller.inn", "seller.kpp"], |options| options.seller.kind = PartyKind::Individual),
        (&["seller.name"], |options| options.seller.name = " ".into()),
        (&["seller.inn"], |options| options.seller.inn = "7707083894".into()),
        (&["seller.kpp"], |options| options.seller.kpp = "7707".into()),
        (&["period-start"], |options| options.period_start = day(10, 2)),
        (&["period-end"], |options| options.period_end = day(10, 30)),
        (&["period-end"], |options| options.period_end = Date::new(2027, 1, 31).unwrap()),
        (&["format"], |options| options.currency = Currency::parse("USD").unwrap()),
        (&["extra.documents-per-file"], |options| options.documents_per_file = Some(0)),
        (&["extra.number-prefix"], |options| options.number_prefix = "ab".into()),
        (&["extra.individuals-name"], |options| options.individuals_name = String::new()),
    ];
    for (fields, change) in changes {
        let mut bad = options();
        change(&mut bad);
        let problems = EnterpriseData::begin(Version::V1_17, bad).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.field).collect::<Vec<_>>(), fields, "{problems:?}");
    }
}

#[test]
fn lines_are_by_service_and_rate_and_corrections_are_netted() {
    let row = |id: &str, minor_units, rate, quantity_thousandths| Writeoff {
        id: id.into(),
        minor_units,
        vat_basis_points: rate,
        quantity_thousandths,
        ..charge("1")
    };
    let rows = [
        row("a", 10_000, Some(2200), 1000),
        row("b", 20_000, Some(2200), 2000),
        row("c", 10_000, None, 3000),
        row("d", 9_999, Some(1000), 1000),
        row("e", -999, Some(1000), 1000),
    ];
    let file = file(&rows);
    assert_eq!(texts(&file, "Количество"), ["3.000", "1.000", "1.000"]);
    assert_eq!(texts(&file, "Цена"), ["100.00", "90.00", "100.00"]);
    // The document's own sum comes first.
    assert_eq!(texts(&file, "Сумма"), ["490.00", "300.00", "90.00", "100.00"]);
    // 22/122 of 300.00, 10/110 of 90.00.
    assert_eq!(texts(&file, "СуммаНДС"), ["54.10", "8.18", "0.00"]);
    assert_eq!(texts(&file, "Содержание")[0], "Доступ в интернет за октябрь 2026 г., л/с 1");
    // Each service is written once.
    assert_eq!(texts(&file, "ТипНоменклатуры").len(), 1);
}

#[test]
fn the_summary_of_individuals_sums_their_vat() {
    let cent = |account: &str| Writeoff { minor_units: 3, vat_basis_points: Some(2000), ..charge(account) };
    let rows = [cent("1"), company("2"), cent("3"), Writeoff { minor_units: -1, ..cent("a_very_long_account") }];
    let files = export(Options { mode: Mode::SummaryIndividuals, ..options() }, &rows).unwrap();
    let (file, totals) = &files[0];
    assert_eq!(
        texts(file, "Номер"),
        ["Д-17", "10-2", "Д-17", "ФЛ-10"],
        "the contract's number is in the contract and in the document"
    );
    assert_eq!(texts(file, "Сумма"), ["500.00", "500.00", "0.05", "0.05"]);
    // 20/120 of 0.03 is half a kopeck, which rounds to one. Of 0.05 it would be one as well, but here each of two write-offs
    // has one.
    assert_eq!(texts(file, "СуммаНДС"), ["90.16", "0.02"]);
    assert_eq!((totals.documents, totals.all.vat_minor_units), (2, 9_018));
    assert!(texts(file, "Наименование").contains(&"Физические лица".to_owned()));
}

#[test]
fn one_buyer_with_several_accounts_is_sent_once() {
    let other = Writeoff { contract: "Д-18".into(), id: "other".into(), ..company("2") };
    let rows = [company("1"), company("2"), other, charge("3")];
    let file = file(&rows);
    assert_eq!(file.matches("<Справочник.Контрагенты>").count(), 2);
    // Д-17 is a contract that two accounts share; each has its own document.
    assert_eq!(file.matches("<Справочник.Договоры>").count(), 3);
    assert_eq!(file.matches("<Документ.РеализацияТоваровУслуг>").count(), 4);
    for number in ["10-1", "10-2", "10-2_2", "10-3"] {
        assert!(texts(&file, "Номер").contains(&number.to_owned()), "{number}");
    }
}

#[test]
fn a_contract_has_one_buyer() {
    let mut other = Writeoff { id: "w-2".into(), ..company("1") };
    other.subscriber.name = "ООО «Лютик»".into();
    let problem = export(options(), &[company("1"), other]).unwrap_err();
    assert_eq!((problem.field, problem.row), ("subscriber.name", Some(2)));
}

#[test]
fn an_object_is_the_same_whatever_else_is_exported() {
    let quarter = Options { period_start: day(8, 1), ..options() };
    let rows = |months: &[u8]| {
        let row = |month: u8, account: &str, contract: &str| Writeoff {
            id: format!("{month}-{account}-{contract}"),
            period: day(month, 1),
            date: day(month, 1),
            contract: contract.into(),
            ..company(account)
        };
        let accounts = ["1", "2"].into_iter();
        let contracts = |account| months.iter().flat_map(move |month| [row(*month, account, "Б"), row(*month, account, "А")]);
        accounts.flat_map(contracts).collect::<Vec<_>>()
    };
    let documents = |file: &str| {
        let mut documents: Vec<String> = file.lines().filter(|line| line.starts_with("<Документ")).map(str::to_owned).collect();
        documents.sort();
        documents
    };
    let of_quarter = documents(&export(quarter, &rows(&[8, 9, 10])).unwrap()[0].0);
    let mut of_months: Vec<String> = [8, 9, 10]
        .into_iter()
        .flat_map(|month| {
            let end = if month == 9 { 30 } else { 31 };
            let options = Options { period_start: day(month, 1), period_end: day(month, end), ..options() };
            documents(&export(options, &rows(&[month])).unwrap()[0].0)
        })
        .collect();
    of_months.sort();
    assert_eq!((of_quarter.len(), &of_quarter), (12, &of_months));
}

#[test]
fn files_hold_so_many_documents_and_all_that_they_refer_to() {
    let rows: Vec<Writeoff> = (1..=7).map(|at| company(&at.to_string())).collect();
    let files = export(Options { documents_per_file: Some(3), ..options() }, &rows).unwrap();
    assert_eq!(files.iter().map(|(_, totals)| totals.documents).collect::<Vec<_>>(), [3, 3, 1]);
    for (file, _) in &files {
        for name in ["<Справочник.Контрагенты>", "<Справочник.Договоры>", "<Справочник.Номенклатура>", "</Message>"]
        {
            assert_eq!(file.matches(name).count(), 1, "{name}");
        }
    }
}

#[test]
fn an_empty_export_is_a_file_without_documents() {
    let files = export(options(), &[]).unwrap();
    assert!(files[0].0.ends_with("<Body xmlns=\"http://v8.1c.ru/edi/edi_stnd/EnterpriseData/1.17\">\n</Body>\n</Message>\n"));
    assert_eq!(files[0].1, Totals::default());
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let long = "Щ".repeat(250);
    let row = |account: &str, name: &str| {
        let mut row = charge(account);
        row.subscriber.name = name.to_owned();
        row
    };
    let mut entity = company("3");
    entity.subscriber.name = format!("{}А", "Щ".repeat(249));
    let file = file(&[row("1", &long), row("2", &long), entity]);
    for name in texts(&file, "Наименование") {
        assert!(name.chars().count() <= 100, "{name}");
    }
    let full: Vec<String> = texts(&file, "НаименованиеПолное");
    assert!(full.iter().all(|name| name.chars().count() <= 250));
    assert!(full.iter().any(|name| name.ends_with("… (л/с 1)")) && full.iter().any(|name| name.ends_with("… (л/с 2)")));
    assert!(texts(&file, "Наименование").iter().any(|name| name.ends_with("… (ИНН 7701234560/770401001)")));
}

proptest! {
    /// Any text is either refused or written so that it reads back unchanged; it can never end an element early.
    #[test]
    fn texts_read_back_or_are_refused(name in "\\PC{1,60}|[&<>\"'а-я \u{0}-\u{9f}]{1,20}", service in "[ -~]{1,20}|\\PC{1,20}|.{1,8}") {
        let mut row = charge("1");
        row.subscriber.name = name.clone();
        row.service = service.clone();
        match export(options(), &[row]) {
            Err(problem) => {
                prop_assert!(matches!(problem.field, "subscriber.name" | "service"), "{:?}", problem);
                let is_bad = |text: &str| text.trim() != text || text.trim().is_empty() || !Charset::Line.holds(text);
                prop_assert!(is_bad(&name) || is_bad(&service), "{:?}", problem);
            }
            Ok(files) => {
                let file = &files[0].0;
                prop_assert_eq!(texts(file, "НаименованиеПолное")[0].clone(), format!("{} (л/с 1)", name.trim()));
                prop_assert_eq!(texts(file, "Содержание")[0].clone(), format!("{service} за октябрь 2026 г., л/с 1"));
                prop_assert_eq!(file.matches("<Строка>").count(), 1);
            }
        }
    }

    /// Individuals with different accounts never share a name in 1C.
    #[test]
    fn names_of_individuals_are_unique(names in prop::collection::vec("(Иванов|[А-Яа-я. ]{1,10}|Щ{90,120}| \\(л/с 1\\))", 2..20)) {
        let rows: Vec<Writeoff> = names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty()).map(|(at, name)| {
            let mut row = charge(&format!("{:03}", at * 7));
            row.subscriber.name = name.clone();
            row
        }).collect();
        let file = file(&rows);
        let names: Vec<String> = file.lines().filter(|line| line.starts_with("<Справочник.Контрагенты>"))
            .map(|line| texts(line, "Наименование").remove(0)).collect();
        let unique: BTreeSet<&String> = names.iter().collect();
        prop_assert_eq!((names.len(), unique.len()), (rows.len(), rows.len()));
    }

    /// The sums come out exact to the kopeck, in lines whose VAT is what 1C itself computes.
    #[test]
    fn sums_are_exact(amounts in prop::collection::vec((1i64..10_000_000, 0usize..7), 1..40)) {
        let rates = [Some(2200), Some(2000), Some(1000), Some(700), Some(500), Some(0), None];
        let rows: Vec<Writeoff> = amounts.iter().enumerate().map(|(at, (minor_units, rate))| Writeoff {
            id: at.to_string(),
            minor_units: *minor_units,
            vat_basis_points: rates[*rate],
            ..charge(&format!("{:03}", at / 5))
        }).collect();
        let kopecks = |text: &String| text.replace('.', "").parse::<i64>().unwrap();
        let file = file(&rows);
        let total: i64 = file.lines().filter(|line| line.starts_with("<Документ")).map(|line| kopecks(&texts(line, "Сумма")[0])).sum();
        prop_assert_eq!(total, amounts.iter().map(|(minor_units, _)| minor_units).sum::<i64>());
        for line in texts(&file, "Строка") {
            let rate = texts(&line, "Ставка").first().map_or(0, |rate| rate.parse::<i64>().unwrap());
            let (sum, vat) = (kopecks(&texts(&line, "Сумма")[0]), kopecks(&texts(&line, "СуммаНДС")[0]));
            prop_assert!((2 * (vat * (100 + rate) - sum * rate)).abs() <= 100 + rate);
        }
    }
}
