//! Lists, queries, pages, aggregates and distinct values.

use serde_json::{Value, json};

use crate::harness::Server;

async fn with_ten() -> Server {
    let server = Server::with_tasks().await;
    let records: Vec<Value> = (0..10)
        .map(|n| json!({"title": format!("t{n}"), "priority": n % 5 + 1}))
        .collect();
    server
        .post("/api/tables/tasks/records/bulk", json!({ "records": records }))
        .await
        .expect(200);
    server
}

fn titles(page: &Value) -> Vec<&str> {
    page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["data"]["title"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_forwards_and_back() {
    let server = with_ten().await;
    let first = server
        .get("/api/tables/tasks/records?limit=4&sort=-title")
        .await
        .expect(200)
        .json();
    assert_eq!(titles(&first), ["t9", "t8", "t7", "t6"]);
    assert!(first["pagination"].get("previousCursor").is_none());
    let path = |cursor: &Value| {
        format!(
            "/api/tables/tasks/records?limit=4&sort=-title&cursor={}",
            cursor.as_str().unwrap()
        )
    };
    let second = server
        .get(&path(&first["pagination"]["nextCursor"]))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (titles(&second), &second["pagination"]["hasMore"]),
        (vec!["t5", "t4", "t3", "t2"], &json!(true))
    );
    let last = server
        .get(&path(&second["pagination"]["nextCursor"]))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (titles(&last), &last["pagination"]["hasMore"]),
        (vec!["t1", "t0"], &json!(false))
    );
    assert!(last["pagination"].get("nextCursor").is_none());
    let back = server
        .get(&path(&last["pagination"]["previousCursor"]))
        .await
        .expect(200)
        .json();
    assert_eq!(titles(&back), titles(&second));
}

#[tokio::test]
async fn a_cursor_of_another_question_or_an_altered_one_is_refused() {
    let server = with_ten().await;
    let first = server
        .get("/api/tables/tasks/records?limit=4")
        .await
        .expect(200)
        .json();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let other = server
        .get(&format!(
            "/api/tables/tasks/records?limit=4&sort=title&cursor={cursor}"
        ))
        .await
        .expect(400);
    assert_eq!(other.code(), "invalidCursor");
    let altered = format!(
        "/api/tables/tasks/records?cursor={}x",
        &cursor[..cursor.len() - 1]
    );
    assert_eq!(server.get(&altered).await.expect(400).code(), "invalidCursor");
    assert_eq!(
        server
            .get("/api/tables/tasks/records?cursor=%00")
            .await
            .expect(400)
            .code(),
        "invalidCursor"
    );
}

#[tokio::test]
async fn a_query_filters_sorts_counts_and_explains() {
    let server = with_ten().await;
    let query = json!({
        "filter": {"operator": "and", "filters": [
            {"column": "priority", "operator": "gte", "value": 4},
            {"operator": "or", "filters": [{"column": "title", "operator": "eq", "value": "t3"}, {"column": "title", "operator": "eq", "value": "t9"}]},
        ]},
        "sort": [{"column": "title", "direction": "desc"}],
        "columns": ["title"],
        "includeDisplay": false,
        "count": "exact",
        "pagination": {"type": "offset", "offset": 1, "limit": 1},
    });
    let page = server
        .post("/api/tables/tasks/query?explain=true", query)
        .await
        .expect(200)
        .json();
    assert_eq!(page["records"][0]["data"], json!({"title": "t3"}));
    assert_eq!(page["pagination"]["total"], 2);
    assert_eq!(
        (&page["pagination"]["offset"], &page["pagination"]["hasMore"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(page["meta"]["appliedSort"][0]["column"], "title");
    assert_eq!(page["meta"]["appliedFilters"]["operator"], "and");
    assert!(page["meta"]["plan"].is_array() && page["meta"]["executionTime"].is_number());
}

#[tokio::test]
async fn what_does_not_fit_the_table_is_named() {
    let server = with_ten().await;
    let query = json!({"filter": {"column": "priority", "operator": "contains", "value": "x"}, "sort": [{"column": "titel"}]});
    let refused = server.post("/api/tables/tasks/query", query).await.expect(422);
    assert_eq!(refused.code(), "invalidFilter");
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 2);
    for (path, code) in [
        ("/api/tables/tasks/records?limit=1001", "limitExceeded"),
        ("/api/tables/tasks/records?limit=0", "limitExceeded"),
        ("/api/tables/tasks/records?limit=x", "invalidParameter"),
        ("/api/tables/tasks/records?offset=1&cursor=a", "invalidParameter"),
        ("/api/tables/tasks/records?filter={", "invalidParameter"),
        ("/api/tables/tasks/records?count=all", "invalidParameter"),
    ] {
        assert_eq!(server.get(path).await.expect(400).code(), code, "{path}");
    }
    let odd = server
        .post(
            "/api/tables/tasks/query",
            json!({"pagination": {"type": "cursor", "offset": 3}}),
        )
        .await;
    assert_eq!(odd.expect(422).code(), "invalidBody");
}

#[tokio::test]
async fn figures_come_per_group() {
    let server = with_ten().await;
    let query = json!({"groupBy": ["priority"], "aggregates": [{"function": "count"}, {"function": "max", "column": "title", "as": "last"}]});
    let reply = server
        .post("/api/tables/tasks/aggregate", query)
        .await
        .expect(200)
        .json();
    assert_eq!(reply["groups"].as_array().unwrap().len(), 5);
    assert_eq!(
        reply["groups"][0],
        json!({"key": {"priority": 1}, "values": {"count": 2, "last": "t5"}})
    );
    let twice = json!({"aggregates": [{"function": "count"}, {"function": "count"}]});
    assert_eq!(
        server
            .post("/api/tables/tasks/aggregate", twice)
            .await
            .expect(422)
            .code(),
        "invalidFilter"
    );
    let none = json!({"aggregates": []});
    assert_eq!(
        server
            .post("/api/tables/tasks/aggregate", none)
            .await
            .expect(422)
            .code(),
        "invalidFilter"
    );
    let unfit = json!({"aggregates": [{"function": "sum", "column": "title"}]});
    assert_eq!(
        server
            .post("/api/tables/tasks/aggregate", unfit)
            .await
            .expect(422)
            .code(),
        "invalidFilter"
    );
}

#[tokio::test]
async fn different_values_come_with_their_counts() {
    let server = with_ten().await;
    let reply = server
        .get("/api/tables/tasks/columns/priority/distinct?limit=2")
        .await
        .expect(200)
        .json();
    assert_eq!(reply, json!({"values": [{"value": 1, "display": "1", "count": 2}, {"value": 2, "display": "2", "count": 2}], "hasMore": true}).with_display_of(&reply));
    assert_eq!(
        server
            .get("/api/tables/tasks/columns/nothing/distinct")
            .await
            .expect(404)
            .code(),
        "columnNotFound"
    );
}

trait SameDisplay {
    fn with_display_of(self, other: &Value) -> Value;
}

impl SameDisplay for Value {
    /// Whether numbers have a display is the field type's business, not this test's.
    fn with_display_of(mut self, other: &Value) -> Value {
        for (index, value) in self["values"].as_array_mut().unwrap().iter_mut().enumerate() {
            let members = value.as_object_mut().unwrap();
            members.shift_remove("display");
            if let Some(display) = other["values"][index].get("display") {
                members.insert("display".into(), display.clone());
            }
        }
        self
    }
}
