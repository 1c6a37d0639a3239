//! `mutations` and `refunds`: genuine callbacks, changed.
//!
//! A mutation is refused, or it is the same event because what was changed has no meaning. Unresolved is allowed as well:
//! nothing is credited, and the host stores the callback. *Ignored* would be answered as success, and a genuine callback that
//! was damaged in transit would be lost. It is allowed only where nothing is left of the callback, since an empty request may
//! be a payment system's test call.

use std::sync::{Mutex, PoisonError};

use domain::{CallbackRequest, Description, EventKind, ProvedEvent, Verdict};

use crate::check_context::{CheckContext, ScannedMerchant, has_payment};
use crate::mutate::{Mutation, changed_names, mutations, reads_otherwise, with_others_changed};
use crate::report::{Case, Checked, Findings, MutationFindings, Outcome, failure, verdict_text};
use crate::text::Part;
use crate::vectors::{Expected, Sample};

/// How many mutations of each class of each sample are tried with [`Effort::Quick`](crate::Effort::Quick).
const QUICK_PER_CLASS: usize = 24;
/// How much of an input a finding shows, in characters: a whole callback, or the beginning of a long one.
const INPUT_CHARS_MAX: usize = 1_500;
const BEGINNING_CHARS: usize = 200;
/// The most findings of `refunds` that are stored.
const REFUNDS_MAX: usize = 100;

pub fn check(subject: &CheckContext) -> Checked {
    mutated(subject).map(|mutated| mutated.all.clone())
}

/// `refunds`: a callback that is not a payment never becomes one.
pub fn refunds(subject: &CheckContext) -> Checked {
    subject.requires_proof()?;
    if subject.genuine()?.iter().all(|(_, events)| has_payment(events)) {
        let why = "the vectors hold no refund, chargeback, hold or declined payment; add one if the payment system sends such";
        return Err(Outcome::NotApplicable { reason: why.to_owned() });
    }
    mutated(subject).map(|mutated| mutated.refunds.clone())
}

fn mutated<'s>(subject: &'s CheckContext) -> Result<&'s MutationFindings, Outcome> {
    let (genuine, vectors, merchant) = (subject.genuine()?, subject.vectors()?, subject.merchant()?);
    subject.requires_proof()?;
    Ok(subject.mutated.get_or_init(|| {
        let mut rng = subject.rng("mutations");
        let per_class = subject.scaled(None, Some(QUICK_PER_CLASS));
        let mut mutated = MutationFindings { all: Findings::default(), refunds: Findings::default() };
        let description = subject.provider.description();
        let required = description.callback_fields(Description::REQUIRED_FIELDS);
        let unsigned = description.callback_fields(Description::UNSIGNED_FIELDS);
        for (sample, events) in genuine {
            let others = vectors.callbacks.iter().filter(|other| other.name != sample.name);
            let events_of = |name: &str| genuine.iter().find(|(known, _)| known.name == name).map(|(_, events)| &events[..]);
            let donors: Vec<Donor> =
                others.map(|sample| Donor { sample, events: events_of(&sample.name).unwrap_or_default() }).collect();
            let requests: Vec<(&CallbackRequest, bool)> =
                donors.iter().map(|donor| (&donor.sample.request, !donor.events.is_empty())).collect();
            let mutations = mutations(&sample.request, &requests, &required, per_class, &mut rng);
            let order_is_signed = vectors.order_is_signed;
            let original = Original { sample, events, donors: &donors, unsigned: &unsigned, order_is_signed };
            original.judge(subject, &merchant, &mutations, &mut mutated);
        }
        mutated
    }))
}

/// Another sample, with its events if it is accepted.
struct Donor<'d> {
    sample: &'d Sample,
    events: &'d [ProvedEvent],
}

struct Original<'o> {
    sample: &'o Sample,
    events: &'o [ProvedEvent],
    /// The other samples.
    donors: &'o [Donor<'o>],
    /// The fields that decide the kind of an event though they are not signed.
    unsigned: &'o [&'o str],
    order_is_signed: bool,
}

