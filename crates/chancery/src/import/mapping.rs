//! Columns of a file to columns of a table: what the caller says, then names that are the same. It reads no rows.

use std::collections::BTreeMap;

use chancery_model::define::{ColumnInput, column_slug};
use chancery_model::issue::unknown_name;
use chancery_model::query::unknown_column;
use chancery_model::{Code, Issue, Table};

use super::options::{ImportOptions, Mapping};
use super::report::ImportedColumn;
use crate::error::Error;

/// Columns that a file of failed rows has beside its own.
pub(super) const ROW_COLUMN: &str = "_row";
pub(super) const ERROR_COLUMN: &str = "_error";
/// What an export may have besides columns, and the store keeps by itself.
pub(super) const KEPT_BY_STORE: [&str; 7] = [
    "version",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
    "expiresAt",
    "deletedAt",
];

/// Where one column of a file goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// Into the column with this slug, which may have to be made first.
    Column(String),
    /// It is the key.
    Key,
    /// It is the id in another system, and nothing else.
    ExternalId,
    /// It is left out.
    Skip,
    /// It has no name, and nothing is made of it; a row with something in it is refused.
    Nameless,
}

/// Where all columns of a file go.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) names: Vec<String>,
    pub(super) targets: Vec<Target>,
    /// The place of the id in another system.
    pub(super) external: Option<usize>,
    /// The places whose columns have to be made, with what is known of them.
    pub(super) new: BTreeMap<usize, ColumnInput>,
}

/// The names of a file's columns: every one different, none empty.
pub(super) fn names(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    let mut seen = std::collections::HashMap::new();
    for (index, cell) in header.iter().enumerate() {
        let cell = cell.trim();
        let base = if cell.is_empty() {
            format!("Column {}", index + 1)
        } else {
            cell.to_owned()
        };
        let times = seen.entry(base.clone()).or_insert(0_usize);
        *times += 1;
        let mut name = if *times == 1 {
            base.clone()
        } else {
            format!("{base} ({times})")
        };
        while names.contains(&name) {
            *times += 1;
            name = format!("{base} ({times})");
        }
        names.push(name);
    }
    names
}

/// A name without case, spaces and signs, by which names are the same.
fn normal(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The column of a table that a name in a file means: by slug, by slug or name regardless of case and signs.
pub(super) fn by_name<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    if let Some(column) = table.column(name) {
        return Some(&column.slug);
    }
    let wanted = normal(name);
    if wanted.is_empty() {
        return None;
    }
    let same =
        |column: &&chancery_model::Column| normal(&column.slug) == wanted || normal(&column.name) == wanted;
    table.live().find(same).map(|column| column.slug.as_str())
}

/// Where every column of a file goes.
///
/// # Errors
/// [`Error::Definition`] with everything that makes no sense: unknown names, two columns into one, columns that go nowhere.
pub(super) fn resolve(
    table: &Table,
    header: &[String],
    given: &[ColumnInput],
    mapping: &Mapping,
    options: &ImportOptions,
) -> Result<Places, Error> {
    let names = names(header);
    let mut resolving = Resolving {
        table,
        given,
        options,
        chosen: !mapping.is_empty(),
        targets: vec![None; names.len()],
        places: Places {
            targets: Vec::new(),
            external: None,
            new: BTreeMap::new(),
            names,
        },
        issues: Vec::new(),
    };
    resolving.external();
    for (name, slug) in mapping {
        resolving.say(name, slug.as_deref());
    }
    for (index, name) in header.iter().enumerate() {
        if resolving.targets[index].is_none() {
            resolving.find(index, name.trim().is_empty());
        }
    }
    resolving.finish()
}

struct Resolving<'a> {
    table: &'a Table,
    given: &'a [ColumnInput],
    options: &'a ImportOptions,
    /// Whether the caller chose columns: those that they said nothing about and that nothing fits are left out then.
    chosen: bool,
    places: Places,
    targets: Vec<Option<Target>>,
    issues: Vec<Issue>,
}

