//! Relations between tables, both their sides, and what is shown through them: lookups, rollups, names of records and of people.

use chancery::access::{Role, UserInput};
use chancery::credentials::Secret;
use chancery::{
    BulkOptions, Code, ColumnInput, Error, Json, JsonMap, MergeOptions, OperationQuery, Query, RevertOptions,
    Store, TableHandle, TableInput, TablePatch, json,
};
use chancery_scenarios::on_every_backend;

fn config(settings: Json) -> JsonMap {
    settings.as_object().cloned().expect("an object")
}

fn column(name: &str, field_type: &str, settings: Json) -> ColumnInput {
    ColumnInput {
        config: config(settings),
        ..ColumnInput::new(name, field_type)
    }
}

/// Clients with a city, and projects with a client, a budget and tags.
async fn tables(store: &Store) -> (TableHandle, TableHandle) {
    let clients = TableInput::new("clients")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("city", "text"));
    let clients = store.create_table(clients).await.expect("made");
    let projects = TableInput::new("projects")
        .column(ColumnInput::new("title", "text"))
        .column(ColumnInput::new("budget", "currency"))
        .column(column("client", "relation", json!({"table": "clients"})))
        .column(column(
            "partners",
            "relation",
            json!({"table": "clients", "relationType": "manyToMany"}),
        ));
    let projects = store.create_table(projects).await.expect("made");
    (clients, projects)
}

async fn insert(table: &TableHandle, data: Json) -> String {
    table.insert(data).await.expect("inserted").id()
}

async fn shown(table: &TableHandle, id: &str, slug: &str) -> (Json, Json) {
    let record = table.get(id).await.expect("read").expect("there");
    let display = record.display().get(slug).cloned().unwrap_or(Json::Null);
    (record.get(slug), display)
}

/// The field, code and message of a refused definition or write.
fn refusal<T>(result: Result<T, Error>) -> (String, Code, String) {
    match result {
        Err(Error::Definition(issues) | Error::Invalid { issues, .. } | Error::Query(issues)) => {
            let issue = issues.into_iter().next().expect("an issue");
            (issue.field, issue.code, issue.message)
        }
        Err(other) => panic!("expected issues, got {other:?}"),
        Ok(_) => panic!("expected a refusal"),
    }
}

#[test]
fn both_sides_of_a_relation_are_shown_by_name_and_are_never_stale() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        let back = json!({"table": "projects", "reverseOf": "client"});
        clients
            .add_column(column("projects", "relation", back))
            .await
            .expect("added");
        let acme = insert(&clients, json!({"name": "Acme Corp", "city": "Brno"})).await;
        let made = projects
            .insert(json!({"title": "Alpha", "client": acme}))
            .await
            .expect("made");
        assert_eq!(made.display()["client"], "Acme Corp");
        let alpha = made.id();
        let beta = insert(&projects, json!({"title": "Beta", "client": acme})).await;
        insert(&projects, json!({"title": "Alone"})).await;

        assert_eq!(
            shown(&projects, &alpha, "client").await,
            (json!(acme), json!("Acme Corp"))
        );
        let both = (json!([alpha, beta]), json!("Alpha, Beta"));
        assert_eq!(shown(&clients, &acme, "projects").await, both);
        clients
            .update(&acme, json!({"name": "Acme Ltd"}))
            .await
            .expect("updated");
        assert_eq!(shown(&projects, &alpha, "client").await.1, json!("Acme Ltd"));

        let page = projects.select(&Query::new()).await.expect("read");
        let names: Vec<Json> = page
            .iter()
            .map(|record| record.display().get("client").cloned().unwrap_or(Json::Null))
            .collect();
        assert_eq!(names, [json!("Acme Ltd"), json!("Acme Ltd"), Json::Null]);

        // The other side is read only, and is not found or ordered by.
        let (field, code, _) = refusal(clients.select(&Query::new().ascending("projects")).await);
        assert_eq!((field.as_str(), code), ("projects", Code::Operator));
        let (_, code, message) = refusal(clients.filter(json!({"projects": alpha})).await);
        assert_eq!(code, Code::Operator);
        assert!(message.contains("worked out when a record is read"), "{message}");
    });
}

