//! The audit: everything that is done leaves an entry, what fails too, and taking entries away is noticed.

use chancery::JobOptions;
use chancery::vault::{
    AuditHead, By, LookUps, NewPassword, NewSecret, Proof, Secret, SecretPatch, SecretQuery, SecretUpdate,
    Unlock, Vault, VaultJob, VaultOptions, WrapSource,
};
use chancery_scenarios::{on_every_backend, twice_on_postgres};

use super::{
    TOKEN, VALUE, code, custom, entries, faults, guarded, made, options, other_root, update_of, updated,
    value_of, value_with, vault,
};

#[test]
fn everything_that_is_done_leaves_an_entry() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let password = Secret::new("correct horse");
        let unlock = Unlock::Password(&password);
        let one = guarded(&vault, TOKEN, VALUE, "correct horse").await;
        let by = By::Id(&one.id);
        value_with(&vault, TOKEN, "correct horse").await.expect("read");
        vault
            .update(by, update_of("w", Proof::Unlock(unlock)))
            .await
            .expect("updated");
        vault
            .renew(by, Some(i64::MAX), Proof::Authority)
            .await
            .expect("renewed");
        vault
            .update_record(&one.id, SecretPatch::default())
            .await
            .expect("changed");
        vault.change_password(by, unlock, None).await.expect("changed");
        vault
            .roll_back(by, 1, Proof::Authority)
            .await
            .expect("rolled back");
        vault
            .destroy_version(by, 1, Proof::Authority)
            .await
            .expect("destroyed");
        vault.token_of(&one.id).await.expect("told");
        vault.soft_delete(by, Proof::Authority).await.expect("deleted");
        vault.restore(by, Proof::Authority).await.expect("restored");
        vault.delete(by, Proof::Authority).await.expect("deleted");
        let over = vault
            .create(NewSecret::new("x").expires_at(1))
            .await
            .expect("made");
        vault.soft_delete_expired().await.expect("swept");
        vault
            .delete(By::Id(&over.id), Proof::Authority)
            .await
            .expect("deleted");
        let wrapped = vault.wrap(WrapSource::Value(b"x"), None).await.expect("wrapped");
        let wrapped = vault
            .rewrap(wrapped.token.expose(), None)
            .await
            .expect("rewrapped");
        vault.unwrap(wrapped.token.expose()).await.expect("taken");
        vault.new_key().await.expect("made");
        vault.retire_key(1).await.expect("retired");
        let (_folder, root) = other_root();
        vault.add_root(&*root).await.expect("added");
        let slots = vault.roots().await.expect("listed");
        vault.remove_root(&slots[0].fingerprint).await.expect("removed");
        let params = chancery::vault::KdfParams::new(8 * 1024, 1, 1).expect("within the bounds");
        vault.change_kdf(params).await.expect("changed");
        let expected = "open create read update renew update changePassword rollBack destroyVersion reveal softDelete restore \
                        delete create expire delete wrap wrap unwrap rotateKey retireKey addRoot removeRoot changeSetting";
        let expected: Vec<String> = expected.split_whitespace().map(|op| format!("{op} ok")).collect();
        assert_eq!(entries(&vault).await, expected);
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn everything_that_is_refused_leaves_one_entry() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = guarded(&vault, TOKEN, VALUE, "correct horse").await;
        let free = vault
            .create(NewSecret::new("f").token(custom("free")))
            .await
            .expect("made");
        let wrong = Secret::new("wrong horse");
        let (guess, nothing) = (
            Proof::Unlock(Unlock::Password(&wrong)),
            Proof::Unlock(Unlock::None),
        );
        let by = By::Token(TOKEN);
        let before = entries(&vault).await.len();
        let mut expected = Vec::new();
        let mut refused = |op: &str, code: &'static str| {
            assert_ne!(code, "ok", "{op}");
            expected.push(format!("{op} {code}"));
        };
        refused(
            "create",
            code(&vault.create(NewSecret::new("x").token(custom(TOKEN))).await),
        );
        refused(
            "create",
            code(&vault.create(NewSecret::new("x").max_reads(0)).await),
        );
        refused("read", code(&vault.read("", Unlock::None).await));
        refused("read", code(&vault.read("none", Unlock::None).await));
        refused("read", code(&vault.read(TOKEN, Unlock::None).await));
        refused("read", code(&vault.read(TOKEN, Unlock::Password(&wrong)).await));
        refused(
            "read",
            code(&vault.read_version("free", Some(9), Unlock::None).await),
        );
        refused("unwrap", code(&vault.unwrap("free").await));
        refused("update", code(&vault.update(by, update_of("x", guess)).await));
        refused("update", code(&vault.update(by, update_of("x", nothing)).await));
        refused(
            "update",
            code(&vault.update(By::Token("free"), update_of("x", nothing)).await),
        );
        let stale = SecretUpdate {
            expected: Some(7),
            ..update_of("x", Proof::Authority)
        };
        refused("update", code(&vault.update(by, stale).await));
        let short = Secret::new("x");
        let weak = SecretUpdate {
            password: NewPassword::Set(&short),
            ..update_of("x", Proof::Authority)
        };
        refused("update", code(&vault.update(by, weak).await));
        refused("renew", code(&vault.renew(by, None, guess).await));
        refused("softDelete", code(&vault.soft_delete(by, nothing).await));
        refused(
            "restore",
            code(&vault.restore(By::Id("none"), Proof::Authority).await),
        );
        refused("delete", code(&vault.delete(by, nothing).await));
        refused(
            "changePassword",
            code(&vault.change_password(by, Unlock::None, None).await),
        );
        refused(
            "rollBack",
            code(&vault.roll_back(By::Id(&free.id), 9, Proof::Authority).await),
        );
        refused(
            "destroyVersion",
            code(&vault.destroy_version(by, 1, Proof::Authority).await),
        );
        refused("reveal", code(&vault.token_of("none").await));
        refused("wrap", code(&vault.rewrap("free", None).await));
        refused("retireKey", code(&vault.retire_key(1).await));
        refused("removeRoot", code(&vault.remove_root("none").await));
        assert_eq!(entries(&vault).await[before..], expected);
        // What is known of the secret is told, and nothing of what was given.
        let page = vault.audit(Some(&one.id), None, 1_000).await.expect("read");
        assert!(page.entries.len() >= 10, "{page:?}");
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn too_many_attempts_and_a_sealed_vault_are_written_down_too() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        guarded(&vault, TOKEN, VALUE, "correct horse").await;
        for _ in 0..7 {
            value_with(&vault, TOKEN, "wrong horse")
                .await
                .expect_err("refused");
        }
        assert_eq!(
            entries(&vault).await.last().map(String::as_str),
            Some("read tooManyAttempts")
        );
        vault.seal();
        assert_eq!(value_of(&vault, TOKEN).await, Err("sealed"));
        assert_eq!(
            entries(&vault).await.last().map(String::as_str),
            Some("read sealed")
        );
        vault.unseal(&*super::root()).await.expect("unsealed");
        assert_eq!(
            faults(&vault).await,
            Vec::<String>::new(),
            "an entry without a code is all that can be had then"
        );
    });
}

