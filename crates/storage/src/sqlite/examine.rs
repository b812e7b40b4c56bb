//! Whether a file is sound and every relation is as its definition says; and the making anew of what is derived from
//! records. It does not look at values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chancery_model::Table;
use rusqlite::Connection;

use super::fault::Sql;
use super::relation::{Relation, SYSTEM, relation_name};
use super::select::search_name;
use super::{ddl, dump, fill, search};
use crate::finding::{Finding, FindingKind};

/// Findings of the check of pages that are told.
const DAMAGES_MAX: usize = 20;

/// Looks at everything but the records.
pub(super) fn examine(connection: &Connection) -> Sql<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({DAMAGES_MAX})"))?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let line = row.get_ref(0)?.as_str()?;
        if line != "ok" {
            findings.push(Finding::somewhere(FindingKind::Damage, "the file".into(), line));
        }
    }
    let present = present(connection)?;
    let mut known = BTreeSet::new();
    for table in dump::definitions(connection)? {
        known.insert(relation_name(table.number));
        known.insert(search_name(&table));
        findings.extend(of_table(connection, &table, &present)?);
    }
    let relations = present.tables.iter().filter(|name| {
        let base = name.strip_suffix("_search").unwrap_or(name);
        fill::is_relation(base) && !known.contains(*name)
    });
    findings.extend(relations.map(|name| {
        Finding::somewhere(
            FindingKind::Orphan,
            name.clone(),
            "no definition names this relation",
        )
    }));
    Ok(findings)
}

/// What is in the file, by name.
struct Present {
    tables: BTreeSet<String>,
    /// The statement that made each index.
    indexes: BTreeMap<String, String>,
}

fn present(connection: &Connection) -> Sql<Present> {
    let mut present = Present {
        tables: BTreeSet::new(),
        indexes: BTreeMap::new(),
    };
    let mut select = connection.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_master")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        match row.get_ref(0)?.as_str()? {
            "table" => drop(present.tables.insert(row.get(1)?)),
            "index" => drop(present.indexes.insert(row.get(1)?, row.get(2)?)),
            _ => {}
        }
    }
    Ok(present)
}

fn of_table(connection: &Connection, table: &Arc<Table>, present: &Present) -> Sql<Vec<Finding>> {
    let relation = Relation::new(table.clone());
    let name = relation_name(table.number);
    let mut findings = Vec::new();
    if !present.tables.contains(&name) {
        let place = format!("table {}", table.slug);
        let detail = format!("the relation {name} is not there");
        return Ok(vec![Finding::of(
            FindingKind::MissingRelation,
            table,
            place,
            detail,
        )]);
    }
    let mut select = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    let has: BTreeSet<String> = select.query_map([&name], |row| row.get(0))?.collect::<Sql<_>>()?;
    let slots = relation.slots.iter().map(|slot| slot.name.trim_matches('"'));
    let wanted: BTreeSet<&str> = SYSTEM.split(", ").chain(["seq"]).chain(slots).collect();
    for column in wanted.iter().filter(|column| !has.contains(**column)) {
        let place = format!("column {column} of table {}", table.slug);
        findings.push(Finding::of(
            FindingKind::MissingColumn,
            table,
            place,
            "it is not there",
        ));
    }
    for column in has.iter().filter(|column| !wanted.contains(column.as_str())) {
        let place = format!("column {column} of table {}", table.slug);
        findings.push(Finding::of(
            FindingKind::ExtraColumn,
            table,
            place,
            "it is not defined",
        ));
    }
    let whole = findings.is_empty();
    for (place, index) in ddl::indexes(&relation) {
        let detail = match present.indexes.get(&place.2) {
            Some(sql) if *sql == index.create => continue,
            Some(_) => "it is not the one that is defined",
            None => "it is not there",
        };
        let where_it_is = format!("index {} of table {}", place.2, table.slug);
        findings.push(Finding::of(FindingKind::MissingIndex, table, where_it_is, detail).on_index(&place.2));
    }
    if whole && present.tables.contains(&search_name(table)) {
        findings.extend(of_search(connection, table, &relation)?);
    }
    Ok(findings)
}

/// Whether the full-text index has just the rows of its relation, and the columns that are searched.
fn of_search(connection: &Connection, table: &Arc<Table>, relation: &Relation) -> Sql<Option<Finding>> {
    let search = search_name(table);
    let strays = format!(
        "SELECT (SELECT count(*) FROM {name} WHERE seq NOT IN (SELECT id FROM \"{search}_docsize\")) \
         + (SELECT count(*) FROM \"{search}_docsize\" WHERE id NOT IN (SELECT seq FROM {name}))",
        name = relation.name
    );
    let strays: i64 = connection.query_row(&strays, [], |row| row.get(0))?;
    let built = search::Searches::load(connection)?;
    let detail = match strays {
        0 if built.has(table) => return Ok(None),
        0 => "it has other columns than the definition".to_owned(),
        strays => format!("{strays} records are not in it, or no records any more"),
    };
    let place = format!("full-text index of table {}", table.slug);
    Ok(Some(Finding::of(FindingKind::StaleSearch, table, place, detail)))
}

/// Makes anew what a finding is about; answers whether it could. It begins and ends no transaction.
pub(super) fn mend(connection: &Connection, finding: &Finding) -> Sql<bool> {
    let Some(table) = &finding.table else {
        return Ok(false);
    };
    match (finding.kind, &finding.index) {
        (FindingKind::MissingIndex, Some(name)) => {
            let indexes = ddl::indexes(&Relation::new(table.clone()));
            let Some((_, index)) = indexes.iter().find(|(place, _)| place.2 == *name) else {
                return Ok(false);
            };
            connection.execute_batch(&format!("DROP INDEX IF EXISTS \"{name}\"; {}", index.create))?;
            Ok(true)
        }
        (FindingKind::StaleSearch, _) => {
            search::remove(connection, table)?;
            search::build(connection, table)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
