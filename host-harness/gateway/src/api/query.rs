//! Queries whose lists may be given in parts.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The parameters that are lists, separated by commas.
const LISTS: [&str; 2] = ["confirm_hosts", "accept_relabelled"];

/// A query in which a list that is given several times is one list.
pub struct ListQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ListQuery<T> {
    type Rejection = QueryRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<ListQuery<T>, QueryRejection> {
        let query = joined(parts.uri.query().unwrap_or_default());
        let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
        // What was a query is one, encoded anew.
        let Query(query) = Query::try_from_uri(uri.as_ref().unwrap_or(&parts.uri))?;
        Ok(ListQuery(query))
    }
}

fn joined(query: &str) -> String {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        match joined.iter_mut().find(|(other, _)| *other == name && LISTS.contains(&name.as_str())) {
            Some((_, list)) => {
                list.push(',');
                list.push_str(&value);
            }
            None => joined.push((name, value)),
        }
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(joined).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_come_in_parts() {
        for (query, want) in [
            ("confirm_hosts=a&confirm_hosts=b%3A8443", "confirm_hosts=a%2Cb%3A8443"),
            ("confirm_hosts=a,b&in_use=1&confirm_hosts=c", "confirm_hosts=a%2Cb%2Cc&in_use=1"),
            ("in_use=1&in_use=2", "in_use=1&in_use=2"),
            ("", ""),
        ] {
            assert_eq!(joined(query), want);
        }
    }
}
