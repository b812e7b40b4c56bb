//! The vault: secret values, each behind a token, sealed with the server's key and, if asked for, a password.
//!
//! `keyring` holds the keys, `tables` the rows, `audit` what is written down of everything and `verify` checks it; `create`, `read`
//! (and `release`), `change`, `versions`, `wrap`, `list`, `sweep` and `jobs` (with `walk`) are what can be done; `attempts` slows guessing down, `session` runs Argon2id. All cryptography is in the
//! crate `chancery-vault`. Every change is one transaction of the store, with its entry in the audit; values leave only after
//! it is committed.

mod attempts;
mod audit;
mod cells;
mod change;
mod columns;
mod create;
mod error;
mod jobs;
mod keyring;
mod keys;
mod list;
mod lookup;
mod open;
mod read;
mod release;
mod session;
mod stored;
mod sweep;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod types;
mod verify;
mod versions;
mod walk;
mod wrap;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use chancery_model::query::Query;
use chancery_model::{Code, Issue};
use chancery_vault::encryptor::{Encryptor, Standard};
use chancery_vault::keys::MacPurpose;

pub use attempts::AttemptLimits;
pub use audit::{AuditEntry, AuditHead, AuditPage, AuditReport, LookUps, VaultOp};
pub(crate) use cells::CellKeys;
pub use chancery_vault::context::Context;
pub use chancery_vault::credentials::{Secret, SecretBytes};
pub use chancery_vault::encryptor;
pub use chancery_vault::keys::Key;
pub use chancery_vault::passwords::{KdfParams, KdfPool};
pub use chancery_vault::policy::{Classes, PasswordPolicy, Validator};
pub use chancery_vault::root::{EnvRoot, FileRoot, PassphraseRoot, RootError, RootKey, Wrapped};
pub use chancery_vault::tokens::Token;
pub use error::VaultError;
pub use jobs::VaultJob;
pub use keyring::KeyState;
pub use keys::{KeyCensus, RootSlot};
pub use list::{Expiry, SecretOrder, SecretPage, SecretQuery, SecretScope};
pub use read::{ReadOutcome, Resolved, Revealed};
pub use session::{PasswordSession, Unlock};
pub use sweep::Swept;
pub use tables::{SecretKind, VersionState};
pub use types::{
    By, Created, NewPassword, NewSecret, NewToken, Proof, SecretInfo, SecretPatch, SecretStatus, SecretUpdate,
};
pub use versions::VersionInfo;
pub use wrap::{WrapInfo, WrapSource};

use crate::limits::VAULT_VERSIONS_MAX;
use crate::store::{Actor, Store};
use crate::transaction::{Transaction, TransactionTable};
use audit::Event;
use keyring::Keyring;
use session::Gate;
use tables::VAULT_WORKSPACE;

/// How a vault is opened.
#[derive(Clone)]
pub struct VaultOptions {
    /// The key that locks all others. Without one the vault stays sealed.
    pub root: Option<Arc<dyn RootKey>>,
    /// What new passwords must be like.
    pub policy: PasswordPolicy,
    /// More that tokens and passwords must satisfy.
    pub validator: Option<Arc<dyn Validator>>,
    /// How values are sealed, the vault's own way last; the first one seals what is new.
    pub encryptors: Vec<Arc<dyn Encryptor>>,
    /// What a guess of a password costs, in a vault that is made.
    pub kdf: KdfParams,
    /// How many passwords are checked at once: each holds as much memory as [`VaultOptions::kdf`] says.
    pub kdf_buffers: usize,
    /// How many versions of a secret are kept, at most [`VAULT_VERSIONS_MAX`].
    pub versions_max: u64,
    /// How wrong attempts slow the next ones down.
    pub attempts: AttemptLimits,
    /// Whether look-ups are in the audit.
    pub look_ups: LookUps,
}

impl Default for VaultOptions {
    fn default() -> VaultOptions {
        VaultOptions {
            root: None,
            policy: PasswordPolicy::default(),
            validator: None,
            encryptors: Vec::new(),
            kdf: KdfParams::DEFAULT,
            kdf_buffers: 2,
            versions_max: 10,
            attempts: AttemptLimits::default(),
            look_ups: LookUps::default(),
        }
    }
}

impl std::fmt::Debug for VaultOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("VaultOptions")
            .field("root", &self.root.as_ref().map(|root| root.origin()))
            .field("kdf", &self.kdf)
            .field("kdf_buffers", &self.kdf_buffers)
            .field("versions_max", &self.versions_max)
            .field("look_ups", &self.look_ups)
            .finish_non_exhaustive()
    }
}

