//! The real server over HTTP, its client on the same machine, beside the same service by hand. One process each, so that
//! neither shares a runtime or an allocator with the load.

pub(crate) mod by_hand;
mod load;
mod process;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chancery::json;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::contacts::{contact, mixed, table};
use crate::folder::Folder;
use crate::hand::Hand;
use crate::machine::resident_mb;
use crate::measure::{Effort, in_turn, median, rate, repeated};
use crate::report::{Bar, Row, Section, Unit};
use load::{Server, times};
use process::Running;

const SPEC: &str = "spec: api";
const CALLERS: [usize; 3] = [1, 16, 64];
/// Records in one bulk request.
const REQUEST: u64 = 10_000;
const RECORDS: &str = "/api/tables/contacts/records";

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let binary = process::binary()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let bench = Bench {
        binary: &binary,
        folder: &folder,
        runtime: &runtime,
        effort,
    };
    let mut rows = bench.footprint()?;
    let count = effort.records(100_000);
    let mut pair = bench.pair(count)?;
    rows.extend(bench.reads(&pair)?);
    rows.extend(bench.lists(&pair)?);
    rows.extend(bench.bulks(&mut pair)?);
    rows.extend(bench.writes(&pair, "full", 10_000.0)?);
    let pair = bench.restarted(pair, "relaxed")?;
    rows.extend(bench.writes(&pair, "relaxed", 20_000.0)?);
    let resident = resident_mb(pair.ours.id()).unwrap_or(f64::NAN);
    rows.push(Row::new("resident memory after all of this", Unit::Mb, resident));
    drop(pair);
    if !effort.quick {
        rows.extend(bench.tenfold(count * 10)?);
    }
    Ok(Section {
        title: format!("HTTP, `chancery serve` and its client on one machine, {count} records"),
        rows,
    })
}

/// What all measurements need.
struct Bench<'a> {
    binary: &'a Path,
    folder: &'a Folder,
    runtime: &'a Runtime,
    effort: Effort,
}

/// Both servers with the same records.
struct Pair {
    ours: Running,
    by_hand: Running,
    data: PathBuf,
    database: PathBuf,
    hand_database: PathBuf,
    keys: Arc<Vec<String>>,
    hand_keys: Arc<Vec<String>>,
    /// The number of the next contact.
    next: u64,
}

