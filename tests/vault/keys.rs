//! Keys: what a vault does without its root key or with another one, and how keys are changed while it is in use.

use chancery::vault::{
    By, FileRoot, KdfParams, KeyState, NewSecret, PasswordSession, Proof, RootError, Secret, SecretQuery,
    Unlock, Vault, VaultError, VaultOptions,
};
use chancery_scenarios::{on_every_backend, twice_on_postgres};

use super::{
    TOKEN, VALUE, code, custom, guarded, made, options, other_root, root, update_of, updated, value_of,
    value_with, vault,
};

#[test]
fn another_root_key_opens_nothing_and_says_which_is_needed() {
    on_every_backend(|store| async move {
        vault(&store).await;
        let (_folder, other) = other_root();
        let other = VaultOptions {
            root: Some(other),
            ..options()
        };
        let opened = Vault::open(&store, other).await;
        let Err(VaultError::Root(RootError::OtherKey { wanted, offered, .. })) = opened else {
            panic!("{opened:?}");
        };
        let known = vault(&store).await.roots().await.expect("listed");
        assert_eq!(wanted, known[0].fingerprint);
        assert_ne!(wanted, offered);
    });
}

#[test]
fn a_lost_key_file_is_told_and_not_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("root.key");
    FileRoot::create(&path).expect("a key file");
    assert!(matches!(FileRoot::create(&path), Err(RootError::Exists { .. })));
    std::fs::remove_file(&path).expect("lost");
    assert!(matches!(FileRoot::open(&path), Err(RootError::Missing { .. })));
}

#[test]
fn a_sealed_vault_tells_what_it_has_and_gives_and_changes_nothing() {
    on_every_backend(|store| async move {
        let open = vault(&store).await;
        let one = open
            .create(NewSecret::new(VALUE).token(custom(TOKEN)))
            .await
            .expect("made");
        let sealed = VaultOptions {
            root: None,
            ..options()
        };
        let vault = Vault::open(&store, sealed).await.expect("a vault opens");
        assert!(vault.is_sealed() && !open.is_sealed());
        let (by, token) = (By::Id(&one.id), By::Token(TOKEN));
        assert_eq!(
            vault
                .list(&SecretQuery::new())
                .await
                .expect("listed")
                .secrets
                .len(),
            1
        );
        assert_eq!(vault.count(&SecretQuery::new()).await.expect("counted"), 1);
        assert!(vault.find(by).await.expect("looked up").is_some());
        assert_eq!(vault.versions(by).await.expect("listed").len(), 1);
        assert_eq!(vault.roots().await.expect("listed").len(), 1);
        assert!(
            !vault
                .audit(None, None, 10)
                .await
                .expect("read")
                .entries
                .is_empty()
        );
        let authority = Proof::Authority;
        for (what, code) in [
            ("create", code(&vault.create(NewSecret::new("w")).await)),
            ("read", code(&vault.read(TOKEN, Unlock::None).await)),
            ("find", code(&vault.find(token).await)),
            ("exists", code(&vault.exists(TOKEN).await)),
            (
                "list",
                code(&vault.list(&SecretQuery::new().tokens([TOKEN])).await),
            ),
            ("update", code(&vault.update(by, update_of("w", authority)).await)),
            ("renew", code(&vault.renew(by, None, authority).await)),
            ("delete", code(&vault.delete(by, authority).await)),
            ("softDelete", code(&vault.soft_delete(by, authority).await)),
            ("token", code(&vault.token_of(&one.id).await)),
            ("sweep", code(&vault.delete_expired().await)),
            ("key", code(&vault.new_key().await)),
            ("census", code(&vault.census().await)),
            ("verify", code(&vault.verify_audit(None).await)),
            ("seal", code(&vault.seal_audit().await)),
        ] {
            assert_eq!(code, "sealed", "{what}");
        }
        assert_eq!(
            value_of(&open, TOKEN).await.as_deref(),
            Ok(VALUE),
            "the other handle is open"
        );
        vault.unseal(&*root()).await.expect("unsealed");
        assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok(VALUE));
        vault.seal();
        assert_eq!(value_of(&vault, TOKEN).await, Err("sealed"));
    });
}

