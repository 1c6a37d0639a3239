//! The connections of a listener, and which of them to drop for a new one.
//!
//! Whether a connection carries a callback is unknown until the head of its request is read, and whether the request can be
//! processed is unknown until its body has arrived. Until then a connection is *unfinished*, and dropping it loses nothing:
//! when no place is free, the connection that has been unfinished for longest is dropped. A callback is unfinished for a
//! millisecond, and is therefore among the youngest. A finished one is never dropped. Requests other than callbacks have a
//! limited share of the places, so that the rest always remains for callbacks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use host::network_of;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::guard::too_many;
use crate::problem::Problem;

/// How many connections a listener has at once.
const PLACES: usize = 1024;
/// How many requests other than callbacks are processed at once.
const OTHER_REQUESTS_MAX: usize = PLACES / 4 * 3;
/// If an address has this many connections, a new one replaces its own oldest unfinished one. A web server's connections are
/// not limited.
const CONNECTIONS_OF_ADDRESS: usize = PLACES / 4;
/// How many requests other than callbacks are processed at once for one address, which may be the billing system's or an
/// office's.
const REQUESTS_OF_ADDRESS_MAX: usize = OTHER_REQUESTS_MAX / 3;
/// If there is no unfinished connection to drop, how often to look for one.
const LOOK_TIME: Duration = Duration::from_millis(20);
/// How long a request waits for a place while all are taken.
const WAIT_TIME_MAX: Duration = Duration::from_secs(1);

/// The state of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Phase {
    /// The head of a request was not read yet.
    Silent = 0,
    /// A callback's body is awaited.
    Callback = 1,
    /// Another request's body is awaited.
    Other = 2,
    /// The request has arrived, and its answer is being made or sent.
    Busy = 3,
}

/// How many bits of the state hold the phase. The other bits hold when it began, in microseconds since the listener started.
const PHASE_BITS: u32 = 2;
const PHASE_MASK: u64 = (1 << PHASE_BITS) - 1;

/// An open connection.
pub struct Connection {
    network: IpAddr,
    began: Instant,
    state: AtomicU64,
    dropped: Notify,
}

impl Connection {
    /// Sets the phase.
    pub fn enter(&self, phase: Phase) {
        let since = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX >> PHASE_BITS);
        self.state.store(since << PHASE_BITS | phase as u64, Ordering::Relaxed);
    }

    /// Completes when the connection is to be dropped for another one.
    pub async fn dropped(&self) {
        self.dropped.notified().await;
    }

    /// Returns since when the connection is unfinished, or `None` if it is finished.
    fn unfinished_since(&self) -> Option<u64> {
        let state = self.state.load(Ordering::Relaxed);
        (state & PHASE_MASK != Phase::Busy as u64).then_some(state >> PHASE_BITS)
    }

    fn is_at(&self, phase: Phase) -> bool {
        self.state.load(Ordering::Relaxed) & PHASE_MASK == phase as u64
    }
}

/// The connections of a listener.
pub struct Connections {
    began: Instant,
    places: Arc<Semaphore>,
    other_requests: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Connection>>,
    /// By network: how many connections, and how many requests other than callbacks.
    connections: HashMap<IpAddr, usize>,
    requests: HashMap<IpAddr, usize>,
}

impl Connections {
    pub fn new() -> Arc<Connections> {
        Arc::new(Connections {
            began: Instant::now(),
            places: Arc::new(Semaphore::new(PLACES)),
            other_requests: Arc::new(Semaphore::new(OTHER_REQUESTS_MAX)),
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place for a new connection. With `is_proxy`, it is a web server's, which carries the requests of many
    /// clients.
    pub async fn admit(self: &Arc<Connections>, peer: IpAddr, is_proxy: bool) -> Place {
        let network = network_of(peer);
        if !is_proxy && self.open().connections.get(&network).is_some_and(|count| *count >= CONNECTIONS_OF_ADDRESS) {
            self.drop_oldest(|connection| connection.network == network);
        }
        let permit = loop {
            if let Ok(permit) = self.places.clone().try_acquire_owned() {
                break permit;
            }
            self.drop_oldest(|_| true);
            if let Ok(Ok(permit)) = tokio::time::timeout(LOOK_TIME, self.places.clone().acquire_owned()).await {
                break permit;
            }
        };
        let connection =
            Arc::new(Connection { network, began: self.began, state: AtomicU64::default(), dropped: Notify::new() });
        connection.enter(Phase::Silent);
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.all.insert(number, connection.clone());
        *open.connections.entry(network).or_default() += 1;
        Place { connections: self.clone(), number, connection, _permit: permit }
    }

    /// Drops the connection that has been unfinished for longest. Returns whether there was one.
    pub fn drop_oldest(&self, is_of: impl Fn(&Connection) -> bool) -> bool {
        let open = self.open();
        let unfinished = open.all.iter().filter(|(_, connection)| is_of(connection));
        let unfinished = unfinished.filter_map(|(number, one)| Some(((one.unfinished_since()?, *number), one)));
        let oldest = unfinished.min_by_key(|(since, _)| *since);
        if let Some((_, connection)) = oldest {
            // Prevents it from being chosen again before it is closed.
            connection.enter(Phase::Busy);
            connection.dropped.notify_one();
        }
        oldest.is_some()
    }

    /// Waits for a place for a request other than a callback.
    ///
    /// # Errors
    /// 429 if the address has too many of them, 503 if all places are taken.
    pub async fn request(self: &Arc<Connections>, address: IpAddr) -> Result<OtherRequest, Problem> {
        let address = network_of(address);
        let mut request = {
            let mut open = self.open();
            let count = open.requests.entry(address).or_default();
            if *count >= REQUESTS_OF_ADDRESS_MAX {
                return Err(too_many(1));
            }
            *count += 1;
            OtherRequest { connections: self.clone(), address, permit: None }
        };
        let wait = async {
            loop {
                if let Ok(permit) = self.other_requests.clone().try_acquire_owned() {
                    return permit;
                }
                self.drop_oldest(|connection| connection.is_at(Phase::Other));
                let wait = tokio::time::timeout(LOOK_TIME, self.other_requests.clone().acquire_owned());
                if let Ok(Ok(permit)) = wait.await {
                    return permit;
                }
            }
        };
        request.permit = Some(tokio::time::timeout(WAIT_TIME_MAX, wait).await.map_err(|_| {
            let detail = "too many requests are at work; try again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_retry_after(1)
        })?);
        Ok(request)
    }
}

fn count_down(counts: &mut HashMap<IpAddr, usize>, address: IpAddr) {
    if let Some(count) = counts.get_mut(&address) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&address);
        }
    }
}

