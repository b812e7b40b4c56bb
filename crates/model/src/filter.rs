//! Filters as every backend understands them: resolved fields, typed values, few operators. No slugs, no wire names.

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{Record, Value};

/// What a filter, sort or aggregate addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FieldRef {
    /// The key. UUID keys compare as their text.
    Key,
    /// The version.
    Version,
    /// The time of insert, ms.
    CreatedAt,
    /// The time of the last write, ms.
    UpdatedAt,
    /// Who inserted.
    CreatedBy,
    /// Who last wrote.
    UpdatedBy,
    /// The time of expiry, ms.
    ExpiresAt,
    /// The time of the move to the trash, ms.
    DeletedAt,
    /// The id in an outside system.
    ExternalId,
    /// What made it, by its name on the wire.
    Source,
    /// The import that made it.
    ImportId,
    /// Its row in that import's file.
    ImportRow,
    /// The survivor it was merged into.
    DuplicateOf,
    /// How well it fits the plan's search, 0 for best. It orders only, first of all keys, and nobody filters by it.
    Rank,
    /// A declared column.
    Column(u16),
    /// An undeclared field of an open table.
    Extra(String),
}

/// The operators of a query, as callers name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each name says what it does; `Test` says it exactly")]
pub enum Operator {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Between,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
    Regex,
    In,
    NotIn,
    ContainsAll,
    ContainsAny,
    HasAny,
    HasAll,
    IsEmpty,
    IsNotEmpty,
    IsToday,
    IsYesterday,
    IsThisWeek,
    IsThisMonth,
    IsThisYear,
    IsBefore,
    IsAfter,
    InLastDays,
    InNextDays,
}

impl Operator {
    /// Every operator, in the order documentation lists them.
    pub const ALL: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::Between,
        Operator::Contains,
        Operator::NotContains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Regex,
        Operator::In,
        Operator::NotIn,
        Operator::ContainsAll,
        Operator::ContainsAny,
        Operator::HasAny,
        Operator::HasAll,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
        Operator::IsToday,
        Operator::IsYesterday,
        Operator::IsThisWeek,
        Operator::IsThisMonth,
        Operator::IsThisYear,
        Operator::IsBefore,
        Operator::IsAfter,
        Operator::InLastDays,
        Operator::InNextDays,
    ];

    /// The operators of texts.
    pub const TEXT: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::Contains,
        Operator::NotContains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Regex,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::Between,
        Operator::In,
        Operator::NotIn,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of numbers.
    pub const NUMBER: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::Between,
        Operator::In,
        Operator::NotIn,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of dates and date-times.
    pub const DATE: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::IsBefore,
        Operator::IsAfter,
        Operator::Gt,
        Operator::Gte,
        Operator::Lt,
        Operator::Lte,
        Operator::Between,
        Operator::In,
        Operator::NotIn,
        Operator::IsToday,
        Operator::IsYesterday,
        Operator::IsThisWeek,
        Operator::IsThisMonth,
        Operator::IsThisYear,
        Operator::InLastDays,
        Operator::InNextDays,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of booleans.
    pub const BOOLEAN: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::In,
        Operator::NotIn,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of single choices and users.
    pub const CHOICE: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::In,
        Operator::NotIn,
        Operator::HasAny,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of lists of choices.
    pub const LIST: &'static [Operator] = &[
        Operator::ContainsAll,
        Operator::ContainsAny,
        Operator::HasAll,
        Operator::HasAny,
        Operator::Contains,
        Operator::NotContains,
        Operator::Eq,
        Operator::Neq,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of encrypted values: what can be told without the key, if the cells are indexed.
    pub const ENCRYPTED: &'static [Operator] = &[
        Operator::Eq,
        Operator::Neq,
        Operator::In,
        Operator::NotIn,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The operators of structured values.
    pub const STRUCTURED: &'static [Operator] = &[
        Operator::Contains,
        Operator::NotContains,
        Operator::IsEmpty,
        Operator::IsNotEmpty,
    ];

    /// The name on the wire: `notContains`.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Eq => "eq",
            Operator::Neq => "neq",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
            Operator::Between => "between",
            Operator::Contains => "contains",
            Operator::NotContains => "notContains",
            Operator::StartsWith => "startsWith",
            Operator::EndsWith => "endsWith",
            Operator::Regex => "regex",
            Operator::In => "in",
            Operator::NotIn => "notIn",
            Operator::ContainsAll => "containsAll",
            Operator::ContainsAny => "containsAny",
            Operator::HasAny => "hasAny",
            Operator::HasAll => "hasAll",
            Operator::IsEmpty => "isEmpty",
            Operator::IsNotEmpty => "isNotEmpty",
            Operator::IsToday => "isToday",
            Operator::IsYesterday => "isYesterday",
            Operator::IsThisWeek => "isThisWeek",
            Operator::IsThisMonth => "isThisMonth",
            Operator::IsThisYear => "isThisYear",
            Operator::IsBefore => "isBefore",
            Operator::IsAfter => "isAfter",
            Operator::InLastDays => "inLastDays",
            Operator::InNextDays => "inNextDays",
        }
    }

    /// The operator with this wire name.
    pub fn parse(name: &str) -> Option<Operator> {
        Operator::ALL
            .iter()
            .copied()
            .find(|operator| operator.as_str() == name)
    }

    /// Whether it takes no value.
    pub fn bare(self) -> bool {
        use Operator::*;
        matches!(
            self,
            IsEmpty | IsNotEmpty | IsToday | IsYesterday | IsThisWeek | IsThisMonth | IsThisYear
        )
    }
}

