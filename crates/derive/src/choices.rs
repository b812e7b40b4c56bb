//! `#[derive(Choices)]`: an enum without data as the options of a `select` column, each with the name that serde gives it as its
//! lasting id.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::attribute::{Form, Known, items};
use crate::faults::Faults;
use crate::literal::text;
use crate::names::{title, told};

const KNOWN: &[Known] = &[
    ("name", Form::Value, "name = \"In progress\""),
    ("color", Form::Value, "color = \"green\""),
];

pub(crate) fn expand(of: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Enum(data) = &of.data else {
        return Err(syn::Error::new(
            of.ident.span(),
            "choices are an enum: `enum Status { Todo, Done }`",
        ));
    };
    let mut faults = Faults::default();
    let said = told(&of.attrs, &mut faults);
    let mut options = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            faults.at(
                &variant.fields,
                "a choice holds no data; use a struct and `field_type = \"json\"` for values with parts",
            );
        }
        let own = told(&variant.attrs, &mut faults);
        if own.skip {
            continue;
        }
        let id = own.variant(&said, &variant.ident);
        let (mut name, mut color) = (title(&variant.ident), String::new());
        for item in items(&variant.attrs, KNOWN, "a choice", &mut faults) {
            let Some(value) = item.value() else { continue };
            let example = if item.word() == "name" {
                KNOWN[0].2
            } else {
                KNOWN[1].2
            };
            let Some(given) = faults.take(text(value, example)) else {
                continue;
            };
            match item.word().as_str() {
                "name" => name = given,
                _ => color = given,
            }
        }
        options.push(quote!(::chancery::derived::option(#id, #name, #color)));
    }
    if options.is_empty() && faults.none() {
        faults.at(
            &of.ident,
            "there is nothing to choose from: the enum has no variants",
        );
    }
    let ident = &of.ident;
    let (impls, types, bounds) = of.generics.split_for_impl();
    faults.or(quote! {
        #[automatically_derived]
        impl #impls ::chancery::AsColumn for #ident #types #bounds {
            fn column() -> ::chancery::ColumnInput {
                let mut column = ::chancery::ColumnInput::new("", "select");
                column.options = ::std::vec![#(#options),*];
                column
            }
        }
    })
}
