//! Hostile inputs: random ones, and ones that are known to break parsers.

use std::sync::LazyLock;

use domain::{CallbackRequest, Fields, HttpMethod};
use fastrand::Rng;

/// Below the host's limit of 64 KiB of arguments, with room for whatever else the call passes.
const LARGE_BYTES: usize = 60 << 10;

/// Returns texts that break code which handles text.
pub fn texts() -> &'static [String] {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(make_texts);
    &TEXTS
}

fn make_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\0",
        "a\0b",
        "%",
        "%%%",
        "%0",
        "%zz",
        "%00",
        "%FF",
        "%C0%80",
        "%ED%A0%80",
        "+",
        "&",
        "=",
        "&=&=&",
        "\r\n",
        "a\tb",
        "'\"<>&;`$(x)",
        "../../etc/passwd",
        "{{7*7}}",
        "null",
        "NaN",
        "-0",
        "1e308",
        "0x10",
        "９９９",
        "\u{feff}100",
        "\u{202e}00.001",
        "e\u{301}\u{301}\u{301}",
        "👩‍👩‍👧‍👧",
        "İıſK",
        "ß",
        "\u{10ffff}",
        "\u{fffe}",
        "\u{7f}\u{80}\u{85}\u{2028}",
    ]
    .map(str::to_owned)
    .into();
    texts.extend([
        "9".repeat(19),
        "9".repeat(400),
        "-".repeat(300),
        "ы".repeat(64),
        "ы".repeat(65),
        "x".repeat(255),
        "x".repeat(256),
    ]);
    texts.extend(["x".repeat(2_000), "0".repeat(5_000), "\u{301}".repeat(2_000), "я".repeat(20_000)]);
    texts
}

/// Returns bodies that break parsers.
pub fn bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = texts().iter().map(|text| text.clone().into_bytes()).collect();
    for piece in [
        "&", "=", "%", "%0", "a=", "a&", "a=1&", "=&", "+", "[", "{\"a\":", "[[", "(", "<a>", "\u{0}", "%00", "a[]=1&",
        "\\u0000",
    ] {
        bodies.push(piece.repeat(LARGE_BYTES / piece.len()).into_bytes());
    }
    let nested = |open: &str, close: &str, depth: usize| [open.repeat(depth), close.repeat(depth)].concat().into_bytes();
    bodies.extend([100, 1_000, 10_000].into_iter().flat_map(|depth| [nested("[", "]", depth), nested("{\"a\":", "}", depth)]));
    let fields = |count: usize| (0..count).map(|at| format!("field{at}={at}&")).collect::<String>().into_bytes();
    bodies.extend([fields(1_000), fields(3_000)]);
    bodies.extend([
        vec![0xFF; 100],
        vec![0; LARGE_BYTES],
        vec![0xFF; LARGE_BYTES],
        b"\xC0\x80=\xED\xA0\x80&\xF5\x80\x80\x80=1".to_vec(),
        b"{\"amount\": 1e999999999, \"id\": -0.0000000000000000000000000001}".to_vec(),
        b"{\"a\": \"\\ud800\"}".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        b"\"\"".to_vec(),
        b"\x1f\x8b\x08\x00".to_vec(),
        b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_vec(),
    ]);
    bodies
}

/// Returns callbacks with a hostile value in each of the known fields: one field at a time, and all fields at once.
pub fn of_fields(names: &[String]) -> Vec<CallbackRequest> {
    let mut requests = Vec::new();
    for text in texts().iter().filter(|text| text.len() < 1_000) {
        for value in [text.clone(), form_urlencoded::byte_serialize(text.as_bytes()).collect()] {
            requests.extend(names.iter().map(|name| CallbackRequest::post(format!("{name}={value}"))));
            let all: Vec<String> = names.iter().map(|name| format!("{name}={value}")).collect();
            requests.extend(both(all.join("&").into_bytes()));
        }
    }
    requests
}

/// Returns the text as a POST and as a GET.
pub fn both(text: Vec<u8>) -> [CallbackRequest; 2] {
    let query = String::from_utf8_lossy(&text).into_owned();
    let fitting = if query.len() <= LARGE_BYTES { query } else { String::new() };
    [CallbackRequest::post(text), CallbackRequest::get(fitting)]
}

/// Returns a random callback, made of known field names or of arbitrary bytes.
pub fn random(names: &[String], rng: &mut Rng) -> CallbackRequest {
    let length = if rng.u8(..) < 8 { rng.usize(..LARGE_BYTES) } else { rng.usize(..200) };
    let text: Vec<u8> = match rng.u8(..4) {
        0 => (0..length).map(|_| rng.u8(..)).collect(),
        1 => (0..length).filter_map(|_| rng.choice(*b"&=%+0123456789abcdefAB.-_ ")).collect(),
        2 => (0..length.min(2_000)).filter_map(|_| rng.choice(*b"{}[]:,\"0123456789.eE-truefalsn\\ ")).collect(),
        _ => {
            let value = |rng: &mut Rng| rng.choice(texts()).filter(|text| text.len() < 500).cloned().unwrap_or_default();
            let pairs = (0..rng.usize(..12)).map(|_| {
                let name = rng.choice(names).cloned().unwrap_or_else(|| value(rng));
                format!("{name}={}", value(rng))
            });
            pairs.collect::<Vec<_>>().join("&").into_bytes()
        }
    };
    let [mut post, get] = both(text);
    if rng.bool() {
        return get;
    }
    if rng.u8(..) < 32 {
        post.method = HttpMethod::Get;
    }
    if rng.u8(..) < 64 {
        post.headers = fields(rng, 6).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        post.remote_address = rng.choice(["", "::1", "10.0.0.1", "no address"]).unwrap_or_default().to_owned();
        post.received_at = rng.choice([0, 1, u64::MAX]).unwrap_or_default();
    }
    post
}

/// Returns a hostile text, or a short random one.
pub fn text(rng: &mut Rng) -> String {
    if rng.u8(..) < 64 {
        return (0..rng.usize(..40)).map(|_| rng.char(..)).collect();
    }
    rng.choice(texts()).cloned().unwrap_or_default()
}

/// Returns at most `most` random named values.
pub fn fields(rng: &mut Rng, most: usize) -> Fields {
    (0..rng.usize(..=most)).map(|_| (text(rng), text(rng))).filter(|(name, value)| name.len() + value.len() < 8_000).collect()
}
