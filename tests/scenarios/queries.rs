//! Filters, sorts, pages, figures: what callers ask, by slug. Equality of backends is tested in storage.

use chancery::{
    Actor, AggregateInput, Code, ColumnInput, Count, Error, FilterInput, Function, ImportFile, ImportOptions,
    Json, Mapping, MeasureInput, MergeOptions, Operator, PageWindow, Query, Scope, Source, Store,
    TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

pub(crate) async fn films(store: &Store) -> TableHandle {
    let input = TableInput::new("Films")
        .column(ColumnInput::new("Title", "text").indexed())
        .column(ColumnInput::new("Year", "number").indexed())
        .column(ColumnInput::new("Genre", "select").options(["Drama", "Comedy"]))
        .column(ColumnInput::new("Gross", "currency"))
        .column(ColumnInput::new("Released", "date"))
        .column(ColumnInput::new("Tags", "multiSelect").options(["classic", "short"]));
    let films = store.create_table(input).await.expect("defined");
    let rows = vec![
        json!({"title": "Alpha", "year": 1950, "genre": "Drama", "gross": 10.5, "released": "1950-05-01", "tags": ["classic"]}),
        json!({"title": "beta", "year": 1960, "genre": "Comedy", "gross": 0.1, "tags": ["classic", "short"]}),
        json!({"title": "Gamma rays", "year": 1960, "gross": 0.2, "released": "1960-01-01"}),
        json!({"title": "Delta", "genre": "Drama"}),
    ];
    films.insert_many(rows).await.expect("inserted");
    films
}

pub(crate) async fn titles(films: &TableHandle, query: Query) -> Vec<String> {
    let records = films.select(&query).await.expect("answered");
    records
        .iter()
        .map(|record| record.get("title").as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn operators_find_what_they_say() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let check = async |column: &str, operator: Operator, value: Json, expected: &[&str]| {
            let query = Query::new()
                .filter(column, operator, value.clone())
                .ascending("title");
            assert_eq!(
                titles(&films, query).await,
                expected,
                "{column} {operator:?} {value}"
            );
        };
        check("year", Operator::Eq, json!(1960), &["Gamma rays", "beta"]).await;
        check("year", Operator::Neq, json!(1960), &["Alpha", "Delta"]).await;
        check("year", Operator::Between, json!([1940, 1955]), &["Alpha"]).await;
        check("year", Operator::IsEmpty, json!(null), &["Delta"]).await;
        check(
            "year",
            Operator::In,
            json!([1950, 1960]),
            &["Alpha", "Gamma rays", "beta"],
        )
        .await;
        check(
            "title",
            Operator::Contains,
            json!("A"),
            &["Alpha", "Delta", "Gamma rays", "beta"],
        )
        .await;
        check("title", Operator::StartsWith, json!("b"), &["beta"]).await;
        check("title", Operator::Regex, json!("^[A-D]"), &["Alpha", "Delta"]).await;
        check("genre", Operator::Eq, json!("Drama"), &["Alpha", "Delta"]).await;
        check("gross", Operator::Gt, json!("0.1"), &["Alpha", "Gamma rays"]).await;
        check("released", Operator::IsBefore, json!("1955-01-01"), &["Alpha"]).await;
        check(
            "tags",
            Operator::ContainsAll,
            json!(["classic", "short"]),
            &["beta"],
        )
        .await;
        check(
            "tags",
            Operator::HasAny,
            json!(["short", "classic"]),
            &["Alpha", "beta"],
        )
        .await;
        check(
            "createdAt",
            Operator::IsToday,
            json!(null),
            &["Alpha", "Delta", "Gamma rays", "beta"],
        )
        .await;
        check("version", Operator::Gte, json!(2), &[]).await;
    });
}

#[test]
fn what_does_not_fit_is_refused_with_what_does() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let query = Query::new()
            .filter("genre", Operator::Gt, json!("Drama"))
            .filter("titel", Operator::Eq, json!("x"))
            .filter("year", Operator::Eq, json!("soon"));
        let Err(Error::Query(issues)) = films.select(&query).await else {
            panic!("refused")
        };
        assert_eq!(
            issues.iter().map(|issue| issue.code).collect::<Vec<_>>(),
            [Code::Operator, Code::UnknownColumn, Code::Type]
        );
        assert!(
            issues[0]
                .message
                .starts_with("gt does not fit a select column; use one of: eq, neq"),
            "{}",
            issues[0].message
        );
        assert_eq!(issues[1].message, "No column \"titel\" (did you mean \"title\"?)");
    });
}

