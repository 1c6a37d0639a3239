//! Changes of a callback by its fields.

use domain::CallbackRequest;
use fastrand::Rng;

use super::place::{Place, larger_value, other_value};
use super::plan::{Plan, RANDOM_MAX};
use crate::text::{Part, Syntax};

/// Replacement values: what one parser reads as a number and another does not, payment systems' keywords, empty, and oversized
/// values.
const VALUES: [&str; 30] = [
    "",
    "0",
    "1",
    "-1",
    "+1",
    "100",
    "1000000000",
    "1e9",
    "00100.00",
    "+100",
    "-100.00",
    "100,00",
    "100.",
    ".5",
    "0x64",
    "1_000",
    "1 000",
    "9223372036854775808",
    "１００.００",
    "٣",
    "NaN",
    "null",
    "true",
    "\0",
    "payment",
    "Purchase",
    "paid",
    "success",
    "approved",
    "{}",
];

/// Empties each part; removes and empties each field, and gives it another value of the same form.
pub fn plain(places: &[Place], request: &CallbackRequest) -> Vec<Plan> {
    let empty = |part: Part| {
        let whole = 0..part.of(request).len();
        Plan::new(format!("{} is empty", part.name(request)), vec![(part, (whole, Vec::new()))])
    };
    let mut plans: Vec<Plan> = Part::all(request).into_iter().map(empty).collect();
    for place in places {
        let mut plan = |what: &str, edit| plans.push(Plan::new(format!("the field {:?} {what}", place.name), vec![edit]));
        plan("is removed", (place.part, (place.field.whole.clone(), Vec::new())));
        plan("is emptied", place.put(""));
        plan("is another", place.put(other_value(&place.value)));
        plan("is ten times as much", place.put(larger_value(&place.value)));
    }
    plans
}

/// Doubles each field, contradicts it, and renames it.
pub fn structure(places: &[Place]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for place in places {
        let Place { part, field, name, value, .. } = place;
        if name.is_empty() {
            continue;
        }
        let mut plan = |what: &str, edits| plans.push(Plan::new(format!("the field {name:?} {what}"), edits));
        for (what, copy) in [
            ("doubled", value.clone()),
            ("doubled with another value", other_value(value)),
            ("doubled with a larger value", larger_value(value)),
            ("doubled empty", Vec::new()),
        ] {
            let pair = place.pair(place.name_bytes(), &copy);
            plan(&format!("is {what}, before"), vec![place.insert(field.pair.start, [&pair, place.separator()].concat())]);
            plan(&format!("is {what}, behind"), vec![place.insert(field.pair.end, [place.separator(), &pair].concat())]);
        }
        for (what, renamed) in [
            ("is renamed", format!("{name}x")),
            ("is renamed, a space behind", format!("{name}+")),
            ("is renamed to a list", format!("{name}[]")),
            ("is in upper case", name.to_uppercase()),
            ("is in lower case", name.to_lowercase()),
        ] {
            plan(what, vec![(*part, (field.name.clone(), renamed.clone().into_bytes()))]);
            let pair = place.pair(renamed.as_bytes(), &larger_value(value));
            plan(
                &format!("{what}, beside it and larger"),
                vec![place.insert(field.pair.end, [place.separator(), &pair].concat())],
            );
        }
    }
    plans
}

/// Replaces each value by others, and writes it in other forms.
pub fn values(places: &[Place]) -> Vec<Plan> {
    let long = "9".repeat(40);
    let longer = "a".repeat(3_000);
    let mut plans = Vec::new();
    for place in places {
        let Place { name, value, .. } = place;
        let text = String::from_utf8_lossy(value).into_owned();
        for new in VALUES.into_iter().chain([long.as_str(), &longer]) {
            let shown: String = new.chars().take(20).collect();
            plans.push(Plan::new(format!("the field {name:?} is {shown:?}"), vec![place.put_literal(new)]));
        }
        let full_width = text.chars().map(|char| match char.to_digit(10).and_then(|digit| char::from_u32(0xFF10 + digit)) {
            Some(wide) => wide.to_string(),
            None => char.to_string(),
        });
        let (before, behind) = text.split_once('.').unwrap_or((&text, ""));
        for new in [
            format!("{text}0"),
            format!("0{text}"),
            format!("{text}."),
            format!("{text}.0"),
            format!("-{text}"),
            format!("%2B{text}"),
            format!("{text}+"),
            format!("+{text}"),
            format!("{text}%00"),
            format!("{text}%0A"),
            format!("{text};1"),
            before.to_owned(),
            format!("{before},{behind}"),
            format!("{before}{behind}"),
            format!("{before}0.{behind}"),
            text.to_uppercase(),
            text.to_lowercase(),
            full_width.collect(),
        ] {
            plans.push(Plan::new(format!("the field {name:?} is {new:?}"), vec![place.put(new.clone())]));
        }
        if place.field.syntax == Syntax::Json {
            let turned = if place.field.is_quoted() { text.clone() } else { format!("\"{text}\"") };
            let edit = (place.part, (place.field.literal.clone(), turned.into_bytes()));
            plans.push(Plan::new(format!("the field {name:?} is of another type"), vec![edit]));
        }
    }
    plans
}

