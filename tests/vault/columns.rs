//! Columns that have values already: encrypted, sealed anew and made readable again, while others write.

use chancery::model::encryption::Mask;
use chancery::vault::{Vault, VaultError, VaultJob};
use chancery::{
    ColumnInput, ColumnPatch, Error, EventKind, JobOptions, JobState, JobStatus, Json, OperationQuery,
    RevertOptions, Since, Store, TableHandle, TableInput, json,
};
use chancery_scenarios::on_every_backend;

use super::{holds, vault};

/// Fewer records than there are in several batches.
const BATCH: u64 = 7;

fn in_batches() -> JobOptions {
    JobOptions {
        batch: Some(BATCH),
        ..JobOptions::default()
    }
}

async fn staff(store: &Store) -> TableHandle {
    let input = TableInput::new("Staff")
        .column(ColumnInput::new("name", "text"))
        .column(ColumnInput::new("account", "text").unique())
        .column(ColumnInput::new("salary", "currency"))
        .column(ColumnInput::new("born", "date"));
    store.create_table(input).await.expect("defined")
}

fn account(index: usize) -> String {
    format!("FR14-2004-1010-{index:04}")
}

fn person(index: usize) -> Json {
    json!({"name": format!("P{index}"), "account": account(index), "salary": format!("{}.50", 1_000 + index),
        "born": format!("1990-02-{:02}", 1 + index % 28)})
}

async fn filled(table: &TableHandle, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for index in 0..count {
        ids.push(table.insert(person(index)).await.expect("inserted").id());
    }
    ids
}

async fn run(vault: &Vault, job: VaultJob) -> JobStatus {
    let status = vault.start(job, in_batches()).await.expect("started");
    let status = status.wait().await.expect("a status");
    assert_eq!(status.state, JobState::Done, "{status:?}");
    assert_eq!(status.failed, 0, "{status:?}");
    status
}

fn encrypt(table: &TableHandle, column: &str, mask: Mask, indexed: bool) -> VaultJob {
    VaultJob::EncryptColumn {
        table: table.clone(),
        column: column.into(),
        mask: Some(mask),
        indexed: Some(indexed),
    }
}

fn decrypt(table: &TableHandle, column: &str) -> VaultJob {
    VaultJob::DecryptColumn {
        table: table.clone(),
        column: column.into(),
    }
}

async fn revealed(vault: &Vault, table: &TableHandle, key: &str, column: &str) -> Json {
    let values = vault.reveal_cells(table, key, &[column]).await.expect("revealed");
    values.into_iter().next().expect("a value").1
}

