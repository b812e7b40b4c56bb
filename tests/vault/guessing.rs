//! Guessing passwords: how soon it is slowed down, for whom, and for how long.

use chancery::vault::{AttemptLimits, By, NewSecret, Proof, Secret, Unlock, Vault, VaultError, VaultOptions};
use chancery_scenarios::{Hands, on_every_backend, on_every_backend_by_hand};

use super::{TOKEN, code, custom, guarded, made, options, update_of, value_with, vault};

const QUARTER_MS: i64 = 15 * 60 * 1_000;

/// How long a token makes a wrong password wait, in ms; none if it was looked at.
async fn wait_ms(vault: &Vault, token: &str, password: &str) -> Option<i64> {
    let password = Secret::new(password);
    match vault.read(token, Unlock::Password(&password)).await {
        Err(VaultError::TooManyAttempts { retry_after_ms }) => Some(retry_after_ms),
        _ => None,
    }
}

async fn limited(store: &chancery::Store, attempts: AttemptLimits) -> Vault {
    let options = VaultOptions {
        attempts,
        ..options()
    };
    Vault::open(store, options).await.expect("a vault opens")
}

#[test]
fn after_five_wrong_passwords_each_further_one_doubles_the_wait() {
    on_every_backend_by_hand(|store, hands: Hands| async move {
        let vault = vault(&store).await.from_client("here");
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        for _ in 0..5 {
            assert_eq!(
                value_with(&vault, TOKEN, "wrong horse").await,
                Err("invalidPassword")
            );
        }
        for exponent in 0..14 {
            assert_eq!(
                value_with(&vault, TOKEN, "wrong horse").await,
                Err("invalidPassword"),
                "{exponent}"
            );
            let wait = (1_000 << exponent).min(QUARTER_MS);
            assert_eq!(wait_ms(&vault, TOKEN, "wrong horse").await, Some(wait));
            // The right one has to wait as well, or a refusal would tell that it was wrong.
            assert_eq!(wait_ms(&vault, TOKEN, "correct horse").await, Some(wait));
            hands.pass(wait - 1);
            assert_eq!(wait_ms(&vault, TOKEN, "wrong horse").await, Some(1));
            hands.pass(1);
        }
        assert_eq!(
            value_with(&vault, TOKEN, "correct horse").await.as_deref(),
            Ok("hunter2")
        );
        for _ in 0..5 {
            assert_eq!(
                value_with(&vault, TOKEN, "wrong horse").await,
                Err("invalidPassword")
            );
        }
    });
}

#[test]
fn a_right_password_takes_back_what_was_counted_here() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        for _ in 0..10 {
            for _ in 0..4 {
                assert_eq!(
                    value_with(&vault, TOKEN, "wrong horse").await,
                    Err("invalidPassword")
                );
            }
            assert_eq!(
                value_with(&vault, TOKEN, "correct horse").await.as_deref(),
                Ok("hunter2")
            );
        }
    });
}

#[test]
fn after_a_quarter_of_an_hour_without_an_attempt_all_is_forgotten() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        for _ in 0..2 {
            for _ in 0..6 {
                assert_eq!(
                    value_with(&vault, TOKEN, "wrong horse").await,
                    Err("invalidPassword")
                );
            }
            assert_eq!(wait_ms(&vault, TOKEN, "wrong horse").await, Some(1_000));
            hands.pass(QUARTER_MS + 1);
        }
    });
}

