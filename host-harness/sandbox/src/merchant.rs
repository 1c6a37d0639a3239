//! Calls to a configured merchant.

mod abilities;
mod report;

use std::iter::Peekable;
use std::sync::Arc;

use domain::{
    CallbackAnswer, CallbackProof, CallbackRequest, Context, Description, ExportOptions, ExportPart, ExportRow, ExportStep,
    ExportTotals, ExportWriter, LinkFailure, LinkRequest, Problem, Settings, Step,
};
use wasmtime::component::ResourceAny;

use crate::call::{Instance, Usage};
use crate::component::LimitedComponent;
use crate::contract::{Contract, Files, LinkStep, refused, require_valid};
use crate::error::{Error, Limit};
use crate::function::Function;
use crate::input_bytes::InputBytes;
use crate::limits::Limits;
use crate::request::GivenRequest;
use crate::texts::{TextFilter, Texts};
use crate::unchecked;

pub use report::Report;

/// The most write-offs in one call. The output for a write-off can be a hundred times its size.
const APPEND_ROWS_MAX: usize = 128;

/// A provider with a merchant's settings. It is cheap to clone, and threads can share it.
///
/// Every call runs in a fresh instance, so that no state passes from one call to the next.
#[derive(Clone)]
pub struct Merchant {
    component: Arc<LimitedComponent>,
    contract: &'static dyn Contract,
    description: Arc<Description>,
    settings: Arc<Settings>,
    texts: Option<Arc<dyn TextFilter>>,
}

impl Merchant {
    pub(crate) fn new(
        component: Arc<LimitedComponent>,
        contract: &'static dyn Contract,
        description: Arc<Description>,
        settings: Settings,
    ) -> Result<Merchant, Error> {
        let merchant = Merchant { component, contract, description, settings: Arc::new(settings), texts: None };
        merchant.configure(Function::Configure, None)?;
        Ok(merchant)
    }

    /// Has `texts` change the texts for people in all answers to links, callbacks and abilities. Write-offs are the operator's own,
    /// and what an export says of them is not changed; neither is a report that is read from a file.
    #[must_use]
    pub fn with_texts(self, texts: Arc<dyn TextFilter>) -> Merchant {
        Merchant { texts: Some(texts), ..self }
    }

    /// Returns what proves a callback by the merchant's settings.
    ///
    /// # Errors
    /// An exceeded limit or a failure of the call.
    pub fn callback_proof(&self) -> Result<CallbackProof, Error> {
        let mut configured = self.configure(Function::CallbackProof, None)?;
        self.contract.callback_proof(&mut configured.instance, configured.merchant)
    }

    /// Takes a step to the payment link for an order. If the provider asks, or has a call made, answer and call again with the
    /// same request and the answer added to `context`.
    ///
    /// # Errors
    /// An exceeded limit, a failure of the call, or a step that breaks the contract: such as a question that was answered.
    pub fn create_link(&self, request: &LinkRequest, context: &Context) -> Result<LinkStep, Error> {
        self.create_link_unchecked(&request.into(), context)
    }

    /// Like [`Merchant::create_link`], but also returns what the call used, including the instance's start and `configure`.
    ///
    /// # Errors
    /// As for [`Merchant::create_link`].
    pub fn create_link_measured(&self, request: &LinkRequest, context: &Context) -> Result<(LinkStep, Usage), Error> {
        let mut configured = self.configure(Function::CreateLink, Some(context))?;
        Ok((configured.create_link(&request.into(), context)?, configured.instance.usage()))
    }

    /// Like [`Merchant::create_link`], with values that a host must not send. For conformance checks only.
    ///
    /// # Errors
    /// As for [`Merchant::create_link`].
    pub fn create_link_unchecked(&self, request: &unchecked::LinkRequest<'_>, context: &Context) -> Result<LinkStep, Error> {
        self.configure(Function::CreateLink, Some(context))?.create_link(request, context)
    }

