//! Tables and columns into the trash, back out of it, and tables for good. What is in the trash keeps all it holds, and nobody sees it:
//! the catalog takes such a table for dropped. Records have a trash of their own.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::define;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope as Records};
use chancery_model::{Code, Column, Issue, Key, Record, Table, Value, limits};
use chancery_storage::{CountMode, OnReject, SchemaWrite, StorageError, Write};

use crate::access::Scope;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::names::{NAME_KIND, name_free, name_taken, taken};
use crate::replace::{check_settled, check_settled_column, page, put, refusal};
use crate::schema::{ATTEMPTS, overtaken, referring};
use crate::store::{Commit, Store};

/// How many records are looked at together for references to what is gone.
const LOOKED_AT_ONCE: u64 = 1_000;

impl Store {
    /// The tables of the workspace that are in the trash and may be brought back, the last one deleted first.
    pub fn deleted_tables(&self) -> Vec<Arc<Table>> {
        let catalog = self.core.catalog.load();
        let here = |table: &&Arc<Table>| table.workspace == *self.workspace && self.may_bring_back(table);
        let mut tables: Vec<Arc<Table>> = catalog.deleted().filter(here).cloned().collect();
        tables.sort_by(|a, b| (b.deleted_at, &b.id).cmp(&(a.deleted_at, &a.id)));
        tables
    }

    /// Brings a table back out of the trash, with all that it held: by its id, or by its slug the last one deleted. What its records
    /// named and is gone by now, they name no more; their history tells it. A column that is `required` and has nothing in some of them then
    /// is so no longer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let parts = store.create_table(TableInput::new("Parts").column(ColumnInput::new("Name", "text"))).await?;
    /// parts.insert(json!({"name": "Bell"})).await?;
    /// parts.delete_table().await?;
    /// assert!(store.table("parts").is_err());
    /// assert_eq!(store.restore_table("parts").await?.all().await?[0].get("name"), json!("Bell"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] if no such table is in the trash, [`Error::Taken`] if another table has its name by now, [`Error::Definition`] if
    /// its columns refer to what is not there.
    pub async fn restore_table(&self, name: &str) -> Result<TableHandle, Error> {
        let alone = self.core.defining.lock().await;
        for _ in 0..ATTEMPTS {
            let before = self.deleted_table(name)?;
            let catalog = self.core.catalog.load_full();
            if catalog.table(&before.workspace, &before.slug).is_some() {
                return Err(taken(&before.slug));
            }
            let after = moved(&before, None, self.now());
            let mut writes =
                referring(&catalog, None, &after).map_err(|issues| in_trash(&catalog, &after, issues))?;
            writes.push(Write::Schema(SchemaWrite::Change {
                before,
                after: after.clone(),
            }));
            match self.write_definitions(writes, vec![name_taken(&after)]).await {
                Err(Error::Storage(StorageError::DocumentConflict { kind, .. })) if kind == NAME_KIND => {
                    return Err(taken(&after.slug));
                }
                Ok(false) => continue,
                done => done?,
            };
            drop(alone);
            let handle = self.handle(&after);
            let columns: Vec<u16> = after.references().map(|(column, _)| column.ordinal).collect();
            handle.forget_gone(&columns).await?;
            handle.ask_no_more(&columns).await?;
            return Ok(handle);
        }
        Err(overtaken())
    }

    /// Drops a table that is in the trash, for good, with its records and all that was kept of it: by its id, or by its slug the last one
    /// deleted.
    ///
    /// # Errors
    /// [`Error::NotFound`] if no such table is in the trash, [`Error::Forbidden`] to who is no administrator of it.
    pub async fn purge_table(&self, name: &str) -> Result<(), Error> {
        let _alone = self.core.defining.lock().await;
        for _ in 0..ATTEMPTS {
            let table = self.deleted_table(name)?;
            self.may_purge(&table)?;
            let kept = self.handle(&table).ends_of_all_kept().await?;
            if self
                .write_definitions(vec![Write::Schema(SchemaWrite::Drop(table))], kept)
                .await?
            {
                return Ok(());
            }
        }
        Err(overtaken())
    }

