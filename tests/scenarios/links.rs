//! Records and users that files name by what people call them: imported, made where they are missing, exported and read back.

use chancery::access::{Role, Secret, UserInput};
use chancery::{
    ColumnInput, ExportOptions, Header, ImportEnd, ImportFile, ImportOptions, ImportReport, Json, LinkForm,
    Mapping, OnError, Query, RevertOptions, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

/// Clients, and projects that name them.
async fn tables(store: &Store) -> (TableHandle, TableHandle) {
    let clients = TableInput::new("Clients")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("city", "text"));
    let clients = store.create_table(clients).await.expect("defined");
    let several = ColumnInput::new("partners", "relation")
        .config("table", "clients")
        .config("relationType", "manyToMany");
    let projects = TableInput::new("Projects")
        .column(ColumnInput::new("title", "text").primary())
        .column(ColumnInput::new("client", "relation").config("table", "clients"))
        .column(several)
        .column(ColumnInput::new("lead", "user"));
    (clients, store.create_table(projects).await.expect("defined"))
}

async fn import(table: &TableHandle, text: &str, options: ImportOptions) -> ImportReport {
    let file = ImportFile::bytes(text.as_bytes());
    table
        .import_csv(&file, &Mapping::default(), &options)
        .await
        .expect("a report")
}

async fn by_title(projects: &TableHandle, title: &str) -> Json {
    let found = projects.filter(json!({"title": title})).await.expect("asked");
    Json::Object(found[0].data())
}

#[test]
fn cells_name_records_by_id_external_id_or_name_and_users_by_address_or_name() {
    on_every_backend(async |store| {
        let (clients, projects) = tables(&store).await;
        let acme = clients
            .insert(json!({"name": "Acme, Inc."}))
            .await
            .expect("inserted")
            .id();
        let bolt = clients
            .insert(json!({"name": "Bolt"}))
            .await
            .expect("inserted")
            .id();
        let user = UserInput {
            email: "ann@example.com".into(),
            name: "Ann Lee".into(),
            role: Role::Admin,
            grants: Vec::new(),
            password: Secret::new("correct horse"),
        };
        let ann = store.access().create_user(user).await.expect("a user").id;
        let text = format!(
            "title,client,partners,lead\none,\"Acme, Inc.\",\"Bolt, \"\"Acme, Inc.\"\"\",Ann Lee\ntwo,{bolt},{acme},ann@example.com\nthree,,,{ann}\n"
        );
        let report = import(&projects, &text, ImportOptions::default()).await;
        assert_eq!(
            (report.end, report.created),
            (ImportEnd::Done, 3),
            "{:?}",
            report.errors
        );
        let one = by_title(&projects, "one").await;
        assert_eq!(
            (&one["client"], &one["partners"], &one["lead"]),
            (&json!(acme), &json!([bolt, acme]), &json!(ann))
        );
        let two = by_title(&projects, "two").await;
        assert_eq!(
            (&two["client"], &two["partners"], &two["lead"]),
            (&json!(bolt), &json!([acme]), &json!(ann))
        );

        let lines =
            json!({"title": "four", "client": "Bolt", "partners": ["Bolt", "Acme, Inc."]}).to_string();
        let report = projects
            .import_objects(&ImportFile::bytes(lines.as_bytes()), &ImportOptions::default())
            .await
            .expect("a report");
        assert_eq!(report.created, 1, "{:?}", report.errors);
        assert_eq!(by_title(&projects, "four").await["partners"], json!([bolt, acme]));
    });
}

