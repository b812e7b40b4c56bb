//! What long work does with each secret, a batch at a time: every batch is one commit, with one entry in the audit that tells each
//! secret that it changed. It keeps no place and no count.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::admit::{self, Coerce, Input};
use chancery_model::change::ChangeKind;
use chancery_model::filter::Operator;
use chancery_model::limits::PAGE_LIMIT_MAX;
use chancery_model::query::Query;
use chancery_model::{Table, Value};
use chancery_storage::{Check, Write};
use chancery_vault::passwords::PasswordKey;
use chancery_vault::{locks, sealing};

use super::audit::Event;
use super::error::VaultError;
use super::keyring::Keyring;
use super::session::PasswordSession;
use super::tables::{
    AUDIT, AuditRow, HEAD, Row, SECRETS, SEGMENTS, SecretRow, SegmentRow, Told, VERSIONS, VersionRow,
    VersionState,
};
use super::{Vault, VaultOp};
use crate::error::Error;
use crate::jobs::{Step, Work};
use crate::record::Record;
use crate::records::{insert_write, object};

/// Secrets that one thread works on at once.
const CHUNK: usize = 128;

/// A walk over all secrets, in the order of their ids.
pub(super) struct Walk {
    vault: Vault,
    task: Arc<Task>,
}

/// What is done with each.
pub(super) enum Task {
    ChangePassword {
        old: Box<PasswordSession>,
        new: Option<Box<PasswordSession>>,
    },
    RotateKey,
    Verify,
    Purge {
        deleted_before: i64,
    },
}

/// A secret with its versions, as they are stored.
struct Whole {
    secret: Record,
    versions: Vec<Record>,
}

/// What becomes of one secret.
enum Fate {
    Skipped,
    /// It is damaged.
    Failed,
    /// It is as it should be.
    Well,
    /// By these writes, the last of which is of the secret itself. It gets this row version, or would get it if it did not go.
    Changed(Vec<Write>, u64),
}

/// Keys for a batch, which threads share.
struct Keys {
    keyring: Arc<Keyring>,
    /// By setting.
    old: HashMap<u32, Arc<PasswordKey>>,
    new: Option<Arc<PasswordKey>>,
}

#[async_trait]
impl Work for Walk {
    async fn total(&self) -> Result<u64, Error> {
        self.vault.store.table(SECRETS)?.count(&Query::new()).await
    }

    async fn step(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error> {
        self.decided(after, rows).await.map_err(flat)
    }

    async fn finish(&self) -> Result<(), Error> {
        if let Task::RotateKey = &*self.task {
            self.retire_old().await.map_err(flat)?;
        }
        self.vault.done(Event::new(self.task.op())).await.map_err(flat)
    }
}

impl Task {
    fn op(&self) -> VaultOp {
        match self {
            Task::ChangePassword { .. } => VaultOp::ChangePassword,
            Task::RotateKey => VaultOp::RotateKey,
            Task::Verify => VaultOp::Verify,
            Task::Purge { .. } => VaultOp::Purge,
        }
    }
}

impl Walk {
    pub(super) fn new(vault: Vault, task: Task) -> Walk {
        Walk {
            vault,
            task: Arc::new(task),
        }
    }

