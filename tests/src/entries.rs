//! One function for each way that bytes from outside come in: fuzzing and the tests call the same ones. Each takes any bytes,
//! and fails when what must hold of them does not.
//!
//! Where an input has several values, the unit separator (0x1F) stands between them, and the record separator (0x1E) between
//! rows: bytes that texts rarely hold.

use std::borrow::Cow;
use std::sync::OnceLock;

use ::robokassa::Robokassa;
use chronopay::ChronoPay;
use domain::{
    CallbackAnswer, CallbackRequest, EventKind, ExportOptions, ExportPart, ExportRow, ExportTotals, HttpMethod, LinkRequest,
    Money, Problem, Verdict,
};
use export::register::Acts;
use export::verify::verify_bytes;
use export::{About, FileEntry, Manifest, Totals};
use kit::contract as native;
use kit::form::Form;
use kit::{Provider as _, form as forms};
use money::Currency;
use sandbox::{Error, Limit, Limits, LoadError, Merchant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::exports::native_export;
use crate::month::{RATES, month};
use crate::{
    SECRET, convert, decode, export_options, get, md5_hex, merchant, minor_units, native, order, post, provider, read_csv,
    robokassa, sandbox, signed, writeoff,
};

/// What takes bytes.
pub type Entry = fn(&[u8]);

/// All of them, by name.
pub const ALL: [(&str, Entry); 15] = [
    ("form", form),
    ("money", money),
    ("settings", settings),
    ("callback", callback),
    ("signed_callback", signed_callback),
    ("link", link),
    ("register", register),
    ("enterprise_data", enterprise_data),
    ("exported_file", exported_file),
    ("register_rows", register_rows),
    ("component", component),
    ("host_records", host_records),
    ("component_callback", component_callback),
    ("robokassa_callback", robokassa_callback),
    ("robokassa_link", robokassa_link),
];

const FORM_FIELDS: [&str; 7] = ["sign", "customer_id", "transaction_id", "transaction_type", "total", "order_id", "cs1"];
const PAYMENT_TYPES: [&str; 4] = ["purchase", "onetime", "initial", "rebill"];

fn values(bytes: &[u8]) -> Vec<Cow<'_, str>> {
    bytes.split(|byte| *byte == 0x1F).map(String::from_utf8_lossy).collect()
}

fn native_merchant() -> &'static ChronoPay {
    static MERCHANT: OnceLock<ChronoPay> = OnceLock::new();
    MERCHANT.get_or_init(|| native(&[]))
}

fn judged(request: &CallbackRequest) -> CallbackAnswer {
    convert::answer(native_merchant().handle_callback(&convert::request(request.clone())))
}

/// A form that is read is the form that would be written.
pub fn form(bytes: &[u8]) {
    let Ok(read) = Form::parse(bytes, FORM_FIELDS) else { return };
    let there = FORM_FIELDS.into_iter().filter(|name| !read.get(name).is_empty());
    let written = forms::encode(there.map(|name| (name, read.get(name))));
    let again = Form::parse(written.as_bytes(), FORM_FIELDS).expect("what is written can be read");
    for name in FORM_FIELDS {
        assert_eq!(again.get(name), read.get(name), "{name}");
        // The first of a name is the only value of it.
        let first = decode(bytes).into_iter().find(|(other, _)| other == name.as_bytes());
        assert_eq!(read.get(name), String::from_utf8_lossy(&first.unwrap_or_default().1), "{name}");
    }
}

/// An amount that is read is the amount that would be written.
pub fn money(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(amount) = money::parse_amount(text) else { return };
    assert!((0..=money::AMOUNT_MAX).contains(&amount), "{text}");
    let written = money::format_amount(amount);
    assert_eq!(money::parse_amount(&written), Ok(amount), "{text}");
    assert!(written == text || written == format!("{text}.00") || written == format!("{text}0"), "{text}");
}

