//! The change log as rows. It does not decide what is logged.

use std::fmt::Write;

use chancery_model::change::{Change, ChangeKind, Reason};
use chancery_model::{Json, JsonMap, Key, TableId, Value};
use rusqlite::{CachedStatement, Connection, Row, Statement};

use super::fault::{Sql, unreadable};
use super::rows::{decode_any_key, encode_key};
use crate::batch::Batch;

/// What a commit was for, at the index that is its stored number. New ones go to the end.
const REASONS: [Reason; 6] = [
    Reason::User,
    Reason::Ttl,
    Reason::Eviction,
    Reason::Merge,
    Reason::Import,
    Reason::Undo,
];

/// A row of the log about to be written.
pub(super) struct Entry<'a> {
    pub(super) number: u64,
    pub(super) revision: u64,
    pub(super) table: TableId,
    pub(super) key: Option<&'a Key>,
    pub(super) kind: ChangeKind,
    pub(super) previous: u64,
    pub(super) before: Option<String>,
}

/// The statement that writes a row of the log.
pub(super) fn appending(connection: &Connection) -> Sql<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO changes (number, revision, table_number, key, kind, previous, before) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
}

/// Writes a row of the log with [`appending`]'s statement.
pub(super) fn append(insert: &mut Statement<'_>, entry: Entry<'_>) -> Sql<()> {
    insert.raw_bind_parameter(1, entry.number as i64)?;
    insert.raw_bind_parameter(2, entry.revision as i64)?;
    insert.raw_bind_parameter(3, entry.table.0)?;
    match entry.key {
        Some(key) => insert.raw_bind_parameter(4, encode_key(key))?,
        None => insert.raw_bind_parameter(4, rusqlite::types::Null)?,
    }
    insert.raw_bind_parameter(5, entry.kind.number())?;
    insert.raw_bind_parameter(6, entry.previous as i64)?;
    insert.raw_bind_parameter(7, entry.before)?;
    insert.raw_execute()?;
    Ok(())
}

/// Writes the row of a commit.
pub(super) fn append_commit(connection: &Connection, revision: u64, first: u64, batch: &Batch) -> Sql<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO commits (revision, at, actor, operation, reason, first_change) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let reason = REASONS
        .iter()
        .position(|reason| *reason == batch.reason)
        .unwrap_or_default();
    let actor = batch.actor.as_deref();
    let operation = batch.operation.as_deref();
    insert.execute((
        revision as i64,
        batch.at,
        actor,
        operation,
        reason as i64,
        first as i64,
    ))?;
    Ok(())
}

/// The newest revision and the newest change.
pub(super) fn newest(connection: &Connection) -> Sql<(u64, u64)> {
    let sql = "SELECT (SELECT coalesce(max(revision), 0) FROM commits), (SELECT coalesce(max(number), 0) FROM changes)";
    let (revision, change): (i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((revision as u64, change as u64))
}

/// Reads the log after a number.
pub(super) fn read(connection: &Connection, after: u64, limit: usize) -> Sql<Vec<Change>> {
    let mut select = connection.prepare_cached(
        "SELECT number, revision, table_number, key, kind, previous, before FROM changes \
         WHERE number > ? ORDER BY number LIMIT ?",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let changes = select.query_map((after, limit), change)?;
    changes.collect()
}

fn change(row: &Row<'_>) -> Sql<Change> {
    let whole = |index: usize| -> Sql<u64> { Ok(row.get_ref(index)?.as_i64()? as u64) };
    let kind = ChangeKind::ALL.get(whole(4)? as usize);
    Ok(Change {
        number: whole(0)?,
        revision: whole(1)?,
        table: TableId(row.get(2)?),
        key: decode_any_key(row.get_ref(3)?)?,
        kind: *kind.ok_or_else(|| unreadable("a change of a kind that does not exist"))?,
        previous: whole(5)?,
        before: match row.get_ref(6)?.as_str_or_null()? {
            None => Vec::new(),
            Some(text) => read_before(text)?,
        },
    })
}

/// Values by ordinal as text that reads back exactly: a JSON object in which what JSON has no form for is an object
/// of one member, `d` for a decimal, `l` for a list, `j` for JSON.
pub(super) fn before_text<'a>(values: impl IntoIterator<Item = (u16, &'a Value)>) -> String {
    let mut out = String::from("{");
    for (ordinal, value) in values {
        if out.len() > 1 {
            out.push(',');
        }
        let _ = write!(out, "\"{ordinal}\":");
        let _ = match value {
            Value::Null => write!(out, "null"),
            Value::Bool(bool) => write!(out, "{bool}"),
            Value::Int(int) => write!(out, "{int}"),
            // The shortest text that reads back as the same float; it always has a point or an exponent.
            Value::Float(float) => write!(out, "{float:?}"),
            Value::Decimal(decimal) => write!(out, "{{\"d\":\"{decimal}\"}}"),
            Value::Text(text) => write!(out, "{}", Quoted(text)),
            Value::List(list) => write!(out, "{{\"l\":{}}}", super::rows::list_text(list)),
            Value::Json(json) => write!(out, "{{\"j\":{json}}}"),
        };
    }
    out.push('}');
    out
}

/// A text as JSON writes it.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self.0).expect("a text is always JSON"))
    }
}

/// Reads what [`before_text`] wrote.
fn read_before(text: &str) -> Sql<Vec<(u16, Value)>> {
    let values: JsonMap = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let read = |(ordinal, json): (String, Json)| -> Option<(u16, Value)> {
        Some((ordinal.parse().ok()?, read_value(json)?))
    };
    values
        .into_iter()
        .map(|entry| read(entry).ok_or_else(|| unreadable("a value of the change log")))
        .collect()
}

fn read_value(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(bool),
        Json::String(text) => Value::Text(text),
        Json::Number(number) => {
            let text = number.as_str();
            match text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                true => Value::Float(text.parse().ok()?),
                false => Value::Int(text.parse().ok()?),
            }
        }
        Json::Object(object) => {
            let (tag, inner) = object.into_iter().next()?;
            match tag.as_str() {
                "d" => Value::Decimal(inner.as_str()?.parse().ok()?),
                "l" => Value::List(serde_json::from_value(inner).ok()?),
                "j" => Value::Json(Box::new(inner)),
                _ => return None,
            }
        }
        Json::Array(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back_exactly() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(1e300),
            Value::Float(0.1),
            Value::Float(1e16),
            Value::Decimal("-12345678901234.50".parse().unwrap()),
            Value::text("\"ä\n\u{1}"),
            Value::List(vec!["a".into(), "".into()]),
            Value::Json(Box::new(serde_json::json!({"d": "1", "x": [1.50, null]}))),
        ];
        let pairs: Vec<(u16, Value)> = (0..).zip(values).collect();
        let text = before_text(pairs.iter().map(|(ordinal, value)| (*ordinal, value)));
        assert_eq!(read_before(&text).unwrap(), pairs, "{text}");
    }
}
