//! The rules of references between tables: what a column may refer to, and what that forbids the other table. Looks at no
//! record.

use std::sync::Arc;

use crate::column::{Column, OnDelete};
use crate::field::Storage;
use crate::issue::unknown_name;
use crate::{Code, Issue, KeyKind, Table};

/// Finds everything in a table's references that makes no sense. `others` are the tables of its workspace; the table itself
/// may be among them, in an older state.
pub fn check_references(table: &Table, others: &[Arc<Table>]) -> Vec<Issue> {
    let mut issues = Vec::new();
    for (column, slug) in table.references() {
        let other = others
            .iter()
            .find(|other| other.slug == slug)
            .map(|other| &**other);
        let target = if slug == table.slug { Some(table) } else { other };
        let Some(target) = target else {
            let slugs = others.iter().map(|other| other.slug.as_str());
            let message = unknown_name("table", slug, slugs.chain([table.slug.as_str()]));
            issues.push(refused(column, said(column).0, message));
            continue;
        };
        check_reference(table, column, target, &mut issues);
    }
    issues
}

fn check_reference(table: &Table, column: &Column, target: &Table, issues: &mut Vec<Issue>) {
    let (reference, end) = said(column);
    let mut refuse = |part: &str, message: String| issues.push(refused(column, part, message));
    let slug = &target.slug;
    let storage = column.kind().storage();
    let holds = match target.key_kind {
        _ if column.is_relation() => true,
        KeyKind::Int => matches!(storage, Storage::Number | Storage::Int),
        KeyKind::Text | KeyKind::Uuid => storage == Storage::Text,
    };
    if !holds {
        let message = format!(
            "A {} column cannot hold the keys of \"{slug}\"",
            column.field_type
        );
        refuse(reference, message);
    }
    if target.max_size.is_some() {
        let message = format!(
            "\"{slug}\" has a maxSize: what it evicts would leave references behind, so nothing can refer to it"
        );
        refuse(reference, message);
    }
    if target.transient && !table.transient {
        let message = format!("\"{slug}\" is not persistent: its records go when the store is opened anew");
        refuse(reference, message);
    }
    let on_delete = column.on_delete();
    if on_delete == OnDelete::SetNull
        && (column.constraints.required || table.key_column == Some(column.ordinal))
    {
        refuse(
            end,
            "A required field cannot be set to null; use restrict or cascade".into(),
        );
    }
    if on_delete == OnDelete::Restrict && target.ttl_ms.is_some() {
        let message =
            format!("Records of \"{slug}\" expire (ttl), which cannot be refused; use cascade or setNull");
        refuse(end, message);
    }
}

/// Where a column says what it refers to, and what becomes of it when that is deleted.
fn said(column: &Column) -> (&'static str, &'static str) {
    match column.is_relation() {
        true => ("config.table", "config.onDelete"),
        false => ("ref", "onDelete"),
    }
}

/// Finds what stands against a time to live of a table: columns that refer to it and refuse its records' end.
pub fn check_lifetime(table: &Table, others: &[Arc<Table>]) -> Vec<Issue> {
    let mut issues = Vec::new();
    if table.ttl_ms.is_none() {
        return issues;
    }
    for other in others {
        for (column, slug) in other.references() {
            if slug == table.slug && column.on_delete() == OnDelete::Restrict {
                let message = format!(
                    "\"{}.{}\" refers to it and restricts its end; use cascade or setNull there first",
                    other.slug, column.slug
                );
                issues.push(Issue::new("ttl", Code::Definition, message));
            }
        }
    }
    issues
}

fn refused(column: &Column, part: &str, message: String) -> Issue {
    Issue::new(format!("{}.{part}", column.slug), Code::Definition, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::{ColumnInput, TableInput, check_table};
    use crate::{TableId, admit::Context};

    fn made(input: &TableInput) -> Table {
        let mut fresh = uuid::Uuid::nil;
        let mut context = Context {
            now: 0,
            actor: None,
            fresh: &mut fresh,
            cells: None,
            kept_cells: None,
        };
        check_table(input, TableId(1), "default", &mut context).expect("it makes sense")
    }

    fn check(users: TableInput, owner: ColumnInput, expected: &[&str]) {
        let users = Arc::new(made(&users));
        let tasks = made(&TableInput::new("tasks").column(owner));
        let fields: Vec<String> = check_references(&tasks, &[users])
            .into_iter()
            .map(|issue| issue.field)
            .collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_reference_that_could_not_be_kept_is_refused() {
        let users = || TableInput::new("users");
        let owner = |on_delete| ColumnInput::new("owner", "text").refers_to("users", on_delete);
        check(users(), owner(OnDelete::Restrict), &[]);
        check(users(), owner(OnDelete::Cascade).required(), &[]);
        check(users(), owner(OnDelete::SetNull).required(), &["owner.onDelete"]);
        let number = ColumnInput::new("owner", "number").refers_to("users", OnDelete::Cascade);
        check(users(), number, &["owner.ref"]);
        let unknown = ColumnInput::new("owner", "text").refers_to("user", OnDelete::Cascade);
        check(users(), unknown, &["owner.ref"]);
        let small = TableInput {
            max_size: Some(3),
            ..users()
        };
        check(small, owner(OnDelete::Cascade), &["owner.ref"]);
        let passing = TableInput {
            ttl_ms: Some(1_000),
            ..users()
        };
        check(passing.clone(), owner(OnDelete::Restrict), &["owner.onDelete"]);
        check(passing, owner(OnDelete::Cascade), &[]);
        let forgotten = TableInput {
            transient: true,
            ..users()
        };
        check(forgotten, owner(OnDelete::Cascade), &["owner.ref"]);
    }
}
