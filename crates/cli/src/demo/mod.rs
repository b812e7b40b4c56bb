//! The demo: the books of a small bicycle workshop, made up from word lists. The same every time but for the dates, which
//! lie around today. Nobody in it exists.
//!
//! # To add a table
//! Write `demo/<name>.rs` with its definition and its records, and add it to [`fill`].

mod bicycles;
mod chance;
mod customers;
mod orders;
mod products;
mod repairs;
mod words;

use chancery::{Bulk, BulkOptions, ColumnInput, JsonMap, OptionInput, Store, TableInput};
use jiff::civil::Date;
use serde_json::Value as Json;

use crate::failure::Failure;
use chance::Chance;

/// Fills the workspace and answers how many records that made; none if it has tables already.
pub(crate) async fn fill(store: &Store) -> Result<Option<usize>, Failure> {
    if !store.tables().is_empty() {
        return Ok(None);
    }
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut chance = Chance::new(2_026);
    let mut products = products::records(&mut chance, today);
    put(store, products::table(), &mut products).await?;
    let mut customers = customers::records(&mut chance, today);
    put(store, customers::table(), &mut customers).await?;
    let mut orders = orders::records(&mut chance, today, &customers, &products);
    put(store, orders::table(), &mut orders).await?;
    let mut bicycles = bicycles::records(&mut chance, today);
    put(store, bicycles::table(), &mut bicycles).await?;
    let mut repairs = repairs::records(&mut chance, today, &customers);
    put(store, repairs::table(), &mut repairs).await?;
    for column in customers::columns_of_others() {
        store.table("customers")?.add_column(column).await?;
    }
    let all = [products, customers, orders, bicycles, repairs];
    Ok(Some(all.iter().map(Vec::len).sum()))
}

/// Puts records into a new table, and gives them their ids.
async fn put(store: &Store, table: TableInput, records: &mut [JsonMap]) -> Result<(), Failure> {
    let handle = store.create_table(table).await?;
    let outcome = handle.bulk_create(records, BulkOptions::default()).await?;
    if let Some((index, issues)) = outcome.failures().next() {
        let name = &handle.definition()?.slug;
        return Err(Failure::new(format!(
            "demo: {name}[{index}] {}: {}",
            issues[0].field, issues[0].message
        )));
    }
    for (record, made) in records.iter_mut().zip(outcome.items) {
        if let Bulk::Created(made) = made {
            record.insert("id".into(), made.id().into());
        }
    }
    Ok(())
}

/// A column that names records of a table, or shows what stands there.
fn related<const N: usize>(name: &str, field_type: &str, settings: [(&str, &str); N]) -> ColumnInput {
    let column = ColumnInput::new(name, field_type);
    settings
        .into_iter()
        .fold(column, |column, (name, value)| column.config(name, value))
}

/// A table with a description, an icon and a colour.
fn described(
    name: &str,
    description: &str,
    icon: &str,
    color: &str,
    columns: Vec<ColumnInput>,
) -> TableInput {
    TableInput {
        description: description.into(),
        icon: Some(icon.into()),
        color: Some(color.into()),
        columns,
        ..TableInput::new(name)
    }
}

/// A column of choices, each with its colour.
fn choice(name: &str, field_type: &str, options: &[(&str, &str)]) -> ColumnInput {
    let option = |(name, color): &(&str, &str)| OptionInput {
        name: (*name).into(),
        color: Some((*color).into()),
        ..OptionInput::default()
    };
    ColumnInput {
        options: options.iter().map(option).collect(),
        ..ColumnInput::new(name, field_type)
    }
}

/// A record out of pairs; nulls are left out.
fn record<const N: usize>(pairs: [(&str, Json); N]) -> JsonMap {
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A day some days away from today.
fn day(today: Date, away: i64) -> Date {
    today.saturating_add(jiff::Span::new().days(away))
}

/// An amount in cents as a JSON number with all its digits.
fn money(cents: i64) -> Json {
    let text = format!(
        "{}{}.{:02}",
        if cents < 0 { "-" } else { "" },
        cents.abs() / 100,
        cents.abs() % 100
    );
    serde_json::from_str(&text).unwrap_or(Json::Null)
}

/// A value of a record made before, as text.
fn text(record: &JsonMap, name: &str) -> String {
    record
        .get(name)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The amount of a record made before, in cents.
fn cents(record: &JsonMap, name: &str) -> i64 {
    let digits: String = record
        .get(name)
        .map(Json::to_string)
        .unwrap_or_default()
        .replace('.', "");
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    async fn demo() -> (Store, usize) {
        let store = Store::open("memory:").await.unwrap();
        let made = fill(&store).await.unwrap().unwrap();
        (store, made)
    }

    #[tokio::test]
    async fn it_uses_every_field_type_that_there_is() {
        let (store, made) = demo().await;
        assert!(made > 1_000, "{made}");
        let mut used = HashSet::new();
        for handle in store.tables() {
            used.extend(
                handle
                    .definition()
                    .unwrap()
                    .live()
                    .map(|column| column.field_type.clone()),
            );
        }
        // Not those that need an open vault.
        let missing: Vec<&str> = chancery::FIELD_TYPES
            .iter()
            .filter(|kind| !kind.flags().encrypted)
            .map(|kind| kind.id())
            .filter(|kind| !used.contains(*kind))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[tokio::test]
    async fn it_never_touches_a_workspace_that_has_tables() {
        let store = Store::open("memory:").await.unwrap();
        store.create_table(TableInput::new("Mine")).await.unwrap();
        assert_eq!(fill(&store).await.unwrap(), None);
        assert_eq!(store.tables().len(), 1);
    }

    #[tokio::test]
    async fn it_is_the_same_every_time() {
        let (one, _) = demo().await;
        let (other, _) = demo().await;
        let names = async |store: Store| {
            let customers = store.table("customers").unwrap().all().await.unwrap();
            customers
                .iter()
                .map(|record| record.get("name").to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(one).await, names(other).await);
    }
}
