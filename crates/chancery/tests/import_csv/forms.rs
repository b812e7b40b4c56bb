//! Workbooks, JSON objects and packed files: they become the same rows as CSV does, and say what is odd about them.

use chancery::{ExportOptions, FileFormat, OnError};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use super::*;

fn workbook(fill: impl FnOnce(&mut Workbook)) -> ImportFile {
    let mut book = Workbook::new();
    fill(&mut book);
    ImportFile::bytes(book.save_to_buffer().expect("memory"))
}

async fn new_table(file: &ImportFile, options: ImportOptions) -> (TableHandle, ImportReport) {
    let store = Store::open("memory:").await.expect("it opens");
    let made = store
        .import_new_table(file, TableInput::new("New"), &Mapping::new(), &options)
        .await;
    let (table, report) = made.expect("a report");
    (table.expect("a table"), report)
}

/// The columns of a table with their types.
fn types(table: &TableHandle) -> Vec<(String, String)> {
    let definition = table.definition().expect("a definition");
    let columns = definition.ordered();
    columns
        .iter()
        .map(|column| (column.slug.clone(), column.field_type.clone()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[tokio::test]
async fn the_cells_of_a_workbook_keep_their_types() {
    let file = workbook(|book| {
        let date = Format::new().set_num_format("yyyy-mm-dd");
        let time = Format::new().set_num_format("hh:mm:ss");
        let instant = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        let sheet = book.add_worksheet().set_name("People").expect("a name");
        for (column, name) in ["Zip", "Age", "Born", "Seen", "Up", "Member", "Note", "Code"]
            .iter()
            .enumerate()
        {
            sheet.write_string(0, column as u16, *name).expect("a cell");
        }
        for row in 1..=2 {
            sheet.write_string(row, 0, "00501").expect("a cell");
            sheet.write_number(row, 1, 40.5 + f64::from(row)).expect("a cell");
            let day = ExcelDateTime::parse_from_str("1984-02-29").expect("a date");
            sheet
                .write_datetime_with_format(row, 2, day, &date)
                .expect("a cell");
            let text = if row == 1 {
                "2026-03-04 05:06:07.890"
            } else {
                "2026-03-04"
            };
            let seen = ExcelDateTime::parse_from_str(text).expect("a time");
            sheet
                .write_datetime_with_format(row, 3, seen, &instant)
                .expect("a cell");
            sheet
                .write_number_with_format(row, 4, 0.25, &time)
                .expect("a cell");
            sheet.write_boolean(row, 5, row == 1).expect("a cell");
            sheet
                .write_string(row, 6, "two\nlines, \"quoted\"")
                .expect("a cell");
            sheet.write_string(row, 7, "12").expect("a cell");
        }
    });
    let (table, report) = new_table(&file, ImportOptions::default()).await;
    assert_eq!((report.created, report.failed), (2, 0));
    let expected = [
        ("zip", "text"),
        ("age", "number"),
        ("born", "date"),
        ("seen", "dateTime"),
        ("up", "text"),
        ("member", "boolean"),
        ("note", "longText"),
        ("code", "text"),
    ];
    assert_eq!(types(&table), pairs(&expected));
    let record = &table.all().await.expect("records")[0];
    assert_eq!(record.get("zip"), json!("00501"));
    assert_eq!(record.get("age"), json!(41.5));
    assert_eq!(record.get("born"), json!("1984-02-29"));
    assert_eq!(record.get("seen"), json!("2026-03-04T05:06:07.890Z"));
    assert_eq!(record.get("up"), json!("06:00:00"));
    assert_eq!(record.get("note"), json!("two\nlines, \"quoted\""));
    assert_eq!(column(&table, "seen").await[1], json!("2026-03-04T00:00:00.000Z"));
}

#[tokio::test]
async fn formulas_errors_and_merged_cells_are_told() {
    let file = workbook(|book| {
        let sheet = book.add_worksheet().set_name("Sums").expect("a name");
        sheet.write_string(0, 0, "a").expect("a cell");
        sheet.write_string(0, 1, "b").expect("a cell");
        sheet.write_number(1, 0, 1).expect("a cell");
        sheet
            .write_formula(1, 1, Formula::new("=A2*2").set_result("2"))
            .expect("a cell");
        sheet.write_number(2, 0, 3).expect("a cell");
        sheet
            .write_formula(2, 1, Formula::new("=1/0").set_result("#DIV/0!"))
            .expect("a cell");
        sheet
            .merge_range(4, 0, 5, 1, "both", &Format::new())
            .expect("cells");
        book.add_worksheet().set_name("Empty").expect("a name");
    });
    let store = Store::open("memory:").await.expect("it opens");
    let analysis = store
        .analyse_csv(&file, &ImportOptions::default())
        .await
        .expect("an analysis");
    assert_eq!(
        (analysis.format, analysis.sheet.as_deref()),
        (FileFormat::Xlsx, Some("Sums"))
    );
    assert_eq!(analysis.sheets, ["Sums", "Empty"]);
    let told = analysis.warnings.join("; ");
    for text in [
        "2 cell(s) hold formulas",
        "1 cell(s) hold an error, the first is #DIV/0! in B3",
        "the first is A5:B6",
    ] {
        assert!(told.contains(text), "{told}");
    }
    let store = Store::open("memory:").await.expect("it opens");
    let input = TableInput::new("Sums")
        .column(ColumnInput::new("a", "text"))
        .column(ColumnInput::new("b", "number"));
    let table = store.create_table(input).await.expect("a table");
    let options = ImportOptions {
        on_error: OnError::Continue,
        ..ImportOptions::default()
    };
    let report = table
        .import_csv(&file, &Mapping::new(), &options)
        .await
        .expect("a report");
    assert_eq!((report.created, report.failed), (2, 1));
    let error = &report.errors[0];
    assert_eq!(
        (error.row, error.line, error.value.as_deref()),
        (2, 3, Some("#DIV/0!"))
    );
    assert_eq!(column(&table, "b").await, [json!(2), Json::Null]);
}

#[tokio::test]
async fn a_sheet_is_chosen_by_name_or_number() {
    let file = workbook(|book| {
        for name in ["One", "Two"] {
            let sheet = book.add_worksheet().set_name(name).expect("a name");
            sheet.write_string(0, 0, name).expect("a cell");
            sheet.write_string(1, 0, "x").expect("a cell");
        }
    });
    let store = Store::open("memory:").await.expect("it opens");
    let headers = async |sheet: Option<&str>| {
        let options = ImportOptions {
            read: ReadOptions {
                sheet: sheet.map(str::to_owned),
                ..ReadOptions::default()
            },
            ..ImportOptions::default()
        };
        let analysis = store
            .analyse_csv(&file, &options)
            .await
            .map_err(|error| error.to_string())?;
        Ok::<_, String>(analysis.columns[0].header.clone())
    };
    assert_eq!(headers(None).await.as_deref(), Ok("One"));
    assert_eq!(headers(Some("two")).await.as_deref(), Ok("Two"));
    assert_eq!(headers(Some("2")).await.as_deref(), Ok("Two"));
    let refused = headers(Some("Twoo")).await.expect_err("no such sheet");
    assert!(refused.contains("did you mean \"Two\"?"), "{refused}");
}

#[tokio::test]
async fn what_is_no_workbook_says_so() {
    let store = Store::open("memory:").await.expect("it opens");
    let told = async |bytes: &[u8], read: ReadOptions| {
        let options = ImportOptions {
            read,
            ..ImportOptions::default()
        };
        let refused = store.analyse_csv(&ImportFile::bytes(bytes), &options).await;
        refused.expect_err("refused").to_string()
    };
    let xlsx = ReadOptions {
        format: Some(FileFormat::Xlsx),
        ..ReadOptions::default()
    };
    assert_eq!(told(b"a,b\n1,2\n", xlsx).await, "The file is no workbook (.xlsx)");
    let old = told(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more",
        ReadOptions::default(),
    )
    .await;
    assert_eq!(
        old,
        "The file is a workbook of before 2007, or one with a password"
    );
    let empty = workbook(|book| {
        book.add_worksheet().set_name("Nothing").expect("a name");
    });
    let refused = store
        .analyse_csv(&empty, &ImportOptions::default())
        .await
        .expect_err("empty");
    assert_eq!(refused.to_string(), "The sheet \"Nothing\" is empty");
}

#[tokio::test]
async fn objects_become_rows_of_the_members_that_any_of_them_has() {
    let text = r#"[{"name": "Ada", "zip": "1234", "age": 36, "tags": ["a", "b"]}, {"name": "", "member": true, "age": 1.50}]"#;
    let (table, report) = new_table(&file(text), ImportOptions::default()).await;
    assert_eq!((report.created, report.failed), (2, 0));
    let slugs: Vec<String> = types(&table).into_iter().map(|(slug, _)| slug).collect();
    assert_eq!(slugs, ["name", "zip", "age", "tags", "member"]);
    assert_eq!(column(&table, "zip").await, [json!("1234"), Json::Null]);
    assert_eq!(column(&table, "name").await, [json!("Ada"), json!("")]);
    assert_eq!(column(&table, "member").await, [Json::Null, json!(true)]);
}

#[tokio::test]
async fn lines_of_json_go_where_the_mapping_says_and_name_their_line() {
    for (table, _folder) in everywhere().await {
        let text = "{\"mail\": \"a@x.org\", \"Name\": \"A\"}\n\n{\"mail\": \"b@x.org\", \"Age\": 200, \"Name\": \"B\"}\n";
        let mapping = Mapping::from([("mail".to_owned(), Some("email".to_owned()))]);
        let options = ImportOptions {
            on_error: OnError::Continue,
            ..ImportOptions::default()
        };
        let report = table
            .import_csv(&file(text), &mapping, &options)
            .await
            .expect("a report");
        assert_eq!((report.created, report.failed), (1, 1));
        assert_eq!((report.errors[0].row, report.errors[0].line), (2, 3));
        let broken = table
            .import_csv(&file("{\"a\": 1}\n{\"a\": \n"), &Mapping::new(), &options)
            .await;
        let told = broken.expect_err("no JSON").to_string();
        assert!(told.starts_with("Line 2 is no JSON"), "{told}");
    }
}

#[tokio::test]
async fn options_are_found_in_an_array_of_names() {
    let store = Store::open("memory:").await.expect("it opens");
    let input = TableInput::new("Tasks").column(ColumnInput::new("tags", "multiSelect"));
    let table = store.create_table(input).await.expect("a table");
    let options = ImportOptions {
        create_options: true,
        ..ImportOptions::default()
    };
    let text = "[{\"tags\": [\"red\", \"late, very\"]}, {\"tags\": []}]";
    let report = table
        .import_csv(&file(text), &Mapping::new(), &options)
        .await
        .expect("a report");
    assert_eq!((report.created, report.failed), (2, 0), "{:?}", report.errors);
    let names: Vec<String> = table.definition().expect("there").columns[0]
        .live_options()
        .map(|option| option.name.clone())
        .collect();
    assert_eq!(names, ["red", "late, very"]);
}

#[tokio::test]
async fn a_packed_file_is_imported_as_what_it_holds() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all("Email;Name\na@x.org;Ä\n".as_bytes())
        .expect("memory");
    let bytes = gzip.finish().expect("memory");
    let table = people().await;
    let report = table
        .import_csv(
            &ImportFile::bytes(bytes),
            &Mapping::new(),
            &ImportOptions::default(),
        )
        .await;
    let report = report.expect("a report");
    assert_eq!((report.created, report.delimiter), (1, ';'));
    assert_eq!(column(&table, "name").await, [json!("Ä")]);
}

#[tokio::test]
async fn a_workbook_that_is_exported_comes_back_the_same() {
    let store = Store::open("memory:").await.expect("it opens");
    let columns = [
        ("t", "text"),
        ("n", "number"),
        ("d", "date"),
        ("i", "dateTime"),
        ("b", "boolean"),
        ("p", "percent"),
    ];
    let input = |name| {
        columns.iter().fold(TableInput::new(name), |input, (slug, kind)| {
            input.column(ColumnInput::new(*slug, *kind))
        })
    };
    let (from, to) = (
        store.create_table(input("From")).await,
        store.create_table(input("To")).await,
    );
    let (from, to) = (from.expect("a table"), to.expect("a table"));
    for record in [
        json!({"t": "=1+1", "n": 9_007_199_254_740_993_i64, "d": "0001-01-01", "i": "1969-12-31T23:59:59.999Z", "b": true, "p": 12.5}),
        json!({"t": "007", "n": 0.1, "d": "2026-02-28", "i": "2026-02-28T00:00:00.000Z", "b": false, "p": 0.01}),
        json!({"t": "a_x0041_b\nc", "n": -1.5e300, "d": "9999-12-31", "i": "9999-12-31T23:59:59.999Z"}),
        json!({}),
    ] {
        from.insert(record).await.expect("a record");
    }
    let stream = from
        .export_xlsx(&ExportOptions::default())
        .await
        .expect("a stream");
    let file = ImportFile::bytes(stream.collect().await.expect("a workbook"));
    let report = to
        .import_csv(&file, &Mapping::new(), &ImportOptions::default())
        .await
        .expect("a report");
    // A row without anything in it is no row of a sheet.
    assert_eq!((report.created, report.errors.as_slice()), (3, [].as_slice()));
    for (slug, _) in columns {
        assert_eq!(column(&to, slug).await, column(&from, slug).await[..3], "{slug}");
    }
}

#[tokio::test]
async fn a_text_too_long_for_a_sheet_is_refused_and_never_cut() {
    let table = people().await;
    let long = "x".repeat(32_768);
    table
        .insert(json!({"email": "a", "name": long}))
        .await
        .expect("a record");
    let stream = table
        .export_xlsx(&ExportOptions::default())
        .await
        .expect("a stream");
    let told = stream.collect().await.expect_err("too long").to_string();
    assert!(told.contains("32768 characters in \"name\""), "{told}");
}

#[tokio::test]
async fn lines_of_json_are_exported_and_come_back() {
    for (table, _folder) in everywhere().await {
        table
            .insert(json!({"email": "a@x.org", "name": "A\n\"B\"", "age": 7}))
            .await
            .expect("a record");
        let lines = async |columns: &[&str]| {
            let options = ExportOptions {
                columns: columns.iter().map(|name| (*name).to_owned()).collect(),
                ..ExportOptions::default()
            };
            let stream = table.export_ndjson(&options).await.expect("a stream");
            String::from_utf8(stream.collect().await.expect("text")).expect("text")
        };
        assert_eq!(
            lines(&["age", "name"]).await,
            "{\"age\":7,\"name\":\"A\\n\\\"B\\\"\"}\n"
        );
        let all: Json = serde_json::from_str(&lines(&[]).await).expect("one object");
        assert_eq!(
            all["id"],
            json!(table.all().await.expect("records")[0].key().to_string())
        );
        assert_eq!((&all["email"], &all["age"]), (&json!("a@x.org"), &json!(7)));
    }
}
