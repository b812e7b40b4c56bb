//! Programs that are killed in the middle of long work on the vault: whoever opens it next goes on, nothing is lost and nothing
//! is done twice.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chancery::vault::{By, FileRoot, NewSecret, NewToken, Secret, Unlock, Vault, VaultOptions};
use chancery::{ColumnInput, JobState, JobStatus, Store, TableInput, json};
use chancery_scenarios::on_postgres;

use super::{holds, options};

/// Secrets with a password; there are as many without.
const SECRETS: usize = 150;
/// What every value begins with, and no file may hold.
const CANARY: &str = "canary-in-a-coal-mine";

/// Runs a worker and kills it after some time. What it said of its job, if it came to its end before.
fn worker(url: &str, key: &Path, what: &str, passwords: &[String; 2], after: Duration) -> Option<JobStatus> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_chancery-vault-worker"))
        .args([url, &key.display().to_string(), what])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a worker starts");
    let mut input = child.stdin.take().expect("an input");
    writeln!(input, "{}\n{}", passwords[0], passwords[1]).expect("it reads");
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "ready");
    let id = child.id();
    let (over, wait) = std::sync::mpsc::channel::<()>();
    let killer = std::thread::spawn(move || {
        if wait.recv_timeout(after).is_err() {
            // SIGKILL by the name of the system's own program: nothing is flushed, nothing is said.
            // It may have come to its end just now.
            let killed = Command::new("kill")
                .args(["-9", &id.to_string()])
                .stderr(Stdio::null())
                .status();
            assert!(killed.is_ok(), "there is no program to kill with");
        }
    });
    let said = lines.next().and_then(Result::ok);
    if said.is_some() {
        over.send(()).expect("the killer waits");
    }
    child.wait().expect("it ends");
    killer.join().expect("the killer ends");
    said.map(|line| serde_json::from_str(&line).expect("a status"))
}

async fn opened(url: &str, key: &Path) -> (Store, Vault) {
    let store = Store::open(url).await.expect("a store opens");
    let options = VaultOptions {
        root: Some(Arc::new(FileRoot::open(key).expect("a key file"))),
        ..options()
    };
    let vault = Vault::open(&store, options).await.expect("a vault opens");
    (store, vault)
}

async fn filled(url: &str, key: &Path, password: &str) {
    let (store, vault) = opened(url, key).await;
    let session = vault.unlock(Secret::new(password));
    for index in 0..SECRETS {
        let token = |name: &str| NewToken::Custom(Secret::new(format!("{name}-{index}")));
        let value = format!("{CANARY} {index}");
        let new = NewSecret::new(value.as_str()).token(token("locked"));
        vault.create(new.session(&session)).await.expect("made");
        vault
            .create(NewSecret::new(value.as_str()).token(token("open")))
            .await
            .expect("made");
    }
    store.close().await.expect("a store closes");
}

/// Everything reads, under the password that is now and no other; each secret was changed once by each change of its password and by
/// each rotation that was begun, all of them as often.
async fn checked(url: &str, key: &Path, password: &str, changes: u64) {
    let (store, vault) = opened(url, key).await;
    let session = vault.unlock(Secret::new(password));
    let census = vault.census().await.expect("counted");
    let mut rotations = None;
    for index in 0..SECRETS {
        let value = format!("{CANARY} {index}");
        let locked = format!("locked-{index}");
        let read = vault
            .read(&locked, Unlock::Session(&session))
            .await
            .expect("it opens");
        assert_eq!(read.value.expose(), value.as_bytes());
        let open = format!("open-{index}");
        let read = vault.read(&open, Unlock::None).await.expect("it opens");
        assert_eq!(read.value.expose(), value.as_bytes());
        for (token, changes) in [(&locked, changes), (&open, 0)] {
            let found = vault.find(By::Token(token)).await.expect("asked");
            let rotated = found.expect("there").row_version - 1 - changes;
            assert_eq!(
                rotated,
                *rotations.get_or_insert(rotated),
                "{token} was changed once by each job"
            );
        }
    }
    // One that made its key may have been killed before it was a job.
    assert!(rotations.is_some_and(|rotations| rotations < census.len() as u64));
    let report = vault.verify_audit(None).await.expect("walked");
    assert_eq!(report.faults, Vec::<String>::new());
    let held: Vec<u64> = census
        .iter()
        .map(|key| key.versions)
        .filter(|held| *held > 0)
        .collect();
    assert_eq!(held, [2 * SECRETS as u64], "one key holds all");
    store.close().await.expect("a store closes");
}

/// Kills workers so often, each somewhere in its job and by so many ms later than the one before, and checks the vault after each job
/// that came to its end.
fn killed(url: &str, key: &Path, kills: u32, later_ms: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut password = "the password 0".to_owned();
    runtime.block_on(filled(url, key, &password));
    let (mut killed, mut jobs, mut changes) = (0, 0_u64, 0);
    while killed < kills {
        let what = if jobs.is_multiple_of(2) {
            "rotate"
        } else {
            "passwd"
        };
        let next = format!("the password {}", jobs + 1);
        let passwords = [password.clone(), next.clone()];
        let mut kills_of_job = 0;
        let status = loop {
            // Later and later, so that each job comes to its end.
            let after = Duration::from_millis(u64::from(1 + killed % 13) * 2 + kills_of_job * later_ms);
            match worker(url, key, what, &passwords, after) {
                Some(status) => break status,
                None => (killed, kills_of_job) = (killed + 1, kills_of_job + 1),
            }
        };
        jobs += 1;
        assert_eq!(status.state, JobState::Done, "{status:?}");
        let all = 2 * SECRETS as u64;
        let done = if what == "rotate" { all } else { SECRETS as u64 };
        // One that was killed when its job was done and nothing said of it: the next one finds nothing left to do.
        let unsaid = kills_of_job > 0 && status.done == 0 && status.skipped == all;
        assert!(status.done == done || unsaid, "{status:?}");
        assert_eq!((status.seen, status.failed), (all, 0), "{status:?}");
        if what == "passwd" {
            (password, changes) = (next, changes + 1);
        }
        runtime.block_on(checked(url, key, &password, changes));
    }
    assert!(
        jobs >= u64::from(kills / 50).max(2),
        "{killed} kills met {jobs} jobs"
    );
}