#[test]
fn entries_tell_who_and_from_where() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let actor = chancery::Actor {
            id: Some("user-7".into()),
            ..chancery::Actor::default()
        };
        let ann = vault.acting(actor).from_client("203.0.113.7");
        let one = made(&ann, VALUE).await;
        let page = vault.audit(Some(&one.id), None, 10).await.expect("read");
        let entry = &page.entries[0];
        assert_eq!(
            (entry.actor.as_deref(), entry.client.as_deref()),
            (Some("user-7"), Some("203.0.113.7"))
        );
        assert_eq!(
            (entry.secret.as_deref(), entry.version),
            (Some(one.id.as_str()), Some(1))
        );
        let info = vault
            .find(By::Id(&one.id))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(info.created_by.as_deref(), Some("user-7"));
    });
}

#[test]
fn the_audit_is_read_in_pages_newest_first() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..7 {
            made(&vault, VALUE).await;
        }
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = vault.audit(None, after.as_deref(), 3).await.expect("read");
            assert!(page.entries.len() <= 3);
            ids.extend(page.entries.into_iter().map(|entry| entry.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids.len(), 8);
        assert!(ids.is_sorted_by(|one, next| one > next));
        assert_eq!(code(&vault.audit(None, Some("nowhere"), 3).await), "invalid");
        assert_eq!(code(&vault.audit(None, None, 0).await), "invalid");
        assert_eq!(code(&vault.audit(None, None, u64::MAX).await), "invalid");
    });
}

