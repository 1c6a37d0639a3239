//! URLs that a payment system calls or sends a payer to.

/// The longest URL that is accepted, in characters.
pub const URL_CHARS_MAX: usize = 2000;
/// The longest host name, and the longest label in it, in characters (RFC 1035).
const HOST_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;

/// The kinds of hosts that matter here.
enum Host {
    Name,
    /// This machine.
    Loopback,
}

/// Checks that a text is an absolute `http` or `https` URL with an ASCII host, and returns it unchanged. A Cyrillic host must
/// be given in Punycode: payment systems accept nothing else, and the tables for converting it would be most of a component's
/// size.
///
/// # Errors
/// What is wrong and what to do.
pub fn absolute(text: &str) -> Result<&str, String> {
    read(text).map(|_| text).map_err(str::to_owned)
}

/// Checks that a text is an [`absolute`] URL with `https`, or with `http` to this machine's loopback, so that tests can serve
/// the page.
///
/// # Errors
/// What is wrong and what to do.
pub fn secure(text: &str) -> Result<&str, String> {
    match read(text).map_err(str::to_owned)? {
        ("https", _) | (_, Host::Loopback) => Ok(text),
        _ => Err("It must begin with https://; http:// is only for 127.0.0.1 and localhost.".to_owned()),
    }
}

/// Parses the scheme and the host.
fn read(text: &str) -> Result<(&'static str, Host), &'static str> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err("It is too long; a URL has at most 2000 characters here.");
    }
    if text.chars().any(|char| char.is_control() || char.is_whitespace() || matches!(char, '\\' | '"' | '<' | '>')) {
        return Err("It holds a space, a quote, a bracket, a backslash or a control character; percent-encode it.");
    }
    let after = |scheme: &'static str, start: &str| text.strip_prefix(start).map(|rest| (scheme, rest));
    let (scheme, rest) = after("https", "https://")
        .or_else(|| after("http", "http://"))
        .ok_or("It must begin with https:// or http://, such as https://example.ru/pay.")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("It holds a user name or a password; leave them out.");
    }
    if !authority.is_ascii() {
        return Err("Its host has letters that are not ASCII; give it in Punycode (xn--…).");
    }
    let host = host(authority).ok_or("Its host or port is none; a URL is such as https://example.ru/pay.")?;
    Ok((scheme, host))
}

/// Parses the part before the path: a host name or an address, with an optional port.
fn host(authority: &str) -> Option<Host> {
    let address = authority.strip_prefix('[');
    let (name, port) = match address {
        Some(address) => match address.split_once(']')? {
            (name, "") => (name, None),
            (name, port) => (name, Some(port.strip_prefix(':')?)),
        },
        None => authority.split_once(':').map_or((authority, None), |(name, port)| (name, Some(port))),
    };
    let is_port = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    if !port.is_none_or(is_port) {
        return None;
    }
    let is_loopback = if address.is_some() {
        is_ipv6_loopback(name)?
    } else if name.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit()) {
        is_ipv4_loopback(name)?
    } else {
        let is_label = |label: &str| {
            let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=LABEL_CHARS_MAX).contains(&label.len()) && label.bytes().all(is_good)
        };
        if name.len() > HOST_CHARS_MAX || !name.split('.').all(is_label) {
            return None;
        }
        name.eq_ignore_ascii_case("localhost")
    };
    Some(if is_loopback { Host::Loopback } else { Host::Name })
}

// The standard library's parsers of addresses are 3 KB of a component.

/// Reports whether an address is 127.0.0.0/8. `None`: it is not four numbers up to 255 without leading zeros.
fn is_ipv4_loopback(text: &str) -> Option<bool> {
    let (mut first, mut count) = (None, 0);
    for part in text.split('.') {
        let is_number = part == "0" || !part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = part.parse::<u16>().ok().filter(|number| is_number && *number <= 255)?;
        first = first.or(Some(number));
        count += 1;
    }
    (count == 4).then_some(first == Some(127))
}

