//! From a name to a connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Host;

use crate::failure::Failure;
use crate::host_port::address_of;
use crate::reach::Permitted;

/// Resolves a host by the system's resolver. What is connected to is what this returns: the name is not resolved again.
pub async fn resolve(host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    if let Some(address) = address_of(host) {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = host.to_string();
    let found = lookup_host((name.as_str(), port)).await.map(Iterator::collect);
    found.map_err(|error| Failure::Name { host: name, error })
}

/// Connects to the first of a host's addresses that takes the connection. Each has the same share of the time, so that one that
/// does not answer leaves time for the next.
pub async fn connect(host: &Host<String>, permitted: &Permitted, time_max: Duration) -> Result<TcpStream, Failure> {
    let addresses = permitted.addresses();
    let share = time_max / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = Failure::NoAddress { host: host.to_string() };
    for address in addresses {
        let tried = timeout(share, TcpStream::connect(address)).await;
        match tried.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"))) {
            // A request is written at once; there is nothing to wait for.
            Ok(stream) => return stream.set_nodelay(true).map(|()| stream).map_err(|error| failed(host, address, error)),
            Err(error) => failure = failed(host, address, error),
        }
    }
    Err(failure)
}

fn failed(host: &Host<String>, address: &SocketAddr, error: io::Error) -> Failure {
    Failure::Connect { host: host.to_string(), address: address.ip(), error }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[tokio::test]
    async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
        // The system takes as many connections as wait to be accepted; those to come get no answer.
        let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        silent.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        silent.listen(0).unwrap();
        let silent_address = silent.local_addr().unwrap().as_socket().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&silent_address, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let host = Host::Domain("pay.example".to_owned());
        let time_max = Duration::from_secs(2);
        let connected = timeout(time_max, connect(&host, &Permitted::of_operator(vec![silent_address, address]), time_max))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(connected.peer_addr().unwrap(), address);
        let refused =
            connect(&host, &Permitted::of_operator(vec![silent_address]), Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(refused.to_string(), "no connection to pay.example at 127.0.0.1: it does not answer");
    }
}
