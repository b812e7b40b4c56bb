//! What nobody can do from outside: rows, documents and the audit altered behind the vault's back. Each alteration has its error.

mod keys;
mod rows;

use std::sync::{Arc, OnceLock};

use chancery_model::Json;
use chancery_storage::{Document, DocumentWrite};
use serde_json::json;

use super::keyring;
use super::tables::{ATTEMPTS, AUDIT, HEAD, Row, SECRETS, SEGMENTS, SecretRow, VERSIONS, VersionRow};
use super::*;

/// A vault in memory with the cheapest passwords there are.
async fn vault() -> (Store, Vault) {
    let store = Store::open("memory:").await.expect("a store opens");
    let vault = Vault::open(&store, options()).await.expect("a vault opens");
    (store, vault)
}

fn options() -> VaultOptions {
    static ROOT: OnceLock<(tempfile::TempDir, Arc<FileRoot>)> = OnceLock::new();
    let (_, root) = ROOT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let root = FileRoot::create(folder.path().join("root.key")).expect("a key file");
        (folder, Arc::new(root))
    });
    VaultOptions {
        root: Some(root.clone()),
        kdf: KdfParams::new(7 * 1024, 1, 1).expect("within the bounds"),
        policy: PasswordPolicy {
            min_chars: 4,
            ..PasswordPolicy::default()
        },
        ..VaultOptions::default()
    }
}

impl Vault {
    /// Writes into one of the vault's tables as somebody who has the database.
    async fn alter(&self, table: &str, key: &str, changes: Json) {
        let table = self.store.table(table).expect("found");
        table.update(key, changes).await.expect("altered");
    }

    /// A row as it is kept.
    async fn kept(&self, table: &str, key: &str) -> Json {
        let found = self
            .store
            .table(table)
            .expect("found")
            .get(key)
            .await
            .expect("read");
        Json::Object(found.expect("it is there").data())
    }

    async fn read_error(&self, created: &Created) -> &'static str {
        match self.read(created.token.expose(), Unlock::None).await {
            Ok(_) => "ok",
            Err(error) => error.code(),
        }
    }

    async fn faults(&self) -> String {
        self.verify_audit(None).await.expect("walked").faults.join("\n")
    }

    async fn update_to(&self, id: &str, value: &str) {
        let update = SecretUpdate {
            value: SecretBytes::new(value.as_bytes().to_vec()),
            proof: Proof::Authority,
            password: NewPassword::Keep,
            expected: None,
        };
        self.update(By::Id(id), update).await.expect("updated");
    }
}

#[tokio::test]
async fn sealed_columns_that_are_swapped_or_moved_open_nothing() {
    let (_store, vault) = vault().await;
    let one = vault.create(NewSecret::new("of one")).await.expect("made");
    let two = vault.create(NewSecret::new("of two")).await.expect("made");
    let keys = [VersionRow::key(&one.id, 1), VersionRow::key(&two.id, 1)];
    let rows = [
        vault.kept(VERSIONS, &keys[0]).await,
        vault.kept(VERSIONS, &keys[1]).await,
    ];
    for columns in [&["locked"][..], &["body"], &["locked", "body"]] {
        for column in columns {
            for (at, from) in [(0, 1), (1, 0)] {
                let changes = json!({ *column: rows[from][*column] });
                vault.alter(VERSIONS, &keys[at], changes).await;
            }
        }
        for secret in [&one, &two] {
            assert_eq!(vault.read_error(secret).await, "tampered", "{columns:?}");
        }
        for (key, row) in keys.iter().zip(&rows) {
            vault
                .alter(
                    VERSIONS,
                    key,
                    json!({"locked": row["locked"], "body": row["body"]}),
                )
                .await;
        }
    }
    assert_eq!(vault.read_error(&one).await, "ok");
}

