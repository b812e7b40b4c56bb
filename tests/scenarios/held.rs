//! Somebody who is held to rights: tables, columns and records beyond them are not there, whatever is asked, and are not written.

use std::sync::Arc;

use chancery::access::{Grant, Place, Rights, Scope};
use chancery::model::aggregate::Function;
use chancery::{
    AggregateInput, BulkOptions, Code, ColumnInput, Condition, Error, ExportOptions, FilterInput, Json,
    JsonMap, LiveQuery, MeasureInput, OnError, Query, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

/// People with a team and a salary, and notes about them.
async fn tables(store: &Store) -> (TableHandle, TableHandle) {
    let people = TableInput::new("people")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("team", "text"))
        .column(ColumnInput::new("salary", "number"));
    let people = store.create_table(people).await.expect("made");
    let relation = ColumnInput {
        config: object(json!({"table": "people"})),
        ..ColumnInput::new("person", "relation")
    };
    let lookup = ColumnInput {
        config: object(json!({"relation": "person", "column": "salary"})),
        ..ColumnInput::new("earns", "lookup")
    };
    let notes = TableInput::new("notes")
        .column(ColumnInput::new("text", "text"))
        .column(relation)
        .column(lookup);
    let notes = store.create_table(notes).await.expect("made");
    (people, notes)
}

fn object(json: Json) -> JsonMap {
    json.as_object().cloned().expect("an object")
}

fn place(table: &TableHandle, column: Option<&str>) -> Place {
    let id = table.definition().expect("there").id.clone();
    match column {
        Some(slug) => Place::Column(id, slug.into()),
        None => Place::Table(id),
    }
}

fn grant(place: Place, scope: Scope) -> Grant {
    Grant {
        place,
        scope,
        filter: None,
    }
}

fn only_north(place: Place, scope: Scope) -> Grant {
    let condition = Condition {
        column: "team".into(),
        operator: "eq".into(),
        value: json!("north"),
    };
    Grant {
        filter: Some(FilterInput::Condition(condition)),
        ..grant(place, scope)
    }
}

fn held(store: &Store, scope: Scope, grants: Vec<Grant>) -> Store {
    store.check_grants(&grants).expect("fitting grants");
    store.held_to(Arc::new(Rights::new(scope, grants)))
}

async fn fill(people: &TableHandle, notes: &TableHandle) -> (String, String) {
    let mut ids = Vec::new();
    for (name, team, salary) in [("Ann", "north", 10), ("Bob", "south", 20), ("Cid", "north", 30)] {
        let made = people
            .insert(json!({"name": name, "team": team, "salary": salary}))
            .await;
        ids.push(made.expect("inserted").id());
    }
    for (text, person) in [("good", &ids[0]), ("better", &ids[1])] {
        let note = json!({"text": text, "person": person});
        notes.insert(note).await.expect("inserted");
    }
    (ids[0].clone(), ids[1].clone())
}

fn forbidden<T>(outcome: Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Forbidden { .. }))
}

async fn csv(table: &TableHandle) -> String {
    let mut parts = table
        .export_csv(&ExportOptions::default())
        .await
        .expect("exported");
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        bytes.extend(part.expect("a part"));
    }
    String::from_utf8(bytes).expect("text")
}

fn measured(function: Function, column: &str, group_by: Option<&str>) -> AggregateInput {
    AggregateInput {
        query: Query::new(),
        measures: vec![MeasureInput {
            function,
            column: Some(column.into()),
        }],
        group_by: group_by.map(str::to_owned).into_iter().collect(),
    }
}

