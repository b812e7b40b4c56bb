//! What a store of secrets behind tokens is expected to do, one behaviour after the other: making, finding, deleting, times.

use chancery::vault::{
    By, NewSecret, NewToken, Proof, SecretQuery, SecretScope, SecretStatus, Unlock, Vault, VaultError,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

use super::{TOKEN, VALUE, code, custom, made, updated, value_of, value_with, vault};

#[test]
fn values_of_every_kind_come_back_as_they_were() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let bytes: Vec<u8> = (0..=255).collect();
        let values: [Vec<u8>; 9] = [
            b"simple".to_vec(),
            Vec::new(),
            vec![b'x'; 10_000],
            "naïve ☂ 日本語 🦀".into(),
            b"!@#$%^&*()_+-=[]{}|;':\",./<>?`~\\\n\t\r\0".to_vec(),
            bytes,
            vec![0xff, 0xfe, 0x00],
            b"   ".to_vec(),
            vec![7; 1 << 20],
        ];
        for (number, value) in values.into_iter().enumerate() {
            let bytes = value.len() as u64;
            let one = vault.create(NewSecret::new(value.clone())).await.expect("made");
            let read = vault.read(one.token.expose(), Unlock::None).await.expect("read");
            assert!(read.value.expose() == value, "value {number} came back changed");
            let versions = vault.versions(By::Id(&one.id)).await.expect("listed");
            assert_eq!(versions[0].bytes, bytes);
            let password = chancery::vault::Secret::new("correct horse");
            let one = vault
                .create(NewSecret::new(value.clone()).password(&password))
                .await
                .expect("made");
            let read = vault
                .read(one.token.expose(), Unlock::Password(&password))
                .await
                .expect("read");
            assert!(read.value.expose() == value, "value {number} came back changed");
        }
    });
}

#[test]
fn passwords_are_bytes_and_neither_trimmed_nor_normalised() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = "pässword ☂ ";
        super::guarded(&vault, TOKEN, VALUE, password).await;
        for other in ["pässword ☂", " pässword ☂ ", "pa\u{308}ssword ☂ ", "Pässword ☂ "] {
            assert_eq!(
                value_with(&vault, TOKEN, other).await,
                Err("invalidPassword"),
                "{other:?}"
            );
        }
        assert_eq!(value_with(&vault, TOKEN, password).await.as_deref(), Ok(VALUE));
        assert_eq!(value_with(&vault, TOKEN, "").await, Err("invalidPassword"));
        assert_eq!(
            value_with(&vault, TOKEN, &"x".repeat(5_000)).await,
            Err("invalidPassword")
        );
    });
}

#[test]
fn drawn_tokens_have_the_asked_length_and_never_repeat() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for (chars, expected) in [
            (1, "invalid"),
            (14, "invalid"),
            (20, "invalid"),
            (32, "invalid"),
            (65, "invalid"),
        ] {
            let new = NewSecret::new(VALUE).token(NewToken::DrawnOf(chars));
            assert_eq!(code(&vault.create(new).await), expected, "{chars}");
        }
        let mut seen = std::collections::HashSet::new();
        for chars in [33, 34, 40, 64] {
            let new = NewSecret::new(VALUE).token(NewToken::DrawnOf(chars));
            let one = vault.create(new).await.expect("made");
            let token = one.token.expose();
            assert!(
                token.len() == chars && token.starts_with("tk_") && Vault::is_token(token),
                "{chars}"
            );
            assert_eq!(value_of(&vault, token).await.as_deref(), Ok(VALUE));
            assert!(seen.insert(token.to_owned()));
        }
        for text in [
            "",
            "tk_",
            "tk_short",
            "xx_000000000000000000000000000000",
            "smtp password",
        ] {
            assert!(!Vault::is_token(text), "{text}");
        }
    });
}

#[test]
fn chosen_tokens_have_one_to_255_bytes() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for token in [
            "a",
            "ß",
            "☂☂",
            &"x".repeat(255),
            "has spaces and ' quotes \" %_",
            "日本語",
        ] {
            vault
                .create(NewSecret::new(token).token(custom(token)))
                .await
                .expect("made");
            assert_eq!(value_of(&vault, token).await.as_deref(), Ok(token));
            let info = vault
                .find(By::Token(token))
                .await
                .expect("looked up")
                .expect("there");
            assert!(info.custom);
            assert_eq!(vault.token_of(&info.id).await.expect("told").expose(), token);
        }
        for token in [
            &"x".repeat(256),
            &"ß".repeat(128),
            " a",
            "a ",
            "a\u{0}b",
            "tk_000000000000000000000000000000",
        ] {
            assert_eq!(
                code(&vault.create(NewSecret::new(VALUE).token(custom(token))).await),
                "invalid",
                "{token:?}"
            );
            assert_eq!(value_of(&vault, token).await, Err("notFound"));
        }
    });
}