/// Settings, `name=value` by line, are taken or refused by known codes, and no problem depends on what the secret is.
pub fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let entered: Vec<(String, String)> = text.split('\n').filter_map(pair).collect();
    let problems = |entered: &native::Fields| ChronoPay::configure(entered).err().unwrap_or_default();
    let given = problems(&entered);
    for problem in &given {
        let known = ["setting-unknown", "setting-missing", "setting-repeated", "setting-invalid"];
        assert!(known.contains(&problem.code.as_str()), "{problem:?}");
        assert!(problem.field.is_some() && !problem.message.is_empty(), "{problem:?}");
    }
    // With any other secret of the same form the problems are the same to the letter, so they tell nothing of it.
    let other = |char: char| match char {
        char if char.is_whitespace() || kit::text::check_visible(char.encode_utf8(&mut [0; 4])).is_err() => char,
        'x' => 'y',
        _ => 'x',
    };
    let disguised = entered.into_iter().map(|(name, value)| {
        let value = if name == "shared-sec" { value.chars().map(other).collect() } else { value };
        (name, value)
    });
    assert_eq!(problems(&disguised.collect()), given);
}

/// A callback, GET or POST by the first byte: what is accepted is signed.
pub fn callback(bytes: &[u8]) {
    let request = request_of(bytes);
    let answer = judged(&request);
    check_answer(&request, &answer);
    assert_eq!(judged(&request), answer, "the same input has the same answer");
}

fn request_of(bytes: &[u8]) -> CallbackRequest {
    match bytes.split_first() {
        Some((b'G', query)) => get(query),
        Some((_, body)) => post(body),
        None => post(b""),
    }
}

/// The codes of what is proved and not understood, and of what is refused since it is not proved.
const UNRESOLVED_CODES: [&str; 7] = [
    "unrecognized-form",
    "unknown-type",
    "merchant-mismatch",
    "currency-mismatch",
    "test-callback",
    "live-callback",
    "field-conflict",
];
const REFUSED_CODES: [&str; 4] = ["malformed", "field-conflict", "signature-missing", "signature-mismatch"];

fn check_answer(request: &CallbackRequest, CallbackAnswer { verdict, reply }: &CallbackAnswer) {
    let is_of = |problem: &Problem, codes: &[&str]| assert!(codes.contains(&problem.code.as_str()), "{problem:?}");
    match verdict {
        Verdict::Accepted(_) => {}
        Verdict::Unresolved(problem) => is_of(problem, &UNRESOLVED_CODES),
        Verdict::Ignored(problem) => is_of(problem, &["no-money-moved"]),
        Verdict::Refused(problem) => {
            is_of(problem, &REFUSED_CODES);
            return assert_eq!(reply.status, 403);
        }
    }
    assert_eq!(reply.status, 200);
    let form = decode(if request.body.is_empty() { request.query.as_bytes() } else { &request.body });
    let value = |name: &str| {
        let values: Vec<&[u8]> =
            form.iter().filter(|(other, _)| other == name.as_bytes()).map(|(_, value)| value.as_slice()).collect();
        assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{name} has two values");
        values.first().copied().unwrap_or_default()
    };
    let [customer, transaction, kind, total] = ["customer_id", "transaction_id", "transaction_type", "total"].map(value);
    let sign = md5_hex(&[SECRET.as_bytes(), customer, transaction, kind, total]);
    assert_eq!(value("sign").to_ascii_lowercase(), sign.as_bytes(), "what is not refused is signed");
    let Verdict::Accepted(event) = verdict else { return };
    assert_eq!(event.facts.transaction.as_bytes(), transaction);
    assert_eq!(event.facts.payer.as_deref().map(str::as_bytes), Some(customer));
    assert_eq!(Ok(event.facts.amount.minor_units), money::parse_amount(&String::from_utf8_lossy(total)));
    assert_eq!(event.facts.amount.currency, Currency::RUB);
    let pays = PAYMENT_TYPES.iter().any(|name| kind.eq_ignore_ascii_case(name.as_bytes()));
    assert_eq!(event.facts.kind == EventKind::Payment, pays, "{}", String::from_utf8_lossy(kind));
    assert!(event.dedup_key.contains(&event.facts.transaction), "{event:?}");
}

