//! Encrypted columns by other ways than a definition of columns: buckets, structs, columns of secrets, and files that are refused.

use chancery::model::encryption::Mask;
use chancery::{
    ColumnInput, Error, ImportFile, ImportOptions, Json, Mapping, Query, Record, Store, TableInput, json,
};
use chancery_scenarios::{on_every_backend, twice_on_postgres};
use serde::{Deserialize, Serialize};

use crate::{VALUE, vault};

#[test]
fn a_column_of_secrets_is_encrypted_whatever_its_definition_says() {
    on_every_backend(async |store| {
        let input = || TableInput::new("Logins").column(ColumnInput::new("password", "secret"));
        let sealed = store.create_table(input()).await.map(drop).expect_err("no vault");
        assert!(matches!(sealed, Error::Definition(_)), "{sealed}");
        let vault = vault(&store).await;
        let logins = store.create_table(input()).await.expect("defined");
        let column = logins.definition().expect("there").columns[0].clone();
        assert_eq!(
            column.encrypted.map(|encryption| encryption.mask),
            Some(Mask::Full)
        );
        let made = logins.insert(json!({"password": VALUE})).await.expect("inserted");
        assert_eq!(made.get("password"), "••••••••");
        let shown = vault
            .reveal_cells(&logins, made.id().as_str(), &["password"])
            .await
            .expect("revealed");
        assert_eq!(shown[0].1, VALUE);
    });
}

#[test]
fn a_bucket_has_encrypted_fields() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let definition = json!({"key": "id", "schema": {
            "id": {"type": "string", "generated": "uuid"},
            "iban": {"type": "string", "minLength": 6, "encrypted": {"mask": "last4", "indexed": true}},
            "salary": {"type": "number", "encrypted": true},
        }});
        let people = store.define_bucket("people", &definition).await.expect("defined");
        let made = people
            .insert(json!({"iban": "DE89370400440532013000", "salary": 5_100}))
            .await
            .expect("inserted");
        assert_eq!(made.get("iban"), "••••3000");
        let values = vault
            .reveal_cells(&people, made.id().as_str(), &["iban", "salary"])
            .await
            .expect("revealed");
        assert_eq!(values[0].1, "DE89370400440532013000");
        assert_eq!(values[1].1, 5_100);
        let refused = people
            .insert(json!({"iban": "DE8"}))
            .await
            .expect_err("too short");
        assert!(!refused.to_string().contains("DE8"), "{refused}");
    });
}

/// An account of a bank.
#[derive(Clone, Debug, PartialEq, Record, Serialize, Deserialize)]
#[record(table = "accounts")]
struct Account {
    #[record(key, generated = "uuid")]
    id: Option<String>,
    holder: String,
    #[record(encrypted = "last4", unique)]
    iban: String,
    #[record(encrypted = "full", field_type = "number")]
    balance: Option<String>,
}

#[test]
fn a_struct_has_encrypted_fields_and_reads_their_masks() {
    on_every_backend(async |store: Store| {
        let vault = vault(&store).await;
        let accounts = store.define::<Account>().await.expect("defined");
        let columns = Account::columns_encrypted();
        assert_eq!(columns, ["iban", "balance"]);
        let table = store.table("accounts").expect("there");
        let input = json!({"holder": "Ann", "iban": "DE89370400440532013000", "balance": 12.5});
        let id = table.insert(input.clone()).await.expect("inserted").id();
        assert!(table.insert(input).await.is_err(), "the same account twice");
        let mut ann = accounts.get(id.as_str()).await.expect("read").expect("there");
        assert_eq!(
            (ann.iban.as_str(), ann.balance.as_deref()),
            ("••••3000", Some("••••••••"))
        );
        // A mask that goes back keeps the value.
        ann.holder = "Ann Lee".into();
        accounts.replace(id.as_str(), &ann).await.expect("replaced");
        let values = vault
            .reveal_cells(&table, id.as_str(), &["iban", "balance"])
            .await
            .expect("revealed");
        assert_eq!(values[0].1, "DE89370400440532013000");
        assert_eq!(values[1].1, 12.5);
    });
}