#[test]
fn a_table_is_there_for_those_who_may_see_it() {
    on_every_backend(|store| async move {
        let (people, _) = tables(&store).await;
        let guest = held(
            &store,
            Scope::None,
            vec![grant(place(&people, None), Scope::Read)],
        );
        let seen: Vec<String> = guest
            .tables()
            .iter()
            .map(|table| table.definition().expect("there").slug.clone())
            .collect();
        assert_eq!(seen, ["people"]);
        let Err(Error::NotFound { message, .. }) = guest.table("notes") else {
            panic!("a hidden table was found");
        };
        assert!(!message.contains("did you mean"), "{message}");
        let id = store
            .table("notes")
            .expect("there")
            .definition()
            .expect("there")
            .id
            .clone();
        assert!(guest.table(&id).is_err(), "by its id");

        let refused = guest
            .table("people")
            .expect("there")
            .insert(json!({"name": "Dan"}))
            .await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
        let nobody = held(&store, Scope::None, Vec::new());
        assert!(nobody.tables().is_empty() && nobody.workspaces().is_empty());
        // More in one table than around it.
        let reader = held(
            &store,
            Scope::Read,
            vec![grant(place(&people, None), Scope::Write)],
        );
        let notes = reader.table("notes").expect("there");
        assert!(matches!(
            notes.insert(json!({"text": "x"})).await,
            Err(Error::Forbidden { .. })
        ));
        let people = reader.table("people").expect("there");
        people.insert(json!({"name": "Dan"})).await.expect("written");
    });
}

#[test]
fn records_that_a_filter_leaves_out_are_not_there_whatever_is_asked() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let (ann, bob) = fill(&people, &notes).await;
        let grants = vec![
            only_north(place(&people, None), Scope::Write),
            grant(place(&notes, None), Scope::Read),
        ];
        let north = held(&store, Scope::None, grants);
        let seen = north.table("people").expect("there");

        assert!(seen.get(&ann).await.expect("read").is_some());
        assert!(seen.get(&bob).await.expect("read").is_none());
        assert!(seen.get_any(&bob).await.expect("read").is_none());
        let names = |records: Vec<chancery::Record>| {
            let names: Vec<Json> = records.iter().map(|record| record.get("name")).collect();
            json!(names)
        };
        let sorted = seen.select(&Query::new().ascending("name")).await.expect("read");
        assert_eq!(names(sorted), json!(["Ann", "Cid"]));
        let either = Query::new().filter("salary", chancery::Operator::Gt, 15);
        assert_eq!(names(seen.select(&either).await.expect("read")), json!(["Cid"]));
        assert_eq!(seen.count(&Query::new()).await.expect("counted"), 2);
        assert_eq!(
            seen.select(&Query::new().search("bob"))
                .await
                .expect("read")
                .len(),
            0
        );
        assert_eq!(seen.stats().await.expect("read").live, 2);
        let sums = seen
            .aggregate(&measured(Function::Sum, "salary", Some("team")))
            .await
            .expect("figures");
        assert_eq!(sums.len(), 1);
        assert_eq!(sums[0].figures[0], json!(40));
        let teams = seen.distinct("team", &Query::new()).await.expect("values");
        assert_eq!(teams, [(json!("north"), 2)]);
        let mut stream = seen.stream(&Query::new()).await.expect("a stream");
        let mut streamed = 0;
        while let Some(chunk) = stream.next().await {
            streamed += chunk.expect("a chunk").len();
        }
        assert_eq!(streamed, 2);
        let csv = csv(&seen).await;
        assert!(csv.contains("Ann") && !csv.contains("Bob"), "{csv}");

        // A name that others show is not told either.
        let notes = north.table("notes").expect("there");
        let shown = notes.select(&Query::new().ascending("text")).await.expect("read");
        assert_eq!(shown[1].display()["person"], "Ann");
        assert_ne!(shown[0].display().get("person"), Some(&json!("Bob")));
        assert_eq!(shown[0].get("earns"), Json::Null);
    });
}

