//! Not sent, or unknown: each way in which a call can fail, on its side of the first byte.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use domain::HttpResult;
use host::Outbound;
use socket2::{Domain, Socket, Type};

use crate::client::{begin, check, check_call, client, end, get, post, text};
use crate::server::Step::{Cut, Drip, Read, ReadByte, Reset, Wait};
use crate::server::{Server, Step, write};

/// As many calls as a client makes at once.
const CALLS_MAX: usize = 64;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A short time, in which nothing ends that would not be without end.
const SHORT: Duration = Duration::from_millis(200);

/// Checks a call whose server is never done with the request. The time is doubled until it is enough for the request to arrive.
fn check_endless(steps: &[Step]) {
    let server = Server::https(steps);
    let client = client();
    let mut time_max = SHORT;
    loop {
        let mut call = post(&server.url("/secret"), b"secret");
        call.time_max = time_max;
        let before = server.requests().len();
        let result = end(&begin(&client, call));
        let found = text(&result);
        assert!(found.contains("the call took longer than its"), "{steps:?}: {found}");
        if server.requests().len() > before {
            let expect =
                format!("unknown: the call took longer than its {} s, while the answer was awaited", time_max.as_secs_f32());
            assert_eq!(found, expect, "{steps:?}");
            return;
        }
        time_max *= 2;
    }
}

#[test]
fn what_begins_before_the_request_is_not_sent() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let refused = "not sent: no connection to localhost at …Connection refused";
    check_call(&client(), post(&format!("https://localhost:{closed}/secret"), b"secret"), refused);
    // What speaks no TLS, and what ends its connections at once.
    let plain = Server::start(None, &[ReadByte, write("HTTP/1.1 400 Bad Request\r\n\r\n"), Wait]);
    check_call(&client(), post(&plain.url("/secret"), b"secret"), "not sent: no TLS with localhost: what it sent is not TLS");
    let closing = Server::start(None, &[ReadByte]);
    check_call(&client(), post(&closing.url("/secret"), b"secret"), "not sent: no TLS with localhost: …");
    let resetting = Server::start(None, &[ReadByte, Reset]);
    check_call(&client(), post(&resetting.url("/secret"), b"secret"), "not sent: no TLS with localhost: …");
}

#[test]
fn a_connection_that_is_not_taken_is_not_sent() {
    // The system takes as many connections as wait to be accepted; those to come get no answer.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let waiting: Vec<TcpStream> = (0..8).map_while(|_| TcpStream::connect_timeout(&address, SHORT).ok()).collect();
    assert!(waiting.len() < 8);
    let mut call = get(&format!("https://127.0.0.1:{}/secret", address.port()));
    call.time_max = SHORT;
    check_call(&client(), call, "not sent: …");
}

#[test]
fn a_handshake_without_end_is_not_sent() {
    let server = Server::start(None, &[Wait]);
    let mut call = get(&server.url("/secret"));
    call.time_max = SHORT;
    check_call(&client(), call, "not sent: the call took longer than its 0.2 s, while …");
}

#[test]
fn what_ends_after_the_request_is_unknown() {
    let unknown = "unknown: localhost gave no whole answer: …";
    for end in
        [vec![], vec![Cut], vec![Reset], vec![write("HTTP/1.1 200"), Reset], vec![write("HTTP/1.1 200 OK\r\n\r\nabc"), Reset]]
    {
        check(&[&[Read], &end[..]].concat(), unknown, 1);
    }
    for end in [vec![], vec![Cut], vec![Reset]] {
        check(&[&[ReadByte], &end[..]].concat(), unknown, 0);
    }
}

#[test]
fn a_server_without_end_is_cut() {
    let head = write("HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n");
    check_endless(&[Read, Wait]);
    check_endless(&[
        Read,
        Drip(
            b"HTTP/1.1 200 OK\r\nx: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
    ]);
    check_endless(&[Read, head.clone(), Wait]);
    check_endless(&[Read, head, Drip(b"a")]);
    check_endless(&[Read, Drip(b"HTTP/1.1 100 Continue\r\n\r\n")]);
}

#[test]
fn a_server_that_does_not_read_is_cut() {
    let server = Server::https(&[ReadByte, Step::Pause]);
    let mut call = post(&server.url("/"), &vec![0; 50_000_000]);
    call.time_max = Duration::from_secs(2);
    check_call(&client(), call, "unknown: the call took longer than its 2 s, while the answer was awaited");
}

#[test]
fn more_calls_wait_in_their_own_time() {
    let server = Server::https(&[Read, Wait]);
    let quick = Server::https(&[Read, write(OK)]);
    let client = client();
    let running: Vec<_> = (0..CALLS_MAX).map(|_| begin(&client, get(&server.url("/")))).collect();
    server.wait_for(CALLS_MAX);
    let mut late = get(&quick.url("/"));
    late.time_max = SHORT;
    check_call(&client, late, "not sent: the call took longer than its 0.2 s, while it waited for other calls to end");
    let waiting: Vec<_> = (0..CALLS_MAX).map(|_| begin(&client, get(&quick.url("/")))).collect();
    assert_eq!(quick.connections(), 0);
    // What was sent may have had its effect, and what waited has not.
    drop(client);
    for call in running {
        assert_eq!(text(&end(&call)), given_up("unknown"));
    }
    for call in waiting {
        assert_eq!(text(&end(&call)), given_up("not sent"));
    }
    assert_eq!(quick.connections(), 0);
}

fn given_up(kind: &str) -> String {
    format!("{kind}: the call was given up, because the program is ending or an error of its own stopped the call")
}

#[test]
fn a_call_that_ends_makes_room_for_another() {
    let server = Server::https(&[Read, write(OK)]);
    let client = client();
    let calls: Vec<_> = (0..CALLS_MAX * 3).map(|_| begin(&client, get(&server.url("/")))).collect();
    for call in calls {
        assert_eq!(text(&end(&call)), "200 | content-length: 0 | ");
    }
    assert_eq!((server.requests().len(), server.connections()), (CALLS_MAX * 3, CALLS_MAX * 3));
}

#[test]
fn a_panic_of_who_gets_a_result_stops_no_other_call() {
    let server = Server::https(&[Read, write(OK)]);
    let client = client();
    for _ in 0..10 {
        client.send(get(&server.url("/")), Box::new(|_| panic!("a test panics here")));
    }
    check_call(&client, get(&server.url("/")), "200 | content-length: 0 | ");
}

#[test]
fn a_client_is_dropped_by_its_own_call() {
    let server = Server::https(&[Read, write(OK)]);
    let client = std::sync::Arc::new(client());
    let (sender, receiver) = channel::<HttpResult>();
    let (gate, opened) = channel::<()>();
    let own = client.clone();
    client.send(
        get(&server.url("/")),
        Box::new(move |result| {
            opened.recv().unwrap();
            drop(own);
            sender.send(result).unwrap();
        }),
    );
    drop(client);
    gate.send(()).unwrap();
    assert_eq!(text(&end(&receiver)), "200 | content-length: 0 | ");
}
