//! The examples of the description of the design, each as a program of this store writes it.

use std::sync::Arc;

use chancery::Store;
use chancery::vault::encryptor::{EncryptError, Encryptor, Standard, own_key};
use chancery::vault::{
    By, Context, Key, NewSecret, NewToken, Proof, Secret, SecretBytes, SecretOrder, SecretQuery, Unlock,
    Validator, Vault, VaultError, VaultOptions,
};
use chancery_scenarios::on_every_backend;

use super::{TOKEN, VALUE, code, custom, guarded, options, root, value_of, value_with, vault};

#[test]
fn a_query_is_built_step_by_step() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new(VALUE).token(custom("abc123")))
            .await
            .expect("made");
        let query = SecretQuery::new()
            .tokens(["abc123"])
            .limit(10)
            .order(SecretOrder::CreatedAt)
            .descending();
        assert_eq!(vault.list(&query).await.expect("listed").secrets.len(), 1);
        let query = SecretQuery::new()
            .tokens(["abc123"])
            .limit(10)
            .order(SecretOrder::CreatedAt);
        assert_eq!(vault.list(&query).await.expect("listed").secrets.len(), 1);
    });
}

#[test]
fn a_vault_is_made_with_its_tables_when_it_is_opened_and_again_is_the_same() {
    on_every_backend(|store| async move {
        let options = VaultOptions {
            root: Some(root()),
            ..options()
        };
        let first = Vault::open(&store, options.clone()).await.expect("a vault opens");
        first
            .create(NewSecret::new(VALUE).token(custom("kept")))
            .await
            .expect("made");
        let again = Vault::open(&store, options).await.expect("it opens again");
        assert_eq!(value_of(&again, "kept").await.as_deref(), Ok(VALUE));
        assert!(
            store.table("secrets").is_err() && store.tables().is_empty(),
            "nobody sees them by name"
        );
    });
}

#[test]
fn many_who_open_a_new_vault_at_once_open_the_same() {
    on_every_backend(|store: Store| async move {
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { vault(&store).await })
            })
            .collect();
        let mut vaults = Vec::new();
        for one in opened {
            vaults.push(one.await.expect("it opens"));
        }
        vaults[0]
            .create(NewSecret::new(VALUE).token(custom("shared")))
            .await
            .expect("made");
        for vault in vaults {
            assert_eq!(value_of(&vault, "shared").await.as_deref(), Ok(VALUE));
        }
    });
}

#[test]
fn a_token_is_created_and_read_with_a_password() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = Secret::new("correct horse");
        let token = vault
            .create(NewSecret::new(VALUE).password(&password))
            .await
            .expect("made")
            .token;
        assert!(Vault::is_token(token.expose()));
        assert_eq!(
            value_with(&vault, token.expose(), "correct horse")
                .await
                .as_deref(),
            Ok(VALUE)
        );
        assert_eq!(value_of(&vault, token.expose()).await, Err("passwordRequired"));
    });
}

#[test]
fn each_error_has_its_type_and_its_text() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, VALUE, "correct horse").await;
        let wrong = Secret::new("wrong horse");
        let read =
            async |token: &str, unlock: Unlock<'_>| vault.read(token, unlock).await.expect_err("refused");
        assert!(matches!(read("", Unlock::None).await, VaultError::TokenRequired));
        assert_eq!(read("", Unlock::None).await.to_string(), "token is required");
        assert_eq!(
            read(TOKEN, Unlock::None).await.to_string(),
            "password is required"
        );
        assert_eq!(read("none", Unlock::None).await.to_string(), "record not found");
        assert_eq!(
            read(TOKEN, Unlock::Password(&wrong)).await.to_string(),
            "invalid password"
        );
        let taken = vault
            .create(NewSecret::new("w").token(custom(TOKEN)))
            .await
            .expect_err("taken");
        assert_eq!(taken.to_string(), "token already exists");
        let failed = VaultError::DecryptionFailed { what: "the value" };
        assert_eq!(failed.to_string(), "decryption failed: the value");
    });
}

/// Seals values back to front: what a standard encryptor opens of it, if it could, would not be the value.
struct Backwards;

