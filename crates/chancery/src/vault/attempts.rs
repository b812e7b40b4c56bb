//! Attempts with passwords: each is counted before its password is looked at, and forgiven if it was right, so that many at once
//! get no more of them than one after the other. Counts are kept, and name nobody.
//!
//! What is looked at and not decided yet is counted apart: whoever comes meanwhile and would be barred by it waits for it.
//!
//! One call counts once for the place it comes from, however many tokens it names, and once more for each of them that its
//! password did not open; so many secrets can be read at once, and as many cannot be tried for the price of one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chancery_model::filter::Operator;
use chancery_model::query::{Query, Scope};
use chancery_vault::keys::MacPurpose;

use super::error::VaultError;
use super::keyring::Keyring;
use super::tables::{ATTEMPTS, AttemptRow, Row, hex};
use super::{Step, Vault};
use crate::error::Error;
use crate::reads::{Count as Counting, PageWindow};
use crate::transaction::TransactionTable;

/// How wrong attempts slow the next ones down. After so many, each further one doubles the wait, from one second on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// Free attempts at one token from one place.
    pub per_token_and_client: u64,
    /// Free attempts at one token from wherever, so that a guesser with many addresses is slowed down too.
    pub per_token: u64,
    /// Free attempts from one place at whatever token.
    pub per_client: u64,
    /// The longest wait, in ms; after so long without an attempt, all is forgotten.
    pub longest_wait_ms: i64,
}

impl Default for AttemptLimits {
    fn default() -> AttemptLimits {
        AttemptLimits {
            per_token_and_client: 5,
            per_token: 50,
            per_client: 100,
            longest_wait_ms: 15 * 60 * 1_000,
        }
    }
}

/// Counts that one transaction removes because nobody needs them any more.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// How long an attempt may take before it counts as wrong without having said so: its program may have ended.
const LOOKED_AT_MS_MAX: i64 = 30_000;
/// How long an attempt waits for those before it.
const TURN_MAX: Duration = Duration::from_secs(20);
/// The shortest and the longest pause in which it looks for its turn.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(80));

/// A count and how many attempts it leaves free.
struct Count {
    key: String,
    free: u64,
}

/// A count as it is kept, while an attempt is looked at.
struct Kept {
    row: AttemptRow,
    known: bool,
    free: u64,
}

/// How long to wait for each token hash at which no attempt may be made now, in ms.
pub(super) type Barred = HashMap<String, i64>;

impl AttemptLimits {
    /// How long to wait after so many attempts.
    fn wait_ms(&self, failures: u64, free: u64) -> i64 {
        match failures.saturating_sub(free) {
            0 => 0,
            over => self.longest_wait_ms.min(1_000_i64 << (over - 1).min(30)),
        }
    }
}

impl Count {
    async fn kept(&self, table: &TransactionTable) -> Result<Kept, Error> {
        let found = table.get(self.key.as_str()).await?;
        let row = found.as_ref().map(AttemptRow::of).transpose()?;
        Ok(Kept {
            known: row.is_some(),
            row: row.unwrap_or_else(|| AttemptRow {
                id: self.key.clone(),
                ..AttemptRow::default()
            }),
            free: self.free,
        })
    }
}

impl Kept {
    /// Whether those that are counted bar the next one, but some of them may turn out to be right yet.
    fn is_undecided(&self, now: i64) -> bool {
        self.row.until > now && self.row.pending > 0 && now.saturating_sub(self.row.at) < LOOKED_AT_MS_MAX
    }

    /// Counts one more.
    fn charge(&mut self, limits: &AttemptLimits, now: i64) {
        if now.saturating_sub(self.row.at) > limits.longest_wait_ms {
            (self.row.failures, self.row.pending) = (0, 0);
        }
        self.row.failures += 1;
        self.row.pending += 1;
        self.row.at = now;
        self.row.until = now + limits.wait_ms(self.row.failures, self.free);
    }

    /// Takes one back as if it had not been made.
    fn take_back(&mut self) {
        self.row.failures = self.row.failures.saturating_sub(1);
        self.row.pending = self.row.pending.saturating_sub(1);
        self.row.until = self.row.at;
    }

