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

/// The company that sells the services, as accounting documents name it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// The seller's legal form.
    kind: PartyKindDto,
    /// The seller's name, of 1 to 250 characters.
    name: String,
    /// The taxpayer number («ИНН»): 10 digits for a company, 12 for a person; the check digits must be right.
    inn: String,
    /// The tax registration code («КПП») of a company: 9 characters. Empty for a person.
    #[serde(default)]
    kpp: String,
}

/// Returns the seller.
#[utoipa::path(get, path = "/seller", operation_id = "get_seller", responses(
    (status = OK, body = Seller), (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn seller(State(app): State<App>) -> Result<Json<Seller>, Problem> {
    let seller = blocking(&app, |app| {
        app.host.seller()?.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no seller is set; PUT it first"))
    })
    .await?;
    let Party { kind, name, inn, kpp } = seller;
    Ok(Json(Seller { kind: kind.into(), name, inn, kpp }))
}

/// Sets the seller, which exports name.
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
    /// The first day of the export, such as 2026-02-01.
    #[param(value_type = String, format = Date)]
    from: WrittenDate,
    /// The last day of the export, such as 2026-02-28.
    #[param(value_type = String, format = Date)]
    to: WrittenDate,
    /// One of the provider's export formats. Default: its first.
    #[serde(default)]
    format: String,
    /// The name of the provider that writes the file. Needed if several have export formats.
    provider: Option<String>,
    /// Whether to create a file even if there is nothing to export.
    #[serde(default)]
    allow_empty: bool,
    /// Whether to replace an export of the same days, provider, format and options whose content differs. If false, such a request is
    /// refused with 409.
    #[serde(default)]
    replace: bool,
    /// Options of the format, each as a parameter of its own, such as `mode=summary-individuals`.
    #[serde(flatten)]
    #[param(required = false)]
    options: BTreeMap<String, String>,
}

async fn create(app: &App, query: Result<Query<Export>, QueryRejection>) -> Result<CreatedExport, Problem> {
    let Query(Export { from, to, format, provider, allow_empty, replace, options }) = query?;
    let options = options.into_iter().collect();
    let provider = identifiers::chosen_provider(provider)?;
    let request = ExportRequest { provider, from, to, format, options, allow_empty, replace };
    blocking(app, move |app| Ok(app.host.create_export(request).map_err(HostError::from)?)).await
}

/// Exports the write-offs of a period to a file for accounting.
///
/// The same write-offs give the same bytes. With the option `documents-per-file`, the file is a ZIP archive of the files and their
/// manifest.
#[utoipa::path(get, path = "/exports/writeoffs", operation_id = "export_writeoffs", params(Export), responses(
    (status = OK, description = "The file: by its format XML or CSV, or a ZIP archive.",
        content((Bytes = "application/xml"), (Bytes = "text/csv"), (Bytes = "application/zip"))),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn writeoffs(State(app): State<App>, query: Result<Query<Export>, QueryRejection>) -> Result<Response, Problem> {
    let CreatedExport { file_name, file, .. } = create(&app, query).await?;
    download::file(&file_name, file)
}

/// Returns the manifest of an export.
///
/// It has the totals and the SHA-256 of each file. The export is created as for the file itself.
#[utoipa::path(get, path = "/exports/writeoffs/manifest", operation_id = "get_export_manifest", params(Export), responses(
    (status = OK, description = "The manifest.", body = serde_json::Value),
    (status = "default", body = Details, content_type = "application/problem+json")))]
pub async fn manifest(State(app): State<App>, query: Result<Query<Export>, QueryRejection>) -> Result<Json<Manifest>, Problem> {
    Ok(Json(create(&app, query).await?.manifest))
}
