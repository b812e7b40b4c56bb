//! Writes inside a transaction: decided at once as outside it, and kept until it is committed. They commit nothing.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chancery_model::admit::{self, Input, Inserted, UpdateMode};
use chancery_model::{Issue, Json, JsonMap, Key, Table, Value};
use chancery_storage::{Counter, Draw, DrawTarget};

use super::TransactionTable;
use super::state::Put;
use crate::error::Error;
use crate::record::Record;
use crate::records::{IntoKey, WriteOptions, coerce, external_id_issue, knowing, no_record, object};
use crate::rows::rejection_issue;

type Row = Arc<chancery_model::Record>;

/// A change of one record: given its table and state, its state after it.
type Change<'a> = &'a (dyn Fn(&Arc<Table>, &Row, i64) -> Result<chancery_model::Record, Error> + Sync);

/// As [`Change`]; none if the record goes for good.
type Fate<'a> = &'a (dyn Fn(&Arc<Table>, &Row, i64) -> Result<Option<chancery_model::Record>, Error> + Sync);

impl TransactionTable {
    /// Inserts a record: generated values, defaults and metadata are filled in; everything but unique values is checked.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every issue, [`Error::KeyTaken`], [`Error::TransactionEnded`].
    #[doc(alias = "create")]
    pub async fn insert(&self, data: Json) -> Result<Record, Error> {
        self.insert_with(&data, WriteOptions::default()).await
    }

    /// Inserts with options; `dry_run` is the transaction's own.
    ///
    /// # Errors
    /// As [`TransactionTable::insert`].
    pub async fn insert_with(&self, data: &Json, options: WriteOptions) -> Result<Record, Error> {
        let table = self.definition()?;
        let object = object(&table, data)?;
        let inserted = match self.admit(&table, object, &options) {
            Err(_) if self.handle.is_outdated(&table).await? => {
                let table = self.definition()?;
                let inserted = self.admit(&table, object, &options);
                return self.add_one(&table, inserted, &options).await;
            }
            inserted => inserted,
        };
        self.add_one(&table, inserted, &options).await
    }

    async fn add_one(
        &self,
        table: &Arc<Table>,
        inserted: Result<Inserted, Vec<Issue>>,
        options: &WriteOptions,
    ) -> Result<Record, Error> {
        let inserted = inserted.map_err(|issues| self.handle.invalid(table, issues))?;
        let mut puts = self.puts(table, vec![inserted], options).await?;
        self.check_free(table, &mut puts, options).await?;
        Ok(self.keep(table, puts)?.swap_remove(0))
    }

    /// Inserts records, all or none.
    ///
    /// # Errors
    /// [`Error::Bulk`] with every bad item.
    pub async fn insert_many(&self, records: Vec<Json>) -> Result<Vec<Record>, Error> {
        let table = self.definition()?;
        let options = WriteOptions::default();
        let (mut good, mut bad) = (Vec::with_capacity(records.len()), Vec::new());
        for (index, data) in records.iter().enumerate() {
            match self.admit(&table, object(&table, data)?, &options) {
                Ok(inserted) => good.push((index, inserted)),
                Err(issues) => bad.push((index, issues)),
            }
        }
        let (indexes, inserted): (Vec<usize>, Vec<Inserted>) = good.into_iter().unzip();
        let mut puts = self.puts(&table, inserted, &options).await?;
        let mut seen = HashSet::new();
        for (put, index) in puts.iter_mut().zip(indexes) {
            let again = !seen.insert(put.key.clone());
            let taken = self.check_free(&table, std::slice::from_mut(put), &options).await;
            if again || matches!(taken, Err(Error::KeyTaken { .. })) {
                let taken = chancery_storage::Rejection::KeyTaken;
                bad.push((index, vec![rejection_issue(&table, &put.key, &taken)]));
            } else {
                taken?;
            }
        }
        if !bad.is_empty() {
            bad.sort_by_key(|(index, _)| *index);
            return Err(Error::Bulk(bad));
        }
        self.keep(&table, puts)
    }

