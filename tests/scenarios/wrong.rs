//! All that is wrong with a record is told at once: types, constraints, values and keys in use, and what it names that is not there.

use chancery::model::admit::UpdateMode;
use chancery::model::column::Constraints;
use chancery::{
    Blank, Bulk, BulkOptions, Code, ColumnInput, Error, ImportFile, ImportOptions, Issue, Json, JsonMap,
    Mapping, OnError, OnMany, Store, TableHandle, TableInput, UpdateItem, WriteOptions, json,
};
use chancery_scenarios::on_every_backend;

fn map(json: Json) -> JsonMap {
    json.as_object().cloned().expect("an object")
}

fn column(name: &str, field_type: &str, settings: Json) -> ColumnInput {
    ColumnInput {
        config: map(settings),
        ..ColumnInput::new(name, field_type)
    }
}

/// Clients, and orders that name them, each other, people, and two values of which no two orders may have the same.
async fn tables(store: &Store) -> (TableHandle, TableHandle) {
    let clients = TableInput::new("clients").column(ColumnInput::new("name", "text"));
    let clients = store.create_table(clients).await.expect("made");
    let orders = TableInput::new("orders")
        .column(ColumnInput::new("title", "text").required())
        .column(ColumnInput::new("email", "email").unique())
        .column(ColumnInput::new("code", "text").unique())
        .column(ColumnInput::new("amount", "number").range(0, 100))
        .column(column("client", "relation", json!({"table": "clients"})))
        .column(column(
            "partners",
            "relation",
            json!({"table": "clients", "relationType": "manyToMany"}),
        ))
        .column(column("after", "relation", json!({"table": "orders"})))
        .column(ColumnInput::new("lead", "user"));
    let orders = store.create_table(orders).await.expect("made");
    (clients, orders)
}

const NOBODY: &str = "0190a2b4-0000-7000-8000-000000000001";
const NONE: &str = "0190a2b4-0000-7000-8000-000000000002";

fn pairs(issues: &[Issue]) -> Vec<(&str, Code)> {
    let mut pairs: Vec<(&str, Code)> = issues
        .iter()
        .map(|issue| (issue.field.as_str(), issue.code))
        .collect();
    pairs.sort_by_key(|(field, code)| (field.to_string(), code.as_str()));
    pairs
}

fn refused<T>(result: Result<T, Error>) -> Error {
    match result {
        Err(error) => error,
        Ok(_) => panic!("it was written"),
    }
}

/// Everything that can be wrong with an order at once.
fn all_bad() -> Json {
    json!({
        "email": "a@example.org", "code": "A", "amount": 200, "client": NOBODY, "partners": [NOBODY, NONE],
        "after": NONE, "lead": "bob", "colour": "red",
    })
}

fn all_issues() -> Vec<(&'static str, Code)> {
    vec![
        ("after", Code::Reference),
        ("amount", Code::Max),
        ("client", Code::Reference),
        ("code", Code::Unique),
        ("colour", Code::UnknownColumn),
        ("email", Code::Unique),
        ("lead", Code::Reference),
        ("partners", Code::Reference),
        ("partners", Code::Reference),
    ]
}

/// The same, of a new record.
fn all_issues_of_new() -> Vec<(&'static str, Code)> {
    let mut all = all_issues();
    all.push(("title", Code::Required));
    all
}

async fn first(orders: &TableHandle) -> String {
    let data = json!({"title": "First", "email": "a@example.org", "code": "A"});
    orders.insert(data).await.expect("inserted").id()
}

#[test]
fn one_refusal_of_a_single_write_names_everything() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        let holder = first(&orders).await;
        let error = refused(orders.insert(all_bad()).await);
        assert!(matches!(error, Error::Invalid { .. }), "{error}");
        assert_eq!(pairs(error.issues()), all_issues_of_new());
        let email = error.issues().iter().find(|issue| issue.field == "email");
        let email = email.expect("it is told");
        assert_eq!(email.message, "Another record has the value \"a@example.org\"");
        assert_eq!(email.params["recordId"], json!(holder));
        let keys: Vec<&Json> = error
            .issues()
            .iter()
            .filter(|issue| issue.field == "partners")
            .map(|issue| &issue.params["key"])
            .collect();
        assert_eq!(keys, [&json!(NOBODY), &json!(NONE)]);

        let trial = WriteOptions {
            dry_run: true,
            ..WriteOptions::default()
        };
        let error = refused(orders.insert_with(&all_bad(), trial.clone()).await);
        assert_eq!(pairs(error.issues()), all_issues_of_new());

        let second = orders.insert(json!({"title": "Second"})).await.expect("inserted");
        let error = refused(orders.update(second.key(), all_bad()).await);
        assert_eq!(pairs(error.issues()), all_issues());
        let data = all_bad();
        let replaced = orders.update_with(second.key(), &data, UpdateMode::Replace, trial);
        assert_eq!(pairs(refused(replaced.await).issues()), all_issues_of_new());
        // One's own values are in nobody's way.
        orders
            .update(
                &holder,
                json!({"email": "a@example.org", "code": "A", "amount": 1}),
            )
            .await
            .expect("updated");
    });
}

