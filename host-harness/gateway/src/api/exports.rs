//! Write-offs for accounting.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::{Party, WrittenDate};
use host::{CreatedExport, ExportRequest, HostError, Manifest, required_text};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Body, Bytes, Details, Json, PartyKindDto};
use crate::download;
use crate::identifiers;
use crate::problem::Problem;
use crate::shared::{App, blocking};

/// The operator, as documents for accounting name it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    kind: PartyKindDto,
    name: String,
    /// «ИНН»
    inn: String,
    /// «КПП»
    #[serde(default)]
    kpp: String,
}

/// Who sells.
#[utoipa::path(get, path = "/seller", operation_id = "get_seller", responses(
    (status = OK, body = Seller), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn seller(State(app): State<App>) -> Result<Json<Seller>, Problem> {
    let seller = blocking(&app, |app| app.host.seller()?.ok_or_else(|| Problem::not_found("seller; PUT it"))).await?;
    let Party { kind, name, inn, kpp } = seller;
    Ok(Json(Seller { kind: kind.into(), name, inn, kpp }))
}

/// Says who sells: exports name it.
#[utoipa::path(put, path = "/seller", operation_id = "put_seller", request_body = Seller, responses(
    (status = NO_CONTENT), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn put_seller(State(app): State<App>, body: Body<Seller>) -> Result<StatusCode, Problem> {
    let Json(Seller { kind, name, inn, kpp }) = body?;
    let name = required_text("name", name, 250)?;
    let seller = Party { kind: kind.into(), name, inn, kpp };
    blocking(&app, move |app| Ok(app.host.set_seller(&seller)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// The first day.
    #[param(value_type = String, format = Date)]
    from: WrittenDate,
    /// The last day.
    #[param(value_type = String, format = Date)]
    to: WrittenDate,
    /// One of the provider's formats; without it, the first.
    #[serde(default)]
    format: String,
    /// The provider whose formats they are; without it the only one there is.
    provider: Option<String>,
    /// Makes a file also where there is nothing to export.
    #[serde(default)]
    allow_empty: bool,
    /// Replaces an export of the same days, provider, format and options that holds something else; without it that is 409.
    #[serde(default)]
    replace: bool,
    /// Options of the format, each by its name, such as `mode=summary-individuals`.
    #[serde(flatten)]
    options: BTreeMap<String, String>,
}

async fn create(app: &App, query: Result<Query<Export>, QueryRejection>) -> Result<CreatedExport, Problem> {
    let Query(Export { from, to, format, provider, allow_empty, replace, options }) = query?;
    let options = options.into_iter().collect();
    let provider = identifiers::chosen_provider(provider)?;
    let request = ExportRequest { provider, from, to, format, options, allow_empty, replace };
    blocking(app, move |app| Ok(app.host.create_export(request).map_err(HostError::from)?)).await
}

/// The write-offs of some days as a file for accounting; the same write-offs give the same bytes. With `documents-per-file` it is an archive
/// of the files and their manifest.
#[utoipa::path(get, path = "/exports/writeoffs", operation_id = "export_writeoffs", params(Export), responses(
    (status = OK, description = "The file.", body = Bytes, content_type = "application/octet-stream"),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn writeoffs(State(app): State<App>, query: Result<Query<Export>, QueryRejection>) -> Result<Response, Problem> {
    let CreatedExport { file_name, file, .. } = create(&app, query).await?;
    download::file(&file_name, file)
}

/// What such a file holds: totals, and its SHA-256.
#[utoipa::path(get, path = "/exports/writeoffs/manifest", operation_id = "get_export_manifest", params(Export), responses(
    (status = OK, description = "The manifest.", body = serde_json::Value),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn manifest(State(app): State<App>, query: Result<Query<Export>, QueryRejection>) -> Result<Json<Manifest>, Problem> {
    Ok(Json(create(&app, query).await?.manifest))
}
