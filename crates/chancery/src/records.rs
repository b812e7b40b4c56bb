//! Writes of single records: each gathers, decides, and commits one batch. Bulk work is elsewhere.

use std::sync::Arc;

use chancery_model::admit::{self, Coerce, Input, Protected, UpdateMode};
use chancery_model::change::ChangeKind;
use chancery_model::issue::type_name;
use chancery_model::{Code, Issue, Json, JsonMap, Key, RecordMetadata, Table, Value};
use chancery_storage::{Counter, Draw, DrawTarget, Mode, Outcome, Rejection, Write};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::record::Record;
use crate::related;
use crate::rules::{Refusal, Settled, Suspect, Unsettled};
use crate::store::{Commit, Store};
use crate::wrong::{Origin, joined};

/// Makes a suspect of a write that is refused, if it can clash with other records.
type Suspecting<'a> = &'a (dyn Fn() -> Option<Suspect> + Sync);

/// How often a write is decided again after somebody else was faster, before giving up.
pub(crate) const ATTEMPTS: usize = 64;

/// How a record is written.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The version the record must have.
    pub expected_version: Option<u64>,
    /// Answer as if done, write nothing.
    pub dry_run: bool,
    /// What happens to fields that callers may not write.
    pub protected: Protected,
    /// Read texts as the column's type.
    pub from_text: bool,
    /// The key of a new record in a table whose key is no column.
    pub key: Option<Key>,
    /// Its id in an outside system.
    pub external_id: Option<String>,
}

/// What a write answers.
#[derive(Clone, Debug)]
pub struct Written {
    /// The record as it is now.
    pub record: Record,
    /// The commit it became visible with.
    pub revision: u64,
    /// Fields that were left out because callers may not write them.
    pub ignored: Vec<String>,
}

impl TableHandle {
    /// Inserts a record: generated values, defaults and metadata are filled in; everything is checked.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every issue, [`Error::KeyTaken`], [`Error::Unique`].
    #[doc(alias = "create")]
    pub async fn insert(&self, data: Json) -> Result<Record, Error> {
        Ok(self.insert_with(&data, WriteOptions::default()).await?.record)
    }

    /// Inserts with options.
    ///
    /// # Errors
    /// As [`TableHandle::insert`].
    pub async fn insert_with(&self, data: &Json, options: WriteOptions) -> Result<Written, Error> {
        self.insert_knowing(data, options, &[]).await
    }

    /// As [`TableHandle::insert_with`], of data with which something is known to be wrong, or nothing.
    pub(crate) async fn insert_knowing(
        &self,
        data: &Json,
        options: WriteOptions,
        known: &[Issue],
    ) -> Result<Written, Error> {
        for _ in 0..ATTEMPTS {
            // Gather.
            let table = self.definition()?;
            let object = object(&table, data)?;
            let now = self.store.now();

            // Decide.
            let input = Input::Object(object, coerce(&options));
            let decided = self.store.decide(now, |context| {
                admit::insert(&table, input, options.key.clone(), options.protected, context)
            });
            let suspect = || {
                let (key, current, cells) = (options.key.clone(), None, None);
                let origin = Origin {
                    input,
                    current,
                    key,
                    cells,
                };
                Some(self.suspect(&table, origin, now, true))
            };
            let mut inserted = match knowing(
                decided,
                known
                    .iter()
                    .chain(&external_id_issue(options.external_id.as_deref())),
            ) {
                Err(_) if self.is_outdated(&table).await? => continue,
                Err(issues) => return Err(self.all_wrong(&table, issues, (suspect(), now)).await?),
                Ok(inserted) => inserted,
            };
            inserted.record.metadata = self.metadata(&options);

            // Write.
            let write = insert_write(&table, inserted.record, &inserted.draws);
            let sent = (Some(object), &suspect as Suspecting);
            if let Some(settled) = self.settle(&table, write, now, &options, sent).await? {
                return written(&self.store, &table, settled, inserted.ignored).await;
            }
        }
        Err(self.gave_up())
    }

    /// Changes the given fields of a record; the others stay. Protected fields are left out and named in
    /// [`Written::ignored`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InTrash`], [`Error::Invalid`], [`Error::Unique`].
    pub async fn update(&self, key: impl IntoKey, changes: Json) -> Result<Record, Error> {
        Ok(self
            .update_with(key, &changes, UpdateMode::Merge, WriteOptions::default())
            .await?
            .record)
    }

    /// Replaces all data of a record: fields that are left out become null.
    ///
    /// # Errors
    /// As [`TableHandle::update`].
    pub async fn replace(&self, key: impl IntoKey, data: Json) -> Result<Record, Error> {
        Ok(self
            .update_with(key, &data, UpdateMode::Replace, WriteOptions::default())
            .await?
            .record)
    }

