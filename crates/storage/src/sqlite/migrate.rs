//! Numbered migrations of what is kept beside the records. Relations of tables change online and are no business of
//! this file.
//!
//! # To add a migration
//! 1. Write `migrations/NNNN_name.up.sql` and `.down.sql`.
//! 2. Add its line to [`MIGRATIONS`]. Never change one that was released: its checksum is kept in every file.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connect::{self, APPLICATION_ID};
use super::fault::{Sql, outward};
use super::lock::{Lock, beside};
use crate::error::StorageError;
pub use crate::migration::MigrationStatus;
use crate::migration::{self, Migration, now};

/// Every migration, in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        up: include_str!("migrations/0001_base.up.sql"),
        down: include_str!("migrations/0001_base.down.sql"),
    },
    Migration {
        number: 2,
        name: "history",
        up: include_str!("migrations/0002_history.up.sql"),
        down: include_str!("migrations/0002_history.down.sql"),
    },
];

/// Where every known migration stands. A file that does not exist is not made.
///
/// # Errors
/// [`StorageError::Damaged`] if the file is no Chancery database.
pub fn status(path: &Path) -> Result<Vec<MigrationStatus>, StorageError> {
    if !path.exists() {
        return Ok(MIGRATIONS
            .iter()
            .map(|migration| migration.status(None))
            .collect());
    }
    let connection = connect::visitor(path, crate::Durability::Full).map_err(|error| outward(error, path))?;
    read_status(&connection, MIGRATIONS).map_err(|error| outward(error, path))
}

/// The statements that [`up`] would run, one text for each migration to come.
///
/// # Errors
/// As [`status`].
pub fn plan(path: &Path) -> Result<Vec<String>, StorageError> {
    let pending = status(path)?
        .into_iter()
        .filter(|status| status.applied_at.is_none());
    let text = |number: u32| MIGRATIONS.iter().find(|migration| migration.number == number);
    Ok(pending
        .filter_map(|status| text(status.number))
        .map(|migration| migration.up.to_owned())
        .collect())
}

/// Applies every migration to come, after a copy of the file if it exists, and answers those it applied.
///
/// # Errors
/// [`StorageError::Locked`] while a server has the file, [`StorageError::Newer`] if a newer program wrote it.
pub fn up(path: &Path) -> Result<Vec<MigrationStatus>, StorageError> {
    let _lock = Lock::take(path)?;
    let connection = connect::writer(path, crate::Durability::Full).map_err(|error| outward(error, path))?;
    let before = read_status(&connection, MIGRATIONS).map_err(|error| outward(error, path))?;
    apply(&connection, path, MIGRATIONS)?;
    let after = read_status(&connection, MIGRATIONS).map_err(|error| outward(error, path))?;
    let was_pending = |number: u32| {
        before
            .iter()
            .any(|old| old.number == number && old.applied_at.is_none())
    };
    Ok(after.into_iter().filter(|new| was_pending(new.number)).collect())
}

/// Takes the newest applied migration back, after a copy of the file, and answers which it was.
///
/// # Errors
/// [`StorageError::Locked`] while a server has the file; [`StorageError::Internal`] if tables would be lost with it.
pub fn down(path: &Path) -> Result<Option<MigrationStatus>, StorageError> {
    let _lock = Lock::take(path)?;
    let connection = connect::writer(path, crate::Durability::Full).map_err(|error| outward(error, path))?;
    revert(&connection, path, MIGRATIONS)
}

/// Brings a file to the newest schema, in one transaction, so that it is at the old one or the new one and never
/// between. The caller holds the lock of the file.
pub(super) fn apply(
    connection: &Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<(), StorageError> {
    let sql = |error: rusqlite::Error| outward(error, path);
    check_owner(connection, path)?;
    let status = read_status(connection, migrations).map_err(sql)?;
    let found = newest(connection).map_err(sql)?;
    if !migration::is_behind(migrations, &status, found, &path.display().to_string())? {
        return Ok(());
    }
    if found > 0 {
        copy(connection, path, found).map_err(sql)?;
    }
    let run = || -> Sql<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, \
             checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)",
        )?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        for migration in migrations.iter().filter(|migration| migration.number > found) {
            connection.execute_batch(migration.up)?;
            connection.execute(
                "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.checksum(), now()),
            )?;
        }
        connection.execute_batch("COMMIT")
    };
    run().map_err(|error| {
        let _ = connection.execute_batch("ROLLBACK");
        sql(error)
    })
}

