//! What a URL says of a server: where it is, who asks, and every limit of the connections to it. It connects to nothing.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

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
/// How far a replica may be behind before nobody reads from it, in ms.
const LAG_MAX_MS: u64 = 10_000;

/// A server, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Where and who: each host that may be the server.
    pub(super) hosts: Vec<Config>,
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
    /// How long a connection to one host may take.
    pub(super) connect_timeout: Duration,
    /// How far a replica may be behind before nobody reads from it.
    pub(super) lag_max: Duration,
    /// How long the answer to a commit is looked for after its connection broke.
    pub(super) outcome_timeout: Duration,
    /// What every connection is told first.
    pub(super) greeting: String,
}

/// What the server is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The one that takes writes: of several hosts, whichever does so now.
    Primary,
    /// One that follows it.
    Replica,
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
    lag_max_ms: Option<u64>,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
    target_session_attrs: Option<String>,
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
            "lag_max_ms" => self.lag_max_ms = Some(number(name, value)?),
            "target_session_attrs" => self.target_session_attrs = Some(value.to_owned()),
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
    /// Reads `postgres://user:password@host:port/database?parameters`, where several hosts stand with commas between them.
    ///
    /// # Errors
    /// [`StorageError::Url`] if it is no such URL; the error does not repeat it, since it may hold a password.
    pub(super) fn parse(url: &str, durability: Durability) -> Result<Settings, StorageError> {
        Settings::read(url, durability, Role::Primary)
    }

    /// Reads the URL of a replica.
    ///
    /// # Errors
    /// As [`Settings::parse`].
    pub(super) fn parse_replica(url: &str) -> Result<Settings, StorageError> {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            let detail = "a replica's URL is written postgres://user@host/database";
            return Err(StorageError::Url(detail.into()));
        }
        Settings::read(url, Durability::Full, Role::Replica)
    }

    fn read(url: &str, durability: Durability, role: Role) -> Result<Settings, StorageError> {
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
        let connect_timeout = ms(own.connect_timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS));
        config.connect_timeout(connect_timeout);
        config.target_session_attrs(session(&own, role)?);
        if config.get_application_name().is_none() {
            config.application_name("chancery");
        }
        let pool_max = own.pool_max.unwrap_or(POOL_MAX).max(1);
        Ok(Settings {
            name: name(&config),
            hosts: hosts(&config),
            tls,
            pool_max,
            pool_min: own.pool_min.unwrap_or(POOL_MIN).min(pool_max),
            pool_idle: ms(own.pool_idle_ms.unwrap_or(POOL_IDLE_MS)),
            acquire_timeout: ms(own.acquire_timeout_ms.unwrap_or(ACQUIRE_TIMEOUT_MS)),
            connect_timeout,
            lag_max: ms(own.lag_max_ms.unwrap_or(LAG_MAX_MS)),
            outcome_timeout: ms(own.outcome_timeout_ms.unwrap_or(OUTCOME_TIMEOUT_MS)),
            greeting: greeting(&own, durability),
        })
    }
}

impl Settings {
    /// How long a connection may take if every host has to be tried.
    pub(super) fn connect_timeout_all(&self) -> Duration {
        let hosts = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        self.connect_timeout.saturating_mul(hosts.max(1))
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Which servers a connection may be to. Whoever writes must not end at a server that only follows, so that is the
/// rule for a primary whether the URL says so or not.
fn session(own: &Own, role: Role) -> Result<TargetSessionAttrs, StorageError> {
    match (role, own.target_session_attrs.as_deref()) {
        (Role::Primary, None | Some("read-write" | "primary")) => Ok(TargetSessionAttrs::ReadWrite),
        (Role::Primary, Some("any")) => Ok(TargetSessionAttrs::Any),
        (Role::Replica, None | Some("any")) => Ok(TargetSessionAttrs::Any),
        (Role::Replica, Some("read-only" | "standby")) => Ok(TargetSessionAttrs::ReadOnly),
        (role, Some(other)) => Err(StorageError::Url(format!(
            "target_session_attrs=\"{other}\" does not fit here; {}",
            match role {
                Role::Primary => "the server that is written to is read-write",
                Role::Replica => "a replica is any or read-only",
            }
        ))),
    }
}

/// Each host by itself, so that each gets its own time.
fn hosts(config: &Config) -> Vec<Config> {
    let (names, ports, addresses) = (config.get_hosts(), config.get_ports(), config.get_hostaddrs());
    let single = |(index, name): (usize, &Host)| {
        let mut one = Config::new();
        match name {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(path) => one.host_path(path),
        };
        one.port(ports.get(index).or(ports.first()).copied().unwrap_or(5432));
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(database) = config.get_dbname() {
            one.dbname(database);
        }
        if let Some(options) = config.get_options() {
            one.options(options);
        }
        if let Some(application) = config.get_application_name() {
            one.application_name(application);
        }
        if let Some(timeout) = config.get_connect_timeout() {
            one.connect_timeout(*timeout);
        }
        if let Some(timeout) = config.get_tcp_user_timeout() {
            one.tcp_user_timeout(*timeout);
        }
        one.ssl_mode(config.get_ssl_mode())
            .ssl_negotiation(config.get_ssl_negotiation())
            .channel_binding(config.get_channel_binding())
            .target_session_attrs(config.get_target_session_attrs())
            .keepalives(config.get_keepalives())
            .keepalives_idle(config.get_keepalives_idle());
        if let Some(interval) = config.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = config.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        one
    };
    names.iter().enumerate().map(single).collect()
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
        assert_eq!(settings.hosts[0].get_user(), Some("ann"));
        assert_eq!(settings.tls, Tls::Encrypted);
        let socket = parse("postgresql:///app?host=/run/pg&port=5444&sslmode=disable").unwrap();
        assert_eq!(
            (socket.name.as_str(), socket.tls),
            ("postgres:///run/pg:5444/app", Tls::Off)
        );
    }

    #[test]
    fn several_hosts_are_each_tried_and_only_for_writing() {
        let settings = parse("postgres://ann:pw@one:1,two:2/app?target_session_attrs=primary").unwrap();
        assert_eq!(settings.name, "postgres://one:1,two:2/app");
        let hosts: Vec<_> = settings
            .hosts
            .iter()
            .map(|host| (host.get_hosts(), host.get_ports()))
            .collect();
        let tcp = |name: &str| [Host::Tcp(name.into())];
        assert_eq!(
            hosts,
            [
                (tcp("one").as_slice(), [1].as_slice()),
                (tcp("two").as_slice(), [2].as_slice())
            ]
        );
        for host in &settings.hosts {
            assert_eq!((host.get_user(), host.get_dbname()), (Some("ann"), Some("app")));
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        }
        assert!(parse("postgres://h/d?target_session_attrs=read-only").is_err());
    }

    #[test]
    fn a_replica_may_be_behind_for_as_long_as_its_url_says() {
        let settings = Settings::parse_replica("postgres://h/d?lag_max_ms=250").unwrap();
        assert_eq!(settings.lag_max, Duration::from_millis(250));
        assert_eq!(
            settings.hosts[0].get_target_session_attrs(),
            TargetSessionAttrs::Any
        );
        assert!(Settings::parse_replica("sqlite:app.db").is_err());
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
