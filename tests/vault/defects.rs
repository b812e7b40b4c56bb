//! Known defects of stores of this kind, each with the test that it fails and that passes here; `docs/vault-behaviours.md` lists
//! them all, with those that cannot exist here and those whose test is elsewhere.

use chancery::Store;
use chancery::vault::{
    By, KdfParams, NewPassword, NewSecret, PasswordPolicy, Proof, Secret, SecretOrder, SecretQuery,
    SecretScope, SecretStatus, SecretUpdate, Unlock, Vault, VaultError, VaultOptions,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

use super::{
    TOKEN, VALUE, code, custom, guarded, made, options, update_of, updated, value_of, value_with, vault,
};

#[test]
fn defect_01_opening_again_resurrects_nothing_and_loses_no_time() {
    on_every_backend_by_hand(|store, hands| async move {
        let first = vault(&store).await;
        let gone = first
            .create(NewSecret::new(VALUE).expires_at(1_000_001))
            .await
            .expect("made");
        let deleted = made(&first, "w").await;
        first
            .soft_delete(By::Id(&deleted.id), Proof::Authority)
            .await
            .expect("deleted");
        let all = SecretQuery::new().scope(SecretScope::All);
        let before = first.list(&all).await.expect("listed");
        hands.pass(1_000);
        let again = vault(&store).await;
        let mut after = again.list(&all).await.expect("listed");
        assert_eq!(after.secrets[0].status, SecretStatus::Expired);
        after.secrets[0].status = before.secrets[0].status;
        assert_eq!(after, before);
        assert_eq!(value_of(&again, gone.token.expose()).await, Err("expired"));
    });
}

#[test]
fn defect_05_leaving_deleted_ones_out_leaves_them_out() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, VALUE).await;
        vault
            .soft_delete(By::Id(&one.id), Proof::Authority)
            .await
            .expect("deleted");
        for (scope, expected) in [
            (SecretScope::Live, 0),
            (SecretScope::Deleted, 1),
            (SecretScope::All, 1),
        ] {
            let query = SecretQuery::new().scope(scope);
            assert_eq!(vault.count(&query).await.expect("counted"), expected, "{scope:?}");
        }
    });
}

#[test]
fn defect_06_ascending_is_ascending() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(made(&vault, VALUE).await.id);
            hands.pass(1);
        }
        let query = SecretQuery::new().order(SecretOrder::CreatedAt);
        let listed = async |query: &SecretQuery| -> Vec<String> {
            let page = vault.list(query).await.expect("listed");
            page.secrets.into_iter().map(|secret| secret.id).collect()
        };
        assert_eq!(listed(&query).await, ids);
        ids.reverse();
        assert_eq!(listed(&query.descending()).await, ids);
    });
}

#[test]
fn defect_07_and_08_missing_tokens_are_named_and_tokens_may_repeat() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new(VALUE).token(custom("t")))
            .await
            .expect("made");
        let resolved = vault
            .resolve(
                &[("a", "t"), ("b", "t"), ("c", "lost"), ("d", "lost too")],
                Unlock::None,
            )
            .await;
        let resolved = resolved.expect("read");
        assert_eq!(resolved.missing, ["c", "d"]);
        assert_eq!(resolved.values.len(), 2);
        assert_eq!(
            vault
                .read_all(&["t", "t"], Unlock::None)
                .await
                .expect("read")
                .len(),
            2
        );
    });
}

#[test]
fn defect_09_counting_is_as_strict_as_listing() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        made(&vault, VALUE).await;
        let none = SecretQuery::new().ids(Vec::<String>::new());
        assert_eq!(code(&vault.count(&none).await), "invalid");
    });
}

#[test]
fn defect_10_columns_to_order_by_are_a_closed_choice() {
    // No text of a caller becomes the name of a column: names of metadata are values of the question.
    let orders = [
        SecretOrder::Id,
        SecretOrder::CreatedAt,
        SecretOrder::UpdatedAt,
        SecretOrder::ExpiresAt,
    ];
    assert_eq!(orders.len(), 4);
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        made(&vault, VALUE).await;
        let query = SecretQuery::new().data("id\" = \"id\" OR 1=1 --", "x");
        assert_eq!(vault.count(&query).await.expect("counted"), 0);
    });
}

