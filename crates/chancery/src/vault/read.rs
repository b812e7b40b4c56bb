//! Reading values. A value is opened first, then the transaction counts the read and writes it down, and only after that commit
//! does the value leave: so a limited secret gives exactly as many values as it allows, and none that is not written down.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use chancery_model::filter::Operator;
use chancery_model::query::Query;
use chancery_vault::credentials::SecretBytes;

use super::attempts::Barred;
use super::error::VaultError;
use super::keyring::Keyring;
use super::release::{Asked, Opened, grouped};
use super::session::{PasswordSession, Unlock};
use super::tables::{Row, SecretKind, SecretRow, VERSIONS, VersionRow};
use super::types::SecretStatus;
use super::{Vault, VaultOp};
use crate::error::Error;
use crate::limits::VAULT_TOKENS_MAX;

/// How often a read is done again while others change what is read.
const ATTEMPTS: usize = 64;

/// A value that was read.
#[derive(Debug)]
pub struct Revealed {
    /// The id of the secret.
    pub id: String,
    /// The value. It is wiped when this is dropped.
    pub value: SecretBytes,
    /// Which version of it.
    pub version: u64,
    /// How often it can be read after this.
    pub reads_left: Option<u64>,
    /// The metadata of the secret.
    pub data: BTreeMap<String, String>,
}

/// What became of one token of several.
#[derive(Debug)]
pub struct ReadOutcome {
    /// Its place among the tokens that were given.
    pub index: usize,
    /// The value, or why there is none. Of a token that was given twice, the second is like the first.
    pub outcome: Result<Arc<Revealed>, Arc<VaultError>>,
}

/// The values of named tokens.
#[derive(Debug)]
pub struct Resolved<K> {
    /// The values, empty ones too.
    pub values: HashMap<K, Arc<Revealed>>,
    /// Names whose token is none, or is deleted.
    pub missing: Vec<K>,
    /// Names whose token has expired, or gives no more reads.
    pub expired: Vec<K>,
    /// Names whose password is another one.
    pub denied: Vec<K>,
}

impl Vault {
    /// The value behind a token.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Expired`], [`VaultError::Exhausted`], [`VaultError::PasswordRequired`],
    /// [`VaultError::InvalidPassword`], [`VaultError::TooManyAttempts`], [`VaultError::OtherKind`] for a wrapping token,
    /// [`VaultError::Sealed`], [`VaultError::DecryptionFailed`], [`VaultError::Tampered`], [`VaultError::Busy`], [`VaultError::Store`].
    /// Over a network answer [`VaultError::public`] of it.
    pub async fn read(&self, token: &str, unlock: Unlock<'_>) -> Result<Revealed, VaultError> {
        self.read_version(token, None, unlock).await
    }

    /// An older version of the value behind a token; the newest if none is named.
    ///
    /// # Errors
    /// As [`Vault::read`], and [`VaultError::Version`].
    pub async fn read_version(
        &self,
        token: &str,
        version: Option<u64>,
        unlock: Unlock<'_>,
    ) -> Result<Revealed, VaultError> {
        self.read_one(VaultOp::Read, SecretKind::Secret, token, version, unlock)
            .await
    }

    pub(super) async fn read_one(
        &self,
        op: VaultOp,
        kind: SecretKind,
        token: &str,
        version: Option<u64>,
        unlock: Unlock<'_>,
    ) -> Result<Revealed, VaultError> {
        let asked = Asked { op, kind, version };
        let mut outcomes = match token.is_empty() {
            true => {
                self.written_down(op, None, Err(VaultError::TokenRequired))
                    .await?
            }
            false => self.reveal(asked, &[token], unlock).await?,
        };
        outcomes.pop().unwrap_or(Err(VaultError::NotFound))
    }

