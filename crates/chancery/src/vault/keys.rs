//! Keys as people see them: how much each data key holds, and which root keys lock the vault. No key leaves.

use std::sync::Arc;

use chancery_model::filter::Operator;
use chancery_model::query::Query;
use chancery_storage::DocumentWrite;
use chancery_vault::passwords::KdfParams;
use chancery_vault::root::RootKey;
use serde::Serialize;

use super::audit::Event;
use super::error::VaultError;
use super::keyring::{self, KeyState, Keyring};
use super::tables::{HEAD, Row, SEGMENTS, SegmentRow, VERSIONS};
use super::{Vault, VaultOp, issue};
use crate::error::Error;
use crate::store::Commit;

/// A data key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyCensus {
    /// Its number.
    pub kid: u32,
    /// What it is used for.
    pub state: KeyState,
    /// When it was made, in ms since 1970.
    pub born: i64,
    /// Versions of secrets that it locks.
    pub versions: u64,
    /// Encrypted columns, of all tables, whose cells are sealed with it; their history is, too.
    pub columns: u64,
}

/// A root key that locks the vault, or did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RootSlot {
    /// Names it; told for ever, so that a backup finds its key.
    pub fingerprint: String,
    /// Whether it opens the vault.
    pub opens: bool,
    /// Since when, in ms since 1970.
    pub added_at: i64,
    /// Until when, if it was taken out.
    pub removed_at: Option<i64>,
}

/// How often a change of the keys is done again that another process overtook.
const ATTEMPTS: usize = 16;