    /// Changes the given fields of a record; the others stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InTrash`], [`Error::Invalid`].
    pub async fn update(&self, key: impl IntoKey, changes: Json) -> Result<Record, Error> {
        self.update_with(key, &changes, UpdateMode::Merge, WriteOptions::default())
            .await
    }

    /// Replaces all data of a record: fields that are left out become null.
    ///
    /// # Errors
    /// As [`TransactionTable::update`].
    pub async fn replace(&self, key: impl IntoKey, data: Json) -> Result<Record, Error> {
        self.update_with(key, &data, UpdateMode::Replace, WriteOptions::default())
            .await
    }

    /// Merges or replaces with options; `dry_run` is the transaction's own.
    ///
    /// # Errors
    /// As [`TransactionTable::update`], and [`Error::Version`] with the current record.
    pub async fn update_with(
        &self,
        key: impl IntoKey,
        data: &Json,
        mode: UpdateMode,
        options: WriteOptions,
    ) -> Result<Record, Error> {
        self.update_keeping(key, (data, None), mode, options).await
    }

    /// As [`TransactionTable::update_with`], with cells of encrypted columns that were sealed for this record before.
    pub(crate) async fn update_keeping(
        &self,
        key: impl IntoKey,
        (data, cells): (&Json, Option<&[Value]>),
        mode: UpdateMode,
        options: WriteOptions,
    ) -> Result<Record, Error> {
        let change = |table: &Arc<Table>, current: &Row, now: i64| {
            let input = (object(table, data)?, cells);
            self.merged(table, current, input, (mode, &options), now)
        };
        self.change(key, Wanted::Live, options.expected_version, &change)
            .await
    }

    /// Changes all records whose fields equal these values, all or none; answers how many.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Bulk`] with every record that cannot be changed so.
    #[doc(alias = "updateMany")]
    pub async fn update_many(&self, equal: Json, changes: Json) -> Result<u64, Error> {
        let options = WriteOptions::default();
        self.change_many(equal, &|table, current, now| {
            let object = object(table, &changes)?;
            self.merged(table, current, (object, None), (UpdateMode::Merge, &options), now)
                .map(Some)
        })
        .await
    }