/// Takes the newest applied migration back. The caller holds the lock of the file.
fn revert(
    connection: &Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<Option<MigrationStatus>, StorageError> {
    let sql = |error: rusqlite::Error| outward(error, path);
    check_owner(connection, path)?;
    let status = read_status(connection, migrations).map_err(sql)?;
    let Some(last) = status
        .into_iter()
        .rev()
        .find(|status| status.applied_at.is_some())
    else {
        return Ok(None);
    };
    let migration = migrations
        .iter()
        .find(|migration| migration.number == last.number)
        .expect("a status is made from a migration");
    if migration.number == 1 {
        let tables = "SELECT count(*) FROM documents WHERE kind = 'table'";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(sql)?;
        if tables > 0 {
            let what = format!("{tables} table(s) would be lost; drop them first, or remove the file");
            return Err(StorageError::Internal(what));
        }
    }
    copy(connection, path, migration.number).map_err(sql)?;
    let run = || -> Sql<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(migration.down)?;
        connection.execute("DELETE FROM migrations WHERE number = ?", [migration.number])?;
        connection.execute_batch("COMMIT")
    };
    run().map_err(|error| {
        let _ = connection.execute_batch("ROLLBACK");
        sql(error)
    })?;
    Ok(Some(last))
}

/// Refuses a database that somebody else made.
fn check_owner(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let owner = || -> Sql<(i32, i64)> {
        let id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let objects = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        Ok((id, objects))
    };
    let (id, objects) = owner().map_err(|error| outward(error, path))?;
    if id == APPLICATION_ID || id == 0 && objects == 0 {
        return Ok(());
    }
    let detail = "it is a SQLite database of another program; name another file".to_owned();
    Err(StorageError::Damaged {
        path: path.display().to_string(),
        detail,
    })
}

/// The number of the newest applied migration.
fn newest(connection: &Connection) -> Sql<u32> {
    if !connection.table_exists(None, "migrations")? {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |row| {
        row.get(0)
    })
}

fn read_status(connection: &Connection, migrations: &[Migration]) -> Sql<Vec<MigrationStatus>> {
    use rusqlite::OptionalExtension;
    if !connection.table_exists(None, "migrations")? {
        return Ok(migrations
            .iter()
            .map(|migration| migration.status(None))
            .collect());
    }
    let mut find = connection.prepare("SELECT checksum, applied_at FROM migrations WHERE number = ?")?;
    let status = migrations.iter().map(|migration| {
        let applied = find
            .query_row([migration.number], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(migration.status(applied))
    });
    status.collect()
}

/// Copies the file beside itself before its schema changes, and says where.
fn copy(connection: &Connection, path: &Path, schema: u32) -> Sql<PathBuf> {
    let copy = beside(path, &format!("schema-{schema}-{}", now()));
    connection.execute("VACUUM INTO ?", [copy.display().to_string()])?;
    tracing::info!(copy = %copy.display(), "copied the database before a migration");
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &[Migration] = &[
        MIGRATIONS[0],
        MIGRATIONS[1],
        Migration {
            number: 3,
            name: "next",
            up: "CREATE TABLE next (a); INSERT INTO next VALUES (1);",
            down: "DROP TABLE next;",
        },
    ];

    fn copies(folder: &Path) -> usize {
        let names = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().contains(".schema-"))
            .count()
    }

    #[test]
    fn a_file_goes_up_and_down_with_a_copy_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        assert_eq!(plan(&path).unwrap().len(), MIGRATIONS.len());
        assert!(!path.exists(), "asking makes no file");
        assert_eq!(up(&path).unwrap().len(), MIGRATIONS.len());
        assert_eq!(copies(folder.path()), 0, "a new file needs no copy");
        let connection = connect::writer(&path, crate::Durability::Full).unwrap();
        apply(&connection, &path, NEXT).unwrap();
        assert_eq!(copies(folder.path()), 1);
        assert_eq!(newest(&connection).unwrap(), 3);
        assert_eq!(revert(&connection, &path, NEXT).unwrap().unwrap().name, "next");
        assert_eq!(newest(&connection).unwrap(), 2);
        assert!(!connection.table_exists(None, "next").unwrap());
        assert!(
            status(&path)
                .unwrap()
                .iter()
                .all(|status| status.applied_at.is_some() && status.unchanged)
        );
    }

    #[test]
    fn a_failing_migration_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        up(&path).unwrap();
        let connection = connect::writer(&path, crate::Durability::Full).unwrap();
        let broken = Migration {
            up: "CREATE TABLE next (a); SELECT nonsense;",
            ..NEXT[2]
        };
        assert!(apply(&connection, &path, &[NEXT[0], NEXT[1], broken]).is_err());
        assert!(!connection.table_exists(None, "next").unwrap());
        assert_eq!(newest(&connection).unwrap(), 2);
    }

    #[test]
    fn a_newer_file_and_a_changed_migration_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let connection = connect::writer(&path, crate::Durability::Full).unwrap();
        apply(&connection, &path, NEXT).unwrap();
        let newer = apply(&connection, &path, MIGRATIONS);
        assert!(
            matches!(newer, Err(StorageError::Newer { found: 3, known: 2 })),
            "{newer:?}"
        );
        let changed = Migration {
            up: "CREATE TABLE other (a);",
            ..NEXT[2]
        };
        assert!(matches!(
            apply(&connection, &path, &[NEXT[0], NEXT[1], changed]),
            Err(StorageError::Damaged { .. })
        ));
    }

    #[test]
    fn a_database_of_another_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE theirs (a)")
            .unwrap();
        let refused = up(&path);
        assert!(
            matches!(refused, Err(StorageError::Damaged { .. })),
            "{refused:?}"
        );
    }
}
