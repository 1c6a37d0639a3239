//! What may be sent of an operation, and what its result is worth: decided by the calls that were made, and free of HTTP.
//!
//! The host goes on with an operation by asking its provider anew, from an empty context: the provider wants its calls again, one
//! after another, and each is answered from the journal if it was answered before. So it shows whether the provider, which
//! may be another version of the component by now, still means the calls that were made.

use domain::Repeatable;

/// How long a call may be on its way, in seconds. A key that the payment system forgets sooner is as good as forgotten.
pub const CALL_SECONDS_MAX: u64 = 10;

/// The calls of an operation that change something at the payment system: those that are not [`Repeatable::Always`]. It is
/// stored before such a call is sent, and again before its answer is used.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Journal {
    /// In the order in which they were first sent. Only the last one may have no answer.
    pub calls: Vec<SentCall>,
}

/// A call that was sent, or was to be sent when the host stopped.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SentCall {
    /// The digest of the whole call.
    pub digest: String,
    /// When it was first sent, seconds since the epoch.
    pub first_sent_at: u64,
    /// Whether it was sent again.
    pub is_repeated: bool,
    /// Whether it has an answer.
    pub is_answered: bool,
}

/// A call that a provider wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WantedCall<'c> {
    /// The digest of the whole call.
    pub digest: &'c str,
    /// How long the payment system knows the second of two equal calls from the first.
    pub repeatable: Repeatable,
}

/// What to do about a call that a provider wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallDecision {
    /// Send it. Of a call that is not `Always`, the journal has it now and is to be stored before.
    Send,
    /// Send it once more, since the payment system knows the second from the first. The journal has it now and is to be stored
    /// before.
    SendAgain,
    /// Give the provider the answer that is stored.
    AnswerAsBefore,
    /// Tell the provider that it was sent and not answered. It cannot be sent again.
    AnswerUnknown,
    /// End the operation as unknown.
    GiveUp(GiveUp),
}

/// Why an operation ends as unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GiveUp {
    /// The provider wants another call than the one that was made.
    OtherCall,
    /// The provider wants a call that it was given the answer to.
    SameCallTwice,
    /// The provider no longer wants a call that was made, and does not know either that the operation is done.
    CallNotWanted,
}

/// The result of a provider, as far as it matters to the calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProviderResult {
    /// It is done.
    Succeeded,
    /// It goes on at the payment system.
    Pending,
    /// It was not done, and never will be.
    Refused,
    /// It was not done, since the payment system cannot be reached.
    Unavailable,
    /// It may have been done.
    Unknown,
}

/// A pass through a provider, from its first step to its result.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pass {
    journal: Journal,
    /// The calls of the journal that the provider wanted in this pass.
    wanted: Vec<String>,
}

impl Pass {
    /// Begins a pass with the calls that were made before.
    pub fn new(journal: Journal) -> Pass {
        Pass { journal, wanted: Vec::new() }
    }

    /// Returns the calls that were made.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Decides about a call that the provider wants, at this second of the epoch.
    pub fn decide(&mut self, call: WantedCall<'_>, now: u64) -> CallDecision {
        if call.repeatable == Repeatable::Always {
            return CallDecision::Send;
        }
        if self.wanted.iter().any(|wanted| wanted == call.digest) {
            return CallDecision::GiveUp(GiveUp::SameCallTwice);
        }
        match self.journal.calls.get_mut(self.wanted.len()) {
            None => self.decide_new(call.digest, now),
            Some(made) if made.digest != call.digest => CallDecision::GiveUp(GiveUp::OtherCall),
            Some(made) => {
                self.wanted.push(made.digest.clone());
                if made.is_answered {
                    return CallDecision::AnswerAsBefore;
                }
                if !is_remembered(made, call.repeatable, now) {
                    return CallDecision::AnswerUnknown;
                }
                made.is_repeated = true;
                CallDecision::SendAgain
            }
        }
    }