    fn may_bring_back(&self, table: &Table) -> bool {
        self.scope_in(table) >= Scope::Write && !self.narrows(table)
    }

    fn may_purge(&self, table: &Table) -> Result<(), Error> {
        match self.scope_in(table) < Scope::Admin {
            true => Err(Error::Forbidden {
                message: format!(
                    "Only administrators drop a table for good; deleted, \"{}\" can be brought back",
                    table.slug
                ),
            }),
            false => Ok(()),
        }
    }

    /// The table in the trash with this id, or the last one deleted of this slug.
    fn deleted_table(&self, name: &str) -> Result<Arc<Table>, Error> {
        let mut tables = self.deleted_tables().into_iter();
        let found = tables.find(|table| table.id == name || table.slug == name);
        found.ok_or_else(|| Error::NotFound {
            what: "table",
            message: format!("No table \"{name}\" is in the trash"),
        })
    }
}

impl TableHandle {
    /// Moves the table to the trash with all that it holds: [`Store::restore_table`] brings it back as it is now, [`Store::purge_table`]
    /// drops it for good. Its name is free at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is deleted already, [`Error::Definition`] if another table refers to it, [`Error::Taken`] while a job changes
    /// all values of one of its columns.
    #[doc(alias = "drop_table")]
    pub async fn delete_table(&self) -> Result<(), Error> {
        self.may_define()?;
        let _alone = self.store.core.defining.lock().await;
        for _ in 0..ATTEMPTS {
            let before = self.definition()?;
            check_settled(&before)?;
            let catalog = self.store.core.catalog.load_full();
            unreferred(&catalog, &before)?;
            let now = self.store.now();
            let after = moved(&before, Some(now), now);
            let names = vec![name_free(&before)];
            let write = Write::Schema(SchemaWrite::Change { before, after });
            if self.store.write_definitions(vec![write], names).await? {
                return Ok(());
            }
        }
        Err(overtaken())
    }

    /// Drops the table for good, with its records and all that is kept of it.
    ///
    /// # Errors
    /// As [`TableHandle::delete_table`] and [`Store::purge_table`].
    pub async fn purge_table(&self) -> Result<(), Error> {
        self.store.may_purge(&*self.definition()?)?;
        self.delete_table().await?;
        self.store.purge_table(&self.id).await
    }

    /// The columns that were deleted and may be brought back, the last one deleted first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who may not change the table.
    pub fn deleted_columns(&self) -> Result<Vec<Column>, Error> {
        self.may_define()?;
        let table = self.definition()?;
        let mut columns: Vec<Column> = table
            .columns
            .iter()
            .filter(|column| column.restorable)
            .cloned()
            .collect();
        columns.sort_by_key(|column| std::cmp::Reverse((column.deleted_at, column.ordinal)));
        Ok(columns)
    }

