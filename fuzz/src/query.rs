//! Queries for records: the JSON of a query, what it means for a table with a column of every type, and the values and times in it.

use std::sync::LazyLock;

use chancery_api::query as wire;
use chancery_model::field::{FIELD_TYPES, example_column};
use chancery_model::filter::Filter;
use chancery_model::query::input::{Condition, FilterInput, Query, SortInput};
use chancery_model::time::{INSTANT_MS, date_text, instant_text, parse_date, parse_instant};
use chancery_model::{Json, Key, Record, RecordMetadata, Table, Value, limits};

use crate::vault_query::round_trip;

/// When relative dates are judged.
const NOW: i64 = 1_772_357_400_000;

/// Reads bytes as a query, as a value of each type, or as a time.
pub fn check(data: &[u8]) {
    let Some((&way, data)) = data.split_first() else {
        return;
    };
    match way % 4 {
        0 | 1 => query(data, way % 4 == 1),
        2 => values(data),
        _ => times(data),
    }
}

fn query(data: &[u8], strict: bool) {
    round_trip::<wire::Query>(data);
    let Ok(asked) = serde_json::from_slice::<wire::Query>(data) else {
        return;
    };
    let table = match strict {
        true => &*STRICT,
        false => &*OPEN,
    };
    let asked = Query {
        filter: asked.filter.as_ref().and_then(filter_in),
        sort: asked.sort.iter().map(sort_in).collect(),
        fuzzy: asked.search.as_ref().is_some_and(|search| search.fuzzy),
        search_columns: asked
            .search
            .iter()
            .flat_map(|search| search.columns.clone())
            .flatten()
            .collect(),
        search: asked.search.map(|search| search.query),
    };
    if let Some(filter) = &asked.filter {
        let written = serde_json::from_value(filter_out(filter)).expect("what was written is read");
        assert_eq!(filter_in(&written).as_ref(), Some(filter));
    }
    if let Ok(filter) = asked.resolve_filter(table, NOW, None) {
        let given = asked.filter.as_ref();
        assert!(given.map_or(0, conditions) <= limits::FILTER_CONDITIONS_MAX);
        assert!(given.map_or(0, depth) <= limits::FILTER_DEPTH_MAX);
        answers_alike(&filter, &asked, table);
    }
    if let Ok(keys) = asked.resolve_sort(table) {
        assert!(keys.len() == asked.sort_keys() && keys.len() <= limits::SORT_KEYS_MAX);
    }
    if let Ok(Some(search)) = asked.resolve_search(table) {
        assert!(!search.words.is_empty() && search.words.iter().all(|word| !word.is_empty()));
        for record in RECORDS.iter() {
            search.matches(record);
        }
    }
}

/// The same question in other words has the same answer.
fn answers_alike(filter: &Filter, asked: &Query, table: &Table) {
    let asked = asked
        .filter
        .clone()
        .map(|filter| FilterInput::And(vec![FilterInput::Or(vec![filter])]));
    let again = Query {
        filter: asked,
        ..Query::default()
    };
    let again = again.resolve_filter(table, NOW, None).ok();
    for record in RECORDS.iter() {
        let matches = filter.matches(record);
        if let Some(again) = &again {
            assert_eq!(again.matches(record), matches);
        }
        assert_eq!(filter.clone().and(Filter::All).matches(record), matches);
        assert_eq!(filter.clone().and(filter.clone()).matches(record), matches);
    }
}

fn filter_in(filter: &wire::Filter) -> Option<FilterInput> {
    let parts = || {
        filter
            .filters
            .as_ref()?
            .iter()
            .map(filter_in)
            .collect::<Option<Vec<_>>>()
    };
    Some(match filter.operator.as_str() {
        "and" => FilterInput::And(parts()?),
        "or" => FilterInput::Or(parts()?),
        operator => FilterInput::Condition(Condition {
            column: filter.column.clone()?,
            operator: operator.to_owned(),
            value: filter.value.clone().unwrap_or(Json::Null),
        }),
    })
}

