//! Mutated requests, and plans to make them.

use domain::CallbackRequest;

use crate::text::{Edit, Part, edited};

/// The most random mutations of a class that would otherwise be too large.
pub const RANDOM_MAX: usize = 400;

/// A changed request.
pub struct Mutation {
    /// What was changed, for a finding.
    pub what: String,
    /// The request.
    pub request: CallbackRequest,
    /// The sample that a piece was taken from: its index among the donors.
    pub donor: Option<usize>,
}

/// A mutation that is not made yet. Where a few of a class are enough, most plans are never made.
pub struct Plan {
    what: String,
    make: Make,
    donor: Option<usize>,
}

enum Make {
    Edits(Vec<(Part, Edit)>),
    Whole(Box<CallbackRequest>),
}

impl Plan {
    pub fn new(what: String, edits: Vec<(Part, Edit)>) -> Plan {
        Plan { what, make: Make::Edits(edits), donor: None }
    }

    pub fn whole(what: impl Into<String>, request: CallbackRequest) -> Plan {
        Plan { what: what.into(), make: Make::Whole(Box::new(request)), donor: None }
    }

    /// Records the donor that a piece comes from.
    pub fn with_piece_of(self, donor: usize) -> Plan {
        Plan { donor: Some(donor), ..self }
    }

    /// Makes the mutation. Returns `None` if it changes nothing or is not a valid request.
    pub fn made(self, original: &CallbackRequest) -> Option<Mutation> {
        let request = match self.make {
            Make::Whole(request) => *request,
            Make::Edits(edits) => {
                let mut request = original.clone();
                for part in Part::all(original) {
                    let here = edits.iter().filter(|(other, _)| *other == part).map(|(_, edit)| edit.clone());
                    let mut here: Vec<Edit> = here.collect();
                    if !here.is_empty() {
                        request = part.put(request, edited(part.of(original), &mut here))?;
                    }
                }
                request
            }
        };
        (request != *original).then_some(Mutation { what: self.what, request, donor: self.donor })
    }
}
