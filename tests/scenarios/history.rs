//! The history of one record: field by field, and any version comes back. What undoes operations is elsewhere.

use chancery::{Actor, ChangeKind, Code, ColumnPatch, Error, Json, json};
use chancery_scenarios::on_every_backend;

use crate::undo::{notes, tasks};

#[test]
fn a_history_tells_field_by_field_and_any_version_comes_back() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        let ann = store.acting(Actor {
            id: Some("ann".into()),
            ..Actor::default()
        });
        notes
            .insert(json!({"id": "n", "text": "one", "loose": 1}))
            .await
            .expect("inserted");
        ann.table("notes")
            .expect("there")
            .update("n", json!({"text": "two"}))
            .await
            .expect("updated");
        notes
            .update("n", json!({"loose": null, "fresh": "x"}))
            .await
            .expect("updated");

        let history = notes.history("n", 10, None).await.expect("told");
        assert!(!history.has_more);
        type Told<'a> = (u64, ChangeKind, Vec<(&'a str, &'a Json, &'a Json)>);
        let told: Vec<Told<'_>> = history
            .steps
            .iter()
            .map(|step| {
                let changes = step
                    .changes
                    .iter()
                    .map(|change| (&*change.column, &change.from, &change.to));
                (step.version, step.kind, changes.collect())
            })
            .collect();
        let null = &Json::Null;
        assert_eq!(
            told,
            [
                (
                    3,
                    ChangeKind::Updated,
                    vec![("fresh", null, &json!("x")), ("loose", &json!(1), null)]
                ),
                (
                    2,
                    ChangeKind::Updated,
                    vec![("text", &json!("one"), &json!("two"))]
                ),
                (
                    1,
                    ChangeKind::Inserted,
                    vec![
                        ("id", null, &json!("n")),
                        ("text", null, &json!("one")),
                        ("loose", null, &json!(1))
                    ]
                ),
            ]
        );
        assert_eq!(history.steps[1].actor.as_deref(), Some("ann"));
        let page = notes.history("n", 1, Some(3)).await.expect("told");
        assert_eq!((page.steps[0].version, page.has_more), (2, true));

        let first = notes.record_at("n", 1).await.expect("rebuilt");
        assert_eq!(
            Json::Object(first.data()),
            json!({"id": "n", "text": "one", "loose": 1})
        );
        let written = notes.restore_version("n", 1).await.expect("restored");
        assert_eq!(written.record.version(), 4);
        assert_eq!(written.record.data(), first.data());
        assert!(matches!(
            notes.record_at("n", 9).await,
            Err(Error::NotFound { what: "version", .. })
        ));
        assert!(matches!(
            notes.history("m", 9, None).await,
            Err(Error::NotFound { .. })
        ));
    });
}

#[test]
fn a_version_that_the_definition_refuses_by_now_is_refused() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "long enough"}))
            .await
            .expect("inserted");
        tasks
            .update(task.key(), json!({"title": "x", "code": "mine"}))
            .await
            .expect("updated");
        tasks
            .update(task.key(), json!({"code": "other"}))
            .await
            .expect("updated");
        let mut constraints = tasks
            .definition()
            .expect("there")
            .column("title")
            .expect("there")
            .constraints
            .clone();
        constraints.max_length = Some(5);
        let patch = ColumnPatch {
            constraints: Some(constraints),
            ..ColumnPatch::default()
        };
        tasks.update_column("title", patch).await.expect("stricter");
        match tasks.restore_version(task.key(), 1).await {
            Err(Error::Invalid { issues, .. }) => {
                assert_eq!((&*issues[0].field, issues[0].code), ("title", Code::MaxLength));
                assert!(
                    issues[0].message.ends_with("(version 1 does not satisfy it)"),
                    "{}",
                    issues[0].message
                );
            }
            other => panic!("expected issues, got {other:?}"),
        }
        tasks
            .insert(json!({"title": "v", "code": "mine"}))
            .await
            .expect("inserted");
        let refused = tasks.restore_version(task.key(), 2).await;
        assert!(matches!(refused, Err(Error::Unique { .. })), "{refused:?}");
    });
}
