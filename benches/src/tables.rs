//! Tables in SQLite at 100,000 and 1,000,000 records: bulk creation, point reads and pages, beside prepared statements
//! by hand on the same relation. No HTTP.

use std::hint::black_box;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chancery::{
    Bulk, BulkOptions, CacheOptions, Count, JsonMap, Key, OpenOptions, Operator, PageWindow, Query, Scope,
    Store, TableHandle,
};
use rusqlite::types::Value;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::contacts::{city, contact, mixed, table};
use crate::folder::{Folder, sqlite_url};
use crate::hand::Hand;
use crate::measure::{Effort, in_turn, p50_ms, per_second, per_second_awaited, rate};
use crate::report::{Bar, Row, Section, Unit};

/// Records in one request.
const REQUEST: usize = 10_000;
/// Records on a page.
const PAGE: u64 = 50;
const SPEC: &str = "spec: tables";

/// Creates contacts in requests of [`REQUEST`] and answers how long the requests took.
pub(crate) async fn create(table: &TableHandle, numbers: Range<u64>) -> Result<Duration> {
    let mut took = Duration::ZERO;
    let mut first = numbers.start;
    while first < numbers.end {
        let end = (first + REQUEST as u64).min(numbers.end);
        let records: Vec<JsonMap> = (first..end).map(|number| contact(number).data()).collect();
        let start = Instant::now();
        let outcome = table.bulk_create(&records, BulkOptions::default()).await?;
        took += start.elapsed();
        ensure!(outcome.committed, "not created: {:?}", outcome.failures().next());
        ensure!(
            outcome.items.iter().all(|item| matches!(item, Bulk::Created(_))),
            "an item was not created"
        );
        first = end;
    }
    Ok(took)
}

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let count = effort.records(100_000);
    let (bulk, path) = bulk(&runtime, &folder, effort, count)?;
    let small = Reads::of(&runtime, &path, effort, count)?;
    let (tenfold_bulk, path) = bulk_once(&runtime, &folder, count * 10)?;
    let large = Reads::of(&runtime, &path, effort, count * 10)?;
    let mut rows = vec![
        Row::new("bulk create, 10,000 a request", Unit::PerSecond, bulk.0)
            .by_hand(bulk.1, "prepared inserts, 10,000 a commit, without a change log")
            .at_ten_times(tenfold_bulk)
            .bar(Bar::TimesHandAtLeast(0.7))
            .note(SPEC),
        Row::new("get by key", Unit::PerSecond, small.get.0)
            .by_hand(small.get.1, "the same prepared SELECT")
            .at_ten_times(large.get.0)
            .bar(Bar::TimesHandAtLeast(1.0 / 1.3))
            .note("spec: persistence (within 1.3 ×)"),
    ];
    let page = |name: &str, figures: (f64, f64)| {
        Row::new(name, Unit::Ms, figures.0).by_hand(figures.1, "the same prepared SELECT")
    };
    let sizes = [(count, &small), (count * 10, &large)];
    for (count, reads) in sizes {
        rows.push(
            page(
                &format!("page of 50: indexed filter, sort, {count} records"),
                reads.indexed,
            )
            .bar(Bar::AtMost(2.0))
            .note(SPEC),
        );
        rows.push(
            page(
                &format!("page of 50: unindexed filter, sort, {count} records"),
                reads.unindexed,
            )
            .bar(Bar::TimesHandAtMost(1.5))
            .note(SPEC),
        );
    }
    for (count, reads) in sizes {
        let pages = reads.last_page;
        rows.push(
            Row::new(
                format!("page {pages} by cursor, key order, {count} records"),
                Unit::Ms,
                reads.late_page,
            )
            .by_hand(reads.first_page, "not by hand, but page 1")
            .bar(Bar::TimesHandAtMost(1.25))
            .note("spec: tables (as fast as page 1; noise of 1.25 × allowed)"),
        );
        rows.push(
            Row::new(
                format!("page {pages} by cursor, indexed sort, {count} records"),
                Unit::Ms,
                reads.late_page_sorted,
            )
            .by_hand(reads.first_page_sorted, "not by hand, but page 1")
            .bar(Bar::TimesHandAtMost(1.25))
            .note("spec: tables (as fast as page 1; noise of 1.25 × allowed)"),
        );
    }
    Ok(Section {
        title: format!(
            "Library, SQLite, synchronous=FULL: a table of 14 columns, {count} and {} records",
            count * 10
        ),
        rows,
    })
}

