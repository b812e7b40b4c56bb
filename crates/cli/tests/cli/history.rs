//! History and undo on the command line, on a database of this machine and through a server.

use std::process::Stdio;

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

/// Rows of the import that is taken back; so many that it is done in several commits.
const ROWS: u32 = 25_000;
/// How often its undo is killed, each time a little later.
const KILLS: u32 = 8;

#[test]
fn an_undo_that_was_killed_is_finished_and_never_stays_half_done() {
    let here = Here::with_tasks();
    let rows: String = (0..ROWS)
        .map(|row| format!("Task {row},{}\n", row % 5 + 1))
        .collect();
    here.write("tasks.csv", format!("title,priority\n{rows}"));
    here.done(&["import", "tasks.csv", "tasks"]);
    let newest = || {
        here.json(&["operation", "list"])[0]["operation"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let count = || {
        here.done(&["query", "tasks", "--count"])
            .trim_end()
            .parse::<u32>()
            .unwrap()
    };
    let begun = std::time::Instant::now();
    here.done(&["operation", "revert", &newest()]);
    let whole = begun.elapsed();
    assert_eq!(count(), 0);

    // Each turn takes back what the turn before did: the records come and go.
    let mut interrupted = 0;
    for kill in 1..=KILLS {
        let (operation, before) = (newest(), count());
        let mut revert = here.command(&["operation", "revert", &operation]);
        let mut child = revert
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * kill / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        // Who opens the store next finishes it, and says so in its log.
        let (status, _) = Server::start(&here, &[]).interrupt();
        assert_eq!(status, 0);
        let met = here.read("server.log").contains("an undo was interrupted");
        interrupted += u32::from(met);

        let after = count();
        let reverted = here.json(&["operation", "show", &operation])["revertedBy"].is_string();
        let expected = if reverted { ROWS - before } else { before };
        assert_eq!(
            after, expected,
            "killed in turn {kill} of {KILLS}, finished by the next: {met}"
        );
        assert!(reverted || !met, "what had begun is finished");
        here.done(&["doctor"]);
    }
    assert!(interrupted > 0, "no kill met an undo that was running");
}
