//! Undo of operations larger than one commit: import, bulk change and deletion of many records, each taken back and done
//! again to the same checksum. `cargo xtask undo-large` runs it with 100,000 records and prints how long each step takes.

use std::time::Instant;

use chancery::limits::UNDO_WINDOW;
use chancery::{
    BulkOptions, ColumnInput, Error, ImportFile, ImportOptions, Json, Mapping, Operation, Query,
    RevertOptions, Store, TableHandle, TableInput, UpdateItem, Why, json,
};
use chancery_scenarios::on_every_backend;

use crate::undo::{newest, sums};

/// How many records; a few more than one commit of an undo holds, unless the environment says otherwise.
const RECORDS: &str = "CHANCERY_UNDO_RECORDS";
/// Records in one bulk.
const BULK: usize = 10_000;

fn wanted() -> usize {
    let named = std::env::var(RECORDS).ok().and_then(|text| text.parse().ok());
    named.unwrap_or(UNDO_WINDOW + 2_500)
}

async fn imported(store: &Store, count: usize) -> (TableHandle, String) {
    let input = TableInput::new("Parts")
        .column(ColumnInput::new("Code", "text").unique())
        .column(ColumnInput::new("Name", "text"))
        .column(ColumnInput::new("Stock", "number").indexed());
    let table = store.create_table(input).await.expect("defined");
    let rows: String = (0..count)
        .map(|n| format!("P{n},Part number {n},{}\n", n % 1_000))
        .collect();
    let file = ImportFile::bytes(format!("code,name,stock\n{rows}").into_bytes());
    let report = table
        .import_csv(&file, &Mapping::default(), &ImportOptions::default())
        .await
        .expect("imported");
    assert_eq!(report.created, count as u64);
    (table, report.import_id)
}

/// Ids of all records, page by page.
async fn ids(table: &TableHandle) -> Vec<String> {
    let mut ids = Vec::new();
    let mut stream = table.stream(&Query::new()).await.expect("streamed");
    while let Some(chunk) = stream.next().await {
        ids.extend(chunk.expect("read").iter().map(|record| record.id()));
    }
    ids
}

/// Takes an operation back that changed each of its records once, does it again, and takes it back for good.
async fn there_and_back(store: &Store, table: &TableHandle, what: &str, operation: &str, before: u64) {
    let count = store.operation(operation).await.expect("told").changes;
    all_there_and_back(store, &[table], what, operation, (&[before], count)).await;
}

/// The same with several tables, their checksums before and the number of records.
async fn all_there_and_back(
    store: &Store,
    tables: &[&TableHandle],
    what: &str,
    operation: &str,
    (before, count): (&[u64], u64),
) {
    let after = sums(tables).await;
    let options = RevertOptions {
        all_or_nothing: true,
        ..RevertOptions::default()
    };
    let mut next = operation.to_owned();
    for (step, wanted) in [("undo", before), ("redo", &after), ("undo again", before)] {
        let started = Instant::now();
        let report = store.revert(&next, options).await.expect("taken back");
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(
            (report.reverted, report.skipped_total),
            (count, 0),
            "{what}: {step}"
        );
        assert_eq!(sums(tables).await, wanted, "{what}: {step}");
        told(&format!("{what}, {step}"), count, seconds);
        next = report.operation.expect("something was written").to_string();
    }
    let told: Operation = store.operation(&next).await.expect("told");
    assert_eq!(told.commits > 1, count > UNDO_WINDOW as u64, "in windows");
}

#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
fn told(what: &str, count: u64, seconds: f64) {
    println!(
        "{what:<28}{count:>9} records {seconds:>8.2} s {:>10.0}/s",
        count as f64 / seconds
    );
}

#[test]
fn large_operations_go_there_and_back() {
    on_every_backend(|store| async move {
        let count = wanted();
        let started = Instant::now();
        let (table, import) = imported(&store, count).await;
        told("import", count as u64, started.elapsed().as_secs_f64());
        let empty = store
            .create_table(TableInput::new("Empty"))
            .await
            .expect("defined");
        there_and_back(
            &store,
            &table,
            "import",
            &import,
            empty.checksum().await.expect("summed"),
        )
        .await;

        let (table, _) = {
            table.delete_table().await.expect("dropped");
            imported(&store, count).await
        };
        let ids = ids(&table).await;
        let before = table.checksum().await.expect("summed");
        let (unit, operation) = store.begin_operation();
        let handle = unit.table("parts").expect("there");
        for part in ids.chunks(BULK) {
            let change = json!({"stock": 7, "name": "changed"})
                .as_object()
                .cloned()
                .expect("an object");
            let update = |id: &String| UpdateItem {
                id: id.clone(),
                data: change.clone(),
                ..UpdateItem::default()
            };
            let updates: Vec<UpdateItem> = part.iter().map(update).collect();
            assert!(
                handle
                    .bulk_update(&updates, BulkOptions::default())
                    .await
                    .expect("answered")
                    .committed
            );
        }
        there_and_back(&store, &table, "bulk change", &operation, before).await;

        for (what, permanent) in [("deletion to the trash", false), ("deletion for good", true)] {
            let before = table.checksum().await.expect("summed");
            let (unit, operation) = store.begin_operation();
            let handle = unit.table("parts").expect("there");
            for part in ids.chunks(BULK) {
                let options = BulkOptions {
                    permanent,
                    ..BulkOptions::default()
                };
                assert!(
                    handle
                        .bulk_delete(part, options)
                        .await
                        .expect("answered")
                        .committed
                );
            }
            there_and_back(&store, &table, what, &operation, before).await;
        }
    });
}

