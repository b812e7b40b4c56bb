//! The struct as a table: what `#[record(…)]` on it says. Its fields are read elsewhere.

use chancery_model::define::{TableInput, bucket, table_slug};
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::attribute::{Form, Item, Known, documentation, items};
use crate::faults::Faults;
use crate::literal::{count, json, text};
use crate::names::{apart, title};

const KNOWN: &[Known] = &[
    ("table", Form::Value, "table = \"tasks\""),
    ("name", Form::Value, "name = \"Tasks\""),
    ("strict", Form::Flag, "strict"),
    ("open", Form::Flag, "open"),
    ("soft_delete", Form::Flag, "soft_delete"),
    ("transient", Form::Flag, "transient"),
    ("ttl", Form::Value, "ttl = \"1h\""),
    ("max_size", Form::Value, "max_size = 1000"),
    ("index", Form::List, "index(status, priority)"),
];

/// What a struct says about its table.
pub(crate) struct Container {
    pub(crate) items: Vec<Item>,
    /// Without columns, key and indexes.
    pub(crate) input: TableInput,
}

impl Container {
    pub(crate) fn read(of: &DeriveInput, faults: &mut Faults) -> Container {
        let items = items(&of.attrs, KNOWN, "a table", faults);
        let mut input = TableInput {
            name: title(&of.ident),
            slug: Some(table_slug(&apart(&of.ident.to_string(), '-'))),
            description: documentation(&of.attrs),
            strict: true,
            ..TableInput::default()
        };
        for item in &items {
            let Err(error) = apply(item, &mut input) else {
                continue;
            };
            faults.add(error);
        }
        let both = |name: &str| items.iter().find(|item| item.word() == name);
        if let (Some(_), Some(open)) = (both("strict"), both("open")) {
            faults.at(&open.name, "a table is `strict` or `open`, not both");
        }
        Container { items, input }
    }

    /// The item with this name, if the struct has it.
    pub(crate) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.word() == name)
    }

    /// The statements that make it, on a variable `table`.
    pub(crate) fn statements(&self) -> TokenStream {
        let TableInput {
            name,
            slug,
            description,
            strict,
            soft_delete,
            transient,
            ..
        } = &self.input;
        let ttl = self
            .input
            .ttl_ms
            .map(|ms| quote!(table.ttl_ms = ::core::option::Option::Some(#ms);));
        let most = self
            .input
            .max_size
            .map(|most| quote!(table.max_size = ::core::option::Option::Some(#most);));
        quote! {
            table.name = #name.into();
            table.slug = ::core::option::Option::Some(#slug.into());
            table.description = #description.into();
            table.strict = #strict;
            table.soft_delete = #soft_delete;
            table.transient = #transient;
            #ttl
            #most
        }
    }
}

fn apply(item: &Item, input: &mut TableInput) -> syn::Result<()> {
    let word = item.word();
    let example = KNOWN
        .iter()
        .find(|(name, _, _)| *name == word)
        .map_or("", |(_, _, example)| *example);
    match (word.as_str(), item.value()) {
        ("table", Some(value)) => input.slug = Some(text(value, example)?),
        ("name", Some(value)) => input.name = text(value, example)?,
        ("open", _) => input.strict = false,
        ("soft_delete", _) => input.soft_delete = true,
        ("transient", _) => input.transient = true,
        ("ttl", Some(value)) => {
            let ms = bucket::ttl(&json(value)?);
            input.ttl_ms = Some(ms.map_err(|message| syn::Error::new_spanned(value, message))?);
        }
        ("max_size", Some(value)) => input.max_size = Some(count(value, example)?),
        _ => {}
    }
    Ok(())
}
