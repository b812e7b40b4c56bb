//! Moving, backing up, restoring and examining databases, as an operator does it.

use crate::harness::{Here, Server, files};

/// A few tasks, one of them in the trash.
fn with_some() -> Here {
    let here = Here::with_tasks();
    for n in 1..=5 {
        here.done(&[
            "record",
            "create",
            "tasks",
            &format!("title=Task {n}"),
            "priority=3",
            "code=007",
        ]);
    }
    let all = here.json(&["query", "tasks"]);
    let first = all[0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{all}"))
        .to_owned();
    here.done(&["record", "delete", "tasks", &first]);
    here
}

#[test]
fn a_database_moves_and_what_is_in_the_way_stays() {
    let here = with_some();
    let from = "sqlite:chancery-data/chancery.db";
    let report = here.json(&["move", "--from", from, "--to", "sqlite:moved.db"]);
    assert_eq!(report["carried"]["records"], 5);
    assert_eq!(report["differenceCount"], 0);
    let moved = here.json(&["query", "tasks", "--database", "sqlite:moved.db"]);
    assert_eq!(moved, here.json(&["query", "tasks"]));
    let again = here.run(&["move", "--from", from, "--to", "sqlite:moved.db"]);
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("moved.db is not empty"), "{}", again.err);
    let same = here.run(&["move", "--from", from, "--to", from]);
    assert!(same.err.contains("the same database"), "{}", same.err);
    let nowhere = here.run(&["move", "--from", "sqlite:none.db", "--to", "sqlite:x.db"]);
    assert!(nowhere.err.contains("no database at none.db"), "{}", nowhere.err);
    assert!(!here.path("none.db").exists());
}

#[test]
fn a_backup_is_a_database_that_restore_puts_back() {
    let here = with_some();
    let report = here.json(&["backup", "today.db"]);
    assert_eq!(report["carried"]["records"], 5);
    let sum = report["sha256"].as_str().unwrap();
    assert_eq!(sum.len(), 64);
    // Nothing stands beside a finished backup.
    let beside: Vec<String> = files(&here.path("."))
        .into_iter()
        .filter(|name| name.starts_with("today.db"))
        .collect();
    assert_eq!(beside, ["today.db"]);
    let refused = here.run(&["backup", "today.db"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let before = here.json(&["query", "tasks"]);
    here.done(&["record", "create", "tasks", "title=Later"]);

    let refused = here.run(&["restore", "today.db"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(here.done(&["query", "tasks", "--count"]), "5\n");
    let restored = here.json(&["restore", "today.db", "--force"]);
    assert_eq!(restored["sha256"], sum, "the backup stays as it is");
    let names = files(&here.path("."));
    assert!(
        !names.iter().any(|name| name.starts_with("today.db-")),
        "{names:?}"
    );
    let kept = restored["kept"].as_str().unwrap();
    assert_eq!(here.json(&["query", "tasks"]), before);
    let aside = format!("sqlite:{kept}");
    assert_eq!(
        here.done(&["query", "tasks", "--count", "--database", &aside]),
        "5\n"
    );
    here.done(&["restore", "today.db", "--data", "elsewhere"]);
    assert_eq!(
        here.done(&["query", "tasks", "--count", "--data", "elsewhere"]),
        "4\n"
    );
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_is_touched() {
    let here = with_some();
    here.done(&["backup", "today.db"]);
    let mut bytes = std::fs::read(here.path("today.db")).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xa5);
    here.write("today.db", &bytes);
    let refused = here.run(&["restore", "today.db", "--force"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.err.contains("damaged"), "{}", refused.err);
    assert_eq!(here.done(&["query", "tasks", "--count"]), "4\n");
    here.write("other.db", "no database at all");
    let refused = here.run(&["restore", "other.db", "--data", "new"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(!here.path("new/chancery.db").exists());
}

#[test]
fn a_running_server_gives_a_backup_to_an_administrator() {
    let here = with_some();
    let key = |scope: &str| {
        let made = here.json(&["key", "create", "--name", scope, "--scope", scope]);
        made["key"].as_str().unwrap().to_owned()
    };
    let (admin, reader) = (key("admin"), key("read"));
    let server = Server::start(&here, &[]);
    let local = here.run(&["backup", "local.db"]);
    assert_eq!(local.code, 2, "{local:?}");
    let refused = here.run(&["backup", "no.db", "--server", server.url(), "--key", &reader]);
    assert!(refused.err.contains("admin"), "{refused:?}");
    assert!(!here.path("no.db").exists());
    let args = ["backup", "live.db", "--server", server.url(), "--key", &admin];
    let report = here.json(&args);
    // Five of the table, and two of the vault: that it was opened, and where its audit is.
    assert_eq!(report["carried"]["records"], 7);
    drop(server);
    let live = here.json(&["query", "tasks", "--database", "sqlite:live.db"]);
    assert_eq!(live, here.json(&["query", "tasks"]));
}

#[test]
fn the_doctor_finds_a_sound_database_healthy() {
    let here = with_some();
    let out = here.done(&["doctor"]);
    assert!(out.contains("tasks") && out.ends_with("healthy\n"), "{out}");
    let diagnosis = here.json(&["doctor"]);
    assert_eq!(diagnosis["findingCount"], 0);
    assert_eq!(diagnosis["tables"][0]["trash"], 1);
    // A page that was overwritten is found, and said to be damage.
    let path = here.path("chancery-data/chancery.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let ran = here.run(&["doctor"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(format!("{}{}", ran.out, ran.err).contains("damage"), "{ran:?}");
}
