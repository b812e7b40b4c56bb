//! `chancery vault rotate-key`, `purge`, `jobs`, `job`, and what `passwd --all` and `verify --secrets` share with them: long work on
//! all secrets. It shows how far they are; the library does them.

use std::io::Write;
use std::path::PathBuf;

use chancery_api::jobs::{Job, JobKind, JobResume, JobState, VaultJobCreate};
use clap::{Args, ValueEnum};

use super::{Place, told};
use crate::commands::table::thousands;
use crate::commands::transfers::Watching;
use crate::failure::{Exit, Failure};
use crate::secret_input::SecretInput;
use crate::table_text::TextTable;
use crate::target::vault::{Turn, VaultTarget, Watched};

/// How a job is done.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "How it is done")]
pub(super) struct How {
    /// Only tell what it would do
    #[arg(long)]
    dry_run: bool,
    /// Secrets of a batch, each of which is one commit; 500 when absent
    #[arg(long, value_name = "N")]
    batch: Option<u64>,
    /// Most secrets a second, to leave room for others
    #[arg(long, value_name = "N")]
    rows_per_second: Option<u64>,
    #[command(flatten)]
    wait: Wait,
}

/// Whether it is waited for.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wait {
    /// Do not wait until it is done: it goes on in the server
    #[arg(long)]
    no_wait: bool,
}

impl How {
    /// Refuses what says how a job is done where none is asked for.
    pub(super) fn only_with(&self, flag: &str) -> Result<(), Failure> {
        match *self == How::default() {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "--dry-run, --batch, --rows-per-second and --no-wait go with {flag}"
            ))),
        }
    }

    /// A job of a kind, done like this.
    pub(super) fn job(&self, kind: JobKind) -> VaultJobCreate {
        VaultJobCreate {
            kind,
            old_password: None,
            new_password: None,
            deleted_before: None,
            of: None,
            mask: None,
            indexed: None,
            dry_run: self.dry_run,
            batch: self.batch,
            rows_per_second: self.rows_per_second,
        }
    }

    /// Begins a job and waits for it.
    pub(super) fn run(&self, place: &Place<'_>, job: VaultJobCreate) -> Result<Exit, Failure> {
        // Whoever encrypts a column may be the first to need a vault.
        let vault = match job.kind {
            JobKind::EncryptColumn => place.open_or_make()?,
            _ => place.open()?,
        };
        self.wait.check(&*vault)?;
        let job = vault.start_job(job)?;
        self.wait.follow(place, &*vault, job)
    }
}

impl Wait {
    fn check(&self, vault: &dyn VaultTarget) -> Result<(), Failure> {
        match self.no_wait && !vault.works_alone() {
            true => Err(
                Failure::new("without a server a job goes on only as long as this command runs")
                    .hint("leave --no-wait out, or name a server with --server"),
            ),
            false => Ok(()),
        }
    }

    /// Waits for a job that was begun, and tells what came of it.
    fn follow(&self, place: &Place<'_>, vault: &dyn VaultTarget, job: Job) -> Result<Exit, Failure> {
        if self.no_wait {
            shown(place, &job)?;
            return Ok(Exit::Done);
        }
        let watching = Watching::new(place.output);
        let watched = vault.watch_job(&job.id, &mut |job| {
            watching.tell(kind(job.kind), job.seen, job.total, &pace(job));
        });
        watching.done();
        match watched? {
            Watched::Over(job) => over(place, &job),
            Watched::Interrupted(job) => Err(interrupted(vault, &job)),
        }
    }
}

/// What came of a job that is worked on no more.
fn over(place: &Place<'_>, job: &Job) -> Result<Exit, Failure> {
    shown(place, job)?;
    if job.kind == JobKind::ChangePassword && job.state == JobState::Done && job.done == 0 && job.total > 0 {
        place.output.warn("the old password opens none of the secrets");
    }
    Ok(match (job.state, job.failed) {
        (JobState::Done, 0) => Exit::Done,
        (JobState::Failed, _) => Exit::Failed,
        _ => Exit::Refused,
    })
}

fn interrupted(vault: &dyn VaultTarget, job: &Job) -> Failure {
    let (id, seen, total) = (&job.id, thousands(job.seen), thousands(job.total));
    match job.state {
        JobState::Running if vault.works_alone() => Failure::new(format!(
            "interrupted; the job {id} goes on in the server, at {seen} of {total}"
        ))
        .hint(format!(
            "`chancery vault job {id}` shows it; with --pause or --cancel it stops"
        )),
        _ => Failure::new(format!(
            "interrupted; the job {id} is {}, at {seen} of {total}",
            state(job.state)
        ))
        .hint(format!("`chancery vault job {id} --resume` goes on with it")),
    }
}

