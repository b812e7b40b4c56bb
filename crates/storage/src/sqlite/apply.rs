//! One batch on the writer's connection: every write checks its precondition and is done, in order. It begins and ends
//! no transaction.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Was};
use chancery_model::{Key, Record, Table, TableId, Value};
use rusqlite::{CachedStatement, Connection};

use super::checks::{self, Newest};
use super::counters::Counters;
use super::fault::{Sql, is_unique};
use super::hands::Hands;
use super::log::{self, Entry};
use super::place::{locate, taken};
use super::relation::{Relation, Relations, Slot};
use super::rows::{self, Names, bind_record, bind_state, encode};
use super::{documents, schema};
use crate::batch::{Batch, Draw, OnReject, Outcome, Rejection, Write};
use crate::error::StorageError;
use crate::forms;

/// What the writer knows without asking the database.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The newest revision.
    pub(super) revision: u64,
    /// The newest change.
    pub(super) change: u64,
    /// The version of every definition.
    pub(super) schemas: HashMap<TableId, u64>,
    /// Counters.
    pub(super) counters: Counters,
    /// When tables changed last.
    newest: Newest,
    /// Tables that the running batch changed, and when.
    touched: Vec<(TableId, i64)>,
    /// Whether the running batch changes definitions or clears a table.
    pub(super) defines: bool,
    /// The relations in use.
    pub(super) relations: Arc<Relations>,
    names: Names,
    /// The last update statement: most updates that follow each other change the same columns.
    update: Option<UpdateText>,
}

/// The statement that updates these columns of a relation.
#[derive(Debug)]
struct UpdateText {
    relation: Arc<Relation>,
    ordinals: Vec<u16>,
    trash: bool,
    sql: String,
}

/// Why a batch was not done. It is to be taken back.
pub(super) enum Refusal {
    /// For a reason of its own; others may go on.
    Batch(StorageError),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Sql(error)
    }
}

/// Judges the unique values that changed hands, and answers whether any has two records now.
fn settle(held: &mut Held<'_>, refused: &mut Vec<(usize, Rejection)>) -> Sql<bool> {
    let Some(hands) = &mut held.hands else {
        return Ok(false);
    };
    let late = hands.settle(held.connection)?;
    let some = !late.is_empty();
    refused.extend(late);
    refused.sort_by_key(|(index, _)| *index);
    Ok(some)
}

/// What became of one write, its record aside.
enum Done {
    Written,
    Purged(Arc<Record>),
    Cleared(u64),
    Defined,
}

/// What a write answers: done, or refused.
type Verdict = Result<Done, Rejection>;

/// What the writes of one batch share, so that the thousands of a bulk look nothing up again.
struct Held<'c> {
    connection: &'c Connection,
    relation: Option<(Arc<Table>, Arc<Relation>)>,
    insert: Option<(Arc<Relation>, CachedStatement<'c>)>,
    log: Option<CachedStatement<'c>>,
    /// Unique values that change hands, where they are judged by what the whole batch leaves.
    hands: Option<Hands>,
    /// The write that is being done.
    write: usize,
}

impl<'c> Held<'c> {
    fn new(connection: &'c Connection) -> Held<'c> {
        Held {
            connection,
            relation: None,
            insert: None,
            log: None,
            hands: None,
            write: 0,
        }
    }

    /// Lets go of what rests on definitions.
    fn forget(&mut self) {
        self.relation = None;
        self.insert = None;
    }

    /// The statement that inserts into a relation.
    fn insert(&mut self, relation: &Arc<Relation>) -> Sql<&mut CachedStatement<'c>> {
        let held = self.insert.take_if(|(held, _)| Arc::ptr_eq(held, relation));
        let held = match held {
            Some(held) => held,
            None => (
                relation.clone(),
                self.connection.prepare_cached(&relation.insert)?,
            ),
        };
        Ok(&mut self.insert.insert(held).1)
    }

    /// Puts the value that a write was refused for aside and leaves it to the rest of the batch to give it up; answers the
    /// refusal if that cannot be.
    fn put_aside(
        &mut self,
        relation: &Arc<Relation>,
        rejection: Rejection,
        taken_from: &mut Vec<(u16, Key)>,
    ) -> Sql<Option<Rejection>> {
        match (&mut self.hands, rejection) {
            (
                Some(hands),
                Rejection::UniqueTaken {
                    column,
                    holder: Some(holder),
                },
            ) => {
                hands.put_aside(self.connection, relation, column, &holder)?;
                taken_from.push((column, holder));
                Ok(None)
            }
            (_, rejection) => Ok(Some(rejection)),
        }
    }

