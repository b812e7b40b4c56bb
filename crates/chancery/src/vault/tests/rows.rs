//! Rows of versions that are put back, taken out, added or exchanged, and rows that are put back after long work. Each is noticed by
//! what reads them, by the jobs and by the check.

use super::*;
use crate::{JobOptions, JobStatus};

const OLD: &str = "correct horse";
const NEW: &str = "better horse";

impl Vault {
    /// Puts a whole row in the place of what is there.
    async fn put_back(&self, table: &str, mut row: Json) {
        let fields = row.as_object_mut().expect("an object");
        let key = fields.shift_remove("id").expect("a key");
        let columns = self.store.table(table).expect("found");
        for column in &columns.definition().expect("there").columns {
            if column.slug != "id" {
                fields.entry(column.slug.clone()).or_insert(Json::Null);
            }
        }
        self.alter(table, key.as_str().expect("a text"), row).await;
    }

    async fn worked(&self, job: VaultJob) -> JobStatus {
        let handle = self.start(job, JobOptions::default()).await.expect("started");
        handle.wait().await.expect("a status")
    }

    async fn read_with(&self, made: &Created, password: &str) -> &'static str {
        let password = Secret::new(password);
        let read = self.read(made.token.expose(), Unlock::Password(&password)).await;
        read.map_or_else(|error| error.code(), |_| "ok")
    }

    /// What everything that touches the versions of a secret says: all of it must notice.
    async fn assert_noticed(&self, made: &Created, what: &str) {
        let listed = self.versions(By::Id(&made.id)).await;
        assert!(
            matches!(listed, Err(VaultError::Tampered { .. })),
            "{what}: {listed:?}"
        );
        let verified = self.worked(VaultJob::Verify).await;
        assert_eq!(verified.failed, 1, "{what}: {verified:?}");
        let rotated = self.worked(VaultJob::RotateKey).await;
        assert_eq!(rotated.failed, 1, "{what}: {rotated:?}");
        let (old, new) = (Secret::new(NEW), Some(Secret::new("third horse")));
        let changed = self.worked(VaultJob::ChangePassword { old, new }).await;
        assert_eq!(changed.failed, 1, "{what}: {changed:?}");
        let faults = self.faults().await;
        let told = format!("a version of secret {} was altered, put back", made.id);
        assert!(faults.contains(&told), "{what}: {faults}");
    }
}

/// A secret with two versions under a password, and another one without.
async fn guarded(vault: &Vault) -> Created {
    let password = Secret::new(OLD);
    let made = vault.create(NewSecret::new("one").password(&password)).await;
    let made = made.expect("made");
    let update = SecretUpdate {
        value: SecretBytes::new(b"two".to_vec()),
        proof: Proof::Unlock(Unlock::Password(&password)),
        password: NewPassword::Keep,
        expected: None,
    };
    vault.update(By::Id(&made.id), update).await.expect("updated");
    vault.create(NewSecret::new("other")).await.expect("made");
    made
}

#[tokio::test]
async fn an_old_lock_that_is_put_back_after_a_change_of_the_password_opens_nothing() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    let before = vault.kept(VERSIONS, &VersionRow::key(&made.id, 2)).await;
    let (old, new) = (Secret::new(OLD), Secret::new(NEW));
    vault
        .change_password(By::Id(&made.id), Unlock::Password(&old), Some(&new))
        .await
        .expect("changed");
    assert_eq!(vault.read_with(&made, NEW).await, "ok");
    vault.put_back(VERSIONS, before).await;
    assert_eq!(vault.read_with(&made, OLD).await, "tampered");
    assert_eq!(vault.read_with(&made, NEW).await, "tampered");
    vault.assert_noticed(&made, "put back").await;
}