impl Resolving<'_> {
    fn report(&mut self, field: &str, code: Code, message: String) {
        self.issues
            .push(Issue::new(format!("mapping.{field}"), code, message));
    }

    fn place(&self, name: &str) -> Option<usize> {
        let names = &self.places.names;
        let exact = names.iter().position(|known| known == name.trim());
        let number = || {
            name.parse()
                .ok()
                .filter(|at| (1..=names.len()).contains(at))
                .map(|at: usize| at - 1)
        };
        exact.or_else(number)
    }

    fn external(&mut self) {
        let Some(name) = &self.options.external_id_column else {
            return;
        };
        self.places.external = self.place(name);
        if self.places.external.is_none() {
            let message = unknown_name(
                "column of the file",
                name,
                self.places.names.iter().map(String::as_str),
            );
            self.issues
                .push(Issue::new("externalIdColumn", Code::UnknownColumn, message));
        }
    }

    /// What the caller says about one column of the file.
    fn say(&mut self, name: &str, slug: Option<&str>) {
        let Some(index) = self.place(name) else {
            let message = unknown_name(
                "column of the file",
                name,
                self.places.names.iter().map(String::as_str),
            );
            return self.report(name, Code::UnknownColumn, message);
        };
        let Some(slug) = slug else {
            self.targets[index] = Some(Target::Skip);
            return;
        };
        let target = match self.table.column(slug) {
            Some(column) if !column.writable() => {
                let message = format!("\"{slug}\" is kept by the store and cannot be written");
                return self.report(name, Code::ReadOnly, message);
            }
            Some(column) => Target::Column(column.slug.clone()),
            None if slug == "id" => Target::Key,
            None if slug == "externalId" => Target::ExternalId,
            None if self.options.create_columns || self.given_as(slug).is_some() => {
                let given = self.given_as(slug).cloned();
                let input = given.unwrap_or_else(|| ColumnInput::new(name, ""));
                let input = ColumnInput {
                    slug: Some(slug.to_owned()),
                    ..input
                };
                self.places.new.insert(index, input);
                Target::Column(slug.to_owned())
            }
            None => {
                let issue = unknown_column(self.table, slug);
                return self.report(name, issue.code, issue.message);
            }
        };
        self.take(index, target);
    }

    /// What the caller said of a new column of this slug.
    fn given_as(&self, slug: &str) -> Option<&ColumnInput> {
        let same = |input: &&ColumnInput| match &input.slug {
            Some(own) => own == slug,
            None => column_slug(&input.name) == slug,
        };
        self.given.iter().find(same)
    }

    /// What the caller said of a new column for this one of the file.
    fn given_for(&self, name: &str) -> Option<&ColumnInput> {
        let same = |input: &&ColumnInput| {
            let slug = input.slug.as_deref();
            normal(&input.name) == normal(name) || slug.is_some_and(|slug| normal(slug) == normal(name))
        };
        self.given.iter().find(same)
    }

    fn take(&mut self, index: usize, target: Target) {
        let into_one = !matches!(target, Target::Skip | Target::Nameless);
        let same = |taken: &Option<Target>| taken.as_ref() == Some(&target);
        if into_one && let Some(other) = self.targets.iter().position(same) {
            let (name, first) = (self.places.names[index].clone(), &self.places.names[other]);
            let message = format!("\"{first}\" and \"{name}\" go into the same column");
            return self.report(&name, Code::Definition, message);
        }
        if target == Target::ExternalId {
            self.places.external = Some(index);
        }
        self.targets[index] = Some(target);
    }

    fn free(&self, target: &Target) -> bool {
        !self.targets.iter().any(|taken| taken.as_ref() == Some(target))
    }

    /// Where a column goes that the caller said nothing about.
    fn find(&mut self, index: usize, nameless: bool) {
        let name = self.places.names[index].clone();
        let named = by_name(self.table, &name).map(str::to_owned);
        if let Some(column) = named.as_deref().and_then(|slug| self.table.column(slug)) {
            let target = if column.writable() {
                Target::Column(column.slug.clone())
            } else {
                Target::Skip
            };
            if target == Target::Skip || self.free(&target) {
                self.targets[index] = Some(target);
                return;
            }
        }
        let plain = match name.as_str() {
            "id" if named.is_none() && self.table.key_column.is_none() && !self.options.create_columns => {
                Target::Key
            }
            "externalId" if named.is_none() && self.places.external.is_none() => Target::ExternalId,
            ROW_COLUMN | ERROR_COLUMN => Target::Skip,
            known if KEPT_BY_STORE.contains(&known) && named.is_none() && !self.options.create_columns => {
                Target::Skip
            }
            _ if self.places.external == Some(index) => Target::ExternalId,
            _ if nameless && !self.options.create_columns => Target::Nameless,
            _ if self.options.create_columns || self.given_for(&name).is_some() => {
                return self.make(index, &name);
            }
            _ if self.chosen => Target::Skip,
            _ => {
                let near = chancery_model::issue::did_you_mean(&name, self.table.slugs());
                let near = near.map_or(String::new(), |near| format!(" (did you mean \"{near}\"?)"));
                let message = format!(
                    "The table has no column for \"{name}\"{near}; map it to one, to null to leave it out, or set createColumns"
                );
                return self.report(&name, Code::UnknownColumn, message);
            }
        };
        self.take(index, plain);
    }

    /// A column that has to be made: as the caller described it, or as the file's cells will say.
    fn make(&mut self, index: usize, name: &str) {
        let mut input = self.given_for(name).cloned().unwrap_or_else(|| {
            let short: String = name
                .chars()
                .take(chancery_model::limits::NAME_CHARS_MAX)
                .collect();
            ColumnInput::new(short, "")
        });
        let base = input.slug.clone().unwrap_or_else(|| column_slug(&input.name));
        let taken =
            |slug: &str| self.table.column(slug).is_some() || !self.free(&Target::Column(slug.to_owned()));
        let free = |n: usize| {
            if n == 1 {
                base.clone()
            } else {
                format!("{base}{n}")
            }
        };
        let slug = (1..).map(free).find(|slug| !taken(slug)).unwrap_or(base.clone());
        input.slug = Some(slug.clone());
        self.places.new.insert(index, input);
        self.targets[index] = Some(Target::Column(slug));
    }

    /// A new column that nothing goes into was meant for something. One that is there already was made by an attempt before.
    fn unused(&mut self) {
        let names = self.places.names.iter().map(String::as_str);
        for input in &self.options.new_columns {
            let slug = input.slug.clone().unwrap_or_else(|| column_slug(&input.name));
            let made =
                |column: &ColumnInput| column.name == input.name || column.slug.as_ref() == Some(&slug);
            if self.places.new.values().any(made) || self.table.column(&slug).is_some() {
                continue;
            }
            let near = unknown_name("column of the file", &input.name, names.clone());
            let message = format!("{near}; map one to \"{slug}\", or name the new column as one is called");
            self.issues.push(Issue::new(
                format!("newColumns.{slug}"),
                Code::UnknownColumn,
                message,
            ));
        }
    }

    fn finish(mut self) -> Result<Places, Error> {
        self.unused();
        if !self.issues.is_empty() {
            return Err(Error::Definition(self.issues));
        }
        self.places.targets = self
            .targets
            .into_iter()
            .map(|target| target.unwrap_or(Target::Skip))
            .collect();
        Ok(self.places)
    }
}

