//! Any operation of the HTTP API, on a database of this machine and on a server alike.

use serde_json::{Value, json};

use crate::harness::{Here, Server};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The arguments with those of a server, or with none for this machine.
fn on<'a>(args: &[&'a str], server: &[&'a str]) -> Vec<&'a str> {
    [&["api"], args, server].concat()
}

#[test]
fn what_has_no_command_is_done_on_this_machine_and_on_a_server_in_the_same_way() {
    let here = Here::with_tasks();
    let (_server, there) = Server::served(&here);
    let there = there.each_ref().map(String::as_str);
    let made = "{\"name\": \"Tasks\", \"columns\": [{\"name\": \"title\", \"fieldType\": \"text\"}]}";
    here.done(&on(&["post", "tables", "--body", made], &there));
    for place in [&[][..], &there[..]] {
        let view = "{\"name\": \"Open\", \"settings\": {\"sort\": [{\"column\": \"title\"}]}}";
        let made = here.done(&on(&["POST", "/api/tables/tasks/views", "--body", view], place));
        let id = parsed(&made)["id"].as_str().unwrap().to_owned();
        let path = format!("/api/tables/tasks/views/{id}");
        here.write("change.json", "{\"name\": \"All\"}");
        here.done(&on(&["PATCH", &path, "--body", "@change.json"], place));
        let changed = here.run_with(
            "{\"description\": \"Work\"}",
            &on(&["PATCH", "/api/tables/tasks", "--body", "-"], place),
        );
        assert_eq!(parsed(&changed.out)["description"], "Work", "{changed:?}");
        let views = here.done(&on(&["GET", "tables/tasks/views", "--query", "limit=5"], place));
        assert_eq!(parsed(&views)["views"][0]["name"], "All", "{views}");
        assert_eq!(here.done(&on(&["DELETE", &path], place)), "");

        let lines = "{\"title\":\"a\"}\n{\"title\":\"b\"}\n";
        here.write("more.ndjson", lines);
        let bulk = ["POST", "/api/tables/tasks/records/bulk", "--body", "@more.ndjson"];
        here.done(&on(&bulk, place));
        let found = here.done(&on(&["POST", "/api/tables/tasks/query", "--body", "{}"], place));
        let found = parsed(&found);
        assert_eq!(found["records"].as_array().unwrap().len(), 2, "{found}");
        let id = found["records"][0]["id"].as_str().unwrap();
        let path = format!("/api/tables/tasks/records/{id}");
        let body = "{\"data\": {\"title\": \"c\"}}";
        let old = here.run(&on(
            &["PATCH", &path, "-H", "If-Match: \"9\"", "--body", body],
            place,
        ));
        assert_eq!(old.code, 1, "{old:?}");
        here.done(&on(
            &["PATCH", &path, "-H", "If-Match: \"1\"", "--body", body],
            place,
        ));

        // Bytes go out as they are.
        here.done(&on(
            &["GET", "/api/tables/tasks/export/xlsx", "--out", "tasks.xlsx"],
            place,
        ));
        assert!(std::fs::read(here.path("tasks.xlsx")).unwrap().starts_with(b"PK"));
        here.write("new.csv", "title\nx\n");
        let form = ["POST", "/api/tables/tasks/import/csv", "--form", "file=@new.csv"];
        let done = here.done(&on(
            &[&form[..], &["--form", "options={\"dryRun\": true}"]].concat(),
            place,
        ));
        assert_eq!(parsed(&done)["created"], 1);
        let find = "{\"columnSlugs\": [\"title\"], \"wait\": 0}";
        let found = here.done(&on(
            &["POST", "/api/tables/tasks/duplicates/find", "--body", find],
            place,
        ));
        // On this machine it is waited for; a server goes on by itself.
        if place.is_empty() {
            assert_eq!(parsed(&found)["find"]["state"], "done", "{found}");
        }
    }
    // Whoever has the database is nobody in it.
    let record = here.done(&on(&["POST", "tables/tasks/query", "--body", "{}"], &[]));
    assert_eq!(
        parsed(&record)["records"][0]["createdBy"],
        Value::Null,
        "{record}"
    );
    let made = "{\"name\": \"Away\"}";
    let made = here.run(&on(
        &["POST", "/api/workspaces", "--body", made, "--data", "nowhere"],
        &[],
    ));
    assert_eq!(made.code, 0, "{made:?}");
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let here = Here::with_tasks();
    for (args, told) in [
        (&["GET"][..], "a method and a path"),
        (&["/api/tables"], "chancery api GET /api/tables"),
        (&["GTE", "/api/tables"], "did you mean GET?"),
        (&["GET", "/api/table"], "did you mean /api/tables"),
        (&["GET", "/api/tables/tasks/view"], "/api/tables/{table}/views"),
        (&["PUT", "/api/tables"], "it takes GET, POST"),
        (&["GET", "/api/tables/{table}"], "{table} stands for something"),
        (&["GET", "http://127.0.0.1:7373/api/tables"], "--server"),
        (&["GET", "/api/tables", "include=columns"], "--query"),
        (&["POST", "/api/tables"], "--body"),
        (&["POST", "/api/tables", "--body", "{name: 1}"], "no JSON"),
        (&["POST", "/api/tables", "--body", "@none.json"], "none.json"),
        (&["GET", "/api/tables", "--body", "{}"], "takes no body"),
        (
            &["POST", "/api/tables/tasks/import/csv", "--body", "x"],
            "--form file=@FILE",
        ),
        (&["POST", "/api/tables", "--form", "file=@a.csv"], "takes no form"),
        (
            &["POST", "/api/vault/tokens", "--body", "{\"value\": \"hunter2\"}"],
            "stdin",
        ),
        (&["GET", "/api/live"], "WebSocket"),
        (
            &[
                "POST",
                "/api/tables/tasks/columns",
                "--body",
                "{\"name\": \"pin\", \"fieldType\": \"text\", \"encrypted\": {}}",
            ],
            "chancery vault create",
        ),
        (&["GET", "/api/tables", "--query", "limt=1"], "limit"),
        (&["--list", "banana"], "no operation"),
        (&["GET", "/api/tables", "--data", "nowhere"], "no database"),
    ] {
        let ran = here.run(&on(args, &[]));
        assert!(ran.code == 2 && ran.err.contains(told), "{args:?}: {ran:?}");
        assert!(!ran.err.contains("hunter2"), "{ran:?}");
    }
    let bad = "{\"data\": {\"priority\": 9}}";
    let path = "/api/tables/tasks/records";
    let refused = here.run(&on(&["POST", path, "--body", bad], &[]));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("title") && refused.err.contains("priority"),
        "{refused:?}"
    );
    let refused = here.run(&on(&["POST", path, "--body", bad, "--json"], &[]));
    let issues = parsed(&refused.err)["issues"].clone();
    assert_eq!(issues.as_array().unwrap().len(), 2, "{refused:?}");
}

