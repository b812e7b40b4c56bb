//! A field as a column: its type, its names and what `#[record(…)]` on it says. Whether that makes sense together is checked
//! elsewhere.

use chancery_model::column::{DefaultFunction, DefaultValue, Format, Generated, OnDelete};
use chancery_model::define::{ColumnInput, OptionInput};
use chancery_model::encryption::{Encryption, Mask};
use chancery_model::field::Storage;
use chancery_model::{Json, field_type};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Field};

use crate::attribute::{Form, Item, Known, documentation, items};
use crate::faults::Faults;
use crate::kinds::{is_text, kind_of, optional};
use crate::literal::{count, json, number, text, word};
use crate::names::{Told, title};

pub(crate) const KNOWN: &[Known] = &[
    ("key", Form::Flag, "key"),
    ("generated", Form::Value, "generated = \"uuid\""),
    ("unique", Form::Flag, "unique"),
    ("indexed", Form::Flag, "indexed"),
    ("primary", Form::Flag, "primary"),
    ("hidden", Form::Flag, "hidden"),
    ("encrypted", Form::Value, "encrypted = \"last4\""),
    ("min", Form::Value, "min = 1"),
    ("max", Form::Value, "max = 5"),
    ("min_length", Form::Value, "min_length = 1"),
    ("max_length", Form::Value, "max_length = 80"),
    ("pattern", Form::Value, "pattern = \"^[a-z]+$\""),
    ("format", Form::Value, "format = \"email\""),
    ("one_of", Form::List, "one_of(\"low\", \"high\")"),
    ("options", Form::List, "options(\"Todo\", \"Done\")"),
    ("default", Form::Value, "default = 3"),
    ("default_to", Form::Value, "default_to = \"now\""),
    ("references", Form::Value, "references = \"people\""),
    ("on_delete", Form::Value, "on_delete = \"cascade\""),
    ("name", Form::Value, "name = \"Due date\""),
    ("message", Form::Value, "message = \"Between 1 and 5, please\""),
    ("field_type", Form::Value, "field_type = \"longText\""),
    ("config", Form::List, "config(precision = 4)"),
];

/// A field that is a column.
pub(crate) struct Declared<'a> {
    pub(crate) field: &'a Field,
    pub(crate) ident: &'a Ident,
    pub(crate) items: Vec<Item>,
    /// The column as far as the field tells; the field type is empty if only the Rust type knows it.
    pub(crate) input: ColumnInput,
}

