//! Tables and columns that are deleted, brought back, and dropped for good, on every backend.

use std::time::Duration;

use chancery::access::{Grant, Place, Rights, Scope};
use chancery::{
    BulkOptions, ColumnInput, Error, FilesOptions, JobOptions, JobState, Json, JsonMap, OpenOptions,
    OperationQuery, Query, RevertOptions, Store, TableHandle, TableInput, TypeChange, WorkspaceInput, json,
};
use chancery_scenarios::on_every_backend;

fn soft(name: &str) -> TableInput {
    TableInput {
        soft_delete: true,
        ..TableInput::new(name)
    }
}

fn relation(name: &str, settings: &Json) -> ColumnInput {
    ColumnInput {
        config: settings.as_object().cloned().expect("an object"),
        ..ColumnInput::new(name, "relation")
    }
}

async fn insert(table: &TableHandle, data: Json) -> String {
    table.insert(data).await.expect("inserted").id()
}

async fn get(table: &TableHandle, id: &str, slug: &str) -> Json {
    table.get(id).await.expect("read").expect("there").get(slug)
}

fn deleted(store: &Store) -> Vec<String> {
    let tables = store.deleted_tables();
    tables.iter().map(|table| table.slug.clone()).collect()
}

fn said<T>(result: Result<T, Error>) -> String {
    result.map(drop).expect_err("refused").to_string()
}

