//! The operations as the OpenAPI document in the binary has them: found by their paths, listed, explained. It asks nobody.

use std::fmt::{self, Display};
use std::io::Write;

use chancery::model::issue::did_you_mean;
use serde_json::{Map, Value as Json};
use ureq::http::Method;
use url::Url;

use super::body::LINES;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;

/// Paths named where one does not exist.
const NEAREST: usize = 3;
/// What paths begin with; those of health and metrics stand apart.
const BASE: &str = "api";
const APART: [&str; 3] = ["healthz", "readyz", "metrics"];

/// What the API can do.
pub(super) struct Document(Json);

/// One operation.
pub(super) struct Operation<'a> {
    /// In capitals.
    pub(super) method: String,
    pub(super) path: String,
    body: &'a Json,
    all: &'a Json,
}

impl Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Operation<'_> {
    pub(super) fn summary(&self) -> &str {
        self.body["summary"].as_str().unwrap_or_default()
    }

    /// The types of the bodies that it takes.
    pub(super) fn body_types(&self) -> Vec<&str> {
        let content = self.body["requestBody"]["content"].as_object();
        content
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect()
    }

    /// Whether it answers line by line, while lines come in.
    pub(super) fn answers_lines(&self) -> bool {
        let answers = self.body["responses"]["200"]["content"].get(LINES);
        answers.is_some() && self.body_types().contains(&LINES)
    }

    pub(super) fn needs_body(&self) -> bool {
        self.body["requestBody"]["required"] == true
    }

    fn parameters(&self) -> impl Iterator<Item = &Json> {
        self.body["parameters"].as_array().into_iter().flatten()
    }

    /// The schema of its body, where that is an object.
    fn schema(&self) -> &Json {
        let content = self.body["requestBody"]["content"].as_object();
        let first = content.and_then(|content| content.values().next());
        self.resolved(first.map_or(&Json::Null, |content| &content["schema"]))
    }

    fn resolved<'b>(&'b self, schema: &'b Json) -> &'b Json {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            Some(place) => self.all.pointer(place).unwrap_or(&Json::Null),
            None => schema,
        }
    }
}

impl Document {
    pub(super) fn built_in() -> Result<Document, Failure> {
        Ok(Document(serde_json::from_str(chancery_server::document_text())?))
    }

    fn paths(&self) -> impl Iterator<Item = (&String, &Map<String, Json>)> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        paths.filter_map(|(path, operations)| Some((path, operations.as_object()?)))
    }

    /// All operations, in the order of the document.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        self.paths().flat_map(|(path, operations)| {
            operations.iter().map(|(method, body)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                body,
                all: &self.0,
            })
        })
    }

    /// A method as people write it.
    pub(super) fn method(&self, written: &str) -> Result<Method, Failure> {
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let upper = written.to_uppercase();
        match known.iter().find(|known| **known == upper) {
            Some(known) => Ok(Method::from_bytes(known.as_bytes()).unwrap_or_default()),
            None => {
                let near = did_you_mean(written, known).map(|near| format!("did you mean {near}?"));
                Err(Failure::new(format!("\"{written}\" is no method"))
                    .hint(near.unwrap_or_else(|| "GET, POST, PUT, PATCH or DELETE".to_owned())))
            }
        }
    }

    /// The operation of a method on a path.
    ///
    /// # Errors
    /// What is near, if there is none.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Operation<'_>, Failure> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let wanted: Vec<&str> = template.split('/').collect();
            wanted.len() == parts.len()
                && wanted
                    .iter()
                    .zip(&parts)
                    .all(|(wanted, part)| match is_hole(wanted) {
                        true => !part.is_empty(),
                        false => wanted == part,
                    })
        };
        // What is written out counts more than what may be anything, as in the router.
        let holes = |template: &&String| template.split('/').filter(|part| is_hole(part)).count();
        let Some(template) = self.paths().map(|(path, _)| path).filter(fits).min_by_key(holes) else {
            return Err(self.no_path(path));
        };
        let here = || self.operations().filter(|operation| operation.path == *template);
        here()
            .find(|operation| operation.method == method.as_str())
            .ok_or_else(|| {
                let takes: Vec<String> = here().map(|operation| operation.method).collect();
                Failure::new(format!("{template} does not take {method}"))
                    .hint(format!("it takes {}", takes.join(", ")))
            })
    }

    fn no_path(&self, path: &str) -> Failure {
        let parts: Vec<&str> = path.split('/').collect();
        // Each path with what was written in the places where anything may stand.
        let filled = |template: &String| {
            let wanted = template.split('/').enumerate();
            let filled = wanted.map(|(at, wanted)| match parts.get(at) {
                Some(part) if is_hole(wanted) => (*part).to_owned(),
                _ => wanted.to_owned(),
            });
            (filled.collect::<Vec<_>>().join("/"), template.clone())
        };
        let mut all: Vec<(String, String)> = self.paths().map(|(template, _)| filled(template)).collect();
        let mut near: Vec<String> = Vec::new();
        while near.len() < NEAREST {
            let Some(found) = did_you_mean(path, all.iter().map(|(filled, _)| filled.as_str())) else {
                break;
            };
            let at = all
                .iter()
                .position(|(filled, _)| filled == found)
                .unwrap_or_default();
            near.push(all.swap_remove(at).1);
        }
        let hint = match near.is_empty() {
            true => "`chancery api --list WORD` shows the operations with a word".to_owned(),
            false => format!("did you mean {}?", near.join(", ")),
        };
        Failure::new(format!("there is no path {path}")).hint(hint)
    }
}

