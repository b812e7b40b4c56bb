//! A connection that breaks while a commit is on its way: the commit is done once or not at all, and whoever waits for it
//! is told which as soon as the server can be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chancery_model::Key;
use chancery_storage::StorageError;
use chancery_storage::postgres::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::throwaway::Throwaway;
use crate::{commit, create, note, notes, open, with};

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// Before the commit reaches the server.
    Before,
    /// After it did, before its answer comes back.
    After,
}

/// Something between a store and its server.
struct Between {
    address: String,
    switches: Arc<Switches>,
}

/// What it does.
#[derive(Default)]
struct Switches {
    /// Whether the next commit is cut.
    armed: AtomicBool,
    /// Whether nobody is let through any more once a connection was cut.
    closes: AtomicBool,
    /// Whether nobody is let through.
    closed: AtomicBool,
}

impl Between {
    async fn start(server: String, cut: Cut) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let switches: Arc<Switches> = Arc::default();
        let between = Between {
            address,
            switches: switches.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if switches.closed.load(Ordering::SeqCst) {
                    continue;
                }
                let server = TcpStream::connect(&server).await.expect("the server is there");
                let switches = switches.clone();
                tokio::spawn(async move { carry(client, server, cut, &switches).await });
            }
        });
        between
    }
}

/// Carries bytes both ways until one side ends or the connection is cut.
async fn carry(mut client: TcpStream, mut server: TcpStream, cut: Cut, switches: &Switches) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(length) if length > 0 => {
                    let commits = up[..length].windows(6).any(|window| window == b"COMMIT");
                    if commits && switches.armed.swap(false, Ordering::SeqCst) {
                        let closes = switches.closes.load(Ordering::SeqCst);
                        switches.closed.store(closes, Ordering::SeqCst);
                        if cut == Cut::After {
                            let _ = server.write_all(&up[..length]).await;
                        }
                        drop(client);
                        // The server's answer goes nowhere; it learns that nobody is there only then.
                        tokio::time::sleep(Duration::from_millis(300)).await;
                        return;
                    }
                    if server.write_all(&up[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(length) if length > 0 => {
                    if client.write_all(&down[..length]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// The server's address in a URL, and the URL with another one.
fn detour(url: &str, through: impl Fn(&str) -> String) -> String {
    let (start, rest) = url.split_once('@').expect("a user");
    let (server, end) = rest.split_once('/').expect("a database");
    format!("{start}@{}/{end}", through(server))
}

fn server_of(url: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a user");
    rest.split('/').next().expect("a server").to_owned()
}

async fn is_done_once(cut: Cut) {
    let database = Throwaway::create().await;
    let between = Between::start(server_of(&database.url), cut).await;
    let store = open(&detour(&database.url, |_| between.address.clone()))
        .await
        .expect("it opens");
    let table = notes();
    commit(&store, vec![create(&table)]).await.expect("a table");
    for key in 1..4 {
        between.switches.armed.store(true, Ordering::SeqCst);
        let committed = commit(&store, vec![note(&table, key)])
            .await
            .expect("it is done in the end");
        assert!(
            !between.switches.armed.load(Ordering::SeqCst),
            "the connection was cut"
        );
        assert_eq!(committed.revision, key as u64 + 1, "{cut:?}");
    }
    assert_eq!(
        store.changes(0, 9).await.expect("the log").len(),
        3,
        "each was done once"
    );
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_done_again() {
    is_done_once(Cut::Before).await;
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_done_twice() {
    is_done_once(Cut::After).await;
}

#[tokio::test]
async fn while_the_server_cannot_be_asked_it_is_not_known_and_afterwards_it_is() {
    for (cut, happened) in [(Cut::Before, false), (Cut::After, true)] {
        let database = Throwaway::create().await;
        let between = Between::start(server_of(&database.url), cut).await;
        let url = detour(&database.url, |_| between.address.clone());
        let store = open(&with(&url, "outcome_timeout_ms=400&connect_timeout_ms=200"))
            .await
            .expect("it opens");
        let table = notes();
        commit(&store, vec![create(&table)]).await.expect("a table");
        between.switches.closes.store(true, Ordering::SeqCst);
        between.switches.armed.store(true, Ordering::SeqCst);
        let error = commit(&store, vec![note(&table, 1)])
            .await
            .expect_err("nobody can be asked");
        let StorageError::Unsure { commit: id, .. } = &error else {
            panic!("{error:?}");
        };
        let direct = Postgres::open(&database.url, Default::default())
            .await
            .expect("another way in");
        let revision = direct.outcome(id).await.expect("an answer");
        assert_eq!(revision.is_some(), happened, "{cut:?}");
        let direct: Arc<dyn chancery_storage::Backend> = Arc::new(direct);
        let found = direct.get(&table, &Key::Int(1)).await.expect("a read");
        assert_eq!(found.is_some(), happened, "{cut:?}");
        direct.close().await.expect("it closes");
        store.close().await.expect("it closes");
        database.remove().await;
    }
}
