//! Numbered migrations of what is kept beside the records. Relations of tables change online and are no business of
//! this file.
//!
//! # To add a migration
//! 1. Write `migrations/NNNN_name.up.sql` and `.down.sql`.
//! 2. Add its line to [`MIGRATIONS`]. Never change one that was released: its checksum is kept in every database.

use tokio_postgres::Client;

use super::fault::{Fault, Pg};
use super::pool::Pools;
use super::settings::Settings;
use super::statement::{Param, Statement};
use crate::error::StorageError;
use crate::migration::{self, Migration, MigrationStatus, now};
use crate::open::Durability;

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
        name: "state",
        up: include_str!("migrations/0002_state.up.sql"),
        down: include_str!("migrations/0002_state.down.sql"),
    },
    Migration {
        number: 3,
        name: "history",
        up: include_str!("migrations/0003_history.up.sql"),
        down: include_str!("migrations/0003_history.down.sql"),
    },
];

/// The advisory lock of whoever migrates: "CHNCmigr" in letters.
const MIGRATION_LOCK: i64 = 0x4348_4e43_6d69_6772;
/// How long one waits for another who migrates, in ms.
const MIGRATION_WAIT_MS: u64 = 120_000;

/// Where every known migration stands.
///
/// # Errors
/// [`StorageError::Unavailable`] or [`StorageError::Denied`] if the server cannot be asked.
pub async fn status(url: &str) -> Result<Vec<MigrationStatus>, StorageError> {
    visit(url, async |client, _| read_status(client, MIGRATIONS).await).await
}

/// The statements that [`up`] would run, one text for each migration to come.
///
/// # Errors
/// As [`status`].
pub async fn plan(url: &str) -> Result<Vec<String>, StorageError> {
    let pending = status(url)
        .await?
        .into_iter()
        .filter(|status| status.applied_at.is_none());
    let text = |number: u32| MIGRATIONS.iter().find(|migration| migration.number == number);
    Ok(pending
        .filter_map(|status| text(status.number))
        .map(|migration| migration.up.to_owned())
        .collect())
}

/// Applies every migration to come and answers those it applied. Makes no backup: that is the server's business.
///
/// # Errors
/// [`StorageError::Newer`] if a newer program wrote the database; otherwise as [`status`].
pub async fn up(url: &str) -> Result<Vec<MigrationStatus>, StorageError> {
    visit(url, async |client, name| {
        let before = read_status(client, MIGRATIONS).await?;
        apply(client, name, MIGRATIONS).await?;
        let after = read_status(client, MIGRATIONS).await?;
        let was_pending = |number: u32| {
            before
                .iter()
                .any(|old| old.number == number && old.applied_at.is_none())
        };
        Ok(after.into_iter().filter(|new| was_pending(new.number)).collect())
    })
    .await
}

/// Takes the newest applied migration back and answers which it was.
///
/// # Errors
/// [`StorageError::Internal`] if tables would be lost with it; otherwise as [`status`].
pub async fn down(url: &str) -> Result<Option<MigrationStatus>, StorageError> {
    visit(url, async |client, name| revert(client, name, MIGRATIONS).await).await
}

async fn visit<T>(url: &str, work: impl AsyncFnOnce(&Client, &str) -> Pg<T>) -> Result<T, StorageError> {
    let pools = Pools::new(Settings::parse(url, Durability::Full)?)?;
    let outward = |fault: Fault| fault.outward(pools.name());
    let client = pools.writer().await.map_err(outward)?;
    let result = work(&client, pools.name()).await;
    drop(client);
    pools.close_readers();
    pools.close_writer();
    result.map_err(outward)
}

