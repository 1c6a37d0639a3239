//! The rules about the steps of a provider: questions, calls, links, callbacks.

use domain::{AccountNumber, LedgerQuestion};
use domain::{
    CallbackAnswer, Context, DedupKey, EventKind, Exchange, Facts, HttpCall, HttpReply, LinkFailure, MovementName, OrderId,
    PaymentLink, ProvedEvent, Question, Repeatable, TransactionId, Verdict, is_contract_text as is_text,
};

use super::names::{FIELDS_MAX, Violations, are_fields, broken, is_header_name, is_name, problem, problems};

const QUESTIONS_MAX: usize = 32;
const CALLS_MAX: usize = 8;
const EVENTS_MAX: usize = 100;
const URL_BYTES_MAX: usize = 8192;
const CALL_BODY_BYTES_MAX: usize = 64 << 10;
const CALL_HEADERS_MAX: usize = 64;
const PAGE_MAX: u16 = 500;
const QR_CHARS_MAX: usize = 1024;
const REPLY_BYTES_MAX: usize = 64 << 10;
/// The same where the provider was told movements.
const LONG_REPLY_BYTES_MAX: usize = 1 << 20;
const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 1024;
const DATA_TYPES: [&str; 4] = ["text/plain", "application/json", "text/xml", "application/xml"];
/// The headers of a call that are the host's.
const HOST_HEADERS: [&str; 10] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// Returns the rules that questions break, when these exchanges were made before.
pub fn questions(questions: &[Question], context: &Context) -> Violations {
    let is_new = |at: usize, question: &Question| {
        questions.iter().take(at).all(|earlier| earlier != question)
            && context.asked.iter().all(|asked| asked.question() != *question)
    };
    let mut wrong = broken([
        (!questions.is_empty(), "it asks no question"),
        (questions.len() + context.asked.len() <= QUESTIONS_MAX, "it asks more than 32 questions for one result"),
        (
            questions.iter().enumerate().take(QUESTIONS_MAX).all(|(at, question)| is_new(at, question)),
            "it asks a question that was answered, or one twice",
        ),
    ]);
    wrong.extend(questions.iter().take(QUESTIONS_MAX).flat_map(question));
    wrong
}

fn question(question: &Question) -> Violations {
    match question {
        Question::Account(query) => broken([
            (AccountNumber::is_valid(&query.number), "an account is not 1 to 64 characters without control characters"),
            (are_fields(&query.extra), "extra is not at most 256 names in kebab-case, each once"),
        ]),
        Question::Ledger(LedgerQuestion::Order(id)) => {
            broken([(OrderId::is_valid(id), "an order is not 1 to 64 characters without control characters")])
        }
        Question::Ledger(LedgerQuestion::Movement(name)) => movement_name(name),
        Question::Ledger(LedgerQuestion::Movements(query)) => broken([
            ((1..=PAGE_MAX).contains(&query.limit), "a page of movements has not 1 to 500"),
            (query.since <= query.until, "a range of movements ends before it begins"),
        ]),
        Question::Other(name, values) => broken([
            (is_name(name), "a question's name is not kebab-case"),
            (are_fields(values), "a question's values are not at most 256 names in kebab-case, each once"),
        ]),
    }
}

fn movement_name(name: &MovementName) -> Violations {
    match name {
        MovementName::Key(key) => {
            broken([(DedupKey::is_valid(key), "a movement's key is not 1 to 255 printable ASCII characters")])
        }
        MovementName::Id(id) => {
            broken([(is_text(id, 1, 64), "a movement's id is not 1 to 64 characters without control characters")])
        }
    }
}

