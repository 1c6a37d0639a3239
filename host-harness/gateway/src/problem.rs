//! What goes wrong, as RFC 9457 has it.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A problem that a caller can read.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    /// What is wrong by field, where a provider says it.
    problems: Value,
}

impl Problem {
    /// A problem in a sentence that says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), problems: Value::Null }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let mut body = json!({ "title": title, "status": self.status.as_u16(), "detail": self.detail });
        if let (Some(body), false) = (body.as_object_mut(), self.problems.is_null()) {
            body.insert("problems".to_owned(), self.problems);
        }
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body).into_response().into_body())
            .into_response()
    }
}

impl From<ledger::Error> for Problem {
    fn from(error: ledger::Error) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<sandbox::Error> for Problem {
    fn from(error: sandbox::Error) -> Problem {
        let detail = error.to_string();
        match error {
            sandbox::Error::Provider(problems) => {
                Problem { problems: json!(problems), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
            }
            _ => Problem::new(StatusCode::BAD_GATEWAY, detail),
        }
    }
}

pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

pub async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
}
