//! What decisions about records need from outside: the time, who asks, fresh ids, and whoever seals encrypted cells. It decides nothing.

use std::sync::Arc;

use chancery_model::admit::Context;
use chancery_model::encryption::Cells;
use chancery_model::{Table, Value};
use uuid::Uuid;

use crate::store::Store;

impl Store {
    /// Runs a decision with everything from outside that it needs.
    pub(crate) fn decide<T>(&self, now: i64, decide: impl FnOnce(&mut Context) -> T) -> T {
        self.decide_with(now, None, decide)
    }

    /// Whether a table of any workspace has an encrypted column, so that writing and finding values needs the vault to be open.
    pub fn has_encrypted_columns(&self) -> bool {
        let catalog = self.core.catalog.load();
        let encrypted = |table: &Arc<Table>| table.live().any(|column| column.encrypted.is_some());
        catalog.all().any(encrypted)
    }

    /// Runs something that may have to seal cells.
    pub(crate) fn sealing<T>(&self, work: impl FnOnce(Option<&dyn Cells>) -> T) -> T {
        let cells = self.core.cells.load();
        work(cells.as_deref().map(|cells| cells as &dyn Cells))
    }

    /// As [`Store::decide`], with cells of encrypted columns that are taken as they are.
    pub(crate) fn decide_with<T>(
        &self,
        now: i64,
        kept_cells: Option<&[Value]>,
        decide: impl FnOnce(&mut Context) -> T,
    ) -> T {
        let mut fresh = Uuid::now_v7;
        let actor = self.actor.id.clone();
        self.sealing(|cells| {
            decide(&mut Context {
                now,
                actor,
                fresh: &mut fresh,
                cells,
                kept_cells,
            })
        })
    }
}
