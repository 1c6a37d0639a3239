//! The client for calls to payment systems, made of the operator's options.

use std::path::PathBuf;

use host::Outbound;
use outbound::{HttpClient, OutboundOptions, ProxyOption};

use crate::failure::Failure;

/// How calls to payment systems are made. Components have them made by the host: to the hosts that they declare and that are entered
/// in their settings, by HTTPS, to public addresses.
#[derive(clap::Args)]
pub struct CallOptions {
    /// CA certificates in PEM that calls to payment systems trust beside those of the system.
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
}
