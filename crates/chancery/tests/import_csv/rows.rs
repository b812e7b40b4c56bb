//! Rows: which are written, which are refused and how they are named. Not what becomes of the file as a whole.

use super::*;

#[tokio::test]
async fn a_bad_row_stops_all_and_every_bad_row_is_named() {
    for (table, _folder) in everywhere().await {
        let report = import(&table, MIXED, ImportOptions::default()).await;
        assert_eq!(report.end, ImportEnd::Refused);
        assert_eq!(
            (counts(&report), report.rows, report.written),
            ((0, 0, 0, 3), 5, false)
        );
        assert_eq!(
            errors(&report),
            [
                (2, 3, "name", "required"),
                (3, 4, "email", "unique"),
                (4, 5, "age", "type")
            ]
        );
        let age = &report.errors[2];
        assert_eq!(
            (age.column.as_deref(), age.value.as_deref()),
            (Some("AGE"), Some("old"))
        );
        assert_eq!(table.count(&Query::new()).await.expect("a count"), 0);
    }
}

#[tokio::test]
async fn bad_rows_are_left_out_when_asked() {
    for (table, _folder) in everywhere().await {
        let trial = import(&table, MIXED, trial(go_on())).await;
        let report = import(&table, MIXED, go_on()).await;
        assert_eq!(report.end, ImportEnd::Done);
        assert_eq!(counts(&report), (2, 0, 0, 3));
        assert_eq!(
            (counts(&trial), errors(&trial)),
            (counts(&report), errors(&report))
        );
        assert_eq!(column(&table, "name").await, [json!("Ada"), json!("Alan")]);
        let record = &table.all().await.expect("records")[1];
        assert_eq!(
            record.metadata().import_id.as_deref(),
            Some(report.import_id.as_str())
        );
        assert_eq!(record.metadata().import_row, Some(5));
    }
}

#[tokio::test]
async fn failed_rows_can_be_mended_and_imported_again() {
    let table = people().await;
    let report = import(&table, MIXED, go_on()).await;
    let failed = table
        .store()
        .import_failed_rows(&report.import_id)
        .await
        .expect("kept");
    let lines: Vec<&str> = failed.lines().collect();
    assert_eq!(lines[0], "name,Email,AGE,_row,\"_error\"");
    assert_eq!(lines[1], ",no@x,1,2,name: Field is required");
    let mended = failed
        .replace("\n,no@x", "\nNora,no@x")
        .replace("Grace,ada@x", "Grace,grace@x")
        .replace(",old,", ",50,");
    let again = import(&table, &mended, ImportOptions::default()).await;
    assert_eq!((counts(&again), errors(&again)), ((3, 0, 0, 0), vec![]));
    assert_eq!(
        column(&table, "name").await[3..],
        [json!("Grace"), json!("Two\nlines")]
    );
}

#[tokio::test]
async fn a_trial_writes_nothing_and_can_be_asked_for() {
    let table = people().await;
    let before = table.store().revision().await.expect("a revision");
    let report = import(&table, "name\nAda\n", trial(ImportOptions::default())).await;
    assert_eq!(
        (counts(&report), report.written, report.dry_run),
        ((1, 0, 0, 0), false, true)
    );
    assert_eq!(table.store().revision().await.expect("a revision"), before);
    let job = table.store().import_job(&report.import_id).await.expect("kept");
    assert_eq!(job.report.as_deref(), Some(&report));
}

#[tokio::test]
async fn existing_records_are_found_by_columns() {
    for (table, _folder) in everywhere().await {
        import(
            &table,
            "email,name,age\na@x,Ada,36\nb@x,Bob,\n",
            ImportOptions::default(),
        )
        .await;
        let text = "email,name,age\na@x,Ada,36\nb@x,Robert,50\nc@x,Cy,\nb@x,Bobby,\n";
        let planned = import(&table, text, trial(updating(&["email"]))).await;
        let report = import(&table, text, updating(&["email"])).await;
        assert_eq!(counts(&report), (1, 2, 1, 0), "{report:?}");
        assert_eq!(counts(&planned), counts(&report));
        assert_eq!(
            column(&table, "name").await,
            [json!("Ada"), json!("Bobby"), json!("Cy")]
        );
        assert_eq!(column(&table, "age").await[1], json!(50));
        let clear = ImportOptions {
            blank: Blank::Clear,
            ..updating(&["email"])
        };
        import(&table, "email,name,age\nb@x,Bobby,\n", clear).await;
        assert_eq!(column(&table, "age").await[1], Json::Null);
        let only = ImportOptions {
            update_only: true,
            on_error: OnError::Continue,
            ..updating(&["email"])
        };
        let report = import(&table, "email,name\nb@x,Bo\nz@x,Zoe\n", only).await;
        assert_eq!(
            (counts(&report), errors(&report)),
            ((0, 1, 0, 1), vec![(2, 3, "", "notFound")])
        );
    }
}

