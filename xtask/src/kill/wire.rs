//! The few requests that the kill loop sends, over plain HTTP.
//!
//! Decides nothing: a lost connection is an answer like any other.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

/// The table everything is written to.
const TABLE: &str = "kill-loop";
/// Records per page of a check.
const PAGE: u32 = 1000;
/// Longer than any answer may take; a server that is killed answers at once by closing.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a request.
pub(super) enum Answer<T> {
    /// It was acknowledged.
    Done(T),
    /// The server went away before it answered.
    Gone,
}

/// One record as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) name: String,
    pub(super) value: i64,
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

    /// Makes the table of the run.
    pub(super) fn create_table(&self) -> Result<()> {
        let body = json!({"name": TABLE, "slug": TABLE, "columns": [
            {"name": "name", "slug": "name", "fieldType": "text", "validation": {"required": true, "unique": true}},
            {"name": "value", "slug": "value", "fieldType": "number"},
            {"name": "life", "slug": "life", "fieldType": "number", "indexed": true},
        ]});
        match self.send("POST", "/api/tables", &body)? {
            Answer::Done(_) => Ok(()),
            Answer::Gone => bail!("the server went away before anything was killed"),
        }
    }

    /// Creates one record; answers its id and version.
    pub(super) fn create(&self, name: &str, life: u32) -> Result<Answer<(String, u64)>> {
        let body = json!({"data": {"name": name, "value": 0, "life": life}});
        self.send("POST", &format!("/api/tables/{TABLE}/records"), &body)?
            .map(|record| id_and_version(&record))
    }

    /// Creates many records or none; answers their ids and versions in order.
    pub(super) fn create_bulk(&self, names: &[String], life: u32) -> Result<Answer<Vec<(String, u64)>>> {
        let records: Vec<_> = names
            .iter()
            .map(|name| json!({"name": name, "value": 0, "life": life}))
            .collect();
        let path = format!("/api/tables/{TABLE}/records/bulk");
        self.send("POST", &path, &json!({"records": records}))?
            .map(|answer| {
                let created = answer["created"]
                    .as_array()
                    .context("a bulk answer without \"created\"")?;
                if created.len() != names.len() {
                    bail!(
                        "a bulk of {} acknowledged {} records: {answer}",
                        names.len(),
                        created.len()
                    );
                }
                created
                    .iter()
                    .map(|item| id_and_version(&item["record"]))
                    .collect()
            })
    }

    /// Sets the value of one record; answers its new version.
    pub(super) fn update(&self, id: &str, value: i64) -> Result<Answer<u64>> {
        let path = format!("/api/tables/{TABLE}/records/{id}");
        self.send("PATCH", &path, &json!({"data": {"value": value}}))?
            .map(|record| Ok(id_and_version(&record)?.1))
    }

    /// One record, if it is there.
    pub(super) fn record(&self, id: &str) -> Result<Option<Found>> {
        let url = format!("{}/api/tables/{TABLE}/records/{id}", self.base);
        let response = self
            .agent
            .get(url)
            .header("Authorization", &self.key)
            .call()
            .context("a check got no answer")?;
        if response.status() == 404 {
            return Ok(None);
        }
        Ok(Some(found(&accept(response)?)?))
    }

    /// Every record, or every record that one life of the server created.
    pub(super) fn records(&self, life: Option<u32>) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        let mut pagination = json!({"type": "cursor", "limit": PAGE});
        loop {
            let mut body = json!({"pagination": pagination, "count": "none"});
            if let Some(life) = life {
                body["filter"] = json!({"column": "life", "operator": "eq", "value": life});
            }
            let Answer::Done(page) = self.send("POST", &format!("/api/tables/{TABLE}/query"), &body)? else {
                bail!("the server went away while it was checked");
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

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer<Value>> {
        let url = format!("{}{path}", self.base);
        let request = if method == "PATCH" {
            self.agent.patch(url)
        } else {
            self.agent.post(url)
        };
        match request.header("Authorization", &self.key).send_json(body) {
            Ok(response) => match accept(response) {
                Err(error) if error.is::<ureq::Error>() => gone_or(error),
                other => other.map(Answer::Done),
            },
            Err(error) => gone_or(error.into()),
        }
    }
}

impl<T> Answer<T> {
    fn map<U>(self, read: impl FnOnce(T) -> Result<U>) -> Result<Answer<U>> {
        Ok(match self {
            Self::Done(value) => Answer::Done(read(value)?),
            Self::Gone => Answer::Gone,
        })
    }
}

/// A broken connection is what a kill looks like; a server that never answers is a failure.
fn gone_or<T>(error: anyhow::Error) -> Result<Answer<T>> {
    match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Timeout(which)) => bail!("no answer within {PATIENCE:?} ({which})"),
        Ok(_) => Ok(Answer::Gone),
        Err(other) => Err(other),
    }
}

/// The body of a success; anything else is an error that shows the answer.
fn accept(mut response: Response<ureq::Body>) -> Result<Value> {
    let status = response.status();
    let text = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()?;
    if !status.is_success() {
        bail!("the server answered {status}: {text}");
    }
    serde_json::from_str(&text)
        .with_context(|| format!("the server answered {status} with no JSON: {text:?}"))
}

fn id_and_version(record: &Value) -> Result<(String, u64)> {
    let id = record["id"]
        .as_str()
        .with_context(|| format!("a record without \"id\": {record}"))?;
    let version = record["version"]
        .as_u64()
        .with_context(|| format!("a record without \"version\": {record}"))?;
    Ok((id.to_owned(), version))
}

fn found(record: &Value) -> Result<Found> {
    let (id, version) = id_and_version(record)?;
    let name = record["data"]["name"]
        .as_str()
        .with_context(|| format!("a record without its name: {record}"))?;
    let value =
        number(&record["data"]["value"]).with_context(|| format!("a record without its value: {record}"))?;
    Ok(Found {
        id,
        version,
        name: name.to_owned(),
        value,
    })
}

/// Exact numbers may come as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_the_wire_has_it() {
        let record =
            json!({"id": "r1", "version": 3, "data": {"name": "single-0-0-0", "value": 2, "life": 0}});
        let expected = Found {
            id: "r1".into(),
            version: 3,
            name: "single-0-0-0".into(),
            value: 2,
        };
        assert_eq!(found(&record).expect("reads"), expected);
        assert!(
            found(&json!({"id": "r1"}))
                .unwrap_err()
                .to_string()
                .contains("without \"version\"")
        );
    }

    #[test]
    fn a_closed_port_is_a_server_that_is_gone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let answer = Client::new(&format!("http://{address}"), "k")
            .create("n", 0)
            .expect("no error");
        assert!(matches!(answer, Answer::Gone));
    }
}