#[test]
fn names_that_nobody_or_several_have_are_failed_rows_that_say_so() {
    on_every_backend(async |store| {
        let (clients, projects) = tables(&store).await;
        for city in ["Brno", "Oslo"] {
            clients
                .insert(json!({"name": "Acme", "city": city}))
                .await
                .expect("inserted");
        }
        clients.insert(json!({"name": "Bolt"})).await.expect("inserted");
        let text = "title,client,lead\none,Acme,\ntwo,Volt,\nthree,Bolt,\nfour,,nobody@example.com\n";
        let options = ImportOptions {
            on_error: OnError::Continue,
            ..ImportOptions::default()
        };
        let report = import(&projects, text, options).await;
        assert_eq!((report.created, report.failed), (1, 3));
        let said: Vec<(&str, &str)> = report
            .errors
            .iter()
            .map(|error| (error.code.as_str(), &*error.message))
            .collect();
        assert_eq!(
            said[0],
            (
                "ambiguous",
                "More than one record of \"clients\" is called \"Acme\"; write the id instead"
            )
        );
        assert_eq!(
            said[1],
            (
                "reference",
                "No record of \"clients\" is called \"Volt\", nor has it as its id"
            )
        );
        assert_eq!(said[2].0, "reference");
        assert_eq!(report.errors[0].value.as_deref(), Some("Acme"));
        let refused = import(&projects, text, ImportOptions::default()).await;
        assert_eq!((refused.end, refused.failed), (ImportEnd::Refused, 3));
    });
}

#[test]
fn missing_records_are_counted_by_a_dry_run_made_by_an_import_and_gone_with_it() {
    on_every_backend(async |store| {
        let (clients, projects) = tables(&store).await;
        clients.insert(json!({"name": "Bolt"})).await.expect("inserted");
        let text = "title,client,partners\none,Acme,\"Acme, Core\"\ntwo,Bolt,Core\nthree,Acme,Dune\n";
        let make = ImportOptions {
            create_missing: true,
            ..ImportOptions::default()
        };
        let trial = ImportOptions {
            dry_run: true,
            ..make.clone()
        };
        let report = import(&projects, text, trial).await;
        assert_eq!(
            (report.created, report.related_created, report.failed),
            (3, 3, 0),
            "{:?}",
            report.errors
        );
        assert_eq!(clients.all().await.expect("read").len(), 1);
        let report = import(&projects, text, make).await;
        assert_eq!(
            (report.created, report.related_created),
            (3, 3),
            "{:?}",
            report.errors
        );
        let names: Vec<Json> = clients
            .all()
            .await
            .expect("read")
            .iter()
            .map(|client| client.get("name"))
            .collect();
        assert_eq!(names.len(), 4, "{names:?}");
        let one = by_title(&projects, "one").await;
        assert_eq!(one["partners"][0], one["client"]);
        store
            .revert(&report.import_id, RevertOptions::default())
            .await
            .expect("reverted");
        assert_eq!(
            (
                clients.all().await.expect("read").len(),
                projects.all().await.expect("read").len()
            ),
            (1, 0)
        );
    });
}

#[test]
fn records_called_by_a_template_are_found_by_it_and_not_made() {
    on_every_backend(async |store| {
        let input = TableInput {
            settings: json!({"recordNameTemplate": "{name} ({city})"})
                .as_object()
                .cloned()
                .expect("an object"),
            ..TableInput::new("Towns")
        };
        let towns = input
            .column(ColumnInput::new("name", "text"))
            .column(ColumnInput::new("city", "text"));
        let towns = store.create_table(towns).await.expect("defined");
        let brno = towns
            .insert(json!({"name": "Acme", "city": "Brno"}))
            .await
            .expect("inserted")
            .id();
        let visits = TableInput::new("Visits")
            .column(ColumnInput::new("title", "text"))
            .column(ColumnInput::new("town", "relation").config("table", "towns"));
        let visits = store.create_table(visits).await.expect("defined");
        let options = ImportOptions {
            create_missing: true,
            on_error: OnError::Continue,
            ..ImportOptions::default()
        };
        let report = import(&visits, "title,town\none,Acme (Brno)\ntwo,Acme (Oslo)\n", options).await;
        assert_eq!((report.created, report.failed, report.related_created), (1, 1, 0));
        assert!(
            report.errors[0].message.contains("none can be made"),
            "{:?}",
            report.errors
        );
        assert_eq!(by_title(&visits, "one").await["town"], json!(brno));
    });
}