#[test]
fn a_record_is_found_by_id_and_token_with_all_that_is_known() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let new = NewSecret::new(VALUE)
            .token(custom(TOKEN))
            .expires_at(5_000_000)
            .max_reads(9)
            .data("a", "b");
        let one = vault.create(new).await.expect("made");
        hands.pass(7);
        let info = vault
            .find(By::Id(&one.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(
            vault.find(By::Token(TOKEN)).await.expect("looked up").as_ref(),
            Some(&info)
        );
        assert_eq!(
            (info.created_at, info.updated_at, info.expires_at),
            (1_000_000, 1_000_000, Some(5_000_000))
        );
        assert_eq!(
            (info.max_reads, info.reads_left, info.version, info.row_version),
            (Some(9), Some(9), 1, 1)
        );
        assert_eq!(
            (info.soft_deleted_at, info.password, info.data["a"].as_str()),
            (None, false, "b")
        );
        assert_eq!(one.id.len(), 36);
        updated(&vault, By::Id(&one.id), "w").await.expect("updated");
        let after = vault
            .find(By::Id(&one.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(
            (after.created_at, after.updated_at, after.version),
            (1_000_000, 1_000_007, 2)
        );
        assert_eq!(vault.find(By::Id("none")).await.expect("looked up"), None);
        assert_eq!(vault.find(By::Token("none")).await.expect("looked up"), None);
        assert_eq!(code(&vault.find(By::Id("")).await), "invalid");
        assert_eq!(code(&vault.find(By::Token("")).await), "tokenRequired");
    });
}

#[test]
fn a_deleted_secret_is_hidden_found_when_asked_for_and_restored() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for by_id in [true, false] {
            let one = vault
                .create(NewSecret::new(VALUE).token(custom(TOKEN)))
                .await
                .expect("made");
            let by = if by_id { By::Id(&one.id) } else { By::Token(TOKEN) };
            assert!(vault.exists(TOKEN).await.expect("looked up"));
            let info = vault.soft_delete(by, Proof::Authority).await.expect("deleted");
            assert_eq!(info.status, SecretStatus::Deleted);
            assert!(!vault.exists(TOKEN).await.expect("looked up"));
            assert_eq!(
                vault.status(TOKEN).await.expect("looked up"),
                Some(SecretStatus::Deleted)
            );
            assert_eq!(vault.find(by).await.expect("looked up"), None);
            assert_eq!(value_of(&vault, TOKEN).await, Err("notFound"));
            assert_eq!(code(&updated(&vault, by, "w").await), "notFound");
            assert_eq!(code(&vault.renew(by, None, Proof::Authority).await), "notFound");
            assert_eq!(vault.count(&SecretQuery::new()).await.expect("counted"), 0);
            let deleted = vault
                .list(&SecretQuery::new().scope(SecretScope::Deleted))
                .await
                .expect("listed");
            assert_eq!(deleted.secrets.len(), 1);
            vault.restore(by, Proof::Authority).await.expect("restored");
            assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok(VALUE));
            vault.soft_delete(by, Proof::Authority).await.expect("deleted");
            assert!(
                vault
                    .delete(by, Proof::Authority)
                    .await
                    .expect("deleted for good")
            );
            assert_eq!(vault.status(TOKEN).await.expect("looked up"), None);
        }
        for by in [By::Id(""), By::Token("")] {
            assert!(vault.soft_delete(by, Proof::Authority).await.is_err());
            assert!(vault.delete(by, Proof::Authority).await.is_err());
        }
        for by in [By::Id("none"), By::Token("none")] {
            assert_eq!(code(&vault.soft_delete(by, Proof::Authority).await), "notFound");
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
fn times_are_over_at_their_moment_and_can_be_set_again() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let new = NewSecret::new(VALUE).token(custom(TOKEN)).expires_at(1_000_010);
        vault.create(new).await.expect("made");
        hands.pass(9);
        assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok(VALUE));
        hands.pass(1);
        let read = vault.read(TOKEN, Unlock::None).await;
        assert!(
            matches!(read, Err(VaultError::Expired { at: 1_000_010 })),
            "{read:?}"
        );
        let (by, authority) = (By::Token(TOKEN), Proof::Authority);
        vault
            .renew(by, Some(1_000_020), authority)
            .await
            .expect("renewed");
        assert_eq!(value_of(&vault, TOKEN).await.as_deref(), Ok(VALUE));
        hands.pass(-5);
        assert_eq!(
            value_of(&vault, TOKEN).await.as_deref(),
            Ok(VALUE),
            "a clock that goes back harms nobody"
        );
        hands.pass(1_000_000);
        assert_eq!(value_of(&vault, TOKEN).await, Err("expired"));
        vault.renew(by, None, authority).await.expect("renewed");
        hands.pass(i64::from(u32::MAX) * 1_000);
        assert_eq!(
            value_of(&vault, TOKEN).await.as_deref(),
            Ok(VALUE),
            "none is never"
        );
        vault
            .renew(by, Some(1), authority)
            .await
            .expect("renewed into the past");
        assert_eq!(value_of(&vault, TOKEN).await, Err("expired"));
        assert_eq!(
            code(&vault.renew(By::Token("none"), None, authority).await),
            "notFound"
        );
        for at in [i64::MAX, i64::MIN, 0, -1, 1 << 53, (1 << 53) + 1] {
            let one = vault
                .create(NewSecret::new(VALUE).expires_at(at))
                .await
                .expect("made");
            let info = vault
                .find(By::Id(&one.id))
                .await
                .expect("looked up")
                .expect("there");
            assert_eq!(info.expires_at, Some(at));
        }
    });
}

