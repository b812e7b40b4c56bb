//! A store moves to another backend and back, and is the same. What backends do with single parts is tested beside them.

use chancery::access::{KeyInput, Role, Scope, Secret, UserInput};
use chancery::transfer::{self, Difference};
use chancery::{
    Actor, BulkOptions, ColumnInput, Error, FIELD_TYPES, Json, StorageError, Store, TableInput,
    WorkspaceInput, json, postgres,
};
use chancery_scenarios::on_every_backend;

/// Records in the table of everything; `CHANCERY_MOVE_RECORDS` asks for more.
const RECORDS: usize = 3_000;

/// A column of each field type that a caller writes and that needs no vault, with values that are easily lost or bent on the way.
fn everything() -> TableInput {
    let mut input = TableInput::new("Everything");
    input.soft_delete = true;
    input.strict = false;
    for kind in FIELD_TYPES.iter().filter(|kind| !kind.flags().encrypted) {
        let mut column = ColumnInput::new(format!("a {}", kind.id()), kind.id());
        if matches!(kind.id(), "select" | "multiSelect") {
            column = column.options(["Red", "Blüe", "\"quoted\", comma"]);
        }
        if kind.id() == "number" {
            column = column.indexed();
        }
        column = match kind.id() {
            "relation" => column.config("table", "everything"),
            "lookup" => column.config("relation", "aRelation").config("column", "aText"),
            "rollup" => column.config("relation", "aRelation"),
            "button" => column.config("url", "https://example.org/{id}"),
            _ => column,
        };
        input = input.column(column);
    }
    input.column(ColumnInput::new("code", "text").unique())
}

/// Values for every column, different for each record. U+0000, which no text of a caller may hold, is tested at the seam.
fn nasty(n: usize) -> Json {
    let texts = [
        "",
        " ",
        "\u{1}",
        "a\u{1}b\u{2}",
        "é\u{301}\u{1F469}\u{200D}\u{1F680}",
        "'; DROP TABLE x; --",
        "\\N",
        "\"\n\r\t",
    ];
    let numbers = [
        json!(9_223_372_036_854_775_807_i64),
        json!(-9_223_372_036_854_775_808_i64),
        json!(0.1),
        json!(-1e-300),
        json!(1.7976931348623157e308),
        json!(9_007_199_254_740_993_i64),
        json!(0),
    ];
    let amounts = ["0.01", "-1234567.89", "99999999.99", "0.00"];
    let mut data = json!({
        "a_text": texts[n % texts.len()],
        "a_longText": texts[(n / 3) % texts.len()].repeat(n % 50),
        "a_number": numbers[n % numbers.len()],
        "a_currency": amounts[n % amounts.len()],
        "a_percent": "12.5",
        "a_boolean": n.is_multiple_of(2),
        "a_date": "2024-02-29",
        "a_dateTime": "1969-12-31T23:59:59.999Z",
        "a_time": "23:59:59",
        "a_duration": 90_061,
        "a_rating": n % 5 + 1,
        "a_email": format!("n{n}@example.com"),
        "a_url": "https://example.com/?q=%00&ä=ö",
        "a_phone": "+420 601 123 456",
        "a_select": "Blüe",
        "a_multiSelect": ["\"quoted\", comma", "Red"],
        "a_json": {"deep": [n, null, {"\u{1}": "1.50"}], "big": 123456789012345678901234567890_u128 as f64},
        "code": format!("{n:07}"),
    });
    if n.is_multiple_of(3) {
        data["undeclared"] = json!({"text": texts[n % texts.len()], "number": 1.50, "list": [n]});
    }
    data
}

