//! Transactions: reads and writes over the tables of a workspace that happen as one, or not at all. They hold no lock.
//!
//! A transaction is optimistic and serialisable: it gathers what it read and what it will write, and its one commit is refused
//! if anything it read has changed meanwhile. `state` holds what it gathered, `reads` and `writes` are what a caller may do in
//! it, `commit` ends it, `steps` runs a list of them, `turns` keeps it from being overtaken for ever.

mod clash;
mod commit;
mod overlay;
mod reads;
mod state;
mod steps;
mod turns;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use chancery_model::change::Reason;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::{TRANSACTION_ATTEMPTS, TRANSACTION_ATTEMPTS_BESIDE, TRANSACTION_PAUSE_MS_MAX};
use crate::store::Store;
use commit::Refusal;
use state::State;
pub use steps::{Action, Step, Stepped};
use turns::Turn;
pub(crate) use turns::Turns;

/// How a transaction is done.
#[derive(Clone, Debug)]
pub struct TransactionOptions {
    /// How often it is run, counting the first time, while others change what it read.
    pub attempts: u32,
    /// Answer as if done, write nothing. Numbers that the store has given out meanwhile are not given again.
    pub dry_run: bool,
}

impl Default for TransactionOptions {
    fn default() -> TransactionOptions {
        TransactionOptions {
            attempts: TRANSACTION_ATTEMPTS,
            dry_run: false,
        }
    }
}

/// What a transaction answers.
#[derive(Clone, Debug)]
pub struct Transacted<T> {
    /// What the work answered.
    pub value: T,
    /// The commit it became visible with; if it wrote nothing, a revision at which all it read was so.
    pub revision: u64,
}

/// A transaction that is going on. Clones speak of the same one; it ends with [`Transaction::commit`],
/// [`Transaction::rollback`], or by being forgotten, which discards it.
#[derive(Clone)]
pub struct Transaction {
    store: Store,
    dry_run: bool,
    reason: Reason,
    /// Whether other writers wait for it.
    in_turn: bool,
    state: Arc<Mutex<State>>,
}

/// A table inside a transaction: it shows what the transaction has written so far, which nobody else sees.
#[derive(Clone)]
pub struct TransactionTable {
    transaction: Transaction,
    handle: TableHandle,
}

impl Store {
    /// Runs work as one transaction and answers its value. If it answers an error, nothing is written. If others change what
    /// it read before it is committed, it is run again from the start, on what is there by then; so it should do nothing
    /// but read and write through the transaction.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::{ColumnInput, Store, TableInput, json};
    /// # let store = Store::open("memory:").await?;
    /// # let input = TableInput::new("Accounts").column(ColumnInput::new("balance", "number"));
    /// # let accounts = store.create_table(input).await?;
    /// let ann = accounts.insert(json!({"balance": 10})).await?.id();
    /// let bob = accounts.insert(json!({"balance": 0})).await?.id();
    /// store
    ///     .transaction(async |tx| {
    ///         let accounts = tx.table("accounts")?;
    ///         let balance = async |id: &str| -> Result<i64, chancery::Error> {
    ///             let account = accounts.get(id).await?;
    ///             Ok(account.and_then(|account| account.get("balance").as_i64()).unwrap_or_default())
    ///         };
    ///         accounts.update(&ann, json!({"balance": balance(&ann).await? - 4})).await?;
    ///         accounts.update(&bob, json!({"balance": balance(&bob).await? + 4})).await
    ///     })
    ///     .await?;
    /// assert_eq!(accounts.get(&bob).await?.expect("there").get("balance"), json!(4));
    /// # Ok(()) }
    /// ```
    ///
    /// Unique values are judged by what the whole transaction leaves, so [`Error::Unique`] comes from here and not from the
    /// write inside. The work is an async closure over shared references (`async |tx| …`), or a closure that gives a future.
    ///
    /// # Errors
    /// Those of the work, [`Error::Unique`], and [`Error::TransactionConflict`] once it was run
    /// [`TransactionOptions::attempts`] times. From the ninth on, the writers of this process wait for it, at most a quarter of
    /// a second each time; so it is overtaken for ever only by other processes, or by writes that its own work does outside of it.
    pub async fn transaction<T, W, F>(&self, work: W) -> Result<T, Error>
    where
        W: FnMut(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let done = self.transaction_with(TransactionOptions::default(), work).await?;
        Ok(done.value)
    }

