//! Random work, watched by every kind of query at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chancery::{BulkOptions, JsonMap, Query, Store, TableHandle, json};

use super::{Subscriber, queries, tasks};

/// A small generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn data(dice: &mut Dice) -> chancery::Json {
    let mut data = JsonMap::new();
    let titles = ["alpha one", "beta", "gamma alpha", "delta", "Alphabet"];
    let status = ["open", "done", "waiting"];
    data.insert("title".into(), json!(titles[dice.roll(5) as usize]));
    if dice.roll(5) > 0 {
        data.insert("status".into(), json!(status[dice.roll(3) as usize]));
    }
    match dice.roll(12) {
        0 => {}
        1 => drop(data.insert("points".into(), json!(0.1 + dice.roll(3) as f64))),
        _ => drop(data.insert("points".into(), json!(dice.roll(7)))),
    }
    if dice.roll(2) == 0 {
        data.insert(
            "price".into(),
            json!(format!("{}.{:02}", dice.roll(9), dice.roll(100))),
        );
    }
    data.into()
}

async fn ids(table: &TableHandle) -> Vec<String> {
    let all = table.select(&Query::new()).await.unwrap();
    all.iter().map(|record| record.id()).collect()
}

async fn work(table: &TableHandle, dice: &mut Dice, keep: &str) -> String {
    let ids = ids(table).await;
    let some = || ids.first().cloned();
    let pick = |dice: &mut Dice| match ids.len() {
        0 => some(),
        length => ids.get(dice.roll(length as u64) as usize).cloned(),
    };
    match dice.roll(12) {
        0..=3 => {
            table.insert(data(dice)).await.unwrap();
            "an insert".into()
        }
        4..=6 => match pick(dice) {
            Some(id) => {
                table.update(&id, data(dice)).await.unwrap();
                format!("an update of {id}")
            }
            None => "nothing".into(),
        },
        7 => match pick(dice) {
            Some(id) => {
                table.delete(&id).await.unwrap();
                if dice.roll(2) == 0 || id == keep {
                    table.restore(&id).await.unwrap();
                }
                format!("a delete of {id}")
            }
            None => "nothing".into(),
        },
        8 => match pick(dice).filter(|id| id != keep) {
            Some(id) => {
                table.purge(&id).await.unwrap();
                format!("a purge of {id}")
            }
            None => "nothing".into(),
        },
        9 => {
            let many = (0..dice.roll(6)).map(|_| data(dice)).collect();
            table.insert_many(many).await.unwrap();
            "several inserts".into()
        }
        10 => {
            let first: Vec<String> = ids
                .into_iter()
                .filter(|id| id != keep)
                .take(dice.roll(4) as usize)
                .collect();
            table.bulk_delete(&first, BulkOptions::default()).await.unwrap();
            "several deletes".into()
        }
        _ => match pick(dice) {
            Some(id) => {
                for _ in 0..3 {
                    table.update(&id, data(dice)).await.unwrap();
                }
                format!("updates of {id}")
            }
            None => "nothing".into(),
        },
    }
}

async fn run(seed: u64, steps: usize, every: u64) {
    let (store, table) = tasks().await;
    let mut dice = Dice(seed);
    for _ in 0..10 {
        table.insert(data(&mut dice)).await.unwrap();
    }
    let keep = ids(&table).await[0].clone();
    let mut subscribers = Vec::new();
    for query in queries(&keep) {
        subscribers.push(Subscriber::new(&store, query).await);
    }
    for step in 0..steps {
        let did = work(&table, &mut dice, &keep).await;
        if dice.roll(every) == 0 {
            for subscriber in &mut subscribers {
                subscriber
                    .check(&store, &format!("{did}, step {step}, seed {seed}"))
                    .await;
            }
        }
    }
    if seed.is_multiple_of(2) {
        table.clear().await.unwrap();
    }
    for subscriber in &mut subscribers {
        subscriber.check(&store, &format!("all, seed {seed}")).await;
    }
}

#[tokio::test]
async fn what_is_pushed_makes_what_a_fresh_read_gives_after_every_write() {
    for seed in 1..=6 {
        run(seed, 120, 1).await;
    }
}

#[tokio::test]
async fn what_is_pushed_makes_what_a_fresh_read_gives_when_it_is_looked_at_seldom() {
    for seed in 11..=16 {
        run(seed, 200, 20).await;
    }
}

async fn write_until(store: Store, stop: Arc<AtomicBool>, seed: u64) {
    let table = store.table("tasks").unwrap();
    let mut dice = Dice(seed);
    while !stop.load(Ordering::Relaxed) {
        match dice.roll(4) {
            0 => drop(table.insert(data(&mut dice)).await.unwrap()),
            1 => {
                let found = table.find_one(json!({"points": dice.roll(7)})).await.unwrap();
                if let Some(found) = found {
                    table.delete(found.key()).await.unwrap();
                }
            }
            _ => {
                let found = table.find_one(json!({"points": dice.roll(7)})).await.unwrap();
                if let Some(found) = found {
                    // Another writer may have deleted it.
                    let _ = table.update(found.key(), data(&mut dice)).await;
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscription_under_load_misses_nothing_and_repeats_nothing() {
    let (store, table) = tasks().await;
    let mut dice = Dice(99);
    for _ in 0..50 {
        table.insert(data(&mut dice)).await.unwrap();
    }
    let keep = ids(&table).await[0].clone();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (1..=2)
        .map(|seed| tokio::spawn(write_until(store.clone(), stop.clone(), seed)))
        .collect();
    for round in 0..6 {
        let mut subscribers = Vec::new();
        for query in queries(&keep) {
            subscribers.push(Subscriber::new(&store, query).await);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        for subscriber in &mut subscribers {
            subscriber.take().await;
        }
        if round == 5 {
            stop.store(true, Ordering::Relaxed);
            for writer in &writers {
                while !writer.is_finished() {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
            for subscriber in &mut subscribers {
                subscriber.check(&store, "writers stopped").await;
            }
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
}