#[test]
fn a_head_that_is_kept_elsewhere_shows_another_past() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        made(&vault, VALUE).await;
        let head = vault.seal_audit().await.expect("sealed").expect("a segment");
        made(&vault, "w").await;
        let report = vault.verify_audit(Some(&head)).await.expect("walked");
        assert_eq!(report.faults, Vec::<String>::new());
        assert_eq!((report.segments, report.entries, report.secrets), (2, 3, 2));
        let later = AuditHead {
            segment: 90,
            ..head.clone()
        };
        let report = vault.verify_audit(Some(&later)).await.expect("walked");
        assert_eq!(
            report.faults,
            ["the audit ends before segment 90, which was kept elsewhere"]
        );
        let other = AuditHead {
            code: "00".repeat(32),
            ..head
        };
        let report = vault.verify_audit(Some(&other)).await.expect("walked");
        assert_eq!(
            report.faults,
            ["segment 1 of the audit is not the one that was kept elsewhere"]
        );
    });
}

#[test]
fn segments_are_closed_while_many_write() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let writers: Vec<_> = (0..6)
            .map(|_| {
                let vault = vault.clone();
                tokio::spawn(async move {
                    for _ in 0..15 {
                        let one = made(&vault, VALUE).await;
                        value_of(&vault, one.token.expose()).await.expect("read");
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            vault.seal_audit().await.expect("sealed");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        for writer in writers {
            writer.await.expect("it ends");
        }
        let report = vault.verify_audit(None).await.expect("walked");
        assert_eq!(report.faults, Vec::<String>::new());
        assert_eq!(report.entries, 1 + 6 * 15 * 2);
    });
}

#[test]
fn two_processes_write_one_chain() {
    twice_on_postgres(|one, two| async move {
        let (one, two) = (vault(&one).await, vault(&two).await);
        let write = |vault: chancery::vault::Vault| {
            tokio::spawn(async move {
                for _ in 0..15 {
                    made(&vault, VALUE).await;
                    vault.seal_audit().await.expect("sealed");
                }
            })
        };
        let (first, second) = (write(one.clone()), write(two.clone()));
        first.await.expect("it ends");
        second.await.expect("it ends");
        for vault in [&one, &two] {
            let report = vault.verify_audit(None).await.expect("walked");
            assert_eq!((report.faults, report.entries), (Vec::new(), 32));
        }
    });
}

#[test]
fn changes_that_are_tried_again_leave_one_entry() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, VALUE).await;
        let writers: Vec<_> = (0..12)
            .map(|number| {
                let (vault, id) = (vault.clone(), one.id.clone());
                tokio::spawn(async move { updated(&vault, By::Id(&id), &format!("v{number}")).await })
            })
            .collect();
        for writer in writers {
            writer.await.expect("it ends").expect("updated");
        }
        let entries = entries(&vault).await;
        assert_eq!(entries.len(), 2 + 12, "{entries:?}");
        assert!(
            entries[2..].iter().all(|entry| entry == "update ok"),
            "{entries:?}"
        );
        let versions = vault.versions(By::Id(&one.id)).await.expect("listed");
        assert_eq!((versions[0].number, versions.len()), (13, 10));
        assert!(matches!(vault.verify_audit(None).await, Ok(report) if report.faults.is_empty()));
    });
}

