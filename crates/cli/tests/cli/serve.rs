//! A running server: its one line, its set-up link, keys beside it, and the commands against it.

use crate::harness::{Here, Server};

/// A key for a running server, made beside it.
fn key(here: &Here, scope: &str) -> String {
    let made = here.json(&["key", "create", "--name", "test", "--scope", scope]);
    assert_eq!(
        (made["name"].as_str(), made["scope"].as_str()),
        (Some("test"), Some(scope))
    );
    assert!(made["id"].is_string());
    made["key"].as_str().unwrap().to_owned()
}

#[test]
fn a_server_says_one_line_shows_its_link_and_stops_cleanly() {
    let here = Here::new();
    let server = Server::start(&here, &[]);
    assert!(server.url().starts_with("http://127.0.0.1:"), "{}", server.ready);
    let log = here.read("server.log");
    assert!(log.contains("/setup?token="), "{log}");
    let (code, rest) = server.interrupt();
    assert_eq!((code, rest.as_str()), (0, ""));
    assert_eq!(here.run(&["table", "list"]).code, 0, "the database is free again");
}

#[test]
fn a_database_that_a_server_has_is_refused_with_the_way_to_it() {
    let here = Here::with_tasks();
    let _server = Server::start(&here, &[]);
    let ran = here.run(&["query", "tasks"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("in use") && ran.err.contains("--server http://127.0.0.1:7373"),
        "{}",
        ran.err
    );
}

#[test]
fn a_key_made_beside_a_server_works_at_once_and_does_what_its_scope_says() {
    let here = Here::with_tasks();
    let server = Server::start(&here, &[]);
    let (write, read) = (key(&here, "write"), key(&here, "read"));
    let at = |key: &str, args: &[&str]| {
        let mut command = here.command(args);
        let output = command
            .env("CHANCERY_SERVER", server.url())
            .env("CHANCERY_KEY", key)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, id, err) = at(
        &write,
        &["record", "create", "tasks", "title=Over HTTP", "priority=2"],
    );
    assert_eq!(code, 0, "{err}");
    let id = id.trim_end();
    assert_eq!(at(&read, &["query", "tasks", "priority=2", "--count"]).1, "1\n");
    let (code, _, err) = at(&read, &["record", "delete", "tasks", id]);
    assert!(code == 2 && err.contains("scope"), "{err}");
    let (code, _, err) = at("chy_nonsense", &["table", "list"]);
    assert!(code == 2 && err.contains("key"), "{err}");
    let (code, _, err) = at(&write, &["record", "create", "tasks", "priority=9"]);
    assert!(
        code == 1 && err.contains("\n  title") && err.contains("\n  priority"),
        "{err}"
    );
    let (code, _, err) = at(&write, &["query", "taks"]);
    assert!(code == 2 && err.contains("did you mean \"tasks\"?"), "{err}");
}

#[test]
fn every_command_works_on_a_server_as_it_does_on_a_database() {
    let here = Here::new();
    let server = Server::start(&here, &[]);
    let admin = key(&here, "admin");
    let on = ["--server", server.url(), "--key", &admin];
    let done = |args: &[&str]| here.done(&[args, &on].concat());
    assert_eq!(
        done(&[
            "table",
            "create",
            "Places",
            "-c",
            "name:text:required",
            "-c",
            "code:text",
            "-c",
            "height:number"
        ]),
        "places\n"
    );
    here.write("places.csv", "name,code,height\nMoor,00501,12.5\nHill,01067,7\n");
    assert_eq!(done(&["import", "places.csv", "places"]), "2 rows: 2 created\n");
    here.write("bad.csv", "name,height\nA,1\nB,x\n,3\n");
    let ran = here.run(&[&["import", "bad.csv", "places", "--continue-on-error"][..], &on].concat());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (1, "3 rows: 1 created, 2 refused\n"),
        "{ran:?}"
    );
    assert!(
        ran.err.contains("line 3  height") && ran.err.contains("line 4  name"),
        "{}",
        ran.err
    );
    assert!(here.read("bad.csv.errors.csv").contains('x'));
    let csv = done(&["export", "places", "name in Moor,Hill"]);
    assert!(csv.contains("00501"), "{csv}");
    let alike = done(&[
        "export",
        "places",
        "--columns",
        "name",
        "--search",
        "morr",
        "--fuzzy",
    ]);
    assert!(alike.ends_with("\nMoor\r\n"), "{alike}");
    done(&["import", "places.csv", "copy", "--create"]);
    assert_eq!(done(&["query", "copy", "--count"]), "2\n");
    done(&["export", "places", "-o", "places.json"]);
    done(&["table", "drop", "places", "--yes"]);
    done(&["import", "places.json"]);
    assert_eq!(
        done(&[
            "query",
            "places",
            "code=00501",
            "--columns",
            "name",
            "--format",
            "csv"
        ]),
        "name\r\nMoor\r\n"
    );
    assert_eq!(
        done(&[
            "export",
            "places",
            "--format",
            "ndjson",
            "--columns",
            "name",
            "height=7"
        ]),
        "{\"name\":\"Hill\"}\n"
    );
    let listed = done(&["table", "list"]);
    assert!(listed.contains("places") && listed.contains("copy"), "{listed}");
    assert_eq!(done(&["table", "columns", "add", "copy", "seen:date"]), "seen\n");
    let keys = here.json(&[&["key", "list"][..], &on].concat());
    let id = keys[0]["id"].as_str().unwrap().to_owned();
    done(&["key", "revoke", &id]);
    let ended = here.run(&[&["table", "list"][..], &on].concat());
    assert_eq!(ended.code, 2, "{ended:?}");
}

