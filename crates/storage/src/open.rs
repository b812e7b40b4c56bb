//! From a URL to a backend. The list of backends lives here and nowhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StorageError;
use crate::part::{UNFINISHED_ID, UNFINISHED_KIND};
use crate::seam::{Backend, DocumentQuery};
use crate::{memory, postgres, sqlite};

/// How a backend is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// When a write is acknowledged.
    pub durability: Durability,
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
/// not exist.
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
    if url == "memory:" || url == "memory" {
        return Ok(Arc::new(memory::Memory::new()));
    }
    if let Some((scheme, path)) = url.split_once(':').filter(|(scheme, _)| scheme.len() > 1) {
        let path = path.strip_prefix("//").unwrap_or(path);
        return match scheme {
            "sqlite" if !path.is_empty() => {
                Ok(Arc::new(sqlite::Sqlite::open(Path::new(path), options).await?))
            }
            "sqlite" => Err(StorageError::Url(
                "a sqlite URL names a file: sqlite:app.db".into(),
            )),
            "postgres" | "postgresql" => Ok(Arc::new(postgres::Postgres::open(url, options).await?)),
            other => Err(StorageError::Url(format!(
                "no backend \"{other}\"; write memory:, sqlite:PATH or postgres://user@host/database"
            ))),
        };
    }
    Ok(Arc::new(sqlite::Sqlite::open(Path::new(url), options).await?))
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
