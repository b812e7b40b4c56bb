//! Filters as SQL conditions. What a test means is said by `Test::passes`; every condition here equals it, and what SQL
//! cannot say runs as a probe.

use chancery_model::Value;
use chancery_model::filter::{FieldRef, Filter, Test, fold};
use rusqlite::types::Value as SqlValue;
use rust_decimal::Decimal;

use super::functions::Probe;
use super::relation::Relation;
use super::rows::{Shape, scaled};
use super::statement::Statement;
use crate::forms::list_text;

/// From here on two whole numbers may be one float, and SQLite would call a float and an integer equal.
const EXACT_MAX: u64 = 1 << 53;
/// More list items than this are tested in Rust: every SQL condition nests one level deeper.
const ITEMS_MAX: usize = 50;

/// Appends a filter as a condition.
pub(super) fn condition(filter: &Filter, relation: &Relation, out: &mut Statement) {
    match filter {
        Filter::All => {
            out.push("1");
        }
        Filter::And(parts) => join(parts, " AND ", "1", relation, out),
        Filter::Or(parts) => join(parts, " OR ", "0", relation, out),
        Filter::Field(field, test) => leaf(field, test, relation, out),
    }
}

fn join(parts: &[Filter], word: &str, empty: &str, relation: &Relation, out: &mut Statement) {
    if parts.is_empty() {
        out.push(empty);
        return;
    }
    out.push("(");
    for (index, part) in parts.iter().enumerate() {
        out.push(if index == 0 { "" } else { word });
        condition(part, relation, out);
    }
    out.push(")");
}

fn leaf(field: &FieldRef, test: &Test, relation: &Relation, out: &mut Statement) {
    let (expression, shape) = relation.field(field);
    match &shape {
        Shape::Absent => {
            out.push(truth(test.passes(&Value::Null)));
        }
        Shape::Extra(_) => out.probe(
            expression,
            Probe {
                shape,
                test: test.clone(),
            },
        ),
        _ => Leaf {
            expression,
            shape,
            test,
            out,
        }
        .write(),
    }
}

fn truth(truth: bool) -> &'static str {
    if truth { "1" } else { "0" }
}

/// What a value is to a column when they are compared.
enum Operand {
    /// Null.
    Null,
    /// This, bound.
    Bind(SqlValue),
    /// This, bound, but only values of this SQL type are the same.
    Typed(SqlValue, &'static str),
    /// No value of the column can be equal to it, or in an order with it.
    Never,
    /// SQL cannot tell.
    Probe,
}

/// One test of one column.
struct Leaf<'a> {
    expression: &'a str,
    shape: Shape,
    test: &'a Test,
    out: &'a mut Statement,
}