/// A signed callback of any values (customer, transaction, type, total; then product and currency): only a payment's type pays.
pub fn signed_callback(bytes: &[u8]) {
    let values = values(bytes);
    let value = |at: usize, default| values.get(at).map_or(default, |value| value.as_ref());
    let fields = [
        ("customer_id", value(0, "001234-100000062")),
        ("transaction_id", value(1, "56244472")),
        ("transaction_type", value(2, "Purchase")),
        ("total", value(3, "100.00")),
        ("product_id", value(4, "001234-0001-0001")),
        ("currency", value(5, "RUB")),
    ];
    let request = post(signed(&fields).as_bytes());
    let answer = judged(&request);
    check_answer(&request, &answer);
    if let Verdict::Refused(problem) = &answer.verdict {
        assert!(!problem.code.starts_with("signature-"), "it is signed: {problem:?}");
    }
}

/// An order (its control by the first byte, then id, account, kopecks, texts, URLs, expiry, payer) has a link that says the
/// same and is signed, or has none.
pub fn link(bytes: &[u8]) {
    let (control, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let control = ["basic", "order-id", "order-id-with-expiry"][usize::from(*control) % 3];
    let values = values(bytes);
    let value = |at: usize, default: &str| values.get(at).map_or(default.to_owned(), |value| value.to_string());
    let amount = value(2, "10000").parse().unwrap_or(10_000);
    let order = LinkRequest {
        description: value(3, ""),
        language: value(4, ""),
        callback_url: value(5, ""),
        success_url: value(6, ""),
        failure_url: value(7, ""),
        expires_at: value(8, "").parse().ok(),
        payer: ["email", "phone", "name", "city"].iter().zip(9..).map(|(name, at)| ((*name).into(), value(at, ""))).collect(),
        extra: values.get(13).map(|minutes| ("time-limit-minutes".to_owned(), minutes.to_string())).into_iter().collect(),
        ..LinkRequest::new(value(0, "42"), value(1, "100500"), Money { minor_units: amount, currency: Currency::RUB })
    };
    let link = match native(&[("order-control", control)]).create_link(&convert::order(order.clone())) {
        Ok(link) => link,
        Err(problems) => {
            return assert!(!problems.is_empty() && problems.iter().all(|problem| problem.field.is_some()), "{problems:?}");
        }
    };
    let query = link.url.strip_prefix(&format!("{}?", link.form_action)).expect("the link leads to the form's page");
    let fields: Vec<(Vec<u8>, Vec<u8>)> =
        link.form_fields.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
    assert_eq!(decode(query.as_bytes()), fields);
    let field = |name: &str| link.form_fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    assert_eq!(field("product_price"), format!("{}.{:02}", amount / 100, amount % 100));
    assert_eq!((field("cs1"), field("cs2")), (order.id.as_str(), order.account.as_str()));
    let limit = format!("{}{}", field("orderTimelimit"), field("orderExpiretime"));
    let parts = [field("product_id"), field("product_price"), field("order_id"), &limit, SECRET];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    assert_eq!(field("sign"), md5_hex(&[parts.join("-").as_bytes()]));
}

/// Write-offs, one a row (id, account, subscriber, kopecks, VAT, service, note, contract, INN), come out as one line each, to
/// the kopeck, with nothing that a spreadsheet would run.
pub fn register(bytes: &[u8]) {
    let mut rows: Vec<ExportRow> = bytes.split(|byte| *byte == 0x1E).map(writeoff_of).collect();
    rows.sort_by(|one, other| one.account.cmp(&other.account));
    let options = convert::export_options(export_options());
    let mut export = native_merchant().export_writeoffs(&options).expect("the options are good");
    for row in &rows {
        if let Err(problems) = export.append(vec![convert::writeoff(row.clone())]) {
            assert!(problems.iter().all(|problem| problem.row.is_some() && problem.field.is_some()), "{problems:?}");
            return assert!(export.finish().is_err(), "an export that failed has no end");
        }
    }
    let totals = convert::totals(export.finish().expect("it ends"));
    let mut file = Vec::new();
    while let Some(part) = export.read() {
        match convert::part(part) {
            ExportPart::Bytes(bytes) => file.extend(bytes),
            ExportPart::FileEnd(of_file) => assert_eq!(of_file, totals),
            ExportPart::Warning(_) => {}
            ExportPart::LeftOut(line) => panic!("a register lists all: {line:?}"),
        }
    }
    check_register(&file, &rows, &totals);
}

/// Write-offs as those of [`register`] become documents that a reader of its own finds whole, or a problem names the row.
pub fn enterprise_data(bytes: &[u8]) {
    let mut rows: Vec<ExportRow> = bytes.split(|byte| *byte == 0x1E).map(writeoff_of).collect();
    rows.sort_by(|one, other| one.account.cmp(&other.account));
    let options = ExportOptions { format: "enterprise-data-1.17".into(), ..export_options() };
    match native_export(&rows, &options) {
        Err(problems) => assert!(problems.iter().all(|problem| problem.row.is_some() && problem.field.is_some())),
        Ok(exported) => {
            let manifest = manifest_of(exported.file(), &options, &exported.totals);
            assert_eq!(verify_bytes(exported.file(), &manifest.files[0], &manifest), Vec::<String>::new());
            let left_out: u64 = exported.left_out.iter().map(|line| line.rows).sum();
            assert_eq!(exported.totals.rows + left_out, rows.len() as u64);
        }
    }
}

/// A file that may be an export is read to its end and compared, whatever it is: a register where the first byte is `R`.
pub fn exported_file(bytes: &[u8]) {
    let (format, file) = match bytes.split_first() {
        Some((b'R', file)) => ("register-csv", file),
        Some((_, file)) => ("enterprise-data-1.17", file),
        None => return,
    };
    let options = ExportOptions { format: format.into(), ..export_options() };
    let nothing = Money { minor_units: 0, currency: Currency::RUB };
    let totals = ExportTotals { rows: 0, documents: 0, amount: nothing, vat_minor_units: 0, extra: Vec::new() };
    let manifest = manifest_of(file, &options, &totals);
    let differences = verify_bytes(file, &manifest.files[0], &manifest);
    assert!(differences.iter().all(|difference| !difference.contains("sha256")), "{differences:?}");
}

/// The rows of a register that can be read are written as they were.
pub fn register_rows(bytes: &[u8]) {
    let rows: Vec<ExportRow> = export::register::read(bytes, Acts::Optional).take_while(Result::is_ok).flatten().collect();
    let Ok(written) = native_export(&rows, &export_options()) else { return };
    let again = export::register::read(written.file(), Acts::Required).collect::<Result<Vec<ExportRow>, _>>();
    let mut again = again.expect("it is a register");
    for (row, before) in again.iter_mut().zip(&rows) {
        // The act that it names now it need not have named before.
        row.extra.retain(|(name, _)| name != "act-uuid" || before.extra.iter().any(|(name, _)| name == "act-uuid"));
    }
    assert_eq!(again, rows);
}

fn manifest_of(file: &[u8], options: &ExportOptions, totals: &ExportTotals) -> Manifest {
    let totals = Totals::from(totals.clone());
    let entry = FileEntry {
        name: "month".into(),
        bytes: file.len() as u64,
        sha256: hex::encode(Sha256::digest(file)),
        totals: totals.clone(),
    };
    Manifest {
        about: About::new(provider().description(), provider().sha256(), options),
        totals,
        files: vec![entry],
        excluded: Vec::new(),
        input: None,
        left_out: None,
        warnings: Vec::new(),
        warnings_count: 0,
    }
}

fn writeoff_of(bytes: &[u8]) -> ExportRow {
    let values = values(bytes);
    let mut row = writeoff();
    let number = |at: usize| values.get(at).and_then(|text| text.parse::<i64>().ok());
    let set = |at: usize, text: &mut String| {
        if let Some(value) = values.get(at) {
            *text = value.to_string();
        }
    };
    set(0, &mut row.id);
    set(1, &mut row.account);
    set(2, &mut row.subscriber.name);
    set(5, &mut row.service);
    set(7, &mut row.contract);
    set(8, &mut row.subscriber.inn);
    row.amount.minor_units = number(3).unwrap_or(50_000);
    row.vat_basis_points = number(4).and_then(|rate| u16::try_from(rate).ok());
    row.extra = values.get(6).map(|note| ("note".to_owned(), note.to_string())).into_iter().collect();
    row
}

/// Reads a register back and compares it with what went in and with its summary.
pub fn check_register(file: &[u8], rows: &[ExportRow], summary: &ExportTotals) {
    let text = std::str::from_utf8(file).expect("a register is UTF-8");
    let mut lines = read_csv(text);
    let header = lines.remove(0);
    let column = |name: &str| header.iter().position(|other| other == name).expect("the column is there");
    assert_eq!((lines.len(), summary.rows), (rows.len(), rows.len() as u64));
    for (line, row) in lines.iter().zip(rows) {
        assert_eq!(line.len(), header.len(), "{line:?}");
        let note = row.extra.iter().find(|(name, _)| name == "note").map_or("", |(_, note)| note);
        let subscriber = &row.subscriber;
        for (name, want) in [
            ("writeoff_id", row.id.as_str()),
            ("account", &row.account),
            ("contract", &row.contract),
            ("counterparty", &subscriber.name),
            ("inn", &subscriber.inn),
            ("service", &row.service),
            ("note", note),
        ] {
            let cell = line[column(name)].as_str();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "a formula in {name}: {cell:?}");
            assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), want, "{name}");
        }
        assert_eq!(minor_units(&line[column("amount")]), i128::from(row.amount.minor_units));
    }
    let sum = |name: &str| lines.iter().map(|line| minor_units(&line[column(name)])).sum::<i128>();
    assert_eq!(sum("amount"), i128::from(summary.amount.minor_units));
    assert_eq!(sum("vat_amount"), i128::from(summary.vat_minor_units));
    assert_eq!(sum("amount_without_vat"), sum("amount") - sum("vat_amount"));
    let total = |end: &str| {
        let ending = summary.extra.iter().filter(|(name, _)| name.ends_with(end));
        ending.map(|(_, value)| value.parse::<i128>().expect("a total is an integer")).sum::<i128>()
    };
    assert_eq!((total("-amount"), total("-vat")), (sum("amount"), sum("vat_amount")), "the totals by rate add up");
}

