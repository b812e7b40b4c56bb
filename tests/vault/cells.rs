//! Encrypted columns: what is kept, what is shown, what can be asked, and who may see the values.

use chancery::model::encryption::Mask;
use chancery::model::filter::Operator;
use chancery::model::query::Query;
use chancery::vault::{Vault, VaultError};
use chancery::{
    AggregateInput, Code, ColumnInput, Error, Function, Json, MeasureInput, MergeChoice, MergeOptions,
    RevertOptions, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

use crate::{code, vault};

const IBAN: &str = "DE89370400440532013000";

/// People with something to hide in columns of several types.
pub(super) async fn people(store: &Store) -> TableHandle {
    let input = TableInput::new("People")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("iban", "text").encrypted(Mask::Last4))
        .column(
            ColumnInput::new("mail", "email")
                .encrypted_indexed(Mask::Email)
                .unique(),
        )
        .column(ColumnInput::new("salary", "currency").encrypted(Mask::Full))
        .column(ColumnInput::new("born", "date").encrypted_indexed(Mask::Full))
        .column(ColumnInput::new("notes", "json").encrypted(Mask::Full))
        .column(
            ColumnInput::new("pin", "text")
                .encrypted(Mask::Full)
                .pattern("^[0-9]{4}$"),
        );
    store.create_table(input).await.expect("defined")
}

fn ann() -> Json {
    json!({"name": "Ann", "iban": IBAN, "mail": "ann@example.com", "salary": "5100.50", "born": "1990-02-03",
        "notes": {"allergy": "nuts"}, "pin": "0042"})
}

async fn opened(store: &Store) -> (Vault, TableHandle) {
    let vault = vault(store).await;
    (vault, people(store).await)
}

async fn revealed(vault: &Vault, table: &TableHandle, key: &str, column: &str) -> Json {
    let values = vault.reveal_cells(table, key, &[column]).await.expect("revealed");
    values.into_iter().next().expect("a value").1
}

/// The codes of the issues of an error.
fn codes(error: Error) -> Vec<Code> {
    match error {
        Error::Query(issues) | Error::Definition(issues) | Error::Invalid { issues, .. } => {
            issues.iter().map(|issue| issue.code).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn records_show_masks_and_only_revealing_shows_values() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let made = people.insert(ann()).await.expect("inserted");
        let id = made.id();
        for record in [made, people.get(id.as_str()).await.expect("read").expect("there")] {
            assert_eq!(record.get("name"), json!("Ann"));
            assert_eq!(record.get("iban"), json!("••••3000"));
            assert_eq!(record.get("mail"), json!("••••@example.com"));
            for slug in ["salary", "born", "notes", "pin"] {
                assert_eq!(record.get(slug), json!("••••••••"), "{slug}");
            }
            assert!(!Json::Object(record.data()).to_string().contains("3704004405"));
        }
        let all = ["iban", "mail", "salary", "born", "notes", "pin"];
        let values = vault
            .reveal_cells(&people, id.as_str(), &all)
            .await
            .expect("revealed");
        let wanted = ann();
        for (slug, value) in &values {
            match slug.as_str() {
                "salary" => assert_eq!(value.as_f64(), Some(5100.5)),
                slug => assert_eq!(*value, wanted[slug], "{slug}"),
            }
        }
        let entries = vault.audit(None, None, 10).await.expect("the audit").entries;
        let cells = entries.iter().filter(|entry| entry.op == "reveal");
        assert_eq!(cells.clone().count(), all.len());
        for entry in cells {
            assert!(
                entry
                    .secret
                    .as_ref()
                    .is_some_and(|cell| cell.starts_with("cell:")),
                "{entry:?}"
            );
            assert_eq!(entry.outcome, "ok");
        }
        assert!(
            vault
                .verify_audit(None)
                .await
                .expect("verified")
                .faults
                .is_empty()
        );
    });
}

