//! Rules for what stands inside objects and arrays: `address.street`, `items[0].sku`. Only for structured columns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::column::{Format, compile};
use crate::issue::type_name;
use crate::{Code, Issue, Json, limits};

/// What one nested value must satisfy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// `string`, `number`, `boolean`, `object`, `array` or `date`; anything if absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub json_type: Option<String>,
    /// Null and absent are refused.
    pub required: bool,
    /// The only values allowed.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Json>,
    /// Fewest characters of a text, or items of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// Most characters of a text, or items of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// A pattern that a text must contain a match of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A well-known format of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Smallest number, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    /// Largest number, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    /// Rules of an object's properties; others are allowed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Rule>,
    /// The rule of every item of an array; null items are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Rule>>,
}

impl Rule {
    /// Finds everything in the rule itself that makes no sense: unknown types, bad patterns, min above max.
    pub fn check_definition(&self, path: &str, issues: &mut Vec<Issue>) {
        let mut report = |message: String| issues.push(Issue::new(path, Code::Definition, message));
        if let Some(name) = &self.json_type
            && !["string", "number", "boolean", "object", "array", "date"].contains(&name.as_str())
        {
            report(format!(
                "Unknown type \"{name}\"; use string, number, boolean, object, array or date"
            ));
        }
        if let Some(pattern) = &self.pattern
            && let Err(reason) = compile(pattern)
        {
            report(format!("Pattern \"{pattern}\" cannot be used: {reason}"));
        }
        let above =
            |min: Option<f64>, max: Option<f64>| matches!((min, max), (Some(min), Some(max)) if min > max);
        let float =
            |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
        if above(float(&self.min), float(&self.max)) {
            report("min is above max".into());
        }
        if self.min_length > self.max_length && self.max_length.is_some() {
            report("minLength is above maxLength".into());
        }
        for (name, rule) in &self.properties {
            rule.check_definition(&format!("{path}.{name}"), issues);
        }
        if let Some(items) = &self.items {
            items.check_definition(&format!("{path}[]"), issues);
        }
    }

    /// Checks a nested value and all below it, collecting every issue.
    pub fn check(&self, path: &str, value: Option<&Json>, depth: usize, issues: &mut Vec<Issue>) {
        let value = match value {
            None | Some(Json::Null) => {
                if self.required {
                    issues.push(Issue::new(path, Code::Required, "Field is required"));
                }
                return;
            }
            Some(value) => value,
        };
        if depth > limits::JSON_DEPTH_MAX {
            let message = format!("Nested deeper than {} levels", limits::JSON_DEPTH_MAX);
            issues.push(Issue::new(path, Code::Limit, message));
            return;
        }
        if let Some(declared) = &self.json_type {
            let fits = match declared.as_str() {
                "date" => matches!(value, Json::String(_) | Json::Number(_)),
                other => type_name(value) == other,
            };
            if !fits {
                issues.push(Issue::wrong_type(path, declared, value));
                return;
            }
        }
        self.check_limits(path, value, issues);
        self.check_inside(path, value, depth, issues);
    }

    fn check_limits(&self, path: &str, value: &Json, issues: &mut Vec<Issue>) {
        check_allowed(path, value, &self.allowed, issues);
        let length = match value {
            Json::String(text) => Some(text.chars().count() as u64),
            Json::Array(items) => Some(items.len() as u64),
            _ => None,
        };
        if let Some(length) = length {
            check_length(path, length, self.min_length, self.max_length, issues);
        }
        if let Json::String(text) = value {
            if let Some(pattern) = &self.pattern
                && compile(pattern).is_ok_and(|regex| !regex.is_match(text))
            {
                issues.push(pattern_issue(path, pattern));
            }
            if let Some(format) = self.format
                && !format.accepts(text)
            {
                issues.push(format_issue(path, format));
            }
        }
        if let Json::Number(number) = value {
            check_range(path, number, self.min.as_ref(), self.max.as_ref(), issues);
        }
    }

    fn check_inside(&self, path: &str, value: &Json, depth: usize, issues: &mut Vec<Issue>) {
        if let Json::Object(object) = value {
            for (name, rule) in &self.properties {
                rule.check(&format!("{path}.{name}"), object.get(name), depth + 1, issues);
            }
        }
        if let (Json::Array(items), Some(rule)) = (value, &self.items) {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                rule.check(&format!("{path}[{index}]"), Some(item), depth + 1, issues);
            }
        }
    }
}

/// `Value must be one of: a, b, c` if the value is none of those allowed.
pub fn check_allowed(field: &str, value: &Json, allowed: &[Json], issues: &mut Vec<Issue>) {
    let same = |other: &Json| match (value, other) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    };
    if allowed.is_empty() || allowed.iter().any(same) {
        return;
    }
    let say = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let names: Vec<String> = allowed.iter().map(say).collect();
    let message = format!("Value must be one of: {}", names.join(", "));
    issues.push(Issue::new(field, Code::Enum, message).with("allowed", Json::Array(allowed.to_vec())));
}

/// `Minimum length is 1` and `Maximum length is 200`.
pub fn check_length(field: &str, length: u64, min: Option<u64>, max: Option<u64>, issues: &mut Vec<Issue>) {
    if let Some(min) = min.filter(|min| length < *min) {
        issues.push(
            Issue::new(field, Code::MinLength, format!("Minimum length is {min}")).with("minLength", min),
        );
    }
    if let Some(max) = max.filter(|max| length > *max) {
        issues.push(
            Issue::new(field, Code::MaxLength, format!("Maximum length is {max}")).with("maxLength", max),
        );
    }
}

/// `Minimum value is 1` and `Maximum value is 5`.
pub fn check_range(
    field: &str,
    number: &serde_json::Number,
    min: Option<&serde_json::Number>,
    max: Option<&serde_json::Number>,
    issues: &mut Vec<Issue>,
) {
    let below = |a: &serde_json::Number, b: &serde_json::Number| match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    };
    if let Some(min) = min.filter(|min| below(number, min)) {
        issues.push(Issue::new(field, Code::Min, format!("Minimum value is {min}")).with("min", min.clone()));
    }
    if let Some(max) = max.filter(|max| below(max, number)) {
        issues.push(Issue::new(field, Code::Max, format!("Maximum value is {max}")).with("max", max.clone()));
    }
}

/// `Value must match pattern "…"`.
pub fn pattern_issue(field: &str, pattern: &str) -> Issue {
    Issue::new(
        field,
        Code::Pattern,
        format!("Value must match pattern \"{pattern}\""),
    )
    .with("pattern", pattern)
}

/// `Invalid email format`.
pub fn format_issue(field: &str, format: Format) -> Issue {
    Issue::new(field, Code::Format, format!("Invalid {} format", format.as_str()))
        .with("format", format.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_issues_name_their_path() {
        let rule: Rule = serde_json::from_value(json!({"properties": {
            "street": {"type": "string", "required": true},
            "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}}
        }}))
        .expect("a rule");
        let mut issues = Vec::new();
        rule.check(
            "address",
            Some(&json!({"items": [{"sku": "a"}, null, {"sku": 5}]})),
            0,
            &mut issues,
        );
        let fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["address.items[2].sku", "address.street"]);
    }
}
