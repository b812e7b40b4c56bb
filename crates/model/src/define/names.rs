//! The template that names records to people: texts with the slugs of columns in braces. Reads no record.

use crate::{Code, Issue, Json, Table};

/// The setting of a table that holds the template.
pub const NAME_TEMPLATE: &str = "recordNameTemplate";

/// A template with what `value` says of each name in braces.
///
/// # Errors
/// A brace that does not end, or a name that `value` does not know.
///
/// ```
/// use chancery_model::define::fill_template;
///
/// let value = |name: &str| (name == "first").then(|| "Ada".to_owned());
/// assert_eq!(fill_template("Dr. {first}", value).as_deref(), Ok("Dr. Ada"));
/// assert!(fill_template("{last}", value).is_err());
/// ```
pub fn fill_template(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or("A brace does not end; write {slug}")?;
        out.push_str(before);
        out.push_str(&value(name).ok_or_else(|| format!("There is no column \"{name}\""))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a column stands in the names of a table's records.
pub fn is_in_name(table: &Table, slug: &str) -> bool {
    let template = table.settings.get(NAME_TEMPLATE).and_then(Json::as_str);
    template.is_some_and(|template| {
        // A name that is not known ends the filling.
        fill_template(template, |name| (name != slug).then(String::new)).is_err()
    })
}

/// What is wrong with the template of a table's names.
pub(super) fn check_name_template(table: &Table) -> Option<Issue> {
    let refused =
        |message: String| Issue::new(format!("settings.{NAME_TEMPLATE}"), Code::Definition, message);
    match table.settings.get(NAME_TEMPLATE)? {
        Json::Null => None,
        Json::String(template) => {
            let known = |name: &str| {
                name == "id"
                    || table
                        .column(name)
                        .is_some_and(|column| column.encrypted.is_none())
            };
            let filled = fill_template(template, |name| known(name).then(String::new));
            filled.err().map(refused)
        }
        _ => Some(refused(
            "It is a text with the slugs of columns in braces, as {name}".into(),
        )),
    }
}