#[test]
fn equal_values_are_found_matched_and_kept_unique_where_cells_are_indexed() {
    on_every_backend(async |store| {
        let (_vault, people) = opened(&store).await;
        people.insert(ann()).await.expect("inserted");
        let mut bob = ann();
        bob["name"] = json!("Bob");
        let error = people
            .insert(bob.clone())
            .await
            .expect_err("the address is taken");
        assert!(matches!(error, Error::Unique { .. }), "{error}");
        assert!(
            !error.to_string().contains("ann@") && !error.to_string().contains("vs1."),
            "{error}"
        );
        bob["mail"] = json!("bob@example.com");
        people.insert(bob).await.expect("inserted");
        let by = |operator, value: Json| Query::new().filter("mail", operator, value);
        for (query, count) in [
            (by(Operator::Eq, json!("ann@example.com")), 1),
            (by(Operator::Neq, json!("ann@example.com")), 1),
            (by(Operator::In, json!(["ann@example.com", "bob@example.com"])), 2),
            (by(Operator::NotIn, json!(["ann@example.com"])), 1),
            (by(Operator::IsEmpty, Json::Null), 0),
            (Query::new().filter("born", Operator::Eq, "1990-02-03"), 2),
            (Query::new().filter("born", Operator::Eq, "1990-02-04"), 0),
            (Query::new().filter("iban", Operator::IsNotEmpty, Json::Null), 2),
        ] {
            assert_eq!(people.count(&query).await.expect("counted"), count, "{query:?}");
        }
        let found = people
            .first_where(json!({"mail": "bob@example.com"}), 1)
            .await
            .expect("found");
        assert_eq!(found[0].get("name"), json!("Bob"));
    });
}

#[test]
fn what_cannot_be_told_of_encrypted_values_is_refused_and_the_way_out_named() {
    on_every_backend(async |store| {
        let (_vault, people) = opened(&store).await;
        people.insert(ann()).await.expect("inserted");
        for operator in [
            Operator::Gt,
            Operator::Contains,
            Operator::StartsWith,
            Operator::Between,
            Operator::Regex,
        ] {
            for column in ["mail", "iban"] {
                let query = Query::new().filter(column, operator, json!(["a", "b"]));
                let error = people.select(&query).await.expect_err("encrypted");
                assert!(error.to_string().contains("use "), "{error}");
                assert_eq!(codes(error), [Code::Encrypted], "{column} {operator:?}");
            }
        }
        for query in [
            Query::new().filter("iban", Operator::Eq, IBAN),
            Query::new().ascending("born"),
            Query::new().descending("salary"),
        ] {
            let error = people.select(&query).await.expect_err("encrypted");
            assert!(!error.to_string().contains(IBAN), "{error}");
            assert_eq!(codes(error), [Code::Encrypted], "{query:?}");
        }
        for function in [Function::Sum, Function::Min, Function::Max, Function::Avg] {
            let error = people.figure(function, "salary", &Query::new()).await;
            assert_eq!(codes(error.expect_err("encrypted")), [Code::Encrypted]);
        }
        let grouped = AggregateInput {
            query: Query::new(),
            measures: vec![MeasureInput {
                function: Function::Count,
                column: None,
            }],
            group_by: vec!["born".into()],
        };
        assert_eq!(
            codes(people.aggregate(&grouped).await.expect_err("encrypted")),
            [Code::Encrypted]
        );
        let figure = |function, column| people.figure(function, column, &EVERYTHING);
        assert_eq!(
            figure(Function::Count, "salary").await.expect("counted"),
            json!(1)
        );
        assert_eq!(
            figure(Function::CountDistinct, "mail").await.expect("counted"),
            json!(1)
        );
        let error = figure(Function::CountDistinct, "iban")
            .await
            .expect_err("all differ");
        assert_eq!(codes(error), [Code::Encrypted]);
        let mut search = Query::new().search("ann");
        assert_eq!(
            people.count(&search).await.expect("counted"),
            1,
            "the name is searched"
        );
        search.search_columns = vec!["mail".into()];
        assert_eq!(
            codes(people.count(&search).await.expect_err("encrypted")),
            [Code::Encrypted]
        );
    });
}

static EVERYTHING: Query = Query {
    filter: None,
    sort: Vec::new(),
    search: None,
    search_columns: Vec::new(),
    fuzzy: false,
};