#[test]
fn sweeps_take_what_is_over_and_nothing_else() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        for (token, at) in [
            ("a", Some(1_000_010)),
            ("b", Some(1_000_020)),
            ("c", Some(9_000_000)),
            ("d", None),
        ] {
            let new = NewSecret::new(VALUE).token(custom(token));
            let new = match at {
                Some(at) => new.expires_at(at),
                None => new,
            };
            vault.create(new).await.expect("made");
        }
        assert_eq!(vault.soft_delete_expired().await.expect("swept").deleted, 0);
        hands.pass(20);
        assert_eq!(vault.soft_delete_expired().await.expect("swept").deleted, 2);
        assert_eq!(vault.soft_delete_expired().await.expect("swept").deleted, 0);
        assert_eq!(
            vault.status("a").await.expect("looked up"),
            Some(SecretStatus::Deleted)
        );
        vault
            .restore(By::Token("a"), Proof::Authority)
            .await
            .expect("restored");
        assert_eq!(
            value_of(&vault, "a").await,
            Err("expired"),
            "a restored one is as over as it was"
        );
        assert_eq!(
            vault.delete_expired().await.expect("swept").deleted,
            2,
            "deleted ones too"
        );
        assert_eq!(vault.status("a").await.expect("looked up"), None);
        assert_eq!(
            vault
                .count(&SecretQuery::new().scope(SecretScope::All))
                .await
                .expect("counted"),
            2
        );
        assert_eq!(super::faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn sweeps_take_more_than_fits_into_one_transaction() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for number in 0..45 {
            let one = vault
                .create(NewSecret::new(VALUE).expires_at(1))
                .await
                .expect("made");
            if number == 44 {
                vault
                    .renew(By::Id(&one.id), None, Proof::Authority)
                    .await
                    .expect("renewed");
            }
        }
        assert_eq!(vault.delete_expired().await.expect("swept").deleted, 44);
        assert_eq!(
            vault
                .count(&SecretQuery::new().scope(SecretScope::All))
                .await
                .expect("counted"),
            1
        );
    });
}

#[test]
fn upserting_makes_one_without_a_token_and_changes_the_one_that_is_named() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for nothing in [None, Some("")] {
            let made = vault
                .upsert(nothing, VALUE, Unlock::None, true)
                .await
                .expect("made");
            let token = made.expect("a token").token;
            assert_eq!(value_of(&vault, token.expose()).await.as_deref(), Ok(VALUE));
            let same = vault
                .upsert(Some(token.expose()), "w", Unlock::None, true)
                .await
                .expect("updated");
            assert!(same.is_none());
            assert_eq!(value_of(&vault, token.expose()).await.as_deref(), Ok("w"));
        }
        assert_eq!(
            code(&vault.upsert(Some("none"), VALUE, Unlock::None, true).await),
            "notFound"
        );
        let one = made(&vault, VALUE).await;
        assert_eq!(
            code(
                &vault
                    .upsert(Some(one.token.expose()), "w", Unlock::None, false)
                    .await
            ),
            "proofRequired"
        );
    });
}