#[test]
fn what_a_relation_names_must_be_there() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        let acme = insert(&clients, json!({"name": "Acme"})).await;
        let gone = insert(&clients, json!({"name": "Gone"})).await;
        clients.delete(&gone).await.expect("deleted");
        for bad in [
            json!({"client": gone}),
            json!({"client": "nobody"}),
            json!({"partners": [acme, gone]}),
        ] {
            let (_, code, message) = refusal(projects.insert(bad).await);
            assert_eq!(code, Code::Reference);
            assert!(message.contains("no such record exists"), "{message}");
        }
        let twice = refusal(projects.insert(json!({"partners": [acme, acme]})).await);
        assert!(twice.2.contains("named more than once"), "{}", twice.2);
        let (field, code, _) = refusal(projects.insert(json!({"client": [acme]})).await);
        assert_eq!((field.as_str(), code), ("client", Code::Type));
        assert_eq!(projects.count(&Query::new()).await.expect("counted"), 0);
    });
}

#[test]
fn a_deleted_record_is_named_no_more_and_its_return_brings_the_names_back() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        let acme = insert(&clients, json!({"name": "Acme"})).await;
        let other = insert(&clients, json!({"name": "Other"})).await;
        let data = json!({"title": "Alpha", "client": acme, "partners": [other, acme]});
        let alpha = insert(&projects, data).await;
        assert_eq!(shown(&projects, &alpha, "partners").await.1, json!("Other, Acme"));

        clients.delete(&acme).await.expect("deleted");
        assert_eq!(shown(&projects, &alpha, "client").await, (Json::Null, Json::Null));
        assert_eq!(
            shown(&projects, &alpha, "partners").await,
            (json!([other]), json!("Other"))
        );

        let last = store.operations(OperationQuery::default()).await.expect("listed");
        let last = last.operations.first().expect("an operation").id.clone();
        store
            .revert(&last, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(shown(&projects, &alpha, "client").await.1, json!("Acme"));
        assert_eq!(shown(&projects, &alpha, "partners").await.1, json!("Other, Acme"));
    });
}

#[test]
fn the_end_of_a_record_may_be_refused_or_take_others_along() {
    on_every_backend(|store| async move {
        let (clients, _) = tables(&store).await;
        for (slug, end) in [("bills", "restrict"), ("notes", "cascade")] {
            let table = TableInput::new(slug).column(column(
                "client",
                "relation",
                json!({"table": "clients", "onDelete": end}),
            ));
            store.create_table(table).await.expect("made");
        }
        let (bills, notes) = (
            store.table("bills").expect("there"),
            store.table("notes").expect("there"),
        );
        let acme = insert(&clients, json!({"name": "Acme"})).await;
        let bill = insert(&bills, json!({"client": acme})).await;
        let note = insert(&notes, json!({"client": acme})).await;
        assert!(matches!(
            clients.delete(&acme).await,
            Err(Error::Referenced { .. })
        ));
        bills.delete(&bill).await.expect("deleted");
        clients.delete(&acme).await.expect("deleted");
        assert!(notes.get(&note).await.expect("read").is_none());
    });
}

#[test]
fn of_one_to_one_both_sides_are_single() {
    on_every_backend(|store| async move {
        let (clients, _) = tables(&store).await;
        let files = TableInput::new("files").column(column(
            "client",
            "relation",
            json!({"table": "clients", "relationType": "oneToOne"}),
        ));
        let files = store.create_table(files).await.expect("made");
        let back = json!({"table": "files", "reverseOf": "client", "relationType": "oneToOne"});
        clients
            .add_column(column("file", "relation", back))
            .await
            .expect("added");
        let acme = insert(&clients, json!({"name": "Acme"})).await;
        let file = insert(&files, json!({"client": acme})).await;
        assert!(matches!(
            files.insert(json!({"client": acme})).await,
            Err(Error::Unique { .. })
        ));
        assert_eq!(shown(&clients, &acme, "file").await.0, json!(file));
    });
}