    /// The values behind several tokens, with one look-up and one run of Argon2id, each with its own outcome. A token that is given
    /// twice counts once.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] for too many, [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn read_many(
        &self,
        tokens: &[&str],
        unlock: Unlock<'_>,
    ) -> Result<Vec<ReadOutcome>, VaultError> {
        if tokens.len() > VAULT_TOKENS_MAX {
            let message = format!(
                "At most {VAULT_TOKENS_MAX} tokens are read at once, not {}",
                tokens.len()
            );
            let refused = VaultError::Invalid(vec![super::issue("tokens", message)]);
            return self.written_down(VaultOp::Read, None, Err(refused)).await;
        }
        let mut distinct: Vec<&str> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for token in tokens {
            places.entry(token).or_insert_with(|| {
                distinct.push(token);
                distinct.len() - 1
            });
        }
        let asked = Asked {
            op: VaultOp::Read,
            kind: SecretKind::Secret,
            version: None,
        };
        let outcomes = self.reveal(asked, &distinct, unlock).await?;
        let shared: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Ok(revealed) => Ok(Arc::new(revealed)),
                Err(error) => Err(Arc::new(error)),
            })
            .collect();
        let of = |(index, token): (usize, &&str)| ReadOutcome {
            index,
            outcome: shared[places[token]].clone(),
        };
        Ok(tokens.iter().enumerate().map(of).collect())
    }

    /// As [`Vault::read_many`], but fails on the first token that cannot be read. Those before it count as read all the same.
    ///
    /// # Errors
    /// As [`Vault::read`].
    pub async fn read_all(
        &self,
        tokens: &[&str],
        unlock: Unlock<'_>,
    ) -> Result<Vec<Arc<Revealed>>, VaultError> {
        let outcomes = self.read_many(tokens, unlock).await?;
        let mut values = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            match outcome.outcome {
                Ok(revealed) => values.push(revealed),
                Err(error) => {
                    return Err(Arc::try_unwrap(error).unwrap_or_else(|error| error.again()));
                }
            }
        }
        Ok(values)
    }

    /// The values of named tokens.
    ///
    /// # Errors
    /// As [`Vault::read_many`], and whatever is wrong with a single token that has nothing to do with it.
    pub async fn resolve<K: Clone + Eq + Hash>(
        &self,
        tokens: &[(K, &str)],
        unlock: Unlock<'_>,
    ) -> Result<Resolved<K>, VaultError> {
        let texts: Vec<&str> = tokens.iter().map(|(_, token)| *token).collect();
        let mut resolved = Resolved {
            values: HashMap::new(),
            missing: Vec::new(),
            expired: Vec::new(),
            denied: Vec::new(),
        };
        for ((name, _), read) in tokens.iter().zip(self.read_many(&texts, unlock).await?) {
            match read.outcome {
                Ok(revealed) => drop(resolved.values.insert(name.clone(), revealed)),
                Err(error) => match &*error {
                    VaultError::NotFound | VaultError::TokenRequired => resolved.missing.push(name.clone()),
                    VaultError::Expired { .. } | VaultError::Exhausted => resolved.expired.push(name.clone()),
                    VaultError::InvalidPassword
                    | VaultError::PasswordRequired
                    | VaultError::TooManyAttempts { .. } => resolved.denied.push(name.clone()),
                    _ => return Err(Arc::try_unwrap(error).unwrap_or_else(|error| error.again())),
                },
            }
        }
        Ok(resolved)
    }

    /// Opens what tokens stand for, counts and writes down each read, and only then answers the values.
    async fn reveal(
        &self,
        asked: Asked,
        tokens: &[&str],
        unlock: Unlock<'_>,
    ) -> Result<Vec<Result<Revealed, VaultError>>, VaultError> {
        let revealed = self.try_reveal(asked, tokens, unlock).await;
        self.written_down(asked.op, None, revealed).await
    }

    async fn try_reveal(
        &self,
        asked: Asked,
        tokens: &[&str],
        unlock: Unlock<'_>,
    ) -> Result<Vec<Result<Revealed, VaultError>>, VaultError> {
        let session = self.session_of(unlock);
        let mut charged = None;
        let mut unsettled = true;
        let mut outcomes: Vec<Option<Result<Revealed, VaultError>>> = tokens.iter().map(|_| None).collect();
        let mut left: Vec<usize> = (0..tokens.len()).collect();
        for _ in 0..ATTEMPTS {
            let keyring = self.keyring()?;
            let named: Vec<&str> = left.iter().map(|place| tokens[*place]).collect();
            let mut opened = self.looked_up(&keyring, asked, &named).await?;
            if let Some(session) = session.as_deref() {
                // The same is done for a token that is there and one that is not, so that the time tells nothing.
                let barred = match charged.take() {
                    Some(barred) => barred,
                    None => self.tried(&keyring, &opened, session).await?,
                };
                for one in opened.iter_mut().filter(|one| one.guarded) {
                    match barred.get(&one.hash).copied() {
                        Some(retry_after_ms) => one.bar(VaultError::TooManyAttempts { retry_after_ms }),
                        None => one.counted = true,
                    }
                }
                charged = Some(barred);
            }
            self.open_all(&keyring, asked, &mut opened, session.as_deref())
                .await?;
            let mut overtaken = Vec::new();
            for (places, group) in grouped(left, opened) {
                let counted = group.iter().any(|one| one.counted);
                match self.release(asked, group, unsettled).await? {
                    None => overtaken.extend(places),
                    Some(released) => {
                        unsettled &= !counted;
                        for (place, outcome) in places.into_iter().zip(released) {
                            outcomes[place] = Some(outcome);
                        }
                    }
                }
            }
            left = overtaken;
            if left.is_empty() {
                return Ok(outcomes.into_iter().flatten().collect());
            }
        }
        Err(Error::Internal("a read was overtaken again and again".into()).into())
    }

    async fn looked_up(
        &self,
        keyring: &Keyring,
        asked: Asked,
        tokens: &[&str],
    ) -> Result<Vec<Opened>, VaultError> {
        let hashes: Vec<String> = tokens
            .iter()
            .map(|token| self.counted_by(keyring, token))
            .collect();
        let mut rows = match hashes.is_empty() {
            true => HashMap::new(),
            false => self.with_hashes(&hashes).await?,
        };
        let now = self.now();
        let opened = hashes.into_iter().map(|hash| {
            let (row, outcome) = match rows.remove(&hash) {
                None => (None, VaultError::NotFound),
                Some(Ok(row)) => (Some(row), VaultError::NotFound),
                Some(Err(error)) => (None, error),
            };
            Opened {
                // An older version may have a password when the newest has none; and what cannot be read takes as long as what
                // is not there.
                guarded: row.as_ref().is_none_or(|row| {
                    row.setting.is_some() || asked.version.is_some() || row.readable(asked.kind, now).is_err()
                }),
                hash,
                row,
                counted: false,
                barred: false,
                outcome: Err(outcome),
            }
        });
        Ok(opened.collect())
    }

    /// Counts an attempt at each token that needs a password, or would if it were there, and runs Argon2id for every setting
    /// that is needed; at least once if a token is missing.
    async fn tried(
        &self,
        keyring: &Arc<Keyring>,
        opened: &[Opened],
        session: &PasswordSession,
    ) -> Result<Barred, VaultError> {
        let guarded: Vec<&str> = opened
            .iter()
            .filter(|one| one.guarded)
            .map(|one| one.hash.as_str())
            .collect();
        if guarded.is_empty() {
            return Ok(Barred::new());
        }
        let barred = self.charge(keyring, &guarded).await?;
        for one in opened
            .iter()
            .filter(|one| one.guarded && !barred.contains_key(&one.hash))
        {
            let setting = match one.row.as_ref().and_then(|row| row.setting) {
                Some(setting) => setting,
                None => keyring.setting()?.id(),
            };
            let keyring = self.keyring_with(keyring, setting).await?;
            match session.key(&keyring, setting).await {
                // What can be no password is none of a secret either; that is found out below.
                Ok(_) | Err(VaultError::InvalidPassword) => {}
                Err(error) => {
                    let counted = guarded.into_iter().filter(|hash| !barred.contains_key(*hash));
                    self.take_back(&keyring, &counted.collect::<Vec<_>>()).await?;
                    return Err(error);
                }
            }
        }
        Ok(barred)
    }

    async fn open_all(
        &self,
        keyring: &Keyring,
        asked: Asked,
        opened: &mut [Opened],
        session: Option<&PasswordSession>,
    ) -> Result<(), VaultError> {
        let now = self.now();
        let mut keys = Vec::new();
        for one in opened.iter_mut() {
            let Some(row) = &one.row else { continue };
            if one.barred {
                continue;
            }
            match row.readable(asked.kind, now) {
                Ok(()) => keys.push(VersionRow::key(&row.id, asked.version.unwrap_or(row.version))),
                Err(error) => one.outcome = Err(error),
            }
        }
        let mut versions = self.versions_at(&keys).await?;
        for one in opened.iter_mut() {
            let Some(row) = &one.row else { continue };
            let number = asked.version.unwrap_or(row.version);
            let key = VersionRow::key(&row.id, number);
            if !keys.contains(&key) {
                continue;
            }
            one.outcome = match versions.remove(&key) {
                None if !row.versions.contains_key(&number) => Err(VaultError::Version {
                    version: number,
                    state: "does not exist",
                }),
                Some(version) if row.owns(&version, &keyring.mac) => self
                    .open_version(keyring, &version, session)
                    .await
                    .map(|value| (version, value)),
                _ => Err(VaultError::Tampered {
                    what: "a version of the secret",
                }),
            };
        }
        Ok(())
    }

    async fn versions_at(&self, keys: &[String]) -> Result<HashMap<String, VersionRow>, VaultError> {
        let table = self.store.table(VERSIONS)?;
        let found = match keys {
            [] => Vec::new(),
            [key] => table.get(key.as_str()).await?.into_iter().collect(),
            keys => {
                let query = Query::new().filter("id", Operator::In, keys.to_vec());
                table.select(&query).await?
            }
        };
        // What cannot be read is not there, and its secret says that it was.
        let rows = found.iter().filter_map(|record| VersionRow::of(record).ok());
        Ok(rows.map(|row| (row.id.clone(), row)).collect())
    }
}

