//! Tables, columns and options: made, changed, refused with every mistake. Wire formats are not tested here.

use chancery::{
    Code, ColumnInput, ColumnPatch, Error, Json, OperationQuery, OptionInput, OptionPatch, RevertOptions,
    TableInput, TablePatch, json,
};
use chancery_scenarios::on_every_backend;

/// The messages of a refused definition.
fn mistakes<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Definition(issues)) => issues
            .into_iter()
            .map(|issue| format!("{}: {}", issue.field, issue.message))
            .collect(),
        other => panic!("expected a definition error, got {other:?}"),
    }
}

#[test]
fn every_mistake_of_a_definition_is_found_at_once() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Bad")
            .column(ColumnInput::new("A", "txt"))
            .column(ColumnInput::new("B", "text").pattern("(?<=x)y"))
            .column(ColumnInput::new("C", "number").range(5, 1))
            .column(ColumnInput::new("D", "number").default_value("x"))
            .column(ColumnInput::new("E", "currency").config("precison", 2));
        let found = mistakes(store.create_table(input).await.map(|_| ()));
        assert_eq!(
            found[0],
            "columns[0].fieldType: No field type \"txt\" (did you mean \"text\"?)"
        );
        assert!(
            found[1].starts_with("columns[1].pattern: Pattern \"(?<=x)y\" cannot be used: look-around"),
            "{}",
            found[1]
        );
        assert_eq!(found[2], "columns[2].min: min 5 is above max 1");
        assert_eq!(
            found[3],
            "columns[3].defaultValue: Expected type \"number\", got string"
        );
        assert!(
            found[4].contains("No setting \"precison\" (did you mean \"precision\"?)"),
            "{}",
            found[4]
        );
        assert!(store.tables().is_empty());
    });
}

#[test]
fn a_taken_slug_is_refused_and_a_dropped_one_is_free() {
    on_every_backend(|store| async move {
        let table = store
            .create_table(TableInput::new("Tasks"))
            .await
            .expect("defined");
        let error = store
            .create_table(TableInput::new("tasks"))
            .await
            .map(|_| ())
            .expect_err("taken");
        assert_eq!(error.to_string(), "A table \"tasks\" exists already");
        table.delete_table().await.expect("dropped");
        assert!(matches!(table.definition(), Err(Error::NotFound { .. })));
        store
            .create_table(TableInput::new("Tasks"))
            .await
            .expect("free again");
        let error = store.table("taks").map(|_| ()).expect_err("no such table");
        assert_eq!(error.to_string(), "No table \"taks\" (did you mean \"tasks\"?)");
    });
}

#[test]
fn a_new_column_is_null_in_old_records() {
    on_every_backend(|store| async move {
        let table = store
            .create_table(TableInput::new("T").column(ColumnInput::new("a", "text")))
            .await
            .expect("defined");
        let old = table.insert(json!({"a": "old"})).await.expect("inserted");
        table
            .add_column(ColumnInput::new("b", "number").default_value(7))
            .await
            .expect("added");
        let new = table.insert(json!({"a": "new"})).await.expect("inserted");
        assert_eq!(
            table.get(old.key()).await.expect("read").expect("found").get("b"),
            json!(null)
        );
        assert_eq!(new.get("b"), json!(7));
        let updated = table.update(old.key(), json!({"b": 1})).await.expect("updated");
        assert_eq!((updated.get("a"), updated.get("b")), (json!("old"), json!(1)));
    });
}

#[test]
fn a_required_column_is_not_added_over_records_that_would_lack_it() {
    on_every_backend(|store| async move {
        let table = store
            .create_table(TableInput::new("T").column(ColumnInput::new("a", "text")))
            .await
            .expect("defined");
        let required = || ColumnInput::new("b", "text").required();
        table.add_column(required()).await.expect("nobody lacks it");
        table.delete_column("b").await.expect("deleted");
        table.insert(json!({"a": "old"})).await.expect("inserted");
        let refused = table.add_column(required()).await.expect_err("one lacks it");
        assert!(
            refused.to_string().contains("1 record(s) would have no value"),
            "{refused}"
        );
        table
            .add_column(ColumnInput::new("b", "text"))
            .await
            .expect("none is asked for");
    });
}

