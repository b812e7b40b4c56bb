//! Imports step by step, on every backend: looked at, mapped, tried, written, stopped, taken back.

use std::time::Duration;

use chancery::{
    Blank, ColumnInput, ImportChange, ImportFile, ImportInto, ImportJob, ImportOptions, ImportStage,
    ImportUpload, Json, Mapping, Notation, OnError, Query, RevertOptions, Store, TableHandle, TableInput,
    Why, json,
};
use chancery_scenarios::on_every_backend;

async fn people(store: &Store) -> TableHandle {
    let input = TableInput::new("People")
        .column(ColumnInput::new("email", "text").unique())
        .column(ColumnInput::new("age", "number"));
    store.create_table(input).await.expect("a table")
}

async fn upload(store: &Store, text: &str, into: ImportInto, options: ImportOptions) -> ImportJob {
    let upload = ImportUpload {
        file: ImportFile::bytes(text.as_bytes()),
        into,
        mapping: Mapping::new(),
        options: ImportOptions {
            file_name: Some("people.csv".into()),
            ..options
        },
    };
    store.upload_import(upload).await.expect("kept")
}

/// Waits until an import is over, or rests.
async fn settled(store: &Store, id: &str) -> ImportJob {
    loop {
        let job = store.import_job(id).await.expect("known");
        match job.stage {
            ImportStage::Checking | ImportStage::Writing | ImportStage::TakingBack => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            _ => return job,
        }
    }
}

fn many(rows: usize) -> String {
    let rows: String = (1..=rows).map(|n| format!("p{n}@x.org,{}\n", n % 90)).collect();
    format!("email,age\n{rows}")
}

