//! Single durable writes by 1, 16 and 64 callers beside one commit per write by hand. No reads.

use std::path::Path;

use anyhow::Result;
use chancery::{Json, Store, TableHandle, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::contacts::{contact, mixed, table};
use crate::folder::Folder;
use crate::hand::Hand;
use crate::measure::{Effort, callers, in_turn, slow_per_second};
use crate::report::{Bar, Row, Section, Unit};

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let small = Measured::of(&runtime, &folder, effort, effort.records(100_000))?;
    let large = match effort.quick {
        true => None,
        false => Some(Measured::of(&runtime, &folder, effort, 1_000_000)?),
    };
    let mut rows = Vec::new();
    for (index, callers) in CALLERS.into_iter().enumerate() {
        let mut row = Row::new(name("insert", callers), Unit::PerSecond, small.insert[index].0)
            .by_hand(small.insert[index].1, "one commit per insert, one caller");
        if callers == 64 {
            row = row.bar(Bar::TimesHandAtLeast(10.0)).note("spec: persistence");
        }
        rows.push(match &large {
            Some(large) => row.at_ten_times(large.insert[index].0),
            None => row,
        });
    }
    for (index, callers) in CALLERS.into_iter().enumerate() {
        let row = Row::new(name("update", callers), Unit::PerSecond, small.update[index].0)
            .by_hand(small.update[index].1, "one commit per update, one caller");
        rows.push(match &large {
            Some(large) => row.at_ten_times(large.update[index].0),
            None => row,
        });
    }
    Ok(Section {
        title: format!(
            "Library, SQLite, synchronous=FULL: single writes into {} records",
            effort.records(100_000)
        ),
        rows,
    })
}

const CALLERS: [usize; 3] = [1, 16, 64];

fn name(what: &str, callers: usize) -> String {
    match callers {
        1 => format!("{what}, 1 caller"),
        more => format!("{what}, {more} callers"),
    }
}

/// Figures for each number of callers: Chancery's and by hand.
struct Measured {
    insert: Vec<(f64, f64)>,
    update: Vec<(f64, f64)>,
}

impl Measured {
    fn of(runtime: &Runtime, folder: &Folder, effort: Effort, count: usize) -> Result<Measured> {
        let path = folder.path(&format!("single-{count}.db"));
        let (store, table) = runtime.block_on(stocked(&path, count))?;
        let hand = Hand::like(&path, &folder.path(&format!("single-{count}-hand.db")), "full")?;
        hand.insert_many(0..count as u64, 10_000)?;
        let (runs, span) = (effort.slow_runs(), effort.long_span());
        let (mut fresh, mut fresh_by_hand) = (count as u64, count as u64);
        let mut insert = Vec::new();
        for many in CALLERS {
            insert.push(in_turn(
                runs,
                || {
                    let (table, from) = (table.clone(), fresh);
                    fresh += 10_000_000;
                    runtime.block_on(callers(many, span, move |turn| {
                        let table = table.clone();
                        async move {
                            table.insert(Json::Object(contact(from + turn).data())).await?;
                            Ok(())
                        }
                    }))
                },
                || {
                    slow_per_second(span, |_| {
                        fresh_by_hand += 1;
                        hand.insert(&contact(fresh_by_hand), fresh_by_hand)
                    })
                },
            )?);
        }
        let ours: Vec<Uuid> = Hand::reading(&path)?.keys()?;
        let theirs: Vec<Uuid> = hand.keys()?;
        let mut update = Vec::new();
        for many in CALLERS {
            update.push(in_turn(
                runs,
                || {
                    let (table, keys) = (table.clone(), std::sync::Arc::new(ours.clone()));
                    runtime.block_on(callers(many, span, move |turn| {
                        let (table, keys) = (table.clone(), keys.clone());
                        async move {
                            let key = chancery::Key::Uuid(keys[mixed(turn) as usize % keys.len()]);
                            table.update(key, json!({ "balance": turn % 1_000_000 })).await?;
                            Ok(())
                        }
                    }))
                },
                || {
                    slow_per_second(span, |turn| {
                        hand.update(&theirs[mixed(turn) as usize % theirs.len()], turn as i64)
                    })
                },
            )?);
        }
        runtime.block_on(store.close())?;
        Ok(Measured { insert, update })
    }
}

/// A store of contacts.
async fn stocked(path: &Path, count: usize) -> Result<(Store, TableHandle)> {
    let store = Store::open(&crate::folder::sqlite_url(path)).await?;
    let handle = store.create_table(table()).await?;
    crate::tables::create(&handle, 0..count as u64).await?;
    Ok((store, handle))
}
