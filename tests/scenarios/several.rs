//! Several processes on one PostgreSQL: what one writes the others see, once and in order. Backends that one process has
//! to itself are not tested here.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::{Command, Stdio};
use std::time::Duration;

use chancery::{ChangeKind, ColumnInput, Error, Store, TableInput, WorkspaceInput, json};
use chancery_scenarios::{on_postgres, twice_on_postgres};

/// Tells a child what to do: the URL of the database and the child's number.
const CHILD: &str = "CHANCERY_TEST_CHILD";
const PROCESSES: usize = 2;
const WRITERS: usize = 32;
const READERS: usize = 50;
const WRITES_EACH: usize = 40;
/// Each writer updates every record it inserts.
const CHANGES: usize = PROCESSES * WRITERS * WRITES_EACH * 2;
/// How long a reader waits for the last change.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn two_processes_64_writers_and_100_readers_agree_on_the_log() {
    on_postgres(|store, url| async move {
        let input = TableInput::new("Events").column(ColumnInput::new("writer", "text"));
        store.create_table(input).await.expect("defined");
        let program = std::env::current_exe().expect("this test");
        let children: Vec<_> = (0..PROCESSES)
            .map(|number| {
                Command::new(&program)
                    .args([
                        "--exact",
                        "several::a_process_of_several",
                        "--ignored",
                        "--nocapture",
                    ])
                    .env(CHILD, format!("{number} {url}"))
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
            (change.number, &key).hash(&mut digest);
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

/// One of the processes: not a test by itself.
#[test]
#[ignore = "run by two_processes_64_writers_and_100_readers_agree_on_the_log"]
fn a_process_of_several() {
    let task = std::env::var(CHILD).expect("a task");
    let (number, url) = task.split_once(' ').expect("a number and a URL");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(url).await.expect("a store opens");
        let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(store.clone()))).collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(store.clone(), format!("{number}-{writer}"))))
            .collect();
        for writer in writers {
            for key in writer.await.expect("it writes") {
                println!("acknowledged {key}");
            }
        }
        for reader in readers {
            println!("digest {:x}", reader.await.expect("it reads"));
        }
        store.close().await.expect("closed");
    });
}

async fn write(store: Store, name: String) -> Vec<String> {
    let events = store.table("events").expect("found");
    let mut acknowledged = Vec::new();
    for _ in 0..WRITES_EACH {
        let made = events.insert(json!({"writer": name})).await.expect("inserted");
        let patch = json!({"writer": format!("{name} again")});
        events.update(made.key(), patch).await.expect("updated");
        acknowledged.push(made.key().to_string());
    }
    acknowledged
}

/// Follows the log to its end and answers a digest of everything seen.
async fn read(store: Store) -> u64 {
    let mut changes = store.follow(0);
    let mut digest = DefaultHasher::new();
    for number in 1..=CHANGES as u64 {
        let change = tokio::time::timeout(PATIENCE, changes.next()).await;
        let change = change
            .unwrap_or_else(|_| panic!("change {number} never came"))
            .expect("read");
        assert_eq!(
            change.number, number,
            "none missing, none twice, none out of order"
        );
        (change.number, change.key.expect("a key").to_string()).hash(&mut digest);
    }
    digest.finish()
}

#[test]
fn a_definition_made_by_one_is_known_to_the_other() {
    twice_on_postgres(|one, other| async move {
        let input = TableInput::new("Tasks").column(ColumnInput::new("title", "text"));
        let tasks = one.create_table(input.clone()).await.expect("defined");
        assert!(other.refresh().await.expect("asked"), "there is something new");
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
        tasks.drop_table().await.expect("dropped");
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