#[test]
fn a_file_is_mapped_tried_mended_written_and_taken_back() {
    on_every_backend(|store| async move {
        let table = people(&store).await;
        table
            .insert(json!({"email": "a@x.org", "age": 1}))
            .await
            .expect("a record");
        let text = "E-Mail address,years\na@x.org,30\nb@x.org,x\nc@x.org,5\n";
        let job = upload(
            &store,
            text,
            ImportInto::Table("people".into()),
            ImportOptions::default(),
        )
        .await;
        let draft = job.draft.expect("its file is kept");
        assert_eq!((job.stage, draft.analysis.rows), (ImportStage::Analysed, 3));
        assert_eq!(
            draft.problems.len(),
            2,
            "no column has these names: {:?}",
            draft.problems
        );
        store
            .try_import(&job.id)
            .await
            .expect_err("it makes no sense yet");

        let mapping: Mapping = [("E-Mail address", "email"), ("years", "age")]
            .map(|(header, slug)| (header.to_owned(), Some(slug.to_owned())))
            .into();
        let options = ImportOptions {
            update_existing: true,
            match_on: vec!["email".into()],
            blank: Blank::Keep,
            ..ImportOptions::default()
        };
        let change = ImportChange {
            mapping: Some(mapping.clone()),
            options: Some(options.clone()),
            ..ImportChange::default()
        };
        let changed = store.change_import(&job.id, change).await.expect("changed");
        assert_eq!(changed.draft.expect("kept").problems, []);

        store.try_import(&job.id).await.expect("begun");
        let tried = settled(&store, &job.id).await;
        let check = tried.draft.expect("kept").check.expect("checked");
        assert_eq!(tried.stage, ImportStage::Checked);
        assert_eq!((check.created, check.updated, check.failed), (1, 1, 1));
        assert_eq!(table.count(&Query::new()).await.expect("counted"), 1);

        store.commit_import(&job.id).await.expect("begun");
        let refused = settled(&store, &job.id).await;
        assert_eq!(refused.stage, ImportStage::Refused, "all or nothing");
        let options = ImportOptions {
            on_error: OnError::Continue,
            ..options
        };
        let change = ImportChange {
            options: Some(options),
            ..ImportChange::default()
        };
        store.change_import(&job.id, change).await.expect("changed");
        store.commit_import(&job.id).await.expect("begun");
        let done = settled(&store, &job.id).await;
        let report = done.report.expect("over");
        assert_eq!(
            (done.stage, done.file.as_deref()),
            (ImportStage::Done, Some("people.csv"))
        );
        assert_eq!((report.created, report.updated, report.failed), (1, 1, 1));
        let failed = store.import_failed_rows(&job.id).await.expect("kept");
        assert!(failed.contains("b@x.org,x,2,"), "{failed}");
        let made = table
            .all()
            .await
            .expect("read")
            .into_iter()
            .find(|record| record.get("email") == json!("c@x.org"));
        let metadata = made.expect("made").metadata().clone();
        assert_eq!(
            (metadata.import_id.as_deref(), metadata.import_row),
            (Some(&*job.id), Some(3))
        );

        let again = upload(
            &store,
            "years,E-Mail address\n1,q@x.org\n",
            ImportInto::Table("people".into()),
            ImportOptions::default(),
        )
        .await;
        let saved = again.draft.expect("kept").saved.expect("remembered");
        assert_eq!(
            (saved.mapping, saved.match_on),
            (mapping, vec!["email".to_owned()])
        );

        let key = table.all().await.expect("read")[1].key().to_string();
        table
            .update(key.as_str(), json!({"age": 99}))
            .await
            .expect("changed since");
        let undone = store
            .revert_import(&job.id, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!(
            (
                undone.skipped_total,
                undone.skipped.first().map(|skipped| skipped.why)
            ),
            (1, Some(Why::Changed))
        );
        let first = table.all().await.expect("read");
        assert_eq!(first[0].get("age"), json!(1), "what it changed is as before");
        assert_eq!(settled(&store, &job.id).await.stage, ImportStage::Reverted);
        store
            .revert_import(&job.id, RevertOptions::default())
            .await
            .expect_err("taken back already");
        let known: Vec<String> = store
            .imports()
            .await
            .expect("listed")
            .into_iter()
            .map(|job| job.id)
            .collect();
        assert_eq!(known, [again.id, job.id]);
    });
}

#[test]
fn an_import_rests_and_goes_on_or_is_taken_back() {
    on_every_backend(|store| async move {
        let table = people(&store).await;
        for cancelled in [false, true] {
            let options = ImportOptions {
                on_error: OnError::Continue,
                ..ImportOptions::default()
            };
            let job = upload(&store, &many(25_000), ImportInto::Table("people".into()), options).await;
            store.commit_import(&job.id).await.expect("begun");
            store.pause_import(&job.id).await.expect("it rests");
            store
                .change_import(&job.id, ImportChange::default())
                .await
                .expect_err("it runs");
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(settled(&store, &job.id).await.stage, ImportStage::Paused);
            let rows = table.count(&Query::new()).await.expect("counted");
            assert!(rows < 25_000, "it goes on: {rows} rows");
            if cancelled {
                assert!(store.cancel_import(&job.id).await.expect("known"));
            } else {
                store.resume_import(&job.id).await.expect("it goes on");
            }
            let over = settled(&store, &job.id).await;
            let rows = table.count(&Query::new()).await.expect("counted");
            if cancelled {
                assert_eq!((over.stage, rows), (ImportStage::Cancelled, 0));
            } else {
                assert_eq!((over.stage, rows), (ImportStage::Done, 25_000));
                let undone = store
                    .revert_import(&job.id, RevertOptions::default())
                    .await
                    .expect("taken back");
                assert_eq!(undone.reverted, 25_000);
                table.clear().await.expect("cleared");
            }
            store.pause_import(&job.id).await.expect_err("it is over");
        }
    });
}

#[test]
fn two_imports_run_at_once_and_each_is_taken_back_by_itself() {
    on_every_backend(|store| async move {
        let table = people(&store).await;
        let new = TableInput::new("Other people");
        let one = upload(
            &store,
            &many(12_000),
            ImportInto::Table("people".into()),
            ImportOptions::default(),
        )
        .await;
        let two = upload(
            &store,
            &many(12_000),
            ImportInto::New(Box::new(new)),
            ImportOptions::default(),
        )
        .await;
        store.commit_import(&one.id).await.expect("begun");
        store.commit_import(&two.id).await.expect("begun");
        for id in [&one.id, &two.id] {
            assert_eq!(settled(&store, id).await.stage, ImportStage::Done);
        }
        let other = store.table("other-people").expect("made");
        store
            .revert_import(&one.id, RevertOptions::default())
            .await
            .expect("taken back");
        let counts = [table.count(&Query::new()).await, other.count(&Query::new()).await];
        assert_eq!(counts.map(|count| count.expect("counted")), [0, 12_000]);
    });
}

#[test]
fn a_draft_is_let_go_when_it_is_cancelled_and_too_many_are_refused() {
    on_every_backend(|store| async move {
        people(&store).await;
        let into = || ImportInto::Table("people".into());
        let mut ids = Vec::new();
        for _ in 0..chancery::limits::IMPORT_FILES_MAX {
            ids.push(
                upload(&store, "email\na@x.org\n", into(), ImportOptions::default())
                    .await
                    .id,
            );
        }
        let more = ImportUpload {
            file: ImportFile::bytes("email\n".as_bytes()),
            into: into(),
            mapping: Mapping::new(),
            options: ImportOptions::default(),
        };
        let told = store
            .upload_import(more.clone())
            .await
            .expect_err("too many")
            .to_string();
        assert_eq!(told, "files kept for imports: at most 50, got 51");
        assert!(store.cancel_import(&ids[0]).await.expect("known"));
        store.import_job(&ids[0]).await.expect_err("let go");
        store.upload_import(more).await.expect("there is room again");
    });
}

#[test]
fn what_an_option_column_lacks_is_made_on_request() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Tasks").column(ColumnInput::new("tags", "multiSelect"));
        let table = store.create_table(input).await.expect("a table");
        let options = ImportOptions {
            create_options: true,
            ..ImportOptions::default()
        };
        let job = upload(
            &store,
            "tags\n\"red, blue\"\nred\n",
            ImportInto::Table("tasks".into()),
            options,
        )
        .await;
        store.commit_import(&job.id).await.expect("begun");
        assert_eq!(settled(&store, &job.id).await.stage, ImportStage::Done);
        let tags: Vec<Json> = table
            .all()
            .await
            .expect("read")
            .iter()
            .map(|record| record.get("tags"))
            .collect();
        assert_eq!(
            tags.iter()
                .map(|tags| tags.as_array().map_or(0, Vec::len))
                .collect::<Vec<_>>(),
            [2, 1]
        );
    });
}

