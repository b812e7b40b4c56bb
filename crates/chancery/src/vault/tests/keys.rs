//! What is altered of the keys, the counts and the log.

use super::*;

/// Puts another header in the place of the vault's.
async fn put_header(vault: &Vault, body: Json) {
    let write = DocumentWrite::Put {
        document: Document {
            kind: "vault".into(),
            id: "header".into(),
            lookup: None,
            body,
            version: 0,
        },
        expected: None,
    };
    vault.put_header(write).await.expect("put");
}

#[tokio::test]
async fn an_altered_header_opens_no_vault() {
    let (store, vault) = vault().await;
    vault.create(NewSecret::new("one")).await.expect("made");
    let (header, _) = keyring::kept(&**store.backend())
        .await
        .expect("read")
        .expect("there");
    let good = serde_json::to_value(&header).expect("written");
    let other_vault = self::vault().await.1;
    let backend = other_vault.store.backend();
    let (foreign, _) = keyring::kept(&**backend).await.expect("read").expect("there");
    let foreign = serde_json::to_value(&foreign).expect("written");
    let mut alterations = vec![(json!({"not": "a header"}), "tampered"), (json!([]), "tampered")];
    for (path, value) in [
        ("/active", json!(2)),
        ("/keys/0/state", json!("retired")),
        ("/keys/0/sealed", foreign["keys"][0]["sealed"].clone()),
        ("/keys/0/born", json!(0)),
        ("/setting", json!(9)),
        ("/settings/0/stored", foreign["settings"][0]["stored"].clone()),
        ("/slots/0/addedAt", json!(0)),
        ("/mac", json!("")),
        ("/mac", foreign["mac"].clone()),
    ] {
        let mut altered = good.clone();
        *altered.pointer_mut(path).expect(path) = value;
        alterations.push((altered, "tampered"));
    }
    for (path, value) in [
        ("/slots/0/wrapped", foreign["slots"][0]["wrapped"].clone()),
        ("/slots/0/fingerprint", json!("0000-0000")),
        ("/id", foreign["id"].clone()),
    ] {
        let mut altered = good.clone();
        *altered.pointer_mut(path).expect(path) = value;
        alterations.push((altered, "rootKey"));
    }
    for (altered, code) in alterations {
        put_header(&vault, altered.clone()).await;
        let opened = Vault::open(&store, options()).await;
        assert_eq!(opened.err().map(|error| error.code()), Some(code), "{altered}");
    }
    put_header(&vault, good).await;
    assert!(Vault::open(&store, options()).await.is_ok());
}

#[tokio::test]
async fn a_vault_whose_header_was_taken_away_is_not_made_anew() {
    let (store, vault) = vault().await;
    vault.create(NewSecret::new("one")).await.expect("made");
    vault
        .put_header(DocumentWrite::Delete {
            kind: "vault".into(),
            id: "header".into(),
        })
        .await
        .expect("taken away");
    let opened = Vault::open(&store, options()).await;
    assert!(matches!(opened, Err(VaultError::Tampered { .. })), "{opened:?}");
}

#[tokio::test]
async fn hostile_settings_of_passwords_are_refused_before_memory_is_taken() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let (store, vault) = vault().await;
    let (header, _) = keyring::kept(&**store.backend())
        .await
        .expect("read")
        .expect("there");
    let good = serde_json::to_value(&header).expect("written");
    let stored = good["settings"][0]["stored"].as_str().expect("a text");
    let stored = STANDARD.decode(stored).expect("base64");
    for at in 0..stored.len() {
        let mut hostile = stored.clone();
        // Bytes 1 to 4 are the memory: up to 4 TiB.
        hostile[at] ^= 0xff;
        let mut altered = good.clone();
        altered["settings"][0]["stored"] = json!(STANDARD.encode(hostile));
        put_header(&vault, altered).await;
        let opened = Vault::open(&store, options()).await;
        assert_eq!(
            opened.err().map(|error| error.code()),
            Some("tampered"),
            "byte {at}"
        );
    }
}

