//! What is exported comes back the same: CSV and JSON, every field type, hostile texts, on every backend.

use chancery::{
    ColumnInput, Escape, ExportOptions, Header, ImportFile, ImportOptions, Json, JsonMap, Mapping, OnError,
    Operator, Query, Store, TableHandle, TableInput, json,
};
use chancery_model::field::{FIELD_TYPES, FieldType, example_column};
use proptest::prelude::*;

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test)
}

async fn stores() -> Vec<(Store, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    vec![
        (Store::open("memory:").await.expect("memory opens"), None),
        (Store::open(&url).await.expect("sqlite opens"), Some(folder)),
    ]
}

async fn csv(table: &TableHandle, options: &ExportOptions) -> Vec<u8> {
    table
        .export_csv(options)
        .await
        .expect("a stream")
        .collect()
        .await
        .expect("bytes")
}

async fn back(table: &TableHandle, bytes: Vec<u8>) {
    let report = table
        .import_csv(
            &ImportFile::bytes(bytes),
            &Mapping::new(),
            &ImportOptions::default(),
        )
        .await
        .expect("a report");
    assert_eq!((report.failed, report.errors.as_slice()), (0, [].as_slice()));
}

/// Ids and data, without what the store makes anew.
async fn content(table: &TableHandle) -> Vec<(String, JsonMap)> {
    let definition = table.definition().expect("a definition");
    let mut content = Vec::new();
    for record in table.all().await.expect("records") {
        let mut data = record.data();
        for column in definition
            .live()
            .filter(|column| column.kind().system().is_some())
        {
            data.shift_remove(&column.slug);
        }
        content.push((record.id(), data));
    }
    content
}

/// A table with a column of every field type that can be taken out, and records with every example.
fn every_type(name: &str) -> (TableInput, Vec<JsonMap>) {
    let mut input = TableInput::new(name);
    let mut records: Vec<JsonMap> = vec![JsonMap::new(); 6];
    // Of encrypted ones an export has masks, which are no values; what names others needs them.
    let apart = |kind: &&&dyn FieldType| {
        let flags = kind.flags();
        !flags.encrypted && !flags.related && (!flags.reference || flags.computed)
    };
    for kind in FIELD_TYPES.iter().filter(apart) {
        let example = example_column(*kind);
        let mut column = ColumnInput::new(kind.name(), kind.id());
        column.options = example
            .options
            .iter()
            .map(|option| chancery::OptionInput {
                id: Some(option.id.clone()),
                name: option.name.clone(),
                ..Default::default()
            })
            .collect();
        column.slug = Some(kind.id().to_owned());
        input = input.column(column);
        if kind.flags().computed || kind.system().is_some() || kind.id() == "autoNumber" {
            continue;
        }
        for (record, value) in records.iter_mut().zip(kind.examples()) {
            record.insert(kind.id().to_owned(), value);
        }
    }
    (input, records)
}

#[test]
fn every_field_type_survives_csv_and_json() {
    run(async {
        for (store, _folder) in stores().await {
            let (input, records) = every_type("Types");
            let table = store.create_table(input).await.expect("a table");
            for record in records {
                table.insert(Json::Object(record)).await.expect("a record");
            }
            let options = ExportOptions {
                id_first: true,
                ..ExportOptions::default()
            };
            let (before, bytes) = (content(&table).await, csv(&table, &options).await);
            let whole = table
                .export_json(&Query::new())
                .await
                .expect("a stream")
                .collect()
                .await
                .expect("bytes");
            table.clear().await.expect("cleared");
            back(&table, bytes.clone()).await;
            assert_eq!(content(&table).await, before);
            assert_eq!(csv(&table, &options).await.len(), bytes.len());

            let file = ImportFile::bytes(whole.clone());
            let taken = store.import_json(&file, None, &ImportOptions::default()).await;
            assert!(matches!(taken, Err(chancery::Error::Taken { .. })));
            let (copy, report) = store
                .import_json(&file, Some("The copy"), &ImportOptions::default())
                .await
                .expect("a table");
            assert_eq!(report.created, before.len() as u64);
            assert_eq!(content(&copy).await, before);
            let again = copy
                .export_json(&Query::new())
                .await
                .expect("a stream")
                .collect()
                .await
                .expect("bytes");
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
            let renamed = text(whole).replace(
                "\"name\":\"Types\",\"slug\":\"types\"",
                "\"name\":\"The copy\",\"slug\":\"the-copy\"",
            );
            assert_eq!(text(again), renamed);
        }
    });
}

