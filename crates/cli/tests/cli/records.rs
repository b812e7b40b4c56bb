//! Tables and records on a database of this machine.

use serde_json::json;

use crate::harness::Here;

#[test]
fn a_record_goes_its_way_from_creation_to_the_trash_and_back() {
    let here = Here::with_tasks();
    let id = here.done(&[
        "record",
        "create",
        "tasks",
        "title=Write",
        "priority=3",
        "status=todo",
        "code=00501",
    ]);
    let id = id.trim_end();
    let record = here.json(&["record", "get", "tasks", id]);
    assert_eq!(record["version"], 1);
    assert_eq!(record["data"]["priority"], 3);
    assert_eq!(record["data"]["code"], "00501");
    assert_eq!(record["data"]["_display"]["status"], "todo");
    let shown = here.done(&["record", "update", "tasks", id, "status=done", "code="]);
    assert!(shown.contains("status     done\n"), "{shown}");
    assert_eq!(
        here.json(&["record", "get", "tasks", id])["data"]["code"],
        json!(null)
    );
    let stale = here.run(&["record", "update", "tasks", id, "title=x", "--if-version", "1"]);
    assert_eq!((stale.code, stale.out.as_str()), (1, ""));
    assert!(stale.err.contains("version 2"), "{}", stale.err);
    here.done(&["record", "delete", "tasks", id]);
    let gone = here.run(&["record", "get", "tasks", id]);
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("in the trash"), "{}", gone.err);
    assert_eq!(
        here.json(&["record", "list", "tasks", "--trash"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    here.done(&["record", "restore", "tasks", id]);
    here.done(&["record", "delete", "tasks", id, "--permanent"]);
    assert_eq!(here.run(&["record", "restore", "tasks", id]).code, 1);
}

#[test]
fn a_record_brings_its_id_in_another_system_and_is_found_by_it() {
    let here = Here::with_tasks();
    let id = here.done(&["record", "create", "tasks", "title=Old", "--external-id", "T-1"]);
    here.done(&[
        "record",
        "update",
        "tasks",
        id.trim(),
        "title=Moved",
        "--external-id",
        "T-2",
    ]);
    let found = here.done(&[
        "query",
        "tasks",
        "externalId=T-2",
        "--columns",
        "title",
        "--format",
        "csv",
    ]);
    assert_eq!(found, "title\r\nMoved\r\n");
    let refused = here.run(&["record", "create", "tasks", "title=x", "--external-id", ""]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{refused:?}");
    assert!(refused.err.contains("externalId"), "{refused:?}");
}

#[test]
fn data_come_as_json_from_a_file_and_from_stdin() {
    let here = Here::with_tasks();
    here.write("task.json", r#"{"title": "From a file", "priority": 2}"#);
    here.done(&["record", "create", "tasks", "@task.json"]);
    let ran = here.run_with(r#"{"title": "From stdin"}"#, &["record", "create", "tasks", "-"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    here.done(&["record", "create", "tasks", r#"{"title": "Given"}"#]);
    let titles = here.done(&[
        "query",
        "tasks",
        "--columns",
        "title",
        "--sort",
        "title",
        "--format",
        "csv",
    ]);
    assert_eq!(titles, "title\r\nFrom a file\r\nFrom stdin\r\nGiven\r\n");
}

#[test]
fn bad_values_are_all_named_and_nothing_is_written() {
    let here = Here::with_tasks();
    let ran = here.run(&[
        "record",
        "create",
        "tasks",
        "priority=9",
        "due=31.2.2026",
        "status=later",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    for field in ["title", "priority", "due", "status"] {
        assert!(ran.err.contains(&format!("\n  {field}")), "{field}: {}", ran.err);
    }
    assert_eq!(here.done(&["query", "tasks", "--count"]), "0\n");
    let ran = here.run(&["record", "create", "tasks", "titel=x", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert!(error["issues"].to_string().contains("title"), "{error}");
}

#[test]
fn a_query_filters_sorts_and_counts() {
    let here = Here::with_tasks();
    for (title, priority, status) in [
        ("a", "1", "todo"),
        ("b", "3", "done"),
        ("c", "5", "done"),
        ("d", "4", "todo"),
    ] {
        here.done(&[
            "record",
            "create",
            "tasks",
            &format!("title={title}"),
            &format!("priority={priority}"),
            &format!("status={status}"),
        ]);
    }
    let found = |args: &[&str]| {
        here.done(&[&["query", "tasks", "--columns", "title", "--format", "csv"], args].concat())
    };
    assert_eq!(
        found(&["status=done", "priority>=3", "--sort", "-priority"]),
        "title\r\nc\r\nb\r\n"
    );
    assert_eq!(found(&["title contains d"]), "title\r\nd\r\n");
    assert_eq!(
        found(&["priority between 3,4", "--sort", "title"]),
        "title\r\nb\r\nd\r\n"
    );
    let either = r#"{"operator":"or","filters":[{"column":"title","operator":"eq","value":"a"},{"column":"priority","operator":"eq","value":5}]}"#;
    assert_eq!(
        found(&["--filter", either, "--sort", "title"]),
        "title\r\na\r\nc\r\n"
    );
    assert_eq!(here.done(&["query", "tasks", "status=todo", "--count"]), "2\n");
    let ran = here.run(&["query", "tasks", "--limit", "3", "--columns", "title,priority"]);
    assert_eq!(
        ran.out,
        "title  priority\na             1\nb             3\nc             5\n"
    );
    assert_eq!(ran.err, "3 of 4 records; --limit all shows the rest\n");
    assert_eq!(here.json(&["query", "tasks"]).as_array().unwrap().len(), 4);
    let lines = here.done(&["query", "tasks", "--format", "ndjson", "--limit", "all"]);
    assert_eq!(lines.lines().count(), 4);
    assert_eq!(
        here.done(&["query", "tasks", "title=nobody", "--format", "json"]),
        "[]\n"
    );
}

#[test]
fn tables_and_columns_are_made_shown_and_dropped() {
    let here = Here::new();
    let made = here.done(&[
        "table",
        "create",
        "Price list",
        "--key-column",
        "sku",
        "-c",
        "sku:text",
        "-c",
        "price:currency:currency=EUR",
    ]);
    assert_eq!(made, "price-list\n");
    assert_eq!(
        here.done(&["table", "columns", "add", "price-list", "Valid from:date:indexed"]),
        "validFrom\n"
    );
    let shown = here.json(&["table", "show", "price-list"]);
    assert_eq!(
        (&shown["key"], &shown["stats"]["records"]),
        (&json!("sku"), &json!(0))
    );
    assert_eq!(shown["columns"][2]["indexed"], true);
    here.done(&["record", "create", "price-list", "sku=A-1", "price=12.50"]);
    assert_eq!(
        here.json(&["record", "get", "price-list", "A-1"])["data"]["price"].to_string(),
        "12.5"
    );
    here.done(&["table", "columns", "delete", "price-list", "validFrom", "--yes"]);
    assert_eq!(
        here.json(&["table", "columns", "list", "price-list"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let listed = here.done(&["table", "list"]);
    assert_eq!(
        listed,
        "table       records  columns  name\nprice-list        1        2  Price list\n"
    );
    let asked = here.run(&["table", "drop", "price-list"]);
    assert_eq!(asked.code, 2);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    here.done(&["table", "drop", "price-list", "--yes"]);
    assert_eq!(here.json(&["table", "list"]), json!([]));
    assert!(here.done(&["table", "list", "--deleted"]).contains("price-list"));
    here.done(&["table", "restore", "price-list"]);
    here.done(&["table", "columns", "restore", "price-list", "validFrom"]);
    let columns = here.json(&["table", "columns", "list", "price-list"]);
    assert_eq!(columns.as_array().unwrap().len(), 3, "{columns}");
    assert_eq!(
        here.json(&["table", "columns", "list", "price-list", "--deleted"]),
        json!([])
    );
    here.done(&["table", "drop", "price-list", "--yes"]);
    here.done(&["table", "drop", "price-list", "--permanent", "--yes"]);
    assert_eq!(here.json(&["table", "list", "--deleted"]), json!([]));
    assert_eq!(here.run(&["table", "restore", "price-list"]).code, 2);
}

#[test]
fn migrations_are_shown_planned_and_applied() {
    let here = Here::new();
    assert_eq!(here.run(&["migrate", "status"]).code, 2);
    assert!(here.done(&["migrate", "plan"]).contains("CREATE TABLE"));
    assert!(!here.path("chancery-data").exists(), "asking makes nothing");
    here.done(&["migrate", "up"]);
    let status = here.json(&["migrate", "status"]);
    assert!(status[0]["appliedAt"].is_string(), "{status}");
    assert_eq!(here.run(&["migrate", "up"]).err, "nothing to do\n");
    here.done(&["migrate", "down"]);
    let status = here.json(&["migrate", "status"]);
    let newest = status.as_array().and_then(|all| all.last()).expect("migrations");
    assert_eq!(newest["appliedAt"], json!(null), "{status}");
}

#[test]
fn the_bench_measures_and_leaves_nothing_behind() {
    let here = Here::new();
    let figures = here.json(&["bench", "--records", "1000", "--dir", "."]);
    assert!(
        figures
            .as_array()
            .unwrap()
            .iter()
            .all(|figure| figure["perSecond"].as_f64().unwrap() > 0.0),
        "{figures}"
    );
    assert!(crate::harness::files(&here.path(".")).is_empty());
}

#[test]
fn duplicates_are_listed_and_nothing_is_changed() {
    let here = Here::with_tasks();
    for title in [
        "title=Call Ann Lee",
        "title=call ánn lee",
        "title=Cal Ann Lee",
        "title=Buy paper",
    ] {
        here.done(&["record", "create", "tasks", title]);
    }
    let same = here.json(&["dedupe", "tasks", "--on", "title"]);
    assert_eq!(same["groups"][0]["records"].as_array().unwrap().len(), 2);
    let alike = here.done(&["dedupe", "tasks", "--on", "title", "--fuzzy", "0.9"]);
    assert!(
        alike.contains("3 records\n") && !alike.contains("Buy paper"),
        "{alike}"
    );
    let wrong = here.run(&["dedupe", "tasks", "--on", "titel"]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.err.contains("title"), "{}", wrong.err);
}
