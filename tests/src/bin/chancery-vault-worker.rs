//! A process that does long work on a vault, to be killed at any moment. `chancery-vault-worker URL KEYFILE rotate`, or
//! `… passwd` with the old and the new password on two lines of its input, or `… column`, which encrypts the column `account` of
//! the table `staff`, or makes it readable if it is encrypted. It goes on with what one before it left, and
//! says how the job stands in the end. Run by the scenarios of the vault.
#![expect(clippy::print_stdout, reason = "a program that tells what it did")]

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chancery::vault::{FileRoot, KdfParams, Secret, Vault, VaultJob, VaultOptions};
use chancery::{JobHandle, JobOptions, JobState, JobStatus, Store, TableHandle};

/// How long a job may be silent before another worker takes it over: as little as there can be.
const SILENT_MAX: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, what] = arguments.as_slice() else {
        panic!("a URL, a key file and what to do are needed");
    };
    let store = Store::open(url).await.expect("a store opens");
    let options = VaultOptions {
        root: Some(Arc::new(FileRoot::open(key).expect("a key file"))),
        kdf: KdfParams::new(7 * 1024, 1, 1).expect("within the bounds"),
        ..VaultOptions::default()
    };
    let vault = Vault::open(&store, options).await.expect("a vault opens");
    let mut lines = std::io::stdin().lock().lines();
    let mut secret = || Secret::new(lines.next().expect("a line").expect("text"));
    let passwords = (what == "passwd").then(|| (secret(), secret()));
    silence(&store, &vault).await;
    println!("ready");
    let column = (what == "column").then(|| store.table("staff").expect("a table"));
    let handle = begun(&vault, passwords, column).await;
    let status = handle.wait().await.expect("a status");
    println!("{}", serde_json::to_string(&status).expect("JSON"));
    store.close().await.expect("a store closes");
}

/// Waits until nobody works on a job, where other processes can.
async fn silence(store: &Store, vault: &Vault) {
    while store.backend().is_shared() {
        let jobs = vault.jobs().await.expect("jobs are listed");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_millis() as i64;
        let silent = |job: &JobStatus| now - job.updated_at > SILENT_MAX.as_millis() as i64;
        if jobs
            .iter()
            .all(|job| job.state != JobState::Running || silent(job))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The job that was left, or a new one.
async fn begun(vault: &Vault, passwords: Option<(Secret, Secret)>, column: Option<TableHandle>) -> JobHandle {
    let mut resumed = vault.resume_left().await.expect("jobs are listed");
    let options = JobOptions {
        batch: Some(20),
        silent_max: Some(SILENT_MAX),
        ..JobOptions::default()
    };
    let Some((old, new)) = passwords else {
        return match resumed.pop() {
            Some(handle) => handle,
            None => vault.start(other(column), options).await.expect("started"),
        };
    };
    let jobs = vault.jobs().await.expect("jobs are listed");
    match jobs.iter().find(|job| job.needs_passwords()) {
        Some(job) => vault
            .resume(&job.id, Some((old, Some(new))))
            .await
            .expect("resumed"),
        None => {
            let job = VaultJob::ChangePassword { old, new: Some(new) };
            vault.start(job, options).await.expect("started")
        }
    }
}

/// A job that needs no password: on a column if there is one to work on, otherwise on the data key.
fn other(column: Option<TableHandle>) -> VaultJob {
    let Some(table) = column else {
        return VaultJob::RotateKey;
    };
    let account = table.column("account").expect("a column");
    let column = account.slug.clone();
    match account.encrypted {
        Some(_) => VaultJob::DecryptColumn { table, column },
        None => VaultJob::EncryptColumn {
            table,
            column,
            mask: None,
            indexed: Some(true),
        },
    }
}
