//! Sends notifications.

use std::io::Read;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Request;

use super::{Notification, Reply};

const REPLY_BYTES_MAX: u64 = 64 * 1024;
const REPLY_TIME_MAX: Duration = Duration::from_secs(30);

/// Sends a notification over a new connection, and returns the reply. Blocks.
///
/// # Errors
/// Why there is no reply.
pub fn send(notification: &Notification) -> Result<Reply, String> {
    let config = Agent::config_builder()
        .timeout_global(Some(REPLY_TIME_MAX))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        // A proxy in this machine's environment is meant for other addresses.
        .proxy(None)
        .build();
    let mut request = Request::builder().method(notification.method).uri(&notification.url);
    for (name, value) in &notification.headers {
        request = request.header(name, value);
    }
    let request = request.body(notification.body.clone()).map_err(|error| error.to_string())?;
    let mut response = Agent::from(config).run(request).map_err(|error| error.to_string())?;
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(REPLY_BYTES_MAX).read_to_end(&mut body);
    read.map_err(|error| error.to_string())?;
    Ok(Reply { status: response.status().as_u16(), body: String::from_utf8_lossy(&body).into_owned() })
}
