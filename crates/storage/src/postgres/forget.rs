//! Letting go of old parts of the change log, a small step at a time, each a transaction of its own. It decides nothing about
//! how much is kept.

use super::connection::Connection;
use super::fault::Pg;
use super::log::OLDEST;
use super::statement::Statement;

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
/// whole. If it fails the connection is to be let go.
pub(super) async fn step(client: &Connection, revision: u64) -> Pg<Forgotten> {
    client.batch_execute("BEGIN").await?;
    let number = async |sql: &str| Statement::new(sql).number(client).await;
    let newest = number("SELECT coalesce(max(revision), 0) FROM commits").await?;
    let kept = i64::try_from(revision).unwrap_or(i64::MAX).min(newest);
    let first = number(OLDEST).await?;
    let mut delete = Statement::new("DELETE FROM commits WHERE revision < ");
    delete.bind(kept.min(first.saturating_add(STEP_ROWS)));
    delete.execute(client).await?;
    let first = number(OLDEST).await?;
    let first_change = number("SELECT first_change FROM commits ORDER BY revision LIMIT 1").await?;
    let mut delete = Statement::new("DELETE FROM changes WHERE number < least(");
    delete
        .bind(first_change)
        .push(", (SELECT min(number) FROM changes) + ")
        .bind(STEP_ROWS)
        .push(")");
    let removed = delete.execute(client).await?;
    let mut left = Statement::new("SELECT count(*) FROM (SELECT 1 FROM changes WHERE number < ");
    left.bind(first_change).push(" LIMIT 1) AS rest");
    let left = left.number(client).await?;
    client.batch_execute("COMMIT").await?;
    Ok(Forgotten {
        removed,
        is_last: left == 0 && first >= kept,
    })
}