/// All values of a column, opened, by name.
async fn all(vault: &Vault, table: &TableHandle, column: &str) -> Vec<(String, Json)> {
    let mut values = Vec::new();
    for record in table.all().await.expect("read") {
        let name = record.get("name").as_str().unwrap_or_default().to_owned();
        values.push((name, revealed(vault, table, &record.id(), column).await));
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

/// The operation that happened last.
async fn last_operation(store: &Store) -> String {
    let page = store.operations(OperationQuery::default()).await.expect("told");
    page.operations[0].id.to_string()
}

#[test]
fn the_values_of_a_column_are_encrypted_with_what_it_was_before() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 20).await;
        let id = ids[3].as_str();
        staff
            .update(id, json!({"account": "FR14-older", "salary": "9.99"}))
            .await
            .expect("updated");
        let raise = last_operation(&store).await;
        staff.delete(ids[4].as_str()).await.expect("in the trash");
        staff.purge(ids[5].as_str()).await.expect("gone");
        let purge = last_operation(&store).await;
        staff
            .update(ids[6].as_str(), json!({"account": null}))
            .await
            .expect("updated");

        let mut events = store.events(Since::Now);
        let told = run(&vault, encrypt(&staff, "account", Mask::Last4, true)).await;
        assert_eq!((told.kind.as_str(), told.done), ("vault.encryptColumn", 18));
        run(&vault, encrypt(&staff, "salary", Mask::Full, false)).await;
        run(&vault, encrypt(&staff, "born", Mask::Full, false)).await;

        let record = staff.get(ids[0].as_str()).await.expect("read").expect("there");
        assert_eq!(record.get("account"), "••••0000");
        assert_eq!(record.get("salary"), "••••••••");
        let slugs: Vec<String> = staff
            .definition()
            .expect("there")
            .ordered()
            .iter()
            .map(|column| column.slug.clone())
            .collect();
        assert_eq!(slugs, ["name", "account", "salary", "born"]);
        assert_eq!(
            revealed(&vault, &staff, ids[0].as_str(), "account").await,
            json!(account(0))
        );
        assert_eq!(
            revealed(&vault, &staff, ids[0].as_str(), "salary").await.as_f64(),
            Some(1_000.5)
        );
        assert_eq!(
            revealed(&vault, &staff, ids[0].as_str(), "born").await,
            "1990-02-01"
        );
        assert_eq!(
            revealed(&vault, &staff, ids[6].as_str(), "account").await,
            Json::Null
        );
        // Equal values are found, and two of them refused.
        let found = staff.filter(json!({"account": account(7)})).await.expect("found");
        assert_eq!(found.len(), 1);
        let twice = staff
            .insert(json!({"account": account(7)}))
            .await
            .expect_err("it is unique");
        assert!(twice.to_string().contains("account"), "{twice}");

        // Nobody was told of it, and the next change is.
        staff
            .update(ids[0].as_str(), json!({"name": "P0 again"}))
            .await
            .expect("updated");
        let event = events.next().await.expect("an event");
        assert_eq!(
            (event.kind, event.new.expect("a record").get("name")),
            (EventKind::Updated, json!("P0 again"))
        );

        // The history has masks, and what was is put back.
        let history = staff.history(id, 20, None).await.expect("told");
        let told = serde_json::to_string(&history.steps.iter().map(|step| &step.changes).collect::<Vec<_>>())
            .expect("JSON");
        assert!(told.contains("••••lder") && told.contains("••••0003"), "{told}");
        assert!(!told.contains("FR14") && !told.contains("1003.5"), "{told}");
        store
            .revert(&raise, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!(revealed(&vault, &staff, id, "account").await, json!(account(3)));
        assert_eq!(
            revealed(&vault, &staff, id, "salary").await.as_f64(),
            Some(1_003.5)
        );
        store
            .revert(&purge, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!(
            revealed(&vault, &staff, ids[5].as_str(), "account").await,
            json!(account(5))
        );
        assert_eq!(
            revealed(&vault, &staff, ids[5].as_str(), "salary").await.as_f64(),
            Some(1_005.5)
        );
        staff.restore(ids[4].as_str()).await.expect("restored");
        assert_eq!(
            revealed(&vault, &staff, ids[4].as_str(), "account").await,
            json!(account(4))
        );
        staff.restore_version(id, 1).await.expect("restored");
        assert_eq!(revealed(&vault, &staff, id, "account").await, json!(account(3)));
        assert_eq!(super::faults(&vault).await, Vec::<String>::new());
    });
}

