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

#[tokio::test]
async fn a_fuzzy_search_ranks_pages_and_says_so() {
    let server = with_ten().await;
    for title in ["Überweisung", "Uberweisng", "Überweisungen heute"] {
        server.task(json!({ "title": title })).await;
    }
    let asked = |cursor: Option<&Value>, fuzzy: bool| {
        let mut page = json!({"type": "cursor", "limit": 2});
        if let Some(cursor) = cursor {
            page["cursor"] = cursor.clone();
        }
        json!({"search": {"query": "überweisung", "fuzzy": fuzzy}, "pagination": page})
    };
    let path = "/api/tables/tasks/query";
    let first = server.post(path, asked(None, true)).await.expect(200).json();
    assert_eq!(titles(&first), ["Überweisung", "Überweisungen heute"]);
    assert_eq!(first["meta"]["appliedSort"][0]["column"], "_rank");
    let next = asked(Some(&first["pagination"]["nextCursor"]), true);
    let second = server.post(path, next).await.expect(200).json();
    assert_eq!(titles(&second), ["Uberweisng"]);
    let other = asked(Some(&first["pagination"]["nextCursor"]), false);
    assert_eq!(server.post(path, other).await.expect(400).code(), "invalidCursor");
    let exact = server.post(path, asked(None, false)).await.expect(200).json();
    assert_eq!(titles(&exact), ["Überweisung", "Überweisungen heute"]);
    // The same by parameters: also in the trash, and for the values of a column.
    let path_of = |more: &str| format!("/api/tables/tasks/{more}");
    let list = "records?search=uberweisung&fuzzy=true&limit=2";
    let by_get = server.get(&path_of(list)).await.expect(200).json();
    assert_eq!(by_get["records"], first["records"]);
    assert_eq!(by_get["meta"]["appliedSort"][0]["column"], "_rank");
    let cursor = by_get["pagination"]["nextCursor"].as_str().unwrap();
    let rest = server.get(&path_of(&format!("{list}&cursor={cursor}"))).await;
    assert_eq!(titles(&rest.expect(200).json()), ["Uberweisng"]);
    let distinct = "columns/title/distinct?search=uberwiesung";
    for (more, values) in [("", 0), ("&fuzzy=true", 2), ("&fuzzy=false", 0)] {
        let found = server
            .get(&path_of(&format!("{distinct}{more}")))
            .await
            .expect(200)
            .json();
        assert_eq!(found["values"].as_array().unwrap().len(), values, "{more}");
    }
    let id = first["records"][0]["id"].as_str().unwrap();
    server
        .delete(&path_of(&format!("records/{id}")))
        .await
        .expect(204);
    let trash = server
        .get(&path_of("trash?search=uberweisung&fuzzy=true"))
        .await
        .expect(200);
    assert_eq!(titles(&trash.json()), ["Überweisung"]);
    let many = format!("records?search={}&fuzzy=true", "word+".repeat(17));
    server.get(&path_of(&many)).await.expect(422);
    for wrong in [
        "records?fuzzy=true",
        "records?search=x&fuzzy=perhaps",
        "trash?fuzzy=true",
        "columns/title/distinct?fuzzy=true",
    ] {
        assert_eq!(
            server.get(&path_of(wrong)).await.expect(400).code(),
            "invalidParameter",
            "{wrong}"
        );
    }
    server
        .get(&path_of("records?search=&fuzzy=true"))
        .await
        .expect(200);
    let ranked = json!({"sort": [{"column": "_rank"}], "search": {"query": "x", "fuzzy": true}});
    server.post(path, ranked).await.expect(422);
}

#[tokio::test]
async fn records_are_filtered_by_what_stands_in_their_metadata() {
    let server = Server::with_tasks().await;
    let body = json!({"data": {"title": "Outside"}, "metadata": {"externalId": "X-1"}});
    server.post("/api/tables/tasks/records", body).await.expect(201);
    server.task(json!({"title": "Inside"})).await;
    let find = async |filter: Value| {
        let asked = json!({"filter": filter});
        let answer = server.post("/api/tables/tasks/query", asked).await.expect(200);
        answer.json()["records"].as_array().unwrap().len()
    };
    assert_eq!(
        find(json!({"column": "externalId", "operator": "eq", "value": "X-1"})).await,
        1
    );
    assert_eq!(
        find(json!({"column": "source", "operator": "eq", "value": "api"})).await,
        2
    );
    assert_eq!(
        find(json!({"column": "importId", "operator": "isEmpty"})).await,
        2
    );
    assert_eq!(
        find(json!({"column": "_importRow", "operator": "gte", "value": 1})).await,
        0
    );
    let wrong = json!({"filter": {"column": "source", "operator": "eq", "value": "robot"}});
    let wrong = server.post("/api/tables/tasks/query", wrong).await.expect(422);
    assert!(
        wrong.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("form")
    );
}