#[test]
fn a_deleted_table_comes_back_as_it_was_with_trash_views_and_history() {
    on_every_backend(|store| async move {
        let parts = soft("Parts").column(ColumnInput::new("Name", "text").unique());
        let parts = store.create_table(parts).await.expect("made");
        let bell = insert(&parts, json!({"name": "Bell"})).await;
        let old = insert(&parts, json!({"name": "Old"})).await;
        parts
            .update(bell.as_str(), json!({"name": "Bell 2"}))
            .await
            .expect("changed");
        parts.delete(old.as_str()).await.expect("to the trash");
        parts
            .create_view("Mine", false, JsonMap::new())
            .await
            .expect("kept");
        let operations = store.operations(OperationQuery::default()).await.expect("told");
        let id = parts.definition().expect("there").id.clone();

        parts.delete_table().await.expect("deleted");
        assert!(matches!(
            parts.get(bell.as_str()).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(store.table(&id), Err(Error::NotFound { .. })));
        assert!(store.tables().is_empty());
        assert_eq!(deleted(&store), ["parts"]);
        assert!(matches!(parts.delete_table().await, Err(Error::NotFound { .. })));

        // Its name is free, and it does not come back while another has it.
        let other = store.create_table(TableInput::new("Parts")).await.expect("free");
        assert!(matches!(
            store.restore_table(&id).await,
            Err(Error::Taken { what: "table", .. })
        ));
        other.delete_table().await.expect("deleted");
        assert_eq!(deleted(&store), ["parts", "parts"]);

        let back = store.restore_table(&id).await.expect("back");
        assert_eq!(back.definition().expect("there").id, id);
        assert_eq!(get(&back, &bell, "name").await, json!("Bell 2"));
        assert_eq!(
            get(&parts, &bell, "name").await,
            json!("Bell 2"),
            "an old handle sees it again"
        );
        assert_eq!(back.count(&Query::new()).await.expect("counted"), 1);
        assert_eq!(back.views().await.expect("read").len(), 1);
        assert_eq!(
            back.history(bell.as_str(), 10, None)
                .await
                .expect("told")
                .steps
                .len(),
            2
        );
        assert!(back.restore(old.as_str()).await.is_ok());
        assert!(
            back.insert(json!({"name": "Bell 2"})).await.is_err(),
            "it is unique as before"
        );
        let update = operations
            .operations
            .iter()
            .find(|told| told.tables.iter().any(|table| table.updated > 0))
            .expect("there");
        let report = store
            .revert(&update.id, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(report.reverted, 1, "{report:?}");
        assert_eq!(get(&back, &bell, "name").await, json!("Bell"));
        assert!(matches!(
            store.restore_table(&id).await,
            Err(Error::NotFound { .. })
        ));
    });
}

#[test]
fn what_went_while_a_table_was_deleted_is_named_no_more() {
    on_every_backend(|store| async move {
        let clients = soft("Clients").column(ColumnInput::new("Name", "text"));
        let clients = store.create_table(clients).await.expect("made");
        let projects = soft("Projects")
            .column(ColumnInput::new("Title", "text"))
            .column(relation("Client", &json!({"table": "clients"})))
            .column(relation(
                "Partners",
                &json!({"table": "clients", "relationType": "manyToMany"}),
            ))
            .column(relation("Parent", &json!({"table": "projects"})));
        let projects = store.create_table(projects).await.expect("made");
        let (ann, bob) = (
            insert(&clients, json!({"name": "Ann"})).await,
            insert(&clients, json!({"name": "Bob"})).await,
        );
        let both = json!({"title": "a", "client": ann, "partners": [ann, bob]});
        let first = insert(&projects, both).await;
        let second = insert(
            &projects,
            json!({"title": "b", "client": bob, "partners": [ann], "parent": first}),
        )
        .await;
        assert!(said(clients.delete_table().await).contains("refers to it"));

        projects.delete_table().await.expect("deleted");
        clients
            .delete(ann.as_str())
            .await
            .expect("nobody sees that it is named");
        clients.delete_table().await.expect("nor that the table is");
        let refused = said(store.restore_table("projects").await);
        assert!(
            refused.contains("\"clients\", which is in the trash too"),
            "{refused}"
        );
        store.restore_table("clients").await.expect("back");
        let projects = store.restore_table("projects").await.expect("back");
        assert_eq!(get(&projects, &first, "client").await, Json::Null);
        assert_eq!(get(&projects, &first, "partners").await, json!([bob]));
        assert_eq!(get(&projects, &second, "client").await, json!(bob));
        assert_eq!(get(&projects, &second, "partners").await, Json::Null);
        assert_eq!(get(&projects, &second, "parent").await, json!(first));
        let told = projects.history(first.as_str(), 10, None).await.expect("told");
        assert!(told.steps.len() > 1, "what was let go stands in the history");
        assert!(said(clients.delete_table().await).contains("refers to it"));
        assert!(
            projects
                .update(first.as_str(), json!({"client": bob}))
                .await
                .is_ok()
        );
    });
}

#[test]
fn a_deleted_column_comes_back_with_its_values() {
    on_every_backend(|store| async move {
        let people = soft("People")
            .column(ColumnInput::new("Name", "text"))
            .column(ColumnInput::new("Code", "text").unique().required())
            .column(ColumnInput::new("Age", "number").indexed());
        let people = store.create_table(people).await.expect("made");
        let ann = insert(&people, json!({"name": "Ann", "code": "a", "age": 30})).await;
        let bob = insert(&people, json!({"name": "Bob", "code": "b", "age": 40})).await;
        for slug in ["code", "age"] {
            people.delete_column(slug).await.expect("deleted");
        }
        assert!(
            people
                .get(ann.as_str())
                .await
                .expect("read")
                .expect("there")
                .data()
                .get("age")
                .is_none()
        );
        let gone = people.deleted_columns().expect("listed");
        assert_eq!(
            gone.iter().map(|column| &*column.slug).collect::<Vec<_>>(),
            ["age", "code"]
        );
        people
            .update(ann.as_str(), json!({"name": "Anna"}))
            .await
            .expect("changed");

        let age = people.restore_column("age").await.expect("back");
        assert!(age.indexed);
        let older = Query::new().filter("age", chancery::model::filter::Operator::Gt, 35);
        assert_eq!(people.count(&older).await.expect("counted"), 1);
        assert_eq!(get(&people, &ann, "age").await, json!(30));

        // All have one, and none twice: it is what it was.
        let code = people.restore_column("code").await.expect("back");
        assert!(code.constraints.unique && code.constraints.required);
        assert!(people.insert(json!({"name": "Cid", "code": "a"})).await.is_err());
        assert!(people.insert(json!({"name": "Cid"})).await.is_err());

        // A record came without one: required is let go, and said by the answer.
        people.delete_column("code").await.expect("deleted");
        insert(&people, json!({"name": "Cid"})).await;
        let id = people.deleted_columns().expect("listed")[0].id.clone();
        let other = people
            .add_column(ColumnInput::new("Code", "number"))
            .await
            .expect("the name is free");
        let refused = said(people.restore_column(&id).await);
        assert!(refused.contains("Another column is called \"code\""), "{refused}");
        people.delete_column(&other.id).await.expect("deleted");
        let code = people.restore_column(&id).await.expect("back");
        assert_eq!(
            (code.constraints.required, code.constraints.unique),
            (false, true)
        );
        assert_eq!(get(&people, &bob, "code").await, json!("b"));
        assert!(matches!(
            people.restore_column(&id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            people.restore_column("nobody").await,
            Err(Error::NotFound { .. })
        ));
    });
}

#[test]
fn what_a_job_left_behind_is_no_deleted_column_and_a_job_holds_the_table() {
    on_every_backend(|store| async move {
        let parts = store
            .create_table(soft("Parts").column(ColumnInput::new("N", "text")))
            .await
            .expect("made");
        for n in 0..20 {
            insert(&parts, json!({"n": n.to_string()})).await;
        }
        let number = TypeChange::to("number");
        let job = parts
            .change_type("n", number, JobOptions::default())
            .await
            .expect("begun");
        job.wait().await.expect("done");
        assert!(parts.deleted_columns().expect("listed").is_empty());
        parts.delete_column("n").await.expect("deleted");
        parts.restore_column("n").await.expect("back");
        let text = TypeChange::to("text");
        parts
            .change_type("n", text, JobOptions::default())
            .await
            .expect("begun")
            .wait()
            .await
            .expect("done");
        assert_eq!(parts.all().await.expect("read")[3].get("n"), json!("3"));

        let slow = JobOptions {
            rows_per_second: Some(1),
            ..JobOptions::default()
        };
        let job = parts
            .change_type("n", TypeChange::to("number"), slow)
            .await
            .expect("begun");
        // Its first row is done before it waits for the second.
        while store.job(job.id()).await.expect("there").seen == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let refused = parts.delete_table().await.expect_err("a job is at it");
        assert!(
            matches!(refused, Error::Taken { what: "column", .. }),
            "{refused}"
        );
        store.stop_type_change(job.id(), true).await.expect("called off");
        parts.delete_table().await.expect("nobody is at it any more");
        let back = store.restore_table("parts").await.expect("back");
        assert_eq!(back.all().await.expect("read")[3].get("n"), json!("3"));
    });
}

#[test]
fn a_required_relation_asks_no_more_for_what_went_meanwhile() {
    on_every_backend(|store| async move {
        let clients = soft("Clients").column(ColumnInput::new("Name", "text"));
        let clients = store.create_table(clients).await.expect("made");
        let projects = soft("Projects")
            .column(ColumnInput::new("Title", "text"))
            .column(relation("Client", &json!({"table": "clients", "onDelete": "restrict"})).required());
        let projects = store.create_table(projects).await.expect("made");
        let required = || {
            let table = projects.definition().expect("there");
            table.column("client").expect("there").constraints.required
        };
        let ann = insert(&clients, json!({"name": "Ann"})).await;
        let one = insert(&projects, json!({"title": "a", "client": ann})).await;
        projects.delete_table().await.expect("deleted");
        store.restore_table("projects").await.expect("back");
        assert!(required(), "nothing went");

        projects.delete_column("client").await.expect("deleted");
        clients
            .delete(ann.as_str())
            .await
            .expect("nobody sees that it is named");
        let back = projects.restore_column("client").await.expect("back");
        assert!(!back.constraints.required && !required());
        assert_eq!(get(&projects, &one, "client").await, Json::Null);
        projects
            .update(one.as_str(), json!({"title": "b"}))
            .await
            .expect("it can be written");
    });
}

#[test]
fn a_pace_is_asked_of_a_tables_own_changes_only() {
    on_every_backend(|store| async move {
        let other = store
            .create_table(soft("Other").column(ColumnInput::new("N", "number")))
            .await
            .expect("made");
        let row = |n: u32| json!({"n": n}).as_object().cloned().expect("an object");
        let rows: Vec<JsonMap> = (0..3_000).map(row).collect();
        other
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("made");
        let few = store
            .create_table(soft("Few").column(ColumnInput::new("N", "text")))
            .await
            .expect("made");
        insert(&few, json!({"n": "1"})).await;
        let paced = JobOptions {
            rows_per_second: Some(20),
            ..JobOptions::default()
        };
        let job = few
            .change_type("n", TypeChange::to("number"), paced)
            .await
            .expect("begun");
        // At that pace the log of the other table would take minutes.
        let done = tokio::time::timeout(Duration::from_secs(20), job.wait()).await;
        assert_eq!(done.expect("in time").expect("a status").state, JobState::Done);
        assert_eq!(few.all().await.expect("read")[0].get("n"), json!(1));
    });
}

#[test]
fn for_good_is_for_administrators_and_final() {
    on_every_backend(|store| async move {
        let parts = store
            .create_table(soft("Parts").column(ColumnInput::new("Name", "text")))
            .await
            .expect("made");
        parts
            .create_view("Mine", false, JsonMap::new())
            .await
            .expect("kept");
        let id = parts.definition().expect("there").id.clone();
        let grant = |scope| Grant {
            place: Place::Table(id.clone()),
            scope,
            filter: None,
        };
        let held = |scope| store.held_to(std::sync::Arc::new(Rights::new(Scope::None, vec![grant(scope)])));
        let (reader, writer) = (held(Scope::Read), held(Scope::Write));
        assert!(matches!(
            writer.table("parts").expect("seen").purge_table().await,
            Err(Error::Forbidden { .. })
        ));
        assert!(matches!(
            reader.table("parts").expect("seen").delete_table().await,
            Err(Error::Forbidden { .. })
        ));
        assert!(matches!(
            reader.table("parts").expect("seen").deleted_columns(),
            Err(Error::Forbidden { .. })
        ));
        writer
            .table("parts")
            .expect("seen")
            .delete_table()
            .await
            .expect("to the trash");
        assert_eq!((deleted(&reader).len(), deleted(&writer).len()), (0, 1));
        assert!(matches!(
            reader.restore_table(&id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            writer.purge_table(&id).await,
            Err(Error::Forbidden { .. })
        ));
        writer.restore_table(&id).await.expect("back");
        held(Scope::Admin)
            .table("parts")
            .expect("seen")
            .purge_table()
            .await
            .expect("gone");
        assert!(deleted(&store).is_empty());
        assert!(matches!(
            store.restore_table(&id).await,
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(
            store.purge_table(&id).await,
            Err(Error::NotFound { .. })
        ));

        // A workspace takes what is in its trash along, and only its own.
        let place = store
            .create_workspace(WorkspaceInput {
                name: "North".into(),
                ..WorkspaceInput::default()
            })
            .await
            .expect("made");
        let north = store.in_workspace(&place.id).expect("there");
        let there = north.create_table(soft("Parts")).await.expect("made");
        there.delete_table().await.expect("deleted");
        assert_eq!((deleted(&store).len(), deleted(&north).len()), (0, 1));
        store.drop_workspace(&place.id).await.expect("dropped");
        assert!(deleted(&north).is_empty());
    });
}

#[tokio::test]
async fn files_of_a_deleted_table_stay_and_it_outlives_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || async {
        let options = OpenOptions {
            files: FilesOptions::default(),
            ..OpenOptions::default()
        };
        let at = format!("sqlite:{}", folder.path().join("a.db").display());
        Store::open_with(&at, options).await.expect("opened")
    };
    let store = open().await;
    let people = soft("People").column(ColumnInput::new("Paper", "file"));
    let people = store.create_table(people).await.expect("made");
    let mut upload = store.begin_file("cv.txt").expect("begun");
    upload.write(b"I was born.").await.expect("written");
    let paper = upload.finish().await.expect("kept");
    let ann = insert(&people, json!({"paper": paper.id})).await;
    people.delete_table().await.expect("deleted");
    store.sweep_files().await.expect("swept");
    assert!(store.file(&paper.id).await.is_ok());
    assert!(matches!(
        store.delete_file(&paper.id).await,
        Err(Error::FileInUse { .. })
    ));
    store.close().await.expect("closed");

    let store = open().await;
    assert!(store.table("people").is_err());
    let people = store.restore_table("people").await.expect("back");
    assert_eq!(get(&people, &ann, "paper").await, json!(paper.id));
    people.purge_table().await.expect("gone");
    store.close().await.expect("closed");
}
