//! The decision over a batch of rows, one after the other; it writes nothing.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use chancery_model::admit::{self, Kept, UpdateMode};
use chancery_model::change::ChangeKind;
use chancery_model::{Code, Issue, Key, RecordMetadata, Table, Value};
use chancery_storage::Write;
use uuid::Uuid;

use super::{Blank, Decided, Found, Ignored, OnMany, Pending, Planned, Row, RowOptions};
use crate::handle::TableHandle;
use crate::records::insert_write;
use crate::wrong::joined;

/// Fewer rows than this are decided by one thread: another one costs more than it saves.
pub(super) const DECIDED_ALONE_MIN: usize = 1_000;
/// Most threads that decide one batch.
const DECIDERS_MAX: usize = 4;

/// How many threads decide a large batch.
pub(super) fn deciders() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(DECIDERS_MAX)
}

/// Keys of new records, drawn in the order of their rows before these are decided side by side.
#[derive(Default)]
pub(super) struct Keys(std::vec::IntoIter<Uuid>);

impl Keys {
    pub(super) fn of(table: &Table, count: usize) -> Keys {
        let count = if table.key_column.is_none() { count } else { 0 };
        let keys: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(count).collect();
        Keys(keys.into_iter())
    }
}

/// The decision over a batch of rows; a later row sees what an earlier one will have done.
pub(super) struct Deciding<'a> {
    pub(super) handle: &'a TableHandle,
    pub(super) table: &'a Arc<Table>,
    pub(super) options: &'a RowOptions,
    pub(super) now: i64,
    pub(super) writes: Vec<Write>,
    pub(super) pending: Pending,
    pub(super) keys: Keys,
    /// Fields that were left out of the row that is decided.
    pub(super) ignored: Vec<String>,
}

