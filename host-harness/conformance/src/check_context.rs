//! The provider under check. Every call to it goes through this module, so that every answer is scanned for secrets.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::{
    CallbackAnswer, CallbackProof, CallbackRequest, Context, Description, EventKind, ExportPart, ExportTotals, Fields,
    HttpCall, LeftOut, PaymentLink, Problem, ProvedEvent, ReportFile, Settings, Verdict,
};
use fastrand::Rng;
use sandbox::unchecked::{ExportOptions, ExportRow, LinkRequest};
use sandbox::{Error, Export, Limit, Merchant, Provider, Session, Usage};

use crate::Effort;
use crate::answers::Answers;
use crate::call_scanner::CallScanner;
use crate::function_call::{FunctionCall, FunctionResult, read_report};
use crate::judged::Judged;
use crate::linked::{Linked, linked};
use crate::performed::Performed;
use crate::report::{Case, Findings, MutationFindings, Outcome};
use crate::secret_scanner::SecretScanner;
use crate::vectors::{Expected, Sample, Vectors};

/// The least time limit of a checked call. Fuel bounds the calls, and it is the same on every machine. Time is not: its limit
/// only has to end a call that fuel does not end, and must not decide a verdict on a shared machine.
const TIME_MIN: Duration = Duration::from_secs(10);
/// How often a call that the sandbox had no room for is retried, a millisecond apart. The calls that occupy it end within their
/// own limits.
const BUSY_TRIES_MAX: u32 = 2_000;
const THREADS_MAX: usize = 4;
/// The most findings that one part of a check produces.
const FOUND_MAX: usize = 100;

/// The provider under check.
pub struct CheckContext<'v> {
    pub provider: Provider,
    pub vectors: Option<&'v Vectors>,
    pub effort: Effort,
    seed: u64,
    merchant: OnceLock<Result<Merchant, Error>>,
    /// The samples that are expected to have events and do, with their events.
    genuine: OnceLock<Vec<(&'v Sample, Vec<ProvedEvent>)>>,
    /// Shared by the checks `mutations` and `refunds`.
    pub mutated: OnceLock<MutationFindings>,
    /// The currency of the vectors' settings: the one of the first order that got a link.
    pub currency: OnceLock<Result<String, String>>,
    caller: Caller,
}

/// Makes calls, and scans their answers.
struct Caller {
    watch: SecretScanner,
    calls: CallScanner,
    /// Whether the sandbox had no room for some call.
    busy: AtomicBool,
}

impl Caller {
    /// Makes a call, and scans its problems. While the sandbox has no room, waits and retries.
    fn call<T>(&self, place: &str, call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        let mut result = call();
        let mut tries = 0;
        while let Err(Error::Limit { limit: Limit::ConcurrentCalls(_), .. }) = result {
            if tries == BUSY_TRIES_MAX {
                self.busy.store(true, Ordering::Relaxed);
                break;
            }
            tries += 1;
            std::thread::sleep(Duration::from_millis(1));
            result = call();
        }
        self.look(place, &result);
        result
    }

    fn look<T>(&self, place: &str, result: &Result<T, Error>) {
        if let Err(Error::Provider(problems)) = result {
            self.watch.inspect(place, problems);
        }
    }

    fn look_at(&self, judged: &Judged) {
        self.watch.inspect(place_of(&judged.answer), &judged.answer);
        judged.questions.iter().for_each(|question| self.watch.inspect("a question", question));
        judged.calls.iter().for_each(|call| self.look_at_call(call));
    }

    fn look_at_link(&self, Linked { link, call }: Linked) -> PaymentLink {
        match call {
            Some(call) => self.look_at_call(&call),
            None => self.watch.inspect("a link", &link),
        }
        link
    }

    /// Headers and the body of a call may hold a secret: it is for the payment system.
    fn look_at_call(&self, call: &HttpCall) {
        self.watch.inspect("the url of a call", &call.url[..]);
        self.calls.inspect(call);
    }

