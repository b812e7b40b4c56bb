//! A real PostgreSQL server with two that follow it by streaming, for tests and for a look at it: started on free ports,
//! killed, paused, promoted and rebuilt as a test wants it, gone when dropped.
//!
//! Decides nothing about when what should fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::postgres::{self, Durability, Owner, SUPERUSER, free_port};
use crate::process::{self, Group};
use crate::provision::{Need, provide};

/// Names servers that follow one another to the tests: the primary, one that follows at once, one that follows late.
pub(crate) const VARIABLE: &str = "CHANCERY_TEST_REPLICAS";
/// How much later the late one shows what it has received.
pub(crate) const LATE_BY: &str = "5s";
/// How many servers there are.
const NODES: usize = 3;
/// How long a process that was told to stop may take to it.
const STOPPED_WITHIN: Duration = Duration::from_millis(5);
/// How long a server that follows may take until it has everything.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(30);

/// When the primary acknowledges a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    /// When it has it.
    ForItself,
    /// When one that follows has it too.
    ForOneMore,
}

/// One server.
struct Node {
    name: String,
    port: u16,
    data: PathBuf,
    group: Option<Group>,
    /// Settings of its own.
    extra: Vec<String>,
}

/// Three servers, of which two follow the third.
pub(crate) struct Replicated {
    programs: PathBuf,
    owner: Owner,
    waits: Waits,
    nodes: Vec<Node>,
    primary: usize,
    // Removed after the servers have ended.
    folder: tempfile::TempDir,
}

impl Replicated {
    /// Makes and starts all three.
    pub(crate) fn start(waits: Waits) -> Result<Replicated> {
        Self::start_with(waits, &[])
    }

    /// As [`Replicated::start`], where the last one shows late what it has received.
    pub(crate) fn start_late() -> Result<Replicated> {
        let delay = format!("recovery_min_apply_delay={LATE_BY}");
        Self::start_with(Waits::ForItself, &[delay])
    }

    fn start_with(waits: Waits, last: &[String]) -> Result<Replicated> {
        let initdb = provide(Need::Postgres)?;
        let programs = initdb.parent().unwrap_or(Path::new("/")).to_owned();
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let owner = Owner::choose(folder.path())?;
        let mut nodes = Vec::new();
        for number in 1..=NODES {
            nodes.push(Node {
                name: format!("n{number}"),
                port: free_port()?,
                data: folder.path().join(format!("n{number}")),
                group: None,
                extra: if number == NODES {
                    last.to_vec()
                } else {
                    Vec::new()
                },
            });
        }
        postgres::make_cluster(&programs, &owner, folder.path(), &nodes[0].data)?;
        let mut cluster = Replicated {
            programs,
            owner,
            waits,
            nodes,
            primary: 0,
            folder,
        };
        cluster.run(0)?;
        for follower in 1..NODES {
            cluster.rebuild(follower)?;
        }
        cluster.wait_for_followers()?;
        // Of those that follow too: it counts from the moment one is promoted.
        (0..NODES).try_for_each(|node| cluster.demand(node))?;
        Ok(cluster)
    }

    /// Which one is written to.
    pub(crate) fn primary(&self) -> usize {
        self.primary
    }

