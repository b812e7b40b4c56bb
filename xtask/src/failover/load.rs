//! Callers that write as fast as they are answered, and what they were told: the judge of the failover run.
//!
//! A refusal for now is tried again until it is clear what became of the write; only what was acknowledged is asked for.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::wire::{Answer, Client, Found};

/// How long a caller who was refused waits.
const PAUSE: Duration = Duration::from_millis(50);
/// How many examples an error shows.
const EXAMPLES: usize = 10;

/// What all callers were told.
#[derive(Default)]
pub(super) struct Load {
    stopped: AtomicBool,
    /// What was acknowledged: id and value by name.
    acknowledged: Mutex<HashMap<String, (String, i64)>>,
    /// For each server process when the request began that was acknowledged last, and when it was.
    last: Mutex<HashMap<usize, (Instant, Instant)>>,
    creates: AtomicU64,
    updates: AtomicU64,
    seen_elsewhere: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    /// A caller of one of the server processes, who looks at the others.
    pub(super) fn writer<'a>(&'a self, clients: &'a [Client], server: usize, number: u32) -> Writer<'a> {
        Writer {
            load: self,
            client: &clients[server],
            other: &clients[(server + 1) % clients.len()],
            server,
            number,
        }
    }

    /// Lets the callers end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, SeqCst);
    }

    /// Waits until a write that began after a moment was acknowledged by every server process; answers how long that took.
    pub(super) fn wait_until_all_write(
        &self,
        servers: usize,
        since: Instant,
        patience: Duration,
    ) -> Result<Duration> {
        while since.elapsed() < patience {
            let last = self.last.lock().expect("no holder of this lock panics").clone();
            let back = last.values().filter(|(began, _)| *began > since);
            if back.clone().count() == servers {
                let when = back.map(|(_, done)| done.duration_since(since)).max();
                return Ok(when.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("not every server process writes again after {patience:?}")
    }

    /// Compares what was acknowledged with what is there; answers how many records that were.
    pub(super) fn check(&self, client: &Client) -> Result<usize> {
        // Copied first: what is acknowledged while the records are read need not be among them.
        let expected = self
            .acknowledged
            .lock()
            .expect("no holder of this lock panics")
            .clone();
        let there: HashMap<String, Found> = client
            .all()?
            .into_iter()
            .map(|found| (found.name.clone(), found))
            .collect();
        let lost = |(name, (id, value)): (&String, &(String, i64))| match there.get(name) {
            None => Some(format!("{name} is gone")),
            Some(found) if found.id != *id => Some(format!("{name} is another record: {found:?}")),
            Some(found) if found.value < *value => Some(format!("{name} had value {value}: {found:?}")),
            Some(_) => None,
        };
        let lost: Vec<String> = expected.iter().filter_map(lost).collect();
        if !lost.is_empty() {
            let examples = lost
                .iter()
                .take(EXAMPLES)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n  ");
            bail!(
                "{} of {} acknowledged records are lost:\n  {examples}",
                lost.len(),
                expected.len()
            );
        }
        Ok(expected.len())
    }

    /// What the callers did, for people.
    pub(super) fn figures(&self) -> impl fmt::Display {
        format!(
            "acknowledged {} creates and {} updates, lost 0 at every check; {} read back through another process; \
             {} requests refused for the moment",
            self.creates.load(SeqCst),
            self.updates.load(SeqCst),
            self.seen_elsewhere.load(SeqCst),
            self.refused.load(SeqCst)
        )
    }

    fn accept(&self, server: usize, began: Instant, found: &Found) {
        let row = (found.id.clone(), found.value);
        self.acknowledged
            .lock()
            .expect("no holder of this lock panics")
            .insert(found.name.clone(), row);
        let mut last = self.last.lock().expect("no holder of this lock panics");
        let first_since = last.get(&server).copied();
        if first_since.is_none_or(|(before, _)| before < began) {
            last.insert(server, (began, Instant::now()));
        }
    }
}

/// One caller.
pub(super) struct Writer<'a> {
    load: &'a Load,
    client: &'a Client,
    other: &'a Client,
    server: usize,
    number: u32,
}

impl Writer<'_> {
    /// Creates records and updates one of its own until it is told to end. Each write is looked for elsewhere.
    pub(super) fn run(self) -> Result<()> {
        let counter = self.create(&format!("counter-{}-{}", self.server, self.number))?;
        for count in 1_i64.. {
            if self.load.stopped.load(SeqCst) {
                break;
            }
            self.create(&format!("single-{}-{}-{count}", self.server, self.number))?;
            if let Some(counter) = &counter {
                self.update(counter, count)?;
            }
        }
        Ok(())
    }

    /// Creates a record, again and again until it is there. None if an answer was lost: then it is not known which id it
    /// has, and nothing was acknowledged.
    fn create(&self, name: &str) -> Result<Option<Found>> {
        let mut tried = false;
        loop {
            let began = Instant::now();
            match self.client.create(name)? {
                Answer::Done(found, revision) => {
                    self.load.creates.fetch_add(1, SeqCst);
                    self.load.accept(self.server, began, &found);
                    self.look(&found, revision)?;
                    return Ok(Some(found));
                }
                Answer::NotNow(_) => self.pause(),
                Answer::Refused(_) if tried => return Ok(None),
                Answer::Refused(why) => bail!("{name} was never sent before, and is refused: {why}"),
            }
            tried = true;
            if self.load.stopped.load(SeqCst) {
                return Ok(None);
            }
        }
    }

    fn update(&self, record: &Found, value: i64) -> Result<()> {
        let began = Instant::now();
        match self.client.update(&record.id, value)? {
            Answer::Done(found, revision) => {
                self.load.updates.fetch_add(1, SeqCst);
                self.load.accept(self.server, began, &found);
                self.look(&found, revision)
            }
            Answer::NotNow(_) => {
                self.pause();
                Ok(())
            }
            Answer::Refused(why) => bail!("{} was acknowledged and cannot be updated: {why}", record.name),
        }
    }

    /// Whoever knows of a write sees it everywhere.
    fn look(&self, written: &Found, revision: u64) -> Result<()> {
        match self.other.get(&written.id, Some(revision))? {
            Answer::Done(found, _) if found.value >= written.value => {
                self.load.seen_elsewhere.fetch_add(1, SeqCst);
                Ok(())
            }
            Answer::NotNow(_) => {
                self.load.refused.fetch_add(1, SeqCst);
                Ok(())
            }
            other => bail!("{written:?} of revision {revision} reads elsewhere as {other:?}"),
        }
    }

    fn pause(&self) {
        self.load.refused.fetch_add(1, SeqCst);
        std::thread::sleep(PAUSE);
    }
}
