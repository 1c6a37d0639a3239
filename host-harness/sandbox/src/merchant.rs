//! Calls of a configured merchant.

use std::sync::Arc;

use wasmtime::component::ResourceAny;

use crate::call::{Function, Instance, Usage};
use crate::check;
use crate::error::Error;
use crate::load::Loaded;
use crate::records::{
    CallbackAnswer, CallbackRequest, ExportOptions, ExportPart, ExportTotals, InputBytes, Order, PaymentLink, Problem,
    Settings, Writeoff,
};

/// The results of the contract's functions.
pub(crate) type Configured = (Result<ResourceAny, Vec<Problem>>,);
pub(crate) type Linked = (Result<PaymentLink, Vec<Problem>>,);
pub(crate) type Answered = (CallbackAnswer,);
pub(crate) type Begun = (Result<ResourceAny, Vec<Problem>>,);
pub(crate) type Appended = (Result<(), Vec<Problem>>,);
pub(crate) type Finished = (Result<ExportTotals, Vec<Problem>>,);
pub(crate) type Part = (Option<ExportPart>,);

/// How many write-offs go into one call at most: what one turns into can be a hundred times its size.
const APPEND_ROWS_MAX: usize = 128;

/// A provider with a merchant's settings. Cheap to clone, shared by threads.
///
/// Every call is made in a fresh instance, so that nothing of one call is there in the next.
#[derive(Clone)]
pub struct Merchant {
    loaded: Arc<Loaded>,
    settings: Arc<Settings>,
}

impl Merchant {
    pub(crate) fn new(loaded: Arc<Loaded>, settings: Settings) -> Result<Merchant, Error> {
        let merchant = Merchant { loaded, settings: Arc::new(settings) };
        merchant.configure(Function::Configure)?;
        Ok(merchant)
    }

    /// The payment page for an order.
    ///
    /// # Errors
    /// [`Error::Provider`] with every problem of the order; the call's own limits and failures.
    pub fn create_link(&self, order: &Order) -> Result<PaymentLink, Error> {
        self.configure(Function::CreateLink)?.create_link(order)
    }

    /// What a request at the callback address proves.
    ///
    /// # Errors
    /// The call's own limits and failures: the payment system then hears 503, never 200.
    pub fn handle_callback(&self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        self.configure(Function::HandleCallback)?.handle_callback(request)
    }

    /// Begins an export, which holds an instance until it ends.
    ///
    /// # Errors
    /// [`Error::Provider`] with every problem of the options; the call's own limits and failures.
    pub fn export_writeoffs(&self, options: &ExportOptions) -> Result<Export, Error> {
        let mut configured = self.configure(Function::ExportWriteoffs)?;
        let export = configured.export_writeoffs(options)?;
        let usage = configured.instance.usage();
        let limits = &self.loaded.limits;
        let (input_bytes_max, step_bytes_max) = (limits.input_bytes_max, limits.memory_bytes_max);
        let open =
            Some(Open { instance: configured.instance, export, rows: 0, files: check::Files::default(), has_failed: false });
        Ok(Export { open, input_bytes_max, step_bytes_max, usage })
    }

    /// A warm instance, for one thread that makes many calls. What one call leaves in memory the next one may see: give it to
    /// one merchant's calls only, as [`Merchant`]'s own calls do with more.
    pub fn session(&self) -> Session {
        Session { merchant: self.clone(), configured: None, usage: Usage::default() }
    }

    /// A fresh instance with the settings, under the budget of the function that it is made for.
    fn configure(&self, function: Function) -> Result<Configuration, Error> {
        self.loaded.limits.check_input(Function::Configure.name(), self.settings.0.input_bytes())?;
        let mut instance = Instance::new(&self.loaded, function)?;
        let (merchant,) = instance.call::<_, Configured>(Function::Configure, (&self.settings.0,))?;
        let merchant = merchant.map_err(|problems| refused(Function::Configure, problems))?;
        Ok(Configuration { instance, merchant, loaded: self.loaded.clone() })
    }
}

/// An instance with a merchant in it.
struct Configuration {
    instance: Instance,
    merchant: ResourceAny,
    loaded: Arc<Loaded>,
}