async fn insert_all(table: &TableHandle, count: usize, row: impl Fn(usize) -> Json) {
    let rows: Vec<Json> = (0..count).map(row).collect();
    for part in rows.chunks(BULK) {
        table.insert_many(part.to_vec()).await.expect("inserted");
    }
}

#[test]
fn what_went_with_a_record_comes_back_after_it() {
    on_every_backend(|store| async move {
        let count = UNDO_WINDOW + 400;
        for soft in [false, true] {
            let customers = json!({"key": "id", "softDelete": soft, "schema": {"id": {"type": "string"}}});
            let customers = store
                .define_bucket("customers", &customers)
                .await
                .expect("defined");
            let orders = json!({"key": "id", "softDelete": soft, "schema": {"id": {"type": "string"},
                "customer": {"type": "string", "ref": "customers", "onDelete": "cascade"}}});
            let orders = store.define_bucket("orders", &orders).await.expect("defined");
            customers.insert(json!({"id": "ann"})).await.expect("inserted");
            insert_all(
                &orders,
                count,
                |n| json!({"id": format!("o{n}"), "customer": "ann"}),
            )
            .await;
            let both = [&customers, &orders];
            let before = sums(&both).await;
            assert!(customers.delete("ann").await.expect("deleted"));
            let records = count as u64 + 1;
            let operation = newest(&store).await;
            let what = match soft {
                true => "cascade to the trash",
                false => "cascade for good",
            };
            all_there_and_back(&store, &both, what, &operation, (&before, records)).await;
            orders.delete_table().await.expect("dropped");
            customers.delete_table().await.expect("dropped");
        }
    });
}

#[test]
fn what_made_room_comes_back_after_the_others_went() {
    const MOST: usize = 5_500;
    on_every_backend(|store| async move {
        let recent = json!({"key": "id", "maxSize": MOST, "schema": {"id": {"type": "string"}}});
        let recent = store.define_bucket("recent", &recent).await.expect("defined");
        insert_all(&recent, MOST, |n| json!({"id": format!("old{n}")})).await;
        let before = sums(&[&recent]).await;
        insert_all(&recent, MOST, |n| json!({"id": format!("new{n}")})).await;
        let operation = newest(&store).await;
        let told = store.operation(&operation).await.expect("told");
        assert_eq!((told.commits, told.tables[0].evicted), (1, MOST as u64));
        let records = 2 * MOST as u64;
        all_there_and_back(&store, &[&recent], "eviction", &operation, (&before, records)).await;
    });
}

#[test]
fn a_record_that_was_touched_in_several_parts_is_one() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Parts")
            .key("code")
            .column(ColumnInput::new("code", "text"))
            .column(ColumnInput::new("stock", "number"));
        let parts = store.create_table(input).await.expect("defined");
        parts
            .insert(json!({"code": "there", "stock": 1}))
            .await
            .expect("inserted");
        let before = sums(&[&parts]).await;
        let (unit, operation) = store.begin_operation();
        let unit = unit.table("parts").expect("there");
        let stock = async |code: &str, stock: u32| {
            let change = json!({"stock": stock});
            unit.update(code, change).await.expect("updated");
        };
        unit.insert(json!({"code": "made", "stock": 1}))
            .await
            .expect("inserted");
        stock("made", 2).await;
        stock("there", 2).await;
        insert_all(
            &unit,
            UNDO_WINDOW,
            |n| json!({"code": format!("p{n}"), "stock": n}),
        )
        .await;
        stock("made", 3).await;
        assert!(unit.purge("there").await.is_ok());
        let records = UNDO_WINDOW as u64 + 2;
        all_there_and_back(&store, &[&parts], "several parts", &operation, (&before, records)).await;
    });
}

#[test]
fn all_or_nothing_is_nothing_where_what_waited_waited_in_vain() {
    on_every_backend(|store| async move {
        let customers = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let customers = store
            .define_bucket("customers", &customers)
            .await
            .expect("defined");
        let orders = json!({"key": "id", "schema": {"id": {"type": "string"},
            "customer": {"type": "string", "ref": "customers", "onDelete": "restrict"}}});
        let orders = store.define_bucket("orders", &orders).await.expect("defined");
        for id in ["ann", "bob"] {
            customers.insert(json!({"id": id})).await.expect("inserted");
        }
        insert_all(&orders, UNDO_WINDOW + 400, |n| {
            let customer = if n == 0 { "bob" } else { "ann" };
            json!({"id": format!("o{n}"), "customer": customer})
        })
        .await;
        let (unit, operation) = store.begin_operation();
        let unit = unit.table("orders").expect("there");
        let mut gone = 0;
        for part in ids(&orders).await.chunks(BULK) {
            let done = unit.bulk_delete(part, BulkOptions::default()).await;
            gone += u64::from(done.expect("answered").committed) * part.len() as u64;
        }
        assert!(customers.delete("bob").await.expect("deleted"));
        let before = sums(&[&customers, &orders]).await;
        let strict = RevertOptions {
            all_or_nothing: true,
            ..RevertOptions::default()
        };
        let refused = store.revert(&operation, strict).await;
        let Err(Error::Kept(report)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((report.reverted, report.skipped_total), (gone - 1, 1));
        assert_eq!(report.skipped[0].why, Why::Reference);
        assert_eq!(sums(&[&customers, &orders]).await, before);
    });
}