#[test]
fn nothing_is_written_beyond_a_filter() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let (ann, bob) = fill(&people, &notes).await;
        let north = held(
            &store,
            Scope::None,
            vec![only_north(place(&people, None), Scope::Write)],
        );
        let seen = north.table("people").expect("there");
        let before = people.get(&bob).await.expect("read").expect("there").version();

        let outside = seen.insert(json!({"name": "Dan", "team": "south"})).await;
        assert!(matches!(outside, Err(Error::Forbidden { .. })), "{outside:?}");
        let out = seen.update(&ann, json!({"team": "south"})).await;
        assert!(matches!(out, Err(Error::Forbidden { .. })), "{out:?}");
        let there = seen.update(&bob, json!({"name": "Rob"})).await;
        assert!(matches!(there, Err(Error::NotFound { .. })), "{there:?}");
        assert!(
            !seen.delete(&bob).await.expect("answered"),
            "a record beyond the filter was deleted"
        );
        assert!(
            !seen.purge(&bob).await.expect("answered"),
            "a record beyond the filter was purged"
        );
        let lenient = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let ids = [ann.clone(), bob.clone()];
        let deleted = seen.bulk_delete(&ids, lenient).await.expect("answered");
        assert_eq!(
            deleted
                .items
                .iter()
                .filter(|item| matches!(item, chancery::Bulk::Deleted(_)))
                .count(),
            1
        );
        assert!(
            seen.clear().await.is_err(),
            "a table was cleared of what is beyond the filter"
        );
        seen.restore(&ann).await.expect("restored");
        seen.update(&ann, json!({"name": "Anna"})).await.expect("written");

        let bob = people.get(&bob).await.expect("read").expect("still there");
        assert_eq!(bob.version(), before);
        assert_eq!(people.count(&Query::new()).await.expect("counted"), 3);
    });
}

#[test]
fn a_hidden_column_is_not_there_and_one_that_is_read_is_not_written() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let (ann, _) = fill(&people, &notes).await;
        let grants = vec![
            grant(place(&people, Some("salary")), Scope::None),
            grant(place(&people, Some("team")), Scope::Read),
        ];
        let clerk = held(&store, Scope::Write, grants);
        let seen = clerk.table("people").expect("there");

        let record = seen.get(&ann).await.expect("read").expect("there");
        assert_eq!(record.get("salary"), Json::Null);
        assert!(!record.flat().contains_key("salary") && !record.data().contains_key("salary"));
        let slugs: Vec<String> = seen
            .seen()
            .expect("there")
            .live()
            .map(|column| column.slug.clone())
            .collect();
        assert_eq!(slugs, ["name", "team"]);
        let unknown = |result: Result<usize, Error>| match result {
            Err(Error::Query(issues)) => assert_eq!(issues[0].code, Code::UnknownColumn, "{issues:?}"),
            other => panic!("a hidden column was asked for: {other:?}"),
        };
        let filtered = Query::new().filter("salary", chancery::Operator::Gt, 15);
        unknown(seen.select(&filtered).await.map(|found| found.len()));
        unknown(seen.count(&filtered).await.map(|count| count as usize));
        unknown(
            seen.select(&Query::new().descending("salary"))
                .await
                .map(|found| found.len()),
        );
        unknown(
            seen.aggregate(&measured(Function::Max, "salary", None))
                .await
                .map(|found| found.len()),
        );
        unknown(
            seen.aggregate(&measured(Function::Count, "name", Some("salary")))
                .await
                .map(|found| found.len()),
        );
        unknown(
            seen.distinct("salary", &Query::new())
                .await
                .map(|found| found.len()),
        );
        let csv = csv(&seen).await;
        assert_eq!(
            csv.lines().next().map(|line| line.contains("alary")),
            Some(false),
            "{csv}"
        );
        // Nor is it shown through another table.
        let notes = clerk.table("notes").expect("there");
        let shown = notes.select(&Query::new()).await.expect("read");
        assert!(shown.iter().all(|note| note.get("earns").is_null()));

        for data in [json!({"salary": 99}), json!({"team": "south"})] {
            let refused = seen.update_with(
                &ann,
                &data,
                chancery::UpdateMode::Merge,
                chancery::WriteOptions {
                    protected: chancery::Protected::Refuse,
                    ..chancery::WriteOptions::default()
                },
            );
            let refused = refused.await;
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        }
        let written = seen
            .update(&ann, json!({"name": "Anna", "salary": 99}))
            .await
            .expect("written");
        assert_eq!(written.get("salary"), Json::Null);
        let kept = people.get(&ann).await.expect("read").expect("there");
        assert_eq!((kept.get("name"), kept.get("salary")), (json!("Anna"), json!(10)));
    });
}