#[tokio::test]
async fn an_old_lock_that_is_put_back_after_long_work_opens_nothing() {
    for rotate in [true, false] {
        let (_store, vault) = vault().await;
        let made = guarded(&vault).await;
        let before = vault.kept(VERSIONS, &VersionRow::key(&made.id, 2)).await;
        let password = match rotate {
            true => {
                assert_eq!(vault.worked(VaultJob::RotateKey).await.done, 2);
                OLD
            }
            false => {
                let (old, new) = (Secret::new(OLD), Some(Secret::new(NEW)));
                let changed = vault.worked(VaultJob::ChangePassword { old, new }).await;
                assert_eq!(changed.done, 1);
                NEW
            }
        };
        assert_eq!(vault.read_with(&made, password).await, "ok");
        assert_eq!(vault.faults().await, "");
        vault.put_back(VERSIONS, before).await;
        assert_eq!(vault.read_with(&made, OLD).await, "tampered");
        assert_eq!(vault.read_with(&made, NEW).await, "tampered");
        vault.assert_noticed(&made, "put back").await;
    }
}

#[tokio::test]
async fn versions_that_are_taken_out_added_or_exchanged_are_noticed() {
    for what in ["taken out", "newest taken out", "added", "exchanged"] {
        let (_store, vault) = vault().await;
        let made = guarded(&vault).await;
        let keys = [VersionRow::key(&made.id, 1), VersionRow::key(&made.id, 2)];
        let rows = vault.store.table(VERSIONS).expect("found");
        let first = vault.kept(VERSIONS, &keys[0]).await;
        let read = match what {
            "taken out" => {
                assert!(rows.delete(keys[0].as_str()).await.expect("taken out"));
                Some(1)
            }
            "newest taken out" => {
                assert!(rows.delete(keys[1].as_str()).await.expect("taken out"));
                None
            }
            "added" => {
                let mut more = first;
                more["id"] = json!(VersionRow::key(&made.id, 3));
                more["number"] = json!(3);
                rows.insert(more).await.expect("added");
                Some(3)
            }
            _ => {
                let second = vault.kept(VERSIONS, &keys[1]).await;
                for (key, row, number) in [(&keys[0], &second, 1), (&keys[1], &first, 2)] {
                    let mut row = row.clone();
                    (row["id"], row["number"]) = (json!(key), json!(number));
                    vault.put_back(VERSIONS, row).await;
                }
                None
            }
        };
        let password = Secret::new(OLD);
        let read = vault
            .read_version(made.token.expose(), read, Unlock::Password(&password))
            .await;
        assert!(
            matches!(read, Err(VaultError::Tampered { .. })),
            "{what}: {read:?}"
        );
        let rolled = vault.roll_back(By::Id(&made.id), 1, Proof::Authority).await;
        assert!(
            matches!(rolled, Err(VaultError::Tampered { .. })),
            "{what}: {rolled:?}"
        );
        vault.assert_noticed(&made, what).await;
        assert!(
            vault
                .delete(By::Id(&made.id), Proof::Authority)
                .await
                .expect("deleted")
        );
        assert_eq!(
            vault.faults().await,
            "",
            "{what}: with the secret all of it is gone"
        );
    }
}

#[tokio::test]
async fn whatever_is_altered_of_a_version_is_noticed() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    let key = VersionRow::key(&made.id, 2);
    let good = vault.kept(VERSIONS, &key).await;
    let first = vault.kept(VERSIONS, &VersionRow::key(&made.id, 1)).await;
    for changes in [
        json!({"state": "destroyed"}),
        json!({"kid": 2}),
        json!({"setting": null}),
        json!({"password_hash": null}),
        json!({"locked": first["locked"]}),
        json!({"body": first["body"]}),
        json!({"encryptor": "rot13"}),
        json!({"bytes": 4}),
        json!({"row_version": 1}),
        json!({"mac": first["mac"]}),
        json!({"mac": null}),
    ] {
        vault.alter(VERSIONS, &key, changes.clone()).await;
        assert_eq!(vault.read_with(&made, OLD).await, "tampered", "{changes}");
        let verified = vault.worked(VaultJob::Verify).await;
        assert_eq!((verified.failed, verified.done), (1, 1), "{changes}");
        vault.put_back(VERSIONS, good.clone()).await;
        assert_eq!(vault.read_with(&made, OLD).await, "ok", "{changes}");
    }
    assert_eq!(vault.faults().await, "");
}

