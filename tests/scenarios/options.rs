//! Options of select columns that become one: what records hold, defaults, views, and that it is taken back as a unit.

use chancery::{ColumnInput, Error, Json, OptionPatch, RevertOptions, Store, TableHandle, TableInput, json};
use chancery_scenarios::on_every_backend;

async fn tasks(store: &Store) -> (TableHandle, Vec<String>) {
    let state = ColumnInput::new("state", "select")
        .options(["Done", "Finished", "Open"])
        .default_value("Finished");
    let tags = ColumnInput::new("tags", "multiSelect").options(["red", "crimson", "blue"]);
    let input = TableInput {
        soft_delete: true,
        ..TableInput::new("Tasks").column(state).column(tags)
    };
    let tasks = store.create_table(input).await.expect("defined");
    let mut ids = Vec::new();
    for column in ["state", "tags"] {
        let options = tasks.column(column).expect("there").options;
        ids.extend(options.into_iter().map(|option| option.id));
    }
    (tasks, ids)
}

async fn held(table: &TableHandle, key: &str, column: &str) -> Json {
    table.get(key).await.expect("read").expect("there").get(column)
}

fn names(table: &TableHandle, column: &str) -> Vec<String> {
    let column = table.column(column).expect("there");
    column.live_options().map(|option| option.name.clone()).collect()
}

#[test]
fn records_views_and_the_default_hold_the_option_that_stays_and_an_undo_brings_the_other_back() {
    on_every_backend(async |store| {
        let (tasks, ids) = tasks(&store).await;
        let (done, finished, open) = (&ids[0], &ids[1], &ids[2]);
        let mut keys = Vec::new();
        for state in [finished, done, open, finished] {
            keys.push(
                tasks
                    .insert(json!({"state": state}))
                    .await
                    .expect("inserted")
                    .id(),
            );
        }
        tasks.delete(keys[3].as_str()).await.expect("in the trash");
        let filter = json!({"filter": {"and": [{"column": "state", "operator": "in", "value": [finished, "Open"]},
            {"column": "title", "operator": "eq", "value": "Finished"}]}});
        let view = tasks
            .create_view("Over", true, filter.as_object().cloned().expect("an object"))
            .await
            .expect("kept");

        let told = tasks
            .merge_option("state", finished, done, true)
            .await
            .expect("counted");
        assert_eq!((told.records, told.views, told.operation), (2, 1, None));
        assert_eq!(names(&tasks, "state").len(), 3);
        let merged = tasks
            .merge_option("state", finished, done, false)
            .await
            .expect("merged");
        assert_eq!((merged.records, merged.views), (2, 1));
        assert_eq!(names(&tasks, "state"), ["Done", "Open"]);
        assert_eq!(held(&tasks, &keys[0], "state").await, json!(done));
        let restored = tasks.restore(keys[3].as_str()).await.expect("restored");
        assert_eq!(restored.get("state"), json!(done));
        let fresh = tasks.insert(json!({})).await.expect("inserted");
        assert_eq!(fresh.get("state"), json!(done));
        let settings = tasks.view(&view.id).await.expect("there").settings;
        assert_eq!(settings["filter"]["and"][0]["value"], json!([done, "Open"]));
        assert_eq!(settings["filter"]["and"][1]["value"], json!("Finished"));

        let operation = merged.operation.expect("two records");
        let told = store.operation(&operation).await.expect("told");
        assert_eq!((told.reason.as_str(), told.changes), ("merge", 2));
        let report = store
            .revert(&operation, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(report.reverted, 2);
        assert_eq!(names(&tasks, "state"), ["Done", "Finished", "Open"]);
        assert_eq!(held(&tasks, &keys[0], "state").await, json!(finished));
        assert_eq!(held(&tasks, &keys[1], "state").await, json!(done));
    });
}

#[test]
fn of_several_each_is_held_once() {
    on_every_backend(async |store| {
        let (tasks, ids) = tasks(&store).await;
        let (red, crimson, blue) = (&ids[3], &ids[4], &ids[5]);
        let both = tasks
            .insert(json!({"tags": [crimson, blue, red]}))
            .await
            .expect("inserted")
            .id();
        let one = tasks
            .insert(json!({"tags": [blue, crimson]}))
            .await
            .expect("inserted")
            .id();
        let merged = tasks
            .merge_option("tags", crimson, red, false)
            .await
            .expect("merged");
        assert_eq!(merged.records, 2);
        assert_eq!(held(&tasks, &both, "tags").await, json!([red, blue]));
        assert_eq!(held(&tasks, &one, "tags").await, json!([blue, red]));
        // Its name is free, and whoever takes it keeps it.
        let patch = OptionPatch {
            name: Some("crimson".into()),
            ..OptionPatch::default()
        };
        tasks.update_option("tags", blue, patch).await.expect("renamed");
        let operation = merged.operation.expect("two records");
        store
            .revert(&operation, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(names(&tasks, "tags"), ["red", "crimson"]);
        assert_eq!(held(&tasks, &both, "tags").await, json!([crimson, blue, red]));
    });
}

#[test]
fn a_merge_that_makes_no_sense_is_refused_and_one_that_was_left_is_finished() {
    on_every_backend(async |store| {
        let (tasks, ids) = tasks(&store).await;
        let refused = tasks
            .merge_option("state", &ids[0], &ids[0], false)
            .await
            .expect_err("refused");
        assert!(matches!(refused, Error::Definition(_)), "{refused:?}");
        let refused = tasks
            .merge_option("state", &ids[0], "nothing", false)
            .await
            .expect_err("refused");
        assert!(matches!(refused, Error::NotFound { .. }), "{refused:?}");
        for _ in 0..1_100 / 100 {
            let many = (0..100).map(|_| json!({"state": ids[1]})).collect();
            tasks.insert_many(many).await.expect("inserted");
        }
        let merged = tasks
            .merge_option("state", &ids[1], &ids[0], false)
            .await
            .expect("merged");
        assert_eq!(merged.records, 1_100);
        let again = tasks
            .merge_option("state", &ids[1], &ids[0], false)
            .await
            .expect("nothing is left");
        assert_eq!((again.records, again.operation), (0, None));
        let elsewhere = tasks
            .merge_option("state", &ids[1], &ids[2], false)
            .await
            .expect_err("gone");
        assert!(matches!(elsewhere, Error::NotFound { .. }), "{elsewhere:?}");
        let operation = merged.operation.expect("some records");
        let report = store
            .revert(&operation, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(report.reverted, 1_100);
    });
}
