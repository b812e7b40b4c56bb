//! Another field type for a column: what would become of its values, and the job that does it.

use serde_json::{Value as Json, json};

use crate::harness::Server;

const AT: &str = "/api/tables/parts/columns/amount/change-type";

async fn parts() -> Server {
    let server = Server::start().await;
    let columns = json!([{"name": "Amount", "fieldType": "text"}]);
    server
        .post("/api/tables", json!({"name": "Parts", "columns": columns}))
        .await
        .expect(201);
    for amount in ["10,5", "007", "many"] {
        let body = json!({"data": {"amount": amount}});
        server.post("/api/tables/parts/records", body).await.expect(201);
    }
    server
}

async fn over(server: &Server) -> Json {
    loop {
        let told = server.get(AT).await.expect(200).json();
        if told["job"]["state"] != json!("running") {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_becomes_of_every_value() {
    let server = parts().await;
    let body = json!({"fieldType": "number", "locale": "de-DE", "dryRun": true});
    let plan = server.post(AT, body).await.expect(200).json();
    let counts = ["records", "kept", "changed", "lost"].map(|name| plan[name].as_u64().unwrap());
    assert_eq!(counts, [3, 0, 2, 1]);
    assert_eq!(
        (&plan["changes"][0]["before"], &plan["changes"][0]["after"]),
        (&json!("10,5"), &json!(10.5))
    );
    assert_eq!(plan["losses"][0]["examples"][0]["value"], "many");
    assert!(
        plan["refusals"][0]["message"]
            .as_str()
            .unwrap()
            .contains("onLoss"),
        "{plan}"
    );
    assert!(plan.get("job").is_none());
    let column = server
        .get("/api/tables/parts/columns/amount")
        .await
        .expect(200)
        .json();
    assert_eq!(column["fieldType"], "text");
}

#[tokio::test]
async fn a_column_changes_its_type_and_back_by_a_job_that_is_told_of() {
    let server = parts().await;
    let refused = server
        .post(AT, json!({"fieldType": "number", "locale": "de-DE"}))
        .await
        .expect(422);
    assert_eq!(
        (
            refused.code(),
            refused.json()["errors"][0]["params"]["lost"].clone()
        ),
        ("invalidDefinition".into(), json!(1))
    );
    let body = json!({"fieldType": "number", "locale": "de-DE", "onLoss": "null"});
    let begun = server.post(AT, body).await.expect(202);
    let id = begun.json()["job"]["id"].as_str().unwrap().to_owned();
    let told = over(&server).await;
    assert_eq!(
        (&told["fieldType"], &told["job"]["state"], &told["job"]["failed"]),
        (&json!("number"), &json!("done"), &json!(1))
    );
    let job = server.get(&format!("/api/jobs/{id}")).await.expect(200).json();
    assert_eq!(
        (&job["kind"], &job["params"]["fieldType"]),
        (&json!("changeColumnType"), &json!("number"))
    );
    server
        .post(&format!("/api/jobs/{id}/cancel"), json!({}))
        .await
        .expect(409);
    let text = told["types"]
        .as_array()
        .unwrap()
        .iter()
        .find(|kind| kind["fieldType"] == "text")
        .unwrap();
    assert_eq!(
        (&text["possible"], &text["earlier"]),
        (&json!(true), &json!(true))
    );

    server.post(AT, json!({"fieldType": "text"})).await.expect(202);
    over(&server).await;
    let records = server
        .get("/api/tables/parts/records?sort=createdAt")
        .await
        .expect(200)
        .json();
    let amounts: Vec<&Json> = records["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["data"]["amount"])
        .collect();
    assert_eq!(amounts, [&json!("10,5"), &json!("007"), &json!("many")]);
}

#[tokio::test]
async fn types_that_a_column_cannot_have_are_refused_with_the_reason() {
    let server = parts().await;
    let told = server.get(AT).await.expect(200).json();
    let relation = told["types"]
        .as_array()
        .unwrap()
        .iter()
        .find(|kind| kind["fieldType"] == "relation")
        .unwrap();
    assert_eq!(relation["possible"], false);
    let refused = server
        .post(AT, json!({"fieldType": "relation", "dryRun": true}))
        .await
        .expect(422)
        .json();
    assert_eq!(refused["errors"][0]["message"], relation["reason"]);
    server
        .post(AT, json!({"fieldType": "number", "locale": "xx"}))
        .await
        .expect(422);
    server.post(AT, json!({"fieldTyp": "number"})).await.expect(422);
}
