//! Numbers that a new record draws, from the counters that the ledger keeps. It writes nothing.

use chancery_model::{Key, Record, Value};
use rusqlite::Connection;

use super::apply::Ledger;
use super::fault::Sql;
use crate::batch::{Draw, DrawTarget};

impl Ledger {
    /// Puts a drawn or given number in its place and notes how far its counter has gone.
    pub(super) fn draw(
        &mut self,
        connection: &Connection,
        draw: &Draw,
        record: &mut Record,
        drawn: &mut Vec<(crate::batch::Counter, u64)>,
    ) -> Sql<()> {
        let noted = drawn
            .iter()
            .rev()
            .find(|(counter, _)| *counter == draw.counter)
            .map(|(_, last)| *last);
        let last = match noted {
            Some(last) => last,
            None => self.counters.last(connection, draw.counter)?,
        };
        let (number, last) = match draw.given {
            Some(given) => (given, last.max(u64::try_from(given).unwrap_or_default())),
            None => (next_number(last, 1)?, last + 1),
        };
        drawn.push((draw.counter, last));
        match draw.target {
            DrawTarget::Key => record.key = Key::Int(number),
            DrawTarget::Column(column) => set_value(record, usize::from(column), Value::Int(number)),
        }
        Ok(())
    }
}

/// The number that is `count` after the last one given.
pub(super) fn next_number(last: u64, count: u64) -> Sql<i64> {
    let next = last.checked_add(count).and_then(|next| i64::try_from(next).ok());
    next.ok_or_else(|| {
        rusqlite::Error::ToSqlConversionFailure(format!("a counter would pass {}", i64::MAX).into())
    })
}

/// Sets a value, making room for it if the record is older than the column.
fn set_value(record: &mut Record, index: usize, value: Value) {
    if index >= record.values.len() {
        let mut values = std::mem::take(&mut record.values).into_vec();
        values.resize(index + 1, Value::Null);
        record.values = values.into_boxed_slice();
    }
    record.values[index] = value;
}
