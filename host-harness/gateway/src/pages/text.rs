//! Texts, amounts and times for people.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use domain::{Ability, EntryKind, EventKind, MismatchReason, Money, MovementOrigin, Operation, OperationState, Recurrence};
use maud::{Markup, html};
use money::Currency;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use super::{LANGUAGE_COOKIE, cookie};

pub const DAY_SECONDS: u64 = 86_400;

/// A page's language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lang {
    Ru,
    En,
}

impl Lang {
    pub fn of(self, ru: &'static str, en: &'static str) -> &'static str {
        match self {
            Lang::Ru => ru,
            Lang::En => en,
        }
    }

    /// Returns its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        self.of("ru", "en")
    }

    /// Returns the text in this language, or else the first one.
    pub fn pick(self, texts: &[(String, String)]) -> &str {
        let own = texts.iter().find(|(tag, _)| tag == self.tag());
        own.or(texts.first()).map_or("", |(_, text)| text)
    }
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    /// Takes the language that the reader chose, or else the browser's first supported one, or else Russian.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Lang, Infallible> {
        if let Some(chosen) = cookie(&parts.headers, LANGUAGE_COOKIE) {
            return Ok(if chosen == "en" { Lang::En } else { Lang::Ru });
        }
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(preferred(accepted).unwrap_or(Lang::Ru))
    }
}

/// Returns the supported language that an `Accept-Language` header (RFC 9110, 12.5.4) ranks highest. Among equals, the first
/// wins.
fn preferred(accepted: &str) -> Option<Lang> {
    let ranges = accepted.split(',').filter_map(|range| {
        let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
        let lang = match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "ru" => Lang::Ru,
            "en" => Lang::En,
            _ => return None,
        };
        Some((lang, thousandths(weight)?))
    });
    let first = |best: Option<(Lang, u32)>, next: (Lang, u32)| {
        if best.is_some_and(|(_, weight)| weight >= next.1) { best } else { Some(next) }
    };
    ranges.filter(|(_, weight)| *weight > 0).fold(None, first).map(|(lang, _)| lang)
}

/// Parses a weight such as `q=0.8`, in thousandths; 1000 if there is none, `None` if it is invalid.
fn thousandths(weight: &str) -> Option<u32> {
    let weight = weight.trim();
    if weight.is_empty() {
        return Some(1000);
    }
    let text = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 {
        return None;
    }
    let value = whole.parse::<u32>().ok()?.checked_mul(1000)? + format!("{decimals:0<3}").parse::<u32>().ok()?;
    (value <= 1000).then_some(value)
}

/// Formats an amount: `1 234,50 ₽`, with non-breaking spaces.
pub fn amount(lang: Lang, money: Money) -> String {
    format!("{}\u{a0}{}", number(lang, money.minor_units), currency_sign(money.currency))
}

/// Formats an amount without its currency: `1 234,50`, or `1 234` if there are no kopecks.
pub fn short_number(lang: Lang, minor_units: i64) -> String {
    let whole = number(lang, minor_units);
    whole.strip_suffix(lang.of(",00", ".00")).map_or(whole.clone(), str::to_owned)
}

/// Formats an amount as a field of a form shows it, so that it is read again when the form is sent: in English without separators of
/// thousands, since `1,000` is no number in Russian.
pub fn field_number(lang: Lang, minor_units: i64) -> String {
    let number = short_number(lang, minor_units);
    if lang == Lang::En { number.replace(',', "") } else { number }
}

/// `1 234,50`
fn number(lang: Lang, minor_units: i64) -> String {
    let text = money::format_amount(minor_units);
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push_str(lang.of("\u{a0}", ","));
        }
        grouped.push(digit);
    }
    let point = lang.of(",", ".");
    format!("{sign}{grouped}{point}{decimals}")
}

/// Shows a sentence that a component or this program said, with its full stop. Where the page is Russian and the sentence is not, it is
/// marked so.
pub fn sentence(lang: Lang, said: &str) -> Markup {
    let said = said.trim();
    let own = if lang == Lang::En { host::in_english(said) } else { None };
    let said = own.as_deref().unwrap_or(said);
    let of = match (lang, is_russian(said)) {
        (Lang::Ru, false) => Some("en"),
        (Lang::En, true) => Some("ru"),
        _ => None,
    };
    let end = if said.is_empty() || said.ends_with(['.', '!', '?', '…', ':']) { "" } else { "." };
    html! { @if let Some(of) = of { span lang=(of) { (said) (end) } } @else { (said) (end) } }
}

