//! Transactions that stay open on a socket: begun, worked in and ended by frames, or rolled back when they are left alone and
//! when the socket closes. What they mean is the library's.

use std::collections::HashMap;
use std::time::Duration;

use chancery::access::Scope;
use chancery::model::{Json, JsonMap};
use chancery::{Query, Record, Transaction, TransactionTable};
use chancery_api::live::{Do, Op};
use chancery_api::{ErrorCode, limits};
use tokio::time::Instant;

use super::frame::member;
use super::operation::{data, filter, key, wrong};
use super::socket::Socket;
use crate::fault::Fault;

/// The open transactions of one socket. Dropped, they are rolled back: nothing of them is anywhere else.
#[derive(Default)]
pub(super) struct Open {
    newest: u64,
    by_number: HashMap<u64, Kept>,
}

struct Kept {
    transaction: Transaction,
    used: Instant,
}

impl Open {
    /// Rolls back those that were left alone for too long.
    pub(super) fn forget_idle(&mut self, now: Instant) {
        let longest = Duration::from_secs(limits::LIVE_TRANSACTION_IDLE_SECONDS_MAX);
        self.by_number.retain(|_, kept| now - kept.used < longest);
    }

    /// Rolls all back.
    pub(super) fn forget_all(&mut self) {
        self.by_number.clear();
    }

    /// An open one, which is in use by that.
    pub(super) fn get(&mut self, number: u64) -> Result<Transaction, Fault> {
        let kept = self.by_number.get_mut(&number).ok_or_else(|| unknown(number))?;
        kept.used = Instant::now();
        Ok(kept.transaction.clone())
    }

    fn take(&mut self, number: u64) -> Result<Transaction, Fault> {
        let kept = self.by_number.remove(&number).ok_or_else(|| unknown(number))?;
        Ok(kept.transaction)
    }
}

fn unknown(number: u64) -> Fault {
    let seconds = limits::LIVE_TRANSACTION_IDLE_SECONDS_MAX;
    let detail = format!("This socket has no transaction {number} that is open.");
    let hint = format!("One that is left alone for {seconds} seconds is rolled back; begin another.");
    Fault::new(ErrorCode::Conflict, detail).hint(hint)
}

impl Socket {
    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<JsonMap, Fault> {
        self.somebody()?.needs(Scope::Read)?;
        let transaction = self.store().await?.begin();
        let max = limits::LIVE_TRANSACTIONS_MAX;
        if self.open.by_number.len() >= max {
            let detail = format!("The limit liveTransactionsMax of {max} of one socket is reached.");
            return Err(Fault::new(ErrorCode::LimitExceeded, detail).hint("Commit or roll back one first."));
        }
        self.open.newest += 1;
        let used = Instant::now();
        self.open
            .by_number
            .insert(self.open.newest, Kept { transaction, used });
        Ok(member("transaction", self.open.newest))
    }

    /// Commits a transaction; it is over, however that ends.
    pub(super) async fn commit(&mut self, number: u64) -> Result<JsonMap, Fault> {
        let transaction = self.open.take(number)?;
        Ok(member("revision", transaction.commit().await?))
    }

    /// Rolls a transaction back.
    pub(super) fn rollback(&mut self, number: u64) -> Result<JsonMap, Fault> {
        self.open.take(number)?.rollback();
        Ok(JsonMap::new())
    }
}

/// Does an operation inside a transaction.
pub(super) async fn done(table: &TransactionTable, operation: &Do) -> Result<Json, Fault> {
    let flat = |record: Record| Json::Object(record.flat());
    let maybe = |record: Option<Record>| record.map_or(Json::Null, flat);
    let list = |records: Vec<Record>| records.into_iter().map(flat).collect();
    Ok(match operation.op {
        Op::Insert => flat(table.insert(data(operation)?).await?),
        Op::Upsert => flat(table.upsert(data(operation)?).await?),
        Op::Get => maybe(table.get(key(operation)?).await?),
        Op::Update => flat(table.update(key(operation)?, data(operation)?).await?),
        Op::Replace => flat(table.replace(key(operation)?, data(operation)?).await?),
        Op::Delete => Json::Bool(table.delete(key(operation)?).await?),
        Op::Restore => flat(table.restore(key(operation)?).await?),
        Op::All => list(table.all().await?),
        Op::Where => list(table.filter(filter(operation)).await?),
        Op::FindOne => maybe(table.find_one(filter(operation)).await?),
        Op::Count => match &operation.filter {
            None => Json::from(table.count(&Query::new()).await?),
            Some(equal) => Json::from(table.filter(equal.clone()).await?.len()),
        },
        Op::InsertMany => match data(operation)? {
            Json::Array(records) => list(table.insert_many(records).await?),
            _ => return Err(wrong("insertMany takes a list of records in data.")),
        },
        Op::UpdateMany => Json::from(table.update_many(filter(operation), data(operation)?).await?),
        Op::DeleteMany => Json::from(table.delete_many(filter(operation)).await?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_is_left_alone_is_forgotten_and_one_in_use_is_not() {
        let store = chancery::Store::open("memory:").await.unwrap();
        let mut open = Open::default();
        let now = Instant::now();
        for number in [1, 2] {
            let transaction = store.begin();
            open.by_number.insert(
                number,
                Kept {
                    transaction,
                    used: now,
                },
            );
        }
        let longest = Duration::from_secs(limits::LIVE_TRANSACTION_IDLE_SECONDS_MAX);
        open.forget_idle(now + longest - Duration::from_secs(1));
        assert_eq!(open.by_number.len(), 2);
        open.by_number.get_mut(&2).unwrap().used = now + longest;
        open.forget_idle(now + longest);
        assert!(open.get(1).is_err());
        assert!(open.get(2).is_ok());
        open.forget_all();
        assert!(open.get(2).is_err());
    }
}