#[test]
fn a_column_becomes_readable_again_and_is_sealed_anew() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 20).await;
        let id = ids[3].as_str();
        staff
            .update(id, json!({"salary": "9.99"}))
            .await
            .expect("updated");
        let before = staff.all().await.expect("read");
        for column in ["account", "salary", "born"] {
            run(&vault, encrypt(&staff, column, Mask::Full, column == "account")).await;
        }
        let opened = all(&vault, &staff, "salary").await;

        // Under another data key, and found by equal values: the keys before are not needed any more.
        let old = vault.new_key().await.expect("made") - 1;
        for column in ["account", "salary", "born"] {
            let told = run(&vault, encrypt(&staff, column, Mask::Last4, true)).await;
            assert_eq!(told.kind, "vault.reindexColumn");
        }
        assert_eq!(all(&vault, &staff, "salary").await, opened);
        assert_eq!(
            staff
                .filter(json!({"born": "1990-02-02"}))
                .await
                .expect("found")
                .len(),
            1
        );
        assert!(vault.retire_key(old).await.is_ok());

        for column in ["account", "salary", "born"] {
            run(&vault, decrypt(&staff, column)).await;
        }
        let after = staff.all().await.expect("read");
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before.data(), after.data());
        }
        let changes = staff.history(id, 20, None).await.expect("told").steps;
        let salaries = changes
            .iter()
            .flat_map(|step| &step.changes)
            .filter(|change| change.column == "salary");
        let salaries: Vec<Option<f64>> = salaries.map(|change| change.to.as_f64()).collect();
        assert_eq!(salaries, [Some(9.99), Some(1_003.5)]);
        let again = vault
            .start(decrypt(&staff, "salary"), in_batches())
            .await
            .expect_err("it is readable");
        assert!(again.to_string().contains("not encrypted"), "{again}");
    });
}

#[test]
fn what_others_write_meanwhile_is_kept() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 60).await;
        let writing = staff.clone();
        let writer = tokio::spawn(async move {
            for (round, id) in ids.iter().cycle().take(240).enumerate() {
                let (name, salary) = (format!("W{round:03}"), format!("{round}.25"));
                writing
                    .update(id.as_str(), json!({"name": name, "salary": salary}))
                    .await
                    .expect("updated");
                if round % 10 == 0 {
                    writing
                        .insert(json!({"name": format!("N{round}"), "salary": "7.25"}))
                        .await
                        .expect("inserted");
                }
            }
        });
        while !writer.is_finished() {
            run(&vault, encrypt(&staff, "salary", Mask::Full, false)).await;
            run(&vault, decrypt(&staff, "salary")).await;
        }
        writer.await.expect("all was written");
        let records = staff.all().await.expect("read");
        assert_eq!(records.len(), 84);
        for record in records {
            let name = record.get("name").as_str().expect("a name").to_owned();
            let wanted = match name.strip_prefix('W') {
                Some(round) => round.parse::<f64>().expect("a number") + 0.25,
                None => 7.25,
            };
            assert_eq!(record.get("salary").as_f64(), Some(wanted), "{name}");
        }
    });
}

#[test]
fn a_dry_run_and_a_job_that_is_called_off_leave_the_column_as_it_was() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 30).await;
        let columns = staff.definition().expect("there").columns.len();
        let dry = JobOptions {
            dry_run: true,
            ..in_batches()
        };
        let told = vault
            .start(encrypt(&staff, "account", Mask::Full, true), dry)
            .await
            .expect("started")
            .wait()
            .await
            .expect("a status");
        assert_eq!(
            (told.state, told.seen, told.done, told.total),
            (JobState::Done, 30, 30, 30)
        );
        assert_eq!(staff.definition().expect("there").columns.len(), columns);

        let slow = JobOptions {
            rows_per_second: Some(5),
            ..in_batches()
        };
        let handle = vault
            .start(encrypt(&staff, "account", Mask::Full, true), slow)
            .await
            .expect("started");
        while handle.status().await.expect("told").seen == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        // Its values are as they were, and no other change of it is taken.
        let record = staff.get(ids[0].as_str()).await.expect("read").expect("there");
        assert_eq!(record.get("account"), json!(account(0)));
        let patch = ColumnPatch {
            name: Some("Account".into()),
            ..ColumnPatch::default()
        };
        let busy = staff
            .update_column("account", patch.clone())
            .await
            .expect_err("busy");
        assert!(busy.to_string().contains(handle.id()), "{busy}");
        let second = vault
            .start(encrypt(&staff, "account", Mask::Last4, true), in_batches())
            .await;
        let second = second.map(|handle| handle.id().to_owned()).expect_err("busy");
        assert!(second.to_string().contains(handle.id()), "{second}");
        staff
            .update(ids[0].as_str(), json!({"account": "FR14-new"}))
            .await
            .expect("updated");
        let written = last_operation(&store).await;
        let undo = store
            .revert(&written, RevertOptions::default())
            .await
            .expect_err("not now");
        assert!(undo.to_string().contains("account"), "{undo}");

        let id = handle.id().to_owned();
        let status = vault.stop_job(&id, true).await.expect("called off");
        assert_eq!(status.state, JobState::Cancelled);
        drop(handle.wait().await);
        assert_eq!(vault.job(&id).await.expect("told").state, JobState::Cancelled);
        assert_eq!(staff.definition().expect("there").live().count(), columns);
        staff.update_column("account", patch).await.expect("changed");
        store
            .revert(&written, RevertOptions::default())
            .await
            .expect("taken back");
        let record = staff.get(ids[0].as_str()).await.expect("read").expect("there");
        assert_eq!(record.get("account"), json!(account(0)));
        run(&vault, encrypt(&staff, "account", Mask::Last4, true)).await;
    });
}

