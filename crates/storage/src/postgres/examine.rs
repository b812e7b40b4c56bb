//! Whether every relation is as its definition says; and the making anew of what is derived from records. It does not
//! look at values, nor at the server's files: the server checks those itself (`pg_amcheck`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chancery_model::Table;
use tokio_postgres::Client;

use super::ddl;
use super::dump;
use super::fault::Pg;
use super::fill::RELATIONS;
use super::load;
use super::relation::{Relation, relation_name};
use super::rows::Shape;
use super::search::{columns, drop_words, named};
use super::statement::{Param, Statement};
use crate::finding::{Finding, FindingKind};

/// The system columns with their types.
const SYSTEM: [(&str, &str); 11] = [
    ("version", "bigint"),
    ("change", "bigint"),
    ("created_at", "bigint"),
    ("updated_at", "bigint"),
    ("created_by", "text"),
    ("updated_by", "text"),
    ("expires_at", "bigint"),
    ("deleted_at", "bigint"),
    ("external_id", "text"),
    ("metadata", "text"),
    ("extra", "text"),
];

/// Looks at everything but the records.
pub(super) async fn examine(client: &Client) -> Pg<Vec<Finding>> {
    let mut relations = BTreeSet::new();
    for row in Statement::new(RELATIONS).rows(client).await? {
        relations.insert(row.try_get::<_, String>(0)?);
    }
    let mut findings = Vec::new();
    for (table, _) in dump::definitions(client).await? {
        let name = relation_name(table.number);
        if !relations.remove(&name) {
            let place = format!("table {}", table.slug);
            let detail = format!("the relation {name} is not there");
            findings.push(Finding::of(FindingKind::MissingRelation, &table, place, detail));
            continue;
        }
        findings.extend(of_table(client, &table, &name).await?);
    }
    let mut orphans: Vec<String> = relations.into_iter().collect();
    orphans.sort();
    findings.extend(
        orphans
            .into_iter()
            .map(|name| Finding::somewhere(FindingKind::Orphan, name, "no definition names this relation")),
    );
    Ok(findings)
}

async fn of_table(client: &Client, table: &Arc<Table>, name: &str) -> Pg<Vec<Finding>> {
    let relation = Relation::new(table.clone());
    let searched = searched(client, table).await?;
    let search = searched.as_deref().map(named);
    let has = columns_of(client, name).await?;
    let bare = |shape: &Shape| {
        shape
            .sql()
            .split(" COLLATE")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut wanted: BTreeMap<String, String> = SYSTEM
        .iter()
        .map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned()))
        .collect();
    wanted.insert("id".into(), bare(&relation.key_shape()));
    for slot in &relation.slots {
        wanted.insert(slot.name.trim_matches('"').to_owned(), bare(&slot.shape));
    }
    let mut findings = Vec::new();
    for (column, ty) in &wanted {
        let detail = match has.get(column) {
            Some(found) if found == ty => continue,
            Some(found) => format!("it is of type {found}, not {ty}"),
            None => "it is not there".into(),
        };
        let place = format!("column {column} of table {}", table.slug);
        findings.push(Finding::of(FindingKind::MissingColumn, table, place, detail));
    }
    let index = search.as_deref().map(|name| name.trim_matches('"'));
    for column in has.keys() {
        if !wanted.contains_key(column) && Some(column.as_str()) != index {
            let place = format!("column {column} of table {}", table.slug);
            findings.push(Finding::of(
                FindingKind::ExtraColumn,
                table,
                place,
                "it is not defined",
            ));
        }
    }
    let valid = indexes_of(client, name).await?;
    for ((_, _, index), _) in ddl::indexes(&relation) {
        let detail = match valid.get(&index) {
            Some(true) => continue,
            Some(false) => "it is not valid",
            None => "it is not there",
        };
        let place = format!("index {index} of table {}", table.slug);
        findings.push(Finding::of(FindingKind::MissingIndex, table, place, detail).on_index(&index));
    }
    if let (Some(searched), Some(column)) = (&searched, &search) {
        let detail = if *searched != columns(table) {
            Some("it has other columns than the definition".to_owned())
        } else if !has.contains_key(column.trim_matches('"'))
            || !valid.contains_key(&format!("{name}_search"))
        {
            Some("a part of it is not there".to_owned())
        } else {
            let strays = format!("SELECT count(*) FROM \"{name}\" WHERE {column} IS NULL");
            let strays = Statement::new(&strays).number(client).await?;
            (strays > 0).then(|| format!("{strays} records are not in it"))
        };
        let place = format!("full-text index of table {}", table.slug);
        findings.extend(detail.map(|detail| Finding::of(FindingKind::StaleSearch, table, place, detail)));
    }
    Ok(findings)
}

