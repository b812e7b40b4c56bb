//! Values in attributes: literals read as what an attribute takes, with a message that says what that is. Evaluates nothing.

use chancery_model::Json;
use chancery_model::issue::unknown_name;
use serde::de::DeserializeOwned;
use syn::{Expr, Lit, UnOp};

/// A text.
pub(crate) fn text(value: &Expr, example: &str) -> syn::Result<String> {
    match json(value) {
        Ok(Json::String(text)) => Ok(text),
        _ => Err(syn::Error::new_spanned(
            value,
            format!("a text is needed here: `{example}`"),
        )),
    }
}

/// A whole number that is not negative.
pub(crate) fn count(value: &Expr, example: &str) -> syn::Result<u64> {
    let number = json(value).ok().and_then(|json| json.as_u64());
    number
        .ok_or_else(|| syn::Error::new_spanned(value, format!("a whole number is needed here: `{example}`")))
}

/// A number.
pub(crate) fn number(value: &Expr, example: &str) -> syn::Result<serde_json::Number> {
    match json(value) {
        Ok(Json::Number(number)) => Ok(number),
        _ => Err(syn::Error::new_spanned(
            value,
            format!("a number is needed here: `{example}`"),
        )),
    }
}

/// One of the words that `T` knows, each as serde writes it.
pub(crate) fn word<T: DeserializeOwned>(
    value: &Expr,
    what: &str,
    words: &[&str],
    example: &str,
) -> syn::Result<T> {
    let written = text(value, example)?;
    serde_json::from_value(Json::String(written.clone())).map_err(|_| {
        let message = format!(
            "{}; there are: {}",
            unknown_name(what, &written, words.iter().copied()),
            words.join(", ")
        );
        syn::Error::new_spanned(value, message)
    })
}

/// A literal, or an array of literals, as JSON.
pub(crate) fn json(value: &Expr) -> syn::Result<Json> {
    let refused = || {
        syn::Error::new_spanned(
            value,
            "only literals can stand here: texts, numbers, `true`, `false`, `[…]`",
        )
    };
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Ok(Json::String(text.value())),
            Lit::Bool(bool) => Ok(Json::Bool(bool.value)),
            Lit::Int(int) => digits(int.base10_digits()).ok_or_else(refused),
            Lit::Float(float) => digits(float.base10_digits()).ok_or_else(refused),
            _ => Err(refused()),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match json(&unary.expr)? {
            Json::Number(number) => digits(&format!("-{number}")).ok_or_else(refused),
            _ => Err(refused()),
        },
        Expr::Array(array) => array
            .elems
            .iter()
            .map(json)
            .collect::<syn::Result<_>>()
            .map(Json::Array),
        Expr::Group(group) => json(&group.expr),
        Expr::Paren(inside) => json(&inside.expr),
        _ => Err(refused()),
    }
}

/// A number with the digits it was written with.
fn digits(text: &str) -> Option<Json> {
    text.trim_end_matches('.').parse().ok().map(Json::Number)
}
