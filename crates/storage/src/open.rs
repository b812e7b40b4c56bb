//! From a URL to a backend. The list of backends lives here and nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::{CacheOptions, Cached};
use crate::error::StorageError;
use crate::part::{UNFINISHED_ID, UNFINISHED_KIND};
use crate::seam::{Backend, DocumentQuery};
use crate::{memory, postgres, sqlite};

/// How a backend is opened.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// When a write is acknowledged.
    pub durability: Durability,
    /// How much is cached, and where the level is that several processes share.
    pub cache: CacheOptions,
    /// The URLs of servers that follow the one that is opened, for reads; PostgreSQL only.
    pub replicas: Vec<String>,
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        out.debug_struct("OpenOptions")
            .field("durability", &self.durability)
            .field("cache", &self.cache)
            .field("replicas", &self.replicas.len())
            .finish()
    }
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When it is on the disk: survives a power cut.
    #[default]
    Full,
    /// When the operating system has it: survives the end of the process; a power cut may lose the last moments.
    Relaxed,
}

/// Opens `memory:`, `sqlite:PATH` (a bare path is SQLite too) or `postgres://user@host/database`, making the tables that do
/// not exist. SQLite and PostgreSQL have a cache in front unless it is turned off; memory needs none.
///
/// # Errors
/// [`StorageError::Url`] for an unknown scheme, [`StorageError::Unfinished`] if a move or restore into it was broken off,
/// and whatever the backend says of the file or server.
pub async fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn Backend>, StorageError> {
    let backend = open_to_fill(url, options).await?;
    let mark = DocumentQuery::Id {
        kind: UNFINISHED_KIND.into(),
        id: UNFINISHED_ID.into(),
    };
    if backend.documents(mark).await?.is_empty() {
        return Ok(backend);
    }
    backend.close().await?;
    Err(StorageError::Unfinished { place: place(url) })
}

/// Opens what is to be filled, also if an earlier filling was broken off.
///
/// # Errors
/// As [`open`], [`StorageError::Unfinished`] aside.
pub async fn open_to_fill(url: &str, options: OpenOptions) -> Result<Arc<dyn Backend>, StorageError> {
    let has_replicas = url.starts_with("postgres:") || url.starts_with("postgresql:");
    if !(options.replicas.is_empty() || has_replicas) {
        let detail = "only a PostgreSQL server has replicas: postgres://user@host/database";
        return Err(StorageError::Url(detail.into()));
    }
    if url == "memory:" || url == "memory" {
        refuse_shared(&options)?;
        return Ok(Arc::new(memory::Memory::new()));
    }
    if let Some((scheme, path)) = url.split_once(':').filter(|(scheme, _)| scheme.len() > 1) {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match scheme {
            "sqlite" if !path.is_empty() => sqlite(Path::new(path), options).await,
            "sqlite" => Err(StorageError::Url(
                "a sqlite URL names a file: sqlite:app.db".into(),
            )),
            // Boxed: the futures of drivers nest deep, and would be part of those of every program that opens a store.
            "postgres" | "postgresql" => Box::pin(postgres(url, options)).await,
            other => Err(StorageError::Url(format!(
                "no backend \"{other}\"; write memory:, sqlite:PATH or postgres://user@host/database"
            ))),
        };
    }
    sqlite(Path::new(url), options).await
}

/// Its lock keeps other processes out, so the cache needs to ask nobody.
async fn sqlite(path: &Path, options: OpenOptions) -> Result<Arc<dyn Backend>, StorageError> {
    refuse_shared(&options)?;
    let cache = options.cache.clone();
    let backend = Arc::new(sqlite::Sqlite::open(path, options).await?);
    Ok(match cache.bytes {
        0 => backend,
        _ => Arc::new(Cached::alone(backend, &cache)),
    })
}

async fn postgres(url: &str, options: OpenOptions) -> Result<Arc<dyn Backend>, StorageError> {
    let cache = options.cache.clone();
    let backend = Arc::new(postgres::Postgres::open(url, options).await?);
    if cache.bytes == 0 && cache.redis.is_none() {
        return Ok(backend);
    }
    Ok(Arc::new(Cached::among_others(backend, &cache).await?))
}

fn refuse_shared(options: &OpenOptions) -> Result<(), StorageError> {
    match options.cache.redis {
        None => Ok(()),
        Some(_) => Err(StorageError::Url(
            "only a PostgreSQL database can have a shared cache (redis): no other process has this one open"
                .into(),
        )),
    }
}

/// The file of a URL; none for what is kept in memory or on a server.
pub fn file(url: &str) -> Option<PathBuf> {
    if url == "memory:" || url == "memory" {
        return None;
    }
    match url.split_once(':').filter(|(scheme, _)| scheme.len() > 1) {
        Some(("sqlite", path)) => Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path))),
        Some(_) => None,
        None => Some(PathBuf::from(url)),
    }
}

/// A URL for people: without a password and without options, which may hold one.
pub fn place(url: &str) -> String {
    let Some((scheme, rest)) = url
        .split_once("://")
        .filter(|(scheme, _)| scheme.starts_with("postgres"))
    else {
        return url.strip_prefix("sqlite:").unwrap_or(url).to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    format!("{scheme}://{server}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_in_the_place_of_a_url() {
        let check = |url: &str, expected: &str| assert_eq!(place(url), expected);
        check("postgres://u:se@cret@h:1/a?password=x", "postgres://u@h:1/a");
        check("postgres://h/a", "postgres://h/a");
        check("postgresql://u:p@h", "postgresql://u@h/");
        check("sqlite:data/app.db", "data/app.db");
        check("memory:", "memory:");
    }
}
