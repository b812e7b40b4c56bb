//! The bucket vocabulary, example by example: insert, get, update, delete, clear, all, metadata, validation. No events.

use chancery::{Code, Error, Json, Record, Store, TableHandle, json};
use chancery_scenarios::on_every_backend;

async fn tasks(store: &Store) -> TableHandle {
    let definition = json!({
        "key": "id",
        "schema": {
            "id": {"type": "string", "generated": "uuid"},
            "title": {"type": "string", "required": true, "minLength": 1, "maxLength": 200},
            "status": {"type": "string", "enum": ["todo", "in_progress", "done"], "default": "todo"},
            "priority": {"type": "number", "min": 1, "max": 5, "default": 3},
            "tags": {"type": "array", "default": []},
        },
        "indexes": ["status"],
    });
    store
        .define_bucket("tasks", &definition)
        .await
        .expect("the bucket is defined")
}

/// The issues of a refused write as (field, code, message).
fn issues(result: Result<Record, Error>) -> Vec<(String, Code, String)> {
    match result {
        Err(Error::Invalid { issues, .. }) => issues
            .into_iter()
            .map(|issue| (issue.field, issue.code, issue.message))
            .collect(),
        other => panic!("expected a validation error, got {other:?}"),
    }
}

fn issue(field: &str, code: Code, message: &str) -> (String, Code, String) {
    (field.into(), code, message.into())
}

#[test]
fn insert_answers_the_complete_record() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Write documentation"}))
            .await
            .expect("inserted");
        assert_eq!(task.get("title"), json!("Write documentation"));
        assert_eq!(task.get("status"), json!("todo"));
        assert_eq!(task.get("priority"), json!(3));
        assert_eq!(task.get("tags"), json!([]));
        assert_eq!(task.version(), 1);
        assert!(task.created_at() > 0);
        assert_eq!(task.created_at(), task.updated_at());
        assert_eq!(
            task.get("id").as_str().map(str::len),
            Some(36),
            "a generated UUID"
        );
        assert_eq!(
            tasks.get(task.key()).await.expect("read"),
            Some(task),
            "exactly as stored"
        );
    });
}

#[test]
fn insert_collects_every_issue_and_stores_nothing() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        assert_eq!(
            issues(tasks.insert(json!({})).await),
            [issue("title", Code::Required, "Field is required")]
        );
        assert_eq!(
            issues(tasks.insert(json!({"title": 123})).await),
            [issue("title", Code::Type, "Expected type \"string\", got number")]
        );
        assert_eq!(
            issues(tasks.insert(json!({"title": "x", "priority": 10})).await),
            [issue("priority", Code::Max, "Maximum value is 5")]
        );
        assert_eq!(
            issues(
                tasks
                    .insert(json!({"title": "", "status": "invalid", "priority": 0}))
                    .await
            ),
            [
                issue("title", Code::MinLength, "Minimum length is 1"),
                issue(
                    "status",
                    Code::Enum,
                    "Value must be one of: todo, in_progress, done"
                ),
                issue("priority", Code::Min, "Minimum value is 1"),
            ]
        );
        assert!(tasks.all().await.expect("read").is_empty());
    });
}

#[test]
fn get_answers_the_record_or_nothing() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Review PR"}))
            .await
            .expect("inserted");
        let found = tasks.get(&task.id()).await.expect("read").expect("found");
        assert_eq!(found.get("title"), json!("Review PR"));
        assert_eq!(tasks.get("does-not-exist").await.expect("read"), None);
    });
}

#[test]
fn update_changes_what_is_given_and_bumps_the_version() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Deploy app"}))
            .await
            .expect("inserted");
        std::thread::sleep(std::time::Duration::from_millis(5));
        let updated = tasks
            .update(task.key(), json!({"status": "in_progress", "priority": 5}))
            .await
            .expect("updated");
        assert_eq!(updated.get("status"), json!("in_progress"));
        assert_eq!(updated.get("priority"), json!(5));
        assert_eq!(updated.get("title"), json!("Deploy app"));
        assert_eq!(updated.version(), 2);
        assert!(updated.updated_at() > task.updated_at());
        assert_eq!(updated.created_at(), task.created_at());
    });
}

