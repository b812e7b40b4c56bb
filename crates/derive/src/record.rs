//! `#[derive(Record)]`: the fields of a struct gathered, checked as one definition, and written out as an implementation of
//! `chancery::AsRecord`.

use chancery_model::define::TableInput;
use chancery_model::issue::unknown_name;
use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Expr, Fields, FieldsNamed};

use crate::check::check;
use crate::column::{Declared, KNOWN, may_be_absent};
use crate::faults::Faults;
use crate::kinds::last_segment;
use crate::names::{Told, told};
use crate::table::Container;

/// What the store knows about a record, by the names of a record's flat form.
const KEPT: [&str; 5] = ["_version", "_createdAt", "_updatedAt", "_expiresAt", "_id"];

pub(crate) fn expand(of: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = named_fields(of)?;
    let mut faults = Faults::default();
    if let Some(parameter) = of.generics.params.first() {
        faults.at(
            parameter,
            "a record has no parameters: its columns are those of one type",
        );
    }
    let said = told(&of.attrs, &mut faults);
    if said.deny_unknown {
        let message = "records are read with `_version` and other names beside the fields: take `deny_unknown_fields` away";
        faults.at(&of.ident, message);
    }
    let container = Container::read(of, &mut faults);
    let columns = columns(fields, &said, &mut faults);
    let key = one_key(&columns, &mut faults);
    let indexes = indexes(&container, &columns, &mut faults);
    let input = TableInput {
        key,
        indexes,
        ..container.input.clone()
    };
    check(&container, &input, &columns, &mut faults);
    let written = write(of, &container, &input, &columns);
    faults.or(written)
}

fn named_fields(of: &DeriveInput) -> syn::Result<&FieldsNamed> {
    match &of.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields),
            Fields::Unnamed(_) | Fields::Unit => Err(syn::Error::new(
                of.ident.span(),
                "a record has fields with names: `struct Task { title: String }`",
            )),
        },
        Data::Enum(_) => Err(syn::Error::new(
            of.ident.span(),
            "a record is a struct; the values of a column are an enum with `#[derive(Choices)]`",
        )),
        Data::Union(_) => Err(syn::Error::new(of.ident.span(), "a record is a struct")),
    }
}

/// The fields that are columns.
fn columns<'a>(fields: &'a FieldsNamed, said: &Told, faults: &mut Faults) -> Vec<Declared<'a>> {
    let marked = |field: &syn::Field| {
        field
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("record"))
    };
    let mut columns = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let own = told(&field.attrs, faults);
        let slug = own.field(said, ident);
        if own.flatten && last_segment(&field.ty).is_none_or(|segment| segment.ident != "Meta") {
            let message = "only `chancery::Meta` can be flattened: the columns are the fields of this struct";
            faults.at(&field.ty, message);
        } else if slug.starts_with('_') && !own.skip && !KEPT.contains(&slug.as_str()) {
            let message = unknown_name("name among those that the store keeps", &slug, KEPT);
            faults.at(
                ident,
                format!("{message}; names that begin with `_` are the store's"),
            );
        } else if own.skip || own.flatten || slug.starts_with('_') {
            if marked(field) {
                faults.at(ident, "this field is no column: take `#[record(…)]` away");
            }
        } else if slug != "id" || marked(field) || has_key(fields) {
            columns.push(Declared::read(
                field,
                ident,
                slug,
                may_be_absent(said, &own),
                faults,
            ));
        }
    }
    columns
}

/// Whether some field is marked as the key; a field `id` that is not marked is a column then.
fn has_key(fields: &FieldsNamed) -> bool {
    let mut ignored = Faults::default();
    fields.named.iter().any(|field| {
        let items = crate::attribute::items(&field.attrs, KNOWN, "", &mut ignored);
        items.iter().any(|item| item.word() == "key")
    })
}

fn one_key(columns: &[Declared], faults: &mut Faults) -> Option<String> {
    let mut keys = columns.iter().filter(|column| column.item("key").is_some());
    let first = keys.next()?;
    for second in keys {
        let message = format!("the key is `{}` already: a table has one", first.ident);
        faults.at(second.item("key").map(|item| &item.name), message);
    }
    first.input.slug.clone()
}

/// The indexes over several fields, as slugs; those over one are `indexed`.
fn indexes(container: &Container, columns: &[Declared], faults: &mut Faults) -> Vec<Vec<String>> {
    let mut indexes = Vec::new();
    for item in container.items.iter().filter(|item| item.word() == "index") {
        let mut slugs = Vec::new();
        for part in item.list() {
            let name = match part {
                Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
                _ => None,
            };
            let Some(name) = name else {
                faults.add(syn::Error::new(
                    part.span(),
                    "the name of a field is needed here: `index(status, priority)`",
                ));
                continue;
            };
            match columns.iter().find(|column| *column.ident == name) {
                Some(column) => slugs.extend(column.input.slug.clone()),
                None => {
                    let names: Vec<String> = columns.iter().map(|column| column.ident.to_string()).collect();
                    faults.at(
                        part,
                        unknown_name("column", &name, names.iter().map(String::as_str)),
                    );
                }
            }
        }
        indexes.push(slugs);
    }
    indexes
}

fn write(of: &DeriveInput, container: &Container, input: &TableInput, columns: &[Declared]) -> TokenStream {
    let ident = &of.ident;
    let (impls, types, bounds) = of.generics.split_for_impl();
    let table = container.statements();
    let columns = columns.iter().map(Declared::expression);
    let key = input
        .key
        .as_ref()
        .map(|key| quote!(table.key = ::core::option::Option::Some(#key.into());));
    let indexes = input
        .indexes
        .iter()
        .map(|slugs| quote!(table.indexes.push(::std::vec![#(#slugs.into()),*]);));
    quote! {
        #[automatically_derived]
        impl #impls ::chancery::AsRecord for #ident #types #bounds {
            fn table() -> ::chancery::TableInput {
                let mut table = <::chancery::TableInput as ::core::default::Default>::default();
                #table
                #(table.columns.push(#columns);)*
                #key
                #(#indexes)*
                table
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn what_is_said_is_written() {
        let of: DeriveInput = parse_quote! {
            struct Task {
                #[record(min_length = 1, max_length = 200, primary, min = 0.5)]
                title: Text,
            }
        };
        let written = expand(&of).expect("a record").to_string();
        for part in [
            "min_length = :: core :: option :: Option :: Some (1u64)",
            "max_length = :: core :: option :: Option :: Some (200u64)",
            "number (\"0.5\")",
            "< Text as :: chancery :: AsColumn > :: column ()",
        ] {
            assert!(written.contains(part), "{part} is missing in {written}");
        }
    }
}
