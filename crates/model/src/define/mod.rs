//! Definitions as a caller gives them, and the rules that turn them into a [`Table`]. Stores nothing.

pub mod bucket;
mod bucket_text;
mod check;
mod names;
mod refs;
mod related;
mod retype;
mod settings;
mod slug;

use serde::{Deserialize, Serialize};

pub use bucket_text::bucket_text;
pub use check::key_from;
pub use check::{
    add_indexes, check_column, check_made, check_name, check_replacement, check_slug, check_table,
};
pub use names::{NAME_TEMPLATE, fill_template, is_in_name};
pub use refs::{check_lifetime, check_references};
pub use related::{check_related, depending, fixed, reversing};
pub use retype::{Aside, Retype, retype, retypes};
pub use settings::{ATTACHMENTS, FORM, REVISIONS, check_settings, switched_off};
pub use slug::{column_slug, table_slug};

use crate::column::{Constraints, DefaultFunction, DefaultValue, Format, Generated, OnDelete};
use crate::encryption::{Encryption, Mask};
use crate::{Json, JsonMap};

/// A table as a caller asks for it.
///
/// ```
/// use chancery_model::define::{ColumnInput, TableInput};
///
/// let tasks = TableInput::new("Tasks")
///     .column(ColumnInput::new("Title", "text").required().max_length(200))
///     .column(ColumnInput::new("Priority", "number").range(1, 5).default_value(3));
/// assert_eq!(tasks.columns.len(), 2);
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TableInput {
    /// What people call it.
    pub name: String,
    /// The slug; made from the name if absent.
    pub slug: Option<String>,
    /// Help text for people.
    pub description: String,
    /// An icon name.
    pub icon: Option<String>,
    /// A palette name or `#rrggbb`.
    pub color: Option<String>,
    /// Settings.
    pub settings: JsonMap,
    /// The slug of the column that is the key; the store's own `id` if absent.
    pub key: Option<String>,
    /// The columns.
    pub columns: Vec<ColumnInput>,
    /// Indexes over several columns, by slug.
    pub indexes: Vec<Vec<String>>,
    /// Refuses fields that no column declares.
    pub strict: bool,
    /// Delete moves to the trash.
    pub soft_delete: bool,
    /// How long records live, in ms.
    pub ttl_ms: Option<i64>,
    /// Most records; the oldest make room for newer ones.
    pub max_size: Option<u64>,
    /// A store that nobody shares forgets the records when it is opened anew.
    pub transient: bool,
}

/// A column as a caller asks for it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ColumnInput {
    /// What people call it.
    pub name: String,
    /// The slug; made from the name if absent.
    pub slug: Option<String>,
    /// Help text for people.
    pub description: String,
    /// The id of its field type.
    pub field_type: String,
    /// Settings of the field type.
    pub config: JsonMap,
    /// What values must satisfy.
    pub constraints: Constraints,
    /// What an absent value becomes on insert.
    pub default: Option<DefaultValue>,
    /// Choices of a select column.
    pub options: Vec<OptionInput>,
    /// Wants an index.
    pub indexed: bool,
    /// Place in the order people see; after all others if absent.
    pub order_index: Option<i64>,
    /// Width on screen, in pixels.
    pub width: Option<u32>,
    /// Hidden from grids and forms.
    pub hidden: bool,
    /// Names a record to people.
    pub primary: bool,
    /// Cannot be written by callers.
    pub read_only: bool,
    /// How values are to be encrypted, if they are.
    pub encrypted: Option<Encryption>,
}

/// A choice of a select column as a caller asks for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OptionInput {
    /// Kept from an export; made if absent.
    pub id: Option<String>,
    /// What people see.
    pub name: String,
    /// A palette name or `#rrggbb`.
    pub color: Option<String>,
    /// An icon name.
    pub icon: Option<String>,
}

impl TableInput {
    /// A table made at run time: strict, with a trash.
    pub fn new(name: impl Into<String>) -> TableInput {
        TableInput {
            name: name.into(),
            strict: true,
            soft_delete: true,
            ..TableInput::default()
        }
    }

    /// Adds a column.
    pub fn column(mut self, column: ColumnInput) -> TableInput {
        self.columns.push(column);
        self
    }

