//! Views of tables, and what relations show over HTTP.

use axum::body::Body;
use serde_json::json;

use super::harness::Server;

async fn tables(server: &Server) {
    let clients = json!({"name": "clients", "columns": [{"name": "name", "fieldType": "text"}, {"name": "city", "fieldType": "text"}]});
    server.post("/api/tables", clients).await.expect(201);
    let relation = json!({"name": "client", "fieldType": "relation", "config": {"table": "clients"}});
    let city =
        json!({"name": "city", "fieldType": "lookup", "config": {"relation": "client", "column": "city"}});
    let projects =
        json!({"name": "projects", "columns": [{"name": "title", "fieldType": "text"}, relation, city]});
    server.post("/api/tables", projects).await.expect(201);
}

#[tokio::test]
async fn a_view_is_kept_changed_and_forgotten() {
    let server = Server::start().await;
    tables(&server).await;
    let path = "/api/tables/projects/views";
    let settings = json!({
        "filter": {"column": "title", "operator": "contains", "value": "a"},
        "sort": [{"column": "title", "direction": "desc"}],
        "columns": ["title", "client"], "groupBy": ["client"], "layout": {"widths": {"title": 300}},
    });
    let made = server
        .post(path, json!({"name": " Big ones ", "settings": settings}))
        .await
        .expect(201);
    let view = made.json();
    assert_eq!(
        (&view["name"], &view["personal"]),
        (&json!("Big ones"), &json!(false))
    );
    assert_eq!(view["settings"]["layout"], settings["layout"]);
    let one = made.header("location").to_owned();
    assert_eq!(server.get(&one).await.expect(200).json(), view);
    let changed = server
        .patch(&one, json!({"name": "Small ones"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&changed["name"], &changed["settings"]),
        (&json!("Small ones"), &view["settings"])
    );
    assert_eq!(
        server.get(path).await.expect(200).json()["views"][0]["name"],
        "Small ones"
    );

    for (bad, code) in [
        (json!({"name": ""}), "invalidDefinition"),
        (
            json!({"name": "x", "settings": {"filter": {"column": "titel", "operator": "eq", "value": 1}}}),
            "invalidFilter",
        ),
        (
            json!({"name": "x", "settings": {"sort": [{"column": "city"}]}}),
            "invalidFilter",
        ),
        (
            json!({"name": "x", "settings": {"columns": ["no"]}}),
            "invalidFilter",
        ),
        (
            json!({"name": "x", "settings": {"layout": {"x": "y".repeat(70_000)}}}),
            "limitExceeded",
        ),
    ] {
        let refused = server.post(path, bad.clone()).await;
        assert!([400, 422].contains(&refused.status.as_u16()), "{bad}");
        assert_eq!(refused.code(), code, "{bad}");
    }
    server.call("DELETE", &one, &[], Body::empty()).await.expect(204);
    assert_eq!(server.get(&one).await.expect(404).code(), "viewNotFound");
}

#[tokio::test]
async fn records_show_whom_they_name_and_what_stands_there() {
    let server = Server::start().await;
    tables(&server).await;
    let acme = json!({"data": {"name": "Acme", "city": "Brno"}});
    let acme = server
        .post("/api/tables/clients/records", acme)
        .await
        .expect(201)
        .json();
    let data = json!({"data": {"title": "Alpha", "client": acme["id"]}});
    let made = server
        .post("/api/tables/projects/records", data)
        .await
        .expect(201)
        .json();
    let shown = json!({"client": "Acme", "city": "Brno"});
    assert_eq!(
        (&made["data"]["city"], &made["data"]["_display"]),
        (&json!("Brno"), &shown)
    );
    let page = server
        .post("/api/tables/projects/query", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(page["records"][0]["data"], made["data"]);
    let bulk = json!({"records": [{"title": "Beta", "client": acme["id"]}, {"title": "Gamma", "client": "none"}], "continueOnError": true});
    let bulk = server
        .post("/api/tables/projects/records/bulk", bulk)
        .await
        .expect(200)
        .json();
    assert_eq!(bulk["created"][0]["record"]["data"]["_display"], shown);
    assert_eq!(bulk["errors"][0]["errors"][0]["code"], "reference");
    let refused = server
        .post(
            "/api/tables/projects/query",
            json!({"sort": [{"column": "city"}]}),
        )
        .await;
    assert!(
        refused.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("worked out")
    );
}