/// The open handle on a store's vault, on behalf of one actor. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use chancery::Store;
/// use chancery::vault::{FileRoot, NewSecret, Unlock, Vault, VaultOptions};
///
/// let store = Store::open("memory:").await?;
/// let folder = tempfile::tempdir()?;
/// let root = FileRoot::create(&folder.path().join("root.key"))?;
/// let vault = Vault::open(&store, VaultOptions { root: Some(Arc::new(root)), ..VaultOptions::default() }).await?;
///
/// let created = vault.create(NewSecret::new(b"hunter2")).await?;
/// let revealed = vault.read(created.token.expose(), Unlock::None).await?;
/// assert_eq!(revealed.value.expose(), b"hunter2");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
    /// The workspace of the vault's tables, on behalf of the actor.
    store: Store,
    client: Option<Arc<str>>,
}

struct Inner {
    options: VaultOptions,
    standard: Arc<dyn Encryptor>,
    gate: Arc<Gate>,
    keyring: Arc<ArcSwapOption<Keyring>>,
    /// The segment of the audit that was open when the keys were last read. Whoever changes them closes it.
    epoch: AtomicU64,
}

/// What an operation works with: everything it reads and writes is one transaction.
struct Step<'v> {
    vault: &'v Vault,
    tx: Transaction,
    /// The segment of the audit that is open.
    segment: u64,
    /// None while the vault is sealed.
    keyring: Option<Arc<Keyring>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Vault")
            .field("sealed", &self.is_sealed())
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the vault of a store, and makes it if there is none and a root key is given. Without a root key it is sealed.
    ///
    /// # Errors
    /// [`VaultError::Root`] if the root key is not the vault's, [`VaultError::Tampered`] if what is kept of the keys was altered,
    /// [`VaultError::Invalid`] for encryptors whose names cannot be kept apart and for too many versions, [`VaultError::Store`].
    pub async fn open(store: &Store, options: VaultOptions) -> Result<Vault, VaultError> {
        check_options(&options)?;
        let own = Store::of(store.core.clone(), VAULT_WORKSPACE).acting(store.actor.clone());
        let memory = options
            .kdf
            .memory_kib()
            .max(chancery_vault::limits::MAX_KDF_MEMORY_KIB);
        let root = options.root.clone();
        let keyring = Arc::new(ArcSwapOption::empty());
        let vault = Vault {
            inner: Arc::new(Inner {
                gate: Arc::new(Gate::new(options.kdf_buffers, memory)),
                options,
                standard: Arc::new(Standard),
                keyring: keyring.clone(),
                epoch: AtomicU64::new(0),
            }),
            store: own,
            client: None,
        };
        tables::make(&vault.store).await?;
        store.core.cells.store(Some(Arc::new(CellKeys(keyring))));
        if let Some(root) = root {
            vault.unseal(&*root).await?;
        }
        Ok(vault)
    }

    /// Opens a sealed vault with its root key, and makes one if there is none.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn unseal(&self, root: &dyn RootKey) -> Result<(), VaultError> {
        let opened = self.opened(root).await;
        let keyring = self.written_down(VaultOp::Open, None, opened).await?;
        self.inner.keyring.store(Some(Arc::new(keyring)));
        self.done(Event::new(VaultOp::Open)).await
    }

    async fn opened(&self, root: &dyn RootKey) -> Result<Keyring, VaultError> {
        let backend = &**self.store.backend();
        if keyring::kept(backend).await?.is_none() {
            // Secrets without a header had one: a new one would open none of them.
            if self.store.table(tables::SECRETS)?.count(&Query::new()).await? > 0 {
                return Err(VaultError::Tampered {
                    what: "the vault's header",
                });
            }
            let (_, write) = keyring::new(root, self.inner.options.kdf, self.now()).await?;
            match self.put_header(write).await {
                Err(VaultError::Store(error)) if keyring::was_overtaken(&error) => {}
                put => put?,
            }
        }
        let kept = keyring::kept(backend).await?.ok_or(VaultError::Sealed)?;
        keyring::open(root, kept).await
    }

    /// Forgets all keys: until it is unsealed nothing can be opened or sealed.
    pub fn seal(&self) {
        self.inner.keyring.store(None);
    }

    /// Whether the keys are not there.
    pub fn is_sealed(&self) -> bool {
        self.inner.keyring.load().is_none()
    }

    /// A code by which a request is recognised when it comes again, in hexadecimal digits; none while the vault is sealed. Unlike a
    /// hash, it lets nobody without the keys try out what was sent.
    ///
    /// ```
    /// # use chancery::{Store, vault::{Vault, VaultOptions}};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::vault::VaultError> {
    /// let store = Store::open("memory:").await?;
    /// let sealed = Vault::open(&store, VaultOptions::default()).await?;
    /// assert_eq!(sealed.request_code(&[b"/api/tables/people/records", b"{}"]), None);
    /// # Ok(()) }
    /// ```
    pub fn request_code(&self, parts: &[&[u8]]) -> Option<String> {
        let keyring = self.inner.keyring.load();
        let code = keyring.as_ref()?.mac.mac(MacPurpose::Request, parts);
        Some(code.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads the keys again if another process has made new ones; does nothing while the vault is sealed.
    ///
    /// # Errors
    /// [`VaultError::Store`]; [`VaultError::Tampered`] for a header that was altered.
    pub async fn refresh_keys(&self) -> Result<(), VaultError> {
        match self.refreshed().await {
            Ok(_) | Err(VaultError::Sealed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same vault on behalf of somebody.
    #[must_use]
    pub fn acting(&self, actor: Actor) -> Vault {
        Vault {
            store: self.store.acting(actor),
            ..self.clone()
        }
    }

    /// The same vault for somebody who calls from somewhere, as an address: attempts are counted by it, and the audit tells it.
    #[must_use]
    pub fn from_client(&self, client: &str) -> Vault {
        Vault {
            client: Some(client.into()),
            ..self.clone()
        }
    }

    /// The same vault, whose reads show at least a revision of the store.
    ///
    /// # Errors
    /// As [`Store::at_least`].
    pub async fn at_least(&self, revision: u64) -> Result<Vault, VaultError> {
        Ok(Vault {
            store: self.store.at_least(revision).await?,
            ..self.clone()
        })
    }

    /// Takes a password for reading as many secrets as it opens, with one run of Argon2id for all of them. That it is right is not
    /// looked at here.
    pub fn unlock(&self, password: Secret) -> PasswordSession {
        PasswordSession::new(password, self.inner.gate.clone())
    }

    fn now(&self) -> i64 {
        self.store.now()
    }

    fn keyring(&self) -> Result<Arc<Keyring>, VaultError> {
        self.inner.keyring.load_full().ok_or(VaultError::Sealed)
    }

    /// Reads the header again if it changed: another process may have made a key.
    async fn refreshed(&self) -> Result<Arc<Keyring>, VaultError> {
        loop {
            let held = self.keyring()?;
            let kept = keyring::kept(&**self.store.backend()).await?;
            let kept = kept.ok_or(VaultError::Tampered {
                what: "the vault's header",
            })?;
            if held.is_of(&kept) {
                return Ok(held);
            }
            let fresh = Arc::new(keyring::reopened(&held, kept)?);
            // Only in the place of the one it was made from: the vault may have been sealed meanwhile, or read newer keys.
            let held = Some(held);
            let before = self.inner.keyring.compare_and_swap(&held, Some(fresh.clone()));
            if before.as_ref().map(Arc::as_ptr) == held.as_ref().map(Arc::as_ptr) {
                return Ok(fresh);
            }
        }
    }

    /// The keys, of which one is the setting of a password: another process may have made it.
    async fn keyring_with(&self, held: &Arc<Keyring>, setting: u32) -> Result<Arc<Keyring>, VaultError> {
        match held.knows_setting(setting) {
            true => Ok(held.clone()),
            false => self.refreshed().await,
        }
    }

    /// The way of sealing that seals what is new.
    fn encryptor(&self) -> &Arc<dyn Encryptor> {
        self.inner
            .options
            .encryptors
            .first()
            .unwrap_or(&self.inner.standard)
    }

    /// The way of sealing of this name.
    fn encryptor_named(&self, name: &str) -> Result<&Arc<dyn Encryptor>, VaultError> {
        let known = self.inner.options.encryptors.iter().chain([&self.inner.standard]);
        let mut known = known.filter(|encryptor| encryptor.name() == name);
        known.next().ok_or(VaultError::DecryptionFailed {
            what: "the program does not know how it was sealed",
        })
    }

    /// Does something as one transaction. If it is refused, nothing of it is written but that it was refused.
    async fn operate<'v, T, W, F>(&'v self, refused: Event, work: W) -> Result<T, VaultError>
    where
        W: Fn(Step<'v>) -> F,
        F: Future<Output = Result<T, VaultError>>,
    {
        let done = self.attempt(work).await;
        match &done {
            Ok(_) | Err(VaultError::Store(_)) => {}
            Err(error) => self.refused(refused, error).await?,
        }
        done
    }

    /// As [`Vault::operate`], but whoever calls it writes down that it was refused: what is tried again was not.
    async fn attempt<'v, T, W, F>(&'v self, work: W) -> Result<T, VaultError>
    where
        W: Fn(Step<'v>) -> F,
        F: Future<Output = Result<T, VaultError>>,
    {
        let done = self
            .store
            .transaction(async |tx| {
                let outcome = match self.step(&tx).await {
                    Ok(step) => work(step).await,
                    Err(error) => Err(error),
                };
                match outcome {
                    Err(VaultError::Store(error)) => Err(error),
                    Err(error) => {
                        tx.rollback();
                        Ok(Err(error))
                    }
                    done => Ok(done),
                }
            })
            .await;
        done?
    }

    /// Answers what was done, and writes it down if it was refused.
    async fn written_down<T>(
        &self,
        op: VaultOp,
        by: Option<By<'_>>,
        done: Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let error = match &done {
            Ok(_) | Err(VaultError::Store(_)) => return done,
            Err(error) => error,
        };
        let found = match by {
            Some(by) => self.look_up(by).await.ok().flatten(),
            None => None,
        };
        let event = found.map_or_else(|| Event::new(op), |row| Event::of(op, &row));
        self.refused(event, error).await?;
        done
    }

    async fn step(&self, tx: &Transaction) -> Result<Step<'_>, VaultError> {
        let segment = audit::open_segment(tx).await?;
        if self.inner.epoch.load(Ordering::Acquire) != segment && !self.is_sealed() {
            self.refreshed().await?;
            self.inner.epoch.store(segment, Ordering::Release);
        }
        Ok(Step {
            vault: self,
            tx: tx.clone(),
            segment,
            keyring: self.inner.keyring.load_full(),
        })
    }

    /// Writes down that something was looked at, if look-ups are. That it cannot be is no reason not to answer: a list changes nothing,
    /// and a database that can only be read is still read.
    async fn looked(&self, event: Event, outcome: &str) {
        if self.inner.options.look_ups == LookUps::Unaudited {
            return;
        }
        let op = event.op.as_str();
        if let Err(error) = self.note(event, outcome).await {
            tracing::warn!(op, %error, "a look-up of the vault could not be written down");
        }
    }

    /// As [`Vault::looked`], of what was found or refused.
    async fn looked_at<T>(&self, op: VaultOp, found: Result<T, VaultError>) -> Result<T, VaultError> {
        let outcome = found.as_ref().map_or_else(VaultError::code, |_| "ok");
        self.looked(Event::new(op), outcome).await;
        found
    }

    /// Writes down that something was refused.
    async fn refused(&self, event: Event, error: &VaultError) -> Result<(), VaultError> {
        self.note(event, error.code()).await
    }

    /// Writes down that something was done that needs no other change.
    async fn done(&self, event: Event) -> Result<(), VaultError> {
        self.note(event, "ok").await
    }

    async fn note(&self, event: Event, outcome: &str) -> Result<(), VaultError> {
        let noted = self.store.transaction(async |tx| {
            let noted = async {
                let step = self.step(&tx).await?;
                step.note(event.clone(), outcome).await
            };
            match noted.await {
                Ok(()) => Ok(()),
                Err(VaultError::Store(error)) => Err(error),
                Err(other) => Err(crate::Error::Internal(other.to_string())),
            }
        });
        Ok(noted.await?)
    }
}

impl Step<'_> {
    fn table(&self, slug: &str) -> Result<TransactionTable, VaultError> {
        Ok(self.tx.table(slug)?)
    }

    fn keyring(&self) -> Result<&Arc<Keyring>, VaultError> {
        self.keyring.as_ref().ok_or(VaultError::Sealed)
    }
}

/// Whether what each encryptor seals can be told by its name, and a secret with its versions fits into one transaction.
fn check_options(options: &VaultOptions) -> Result<(), VaultError> {
    let mut issues = Vec::new();
    if options.versions_max > VAULT_VERSIONS_MAX {
        let message = format!(
            "At most {VAULT_VERSIONS_MAX} versions of a secret are kept, not {}",
            options.versions_max
        );
        issues.push(issue("versionsMax", message));
    }
    let mut known = std::collections::HashSet::new();
    for encryptor in &options.encryptors {
        let name = encryptor.name();
        if let Err(error) = encryptor::check_name(name) {
            issues.push(issue("encryptors", error.to_string()));
        }
        if !known.insert(name) {
            issues.push(issue("encryptors", format!("Two encryptors are named {name}")));
        }
    }
    match issues.is_empty() {
        true => Ok(()),
        false => Err(VaultError::Invalid(issues)),
    }
}

/// A value that breaks a rule.
fn issue(field: &str, message: impl Into<String>) -> Issue {
    Issue::new(field, Code::Definition, message)
}
