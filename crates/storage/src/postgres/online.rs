//! Indexes of tables that hold many records are built beside the writers, before the commit that declares them; the commit
//! then finds them there. Constraints are not: what keeps values unique must hold from the moment it is declared.

use chancery_model::Table;
use tokio_postgres::Client;

use super::connection::Connector;
use super::ddl;
use super::fault::Pg;
use super::pool::Pools;
use super::relation::Relation;
use super::statement::{Param, Statement};
use crate::batch::{Batch, Mode, SchemaWrite, Write};
use crate::error::StorageError;

/// Tables smaller than this are indexed in the commit itself: that takes less time than two passes do.
const BESIDE_FROM_BYTES: i64 = 8 * 1024 * 1024;

/// What is there under the name of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Missing,
    /// What an interrupted build has left: it serves nobody.
    Broken,
    /// The index.
    Ready,
}

/// Builds what a batch will need and can be built before.
///
/// # Errors
/// As the server says it; an index that was not finished is removed.
pub(super) async fn build(pools: &Pools, batch: &Batch) -> Result<(), StorageError> {
    if batch.mode != Mode::Apply {
        return Ok(());
    }
    for write in &batch.writes {
        if let Write::Schema(SchemaWrite::Change { before, after }) = write {
            build_new(pools, before, after)
                .await
                .map_err(|fault| fault.outward(pools.name()))?;
        }
    }
    Ok(())
}

async fn build_new(pools: &Pools, before: &std::sync::Arc<Table>, after: &std::sync::Arc<Table>) -> Pg<()> {
    let (old, new) = (Relation::new(before.clone()), Relation::new(after.clone()));
    if !ddl::add_columns(&old, &new).is_empty() {
        // A column that is not there yet has no values either.
        return Ok(());
    }
    let fresh = missing(&old, &new);
    if fresh.is_empty() {
        return Ok(());
    }
    let connector = Connector::new(&pools.settings, pools.settings.greeting.clone())?;
    let client = connector.connect().await?;
    let mut size = Statement::new("SELECT coalesce(pg_relation_size(to_regclass(");
    size.bind(Param::text(Some(&new.name))).push(")), 0)::bigint");
    if size.number(&client).await? < BESIDE_FROM_BYTES {
        return Ok(());
    }
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    for (name, create) in &fresh {
        if standing(&client, name).await? == Standing::Ready {
            continue;
        }
        let concurrently = create.replacen("CREATE INDEX", "CREATE INDEX CONCURRENTLY IF NOT EXISTS", 1);
        let started = std::time::Instant::now();
        tracing::info!(
            index = name,
            table = after.slug,
            "building an index beside the writers"
        );
        if let Err(error) = client.batch_execute(&concurrently).await {
            let remove = format!("DROP INDEX CONCURRENTLY IF EXISTS \"{name}\"");
            let _ = client.batch_execute(&remove).await;
            return Err(error.into());
        }
        if standing(&client, name).await? != Standing::Ready {
            let detail = format!("another process is building index {name}: try again when it is there");
            return Err(super::fault::Fault::Pool(detail));
        }
        tracing::info!(
            index = name,
            seconds = started.elapsed().as_secs(),
            "built an index"
        );
    }
    Ok(())
}

/// The names and statements of the indexes that serve reading and are new.
fn missing(old: &Relation, new: &Relation) -> Vec<(String, String)> {
    let kept = ddl::indexes(old);
    let wanted = ddl::indexes(new).into_iter();
    let fresh = wanted.filter(|(place, index)| index.unique.is_none() && !kept.contains_key(place));
    fresh.map(|((_, _, name), index)| (name, index.create)).collect()
}

/// What is there under the name of an index.
pub(super) async fn standing(client: &Client, name: &str) -> Pg<Standing> {
    let mut select = Statement::new("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(");
    select.bind(Param::text(Some(&format!("\"{name}\"")))).push(")");
    let rows = select.rows(client).await?;
    Ok(match rows.first() {
        None => Standing::Missing,
        Some(row) if row.try_get::<_, bool>(0)? => Standing::Ready,
        Some(_) => Standing::Broken,
    })
}
