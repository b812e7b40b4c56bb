//! Figures over the records of a plan. The arithmetic is the model's [`Accumulator`]'s; SQL is used where it gives the
//! same, and every record is read where it does not.

use std::collections::HashMap;

use chancery_model::Value;
use chancery_model::aggregate::{Accumulator, AggregatePlan, Function, Group};
use chancery_model::query::SortKey;
use chancery_model::query::plan::{Plan, Window};
use rust_decimal::Decimal;
use tokio_postgres::Row;

use super::connection::Connection;
use super::fault::Pg;
use super::numeric;
use super::read::{snapshot, walk};
use super::relation::Relation;
use super::rows::{Digits, Shape, decode, unreadable};
use super::select::{conditions, selection};
use super::statement::Statement;

/// How a figure is made from the columns of a group's row.
#[derive(Debug)]
pub(super) enum Figure {
    /// It is known without asking.
    Known(Value),
    /// One value of this shape.
    Plain(Shape),
    /// Numbers: the sum of the whole ones, the sum of the floats, the count.
    Numbers(Function),
    /// Decimals: the sum and the count.
    Decimals(Function),
}

/// The groups of a plan.
pub(super) async fn aggregate(
    client: &mut Connection,
    relation: &Relation,
    plan: &AggregatePlan,
    searched: Option<&str>,
) -> Pg<Vec<Group>> {
    if let Some((statement, figures)) = grouped(relation, plan, searched) {
        return run(client, relation, plan, &statement, &figures).await;
    }
    one_by_one(client, relation, plan, searched).await
}

/// The figures over no records at all.
pub(super) fn of_nothing(plan: &AggregatePlan) -> Vec<Group> {
    if !plan.group_by.is_empty() || plan.limit == 0 {
        return Vec::new();
    }
    let figures = plan
        .measures
        .iter()
        .map(|measure| Accumulator::new(measure.function).finish());
    vec![Group {
        keys: Vec::new(),
        figures: figures.collect(),
    }]
}

/// The plan as one statement; none if SQL cannot give what the model gives.
pub(super) fn grouped(
    relation: &Relation,
    plan: &AggregatePlan,
    searched: Option<&str>,
) -> Option<(Statement, Vec<Figure>)> {
    let mut out = Statement::default();
    let mut keys = Vec::with_capacity(plan.group_by.len());
    for field in &plan.group_by {
        let (expression, shape) = relation.field(field);
        if matches!(shape, Shape::List | Shape::Extra(_)) {
            return None;
        }
        // A constant would be taken for the place of a column.
        keys.push(if shape == Shape::Absent {
            "(NULL::text)"
        } else {
            expression
        });
    }
    let mut figures = Vec::with_capacity(plan.measures.len());
    let mut columns: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    for measure in &plan.measures {
        let Some(field) = &measure.field else {
            columns.push("count(*)".into());
            figures.push(Figure::Plain(Shape::Int));
            continue;
        };
        let (expression, shape) = relation.field(field);
        figures.push(figure(measure.function, expression, shape, &mut columns)?);
    }
    if columns.is_empty() {
        columns.push("count(*)".into());
    }
    out.push("SELECT ")
        .push(&columns.join(", "))
        .push(" FROM ")
        .push(&relation.name);
    conditions(&plan.over, relation, searched, &mut out);
    if out.recheck {
        return None;
    }
    if !keys.is_empty() {
        // Nulls are last as it is.
        out.push(" GROUP BY ")
            .push(&keys.join(", "))
            .push(" ORDER BY ")
            .push(&keys.join(", "));
    }
    out.push(" LIMIT ")
        .bind(i64::try_from(plan.limit).unwrap_or(i64::MAX));
    Some((out, figures))
}

fn figure(function: Function, expression: &str, shape: Shape, columns: &mut Vec<String>) -> Option<Figure> {
    if matches!(shape, Shape::Extra(_)) {
        return None;
    }
    if shape == Shape::Absent {
        return Some(Figure::Known(Accumulator::new(function).finish()));
    }
    Some(match function {
        Function::Count => {
            columns.push(format!("count({expression})"));
            Figure::Plain(Shape::Int)
        }
        Function::CountDistinct => {
            columns.push(format!("count(DISTINCT {expression})"));
            Figure::Plain(Shape::Int)
        }
        Function::Min | Function::Max if shape == Shape::List => return None,
        Function::Min | Function::Max => {
            let (smallest, name) = (function == Function::Min, function.as_str());
            // There is no least of booleans or of UUIDs; all of them being true is the one, their texts have the other.
            let (column, shape) = match shape {
                Shape::Bool if smallest => (format!("bool_and({expression})"), shape),
                Shape::Bool => (format!("bool_or({expression})"), shape),
                Shape::Uuid => (format!("{name}({expression}::text COLLATE \"C\")"), Shape::Text),
                shape => (format!("{name}({expression})"), shape),
            };
            columns.push(column);
            Figure::Plain(shape)
        }
        Function::Sum | Function::Avg => match shape {
            Shape::Int => {
                columns.extend([
                    format!("sum({expression})"),
                    "NULL::numeric".into(),
                    format!("count({expression})"),
                ]);
                Figure::Numbers(function)
            }
            Shape::Decimal(_) => {
                columns.extend([format!("sum({expression})"), format!("count({expression})")]);
                Figure::Decimals(function)
            }
            Shape::Number => {
                let of = |test| format!("sum({expression}) FILTER (WHERE scale({expression}) {test} 0)");
                columns.extend([of("="), of(">"), format!("count({expression})")]);
                Figure::Numbers(function)
            }
            _ if function == Function::Sum => Figure::Known(Value::Int(0)),
            _ => Figure::Known(Value::Null),
        },
    })
}

