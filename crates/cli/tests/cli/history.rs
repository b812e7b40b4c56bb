//! History and undo on the command line, on a database of this machine and through a server.

use serde_json::json;

use crate::harness::{Here, Server};

#[test]
fn what_was_done_is_told_and_taken_back() {
    let here = Here::with_tasks();
    let id = here.done(&["record", "create", "tasks", "title=One", "priority=1"]);
    let id = id.trim_end();
    here.done(&["record", "update", "tasks", id, "title=Two"]);
    let steps = here.json(&["history", "tasks", id]);
    assert_eq!(
        steps[0]["changes"],
        json!([{"column": "title", "from": "One", "to": "Two"}])
    );
    let shown = here.done(&["history", "tasks", id]);
    assert!(
        shown.contains("title: One -> Two") && shown.contains("created"),
        "{shown}"
    );

    let operations = here.json(&["operation", "list", "--table", "tasks"]);
    let operation = operations[0]["operation"].as_str().unwrap().to_owned();
    assert_eq!(operations[0]["tables"][0]["updated"], 1);
    let trial = here.json(&["operation", "revert", &operation, "--dry-run"]);
    assert_eq!((&trial["reverted"], &trial["dryRun"]), (&json!(1), &json!(true)));
    let ran = here.run(&["operation", "revert", &operation]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    assert!(
        ran.err.contains("1 record(s) are as before; 0 left"),
        "{}",
        ran.err
    );
    assert_eq!(here.json(&["record", "get", "tasks", id])["data"]["title"], "One");
    let told = here.json(&["operation", "show", &operation]);
    assert!(told["revertedBy"].is_string(), "{told}");

    let back = here.json(&["history", "tasks", id, "--restore", "2"]);
    assert_eq!(
        (&back["data"]["title"], &back["version"]),
        (&json!("Two"), &json!(4))
    );
    let refused = here.run(&["operation", "revert", &operation, "--all-or-nothing"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("nothing was changed"), "{}", refused.err);
}

#[test]
fn a_server_answers_the_same() {
    let here = Here::with_tasks();
    let id = here.done(&["record", "create", "tasks", "title=One"]);
    let id = id.trim_end();
    let key = here.json(&["key", "create", "--name", "k", "--scope", "write"]);
    let server = Server::start(&here, &[]);
    let there = ["--server", server.url(), "--key", key["key"].as_str().unwrap()];
    let on = |args: &[&str]| here.json(&[args, &there].concat());
    on(&["record", "update", "tasks", id, "title=Two"]);
    let operation = on(&["operation", "list"])[0]["operation"]
        .as_str()
        .unwrap()
        .to_owned();
    let report = on(&["operation", "revert", &operation]);
    assert_eq!(
        (&report["reverted"], &report["reverts"]),
        (&json!(1), &json!(operation))
    );
    assert_eq!(on(&["history", "tasks", id])[0]["reason"], "undo");
    assert_eq!(
        on(&["history", "tasks", id, "--restore", "2"])["data"]["title"],
        "Two"
    );
    assert_eq!(on(&["operation", "show", &operation])["reverts"], json!(null));
}