/// A connection's place. It is freed when dropped.
pub struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.all.remove(&self.number);
        count_down(&mut open.connections, self.connection.network);
    }
}

/// The place of a request other than a callback. It is freed when dropped, after the answer is sent.
pub struct OtherRequest {
    connections: Arc<Connections>,
    address: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for OtherRequest {
    fn drop(&mut self) {
        self.permit = None;
        count_down(&mut self.connections.open().requests, self.address);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    async fn is_dropped(place: &Place) -> bool {
        tokio::time::timeout(Duration::ZERO, place.connection.dropped()).await.is_ok()
    }

    #[tokio::test]
    async fn the_oldest_unfinished_connection_makes_room() {
        let connections = Connections::new();
        let mut places = Vec::new();
        for number in 0..PLACES {
            places.push(connections.admit(address(number), false).await);
        }
        let phases = [Phase::Busy, Phase::Callback, Phase::Other, Phase::Busy];
        for (place, phase) in places.iter().zip(phases.into_iter().cycle()).skip(4) {
            place.connection.enter(phase);
        }
        places.iter().take(1).for_each(|place| place.connection.enter(Phase::Busy));
        // Those unfinished for longest go first: the silent ones, whose phase began earlier.
        for oldest in [1, 2, 3, 5, 6, 9] {
            assert!(connections.drop_oldest(|_| true) && is_dropped(&places[oldest]).await, "{oldest}");
        }
        for place in &places {
            assert!(!is_dropped(place).await);
        }
        // A new connection gets the place of the dropped one.
        let next = tokio::spawn({
            let connections = connections.clone();
            async move { connections.admit(address(9999), false).await.connection.network }
        });
        places[10].connection.dropped().await;
        places.remove(10);
        assert_eq!(next.await.unwrap(), address(9999));
    }

    #[tokio::test]
    async fn an_address_with_many_connections_loses_its_own() {
        let connections = Connections::new();
        let other = connections.admit(address(1), false).await;
        let mut places = Vec::new();
        for _ in 0..CONNECTIONS_OF_ADDRESS {
            places.push(connections.admit(address(2), false).await);
        }
        assert!(!is_dropped(&places[0]).await);
        places.push(connections.admit(address(2), false).await);
        assert!(is_dropped(&places[0]).await && !is_dropped(&places[1]).await && !is_dropped(&other).await);
        places.push(connections.admit(address(2), true).await);
        assert!(!is_dropped(&places[1]).await, "a web server's connections are not limited");
        drop(places);
        assert_eq!(connections.open().connections.len(), 1, "closed connections are not counted");
    }

    #[tokio::test]
    async fn other_requests_leave_room_for_callbacks() {
        let connections = Connections::new();
        let mut requests = Vec::new();
        for number in 0..REQUESTS_OF_ADDRESS_MAX {
            requests.push(connections.request(address(1)).await.unwrap());
            assert_eq!(requests.len(), number + 1);
        }
        let refused = connections.request(address(1)).await.err().unwrap();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        for number in requests.len()..OTHER_REQUESTS_MAX {
            requests.push(connections.request(address(number)).await.unwrap());
        }
        let refused = connections.request(address(5000)).await.err().unwrap();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        // A connection whose body is awaited is dropped.
        let place = connections.admit(address(1), false).await;
        place.connection.enter(Phase::Other);
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.request(address(5000)).await.is_ok() }
        });
        place.connection.dropped().await;
        drop(requests.pop());
        assert!(waiting.await.unwrap());
        drop(requests);
        assert_eq!(connections.open().requests.len(), 0);
    }
}