async fn run(
    client: &Connection,
    relation: &Relation,
    plan: &AggregatePlan,
    statement: &Statement,
    figures: &[Figure],
) -> Pg<Vec<Group>> {
    let shapes: Vec<Shape> = plan
        .group_by
        .iter()
        .map(|field| relation.field(field).1)
        .collect();
    let rows = statement.rows(client).await?;
    let group = |row: &Row| -> Pg<Group> {
        let keys = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| Ok(decode(shape, row, index)?.by_value()));
        let keys = keys.collect::<Pg<Vec<Value>>>()?;
        let mut at = keys.len();
        let figures = figures.iter().map(|figure| figure.read(row, &mut at));
        Ok(Group {
            figures: figures.collect::<Pg<Vec<Value>>>()?,
            keys,
        })
    };
    rows.iter().map(group).collect()
}

impl Figure {
    fn read(&self, row: &Row, at: &mut usize) -> Pg<Value> {
        let mut next = || {
            *at += 1;
            *at - 1
        };
        let digits = |index: usize| -> Pg<Option<String>> {
            Ok(row.try_get::<_, Option<Digits>>(index)?.map(|digits| digits.0))
        };
        Ok(match self {
            Figure::Known(value) => value.clone(),
            Figure::Plain(shape) => decode(shape, row, next())?.by_value(),
            Figure::Numbers(function) => {
                let (whole, floats) = (digits(next())?, digits(next())?);
                let count: i64 = row.try_get(next())?;
                finish(
                    *function,
                    sum(whole.as_deref().unwrap_or("0"), floats.as_deref()),
                    count,
                )
            }
            Figure::Decimals(function) => {
                let sum = digits(next())?;
                let count: i64 = row.try_get(next())?;
                let sum = match sum {
                    None => Value::Int(0),
                    Some(digits) => {
                        let decimal = numeric::decimal(&digits, 0);
                        Value::Decimal(
                            decimal
                                .ok_or_else(|| unreadable("a sum of more than 28 digits"))?
                                .normalize(),
                        )
                    }
                };
                finish(*function, sum, count)
            }
        })
    }
}

/// The sum of whole numbers and of floats, each exact.
fn sum(whole: &str, floats: Option<&str>) -> Value {
    match floats {
        Some(floats) => {
            let float = |digits: &str| digits.parse::<f64>().unwrap_or_default();
            Value::number(float(floats) + float(whole)).unwrap_or(Value::Null)
        }
        None => whole
            .parse()
            .map(Value::Int)
            .unwrap_or_else(|_| Value::Float(whole.parse().unwrap_or_default())),
    }
}

/// The sum, or the mean that it and the count make.
fn finish(function: Function, sum: Value, count: i64) -> Value {
    match (function, sum) {
        (Function::Sum, sum) => sum,
        (_, _) if count == 0 => Value::Null,
        (_, Value::Decimal(sum)) => Value::Decimal((sum / Decimal::from(count)).normalize()),
        (_, sum) => Value::number(sum.as_f64().unwrap_or(0.0) / count as f64).unwrap_or(Value::Null),
    }
}

/// The groups of a plan, record by record.
async fn one_by_one(
    client: &mut Connection,
    relation: &Relation,
    plan: &AggregatePlan,
    searched: Option<&str>,
) -> Pg<Vec<Group>> {
    let over = Plan {
        sort: Vec::new(),
        window: Window::All,
        ..plan.over.clone()
    };
    let fresh = || -> Vec<Accumulator> {
        plan.measures
            .iter()
            .map(|measure| Accumulator::new(measure.function))
            .collect()
    };
    let mut groups: HashMap<Vec<Value>, Vec<Accumulator>> = HashMap::new();
    if plan.group_by.is_empty() {
        groups.insert(Vec::new(), fresh());
    }
    let snapshot = snapshot(client).await?;
    for part in &selection(&over, relation, searched).parts {
        walk(&snapshot, relation, part, |record| {
            if part.recheck && !over.admits(&record) {
                return true;
            }
            let key = |field| record.field(field).into_owned().by_value();
            let keys = plan.group_by.iter().map(key);
            let accumulators = groups.entry(keys.collect()).or_insert_with(fresh);
            for (accumulator, measure) in accumulators.iter_mut().zip(&plan.measures) {
                accumulator.take(&record, measure.field.as_ref());
            }
            true
        })
        .await?;
    }
    let mut groups: Vec<(Vec<Value>, Vec<Accumulator>)> = groups.into_iter().collect();
    groups.sort_by(|(a, _), (b, _)| in_order(a, b));
    groups.truncate(usize::try_from(plan.limit).unwrap_or(usize::MAX));
    let finish = |accumulators: Vec<Accumulator>| accumulators.into_iter().map(Accumulator::finish).collect();
    Ok(groups
        .into_iter()
        .map(|(keys, figures)| Group {
            keys,
            figures: finish(figures),
        })
        .collect())
}

/// Group values in ascending order, nulls last.
fn in_order(a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    let ascending = SortKey {
        field: chancery_model::filter::FieldRef::Key,
        descending: false,
        nulls_first: false,
    };
    let mut pairs = a.iter().zip(b).map(|(a, b)| ascending.compare(a, b));
    pairs
        .find(|ordering| ordering.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}
