//! `chancery vault audit`, `verify`, `status`, `sweep` and `key`: the care of the vault. No key is printed.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use chancery::vault::{FileRoot, RootError, RootKey};
use chancery_api::jobs::JobKind;
use chancery_api::vault::{VaultAuditHead, VaultKeyState, VaultStatus, VaultSweep, VaultVerify};
use clap::{Args, Subcommand};

use super::jobs::How;
use super::{Place, told};
use crate::failure::{Exit, Failure};
use crate::root_key::of_passphrase;
use crate::table_text::TextTable;

/// Most entries asked for at once.
const PAGE: u64 = 1_000;

/// Show what was done to the vault and what was refused, newest first
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault audit
  chancery vault audit --secret 0190a2b4-… --limit 1000 --json")]
pub(super) struct Audit {
    /// Only of the secret with this id
    #[arg(long, value_name = "ID")]
    secret: Option<String>,
    /// At most so many entries
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

impl Audit {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let (vault, mut entries, mut cursor) = (place.open()?, Vec::new(), None);
        while (entries.len() as u64) < self.limit {
            let limit = PAGE.min(self.limit - entries.len() as u64);
            let page = vault.audit(self.secret.as_deref(), cursor.as_deref(), limit)?;
            entries.extend(page.entries);
            cursor = page.pagination.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        if place.output.json() {
            return place.output.value(&entries);
        }
        let mut text = TextTable::new(["at", "what", "outcome", "secret", "who", "from"]);
        for entry in entries {
            text.row([
                entry.at,
                entry.op,
                entry.outcome,
                entry.secret.unwrap_or_default(),
                entry.actor.unwrap_or_default(),
                entry.client.unwrap_or_default(),
            ]);
        }
        let mut out = place.output.data();
        text.write(&mut out)?;
        Ok(out.flush()?)
    }
}

/// Walk the audit and compare the secrets with it, or look at every secret: tells what was altered behind the vault's back
#[derive(Args, Debug)]
#[command(after_long_help = "\
Keep the head that it prints somewhere else, and give it to the next run: that shows whether everything before it is what it was, also \
if somebody put an older copy of the whole database back.

With --secrets every secret is looked at instead, as a job: whether it is as the vault wrote it, and whether the server's key opens it. No \
password is needed for that.

Exit status: 0 all is well; 1 something was altered; 2 it could not be looked at.

Examples:
  chancery vault verify
  chancery vault verify --head 41:9f2c…
  chancery vault verify --secrets --rows-per-second 5000")]
pub(super) struct Verify {
    /// The head of an earlier run
    #[arg(long, value_name = "SEGMENT:CODE", value_parser = head)]
    head: Option<VaultAuditHead>,
    /// Look at every secret instead of walking the audit
    #[arg(long, conflicts_with = "head")]
    secrets: bool,
    #[command(flatten)]
    how: How,
}

fn head(text: &str) -> Result<VaultAuditHead, String> {
    let (segment, code) = text
        .split_once(':')
        .ok_or("write it as it was printed: 41:9f2c…")?;
    let segment = segment.parse().map_err(|_| "it begins with a number: 41:9f2c…")?;
    let code = code.to_owned();
    Ok(VaultAuditHead { segment, code })
}

impl Verify {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        if self.secrets {
            return self.how.run(place, self.how.job(JobKind::Verify));
        }
        self.how.only_with("--secrets")?;
        let report = place.open()?.verify(VaultVerify { head: self.head })?;
        let exit = match report.sound {
            true => Exit::Done,
            false => Exit::Refused,
        };
        if place.output.json() {
            place.output.value(&report)?;
            return Ok(exit);
        }
        place.output.say(&format!(
            "{} entries in {} segments, {} secrets",
            report.entries, report.segments, report.secrets
        ));
        let mut out = place.output.data();
        for fault in &report.faults {
            writeln!(out, "{fault}")?;
        }
        if let Some(head) = &report.head {
            writeln!(out, "head {}:{}", head.segment, head.code)?;
        }
        if report.sound {
            writeln!(out, "sound")?;
        }
        out.flush()?;
        Ok(exit)
    }
}

/// Show whether the vault is sealed, its root keys and its data keys
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault status
  chancery vault status --json")]
pub(super) struct Status;

impl Status {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let status = place.open()?.status()?;
        if place.output.json() {
            return place.output.value(&status);
        }
        let sealed = if status.sealed { "yes" } else { "no" };
        told::pairs_of(place.output, &[("sealed", sealed.to_owned())])?;
        let mut roots = TextTable::new(["root key", "opens", "since", "until"]);
        for root in &status.roots {
            roots.row([
                root.fingerprint.clone(),
                if root.opens { "yes" } else { "no" }.into(),
                root.added_at.clone(),
                root.removed_at.clone().unwrap_or_default(),
            ]);
        }
        let mut out = place.output.data();
        roots.write(&mut out)?;
        keys(&status).write(&mut out)?;
        Ok(out.flush()?)
    }
}

