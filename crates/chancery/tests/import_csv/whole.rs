//! Files as a whole: new tables, large files, cancelled and broken ones, encodings. Not single rows.

use super::*;

#[tokio::test]
async fn columns_and_options_can_be_made() {
    for (table, _folder) in everywhere().await {
        table
            .add_column(ColumnInput::new("Status", "select").options(["Open"]))
            .await
            .expect("a column");
        let text = "name,status,zip,score\nA,Open,00501,1\nB,Done,10001,2.5\nC,done,,\n";
        let options = ImportOptions {
            create_columns: true,
            create_options: true,
            ..ImportOptions::default()
        };
        let planned = import(&table, text, trial(options.clone())).await;
        assert_eq!(
            (counts(&planned), table.column("zip").is_err()),
            ((3, 0, 0, 0), true)
        );
        let fresh = ImportOptions {
            control: Default::default(),
            ..options
        };
        let report = import(&table, text, fresh).await;
        assert_eq!(counts(&report), (3, 0, 0, 0), "{report:?}");
        assert_eq!(
            column(&table, "zip").await,
            [json!("00501"), json!("10001"), Json::Null]
        );
        assert_eq!(column(&table, "score").await, [json!(1), json!(2.5), Json::Null]);
        let names: Vec<String> = table
            .column("status")
            .expect("a column")
            .live_options()
            .map(|option| option.name.clone())
            .collect();
        assert_eq!(names, ["Open", "Done"]);
        assert!(report.columns[2].created && report.columns[2].field_type.as_deref() == Some("text"));
    }
}

#[tokio::test]
async fn a_new_table_comes_straight_from_a_file() {
    let store = Store::open("memory:").await.expect("memory opens");
    let text = "Zip Code;Preis;Tag;Note\n00501;1,5;03.04.2026;\n10001;1.234,5;28.02.2025;x\n";
    let german = Notation::of_locale("de-DE").expect("known");
    let options = ImportOptions {
        notation: german,
        ..ImportOptions::default()
    };
    let (table, report) = store
        .import_new_table(&file(text), TableInput::new("Orte"), &Mapping::new(), &options)
        .await
        .expect("a report");
    let table = table.expect("a table");
    assert_eq!((counts(&report), report.delimiter), ((2, 0, 0, 0), ';'));
    assert_eq!(column(&table, "zipCode").await, [json!("00501"), json!("10001")]);
    assert_eq!(column(&table, "preis").await, [json!(1.5), json!(1234.5)]);
    assert_eq!(
        column(&table, "tag").await,
        [json!("2026-04-03"), json!("2025-02-28")]
    );
    let plain = ImportOptions::default();
    let (table, _) = store
        .import_new_table(&file(text), TableInput::new("Plain"), &Mapping::new(), &plain)
        .await
        .expect("a report");
    let table = table.expect("a table");
    assert_eq!(column(&table, "preis").await, [json!("1,5"), json!("1.234,5")]);
    assert_eq!(column(&table, "tag").await[0], json!("03.04.2026"));
    let again = store
        .import_new_table(&file(text), TableInput::new("Plain"), &Mapping::new(), &plain)
        .await;
    assert!(matches!(again, Err(chancery::Error::Taken { .. })));
    let (none, report) = store
        .import_new_table(
            &file("a,b\n1\n"),
            TableInput::new("Bad"),
            &Mapping::new(),
            &ImportOptions::default(),
        )
        .await
        .expect("a report");
    assert!(none.is_none() && report.failed == 1 && store.table("bad").is_err());
}