#[test]
fn a_new_data_key_seals_what_is_new_and_the_old_one_still_opens() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, "one").await;
        let two = made(&vault, "two").await;
        assert_eq!(vault.new_key().await.expect("made"), 2);
        updated(&vault, By::Id(&two.id), "two again")
            .await
            .expect("updated");
        made(&vault, "three").await;
        let census = vault.census().await.expect("counted");
        let counted: Vec<_> = census
            .iter()
            .map(|key| (key.kid, key.state, key.versions))
            .collect();
        assert_eq!(counted, [(1, KeyState::Opens, 2), (2, KeyState::Active, 2)]);
        assert_eq!(value_of(&vault, one.token.expose()).await.as_deref(), Ok("one"));
        assert_eq!(
            value_of(&vault, two.token.expose()).await.as_deref(),
            Ok("two again")
        );
        for kid in [1, 2, 3] {
            assert_eq!(
                code(&vault.retire_key(kid).await),
                "invalid",
                "{kid} is in use, or is none"
            );
        }
        for secret in [&one, &two] {
            vault
                .delete(By::Id(&secret.id), Proof::Authority)
                .await
                .expect("deleted");
        }
        vault.retire_key(1).await.expect("retired");
        let census = vault.census().await.expect("counted");
        assert_eq!((census[0].state, census[0].versions), (KeyState::Retired, 0));
        let again = super::vault(&store).await;
        assert_eq!(again.census().await.expect("counted"), census);
    });
}

#[test]
fn many_keys_that_are_made_at_once_are_all_kept() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let makers: Vec<_> = (0..6)
            .map(|number| {
                let vault = vault.clone();
                tokio::spawn(async move {
                    vault.new_key().await.expect("made");
                    made(&vault, &format!("value {number}")).await
                })
            })
            .collect();
        let mut secrets = Vec::new();
        for maker in makers {
            secrets.push(maker.await.expect("it ends"));
        }
        assert_eq!(vault.census().await.expect("counted").len(), 7);
        let again = super::vault(&store).await;
        for (number, secret) in secrets.iter().enumerate() {
            let value = value_of(&again, secret.token.expose()).await;
            assert_eq!(value, Ok(format!("value {number}")));
        }
    });
}

async fn keys_are_shared(one: Vault, two: Vault) {
    let old = made(&one, "old").await;
    assert_eq!(value_of(&two, old.token.expose()).await.as_deref(), Ok("old"));
    assert_eq!(one.new_key().await.expect("made"), 2);
    // What the other one has never seen the key of, it opens.
    let fresh = made(&one, "fresh").await;
    assert_eq!(value_of(&two, fresh.token.expose()).await.as_deref(), Ok("fresh"));
    made(&two, "by the other").await;
    let census = one.census().await.expect("counted");
    assert_eq!(
        (census[0].versions, census[1].versions),
        (1, 2),
        "the other one seals with the new key"
    );
    // So with settings of passwords.
    let params = KdfParams::new(8 * 1024, 1, 1).expect("within the bounds");
    one.change_kdf(params).await.expect("changed");
    guarded(&one, TOKEN, VALUE, "correct horse").await;
    assert_eq!(
        value_with(&two, TOKEN, "correct horse").await.as_deref(),
        Ok(VALUE)
    );
    one.change_kdf(params).await.expect("changed");
    guarded(&one, "imap", VALUE, "correct horse").await;
    let password = Secret::new("correct horse");
    let proof = Proof::Unlock(Unlock::Password(&password));
    two.update(By::Token("imap"), update_of("w", proof))
        .await
        .expect("updated");
    assert_eq!(
        value_with(&one, "imap", "correct horse").await.as_deref(),
        Ok("w")
    );
    two.seal();
    assert_eq!(
        code(&two.create(NewSecret::new("x")).await),
        "sealed",
        "and stays so"
    );
}

