//! Long work on all secrets.

use std::time::Instant;

use chancery::limits::JOB_BATCH_MAX;
use chancery::vault::{By, NewSecret, NewToken, Proof, Secret, Unlock, Vault, VaultError, VaultJob};
use chancery::{JobOptions, JobState};
use chancery_scenarios::on_every_backend;

use super::vault;

/// Makes secrets under a password, with the tokens `NAME-0`, `NAME-1` and so on.
async fn fill(vault: &Vault, name: &str, count: usize, password: Option<&Secret>) {
    let session = password.map(|password| vault.unlock(password.clone()));
    for index in 0..count {
        let token = NewToken::Custom(Secret::new(format!("{name}-{index}")));
        let mut new = NewSecret::new(format!("value {index}")).token(token);
        if let Some(session) = &session {
            new = new.session(session);
        }
        vault.create(new).await.expect("made");
    }
}

async fn reads(vault: &Vault, token: &str, password: &Secret) -> Result<Vec<u8>, VaultError> {
    let read = vault.read(token, Unlock::Password(password)).await?;
    Ok(read.value.expose().to_vec())
}

#[test]
fn a_password_is_changed_for_all_that_it_opens_and_for_nothing_else() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let (old, new, other) = (
            Secret::new("old password"),
            Secret::new("new password"),
            Secret::new("other one"),
        );
        fill(&vault, "a", 20, Some(&old)).await;
        fill(&vault, "b", 5, Some(&other)).await;
        fill(&vault, "c", 5, None).await;
        // One that is deleted is changed too, so that it opens when it is restored.
        vault
            .soft_delete(By::Token("a-7"), Proof::Authority)
            .await
            .expect("deleted");

        let job = VaultJob::ChangePassword {
            old: old.clone(),
            new: Some(new.clone()),
        };
        let dry = JobOptions {
            dry_run: true,
            batch: Some(JOB_BATCH_MAX),
            ..JobOptions::default()
        };
        let told = vault
            .start(job, dry)
            .await
            .expect("started")
            .wait()
            .await
            .expect("done");
        assert_eq!(
            (told.state, told.done, told.skipped),
            (JobState::Done, 20, 10),
            "{told:?}"
        );
        assert_eq!(reads(&vault, "a-0", &old).await.expect("as before"), b"value 0");

        let job = VaultJob::ChangePassword {
            old: old.clone(),
            new: Some(new.clone()),
        };
        let options = JobOptions {
            batch: Some(7),
            ..JobOptions::default()
        };
        let done = vault
            .start(job, options)
            .await
            .expect("started")
            .wait()
            .await
            .expect("done");
        assert_eq!(
            (done.state, done.done, done.skipped, done.failed),
            (JobState::Done, 20, 10, 0),
            "{done:?}"
        );
        assert_eq!((done.seen, done.total), (30, 30));
        vault
            .restore(By::Token("a-7"), Proof::Authority)
            .await
            .expect("restored");
        for index in 0..20 {
            let token = format!("a-{index}");
            let read = reads(&vault, &token, &new).await.expect("the new one opens");
            assert_eq!(read, format!("value {index}").into_bytes());
            let refused = reads(&vault, &token, &old).await;
            assert!(matches!(refused, Err(VaultError::InvalidPassword)), "{refused:?}");
        }
        assert_eq!(reads(&vault, "b-3", &other).await.expect("as before"), b"value 3");
        let report = vault.verify_audit(None).await.expect("walked");
        assert_eq!(report.faults, Vec::<String>::new());
    });
}