    fn decide_new(&mut self, digest: &str, now: u64) -> CallDecision {
        // After a call without an answer nothing else is sent: nobody knows what it would come to.
        if self.journal.calls.last().is_some_and(|call| !call.is_answered) {
            return CallDecision::GiveUp(GiveUp::OtherCall);
        }
        self.wanted.push(digest.to_owned());
        let digest = digest.to_owned();
        self.journal.calls.push(SentCall { digest, first_sent_at: now, is_repeated: false, is_answered: false });
        CallDecision::Send
    }

    /// Records that the last call has an answer. The journal is to be stored before the answer is used.
    pub fn answered(&mut self) {
        if let Some(call) = self.journal.calls.last_mut() {
            call.is_answered = true;
        }
    }

    /// Records that the last call did not leave this machine. The provider may want it again in this pass.
    pub fn not_sent(&mut self) {
        let Some(call) = self.journal.calls.last().filter(|call| !call.is_answered) else { return };
        self.wanted.retain(|wanted| *wanted != call.digest);
        // One that was sent before may have arrived then.
        if !call.is_repeated {
            self.journal.calls.pop();
        }
    }

    /// Records that nothing was done, as the provider says by the answer to the last call, such as that there are too many calls: it
    /// may be made again. One that was sent before without an answer may have been done then, and is sent again as a repetition.
    pub fn not_done(&mut self) {
        if self.wanted.len() != self.journal.calls.len() {
            return;
        }
        let Some(call) = self.journal.calls.last_mut().filter(|call| call.is_answered) else { return };
        call.is_answered = false;
        if !call.is_repeated {
            self.journal.calls.pop();
        }
        self.wanted.pop();
    }

    /// Records that the answer to the last call does not tell what was done, and returns `true`, if the payment system still knows the
    /// call by its key: it is sent again then. Otherwise nothing changes.
    pub fn not_told(&mut self, call: WantedCall<'_>, now: u64) -> bool {
        if call.repeatable == Repeatable::Always || self.wanted.len() != self.journal.calls.len() {
            return false;
        }
        let Some(last) = self.journal.calls.last_mut() else { return false };
        if last.digest != call.digest || !last.is_answered || !is_remembered(last, call.repeatable, now) {
            return false;
        }
        last.is_answered = false;
        self.wanted.pop();
        true
    }

    /// Returns why a result of the provider ends the operation as unknown instead; `None` if the result counts.
    ///
    /// A call that was made and is not wanted any more is another version's. Whoever does not know of it cannot say that
    /// nothing was done. That something was done is a fact, and whoever could not reach the payment system is asked again.
    pub fn doubt(&self, result: ProviderResult) -> Option<GiveUp> {
        let knows_all = self.wanted.len() == self.journal.calls.len();
        let counts = matches!(result, ProviderResult::Succeeded | ProviderResult::Unavailable);
        (!knows_all && !counts).then_some(GiveUp::CallNotWanted)
    }
}

/// How far a clock that is corrected may go back, in seconds.
const CORRECTION_SECONDS_MAX: u64 = 60;