#[test]
fn a_mask_is_no_value_and_what_was_read_can_be_sent_back() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let made = people.insert(ann()).await.expect("inserted");
        let id = made.id();
        let version = made.version();
        // The same, as it was shown and as it is: nothing changes.
        let shown = Json::Object(made.data());
        let again = people.replace(id.as_str(), shown).await.expect("replaced");
        assert_eq!(again.version(), version + 1, "an update is an update");
        let same = people
            .update(id.as_str(), json!({"iban": IBAN, "pin": "0042"}))
            .await
            .expect("updated");
        assert_eq!(
            same.row().value(1),
            made.row().value(1),
            "the cell stays if the value does"
        );
        assert_eq!(revealed(&vault, &people, &id, "iban").await, json!(IBAN));
        // A mask of something else is refused.
        let wrong = people.update(id.as_str(), json!({"iban": "••••4000"})).await;
        assert_eq!(codes(wrong.expect_err("a mask")), [Code::Format]);
        let mut copy = ann();
        copy["mail"] = json!("••••@example.com");
        assert_eq!(
            codes(people.insert(copy).await.expect_err("a mask")),
            [Code::Format]
        );
        // Constraints are of the value.
        let wrong = people
            .update(id.as_str(), json!({"pin": "12345"}))
            .await
            .expect_err("too long");
        assert!(!wrong.to_string().contains("12345"), "{wrong}");
        assert_eq!(codes(wrong), [Code::Pattern]);
        let wrong = people
            .update(id.as_str(), json!({"born": "3.2.1990"}))
            .await
            .expect_err("no date");
        assert_eq!(codes(wrong).len(), 1);
        let changed = people
            .update(id.as_str(), json!({"pin": "1111", "salary": null}))
            .await
            .expect("changed");
        assert_eq!(changed.get("salary"), Json::Null);
        assert_eq!(revealed(&vault, &people, &id, "pin").await, json!("1111"));
        assert_eq!(revealed(&vault, &people, &id, "salary").await, Json::Null);
    });
}

#[test]
fn history_undo_and_merge_keep_encrypted_values_whole() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let made = people.insert(ann()).await.expect("inserted");
        let id = made.id();
        people
            .update(id.as_str(), json!({"pin": "1111"}))
            .await
            .expect("changed");
        let history = people.history(id.as_str(), 10, None).await.expect("a history");
        let told = serde_json::to_string(
            &history.steps[0]
                .changes
                .iter()
                .map(|change| (&change.from, &change.to))
                .collect::<Vec<_>>(),
        );
        assert!(!told.expect("JSON").contains("1111"), "a history shows masks");
        people
            .restore_version(id.as_str(), made.version())
            .await
            .expect("restored");
        assert_eq!(
            revealed(&vault, &people, &id, "pin").await,
            json!("0042"),
            "an old version"
        );

        let (acting, operation) = store.begin_operation();
        let handle = acting.table("people").expect("the table");
        handle
            .update(id.as_str(), json!({"iban": "GB33BUKB20201555555555"}))
            .await
            .expect("changed");
        store
            .revert(&operation, RevertOptions::default())
            .await
            .expect("undone");
        assert_eq!(
            revealed(&vault, &people, &id, "iban").await,
            json!(IBAN),
            "an undone change"
        );

        let other = json!({"name": "A. Lee", "iban": "GB33BUKB20201555555555", "mail": "lee@example.com", "pin": "7777"});
        let other = people.insert(other).await.expect("inserted");
        let choices = [
            ("pin", MergeChoice::From(other.key().clone())),
            ("mail", MergeChoice::Keep),
        ];
        let options = MergeOptions {
            choices: choices
                .into_iter()
                .map(|(slug, choice)| (slug.to_owned(), choice))
                .collect(),
            ..MergeOptions::default()
        };
        people
            .update(id.as_str(), json!({"iban": null}))
            .await
            .expect("emptied");
        people
            .merge(id.as_str(), &[other.key().clone()], options)
            .await
            .expect("merged");
        assert_eq!(
            revealed(&vault, &people, &id, "pin").await,
            json!("7777"),
            "chosen from the other"
        );
        assert_eq!(
            revealed(&vault, &people, &id, "iban").await,
            json!("GB33BUKB20201555555555"),
            "the only one"
        );
        assert_eq!(
            revealed(&vault, &people, &id, "mail").await,
            json!("ann@example.com")
        );
    });
}