#[test]
fn a_copy_of_a_table_names_itself_and_leaves_out_what_only_the_original_can_show() {
    run(async {
        let store = Store::open("memory:").await.expect("memory opens");
        let related = |name: &str, settings: serde_json::Value| ColumnInput {
            config: settings.as_object().cloned().expect("an object"),
            ..ColumnInput::new(name, "relation")
        };
        let through = |name: &str, kind: &str, settings: serde_json::Value| ColumnInput {
            field_type: kind.to_owned(),
            ..related(name, settings)
        };
        let clients = TableInput::new("Clients")
            .column(ColumnInput::new("Name", "text"))
            .column(related("Parent", json!({"table": "clients"})))
            .column(related(
                "Children",
                json!({"table": "clients", "reverseOf": "parent", "relationType": "oneToMany"}),
            ))
            .column(through(
                "Parent name",
                "lookup",
                json!({"relation": "parent", "column": "name"}),
            ));
        let clients = store.create_table(clients).await.expect("a table");
        let orders = TableInput::new("Orders")
            .column(ColumnInput::new("Sum", "number"))
            .column(related("Client", json!({"table": "clients"})));
        let orders = store.create_table(orders).await.expect("a table");
        let side = json!({"table": "orders", "reverseOf": "client", "relationType": "oneToMany"});
        clients.add_column(related("Orders", side)).await.expect("added");
        let total = json!({"relation": "orders", "column": "sum", "function": "sum"});
        clients
            .add_column(through("Total", "rollup", total))
            .await
            .expect("added");
        let ann = clients
            .insert(json!({"name": "Ann"}))
            .await
            .expect("a record")
            .id();
        let bob = clients
            .insert(json!({"name": "Bob", "parent": ann}))
            .await
            .expect("a record")
            .id();
        orders
            .insert(json!({"sum": 5, "client": ann}))
            .await
            .expect("a record");
        let whole = clients
            .export_json(&Query::new())
            .await
            .expect("a stream")
            .collect()
            .await
            .expect("bytes");
        let (copy, report) = store
            .import_json(&ImportFile::bytes(whole), Some("Copy"), &ImportOptions::default())
            .await
            .expect("a table");
        assert_eq!(report.created, 2);
        let left: Vec<&str> = report
            .columns
            .iter()
            .filter(|column| column.slug.is_none())
            .map(|column| &*column.header)
            .collect();
        assert_eq!(left, ["orders", "total"]);
        let definition = copy.definition().expect("there");
        assert_eq!(
            definition.column("parent").expect("there").config_str("table"),
            Some("copy")
        );
        let told = copy.get(ann.as_str()).await.expect("read").expect("there");
        assert_eq!(told.get("children"), json!([bob]));
        let child = copy.get(bob.as_str()).await.expect("read").expect("there");
        assert_eq!(
            (child.get("parent"), child.get("parentName")),
            (json!(ann), json!("Ann"))
        );
        copy.delete(ann.as_str()).await.expect("answered");
        assert_eq!(
            clients
                .get(bob.as_str())
                .await
                .expect("read")
                .expect("there")
                .get("parent"),
            json!(ann)
        );
    });
}

#[test]
fn a_json_export_keeps_the_whole_definition() {
    run(async {
        let store = Store::open("memory:").await.expect("memory opens");
        let status = ColumnInput::new("Status", "select")
            .options(["Open", "Gone"])
            .default_value("Open");
        let input = TableInput::new("Tasks")
            .column(ColumnInput::new("Sku", "text").required())
            .column(status)
            .column(ColumnInput::new("Made", "dateTime").default_to(chancery::DefaultFunction::Now))
            .column(ColumnInput::new("No", "number").unique().indexed().range(0, 9))
            .key("sku");
        let table = store.create_table(input).await.expect("a table");
        table
            .insert(json!({"sku": "00501", "status": "Gone", "no": 1}))
            .await
            .expect("a record");
        table
            .insert(json!({"sku": "=1", "made": null}))
            .await
            .expect("a record");
        let gone = table.column("status").expect("a column").options[1].id.clone();
        table.delete_option("status", &gone).await.expect("deleted");
        let lock = chancery::ColumnPatch {
            read_only: Some(true),
            ..Default::default()
        };
        table.update_column("no", lock).await.expect("changed");
        let whole = table
            .export_json(&Query::new())
            .await
            .expect("a stream")
            .collect()
            .await
            .expect("bytes");
        let before = (
            content(&table).await,
            table.all().await.expect("records")[0].created_at(),
        );
        table.delete_table().await.expect("dropped");
        let file = ImportFile::bytes(whole);
        let (copy, _) = store
            .import_json(&file, None, &ImportOptions::default())
            .await
            .expect("a table");
        assert_eq!(
            (
                content(&copy).await,
                copy.all().await.expect("records")[0].created_at()
            ),
            before
        );
        let definition = copy.definition().expect("a definition");
        assert_eq!(definition.key_name(), "sku");
        let column = |slug: &str| definition.column(slug).expect("a column").clone();
        assert!(column("no").read_only && column("no").constraints.unique && column("no").indexed);
        assert_eq!(column("status").live_options().count(), 1);
        assert!(matches!(
            column("made").default,
            Some(chancery::DefaultValue::Function(_))
        ));
        assert_eq!(copy.all().await.expect("records")[0].get("status"), json!(gone));
    });
}

