//! Bulk create, update, delete and upsert: all or nothing, continue on error, dry run, every bad item named.

use chancery::{
    Blank, Bulk, BulkOptions, Code, ColumnInput, Error, JsonMap, OnError, OnMany, Query, Store, TableHandle,
    TableInput, UpdateItem, json,
};
use chancery_scenarios::on_every_backend;

async fn people(store: &Store) -> TableHandle {
    let input = TableInput::new("People")
        .column(ColumnInput::new("Name", "text").required())
        .column(ColumnInput::new("Email", "email").unique())
        .column(ColumnInput::new("Age", "number").range(0, 150));
    store.create_table(input).await.expect("defined")
}

fn map(json: serde_json::Value) -> JsonMap {
    json.as_object().expect("an object").clone()
}

fn item(id: String, data: serde_json::Value, version: Option<u64>) -> UpdateItem {
    UpdateItem {
        id,
        data: map(data),
        version,
        ..UpdateItem::default()
    }
}

async fn count(table: &TableHandle) -> u64 {
    table.count(&Query::new()).await.expect("counted")
}

#[test]
fn all_or_nothing_names_every_bad_item_and_writes_nothing() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let records = [
            map(json!({"name": "Ann", "email": "ann@example.org"})),
            map(json!({"email": "no-name@example.org"})),
            map(json!({"name": "Bob", "age": 200})),
            map(json!({"name": "Ann again", "email": "ann@example.org"})),
        ];
        let outcome = people
            .bulk_create(&records, BulkOptions::default())
            .await
            .expect("answered");
        let failures: Vec<(usize, Code)> = outcome
            .failures()
            .map(|(index, issues)| (index, issues[0].code))
            .collect();
        assert_eq!(failures, [(1, Code::Required), (2, Code::Max), (3, Code::Unique)]);
        assert!(!outcome.committed);
        assert!(matches!(outcome.items[0], Bulk::Stopped));
        assert_eq!(count(&people).await, 0);
    });
}

#[test]
fn continue_on_error_writes_the_good_ones_in_one_commit() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let before = store.revision().await.expect("a revision");
        let records = [
            map(json!({"name": "Ann"})),
            map(json!({})),
            map(json!({"name": "Bob"})),
            map(json!({"nam": "x", "name": "C"})),
        ];
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let outcome = people.bulk_create(&records, options).await.expect("answered");
        assert!(outcome.committed);
        assert_eq!(outcome.revision, before + 1);
        let failed: Vec<usize> = outcome.failures().map(|(index, _)| index).collect();
        assert_eq!(failed, [1, 3]);
        let (_, issues) = outcome.failures().nth(1).expect("two failures");
        assert_eq!(issues[0].message, "No column \"nam\" (did you mean \"name\"?)");
        assert_eq!(count(&people).await, 2);
    });
}

#[test]
fn of_thousands_each_keeps_its_place_whatever_stands_beside_it() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let record = |n: usize| match n {
            0 | 4_999 => map(json!({"age": n % 100})),
            2_700 => map(json!({"name": "2700", "agee": 1})),
            // Not in the order of the columns, and with what nobody writes.
            3_100 => map(json!({"age": 31, "_display": {}, "email": null, "name": "3100"})),
            n => map(json!({"name": n.to_string(), "age": n % 100})),
        };
        let records: Vec<JsonMap> = (0..5_000).map(record).collect();
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let outcome = people.bulk_create(&records, options).await.expect("answered");
        let failures: Vec<(usize, Code)> = outcome
            .failures()
            .map(|(index, issues)| (index, issues[0].code))
            .collect();
        let expected = [
            (0, Code::Required),
            (2_700, Code::UnknownColumn),
            (4_999, Code::Required),
        ];
        assert_eq!(failures, expected);
        let ignored: Vec<(&usize, &Vec<String>)> = outcome.ignored.iter().collect();
        assert_eq!(ignored, [(&3_100, &vec!["_display".to_owned()])]);
        for (index, item) in outcome.items.iter().enumerate() {
            if let Bulk::Created(record) = item {
                assert_eq!(record.get("name"), json!(index.to_string()));
            }
        }
        assert_eq!(outcome.items.len(), 5_000);

        let good = (0..5_000).filter(|n| ![0, 2_700, 4_999].contains(n));
        let names: Vec<String> = good.map(|n| n.to_string()).collect();
        let kept = people.all().await.expect("read");
        let kept: Vec<_> = kept.iter().map(|record| record.get("name")).collect();
        assert_eq!(
            kept, names,
            "by key, they are in the order in which they were sent"
        );
    });
}

#[test]
fn a_dry_run_answers_the_same_and_writes_nothing() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let before = store.revision().await.expect("a revision");
        let records = [map(json!({"name": "Ann"})), map(json!({"name": "Bob"}))];
        let options = BulkOptions {
            dry_run: true,
            ..BulkOptions::default()
        };
        let outcome = people.bulk_create(&records, options).await.expect("answered");
        assert!(outcome.items.iter().all(|item| matches!(item, Bulk::Created(_))));
        assert!(!outcome.committed);
        assert_eq!(count(&people).await, 0);
        assert_eq!(store.revision().await.expect("a revision"), before);
    });
}

