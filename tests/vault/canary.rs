//! A value, a token and a password that stand out: they are nowhere but where they were asked for.

use std::path::Path;

use chancery::Store;
use chancery::vault::{
    By, NewPassword, NewSecret, Proof, Secret, SecretBytes, SecretQuery, SecretUpdate, Unlock, VaultError,
    WrapSource,
};
use chancery_scenarios::on_every_backend;

use super::{PASSWORD, TOKEN, VALUE, WRONG, custom, options, update_of, vault};

/// Nothing that stands out is in what is printed.
fn check(printed: impl std::fmt::Debug) {
    for text in [format!("{printed:?}"), format!("{printed:#?}")] {
        assert!(!text.contains("canary"), "{text}");
        let bytes = format!("{:?}", VALUE.as_bytes());
        assert!(!text.contains(bytes.trim_matches(['[', ']'])), "{text}");
    }
}

fn check_error<T>(outcome: Result<T, VaultError>) {
    let error = outcome.err().expect("it is refused");
    check(&error);
    for text in [
        error.to_string(),
        error.hint().unwrap_or_default(),
        error.code().to_owned(),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn nothing_that_is_printed_shows_a_value_a_token_or_a_password() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = Secret::new(PASSWORD);
        let unlock = Unlock::Password(&password);
        let new = NewSecret::new(VALUE)
            .token(custom(TOKEN))
            .password(&password)
            // No secret: a run that is watched must find it.
            .data("bird", "decoy-of-the-scenarios")
            .max_reads(20);
        check(&new);
        check(vault.create(new).await.expect("made"));
        let session = vault.unlock(Secret::new(PASSWORD));
        check(&session);
        check(Unlock::Session(&session));
        check(vault.read(TOKEN, unlock).await.expect("read"));
        check(
            vault
                .read_many(&[TOKEN], Unlock::Session(&session))
                .await
                .expect("read"),
        );
        check(vault.resolve(&[("name", TOKEN)], unlock).await.expect("read"));
        check(By::Token(TOKEN));
        check(SecretQuery::new().tokens([TOKEN]));
        check(WrapSource::Value(VALUE.as_bytes()));
        check(WrapSource::Secret(TOKEN, unlock));
        check(Proof::Unlock(unlock));
        check(NewPassword::Set(&password));
        let update = SecretUpdate {
            password: NewPassword::Set(&password),
            ..update_of(VALUE, Proof::Unlock(unlock))
        };
        check(&update);
        vault.update(By::Token(TOKEN), update).await.expect("updated");
        let info = vault
            .find(By::Token(TOKEN))
            .await
            .expect("looked up")
            .expect("there");
        check(&info);
        check(
            vault
                .list(&SecretQuery::new().tokens([TOKEN]))
                .await
                .expect("listed"),
        );
        check(vault.versions(By::Token(TOKEN)).await.expect("listed"));
        check(vault.token_of(&info.id).await.expect("told"));
        check(
            vault
                .wrap(WrapSource::Secret(TOKEN, unlock), None)
                .await
                .expect("wrapped"),
        );
        check(vault.audit(None, None, 100).await.expect("read"));
        check(vault.verify_audit(None).await.expect("walked"));
        check(&vault);
        check(options());
        check(SecretBytes::new(VALUE.into()));
        assert!(!serde_json::to_string(&info).expect("written").contains("canary"));
    });
}

#[test]
fn no_error_shows_a_value_a_token_or_a_password() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let (password, wrong) = (Secret::new(PASSWORD), Secret::new(WRONG));
        let new = || NewSecret::new(VALUE).token(custom(TOKEN)).password(&password);
        let made = vault.create(new()).await.expect("made");
        check_error(vault.create(new()).await);
        let bad = format!("{TOKEN}\n");
        check_error(vault.create(NewSecret::new(VALUE).token(custom(&bad))).await);
        let long = Secret::new(format!("{PASSWORD}{}", "x".repeat(2_000)));
        check_error(vault.create(NewSecret::new(VALUE).password(&long)).await);
        let mut much = VALUE.as_bytes().to_vec();
        much.resize(2 << 20, b'x');
        check_error(vault.create(NewSecret::new(much)).await);
        check_error(vault.read(TOKEN, Unlock::None).await);
        check_error(vault.read(TOKEN, Unlock::Password(&wrong)).await);
        check_error(vault.read("canary-missing", Unlock::Password(&wrong)).await);
        check_error(vault.unwrap(TOKEN).await);
        let guess = Proof::Unlock(Unlock::Password(&wrong));
        check_error(vault.update(By::Token(TOKEN), update_of(VALUE, guess)).await);
        check_error(
            vault
                .update(By::Id("canary-id"), update_of(VALUE, Proof::Authority))
                .await,
        );
        check_error(
            vault
                .read_version(TOKEN, Some(9), Unlock::Password(&password))
                .await,
        );
        for _ in 0..8 {
            check_error(vault.read(TOKEN, Unlock::Password(&wrong)).await);
        }
        vault
            .soft_delete(By::Id(&made.id), Proof::Authority)
            .await
            .expect("deleted");
        check_error(vault.create(new()).await);
        check_error(vault.list(&SecretQuery::new().tokens([TOKEN, ""]).limit(0)).await);
        check(vault.audit(None, None, 100).await.expect("read"));
    });
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let found = std::fs::read_dir(folder).expect("a folder");
    found.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn no_file_of_the_database_holds_a_value_a_token_or_a_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let looked_at = || {
        let mut bytes_read = 0;
        for path in files(folder.path()) {
            let bytes = std::fs::read(&path).expect("read");
            bytes_read += bytes.len();
            for canary in [VALUE, TOKEN, PASSWORD, WRONG] {
                let found = bytes
                    .windows(canary.len())
                    .any(|window| window == canary.as_bytes());
                assert!(!found, "{canary} is in {}", path.display());
            }
        }
        assert!(bytes_read > 10_000);
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("a store opens");
        let vault = vault(&store).await;
        let (password, wrong) = (Secret::new(PASSWORD), Secret::new(WRONG));
        let unlock = Unlock::Password(&password);
        let new = NewSecret::new(VALUE).token(custom(TOKEN)).password(&password);
        let made = vault.create(new).await.expect("made");
        vault.read(TOKEN, unlock).await.expect("read");
        vault
            .read(TOKEN, Unlock::Password(&wrong))
            .await
            .expect_err("refused");
        vault
            .update(By::Token(TOKEN), update_of(VALUE, Proof::Unlock(unlock)))
            .await
            .expect("updated");
        vault
            .wrap(WrapSource::Secret(TOKEN, unlock), None)
            .await
            .expect("wrapped");
        vault
            .change_password(By::Token(TOKEN), unlock, Some(&wrong))
            .await
            .expect("changed");
        vault.verify_audit(None).await.expect("walked");
        looked_at();
        vault
            .soft_delete(By::Id(&made.id), Proof::Authority)
            .await
            .expect("deleted");
        vault
            .delete(By::Id(&made.id), Proof::Authority)
            .await
            .expect("deleted for good");
        looked_at();
        store.close().await.expect("closed");
        looked_at();
    });
}
