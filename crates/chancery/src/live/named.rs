//! Declarative queries: stored under a name, with places for parameters, run or watched by name. Answers none itself.

use chancery_model::issue::unknown_name;
use chancery_model::{Code, Issue, Json, JsonMap};
use chancery_storage::{Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use serde::{Deserialize, Serialize};

use super::limits::{QUERIES_MAX, QUERY_BYTES_MAX, QUERY_NAME_CHARS_MAX};
use super::query::LiveQuery;
use super::{Live, LiveInbox, LiveResult, LiveShape};
use crate::error::Error;
use crate::store::Store;

/// The kind of the documents.
const KIND: &str = "query";
/// What opens and closes the place of a parameter.
const MARKS: (&str, &str) = ("{{", "}}");
/// What the name of a parameter follows.
const PREFIX: &str = "params.";

/// A stored query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedQuery {
    /// Its name, unique in its workspace.
    pub name: String,
    /// The query as [`LiveQuery::from_json`] reads it, with `"{{ params.x }}"` where a parameter goes.
    pub query: Json,
    /// The names of its parameters, as they appear.
    #[serde(default)]
    pub params: Vec<String>,
    /// When it was last written, in ms.
    pub updated_at: i64,
}

impl NamedQuery {
    /// The query with its parameters put in. A text that is one parameter and nothing else becomes the parameter's value;
    /// inside a longer text it becomes text.
    ///
    /// # Errors
    /// [`Error::Query`] for parameters that are missing or unknown.
    pub fn with(&self, params: &JsonMap) -> Result<LiveQuery, Error> {
        let mut issues = Vec::new();
        for name in &self.params {
            if !params.contains_key(name) {
                let message = format!("The query \"{}\" needs the parameter {name}", self.name);
                issues.push(Issue::new(format!("params.{name}"), Code::Required, message));
            }
        }
        for name in params.keys().filter(|name| !self.params.contains(name)) {
            let message = unknown_name("parameter", name, self.params.iter().map(String::as_str));
            issues.push(Issue::new(format!("params.{name}"), Code::UnknownColumn, message));
        }
        if !issues.is_empty() {
            return Err(Error::Query(issues));
        }
        LiveQuery::from_json(&filled(&self.query, params))
    }
}

impl Store {
    /// Stores a query under a name, instead of one that was there; answers it.
    ///
    /// # Errors
    /// [`Error::Query`] for what can be no query whatever its parameters are, [`Error::Limit`] for too many and for one that is
    /// longer than [`QUERY_BYTES_MAX`].
    pub async fn define_query(&self, name: &str, query: &Json) -> Result<NamedQuery, Error> {
        check_name(name)?;
        let (max, got) = (QUERY_BYTES_MAX as u64, query.to_string().len() as u64);
        if got > max {
            let what = "bytes of a query";
            return Err(Error::Limit { what, max, got });
        }
        let mut params = Vec::new();
        parameters(query, &mut params)?;
        match params.is_empty() {
            true => drop(LiveQuery::from_json(query)?),
            false => LiveQuery::check_names(query)?,
        }
        let all = self.queries().await?;
        if all.len() >= QUERIES_MAX && !all.iter().any(|had| had.name == name) {
            let (max, got) = (QUERIES_MAX as u64, all.len() as u64 + 1);
            let what = "queries of a workspace";
            return Err(Error::Limit { what, max, got });
        }
        let named = NamedQuery {
            name: name.to_owned(),
            query: query.clone(),
            params,
            updated_at: self.now(),
        };
        let document = Document {
            kind: KIND.into(),
            id: self.query_id(name),
            lookup: None,
            body: serde_json::to_value(&named).map_err(|error| Error::Internal(error.to_string()))?,
            version: 0,
        };
        let write = DocumentWrite::Put {
            document,
            expected: None,
        };
        self.write_query(write).await?;
        Ok(named)
    }

