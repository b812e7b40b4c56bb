//! Values beside columns: what to bind so that the server's comparison is the model's. It writes no SQL.

use chancery_model::Value;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::numeric;
use super::rows::Shape;
use super::statement::Param;

/// From here on two whole numbers may be one float; which of the two a value is has to be asked too.
const EXACT_MAX: u64 = 1 << 53;

/// What a value is to a column when they are compared.
pub(super) enum Operand {
    /// Null.
    Null,
    /// This, bound.
    Bind(Param),
    /// This, bound, and the column's value is a float or is not.
    Typed(Param, bool),
    /// No value of the column can be equal to it.
    Never,
    /// SQL cannot tell.
    Recheck,
}

/// A value as the equal of what a column holds.
pub(super) fn equality(shape: &Shape, value: &Value) -> Operand {
    let digits = |value: &Value| Param::Numeric(numeric::digits(value).unwrap_or_default());
    match (shape, value) {
        (_, Value::Null) => Operand::Null,
        (Shape::Bool, Value::Bool(bool)) => Operand::Bind(Param::Bool(*bool)),
        (Shape::Int, Value::Int(int)) => Operand::Bind(Param::Int(*int)),
        (Shape::Number, Value::Int(int)) if int.unsigned_abs() >= EXACT_MAX => {
            Operand::Typed(digits(value), false)
        }
        (Shape::Number, Value::Float(float)) if float.abs() >= EXACT_MAX as f64 => {
            Operand::Typed(digits(value), true)
        }
        (Shape::Number, Value::Int(_) | Value::Float(_)) => Operand::Bind(digits(value)),
        (Shape::Decimal(_), Value::Decimal(_)) => Operand::Bind(digits(value)),
        (Shape::Text, Value::Text(text)) => Operand::Bind(Param::Text(text.clone())),
        (Shape::List, Value::List(list)) => Operand::Bind(Param::Texts(list.clone())),
        (Shape::Json, Value::Json(_)) => Operand::Recheck,
        (Shape::Uuid, Value::Text(text)) => uuid(text).map_or(Operand::Never, Operand::Bind),
        _ => Operand::Never,
    }
}

/// What a bound is to a column when they are ordered.
pub(super) enum Order {
    /// This, bound, by this operator.
    Bind(&'static str, Param),
    /// The first for whole numbers, the second for floats.
    Split(Param, Param),
    /// As texts.
    AsText(String),
    /// Every value of the column.
    Always,
    /// Nothing in the column is in an order with it.
    Never,
    /// SQL cannot tell.
    Recheck,
}

/// A value as a bound of what a column holds.
pub(super) fn order(shape: &Shape, operator: &str, bound: &Value) -> Order {
    let operator: &'static str = match operator {
        "<" => "<",
        "<=" => "<=",
        ">" => ">",
        _ => ">=",
    };
    let bind = |param| Order::Bind(operator, param);
    let digits = |value: &Value| Param::Numeric(numeric::digits(value).unwrap_or_default());
    match (shape, bound) {
        (Shape::Bool, Value::Bool(bool)) => bind(Param::Bool(*bool)),
        (Shape::Int, Value::Int(int)) => bind(Param::Int(*int)),
        (Shape::Int, Value::Float(float)) => whole(operator, float.floor() as i128, float.ceil() as i128),
        (Shape::Int, Value::Decimal(decimal)) => {
            let near = |decimal: Decimal| decimal.to_i128().unwrap_or_default();
            whole(operator, near(decimal.floor()), near(decimal.ceil()))
        }
        (Shape::Number, Value::Int(_) | Value::Float(_)) => bind(digits(bound)),
        // Floats and decimals are compared as floats.
        (Shape::Number, Value::Decimal(_)) => {
            let float = numeric::float_digits(bound.as_f64().unwrap_or_default());
            Order::Split(digits(bound), Param::Numeric(float))
        }
        (Shape::Decimal(_), Value::Int(_) | Value::Decimal(_)) => bind(digits(bound)),
        (Shape::Decimal(_), Value::Float(_)) => Order::Recheck,
        (Shape::Text, Value::Text(text)) => bind(Param::Text(text.clone())),
        (Shape::Uuid, Value::Text(text)) => match uuid(text) {
            Some(uuid) => bind(uuid),
            None => Order::AsText(text.clone()),
        },
        (Shape::Json, Value::Json(json)) => bind(Param::Text(json.to_string())),
        (Shape::List, Value::List(list)) => bind(Param::Texts(list.clone())),
        _ => Order::Never,
    }
}

/// A bound between two whole numbers, for a column of whole numbers.
fn whole(operator: &'static str, floor: i128, ceil: i128) -> Order {
    let below = operator.starts_with('<');
    let nearest = match operator {
        "<" | ">=" => ceil,
        _ => floor,
    };
    match i64::try_from(nearest) {
        Ok(int) => Order::Bind(operator, Param::Int(int)),
        Err(_) if (nearest > 0) == below => Order::Always,
        Err(_) => Order::Never,
    }
}

/// A UUID to bind, if the text is how UUIDs are written here.
pub(super) fn uuid(text: &str) -> Option<Param> {
    let uuid = uuid::Uuid::try_parse(text).ok()?;
    (uuid.to_string() == text).then_some(Param::Uuid(uuid))
}
