//! `paths`: what follows the callback address proves nothing, so that no event follows from it.
//!
//! Nothing signs a path. A genuine callback that arrives under another one is the same event, or none.

use domain::CallbackRequest;

use super::mutations::events_difference;
use crate::check_context::CheckContext;
use crate::report::{Case, Checked, failure};

/// Paths that payment systems use.
const PATHS: [&str; 8] = ["", "/", "/check", "/pay", "/payment", "/refund", "/cancel", "/../pay"];

pub fn check(subject: &CheckContext) -> Checked {
    let (genuine, vectors, merchant) = (subject.genuine()?, subject.vectors()?, subject.merchant()?);
    let mut paths: Vec<&str> = vectors.callbacks.iter().map(|sample| sample.request.path.as_str()).chain(PATHS).collect();
    paths.sort_unstable();
    paths.dedup();
    let own = |path: &&str, request: &CallbackRequest| **path != request.path;
    let cases: Vec<_> = genuine
        .iter()
        .flat_map(|(sample, events)| {
            paths.iter().filter(|path| own(path, &sample.request)).map(move |path| (*sample, events, *path))
        })
        .collect();
    Ok(subject.each(&cases, |(sample, events, path)| -> Case {
        let request = CallbackRequest { path: (*path).to_owned(), ..sample.request.clone() };
        let finding = |wrong: String| format!("{:?} under the path {path:?}: {wrong}", sample.name);
        let judged =
            merchant.judged(&request, &sample.answers).map_err(|error| finding(failure("gives no verdict", &error)))?;
        match judged.answer.verdict.events() {
            [] => Ok(()),
            others => events_difference(events, others, true).map_or(Ok(()), |difference| Err(finding(difference))),
        }
    }))
}
