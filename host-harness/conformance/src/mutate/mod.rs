//! Every change to a callback that a forger or a faulty line may produce.

mod added;
mod bytes;
mod carriers;
mod fields;
mod place;
mod plan;
mod splices;

use domain::CallbackRequest;
use fastrand::Rng;

use self::added::added;
use self::bytes::{bytes, flips, truncations};
use self::carriers::{carriers, headers};
use self::fields::{moves, plain, structure, swaps, values};
use self::place::{Place, other_value, places};
pub use self::plan::Mutation;
use self::plan::Plan;
use self::splices::{spliced_sets, splices};
use crate::text::Part;

/// The most mutations of one class of one sample.
const CLASS_MAX: usize = 6_000;
/// Where a few of a class are enough, this many times as many digit moves are tried: few of them are between neighbours under
/// the signature.
const DIGIT_MOVES_TIMES: usize = 4;

/// Returns the mutations of a request, at most `per_class` of each class. Each field of `deciding` that the request does not have is
/// added to it. A donor is a request whose pieces are put into this
/// one; its flag says whether several pieces may be used at once. For a donor that is not itself accepted they may not, since
/// its pieces together may make a genuine callback.
pub fn mutations(
    request: &CallbackRequest,
    donors: &[(&CallbackRequest, bool)],
    deciding: &[&str],
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
    // The mutations that most often find a fault are tried in every field, whatever the effort.
    let classes =
        sampled.chain([(digits, many), (plain(&places, request), None), (added(&places, request, deciding, donors), None)]);
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

/// Returns a request with another value in each field that the donor does not have with the same value.
pub fn with_others_changed(request: &CallbackRequest, donor: &CallbackRequest) -> CallbackRequest {
    let theirs = places(donor);
    let is_theirs = |place: &Place| {
        theirs.iter().any(|other| other.part == place.part && other.name == place.name && other.value == place.value)
    };
    let own = places(request).into_iter().filter(|place| !is_theirs(place));
    let edits = own.map(|place| place.put(other_value(&place.value))).collect();
    Plan::new(String::new(), edits).made(request).map_or_else(|| request.clone(), |changed| changed.request)
}

/// Returns the names of the fields of two requests whose values differ, each once.
pub fn changed_names(one: &CallbackRequest, other: &CallbackRequest) -> Vec<String> {
    let mut names: Vec<String> = places(one).into_iter().chain(places(other)).map(|place| place.name).collect();
    names.sort();
    names.dedup();
    names.retain(|name| values_of(one, name) != values_of(other, name));
    names
}

/// Reports whether a provider may read another value of a field in another request: it has another one there, has it in another part, or
/// is sent by another method.
pub fn reads_otherwise(one: &CallbackRequest, other: &CallbackRequest, name: &str) -> bool {
    one.method != other.method || values_of(one, name) != values_of(other, name)
}

/// Returns the values that a request has of a field, as they are written, and the parts that have them.
fn values_of(request: &CallbackRequest, name: &str) -> Vec<(Part, Vec<u8>)> {
    places(request).into_iter().filter(|place| place.name == name).map(|place| (place.part, place.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::HttpMethod;

    const BODY: &str = "shop=7&payment=100&amount=5.00&sign=ab12";

    fn of(request: &CallbackRequest, donors: &[(&CallbackRequest, bool)]) -> Vec<Mutation> {
        mutations(request, donors, &["fee"], None, &mut Rng::with_seed(1))
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
            "shop=7&payment=100&amount=5.00&sign=ab12&fee=1.00",
            "fee=1.00&shop=7&payment=100&amount=5.00&sign=ab12",
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
        let same = mutations(&request, &[(&other, true)], &["fee"], None, &mut Rng::with_seed(1));
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
            r#"{"fee":1.00,"id":"a1","sum":{"value":"5.00"},"paid":true}"#,
            r#"{"fee":"1.00","id":"a1","sum":{"value":"5.00"},"paid":true}"#,
        ] {
            assert!(has(body), "{body}");
        }
    }

    #[test]
    fn what_a_donor_does_not_have_is_changed() {
        let donor = CallbackRequest::post("shop=7&state=2&time=5&sign=cd");
        let changed = |body: &str| with_others_changed(&CallbackRequest::post(body), &donor).body;
        assert_eq!(changed("shop=7&state=2&time=6&sign=cd"), b"shop=7&state=2&time=7&sign=cd");
        assert_eq!(changed("shop=7&state=2&time=5&sign=ab1"), b"shop=7&state=2&time=5&sign=ab2");
        assert_eq!(changed("shop=7&state=2"), b"shop=7&state=2");
    }

    #[test]
    fn changed_fields_are_named() {
        let request = CallbackRequest::post("a=1&b=2");
        let changed = |body: &str| changed_names(&request, &CallbackRequest::post(body));
        assert_eq!(changed("a=1&b=3"), ["b"]);
        assert_eq!(changed("a=1&b=2&b=2&c="), ["b", "c"]);
        assert_eq!(changed("b=2&a=1"), [""; 0]);
        let values = values_of(&CallbackRequest::post("a=1&b=2&a=%31"), "a");
        assert_eq!(values.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), [&b"1"[..], b"%31"]);
        let (body, query) =
            (CallbackRequest::post("a=1&b=2"), CallbackRequest { query: "a=1".to_owned(), ..CallbackRequest::post("b=2") });
        assert_eq!(["a", "b"].map(|name| reads_otherwise(&body, &query, name)), [true, false]);
        let other_method = CallbackRequest { method: HttpMethod::Put, ..body.clone() };
        assert!(reads_otherwise(&body, &other_method, "a"));
    }

    #[test]
    fn a_few_of_each_class_where_that_is_enough() {
        let few = mutations(&CallbackRequest::post(BODY), &[], &[], Some(5), &mut Rng::with_seed(1));
        assert!((50..=90).contains(&few.len()), "{}", few.len());
    }
}
