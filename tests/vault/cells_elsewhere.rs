//! Encrypted columns by other ways than a definition of columns: buckets, structs, columns of secrets, and files that are refused.

use chancery::model::encryption::Mask;
use chancery::{ColumnInput, Error, ImportFile, ImportOptions, Mapping, Record, Store, TableInput, json};
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