#[test]
fn update_leaves_protected_fields_out_and_says_so() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks.insert(json!({"title": "Test"})).await.expect("inserted");
        let changes = json!({"id": "custom-id", "_version": 999, "_createdAt": 0, "title": "Updated"});
        let written = tasks
            .update_with(
                task.key(),
                &changes,
                chancery::UpdateMode::Merge,
                chancery::WriteOptions::default(),
            )
            .await
            .expect("updated");
        assert_eq!(written.record.get("id"), task.get("id"));
        assert_eq!(written.record.version(), 2);
        assert_eq!(written.record.created_at(), task.created_at());
        assert_eq!(written.record.get("title"), json!("Updated"));
        assert_eq!(written.ignored, ["id", "_version", "_createdAt"]);
    });
}

#[test]
fn a_refused_update_changes_nothing() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Valid task", "priority": 3}))
            .await
            .expect("inserted");
        assert_eq!(
            issues(tasks.update(task.key(), json!({"status": "cancelled"})).await),
            [issue(
                "status",
                Code::Enum,
                "Value must be one of: todo, in_progress, done"
            )]
        );
        let unchanged = tasks.get(task.key()).await.expect("read").expect("found");
        assert_eq!((unchanged.get("status"), unchanged.version()), (json!("todo"), 1));
    });
}

#[test]
fn updating_what_is_not_there_is_an_error() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let error = tasks
            .update("non-existent-id", json!({"title": "Nope"}))
            .await
            .expect_err("not there");
        assert_eq!(
            error.to_string(),
            "Record with key \"non-existent-id\" not found in table \"tasks\""
        );
    });
}

#[test]
fn delete_is_silent_about_what_is_not_there() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Temporary task"}))
            .await
            .expect("inserted");
        assert!(tasks.delete(task.key()).await.expect("deleted"));
        assert_eq!(tasks.get(task.key()).await.expect("read"), None);
        assert!(!tasks.delete("already-deleted").await.expect("no error"));
    });
}

#[test]
fn clear_removes_the_records_and_keeps_the_definition() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        for n in 1..=3 {
            tasks
                .insert(json!({"title": format!("Task {n}")}))
                .await
                .expect("inserted");
        }
        assert_eq!(tasks.count(&chancery::Query::new()).await.expect("counted"), 3);
        assert_eq!(tasks.clear().await.expect("cleared"), 3);
        assert_eq!(tasks.count(&chancery::Query::new()).await.expect("counted"), 0);
        let again = tasks
            .insert(json!({"title": "Task 4"}))
            .await
            .expect("the definition is still there");
        assert_eq!(again.get("status"), json!("todo"));
    });
}

#[test]
fn all_answers_in_the_order_of_insertion_for_generated_keys() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        for title in ["Task A", "Task B", "Task C"] {
            tasks.insert(json!({"title": title})).await.expect("inserted");
        }
        let titles: Vec<Json> = tasks
            .all()
            .await
            .expect("read")
            .iter()
            .map(|task| task.get("title"))
            .collect();
        assert_eq!(titles, ["Task A", "Task B", "Task C"]);
    });
}

#[test]
fn the_version_counts_updates_and_the_times_follow() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let v1 = tasks
            .insert(json!({"title": "Versioned task"}))
            .await
            .expect("inserted");
        let v2 = tasks
            .update(v1.key(), json!({"status": "in_progress"}))
            .await
            .expect("updated");
        let v3 = tasks
            .update(v1.key(), json!({"status": "done"}))
            .await
            .expect("updated");
        assert_eq!((v1.version(), v2.version(), v3.version()), (1, 2, 3));
        assert_eq!(v3.created_at(), v1.created_at());
        assert!(v3.updated_at() >= v1.updated_at());
        let empty = tasks.update(v1.key(), json!({})).await.expect("updated");
        assert_eq!(empty.version(), 4, "an update without changes is one too");
    });
}