#[test]
fn a_bad_json_export_leaves_nothing() {
    run(async {
        let store = Store::open("memory:").await.expect("memory opens");
        let bad = [
            ("", "line 1"),
            ("[]", "expected an object"),
            (
                "{\"version\":\"2.0\",\"table\":{},\"columns\":[],\"records\":[]}",
                "version \"2.0\"",
            ),
            ("{\"version\":\"1.0\",\"records\":[]}", "before the records"),
            (
                "{\"version\":\"1.0\",\"table\":{\"name\":\"T\"},\"columns\":[]}",
                "no records",
            ),
            (
                "{\"version\":\"1.0\",\"table\":{\"name\":\"T\"},\"columns\":[{\"name\":\"a\",\"fieldType\":\"text\"}],\"records\":[{\"id\":\"0190a2b4-0000-7000-8000-000000000001\",\"data\":{\"a\":1}}]}",
                "1 item(s)",
            ),
            (
                "{\"version\":\"1.0\",\"table\":{\"name\":\"T\"},\"columns\":[{\"name\":\"a\",\"fieldType\":\"text\"}],\"records\":[{\"id\":\"0190a2b4-0000-7000-8000-000000000001\",\"data\":{}},",
                "line 1",
            ),
        ];
        for (text, told) in bad {
            let result = store
                .import_json(
                    &ImportFile::bytes(text.as_bytes()),
                    None,
                    &ImportOptions::default(),
                )
                .await;
            let error = result.expect_err("refused").to_string();
            assert!(error.contains(told), "{text}: {error}");
            assert!(store.tables().is_empty());
        }
    });
}

#[test]
fn objects_are_imported_like_rows() {
    run(async {
        let store = Store::open("memory:").await.expect("memory opens");
        let input = TableInput::new("T")
            .column(ColumnInput::new("a", "text").unique())
            .column(ColumnInput::new("n", "number"));
        let table = store.create_table(input).await.expect("a table");
        let import = |text: &'static str, options: ImportOptions| {
            let table = table.clone();
            async move {
                table
                    .import_objects(&ImportFile::bytes(text.as_bytes()), &options)
                    .await
            }
        };
        let lines = "{\"a\":\"x\",\"n\":1}\n\n{\"a\":\"x\"}\n{\"a\":5}\nnonsense\n[1]\n{\"b\":1}\n{\"a\":\"y\",\"n\":2.5}";
        let report = import(lines, ImportOptions::default()).await.expect("a report");
        let errors: Vec<_> = report
            .errors
            .iter()
            .map(|error| (error.row, error.line, error.code.as_str()))
            .collect();
        let expected = [
            (2, 3, "unique"),
            (3, 4, "type"),
            (4, 5, "malformed"),
            (5, 6, "type"),
            (6, 7, "unknownColumn"),
        ];
        assert_eq!((errors.as_slice(), report.written), (expected.as_slice(), false));
        let go_on = ImportOptions {
            on_error: OnError::Continue,
            ..ImportOptions::default()
        };
        let report = import(lines, go_on).await.expect("a report");
        assert_eq!((report.created, report.failed), (2, 5));
        let update = ImportOptions {
            update_existing: true,
            match_on: vec!["a".into()],
            ..ImportOptions::default()
        };
        let array = "[{\"a\":\"x\",\"n\":7},{\"a\":\"z\",\"externalId\":\"9\"},\n {\"a\":\"y\",\"n\":2.5}]";
        let report = import(array, update).await.expect("a report");
        assert_eq!((report.created, report.updated, report.unchanged), (1, 1, 1));
        assert_eq!(
            table.all().await.expect("records")[2]
                .metadata()
                .external_id
                .as_deref(),
            Some("9")
        );
        for bad in ["", "[{\"a\":", "[1,]"] {
            assert!(import(bad, ImportOptions::default()).await.is_err(), "{bad}");
        }
    });
}

