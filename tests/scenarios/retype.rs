//! Columns that get another field type while they have values, on every backend. What each value becomes is tested in the model.

use chancery::{
    ColumnInput, Error, EventKind, JobOptions, JobState, JobStatus, Json, OnLoss, OperationQuery, Query,
    RevertOptions, Since, Store, TableHandle, TableInput, TypeChange, json,
};
use chancery_scenarios::on_every_backend;

/// Fewer records than there are in several batches.
const BATCH: u64 = 7;

fn in_batches() -> JobOptions {
    JobOptions {
        batch: Some(BATCH),
        ..JobOptions::default()
    }
}

fn or_null(field_type: &str) -> TypeChange {
    TypeChange {
        on_loss: OnLoss::Null,
        ..TypeChange::to(field_type)
    }
}

async fn run(table: &TableHandle, column: &str, change: TypeChange) -> JobStatus {
    let job = table
        .change_type(column, change, in_batches())
        .await
        .expect("started");
    let status = job.wait().await.expect("a status");
    assert_eq!(status.state, JobState::Done, "{status:?}");
    status
}

/// A table with this one text column and these values, and the keys of its records.
async fn texts(store: &Store, column: ColumnInput, values: &[&str]) -> (TableHandle, Vec<String>) {
    let table = store
        .create_table(
            TableInput {
                soft_delete: true,
                ..TableInput::new("Parts")
            }
            .column(column),
        )
        .await
        .expect("defined");
    let mut keys = Vec::new();
    for value in values {
        keys.push(table.insert(json!({"n": value})).await.expect("inserted").id());
    }
    (table, keys)
}

async fn n(table: &TableHandle, key: &str) -> Json {
    table.get(key).await.expect("read").expect("it is there").get("n")
}

async fn last_operation(store: &Store) -> String {
    let page = store.operations(OperationQuery::default()).await.expect("told");
    page.operations[0].id.to_string()
}

fn refusal(outcome: Result<impl std::fmt::Debug, Error>) -> String {
    match outcome.expect_err("refused") {
        Error::Definition(issues) => issues
            .into_iter()
            .map(|issue| issue.message)
            .collect::<Vec<_>>()
            .join("; "),
        other => other.to_string(),
    }
}

#[test]
fn a_dry_run_counts_every_value_and_writes_nothing() {
    on_every_backend(async |store| {
        let (table, keys) = texts(
            &store,
            ColumnInput::new("n", "text"),
            &["12", "007", "about 5", "", "3.5"],
        )
        .await;
        table.insert(json!({})).await.expect("inserted");
        table.delete(keys[2].as_str()).await.expect("in the trash");
        let before = store.revision().await.expect("told");
        let plan = table
            .plan_type_change("n", &TypeChange::to("number"))
            .await
            .expect("planned");
        assert_eq!(
            (plan.records, plan.blank, plan.kept, plan.changed, plan.lost),
            (6, 1, 3, 1, 1)
        );
        let change = &plan.changes[0];
        assert_eq!(
            (&change.record, &change.before, &change.after),
            (&keys[1], &json!("007"), &json!(7))
        );
        let lost = &plan.losses[0].examples[0];
        assert_eq!(
            (&lost.record, lost.in_trash, &lost.value),
            (&keys[2], true, &json!("about 5"))
        );
        assert_eq!(store.revision().await.expect("told"), before);

        let said = refusal(
            table
                .change_type("n", TypeChange::to("number"), in_batches())
                .await,
        );
        assert!(
            said.starts_with("1 value(s) cannot be of type number, as \"about 5\" of record"),
            "{said}"
        );
        assert_eq!(table.column("n").expect("it is there").field_type, "text");
    });
}

