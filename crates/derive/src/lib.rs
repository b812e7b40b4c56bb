//! Tables from structs: `#[derive(Record)]` and `#[derive(Choices)]`, which `chancery` offers under these names. They open no store.
//!
//! A definition is checked while it compiles, by the same code that checks it when it is stored (`chancery_model::define`), and
//! everything that is wrong with a struct is said at once, each at its place.

mod attribute;
mod check;
mod choices;
mod column;
mod faults;
mod kinds;
mod literal;
mod names;
mod record;
mod table;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct the definition of a table and the form of its records: one column for each field, named as serde names it.
///
/// A field that is no `Option` (and has no `#[serde(default)]`) is required. A field `id` that is not marked as key is the key
/// that the store makes; fields whose names begin with `_`, and `#[serde(flatten)] meta: Meta`, are what the store knows about
/// a record. Documentation comments become descriptions.
///
/// On the struct, in `#[record(…)]`:
///
/// | attribute | means |
/// |---|---|
/// | `table = "tasks"` | the table's slug; the name of the struct in kebab case if absent |
/// | `name = "Tasks"` | what people call it |
/// | `strict`, `open` | refuses fields that no column declares (as without either), or keeps them |
/// | `soft_delete` | delete moves to the trash |
/// | `ttl = "1h"` | how long records live: `s`, `m`, `h`, `d`, or a number of milliseconds |
/// | `max_size = 1000` | most records: the oldest make room |
/// | `transient` | its records go when the store is opened anew |
/// | `index(a, b)` | an index over these fields, in this order; as many as there are |
///
/// On a field:
///
/// | attribute | means |
/// |---|---|
/// | `key` | the table's key |
/// | `generated = "uuid"` | made when absent: `uuid`, `cuid`, `autoincrement`, `timestamp` |
/// | `unique`, `indexed`, `primary`, `hidden` | as their names say |
/// | `encrypted = "last4"` | its values are sealed, and the field is read as its mask: `full`, `last4` or `email`; with `indexed` or `unique`, equal values are found |
/// | `min = 1`, `max = 5` | bounds of a number |
/// | `min_length = 1`, `max_length = 80` | bounds of a text, or of a list |
/// | `pattern = "^[a-z]+$"`, `format = "email"` | what a text must look like |
/// | `references = "people"`, `on_delete = "cascade"` | the key of a record of that table, and what its end does: `restrict`, `cascade`, `setNull` |
/// | `one_of("a", "b")` | the only values |
/// | `options("Todo", "Done")` | the choices of a `select` column |
/// | `default = 3`, `default_to = "now"` | what an absent value becomes |
/// | `name = "Due date"`, `message = "…"` | what people read: the column, and what is said when a value is refused |
/// | `field_type = "longText"` | the field type, where the Rust type does not say it; one of `chancery::FIELD_TYPES` |
/// | `config(precision = 4)` | settings of the field type |
///
/// An example stands at `chancery::Store::define`.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// Makes an enum without data the choices of a `select` column, one for each variant, named as serde names it.
///
/// On a variant, in `#[record(…)]`: `name = "In progress"` (what people read) and `color = "green"`.
#[proc_macro_derive(Choices, attributes(record))]
pub fn choices(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choices::expand(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
