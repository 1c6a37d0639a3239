//! The texts of a component's answers that people read. They may repeat whatever a payment system said, which may be what it was
//! given: a host that shows, stores or logs them has them filtered as they leave the component.

use domain::{
    CallbackAnswer, CancelResult, Fields, LinkFailure, OperationResult, PaymentLink, PaymentStatus, Problem, ProvedEvent,
    ReportFailure, ReportPage, Step, Verdict,
};

use crate::error::Error;

/// What changes the texts of a component's answers; see [`Merchant::with_texts`](crate::Merchant::with_texts).
///
/// What a payment system or the payer gets is not changed: links, forms, calls, replies. Neither is what is compared: the facts and
/// the key of an event, and questions.
pub trait TextFilter: Send + Sync {
    /// Changes a text for people.
    fn text(&self, text: &mut String);

    /// Changes a name that is also compared with others: a reference, a field.
    fn name(&self, name: &mut String);

    /// Changes a named value for people.
    fn value(&self, name: &str, value: &mut String);

    /// Changes the comment and the values of an event.
    fn event(&self, event: &mut ProvedEvent);
}

/// What has texts for people.
pub(crate) trait Texts {
    /// Has its texts changed.
    fn filter(&mut self, filter: &dyn TextFilter);
}

impl<T: Texts> Texts for Vec<T> {
    fn filter(&mut self, filter: &dyn TextFilter) {
        self.iter_mut().for_each(|item| item.filter(filter));
    }
}

impl<T: Texts, E: Texts> Texts for Result<T, E> {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            Ok(result) => result.filter(filter),
            Err(error) => error.filter(filter),
        }
    }
}

impl<T: Texts> Texts for Step<T> {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            Step::Done(result) => result.filter(filter),
            Step::Ask(_) | Step::Call(_) => {}
        }
    }
}

impl Texts for Error {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            Error::Provider(problems) => problems.filter(filter),
            // It may quote what breaks a rule.
            Error::Contract { what, .. } => filter.text(what),
            _ => {}
        }
    }
}

impl Texts for Problem {
    fn filter(&mut self, filter: &dyn TextFilter) {
        filter.text(&mut self.message);
        self.translations.iter_mut().for_each(|(_, message)| filter.text(message));
        self.field.iter_mut().for_each(|field| filter.name(field));
    }
}

impl Texts for ProvedEvent {
    fn filter(&mut self, filter: &dyn TextFilter) {
        filter.event(self);
    }
}

impl Texts for CallbackAnswer {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match &mut self.verdict {
            Verdict::Happened(events) => events.filter(filter),
            Verdict::Wanted(event) => event.filter(filter),
            Verdict::Unresolved(problem) | Verdict::Ignored(problem) | Verdict::Refused(problem) => problem.filter(filter),
            Verdict::Answered | Verdict::Unavailable => {}
        }
    }
}

impl Texts for PaymentLink {
    fn filter(&mut self, filter: &dyn TextFilter) {
        self.reference.iter_mut().for_each(|reference| filter.name(reference));
        values(&mut self.extra, filter);
    }
}

impl Texts for LinkFailure {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            LinkFailure::Failed(problems) => problems.filter(filter),
            LinkFailure::Unavailable(problem) | LinkFailure::Unknown(problem) => problem.filter(filter),
        }
    }
}

impl Texts for PaymentStatus {
    fn filter(&mut self, filter: &dyn TextFilter) {
        self.events.filter(filter);
        self.unresolved.iter_mut().for_each(|problem| problem.filter(filter));
    }
}

impl Texts for OperationResult {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            OperationResult::Succeeded(event) => event.filter(filter),
            OperationResult::Pending(pending) => pending.reference.iter_mut().for_each(|reference| filter.name(reference)),
            OperationResult::Refused(problem) | OperationResult::Unavailable(problem) | OperationResult::Unknown(problem) => {
                problem.filter(filter);
            }
        }
    }
}

impl Texts for CancelResult {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            CancelResult::Refused(problem) | CancelResult::Unavailable(problem) | CancelResult::Unknown(problem) => {
                problem.filter(filter);
            }
            CancelResult::Cancelled => {}
        }
    }
}

impl Texts for ReportPage {
    fn filter(&mut self, filter: &dyn TextFilter) {
        self.rows.iter_mut().for_each(|row| values(&mut row.extra, filter));
        self.control.iter_mut().for_each(|control| values(&mut control.extra, filter));
    }
}

impl Texts for ReportFailure {
    fn filter(&mut self, filter: &dyn TextFilter) {
        match self {
            ReportFailure::Unavailable(problem) => problem.filter(filter),
            ReportFailure::Failed(problems) => problems.filter(filter),
        }
    }
}

fn values(values: &mut Fields, filter: &dyn TextFilter) {
    values.iter_mut().for_each(|(name, value)| filter.value(name, value));
}
