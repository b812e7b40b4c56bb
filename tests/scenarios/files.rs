//! Files in and out through the library, on every backend. Hostile files are tested beside the import itself.

use chancery::{ColumnInput, ImportFile, ImportOptions, Mapping, Query, TableInput, json};
use chancery_scenarios::on_every_backend;

#[test]
fn a_large_file_keeps_its_order() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Numbers").column(ColumnInput::new("No", "autoNumber"));
        let rows: String = (1..=23_000).map(|n| format!("{n},row {n}\n")).collect();
        let file = ImportFile::bytes(format!("code,text\n{rows}").into_bytes());
        let imported = store
            .import_new_table(&file, input, &Mapping::default(), &ImportOptions::default())
            .await;
        let (table, report) = imported.expect("imported");
        assert_eq!((report.created, report.failed), (23_000, 0));
        let records = table.expect("made").all().await.expect("read");
        for (index, record) in records.iter().enumerate() {
            assert_eq!(record.get("code"), json!(index + 1), "in key order");
            assert_eq!(record.get("no"), json!(index + 1), "numbered in order");
            assert_eq!(record.metadata().import_row, Some(index as u64 + 1));
        }
    });
}

#[test]
fn a_column_without_a_name_is_made_if_something_is_in_it() {
    on_every_backend(|store| async move {
        let import = async |name: &str, text: &str| {
            let file = ImportFile::bytes(text.as_bytes().to_vec());
            let imported = store
                .import_new_table(
                    &file,
                    TableInput::new(name),
                    &Mapping::default(),
                    &ImportOptions::default(),
                )
                .await;
            let (table, report) = imported.expect("imported");
            assert_eq!(report.failed, 0, "{:?}", report.errors);
            let table = table.expect("made");
            let records = table.all().await.expect("read");
            records
                .iter()
                .map(|record| json!(record.data()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            import("Frame", ",a,b\n0,x,1\n1,y,2\n").await,
            [
                json!({"column1": 0, "a": "x", "b": 1}),
                json!({"column1": 1, "a": "y", "b": 2})
            ],
            "as programs write that number their rows"
        );
        assert_eq!(
            import("Trailing", "a,b,\nx,1,\ny,2,\n").await,
            [json!({"a": "x", "b": 1}), json!({"a": "y", "b": 2})],
            "nothing is made of a delimiter at the end of each line"
        );
    });
}

#[test]
fn leading_zeros_stay_and_nothing_is_written_while_a_row_is_bad() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Zips")
            .column(ColumnInput::new("zip", "text").unique())
            .column(ColumnInput::new("due", "date"));
        let table = store.create_table(input).await.expect("defined");
        let bad = "zip,due\n00501,2026-02-28\n00501,2026-03-01\n00544,31.2.2026\n";
        let file = ImportFile::bytes(bad.as_bytes());
        let report = table
            .import_csv(&file, &Mapping::default(), &ImportOptions::default())
            .await
            .expect("checked");
        assert_eq!((report.created, report.failed), (0, 2));
        let found: Vec<(u64, &str)> = report
            .errors
            .iter()
            .map(|error| (error.row, error.code.as_str()))
            .collect();
        assert_eq!(found, [(2, "unique"), (3, "format")]);
        assert_eq!(table.count(&Query::new()).await.expect("counted"), 0);

        let file = ImportFile::bytes("zip,due\n00501,2026-02-28\n00544,\n".as_bytes());
        table
            .import_csv(&file, &Mapping::default(), &ImportOptions::default())
            .await
            .expect("imported");
        let zips: Vec<_> = table
            .all()
            .await
            .expect("read")
            .iter()
            .map(|record| record.get("zip"))
            .collect();
        assert_eq!(zips, ["00501", "00544"]);
    });
}