impl Configuration {
    fn create_link(&mut self, order: &Order) -> Result<PaymentLink, Error> {
        self.check_input(Function::CreateLink, order)?;
        let (link,) = self.instance.call::<_, Linked>(Function::CreateLink, (self.merchant, order))?;
        let link = link.map_err(|problems| refused(Function::CreateLink, problems))?;
        keeps_contract(Function::CreateLink, check::payment_link(&link))?;
        Ok(link)
    }

    fn handle_callback(&mut self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        self.check_input(Function::HandleCallback, request)?;
        let (answer,) = self.instance.call::<_, Answered>(Function::HandleCallback, (self.merchant, request))?;
        keeps_contract(Function::HandleCallback, check::callback_answer(&answer))?;
        Ok(answer)
    }

    fn export_writeoffs(&mut self, options: &ExportOptions) -> Result<ResourceAny, Error> {
        self.check_input(Function::ExportWriteoffs, options)?;
        let (export,) = self.instance.call::<_, Begun>(Function::ExportWriteoffs, (self.merchant, options))?;
        export.map_err(|problems| refused(Function::ExportWriteoffs, problems))
    }

    fn check_input(&self, function: Function, input: &impl InputBytes) -> Result<(), Error> {
        self.loaded.limits.check_input(function.name(), input.input_bytes())
    }
}

fn keeps_contract(function: Function, broken: Vec<String>) -> Result<(), Error> {
    if broken.is_empty() { Ok(()) } else { Err(Error::Contract { function: function.name(), what: broken.join("; ") }) }
}

/// What the provider refuses; or what it breaks in saying so.
fn refused(function: Function, problems: Vec<Problem>) -> Error {
    keeps_contract(function, check::problems(&problems)).err().unwrap_or(Error::Provider(problems))
}

/// A warm instance of one merchant. Each call has the whole budget; after one that failed the next begins in a fresh instance.
pub struct Session {
    merchant: Merchant,
    configured: Option<Configuration>,
    usage: Usage,
}

impl Session {
    /// As [`Merchant::create_link`].
    ///
    /// # Errors
    /// As [`Merchant::create_link`].
    pub fn create_link(&mut self, order: &Order) -> Result<PaymentLink, Error> {
        self.call(Function::CreateLink, |configured| configured.create_link(order))
    }

    /// As [`Merchant::handle_callback`].
    ///
    /// # Errors
    /// As [`Merchant::handle_callback`].
    pub fn handle_callback(&mut self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        self.call(Function::HandleCallback, |configured| configured.handle_callback(request))
    }

    /// Makes the instance and configures it now, and not in the first call.
    ///
    /// # Errors
    /// As [`Provider::merchant`](crate::Provider::merchant).
    pub fn warm_up(&mut self) -> Result<(), Error> {
        if self.configured.is_none() {
            let configured = self.merchant.configure(Function::Configure)?;
            self.usage = configured.instance.usage();
            self.configured = Some(configured);
        }
        Ok(())
    }

    /// What the last call used; in a fresh instance its start and `configure` count too. A call that crashed does not count.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    fn call<T>(&mut self, function: Function, call: impl FnOnce(&mut Configuration) -> Result<T, Error>) -> Result<T, Error> {
        let mut configured = match self.configured.take() {
            Some(mut configured) => {
                configured.instance.arm(function)?;
                configured
            }
            None => self.merchant.configure(function)?,
        };
        let result = call(&mut configured);
        // An instance that trapped is not entered again; one that answered is as good as before.
        if matches!(result, Ok(_) | Err(Error::Provider(_))) {
            self.usage = configured.instance.usage();
            self.configured = Some(configured);
        }
        result
    }
}

/// An export in progress. Its files are the parts that [`append`](Export::append) and [`finish`](Export::finish) give, in order.
pub struct Export {
    /// None: an error ended it.
    open: Option<Open>,
    input_bytes_max: usize,
    /// What one chunk may turn into: as much as the provider may hold.
    step_bytes_max: usize,
    usage: Usage,
}

struct Open {
    instance: Instance,
    export: ResourceAny,
    rows: u64,
    files: check::Files,
    /// Whether a problem was told: the rest is looked through for more, and nothing is written.
    has_failed: bool,
}