impl Places {
    /// Columns without a name that would be made, but that nothing is in: `filled` tells of a place. They have to stay so.
    pub(super) fn leave_blank(
        &mut self,
        header: &[String],
        mapping: &Mapping,
        filled: impl Fn(usize) -> bool,
    ) {
        for (index, _) in header
            .iter()
            .enumerate()
            .filter(|(_, name)| name.trim().is_empty())
        {
            if !filled(index)
                && !mapping.contains_key(&self.names[index])
                && self.new.remove(&index).is_some()
            {
                self.targets[index] = Target::Nameless;
            }
        }
    }

    /// The place of the column that an issue is about.
    pub(super) fn of_field(&self, field: &str) -> Option<usize> {
        let slug = field.split(['.', '[']).next().unwrap_or(field);
        match slug {
            "id" | "externalId" => {
                let target = if slug == "id" {
                    Target::Key
                } else {
                    Target::ExternalId
                };
                let direct = self.targets.iter().position(|known| *known == target);
                direct
                    .or_else(|| self.column(slug))
                    .or(self.external.filter(|_| slug == "externalId"))
            }
            slug => self.column(slug),
        }
    }

    fn column(&self, slug: &str) -> Option<usize> {
        self.targets
            .iter()
            .position(|target| matches!(target, Target::Column(known) if known == slug))
    }

    /// Where each column went, for the report.
    pub(super) fn told(&self, table: &Table) -> Vec<ImportedColumn> {
        let told = |(index, (name, target)): (usize, (&String, &Target))| {
            let slug = match target {
                Target::Column(slug) => Some(slug.clone()),
                Target::Key => Some("id".to_owned()),
                Target::ExternalId => Some("externalId".to_owned()),
                Target::Skip | Target::Nameless => None,
            };
            ImportedColumn {
                header: name.clone(),
                field_type: slug
                    .as_deref()
                    .and_then(|slug| table.column(slug))
                    .map(|column| column.field_type.clone()),
                slug,
                created: self.new.contains_key(&index),
            }
        };
        self.names
            .iter()
            .zip(&self.targets)
            .enumerate()
            .map(told)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_file_has_its_own_name() {
        let header = ["a", "", "a", " b ", "a (2)"].map(str::to_owned);
        assert_eq!(names(&header), ["a", "Column 2", "a (2)", "b", "a (2) (2)"]);
    }
}
