//! `chancery serve`: the HTTP server with the web page. Everything it does is the server crate's.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chancery::limits::KEEP_CHANGES_MIN;
use chancery::model::define::bucket::ttl;
use chancery::{CacheOptions, Durability, FilesOptions, Json, OpenOptions, RedisUrl, StorageError};
use chancery_server::{IpNet, Listening, Proxy, ServeOptions, TlsFiles};
use clap::{Args, ValueEnum};

use crate::demo;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::root_key::RootArgs;
use crate::target::{DatabaseArgs, Missing, open_store, variable};
use crate::telemetry::Telemetry;

/// Start the server with its web page
#[derive(Args, Debug)]
#[command(
    long_about = "Start the server with its web page.\n\n\
Prints one line `ready http://ADDR:PORT` on stdout when it can be reached; everything else goes to stderr. As long as \
nobody has an account, it prints a one-time link that makes the first one. Ctrl-C or SIGTERM lets running requests \
finish and stops.",
    after_long_help = "\
Examples:
  chancery serve --demo
  chancery serve --data /srv/chancery --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
  chancery serve --database sqlite:app.db --listen 127.0.0.1:0
  chancery serve --database postgres://app:PASSWORD@one,two/app --replica postgres://app:PASSWORD@two/app
  chancery serve --data /srv/chancery --vault-key-file /etc/chancery/vault.key

CHANCERY_LOG sets what is logged to stderr: error, warn, info (the default), debug. Metrics: GET /metrics with an admin key."
)]
pub(crate) struct Serve {
    #[command(flatten)]
    database: DatabaseArgs,
    /// A PostgreSQL server that follows --database and answers reads; may be given several times
    #[arg(long = "replica", value_name = "URL", requires = "database")]
    replicas: Vec<String>,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7373")]
    listen: SocketAddr,
    /// Fill an empty workspace with example tables
    #[arg(long)]
    demo: bool,
    /// When a write is answered
    #[arg(long, value_enum, default_value = "full")]
    durability: Durable,
    /// What the cache may hold in memory: bytes, or with K, M or G; 0 turns it off
    #[arg(long, value_name = "SIZE", default_value = "32M", value_parser = size)]
    cache_size: u64,
    /// A Redis server that several servers on one PostgreSQL share as a cache [env: CHANCERY_REDIS]
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// A folder with the web page, instead of the one built in
    #[arg(long, value_name = "DIR")]
    web_dir: Option<PathBuf>,
    /// The certificate chain, as PEM; turns on TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A host name to answer for besides this machine's own; may be given several times
    #[arg(long = "allowed-host", value_name = "NAME")]
    allowed_hosts: Vec<String>,
    /// Give the metrics without a key on a loopback address, besides /metrics with an admin key
    #[arg(long, value_name = "ADDR:PORT")]
    metrics_bind: Option<SocketAddr>,
    /// Send traces to an OpenTelemetry collector, by OTLP over HTTP [env: OTEL_EXPORTER_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Log queries that take at least so long, with their shape and plan; 0 logs none
    #[arg(long, value_name = "MS", default_value_t = 500)]
    slow_query_ms: u64,
    /// Forget what records were longer ago than this, such as 90d or 12h; at least 1h. Records stay. Forever if absent
    #[arg(long, value_name = "TIME", value_parser = age)]
    keep_changes: Option<Duration>,
    /// The largest file that is kept: bytes, or with K, M or G
    #[arg(long, value_name = "SIZE", default_value = "100M", value_parser = size)]
    file_bytes_max: u64,
    /// Most bytes of all files together; as many as there is room for if absent
    #[arg(long, value_name = "SIZE", value_parser = size)]
    files_bytes_max: Option<u64>,
    /// A network that webhooks may reach though it is private; may be given several times
    #[arg(long = "webhook-allow", value_name = "CIDR")]
    webhook_allow: Vec<IpNet>,
    /// A proxy in front speaks TLS, so cookies must not travel without
    #[arg(long)]
    behind_tls: bool,
    #[command(flatten)]
    root: RootArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Durable {
    /// When it is on the disk: survives a power cut
    Full,
    /// When the system has it: survives a crash of the program; a power cut may lose the last moments
    Relaxed,
}

impl Serve {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let telemetry = Telemetry::start(self.otlp.as_deref())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(self.serve(output));
        telemetry.finish();
        served?;
        Ok(Exit::Done)
    }