/// A file that claims to be a component is loaded, or refused by a typed error; what is none is told to be none.
pub fn component(bytes: &[u8]) {
    let head = bytes.get(..8);
    match sandbox().load(bytes, Limits::default()) {
        Ok(provider) => {
            assert_eq!(head, Some(&b"\0asm\x0d\0\x01\0"[..]), "only components load");
            assert_eq!(provider.sha256(), hex::encode(Sha256::digest(bytes)));
        }
        Err(Error::Load(LoadError::NotWasm)) => assert_ne!(head, Some(&b"\0asm\x0d\0\x01\0"[..])),
        Err(Error::Load(LoadError::Engine(reason))) => panic!("the sandbox itself failed: {reason}"),
        Err(Error::Load(_) | Error::Contract { .. } | Error::Limit { .. } | Error::Trap { .. }) => {}
        Err(other) => panic!("no error of loading: {other}"),
    }
}

/// A record that is read from JSON is the record that would be written.
pub fn host_records(bytes: &[u8]) {
    fn check<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
        let written = serde_json::to_string(&read).expect("a record can be written");
        assert_eq!(serde_json::from_str::<T>(&written).expect("what is written can be read"), read, "{written}");
    }
    check::<CallbackRequest>(bytes);
    check::<LinkRequest>(bytes);
    check::<ExportRow>(bytes);
    check::<ExportOptions>(bytes);
}

