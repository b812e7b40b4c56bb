//! Handing a value over: it is taken once, and whoever comes second learns that somebody came first.

use chancery::vault::{By, Secret, SecretStatus, Unlock, VaultError, WrapSource};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

use super::{TOKEN, VALUE, code, entries, guarded, made, text, updated, value_of, vault};

#[test]
fn a_wrapped_value_is_taken_once_and_a_second_taking_is_told() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let wrapped = vault
            .wrap(WrapSource::Value(b"hand over"), Some(2_000_000))
            .await
            .expect("wrapped");
        let token = wrapped.token.expose();
        for _ in 0..3 {
            let info = vault.wrap_info(token).await.expect("told");
            assert_eq!(
                (info.status, info.origin, info.taken_at),
                (SecretStatus::Live, None, None)
            );
            assert_eq!((info.created_at, info.expires_at), (1_000_000, Some(2_000_000)));
        }
        assert_eq!(
            value_of(&vault, token).await,
            Err("otherKind"),
            "it is not read by chance"
        );
        hands.pass(5);
        assert_eq!(text(vault.unwrap(token).await.expect("taken").value), "hand over");
        hands.pass(5);
        let again = vault.unwrap(token).await;
        assert!(
            matches!(again, Err(VaultError::WrapTaken { at: 1_000_005 })),
            "{again:?}"
        );
        assert_eq!(
            entries(&vault).await.last().map(String::as_str),
            Some("unwrap wrapTaken")
        );
        assert_eq!(
            vault.wrap_info(token).await.expect("told").taken_at,
            Some(1_000_005)
        );
        assert_eq!(code(&vault.rewrap(token, None).await), "wrapTaken");
    });
}

#[test]
fn of_many_who_take_at_once_one_gets_it() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..10 {
            let wrapped = vault
                .wrap(WrapSource::Value(b"one"), None)
                .await
                .expect("wrapped");
            let takers: Vec<_> = (0..16)
                .map(|_| {
                    let (vault, token) = (vault.clone(), wrapped.token.clone());
                    tokio::spawn(async move { code(&vault.unwrap(token.expose()).await) })
                })
                .collect();
            let mut codes = Vec::new();
            for taker in takers {
                codes.push(taker.await.expect("it ends"));
            }
            assert_eq!(codes.iter().filter(|code| **code == "ok").count(), 1, "{codes:?}");
            assert!(
                codes.iter().all(|code| ["ok", "wrapTaken"].contains(code)),
                "{codes:?}"
            );
        }
    });
}

#[test]
fn a_secret_is_wrapped_as_it_is_then_with_its_password() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = guarded(&vault, TOKEN, "v1", "correct horse").await;
        let password = Secret::new("correct horse");
        let wrapped = vault.wrap(WrapSource::Secret(TOKEN, Unlock::None), None).await;
        assert_eq!(code(&wrapped), "passwordRequired");
        let source = WrapSource::Secret(TOKEN, Unlock::Password(&password));
        let wrapped = vault.wrap(source, None).await.expect("wrapped");
        let update = super::update_of("v2", chancery::vault::Proof::Unlock(Unlock::Password(&password)));
        vault.update(By::Id(&one.id), update).await.expect("updated");
        let info = vault.wrap_info(wrapped.token.expose()).await.expect("told");
        assert_eq!(info.origin.as_deref(), Some(one.id.as_str()));
        assert_eq!(
            text(vault.unwrap(wrapped.token.expose()).await.expect("taken").value),
            "v1"
        );
    });
}

#[test]
fn what_was_wrapped_gets_another_token_without_being_seen() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let first = vault
            .wrap(WrapSource::Value(VALUE.as_bytes()), Some(1_000_010))
            .await
            .expect("wrapped");
        let second = vault
            .rewrap(first.token.expose(), Some(1_000_020))
            .await
            .expect("rewrapped");
        assert_eq!(code(&vault.unwrap(first.token.expose()).await), "notFound");
        hands.pass(15);
        let third = vault
            .rewrap(second.token.expose(), Some(1_000_020))
            .await
            .expect("rewrapped");
        hands.pass(5);
        assert_eq!(code(&vault.unwrap(third.token.expose()).await), "expired");
        assert_eq!(code(&vault.rewrap(third.token.expose(), None).await), "expired");
        assert_eq!(
            vault.wrap_info(third.token.expose()).await.expect("told").status,
            SecretStatus::Expired
        );
    });
}

#[test]
fn a_secret_is_no_wrap_and_a_wrap_no_secret() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, VALUE).await;
        assert_eq!(code(&vault.unwrap(one.token.expose()).await), "otherKind");
        assert_eq!(code(&vault.wrap_info(one.token.expose()).await), "otherKind");
        assert_eq!(code(&vault.rewrap(one.token.expose(), None).await), "otherKind");
        assert_eq!(code(&vault.wrap_info("none").await), "notFound");
        let wrapped = vault.wrap(WrapSource::Value(b"w"), None).await.expect("wrapped");
        assert_eq!(
            code(&updated(&vault, By::Id(&wrapped.id), "x").await),
            "otherKind"
        );
        assert_eq!(
            text(vault.unwrap(wrapped.token.expose()).await.expect("taken").value),
            "w"
        );
        assert_eq!(value_of(&vault, one.token.expose()).await.as_deref(), Ok(VALUE));
    });
}