impl Original<'_> {
    fn judge(
        &self,
        subject: &CheckContext,
        merchant: &ScannedMerchant,
        mutations: &[Mutation],
        mutated: &mut MutationFindings,
    ) {
        let refunds = Mutex::new(Vec::new());
        let is_payment = has_payment(self.events);
        let check = |mutation: &Mutation| {
            let judged = merchant.judged(&mutation.request, &self.sample.answers);
            let verdict = judged.map(|judged| judged.answer.verdict);
            let case = match &verdict {
                Ok(verdict) => self
                    .verdict_holds(mutation, verdict)
                    .or_else(|what| if self.is_other_state(merchant, mutation, verdict) { Ok(()) } else { Err(what) }),
                Err(error) => Err(failure("it gives no verdict", error)),
            };
            let case = case.map_err(|what| self.finding(mutation, &what));
            if let (false, Ok(verdict), Err(finding)) = (is_payment, &verdict, &case)
                && verdict
                    .events()
                    .iter()
                    .any(|event| event.facts.kind == EventKind::Payment && !self.is_donors_payment(mutation, event))
            {
                let mut refunds = refunds.lock().unwrap_or_else(PoisonError::into_inner);
                if refunds.len() < REFUNDS_MAX {
                    refunds.push(finding.clone());
                }
            }
            case
        };
        mutated.all.add(subject.each_alike(mutations, check, |mutation| self.changed_field(mutation)));
        if is_payment {
            return;
        }
        let mut refunds = refunds.into_inner().unwrap_or_else(PoisonError::into_inner);
        refunds.sort();
        (refunds.len()..mutations.len()).for_each(|_| mutated.refunds.case(Ok(())));
        refunds.into_iter().for_each(|finding| mutated.refunds.case(Err(finding)));
    }

    /// Returns the field that a mutation changed, if it changed one.
    fn changed_field(&self, mutation: &Mutation) -> Option<String> {
        let mut changed = changed_names(&self.sample.request, &mutation.request).into_iter();
        let first = changed.next()?;
        changed.next().is_none().then(|| format!("the field {first:?} of {:?}", self.sample.name))
    }

    fn verdict_holds(&self, mutation: &Mutation, verdict: &Verdict) -> Case {
        match verdict {
            Verdict::Refused(_) | Verdict::Unresolved(_) | Verdict::Unavailable => Ok(()),
            Verdict::Ignored(_) if self.is_empty_request(&mutation.request) || self.donor_is_ignored(mutation) => Ok(()),
            Verdict::Ignored(_) | Verdict::Answered => Err(format!(
                "{}: a damaged callback is refused, or the payment system never sends it again",
                verdict_text(verdict)
            )),
            Verdict::Happened(_) | Verdict::Wanted(_) => {
                let difference = |events: &[ProvedEvent]| events_difference(events, verdict.events(), self.order_is_signed);
                let is_theirs = self.donor(mutation).is_some_and(|donor| difference(donor.events).is_none());
                match difference(self.events) {
                    Some(difference) if !is_theirs && !self.is_of_unsigned(mutation, verdict.events()) => {
                        Err(format!("is accepted, and {difference}"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Reports whether the events are those of this sample or of the donor but for their kind, with another value in a field that the
    /// description declares as unsigned.
    fn is_of_unsigned(&self, mutation: &Mutation, events: &[ProvedEvent]) -> bool {
        let donor = self.donor(mutation).map(|donor| (&donor.sample.request, donor.events));
        let mut known = [(&self.sample.request, self.events)].into_iter().chain(donor);
        known.any(|(request, known)| {
            let is_changed = |name: &&str| reads_otherwise(request, &mutation.request, name);
            self.unsigned.iter().any(is_changed)
                && known.len() == events.len()
                && known.iter().zip(events).all(|(known, event)| differs_in_kind_alone(known, event))
        })
    }

    /// Reports whether spliced pieces made the callback of another sample of the same order, whose answers tell of another state of it.
    /// With this sample's answers it says what neither of them says, which is no fault: those answers are not its own.
    fn is_other_state(&self, merchant: &ScannedMerchant, mutation: &Mutation, verdict: &Verdict) -> bool {
        let Some(order) = self.events.iter().find_map(|event| event.facts.order.as_ref()) else { return false };
        let is_of_order = |events: &[ProvedEvent]| events.iter().all(|event| event.facts.order.as_ref() == Some(order));
        if mutation.donor.is_none() || !is_of_order(verdict.events()) {
            return false;
        }
        let others = self.donors.iter().filter(|donor| !donor.events.is_empty() && is_of_order(donor.events));
        let mut others = others.filter(|donor| donor.sample.answers != self.sample.answers);
        others.any(|donor| {
            let is_theirs = |request: &CallbackRequest| {
                let judged = merchant.judged(request, &donor.sample.answers);
                judged.is_ok_and(|judged| events_difference(donor.events, judged.answer.verdict.events(), true).is_none())
            };
            // Nothing that is left of this sample may decide: else it is this sample that is proved, with a forged piece.
            is_theirs(&mutation.request) && is_theirs(&with_others_changed(&mutation.request, &donor.sample.request))
        })
    }

    /// Reports whether the event is the payment of the sample that the pieces came from. Then this sample did not become a
    /// payment: the other sample became a different payment, which is a finding of `mutations`.
    fn is_donors_payment(&self, mutation: &Mutation, event: &ProvedEvent) -> bool {
        let theirs = self.donor(mutation).map(|donor| donor.events).unwrap_or_default();
        let is_of = |other: &ProvedEvent| event.facts.transaction == other.facts.transaction;
        theirs.iter().any(|theirs| theirs.facts.kind == EventKind::Payment && is_of(theirs)) && !self.events.iter().any(is_of)
    }

    fn donor(&self, mutation: &Mutation) -> Option<&Donor<'_>> {
        mutation.donor.and_then(|donor| self.donors.get(donor))
    }

    /// Reports whether a piece comes from a callback whose expected verdict is itself ignored: the splice may be that callback.
    fn donor_is_ignored(&self, mutation: &Mutation) -> bool {
        self.donor(mutation).is_some_and(|donor| matches!(donor.sample.expected, Expected::Ignored(_)))
    }

    /// Reports whether every part that the sample's text was in is empty.
    fn is_empty_request(&self, request: &CallbackRequest) -> bool {
        let texts = [Part::Query, Part::Body].into_iter().filter(|part| !part.of(&self.sample.request).is_empty());
        texts.into_iter().all(|part| part.of(request).is_empty())
    }

    fn finding(&self, mutation: &Mutation, what: &str) -> String {
        let of = self.donor(mutation).map(|donor| format!(" ({:?})", donor.sample.name)).unwrap_or_default();
        format!("{:?}, {}{of}: {what}; {}", self.sample.name, mutation.what, input_text(&mutation.request))
    }
}

/// Returns the first difference in what two events say about money: every field but the time and `extra`, and the order only if
/// it counts.
pub fn money_difference(one: &ProvedEvent, other: &ProvedEvent, order_counts: bool) -> Option<String> {
    let money = |event: &ProvedEvent| format!("{} {}", event.facts.amount.minor_units, event.facts.amount.currency);
    let optional = |text: Option<&str>| text.unwrap_or("none").to_owned();
    let order = |event: &ProvedEvent| if order_counts { optional(event.facts.order.as_deref()) } else { String::new() };
    let fields = [
        ("kind", format!("{:?}", one.facts.kind), format!("{:?}", other.facts.kind)),
        ("amount", money(one), money(other)),
        ("transaction", one.facts.transaction.to_string(), other.facts.transaction.to_string()),
        ("dedup-key", one.dedup_key.to_string(), other.dedup_key.to_string()),
        ("order", order(one), order(other)),
        ("payer", optional(one.facts.payer.as_deref()), optional(other.facts.payer.as_deref())),
        ("recurrence", format!("{:?}", one.facts.recurrence), format!("{:?}", other.facts.recurrence)),
        ("comment", one.comment.clone(), other.comment.clone()),
    ];
    let differs = fields.into_iter().find(|(_, one, other)| one != other);
    differs.map(|(field, one, other)| format!("its {field} was {one} and is {other}"))
}

/// Reports whether two events are about one transaction, of one order and amount, and only what became of it differs. Another kind has
/// another dedup key, or it would be taken for a repetition.
fn differs_in_kind_alone(one: &ProvedEvent, other: &ProvedEvent) -> bool {
    let is_same_kind = one.facts.kind == other.facts.kind;
    let mut alike = ProvedEvent { dedup_key: one.dedup_key.clone(), ..other.clone() };
    alike.facts.kind = one.facts.kind;
    is_same_kind == (one.dedup_key == other.dedup_key) && money_difference(one, &alike, true).is_none()
}

/// Returns the first difference in what the events of two callbacks say about money, each event compared with the one in its place.
pub fn events_difference(some: &[ProvedEvent], others: &[ProvedEvent], order_counts: bool) -> Option<String> {
    if some.len() != others.len() {
        return Some(format!("it had {} events and has {}", some.len(), others.len()));
    }
    let mut differences = (1..).zip(some.iter().zip(others)).filter_map(|(at, (one, other))| {
        let difference = money_difference(one, other, order_counts)?;
        Some(if some.len() == 1 { difference } else { format!("of its event {at}: {difference}") })
    });
    differences.next()
}

/// Formats a request for a finding.
pub fn input_text(request: &CallbackRequest) -> String {
    let CallbackRequest { method, query, headers, body, .. } = request;
    let headers = if headers.is_empty() { String::new() } else { format!(" headers {headers:?}") };
    let text = format!("{method:?} query {query:?}{headers} body \"{}\"", body.escape_ascii());
    if text.len() <= INPUT_CHARS_MAX {
        return text;
    }
    let beginning: String = text.chars().take(BEGINNING_CHARS).collect();
    format!("{beginning}… (query of {} bytes, body of {} bytes)", query.len(), body.len())
}
