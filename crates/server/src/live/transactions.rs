//! Transactions that stay open on a socket: begun, worked in and ended by frames, or rolled back when they are left alone and
//! when the socket closes. What they mean is the library's.

use std::collections::HashMap;
use std::time::Duration;

use chancery::access::Scope;
use chancery::model::{Json, JsonMap};
use chancery::{Transaction, TransactionTable};
use chancery_api::live::{Do, Op};
use chancery_api::{ErrorCode, limits};
use tokio::time::Instant;

use super::frame::member;
use super::operation::{answered, changes, data, flat, records};
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
    /// Whether something was written in it.
    writes: bool,
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

    /// An open one, which is in use by that: to write in it, or only to read.
    pub(super) fn get(&mut self, number: u64, writes: bool) -> Result<Transaction, Fault> {
        let kept = self.by_number.get_mut(&number).ok_or_else(|| unknown(number))?;
        kept.used = Instant::now();
        kept.writes |= writes;
        Ok(kept.transaction.clone())
    }

    fn take(&mut self, number: u64) -> Result<Kept, Fault> {
        self.by_number.remove(&number).ok_or_else(|| unknown(number))
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
        let kept = Kept {
            transaction,
            used: Instant::now(),
            writes: false,
        };
        self.open.by_number.insert(self.open.newest, kept);
        Ok(member("transaction", self.open.newest))
    }

    /// Commits a transaction; it is over, however that ends.
    pub(super) async fn commit(&mut self, number: u64) -> Result<JsonMap, Fault> {
        let kept = self.open.take(number)?;
        // Who could write when it was begun may not be allowed to by now.
        self.somebody()?.needs(match kept.writes {
            true => Scope::Write,
            false => Scope::Read,
        })?;
        Ok(member("revision", kept.transaction.commit().await?))
    }

    /// Rolls a transaction back.
    pub(super) fn rollback(&mut self, number: u64) -> Result<JsonMap, Fault> {
        self.open.take(number)?.transaction.rollback();
        Ok(JsonMap::new())
    }
}

/// Does an operation inside a transaction.
pub(super) async fn done(table: &TransactionTable, operation: &Do, most: usize) -> Result<Json, Fault> {
    Ok(answered!(table, operation, most, {
        Op::Insert => flat(table.insert(data(operation)?).await?),
        Op::Upsert => flat(table.upsert(data(operation)?).await?),
        Op::Update => flat(table.update(key(operation)?, data(operation)?).await?),
        Op::Replace => flat(table.replace(key(operation)?, data(operation)?).await?),
        Op::Delete => Json::Bool(table.delete(key(operation)?).await?),
        Op::Restore => flat(table.restore(key(operation)?).await?),
        Op::InsertMany => list(table.insert_many(records(operation)?).await?),
        Op::UpdateMany => Json::from(table.update_many(filter(operation), changes(operation)?).await?),
        Op::DeleteMany => Json::from(table.delete_many(filter(operation)).await?),
    }))
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
                    writes: false,
                },
            );
        }
        let longest = Duration::from_secs(limits::LIVE_TRANSACTION_IDLE_SECONDS_MAX);
        open.forget_idle(now + longest - Duration::from_secs(1));
        assert_eq!(open.by_number.len(), 2);
        open.by_number.get_mut(&2).unwrap().used = now + longest;
        open.forget_idle(now + longest);
        assert!(open.get(1, false).is_err());
        assert!(open.get(2, false).is_ok());
        open.forget_all();
        assert!(open.get(2, false).is_err());
    }
}
