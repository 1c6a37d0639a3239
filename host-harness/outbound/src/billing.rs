//! The client that asks billing about accounts: one POST of JSON for each question, to the URL that the operator gives.
//!
//! The operator chooses where billing is, so that it may be this machine or in the local network. Over HTTPS it is asked anywhere; over
//! HTTP at addresses of this machine and of private networks alone, since a question and its answer name a person, and the token goes
//! with them. No proxy is used, no redirect followed, and nothing is sent twice.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::{AccountState, HttpCall, HttpMethod, HttpResponse, Repeatable};
use host::{AccountQuestion, AccountReply, BillingAccounts, NoAccountAnswer};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::address::{Kind, kind};
use crate::error::OutboundError;
use crate::failure::Failure;
use crate::host_port::address_of;
use crate::progress::{Progress, Stage};
use crate::reach::Permitted;
use crate::reply::Reply;
use crate::target::Target;
use crate::tls::Tls;
use crate::{billing_json, connect, request, runtime, send};

/// How long a question may take, from waiting for its turn to the last byte of the answer. A terminal shows nothing meanwhile.
const TIME_MAX: Duration = Duration::from_secs(3);
/// Questions at once; more wait, within their own time. What billing can answer side by side is not known, and this is not many.
const QUESTIONS_MAX: usize = 32;
/// The longest answer, in bytes. One about an account has some hundred.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The options of a client that asks billing.
#[derive(Clone)]
pub struct BillingOptions {
    /// The URL that questions are posted to: `https`, or `http` for this machine and private networks.
    pub url: String,
    /// The token that billing knows this program by. It is sent as `Authorization: Bearer …`.
    pub token: Option<Zeroizing<String>>,
    /// A file of CA certificates in PEM, which are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Without the token.
impl fmt::Debug for BillingOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillingOptions").field("url", &self.url).field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

/// A client that asks billing about accounts, on threads of its own. When it is dropped, the questions that are not answered are given
/// up.
pub struct BillingClient {
    /// `None` while it is dropped.
    runtime: Option<Runtime>,
    billing: Arc<Billing>,
}

impl BillingClient {
    /// Makes a client: takes the URL apart, reads the CA certificates, and starts the threads.
    ///
    /// # Errors
    /// If the URL, the token or the CA file cannot be used. That the system has no CA certificates is no error:
    /// [`BillingClient::root_certificates`] tells it.
    pub fn new(options: &BillingOptions) -> Result<BillingClient, OutboundError> {
        let target = target(&options.url)?;
        if let Some(token) = &options.token
            && !is_token(token)
        {
            return Err(OutboundError::BillingToken);
        }
        let tls = target.is_https.then(|| Tls::new(options.ca_file.as_deref())).transpose()?;
        let (url, token) = (options.url.clone(), options.token.clone());
        let billing = Billing { url, target, token, tls, permits: Semaphore::new(QUESTIONS_MAX) };
        Ok(BillingClient { runtime: Some(runtime("billing", QUESTIONS_MAX)?), billing: Arc::new(billing) })
    }

    /// Returns how many CA certificates are trusted. `None` if billing is asked over HTTP.
    pub fn root_certificates(&self) -> Option<usize> {
        self.billing.tls.as_ref().map(Tls::root_certificates)
    }
}

impl BillingAccounts for BillingClient {
    fn find(&self, question: AccountQuestion, then: AccountReply) {
        let progress = Progress::new();
        let reply = Reply::new(then, progress.clone(), |progress| Err(failed(&Failure::GivenUp, progress)));
        let billing = self.billing.clone();
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                let answer = billing.answer(&question, &progress).await;
                reply.give(answer);
            });
        }
    }

    fn address(&self) -> Option<String> {
        self.billing.target.authority.to_str().ok().map(str::to_owned)
    }
}

impl Drop for BillingClient {
    fn drop(&mut self) {
        self.billing.permits.close();
        if let Some(runtime) = self.runtime.take() {
            // It may be dropped by a task of its own, or of another runtime, which must not wait.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for BillingClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillingClient").finish_non_exhaustive()
    }
}

/// What all questions share.
struct Billing {
    url: String,
    target: Target,
    token: Option<Zeroizing<String>>,
    /// `None` for HTTP.
    tls: Option<Tls>,
    permits: Semaphore,
}

impl Billing {
    async fn answer(&self, question: &AccountQuestion, progress: &Progress) -> Result<Option<AccountState>, NoAccountAnswer> {
        let answer = match timeout(TIME_MAX, self.ask(question, progress)).await {
            Ok(answer) => answer.map_err(|failure| failed(&failure, progress))?,
            Err(_) => {
                let failure = Failure::Time { time_max: TIME_MAX, doing: progress.stage().text() };
                return Err(failed(&failure, progress));
            }
        };
        billing_json::read(&answer).map_err(|problem| {
            let reason = format!("billing at {} {problem}; {}", self.target.host, billing_json::EXPECTED);
            NoAccountAnswer { reason, is_sent: true }
        })
    }

    async fn ask(&self, question: &AccountQuestion, progress: &Progress) -> Result<HttpResponse, Failure> {
        let request = request::request(self.call(question), &self.target)?;
        let _permit = self.permits.acquire().await.map_err(|_| Failure::GivenUp)?;
        progress.reach(Stage::Connecting);
        let host = &self.target.host;
        let found = connect::resolve(host, self.target.port).await?;
        let stream = connect::connect(host, &self.permitted(found)?, TIME_MAX).await?;
        match &self.tls {
            None => send(stream, request, &self.target, ANSWER_BYTES_MAX, progress).await,
            Some(tls) => {
                let config = tls.config(None)?;
                progress.reach(Stage::Tls);
                let stream = tls.secure(config, &self.target, stream).await?;
                send(stream, request, &self.target, ANSWER_BYTES_MAX, progress).await
            }
        }
    }

