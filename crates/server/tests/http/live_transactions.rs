//! Transactions over a socket: begun, worked in, committed and rolled back by frames; nobody else sees them before.

use serde_json::{Value, json};

use crate::harness::Server;
use crate::live::{Client, listen};

/// Begins a transaction; answers its number.
async fn begun(client: &mut Client) -> Value {
    let answer = client.ask(json!({"type": "begin"})).await;
    assert!(answer["transaction"].is_u64(), "{answer}");
    answer["transaction"].clone()
}

/// Does an operation on tasks in a transaction, or at once if it is null.
async fn done(client: &mut Client, transaction: &Value, mut frame: Value) -> Value {
    frame["type"] = json!("do");
    frame["table"] = json!("tasks");
    if !transaction.is_null() {
        frame["transaction"] = transaction.clone();
    }
    let answer = client.ask(frame).await;
    assert_eq!(answer["type"], "result", "{answer}");
    answer["value"].clone()
}

#[tokio::test]
async fn a_transaction_is_seen_by_others_when_it_is_committed() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let (mut one, mut other) = (
        Client::new(address, &server.admin).await,
        Client::new(address, &server.write).await,
    );
    let tx = begun(&mut one).await;
    let made = done(&mut one, &tx, json!({"op": "insert", "data": {"title": "mine"}})).await;
    let id = made["id"].clone();
    let changed = json!({"op": "update", "key": id, "data": {"priority": 5}});
    assert_eq!(done(&mut one, &tx, changed).await["priority"], 5);
    let many = json!({"op": "insertMany", "data": [{"title": "a"}, {"title": "b"}]});
    assert_eq!(done(&mut one, &tx, many).await.as_array().unwrap().len(), 2);
    let grown =
        json!({"op": "updateMany", "filter": {"title": {"$in": ["a", "b"]}}, "data": {"priority": 1}});
    assert_eq!(done(&mut one, &tx, grown).await, 2);
    assert_eq!(
        done(
            &mut one,
            &tx,
            json!({"op": "deleteMany", "filter": {"title": "b"}})
        )
        .await,
        1
    );
    assert_eq!(done(&mut one, &tx, json!({"op": "count"})).await, 2);
    let found = done(&mut one, &tx, json!({"op": "findOne", "filter": {"priority": 1}})).await;
    assert_eq!(found["title"], "a");
    assert_eq!(done(&mut other, &Value::Null, json!({"op": "count"})).await, 0);
    assert_eq!(
        done(&mut other, &Value::Null, json!({"op": "get", "key": id})).await,
        Value::Null
    );

    let commit = one.ask(json!({"type": "commit", "transaction": tx})).await;
    assert!(commit["revision"].is_u64(), "{commit}");
    assert_eq!(done(&mut other, &Value::Null, json!({"op": "count"})).await, 2);
    let again = one.refused(json!({"type": "commit", "transaction": tx})).await;
    assert_eq!(again, "conflict");
    let late = json!({"type": "do", "transaction": tx, "op": "count", "table": "tasks"});
    assert_eq!(one.refused(late).await, "conflict");
}

#[tokio::test]
async fn a_conflict_a_rollback_and_a_closed_socket_leave_nothing() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let id = server.task(json!({"title": "ours", "priority": 1})).await;
    let mut one = Client::new(address, &server.admin).await;
    let tx = begun(&mut one).await;
    done(&mut one, &tx, json!({"op": "get", "key": id})).await;
    let outside = json!({"data": {"priority": 2}});
    server
        .patch(&format!("/api/tables/tasks/records/{id}"), outside)
        .await
        .expect(200);
    done(
        &mut one,
        &tx,
        json!({"op": "update", "key": id, "data": {"priority": 3}}),
    )
    .await;
    let answer = one.ask(json!({"type": "commit", "transaction": tx})).await;
    assert_eq!(answer["error"]["code"], "transactionConflict", "{answer}");
    assert_eq!(answer["error"]["params"], json!({"table": "tasks", "key": id}));

    let tx = begun(&mut one).await;
    done(&mut one, &tx, json!({"op": "delete", "key": id})).await;
    let answer = one.ask(json!({"type": "rollback", "transaction": tx})).await;
    assert_eq!(answer["type"], "result", "{answer}");

    let tx = begun(&mut one).await;
    done(&mut one, &tx, json!({"op": "delete", "key": id})).await;
    drop(one);
    let now = server
        .get(&format!("/api/tables/tasks/records/{id}"))
        .await
        .expect(200);
    assert_eq!(now.json()["data"]["priority"], 2);
    assert_eq!(now.json()["version"], 2);
}

#[tokio::test]
async fn readers_may_not_write_in_one_and_nobody_has_too_many() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let mut reader = Client::new(address, &server.read).await;
    let tx = begun(&mut reader).await;
    assert_eq!(done(&mut reader, &tx, json!({"op": "all"})).await, json!([]));
    let write =
        json!({"type": "do", "transaction": tx, "op": "insert", "table": "tasks", "data": {"title": "x"}});
    assert_eq!(reader.refused(write).await, "forbidden");
    for _ in 1..16 {
        begun(&mut reader).await;
    }
    assert_eq!(reader.refused(json!({"type": "begin"})).await, "limitExceeded");
    let commit = reader.ask(json!({"type": "commit", "transaction": tx})).await;
    assert_eq!(commit["type"], "result", "{commit}");
    begun(&mut reader).await;
}
