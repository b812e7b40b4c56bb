//! Finding duplicates: which records are one group by which compare, what is said and taken back about pairs, what a group is after
//! others wrote, and what hostile values cost. How good the weighing is, the model's own tests say.

use std::collections::BTreeMap;
use std::time::Duration;

use chancery::{
    ColumnInput, ComparedColumn, DuplicateOptions, Error, FindState, Json, MergeOptions, Operator, Query,
    RevertOptions, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

async fn people(store: &Store, records: &[Json]) -> TableHandle {
    let input = TableInput::new("People")
        .column(ColumnInput::new("Name", "text"))
        .column(ColumnInput::new("City", "text"))
        .column(ColumnInput::new("Email", "email"))
        .column(ColumnInput::new("Phone", "phone"))
        .column(ColumnInput::new("Born", "date"))
        .column(ColumnInput::new("Points", "number"));
    let table = store.create_table(input).await.expect("defined");
    for record in records {
        table.insert(record.clone()).await.expect("inserted");
    }
    table
}

/// The names in each group, groups and names in order.
async fn groups(table: &TableHandle, options: DuplicateOptions) -> Vec<Vec<String>> {
    let found = table.find_duplicates(options).await.expect("found");
    let mut groups = Vec::new();
    for group in &found.groups {
        assert_eq!(
            group.links.len() + 1,
            group.keys.len(),
            "a group is held together by its links"
        );
        let mut names = Vec::new();
        for key in &group.keys {
            let record = table.get(key).await.expect("read").expect("it is there");
            names.push(record.get("name").as_str().unwrap_or("-").to_owned());
        }
        names.sort();
        groups.push(names);
    }
    groups.sort();
    groups
}

fn by(columns: impl IntoIterator<Item = ComparedColumn>) -> DuplicateOptions {
    DuplicateOptions {
        columns: columns.into_iter().collect(),
        ..DuplicateOptions::default()
    }
}

#[test]
fn values_are_the_same_exactly_normalised_or_by_similarity() {
    on_every_backend(|store| async move {
        let table = people(
            &store,
            &[
                json!({"name": "Jörg Strauß", "city": "Köln", "points": 1.5}),
                json!({"name": "JORG  STRAUSS", "city": "koeln", "points": 1.50}),
                json!({"name": "Jörg Strauß", "city": "Bonn"}),
                json!({"name": "Jörg Straus", "city": "Köln"}),
                json!({"name": "O'Brien, Ann", "city": "Cork"}),
                json!({"name": "OBrien Ann", "city": "cork "}),
            ],
        )
        .await;
        let exact = groups(&table, by([ComparedColumn::exact("name")])).await;
        assert_eq!(exact, [["Jörg Strauß", "Jörg Strauß"]]);
        let normalised = groups(&table, by([ComparedColumn::normalised("name")])).await;
        assert_eq!(
            normalised,
            [
                vec!["JORG  STRAUSS", "Jörg Strauß", "Jörg Strauß"],
                vec!["O'Brien, Ann", "OBrien Ann"]
            ]
        );
        let both = by([
            ComparedColumn::normalised("name"),
            ComparedColumn::normalised("city"),
        ]);
        assert_eq!(groups(&table, both).await, [["O'Brien, Ann", "OBrien Ann"]]);
        let fuzzy = groups(&table, by([ComparedColumn::fuzzy("name", 0.9)])).await;
        assert_eq!(fuzzy[0].len(), 4);
        let numbers = groups(&table, by([ComparedColumn::exact("points")])).await;
        assert_eq!(numbers, [["JORG  STRAUSS", "Jörg Strauß"]]);
        let told = DuplicateOptions {
            case_sensitive: Some(true),
            ..by([ComparedColumn::normalised("name")])
        };
        assert_eq!(groups(&table, told).await.len(), 2, "only the case keeps one out");
        let here = DuplicateOptions {
            query: Query::new().filter("city", Operator::Eq, "Köln"),
            ..by([ComparedColumn::fuzzy("name", 0.9)])
        };
        assert_eq!(groups(&table, here).await, [["Jörg Straus", "Jörg Strauß"]]);
    });
}

#[test]
fn blanks_make_no_duplicates_and_say_nothing() {
    on_every_backend(|store| async move {
        let table = people(
            &store,
            &[
                json!({"name": "Ann"}),
                json!({"name": "Bob"}),
                json!({"name": "Cid", "email": "cid@example.com"}),
                json!({"name": "Cyd", "email": "CID@example.com"}),
                json!({"name": "Dora Meyer", "city": "Ulm"}),
                json!({"name": "Dora Meier"}),
            ],
        )
        .await;
        let mails = groups(&table, by([ComparedColumn::normalised("email")])).await;
        assert_eq!(mails, [["Cid", "Cyd"]]);
        let named = groups(&table, DuplicateOptions::by(&["name", "city"], Some(0.85))).await;
        assert!(
            named.contains(&vec!["Dora Meier".to_owned(), "Dora Meyer".to_owned()]),
            "{named:?}"
        );
    });
}

#[test]
fn what_is_not_a_duplicate_stays_none_until_that_is_taken_back() {
    on_every_backend(|store| async move {
        let table = people(
            &store,
            &[
                json!({"name": "Ann Lee"}),
                json!({"name": "Ann Lee"}),
                json!({"name": "Ann Leé"}),
            ],
        )
        .await;
        let by_name = || by([ComparedColumn::normalised("name")]);
        let found = table.find_duplicates(by_name()).await.expect("found");
        let keys = found.groups[0].keys.clone();
        assert_eq!(keys.len(), 3);
        let said = table.keep_apart(&keys[..2]).await.expect("kept");
        assert_eq!(
            table.keep_apart(&keys[..2]).await.expect("kept").id,
            said.id,
            "said twice, kept once"
        );
        let found = table.find_duplicates(by_name()).await.expect("found");
        assert_eq!(
            found
                .groups
                .iter()
                .map(|group| group.keys.len())
                .collect::<Vec<_>>(),
            [2]
        );
        assert_eq!(table.kept_apart().await.expect("read").len(), 1);
        table.allow_together(&said.id).await.expect("taken back");
        assert!(matches!(
            table.allow_together(&said.id).await,
            Err(Error::NotFound { .. })
        ));
        let found = table.find_duplicates(by_name()).await.expect("found");
        assert_eq!(found.groups[0].keys.len(), 3);
        assert!(matches!(
            table.keep_apart(&keys[..1]).await,
            Err(Error::Limit { .. })
        ));
    });
}

#[test]
fn records_that_are_gone_are_not_seen_and_those_that_are_back_are() {
    on_every_backend(|store| async move {
        let table = people(
            &store,
            &[
                json!({"name": "Ann"}),
                json!({"name": "ann"}),
                json!({"name": "Bob"}),
            ],
        )
        .await;
        let by_name = || by([ComparedColumn::normalised("name")]);
        let keys = table.find_duplicates(by_name()).await.expect("found").groups[0]
            .keys
            .clone();
        let merged = table
            .merge(&keys[0], &keys[1..], MergeOptions::default())
            .await
            .expect("merged");
        assert!(
            table
                .find_duplicates(by_name())
                .await
                .expect("found")
                .groups
                .is_empty()
        );
        let operation = merged.operation.expect("two became one");
        store
            .revert(&operation, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!(
            table
                .find_duplicates(by_name())
                .await
                .expect("found")
                .groups
                .len(),
            1
        );
        table.delete(&keys[0]).await.expect("deleted");
        assert!(
            table
                .find_duplicates(by_name())
                .await
                .expect("found")
                .groups
                .is_empty()
        );
    });
}

#[test]
fn a_column_that_cannot_be_compared_so_is_named() {
    on_every_backend(|store| async move {
        let table = people(&store, &[]).await;
        let wrong = by([
            ComparedColumn::exact("nmae"),
            ComparedColumn::fuzzy("city", 1.5),
            ComparedColumn::exact("name"),
            ComparedColumn::exact("name"),
        ]);
        let error = table.find_duplicates(wrong).await.expect_err("refused");
        let fields: Vec<&str> = error.issues().iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["nmae", "city", "name"]);
        assert!(error.issues()[0].message.contains("\"name\""), "{error}");
        assert!(matches!(
            table.find_duplicates(by([])).await,
            Err(Error::Query(_))
        ));
        let none = table
            .find_duplicates(by([ComparedColumn::fuzzy("name", 0.8)]))
            .await
            .expect("found");
        assert_eq!((none.records, none.groups.len()), (0, 0));
    });
}

#[test]
fn a_search_goes_on_in_the_background_and_is_remembered() {
    on_every_backend(|store| async move {
        let table = people(&store, &[json!({"name": "Ann"}), json!({"name": "Ann"})]).await;
        let id = table
            .begin_find(by([ComparedColumn::exact("name")]))
            .expect("begun");
        let status = table
            .wait_for_find(&id, Duration::from_secs(30))
            .await
            .expect("known");
        let FindState::Done(found) = status.state else {
            panic!("it is done: {:?}", status.state)
        };
        assert_eq!(found.groups.len(), 1);
        table.cancel_find(&id).expect("forgotten");
        assert!(matches!(table.find_status(&id), Err(Error::NotFound { .. })));
        let control = DuplicateOptions::default().control;
        control.cancel();
        let stopped = DuplicateOptions {
            control,
            ..by([ComparedColumn::exact("name")])
        };
        assert!(matches!(
            table.find_duplicates(stopped).await,
            Err(Error::Cancelled)
        ));
    });
}

#[test]
fn hostile_values_cost_no_more_than_others_and_what_is_cut_short_is_said() {
    on_every_backend(|store| async move {
        let long = |end: &str| json!({"name": format!("{}{end}", "x y ".repeat(250_000)), "city": "Ulm"});
        let mut records = vec![
            long("a"),
            long("a"),
            long("b"),
            json!({"name": "…", "city": "!!!"}),
        ];
        records.extend((0..6_000).map(|at| json!({"name": "same", "city": format!("c{}", at % 3_000)})));
        let table = people(&store, &[]).await;
        for chunk in records.chunks(1_000) {
            table.insert_many(chunk.to_vec()).await.expect("inserted");
        }
        let found = table
            .find_duplicates(by([ComparedColumn::normalised("name")]))
            .await
            .expect("found");
        let mut sizes: Vec<usize> = found.groups.iter().map(|group| group.keys.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 6_000]);
        assert_eq!(found.told.shortened, 3);
        let found = table
            .find_duplicates(DuplicateOptions::by(&["name"], Some(0.8)))
            .await
            .expect("found");
        assert!(
            found.told.compared < 1_000,
            "equal values are compared once: {:?}",
            found.told
        );
    });
}

