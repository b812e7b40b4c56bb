//! `chancery api`: any operation of the HTTP API, on a server or on a database on this machine. It knows the operations from the
//! OpenAPI document alone, and what they do not at all.

mod body;
mod document;

use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::Args;
use ureq::http::{Method, Request, Response, header};
use url::Url;

use self::body::{BodyArgs, pair};
use self::document::{Document, Operation};
use crate::failure::{Exit, Failure};
use crate::output::{Output, to_file};
use crate::target::{Missing, TargetArgs};

/// Most bytes of an answer that are set out for the eye on a terminal; what is longer is shown as it comes.
const SHOWN_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of an answer that are passed on at a time.
const STEP_BYTES: usize = 64 * 1024;
/// What makes a database where there is none, as `chancery table create` does.
const MAKERS: [&str; 5] = [
    "/api/tables",
    "/api/tables/import/csv",
    "/api/tables/import/json",
    "/api/workspaces",
    "/api/buckets",
];
/// The one path that is no request with an answer.
const SOCKET: &str = "/api/live";

/// Do anything that the HTTP API can do
#[derive(Args, Debug)]
#[command(
    override_usage = "chancery api [OPTIONS] <METHOD> <PATH>\n       chancery api --list [WORDS]...",
    long_about = "Do anything that the HTTP API can do: views, forms, options, webhooks, workspaces, merging duplicates, …\n\n\
What has no command of its own has an operation here. The answer goes to stdout as it comes, whatever it is. It works on a server \
(--server URL --key KEY) and in the same way on a database on this machine, where nothing listens and no key is needed: who may read \
the database's files may do all. There, work that goes on in the background is waited for. --list shows the operations, and of one \
alone its parameters and the members of its body.",
    after_long_help = "\
Examples:
  chancery api --list                                        every operation
  chancery api --list views                                  those with this word
  chancery api --list post /views                            of one alone: what it takes
  chancery api GET /api/tables --query include=columns
  chancery api GET /api/tables/tasks/views
  chancery api POST /api/tables/tasks/views --body '{\"name\": \"Open\", \"settings\": {\"sort\": [{\"column\": \"due\"}]}}'
  chancery api PATCH /api/tables/tasks --body @settings.json
  chancery api POST /api/tables/tasks/columns/status/options --body '{\"name\": \"later\"}'
  chancery api POST /api/tables/people/duplicates/merge --body @merge.json
  chancery api PATCH /api/tables/tasks/records/7 -H 'If-Match: \"3\"' --body '{\"data\": {\"status\": \"done\"}}'
  generate | chancery api POST /api/tables/tasks/records/bulk -H 'Content-Type: application/x-ndjson' --body -
  chancery api POST /api/import/analyse --form file=@customers.csv
  chancery api GET /api/tables/tasks/export/xlsx --out tasks.xlsx
  chancery api POST /api/webhooks --body @hook.json --server http://127.0.0.1:7373 --key $KEY

A path may be written without its /api. Secrets and passwords belong into a file or stdin, not on the command line."
)]
pub(crate) struct Api {
    /// The method and the path; with --list, words to look for
    #[arg(value_name = "METHOD PATH")]
    words: Vec<String>,
    /// Show the operations, those with all WORDS; of one alone, what it takes
    #[arg(long, conflicts_with_all = ["out", "query", "header"])]
    list: bool,
    /// A parameter of the query; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// A header, such as 'If-Match: "3"'; may be given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = heading)]
    header: Vec<(String, String)>,
    #[command(flatten)]
    body: BodyArgs,
    /// Write the answer into a file
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

impl Api {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let document = Document::built_in()?;
        if self.list {
            return document::list(&document, &self.words, output);
        }
        let (method, path) = self.asked(&document)?;
        let operation = document.find(&method, path.path())?;
        if operation.path == SOCKET {
            return Err(Failure::new("this is a WebSocket, which has no answer to print")
                .hint("`chancery api GET /api/changes -H 'Accept: text/event-stream'` tells what happens"));
        }
        let makes = method == Method::POST && MAKERS.contains(&operation.path.as_str());
        let mut body = self.body.of(&operation, &self.header)?;
        if self.target.server_url().is_some() && operation.answers_lines() {
            body = body.short()?;
        }
        let mut request = Request::builder()
            .method(method)
            .uri(&path[url::Position::BeforePath..]);
        if let Some(content_type) = &body.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in &self.header {
            request = request.header(name, value);
        }
        let request = request
            .body(body.sent)
            .map_err(|error| Failure::new(format!("this makes no request: {error}")))?;
        let target = self
            .target
            .open(if makes { Missing::Make } else { Missing::Refuse })?;
        let answer = target.ask(request)?;
        match &self.out {
            Some(file) => to_file(
                file,
                |out| Ok(io::copy(&mut answer.into_body(), out).map(|_| ())?),
            )?,
            None => print(answer, output)?,
        }
        Ok(Exit::Done)
    }