#[test]
fn nulls_sort_last_in_both_directions_unless_asked() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        assert_eq!(
            titles(&films, Query::new().ascending("year").ascending("title")).await,
            ["Alpha", "Gamma rays", "beta", "Delta"]
        );
        assert_eq!(
            titles(&films, Query::new().descending("year").ascending("title")).await,
            ["Gamma rays", "beta", "Alpha", "Delta"]
        );
    });
}

#[test]
fn pages_put_together_are_the_whole_in_both_directions() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let query = Query::new().ascending("year").descending("title");
        let whole = titles(&films, query.clone()).await;
        let (mut window, mut seen) = (PageWindow::After(None), Vec::new());
        loop {
            let page = films
                .page(&query, Scope::Live, window, 1, Count::Exact)
                .await
                .expect("a page");
            assert_eq!(page.total, Some(4));
            seen.extend(
                page.records
                    .iter()
                    .map(|record| record.get("title").as_str().unwrap_or_default().to_owned()),
            );
            match (page.has_more, page.next) {
                (true, Some(next)) => window = PageWindow::After(Some(next)),
                _ => break,
            }
        }
        assert_eq!(seen, whole);
        let last = films
            .page(&query, Scope::Live, PageWindow::Offset(3), 1, Count::None)
            .await
            .expect("a page");
        let before = last.previous.expect("a boundary");
        let page = films
            .page(&query, Scope::Live, PageWindow::Before(before), 2, Count::None)
            .await
            .expect("a page");
        let back: Vec<Json> = page.records.iter().map(|record| record.get("title")).collect();
        assert_eq!(
            (back, page.has_more),
            (vec![json!(whole[1]), json!(whole[2])], true)
        );
        let error = films
            .page(&query, Scope::Live, PageWindow::Offset(0), 1_001, Count::None)
            .await
            .expect_err("too many");
        assert!(matches!(
            error,
            Error::Limit {
                max: 1_000,
                got: 1_001,
                ..
            }
        ));
    });
}

#[test]
fn a_cursor_whose_record_was_deleted_goes_on_at_the_right_place() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "k", "schema": {"k": {"type": "string"}}});
        let bucket = store.define_bucket("b", &definition).await.expect("defined");
        for key in ["a", "b", "c", "d"] {
            bucket.insert(json!({"k": key})).await.expect("inserted");
        }
        let page = bucket.paginate(None, 2).await.expect("a page");
        assert!(page.has_more);
        bucket.delete("b").await.expect("deleted");
        let rest = bucket.paginate(Some("b"), 10).await.expect("a page");
        let keys: Vec<Json> = rest.records.iter().map(|record| record.get("k")).collect();
        assert_eq!((keys, rest.has_more), (vec![json!("c"), json!("d")], false));
        assert_eq!(bucket.first(2).await.expect("read").len(), 2);
        assert_eq!(bucket.last(1).await.expect("read")[0].get("k"), json!("d"));
        assert!(bucket.last(0).await.expect("read").is_empty());
    });
}

#[test]
fn figures_are_exact() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        assert_eq!(
            films.sum("gross").await.expect("a sum").to_string(),
            "10.8",
            "decimals are never floats"
        );
        assert_eq!(films.avg("year").await.expect("a mean"), json!(5870.0 / 3.0));
        assert_eq!(films.min("released").await.expect("a least"), json!("1950-05-01"));
        assert_eq!(films.max("title").await.expect("a greatest"), json!("beta"));
        let measure = |function, column: Option<&str>| MeasureInput {
            function,
            column: column.map(str::to_owned),
        };
        let groups = films
            .group_by(&["year"], measure(Function::Count, None), json!({}))
            .await
            .expect("groups");
        let found: Vec<(Json, Json)> = groups
            .iter()
            .map(|group| (group.group[0].1.clone(), group.figures[0].clone()))
            .collect();
        assert_eq!(
            found,
            [
                (json!(1950), json!(1)),
                (json!(1960), json!(2)),
                (json!(null), json!(1))
            ]
        );
        let wrong = AggregateInput {
            measures: vec![measure(Function::Sum, Some("title"))],
            ..AggregateInput::default()
        };
        let error = films.aggregate(&wrong).await.expect_err("no number");
        assert!(error.to_string().contains("sum needs a number column"), "{error}");
        let distinct = films.distinct("year", &Query::new()).await.expect("values");
        assert_eq!(distinct, [(json!(1950), 1), (json!(1960), 2), (json!(null), 1)]);
    });
}

