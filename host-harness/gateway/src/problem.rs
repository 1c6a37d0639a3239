//! Problems in the format of RFC 9457.

use std::error::Error;
use std::fmt;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use host::{ErrorCode, ErrorKind, HostError, Limits};
use serde::Serialize;
use utoipa::ToSchema;

/// The request's body did not arrive in time.
#[derive(Debug, thiserror::Error)]
#[error("the request's body timed out")]
pub struct BodyTimedOut;

/// An error for a caller.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
    /// The error's own code, if the host gave it one.
    code: Option<ErrorCode>,
    /// The message in Russian, for pages. Without it, pages show the English one.
    in_russian: Option<&'static str>,
    /// What is wrong, by field, if a provider reports it.
    pub problems: Vec<domain::Problem>,
    retry_after: Option<u64>,
    /// The header `www-authenticate` of a 401.
    challenge: Option<&'static str>,
}

/// What a page and the log show of a problem.
#[derive(Clone)]
pub struct ErrorPage {
    pub detail: String,
    pub in_russian: Option<&'static str>,
    pub problems: Vec<domain::Problem>,
    pub code: Option<ErrorCode>,
}

/// An error: a problem by RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// The meaning of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The reason, and what to do.
    detail: String,
    /// A stable code of the error, such as `decision-already-undone`; absent if the status says all.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// What is wrong, field by field; absent if no field is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FieldProblem>,
}

/// A problem of one field.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem {
    /// A stable code, such as `setting-missing`.
    code: String,
    /// The field's name; null if the problem concerns the whole request.
    field: Option<String>,
    /// The number of the write-off in an export, from 1; null outside of exports.
    row: Option<u64>,
    /// What is wrong, and what to do.
    message: String,
}

impl Problem {
    /// Creates a problem. The message says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
            code: None,
            in_russian: None,
            problems: Vec::new(),
            retry_after: None,
            challenge: None,
        }
    }

    /// The request is well-formed, but not valid.
    pub fn unprocessable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A fault of the program. Logs the reason; the message refers to the log.
    pub fn internal(reason: String) -> Problem {
        HostError::internal(reason).into()
    }

    /// A task of the request ended without a result.
    pub fn task_failed(error: impl fmt::Display) -> Problem {
        Problem::internal(format!("the task failed: {error}"))
    }

    /// Adds the message in Russian.
    pub fn in_russian(self, sentence: &'static str) -> Problem {
        Problem { in_russian: Some(sentence), ..self }
    }

    /// Returns what a page shows of it.
    pub fn shown(&self) -> ErrorPage {
        let Problem { detail, in_russian, problems, code, .. } = self;
        ErrorPage { detail: detail.clone(), in_russian: *in_russian, problems: problems.clone(), code: *code }
    }

    /// Returns the problem for a body that did not arrive in time, or `None` for another error.
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

    /// An upload could not be read to its end: it came too slowly, is too large, or its connection was cut.
    pub fn unread_upload(status: StatusCode, error: &(dyn Error + 'static)) -> Problem {
        Problem::late(error).unwrap_or_else(|| match status {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                status,
                format!("the upload is too large: a component has at most {} bytes", Limits::COMPONENT_BYTES_MAX),
            )
            .in_russian("Файл слишком велик: компонент занимает не больше 4 МиБ."),
            // That of a form says 500 where its connection was cut.
            _ => {
                Problem::new(StatusCode::BAD_REQUEST, "the upload did not arrive whole, and nothing was changed; send it again")
                    .in_russian("Файл пришёл не целиком, ничего не изменено. Отправьте его ещё раз.")
            }
        })
    }

    /// Sets what is wrong, by field.
    pub fn with_problems(self, problems: Vec<domain::Problem>) -> Problem {
        Problem { problems, ..self }
    }

    /// Sets after how many seconds to retry.
    pub fn with_retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after: Some(seconds), ..self }
    }

    /// Sets how the client can authenticate (RFC 9110, 11.6.1).
    pub fn with_challenge(self, challenge: &'static str) -> Problem {
        Problem { challenge: Some(challenge), ..self }
    }
}

