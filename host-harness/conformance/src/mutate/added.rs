//! Fields that decide, added to a callback that does not have them.

use domain::CallbackRequest;

use super::place::{Place, places as places_of};
use super::plan::Plan;
use crate::text::{Part, Syntax};

/// Values of a field that no sample has: numbers, which may be amounts, and a text.
const VALUES: [&str; 5] = ["1", "100", "1.00", "1000000.00", "another"];

/// Adds each of these fields that a form or an object in JSON does not have, first and last, with the other samples' values or made-up
/// ones.
pub fn added(places: &[Place], request: &CallbackRequest, names: &[&str], donors: &[(&CallbackRequest, bool)]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for name in names.iter().filter(|name| !places.iter().any(|place| place.name == **name)) {
        let theirs = donors.iter().flat_map(|(donor, _)| places_of(donor)).filter(|place| place.name == **name);
        let mut values: Vec<Vec<u8>> = theirs.map(|place| place.value).collect();
        values.extend(VALUES.map(|value| value.as_bytes().to_vec()));
        values.sort();
        values.dedup();
        for part in [Part::Query, Part::Body] {
            let Some(first) = places.iter().find(|place| place.part == part) else { continue };
            let text = part.of(request);
            for value in &values {
                let inserts = match first.field.syntax {
                    Syntax::Form => {
                        let pair = [name.as_bytes(), b"=", value].concat();
                        vec![(text.len(), [&b"&"[..], &pair].concat()), (0, [&pair[..], b"&"].concat())]
                    }
                    Syntax::Json => {
                        let Some(at) = text.iter().position(|byte| *byte == b'{') else { continue };
                        let pair = |quote: &[u8]| [b"\"", name.as_bytes(), b"\":", quote, value, quote, b","].concat();
                        let is_number = value.first().is_some_and(u8::is_ascii_digit);
                        let pairs = [Some(pair(b"\"")), is_number.then(|| pair(b""))];
                        pairs.into_iter().flatten().map(|pair| (at + 1, pair)).collect()
                    }
                };
                let what = format!("the field {name:?} is added as {:?}", String::from_utf8_lossy(value));
                plans.extend(inserts.into_iter().map(|(at, text)| Plan::new(what.clone(), vec![(part, (at..at, text))])));
            }
        }
    }
    plans
}