#[tokio::test]
async fn counts_of_attempts_name_nobody_and_are_removed_when_they_are_old() {
    let (_store, vault) = vault().await;
    let client = vault.from_client("203.0.113.7");
    let wrong = Secret::new("wrong horse");
    client
        .read("no such token", Unlock::Password(&wrong))
        .await
        .expect_err("refused");
    let attempts = vault.store.table(ATTEMPTS).expect("found");
    let rows = attempts.all().await.expect("read");
    assert_eq!(rows.len(), 3, "from here at it, at it, from here");
    let text = format!("{rows:?}");
    assert!(
        !text.contains("203.0.113.7") && !text.contains("no such token"),
        "{text}"
    );
    vault.forget_attempts().await.expect("swept");
    assert_eq!(attempts.all().await.expect("read").len(), 3);
    for row in rows {
        vault
            .alter(ATTEMPTS, &row.key().to_string(), json!({"at": 0}))
            .await;
    }
    vault.soft_delete_expired().await.expect("swept");
    assert_eq!(attempts.all().await.expect("read").len(), 0);
}

#[tokio::test]
async fn the_log_of_changes_holds_nothing_of_a_secret() {
    let (store, vault) = vault().await;
    let password = Secret::new("canary-password");
    let new = NewSecret::new("canary-value")
        .token(NewToken::Custom(Secret::new("canary-token")))
        .password(&password);
    let made = vault.create(new).await.expect("made");
    vault.update_to_with(&made.id, "canary-newer", &password).await;
    vault
        .delete(By::Id(&made.id), Proof::Authority)
        .await
        .expect("deleted");
    for changes in [
        store.changes(0, 1_000).await.expect("read"),
        vault.store.changes(0, 1_000).await.expect("read"),
    ] {
        let text = format!("{changes:?}");
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains("vs1."), "no ciphertext either: {text}");
    }
}

impl Vault {
    async fn update_to_with(&self, id: &str, value: &str, password: &Secret) {
        let update = SecretUpdate {
            value: SecretBytes::new(value.as_bytes().to_vec()),
            proof: Proof::Unlock(Unlock::Password(password)),
            password: NewPassword::Keep,
            expected: None,
        };
        self.update(By::Id(id), update).await.expect("updated");
    }
}

#[tokio::test]
async fn what_was_sealed_under_a_key_that_is_given_up_meanwhile_is_sealed_again() {
    let (_store, vault) = vault().await;
    let made = vault.create(NewSecret::new("one")).await.expect("made");
    let old = vault.keyring().expect("open");
    let row = vault
        .look_up(By::Id(&made.id))
        .await
        .expect("read")
        .expect("there");
    let proven = change::Proven { row, session: None };
    let sealed = vault
        .sealed(&old, &made.id, 2, &SecretBytes::new(b"two".to_vec()), None)
        .expect("sealed");
    vault.new_key().await.expect("made");
    let appended = vault.append(VaultOp::Update, &proven, sealed, Vec::new()).await;
    assert!(matches!(appended, Ok(None)), "{appended:?}");
    vault.update_to(&made.id, "two").await;
    let versions: Vec<VersionRow> = vault
        .store
        .table(VERSIONS)
        .expect("found")
        .all()
        .await
        .expect("read")
        .iter()
        .map(|record| VersionRow::of(record).expect("a row"))
        .collect();
    assert_eq!(
        versions.iter().map(|version| version.kid).collect::<Vec<_>>(),
        [1, 2]
    );
    let secret = vault.kept(SECRETS, &made.id).await;
    assert_eq!(secret["version"], json!(2));
    assert!(
        SecretRow::of(
            &vault
                .store
                .table(SECRETS)
                .expect("found")
                .get(made.id.as_str())
                .await
                .expect("read")
                .expect("there")
        )
        .is_ok()
    );
}

#[tokio::test]
async fn keys_can_be_changed_after_the_same_header_was_put_again() {
    let (store, vault) = vault().await;
    vault.new_key().await.expect("made");
    vault.retire_key(1).await.expect("it locks nothing");
    assert!(matches!(vault.retire_key(1).await, Err(VaultError::Invalid(_))));
    let (header, _) = keyring::kept(&**store.backend())
        .await
        .expect("read")
        .expect("there");
    put_header(&vault, serde_json::to_value(&header).expect("written")).await;
    assert_eq!(vault.new_key().await.expect("made"), 3);
}
