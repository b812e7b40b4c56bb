//! Lists and counts of secrets: each filter, each order, pages, and what is refused.

use chancery::vault::{
    By, Expiry, NewSecret, Proof, SecretKind, SecretOrder, SecretQuery, SecretScope, SecretStatus, Vault,
    VaultError, WrapSource,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

use super::{VALUE, code, custom, made, vault};

/// The tokens' names of what a query lists, which each secret has in its metadata, and the count says as many.
async fn names(vault: &Vault, query: SecretQuery) -> String {
    let page = vault.list(&query).await.expect("listed");
    assert_eq!(
        vault.count(&query).await.expect("counted"),
        page.secrets.len() as u64,
        "{query:?}"
    );
    let names: Vec<_> = page
        .secrets
        .iter()
        .map(|secret| secret.data["name"].as_str())
        .collect();
    names.join(" ")
}

async fn named(vault: &Vault, name: &str, expires_at: Option<i64>) -> String {
    let new = NewSecret::new(name).token(custom(name)).data("name", name);
    let new = match expires_at {
        Some(at) => new.expires_at(at),
        None => new,
    };
    vault.create(new).await.expect("made").id
}

#[test]
fn each_filter_lists_and_counts_what_it_says() {
    on_every_backend_by_hand(|store, hands| async move {
        let vault = vault(&store).await;
        let over = named(&vault, "over", Some(1_000_000)).await;
        hands.pass(10);
        let soon = named(&vault, "soon", Some(2_000_000)).await;
        hands.pass(10);
        let never = named(&vault, "never", None).await;
        hands.pass(10);
        let gone = named(&vault, "gone", None).await;
        vault
            .soft_delete(By::Id(&gone), Proof::Authority)
            .await
            .expect("deleted");
        let query = SecretQuery::new;
        for (expected, query) in [
            ("over soon never", query()),
            ("over soon never", query().scope(SecretScope::Live)),
            ("gone", query().scope(SecretScope::Deleted)),
            ("over soon never gone", query().scope(SecretScope::All)),
            ("soon", query().ids([&soon])),
            ("soon never", query().ids([&soon, &never, &gone])),
            ("", query().ids(["none"])),
            ("over", query().tokens(["over", "missing"])),
            ("", query().tokens(["OVER"])),
            ("over", query().expiry(Expiry::Expired)),
            ("soon never", query().expiry(Expiry::Unexpired)),
            ("never", query().expiry(Expiry::Never)),
            ("soon", query().expiry(Expiry::Between(2_000_000, 2_000_000))),
            ("over soon", query().expiry(Expiry::Between(0, i64::MAX))),
            ("soon never", query().created_from(1_000_010)),
            ("over soon", query().created_until(1_000_010)),
            ("soon", query().created_from(1_000_010).created_until(1_000_010)),
            ("never", query().data("name", "never")),
            ("", query().data("name", "Never")),
            ("", query().data("nobody has this", "x")),
            ("over soon never", query().kind(SecretKind::Secret)),
            ("", query().kind(SecretKind::Wrap)),
            (
                "never soon over",
                query().order(SecretOrder::CreatedAt).descending(),
            ),
            ("never soon over", query().descending()),
            (
                "soon over",
                query()
                    .expiry(Expiry::Between(0, i64::MAX))
                    .order(SecretOrder::ExpiresAt)
                    .descending(),
            ),
            ("soon", query().expiry(Expiry::Unexpired).created_until(1_000_015)),
            (
                "",
                query()
                    .expiry(Expiry::Unexpired)
                    .scope(SecretScope::Deleted)
                    .data("name", "soon"),
            ),
        ] {
            assert_eq!(names(&vault, query.clone()).await, expected, "{query:?}");
        }
        let wrapped = vault.wrap(WrapSource::Value(b"x"), None).await.expect("wrapped");
        let wraps = vault.list(&query().kind(SecretKind::Wrap)).await.expect("listed");
        assert_eq!(
            wraps.secrets.iter().map(|one| &one.id).collect::<Vec<_>>(),
            [&wrapped.id]
        );
        let info = vault
            .find(By::Id(&over))
            .await
            .expect("looked up")
            .expect("there");
        assert_eq!(
            info.status,
            SecretStatus::Expired,
            "what has expired is found, and said to be"
        );
    });
}

#[test]
fn pages_follow_one_another_in_every_order() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        for number in 0..7 {
            let expires_at = (number % 3 > 0).then_some(9_000_000_000_000 + number);
            named(&vault, &format!("secret {number}"), expires_at).await;
        }
        let orders = [
            SecretOrder::Id,
            SecretOrder::CreatedAt,
            SecretOrder::UpdatedAt,
            SecretOrder::ExpiresAt,
        ];
        for (order, descending) in orders
            .into_iter()
            .flat_map(|order| [(order, false), (order, true)])
        {
            let mut query = SecretQuery::new().order(order).limit(2);
            if descending {
                query = query.descending();
            }
            let (mut paged, mut after) = (Vec::new(), None::<String>);
            loop {
                let query = match &after {
                    Some(cursor) => query.clone().after(cursor.as_str()),
                    None => query.clone(),
                };
                let page = vault.list(&query).await.expect("listed");
                paged.extend(page.secrets.into_iter().map(|secret| secret.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let whole = vault.list(&query.clone().limit(1_000)).await.expect("listed");
            let whole: Vec<_> = whole.secrets.into_iter().map(|secret| secret.id).collect();
            assert_eq!(paged, whole, "{order:?} {descending}");
            assert_eq!(paged.len(), 7);
            let second = vault.list(&query.clone().offset(2)).await.expect("listed");
            assert_eq!(second.secrets[0].id, whole[2]);
        }
    });
}

#[test]
fn what_makes_no_sense_is_refused_for_lists_and_counts_alike() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        let one = made(&vault, VALUE).await;
        let query = SecretQuery::new;
        for (field, query) in [
            ("id", query().ids([""])),
            ("id", query().ids(Vec::<String>::new())),
            ("id", query().ids(vec!["x"; 1_001])),
            ("token", query().tokens([""])),
            ("token", query().tokens(Vec::<String>::new())),
            ("limit", query().limit(0)),
            ("limit", query().limit(1_001)),
            ("created", query().created_from(2).created_until(1)),
            ("expiry", query().expiry(Expiry::Between(2, 1))),
            ("offset", query().offset(1).after("x")),
        ] {
            let refusals = [
                vault.list(&query).await.err(),
                vault.count(&query).await.err(),
                query.validate().err(),
            ];
            for refused in refusals {
                let Some(VaultError::Invalid(issues)) = refused else {
                    panic!("{query:?}: {refused:?}");
                };
                assert_eq!(
                    issues
                        .iter()
                        .map(|issue| issue.field.as_str())
                        .collect::<Vec<_>>(),
                    [field]
                );
            }
        }
        for cursor in ["", "nonsense", "eyJ9", one.id.as_str()] {
            let listed = vault.list(&query().after(cursor)).await;
            assert!(
                matches!(listed, Err(VaultError::Invalid(_))),
                "{cursor}: {listed:?}"
            );
        }
    });
}