#[test]
fn the_kind_of_refusal_says_whether_the_record_itself_is_wrong() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        let holder = first(&orders).await;
        // One value in use, and several.
        let error = refused(orders.insert(json!({"title": "x", "code": "A"})).await);
        assert!(
            matches!(&error, Error::Unique { field, value, holder: Some(key), .. }
                if field == "code" && value == "\"A\"" && key.to_string() == holder),
            "{error:?}"
        );
        let both = json!({"title": "x", "email": "a@example.org", "code": "A"});
        let error = refused(orders.insert(both).await);
        assert!(
            matches!(&error, Error::Unique { field, .. } if field == "email"),
            "{error:?}"
        );
        assert_eq!(
            pairs(error.issues()),
            [("code", Code::Unique), ("email", Code::Unique)]
        );
        assert!(
            error
                .to_string()
                .ends_with("; code: Another record has the value \"A\""),
            "{error}"
        );
        // What is in use beside what is not there.
        let mixed = json!({"title": "x", "code": "A", "client": NOBODY});
        let error = refused(orders.insert(mixed).await);
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(
            pairs(error.issues()),
            [("client", Code::Reference), ("code", Code::Unique)]
        );
        // A key, and a value of whoever has it.
        let kept = json!({"key": "id", "schema": {"id": {"type": "string"}, "mail": {"type": "string", "unique": true}}});
        let kept = store.define_bucket("kept", &kept).await.expect("defined");
        kept.insert(json!({"id": "1", "mail": "m"}))
            .await
            .expect("inserted");
        let error = refused(kept.insert(json!({"id": "1", "mail": "m"})).await);
        assert!(matches!(error, Error::KeyTaken { .. }), "{error:?}");
        assert_eq!(
            pairs(error.issues()),
            [("id", Code::KeyTaken), ("mail", Code::Unique)]
        );
        let error = refused(kept.insert(json!({"id": "1", "mail": 7})).await);
        assert_eq!(
            pairs(error.issues()),
            [("id", Code::KeyTaken), ("mail", Code::Type)]
        );
    });
}

#[test]
fn what_comes_back_from_the_trash_is_told_all_that_was_taken_meanwhile() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        let gone = first(&orders).await;
        assert!(orders.delete(&gone).await.expect("deleted"));
        first(&orders).await;
        let error = refused(orders.restore(&gone).await);
        assert!(matches!(error, Error::Unique { .. }), "{error:?}");
        assert_eq!(
            pairs(error.issues()),
            [("code", Code::Unique), ("email", Code::Unique)]
        );
    });
}

#[test]
fn every_item_of_a_bulk_is_told_all_that_is_wrong_with_it() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        let holder = first(&orders).await;
        let records = [
            map(json!({"title": "good", "code": "B"})),
            map(all_bad()),
            map(json!({"title": "two", "email": "a@example.org", "code": "A"})),
            map(json!({"title": "again", "code": "B", "amount": -1})),
        ];
        for on_error in [OnError::Abort, OnError::Continue] {
            let options = BulkOptions {
                on_error,
                dry_run: true,
                ..BulkOptions::default()
            };
            let outcome = orders.bulk_create(&records, options).await.expect("answered");
            let found: Vec<_> = outcome
                .failures()
                .map(|(at, issues)| (at, pairs(issues)))
                .collect();
            let both = vec![("code", Code::Unique), ("email", Code::Unique)];
            let again = vec![("amount", Code::Min), ("code", Code::Unique)];
            assert_eq!(found, [(1, all_issues_of_new()), (2, both), (3, again)]);
        }

        let second = orders
            .insert(json!({"title": "2", "code": "C"}))
            .await
            .expect("inserted");
        let item = |id: &str, data: Json| UpdateItem {
            id: id.to_owned(),
            data: map(data),
            ..UpdateItem::default()
        };
        let updates = [item(&second.id(), all_bad())];
        let outcome = orders.bulk_update(&updates, BulkOptions::default()).await;
        let outcome = outcome.expect("answered");
        assert_eq!(pairs(outcome.failures().next().expect("refused").1), all_issues());
        // What another item gives up is in nobody's way.
        let updates = [
            item(&holder, json!({"code": "Z"})),
            item(&second.id(), json!({"code": "A", "amount": 200})),
        ];
        let outcome = orders.bulk_update(&updates, BulkOptions::default()).await;
        let outcome = outcome.expect("answered");
        assert_eq!(
            pairs(outcome.failures().next().expect("refused").1),
            [("amount", Code::Max)]
        );
    });
}