    /// What a server is called.
    pub(crate) fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// Where a server listens.
    pub(crate) fn host(&self, node: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[node].port)
    }

    /// Makes a database.
    pub(crate) fn create_database(&self, name: &str) -> Result<()> {
        let mut create = self.owner.command(&self.programs.join("createdb"));
        create
            .arg("--maintenance-db")
            .arg(self.url(self.primary, "postgres"))
            .arg(name);
        process::capture(&mut create).map(drop)
    }

    /// The URLs of all servers.
    pub(crate) fn urls(&self, database: &str) -> Vec<String> {
        (0..NODES).map(|node| self.url(node, database)).collect()
    }

    /// Those that follow.
    pub(crate) fn followers(&self) -> Vec<usize> {
        (0..NODES).filter(|node| *node != self.primary).collect()
    }

    /// The URL of one server.
    pub(crate) fn url(&self, node: usize, database: &str) -> String {
        self.address(&self.nodes[node].port.to_string(), database)
    }

    /// The URL of whichever server is written to.
    pub(crate) fn writing_url(&self, database: &str) -> String {
        let servers: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        let (user, password) = SUPERUSER;
        format!(
            "postgres://{user}:{password}@{}/{database}?target_session_attrs=read-write",
            servers.join(",")
        )
    }

    fn address(&self, port: &str, database: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{port}/{database}",
            SUPERUSER.0, SUPERUSER.1
        )
    }

    /// Asks one server something; the answer as it prints it.
    pub(crate) fn ask(&self, node: usize, question: &str) -> Result<String> {
        let mut ask = self.owner.command(&self.programs.join("psql"));
        ask.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--command",
            question,
        ]);
        ask.arg(self.url(node, "postgres"));
        Ok(process::capture(&mut ask)?.trim().to_owned())
    }

    /// SIGKILL to a server and everything it had started, at once: what a power button does. All of them stand still before
    /// the first one dies: what outlives its parent, if only for a moment, gives up waiting for a standby and shows commits
    /// that nobody else has.
    pub(crate) fn kill(&mut self, node: usize) -> Result<()> {
        self.pause(node)?;
        // What was started while the others were being stopped.
        self.pause(node)?;
        std::thread::sleep(STOPPED_WITHIN);
        let family = self.processes(node)?;
        let Some(group) = self.nodes[node].group.take() else {
            bail!("{} does not run", self.nodes[node].name);
        };
        send(&family, Signal::KILL);
        group.kill()
    }

    /// Stops a server and everything it has started in the middle of whatever they do.
    pub(crate) fn pause(&mut self, node: usize) -> Result<()> {
        send(&self.processes(node)?, Signal::STOP);
        Ok(())
    }

    /// Lets a stopped server go on.
    pub(crate) fn resume(&mut self, node: usize) -> Result<()> {
        send(&self.processes(node)?, Signal::CONT);
        Ok(())
    }

    fn processes(&mut self, node: usize) -> Result<Vec<Pid>> {
        match &mut self.nodes[node].group {
            Some(group) => family(group.child().id()),
            None => bail!("{} does not run", self.nodes[node].name),
        }
    }

    /// Starts a server again on the files it has.
    pub(crate) fn restart(&mut self, node: usize) -> Result<()> {
        self.run(node)
    }

    /// Makes the follower that has received most the primary, and answers which that is.
    pub(crate) fn promote(&mut self) -> Result<usize> {
        let mut best: Option<(u64, usize)> = None;
        for node in self
            .followers()
            .into_iter()
            .filter(|node| self.nodes[*node].group.is_some())
        {
            let received = self.ask(
                node,
                "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint",
            )?;
            let received = received
                .parse()
                .with_context(|| format!("{received:?} is no position"))?;
            best = best.max(Some((received, node)));
        }
        let (_, node) = best.context("nobody follows who could be promoted")?;
        let mut promote = self.owner.command(&self.programs.join("pg_ctl"));
        promote
            .args(["promote", "--wait", "--silent", "--pgdata"])
            .arg(&self.nodes[node].data);
        process::capture(&mut promote).context("pg_ctl promote failed")?;
        self.primary = node;
        Ok(node)
    }

    /// Lets a follower that runs follow the primary from now on. The primary has received at least as much, so it can.
    pub(crate) fn follow(&mut self, node: usize) -> Result<()> {
        let name = self.nodes[node].name.clone();
        let slot = format!("SELECT pg_create_physical_replication_slot('{name}', true)");
        self.ask(self.primary, &slot)?;
        let (user, password) = SUPERUSER;
        let port = self.nodes[self.primary].port;
        let from =
            format!("primary_conninfo = 'host=127.0.0.1 port={port} user={user} password={password}'\n");
        self.set(node, &from)
    }

    /// Makes a server that does not run, or runs on other files, a follower of the primary: a copy of it, from nothing.
    pub(crate) fn rebuild(&mut self, node: usize) -> Result<()> {
        if self.nodes[node].group.is_some() {
            self.kill(node)?;
        }
        let (name, data) = (self.nodes[node].name.clone(), self.nodes[node].data.clone());
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot remove the files of {name}"))?;
        }
        let mut copy = self.owner.command(&self.programs.join("pg_basebackup"));
        copy.arg("--dbname").arg(self.url(self.primary, "postgres"));
        copy.arg("--pgdata").arg(&data).arg("--slot").arg(&name);
        copy.args([
            "--create-slot",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]);
        process::capture(&mut copy).with_context(|| format!("pg_basebackup for {name} failed"))?;
        self.run(node)
    }

    /// Waits until every follower has received all that the primary has.
    pub(crate) fn wait_for_followers(&self) -> Result<()> {
        let deadline = Instant::now() + CAUGHT_UP_WITHIN;
        let question = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' \
                        AND flush_lsn = pg_current_wal_flush_lsn()";
        let running = self
            .followers()
            .into_iter()
            .filter(|node| self.nodes[*node].group.is_some())
            .count();
        while self.ask(self.primary, question)? != running.to_string() {
            if Instant::now() > deadline {
                bail!(
                    "the followers of {} do not catch up",
                    self.nodes[self.primary].name
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Says what a primary waits for before it acknowledges.
    fn demand(&self, node: usize) -> Result<()> {
        if self.waits == Waits::ForItself {
            return Ok(());
        }
        let names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        self.set(
            node,
            &format!("synchronous_standby_names = 'ANY 1 ({})'\n", names.join(", ")),
        )
    }

    /// Changes a setting of a server that runs.
    fn set(&self, node: usize, setting: &str) -> Result<()> {
        // Appended: of a setting that stands twice the last one counts, and a copy of the files takes it along.
        let file = self.nodes[node].data.join("postgresql.auto.conf");
        let mut settings = fs::read_to_string(&file).context("cannot read the settings of a server")?;
        settings.push_str(setting);
        fs::write(&file, settings).context("cannot write the settings of a server")?;
        let mut reload = self.owner.command(&self.programs.join("pg_ctl"));
        reload
            .args(["reload", "--silent", "--pgdata"])
            .arg(&self.nodes[node].data);
        process::capture(&mut reload).context("pg_ctl reload failed")?;
        Ok(())
    }

    fn run(&mut self, number: usize) -> Result<()> {
        let node = &self.nodes[number];
        let mut serve = self.owner.command(&self.programs.join("postgres"));
        serve.arg("-D").arg(&node.data).arg("-k").arg(self.folder.path());
        let durability = match self.waits {
            Waits::ForItself => Durability::None,
            Waits::ForOneMore => Durability::Full,
        };
        let own = [
            format!("cluster_name={}", node.name),
            // How soon one that lost its primary looks for it again; by itself it waits for five seconds.
            "wal_retrieve_retry_interval=200ms".to_owned(),
        ];
        for setting in postgres::settings(node.port, durability)
            .iter()
            .chain(&own)
            .chain(&node.extra)
        {
            serve.arg("-c").arg(setting);
        }
        let path = self.folder.path().join(format!("{}.log", node.name));
        let log = fs::File::create(&path).context("cannot create the log")?;
        let errors = log.try_clone().context("cannot share the log")?;
        // What a killed server left makes the next one believe that it still runs.
        let _ = fs::remove_file(node.data.join("postmaster.pid"));
        let mut group = Group::spawn(serve.stdin(Stdio::null()).stdout(log).stderr(errors))?;
        postgres::wait_until_ready(&self.programs, node.port, &mut group, &path)?;
        self.nodes[number].group = Some(group);
        Ok(())
    }
}

impl Drop for Replicated {
    fn drop(&mut self) {
        for node in 0..NODES {
            if self.nodes[node].group.is_some() {
                // One that is stopped would not hear that it is to end.
                let _ = self.kill(node);
            }
        }
    }
}

/// A process and those it has started.
fn family(parent: u32) -> Result<Vec<Pid>> {
    let mut found = Vec::from_iter(Pid::from_raw(parent.cast_signed()));
    for entry in fs::read_dir("/proc")
        .context("cannot list the processes")?
        .flatten()
    {
        let Ok(number) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        // The name in brackets may hold anything; the parent is the second word after it.
        let Ok(status) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let after = status.rsplit_once(')').map_or("", |(_, after)| after);
        if after.split_whitespace().nth(1) == Some(parent.to_string().as_str()) {
            found.extend(Pid::from_raw(number));
        }
    }
    Ok(found)
}

fn send(processes: &[Pid], signal: Signal) {
    for process in processes {
        // It may have ended meanwhile.
        let _ = kill_process(*process, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_process_and_its_children() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep starts");
        let family = family(std::process::id()).expect("the processes can be listed");
        assert!(family.contains(&Pid::from_raw(child.id().cast_signed()).expect("not zero")));
        assert_eq!(
            family[0],
            Pid::from_raw(std::process::id().cast_signed()).expect("not zero")
        );
        child.kill().expect("it can be ended");
        child.wait().expect("it ends");
    }
}
