//! Hostile names and values through everything the library does, on every backend. What the seam keeps of them is in its
//! conformance suite.

use chancery::{
    BulkOptions, ColumnInput, Function, ImportFile, ImportOptions, Json, Mapping, MeasureInput, Operator,
    OptionInput, OptionPatch, Query, Store, TableInput, TablePatch, WorkspaceInput, json,
};
use chancery_scenarios::on_every_backend;

/// What must stay what it is, wherever a person may write it.
const TEXTS: [&str; 8] = [
    "Robert'); DROP TABLE documents; --",
    "\"t1\"; DELETE FROM changes; SELECT \"",
    "`x` [y] $1 ?1 :name @name",
    "%_\\' ESCAPE '\\",
    "{\"$ne\": null} ${jndi:ldap://x} {{7*7}}",
    "<script>alert(1)</script>",
    "\u{202e}👩\u{200d}🚀 ﬁ İ",
    "=cmd|' /C calc'!A0",
];

#[test]
fn hostile_names_and_values_go_through_everything_unharmed() {
    on_every_backend(|store| async move {
        // A neighbour that must not change, whatever happens beside it.
        let neighbour = store
            .create_table(TableInput::new("Neighbour").column(ColumnInput::new("note", "text")))
            .await
            .expect("defined");
        neighbour
            .insert(json!({"note": "untouched"}))
            .await
            .expect("inserted");
        for (number, text) in TEXTS.into_iter().enumerate() {
            everything(&store, number, text).await;
            let notes = neighbour.all().await.expect("read");
            assert_eq!(notes.len(), 1, "{text}");
            assert_eq!(notes[0].get("note"), "untouched", "{text}");
        }
    });
}

/// A workspace, a table, a column, an option, an undeclared field and values that are all this text.
async fn everything(store: &Store, number: usize, text: &str) {
    let workspace = WorkspaceInput {
        name: text.into(),
        slug: Some(format!("w{number}")),
        ..WorkspaceInput::default()
    };
    store.create_workspace(workspace).await.expect("a workspace");
    let store = store.in_workspace(&format!("w{number}")).expect("known");
    let mut input = TableInput::new(text)
        .column(slugged(text, "text", "name").unique())
        .column(slugged(text, "select", "kind").options([text]))
        .column(slugged("Amount", "number", "amount").indexed());
    input.slug = Some("hostile".into());
    input.strict = false;
    let table = store.create_table(input).await.expect("a table");
    assert_eq!(table.definition().expect("known").name, text);

    let made = table
        .insert(json!({"name": text, "kind": text, "amount": 1, text: {text: [text]}}))
        .await
        .expect("inserted");
    table
        .insert(json!({"name": "other", "amount": 2}))
        .await
        .expect("inserted");
    let read = table.get(made.key()).await.expect("read").expect("there");
    assert_eq!(read.get("name"), text);
    assert_eq!(read.get(text), json!({text: [text]}));

    for query in [
        Query::new().filter("name", Operator::Eq, text),
        Query::new().filter("name", Operator::Contains, text),
        Query::new().filter("kind", Operator::Eq, text),
        Query::new().filter(text, Operator::IsNotEmpty, Json::Null),
    ] {
        let query = query.ascending("name").descending(text).ascending("kind");
        let found = table.select(&query).await.expect("found");
        assert_eq!(found.len(), 1, "{text}: {query:?}");
        assert_eq!(
            table.count(&query).await.expect("counted"),
            1,
            "{text}: {query:?}"
        );
    }
    // Any text may be searched for; none is a search in the engine's own language.
    table.select(&Query::new().search(text)).await.expect("searched");
    let distinct = table.distinct("name", &Query::new()).await.expect("distinct");
    assert!(distinct.contains(&(json!(text), 1)), "{distinct:?}");
    let measure = MeasureInput {
        function: Function::Sum,
        column: Some("amount".into()),
    };
    let groups = table
        .group_by(&["name", text], measure, json!({"name": text}))
        .await;
    assert_eq!(groups.expect("grouped").len(), 1, "{text}");

    let changed = table
        .update(made.key(), json!({"amount": 7, text: text}))
        .await
        .expect("updated");
    assert_eq!(changed.get(text), text);
    let clash = table
        .insert(json!({"name": text}))
        .await
        .expect_err("the name is taken");
    assert!(clash.to_string().contains("name"), "{clash}");
    let rows: Vec<chancery::JsonMap> = [json!({"name": format!("{text} again"), text: text})]
        .into_iter()
        .filter_map(|row| row.as_object().cloned())
        .collect();
    let bulk = table
        .bulk_create(&rows, BulkOptions::default())
        .await
        .expect("bulk");
    assert_eq!(bulk.failures().count(), 0);

    let name = format!("{text} renamed");
    let patch = TablePatch {
        name: Some(name.clone()),
        ..TablePatch::default()
    };
    table.update_table(patch).await.expect("renamed");
    let option = OptionInput {
        name,
        ..OptionInput::default()
    };
    let option = table.add_option("kind", option).await.expect("an option");
    let patch = OptionPatch {
        name: Some(format!("{text} too")),
        ..OptionPatch::default()
    };
    table
        .update_option("kind", &option.id, patch)
        .await
        .expect("renamed");

    table.delete(made.key()).await.expect("deleted");
    files(&store, text).await;
    assert!(table.clear().await.expect("cleared") >= 1);
    table.delete_table().await.expect("dropped");
    assert!(store.table("hostile").is_err());
}

/// A file whose headers and cells are the text becomes a table, and comes back as it was.
async fn files(store: &Store, text: &str) {
    let quoted = format!("\"{}\"", text.replace('"', "\"\""));
    let csv = format!("{quoted},second\n{quoted},1\nplain,2\n");
    let file = ImportFile::bytes(csv.into_bytes());
    let mut input = TableInput::new(text);
    input.slug = Some("from-a-file".into());
    let imported = store
        .import_new_table(&file, input, &Mapping::default(), &ImportOptions::default())
        .await;
    let (table, report) = imported.expect("imported");
    assert_eq!((report.created, report.failed), (2, 0), "{text}");
    let table = table.expect("made");
    let definition = table.definition().expect("known");
    assert_eq!(definition.columns[0].name, text.trim());
    let first = &table.all().await.expect("read")[0];
    assert_eq!(first.get(&definition.columns[0].slug), text);
    table.delete_table().await.expect("dropped");
}

fn slugged(name: &str, field_type: &str, slug: &str) -> ColumnInput {
    let mut input = ColumnInput::new(name, field_type);
    input.slug = Some(slug.into());
    input
}
