//! What the spec has a bar for and what has no work by hand beside it: transactions, and tables that are full. Memory backend, one
//! thread.

use std::hint::black_box;

use anyhow::Result;
use chancery::{Key, TableHandle, json};
use tokio::runtime::Runtime;

use crate::contacts::mixed;
use crate::measure::{Effort, per_second_awaited, repeated};
use crate::memory::{Person, fill};

/// How many transactions a second read a record and change one of its fields, indexed.
pub(crate) fn transactions(
    runtime: &Runtime,
    effort: Effort,
    runs: usize,
    table: &TableHandle,
    keys: &[Key],
) -> Result<f64> {
    repeated(runs, || {
        runtime.block_on(per_second_awaited(effort.span(), async |turn| {
            let key = &keys[(mixed(turn) % keys.len() as u64) as usize];
            let work = async |tx: chancery::Transaction| {
                let people = tx.on(table);
                black_box(people.get(key).await?);
                people.update(key, json!({"age": turn % 90})).await
            };
            black_box(table.store().transaction(work).await?);
            Ok(())
        }))
    })
}

/// How many inserts a second go into a table that is full, so that each makes the oldest record leave.
pub(crate) fn full(runtime: &Runtime, effort: Effort, runs: usize, count: usize) -> Result<f64> {
    repeated(runs, || {
        runtime.block_on(async {
            let (_, table) = fill(count, Some(count as u64)).await?;
            let first = count as u64;
            per_second_awaited(effort.span(), async |turn| {
                black_box(table.insert(Person::new(first + turn).data()).await?);
                Ok(())
            })
            .await
        })
    })
}
