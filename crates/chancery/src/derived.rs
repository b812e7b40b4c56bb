//! What the derive macros of `chancery-derive` write against: a struct as a table, a type as a column. It makes no table.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use chancery_model::Json;
use chancery_model::define::{ColumnInput, OptionInput, TableInput};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A struct that is the records of a table; made with `#[derive(Record)]`.
pub trait AsRecord: Serialize + DeserializeOwned {
    /// The table that the struct says.
    fn table() -> TableInput;
}

/// A type that is the values of a column. `#[derive(Choices)]` makes it for an enum.
///
/// A field whose type is none needs `#[record(field_type = "…")]`:
///
/// ```compile_fail,E0277
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Place { street: String }
///
/// #[derive(chancery::Record, serde::Serialize, serde::Deserialize)]
/// struct Shop {
///     place: Place, // with `#[record(field_type = "json")]` it compiles
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` says no field type",
    label = "which column is this?",
    note = "for a structured value: `#[record(field_type = \"json\")]`",
    note = "for an enum without data: `#[derive(chancery::Choices)]`"
)]
pub trait AsColumn {
    /// A column of the right field type, with its settings and options; names and constraints come from the field.
    fn column() -> ColumnInput;
}

/// What the store knows about a record beside its fields: for a field `#[serde(flatten)] meta: Meta`. What is said here on
/// insert counts for nothing; [`Meta::default`] is as good as any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// 1 on insert, one more with each update.
    #[serde(rename = "_version")]
    pub version: u64,
    /// When it was inserted, in ms since 1970.
    #[serde(rename = "_createdAt")]
    pub created_at: i64,
    /// When it was last written, in ms since 1970.
    #[serde(rename = "_updatedAt")]
    pub updated_at: i64,
    /// When it expires, in ms since 1970.
    #[serde(rename = "_expiresAt")]
    pub expires_at: Option<i64>,
}

impl<T: AsColumn> AsColumn for Option<T> {
    fn column() -> ColumnInput {
        T::column()
    }
}

impl<T: AsColumn + ?Sized> AsColumn for Box<T> {
    fn column() -> ColumnInput {
        T::column()
    }
}

impl<T: AsColumn + ?Sized> AsColumn for Rc<T> {
    fn column() -> ColumnInput {
        T::column()
    }
}

impl<T: AsColumn + ?Sized> AsColumn for Arc<T> {
    fn column() -> ColumnInput {
        T::column()
    }
}

/// Types by the id of their field type.
macro_rules! columns {
    ($($field_type:literal: $($of:ty),+;)+) => {$($(
        impl AsColumn for $of {
            fn column() -> ColumnInput {
                ColumnInput::new("", $field_type)
            }
        }
    )+)+};
}

columns! {
    "text": String, str, uuid::Uuid;
    "number": i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
    "boolean": bool;
    "date": jiff::civil::Date;
    "time": jiff::civil::Time;
    "dateTime": jiff::Timestamp;
}

/// Collections by the kind of their JSON.
macro_rules! structured {
    ($($kind:literal: $([$($parameters:tt)+] $of:ty),+;)+) => {$($(
        impl<$($parameters)+> AsColumn for $of {
            fn column() -> ColumnInput {
                ColumnInput::new("", "json").config("kind", $kind)
            }
        }
    )+)+};
}

structured! {
    "array": [T] Vec<T>, [T] VecDeque<T>, [T] BTreeSet<T>, [T, S] HashSet<T, S>, [T, const N: usize] [T; N];
    "object": [K, V] BTreeMap<K, V>, [K, V, S] HashMap<K, V, S>;
}

/// A value that the macro has read already.
#[doc(hidden)]
pub fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("the macro writes JSON")
}

/// A number that the macro has read already.
#[doc(hidden)]
pub fn number(text: &str) -> serde_json::Number {
    text.parse().expect("the macro writes numbers")
}

/// A choice; without a colour if that is empty.
#[doc(hidden)]
pub fn option(id: &str, name: &str, color: &str) -> OptionInput {
    OptionInput {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        color: Some(color.to_owned()).filter(|color| !color.is_empty()),
        icon: None,
    }
}
