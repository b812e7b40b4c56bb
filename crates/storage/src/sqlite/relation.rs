//! A table as SQLite keeps it: names, columns and the statements that every write and point read uses.
//! It is made from the definition alone; it reads no database.

use std::fmt::Write;
use std::sync::Arc;

use chancery_model::field::Storage;
use chancery_model::filter::FieldRef;
use chancery_model::{Column, KeyKind, Table, TableId};

use super::rows::Shape;

/// The system columns, in the order of every row.
pub(super) const SYSTEM: &str = "id, version, change, created_at, updated_at, created_by, updated_by, expires_at, \
                                 deleted_at, external_id, metadata, extra";

/// Longest part of a slug in a column's name, in characters.
const SLUG_PART_MAX: usize = 40;

/// A declared column that has an SQL column.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Its place in a record's values.
    pub(super) ordinal: u16,
    /// Its quoted name.
    pub(super) name: String,
    /// How it is kept.
    pub(super) shape: Shape,
    /// Whether the definition asks for an index that starts with it.
    pub(super) indexed: bool,
    /// Whether its values are unique.
    pub(super) unique: bool,
}

/// A table as SQLite keeps it.
#[derive(Debug)]
pub(super) struct Relation {
    /// The definition it was made from.
    pub(super) table: Arc<Table>,
    /// The quoted name.
    pub(super) name: String,
    /// What its keys are.
    pub(super) key_kind: KeyKind,
    /// How many values a record has.
    pub(super) width: usize,
    /// The columns that have an SQL column, by ordinal.
    pub(super) slots: Vec<Slot>,
    /// `id, version, …, "c0_name", …`.
    pub(super) select_list: String,
    /// The record with a key.
    pub(super) get: String,
    /// The record in a row.
    pub(super) get_row: String,
    /// Where a key is: row, version, change.
    pub(super) locate: String,
    /// A new record.
    pub(super) insert: String,
    /// Takes a row away.
    pub(super) delete: String,
}

/// The unquoted name of a table's relation.
pub(super) fn relation_name(number: TableId) -> String {
    format!("t{}", number.0)
}

/// The unquoted name of a column.
pub(super) fn column_name(column: &Column) -> String {
    let plain = column
        .slug
        .chars()
        .take(SLUG_PART_MAX)
        .map(|c| match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        });
    format!("c{}_{}", column.ordinal, plain.collect::<String>())
}

/// How a column's values are kept.
pub(super) fn column_shape(table: &Table, column: &Column) -> Shape {
    let kind = column.kind();
    if kind.flags().computed || table.key_column == Some(column.ordinal) {
        return Shape::Absent;
    }
    match kind.storage() {
        Storage::Bool => Shape::Bool,
        Storage::Int => Shape::Int,
        Storage::Number => Shape::Number,
        Storage::Decimal => Shape::Decimal(column.scale()),
        Storage::Text => Shape::Text,
        Storage::List => Shape::List,
        Storage::Json => Shape::Json,
    }
}

impl Relation {
    /// The relation of a definition.
    pub(super) fn new(table: Arc<Table>) -> Relation {
        let name = format!("\"{}\"", relation_name(table.number));
        let slots: Vec<Slot> = table
            .columns
            .iter()
            .filter_map(|column| {
                let shape = column_shape(&table, column);
                let leads = |index: &Vec<u16>| index.first() == Some(&column.ordinal);
                (shape != Shape::Absent).then(|| Slot {
                    ordinal: column.ordinal,
                    name: format!("\"{}\"", column_name(column)),
                    shape,
                    indexed: column.live() && (column.has_index() || table.indexes.iter().any(leads)),
                    unique: column.live() && column.constraints.unique,
                })
            })
            .collect();
        let mut select_list = SYSTEM.to_owned();
        for slot in &slots {
            let _ = write!(select_list, ", {}", slot.name);
        }
        let places = super::rows::SYSTEM_COLUMNS + slots.len();
        let marks = vec!["?"; places].join(", ");
        Relation {
            get: format!("SELECT {select_list} FROM {name} WHERE id = ?"),
            get_row: format!("SELECT {select_list} FROM {name} WHERE seq = ?"),
            locate: format!("SELECT seq, version, change FROM {name} WHERE id = ?"),
            insert: format!("INSERT INTO {name} ({select_list}) VALUES ({marks})"),
            delete: format!("DELETE FROM {name} WHERE seq = ?"),
            key_kind: table.key_kind,
            width: table.columns.len(),
            table,
            name,
            slots,
            select_list,
        }
    }

