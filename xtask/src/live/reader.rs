//! Whoever subscribes: applies what is pushed, checks its order, and compares the end with a fresh read. Writes nothing.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long nothing comes before a reader takes it that the writing is over.
const QUIET: Duration = Duration::from_secs(3);
/// The longest that an answer may take.
const LONGEST: Duration = Duration::from_secs(30);

/// One socket with several subscriptions.
pub(crate) struct Reader {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    subscriptions: HashMap<u64, Subscription>,
    id: u64,
    pushes: usize,
}

struct Subscription {
    query: Value,
    revision: u64,
    has: Value,
}

impl Reader {
    /// Connects and subscribes.
    pub(crate) async fn open(url: &str, key: &str, queries: Vec<Value>) -> Result<Self> {
        let subscribe = |query: &Value| json!({"type": "subscribe", "query": query});
        Self::connect(url, key, queries, subscribe).await
    }

    /// One that is going to read nothing, and asks for the whole result each time, so that a queue without a bound would show.
    pub(crate) async fn deaf(url: &str, key: &str, query: Value) -> Result<Self> {
        let subscribe = |query: &Value| json!({"type": "subscribe", "query": query, "snapshots": true});
        Self::connect(url, key, vec![query], subscribe).await
    }

    async fn connect(
        url: &str,
        key: &str,
        queries: Vec<Value>,
        subscribe: impl Fn(&Value) -> Value,
    ) -> Result<Self> {
        let url = format!("{}/api/live", url.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {key}").parse()?);
        let (socket, _) = connect_async(request).await?;
        let mut reader = Self {
            socket,
            subscriptions: HashMap::new(),
            id: 0,
            pushes: 0,
        };
        for query in queries {
            let answer = reader.ask(subscribe(&query)).await?;
            let number = answer["subscription"].as_u64().context("no subscription")?;
            let subscription = Subscription {
                query,
                revision: answer["revision"].as_u64().context("no revision")?,
                has: answer["result"].clone(),
            };
            reader.subscriptions.insert(number, subscription);
        }
        Ok(reader)
    }

    /// Applies pushes until no more come.
    pub(crate) async fn follow(mut self) -> Result<Self> {
        while let Ok(frame) = tokio::time::timeout(QUIET, self.socket.next()).await {
            let frame = frame.context("the socket has ended")??;
            self.hear(frame)?;
        }
        Ok(self)
    }

    /// Compares every result with a fresh read; answers how many pushes came.
    pub(crate) async fn check(mut self) -> Result<usize> {
        self.ask(json!({"type": "barrier"})).await?;
        let queries: Vec<(u64, Value)> = self
            .subscriptions
            .iter()
            .map(|(number, subscription)| (*number, subscription.query.clone()))
            .collect();
        for (number, query) in queries {
            let fresh = self.ask(json!({"type": "run", "query": query})).await?;
            let has = &self.subscriptions[&number].has;
            if *has != fresh["result"] {
                bail!(
                    "{query}: pushes made\n{has}\nand a fresh read gives\n{}",
                    fresh["result"]
                );
            }
        }
        Ok(self.pushes)
    }

    async fn ask(&mut self, mut frame: Value) -> Result<Value> {
        self.id += 1;
        frame["id"] = json!(self.id);
        self.socket.send(Message::text(frame.to_string())).await?;
        loop {
            let answer = tokio::time::timeout(LONGEST, self.socket.next())
                .await
                .context("no answer came")?
                .context("the socket has ended")??;
            let Some(answer) = self.hear(answer)? else {
                continue;
            };
            if answer["id"] != json!(self.id) {
                continue;
            }
            if answer["type"] != "result" {
                bail!("{frame} was refused: {answer}");
            }
            return Ok(answer);
        }
    }

    /// Takes a frame; gives back what is no push.
    fn hear(&mut self, frame: Message) -> Result<Option<Value>> {
        let Message::Text(text) = frame else {
            return Ok(None);
        };
        let frame: Value = serde_json::from_str(&text)?;
        if frame["type"] != "push" {
            return Ok(Some(frame));
        }
        let number = frame["subscription"].as_u64().context("a push of nothing")?;
        let subscription = self
            .subscriptions
            .get_mut(&number)
            .context("a push of a stranger")?;
        self.pushes += 1;
        subscription.apply(&frame)?;
        Ok(None)
    }
}

impl Subscription {
    fn apply(&mut self, push: &Value) -> Result<()> {
        let revision = push["revision"].as_u64().context("a push without a revision")?;
        if revision <= self.revision {
            bail!(
                "{}: a push of revision {revision} after {}",
                self.query,
                self.revision
            );
        }
        self.revision = revision;
        if let Some(snapshot) = push.get("snapshot") {
            self.has = snapshot.clone();
            return Ok(());
        }
        let list = self.has.as_array_mut().context("changes of what is no list")?;
        for change in push["changes"].as_array().context("a push without news")? {
            list.retain(|record| record["id"] != change["key"]);
            if change["op"] == "put" {
                let at = list.iter().position(|record| record["id"] == change["before"]);
                list.insert(at.unwrap_or(list.len()), change["record"].clone());
            }
        }
        Ok(())
    }
}
