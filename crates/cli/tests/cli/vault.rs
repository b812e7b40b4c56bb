//! `chancery vault`: secrets put away, read and handed over, on a database and on a server; and that nothing of them is shown.

use serde_json::Value;

use crate::harness::{Here, Ran, Server};

const PASSWORD: &str = "correct horse battery";

/// Puts a value away and answers its token.
#[track_caller]
fn put(here: &Here, value: &str, args: &[&str]) -> String {
    let ran = here.run_with(value, &[&["vault", "create"], args].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out.trim_end().to_owned()
}

#[track_caller]
fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn a_value_comes_back_as_it_was_put_away() {
    let here = Here::new();
    let token = put(&here, "hunter2\n", &[]);
    assert!(token.starts_with("tk_"), "{token}");
    let read = here.run_with(&format!("{token}\n"), &["vault", "read", "-"]);
    assert_eq!((read.code, read.out.as_str()), (0, "hunter2"), "{read:?}");
    here.write("token", format!("{token}\nanything"));
    assert_eq!(here.done(&["vault", "read", "--token-file", "token"]), "hunter2");
    let read = here.json(&["vault", "read", "--token-file", "token"]);
    assert_eq!(read, serde_json::json!({"value": "hunter2", "version": 1}));

    // A file is taken as it is, whatever it holds.
    let bytes = [0xff, 0, b'\n', 10];
    let file = here.write("bytes", bytes);
    let token = put(&here, "", &["--file", file.to_str().unwrap()]);
    here.write("token", token);
    let output = here
        .command(&["vault", "read", "--token-file", "token"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, bytes);
}

#[test]
fn a_password_comes_from_stdin_or_a_file_and_a_wrong_one_is_refused() {
    let here = Here::new();
    let token = put(
        &here,
        &format!("{PASSWORD}\nthe value\nof two lines\n"),
        &["--password"],
    );
    here.write("token", &token);
    here.write("password", format!("{PASSWORD}\n"));
    let with = [
        "vault",
        "read",
        "--token-file",
        "token",
        "--password-file",
        "password",
    ];
    assert_eq!(here.done(&with), "the value\nof two lines");
    let read = here.run_with(
        &format!("{token}\n{PASSWORD}\n"),
        &["vault", "read", "--password"],
    );
    assert_eq!(read.out, "the value\nof two lines", "{read:?}");
    let wrong = here.run_with(
        &format!("{token}\nwrong horse\n"),
        &["vault", "read", "--password"],
    );
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""), "{wrong:?}");
    assert!(wrong.err.contains("invalid password"), "{}", wrong.err);
    let without = here.run(&["vault", "read", "--token-file", "token"]);
    assert_eq!(without.code, 1);
    assert!(without.err.contains("--password"), "{}", without.err);

    here.write("new", "another horse battery\n");
    let change = [
        "vault",
        "passwd",
        "--token-file",
        "token",
        "--password-file",
        "password",
    ];
    here.done(&[&change[..], &["--new-password-file", "new"]].concat());
    assert_eq!(here.run(&with).code, 1);
    let remove = [
        "vault",
        "passwd",
        "--token-file",
        "token",
        "--password-file",
        "new",
        "--remove",
    ];
    here.done(&remove);
    assert_eq!(
        here.done(&["vault", "read", "--token-file", "token"]),
        "the value\nof two lines"
    );
    let short = here.run_with("short\nvalue", &["vault", "create", "--password"]);
    assert_eq!(short.code, 1, "{short:?}");
    assert!(short.err.contains("fewer than"), "{}", short.err);
}