#[test]
fn defect_13_settings_of_passwords_are_kept_with_the_data_and_bounded() {
    for (memory_kib, passes, lanes) in [
        (0, 3, 1),
        (u32::MAX, 3, 1),
        (65_536, 0, 1),
        (65_536, 3, 0),
        (65_536, 3, 256),
    ] {
        assert!(KdfParams::new(memory_kib, passes, lanes).is_err());
    }
    on_every_backend(|store| async move {
        guarded(&vault(&store).await, TOKEN, VALUE, "correct horse").await;
        let other = VaultOptions {
            kdf: KdfParams::LIGHT,
            kdf_buffers: 0,
            ..options()
        };
        let vault = Vault::open(&store, other).await.expect("a vault opens");
        assert_eq!(
            value_with(&vault, TOKEN, "correct horse").await.as_deref(),
            Ok(VALUE)
        );
    });
}

#[test]
fn defect_14_knowing_a_token_changes_nothing() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, "guarded", VALUE, "correct horse").await;
        vault
            .create(NewSecret::new(VALUE).token(custom("plain")))
            .await
            .expect("made");
        let nothing = Proof::Unlock(Unlock::None);
        let expected = "proofRequired";
        for token in ["guarded", "plain", "nobody's"] {
            let by = By::Token(token);
            assert_eq!(code(&vault.update(by, update_of("w", nothing)).await), expected);
            assert_eq!(
                code(&vault.upsert(Some(token), "w", Unlock::None, false).await),
                expected
            );
            assert_eq!(code(&vault.renew(by, None, nothing).await), expected);
            assert_eq!(code(&vault.soft_delete(by, nothing).await), expected);
            assert_eq!(code(&vault.restore(by, nothing).await), expected);
            assert_eq!(code(&vault.delete(by, nothing).await), expected);
            assert_eq!(code(&vault.roll_back(by, 1, nothing).await), expected);
            assert_eq!(code(&vault.destroy_version(by, 1, nothing).await), expected);
        }
        assert_eq!(value_of(&vault, "plain").await.as_deref(), Ok(VALUE));
        assert_eq!(
            value_with(&vault, "guarded", "correct horse").await.as_deref(),
            Ok(VALUE)
        );
    });
}

#[test]
fn defect_15_a_change_of_password_writes_no_old_value_over_a_new_one() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..8 {
            let one = guarded(&vault, TOKEN, "v1", "correct horse").await;
            let (old, new) = (Secret::new("correct horse"), Secret::new("better horse"));
            let by = By::Id(&one.id);
            let update = SecretUpdate {
                password: NewPassword::Set(&new),
                ..update_of("v2", Proof::Authority)
            };
            let (changed, updated) = tokio::join!(
                vault.change_password(by, Unlock::Password(&old), Some(&new)),
                vault.update(by, update),
            );
            updated.expect("updated");
            let changed = code(&changed);
            assert!(["ok", "invalidPassword"].contains(&changed), "{changed}");
            assert_eq!(
                value_with(&vault, TOKEN, "better horse").await.as_deref(),
                Ok("v2")
            );
            vault.delete(by, Proof::Authority).await.expect("deleted");
        }
    });
}

#[test]
fn defect_16_pages_skip_and_repeat_nothing_while_rows_change() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let mut expected = Vec::new();
        for _ in 0..12 {
            expected.push(made(&vault, VALUE).await.id);
        }
        let (mut seen, mut query) = (Vec::new(), SecretQuery::new().limit(3));
        loop {
            let page = vault.list(&query).await.expect("listed");
            for secret in page.secrets {
                vault
                    .renew(By::Id(&secret.id), Some(i64::MAX), Proof::Authority)
                    .await
                    .expect("renewed");
                updated(&vault, By::Id(&secret.id), "w").await.expect("updated");
                seen.push(secret.id);
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        assert_eq!(seen, expected);
    });
}