#[test]
fn users_are_made_with_a_password_from_stdin() {
    let here = Here::new();
    let create = |email: &str, role: &str, password: &str| {
        here.run_with(
            password,
            &[
                "user", "create", "--email", email, "--name", "Somebody", "--role", role,
            ],
        )
    };
    assert_eq!(
        create("a@example.org", "editor", "long enough\n").code,
        2,
        "the first one is an owner"
    );
    assert_eq!(create("a@example.org", "owner", "short\n").code, 1);
    assert_eq!(create("a@example.org", "owner", "long enough\n").code, 0);
    assert_eq!(create("b@example.org", "viewer", "long enough\n").code, 0);
    assert_eq!(create("B@example.org", "viewer", "long enough\n").code, 1);
    let users = here.json(&["user", "list"]);
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert!(!users.to_string().contains("long enough"));
}

#[test]
fn the_demo_fills_an_empty_workspace_once() {
    let here = Here::new();
    let server = Server::start(&here, &["--demo"]);
    server.interrupt();
    let tables = here.json(&["table", "list"]);
    assert!(tables.as_array().unwrap().len() >= 4, "{tables}");
    let orders = here.done(&["query", "orders", "--count"]);
    Server::start(&here, &["--demo"]).interrupt();
    assert_eq!(here.done(&["query", "orders", "--count"]), orders);
    assert!(here.read("server.log").contains("has tables already"));
}

#[test]
fn an_address_in_use_is_named() {
    let here = Here::new();
    let server = Server::start(&here, &[]);
    let address = server.url().trim_start_matches("http://").to_owned();
    let ran = here.run(&["serve", "--data", "other", "--listen", &address]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains(&address), "{}", ran.err);
}

#[test]
fn a_key_that_ends_after_a_time_is_made_over_a_server_too() {
    let here = Here::new();
    let server = Server::start(&here, &[]);
    let admin = key(&here, "admin");
    let made = here.json(&[
        "key",
        "create",
        "--name",
        "short",
        "--scope",
        "read",
        "--expires",
        "90d",
        "--server",
        server.url(),
        "--key",
        &admin,
    ]);
    assert!(made["expiresAt"].is_string(), "{made}");
}
