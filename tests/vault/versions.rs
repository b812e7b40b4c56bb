//! Versions: each change of a value keeps what was there, so many of them; each can be read, put back and destroyed.

use chancery::vault::{
    By, NewPassword, NewSecret, Proof, Secret, SecretUpdate, Unlock, Vault, VaultOptions, VersionState,
};
use chancery_scenarios::on_every_backend;

use super::{
    TOKEN, code, custom, guarded, made, options, text, update_of, updated, value_of, value_with, vault,
};

async fn value_at(
    vault: &Vault,
    token: &str,
    version: u64,
    password: Option<&str>,
) -> Result<String, &'static str> {
    let password = password.map(Secret::new);
    let unlock = password.as_ref().map_or(Unlock::None, Unlock::Password);
    let read = vault.read_version(token, Some(version), unlock).await;
    read.map(|read| text(read.value)).map_err(|error| error.code())
}

#[test]
fn each_update_keeps_what_was_there() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = vault
            .create(NewSecret::new("v1").token(custom(TOKEN)))
            .await
            .expect("made");
        let by = By::Id(&one.id);
        for number in 2..=5 {
            assert_eq!(
                updated(&vault, by, &format!("v{number}")).await.expect("updated"),
                number
            );
        }
        for number in 1..=5 {
            assert_eq!(
                value_at(&vault, TOKEN, number, None).await,
                Ok(format!("v{number}"))
            );
        }
        assert_eq!(value_at(&vault, TOKEN, 6, None).await, Err("noSuchVersion"));
        assert_eq!(value_at(&vault, TOKEN, 0, None).await, Err("noSuchVersion"));
        assert_eq!(
            vault
                .roll_back(by, 2, Proof::Authority)
                .await
                .expect("rolled back"),
            6
        );
        assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok("v2"));
        vault
            .destroy_version(by, 2, Proof::Authority)
            .await
            .expect("destroyed");
        assert_eq!(value_at(&vault, TOKEN, 2, None).await, Err("noSuchVersion"));
        assert_eq!(
            value_of(&vault, TOKEN).await.as_deref(),
            Ok("v2"),
            "what it was put back as stays"
        );
        assert_eq!(
            code(&vault.roll_back(by, 2, Proof::Authority).await),
            "noSuchVersion"
        );
        assert_eq!(
            code(&vault.destroy_version(by, 6, Proof::Authority).await),
            "noSuchVersion",
            "the newest"
        );
        let listed = vault.versions(by).await.expect("listed");
        let numbers: Vec<_> = listed.iter().map(|version| version.number).collect();
        assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
        let destroyed = listed
            .iter()
            .filter(|version| version.state == VersionState::Destroyed);
        assert_eq!(destroyed.map(|version| version.number).collect::<Vec<_>>(), [2]);
        assert_eq!(super::faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn so_many_versions_are_kept_as_was_said() {
    on_every_backend(|store| async move {
        let few = VaultOptions {
            versions_max: 3,
            ..options()
        };
        let vault = Vault::open(&store, few).await.expect("a vault opens");
        let one = made(&vault, "v1").await;
        for number in 2..=8 {
            updated(&vault, By::Id(&one.id), &format!("v{number}"))
                .await
                .expect("updated");
        }
        let listed = vault.versions(By::Id(&one.id)).await.expect("listed");
        assert_eq!(
            listed.iter().map(|version| version.number).collect::<Vec<_>>(),
            [8, 7, 6]
        );
        assert_eq!(
            value_at(&vault, one.token.expose(), 5, None).await,
            Err("noSuchVersion")
        );
        assert_eq!(code(&vault.versions(By::Id("none")).await), "notFound");
    });
}

#[test]
fn a_changed_password_is_that_of_all_versions_and_the_old_one_of_none() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = guarded(&vault, TOKEN, "v1", "correct horse").await;
        let (old, new) = (Secret::new("correct horse"), Secret::new("better horse"));
        let (by, unlock) = (By::Id(&one.id), Unlock::Password(&old));
        vault
            .update(by, update_of("v2", Proof::Unlock(unlock)))
            .await
            .expect("updated");
        vault
            .change_password(by, unlock, Some(&new))
            .await
            .expect("changed");
        for number in [1, 2] {
            assert_eq!(
                value_at(&vault, TOKEN, number, Some("better horse")).await,
                Ok(format!("v{number}"))
            );
            assert_eq!(
                value_at(&vault, TOKEN, number, Some("correct horse")).await,
                Err("invalidPassword")
            );
        }
        assert_eq!(
            code(&vault.change_password(by, unlock, Some(&new)).await),
            "invalidPassword"
        );
        vault
            .roll_back(by, 1, Proof::Unlock(Unlock::Password(&new)))
            .await
            .expect("rolled back");
        assert_eq!(
            value_with(&vault, TOKEN, "better horse").await.as_deref(),
            Ok("v1")
        );
        vault
            .change_password(by, Unlock::Password(&new), None)
            .await
            .expect("taken off");
        assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok("v1"));
        vault
            .change_password(by, Unlock::None, Some(&old))
            .await
            .expect("set");
        assert_eq!(value_of(&vault, TOKEN).await, Err("passwordRequired"));
        assert_eq!(
            value_with(&vault, TOKEN, "correct horse").await.as_deref(),
            Ok("v1")
        );
        assert_eq!(super::faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn older_versions_keep_a_password_that_nobody_gave() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = guarded(&vault, TOKEN, "v1", "correct horse").await;
        let new = Secret::new("better horse");
        let update = SecretUpdate {
            password: NewPassword::Set(&new),
            ..update_of("v2", Proof::Authority)
        };
        vault.update(By::Id(&one.id), update).await.expect("updated");
        assert_eq!(
            value_with(&vault, TOKEN, "better horse").await.as_deref(),
            Ok("v2")
        );
        assert_eq!(
            value_at(&vault, TOKEN, 1, Some("correct horse")).await.as_deref(),
            Ok("v1")
        );
        assert_eq!(
            value_at(&vault, TOKEN, 1, Some("better horse")).await,
            Err("invalidPassword")
        );
    });
}