#[tokio::test]
async fn a_version_that_says_it_is_another_secrets_is_not_opened_as_that() {
    let (_store, vault) = vault().await;
    let mine = vault.create(NewSecret::new("mine")).await.expect("made");
    let theirs = vault.create(NewSecret::new("theirs")).await.expect("made");
    let mut row = vault.kept(VERSIONS, &VersionRow::key(&theirs.id, 1)).await;
    row.as_object_mut().expect("an object").shift_remove("id");
    vault.alter(VERSIONS, &VersionRow::key(&mine.id, 1), row).await;
    assert_eq!(vault.read_error(&mine).await, "tampered");
}

#[tokio::test]
async fn a_value_moved_to_another_version_of_its_secret_is_not_opened() {
    let (_store, vault) = vault().await;
    let made = vault.create(NewSecret::new("old")).await.expect("made");
    vault.update_to(&made.id, "new").await;
    let old = vault.kept(VERSIONS, &VersionRow::key(&made.id, 1)).await;
    let newest = VersionRow::key(&made.id, 2);
    vault
        .alter(
            VERSIONS,
            &newest,
            json!({"locked": old["locked"], "body": old["body"]}),
        )
        .await;
    assert_eq!(vault.read_error(&made).await, "tampered");
    vault
        .alter(VERSIONS, &newest, json!({"number": 1, "body": old["body"]}))
        .await;
    assert_eq!(vault.read_error(&made).await, "tampered");
}

#[tokio::test]
async fn a_password_is_not_taken_off_by_changing_the_row() {
    let (_store, vault) = vault().await;
    let password = Secret::new("correct horse");
    let new = NewSecret::new("guarded").password(&password);
    let made = vault.create(new).await.expect("made");
    let key = VersionRow::key(&made.id, 1);
    let nothing = json!({"setting": null, "password_hash": null});
    vault.alter(VERSIONS, &key, nothing).await;
    assert_eq!(vault.read_error(&made).await, "tampered");
    let free = vault.create(NewSecret::new("free")).await.expect("made");
    let other = vault.kept(VERSIONS, &VersionRow::key(&free.id, 1)).await;
    vault
        .alter(VERSIONS, &key, json!({"locked": other["locked"]}))
        .await;
    assert_eq!(vault.read_error(&made).await, "tampered");
    vault.alter(VERSIONS, &key, json!({"encryptor": "rot13"})).await;
    let error = vault
        .read(made.token.expose(), Unlock::None)
        .await
        .expect_err("unknown");
    assert_eq!(error.code(), "tampered");
}

#[tokio::test]
async fn whatever_is_altered_of_a_secret_is_noticed_when_it_is_read_and_by_the_check() {
    let (_store, vault) = vault().await;
    let new = NewSecret::new("once")
        .max_reads(1)
        .expires_at(i64::MAX)
        .data("owner", "ann");
    let made = vault.create(new).await.expect("made");
    let other = vault.create(NewSecret::new("other")).await.expect("made");
    let good = vault.kept(SECRETS, &made.id).await;
    let of_other = vault.kept(SECRETS, &other.id).await;
    for changes in [
        json!({"expires_at": 1}),
        json!({"expires_at": null}),
        json!({"reads_left": 1000, "reads_max": 1000}),
        json!({"reads_left": null, "reads_max": null}),
        json!({"soft_deleted_at": 1}),
        json!({"version": 7}),
        json!({"row_version": 9}),
        json!({"kind": "wrap"}),
        json!({"custom": true}),
        json!({"setting": 1, "password_hash": "00"}),
        json!({"origin": other.id}),
        json!({"data:owner": "bob"}),
        json!({"data:more": "field"}),
        json!({"mac": of_other["mac"]}),
        json!({"mac": ""}),
        json!({"mac": null}),
        json!({"token_sealed": of_other["token_sealed"]}),
    ] {
        vault.alter(SECRETS, &made.id, changes.clone()).await;
        assert_eq!(vault.read_error(&made).await, "tampered", "{changes}");
        let listed = vault
            .list(&SecretQuery::new().ids([&made.id]).scope(SecretScope::All))
            .await;
        assert!(matches!(listed, Err(VaultError::Tampered { .. })), "{changes}");
        let faults = vault.faults().await;
        assert!(
            faults.contains(&format!("secret {} was altered", made.id)),
            "{changes}: {faults}"
        );
        let mut back = good.clone();
        let fields = back.as_object_mut().expect("an object");
        fields.shift_remove("id");
        for name in changes.as_object().expect("an object").keys() {
            fields.entry(name.clone()).or_insert(Json::Null);
        }
        vault.alter(SECRETS, &made.id, back).await;
    }
    assert_eq!(vault.read_error(&made).await, "ok");
    assert_eq!(vault.faults().await, "");
}

