//! URLs that a payment system is to call or to send a payer to.

use url::{Host, Url};

/// The longest URL that is taken, in characters.
pub const URL_CHARS_MAX: usize = 2000;

/// An absolute `http` or `https` URL whose host is ASCII: a Cyrillic one is given in Punycode, since payment systems know no
/// other; all else stays as it was.
///
/// # Errors
/// What is wrong and what to do.
pub fn absolute(text: &str) -> Result<String, String> {
    let chars = text.chars().count();
    if chars > URL_CHARS_MAX {
        return Err(format!("It has {chars} characters; a URL has at most {URL_CHARS_MAX} here."));
    }
    if text.chars().any(|char| char.is_control() || char.is_whitespace() || char == '\\') {
        return Err("It holds a space, a backslash or a control character; percent-encode it.".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("It is no absolute URL such as https://example.ru/pay: {error}."))?;
    let (scheme, rest) = text.split_once("://").ok_or("It must begin with https:// or http://.")?;
    if !matches!(scheme, "http" | "https") {
        return Err("It must begin with https:// or http://, in lower case.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("It holds a user name or a password; leave them out.".to_owned());
    }
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = url.host_str().filter(|_| !authority.is_empty()).ok_or("It has no host.")?;
    if authority.is_ascii() {
        return Ok(text.to_owned());
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}{rest}"))
}

/// An [`absolute`] URL that is `https`, or `http` to this machine's own loopback, so that a test can stand in for the page.
///
/// # Errors
/// What is wrong and what to do.
pub fn secure(text: &str) -> Result<String, String> {
    let ascii = absolute(text)?;
    let url = Url::parse(&ascii).map_err(|error| error.to_string())?;
    let loopback = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || loopback {
        Ok(ascii)
    } else {
        Err("It must begin with https://; http:// is only for 127.0.0.1 and localhost.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_stay_as_they_are_but_for_a_cyrillic_host() {
        for (text, want) in [
            ("https://lk.example.ru", "https://lk.example.ru"),
            ("http://lk.example.ru:8080/pay?a=1&b=2#x", "http://lk.example.ru:8080/pay?a=1&b=2#x"),
            ("https://Кабинет.рф/оплата?счёт=1", "https://xn--80acmlhv0b.xn--p1ai/оплата?счёт=1"),
            ("https://кабинет.рф:8443", "https://xn--80acmlhv0b.xn--p1ai:8443"),
            ("https://[::1]:8443/x", "https://[::1]:8443/x"),
        ] {
            assert_eq!(absolute(text).as_deref(), Ok(want));
        }
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
            ("http://[::1]/", true),
            ("http://localhost.example.ru/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(secure(text).is_ok(), good, "{text}");
        }
    }
}