    fn look_at_performed(&self, performed: &Performed) {
        self.watch.inspect(performed.result.place(), &performed.result);
        performed.questions().iter().for_each(|question| self.watch.inspect("a question", question));
        performed.calls().for_each(|call| self.look_at_call(call));
    }
}

impl<'v> CheckContext<'v> {
    pub fn new(provider: &Provider, vectors: Option<&'v Vectors>, effort: Effort, seed: u64) -> CheckContext<'v> {
        let limits = *provider.limits();
        let patient = limits.with_time_max(limits.time_max.max(TIME_MIN));
        let provider = provider.with_limits(patient).unwrap_or_else(|_| provider.clone());
        let secrets: Vec<(&str, &str)> = secrets(&provider, vectors).collect();
        let watch = SecretScanner::with_pieces(secrets, provider.description());
        let settings = vectors.map(|vectors| vectors.settings.clone()).unwrap_or_default();
        let calls = CallScanner::new(provider.description(), &settings);
        CheckContext {
            provider,
            vectors,
            effort,
            seed,
            merchant: OnceLock::new(),
            genuine: OnceLock::new(),
            mutated: OnceLock::new(),
            currency: OnceLock::new(),
            caller: Caller { watch, calls, busy: AtomicBool::new(false) },
        }
    }

    /// The scanner that inspects every answer.
    pub fn watch(&self) -> &SecretScanner {
        &self.caller.watch
    }

    /// The scanner that looks at every call.
    pub fn calls(&self) -> &CallScanner {
        &self.caller.calls
    }

    /// Returns one of two values, by the effort.
    pub fn scaled<T>(&self, full: T, quick: T) -> T {
        match self.effort {
            Effort::Full => full,
            Effort::Quick => quick,
        }
    }

    /// Returns a check's random numbers: the same for the same seed.
    pub fn rng(&self, check: &str) -> Rng {
        // FNV-1a of the name, so that a check's numbers do not depend on how many other checks drew.
        let hash =
            check.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Rng::with_seed(self.seed ^ hash)
    }

    /// Returns the vectors.
    ///
    /// # Errors
    /// The check's outcome if there are no vectors.
    pub fn vectors(&self) -> Result<&'v Vectors, Outcome> {
        self.vectors.ok_or_else(|| not_checked("it needs a configured merchant; give --vectors"))
    }