    /// The stored queries of the workspace, by name.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn queries(&self) -> Result<Vec<NamedQuery>, Error> {
        let documents = self
            .core
            .backend
            .documents(DocumentQuery::Kind(KIND.into()))
            .await?;
        let own = self.query_id("");
        let here = documents
            .into_iter()
            .filter(|document| document.id.starts_with(&own));
        let mut queries = here.map(read).collect::<Result<Vec<_>, _>>()?;
        queries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(queries)
    }

    /// A stored query.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest name.
    pub async fn query_named(&self, name: &str) -> Result<NamedQuery, Error> {
        let id = self.query_id(name);
        let query = DocumentQuery::Id {
            kind: KIND.into(),
            id,
        };
        if let Some(document) = self.core.backend.documents(query).await?.pop() {
            return read(document);
        }
        let all = self.queries().await?;
        let names = all.iter().map(|query| query.name.as_str());
        Err(Error::NotFound {
            what: "query",
            message: unknown_name("query", name, names),
        })
    }

    /// Removes a stored query; whoever watches it goes on watching.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn undefine_query(&self, name: &str) -> Result<(), Error> {
        self.query_named(name).await?;
        let write = DocumentWrite::Delete {
            kind: KIND.into(),
            id: self.query_id(name),
        };
        self.write_query(write).await
    }

    /// The result of a query once.
    ///
    /// # Errors
    /// As [`Store::live`].
    pub async fn run(&self, query: LiveQuery) -> Result<(u64, LiveResult, LiveShape), Error> {
        let live = self.live(query).await?;
        Ok((live.revision(), live.result().clone(), live.shape().clone()))
    }

    /// The result of a stored query once.
    ///
    /// # Errors
    /// As [`Store::live`], [`NamedQuery::with`] and [`Store::query_named`].
    pub async fn run_query(
        &self,
        name: &str,
        params: &JsonMap,
    ) -> Result<(u64, LiveResult, LiveShape), Error> {
        self.run(self.query_named(name).await?.with(params)?).await
    }

    /// Subscribes to a stored query.
    ///
    /// # Errors
    /// As [`Store::run_query`].
    pub async fn subscribe(&self, name: &str, params: &JsonMap) -> Result<Live, Error> {
        let query = self.query_named(name).await?.with(params)?;
        self.live_in(query, &LiveInbox::default()).await
    }

    fn query_id(&self, name: &str) -> String {
        format!("{}/{name}", self.workspace)
    }

    async fn write_query(&self, write: DocumentWrite) -> Result<(), Error> {
        let batch = Batch {
            at: self.now(),
            actor: self.actor.id.clone(),
            documents: vec![write],
            ..Batch::default()
        };
        match self.core.backend.commit(batch).await {
            // Somebody else removed it at the same moment.
            Err(StorageError::DocumentConflict { kind, .. }) if kind == KIND => Ok(()),
            done => Ok(done.map(drop)?),
        }
    }
}

fn read(document: Document) -> Result<NamedQuery, Error> {
    serde_json::from_value(document.body)
        .map_err(|error| Error::Internal(format!("a stored query cannot be read: {error}")))
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let length = name.chars().count();
    if length == 0 || length > QUERY_NAME_CHARS_MAX || !name.chars().all(plain) {
        let message = format!(
            "A query's name is 1 to {QUERY_NAME_CHARS_MAX} letters, digits, dots, hyphens and underscores"
        );
        return Err(Error::Query(vec![Issue::new("name", Code::Format, message)]));
    }
    Ok(())
}