impl ErrorPage {
    /// Returns the message in the page's language if there is one, or else in English.
    pub fn sentence(&self, in_russian: bool) -> &str {
        self.in_russian.filter(|_| in_russian).unwrap_or(&self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let shown = self.shown();
        let details = Details {
            title: self.status.canonical_reason().unwrap_or_default().to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            code: self.code.map(ErrorCode::name),
            problems: self.problems.into_iter().map(FieldProblem::from).collect(),
        };
        let mut response = problem_json(self.status, &details);
        response.extensions_mut().insert(shown);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// Returns an answer in the format of a problem.
pub fn problem_json(status: StatusCode, details: &impl Serialize) -> Response {
    let mut response = (status, Json(details)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

impl From<domain::Problem> for FieldProblem {
    fn from(domain::Problem { code, field, row, message, .. }: domain::Problem) -> FieldProblem {
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
        let in_russian = code.and_then(in_russian);
        Problem { problems, retry_after, code, in_russian, ..Problem::new(status, message) }
    }
}

/// Returns the Russian message for an error of the host, or `None` to show the English one.
fn in_russian(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::AccountUnknown => "Такого лицевого счёта нет.",
        ErrorCode::CallbackNotAcknowledged => "Такого разобранного уведомления нет, или его уже вернули в список.",
        ErrorCode::CallbackNotWaiting => "Такого уведомления нет, или его уже разобрали.",
        ErrorCode::CorrectionAmountZero => "Сумма не может быть нулём.",
        ErrorCode::CorrectionKeyReused => "Эта форма уже отправлена с другими данными: откройте её заново.",
        ErrorCode::DecisionAlreadyUndone => "Это решение уже отменено.",
        ErrorCode::DecisionIsUndoing => "Отмену нельзя отменить: примите решение заново.",
        ErrorCode::DecisionMoneyWentBack => {
            "После этого решения деньги по платежу уже возвращались. Если возврат провёл сотрудник, сначала отмените то решение; \
             иначе внесите корректировки обоих счетов."
        }
        ErrorCode::DecisionRefundUnderWay => {
            "Идёт возврат этого платежа, или его исход неизвестен. Дождитесь окончания, отмените возврат или примите по нему решение \
             на странице «Операции»; потом отмените это решение."
        }
        ErrorCode::DecisionUnknown => "Такого решения нет.",
        ErrorCode::OperationEnded => "Эта операция уже завершена.",
        ErrorCode::OperationKeyReused => "Эта форма уже отправлена с другими данными: откройте её заново.",
        ErrorCode::OperationNotFound => "Такой операции нет.",
        ErrorCode::OperationNotUnknown => "Исход этой операции известен: решать нечего.",
        ErrorCode::OperationNotWithdrawable => "Отменить можно только возврат или повторное списание.",
        ErrorCode::OperationRefused => {
            "Учёт не разрешает эту операцию. Платёж должен быть зачислен, сумма — больше нуля и в валюте платежа, а новый заказ — \
             не оплачен и для того же лицевого счёта."
        }
        ErrorCode::OperationSent => "Отменить нельзя: запрос уже у платёжной системы, и деньги могли уйти.",
        ErrorCode::OperationUnderWay => "Такая операция уже идёт: смотрите «Операции».",
        ErrorCode::OperationUnsupported => {
            "Компонент этой платёжной системы так не умеет. Выполните операцию в личном кабинете платёжной системы."
        }
        ErrorCode::OperationsOpen => {
            "У этой платёжной системы есть незавершённые операции. Дождитесь их окончания или примите решение на странице «Операции»."
        }
        ErrorCode::OrderCharged => {
            "По этому заказу списание уже выполнено, и платёжная система о нём ещё не сообщила. Чтобы списать ещё раз, нужен новый заказ."
        }
        ErrorCode::OrderExpired => "Срок этого заказа истёк: нужен новый заказ.",
        ErrorCode::OrderWithoutLink => "Ссылку на оплату этого заказа получить не удалось. Пополните счёт заново.",
        ErrorCode::OrderUnknown => "Такого заказа нет.",
        ErrorCode::PaymentUnknown => "Такого платежа нет.",
        ErrorCode::ProviderNotConfigured => "Платёжная система не настроена: сначала введите её настройки.",
        ErrorCode::ProviderNotLoaded => "Компонент этой платёжной системы не загружен: смотрите «Платёжные системы».",
        ErrorCode::ProviderNotOffered => {
            "Этот способ оплаты сейчас недоступен. Выберите в личном кабинете другой или попробуйте позже."
        }
        ErrorCode::ProviderRemoved => "Эту платёжную систему удалили.",
        ErrorCode::ProviderUnknown => "Такой платёжной системы нет.",
        ErrorCode::RefundExceedsPayment => {
            "От платежа осталось меньше: остальное уже возвращено, возвращается сейчас или ждёт решения на странице «Операции»."
        }
        ErrorCode::RestoredNotCompared => {
            "База данных восстановлена из копии: такая же операция могла быть отправлена после неё. Сейчас ничего не отправлено. \
             Сверьте платёжные системы с учётом и запишите это на странице «Операции»."
        }
        ErrorCode::TooManyLookups => "Слишком много уведомлений, которые ничего не доказывают: повторите позже.",
        ErrorCode::UnmatchedAlreadyEntered => "Эта транзакция уже зачислена: отклоните повтор.",
        ErrorCode::UnmatchedAlreadyResolved => "По этому платежу решение уже принято: смотрите «Решения».",
        ErrorCode::UnmatchedUnknown => "Такого неопознанного платежа нет.",
        ErrorCode::UnmatchedWithoutMoney => "Сумма не больше нуля: зачислить нечего, отклоните.",
        _ => return None,
    })
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        let text = rejection.body_text();
        let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
        Problem::new(rejection.status(), format!("the query cannot be read: {reason}"))
    }
}

pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found").in_russian("Страница не найдена.")
}

pub async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}
