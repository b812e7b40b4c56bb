//! A batch that changes definitions or clears tables, in a transaction of its own: its writes are done one after another,
//! since each may change what the next one finds. It shares the lock of commits with all others.

use std::sync::Arc;

use chancery_model::Table;
use chancery_model::change::ChangeKind;
use uuid::Uuid;

use super::connection::Connection;
use super::fault::Pg;
use super::flush;
use super::load::{self, Known};
use super::log::Entry;
use super::needs::Needs;
use super::overlay::{Overlay, Verdict};
use super::relation::Relations;
use super::schema;
use super::statement::Statement;
use crate::batch::{Batch, Committed, Mode, Outcome, Rejection, Write};
use crate::claims::Claims;
use crate::error::StorageError;
use crate::need::Need;

/// Commits a batch. What it answers is in `decided` before the commit is sent, so that it is known even if the
/// connection breaks then.
pub(super) async fn commit(
    client: &Connection,
    batch: &Batch,
    id: Uuid,
    relations: &Relations,
    decided: &mut Option<Result<Committed, StorageError>>,
) -> Pg<()> {
    let mut needs = Needs::default();
    needs.batch(batch);
    // The records are read where they are written: a definition may change before.
    let tables = std::mem::take(&mut needs.tables);
    let mut overlay = load::begin(client, &needs, relations, &mut Known::new()).await?;
    needs.tables = tables;
    if let Err(overtaken) = overlay.judge(&batch.checks) {
        *decided = Some(Err(overtaken));
        return Ok(client.batch_execute("ROLLBACK").await?);
    }
    let (revision, first) = (overlay.revision, overlay.change + 1);
    let mut verdicts = Vec::with_capacity(batch.writes.len());
    let mut at = 0;
    overlay.claims = Claims::of(batch);
    while let Some(write) = batch.writes.get(at) {
        if write.is_of_a_record() {
            let length = batch.writes[at..]
                .iter()
                .take_while(|write| write.is_of_a_record())
                .count();
            let writes = &batch.writes[at..at + length];
            if !plain(client, &mut overlay, writes, batch.at, relations, &mut verdicts).await? {
                break;
            }
            at += length;
            continue;
        }
        // What was put off to the end of the transaction would be in the way of a definition.
        client
            .batch_execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            .await?;
        verdicts.push(define(client, &mut overlay, write, (revision + 1, batch.at), relations).await?);
        at += 1;
    }
    let settled = overlay.settle(batch, verdicts, first, id);
    let apply = settled.is_ok() && batch.mode == Mode::Apply;
    *decided = Some(settled.map(|outcomes| Committed {
        revision: if apply { overlay.revision } else { revision },
        outcomes,
    }));
    match apply {
        true => {
            // The records and the log are written already.
            overlay.tables.clear();
            overlay.entries.clear();
            flush::finish(client, &overlay, "COMMIT").await
        }
        false => Ok(client.batch_execute("ROLLBACK").await?),
    }
}

/// Decides writes of records and writes them, so that what comes next finds them. Answers whether something comes next: not
/// if they leave a unique value to two records, which the server would not take.
async fn plain(
    client: &Connection,
    overlay: &mut Overlay,
    writes: &[Write],
    at: i64,
    relations: &Relations,
    verdicts: &mut Vec<Verdict>,
) -> Pg<bool> {
    let mut needs = Needs::default();
    writes.iter().for_each(|write| needs.write(write));
    load::rows(client, overlay, &needs, relations).await?;
    let revision = overlay.revision + 1;
    for write in writes {
        verdicts.push(overlay.write(verdicts.len(), write, (revision, at))?);
    }
    let refused = verdicts.iter().filter(|verdict| verdict.is_err()).count();
    overlay.settle_claims(verdicts);
    if verdicts.iter().filter(|verdict| verdict.is_err()).count() > refused {
        return Ok(false);
    }
    flush::records(client, overlay).await?;
    overlay.tables.clear();
    overlay.entries.clear();
    Ok(true)
}

/// Changes a definition or clears a table.
async fn define(
    client: &Connection,
    overlay: &mut Overlay,
    write: &Write,
    (revision, at): (u64, i64),
    relations: &Relations,
) -> Pg<Verdict> {
    match write {
        Write::Schema(change) => {
            relations.forget(schema::number(change));
            let done = schema::write(client, overlay, change).await?;
            Ok(done.map(|()| Outcome::Defined))
        }
        Write::Clear { table } if !overlay.is_current(table) => Ok(Err(Rejection::SchemaChanged)),
        Write::Clear { table } => {
            let relation = relations.get(table);
            let count = Statement::new(&format!("DELETE FROM {}", relation.name))
                .execute(client)
                .await?;
            overlay.log(Entry {
                number: overlay.change + 1,
                revision,
                table: table.number,
                key: None,
                kind: ChangeKind::Cleared,
                previous: 0,
                before: None,
            });
            overlay.touch(table.number, at);
            flush::records(client, overlay).await?;
            overlay.entries.clear();
            Ok(Ok(Outcome::Cleared(count)))
        }
        _ => Err(StorageError::Internal("a plain write is no definition".into()).into()),
    }
}

/// Builds a table's full-text index, and answers the columns of the one that is there then.
pub(super) async fn build_search(
    client: &Connection,
    table: &Arc<Table>,
    need: Need,
    relations: &Relations,
) -> Pg<Option<Vec<u16>>> {
    let mut needs = Needs::default();
    needs.definitions.insert(table.number.0);
    let overlay = load::begin(client, &needs, relations, &mut Known::new()).await?;
    let built = schema::build_search(client, &overlay, table, need).await?;
    client.batch_execute("COMMIT").await?;
    Ok(built)
}