#[test]
fn everything_comes_under_a_new_data_key_and_the_old_one_is_given_up() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = Secret::new("some password");
        fill(&vault, "a", 12, Some(&password)).await;
        fill(&vault, "b", 12, None).await;
        let refused = vault.retire_key(1).await;
        assert!(matches!(refused, Err(VaultError::Invalid(_))), "{refused:?}");
        let options = JobOptions {
            batch: Some(5),
            ..JobOptions::default()
        };
        let done = vault
            .start(VaultJob::RotateKey, options)
            .await
            .expect("started")
            .wait()
            .await
            .expect("done");
        assert_eq!(
            (done.state, done.done, done.failed),
            (JobState::Done, 24, 0),
            "{done:?}"
        );
        let census = vault.census().await.expect("counted");
        let told: Vec<_> = census.iter().map(|key| (key.kid, key.versions)).collect();
        assert_eq!(told, [(1, 0), (2, 24)]);
        assert_eq!(reads(&vault, "a-3", &password).await.expect("read"), b"value 3");
        let read = vault.read("b-3", Unlock::None).await.expect("read");
        assert_eq!(read.value.expose(), b"value 3");
        let checked = vault
            .start(VaultJob::Verify, JobOptions::default())
            .await
            .expect("started");
        let checked = checked.wait().await.expect("done");
        assert_eq!((checked.done, checked.failed), (24, 0));
    });
}

#[test]
fn what_was_deleted_long_ago_goes_for_good() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        fill(&vault, "a", 6, None).await;
        for token in ["a-1", "a-4"] {
            vault
                .soft_delete(By::Token(token), Proof::Authority)
                .await
                .expect("deleted");
        }
        let job = VaultJob::Purge {
            deleted_before: i64::MAX,
        };
        let done = vault
            .start(job, JobOptions::default())
            .await
            .expect("started")
            .wait()
            .await
            .expect("done");
        assert_eq!((done.done, done.skipped), (2, 4));
        assert_eq!(vault.status("a-1").await.expect("asked"), None);
        assert!(vault.exists("a-2").await.expect("asked"));
    });
}

#[test]
fn a_job_is_paused_resumed_and_called_off() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        fill(&vault, "a", 40, None).await;
        let slow = JobOptions {
            batch: Some(2),
            rows_per_second: Some(20),
            ..JobOptions::default()
        };
        let handle = vault.start(VaultJob::RotateKey, slow).await.expect("started");
        let id = handle.id().to_owned();
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        vault.stop_job(&id, false).await.expect("paused");
        let paused = handle.wait().await.expect("a status");
        assert_eq!(paused.state, JobState::Paused);
        assert!((1..40).contains(&paused.seen), "{paused:?}");
        let resumed = vault.resume(&id, None).await.expect("resumed");
        vault.stop_job(&id, true).await.expect("called off");
        let over = resumed.wait().await.expect("a status");
        assert_eq!(over.state, JobState::Cancelled, "{paused:?} {over:?}");
        assert!(vault.resume(&id, None).await.is_err());
        for index in 0..40 {
            vault
                .read(&format!("a-{index}"), Unlock::None)
                .await
                .expect("readable half way, too");
        }
    });
}

#[test]
fn secrets_that_change_while_their_password_is_changed_lose_nothing() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let (old, new) = (Secret::new("old password"), Secret::new("new password"));
        fill(&vault, "a", 60, Some(&old)).await;
        let began = Instant::now();
        let options = JobOptions {
            batch: Some(10),
            ..JobOptions::default()
        };
        let job = VaultJob::ChangePassword {
            old: old.clone(),
            new: Some(new.clone()),
        };
        let handle = vault.start(job, options).await.expect("started");
        for index in (0..60).rev().step_by(7) {
            vault
                .renew(
                    By::Token(&format!("a-{index}")),
                    Some(i64::MAX / 2),
                    Proof::Authority,
                )
                .await
                .expect("renewed");
        }
        let done = handle.wait().await.expect("done");
        assert_eq!(
            (done.state, done.done, done.failed),
            (JobState::Done, 60, 0),
            "{done:?} {:?}",
            began.elapsed()
        );
        for index in 0..60 {
            reads(&vault, &format!("a-{index}"), &new)
                .await
                .expect("the new one opens");
        }
        let found = vault
            .find(By::Token("a-59"))
            .await
            .expect("asked")
            .expect("there");
        assert_eq!(found.expires_at, Some(i64::MAX / 2));
    });
}
