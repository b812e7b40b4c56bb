//! The relations in use on an engine that keeps each table in one: made from definitions, each once. What a relation is, the
//! engine knows.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::{Table, TableId};
use parking_lot::RwLock;

/// The relations in use, with the definitions that they were made from.
#[derive(Debug)]
pub(crate) struct Relations<R> {
    known: RwLock<HashMap<TableId, Known<R>>>,
}

#[derive(Debug)]
struct Known<R> {
    definition: Arc<Table>,
    relation: Arc<R>,
}

impl<R> Default for Relations<R> {
    fn default() -> Relations<R> {
        Relations {
            known: RwLock::default(),
        }
    }
}

impl<R: From<Arc<Table>>> Relations<R> {
    /// The relation of a table.
    pub(crate) fn get(&self, table: &Arc<Table>) -> Arc<R> {
        if let Some(known) = self.known.read().get(&table.number)
            && is_same(&known.definition, table)
        {
            return known.relation.clone();
        }
        let relation = Arc::new(R::from(table.clone()));
        let known = Known {
            definition: table.clone(),
            relation: relation.clone(),
        };
        self.known.write().insert(table.number, known);
        relation
    }

    /// Forgets all tables.
    pub(crate) fn clear(&self) {
        self.known.write().clear();
    }

    /// Forgets a table whose definition changed.
    pub(crate) fn forget(&self, number: TableId) {
        self.known.write().remove(&number);
    }
}

/// Whether two definitions are one, or equal as far as a relation shows.
fn is_same(own: &Arc<Table>, other: &Arc<Table>) -> bool {
    Arc::ptr_eq(own, other)
        || own.schema_version == other.schema_version
            && own.updated_at == other.updated_at
            && own.id == other.id
            && own.columns.len() == other.columns.len()
}