/// Reports whether a text has a Russian letter.
pub fn is_russian(text: &str) -> bool {
    text.chars().any(|char| matches!(char, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё'))
}

/// Returns what a component can do, in words.
pub fn ability(lang: Lang, ability: Ability) -> &'static str {
    match ability {
        Ability::Asking => lang.of("спрашивает, прежде чем ответить", "asks before it answers"),
        Ability::PaymentStatus => lang.of("узнаёт о платеже", "queries payments"),
        Ability::Refunds => lang.of("возвращает платежи", "refunds payments"),
        Ability::RecurringPayments => lang.of("списывает повторно", "charges again"),
        Ability::SettlementReports => lang.of("читает реестры", "reads settlement reports"),
    }
}

/// Returns a currency's sign, such as `₽`, or its code if it has no sign.
pub fn currency_sign(currency: Currency) -> String {
    if currency == Currency::RUB { "₽".to_owned() } else { currency.to_string() }
}

/// The operator's time zone.
#[derive(Clone, Copy)]
pub struct Clock(UtcOffset);

impl Clock {
    pub fn new(utc_offset_hours: i8) -> Clock {
        Clock(UtcOffset::from_hms(utc_offset_hours, 0, 0).unwrap_or(UtcOffset::UTC))
    }

    fn at(self, seconds: u64) -> OffsetDateTime {
        let time = OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap_or_default());
        time.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(self.0)
    }

    /// Returns the day of a time in seconds since the epoch.
    pub fn day(self, seconds: u64) -> Date {
        self.at(seconds).date()
    }

    /// Returns a day's first second, since the epoch.
    pub fn start(self, day: Date) -> u64 {
        day.midnight().assume_offset(self.0).unix_timestamp().try_into().unwrap_or_default()
    }

    /// Returns the first second after a day, since the epoch.
    pub fn end(self, day: Date) -> u64 {
        self.start(day) + DAY_SECONDS
    }

    /// `31.10.2026 23:59:07`
    pub fn text(self, seconds: u64) -> String {
        let time = self.at(seconds);
        format!("{} {:02}:{:02}:{:02}", day_text(time.date()), time.hour(), time.minute(), time.second())
    }
}

/// `31.10.2026`
pub fn day_text(day: Date) -> String {
    format!("{:02}.{:02}.{:04}", day.day(), u8::from(day.month()), day.year())
}

/// Formats a date of the ledger: `31.10.2026`.
pub fn calendar_day(day: domain::Date) -> String {
    format!("{:02}.{:02}.{:04}", day.day(), day.month(), day.year())
}

/// Formats a date for a form's date field: `2026-10-31`.
pub fn format_date(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
}

/// Parses the value of a form's date field.
pub fn parse_date(text: &str) -> Option<Date> {
    // Years in the calendar's range, far enough from its ends for adding days.
    domain::Date::parse(text).filter(|day| (1970..=9998).contains(&day.year())).map(Date::from)
}

/// Returns the first and the last day of the month before that of a day.
pub fn month_before(day: Date) -> (Date, Date) {
    let first = day.replace_day(1).unwrap_or(day);
    let last = first - Duration::days(1);
    (last.replace_day(1).unwrap_or(last), last)
}

pub fn kind(lang: Lang, kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Payment => lang.of("Платёж", "Payment"),
        EntryKind::Refund => lang.of("Возврат", "Refund"),
        EntryKind::Chargeback => lang.of("Оспорен банком (чарджбэк)", "Chargeback"),
        EntryKind::ChargebackReversal => lang.of("Возврат оспоренного платежа", "Chargeback reversal"),
        EntryKind::WriteOff => lang.of("Списание", "Write-off"),
        EntryKind::Correction => lang.of("Корректировка", "Correction"),
    }
}

/// Returns how the program learnt of a movement; `None` if a callback reported it, as usual.
pub fn origin(lang: Lang, origin: MovementOrigin) -> Option<&'static str> {
    match origin {
        MovementOrigin::Callback => None,
        MovementOrigin::Status => Some(lang.of(
            "Уведомления не было: программа спросила платёжную систему",
            "No callback came: the program asked the payment system",
        )),
        MovementOrigin::Operation => {
            Some(lang.of("Об этом сказал ответ платёжной системы", "The payment system's answer said so"))
        }
        MovementOrigin::Expiry => Some(lang.of("Истёк срок", "Its time was over")),
    }
}