fn keys(status: &VaultStatus) -> TextTable {
    let mut keys = TextTable::new(["data key>", "state", "made", "versions>", "columns>"]);
    for key in &status.keys {
        keys.row([
            key.kid.to_string(),
            match key.state {
                VaultKeyState::Active => "seals what is new",
                VaultKeyState::Opens => "opens",
                VaultKeyState::Retired => "retired",
            }
            .into(),
            key.created_at.clone(),
            key.versions.to_string(),
            key.columns.to_string(),
        ]);
    }
    keys
}

/// Delete every secret whose time is over
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault sweep
  chancery vault sweep --permanent")]
pub(super) struct Sweep {
    /// For good; without it they can be restored
    #[arg(long)]
    permanent: bool,
}

impl Sweep {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let permanent = self.permanent;
        let swept = place.open()?.sweep(VaultSweep { permanent })?;
        match place.output.json() {
            true => place.output.value(&swept),
            false => place.output.line(&format!("deleted {}", swept.deleted)),
        }
    }
}

/// The keys of the vault: data keys that seal values, root keys that lock those
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Another root key is brought in in three steps, none of which touches a value: add it, start everything with it, remove the old one. Its \
fingerprint stays known, so that an old backup finds its key.

Examples:
  chancery vault key list
  chancery vault key new
  chancery vault key add-root --new-key-file /etc/chancery/new.key
  chancery vault key remove-root 4f1c…"
)]
pub(super) struct Key {
    #[command(subcommand)]
    action: KeyAction,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// List the data keys and how much each locks
    List,
    /// Make a data key, which seals everything new from now on
    #[command(after_long_help = "Examples:\n  chancery vault key new")]
    New,
    /// Give up a data key that locks nothing any more
    #[command(after_long_help = "Examples:\n  chancery vault key retire 1")]
    Retire {
        /// The number of the key
        kid: u32,
    },
    /// Let another root key open the vault too; only where the database is
    #[command(after_long_help = "\
Examples:
  chancery vault key add-root --new-key-file /etc/chancery/new.key
  chancery vault key add-root --new-passphrase-file passphrase.txt")]
    AddRoot {
        /// The file of the new root key; made if it is not there
        #[arg(long, value_name = "PATH", required_unless_present = "new_passphrase_file")]
        new_key_file: Option<PathBuf>,
        /// A file with a passphrase instead
        #[arg(long, value_name = "PATH", conflicts_with = "new_key_file")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Take a root key out; only where the database is
    #[command(after_long_help = "Examples:\n  chancery vault status\n  chancery vault key remove-root 4f1c…")]
    RemoveRoot {
        /// Its fingerprint, which `chancery vault status` tells
        fingerprint: String,
    },
}

impl Key {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let (vault, output) = (place.open()?, place.output);
        match self.action {
            KeyAction::List => {
                let status = vault.status()?;
                if output.json() {
                    return output.value(&status.keys);
                }
                let mut out = output.data();
                keys(&status).write(&mut out)?;
                out.flush()?;
            }
            KeyAction::New => {
                let made = vault.new_key()?;
                match output.json() {
                    true => output.value(&made)?,
                    false => output.line(&made.kid.to_string())?,
                }
            }
            KeyAction::Retire { kid } => {
                vault.retire_key(kid)?;
                output.say(&format!("retired the data key {kid}"));
            }
            KeyAction::AddRoot {
                new_key_file,
                new_passphrase_file,
            } => {
                let root = match (new_key_file, new_passphrase_file) {
                    (Some(path), _) => of_file(path),
                    (None, Some(path)) => of_passphrase(&path),
                    (None, None) => return Err(Failure::new("no root key is named")),
                };
                let root = root.map_err(|error| Failure::new(error.to_string()))?;
                vault.add_root(&*root)?;
                output.say(&format!("{} opens the vault too", root.origin()));
            }
            KeyAction::RemoveRoot { fingerprint } => {
                vault.remove_root(&fingerprint)?;
                output.say(&format!("the root key {fingerprint} opens the vault no more"));
            }
        }
        Ok(())
    }
}

/// The key in a file, which is made if it is not there.
fn of_file(path: PathBuf) -> Result<Arc<dyn RootKey>, RootError> {
    match FileRoot::open(&path) {
        Err(RootError::Missing { .. }) => Ok(Arc::new(FileRoot::create(path)?)),
        opened => Ok(Arc::new(opened?)),
    }
}
