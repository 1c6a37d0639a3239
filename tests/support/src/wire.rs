//! Requests byte for byte, on connections of their own or on one that is kept.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How much is read at once; an answer to a callback has two hundred bytes.
const READ_BYTES: usize = 4096;

/// Longer than any machine needs, and less than a test may hang.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Connects.
///
/// # Panics
/// Nobody listens.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    stream
}

/// Sends a request on a connection of its own, and leaves the answer to be read.
///
/// # Panics
/// Nobody listens.
pub fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A connection that is kept, for requests that were built before: it costs no more than the system's calls.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// Where nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream, read: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends a request and gives the status of its answer, once all of it has come.
    ///
    /// # Errors
    /// Where no whole answer comes: nobody knows what became of the request.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request)?;
        self.read.clear();
        loop {
            let mut buffer = [0; READ_BYTES];
            let length = self.stream.read(&mut buffer)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read.extend_from_slice(&buffer[..length]);
            if let Some((status, length)) = head(&self.read)?
                && self.read.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// A callback's POST, as it goes over the wire.
pub fn callback(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "POST /callbacks/chronopay HTTP/1.1\r\nhost: host\r\ncontent-type: application/x-www-form-urlencoded";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The status of an answer and the length of all of it, once its head is there.
fn head(read: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&read[..end]).map_err(|_| io::ErrorKind::InvalidData)?;
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    match (status, length) {
        (Some(status), Some(length)) => Ok(Some((status, end + 4 + length))),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_head_is_parsed_when_complete() {
        let whole = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nOK";
        assert_eq!(head(whole).unwrap(), Some((503, whole.len())));
        assert_eq!(head(&whole[..whole.len() - 1]).unwrap(), Some((503, whole.len())));
        assert_eq!(head(&whole[..20]).unwrap(), None);
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
