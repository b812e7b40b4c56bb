//! Whoever writes: one change after the other at a steady rate, and how long each takes. Reads nothing back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Writes over HTTP.
pub(crate) struct Writer {
    agent: ureq::Agent,
    url: String,
    bearer: String,
    ids: Vec<String>,
}

/// How long writes took.
pub(crate) struct Figures {
    pub(crate) count: usize,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Writer {
    pub(crate) fn new(url: &str, key: &str) -> Result<Self> {
        Ok(Self {
            agent: ureq::agent(),
            url: url.to_owned(),
            bearer: format!("Bearer {key}"),
            ids: Vec::new(),
        })
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.url);
        let request = match method {
            "POST" => self.agent.post(&url),
            _ => self.agent.patch(&url),
        };
        let mut answer = request.header("authorization", &self.bearer).send_json(body)?;
        Ok(answer.body_mut().read_json()?)
    }

    /// Makes the table and its records.
    pub(crate) fn prepare(&mut self, records: u64) -> Result<()> {
        let table = json!({
            "name": "Live",
            "columns": [
                {"name": "Code", "slug": "code", "fieldType": "text", "isPrimary": true},
                {"name": "Group", "slug": "group", "fieldType": "text"},
                {"name": "Points", "slug": "points", "fieldType": "number"}
            ]
        });
        self.send("POST", "/api/tables", &table)?;
        let records: Vec<Value> = (0..records).map(record).collect();
        self.send(
            "POST",
            "/api/tables/live/records/bulk",
            &json!({"records": records}),
        )?;
        let all = json!({"pagination": {"type": "offset", "offset": 0, "limit": super::RECORDS}});
        let answer = self.send("POST", "/api/tables/live/query", &all)?;
        let records = answer["records"].as_array().context("no records")?;
        self.ids = records
            .iter()
            .filter_map(|record| record["id"].as_str().map(str::to_owned))
            .collect();
        Ok(())
    }

    /// The id of a record.
    pub(crate) fn id(&self, number: usize) -> &str {
        &self.ids[number % self.ids.len()]
    }

    /// Writes at a rate for a while.
    pub(crate) async fn run(&self, rate: u32, time: Duration) -> Result<Figures> {
        tokio::task::block_in_place(|| self.write(rate, time))
    }

    fn write(&self, rate: u32, time: Duration) -> Result<Figures> {
        let started = Instant::now();
        let pause = Duration::from_secs(1) / rate.max(1);
        let mut took = Vec::new();
        while started.elapsed() < time {
            let number = took.len() as u64;
            let due = started + pause * number as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let id = self.id(number as usize * 7919);
            let data = json!({"data": {"points": number % 10, "group": format!("g{}", (number / 3) % 50)}});
            let asked = Instant::now();
            self.send("PATCH", &format!("/api/tables/live/records/{id}"), &data)?;
            took.push(asked.elapsed());
        }
        took.sort_unstable();
        let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
        Ok(Figures {
            count: took.len(),
            p50: at(0.5),
            p99: at(0.99),
        })
    }
}

fn record(number: u64) -> Value {
    json!({"code": format!("r{number}"), "group": format!("g{}", number % 50), "points": number % 10})
}