#[test]
fn values_history_and_index_are_of_the_new_type() {
    on_every_backend(async |store| {
        let values: Vec<String> = (0..20).map(|number| format!("{number:03}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let (table, keys) = texts(&store, ColumnInput::new("n", "text").indexed(), &values).await;
        let id = table.column("n").expect("it is there").id;
        table
            .update(keys[3].as_str(), json!({"n": "300"}))
            .await
            .expect("updated");
        let update = last_operation(&store).await;
        table.delete(keys[4].as_str()).await.expect("in the trash");
        table.purge(keys[5].as_str()).await.expect("gone");
        let purge = last_operation(&store).await;
        let mut events = store.events(Since::Now);
        let status = run(&table, "n", TypeChange::to("number")).await;
        assert_eq!((status.done, status.failed), (19, 0));
        assert_eq!(table.column(&id).expect("by its id").field_type, "number");

        assert_eq!(n(&table, &keys[3]).await, json!(300));
        let above = table.filter(json!({"n": {"$gt": 18}})).await.expect("asked");
        assert_eq!(above.len(), 2);
        let restored = table.restore(keys[4].as_str()).await.expect("restored");
        assert_eq!(restored.get("n"), json!(4));

        let history = table.history(keys[3].as_str(), 10, None).await.expect("told");
        let told: Vec<(Json, Json)> = history
            .steps
            .iter()
            .flat_map(|step| {
                step.changes
                    .iter()
                    .map(|change| (change.from.clone(), change.to.clone()))
            })
            .collect();
        assert_eq!(told, [(json!(3), json!(300)), (Json::Null, json!(3))]);
        store
            .revert(&update, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(n(&table, &keys[3]).await, json!(3));
        store
            .revert(&purge, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(n(&table, &keys[5]).await, json!(5));
        // Nobody is told of the work itself.
        let first = events.next().await.expect("an event");
        assert_eq!(first.kind, EventKind::Restored);
    });
}

#[test]
fn a_column_that_changes_back_is_as_it_was_where_nobody_touched_it() {
    on_every_backend(async |store| {
        let (table, keys) = texts(
            &store,
            ColumnInput::new("n", "text"),
            &["00501", "about 5", "12", "13"],
        )
        .await;
        let status = run(&table, "n", or_null("number")).await;
        assert_eq!((status.done, status.failed), (3, 1));
        assert_eq!(n(&table, &keys[1]).await, Json::Null);
        table
            .update(keys[2].as_str(), json!({"n": 99}))
            .await
            .expect("updated");
        table
            .update(keys[3].as_str(), json!({"n": null}))
            .await
            .expect("updated");
        table.insert(json!({"n": 7})).await.expect("inserted");

        let plan = table
            .plan_type_change("n", &TypeChange::to("text"))
            .await
            .expect("planned");
        assert_eq!(
            (plan.kept, plan.changed, plan.lost, plan.restored, plan.blank),
            (3, 0, 0, 1, 1)
        );
        run(&table, "n", TypeChange::to("text")).await;
        let mut back = Vec::new();
        for key in &keys {
            back.push(n(&table, key).await);
        }
        assert_eq!(back, [json!("00501"), json!("about 5"), json!("99"), Json::Null]);
        // And once more, by way of what the numbers were.
        run(&table, "n", or_null("number")).await;
        assert_eq!(n(&table, &keys[0]).await, json!(501));
    });
}

#[test]
fn texts_become_options_and_options_their_names() {
    on_every_backend(async |store| {
        let (table, keys) = texts(
            &store,
            ColumnInput::new("n", "text"),
            &["Open", "done", "Open", "Later, if ever"],
        )
        .await;
        let said = refusal(
            table
                .change_type("n", TypeChange::to("select"), in_batches())
                .await,
        );
        assert!(said.contains("The column has no options yet"), "{said}");
        let create = TypeChange {
            create_options: true,
            ..TypeChange::to("select")
        };
        let plan = table.plan_type_change("n", &create).await.expect("planned");
        assert_eq!(
            (plan.new_options.join("|").as_str(), plan.kept),
            ("Open|done|Later, if ever", 4)
        );
        run(&table, "n", create).await;
        let column = table.column("n").expect("it is there");
        let names: Vec<&str> = column.live_options().map(|option| option.name.as_str()).collect();
        assert_eq!(names, ["Open", "done", "Later, if ever"]);
        let held = n(&table, &keys[2]).await;
        assert_eq!(held.as_str(), Some(column.options[0].id.as_str()));
        run(&table, "n", TypeChange::to("multiSelect")).await;
        assert_eq!(n(&table, &keys[2]).await, json!([column.options[0].id]));
        run(&table, "n", TypeChange::to("longText")).await;
        assert_eq!(n(&table, &keys[3]).await, json!("\"Later, if ever\""));
        let found = table
            .select(&Query::new().search("ever"))
            .await
            .expect("searched");
        assert_eq!(found.len(), 1);
    });
}

#[test]
fn what_is_written_meanwhile_is_of_both_types_and_what_cannot_be_is_refused() {
    on_every_backend(async |store| {
        let values: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let (table, keys) = texts(&store, ColumnInput::new("n", "text"), &values).await;
        let slow = JobOptions {
            batch: Some(1),
            rows_per_second: Some(60),
            ..JobOptions::default()
        };
        let job = table
            .change_type("n", TypeChange::to("number"), slow)
            .await
            .expect("started");
        while job.status().await.expect("told").seen == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        table
            .update(keys[11].as_str(), json!({"n": "390"}))
            .await
            .expect("updated");
        assert_eq!(n(&table, &keys[11]).await, json!("390"));
        let refused = table
            .update(keys[0].as_str(), json!({"n": "many"}))
            .await
            .expect_err("refused");
        let Error::Invalid { issues, .. } = &refused else {
            panic!("{refused}")
        };
        assert!(
            issues[0].message.contains("just becoming one of type number"),
            "{issues:?}"
        );
        let second = table.change_type("n", TypeChange::to("date"), in_batches()).await;
        assert!(matches!(second, Err(Error::Taken { .. })), "{second:?}");
        store.pause_job(job.id()).await.expect("paused");
        let id = job.id().to_owned();
        job.wait().await.expect("told");
        store
            .resume_type_change(&id)
            .await
            .expect("resumed")
            .wait()
            .await
            .expect("told");
        assert_eq!(store.job(&id).await.expect("told").state, JobState::Done);
        assert_eq!(n(&table, &keys[11]).await, json!(390));
        assert_eq!(n(&table, &keys[0]).await, json!(0));
    });
}

#[test]
fn a_change_that_is_called_off_leaves_the_column_as_it_is() {
    on_every_backend(async |store| {
        let values: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let (table, keys) = texts(&store, ColumnInput::new("n", "text"), &values).await;
        let slow = JobOptions {
            rows_per_second: Some(30),
            ..JobOptions::default()
        };
        let job = table
            .change_type("n", TypeChange::to("number"), slow)
            .await
            .expect("started");
        while job.status().await.expect("told").seen == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let stopped = store.stop_type_change(job.id(), true).await.expect("called off");
        assert_eq!(stopped.state, JobState::Cancelled);
        job.wait().await.expect("told");
        assert_eq!(n(&table, &keys[0]).await, json!("0"));
        run(&table, "n", TypeChange::to("number")).await;
        assert_eq!(n(&table, &keys[0]).await, json!(0));
    });
}

#[test]
fn constraints_hold_or_the_change_is_refused_with_the_reason() {
    on_every_backend(async |store| {
        let (table, _) = texts(&store, ColumnInput::new("n", "text").unique(), &["1", "01", "2"]).await;
        let said = refusal(
            table
                .change_type("n", TypeChange::to("number"), in_batches())
                .await,
        );
        assert!(said.contains("1 value(s) would be the same as others"), "{said}");
        let plan = table
            .plan_type_change("n", &or_null("rating"))
            .await
            .expect("planned");
        let about: Vec<&str> = plan.asides.iter().map(|aside| aside.about.as_str()).collect();
        assert_eq!((about.as_slice(), plan.duplicates), (["unique"].as_slice(), 0));

        let input = TableInput::new("Orders")
            .column(ColumnInput::new("total", "number").required())
            .column(ColumnInput::new("due", "text").required());
        let orders = store.create_table(input).await.expect("defined");
        orders
            .insert(json!({"total": 5, "due": "soon"}))
            .await
            .expect("inserted");
        let said = refusal(orders.change_type("due", or_null("date"), in_batches()).await);
        assert!(said.contains("as the column is required"), "{said}");
        run(&orders, "total", TypeChange::to("text")).await;
        orders
            .insert(json!({"due": "soon"}))
            .await
            .expect_err("still required");
    });
}

#[test]
fn what_other_columns_show_holds_the_type_back() {
    on_every_backend(async |store| {
        let orders = TableInput::new("Orders").column(ColumnInput::new("total", "number"));
        let orders = store.create_table(orders).await.expect("defined");
        let config = |json: Json| json.as_object().cloned().expect("an object");
        let relation = ColumnInput {
            config: config(json!({"table": "orders", "relationType": "manyToMany"})),
            ..ColumnInput::new("orders", "relation")
        };
        let sum = ColumnInput {
            config: config(json!({"relation": "orders", "column": "total", "function": "sum"})),
            ..ColumnInput::new("sum", "rollup")
        };
        let clients = TableInput::new("Clients").column(relation).column(sum);
        let clients = store.create_table(clients).await.expect("defined");
        let said = refusal(
            orders
                .change_type("total", TypeChange::to("text"), in_batches())
                .await,
        );
        assert!(
            said.contains("\"clients.sum.config.function\" could not show it"),
            "{said}"
        );
        let order = orders.insert(json!({"total": 5})).await.expect("inserted");
        clients
            .insert(json!({"orders": [order.id()]}))
            .await
            .expect("inserted");
        run(&orders, "total", TypeChange::to("currency")).await;
        assert_eq!(
            orders
                .get(order.key())
                .await
                .expect("read")
                .expect("there")
                .get("total"),
            json!(5)
        );

        let settings = config(json!({"filter": {"column": "total", "operator": "gt", "value": 3}}));
        orders.create_view("Large", false, settings).await.expect("kept");
        let said = refusal(
            clients
                .change_type("sum", TypeChange::to("text"), in_batches())
                .await,
        );
        assert!(said.contains("worked out"), "{said}");
        let plan = orders
            .plan_type_change("total", &TypeChange::to("number"))
            .await
            .expect("planned");
        assert!(
            plan.asides
                .iter()
                .any(|aside| aside.message.contains("\"Large\"")),
            "{:?}",
            plan.asides
        );
        let said = refusal(
            clients
                .change_type("orders", TypeChange::to("text"), in_batches())
                .await,
        );
        assert!(said.contains("could not show it"), "{said}");
    });
}

#[test]
fn a_relation_that_becomes_text_follows_what_is_deleted_meanwhile() {
    on_every_backend(async |store| {
        let orders = TableInput::new("Orders").column(ColumnInput::new("total", "number"));
        let orders = store.create_table(orders).await.expect("defined");
        let config = json!({"table": "orders", "relationType": "manyToMany", "onDelete": "setNull"});
        let relation = ColumnInput {
            config: config.as_object().cloned().expect("an object"),
            ..ColumnInput::new("n", "relation")
        };
        let clients = store
            .create_table(TableInput::new("Clients").column(relation))
            .await
            .expect("defined");
        let mut ids = Vec::new();
        for total in 0..12 {
            ids.push(
                orders
                    .insert(json!({"total": total}))
                    .await
                    .expect("inserted")
                    .id(),
            );
        }
        let mut keys = Vec::new();
        for id in &ids {
            let both = json!({"n": [id, ids[0]]});
            let one = json!({"n": [id]});
            let client = clients
                .insert(if *id == ids[0] { one } else { both })
                .await
                .expect("inserted");
            keys.push(client.id());
        }
        let slow = JobOptions {
            batch: Some(1),
            rows_per_second: Some(60),
            ..JobOptions::default()
        };
        let job = clients
            .change_type("n", TypeChange::to("text"), slow)
            .await
            .expect("started");
        while job.status().await.expect("told").seen < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        orders.delete(ids[0].as_str()).await.expect("deleted");
        assert_eq!(job.wait().await.expect("told").state, JobState::Done);
        assert_eq!(n(&clients, &keys[1]).await, json!(ids[1]));
        assert_eq!(n(&clients, &keys[11]).await, json!(ids[11]));
        let said = refusal(clients.change_type("n", or_null("relation"), in_batches()).await);
        assert!(said.contains("import it with the names"), "{said}");
    });
}
