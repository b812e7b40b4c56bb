//! Those that follow are stopped in mid-sentence, killed and started again, while callers read: none may be refused.
//!
//! What the server processes say in their log tells that they noticed. At last, with nobody left who follows, a write must
//! not be acknowledged.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::wire::{Answer, Client};
use crate::replicated::Replicated;
use crate::server::Server;

/// Callers that read, of each server process.
const READERS: usize = 2;
/// How long things stay as they are.
const PHASE: Duration = Duration::from_secs(3);
/// How long a server process may take to notice.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// What it says when it does.
const TAKEN_OUT: &str = "a replica is not read from any more";
const TAKEN_IN: &str = "a replica is read from";

/// Reads under every outage.
pub(super) fn run(database: &mut Replicated, clients: &[Client], servers: &[Server]) -> Result<()> {
    let (record, revision) = match clients[0].create("read-all-the-time")? {
        Answer::Done(found, revision) => (found, revision),
        other => bail!("there is nothing to read: {other:?}"),
    };
    let ended = AtomicBool::new(false);
    let longest = Mutex::new((0_u64, Duration::ZERO));
    let outcome = std::thread::scope(|scope| {
        let mut readers = Vec::new();
        for client in clients.iter().flat_map(|client| [client; READERS]) {
            let (ended, longest, id) = (&ended, &longest, record.id.as_str());
            readers.push(scope.spawn(move || read(client, id, revision, ended, longest)));
        }
        let work = break_things(database, servers).and_then(|()| write_alone(database, &clients[0]));
        ended.store(true, SeqCst);
        let read: Result<Vec<()>> = readers
            .into_iter()
            .map(|reader| reader.join().expect("a reader panicked"))
            .collect();
        work.and(read.map(drop))
    });
    let (reads, longest) = *longest.lock().expect("no holder of this lock panics");
    println!(
        "replicas stopped and killed: {reads} reads, none refused, the longest took {} ms",
        longest.as_millis()
    );
    outcome
}

/// Reads one record until it is told to end, each time at least as new as before.
fn read(
    client: &Client,
    id: &str,
    mut revision: u64,
    ended: &AtomicBool,
    longest: &Mutex<(u64, Duration)>,
) -> Result<()> {
    while !ended.load(SeqCst) {
        let began = Instant::now();
        match client.get(id, Some(revision))? {
            Answer::Done(_, newer) => {
                revision = revision.max(newer);
                let mut longest = longest.lock().expect("no holder of this lock panics");
                *longest = (longest.0 + 1, longest.1.max(began.elapsed()));
            }
            other => bail!("a read was refused while the primary is well: {other:?}"),
        }
    }
    Ok(())
}

fn break_things(database: &mut Replicated, servers: &[Server]) -> Result<()> {
    let [first, second] = database.followers()[..] else {
        bail!("two servers should follow");
    };
    println!("{} is stopped", database.name(first));
    noticed(servers, TAKEN_OUT, &database.host(first), || {
        database.pause(first)
    })?;
    std::thread::sleep(PHASE);
    println!("{} goes on", database.name(first));
    noticed(servers, TAKEN_IN, &database.host(first), || {
        database.resume(first)
    })?;
    std::thread::sleep(PHASE);
    println!("{} is killed", database.name(second));
    noticed(servers, TAKEN_OUT, &database.host(second), || {
        database.kill(second)
    })?;
    std::thread::sleep(PHASE);
    println!("{} is killed too", database.name(first));
    noticed(servers, TAKEN_OUT, &database.host(first), || database.kill(first))?;
    std::thread::sleep(PHASE);
    for node in [first, second] {
        println!("{} is started again", database.name(node));
        noticed(servers, TAKEN_IN, &database.host(node), || database.restart(node))?;
    }
    std::thread::sleep(PHASE);
    Ok(())
}

/// A primary that waits for another server must not give up waiting at the time limit of a statement: it would acknowledge
/// what only it has.
fn write_alone(database: &mut Replicated, client: &Client) -> Result<()> {
    let followers = database.followers();
    followers.iter().try_for_each(|node| database.pause(*node))?;
    let (waited, answer) = std::thread::scope(|scope| {
        let write = scope.spawn(|| client.create("written-alone"));
        std::thread::sleep(PHASE);
        let waited = !write.is_finished();
        followers.iter().try_for_each(|node| database.resume(*node))?;
        anyhow::Ok((waited, write.join().expect("a writer panicked")?))
    })?;
    match (waited, answer) {
        (true, Answer::Done(..)) => {
            println!("a write without anybody who follows waited {PHASE:?} until somebody did");
            Ok(())
        }
        (waited, answer) => {
            bail!("a write without anybody who follows: waited {waited}, answered {answer:?}")
        }
    }
}

/// Does something to a server, and waits until every server process has said that it noticed.
fn noticed(servers: &[Server], words: &str, host: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    let before: Vec<usize> = servers.iter().map(Server::line_count).collect();
    act()?;
    let began = Instant::now();
    while !servers
        .iter()
        .zip(&before)
        .all(|(server, lines)| server.said_since(*lines, [words, host]))
    {
        if began.elapsed() > NOTICED_WITHIN {
            bail!("not every server process said {words:?} within {NOTICED_WITHIN:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("  noticed after {} ms", began.elapsed().as_millis());
    Ok(())
}
