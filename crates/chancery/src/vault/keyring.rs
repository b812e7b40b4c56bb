//! The keys of an open vault, and how they are kept: one document that names the root keys that lock the master key, the data
//! keys, and the settings of passwords. Nothing here opens a value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chancery_model::Json;
use chancery_storage::{Backend, Document, DocumentQuery, DocumentWrite, StorageError};
use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::keys::{Key, MacKeys, MacPurpose};
use chancery_vault::passwords::{KdfParams, KdfSetting};
use chancery_vault::root::{RootError, RootKey, Wrapped};
use chancery_vault::sealing::{SealingKey, UNNUMBERED};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::VaultError;
use super::tables::hex;
use crate::error::Error;

/// The kind and the id of the document.
const KIND: &str = "vault";
const ID: &str = "header";
/// The layout of what is sealed.
pub(super) const SCHEMA: u32 = 1;

/// Everything that is kept about keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    id: Uuid,
    pub(super) slots: Vec<Slot>,
    pub(super) keys: Vec<KeptKey>,
    active: u32,
    settings: Vec<KeptSetting>,
    setting: u32,
    mac: String,
}

/// A root key that locks the master key, or did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slot {
    /// Names the root key for ever, so that a backup finds its key.
    pub(super) fingerprint: String,
    /// The locked master key; none once the root key was taken out.
    pub(super) wrapped: Option<String>,
    pub(super) added_at: i64,
    pub(super) removed_at: Option<i64>,
}

/// What a data key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyState {
    /// It seals what is new, and opens.
    Active,
    /// It opens what it sealed.
    Opens,
    /// It is gone: nothing was sealed with it any more.
    Retired,
}

/// A data key as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptKey {
    pub(super) kid: u32,
    pub(super) state: KeyState,
    pub(super) born: i64,
    /// Sealed under the master key; none once it is retired.
    sealed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptSetting {
    id: u32,
    stored: String,
}

/// The keys of an open vault. Forgotten, they are wiped.
#[derive(Debug)]
pub(super) struct Keyring {
    pub(super) id: [u8; 16],
    pub(super) mac: MacKeys,
    master: Key,
    /// Seals tokens, which no rotation of data keys touches.
    pub(super) tokens: SealingKey,
    keys: BTreeMap<u32, SealingKey>,
    active: u32,
    settings: BTreeMap<u32, KdfSetting>,
    setting: u32,
    pub(super) header: Header,
    /// The version of the document.
    version: u64,
}

impl Keyring {
    /// The key that seals what is new.
    pub(super) fn active(&self) -> Result<&SealingKey, VaultError> {
        self.key(self.active)
    }

    /// The data key of this number.
    pub(super) fn key(&self, kid: u32) -> Result<&SealingKey, VaultError> {
        self.keys.get(&kid).ok_or(VaultError::DecryptionFailed {
            what: "its data key is not there",
        })
    }

    /// The setting of new passwords.
    pub(super) fn setting(&self) -> Result<&KdfSetting, VaultError> {
        self.setting_of(self.setting)
    }

    pub(super) fn setting_of(&self, id: u32) -> Result<&KdfSetting, VaultError> {
        self.settings.get(&id).ok_or(VaultError::Tampered {
            what: "a setting of passwords",
        })
    }

    /// Whether a setting of passwords is among those that were read.
    pub(super) fn knows_setting(&self, id: u32) -> bool {
        self.settings.contains_key(&id)
    }

    /// Whether all that a version was locked with is among what was read.
    pub(super) fn knows(&self, kid: u32, setting: Option<u32>) -> bool {
        self.keys.contains_key(&kid) && setting.is_none_or(|setting| self.knows_setting(setting))
    }

    /// Whether it was made from the header as it is kept now: also if somebody has put the same one in its place.
    pub(super) fn is_of(&self, kept: &(Header, u64)) -> bool {
        (&self.header, self.version) == (&kept.0, kept.1)
    }

