//! Letting go of old parts of the change log, a small step at a time. It decides nothing about how much is kept.

use rusqlite::Connection;

use super::fault::Sql;

/// Most commits, and most changes, that go in one step.
const STEP_ROWS: i64 = 1_000;

/// One step of letting go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forgotten {
    /// How many changes went.
    pub(super) removed: u64,
    /// Whether nothing is left to go.
    pub(super) is_last: bool,
}

/// Does one step before a revision. Commits go before their changes, so that a log that is left in between does not pass for
/// whole.
pub(super) fn step(connection: &Connection, revision: u64) -> Sql<Forgotten> {
    let newest: i64 = connection.query_row("SELECT coalesce(max(revision), 0) FROM commits", [], |row| {
        row.get(0)
    })?;
    let kept = i64::try_from(revision).unwrap_or(i64::MAX).min(newest);
    let oldest = || -> Sql<(i64, i64)> {
        let sql = "SELECT coalesce(min(revision), 0), \
                   coalesce((SELECT first_change FROM commits ORDER BY revision LIMIT 1), 0) FROM commits";
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let (first, _) = oldest()?;
    let mut delete = connection.prepare_cached("DELETE FROM commits WHERE revision < ?")?;
    delete.execute([kept.min(first.saturating_add(STEP_ROWS))])?;
    let (first, first_change) = oldest()?;
    let mut delete = connection.prepare_cached(
        "DELETE FROM changes WHERE number < min(?1, (SELECT min(number) FROM changes) + ?2)",
    )?;
    let removed = delete.execute((first_change, STEP_ROWS))?;
    let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE number < ?)";
    let left: bool = connection
        .prepare_cached(sql)?
        .query_row([first_change], |row| row.get(0))?;
    Ok(Forgotten {
        removed: removed as u64,
        is_last: !left && first >= kept,
    })
}