#[tokio::test]
async fn secrets_that_are_put_back_whole_after_long_work_are_told_by_the_check() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    let keys = [VersionRow::key(&made.id, 1), VersionRow::key(&made.id, 2)];
    let whole = async || {
        [
            (SECRETS, vault.kept(SECRETS, &made.id).await),
            (VERSIONS, vault.kept(VERSIONS, &keys[0]).await),
            (VERSIONS, vault.kept(VERSIONS, &keys[1]).await),
        ]
    };
    let (old, new) = (Secret::new(OLD), Some(Secret::new(NEW)));
    let first = whole().await;
    assert_eq!(vault.worked(VaultJob::ChangePassword { old, new }).await.done, 1);
    let second = whole().await;
    assert_eq!(vault.worked(VaultJob::RotateKey).await.done, 2);
    for rows in [first, second] {
        assert_eq!(vault.faults().await, "");
        let now = whole().await;
        for (table, row) in rows {
            vault.put_back(table, row).await;
        }
        let faults = vault.faults().await;
        let told = format!("secret {} is older than the audit says: it was put back", made.id);
        assert_eq!(faults, told);
        for (table, row) in now {
            vault.put_back(table, row).await;
        }
    }
    // One that a job has deleted for good.
    let rows = whole().await;
    vault
        .soft_delete(By::Id(&made.id), Proof::Authority)
        .await
        .expect("deleted");
    let deleted_before = i64::MAX;
    assert_eq!(vault.worked(VaultJob::Purge { deleted_before }).await.done, 1);
    assert_eq!(vault.faults().await, "");
    for (table, row) in rows {
        let table = vault.store.table(table).expect("found");
        table.insert(row).await.expect("put back");
    }
    let faults = vault.faults().await;
    assert!(
        faults.contains("is older than the audit says: it was put back"),
        "{faults}"
    );
}

#[tokio::test]
async fn a_secret_that_is_taken_out_is_told_by_the_check() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    let over = vault
        .create(NewSecret::new("x").expires_at(1))
        .await
        .expect("made");
    vault.delete_expired().await.expect("swept");
    assert_eq!(vault.faults().await, "", "what is swept is told to be gone");
    assert_ne!(over.id, made.id);
    let secrets = vault.store.table(SECRETS).expect("found");
    assert!(secrets.delete(made.id.as_str()).await.expect("taken out"));
    let told = format!(
        "secret {} is gone, and the audit does not say that it was deleted",
        made.id
    );
    assert_eq!(vault.faults().await, told);
    // An entry that nobody signed is no excuse.
    let mut entry = audit::Event::new(VaultOp::Delete);
    (entry.secret, entry.row_version) = (Some(made.id.clone()), Some(99));
    let entry = vault.entry(entry, "ok", 3);
    let table = vault.store.table(AUDIT).expect("found");
    table.insert(entry.to_json()).await.expect("added");
    assert!(vault.faults().await.contains(&told));
}

#[tokio::test]
async fn an_entry_of_a_change_that_is_taken_out_is_told_by_its_secret() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    let audit = vault.store.table(AUDIT).expect("found");
    let take_out = async |op: &str| {
        let entries = audit
            .filter(json!({ "op": op, "secret": made.id }))
            .await
            .expect("read");
        assert_eq!(entries.len(), 1, "{op}");
        audit.delete(entries[0].key()).await.expect("taken out");
    };
    // In the segment that is still open.
    take_out("update").await;
    let told = format!(
        "secret {} is newer than the audit says: an entry was taken out",
        made.id
    );
    assert_eq!(vault.faults().await, told);
    let (_store, vault) = self::vault().await;
    let made = vault.create(NewSecret::new("one")).await.expect("made");
    let audit = vault.store.table(AUDIT).expect("found");
    let entries = audit.filter(json!({"op": "create"})).await.expect("read");
    audit.delete(entries[0].key()).await.expect("taken out");
    let told = format!("secret {} is not in the audit: it was added", made.id);
    assert_eq!(vault.faults().await, told);
}