pub fn event_kind(lang: Lang, kind: EventKind) -> &'static str {
    match kind {
        EventKind::Payment => lang.of("Платёж", "Payment"),
        EventKind::Refund => lang.of("Возврат", "Refund"),
        EventKind::Chargeback => lang.of("Оспорен банком (чарджбэк)", "Chargeback"),
        EventKind::ChargebackReversal => lang.of("Возврат оспоренного платежа", "Chargeback reversal"),
        EventKind::Hold => lang.of("Холд", "Hold"),
        EventKind::HoldRelease => lang.of("Снятие холда", "Hold release"),
        EventKind::Declined => lang.of("Отказ", "Declined"),
    }
}

pub fn recurrence(lang: Lang, recurrence: Recurrence) -> &'static str {
    match recurrence {
        Recurrence::Single => lang.of("разовый", "single"),
        Recurrence::First => lang.of("первый из регулярных", "first"),
        Recurrence::Repeat => lang.of("повторный", "repeat"),
    }
}

pub fn operation_state(lang: Lang, operation: &Operation) -> &'static str {
    match operation.state {
        _ if operation.is_withdrawn() => lang.of("отменено", "withdrawn"),
        OperationState::Pending => lang.of("выполняется", "pending"),
        OperationState::Done { .. } => lang.of("выполнено", "done"),
        OperationState::Refused { .. } => lang.of("не выполнено", "not done"),
        OperationState::Unknown { .. } => lang.of("исход неизвестен", "unknown"),
    }
}

pub fn reason(lang: Lang, reason: MismatchReason) -> &'static str {
    match reason {
        MismatchReason::UnknownOrder => lang.of("нет такого заказа", "there is no such order"),
        MismatchReason::ProviderMismatch => lang.of("заказ другой платёжной системы", "the order is another payment system's"),
        MismatchReason::AmountMismatch => lang.of("сумма отличается от заказа", "the amount differs from the order's"),
        MismatchReason::CurrencyMismatch => lang.of("валюта отличается от заказа", "the currency differs from the order's"),
        MismatchReason::AlreadyPaid => {
            lang.of("заказ уже оплачен, или эта транзакция уже учтена", "the order was paid, or this transaction was entered")
        }
        MismatchReason::NoInitialPayment => {
            lang.of("регулярный платёж без первого платежа", "a recurring payment whose first payment never came")
        }
        MismatchReason::ExceedsPaidAmount => lang.of("возвращается больше, чем поступило", "more would go back than came in"),
        MismatchReason::NotPaid => lang.of("указан заказ, который не оплачен", "the order that it names is not paid"),
        MismatchReason::OtherPayer => {
            lang.of("указан заказ, который оплатил другой плательщик", "another payer has paid the order that it names")
        }
        MismatchReason::OtherPayment => lang.of(
            "по заказу есть платёж, который не был зачислен сам: возможно, возвращается он",
            "the order has a payment that was not credited by itself: it may be that one which goes back",
        ),
        MismatchReason::AmountNotPositive => lang.of("нулевая или отрицательная сумма", "the amount is zero or negative"),
        MismatchReason::UnknownPayment => lang.of(
            "возвращается платёж, который не учтён; если он поступит, возврат будет учтён сам",
            "the payment that it takes back is not entered; if it comes, this is entered by itself",
        ),
        MismatchReason::ExceedsChargebacks => {
            lang.of("возвращается больше, чем было оспорено", "more would come back than chargebacks took")
        }
        MismatchReason::UnknownAccount => lang.of("нет такого лицевого счёта", "there is no such account"),
        MismatchReason::AccountMismatch => {
            lang.of("указан лицевой счёт, который отличается от счёта заказа", "the account that it names is not the order's")
        }
        MismatchReason::HoldReleased => {
            lang.of("платёж по холду, который был снят", "it is a payment of a hold that was released")
        }
        MismatchReason::HoldPaid => {
            lang.of("снятие холда, по которому уже заплачено", "it releases a hold that a payment ended")
        }
        MismatchReason::EnteredByOperator => lang.of(
            "возврат этого платежа на ту же сумму уже учёл оператор: возможно, это он же",
            "an operator has entered a refund of this payment for the same amount: this may be the same one",
        ),
    }
}