    /// Notes which unique values a write gave a record.
    fn take(
        &mut self,
        relation: &Relation,
        before: Option<(&[(u16, Value)], ChangeKind)>,
        record: &Record,
        taken_from: &[(u16, Key)],
    ) {
        if let Some(hands) = &mut self.hands {
            hands.take(relation, before, record, taken_from, self.write);
        }
    }

    /// The statement that writes a row of the log.
    fn log(&mut self) -> Sql<&mut CachedStatement<'c>> {
        let held = match self.log.take() {
            Some(held) => held,
            None => log::appending(self.connection)?,
        };
        Ok(self.log.insert(held))
    }
}

/// The commit that a batch becomes.
struct Commit {
    revision: u64,
    at: i64,
}

impl Ledger {
    /// Reads it from the database.
    pub(super) fn load(connection: &Connection, relations: Arc<Relations>) -> Sql<Ledger> {
        let (revision, change) = log::newest(connection)?;
        Ok(Ledger {
            revision,
            change,
            schemas: schema::versions(connection)?,
            counters: Counters::default(),
            newest: Newest::since(revision),
            touched: Vec::new(),
            defines: false,
            relations,
            names: Names::default(),
            update: None,
        })
    }

    /// Applies a batch. If it is refused, or only rehearsed, the caller takes the statements back, and this ledger with
    /// [`Ledger::take_back`].
    pub(super) fn apply(
        &mut self,
        connection: &Connection,
        batch: &mut Batch,
    ) -> Result<Vec<Outcome>, Refusal> {
        let is_there = |table: TableId| self.schemas.contains_key(&table);
        let failing = checks::failing(connection, &self.newest, is_there, &batch.checks)?;
        if !failing.is_empty() {
            return Err(Refusal::Batch(StorageError::Overtaken(failing)));
        }
        let commit = Commit {
            revision: self.revision + 1,
            at: batch.at,
        };
        let first = self.change + 1;
        let mut held = Held::new(connection);
        held.hands = Hands::of(batch);
        let verdicts = self.writes(&mut held, batch, &commit)?;
        for document in &batch.documents {
            documents::write(connection, document)?.map_err(Refusal::Batch)?;
        }
        self.counters.write(connection)?;
        if !batch.documents.is_empty() || verdicts.iter().any(Result::is_ok) {
            log::append_commit(connection, commit.revision, first, batch)?;
            self.revision = commit.revision;
        }
        let writes = std::mem::take(&mut batch.writes);
        Ok(writes
            .into_iter()
            .zip(verdicts)
            .map(|(write, verdict)| outcome(write, verdict))
            .collect())
    }

