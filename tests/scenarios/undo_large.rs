//! Undo of operations larger than one commit: import, bulk change and deletion of many records, each taken back and done
//! again to the same checksum. `cargo xtask undo-large` runs it with 100,000 records and prints how long each step takes.

use std::time::Instant;

use chancery::limits::UNDO_WINDOW;
use chancery::{
    BulkOptions, ColumnInput, ImportFile, ImportOptions, Mapping, Operation, Query, RevertOptions, Store,
    TableHandle, TableInput, UpdateItem, json,
};
use chancery_scenarios::on_every_backend;

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

/// Takes an operation back, does it again, and takes it back for good.
async fn there_and_back(store: &Store, table: &TableHandle, what: &str, operation: &str, before: u64) {
    let after = table.checksum().await.expect("summed");
    let count = store.operation(operation).await.expect("told").changes;
    let mut next = operation.to_owned();
    for (step, wanted) in [("undo", before), ("redo", after), ("undo again", before)] {
        let started = Instant::now();
        let report = store
            .revert(&next, RevertOptions::default())
            .await
            .expect("taken back");
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(
            (report.reverted, report.skipped_total),
            (count, 0),
            "{what}: {step}"
        );
        assert_eq!(table.checksum().await.expect("summed"), wanted, "{what}: {step}");
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
            table.drop_table().await.expect("dropped");
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
                version: None,
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