#[tokio::test]
async fn ids_of_another_system_find_records_too() {
    for (table, _folder) in everywhere().await {
        let options = || ImportOptions {
            external_id_column: Some("Their id".into()),
            update_existing: true,
            ..ImportOptions::default()
        };
        let first = import(&table, "Their id,name\n7,Ada\n8,Bob\n", options()).await;
        assert_eq!(counts(&first), (2, 0, 0, 0));
        let second = import(&table, "Their id,name\n8,Robert\n9,Cy\n", options()).await;
        assert_eq!(counts(&second), (1, 1, 0, 0));
        assert_eq!(
            table.all().await.expect("records")[1]
                .metadata()
                .external_id
                .as_deref(),
            Some("8")
        );
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_where() {
    let read = ReadOptions::default;
    assert_eq!(refused(b"", read()).await, "The file is empty");
    assert_eq!(refused(b"\n\n", read()).await, "The file is empty");
    let unclosed = refused(b"name,email\nAda,a\nBob,\"b\nCy,c\n", read()).await;
    assert_eq!(unclosed, "The quote that opens in row 2 (line 3) is never closed");
    let bytes = ["name\nGrößeÄÖÜ\nStraße\nab".as_bytes(), b"\xE9c\n"].concat();
    let at = bytes.len() - 3;
    assert_eq!(
        refused(&bytes, read()).await,
        format!("Byte {at} (row 3, line 4) is no UTF-8 text: the file is damaged or in another encoding")
    );
    let wide = vec!["c"; 1_001].join(",") + "\n1\n";
    assert_eq!(
        refused(wide.as_bytes(), read()).await,
        "columns in an imported file: at most 1000, got 1001"
    );
    let encoding = ReadOptions {
        encoding: Some("klingon".into()),
        ..read()
    };
    assert_eq!(refused(b"name\nx\n", encoding).await, "No encoding \"klingon\"");
    let delimiter = ReadOptions {
        delimiter: Some('é'),
        ..read()
    };
    assert_eq!(
        refused(b"name\nx\n", delimiter).await,
        "'é' cannot be the delimiter"
    );
}

#[tokio::test]
async fn rows_that_cannot_be_taken_are_named() {
    let table = people().await;
    let text = "name,email\nAda\nBob,b@x,extra\nCy,c@x,,\nDi,\"d\"x\nEve\0,e@x\n\nFay,f@x";
    let report = import(&table, text, go_on()).await;
    let expected = [
        (1, 2, "", "malformed"),
        (2, 3, "", "malformed"),
        (4, 5, "email", "malformed"),
        (5, 6, "name", "format"),
    ];
    assert_eq!(errors(&report), expected);
    assert_eq!(report.errors[0].message, "The row has 1 cells, the header has 2");
    assert_eq!(column(&table, "name").await, [json!("Cy"), json!("Fay")]);
}

#[tokio::test]
async fn a_header_alone_imports_nothing() {
    let table = people().await;
    let report = import(&table, "name,email\n", ImportOptions::default()).await;
    assert_eq!(
        (counts(&report), report.rows, report.end),
        ((0, 0, 0, 0), 0, ImportEnd::Done)
    );
}

#[tokio::test]
async fn every_column_of_the_file_must_go_somewhere() {
    let table = people().await;
    let plain = ImportOptions::default();
    let told = message(
        table
            .import_csv(&file("name,nmae,x\nA,b,c\n"), &Mapping::new(), &plain)
            .await,
    );
    assert!(
        told.contains("no column for \"nmae\" (did you mean \"name\"?)"),
        "{told}"
    );
    assert!(told.contains("no column for \"x\""), "{told}");
    let mapping = Mapping::from([("nmae".into(), None), ("3".into(), Some("age".into()))]);
    let report = table
        .import_csv(&file("name,nmae,x\nA,b,5\n"), &mapping, &plain)
        .await
        .expect("a report");
    assert_eq!(report.columns[1].slug, None);
    assert_eq!(column(&table, "age").await, [json!(5)]);
    // Who chooses some leaves out the others, and is told which.
    let chosen = Mapping::from([("x".into(), Some("age".into()))]);
    let report = table
        .import_csv(&file("name,nmae,x\nB,b,6\n"), &chosen, &plain)
        .await;
    let slugs: Vec<Option<String>> = report
        .expect("a report")
        .columns
        .into_iter()
        .map(|column| column.slug)
        .collect();
    assert_eq!(slugs, [Some("name".into()), None, Some("age".into())]);
    let twice = Mapping::from([
        ("a".into(), Some("name".into())),
        ("b".into(), Some("name".into())),
    ]);
    let told = message(table.import_csv(&file("a,b\n1,2\n"), &twice, &plain).await);
    assert!(told.contains("go into the same column"), "{told}");
    let unknown = Mapping::from([("name".into(), Some("titel".into())), ("zzz".into(), None)]);
    let told = message(table.import_csv(&file("name\nx\n"), &unknown, &plain).await);
    assert!(
        told.contains("No column \"titel\"") && told.contains("No column of the file \"zzz\""),
        "{told}"
    );
    let told = message(
        table
            .import_csv(&file("name,name\na,b\n"), &Mapping::new(), &plain)
            .await,
    );
    assert!(told.contains("\"name (2)\""), "{told}");
    let report = import(&table, "name,\nA,\nB,x\n", go_on()).await;
    assert_eq!(errors(&report), [(2, 3, "", "unknownColumn")]);
}