/// The columns of the full-text index that a table is said to have.
async fn searched(client: &Client, table: &Table) -> Pg<Option<Vec<u16>>> {
    let mut select = Statement::new("SELECT searched FROM definitions WHERE number = ");
    let rows = select.bind(i64::from(table.number.0)).rows(client).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let columns: Option<Vec<i64>> = row.try_get(0)?;
    Ok(columns.map(|columns| columns.into_iter().map(|ordinal| ordinal as u16).collect()))
}

/// The columns of a relation with their types.
async fn columns_of(client: &Client, name: &str) -> Pg<BTreeMap<String, String>> {
    let mut select = Statement::new(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
         WHERE attnum > 0 AND NOT attisdropped AND attrelid = (current_schema() || '.' || quote_ident(",
    );
    select.bind(name).push("))::regclass");
    let mut columns = BTreeMap::new();
    for row in select.rows(client).await? {
        columns.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(columns)
}

/// The indexes of a relation, and whether each is valid.
async fn indexes_of(client: &Client, name: &str) -> Pg<BTreeMap<String, bool>> {
    let mut select = Statement::new(
        "SELECT indexed.relname::text, indisvalid AND indisready FROM pg_index \
         JOIN pg_class indexed ON indexed.oid = indexrelid \
         WHERE indrelid = (current_schema() || '.' || quote_ident(",
    );
    select.bind(name).push("))::regclass");
    let mut indexes = BTreeMap::new();
    for row in select.rows(client).await? {
        indexes.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(indexes)
}

/// Makes anew what a finding is about, in a transaction under the lock of commits; answers whether it could. If it fails
/// the connection is to be let go.
pub(super) async fn mend(client: &Client, finding: &Finding) -> Pg<bool> {
    let Some(table) = &finding.table else {
        return Ok(false);
    };
    let relation = Relation::new(table.clone());
    client
        .batch_execute("BEGIN; SET LOCAL statement_timeout = 0")
        .await?;
    load::lock().rows(client).await?;
    let mended = match (finding.kind, &finding.index) {
        (FindingKind::MissingIndex, Some(name)) => {
            let indexes = ddl::indexes(&relation);
            match indexes.iter().find(|(place, _)| place.2 == *name) {
                Some((_, index)) => {
                    if indexes_of(client, &relation_name(table.number))
                        .await?
                        .contains_key(name)
                    {
                        client.batch_execute(&index.drop).await?;
                    }
                    client.batch_execute(&index.create).await?;
                    true
                }
                None => false,
            }
        }
        (FindingKind::StaleSearch, _) => {
            // Taken away; the next search builds it again from the records.
            if let Some(old) = searched(client, table).await? {
                let column = named(&old);
                let words = drop_words(table.number);
                let sql = format!(
                    "{words} ALTER TABLE {} DROP COLUMN IF EXISTS {column}",
                    relation.name
                );
                client.batch_execute(&sql).await?;
                let mut note = Statement::new("UPDATE definitions SET searched = ");
                note.bind(Param::Null(tokio_postgres::types::Type::INT8_ARRAY));
                note.push(" WHERE number = ").bind(i64::from(table.number.0));
                note.execute(client).await?;
            }
            true
        }
        _ => false,
    };
    client.batch_execute("COMMIT").await?;
    Ok(mended)
}
