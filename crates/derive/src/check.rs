//! The definition that a struct says, judged by the code that judges every definition, with each mistake at its place. It
//! has no rules of its own.

use chancery_model::admit::Context;
use chancery_model::define::{ColumnInput, TableInput, check_table};
use chancery_model::encryption::{Cells, Unsealable};
use chancery_model::{Column, Issue, Key, Table, TableId, Value};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Expr;

use crate::column::Declared;
use crate::faults::Faults;
use crate::table::Container;

/// Reports everything that would be refused when the table is made.
pub(crate) fn check(container: &Container, input: &TableInput, columns: &[Declared], faults: &mut Faults) {
    let told = TableInput {
        columns: columns.iter().map(|column| told(&column.input)).collect(),
        ..input.clone()
    };
    let mut fresh = Default::default;
    let mut context = Context {
        now: 0,
        actor: None,
        fresh: &mut fresh,
        cells: Some(&Compiling),
        kept_cells: None,
    };
    match check_table(&told, TableId(0), "default", &mut context) {
        Ok(table) => check_values(&table, columns, faults),
        Err(issues) => {
            for issue in issues {
                faults.at(place(&issue, container, columns), &issue.message);
            }
        }
    }
}

/// Where a vault would be. Definitions are judged as beside an open one; nothing is sealed while compiling.
struct Compiling;

impl Cells for Compiling {
    fn newest_kid(&self) -> Option<u32> {
        Some(1)
    }
    fn seal(&self, _: &Table, _: &Column, _: Option<&Key>, _: &Value) -> Result<Value, Unsealable> {
        Err(Unsealable::Sealed)
    }
    fn moved(&self, _: &Table, _: &Column, _: (&Key, &Key), _: &str) -> Result<Value, Unsealable> {
        Err(Unsealable::Sealed)
    }
    fn converted(&self, _: &Table, _: (&Column, &Column), _: &Key, _: &Value) -> Result<Value, Unsealable> {
        Err(Unsealable::Sealed)
    }
    fn holds(&self, _: &Table, _: &Column, _: &Key, _: &str, _: &Value) -> bool {
        false
    }
}

/// What can be judged of a column without knowing the field type that its Rust type becomes.
fn told(input: &ColumnInput) -> ColumnInput {
    let mut told = input.clone();
    if told.field_type.is_empty() {
        told.field_type = "text".into();
        told.default = None;
        told.config.clear();
        told.constraints.unique = false;
        told.constraints.generated = None;
    }
    told
}

/// The values of `one_of` are values of the column.
fn check_values(table: &Table, columns: &[Declared], faults: &mut Faults) {
    for (column, declared) in table.columns.iter().zip(columns) {
        let Some(item) = declared
            .item("one_of")
            .filter(|_| !declared.input.field_type.is_empty())
        else {
            continue;
        };
        for (value, place) in column.constraints.allowed.iter().zip(item.list()) {
            if let Err(issue) = column.kind().parse(value, column) {
                faults.at(place, issue.message);
            }
        }
    }
}

/// Where in the struct the part of a definition stands that an issue is about.
fn place(issue: &Issue, container: &Container, columns: &[Declared]) -> TokenStream {
    if let Some((index, part)) = issue
        .field
        .strip_prefix("columns[")
        .and_then(|rest| rest.split_once("]."))
    {
        let Some(column) = index.parse::<usize>().ok().and_then(|index| columns.get(index)) else {
            return TokenStream::new();
        };
        let attribute = match part.split(['.', '[']).next().unwrap_or_default() {
            "defaultValue" => "default",
            "minLength" => "min_length",
            "fieldType" => "field_type",
            "isPrimary" => "primary",
            "ref" => "references",
            "onDelete" => "on_delete",
            "slug" => "",
            other => other,
        };
        let setting = part.strip_prefix("config.").zip(column.item("config"));
        let named = setting.and_then(|(name, item)| {
            let named = |setting: &&Expr| {
                setting
                    .to_token_stream()
                    .into_iter()
                    .next()
                    .is_some_and(|word| word.to_string() == name)
            };
            item.list().iter().find(named)
        });
        if let Some(setting) = named {
            return setting.to_token_stream();
        }
        let value = column.item(attribute).map(|item| match item.value() {
            Some(value) => value.to_token_stream(),
            None => item.to_token_stream(),
        });
        return value.unwrap_or_else(|| column.ident.to_token_stream());
    }
    let attribute = match issue.field.as_str() {
        "slug" => "table",
        "maxSize" => "max_size",
        "key" => {
            let key = columns
                .iter()
                .find_map(|column| column.item("key").map(|_| column.ident));
            return key.to_token_stream();
        }
        other => other,
    };
    container.item(attribute).to_token_stream()
}
