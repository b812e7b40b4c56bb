//! Wrong addresses, wrong passwords, missing rights, no free connection, connections that are gone: each is told apart, and
//! none tells a password.

use chancery_model::Key;
use chancery_model::query::Plan;
use chancery_storage::StorageError;

use crate::throwaway::Throwaway;
use crate::{NOW, commit, create, note, notes, open, sql, with};

/// The URL with another user and password.
fn signed_in(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (_, server) = rest.split_once('@').expect("a user");
    format!("{scheme}://{user}:{password}@{server}")
}

async fn refused(url: &str) -> StorageError {
    match open(url).await {
        Err(error) => {
            let told = format!("{error} {error:?}");
            assert!(!told.contains("wr0ng"), "no error tells a password: {told}");
            error
        }
        Ok(_) => panic!("it opens"),
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let error = refused("postgres://ann:wr0ng@127.0.0.1:1/app?connect_timeout_ms=500").await;
    let unavailable =
        matches!(&error, StorageError::Unavailable { server, .. } if server == "postgres://127.0.0.1:1/app");
    assert!(unavailable, "{error:?}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_a_wrong_address() {
    let database = Throwaway::create().await;
    let missing = format!("{}_missing", database.url);
    let error = refused(&missing).await;
    assert!(matches!(error, StorageError::Url(_)), "{error:?}");
    database.remove().await;
}

#[tokio::test]
async fn a_wrong_password_and_missing_rights_are_refusals() {
    let database = Throwaway::create().await;
    let user = format!("user_{}", uuid::Uuid::new_v4().simple());
    let denied = |error: StorageError| assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    sql(
        &database.url,
        &format!("CREATE ROLE {user} LOGIN PASSWORD 'right'"),
    )
    .await;
    denied(refused(&signed_in(&database.url, &user, "wr0ng")).await);
    // In a database of somebody else a user may look, but make nothing.
    denied(refused(&signed_in(&database.url, &user, "right")).await);
    sql(&database.url, &format!("GRANT CREATE ON SCHEMA public TO {user}")).await;
    let store = open(&signed_in(&database.url, &user, "right"))
        .await
        .expect("now it opens");
    store.close().await.expect("it closes");
    sql(&database.url, &format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
    database.remove().await;
}

#[tokio::test]
async fn who_finds_no_free_connection_is_told_after_a_while() {
    let database = Throwaway::create().await;
    let store = open(&with(&database.url, "pool_max=1&acquire_timeout_ms=100"))
        .await
        .expect("it opens");
    let table = notes();
    commit(&store, vec![create(&table)]).await.expect("a table");
    commit(&store, (0..5_000).map(|key| note(&table, key)).collect())
        .await
        .expect("records");
    let mut stream = store
        .stream(&Plan::all(table.clone(), NOW))
        .await
        .expect("a stream");
    let error = store
        .get(&table, &Key::Int(1))
        .await
        .expect_err("the stream has the connection");
    assert!(
        matches!(&error, StorageError::Unavailable { detail, .. } if detail.contains("pool_max")),
        "{error:?}"
    );
    commit(&store, vec![note(&table, 9_000)])
        .await
        .expect("writes have a connection of their own");
    let mut records = 0;
    while let Some(chunk) = stream.recv().await {
        records += chunk.expect("records").len();
    }
    assert_eq!(records, 5_000);
    assert!(
        store
            .get(&table, &Key::Int(9_000))
            .await
            .expect("a connection is free")
            .is_some()
    );
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn connections_that_the_server_ended_are_made_again() {
    let database = Throwaway::create().await;
    let store = open(&database.url).await.expect("it opens");
    let table = notes();
    commit(&store, vec![create(&table), note(&table, 1)])
        .await
        .expect("a table");
    for key in 2..6 {
        assert!(store.get(&table, &Key::Int(1)).await.expect("a read").is_some());
        sql(
            &database.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
        match key % 2 {
            0 => drop(commit(&store, vec![note(&table, key)]).await.expect("a write")),
            _ => assert_eq!(
                store.changes(0, 9).await.expect("a read").len() as i64,
                key / 2 + 1
            ),
        }
    }
    store.close().await.expect("it closes");
    database.remove().await;
}
