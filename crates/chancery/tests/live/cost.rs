//! What a write costs that is watched: it follows what it touches, not what is subscribed. The figures are printed; only a gross
//! change for the worse fails, since tests run beside other work and without optimisation.

use std::time::Instant;

use chancery::{LiveQuery, Store, TableHandle, json};

use super::tasks;

const RECORDS: usize = 1_000;

async fn filled() -> (Store, TableHandle, Vec<String>) {
    let (store, table) = tasks().await;
    let records = (0..RECORDS).map(|number| json!({"title": "one", "status": "open", "points": number}));
    let made = table.insert_many(records.collect()).await.unwrap();
    let ids = made.iter().map(|record| record.id()).collect();
    (store, table, ids)
}

/// Updates in a second, each followed by a settle.
async fn updates(store: &Store, table: &TableHandle, ids: &[String], count: usize) -> f64 {
    let started = Instant::now();
    for number in 0..count {
        let status = if number % 2 == 0 { "open" } else { "done" };
        table
            .update(
                &ids[number % ids.len()],
                json!({"status": status, "points": number}),
            )
            .await
            .unwrap();
        store.settle().await.unwrap();
    }
    count as f64 / started.elapsed().as_secs_f64()
}

#[tokio::test]
async fn a_write_costs_what_it_touches() {
    const COUNT: usize = 4_000;
    let (store, table, ids) = filled().await;
    let alone = updates(&store, &table, &ids, COUNT).await;

    let mut elsewhere = Vec::new();
    for id in ids.iter().rev().take(RECORDS / 2) {
        elsewhere.push(
            store
                .live(LiveQuery::new("tasks").key(id.as_str()))
                .await
                .unwrap(),
        );
    }
    let untouched = updates(&store, &table, &ids[..RECORDS / 4], COUNT).await;
    drop(elsewhere);

    let mut gets = Vec::new();
    for id in &ids {
        gets.push(
            store
                .live(LiveQuery::new("tasks").key(id.as_str()))
                .await
                .unwrap(),
        );
    }
    let touched = updates(&store, &table, &ids, COUNT).await;
    drop(gets);

    let mut counts = Vec::new();
    for number in 0..100 {
        let query = LiveQuery::new("tasks")
            .matching(json!({"points": {"$gte": number * 10}}))
            .count();
        counts.push(store.live(query).await.unwrap());
    }
    let counted = updates(&store, &table, &ids, COUNT).await;
    drop(counts);
    println!(
        "updates in a second: {alone:.0} alone, {untouched:.0} beside 500 live gets of others, {touched:.0} with 1,000 live gets, \
         {counted:.0} with 100 live counts"
    );
    assert!(untouched > alone / 4.0, "{untouched} beside {alone}");
    assert!(touched > alone / 8.0, "{touched} beside {alone}");
}