#[test]
fn columns_that_cannot_be_encrypted_are_refused_with_the_reason() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let mut input = TableInput::new("Odd").column(ColumnInput::new("name", "text").primary());
        input.columns.push(ColumnInput::new("number", "autoNumber"));
        input.columns.push(ColumnInput::new("code", "text").unique());
        input.columns.push(ColumnInput::new("secret", "secret"));
        let odd = store.create_table(input).await.expect("defined");
        let refusals = [
            ("name", false, "cannot name records"),
            ("number", true, "cannot be encrypted"),
            ("code", false, "set encrypted.indexed"),
            ("nmae", false, "name"),
        ];
        for (column, indexed, why) in refusals {
            let started = vault
                .start(encrypt(&odd, column, Mask::Full, indexed), in_batches())
                .await;
            let error = started.map(|handle| handle.id().to_owned()).expect_err(column);
            assert!(
                matches!(
                    error,
                    VaultError::Store(Error::Definition(_) | Error::NotFound { .. })
                ),
                "{error}"
            );
            assert!(error.to_string().contains(why), "{column}: {error}");
        }
        let started = vault.start(decrypt(&odd, "secret"), in_batches()).await;
        let error = started
            .map(|handle| handle.id().to_owned())
            .expect_err("always encrypted");
        assert!(error.to_string().contains("always encrypted"), "{error}");
        assert!(vault.jobs().await.expect("told").is_empty());
    });
}

#[test]
fn a_transaction_that_began_before_a_job_is_run_again_by_what_there_is_after_it() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        filled(&staff, 10).await;
        let tx = store.begin();
        let made = tx
            .table("staff")
            .expect("there")
            .insert(person(50))
            .await
            .expect("inserted");
        run(&vault, encrypt(&staff, "account", Mask::Last4, true)).await;
        let id = made.id();
        let changed = tx
            .table("staff")
            .expect("there")
            .update(id.as_str(), json!({"name": "later"}))
            .await;
        let refused = match changed {
            Ok(_) => tx
                .commit()
                .await
                .map(drop)
                .expect_err("it rests on a column that is not there any more"),
            Err(error) => error,
        };
        assert!(matches!(refused, Error::TransactionConflict { .. }), "{refused}");
        assert!(staff.get(id.as_str()).await.expect("read").is_none());
    });
}

#[test]
fn a_record_that_is_written_all_the_time_does_not_hold_a_job_up() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 100).await;
        let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (writing, ends, hot) = (staff.clone(), over.clone(), ids[50].clone());
        let writer = tokio::spawn(async move {
            let mut round = 0;
            while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                round += 1;
                writing
                    .update(hot.as_str(), json!({"salary": round}))
                    .await
                    .expect("updated");
            }
            round
        });
        let job = encrypt(&staff, "salary", Mask::Full, false);
        let handle = vault.start(job, JobOptions::default()).await.expect("started");
        let status = handle.wait().await.expect("a status");
        assert_eq!(status.state, JobState::Done, "{status:?}");
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        let rounds = writer.await.expect("it ends");
        assert_eq!(
            revealed(&vault, &staff, &ids[50], "salary").await.as_f64(),
            Some(f64::from(rounds))
        );
    });
}

