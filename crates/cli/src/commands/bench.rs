//! `chancery bench`: what this machine can do, measured on a throw-away database. It proves nothing about other programs.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chancery::{
    BulkOptions, ColumnInput, Count, Durability, JsonMap, OpenOptions, Operator, PageWindow, Query, Scope,
    Store, TableHandle, TableInput, json,
};
use clap::Args;
use serde_json::Value as Json;
use tokio::task::JoinSet;

use super::table::thousands;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;

/// How long each single operation is repeated.
const EACH: Duration = Duration::from_secs(1);
/// Callers at the same time, where several are measured.
const CALLERS: usize = 64;
/// Records in one bulk.
const BULK: u64 = 10_000;

/// Measure what this machine does
#[derive(Args, Debug)]
#[command(
    long_about = "Measure what this machine does: inserts, reads, queries and updates on a database that is thrown \
away afterwards.",
    after_long_help = "\
Examples:
  chancery bench
  chancery bench --records 1000000 --dir /mnt/ssd
  chancery bench --json"
)]
pub(crate) struct Bench {
    /// Records in the table that is measured
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    records: u64,
    /// The folder to measure in; the system's temporary one when absent
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Answer writes before they are on the disk
    #[arg(long)]
    relaxed: bool,
}

/// One line of the answer.
struct Figure {
    what: String,
    count: u64,
    took: Duration,
    /// How many ran at the same time.
    callers: usize,
}

impl Bench {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let dir = match &self.dir {
            Some(dir) => tempfile::tempdir_in(dir),
            None => tempfile::tempdir(),
        };
        let dir = dir.map_err(|error| Failure::new(format!("no folder to measure in: {error}")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let figures = runtime.block_on(self.measure(&chancery::data_url(dir.path()), output))?;
        if output.json() {
            output.value(&figures.iter().map(Figure::to_json).collect::<Vec<_>>())?;
            return Ok(Exit::Done);
        }
        let mut text = TextTable::new(["operation", "a second>", "each, µs>"]);
        for figure in &figures {
            text.row([
                figure.what.clone(),
                thousands(figure.rate() as u64),
                format!("{:.1}", figure.each_us()),
            ]);
        }
        let mut out = output.data();
        text.write(&mut out)?;
        out.flush()?;
        Ok(Exit::Done)
    }

    async fn measure(&self, url: &str, output: &Output) -> Result<Vec<Figure>, Failure> {
        let durability = if self.relaxed {
            Durability::Relaxed
        } else {
            Durability::Full
        };
        let store = Store::open_with(
            url,
            OpenOptions {
                durability,
                ..OpenOptions::default()
            },
        )
        .await?;
        let single = store.create_table(table("Single")).await?;
        let many = store.create_table(table("Many")).await?;
        output.say(&format!(
            "filling a table with {} records …",
            thousands(self.records)
        ));
        let (filled, keys) = fill(&many, self.records).await?;
        let indexed = Query::new()
            .filter("status", Operator::Eq, "open")
            .descending("due");
        let unindexed = Query::new()
            .filter("title", Operator::Contains, "9999")
            .descending("amount");
        let figures = vec![
            filled,
            repeat("insert, one caller", async |n| {
                single.insert(row(n)).await.map(|_| ())
            })
            .await?,
            at_once(&single).await?,
            repeat("get by id", async |n| {
                many.get(&keys[pick(n, keys.len())]).await.map(|_| ())
            })
            .await?,
            repeat("update", async |n| {
                many.update(&keys[pick(n, keys.len())], json!({"amount": n % 1_000}))
                    .await
                    .map(|_| ())
            })
            .await?,
            repeat("page of 50, indexed filter and sort", async |_| {
                page(&many, &indexed).await
            })
            .await?,
            repeat("page of 50, unindexed filter and sort", async |_| {
                page(&many, &unindexed).await
            })
            .await?,
            repeat("count all", async |_| many.count(&Query::new()).await.map(|_| ())).await?,
        ];
        store.close().await?;
        Ok(figures)
    }
}

impl Figure {
    fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// How long one of them took its caller.
    fn each_us(&self) -> f64 {
        self.took.as_secs_f64() * 1e6 * self.callers as f64 / self.count.max(1) as f64
    }

    fn to_json(&self) -> Json {
        json!({"operation": self.what, "count": self.count, "perSecond": self.rate(), "eachUs": self.each_us()})
    }
}

fn table(name: &str) -> TableInput {
    TableInput::new(name)
        .column(ColumnInput::new("title", "text").required())
        .column(ColumnInput::new("status", "text").indexed())
        .column(ColumnInput::new("due", "date").indexed())
        .column(ColumnInput::new("amount", "number"))
}

fn row(n: u64) -> Json {
    let status = ["open", "waiting", "done", "done"][(n % 4) as usize];
    json!({
        "title": format!("Record number {n}"), "status": status, "amount": n % 977,
        "due": format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1),
    })
}

/// Fills a table and remembers some of its keys.
async fn fill(table: &TableHandle, records: u64) -> Result<(Figure, Vec<String>), Failure> {
    let (mut took, mut keys) = (Duration::ZERO, Vec::new());
    let mut next = 0;
    while next < records {
        let end = records.min(next + BULK);
        let rows: Vec<JsonMap> = (next..end).filter_map(|n| row(n).as_object().cloned()).collect();
        let started = Instant::now();
        let outcome = table.bulk_create(&rows, BulkOptions::default()).await?;
        took += started.elapsed();
        let created = outcome.items.iter().filter_map(|item| match item {
            chancery::Bulk::Created(record) => Some(record.id()),
            _ => None,
        });
        keys.extend(created.step_by(10));
        next = end;
    }
    let what = format!("bulk create, {} at a time", thousands(BULK.min(records)));
    Ok((
        Figure {
            what,
            count: records,
            took,
            callers: 1,
        },
        keys,
    ))
}

/// Repeats an operation for a while.
async fn repeat(
    what: &str,
    work: impl AsyncFn(u64) -> Result<(), chancery::Error>,
) -> Result<Figure, Failure> {
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < EACH {
        work(count).await?;
        count += 1;
    }
    Ok(Figure {
        what: what.into(),
        count,
        took: started.elapsed(),
        callers: 1,
    })
}

/// Inserts from many callers, which commit together.
async fn at_once(table: &TableHandle) -> Result<Figure, Failure> {
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS as u64 {
        let table = table.clone();
        callers.spawn(async move {
            let mut count = 0;
            while started.elapsed() < EACH {
                table.insert(row(caller * 1_000_000 + count)).await?;
                count += 1;
            }
            Ok::<u64, chancery::Error>(count)
        });
    }
    let mut count = 0;
    while let Some(done) = callers.join_next().await {
        count += done.map_err(|error| Failure::new(error.to_string()))??;
    }
    Ok(Figure {
        what: format!("insert, {CALLERS} callers"),
        count,
        took: started.elapsed(),
        callers: CALLERS,
    })
}

async fn page(table: &TableHandle, query: &Query) -> Result<(), chancery::Error> {
    table
        .page(query, Scope::Live, PageWindow::Offset(0), 50, Count::None)
        .await
        .map(|_| ())
}

/// A place in a list that jumps about: multiples of a large prime.
fn pick(n: u64, length: usize) -> usize {
    (n.wrapping_mul(2_654_435_761) % length.max(1) as u64) as usize
}
