//! Taking back what a batch did in memory, exactly. It does nothing by itself: each step of a commit says how it is undone.

use std::sync::Arc;

use chancery_model::{Key, Record, Table, TableId};

use super::State;
use super::index::Index;
use super::relation::{Relation, Touched};
use crate::batch::{Counter, Document};

/// How to take one step back.
pub(super) enum Undo {
    Inserted {
        table: TableId,
        key: Key,
        touched: Touched,
    },
    Updated {
        table: TableId,
        old: Arc<Record>,
        touched: Touched,
    },
    Purged {
        table: TableId,
        old: Arc<Record>,
        touched: Touched,
    },
    Cleared {
        old: Box<Relation>,
    },
    Created {
        table: TableId,
    },
    Changed {
        definition: Arc<Table>,
        retired: Vec<Index>,
    },
    Dropped {
        old: Box<Relation>,
    },
    Counted {
        counter: Counter,
        old: u64,
    },
    Document {
        kind: String,
        id: String,
        old: Option<Document>,
    },
}

/// Takes every step back, the newest first.
pub(super) fn take_back(state: &mut State, mut steps: Vec<Undo>, logged: u64) {
    let State {
        relations,
        log,
        documents,
        counters,
        ..
    } = state;
    log.take_back(logged);
    while let Some(undo) = steps.pop() {
        match undo {
            Undo::Inserted { table, key, touched } => {
                let relation = known(relations, table);
                let slot = relation
                    .slots
                    .find(&key)
                    .expect("what was inserted is still there");
                relation.remove(slot);
                relation.touched = touched;
            }
            Undo::Updated { table, old, touched } => {
                let relation = known(relations, table);
                let slot = relation
                    .slots
                    .find(&old.key)
                    .expect("what was updated is still there");
                relation.replace(slot, old);
                relation.touched = touched;
            }
            Undo::Purged { table, old, touched } => {
                let relation = known(relations, table);
                // Somebody may still have a unique value of it: that is taken back too.
                let vacancy = relation
                    .vacancy(&old)
                    .expect("what was purged left its place free");
                relation.add(old, vacancy);
                relation.touched = touched;
            }
            Undo::Cleared { old } | Undo::Dropped { old } => {
                relations.insert(old.definition.number, *old);
            }
            Undo::Created { table } => {
                relations.remove(&table);
            }
            Undo::Changed { definition, retired } => {
                known(relations, definition.number).undefine(definition, retired);
            }
            Undo::Counted { counter, old } => {
                counters.insert(counter, old);
            }
            Undo::Document { kind, id, old } => {
                documents.set(&kind, &id, old);
            }
        }
    }
}

fn known(relations: &mut super::Relations, table: TableId) -> &mut Relation {
    relations
        .get_mut(&table)
        .expect("a step is taken back in the state it left")
}