/// Brings a database to the newest schema, in one transaction under a lock: of several programs that start at once one
/// migrates, and the others find it done.
pub(super) async fn apply(client: &Client, place: &str, migrations: &[Migration]) -> Pg<()> {
    // Most starts find nothing to do, and need no lock and no right to make tables.
    let status = read_status(client, migrations).await?;
    let found = newest(client).await?;
    if !migration::is_behind(migrations, &status, found, place)? {
        return Ok(());
    }
    in_lock(client, async || {
        let found = newest(client).await?;
        let status = read_status(client, migrations).await?;
        if !migration::is_behind(migrations, &status, found, place)? {
            return Ok(());
        }
        client
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS chancery_migrations (number bigint PRIMARY KEY, name text NOT NULL, \
                 checksum text NOT NULL, applied_at bigint NOT NULL)",
            )
            .await?;
        for migration in migrations.iter().filter(|migration| migration.number > found) {
            client.batch_execute(migration.up).await?;
            let mut insert =
                Statement::new("INSERT INTO chancery_migrations (number, name, checksum, applied_at) VALUES (");
            insert.bind(i64::from(migration.number)).push(", ").bind(migration.name).push(", ");
            insert.bind(migration.checksum()).push(", ").bind(now()).push(")");
            insert.execute(client).await?;
        }
        Ok(())
    })
    .await
}

/// Takes the newest applied migration back.
async fn revert(client: &Client, place: &str, migrations: &[Migration]) -> Pg<Option<MigrationStatus>> {
    in_lock(client, async || {
        let found = newest(client).await?;
        let status = read_status(client, migrations).await?;
        migration::is_behind(migrations, &status, found, place)?;
        let last = status
            .into_iter()
            .rev()
            .find(|status| status.applied_at.is_some());
        let Some((last, migration)) = last.and_then(|last| {
            let migration = migrations
                .iter()
                .find(|migration| migration.number == last.number)?;
            Some((last, migration))
        }) else {
            return Ok(None);
        };
        if migration.number == 1 {
            let tables = Statement::new("SELECT count(*) FROM definitions")
                .number(client)
                .await?;
            if tables > 0 {
                let what = format!("{tables} table(s) would be lost; drop them first, or drop the database");
                return Err(StorageError::Internal(what).into());
            }
        }
        client.batch_execute(migration.down).await?;
        let mut delete = Statement::new("DELETE FROM chancery_migrations WHERE number = ");
        delete.bind(i64::from(migration.number)).execute(client).await?;
        Ok(Some(last))
    })
    .await
}

/// Works in a transaction that nobody else who migrates is in.
async fn in_lock<T>(client: &Client, work: impl AsyncFnOnce() -> Pg<T>) -> Pg<T> {
    client
        .batch_execute(&format!(
            "BEGIN; SET LOCAL lock_timeout = {MIGRATION_WAIT_MS}; SET LOCAL statement_timeout = 0; \
             SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
        ))
        .await?;
    let result = work().await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).await;
    let value = result?;
    ended?;
    Ok(value)
}

async fn exists(client: &Client) -> Pg<bool> {
    let found =
        Statement::new("SELECT count(*) FROM pg_class WHERE oid = to_regclass('chancery_migrations')");
    Ok(found.number(client).await? > 0)
}

/// The number of the newest applied migration.
async fn newest(client: &Client) -> Pg<u32> {
    if !exists(client).await? {
        return Ok(0);
    }
    let newest = Statement::new("SELECT coalesce(max(number), 0) FROM chancery_migrations");
    Ok(u32::try_from(newest.number(client).await?).unwrap_or(u32::MAX))
}