/// Bulk creation beside prepared inserts by hand, each run into new files; the last store stays.
fn bulk(runtime: &Runtime, folder: &Folder, effort: Effort, count: usize) -> Result<((f64, f64), PathBuf)> {
    let mut run = 0;
    let mut path = PathBuf::new();
    let figures = in_turn(
        effort.slow_runs(),
        || {
            run += 1;
            path = folder.path(&format!("bulk-{run}.db"));
            runtime.block_on(created(&path, count))
        },
        || {
            let theirs = folder.path(&format!("bulk-{}.db", last_file(folder)?));
            let hand = Hand::like(&theirs, &folder.path("bulk-hand.db"), "full")?;
            let took = hand.insert_many(0..count as u64, REQUEST)?;
            drop(hand);
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path(&format!("bulk-hand.db{suffix}")));
            }
            Ok(rate(count as u64, took))
        },
    )?;
    Ok((figures, path))
}

fn last_file(folder: &Folder) -> Result<usize> {
    let exists = |run: &usize| folder.path(&format!("bulk-{run}.db")).exists();
    (1..100).take_while(exists).last().context("no store was made")
}

fn bulk_once(runtime: &Runtime, folder: &Folder, count: usize) -> Result<(f64, PathBuf)> {
    let path = folder.path("bulk-tenfold.db");
    Ok((runtime.block_on(created(&path, count))?, path))
}

async fn created(path: &Path, count: usize) -> Result<f64> {
    let store = Store::open(&sqlite_url(path)).await?;
    let handle = store.create_table(table()).await?;
    let took = create(&handle, 0..count as u64).await?;
    store.close().await?;
    Ok(rate(count as u64, took))
}

/// Figures of reads at one size: Chancery's and by hand.
struct Reads {
    get: (f64, f64),
    indexed: (f64, f64),
    unindexed: (f64, f64),
    first_page: f64,
    late_page: f64,
    first_page_sorted: f64,
    late_page_sorted: f64,
    last_page: usize,
}

