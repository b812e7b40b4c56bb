//! Long work on all values of a column: encrypted, sealed anew, or readable again. How one column takes the place of another is the
//! business of [`crate::replace`].

use async_trait::async_trait;
use chancery_model::change::Reason;
use chancery_model::encryption::{Encryption, Mask};
use chancery_model::{Column, Json, Table};

use super::audit::Event;
use super::cells::CELL;
use super::error::VaultError;
use super::{Vault, VaultOp};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::jobs::{Step, Work};
use crate::replace::{Replacement, Shape};
use crate::store::Store;

/// What is asked for a column.
pub(super) struct ColumnAsked {
    pub(super) table: TableHandle,
    /// Its slug.
    pub(super) column: String,
    /// The mask and whether cells are indexed, each as it was if not given; none to be readable.
    pub(super) to: Option<(Option<Mask>, Option<bool>)>,
}

/// The work on a column, which the audit tells of.
pub(super) struct ColumnWork {
    vault: Vault,
    replacement: Replacement,
    op: VaultOp,
}

impl ColumnAsked {
    fn op(&self) -> VaultOp {
        match self.to {
            Some(_) => VaultOp::EncryptColumn,
            None => VaultOp::DecryptColumn,
        }
    }

    pub(super) fn params(&self) -> Json {
        let definition = self.table.definition();
        let named = |of: fn(&Table) -> &String| {
            definition
                .as_ref()
                .map_or_else(|_| String::new(), |table| of(table).clone())
        };
        let mut params = serde_json::json!({
            "tableId": &*self.table.id,
            "table": named(|table| &table.slug),
            "workspace": named(|table| &table.workspace),
            "column": self.column,
        });
        if let Some((mask, indexed)) = &self.to {
            params["mask"] = mask.map_or(Json::Null, |mask| Json::from(mask.as_str()));
            params["indexed"] = indexed.map_or(Json::Null, Json::from);
        }
        params
    }

    /// The job with this id that does it.
    pub(super) fn replacement(&self, (id, dry_run): (&str, bool)) -> Replacement {
        Replacement {
            table: self.table.clone(),
            column: self.column.clone(),
            job: id.to_owned(),
            dry_run,
            shape: shape(&self.table.store, self.to),
        }
    }
}

/// What the column is like afterwards.
fn shape(store: &Store, to: Option<(Option<Mask>, Option<bool>)>) -> Shape {
    let store = store.clone();
    Box::new(move |column| {
        let was = column.encrypted.take();
        let Some((mask, indexed)) = to else {
            if was.is_none() {
                return Err(vec![super::issue("column", "This column is not encrypted")]);
            }
            return Ok(());
        };
        let kid = store.sealing(|cells| cells.and_then(|cells| cells.newest_kid()));
        let kid = kid.ok_or_else(|| vec![chancery_model::encryption::sealed(&column.slug)])?;
        let was = was.unwrap_or_default();
        let indexed = indexed.unwrap_or(was.indexed);
        column.encrypted = Some(Encryption {
            mask: mask.unwrap_or(was.mask),
            indexed,
            kid,
        });
        // An index over cells that are all different finds nothing.
        column.indexed = indexed;
        Ok(())
    })
}

impl Vault {
    /// Whether a column can be what is asked. That its values are to be seen, or not any more, is written down before anything is done.
    pub(super) async fn check_column(&self, asked: &ColumnAsked, dry_run: bool) -> Result<(), VaultError> {
        self.refreshed().await?;
        asked.replacement(("", dry_run)).check()?;
        if dry_run {
            return Ok(());
        }
        let column = asked.table.column(&asked.column)?;
        self.done(about(asked.op(), &asked.table, &column)).await
    }

    pub(super) fn column_work(&self, asked: ColumnAsked, job: (&str, bool)) -> ColumnWork {
        ColumnWork {
            vault: self.clone(),
            op: asked.op(),
            replacement: asked.replacement(job),
        }
    }

    /// A table whose columns jobs are about, by id or slug, in a workspace, by id or slug.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest name.
    pub fn table(&self, workspace: &str, table: &str) -> Result<TableHandle, Error> {
        self.store.in_workspace(workspace)?.table(table)
    }

    /// The table and the column of a job that is kept; none if the table is gone.
    pub(super) fn kept_column(&self, params: &Json) -> Option<(TableHandle, String)> {
        let text = |name: &str| params.get(name).and_then(Json::as_str);
        let id = text("tableId")?;
        let catalog = self.store.core.catalog.load();
        let table = catalog.all().find(|table| table.id == id)?;
        let store = self.store.in_workspace(&table.workspace).ok()?;
        Some((store.handle(table), text("column")?.to_owned()))
    }
}

/// An entry of the audit about all cells of a column.
fn about(op: VaultOp, table: &TableHandle, column: &Column) -> Event {
    Event {
        secret: Some(format!("{CELL}{}/*/{}", table.id, column.id)),
        ..Event::new(op)
    }
}

#[async_trait]
impl Work for ColumnWork {
    async fn total(&self) -> Result<u64, Error> {
        self.replacement.total().await
    }

    async fn step(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error> {
        // Another process may have made the key that it seals with.
        self.vault.refreshed().await.map_err(super::walk::flat)?;
        self.replacement.step(after, rows).await
    }

    fn reason(&self) -> Reason {
        self.replacement.reason()
    }

    async fn finish(&self) -> Result<(), Error> {
        self.replacement.finish().await?;
        let column = self.replacement.table.column(&self.replacement.column)?;
        let done = self.vault.done(about(self.op, &self.replacement.table, &column));
        done.await.map_err(super::walk::flat)
    }

    async fn give_up(&self) -> Result<(), Error> {
        self.replacement.give_up().await
    }
}
