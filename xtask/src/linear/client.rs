//! One caller over plain HTTP: what came back, or that the server went away. Judges nothing.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

/// Longer than any answer may take; a server that is killed answers at once by closing.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tables of a run.
pub(super) const TABLES: [&str; 5] = ["registers", "names", "tickets", "left", "right"];

/// An answer: its status and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// One caller with one connection.
pub(super) struct Client {
    agent: Agent,
    base: String,
    key: String,
}

impl Client {
    pub(super) fn new(base: &str, key: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self {
            agent,
            base: base.to_owned(),
            key: format!("Bearer {key}"),
        }
    }

    /// Makes the tables of the run.
    pub(super) fn create_tables(&self) -> Result<()> {
        for table in TABLES {
            let columns = json!([
                {"name": "name", "slug": "name", "fieldType": "text", "validation": {"unique": table == "names"}},
                {"name": "value", "slug": "value", "fieldType": "number"},
                {"name": "history", "slug": "history", "fieldType": "number", "indexed": true},
                {"name": "number", "slug": "number", "fieldType": "autoNumber"},
            ]);
            let body = json!({"name": table, "slug": table, "columns": columns});
            self.must("POST", "/api/tables", Some(&body), 201)?;
        }
        Ok(())
    }

    /// Makes a record and answers its id.
    pub(super) fn make(&self, table: &str, data: &Value) -> Result<String> {
        let path = format!("/api/tables/{table}/records");
        let made = self.must("POST", &path, Some(&json!({"data": data})), 201)?;
        let id = made["id"].as_str().context("a record without \"id\"")?;
        Ok(id.to_owned())
    }

    /// Every record of a history in a table.
    pub(super) fn of_history(&self, table: &str, history: u32) -> Result<Vec<Value>> {
        let body = json!({"filter": {"column": "history", "operator": "eq", "value": history},
            "pagination": {"type": "offset", "offset": 0, "limit": 1000}, "count": "none"});
        let found = self.must("POST", &format!("/api/tables/{table}/query"), Some(&body), 200)?;
        if found["pagination"]["hasMore"] == true {
            bail!("a history made more than 1,000 records in {table}");
        }
        found["records"]
            .as_array()
            .cloned()
            .context("a page without \"records\"")
    }

    /// A request that must be answered so.
    fn must(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Result<Value> {
        match self.send(method, path, body, None)? {
            Some(answer) if answer.status == status => Ok(answer.body),
            Some(answer) => bail!("{method} {path} answered {}: {}", answer.status, answer.body),
            None => bail!("the server went away at {method} {path}"),
        }
    }

    /// A request; none if the server went away before it answered.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        version: Option<u64>,
    ) -> Result<Option<Answer>> {
        let url = format!("{}{path}", self.base);
        let tag = version.map(|version| format!("\"{version}\""));
        let sent = match body {
            Some(body) => {
                let request = match method {
                    "PATCH" => self.agent.patch(url),
                    _ => self.agent.post(url),
                };
                let mut request = request.header("Authorization", &self.key);
                if let Some(tag) = tag {
                    request = request.header("If-Match", tag);
                }
                request.send_json(body)
            }
            None => {
                let request = match method {
                    "DELETE" => self.agent.delete(url),
                    _ => self.agent.get(url),
                };
                request.header("Authorization", &self.key).call()
            }
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return gone_or(error),
        };
        let status = response.status().as_u16();
        let text = match response.body_mut().with_config().limit(64 << 20).read_to_string() {
            Ok(text) => text,
            Err(error) => return gone_or(error),
        };
        let body = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text)
                .with_context(|| format!("{method} {path} answered {status} with no JSON: {text:?}"))?,
        };
        if status >= 500 {
            bail!("{method} {path} answered {status}: {body}");
        }
        Ok(Some(Answer { status, body }))
    }
}

/// A broken connection is what a kill looks like; a server that never answers is a failure.
fn gone_or<T>(error: ureq::Error) -> Result<Option<T>> {
    match error {
        ureq::Error::Timeout(which) => bail!("no answer within {PATIENCE:?} ({which})"),
        _ => Ok(None),
    }
}

/// The version of a record as the wire has it.
pub(super) fn version_of(record: &Value) -> Result<u64> {
    record["version"]
        .as_u64()
        .with_context(|| format!("a record without its version: {record}"))
}

/// A number of a record as the wire has it; exact ones may come as text.
pub(super) fn number_of(record: &Value, slug: &str) -> Result<i64> {
    let value = &record["data"][slug];
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.with_context(|| format!("a record without its {slug}: {record}"))
}