#[tokio::test]
async fn a_large_file_is_all_or_nothing_too() {
    for (table, _folder) in everywhere().await {
        let mut text = String::from("email,name,age\n");
        for row in 1..=12_000 {
            text.push_str(&format!("u{row}@x,Name {row},{}\n", row % 100));
        }
        let bad = text.clone() + "u77@x,Again,5\nnew@x,,5\n";
        let report = import(&table, &bad, ImportOptions::default()).await;
        assert_eq!(
            errors(&report),
            [
                (12_001, 12_002, "email", "unique"),
                (12_002, 12_003, "name", "required")
            ]
        );
        assert_eq!(report.errors[0].params.get("row"), Some(&json!(77)));
        assert_eq!(table.count(&Query::new()).await.expect("a count"), 0);
        let report = import(&table, &text, ImportOptions::default()).await;
        assert_eq!(counts(&report), (12_000, 0, 0, 0));
        let again = import(&table, &text, ImportOptions::default()).await;
        assert_eq!(
            (again.failed, again.errors.len(), again.errors_truncated),
            (12_000, 10_000, true)
        );
    }
}

#[tokio::test]
async fn a_cancelled_import_leaves_nothing_behind() {
    for (table, _folder) in everywhere().await {
        import(&table, "email,name,age\nu1@x,Old,1\n", ImportOptions::default()).await;
        let mut text = String::from("email,name,age,extra\n");
        for row in 1..=30_000 {
            text.push_str(&format!("u{row}@x,Name {row},{},e\n", row % 100));
        }
        let watched = std::sync::Arc::new(std::sync::Mutex::new(None::<chancery::ImportControl>));
        let own = watched.clone();
        let control = chancery::ImportControl::watched(move |progress| {
            if progress.phase == chancery::Phase::Writing && progress.rows >= 10_000 {
                own.lock().expect("a lock").as_ref().expect("set").cancel();
            }
        });
        *watched.lock().expect("a lock") = Some(control.clone());
        let options = ImportOptions {
            create_columns: true,
            control,
            ..updating(&["email"])
        };
        let report = import(&table, &text, options).await;
        assert_eq!(
            (report.end, report.written, report.created),
            (ImportEnd::Cancelled, false, 0)
        );
        assert_eq!(column(&table, "name").await, [json!("Old")]);
        assert!(table.column("extra").is_err());
    }
}

#[tokio::test]
async fn what_a_spreadsheet_would_run_comes_back_exactly() {
    let store = Store::open("memory:").await.expect("memory opens");
    let table = store
        .create_table(
            TableInput::new("T")
                .column(ColumnInput::new("a", "text"))
                .column(ColumnInput::new("n", "number")),
        )
        .await
        .expect("a table");
    let texts = [
        "=1+1", "'=1+1", "''@x", "+49 1", "-5", "\ttab", "\rcr", "＝x", "", "'tis", "\"q\"", "a\r\nb", " x ",
    ];
    for text in texts {
        table.insert(json!({"a": text, "n": -5})).await.expect("a record");
    }
    table.insert(json!({"n": null})).await.expect("a record");
    let exported = table
        .export_csv(&ExportOptions::default())
        .await
        .expect("a stream")
        .collect()
        .await
        .expect("bytes");
    let text = String::from_utf8(exported.clone()).expect("UTF-8");
    assert!(
        text.starts_with("a,\"n\"\r\n\"'=1+1\",-5\r\n\"''=1+1\",-5\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\" x \",-5\r\n,\r\n"), "{text}");
    let before = column(&table, "a").await;
    table.clear().await.expect("cleared");
    let report = table
        .import_csv(
            &ImportFile::bytes(exported.clone()),
            &Mapping::new(),
            &ImportOptions::default(),
        )
        .await
        .expect("a report");
    assert_eq!(counts(&report), (14, 0, 0, 0));
    assert_eq!(column(&table, "a").await, before);
    table.clear().await.expect("cleared");
    let keep = ReadOptions {
        guard: GuardRule::Keep,
        ..ReadOptions::default()
    };
    let options = ImportOptions {
        read: keep,
        ..ImportOptions::default()
    };
    table
        .import_csv(&ImportFile::bytes(exported), &Mapping::new(), &options)
        .await
        .expect("a report");
    assert_eq!(column(&table, "a").await[0], json!("'=1+1"));
}

