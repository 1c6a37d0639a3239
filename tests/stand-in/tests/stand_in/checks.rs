//! Checks that every stand-in must pass.

use std::fmt::Debug;

use serde_json::Value;
use stand_in::serving::{Running, StartError};
use stand_in::system::PaymentSystem;

use crate::wire::{Fields, LONGEST, Page, get, open, post, press};

/// Starts a stand-in on a free port.
pub fn start<S: PaymentSystem>(config: S::Config) -> Running<S> {
    Running::start(config, "127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the error of a configuration that is refused.
pub fn config_error<S: PaymentSystem>(config: S::Config) -> S::ConfigError {
    match Running::<S>::start(config, "127.0.0.1:0") {
        Err(StartError::Config(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it starts"),
    }
}

/// A second stand-in cannot listen on the same address.
pub fn an_address_is_taken_once<S: PaymentSystem>(running: &Running<S>, config: S::Config) {
    assert!(matches!(Running::<S>::start(config, &running.address().to_string()), Err(StartError::Serve(_))));
}

pub fn stopping_frees_the_port<S: PaymentSystem>(running: Running<S>, again: S::Config, link: &Fields) {
    let address = running.address();
    assert_eq!(get(&running, link).0, 200);
    running.stop();
    let again = Running::<S>::start(again, &address.to_string()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(get(&again, link).0, 200);
}

/// A link and a form show a page with these parts. It has no markup from the request, and does not contain the secret.
pub fn a_link_and_a_form_show<S: PaymentSystem>(running: &Running<S>, link: &Fields, parts: &[&str], secret: &str) {
    for Page(status, _, text) in [get(running, link), post(&running.url(), link)] {
        assert_eq!(status, 200, "{text}");
        for part in parts.iter().chain(&["Пополнение &lt;счёта&gt;", "Оплатить", "Отказаться", "Деньги не списываются"])
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<счёта>") && !text.contains("<script") && !text.contains(secret));
    }
}

/// The page for a link contains all its fields and the chosen scenario, and they can be submitted to pay.
pub fn the_page_carries<S: PaymentSystem>(running: &Running<S>, fields: &Fields, scenario: &str) {
    let Page(_, _, text) = get(running, &[&fields[..], &[("scenario".to_owned(), scenario.to_owned())]].concat());
    let unescape = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let carried: Fields = text
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (unescape(name), unescape(rest.split_once("\">").unwrap().0))
        })
        .collect();
    assert_eq!(carried, *fields);
    assert!(text.contains(&format!("<option value=\"{scenario}\" selected>")), "{text}");
    assert_eq!(press(running, "pay", &carried).0, 303);
}

/// The page lists every scenario by its name, and the one in the link is selected.
pub fn every_scenario_is_on_the_page<S: PaymentSystem>(running: &Running<S>, link: &Fields) {
    for scenario in S::SCENARIOS {
        let chosen = ("scenario".to_owned(), scenario.name().to_owned());
        let Page(_, _, text) = get(running, &[&link[..], &[chosen]].concat());
        assert!(text.contains(&format!("<option value=\"{}\" selected>", scenario.name())), "{}", scenario.name());
        assert_eq!(text.matches("<option ").count(), S::SCENARIOS.len());
        assert_eq!(serde_json::to_value(scenario).unwrap(), scenario.name());
    }
}

/// Each request is refused with a status and a reason, on the page and at its button, and no answer contains a hidden text.
pub fn is_refused<S: PaymentSystem>(
    running: &Running<S>,
    cases: impl IntoIterator<Item = (Fields, u16, &'static str)>,
    hidden: &[&str],
) {
    for (fields, status, reason) in cases {
        for Page(got, _, text) in [get(running, &fields), post(&running.url(), &fields), press(running, "pay", &fields)] {
            assert_eq!(got, status, "{fields:?}: {text}");
            assert!(text.contains(reason), "{reason}: {text}");
            assert!(hidden.iter().all(|hidden| !text.contains(hidden)), "{text}");
        }
    }
    assert_eq!(running.settled(LONGEST), Some(Vec::new()), "nothing may be sent");
}

/// Returns the list at `/sent`, which must not contain the secret.
pub fn listed<S: PaymentSystem>(running: &Running<S>, secret: &str) -> Vec<Value> {
    let Page(status, _, text) = open(&format!("http://{}/sent", running.address()));
    assert_eq!(status, 200);
    assert!(!text.contains(secret));
    serde_json::from_str(&text).unwrap()
}

/// Returns the only element.
pub fn only<T: Debug>(list: &[T]) -> &T {
    let [one] = list else { panic!("{list:?}") };
    one
}