#[test]
fn labels_and_what_is_worked_out_stand_in_exports_and_labels_read_back() {
    on_every_backend(async |store| {
        let (clients, projects) = tables(&store).await;
        let config = |json: Json| json.as_object().cloned().expect("an object");
        let city = ColumnInput {
            config: config(json!({"relation": "partners", "column": "city"})),
            ..ColumnInput::new("cities", "lookup")
        };
        projects.add_column(city).await.expect("added");
        let count = ColumnInput {
            config: config(json!({"relation": "projects", "function": "count"})),
            ..ColumnInput::new("many", "rollup")
        };
        let back = ColumnInput {
            config: config(json!({"table": "projects", "reverseOf": "client"})),
            ..ColumnInput::new("projects", "relation")
        };
        clients.add_column(back).await.expect("added");
        clients.add_column(count).await.expect("added");
        let acme = clients
            .insert(json!({"name": "Acme, Inc.", "city": "Brno"}))
            .await
            .expect("inserted")
            .id();
        let bolt = clients
            .insert(json!({"name": "=Bolt", "city": "Oslo"}))
            .await
            .expect("inserted")
            .id();
        let one = json!({"title": "one", "client": acme, "partners": [bolt, acme]});
        let one = projects.insert(one).await.expect("inserted").id();
        projects
            .insert(json!({"title": "two", "client": bolt}))
            .await
            .expect("inserted");

        let csv = |links: LinkForm| ExportOptions {
            links,
            query: Query::new().ascending("title"),
            header: Header::Slugs,
            ..ExportOptions::default()
        };
        let export = async |table: &TableHandle, options: &ExportOptions| {
            let bytes = table
                .export_csv(options)
                .await
                .expect("begun")
                .collect()
                .await
                .expect("read");
            String::from_utf8(bytes).expect("text")
        };
        let labels = export(&projects, &csv(LinkForm::Label)).await;
        let rows: Vec<&str> = labels.lines().collect();
        assert_eq!(
            rows[1],
            "one,\"Acme, Inc.\",\"=Bolt, \"\"Acme, Inc.\"\"\",,\"Oslo, Brno\""
                .replacen("\"=Bolt", "\"'=Bolt", 1)
        );
        assert_eq!(rows[2], "two,\"'=Bolt\",,,");
        let both = export(&projects, &csv(LinkForm::Both)).await;
        assert!(
            both.starts_with("title,client,client_label,partners,partners_label,lead,"),
            "{both}"
        );
        let ids = export(&projects, &csv(LinkForm::Id)).await;
        assert!(ids.contains(&acme) && !ids.contains("Acme"), "{ids}");
        let told = ExportOptions {
            query: Query::new().ascending("name").descending("city"),
            ..csv(LinkForm::Label)
        };
        let told = export(&clients, &told).await;
        assert!(told.contains("\"Acme, Inc.\",Brno,one,1"), "{told}");
        let lines = projects
            .export_ndjson(&csv(LinkForm::Label))
            .await
            .expect("begun")
            .collect()
            .await
            .expect("read");
        let lines = String::from_utf8(lines).expect("text");
        let first: Json = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
        assert_eq!(
            (&first["client"], &first["partners"]),
            (&json!("Acme, Inc."), &json!(["=Bolt", "Acme, Inc."]))
        );
        assert_eq!(first["cities"], json!(["Oslo", "Brno"]));
        let book = projects
            .export_xlsx(&csv(LinkForm::Label))
            .await
            .expect("begun")
            .collect()
            .await
            .expect("read");

        for (file, name) in [
            (ImportFile::bytes(labels.as_bytes()), "csv"),
            (ImportFile::bytes(book), "xlsx"),
        ] {
            projects.clear().await.expect("cleared");
            let report = projects
                .import_csv(&file, &Mapping::default(), &ImportOptions::default())
                .await
                .expect("a report");
            assert_eq!(report.created, 2, "{name}: {:?}", report.errors);
            let read = by_title(&projects, "one").await;
            assert_eq!(
                (&read["client"], &read["partners"]),
                (&json!(acme), &json!([bolt, acme])),
                "{name}"
            );
        }
        assert!(projects.get(&one).await.expect("read").is_none());
    });
}

