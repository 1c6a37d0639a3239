//! Files and lines that are sent piece by piece.

use std::fs::File;
use std::io::Read;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio_stream::wrappers::ReceiverStream;

use crate::problem::Problem;

const PIECE_BYTES: usize = 128 << 10;
/// How many pieces wait for a slow reader.
const PIECES_WAITING_MAX: usize = 4;

type Piece = Result<Bytes, std::io::Error>;

/// Sends a file under a name.
pub fn file(name: &str, file: File) -> Result<Response, Problem> {
    let length = file.metadata().map_err(|error| Problem::internal(error.to_string()))?.len();
    let mut file = file.take(length);
    let mut response = pieces(name, move |send| {
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            match (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece) {
                Ok(0) => return,
                Ok(_) if send(Ok(piece)) => {}
                Ok(_) => return,
                Err(error) => {
                    send(Err(error));
                    return;
                }
            }
        }
    });
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    Ok(response)
}

/// Sends under a name what some work makes, as it makes it; `send` says whether anybody still reads. Where the work fails midway the
/// connection is cut, so that nobody takes a part for the whole.
pub fn pieces(
    name: &str,
    work: impl FnOnce(&mut dyn FnMut(Result<Vec<u8>, std::io::Error>) -> bool) + Send + 'static,
) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Piece>(PIECES_WAITING_MAX);
    tokio::task::spawn_blocking(move || work(&mut |piece| sender.blocking_send(piece.map(Bytes::from)).is_ok()));
    let content_type = match name.rsplit_once('.') {
        Some((_, "xml")) => "application/xml",
        Some((_, "csv")) => "text/csv; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "zip")) => "application/zip",
        _ => "application/octet-stream",
    };
    let disposition = format!("attachment; filename*=UTF-8''{}", percent_encoded(name));
    let headers = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}

fn percent_encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    name.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