/// Reports whether an address is `::1`. `None`: it is not eight groups of at most four hexadecimal digits, of which one `::` may
/// stand for some. An address of IPv4 at the end is not taken.
fn is_ipv6_loopback(text: &str) -> Option<bool> {
    let (before, after) = text.split_once("::").map_or((text, None), |(before, after)| (before, Some(after)));
    let (mut count, mut last, mut is_zero) = (0, 0, true);
    for part in [Some(before), after].into_iter().flatten().filter(|part| !part.is_empty()).flat_map(|part| part.split(':')) {
        let is_group = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_zero &= last == 0;
        last = u16::from_str_radix(part, 16).ok().filter(|_| is_group)?;
        count += 1;
    }
    let is_whole = if after.is_some() { count < 8 } else { count == 8 };
    // `1::` is not `::1`.
    let ends_in_group = after.is_none_or(|after| !after.is_empty());
    is_whole.then_some(is_zero && last == 1 && ends_in_group)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_stay_as_they_are() {
        for text in [
            "https://lk.example.ru",
            "http://lk.example.ru:8080/pay?a=1&b=2#x",
            "https://xn--80acmlhv0b.xn--p1ai/оплата?счёт=1",
            "https://a_b-c.example.ru?a=@",
            "https://203.0.113.7:65535/x",
            "https://[::1]:8443/x",
        ] {
            assert_eq!(absolute(text), Ok(text));
        }
        assert!(absolute("https://Кабинет.рф/").unwrap_err().contains("Punycode"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "lk.example.ru",
            "/pay",
            "ftp://example.ru/",
            "javascript:alert(1)",
            "HTTPS://example.ru",
            "https:example.ru",
            "https://",
            "https:///pay",
            "https:\\\\example.ru\\pay",
            "https://user@example.ru/",
            "https://user:word@example.ru/",
            "https://example.ru/a b",
            "https://example.ru/\n",
            "https://exa mple.ru/",
            "https://example.ru:99999/",
            "https://example.ru:/",
            "https://example.ru:+1/",
            "https://example..ru/",
            "https://.ru/",
            "https://exam%20ple.ru/",
            "https://256.0.0.1/",
            "https://1.2.3/",
            "https://[::1/",
            "https://[example.ru]/",
            "https://[::1]x/",
            &format!("https://{}.ru/", "x".repeat(64)),
            &format!("https://{}ru/", "x.".repeat(126)),
            &format!("https://example.ru/{}", "x".repeat(2000)),
        ] {
            assert!(absolute(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn pages_are_secure_or_local() {
        for (text, good) in [
            ("https://payments.chronopay.com/", true),
            ("http://payments.chronopay.com/", false),
            ("http://127.0.0.1:8080/", true),
            ("http://localhost:1/", true),
            ("http://LocalHost/", true),
            ("http://127.255.0.1/", true),
            ("http://[::1]/", true),
            ("http://[::2]/", false),
            ("http://127.0.0.1.example.ru/", false),
            ("http://example.ru/?@localhost", false),
            ("http://localhost.example.ru/", false),
            ("http://10.0.0.1/", false),
            ("http://[0:0:0:0:0:0:0:1]/", true),
            ("http://[1::]/", false),
            ("http://[1::1]/", false),
        ] {
            assert_eq!(secure(text).is_ok(), good, "{text}");
        }
    }

    proptest! {
        /// The standard library decides alike, but for an address of IPv4 within one of IPv6.
        #[test]
        fn addresses_are_those_of_the_standard_library(
            four in "[0-9]{1,3}(\\.[0-9]{0,4}){2,4}|127\\.0\\.0\\.[0-9]{1,3}|[0-9.+]{0,12}",
            six in "([0-9a-f]{0,4}:){0,8}[0-9a-fA-F]{0,5}|(0:){7}1|::[01]|[0-9a-f:+]{0,16}",
        ) {
            prop_assert_eq!(is_ipv4_loopback(&four), four.parse::<Ipv4Addr>().ok().map(|address| address.is_loopback()));
            prop_assert_eq!(is_ipv6_loopback(&six), six.parse::<Ipv6Addr>().ok().map(|address| address.is_loopback()));
        }
    }
}
