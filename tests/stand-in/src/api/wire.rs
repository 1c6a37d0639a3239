//! Requests and answers as bytes. It is written by hand, since no HTTP server can hang up on a request.

use std::io::{self, Read, Write};

use super::{ApiAnswer, ApiRequest};

const HEAD_BYTES_MAX: usize = 32 * 1024;
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Reads a request to its end.
///
/// # Errors
/// If it ends early, is too long, or is no request of HTTP/1.1 with a body of a known length.
pub fn read_request<S: Read>(stream: &mut S) -> io::Result<ApiRequest> {
    let head = read_head(stream)?;
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut request =
        ApiRequest { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), headers, body: Vec::new() };
    let length = match request.header("content-length") {
        "" => 0,
        text => text.parse().map_err(io::Error::other)?,
    };
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("the body is too long"));
    }
    request.body = vec![0; length];
    stream.read_exact(&mut request.body)?;
    Ok(request)
}

fn read_head<S: Read>(stream: &mut S) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_BYTES_MAX {
            return Err(io::Error::other("the head is too long"));
        }
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// Writes an answer, after which the connection ends.
///
/// # Errors
/// If the client is gone.
pub fn write_answer<S: Write>(stream: &mut S, answer: &ApiAnswer) -> io::Result<()> {
    let ApiAnswer { status, content_type, body } = answer;
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} \r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}
