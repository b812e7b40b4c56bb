//! The statements that make and change relations. They are made from definitions; nothing here runs them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::relation::{Relation, lead, relation_name};
use super::rows::Shape;

/// Longest name of anything, in bytes; the server cuts longer ones, and two would become one.
const NAME_BYTES_MAX: usize = 63;
/// Most bytes of the texts in one index row; the server refuses rows over 2,704 bytes.
const INDEX_TEXTS_BYTES: usize = 1_600;
/// Most bytes that the beginning of a text takes in an index row.
const LEAD_BYTES: usize = 400;
/// Most columns of one index.
const INDEX_COLUMNS_MAX: usize = 30;

/// An index of a relation, or the constraint that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// The statement that makes it.
    pub(super) create: String,
    /// The statement that removes it.
    pub(super) drop: String,
    /// The column whose values it keeps unique.
    pub(super) unique: Option<u16>,
}

/// The statement that makes the relation.
pub(super) fn create(relation: &Relation) -> String {
    let key = relation.key_shape().sql();
    let mut sql = format!(
        "CREATE TABLE {} (id {key} PRIMARY KEY, version bigint NOT NULL, change bigint NOT NULL, \
         created_at bigint NOT NULL, updated_at bigint NOT NULL, created_by text COLLATE \"C\", \
         updated_by text COLLATE \"C\", expires_at bigint, deleted_at bigint, external_id text COLLATE \"C\", \
         metadata text, extra text COLLATE \"C\"",
        relation.name
    );
    for slot in &relation.slots {
        let _ = write!(sql, ", {} {}", slot.name, slot.shape.sql());
    }
    sql.push(')');
    sql
}

/// The statements that add the columns which `before` has not. A column without a default is added without looking at
/// any row.
pub(super) fn add_columns(before: &Relation, after: &Relation) -> Vec<String> {
    let new = after
        .slots
        .iter()
        .filter(|slot| before.slot(slot.ordinal).is_none());
    new.map(|slot| {
        format!(
            "ALTER TABLE {} ADD COLUMN {} {}",
            after.name,
            slot.name,
            slot.shape.sql()
        )
    })
    .collect()
}

/// A name that is not cut.
fn fitting(name: String) -> String {
    match name.len() > NAME_BYTES_MAX {
        true => format!("{}_{:08x}", &name[..40], crc32fast::hash(name.as_bytes())),
        false => name,
    }
}

/// What stands for a column in an index: long texts by their beginning.
fn part(name: &str, shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Json => lead(name),
        _ => name.to_owned(),
    }
}

/// The indexes of a relation by unquoted name, those that keep values unique first and by ordinal.
pub(super) fn indexes(relation: &Relation) -> BTreeMap<(bool, u16, String), Index> {
    let mut indexes = BTreeMap::new();
    let base = relation_name(relation.table.number);
    let mut add = |name: String, on: String| {
        let name = fitting(name);
        let index = Index {
            create: format!("CREATE INDEX \"{name}\" ON {} {on}", relation.name),
            drop: format!("DROP INDEX \"{name}\""),
            unique: None,
        };
        indexes.insert((true, 0, name), index);
    };
    add(
        format!("{base}_trash"),
        "(deleted_at) WHERE deleted_at IS NOT NULL".into(),
    );
    add(
        format!("{base}_expiry"),
        "(expires_at) WHERE expires_at IS NOT NULL".into(),
    );
    let external = lead("external_id");
    add(
        format!("{base}_external"),
        format!("({external}, id) WHERE external_id IS NOT NULL"),
    );
    if relation.table.max_size.is_some() {
        add(format!("{base}_created"), "(created_at, id)".into());
    }
    for slot in &relation.slots {
        let column = relation.table.at(slot.ordinal);
        // A list may be longer than an index row, and has no beginning that sorts as it does.
        if column.live() && (column.indexed || slot.unique) && slot.shape != Shape::List {
            add(
                format!("{base}_c{}_index", slot.ordinal),
                format!("({}, id)", part(&slot.name, &slot.shape)),
            );
        }
    }
    for ordinals in &relation.table.indexes {
        if let Some((name, on)) = several(relation, ordinals) {
            add(format!("{base}_{name}_index"), on);
        }
    }
    for slot in relation.slots.iter().filter(|slot| slot.unique) {
        let name = fitting(format!("{base}_c{}_unique", slot.ordinal));
        let index = unique(relation, &slot.name, &slot.shape, &name, slot.ordinal);
        indexes.insert((false, slot.ordinal, name), index);
    }
    indexes
}

/// The constraint that keeps values unique among live records. It is judged when the transaction ends, since two records
/// may swap values inside it; a hash takes texts of any length, and the server compares the texts themselves.
fn unique(relation: &Relation, column: &str, shape: &Shape, name: &str, ordinal: u16) -> Index {
    let method = match shape {
        Shape::Text | Shape::Json | Shape::List => "hash",
        _ => "btree",
    };
    let table = &relation.name;
    Index {
        create: format!(
            "ALTER TABLE {table} ADD CONSTRAINT \"{name}\" EXCLUDE USING {method} ({column} WITH =) \
             WHERE (deleted_at IS NULL) DEFERRABLE INITIALLY DEFERRED"
        ),
        drop: format!("ALTER TABLE {table} DROP CONSTRAINT \"{name}\""),
        unique: Some(ordinal),
    }
}

/// An index over several columns: its short name, and on what it is. It ends before a column that might make its rows
/// too long: a shorter index finds the same, only later.
fn several(relation: &Relation, ordinals: &[u16]) -> Option<(String, String)> {
    let mut parts: Vec<String> = Vec::new();
    let mut names = Vec::new();
    let mut texts = 0;
    for ordinal in ordinals.iter().take(INDEX_COLUMNS_MAX) {
        names.push(format!("c{ordinal}"));
        if relation.table.key_column == Some(*ordinal) {
            parts.push("id".into());
            continue;
        }
        let slot = relation.slot(*ordinal)?;
        texts += match slot.shape {
            Shape::Text | Shape::Json => LEAD_BYTES,
            _ => 0,
        };
        if slot.shape == Shape::List || texts > INDEX_TEXTS_BYTES {
            break;
        }
        parts.push(part(&slot.name, &slot.shape));
    }
    if parts.is_empty() {
        return None;
    }
    if !parts.iter().any(|part| part == "id") {
        parts.push("id".into());
    }
    Some((names.join("_"), format!("({})", parts.join(", "))))
}
