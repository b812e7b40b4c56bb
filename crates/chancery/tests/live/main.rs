//! Live queries: whoever applies what is pushed has what a fresh read gives, whatever is written and whoever writes meanwhile.
#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

mod cost;
mod model;
mod scenes;

use chancery::{ColumnInput, Json, Live, LiveQuery, Push, Store, TableHandle, TableInput, json};

/// A store with a table of tasks.
async fn tasks() -> (Store, TableHandle) {
    let store = Store::open("memory:").await.unwrap();
    let table = store
        .create_table(
            TableInput::new("Tasks")
                .column(ColumnInput::new("Title", "text"))
                .column(ColumnInput::new("Status", "text"))
                .column(ColumnInput::new("Points", "number"))
                .column(ColumnInput::new("Price", "currency")),
        )
        .await
        .unwrap();
    (store, table)
}

/// Somebody who subscribed, and has what they were told.
struct Subscriber {
    query: LiveQuery,
    live: Live,
    has: Json,
    revision: u64,
    pushes: usize,
}

impl Subscriber {
    async fn new(store: &Store, query: Json) -> Subscriber {
        let query = LiveQuery::from_json(&query).unwrap();
        let live = store.live(query.clone()).await.unwrap();
        Subscriber {
            has: live.shape().result(live.result()),
            revision: live.revision(),
            query,
            live,
            pushes: 0,
        }
    }

    /// Takes everything that waits.
    async fn take(&mut self) {
        while let Some(push) = self.live.take().await.unwrap() {
            self.apply(&push);
        }
    }

    fn apply(&mut self, push: &Push) {
        assert!(
            push.revision > self.revision,
            "{:?}: {} after {}",
            self.query,
            push.revision,
            self.revision
        );
        self.revision = push.revision;
        self.pushes += 1;
        let body = Json::Object(self.live.shape().push(push));
        if let Some(snapshot) = body.get("snapshot") {
            assert!(
                *snapshot != self.has || body["reason"] == "overflow",
                "{:?} was told what it has: {snapshot}",
                self.query
            );
            self.has = snapshot.clone();
            return;
        }
        let list = self.has.as_array_mut().unwrap();
        for change in body["changes"].as_array().unwrap() {
            list.retain(|record| record["id"] != change["key"]);
            if change["op"] == "put" {
                let before = &change["before"];
                let at = list.iter().position(|record| record["id"] == *before);
                assert!(
                    before.is_null() || at.is_some(),
                    "{:?}: {change} stands before nothing",
                    self.query
                );
                list.insert(at.unwrap_or(list.len()), change["record"].clone());
            }
        }
    }

    /// Checks that it has what a fresh read gives.
    async fn check(&mut self, store: &Store, after: &str) {
        store.settle().await.unwrap();
        self.take().await;
        let (_, result, shape) = store.run(self.query.clone()).await.unwrap();
        let fresh = shape.result(&result);
        assert_eq!(self.has, fresh, "{:?} after {after}", self.query);
    }
}

/// The queries that every test watches at once.
fn queries(key: &str) -> Vec<Json> {
    vec![
        json!({"table": "tasks"}),
        json!({"table": "tasks", "filter": {"status": "open"}}),
        json!({"table": "tasks", "filter": {"status": "open", "points": {"$gte": 3}}, "sort": {"points": "desc"}}),
        json!({"table": "tasks", "sort": {"points": "asc", "title": "desc"}, "limit": 3}),
        json!({"table": "tasks", "sort": {"points": "desc"}, "offset": 2, "limit": 4}),
        json!({"table": "tasks", "filter": {"$or": [{"status": "done"}, {"points": {"$lt": 2}}]}, "limit": 2}),
        json!({"table": "tasks", "fields": ["status"], "sort": {"title": "asc"}}),
        json!({"table": "tasks", "fields": ["title"], "limit": 5}),
        json!({"table": "tasks", "search": "alpha"}),
        json!({"table": "tasks", "search": "alpah", "fuzzy": true}),
        json!({"table": "tasks", "search": "alphabte", "fuzzy": true, "limit": 3, "fields": ["title"]}),
        json!({"table": "tasks", "search": "gmma alhpa", "fuzzy": true, "sort": {"points": "desc"}, "offset": 1}),
        json!({"table": "tasks", "search": "alpah", "fuzzy": true, "aggregate": {"function": "count"}}),
        json!({"table": "tasks", "search": "alpha", "fuzzy": true, "aggregate": {"function": "sum", "field": "points", "groupBy": "status"}}),
        json!({"table": "tasks", "key": key}),
        json!({"table": "tasks", "key": key, "fields": ["points"]}),
        json!({"table": "tasks", "aggregate": {"function": "count"}}),
        json!({"table": "tasks", "filter": {"status": "open"}, "aggregate": {"function": "count"}}),
        json!({"table": "tasks", "aggregate": {"function": "count", "field": "points"}}),
        json!({"table": "tasks", "aggregate": {"function": "sum", "field": "points"}}),
        json!({"table": "tasks", "aggregate": {"function": "sum", "field": "price"}}),
        json!({"table": "tasks", "filter": {"status": "done"}, "aggregate": {"function": "avg", "field": "points"}}),
        json!({"table": "tasks", "aggregate": {"function": "min", "field": "points"}}),
        json!({"table": "tasks", "aggregate": {"function": "max", "field": "title"}}),
        json!({"table": "tasks", "aggregate": {"function": "count", "groupBy": "status"}}),
        json!({"table": "tasks", "aggregate": {"function": "sum", "field": "points", "groupBy": "status"}}),
        json!({"table": "tasks", "aggregate": {"function": "countDistinct", "field": "status"}}),
    ]
}