#[test]
fn defect_19_a_policy_is_for_new_passwords_only() {
    on_every_backend(|store| async move {
        guarded(&vault(&store).await, TOKEN, VALUE, "weak").await;
        let strict = VaultOptions {
            policy: PasswordPolicy::default(),
            ..options()
        };
        let vault = Vault::open(&store, strict).await.expect("a vault opens");
        let (old, new, weak) = (
            Secret::new("weak"),
            Secret::new("a much better horse"),
            Secret::new("weaker"),
        );
        let by = By::Token(TOKEN);
        assert_eq!(value_with(&vault, TOKEN, "weak").await.as_deref(), Ok(VALUE));
        assert_eq!(
            code(
                &vault
                    .change_password(by, Unlock::Password(&old), Some(&weak))
                    .await
            ),
            "invalid"
        );
        vault
            .change_password(by, Unlock::Password(&old), Some(&new))
            .await
            .expect("changed");
        assert_eq!(
            value_with(&vault, TOKEN, "a much better horse").await.as_deref(),
            Ok(VALUE)
        );
        let refused = vault
            .create(NewSecret::new(VALUE).password(&Secret::new("")))
            .await;
        assert_eq!(code(&refused), "invalid", "no password is said by giving none");
    });
}

#[test]
fn defect_21_a_sweep_spares_what_is_renewed_meanwhile() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..6 {
            let one = vault
                .create(NewSecret::new(VALUE).expires_at(1))
                .await
                .expect("made");
            let (swept, renewed) = tokio::join!(
                vault.delete_expired(),
                vault.renew(By::Id(&one.id), None, Proof::Authority),
            );
            let deleted = swept.expect("swept").deleted;
            let there = vault.find(By::Id(&one.id)).await.expect("looked up").is_some();
            match renewed {
                Ok(_) => assert!(deleted == 0 && there),
                Err(error) => assert!(error.code() == "notFound" && deleted == 1 && !there, "{error:?}"),
            }
        }
    });
}

#[test]
fn defect_22_the_token_of_a_deleted_secret_is_reserved_and_said_to_be() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let new = || NewSecret::new(VALUE).token(custom(TOKEN));
        let one = vault.create(new()).await.expect("made");
        assert_eq!(code(&vault.create(new()).await), "tokenTaken");
        vault
            .soft_delete(By::Id(&one.id), Proof::Authority)
            .await
            .expect("deleted");
        let reserved = vault.create(new()).await;
        assert!(matches!(reserved, Err(VaultError::TokenReserved)), "{reserved:?}");
        vault
            .delete(By::Id(&one.id), Proof::Authority)
            .await
            .expect("deleted for good");
        vault.create(new()).await.expect("made again");
    });
}

#[test]
fn defect_22_of_many_who_want_one_token_one_gets_it() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let makers: Vec<_> = (0..8)
            .map(|_| {
                let vault = vault.clone();
                tokio::spawn(
                    async move { code(&vault.create(NewSecret::new(VALUE).token(custom("t"))).await) },
                )
            })
            .collect();
        let mut codes = Vec::new();
        for maker in makers {
            codes.push(maker.await.expect("it ends"));
        }
        codes.sort_unstable();
        assert_eq!(
            codes,
            [
                "ok",
                "tokenTaken",
                "tokenTaken",
                "tokenTaken",
                "tokenTaken",
                "tokenTaken",
                "tokenTaken",
                "tokenTaken"
            ]
        );
    });
}

#[test]
fn defect_23_a_refused_creation_costs_one_run_of_argon2() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        vault
            .create(NewSecret::new(VALUE).token(custom("t")))
            .await
            .expect("made");
        let session = vault.unlock(Secret::new("correct horse"));
        let new = NewSecret::new("w").token(custom("t")).session(&session);
        assert_eq!(code(&vault.create(new).await), "tokenTaken");
        assert_eq!(session.runs(), 1);
    });
}