    async fn put(self, table: &TransactionTable) -> Result<(), Error> {
        match (self.known, self.row.failures) {
            (true, 0) => drop(table.delete(self.row.id.as_str()).await?),
            (false, 0) => {}
            (true, _) => drop(table.replace(self.row.id.as_str(), self.row.to_json()).await?),
            (false, _) => drop(table.insert(self.row.to_json()).await?),
        }
        Ok(())
    }
}

impl Vault {
    /// The counts of one token: from where it is tried, and from wherever.
    fn counts(&self, keyring: &Keyring, token_hash: &str) -> [Count; 2] {
        let limits = self.inner.options.attempts;
        let (token, from) = (
            token_hash.as_bytes(),
            self.client.as_deref().unwrap_or_default().as_bytes(),
        );
        [
            Count {
                key: key(keyring, &[b"token and client", token, from]),
                free: limits.per_token_and_client,
            },
            Count {
                key: key(keyring, &[b"token", token]),
                free: limits.per_token,
            },
        ]
    }

    /// The count of where it is called from; none if nobody said where that is.
    fn client_count(&self, keyring: &Keyring) -> Option<Count> {
        self.client.as_deref().map(|client| Count {
            key: key(keyring, &[b"client", client.as_bytes()]),
            free: self.inner.options.attempts.per_client,
        })
    }