    /// Deletes a column: its values are no longer seen, and [`TableHandle::restore_column`] brings them back.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`] for the key column and for what others show or are called by.
    pub async fn delete_column(&self, name: &str) -> Result<(), Error> {
        let ordinal = self.settled(name)?;
        let now = self.store.now();
        self.change(|table| {
            check_settled_column(table, ordinal).map_err(|error| refusal(&error))?;
            if table.key_column == Some(ordinal) {
                return Err(vec![Issue::new(
                    "column",
                    Code::Definition,
                    "The key column cannot be deleted",
                )]);
            }
            let others = self.store.core.catalog.load().tables(&table.workspace);
            let depending = define::depending(table, &table.at(ordinal).slug, &others);
            if let Some((other, column)) = depending.first() {
                let message = format!(
                    "\"{}.{}\" shows what it holds; delete that column first",
                    other.slug, column.slug
                );
                return Err(vec![Issue::new("column", Code::Reference, message)]);
            }
            if define::is_in_name(table, &table.at(ordinal).slug) {
                let message = "Records are called by it (recordNameTemplate); change that first";
                return Err(vec![Issue::new("column", Code::Reference, message)]);
            }
            table.indexes.retain(|index| !index.contains(&ordinal));
            let column = &mut table.columns[usize::from(ordinal)];
            column.deleted_at = Some(now);
            column.restorable = true;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Brings a deleted column back with its values: by its id, or by its slug the last one deleted. What the records do not satisfy any
    /// more of `unique` and `required` is let go, as the answer shows; indexes over several columns do not come back with it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if no such column was deleted; [`Error::Definition`] if another column has its slug by now, the table has no room
    /// for it, or what it refers to is not there.
    pub async fn restore_column(&self, name: &str) -> Result<Column, Error> {
        let deleted = self.deleted_columns()?;
        let found = deleted
            .iter()
            .find(|column| column.id == name || column.slug == name);
        let column = found.ok_or_else(|| Error::NotFound {
            what: "column",
            message: format!("No column \"{name}\" was deleted here"),
        })?;
        let (ordinal, unique) = (column.ordinal, column.constraints.unique);
        match self.bring_back(ordinal, unique).await {
            Err(Error::Definition(issues))
                if unique && issues.iter().all(|issue| issue.code == Code::Unique) =>
            {
                self.bring_back(ordinal, false).await?
            }
            back => back?,
        };
        if column.refers_to().is_some() {
            self.forget_gone(&[ordinal]).await?;
        }
        self.ask_no_more(&[ordinal]).await?;
        Ok(self.definition()?.at(ordinal).clone())
    }

    async fn bring_back(&self, ordinal: u16, unique: bool) -> Result<Arc<Table>, Error> {
        self.change(|table| {
            let refused = |message: String| Err(vec![Issue::new("column", Code::Definition, message)]);
            let slug = table.at(ordinal).slug.clone();
            if table.column(&slug).is_some() {
                return refused(format!(
                    "Another column is called \"{slug}\" by now; delete that one first"
                ));
            }
            if table.live().count() >= limits::COLUMNS_MAX {
                return refused(format!("A table has at most {} columns", limits::COLUMNS_MAX));
            }
            let has_primary = table.live().any(|column| column.primary);
            let column = &mut table.columns[usize::from(ordinal)];
            column.deleted_at = None;
            column.restorable = false;
            column.primary &= !has_primary;
            column.constraints.unique = unique;
            Ok(())
        })
        .await
    }

    /// Lets columns be required no more in which records have nothing.
    async fn ask_no_more(&self, columns: &[u16]) -> Result<(), Error> {
        for ordinal in columns {
            let required = self.definition()?.at(*ordinal).constraints.required;
            if required && self.blank_in(*ordinal).await? > 0 {
                self.change(|table| {
                    table.columns[usize::from(*ordinal)].constraints.required = false;
                    Ok(())
                })
                .await?;
            }
        }
        Ok(())
    }

    /// How many records that are not in the trash have nothing in a column.
    async fn blank_in(&self, ordinal: u16) -> Result<u64, Error> {
        let plan = Plan {
            filter: Filter::Field(FieldRef::Column(ordinal), Test::Eq(Value::Null)),
            scope: Records::Live,
            ..Plan::all(self.definition()?, self.store.now())
        };
        Ok(self.backend().count(&plan, CountMode::Exact).await?)
    }

    /// Lets records name no more, in these columns, what went while nobody saw that they name it.
    async fn forget_gone(&self, columns: &[u16]) -> Result<(), Error> {
        let mut after: Option<String> = None;
        while !columns.is_empty() {
            let table = self.definition()?;
            let records = page(self, &table, after.as_deref(), LOOKED_AT_ONCE).await?;
            let Some(last) = records.last() else { break };
            let mut is_clean = true;
            for ordinal in columns {
                let writes = self.without_gone(&table, table.at(*ordinal), &records).await?;
                if writes.is_empty() {
                    continue;
                }
                is_clean = false;
                let how = Commit {
                    on_reject: OnReject::Skip,
                    ..Commit::default()
                };
                match self.store.commit(writes, self.store.now(), how).await {
                    Ok(_) => break,
                    Err(StorageError::Rejected(_)) => self.store.reload().await?,
                    Err(error) => return Err(error.into()),
                }
            }
            // What was mended, or written by others meanwhile, is looked at again.
            if is_clean {
                after = Some(last.key.to_string());
            }
        }
        Ok(())
    }

    async fn without_gone(
        &self,
        table: &Arc<Table>,
        column: &Column,
        records: &[Arc<Record>],
    ) -> Result<Vec<Write>, Error> {
        let catalog = self.store.core.catalog.load_full();
        let target = column
            .refers_to()
            .and_then(|slug| catalog.table(&table.workspace, slug));
        let Some(target) = target else {
            return Ok(Vec::new());
        };
        let named = |record: &Record| column.keys_in(target.key_kind, record.value(column.ordinal));
        let keys: HashSet<Key> = records
            .iter()
            .flat_map(|record| named(record))
            .flatten()
            .collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let found = self.backend().get_many(target, &keys).await?;
        let there: HashSet<String> = found
            .into_iter()
            .flatten()
            .filter(|record| record.deleted_at.is_none())
            .map(|record| column.key_in(&record.key).written())
            .collect();
        let left = |record: &Arc<Record>| {
            let value = record.value(column.ordinal);
            let rest = match value {
                Value::Null => return None,
                Value::List(ids) => {
                    let rest: Vec<String> = ids.iter().filter(|id| there.contains(*id)).cloned().collect();
                    if rest.is_empty() {
                        Value::Null
                    } else {
                        Value::List(rest)
                    }
                }
                value if there.contains(&value.written()) => return None,
                _ => Value::Null,
            };
            (rest != *value).then(|| put(table, record, column.ordinal, rest))
        };
        Ok(records.iter().filter_map(left).collect())
    }
}

/// The definition as it is in the trash, or out of it again.
fn moved(before: &Table, deleted_at: Option<i64>, now: i64) -> Arc<Table> {
    let mut after = Table {
        deleted_at,
        schema_version: before.schema_version + 1,
        updated_at: now,
        ..before.clone()
    };
    after.refresh();
    Arc::new(after)
}

/// Refuses to take a table away that others refer to.
fn unreferred(catalog: &Catalog, table: &Table) -> Result<(), Error> {
    let refused = |message: String| Error::Definition(vec![Issue::new("table", Code::Reference, message)]);
    let mut others = catalog.referrers(table.number).iter();
    if let Some(other) = others.find(|other| other.table.number != table.number) {
        return Err(refused(format!(
            "\"{}.{}\" refers to it; delete that table or column first",
            other.table.slug,
            other.table.at(other.column).slug
        )));
    }
    match define::reversing(table, &catalog.tables(&table.workspace)) {
        Some((other, column)) => Err(refused(format!(
            "\"{}.{}\" shows which of its records name one; delete that column first",
            other.slug, column.slug
        ))),
        None => Ok(()),
    }
}

/// What is in the way of a table's return, with what to bring back first.
fn in_trash(catalog: &Catalog, table: &Table, mut issues: Vec<Issue>) -> Error {
    let missing = table.references().find(|(_, slug)| {
        let there = *slug == table.slug || catalog.table(&table.workspace, slug).is_some();
        !there
            && catalog
                .deleted()
                .any(|other| other.workspace == table.workspace && other.slug == *slug)
    });
    if let Some((_, slug)) = missing {
        let message = format!("It refers to \"{slug}\", which is in the trash too; bring that back first");
        issues.insert(0, Issue::new("table", Code::Reference, message));
    }
    Error::Definition(issues)
}
