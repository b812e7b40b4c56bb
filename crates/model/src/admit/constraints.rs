//! The constraints of one column on one value, in the order they are documented. Reads no input.

use crate::column::Column;
use crate::nested::{check_allowed, check_length, format_issue, pattern_issue};
use crate::{Code, Issue, Value};

/// Required and all constraints of one column on one value, worded by the column if it has its own message.
pub(super) fn check(column: &Column, value: &Value, issues: &mut Vec<Issue>) {
    let from = issues.len();
    if value.is_null() {
        if column.constraints.required {
            issues.push(Issue::new(&column.slug, Code::Required, "Field is required"));
        }
    } else {
        check_constraints(column, value, issues);
    }
    if issues.len() > from && column.constraints.custom_error_message.is_some() {
        for issue in &mut issues[from..] {
            *issue = column.worded(issue.clone());
        }
    }
}

/// All constraints but `required` of a column on a value that is not null, in the order they are documented.
pub fn check_constraints(column: &Column, value: &Value, issues: &mut Vec<Issue>) {
    let constraints = &column.constraints;
    let slug = &column.slug;
    if !constraints.allowed.is_empty() {
        check_allowed(
            slug,
            &column.field().to_json(value, column),
            &constraints.allowed,
            issues,
        );
    }
    if constraints.min_length.is_some() || constraints.max_length.is_some() {
        let length = match value {
            Value::Text(text) => Some(text.chars().count() as u64),
            Value::List(list) => Some(list.len() as u64),
            Value::Json(json) => json.as_array().map(|items| items.len() as u64),
            _ => None,
        };
        if let Some(length) = length {
            check_length(
                slug,
                length,
                constraints.min_length,
                constraints.max_length,
                issues,
            );
        }
    }
    if let Value::Text(text) = value {
        if let Some(pattern) = column.pattern()
            && !pattern.is_match(text)
        {
            issues.push(pattern_issue(
                slug,
                constraints.pattern.as_deref().unwrap_or_default(),
            ));
        }
        if let Some(format) = constraints.format
            && !format.accepts(text)
        {
            issues.push(format_issue(slug, format));
        }
    }
    if constraints.min.is_some() || constraints.max.is_some() {
        check_bounds(column, value, issues);
    }
    if let (Some(rule), Value::Json(json)) = (&constraints.nested, value) {
        rule.check(slug, Some(json), 0, issues);
    }
}

fn check_bounds(column: &Column, value: &Value, issues: &mut Vec<Issue>) {
    let (min, max) = column.bounds();
    let constraints = &column.constraints;
    if let (Some(min), Some(said)) = (min, &constraints.min)
        && value.comparable(min)
        && value < min
    {
        let message = format!("Minimum value is {said}");
        issues.push(Issue::new(&column.slug, Code::Min, message).with("min", said.clone()));
    }
    if let (Some(max), Some(said)) = (max, &constraints.max)
        && value.comparable(max)
        && value > max
    {
        let message = format!("Maximum value is {said}");
        issues.push(Issue::new(&column.slug, Code::Max, message).with("max", said.clone()));
    }
}
