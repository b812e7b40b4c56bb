//! The items of `#[record(…)]`: read, and looked up among those that exist. What an item means is decided elsewhere.

use chancery_model::issue::unknown_name;
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Token, parenthesized, token};

use crate::faults::Faults;

/// One item: `unique`, `min = 1`, `index(a, b)`.
pub(crate) struct Item {
    pub(crate) name: Ident,
    pub(crate) given: Given,
}

/// What stands behind the name of an item.
pub(crate) enum Given {
    Nothing,
    Value(Box<Expr>),
    List(Vec<Expr>),
}

/// What has to stand behind a name.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Flag,
    Value,
    List,
}

/// An item that exists: its name, its form, and how it is written.
pub(crate) type Known = (&'static str, Form, &'static str);

impl Parse for Item {
    fn parse(input: ParseStream) -> syn::Result<Item> {
        let name = input.call(Ident::parse_any)?;
        let given = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Given::Value(Box::new(input.parse()?))
        } else if input.peek(token::Paren) {
            let inside;
            parenthesized!(inside in input);
            let list = Punctuated::<Expr, Token![,]>::parse_terminated(&inside)?;
            Given::List(list.into_iter().collect())
        } else {
            Given::Nothing
        };
        Ok(Item { name, given })
    }
}

impl Item {
    /// The name as it was written.
    pub(crate) fn word(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The value behind `=`; items are checked for it when they are read.
    pub(crate) fn value(&self) -> Option<&Expr> {
        match &self.given {
            Given::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The list in parentheses.
    pub(crate) fn list(&self) -> &[Expr] {
        match &self.given {
            Given::List(list) => list,
            _ => &[],
        }
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.name.to_tokens(tokens);
        match &self.given {
            Given::Nothing => {}
            Given::Value(value) => value.to_tokens(tokens),
            Given::List(list) => list.iter().for_each(|part| part.to_tokens(tokens)),
        }
    }
}

/// The items of all `#[record(…)]` in `attributes` that exist and have their form; the others are reported. Where an item may
/// stand only once, a second one is reported as well.
pub(crate) fn items(
    attributes: &[Attribute],
    known: &[Known],
    place: &str,
    faults: &mut Faults,
) -> Vec<Item> {
    let mut taken: Vec<Item> = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("record"))
    {
        let parse = Punctuated::<Item, Token![,]>::parse_terminated;
        let Some(items) = faults.take(attribute.parse_args_with(parse)) else {
            continue;
        };
        for item in items {
            let word = item.word();
            let Some((_, form, example)) = known.iter().find(|(name, _, _)| *name == word) else {
                let what = format!("attribute of {place}");
                let names = known.iter().map(|(name, _, _)| *name);
                faults.at(&item.name, unknown_name(&what, &word, names));
                continue;
            };
            let fits = match &item.given {
                Given::Nothing => *form == Form::Flag,
                Given::Value(_) => *form == Form::Value,
                Given::List(list) => *form == Form::List && !list.is_empty(),
            };
            let again = word != "index" && taken.iter().any(|other| other.word() == word);
            if !fits {
                faults.at(&item, format!("`{word}` is written `{example}`"));
            } else if again {
                faults.at(&item.name, format!("`{word}` stands twice"));
            } else {
                taken.push(item);
            }
        }
    }
    taken
}

/// The documentation comment, without the line breaks of its paragraphs; only its first paragraph.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let paragraph: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}