/// A change of the keys.
#[derive(Clone, Copy)]
enum KeyChange<'a> {
    New,
    Retire(u32),
    Kdf(KdfParams),
    AddRoot(&'a dyn RootKey),
    RemoveRoot(&'a str),
}

impl Vault {
    /// All data keys and how much each locks.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn census(&self) -> Result<Vec<KeyCensus>, VaultError> {
        let census = self.counted_keys().await;
        self.looked_at(VaultOp::Census, census).await
    }

    /// As [`Vault::census`], for the vault itself.
    pub(super) async fn counted_keys(&self) -> Result<Vec<KeyCensus>, VaultError> {
        let keyring = self.refreshed().await?;
        let mut census = Vec::with_capacity(keyring.header.keys.len());
        for key in &keyring.header.keys {
            let query =
                Query::new()
                    .filter("kid", Operator::Eq, key.kid)
                    .filter("state", Operator::Eq, "live");
            census.push(KeyCensus {
                kid: key.kid,
                state: key.state,
                born: key.born,
                versions: self.store.table(VERSIONS)?.count(&query).await?,
                columns: self.columns_under(key.kid),
            });
        }
        Ok(census)
    }

    fn columns_under(&self, kid: u32) -> u64 {
        let catalog = self.store.core.catalog.load();
        // Those of tables in the trash too: they may come back.
        let tables = catalog.all().chain(catalog.deleted());
        let columns = tables.flat_map(|table| &table.columns);
        let under = columns.filter(|column| column.encrypted.as_ref().is_some_and(|own| own.kid == kid));
        under.count() as u64
    }

    /// Makes a data key that locks everything new from now on. What is there stays under its key until it is rotated.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn new_key(&self) -> Result<u32, VaultError> {
        let made = self.change_keys(KeyChange::New).await;
        let keyring = self.written_down(VaultOp::RotateKey, None, made).await?;
        Ok(keyring.active()?.kid())
    }

    /// Gives a data key up that locks nothing any more.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] if it still locks something, saying how much, or is the one for what is new.
    pub async fn retire_key(&self, kid: u32) -> Result<(), VaultError> {
        let retired = self.try_retire_key(kid).await;
        self.written_down(VaultOp::RetireKey, None, retired).await
    }

    async fn try_retire_key(&self, kid: u32) -> Result<(), VaultError> {
        // A process that ended while it made a key may have left others sealing with this one: from here on none does.
        self.close_segment().await?;
        let census = self.counted_keys().await?;
        let found = census.iter().find(|key| key.kid == kid);
        let refusal = match found {
            None => Some(format!("There is no data key {kid}")),
            Some(key) if key.state == KeyState::Retired => Some("It is retired already".into()),
            Some(key) if key.state == KeyState::Active => {
                Some("It locks what is new; make another one first".into())
            }
            Some(key) if key.versions > 0 => Some(format!(
                "It still locks {} version(s) of secrets; rotate first",
                key.versions
            )),
            Some(key) if key.columns > 0 => {
                Some(format!("{} encrypted column(s) are sealed with it", key.columns))
            }
            Some(_) => None,
        };
        if let Some(message) = refusal {
            return Err(VaultError::Invalid(vec![issue("kid", message)]));
        }
        self.change_keys(KeyChange::Retire(kid)).await.map(drop)
    }

    /// What a guess of a password costs from now on, for passwords that are set then.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn change_kdf(&self, params: KdfParams) -> Result<(), VaultError> {
        let changed = self.change_keys(KeyChange::Kdf(params)).await.map(drop);
        self.written_down(VaultOp::ChangeSetting, None, changed).await
    }

    /// The root keys that lock the vault, and those that did. It is not in the audit: whoever opens the vault needs it first.
    ///
    /// # Errors
    /// [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn roots(&self) -> Result<Vec<RootSlot>, VaultError> {
        let kept = keyring::kept(&**self.store.backend()).await?;
        let slots = kept.map(|(header, _)| header.slots).unwrap_or_default();
        let slots = slots.into_iter().map(|slot| RootSlot {
            opens: slot.wrapped.is_some(),
            fingerprint: slot.fingerprint,
            added_at: slot.added_at,
            removed_at: slot.removed_at,
        });
        Ok(slots.collect())
    }

    /// Lets another root key open the vault too. Nothing is encrypted anew; the one before keeps working until it is taken out.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Root`], [`VaultError::Store`].
    pub async fn add_root(&self, root: &dyn RootKey) -> Result<(), VaultError> {
        let added = self.change_keys(KeyChange::AddRoot(root)).await.map(drop);
        self.written_down(VaultOp::AddRoot, None, added).await
    }

    /// Takes a root key out. Its fingerprint stays known.
    ///
    /// # Errors
    /// [`VaultError::NotFound`]; [`VaultError::Invalid`] for the only one; [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn remove_root(&self, fingerprint: &str) -> Result<(), VaultError> {
        let removed = self.change_keys(KeyChange::RemoveRoot(fingerprint)).await;
        self.written_down(VaultOp::RemoveRoot, None, removed.map(drop))
            .await
    }

    /// Puts another header in the place of the one that is kept, and lets every process know by closing the segment.
    async fn change_keys(&self, change: KeyChange<'_>) -> Result<Arc<Keyring>, VaultError> {
        for _ in 0..ATTEMPTS {
            let (keyring, now) = (self.refreshed().await?, self.now());
            let (op, header) = match change {
                KeyChange::New => (VaultOp::RotateKey, keyring.with_new_key(now)?),
                KeyChange::Retire(kid) => (VaultOp::RetireKey, keyring.without_key(kid)),
                KeyChange::Kdf(params) => (VaultOp::ChangeSetting, keyring.with_new_setting(params)),
                KeyChange::AddRoot(root) => (VaultOp::AddRoot, keyring.with_root(root, now).await?),
                KeyChange::RemoveRoot(fingerprint) => {
                    (VaultOp::RemoveRoot, keyring.without_root(fingerprint, now)?)
                }
            };
            match self.put_header(keyring.put(&header)).await {
                Err(VaultError::Store(error)) if keyring::was_overtaken(&error) => continue,
                put => put?,
            }
            let keyring = self.refreshed().await?;
            self.close_segment().await?;
            self.done(Event::new(op)).await?;
            return Ok(keyring);
        }
        Err(Error::Internal("the keys were changed again and again".into()).into())
    }

    pub(super) async fn put_header(&self, write: DocumentWrite) -> Result<(), VaultError> {
        let how = Commit {
            documents: vec![write],
            ..Commit::default()
        };
        self.store.commit(Vec::new(), self.now(), how).await?;
        Ok(())
    }

    /// From here on, whatever is done rests on what is there now.
    pub(super) async fn close_segment(&self) -> Result<(), VaultError> {
        let closed = self.store.transaction(async |tx| {
            if let Some(record) = tx.table(SEGMENTS)?.get(HEAD).await? {
                let number = SegmentRow::of(&record)?.number + 1;
                let next = serde_json::json!({ "number": number });
                tx.table(SEGMENTS)?.update(HEAD, next).await?;
            }
            Ok(())
        });
        Ok(closed.await?)
    }
}
