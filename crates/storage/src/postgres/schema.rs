//! Changes of definitions in the transaction of a commit: relations, indexes and what is in force. It does not judge
//! definitions.

use std::sync::Arc;

use chancery_model::{Key, Table};
use tokio_postgres::Client;
use uuid::Uuid;

use super::ddl;
use super::fault::Pg;
use super::online::{self, Standing};
use super::overlay::{Defined, Overlay};
use super::relation::{Relation, relation_name};
use super::rows::{decode_key, records};
use super::search::{self, columns, kept_words, named};
use super::statement::{Param, Statement};
use crate::batch::{Counter, Document, DocumentWrite, Rejection, SchemaWrite};
use crate::definition::{DEFINITION_KIND, definition_document};
use crate::error::StorageError;
use crate::need::Need;

/// Records read at a time while a full-text index is built.
const BUILD_ROWS: i64 = 1_000;

/// The table whose definition changes.
pub(super) fn number(write: &SchemaWrite) -> chancery_model::TableId {
    match write {
        SchemaWrite::Create(table) | SchemaWrite::Drop(table) => table.number,
        SchemaWrite::Change { after, .. } => after.number,
    }
}

/// Does a change of definitions. What was written before is in the database already, not in the overlay.
pub(super) async fn write(
    client: &Client,
    overlay: &mut Overlay,
    write: &SchemaWrite,
) -> Pg<Result<(), Rejection>> {
    match write {
        SchemaWrite::Create(table) if overlay.defined.contains_key(&table.number) => {
            Ok(Err(Rejection::SchemaChanged))
        }
        SchemaWrite::Create(table) => {
            let relation = Relation::new(table.clone());
            client.batch_execute(&ddl::create(&relation)).await?;
            for index in ddl::indexes(&relation).values() {
                client.batch_execute(&index.create).await?;
            }
            define(client, overlay, table, None).await?;
            Ok(Ok(()))
        }
        SchemaWrite::Change { before, .. } if !overlay.is_current(before) => {
            Ok(Err(Rejection::SchemaChanged))
        }
        SchemaWrite::Change { before, after } => change(client, overlay, before, after).await,
        SchemaWrite::Drop(table) if !overlay.is_current(table) => Ok(Err(Rejection::SchemaChanged)),
        SchemaWrite::Drop(table) => {
            drop_table(client, overlay, table).await?;
            Ok(Ok(()))
        }
    }
}

async fn change(
    client: &Client,
    overlay: &mut Overlay,
    before: &Arc<Table>,
    after: &Arc<Table>,
) -> Pg<Result<(), Rejection>> {
    let (old, new) = (Relation::new(before.clone()), Relation::new(after.clone()));
    let retyped = |slot: &super::relation::Slot| {
        new.slot(slot.ordinal)
            .is_some_and(|other| other.shape.sql() != slot.shape.sql())
    };
    if let Some(slot) = old.slots.iter().find(|slot| retyped(slot)) {
        let what = format!(
            "column {} of {} cannot hold values of another kind",
            slot.ordinal, old.name
        );
        return Err(StorageError::Internal(what).into());
    }
    let (kept, wanted) = (ddl::indexes(&old), ddl::indexes(&new));
    // Looked for before anything is changed: the constraint would only say that there is a double, not whose it is.
    for (place, index) in &wanted {
        if let Some(column) = index.unique
            && kept.get(place) != Some(index)
            && old.slot(column).is_some()
            && let Some(holder) = holder_of_double(client, &new, column).await?
        {
            return Ok(Err(Rejection::UniqueTaken {
                column,
                holder: Some(holder),
            }));
        }
    }
    for statement in ddl::add_columns(&old, &new) {
        client.batch_execute(&statement).await?;
    }
    for (place, index) in &kept {
        if wanted.get(place) != Some(index) {
            client.batch_execute(&index.drop).await?;
        }
    }
    for (place, index) in &wanted {
        if kept.get(place) != Some(index) {
            make(client, &place.2, index).await?;
        }
    }
    let mut searched = overlay
        .defined
        .get(&after.number)
        .and_then(|defined| defined.searched.clone());
    if let Some(columns) = searched.take_if(|searched| *searched != columns(after)) {
        drop_search(client, &new, &columns).await?;
    }
    define(client, overlay, after, searched).await?;
    Ok(Ok(()))
}

/// Makes an index, unless it was built before ([`online`]).
async fn make(client: &Client, name: &str, index: &ddl::Index) -> Pg<()> {
    if index.unique.is_none() {
        match online::standing(client, name).await? {
            Standing::Ready => return Ok(()),
            Standing::Broken => client.batch_execute(&index.drop).await?,
            Standing::Missing => {}
        }
    }
    Ok(client.batch_execute(&index.create).await?)
}

/// Who had a value first that a live record with a larger key has too.
async fn holder_of_double(client: &Client, relation: &Relation, column: u16) -> Pg<Option<Key>> {
    let Some(slot) = relation.slot(column) else {
        return Ok(None);
    };
    let (name, table) = (&slot.name, &relation.name);
    let sql = format!(
        "SELECT holder FROM (SELECT id, first_value(id) OVER (PARTITION BY {name} ORDER BY id) AS holder FROM {table} \
         WHERE deleted_at IS NULL AND {name} IS NOT NULL) AS held WHERE id <> holder ORDER BY id LIMIT 1"
    );
    let rows = Statement::new(&sql).rows(client).await?;
    rows.first()
        .map(|row| decode_key(relation.key_kind, row, 0))
        .transpose()
}

