//! Single promises of live queries.

use chancery::live::limits::{LIVE_PUSHES_MAX, WINDOW_RESERVE};
use chancery::{ColumnInput, Error, Json, LiveNews, LiveQuery, LiveResult, Query, SnapshotReason, json};

use super::{Subscriber, tasks};

fn object(json: &Json) -> &chancery::JsonMap {
    json.as_object().unwrap()
}

#[tokio::test]
async fn a_push_comes_by_itself() {
    let (store, table) = tasks().await;
    let mut live = store.live(LiveQuery::new("tasks").count()).await.unwrap();
    table.insert(json!({"title": "one"})).await.unwrap();
    let push = tokio::time::timeout(std::time::Duration::from_secs(5), live.next()).await;
    let push = push.expect("a push").unwrap();
    assert_eq!(push.news, LiveNews::Snapshot(LiveResult::Value(json!(1)), None));
    assert_eq!(push.revision, store.revision().await.unwrap());
}

#[tokio::test]
async fn what_nobody_sees_is_no_news() {
    let (store, table) = tasks().await;
    let record = table
        .insert(json!({"title": "one", "status": "open"}))
        .await
        .unwrap();
    let silent = [
        json!({"table": "tasks", "fields": ["title"]}),
        json!({"table": "tasks", "filter": {"status": "done"}}),
        json!({"table": "tasks", "aggregate": {"function": "count"}}),
        json!({"table": "tasks", "key": record.id(), "fields": ["title"]}),
    ];
    let mut subscribers = Vec::new();
    for query in silent {
        subscribers.push(Subscriber::new(&store, query).await);
    }
    table.update(record.key(), json!({"points": 4})).await.unwrap();
    for subscriber in &mut subscribers {
        subscriber.check(&store, "an update of what is not seen").await;
        assert_eq!(subscriber.pushes, 0, "{:?}", subscriber.query);
    }
}

#[tokio::test]
async fn one_commit_is_one_push() {
    let (store, table) = tasks().await;
    let mut all = Subscriber::new(&store, json!({"table": "tasks"})).await;
    table
        .insert_many(vec![json!({"title": "a"}), json!({"title": "b"})])
        .await
        .unwrap();
    all.check(&store, "two inserts").await;
    assert_eq!(all.pushes, 1);
}

#[tokio::test]
async fn who_does_not_read_gets_a_fresh_result_in_the_end() {
    let (store, table) = tasks().await;
    let mut live = store.live(LiveQuery::new("tasks")).await.unwrap();
    for number in 0..LIVE_PUSHES_MAX + 10 {
        table.insert(json!({"points": number})).await.unwrap();
        store.settle().await.unwrap();
    }
    let push = live.take().await.unwrap().unwrap();
    let LiveNews::Snapshot(LiveResult::Records(records), Some(SnapshotReason::Overflow)) = &push.news else {
        panic!("{push:?}");
    };
    assert_eq!(records.len(), LIVE_PUSHES_MAX + 10);
    assert!(live.take().await.unwrap().is_none());
    // And it goes on from there.
    table.insert(json!({"points": 1})).await.unwrap();
    store.settle().await.unwrap();
    assert!(matches!(
        live.take().await.unwrap().unwrap().news,
        LiveNews::Changes(_)
    ));
}

#[tokio::test]
async fn a_window_goes_on_when_its_reserve_is_used_up() {
    let (store, table) = tasks().await;
    let all = WINDOW_RESERVE * 3;
    let records = (0..all).map(|number| json!({"points": number})).collect();
    table.insert_many(records).await.unwrap();
    let query = json!({"table": "tasks", "sort": {"points": "asc"}, "limit": 5});
    let mut window = Subscriber::new(&store, query).await;
    for number in 0..all {
        let first = table.find_one(json!({"points": number})).await.unwrap().unwrap();
        table.delete(first.key()).await.unwrap();
        window.check(&store, &format!("delete {number}")).await;
    }
    assert_eq!(window.has, json!([]));
}

#[tokio::test]
async fn what_changes_with_the_time_is_refused() {
    let (store, _) = tasks().await;
    let query = LiveQuery::new("tasks").matching(json!({"_createdAt": {"$isToday": true}}));
    let error = store.live(query).await.map(drop).unwrap_err();
    assert!(
        error.to_string().contains("isToday changes with the time"),
        "{error}"
    );
}

#[tokio::test]
async fn mistakes_are_named_all_at_once() {
    let wrong =
        json!({"tabel": "tasks", "limit": -1, "sort": {"a": "up"}, "aggregate": {"function": "median"}});
    let error = LiveQuery::from_json(&wrong).unwrap_err();
    let fields: Vec<&str> = error.issues().iter().map(|issue| &*issue.field).collect();
    assert_eq!(fields, ["tabel", "table", "sort", "limit", "aggregate.function"]);
}

