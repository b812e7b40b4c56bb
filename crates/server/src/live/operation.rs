//! One operation that a frame asks for, done at once. What it means is the library's.

use chancery::access::Scope;
use chancery::model::{Json, JsonMap};
use chancery::{Error, Record, TableHandle, TransactionOptions, UpdateMode, WriteOptions, Written};
use chancery_api::ErrorCode;
use chancery_api::live::{Do, Op};

use super::frame::member;
use super::socket::Socket;
use super::transactions;
use crate::acting;
use crate::fault::Fault;

/// What an operation answers. A table and a table in a transaction are read by the same words; how each writes is said where
/// this is used.
macro_rules! answered {
    ($table:ident, $operation:ident, $most:ident, { $($writes:tt)* }) => {{
        use $crate::live::operation::{few, filter, key, list, maybe};
        match $operation.op {
            Op::Get => maybe($table.get(key($operation)?).await?),
            Op::All => few($table.first($most as u64 + 1).await?, $most)?,
            Op::Where => few($table.first_where(filter($operation), $most as u64 + 1).await?, $most)?,
            Op::FindOne => maybe($table.find_one(filter($operation)).await?),
            Op::Count => Json::from($table.count_where(filter($operation)).await?),
            $($writes)*
        }
    }};
}
pub(super) use answered;

impl Socket {
    /// Does an operation.
    pub(crate) async fn operate(&mut self, operation: Do) -> Result<JsonMap, Fault> {
        let who = self.somebody()?;
        let least = if operation.op.writes() {
            Scope::Write
        } else {
            Scope::Read
        };
        who.needs(least)?;
        let table = acting::table(&self.store().await?, &operation.table).await?;
        who.may_see(&*table.definition()?)?;
        let most = self.app.limits.live_answer_records_max;
        if let Some(number) = operation.transaction {
            let table = self.open.get(number, operation.op.writes())?.on(&table);
            let value = transactions::done(&table, &operation, most).await?;
            return Ok(member("value", value));
        }
        let (value, revision) = done(&table, &operation, most).await?;
        let mut body = member("value", value);
        if let Some(revision) = revision {
            body.insert("revision".into(), revision.into());
        }
        Ok(body)
    }
}

/// Does an operation by itself; answers its value, and the revision of its commit if it wrote.
async fn done(table: &TableHandle, operation: &Do, most: usize) -> Result<(Json, Option<u64>), Fault> {
    let mut revision = None;
    let mut at = |written: Written| {
        revision = Some(written.revision);
        written.record
    };
    let options = WriteOptions::default;
    let value = answered!(table, operation, most, {
        Op::Insert => flat(at(table.insert_with(&data(operation)?, options()).await?)),
        Op::Update => {
            let (key, data) = (key(operation)?, data(operation)?);
            flat(at(table.update_with(key, &data, UpdateMode::Merge, options()).await?))
        }
        Op::Replace => {
            let (key, data) = (key(operation)?, data(operation)?);
            flat(at(table.update_with(key, &data, UpdateMode::Replace, options()).await?))
        }
        Op::Delete => match table.delete_with(key(operation)?, options()).await {
            Ok(written) => {
                at(written);
                Json::Bool(true)
            }
            Err(Error::NotFound { what: "record", .. } | Error::InTrash { .. }) => Json::Bool(false),
            Err(error) => return Err(error.into()),
        },
        Op::Restore => flat(at(table.restore_with(key(operation)?, options()).await?)),
        Op::InsertMany => {
            let done = table.insert_many_with(records(operation)?).await?;
            revision = Some(done.revision);
            list(done.value)
        }
        // These rest on what they read: in a transaction, so that what they read is still so when they are committed.
        Op::Upsert | Op::UpdateMany | Op::DeleteMany => {
            let given = match operation.op {
                Op::Upsert => data(operation)?,
                Op::UpdateMany => changes(operation)?,
                _ => Json::Null,
            };
            let done = table
                .store()
                .transaction_with(TransactionOptions::default(), async |transaction| {
                    let table = transaction.on(table);
                    Ok(match operation.op {
                        Op::Upsert => flat(table.upsert(given.clone()).await?),
                        Op::UpdateMany => {
                            Json::from(table.update_many(filter(operation), given.clone()).await?)
                        }
                        _ => Json::from(table.delete_many(filter(operation)).await?),
                    })
                })
                .await?;
            revision = Some(done.revision);
            done.value
        }
    });
    Ok((value, revision))
}

pub(super) fn flat(record: Record) -> Json {
    Json::Object(record.flat())
}

pub(super) fn maybe(record: Option<Record>) -> Json {
    record.map_or(Json::Null, flat)
}

pub(super) fn list(records: Vec<Record>) -> Json {
    records.into_iter().map(flat).collect()
}

/// A list of which one record more than an answer may hold was asked for.
pub(super) fn few(records: Vec<Record>, most: usize) -> Result<Json, Fault> {
    if records.len() <= most {
        return Ok(list(records));
    }
    let detail = format!("The limit liveAnswerRecordsMax of {most} is reached.");
    Err(Fault::new(ErrorCode::LimitExceeded, detail)
        .hint("Ask for fewer with a filter, or for page after page with POST /api/tables/{table}/query."))
}

fn wrong(detail: &str) -> Fault {
    Fault::new(ErrorCode::InvalidBody, detail)
}

pub(super) fn key(operation: &Do) -> Result<String, Fault> {
    match &operation.key {
        Some(Json::String(key)) => Ok(key.clone()),
        Some(Json::Number(key)) => Ok(key.to_string()),
        _ => Err(wrong("The operation needs a key, a text or a number.")),
    }
}

pub(super) fn data(operation: &Do) -> Result<Json, Fault> {
    operation
        .data
        .clone()
        .ok_or_else(|| wrong("The operation needs data."))
}

pub(super) fn filter(operation: &Do) -> Json {
    let all = || Json::Object(JsonMap::new());
    operation.filter.clone().unwrap_or_else(all)
}

/// The records of an insert of many.
pub(super) fn records(operation: &Do) -> Result<Vec<Json>, Fault> {
    match data(operation)? {
        Json::Array(records) => Ok(records),
        _ => Err(wrong("insertMany takes a list of records in data.")),
    }
}

/// The changes of an update of many.
pub(super) fn changes(operation: &Do) -> Result<Json, Fault> {
    match data(operation)? {
        changes @ Json::Object(_) => Ok(changes),
        _ => Err(wrong("updateMany takes an object in data.")),
    }
}