fn filter_out(filter: &FilterInput) -> Json {
    let group = |operator: &str, parts: &[FilterInput]| serde_json::json!({"operator": operator, "filters": parts.iter().map(filter_out).collect::<Vec<_>>()});
    match filter {
        FilterInput::And(parts) => group("and", parts),
        FilterInput::Or(parts) => group("or", parts),
        FilterInput::Condition(Condition {
            column,
            operator,
            value,
        }) => {
            serde_json::json!({"column": column, "operator": operator, "value": value})
        }
    }
}

fn sort_in(sort: &wire::Sort) -> SortInput {
    SortInput {
        column: sort.column.clone(),
        descending: sort.direction == wire::Direction::Desc,
        nulls_first: sort.nulls == Some(wire::Nulls::First),
    }
}

fn conditions(filter: &FilterInput) -> usize {
    match filter {
        FilterInput::And(parts) | FilterInput::Or(parts) => parts.iter().map(conditions).sum(),
        FilterInput::Condition(_) => 1,
    }
}

fn depth(filter: &FilterInput) -> usize {
    match filter {
        FilterInput::And(parts) | FilterInput::Or(parts) => {
            parts.iter().map(|part| 1 + depth(part)).max().unwrap_or(0)
        }
        FilterInput::Condition(_) => 0,
    }
}

/// A value that a type takes is given out in a form that the type takes for the same value.
fn values(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else {
        return;
    };
    let Ok(json) = serde_json::from_slice::<Json>(data) else {
        return;
    };
    let kind = FIELD_TYPES[usize::from(kind) % FIELD_TYPES.len()];
    if json.is_null() || kind.flags().computed {
        return;
    }
    let column = example_column(kind);
    if let Ok(value) = kind
        .parse(&json, &column)
        .map(|value| (kind.to_json(&value, &column), value))
    {
        let (given, value) = value;
        if !given.is_null() {
            assert_eq!(
                kind.parse(&given, &column).as_ref(),
                Ok(&value),
                "{}: {given}",
                kind.id()
            );
        }
    }
}

/// A time that is read is written in one form, which is read as the same time.
fn times(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some(ms) = parse_instant(text) {
        assert!(INSTANT_MS.contains(&ms));
        assert_eq!(parse_instant(&instant_text(ms)), Some(ms));
    }
    if let Some(days) = parse_date(text) {
        assert_eq!(date_text(days), text);
    }
}

static OPEN: LazyLock<Table> = LazyLock::new(|| table(false));
static STRICT: LazyLock<Table> = LazyLock::new(|| table(true));

/// A table with a column of every type, named by it.
fn table(strict: bool) -> Table {
    let columns = FIELD_TYPES.iter().zip(0..).map(|(kind, ordinal)| {
        let mut column = example_column(*kind);
        column.slug = kind.id().to_owned();
        column.ordinal = ordinal;
        column
    });
    Table {
        columns: columns.collect(),
        strict,
        ..Table::default()
    }
}

/// Records with the examples of every type, and one with nothing.
static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| (0..4).map(record).collect());

fn record(number: usize) -> Record {
    let values = FIELD_TYPES.iter().map(|kind| {
        let column = example_column(*kind);
        let example = kind.examples().into_iter().nth(number);
        example
            .and_then(|example| kind.parse(&example, &column).ok())
            .unwrap_or(Value::Null)
    });
    Record {
        key: Key::Int(number as i64),
        deleted_at: None,
        expires_at: None,
        version: 1,
        change: 1,
        created_at: NOW,
        updated_at: NOW,
        created_by: None,
        updated_by: None,
        metadata: RecordMetadata::default(),
        values: if number == 3 {
            Box::default()
        } else {
            values.collect()
        },
        extra: None,
    }
}
