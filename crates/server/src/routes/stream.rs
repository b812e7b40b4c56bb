//! NDJSON in, NDJSON out: records without an end, in constant memory. Each batch of lines is one commit.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::{Buf, Bytes, BytesMut};
use chancery::{Bulk, BulkOptions, Code, Error, Issue, JsonMap, TableHandle};
use chancery_api::bulk::{StreamEnd, StreamLine};
use chancery_api::limits;
use futures::StreamExt;
use http::{HeaderValue, header};
use tokio::sync::mpsc;

use crate::convert::{faults, records};
use crate::extract::parse_json;
use crate::fault::Fault;

/// The media type of newline-delimited JSON.
pub(crate) const NDJSON: &str = "application/x-ndjson";
/// Lines that make one commit.
const LINES_PER_COMMIT: usize = 1_000;
/// Bytes of lines that make one commit, where lines are long.
const BYTES_PER_COMMIT: usize = 8 * 1024 * 1024;
/// How long the next part of a body may take.
const PART_TIME_MAX: Duration = Duration::from_secs(60);

/// Answers at once, and then line for line as the request comes in.
pub(super) fn create(handle: TableHandle, options: BulkOptions, body: Body) -> Response {
    let (send, receive) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    let mut work = Work {
        handle,
        options,
        send,
        index: 0,
        created: 0,
        failed: 0,
        revision: 0,
        lines: Vec::new(),
        size: 0,
    };
    tokio::spawn(async move {
        if let Err(fault) = work.run(body).await {
            // What was committed stays; the last line says why no more follows. Without `done` the stream is cut.
            let mut problem = fault.refusal().problem.clone();
            problem.hint = Some(format!("Lines from {} on were not written.", work.index));
            let line = serde_json::json!({"error": problem}).to_string() + "\n";
            let _ = work.send.send(Ok(Bytes::from(line))).await;
        }
    });
    let lines = futures::stream::unfold(receive, |mut receive| async {
        Some((receive.recv().await?, receive))
    });
    let mut response = Response::new(Body::from_stream(futures::StreamExt::fuse(lines)));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    response
}

struct Work {
    handle: TableHandle,
    options: BulkOptions,
    send: mpsc::Sender<Result<Bytes, std::io::Error>>,
    /// The first line that is not answered yet.
    index: u64,
    created: u64,
    failed: u64,
    revision: u64,
    lines: Vec<Result<JsonMap, Issue>>,
    size: usize,
}

impl Work {
    async fn run(&mut self, body: Body) -> Result<(), Fault> {
        let mut parts = body.into_data_stream();
        let mut rest = BytesMut::new();
        let cut = |text: String| Fault::new(chancery_api::ErrorCode::MalformedBody, text);
        loop {
            let part = tokio::time::timeout(PART_TIME_MAX, parts.next()).await;
            let part = part.map_err(|_| cut(format!("No data came for {} s.", PART_TIME_MAX.as_secs())))?;
            let Some(part) = part else { break };
            rest.extend_from_slice(&part.map_err(|error| cut(format!("The body broke off: {error}.")))?);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest.split_to(end);
                rest.advance(1);
                self.take(&line).await?;
            }
            if rest.len() > limits::NDJSON_LINE_BYTES_MAX {
                let max = limits::NDJSON_LINE_BYTES_MAX;
                return Err(cut(format!(
                    "A line is longer than the limit ndjsonLineBytesMax of {max} bytes."
                )));
            }
        }
        self.take(&rest).await?;
        self.commit().await?;
        let end = StreamEnd {
            done: true,
            created: self.created,
            failed: self.failed,
            revision: self.revision,
        };
        let mut line = serde_json::to_vec(&end).map_err(Fault::internal)?;
        line.push(b'\n');
        self.say(line).await
    }

    async fn take(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.size += line.len();
        self.lines.push(
            parse_json::<JsonMap>(line)
                .map_err(|fault| Issue::new("", Code::Malformed, fault.refusal().problem.detail.clone())),
        );
        if self.lines.len() >= LINES_PER_COMMIT || self.size >= BYTES_PER_COMMIT {
            self.commit().await?;
        }
        Ok(())
    }

    /// Writes the lines that are there in one commit, and answers each of them.
    async fn commit(&mut self) -> Result<(), Fault> {
        let lines = std::mem::take(&mut self.lines);
        self.size = 0;
        if lines.is_empty() {
            return Ok(());
        }
        let good: Vec<JsonMap> = lines
            .iter()
            .filter_map(|line| line.as_ref().ok().cloned())
            .collect();
        let outcome = self
            .handle
            .bulk_create(&good, self.options.clone())
            .await
            .map_err(|error: Error| Fault::from(error))?;
        self.revision = outcome.revision;
        let mut ignored = outcome.ignored;
        let mut items = outcome.items.into_iter().enumerate();
        let mut out = Vec::with_capacity(lines.len() * 64);
        for line in lines {
            let item = match line {
                Err(issue) => Some((usize::MAX, Bulk::Failed(vec![issue]))),
                Ok(_) => items.next(),
            };
            let (id, ignored, errors) = match item {
                Some((at, Bulk::Created(record))) => {
                    let ignored = ignored.remove(&at).unwrap_or_default();
                    (Some(records::key_json(record.key())), ignored, Vec::new())
                }
                Some((_, Bulk::Failed(issues))) => (None, Vec::new(), faults::issues(issues)),
                _ => (None, Vec::new(), Vec::new()),
            };
            if errors.is_empty() {
                self.created += 1
            } else {
                self.failed += 1
            }
            records::write_json(
                &mut out,
                &StreamLine {
                    index: self.index,
                    id,
                    ignored,
                    errors,
                },
            );
            out.push(b'\n');
            self.index += 1;
        }
        self.say(out).await
    }

    async fn say(&self, bytes: Vec<u8>) -> Result<(), Fault> {
        let gone = |_| {
            Fault::new(
                chancery_api::ErrorCode::MalformedBody,
                "Nobody reads the answer any more.",
            )
        };
        self.send.send(Ok(Bytes::from(bytes))).await.map_err(gone)
    }
}
