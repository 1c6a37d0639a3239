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
        self.shared.pay(payment)
    }

    /// Pays back: see [`PaymentApi::refund`]. Otherwise as [`ApiServer::pay`].
    ///
    /// # Errors
    /// As [`ApiServer::pay`].
    pub fn refund(&self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Reply>, String> {
        self.shared.refund(payment, minor_units)
    }

    /// Returns how many refunds were executed.
    pub fn refunds(&self) -> usize {
        self.with(|system| system.refunds())
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
    fn pay(&self, payment: &str) -> Result<Vec<Reply>, String> {
        let notifications = lock(&self.system).pay(payment)?;
        self.send_all(&notifications)
    }

    fn refund(&self, payment: &str, minor_units: Option<u64>) -> Result<Vec<Reply>, String> {
        let notifications = lock(&self.system).refund(payment, minor_units)?;
        self.send_all(&notifications)
    }

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

    fn take_fault(&self, path: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|(path_end, _)| path.ends_with(path_end))?;
        Some(faults.remove(at).1)
    }

    /// Executes a request. None: the connection ends.
    fn answer(&self, request: &ApiRequest) -> Option<ApiAnswer> {
        let fault = self.take_fault(&request.path);
        if fault == Some(Fault::HangUp) {
            return None;
        }
        let failed = ApiAnswer::text(500, "Internal Server Error");
        if fault == Some(Fault::Status500) {
            return Some(failed);
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
        let by_hand = page::answer::<P>(
            &request,
            || lock(&self.system).payments(),
            |action| match action {
                page::Action::Pay(payment) => self.pay(&payment),
                page::Action::Refund(payment, minor_units) => self.refund(&payment, minor_units),
            },
        );
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
