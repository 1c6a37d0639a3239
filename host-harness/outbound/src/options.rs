//! What an operator chooses.

use std::path::PathBuf;

/// The options of a client. By default it reaches public addresses alone, by the system's CA certificates and without a proxy.
#[derive(Clone, Default, Debug)]
pub struct OutboundOptions {
    /// A file of CA certificates in PEM, which are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Hosts of the local network that may be called, such as a cash register: names or IP addresses, with or without `:port`.
    /// Without a port, every port. They may have addresses of private networks (10/8, 172.16/12, 192.168/16, 100.64/10,
    /// fc00::/7), and still none of this machine.
    pub lan_hosts: Vec<String>,
    /// For tests: this machine's own addresses may be called, by HTTPS and by HTTP.
    pub loopback: bool,
    /// The proxy that calls go by.
    pub proxy: ProxyOption,
}

/// The proxy that calls go by. It is an HTTP proxy that opens tunnels (CONNECT). It resolves the names of hosts itself, so that
/// only the proxy can keep a name from leading into a private network. Calls to this machine never go by it.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxyOption {
    /// None, whatever the environment says.
    #[default]
    Direct,
    /// The one that the environment names in `https_proxy` or `HTTPS_PROXY`, the first of them that is set, except for the hosts
    /// in `no_proxy` or `NO_PROXY`. None, if it names none.
    Environment,
    /// This one.
    Url {
        /// `http://host:port`, or `http://name:password@host:port` with name and password percent-encoded.
        url: String,
        /// The hosts that are called without it, as in `NO_PROXY`: names, which stand for what is below them too, addresses, or
        /// networks such as `10.0.0.0/8`, with commas between them; `*` is every host.
        no_proxy: String,
    },
}

/// Without the password.
impl std::fmt::Debug for ProxyOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ProxyOption::Direct => "Direct",
            ProxyOption::Environment => "Environment",
            ProxyOption::Url { .. } => "Url",
        })
    }
}
