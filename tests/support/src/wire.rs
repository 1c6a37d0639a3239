//! Raw requests, each on its own connection or all on one.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The size of a read. An answer to a callback has about 200 bytes.
const READ_BYTES: usize = 4096;

/// Longer than any machine needs, and short enough to end a test that hangs.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens a connection.
///
/// # Panics
/// If nothing listens there.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    stream
}

/// Sends a request on a new connection. The caller reads the answer from it.
///
/// # Panics
/// If nothing listens there.
pub fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A persistent connection for requests that were built beforehand, with no overhead beyond the system calls.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Opens a connection.
    ///
    /// # Errors
    /// If nothing listens there.
    pub fn open(address: SocketAddr) -> io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream, read: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends a request, reads the whole answer and returns its status.
    ///
    /// # Errors
    /// If no complete answer arrives. It is then unknown whether the request was processed.
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

/// Builds the POST request of a callback, byte by byte.
pub fn callback(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = "POST /callbacks/chronopay HTTP/1.1\r\nhost: host\r\ncontent-type: application/x-www-form-urlencoded";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Parses the status and the total length of an answer. Returns `None` if its head is not complete yet.
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