#[test]
fn metadata_of_any_name_is_kept_found_and_no_part_of_a_question() {
    on_every_backend(|store| async move {
        let vault = vault(&store).await;
        made(&vault, "without").await;
        let strange = [
            "a.b",
            "a b",
            "it's",
            "quote\"d",
            "naïve ☂",
            "data:x",
            "createdAt",
            "id",
            "mac",
            "$.x",
            "x' OR '1'='1",
            "a,b",
            "percent%",
            "under_score",
            "back\\slash",
            "[0]",
            "-",
            "1",
        ];
        for name in strange {
            let text = format!("text of {name}; DROP TABLE secrets --");
            let new = NewSecret::new(VALUE).data(name, text.as_str());
            let id = vault.create(new).await.expect(name).id;
            let info = vault.find(By::Id(&id)).await.expect("looked up").expect("there");
            assert_eq!(info.data[name], text);
            let query = SecretQuery::new().data(name, text.as_str());
            let found = vault.list(&query).await.expect(name).secrets;
            assert_eq!(
                found.iter().map(|one| &one.id).collect::<Vec<_>>(),
                [&id],
                "{name}"
            );
            let other = SecretQuery::new().data(name, "' OR '1'='1");
            assert_eq!(vault.count(&other).await.expect(name), 0, "{name}");
        }
        let all = vault.count(&SecretQuery::new()).await.expect("counted");
        assert_eq!(all, 1 + strange.len() as u64);
    });
}

#[test]
fn a_token_in_the_place_of_an_id_finds_nothing() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let made = made(&vault, VALUE).await;
        let token = made.token.expose();
        let asked = |ids: &[&str]| SecretQuery::new().ids(ids.iter().copied());
        assert_eq!(vault.count(&asked(&[token])).await.expect("counted"), 0);
        assert_eq!(vault.count(&asked(&[token, &made.id])).await.expect("counted"), 1);
        let found = vault.find(By::Id(token)).await.expect("looked up");
        assert!(found.is_none());
        assert_eq!(code(&vault.versions(By::Id(token)).await), "notFound");
        let job = vault.job(token).await.expect_err("no job");
        assert!(!job.to_string().contains(token), "{job}");
        let told = vault.audit(Some(token), None, 10).await.expect("the audit");
        assert!(told.entries.is_empty() && told.next.is_none());
        assert!(
            !vault
                .audit(Some(&made.id), None, 10)
                .await
                .expect("the audit")
                .entries
                .is_empty()
        );
    });
}