#[test]
fn a_column_that_names_the_records_is_not_deleted() {
    on_every_backend(|store| async move {
        let mut input = TableInput::new("T")
            .column(ColumnInput::new("a", "text"))
            .column(ColumnInput::new("b", "text"));
        input
            .settings
            .insert("recordNameTemplate".into(), json!("No. {a}"));
        let table = store.create_table(input).await.expect("defined");
        let refused = table.delete_column("a").await.expect_err("it names them");
        assert!(refused.to_string().contains("recordNameTemplate"), "{refused}");
        table.delete_column("b").await.expect("the other does not");
    });
}

#[test]
fn a_deleted_column_is_gone_and_its_slug_is_free() {
    on_every_backend(|store| async move {
        let input = TableInput::new("T")
            .column(ColumnInput::new("a", "text").unique())
            .column(ColumnInput::new("b", "text"));
        let table = store.create_table(input).await.expect("defined");
        let record = table.insert(json!({"a": "1", "b": "2"})).await.expect("inserted");
        table.delete_column("a").await.expect("deleted");
        let read = table.get(record.key()).await.expect("read").expect("found");
        assert_eq!(json!(read.data()), json!({"b": "2"}));
        let error = table.insert(json!({"a": "x"})).await.expect_err("no such column");
        assert!(matches!(&error, Error::Invalid { issues, .. } if issues[0].code == Code::UnknownColumn));
        table
            .add_column(ColumnInput::new("a", "number"))
            .await
            .expect("the slug is free");
        assert_eq!(
            table
                .get(record.key())
                .await
                .expect("read")
                .expect("found")
                .get("a"),
            json!(null)
        );
    });
}

#[test]
fn constraints_are_not_added_over_records_that_break_them() {
    on_every_backend(|store| async move {
        let input = TableInput::new("T")
            .column(ColumnInput::new("a", "text"))
            .column(ColumnInput::new("b", "text"));
        let table = store.create_table(input).await.expect("defined");
        table
            .insert_many(vec![json!({"a": "same"}), json!({"a": "same"})])
            .await
            .expect("inserted");
        let with = |edit: fn(&mut ColumnPatch)| {
            let mut patch = ColumnPatch {
                constraints: Some(Default::default()),
                ..ColumnPatch::default()
            };
            edit(&mut patch);
            patch
        };
        let required = with(|patch| patch.constraints.as_mut().expect("set").required = true);
        let unique = with(|patch| patch.constraints.as_mut().expect("set").unique = true);
        assert_eq!(
            mistakes(table.update_column("b", required).await),
            ["required: 2 record(s) have no value; fill them before requiring one"]
        );
        assert_eq!(
            mistakes(table.update_column("a", unique.clone()).await),
            ["unique: Records share a value in \"a\"; find and mend them first"]
        );
        table.update_column("b", unique).await.expect("nulls are exempt");
        let indexed = ColumnPatch {
            indexed: Some(true),
            name: Some("Alpha".into()),
            ..ColumnPatch::default()
        };
        let column = table.update_column("a", indexed).await.expect("changed");
        assert_eq!(
            (column.name.as_str(), column.slug.as_str(), column.indexed),
            ("Alpha", "a", true)
        );
    });
}

#[test]
fn options_are_added_renamed_and_deleted_without_touching_records() {
    on_every_backend(|store| async move {
        let status = ColumnInput::new("Status", "select").options(["Todo", "Done"]);
        let table = store
            .create_table(TableInput::new("T").column(status))
            .await
            .expect("defined");
        let record = table
            .insert(json!({"status": "Todo"}))
            .await
            .expect("a name stands for its option");
        let id = record.get("status").as_str().expect("an id").to_owned();
        assert!(id.starts_with("opt-"), "{id}");
        assert_eq!(json!(record.display())["status"], "Todo");

        let patch = OptionPatch {
            name: Some("To do".into()),
            ..OptionPatch::default()
        };
        table.update_option("status", &id, patch).await.expect("renamed");
        let read = table.get(record.key()).await.expect("read").expect("found");
        assert_eq!(
            json!(read.display())["status"],
            "To do",
            "displays are never stale"
        );

        let review = OptionInput {
            name: "Review".into(),
            ..OptionInput::default()
        };
        table.add_option("status", review.clone()).await.expect("added");
        assert_eq!(
            mistakes(table.add_option("status", review).await),
            ["options: The option \"Review\" stands twice"]
        );

        table.delete_option("status", &id).await.expect("deleted");
        let read = table.get(record.key()).await.expect("read").expect("found");
        assert_eq!(
            json!(read.display())["status"],
            "To do",
            "records keep a deleted option"
        );
        let error = table
            .insert(json!({"status": "To do"}))
            .await
            .expect_err("deleted");
        assert!(
            error.to_string().contains("Value must be one of: Done, Review"),
            "{error}"
        );
    });
}