    /// Takes a step to the provider's verdict about a request at the callback address, with its reply. Of the request's headers it
    /// is given those that its description names. If it asks, or has a call made, answer and call again with the same request and
    /// the answer added to `context`.
    ///
    /// # Errors
    /// An exceeded limit, a failure of the call, or a step that breaks the contract: such as a question that was answered. The host
    /// must then reply 503, never 200.
    pub fn handle_callback(&self, request: &CallbackRequest, context: &Context) -> Result<Step<CallbackAnswer>, Error> {
        self.configure(Function::HandleCallback, Some(context))?.handle_callback(request, context)
    }

    /// Like [`Merchant::handle_callback`], but also returns what the call used, including the instance's start and `configure`.
    ///
    /// # Errors
    /// As for [`Merchant::handle_callback`].
    pub fn handle_callback_measured(
        &self,
        request: &CallbackRequest,
        context: &Context,
    ) -> Result<(Step<CallbackAnswer>, Usage), Error> {
        let mut configured = self.configure(Function::HandleCallback, Some(context))?;
        Ok((configured.handle_callback(request, context)?, configured.instance.usage()))
    }

    /// Starts an export, which holds an instance until it ends.
    ///
    /// # Errors
    /// [`Error::Provider`] with every problem of the options; an exceeded limit or a failure of the call.
    pub fn export_writeoffs(&self, options: &ExportOptions) -> Result<Export, Error> {
        self.export_writeoffs_unchecked(&options.into())
    }

    /// Like [`Merchant::export_writeoffs`], with values that a host must not send. For conformance checks only.
    ///
    /// # Errors
    /// As for [`Merchant::export_writeoffs`].
    pub fn export_writeoffs_unchecked(&self, options: &unchecked::ExportOptions<'_>) -> Result<Export, Error> {
        let mut configured = self.configure(Function::ExportWriteoffs, None)?;
        let export = configured.export_writeoffs(options)?;
        let usage = configured.instance.usage();
        let limits = &self.component.limits;
        let (input_bytes_max, step_bytes_max) = (limits.input_bytes_max, limits.memory_bytes_max);
        let Configuration { instance, contract, .. } = configured;
        let step_fuel_max = limits.export_fuel_max;
        let files = Files::default();
        let open = Some(OpenExport { instance, contract, export, rows: 0, files, step_fuel_max, has_failed: false });
        Ok(Export { open, input_bytes_max, step_bytes_max, usage })
    }

    /// Returns a warm instance, for one thread that makes many calls. A call may see what an earlier call left in memory, so
    /// use a session only for calls of one merchant. The calls of [`Merchant`] itself are isolated from each other.
    pub fn session(&self) -> Session {
        Session { merchant: self.clone(), configured: None, usage: Usage::default() }
    }

    /// Creates a fresh instance and configures it with the settings. Both count toward the budget of `function`.
    fn configure(&self, function: Function, context: Option<&Context>) -> Result<Configuration, Error> {
        let settings = self.settings.expose();
        self.component.limits.check_input(Function::Configure.name(), settings.input_bytes())?;
        let mut instance = Instance::new(&self.component, function, function.fuel_max(&self.component.limits, context))?;
        let merchant = self.contract.configure(&mut instance, settings)?;
        let merchant = merchant.map_err(|problems| filtered_error(&self.texts, refused(Function::Configure, problems)))?;
        let (component, description, texts) = (self.component.clone(), self.description.clone(), self.texts.clone());
        Ok(Configuration { instance, contract: self.contract, merchant, component, description, texts })
    }
}

/// An instance that holds a configured merchant.
struct Configuration {
    instance: Instance,
    contract: &'static dyn Contract,
    merchant: ResourceAny,
    component: Arc<LimitedComponent>,
    description: Arc<Description>,
    texts: Option<Arc<dyn TextFilter>>,
}

