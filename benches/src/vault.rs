//! The vault on SQLite: sealing and opening, single secrets, one password for many, and long work on all of them.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chancery::vault::{FileRoot, NewSecret, NewToken, Secret, Unlock, Vault, VaultJob, VaultOptions};
use chancery::{JobOptions, JobStatus, Store};
use chancery_vault::context::{Context as Place, Kind, Purpose};
use chancery_vault::keys::Key;
use chancery_vault::sealing::SealingKey;

use crate::folder::{Folder, sqlite_url};
use crate::machine::resident_mb;
use crate::measure::{Effort, callers, per_second, repeated};
use crate::report::{Bar, Row, Section, Unit};

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let secrets = effort.records(100_000);
    let mut rows = sealing(effort)?;
    rows.extend(runtime.block_on(kept(&folder, effort, secrets))?);
    Ok(Section {
        title: format!("Vault, SQLite, synchronous=FULL: {secrets} secrets of 64 bytes"),
        rows,
    })
}

/// How often a second 256 bytes are sealed, and opened.
fn sealing(effort: Effort) -> Result<Vec<Row>> {
    let place = Place {
        vault: [7; 16],
        kind: Kind::Secret,
        table: b"",
        record: b"01920000-0000-7000-8000-000000000000",
        column: b"",
        version: 1,
        purpose: Purpose::Value,
        schema: 1,
    };
    let (key, value) = (SealingKey::new(1, Key::random()), [42; 256]);
    let sealed = key.seal(&place, &value)?;
    let seal = repeated(effort.runs(), || {
        per_second(effort.span(), |_| {
            black_box(key.seal(&place, black_box(&value))?);
            Ok(())
        })
    })?;
    let open = repeated(effort.runs(), || {
        per_second(effort.span(), |_| {
            black_box(key.open(&place, black_box(&sealed))?);
            Ok(())
        })
    })?;
    let row = |name: &str, figure| {
        Row::new(name, Unit::PerSecond, figure)
            .bar(Bar::AtLeast(100_000.0))
            .note("spec: vault, 10 µs each")
    };
    Ok(vec![row("seal 256 bytes", seal), row("open 256 bytes", open)])
}

async fn kept(folder: &Folder, effort: Effort, secrets: usize) -> Result<Vec<Row>> {
    let store = Store::open(&sqlite_url(&folder.path("vault.db"))).await?;
    let root = FileRoot::create(folder.path("root.key"))?;
    let options = VaultOptions {
        root: Some(Arc::new(root)),
        ..VaultOptions::default()
    };
    let vault = Vault::open(&store, options).await?;
    let (old, new) = (Secret::new("the old password"), Secret::new("the new password"));
    let start = Instant::now();
    fill(&vault, secrets, &old).await?;
    let made = secrets as f64 / start.elapsed().as_secs_f64();

    let reading = vault.clone();
    let session = Arc::new(vault.unlock(old.clone()));
    vault.read(&token(0), Unlock::Session(&session)).await?;
    let read = callers(64, effort.long_span(), move |turn| {
        let (vault, session) = (reading.clone(), session.clone());
        async move {
            let token = token(turn as usize % secrets);
            black_box(vault.read(&token, Unlock::Session(&session)).await?);
            Ok(())
        }
    });
    let read = read.await?;

    let tokens: Vec<String> = (0..100).map(token).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let session = vault.unlock(old.clone());
    let start = Instant::now();
    let outcomes = vault.read_many(&tokens, Unlock::Session(&session)).await?;
    let many = start.elapsed().as_secs_f64() * 1_000.0;
    ensure!(outcomes.iter().all(|read| read.outcome.is_ok()), "all are read");
    ensure!(session.runs() == 1, "Argon2id ran once");

    let before = resident_mb(std::process::id()).context("the memory in use")?;
    let changed = worked(
        &vault,
        VaultJob::ChangePassword {
            old,
            new: Some(new.clone()),
        },
        secrets,
    );
    let changed = changed.await?;
    let after = resident_mb(std::process::id()).context("the memory in use")?;
    let rotated = worked(&vault, VaultJob::RotateKey, secrets).await?;
    let verified = worked(&vault, VaultJob::Verify, secrets).await?;
    let last = vault.read(&token(secrets - 1), Unlock::Password(&new)).await?;
    ensure!(
        last.value.expose() == value(secrets - 1).as_bytes(),
        "the last one opens"
    );
    store.close().await?;
    Ok(vec![
        Row::new("create with a password, 64 callers", Unit::PerSecond, made),
        Row::new("read with a password, 64 callers", Unit::PerSecond, read),
        Row::new("read 100 tokens with one password", Unit::Ms, many)
            .note("one run of Argon2id, 64 MiB, in it"),
        Row::new("change the password of all", Unit::PerSecond, changed)
            .bar(Bar::AtLeast(20_000.0))
            .note("spec: vault; secrets with their versions"),
        Row::new("memory that it adds", Unit::Mb, (after - before).max(0.0)),
        Row::new("bring all under a new data key", Unit::PerSecond, rotated),
        Row::new("verify all", Unit::PerSecond, verified),
    ])
}

/// Makes secrets with one password, many at once.
async fn fill(vault: &Vault, secrets: usize, password: &Secret) -> Result<()> {
    let session = Arc::new(vault.unlock(password.clone()));
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (vault, session, next) = (vault.clone(), session.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if index >= secrets {
                    return anyhow::Ok(());
                }
                let token = NewToken::Custom(Secret::new(token(index)));
                vault
                    .create(NewSecret::new(value(index)).token(token).session(&session))
                    .await?;
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// How many secrets a second a job dealt with.
async fn worked(vault: &Vault, job: VaultJob, secrets: usize) -> Result<f64> {
    let start = Instant::now();
    let status: JobStatus = vault.start(job, JobOptions::default()).await?.wait().await?;
    ensure!(status.done == secrets as u64, "the job did it all: {status:?}");
    Ok(secrets as f64 / start.elapsed().as_secs_f64())
}

fn token(index: usize) -> String {
    format!("secret {index}")
}

fn value(index: usize) -> String {
    format!("{index:064}")
}