    /// Returns the merchant that the vectors' settings configure.
    ///
    /// # Errors
    /// The check's outcome if there are no vectors, or `configure` refuses their settings.
    pub fn merchant(&self) -> Result<ScannedMerchant<'_>, Outcome> {
        let vectors = self.vectors()?;
        let merchant = self.merchant.get_or_init(|| self.configured(&self.provider, &vectors.settings));
        match merchant {
            Ok(merchant) => Ok(ScannedMerchant { merchant: merchant.clone(), caller: &self.caller }),
            Err(_) => Err(not_checked("the vectors' settings are refused: see the check samples")),
        }
    }

    /// Returns the error of `configure` with the vectors' settings, if it failed.
    pub fn configure_error(&self) -> Option<&Error> {
        self.merchant.get().and_then(|merchant| merchant.as_ref().err())
    }

    /// Configures a merchant with other settings.
    ///
    /// # Errors
    /// The error of `configure`.
    pub fn configure(&self, settings: &Fields) -> Result<ScannedMerchant<'_>, Error> {
        self.configure_at(&self.provider, settings)
    }

    /// Configures a merchant of a provider that has other limits.
    ///
    /// # Errors
    /// The error of `configure`.
    pub fn configure_at(&self, provider: &Provider, settings: &Fields) -> Result<ScannedMerchant<'_>, Error> {
        Ok(ScannedMerchant { merchant: self.configured(provider, settings)?, caller: &self.caller })
    }

    fn configured(&self, provider: &Provider, settings: &Fields) -> Result<Merchant, Error> {
        self.caller.call("a problem of configure", || provider.merchant(Settings::new(settings.iter().cloned())))
    }

    /// Calls `describe`.
    ///
    /// # Errors
    /// The error of the call.
    pub fn describe(&self) -> Result<Description, Error> {
        let description = self.caller.call("a problem of describe", || self.provider.describe())?;
        self.watch().inspect("the description", &description);
        Ok(description)
    }

    /// Reports whether the vectors say that there are no callbacks. They are not believed of a provider with payment links, whose
    /// payments are reported somehow.
    pub fn refuses_all_callbacks(&self) -> bool {
        !self.provider.description().links && self.vectors.is_some_and(|vectors| !vectors.takes_callbacks)
    }

    /// Returns the samples that are expected to have events and do, with their events.
    ///
    /// # Errors
    /// The check's outcome if no payment is among them, or there are no callbacks at all.
    pub fn genuine(&self) -> Result<&[(&'v Sample, Vec<ProvedEvent>)], Outcome> {
        let (vectors, merchant) = (self.vectors()?, self.merchant()?);
        if self.refuses_all_callbacks() {
            let reason = "it takes no callbacks, as the vectors say: it refuses all (samples, any-input)".to_owned();
            return Err(Outcome::NotApplicable { reason });
        }
        let genuine = self.genuine.get_or_init(|| {
            let to_accept = vectors
                .callbacks
                .iter()
                .filter(|sample| matches!(sample.expected, Expected::Happened(_) | Expected::Wanted(_)));
            let accepted = to_accept.filter_map(|sample| {
                let judged = merchant.judged(&sample.request, &sample.answers).ok()?;
                let events = judged.answer.verdict.events().to_vec();
                (!events.is_empty()).then_some((sample, events))
            });
            accepted.collect()
        });
        if genuine.iter().any(|(_, events)| has_payment(events)) {
            Ok(genuine)
        } else {
            Err(not_checked("no sample of the vectors is a payment that is accepted; add a genuine one"))
        }
    }

    /// Checks that a callback is proved by itself, or by an answer of the payment system.
    ///
    /// # Errors
    /// The check's outcome if nothing proves it: what is changed in it is another callback of the same caller.
    pub fn requires_proof(&self) -> Result<(), Outcome> {
        match self.merchant()?.callback_proof() {
            Ok(CallbackProof::Caller) => {
                let reason = "nothing in a callback proves it, so that a changed one is another; the host must know the caller";
                Err(Outcome::NotApplicable { reason: reason.to_owned() })
            }
            // An error is a finding of `questions`.
            Ok(CallbackProof::Signature | CallbackProof::Lookup) | Err(_) => Ok(()),
        }
    }

    /// Reports whether the sandbox had no room for some call.
    pub fn was_busy(&self) -> bool {
        self.caller.busy.load(Ordering::Relaxed)
    }

    /// Checks many items on a few threads. The findings are in the order of the items.
    pub fn each<T: Sync>(&self, items: &[T], check: impl Fn(&T) -> Case + Sync) -> Findings {
        self.each_alike(items, check, |_| None)
    }

    /// The same, where many findings may have one cause, which `alike` names.
    pub fn each_alike<T: Sync>(
        &self,
        items: &[T],
        check: impl Fn(&T) -> Case + Sync,
        alike: impl Fn(&T) -> Option<String>,
    ) -> Findings {
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let (check, next, found) = (&check, &next, &found);
        let work = || {
            while let Some((at, item)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                items.get(at).map(|item| (at, item))
            } {
                if let Err(finding) = check(item) {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.push((at, finding));
                    if found.len() >= FOUND_MAX {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            (1..self.threads()).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        let done = next.load(Ordering::Relaxed).min(items.len());
        let mut found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        found.sort();
        let mut findings = Findings::default();
        (found.len()..done).for_each(|_| findings.case(Ok(())));
        found.into_iter().for_each(|(at, finding)| findings.alike(items.get(at).and_then(&alike), finding));
        findings
    }

    /// How many threads check at once. With [`Effort::Quick`] one, since the host serves others meanwhile.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        self.scaled(cores.min(THREADS_MAX), 1)
    }
}

/// Reports whether there is a payment among events.
pub fn has_payment(events: &[ProvedEvent]) -> bool {
    events.iter().any(|event| event.facts.kind == EventKind::Payment)
}

/// Returns the values of secret settings that are long enough to look for, with their names.
fn secrets<'s>(provider: &'s Provider, vectors: Option<&'s Vectors>) -> impl Iterator<Item = (&'s str, &'s str)> {
    let is_secret = move |name: &str| {
        let settings = &provider.description().settings;
        settings.iter().any(|setting| setting.name == name && setting.kind.is_secret())
            || vectors.is_some_and(|vectors| vectors.secrets.iter().any(|secret| secret == name))
    };
    let entered = vectors.into_iter().flat_map(|vectors| &vectors.settings);
    entered
        .filter(move |(name, value)| is_secret(name) && value.chars().count() >= crate::secret_scanner::SECRET_CHARS_MIN)
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// A merchant whose answers are scanned.
#[derive(Clone)]
pub struct ScannedMerchant<'s> {
    merchant: Merchant,
    caller: &'s Caller,
}

impl<'s> ScannedMerchant<'s> {
    pub fn link(&self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        let step = |context: &Context| self.merchant.create_link_unchecked(order, context);
        let linked = self.caller.call("a problem of an order", || linked(step))?;
        Ok(self.caller.look_at_link(linked))
    }

    /// Returns the verdict on a callback where nothing that the provider asks is answered.
    pub fn callback(&self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        self.judged(request, &Answers::default()).map(|judged| judged.answer)
    }

    /// Returns the verdict on a callback with these answers, and what the provider asked.
    pub fn judged(&self, request: &CallbackRequest, answers: &Answers) -> Result<Judged, Error> {
        let step = |context: &Context| self.merchant.handle_callback(request, context);
        let judged = self.caller.call("a callback", || Judged::of(request, answers, step))?;
        self.caller.look_at(&judged);
        Ok(judged)
    }

    /// Takes the provider to a result of a function, with these answers.
    pub fn performed(
        &self,
        function: &FunctionCall,
        answers: &mut (impl sandbox::Answers + ?Sized),
    ) -> Result<Performed, Error> {
        let performed = Performed::of(function, &self.merchant, answers);
        self.caller.look("a problem of a report", &performed);
        performed.inspect(|performed| self.caller.look_at_performed(performed))
    }

    /// The same, where the provider was told this before.
    pub fn told(&self, function: &FunctionCall, told: &Context, answers: &Answers) -> Result<Performed, Error> {
        let performed = Performed::told(function, &self.merchant, told, answers);
        performed.inspect(|performed| self.caller.look_at_performed(performed))
    }

    /// Reads a report's file, so many bytes at a time.
    pub fn report(&self, file: &ReportFile, bytes: usize) -> Result<FunctionResult, Error> {
        let read = read_report(file, &self.merchant, bytes)?;
        self.caller.watch.inspect("a row of a report, or a problem of it", &read);
        Ok(read)
    }

    pub fn callback_proof(&self) -> Result<CallbackProof, Error> {
        self.caller.call("a problem of callback-proof", || self.merchant.callback_proof())
    }

    pub fn export(&self, options: &ExportOptions) -> Result<ScannedExport<'s>, Error> {
        let export = self.caller.call("a problem of an export", || self.merchant.export_writeoffs_unchecked(options))?;
        Ok(ScannedExport { export, caller: self.caller, files: vec![Vec::new()], ends: Vec::new(), left_out: Vec::new() })
    }

    /// Makes a whole export, appending `batch` write-offs at a time.
    pub fn exported(&self, options: &ExportOptions, rows: &[ExportRow], batch: usize) -> Result<Exported, Error> {
        let mut export = self.export(options)?;
        for rows in rows.chunks(batch.max(1)) {
            export.append(rows)?;
        }
        export.finish()
    }

    /// Opens a warm instance.
    pub fn session(&self) -> ScannedSession<'s> {
        ScannedSession { session: self.merchant.session(), caller: self.caller }
    }
}

