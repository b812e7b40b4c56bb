//! What is wrong is said with what, where and what next; and the exit status tells data from mistakes.

use std::process::Stdio;

use crate::harness::Here;

#[track_caller]
fn check(here: &Here, args: &[&str], code: i32, says: &[&str]) {
    let ran = here.run(args);
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{args:?}: {ran:?}");
    for text in says {
        assert!(
            ran.err.contains(text),
            "{args:?} does not say {text}: {}",
            ran.err
        );
    }
}

#[test]
fn wrong_names_come_with_the_right_ones() {
    let here = Here::with_tasks();
    check(
        &here,
        &["query", "taks"],
        2,
        &["chancery: no table \"taks\" (did you mean \"tasks\"?)"],
    );
    check(
        &here,
        &["query", "tasks", "titel=x"],
        2,
        &["No column \"titel\" (did you mean \"title\"?)"],
    );
    check(
        &here,
        &["query", "tasks", "--columns", "titel"],
        2,
        &["did you mean \"title\"?"],
    );
    check(
        &here,
        &["query", "tasks", "--sort", "titel"],
        2,
        &["did you mean \"title\"?"],
    );
    check(
        &here,
        &["query", "tasks", "priority contains 3"],
        2,
        &["contains does not fit a number column", "gte"],
    );
    check(
        &here,
        &["query", "tasks", "nonsense"],
        2,
        &["is no filter", "status=done"],
    );
    check(
        &here,
        &["query", "tasks", "--filter", "{"],
        2,
        &["--filter holds no filter"],
    );
    check(&here, &["tabel", "list"], 2, &["table"]);
    check(&here, &["table", "create", "X", "-c", "a:txt"], 2, &["txt"]);
    check(
        &here,
        &["table", "create", "X", "-c", "a"],
        2,
        &["\"a\" is no column", "name:type"],
    );
    check(&here, &["record", "get", "tasks", "nobody"], 1, &["nobody"]);
    check(&here, &["export", "taks"], 2, &["did you mean \"tasks\"?"]);
    check(
        &here,
        &["import", "nofile.csv", "tasks"],
        2,
        &["there is no file nofile.csv"],
    );
    check(&here, &["table", "create", "Tasks"], 1, &["exists already"]);
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_reading() {
    let here = Here::new();
    check(
        &here,
        &["query", "tasks"],
        2,
        &[
            "there is no database at ./chancery-data/chancery.db",
            "--data DIR",
        ],
    );
    assert!(crate::harness::files(&here.path(".")).is_empty());
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let here = Here::new();
    here.write(
        "other.db",
        "this is no database, but it is long enough to look like one to nobody".repeat(20),
    );
    check(
        &here,
        &["table", "list", "--database", "sqlite:other.db"],
        2,
        &["other.db"],
    );
    check(&here, &["table", "list", "--database", "mysql:x"], 2, &["mysql"]);
}

#[test]
fn a_shared_cache_that_cannot_be_is_refused_without_its_password() {
    let here = Here::new();
    for (redis, says) in [
        ("redis://ann:topsecret@h:port/", "no Redis URL"),
        ("redis://ann:topsecret@127.0.0.1:1/", "only a PostgreSQL database"),
    ] {
        let args = ["serve", "--database", "memory:", "--redis", redis];
        check(&here, &args, 2, &[says]);
        assert!(!here.run(&args).err.contains("topsecret"));
    }
    check(&here, &["serve", "--cache-size", "much"], 2, &["64M"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let here = Here::new();
    check(
        &here,
        &["table", "list", "--server", "http://127.0.0.1:9"],
        2,
        &["http://127.0.0.1:9"],
    );
    check(
        &here,
        &["table", "list", "--server", "127.0.0.1:7373"],
        2,
        &["is no server address"],
    );
    check(
        &here,
        &["table", "list", "--server", "http://a.example", "--data", "x"],
        2,
        &["cannot be used with"],
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let here = Here::with_tasks();
    let rows: String = (0..20_000).map(|n| format!("Task {n}\n")).collect();
    here.write("rows.csv", format!("title\n{rows}"));
    here.done(&["import", "rows.csv", "tasks"]);
    let mut command = here.command(&["export", "tasks"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &[][..])
    );
}

#[test]
fn completions_are_printed_for_every_shell() {
    let here = Here::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(here.done(&["completions", shell]).contains("chancery"), "{shell}");
    }
}