#[test]
fn new_columns_are_as_they_were_said_and_a_locale_is_looked_at_with() {
    on_every_backend(|store| async move {
        let table = people(&store).await;
        let id = table.definition().expect("there").id.clone();
        let text = "email,plz,betrag\na@x.org,01067,\"1.234,50\"\nb@x.org,80331,\"7,00\"\n";
        let plain = upload(
            &store,
            text,
            ImportInto::Table(id.clone()),
            ImportOptions::default(),
        )
        .await;
        let types = |job: &ImportJob| -> Vec<String> {
            let columns = &job.draft.as_ref().expect("kept").analysis.columns;
            columns.iter().map(|column| column.field_type.clone()).collect()
        };
        assert_eq!(types(&plain), ["email", "text", "text"]);
        let german = ImportOptions {
            notation: Notation::of_locale("de-DE").expect("known"),
            new_columns: vec![
                ColumnInput::new("Postcode", "text").indexed(),
                ColumnInput::new("Betrag", "currency"),
            ],
            ..ImportOptions::default()
        };
        let change = ImportChange {
            mapping: Some(Mapping::from([("plz".into(), Some("postcode".into()))])),
            options: Some(german.clone()),
            into: None,
        };
        let job = store.change_import(&plain.id, change).await.expect("changed");
        assert_eq!(
            types(&job),
            ["email", "text", "number"],
            "the locale reaches the analysis"
        );
        let draft = job.draft.as_ref().expect("kept");
        assert!(draft.problems.is_empty(), "{:?}", draft.problems);
        store.commit_import(&job.id).await.expect("begun");
        let done = settled(&store, &job.id).await;
        assert_eq!(done.stage, ImportStage::Done, "{:?}", done.report);
        let definition = table.definition().expect("there");
        let made = |slug: &str| definition.column(slug).expect("made").clone();
        assert_eq!(
            (made("postcode").field_type.as_str(), made("postcode").indexed),
            ("text", true)
        );
        assert_eq!(made("betrag").field_type, "currency");
        let records = table.select(&Query::new()).await.expect("read");
        assert_eq!(records[0].get("postcode"), json!("01067"));
        assert_eq!(records[0].get("betrag"), json!(1234.5));
        // Also where the rows change records.
        let update = ImportOptions {
            new_columns: vec![ColumnInput::new("note", "text")],
            match_on: vec!["email".into()],
            update_existing: true,
            ..ImportOptions::default()
        };
        let text = "email,note\nb@x.org,new here\n";
        let job = upload(&store, text, ImportInto::Table(id.clone()), update).await;
        store.commit_import(&job.id).await.expect("begun");
        let done = settled(&store, &job.id).await;
        assert_eq!(done.report.expect("over").updated, 1);
        // A new column that nothing goes into was meant for something.
        let misspelt = ImportOptions {
            new_columns: vec![ColumnInput::new("Strase", "text")],
            ..ImportOptions::default()
        };
        let text = "email,strasse\nc@x.org,x\n";
        let job = upload(&store, text, ImportInto::Table(id), misspelt).await;
        let problems = job.draft.expect("kept").problems;
        assert!(
            problems.iter().any(|issue| issue.field == "newColumns.strase"),
            "{problems:?}"
        );
    });
}
