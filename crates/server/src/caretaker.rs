//! The caretaker of the store and its vault, for as long as the server runs: it takes back imports that a program left, closes the segments of the audit, reads keys that another process
//! made, goes on with jobs that a program left, counts downloads, and lets go of files that nobody names. What either means is the library's business.

use std::time::Duration;

use chancery::Store;
use chancery::vault::Vault;
use chancery_api::limits;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often the caretaker does what.
#[derive(Clone, Copy)]
struct Rounds {
    audit: Duration,
    jobs: Duration,
    downloads: Duration,
    files: Duration,
}

/// Looks after the vault until it is stopped.
pub(crate) struct Caretaker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Caretaker {
    /// Begins at once with the jobs that were left.
    pub(crate) fn start(store: Store, vault: Vault) -> Caretaker {
        let rounds = Rounds {
            audit: Duration::from_secs(limits::VAULT_AUDIT_CLOSE_SECONDS),
            jobs: Duration::from_secs(limits::JOBS_LOOK_SECONDS),
            downloads: Duration::from_secs(limits::DOWNLOADS_KEEP_SECONDS),
            files: Duration::from_secs(limits::FILES_SWEEP_SECONDS),
        };
        Caretaker::with((store, vault), rounds)
    }

    fn with(cared_for: (Store, Vault), rounds: Rounds) -> Caretaker {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(look_after(cared_for, rounds, stopped));
        Caretaker { stop, task }
    }

    /// Closes the audit's segment a last time. Jobs stay as their last batch left them, and go on in the next program.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        let longest = Duration::from_secs(limits::DRAIN_SECONDS_MAX);
        let _ = tokio::time::timeout(longest, self.task).await;
    }
}

async fn look_after((store, vault): (Store, Vault), rounds: Rounds, mut stop: watch::Receiver<bool>) {
    let mut jobs = every(rounds.jobs, Duration::ZERO);
    let mut audit = every(rounds.audit, rounds.audit);
    let mut downloads = every(rounds.downloads, rounds.downloads);
    let mut files = every(rounds.files, rounds.files);
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            _ = jobs.tick() => {
                let_go(&store).await;
                go_on_with_types(&store).await;
                go_on(&vault).await;
            }
            _ = audit.tick() => close(&vault).await,
            _ = downloads.tick() => count(&store).await,
            _ = files.tick() => sweep(&store).await,
        }
    }
    close(&vault).await;
    count(&store).await;
}

