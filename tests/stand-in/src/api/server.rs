//! A running stand-in with an API.

use std::io::{BufReader, copy, sink};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{io, mem};

use super::wire::{read_request, write_answer};
use super::{ApiAnswer, ApiRequest, Notification, PaymentApi, Reply, notify, page};

/// What goes wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is executed, and answered after this time.
    Late(Duration),
    /// It is answered 500, and not executed.
    Status500,
    /// It is executed, and answered 500.
    Status500AfterExecuting,
    /// The connection ends, and it is not executed.
    HangUp,
    /// It is executed, and the connection ends without an answer.
    HangUpAfterExecuting,
    /// It is answered 429, and not executed.
    Busy,
}

/// A request that was to pay back, as it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundRequest {
    /// Its key ([`PaymentApi::refund_key`]).
    pub key: String,
    /// What went wrong with it.
    pub fault: Option<Fault>,
}

/// A stand-in that runs on its own threads until it is dropped.
pub struct ApiServer<P: PaymentApi> {
    address: SocketAddr,
    shared: Arc<Shared<P>>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared<P> {
    system: Mutex<P>,
    requests: Mutex<Vec<ApiRequest>>,
    refund_requests: Mutex<Vec<RefundRequest>>,
    /// Each with the end of the path that it waits for.
    faults: Mutex<Vec<(String, Fault)>>,
    is_stopping: AtomicBool,
}

impl<P: PaymentApi> ApiServer<P> {
    /// Starts a stand-in on an address. `127.0.0.1:0` chooses a free port.
    ///
    /// # Errors
    /// If the address is taken.
    pub fn start(system: P, listen: &str) -> io::Result<ApiServer<P>> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            system: Mutex::new(system),
            requests: Mutex::default(),
            refund_requests: Mutex::default(),
            faults: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || accept(&listener, &serving)));
        Ok(ApiServer { address, shared, accepting })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path, such as `http://127.0.0.1:8080/v2`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the URL of the page where a person pays.
    pub fn page(&self) -> String {
        self.url(page::PATH)
    }

    /// Returns the requests to the API so far, in the order of arrival.
    pub fn requests(&self) -> Vec<ApiRequest> {
        lock(&self.shared.requests).clone()
    }

    /// Lets the next request fail whose path ends so. Faults of one path are used in the order in which they were given.
    pub fn fail_next(&self, path_end: &str, fault: Fault) {
        lock(&self.shared.faults).push((path_end.to_owned(), fault));
    }

    /// Forgets the faults that were not used.
    pub fn forget_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Returns the requests to pay back so far, in the order of arrival: repetitions too, and those that were not executed.
    pub fn refund_requests(&self) -> Vec<RefundRequest> {
        lock(&self.shared.refund_requests).clone()
    }

    /// Calls a function with the payment system, while no request is executed.
    pub fn with<T>(&self, act: impl FnOnce(&mut P) -> T) -> T {
        act(&mut lock(&self.shared.system))
    }

    /// Sends a notification, and returns the reply. Blocks.
    ///
    /// # Errors
    /// Why there is no reply.
    pub fn notify(&self, notification: &Notification) -> Result<Reply, String> {
        notify::send(notification)
    }

    /// The payer pays: see [`PaymentApi::pay`]. Sends the notifications until one is not accepted, and returns the replies. Blocks.
    ///
    /// # Errors
    /// Why the payment cannot be paid, or a notification has no reply.
    pub fn pay(&self, payment: &str) -> Result<Vec<Reply>, String> {
        self.shared.act(&page::Action::Pay(payment.to_owned()))
    }

    /// Pays back: see [`PaymentApi::refund`]. Otherwise as [`ApiServer::pay`].
    ///
    /// # Errors
    /// As [`ApiServer::pay`].
    pub fn refund(&self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Reply>, String> {
        self.shared.act(&page::Action::Refund(payment.to_owned(), minor_units))
    }

    /// Returns how many refunds were made.
    pub fn refunds(&self) -> usize {
        self.with(|system| system.refunds().len())
    }
}

impl<P: PaymentApi> Drop for ApiServer<P> {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

impl<P: PaymentApi> Shared<P> {
    /// The payment system is not locked while a notification is sent: the merchant may call the API before it replies.
    fn send_all(&self, notifications: &[Notification]) -> Result<Vec<Reply>, String> {
        let mut replies = Vec::new();
        for notification in notifications {
            let reply = notify::send(notification)?;
            let is_accepted = lock(&self.system).is_accepted(&reply);
            replies.push(reply);
            if !is_accepted {
                break;
            }
        }
        Ok(replies)
    }

    /// Carries out one of the buttons of the page.
    fn act(&self, action: &page::Action) -> Result<Vec<Reply>, String> {
        let mut system = lock(&self.system);
        let notifications = match action {
            page::Action::Pay(payment) => system.pay(payment),
            page::Action::Decline(payment) => system.decline(payment),
            page::Action::Refund(payment, minor_units) => system.refund(payment, *minor_units),
            page::Action::EndRefund(refund, end) => system.end_refund(refund, *end),
        }?;
        drop(system);
        self.send_all(&notifications)
    }

    fn take_fault(&self, path: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|(path_end, _)| path.ends_with(path_end))?;
        Some(faults.remove(at).1)
    }

    /// Executes a request. None: the connection ends.
    fn answer(&self, request: &ApiRequest) -> Option<ApiAnswer> {
        let fault = self.take_fault(&request.path);
        if let Some(key) = lock(&self.system).refund_key(request) {
            lock(&self.refund_requests).push(RefundRequest { key, fault });
        }
        if fault == Some(Fault::HangUp) {
            return None;
        }
        let failed = ApiAnswer::text(500, "Internal Server Error");
        if fault == Some(Fault::Status500) {
            return Some(failed);
        }
        if fault == Some(Fault::Busy) {
            return Some(ApiAnswer::text(429, "Too Many Requests"));
        }
        let answer = lock(&self.system).answer(request);
        match fault {
            Some(Fault::HangUpAfterExecuting) => return None,
            Some(Fault::Status500AfterExecuting) => return Some(failed),
            Some(Fault::Late(time)) => thread::sleep(time),
            _ => {}
        }
        Some(answer)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let request = read_request(&mut BufReader::new(stream))?;
        let rows = || {
            let system = lock(&self.system);
            (system.payments(), system.refunds())
        };
        let by_hand = page::answer::<P>(&request, rows, |action| self.act(&action));
        let answer = match by_hand {
            Some(answer) => Some(answer),
            None => {
                lock(&self.requests).push(request.clone());
                self.answer(&request)
            }
        };
        if let Some(answer) = answer {
            write_answer(&mut &*stream, &answer)?;
            // What the client still sends is read first: otherwise the connection would be reset, and the answer lost.
            stream.shutdown(Shutdown::Write)?;
            copy(&mut &*stream, &mut sink())?;
        }
        Ok(())
    }
}

fn accept<P: PaymentApi>(listener: &TcpListener, shared: &Arc<Shared<P>>) {
    for stream in listener.incoming() {
        if shared.is_stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A client that goes away is no matter of the server's.
        mem::drop(thread::spawn(move || shared.serve(&stream)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
