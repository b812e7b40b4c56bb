//! The OpenAPI document: as committed, and in step with the access table.

use std::collections::BTreeSet;

use chancery_server::access::RULES;

#[test]
fn the_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let made = chancery_server::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == made,
        "openapi.json differs from the routes; run with UPDATE_OPENAPI=1 and look at the difference"
    );
}

#[test]
fn every_route_says_who_may_call_it_and_every_rule_has_a_route() {
    let document = serde_json::to_value(chancery_server::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let rules: BTreeSet<String> = RULES
        .iter()
        .map(|rule| format!("{} {}", rule.method, rule.path))
        .collect();
    assert_eq!(
        rules.len(),
        RULES.len(),
        "a route stands twice in the access table"
    );
    let open: Vec<_> = routes.difference(&rules).collect();
    let stale: Vec<_> = rules.difference(&routes).collect();
    assert!(
        open.is_empty() && stale.is_empty(),
        "routes without a rule: {open:?}; rules without a route: {stale:?}"
    );
}

#[test]
fn operations_have_names_of_their_own_and_summaries() {
    let document = serde_json::to_value(chancery_server::document()).unwrap();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} stands twice");
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
                "{method} {path}"
            );
            assert!(operation["tags"][0].is_string(), "{method} {path} has no tag");
        }
    }
}

#[test]
fn refusals_are_documented_as_problems() {
    let document = serde_json::to_value(chancery_server::document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let problem = &response["content"]["application/problem+json"];
                assert_eq!(
                    status.parse::<u16>().unwrap() >= 400,
                    problem.is_object(),
                    "{method} {path} {status}"
                );
            }
        }
    }
}