    /// Where something of a secret belongs.
    pub(super) fn place<'a>(&self, secret: &'a str, version: u64, purpose: Purpose) -> Context<'a> {
        Context {
            vault: self.id,
            kind: Kind::Secret,
            table: b"",
            record: secret.as_bytes(),
            column: b"",
            version,
            purpose,
            schema: SCHEMA,
        }
    }

    /// The header with a new data key that seals what is new from then on; the others only open.
    pub(super) fn with_new_key(&self, now: i64) -> Result<Header, VaultError> {
        let mut header = self.header.clone();
        let kid = header.keys.iter().map(|key| key.kid).max().unwrap_or_default() + 1;
        for key in &mut header.keys {
            if key.state == KeyState::Active {
                key.state = KeyState::Opens;
            }
        }
        header.keys.push(new_key(&self.id, &self.master, kid, now)?);
        header.active = kid;
        Ok(header.signed(&self.mac))
    }

    /// The header in which a data key is gone.
    pub(super) fn without_key(&self, kid: u32) -> Header {
        let mut header = self.header.clone();
        for key in header.keys.iter_mut().filter(|key| key.kid == kid) {
            key.state = KeyState::Retired;
            key.sealed = None;
        }
        header.signed(&self.mac)
    }

    /// The header with another setting for new passwords.
    pub(super) fn with_new_setting(&self, params: KdfParams) -> Header {
        let mut header = self.header.clone();
        let id = header
            .settings
            .iter()
            .map(|setting| setting.id)
            .max()
            .unwrap_or_default()
            + 1;
        header.settings.push(kept_setting(&self.mac, id, params));
        header.setting = id;
        header.signed(&self.mac)
    }

    /// The header in which another root key locks the master key too.
    pub(super) async fn with_root(&self, root: &dyn RootKey, now: i64) -> Result<Header, VaultError> {
        let mut header = self.header.clone();
        let wrapped = root.wrap(&master_place(&self.id), &self.master).await?;
        // One that is there already is not put there twice: taking it out has to take it out.
        let known = |slot: &Slot| slot.fingerprint == wrapped.fingerprint && slot.wrapped.is_some();
        if !header.slots.iter().any(known) {
            header.slots.push(slot(wrapped, now));
        }
        Ok(header.signed(&self.mac))
    }

    /// The header in which a root key locks nothing any more. Its fingerprint stays.
    pub(super) fn without_root(&self, fingerprint: &str, now: i64) -> Result<Header, VaultError> {
        let mut header = self.header.clone();
        let open = |slot: &Slot| slot.wrapped.is_some();
        let others = header
            .slots
            .iter()
            .any(|slot| open(slot) && slot.fingerprint != fingerprint);
        let found = header
            .slots
            .iter_mut()
            .find(|slot| open(slot) && slot.fingerprint == fingerprint);
        match found {
            Some(slot) if others => {
                slot.wrapped = None;
                slot.removed_at = Some(now);
                Ok(header.signed(&self.mac))
            }
            Some(_) => Err(VaultError::Invalid(vec![super::issue(
                "fingerprint",
                "It is the only root key; add another one first",
            )])),
            None => Err(VaultError::NotFound),
        }
    }

    /// The write that puts a header in the place of the one that this was opened with.
    pub(super) fn put(&self, header: &Header) -> DocumentWrite {
        put(header, self.version)
    }
}

impl Header {
    fn signed(mut self, mac: &MacKeys) -> Header {
        self.mac = hex(&self.code(mac));
        self
    }

    fn code(&self, mac: &MacKeys) -> [u8; 32] {
        let unsigned = Header {
            mac: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsigned).unwrap_or_default();
        mac.mac(MacPurpose::Row, &[b"header", &text])
    }
}

/// The header as it is kept, with its version; none if there is no vault yet.
pub(super) async fn kept(backend: &dyn Backend) -> Result<Option<(Header, u64)>, VaultError> {
    let documents = backend.documents(DocumentQuery::Kind(KIND.into())).await?;
    let Some(document) = documents.into_iter().find(|document| document.id == ID) else {
        return Ok(None);
    };
    let header = serde_json::from_value(document.body).map_err(|_| VaultError::Tampered {
        what: "the vault's header",
    })?;
    Ok(Some((header, document.version)))
}

/// A header for a new vault, and the write that makes it if nobody was faster.
pub(super) async fn new(
    root: &dyn RootKey,
    params: KdfParams,
    now: i64,
) -> Result<(Header, DocumentWrite), VaultError> {
    let (id, master) = (Uuid::new_v4(), Key::random());
    let mac = MacKeys::of(&master);
    let wrapped = root.wrap(&master_place(id.as_bytes()), &master).await?;
    let header = Header {
        id,
        slots: vec![slot(wrapped, now)],
        keys: vec![new_key(id.as_bytes(), &master, 1, now)?],
        active: 1,
        settings: vec![kept_setting(&mac, 1, params)],
        setting: 1,
        mac: String::new(),
    }
    .signed(&mac);
    let write = put(&header, 0);
    Ok((header, write))
}