/// Returns a result with its texts for people as `texts` changes them.
fn filtered<T: Texts>(texts: &Option<Arc<dyn TextFilter>>, result: Result<T, Error>) -> Result<T, Error> {
    match (texts, result) {
        (Some(texts), Ok(mut answer)) => {
            answer.filter(&**texts);
            Ok(answer)
        }
        (_, result) => result.map_err(|error| filtered_error(texts, error)),
    }
}

fn filtered_error(texts: &Option<Arc<dyn TextFilter>>, mut error: Error) -> Error {
    if let Some(texts) = texts {
        error.filter(&**texts);
    }
    error
}

impl Configuration {
    fn create_link(&mut self, request: &unchecked::LinkRequest<'_>, context: &Context) -> Result<LinkStep, Error> {
        if !self.description.links {
            return Ok(Step::Done(Err(LinkFailure::Failed(vec![no_links()]))));
        }
        self.check_input(Function::CreateLink, request)?;
        self.check_context(Function::CreateLink, context)?;
        let step = self.contract.create_link(&mut self.instance, self.merchant, request, context);
        filtered(&self.texts, step)
    }

    fn handle_callback(&mut self, request: &CallbackRequest, context: &Context) -> Result<Step<CallbackAnswer>, Error> {
        let request = GivenRequest::new(request, &self.description.headers);
        self.check_input(Function::HandleCallback, &request)?;
        self.check_context(Function::HandleCallback, context)?;
        let step = self.contract.handle_callback(&mut self.instance, self.merchant, &request, context);
        filtered(&self.texts, step)
    }

    fn export_writeoffs(&mut self, options: &unchecked::ExportOptions<'_>) -> Result<ResourceAny, Error> {
        self.check_input(Function::ExportWriteoffs, options)?;
        let export = self.contract.export_writeoffs(&mut self.instance, self.merchant, options)?;
        export.map_err(|problems| refused(Function::ExportWriteoffs, problems))
    }

    fn check_input(&self, function: Function, input: &impl InputBytes) -> Result<(), Error> {
        self.component.limits.check_input(function.name(), input.input_bytes())
    }

    fn check_context(&self, function: Function, context: &impl InputBytes) -> Result<(), Error> {
        if context.input_bytes() > Limits::CONTEXT_BYTES_MAX {
            let limit = Limit::ContextBytes(Limits::CONTEXT_BYTES_MAX);
            return Err(Error::Limit { function: function.name(), limit });
        }
        Ok(())
    }
}

fn no_links() -> Problem {
    let message = "The payment system has no payment links; its payers pay elsewhere, as at terminals.";
    Problem::new("unsupported", message)
}

/// A warm instance of one merchant. Each call has a full budget. After a failed call, the next call starts a fresh instance.
pub struct Session {
    merchant: Merchant,
    configured: Option<Configuration>,
    usage: Usage,
}

impl Session {
    /// Takes a step to a payment link; see [`Merchant::create_link`].
    ///
    /// # Errors
    /// As for [`Merchant::create_link`].
    pub fn create_link(&mut self, request: &LinkRequest, context: &Context) -> Result<LinkStep, Error> {
        self.create_link_unchecked(&request.into(), context)
    }

    /// Takes a step to a payment link for unchecked values; see [`Merchant::create_link_unchecked`].
    ///
    /// # Errors
    /// As for [`Merchant::create_link`].
    pub fn create_link_unchecked(
        &mut self,
        request: &unchecked::LinkRequest<'_>,
        context: &Context,
    ) -> Result<LinkStep, Error> {
        self.call(Function::CreateLink, context, |configured| configured.create_link(request, context))
    }

    /// Takes a step to the provider's verdict about a callback; see [`Merchant::handle_callback`].
    ///
    /// # Errors
    /// As for [`Merchant::handle_callback`].
    pub fn handle_callback(&mut self, request: &CallbackRequest, context: &Context) -> Result<Step<CallbackAnswer>, Error> {
        self.call(Function::HandleCallback, context, |configured| configured.handle_callback(request, context))
    }

