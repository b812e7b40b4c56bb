//! One stored value. Not a wire format: field types turn JSON and text into values and back.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use crate::Json;

/// What one column of one record holds.
///
/// Dates and times of day are ISO 8601 text (which sorts as time does), date-times are [`Value::Int`]
/// milliseconds since 1970 in UTC, select columns hold option ids as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing stored: absent and null are the same.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number; also date-times (ms UTC), durations (s) and ratings.
    Int(i64),
    /// A number with a fraction or beyond 64 bits; never NaN or infinite; never integral below 2^53.
    Float(f64),
    /// An exact decimal: currency and percent.
    Decimal(Decimal),
    /// Unicode text.
    Text(String),
    /// An ordered list of texts: multi-select option ids.
    List(Vec<String>),
    /// A JSON object or array.
    Json(Box<Json>),
}

impl Value {
    /// A number in its one canonical form: whole floats below 2^53 are integers, so `1` and `1.0` are one value.
    ///
    /// Returns `None` for NaN and the infinities, which are never stored.
    pub fn number(number: f64) -> Option<Value> {
        if !number.is_finite() {
            return None;
        }
        let whole = number.trunc() == number && number.abs() < 9_007_199_254_740_992.0;
        Some(if whole {
            Value::Int(number as i64)
        } else {
            Value::Float(number)
        })
    }

    /// What a value is told from others by in groups and figures: the float of a whole number is that number, beyond 2^53 too,
    /// where both are kept as they came.
    ///
    /// ```
    /// # use chancery_model::Value;
    /// assert_eq!(Value::Float(9_007_199_254_740_992.0).by_value(), Value::Int(9_007_199_254_740_992));
    /// assert_eq!(Value::Float(0.5).by_value(), Value::Float(0.5));
    /// ```
    #[must_use]
    pub fn by_value(self) -> Value {
        // The float of i64::MAX is one more than it.
        const END: f64 = i64::MAX as f64;
        match self {
            Value::Float(float) if float.trunc() == float && (-END..END).contains(&float) => {
                Value::Int(float as i64)
            }
            other => other,
        }
    }

    /// Text from anything that becomes a string.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// True for null, the empty text and the empty list: what the `isEmpty` operator means.
    pub fn is_blank(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Text(text) => text.is_empty(),
            Value::List(list) => list.is_empty(),
            _ => false,
        }
    }

    /// The text inside, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number inside, if this is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The number inside as a float, for any of the three number kinds.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            Value::Decimal(decimal) => rust_decimal::prelude::ToPrimitive::to_f64(decimal),
            _ => None,
        }
    }

    /// As a message says it.
    pub fn written(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => float.to_string(),
            Value::List(items) => items.join(", "),
            Value::Decimal(decimal) => decimal.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Json(json) => json.to_string(),
            Value::Null => "nothing".into(),
        }
    }

    /// The rank of the value's class in the total order: null, booleans, numbers, text, lists, JSON.
    fn class(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Float(_) | Value::Decimal(_) => 2,
            Value::Text(_) => 3,
            Value::List(_) => 4,
            Value::Json(_) => 5,
        }
    }

    /// Whether two values are of one class, so that `<` between them means something.
    pub fn comparable(&self, other: &Value) -> bool {
        self.class() == other.class() && !self.is_null()
    }
}

impl Eq for Value {}

impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.class().hash(state);
        match self {
            Value::Null => {}
            Value::Bool(bool) => bool.hash(state),
            Value::Int(int) => int.hash(state),
            Value::Float(float) => float.to_bits().hash(state),
            Value::Decimal(decimal) => decimal.hash(state),
            Value::Text(text) => text.hash(state),
            Value::List(list) => list.hash(state),
            Value::Json(json) => json.to_string().hash(state),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Value) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The total order every backend sorts by: by class, numbers by exact numeric value, text by its bytes.
impl Ord for Value {
    fn cmp(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Int(a), Value::Float(b)) => int_float(*a, *b),
            (Value::Float(a), Value::Int(b)) => int_float(*b, *a).reverse(),
            (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
            (Value::Decimal(a), Value::Int(b)) => a.cmp(&Decimal::from(*b)),
            (Value::Int(a), Value::Decimal(b)) => Decimal::from(*a).cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.cmp(b),
            (Value::Json(a), Value::Json(b)) => a.to_string().cmp(&b.to_string()),
            _ if self.class() == 2 && other.class() == 2 => {
                let (a, b) = (self.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(0.0));
                a.total_cmp(&b)
            }
            _ => self.class().cmp(&other.class()),
        }
    }
}

/// Compares a whole number with a float exactly, where casting either would round.
fn int_float(int: i64, float: f64) -> Ordering {
    if float >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    int.cmp(&(whole as i64))
        .then_with(|| 0.0_f64.total_cmp(&(float - whole + 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_float_is_an_integer() {
        assert_eq!(Value::number(5.0), Some(Value::Int(5)));
        assert_eq!(Value::number(-0.0), Some(Value::Int(0)));
        assert_eq!(Value::number(0.5), Some(Value::Float(0.5)));
        assert_eq!(Value::number(f64::NAN), None);
    }

    #[test]
    fn numbers_compare_exactly_across_kinds() {
        let big = Value::Int(i64::MAX);
        assert!(big < Value::Float(9.3e18));
        assert!(Value::Int(2) < Value::Float(2.5));
        assert!(Value::Int(-2) > Value::Float(-2.5));
        assert!(Value::Int(3) > Value::Float(2.5));
        assert!(Value::Int(9) < Value::text("1"));
    }
}
