//! The settings of a table that are switches, and what does not go with one that is off. What a switch is for is done elsewhere.

use super::names::check_name_template;
use crate::{Code, Column, Issue, Json, Table};

/// Whether strangers may fill in its forms; off unless it is switched on.
pub const FORM: &str = "enableForm";
/// Whether earlier versions of its records may be read; on unless it is switched off. They are kept either way, so that everything can be
/// taken back.
pub const REVISIONS: &str = "enableRevisions";
/// Whether it may have columns of files; on unless it is switched off.
pub const ATTACHMENTS: &str = "enableAttachments";

const SWITCHES: [&str; 3] = [FORM, REVISIONS, ATTACHMENTS];

/// Whether a table says that something is not to be.
///
/// ```
/// use chancery_model::define::{REVISIONS, switched_off};
/// use chancery_model::{Json, Table};
///
/// let mut table = Table::default();
/// assert!(!switched_off(&table, REVISIONS));
/// table.settings.insert(REVISIONS.into(), Json::Bool(false));
/// assert!(switched_off(&table, REVISIONS));
/// ```
pub fn switched_off(table: &Table, switch: &str) -> bool {
    table.settings.get(switch) == Some(&Json::Bool(false))
}

/// What is wrong with the settings of a table.
pub fn check_settings(table: &Table) -> Vec<Issue> {
    let refused =
        |name: &str, message: String| Issue::new(format!("settings.{name}"), Code::Definition, message);
    let mut issues: Vec<Issue> = check_name_template(table).into_iter().collect();
    for name in SWITCHES {
        if table
            .settings
            .get(name)
            .is_some_and(|value| !value.is_boolean() && !value.is_null())
        {
            issues.push(refused(name, "It is true or false".into()));
        }
    }
    let files: Vec<&str> = table
        .live()
        .filter(|column| column.names_files())
        .map(|column| &*column.slug)
        .collect();
    if !files.is_empty() && switched_off(table, ATTACHMENTS) {
        let message = format!(
            "The table has columns of files ({}); delete them first, or leave this on",
            files.join(", ")
        );
        issues.push(refused(ATTACHMENTS, message));
    }
    issues
}

/// What is wrong with a new column in a table that has these settings.
pub(super) fn check_beside_settings(table: &Table, column: &Column) -> Option<Issue> {
    let message = "The table takes no files: its setting enableAttachments is off; switch it on first";
    (column.names_files() && switched_off(table, ATTACHMENTS))
        .then(|| Issue::new("fieldType", Code::Definition, message))
}