impl<'a> Declared<'a> {
    /// Reads a field that serde knows under `slug`.
    pub(crate) fn read(
        field: &'a Field,
        ident: &'a Ident,
        slug: String,
        may_be_absent: bool,
        faults: &mut Faults,
    ) -> Declared<'a> {
        let items = items(&field.attrs, KNOWN, "a field", faults);
        let (kind, json_kind) = kind_of(&field.ty);
        let mut input = ColumnInput::new(title(ident), kind);
        input.slug = Some(slug);
        input.description = documentation(&field.attrs);
        if !json_kind.is_empty() {
            input = input.config("kind", json_kind);
        }
        for item in &items {
            let Err(error) = apply(item, &mut input) else {
                continue;
            };
            faults.add(error);
        }
        if let Some(encryption) = &mut input.encrypted {
            // Equal values are to be found, and kept apart, only where equal values have equal cells.
            input.indexed |= input.constraints.unique;
            encryption.indexed = input.indexed;
        }
        let computed = field_type(&input.field_type).is_some_and(|kind| kind.flags().computed);
        input.constraints.required = !may_be_absent && !computed && optional(&field.ty).is_none();
        let declared = Declared {
            field,
            ident,
            items,
            input,
        };
        declared.check_bounds(faults);
        declared.check_encrypted(faults);
        declared
    }

    pub(crate) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.word() == name)
    }

    /// What is read of an encrypted column is its mask.
    fn check_encrypted(&self, faults: &mut Faults) {
        if self.input.encrypted.is_none() || is_text(&self.field.ty) {
            return;
        }
        let message = "an encrypted field is a `String` or an `Option<String>`, since its mask is what is read; \
                       `field_type = \"…\"` says what its values are";
        faults.at(&self.field.ty, message);
    }

    /// Bounds that say nothing about values of this type.
    fn check_bounds(&self, faults: &mut Faults) {
        let Some(kind) = field_type(&self.input.field_type) else {
            return;
        };
        let storage = kind.storage();
        let numbers = matches!(storage, Storage::Int | Storage::Number | Storage::Decimal);
        let text = storage == Storage::Text;
        let long = text || matches!(storage, Storage::List | Storage::Json);
        for (names, applies, what) in [
            (&["min", "max"][..], numbers, "bounds a number"),
            (&["min_length", "max_length"][..], long, "bounds a text or a list"),
            (&["pattern", "format"][..], text, "is for texts"),
        ] {
            for item in names
                .iter()
                .filter_map(|name| self.item(name))
                .filter(|_| !applies)
            {
                faults.at(
                    &item.name,
                    format!("`{}` {what}, and this is a {} column", item.word(), kind.id()),
                );
            }
        }
    }

    /// The expression that makes the column.
    pub(crate) fn expression(&self) -> TokenStream {
        let ColumnInput {
            name,
            slug,
            description,
            indexed,
            primary,
            hidden,
            constraints,
            ..
        } = &self.input;
        let declared = self.item("field_type").is_some() || self.item("options").is_some();
        let of = &self.field.ty;
        let field_type = &self.input.field_type;
        let start = if declared {
            quote!(::chancery::ColumnInput::new("", #field_type))
        } else {
            quote!(<#of as ::chancery::AsColumn>::column())
        };
        let (required, unique) = (constraints.required, constraints.unique);
        let settings = self.settings();
        quote! {{
            let mut column = #start;
            column.name = #name.into();
            column.slug = ::core::option::Option::Some(#slug.into());
            column.description = #description.into();
            column.indexed = #indexed;
            column.primary = #primary;
            column.hidden = #hidden;
            column.constraints.required = #required;
            column.constraints.unique = #unique;
            #(#settings)*
            column
        }}
    }

    /// A statement for each setting that few columns have.
    fn settings(&self) -> Vec<TokenStream> {
        let constraints = &self.input.constraints;
        let some = quote!(::core::option::Option::Some);
        let mut all = Vec::new();
        if let Some(Encryption { mask, indexed, .. }) = &self.input.encrypted {
            let mask = quote::format_ident!("{mask:?}");
            let mask = quote!(::chancery::model::encryption::Mask::#mask);
            all.push(match indexed {
                true => quote!(column = column.encrypted_indexed(#mask);),
                false => quote!(column = column.encrypted(#mask);),
            });
        }
        let mut set = |name: &str, value: Option<TokenStream>| {
            let name = quote::format_ident!("{name}");
            all.extend(value.map(|value| quote!(column.constraints.#name = #some(#value);)));
        };
        let bound = |number: &Option<serde_json::Number>| {
            let text = number.as_ref()?.to_string();
            Some(quote!(::chancery::derived::number(#text)))
        };
        set("min", bound(&constraints.min));
        set("max", bound(&constraints.max));
        set(
            "min_length",
            constraints.min_length.map(ToTokens::into_token_stream),
        );
        set(
            "max_length",
            constraints.max_length.map(ToTokens::into_token_stream),
        );
        set(
            "pattern",
            constraints.pattern.as_ref().map(|text| quote!(#text.into())),
        );
        set(
            "custom_error_message",
            constraints
                .custom_error_message
                .as_ref()
                .map(|text| quote!(#text.into())),
        );
        set(
            "reference",
            constraints.reference.as_ref().map(|slug| quote!(#slug.into())),
        );
        set(
            "on_delete",
            constraints.on_delete.map(|way| variant("OnDelete", way)),
        );
        set(
            "format",
            constraints.format.map(|format| variant("Format", format)),
        );
        set(
            "generated",
            constraints
                .generated
                .map(|generated| variant("Generated", generated)),
        );
        if !constraints.allowed.is_empty() {
            let values = constraints.allowed.iter().map(from_json);
            all.push(quote!(column.constraints.allowed = ::std::vec![#(#values),*];));
        }
        match &self.input.default {
            Some(DefaultValue::Value(value)) => {
                let value = from_json(value);
                all.push(quote!(column.default = #some(::chancery::DefaultValue::Value(#value));));
            }
            Some(DefaultValue::Function(function)) => {
                let function = variant("DefaultFunction", function);
                all.push(quote!(column.default = #some(::chancery::DefaultValue::Function(#function));));
            }
            None => {}
        }
        if self.item("config").is_some() || self.item("field_type").is_some() {
            for (name, value) in &self.input.config {
                let value = from_json(value);
                all.push(quote!(column.config.insert(#name.into(), #value);));
            }
        }
        for option in &self.input.options {
            let name = &option.name;
            all.push(quote!(column.options.push(::chancery::derived::option(#name, #name, "")); ));
        }
        all
    }
}

/// `::chancery::Format::Email`.
fn variant(of: &str, value: impl std::fmt::Debug) -> TokenStream {
    let (of, name) = (quote::format_ident!("{of}"), quote::format_ident!("{value:?}"));
    quote!(::chancery::#of::#name)
}

fn from_json(value: &Json) -> TokenStream {
    let text = value.to_string();
    quote!(::chancery::derived::json(#text))
}

fn apply(item: &Item, input: &mut ColumnInput) -> syn::Result<()> {
    let name = item.word();
    let example = KNOWN
        .iter()
        .find(|(known, _, _)| *known == name)
        .map_or("", |(_, _, example)| *example);
    let constraints = &mut input.constraints;
    match (name.as_str(), item.value()) {
        ("unique", _) => constraints.unique = true,
        ("indexed", _) => input.indexed = true,
        ("primary", _) => input.primary = true,
        ("hidden", _) => input.hidden = true,
        ("encrypted", Some(value)) => {
            let words = Mask::ALL.map(Mask::as_str);
            input.encrypted = Some(Encryption {
                mask: word::<Mask>(value, "mask", &words, example)?,
                ..Encryption::default()
            });
        }
        ("generated", Some(value)) => {
            let words = ["uuid", "cuid", "autoincrement", "timestamp"];
            constraints.generated = Some(word::<Generated>(value, "generator", &words, example)?);
        }
        ("format", Some(value)) => {
            let words = ["email", "url", "iso-date", "phone"];
            constraints.format = Some(word::<Format>(value, "format", &words, example)?);
        }
        ("default_to", Some(value)) => {
            let words = ["now", "today", "uuid", "currentUser"];
            input.default = Some(DefaultValue::Function(word::<DefaultFunction>(
                value, "function", &words, example,
            )?));
        }
        ("references", Some(value)) => constraints.reference = Some(text(value, example)?),
        ("on_delete", Some(value)) => {
            let words = ["restrict", "cascade", "setNull"];
            constraints.on_delete = Some(word::<OnDelete>(value, "way", &words, example)?);
        }
        ("min", Some(value)) => constraints.min = Some(number(value, example)?),
        ("max", Some(value)) => constraints.max = Some(number(value, example)?),
        ("min_length", Some(value)) => constraints.min_length = Some(count(value, example)?),
        ("max_length", Some(value)) => constraints.max_length = Some(count(value, example)?),
        ("pattern", Some(value)) => constraints.pattern = Some(text(value, example)?),
        ("message", Some(value)) => constraints.custom_error_message = Some(text(value, example)?),
        ("default", Some(value)) => input.default = Some(DefaultValue::Value(json(value)?)),
        ("name", Some(value)) => input.name = text(value, example)?,
        ("field_type", Some(value)) => {
            input.field_type = text(value, example)?;
            if input.field_type != "json" {
                input.config.shift_remove("kind");
            }
        }
        ("one_of", _) => constraints.allowed = item.list().iter().map(json).collect::<syn::Result<_>>()?,
        ("options", _) => {
            let named = |value: &Expr| {
                text(value, example).map(|name| OptionInput {
                    name,
                    ..OptionInput::default()
                })
            };
            input.options = item.list().iter().map(named).collect::<syn::Result<_>>()?;
            if input.field_type != "multiSelect" {
                input.field_type = "select".into();
            }
        }
        ("config", _) => {
            for setting in item.list() {
                let (name, value) = setting_of(setting, example)?;
                input.config.insert(name, value);
            }
        }
        _ => {}
    }
    Ok(())
}

/// `precision = 4`.
fn setting_of(setting: &Expr, example: &str) -> syn::Result<(String, Json)> {
    if let Expr::Assign(assign) = setting
        && let Expr::Path(path) = &*assign.left
        && let Some(name) = path.path.get_ident()
    {
        return Ok((name.to_string(), json(&assign.right)?));
    }
    Err(syn::Error::new_spanned(
        setting,
        format!("a setting and its value are needed here: `{example}`"),
    ))
}

/// Whether serde may find the field absent.
pub(crate) fn may_be_absent(container: &Told, told: &Told) -> bool {
    container.default || told.default
}