fn place_of(answer: &CallbackAnswer) -> &'static str {
    match answer.verdict {
        Verdict::Happened(_) | Verdict::Wanted(_) => "an event or its reply",
        Verdict::Answered => "the answer to a callback without an event",
        Verdict::Unresolved(_) => "the answer to a callback that is unresolved",
        Verdict::Ignored(_) => "the answer to a callback that is ignored",
        Verdict::Refused(_) => "the answer to a callback that is refused",
        Verdict::Unavailable => "the answer to a callback that cannot be judged now",
    }
}

/// A warm instance whose answers are scanned.
pub struct ScannedSession<'s> {
    session: Session,
    caller: &'s Caller,
}

impl ScannedSession<'_> {
    pub fn link(&mut self, order: &LinkRequest) -> Result<PaymentLink, Error> {
        let linked = linked(|context| self.session.create_link_unchecked(order, context));
        self.caller.look("a problem of an order", &linked);
        linked.map(|linked| self.caller.look_at_link(linked))
    }

    pub fn callback(&mut self, request: &CallbackRequest) -> Result<CallbackAnswer, Error> {
        self.judged(request, &Answers::default()).map(|judged| judged.answer)
    }

    pub fn judged(&mut self, request: &CallbackRequest, answers: &Answers) -> Result<Judged, Error> {
        let judged = Judged::of(request, answers, |context| self.session.handle_callback(request, context));
        judged.inspect(|judged| self.caller.look_at(judged))
    }

    /// What the last call used.
    pub fn usage(&self) -> Usage {
        self.session.usage()
    }
}