#[test]
fn two_handles_of_a_vault_know_each_others_keys() {
    on_every_backend(|store| async move {
        keys_are_shared(vault(&store).await, vault(&store).await).await;
    });
}

#[test]
fn two_processes_know_each_others_keys() {
    twice_on_postgres(|one, two| async move {
        keys_are_shared(vault(&one).await, vault(&two).await).await;
    });
}

#[test]
fn keys_are_changed_while_secrets_are_made_and_changed() {
    twice_on_postgres(|one, two| async move {
        let (one, two) = (vault(&one).await, vault(&two).await);
        let writer = tokio::spawn(async move {
            let mut tokens = Vec::new();
            for number in 0..30 {
                let secret = made(&two, "first").await;
                updated(&two, By::Id(&secret.id), &format!("value {number}"))
                    .await
                    .expect("updated");
                tokens.push(secret.token);
            }
            tokens
        });
        while !writer.is_finished() {
            one.new_key().await.expect("made");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        for (number, token) in writer.await.expect("it ends").iter().enumerate() {
            assert_eq!(
                value_of(&one, token.expose()).await,
                Ok(format!("value {number}"))
            );
        }
        assert_eq!(super::faults(&one).await, Vec::<String>::new());
    });
}

#[test]
fn root_keys_are_added_and_taken_out_and_stay_known() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, VALUE).await;
        let (_folder, other) = other_root();
        for _ in 0..2 {
            // Twice is once: a call whose answer got lost is made again.
            vault.add_root(&*other).await.expect("added");
        }
        let roots = vault.roots().await.expect("listed");
        assert_eq!(
            roots.iter().map(|root| root.opens).collect::<Vec<_>>(),
            [true, true]
        );
        let with_other = VaultOptions {
            root: Some(other),
            ..options()
        };
        let through_other = Vault::open(&store, with_other).await.expect("it opens too");
        assert_eq!(
            value_of(&through_other, one.token.expose()).await.as_deref(),
            Ok(VALUE)
        );
        assert_eq!(code(&vault.remove_root("none").await), "notFound");
        through_other
            .remove_root(&roots[0].fingerprint)
            .await
            .expect("removed");
        assert_eq!(
            code(&through_other.remove_root(&roots[1].fingerprint).await),
            "invalid",
            "the only one"
        );
        assert!(matches!(
            Vault::open(&store, options()).await,
            Err(VaultError::Root(_))
        ));
        let after = through_other.roots().await.expect("listed");
        assert_eq!(after[0].fingerprint, roots[0].fingerprint);
        assert!(!after[0].opens && after[0].removed_at.is_some());
        through_other.add_root(&*root()).await.expect("added again");
        assert_eq!(
            value_of(&super::vault(&store).await, one.token.expose())
                .await
                .as_deref(),
            Ok(VALUE)
        );
    });
}

#[test]
fn other_settings_of_passwords_are_for_new_ones_and_old_ones_open() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, "old", VALUE, "correct horse").await;
        let params = KdfParams::new(8 * 1024, 2, 1).expect("within the bounds");
        vault.change_kdf(params).await.expect("changed");
        guarded(&vault, "new", "w", "correct horse").await;
        let session: PasswordSession = vault.unlock(Secret::new("correct horse"));
        let read = vault
            .read_many(&["old", "new", "old"], Unlock::Session(&session))
            .await
            .expect("read");
        assert!(read.iter().all(|one| one.outcome.is_ok()), "{read:?}");
        assert_eq!(session.runs(), 2, "one for each setting");
        let dear = VaultOptions {
            kdf: KdfParams::HIGH,
            ..options()
        };
        let again = Vault::open(&store, dear).await.expect("a vault opens");
        assert_eq!(
            value_with(&again, "old", "correct horse").await.as_deref(),
            Ok(VALUE)
        );
    });
}