    /// Makes the column with this slug the key.
    pub fn key(mut self, slug: impl Into<String>) -> TableInput {
        self.key = Some(slug.into());
        self
    }
}

impl ColumnInput {
    /// A column of a field type.
    pub fn new(name: impl Into<String>, field_type: impl Into<String>) -> ColumnInput {
        ColumnInput {
            name: name.into(),
            field_type: field_type.into(),
            ..ColumnInput::default()
        }
    }

    /// Refuses null and absent.
    pub fn required(mut self) -> ColumnInput {
        self.constraints.required = true;
        self
    }

    /// Refuses a value that another record has.
    pub fn unique(mut self) -> ColumnInput {
        self.constraints.unique = true;
        self
    }

    /// Asks for an index.
    pub fn indexed(mut self) -> ColumnInput {
        self.indexed = true;
        self
    }

    /// Sets the default value.
    pub fn default_value(mut self, value: impl Into<Json>) -> ColumnInput {
        self.default = Some(DefaultValue::Value(value.into()));
        self
    }

    /// Sets a function as default.
    pub fn default_to(mut self, function: DefaultFunction) -> ColumnInput {
        self.default = Some(DefaultValue::Function(function));
        self
    }

    /// Lets the store make absent values.
    pub fn generated(mut self, generated: Generated) -> ColumnInput {
        self.constraints.generated = Some(generated);
        self
    }

    /// Sets the fewest characters or items.
    pub fn min_length(mut self, length: u64) -> ColumnInput {
        self.constraints.min_length = Some(length);
        self
    }

    /// Sets the most characters or items.
    pub fn max_length(mut self, length: u64) -> ColumnInput {
        self.constraints.max_length = Some(length);
        self
    }

    /// Sets the smallest and largest number.
    pub fn range(
        mut self,
        min: impl Into<serde_json::Number>,
        max: impl Into<serde_json::Number>,
    ) -> ColumnInput {
        self.constraints.min = Some(min.into());
        self.constraints.max = Some(max.into());
        self
    }

    /// Sets the pattern that texts must match.
    pub fn pattern(mut self, pattern: impl Into<String>) -> ColumnInput {
        self.constraints.pattern = Some(pattern.into());
        self
    }

    /// Sets the format that texts must have.
    pub fn format(mut self, format: Format) -> ColumnInput {
        self.constraints.format = Some(format);
        self
    }

    /// Sets the only values allowed.
    pub fn one_of<T: Into<Json>>(mut self, values: impl IntoIterator<Item = T>) -> ColumnInput {
        self.constraints.allowed = values.into_iter().map(Into::into).collect();
        self
    }

    /// Makes values keys of records of this table, by slug, which must be there.
    pub fn refers_to(mut self, table: impl Into<String>, on_delete: OnDelete) -> ColumnInput {
        self.constraints.reference = Some(table.into());
        self.constraints.on_delete = Some(on_delete);
        self
    }

    /// Sets the choices of a select column by name.
    pub fn options<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> ColumnInput {
        let named = |name: T| OptionInput {
            name: name.into(),
            ..OptionInput::default()
        };
        self.options = names.into_iter().map(named).collect();
        self
    }

    /// Sets one setting of the field type.
    pub fn config(mut self, name: &str, value: impl Into<Json>) -> ColumnInput {
        self.config.insert(name.to_owned(), value.into());
        self
    }

    /// Encrypts its values, and shows this of them.
    pub fn encrypted(mut self, mask: Mask) -> ColumnInput {
        let indexed = self.encrypted.is_some_and(|encryption| encryption.indexed);
        self.encrypted = Some(Encryption {
            mask,
            indexed,
            kid: 0,
        });
        self
    }

    /// Encrypts its values so that equal ones are found; see [`Encryption::indexed`].
    pub fn encrypted_indexed(self, mask: Mask) -> ColumnInput {
        let mut column = self.encrypted(mask);
        if let Some(encryption) = &mut column.encrypted {
            encryption.indexed = true;
        }
        column.indexed = true;
        column
    }

    /// Makes it the column that names a record to people.
    pub fn primary(mut self) -> ColumnInput {
        self.primary = true;
        self
    }
}