    async fn decided(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, VaultError> {
        let store = &self.vault.store;
        // What is decided rests on no key having been made or given up meanwhile.
        let head = store.table(SEGMENTS)?.get(HEAD).await?;
        let head = head.ok_or(VaultError::Tampered {
            what: "the end of the audit",
        })?;
        let keyring = self.vault.refreshed().await?;
        let page = store
            .table(SECRETS)?
            .paginate(after, rows.min(PAGE_LIMIT_MAX as u64))
            .await?;
        let Some(last) = page.records.last() else {
            return Ok(None);
        };
        let cursor = last.id();
        let ids: Vec<String> = page.records.iter().map(Record::id).collect();
        let mut versions: HashMap<String, Vec<Record>> = HashMap::new();
        let query = Query::new().filter("secret", Operator::In, ids);
        for record in store.table(VERSIONS)?.select(&query).await? {
            let secret = record.value("secret").and_then(Value::as_text);
            let secret = secret.unwrap_or_default().to_owned();
            versions.entry(secret).or_default().push(record);
        }
        let seen = page.records.len() as u64;
        let wholes: Vec<Whole> = page
            .records
            .into_iter()
            .map(|secret| Whole {
                versions: versions.remove(&secret.id()).unwrap_or_default(),
                secret,
            })
            .collect();
        let secrets: Vec<Record> = wholes.iter().map(|whole| whole.secret.clone()).collect();
        let keys = Arc::new(self.keys(keyring.clone(), &wholes).await?);
        let mut step = Step {
            cursor,
            seen,
            ..Step::default()
        };
        step.checks.push(unchanged(&head));
        let (mut told, mut secrets_last) = (Told::default(), Vec::new());
        for (fate, secret) in self.fates(wholes, keys).await?.into_iter().zip(&secrets) {
            match fate {
                Fate::Skipped => step.skipped += 1,
                Fate::Failed => {
                    step.failed += 1;
                    // Its versions were read after it: it is damaged only if it is still what it was.
                    step.checks.push(unchanged(secret));
                }
                Fate::Well => step.done += 1,
                Fate::Changed(mut writes, row_version) => {
                    step.done += 1;
                    secrets_last.extend(writes.pop());
                    step.writes.extend(writes);
                    told.0.push((secret.id(), row_version));
                }
            }
        }
        // One table after the other: a backend looks each up once.
        step.writes.append(&mut secrets_last);
        if !told.0.is_empty() {
            let segment = SegmentRow::of(&head)?.number;
            step.writes.push(self.entry(&keyring, segment, &told)?);
        }
        Ok(Some(step))
    }

    /// The entry of a batch: what was done, and to which secrets.
    fn entry(&self, keyring: &Keyring, segment: u64, told: &Told) -> Result<Write, VaultError> {
        let vault = &self.vault;
        let row = AuditRow {
            secrets: Some(told.text()),
            ..vault.entry(Event::new(self.task.op()), "ok", segment)
        };
        let row = row.signed(&keyring.mac).to_json();
        let handle = vault.store.table(AUDIT)?;
        let table = handle.definition()?;
        let object = object(&table, &row)?;
        let decided = vault.store.decide(vault.now(), |context| {
            admit::insert(
                &table,
                Input::Object(object, Coerce::Exact),
                None,
                Default::default(),
                context,
            )
        });
        let inserted = decided.map_err(|issues| handle.invalid(&table, issues))?;
        Ok(insert_write(&table, inserted.record, &inserted.draws))
    }

    /// The keys that the secrets of a batch need.
    async fn keys(&self, keyring: Arc<Keyring>, wholes: &[Whole]) -> Result<Keys, VaultError> {
        let mut keys = Keys {
            keyring,
            old: HashMap::new(),
            new: None,
        };
        if let Task::ChangePassword { old, new } = &*self.task {
            for version in wholes.iter().flat_map(|whole| &whole.versions) {
                let Some(&Value::Int(setting)) = version.value("setting") else {
                    continue;
                };
                let Ok(setting) = u32::try_from(setting) else {
                    continue;
                };
                if !keys.old.contains_key(&setting) {
                    let key = old.key(&keys.keyring, setting).await?;
                    keys.old.insert(setting, key);
                }
            }
            if let Some(new) = new {
                let setting = keys.keyring.setting()?.id();
                keys.new = Some(new.key(&keys.keyring, setting).await?);
            }
        }
        Ok(keys)
    }

    /// What becomes of each, on as many threads as there are processors.
    async fn fates(&self, wholes: Vec<Whole>, keys: Arc<Keys>) -> Result<Vec<Fate>, VaultError> {
        let (now, actor) = (self.vault.now(), self.vault.store.actor.id.clone());
        let mut chunks = Vec::new();
        let mut wholes = wholes.into_iter().peekable();
        while wholes.peek().is_some() {
            let chunk: Vec<Whole> = wholes.by_ref().take(CHUNK).collect();
            let (task, keys, actor) = (self.task.clone(), keys.clone(), actor.clone());
            chunks.push(tokio::task::spawn_blocking(move || {
                let decided = chunk.iter().map(|whole| whole.fate(&task, &keys, (now, &actor)));
                decided.collect::<Vec<Fate>>()
            }));
        }
        let mut fates = Vec::new();
        for chunk in chunks {
            let chunk = chunk
                .await
                .map_err(|error| Error::Internal(format!("a batch of a job panicked: {error}")))?;
            fates.extend(chunk);
        }
        Ok(fates)
    }

    /// Gives up the data keys that lock nothing any more.
    async fn retire_old(&self) -> Result<(), VaultError> {
        for key in self.vault.counted_keys().await? {
            if key.state == super::KeyState::Opens && key.versions + key.columns == 0 {
                self.vault.retire_key(key.kid).await?;
            }
        }
        Ok(())
    }
}

/// When, and on whose behalf.
type By<'a> = (i64, &'a Option<Arc<str>>);

impl Whole {
    fn fate(&self, task: &Task, keys: &Keys, by: By<'_>) -> Fate {
        let secret = match SecretRow::of(&self.secret) {
            Ok(secret) if secret.is_genuine(&keys.keyring.mac) => secret,
            _ => return Fate::Failed,
        };
        if let Task::Purge { deleted_before } = task {
            return match secret.soft_deleted_at.is_some_and(|at| at < *deleted_before) {
                true => Fate::Changed(self.purged(), secret.row_version + 1),
                false => Fate::Skipped,
            };
        }
        let versions: Result<Vec<VersionRow>, Error> = self.versions.iter().map(VersionRow::of).collect();
        let versions = match versions {
            Ok(versions) if secret.owns_all(&versions, &keys.keyring.mac) => versions,
            _ => return Fate::Failed,
        };
        let fate = match task {
            Task::ChangePassword { .. } => self.with_password(secret, versions, keys, by),
            Task::RotateKey => self.rotated(secret, versions, keys, by),
            Task::Verify | Task::Purge { .. } => verified(&versions, keys),
        };
        fate.unwrap_or(Fate::Failed)
    }