impl Deciding<'_> {
    pub(super) fn rows(mut self, rows: &[Row<'_>], found: &[Found]) -> Decided {
        self.writes.reserve(rows.len());
        let mut planned = Vec::with_capacity(rows.len());
        let mut ignored = Ignored::new();
        for (index, row) in rows.iter().enumerate() {
            let plan = self.row(row, found.get(index));
            planned.push(plan.unwrap_or_else(Planned::Failed));
            if !self.ignored.is_empty() {
                ignored.insert(index, std::mem::take(&mut self.ignored));
            }
        }
        Decided {
            planned,
            ignored,
            writes: self.writes,
            pending: self.pending,
        }
    }

    fn row(&mut self, row: &Row<'_>, found: Option<&Found>) -> Result<Planned, Vec<Issue>> {
        if row.known.is_empty() {
            return self.plan(row, found);
        }
        // What else is wrong with it is told too.
        let before = found.and_then(|found| self.pending.get_key_value(&found.tuple));
        let mut aside = Deciding {
            writes: Vec::new(),
            ignored: Vec::new(),
            keys: Keys::default(),
            pending: before
                .map(|(tuple, records)| (tuple.clone(), records.clone()))
                .into_iter()
                .collect(),
            ..*self
        };
        let others = aside.plan(row, found).err().unwrap_or_default();
        let untold = |issue: &Issue| row.known.iter().all(|known| known.field != issue.field);
        Err(joined(row.known.clone(), others.into_iter().filter(untold)))
    }

    fn plan(&mut self, row: &Row<'_>, found: Option<&Found>) -> Result<Planned, Vec<Issue>> {
        let Some(found) = found else {
            return self.create(row, None);
        };
        if !found.issues.is_empty() {
            let (table, protected) = (self.table, self.options.protected);
            let others = self.handle.store.decide(self.now, |context| {
                admit::insert(table, row.input, row.key.clone(), protected, context)
            });
            // A record that it means may have what it lacks.
            let wrong = |issue: &Issue| {
                issue.code != Code::Required && found.issues.iter().all(|known| known.field != issue.field)
            };
            let others = others.err().unwrap_or_default().into_iter().filter(wrong);
            return Err(joined(found.issues.clone(), others));
        }
        let records = self
            .pending
            .get(&found.tuple)
            .cloned()
            .unwrap_or_else(|| found.records.clone());
        match (records.len(), self.options.on_many) {
            (0, _) if self.options.update_only => Err(vec![Issue::new(
                "",
                Code::NotFound,
                "No record matches, and creating is off",
            )]),
            (0, _) => self.create(row, Some(&found.tuple)),
            (1, _) | (_, OnMany::All) => self.update(row, &records, &found.tuple),
            (_, OnMany::First) => self.update(row, &records[..1], &found.tuple),
            (_, OnMany::Error) => {
                let message =
                    "More than one record matches; choose onMany first or all, or match by more columns";
                Err(vec![Issue::new("", Code::Ambiguous, message)])
            }
        }
    }

    fn create(&mut self, row: &Row<'_>, tuple: Option<&Vec<Value>>) -> Result<Planned, Vec<Issue>> {
        let (table, protected) = (self.table, self.options.protected);
        let drawn = self.keys.0.next().map(Key::Uuid);
        let key = row.key.clone().or(drawn);
        let decide = |context: &mut admit::Context| admit::insert(table, row.input, key, protected, context);
        let mut inserted = self.handle.store.decide(self.now, decide)?;
        inserted.record.metadata = row.metadata.clone();
        self.ignored = inserted.ignored;
        if let Some(stamps) = &row.stamps {
            let record = &mut inserted.record;
            record.version = stamps.version;
            (record.created_at, record.updated_at) = (stamps.created_at, stamps.updated_at);
            record.expires_at = stamps.expires_at.filter(|_| table.ttl_ms.is_some());
            record.created_by.clone_from(&stamps.created_by);
            record.updated_by.clone_from(&stamps.updated_by);
        }
        if let Some(tuple) = tuple {
            self.pending
                .insert(tuple.clone(), vec![Arc::new(inserted.record.clone())]);
        }
        self.writes
            .push(insert_write(table, inserted.record, &inserted.draws));
        Ok(Planned::Create {
            write: self.writes.len() - 1,
        })
    }

    fn update(
        &mut self,
        row: &Row<'_>,
        records: &[Arc<chancery_model::Record>],
        tuple: &[Value],
    ) -> Result<Planned, Vec<Issue>> {
        let mut writes = Vec::new();
        let mut states = Vec::with_capacity(records.len());
        for current in records {
            let mut decided = self.decide_update(row, current)?;
            self.ignored = std::mem::take(&mut decided.ignored);
            let renamed = row.metadata.external_id.is_some()
                && row.metadata.external_id != current.metadata.external_id;
            if decided.before.is_empty() && !decided.extra_changed && !renamed {
                states.push(current.clone());
                continue;
            }
            let kept = &current.metadata;
            decided.record.metadata = RecordMetadata {
                external_id: row
                    .metadata
                    .external_id
                    .clone()
                    .or_else(|| kept.external_id.clone()),
                duplicate_of: kept.duplicate_of.clone(),
                ..row.metadata.clone()
            };
            states.push(Arc::new(decided.record.clone()));
            writes.push(self.writes.len());
            let kind = ChangeKind::Updated;
            self.writes.push(Write::update(
                self.table,
                current,
                decided.record,
                decided.before,
                kind,
            ));
        }
        self.pending.insert(tuple.to_vec(), states.clone());
        if writes.is_empty() {
            return Ok(Planned::Unchanged(states.swap_remove(0)));
        }
        Ok(Planned::Update { writes })
    }

    /// The update of one record, with the blank policy applied to what was sent.
    fn decide_update(
        &self,
        row: &Row<'_>,
        current: &chancery_model::Record,
    ) -> Result<admit::Updated, Vec<Issue>> {
        let (table, protected) = (self.table, self.options.protected);
        let kept = kept(table, row, current, self.options);
        let input = kept.as_input(&row.input);
        self.handle.store.decide(self.now, |context| {
            admit::update(table, current, input, UpdateMode::Merge, protected, context)
        })
    }
}

/// What of a row is written over a record.
pub(super) fn kept<'a>(
    table: &Table,
    row: &Row<'a>,
    current: &chancery_model::Record,
    options: &RowOptions,
) -> Kept<'a> {
    row.input.without(table, |column| match options.blank {
        Blank::Clear => false,
        Blank::Keep => row.input.blank(column),
        Blank::FillOnly => row.input.blank(column) || !current.value(column.ordinal).is_blank(),
    })
}
