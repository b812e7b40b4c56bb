//! From a URL to a backend. The list of backends lives here and nowhere else.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::cache::{CacheOptions, Cached};
use crate::error::StorageError;
use crate::seam::Backend;
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
/// [`StorageError::Url`] for an unknown scheme, or a shared cache where there is nobody to share it with; and whatever the
/// backend says of the file or server.
pub async fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn Backend>, StorageError> {
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
            "postgres" | "postgresql" => postgres(url, options).await,
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
