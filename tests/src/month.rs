//! A generated month of write-offs like those of billing systems. The same size always gives the same month.

use domain::{AccountNumber, Date, ExportRow, Money, Party, PartyKind};
use money::Currency;

/// Generates about three write-offs per subscriber, ordered by account: mostly individuals, one in ten a company or a sole
/// proprietor, with odd names, every given VAT rate, several services, sometimes two contracts per account, and an occasional
/// correction.
pub fn month(rows: usize, rates: &'static [Option<u16>]) -> impl Iterator<Item = ExportRow> {
    let mut random = Random(rows as u64);
    (0_u64..).flat_map(move |subscriber| account(subscriber, rates, &mut random)).take(rows)
}

/// All rates that EnterpriseData 1.17 supports.
pub const RATES: &[Option<u16>] = &[Some(2200), Some(2200), Some(2000), Some(1000), Some(700), Some(500), Some(0), None];
/// The rates that EnterpriseData 1.8 supports.
pub const OLD_RATES: &[Option<u16>] = &[Some(2000), Some(1000), Some(0), None];

const SERVICES: [(&str, &str, &str); 7] = [
    ("inet-100", "Доступ в интернет «Сто мегабит»", "мес"),
    ("inet-300", "Доступ в интернет <300> & больше", "мес"),
    ("tv", "Цифровое ТВ", "мес"),
    ("phone", "Местная телефонная связь", "мин"),
    ("", "Аренда \"умной\" приставки", ""),
    ("traffic", "Трафик", "ГБ"),
    (
        "sms-and-the-code-is-very-long-indeed",
        "Услуга, чьё имя так длинно, что в поле «Наименование» 1С:Бухгалтерии \
      из ста знаков оно никак не помещается целиком",
        "шт",
    ),
];
const NAMES: [&str; 8] = [
    "Иванов Иван Иванович",
    "Петрова-Водкина Анна",
    "O'Neill & Sons <test>",
    "Ким",
    "Müller Jürgen",
    "Константинопольский-Архистратигов Аполлинарий Иннокентьевич, проживающий по адресу, который занял всё поле имени целиком",
    "Ёлкин Ё. Ё.",
    "王小明",
];

fn account(subscriber: u64, rates: &[Option<u16>], random: &mut Random) -> Vec<ExportRow> {
    let number = format!("{:08}", 10_000_000 + subscriber * 7);
    let kind = match random.below(20) {
        0 => PartyKind::Company,
        1 => PartyKind::SoleProprietor,
        _ => PartyKind::Individual,
    };
    // Every third entity occurred before.
    let entity = if subscriber.is_multiple_of(3) { subscriber / 2 } else { subscriber };
    let name = NAMES[random.below(NAMES.len())];
    // If so, it must have the same name as then.
    let name_of_entity = NAMES[usize::try_from(entity % 8).expect("it is small")];
    let party = match kind {
        PartyKind::Company => Party {
            kind,
            name: format!("ООО «{name_of_entity} {entity}»"),
            inn: with_check_digits(&format!("77{:07}", entity % 10_000_000)),
            kpp: "770101001".into(),
        },
        PartyKind::SoleProprietor => Party {
            kind,
            name: format!("ИП {name_of_entity}"),
            inn: with_check_digits(&format!("50{:08}", entity % 100_000_000)),
            kpp: String::new(),
        },
        PartyKind::Individual => Party { kind, name: name.into(), inn: String::new(), kpp: String::new() },
    };
    let has_contract = kind != PartyKind::Individual || random.below(3) > 0;
    let contracts = if has_contract && random.below(25) == 0 { 2 } else { 1 };
    let rows = 1 + random.below(5);
    let mut writeoffs: Vec<ExportRow> = (0..rows)
        .map(|at| {
            let service = random.below(SERVICES.len());
            let (service_code, service, unit) = SERVICES[service];
            let amount = i64::try_from(100 + random.below(200_000)).expect("it is small");
            ExportRow {
                id: format!("{number}-{at}"),
                account: AccountNumber::new(&number).expect("it is digits"),
                subscriber: party.clone(),
                contract: if has_contract { format!("Д-{}/{}", subscriber, at % contracts) } else { String::new() },
                contract_date: has_contract.then_some(Date::new(2024, 2, 29).unwrap()),
                service_code: service_code.into(),
                service: service.into(),
                unit: unit.into(),
                period: Date::new(2026, 10, 1).unwrap(),
                date: Date::new(2026, 10, u8::try_from(1 + random.below(31)).expect("it is a day")).unwrap(),
                quantity_thousandths: [1000, 1000, 1000, 2000, 333, 12_500][random.below(6)],
                amount: Money { minor_units: amount, currency: Currency::RUB },
                vat_basis_points: rates[random.below(rates.len())],
                extra: Vec::new(),
            }
        })
        .collect();
    // A correction that keeps the sum of its line positive.
    if random.below(10) == 0 {
        let charge = &writeoffs[0];
        let amount = Money { minor_units: -charge.amount.minor_units / 3, ..charge.amount };
        writeoffs.push(ExportRow { id: format!("{number}-c"), amount, ..charge.clone() });
    }
    writeoffs
}

/// Appends the check digits of an «ИНН».
pub fn with_check_digits(digits: &str) -> String {
    let mut digits = digits.to_owned();
    let weights: &[&[u32]] = match digits.len() {
        9 => &[&[2, 4, 10, 3, 5, 9, 4, 6, 8]],
        10 => &[&[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]],
        other => panic!("{other} digits"),
    };
    for weights in weights {
        let sum: u32 = digits.bytes().zip(*weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        digits.push(char::from_digit(sum % 11 % 10, 10).expect("it is a digit"));
    }
    digits
}

/// SplitMix64, which is random enough to generate a month.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("it fits a usize")
    }
}
