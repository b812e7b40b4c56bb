//! The body of a request as it is written on the command line. It is not looked into, except that JSON is JSON.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use clap::Args;
use serde::de::IgnoredAny;

use super::document::Operation;
use super::holds_secrets;
use crate::failure::Failure;
use crate::target::{Form, Sent};

/// Most bytes of lines that are sent to a server which answers them one by one; of their answers so many wait to be read.
const LINES_BYTES_MAX: u64 = 512 * 1024;
const JSON: &str = "application/json";
pub(super) const LINES: &str = "application/x-ndjson";
const FORM: &str = "multipart/form-data";

/// What is sent.
#[derive(Args, Debug)]
pub(super) struct BodyArgs {
    /// The body: JSON, @FILE, or - for stdin
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
    /// A field of a form, NAME=@FILE for a file; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "body")]
    form: Vec<(String, String)>,
}

/// A body, ready to be sent.
pub(super) struct Body {
    /// What it is, unless a header says so.
    pub(super) content_type: Option<String>,
    pub(super) sent: Sent,
}

impl Body {
    /// What is answered line by line while it comes, short enough to be sent to a server before any of the answer is read: what has no
    /// end would wait for itself.
    pub(super) fn short(self) -> Result<Body, Failure> {
        let Some(sent) = self.sent else { return Ok(self) };
        let mut lines = Vec::new();
        sent.take(LINES_BYTES_MAX + 1).read_to_end(&mut lines)?;
        if lines.len() as u64 > LINES_BYTES_MAX {
            return Err(Failure::new(format!(
                "these are more than {LINES_BYTES_MAX} bytes of lines, which are answered while they come"
            ))
            .hint("`chancery import more.ndjson TABLE` takes any number; so does this on a database of this machine"));
        }
        Ok(Body {
            sent: Some(Box::new(Cursor::new(lines))),
            ..self
        })
    }
}

impl BodyArgs {
    /// The body for an operation.
    pub(super) fn of(&self, operation: &Operation, headers: &[(String, String)]) -> Result<Body, Failure> {
        let takes = operation.body_types();
        let said = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !self.form.is_empty() {
            return self.form(&takes);
        }
        let Some(text) = &self.body else {
            return match operation.needs_body() {
                false => Ok(Body {
                    content_type: None,
                    sent: None,
                }),
                true => Err(needed(operation, &takes)),
            };
        };
        if takes.is_empty() {
            return Err(Failure::new(format!("{operation} takes no body")));
        }
        let kinds: Vec<&str> = takes.iter().copied().filter(|kind| *kind != FORM).collect();
        if kinds.is_empty() {
            return Err(needed(operation, &takes));
        }
        let told = |path: &str, error: io::Error| Failure::new(format!("{path}: {error}"));
        let (sent, name): (Sent, &str) = match text.strip_prefix('@') {
            Some("-") => (Some(Box::new(io::stdin())), ""),
            Some(path) => (
                Some(Box::new(File::open(path).map_err(|error| told(path, error))?)),
                path,
            ),
            None if text == "-" => (Some(Box::new(io::stdin())), ""),
            None => (Some(Box::new(Cursor::new(self.written(text, operation)?))), ""),
        };
        let content_type = (!said).then(|| kind_of(name, &kinds).to_owned());
        Ok(Body { content_type, sent })
    }

    /// JSON that stands on the command line itself.
    fn written(&self, text: &str, operation: &Operation) -> Result<Vec<u8>, Failure> {
        if holds_secrets(operation) {
            return Err(Failure::new(
                "this body may hold a secret, and command lines are seen by others of this machine",
            )
            .hint("give it on stdin (--body -) or in a file (--body @FILE)"));
        }
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
            let failure = Failure::new(format!("the body is no JSON: {error}"));
            match Path::new(text).is_file() {
                true => failure.hint(format!("for what is in the file, write --body @{text}")),
                false => failure.hint("quote it for the shell: --body '{\"name\": \"Open\"}'"),
            }
        })?;
        Ok(text.as_bytes().to_vec())
    }

    fn form(&self, takes: &[&str]) -> Result<Body, Failure> {
        if !takes.contains(&FORM) {
            return Err(Failure::new("this operation takes no form").hint("give its body with --body"));
        }
        let mut form = Form::new();
        let (files, fields): (Vec<_>, Vec<_>) =
            self.form.iter().partition(|(_, value)| value.starts_with('@'));
        for (name, value) in fields {
            form.field(name, value);
        }
        let [(name, file)] = files.as_slice() else {
            return Err(
                Failure::new(format!("a form holds one file, and here are {}", files.len()))
                    .hint("write --form file=@customers.csv"),
            );
        };
        let (content_type, sent) = form.with_file(name, Path::new(&file[1..]))?;
        Ok(Body {
            content_type: Some(content_type),
            sent: Some(Box::new(sent)),
        })
    }
}

/// What a body is, by the ending of its file and by what the operation takes.
fn kind_of<'a>(name: &str, takes: &[&'a str]) -> &'a str {
    let ending = Path::new(name)
        .extension()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let meant = match ending.to_str() {
        Some("ndjson" | "jsonl") => LINES,
        Some("json") => JSON,
        _ => takes[0],
    };
    takes
        .iter()
        .find(|kind| **kind == meant)
        .copied()
        .unwrap_or(takes[0])
}

/// The refusal of a request without its body.
fn needed(operation: &Operation, takes: &[&str]) -> Failure {
    let see = format!("`chancery api --list {operation}` shows its members");
    match takes {
        [FORM] => Failure::new(format!("{operation} takes a form")).hint(format!("--form file=@FILE; {see}")),
        _ => Failure::new(format!("{operation} takes a body"))
            .hint(format!("--body JSON, --body @FILE or --body - for stdin; {see}")),
    }
}

/// `name=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_what_its_file_is_called_if_the_operation_takes_that() {
        for (name, takes, kind) in [
            ("", &[JSON, LINES][..], JSON),
            ("more.ndjson", &[JSON, LINES], LINES),
            ("more.JSON", &[LINES, JSON], JSON),
            ("more.ndjson", &[JSON], JSON),
            (
                "tasks.csv",
                &["application/octet-stream"],
                "application/octet-stream",
            ),
        ] {
            assert_eq!(kind_of(name, takes), kind, "{name}");
        }
    }
}
