//! The rules of tables hold inside a transaction as outside it: times to live, sizes, references.

use chancery::{Error, json};
use chancery_scenarios::on_every_backend;

use super::ids;

#[test]
fn row_7_records_of_a_transaction_expire_as_others_do() {
    on_every_backend(|store| async move {
        let definition = json!({
            "key": "id",
            "schema": {"id": {"type": "string", "required": true}},
            "ttl": "1h",
        });
        let sessions = store
            .define_bucket("sessions", &definition)
            .await
            .expect("defined");
        store
            .transaction(async |tx| tx.table("sessions")?.insert(json!({"id": "a"})).await)
            .await
            .expect("committed");
        let made = sessions.get("a").await.expect("read").expect("there");
        assert_eq!(made.expires_at(), Some(made.created_at() + 3_600_000));
    });
}

#[test]
fn row_7_a_size_limit_holds_in_a_transaction() {
    on_every_backend(|store| async move {
        let definition = json!({
            "key": "id",
            "schema": {"id": {"type": "string", "required": true}},
            "maxSize": 3,
        });
        let recent = store.define_bucket("recent", &definition).await.expect("defined");
        for id in ["a", "b", "c"] {
            recent.insert(json!({"id": id})).await.expect("inserted");
        }
        store
            .transaction(async |tx| {
                let recent = tx.table("recent")?;
                recent.insert(json!({"id": "d"})).await?;
                recent.insert(json!({"id": "e"})).await
            })
            .await
            .expect("committed");
        assert_eq!(ids(&recent.all().await.expect("read")), ["c", "d", "e"]);
        let refused = store
            .transaction(async |tx| {
                tx.table("recent")?.insert(json!({"id": "f"})).await?;
                tx.table("recent")?.insert(json!({"id": "c"})).await
            })
            .await;
        assert!(matches!(refused, Err(Error::KeyTaken { .. })));
        assert_eq!(
            ids(&recent.all().await.expect("read")),
            ["c", "d", "e"],
            "nothing was evicted for nothing"
        );
    });
}

#[test]
fn row_7_references_hold_in_a_transaction() {
    on_every_backend(|store| async move {
        let users = json!({"key": "id", "schema": {"id": {"type": "string", "required": true}}});
        let posts = json!({
            "key": "id",
            "schema": {
                "id": {"type": "string", "required": true},
                "user": {"type": "string", "ref": "users", "onDelete": "restrict"},
            },
        });
        let users = store.define_bucket("users", &users).await.expect("defined");
        let posts = store.define_bucket("posts", &posts).await.expect("defined");
        // Both come at once, the one that refers first.
        store
            .transaction(async |tx| {
                tx.table("posts")?
                    .insert(json!({"id": "p", "user": "ann"}))
                    .await?;
                tx.table("users")?.insert(json!({"id": "ann"})).await
            })
            .await
            .expect("in the end it is there");
        let dangling = store
            .transaction(async |tx| {
                tx.table("posts")?
                    .insert(json!({"id": "q", "user": "nobody"}))
                    .await
            })
            .await
            .expect_err("nobody is there");
        assert!(
            matches!(&dangling, Error::Invalid { table, .. } if table == "posts"),
            "{dangling}"
        );
        let kept = store
            .transaction(async |tx| {
                tx.table("posts")?.insert(json!({"id": "r"})).await?;
                tx.table("users")?.delete("ann").await
            })
            .await
            .expect_err("it is referred to");
        assert!(matches!(kept, Error::Referenced { .. }), "{kept}");
        assert_eq!(ids(&posts.all().await.expect("read")), ["p"]);
        // Both go at once, the one that is referred to first.
        store
            .transaction(async |tx| {
                tx.table("users")?.delete("ann").await?;
                tx.table("posts")?.delete("p").await
            })
            .await
            .expect("in the end nothing refers");
        assert!(users.all().await.expect("read").is_empty());
    });
}