/// Runs something on a store in a file, closes it, and looks that nothing of an account is readable there.
fn leaves_no_account(work: impl AsyncFnOnce(&Store)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", path.display()))
            .await
            .expect("opened");
        work(&store).await;
        store.close().await.expect("closed");
    });
    assert!(
        !holds(folder.path(), "FR14-"),
        "a value stands in the file, readable"
    );
    assert!(holds(folder.path(), "P33"), "what is not encrypted does");
}

#[test]
fn a_column_that_was_to_be_readable_again_leaves_nothing_when_that_is_called_off() {
    leaves_no_account(async |store| {
        let vault = vault(store).await;
        let staff = staff(store).await;
        let ids = filled(&staff, 60).await;
        run(&vault, encrypt(&staff, "account", Mask::Full, true)).await;
        let slow = JobOptions {
            rows_per_second: Some(20),
            ..JobOptions::default()
        };
        let handle = vault
            .start(decrypt(&staff, "account"), slow)
            .await
            .expect("started");
        while handle.status().await.expect("told").seen < 40 {
            // It is written into both while the job runs.
            staff
                .update(ids[1].as_str(), json!({"account": "FR14-new"}))
                .await
                .expect("updated");
            staff
                .update(ids[1].as_str(), json!({"account": "FR14-newer"}))
                .await
                .expect("updated");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let id = handle.id().to_owned();
        assert_eq!(
            vault.stop_job(&id, true).await.expect("called off").state,
            JobState::Cancelled
        );
        drop(handle.wait().await);
        assert_eq!(revealed(&vault, &staff, &ids[1], "account").await, "FR14-newer");
        assert_eq!(
            revealed(&vault, &staff, &ids[2], "account").await,
            json!(account(2))
        );
        assert!(
            staff
                .definition()
                .expect("there")
                .columns
                .iter()
                .all(|column| column.replaces.is_none())
        );
    });
}

#[test]
fn nothing_readable_of_an_encrypted_column_stays_in_the_file() {
    leaves_no_account(async |store| {
        let vault = vault(store).await;
        let staff = staff(store).await;
        let ids = filled(&staff, 40).await;
        for id in &ids[..20] {
            staff
                .update(id.as_str(), json!({"account": format!("FR14-older-{id}")}))
                .await
                .expect("updated");
        }
        staff.purge(ids[30].as_str()).await.expect("gone");
        run(&vault, encrypt(&staff, "account", Mask::Full, true)).await;
    });
}

#[test]
fn nothing_readable_stays_of_what_a_column_was_before_its_type_changed() {
    on_every_backend(async |store| {
        let vault = vault(&store).await;
        let staff = staff(&store).await;
        let ids = filled(&staff, 9).await;
        let to = |kind: &str| chancery::TypeChange::to(kind);
        for kind in ["longText", "text"] {
            let job = staff
                .change_type("account", to(kind), in_batches())
                .await
                .expect("started");
            assert_eq!(job.wait().await.expect("told").state, JobState::Done);
        }
        run(&vault, encrypt(&staff, "account", Mask::Full, false)).await;
        assert_eq!(
            revealed(&vault, &staff, &ids[3], "account").await,
            json!(account(3))
        );
        let record = staff.get(ids[3].as_str()).await.expect("read").expect("there");
        let history = staff.history(ids[3].as_str(), 10, None).await.expect("told");
        for told in [format!("{record:?}"), format!("{history:?}")] {
            assert!(!told.contains("FR14"), "{told}");
        }
        let refused = staff
            .change_type("account", to("longText"), in_batches())
            .await
            .expect_err("refused");
        assert!(format!("{refused:?}").contains("readable first"), "{refused:?}");
    });
}
