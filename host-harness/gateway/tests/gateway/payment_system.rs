//! A payment system on this machine, which is asked about payments over HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any test needs.
const TIME_MAX: Duration = Duration::from_secs(60);

/// A payment system. It stops with the test.
pub struct PaymentSystem {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// The request lines, with their bodies.
    requests: Vec<String>,
    status: u16,
    body: String,
    /// Whether it keeps its answers to itself.
    is_holding: bool,
}

impl PaymentSystem {
    /// Starts one that answers with a status and a body.
    pub fn answering(status: u16, body: &str) -> PaymentSystem {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        PaymentSystem::start(port, status, body)
    }

    fn start(listener: TcpListener, status: u16, body: &str) -> PaymentSystem {
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State { status, body: body.to_owned(), ..State::default() }), Condvar::new()));
        let own = state.clone();
        serve(listener, move |stream| answer(stream, &own));
        PaymentSystem { port, state }
    }

    /// Starts one at a port where nothing listens.
    pub fn at(port: u16, status: u16, body: &str) -> PaymentSystem {
        PaymentSystem::start(TcpListener::bind(("127.0.0.1", port)).unwrap(), status, body)
    }

    /// Returns its address, with a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Returns its host with its port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Says what it answers from now on.
    pub fn answer(&self, status: u16, body: &str) {
        let mut state = self.state.0.lock().unwrap();
        (state.status, state.body) = (status, body.to_owned());
    }

    /// Has it answer nothing until it is told to.
    pub fn hold(&self) {
        self.state.0.lock().unwrap().is_holding = true;
    }

    /// Has it answer all that waits.
    pub fn release(&self) {
        self.state.0.lock().unwrap().is_holding = false;
        self.state.1.notify_all();
    }

    /// Returns the requests that it has read.
    pub fn requests(&self) -> Vec<String> {
        self.state.0.lock().unwrap().requests.clone()
    }

    /// Waits until it has read so many requests.
    pub fn wait_for(&self, count: usize) {
        let state = self.state.0.lock().unwrap();
        let waited = self.state.1.wait_timeout_while(state, TIME_MAX, |state| state.requests.len() < count).unwrap();
        assert!(!waited.1.timed_out(), "{count} requests are expected, and there are {:?}", waited.0.requests);
    }
}

/// Returns a port at which nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A request as it came.
pub struct Request {
    /// The request line and the header.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    /// Reads a request to its end.
    pub fn read(stream: &mut TcpStream) -> std::io::Result<Request> {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            read.push(byte[0]);
        }
        let mut request = Request { head: String::from_utf8(read).unwrap(), body: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body = vec![0; length];
        stream.read_exact(&mut request.body)?;
        Ok(request)
    }

    /// Returns a header's value by its name, in any letter case.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = |line: &str| {
            line.split_once(": ").filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        self.head.lines().find_map(value)
    }
}

/// Answers the requests of a port, each on a thread of its own, until the test ends.
pub fn serve(listener: TcpListener, answer: impl Fn(TcpStream) -> std::io::Result<()> + Clone + Send + 'static) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            thread::spawn(move || drop(answer(stream.unwrap())));
        }
    });
}

fn answer(mut stream: TcpStream, (state, changed): &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let Request { head, body } = Request::read(&mut stream)?;
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
    let mut state = state.lock().unwrap();
    state.requests.push(format!("{line} {}", String::from_utf8(body).unwrap()).trim_end().to_owned());
    changed.notify_all();
    let state = changed.wait_while(state, |state| state.is_holding).unwrap();
    let (status, body) = (state.status, state.body.clone());
    drop(state);
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