impl Leaf<'_> {
    fn write(mut self) {
        match self.test {
            Test::Eq(value) => self.equal(value),
            Test::Ne(value) => self.unequal(value),
            Test::Lt(bound) => self.compare("<", bound),
            Test::Le(bound) => self.compare("<=", bound),
            Test::Gt(bound) => self.compare(">", bound),
            Test::Ge(bound) => self.compare(">=", bound),
            Test::Between(low, high) => {
                self.out.push("(");
                self.compare(">=", low);
                self.out.push(" AND ");
                self.compare("<=", high);
                self.out.push(")");
            }
            Test::In(values) => self.is_in(values),
            Test::NotIn(values) => self.is_not_in(values),
            Test::Contains(needle) => self.contains(needle, false),
            Test::NotContains(needle) => self.contains(needle, true),
            Test::StartsWith(start) => self.starts_with(start),
            Test::EndsWith(end) => self.ends_with(end),
            Test::Regex(_) if matches!(self.shape, Shape::Text | Shape::Uuid) => self.probe(),
            Test::Regex(_) => self.constant(false),
            Test::ListAll(items) => self.list(items, " AND "),
            Test::ListAny(items) => self.list(items, " OR "),
            Test::Blank => self.blank(),
            Test::Present => self.present(),
        }
    }

    fn say(&mut self, sql: &str) -> &mut Statement {
        self.out.push(self.expression).push(sql)
    }

    fn constant(&mut self, holds: bool) {
        self.out.push(truth(holds));
    }

    fn probe(&mut self) {
        let probe = Probe {
            shape: self.shape.clone(),
            test: self.test.clone(),
        };
        self.out.probe(self.expression, probe);
    }

    fn equal(&mut self, value: &Value) {
        match equality(&self.shape, value) {
            Operand::Null => {
                self.say(" IS NULL");
            }
            Operand::Bind(bound) => {
                self.say(" = ").bind(bound);
            }
            Operand::Typed(bound, kind) => {
                let expression = self.expression;
                self.out.push("(").push(expression).push(" = ").bind(bound);
                self.out
                    .push(" AND typeof(")
                    .push(expression)
                    .push(") = '")
                    .push(kind)
                    .push("')");
            }
            Operand::Never => self.constant(false),
            Operand::Probe => self.probe(),
        }
    }

    fn unequal(&mut self, value: &Value) {
        match equality(&self.shape, value) {
            Operand::Null => {
                self.say(" IS NOT NULL");
            }
            Operand::Bind(bound) => {
                self.say(" IS NOT ").bind(bound);
            }
            Operand::Typed(..) | Operand::Probe => self.probe(),
            Operand::Never => self.constant(true),
        }
    }

    fn compare(&mut self, operator: &str, bound: &Value) {
        match order(&self.shape, bound) {
            Order::Bind(value) => {
                self.say(" ").push(operator).push(" ").bind(value);
            }
            Order::Above(floor) => {
                // The bound lies between `floor` and the next whole number.
                let operator = if operator.starts_with('<') { " <= " } else { " > " };
                self.say(operator).bind(floor);
            }
            Order::Never => self.constant(false),
            Order::Probe => {
                let test = match operator {
                    "<" => Test::Lt(bound.clone()),
                    "<=" => Test::Le(bound.clone()),
                    ">" => Test::Gt(bound.clone()),
                    _ => Test::Ge(bound.clone()),
                };
                self.out.probe(
                    self.expression,
                    Probe {
                        shape: self.shape.clone(),
                        test,
                    },
                );
            }
        }
    }

    fn is_in(&mut self, values: &[Value]) {
        let Some((bound, null)) = self.members(values) else {
            return self.probe();
        };
        match (bound.is_empty(), null) {
            (true, false) => self.constant(false),
            (true, true) => {
                self.say(" IS NULL");
            }
            (false, false) => self.say(" ").one_of(bound),
            (false, true) => {
                self.out.push("(");
                self.say(" IS NULL OR ");
                self.say(" ").one_of(bound);
                self.out.push(")");
            }
        }
    }

    fn is_not_in(&mut self, values: &[Value]) {
        let Some((bound, null)) = self.members(values) else {
            return self.probe();
        };
        match (bound.is_empty(), null) {
            (true, false) => self.constant(true),
            (true, true) => {
                self.say(" IS NOT NULL");
            }
            (false, true) => self.say(" NOT ").one_of(bound),
            (false, false) => {
                self.out.push("(");
                self.say(" IS NULL OR ");
                self.say(" NOT ").one_of(bound);
                self.out.push(")");
            }
        }
    }

    /// The values to bind, and whether null is among them; none if SQL cannot tell.
    fn members(&self, values: &[Value]) -> Option<(Vec<SqlValue>, bool)> {
        let mut bound = Vec::with_capacity(values.len());
        let mut null = false;
        for value in values {
            match equality(&self.shape, value) {
                Operand::Null => null = true,
                Operand::Bind(value) => bound.push(value),
                Operand::Never => {}
                Operand::Typed(..) | Operand::Probe => return None,
            }
        }
        Some((bound, null))
    }

    fn contains(&mut self, needle: &str, negated: bool) {
        let (function, needle) = match self.shape {
            Shape::Text | Shape::Json => ("text_has", fold(needle)),
            Shape::List => ("list_has", item_text(needle)),
            Shape::Uuid => return self.probe(),
            _ => return self.constant(negated),
        };
        let expression = self.expression;
        self.out
            .push(function)
            .push("(")
            .push(expression)
            .push(", ")
            .bind(needle)
            .push(")");
        if negated {
            self.out.push(" IS NOT 1");
        }
    }

    fn starts_with(&mut self, start: &str) {
        match self.shape {
            Shape::Text if start.is_empty() => {
                self.say(" IS NOT NULL");
            }
            Shape::Text => {
                let expression = self.expression;
                self.out
                    .push("(")
                    .push(expression)
                    .push(" >= ")
                    .bind(start.to_owned());
                if let Some(end) = after_prefix(start) {
                    self.out.push(" AND ").push(expression).push(" < ").bind(end);
                }
                self.out.push(")");
            }
            Shape::Uuid => self.probe(),
            _ => self.constant(false),
        }
    }

    fn ends_with(&mut self, end: &str) {
        match self.shape {
            Shape::Text if end.is_empty() => {
                self.say(" IS NOT NULL");
            }
            Shape::Text => {
                let expression = self.expression;
                self.out.push("text_ends(").push(expression).push(", ");
                self.out.bind(end.to_owned()).push(")");
            }
            Shape::Uuid => self.probe(),
            _ => self.constant(false),
        }
    }

    fn list(&mut self, items: &[String], word: &str) {
        if self.shape != Shape::List {
            return self.constant(false);
        }
        match items {
            [] if word == " AND " => {
                self.say(" IS NOT NULL");
            }
            [] => self.constant(false),
            items if items.len() > ITEMS_MAX => self.probe(),
            items => {
                let expression = self.expression;
                self.out.push("(");
                for (index, item) in items.iter().enumerate() {
                    self.out.push(if index == 0 { "" } else { word });
                    self.out
                        .push("list_has(")
                        .push(expression)
                        .push(", ")
                        .bind(item_text(item))
                        .push(")");
                }
                self.out.push(")");
            }
        }
    }

    fn blank(&mut self) {
        let empty = match self.shape {
            Shape::Text => "''",
            Shape::List => "'[]'",
            _ => {
                self.say(" IS NULL");
                return;
            }
        };
        let expression = self.expression;
        self.out.push("(").push(expression).push(" IS NULL OR ");
        self.out.push(expression).push(" = ").push(empty).push(")");
    }

    fn present(&mut self) {
        match self.shape {
            Shape::Text => {
                self.say(" <> ''");
            }
            Shape::List => {
                self.say(" <> '[]'");
            }
            _ => {
                self.say(" IS NOT NULL");
            }
        }
    }
}