/// Returns the rules that a call breaks, when these exchanges were made before, and where a function may only read or not.
pub fn call(call: &HttpCall, context: &Context, only_reads: bool) -> Violations {
    let is_printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_own = |name: &str| is_token(name) && !HOST_HEADERS.contains(&name) && !name.starts_with("proxy-");
    let is_value = |value: &str| value.chars().all(|char| matches!(char, '\t' | ' '..='~' | '\u{80}'..='\u{ff}'));
    broken([
        (context.called.len() < CALLS_MAX, "it has more than 8 calls made for one result"),
        (context.called.iter().all(|(called, _)| called != call), "it has a call made that was made"),
        (
            !only_reads || call.repeatable == Repeatable::Always,
            "a call is not always repeatable, in a function that only reads",
        ),
        (
            (call.url.starts_with("https://") || call.url.starts_with("http://")) && is_printable(&call.url),
            "a call's url is not an absolute URL in ASCII",
        ),
        (call.url.len() <= URL_BYTES_MAX, "a call's url is over 8192 bytes"),
        (
            call.headers.len() <= CALL_HEADERS_MAX && call.headers.iter().all(|(name, _)| is_own(name)),
            "a call has more than 64 headers, or one that is the host's or not in lower case",
        ),
        (
            call.headers.iter().all(|(_, value)| is_value(value)),
            "a call's header has a value with a control character, or one beyond U+00FF",
        ),
        (call.body.len() <= CALL_BODY_BYTES_MAX, "a call's body is over 64 KiB"),
        (
            call.client_certificate.as_ref().is_none_or(|setting| is_name(setting)),
            "a call's client-certificate is not the name of a setting",
        ),
        (are_fields(&call.extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Reports whether a text can be a header's name, in lower case.
fn is_token(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_known)
}

/// Returns the rules that an answer to a callback breaks, given after these exchanges.
pub fn callback_answer(answer: &CallbackAnswer, context: &Context) -> Violations {
    let mut wrong = answer.reply.as_ref().map_or_else(Violations::new, |sent| reply(sent, context));
    match &answer.verdict {
        Verdict::Happened(happened) => {
            wrong.extend(broken([(!happened.is_empty(), "there are no events")]));
            wrong.extend(events(happened));
        }
        Verdict::Wanted(wanted) => {
            let can_be =
                matches!(wanted.facts.kind, EventKind::Payment | EventKind::Refund | EventKind::Hold | EventKind::HoldRelease);
            wrong.extend(event(wanted));
            wrong.extend(broken([(can_be, "what is wanted is not a payment, a refund, a hold or a hold-release")]));
        }
        Verdict::Unresolved(noted) | Verdict::Ignored(noted) | Verdict::Refused(noted) => wrong.extend(problem(noted)),
        Verdict::Answered | Verdict::Unavailable => {}
    }
    let is_open = context.outcomes.is_empty();
    let is_unavailable = matches!(answer.verdict, Verdict::Unavailable);
    wrong.extend(broken([
        (is_open || !is_unavailable, "after the outcomes of its events it returns `unavailable` and not `answered`"),
        (
            is_open || is_unavailable || matches!(answer.verdict, Verdict::Answered),
            "after the outcomes of its events it does not answer",
        ),
    ]));
    wrong
}

/// Returns the rules that events break together.
pub fn events(events: &[ProvedEvent]) -> Violations {
    let mut wrong = broken([(events.len() <= EVENTS_MAX, "there are more than 100 events")]);
    let counted = || events.iter().take(EVENTS_MAX);
    wrong.extend(counted().flat_map(event));
    let is_unique = counted().enumerate().all(|(at, one)| counted().take(at).all(|earlier| earlier.dedup_key != one.dedup_key));
    wrong.extend(broken([(is_unique, "two events have one dedup-key")]));
    wrong
}

/// Returns the rules that an event breaks.
pub fn event(event: &ProvedEvent) -> Violations {
    let ProvedEvent { facts, comment, dedup_key, fee, extra } = event;
    let Facts { kind, recurrence: _, transaction, original, ends_hold, expires_at, order, account, payer, amount, occurred_at } =
        facts;
    let ends_holds = matches!(kind, EventKind::Payment | EventKind::HoldRelease);
    let goes_back = matches!(kind, EventKind::Refund | EventKind::Chargeback | EventKind::ChargebackReversal);
    let may_be_zero = matches!(kind, EventKind::Declined | EventKind::HoldRelease);
    broken([
        (TransactionId::is_valid(transaction), "transaction is not 1 to 64 characters without control characters"),
        (
            original.as_deref().is_none_or(TransactionId::is_valid),
            "original is not 1 to 64 characters without control characters",
        ),
        (original.is_none() || goes_back, "original is given for money that does not go back"),
        (ends_hold.as_deref().is_none_or(DedupKey::is_valid), "ends-hold is not 1 to 255 printable ASCII characters"),
        (ends_hold.is_none() || ends_holds, "ends-hold is given for what ends no hold"),
        (expires_at.is_none() || *kind == EventKind::Hold, "expires-at is given for what is no hold"),
        (order.as_deref().is_none_or(OrderId::is_valid), "order is not 1 to 64 characters without control characters"),
        (
            account.as_deref().is_none_or(AccountNumber::is_valid),
            "account is not 1 to 64 characters without control characters",
        ),
        (order.is_none() || account.is_none(), "both order and account are given"),
        (
            payer.as_ref().is_none_or(|payer| is_text(payer, 1, 255)),
            "payer is not 1 to 255 characters without control characters",
        ),
        (amount.minor_units > 0 || (may_be_zero && amount.minor_units == 0), "amount is not positive"),
        (fee.is_none_or(|fee| fee.minor_units >= 0), "fee is negative"),
        (
            occurred_at.as_deref().is_none_or(is_time),
            "occurred-at is not YYYY-MM-DD or YYYY-MM-DDThh:mm:ss, with or without an offset",
        ),
        (is_text(comment, 0, 255), "comment is not at most 255 characters without control characters"),
        (DedupKey::is_valid(dedup_key), "dedup-key is not 1 to 255 printable ASCII characters"),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Returns the rules that a reply breaks. A reply is data: nothing that a browser would run or store, and nothing that the host
/// could not send.
fn reply(reply: &HttpReply, context: &Context) -> Violations {
    let has_movements = context.asked.iter().any(|asked| matches!(asked, Exchange::Ledger(LedgerQuestion::Movements(_), _)));
    let bytes_max = if has_movements { LONG_REPLY_BYTES_MAX } else { REPLY_BYTES_MAX };
    let HttpReply { status, headers, body } = reply;
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let unique = names.windows(2).all(|pair| pair.first() != pair.last());
    let printable = |(_, value): &(String, String)| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    let is_sent = |(name, value): &(String, String)| match name.as_str() {
        "content-type" => is_data_type(value),
        other => other.strip_prefix("x-").is_some_and(is_header_name),
    };
    broken([
        (matches!(status, 200..=299 | 400..=599), "reply status is not 200 to 299 or 400 to 599"),
        (headers.len() <= HEADERS_MAX && unique, "reply has more than 32 headers, or one is given twice"),
        (
            headers.iter().all(is_sent),
            "reply has a header that is neither x-… in lower case nor a content-type of text/plain, application/json, text/xml or \
             application/xml",
        ),
        (
            headers.iter().all(|header| printable(header) && header.1.len() <= HEADER_BYTES_MAX),
            "a reply header's value is not at most 1024 printable ASCII characters",
        ),
        (body.len() <= bytes_max, "reply body is over 64 KiB, or over 1 MiB after movements"),
        (body.is_empty() || !matches!(status, 204 | 205), "reply has a body where its status allows none"),
    ])
}

/// Reports whether a media type, with or without a charset, is one that no browser runs.
fn is_data_type(value: &str) -> bool {
    let (media_type, parameter) = value.split_once(';').map_or((value, None), |(media_type, rest)| (media_type, Some(rest)));
    let is_charset = |parameter: &str| {
        let charset = parameter.trim().split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
        charset.is_some_and(|(_, charset)| {
            let charset = charset.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(charset);
            !charset.is_empty() && charset.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
    };
    DATA_TYPES.iter().any(|known| media_type.trim_end().eq_ignore_ascii_case(known)) && parameter.is_none_or(is_charset)
}

/// Returns the rules that a link breaks.
pub fn payment_link(link: &PaymentLink) -> Violations {
    let PaymentLink { url, form, qr, reference, expires_at: _, extra } = link;
    let is_url = |url: &str| {
        (url.starts_with("https://") || url.starts_with("http://")) && url.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let is_code = |qr: &str| (1..=QR_CHARS_MAX).contains(&qr.len()) && qr.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    broken([
        (url.is_some() || form.is_some() || qr.is_some(), "there is neither url nor form nor qr"),
        (url.as_deref().is_none_or(is_url), "url is not an absolute URL in ASCII"),
        (form.as_ref().is_none_or(|form| is_url(&form.action)), "the form's action is not an absolute URL in ASCII"),
        (form.as_ref().is_none_or(|form| form.inputs.len() <= FIELDS_MAX), "there are more than 256 inputs of a form"),
        (qr.as_deref().is_none_or(is_code), "qr is not 1 to 1024 characters of printable ASCII"),
        (
            reference.as_ref().is_none_or(|reference| is_text(reference, 1, 255)),
            "reference is not 1 to 255 characters without control characters",
        ),
        (are_fields(extra), "extra is not at most 256 names in kebab-case, each once"),
    ])
}

/// Returns the rules that the failure of a link breaks.
pub fn link_failure(failure: &LinkFailure) -> Violations {
    match failure {
        LinkFailure::Failed(all) => problems(all),
        LinkFailure::Unavailable(one) | LinkFailure::Unknown(one) => problem(one),
    }
}

/// Reports whether a text is `YYYY-MM-DD`, optionally followed by `Thh:mm:ss`, which `Z`, `+hh:mm` or `-hh:mm` may follow. The
/// provider has to check that the day exists.
pub fn is_time(text: &str) -> bool {
    let like = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| if form == b'0' { byte.is_ascii_digit() } else { byte == form })
    };
    let (Some(date), Some(rest)) = (text.get(..10), text.get(10..)) else { return false };
    let offset = |offset: &str| ["", "Z", "+00:00", "-00:00"].iter().any(|form| like(offset, form));
    like(date, "0000-00-00")
        && (rest.is_empty() || rest.get(..9).is_some_and(|time| like(time, "T00:00:00")) && rest.get(9..).is_some_and(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{HttpMethod, Money, Problem};
    use money::Currency;

    #[test]
    fn answers_that_a_ledger_must_not_see() {
        let reply = HttpReply { status: 200, headers: vec![], body: vec![] };
        let event = |minor_units, dedup_key: &str| ProvedEvent {
            facts: Facts::new(EventKind::Payment, "1".parse().unwrap(), Money { minor_units, currency: Currency::RUB }),
            comment: String::new(),
            dedup_key: DedupKey::stored(dedup_key),
            fee: None,
            extra: vec![],
        };
        let broken = |verdict, reply: &HttpReply| {
            callback_answer(&CallbackAnswer { verdict, reply: Some(reply.clone()) }, &Context::default())
        };
        assert_eq!(broken(Verdict::Happened(vec![event(1, "k")]), &reply), Violations::new());
        for (minor_units, key) in [(0, "k"), (-1, "k"), (1, ""), (1, "ключ")] {
            assert_eq!(broken(Verdict::Happened(vec![event(minor_units, key)]), &reply).len(), 1, "{minor_units} {key}");
        }
        let problem = Problem::new("Bad Code", "");
        assert_eq!(broken(Verdict::Refused(problem), &HttpReply { status: 100, ..reply }).len(), 2);
    }

    #[test]
    fn a_call_of_a_function_that_only_reads_is_always_repeatable() {
        for (repeatable, violations) in [(Repeatable::Always, 0), (Repeatable::Never, 1), (Repeatable::Within(86_400), 1)] {
            let wanted = HttpCall {
                method: HttpMethod::Get,
                url: "https://pay.example/payments/1".to_owned(),
                headers: vec![],
                body: vec![],
                repeatable,
                answer_bytes_max: 1000,
                client_certificate: None,
                extra: vec![],
            };
            assert_eq!(call(&wanted, &Context::default(), false), Violations::new());
            assert_eq!(call(&wanted, &Context::default(), true).len(), violations, "{repeatable:?}");
        }
    }

    #[test]
    fn replies_that_are_more_than_data() {
        let broken = |status, headers: &[(&str, &str)], body: &[u8]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            reply(&HttpReply { status, headers, body: body.to_vec() }, &Context::default()).len()
        };
        for (status, headers, body) in [
            (200, &[][..], &b"OK"[..]),
            (200, &[("content-type", "text/plain")], b"OK"),
            (404, &[("content-type", "application/json; charset=utf-8"), ("x-request-id", "7 a")], b"{}"),
            (500, &[("content-type", "Text/XML;charset=\"windows-1251\"")], b"<a/>"),
            (204, &[], b""),
        ] {
            assert_eq!(broken(status, headers, body), 0, "{status} {headers:?}");
        }
        for (status, headers, body) in [
            (100, &[][..], &b""[..]),
            (302, &[], b""),
            (304, &[], b""),
            (600, &[], b""),
            (204, &[], b"x"),
            (205, &[], b"x"),
            (200, &[("content-type", "text/html")], b"x"),
            (200, &[("content-type", "text/plain; boundary=x")], b"x"),
            (200, &[("content-type", "text/plain, text/html")], b"x"),
            (200, &[("content-type", "text/plain"), ("content-type", "text/plain")], b"x"),
            (200, &[("Content-Type", "text/plain")], b"x"),
            (200, &[("set-cookie", "s=1; Path=/operator")], b"x"),
            (200, &[("location", "https://evil.example")], b"x"),
            (200, &[("content-length", "5")], b"OK"),
            (200, &[("transfer-encoding", "chunked")], b"OK"),
            (200, &[("connection", "keep-alive")], b"OK"),
            (200, &[("x-", "a")], b"x"),
            (200, &[("x-a b", "a")], b"x"),
            (200, &[("x-a", "a\r\nset-cookie: b")], b"x"),
            (200, &[("x-a", "\u{e9}")], b"x"),
        ] {
            assert_eq!(broken(status, headers, body), 1, "{status} {headers:?}");
        }
    }

    #[test]
    fn times() {
        for (text, want) in [
            ("2026-10-01", true),
            ("2026-10-01T12:00:00", true),
            ("2026-10-01T12:00:00Z", true),
            ("2026-10-01T12:00:00+03:00", true),
            ("2026-10-01 12:00:00", false),
            ("2026-10-01T12:00", false),
            ("2026-10-01T12:00:00+3", false),
            ("YYYY-MM-DD", false),
            ("", false),
            ("ё026-10-01", false),
        ] {
            assert_eq!(is_time(text), want, "{text:?}");
        }
    }
}
