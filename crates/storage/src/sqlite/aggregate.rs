//! Figures over the records of a plan. The arithmetic is the model's [`Accumulator`]'s; SQL is used where it gives the
//! same, and every record is read where it does not.

use std::collections::HashMap;

use chancery_model::Value;
use chancery_model::aggregate::{Accumulator, AggregatePlan, Function, Group};
use chancery_model::query::SortKey;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use rust_decimal::Decimal;

use super::fault::Sql;
use super::readers::Reader;
use super::relation::Relation;
use super::rows::{Shape, decode, record};
use super::select::conditions;
use super::statement::Statement;

/// How a figure is made from the columns of a group's row.
pub(super) enum Figure {
    /// It is known without asking.
    Known(Value),
    /// One value of this shape.
    Plain(Shape),
    /// Whole numbers: their sum and their count.
    Whole(Function),
    /// Numbers: the sum of the whole ones, the sum of the floats, the count.
    Numbers(Function),
    /// Decimals: the sum of the scaled numbers and the count.
    Decimals(Function, u32),
}

/// The groups of a plan.
pub(super) fn aggregate(reader: &Reader, relation: &Relation, plan: &AggregatePlan) -> Sql<Vec<Group>> {
    if let Some((statement, figures)) = grouped(relation, plan) {
        match run(&reader.connection, relation, plan, &statement, &figures) {
            // The sum of whole numbers is beyond 64 bits; the model goes on with more.
            Err(error) if error.to_string().contains("integer overflow") => {}
            result => return result,
        }
    }
    one_by_one(reader, relation, plan)
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
pub(super) fn grouped(relation: &Relation, plan: &AggregatePlan) -> Option<(Statement, Vec<Figure>)> {
    let mut out = Statement::default();
    let mut keys = Vec::with_capacity(plan.group_by.len());
    for field in &plan.group_by {
        let (expression, shape) = relation.field(field);
        if matches!(shape, Shape::List | Shape::Extra(_)) {
            return None;
        }
        keys.push(expression);
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
    conditions(&plan.over, relation, &mut out);
    if !keys.is_empty() {
        let order: Vec<String> = keys.iter().map(|key| format!("{key} NULLS LAST")).collect();
        out.push(" GROUP BY ")
            .push(&keys.join(", "))
            .push(" ORDER BY ")
            .push(&order.join(", "));
    }
    out.push(" LIMIT ")
        .bind(i64::try_from(plan.limit).unwrap_or(i64::MAX));
    Some((out, figures))
}

fn figure(function: Function, expression: &str, shape: Shape, columns: &mut Vec<String>) -> Option<Figure> {
    if matches!(shape, Shape::Extra(_)) {
        return None;
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
            columns.push(format!("{}({expression})", function.as_str()));
            Figure::Plain(shape)
        }
        Function::Sum | Function::Avg => match shape {
            Shape::Int => {
                columns.extend([format!("sum({expression})"), format!("count({expression})")]);
                Figure::Whole(function)
            }
            Shape::Decimal(scale) => {
                columns.extend([format!("sum({expression})"), format!("count({expression})")]);
                Figure::Decimals(function, scale)
            }
            Shape::Number => {
                let of = |kind| format!("sum({expression}) FILTER (WHERE typeof({expression}) = '{kind}')");
                columns.extend([of("integer"), of("real"), format!("count({expression})")]);
                Figure::Numbers(function)
            }
            _ if function == Function::Sum => Figure::Known(Value::Int(0)),
            _ => Figure::Known(Value::Null),
        },
    })
}

fn run(
    connection: &Connection,
    relation: &Relation,
    plan: &AggregatePlan,
    statement: &Statement,
    figures: &[Figure],
) -> Sql<Vec<Group>> {
    let shapes: Vec<Shape> = plan
        .group_by
        .iter()
        .map(|field| relation.field(field).1)
        .collect();
    let mut groups = Vec::new();
    statement.run(connection, |row| {
        let keys = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| Ok(decode(shape, row.get_ref(index)?)?.by_value()));
        let keys = keys.collect::<Sql<Vec<Value>>>()?;
        let mut at = keys.len();
        let figures = figures
            .iter()
            .map(|figure| figure.read(row, &mut at))
            .collect::<Sql<Vec<Value>>>()?;
        groups.push(Group { keys, figures });
        Ok(true)
    })?;
    Ok(groups)
}

impl Figure {
    fn read(&self, row: &Row<'_>, at: &mut usize) -> Sql<Value> {
        let mut next = || {
            *at += 1;
            row.get_ref(*at - 1)
        };
        let whole = |value: ValueRef<'_>| -> Sql<i64> { Ok(value.as_i64_or_null()?.unwrap_or_default()) };
        Ok(match self {
            Figure::Known(value) => value.clone(),
            Figure::Plain(shape) => decode(shape, next()?)?.by_value(),
            Figure::Whole(function) => {
                let (sum, count) = (whole(next()?)?, whole(next()?)?);
                finish(*function, Value::Int(sum), count)
            }
            Figure::Numbers(function) => {
                let (int, real, count) = (whole(next()?)?, next()?.as_f64_or_null()?, whole(next()?)?);
                let sum = match real {
                    None => Value::Int(int),
                    Some(real) => Value::number(real + int as f64).unwrap_or(Value::Null),
                };
                finish(*function, sum, count)
            }
            Figure::Decimals(function, scale) => {
                let (sum, count) = (whole(next()?)?, whole(next()?)?);
                let sum = match count {
                    0 => Value::Int(0),
                    _ => Value::Decimal(Decimal::new(sum, *scale).normalize()),
                };
                finish(*function, sum, count)
            }
        })
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
fn one_by_one(reader: &Reader, relation: &Relation, plan: &AggregatePlan) -> Sql<Vec<Group>> {
    let mut statement = Statement::default();
    statement
        .push("SELECT ")
        .push(&relation.select_list)
        .push(" FROM ")
        .push(&relation.name);
    conditions(&plan.over, relation, &mut statement);
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
    let names = &mut *reader.names.borrow_mut();
    statement.run(&reader.connection, |row| {
        let record = record(row, relation, names)?;
        let keys = plan
            .group_by
            .iter()
            .map(|field| record.field(field).into_owned().by_value())
            .collect();
        let accumulators = groups.entry(keys).or_insert_with(fresh);
        for (accumulator, measure) in accumulators.iter_mut().zip(&plan.measures) {
            accumulator.take(&record, measure.field.as_ref());
        }
        Ok(true)
    })?;
    let mut groups: Vec<(Vec<Value>, Vec<Accumulator>)> = groups.into_iter().collect();
    let order = |a: &Value, b: &Value| {
        let field = chancery_model::filter::FieldRef::Key;
        SortKey {
            field,
            descending: false,
            nulls_first: false,
        }
        .compare(a, b)
    };
    groups.sort_by(|(a, _), (b, _)| {
        let pairs = a.iter().zip(b).map(|(a, b)| order(a, b));
        pairs
            .into_iter()
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
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