#[test]
fn a_time_to_live_sets_the_expiry() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "token", "ttl": "1h", "schema": {
            "token": {"type": "string", "generated": "uuid"},
            "userId": {"type": "string", "required": true},
        }});
        let sessions = store
            .define_bucket("sessions", &definition)
            .await
            .expect("defined");
        let session = sessions
            .insert(json!({"userId": "alice"}))
            .await
            .expect("inserted");
        assert_eq!(
            session.expires_at().map(|at| at - session.created_at()),
            Some(3_600_000)
        );
        assert_eq!(session.get("_expiresAt"), json!(session.created_at() + 3_600_000));
    });
}

#[test]
fn the_life_of_a_record() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "Ship v1.0"}))
            .await
            .expect("inserted");
        assert_eq!((task.version(), task.get("status")), (1, json!("todo")));
        let v2 = tasks
            .update(task.key(), json!({"status": "in_progress"}))
            .await
            .expect("updated");
        assert_eq!((v2.version(), v2.get("status")), (2, json!("in_progress")));
        let v3 = tasks
            .update(task.key(), json!({"status": "done"}))
            .await
            .expect("updated");
        assert_eq!((v3.version(), v3.get("status")), (3, json!("done")));
        let current = tasks.get(task.key()).await.expect("read").expect("found");
        assert_eq!((current.version(), current.get("status")), (3, json!("done")));
        tasks.delete(task.key()).await.expect("deleted");
        assert_eq!(tasks.get(task.key()).await.expect("read"), None);
    });
}

#[test]
fn a_product_catalogue() {
    on_every_backend(|store| async move {
        let definition = json!({
            "key": "sku",
            "schema": {
                "sku": {"type": "string", "required": true, "pattern": "^[A-Z]{2,4}-\\d{3,6}$"},
                "name": {"type": "string", "required": true, "minLength": 1, "maxLength": 100},
                "description": {"type": "string", "maxLength": 1000},
                "price": {"type": "number", "required": true, "min": 0.01},
                "currency": {"type": "string", "enum": ["USD", "EUR", "GBP"], "default": "USD"},
                "inStock": {"type": "boolean", "default": true},
                "tags": {"type": "array", "default": []},
            },
            "indexes": ["currency", "inStock"],
        });
        let products = store
            .define_bucket("products", &definition)
            .await
            .expect("defined");
        let widget = json!({"sku": "WDG-001", "name": "Standard Widget", "price": 9.99, "tags": ["widget", "standard"]});
        products.insert(widget).await.expect("inserted");
        let gadget = json!({
            "sku": "GDG-042", "name": "Premium Gadget", "description": "A premium gadget with advanced features",
            "price": 49.99, "currency": "EUR", "tags": ["gadget", "premium"],
        });
        products.insert(gadget).await.expect("inserted");

        let found = products.get("WDG-001").await.expect("read").expect("found");
        assert_eq!(
            (found.get("name"), found.get("currency"), found.get("price")),
            (json!("Standard Widget"), json!("USD"), json!(9.99))
        );
        let updated = products
            .update("WDG-001", json!({"price": 12.99}))
            .await
            .expect("updated");
        assert_eq!((updated.get("price"), updated.version()), (json!(12.99), 2));
        let out = products
            .update("GDG-042", json!({"inStock": false}))
            .await
            .expect("updated");
        assert_eq!(out.get("inStock"), json!(false));
        assert_eq!(products.all().await.expect("read").len(), 2);
        assert_eq!(
            products
                .filter(json!({"inStock": true}))
                .await
                .expect("read")
                .len(),
            1
        );

        assert_eq!(
            issues(
                products
                    .insert(json!({"sku": "bad", "name": "Oops", "price": -5}))
                    .await
            ),
            [
                issue(
                    "sku",
                    Code::Pattern,
                    "Value must match pattern \"^[A-Z]{2,4}-\\d{3,6}$\""
                ),
                issue("price", Code::Min, "Minimum value is 0.01"),
            ]
        );
        products.delete("WDG-001").await.expect("deleted");
        assert_eq!(products.get("WDG-001").await.expect("read"), None);
        products.clear().await.expect("cleared");
        assert!(products.all().await.expect("read").is_empty());
    });
}

