//! What the spec has a bar for and what has no work by hand beside it: transactions, tables that are full, and writes while others
//! look on. Memory backend, one thread.

use std::collections::HashMap;
use std::hint::black_box;

use anyhow::Result;
use chancery::{Key, Live, LiveInbox, LiveQuery, TableHandle, json};
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

/// How many updates of an indexed field a second, each settled and its pushes taken, while 100 live queries count by that field.
pub(crate) fn live_counts(
    runtime: &Runtime,
    effort: Effort,
    runs: usize,
    table: &TableHandle,
    keys: &[Key],
) -> Result<f64> {
    let counts = (0..100).map(|age| LiveQuery::new("people").matching(json!({ "age": age })).count());
    watched(runtime, effort, runs, table, counts, |turn| {
        (
            keys[(mixed(turn) % keys.len() as u64) as usize].clone(),
            json!({"age": turn % 90}),
        )
    })
}

/// The same of a field that no index has, while 1,000 live queries each look at one of the records.
pub(crate) fn live_gets(
    runtime: &Runtime,
    effort: Effort,
    runs: usize,
    table: &TableHandle,
    keys: &[Key],
) -> Result<f64> {
    let gets = keys
        .iter()
        .take(1_000)
        .map(|key| LiveQuery::new("people").key(key.to_string()));
    watched(runtime, effort, runs, table, gets, |turn| {
        (
            keys[(mixed(turn) % keys.len() as u64) as usize].clone(),
            json!({"name": format!("Person {turn}")}),
        )
    })
}

fn watched(
    runtime: &Runtime,
    effort: Effort,
    runs: usize,
    table: &TableHandle,
    queries: impl Iterator<Item = LiveQuery> + Clone,
    change: impl Fn(u64) -> (Key, chancery::Json),
) -> Result<f64> {
    repeated(runs, || {
        runtime.block_on(async {
            let (store, inbox) = (table.store(), LiveInbox::default());
            let mut watching: HashMap<u64, Live> = HashMap::new();
            for query in queries.clone() {
                let live = store.live_in(query, &inbox).await?;
                watching.insert(live.number(), live);
            }
            per_second_awaited(effort.span(), async |turn| {
                let (key, fields) = change(turn);
                table.update(&key, fields).await?;
                store.settle().await?;
                loop {
                    // Only those that have news; nobody waits for more.
                    let number = tokio::select! {
                        biased;
                        number = inbox.ready() => number,
                        () = std::future::ready(()) => break,
                    };
                    if let Some(live) = watching.get_mut(&number) {
                        while let Some(push) = live.take().await? {
                            black_box(push);
                        }
                    }
                }
                Ok(())
            })
            .await
        })
    })
}
