//! Merging records: what the survivor becomes, what refers to it, where the others are, and that all of it is taken back as one.

use chancery::{
    ColumnInput, Error, Json, MergeChoice, MergeOptions, RevertOptions, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

/// People, and notes that refer to them in each of the ways.
async fn tables(store: &Store) -> (TableHandle, Vec<TableHandle>) {
    let people = TableInput::new("People")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("phone", "text"))
        .column(ColumnInput::new("remark", "longText"))
        .column(ColumnInput::new("born", "number"))
        .column(ColumnInput::new("number", "autoNumber"));
    let people = store.create_table(people).await.expect("defined");
    let mut notes = Vec::new();
    for on_delete in ["cascade", "setNull", "restrict"] {
        let definition = json!({"key": "id", "schema": {
            "id": {"type": "number", "generated": "autoincrement"},
            "about": {"type": "string", "ref": "people", "onDelete": on_delete},
        }});
        let name = format!("notes-{}", on_delete.to_lowercase());
        notes.push(store.define_bucket(&name, &definition).await.expect("defined"));
    }
    (people, notes)
}

async fn state(people: &TableHandle, notes: &[TableHandle]) -> Vec<u64> {
    let mut sums = vec![people.checksum().await.expect("a checksum")];
    for table in notes {
        sums.push(table.checksum().await.expect("a checksum"));
    }
    sums
}

fn choices(all: impl IntoIterator<Item = (&'static str, MergeChoice)>) -> MergeOptions {
    MergeOptions {
        choices: all
            .into_iter()
            .map(|(slug, choice)| (slug.to_owned(), choice))
            .collect(),
        ..MergeOptions::default()
    }
}

async fn three(people: &TableHandle) -> Vec<chancery::Record> {
    let mut made = Vec::new();
    for data in [
        json!({"name": "Ann Lee", "remark": "first", "born": 1990}),
        json!({"name": "A. Lee", "phone": "555", "remark": "second", "born": 1991}),
        json!({"name": "Ann Lee", "phone": "777", "remark": "first"}),
    ] {
        made.push(people.insert(data).await.expect("inserted"));
    }
    made
}

#[test]
fn the_survivor_has_the_best_of_all_and_everything_refers_to_it() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let all = three(&people).await;
        for table in &notes {
            for about in &all {
                table
                    .insert(json!({"about": about.id()}))
                    .await
                    .expect("inserted");
            }
        }
        let before = state(&people, &notes).await;
        let others = [all[1].key().clone(), all[2].key().clone()];
        let options = choices([
            ("remark", MergeChoice::Concat),
            ("born", MergeChoice::From(all[1].key().clone())),
        ]);

        let trial = MergeOptions {
            dry_run: true,
            ..options.clone()
        };
        let tried = people.merge(all[0].key(), &others, trial).await.expect("tried");
        assert_eq!(tried.record.get("born"), json!(1991));
        assert_eq!((tried.operation, tried.referring), (None, 6));
        assert_eq!(state(&people, &notes).await, before, "a trial writes nothing");

        let merged = people
            .merge(all[0].key(), &others, options)
            .await
            .expect("merged");
        assert_eq!(merged.referring, 6);
        let get = |slug: &str| merged.record.get(slug);
        assert_eq!(
            [get("name"), get("phone"), get("remark"), get("born")],
            [
                json!("Ann Lee"),
                json!("555"),
                json!("first; second"),
                json!(1991)
            ]
        );
        assert_eq!(get("number"), all[0].get("number"), "what the store writes stays");
        for other in &others {
            let buried = people.get_any(other).await.expect("read").expect("in the trash");
            assert!(buried.deleted_at().is_some());
            assert_eq!(buried.metadata().duplicate_of, Some(all[0].id()));
        }
        for table in &notes {
            for note in table.all().await.expect("read") {
                assert_eq!(note.get("about"), Json::String(all[0].id()));
            }
            assert_eq!(table.all().await.expect("read").len(), 3);
        }
        let after = state(&people, &notes).await;

        let report = store
            .revert(&merged.operation.expect("it wrote"), RevertOptions::default())
            .await
            .expect("taken back");
        assert!(report.skipped.is_empty(), "{report:?}");
        let undone = report.operation.expect("it wrote");
        assert_eq!(state(&people, &notes).await, before, "as it was");
        let again = store
            .revert(&undone, RevertOptions::default())
            .await
            .expect("done again");
        assert!(again.skipped.is_empty(), "{again:?}");
        assert_eq!(state(&people, &notes).await, after, "as it was merged");
    });
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    on_every_backend(|store| async move {
        let (people, notes) = tables(&store).await;
        let all = three(&people).await;
        let before = state(&people, &notes).await;
        let other = [all[1].key().clone()];
        let wrong = choices([
            ("nmae", MergeChoice::Keep),
            ("born", MergeChoice::Concat),
            ("phone", MergeChoice::Union),
            ("name", MergeChoice::From(all[2].key().clone())),
        ]);
        let refused = people.merge(all[0].key(), &other, wrong).await;
        let Err(Error::Invalid { issues, .. }) = refused else {
            panic!("{refused:?}");
        };
        let mut fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["born", "name", "nmae", "phone"]);
        assert!(
            issues.iter().any(|issue| issue.message.contains("\"name\"")),
            "{issues:?}"
        );

        people.delete(all[2].key()).await.expect("deleted");
        let trashed = [all[2].key().clone()];
        let gone = people
            .merge(all[0].key(), &trashed, MergeOptions::default())
            .await;
        assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
        people.restore(all[2].key()).await.expect("restored");
        let own = people.get(all[0].key()).await.expect("read").expect("there");
        let alone = people
            .merge(own.key(), &[own.key().clone()], MergeOptions::default())
            .await
            .expect("nothing to do");
        assert_eq!(
            (alone.record.version(), alone.referring, alone.operation),
            (1, 0, None)
        );
        assert_eq!(state(&people, &notes).await.len(), before.len());
    });
}