#[tokio::test]
async fn the_entry_of_a_batch_cannot_be_altered() {
    let (_store, vault) = vault().await;
    let made = guarded(&vault).await;
    assert_eq!(vault.worked(VaultJob::RotateKey).await.done, 2);
    let audit = vault.store.table(AUDIT).expect("found");
    let entries = audit.all().await.expect("read");
    let batch = entries.iter().find(|entry| !entry.get("secrets").is_null());
    let batch = batch.expect("an entry of the batch");
    let text = batch.get("secrets");
    let text = text.as_str().expect("a text");
    assert!(text.contains(&format!("{}:3", made.id)), "{text}");
    let less = text.split(',').next().expect("one").to_owned();
    vault.alter(AUDIT, &batch.id(), json!({ "secrets": less })).await;
    assert!(vault.faults().await.contains("of the audit was altered"));
}

/// Gives a secret as many versions as are asked for, in one transaction.
async fn deepen(vault: &Vault, made: &Created, versions: u64) {
    let keyring = vault.keyring().expect("open");
    let row = vault
        .look_up(By::Id(&made.id))
        .await
        .expect("read")
        .expect("there");
    let value = SecretBytes::new(b"x".to_vec());
    let deepened = vault.attempt(async |step| {
        let mut next = row.clone();
        for number in 2..=versions {
            let mut version = vault.sealed(&keyring, &row.id, number, &value, None)?;
            next.claim(&mut version, &keyring.mac);
            step.table(VERSIONS)?.insert(version.to_json()).await?;
        }
        next.version = versions;
        step.put(&row, next).await
    });
    deepened.await.expect("written");
}

#[tokio::test]
async fn many_last_reads_at_once_are_counted_in_several_transactions() {
    let (_store, vault) = vault().await;
    let mut made = Vec::new();
    for _ in 0..50 {
        let one = vault
            .create(NewSecret::new("x").max_reads(1))
            .await
            .expect("made");
        deepen(&vault, &one, 240).await;
        made.push(one);
    }
    let tokens: Vec<&str> = made.iter().map(|one| one.token.expose()).collect();
    let read = vault
        .read_many(&tokens, Unlock::None)
        .await
        .expect("12,000 rows are written");
    assert!(read.iter().all(|one| one.outcome.is_ok()));
    let read = vault.read_many(&tokens, Unlock::None).await.expect("read");
    for one in read {
        assert!(matches!(
            *one.outcome.expect_err("used up"),
            VaultError::Exhausted
        ));
    }
    assert_eq!(vault.faults().await, "");
}

#[tokio::test]
async fn what_is_only_looked_at_is_answered_though_it_cannot_be_written_down() {
    let (_store, vault) = vault().await;
    let made = vault.create(NewSecret::new("one")).await.expect("made");
    let audit = vault.store.table(AUDIT).expect("found");
    audit.delete_table().await.expect("nothing can be written there");
    let listed = vault.list(&SecretQuery::new()).await.expect("listed");
    assert_eq!(listed.secrets.len(), 1);
    assert!(vault.exists(made.token.expose()).await.expect("asked"));
    assert!(vault.versions(By::Id(&made.id)).await.is_ok());
    let read = vault.read(made.token.expose(), Unlock::None).await;
    assert!(
        matches!(read, Err(VaultError::Store(_))),
        "no value leaves: {read:?}"
    );
}