    /// Creates and configures the instance now, instead of in the first call.
    ///
    /// # Errors
    /// As for [`Provider::merchant`](crate::Provider::merchant).
    pub fn warm_up(&mut self) -> Result<(), Error> {
        if self.configured.is_none() {
            let configured = self.merchant.configure(Function::Configure, None)?;
            self.usage = configured.instance.usage();
            self.configured = Some(configured);
        }
        Ok(())
    }

    /// Returns what the last call used, including the start and `configure` if the instance was fresh. Calls that crashed are
    /// not counted.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    fn call<T>(
        &mut self,
        function: Function,
        context: &Context,
        call: impl FnOnce(&mut Configuration) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut configured = match self.configured.take() {
            Some(mut configured) => {
                let fuel_max = function.fuel_max(&self.merchant.component.limits, Some(context));
                configured.instance.reset_budget(fuel_max)?;
                configured
            }
            None => self.merchant.configure(function, Some(context))?,
        };
        let result = call(&mut configured);
        // An instance that trapped is not used again.
        if result.is_ok() {
            self.usage = configured.instance.usage();
            self.configured = Some(configured);
        }
        result
    }
}

/// An export in progress. Its files are the parts that [`append`](Export::append) and [`finish`](Export::finish) return, in
/// order.
pub struct Export {
    /// `None` once an error has ended the export.
    open: Option<OpenExport>,
    input_bytes_max: usize,
    /// The most output of one chunk: as much as the provider's memory may hold.
    step_bytes_max: usize,
    usage: Usage,
}

struct OpenExport {
    instance: Instance,
    contract: &'static dyn Contract,
    export: ResourceAny,
    rows: u64,
    files: Files,
    step_fuel_max: u64,
    /// Whether a problem was reported. The remaining rows are then only checked for more problems, and nothing is written.
    has_failed: bool,
}

impl Export {
    /// Adds any number of write-offs and returns the output that is ready. They are passed to the provider in chunks within the
    /// input limit. Each chunk, with its output, has the full budget of a call.
    ///
    /// # Errors
    /// [`Error::Provider`] with all problems that were not reported before, by row and field. The caller may then append more
    /// rows to find more problems, but must discard what was written. Any other error ends the export.
    pub fn append(&mut self, rows: &[ExportRow]) -> Result<Vec<ExportPart>, Error> {
        self.append_views(rows.iter().map(unchecked::ExportRow::from))
    }

    /// Like [`Export::append`], with values that a host must not send. For conformance checks only.
    ///
    /// # Errors
    /// As for [`Export::append`].
    pub fn append_unchecked(&mut self, rows: &[unchecked::ExportRow<'_>]) -> Result<Vec<ExportPart>, Error> {
        self.append_views(rows.iter().cloned())
    }

    fn append_views<'r>(&mut self, rows: impl Iterator<Item = unchecked::ExportRow<'r>>) -> Result<Vec<ExportPart>, Error> {
        let mut rows = rows.peekable();
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        while rows.peek().is_some() {
            let chunk = self.chunk(&mut rows)?;
            problems.extend(self.append_chunk(&chunk, &mut parts)?);
        }
        if problems.is_empty() { Ok(parts) } else { Err(Error::Provider(problems)) }
    }

    /// Ends the export. Returns its totals and the rest of the output. Nothing can be appended afterwards.
    ///
    /// # Errors
    /// As for [`Export::append`]. If an append reported problems, [`Error::Provider`] with further problems, if any.
    pub fn finish(&mut self) -> Result<(ExportTotals, Vec<ExportPart>), Error> {
        let mut open = self.open.take().ok_or(Error::ExportClosed)?;
        open.instance.reset_budget(open.step_fuel_max)?;
        // The problems of an append were reported there, so that a refusal here may have none.
        let totals = match open.contract.finish(&mut open.instance, open.export)? {
            Err(problems) if problems.is_empty() && open.has_failed => return Err(Error::Provider(problems)),
            Err(problems) => return Err(refused(Function::Finish, problems)),
            Ok(totals) => totals,
        };
        let is_told = "it ends well after a problem of an append".to_owned();
        require_valid(Function::Finish, if open.has_failed { vec![is_told] } else { Vec::new() })?;
        let mut parts = Vec::new();
        open.read(self.step_bytes_max, &mut parts)?;
        self.usage = open.instance.usage();
        require_valid(Function::Finish, open.files.totals(&totals, open.rows))?;
        Ok((totals, parts))
    }