async fn fill(store: &Store, records: usize) {
    let ann = store.acting(Actor {
        id: Some("ann".into()),
        ..Actor::default()
    });
    let table = ann.create_table(everything()).await.expect("a table");
    let slugs: Vec<String> = table
        .definition()
        .expect("it")
        .slugs()
        .map(str::to_owned)
        .collect();
    let rows: Vec<_> = (0..records)
        .map(|n| {
            let Json::Object(values) = nasty(n) else {
                unreachable!()
            };
            // The slug of a column is made from its name; values are named after field types.
            let named = values.into_iter().map(|(name, value)| {
                let plain = name.replace('_', "").to_lowercase();
                let slug = slugs
                    .iter()
                    .find(|slug| slug.replace('_', "").to_lowercase() == plain);
                (slug.cloned().unwrap_or(name), value)
            });
            named.collect()
        })
        .collect();
    for chunk in rows.chunks(1_000) {
        let outcome = table
            .bulk_create(chunk, BulkOptions::default())
            .await
            .expect("written");
        assert!(
            outcome.failures().next().is_none(),
            "{:?}",
            outcome.failures().next()
        );
    }
    let all = table.all().await.expect("read");
    for (n, record) in all.iter().enumerate().take(400) {
        match n % 4 {
            0 => drop(table.delete(record.key()).await.expect("deleted")),
            1 => drop(
                table
                    .update(record.key(), json!({"code": format!("x{n}")}))
                    .await
                    .expect("updated"),
            ),
            2 if n % 8 == 2 => drop(table.purge(record.key()).await.expect("purged")),
            _ => {}
        }
    }
    let counted = TableInput::new("Counted")
        .column(ColumnInput::new("no", "autoNumber"))
        .column(ColumnInput::new("gone", "text"));
    let counted = store.create_table(counted).await.expect("a table");
    for n in 0..5 {
        counted
            .insert(json!({"gone": format!("{n}")}))
            .await
            .expect("written");
    }
    counted.delete_column("gone").await.expect("deleted");
    let dropped = store
        .create_table(TableInput::new("Dropped"))
        .await
        .expect("a table");
    dropped.delete_table().await.expect("dropped");
    let workspace = WorkspaceInput {
        name: "Second".into(),
        ..WorkspaceInput::default()
    };
    let second = store.create_workspace(workspace).await.expect("a workspace");
    let second = store.in_workspace(&second.id).expect("it");
    let other = second
        .create_table(TableInput::new("Counted").column(ColumnInput::new("only", "text")))
        .await
        .expect("a table");
    other.insert(json!({"only": "here"})).await.expect("written");
    let user = UserInput {
        email: "ann@example.com".into(),
        grants: Vec::new(),
        password: Secret::new("correct horse battery"),
        name: "Ann".into(),
        role: Role::Admin,
    };
    store.access().create_first(user).await.expect("a user");
    let key = KeyInput {
        name: "k".into(),
        scope: Scope::Read,
        grants: Vec::new(),
        expires_at: None,
        created_by: None,
    };
    store.access().create_key(key).await.expect("a key");
}

#[test]
fn a_store_moves_from_every_backend_through_two_others_and_is_the_same() {
    on_every_backend(|store| async move {
        let records = std::env::var("CHANCERY_MOVE_RECORDS")
            .ok()
            .and_then(|text| text.parse().ok());
        fill(&store, records.unwrap_or(RECORDS)).await;
        let folder = tempfile::tempdir().expect("a folder");
        let server = std::env::var("CHANCERY_TEST_POSTGRES").expect("a server");
        let name = format!("moved_{}_{}", std::process::id(), store.backend().name());
        postgres::remove(&server, &name).await.expect("an older one goes");
        let through = postgres::create(&server, &name).await.expect("a database");
        let file = format!("sqlite:{}", folder.path().join("moved.db").display());
        let first = transfer::move_from(&store, &through, &|_| {})
            .await
            .expect("moved");
        assert_eq!(first.differences, Vec::<Difference>::new());
        let second = transfer::move_store(&through, &file, &|_| {})
            .await
            .expect("moved");
        assert_eq!(second.differences, Vec::<Difference>::new());
        assert_eq!(first.carried, second.carried);
        let moved = Store::open(&file).await.expect("opens");
        assert_eq!(
            transfer::differences(&store, &moved).await.expect("compared"),
            (Vec::new(), 0)
        );

        // The moved store goes on by itself: the next number, the next revision, the same user.
        let counted = moved.table("counted").expect("it");
        let sixth = counted.insert(json!({})).await.expect("written");
        assert_eq!(sixth.get("no"), json!(6));
        assert_eq!(moved.revision().await.expect("it"), first.carried.revision + 1);
        let password = Secret::new("correct horse battery");
        moved
            .access()
            .sign_in("ann@example.com", password)
            .await
            .expect("signed in");
        let (named, count) = transfer::differences(&store, &moved).await.expect("compared");
        assert!(
            count > 0 && named.iter().any(|one| one.what == "too much"),
            "{named:?}"
        );
        moved.close().await.expect("closes");

        // What holds something is not overwritten.
        let again = transfer::move_store(&through, &file, &|_| {}).await;
        assert!(
            matches!(again, Err(Error::Storage(StorageError::NotEmpty { .. }))),
            "{again:?}"
        );
        postgres::remove(&server, &name).await.expect("removed");
    });
}
