//! `cargo xtask live`: a thousand subscriptions on a real server under a steady stream of writes. What each was pushed must make
//! what a fresh read gives; sockets that never read must cost nothing; writers should hardly notice any of it.
//!
//! Says how long writes take with and without subscribers; on a machine with other work that is an indication, no verdict.
//! Subscribers run behind the server and the writer, as they share the machine with them only here.

mod reader;
mod writer;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::repo::ServerBinary;
use crate::server::{self, Server};
use reader::Reader;
use writer::{Figures, Writer};

/// Records in the table before anything else happens.
const RECORDS: u64 = 500;
/// Subscriptions that share one socket.
const ON_ONE_SOCKET: usize = 5;
/// Writes without a subscriber, before and after, last so long together.
const QUIET_PART: f64 = 0.5;
/// How far the threads of subscribers stand behind the others, as `nice` counts.
const BEHIND: i32 = 19;
/// How much more memory the server may hold after the writes than when all had subscribed, in MiB. What a socket that never reads
/// is pushed in the full run comes to more than ten times as much.
const GROWTH_MIB_MAX: u64 = 60;

/// Options of `live`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many subscriptions there are, five to a socket
    #[arg(long, default_value_t = 1_000)]
    subscribers: usize,
    /// How many sockets subscribe and never read
    #[arg(long, default_value_t = 10)]
    deaf: usize,
    /// Writes in a second
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// How long is written, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(flatten)]
    binary: ServerBinary,
}

impl Options {
    /// The short run that belongs to `cargo xtask test`.
    pub(crate) fn short() -> Self {
        Self {
            subscribers: 100,
            deaf: 3,
            rate: 200,
            seconds: 3,
            binary: ServerBinary::default(),
        }
    }
}

/// Subscribes, writes, compares.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let data = tempfile::tempdir()?;
    let mut server = Server::start(&binary, data.path())?;
    let key = server::create_key(&binary, data.path(), "admin")?;
    // Subscribers are on other machines: what they do with a push takes nothing from the server and from who writes.
    let behind = || {
        let _ = rustix::process::nice(BEHIND);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .on_thread_start(behind)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(scene(options, &mut server, &key));
    outcome.with_context(|| format!("the server said:\n{}", server.last_words()))
}

async fn scene(options: &Options, server: &mut Server, key: &str) -> Result<()> {
    let mut writer = Writer::new(&server.url, key)?;
    writer.prepare(RECORDS)?;
    let quiet_for = Duration::from_secs_f64(options.seconds as f64 * QUIET_PART);
    let quiet = writer.run(options.rate, quiet_for).await?;
    let before = server.memory_kib()?;

    let sockets = options.subscribers.div_ceil(ON_ONE_SOCKET);
    let mut readers = Vec::with_capacity(sockets);
    for number in 0..sockets {
        let queries = (0..ON_ONE_SOCKET)
            .map(|at| query(&writer, number * ON_ONE_SOCKET + at))
            .collect();
        readers.push(Reader::open(&server.url, key, queries).await?);
    }
    let mut deaf = Vec::with_capacity(options.deaf);
    for _ in 0..options.deaf {
        deaf.push(Reader::deaf(&server.url, key, json!({"table": "live"})).await?);
    }
    let subscribed = server.memory_kib()?;

    let reading: Vec<_> = readers
        .into_iter()
        .map(|reader| tokio::spawn(reader.follow()))
        .collect();
    let busy = writer
        .run(options.rate, Duration::from_secs(options.seconds))
        .await?;
    let mut pushes = 0;
    for reader in reading {
        pushes += reader.await??.check().await?;
    }
    let after = server.memory_kib()?;
    if !server.is_alive() {
        bail!("the server has ended");
    }
    drop(deaf);
    report(options, sockets, &quiet, &busy, pushes);
    println!(
        "memory of the server: {} MiB before, {} MiB subscribed, {} MiB after {} writes with {} sockets that never read",
        before / 1024,
        subscribed / 1024,
        after / 1024,
        busy.count,
        options.deaf
    );
    let growth = after.saturating_sub(subscribed) / 1024;
    if growth > GROWTH_MIB_MAX {
        bail!(
            "the server holds {growth} MiB more than when all had subscribed; at most {GROWTH_MIB_MAX} are allowed"
        );
    }
    Ok(())
}

fn report(options: &Options, sockets: usize, quiet: &Figures, busy: &Figures, pushes: usize) {
    println!(
        "{} subscriptions on {sockets} sockets: {pushes} pushes, each in order, and every result as a fresh read gives it",
        options.subscribers
    );
    let ratio = |with: Duration, without: Duration| with.as_secs_f64() / without.as_secs_f64().max(1e-9);
    println!(
        "a write takes {:.2?} (p50) and {:.2?} (p99) with subscribers, {:.2?} and {:.2?} without: {:.2} and {:.2} times as long",
        busy.p50,
        busy.p99,
        quiet.p50,
        quiet.p99,
        ratio(busy.p50, quiet.p50),
        ratio(busy.p99, quiet.p99)
    );
}

/// The query of a subscription: of every kind, and most of them about a part of the table.
fn query(writer: &Writer, number: usize) -> serde_json::Value {
    let (group, points) = (format!("g{}", number % 50), number % 10);
    match number % 8 {
        0 => json!({"table": "live", "filter": {"group": group}}),
        1 => json!({"table": "live", "filter": {"group": group}, "sort": {"points": "desc"}, "limit": 5}),
        2 => json!({"table": "live", "filter": {"group": group}, "aggregate": {"function": "count"}}),
        3 => {
            json!({"table": "live", "filter": {"group": group}, "aggregate": {"function": "sum", "field": "points"}})
        }
        4 => json!({"table": "live", "key": writer.id(number)}),
        5 => {
            json!({"table": "live", "filter": {"group": group, "points": {"$gte": points}}, "fields": ["points"]})
        }
        6 => {
            json!({"table": "live", "filter": {"group": group}, "aggregate": {"function": "max", "field": "points"}})
        }
        _ => {
            json!({"table": "live", "filter": {"points": points}, "aggregate": {"function": "count", "groupBy": "group"}})
        }
    }
}