/// Bring everything under a new data key and give up those before; no password is needed
#[derive(Args, Debug)]
#[command(after_long_help = "\
A data key locks the key of each value. It is time for another one when a copy of the root key or of the database may be in wrong hands. \
Values are not touched, and everything can be read and written meanwhile.

It is a job: if it is interrupted, it goes on where it stood. Ctrl-C pauses it; of a server, it only ends the waiting.

Exit status: 0 done; 1 some secrets are damaged, or it was stopped; 2 it failed or was interrupted.

Examples:
  chancery vault rotate-key --dry-run
  chancery vault rotate-key
  chancery vault rotate-key --rows-per-second 2000 --no-wait --server https://records.example")]
pub(super) struct RotateKey {
    #[command(flatten)]
    how: How,
}

impl RotateKey {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        self.how.run(place, self.how.job(JobKind::RotateKey))
    }
}

/// Delete for good what was deleted before a time, with all versions
#[derive(Args, Debug)]
#[command(after_long_help = "\
What was deleted can be restored until it is purged. It is a job: if it is interrupted, it goes on where it stood.

Examples:
  chancery vault purge --deleted-before 90d --dry-run
  chancery vault purge --deleted-before 2027-01-31T12:00:00Z")]
pub(super) struct Purge {
    /// How long ago, such as 90d or 12h, or an instant such as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = ago)]
    deleted_before: String,
    #[command(flatten)]
    how: How,
}

impl Purge {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        let job = VaultJobCreate {
            deleted_before: Some(self.deleted_before),
            ..self.how.job(JobKind::Purge)
        };
        self.how.run(place, job)
    }
}

/// An instant, or one so long ago.
fn ago(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "\"{text}\" is neither how long ago, such as 90d or 12h, nor an instant such as 2027-01-31T12:00:00Z"
        )
    };
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.to_string());
    }
    let (number, seconds) = match text.char_indices().next_back() {
        Some((end, 'd')) => (&text[..end], 86_400),
        Some((end, 'h')) => (&text[..end], 3_600),
        Some((end, 'm')) => (&text[..end], 60),
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let span = jiff::SignedDuration::from_secs(i64::from(number) * seconds);
    // Times are kept to the millisecond.
    let now = jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond());
    let then = now.and_then(|now| now.checked_sub(span));
    then.map(|then| then.to_string()).map_err(|_| wrong())
}

/// A kind of job, as it is called everywhere.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Another password for all that the old one opens
    #[value(name = "changePassword")]
    ChangePassword,
    /// Another data key
    #[value(name = "rotateKey")]
    RotateKey,
    /// A look at every secret
    #[value(name = "verify")]
    Verify,
    /// Deleted secrets go for good
    #[value(name = "purge")]
    Purge,
    /// A column is encrypted
    #[value(name = "encryptColumn")]
    EncryptColumn,
    /// An encrypted column is sealed anew
    #[value(name = "reindexColumn")]
    ReindexColumn,
    /// A column is readable again
    #[value(name = "decryptColumn")]
    DecryptColumn,
    /// A column gets another field type
    #[value(name = "changeColumnType")]
    ChangeColumnType,
}

/// List the jobs, newest first
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault jobs
  chancery vault jobs --kind rotateKey --limit 1 --json")]
pub(super) struct Jobs {
    /// Only of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl Jobs {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let asked = self.kind.map(|kind| match kind {
            Kind::ChangePassword => JobKind::ChangePassword,
            Kind::RotateKey => JobKind::RotateKey,
            Kind::Verify => JobKind::Verify,
            Kind::Purge => JobKind::Purge,
            Kind::EncryptColumn => JobKind::EncryptColumn,
            Kind::ReindexColumn => JobKind::ReindexColumn,
            Kind::DecryptColumn => JobKind::DecryptColumn,
            Kind::ChangeColumnType => JobKind::ChangeColumnType,
        });
        let jobs = place.open()?.jobs(asked, self.limit)?;
        if place.output.json() {
            return place.output.value(&jobs);
        }
        if jobs.is_empty() {
            place.output.say("no job");
            return Ok(());
        }
        let mut text = TextTable::new([
            "id", "kind", "state", "seen>", "of>", "done>", "skipped>", "failed>", "began",
        ]);
        for job in jobs {
            text.row([
                job.id,
                kind(job.kind).into(),
                told_state(job.state, job.dry_run),
                thousands(job.seen),
                thousands(job.total),
                thousands(job.done),
                thousands(job.skipped),
                thousands(job.failed),
                job.created_at,
            ]);
        }
        let mut out = place.output.data();
        text.write(&mut out)?;
        Ok(out.flush()?)
    }
}

/// Show a job, or pause it, call it off, go on with it
#[derive(Args, Debug)]
#[command(after_long_help = "\
A job that changes passwords needs them again to go on, as they are kept nowhere: from files, from the next lines of stdin, or asked for.

