//! What a URL says of a server: where it is, who asks, and every limit of the connections to it. It connects to nothing.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::StorageError;
use crate::open::Durability;

/// Connections that read, at most; one more writes.
const POOL_MAX: usize = 16;
/// Connections that are kept while nobody uses them.
const POOL_MIN: usize = 1;
/// A connection beyond those is closed when it was idle for so long, in ms.
const POOL_IDLE_MS: u64 = 300_000;
/// How long a caller waits for a free connection, in ms.
const ACQUIRE_TIMEOUT_MS: u64 = 5_000;
/// How long a new connection may take to be made, in ms.
const CONNECT_TIMEOUT_MS: u64 = 5_000;
/// How long one statement may run, in ms.
const STATEMENT_TIMEOUT_MS: u64 = 30_000;
/// How long a statement waits for a lock, in ms.
const LOCK_TIMEOUT_MS: u64 = 5_000;
/// How long the answer to a commit is looked for after its connection broke, in ms.
const OUTCOME_TIMEOUT_MS: u64 = 30_000;
/// An open connection is probed by the system when it was silent for so long.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A server, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Where and who.
    pub(super) config: Config,
    /// The server and database for people: never a password.
    pub(super) name: String,
    /// Whether and how the connection is encrypted.
    pub(super) tls: Tls,
    /// Connections that read, at most.
    pub(super) pool_max: usize,
    /// Connections that are kept while nobody uses them.
    pub(super) pool_min: usize,
    /// When an idle connection beyond those is closed.
    pub(super) pool_idle: Duration,
    /// How long a caller waits for a connection.
    pub(super) acquire_timeout: Duration,
    /// How long the answer to a commit is looked for after its connection broke.
    pub(super) outcome_timeout: Duration,
    /// What every connection is told first.
    pub(super) greeting: String,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Not at all.
    Off,
    /// Encrypted; whose certificate it is, is not asked.
    Encrypted,
    /// Encrypted, and the certificate is the server's: signed by one of these authorities (a PEM file), or by one that
    /// browsers trust.
    Verified(Option<String>),
}

