//! What a migration is, and whether a database may be brought to the newest schema. It runs nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::StorageError;

/// One step from a schema to the next, and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// From 1, without gaps.
    pub(crate) number: u32,
    /// What it does, in a word.
    pub(crate) name: &'static str,
    /// The statements that do it.
    pub(crate) up: &'static str,
    /// The statements that take it back.
    pub(crate) down: &'static str,
}

/// Where one migration stands in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its number.
    pub number: u32,
    /// What it does, in a word.
    pub name: String,
    /// When it was applied, in ms; none if it is still to come.
    pub applied_at: Option<i64>,
    /// Whether what was applied is what this program knows under its number.
    pub unchanged: bool,
}

impl Migration {
    /// Guards against a released file being edited by mistake.
    pub(crate) fn checksum(&self) -> String {
        format!("{:08x}", crc32fast::hash(self.up.as_bytes()))
    }

    /// Where it stands, given its checksum and time if it was applied.
    pub(crate) fn status(&self, applied: Option<(String, i64)>) -> MigrationStatus {
        let unchanged = applied
            .as_ref()
            .is_none_or(|(checksum, _)| *checksum == self.checksum());
        let applied_at = applied.map(|(_, at)| at);
        MigrationStatus {
            number: self.number,
            name: self.name.to_owned(),
            applied_at,
            unchanged,
        }
    }
}

/// Whether a database whose newest migration is `found` has some to come.
///
/// # Errors
/// [`StorageError::Newer`] if a newer program wrote it, [`StorageError::Damaged`] if a migration that was applied is not
/// the one that is known under its number.
pub(crate) fn is_behind(
    migrations: &[Migration],
    status: &[MigrationStatus],
    found: u32,
    place: &str,
) -> Result<bool, StorageError> {
    let known = migrations.last().map_or(0, |migration| migration.number);
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    if let Some(changed) = status.iter().find(|status| !status.unchanged) {
        let detail = format!("migration {} is not the one this program knows", changed.number);
        return Err(StorageError::Damaged {
            path: place.to_owned(),
            detail,
        });
    }
    Ok(found < known)
}

/// The time, in ms.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