Examples:
  chancery vault job 0190a2b4-…
  chancery vault job 0190a2b4-… --pause
  chancery vault job 0190a2b4-… --resume
  chancery vault job 0190a2b4-… --resume --password-file old.txt --new-password-file new.txt")]
pub(super) struct JobOne {
    /// Its id, which `chancery vault jobs` tells
    id: String,
    /// Stop it after the batch it is at; it can be resumed
    #[arg(long, conflicts_with_all = ["cancel", "resume"])]
    pause: bool,
    /// Call it off after the batch it is at; what it has done stays
    #[arg(long, conflicts_with = "resume")]
    cancel: bool,
    /// Go on with it where it stands
    #[arg(long)]
    resume: bool,
    /// A file whose first line is the old password
    #[arg(long, value_name = "FILE", requires = "resume")]
    password_file: Option<PathBuf>,
    /// A file whose first line is the new password
    #[arg(long, value_name = "FILE", requires = "resume")]
    new_password_file: Option<PathBuf>,
    #[command(flatten)]
    wait: Wait,
}

impl JobOne {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        let vault = place.open()?;
        if self.resume {
            return self.resumed(place, &*vault);
        }
        if self.wait != Wait::default() {
            return Err(Failure::new("--no-wait goes with --resume"));
        }
        let job = match (self.pause, self.cancel) {
            (true, _) => vault.turn_job(&self.id, Turn::Pause)?,
            (_, true) => vault.turn_job(&self.id, Turn::Cancel)?,
            _ => vault.job(&self.id)?,
        };
        shown(place, &job)?;
        Ok(Exit::Done)
    }

    fn resumed(&self, place: &Place<'_>, vault: &dyn VaultTarget) -> Result<Exit, Failure> {
        self.wait.check(vault)?;
        let job = vault.job(&self.id)?;
        let mut with = JobResume::default();
        if job.kind == JobKind::ChangePassword {
            let mut input = SecretInput::new();
            with.old_password = Some(input.old_password(self.password_file.as_deref())?);
            if job.params.new_password == Some(true) {
                with.new_password = Some(input.new_password(self.new_password_file.as_deref())?);
            }
        }
        let job = vault.resume_job(&self.id, with)?;
        self.wait.follow(place, vault, job)
    }
}

/// How a job stands.
fn shown(place: &Place<'_>, job: &Job) -> Result<(), Failure> {
    if place.output.json() {
        return place.output.value(job);
    }
    let mut lines = vec![
        ("id", job.id.clone()),
        ("kind", kind(job.kind).to_owned()),
        ("state", told_state(job.state, job.dry_run)),
        (
            "seen",
            format!("{} of {}", thousands(job.seen), thousands(job.total)),
        ),
        ("done", thousands(job.done)),
        ("skipped", thousands(job.skipped)),
        ("failed", thousands(job.failed)),
    ];
    if job.state == JobState::Running {
        lines.push(("pace", pace(job)));
    }
    if let Some(before) = &job.params.deleted_before {
        lines.push(("before", before.clone()));
    }
    if let Some(of) = &job.params.of {
        lines.push(("column", format!("{}.{}", of.table, of.column)));
    }
    if let Some(error) = &job.error {
        lines.push(("error", error.clone()));
    }
    told::pairs_of(place.output, &lines)
}

/// `1,200 a second, 3 s left`.
fn pace(job: &Job) -> String {
    let rate = format!("{} a second", thousands(job.rate));
    match job.left_ms {
        Some(left) if job.seen < job.total => format!("{rate}, {} left", span(left)),
        _ => rate,
    }
}

/// A span of time, as people say it.
fn span(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

fn told_state(of: JobState, dry_run: bool) -> String {
    match dry_run {
        true => format!("{}, a dry run", state(of)),
        false => state(of).to_owned(),
    }
}

fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::ChangePassword => "changePassword",
        JobKind::RotateKey => "rotateKey",
        JobKind::Verify => "verify",
        JobKind::Purge => "purge",
        JobKind::EncryptColumn => "encryptColumn",
        JobKind::ReindexColumn => "reindexColumn",
        JobKind::DecryptColumn => "decryptColumn",
        JobKind::ChangeColumnType => "changeColumnType",
    }
}

fn state(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Waiting => "waiting",
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
        JobState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_a_span_or_an_instant() {
        assert_eq!(ago("2027-01-31T12:00:00Z").unwrap(), "2027-01-31T12:00:00Z");
        assert!(ago("90d").unwrap() < ago("12h").unwrap());
        for text in ["", "d", "-1d", "90", "soon", "4294967296d"] {
            assert!(ago(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_time_that_is_left_is_told_as_people_say_it() {
        for (ms, told) in [
            (0, "0 s"),
            (1, "1 s"),
            (61_000, "61 s"),
            (300_000, "5 min"),
            (7_200_000, "2 h"),
        ] {
            assert_eq!(span(ms), told);
        }
    }
}