impl Account {
    fn columns_encrypted() -> Vec<String> {
        use chancery::AsRecord;
        let columns = Account::table().columns.into_iter();
        let encrypted = columns.filter(|column| column.encrypted.is_some());
        encrypted.filter_map(|column| column.slug).collect()
    }
}

/// The same table, but readable.
#[derive(Clone, Debug, Record, Serialize, Deserialize)]
#[record(table = "accounts")]
struct Readable {
    #[record(key, generated = "uuid")]
    id: Option<String>,
    holder: String,
    #[record(unique)]
    iban: String,
    #[record(field_type = "number")]
    balance: Option<f64>,
}

#[test]
fn a_struct_that_encrypts_is_no_match_for_a_table_that_does_not() {
    on_every_backend(async |store: Store| {
        let _vault = vault(&store).await;
        store.define::<Readable>().await.expect("defined");
        let error = store.define::<Account>().await.map(drop).expect_err("readable");
        let Error::Definition(issues) = error else {
            panic!("{error}")
        };
        assert!(
            issues.iter().any(|issue| issue.message.contains("encrypted")),
            "{issues:?}"
        );
    });
}

#[test]
fn what_an_import_refuses_is_kept_without_what_was_to_be_encrypted() {
    on_every_backend(async |store| {
        let _vault = vault(&store).await;
        let input = TableInput::new("People")
            .column(ColumnInput::new("name", "text"))
            .column(
                ColumnInput::new("iban", "text")
                    .encrypted(Mask::Last4)
                    .pattern("^[A-Z]{2}[0-9]+$"),
            )
            .column(ColumnInput::new("salary", "currency").encrypted(Mask::Full))
            .column(ColumnInput::new("born", "date"));
        let people = store.create_table(input).await.expect("defined");
        let bad = "name,iban,salary,born\n\
                   Ann,de89370400440532,5100-and-more,1990-02-03\n\
                   Bob,DE89370400440533,five hundred,1990-02-03\n\
                   Cid,DE89370400440534,520000000001,yesterday\n\
                   DE89370400440535,530000000001\n";
        for objects in [false, true] {
            let options = ImportOptions::default();
            let report = match objects {
                false => {
                    let file = ImportFile::bytes(bad.as_bytes());
                    people.import_csv(&file, &Mapping::default(), &options).await
                }
                true => {
                    let lines = "{\"name\":\"Ann\",\"iban\":\"de89370400440532\"}\n\
                                 {\"name\":\"Bob\",\"salary\":\"five hundred\"}\n\
                                 {\"name\":\"Cid\",\"iban\":\"DE89370400440534\",\"born\":\"yesterday\"}\n";
                    let file = ImportFile::bytes(lines.as_bytes());
                    people.import_objects(&file, &options).await
                }
            };
            let report = report.expect("checked");
            assert_eq!(report.failed, if objects { 3 } else { 4 });
            let rows = store.import_failed_rows(&report.import_id).await.expect("kept");
            let told = format!("{report:?}\n{rows}");
            for hidden in [
                "89370400440",
                "five hundred",
                "5100-and-more",
                "520000000001",
                "530000000001",
            ] {
                assert!(!told.contains(hidden), "{told}");
            }
            // What is not to be encrypted is told as it is.
            assert!(told.contains("yesterday") && told.contains("Ann"), "{told}");
        }
    });
}