    /// Merges or replaces with options. Without an expected version it is decided again when somebody else was faster.
    ///
    /// # Errors
    /// As [`TableHandle::update`], and [`Error::Version`] with the current record.
    pub async fn update_with(
        &self,
        key: impl IntoKey,
        data: &Json,
        mode: UpdateMode,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        self.update_keeping(key, (data, None), mode, options).await
    }

    /// As [`TableHandle::update_with`], with cells of encrypted columns that were sealed for this record before.
    pub(crate) async fn update_keeping(
        &self,
        key: impl IntoKey,
        (data, cells): (&Json, Option<&[Value]>),
        mode: UpdateMode,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        for _ in 0..ATTEMPTS {
            // Gather.
            let table = self.definition()?;
            let object = object(&table, data)?;
            let key = key.to_key(&table).ok_or_else(|| no_record(&table, &key.text()))?;
            let current = self.current(&table, &key, options.expected_version).await?;
            let now = self.store.now();

            // Decide.
            let input = Input::Object(object, coerce(&options));
            let decided = self.store.decide_with(now, cells, |context| {
                admit::update(&table, &current, input, mode, options.protected, context)
            });
            let suspect = || {
                let current = Some((&current, mode));
                let origin = Origin {
                    input,
                    current,
                    key: None,
                    cells,
                };
                Some(self.suspect(&table, origin, now, true))
            };
            let mut updated = match knowing(decided, &external_id_issue(options.external_id.as_deref())) {
                Err(_) if self.is_outdated(&table).await? => continue,
                Err(issues) => return Err(self.all_wrong(&table, issues, (suspect(), now)).await?),
                Ok(updated) => updated,
            };
            if let Some(external_id) = &options.external_id {
                updated.record.metadata.external_id = Some(external_id.clone());
            }

            // Write.
            let kind = ChangeKind::Updated;
            let write = Write::update(&table, &current, updated.record, updated.before, kind);
            let sent = (Some(object), &suspect as Suspecting);
            match self.settle(&table, write, now, &options, sent).await? {
                Some(settled) => return written(&self.store, &table, settled, updated.ignored).await,
                None => continue,
            }
        }
        Err(self.gave_up())
    }

    /// Deletes a record: to the trash where the table has one, else for good. Answers whether there was one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn delete(&self, key: impl IntoKey) -> Result<bool, Error> {
        match self.delete_with(key, WriteOptions::default()).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { what: "record", .. } | Error::InTrash { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes with options; answers the record as it was and the revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InTrash`], [`Error::Version`].
    pub async fn delete_with(&self, key: impl IntoKey, options: WriteOptions) -> Result<Written, Error> {
        if !self.definition()?.soft_delete {
            return self.purge_with(key, options).await;
        }
        self.move_record(key, ChangeKind::Deleted, options).await
    }

    /// Brings a record back from the trash.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not in the trash, [`Error::Unique`] if another record took a unique value meanwhile.
    pub async fn restore(&self, key: impl IntoKey) -> Result<Record, Error> {
        Ok(self.restore_with(key, WriteOptions::default()).await?.record)
    }

    /// Restores with options.
    ///
    /// # Errors
    /// As [`TableHandle::restore`].
    pub async fn restore_with(&self, key: impl IntoKey, options: WriteOptions) -> Result<Written, Error> {
        self.move_record(key, ChangeKind::Restored, options).await
    }

    async fn move_record(
        &self,
        key: impl IntoKey,
        kind: ChangeKind,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        for _ in 0..ATTEMPTS {
            // Gather.
            let table = self.definition()?;
            let key = key.to_key(&table).ok_or_else(|| no_record(&table, &key.text()))?;
            let found = self.admitted_one(&table, &key).await?;
            let now = self.store.now();

            // Decide.
            let there = found.filter(|record| !table.expired(record, now));
            let current = there.ok_or_else(|| no_record(&table, &key.to_string()))?;
            self.expect(&table, &current, options.expected_version)?;
            match (kind, current.deleted_at) {
                (ChangeKind::Deleted, Some(_)) => {
                    return Err(Error::InTrash {
                        table: table.slug.clone(),
                        key,
                    });
                }
                (ChangeKind::Restored, None) => {
                    let message = format!(
                        "Record with key \"{key}\" of table \"{}\" is not in the trash",
                        table.slug
                    );
                    return Err(Error::NotFound {
                        what: "record",
                        message,
                    });
                }
                _ => {}
            }
            let moved = || {
                let mut record = current.next(now, self.store.actor.id.clone());
                record.deleted_at = (kind == ChangeKind::Deleted).then_some(now);
                Write::update(&table, &current, record, Vec::new(), kind)
            };

            // Write.
            let suspect = || {
                (kind == ChangeKind::Restored).then(|| Suspect {
                    write: moved(),
                    keyed: false,
                    refused: true,
                })
            };
            let sent = (None, &suspect as Suspecting);
            if let Some(settled) = self.settle(&table, moved(), now, &options, sent).await? {
                return written(&self.store, &table, settled, Vec::new()).await;
            }
        }
        Err(self.gave_up())
    }

    /// Removes a record for good, from the trash too. Answers whether there was one.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn purge(&self, key: impl IntoKey) -> Result<bool, Error> {
        match self.purge_with(key, WriteOptions::default()).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { what: "record", .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Purges with options; answers the record as it was and the revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Version`].
    pub async fn purge_with(&self, key: impl IntoKey, options: WriteOptions) -> Result<Written, Error> {
        for _ in 0..ATTEMPTS {
            let table = self.definition()?;
            let key = key.to_key(&table).ok_or_else(|| no_record(&table, &key.text()))?;
            let found = self.admitted_one(&table, &key).await?;
            let now = self.store.now();
            let there = found.filter(|record| !table.expired(record, now));
            let current = there.ok_or_else(|| no_record(&table, &key.to_string()))?;
            self.expect(&table, &current, options.expected_version)?;
            // What somebody may purge is judged by the record as it was read.
            let judged = self.store.admitted(&table).map(|_| current.version);
            let write = Write::purge(&table, &key, options.expected_version.or(judged));
            let sent: (_, Suspecting) = (None, &|| None);
            if let Some(settled) = self.settle(&table, write, now, &options, sent).await? {
                return written(&self.store, &table, settled, Vec::new()).await;
            }
        }
        Err(self.gave_up())
    }