#[test]
fn each_look_up_leaves_one_entry_however_many_it_finds() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..5 {
            made(&vault, VALUE).await;
        }
        let one = guarded(&vault, TOKEN, VALUE, "correct horse").await;
        let wrapped = vault.wrap(WrapSource::Value(b"x"), None).await.expect("wrapped");
        let before = entries(&vault).await.len();
        let query = SecretQuery::new().limit(3);
        vault.list(&query).await.expect("listed");
        vault
            .list(&SecretQuery::new().limit(0))
            .await
            .expect_err("refused");
        vault.count(&query).await.expect("counted");
        vault.find(By::Id(&one.id)).await.expect("looked up");
        vault.find(By::Id("none")).await.expect("looked up");
        vault.find(By::Id("")).await.expect_err("refused");
        vault.status(TOKEN).await.expect("asked");
        assert!(!vault.exists("none").await.expect("asked"));
        vault.wrap_info(wrapped.token.expose()).await.expect("asked");
        vault.versions(By::Id(&one.id)).await.expect("listed");
        vault.versions(By::Id("none")).await.expect_err("refused");
        vault.census().await.expect("counted");
        let expected = [
            "list ok",
            "list invalid",
            "list ok",
            "find ok",
            "find notFound",
            "find invalid",
            "status ok",
            "status notFound",
            "find ok",
            "versions ok",
            "versions notFound",
            "census ok",
        ];
        assert_eq!(entries(&vault).await[before..], expected);
        let of_one = vault.audit(Some(&one.id), None, 10).await.expect("read").entries;
        let ops: Vec<&str> = of_one.iter().map(|entry| entry.op.as_str()).collect();
        assert_eq!(ops, ["versions", "status", "find", "create"]);
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn look_ups_are_not_written_down_if_nobody_wants_it() {
    on_every_backend(|store| async move {
        let silent = VaultOptions {
            look_ups: LookUps::Unaudited,
            ..options()
        };
        let vault = Vault::open(&store, silent).await.expect("a vault opens");
        let one = made(&vault, VALUE).await;
        vault.list(&SecretQuery::new()).await.expect("listed");
        vault.find(By::Id(&one.id)).await.expect("looked up");
        assert_eq!(entries(&vault).await, ["open ok", "create ok"]);
    });
}

#[test]
fn a_sealed_vault_is_looked_at_and_deletes_nothing() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let over = vault
            .create(NewSecret::new("x").expires_at(1))
            .await
            .expect("made");
        vault.seal();
        let listed = vault.list(&SecretQuery::new()).await.expect("listed");
        assert_eq!(listed.secrets.len(), 1);
        vault.find(By::Id(&over.id)).await.expect("looked up");
        let refusals = [
            vault.soft_delete_expired().await.map(drop),
            vault.delete_expired().await.map(drop),
            vault.delete(By::Id(&over.id), Proof::Authority).await.map(drop),
            vault
                .soft_delete(By::Id(&over.id), Proof::Authority)
                .await
                .map(drop),
        ];
        for refusal in refusals {
            assert_eq!(code(&refusal), "sealed");
            let text = refusal.expect_err("sealed").to_string();
            assert!(text.contains("deleted or swept"), "{text}");
        }
        vault.unseal(&*super::root()).await.expect("unsealed");
        assert_eq!(vault.delete_expired().await.expect("swept").deleted, 1);
        assert_eq!(faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn long_work_is_compared_with_the_secrets() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for _ in 0..30 {
            made(&vault, VALUE).await;
        }
        let options = JobOptions {
            batch: Some(7),
            ..JobOptions::default()
        };
        let job = vault.start(VaultJob::RotateKey, options).await.expect("started");
        assert_eq!(job.wait().await.expect("done").done, 30);
        let rotated = entries(&vault).await;
        let rotated = rotated.iter().filter(|entry| *entry == "rotateKey ok").count();
        assert_eq!(rotated, 1 + 5 + 1, "its key, its batches, and its end");
        let report = vault.verify_audit(None).await.expect("walked");
        assert_eq!((report.faults, report.secrets), (Vec::new(), 30));
    });
}
