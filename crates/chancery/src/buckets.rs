//! The bucket vocabulary on the store: tables are defined, changed, described and dropped by definitions in it. Records are
//! written as those of any table.

use std::time::Duration;

use chancery_model::define::bucket::{self, BucketChange};
use chancery_model::{Code, Issue, Json, define, limits};
use chancery_storage::{Mode, Outcome, Write};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::rules::Unsettled;
use crate::store::{Commit, Store};

/// A bucket in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketStats {
    /// Its name.
    pub name: String,
    /// Records that are not in the trash, expired ones among them until they are removed.
    pub records: u64,
    /// Indexes that it was defined with, and one for each unique field.
    pub indexes: u64,
}

/// A store in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStats {
    /// The slug of the workspace.
    pub name: String,
    /// Its buckets, by name.
    pub buckets: Vec<BucketStats>,
    /// Whether records outlive the process.
    pub persistent: bool,
    /// Queries that are stored by name.
    pub queries: u64,
    /// Live queries of this process at this moment.
    pub subscriptions: u64,
    /// How often expired records are removed; none if never.
    pub ttl_check_interval: Option<Duration>,
    /// The newest revision.
    pub revision: u64,
}

impl Store {
    /// Makes a table in the bucket vocabulary: `{key, schema, indexes, ttl, maxSize, persistent}`. Records come and go in flat
    /// form, and all are in key order, whichever `etsType` is asked for.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{Store, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let users = json!({"key": "id", "schema": {"id": {"type": "string"}}});
    /// store.define_bucket("users", &users).await?;
    /// let tasks = json!({"key": "id", "schema": {
    ///     "id": {"type": "string", "generated": "uuid"},
    ///     "owner": {"type": "string", "ref": "users", "onDelete": "cascade"},
    /// }});
    /// let tasks = store.define_bucket("tasks", &tasks).await?;
    /// assert!(tasks.insert(json!({"owner": "nobody"})).await.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Store::create_table`]; a definition that is refused leaves the name free.
    pub async fn define_bucket(&self, name: &str, definition: &Json) -> Result<TableHandle, Error> {
        self.create_table(bucket::bucket(name, definition).map_err(Error::Definition)?)
            .await
    }

    /// Whether there is a bucket of this name.
    pub fn has_bucket(&self, name: &str) -> bool {
        self.table(name).is_ok()
    }

    /// The definition of a bucket as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest name.
    #[doc(alias = "getBucketSchema")]
    pub fn bucket_definition(&self, name: &str) -> Result<Json, Error> {
        Ok(define::bucket_text(&*self.table(name)?.definition()?))
    }

    /// Changes a bucket: `{addFields, addIndexes, ttl}`. A `ttl` holds for records from now on; null ends it, and then no record
    /// expires any more. A `ttl` that comes back is refused as long as there are records whose expiry by an earlier one has
    /// passed: they would be gone at once. An update in between takes a record's expiry away.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`] with every mistake.
    pub async fn update_bucket(&self, name: &str, changes: &Json) -> Result<TableHandle, Error> {
        let change = bucket::change(changes).map_err(Error::Definition)?;
        let handle = self.table(name)?;
        handle.change_bucket(&change).await?;
        Ok(handle)
    }

    /// Drops a bucket with its records: to the trash, as [`TableHandle::delete_table`] does. Answers whether there was one.
    ///
    /// # Errors
    /// [`Error::Definition`] if another bucket refers to it.
    pub async fn drop_bucket(&self, name: &str) -> Result<bool, Error> {
        match self.table(name) {
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
            Ok(handle) => handle.delete_table().await.map(|()| true),
        }
    }

    /// The workspace of this slug, made if it is not there yet: a store of its own, isolated from all others. It costs a look-up
    /// to open one that is there, and nothing to let it go.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::Store;
    /// let store = Store::open("memory:").await?;
    /// let shop = store.named("shop").await?;
    /// assert_eq!(shop.workspace().slug, "shop");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Definition`] for a name that cannot be a slug.
    pub async fn named(&self, name: &str) -> Result<Store, Error> {
        for _ in 0..2 {
            if let Ok(store) = self.in_workspace(name) {
                return Ok(store);
            }
            let input = crate::workspaces::WorkspaceInput {
                name: name.to_owned(),
                slug: Some(name.to_owned()),
                ..Default::default()
            };
            match self.create_workspace(input).await {
                // Somebody else was faster.
                Err(Error::Taken { .. }) => self.refresh().await?,
                made => drop(made?),
            }
        }
        self.in_workspace(name)
    }