    /// Counts an attempt at each of some tokens, as one, and answers those at which none may be made: these are not counted. As long
    /// as others that are looked at now may turn out to be right, it waits for them: a right password is never refused for
    /// other right ones.
    ///
    /// # Errors
    /// [`VaultError::Busy`] if those take too long.
    pub(super) async fn charge(&self, keyring: &Keyring, hashes: &[&str]) -> Result<Barred, VaultError> {
        let (began, mut pause) = (Instant::now(), PAUSE.0);
        loop {
            if let Some(barred) = self.try_charge(keyring, hashes).await? {
                return Ok(barred);
            }
            if began.elapsed() > TURN_MAX {
                return Err(VaultError::Busy);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// As [`Vault::charge`]; none, and nothing is counted, if it has to wait for others.
    async fn try_charge(&self, keyring: &Keyring, hashes: &[&str]) -> Result<Option<Barred>, VaultError> {
        let limits = self.inner.options.attempts;
        let charged = self.store.transaction(async |tx| {
            let (now, table) = (self.now(), tx.table(ATTEMPTS)?);
            let mut barred = Barred::new();
            let mut client = match self.client_count(keyring) {
                Some(count) => Some(count.kept(&table).await?),
                None => None,
            };
            if client.as_ref().is_some_and(|kept| kept.is_undecided(now)) {
                return Ok(None);
            }
            let wait = client.as_ref().map_or(0, |kept| kept.row.until - now);
            if wait > 0 {
                barred.extend(hashes.iter().map(|hash| ((*hash).to_owned(), wait)));
                return Ok(Some(barred));
            }
            for hash in hashes {
                let [from, whole] = self.counts(keyring, hash);
                let mut counts = [from.kept(&table).await?, whole.kept(&table).await?];
                if counts.iter().any(|kept| kept.is_undecided(now)) {
                    tx.rollback();
                    return Ok(None);
                }
                let wait = counts.iter().map(|kept| kept.row.until - now).max();
                if let Some(wait) = wait.filter(|wait| *wait > 0) {
                    barred.insert((*hash).to_owned(), wait);
                    continue;
                }
                for kept in &mut counts {
                    kept.charge(&limits, now);
                }
                for kept in counts {
                    kept.put(&table).await?;
                }
            }
            if let Some(mut kept) = client.take().filter(|_| barred.len() < hashes.len()) {
                kept.charge(&limits, now);
                kept.put(&table).await?;
            }
            Ok(Some(barred))
        });
        Ok(charged.await?)
    }

    /// Counts an attempt at one token.
    ///
    /// # Errors
    /// [`VaultError::TooManyAttempts`]: then it must not be made, and is not counted.
    pub(super) async fn charge_one(&self, keyring: &Keyring, token_hash: &str) -> Result<(), VaultError> {
        let barred = self.charge(keyring, &[token_hash]).await?;
        match barred.get(token_hash) {
            Some(&retry_after_ms) => Err(VaultError::TooManyAttempts { retry_after_ms }),
            None => Ok(()),
        }
    }

    /// Takes back what was counted for attempts that could not be made.
    pub(super) async fn take_back(&self, keyring: &Keyring, hashes: &[&str]) -> Result<(), VaultError> {
        let taken = self.store.transaction(async |tx| {
            let table = tx.table(ATTEMPTS)?;
            for hash in hashes {
                for count in self.counts(keyring, hash) {
                    let mut kept = count.kept(&table).await?;
                    kept.take_back();
                    kept.put(&table).await?;
                }
            }
            self.settle(keyring, &table, true, 0).await
        });
        Ok(taken.await?)
    }

    /// Ends a call that was counted, or goes on with one: where it came from is charged for what its password did not open, and for
    /// nothing else.
    async fn settle(
        &self,
        keyring: &Keyring,
        table: &TransactionTable,
        first: bool,
        wrong: u64,
    ) -> Result<(), Error> {
        let Some(count) = self.client_count(keyring) else {
            return Ok(());
        };
        let mut kept = count.kept(table).await?;
        let limits = self.inner.options.attempts;
        if first {
            kept.take_back();
        }
        kept.row.failures += wrong;
        if wrong > 0 {
            kept.row.until = kept.row.at + limits.wait_ms(kept.row.failures, kept.free);
        }
        kept.put(table).await
    }

    /// Removes counts so old that they count for nothing.
    pub(super) async fn forget_attempts(&self) -> Result<(), VaultError> {
        let before = self.now() - self.inner.options.attempts.longest_wait_ms;
        let query = Query::new().filter("at", Operator::Lt, before);
        loop {
            let table = self.store.table(ATTEMPTS)?;
            let window = PageWindow::After(None);
            let page = table
                .page(&query, Scope::Live, window, FORGOTTEN_AT_ONCE, Counting::None)
                .await?;
            let forgotten = self.store.transaction(async |tx| {
                let table = tx.table(ATTEMPTS)?;
                for record in &page.records {
                    let now = table.get(record.key()).await?;
                    let now = now.as_ref().map(AttemptRow::of).transpose()?;
                    if now.is_some_and(|now| now.at < before) {
                        table.delete(record.key()).await?;
                    }
                }
                Ok(())
            });
            forgotten.await?;
            if !page.has_more {
                return Ok(());
            }
        }
    }
}

impl Step<'_> {
    /// Ends an attempt at a token that was counted. One that was right takes back what was counted: from this place all but those that
    /// are still looked at, elsewhere its own.
    pub(super) async fn settle(&self, token_hash: &str, right: bool) -> Result<(), VaultError> {
        let keyring = self.keyring()?;
        let table = self.table(ATTEMPTS)?;
        for (at, count) in self.vault.counts(keyring, token_hash).into_iter().enumerate() {
            let mut kept = count.kept(&table).await?;
            match right {
                true => kept.take_back(),
                false => kept.row.pending = kept.row.pending.saturating_sub(1),
            }
            if right && at == 0 {
                kept.row.failures = kept.row.pending.min(kept.row.failures);
            }
            kept.put(&table).await?;
        }
        Ok(())
    }

    /// Ends a call that was counted, of which so many attempts were wrong; or goes on with one, if this is not the first that is
    /// written of it.
    pub(super) async fn settle_call(&self, first: bool, wrong: u64) -> Result<(), VaultError> {
        let table = self.table(ATTEMPTS)?;
        Ok(self.vault.settle(self.keyring()?, &table, first, wrong).await?)
    }
}

fn key(keyring: &Keyring, parts: &[&[u8]]) -> String {
    hex(&keyring.mac.mac(MacPurpose::Attempts, parts))
}