impl Bench<'_> {
    fn start(&self, data: &Path, durability: &str) -> Result<Running> {
        let key = process::key(self.binary, data)?;
        self.runtime
            .block_on(Running::chancery(self.binary, data, durability, &key))
    }

    /// What it costs to have it and to start it.
    fn footprint(&self) -> Result<Vec<Row>> {
        let data = self.folder.path("empty");
        std::fs::create_dir(&data)?;
        drop(self.start(&data, "full")?);
        let mut idle = Vec::new();
        let first_answer = repeated(self.effort.runs(), || {
            let running = self.start(&data, "full")?;
            std::thread::sleep(Duration::from_millis(300));
            idle.push(resident_mb(running.id()).unwrap_or(f64::NAN));
            Ok(running.first_answer.as_secs_f64() * 1_000.0)
        })?;
        let size = std::fs::metadata(self.binary)?.len() as f64 / 1_000_000.0;
        Ok(vec![
            Row::new("idle resident memory", Unit::Mb, median(idle))
                .bar(Bar::AtMost(30.0))
                .note(SPEC),
            Row::new("start to first answer", Unit::Ms, first_answer)
                .bar(Bar::AtMost(200.0))
                .note(SPEC),
            Row::new("size of the binary", Unit::Mb, size)
                .bar(Bar::AtMost(40.0))
                .note(SPEC),
        ])
    }

    /// Both servers, filled through the bulk path; the bulk rate is measured elsewhere.
    fn pair(&self, count: usize) -> Result<Pair> {
        let data = self.folder.path(&format!("data-{count}"));
        std::fs::create_dir(&data)?;
        let ours = self.start(&data, "full")?;
        self.runtime.block_on(make_table(&ours.server))?;
        self.runtime
            .block_on(fill(&ours.server, RECORDS, 0..count as u64))?;
        let database = database(&data)?;
        let hand_database = self.folder.path(&format!("by-hand-{count}.db"));
        let hand = Hand::like(&database, &hand_database, "full")?;
        hand.insert_many(0..count as u64, REQUEST as usize)?;
        let texts = |hand: &Hand| -> Result<Vec<String>> {
            Ok(hand.keys()?.iter().map(ToString::to_string).collect())
        };
        let hand_keys = texts(&hand)?;
        drop(hand);
        let by_hand = self
            .runtime
            .block_on(Running::by_hand(&database, &hand_database, "full"))?;
        Ok(Pair {
            keys: Arc::new(texts(&Hand::reading(&database)?)?),
            hand_keys: Arc::new(hand_keys),
            next: count as u64,
            ours,
            by_hand,
            data,
            database,
            hand_database,
        })
    }

    /// The same two servers, started again with another durability.
    fn restarted(&self, pair: Pair, durability: &str) -> Result<Pair> {
        let Pair {
            ours,
            by_hand,
            data,
            database,
            hand_database,
            keys,
            hand_keys,
            next,
        } = pair;
        drop((ours, by_hand));
        let ours = self.start(&data, durability)?;
        let by_hand = Running::by_hand(&database, &hand_database, durability);
        Ok(Pair {
            by_hand: self.runtime.block_on(by_hand)?,
            ours,
            data,
            database,
            hand_database,
            keys,
            hand_keys,
            next: next + 500_000_000,
        })
    }

    fn rate<Make>(&self, server: &Server, callers: usize, status: u16, make: Make) -> Result<f64>
    where
        Make: Fn(u64) -> (&'static str, String, String) + Clone + Send + 'static,
    {
        let span = self.effort.long_span();
        self.runtime.block_on(server.rate(callers, span, status, make))
    }

    fn read_rate(
        &self,
        server: &Server,
        callers: usize,
        base: &'static str,
        keys: &Arc<Vec<String>>,
    ) -> Result<f64> {
        let keys = keys.clone();
        self.rate(server, callers, 200, move |turn| {
            let key = &keys[mixed(turn) as usize % keys.len()];
            ("GET", format!("{base}/{key}"), String::new())
        })
    }

    fn reads(&self, pair: &Pair) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for callers in CALLERS {
            let (ours, by_hand) = in_turn(
                self.effort.slow_runs(),
                || self.read_rate(&pair.ours.server, callers, RECORDS, &pair.keys),
                || self.read_rate(&pair.by_hand.server, callers, "/records", &pair.hand_keys),
            )?;
            let row =
                Row::new(named("read", callers), Unit::PerSecond, ours).by_hand(by_hand, "axum and rusqlite");
            rows.push(match callers {
                64 => row
                    .bar(Bar::AtLeast(55_000.0))
                    .bar(Bar::TimesHandAtLeast(0.8))
                    .note(SPEC),
                _ => row,
            });
        }
        let nothing = repeated(self.effort.slow_runs(), || {
            let ask = |_| ("GET", "/nothing".to_owned(), String::new());
            self.rate(&pair.by_hand.server, 64, 200, ask)
        })?;
        rows.push(
            Row::new(
                "(an axum handler that does nothing, 64 callers)",
                Unit::PerSecond,
                nothing,
            )
            .note("what client and framework leave room for"),
        );
        Ok(rows)
    }

    /// Single writes: create and update.
    fn writes(&self, pair: &Pair, durability: &str, bar: f64) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let (mut next, mut next_by_hand) = (pair.next + 100_000_000, pair.next + 100_000_000);
        let create = |server: &Server, callers: usize, path: &'static str, from: &mut u64| {
            let first = *from;
            *from += 1_000_000;
            self.rate(server, callers, 201, move |turn| {
                let data = contact(first + turn).data();
                ("POST", path.to_owned(), json!({ "data": data }).to_string())
            })
        };
        for callers in CALLERS {
            let (ours, by_hand) = in_turn(
                self.effort.slow_runs(),
                || create(&pair.ours.server, callers, RECORDS, &mut next),
                || create(&pair.by_hand.server, callers, "/records", &mut next_by_hand),
            )?;
            let row = Row::new(
                named(&format!("create, {durability}"), callers),
                Unit::PerSecond,
                ours,
            );
            let row = row.by_hand(by_hand, "axum and rusqlite, one commit each");
            rows.push(if callers == 64 {
                row.bar(Bar::AtLeast(bar)).note(SPEC)
            } else {
                row
            });
        }
        let update = |server: &Server, callers: usize, base: &'static str, keys: &Arc<Vec<String>>| {
            let keys = keys.clone();
            self.rate(server, callers, 200, move |turn| {
                let key = &keys[mixed(turn) as usize % keys.len()];
                let balance = format!("{}.{:02}", turn % 10_000, turn % 100);
                let body = json!({ "data": { "balance": balance } }).to_string();
                ("PATCH", format!("{base}/{key}"), body)
            })
        };
        for callers in CALLERS {
            let (ours, by_hand) = in_turn(
                self.effort.slow_runs(),
                || update(&pair.ours.server, callers, RECORDS, &pair.keys),
                || update(&pair.by_hand.server, callers, "/records", &pair.hand_keys),
            )?;
            let row = Row::new(
                named(&format!("update, {durability}"), callers),
                Unit::PerSecond,
                ours,
            );
            let row = row.by_hand(by_hand, "axum and rusqlite, one commit each");
            rows.push(if callers == 64 {
                row.bar(Bar::AtLeast(bar)).note(SPEC)
            } else {
                row
            });
        }
        Ok(rows)
    }

    /// A list of 50, filtered by two columns and sorted by a third, without an index and with one.
    fn lists(&self, pair: &Pair) -> Result<Vec<Row>> {
        let turns = if self.effort.quick { 3 } else { 15 };
        let ours = |turns: usize| -> Result<f64> {
            Ok(median(self.runtime.block_on(times(
                &pair.ours.server,
                turns,
                query,
            ))?))
        };
        let by_hand = || -> Result<f64> {
            let ask = |turn: usize| {
                let (from, to) = ages(turn);
                let path = format!("/records?status=open&from={from}&to={to}");
                ("GET", path, String::new())
            };
            Ok(median(self.runtime.block_on(times(
                &pair.by_hand.server,
                turns,
                ask,
            ))?))
        };
        let unindexed = in_turn(self.effort.slow_runs(), || ours(turns), by_hand)?;
        self.runtime.block_on(index_balance(&pair.ours.server))?;
        let indexed = repeated(self.effort.slow_runs(), || ours(turns * 4))?;
        Ok(vec![
            Row::new("list of 50, filtered and sorted, no index", Unit::Ms, unindexed.0)
                .by_hand(unindexed.1, "axum and rusqlite")
                .bar(Bar::TimesHandAtMost(1.2))
                .note(SPEC),
            Row::new("the same with an index on the sorted column", Unit::Ms, indexed)
                .bar(Bar::AtMost(1.0))
                .note(SPEC),
        ])
    }

    fn bulks(&self, pair: &mut Pair) -> Result<Vec<Row>> {
        let count = self.effort.records(100_000) as u64;
        let mut next = pair.next;
        let mut next_by_hand = pair.next;
        let bulk = |server: &Server, path: &str, from: &mut u64| -> Result<f64> {
            let first = *from;
            *from += count;
            let filled = fill(server, path, first..first + count);
            Ok(rate(count, self.runtime.block_on(filled)?))
        };
        let (ours, by_hand) = in_turn(
            self.effort.slow_runs(),
            || bulk(&pair.ours.server, RECORDS, &mut next),
            || bulk(&pair.by_hand.server, "/records", &mut next_by_hand),
        )?;
        pair.next = next;
        Ok(vec![
            Row::new("bulk create, 10,000 a request", Unit::PerSecond, ours)
                .by_hand(by_hand, "axum and rusqlite, no records in the answer")
                .bar(Bar::AtLeast(60_000.0))
                .note(SPEC),
        ])
    }

    /// Reads and lists at ten times the records.
    fn tenfold(&self, count: usize) -> Result<Vec<Row>> {
        let pair = self.pair(count)?;
        let (ours, by_hand) = in_turn(
            self.effort.slow_runs(),
            || self.read_rate(&pair.ours.server, 64, RECORDS, &pair.keys),
            || self.read_rate(&pair.by_hand.server, 64, "/records", &pair.hand_keys),
        )?;
        let mut rows = vec![
            Row::new(
                format!("read, 64 callers, {count} records"),
                Unit::PerSecond,
                ours,
            )
            .by_hand(by_hand, "axum and rusqlite"),
        ];
        self.runtime.block_on(index_balance(&pair.ours.server))?;
        let list = repeated(self.effort.slow_runs(), || {
            Ok(median(self.runtime.block_on(times(
                &pair.ours.server,
                60,
                query,
            ))?))
        })?;
        rows.push(Row::new(
            format!("list of 50 with an index on the sorted column, {count} records"),
            Unit::Ms,
            list,
        ));
        Ok(rows)
    }
}