#[test]
fn records_are_found_by_where_they_came_from() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let file = ImportFile::bytes(b"title,year\nOne,2001\nTwo,2002\nThree,2003\n".as_slice());
        let report = films
            .import_csv(&file, &Mapping::new(), &ImportOptions::default())
            .await
            .expect("imported");
        let of_import = || Query::new().filter("importId", Operator::Eq, report.import_id.as_str());
        assert_eq!(
            titles(&films, of_import().descending("importRow")).await,
            ["Three", "Two", "One"]
        );
        let some = of_import().filter("importRow", Operator::Between, json!([2, 3]));
        assert_eq!(
            titles(&films, some.ascending("importRow")).await,
            ["Two", "Three"]
        );
        let automation = Actor {
            id: None,
            source: Source::Automation,
        };
        let by_itself = store.acting(automation).table("films").expect("there");
        let made = by_itself
            .insert(json!({"title": "Four"}))
            .await
            .expect("inserted");
        let source = |name: &str| Query::new().filter("source", Operator::Eq, name);
        assert_eq!(titles(&films, source("automation")).await, ["Four"]);
        films.purge(made.key().clone()).await.expect("gone");
        assert_eq!(films.count(&source("import")).await.expect("counted"), 3);
        assert_eq!(films.count(&source("api")).await.expect("counted"), 4);
        let others = Query::new().filter("importId", Operator::IsEmpty, json!(null));
        assert_eq!(films.count(&others).await.expect("counted"), 4);
        let refused = films.select(&source("improt")).await.expect_err("no such source");
        assert!(refused.to_string().contains("ui, import, api"), "{refused}");
        let found = films
            .select(&of_import().ascending("importRow"))
            .await
            .expect("found");
        let (survivor, other) = (found[0].key().clone(), found[1].key().clone());
        films
            .merge(survivor.clone(), &[other], MergeOptions::default())
            .await
            .expect("merged");
        let merged = Query::new().filter("duplicateOf", Operator::Eq, survivor.to_string());
        let gone = films.page(&merged, Scope::Trash, PageWindow::Offset(0), 9, Count::None);
        assert_eq!(gone.await.expect("found").records.len(), 1);
    });
}

#[test]
fn the_bucket_filter_knows_operators_and_refuses_unknown_ones() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let found = films
            .filter(json!({"year": {"$gte": 1955}, "$or": [{"title": "beta"}, {"gross": {"$gt": 5}}]}))
            .await;
        assert_eq!(found.expect("answered").len(), 1);
        let error = films
            .filter(json!({"year": {"$foo": 1}}))
            .await
            .expect_err("no such operator");
        assert!(error.to_string().contains("No operator \"foo\""), "{error}");
        let one = films
            .find_one(json!({"year": 1960}))
            .await
            .expect("answered")
            .expect("found");
        assert_eq!(one.get("title"), json!("beta"));
    });
}

#[test]
fn an_index_never_changes_an_answer() {
    on_every_backend(|store| async move {
        let films = films(&store).await;
        let query = Query {
            filter: Some(FilterInput::Or(Vec::new())),
            ..Query::default()
        };
        assert!(titles(&films, query).await.is_empty(), "or of nothing is nothing");
        let before = titles(
            &films,
            Query::new().filter("gross", Operator::IsEmpty, Json::Null),
        )
        .await;
        let patch = chancery::ColumnPatch {
            indexed: Some(true),
            ..Default::default()
        };
        films.update_column("gross", patch).await.expect("indexed");
        assert_eq!(
            titles(
                &films,
                Query::new().filter("gross", Operator::IsEmpty, Json::Null)
            )
            .await,
            before
        );
        assert_eq!(films.filter(json!({"gross": null})).await.expect("read").len(), 1);
    });
}