impl Export {
    /// Adds any number of write-offs and gives the output that is ready. They are passed on in chunks within the limit of input,
    /// and each chunk with its output has a call's whole budget.
    ///
    /// # Errors
    /// [`Error::Provider`] with all problems found that were not told before, by row and field: more rows may be appended to find more,
    /// but what was written is to be thrown away. After any other error the export is over.
    pub fn append(&mut self, rows: &[Writeoff]) -> Result<Vec<ExportPart>, Error> {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        let mut rest = rows;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(self.chunk_length(rest)?);
            match self.append_chunk(chunk, &mut parts) {
                Err(Error::Provider(more)) => problems.extend(more),
                appended => appended?,
            }
            rest = after;
        }
        if problems.is_empty() { Ok(parts) } else { Err(Error::Provider(problems)) }
    }

    /// Ends the export, and gives its totals and the rest of the output; nothing can be appended after it.
    ///
    /// # Errors
    /// As [`Export::append`]; after a problem of that, [`Error::Provider`] with what else was found, if anything.
    pub fn finish(&mut self) -> Result<(ExportTotals, Vec<ExportPart>), Error> {
        let mut open = self.open.take().ok_or(Error::ExportEnded)?;
        open.instance.arm(Function::Finish)?;
        let (totals,) = open.instance.call::<_, Finished>(Function::Finish, (open.export,))?;
        // What an append refused is told already, so that here a refusal may say no more.
        let totals = match totals {
            Err(problems) if problems.is_empty() && open.has_failed => return Err(Error::Provider(problems)),
            Err(problems) => {
                keeps_contract(Function::Finish, check::problems(&problems))?;
                return Err(Error::Provider(problems));
            }
            Ok(totals) => totals,
        };
        let is_told = "it ends well after a problem of an append".to_owned();
        keeps_contract(Function::Finish, if open.has_failed { vec![is_told] } else { Vec::new() })?;
        let mut parts = Vec::new();
        open.read(self.step_bytes_max, &mut parts)?;
        self.usage = open.instance.usage();
        keeps_contract(Function::Finish, open.files.totals(&totals, open.rows))?;
        Ok((totals, parts))
    }

    /// What the last step used: the beginning (with the instance's start and `configure`), a chunk or the end, with its output.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    fn append_chunk(&mut self, rows: &[Writeoff], parts: &mut Vec<ExportPart>) -> Result<(), Error> {
        let mut open = self.open.take().ok_or(Error::ExportEnded)?;
        open.instance.arm(Function::Append)?;
        let (appended,) = open.instance.call::<_, Appended>(Function::Append, (open.export, rows))?;
        open.rows += rows.len() as u64;
        let problems = match appended {
            Ok(()) => Vec::new(),
            Err(problems) => {
                keeps_contract(Function::Append, check::problems(&problems))?;
                open.has_failed = true;
                problems
            }
        };
        if !open.has_failed {
            open.read(self.step_bytes_max, parts)?;
        }
        self.usage = open.instance.usage();
        self.open = Some(open);
        if problems.is_empty() { Ok(()) } else { Err(Error::Provider(problems)) }
    }

    /// How many of the rows fit into one call: at least one.
    fn chunk_length(&mut self, rows: &[Writeoff]) -> Result<usize, Error> {
        let mut bytes = 0;
        let fitting = rows.iter().take(APPEND_ROWS_MAX).take_while(|row| {
            bytes += row.input_bytes();
            bytes <= self.input_bytes_max
        });
        match fitting.count() {
            0 => {
                self.open = None;
                let limit = crate::Limit::InputBytes(self.input_bytes_max);
                Err(Error::Limit { function: Function::Append.name(), limit })
            }
            length => Ok(length),
        }
    }
}

impl Open {
    /// Reads what is ready, within the budget of the step.
    fn read(&mut self, bytes_max: usize, parts: &mut Vec<ExportPart>) -> Result<(), Error> {
        let mut bytes = 0;
        while let (Some(part),) = self.instance.call::<_, Part>(Function::Read, (self.export,))? {
            keeps_contract(Function::Read, self.files.part(&part))?;
            if let ExportPart::Bytes(more) = &part {
                bytes += more.len();
            }
            if bytes > bytes_max {
                return Err(Error::Limit { function: Function::Read.name(), limit: crate::Limit::OutputBytes(bytes_max) });
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
    }
}