#[test]
fn an_upsert_is_told_of_the_record_that_it_would_change() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        first(&orders).await;
        let other = json!({"title": "Other", "email": "o@example.org", "code": "O"});
        orders.insert(other).await.expect("inserted");
        let records = [
            map(json!({"email": "a@example.org", "code": "O", "client": NOBODY, "amount": "x"})),
            map(json!({"email": null, "amount": 200})),
        ];
        let policy = (OnMany::Error, Blank::Clear);
        let outcome = orders
            .bulk_upsert(&["email".into()], &records, policy, BulkOptions::default())
            .await
            .expect("answered");
        let found: Vec<_> = outcome.failures().map(|(_, issues)| pairs(issues)).collect();
        let one = vec![
            ("amount", Code::Type),
            ("client", Code::Reference),
            ("code", Code::Unique),
        ];
        assert_eq!(
            found,
            [one, vec![("amount", Code::Max), ("email", Code::Required)]]
        );
    });
}

#[test]
fn every_row_of_a_file_is_told_all_that_is_wrong_with_it() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        first(&orders).await;
        let text = format!(
            "title,email,code,amount,client\n\
             ,a@example.org,A,200,Nobody Ltd\n\
             fine,b@example.org,B,1,\n\
             again,b@example.org,B,2,{NOBODY}\n"
        );
        let file = ImportFile::bytes(text.into_bytes());
        for (on_error, dry_run) in [
            (OnError::Abort, true),
            (OnError::Abort, false),
            (OnError::Continue, false),
        ] {
            let options = ImportOptions {
                on_error,
                dry_run,
                ..ImportOptions::default()
            };
            let report = orders
                .import_csv(&file, &Mapping::default(), &options)
                .await
                .expect("read");
            let of = |row: u64| {
                let mut found: Vec<(&str, Code)> = report
                    .errors
                    .iter()
                    .filter(|error| error.row == row)
                    .map(|error| (error.field.as_str(), error.code))
                    .collect();
                found.sort_by_key(|(field, code)| (field.to_string(), code.as_str()));
                found
            };
            let what = format!("{on_error:?}, dry run {dry_run}");
            assert_eq!(
                of(1),
                [
                    ("amount", Code::Max),
                    ("client", Code::Reference),
                    ("code", Code::Unique),
                    ("email", Code::Unique),
                    ("title", Code::Required),
                ],
                "{what}"
            );
            assert_eq!(of(2), [], "{what}");
            assert_eq!(
                of(3),
                [
                    ("client", Code::Reference),
                    ("code", Code::Unique),
                    ("email", Code::Unique)
                ],
                "{what}"
            );
        }
    });
}