    /// Deletes a record: to the trash where the table has one, else for good. Answers whether there was one.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::TransactionEnded`].
    pub async fn delete(&self, key: impl IntoKey) -> Result<bool, Error> {
        match self.delete_with(key, WriteOptions::default()).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { what: "record", .. } | Error::InTrash { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes with options; answers the record as it was, or as it is in the trash.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InTrash`], [`Error::Version`].
    pub async fn delete_with(&self, key: impl IntoKey, options: WriteOptions) -> Result<Record, Error> {
        if !self.definition()?.soft_delete {
            return self.remove(key, Wanted::Any, options.expected_version).await;
        }
        let change = |_: &Arc<Table>, current: &Row, now: i64| Ok(self.moved(current, Some(now), now));
        self.change(key, Wanted::Live, options.expected_version, &change)
            .await
    }

    /// Deletes a record that was merged into another one, which it names in the trash.
    pub(crate) async fn bury(&self, key: &Key, survivor: &Key) -> Result<(), Error> {
        if !self.definition()?.soft_delete {
            return self.remove(key, Wanted::Live, None).await.map(drop);
        }
        let change = |_: &Arc<Table>, current: &Row, now: i64| {
            let mut record = self.moved(current, Some(now), now);
            record.metadata.duplicate_of = Some(survivor.to_string());
            Ok(record)
        };
        self.change(key, Wanted::Live, None, &change).await.map(drop)
    }

    /// Deletes all records whose fields equal these values; answers how many.
    ///
    /// # Errors
    /// [`Error::Query`].
    #[doc(alias = "deleteMany")]
    pub async fn delete_many(&self, equal: Json) -> Result<u64, Error> {
        self.change_many(equal, &|table, current, now| {
            Ok(table.soft_delete.then(|| self.moved(current, Some(now), now)))
        })
        .await
    }

    /// Brings a record back from the trash.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not in the trash.
    pub async fn restore(&self, key: impl IntoKey) -> Result<Record, Error> {
        self.restore_with(key, WriteOptions::default()).await
    }

    /// Restores with options.
    ///
    /// # Errors
    /// As [`TransactionTable::restore`], and [`Error::Version`].
    pub async fn restore_with(&self, key: impl IntoKey, options: WriteOptions) -> Result<Record, Error> {
        let change = |_: &Arc<Table>, current: &Row, now: i64| Ok(self.moved(current, None, now));
        self.change(key, Wanted::Trashed, options.expected_version, &change)
            .await
    }

    /// Updates the record whose key stands in the data, or inserts one with that key if there is none. The key stands in its
    /// column, or in `id` where it is no column.
    ///
    /// # Errors
    /// As [`TransactionTable::insert`] and [`TransactionTable::update`].
    pub async fn upsert(&self, mut data: Json) -> Result<Record, Error> {
        let table = self.definition()?;
        let given = match (table.key_column, data.as_object_mut()) {
            (Some(_), Some(object)) => object.get(table.key_name()).cloned(),
            // A column of that name is a column.
            (None, Some(object)) if table.column("id").is_none() => object.shift_remove("id"),
            _ => None,
        };
        let text = match given {
            Some(Json::String(text)) => Some(text),
            Some(Json::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let key = text.as_ref().and_then(|text| Key::parse(table.key_kind, text));
        if let Some(key) = &key
            && self.get(key).await?.is_some()
        {
            return self.update(key, data).await;
        }
        let options = WriteOptions {
            // What is no key of this table is refused as one.
            key: match table.key_column {
                Some(_) => None,
                None => key.or_else(|| text.map(|text| Key::Text(text.into()))),
            },
            ..WriteOptions::default()
        };
        self.insert_with(&data, options).await
    }

    /// Decides an insert.
    fn admit(&self, table: &Table, object: &JsonMap, options: &WriteOptions) -> Result<Inserted, Vec<Issue>> {
        let store = &self.handle.store;
        let decided = store.decide(store.now(), |context| {
            let input = Input::Object(object, coerce(options));
            admit::insert(table, input, options.key.clone(), options.protected, context)
        });
        knowing(decided, &external_id_issue(options.external_id.as_deref()))
    }

    /// Decides an update.
    fn merged(
        &self,
        table: &Arc<Table>,
        current: &Row,
        (object, cells): (&JsonMap, Option<&[Value]>),
        (mode, options): (UpdateMode, &WriteOptions),
        now: i64,
    ) -> Result<chancery_model::Record, Error> {
        let decided = self.handle.store.decide_with(now, cells, |context| {
            let input = Input::Object(object, coerce(options));
            admit::update(table, current, input, mode, options.protected, context)
        });
        let decided = knowing(decided, &external_id_issue(options.external_id.as_deref()));
        let mut updated = decided.map_err(|issues| self.handle.invalid(table, issues))?;
        if let Some(external_id) = &options.external_id {
            updated.record.metadata.external_id = Some(external_id.clone());
        }
        Ok(updated.record)
    }

    /// A record as it is after a move into the trash or out of it.
    fn moved(&self, current: &Row, deleted_at: Option<i64>, now: i64) -> chancery_model::Record {
        let mut record = current.next(now, self.handle.store.actor.id.clone());
        record.deleted_at = deleted_at;
        record
    }

    /// New records with the numbers that the store gives them: drawn at once, so that no two transactions get the same.
    async fn puts(
        &self,
        table: &Arc<Table>,
        inserted: Vec<Inserted>,
        options: &WriteOptions,
    ) -> Result<Vec<Put>, Error> {
        let mut wanted: BTreeMap<Option<u16>, u64> = BTreeMap::new();
        for (column, given) in inserted.iter().flat_map(|inserted| &inserted.draws) {
            *wanted.entry(*column).or_default() += u64::from(given.is_none());
        }
        let counter = |column: Option<u16>| {
            Counter::Column(table.number, column.or(table.key_column).unwrap_or_default())
        };
        let mut next: BTreeMap<Option<u16>, u64> = BTreeMap::new();
        for (column, count) in wanted.into_iter().filter(|(_, count)| *count > 0) {
            next.insert(column, self.handle.backend().draw(counter(column), count).await?);
        }
        let metadata = self.handle.metadata(options);
        let mut puts = Vec::with_capacity(inserted.len());
        for mut inserted in inserted {
            let mut draws = Vec::new();
            for (column, given) in inserted.draws {
                match (given, next.get_mut(&column)) {
                    (None, Some(next)) => {
                        number(&mut inserted.record, column, *next as i64);
                        *next += 1;
                    }
                    (given, _) => draws.push(Draw {
                        target: column.map_or(DrawTarget::Key, DrawTarget::Column),
                        counter: counter(column),
                        given,
                    }),
                }
            }
            inserted.record.metadata = metadata.clone();
            puts.push(Put {
                table: table.clone(),
                key: inserted.record.key.clone(),
                base: None,
                replaces: false,
                now: Some(Arc::new(inserted.record)),
                draws,
            });
        }
        Ok(puts)
    }

    /// Refuses keys that records have. A key that the store has made needs no look.
    async fn check_free(
        &self,
        table: &Arc<Table>,
        puts: &mut [Put],
        options: &WriteOptions,
    ) -> Result<(), Error> {
        for put in puts {
            let given = || put.draws.iter().any(|draw| draw.target == DrawTarget::Key);
            let made = match table.key_column {
                None => options.key.is_none(),
                Some(_) => table.draws_key() && !given(),
            };
            if made {
                continue;
            }
            // One that has expired makes room.
            let now = self.handle.store.now();
            let holder = self.current(table, &put.key).await?;
            put.replaces = holder.is_some();
            if holder.is_some_and(|holder| !table.expired(&holder, now)) {
                let issues = vec![rejection_issue(
                    table,
                    &put.key,
                    &chancery_storage::Rejection::KeyTaken,
                )];
                return Err(Error::KeyTaken {
                    table: table.slug.clone(),
                    key: put.key.clone(),
                    issues,
                });
            }
            put.base = self.stored(table, &put.key).await?;
        }
        Ok(())
    }

    /// Keeps new states and answers them.
    fn keep(&self, table: &Arc<Table>, puts: Vec<Put>) -> Result<Vec<Record>, Error> {
        let records = puts.iter().filter_map(|put| put.now.clone());
        let records = records.map(|row| Record::new(table.clone(), row)).collect();
        self.transaction.state.lock().put(puts)?;
        Ok(records)
    }

    /// Changes one record.
    async fn change(
        &self,
        key: impl IntoKey,
        wanted: Wanted,
        expected: Option<u64>,
        change: Change<'_>,
    ) -> Result<Record, Error> {
        let table = self.definition()?;
        let key = key.to_key(&table).ok_or_else(|| no_record(&table, &key.text()))?;
        let now = self.handle.store.now();
        let current = self.wanted(&table, &key, (wanted, expected), now).await?;
        let (table, next) = match change(&table, &current, now) {
            Err(Error::Invalid { .. }) if self.handle.is_outdated(&table).await? => {
                let table = self.definition()?;
                let next = change(&table, &current, now)?;
                (table, next)
            }
            next => (table, next?),
        };
        let put = self.put_of(&table, &current, Some(next)).await?;
        Ok(self.keep(&table, vec![put])?.swap_remove(0))
    }

    /// Removes one record for good and answers it as it was.
    async fn remove(
        &self,
        key: impl IntoKey,
        wanted: Wanted,
        expected: Option<u64>,
    ) -> Result<Record, Error> {
        let table = self.definition()?;
        let key = key.to_key(&table).ok_or_else(|| no_record(&table, &key.text()))?;
        let now = self.handle.store.now();
        let current = self.wanted(&table, &key, (wanted, expected), now).await?;
        let put = self.put_of(&table, &current, None).await?;
        self.keep(&table, vec![put])?;
        Ok(Record::new(table, current))
    }

    /// Changes all records that a filter finds, or removes those whose change answers none; nothing if one cannot be.
    async fn change_many(&self, equal: Json, change: Fate<'_>) -> Result<u64, Error> {
        let found = self.filter(equal).await?;
        let now = self.handle.store.now();
        let (mut puts, mut bad) = (Vec::with_capacity(found.len()), Vec::new());
        for (index, record) in found.iter().enumerate() {
            match change(record.table(), record.row(), now) {
                Ok(next) => puts.push(self.put_of(record.table(), record.row(), next).await?),
                Err(error) => bad.push((index, error.into_item_issues()?)),
            }
        }
        if !bad.is_empty() {
            return Err(Error::Bulk(bad));
        }
        let count = puts.len() as u64;
        self.transaction.state.lock().put(puts)?;
        Ok(count)
    }

    /// The put of a record that the transaction sees as `current`.
    async fn put_of(
        &self,
        table: &Arc<Table>,
        current: &Row,
        next: Option<chancery_model::Record>,
    ) -> Result<Put, Error> {
        let place = (table.number, current.key.clone());
        let written = self.transaction.state.lock().written(&place).is_some();
        let base = match written {
            // Its base is kept from the first time.
            true => None,
            false => Some(self.first_seen(table, current)?),
        };
        Ok(Put {
            table: table.clone(),
            key: current.key.clone(),
            base,
            replaces: false,
            now: next.map(Arc::new),
            draws: Vec::new(),
        })
    }

    /// The record as the commit will require it: as it was first read.
    fn first_seen(&self, table: &Arc<Table>, current: &Row) -> Result<Row, Error> {
        let noted = self
            .transaction
            .state
            .lock()
            .note_read(table, &current.key, Some(current.clone()))?;
        Ok(noted.unwrap_or_else(|| current.clone()))
    }

    /// The record with a key, if it is in a state that the write wants.
    async fn wanted(
        &self,
        table: &Arc<Table>,
        key: &Key,
        (wanted, expected): (Wanted, Option<u64>),
        now: i64,
    ) -> Result<Row, Error> {
        let found = self.current(table, key).await?;
        let current = found.ok_or_else(|| no_record(table, &key.to_string()))?;
        if table.expired(&current, now) {
            return Err(no_record(table, &key.to_string()));
        }
        match (wanted, current.deleted_at.is_some()) {
            (Wanted::Live, true) => {
                return Err(Error::InTrash {
                    table: table.slug.clone(),
                    key: key.clone(),
                });
            }
            (Wanted::Trashed, false) => {
                let what = "record";
                let slug = &table.slug;
                let message = format!("Record with key \"{key}\" of table \"{slug}\" is not in the trash");
                return Err(Error::NotFound { what, message });
            }
            _ => {}
        }
        self.handle.expect(table, &current, expected)?;
        Ok(current)
    }
}

/// In which state a write wants its record.
#[derive(Clone, Copy)]
enum Wanted {
    /// Not in the trash.
    Live,
    /// In the trash.
    Trashed,
    /// Whatever.
    Any,
}

/// Puts a drawn number in its place; none is the key.
fn number(record: &mut chancery_model::Record, column: Option<u16>, number: i64) {
    match column {
        Some(ordinal) => record.values[usize::from(ordinal)] = chancery_model::Value::Int(number),
        None => record.key = Key::Int(number),
    }
}