fn named(what: &str, callers: usize) -> String {
    match callers {
        1 => format!("{what}, 1 caller"),
        more => format!("{what}, {more} callers"),
    }
}

/// Between which ages a list is asked for. No two are alike, so that no answer is one that was kept.
fn ages(turn: usize) -> (usize, usize) {
    static ASKED: AtomicUsize = AtomicUsize::new(1_000);
    (40 + turn % 10, ASKED.fetch_add(1, Relaxed))
}

fn query(turn: usize) -> (&'static str, String, String) {
    let (from, to) = ages(turn);
    let body = json!({
        "filter": {"operator": "and", "filters": [
            {"column": "status", "operator": "eq", "value": "open"},
            {"column": "age", "operator": "gte", "value": from},
            {"column": "age", "operator": "lte", "value": to},
        ]},
        "sort": [{"column": "balance", "direction": "desc"}],
        "pagination": {"type": "offset", "offset": 0, "limit": 50},
    });
    ("POST", "/api/tables/contacts/query".into(), body.to_string())
}

async fn make_table(server: &Server) -> Result<()> {
    let columns: Vec<Value> = table()
        .columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "fieldType": column.field_type,
                "config": column.config,
                "indexed": column.indexed,
                "validation": {"required": column.constraints.required, "unique": column.constraints.unique},
                "options": column.options.iter().map(|option| json!({"name": option.name})).collect::<Vec<_>>(),
            })
        })
        .collect();
    let body = json!({"name": "Contacts", "columns": columns}).to_string();
    let mut connection = server.connect().await?;
    connection
        .ask("POST", "/api/tables", body.as_bytes(), 201)
        .await?;
    Ok(())
}

async fn index_balance(server: &Server) -> Result<()> {
    let mut connection = server.connect().await?;
    let path = "/api/tables/contacts/columns/balance";
    connection.ask("PATCH", path, b"{\"indexed\":true}", 200).await?;
    Ok(())
}

/// Creates contacts in bulk requests and answers how long the requests took; making their bodies is not part of it.
async fn fill(server: &Server, path: &str, numbers: std::ops::Range<u64>) -> Result<Duration> {
    let mut connection = server.connect().await?;
    let mut took = Duration::ZERO;
    let mut first = numbers.start;
    while first < numbers.end {
        let end = (first + REQUEST).min(numbers.end);
        let records: Vec<_> = (first..end).map(|number| contact(number).data()).collect();
        let body = json!({ "records": records }).to_string();
        let start = Instant::now();
        connection
            .ask("POST", &format!("{path}/bulk"), body.as_bytes(), 200)
            .await?;
        took += start.elapsed();
        first = end;
    }
    Ok(took)
}

/// The database in a data folder.
fn database(data: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(data)?.collect::<Result<Vec<_>, _>>()?;
    let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "db");
    let path = entries.iter().map(|entry| entry.path()).find(named);
    path.context("the data folder holds no database")
}