/// Users, and tasks that refer to them and to each other, by keys.
async fn tasks(store: &Store) -> TableHandle {
    let users = json!({"key": "id", "schema": {"id": {"type": "string"}, "name": {"type": "string"}}});
    let users = store.define_bucket("users", &users).await.expect("defined");
    users.insert(json!({"id": "ann"})).await.expect("inserted");
    let tasks = json!({"key": "id", "schema": {
        "id": {"type": "string"},
        "code": {"type": "string", "unique": true},
        "owner": {"type": "string", "ref": "users"},
        "parent": {"type": "string", "ref": "tasks"},
    }});
    store.define_bucket("tasks", &tasks).await.expect("defined")
}

/// What a report says of every row that is not written.
fn told(report: &ImportReport) -> Vec<(u64, String, String)> {
    let mut told: Vec<(u64, String, String)> = report
        .errors
        .iter()
        .map(|error| (error.row, error.field.clone(), error.code.as_str().to_owned()))
        .collect();
    told.sort();
    told
}

/// What a dry run of a file says, and then the import of it.
async fn tried_and_done(table: &TableHandle, text: &str, on_error: OnError) -> (ImportReport, ImportReport) {
    let options = ImportOptions {
        on_error,
        ..ImportOptions::default()
    };
    let trial = ImportOptions {
        dry_run: true,
        ..options.clone()
    };
    let tried = import(table, text, trial).await;
    (tried, import(table, text, options).await)
}

#[test]
fn a_dry_run_names_every_row_that_refers_to_nobody_as_the_import_does() {
    on_every_backend(async |store| {
        let tasks = tasks(&store).await;
        tasks
            .insert(json!({"id": "old", "code": "o"}))
            .await
            .expect("inserted");
        // 2: nobody. 3: a row that is refused. 4: a later one. 7: a value in use, and nobody twice. 8: a refused one again, by two steps.
        let text = "id,code,owner,parent\n1,a,ann,old\n2,b,bob,\n3,c,,2\n4,d,ann,5\n5,e,,1\n6,f,ann,old\n7,o,eve,nobody\n8,g,,3\n";
        for on_error in [OnError::Continue, OnError::Abort] {
            let (tried, done) = tried_and_done(&tasks, text, on_error).await;
            assert_eq!((tried.created, tried.failed), (4, 4), "{:?}", tried.errors);
            assert_eq!(told(&tried), told(&done));
            assert_eq!(
                told(&tried)
                    .iter()
                    .map(|(row, field, _)| (*row, &**field))
                    .collect::<Vec<_>>(),
                [
                    (2, "owner"),
                    (3, "parent"),
                    (7, "code"),
                    (7, "owner"),
                    (7, "parent"),
                    (8, "parent")
                ]
            );
            match on_error {
                OnError::Continue => {
                    assert_eq!((done.end, done.created), (ImportEnd::Done, 4));
                    let revert = store.revert(&done.import_id, RevertOptions::default()).await;
                    revert.expect("taken back");
                }
                OnError::Abort => assert_eq!(done.end, ImportEnd::Refused),
            }
        }
    });
}

/// More rows than are decided together, fewer than one commit takes.
const ROWS: usize = 6_000;

#[test]
fn rows_of_a_file_may_name_later_ones_if_it_is_one_commit_and_earlier_ones_always() {
    on_every_backend(async |store| {
        let tasks = tasks(&store).await;
        let rows: String = (2..ROWS).map(|row| format!("{row},c{row},,1\n")).collect();
        let later = format!("id,code,owner,parent\n1,c1,,{ROWS}\n{rows}{ROWS},c{ROWS},ann,\n");
        let rows: String = (2..=ROWS)
            .map(|row| format!("{row},c{row},,{}\n", row - 1))
            .collect();
        let earlier = format!("id,code,owner,parent\n1,c1,ann,\n{rows}");
        for (text, on_error, created) in [
            (&later, OnError::Abort, ROWS as u64),
            (&later, OnError::Continue, 1),
            (&earlier, OnError::Abort, ROWS as u64),
            (&earlier, OnError::Continue, ROWS as u64),
        ] {
            let (tried, done) = tried_and_done(&tasks, text, on_error).await;
            assert_eq!((tried.created, tried.failed), (done.created, done.failed));
            assert_eq!(tried.created, created, "{:?}", tried.errors.first());
            let revert = store.revert(&done.import_id, RevertOptions::default()).await;
            revert.expect("taken back");
        }
    });
}