impl Reads {
    fn of(runtime: &Runtime, path: &Path, effort: Effort, count: usize) -> Result<Reads> {
        // The database is measured here; the cache has a section of its own.
        let uncached = OpenOptions {
            cache: CacheOptions::off(),
            ..OpenOptions::default()
        };
        let store = runtime.block_on(Store::open_with(&sqlite_url(path), uncached))?;
        let contacts = store.table("contacts")?;
        let hand = Hand::reading(path)?;
        let keys = hand.keys()?;
        ensure!(keys.len() == count, "{} records instead of {count}", keys.len());
        let get = gets(runtime, effort, &contacts, &hand, &keys)?;
        let turns = if effort.quick { 3 } else { 25 };
        let runs = effort.slow_runs();
        let page = |query: &Query| -> Result<usize> {
            let window = PageWindow::Offset(0);
            let page = contacts.page(query, Scope::Live, window, PAGE, Count::None);
            Ok(black_box(runtime.block_on(page)?).records.len())
        };
        let by_hand = |sql: &str, values: &[Value]| -> Result<usize> {
            let mut select = hand.connection.prepare_cached(sql)?;
            let rows = select.query_map(rusqlite::params_from_iter(values), Hand::read)?;
            Ok(black_box(rows.collect::<Result<Vec<_>, _>>()?).len())
        };

        let indexed_sql = hand.select(&format!(
            "WHERE deleted_at IS NULL AND \"{}\" = ? ORDER BY \"{}\" DESC, id LIMIT 50",
            hand.column(5),
            hand.column(9)
        ));
        let indexed = in_turn(
            runs,
            || {
                p50_ms(turns * 4, |turn| {
                    let query = Query::new()
                        .filter("city", Operator::Eq, city(mixed(turn as u64)))
                        .descending("balance");
                    page(&query).map(|_| ())
                })
            },
            || {
                p50_ms(turns * 4, |turn| {
                    by_hand(&indexed_sql, &[city(mixed(turn as u64)).into()]).map(|_| ())
                })
            },
        )?;

        let unindexed_sql = hand.select(&format!(
            "WHERE deleted_at IS NULL AND \"{}\" = ? AND \"{}\" >= ? ORDER BY \"{}\" DESC, id LIMIT 50",
            hand.column(7),
            hand.column(8),
            hand.column(9)
        ));
        let open = hand.status_id("open")?;
        let unindexed = in_turn(
            runs,
            || {
                p50_ms(turns / 3 + 1, |turn| {
                    let query = Query::new()
                        .filter("status", Operator::Eq, "open")
                        .filter("age", Operator::Gte, 40 + turn as i64 % 10)
                        .descending("balance");
                    page(&query).map(|_| ())
                })
            },
            || {
                p50_ms(turns / 3 + 1, |turn| {
                    let age = 40 + turn as i64 % 10;
                    by_hand(&unindexed_sql, &[open.clone().into(), age.into()]).map(|_| ())
                })
            },
        )?;

        let last_page = count / PAGE as usize;
        let (first_page, late_page) = pages(runtime, runs, turns, &contacts, &Query::new(), last_page)?;
        let sorted = Query::new().ascending("city");
        let (first_page_sorted, late_page_sorted) =
            pages(runtime, runs, turns, &contacts, &sorted, last_page)?;
        runtime.block_on(store.close())?;
        Ok(Reads {
            get,
            indexed,
            unindexed,
            first_page,
            late_page,
            first_page_sorted,
            late_page_sorted,
            last_page,
        })
    }
}

fn gets(
    runtime: &Runtime,
    effort: Effort,
    contacts: &TableHandle,
    hand: &Hand,
    keys: &[Uuid],
) -> Result<(f64, f64)> {
    let at = |turn: u64| keys[mixed(turn) as usize % keys.len()];
    let sql = hand.select("WHERE id = ?");
    in_turn(
        effort.runs(),
        || {
            runtime.block_on(per_second_awaited(effort.span(), async |turn| {
                let record = contacts.get(Key::Uuid(at(turn))).await?;
                black_box(record.context("a record is missing")?);
                Ok(())
            }))
        },
        || {
            per_second(effort.span(), |turn| {
                let mut select = hand.connection.prepare_cached(&sql)?;
                let read = select.query_row([at(turn).as_bytes().as_slice()], Hand::read)?;
                black_box((
                    read.id,
                    read.version,
                    read.texts,
                    read.age,
                    read.cents,
                    read.score,
                    read.active,
                ));
                Ok(())
            })
        },
    )
}

/// The times of the first page and of the last one, reached by its cursor.
fn pages(
    runtime: &Runtime,
    runs: usize,
    turns: usize,
    contacts: &TableHandle,
    query: &Query,
    last_page: usize,
) -> Result<(f64, f64)> {
    let (first, skipped) = (PageWindow::After(None), (last_page as u64 - 1) * PAGE);
    let before = contacts.page(
        query,
        Scope::Live,
        PageWindow::Offset(skipped - 1),
        1,
        Count::None,
    );
    let boundary = runtime
        .block_on(before)?
        .next
        .context("the page before the last is empty")?;
    let last = PageWindow::After(Some(boundary));
    let time = |window: &PageWindow| {
        p50_ms(turns * 4, |_| {
            let page = contacts.page(query, Scope::Live, window.clone(), PAGE, Count::None);
            let page = runtime.block_on(page)?;
            ensure!(
                page.records.len() == PAGE as usize,
                "a page of {}",
                page.records.len()
            );
            black_box(page);
            Ok(())
        })
    };
    in_turn(runs, || time(&first), || time(&last))
}
