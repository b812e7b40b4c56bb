//! Secrets that can be read so often and no more: exactly so many values leave, whoever asks at once and whatever ends in between.

use std::collections::BTreeMap;

use chancery::Store;
use chancery::vault::{By, NewSecret, Proof, SecretStatus, Unlock, Vault};
use chancery_scenarios::{on_every_backend, on_postgres, twice_on_postgres};

use super::{custom, faults, made, options, value_of, vault};

/// Repetitions in memory, where one takes some milliseconds.
const REPETITIONS: usize = 1_000;
/// Repetitions where each commit goes to a disk or a server.
const REPETITIONS_ON_DISK: usize = 50;

/// 64 tasks read a token that gives five values; answers how each ended.
async fn race(vaults: &[Vault], token: &str) -> BTreeMap<&'static str, usize> {
    let tasks: Vec<_> = (0..64)
        .map(|at| {
            let (vault, token) = (vaults[at % vaults.len()].clone(), token.to_owned());
            tokio::spawn(async move {
                match value_of(&vault, &token).await {
                    Ok(value) => {
                        assert_eq!(value, "five times");
                        "value"
                    }
                    Err(code) => code,
                }
            })
        })
        .collect();
    let mut outcomes = BTreeMap::new();
    for task in tasks {
        *outcomes.entry(task.await.expect("it ends")).or_default() += 1;
    }
    outcomes
}

async fn five_of_64(vaults: &[Vault], repetitions: usize) {
    for repetition in 0..repetitions {
        let new = NewSecret::new("five times").max_reads(5);
        let secret = vaults[0].create(new).await.expect("made");
        let outcomes = race(vaults, secret.token.expose()).await;
        let expected = BTreeMap::from([("value", 5), ("exhausted", 59)]);
        assert_eq!(outcomes, expected, "repetition {repetition}");
    }
}

fn in_memory(repetitions: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let store = Store::open("memory:").await.expect("a store opens");
        five_of_64(&[vault(&store).await], repetitions).await;
    });
}

#[test]
fn of_64_who_read_at_once_five_get_one_of_five_values_in_memory() {
    in_memory(REPETITIONS);
}

#[test]
fn of_64_who_read_at_once_five_get_one_of_five_values_on_a_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("a store opens");
        five_of_64(&[vault(&store).await], REPETITIONS_ON_DISK).await;
        store.close().await.expect("closed");
    });
}

#[test]
fn of_64_who_read_at_once_five_get_one_of_five_values_on_a_server() {
    on_postgres(|store, _| async move {
        five_of_64(&[vault(&store).await], REPETITIONS_ON_DISK).await;
    });
}

#[test]
fn of_64_who_read_at_once_through_two_processes_five_get_one_of_five_values() {
    twice_on_postgres(|one, two| async move {
        five_of_64(&[vault(&one).await, vault(&two).await], 10).await;
    });
}