    /// Returns what the last step used, including its output. A step is the start (with the instance's start and `configure`),
    /// a chunk or the end.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Appends one call's rows, and returns their problems.
    fn append_chunk(&mut self, rows: &[unchecked::ExportRow<'_>], parts: &mut Vec<ExportPart>) -> Result<Vec<Problem>, Error> {
        let mut open = self.open.take().ok_or(Error::ExportClosed)?;
        open.instance.reset_budget(open.step_fuel_max)?;
        let appended = open.contract.append(&mut open.instance, open.export, rows)?;
        open.rows += rows.len() as u64;
        let problems = match appended {
            Ok(()) => Vec::new(),
            Err(problems) => match refused(Function::Append, problems) {
                Error::Provider(problems) => problems,
                error => return Err(error),
            },
        };
        open.has_failed |= !problems.is_empty();
        if !open.has_failed {
            open.read(self.step_bytes_max, parts)?;
        }
        self.usage = open.instance.usage();
        self.open = Some(open);
        Ok(problems)
    }

    /// Takes the next rows that fit into one call, at least one.
    fn chunk<'r>(
        &mut self,
        rows: &mut Peekable<impl Iterator<Item = unchecked::ExportRow<'r>>>,
    ) -> Result<Vec<unchecked::ExportRow<'r>>, Error> {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        let mut fits = |row: &unchecked::ExportRow<'r>| {
            bytes += row.input_bytes();
            bytes <= self.input_bytes_max
        };
        while chunk.len() < APPEND_ROWS_MAX
            && let Some(row) = rows.next_if(&mut fits)
        {
            chunk.push(row);
        }
        if chunk.is_empty() {
            self.open = None;
            let limit = Limit::InputBytes(self.input_bytes_max);
            return Err(Error::Limit { function: Function::Append.name(), limit });
        }
        Ok(chunk)
    }
}

impl ExportWriter for Export {
    type Error = Error;

    fn write_rows(&mut self, rows: &[ExportRow]) -> ExportStep<Vec<ExportPart>, Error> {
        or_problems(self.append(rows))
    }

    fn end(&mut self) -> ExportStep<(ExportTotals, Vec<ExportPart>), Error> {
        or_problems(self.finish())
    }
}

fn or_problems<T>(step: Result<T, Error>) -> ExportStep<T, Error> {
    match step {
        Err(Error::Provider(problems)) => Ok(Err(problems)),
        step => step.map(Ok),
    }
}

impl OpenExport {
    /// Reads the output that is ready, within the budget of the step.
    fn read(&mut self, bytes_max: usize, parts: &mut Vec<ExportPart>) -> Result<(), Error> {
        let mut bytes = 0;
        while let Some(part) = self.contract.read(&mut self.instance, self.export)? {
            require_valid(Function::Read, self.files.part(&part))?;
            if let ExportPart::Bytes(more) = &part {
                bytes += more.len();
            }
            if bytes > bytes_max {
                return Err(Error::Limit { function: Function::Read.name(), limit: Limit::OutputBytes(bytes_max) });
            }
            parts.push(part);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_share() {
        fn shared<T: Send + Sync>() {}
        shared::<crate::Sandbox>();
        shared::<crate::Provider>();
        shared::<Merchant>();
        shared::<Error>();
        fn moved<T: Send>() {}
        moved::<Session>();
        moved::<Export>();
        moved::<Report>();
    }
}