    /// As [`Store::transaction`], with options, and answers the revision too.
    ///
    /// # Errors
    /// As [`Store::transaction`].
    pub async fn transaction_with<T, W, F>(
        &self,
        options: TransactionOptions,
        work: W,
    ) -> Result<Transacted<T>, Error>
    where
        W: FnMut(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        self.transaction_for(Reason::User, options, work).await
    }

    /// As [`Store::transaction_with`], for another reason than that a user writes.
    pub(crate) async fn transaction_for<T, W, F>(
        &self,
        reason: Reason,
        options: TransactionOptions,
        work: W,
    ) -> Result<Transacted<T>, Error>
    where
        W: FnMut(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let repeated = self.repeat(reason, options, work).await;
        repeated.map_err(Refusal::into_error)
    }

    /// Begins a transaction that the caller ends. It is never run again: if others changed what it read, its commit is
    /// refused with [`Error::TransactionConflict`]. Left open it harms nobody.
    pub fn begin(&self) -> Transaction {
        self.begin_with(Reason::User, false)
    }

    fn begin_with(&self, reason: Reason, dry_run: bool) -> Transaction {
        Transaction {
            store: self.clone(),
            dry_run,
            reason,
            in_turn: false,
            state: Arc::default(),
        }
    }

    /// Runs work until its commit is not overtaken.
    async fn repeat<T, W, F>(
        &self,
        reason: Reason,
        options: TransactionOptions,
        mut work: W,
    ) -> Result<Transacted<T>, Refusal>
    where
        W: FnMut(Transaction) -> F,
        F: Future<Output = Result<T, Error>>,
    {
        let mut attempt = 0;
        let mut turn = None;
        loop {
            attempt += 1;
            if turn.is_none() && attempt > TRANSACTION_ATTEMPTS_BESIDE {
                turn = Some(self.core.turns.take().await);
            }
            let mut transaction = self.begin_with(reason, options.dry_run);
            transaction.in_turn = turn.is_some();
            let outcome = work(transaction.clone()).await;
            // An error, too, may come from reads of which some were overtaken: it counts only if it was true at one moment.
            let ended = match &outcome {
                Ok(_) => transaction.end().await,
                Err(_) => transaction.confirm().await,
            };
            match (outcome, ended) {
                (Ok(value), Ok(revision)) => return Ok(Transacted { value, revision }),
                (Err(error), Ok(_)) => return Err(Refusal::Other(error)),
                (_, Err(Refusal::Overtaken(_))) if attempt < options.attempts => {
                    // What was on its way when the turn began may overtake it still.
                    turn = turn.filter(Turn::lasts);
                    if turn.is_none() {
                        pause(attempt).await;
                    }
                }
                (Err(error), Err(Refusal::Other(_))) => return Err(Refusal::Other(error)),
                (_, Err(refusal)) => return Err(refusal),
            }
        }
    }
}

impl Transaction {
    /// A table of the workspace by slug or id.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest name.
    #[doc(alias = "bucket")]
    pub fn table(&self, name: &str) -> Result<TransactionTable, Error> {
        Ok(self.on(&self.store.table(name)?))
    }

    /// The same table inside this transaction.
    pub fn on(&self, table: &TableHandle) -> TransactionTable {
        TransactionTable {
            transaction: self.clone(),
            handle: table.clone(),
        }
    }
}

/// Waits a little longer each time, and never as long as the others that wait too.
async fn pause(attempt: u32) {
    let longest_us = (500_u64 << attempt.min(16)).min(TRANSACTION_PAUSE_MS_MAX * 1_000);
    let chance = Uuid::new_v4().as_u64_pair().1;
    tokio::time::sleep(Duration::from_micros(chance % longest_us)).await;
}
