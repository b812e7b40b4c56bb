//! Files as people really have them: each has one clear answer, and none is kept otherwise than it was written.

use super::*;

async fn made(text: &[u8], options: ImportOptions) -> Result<(TableHandle, ImportReport), String> {
    let store = Store::open("memory:").await.expect("it opens");
    let file = ImportFile::bytes(text);
    let made = store
        .import_new_table(&file, TableInput::new("New"), &Mapping::new(), &options)
        .await;
    let (table, report) = made.map_err(|error| error.to_string())?;
    table
        .map(|table| (table, report.clone()))
        .ok_or_else(|| format!("{:?}", report.errors))
}

/// What a new table from a file has in its column `v`: the type, and the values.
async fn values(text: &str, options: ImportOptions) -> (String, Vec<Json>) {
    let (table, _) = made(text.as_bytes(), options).await.expect("a table");
    let kind = table
        .definition()
        .expect("there")
        .column("v")
        .expect("a column")
        .field_type
        .clone();
    (kind, column(&table, "v").await)
}

#[tokio::test]
async fn leading_zeros_and_long_digits_stay() {
    let (kind, found) = values("v\n00501\n12345\n", ImportOptions::default()).await;
    assert_eq!(
        (kind.as_str(), found),
        ("text", vec![json!("00501"), json!("12345")])
    );
    let (kind, found) = values("v\n12345678901234567890123\n", ImportOptions::default()).await;
    assert_eq!(
        (kind.as_str(), found),
        ("text", vec![json!("12345678901234567890123")])
    );
}

#[tokio::test]
async fn decimal_commas_are_numbers_only_where_the_locale_says_so() {
    let text = "v\n\"10,5\"\n\"1.234,5\"\n";
    let (kind, found) = values(text, ImportOptions::default()).await;
    assert_eq!(
        (kind.as_str(), found),
        ("text", vec![json!("10,5"), json!("1.234,5")])
    );
    let german = ImportOptions {
        notation: Notation::of_locale("de-DE").expect("a locale"),
        ..ImportOptions::default()
    };
    let (kind, found) = values(text, german).await;
    assert_eq!(
        (kind.as_str(), found),
        ("number", vec![json!(10.5), json!(1234.5)])
    );
}

#[tokio::test]
async fn ambiguous_dates_stay_text_until_somebody_says_what_they_are() {
    let text = "v\n03/04/2026\n05/06/2026\n";
    let (kind, found) = values(text, ImportOptions::default()).await;
    assert_eq!((kind.as_str(), &found[0]), ("text", &json!("03/04/2026")));
    for (locale, first) in [("en-US", "2026-03-04"), ("en-GB", "2026-04-03")] {
        let options = ImportOptions {
            notation: Notation::of_locale(locale).expect("a locale"),
            ..ImportOptions::default()
        };
        let (kind, found) = values(text, options).await;
        assert_eq!((kind.as_str(), &found[0]), ("date", &json!(first)), "{locale}");
    }
}

#[tokio::test]
async fn a_file_of_two_encodings_is_refused_with_the_place() {
    let text = [
        &"v\nMüller\nGröße\nStraße\nÜbung\n".repeat(2).into_bytes()[..],
        b"caf\xE9\n",
    ]
    .concat();
    let told = made(&text, ImportOptions::default()).await.expect_err("damaged");
    assert!(told.contains("(row 10, line 11) is no UTF-8 text"), "{told}");
    let named = ImportOptions {
        read: ReadOptions {
            encoding: Some("windows-1252".into()),
            ..ReadOptions::default()
        },
        ..ImportOptions::default()
    };
    let (table, _) = made(b"v\ncaf\xE9\n", named).await.expect("a table");
    assert_eq!(column(&table, "v").await, [json!("café")]);
}

#[tokio::test]
async fn quoted_newlines_belong_to_their_cell() {
    let (_, found) = values("v,w\r\n\"a\r\nb\",1\r\n\"c\nd\",2\r\n", ImportOptions::default()).await;
    assert_eq!(found, [json!("a\r\nb"), json!("c\nd")]);
    let told = made(b"v,w\n\"a,1\nb,2\n", ImportOptions::default())
        .await
        .expect_err("unclosed");
    assert_eq!(told, "The quote that opens in row 1 (line 2) is never closed");
}

#[tokio::test]
async fn ragged_rows_are_named_one_by_one() {
    let options = ImportOptions {
        on_error: OnError::Continue,
        ..ImportOptions::default()
    };
    let (table, report) = made(b"v,w\n1,2\n3\n4,5,6\n7,8,\n", options)
        .await
        .expect("a table");
    assert_eq!((report.created, report.failed), (2, 2));
    let told: Vec<(u64, &str)> = report
        .errors
        .iter()
        .map(|error| (error.line, error.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (3, "The row has 1 cells, the header has 2"),
            (4, "The row has 3 cells, the header has 2")
        ]
    );
    assert_eq!(table.count(&Query::default()).await.expect("a count"), 2);
}

#[tokio::test]
async fn formulas_are_texts_that_leave_with_an_apostrophe() {
    let (table, _) = made(b"v\n=1+1\n@SUM(A1)\n", ImportOptions::default())
        .await
        .expect("a table");
    assert_eq!(column(&table, "v").await, [json!("=1+1"), json!("@SUM(A1)")]);
    let csv = table
        .export_csv(&ExportOptions::default())
        .await
        .expect("a stream");
    let csv = String::from_utf8(csv.collect().await.expect("text")).expect("text");
    assert_eq!(csv, "\"v\"\r\n\"'=1+1\"\r\n\"'@SUM(A1)\"\r\n");
}

#[tokio::test]
async fn ten_thousand_columns_are_too_many() {
    let row = vec!["c"; 10_000].join(",");
    let told = made(format!("{row}\n{row}\n").as_bytes(), ImportOptions::default())
        .await
        .expect_err("too many");
    assert_eq!(told, "columns in an imported file: at most 1000, got 10000");
}

#[tokio::test]
async fn a_large_cell_is_kept_and_one_too_large_is_refused_with_its_row() {
    let large = "x".repeat(1 << 20);
    let (kind, found) = values(&format!("v\n{large}\n"), ImportOptions::default()).await;
    assert_eq!(
        (kind.as_str(), found[0].as_str().map(str::len)),
        ("longText", Some(1 << 20))
    );
    let told = made(
        format!("v\n1\n{}\n", "x".repeat((16 << 20) + 1)).as_bytes(),
        ImportOptions::default(),
    )
    .await;
    let told = told.expect_err("too large");
    assert!(
        told.starts_with("Row 2 (line 3) has a cell of more than 16777216 bytes"),
        "{told}"
    );
}
