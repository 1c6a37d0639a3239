//! What goes wrong, as RFC 9457 has it.

use std::error::Error;
use std::fmt;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use host::{ErrorKind, HostError};
use serde::Serialize;
use utoipa::ToSchema;

/// The body did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the request's body timed out")]
pub struct BodyTimedOut;

/// A problem that a caller can read.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
    /// Which failure it is, where the host names it.
    code: Option<&'static str>,
    /// The same in Russian, for pages; where there is none, they show what there is.
    in_russian: Option<&'static str>,
    /// What is wrong by field, where a provider says it.
    pub problems: Vec<domain::Problem>,
    retry_after: Option<u64>,
}

/// What a page shows of a problem.
#[derive(Clone)]
pub struct ErrorPage {
    pub detail: String,
    pub in_russian: Option<&'static str>,
    pub problems: Vec<domain::Problem>,
}

/// A problem, by RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// What the status means.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// Which failure it is, where it has a name that does not change, such as `decision-already-undone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What the provider says, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
}

/// What a provider says of a field.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem {
    /// A stable code, such as `setting-missing`.
    code: String,
    /// The field.
    field: Option<String>,
    /// The number of the write-off, from 1, in an export.
    row: Option<u64>,
    /// What is wrong, and what to do.
    message: String,
}

impl Problem {
    /// A problem in a sentence that says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), code: None, in_russian: None, problems: Vec::new(), retry_after: None }
    }

    /// What was sent can be read, and not be done.
    pub fn unprocessable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// There is no such thing: `what` ends the sentence.
    pub fn not_found(what: &str) -> Problem {
        HostError::not_found(what).into()
    }

    /// What should never happen; the log says more.
    pub fn internal(reason: String) -> Problem {
        HostError::internal(reason).into()
    }

    /// What a request began ended without a result.
    pub fn task_failed(error: impl fmt::Display) -> Problem {
        Problem::internal(format!("the task failed: {error}"))
    }

    /// The same sentence for pages in Russian.
    pub fn in_russian(self, sentence: &'static str) -> Problem {
        Problem { in_russian: Some(sentence), ..self }
    }

    /// What a page shows of it.
    pub fn shown(&self) -> ErrorPage {
        ErrorPage { detail: self.detail.clone(), in_russian: self.in_russian, problems: self.problems.clone() }
    }

    /// What a body came to that did not come in time; `None` where that is not what is wrong with it.
    pub fn late(error: &(dyn Error + 'static)) -> Option<Problem> {
        let mut cause = Some(error);
        while let Some(error) = cause.filter(|error| !error.is::<BodyTimedOut>()) {
            cause = error.source();
        }
        let late = || {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "the request's body timed out")
                .in_russian("Запрос не пришёл целиком за отведённое время. Отправьте его ещё раз.")
        };
        cause.map(|_| late())
    }

    /// What is wrong by field.
    pub fn with_problems(self, problems: Vec<domain::Problem>) -> Problem {
        Problem { problems, ..self }
    }

    /// When to try again, in seconds.
    pub fn with_retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after: Some(seconds), ..self }
    }
}

impl ErrorPage {
    /// What is wrong, in the page's language where there is such a sentence.
    pub fn sentence(&self, in_russian: bool) -> &str {
        self.in_russian.filter(|_| in_russian).unwrap_or(&self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(status = self.status.as_u16(), detail = self.detail, "a request was not served");
        }
        let shown = self.shown();
        let details = Details {
            title: self.status.canonical_reason().unwrap_or_default().to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code,
            problems: self.problems.into_iter().map(FieldProblem::from).collect(),
        };
        let mut response = problem_json(self.status, &details);
        response.extensions_mut().insert(shown);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// An answer that has the form of a problem.
pub fn problem_json(status: StatusCode, details: &impl Serialize) -> Response {
    let mut response = (status, Json(details)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

impl From<domain::Problem> for FieldProblem {
    fn from(domain::Problem { code, field, row, message }: domain::Problem) -> FieldProblem {
        FieldProblem { code, field, row, message }
    }
}

impl From<HostError> for Problem {
    fn from(HostError { kind, code, message, problems, retry_after, .. }: HostError) -> Problem {
        let status = match kind {
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Gone => StatusCode::GONE,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::ProviderFailed => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let in_russian = in_russian(code);
        let code = Some(code).filter(|code| *code != kind.name());
        Problem { problems, retry_after, code, in_russian, ..Problem::new(status, message) }
    }
}

/// What a page in Russian says of a failure of the host; `None` where it shows what there is.
fn in_russian(code: &str) -> Option<&'static str> {
    Some(match code {
        "account-unknown" => "Такого лицевого счёта нет.",
        "callback-not-acknowledged" => "Такого разобранного уведомления нет, или его уже вернули в список.",
        "callback-not-waiting" => "Такого уведомления нет, или его уже разобрали.",
        "correction-amount-zero" => "Сумма не может быть нулём.",
        "correction-key-reused" => "Эта форма уже отправлена с другими данными: откройте её заново.",
        "decision-already-undone" => "Это решение уже отменено.",
        "decision-is-undoing" => "Отмену нельзя отменить: примите решение заново.",
        "decision-money-went-back" => {
            "После этого решения деньги по платежу уже возвращались. Если возврат провёл сотрудник, сначала отмените то решение; \
             иначе внесите корректировки обоих счетов."
        }
        "decision-unknown" => "Такого решения нет.",
        "provider-not-offered" => {
            "Этот способ оплаты сейчас недоступен. Выберите в личном кабинете другой или попробуйте позже."
        }
        "unmatched-already-entered" => "Эта транзакция уже зачислена: отклоните повтор.",
        "unmatched-already-resolved" => "По этому платежу решение уже принято: смотрите «Решения».",
        "unmatched-unknown" => "Такого неопознанного платежа нет.",
        "unmatched-without-money" => "Сумма не больше нуля: зачислить нечего, отклоните.",
        _ => return None,
    })
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::new(rejection.status(), rejection.body_text())
    }
}

pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found").in_russian("Страница не найдена.")
}

pub async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}