#[test]
fn defect_24_one_function_decides_what_can_be_read() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let new = NewSecret::new(VALUE).token(custom("over")).expires_at(1);
        vault.create(new).await.expect("made");
        let by = By::Token("over");
        assert!(!vault.exists("over").await.expect("looked up"));
        assert_eq!(
            vault.status("over").await.expect("looked up"),
            Some(SecretStatus::Expired)
        );
        assert_eq!(value_of(&vault, "over").await, Err("expired"));
        assert_eq!(code(&updated(&vault, by, "w").await), "expired");
        assert_eq!(code(&vault.roll_back(by, 1, Proof::Authority).await), "expired");
        assert_eq!(
            code(&vault.renew(by, None, Proof::Unlock(Unlock::None)).await),
            "proofRequired"
        );
    });
}

#[test]
fn defect_25_times_are_whole_milliseconds_on_every_backend() {
    on_every_backend_by_hand(|store, _| async move {
        let vault = vault(&store).await;
        let new = NewSecret::new(VALUE).expires_at(1_000_000_000_001);
        let one = vault.create(new).await.expect("made");
        let info = vault
            .find(By::Id(&one.id))
            .await
            .expect("looked up")
            .expect("there");
        let again = vault
            .renew(By::Id(&one.id), info.expires_at, Proof::Authority)
            .await
            .expect("renewed");
        assert_eq!((again.expires_at, again.created_at), (info.expires_at, 1_000_000));
    });
}

#[test]
fn defect_26_tokens_are_told_apart_to_the_byte() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let tokens = [
            "token",
            "Token",
            "TOKEN",
            "tökèn",
            "to\u{308}ke\u{300}n",
            "toke\u{300}n",
            "tokèn",
        ];
        for token in tokens {
            vault
                .create(NewSecret::new(token).token(custom(token)))
                .await
                .expect("made");
        }
        for token in tokens {
            assert_eq!(value_of(&vault, token).await.as_deref(), Ok(token));
        }
    });
}

#[test]
fn defect_29_every_length_has_a_limit_that_the_error_names() {
    on_every_backend(|store: Store| async move {
        let vault = vault(&store).await;
        let long = Secret::new("x".repeat(1_025));
        let mut many = NewSecret::new(VALUE);
        for number in 0..65 {
            many = many.data(format!("field {number}"), "x");
        }
        for (limit, new) in [
            ("1048576", NewSecret::new(vec![0; (1 << 20) + 1])),
            ("255", NewSecret::new(VALUE).token(custom(&"x".repeat(256)))),
            ("1024", NewSecret::new(VALUE).password(&long)),
            ("64", NewSecret::new(VALUE).data("x".repeat(65), "x")),
            ("4096", NewSecret::new(VALUE).data("x", "x".repeat(4_097))),
            ("64", many),
            ("1000000", NewSecret::new(VALUE).max_reads(1_000_001)),
        ] {
            let error = vault.create(new).await.expect_err("too long").to_string();
            assert!(error.replace(',', "").contains(limit), "{limit}: {error}");
        }
        let one = made(&vault, VALUE).await;
        let update = SecretUpdate {
            value: chancery::vault::SecretBytes::new(vec![0; (1 << 20) + 1]),
            ..update_of("", Proof::Authority)
        };
        assert_eq!(code(&vault.update(By::Id(&one.id), update).await), "invalid");
        let data = std::collections::BTreeMap::from([("x".to_owned(), "x".repeat(4_097))]);
        let patch = chancery::vault::SecretPatch {
            data: Some(data),
            ..chancery::vault::SecretPatch::default()
        };
        assert_eq!(code(&vault.update_record(&one.id, patch).await), "invalid");
    });
}

#[test]
fn defect_31_a_deleted_secret_gets_the_new_password_too() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = guarded(&vault, TOKEN, VALUE, "correct horse").await;
        let (old, new) = (Secret::new("correct horse"), Secret::new("better horse"));
        let by = By::Id(&one.id);
        vault.soft_delete(by, Proof::Authority).await.expect("deleted");
        vault
            .change_password(by, Unlock::Password(&old), Some(&new))
            .await
            .expect("changed");
        vault
            .restore(by, Proof::Unlock(Unlock::Password(&new)))
            .await
            .expect("restored");
        assert_eq!(
            value_with(&vault, TOKEN, "better horse").await.as_deref(),
            Ok(VALUE)
        );
    });
}