impl SecretRow {
    /// Why a secret cannot be read, if it cannot.
    pub(super) fn readable(&self, wanted: SecretKind, now: i64) -> Result<(), VaultError> {
        match (self.status(now), wanted) {
            (SecretStatus::Deleted, _) => Err(VaultError::NotFound),
            _ if self.kind != wanted => Err(VaultError::OtherKind {
                found: self.kind.named(),
                wanted: wanted.named(),
            }),
            (SecretStatus::Exhausted, SecretKind::Wrap) => Err(VaultError::WrapTaken {
                at: self.taken_at.unwrap_or(self.updated_at),
            }),
            (SecretStatus::Exhausted, SecretKind::Secret) => Err(VaultError::Exhausted),
            (SecretStatus::Expired, _) => Err(VaultError::Expired {
                at: self.expires_at.unwrap_or(now),
            }),
            (SecretStatus::Live, _) => Ok(()),
        }
    }
}

impl SecretKind {
    fn named(self) -> &'static str {
        match self {
            SecretKind::Secret => "the token of a secret",
            SecretKind::Wrap => "a wrapping token",
        }
    }
}

impl VaultError {
    /// The same error for another token that is the same.
    fn again(&self) -> VaultError {
        match self {
            VaultError::Expired { at } => VaultError::Expired { at: *at },
            VaultError::Exhausted => VaultError::Exhausted,
            VaultError::PasswordRequired => VaultError::PasswordRequired,
            VaultError::InvalidPassword => VaultError::InvalidPassword,
            VaultError::TooManyAttempts { retry_after_ms } => VaultError::TooManyAttempts {
                retry_after_ms: *retry_after_ms,
            },
            VaultError::DecryptionFailed { what } => VaultError::DecryptionFailed { what },
            VaultError::Tampered { what } => VaultError::Tampered { what },
            VaultError::Version { version, state } => VaultError::Version {
                version: *version,
                state,
            },
            VaultError::OtherKind { found, wanted } => VaultError::OtherKind { found, wanted },
            _ => VaultError::NotFound,
        }
    }
}