#[test]
fn records_that_may_not_refer_to_one_thing_twice_stop_a_merge() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let people = store.define_bucket("people", &definition).await.expect("defined");
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"},
            "owner": {"type": "string", "ref": "people", "unique": true, "onDelete": "cascade"}}});
        let badges = store.define_bucket("badges", &definition).await.expect("defined");
        for id in ["a", "b"] {
            people.insert(json!({"id": id})).await.expect("inserted");
            badges
                .insert(json!({"id": id, "owner": id}))
                .await
                .expect("inserted");
        }
        let others = [chancery::Key::Text("b".into())];
        let refused = people.merge("a", &others, MergeOptions::default()).await;
        assert!(matches!(refused, Err(Error::Unique { .. })), "{refused:?}");
        assert_eq!(
            (
                people.all().await.expect("read").len(),
                badges.all().await.expect("read").len()
            ),
            (2, 2)
        );
        badges.delete("b").await.expect("deleted");
        people
            .merge("a", &others, MergeOptions::default())
            .await
            .expect("merged");
        assert_eq!(people.all().await.expect("read").len(), 1);
    });
}

#[test]
fn records_that_refer_to_one_another_are_merged_as_they_are_once_all_refers_to_the_survivor() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}, "name": {"type": "string"},
            "parent": {"type": "string", "ref": "people", "onDelete": "restrict"}}});
        let people = store.define_bucket("people", &definition).await.expect("defined");
        for record in [
            json!({"id": "root"}),
            json!({"id": "stays", "parent": "root"}),
            json!({"id": "goes", "name": "Ann", "parent": "stays"}),
            json!({"id": "empty"}),
            json!({"id": "child", "parent": "goes"}),
        ] {
            people.insert(record).await.expect("inserted");
        }
        let before = people.checksum().await.expect("a checksum");
        let key = |id: &str| chancery::Key::Text(id.into());
        let merged = people
            .merge("stays", &[key("goes")], MergeOptions::default())
            .await
            .expect("merged");
        assert_eq!(
            (merged.record.get("parent"), merged.record.get("name")),
            (json!("root"), json!("Ann"))
        );
        let parent = |id: &'static str| {
            let people = people.clone();
            async move {
                let record = people.get(id).await.expect("read").expect("there");
                record.get("parent")
            }
        };
        assert_eq!(parent("child").await, json!("stays"));
        let report = store
            .revert(&merged.operation.expect("it wrote"), RevertOptions::default())
            .await
            .expect("taken back");
        assert!(report.skipped.is_empty(), "{report:?}");
        assert_eq!(people.checksum().await.expect("a checksum"), before);

        // The survivor's parent is blank; the value it takes is neither the key of a record that leaves nor its own.
        let others = [key("child"), key("goes")];
        let merged = people
            .merge("empty", &others, MergeOptions::default())
            .await
            .expect("merged");
        assert_eq!(merged.record.get("parent"), json!("stays"));
        assert_eq!(merged.referring, 1);
    });
}

#[test]
fn a_merge_goes_by_the_versions_that_were_seen() {
    on_every_backend(|store| async move {
        let (people, _) = tables(&store).await;
        let made = three(&people).await;
        let others = [made[1].key().clone(), made[2].key().clone()];
        let seen = MergeOptions {
            versions: made
                .iter()
                .map(|record| (record.key().clone(), record.version()))
                .collect(),
            ..MergeOptions::default()
        };
        people
            .update(made[1].key(), json!({"remark": "changed"}))
            .await
            .expect("updated");
        let refused = people.merge(made[0].key(), &others, seen.clone()).await;
        assert!(
            matches!(&refused, Err(Error::Version { current, .. }) if current.get("remark") == "changed"),
            "{refused:?}"
        );
        assert!(people.get(made[1].key()).await.expect("read").is_some());
        let anew = MergeOptions {
            versions: seen
                .versions
                .into_iter()
                .chain([(others[0].clone(), 2)])
                .collect(),
            ..MergeOptions::default()
        };
        people.merge(made[0].key(), &others, anew).await.expect("merged");
    });
}
