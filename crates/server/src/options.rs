//! How a server is set up. Reads no command line and no environment: that is the CLI's.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;

use chancery::Store;
use chancery::vault::Vault;
use ipnet::IpNet;

use crate::state::Limits;

/// What [`crate::serve`] is to do.
pub struct ServeOptions {
    /// The store to serve.
    pub store: Store,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key, for TLS.
    pub tls: Option<TlsFiles>,
    /// A folder with the web page, instead of the one built in.
    pub web_dir: Option<PathBuf>,
    /// Host names to answer for besides this machine's own.
    pub allowed_hosts: Vec<String>,
    /// Whether a proxy in front speaks TLS.
    pub proxy: Proxy,
    /// A loopback address that gives the metrics without a key.
    pub metrics_bind: Option<SocketAddr>,
    /// Networks that webhooks may reach besides public addresses.
    pub webhook_allow: Vec<IpNet>,
    /// The store's vault; without one it is opened sealed.
    pub vault: Option<Vault>,
    /// The limits.
    pub limits: Limits,
    /// Called once with where the server listens, when it does.
    pub ready: Option<Ready>,
    /// Ends the server when it completes; without it SIGINT and SIGTERM do.
    pub stop: Option<Stop>,
}

/// Called when the server listens.
pub type Ready = Box<dyn FnOnce(Listening) + Send>;
/// Ends the server when it completes.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a server listens, and what its operator has to know.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The address, with the real port.
    pub address: SocketAddr,
    /// The address as a URL.
    pub url: String,
    /// The one-time link that makes the first user; present while nobody exists. A secret: for the operator's eyes.
    pub setup_url: Option<String>,
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What stands between the server and its callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Nothing, or something that speaks plain HTTP outwards.
    #[default]
    None,
    /// A proxy that speaks TLS outwards, so cookies must not travel without.
    Tls,
}

impl ServeOptions {
    /// A store on an address, everything else as usual.
    pub fn new(store: Store, listen: SocketAddr) -> ServeOptions {
        ServeOptions {
            store,
            listen,
            tls: None,
            web_dir: None,
            allowed_hosts: Vec::new(),
            proxy: Proxy::None,
            metrics_bind: None,
            webhook_allow: Vec::new(),
            vault: None,
            limits: Limits::default(),
            ready: None,
            stop: None,
        }
    }
}
