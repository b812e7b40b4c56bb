//! Filters as people write them on a command line: `status=done`, `priority>=3`, `name contains foo`. What they mean is
//! the store's business.

use chancery_api::query::Filter;
use serde_json::Value as Json;

use crate::failure::Failure;

/// The signs and the operators they stand for; longer ones first, so that `>=` is not read as `>`.
const SIGNS: [(&str, &str); 6] = [
    ("!=", "neq"),
    (">=", "gte"),
    ("<=", "lte"),
    ("=", "eq"),
    (">", "gt"),
    ("<", "lt"),
];

/// Operators that take no value.
const BARE: [&str; 7] = [
    "isEmpty",
    "isNotEmpty",
    "isToday",
    "isYesterday",
    "isThisWeek",
    "isThisMonth",
    "isThisYear",
];

/// One filter out of readable parts and a JSON filter; all of them must hold.
pub(crate) fn together(parts: &[String], json: Option<&str>) -> Result<Option<Filter>, Failure> {
    let mut filters = parts
        .iter()
        .map(|part| condition(part))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(text) = json {
        let filter = serde_json::from_str(text).map_err(|error| {
            Failure::new(format!("--filter holds no filter: {error}"))
                .hint(r#"write {"column": "status", "operator": "eq", "value": "done"}, or {"operator": "or", "filters": […]}"#)
        })?;
        filters.push(filter);
    }
    Ok(match filters.len() {
        0 | 1 => filters.pop(),
        _ => Some(Filter {
            operator: "and".into(),
            filters: Some(filters),
            ..Filter::default()
        }),
    })
}

/// One readable condition.
fn condition(text: &str) -> Result<Filter, Failure> {
    signed(text).or_else(|| worded(text)).ok_or_else(|| {
        Failure::new(format!("\"{text}\" is no filter"))
            .hint("write status=done, priority>=3, 'name contains foo' or 'due isEmpty'")
    })
}

/// `column SIGN value`; an empty value asks for empty ones.
fn signed(text: &str) -> Option<Filter> {
    let at = text.find(['=', '<', '>', '!'])?;
    let (column, rest) = (text[..at].trim(), &text[at..]);
    let (sign, operator) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    if column.is_empty() || column.contains(char::is_whitespace) {
        return None;
    }
    let value = rest[sign.len()..].trim();
    Some(match (*operator, value) {
        ("eq", "") => made(column, "isEmpty", None),
        ("neq", "") => made(column, "isNotEmpty", None),
        (operator, value) => made(column, operator, Some(value)),
    })
}

/// `column operator value`.
fn worded(text: &str) -> Option<Filter> {
    let (column, rest) = text.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (operator, value) = match rest.split_once(char::is_whitespace) {
        Some((operator, value)) => (operator, Some(value.trim())),
        None => (rest, None),
    };
    let bare = BARE.iter().find(|name| name.eq_ignore_ascii_case(operator));
    match (bare, value) {
        (Some(name), None) => Some(made(column, name, None)),
        (None, Some(value)) => Some(made(column, &known(operator), Some(value))),
        _ => None,
    }
}

/// The operator as it stands on the wire, however it was capitalised. An unknown one is refused by the store, which
/// knows what fits the column.
fn known(operator: &str) -> String {
    let all = chancery::Operator::ALL.iter().map(|known| known.as_str());
    all.into_iter()
        .find(|name| name.eq_ignore_ascii_case(operator))
        .unwrap_or(operator)
        .to_owned()
}

fn made(column: &str, operator: &str, value: Option<&str>) -> Filter {
    Filter {
        column: Some(column.to_owned()),
        operator: operator.to_owned(),
        value: value.map(Json::from),
        filters: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_people_write_them() {
        for (text, column, operator, value) in [
            ("status=done", "status", "eq", Some("done")),
            ("priority>=3", "priority", "gte", Some("3")),
            ("priority < 3", "priority", "lt", Some("3")),
            ("status!=done", "status", "neq", Some("done")),
            ("due=", "due", "isEmpty", None),
            ("due!=", "due", "isNotEmpty", None),
            ("name contains foo bar", "name", "contains", Some("foo bar")),
            ("name startswith A=B", "name", "startsWith", Some("A=B")),
            ("due isToday", "due", "isToday", None),
            ("size between 1,5", "size", "between", Some("1,5")),
            (
                "url=http://a.example/?x=1",
                "url",
                "eq",
                Some("http://a.example/?x=1"),
            ),
        ] {
            let read = condition(text).unwrap();
            assert_eq!(read, made(column, operator, value), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in ["", "status", "=3", "status isToday now", "name contains"] {
            assert!(condition(text).is_err(), "{text}");
        }
    }

    #[test]
    fn several_filters_must_all_hold() {
        let parts = ["a=1".to_owned(), "b=2".to_owned()];
        let all = together(&parts, Some(r#"{"column":"c","operator":"isEmpty"}"#))
            .unwrap()
            .unwrap();
        assert_eq!((all.operator.as_str(), all.filters.unwrap().len()), ("and", 3));
        assert_eq!(together(&[], None).unwrap(), None);
    }
}
