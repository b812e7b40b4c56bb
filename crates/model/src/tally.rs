//! A figure that records enter and leave: what keeps a live count, sum or mean true without reading anything again. It is
//! the arithmetic of [`crate::aggregate::Accumulator`] where that can be undone, and says so where it cannot.

use rust_decimal::Decimal;

use crate::aggregate::Function;
use crate::filter::FieldRef;
use crate::{Record, Value};

/// One figure over a set of records that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    function: Function,
    records: u64,
    values: u64,
    whole: i128,
    decimal: Decimal,
    decimals: bool,
    best: Value,
}

/// The figure cannot be known without reading the records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

impl Tally {
    /// Of no records.
    pub fn new(function: Function) -> Tally {
        Tally {
            function,
            records: 0,
            values: 0,
            whole: 0,
            decimal: Decimal::ZERO,
            decimals: false,
            best: Value::Null,
        }
    }

    /// Of records that were read: how many, how many of them with a value, and the figure over the values.
    ///
    /// # Errors
    /// [`Unknown`] for sums of floats, whose rounding cannot be undone, and for [`Function::CountDistinct`].
    pub fn of(function: Function, records: u64, values: u64, figure: &Value) -> Result<Tally, Unknown> {
        let mut tally = Tally {
            records,
            values,
            ..Tally::new(function)
        };
        match (function, figure) {
            (Function::Count, _) => {}
            (Function::CountDistinct, _) => return Err(Unknown),
            (Function::Min | Function::Max, best) => tally.best = best.clone(),
            (Function::Sum | Function::Avg, Value::Int(whole)) => tally.whole = i128::from(*whole),
            (Function::Sum | Function::Avg, Value::Decimal(decimal)) => {
                tally.decimals = true;
                tally.decimal = *decimal;
            }
            (Function::Sum | Function::Avg, _) => return Err(Unknown),
        }
        Ok(tally)
    }

    /// Takes a record in.
    ///
    /// # Errors
    /// [`Unknown`], as of [`Tally::of`].
    pub fn enter(&mut self, record: &Record, field: Option<&FieldRef>) -> Result<(), Unknown> {
        self.records += 1;
        let Some(field) = field else { return Ok(()) };
        let value = record.field(field);
        if value.is_null() {
            return Ok(());
        }
        self.values += 1;
        match self.function {
            Function::Count => Ok(()),
            Function::CountDistinct => Err(Unknown),
            Function::Sum | Function::Avg => self.add(&value, 1),
            Function::Min | Function::Max => {
                let better = match self.function {
                    Function::Min => *value < self.best,
                    _ => *value > self.best,
                };
                if self.best.is_null() || better {
                    self.best = value.into_owned();
                }
                Ok(())
            }
        }
    }

    /// Lets a record go that was taken in.
    ///
    /// # Errors
    /// [`Unknown`], as of [`Tally::of`], and when the smallest or largest value goes.
    pub fn leave(&mut self, record: &Record, field: Option<&FieldRef>) -> Result<(), Unknown> {
        self.records = self.records.checked_sub(1).ok_or(Unknown)?;
        let Some(field) = field else { return Ok(()) };
        let value = record.field(field);
        if value.is_null() {
            return Ok(());
        }
        self.values = self.values.checked_sub(1).ok_or(Unknown)?;
        match self.function {
            Function::Count => Ok(()),
            Function::CountDistinct => Err(Unknown),
            Function::Sum | Function::Avg => self.add(&value, -1),
            Function::Min | Function::Max if self.values == 0 => {
                self.best = Value::Null;
                Ok(())
            }
            Function::Min | Function::Max
                if self.best.clone().by_value() == value.clone().into_owned().by_value() =>
            {
                Err(Unknown)
            }
            Function::Min | Function::Max => Ok(()),
        }
    }

    fn add(&mut self, value: &Value, sign: i8) -> Result<(), Unknown> {
        match value {
            Value::Int(int) => self.whole += i128::from(*int) * i128::from(sign),
            Value::Decimal(decimal) => {
                self.decimals = true;
                self.decimal += decimal * Decimal::from(sign);
            }
            _ => return Err(Unknown),
        }
        Ok(())
    }

    /// Whether no record is left in it.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The figure of the records in it; `counts_values` says that a count is of values, not of records.
    ///
    /// # Errors
    /// [`Unknown`] for a whole sum beyond 64 bits.
    pub fn figure(&self, counts_values: bool) -> Result<Value, Unknown> {
        let count = if counts_values { self.values } else { self.records };
        Ok(match self.function {
            Function::Count => Value::Int(count as i64),
            Function::CountDistinct => return Err(Unknown),
            Function::Min | Function::Max => self.best.clone().by_value(),
            Function::Sum => self.sum()?,
            Function::Avg if self.values == 0 => Value::Null,
            Function::Avg => match self.sum()? {
                Value::Decimal(sum) => Value::Decimal((sum / Decimal::from(self.values)).normalize()),
                sum => {
                    let mean = sum.as_f64().unwrap_or(0.0) / self.values as f64;
                    Value::number(mean).unwrap_or(Value::Null)
                }
            },
        })
    }

    fn sum(&self) -> Result<Value, Unknown> {
        let whole = i64::try_from(self.whole).map_err(|_| Unknown)?;
        Ok(match self.decimals {
            true => Value::Decimal((self.decimal + Decimal::from(whole)).normalize()),
            false => Value::Int(whole),
        })
    }
}