/// Moves characters from the end of one value to the beginning of another, and back. A signature over values that are joined
/// without a separator still holds then. Which values are neighbours under the signature is not known, so every pair is tried.
/// Returns first the moves of one digit between digits, then all others.
pub fn moves(places: &[Place], rng: &mut Rng) -> (Vec<Plan>, Vec<Plan>) {
    let filled: Vec<&Place> = places.iter().filter(|place| !place.value.is_empty()).collect();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let (mut digits, mut plans) = (Vec::new(), Vec::new());
    for (at, from) in filled.iter().enumerate() {
        for (_, to) in places.iter().enumerate().filter(|(_, to)| to.field != from.field || to.part != from.part) {
            for length in [1, 2, 3, from.value.len()].into_iter().filter(|length| *length <= from.value.len()) {
                let (kept, moved) = from.value.split_at(from.value.len() - length);
                let of_digits = length == 1 && is_digit(moved.last()) && is_digit(to.value.first());
                let plans = if of_digits { &mut digits } else { &mut plans };
                let what =
                    format!("the last {length} bytes of the field {:?} are moved to the beginning of {:?}", from.name, to.name);
                plans.push(Plan::new(what, vec![from.put(kept), to.put([moved, &to.value].concat())]));
                let (moved, kept) = from.value.split_at(length);
                let of_digits = length == 1 && is_digit(moved.first()) && is_digit(to.value.last());
                let plans = if of_digits { &mut digits } else { &mut *plans };
                let what =
                    format!("the first {length} bytes of the field {:?} are moved to the end of {:?}", from.name, to.name);
                plans.push(Plan::new(what, vec![from.put(kept), to.put([&to.value, moved].concat())]));
            }
        }
        // A move through a third value, which keeps its length.
        for _ in 0..RANDOM_MAX / filled.len().max(1) {
            let (through, to) = (rng.choice(&filled), rng.choice(&filled));
            let (Some(through), Some(to)) = (through, to) else { continue };
            let three = [at, index_of(&filled, through), index_of(&filled, to)];
            if three[0] == three[1] || three[1] == three[2] || three[0] == three[2] {
                continue;
            }
            let (first_kept, first_moved) = from.value.split_at(from.value.len() - 1);
            let (second_kept, second_moved) = through.value.split_at(through.value.len() - 1);
            let what = format!(
                "the last byte of the field {:?} is moved to the beginning of {:?}, and the last byte of that to {:?}",
                from.name, through.name, to.name
            );
            let edits = vec![
                from.put(first_kept),
                through.put([first_moved, second_kept].concat()),
                to.put([second_moved, &to.value].concat()),
            ];
            plans.push(Plan::new(what, edits));
        }
    }
    (digits, plans)
}

fn index_of(places: &[&Place], place: &Place) -> usize {
    places.iter().position(|other| std::ptr::eq(*other, place)).unwrap_or(usize::MAX)
}

/// Exchanges the values of every two fields.
pub fn swaps(places: &[Place]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (at, one) in places.iter().enumerate() {
        for other in places.iter().skip(at + 1) {
            let what = format!("the fields {:?} and {:?} have each other's value", one.name, other.name);
            plans.push(Plan::new(what, vec![one.put(other.value.clone()), other.put(one.value.clone())]));
        }
    }
    plans
}
