//! Every way to change a callback that a forger or a bad line may find.

use fastrand::Rng;
use sandbox::records::{CallbackRequest, HttpMethod};

use crate::text::{Edit, Field, Part, edited, fields};

/// The most mutations of one class of one sample.
const CLASS_MAX: usize = 6_000;
/// How many times as many digits are moved as there are others of a class, where a few are enough: few of them are between
/// neighbours under the signature.
const DIGIT_MOVES_TIMES: usize = 4;
/// The most random mutations of a class that would be too many otherwise.
const RANDOM_MAX: usize = 400;
/// What is put between two bytes.
const INSERTED: [u8; 8] = [b'0', b'9', b'&', b'%', b'+', b' ', 0, 0xFF];
/// What a value is replaced by: what is read as a number by one and not by another, words of payment systems, nothing, much.
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

/// A changed request.
pub struct Mutation {
    /// What was changed, for a finding.
    pub what: String,
    /// The request.
    pub request: CallbackRequest,
    /// The sample that a piece was taken from: its place among the donors.
    pub donor: Option<usize>,
}

/// A request that is not made yet: most are not, where a few of a class are enough.
struct Plan {
    what: String,
    make: Make,
    donor: Option<usize>,
}

enum Make {
    Edits(Vec<(Part, Edit)>),
    Whole(Box<CallbackRequest>),
}

/// A field, and the text that it stands in.
struct Place {
    part: Part,
    field: Field,
    name: String,
    /// The value as it is written.
    value: Vec<u8>,
}

/// All mutations of a request, at most `per_class` of each class. A donor is a request whose pieces are put into it, and whether
/// several at once may be: the pieces of one that is not accepted itself may make a genuine callback together.
pub fn mutations(
    request: &CallbackRequest,
    donors: &[(&CallbackRequest, bool)],
    per_class: Option<usize>,
    rng: &mut Rng,
) -> Vec<Mutation> {
    let places = places(request);
    let mut classes = vec![splices(&places, request, donors), spliced_sets(&places, donors, rng)];
    for part in Part::all(request) {
        let (text, name) = (part.of(request), part.name(request));
        classes.extend([flips(part, text, &name), bytes(part, text, &name, rng), truncations(part, text, &name)]);
    }
    classes.extend([structure(&places), values(&places), swaps(&places), carriers(request), headers(request)]);
    let (digits, others) = moves(&places, rng);
    classes.push(others);
    let many = per_class.map(|few| few * DIGIT_MOVES_TIMES);
    let sampled = classes.into_iter().map(|class| (class, per_class));
    // What is most likely to be found is tried in every field, whatever the effort.
    let classes = sampled.chain([(digits, many), (plain(&places, request), None)]);
    let mut mutations = Vec::new();
    for (mut class, most) in classes {
        let most = most.unwrap_or(CLASS_MAX).min(CLASS_MAX);
        if class.len() > most {
            rng.shuffle(&mut class);
            class.truncate(most);
        }
        mutations.extend(class.into_iter().filter_map(|plan| plan.made(request)));
    }
    mutations
}

impl Plan {
    fn new(what: String, edits: Vec<(Part, Edit)>) -> Plan {
        Plan { what, make: Make::Edits(edits), donor: None }
    }

    fn whole(what: impl Into<String>, request: CallbackRequest) -> Plan {
        Plan { what: what.into(), make: Make::Whole(Box::new(request)), donor: None }
    }