/// Returns what an operator should do about callbacks that are refused with a code. The contract lists the codes.
pub fn refusal(lang: Lang, code: &str) -> &'static str {
    match code {
        "signature-mismatch" => lang.of(
            "неверная подпись: проверьте секрет в настройках; если он верен, запросы поддельные",
            "invalid signature: check the secret in the settings; if it is right, these are forged",
        ),
        "signature-missing" => {
            lang.of("без подписи: запросы не от платёжной системы", "no signature: not the payment system's")
        }
        "not-confirmed" => lang.of(
            "платёжная система не подтвердила: запросы поддельные или пришли слишком рано",
            "the payment system does not confirm it: these are forged, or early",
        ),
        "unrecognized-form" => {
            lang.of("подписано, но форма незнакома: смотрите «Неопознанные»", "signed, but in an unknown form: see «Unmatched»")
        }
        "merchant-mismatch" => lang.of(
            "подписано, но для другой торговой точки: проверьте её номер в настройках",
            "signed, but for another merchant account: check its number in the settings",
        ),
        "currency-mismatch" => {
            lang.of("валюта отличается от указанной в настройках", "the currency differs from the one in the settings")
        }
        "unknown-address" => lang.of("такого адреса нет", "there is no such address"),
        "other-address" => lang.of(
            "адрес не из списка разрешённых: платёжная система могла сменить адрес",
            "the address is not in the list: the payment system may have changed it",
        ),
        "credentials" => lang.of(
            "имя и пароль не те: сверьте их с введёнными у платёжной системы",
            "wrong user name or password: compare them with those entered at the payment system",
        ),
        "client-certificate" => lang.of(
            "нет клиентского сертификата, или он другой: проверьте веб-сервер",
            "no client certificate, or another one: check the web server",
        ),
        "caller-unknown" => lang.of(
            "неизвестно, кому верить: администратор ещё не указал, кто может присылать уведомления",
            "nobody said yet who may send them: the administrator must",
        ),
        "too-many-lookups" => lang.of(
            "слишком много сразу: платёжную систему спрашивают не больше чем о четырёх; если их столько не было, запросы поддельные",
            "too many at once: the payment system is asked about at most four; if there were not so many, these are forged",
        ),
        "provider-not-loaded" => lang.of(
            "компонент не загружен: платёжная система пришлёт их снова",
            "the component is not loaded: the payment system sends them again",
        ),
        "provider-removed" => {
            lang.of("платёжная система удалена: смотрите «Неопознанные»", "the payment system was removed: see «Unmatched»")
        }
        "provider-failed" => lang.of("сбой компонента: смотрите «Неопознанные»", "the component failed: see «Unmatched»"),
        "unknown-account" => lang.of("отказ плательщику: такого лицевого счёта нет", "the payer was told: no such account"),
        "account-inactive" => {
            lang.of("отказ плательщику: счёт не принимает платежи", "the payer was told: the account takes no payments")
        }
        "amount-out-of-range" => {
            lang.of("отказ плательщику: такая сумма не принимается", "the payer was told: no such amount is taken")
        }
        "amount-too-small" => {
            lang.of("отказ плательщику: сумма слишком мала", "the payer was told: the amount is too small")
        }
        "amount-too-large" => {
            lang.of("отказ плательщику: сумма слишком велика", "the payer was told: the amount is too large")
        }
        "forbidden" => lang.of(
            "отказ плательщику: биллинг или сотрудник не разрешил",
            "the payer was told: billing or an operator does not allow it",
        ),
        "not-returnable" => lang.of(
            "платёж не возвращён: он не зачислен, уже возвращён или деньги потрачены",
            "the payment was not returned: it is not entered, was returned, or its money is spent",
        ),
        "malformed" | "field-conflict" => lang.of("запрос не удалось разобрать", "the request cannot be parsed"),
        _ => lang.of("отвергнуто компонентом платёжной системы", "refused by the component"),
    }
}

