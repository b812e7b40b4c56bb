//! A Redis server of a test's own, to be ended, stopped and filled with nonsense.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chancery_storage::RedisUrl;

/// Names the program; without it, it is looked for in the path.
const VARIABLE: &str = "CHANCERY_TEST_REDIS_SERVER";

/// A server that keeps nothing.
pub(crate) struct Server {
    port: u16,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start() -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut server = Server {
            port,
            child: None,
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        server.again();
        server
    }

    /// Starts it again, empty.
    pub(crate) fn again(&mut self) {
        let program = std::env::var_os(VARIABLE).unwrap_or_else(|| "redis-server".into());
        let child = Command::new(&program)
            .arg("--dir")
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!("this test needs a Redis server ({program:?}: {error}): run `cargo xtask test`, which installs one")
        }));
        for _ in 0..500 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("Redis does not start");
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is ended");
            child.wait().expect("it has ended");
        }
    }

    /// Makes it stand still without going away.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Its URL.
    pub(crate) fn url(&self) -> RedisUrl {
        format!("redis://127.0.0.1:{}/", self.port)
            .parse()
            .expect("a URL")
    }

    /// The URL under which it would be asked for TLS, which it does not speak.
    pub(crate) fn url_with_tls(&self) -> RedisUrl {
        format!("rediss://127.0.0.1:{}/", self.port)
            .parse()
            .expect("a URL")
    }

    /// A connection past every store.
    pub(crate) async fn client(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).expect("a URL");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("it answers")
    }

    /// The names of everything it holds.
    pub(crate) async fn names(&self) -> Vec<Vec<u8>> {
        let mut all = redis::cmd("KEYS");
        all.arg("*")
            .query_async(&mut self.client().await)
            .await
            .expect("names")
    }

    /// Waits until it holds as many answers.
    pub(crate) async fn holds(&self, answers: usize) {
        for _ in 0..500 {
            if self.names().await.len() >= answers {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!(
            "it holds {} answers after 5 s, not {answers}",
            self.names().await.len()
        );
    }

    /// Puts something else in the place of everything it holds.
    pub(crate) async fn replace(&self, with: impl Fn(&[u8]) -> Vec<u8>) {
        let mut client = self.client().await;
        for name in self.names().await {
            let old: Vec<u8> = redis::cmd("GET")
                .arg(&name)
                .query_async(&mut client)
                .await
                .expect("a value");
            let mut set = redis::cmd("SET");
            set.arg(&name).arg(with(&old));
            set.query_async::<()>(&mut client).await.expect("it is replaced");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
