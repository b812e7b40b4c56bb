//! The root key of the vault: made once, never replaced; and what a server does without it.

use crate::harness::{Here, Server, files};

fn status(here: &Here, args: &[&str]) -> serde_json::Value {
    here.json(&[&["vault", "status"], args].concat())
}

#[test]
fn a_server_makes_the_key_once_and_says_where_it_is() {
    let here = Here::new();
    drop(Server::start(&here, &[]));
    let log = here.read("server.log");
    assert!(log.contains("vault.key") && log.contains("back it up"), "{log}");
    let folder = here.path("chancery-data");
    assert!(files(&folder).contains(&"vault.key".to_owned()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.join("vault.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let first = here.read("chancery-data/vault.key");
    drop(Server::start(&here, &[]));
    assert!(
        !here.read("server.log").contains("vault"),
        "{}",
        here.read("server.log")
    );
    assert_eq!(here.read("chancery-data/vault.key"), first);
    assert_eq!(status(&here, &[])["sealed"], false);
}

#[test]
fn without_its_key_or_with_another_a_vault_stays_sealed_and_no_key_is_made() {
    let here = Here::new();
    assert_eq!(here.run_with("v", &["vault", "create"]).code, 0);
    let name = status(&here, &[])["roots"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let (key, kept) = (here.path("chancery-data/vault.key"), here.path("kept.key"));
    std::fs::rename(&key, &kept).unwrap();
    let server = Server::start(&here, &[]);
    assert!(server.url().starts_with("http://"));
    drop(server);
    let log = here.read("server.log");
    assert!(log.contains("stays sealed") && log.contains(&name), "{log}");
    assert!(!key.exists(), "a key was made for a vault that has one");

    let other = here.run_with("w", &["vault", "create", "--data", "other"]);
    assert_eq!(other.code, 0, "{other:?}");
    drop(Server::start(&here, &["--vault-key-file", "other/vault.key"]));
    let log = here.read("server.log");
    assert!(log.contains("stays sealed") && log.contains(&name), "{log}");
    let refused = here.run_with("v", &["vault", "create"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains(&name), "{}", refused.err);
    assert_eq!(
        here.json(&["vault", "list"]).as_array().unwrap().len(),
        1,
        "a list needs no key"
    );

    assert_eq!(status(&here, &["--vault-key-file", "kept.key"])["sealed"], false);
}

#[test]
fn a_key_comes_from_the_environment_or_a_passphrase() {
    let here = Here::new();
    let key = "1f".repeat(32);
    let status = |args: &[&str], key: Option<&str>| -> serde_json::Value {
        let mut command = here.command(&[&["vault", "status", "--json"], args].concat());
        if let Some(key) = key {
            command.env("CHANCERY_VAULT_KEY", key);
        }
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let made = here
        .command(&["vault", "wrap", "--file", "/dev/null"])
        .env("CHANCERY_VAULT_KEY", &key)
        .output();
    assert!(made.unwrap().status.success());
    assert!(!here.path("chancery-data/vault.key").exists());
    assert_eq!(status(&[], Some(&key))["sealed"], false);
    assert_eq!(status(&[], Some(&"2e".repeat(32)))["sealed"], true);
    let wrong = here
        .command(&["vault", "status"])
        .env("CHANCERY_VAULT_KEY", "canary-4711")
        .output()
        .unwrap();
    assert!(
        !String::from_utf8_lossy(&wrong.stderr).contains("canary-4711"),
        "{wrong:?}"
    );

    here.write("passphrase", "correct horse battery staple\n");
    let add = ["vault", "key", "add-root", "--new-passphrase-file", "passphrase"];
    assert!(
        here.command(&add)
            .env("CHANCERY_VAULT_KEY", &key)
            .status()
            .unwrap()
            .success()
    );
    let with = ["--vault-passphrase-file", "passphrase"];
    let opened = status(&with, None);
    assert_eq!(
        (&opened["sealed"], opened["roots"].as_array().unwrap().len()),
        (&false.into(), 2)
    );
    let old = opened["roots"][0]["fingerprint"].as_str().unwrap();
    here.done(&[&["vault", "key", "remove-root", old][..], &with].concat());
    assert_eq!(status(&[], Some(&key))["sealed"], true);
    assert_eq!(status(&with, None)["roots"][0]["opens"], false);
}

#[test]
fn a_look_at_a_store_without_a_vault_makes_none() {
    let here = Here::with_tasks();
    let ran = here.run(&["vault", "list"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("vault create"), "{}", ran.err);
    assert!(!here.path("chancery-data/vault.key").exists());
    let read = here.run_with("tk_nobody", &["vault", "read"]);
    assert_eq!(read.code, 2, "{read:?}");
}
