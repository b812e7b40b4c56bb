//! The library on PostgreSQL beside the same work by hand with the driver, on one server with full durability.

mod hand;

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chancery::{
    CacheOptions, Count, Json, Key, OpenOptions, Operator, PageWindow, Query, Scope, Store, TableHandle,
    postgres,
};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::contacts::{city, contact, mixed, table};
use crate::measure::{Effort, callers, in_turn, p50_ms, rate};
use crate::report::{Bar, Row, Section, Unit};
use crate::tables;
use hand::Hand;

/// Names the server: the URL of a superuser of a cluster that nobody needs.
const SERVER: &str = "CHANCERY_TEST_POSTGRES";
/// The database that is made for the run.
const DATABASE: &str = "chancery_bench";
const CALLERS: [usize; 3] = [1, 16, 64];
/// Connections that Chancery may have at once, and as many by hand.
pub(crate) const CONNECTIONS: usize = 16;
/// Records on a page.
const PAGE: u64 = 50;
const SPEC: &str = "spec: persistence";

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = std::env::var(SERVER)
        .with_context(|| format!("`cargo xtask bench` starts a server; {SERVER} names another"))?;
    runtime.block_on(postgres::remove(&server, DATABASE))?;
    let url = runtime.block_on(postgres::create(&server, DATABASE))?;
    let measured = measure(&runtime, effort, &url);
    let removed = runtime.block_on(postgres::remove(&server, DATABASE));
    let rows = measured?;
    removed?;
    Ok(Section {
        title: format!(
            "Library, PostgreSQL on this machine, fsync on: a table of 14 columns, {} records",
            effort.records(100_000)
        ),
        rows,
    })
}

fn measure(runtime: &Runtime, effort: Effort, url: &str) -> Result<Vec<Row>> {
    let count = effort.records(100_000);
    let (store, contacts, hand) = runtime.block_on(async {
        // The database is measured here; the cache has a section of its own.
        let uncached = OpenOptions {
            cache: CacheOptions::off(),
            ..OpenOptions::default()
        };
        let store = Store::open_with(url, uncached).await?;
        let contacts = store.create_table(table()).await?;
        anyhow::Ok((store, contacts, Hand::open(url).await?))
    })?;
    let (hand, mut next) = (Arc::new(hand), 0_u64);
    let mut bulk = |ours: bool| -> Result<f64> {
        let numbers = next..next + count as u64;
        next = numbers.end;
        runtime.block_on(async {
            let took = match ours {
                true => tables::create(&contacts, numbers).await?,
                false => hand.copy(numbers).await?,
            };
            Ok(rate(count as u64, took))
        })
    };
    let first = bulk(true)?;
    let first_by_hand = bulk(false)?;
    let mut rows = vec![
        Row::new("bulk create, 10,000 a request", Unit::PerSecond, first).by_hand(
            first_by_hand,
            "binary COPY, 10,000 a commit, without a change log",
        ),
    ];
    rows.extend(inserts(runtime, effort, &contacts, &hand, next)?);
    let keys = Arc::new(runtime.block_on(hand.keys("t1"))?);
    let theirs = Arc::new(runtime.block_on(hand.keys("hand"))?);
    ensure!(
        keys.len() >= count && theirs.len() >= count,
        "records are missing"
    );
    for many in [1, 64] {
        rows.push(gets(runtime, effort, many, (&contacts, &keys), (&hand, &theirs))?);
    }
    rows.push(pages(runtime, effort, &contacts, &hand)?);
    runtime.block_on(store.close())?;
    Ok(rows)
}

fn name(what: &str, callers: usize) -> String {
    match callers {
        1 => format!("{what}, 1 caller"),
        more => format!("{what}, {more} callers"),
    }
}

fn inserts(
    runtime: &Runtime,
    effort: Effort,
    contacts: &TableHandle,
    hand: &Arc<Hand>,
    first: u64,
) -> Result<Vec<Row>> {
    let (runs, span) = (effort.slow_runs(), effort.long_span());
    let mut next = first;
    let mut fresh = move || {
        next += 10_000_000;
        next
    };
    let mut rows = Vec::new();
    for many in CALLERS {
        let from = std::cell::RefCell::new(&mut fresh);
        let figures = in_turn(
            runs,
            || {
                let (contacts, from) = (contacts.clone(), (from.borrow_mut())());
                runtime.block_on(callers(many, span, move |turn| {
                    let contacts = contacts.clone();
                    async move {
                        contacts.insert(Json::Object(contact(from + turn).data())).await?;
                        Ok(())
                    }
                }))
            },
            || {
                let (hand, from) = (hand.clone(), (from.borrow_mut())());
                runtime.block_on(callers(many, span, move |turn| {
                    let hand = hand.clone();
                    async move { hand.insert(turn as usize, from + turn).await }
                }))
            },
        )?;
        rows.push(
            Row::new(name("insert", many), Unit::PerSecond, figures.0).by_hand(
                figures.1,
                "one prepared INSERT a commit, as many callers on 16 connections, without a change log",
            ),
        );
    }
    Ok(rows)
}

fn gets(
    runtime: &Runtime,
    effort: Effort,
    many: usize,
    (contacts, keys): (&TableHandle, &Arc<Vec<Uuid>>),
    (hand, theirs): (&Arc<Hand>, &Arc<Vec<Uuid>>),
) -> Result<Row> {
    let figures = in_turn(
        effort.slow_runs(),
        || {
            let (contacts, keys) = (contacts.clone(), keys.clone());
            runtime.block_on(callers(many, effort.span(), move |turn| {
                let (contacts, keys) = (contacts.clone(), keys.clone());
                async move {
                    let key = Key::Uuid(keys[mixed(turn) as usize % keys.len()]);
                    black_box(contacts.get(key).await?.context("a record is missing")?);
                    Ok(())
                }
            }))
        },
        || {
            let (hand, keys) = (hand.clone(), theirs.clone());
            runtime.block_on(callers(many, effort.span(), move |turn| {
                let (hand, keys) = (hand.clone(), keys.clone());
                async move {
                    let key = keys[mixed(turn) as usize % keys.len()];
                    hand.get(turn as usize, key).await
                }
            }))
        },
    )?;
    Ok(Row::new(name("get by key", many), Unit::PerSecond, figures.0)
        .by_hand(
            figures.1,
            "the same prepared SELECT, as many callers on 16 connections",
        )
        .bar(Bar::TimesHandAtLeast(1.0 / 1.3))
        .note(SPEC))
}

fn pages(runtime: &Runtime, effort: Effort, contacts: &TableHandle, hand: &Arc<Hand>) -> Result<Row> {
    let turns = if effort.quick { 5 } else { 100 };
    let figures = in_turn(
        effort.slow_runs(),
        || {
            p50_ms(turns, |turn| {
                let query = Query::new()
                    .filter("city", Operator::Eq, city(mixed(turn as u64)))
                    .descending("balance");
                let page = contacts.page(&query, Scope::Live, PageWindow::Offset(0), PAGE, Count::None);
                black_box(runtime.block_on(page)?);
                Ok(())
            })
        },
        || {
            p50_ms(turns, |turn| {
                runtime.block_on(hand.page(&city(mixed(turn as u64))))
            })
        },
    )?;
    Ok(Row::new("page of 50: indexed filter, sort", Unit::Ms, figures.0)
        .by_hand(figures.1, "the same prepared SELECT"))
}