/// As [`callback`], through the component: its answer is the one of the same code as plain Rust.
pub fn component_callback(bytes: &[u8]) {
    static MERCHANT: OnceLock<Merchant> = OnceLock::new();
    let merchant = MERCHANT.get_or_init(|| merchant(&[]));
    let request = request_of(bytes);
    match merchant.handle_callback(&request) {
        Ok(answer) => assert_eq!(answer, judged(&request)),
        Err(Error::Limit { limit: Limit::InputBytes(max), .. }) => assert!(request.body.len() + request.query.len() > max),
        Err(error) => panic!("{error}"),
    }
}

fn robokassa_merchant() -> &'static Robokassa {
    static MERCHANT: OnceLock<Robokassa> = OnceLock::new();
    MERCHANT.get_or_init(|| robokassa::native(&[]))
}

/// A notification of Robokassa, GET or POST by the first byte, or by `S` any values (sum, invoice, order, another parameter's name
/// and value) with their signature: what is accepted is signed, and is what it says.
pub fn robokassa_callback(bytes: &[u8]) {
    let request = match bytes.split_first() {
        Some((b'S', rest)) => {
            let values = values(rest);
            let value = |at: usize, default| values.get(at).map_or(default, |value| value.as_ref());
            let own = format!("Shp_{}", value(3, "a"));
            let mut fields = vec![("OutSum", value(0, "100.000000")), ("InvId", value(1, "42")), ("Shp_order", value(2, "42"))];
            fields.extend((values.len() > 3 && own != "Shp_order").then_some((own.as_str(), value(4, ""))));
            post(robokassa::signed(&fields).as_bytes())
        }
        _ => request_of(bytes),
    };
    let judged = || convert::answer(robokassa_merchant().handle_callback(&convert::request(request.clone())));
    let answer = judged();
    assert_eq!(judged(), answer, "the same input has the same answer");
    let form = decode(form_bytes(&request));
    let value = |name: &str| form.iter().find(|(other, _)| other == name.as_bytes()).map_or(&b""[..], |(_, value)| value);
    let body = String::from_utf8(answer.reply.body).expect("a reply is text");
    if let Verdict::Refused(problem) = &answer.verdict {
        let is_signed = bytes.first() == Some(&b'S');
        assert!(!is_signed || !problem.code.starts_with("signature-"), "it is signed: {problem:?}");
        return assert_eq!((answer.reply.status, body.as_str()), (403, "Forbidden"));
    }
    // What is not refused is signed, and Robokassa hears its own number.
    let signature = value("SignatureValue").to_ascii_lowercase();
    let mut texts = robokassa::signed_texts(form_bytes(&request), robokassa::PASSWORD_2).into_iter();
    assert!(texts.any(|text| signature == robokassa::digest_hex("md5", &text).as_bytes()), "a notification that is not signed");
    for name in ["OutSum", "InvId", "SignatureValue", "Shp_order"] {
        assert!(form.iter().filter(|(other, _)| other == name.as_bytes()).all(|(_, other)| other == value(name)), "{name}");
    }
    let is_number = value("InvId").len() <= 20 && value("InvId").iter().all(u8::is_ascii_digit);
    let number = if is_number { value("InvId") } else { b"" };
    assert_eq!((answer.reply.status, body.into_bytes()), (200, [b"OK", number].concat()));
    let Verdict::Accepted(event) = answer.verdict else { return };
    assert!(matches!(value("IsTest"), b"" | b"0"), "a test payment");
    assert_eq!(event.facts.kind, EventKind::Payment);
    assert_eq!(event.facts.transaction.as_bytes(), value("InvId"));
    let named = form.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"Shp_order")).map(|(_, order)| order.as_slice());
    assert!(event.facts.order.is_none_or(|order| named.clone().all(|named| named == order.as_bytes()) && named.count() > 0));
    let written = money::format_amount(event.facts.amount.minor_units);
    let sum = String::from_utf8_lossy(value("OutSum"));
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let point = |text: &str| if text.contains('.') { trimmed(text) } else { text.to_owned() };
    assert_eq!(point(&written), point(&sum), "the same sum");
}