    /// The mutation; `None` where it changes nothing, or cannot be a request.
    fn made(self, original: &CallbackRequest) -> Option<Mutation> {
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

fn places(request: &CallbackRequest) -> Vec<Place> {
    let of_part = |part: Part| {
        let text = part.of(request);
        fields(text).into_iter().map(move |field| Place {
            part,
            name: field.decoded_name(text),
            value: text.get(field.value.clone()).unwrap_or_default().to_vec(),
            field,
        })
    };
    [Part::Query, Part::Body].into_iter().flat_map(of_part).collect()
}

impl Place {
    fn put(&self, value: impl Into<Vec<u8>>) -> (Part, Edit) {
        (self.part, (self.field.value.clone(), value.into()))
    }

    fn put_literal(&self, value: &str) -> (Part, Edit) {
        (self.part, (self.field.literal.clone(), self.field.literal_of(value)))
    }

    fn insert(&self, at: usize, text: Vec<u8>) -> (Part, Edit) {
        (self.part, (at..at, text))
    }

    /// The pair with another name and value, as it is written.
    fn pair(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        match self.field.syntax {
            crate::text::Syntax::Form => [name, b"=", value].concat(),
            crate::text::Syntax::Json => {
                let quote: &[u8] = if self.field.is_quoted() { b"\"" } else { b"" };
                [b"\"", name, b"\":", quote, value, quote].concat()
            }
        }
    }

    fn separator(&self) -> &'static [u8] {
        match self.field.syntax {
            crate::text::Syntax::Form => b"&",
            crate::text::Syntax::Json => b",",
        }
    }

    fn name_bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

/// Another value of the same form: the last digit is one more.
fn other_value(value: &[u8]) -> Vec<u8> {
    let mut other = value.to_vec();
    match other.iter_mut().rfind(|byte| byte.is_ascii_digit()) {
        Some(digit) => *digit = if *digit == b'9' { b'0' } else { *digit + 1 },
        None => other.push(b'1'),
    }
    other
}

/// A value that is ten times as much, if it is a number.
fn larger_value(value: &[u8]) -> Vec<u8> {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = value.split_at(digits);
    if whole.is_empty() { other_value(value) } else { [whole, b"0", rest].concat() }
}

/// Every bit, flipped.
fn flips(part: Part, text: &[u8], name: &str) -> Vec<Plan> {
    let bits = text.iter().enumerate().flat_map(|(at, byte)| (0..8).map(move |bit| (at, *byte, bit)));
    let flip = |(at, byte, bit): (usize, u8, u32)| {
        Plan::new(format!("{name}: bit {bit} of byte {at} is flipped"), vec![(part, (at..at + 1, vec![byte ^ (1 << bit)]))])
    };
    bits.map(flip).collect()
}

/// Every byte left out, doubled, exchanged with the next, and one put before it.
fn bytes(part: Part, text: &[u8], name: &str, rng: &mut Rng) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut plan = |what: &str, at: usize, to: usize, with: Vec<u8>| {
        plans.push(Plan::new(format!("{name}: {what} at byte {at}"), vec![(part, (at..to, with))]));
    };
    for (at, byte) in text.iter().enumerate() {
        plan("a byte is left out", at, at + 1, Vec::new());
        plan("a byte is doubled", at, at, vec![*byte]);
        plan("a byte is put in", at, at, rng.choice(INSERTED).into_iter().collect());
        if let Some(next) = text.get(at + 1) {
            plan("two bytes are exchanged", at, at + 2, vec![*next, *byte]);
        }
    }
    plan("a byte is put in", text.len(), text.len(), rng.choice(INSERTED).into_iter().collect());
    plans
}

/// Cut at every place, from either end.
fn truncations(part: Part, text: &[u8], name: &str) -> Vec<Plan> {
    let cuts = (1..=text.len()).flat_map(|length| {
        let first = Plan::new(format!("{name}: its first {length} bytes are cut off"), vec![(part, (0..length, Vec::new()))]);
        let end = text.len() - length..text.len();
        let last = Plan::new(format!("{name}: its last {length} bytes are cut off"), vec![(part, (end, Vec::new()))]);
        [first, last]
    });
    cuts.collect()
}

/// Each text emptied; each field removed, emptied, and another of the same form.
fn plain(places: &[Place], request: &CallbackRequest) -> Vec<Plan> {
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

/// Each field doubled, contradicted, renamed.
fn structure(places: &[Place]) -> Vec<Plan> {
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

/// Each value replaced by others, and written otherwise.
fn values(places: &[Place]) -> Vec<Plan> {
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
        if place.field.syntax == crate::text::Syntax::Json {
            let turned = if place.field.is_quoted() { text.clone() } else { format!("\"{text}\"") };
            let edit = (place.part, (place.field.literal.clone(), turned.into_bytes()));
            plans.push(Plan::new(format!("the field {name:?} is of another type"), vec![edit]));
        }
    }
    plans
}

/// Characters moved from the end of one value to the beginning of another, and back: where a signature covers values that are
/// joined by nothing, it holds still. Which are neighbours under the signature is not known, so every two are tried. First those
/// of one digit between digits, and then all others.
fn moves(places: &[Place], rng: &mut Rng) -> (Vec<Plan>, Vec<Plan>) {
    let filled: Vec<&Place> = places.iter().filter(|place| !place.value.is_empty()).collect();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let (mut digits, mut plans) = (Vec::new(), Vec::new());
    for (at, from) in filled.iter().enumerate() {
        for (_, to) in places.iter().enumerate().filter(|(_, to)| to.field != from.field || to.part != from.part) {
            for length in [1, 2, 3, from.value.len()].into_iter().filter(|length| *length <= from.value.len()) {
                let (kept, moved) = from.value.split_at(from.value.len() - length);
                let of_digits = length == 1 && is_digit(moved.last()) && is_digit(to.value.first());
                let plans = if of_digits { &mut digits } else { &mut plans };
                let what = format!("the last {length} of the field {:?} begin the field {:?}", from.name, to.name);
                plans.push(Plan::new(what, vec![from.put(kept), to.put([moved, &to.value].concat())]));
                let (moved, kept) = from.value.split_at(length);
                let of_digits = length == 1 && is_digit(moved.first()) && is_digit(to.value.last());
                let plans = if of_digits { &mut digits } else { &mut *plans };
                let what = format!("the first {length} of the field {:?} end the field {:?}", from.name, to.name);
                plans.push(Plan::new(what, vec![from.put(kept), to.put([&to.value, moved].concat())]));
            }
        }
        // A move through a third value, which stays as long as it was.
        for _ in 0..RANDOM_MAX / filled.len().max(1) {
            let (through, to) = (rng.choice(&filled), rng.choice(&filled));
            let (Some(through), Some(to)) = (through, to) else { continue };
            let three = [at, index_of(&filled, through), index_of(&filled, to)];
            if three[0] == three[1] || three[1] == three[2] || three[0] == three[2] {
                continue;
            }
            let (first_kept, first_moved) = from.value.split_at(from.value.len() - 1);
            let (second_kept, second_moved) = through.value.split_at(through.value.len() - 1);
            let what =
                format!("the last of the field {:?} goes to {:?}, and its last to {:?}", from.name, through.name, to.name);
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

/// The values of every two fields, exchanged.
fn swaps(places: &[Place]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (at, one) in places.iter().enumerate() {
        for other in places.iter().skip(at + 1) {
            let what = format!("the fields {:?} and {:?} have each other's value", one.name, other.name);
            plans.push(Plan::new(what, vec![one.put(other.value.clone()), other.put(one.value.clone())]));
        }
    }
    plans
}

/// A donor's field of the same name, the same time that it stands there.
fn counterpart<'d>(place: &Place, places: &[Place], donor: &'d [Place]) -> Option<&'d Place> {
    let is_alike = |other: &&Place| other.name == place.name && other.part == place.part;
    let ordinal = places.iter().filter(|other| is_alike(other)).position(|other| other.field == place.field)?;
    donor.iter().filter(is_alike).nth(ordinal)
}

/// Each field, and each header, with another sample's value, and its whole text.
fn splices(places: &[Place], request: &CallbackRequest, donors: &[(&CallbackRequest, bool)]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (donor, (other, several)) in donors.iter().enumerate() {
        let theirs = self::places(other);
        for place in places {
            if let Some(counterpart) = counterpart(place, places, &theirs) {
                let what = format!("the field {:?} is that of another sample", place.name);
                plans.push(Plan { donor: Some(donor), ..Plan::new(what, vec![place.put(counterpart.value.clone())]) });
            }
        }
        for (at, (name, value)) in request.headers.iter().enumerate() {
            let theirs = other.headers.iter().find(|(theirs, _)| theirs == name);
            if let Some((_, theirs)) = theirs {
                let what = format!("the header {name} is that of another sample");
                let edit = (Part::Header(at), (0..value.len(), theirs.clone().into_bytes()));
                plans.push(Plan { donor: Some(donor), ..Plan::new(what, vec![edit]) });
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
        plans.extend([bodies, queries].map(|plan| Plan { donor: Some(donor), ..plan }));
    }
    plans
}

/// Random sets of fields with another sample's values.
fn spliced_sets(places: &[Place], donors: &[(&CallbackRequest, bool)], rng: &mut Rng) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (donor, (other, _)) in donors.iter().enumerate().filter(|(_, (_, several))| *several) {
        let theirs = self::places(other);
        for _ in 0..RANDOM_MAX {
            let chosen: Vec<&Place> = places.iter().filter(|_| rng.bool()).collect();
            let pairs = chosen.iter().filter_map(|place| Some((*place, counterpart(place, places, &theirs)?)));
            let pairs: Vec<(&Place, &Place)> = pairs.collect();
            let names: Vec<&str> = pairs.iter().map(|(place, _)| place.name.as_str()).collect();
            let edits = pairs.iter().map(|(place, theirs)| place.put(theirs.value.clone())).collect();
            let what = format!("the fields {} are those of another sample", names.join(", "));
            plans.push(Plan { donor: Some(donor), ..Plan::new(what, edits) });
        }
    }
    plans
}

/// The same text in the query and in the body, by the one method and the other, whole, in halves and contradicted.
fn carriers(request: &CallbackRequest) -> Vec<Plan> {
    let (from, text) =
        if request.body.is_empty() { ("query", request.query.as_bytes()) } else { ("body", request.body.as_slice()) };
    let Ok(text) = std::str::from_utf8(text) else { return Vec::new() };
    let as_request = |method, query: &str, body: &str| CallbackRequest {
        method,
        query: query.to_owned(),
        body: body.into(),
        ..request.clone()
    };
    let mut plans = Vec::new();
    let mut plan = |what: &str, query: &str, body: &str| {
        for method in [HttpMethod::Get, HttpMethod::Post] {
            plans.push(Plan::whole(format!("{what}, by {method:?}"), as_request(method, query, body)));
        }
    };
    plan(&format!("the {from} stands in the query"), text, "");
    plan(&format!("the {from} stands in the body"), "", text);
    plan(&format!("the {from} stands in both"), text, text);
    plan("the text stands twice", &format!("{text}&{text}"), &format!("{text}&{text}"));
    let all = fields(text.as_bytes());
    for field in &all {
        let name = field.decoded_name(text.as_bytes());
        let value = text.as_bytes().get(field.value.clone()).unwrap_or_default();
        for (what, value) in [("another", other_value(value)), ("larger", larger_value(value)), ("absent", Vec::new())] {
            let piece = if what == "absent" { field.whole.clone() } else { field.value.clone() };
            let changed = edited(text.as_bytes(), &mut [(piece, value)]);
            let changed = String::from_utf8_lossy(&changed);
            plan(&format!("the field {name:?} is {what} in the query and genuine in the body"), &changed, text);
            plan(&format!("the field {name:?} is {what} in the body and genuine in the query"), text, &changed);
        }
        let mut alone =
            all.iter().filter(|other| *other != field).map(|other| (other.whole.clone(), Vec::new())).collect::<Vec<_>>();
        let alone = String::from_utf8_lossy(&edited(text.as_bytes(), &mut alone)).into_owned();
        let rest = String::from_utf8_lossy(&edited(text.as_bytes(), &mut [(field.whole.clone(), Vec::new())])).into_owned();
        plan(&format!("the field {name:?} stands in the query and the rest in the body"), &alone, &rest);
        plan(&format!("the field {name:?} stands in the body and the rest in the query"), &rest, &alone);
    }
    plans
}

/// Headers left out, doubled, added; another peer, another moment.
fn headers(request: &CallbackRequest) -> Vec<Plan> {
    let mut plans = Vec::new();
    let with = |change: &dyn Fn(&mut CallbackRequest)| {
        let mut changed = request.clone();
        change(&mut changed);
        changed
    };
    for (at, (name, value)) in request.headers.iter().enumerate() {
        let other = String::from_utf8_lossy(&other_value(value.as_bytes())).into_owned();
        let without = with(&|request| drop(request.headers.remove(at)));
        let before = with(&|request| request.headers.insert(at, (name.clone(), other.clone())));
        let behind = with(&|request| request.headers.push((name.clone(), other.clone())));
        let empty = with(&|request| request.headers.insert(0, (name.clone(), String::new())));
        plans.extend([
            Plan::whole(format!("the header {name} is left out"), without),
            Plan::whole(format!("the header {name} stands twice, another value first"), before),
            Plan::whole(format!("the header {name} stands twice, another value last"), behind),
            Plan::whole(format!("the header {name} stands twice, empty first"), empty),
        ]);
    }
    for content_type in [
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=windows-1251",
    ] {
        let added = with(&|request| request.headers.push(("content-type".to_owned(), content_type.to_owned())));
        plans.push(Plan::whole(format!("the content-type is {content_type}"), added));
    }
    for remote_address in ["", "127.0.0.1", "::1", "no address"] {
        let moved = with(&|request| request.remote_address = remote_address.to_owned());
        plans.push(Plan::whole(format!("it comes from {remote_address:?}"), moved));
    }
    for received_at in [0, 1, 4_102_444_800, u64::MAX] {
        let moved = with(&|request| request.received_at = received_at);
        plans.push(Plan::whole(format!("it comes at {received_at} s"), moved));
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "shop=7&payment=100&amount=5.00&sign=ab12";

    fn of(request: &CallbackRequest, donors: &[(&CallbackRequest, bool)]) -> Vec<Mutation> {
        mutations(request, donors, None, &mut Rng::with_seed(1))
    }

    #[test]
    fn every_way_to_change_a_form_is_among_them() {
        let request = CallbackRequest { headers: vec![("x-sign".into(), "ff".into())], ..CallbackRequest::post(BODY) };
        let other = CallbackRequest::post("shop=7&payment=200&amount=9.00&sign=cd34");
        let all = of(&request, &[(&other, true)]);
        let has = |body: &str| all.iter().any(|mutation| mutation.request.body == body.as_bytes());
        for body in [
            "shop=7&payment=101&amount=5.00&sign=ab12",
            "",
            "shop=7&payment=100&amount=5.00&sign=ab1",
            "hop=7&payment=100&amount=5.00&sign=ab12",
            "shop=7&payment=100&sign=ab12",
            "shop=7&payment=100&amount=&sign=ab12",
            "shop=7&payment=100&amount=50.00&amount=5.00&sign=ab12",
            "shop=7&payment=100&amount=5.00&amount=50.00&sign=ab12",
            "shop=7&payment=100&AMOUNT=5.00&sign=ab12",
            "shop=7&payment=10&amount=05.00&sign=ab12",
            "shop=7&payment=1005&amount=.00&sign=ab12",
            "shop=7&payment=5.00&amount=100&sign=ab12",
            "shop=7&payment=100&amount=9.00&sign=ab12",
            "shop=7&payment=200&amount=9.00&sign=ab12",
            "shop=7&payment=100&amount=1e9&sign=ab12",
            "shop=7&payment=100&amount=%EF%BC%91%EF%BC%90%EF%BC%90.%EF%BC%90%EF%BC%90&sign=ab12",
            "shop=7&payment=100&amount=5.00&sign=AB12",
        ] {
            assert!(has(body), "{body}");
        }
        let flips = all.iter().filter(|mutation| mutation.what.starts_with("the body: bit")).count();
        assert_eq!(flips, BODY.len() * 8);
        let moved = |method, query: &str, body: &str| {
            all.iter().any(|Mutation { request, .. }| {
                request.method == method && request.query == query && request.body == body.as_bytes()
            })
        };
        assert!(moved(HttpMethod::Get, BODY, "") && moved(HttpMethod::Post, &BODY.replace("5.00", "50.00"), BODY));
        assert!(all.iter().any(|mutation| mutation.request.headers.is_empty()), "the header is left out");
        assert!(all.iter().all(|mutation| mutation.request != request), "each changes something");
        let same = mutations(&request, &[(&other, true)], None, &mut Rng::with_seed(1));
        assert!(all.iter().zip(&same).all(|(one, other)| one.request == other.request), "the same seed, the same inputs");
    }

    #[test]
    fn json_is_changed_by_its_scalars() {
        let request = CallbackRequest::post(r#"{"id":"a1","sum":{"value":"5.00"},"paid":true}"#);
        let all = of(&request, &[]);
        let has = |body: &str| all.iter().any(|mutation| mutation.request.body == body.as_bytes());
        for body in [
            r#"{"id":"a1","sum":{"value":"50.00"},"paid":true}"#,
            r#"{"id":"a1","sum":{"value":5.00},"paid":true}"#,
            r#"{"sum":{"value":"5.00"},"paid":true}"#,
            r#"{"id":"a1","sum":{"value":"50.00","value":"5.00"},"paid":true}"#,
            r#"{"id":"a1","sum":{"value":"5.00"},"paid":"null"}"#,
        ] {
            assert!(has(body), "{body}");
        }
    }

    #[test]
    fn a_few_of_each_class_where_that_is_enough() {
        let few = mutations(&CallbackRequest::post(BODY), &[], Some(5), &mut Rng::with_seed(1));
        assert!((50..=90).contains(&few.len()), "{}", few.len());
    }
}