#[test]
fn an_import_that_was_cut_short_is_taken_back_at_the_next_start() {
    let backend = {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (told, halfway) = std::sync::mpsc::channel();
        let backend = runtime.block_on(async {
            let table = people().await;
            import(&table, "email,name,age\nu1@x,Old,1\n", ImportOptions::default()).await;
            let mut text = String::from("email,name,age,extra\n");
            for row in 1..=30_000 {
                text.push_str(&format!("u{row}@x,Name {row},{},e\n", row % 100));
            }
            let control = chancery::ImportControl::watched(move |progress| {
                if progress.phase == chancery::Phase::Writing && progress.rows >= 10_000 {
                    let _ = told.send(());
                    std::thread::sleep(std::time::Duration::from_secs(3_600));
                }
            });
            let options = ImportOptions {
                create_columns: true,
                control,
                ..updating(&["email"])
            };
            let handle = table.clone();
            tokio::spawn(async move { handle.import_csv(&file(&text), &Mapping::new(), &options).await });
            table.store().backend().clone()
        });
        halfway.recv().expect("half of it is written");
        runtime.shutdown_background();
        backend
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let store = Store::over(backend).await.expect("opens");
        let table = store.table("people").expect("a table");
        assert_eq!(column(&table, "name").await, [json!("Old")]);
        assert_eq!(column(&table, "age").await, [json!(1)]);
        assert!(table.column("extra").is_err());
    });
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_nothing_of_its_beginning() {
    for (table, _folder) in everywhere().await {
        let mut text = String::from("email,name\n");
        for row in 1..=12_000 {
            text.push_str(&format!("u{row}@x,Name {row}\n"));
        }
        text.push_str("x@x,\"never closed\n");
        for options in [ImportOptions::default(), go_on()] {
            let told = message(table.import_csv(&file(&text), &Mapping::new(), &options).await);
            assert_eq!(
                told,
                "The quote that opens in row 12001 (line 12002) is never closed"
            );
            assert_eq!(table.count(&Query::new()).await.expect("a count"), 0);
        }
    }
}

#[tokio::test]
async fn files_in_other_encodings_are_read() {
    let table = people().await;
    let utf16: Vec<u8> = "\u{feff}name,email\nMüller,ä@x\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [
        utf16,
        b"name;email\nM\xFCller;\xE4@y\n".to_vec(),
        "\u{feff}name\temail\nMüller\tä@z".as_bytes().to_vec(),
    ] {
        let report = table
            .import_csv(
                &ImportFile::bytes(bytes),
                &Mapping::new(),
                &ImportOptions::default(),
            )
            .await
            .expect("a report");
        assert_eq!(counts(&report), (1, 0, 0, 0));
    }
    assert_eq!(
        column(&table, "email").await,
        [json!("ä@x"), json!("ä@y"), json!("ä@z")]
    );
    assert_eq!(
        column(&table, "name").await,
        [json!("Müller"), json!("Müller"), json!("Müller")]
    );
}

#[tokio::test]
async fn a_file_is_analysed_before_it_is_imported() {
    let table = people().await;
    let mut text = String::from("Full Name, e-mail,zip,when,Name\n");
    for row in 0..1_000 {
        text.push_str(&format!("Ada, ,{row:05},2026-01-{:02},x\n", row % 28 + 1));
    }
    let analysis = table
        .analyse_csv(&file(&text), &ImportOptions::default())
        .await
        .expect("an analysis");
    assert_eq!(
        (analysis.rows, analysis.preview.len(), analysis.delimiter),
        (1_000, 100, ',')
    );
    let found: Vec<_> = analysis
        .columns
        .iter()
        .map(|column| {
            (
                column.slug.as_str(),
                column.field_type.as_str(),
                column.matches.as_deref(),
            )
        })
        .collect();
    let expected = [
        ("fullName", "text", None),
        ("eMail", "text", Some("email")),
        ("zip", "text", None),
        ("when", "date", None),
        ("name", "text", Some("name")),
    ];
    assert_eq!(found, expected);
    let number = &analysis.columns[2].suggestions[0];
    assert_eq!(
        (number.field_type.as_str(), number.would_change, number.of),
        ("number", 1_000, 1_000)
    );
}
