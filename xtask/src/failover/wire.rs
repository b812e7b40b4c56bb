//! The few requests of the failover run, over plain HTTP. That a request may be refused for a while is an answer here.
//!
//! Decides nothing about what is right.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

/// The table everything is written to.
const TABLE: &str = "failover";
/// Records per page of a check.
const PAGE: u32 = 1000;
/// Longer than any answer may take: the server's own limit is shorter.
const PATIENCE: Duration = Duration::from_secs(45);

/// What became of a request.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// It was done, and the answer shows this revision.
    Done(T, u64),
    /// Not now; a write may have been done.
    NotNow(String),
    /// What was asked for is there already, or not there.
    Refused(String),
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) value: i64,
}

/// One caller of one server process.
#[derive(Clone)]
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

    /// Makes the table of the run.
    pub(super) fn create_table(&self) -> Result<()> {
        let body = json!({"name": TABLE, "slug": TABLE, "columns": [
            {"name": "name", "slug": "name", "fieldType": "text", "validation": {"required": true, "unique": true}},
            {"name": "value", "slug": "value", "fieldType": "number"},
        ]});
        match self.send("POST", "/api/tables", Some(&body), None)? {
            Answer::Done(..) => Ok(()),
            other => bail!("the table cannot be made: {other:?}"),
        }
    }

    /// Creates a record of value 0.
    pub(super) fn create(&self, name: &str) -> Result<Answer<Found>> {
        let body = json!({"data": {"name": name, "value": 0}});
        self.send("POST", &format!("/api/tables/{TABLE}/records"), Some(&body), None)?
            .found()
    }

    /// Sets the value of a record.
    pub(super) fn update(&self, id: &str, value: i64) -> Result<Answer<Found>> {
        let body = json!({"data": {"value": value}});
        self.send(
            "PATCH",
            &format!("/api/tables/{TABLE}/records/{id}"),
            Some(&body),
            None,
        )?
        .found()
    }

    /// A record as it is at a revision or later.
    pub(super) fn get(&self, id: &str, at_least: Option<u64>) -> Result<Answer<Found>> {
        self.send(
            "GET",
            &format!("/api/tables/{TABLE}/records/{id}"),
            None,
            at_least,
        )?
        .found()
    }

    /// Every record.
    pub(super) fn all(&self) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut pagination = json!({"type": "cursor", "limit": PAGE});
        loop {
            let body = json!({"pagination": pagination, "count": "none"});
            let page = match self.send("POST", &format!("/api/tables/{TABLE}/query"), Some(&body), None)? {
                Answer::Done(page, _) => page,
                other => bail!("the records cannot be checked: {other:?}"),
            };
            for record in page["records"].as_array().context("a page without \"records\"")? {
                all.push(found(record)?);
            }
            if page["pagination"]["hasMore"] != true {
                return Ok(all);
            }
            pagination["cursor"] = page["pagination"]["nextCursor"].clone();
        }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        at_least: Option<u64>,
    ) -> Result<Answer<Value>> {
        let url = format!("{}{path}", self.base);
        let sent = match body {
            None => {
                let mut request = self.agent.get(url).header("Authorization", &self.key);
                if let Some(revision) = at_least {
                    request = request.header("X-At-Least-Revision", revision.to_string());
                }
                request.call()
            }
            Some(body) => {
                let request = if method == "PATCH" {
                    self.agent.patch(url)
                } else {
                    self.agent.post(url)
                };
                request.header("Authorization", &self.key).send_json(body)
            }
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => bail!("a server process that was not touched gave no answer: {error}"),
        };
        let status = response.status().as_u16();
        let revision = response
            .headers()
            .get("x-revision")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()?;
        Ok(match status {
            200..=299 => Answer::Done(
                serde_json::from_str(&text)?,
                revision.context("an answer without X-Revision")?,
            ),
            502..=504 => Answer::NotNow(text),
            404 | 409 | 422 => Answer::Refused(text),
            _ => bail!("{method} {path} was answered {status}: {text}"),
        })
    }
}

impl Answer<Value> {
    fn found(self) -> Result<Answer<Found>> {
        Ok(match self {
            Answer::Done(record, revision) => Answer::Done(found(&record)?, revision),
            Answer::NotNow(why) => Answer::NotNow(why),
            Answer::Refused(why) => Answer::Refused(why),
        })
    }
}

fn found(record: &Value) -> Result<Found> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let parts = (
        text(&record["id"]),
        text(&record["data"]["name"]),
        number(&record["data"]["value"]),
    );
    let (Some(id), Some(name), Some(value)) = parts else {
        bail!("a record without id, name or value: {record}");
    };
    Ok(Found { id, name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_the_wire_has_it() {
        let record = json!({"id": "r1", "version": 3, "data": {"name": "a", "value": "2"}});
        let (id, name) = ("r1".to_owned(), "a".to_owned());
        assert_eq!(found(&record).expect("reads"), Found { id, name, value: 2 });
        assert!(found(&json!({"id": "r1"})).is_err());
    }
}
