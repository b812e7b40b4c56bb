//! Questions on their way in: filters, sorts and searches. What they mean is the library's.

use chancery::model::{Code, Issue, Json};
use chancery::{Condition, Error, FilterInput, Query, SortInput};
use chancery_api::query as wire;

/// A filter tree; every mistake of its shape at once, each with its path.
pub fn filter(filter: &wire::Filter) -> Result<FilterInput, Error> {
    let mut issues = Vec::new();
    let input = node(filter, "filter", &mut issues);
    if issues.is_empty() {
        Ok(input)
    } else {
        Err(Error::Query(issues))
    }
}

fn node(filter: &wire::Filter, path: &str, issues: &mut Vec<Issue>) -> FilterInput {
    let mut wrong = |message: &str| issues.push(Issue::new(path, Code::Operator, message));
    let group = matches!(filter.operator.as_str(), "and" | "or");
    if group {
        if filter.column.is_some() || filter.value.is_some() {
            wrong("\"and\" and \"or\" take filters, not a column and a value");
        }
        if filter.filters.is_none() {
            wrong("\"and\" and \"or\" take a list of filters");
        }
        let parts = filter.filters.iter().flatten().enumerate();
        let parts = parts
            .map(|(index, part)| node(part, &format!("{path}.filters[{index}]"), issues))
            .collect();
        return if filter.operator == "and" {
            FilterInput::And(parts)
        } else {
            FilterInput::Or(parts)
        };
    }
    if filter.filters.is_some() {
        wrong("Only \"and\" and \"or\" take filters");
    }
    if filter.column.is_none() {
        wrong("A condition needs a column");
    }
    FilterInput::Condition(Condition {
        column: filter.column.clone().unwrap_or_default(),
        operator: filter.operator.clone(),
        value: filter.value.clone().unwrap_or(Json::Null),
    })
}

/// A filter on its way out, as it was understood.
pub(crate) fn filter_out(input: &FilterInput) -> wire::Filter {
    let group = |operator: &str, parts: &[FilterInput]| wire::Filter {
        operator: operator.into(),
        filters: Some(parts.iter().map(filter_out).collect()),
        ..wire::Filter::default()
    };
    match input {
        FilterInput::And(parts) => group("and", parts),
        FilterInput::Or(parts) => group("or", parts),
        FilterInput::Condition(condition) => wire::Filter {
            operator: condition.operator.clone(),
            column: Some(condition.column.clone()),
            value: Some(condition.value.clone()),
            filters: None,
        },
    }
}

pub(crate) fn sort(sort: &wire::Sort) -> SortInput {
    SortInput {
        column: sort.column.clone(),
        descending: sort.direction == wire::Direction::Desc,
        nulls_first: sort.nulls == Some(wire::Nulls::First),
    }
}

/// A sort on its way out, with the tie-breaker.
pub(crate) fn sort_out(asked: &Query, key: &str) -> Json {
    let sort = &asked.sort;
    // Nobody asks for it by name: it is the order of a fuzzy search.
    let ranked = asked
        .is_ranked()
        .then(|| serde_json::json!({"column": "_rank", "direction": "asc", "nulls": "last"}));
    let mut keys: Vec<Json> = ranked.into_iter().collect();
    let asked_for = sort.iter().map(|key| {
        serde_json::json!({
            "column": key.column,
            "direction": if key.descending { "desc" } else { "asc" },
            "nulls": if key.nulls_first { "first" } else { "last" },
        })
    });
    keys.extend(asked_for);
    if !sort.iter().any(|by| by.column == key || by.column == "id") {
        keys.push(serde_json::json!({"column": key, "direction": "asc", "nulls": "last"}));
    }
    Json::Array(keys)
}

/// The question inside a query, without its window.
pub fn question(
    filter_by: Option<&wire::Filter>,
    sort_by: &[wire::Sort],
    search: Option<&wire::Search>,
) -> Result<Query, Error> {
    Ok(Query {
        filter: filter_by.map(filter).transpose()?,
        sort: sort_by.iter().map(sort).collect(),
        search: search.map(|search| search.query.clone()),
        search_columns: search
            .and_then(|search| search.columns.clone())
            .unwrap_or_default(),
        fuzzy: search.is_some_and(|search| search.fuzzy),
    })
}

/// `name,-createdAt` as a sort: a minus turns it round.
pub fn sort_text(text: &str) -> Vec<wire::Sort> {
    let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
    keys.map(|key| {
        let (column, direction) = match key.strip_prefix('-') {
            Some(column) => (column, wire::Direction::Desc),
            None => (key, wire::Direction::Asc),
        };
        wire::Sort {
            column: column.to_owned(),
            direction,
            nulls: None,
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_the_wrong_shape_names_each_place() {
        let wrong: wire::Filter = serde_json::from_value(serde_json::json!({
            "operator": "and",
            "filters": [{"operator": "eq", "value": 1}, {"operator": "or"}, {"operator": "eq", "column": "a", "filters": []}],
        }))
        .unwrap();
        let error = filter(&wrong).unwrap_err();
        let places: Vec<&str> = error.issues().iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(
            places,
            ["filter.filters[0]", "filter.filters[1]", "filter.filters[2]"]
        );
    }

    #[test]
    fn a_sort_reads_from_text() {
        let sort = sort_text("name, -createdAt,");
        assert_eq!(
            (sort[0].column.as_str(), sort[0].direction),
            ("name", wire::Direction::Asc)
        );
        assert_eq!(
            (sort[1].column.as_str(), sort[1].direction),
            ("createdAt", wire::Direction::Desc)
        );
        assert_eq!(sort.len(), 2);
    }
}
