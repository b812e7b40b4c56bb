//! Filters of the bucket vocabulary: fields that equal values, `$` operators, `$and` and `$or`. Answers nothing.

use chancery_model::filter::Operator;
use chancery_model::query::{Condition, FilterInput, Query};
use chancery_model::{Code, Issue, Json};

use crate::error::Error;

/// `{status: "done", priority: {"$gte": 3}, "$or": [ … ]}` as a query.
pub(crate) fn query_of(equal: &Json) -> Result<Query, Error> {
    let filter = filter_of(equal).map_err(|issue| Error::Query(vec![issue]))?;
    Ok(Query {
        filter: Some(filter),
        ..Query::default()
    })
}

fn filter_of(equal: &Json) -> Result<FilterInput, Issue> {
    let Json::Object(fields) = equal else {
        return Err(Issue::new(
            "filter",
            Code::Type,
            "A filter is an object of fields",
        ));
    };
    let mut parts = Vec::with_capacity(fields.len());
    for (field, wanted) in fields {
        match (field.as_str(), wanted) {
            ("$and" | "$or", Json::Array(inner)) => {
                let inner = inner.iter().map(filter_of).collect::<Result<Vec<_>, _>>()?;
                parts.push(if field == "$or" {
                    FilterInput::Or(inner)
                } else {
                    FilterInput::And(inner)
                });
            }
            (_, Json::Object(operators))
                if !operators.is_empty() && operators.keys().all(|name| name.starts_with('$')) =>
            {
                for (name, value) in operators {
                    parts.push(operator_condition(field, name, value)?);
                }
            }
            _ => parts.push(condition(field, Operator::Eq, wanted.clone())),
        }
    }
    Ok(FilterInput::And(parts))
}

fn operator_condition(field: &str, name: &str, value: &Json) -> Result<FilterInput, Issue> {
    let operator = match name {
        "$nin" => Operator::NotIn,
        "$exists" if value == &Json::Bool(false) => return Ok(condition(field, Operator::Eq, Json::Null)),
        "$exists" => return Ok(condition(field, Operator::Neq, Json::Null)),
        other => {
            let names = Operator::ALL.iter().map(|operator| operator.as_str());
            let plain = other.trim_start_matches('$');
            Operator::parse(plain).ok_or_else(|| {
                Issue::new(
                    field,
                    Code::Operator,
                    chancery_model::issue::unknown_name("operator", plain, names),
                )
            })?
        }
    };
    Ok(condition(field, operator, value.clone()))
}

fn condition(field: &str, operator: Operator, value: Json) -> FilterInput {
    FilterInput::Condition(Condition {
        column: field.to_owned(),
        operator: operator.as_str().to_owned(),
        value,
    })
}