#[test]
fn many_who_read_at_once_all_get_a_value_while_there_are_enough() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let secret = vault
            .create(NewSecret::new("often").max_reads(1_000))
            .await
            .expect("made");
        let tasks: Vec<_> = (0..150)
            .map(|_| {
                let (vault, token) = (vault.clone(), secret.token.clone());
                tokio::spawn(async move { value_of(&vault, token.expose()).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("it ends").as_deref(), Ok("often"));
        }
        let info = vault
            .find(By::Id(&secret.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(info.reads_left, Some(850));
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn a_read_of_many_that_is_overtaken_takes_no_read_twice() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let first = vault
            .create(NewSecret::new("first").max_reads(1_000))
            .await
            .expect("made");
        let busy = made(&vault, "busy").await;
        let writer = {
            let (vault, id) = (vault.clone(), busy.id.clone());
            tokio::spawn(async move {
                for number in 0..40 {
                    super::updated(&vault, By::Id(&id), &format!("busy {number}"))
                        .await
                        .expect("updated");
                }
            })
        };
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            let tokens = [first.token.expose(), busy.token.expose()];
            for one in vault.read_many(&tokens, Unlock::None).await.expect("read") {
                one.outcome.expect("a value");
            }
            reads += 1;
        }
        writer.await.expect("it ends");
        let info = vault
            .find(By::Id(&first.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(info.reads_left, Some(1_000 - reads), "as many as values left");
    });
}

#[test]
fn a_read_that_is_given_up_gives_no_value_more() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for wait_us in [0, 50, 200, 800, 3_000, 9_000] {
            let secret = vault
                .create(NewSecret::new("thrice").max_reads(3))
                .await
                .expect("made");
            let wait = std::time::Duration::from_micros(wait_us);
            let given_up = tokio::time::timeout(wait, vault.read(secret.token.expose(), Unlock::None));
            let mut values = usize::from(given_up.await.is_ok());
            while value_of(&vault, secret.token.expose()).await.is_ok() {
                values += 1;
            }
            assert!(
                (2..=3).contains(&values),
                "{values}: one was given up, or was not"
            );
        }
    });
}

#[test]
fn reads_that_were_made_are_made_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("a store opens");
        let secret = NewSecret::new("twice").max_reads(2).token(custom("twice"));
        vault(&store).await.create(secret).await.expect("made");
        for left in [Some(1), Some(0)] {
            let vault = Vault::open(&store, options()).await.expect("a vault opens");
            let read = vault.read("twice", Unlock::None).await.expect("read");
            assert_eq!(read.reads_left, left);
        }
        store.close().await.expect("closed");
        let store = Store::open(&url).await.expect("a store opens");
        assert_eq!(value_of(&vault(&store).await, "twice").await, Err("exhausted"));
        store.close().await.expect("closed");
    });
}

#[test]
fn a_wrong_password_takes_no_read_and_a_refused_one_neither() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = chancery::vault::Secret::new("correct horse");
        let new = NewSecret::new("once")
            .max_reads(1)
            .password(&password)
            .token(custom("once"));
        let secret = vault.create(new).await.expect("made");
        for _ in 0..3 {
            assert_eq!(
                super::value_with(&vault, "once", "wrong horse").await,
                Err("invalidPassword")
            );
            assert_eq!(value_of(&vault, "once").await, Err("passwordRequired"));
            assert_eq!(super::code(&vault.unwrap("once").await), "otherKind");
        }
        let info = vault
            .find(By::Id(&secret.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(info.reads_left, Some(1));
        assert_eq!(
            super::value_with(&vault, "once", "correct horse")
                .await
                .as_deref(),
            Ok("once")
        );
        assert_eq!(
            super::value_with(&vault, "once", "correct horse").await,
            Err("exhausted")
        );
    });
}

#[test]
fn what_nobody_can_read_any_more_is_not_kept() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let secret = vault
            .create(NewSecret::new("once").max_reads(1))
            .await
            .expect("made");
        assert_eq!(
            value_of(&vault, secret.token.expose()).await.as_deref(),
            Ok("once")
        );
        assert_eq!(
            vault.status(secret.token.expose()).await.expect("looked up"),
            Some(SecretStatus::Exhausted)
        );
        let versions = vault.versions(By::Id(&secret.id)).await.expect("listed");
        assert_eq!(versions[0].state, chancery::vault::VersionState::Destroyed);
        // Neither another time nor a restoration brings it back.
        vault
            .renew(By::Id(&secret.id), None, Proof::Authority)
            .await
            .expect("renewed");
        vault
            .soft_delete(By::Id(&secret.id), Proof::Authority)
            .await
            .expect("deleted");
        vault
            .restore(By::Id(&secret.id), Proof::Authority)
            .await
            .expect("restored");
        assert_eq!(value_of(&vault, secret.token.expose()).await, Err("exhausted"));
    });
}