    /// The statement that writes a new state of a row: the system columns, the given slots, and the move to or from
    /// the trash. Without `trash` the unique indexes, which leave trash out, need not be touched.
    pub(super) fn update(&self, slots: &[&Slot], trash: bool) -> String {
        let mut sql = format!(
            "UPDATE {} SET version = ?, change = ?, created_at = ?, updated_at = ?, created_by = ?, updated_by = ?, \
             expires_at = ?, external_id = ?, metadata = ?, extra = ?",
            self.name
        );
        if trash {
            sql.push_str(", deleted_at = ?");
        }
        for slot in slots {
            let _ = write!(sql, ", {} = ?", slot.name);
        }
        sql.push_str(" WHERE seq = ?");
        sql
    }

    /// The slot of an ordinal.
    pub(super) fn slot(&self, ordinal: u16) -> Option<&Slot> {
        self.slots
            .binary_search_by_key(&ordinal, |slot| slot.ordinal)
            .ok()
            .map(|index| &self.slots[index])
    }

    /// The SQL expression of a field and how its values are kept. An undeclared field's expression is the whole
    /// object; the shape names the member.
    pub(super) fn field(&self, field: &FieldRef) -> (&str, Shape) {
        match field {
            FieldRef::Key => ("id", self.key_shape()),
            FieldRef::Version => ("version", Shape::Int),
            FieldRef::CreatedAt => ("created_at", Shape::Int),
            FieldRef::UpdatedAt => ("updated_at", Shape::Int),
            FieldRef::ExpiresAt => ("expires_at", Shape::Int),
            FieldRef::DeletedAt => ("deleted_at", Shape::Int),
            FieldRef::CreatedBy => ("created_by", Shape::Text),
            FieldRef::UpdatedBy => ("updated_by", Shape::Text),
            FieldRef::ExternalId => ("external_id", Shape::Text),
            // What no program but this wrote; absent where there is nothing to say.
            FieldRef::Source => ("ifnull(metadata ->> 'source', 'api')", Shape::Text),
            FieldRef::ImportId => ("(metadata ->> 'importId')", Shape::Text),
            FieldRef::ImportRow => ("(metadata ->> 'importRow')", Shape::Int),
            FieldRef::DuplicateOf => ("(metadata ->> 'duplicateOf')", Shape::Text),
            // A statement says it for itself: it depends on what is searched for.
            FieldRef::Rank => ("NULL", Shape::Absent),
            FieldRef::Extra(name) => ("extra", Shape::Extra(name.clone())),
            FieldRef::Column(ordinal) => match self.slot(*ordinal) {
                Some(slot) => (&slot.name, slot.shape.clone()),
                None => ("NULL", Shape::Absent),
            },
        }
    }

    /// Whether an index gives the order or the range of a field.
    pub(super) fn has_index(&self, field: &FieldRef) -> bool {
        match field {
            FieldRef::Key => true,
            // The oldest are evicted where a table has a largest size.
            FieldRef::CreatedAt => self.table.max_size.is_some(),
            FieldRef::Column(ordinal) => self.slot(*ordinal).is_some_and(|slot| slot.indexed),
            _ => false,
        }
    }

    /// How keys are kept.
    pub(super) fn key_shape(&self) -> Shape {
        match self.key_kind {
            KeyKind::Int => Shape::Int,
            KeyKind::Text => Shape::Text,
            KeyKind::Uuid => Shape::Uuid,
        }
    }
}

/// The relations in use.
pub(super) type Relations = crate::relations::Relations<Relation>;

impl From<Arc<Table>> for Relation {
    fn from(table: Arc<Table>) -> Relation {
        Relation::new(table)
    }
}