#[test]
fn what_cannot_be_held_to_a_part_of_a_table_is_refused() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        fill(&people, &notes).await;
        let north = held(
            &store,
            Scope::Read,
            vec![only_north(place(&people, None), Scope::Write)],
        );
        let begun = north.begin().table("people").expect("a table");
        assert!(forbidden(begun.get("x").await));
        assert!(forbidden(begun.select(&Query::new()).await));
        assert!(forbidden(begun.count(&Query::new()).await));
        assert!(forbidden(
            begun.insert(json!({"name": "Dan", "team": "north"})).await
        ));
        let whole = north.begin().table("notes").expect("a table");
        whole.select(&Query::new()).await.expect("read");
        let live = north.live(LiveQuery::new("people")).await;
        assert!(matches!(live, Err(Error::Forbidden { .. })));
        let operations = north.operations(chancery::OperationQuery::default()).await;
        assert!(matches!(operations, Err(Error::Forbidden { .. })));
        let people = north.table("people").expect("there");
        let key = "x";
        assert!(forbidden(people.history(key, 10, None).await));
        assert!(forbidden(people.record_at(key, 1).await));
        assert!(forbidden(people.restore_version(key, 1).await));
        assert!(forbidden(people.checksum().await));
        assert!(forbidden(
            people.merge(key, &[], chancery::MergeOptions::default()).await
        ));
        let (names, rows) = (["name".to_owned()], [object(json!({"name": "Bob"}))]);
        let policy = (chancery::OnMany::Error, chancery::Blank::Keep);
        let matched = people
            .bulk_upsert(&names, &rows, policy, BulkOptions::default())
            .await;
        assert!(forbidden(matched));
        let file = chancery::ImportFile::bytes(b"name\nBob\n".to_vec());
        let (mapping, options) = (chancery::Mapping::new(), chancery::ImportOptions::default());
        assert!(forbidden(people.import_csv(&file, &mapping, &options).await));
        assert!(forbidden(
            people.add_column(ColumnInput::new("more", "text")).await
        ));
        assert!(forbidden(people.delete_table().await));
        assert!(forbidden(north.create_table(TableInput::new("new")).await));
        let mut events = north.events(chancery::Since::Now);
        assert!(matches!(events.look().await, Err(Error::Forbidden { .. })));
        assert!(matches!(north.changes(0, 10).await, Err(Error::Forbidden { .. })));
    });
}

#[test]
fn grants_that_speak_of_nothing_are_refused() {
    on_every_backend(|store| async move {
        let (people, _) = tables(&store).await;
        let nowhere = grant(Place::Table("0190".into()), Scope::Read);
        let no_column = grant(place(&people, Some("wages")), Scope::None);
        let mut no_filter = only_north(place(&people, None), Scope::Read);
        no_filter.filter = Some(FilterInput::Condition(Condition {
            column: "teem".into(),
            operator: "eq".into(),
            value: json!("north"),
        }));
        let refused = store.check_grants(&[nowhere, no_column, no_filter.clone()]);
        let Err(Error::Definition(issues)) = refused else {
            panic!("grants that make no sense were taken");
        };
        let fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["grants.0", "grants.1", "grants.2"]);

        // A column that a filter speaks of may go later: then nothing is seen, never everything.
        people.insert(json!({"name": "Ann"})).await.expect("inserted");
        let held = store.held_to(Arc::new(Rights::new(Scope::None, vec![no_filter])));
        let seen = held.table("people").expect("there");
        assert_eq!(seen.count(&Query::new()).await.expect("counted"), 0);
        assert!(seen.all().await.expect("read").is_empty());
    });
}