#[test]
fn a_state_that_was_expected_is_needed() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, "v1").await;
        let info = vault
            .find(By::Id(&one.id))
            .await
            .expect("looked up")
            .expect("there");
        let update = |value: &str| SecretUpdate {
            expected: Some(info.row_version),
            ..update_of(value, Proof::Authority)
        };
        let (one_of, other) = (
            vault.update(By::Id(&one.id), update("a")),
            vault.update(By::Id(&one.id), update("b")),
        );
        let outcomes = tokio::join!(one_of, other);
        let mut codes = [code(&outcomes.0), code(&outcomes.1)];
        codes.sort_unstable();
        assert_eq!(codes, ["conflict", "ok"]);
        let patch = chancery::vault::SecretPatch {
            expected: Some(info.row_version),
            ..chancery::vault::SecretPatch::default()
        };
        assert_eq!(code(&vault.update_record(&one.id, patch).await), "conflict");
    });
}

#[test]
fn changes_of_value_password_and_time_at_once_are_all_kept() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, "v1").await;
        let by = By::Id(&one.id);
        let new = Secret::new("better horse");
        let (value, password, time) = tokio::join!(
            updated(&vault, by, "v2"),
            vault.change_password(by, Unlock::None, Some(&new)),
            vault.renew(by, Some(i64::MAX), Proof::Authority),
        );
        password.expect("changed");
        time.expect("renewed");
        let info = vault.find(by).await.expect("looked up").expect("there");
        assert_eq!(info.expires_at, Some(i64::MAX));
        assert!(info.password);
        let expected = match value {
            Ok(_) => "v2",
            // It came after the password, which nobody gave it.
            Err(error) => {
                assert_eq!(error.code(), "passwordRequired");
                "v1"
            }
        };
        assert_eq!(
            value_with(&vault, one.token.expose(), "better horse")
                .await
                .as_deref(),
            Ok(expected)
        );
        let v1 = value_at(&vault, one.token.expose(), 1, Some("better horse")).await;
        assert_eq!(v1.as_deref(), Ok("v1"));
    });
}