#[test]
fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let here = Here::new();
    let token = put(&here, "v", &[]);
    let ran = here.run(&["vault", "read", &token]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("stdin") && !ran.err.contains(&token),
        "{}",
        ran.err
    );
    let nothing = here.run(&["vault", "read"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
}

#[test]
fn secrets_are_listed_changed_and_deleted_by_token_and_by_id() {
    let here = Here::new();
    let one = put(&here, "one", &["--metadata", "app=shop", "--max-reads", "5"]);
    put(&here, "two", &["--metadata", "app=blog", "--expires", "90d"]);
    let list = here.json(&["vault", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let shop = here.json(&["vault", "list", "--metadata", "app=shop"]);
    let id = shop[0]["id"].as_str().unwrap();
    let text = here.done(&["vault", "list"]);
    assert!(
        text.contains(id) && text.contains("app=shop") && !text.contains(&one),
        "{text}"
    );
    assert_eq!(here.done(&["vault", "list", "--count"]), "2\n");
    assert_eq!(
        here.json(&["vault", "list", "--limit", "1", "--newest"])
            .as_array()
            .unwrap()
            .len(),
        1
    );

    here.write("token", &one);
    let updated = here.run_with(
        "one and a half",
        &["vault", "update", "--token-file", "token", "--json"],
    );
    assert_eq!(json(&updated), serde_json::json!({"version": 2}));
    assert_eq!(here.json(&["vault", "versions", id]).as_array().unwrap().len(), 2);
    here.done(&["vault", "roll-back", id, "1"]);
    assert_eq!(here.done(&["vault", "read", "--token-file", "token"]), "one");
    here.done(&["vault", "versions", id, "--destroy", "2"]);

    here.done(&["vault", "renew", "--expires", "1h", "--token-file", "token"]);
    let shown = here.done(&["vault", "renew", "--expires", "never", "--id", id]);
    assert!(shown.contains("never") && shown.contains("4 of 5"), "{shown}");
    here.done(&["vault", "delete", "--token-file", "token"]);
    assert_eq!(here.run(&["vault", "read", "--token-file", "token"]).code, 1);
    assert_eq!(here.json(&["vault", "list", "--state", "deleted"])[0]["id"], id);
    here.done(&["vault", "restore", "--id", id]);
    here.done(&["vault", "delete", "--id", id, "--permanent"]);
    let gone = here.run(&["vault", "show", id]);
    assert_eq!(gone.code, 1, "{gone:?}");
}

#[test]
fn what_is_wrapped_is_taken_once() {
    let here = Here::new();
    let wrapped = here.run_with("v\n", &["vault", "wrap", "--expires", "1h"]);
    here.write("token", &wrapped.out);
    let info = here.json(&["vault", "unwrap", "--info", "--token-file", "token"]);
    assert_eq!(info["status"], "live");
    assert_eq!(here.done(&["vault", "unwrap", "--token-file", "token"]), "v");
    let second = here.run(&["vault", "unwrap", "--token-file", "token"]);
    assert_eq!(second.code, 1);
    assert!(
        second.err.contains("already taken") && second.err.contains("replace it"),
        "{}",
        second.err
    );
    let token = put(&here, "w", &[]);
    here.write("token", token);
    let wrapped = here.done(&["vault", "wrap", "--secret", "--token-file", "token"]);
    let taken = here.run_with(&wrapped, &["vault", "unwrap", "--json"]);
    assert_eq!(json(&taken), serde_json::json!({"value": "w"}));
}

#[test]
fn the_audit_is_shown_and_verified() {
    let here = Here::new();
    let token = put(&here, "v", &[]);
    here.run_with(&token, &["vault", "read"]);
    let entries = here.json(&["vault", "audit"]);
    let said: Vec<&str> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["op"].as_str().unwrap())
        .collect();
    assert!(
        said.contains(&"create") && said.contains(&"read") && said.contains(&"open"),
        "{said:?}"
    );
    let report = here.done(&["vault", "verify"]);
    let head = report
        .lines()
        .find_map(|line| line.strip_prefix("head "))
        .unwrap();
    assert!(report.ends_with("sound\n"), "{report}");
    here.done(&["vault", "verify", "--head", head]);
    let number = head.split_once(':').unwrap().0;
    let other = format!("{number}:{}", "0".repeat(64));
    let ran = here.run(&["vault", "verify", "--head", &other]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("kept elsewhere"), "{}", ran.out);
}

#[test]
fn a_server_does_the_same_and_says_nothing_of_it() {
    let here = Here::new();
    let server = Server::start(&here, &[]);
    let key = |scope: &str| {
        let made = here.json(&["key", "create", "--name", scope, "--scope", scope]);
        made["key"].as_str().unwrap().to_owned()
    };
    let (admin, reader) = (key("admin"), key("read"));
    let at = |key: &str, input: &str, args: &[&str]| {
        let place = ["--server", server.url(), "--key", key];
        here.run_with(input, &[&["vault"], args, &place].concat())
    };
    let made = at(
        &admin,
        &format!("{PASSWORD}\ncanary-4711"),
        &["create", "--password", "--json"],
    );
    let (token, id) = (json(&made)["token"].clone(), json(&made)["id"].clone());
    let (token, id) = (token.as_str().unwrap(), id.as_str().unwrap());
    let read = at(&reader, &format!("{token}\n{PASSWORD}"), &["read", "--password"]);
    assert_eq!((read.code, read.out.as_str()), (0, "canary-4711"), "{read:?}");
    for input in [
        format!("{token}\nwrong horse battery"),
        "nobody\nwrong horse battery".to_owned(),
    ] {
        let denied = at(&reader, &input, &["read", "--password"]);
        assert_eq!(denied.code, 1, "{denied:?}");
        assert!(
            denied.err.contains("the token or the password is wrong"),
            "{}",
            denied.err
        );
    }
    let list = at(&admin, "", &["list", "--json"]);
    assert_eq!(json(&list)[0]["id"], id);
    assert_eq!(at(&reader, "", &["list"]).code, 2);
    for args in [
        &["show", id][..],
        &["versions", id],
        &["renew", "--id", id, "--expires", "1h"],
        &["audit"],
        &["verify"],
        &["status"],
        &["key", "new"],
        &["key", "list"],
        &["sweep"],
        &["delete", "--id", id],
        &["restore", "--id", id],
    ] {
        let ran = at(&admin, "", args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    }
    let updated = at(
        &admin,
        &format!("{token}\n{PASSWORD}\nnew"),
        &["update", "--password"],
    );
    assert_eq!(updated.code, 0, "{updated:?}");
    let roots = at(&admin, "", &["key", "add-root", "--new-key-file", "new.key"]);
    assert_eq!(roots.code, 2);
    assert!(roots.err.contains("where the database is"), "{}", roots.err);
    let log = here.read("server.log");
    for secret in [token, PASSWORD, "4711"] {
        assert!(!log.contains(secret), "{log}");
    }
}