#[test]
fn an_export_has_what_was_asked_for() {
    run(async {
        let store = Store::open("memory:").await.expect("memory opens");
        let input = TableInput::new("T")
            .column(ColumnInput::new("First name", "text"))
            .column(ColumnInput::new("Age", "number"));
        let table = store.create_table(input).await.expect("a table");
        for (name, age) in [("Ada", 36), ("-5", 85), ("Alan", 41)] {
            table
                .insert(json!({"firstName": name, "age": age}))
                .await
                .expect("a record");
        }
        let text = |options: ExportOptions| {
            let table = table.clone();
            async move { String::from_utf8(csv(&table, &options).await).expect("UTF-8") }
        };
        let query = Query::new().filter("age", Operator::Gt, 40).descending("age");
        let some = ExportOptions {
            columns: vec!["age".into(), "firstName".into()],
            query,
            header: Header::Slugs,
            ..ExportOptions::default()
        };
        assert_eq!(
            text(some.clone()).await,
            "age,\"firstName\"\r\n85,\"'-5\"\r\n41,Alan\r\n"
        );
        let plain = ExportOptions {
            escape: Escape::None,
            header: Header::Names,
            delimiter: Some(';'),
            ..some
        };
        assert_eq!(text(plain).await, "Age;First name\r\n85;-5\r\n41;Alan\r\n");
        let numbers = ExportOptions {
            columns: vec!["age".into(), "version".into()],
            header: Header::Slugs,
            ..ExportOptions::default()
        };
        assert!(text(numbers).await.starts_with("age,version\r\n36,1\r\n"));
        let unknown = ExportOptions {
            columns: vec!["agge".into()],
            ..ExportOptions::default()
        };
        let error = table.export_csv(&unknown).await.err().expect("refused");
        assert!(error.to_string().contains("did you mean \"age\""), "{error}");
    });
}

fn hostile() -> impl Strategy<Value = Json> {
    let parts = prop::sample::select(vec![
        "a", "b", "0", "5", ".", ",", ";", "\t", "|", "\"", "'", "\n", "\r", "\r\n", " ", "=", "+", "-", "@",
        "＝", "é", "🎉", "\u{feff}", "\u{a0}", "null", "true",
    ]);
    let text = prop::collection::vec(parts, 0..6).prop_map(|parts| Json::from(parts.concat()));
    prop_oneof![1 => Just(Json::Null), 5 => text]
}

fn number() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<i32>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Json::from),
    ]
}

fn rows() -> impl Strategy<Value = Vec<(Vec<Json>, Json, Json)>> {
    let choice = prop_oneof![
        Just(Json::Null),
        Just(json!([])),
        Just(json!(["A, b"])),
        Just(json!(["\"c\"", "A, b"]))
    ];
    (1..4_usize).prop_flat_map(move |width| {
        let texts = prop::collection::vec(hostile(), width);
        prop::collection::vec((texts, number(), choice.clone()), 1..8)
    })
}

async fn round_trip(rows: &[(Vec<Json>, Json, Json)], more: bool) {
    let store = Store::open("memory:").await.expect("memory opens");
    let width = rows[0].0.len();
    let mut input = TableInput::new("T");
    for index in 0..width {
        input = input.column(ColumnInput::new(format!("t{index}"), "text"));
    }
    if more {
        input = input
            .column(ColumnInput::new("n", "number"))
            .column(ColumnInput::new("m", "multiSelect").options(["A, b", "\"c\""]));
    }
    let table = store.create_table(input).await.expect("a table");
    for (texts, number, choice) in rows {
        let mut record = JsonMap::new();
        for (index, text) in texts.iter().enumerate() {
            record.insert(format!("t{index}"), text.clone());
        }
        if more {
            record.insert("n".into(), number.clone());
            record.insert("m".into(), choice.clone());
        }
        table.insert(Json::Object(record)).await.expect("a record");
    }
    let data =
        |content: Vec<(String, JsonMap)>| content.into_iter().map(|(_, data)| data).collect::<Vec<_>>();
    let before = data(content(&table).await);
    let bytes = csv(&table, &ExportOptions::default()).await;
    let whole = table
        .export_json(&Query::new())
        .await
        .expect("a stream")
        .collect()
        .await
        .expect("bytes");
    table.clear().await.expect("cleared");
    back(&table, bytes.clone()).await;
    assert_eq!(
        data(content(&table).await),
        before,
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    let (copy, _) = store
        .import_json(&ImportFile::bytes(whole), Some("copy"), &ImportOptions::default())
        .await
        .expect("a table");
    assert_eq!(data(content(&copy).await), before);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_tables_survive_csv_and_json(rows in rows(), more in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(round_trip(&rows, more));
    }
}
