//! The examples of the description of records, each as a program of this store writes it.

use std::collections::BTreeMap;

use chancery::vault::{
    By, Expiry, NewSecret, Proof, Secret, SecretInfo, SecretOrder, SecretPatch, SecretQuery, SecretScope,
    SecretStatus, Vault, VaultError,
};
use chancery_scenarios::on_every_backend;

use super::{VALUE, code, custom, faults, updated, value_of, vault};

#[test]
fn get_record_metadata_and_changed_fields() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let new = NewSecret::new(VALUE)
            .token(custom("my_token"))
            .data("category", "credentials")
            .data("owner", "ann");
        vault.create(new).await.expect("made");
        let record = vault
            .find(By::Token("my_token"))
            .await
            .expect("looked up")
            .expect("there");
        let metadata = &record.data;
        assert_eq!(metadata["category"], "credentials");
        // What changes is named by the caller; the rest stays as it is.
        let changed = SecretPatch {
            data: Some(BTreeMap::from([("owner".into(), "bob".into())])),
            ..SecretPatch::default()
        };
        let after = vault.update_record(&record.id, changed).await.expect("changed");
        assert_eq!(after.data, BTreeMap::from([("owner".into(), "bob".into())]));
        assert_eq!(
            (after.expires_at, after.version),
            (record.expires_at, record.version)
        );
        assert_eq!(after.row_version, record.row_version + 1);
    });
}

#[test]
fn creating_a_record() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let record = NewSecret::new("a value").token(custom("my_token"));
        let created = vault.create(record).await.expect("made");
        let found = vault
            .find(By::Id(&created.id))
            .await
            .expect("looked up")
            .expect("there");
        assert!(found.created_at > 0 && found.created_at == found.updated_at);
        assert_eq!(created.token.expose(), "my_token");
        assert_eq!(value_of(&vault, "my_token").await.as_deref(), Ok("a value"));
    });
}

#[test]
fn updating_a_record() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new("old").token(custom("my_token")))
            .await
            .expect("made");
        let record = vault
            .find(By::Token("my_token"))
            .await
            .expect("looked up")
            .expect("there");
        updated(&vault, By::Id(&record.id), "new").await.expect("updated");
        let data = [("category", "credentials"), ("owner", "user123")];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let patch = SecretPatch {
            data: Some(BTreeMap::from(data)),
            ..SecretPatch::default()
        };
        vault.update_record(&record.id, patch).await.expect("changed");
        let record = vault
            .find(By::Token("my_token"))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(record.data["owner"], "user123");
        assert_eq!(value_of(&vault, "my_token").await.as_deref(), Ok("new"));
    });
}

#[test]
fn querying_records() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for token in ["token1", "token2", "token3"] {
            vault
                .create(NewSecret::new(token).token(custom(token)))
                .await
                .expect("made");
        }
        let query = SecretQuery::new()
            .tokens(["token1", "token2"])
            .limit(10)
            .order(SecretOrder::CreatedAt)
            .descending()
            .scope(SecretScope::Live);
        let records = vault.list(&query).await.expect("listed").secrets;
        assert_eq!(records.len(), 2);
        assert!(records[0].created_at >= records[1].created_at);
        assert_eq!(vault.count(&query).await.expect("counted"), 2);
    });
}

#[test]
fn soft_delete_and_recovery() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new(VALUE).token(custom("my_token")))
            .await
            .expect("made");
        let record = vault
            .find(By::Token("my_token"))
            .await
            .expect("looked up")
            .expect("there");
        vault
            .soft_delete(By::Id(&record.id), Proof::Authority)
            .await
            .expect("deleted");
        let deleted = vault
            .list(&SecretQuery::new().scope(SecretScope::Deleted))
            .await
            .expect("listed");
        assert_eq!(
            deleted
                .secrets
                .iter()
                .map(|record| &record.id)
                .collect::<Vec<_>>(),
            [&record.id]
        );
        assert!(deleted.secrets[0].soft_deleted_at.is_some());
        let back = vault
            .restore(By::Token("my_token"), Proof::Authority)
            .await
            .expect("restored");
        assert_eq!(back.status, SecretStatus::Live);
        assert_eq!(value_of(&vault, "my_token").await.as_deref(), Ok(VALUE));
    });
}

#[test]
fn validation_names_everything_that_is_wrong() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let error = vault
            .create(NewSecret::new(VALUE).token(custom("")))
            .await
            .expect_err("refused");
        assert_eq!(error.to_string(), "token is required");
        let new = NewSecret::new(vec![0; (1 << 20) + 1])
            .token(custom("bad\n"))
            .max_reads(0)
            .data("", "x");
        let Err(VaultError::Invalid(issues)) = vault.create(new).await else {
            panic!("it is refused");
        };
        let mut fields: Vec<_> = issues.iter().map(|issue| issue.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["data.", "maxReads", "token", "value"]);
        let error = VaultError::Invalid(issues).to_string();
        assert!(
            error.starts_with("Validation failed: ") && error.contains("1048576"),
            "{error}"
        );
    });
}

#[test]
fn what_fails_leaves_nothing_behind() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new("one").token(custom("taken")))
            .await
            .expect("made");
        let again = vault.create(NewSecret::new("two").token(custom("taken"))).await;
        assert!(matches!(again, Err(VaultError::TokenTaken)), "{again:?}");
        assert_eq!(vault.count(&SecretQuery::new()).await.expect("counted"), 1);
        assert_eq!(value_of(&vault, "taken").await.as_deref(), Ok("one"));
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn error_recovery() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let read = value_of(&vault, "my_token").await;
        if read == Err("notFound") {
            vault
                .create(NewSecret::new("fresh").token(custom("my_token")))
                .await
                .expect("made");
        }
        assert_eq!(value_of(&vault, "my_token").await.as_deref(), Ok("fresh"));
    });
}

/// A secret to compare with.
async fn create_test_record(vault: &Vault, token: &str, value: &str) -> SecretInfo {
    let created = vault
        .create(NewSecret::new(value).token(custom(token)))
        .await
        .expect("made");
    vault
        .find(By::Id(&created.id))
        .await
        .expect("looked up")
        .expect("there")
}

#[test]
fn test_utilities() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let expected = create_test_record(&vault, "my_token", VALUE).await;
        let actual = vault
            .find(By::Token("my_token"))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(expected, actual);
    });
}

#[test]
fn record_operations_by_record_by_id_and_by_token() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for by_id in [true, false] {
            let record = create_test_record(&vault, "my_token", VALUE).await;
            let by = match by_id {
                true => By::Id(&record.id),
                false => By::Token("my_token"),
            };
            vault.soft_delete(by, Proof::Authority).await.expect("deleted");
            assert_eq!(vault.find(by).await.expect("looked up"), None);
            assert_eq!(code(&vault.soft_delete(by, Proof::Authority).await), "notFound");
            assert!(
                vault
                    .delete(by, Proof::Authority)
                    .await
                    .expect("deleted for good")
            );
            assert!(
                !vault
                    .delete(by, Proof::Authority)
                    .await
                    .expect("nothing to delete")
            );
        }
    });
}

#[test]
fn ids_and_tokens_never_change() {
    // There is nothing that could say so: neither a patch nor an update has a field for them.
    let SecretPatch {
        data,
        expires_at,
        expected,
    } = SecretPatch::default();
    assert!(data.is_none() && expires_at.is_none() && expected.is_none());
    let all = SecretQuery::new().expiry(Expiry::Any);
    assert!(all.validate().is_ok());
    let password = Secret::new("correct horse");
    assert!(!format!("{password:?}").contains("horse"));
}
