//! Writes what was decided: few rows as statements of their own, many as a copy, all in one round trip with the end of
//! the transaction. It decides nothing.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use chancery_model::{Key, Record};
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::connection::Connection;
use super::documents;
use super::fault::Pg;
use super::listen;
use super::log;
use super::overlay::{Overlay, Rows, State};
use super::pipeline;
use super::relation::{Relation, SYSTEM_COLUMNS};
use super::rows::{Shape, encode, encode_key, encode_keys, encode_system};
use super::search::{kept_words, named};
use super::statement::{Param, Statement};
use crate::bell;

/// More rows than this are copied in instead of inserted: a copy is faster for each row, and takes round trips of its own.
const INSERTED_MAX: usize = 256;
/// Most rows of one insert or update. Those of fewer are powers of two, so that there are few forms of them.
const TOGETHER_MAX: usize = 64;
/// Most values of one statement of several rows: the protocol takes 65,535, and a text of so many is no gain.
const VALUES_MAX: usize = 8_192;

/// Lets the end of a transaction take as long as it takes. A server that waits for its synchronous standby would end that
/// wait at the limit of a statement, and then say that the commit is done.
pub(super) const PATIENTLY: &str = "SET LOCAL statement_timeout = 0";

/// Writes everything and ends the transaction with `end`, in one round trip after the copies.
pub(super) async fn finish(client: &Connection, overlay: &Overlay, end: &str) -> Pg<()> {
    let mut statements = rows(client, overlay).await?;
    for (write, version) in &overlay.document_writes {
        statements.push(documents::statement(write, *version));
    }
    for (counter, last) in &overlay.counters {
        let (table, ordinal) = counter.place();
        if overlay.drawn.contains(&(table, ordinal)) {
            let mut put = Statement::new("INSERT INTO counters (table_number, ordinal, last) VALUES (");
            put.bind(i64::from(table))
                .push(", ")
                .bind(i64::from(ordinal))
                .push(", ")
                .bind(*last as i64);
            put.push(") ON CONFLICT (table_number, ordinal) DO UPDATE SET last = excluded.last");
            statements.push(put);
        }
    }
    // One for all: what is written together is seen together.
    let state = Uuid::new_v4();
    for (table, at) in &overlay.touched {
        let mut touch = Statement::new("UPDATE definitions SET touched_at = ");
        touch.bind(*at).push(", state = ").bind(Param::Uuid(state));
        touch.push(" WHERE number = ").bind(i64::from(table.0));
        statements.push(touch);
    }
    let commits = overlay.commits.iter().map(log::CommitRow::params).collect();
    statements.extend(inserts("commits", log::COMMIT_COLUMNS, commits));
    if !overlay.commits.is_empty() {
        let mut documents = overlay.document_writes.iter();
        let defines = documents.any(|(write, _)| bell::is_definition(write));
        statements.push(listen::tell(overlay.revision, defines));
    }
    keep(&mut statements);
    statements.push(Statement::new(PATIENTLY));
    statements.push(Statement::new(end));
    run(client, &statements).await
}

/// Writes records and the log, and goes on with the transaction.
pub(super) async fn records(client: &Connection, overlay: &Overlay) -> Pg<()> {
    let mut statements = rows(client, overlay).await?;
    keep(&mut statements);
    run(client, &statements).await
}

async fn run(client: &Connection, statements: &[Statement]) -> Pg<()> {
    let all: Vec<&Statement> = statements.iter().collect();
    pipeline::rows(client, &all).await.map(drop)
}

/// Each has one of few forms.
fn keep(statements: &mut [Statement]) {
    for statement in statements {
        statement.keep();
    }
}

/// Copies what is much, and answers the statements that write the rest.
async fn rows(client: &Client, overlay: &Overlay) -> Pg<Vec<Statement>> {
    let mut statements = Vec::new();
    for (number, rows) in &overlay.tables {
        let searched = overlay
            .defined
            .get(number)
            .and_then(|defined| defined.searched.as_deref());
        let write = TableWrite { rows, searched };
        write.purges(&mut statements);
        write.updates(&mut statements)?;
        write.inserts(client, &mut statements).await?;
    }
    let entries = overlay.entries.iter();
    if entries.len() <= INSERTED_MAX {
        let rows = entries.map(log::Entry::params).collect();
        statements.extend(inserts("changes", log::COLUMNS, rows));
    } else {
        let rows = entries.map(|entry| Ok(entry.params()));
        copy(client, "changes", log::COLUMNS, &log::TYPES, rows).await?;
    }
    Ok(statements)
}

