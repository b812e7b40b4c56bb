//! `--grant TABLE=SCOPE`: what a user or an API key may do in one place. Filters of records are given over HTTP.

use chancery_api::access::{Grant, Scope};

/// What the option takes, for `--help`.
pub(crate) const HELP: &str = "What is allowed in one table, or in one column, instead: TABLE=SCOPE or TABLE.COLUMN=SCOPE, \
with the scopes none, read, write and admin; may be given several times";

/// A grant as it is written on the command line.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Grant, String> {
    let (place, scope) = text
        .split_once('=')
        .ok_or("write TABLE=SCOPE, as in orders=read")?;
    let scope = match scope {
        "none" => Scope::None,
        "read" => Scope::Read,
        "write" => Scope::Write,
        "admin" => Scope::Admin,
        other => {
            return Err(format!(
                "\"{other}\" is no scope; there are none, read, write and admin"
            ));
        }
    };
    let (table, column) = match place.split_once('.') {
        Some((table, column)) => (table, Some(column.to_owned())),
        None => (place, None),
    };
    Ok(Grant {
        table: Some(table.to_owned()),
        column,
        scope,
        ..Grant::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_names_a_table_or_a_column() {
        let grant = parse("people.salary=none").expect("a grant");
        assert_eq!(
            (grant.table.as_deref(), grant.column.as_deref()),
            (Some("people"), Some("salary"))
        );
        assert_eq!(grant.scope, Scope::None);
        assert!(parse("people").unwrap_err().contains("TABLE=SCOPE"));
        assert!(parse("people=all").unwrap_err().contains("\"all\" is no scope"));
    }
}
