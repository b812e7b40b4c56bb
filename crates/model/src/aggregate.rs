//! Aggregates over the records of a query: what is asked, and the arithmetic every backend must agree on.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::filter::FieldRef;
use crate::query::Plan;
use crate::{Record, Value};

/// A function over the values of one field. Nulls and values that are no numbers are skipped by the numeric ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Records.
    Count,
    /// Different values, null not counted.
    CountDistinct,
    /// Sum of numbers; 0 of none.
    Sum,
    /// Mean of numbers; null of none.
    Avg,
    /// Smallest value; null of none.
    Min,
    /// Largest value; null of none.
    Max,
}

impl Function {
    /// Every function.
    pub const ALL: &'static [Function] = &[
        Function::Count,
        Function::CountDistinct,
        Function::Sum,
        Function::Avg,
        Function::Min,
        Function::Max,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Function::Count => "count",
            Function::CountDistinct => "countDistinct",
            Function::Sum => "sum",
            Function::Avg => "avg",
            Function::Min => "min",
            Function::Max => "max",
        }
    }

    /// The function with this wire name.
    pub fn parse(name: &str) -> Option<Function> {
        Function::ALL
            .iter()
            .copied()
            .find(|function| function.as_str() == name)
    }
}

/// One figure asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The function.
    pub function: Function,
    /// Over what; ignored by [`Function::Count`] without a field.
    pub field: Option<FieldRef>,
}

/// A question for figures: over which records (the plan's order and window are ignored), by what groups.
#[derive(Clone, Debug)]
pub struct AggregatePlan {
    /// Which records.
    pub over: Plan,
    /// The figures.
    pub measures: Vec<Measure>,
    /// One answer for each combination of these; one for all if empty.
    pub group_by: Vec<FieldRef>,
    /// Most groups given, in the order of their group values.
    pub limit: u64,
}

/// One group of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The values of the group-by fields.
    pub keys: Vec<Value>,
    /// The figures, as asked.
    pub figures: Vec<Value>,
}

/// The arithmetic of one measure, fed record by record: the specification for every backend.
#[derive(Clone, Debug)]
pub struct Accumulator {
    function: Function,
    count: u64,
    whole: i128,
    decimal: Decimal,
    decimals: bool,
    /// Kahan–Babuška–Neumaier: sum and compensation, as SQLite's `sum()` keeps them.
    float: (f64, f64),
    floats: bool,
    best: Value,
    distinct: std::collections::HashSet<Value>,
}

impl Accumulator {
    /// An empty accumulator.
    pub fn new(function: Function) -> Accumulator {
        Accumulator {
            function,
            count: 0,
            whole: 0,
            decimal: Decimal::ZERO,
            decimals: false,
            float: (0.0, 0.0),
            floats: false,
            best: Value::Null,
            distinct: Default::default(),
        }
    }

    /// Takes one record in.
    pub fn take(&mut self, record: &Record, field: Option<&FieldRef>) {
        let Some(field) = field else {
            self.count += 1;
            return;
        };
        self.take_value(record.field(field));
    }

    /// Takes one value in; null is none.
    pub fn take_value(&mut self, value: Cow<'_, Value>) {
        if value.is_null() {
            return;
        }
        match self.function {
            Function::Count => self.count += 1,
            Function::CountDistinct => {
                self.distinct.insert(value.into_owned().by_value());
            }
            Function::Sum | Function::Avg => self.add(&value),
            Function::Min => {
                if self.best.is_null() || *value < self.best {
                    self.best = value.into_owned();
                }
            }
            Function::Max => {
                if self.best.is_null() || *value > self.best {
                    self.best = value.into_owned();
                }
            }
        }
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Int(int) => self.whole += i128::from(*int),
            Value::Decimal(decimal) => {
                self.decimals = true;
                self.decimal += decimal;
            }
            Value::Float(float) => {
                self.floats = true;
                let (sum, compensation) = self.float;
                let next = sum + float;
                let lost = if sum.abs() > float.abs() {
                    (sum - next) + float
                } else {
                    (float - next) + sum
                };
                self.float = (next, compensation + lost);
            }
            _ => return,
        }
        self.count += 1;
    }

    /// The figure.
    pub fn finish(self) -> Value {
        match self.function {
            Function::Count => Value::Int(self.count as i64),
            Function::CountDistinct => Value::Int(self.distinct.len() as i64),
            Function::Min | Function::Max => self.best.by_value(),
            Function::Sum => self.sum(),
            Function::Avg if self.count == 0 => Value::Null,
            Function::Avg => {
                let count = self.count;
                match self.sum() {
                    Value::Decimal(sum) => Value::Decimal((sum / Decimal::from(count)).normalize()),
                    sum => Value::number(sum.as_f64().unwrap_or(0.0) / count as f64).unwrap_or(Value::Null),
                }
            }
        }
    }

    fn sum(&self) -> Value {
        if self.decimals {
            let whole = i64::try_from(self.whole).map(Decimal::from).unwrap_or_default();
            return Value::Decimal((self.decimal + whole).normalize());
        }
        if self.floats {
            let total = self.float.0 + self.float.1 + self.whole as f64;
            return Value::number(total).unwrap_or(Value::Null);
        }
        i64::try_from(self.whole)
            .map(Value::Int)
            .unwrap_or_else(|_| Value::Float(self.whole as f64))
    }
}