#[test]
fn one_place_slows_down_itself_and_a_token_slows_down_all_places() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = limited(
            &store,
            AttemptLimits {
                per_token: 12,
                ..AttemptLimits::default()
            },
        )
        .await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let (one, two, three) = (
            vault.from_client("one"),
            vault.from_client("two"),
            vault.from_client("three"),
        );
        for _ in 0..6 {
            assert_eq!(
                value_with(&one, TOKEN, "wrong horse").await,
                Err("invalidPassword")
            );
        }
        assert_eq!(wait_ms(&one, TOKEN, "correct horse").await, Some(1_000));
        assert_eq!(
            value_with(&two, TOKEN, "correct horse").await.as_deref(),
            Ok("hunter2")
        );
        for _ in 0..6 {
            assert_eq!(
                value_with(&two, TOKEN, "wrong horse").await,
                Err("invalidPassword")
            );
        }
        // Twelve at the token: the next one is looked at, and whoever comes then has to wait.
        assert_eq!(
            value_with(&three, TOKEN, "wrong horse").await,
            Err("invalidPassword")
        );
        assert_eq!(wait_ms(&three, TOKEN, "correct horse").await, Some(1_000));
        assert_eq!(wait_ms(&vault, TOKEN, "correct horse").await, Some(1_000));
        hands.pass(1_000);
        assert_eq!(
            value_with(&vault, TOKEN, "correct horse").await.as_deref(),
            Ok("hunter2")
        );
    });
}

#[test]
fn a_place_that_tries_many_tokens_is_slowed_down_at_all_of_them() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = limited(
            &store,
            AttemptLimits {
                per_client: 10,
                ..AttemptLimits::default()
            },
        )
        .await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let (here, there) = (vault.from_client("here"), vault.from_client("there"));
        for number in 0..11 {
            let token = format!("no such token {number}");
            assert_eq!(value_with(&here, &token, "wrong horse").await, Err("notFound"));
        }
        assert_eq!(wait_ms(&here, TOKEN, "correct horse").await, Some(1_000));
        assert_eq!(
            wait_ms(&here, "no such token 0", "wrong horse").await,
            Some(1_000)
        );
        assert_eq!(
            value_with(&there, TOKEN, "correct horse").await.as_deref(),
            Ok("hunter2")
        );
        hands.pass(1_000);
        assert_eq!(
            value_with(&here, TOKEN, "correct horse").await.as_deref(),
            Ok("hunter2")
        );
        // A right one takes back its own attempt, and no other.
        assert_eq!(
            value_with(&here, "one more", "wrong horse").await,
            Err("notFound")
        );
        assert!(wait_ms(&here, TOKEN, "correct horse").await.is_some());
    });
}

#[test]
fn many_secrets_are_read_at_once_from_one_place_and_wrong_ones_are_all_counted() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = limited(
            &store,
            AttemptLimits {
                per_client: 10,
                ..AttemptLimits::default()
            },
        )
        .await
        .from_client("here");
        let tokens: Vec<String> = (0..40).map(|number| format!("token {number}")).collect();
        for token in &tokens {
            guarded(&vault, token, "value", "correct horse").await;
        }
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let password = Secret::new("correct horse");
        for _ in 0..3 {
            for one in vault
                .read_many(&tokens, Unlock::Password(&password))
                .await
                .expect("read")
            {
                assert_eq!(one.outcome.expect("a value").value.expose(), b"value");
            }
        }
        let wrong = Secret::new("wrong horse");
        for one in vault
            .read_many(&tokens, Unlock::Password(&wrong))
            .await
            .expect("read")
        {
            let error = one.outcome.expect_err("wrong");
            assert!(matches!(*error, VaultError::InvalidPassword), "{error:?}");
        }
        assert_eq!(
            wait_ms(&vault, "token 0", "correct horse").await,
            Some(QUARTER_MS)
        );
    });
}

/// How many of many wrong passwords at once were looked at.
async fn looked_at(guesses: Vec<impl Future<Output = &'static str> + Send + 'static>) -> usize {
    let tasks: Vec<_> = guesses.into_iter().map(tokio::spawn).collect();
    let mut looked_at = 0;
    for task in tasks {
        match task.await.expect("it ends") {
            "invalidPassword" => looked_at += 1,
            "tooManyAttempts" => {}
            other => panic!("{other}"),
        }
    }
    looked_at
}