fn form_bytes(request: &CallbackRequest) -> &[u8] {
    match request.method {
        HttpMethod::Get => request.query.as_bytes(),
        HttpMethod::Post => &request.body,
    }
}

/// An order at Robokassa (test mode by the first byte, then id, kopecks, description, language, expiry, e-mail) has a link that says
/// the same and is signed, or has none.
pub fn robokassa_link(bytes: &[u8]) {
    let (mode, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let test_mode = if mode % 2 == 0 { "false" } else { "true" };
    let values = values(bytes);
    let value = |at: usize, default: &str| values.get(at).map_or(default.to_owned(), |value| value.to_string());
    let order = LinkRequest {
        description: value(2, ""),
        language: value(3, ""),
        expires_at: value(4, "").parse().ok(),
        payer: vec![("email".into(), value(5, ""))],
        ..LinkRequest::new(
            value(0, "42"),
            "100500",
            Money { minor_units: value(1, "10000").parse().unwrap_or(10_000), currency: Currency::RUB },
        )
    };
    let link = match robokassa::native(&[("test-mode", test_mode)]).create_link(&convert::order(order.clone())) {
        Ok(link) => link,
        Err(problems) => {
            return assert!(!problems.is_empty() && problems.iter().all(|problem| problem.field.is_some()), "{problems:?}");
        }
    };
    let query = link.url.strip_prefix(&format!("{}?", link.form_action)).expect("the link leads to the form's page");
    let fields: Vec<(Vec<u8>, Vec<u8>)> =
        link.form_fields.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
    assert_eq!(decode(query.as_bytes()), fields);
    let field = |name: &str| link.form_fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    assert_eq!(
        ["Shp_order", "Description", "Email"].map(field),
        [&order.id, &order.description, &order.payer[0].1].map(String::as_str)
    );
    assert_eq!(field("OutSum"), money::format_amount(order.amount.minor_units));
    assert_eq!(field("IsTest"), if test_mode == "true" { "1" } else { "" });
    assert!(field("InvId") == order.id || field("InvId") == "0");
    let text = [robokassa::SHOP, field("OutSum"), field("InvId"), robokassa::PASSWORD_1].join(":");
    let signature = robokassa::digest_hex("md5", format!("{text}:Shp_order={}", order.id).as_bytes());
    assert_eq!(field("SignatureValue"), signature);
}

/// A small export after a byte that tells its format.
fn exported(format: &str, first: u8) -> Vec<u8> {
    let extra = vec![("other-vat-rate".to_owned(), "20".to_owned())];
    let options = ExportOptions { format: format.into(), extra, ..export_options() };
    let rows: Vec<ExportRow> = month(3, RATES).map(|row| ExportRow { unit: String::new(), ..row }).collect();
    let exported = native_export(&rows, &options).expect("the month is good");
    [&[first], exported.file()].concat()
}

/// Inputs to begin with: each is a good one of its entry, or nearly.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let texts: Vec<String> = match name {
        "form" => crate::vectors().callbacks.iter().map(|callback| callback.body.clone()).collect(),
        "money" => ["100.00", "0.01", "99.5", "7", "9999999999999.99", "10000000000000", "00.1"].map(str::to_owned).into(),
        "settings" => vec![
            "product-id=001234-0001-0001\nshared-sec=TestSharedSec001".to_owned(),
            "product-id=1\nshared-sec= short\ncolour=red\npayment-page=http://example.ru/?x\ncurrency=EUR".to_owned(),
            "product-id=001234-0001-0001\nshared-sec=TestSharedSec001\nshared-sec=TestSharedSec001\nlanguage=en".to_owned(),
            "product-id=001234-0001-0001\nshared-sec=Test\tSharedSec001\npayment-type-group=1\ncomment=x".to_owned(),
        ],
        "callback" | "component_callback" => {
            let bodies = crate::vectors().callbacks.iter().map(|callback| &callback.body);
            bodies.flat_map(|body| [format!("P{body}"), format!("G{body}")]).collect()
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
                format!("{first}{}", String::from_utf8_lossy(form_bytes(&vector.request)))
            });
            let signed =
                ["S100.000000\u{1f}42\u{1f}42", "S94.72\u{1f}7\u{1f}A-1\u{1f}a\u{1f}1:Shp_order=42", "S1.001\u{1f}042"];
            texts.chain(signed.map(str::to_owned)).collect()
        }
        "robokassa_link" => {
            let rest = "10000\u{1f}Пополнение\u{1f}ru\u{1f}1893542645\u{1f}user@example.com";
            ["42", "1795545611003", "A-42", "9223372036854775808"].map(|id| format!("\0{id}\u{1f}{rest}")).into()
        }
        _ => panic!("no entry is called {name}"),
    };
    texts.into_iter().map(String::into_bytes).collect()
}