async fn read_status(client: &Client, migrations: &[Migration]) -> Pg<Vec<MigrationStatus>> {
    if !exists(client).await? {
        return Ok(migrations
            .iter()
            .map(|migration| migration.status(None))
            .collect());
    }
    let mut all =
        Statement::new("SELECT number, checksum, applied_at FROM chancery_migrations WHERE number = ANY(");
    let numbers = migrations.iter().map(|migration| i64::from(migration.number));
    let rows = all
        .bind(Param::Ints(numbers.collect()))
        .push(")")
        .rows(client)
        .await?;
    let mut status = Vec::with_capacity(migrations.len());
    for migration in migrations {
        let mut applied = None;
        for row in &rows {
            if row.try_get::<_, i64>(0)? == i64::from(migration.number) {
                applied = Some((row.try_get(1)?, row.try_get(2)?));
            }
        }
        status.push(migration.status(applied));
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::database;

    const NEXT: &[Migration] = &[
        MIGRATIONS[0],
        MIGRATIONS[1],
        MIGRATIONS[2],
        Migration {
            number: 4,
            name: "next",
            up: "CREATE TABLE next (a bigint); INSERT INTO next VALUES (1);",
            down: "DROP TABLE next;",
        },
    ];

    /// Works in a database of its own.
    async fn in_database(work: impl AsyncFnOnce(&str, &Client)) {
        let server = std::env::var("CHANCERY_TEST_POSTGRES")
            .expect("this test needs a PostgreSQL server: run `cargo xtask test`, which starts one");
        let name = format!("migrate_{}", uuid::Uuid::new_v4().simple());
        let url = database::create(&server, &name).await.unwrap();
        let pools = Pools::new(Settings::parse(&url, Durability::Full).unwrap()).unwrap();
        let client = pools.writer().await.unwrap();
        work(&url, &client).await;
        drop(client);
        database::remove(&server, &name).await.unwrap();
    }

    async fn has_next(client: &Client) -> bool {
        let found = Statement::new("SELECT count(*) FROM pg_class WHERE oid = to_regclass('next')");
        found.number(client).await.unwrap() > 0
    }

    #[tokio::test]
    async fn a_database_goes_up_and_down() {
        in_database(async |url, client| {
            assert_eq!(plan(url).await.unwrap().len(), MIGRATIONS.len());
            assert_eq!(up(url).await.unwrap().len(), MIGRATIONS.len());
            apply(client, "here", NEXT).await.unwrap();
            assert_eq!(newest(client).await.unwrap(), 4);
            assert_eq!(revert(client, "here", NEXT).await.unwrap().unwrap().name, "next");
            assert_eq!(newest(client).await.unwrap(), 3);
            assert!(!has_next(client).await);
            let status = status(url).await.unwrap();
            assert!(
                status
                    .iter()
                    .all(|status| status.applied_at.is_some() && status.unchanged)
            );
            for number in [3, 2, 1] {
                assert_eq!(down(url).await.unwrap().unwrap().number, number);
                assert_eq!(newest(client).await.unwrap(), number - 1);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_failing_migration_leaves_the_database_as_it_was() {
        in_database(async |url, client| {
            up(url).await.unwrap();
            let broken = Migration {
                up: "CREATE TABLE next (a bigint); SELECT nonsense;",
                ..NEXT[3]
            };
            assert!(
                apply(client, "here", &[NEXT[0], NEXT[1], NEXT[2], broken])
                    .await
                    .is_err()
            );
            assert!(!has_next(client).await);
            assert_eq!(newest(client).await.unwrap(), 3);
        })
        .await;
    }

    #[tokio::test]
    async fn a_newer_database_and_a_changed_migration_are_refused() {
        in_database(async |_, client| {
            apply(client, "here", NEXT).await.unwrap();
            let newer = apply(client, "here", MIGRATIONS).await;
            assert!(
                matches!(
                    newer,
                    Err(Fault::Storage(StorageError::Newer { found: 4, known: 3 }))
                ),
                "{newer:?}"
            );
            let changed = Migration {
                up: "CREATE TABLE other (a bigint);",
                ..NEXT[3]
            };
            let changed = apply(client, "here", &[NEXT[0], NEXT[1], NEXT[2], changed]).await;
            assert!(
                matches!(changed, Err(Fault::Storage(StorageError::Damaged { .. }))),
                "{changed:?}"
            );
        })
        .await;
    }
}