/// A value as the equal of what a column holds.
fn equality(shape: &Shape, value: &Value) -> Operand {
    match (shape, value) {
        (_, Value::Null) => Operand::Null,
        (Shape::Bool, Value::Bool(bool)) => Operand::Bind(i64::from(*bool).into()),
        (Shape::Number, Value::Int(int)) if int.unsigned_abs() >= EXACT_MAX => {
            Operand::Typed((*int).into(), "integer")
        }
        (Shape::Int | Shape::Number, Value::Int(int)) => Operand::Bind((*int).into()),
        (Shape::Number, Value::Float(float)) if float.abs() >= EXACT_MAX as f64 => {
            Operand::Typed((*float).into(), "real")
        }
        (Shape::Number, Value::Float(float)) => Operand::Bind((*float).into()),
        (Shape::Decimal(scale), Value::Decimal(decimal)) => {
            scaled(decimal, *scale).map_or(Operand::Never, |int| Operand::Bind(int.into()))
        }
        (Shape::Text, Value::Text(text)) => Operand::Bind(text.clone().into()),
        (Shape::List, Value::List(list)) => Operand::Bind(list_text(list).into()),
        (Shape::Json, Value::Json(_)) => Operand::Probe,
        (Shape::Uuid, Value::Text(text)) => uuid_bytes(text).map_or(Operand::Never, Operand::Bind),
        _ => Operand::Never,
    }
}

/// What a bound is to a column when they are ordered.
enum Order {
    /// This, bound.
    Bind(SqlValue),
    /// Between this whole number and the next.
    Above(i64),
    /// Nothing in the column is in an order with it.
    Never,
    /// SQL cannot tell.
    Probe,
}

/// A value as a bound of what a column holds.
fn order(shape: &Shape, bound: &Value) -> Order {
    match (shape, bound) {
        (Shape::Bool, Value::Bool(bool)) => Order::Bind(i64::from(*bool).into()),
        (Shape::Int | Shape::Number, Value::Int(int)) => Order::Bind((*int).into()),
        (Shape::Int | Shape::Number, Value::Float(float)) => Order::Bind((*float).into()),
        (Shape::Int | Shape::Number, Value::Decimal(_)) => Order::Probe,
        (Shape::Decimal(scale), Value::Decimal(decimal)) => decimal_order(decimal, *scale),
        (Shape::Decimal(scale), Value::Int(int)) => decimal_order(&Decimal::from(*int), *scale),
        (Shape::Decimal(_), Value::Float(_)) => Order::Probe,
        (Shape::Text, Value::Text(text)) => Order::Bind(text.clone().into()),
        (Shape::Uuid, Value::Text(text)) => uuid_bytes(text).map_or(Order::Probe, Order::Bind),
        (Shape::Json, Value::Json(json)) => Order::Bind(json.to_string().into()),
        (Shape::List, Value::List(_)) => Order::Probe,
        _ => Order::Never,
    }
}

fn decimal_order(decimal: &Decimal, scale: u32) -> Order {
    if let Some(int) = scaled(decimal, scale) {
        return Order::Bind(int.into());
    }
    match scaled(
        &decimal.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::ToNegativeInfinity),
        scale,
    ) {
        Some(floor) => Order::Above(floor),
        None => Order::Probe,
    }
}

/// The bytes of a UUID, if the text is how UUIDs are written here.
pub(super) fn uuid_bytes(text: &str) -> Option<SqlValue> {
    let uuid = uuid::Uuid::try_parse(text).ok()?;
    (uuid.to_string() == text).then(|| SqlValue::Blob(uuid.as_bytes().to_vec()))
}

/// A list item as it stands in the JSON text of a list.
fn item_text(item: &str) -> String {
    serde_json::to_string(item).expect("a text is always JSON")
}

/// The smallest text above every text that starts with `start`; none if there is none.
fn after_prefix(start: &str) -> Option<String> {
    let mut end = start.to_owned();
    while let Some(last) = end.pop() {
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}