#[test]
fn bulk_update_checks_versions_and_names_what_is_missing() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let made = people
            .insert_many(vec![json!({"name": "A"}), json!({"name": "B"})])
            .await
            .expect("inserted");
        let missing = "0190a2b4-0000-7000-8000-000000000001".to_owned();
        let updates = [
            item(made[0].id(), json!({"age": 30}), Some(1)),
            item(made[1].id(), json!({"age": 40}), Some(7)),
            item(missing, json!({"age": 50}), None),
            item("nonsense".into(), json!({"age": 50}), None),
        ];
        let outcome = people
            .bulk_update(&updates, BulkOptions::default())
            .await
            .expect("answered");
        let codes: Vec<Code> = outcome.failures().map(|(_, issues)| issues[0].code).collect();
        assert_eq!(codes, [Code::Version, Code::NotFound, Code::NotFound]);
        assert_eq!(
            people
                .get(made[0].key())
                .await
                .expect("read")
                .expect("found")
                .get("age"),
            json!(null)
        );

        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let outcome = people.bulk_update(&updates, options).await.expect("answered");
        assert!(matches!(&outcome.items[0], Bulk::Updated(records) if records[0].version() == 2));
        assert_eq!(
            people
                .get(made[0].key())
                .await
                .expect("read")
                .expect("found")
                .get("age"),
            json!(30)
        );
        assert_eq!(
            people
                .get(made[1].key())
                .await
                .expect("read")
                .expect("found")
                .get("age"),
            json!(null)
        );
    });
}

#[test]
fn bulk_delete_moves_to_the_trash_and_comes_back() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let email = |n: usize| json!({"name": format!("P{n}"), "email": format!("p{n}@example.org")});
        let made = people
            .insert_many((0..3).map(email).collect())
            .await
            .expect("inserted");
        let ids: Vec<String> = made.iter().map(chancery::Record::id).collect();
        let outcome = people
            .bulk_delete(&ids[..2], BulkOptions::default())
            .await
            .expect("answered");
        assert!(outcome.items.iter().all(|item| matches!(item, Bulk::Deleted(_))));
        let stats = people.stats().await.expect("stats");
        assert_eq!((stats.live, stats.trash), (1, 2));

        people
            .insert(email(0))
            .await
            .expect("the trash does not hold unique values");
        let error = people
            .restore(&ids[0])
            .await
            .expect_err("the value was taken meanwhile");
        assert!(matches!(error, Error::Unique { .. }), "{error:?}");
        assert_eq!(people.restore(&ids[1]).await.expect("restored").version(), 3);

        let options = BulkOptions {
            permanent: true,
            ..BulkOptions::default()
        };
        people.bulk_delete(&ids[..1], options).await.expect("purged");
        assert_eq!(people.stats().await.expect("stats").trash, 0);
    });
}

#[test]
fn upsert_matches_updates_and_creates() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        people
            .insert(json!({"name": "Ann", "email": "ann@example.org", "age": 30}))
            .await
            .expect("inserted");
        let records = [
            map(json!({"name": "Ann B.", "email": "ann@example.org", "age": null})),
            map(json!({"name": "Bob", "email": "bob@example.org"})),
            map(json!({"name": "Robert", "email": "bob@example.org"})),
            map(json!({"name": "Nobody"})),
        ];
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let policy = (OnMany::Error, Blank::Keep);
        let outcome = people
            .bulk_upsert(&["email".into()], &records, policy, options)
            .await
            .expect("answered");
        assert!(
            matches!(&outcome.items[0], Bulk::Updated(r) if r[0].get("age") == json!(30) && r[0].get("name") == json!("Ann B."))
        );
        assert!(matches!(&outcome.items[1], Bulk::Created(_)));
        assert!(
            matches!(&outcome.items[2], Bulk::Updated(r) if r[0].version() == 2),
            "{:?}",
            outcome.items[2]
        );
        assert!(matches!(&outcome.items[3], Bulk::Failed(issues) if issues[0].code == Code::Required));
        assert_eq!(count(&people).await, 2);

        let again = people
            .bulk_upsert(&["email".into()], &records[..1], policy, BulkOptions::default())
            .await
            .expect("answered");
        assert!(matches!(&again.items[0], Bulk::Unchanged(record) if record.version() == 2));
    });
}

#[test]
fn an_ambiguous_match_is_the_callers_choice() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        people
            .insert_many(vec![json!({"name": "Ann"}), json!({"name": "Ann"})])
            .await
            .expect("inserted");
        let records = [map(json!({"name": "Ann", "age": 5}))];
        let upsert = |on_many| {
            let (people, records) = (people.clone(), records.clone());
            async move {
                let policy = (on_many, Blank::Clear);
                people
                    .bulk_upsert(&["name".into()], &records, policy, BulkOptions::default())
                    .await
                    .expect("answered")
            }
        };
        assert!(
            matches!(&upsert(OnMany::Error).await.items[0], Bulk::Failed(issues) if issues[0].code == Code::Ambiguous)
        );
        assert!(matches!(&upsert(OnMany::First).await.items[0], Bulk::Updated(r) if r.len() == 1));
        assert!(
            matches!(&upsert(OnMany::All).await.items[0], Bulk::Updated(r) if r.len() == 1),
            "one is right already"
        );
        let old = people.filter(json!({"age": 5})).await.expect("read");
        assert_eq!(old.len(), 2);
    });
}

#[test]
fn a_bulk_has_a_limit_that_it_names() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let records = vec![map(json!({"name": "x"})); 10_001];
        let error = people
            .bulk_create(&records, BulkOptions::default())
            .await
            .expect_err("too many");
        assert_eq!(
            error.to_string(),
            "records in one bulk request: at most 10000, got 10001"
        );
    });
}
