//! `billing:payments/payment-provider@1.1.0-testing`, which is never released. It is version 1.0.0 with one more field: the
//! `note` of a `payment-link`.
//!
//! Tests load its components beside those of 1.0.0. A version reuses the unchanged parts of the version before it.

use domain::{CallbackAnswer, CallbackProof, Context, Description, ExportPart, ExportTotals, PaymentLink, Step};
use wasmtime::component::{ComponentType, Lift, ResourceAny};

use super::v1_0::{V1_0, arguments, linked, results, steps};
use super::{Abilities, CallResult, Contract, LinkStep};
use crate::call::Instance;
use crate::error::Error;
use crate::function::Function;
use crate::request::GivenRequest;
use crate::unchecked::{ExportOptions, ExportRow, LinkRequest};

/// Version 1.1.0-testing.
pub struct V1_1Testing;

#[derive(ComponentType, Lift)]
#[component(record)]
struct NotedLink {
    #[component(name = "url")]
    url: Option<String>,
    #[component(name = "form")]
    form: Option<steps::PaymentForm>,
    #[component(name = "qr")]
    qr: Option<String>,
    #[component(name = "reference")]
    reference: Option<String>,
    #[component(name = "expires-at")]
    expires_at: Option<u64>,
    #[component(name = "extra")]
    extra: Vec<(String, String)>,
    #[component(name = "note")]
    note: String,
}

impl From<NotedLink> for PaymentLink {
    fn from(NotedLink { url, form, qr, reference, expires_at, mut extra, note }: NotedLink) -> PaymentLink {
        extra.push(("note".to_owned(), note));
        PaymentLink { url, form: form.map(Into::into), qr, reference, expires_at, extra }
    }
}

type LinkedResult = (Result<NotedLink, Vec<results::Problem>>,);

impl Contract for V1_1Testing {
    fn interface(&self) -> &'static str {
        "billing:payments/payment-provider@1.1.0-testing"
    }

    fn export_name(&self, function: Function) -> (&'static str, &'static str) {
        let (interface, name) = V1_0.export_name(function);
        (if function.ability().is_some() { interface } else { self.interface() }, name)
    }

    fn abilities(&self) -> &'static dyn Abilities {
        &V1_0
    }

    fn check_signature(&self, instance: &mut Instance, function: Function) -> Result<(), Error> {
        match function {
            Function::CreateLink => instance.check_signature::<(ResourceAny, arguments::Order<'_>), LinkedResult>(function),
            function => V1_0.check_signature(instance, function),
        }
    }

    fn describe(&self, instance: &mut Instance) -> Result<Description, Error> {
        V1_0.describe(instance)
    }

    fn configure(&self, instance: &mut Instance, settings: &[(String, String)]) -> CallResult<ResourceAny> {
        V1_0.configure(instance, settings)
    }

    fn callback_proof(&self, instance: &mut Instance, merchant: ResourceAny) -> Result<CallbackProof, Error> {
        V1_0.callback_proof(instance, merchant)
    }

    fn create_link(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &LinkRequest<'_>,
        context: &Context,
    ) -> Result<LinkStep, Error> {
        let (link,) = instance.call::<_, LinkedResult>(Function::CreateLink, (merchant, arguments::Order::from(request)))?;
        linked(link, context)
    }

    fn handle_callback(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        request: &GivenRequest<'_>,
        context: &Context,
    ) -> Result<Step<CallbackAnswer>, Error> {
        V1_0.handle_callback(instance, merchant, request, context)
    }

    fn export_writeoffs(
        &self,
        instance: &mut Instance,
        merchant: ResourceAny,
        options: &ExportOptions<'_>,
    ) -> CallResult<ResourceAny> {
        V1_0.export_writeoffs(instance, merchant, options)
    }

    fn append(&self, instance: &mut Instance, export: ResourceAny, rows: &[ExportRow<'_>]) -> CallResult<()> {
        V1_0.append(instance, export, rows)
    }

    fn finish(&self, instance: &mut Instance, export: ResourceAny) -> CallResult<ExportTotals> {
        V1_0.finish(instance, export)
    }

    fn read(&self, instance: &mut Instance, export: ResourceAny) -> Result<Option<ExportPart>, Error> {
        V1_0.read(instance, export)
    }
}