#[test]
fn operations_are_listed_and_one_alone_is_explained() {
    let here = Here::new();
    let all = here.json(&["api", "--list"]);
    assert!(all.as_array().unwrap().len() > 150);
    let views = here.done(&["api", "--list", "views"]);
    assert!(
        views.contains("/api/tables/{table}/views/{view}") && !views.contains("/api/webhooks"),
        "{views}"
    );
    for words in [&["post", "/views"][..], &["POST", "/api/tables/{table}/views"]] {
        let one = here.done(&[&["api", "--list"], words].concat());
        assert!(one.contains("Body (application/json)"), "{one}");
        assert!(one.contains("*name") && one.contains("--body '"), "{one}");
    }
    let one = here.json(&["api", "--list", "GET", "/api/tables"]);
    assert_eq!(one[0]["parameters"][0]["name"], json!("workspace"));
}

#[test]
fn lines_of_any_length_go_into_this_machine_and_a_server_takes_what_needs_no_second_hand() {
    let here = Here::with_tasks();
    let server = Server::start(&here, &["--data", "served"]);
    let line = format!("{{\"title\":\"{}\"}}\n", "long ".repeat(2_000));
    here.write("long.ndjson", line.repeat(60));
    let bulk = [
        "api",
        "POST",
        "/api/tables/tasks/records/bulk",
        "--body",
        "@long.ndjson",
    ];
    let done = here.done(&bulk);
    assert!(
        done.lines().count() == 61 && done.contains("\"created\":60"),
        "{done}"
    );
    let refused = here.run(&[&bulk[..], &["--server", server.url()]].concat());
    assert!(
        refused.code == 2 && refused.err.contains("chancery import"),
        "{refused:?}"
    );
}