#[tokio::test]
async fn one_altered_secret_keeps_no_other_from_being_read_or_swept() {
    let (_store, vault) = vault().await;
    let bad = vault
        .create(NewSecret::new("bad").expires_at(1))
        .await
        .expect("made");
    let good = vault.create(NewSecret::new("good")).await.expect("made");
    let over = vault
        .create(NewSecret::new("over").expires_at(1))
        .await
        .expect("made");
    vault.alter(SECRETS, &bad.id, json!({"expires_at": 2})).await;
    let tokens = [bad.token.expose(), good.token.expose()];
    let read = vault.read_many(&tokens, Unlock::None).await.expect("read");
    let codes = read
        .iter()
        .map(|one| one.outcome.as_ref().map_or_else(|error| error.code(), |_| "ok"));
    assert_eq!(codes.collect::<Vec<_>>(), ["tampered", "ok"]);
    let swept = vault.delete_expired().await.expect("swept");
    assert_eq!(
        swept,
        Swept {
            deleted: 1,
            spared: 1
        }
    );
    assert!(vault.find(By::Id(&over.id)).await.expect("looked up").is_none());
}

#[tokio::test]
async fn an_old_row_that_is_put_back_is_told_by_the_check() {
    let (_store, vault) = vault().await;
    let made = vault
        .create(NewSecret::new("thrice").max_reads(3))
        .await
        .expect("made");
    let mut before = vault.kept(SECRETS, &made.id).await;
    assert_eq!(vault.read_error(&made).await, "ok");
    before.as_object_mut().expect("an object").shift_remove("id");
    vault.alter(SECRETS, &made.id, before).await;
    // What it says is true of some time, so reading it is no error; that it is old is known to the audit.
    let faults = vault.faults().await;
    assert!(faults.contains("is older than the audit says"), "{faults}");
}

#[tokio::test]
async fn a_deleted_secret_that_is_put_back_is_told_by_the_check() {
    let (_store, vault) = vault().await;
    let made = vault.create(NewSecret::new("gone")).await.expect("made");
    let row = vault.kept(SECRETS, &made.id).await;
    assert!(
        vault
            .delete(By::Id(&made.id), Proof::Authority)
            .await
            .expect("deleted")
    );
    assert_eq!(vault.faults().await, "");
    vault
        .store
        .table(SECRETS)
        .expect("found")
        .insert(row)
        .await
        .expect("put back");
    let faults = vault.faults().await;
    assert!(faults.contains("is older than the audit says"), "{faults}");
}

#[tokio::test]
async fn a_destroyed_version_that_is_put_back_is_told_by_the_check() {
    let (_store, vault) = vault().await;
    let made = vault.create(NewSecret::new("old")).await.expect("made");
    vault.update_to(&made.id, "new").await;
    let key = VersionRow::key(&made.id, 1);
    let row = vault.kept(VERSIONS, &key).await;
    vault
        .destroy_version(By::Id(&made.id), 1, Proof::Authority)
        .await
        .expect("destroyed");
    assert_eq!(vault.faults().await, "");
    let back = json!({"state": row["state"], "locked": row["locked"], "body": row["body"]});
    vault.alter(VERSIONS, &key, back).await;
    let faults = vault.faults().await;
    assert!(faults.contains("a version of secret"), "{faults}");
}