/// A resolved filter. Relative dates are ranges already; names of options are ids already.
#[derive(Clone, Debug)]
pub enum Filter {
    /// Everything.
    All,
    /// Every part holds; the empty list is everything.
    And(Vec<Filter>),
    /// Some part holds; the empty list is nothing.
    Or(Vec<Filter>),
    /// One field passes one test.
    Field(FieldRef, Test),
}

/// A test of one value. Null fails every test except [`Test::Eq`] null, [`Test::Ne`], [`Test::NotIn`],
/// [`Test::NotContains`] and [`Test::Blank`]. Ordering tests hold only between values of one class.
#[derive(Clone, Debug)]
pub enum Test {
    /// Equal; null equals null only.
    Eq(Value),
    /// Not equal; null differs from every value.
    Ne(Value),
    /// Less than.
    Lt(Value),
    /// At most.
    Le(Value),
    /// Greater than.
    Gt(Value),
    /// At least.
    Ge(Value),
    /// From and to, both inclusive.
    Between(Value, Value),
    /// One of these.
    In(Vec<Value>),
    /// None of these; null passes.
    NotIn(Vec<Value>),
    /// The text contains this, case ignored ([`fold`]); a list contains this item; JSON contains it in its text.
    Contains(String),
    /// Not [`Test::Contains`]; null passes.
    NotContains(String),
    /// The text starts with this, case kept.
    StartsWith(String),
    /// The text ends with this, case kept.
    EndsWith(String),
    /// The pattern matches somewhere in the text.
    Regex(Regex),
    /// The list contains all of these.
    ListAll(Vec<String>),
    /// The list contains some of these.
    ListAny(Vec<String>),
    /// Null, empty text or empty list.
    Blank,
    /// Not blank.
    Present,
}

/// The form in which texts are compared where case is ignored: Unicode lower case, character by character.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.chars().flat_map(char::to_lowercase).collect()
    }
}

/// Whether a text contains a needle that is [`fold`]ed already.
pub fn contains_folded(text: &str, folded: &str) -> bool {
    if folded.is_empty() {
        return true;
    }
    if text.is_ascii() && folded.is_ascii() {
        let (text, needle) = (text.as_bytes(), folded.as_bytes());
        let first = needle[0];
        return text.len() >= needle.len()
            && (0..=text.len() - needle.len()).any(|at| {
                text[at].to_ascii_lowercase() == first
                    && text[at..at + needle.len()].eq_ignore_ascii_case(needle)
            });
    }
    fold(text).contains(folded)
}