#[test]
fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let guess = |number: usize| {
            let vault = vault.clone();
            async move {
                let password = Secret::new(format!("guess {number}"));
                code(&vault.read(TOKEN, Unlock::Password(&password)).await)
            }
        };
        assert_eq!(looked_at((0..40).map(guess).collect()).await, 6);
    });
}

#[test]
fn sessions_and_changes_get_no_more_guesses_than_reads() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let made = guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let session = |number: usize| {
            let vault = vault.clone();
            async move {
                let session = vault.unlock(Secret::new(format!("guess {number}")));
                code(&vault.read(TOKEN, Unlock::Session(&session)).await)
            }
        };
        assert_eq!(looked_at((0..40).map(session).collect()).await, 6);
        hands.pass(QUARTER_MS + 1);
        let change = |number: usize| {
            let (vault, id) = (vault.clone(), made.id.clone());
            async move {
                let password = Secret::new(format!("guess {number}"));
                let proof = Proof::Unlock(Unlock::Password(&password));
                match number % 4 {
                    0 => code(&vault.update(By::Id(&id), update_of("x", proof)).await),
                    1 => code(&vault.renew(By::Token(TOKEN), None, proof).await),
                    2 => code(&vault.delete(By::Id(&id), proof).await),
                    _ => {
                        let old = Unlock::Password(&password);
                        code(&vault.change_password(By::Token(TOKEN), old, None).await)
                    }
                }
            }
        };
        assert_eq!(looked_at((0..40).map(change).collect()).await, 6);
    });
}

#[test]
fn passwords_of_older_versions_are_guessed_no_faster() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await;
        let made = guarded(&vault, TOKEN, "old", "correct horse").await;
        let update = chancery::vault::SecretUpdate {
            password: chancery::vault::NewPassword::Remove,
            ..update_of("new", Proof::Authority)
        };
        vault.update(By::Id(&made.id), update).await.expect("updated");
        assert_eq!(super::value_of(&vault, TOKEN).await.as_deref(), Ok("new"));
        let read = async |password: &str| {
            let password = Secret::new(password);
            code(
                &vault
                    .read_version(TOKEN, Some(1), Unlock::Password(&password))
                    .await,
            )
        };
        assert_eq!(read("correct horse").await, "ok");
        for _ in 0..6 {
            assert_eq!(read("wrong horse").await, "invalidPassword");
        }
        assert_eq!(read("wrong horse").await, "tooManyAttempts");
    });
}

#[test]
fn another_spelling_of_a_token_is_another_token_and_no_way_around() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await.from_client("here");
        guarded(&vault, "Smtp Token", "hunter2", "correct horse").await;
        for _ in 0..6 {
            assert_eq!(
                value_with(&vault, "Smtp Token", "wrong horse").await,
                Err("invalidPassword")
            );
        }
        for spelling in [
            "smtp token",
            "SMTP TOKEN",
            " Smtp Token",
            "Smtp Token ",
            "Smtp  Token",
            "Smtp Token\n",
        ] {
            assert_eq!(
                value_with(&vault, spelling, "correct horse").await,
                Err("notFound"),
                "{spelling:?}"
            );
        }
        assert_eq!(
            value_with(&vault, "Smtp Token", "correct horse").await,
            Err("tooManyAttempts")
        );
        let drawn = made(&vault, "drawn").await;
        let spelled = drawn.token.expose().to_lowercase();
        assert_eq!(super::value_of(&vault, &spelled).await, Err("notFound"));
    });
}

#[test]
fn counts_outlive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let hands = Hands::default();
        let opened = async || {
            chancery::Store::open_with(&url, hands.options())
                .await
                .expect("a store opens")
        };
        let store = opened().await;
        let vault = super::vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        for _ in 0..10 {
            value_with(&vault, TOKEN, "wrong horse").await.expect_err("wrong");
        }
        store.close().await.expect("closed");
        let store = opened().await;
        let vault = super::vault(&store).await;
        assert_eq!(
            value_with(&vault, TOKEN, "correct horse").await,
            Err("tooManyAttempts")
        );
        store.close().await.expect("closed");
    });
}