/// Opens what is kept with a root key.
pub(super) async fn open(
    root: &dyn RootKey,
    (header, version): (Header, u64),
) -> Result<Keyring, VaultError> {
    let place = master_place(header.id.as_bytes());
    let mut refused = None;
    for slot in &header.slots {
        let Some(bytes) = slot.wrapped.as_ref().and_then(|text| STANDARD.decode(text).ok()) else {
            continue;
        };
        let wrapped = Wrapped {
            fingerprint: slot.fingerprint.clone(),
            bytes,
        };
        match root.unwrap(&place, &wrapped).await {
            Ok(master) => return keyring(master, header, version),
            // Another root key may be in another slot; an alteration is told before that.
            Err(error @ RootError::OtherKey { .. }) => refused = refused.or(Some(error)),
            Err(error) => refused = Some(error),
        }
    }
    Err(match refused {
        Some(error) => error.into(),
        None => VaultError::Tampered {
            what: "the vault's header",
        },
    })
}

/// The keyring again after the header changed: the root key is not needed for it.
pub(super) fn reopened(held: &Keyring, (header, version): (Header, u64)) -> Result<Keyring, VaultError> {
    let master = Key::from_bytes(held.master.expose()).ok_or(VaultError::Sealed)?;
    keyring(master, header, version)
}

fn keyring(master: Key, header: Header, version: u64) -> Result<Keyring, VaultError> {
    let mac = MacKeys::of(&master);
    let altered = VaultError::Tampered {
        what: "the vault's header",
    };
    if header.mac != hex(&header.code(&mac)) {
        return Err(altered);
    }
    let by = SealingKey::new(UNNUMBERED, copy(&master)?);
    let mut keys = BTreeMap::new();
    for kept in &header.keys {
        let Some(sealed) = &kept.sealed else { continue };
        let sealed = STANDARD.decode(sealed).unwrap_or_default();
        let opened = by.open(&key_place(header.id.as_bytes(), &kept.kid.to_be_bytes()), &sealed);
        let key = opened.ok().and_then(|bytes| Key::from_bytes(bytes.expose()));
        let key = key.ok_or(VaultError::DecryptionFailed { what: "a data key" })?;
        keys.insert(kept.kid, SealingKey::new(kept.kid, key));
    }
    let mut settings = BTreeMap::new();
    for kept in &header.settings {
        let stored = STANDARD.decode(&kept.stored).unwrap_or_default();
        settings.insert(kept.id, KdfSetting::load(&mac, kept.id, &stored)?);
    }
    Ok(Keyring {
        id: *header.id.as_bytes(),
        mac,
        master,
        tokens: by,
        keys,
        active: header.active,
        settings,
        setting: header.setting,
        header,
        version,
    })
}

fn copy(key: &Key) -> Result<Key, VaultError> {
    Key::from_bytes(key.expose()).ok_or(VaultError::Sealed)
}

fn put(header: &Header, expected: u64) -> DocumentWrite {
    let body: Json = serde_json::to_value(header).unwrap_or_default();
    DocumentWrite::Put {
        document: Document {
            kind: KIND.into(),
            id: ID.into(),
            lookup: None,
            body,
            version: 0,
        },
        expected: Some(expected),
    }
}

/// Whether a commit failed because somebody else changed the header.
pub(super) fn was_overtaken(error: &Error) -> bool {
    matches!(error, Error::Storage(StorageError::DocumentConflict { kind, .. }) if kind == KIND)
}

fn slot(wrapped: Wrapped, now: i64) -> Slot {
    Slot {
        fingerprint: wrapped.fingerprint,
        wrapped: Some(STANDARD.encode(wrapped.bytes)),
        added_at: now,
        removed_at: None,
    }
}

fn new_key(vault: &[u8; 16], master: &Key, kid: u32, now: i64) -> Result<KeptKey, VaultError> {
    let by = SealingKey::new(UNNUMBERED, copy(master)?);
    let sealed = by.seal(&key_place(vault, &kid.to_be_bytes()), Key::random().expose());
    let sealed = sealed.map_err(|_| VaultError::DecryptionFailed { what: "a data key" })?;
    Ok(KeptKey {
        kid,
        state: KeyState::Active,
        born: now,
        sealed: Some(STANDARD.encode(sealed)),
    })
}

fn kept_setting(mac: &MacKeys, id: u32, params: KdfParams) -> KeptSetting {
    KeptSetting {
        id,
        stored: STANDARD.encode(KdfSetting::random(id, params).store(mac)),
    }
}

fn master_place(vault: &[u8; 16]) -> Context<'static> {
    key_place(vault, b"master")
}

fn key_place<'a>(vault: &[u8; 16], record: &'a [u8]) -> Context<'a> {
    Context {
        vault: *vault,
        kind: Kind::Key,
        table: b"",
        record,
        column: b"",
        version: 0,
        purpose: Purpose::Key,
        schema: SCHEMA,
    }
}
