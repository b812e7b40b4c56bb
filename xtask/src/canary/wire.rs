//! One caller of the server, who writes down every answer that was not asked to tell a secret.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use super::Birds;

const PATIENCE: Duration = Duration::from_secs(60);

/// What an answer may tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// No secret: it is written down and looked through.
    Nothing,
    /// What was asked for, or what the sender has put where no secret belongs.
    Asked,
}

pub(crate) struct Caller {
    agent: Agent,
    base: String,
    key: String,
    answers: PathBuf,
    count: usize,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn text(&self, member: &str) -> Result<String> {
        let json = self.json();
        let text = json[member].as_str();
        Ok(text
            .with_context(|| format!("an answer of status {} without {member}", self.status))?
            .to_owned())
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .allow_non_standard_methods(true)
        .build()
        .into()
}

impl Caller {
    pub(crate) fn new(base: &str, key: &str, answers: &Path) -> Caller {
        Caller {
            agent: agent(),
            base: base.to_owned(),
            key: key.to_owned(),
            answers: answers.to_owned(),
            count: 0,
        }
    }

    /// The same with another key.
    pub(crate) fn with_key(&self, key: &str) -> Caller {
        let answers = self.answers.join(format!("with-another-key-{}", self.count));
        let _ = std::fs::create_dir_all(&answers);
        Caller::new(&self.base, key, &answers)
    }

    /// Sends bytes and answers whatever comes.
    pub(crate) fn bytes(&mut self, method: &str, path: &str, body: &[u8], tells: Tells) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(body)
            .context("a request")?;
        let mut response = self
            .agent
            .run(request)
            .map_err(|error| anyhow::anyhow!("{method} {path}: {error}"))?;
        let status = response.status().as_u16();
        let head = format!("{status} {:?}\n", response.headers());
        let body = response.body_mut().with_config().limit(1 << 28).read_to_vec()?;
        self.count += 1;
        if tells == Tells::Nothing {
            let file = self.answers.join(format!("{:03}-{status}", self.count));
            std::fs::write(file, [head.as_bytes(), &body].concat())?;
        }
        Ok(Answer { status, body })
    }

    /// Sends JSON and expects a status.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        status: u16,
        tells: Tells,
    ) -> Result<Answer> {
        let bytes = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let answer = self.bytes(method, path, &bytes, tells)?;
        if answer.status != status {
            // The path may hold a secret; what is told of an error must not.
            bail!(
                "{method} (call {}) was answered {} instead of {status}: {}",
                self.count,
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(answer)
    }
}

/// Follows all events from the first on into a file, until the connection ends.
pub(crate) fn follow(base: &str, key: &str, folder: &Path) -> Result<JoinHandle<()>> {
    let file = folder.join("stream");
    let request = Request::builder()
        .uri(format!("{base}/api/changes?since=0"))
        .header("authorization", format!("Bearer {key}"))
        .header("accept", "text/event-stream")
        .body(())?;
    Ok(std::thread::spawn(move || {
        let Ok(mut response) = agent().run(request) else {
            return;
        };
        let mut reader = response.body_mut().as_reader();
        let (mut all, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            all.extend_from_slice(&buffer[..read]);
            if std::fs::write(&file, &all).is_err() {
                return;
            }
        }
    }))
}

/// Puts away and reads without end, until the server is gone. Answers the tokens that were drawn.
pub(crate) fn keep_busy(base: &str, key: &str, birds: &Birds) -> JoinHandle<Vec<String>> {
    let (agent, url) = (agent(), format!("{base}/api/vault/tokens"));
    let (key, body) = (
        format!("Bearer {key}"),
        json!({"value": birds.value, "password": birds.password}),
    );
    std::thread::spawn(move || {
        let mut tokens = Vec::new();
        loop {
            let sent = agent.post(&url).header("authorization", &key).send_json(&body);
            let Ok(mut answer) = sent else { return tokens };
            let told: Option<Value> = answer.body_mut().read_json().ok();
            let token = told.as_ref().and_then(|told| told["token"].as_str());
            tokens.extend(token.map(str::to_owned));
        }
    })
}