impl Encryptor for Backwards {
    fn name(&self) -> &str {
        "backwards"
    }

    fn encrypt(&self, key: &Key, place: &Context<'_>, value: &[u8]) -> Result<Vec<u8>, EncryptError> {
        let turned: Vec<u8> = value.iter().rev().copied().collect();
        Standard.encrypt(&own_key(self, key), place, &turned)
    }

    fn decrypt(&self, key: &Key, place: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, EncryptError> {
        let turned = Standard.decrypt(&own_key(self, key), place, sealed)?;
        Ok(SecretBytes::new(turned.expose().iter().rev().copied().collect()))
    }
}

#[test]
fn a_custom_encryptor_is_really_used() {
    on_every_backend(|store| async move {
        let standard = vault(&store).await;
        standard
            .create(NewSecret::new("before").token(custom("before")))
            .await
            .expect("made");
        let own = VaultOptions {
            encryptors: vec![Arc::new(Backwards)],
            ..options()
        };
        let own = Vault::open(&store, own).await.expect("a vault opens");
        own.create(NewSecret::new("after").token(custom("after")))
            .await
            .expect("made");
        assert_eq!(value_of(&own, "after").await.as_deref(), Ok("after"));
        assert_eq!(
            value_of(&own, "before").await.as_deref(),
            Ok("before"),
            "by the standard one"
        );
        assert_eq!(
            value_of(&standard, "after").await,
            Err("decryptionFailed"),
            "nobody else opens it"
        );
        super::updated(&own, By::Token("before"), "later")
            .await
            .expect("updated");
        assert_eq!(value_of(&standard, "before").await, Err("decryptionFailed"));
    });
}

#[test]
fn encryptors_are_told_apart_by_their_names() {
    on_every_backend(|store| async move {
        let own = VaultOptions {
            encryptors: vec![Arc::new(Backwards), Arc::new(Backwards)],
            ..options()
        };
        let opened = Vault::open(&store, own).await;
        assert!(matches!(opened, Err(VaultError::Invalid(_))), "{opened:?}");
    });
}

/// Chosen tokens are named after a team, and no password is a season.
struct OfTheHouse;

impl Validator for OfTheHouse {
    fn validate_token(&self, token: &str) -> Result<(), String> {
        match token.starts_with("team-") {
            true => Ok(()),
            false => Err("a token starts with team-".to_owned()),
        }
    }

    fn validate_password(&self, password: &str) -> Result<(), String> {
        match password.contains("summer") {
            true => Err("no seasons".to_owned()),
            false => Ok(()),
        }
    }
}

#[test]
fn a_custom_validator_is_really_used() {
    on_every_backend(|store| async move {
        let own = VaultOptions {
            validator: Some(Arc::new(OfTheHouse)),
            ..options()
        };
        let vault = Vault::open(&store, own).await.expect("a vault opens");
        let (good, bad) = (Secret::new("correct horse"), Secret::new("summer of 69"));
        let refused = vault
            .create(NewSecret::new(VALUE).token(custom(TOKEN)).password(&bad))
            .await;
        let Err(VaultError::Invalid(issues)) = refused else {
            panic!("{refused:?}");
        };
        let messages: Vec<_> = issues.iter().map(|issue| issue.message.as_str()).collect();
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages.contains(&"a token starts with team-") && messages.contains(&"no seasons"));
        let new = NewSecret::new(VALUE).token(custom("team-smtp")).password(&good);
        vault.create(new).await.expect("made");
        let drawn = NewSecret::new(VALUE).token(NewToken::Drawn);
        vault.create(drawn).await.expect("a drawn one is nobody's choice");
        let by = By::Token("team-smtp");
        let changed = vault
            .change_password(by, Unlock::Password(&good), Some(&bad))
            .await;
        assert_eq!(code(&changed), "invalid");
        let proof = Proof::Unlock(Unlock::Password(&good));
        let update = chancery::vault::SecretUpdate {
            password: chancery::vault::NewPassword::Set(&bad),
            ..super::update_of("w", proof)
        };
        assert_eq!(code(&vault.update(by, update).await), "invalid");
    });
}
