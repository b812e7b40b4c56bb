//! Slowing down who guesses: each failure of a name makes the next wait longer. Counted in the store, so that a restart and
//! the other processes on one database know of it too. Names are kept as fingerprints: who tried is nobody's business.

use chancery_storage::{Document, DocumentWrite, StorageError};
use chancery_vault::credentials::Fingerprint;
use serde::{Deserialize, Serialize};

use super::{Access, AccessError, body, now_ms, read};
use crate::sweep::removal;

/// The kind of the documents that count.
const KIND: &str = "attempts";
/// Attempts of one name that cost nothing; people mistype.
const FREE_PER_NAME: u32 = 5;
/// Attempts from one address that cost nothing; many people may share it.
const FREE_PER_ADDRESS: u32 = 20;
/// The wait after the first attempt that costs, in ms; it doubles with each.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait, in ms.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// How long attempts are remembered after the last one, in ms.
const REMEMBER_MS: i64 = 3_600_000;
/// How often an attempt is counted anew because others were counted at the same moment; beyond it, it has to wait.
const COUNTED_ANEW_MAX: u32 = 64;

/// An attempt that was counted as a failure before it began, so that many at once are no way around the limit.
/// [`Attempt::succeeded`] takes that back.
pub struct Attempt<'a> {
    access: &'a Access,
    names: Vec<Name>,
}

struct Name {
    id: String,
    free: u32,
}

/// What is remembered of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    count: u32,
    last_at: i64,
}

impl Counted {
    /// When the next attempt may begin. A clock that was set back must not make it later than the longest wait.
    fn until(self, free: u32, now: i64) -> i64 {
        self.last_at.min(now) + wait_ms(self.count, free)
    }

    fn after(self, now: i64) -> Counted {
        let stale = now - self.last_at >= REMEMBER_MS;
        Counted {
            count: if stale { 1 } else { self.count.saturating_add(1) },
            last_at: now,
        }
    }
}

fn wait_ms(count: u32, free: u32) -> i64 {
    match count.checked_sub(free) {
        None => 0,
        Some(beyond) => (FIRST_WAIT_MS << beyond.min(20)).min(LONGEST_WAIT_MS),
    }
}

impl Access {
    /// Begins an attempt to prove something: of a name (`sign in as …`), from an address. An address is let fail more often
    /// than a name, as many people may share it.
    ///
    /// # Errors
    /// [`AccessError::TooMany`] when the name or the address has failed too often, with how long to wait;
    /// [`AccessError::Storage`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use chancery::{Store, access::AccessError};
    /// let store = Store::open("memory:").await?;
    /// for _ in 0..5 {
    ///     store.access().attempt("sign in as ada", None).await?; // each fails
    /// }
    /// let refused = store.access().attempt("sign in as ada", None).await;
    /// assert!(matches!(refused, Err(AccessError::TooMany { seconds: 1 })));
    /// # Ok(()) }
    /// ```
    pub async fn attempt(&self, name: &str, address: Option<&str>) -> Result<Attempt<'_>, AccessError> {
        let named = |name: &str, free: u32| Name {
            id: Fingerprint::of(name.as_bytes()).to_text(),
            free,
        };
        let mut names = vec![named(name, FREE_PER_NAME)];
        names.extend(address.map(|address| named(address, FREE_PER_ADDRESS)));
        for _ in 0..COUNTED_ANEW_MAX {
            match self.count(&names).await {
                Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => {}
                done => return done.map(|()| Attempt { access: self, names }),
            }
        }
        Err(AccessError::TooMany { seconds: 1 })
    }

    /// Counts one attempt of each name, if none of them has to wait.
    async fn count(&self, names: &[Name]) -> Result<(), AccessError> {
        let now = now_ms();
        let mut writes = Vec::with_capacity(names.len());
        let mut until = now;
        for name in names {
            let kept = self.document(KIND, &name.id).await?;
            let counted: Counted = kept.as_ref().map(read).transpose()?.unwrap_or_default();
            until = until.max(counted.until(name.free, now));
            let version = kept.map_or(0, |document| document.version);
            writes.push(put(&name.id, counted.after(now), version)?);
        }
        if until > now {
            let seconds = (until - now).unsigned_abs().div_ceil(1_000);
            return Err(AccessError::TooMany { seconds });
        }
        if self.attempts_swept.is_due(now) {
            writes.extend(self.forgotten(names, now).await?);
        }
        self.write(writes).await
    }

    /// Removes the counts that are not remembered any longer, but for those of names that are being counted again.
    async fn forgotten(&self, again: &[Name], now: i64) -> Result<Vec<DocumentWrite>, AccessError> {
        let all = self.all::<Counted>(KIND).await?;
        let old = all.into_iter().filter(|(document, counted)| {
            now - counted.last_at >= REMEMBER_MS && again.iter().all(|name| name.id != document.id)
        });
        Ok(old.map(|(document, _)| removal(document)).collect())
    }
}

impl Attempt<'_> {
    /// Forgets the failures of the name, and that this one came from the address. Best effort: what is not taken back here
    /// costs a wait later, at worst.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn succeeded(self) -> Result<(), AccessError> {
        let mut writes = Vec::with_capacity(self.names.len());
        for (place, name) in self.names.iter().enumerate() {
            let Some(kept) = self.access.document(KIND, &name.id).await? else {
                continue;
            };
            let mut counted: Counted = read(&kept)?;
            counted.count = counted.count.saturating_sub(1);
            writes.push(if place == 0 || counted.count == 0 {
                removal(kept)
            } else {
                put(&name.id, counted, kept.version)?
            });
        }
        match self.access.write(writes).await {
            Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => Ok(()),
            done => done,
        }
    }
}

fn put(id: &str, counted: Counted, version: u64) -> Result<DocumentWrite, AccessError> {
    Ok(DocumentWrite::Put {
        document: Document {
            kind: KIND.into(),
            id: id.into(),
            lookup: None,
            body: body(&counted)?,
            version: 0,
        },
        expected: Some(version),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = [4, 5, 7, 60].map(|count| wait_ms(count, FREE_PER_NAME));
        assert_eq!(waits, [0, FIRST_WAIT_MS, FIRST_WAIT_MS * 4, LONGEST_WAIT_MS]);
    }

    #[test]
    fn a_clock_that_was_set_back_waits_no_longer_than_the_longest() {
        let counted = Counted {
            count: 60,
            last_at: i64::MAX / 2,
        };
        assert_eq!(counted.until(FREE_PER_NAME, 7), 7 + LONGEST_WAIT_MS);
    }

    #[tokio::test]
    async fn a_name_that_is_counted_again_is_not_swept_away_with_what_was_forgotten() {
        let store = crate::Store::open("memory:").await.expect("a store opens");
        let id = |name: &str| Fingerprint::of(name.as_bytes()).to_text();
        let old = Counted { count: 9, last_at: 0 };
        let access = store.access();
        let old = ["ada", "bob"].map(|name| put(&id(name), old, 0).expect("a document"));
        access.write(old.into()).await.expect("written");
        access.attempt("ada", None).await.expect("begun");
        let counted = access.document(KIND, &id("ada")).await.expect("read");
        let counted: Counted = read(&counted.expect("it is counted")).expect("a count");
        assert_eq!(counted.count, 1);
        assert!(access.document(KIND, &id("bob")).await.expect("read").is_none());
    }

    #[test]
    fn an_hour_of_peace_is_forgiven() {
        let counted = Counted { count: 9, last_at: 0 };
        assert_eq!(counted.after(REMEMBER_MS - 1).count, 10);
        assert_eq!(counted.after(REMEMBER_MS).count, 1);
    }
}