#[test]
fn exact_compare_is_what_comparing_all_with_all_says() {
    on_every_backend(|store| async move {
        let table = people(&store, &[]).await;
        let mut seed = 7_u64;
        let mut draw = |most: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        let mut rows = Vec::new();
        for _ in 0..120 {
            let mut row = json!({});
            for (slug, most) in [("name", 5), ("city", 4), ("points", 3)] {
                match (draw(most + 1), slug) {
                    (0, _) => {}
                    (value, "points") => row[slug] = json!(value),
                    (value, _) => row[slug] = json!(format!("v{value}")),
                }
            }
            rows.push(row);
        }
        for row in &rows {
            table.insert(row.clone()).await.expect("inserted");
        }
        for columns in [vec!["name"], vec!["name", "city"], vec!["name", "city", "points"]] {
            let mut naive: BTreeMap<String, usize> = BTreeMap::new();
            for row in rows
                .iter()
                .filter(|row| columns.iter().any(|slug| row.get(slug).is_some()))
            {
                let key: Vec<String> = columns.iter().map(|slug| row[*slug].to_string()).collect();
                *naive.entry(key.join("|")).or_default() += 1;
            }
            let mut naive: Vec<usize> = naive.into_values().filter(|count| *count > 1).collect();
            let options = by(columns.iter().map(|slug| ComparedColumn::exact(slug)));
            let found = table.find_duplicates(options).await.expect("found");
            let mut sizes: Vec<usize> = found.groups.iter().map(|group| group.keys.len()).collect();
            naive.sort_unstable();
            sizes.sort_unstable();
            assert_eq!(sizes, naive, "{columns:?}");
            assert!(found.groups.iter().all(|group| group.score == 1.0));
        }
    });
}