/// Returns why nothing was entered for a callback that an operator must review. The contract lists the codes.
pub fn unresolved(lang: Lang, code: &str) -> &'static str {
    match code {
        "unknown-type" => lang.of("Подписано, но такой тип уведомления неизвестен.", "Signed, but of an unknown type."),
        "merchant-mismatch" => lang.of("Подписано, но для другой торговой точки.", "Signed, but for another merchant account."),
        "currency-mismatch" => lang.of("Подписано, но в другой валюте.", "Signed, but in another currency."),
        "test-callback" => lang.of("Тестовый платёж, а тестовый режим выключен.", "A test payment, and the test mode is off."),
        "live-callback" => lang.of("Настоящий платёж, а включён тестовый режим.", "A real payment, and the test mode is on."),
        "unrecognized-form" => lang.of(
            "Подписано, но в незнакомой форме: платёжная система могла что-то изменить.",
            "Signed, but in an unknown form: the payment system may have changed something.",
        ),
        "sum-too-large" => lang.of(
            "Подтверждено, но баланс с этой суммой не поместился бы в базу: исправьте баланс корректировкой.",
            "Signed, but the balance would exceed the maximum: correct the balance.",
        ),
        "provider-failed" => lang.of(
            "Сбой компонента; платёжной системе отвечено «пришлите позже».",
            "The component failed; the payment system was told to send it again.",
        ),
        "provider-removed" => lang.of(
            "Пришло после того, как платёжную систему удалили. Если её платежи ещё ждут, добавьте её снова под тем же именем.",
            "It came after the payment system was removed. If its payments are still due, add it again under the same name.",
        ),
        _ => lang.of("Подписано, но не удалось понять, о чём оно.", "Signed, but what it is about could not be understood."),
    }
}

/// Returns the title of a callback's field, by its name in a verdict change.
pub fn field(lang: Lang, name: &str) -> &'static str {
    match name {
        "verdict" => lang.of("решение", "verdict"),
        "code" => lang.of("причина", "reason"),
        "error" => lang.of("сбой", "failure"),
        "event.kind" => lang.of("вид", "kind"),
        "event.recurrence" => lang.of("повторность", "recurrence"),
        "event.transaction" => lang.of("транзакция", "transaction"),
        "event.order" => lang.of("заказ", "order"),
        "event.payer" => lang.of("плательщик", "payer"),
        "event.amount.minor_units" => lang.of("сумма, в копейках", "amount, in minor units"),
        "event.amount.currency" => lang.of("валюта", "currency"),
        "event.occurred_at" => lang.of("время", "time"),
        "event.comment" => lang.of("комментарий", "comment"),
        "event.dedup_key" => lang.of("ключ дедупликации", "deduplication key"),
        _ => lang.of("другое", "other"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        let rub = |minor_units| Money { minor_units, currency: Currency::RUB };
        for (minor_units, ru, en) in [
            (0, "0,00\u{a0}₽", "0.00\u{a0}₽"),
            (123_456, "1\u{a0}234,56\u{a0}₽", "1,234.56\u{a0}₽"),
            (-100_000_000, "−1\u{a0}000\u{a0}000,00\u{a0}₽", "−1,000,000.00\u{a0}₽"),
            (99_999, "999,99\u{a0}₽", "999.99\u{a0}₽"),
        ] {
            assert_eq!((amount(Lang::Ru, rub(minor_units)), amount(Lang::En, rub(minor_units))), (ru.into(), en.into()));
        }
    }

    #[test]
    fn days_begin_by_the_operators_clock() {
        let clock = Clock::new(3);
        let day = parse_date("2026-10-31").unwrap();
        // 2026-10-30T21:00:00Z
        assert_eq!((clock.start(day), clock.end(day)), (1_793_394_000, 1_793_480_400));
        assert_eq!((clock.day(1_793_393_999), clock.day(1_793_394_000)), (day.previous_day().unwrap(), day));
        assert_eq!(clock.text(1_793_394_001), "31.10.2026 00:00:01");
        assert_eq!(format_date(day), "2026-10-31");
        assert_eq!(month_before(day), (parse_date("2026-09-01").unwrap(), parse_date("2026-09-30").unwrap()));
        for bad in ["", "2026-02-30", "2026-1", "x-1-1", "2026-10-31-1", "9999-12-31", "1-1-1"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_language_of_the_highest_weight_is_spoken() {
        for (accepted, lang) in [
            ("en;q=0.1, ru;q=0.9", Some(Lang::Ru)),
            ("ru;q=0.2,en-GB;q=0.9", Some(Lang::En)),
            ("de, en", Some(Lang::En)),
            ("EN-us, ru", Some(Lang::En)),
            ("ru;q=0.5, en;q=0.50", Some(Lang::Ru)),
            ("en;q=0, ru;q=0.001", Some(Lang::Ru)),
            ("en;q=0", None),
            ("en;q=2, ru;q=x, de", None),
            ("en;q=0.1234", None),
            ("en;q=99999999999", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(preferred(accepted), lang, "{accepted}");
        }
    }
}
