//! The address of a connection's other end.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The address of the connection's other end.
#[derive(Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Peer, Infallible> {
        // Every connection sets it.
        Ok(parts.extensions.get().copied().unwrap_or(Peer(([0, 0, 0, 0], 0).into())))
    }
}
