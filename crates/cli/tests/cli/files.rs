//! Files in and out.

use crate::harness::{Here, Server};

const FILE: &str = "title,status,priority,due,code\n\
    Alpha,todo,1,2026-02-28,00501\n\
    Beta,done,2,2026-03-01,00502\n\
    Gamma,todo,9,2026-03-02,00503\n\
    \"Delta, the fourth\",done,4,31.2.2026,00504\n\
    Epsilon,,5,,\n";

#[test]
fn bad_rows_stop_an_import_and_every_one_is_named() {
    let here = Here::with_tasks();
    here.write("tasks.csv", FILE);
    let ran = here.run(&["import", "tasks.csv", "tasks"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("2 refused (nothing was written)"), "{}", ran.out);
    assert!(
        ran.err.contains("line 4  priority  \"9\": Maximum value is 5"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("line 5  due  ") && ran.err.contains("31.2.2026"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("--continue-on-error"), "{}", ran.err);
    assert_eq!(here.done(&["query", "tasks", "--count"]), "0\n");
    assert!(!here.path("tasks.csv.errors.csv").exists());
}

#[test]
fn the_good_rows_are_written_if_asked_and_the_bad_ones_come_back() {
    let here = Here::with_tasks();
    here.write("tasks.csv", FILE);
    let ran = here.run(&["import", "tasks.csv", "tasks", "--continue-on-error"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.out, "5 rows: 3 created, 2 refused\n");
    assert_eq!(here.done(&["query", "tasks", "--count"]), "3\n");
    let bad = here.read("tasks.csv.errors.csv");
    assert!(
        bad.contains("Gamma") && bad.contains("\"Delta, the fourth\""),
        "{bad}"
    );
    let mended = bad.replace(",9,", ",3,").replace("31.2.2026", "2026-02-28");
    here.write("mended.csv", mended);
    let ran = here.run(&["import", "mended.csv", "tasks"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(here.done(&["query", "tasks", "--count"]), "5\n");
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let here = Here::with_tasks();
    here.write("tasks.csv", FILE);
    let ran = here.run(&["import", "tasks.csv", "tasks", "--dry-run", "--continue-on-error"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out
            .contains("3 created, 2 refused (nothing is written in a dry run)"),
        "{}",
        ran.out
    );
    assert_eq!(here.done(&["query", "tasks", "--count"]), "0\n");
    let report: serde_json::Value = serde_json::from_str(
        &here
            .run(&["import", "tasks.csv", "tasks", "--dry-run", "--json"])
            .out,
    )
    .unwrap();
    assert_eq!(
        (&report["failed"], &report["errors"][0]["line"]),
        (&2.into(), &4.into())
    );
}

#[test]
fn a_table_is_made_from_a_file_and_its_export_gives_the_same_again() {
    let here = Here::new();
    here.write(
        "places.csv",
        "Name,Postal code,Height,Seen\nMoor,00501,12.5,2026-01-31\n\"Hill, green\",01067,7,\n",
    );
    let asked = here.run(&["import", "places.csv", "--data", "d"]);
    assert_eq!(asked.code, 2, "{asked:?}");
    let made = here.run(&["import", "places.csv", "--create", "--data", "d"]);
    assert_eq!(
        (made.code, made.out.as_str()),
        (0, "2 rows: 2 created\n"),
        "{made:?}"
    );
    let csv = here.done(&["export", "places", "--data", "d"]);
    assert!(csv.contains("00501") && csv.contains("\"Hill, green\""), "{csv}");
    here.write("again.csv", &csv);
    here.done(&["import", "again.csv", "--create", "--data", "d"]);
    assert_eq!(here.done(&["export", "again", "--data", "d"]), csv);
    here.done(&["export", "places", "-o", "places.json", "--data", "d"]);
    here.done(&["import", "places.json", "--data", "other"]);
    assert_eq!(here.done(&["export", "places", "--data", "other"]), csv);
    let lines = here.done(&[
        "export",
        "places",
        "--format",
        "ndjson",
        "--columns",
        "name",
        "height>10",
        "--data",
        "d",
    ]);
    assert_eq!(lines, "{\"name\":\"Moor\"}\n");
}

#[test]
fn records_that_match_are_changed_instead_of_doubled() {
    let here = Here::with_tasks();
    here.write("one.csv", "title,code,priority\nAlpha,A,1\nBeta,B,2\n");
    here.done(&["import", "one.csv", "tasks"]);
    here.write(
        "two.csv",
        "Headline,code,priority\nAlpha,A,5\nGamma,C,\nBeta,B,2\n",
    );
    let ran = here.run(&[
        "import",
        "two.csv",
        "tasks",
        "--map",
        "Headline=title",
        "--match-on",
        "code",
    ]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "3 rows: 1 created, 1 updated, 1 unchanged\n"),
        "{ran:?}"
    );
    let rows = here.done(&[
        "query",
        "tasks",
        "--columns",
        "code,priority",
        "--sort",
        "code",
        "--format",
        "csv",
    ]);
    assert_eq!(rows, "code,priority\r\nA,5\r\nB,2\r\nC,\r\n");
}

#[test]
fn objects_line_by_line_are_records() {
    let here = Here::with_tasks();
    here.write(
        "more.ndjson",
        "{\"title\":\"One\",\"priority\":1}\n{\"title\":\"Two\"}\n",
    );
    here.done(&["import", "more.ndjson", "tasks"]);
    assert_eq!(here.done(&["query", "tasks", "--count"]), "2\n");
}

#[test]
fn an_export_goes_into_a_table_that_is_there_here_and_on_a_server() {
    let here = Here::new();
    let (_server, there) = Server::served(&here);
    let there = there.each_ref().map(String::as_str);
    for place in [&[][..], &there[..]] {
        let run = |args: &[&str]| here.run(&[args, place].concat());
        let done = |args: &[&str]| here.done(&[args, place].concat());
        done(&[
            "table",
            "create",
            "People",
            "-c",
            "name:text",
            "-c",
            "iban:text:encrypted=last4",
        ]);
        let ann = r#"{"name": "Ann", "iban": "DE89370400440532013000"}"#;
        let made = here.run_with(ann, &[&["record", "create", "people", "-"], place].concat());
        assert_eq!(made.code, 0, "{made:?}");
        let id = made.out.trim();
        done(&["export", "people", "-o", "people.json"]);
        let whole = here.read("people.json").replace("\"Ann\"", "\"Ann Lee\"");
        here.write("people.json", whole);

        let told = done(&["import", "people.json", "people", "--match-on", "id"]);
        assert!(
            told.contains("1 updated") && told.contains("1 cell was left out"),
            "{told}"
        );
        assert_eq!(
            done(&["record", "reveal", "people", id, "iban"]).trim(),
            "DE89370400440532013000"
        );
        let shown = done(&["record", "get", "people", id]);
        assert!(shown.contains("Ann Lee"), "{shown}");
        // Without matching its records are new ones, whose values nobody knows.
        done(&["import", "people.json", "People"]);
        assert_eq!(done(&["query", "people", "--count"]), "2\n");
        let trial = done(&["import", "people.json", "people", "--dry-run"]);
        assert!(trial.contains("1 created (nothing is written"), "{trial}");
        // A name that no table has makes one, and what the file says of its own name is not asked.
        done(&["import", "people.json", "Copy"]);
        assert_eq!(done(&["query", "copy", "--count"]), "1\n");
        let taken = run(&["import", "people.json"]);
        assert!(
            taken.code != 0 && taken.err.contains("name that table itself"),
            "{taken:?}"
        );
        let taken = run(&["import", "people.json", "people", "--create"]);
        assert_ne!(taken.code, 0, "{taken:?}");
        let mapped = run(&["import", "people.json", "people", "--map", "name=title"]);
        assert!(mapped.code == 2 && mapped.err.contains("ndjson"), "{mapped:?}");
    }
}

#[test]
fn formulas_are_made_harmless_unless_told_otherwise() {
    let here = Here::with_tasks();
    here.done(&["record", "create", "tasks", "title==1+1"]);
    assert!(
        here.done(&["export", "tasks", "--columns", "title"])
            .contains("'=1+1")
    );
    assert!(
        !here
            .done(&["export", "tasks", "--columns", "title", "--no-escape"])
            .contains('\'')
    );
}

#[test]
fn what_a_search_finds_is_exported_with_typing_mistakes_where_that_is_asked() {
    let here = Here::with_tasks();
    for title in ["Prniter", "Printers", "Letter", "Printer"] {
        here.done(&["record", "create", "tasks", &format!("title={title}")]);
    }
    let export = |more: &[&str]| {
        let asked = [
            "export",
            "tasks",
            "--columns",
            "title",
            "--format",
            "ndjson",
            "--search",
            "printer",
        ];
        here.done(&[&asked[..], more].concat())
    };
    assert_eq!(export(&[]), "{\"title\":\"Printers\"}\n{\"title\":\"Printer\"}\n");
    assert_eq!(
        export(&["--fuzzy"]),
        "{\"title\":\"Printer\"}\n{\"title\":\"Printers\"}\n{\"title\":\"Prniter\"}\n"
    );
    let alone = here.run(&["export", "tasks", "--fuzzy"]);
    assert!(alone.code == 2 && alone.err.contains("--search"), "{alone:?}");
}

#[test]
fn files_that_cannot_be_read_are_refused_with_the_reason() {
    let here = Here::with_tasks();
    for (name, bytes) in [
        ("empty.csv", &b""[..]),
        ("nul.csv", b"title\na\0b\n"),
        ("quote.csv", b"title\n\"open\n"),
    ] {
        here.write(name, bytes);
        let ran = here.run(&["import", name, "tasks"]);
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        assert!(!ran.err.is_empty(), "{name}");
        assert_eq!(here.done(&["query", "tasks", "--count"]), "0\n");
    }
}

#[test]
fn a_workbook_goes_out_and_comes_back_and_the_import_is_taken_back() {
    let here = Here::with_tasks();
    here.write("tasks.csv", "title,code\nAlpha,00501\nBeta,=1+1\n");
    here.done(&["import", "tasks.csv", "tasks"]);
    here.done(&["export", "tasks", "-o", "tasks.xlsx", "--columns", "title,code"]);
    let wrong = here.run(&["import", "tasks.xlsx", "copy", "--create", "--sheet", "Taks"]);
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.err.contains("did you mean \"Tasks\"?"), "{}", wrong.err);
    here.done(&["import", "tasks.xlsx", "copy", "--create"]);
    let lines = here.done(&["export", "copy", "--format", "ndjson", "--columns", "title,code"]);
    let expected = "{\"title\":\"Alpha\",\"code\":\"00501\"}\n{\"title\":\"Beta\",\"code\":\"=1+1\"}\n";
    assert_eq!(lines, expected);
    let listed: serde_json::Value = serde_json::from_str(&here.done(&["imports", "list", "--json"])).unwrap();
    assert_eq!(listed[0]["fileName"], "tasks.xlsx");
    let id = listed[0]["importId"].as_str().unwrap();
    here.done(&["imports", "revert", id]);
    assert_eq!(here.done(&["query", "copy", "--count"]), "0\n");
    assert!(here.done(&["imports", "show", id]).contains("reverted"));
    let again = here.run(&["imports", "revert", id]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("is taken back already"), "{}", again.err);
}

#[test]
fn objects_make_a_table_and_refused_rows_go_where_they_are_wanted() {
    let here = Here::with_tasks();
    here.write(
        "people.ndjson",
        "{\"name\": \"Ada\", \"zip\": \"00501\"}\n{\"name\": \"Bob\"}\n",
    );
    here.done(&["import", "people.ndjson", "--create"]);
    let lines = here.done(&["export", "people", "--format", "ndjson", "--columns", "zip,name"]);
    assert_eq!(
        lines,
        "{\"zip\":\"00501\",\"name\":\"Ada\"}\n{\"zip\":null,\"name\":\"Bob\"}\n"
    );
    here.write("tasks.csv", FILE);
    let ran = here.run(&["import", "tasks.csv", "tasks", "--errors", "bad.csv"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(here.read("bad.csv").contains("Gamma"));
}