/// The account of a record; any that is kept begins so.
fn account(index: usize) -> String {
    format!("FR76-3000-{index:04}")
}

/// Everything of the column reads, opened where it has to be; every job wrote each record twice: to fill the column, and to clear what
/// was before.
async fn checked_column(url: &str, key: &Path, jobs: u64) {
    let (store, vault) = opened(url, key).await;
    let staff = store.table("staff").expect("a table");
    let encrypted = staff.column("account").expect("a column").encrypted.is_some();
    assert_eq!(encrypted, !jobs.is_multiple_of(2));
    let records = staff.all().await.expect("read");
    assert_eq!(records.len(), SECRETS);
    for record in records {
        let index = record.get("number").as_u64().expect("a number") as usize;
        let id = record.id();
        let shown = match encrypted {
            true => vault
                .reveal_cells(&staff, id.as_str(), &["account"])
                .await
                .expect("revealed")[0]
                .1
                .clone(),
            false => record.get("account"),
        };
        assert_eq!(shown, account(index));
        assert_eq!(record.version(), 2 + 2 * jobs, "each job did each record once");
        let before = staff
            .record_at(id.as_str(), 1)
            .await
            .expect("the history reaches back")
            .get("account");
        assert_eq!(
            before,
            if encrypted {
                "••••••••".to_owned()
            } else {
                "FR76-before".to_owned() + &index.to_string()
            }
        );
    }
    store.close().await.expect("a store closes");
}

fn killed_columns(url: &str, key: &Path, kills: u32, later_ms: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (store, _) = opened(url, key).await;
        let input = TableInput::new("Staff").column(ColumnInput::new("number", "number"));
        let input = input.column(ColumnInput::new("account", "text"));
        let staff = store.create_table(input).await.expect("defined");
        for index in 0..SECRETS {
            let made = json!({"number": index, "account": format!("FR76-before{index}")});
            let id = staff.insert(made).await.expect("inserted").id();
            staff
                .update(id.as_str(), json!({"account": account(index)}))
                .await
                .expect("updated");
        }
        store.close().await.expect("a store closes");
    });
    let (mut killed, mut jobs) = (0, 0_u64);
    while killed < kills || jobs.is_multiple_of(2) {
        let mut kills_of_job = 0;
        let status = loop {
            let after = Duration::from_millis(u64::from(1 + killed % 13) * 2 + kills_of_job * later_ms);
            match worker(url, key, "column", &[String::new(), String::new()], after) {
                Some(status) => break status,
                None => (killed, kills_of_job) = (killed + 1, kills_of_job + 1),
            }
        };
        assert_eq!((status.state, status.failed), (JobState::Done, 0), "{status:?}");
        jobs = runtime.block_on(async {
            let (store, vault) = opened(url, key).await;
            let jobs = vault.jobs().await.expect("listed");
            store.close().await.expect("a store closes");
            // One that was killed when its job was done and nothing said of it: another was begun after it.
            jobs.iter().filter(|job| job.state == JobState::Done).count() as u64
        });
        runtime.block_on(checked_column(url, key, jobs));
    }
}

#[test]
fn columns_whose_jobs_are_killed_lose_nothing_and_keep_nothing_readable() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("root.key");
    FileRoot::create(&key).expect("a key file");
    let database = folder.path().join("staff.db");
    killed_columns(&format!("sqlite:{}", database.display()), &key, 60, 3);
    assert!(
        !holds(folder.path(), "FR76-"),
        "what was readable stands in a file"
    );
}

#[test]
fn columns_whose_jobs_are_killed_beside_other_processes_lose_nothing() {
    on_postgres(|_store, url| async move {
        let ran = tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().expect("a folder");
            let key = folder.path().join("root.key");
            FileRoot::create(&key).expect("a key file");
            killed_columns(&url, &key, 10, 60);
        });
        ran.await.expect("it ends");
    });
}

#[test]
fn jobs_that_are_killed_200_times_lose_nothing_and_do_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("root.key");
    FileRoot::create(&key).expect("a key file");
    let database = folder.path().join("vault.db");
    killed(&format!("sqlite:{}", database.display()), &key, 200, 3);
    for canary in [CANARY, "the password 1", "locked-1"] {
        assert!(!holds(folder.path(), canary), "{canary} stands in a file");
    }
}

#[test]
fn jobs_that_are_killed_24_times_beside_other_processes_lose_nothing_and_do_nothing_twice() {
    on_postgres(|_store, url| async move {
        let ran = tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().expect("a folder");
            let key = folder.path().join("root.key");
            FileRoot::create(&key).expect("a key file");
            // Whoever comes next takes a job over once it was silent for a second.
            killed(&url, &key, 24, 60);
        });
        ran.await.expect("it ends");
    });
}
