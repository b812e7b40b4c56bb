//! What a store of secrets behind tokens is expected to do: reading many at once.

use chancery::vault::{NewSecret, Secret, Unlock, VaultError};
use chancery_scenarios::on_every_backend;

use super::{VALUE, code, custom, guarded, vault};

#[test]
fn many_are_read_at_once_each_with_its_outcome() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for token in ["a", "b", "c"] {
            vault
                .create(NewSecret::new(format!("value of {token}")).token(custom(token)))
                .await
                .expect("made");
        }
        let over = NewSecret::new(VALUE).token(custom("over")).expires_at(1);
        vault.create(over).await.expect("made");
        guarded(&vault, "guarded", VALUE, "correct horse").await;
        let once = NewSecret::new(VALUE).token(custom("once")).max_reads(1);
        vault.create(once).await.expect("made");
        let tokens = ["c", "a", "missing", "over", "once", "a", "guarded", "", "once"];
        for expected_once in ["ok", "exhausted"] {
            let read = vault.read_many(&tokens, Unlock::None).await.expect("read");
            let codes: Vec<_> = read
                .iter()
                .map(|one| one.outcome.as_ref().map_or_else(|error| error.code(), |_| "ok"))
                .collect();
            let once = expected_once;
            assert_eq!(
                codes,
                [
                    "ok",
                    "ok",
                    "notFound",
                    "expired",
                    once,
                    "ok",
                    "passwordRequired",
                    "notFound",
                    once
                ]
            );
            assert!(read.iter().enumerate().all(|(place, one)| one.index == place));
            assert_eq!(
                read[1].outcome.as_ref().expect("a value").value.expose(),
                b"value of a"
            );
        }
        assert!(vault.read_many(&[], Unlock::None).await.expect("read").is_empty());
        let many = vec!["a"; 1_001];
        assert_eq!(code(&vault.read_many(&many, Unlock::None).await), "invalid");
        assert_eq!(
            vault
                .read_many(&many[1..], Unlock::None)
                .await
                .expect("read")
                .len(),
            1_000
        );
    });
}

#[test]
fn all_or_the_first_error() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for token in ["a", "b"] {
            vault
                .create(NewSecret::new(token).token(custom(token)))
                .await
                .expect("made");
        }
        let read = vault
            .read_all(&["b", "a", "b"], Unlock::None)
            .await
            .expect("read");
        let values: Vec<_> = read.iter().map(|one| one.value.expose()).collect();
        assert_eq!(values, [b"b", b"a", b"b"]);
        assert_eq!(
            code(&vault.read_all(&["a", "missing"], Unlock::None).await),
            "notFound"
        );
        let over = NewSecret::new(VALUE).token(custom("over")).expires_at(1);
        vault.create(over).await.expect("made");
        let read = vault.read_all(&["over", "over"], Unlock::None).await;
        assert!(matches!(read, Err(VaultError::Expired { at: 1 })), "{read:?}");
    });
}

#[test]
fn a_map_of_tokens_becomes_a_map_of_values() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for (token, value) in [("t1", "v1"), ("t2", "v2"), ("empty", "")] {
            vault
                .create(NewSecret::new(value).token(custom(token)))
                .await
                .expect("made");
        }
        let over = NewSecret::new(VALUE).token(custom("over")).expires_at(1);
        vault.create(over).await.expect("made");
        guarded(&vault, "guarded", VALUE, "correct horse").await;
        let asked = [
            ("one", "t1"),
            ("two", "t2"),
            ("again", "t1"),
            ("none", "empty"),
            ("old", "over"),
            ("lost", "x"),
        ];
        let resolved = vault.resolve(&asked, Unlock::None).await.expect("read");
        assert_eq!(resolved.values.len(), 4);
        assert_eq!(resolved.values["again"].value.expose(), b"v1");
        assert_eq!(
            resolved.values["none"].value.expose(),
            b"",
            "an empty value is a value"
        );
        assert_eq!((resolved.missing, resolved.expired), (vec!["lost"], vec!["old"]));
        let wrong = Secret::new("wrong horse");
        let resolved = vault
            .resolve(&[("key", "guarded")], Unlock::Password(&wrong))
            .await
            .expect("read");
        assert_eq!(resolved.denied, ["key"]);
        let nothing: [(&str, &str); 0] = [];
        assert!(
            vault
                .resolve(&nothing, Unlock::None)
                .await
                .expect("read")
                .values
                .is_empty()
        );
    });
}

#[test]
fn a_hundred_guarded_secrets_cost_one_run_of_argon2() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let session = vault.unlock(Secret::new("correct horse"));
        let mut tokens = Vec::new();
        for number in 0..100 {
            let new = NewSecret::new(format!("value {number}")).session(&session);
            tokens.push(vault.create(new).await.expect("made").token);
        }
        assert_eq!(session.runs(), 1);
        let texts: Vec<&str> = tokens.iter().map(|token| token.expose()).collect();
        let session = vault.unlock(Secret::new("correct horse"));
        let read = vault
            .read_many(&texts, Unlock::Session(&session))
            .await
            .expect("read");
        for (number, one) in read.iter().enumerate() {
            let value = one.outcome.as_ref().expect("a value").value.expose();
            assert_eq!(value, format!("value {number}").as_bytes());
        }
        for text in &texts[..3] {
            vault.read(text, Unlock::Session(&session)).await.expect("read");
        }
        assert_eq!(session.runs(), 1);
        // Many who ask one session at once, too, wait for one run.
        let session = std::sync::Arc::new(vault.unlock(Secret::new("correct horse")));
        let readers: Vec<_> = tokens[..8]
            .iter()
            .map(|token| {
                let (vault, session, token) = (vault.clone(), session.clone(), token.clone());
                tokio::spawn(
                    async move { code(&vault.read(token.expose(), Unlock::Session(&session)).await) },
                )
            })
            .collect();
        for reader in readers {
            assert_eq!(reader.await.expect("it ends"), "ok");
        }
        assert_eq!(session.runs(), 1);
    });
}

#[test]
fn a_session_opens_what_its_password_opens_and_nothing_else() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, "mine", VALUE, "correct horse").await;
        guarded(&vault, "theirs", "w", "another horse").await;
        let session = vault.unlock(Secret::new("correct horse"));
        let read = vault
            .read_many(&["mine", "theirs"], Unlock::Session(&session))
            .await
            .expect("read");
        let codes: Vec<_> = read
            .iter()
            .map(|one| one.outcome.as_ref().map_or_else(|error| error.code(), |_| "ok"))
            .collect();
        assert_eq!(codes, ["ok", "invalidPassword"]);
    });
}
