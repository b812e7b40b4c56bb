//! Which commit touched a table last. It reads no records.

use chancery_model::TableId;
use deadpool_postgres::ClientWrapper;
use uuid::Uuid;

use super::fault::Pg;

/// The id that the newest commit that touched a table left; none if there is no such table. Asked before many a read, so
/// it is prepared once.
pub(super) async fn newest(client: &ClientWrapper, table: TableId) -> Pg<Option<Uuid>> {
    let statement = client
        .prepare_cached("SELECT state FROM definitions WHERE number = $1")
        .await?;
    let row = client.query_opt(&statement, &[&i64::from(table.0)]).await?;
    Ok(match row {
        Some(row) => Some(row.try_get(0)?),
        None => None,
    })
}
