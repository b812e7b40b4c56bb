//! Who names a file. Each file has a row for each table of which a record named it, written in the commit that made it so; only those
//! tables are looked into. Whoever names a file changes the row of a use that ended, or makes one and changes that of the file: over
//! these rows as they were before the tables were looked into, a file is let go, however much is written into the tables.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::filter::{Filter, Operator, Test};
use chancery_model::query::{Plan, Query, Scope, Window};
use chancery_model::{Column, Key, Record as Row, Table, TableId, Value};
use chancery_storage::{OnReject, Write};

use super::File;
use super::rows::{ENDED, Tables, UseRow, read};
use crate::error::Error;
use crate::record::Record;
use crate::store::{Commit, Store};

/// The row of a use, and its table; none where that was dropped.
pub(super) type Used = (Record, Option<Arc<Table>>);

/// Where a file is used.
#[derive(Clone, Debug, PartialEq)]
pub struct FileUse {
    /// The slug of the table.
    pub table: String,
    /// The record's key.
    pub key: Key,
    /// The slug of the column.
    pub column: String,
    /// Whether the record is in the trash.
    pub in_trash: bool,
}

impl Store {
    /// Where a file is used, at most so many places; records in the trash count.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn file_uses(&self, id: &str, most: usize) -> Result<Vec<FileUse>, Error> {
        match self.known_file_tables().await? {
            Some(tables) => self.places(&self.uses_of(&tables, id).await?, id, most).await,
            None => Ok(Vec::new()),
        }
    }

    /// The places in the tables of the uses of a file, at most so many.
    pub(super) async fn places(&self, uses: &[Used], id: &str, most: usize) -> Result<Vec<FileUse>, Error> {
        let mut places = Vec::new();
        for table in uses.iter().filter_map(|(_, table)| table.as_ref()) {
            for column in columns(table).filter(|column| column.live()) {
                let left = most - places.len();
                if left == 0 {
                    return Ok(places);
                }
                let found = self.naming(table, column, &[id.to_owned()], left).await?;
                places.extend(found.into_iter().map(|record| FileUse {
                    table: table.slug.clone(),
                    key: record.key.clone(),
                    column: column.slug.clone(),
                    in_trash: record.deleted_at.is_some(),
                }));
            }
        }
        Ok(places)
    }

    /// Whether records name a file, or did since the last sweep: then whoever may read records may read it.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn is_file_shown(&self, file: &File) -> Result<bool, Error> {
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(false);
        };
        for (kept, table) in self.uses_of(&tables, &file.id).await? {
            if table.is_some() && read::<UseRow>(&kept)?.ended.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rows of the uses of a file, with their tables; none where one was dropped.
    pub(super) async fn uses_of(&self, tables: &Tables, id: &str) -> Result<Vec<Used>, Error> {
        let query = Query::new().filter("file", Operator::Eq, id);
        let kept = tables.uses.select(&query).await?.into_iter();
        // After the uses: a table that another process has just made is no table that was dropped.
        self.refresh().await?;
        let catalog = self.core.catalog.load_full();
        kept.map(|kept| {
            let row: UseRow = read(&kept)?;
            let table = catalog.stored(TableId(row.table_number)).cloned();
            Ok((kept, table))
        })
        .collect()
    }

    /// Writes down that uses ended, or that they did not. What somebody else changed meanwhile stays as it is.
    pub(super) async fn mark_uses(
        &self,
        uses: impl Iterator<Item = &Used>,
        ended: Value,
    ) -> Result<(), Error> {
        let now = self.now();
        let writes: Vec<Write> = uses
            .filter_map(|(kept, _)| ended_at(kept.table(), kept.row(), ended.clone(), now))
            .collect();
        if writes.is_empty() {
            return Ok(());
        }
        let own = self.file_tables().await?.uses.store.repeatable();
        let how = Commit {
            on_reject: OnReject::Skip,
            ..Commit::default()
        };
        own.commit(writes, now, how).await?;
        Ok(())
    }

    /// Those of some files that records of a table name, deleted columns and the trash included.
    pub(super) async fn named_in(
        &self,
        table: &Arc<Table>,
        ids: &[String],
    ) -> Result<HashSet<String>, Error> {
        let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let mut named = HashSet::new();
        for column in columns(table) {
            let plan = self.naming_plan(table, column, ids, None);
            let mut rows = self.core.backend.stream(&plan).await?;
            while let Some(rows) = rows.recv().await {
                for row in rows? {
                    let ids = of(&row, column).into_iter();
                    named.extend(ids.filter(|id| wanted.contains(id)).map(str::to_owned));
                }
            }
        }
        Ok(named)
    }

    async fn naming(
        &self,
        table: &Arc<Table>,
        column: &Column,
        ids: &[String],
        most: usize,
    ) -> Result<Vec<Arc<Row>>, Error> {
        let plan = self.naming_plan(table, column, ids, Some(most));
        Ok(self.core.backend.query(&plan).await?)
    }

    fn naming_plan(&self, table: &Arc<Table>, column: &Column, ids: &[String], most: Option<usize>) -> Plan {
        let test = match column.names_several() {
            true => Test::ListAny(ids.to_vec()),
            false => Test::In(ids.iter().map(Value::text).collect()),
        };
        Plan {
            filter: Filter::Field(table.field_of(column.ordinal), test),
            scope: Scope::All,
            window: most.map_or(Window::All, |most| Window::Offset {
                offset: 0,
                limit: most as u64,
            }),
            // Expired ones too: they may be seen again.
            ..Plan::all(table.clone(), i64::MIN)
        }
    }
}

/// A use with another end; none where it has it already.
pub(crate) fn ended_at(uses: &Arc<Table>, had: &Arc<Row>, ended: Value, now: i64) -> Option<Write> {
    let column = uses.column(ENDED)?.ordinal;
    if *had.value(column) == ended {
        return None;
    }
    let mut next = had.next(now, None);
    let before = std::mem::replace(next.values.get_mut(usize::from(column))?, ended);
    let before = vec![(column, before)];
    Some(Write::update(uses, had, next, before, ChangeKind::Updated))
}

/// The columns of a table that name files, whatever became of them.
fn columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| column.names_files())
}

/// The files that a column of a record names.
pub(crate) fn of<'a>(row: &'a Row, column: &Column) -> Vec<&'a str> {
    match row.value(column.ordinal) {
        Value::Text(id) => vec![id],
        Value::List(ids) => ids.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