    /// The method and the address, which begins with no server of anybody.
    fn asked(&self, document: &Document) -> Result<(Method, Url), Failure> {
        let (method, path) = match self.words.as_slice() {
            [method, path] => (method, path),
            [path] if path.contains('/') => {
                return Err(Failure::new("the method is missing")
                    .hint(format!("write it first: chancery api GET {path}")));
            }
            [] | [_] => {
                return Err(Failure::new("a method and a path are needed")
                    .hint("chancery api GET /api/tables; `chancery api --list` shows the operations"));
            }
            [_, _, more, ..] => {
                return Err(Failure::new(format!("\"{more}\" is one word too many"))
                    .hint("a body is given with --body, a parameter with --query NAME=VALUE"));
            }
        };
        let method = document.method(method)?;
        let mut url = document::address(path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok((method, url))
    }
}

/// Prints an answer as it comes. On a terminal JSON is set out for the eye, and what a terminal cannot show is refused.
fn print(answer: Response<Box<dyn Read + '_>>, output: &Output) -> Result<(), Failure> {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let mut body = answer.into_body();
    if !io::stdout().is_terminal() {
        let mut out = output.data();
        let last = pass(&mut body, &mut out)?;
        // As all JSON of commands ends. What else comes is passed on byte by byte.
        if kind.starts_with("application/json") && last.is_some_and(|last| last != b'\n') {
            writeln!(out)?;
        }
        return Ok(out.flush()?);
    }
    if !(kind.is_empty() || kind.starts_with("text/") || kind.contains("json")) {
        return Err(
            Failure::new(format!("the answer is {kind}, which no terminal shows"))
                .hint("write it into a file with --out FILE"),
        );
    }
    let mut start = Vec::new();
    body.by_ref().take(SHOWN_BYTES_MAX).read_to_end(&mut start)?;
    if kind.starts_with("application/json")
        && let Ok(value) = serde_json::from_slice::<serde_json::Value>(&start)
    {
        return output.value(&value);
    }
    let mut out = output.data();
    out.write_all(&start)?;
    io::copy(&mut body, &mut out)?;
    Ok(out.flush()?)
}

/// Passes on what comes, and answers the last byte of it.
fn pass(from: &mut dyn Read, out: &mut dyn Write) -> io::Result<Option<u8>> {
    let (mut step, mut last) = (vec![0; STEP_BYTES], None);
    loop {
        match from.read(&mut step)? {
            0 => return Ok(last),
            read => {
                out.write_all(&step[..read])?;
                // What comes now and then, as events do, is seen when it comes.
                out.flush()?;
                last = Some(step[read - 1]);
            }
        }
    }
}

fn heading(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write 'Name: value'")?;
    let (name, value) = (name.trim(), value.trim());
    let right =
        ureq::http::HeaderName::try_from(name).is_ok() && ureq::http::HeaderValue::try_from(value).is_ok();
    right
        .then(|| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("\"{name}\" makes no header"))
}

/// Whether an operation deals with secrets or passwords, which do not stand on a command line.
fn holds_secrets(operation: &Operation) -> bool {
    ["/api/vault/", "/api/auth/", "/api/users", "/api/jobs/"]
        .iter()
        .any(|start| operation.path.starts_with(start))
}
