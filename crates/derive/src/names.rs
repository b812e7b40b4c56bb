//! Names as serde makes them: what `#[serde(…)]` says about a struct, its fields and its variants. Everything else of serde's
//! attributes is passed over.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Lit, Token, parenthesized, token};

use crate::faults::Faults;

/// What serde is told about a container, a field or a variant.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) rename: Option<String>,
    rename_all: Option<String>,
    /// Neither read nor written.
    pub(crate) skip: bool,
    /// Its parts stand among those of the struct.
    pub(crate) flatten: bool,
    /// May be absent when it is read.
    pub(crate) default: bool,
    /// Refuses names it does not know.
    pub(crate) deny_unknown: bool,
}

/// Reads all `#[serde(…)]`.
pub(crate) fn told(attributes: &[Attribute], faults: &mut Faults) -> Told {
    let mut told = Told::default();
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        // What serde cannot read it says itself.
        let read = attribute.parse_nested_meta(|meta| {
            match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("rename") => told.rename = both(&meta)?,
                Some("rename_all") => told.rename_all = both(&meta)?,
                Some("skip") => told.skip = true,
                Some("flatten") => told.flatten = true,
                Some("deny_unknown_fields") => told.deny_unknown = true,
                Some("default") => {
                    told.default = true;
                    pass(&meta)?;
                }
                _ => pass(&meta)?,
            }
            Ok(())
        });
        faults.take(read);
    }
    told
}

impl Told {
    /// The name of a field.
    pub(crate) fn field(&self, container: &Told, ident: &Ident) -> String {
        let plain = ident.unraw().to_string();
        self.rename
            .clone()
            .unwrap_or_else(|| match container.rename_all.as_deref() {
                Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => plain.to_uppercase(),
                Some("PascalCase") => pascal(&plain),
                Some("camelCase") => lower_first(&pascal(&plain)),
                Some("kebab-case") => plain.replace('_', "-"),
                Some("SCREAMING-KEBAB-CASE") => plain.to_uppercase().replace('_', "-"),
                _ => plain,
            })
    }

    /// The name of a variant.
    pub(crate) fn variant(&self, container: &Told, ident: &Ident) -> String {
        let plain = ident.unraw().to_string();
        self.rename
            .clone()
            .unwrap_or_else(|| match container.rename_all.as_deref() {
                Some("lowercase") => plain.to_lowercase(),
                Some("UPPERCASE") => plain.to_uppercase(),
                Some("camelCase") => lower_first(&plain),
                Some("snake_case") => apart(&plain, '_'),
                Some("SCREAMING_SNAKE_CASE") => apart(&plain, '_').to_uppercase(),
                Some("kebab-case") => apart(&plain, '-'),
                Some("SCREAMING-KEBAB-CASE") => apart(&plain, '-').to_uppercase(),
                _ => plain,
            })
    }
}

/// `= "name"`, or `(serialize = "name", deserialize = "name")` with one name: a record is written as it is read.
fn both(meta: &ParseNestedMeta) -> syn::Result<Option<String>> {
    if !meta.input.peek(token::Paren) {
        return Ok(text(meta.value()?.parse()?));
    }
    let mut names = Vec::new();
    meta.parse_nested_meta(|inner| {
        names.push(text(inner.value()?.parse()?));
        Ok(())
    })?;
    names.dedup();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        _ => Err(meta.error("a record is written under the name it is read by: use one name for both")),
    }
}

fn text(value: Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text), ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// Reads over whatever stands behind a name.
fn pass(meta: &ParseNestedMeta) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let inside;
        parenthesized!(inside in meta.input);
        inside.parse::<TokenStream>()?;
    }
    Ok(())
}

fn pascal(snake: &str) -> String {
    snake.split('_').map(upper_first).collect()
}

fn upper_first(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// `InProgress` → `in_progress`.
pub(crate) fn apart(pascal: &str, between: char) -> String {
    let mut name = String::new();
    for (place, letter) in pascal.char_indices() {
        if place > 0 && letter.is_uppercase() {
            name.push(between);
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// What people call it: `due_date` and `DueDate` → `Due date`.
pub(crate) fn title(ident: &Ident) -> String {
    let plain = ident.unraw().to_string();
    let words = if plain.contains('_') {
        plain.replace('_', " ")
    } else {
        apart(&plain, ' ')
    };
    upper_first(words.trim())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn fields_and_variants_are_named_as_serde_names_them() {
        for (rule, field, variant) in [
            ("lowercase", "due_date", "inprogress"),
            ("UPPERCASE", "DUE_DATE", "INPROGRESS"),
            ("PascalCase", "DueDate", "InProgress"),
            ("camelCase", "dueDate", "inProgress"),
            ("snake_case", "due_date", "in_progress"),
            ("SCREAMING_SNAKE_CASE", "DUE_DATE", "IN_PROGRESS"),
            ("kebab-case", "due-date", "in-progress"),
            ("SCREAMING-KEBAB-CASE", "DUE-DATE", "IN-PROGRESS"),
        ] {
            let mut faults = Faults::default();
            let container = told(
                &[parse_quote!(#[serde(rename_all = #rule, tag = "x")])],
                &mut faults,
            );
            let plain = Told::default();
            assert_eq!(plain.field(&container, &parse_quote!(due_date)), field, "{rule}");
            assert_eq!(
                plain.variant(&container, &parse_quote!(InProgress)),
                variant,
                "{rule}"
            );
            assert!(faults.none());
        }
    }

    #[test]
    fn titles_read_as_people_write_them() {
        let title = |text: &str| super::title(&Ident::new(text, proc_macro2::Span::call_site()));
        assert_eq!(title("due_date"), "Due date");
        assert_eq!(title("OrderLine"), "Order line");
    }
}