#[test]
fn the_employees_exercise() {
    on_every_backend(|store| async move {
        let definition = json!({
            "key": "id",
            "schema": {
                "id": {"type": "number", "generated": "autoincrement"},
                "name": {"type": "string", "required": true, "minLength": 1},
                "department": {"type": "string", "enum": ["engineering", "design", "marketing", "sales"]},
                "salary": {"type": "number", "required": true, "min": 30000, "max": 500000},
                "active": {"type": "boolean", "default": true},
            },
            "indexes": ["department"],
        });
        let employees = store
            .define_bucket("employees", &definition)
            .await
            .expect("defined");
        let alice = json!({"name": "Alice", "department": "engineering", "salary": 120000});
        let employee = employees.insert(alice).await.expect("inserted");
        assert_eq!(
            (employee.get("id"), employee.get("active"), employee.version()),
            (json!(1), json!(true), 1)
        );

        let updated = employees
            .update(employee.key(), json!({"salary": 135000, "id": 999}))
            .await
            .expect("updated");
        assert_eq!(
            (updated.get("id"), updated.get("salary"), updated.version()),
            (json!(1), json!(135000), 2)
        );

        assert_eq!(
            issues(employees.insert(json!({"name": "Bob", "salary": 25000})).await),
            [issue("salary", Code::Min, "Minimum value is 30000")]
        );
        assert_eq!(
            issues(employees.update(1, json!({"department": "hr"})).await),
            [issue(
                "department",
                Code::Enum,
                "Value must be one of: engineering, design, marketing, sales"
            )]
        );
        employees.delete(1).await.expect("deleted");
        assert_eq!(employees.get(1).await.expect("read"), None);

        let next = employees
            .insert(json!({"name": "Carol", "salary": 50000}))
            .await
            .expect("inserted");
        assert_eq!(
            next.get("id"),
            json!(2),
            "no number is given twice, and a refused insert takes none"
        );
    });
}

#[test]
fn a_duplicate_key_is_a_conflict_and_changes_nothing() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "sku", "schema": {"sku": {"type": "string"}, "name": {"type": "string", "unique": true}}});
        let products = store
            .define_bucket("products", &definition)
            .await
            .expect("defined");
        products
            .insert(json!({"sku": "a", "name": "first"}))
            .await
            .expect("inserted");
        let error = products
            .insert(json!({"sku": "a", "name": "second"}))
            .await
            .expect_err("taken");
        assert!(matches!(error, Error::KeyTaken { .. }), "{error:?}");
        let error = products
            .insert(json!({"sku": "b", "name": "first"}))
            .await
            .expect_err("taken");
        assert!(
            matches!(&error, Error::Unique { field, holder: Some(key), .. } if field == "name" && key.to_string() == "a"),
            "{error:?}"
        );
        products
            .insert(json!({"sku": "b", "name": "second"}))
            .await
            .expect("a refused insert left nothing behind");
    });
}

#[test]
fn undeclared_fields_of_an_open_bucket_are_kept_and_found() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let task = tasks
            .insert(json!({"title": "x", "colour": "red", "size": {"w": 1}}))
            .await
            .expect("inserted");
        assert_eq!(
            (task.get("colour"), task.get("size")),
            (json!("red"), json!({"w": 1}))
        );
        let updated = tasks
            .update(task.key(), json!({"colour": null, "n": 5}))
            .await
            .expect("updated");
        assert_eq!(
            (updated.get("colour"), updated.get("n"), updated.get("size")),
            (json!(null), json!(5), json!({"w": 1}))
        );
        assert_eq!(tasks.filter(json!({"n": 5})).await.expect("read").len(), 1);
        assert_eq!(tasks.filter(json!({"n": "5"})).await.expect("read").len(), 0);
    });
}

#[test]
fn defaults_are_not_shared_between_records() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let a = tasks.insert(json!({"title": "a"})).await.expect("inserted");
        tasks
            .update(a.key(), json!({"tags": ["x"]}))
            .await
            .expect("updated");
        let b = tasks.insert(json!({"title": "b"})).await.expect("inserted");
        assert_eq!(b.get("tags"), json!([]));
    });
}
