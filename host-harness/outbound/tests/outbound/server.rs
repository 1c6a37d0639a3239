//! A server that does step by step what a test says.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::certificates::LOCALHOST;

/// A step of a server with each connection. After the last one it closes the connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads a request to its end, and notes it.
    Read,
    /// Reads no more than a request's head begins with.
    ReadByte,
    /// Sends this.
    Write(Vec<u8>),
    /// Sends this byte by byte, again and again, until the client ends the connection.
    Drip(&'static [u8]),
    /// Sends this again and again, as fast as the client reads, until the client ends the connection.
    Flood(&'static [u8]),
    /// Waits until the client ends the connection.
    Wait,
    /// Reads nothing, as long as the test runs.
    Pause,
    /// Closes without the end of TLS.
    Cut,
    /// Resets the connection.
    Reset,
}

/// A [`Step::Write`] of text.
pub fn write(text: &str) -> Step {
    Step::Write(text.as_bytes().to_vec())
}

/// Time between the bytes of [`Step::Drip`]. A client without a limit of the whole call would never end.
const DRIP_TIME: Duration = Duration::from_millis(20);

/// A server on this machine.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a server saw.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Vec<u8>>>,
    connections: Mutex<usize>,
    news: Condvar,
}

impl Server {
    /// A server with TLS, as `localhost`.
    pub fn https(steps: &[Step]) -> Server {
        Server::start(Some(LOCALHOST.clone()), steps)
    }

    /// A server that runs these steps with each connection.
    pub fn start(tls: Option<Arc<ServerConfig>>, steps: &[Step]) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (shared, steps) = (seen.clone(), steps.to_vec());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (tls, steps, seen, stream) = (tls.clone(), steps.clone(), shared.clone(), stream.unwrap());
                *seen.connections.lock().unwrap() += 1;
                thread::spawn(move || serve(stream, tls, &steps, &seen));
            }
        });
        Server { address, seen }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A URL of this server.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port())
    }

    /// The requests that it read.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How often it was connected to.
    pub fn connections(&self) -> usize {
        *self.seen.connections.lock().unwrap()
    }

    /// Waits until it has read so many requests.
    pub fn wait_for(&self, requests: usize) {
        let seen = self.seen.requests.lock().unwrap();
        drop(self.seen.news.wait_while(seen, |seen| seen.len() < requests).unwrap());
    }
}

fn serve(tcp: TcpStream, tls: Option<Arc<ServerConfig>>, steps: &[Step], seen: &Seen) {
    let Some(config) = tls else {
        let mut stream = tcp.try_clone().unwrap();
        run(&mut stream, &tcp, steps, seen);
        return;
    };
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp.try_clone().unwrap());
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            return close(&tcp);
        }
    }
    if run(&mut stream, &tcp, steps, seen) {
        stream.conn.send_close_notify();
        drop(stream.flush());
        close(&tcp);
    }
}

/// Closes a connection. What the client still sends is read first: otherwise the connection would be reset, and the client might
/// not read what was sent to it.
fn close(mut tcp: &TcpStream) {
    drop(tcp.shutdown(Shutdown::Write));
    drop(std::io::copy(&mut tcp, &mut std::io::sink()));
}

/// Returns whether the connection is to be closed in good order.
fn run<S: Read + Write>(stream: &mut S, tcp: &TcpStream, steps: &[Step], seen: &Seen) -> bool {
    for step in steps {
        let result = match step {
            Step::Read => read_request(stream).map(|request| {
                seen.requests.lock().unwrap().push(request);
                seen.news.notify_all();
            }),
            Step::ReadByte => stream.read_exact(&mut [0]),
            Step::Write(bytes) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Step::Drip(bytes) => drip(stream, bytes),
            Step::Flood(bytes) => loop {
                if let Err(error) = stream.write_all(bytes) {
                    break Err(error);
                }
            },
            Step::Wait => std::io::copy(stream, &mut std::io::sink()).map(drop),
            Step::Pause => loop {
                thread::park();
            },
            Step::Cut => return false,
            Step::Reset => {
                SockRef::from(tcp).set_linger(Some(Duration::ZERO)).unwrap();
                return false;
            }
        };
        if result.is_err() {
            return false;
        }
    }
    true
}

fn drip<S: Write>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes.iter().cycle() {
        stream.write_all(&[*byte])?;
        stream.flush()?;
        thread::sleep(DRIP_TIME);
    }
    Ok(())
}

/// Reads a head, and as much of a body as it says.
fn read_request<S: Read>(stream: &mut S) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.append(&mut body);
    Ok(request)
}