impl Test {
    /// Whether a value passes. This is the specification every backend is tested against.
    pub fn passes(&self, value: &Value) -> bool {
        let same_class = |bound: &Value| value.comparable(bound);
        match self {
            Test::Eq(other) => value == other,
            Test::Ne(other) => value != other,
            Test::Lt(bound) => same_class(bound) && value < bound,
            Test::Le(bound) => same_class(bound) && value <= bound,
            Test::Gt(bound) => same_class(bound) && value > bound,
            Test::Ge(bound) => same_class(bound) && value >= bound,
            Test::Between(low, high) => same_class(low) && same_class(high) && value >= low && value <= high,
            Test::In(values) => values.contains(value),
            Test::NotIn(values) => !values.contains(value),
            Test::Contains(needle) => contains(value, needle),
            Test::NotContains(needle) => !contains(value, needle),
            Test::StartsWith(start) => value
                .as_text()
                .is_some_and(|text| text.starts_with(start.as_str())),
            Test::EndsWith(end) => value.as_text().is_some_and(|text| text.ends_with(end.as_str())),
            Test::Regex(regex) => value.as_text().is_some_and(|text| regex.is_match(text)),
            Test::ListAll(items) => {
                matches!(value, Value::List(list) if items.iter().all(|item| list.contains(item)))
            }
            Test::ListAny(items) => {
                matches!(value, Value::List(list) if items.iter().any(|item| list.contains(item)))
            }
            Test::Blank => value.is_blank(),
            Test::Present => !value.is_blank(),
        }
    }
}

/// Texts ignore case; list items are compared exactly; JSON by its compact text, case ignored.
fn contains(value: &Value, needle: &str) -> bool {
    match value {
        Value::Text(text) => contains_folded(text, &fold(needle)),
        Value::List(list) => list.iter().any(|item| item == needle),
        Value::Json(json) => contains_folded(&json.to_string(), &fold(needle)),
        _ => false,
    }
}

impl Filter {
    /// Whether a record passes.
    pub fn matches(&self, record: &Record) -> bool {
        match self {
            Filter::All => true,
            Filter::And(parts) => parts.iter().all(|part| part.matches(record)),
            Filter::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Filter::Field(FieldRef::Column(ordinal), test) => test.passes(record.value(*ordinal)),
            Filter::Field(field, test) => test.passes(&record.field(field)),
        }
    }

    /// This and another, flattened.
    pub fn and(self, other: Filter) -> Filter {
        match (self, other) {
            (Filter::All, other) => other,
            (this, Filter::All) => this,
            (Filter::And(mut parts), other) => {
                parts.push(other);
                Filter::And(parts)
            }
            (this, other) => Filter::And(vec![this, other]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(test: Test, value: Value, passes: bool) {
        assert_eq!(test.passes(&value), passes, "{test:?} on {value:?}");
    }

    #[test]
    fn null_fails_orderings_and_passes_negations() {
        check(Test::Lt(Value::Int(5)), Value::Null, false);
        check(Test::Ne(Value::Int(5)), Value::Null, true);
        check(Test::NotIn(vec![Value::Int(5)]), Value::Null, true);
        check(Test::NotContains("a".into()), Value::Null, true);
        check(Test::Blank, Value::Null, true);
    }

    #[test]
    fn classes_never_compare() {
        check(Test::Gt(Value::text("1")), Value::Int(5), false);
        check(Test::Eq(Value::text("1")), Value::Int(1), false);
    }

    #[test]
    fn contains_ignores_case_beyond_ascii() {
        check(Test::Contains("ÄPFEL".into()), Value::text("drei äpfel"), true);
        check(Test::Contains("b".into()), Value::text("ABC"), true);
        check(
            Test::Contains("opt-1".into()),
            Value::List(vec!["opt-1".into()]),
            true,
        );
    }
}