    /// The running batch stays. Answers which tables it changed, and when.
    pub(super) fn keep(&mut self) -> std::vec::Drain<'_, (TableId, i64)> {
        self.counters.keep();
        self.defines = false;
        for (table, _) in &self.touched {
            self.newest.note(*table, self.revision);
        }
        self.touched.drain(..)
    }

    /// Goes back to where it was before the running batch, whose statements have been taken back.
    pub(super) fn take_back(&mut self, connection: &Connection, revision: u64, change: u64) -> Sql<()> {
        self.revision = revision;
        self.change = change;
        self.counters.take_back();
        self.touched.clear();
        if std::mem::take(&mut self.defines) {
            self.schemas = schema::versions(connection)?;
        }
        Ok(())
    }

    /// Does the writes in order.
    fn writes(
        &mut self,
        held: &mut Held<'_>,
        batch: &mut Batch,
        commit: &Commit,
    ) -> Result<Vec<Verdict>, Refusal> {
        let mut verdicts = Vec::with_capacity(batch.writes.len());
        let mut refused = Vec::new();
        for (index, write) in batch.writes.iter_mut().enumerate() {
            held.write = index;
            if !write.is_of_a_record() && settle(held, &mut refused)? {
                return Err(Refusal::Batch(StorageError::Rejected(refused)));
            }
            match self.write(held, write, commit)? {
                Err(rejection) if batch.on_reject == OnReject::Abort => refused.push((index, rejection)),
                verdict => verdicts.push(verdict),
            }
        }
        settle(held, &mut refused)?;
        if refused.is_empty() {
            return Ok(verdicts);
        }
        Err(Refusal::Batch(StorageError::Rejected(refused)))
    }

    fn write(&mut self, held: &mut Held<'_>, write: &mut Write, commit: &Commit) -> Sql<Verdict> {
        match write {
            Write::Insert { table, record, draws } => self.insert(held, table, record, draws, commit),
            Write::Update {
                table,
                record,
                expected,
                before,
                kind,
                was,
            } => {
                let change = Update {
                    record,
                    expected: *expected,
                    before,
                    was,
                    kind: *kind,
                };
                self.update(held, table, change, commit)
            }
            Write::Purge {
                table,
                key,
                expected,
                kind,
            } => self.purge(held, table, key, (*expected, *kind), commit),
            Write::Clear { table } => self.clear(held, table, commit),
            Write::Schema(schema) => {
                self.defines = true;
                self.relations.forget(schema::number(schema));
                held.forget();
                Ok(schema::write(held.connection, &mut self.schemas, schema)?.map(|()| Done::Defined))
            }
        }
    }

    /// The relation of a table, if its definition is still the one that the write was decided on.
    fn relation(&mut self, held: &mut Held<'_>, table: &Arc<Table>) -> Result<Arc<Relation>, Rejection> {
        if let Some((known, relation)) = &held.relation
            && Arc::ptr_eq(known, table)
        {
            return Ok(relation.clone());
        }
        match self.schemas.get(&table.number) {
            Some(version) if *version == table.schema_version => {
                let relation = self.relations.get(table);
                held.relation = Some((table.clone(), relation.clone()));
                Ok(relation)
            }
            _ => Err(Rejection::SchemaChanged),
        }
    }

    fn insert(
        &mut self,
        held: &mut Held<'_>,
        table: &Arc<Table>,
        record: &mut Record,
        draws: &[Draw],
        commit: &Commit,
    ) -> Sql<Verdict> {
        let relation = match self.relation(held, table) {
            Ok(relation) => relation,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let mut drawn = Vec::new();
        for draw in draws {
            self.draw(held.connection, draw, record, &mut drawn)?;
        }
        record.change = self.change + 1;
        bind_record(held.insert(&relation)?, &relation, record)?;
        let mut taken_from = Vec::new();
        while let Err(error) = held.insert(&relation)?.raw_execute() {
            if !is_unique(&error) {
                return Err(error);
            }
            let rejection = taken(held.connection, &relation, record, None, error)?;
            if let Some(rejection) = held.put_aside(&relation, rejection, &mut taken_from)? {
                return Ok(Err(rejection));
            }
        }
        held.take(&relation, None, record, &taken_from);
        for (counter, last) in drawn {
            self.counters.set(counter, last);
        }
        let kind = ChangeKind::Inserted;
        self.append(
            held,
            table,
            &record.key,
            Step {
                kind,
                previous: 0,
                before: None,
            },
            commit,
        )?;
        Ok(Ok(Done::Written))
    }

    fn update(
        &mut self,
        held: &mut Held<'_>,
        table: &Arc<Table>,
        change: Update<'_>,
        commit: &Commit,
    ) -> Sql<Verdict> {
        let relation = match self.relation(held, table) {
            Ok(relation) => relation,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let Update {
            record,
            expected,
            before,
            was,
            kind,
        } = change;
        let place = match locate(held.connection, &relation, &record.key, Some(expected))? {
            Ok(place) => place,
            Err(rejection) => return Ok(Err(rejection)),
        };
        record.change = self.change + 1;
        let trash = kind != ChangeKind::Updated;
        self.prepare_update(&relation, before, trash);
        let text = self.update.as_ref().expect("it was just made");
        let slots = text.ordinals.iter().filter_map(|ordinal| relation.slot(*ordinal));
        let mut update = held.connection.prepare_cached(&text.sql)?;
        bind_state(&mut update, record)?;
        let mut at = 10;
        if trash {
            at += 1;
            update.raw_bind_parameter(at, record.deleted_at)?;
        }
        for slot in slots {
            at += 1;
            update.raw_bind_parameter(at, encode(&slot.shape, record.value(slot.ordinal))?)?;
        }
        update.raw_bind_parameter(at + 1, place.row)?;
        let mut taken_from = Vec::new();
        while let Err(error) = update.raw_execute() {
            if !is_unique(&error) {
                return Err(error);
            }
            let rejection = taken(held.connection, &relation, record, Some(place.row), error)?;
            if let Some(rejection) = held.put_aside(&relation, rejection, &mut taken_from)? {
                return Ok(Err(rejection));
            }
        }
        drop(update);
        if let Some(hands) = &mut held.hands {
            hands.updated(held.connection, &relation, record, before)?;
        }
        held.take(&relation, Some((before, kind)), record, &taken_from);
        let step = Step {
            kind,
            previous: place.change,
            before: Some(forms::changed_text(table, before, was)),
        };
        self.append(held, table, &record.key, step, commit)?;
        Ok(Ok(Done::Written))
    }

    fn prepare_update(&mut self, relation: &Arc<Relation>, before: &[(u16, Value)], trash: bool) {
        let same = |text: &UpdateText| {
            Arc::ptr_eq(&text.relation, relation)
                && text.trash == trash
                && text.ordinals.iter().eq(before.iter().map(|(ordinal, _)| ordinal))
        };
        if self.update.as_ref().is_some_and(same) {
            return;
        }
        let ordinals: Vec<u16> = before.iter().map(|(ordinal, _)| *ordinal).collect();
        let slots: Vec<&Slot> = ordinals
            .iter()
            .filter_map(|ordinal| relation.slot(*ordinal))
            .collect();
        let sql = relation.update(&slots, trash);
        self.update = Some(UpdateText {
            relation: relation.clone(),
            ordinals,
            trash,
            sql,
        });
    }

    fn purge(
        &mut self,
        held: &mut Held<'_>,
        table: &Arc<Table>,
        key: &Key,
        (expected, kind): (Option<u64>, ChangeKind),
        commit: &Commit,
    ) -> Sql<Verdict> {
        let relation = match self.relation(held, table) {
            Ok(relation) => relation,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let place = match locate(held.connection, &relation, key, expected)? {
            Ok(place) => place,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let names = &mut self.names;
        let mut record = held
            .connection
            .prepare_cached(&relation.get_row)?
            .query_row([place.row], |row| rows::record(row, &relation, names))?;
        if let Some(hands) = &mut held.hands {
            hands.removed(table.number, &mut record);
        }
        held.connection
            .prepare_cached(&relation.delete)?
            .execute([place.row])?;
        let step = Step {
            kind,
            previous: place.change,
            before: Some(forms::removed_text(table, &record)),
        };
        self.append(held, table, key, step, commit)?;
        Ok(Ok(Done::Purged(Arc::new(record))))
    }

    fn clear(&mut self, held: &mut Held<'_>, table: &Arc<Table>, commit: &Commit) -> Sql<Verdict> {
        let relation = match self.relation(held, table) {
            Ok(relation) => relation,
            Err(rejection) => return Ok(Err(rejection)),
        };
        // The full-text index goes with the records: emptying it row by row would cost more than building it again.
        super::search::remove(held.connection, table)?;
        self.defines = true;
        let count = held
            .connection
            .execute(&format!("DELETE FROM {}", relation.name), [])?;
        self.change += 1;
        let entry = Entry {
            number: self.change,
            revision: commit.revision,
            table: table.number,
            key: None,
            kind: ChangeKind::Cleared,
            previous: 0,
            before: None,
        };
        log::append(held.log()?, entry)?;
        self.touch(table.number, commit.at);
        Ok(Ok(Done::Cleared(count as u64)))
    }

    fn append(
        &mut self,
        held: &mut Held<'_>,
        table: &Table,
        key: &Key,
        step: Step,
        commit: &Commit,
    ) -> Sql<()> {
        self.change += 1;
        self.touch(table.number, commit.at);
        let entry = Entry {
            number: self.change,
            revision: commit.revision,
            table: table.number,
            key: Some(key),
            kind: step.kind,
            previous: step.previous,
            before: step.before,
        };
        log::append(held.log()?, entry)
    }

    fn touch(&mut self, table: TableId, at: i64) {
        if self.touched.last() != Some(&(table, at)) {
            self.touched.push((table, at));
        }
    }
}

/// A new state of a record.
struct Update<'a> {
    record: &'a mut Record,
    expected: u64,
    before: &'a [(u16, Value)],
    was: &'a Was,
    kind: ChangeKind,
}

/// A step of a record in the log.
struct Step {
    kind: ChangeKind,
    previous: u64,
    before: Option<String>,
}

fn outcome(write: Write, verdict: Verdict) -> Outcome {
    match (write, verdict) {
        (_, Err(rejection)) => Outcome::Rejected(rejection),
        (Write::Insert { record, .. } | Write::Update { record, .. }, Ok(_)) => {
            Outcome::Written(Arc::new(record))
        }
        (_, Ok(Done::Purged(record))) => Outcome::Purged(record),
        (_, Ok(Done::Cleared(count))) => Outcome::Cleared(count),
        (_, Ok(Done::Written | Done::Defined)) => Outcome::Defined,
    }
}