    /// The store in numbers.
    ///
    /// # Errors
    /// [`Error::Storage`].
    #[doc(alias = "getStats")]
    pub async fn stats(&self) -> Result<StoreStats, Error> {
        let revision = self.revision().await?;
        let mut buckets = Vec::new();
        for handle in self.tables() {
            // A table that is dropped at this very moment is left out.
            let Ok(table) = handle.definition() else { continue };
            let own = table.live().filter(|column| column.has_index()).count();
            buckets.push(BucketStats {
                name: table.slug.clone(),
                records: handle.stats().await?.live,
                indexes: (own + table.indexes.len()) as u64,
            });
        }
        let interval = self.core.expiry.interval();
        Ok(StoreStats {
            name: self.workspace().slug.clone(),
            buckets,
            queries: self.queries().await?.len() as u64,
            subscriptions: self.core.live.subscriptions_in(&self.workspace),
            persistent: self.core.backend.name() != "memory",
            ttl_check_interval: (!interval.is_zero()).then_some(interval),
            revision,
        })
    }

    /// Empties the tables that are not kept, as this program is the only one that has the store open. On a server that several
    /// share they stay.
    pub(crate) async fn forget_transient(&self) -> Result<(), Error> {
        if self.core.backend.is_shared() {
            return Ok(());
        }
        let tables: Vec<_> = self.core.catalog.load().all().cloned().collect();
        for table in tables.into_iter().filter(|table| table.transient) {
            let stats = self.core.backend.stats(&table).await?;
            if stats.live + stats.trash > 0 {
                self.commit(vec![Write::Clear { table }], self.now(), Commit::default())
                    .await?;
            }
        }
        Ok(())
    }
}

impl TableHandle {
    async fn change_bucket(&self, change: &BucketChange) -> Result<(), Error> {
        self.change(|table| {
            if table.live().count() + change.columns.len() > limits::COLUMNS_MAX {
                let message = format!("A table has at most {} columns", limits::COLUMNS_MAX);
                return Err(vec![Issue::new("addFields", Code::Limit, message)]);
            }
            let now = self.store.now();
            for input in &change.columns {
                let made = self
                    .store
                    .decide(now, |context| define::check_column(input, table, context));
                table
                    .columns
                    .push(made.map_err(|issues| named(issues, &input.name))?);
                table.refresh();
            }
            define::add_indexes(table, "addIndexes", &change.indexes)?;
            if let Some(ttl) = change.ttl_ms {
                table.ttl_ms = ttl;
            }
            Ok(())
        })
        .await
        .map(|_| ())
    }

    /// Removes all records of the table for good and answers how many; the definition stays. What refers to them goes, is
    /// cleared or holds them as its `onDelete` says.
    ///
    /// # Errors
    /// [`Error::Referenced`].
    pub async fn clear(&self) -> Result<u64, Error> {
        self.clear_with(Mode::Apply).await
    }

    pub(crate) async fn clear_with(&self, mode: Mode) -> Result<u64, Error> {
        for _ in 0..crate::records::ATTEMPTS {
            let table = self.definition()?;
            let how = Commit {
                mode,
                ..Commit::default()
            };
            let writes = vec![Write::Clear { table: table.clone() }];
            match self.store.write(writes, self.store.now(), how).await {
                Ok(settled) => match settled.outcomes.into_iter().next() {
                    Some(Ok(Outcome::Cleared(count))) => return Ok(count),
                    other => return Err(Error::Internal(format!("clear answered {other:?}"))),
                },
                Err(Unsettled::Failed(error)) => return Err(error),
                Err(Unsettled::Refused(why)) => match why.into_iter().next() {
                    Some((_, why)) if why.is_outdated() => self.store.reload().await?,
                    Some((_, why)) => {
                        return Err(self.refused(&table, chancery_model::Key::Int(0), None, why));
                    }
                    None => return Err(Error::Internal("a batch was refused without a reason".into())),
                },
            }
        }
        Err(self.gave_up())
    }
}

/// Issues of a field's definition, said to be about that field.
fn named(issues: Vec<Issue>, field: &str) -> Vec<Issue> {
    let about = |mut issue: Issue| {
        issue.field = format!("addFields.{field}.{}", issue.field);
        issue
    };
    issues.into_iter().map(about).collect()
}
