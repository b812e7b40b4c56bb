//! A table as PostgreSQL keeps it: names, columns and how each is kept. It is made from the definition alone; it reads no
//! database.

use std::fmt::Write;
use std::sync::Arc;

use chancery_model::field::Storage;
use chancery_model::filter::FieldRef;
use chancery_model::{Column, KeyKind, Table, TableId};

use super::rows::Shape;

/// The system columns, in the order of every row.
pub(super) const SYSTEM: &str = "id, version, change, created_at, updated_at, created_by, updated_by, expires_at, \
                                 deleted_at, external_id, metadata, extra";
/// What stands in the metadata, which is JSON as this program wrote it, and absent where there is nothing to say. The two characters
/// that texts are not stored with are written as everywhere.
macro_rules! origin {
    ($name:literal) => {
        concat!(
            r"replace(replace(metadata, '\u0001', '\u0001\u0002'), '\u0000', '\u0001\u0001')::json ->> '",
            $name,
            "'"
        )
    };
}
const SOURCE: &str = concat!("(coalesce(", origin!("source"), ", 'api') COLLATE \"C\")");
const IMPORT_ID: &str = concat!("((", origin!("importId"), ") COLLATE \"C\")");
const IMPORT_ROW: &str = concat!("((", origin!("importRow"), ")::bigint)");
const DUPLICATE_OF: &str = concat!("((", origin!("duplicateOf"), ") COLLATE \"C\")");
/// The number of system columns, which come first in every row.
pub(super) const SYSTEM_COLUMNS: usize = 12;
/// Longest part of a slug in a column's name, in characters.
const SLUG_PART_MAX: usize = 40;
/// Indexes hold the beginning of a text, of so many characters: an index row has a largest size, a text has none that
/// is near it.
const LEAD_CHARS: usize = 100;

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

/// A table as PostgreSQL keeps it.
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
    /// The records with any of these keys.
    pub(super) get_many: String,
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

/// The beginning of a text, as indexes hold it.
pub(super) fn lead(expression: &str) -> String {
    format!("left({expression}, {LEAD_CHARS})")
}

/// The beginning of a bound text in the form that indexes hold; the text is in stored form already.
pub(super) fn lead_text(stored: &str) -> &str {
    match stored.char_indices().nth(LEAD_CHARS) {
        Some((end, _)) => &stored[..end],
        None => stored,
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
        Relation {
            get: format!("SELECT {select_list} FROM {name} WHERE id = $1"),
            get_many: format!("SELECT {select_list} FROM {name} WHERE id = ANY($1)"),
            key_kind: table.key_kind,
            width: table.columns.len(),
            table,
            name,
            slots,
            select_list,
        }
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
            FieldRef::Source => (SOURCE, Shape::Text),
            FieldRef::ImportId => (IMPORT_ID, Shape::Text),
            FieldRef::ImportRow => (IMPORT_ROW, Shape::Int),
            FieldRef::DuplicateOf => (DUPLICATE_OF, Shape::Text),
            // Records are ranked by who reads them.
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

    /// Whether an index holds the beginnings of a field's texts.
    pub(super) fn has_lead(&self, field: &FieldRef) -> bool {
        match field {
            FieldRef::ExternalId => true,
            FieldRef::Column(ordinal) => self
                .slot(*ordinal)
                .is_some_and(|slot| slot.indexed && matches!(slot.shape, Shape::Text | Shape::Json)),
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