/// One piece of a text: as it stands, or the name of a parameter.
enum Piece<'a> {
    Text(&'a str),
    Parameter(&'a str),
}

/// The pieces of a text; none if a place in it is not closed, or names something else than a parameter.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let (mut rest, mut pieces) = (text, Vec::new());
    while let Some((before, inside)) = rest.split_once(MARKS.0) {
        let (place, after) = inside.split_once(MARKS.1)?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let name = place.trim().strip_prefix(PREFIX)?;
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        pieces.push(Piece::Parameter(name));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Some(pieces)
}

fn parameters(json: &Json, names: &mut Vec<String>) -> Result<(), Error> {
    match json {
        Json::String(text) => {
            let Some(pieces) = pieces(text) else {
                let message = format!("{text} holds a place that is not {{{{ params.name }}}}");
                return Err(Error::Query(vec![Issue::new("query", Code::Format, message)]));
            };
            for piece in pieces {
                if let Piece::Parameter(name) = piece
                    && !names.iter().any(|had| had == name)
                {
                    names.push(name.to_owned());
                }
            }
            Ok(())
        }
        Json::Array(list) => list.iter().try_for_each(|item| parameters(item, names)),
        Json::Object(object) => object.values().try_for_each(|value| parameters(value, names)),
        _ => Ok(()),
    }
}

fn filled(json: &Json, params: &JsonMap) -> Json {
    match json {
        Json::String(text) => filled_text(text, params),
        Json::Array(list) => list.iter().map(|item| filled(item, params)).collect(),
        Json::Object(object) => {
            let fill = |(name, value): (&String, &Json)| (name.clone(), filled(value, params));
            Json::Object(object.iter().map(fill).collect())
        }
        other => other.clone(),
    }
}

fn filled_text(text: &str, params: &JsonMap) -> Json {
    let pieces = pieces(text).unwrap_or_default();
    if let [Piece::Parameter(name)] = pieces.as_slice() {
        return params.get(*name).cloned().unwrap_or(Json::Null);
    }
    let mut filled = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Parameter(name) => match params.get(name) {
                Some(Json::String(text)) => filled.push_str(text),
                Some(value) => filled.push_str(&value.to_string()),
                None => {}
            },
        }
    }
    Json::String(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(query: Json) -> NamedQuery {
        let mut params = Vec::new();
        parameters(&query, &mut params).unwrap();
        NamedQuery {
            name: "q".into(),
            query,
            params,
            updated_at: 0,
        }
    }

    #[track_caller]
    fn check(filter: Json, params: Json, expected: Json) {
        let Json::Object(params) = params else {
            panic!("no object")
        };
        let query = named(json!({"table": "tasks", "filter": filter}))
            .with(&params)
            .unwrap();
        assert_eq!(query.filter, Some(expected));
    }

    #[test]
    fn a_parameter_alone_keeps_its_type_and_inside_a_text_becomes_text() {
        check(json!({"a": "{{ params.x }}"}), json!({"x": 3}), json!({"a": 3}));
        check(
            json!({"a": "{{params.x}}-{{ params.y }}"}),
            json!({"x": 3, "y": "z"}),
            json!({"a": "3-z"}),
        );
        check(
            json!({"a": {"$in": ["{{ params.x }}", 1]}}),
            json!({"x": null}),
            json!({"a": {"$in": [null, 1]}}),
        );
    }

    #[test]
    fn what_a_parameter_holds_is_not_looked_into() {
        check(
            json!({"a": "{{ params.x }}"}),
            json!({"x": "{{ params.y }}"}),
            json!({"a": "{{ params.y }}"}),
        );
    }

    #[test]
    fn missing_and_unknown_parameters_are_named() {
        let query = named(json!({"table": "tasks", "filter": {"a": "{{ params.status }}"}}));
        let params = json!({"statu": 1});
        let error = query.with(params.as_object().unwrap()).unwrap_err();
        let fields: Vec<&str> = error.issues().iter().map(|issue| &*issue.field).collect();
        assert_eq!(fields, ["params.status", "params.statu"]);
    }

    #[test]
    fn a_place_that_is_no_parameter_is_refused() {
        for text in ["{{ x }}", "{{ params. }}", "{{ params.a b }}", "{{ params.x"] {
            assert!(
                parameters(&json!({"a": text}), &mut Vec::new()).is_err(),
                "{text}"
            );
        }
    }
}
