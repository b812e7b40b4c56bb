//! Encrypted columns from the command line: made, filled from stdin, masked, revealed; and never given as an argument.

use crate::harness::Here;

#[test]
fn encrypted_columns_are_made_filled_and_revealed() {
    let here = Here::new();
    let made = here.run(&[
        "table",
        "create",
        "People",
        "-c",
        "name:text",
        "-c",
        "iban:text:encrypted=last4",
        "-c",
        "mail:email:encrypted=email:unique",
    ]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        made.err.contains("back it up"),
        "the key of the vault is new: {made:?}"
    );
    let ann = r#"{"name": "Ann", "iban": "DE89370400440532013000", "mail": "ann@example.com"}"#;
    let refused = here.run(&[
        "record",
        "create",
        "people",
        "name=Ann",
        "iban=DE89370400440532013000",
    ]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("stdin") && !refused.err.contains("3704004405"),
        "{refused:?}"
    );
    let refused = here.run(&["record", "create", "people", ann]);
    assert!(
        refused.code == 2 && !refused.err.contains("3704004405"),
        "{refused:?}"
    );
    let made = here.run_with(ann, &["record", "create", "people", "-"]);
    assert_eq!(made.code, 0, "{made:?}");
    let id = made.out.trim();
    let shown = here.done(&["record", "get", "people", id]);
    assert!(
        shown.contains("••••3000") && !shown.contains("3704004405"),
        "{shown}"
    );
    let listed = here.done(&["query", "people", "name = Ann"]);
    assert!(
        listed.contains("••••@example.com") && !listed.contains("ann@"),
        "{listed}"
    );
    let revealed = here.done(&["record", "reveal", "people", id, "iban"]);
    assert_eq!(revealed.trim(), "DE89370400440532013000");
    let both = here.done(&["record", "reveal", "people", id, "iban", "mail"]);
    assert!(both.contains("mail: ann@example.com"), "{both}");
    let wrong = here.run(&["record", "reveal", "people", id, "name"]);
    assert!(
        wrong.code != 0 && wrong.err.contains("not encrypted"),
        "{wrong:?}"
    );
    let twin = here.run_with(
        r#"{"mail": "ann@example.com"}"#,
        &["record", "create", "people", "-"],
    );
    assert!(twin.code != 0 && !twin.err.contains("ann@"), "{twin:?}");
    let audit = here.done(&["vault", "audit"]);
    assert!(audit.contains("reveal"), "{audit}");
}

#[test]
fn a_column_that_has_values_is_encrypted_and_made_readable_again() {
    let here = Here::new();
    here.done(&[
        "table",
        "create",
        "People",
        "-c",
        "name:text",
        "-c",
        "salary:currency",
    ]);
    let id = here.done(&["record", "create", "people", "name=Ann", "salary=5100.50"]);
    let id = id.trim();
    let salary = || here.json(&["record", "get", "people", id])["data"]["salary"].clone();
    let tried = here.done(&["vault", "encrypt-column", "people", "salary", "--dry-run"]);
    assert!(
        tried.contains("a dry run") && tried.contains("people.salary"),
        "{tried}"
    );
    let before = salary();
    let done = here.done(&["vault", "encrypt-column", "people", "salary"]);
    assert!(done.contains("encryptColumn") && done.contains("done"), "{done}");
    assert_eq!(salary(), "••••••••");
    assert_eq!(
        here.done(&["record", "reveal", "people", id, "salary"]).trim(),
        "5100.5"
    );
    let history = here.done(&["history", "people", id]);
    assert!(history.contains("••••") && !history.contains("5100"), "{history}");
    let anew = here.json(&[
        "vault",
        "encrypt-column",
        "people",
        "salary",
        "--mask",
        "last4",
        "--indexed",
    ]);
    assert_eq!(anew["kind"], "reindexColumn");
    here.done(&["vault", "decrypt-column", "people", "salary"]);
    assert_eq!(salary(), before);

    for (args, told) in [
        (&["encrypt-column", "people", "salry"][..], "salary"),
        (&["encrypt-column", "poeple", "salary"], "people"),
        (
            &["encrypt-column", "people", "salary", "--mask", "first4"],
            "last4",
        ),
        (
            &["encrypt-column", "people", "salary", "--workspace", "nowhere"],
            "nowhere",
        ),
        (&["decrypt-column", "people", "salary"], "not encrypted"),
        (
            &["encrypt-column", "people", "salary", "--no-wait"],
            "only as long as this command runs",
        ),
    ] {
        let wrong = here.run(&[&["vault"][..], args].concat());
        assert!(wrong.code != 0 && wrong.err.contains(told), "{args:?}: {wrong:?}");
    }
}
