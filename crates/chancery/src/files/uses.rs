//! Who names a file. Each file has a row for each table of which a record named it, written in the commit that made it so; only those
//! tables are looked into.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::filter::{Filter, Operator, Test};
use chancery_model::query::{Plan, Query, Scope, Window};
use chancery_model::{Column, Key, Record as Row, Table, TableId, Value};

use super::File;
use super::rows::{Tables, UseRow, read};
use crate::error::Error;
use crate::record::Record;
use crate::store::Store;

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
        let mut places = Vec::new();
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(places);
        };
        for (_, table) in self.uses_of(&tables, id).await? {
            let Some(table) = table else { continue };
            for column in columns(&table).filter(|column| column.live()) {
                let left = most - places.len();
                if left == 0 {
                    return Ok(places);
                }
                let found = self.naming(&table, column, &[id.to_owned()], left).await?;
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
    pub(super) async fn uses_of(
        &self,
        tables: &Tables,
        id: &str,
    ) -> Result<Vec<(Record, Option<Arc<Table>>)>, Error> {
        let query = Query::new().filter("file", Operator::Eq, id);
        let kept = tables.uses.select(&query).await?.into_iter();
        // After the uses: a table that another process has just made is no table that was dropped.
        self.refresh().await?;
        let catalog = self.core.catalog.load_full();
        kept.map(|kept| {
            let row: UseRow = read(&kept)?;
            let table = catalog.numbered(TableId(row.table_number)).cloned();
            Ok((kept, table))
        })
        .collect()
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