#[tokio::test]
async fn entries_of_the_audit_cannot_be_altered_taken_out_or_added() {
    let (_store, vault) = vault().await;
    vault.create(NewSecret::new("one")).await.expect("made");
    let audit = vault.store.table(AUDIT).expect("found");
    let first = audit.all().await.expect("read")[0].key().to_string();
    // In the segment that is still open.
    vault.alter(AUDIT, &first, json!({"op": "read"})).await;
    assert!(vault.faults().await.contains("was altered"));
    let (_store, vault) = self::vault().await;
    vault.create(NewSecret::new("one")).await.expect("made");
    let audit = vault.store.table(AUDIT).expect("found");
    let first = audit.all().await.expect("read")[0].key().to_string();
    vault.alter(AUDIT, &first, json!({"mac": "", "op": "read"})).await;
    assert!(
        vault.faults().await.contains("was altered"),
        "nothing is done without a code"
    );
    // In one that is closed.
    let (_store, vault) = self::vault().await;
    vault.create(NewSecret::new("one")).await.expect("made");
    let kept = vault.seal_audit().await.expect("sealed").expect("a segment");
    assert_eq!(vault.faults().await, "");
    let audit = vault.store.table(AUDIT).expect("found");
    let rows = audit.all().await.expect("read");
    let (key, row) = (rows[0].key().to_string(), rows[0].data());
    audit.delete(key.as_str()).await.expect("taken out");
    assert!(vault.faults().await.contains("of the audit had"));
    audit.insert(Json::Object(row.clone())).await.expect("put back");
    assert_eq!(vault.faults().await, "");
    let mut more = row;
    more.insert("id".into(), json!("another"));
    audit.insert(Json::Object(more)).await.expect("added");
    let faults = vault.verify_audit(Some(&kept)).await.expect("walked").faults;
    assert!(
        faults.iter().any(|fault| fault.contains("was altered")),
        "{faults:?}"
    );
    assert!(
        faults.iter().any(|fault| fault.contains("of the audit had")),
        "{faults:?}"
    );
}

#[tokio::test]
async fn segments_of_the_audit_cannot_be_altered_or_taken_out() {
    let (_store, vault) = vault().await;
    for _ in 0..3 {
        vault.create(NewSecret::new("one")).await.expect("made");
        vault.seal_audit().await.expect("sealed");
    }
    let head = vault.seal_audit().await.expect("sealed").expect("a segment");
    assert_eq!(head.segment, 3);
    let segments = vault.store.table(SEGMENTS).expect("found");
    let key = |number: u64| format!("{number:016}");
    let second = vault.kept(SEGMENTS, &key(2)).await;
    vault.alter(SEGMENTS, &key(2), json!({"rows": 0})).await;
    assert!(
        vault
            .faults()
            .await
            .contains("segment 2 of the audit was altered")
    );
    segments.delete(key(2).as_str()).await.expect("taken out");
    assert!(vault.faults().await.contains("segment 2 of the audit is missing"));
    segments.insert(second).await.expect("put back");
    assert_eq!(vault.faults().await, "");
    // The end, cut off: what was kept elsewhere tells it, also if nothing was written since.
    segments.delete(key(3).as_str()).await.expect("taken out");
    let audit = vault.store.table(AUDIT).expect("found");
    for row in audit.filter(json!({"segment": 3})).await.expect("read") {
        audit.delete(row.key()).await.expect("taken out");
    }
    let faults = vault.verify_audit(Some(&head)).await.expect("walked").faults;
    assert!(!faults.is_empty(), "{faults:?}");
    vault.alter(SEGMENTS, HEAD, json!({"number": 3})).await;
    let report = vault.verify_audit(Some(&head)).await.expect("walked");
    assert!(!report.faults.is_empty(), "{report:?}");
    vault
        .alter(SEGMENTS, HEAD, json!({"number": 1_000_000_000}))
        .await;
    vault.create(NewSecret::new("one")).await.expect("made");
    let walked = vault.verify_audit(Some(&head)).await;
    assert!(matches!(walked, Err(VaultError::Tampered { .. })), "{walked:?}");
}