#[test]
fn lookups_and_rollups_follow_relations_over_several_tables() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        for (table, name, field_type, settings) in [
            (
                &clients,
                "projects",
                "relation",
                json!({"table": "projects", "reverseOf": "client"}),
            ),
            (
                &clients,
                "total",
                "rollup",
                json!({"relation": "projects", "function": "sum", "column": "budget"}),
            ),
            (&clients, "count", "rollup", json!({"relation": "projects"})),
            (
                &clients,
                "best",
                "rollup",
                json!({"relation": "projects", "function": "max", "column": "budget"}),
            ),
            (
                &clients,
                "mean",
                "rollup",
                json!({"relation": "projects", "function": "avg", "column": "budget"}),
            ),
            (
                &clients,
                "titles",
                "rollup",
                json!({"relation": "projects", "function": "concat", "column": "title"}),
            ),
            (
                &clients,
                "budgets",
                "lookup",
                json!({"relation": "projects", "column": "budget"}),
            ),
            (
                &projects,
                "city",
                "lookup",
                json!({"relation": "client", "column": "city"}),
            ),
            (
                &projects,
                "all",
                "lookup",
                json!({"relation": "client", "column": "total"}),
            ),
            (
                &projects,
                "cities",
                "lookup",
                json!({"relation": "partners", "column": "city"}),
            ),
        ] {
            table
                .add_column(column(name, field_type, settings))
                .await
                .expect("added");
        }
        let acme = insert(&clients, json!({"name": "Acme", "city": "Brno"})).await;
        let other = insert(&clients, json!({"name": "Other", "city": "Oslo"})).await;
        let data = json!({"title": "Alpha", "budget": 10.25, "client": acme, "partners": [other, acme]});
        let alpha = insert(&projects, data).await;
        insert(&projects, json!({"title": "Beta", "budget": 5, "client": acme})).await;
        insert(&projects, json!({"title": "Gamma", "client": acme})).await;

        for (slug, value, read) in [
            ("total", json!(15.25), "15.25"),
            ("count", json!(3), "3"),
            ("best", json!(10.25), "10.25"),
            ("mean", json!(7.625), "7.625"),
            ("titles", json!("Alpha, Beta, Gamma"), "Alpha, Beta, Gamma"),
            ("budgets", json!([10.25, 5]), "10.25"),
        ] {
            let (json, display) = shown(&clients, &acme, slug).await;
            assert_eq!(json.to_string(), value.to_string(), "{slug}");
            assert!(
                display.as_str().is_some_and(|text| text.contains(read)),
                "{slug}: {display}"
            );
        }
        assert_eq!(shown(&clients, &other, "total").await.0, json!(0));
        assert_eq!(
            shown(&projects, &alpha, "city").await,
            (json!("Brno"), json!("Brno"))
        );
        assert_eq!(shown(&projects, &alpha, "all").await.0.to_string(), "15.25");
        assert_eq!(
            shown(&projects, &alpha, "cities").await,
            (json!(["Oslo", "Brno"]), json!("Oslo, Brno"))
        );
        let refused = projects
            .update(&alpha, json!({"city": "Wien"}))
            .await
            .expect("updated");
        assert_eq!((refused.get("city"), refused.version()), (json!("Brno"), 2));
    });
}

#[test]
fn definitions_that_would_show_nothing_are_refused_and_say_why() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        for (settings, field_type, field, said) in [
            (json!({}), "relation", "config.table", "needs it"),
            (
                json!({"table": "client"}),
                "relation",
                "new.config.table",
                "did you mean \"clients\"?",
            ),
            (
                json!({"table": "clients", "relationType": "oneToMany"}),
                "relation",
                "config.relationType",
                "reverseOf",
            ),
            (
                json!({"table": "clients", "reverseOf": "name"}),
                "relation",
                "new.config.reverseOf",
                "no relation to records",
            ),
            (
                json!({"relation": "client", "column": "cty"}),
                "lookup",
                "new.config.column",
                "did you mean \"city\"?",
            ),
            (
                json!({"relation": "title", "column": "city"}),
                "lookup",
                "new.config.relation",
                "no relation",
            ),
            (
                json!({"relation": "client", "function": "sum", "column": "city"}),
                "rollup",
                "new.config.function",
                "no numbers",
            ),
            (
                json!({"relation": "client", "function": "sum"}),
                "rollup",
                "config.column",
                "Say of which column",
            ),
            (
                json!({"url": "javascript:{title}"}),
                "button",
                "config.url",
                "begins with https:",
            ),
        ] {
            let (at, _, message) = refusal(
                projects
                    .add_column(column("new", field_type, settings.clone()))
                    .await,
            );
            assert_eq!(at, field, "{settings}");
            assert!(message.contains(said), "{settings}: {message}");
        }
        // What leads back to itself.
        let back = json!({"table": "projects", "reverseOf": "client"});
        clients
            .add_column(column("projects", "relation", back))
            .await
            .expect("added");
        projects
            .add_column(column(
                "a",
                "lookup",
                json!({"relation": "client", "column": "city"}),
            ))
            .await
            .expect("added");
        clients
            .add_column(column(
                "b",
                "lookup",
                json!({"relation": "projects", "column": "a"}),
            ))
            .await
            .expect("added");
        let patch = chancery::ColumnPatch {
            config: Some(config(json!({"relation": "client", "column": "b"}))),
            ..Default::default()
        };
        let (_, _, message) = refusal(projects.update_column("a", patch).await);
        assert!(message.contains("back to itself"), "{message}");
        // What others show stays.
        let (_, _, message) = refusal(clients.delete_column("city").await);
        assert!(
            message.contains("\"projects.a\" shows what it holds"),
            "{message}"
        );
        assert!(clients.delete_table().await.is_err());
        let (field, ..) = refusal(
            projects
                .update_column(
                    "client",
                    chancery::ColumnPatch {
                        config: Some(config(json!({"table": "projects"}))),
                        ..Default::default()
                    },
                )
                .await,
        );
        assert_eq!(field, "config.table");
    });
}