#[test]
fn a_refusal_tells_nothing_of_what_is_beyond_a_grant() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let unique = ColumnInput {
            config: object(json!({"table": "people"})),
            ..ColumnInput::new("boss", "relation")
        };
        people.add_column(unique).await.expect("added");
        people
            .update_column(
                "name",
                chancery::ColumnPatch {
                    constraints: Some(chancery::model::column::Constraints {
                        unique: true,
                        ..Default::default()
                    }),
                    ..chancery::ColumnPatch::default()
                },
            )
            .await
            .expect("changed");
        let (ann, bob) = fill(&people, &notes).await;
        let north = held(
            &store,
            Scope::None,
            vec![only_north(place(&people, None), Scope::Write)],
        );
        let seen = north.table("people").expect("there");

        // A value that somebody has who is not there.
        let taken = seen.insert(json!({"name": "Bob", "team": "north"})).await;
        let Err(Error::Unique { holder, .. }) = taken else {
            panic!("a unique value was given twice: {taken:?}");
        };
        assert_eq!(holder, None);
        // A record that is not there is not found by naming it either.
        let named = seen.update(&ann, json!({"boss": bob})).await;
        let nobody = seen
            .update(&ann, json!({"boss": "00000000-0000-7000-8000-000000000000"}))
            .await;
        assert!(matches!(named, Err(Error::Invalid { .. })), "{named:?}");
        assert!(matches!(nobody, Err(Error::Invalid { .. })), "{nobody:?}");
        // Nor is what refers to a record, if that table is not there.
        let restrict = ColumnInput {
            config: object(json!({"table": "people", "onDelete": "restrict"})),
            ..ColumnInput::new("about", "relation")
        };
        notes.add_column(restrict).await.expect("added");
        notes
            .insert(json!({"text": "kept", "about": ann}))
            .await
            .expect("inserted");
        let refused = seen.delete_with(&ann, chancery::WriteOptions::default()).await;
        let Err(Error::Forbidden { message }) = refused else {
            panic!("{refused:?}");
        };
        assert!(!message.contains("notes"), "{message}");
        // A view of others may be about what is kept back.
        let settings = object(json!({"filter": {"column": "salary", "operator": "gt", "value": 10}}));
        let other = store.acting(chancery::Actor {
            id: Some("somebody".into()),
            ..chancery::Actor::default()
        });
        let people = other.table("people").expect("there");
        people.create_view("Rich", false, settings).await.expect("kept");
        assert!(seen.views().await.expect("read").is_empty());
    });
}

#[test]
fn nobody_finds_by_a_word_that_is_hidden_however_it_is_spelt() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        fill(&people, &notes).await;
        let all = people.select(&Query::new()).await.expect("read");
        let team = all[0].get("team").as_str().expect("a team").to_owned();
        let misspelt = format!("{team}h");
        let alike = || Query::new().search_alike(&misspelt);
        assert!(!people.select(&alike()).await.expect("read").is_empty());
        let hidden = grant(place(&people, Some("team")), Scope::None);
        let guest = held(&store, Scope::Read, vec![hidden]);
        let seen = guest.table("people").expect("seen");
        assert!(seen.select(&alike()).await.expect("read").is_empty());
        let file = ExportOptions {
            query: alike(),
            header: chancery::Header::None,
            ..ExportOptions::default()
        };
        let file = seen.export_csv(&file).await.expect("exported");
        assert!(file.collect().await.expect("read").is_empty());
        assert!(seen.distinct("name", &alike()).await.expect("read").is_empty());
        let asked = Query {
            search_columns: vec!["team".into()],
            ..alike()
        };
        assert!(matches!(seen.select(&asked).await, Err(Error::Query(_))));
    });
}
