//! The statements that make and change relations. They are made from definitions; nothing here runs them.

use std::collections::BTreeMap;
use std::fmt::Write;

use chancery_model::KeyKind;

use super::relation::{Relation, relation_name};

/// An index of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// The statement that makes it.
    pub(super) create: String,
    /// The column whose values it keeps unique.
    pub(super) unique: Option<u16>,
}

/// The statement that makes the relation. Declared columns have no SQL type, and so no affinity: values are kept as
/// they are bound, and a column whose field type changes needs no new relation.
pub(super) fn create(relation: &Relation) -> String {
    let key = match relation.key_kind {
        KeyKind::Uuid => "BLOB",
        KeyKind::Int => "INTEGER",
        KeyKind::Text => "TEXT",
    };
    let mut sql = format!(
        "CREATE TABLE {} (seq INTEGER PRIMARY KEY, id {key} NOT NULL UNIQUE, version INTEGER NOT NULL, \
         change INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, created_by TEXT, \
         updated_by TEXT, expires_at INTEGER, deleted_at INTEGER, external_id TEXT, metadata TEXT, extra TEXT",
        relation.name
    );
    for slot in &relation.slots {
        let _ = write!(sql, ", {}", slot.name);
    }
    sql.push(')');
    sql
}

/// The statements that add the columns which `before` has not.
pub(super) fn add_columns(before: &Relation, after: &Relation) -> Vec<String> {
    let new = after
        .slots
        .iter()
        .filter(|slot| before.slot(slot.ordinal).is_none());
    new.map(|slot| format!("ALTER TABLE {} ADD COLUMN {}", after.name, slot.name))
        .collect()
}

/// The indexes of a relation by unquoted name, those that keep values unique first and by ordinal.
pub(super) fn indexes(relation: &Relation) -> BTreeMap<(bool, u16, String), Index> {
    let mut indexes = BTreeMap::new();
    let base = relation_name(relation.table.number);
    let mut add = |name: String, unique: Option<u16>, on: String| {
        let kind = if unique.is_some() { "UNIQUE INDEX" } else { "INDEX" };
        let create = format!("CREATE {kind} \"{name}\" ON {} {on}", relation.name);
        indexes.insert(
            (unique.is_none(), unique.unwrap_or_default(), name),
            Index { create, unique },
        );
    };
    add(
        format!("{base}_trash"),
        None,
        "(deleted_at) WHERE deleted_at IS NOT NULL".into(),
    );
    add(
        format!("{base}_expiry"),
        None,
        "(expires_at) WHERE expires_at IS NOT NULL".into(),
    );
    add(
        format!("{base}_external"),
        None,
        "(external_id, id) WHERE external_id IS NOT NULL".into(),
    );
    if relation.table.max_size.is_some() {
        add(format!("{base}_created"), None, "(created_at, id)".into());
    }
    for slot in &relation.slots {
        let column = relation.table.at(slot.ordinal);
        let (name, ordinal) = (&slot.name, slot.ordinal);
        if slot.unique {
            add(
                format!("{base}_c{ordinal}_unique"),
                Some(ordinal),
                format!("({name}) WHERE deleted_at IS NULL"),
            );
        } else if column.live() && column.indexed {
            add(format!("{base}_c{ordinal}_index"), None, format!("({name}, id)"));
        }
    }
    for ordinals in &relation.table.indexes {
        let names: Option<Vec<&str>> = ordinals
            .iter()
            .map(|ordinal| index_part(relation, *ordinal))
            .collect();
        if let Some(names) = names {
            let short: Vec<String> = ordinals.iter().map(|ordinal| format!("c{ordinal}")).collect();
            let mut on = names.join(", ");
            if !names.contains(&"id") {
                on.push_str(", id");
            }
            add(
                format!("{base}_{}_index", short.join("_")),
                None,
                format!("({on})"),
            );
        }
    }
    indexes
}

/// The name of a column in an index; the key column's is `id`.
fn index_part(relation: &Relation, ordinal: u16) -> Option<&str> {
    if relation.table.key_column == Some(ordinal) {
        return Some("id");
    }
    relation.slot(ordinal).map(|slot| slot.name.as_str())
}