/// The parameters of a URL that are ours; the others are the driver's.
#[derive(Debug, Default)]
struct Own {
    pool_max: Option<usize>,
    pool_min: Option<usize>,
    pool_idle_ms: Option<u64>,
    acquire_timeout_ms: Option<u64>,
    connect_timeout_ms: Option<u64>,
    statement_timeout_ms: Option<u64>,
    lock_timeout_ms: Option<u64>,
    outcome_timeout_ms: Option<u64>,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

impl Own {
    /// Takes a parameter if it is ours.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, StorageError> {
        match name {
            "pool_max" => self.pool_max = Some(number(name, value)?),
            "pool_min" => self.pool_min = Some(number(name, value)?),
            "pool_idle_ms" => self.pool_idle_ms = Some(number(name, value)?),
            "acquire_timeout_ms" => self.acquire_timeout_ms = Some(number(name, value)?),
            "connect_timeout_ms" => self.connect_timeout_ms = Some(number(name, value)?),
            "statement_timeout_ms" => self.statement_timeout_ms = Some(number(name, value)?),
            "lock_timeout_ms" => self.lock_timeout_ms = Some(number(name, value)?),
            "outcome_timeout_ms" => self.outcome_timeout_ms = Some(number(name, value)?),
            "sslmode" => self.sslmode = Some(value.to_owned()),
            "sslrootcert" => self.sslrootcert = Some(value.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn number<T: FromStr>(name: &str, value: &str) -> Result<T, StorageError> {
    value
        .parse()
        .map_err(|_| StorageError::Url(format!("{name} is a whole number, not \"{value}\"")))
}

impl Settings {
    /// Reads `postgres://user:password@host:port/database?parameters`.
    ///
    /// # Errors
    /// [`StorageError::Url`] if it is no such URL; the error does not repeat it, since it may hold a password.
    pub(super) fn parse(url: &str, durability: Durability) -> Result<Settings, StorageError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut own = Own::default();
        let mut theirs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
            if !own.take(&name, &value)? {
                theirs.push(pair);
            }
        }
        let plain = match theirs.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", theirs.join("&")),
        };
        let mut config = Config::from_str(&plain)
            .map_err(|error| StorageError::Url(format!("that is no PostgreSQL URL: {}", cause(&error))))?;
        if config.get_hosts().is_empty() {
            return Err(StorageError::Url(
                "a PostgreSQL URL names a server: postgres://user@host/database".into(),
            ));
        }
        let tls = tls(&own)?;
        config.ssl_mode(match (&tls, own.sslmode.as_deref()) {
            (Tls::Off, _) => SslMode::Disable,
            (Tls::Encrypted, None | Some("prefer")) => SslMode::Prefer,
            _ => SslMode::Require,
        });
        config.keepalives(true).keepalives_idle(KEEPALIVE);
        config.connect_timeout(ms(own.connect_timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS)));
        if config.get_application_name().is_none() {
            config.application_name("chancery");
        }
        let pool_max = own.pool_max.unwrap_or(POOL_MAX).max(1);
        Ok(Settings {
            name: name(&config),
            config,
            tls,
            pool_max,
            pool_min: own.pool_min.unwrap_or(POOL_MIN).min(pool_max),
            pool_idle: ms(own.pool_idle_ms.unwrap_or(POOL_IDLE_MS)),
            acquire_timeout: ms(own.acquire_timeout_ms.unwrap_or(ACQUIRE_TIMEOUT_MS)),
            outcome_timeout: ms(own.outcome_timeout_ms.unwrap_or(OUTCOME_TIMEOUT_MS)),
            greeting: greeting(&own, durability),
        })
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn tls(own: &Own) -> Result<Tls, StorageError> {
    match own.sslmode.as_deref().unwrap_or("prefer") {
        "disable" => Ok(Tls::Off),
        "prefer" | "require" if own.sslrootcert.is_none() => Ok(Tls::Encrypted),
        "require" | "verify-full" => Ok(Tls::Verified(own.sslrootcert.clone())),
        "prefer" => Err(StorageError::Url("sslrootcert needs sslmode=verify-full".into())),
        other => Err(StorageError::Url(format!(
            "no sslmode \"{other}\"; write disable, prefer, require or verify-full"
        ))),
    }
}

/// What every connection is told first, so that a server or role with other defaults behaves the same.
fn greeting(own: &Own, durability: Durability) -> String {
    let statement = own.statement_timeout_ms.unwrap_or(STATEMENT_TIMEOUT_MS);
    let lock = own.lock_timeout_ms.unwrap_or(LOCK_TIMEOUT_MS);
    let synchronous = match durability {
        // Whatever the server was set to, at least its own disk; a stricter setting of the server stays.
        Durability::Full => {
            "SELECT set_config('synchronous_commit', 'on', false) \
                             WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        }
        Durability::Relaxed => "SET synchronous_commit = off",
    };
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {statement}; SET client_min_messages = warning; \
         SET default_transaction_isolation = 'read committed'; SET jit = off; {synchronous}"
    )
}

/// The server and database for people.
fn name(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| {
            let ports = config.get_ports();
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(path) => format!("{}:{port}", path.display()),
            }
        })
        .collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{database}", hosts.join(","))
}

/// The innermost cause of an error, which says most and repeats no URL.
fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Settings, StorageError> {
        Settings::parse(url, Durability::Full)
    }

    #[test]
    fn a_url_says_where_who_and_how() {
        let settings =
            parse("postgres://ann:s%40cret@db.example:5433/app?pool_max=3&statement_timeout_ms=7").unwrap();
        assert_eq!(settings.name, "postgres://db.example:5433/app");
        assert_eq!(settings.pool_max, 3);
        assert!(settings.greeting.contains("statement_timeout = 7;"));
        assert_eq!(settings.config.get_user(), Some("ann"));
        assert_eq!(settings.tls, Tls::Encrypted);
        let socket = parse("postgresql:///app?host=/run/pg&port=5444&sslmode=disable").unwrap();
        assert_eq!(
            (socket.name.as_str(), socket.tls),
            ("postgres:///run/pg:5444/app", Tls::Off)
        );
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for url in [
            "postgres://",
            "postgres:///app",
            "postgres://u:topsecret@h/d?pool_max=many",
            "postgres://u:topsecret@h/d?sslmode=maybe",
            "postgres://u:topsecret@h/d?nonsense=1",
            "postgres://u:topsecret@h:port/d",
        ] {
            match parse(url) {
                Err(StorageError::Url(text)) => assert!(!text.contains("topsecret"), "{text}"),
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn only_a_verified_connection_trusts_authorities() {
        let tls = |mode: &str| parse(&format!("postgres://h/d?sslmode={mode}")).unwrap().tls;
        assert_eq!(tls("require"), Tls::Encrypted);
        assert_eq!(tls("verify-full"), Tls::Verified(None));
        assert_eq!(
            tls("verify-full&sslrootcert=/ca.pem"),
            Tls::Verified(Some("/ca.pem".into()))
        );
    }
}