#[test]
fn the_same_question_has_the_same_answer_with_and_without_an_index() {
    on_every_backend(|store| async move {
        let definition = |indexes: Json| {
            json!({"key": "k", "indexes": indexes, "schema": {
                "k": {"type": "number"}, "v": {"type": "string"}, "n": {"type": "number"},
            }})
        };
        let buckets = [
            ("plain", json!([])),
            ("single", json!(["v", "n"])),
            ("double", json!([["v", "n"], ["n", "v"]])),
        ];
        let mut answers = Vec::new();
        for (name, indexes) in buckets {
            let bucket = store
                .define_bucket(name, &definition(indexes))
                .await
                .expect("defined");
            for (k, v, n) in [
                (1, json!("x"), json!(2)),
                (4, json!("a"), json!(1)),
                (3, json!("a"), Json::Null),
                (2, Json::Null, json!(1)),
            ] {
                bucket
                    .insert(json!({"k": k, "v": v, "n": n}))
                    .await
                    .expect("inserted");
            }
            bucket.insert(json!({"k": 5})).await.expect("inserted");
            // A record that gets a value late does not come late.
            bucket.update(1, json!({"v": "a"})).await.expect("updated");
            let mut found = Vec::new();
            for filter in [
                json!({"v": "a"}),
                json!({"v": null}),
                json!({"v": {"$eq": null}}),
                json!({"v": {"$neq": "a"}}),
                json!({"v": {"$exists": false}}),
                json!({"n": {"$gte": 1}}),
                json!({"n": null, "v": "a"}),
                json!({"$or": [{"n": 1}, {"v": null}]}),
            ] {
                let records = bucket.filter(filter.clone()).await.expect("answered");
                let keys: Vec<Json> = records.iter().map(|record| record.get("k")).collect();
                let first = bucket.find_one(filter.clone()).await.expect("answered");
                assert_eq!(
                    first.map(|record| record.get("k")),
                    keys.first().cloned(),
                    "{name} {filter}"
                );
                found.push((filter, keys));
            }
            answers.push(found);
        }
        let keys: Vec<&Vec<Json>> = answers[0].iter().map(|(_, keys)| keys).collect();
        assert_eq!(keys[0], &[1, 3, 4], "in key order");
        assert_eq!(
            (keys[1], keys[2], keys[4]),
            (keys[2], keys[4], &vec![json!(2), json!(5)]),
            "null and missing are one"
        );
        assert_eq!(answers[1], answers[0], "single indexes");
        assert_eq!(answers[2], answers[0], "indexes over two columns");
    });
}

#[test]
fn nothing_is_asked_by_mistake() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "k", "schema": {"k": {"type": "number"}, "v": {"type": "number"}}});
        let bucket = store.define_bucket("b", &definition).await.expect("defined");
        for k in 1..=4 {
            bucket.insert(json!({"k": k, "v": k})).await.expect("inserted");
        }
        assert!(bucket.first(0).await.expect("read").is_empty());
        assert!(bucket.last(0).await.expect("read").is_empty());
        assert_eq!(bucket.last(9).await.expect("read").len(), 4);
        // The key of a record that was deleted, and one that never was.
        bucket.delete(2).await.expect("deleted");
        for (after, expected) in [("2", vec![3, 4]), ("0", vec![1, 3, 4]), ("9", vec![])] {
            let page = bucket.paginate(Some(after), 10).await.expect("a page");
            let keys: Vec<Json> = page.records.iter().map(|record| record.get("k")).collect();
            assert_eq!(keys, expected, "after {after}");
        }
        assert!(matches!(
            bucket.paginate(Some("x"), 10).await,
            Err(Error::Query(_))
        ));
        for filter in [
            json!({"v": {"$foo": 1}}),
            json!({"$or": [{"v": {"$gt": 1, "$gtee": 2}}]}),
        ] {
            let refused = bucket.filter(filter.clone()).await;
            assert!(matches!(refused, Err(Error::Query(_))), "{filter}");
        }
        let dotted = store.define_bucket("a.b", &definition).await;
        assert!(
            matches!(dotted, Err(Error::Definition(_))),
            "a dot would part a topic"
        );
    });
}