/// An export whose output is scanned when it ends.
pub struct ScannedExport<'s> {
    export: Export,
    caller: &'s Caller,
    files: Vec<Vec<u8>>,
    ends: Vec<ExportTotals>,
    left_out: Vec<LeftOut>,
}

/// The output of an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    pub totals: ExportTotals,
    pub files: Vec<Vec<u8>>,
    pub ends: Vec<ExportTotals>,
    pub left_out: Vec<LeftOut>,
}

impl ScannedExport<'_> {
    pub fn append(&mut self, rows: &[ExportRow]) -> Result<(), Error> {
        let parts = self.export.append_unchecked(rows);
        self.caller.look("a problem of a write-off", &parts);
        self.keep(parts?);
        Ok(())
    }

    pub fn finish(mut self) -> Result<Exported, Error> {
        let finished = self.export.finish();
        self.caller.look("a problem of a write-off", &finished);
        let (totals, parts) = finished?;
        self.keep(parts);
        // By the sandbox's own check the last file has an end, and that end began an empty file.
        self.files.pop();
        let watch = &self.caller.watch;
        watch.inspect("the totals of an export", &totals);
        self.files.iter().for_each(|file| watch.inspect("the bytes of an export", &file[..]));
        self.left_out.iter().for_each(|left_out| watch.inspect("what an export leaves out", left_out));
        Ok(Exported { totals, files: self.files, ends: self.ends, left_out: self.left_out })
    }

    /// What the last step used.
    pub fn usage(&self) -> Usage {
        self.export.usage()
    }

    fn keep(&mut self, parts: Vec<ExportPart>) {
        for part in parts {
            match part {
                ExportPart::Bytes(bytes) => self.files.last_mut().into_iter().for_each(|file| file.extend(&bytes)),
                ExportPart::FileEnd(totals) => {
                    self.ends.push(totals);
                    self.files.push(Vec::new());
                }
                ExportPart::LeftOut(left_out) => self.left_out.push(left_out),
                ExportPart::Warning(warning) => self.caller.watch.inspect("a warning of an export", &warning),
            }
        }
    }
}

/// Returns the outcome of a check that could not be made.
pub fn not_checked(why: impl Into<String>) -> Outcome {
    Outcome::Skipped { reason: why.into() }
}

/// Formats problems for a finding.
pub fn problems_text(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().take(4).map(Problem::to_string).collect();
    if texts.is_empty() { "no problem at all".to_owned() } else { texts.join(" ") }
}