    fn with_password(
        &self,
        mut secret: SecretRow,
        versions: Vec<VersionRow>,
        keys: &Keys,
        by: By<'_>,
    ) -> Result<Fate, VaultError> {
        let (mut relocked, mut own) = (Vec::new(), None);
        for (record, version) in self.versions.iter().zip(versions) {
            let Some(setting) = version.setting.filter(|_| version.state == VersionState::Live) else {
                continue;
            };
            let Some(old) = keys.old.get(&setting) else {
                continue;
            };
            // A secret has the password of its versions, unless one of them kept an older one.
            let is_own = (version.setting, &version.password_hash) == (secret.setting, &secret.password_hash);
            let next = match version.relocked(&keys.keyring, Some(old), keys.new.as_deref()) {
                Err(VaultError::InvalidPassword) => continue,
                next => next?,
            };
            if is_own {
                own = Some((next.setting, next.password_hash.clone()));
            }
            relocked.push((record, next));
        }
        if let Some((setting, password_hash)) = own {
            (secret.setting, secret.password_hash) = (setting, password_hash);
        }
        Ok(self.put(secret, relocked, keys, by))
    }

    fn rotated(
        &self,
        secret: SecretRow,
        versions: Vec<VersionRow>,
        keys: &Keys,
        by: By<'_>,
    ) -> Result<Fate, VaultError> {
        let to = keys.keyring.active()?;
        let mut relocked = Vec::new();
        for (record, version) in self.versions.iter().zip(versions) {
            if version.kid == to.kid() || version.state == VersionState::Destroyed {
                continue;
            }
            let (from, place, locked) = version.outer(&keys.keyring)?;
            let failed = |_| VaultError::DecryptionFailed {
                what: "the key of the value",
            };
            let locked = locks::change_server(from, to, &place, &locked).map_err(failed)?;
            let next = VersionRow {
                kid: to.kid(),
                locked: Some(sealing::to_text(&locked)),
                ..version
            };
            relocked.push((record, next));
        }
        Ok(self.put(secret, relocked, keys, by))
    }