/// Inserts of rows, in order.
fn inserts(table: &str, columns: &str, rows: Vec<Vec<Param>>) -> Vec<Statement> {
    let mut statements = Vec::new();
    let width = rows.first().map_or(1, Vec::len).max(1);
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    while left > 0 {
        let together = together(left, width);
        let mut insert = Statement::new(&format!("INSERT INTO {table} ({columns}) VALUES "));
        for (row, params) in rows.by_ref().take(together).enumerate() {
            insert.push(if row == 0 { "(" } else { ", (" });
            for (index, param) in params.into_iter().enumerate() {
                insert.push(if index == 0 { "" } else { ", " }).bind(param);
            }
            insert.push(")");
        }
        statements.push(insert);
        left -= together;
    }
    statements
}

/// How many of the rows that are left go into the next statement.
fn together(left: usize, width: usize) -> usize {
    let most = TOGETHER_MAX.min(1 << (VALUES_MAX / width).max(1).ilog2());
    most.min(1 << left.max(1).ilog2())
}

/// Copies rows into a relation.
pub(super) async fn copy(
    client: &Client,
    table: &str,
    columns: &str,
    types: &[Type],
    rows: impl Iterator<Item = Pg<Vec<Param>>>,
) -> Pg<()> {
    let sink = client
        .copy_in(&format!("COPY {table} ({columns}) FROM STDIN BINARY"))
        .await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, types));
    for row in rows {
        writer.as_mut().write_raw(row?.iter()).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// What updates write, the system columns aside.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    /// The slots of the relation.
    slots: Vec<usize>,
    /// Whether the words that a search looks up are among it.
    words: bool,
}

/// What becomes of the records of one table.
struct TableWrite<'a> {
    rows: &'a Rows,
    searched: Option<&'a [u16]>,
}