/// Reports whether the payment system knows a call that arrives now from the one that was sent first. A clock that was set back further
/// does not tell how long ago that was.
fn is_remembered(call: &SentCall, repeatable: Repeatable, now: u64) -> bool {
    match repeatable {
        Repeatable::Always => true,
        Repeatable::Never => false,
        Repeatable::Within(seconds) => {
            let forgotten_at = call.first_sent_at.saturating_add(u64::from(seconds));
            let is_set_back = now.saturating_add(CORRECTION_SECONDS_MAX) < call.first_sent_at;
            !is_set_back && now.saturating_add(CALL_SECONDS_MAX) < forgotten_at
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Repeatable = Repeatable::Never;
    const HOUR: Repeatable = Repeatable::Within(3_600);

    fn call(digest: &str, repeatable: Repeatable) -> WantedCall<'_> {
        WantedCall { digest, repeatable }
    }

    /// Returns the journal of calls, of which the last one has no answer where the text ends with `?`.
    fn journal(calls: &str) -> Journal {
        let sent = |text: &str| SentCall {
            digest: text.trim_end_matches('?').to_owned(),
            first_sent_at: 1_000,
            is_repeated: false,
            is_answered: !text.ends_with('?'),
        };
        Journal { calls: calls.split_whitespace().map(sent).collect() }
    }

    #[test]
    fn call_is_sent_as_far_as_it_is_safe() {
        use CallDecision::{AnswerAsBefore, AnswerUnknown, GiveUp, Send, SendAgain};
        let [other, twice] = [GiveUp(super::GiveUp::OtherCall), GiveUp(super::GiveUp::SameCallTwice)];
        for (made, wanted, want) in [
            ("", vec![("a", NEVER, 1_000)], Send),
            ("a?", vec![("a", NEVER, 1_001)], AnswerUnknown),
            ("a?", vec![("a", HOUR, 1_001)], SendAgain),
            // The last second at which it arrives before the key is forgotten.
            ("a?", vec![("a", HOUR, 4_589)], SendAgain),
            ("a?", vec![("a", HOUR, 4_590)], AnswerUnknown),
            // The clock was corrected, and was set back.
            ("a?", vec![("a", HOUR, 940)], SendAgain),
            ("a?", vec![("a", HOUR, 939)], AnswerUnknown),
            ("a?", vec![("b", HOUR, 1_001)], other),
            ("a?", vec![("a", NEVER, 1_001), ("b", NEVER, 1_001)], other),
            ("a", vec![("a", NEVER, 9_000)], AnswerAsBefore),
            ("a", vec![("a", NEVER, 9_000), ("b", NEVER, 9_000)], Send),
            // Another version wants another call in the place of the one that was made.
            ("a", vec![("b", NEVER, 9_000)], other),
            ("a b?", vec![("b", HOUR, 1_001)], other),
            ("a b?", vec![("a", NEVER, 1_001), ("b", HOUR, 1_001)], SendAgain),
            ("a", vec![("a", NEVER, 9_000), ("a", NEVER, 9_000)], twice),
            // A call that changes nothing is always sent.
            ("a?", vec![("r", Repeatable::Always, 1_001)], Send),
            ("a", vec![("r", Repeatable::Always, 1_001), ("r", Repeatable::Always, 1_001)], Send),
        ] {
            let mut pass = Pass::new(journal(made));
            let decided = wanted.iter().map(|(digest, repeatable, now)| pass.decide(call(digest, *repeatable), *now)).last();
            assert_eq!(decided, Some(want), "{made}: {wanted:?}");
        }
    }

    #[test]
    fn call_is_in_the_journal_before_it_is_sent() {
        let mut pass = Pass::new(Journal::default());
        assert_eq!(pass.decide(call("r", Repeatable::Always), 1_000), CallDecision::Send);
        assert_eq!(*pass.journal(), journal(""));
        assert_eq!(pass.decide(call("a", HOUR), 1_000), CallDecision::Send);
        assert_eq!(*pass.journal(), journal("a?"));
        // It never left: nothing was done.
        pass.not_sent();
        assert_eq!(*pass.journal(), journal(""));
        assert_eq!(pass.decide(call("a", HOUR), 1_000), CallDecision::Send);
        let mut pass = Pass::new(pass.journal().clone());
        assert_eq!(pass.decide(call("a", HOUR), 2_000), CallDecision::SendAgain);
        // The first time it may have arrived, whatever became of the second.
        pass.not_sent();
        let [kept] = pass.journal().calls.as_slice() else { panic!() };
        assert_eq!((kept.first_sent_at, kept.is_answered), (1_000, false));
        assert_eq!(pass.decide(call("a", HOUR), 2_000), CallDecision::SendAgain);
        pass.answered();
        assert!(pass.journal().calls[0].is_answered);
    }

    #[test]
    fn call_whose_answer_says_that_nothing_was_done_is_made_again() {
        // It was answered now, or before a crash.
        for made in ["", "a"] {
            let mut pass = Pass::new(journal(made));
            pass.decide(call("a", NEVER), 1_000);
            pass.answered();
            pass.not_done();
            assert_eq!(*pass.journal(), journal(""), "{made}");
            assert_eq!(pass.decide(call("a", NEVER), 1_001), CallDecision::Send);
        }
        // The first time it may have been done.
        let mut pass = Pass::new(journal("a?"));
        assert_eq!(pass.decide(call("a", HOUR), 1_001), CallDecision::SendAgain);
        pass.answered();
        pass.not_done();
        let mut pass = Pass::new(pass.journal().clone());
        assert_eq!(pass.decide(call("a", HOUR), 4_589), CallDecision::SendAgain);
        assert_eq!(Pass::new(pass.journal().clone()).decide(call("a", HOUR), 4_590), CallDecision::AnswerUnknown);
        // A call that has no answer, or that this provider did not want, stays.
        for (made, wants) in [("a?", true), ("a", false)] {
            let mut pass = Pass::new(journal(made));
            wants.then(|| pass.decide(call("a", NEVER), 1_001));
            pass.not_done();
            assert_eq!(*pass.journal(), journal(made), "{made}");
        }
    }

    #[test]
    fn call_whose_answer_does_not_tell_what_was_done_is_sent_again_while_its_key_is_known() {
        for (made, wanted, repeatable, now, want) in [
            ("", "a", HOUR, 1_001, true),
            ("a", "a", HOUR, 4_589, true),
            ("a", "a", HOUR, 4_590, false),
            ("a", "a", NEVER, 1_001, false),
            // The provider judged by another call.
            ("a", "b", HOUR, 1_001, false),
            ("a", "r", Repeatable::Always, 1_001, false),
        ] {
            let mut pass = Pass::new(journal(made));
            pass.decide(call("a", HOUR), 1_000);
            pass.answered();
            assert_eq!(pass.not_told(call(wanted, repeatable), now), want, "{made} {wanted} {now}");
            assert_eq!(pass.journal().calls[0].is_answered, !want);
            let again = if want { CallDecision::SendAgain } else { CallDecision::AnswerAsBefore };
            assert_eq!(Pass::new(pass.journal().clone()).decide(call("a", HOUR), 4_000), again);
        }
        // Its time is counted from when it was first sent, and it may have been done then.
        let mut pass = Pass::new(journal("a?"));
        assert_eq!(pass.decide(call("a", HOUR), 4_000), CallDecision::SendAgain);
        pass.answered();
        assert!(pass.not_told(call("a", HOUR), 4_001));
        pass.decide(call("a", HOUR), 4_002);
        pass.not_sent();
        assert_eq!((pass.journal().calls[0].first_sent_at, pass.journal().calls[0].is_answered), (1_000, false));
        // One that has no answer, or was not wanted in this pass, is left alone.
        for (made, wants) in [("a?", true), ("a", false)] {
            let mut pass = Pass::new(journal(made));
            wants.then(|| pass.decide(call("a", HOUR), 1_001));
            assert!(!pass.not_told(call("a", HOUR), 1_001), "{made}");
        }
    }

    #[test]
    fn whoever_does_not_know_of_a_call_cannot_say_that_nothing_was_done() {
        use ProviderResult::{Pending, Refused, Succeeded, Unavailable, Unknown};
        let mut knows = Pass::new(journal("a?"));
        assert_eq!(knows.decide(call("a", NEVER), 2_000), CallDecision::AnswerUnknown);
        for result in [Succeeded, Pending, Refused, Unavailable, Unknown] {
            assert_eq!(knows.doubt(result), None);
            assert_eq!(Pass::new(journal("")).doubt(result), None);
            let counts = matches!(result, Succeeded | Unavailable);
            for made in ["a", "a?"] {
                let want = (!counts).then_some(GiveUp::CallNotWanted);
                assert_eq!(Pass::new(journal(made)).doubt(result), want, "{made} {result:?}");
            }
        }
    }
}