async fn drop_table(client: &Client, overlay: &mut Overlay, table: &Table) -> Pg<()> {
    let number = table.number;
    client
        .batch_execute(&format!(
            "{} DROP TABLE \"{}\"",
            search::drop_words(number),
            relation_name(number)
        ))
        .await?;
    for from in ["counters WHERE table_number = ", "definitions WHERE number = "] {
        let mut delete = Statement::new("DELETE FROM ");
        delete
            .push(from)
            .bind(i64::from(number.0))
            .execute(client)
            .await?;
    }
    overlay.defined.remove(&number);
    overlay.touched.remove(&number);
    let own = |counter: &Counter| matches!(counter, Counter::Column(table, _) if *table == number);
    overlay.counters.retain(|counter, _| !own(counter));
    let delete = DocumentWrite::Delete {
        kind: DEFINITION_KIND.into(),
        id: table.id.clone(),
    };
    Ok(overlay.document(&delete)?)
}

/// Puts a definition in force.
async fn define(client: &Client, overlay: &mut Overlay, table: &Table, searched: Option<Vec<u16>>) -> Pg<()> {
    let mut put = Statement::new("INSERT INTO definitions (number, version, searched, state) VALUES (");
    put.bind(i64::from(table.number.0))
        .push(", ")
        .bind(table.schema_version as i64)
        .push(", ");
    put.bind(ordinals(searched.as_deref()))
        .push(", ")
        .bind(Param::Uuid(Uuid::new_v4()));
    put.push(
        ") ON CONFLICT (number) DO UPDATE SET version = excluded.version, searched = excluded.searched, \
         state = excluded.state",
    );
    put.execute(client).await?;
    let defined = Defined {
        version: table.schema_version,
        searched,
    };
    overlay.defined.insert(table.number, defined);
    let document: Document = definition_document(table)?;
    let put = DocumentWrite::Put {
        document,
        expected: None,
    };
    Ok(overlay.document(&put)?)
}

fn ordinals(searched: Option<&[u16]>) -> Param {
    match searched {
        Some(columns) => Param::Ints(columns.iter().map(|ordinal| i64::from(*ordinal)).collect()),
        None => Param::Null(tokio_postgres::types::Type::INT8_ARRAY),
    }
}

async fn drop_search(client: &Client, relation: &Relation, columns: &[u16]) -> Pg<()> {
    let sql = format!(
        "{} ALTER TABLE {} DROP COLUMN IF EXISTS {}",
        search::drop_words(relation.table.number),
        relation.name,
        named(columns)
    );
    Ok(client.batch_execute(&sql).await?)
}

/// Builds a table's full-text index from its records, in place of an older one, and the list of its words if that is needed;
/// nothing if the definition is not in force. Answers the columns of the index that is there then.
pub(super) async fn build_search(
    client: &Client,
    overlay: &Overlay,
    table: &Arc<Table>,
    need: Need,
) -> Pg<Option<Vec<u16>>> {
    let wanted = search::columns(table);
    let Some(defined) = overlay
        .defined
        .get(&table.number)
        .filter(|_| overlay.is_current(table))
    else {
        return Ok(None);
    };
    if defined.searched.as_ref() != Some(&wanted) {
        let relation = Relation::new(table.clone());
        if let Some(old) = &defined.searched {
            drop_search(client, &relation, old).await?;
        }
        build_index(client, &relation, &wanted).await?;
    }
    if need == Need::IndexAndWords {
        build_words(client, table).await?;
    }
    Ok(Some(wanted))
}

/// Lists the different words of a table, unless they are listed.
async fn build_words(client: &Client, table: &Table) -> Pg<()> {
    let mut is_there = Statement::new("SELECT (to_regclass(");
    is_there
        .bind(search::words_name(table.number))
        .push(") IS NOT NULL)::int::bigint");
    if is_there.number(client).await? > 0 {
        return Ok(());
    }
    let sql = search::build_words(table);
    Ok(client
        .batch_execute(&format!("SET LOCAL statement_timeout = 0; {sql}"))
        .await?)
}

async fn build_index(client: &Client, relation: &Relation, wanted: &[u16]) -> Pg<()> {
    let (name, index) = (&relation.name, named(wanted));
    let number = relation.table.number.0;
    client
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; ALTER TABLE {name} ADD COLUMN {index} tsvector"
        ))
        .await?;
    let mut after: Option<Key> = None;
    loop {
        let mut select = Statement::new("SELECT ");
        select.push(&relation.select_list).push(" FROM ").push(name);
        if let Some(key) = &after {
            select.push(" WHERE id > ").bind(super::rows::encode_key(key));
        }
        select.push(" ORDER BY id LIMIT ").bind(BUILD_ROWS);
        let found = records(&select.rows(client).await?, relation)?;
        let mut updates = Vec::with_capacity(found.len());
        for record in &found {
            let mut update = Statement::new(&format!("UPDATE {name} SET {index} = "));
            update.bind(Param::Words(kept_words(record, wanted)));
            update
                .push(" WHERE id = ")
                .bind(super::rows::encode_key(&record.key));
            updates.push(update);
        }
        super::pipeline::rows(client, &updates.iter().collect::<Vec<_>>()).await?;
        match found.last() {
            Some(last) => after = Some(last.key.clone()),
            None => break,
        }
    }
    client
        .batch_execute(&format!(
            "CREATE INDEX \"t{number}_search\" ON {name} USING gin ({index})"
        ))
        .await?;
    let mut note = Statement::new("UPDATE definitions SET searched = ");
    note.bind(ordinals(Some(wanted)))
        .push(" WHERE number = ")
        .bind(i64::from(number));
    note.execute(client).await?;
    Ok(())
}