    async fn serve(self, output: &Output) -> Result<(), Failure> {
        let durability = match self.durability {
            Durable::Full => Durability::Full,
            Durable::Relaxed => Durability::Relaxed,
        };
        let cache = CacheOptions {
            bytes: self.cache_size,
            redis: redis(self.redis)?,
            ..CacheOptions::default()
        };
        let options = OpenOptions {
            durability,
            cache,
            replicas: self.replicas,
            keep_changes: self.keep_changes,
            files: FilesOptions {
                place: None,
                file_bytes_max: self.file_bytes_max,
                bytes_max: self.files_bytes_max,
            },
            slow_query_ms: Some(self.slow_query_ms).filter(|ms| *ms > 0),
            ..OpenOptions::default()
        };
        let store = open_store(&self.database, Missing::Make, options).await?;
        let opened = self.root.open(&store, &self.database, Missing::Make).await?;
        opened.tell(output);
        if self.demo {
            match demo::fill(&store).await? {
                Some(records) => output.say(&format!("the demo has {records} records")),
                None => output.say("the workspace has tables already, so the demo was not added"),
            }
        }
        if !self.listen.ip().is_loopback() && self.tls_cert.is_none() && !self.behind_tls {
            output.warn("without TLS, passwords and keys travel readable; use --tls-cert, or --behind-tls with a proxy");
        }
        let json = output.json();
        let tls = self
            .tls_cert
            .zip(self.tls_key)
            .map(|(certificate, key)| TlsFiles { certificate, key });
        let options = ServeOptions {
            tls,
            web_dir: self.web_dir,
            metrics_bind: self.metrics_bind,
            allowed_hosts: self.allowed_hosts,
            webhook_allow: self.webhook_allow,
            vault: Some(opened.vault),
            proxy: if self.behind_tls { Proxy::Tls } else { Proxy::None },
            ready: Some(Box::new(move |listening| announce(&listening, json))),
            stop: Some(Box::pin(stopping()?)),
            ..ServeOptions::new(store.clone(), self.listen)
        };
        let served = chancery_server::serve(options).await;
        store.close().await?;
        served.map_err(|error| Failure::new(error.to_string()))
    }
}

/// `67108864`, `64M`.
fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "write bytes, or a number with K, M or G: 64M".to_owned())
}

/// How long the change log is kept, as a time to live is written.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number with h or d, at least 1h: 90d".to_owned();
    let ms = ttl(&Json::from(text)).map_err(|_| wrong())?;
    let kept = Duration::from_millis(ms.unsigned_abs());
    (kept >= KEEP_CHANGES_MIN).then_some(kept).ok_or_else(wrong)
}

/// The Redis server that is named here or in the environment. Not read by the parser of arguments, which would repeat a
/// wrong URL with its password.
fn redis(url: Option<String>) -> Result<Option<RedisUrl>, Failure> {
    let parse = |url: String| {
        url.parse()
            .map_err(|error: StorageError| Failure::new(error.to_string()))
    };
    url.or_else(|| variable("CHANCERY_REDIS")).map(parse).transpose()
}

/// Completes at Ctrl-C or SIGTERM. Both are heard from now on, not only once somebody waits for them: they may come right
/// after the server says that it is ready.
#[cfg(unix)]
pub(crate) fn stopping() -> Result<impl Future<Output = ()> + Send, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes at Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn stopping() -> Result<impl Future<Output = ()> + Send, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Says that the server can be reached. Nobody listening is no reason to stop.
fn announce(listening: &Listening, json: bool) {
    let output = Output::new(json);
    if let Some(link) = &listening.setup_url {
        output.say(&format!(
            "nobody has an account yet; make the first one with this link, once:\n  {link}"
        ));
    }
    let _ = output.line(&format!("ready {}", listening.url));
}