fn every(period: Duration, first: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Takes back the imports that a program left, and lets go of files that nobody imports.
async fn let_go(store: &Store) {
    store.forget_import_files();
    if let Err(error) = store.take_back_interrupted_imports().await {
        tracing::warn!(%error, "imports that were interrupted could not be taken back; trying again");
    }
}

/// Goes on with the changes of field types that nobody works on.
async fn go_on_with_types(store: &Store) {
    match store.resume_left_type_changes().await {
        Ok(resumed) => resumed.iter().for_each(|job| goes_on(job.id())),
        Err(error) => {
            tracing::warn!(%error, "changes of field types that were left could not be resumed; trying again");
        }
    }
}

fn goes_on(job: &str) {
    tracing::info!(job, "a job that was left goes on");
}

/// Writes down how often files were downloaded.
async fn count(store: &Store) {
    if let Err(error) = store.keep_downloads().await {
        tracing::warn!(%error, "downloads could not be counted; trying again");
    }
}

/// Lets go of files that nobody names.
async fn sweep(store: &Store) {
    match store.sweep_files().await {
        Ok(swept) if swept.files + swept.contents > 0 => {
            tracing::info!(
                files = swept.files,
                contents = swept.contents,
                "let go of files that nobody names"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "files that nobody names could not be let go; trying again"),
    }
}

/// Goes on with the jobs of the vault that nobody works on.
async fn go_on(vault: &Vault) {
    if vault.is_sealed() {
        return;
    }
    match vault.resume_left().await {
        Ok(resumed) => {
            resumed.iter().for_each(|job| goes_on(job.id()));
        }
        Err(error) => tracing::warn!(%error, "jobs that were left could not be resumed; trying again"),
    }
}

/// Closes the audit's segment if it has entries, and reads the keys that other processes made.
async fn close(vault: &Vault) {
    if vault.is_sealed() {
        return;
    }
    if let Err(error) = vault.refresh_keys().await {
        tracing::warn!(%error, "the vault's keys could not be read again; trying again");
    }
    if let Err(error) = vault.seal_audit().await {
        tracing::warn!(%error, "the segment of the vault's audit could not be closed; trying again");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chancery::vault::{FileRoot, KdfParams, NewSecret, Secret, VaultJob, VaultOptions};
    use chancery::{JobOptions, JobState, Store};

    use super::*;

    const NEVER: Duration = Duration::from_secs(3_600);
    const OFTEN: Duration = Duration::from_millis(10);

    async fn store() -> Store {
        Store::open("memory:").await.unwrap()
    }

    async fn vault() -> Vault {
        let store = store().await;
        let folder = tempfile::tempdir().unwrap();
        let root = FileRoot::create(folder.path().join("vault.key")).unwrap();
        let options = VaultOptions {
            root: Some(Arc::new(root)),
            kdf: KdfParams::new(7 * 1_024, 1, 1).unwrap(),
            ..VaultOptions::default()
        };
        Vault::open(&store, options).await.unwrap()
    }

    /// How many segments of the audit are closed, the one of this question included.
    async fn segments(vault: &Vault) -> u64 {
        vault.create(NewSecret::new("asked")).await.unwrap();
        let report = vault.verify_audit(None).await.unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
        report.segments
    }

    #[tokio::test]
    async fn the_audit_is_closed_again_and_again() {
        let vault = vault().await;
        let rounds = Rounds {
            audit: OFTEN,
            jobs: NEVER,
            downloads: NEVER,
            files: NEVER,
        };
        let caretaker = Caretaker::with((store().await, vault.clone()), rounds);
        for _ in 0..3 {
            vault.create(NewSecret::new("v")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        assert!(segments(&vault).await >= 4);
        caretaker.stop().await;
    }

    #[tokio::test]
    async fn the_audit_is_closed_when_the_server_stops() {
        let vault = vault().await;
        let rounds = Rounds {
            audit: NEVER,
            jobs: NEVER,
            downloads: NEVER,
            files: NEVER,
        };
        let caretaker = Caretaker::with((store().await, vault.clone()), rounds);
        vault.create(NewSecret::new("v")).await.unwrap();
        caretaker.stop().await;
        assert_eq!(segments(&vault).await, 2);
    }

    #[tokio::test]
    async fn a_sealed_vault_is_left_alone() {
        let store = store().await;
        let vault = Vault::open(&store, VaultOptions::default()).await.unwrap();
        let rounds = Rounds {
            audit: OFTEN,
            jobs: OFTEN,
            downloads: NEVER,
            files: NEVER,
        };
        let before = store.revision().await.unwrap();
        let caretaker = Caretaker::with((store.clone(), vault), rounds);
        tokio::time::sleep(Duration::from_millis(100)).await;
        caretaker.stop().await;
        assert_eq!(store.revision().await.unwrap(), before);
    }

    /// Begins a job on threads that end in its midst, as a program does.
    fn left(vault: &Vault, job: VaultJob) -> String {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let options = JobOptions {
            rows_per_second: Some(5),
            ..JobOptions::default()
        };
        let (vault, (tell, told)) = (vault.clone(), std::sync::mpsc::channel());
        threads.spawn(async move {
            let handle = vault.start(job, options).await.unwrap();
            while handle.status().await.unwrap().seen == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tell.send(handle.id().to_owned()).unwrap();
        });
        let id = told.recv().unwrap();
        threads.shutdown_timeout(Duration::from_secs(5));
        id
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn jobs_that_were_left_go_on_or_wait_and_those_at_work_are_let_be() {
        let vault = vault().await;
        for _ in 0..12 {
            vault.create(NewSecret::new("v")).await.unwrap();
        }
        let change = || VaultJob::ChangePassword {
            old: Secret::new("old password"),
            new: None,
        };
        let leave = |job| {
            let vault = vault.clone();
            tokio::task::spawn_blocking(move || left(&vault, job))
        };
        let (verify, passwords) = (leave(VaultJob::Verify), leave(change()));
        let (verify, passwords) = (verify.await.unwrap(), passwords.await.unwrap());
        for id in [&verify, &passwords] {
            assert_eq!(vault.job(id).await.unwrap().state, JobState::Running);
        }
        let slow = JobOptions {
            rows_per_second: Some(5),
            ..JobOptions::default()
        };
        let at_work = vault.start(change(), slow).await.unwrap();
        let rounds = Rounds {
            audit: NEVER,
            jobs: OFTEN,
            downloads: NEVER,
            files: NEVER,
        };
        let caretaker = Caretaker::with((store().await, vault.clone()), rounds);
        assert_eq!(at_work.wait().await.unwrap().state, JobState::Done);
        let done = loop {
            let job = vault.job(&verify).await.unwrap();
            match job.state {
                JobState::Running => tokio::time::sleep(OFTEN).await,
                _ => break job,
            }
        };
        assert_eq!((done.state, done.seen, done.done), (JobState::Done, 12, 12));
        assert_eq!(vault.job(&passwords).await.unwrap().state, JobState::Waiting);
        caretaker.stop().await;
    }
}
