//! Pieces of one callback in another.

use domain::CallbackRequest;
use fastrand::Rng;

use super::place::{Place, counterpart, places as places_of};
use super::plan::{Plan, RANDOM_MAX};
use crate::text::Part;

/// Gives each field and each header another sample's value, and the whole body or query another sample's.
pub fn splices(places: &[Place], request: &CallbackRequest, donors: &[(&CallbackRequest, bool)]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (donor, (other, several)) in donors.iter().enumerate() {
        let theirs = places_of(other);
        for place in places {
            if let Some(counterpart) = counterpart(place, places, &theirs) {
                let what = format!("the field {:?} is that of another sample", place.name);
                plans.push(Plan::new(what, vec![place.put(counterpart.value.clone())]).with_piece_of(donor));
            }
        }
        for (at, (name, value)) in request.headers.iter().enumerate() {
            let theirs = other.headers.iter().find(|(theirs, _)| theirs == name);
            if let Some((_, theirs)) = theirs {
                let what = format!("the header {name} is that of another sample");
                let edit = (Part::Header(at), (0..value.len(), theirs.clone().into_bytes()));
                plans.push(Plan::new(what, vec![edit]).with_piece_of(donor));
            }
        }
        if !several {
            continue;
        }
        let bodies =
            Plan::whole("the body is that of another sample", CallbackRequest { body: other.body.clone(), ..request.clone() });
        let queries = Plan::whole(
            "the query is that of another sample",
            CallbackRequest { query: other.query.clone(), ..request.clone() },
        );
        plans.extend([bodies, queries].map(|plan| plan.with_piece_of(donor)));
    }
    plans
}

/// Gives random sets of fields another sample's values.
pub fn spliced_sets(places: &[Place], donors: &[(&CallbackRequest, bool)], rng: &mut Rng) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (donor, (other, _)) in donors.iter().enumerate().filter(|(_, (_, several))| *several) {
        let theirs = places_of(other);
        for _ in 0..RANDOM_MAX {
            let chosen: Vec<&Place> = places.iter().filter(|_| rng.bool()).collect();
            let pairs = chosen.iter().filter_map(|place| Some((*place, counterpart(place, places, &theirs)?)));
            let pairs: Vec<(&Place, &Place)> = pairs.collect();
            let names: Vec<&str> = pairs.iter().map(|(place, _)| place.name.as_str()).collect();
            let edits = pairs.iter().map(|(place, theirs)| place.put(theirs.value.clone())).collect();
            let what = format!("the fields {} are those of another sample", names.join(", "));
            plans.push(Plan::new(what, edits).with_piece_of(donor));
        }
    }
    plans
}