#[test]
fn a_missing_token_takes_the_path_of_a_wrong_password() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let plain = vault
            .create(NewSecret::new("x").token(custom("plain")))
            .await
            .expect("made");
        for (token, expected, runs) in [
            (TOKEN, "invalidPassword", 1),
            ("no such token", "notFound", 1),
            ("tk_000000000000000000000000000000", "notFound", 1),
            // Who has it has the value: no password guards it. Changing it is another matter.
            ("plain", "ok", 0),
        ] {
            let session = vault.unlock(Secret::new("wrong horse"));
            assert_eq!(
                code(&vault.read(token, Unlock::Session(&session)).await),
                expected
            );
            assert_eq!(session.runs(), runs, "{token}");
            let session = vault.unlock(Secret::new("wrong horse"));
            let proof = Proof::Unlock(Unlock::Session(&session));
            vault
                .update(By::Token(token), update_of("x", proof))
                .await
                .expect_err("no right");
            assert_eq!(session.runs(), 1, "{token}");
        }
        vault
            .delete(By::Id(&plain.id), Proof::Authority)
            .await
            .expect("deleted");
        guarded(&vault, "imap", "hunter2", "correct horse").await;
        for _ in 0..20 {
            let missing = value_with(&vault, "never was", "wrong horse").await;
            let wrong = value_with(&vault, "imap", "wrong horse").await;
            assert_eq!(
                missing == Err("tooManyAttempts"),
                wrong == Err("tooManyAttempts"),
                "{missing:?} {wrong:?}"
            );
            if wrong == Err("tooManyAttempts") {
                return;
            }
        }
        panic!("nobody was slowed down");
    });
}

#[test]
fn the_public_answer_of_all_that_proves_nothing_is_one() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, "hunter2", "correct horse").await;
        let over = NewSecret::new("over").expires_at(1).token(custom("over"));
        vault.create(over).await.expect("made");
        let once = NewSecret::new("once").max_reads(1).token(custom("once"));
        vault.create(once).await.expect("made");
        super::value_of(&vault, "once").await.expect("a value");
        for token in ["open", "gone"] {
            let new = NewSecret::new("open").token(custom(token));
            vault.create(new).await.expect("made");
        }
        let deleted = vault.soft_delete(By::Token("gone"), Proof::Authority);
        deleted.await.expect("deleted");
        let read = async |token: &str, unlock: Unlock<'_>| vault.read(token, unlock).await.map(drop);
        let update = async |token: &str, unlock: Unlock<'_>| {
            let update = update_of("x", Proof::Unlock(unlock));
            vault.update(By::Token(token), update).await.map(drop)
        };
        for token in [TOKEN, "over", "once", "gone", "no such token"] {
            let session = vault.unlock(Secret::new("wrong horse"));
            let error = read(token, Unlock::Session(&session)).await.expect_err("refused");
            assert!(matches!(error.public(), VaultError::Denied), "{token}");
            assert_eq!(session.runs(), 1, "{token}");
        }
        // Nor is it told by a change whether there is a password at all, or was.
        for token in [TOKEN, "open", "over", "once", "gone", "no such token"] {
            let session = vault.unlock(Secret::new("wrong horse"));
            let error = update(token, Unlock::Session(&session))
                .await
                .expect_err("refused");
            assert!(matches!(error.public(), VaultError::Denied), "{token}");
            assert_eq!(session.runs(), 1, "{token}");
            let error = update(token, Unlock::None).await.expect_err("refused");
            assert!(matches!(error.public(), VaultError::ProofRequired), "{token}");
        }
        let error = vault.read(TOKEN, Unlock::None).await.expect_err("refused");
        assert!(matches!(error.public(), VaultError::Denied));
    });
}
