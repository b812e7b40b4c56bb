//! The second half of a read: it is counted and written down, and only then the value leaves. It opens nothing.

use chancery_vault::credentials::SecretBytes;

use super::audit::Event;
use super::error::VaultError;
use super::read::Revealed;
use super::tables::{SecretKind, SecretRow, VersionRow};
use super::{Step, Vault, VaultOp};
use crate::limits::TRANSACTION_WRITES_MAX;

/// What is asked of tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) op: VaultOp,
    pub(super) kind: SecretKind,
    pub(super) version: Option<u64>,
}

/// A secret that was asked for: its token hash, and what opening it gave.
pub(super) struct Opened {
    pub(super) hash: String,
    pub(super) row: Option<SecretRow>,
    /// Whether it needs a password, or would if it were there.
    pub(super) guarded: bool,
    /// Whether an attempt at it was counted.
    pub(super) counted: bool,
    /// Whether no attempt may be made at it now.
    pub(super) barred: bool,
    pub(super) outcome: Result<(VersionRow, SecretBytes), VaultError>,
}

/// Records that one transaction writes at most when it counts reads.
const WRITES_AT_ONCE: usize = TRANSACTION_WRITES_MAX / 2;

/// What was opened, with the places of the tokens, in groups that are small enough for one transaction.
pub(super) fn grouped(places: Vec<usize>, opened: Vec<Opened>) -> Vec<(Vec<usize>, Vec<Opened>)> {
    let (mut groups, mut writes) = (vec![(Vec::new(), Vec::new())], 0);
    for (place, one) in places.into_iter().zip(opened) {
        let needed = one.writes();
        if writes + needed > WRITES_AT_ONCE && writes > 0 {
            groups.push((Vec::new(), Vec::new()));
            writes = 0;
        }
        writes += needed;
        if let Some((places, opened)) = groups.last_mut() {
            places.push(place);
            opened.push(one);
        }
    }
    groups
}

impl Opened {
    /// The most records that counting it writes: its entry, its two counts of attempts, its secret, and its versions if
    /// nobody can read them then.
    fn writes(&self) -> usize {
        let limited = self.row.as_ref().filter(|row| row.reads_left.is_some());
        4 + limited.map_or(0, |row| row.versions.len())
    }

    pub(super) fn bar(&mut self, error: VaultError) {
        self.barred = true;
        self.outcome = Err(error);
    }
}

impl Vault {
    /// Counts the reads and writes them down as one transaction, and answers the values then; none if a secret changed meanwhile.
    /// The first one of a call ends what was counted for where that comes from.
    pub(super) async fn release(
        &self,
        asked: Asked,
        opened: Vec<Opened>,
        first: bool,
    ) -> Result<Option<Vec<Result<Revealed, VaultError>>>, VaultError> {
        let counted = self
            .attempt(async |step| {
                let mut left = Vec::with_capacity(opened.len());
                for one in &opened {
                    let Some(reads) = step.count(asked, one).await? else {
                        // Nor are those before it read yet.
                        step.tx.rollback();
                        return Ok(None);
                    };
                    left.push(reads);
                }
                if opened.iter().any(|one| one.counted) {
                    let wrong = opened.iter().filter(|one| one.counted && one.outcome.is_err());
                    step.settle_call(first, wrong.count() as u64).await?;
                }
                Ok(Some(left))
            })
            .await?;
        let Some(left) = counted else { return Ok(None) };
        let revealed = opened.into_iter().zip(left).map(|(one, left)| {
            let (version, value) = one.outcome?;
            let row = one.row.ok_or(VaultError::NotFound)?;
            Ok(Revealed {
                id: row.id,
                value,
                version: version.number,
                reads_left: left,
                data: row.data,
            })
        });
        Ok(Some(revealed.collect()))
    }
}

impl Step<'_> {
    /// Counts one read and writes it down; none if what was opened is not what the token stands for any more.
    async fn count(&self, asked: Asked, one: &Opened) -> Result<Option<Option<u64>>, VaultError> {
        let event = match &one.row {
            Some(row) => Event::of(asked.op, row),
            None => Event::new(asked.op),
        };
        let (row, version) = match (&one.row, &one.outcome) {
            (Some(row), Ok((version, _))) => (row, version),
            (row, outcome) => {
                let error = outcome.as_ref().err().unwrap_or(&VaultError::NotFound);
                if let (Some(row), true) = (row, error.is_of_the_version()) {
                    // The secret was read before its version: both have to be of one moment.
                    let now = self.secret(&row.id).await?;
                    if now.is_none_or(|now| now.row_version != row.row_version) {
                        return Ok(None);
                    }
                }
                if one.counted {
                    self.settle(&one.hash, false).await?;
                }
                self.note(event, error.code()).await?;
                return Ok(Some(None));
            }
        };
        let now = self.secret(&row.id).await?;
        let Some(now) = now.filter(|now| now.holds_what(row, version)) else {
            return Ok(None);
        };
        if now.readable(asked.kind, self.vault.now()).is_err() {
            return Ok(None);
        }
        if one.counted {
            self.settle(&row.token_hash, true).await?;
        }
        let event = Event {
            version: Some(version.number),
            ..Event::of(asked.op, &now)
        };
        let Some(left) = now.reads_left else {
            self.note(event, "ok").await?;
            return Ok(Some(None));
        };
        let left = left.saturating_sub(1);
        let mut next = now.clone();
        next.reads_left = Some(left);
        if asked.kind == SecretKind::Wrap {
            next.taken_at = Some(self.vault.now());
        }
        if left == 0 {
            // What nobody can read any more is not kept.
            self.destroy_all(&mut next).await?;
        }
        let next = self.put(&now, next).await?;
        let event = Event {
            row_version: Some(next.row_version),
            ..event
        };
        self.note(event, "ok").await?;
        Ok(Some(Some(left)))
    }
}

impl SecretRow {
    /// Whether it holds what it held when it was looked at, and a version too: reads that were counted meanwhile change nothing of
    /// that.
    fn holds_what(&self, seen: &SecretRow, version: &VersionRow) -> bool {
        let same = (self.version, self.setting, &self.token_hash, &self.password_hash)
            == (seen.version, seen.setting, &seen.token_hash, &seen.password_hash);
        same && self.versions.get(&version.number) == Some(&version.row_version)
    }
}

impl VaultError {
    /// Whether it was found at a version, whose secret looked well.
    fn is_of_the_version(&self) -> bool {
        matches!(
            self,
            VaultError::Version { .. } | VaultError::DecryptionFailed { .. } | VaultError::Tampered { .. }
        )
    }
}
