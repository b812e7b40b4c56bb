//! How much is cached, and where the shared level is. It connects to nothing.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use redis::IntoConnectionInfo;

use crate::error::StorageError;

/// What the cache of a process may hold if nothing is said, in bytes.
pub const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// An answer that took less than this to make is not worth its place, in microseconds.
const WORTH_US: u64 = 500;

/// How much is cached, and where the shared level is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// What this process may hold, in bytes as they are estimated; 0 holds nothing. The memory backend never holds any.
    pub bytes: u64,
    /// The level that several processes share. PostgreSQL only: nobody else has several processes.
    pub redis: Option<RedisUrl>,
    /// Only answers to queries that took this long to make are kept; zero keeps all of them.
    pub worth: Duration,
}

impl Default for CacheOptions {
    fn default() -> CacheOptions {
        CacheOptions {
            bytes: CACHE_BYTES,
            redis: None,
            worth: Duration::from_micros(WORTH_US),
        }
    }
}

impl CacheOptions {
    /// Nothing is cached.
    pub fn off() -> CacheOptions {
        CacheOptions {
            bytes: 0,
            ..CacheOptions::default()
        }
    }
}

/// Where a Redis server is: `redis://user:password@host:port/db`, or `rediss:` with TLS. It is shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl FromStr for RedisUrl {
    type Err = StorageError;

    /// # Errors
    /// [`StorageError::Url`] if it is no such URL; the error does not repeat it, since it may hold a password.
    fn from_str(url: &str) -> Result<RedisUrl, StorageError> {
        if !(url.starts_with("redis://") || url.starts_with("rediss://"))
            || url.into_connection_info().is_err()
        {
            return Err(StorageError::Url(
                "that is no Redis URL; write redis://HOST:PORT, or rediss:// for TLS".into(),
            ));
        }
        Ok(RedisUrl(url.to_owned()))
    }
}

impl RedisUrl {
    /// The URL with its password, for whoever connects.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str().into_connection_info() {
            Ok(info) => write!(f, "redis://{}/{}", info.addr(), info.redis_settings().db()),
            Err(_) => f.write_str("redis:"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let url: RedisUrl = "redis://ann:topsecret@cache.example:6380/2".parse().unwrap();
        assert_eq!(url.to_string(), "redis://cache.example:6380/2");
        let options = CacheOptions {
            redis: Some(url),
            ..CacheOptions::default()
        };
        assert!(!format!("{options:?}").contains("topsecret"));
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for url in [
            "cache.example",
            "http://u:topsecret@h",
            "redis://u:topsecret@h:port/",
            "redis://h/x",
        ] {
            match url.parse::<RedisUrl>() {
                Err(StorageError::Url(text)) => assert!(!text.contains("topsecret"), "{text}"),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
