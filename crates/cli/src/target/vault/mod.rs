//! The vault as commands see it: that of a database on this machine, or that of a server. Each command is written once, against
//! [`VaultTarget`].

mod local;
mod remote;

use std::pin::pin;
use std::time::Duration;

use chancery::vault::{RootKey, Vault};
use chancery_api::jobs::{Job, JobKind, JobResume, JobState, VaultJobCreate};
use chancery_api::vault::{
    SecretCreate, SecretCreated, SecretDelete, SecretInfo, SecretList, SecretPassword, SecretPatch,
    SecretQuery, SecretRead, SecretRenew, SecretRestore, SecretRollBack, SecretToken, SecretUnwrapped,
    SecretUpdate, SecretValue, SecretVersionList, SecretVersionNumber, SecretWrap, SecretWrapInfo,
    SecretWrapped, VaultAudit, VaultKeyCreated, VaultReport, VaultStatus, VaultSweep, VaultSwept,
    VaultVerify,
};

use tokio::runtime::Runtime;

use super::{Missing, TargetArgs, variable};
use crate::commands::serve::stopping;
use crate::failure::Failure;
use crate::output::Output;
use crate::root_key::RootArgs;
use local::LocalVault;
use remote::RemoteVault;

/// Everything that commands do with the vault, wherever that is.
pub(crate) trait VaultTarget {
    fn create(&self, secret: SecretCreate) -> Result<SecretCreated, Failure>;
    fn read(&self, read: SecretRead) -> Result<SecretValue, Failure>;
    fn update(&self, update: SecretUpdate) -> Result<SecretVersionNumber, Failure>;
    fn renew(&self, renew: SecretRenew) -> Result<SecretInfo, Failure>;
    fn change_password(&self, change: SecretPassword) -> Result<SecretInfo, Failure>;
    fn delete(&self, delete: SecretDelete) -> Result<(), Failure>;
    fn restore(&self, restore: SecretRestore) -> Result<SecretInfo, Failure>;
    fn wrap(&self, wrap: SecretWrap) -> Result<SecretWrapped, Failure>;
    fn unwrap(&self, token: SecretToken) -> Result<SecretUnwrapped, Failure>;
    fn wrap_info(&self, token: SecretToken) -> Result<SecretWrapInfo, Failure>;

    /// One page of secrets.
    fn list(&self, query: &SecretQuery) -> Result<SecretList, Failure>;
    fn show(&self, id: &str) -> Result<SecretInfo, Failure>;
    fn patch(&self, id: &str, patch: SecretPatch) -> Result<SecretInfo, Failure>;
    fn delete_by_id(&self, id: &str, permanent: bool) -> Result<(), Failure>;
    fn restore_by_id(&self, id: &str) -> Result<SecretInfo, Failure>;
    fn versions(&self, id: &str) -> Result<SecretVersionList, Failure>;
    fn roll_back(&self, id: &str, back: SecretRollBack) -> Result<SecretVersionNumber, Failure>;
    fn destroy_version(&self, id: &str, version: u64) -> Result<(), Failure>;

    /// One page of the audit.
    fn audit(&self, secret: Option<&str>, cursor: Option<&str>, limit: u64) -> Result<VaultAudit, Failure>;
    fn verify(&self, verify: VaultVerify) -> Result<VaultReport, Failure>;
    fn status(&self) -> Result<VaultStatus, Failure>;
    fn new_key(&self) -> Result<VaultKeyCreated, Failure>;
    fn retire_key(&self, kid: u32) -> Result<(), Failure>;
    fn sweep(&self, sweep: VaultSweep) -> Result<VaultSwept, Failure>;

    fn start_job(&self, job: VaultJobCreate) -> Result<Job, Failure>;
    /// The newest jobs, at most so many.
    fn jobs(&self, kind: Option<JobKind>, limit: usize) -> Result<Vec<Job>, Failure>;
    fn job(&self, id: &str) -> Result<Job, Failure>;
    fn turn_job(&self, id: &str, turn: Turn) -> Result<Job, Failure>;
    fn resume_job(&self, id: &str, with: JobResume) -> Result<Job, Failure>;
    /// Waits until a job is worked on no more, or somebody interrupts the command.
    fn watch_job(&self, id: &str, see: &mut dyn FnMut(&Job)) -> Result<Watched, Failure>;
    /// Whether jobs go on when the command ends.
    fn works_alone(&self) -> bool;

    /// Lets another root key open the vault; only where the vault is at hand.
    fn add_root(&self, root: &dyn RootKey) -> Result<(), Failure>;
    /// Takes a root key out; only where the vault is at hand.
    fn remove_root(&self, fingerprint: &str) -> Result<(), Failure>;
}

/// Longest time between two looks at a job.
const LOOK_EVERY_MAX: Duration = Duration::from_millis(500);

/// How a job is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It can be resumed.
    Pause,
    /// For good.
    Cancel,
}

/// What became of a job that was waited for.
pub(crate) enum Watched {
    /// It is worked on no more.
    Over(Job),
    /// The command is to end; so it stood.
    Interrupted(Job),
}

/// Looks at a job until it is worked on no more, or somebody interrupts the command. Jobs of this process go on meanwhile.
fn watch(
    runtime: &Runtime,
    look: impl Fn() -> Result<Job, Failure>,
    see: &mut dyn FnMut(&Job),
) -> Result<Watched, Failure> {
    let interrupted = {
        let _inside = runtime.enter();
        stopping()?
    };
    let mut interrupted = pin!(interrupted);
    let mut pause = Duration::from_millis(10);
    loop {
        let job = look()?;
        see(&job);
        if job.state != JobState::Running {
            return Ok(Watched::Over(job));
        }
        let ended = runtime.block_on(async {
            tokio::select! {
                () = &mut interrupted => true,
                () = tokio::time::sleep(pause) => false,
            }
        });
        if ended {
            return Ok(Watched::Interrupted(job));
        }
        pause = (pause * 2).min(LOOK_EVERY_MAX);
    }
}

/// Opens the vault that is named.
pub(crate) fn open(
    target: &TargetArgs,
    root: &RootArgs,
    missing: Missing,
    output: &Output,
) -> Result<Box<dyn VaultTarget>, Failure> {
    match target.server_url() {
        Some(url) => {
            let key = target.key.clone().or_else(|| variable("CHANCERY_KEY"));
            let remote = RemoteVault::new(&url, key)?;
            if remote.in_the_clear() {
                output
                    .warn("secrets travel unencrypted to this server; use https:// where others can listen");
            }
            Ok(Box::new(remote))
        }
        None => Ok(Box::new(LocalVault::open(
            &target.database,
            root,
            missing,
            output,
        )?)),
    }
}
