//! A callback request as its provider is given it.

use std::borrow::Cow;

use domain::{CallbackRequest, RequestHeader};

/// A callback request, with those of its headers that the provider reads.
pub(crate) struct GivenRequest<'r> {
    pub(crate) request: &'r CallbackRequest,
    pub(crate) headers: Cow<'r, [(String, String)]>,
}

impl<'r> GivenRequest<'r> {
    pub(crate) fn new(request: &'r CallbackRequest, read: &[RequestHeader]) -> GivenRequest<'r> {
        let is_read = |name: &str| read.iter().any(|header| header.name == name);
        let headers = if read.is_empty() {
            Cow::Borrowed(&[][..])
        } else {
            request.headers.iter().filter(|(name, _)| is_read(name)).cloned().collect()
        };
        GivenRequest { request, headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_headers_are_given() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let sent = [("host", "x"), ("x-sign", "1"), ("x-sign", "2"), ("x-signature", "3")];
        let request = CallbackRequest { headers: pairs(&sent), ..CallbackRequest::post("") };
        let given = |read: &[&str]| {
            let read: Vec<RequestHeader> =
                read.iter().map(|name| RequestHeader { name: (*name).to_owned(), secret: false }).collect();
            GivenRequest::new(&request, &read).headers.into_owned()
        };
        assert_eq!(given(&[]), []);
        assert_eq!(given(&["cookie"]), []);
        assert_eq!(given(&["x-sign", "cookie"]), pairs(&[("x-sign", "1"), ("x-sign", "2")]));
    }
}