#[tokio::test]
async fn a_subscription_ends_with_its_table_and_follows_a_new_definition() {
    let (store, table) = tasks().await;
    table.insert(json!({"title": "one"})).await.unwrap();
    let mut live = store.live(LiveQuery::new("tasks")).await.unwrap();
    table
        .add_column(ColumnInput::new("Colour", "text").default_value("red"))
        .await
        .unwrap();
    table.insert(json!({"title": "two"})).await.unwrap();
    store.settle().await.unwrap();
    let mut last = None;
    while let Some(push) = live.take().await.unwrap() {
        last = Some(live.shape().push(&push));
    }
    let last = Json::Object(last.unwrap()).to_string();
    assert!(last.contains("red"), "{last}");
    table.delete_table().await.unwrap();
    store.settle().await.unwrap();
    assert!(matches!(
        live.next().await,
        Err(Error::NotFound { what: "table", .. })
    ));
}

#[tokio::test]
async fn a_closure_runs_again_for_what_it_read_and_nothing_else() {
    let (store, table) = tasks().await;
    let watched = table.insert(json!({"title": "one", "points": 1})).await.unwrap();
    let other = table.insert(json!({"title": "two", "points": 1})).await.unwrap();
    let key = watched.id();
    let mut live = store
        .live_with(move |reads| {
            let key = key.clone();
            async move {
                let record = reads.table("tasks")?.get(&key).await?;
                Ok(json!(record.map(|record| record.get("points"))))
            }
        })
        .await
        .unwrap();
    assert_eq!(*live.result(), LiveResult::Value(json!(1)));
    table.update(other.key(), json!({"points": 5})).await.unwrap();
    table
        .update(watched.key(), json!({"title": "uno"}))
        .await
        .unwrap();
    store.settle().await.unwrap();
    assert!(
        live.take().await.unwrap().is_none(),
        "nothing that it makes has changed"
    );
    table.update(watched.key(), json!({"points": 2})).await.unwrap();
    store.settle().await.unwrap();
    let push = live.take().await.unwrap().unwrap();
    assert_eq!(push.news, LiveNews::Snapshot(LiveResult::Value(json!(2)), None));
}

#[tokio::test]
async fn a_closure_that_counts_sees_every_insert() {
    let (store, table) = tasks().await;
    let mut live = store
        .live_with(|reads| async move { Ok(json!(reads.table("tasks")?.count(&Query::new()).await?)) })
        .await
        .unwrap();
    for expected in 1..=3 {
        table.insert(json!({})).await.unwrap();
        store.settle().await.unwrap();
        let push = live.take().await.unwrap().unwrap();
        assert_eq!(
            push.news,
            LiveNews::Snapshot(LiveResult::Value(json!(expected)), None)
        );
    }
}

#[tokio::test]
async fn a_stored_query_is_run_watched_and_removed() {
    let (store, table) = tasks().await;
    let query = json!({"table": "tasks", "filter": {"status": "{{ params.status }}"}, "aggregate": {"function": "count"}});
    let stored = store.define_query("by-status", &query).await.unwrap();
    assert_eq!(stored.params, ["status"]);
    assert_eq!(store.queries().await.unwrap(), [stored]);
    let params = json!({"status": "open"});
    let mut live = store.subscribe("by-status", object(&params)).await.unwrap();
    table.insert(json!({"status": "open"})).await.unwrap();
    store.settle().await.unwrap();
    assert!(live.take().await.unwrap().is_some());
    let (_, result, _) = store.run_query("by-status", object(&params)).await.unwrap();
    assert_eq!(result, LiveResult::Value(json!(1)));
    let error = store
        .run_query("by-status", object(&json!({"state": 1})))
        .await
        .unwrap_err();
    assert_eq!(error.issues().len(), 2, "{error}");
    store.undefine_query("by-status").await.unwrap();
    let gone = store.run_query("by-status", object(&params)).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { what: "query", .. }));
}

#[tokio::test]
async fn a_dropped_subscription_leaves_nothing_behind() {
    let (store, table) = tasks().await;
    for _ in 0..100 {
        let live = store.live(LiveQuery::new("tasks").count()).await.unwrap();
        drop(live);
    }
    table.insert(json!({})).await.unwrap();
    assert_eq!(store.settle().await.unwrap(), store.revision().await.unwrap());
}

#[tokio::test]
async fn a_closed_store_ends_its_subscriptions() {
    let (store, _) = tasks().await;
    let mut live = store.live(LiveQuery::new("tasks")).await.unwrap();
    store.close().await.unwrap();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(8), live.next()).await;
    assert!(ended.expect("an end").is_err());
}