#[test]
fn people_are_named_and_strangers_refused() {
    on_every_backend(|store| async move {
        let ann = store
            .access()
            .create_user(UserInput {
                email: "ann@example.org".into(),
                name: "Ann Lee".into(),
                role: Role::Editor,
                grants: Vec::new(),
                password: Secret::new("long enough"),
            })
            .await
            .expect("made");
        let tasks = TableInput::new("tasks")
            .column(ColumnInput::new("lead", "user"))
            .column(ColumnInput::new("team", "users"));
        let tasks = store.create_table(tasks).await.expect("made");
        let one = insert(&tasks, json!({"lead": ann.id, "team": [ann.id]})).await;
        assert_eq!(
            shown(&tasks, &one, "lead").await,
            (json!(ann.id), json!("Ann Lee"))
        );
        assert_eq!(shown(&tasks, &one, "team").await.1, json!("Ann Lee"));
        let (field, code, message) = refusal(tasks.insert(json!({"lead": "bob"})).await);
        assert_eq!((field.as_str(), code), ("lead", Code::Reference));
        assert_eq!(message, "No user has the id \"bob\"");
        let rows = [
            config(json!({"team": [ann.id, "bob"]})),
            config(json!({"team": []})),
        ];
        let outcome = tasks
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("answered");
        assert_eq!(outcome.failures().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
    });
}

#[test]
fn records_have_names_by_a_template_and_buttons_lead_where_they_say() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        let named = |template: &str| TablePatch {
            settings: Some(config(json!({"recordNameTemplate": template}))),
            ..TablePatch::default()
        };
        let (field, _, message) = refusal(clients.update_table(named("{nam}")).await);
        assert_eq!(
            (field.as_str(), message.as_str()),
            ("settings.recordNameTemplate", "There is no column \"nam\"")
        );
        clients
            .update_table(named("{name} ({city})"))
            .await
            .expect("changed");
        let link = json!({"label": "Map", "url": "https://example.org/?q={client}&t={title}"});
        projects
            .add_column(column("map", "button", link))
            .await
            .expect("added");
        let acme = insert(&clients, json!({"name": "Acme", "city": "Brno"})).await;
        let alpha = insert(&projects, json!({"title": "A&B", "client": acme})).await;
        assert_eq!(shown(&projects, &alpha, "client").await.1, json!("Acme (Brno)"));
        let url = "https://example.org/?q=Acme%20%28Brno%29&t=A%26B";
        assert_eq!(shown(&projects, &alpha, "map").await, (json!(url), json!("Map")));
    });
}

#[test]
fn what_names_a_merged_record_names_the_survivor() {
    on_every_backend(|store| async move {
        let (clients, projects) = tables(&store).await;
        let acme = insert(&clients, json!({"name": "Acme"})).await;
        let twin = clients.insert(json!({"name": "ACME"})).await.expect("made");
        let other = insert(&clients, json!({"name": "Other"})).await;
        let data = json!({"client": twin.id(), "partners": [other, twin.id(), acme]});
        let alpha = insert(&projects, data).await;
        let merged = clients
            .merge(&*acme, &[twin.key().clone()], MergeOptions::default())
            .await
            .expect("merged");
        assert_eq!(merged.referring, 2);
        assert_eq!(shown(&projects, &alpha, "client").await.0, json!(acme));
        assert_eq!(shown(&projects, &alpha, "partners").await.0, json!([other, acme]));
    });
}
