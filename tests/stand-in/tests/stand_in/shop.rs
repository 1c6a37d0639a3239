//! A merchant that receives callbacks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use stand_in::serving::Serving;

use crate::wire::{Fields, decode, value};

/// The requests received: method, path and form.
type Received = Arc<Mutex<Vec<(String, String, Fields)>>>;
type Answers = Vec<(u16, String)>;

/// A merchant that answers with these statuses and bodies in order, and repeats the last one. `{InvId}` stands for the
/// invoice's number.
pub struct Shop {
    pub url: String,
    received: Received,
    _serving: Serving,
}

impl Shop {
    pub fn new(path: &str, answers: &[(u16, &str)]) -> Shop {
        let received = Received::default();
        let answers: Answers = answers.iter().map(|(status, answer)| (*status, (*answer).to_owned())).collect();
        let router = Router::new().fallback(receive).with_state((Arc::clone(&received), answers));
        let serving = Serving::start(router, "127.0.0.1:0").unwrap();
        Shop { url: format!("http://{}{path}", serving.address()), received, _serving: serving }
    }

    pub fn received(&self) -> Vec<(String, String, Fields)> {
        self.received.lock().unwrap().clone()
    }

    pub fn forms(&self) -> Vec<Fields> {
        self.received().into_iter().map(|(_, _, form)| form).collect()
    }
}

async fn receive(State((received, answers)): State<(Received, Answers)>, request: Request) -> (StatusCode, String) {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap();
    let form = if head.method == "GET" { head.uri.query().unwrap().as_bytes() } else { &body };
    let form = decode(std::str::from_utf8(form).unwrap());
    let mut received = received.lock().unwrap();
    let (status, answer) = &answers[received.len().min(answers.len() - 1)];
    let answer = answer.replace("{InvId}", value(&form, "InvId"));
    received.push((head.method.to_string(), head.uri.path().to_owned(), form));
    (StatusCode::from_u16(*status).unwrap(), answer)
}