    /// The live record with a key, for a write.
    async fn current(
        &self,
        table: &Arc<Table>,
        key: &Key,
        expected: Option<u64>,
    ) -> Result<Arc<chancery_model::Record>, Error> {
        let found = self.admitted_one(table, key).await?;
        let current = found.ok_or_else(|| no_record(table, &key.to_string()))?;
        if current.deleted_at.is_some() {
            return Err(Error::InTrash {
                table: table.slug.clone(),
                key: key.clone(),
            });
        }
        if !current.visible(table.judged_at(self.store.now())) {
            return Err(no_record(table, &key.to_string()));
        }
        self.expect(table, &current, expected)?;
        Ok(current)
    }

    pub(crate) fn expect(
        &self,
        table: &Arc<Table>,
        current: &Arc<chancery_model::Record>,
        expected: Option<u64>,
    ) -> Result<(), Error> {
        match expected {
            Some(expected) if expected != current.version => Err(Error::Version {
                key: current.key.clone(),
                expected,
                current: Box::new(self.store.shown_to(table, current.clone())),
            }),
            _ => Ok(()),
        }
    }

    /// Commits one write; none if it must be decided again.
    async fn settle(
        &self,
        table: &Arc<Table>,
        write: Write,
        now: i64,
        options: &WriteOptions,
        (data, suspect): (Option<&JsonMap>, Suspecting<'_>),
    ) -> Result<Option<Settled>, Error> {
        let key = key_of(&write);
        let why = match self.store.write(vec![write], now, how(options)).await {
            Ok(settled) => return Ok(Some(settled)),
            Err(Unsettled::Failed(error)) => return Err(error),
            Err(Unsettled::Refused(why)) => why.into_iter().next(),
        };
        match why {
            Some((_, why)) if why.is_outdated() => {
                self.store.reload().await?;
                Ok(None)
            }
            Some((_, Refusal::Seam(Rejection::Version { .. } | Rejection::NotFound))) => Ok(None),
            Some((_, why)) => Err(self
                .all_refused(table, (key, data), why, (suspect(), now))
                .await?),
            None => Err(Error::Internal("a batch was rejected without a reason".into())),
        }
    }

    pub(crate) fn metadata(&self, options: &WriteOptions) -> RecordMetadata {
        RecordMetadata {
            source: self.store.actor.source,
            external_id: options.external_id.clone(),
            ..RecordMetadata::default()
        }
    }

    pub(crate) fn gave_up(&self) -> Error {
        Error::Internal(format!("a write was overtaken {ATTEMPTS} times"))
    }
}

/// The write of a decided insert.
pub(crate) fn insert_write(
    table: &Arc<Table>,
    record: chancery_model::Record,
    draws: &[(Option<u16>, Option<i64>)],
) -> Write {
    let draw = |(column, given): &(Option<u16>, Option<i64>)| Draw {
        target: column.map_or(DrawTarget::Key, DrawTarget::Column),
        counter: Counter::Column(table.number, column.or(table.key_column).unwrap_or_default()),
        given: *given,
    };
    Write::Insert {
        table: table.clone(),
        record,
        draws: draws.iter().map(draw).collect(),
    }
}

/// The key a write is about.
pub(crate) fn key_of(write: &Write) -> Key {
    match write {
        Write::Insert { record, .. } | Write::Update { record, .. } => record.key.clone(),
        Write::Purge { key, .. } => key.clone(),
        Write::Clear { .. } | Write::Schema(_) => Key::Int(0),
    }
}

fn how(options: &WriteOptions) -> Commit {
    let mode = if options.dry_run {
        Mode::Rehearse
    } else {
        Mode::Apply
    };
    Commit {
        mode,
        ..Commit::default()
    }
}

pub(crate) fn coerce(options: &WriteOptions) -> Coerce {
    if options.from_text {
        Coerce::FromText
    } else {
        Coerce::Exact
    }
}

async fn written(
    store: &Store,
    table: &Arc<Table>,
    settled: Settled,
    ignored: Vec<String>,
) -> Result<Written, Error> {
    match settled.outcomes.into_iter().next() {
        Some(Ok(Outcome::Written(row) | Outcome::Purged(row))) => Ok(Written {
            record: related::record(store, table, row).await?,
            revision: settled.revision,
            ignored,
        }),
        other => Err(Error::Internal(format!("a write answered {other:?}"))),
    }
}

/// The error of a record that is not there.
pub(crate) fn no_record(table: &Table, key: &str) -> Error {
    let message = format!("Record with key \"{key}\" not found in table \"{}\"", table.slug);
    Error::NotFound {
        what: "record",
        message,
    }
}

/// The data as an object, or the issue that it is none.
pub(crate) fn object<'a>(table: &Table, data: &'a Json) -> Result<&'a JsonMap, Error> {
    data.as_object().ok_or_else(|| {
        let message = format!("Expected an object of columns, got {}", type_name(data));
        Error::Invalid {
            table: table.slug.clone(),
            issues: vec![Issue::new("data", Code::Type, message)],
        }
    })
}