#[test]
fn a_sealed_vault_shows_masks_and_takes_no_values() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let made = people.insert(ann()).await.expect("inserted");
        let id = made.id();
        vault.seal();
        let read = people.get(id.as_str()).await.expect("read").expect("there");
        assert_eq!(read.get("iban"), json!("••••3000"));
        people
            .update(id.as_str(), json!({"name": "Anna"}))
            .await
            .expect("other columns are written");
        let error = people
            .update(id.as_str(), json!({"pin": "1111"}))
            .await
            .expect_err("sealed");
        assert_eq!(codes(error), [Code::Sealed]);
        let error = people.insert(json!({"pin": "1111"})).await.expect_err("sealed");
        assert_eq!(codes(error), [Code::Sealed]);
        let query = Query::new().filter("mail", Operator::Eq, "ann@example.com");
        assert_eq!(
            codes(people.count(&query).await.expect_err("sealed")),
            [Code::Sealed]
        );
        let outcome = vault.reveal_cells(&people, id.as_str(), &["pin"]).await;
        assert_eq!(code(&outcome), "sealed");
        let input = TableInput::new("More").column(ColumnInput::new("pin", "text").encrypted(Mask::Full));
        assert_eq!(
            codes(store.create_table(input).await.map(drop).expect_err("sealed")),
            [Code::Sealed]
        );
        vault.unseal(&*crate::root()).await.expect("unsealed");
        assert_eq!(revealed(&vault, &people, &id, "pin").await, json!("0042"));
    });
}

#[test]
fn definitions_that_would_give_encryption_away_are_refused() {
    on_every_backend(async |store| {
        let _vault = vault(&store).await;
        let column = |kind: &str| ColumnInput::new("hidden", kind).encrypted(Mask::Full);
        for column in [
            column("autoNumber"),
            column("createdTime"),
            column("select").options(["a", "b"]),
            column("text").unique(),
            column("text").indexed(),
            column("text").default_value("x"),
            column("text").primary(),
            ColumnInput::new("hidden", "boolean").encrypted_indexed(Mask::Full),
        ] {
            let input = TableInput::new("Hidden").column(column.clone());
            let error = store.create_table(input).await.map(drop).expect_err("refused");
            assert_eq!(codes(error), [Code::Definition], "{column:?}");
        }
        let input = TableInput::new("Hidden").column(column("text")).key("hidden");
        assert_eq!(
            codes(store.create_table(input).await.map(drop).expect_err("refused")),
            [Code::Definition]
        );
    });
}

#[test]
fn what_is_revealed_has_to_be_there_and_encrypted() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let made = people.insert(ann()).await.expect("inserted");
        let id = made.id();
        for columns in [&[][..], &["name"], &["nothing"]] {
            let outcome = vault.reveal_cells(&people, id.as_str(), columns).await;
            assert_eq!(code(&outcome), "invalid", "{columns:?}");
        }
        let missing = vault
            .reveal_cells(&people, "00000000-0000-7000-8000-000000000000", &["pin"])
            .await;
        assert!(matches!(missing, Err(VaultError::Store(Error::NotFound { .. }))));
    });
}

#[test]
fn the_data_key_of_a_deleted_table_stays_until_the_table_is_gone_for_good() {
    on_every_backend(async |store| {
        let (vault, people) = opened(&store).await;
        let id = people.insert(ann()).await.expect("inserted").id();
        assert_eq!(vault.new_key().await.expect("made"), 2);
        people.delete_table().await.expect("to the trash");
        assert_eq!(code(&vault.retire_key(1).await), "invalid", "it may come back");
        let people = store.restore_table("people").await.expect("back");
        assert_eq!(revealed(&vault, &people, &id, "iban").await, json!(IBAN));
        people.purge_table().await.expect("gone");
        vault.retire_key(1).await.expect("nothing is under it any more");
    });
}
