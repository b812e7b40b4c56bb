//! The rules of columns that show what stands in other tables: other sides of relations, lookups and rollups. Looks at no record.

use std::sync::Arc;

use crate::column::Column;
use crate::field::{Storage, lookup, relation, rollup};
use crate::issue::unknown_name;
use crate::{Code, Issue, JsonMap, Table, limits};

/// Finds every column that shows what is not there, or that leads back to itself. `others` are the tables of the workspace; the
/// table itself may be among them, in an older state.
pub fn check_related(table: &Table, others: &[Arc<Table>]) -> Vec<Issue> {
    let tables = Tables { table, others };
    let related = table.live().filter(|column| column.kind().flags().related);
    related.filter_map(|column| tables.check(column).err()).collect()
}

/// The columns of other tables, or of this one, that would have nothing to show without a column.
pub fn depending<'a>(table: &'a Table, slug: &str, others: &'a [Arc<Table>]) -> Vec<(&'a Table, &'a Column)> {
    let tables = Tables { table, others };
    let all = others
        .iter()
        .map(|other| &**other)
        .filter(|other| other.slug != table.slug);
    let mut found = Vec::new();
    for other in all.chain([table]) {
        for column in other.live().filter(|column| column.kind().flags().related) {
            let here = other.slug == table.slug && column.config_str("relation") == Some(slug);
            let there = match column.is_relation() {
                true => {
                    column.config_str("table") == Some(&*table.slug)
                        && column.config_str("reverseOf") == Some(slug)
                }
                false => {
                    let target = tables.through(other, column).ok().map(|(_, target)| target);
                    let named = column.config_str("column") == Some(slug);
                    named && target.is_some_and(|target| target.slug == table.slug)
                }
            };
            if here || there {
                found.push((other, column));
            }
        }
    }
    found
}

/// A column of another table that shows which records of this one name its own, if there is one.
pub fn reversing<'a>(table: &Table, others: &'a [Arc<Table>]) -> Option<(&'a Table, &'a Column)> {
    let shows = |column: &&Column| column.is_relation() && column.config_str("table") == Some(&*table.slug);
    others
        .iter()
        .filter(|other| other.number != table.number)
        .find_map(|other| Some((&**other, other.live().find(shows)?)))
}

/// Settings of a relation that say what its values are, and would change: they stay.
pub fn fixed(column: &Column, config: &JsonMap) -> Vec<Issue> {
    let said = ["table", "relationType", "reverseOf"];
    let changed = said
        .into_iter()
        .filter(|name| column.is_relation() && column.config.get(*name) != config.get(*name));
    let issue = |name| {
        let message = "It says what the values are, and stays; add a new column instead";
        Issue::new(format!("config.{name}"), Code::Definition, message)
    };
    changed.map(issue).collect()
}

struct Tables<'a> {
    table: &'a Table,
    others: &'a [Arc<Table>],
}

impl<'a> Tables<'a> {
    fn find(&self, slug: &str) -> Option<&'a Table> {
        if slug == self.table.slug {
            return Some(self.table);
        }
        let other = self.others.iter().find(|other| other.slug == slug);
        other.map(|other| &**other)
    }

    fn check(&self, column: &Column) -> Result<(), Issue> {
        match column.field_type.as_str() {
            _ if column.is_relation() => self.check_reverse(column),
            id if [lookup::ID, rollup::ID].contains(&id) => self.check_through(self.table, column, 1),
            _ => Ok(()),
        }
    }

    /// The other side of a relation: there is one, and it is of the kind that is said.
    fn check_reverse(&self, column: &Column) -> Result<(), Issue> {
        let slug = column.config_str("table").unwrap_or_default();
        let target = self.find(slug).ok_or_else(|| {
            let slugs = self.others.iter().map(|other| other.slug.as_str());
            refused(column, "table", unknown_name("table", slug, slugs))
        })?;
        let name = column.config_str("reverseOf").unwrap_or_default();
        let other = target
            .column(name)
            .ok_or_else(|| refused(column, "reverseOf", unknown_name("column", name, target.slugs())))?;
        if !other.is_relation() || other.refers_to() != Some(&*self.table.slug) {
            let message = format!(
                "\"{slug}.{name}\" is no relation to records of \"{}\"",
                self.table.slug
            );
            return Err(refused(column, "reverseOf", message));
        }
        let (here, there) = (relation::kind(column), relation::kind(other));
        if here != there.reversed() {
            let message = format!(
                "The other side of \"{slug}.{name}\", which is {}, is {}",
                there.as_str(),
                there.reversed().as_str()
            );
            return Err(refused(column, "relationType", message));
        }
        Ok(())
    }

    /// The relation column of a lookup or rollup, and the table that it leads to.
    fn through(&self, table: &'a Table, column: &Column) -> Result<(&'a Column, &'a Table), Issue> {
        let name = column.config_str("relation").unwrap_or_default();
        let relation = table
            .column(name)
            .ok_or_else(|| refused(column, "relation", unknown_name("column", name, table.slugs())))?;
        let slug = relation.config_str("table").filter(|_| relation.is_relation());
        let slug = slug.ok_or_else(|| {
            let message = format!("\"{name}\" is no relation, but a {} column", relation.field_type);
            refused(column, "relation", message)
        })?;
        let target = self
            .find(slug)
            .ok_or_else(|| refused(column, "relation", format!("There is no table \"{slug}\"")))?;
        Ok((relation, target))
    }

    /// What a lookup or rollup shows is there, however many steps away.
    fn check_through(&self, table: &'a Table, column: &Column, depth: usize) -> Result<(), Issue> {
        let (_, target) = self.through(table, column)?;
        let name = column.config_str("column").unwrap_or_default();
        if name.is_empty() && column.field_type == rollup::ID {
            return Ok(());
        }
        let shown = target
            .column(name)
            .ok_or_else(|| refused(column, "column", unknown_name("column", name, target.slugs())))?;
        if shown.encrypted.is_some() {
            return Err(refused(
                column,
                "column",
                format!(
                    "The values of \"{}.{name}\" are encrypted, and shown nowhere else",
                    target.slug
                ),
            ));
        }
        let adds = matches!(
            rollup::function(column),
            rollup::RollupFunction::Sum | rollup::RollupFunction::Avg
        );
        let numeric = matches!(
            shown.kind().storage(),
            Storage::Int | Storage::Number | Storage::Decimal | Storage::Json
        );
        if column.field_type == rollup::ID && adds && !numeric {
            let message = format!(
                "\"{}.{name}\" is a {} column and has no numbers to add; use count, min, max or concat",
                target.slug, shown.field_type
            );
            return Err(refused(column, "function", message));
        }
        if ![lookup::ID, rollup::ID].contains(&&*shown.field_type) {
            return Ok(());
        }
        if depth == limits::LOOKUP_DEPTH_MAX {
            let message = format!(
                "It leads over more than {depth} lookups or back to itself, by way of \"{}.{name}\"",
                target.slug
            );
            return Err(refused(column, "column", message));
        }
        self.check_through(target, shown, depth + 1).map_err(|mut issue| {
            issue.field = format!("{}.config.column", column.slug);
            issue
        })
    }
}

fn refused(column: &Column, setting: &str, message: String) -> Issue {
    Issue::new(
        format!("{}.config.{setting}", column.slug),
        Code::Definition,
        message,
    )
}