    fn call(&self, question: &AccountQuestion) -> HttpCall {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {}", token.as_str())));
        }
        HttpCall {
            method: HttpMethod::Post,
            url: self.url.clone(),
            headers,
            body: billing_json::write(question),
            repeatable: Repeatable::Never,
            answer_bytes_max: u32::try_from(ANSWER_BYTES_MAX).unwrap_or(u32::MAX),
            client_certificate: None,
            extra: Vec::new(),
        }
    }

    /// Of the addresses of billing's host, returns those that may be connected to.
    fn permitted(&self, found: Vec<SocketAddr>) -> Result<Permitted, Failure> {
        let is_https = self.target.is_https;
        let (permitted, refused): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|address| permits(is_https, kind(address.ip())));
        let host = || self.target.host.to_string();
        match (permitted.is_empty(), refused.first()) {
            (false, _) => Ok(Permitted::of_operator(permitted)),
            (true, Some(address)) => Err(Failure::NotBilling { host: host(), address: address.ip() }),
            (true, None) => Err(Failure::NoAddress { host: host() }),
        }
    }
}

fn permits(is_https: bool, kind: Kind) -> bool {
    match kind {
        Kind::Loopback | Kind::Lan => true,
        Kind::Public => is_https,
        Kind::Forbidden => false,
    }
}

/// Takes the URL of billing apart.
fn target(url: &str) -> Result<Target, OutboundError> {
    let refused = |problem: &'static str| OutboundError::BillingUrl { problem };
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    if scheme != "https" && scheme != "http" {
        return Err(refused("it begins neither with https:// nor with http://"));
    }
    let target = Target::parse(url).map_err(|failure| match failure {
        Failure::Url(problem) => refused(problem),
        _ => refused("it is not a URL"),
    })?;
    match address_of(&target.host).map(kind) {
        Some(Kind::Public) if !target.is_https => {
            Err(refused("http:// leads to a public address, and what is asked and answered would be read on the way"))
        }
        Some(Kind::Forbidden) => Err(refused("its address is not one that a machine is reached by")),
        _ => Ok(target),
    }
}

/// Reports whether a text can be sent as a token.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn failed(failure: &Failure, progress: &Progress) -> NoAccountAnswer {
    NoAccountAnswer { reason: failure.to_string(), is_sent: progress.stage() == Stage::Sent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_is_asked_in_clear_in_its_own_network_alone() {
        let expect = |url: &str, words: &str| {
            let refused = target(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains(words) && refused.is_empty() == words.is_empty(), "{url}: {refused}");
        };
        for url in [
            "https://billing.example.ru/accounts",
            "https://1.1.1.1/",
            "https://10.0.0.5:8443/find?a=1",
            "http://10.0.0.5/accounts",
            "http://127.0.0.1:8090",
            "http://[fd00::5]/",
            "http://localhost/accounts",
            // What a name leads to is looked at when it is called.
            "http://billing.lan/accounts",
        ] {
            expect(url, "");
        }
        expect("http://1.1.1.1/accounts", "http:// leads to a public address");
        expect("https://169.254.169.254/", "is not one that a machine is reached by");
        expect("https://user:password@billing.example.ru/", "it has a user name or password");
        expect("https://billing.example.ru/#a", "it has a fragment");
        expect("ftp://billing.example.ru/", "neither with https:// nor with http://");
        expect("billing.example.ru", "neither with https:// nor with http://");
        expect("https:///accounts", "it has no host");
        expect("https://billing.example.ru/a b", "it has a space");
    }

    #[test]
    fn addresses_of_a_name_are_looked_at() {
        let permitted = |url: &str, found: &[&str]| {
            let tls = None;
            let (url, target) = (url.to_owned(), target(url).unwrap());
            let billing = Billing { url, target, token: None, tls, permits: Semaphore::new(1) };
            let found = found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 80)).collect();
            billing.permitted(found).map(|permitted| permitted.addresses().len()).map_err(|failure| failure.to_string())
        };
        assert_eq!(permitted("http://billing.lan/", &["10.0.0.1", "127.0.0.1", "1.1.1.1"]), Ok(2));
        assert_eq!(permitted("https://billing.lan/", &["10.0.0.1", "127.0.0.1", "1.1.1.1", "169.254.169.254"]), Ok(3));
        let refused = permitted("http://billing.lan/", &["1.1.1.1"]).unwrap_err();
        assert!(refused.contains("billing.lan resolves to 1.1.1.1") && refused.contains("https"), "{refused}");
        assert_eq!(permitted("https://billing.lan/", &[]).unwrap_err(), "the name billing.lan has no address");
    }

    #[test]
    fn options_are_printed_without_the_token() {
        let options =
            BillingOptions { url: "http://localhost/".to_owned(), token: Some("secret".to_owned().into()), ca_file: None };
        assert!(!format!("{options:?}").contains("secret"));
    }

    #[test]
    fn token_is_one_that_a_header_can_hold() {
        assert!(is_token("0123abc+/=") && !is_token("") && !is_token("a b") && !is_token("ключ") && !is_token("a\n"));
    }
}
