//! The same text in other parts of a request, and other headers around it.

use domain::{CallbackRequest, HttpMethod};

use super::place::{larger_value, other_value};
use super::plan::Plan;
use crate::text::{edited, fields};

/// Puts the same text in the query and in the body, by GET and by POST: whole, split, and with a contradiction.
pub fn carriers(request: &CallbackRequest) -> Vec<Plan> {
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
    plan("the text is given twice", &format!("{text}&{text}"), &format!("{text}&{text}"));
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

/// Leaves out, doubles and adds headers, and changes the remote address and the time.
pub fn headers(request: &CallbackRequest) -> Vec<Plan> {
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
            Plan::whole(format!("the header {name} is given twice, another value first"), before),
            Plan::whole(format!("the header {name} is given twice, another value last"), behind),
            Plan::whole(format!("the header {name} is given twice, empty first"), empty),
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