fn is_hole(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

/// A path as it was written, as an address of no server: with or without its beginning, its query beside it.
pub(super) fn address(written: &str) -> Result<Url, Failure> {
    if written.contains("://") {
        return Err(Failure::new("the path begins with a server")
            .hint("write the path alone; the server is named with --server URL"));
    }
    if let Some(hole) = written.split(['/', '?']).find(|part| is_hole(part)) {
        return Err(Failure::new(format!("{hole} stands for something"))
            .hint("write what you mean in its place: /api/tables/tasks"));
    }
    let (path, query) = match written.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (written, None),
    };
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let path = match first == BASE || APART.contains(&first) {
        true => format!("/{path}"),
        false => format!("/{BASE}/{path}"),
    };
    let mut url = Url::parse("http://localhost").map_err(|error| Failure::new(error.to_string()))?;
    url.set_path(&path);
    url.set_query(query);
    Ok(url)
}

/// `--list`.
pub(super) fn list(document: &Document, words: &[String], output: &Output) -> Result<Exit, Failure> {
    let has = |operation: &Operation<'_>| {
        let text = format!("{operation} {}", operation.summary()).to_lowercase();
        words.iter().all(|word| text.contains(&word.to_lowercase()))
    };
    // A path that is written out means itself, not those that go on from it.
    let exact = |operation: &Operation<'_>| match words {
        [path] => operation.path == *path,
        [method, path] => operation.path == *path && operation.method.eq_ignore_ascii_case(method),
        _ => false,
    };
    let mut found: Vec<Operation<'_>> = document.operations().filter(has).collect();
    if found.iter().any(exact) {
        found.retain(exact);
    }
    if output.json() {
        let all: Vec<Json> = found.iter().map(to_json).collect();
        output.value(&all)?;
        return Ok(Exit::Done);
    }
    match found.as_slice() {
        [] => {
            return Err(Failure::new(format!("no operation has \"{}\"", words.join(" ")))
                .hint("`chancery api --list` shows them all"));
        }
        [one] => explain(one, output)?,
        several => {
            let mut text = TextTable::new(["method", "path", "what it does"]);
            for operation in several {
                text.row([
                    operation.method.clone(),
                    operation.path.clone(),
                    first_sentence(operation.summary()),
                ]);
            }
            let mut out = output.data();
            text.write(&mut out)?;
            out.flush()?;
        }
    }
    Ok(Exit::Done)
}

