//! One operation that a frame asks for, done at once. What it means is the library's.

use chancery::access::Scope;
use chancery::model::{Json, JsonMap};
use chancery::{Bulk, BulkOptions, Record, TableHandle, UpdateItem};
use chancery_api::ErrorCode;
use chancery_api::live::{Do, Op};

use super::frame::member;
use super::socket::Socket;
use super::transactions;
use crate::acting;
use crate::fault::Fault;

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
        if let Some(number) = operation.transaction {
            let table = self.open.get(number)?.on(&table);
            let value = transactions::done(&table, &operation).await?;
            return Ok(member("value", value));
        }
        let value = done(&table, &operation).await?;
        let mut body = member("value", value);
        if operation.op.writes() {
            body.insert("revision".into(), self.app.store.revision().await?.into());
        }
        Ok(body)
    }
}

async fn done(table: &TableHandle, operation: &Do) -> Result<Json, Fault> {
    let flat = |record: Record| Json::Object(record.flat());
    let maybe = |record: Option<Record>| record.map_or(Json::Null, flat);
    let list = |records: Vec<Record>| records.into_iter().map(flat).collect();
    Ok(match operation.op {
        Op::Insert => flat(table.insert(data(operation)?).await?),
        Op::Upsert => {
            let (store, data) = (table.store(), data(operation)?);
            flat(
                store
                    .transaction(async |tx| tx.on(table).upsert(data.clone()).await)
                    .await?,
            )
        }
        Op::Get => maybe(table.get(key(operation)?).await?),
        Op::Update => flat(table.update(key(operation)?, data(operation)?).await?),
        Op::Replace => flat(table.replace(key(operation)?, data(operation)?).await?),
        Op::Delete => Json::Bool(table.delete(key(operation)?).await?),
        Op::Restore => flat(table.restore(key(operation)?).await?),
        Op::All => list(table.all().await?),
        Op::Where => list(table.filter(filter(operation)).await?),
        Op::FindOne => maybe(table.find_one(filter(operation)).await?),
        Op::Count => Json::from(table.filter(filter(operation)).await?.len()),
        Op::InsertMany => match data(operation)? {
            Json::Array(records) => list(table.insert_many(records).await?),
            _ => return Err(wrong("insertMany takes a list of records in data.")),
        },
        Op::UpdateMany => {
            let Json::Object(data) = data(operation)? else {
                return Err(wrong("updateMany takes an object in data."));
            };
            let records = table.filter(filter(operation)).await?;
            let item = |record: Record| UpdateItem {
                id: record.id(),
                data: data.clone(),
                version: None,
            };
            let updates: Vec<UpdateItem> = records.into_iter().map(item).collect();
            let outcome = table.bulk_update(&updates, BulkOptions::default()).await?;
            list(records_of(outcome.items)?)
        }
        Op::DeleteMany => {
            let records = table.filter(filter(operation)).await?;
            let ids: Vec<String> = records.iter().map(Record::id).collect();
            let outcome = table.bulk_delete(&ids, BulkOptions::default()).await?;
            Json::from(records_of(outcome.items)?.len())
        }
    })
}

/// The records that a bulk wrote; a bad one refuses it all.
fn records_of(items: Vec<Bulk>) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::with_capacity(items.len());
    let mut bad = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        match item {
            Bulk::Created(record) | Bulk::Deleted(record) | Bulk::Unchanged(record) => records.push(record),
            Bulk::Updated(updated) => records.extend(updated),
            Bulk::Failed(issues) => bad.push((index, issues)),
            Bulk::Stopped => {}
        }
    }
    match bad.is_empty() {
        true => Ok(records),
        false => Err(chancery::Error::Bulk(bad).into()),
    }
}

pub(super) fn wrong(detail: &str) -> Fault {
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
