//! Every operation of the OpenAPI document stands in the server's access list with the least role that may call it,
//! and the list names nothing else.
//!
//! Whether the role is right is for the server's own tests.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use regex::Regex;
use serde_json::Value;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "access",
    rule: "every route has an entry in the access list",
    run,
};

const DOCUMENT: &str = "crates/server/openapi.json";
const LIST: &str = "crates/server/src/access.rs";

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let (Some(document), Some(list)) = (tree.text(DOCUMENT), tree.text(LIST)) else {
        let missing = [DOCUMENT, LIST]
            .into_iter()
            .filter(|path| tree.text(path).is_none());
        return Ok(missing.map(|path| Finding::new(path, 0, "is missing")).collect());
    };
    let documented = documented(&document)?;
    let listed = listed(&list);
    let unlisted = documented.difference(&listed).map(|route| {
        Finding::new(
            LIST,
            0,
            format!("`{route}` has no entry: say the least role that may call it"),
        )
    });
    let unknown = listed.difference(&documented).map(|route| {
        Finding::new(
            LIST,
            0,
            format!("`{route}` is not in openapi.json: take the entry out, or document the route"),
        )
    });
    Ok(unlisted.chain(unknown).collect())
}

/// `GET /api/tables` for every operation.
fn documented(document: &str) -> Result<BTreeSet<String>> {
    let document: Value =
        serde_json::from_str(document).with_context(|| format!("{DOCUMENT} is not JSON"))?;
    let mut routes = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for method in operations
            .as_object()
            .into_iter()
            .flat_map(|operations| operations.keys())
        {
            if ["get", "put", "post", "patch", "delete", "head", "options"].contains(&method.as_str()) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    Ok(routes)
}

/// The same from the text of the list: a method, then the next path in quotes, in whatever punctuation.
fn listed(list: &str) -> BTreeSet<String> {
    static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)\b(GET|PUT|POST|PATCH|DELETE|HEAD|OPTIONS)\b["',:()\s]+(/[^"\s]*)""#)
            .expect("a valid pattern")
    });
    let code: String = list
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    ENTRY
        .captures_iter(&code)
        .map(|found| format!("{} {}", found[1].to_uppercase(), &found[2]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn an_unlisted_and_an_undocumented_route_are_reported() {
        let document = r#"{"paths": {"/api/tables": {"get": {}, "post": {}, "parameters": []}, "/healthz": {"get": {}}}}"#;
        let list = "//! (\"GET\", \"/comment\")\nconst A: &[_] = &[(\"GET\", \"/api/tables\", Viewer),\n(Get, \"/healthz\", Anyone), \"DELETE /gone\"];\n";
        reports(
            &CHECK,
            &[(DOCUMENT, document), (LIST, list)],
            &[
                "crates/server/src/access.rs:0 `POST /api/tables` has no entry",
                "crates/server/src/access.rs:0 `DELETE /gone` is not in openapi.json",
            ],
        );
    }

    #[test]
    fn a_missing_list_is_reported() {
        reports(
            &CHECK,
            &[(DOCUMENT, "{}")],
            &["crates/server/src/access.rs:0 is missing"],
        );
    }
}