#[test]
fn an_export_with_masks_comes_in_without_them_and_none_is_ever_taken_for_a_value() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let people = super::cells::people(&store).await;
        let iban = "DE89370400440532013000";
        let row = json!({"name": "Ann", "iban": iban, "mail": "ann@example.com", "salary": 5_100});
        let id = people.insert(row).await.expect("inserted").id();
        people.insert(json!({"name": "Bob"})).await.expect("inserted");
        let whole = people.export_json(&Query::new()).await.expect("a stream");
        let whole = whole.collect().await.expect("bytes");
        let file = ImportFile::bytes(whole.clone());
        let options = ImportOptions::default();

        // A table that is made again has nothing where the masks were.
        let (copy, report) = store
            .import_json(&file, Some("Copy"), &options)
            .await
            .expect("a table");
        assert_eq!((report.created, report.masked, report.failed), (2, 3, 0));
        let ann = copy.get(id.as_str()).await.expect("read").expect("there");
        assert_eq!(
            (ann.get("name"), ann.get("iban"), ann.get("mail")),
            (json!("Ann"), json!(null), json!(null))
        );
        assert!(
            copy.definition()
                .expect("there")
                .column("iban")
                .is_some_and(|column| column.encrypted.is_some())
        );

        // A record that is there keeps what it has.
        let renamed = String::from_utf8(whole.clone())
            .expect("JSON")
            .replace("\"Ann\"", "\"Ann Lee\"");
        let matched = ImportOptions {
            match_on: vec!["id".into()],
            update_existing: true,
            blank: chancery::Blank::Clear,
            ..ImportOptions::default()
        };
        let renamed = ImportFile::bytes(renamed.into_bytes());
        let report = people.import_export(&renamed, &matched).await.expect("answered");
        assert_eq!(
            (report.updated, report.unchanged, report.masked, report.failed),
            (1, 1, 3, 0),
            "{report:?}"
        );
        let ann = people.get(id.as_str()).await.expect("read").expect("there");
        assert_eq!(ann.get("name"), json!("Ann Lee"));
        let kept = vault.reveal_cells(&people, id.as_str(), &["iban"]).await;
        assert_eq!(kept.expect("revealed")[0].1, iban);

        // Where the same column is readable a mask would be a text like any other.
        let readable = TableInput::new("Readable")
            .column(ColumnInput::new("name", "text"))
            .column(ColumnInput::new("iban", "text"))
            .column(ColumnInput::new("mail", "text"))
            .column(ColumnInput::new("salary", "text"))
            .column(ColumnInput::new("born", "text"))
            .column(ColumnInput::new("notes", "text"))
            .column(ColumnInput::new("pin", "text"));
        let readable = store.create_table(readable).await.expect("made");
        let report = readable.import_export(&file, &options).await.expect("answered");
        assert_eq!(
            (report.created, report.masked, report.failed),
            (2, 3, 0),
            "{report:?}"
        );
        for record in readable.all().await.expect("read") {
            assert!(
                !Json::Object(record.data()).to_string().contains('•'),
                "{record:?}"
            );
        }

        // What somebody wrote into a list of their own is refused as ever, and so is an export that says too late what is encrypted.
        let own = ImportFile::bytes("[{\"name\": \"Cid\", \"iban\": \"••••3000\"}]".as_bytes());
        let report = people.import_objects(&own, &options).await.expect("answered");
        assert_eq!((report.created, report.failed, report.masked), (0, 1, 0));
        let late = json!({"records": [{"data": {"iban": "••••3000"}}]}).to_string();
        let late = late.replacen(
            "]}",
            "], \"columns\": [{\"slug\": \"iban\", \"encrypted\": {}}]}",
            1,
        );
        let refused = readable
            .import_export(&ImportFile::bytes(late.into_bytes()), &options)
            .await;
        assert!(matches!(refused, Err(Error::File { .. })), "{refused:?}");
        assert_eq!(readable.all().await.expect("read").len(), 2);
    });
}

#[test]
fn keys_that_another_program_made_are_read_again() {
    twice_on_postgres(async |here, there| {
        let (one, other) = (vault(&here).await, vault(&there).await);
        one.new_key().await.expect("made");
        let input = TableInput::new("People").column(ColumnInput::new("iban", "text").encrypted(Mask::Full));
        here.create_table(input).await.expect("defined");
        // The definition comes by itself, within a moment.
        let people = loop {
            match there.table("people") {
                Ok(people) => break people,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        let row = json!({"iban": "DE89370400440532013000"});
        let early = people
            .insert(row.clone())
            .await
            .map(drop)
            .expect_err("not known yet");
        assert!(early.to_string().contains("not known here yet"), "{early}");
        other.refresh_keys().await.expect("read");
        people.insert(row).await.expect("inserted");
    });
}