/// What is wrong with an id in another system, if anything.
pub(crate) fn external_id_issue(id: Option<&str>) -> Option<Issue> {
    let max = chancery_model::limits::EXTERNAL_ID_BYTES_MAX;
    let bad = id.is_some_and(|id| id.is_empty() || id.len() > max || id.contains('\0'));
    bad.then(|| {
        Issue::new(
            "metadata.externalId",
            Code::Limit,
            format!("An external id has 1 to {max} bytes"),
        )
    })
}

/// A decision beside what is known to be wrong.
pub(crate) fn knowing<'a, T>(
    decided: Result<T, Vec<Issue>>,
    known: impl IntoIterator<Item = &'a Issue>,
) -> Result<T, Vec<Issue>> {
    let known: Vec<Issue> = known.into_iter().cloned().collect();
    match decided {
        Ok(good) if known.is_empty() => Ok(good),
        Ok(_) => Err(known),
        Err(issues) => Err(joined(known, issues)),
    }
}

/// Anything that names a record: a [`Key`], its text, or a number.
pub trait IntoKey {
    /// The key in this table; none if it cannot be one.
    fn to_key(&self, table: &Table) -> Option<Key>;
    /// As the caller wrote it.
    fn text(&self) -> String;
}

impl IntoKey for Key {
    fn to_key(&self, table: &Table) -> Option<Key> {
        (self.kind() == table.key_kind).then(|| self.clone())
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl IntoKey for &Key {
    fn to_key(&self, table: &Table) -> Option<Key> {
        (*self).to_key(table)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl IntoKey for &str {
    fn to_key(&self, table: &Table) -> Option<Key> {
        Key::parse(table.key_kind, self)
    }
    fn text(&self) -> String {
        (*self).to_owned()
    }
}

impl IntoKey for &String {
    fn to_key(&self, table: &Table) -> Option<Key> {
        Key::parse(table.key_kind, self)
    }
    fn text(&self) -> String {
        (*self).clone()
    }
}

impl IntoKey for String {
    fn to_key(&self, table: &Table) -> Option<Key> {
        Key::parse(table.key_kind, self)
    }
    fn text(&self) -> String {
        self.clone()
    }
}

impl IntoKey for i64 {
    fn to_key(&self, table: &Table) -> Option<Key> {
        Key::from(*self).to_key(table)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}
