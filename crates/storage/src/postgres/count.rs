//! How many records a plan has, exactly or about, and the sizes of a table.

use chancery_model::Json;
use chancery_model::query::plan::{Plan, Window};

use super::connection::Connection;
use super::fault::Pg;
use super::read::{snapshot, walk};
use super::relation::Relation;
use super::rows::unreadable;
use super::select::{conditions, selection};
use super::statement::Statement;
use crate::seam::{CountMode, TableStats};

/// Up to this many rows everything is counted exactly.
const EXACT_ROWS_MAX: i64 = 20_000;

/// How many records a plan has, its window aside.
pub(super) async fn count(
    client: &mut Connection,
    relation: &Relation,
    plan: &Plan,
    searched: Option<&str>,
    mode: CountMode,
) -> Pg<u64> {
    let mut counted = Statement::new("SELECT count(*) FROM ");
    counted.push(&relation.name);
    conditions(plan, relation, searched, &mut counted);
    if mode == CountMode::Estimated && plan.search.is_none() && is_large(client, relation).await? {
        return estimate(client, relation, plan).await;
    }
    if !counted.recheck {
        return Ok(u64::try_from(counted.number(client).await?).unwrap_or_default());
    }
    let everything = Plan {
        window: Window::All,
        sort: Vec::new(),
        ..plan.clone()
    };
    let snapshot = snapshot(client).await?;
    let mut found = 0;
    for part in &selection(&everything, relation, searched).parts {
        walk(&snapshot, relation, part, |record| {
            found += u64::from(plan.admits(&record));
            true
        })
        .await?;
    }
    Ok(found)
}

async fn is_large(client: &Connection, relation: &Relation) -> Pg<bool> {
    let mut some = Statement::new("SELECT count(*) FROM (SELECT 1 FROM ");
    some.push(&relation.name)
        .push(" LIMIT ")
        .bind(EXACT_ROWS_MAX + 1)
        .push(") AS first_rows");
    Ok(some.number(client).await? > EXACT_ROWS_MAX)
}

/// What the server's own statistics say.
async fn estimate(client: &Connection, relation: &Relation, plan: &Plan) -> Pg<u64> {
    let mut explain = Statement::new("EXPLAIN (FORMAT JSON) SELECT 1 FROM ");
    explain.push(&relation.name);
    conditions(plan, relation, None, &mut explain);
    // The server gives the plan as JSON; as text it needs no type of its own.
    let rows = client
        .query_typed(&explain.sql, &super::statement::typed(&explain.params))
        .await?;
    let text: JsonText = match rows.first() {
        Some(row) => row.try_get(0)?,
        None => return Ok(0),
    };
    let json: Json = serde_json::from_str(&text.0).map_err(unreadable)?;
    let rows = json.pointer("/0/Plan/Plan Rows").and_then(Json::as_f64);
    Ok(rows.unwrap_or_default() as u64)
}

/// JSON as its text.
struct JsonText(String);

impl<'a> tokio_postgres::types::FromSql<'a> for JsonText {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        bytes: &'a [u8],
    ) -> Result<JsonText, Box<dyn std::error::Error + Sync + Send>> {
        Ok(JsonText(std::str::from_utf8(bytes)?.to_owned()))
    }

    fn accepts(ty: &tokio_postgres::types::Type) -> bool {
        *ty == tokio_postgres::types::Type::JSON
    }
}

/// Sizes of a table.
pub(super) async fn stats(client: &Connection, relation: &Relation) -> Pg<TableStats> {
    let mut sizes = Statement::new("SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at), ");
    sizes
        .push("(SELECT touched_at FROM definitions WHERE number = ")
        .bind(i64::from(relation.table.number.0))
        .push(") FROM ")
        .push(&relation.name);
    let rows = sizes.rows(client).await?;
    let Some(row) = rows.first() else {
        return Ok(TableStats::default());
    };
    Ok(TableStats {
        live: row.try_get::<_, i64>(0)? as u64,
        trash: row.try_get::<_, i64>(1)? as u64,
        last_change_at: row.try_get(2)?,
    })
}
