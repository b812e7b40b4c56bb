//! `cargo xtask cluster`: everything that a larger installation consists of, on this machine, to look at.
//!
//! Checks nothing: `cargo xtask failover` does.

use anyhow::Result;

use crate::process;
use crate::redis::Redis;
use crate::replicated::{Replicated, Waits};
use crate::repo::ServerBinary;
use crate::server::{Beside, Place, Server};

/// The database of the servers.
const DATABASE: &str = "chancery";

/// Options of `cluster`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many server processes share the database
    #[arg(long, default_value_t = 2)]
    servers: usize,
    #[command(flatten)]
    binary: ServerBinary,
}

/// Starts everything, says where it is, and waits.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let database = Replicated::start(Waits::ForOneMore)?;
    database.create_database(DATABASE)?;
    let place = Place::Database(database.writing_url(DATABASE));
    let redis = Redis::start()?;
    let beside = Beside {
        replicas: database.urls(DATABASE),
        redis: Some(redis.url.clone()),
    };
    let mut servers = Vec::new();
    for _ in 0..options.servers {
        servers.push(Server::start_with(&binary, &place, &beside)?);
    }
    println!("PostgreSQL, written to at {}:", database.name(database.primary()));
    for (node, url) in database.urls(DATABASE).iter().enumerate() {
        let role = if node == database.primary() {
            "primary"
        } else {
            "replica"
        };
        println!("  {} ({role})  {url}", database.name(node));
    }
    println!("Redis, a cache that the servers share:\n  {}", redis.url);
    println!("Chancery:");
    for server in &servers {
        println!("  {}", server.url);
    }
    if let Some(link) = servers.first().and_then(Server::setup_url) {
        println!("Make the first account with this link, once:\n  {link}");
    }
    println!("Ctrl-C ends all of it; nothing is kept.");
    process::wait_for_interrupt();
    println!("\nending …");
    drop(servers);
    Ok(())
}
