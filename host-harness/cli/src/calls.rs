//! The clients for calls to payment systems and to billing, made of the operator's options.

use std::path::PathBuf;

use host::{BillingAccounts, Outbound};
use outbound::{BillingClient, BillingOptions, HttpClient, OutboundOptions, ProxyOption};

use crate::failure::Failure;
use crate::secret_file;

/// How calls to payment systems are made. Components have them made by the host: to the hosts that they declare and that are entered
/// in their settings, by HTTPS, to public addresses.
#[derive(clap::Args)]
pub struct CallOptions {
    /// CA certificates in PEM that calls to payment systems and to billing trust beside those of the system.
    #[arg(long, value_name = "FILE")]
    call_ca_file: Option<PathBuf>,
    /// A host of the local network that components may call, such as a cash register: a name or an address, with or without a port;
    /// may be repeated. Without it they reach public addresses alone.
    #[arg(long, value_name = "HOST[:PORT]")]
    call_lan_host: Vec<String>,
    /// Calls payment systems by the proxy that the environment names (https_proxy, and no_proxy for exceptions). Without it calls go
    /// directly, whatever the environment says.
    #[arg(long)]
    call_proxy_from_env: bool,
    /// For tests: components may call this machine itself, by HTTPS and by HTTP.
    #[arg(long)]
    call_loopback: bool,
    /// Asks billing about accounts by POST to this URL: https://, or http:// for this machine and private networks alone.
    /// /api/billing-openapi.json describes what billing answers. It has 3 s; without an answer the payment system is told to come again.
    /// Without this option the accounts of the API are all that there are.
    #[arg(long, value_name = "URL")]
    accounts_url: Option<String>,
    /// A file with the token that billing is shown: Authorization: Bearer TOKEN.
    #[arg(long, value_name = "FILE", requires = "accounts_url")]
    accounts_token_file: Option<PathBuf>,
}

impl CallOptions {
    /// Makes the client, and logs what it trusts and how it calls.
    pub fn client(&self) -> Result<HttpClient, Failure> {
        let options = OutboundOptions {
            ca_file: self.call_ca_file.clone(),
            lan_hosts: self.call_lan_host.clone(),
            loopback: self.call_loopback,
            proxy: if self.call_proxy_from_env { ProxyOption::Environment } else { ProxyOption::Direct },
        };
        let client = HttpClient::new(&options).map_err(|error| Failure::Usage(error.to_string()))?;
        match client.root_certificates() {
            0 => tracing::warn!(
                "this machine has no CA certificates, so that no payment system can be called: install the system's package of them \
                 (ca-certificates), or name a file by --call-ca-file"
            ),
            count => tracing::info!(count, "calls to payment systems trust these many CA certificates"),
        }
        match client.proxy() {
            Some(proxy) => tracing::info!(proxy, "calls to payment systems go by a proxy"),
            None if self.call_proxy_from_env => {
                tracing::warn!("--call-proxy-from-env is given, and the environment names no proxy: calls go directly");
            }
            None => {}
        }
        if self.call_loopback {
            tracing::warn!("components may call this machine itself (--call-loopback); remove it where no test runs");
        }
        Ok(client)
    }

    /// Makes the client that asks billing about accounts, if it is to be asked, and logs where.
    pub fn billing(&self) -> Result<Option<BillingClient>, Failure> {
        let Some(url) = self.accounts_url.clone() else { return Ok(None) };
        let token = self.accounts_token_file.as_deref().map(secret_file::token).transpose()?;
        let options = BillingOptions { url, token, ca_file: self.call_ca_file.clone() };
        let client = BillingClient::new(&options).map_err(|error| Failure::Usage(error.to_string()))?;
        tracing::info!(host = client.address(), "billing is asked about accounts (--accounts-url)");
        if client.root_certificates() == Some(0) {
            tracing::warn!(
                "this machine has no CA certificates, so that billing cannot be asked: install the system's package of them \
                 (ca-certificates), or name a file by --call-ca-file"
            );
        }
        Ok(Some(client))
    }
}
