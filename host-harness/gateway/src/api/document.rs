//! The OpenAPI document: what applies to all routes is added to what their handlers say.

use std::collections::BTreeMap;

use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Info, OpenApi, Ref, RefOr, Response, Schema, SecurityRequirement};

/// Adds the token, the format of problems, and the descriptions of responses.
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = Info::builder()
        .title("Payments for a telecom's billing")
        .version("1")
        .description(Some("Amounts are integers of minor units. Errors are problems by RFC 9457."))
        .build();
    let components = document.components.get_or_insert_default();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("token".to_owned(), scheme.into());
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, .. } = item;
        for operation in [get, put, post, delete].into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                if response.description.is_empty() {
                    response.description = description(status, response, &components.schemas);
                }
            }
        }
    }
    document
}

/// Returns the description of a response that its handler does not describe: that of the body's schema.
fn description(status: &str, response: &Response, schemas: &BTreeMap<String, RefOr<Schema>>) -> String {
    let of_body = response.content.values().find_map(|content| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(Ref { ref_location, .. })), .. }) = content else { return None };
        match schemas.get(ref_location.rsplit('/').next()?)? {
            RefOr::T(Schema::Object(object)) => object.description.clone(),
            _ => None,
        }
    });
    of_body.unwrap_or_else(|| if status == "204" { "Done. The response has no body." } else { "Done." }.to_owned())
}