impl TableWrite<'_> {
    fn relation(&self) -> &Relation {
        &self.rows.relation
    }

    fn purges(&self, out: &mut Vec<Statement>) {
        let gone = |(_, state): &(&Key, &State)| state.base.is_some() && state.now.is_none();
        let keys: Vec<&Key> = self.rows.states.iter().filter(gone).map(|(key, _)| key).collect();
        if keys.is_empty() {
            return;
        }
        let mut delete = Statement::new(&format!("DELETE FROM {} WHERE id = ANY(", self.relation().name));
        delete
            .bind(encode_keys(self.relation().key_kind, keys.into_iter()))
            .push(")");
        out.push(delete);
    }

    /// Updates, those that write the same columns together.
    fn updates(&self, out: &mut Vec<Statement>) -> Pg<()> {
        let mut alike: BTreeMap<Written, Vec<&Record>> = BTreeMap::new();
        for state in self.rows.states.values() {
            if let (Some(base), Some(now)) = (&state.base, &state.now)
                && !Arc::ptr_eq(base, now)
            {
                alike.entry(self.written(state)).or_default().push(now);
            }
        }
        for (written, records) in alike {
            let width = SYSTEM_COLUMNS + written.slots.len() + usize::from(written.words);
            let mut left = &records[..];
            while !left.is_empty() {
                let (now, later) = left.split_at(together(left.len(), width));
                out.push(self.update(&written, now)?);
                left = later;
            }
        }
        Ok(())
    }

    /// What an update of a record writes, the system columns aside.
    fn written(&self, state: &State) -> Written {
        let is_written = |ordinal: &u16| state.anew || state.columns.contains(ordinal);
        let slots = self.relation().slots.iter().enumerate();
        Written {
            slots: slots
                .filter(|(_, slot)| is_written(&slot.ordinal))
                .map(|(at, _)| at)
                .collect(),
            words: self
                .searched
                .is_some_and(|searched| state.anew || searched.iter().any(is_written)),
        }
    }

    /// The update of records of which the same is written.
    fn update(&self, written: &Written, records: &[&Record]) -> Pg<Statement> {
        const STATE: [&str; SYSTEM_COLUMNS - 1] = [
            "version",
            "change",
            "created_at",
            "updated_at",
            "created_by",
            "updated_by",
            "expires_at",
            "deleted_at",
            "external_id",
            "metadata",
            "extra",
        ];
        let relation = self.relation();
        let words = self.searched.filter(|_| written.words);
        let words_name = words.map(named);
        let slots = || written.slots.iter().map(|at| &relation.slots[*at]);
        let columns = STATE
            .into_iter()
            .chain(slots().map(|slot| slot.name.as_str()))
            .chain(words_name.as_deref());
        let mut types = vec![key_type(relation)];
        types.extend(SYSTEM_TYPES);
        types.extend(slots().map(|slot| slot.shape.ty()));
        types.extend(words.map(|_| Type::TS_VECTOR));

        let mut out = Statement::new(&format!("UPDATE {} AS kept SET ", relation.name));
        for (index, column) in columns.enumerate() {
            out.push(if index == 0 { "" } else { ", " });
            out.push(&format!("{column} = given.c{}", index + 1));
        }
        out.push(" FROM (VALUES ");
        for (row, record) in records.iter().enumerate() {
            out.push(if row == 0 { "(" } else { ", (" });
            let mut params = vec![encode_key(&record.key)];
            params.extend(encode_system(record));
            for slot in slots() {
                params.push(encode(&slot.shape, record.value(slot.ordinal))?);
            }
            params.extend(words.map(|searched| Param::Words(kept_words(record, searched))));
            for (index, (param, ty)) in params.into_iter().zip(&types).enumerate() {
                out.push(if index == 0 { "" } else { ", " }).bind(param);
                out.push("::").push(ty.name());
            }
            out.push(")");
        }
        let names: Vec<String> = (0..types.len()).map(|index| format!("c{index}")).collect();
        out.push(&format!(
            ") AS given ({}) WHERE kept.id = given.c0",
            names.join(", ")
        ));
        Ok(out)
    }

    async fn inserts(&self, client: &Client, out: &mut Vec<Statement>) -> Pg<()> {
        let new = self.rows.states.values().filter(|state| state.base.is_none());
        let mut records: Vec<&Arc<Record>> = new.filter_map(|state| state.now.as_ref()).collect();
        if records.is_empty() {
            return Ok(());
        }
        // In the order in which they were written, as they are likely to be read.
        records.sort_unstable_by_key(|record| record.change);
        let layout = Layout::new(self.relation(), self.searched);
        let name = &self.relation().name;
        if records.len() <= INSERTED_MAX {
            let rows: Vec<Vec<Param>> = records
                .iter()
                .map(|record| layout.row(record))
                .collect::<Pg<_>>()?;
            out.extend(inserts(name, &layout.columns, rows));
            return Ok(());
        }
        let rows = records.iter().map(|record| layout.row(record));
        copy(client, name, &layout.columns, &layout.types, rows).await
    }
}

/// How whole records are written to a relation.
pub(super) struct Layout<'a> {
    relation: &'a Relation,
    searched: Option<&'a [u16]>,
    /// The columns, as text.
    pub(super) columns: String,
    /// Their types.
    pub(super) types: Vec<Type>,
}

impl<'a> Layout<'a> {
    /// The layout of a relation that has a full-text index of these columns, or none.
    pub(super) fn new(relation: &'a Relation, searched: Option<&'a [u16]>) -> Layout<'a> {
        let mut columns = relation.select_list.clone();
        let mut types = vec![key_type(relation)];
        types.extend(SYSTEM_TYPES);
        types.extend(relation.slots.iter().map(|slot| slot.shape.ty()));
        if let Some(searched) = searched {
            columns.push_str(", ");
            columns.push_str(&named(searched));
            types.push(Type::TS_VECTOR);
        }
        Layout {
            relation,
            searched,
            columns,
            types,
        }
    }

    /// A record as a row.
    pub(super) fn row(&self, record: &Record) -> Pg<Vec<Param>> {
        let mut params = vec![encode_key(&record.key)];
        params.extend(encode_system(record));
        for slot in &self.relation.slots {
            params.push(encode(&slot.shape, record.value(slot.ordinal))?);
        }
        params.extend(
            self.searched
                .map(|searched| Param::Words(kept_words(record, searched))),
        );
        Ok(params)
    }
}

fn key_type(relation: &Relation) -> Type {
    match relation.key_shape() {
        Shape::Int => Type::INT8,
        Shape::Uuid => Type::UUID,
        _ => Type::TEXT,
    }
}

/// The types of the system columns, the key aside.
const SYSTEM_TYPES: [Type; SYSTEM_COLUMNS - 1] = [
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
];