    /// The writes of versions under other locks, and of their secret, which says so.
    fn put(
        &self,
        mut secret: SecretRow,
        versions: Vec<(&Record, VersionRow)>,
        keys: &Keys,
        by: By<'_>,
    ) -> Fate {
        if versions.is_empty() {
            return Fate::Skipped;
        }
        let mut writes = Vec::with_capacity(versions.len() + 1);
        for (record, mut version) in versions {
            secret.claim(&mut version, &keys.keyring.mac);
            let changes = [
                ("kid", number(u64::from(version.kid))),
                ("setting", setting_value(version.setting)),
                ("password_hash", text(version.password_hash)),
                ("locked", text(version.locked)),
                ("row_version", number(version.row_version)),
                ("mac", text(Some(version.mac))),
            ];
            writes.push(changed(record, changes, by));
        }
        secret.row_version += 1;
        secret.sign(&keys.keyring.mac);
        let versions = secret.versions_text();
        let changes = [
            ("setting", setting_value(secret.setting)),
            ("password_hash", text(secret.password_hash)),
            ("versions", text(Some(versions))),
            ("row_version", number(secret.row_version)),
            ("mac", text(Some(secret.mac))),
        ];
        writes.push(changed(&self.secret, changes, by));
        Fate::Changed(writes, secret.row_version)
    }

    fn purged(&self) -> Vec<Write> {
        let all = self.versions.iter().chain([&self.secret]);
        all.map(|record| Write::purge(record.table(), record.key(), Some(record.version())))
            .collect()
    }
}

/// Whether the server's lock opens each version.
fn verified(versions: &[VersionRow], keys: &Keys) -> Result<Fate, VaultError> {
    for version in versions {
        if version.state == VersionState::Destroyed {
            continue;
        }
        let (from, place, locked) = version.outer(&keys.keyring)?;
        let failed = |_| VaultError::DecryptionFailed {
            what: "the key of the value",
        };
        locks::protection(from, &place, &locked).map_err(failed)?;
    }
    Ok(Fate::Well)
}

/// That a record is still what was read.
fn unchanged(record: &Record) -> Check {
    Check::Record {
        table: record.table().number,
        key: record.key().clone(),
        change: record.row().change,
    }
}

impl VersionRow {
    /// What the server's lock needs.
    fn outer<'v>(
        &'v self,
        keyring: &'v Keyring,
    ) -> Result<
        (
            &'v sealing::SealingKey,
            chancery_vault::context::Context<'v>,
            Vec<u8>,
        ),
        VaultError,
    > {
        let failed = VaultError::DecryptionFailed {
            what: "the key of the value",
        };
        let Some(Ok(locked)) = self.locked.as_deref().map(sealing::from_text) else {
            return Err(failed);
        };
        let purpose = chancery_vault::context::Purpose::Value;
        let place = keyring.place(&self.secret, self.number, purpose);
        Ok((keyring.key(self.kid)?, place, locked))
    }
}

/// A record with other values in some columns. What is in a column already is not written: its index would be, too.
fn changed<const N: usize>(record: &Record, changes: [(&str, Value); N], (now, actor): By<'_>) -> Write {
    let (table, row): (&Arc<Table>, _) = (record.table(), record.row());
    let mut next = row.next(now, actor.clone());
    let mut before = Vec::with_capacity(changes.len());
    let mut values = std::mem::take(&mut next.values).into_vec();
    for (slug, value) in changes {
        let Some(column) = table.column(slug) else {
            continue;
        };
        let at = usize::from(column.ordinal);
        if values.len() <= at {
            values.resize(at + 1, Value::Null);
        }
        if values[at] == value {
            continue;
        }
        let old = std::mem::replace(&mut values[at], value);
        before.push((column.ordinal, old));
    }
    next.values = values.into_boxed_slice();
    Write::update(table, row, next, before, ChangeKind::Updated)
}

fn number(number: u64) -> Value {
    Value::Int(number as i64)
}

fn setting_value(setting: Option<u32>) -> Value {
    setting.map_or(Value::Null, |setting| number(setting.into()))
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

/// An error of the vault as one of the store, for the engine.
pub(super) fn flat(error: VaultError) -> Error {
    match error {
        VaultError::Store(error) => error,
        other => Error::Internal(other.to_string()),
    }
}
