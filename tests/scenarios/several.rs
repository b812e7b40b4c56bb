//! Several processes on one PostgreSQL: what one writes the others see, once and in order. Backends that one process has
//! to itself are not tested here.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::process::{Command, Stdio};
use std::time::Duration;

use chancery::access::{AccessError, BELIEVE_MS, Role, UserInput};
use chancery::credentials::Secret;
use chancery::{ChangeKind, ColumnInput, Error, TableInput, WorkspaceInput, json};
use chancery_scenarios::several::{CHANGES, PROCESSES, READERS, see};
use chancery_scenarios::{on_postgres, twice_on_postgres};

#[test]
fn two_processes_64_writers_and_100_readers_agree_on_the_log() {
    on_postgres(|store, url| async move {
        let input = TableInput::new("Events").column(ColumnInput::new("writer", "text"));
        store.create_table(input).await.expect("defined");
        let children: Vec<_> = (0..PROCESSES)
            .map(|number| {
                Command::new(env!("CARGO_BIN_EXE_chancery-one-of-several"))
                    .args([number.to_string(), url.clone()])
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("a process starts")
            })
            .collect();
        let mut acknowledged = BTreeSet::new();
        let mut digests = Vec::new();
        for child in children {
            let output = tokio::task::spawn_blocking(|| child.wait_with_output())
                .await
                .expect("waited")
                .expect("it ends");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "a process failed: {text}");
            for line in text.lines() {
                match line.split_once(' ') {
                    Some(("acknowledged", key)) => assert!(acknowledged.insert(key.to_owned())),
                    Some(("digest", digest)) => digests.push(digest.to_owned()),
                    _ => {}
                }
            }
        }
        assert_eq!(acknowledged.len(), CHANGES / 2);
        assert_eq!(digests.len(), PROCESSES * READERS);
        let log = store.changes(0, CHANGES + 1).await.expect("read");
        assert_eq!(log.len(), CHANGES, "none missing and none twice");
        let mut digest = DefaultHasher::new();
        let mut inserted = BTreeSet::new();
        let mut revision = 0;
        for (change, number) in log.iter().zip(1..) {
            assert_eq!(change.number, number);
            assert!(change.revision >= revision, "revisions follow the log");
            revision = change.revision;
            let key = change.key.as_ref().expect("a key").to_string();
            see(change, &mut digest);
            if change.kind == ChangeKind::Inserted {
                inserted.insert(key);
            }
        }
        assert_eq!(inserted, acknowledged);
        let digest = format!("{:x}", digest.finish());
        assert!(
            digests.iter().all(|seen| *seen == digest),
            "every reader has seen the same"
        );
    });
}

#[test]
fn a_definition_made_by_one_is_known_to_the_other() {
    twice_on_postgres(|one, other| async move {
        let input = TableInput::new("Tasks").column(ColumnInput::new("title", "text"));
        let tasks = one.create_table(input.clone()).await.expect("defined");
        other.refresh().await.expect("asked");
        let seen = other.table("tasks").expect("known");
        let made = tasks.insert(json!({"title": "mine"})).await.expect("inserted");
        assert!(seen.get(made.key()).await.expect("read").is_some());

        // Soon also without asking, and while somebody works with the old definition.
        tasks
            .add_column(ColumnInput::new("done", "boolean"))
            .await
            .expect("added");
        let kept = seen
            .insert(json!({"title": "theirs", "done": true}))
            .await
            .expect("inserted by the new definition");
        let kept = tasks.get(kept.key()).await.expect("read").expect("there");
        assert_eq!(kept.data()["done"], true);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        tasks.delete_table().await.expect("dropped");
        while other.table("tasks").is_ok() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "the other still has the table"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        // Two that want one name at once: one gets it.
        let (a, b) = tokio::join!(one.create_table(input.clone()), other.create_table(input));
        let refused = match (a, b) {
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
            (Ok(_), Ok(_)) => panic!("both got the name"),
            (Err(a), Err(b)) => panic!("nobody got the name: {a}; {b}"),
        };
        assert!(matches!(refused, Error::Taken { what: "table", .. }), "{refused}");
        let workspace = || WorkspaceInput {
            name: "Team".into(),
            ..Default::default()
        };
        let (a, b) = tokio::join!(
            one.create_workspace(workspace()),
            other.create_workspace(workspace())
        );
        let refused = a
            .err()
            .xor(b.err())
            .expect("one gets the name and the other does not");
        assert!(
            matches!(
                refused,
                Error::Taken {
                    what: "workspace",
                    ..
                }
            ),
            "{refused}"
        );
    });
}

#[test]
fn sessions_and_failed_attempts_of_one_are_known_to_the_other() {
    twice_on_postgres(|one, other| async move {
        let password = || Secret::new("correct horse");
        let input = UserInput {
            email: "ada@example.org".into(),
            name: "Ada".into(),
            role: Role::Owner,
            grants: Vec::new(),
            password: password(),
        };
        one.access().create_first(input).await.expect("made");
        assert!(!other.access().needs_setup().await.expect("asked"));

        let signed = one.access().sign_in("ada@example.org", password()).await;
        let token = signed.expect("signed in").token;
        let session = |store: &chancery::Store| {
            let store = store.clone();
            let token = token.expose().to_owned();
            async move { store.access().session(&token).await.expect("asked") }
        };
        assert!(session(&other).await.is_some());
        one.access().sign_out(token.expose()).await.expect("signed out");
        // What was believed a moment ago is believed that long, not longer.
        tokio::time::sleep(Duration::from_millis(BELIEVE_MS)).await;
        assert!(session(&other).await.is_none());

        // However many try at once at both, five are let try, and another after each wait that a slow machine sits out.
        let attempts = (0..20).map(|number| {
            let store = if number % 2 == 0 {
                one.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { store.access().attempt("ada", None).await.map(drop) })
        });
        let mut begun = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.expect("asked") {
                Ok(()) => begun += 1,
                Err(AccessError::TooMany { seconds }) => assert!(seconds >= 1),
                Err(error) => panic!("{error}"),
            }
        }
        assert!((5..=7).contains(&begun), "{begun}");
        let other_name = other.access().attempt("bob", None).await.expect("begun");
        other_name.succeeded().await.expect("taken back");
    });
}