#[test]
fn a_column_says_in_its_own_words_what_is_wrong() {
    on_every_backend(|store| async move {
        let clients = TableInput::new("clients").column(ColumnInput::new("name", "text"));
        store.create_table(clients).await.expect("made");
        let own = |input: ColumnInput, words: &str| ColumnInput {
            constraints: Constraints {
                custom_error_message: Some(words.to_owned()),
                ..input.constraints.clone()
            },
            ..input
        };
        let orders = TableInput::new("orders")
            .column(own(
                ColumnInput::new("title", "text").required(),
                "A title, please",
            ))
            .column(own(
                ColumnInput::new("email", "email").unique(),
                "An address of your own",
            ))
            .column(own(
                ColumnInput::new("amount", "number").range(0, 100),
                "0 to 100",
            ))
            .column(own(
                column("client", "relation", json!({"table": "clients"})),
                "One of our clients",
            ))
            .column(own(ColumnInput::new("lead", "user"), "One of us"))
            .column(own(ColumnInput::new("plan", "file"), "A plan that was sent"));
        let orders = store.create_table(orders).await.expect("made");
        orders
            .insert(json!({"title": "x", "email": "a@example.org"}))
            .await
            .expect("inserted");
        for (data, field, code, words) in [
            (json!({}), "title", Code::Required, "A title, please"),
            (
                json!({"email": "no"}),
                "email",
                Code::Format,
                "An address of your own",
            ),
            (
                json!({"email": "a@example.org"}),
                "email",
                Code::Unique,
                "An address of your own",
            ),
            (json!({"amount": "x"}), "amount", Code::Type, "0 to 100"),
            (json!({"amount": 101}), "amount", Code::Max, "0 to 100"),
            (
                json!({"client": NOBODY}),
                "client",
                Code::Reference,
                "One of our clients",
            ),
            (json!({"lead": "bob"}), "lead", Code::Reference, "One of us"),
            (
                json!({"plan": NOBODY}),
                "plan",
                Code::Reference,
                "A plan that was sent",
            ),
        ] {
            let mut data = map(data);
            if field != "title" {
                data.insert("title".into(), json!("x"));
            }
            let told = |issues: &[Issue]| {
                let issue = issues.iter().find(|issue| issue.field == field).expect("told");
                assert_eq!((issue.code, issue.message.as_str()), (code, words), "{issue:?}");
                assert_eq!(issues.len(), 1, "{issues:?}");
            };
            let error = refused(orders.insert(Json::Object(data.clone())).await);
            told(error.issues());
            let outcome = orders.bulk_create(&[data], BulkOptions::default()).await;
            let outcome = outcome.expect("answered");
            told(outcome.failures().next().expect("refused").1);
        }
    });
}

#[test]
fn items_of_a_bulk_bring_ids_of_another_system_and_say_what_was_left_out() {
    on_every_backend(|store| async move {
        let (_, orders) = tables(&store).await;
        let records = [
            map(json!({"title": "a", "externalId": "x-1", "_display": {"title": "a"}})),
            map(json!({"title": "b", "externalId": 7})),
            map(json!({"title": "c"})),
        ];
        let outcome = orders.bulk_create(&records, BulkOptions::default()).await;
        let outcome = outcome.expect("answered");
        let ids: Vec<Option<String>> = outcome
            .items
            .iter()
            .map(|item| match item {
                Bulk::Created(record) => record.metadata().external_id.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, [Some("x-1".into()), Some("7".into()), None]);
        assert_eq!(
            outcome.ignored.into_iter().collect::<Vec<_>>(),
            [(0, vec!["_display".to_owned()])]
        );

        let again = [
            map(json!({"title": "A", "externalId": "x-1"})),
            map(json!({"title": "D", "externalId": "x-9"})),
            map(json!({"title": 5, "externalId": ""})),
        ];
        let policy = (OnMany::Error, Blank::Clear);
        let match_on = ["externalId".to_owned()];
        let outcome = orders
            .bulk_upsert(&match_on, &again, policy, BulkOptions::default())
            .await
            .expect("answered");
        assert_eq!(
            outcome
                .failures()
                .map(|(at, issues)| (at, pairs(issues)))
                .collect::<Vec<_>>(),
            [(2, vec![("externalId", Code::Limit), ("title", Code::Type)])]
        );
        let outcome = orders
            .bulk_upsert(&match_on, &again[..2], policy, BulkOptions::default())
            .await
            .expect("answered");
        assert!(
            matches!(outcome.items[..], [Bulk::Updated(_), Bulk::Created(_)]),
            "{outcome:?}"
        );

        // An id alone is a change too.
        let id = orders
            .insert(json!({"title": "e", "code": "E"}))
            .await
            .expect("inserted")
            .id();
        let named = [map(json!({"code": "E", "externalId": "x-5"}))];
        let outcome = orders
            .bulk_upsert(&["code".into()], &named, policy, BulkOptions::default())
            .await
            .expect("answered");
        assert!(matches!(outcome.items[..], [Bulk::Updated(_)]), "{outcome:?}");
        let update = UpdateItem {
            id: id.clone(),
            data: map(json!({"_display": {}})),
            external_id: Some("x-6".into()),
            ..UpdateItem::default()
        };
        let outcome = orders.bulk_update(&[update], BulkOptions::default()).await;
        assert_eq!(outcome.expect("answered").ignored[&0], ["_display"]);
        let record = orders.get(&id).await.expect("read").expect("there");
        assert_eq!(record.metadata().external_id.as_deref(), Some("x-6"));
    });
}