#[test]
fn columns_are_reordered_and_tables_renamed() {
    on_every_backend(|store| async move {
        let input = ["a", "b", "c"].iter().fold(TableInput::new("T"), |t, name| {
            t.column(ColumnInput::new(*name, "text"))
        });
        let table = store.create_table(input).await.expect("defined");
        let after = table
            .reorder_columns(&["c".into(), "a".into()])
            .await
            .expect("reordered");
        let order: Vec<&str> = after
            .ordered()
            .iter()
            .map(|column| column.slug.as_str())
            .collect();
        assert_eq!(order, ["c", "a", "b"]);
        let patch = TablePatch {
            name: Some("Renamed".into()),
            ..TablePatch::default()
        };
        let renamed = table.update_table(patch).await.expect("renamed");
        assert_eq!((renamed.name.as_str(), renamed.slug.as_str()), ("Renamed", "t"));
    });
}

#[test]
fn definitions_survive_closing_and_opening() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = chancery::Store::open(&url).await.expect("opens");
        let table = store
            .create_table(TableInput::new("T").column(ColumnInput::new("n", "autoNumber")))
            .await
            .expect("defined");
        table.insert(json!({})).await.expect("inserted");
        store.close().await.expect("closed");

        let store = chancery::Store::open(&url).await.expect("opens again");
        let table = store.table("t").expect("still there");
        assert_eq!(
            table.insert(json!({})).await.expect("inserted").get("n"),
            json!(2)
        );
        assert_eq!(table.all().await.expect("read").len(), 2);
        store.close().await.expect("closed");
    });
}

#[test]
fn a_table_that_is_to_have_no_files_takes_no_columns_of_them_and_one_that_shows_no_history_keeps_it() {
    on_every_backend(|store| async move {
        let settings = |all: Json| all.as_object().cloned().expect("an object");
        let input = TableInput {
            settings: settings(json!({"enableAttachments": false, "enableRevisions": false})),
            ..TableInput::new("Notes").column(ColumnInput::new("name", "text"))
        };
        let notes = store.create_table(input).await.expect("made");
        let papers = || ColumnInput::new("papers", "files");
        let refused = notes.add_column(papers()).await.expect_err("no files");
        assert!(
            refused
                .to_string()
                .contains("its setting enableAttachments is off"),
            "{refused}"
        );
        let with = |all: Json| TablePatch {
            settings: Some(settings(all)),
            ..TablePatch::default()
        };
        notes
            .update_table(with(json!({"enableRevisions": false})))
            .await
            .expect("on again");
        notes.add_column(papers()).await.expect("added");
        let refused = notes
            .update_table(with(json!({"enableAttachments": false})))
            .await;
        let refused = refused.expect_err("there is one");
        assert!(
            refused.to_string().contains("columns of files (papers)"),
            "{refused}"
        );
        let refused = notes.update_table(with(json!({"enableRevisions": "no"}))).await;
        assert!(
            refused
                .expect_err("no switch")
                .to_string()
                .contains("true or false")
        );

        let id = notes.insert(json!({"name": "one"})).await.expect("inserted").id();
        notes
            .update(id.as_str(), json!({"name": "two"}))
            .await
            .expect("updated");
        for refused in [
            notes.history(id.as_str(), 10, None).await.map(drop),
            notes.record_at(id.as_str(), 1).await.map(drop),
            notes.restore_version(id.as_str(), 1).await.map(drop),
        ] {
            let refused = refused.expect_err("not for reading");
            assert!(matches!(refused, Error::Forbidden { .. }), "{refused:?}");
            assert!(
                refused.to_string().contains("enableRevisions is off"),
                "{refused}"
            );
        }
        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let undone = store
            .revert(&page.operations[0].id, RevertOptions::default())
            .await;
        undone.expect("taken back all the same");
        let found = notes.get(id.as_str()).await.expect("read").expect("there");
        assert_eq!(found.get("name"), "one");
        notes.update_table(with(json!({}))).await.expect("on again");
        let kept = notes.history(id.as_str(), 10, None).await.expect("kept");
        assert_eq!(kept.steps.len(), 3);
    });
}
