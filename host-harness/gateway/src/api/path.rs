//! Parameters in a route's path. An invalid one is answered with a problem that names it.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path as AxumPath};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The parameters of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let AxumPath(parameters) = AxumPath::<T>::from_request_parts(parts, state).await.map_err(invalid)?;
        Ok(Path(parameters))
    }
}

fn invalid(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::internal(rejection.body_text());
    };
    let detail = match error.into_kind() {
        // Numbers are the only parameters that are parsed.
        ErrorKind::ParseErrorAtKey { key, .. } => format!("`{key}` in the path must be a whole number, such as 17"),
        ErrorKind::InvalidUtf8InPathParam { key } => format!("`{key}` in the path must be percent-encoded UTF-8"),
        other => return Problem::internal(other.to_string()),
    };
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

/// The account in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AccountPath {
    /// The account's number in billing: 1 to 64 characters without control characters.
    pub account: String,
}

/// The order in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderPath {
    /// The order's id.
    pub order: String,
}

/// The operation in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OperationPath {
    /// The operation's id: 1 to 36 characters `A`-`Z`, `a`-`z`, `0`-`9`, `.`, `_` and `-`.
    pub id: String,
}

/// The provider in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProviderPath {
    /// The provider's name in this host: up to 64 characters `a`-`z`, `0`-`9` and `-`. It does not begin with `-`.
    pub name: String,
}

/// The write-off in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WriteOffPath {
    /// The write-off's id in billing.
    pub id: String,
}

/// The item of a list in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct NumberPath {
    /// The item's id, as the list reports it.
    pub id: u64,
}