fn to_json(operation: &Operation<'_>) -> Json {
    serde_json::json!({
        "method": operation.method,
        "path": operation.path,
        "summary": operation.summary(),
        "parameters": operation.body.get("parameters").cloned().unwrap_or_else(|| Json::Array(Vec::new())),
        "body": operation.schema(),
    })
}

/// Everything that is known of one operation.
fn explain(operation: &Operation<'_>, output: &Output) -> Result<(), Failure> {
    let mut out = output.data();
    writeln!(out, "{operation}\n{}", operation.summary())?;
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    for (place, title) in [
        ("path", "In the path"),
        ("query", "With --query"),
        ("header", "With -H"),
    ] {
        let mut all = operation
            .parameters()
            .filter(|parameter| parameter["in"] == place)
            .peekable();
        if all.peek().is_some() {
            writeln!(out, "\n{title}:")?;
        }
        for parameter in all {
            writeln!(
                out,
                "  {:18} {}",
                text(&parameter["name"]),
                text(&parameter["description"])
            )?;
        }
    }
    let types = operation.body_types();
    if !types.is_empty() {
        let may = if operation.needs_body() {
            ""
        } else {
            ", may be left out"
        };
        writeln!(out, "\nBody ({}{may}):", types.join(" or "))?;
        let schema = operation.schema();
        let required: Vec<&Json> = schema["required"].as_array().into_iter().flatten().collect();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let mark = if required.iter().any(|needed| *needed == name) {
                "*"
            } else {
                " "
            };
            let told = match member["description"].as_str() {
                Some(told) => told,
                None => operation.resolved(member)["description"]
                    .as_str()
                    .unwrap_or_default(),
            };
            writeln!(out, " {mark}{name:18} {told}")?;
        }
        if !required.is_empty() {
            writeln!(out, "  (* must be there)")?;
        }
        let example = schema.get("example").or_else(|| schema["examples"].get(0));
        if let Some(example) = example {
            writeln!(out, "\nExample:\n  --body '{example}'")?;
        }
    }
    Ok(out.flush()?)
}

/// So much of a summary as a list has room for.
fn first_sentence(text: &str) -> String {
    let end = [". ", ": ", "; "].iter().filter_map(|mark| text.find(mark)).min();
    text[..end.unwrap_or(text.len())].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, path: &str) -> String {
        let document = Document::built_in().expect("it is JSON");
        let url = address(path).expect("a path");
        let failure = document.find(&method, url.path()).err().expect("there is none");
        failure.to_json().to_string()
    }

    #[test]
    fn every_operation_is_found_by_its_path() {
        let document = Document::built_in().expect("it is JSON");
        for operation in document.operations() {
            let path = operation.path.replace(['{', '}'], "");
            let method = document
                .method(&operation.method.to_lowercase())
                .expect("a method");
            let found = document.find(&method, &path).expect("it is there");
            assert_eq!(found.path, operation.path);
        }
    }

    #[test]
    fn a_path_that_is_nowhere_names_the_nearest_and_a_wrong_method_the_right_ones() {
        let told = refused(Method::GET, "/api/tables/tasks/view");
        assert!(told.contains("did you mean /api/tables/{table}/views"), "{told}");
        assert!(refused(Method::GET, "tabels").contains("/api/tables"));
        let told = refused(Method::PATCH, "/api/tables/tasks/views");
        assert!(told.contains("it takes GET, POST"), "{told}");
        assert!(refused(Method::GET, "/banana").contains("--list"));
    }

    #[test]
    fn a_path_may_be_written_without_its_beginning() {
        for (written, meant) in [
            ("tables/tasks", "/api/tables/tasks"),
            ("/tables?limit=1", "/api/tables?limit=1"),
            ("healthz", "/healthz"),
            ("/api/tables/a b", "/api/tables/a%20b"),
        ] {
            let url = address(written).expect("a path");
            assert_eq!(&url[url::Position::BeforePath..], meant);
        }
        assert!(address("http://other/api/tables").is_err());
        assert!(address("/api/tables/{table}").is_err());
    }
}
