//! The audit: a row for everything that is done, in the commit that does it. Rows carry a code that only the vault can make, and
//! are gathered in segments of which each carries the code of the one before. It decides nothing.
//!
//! What is only looked at leaves a row too, one for each call, in a commit of its own.
//!
//! Which segment is open is told by one record, which every operation reads: if a segment is closed meanwhile, the operation is
//! done again, in the next one. So once a segment is closed, no row comes to it any more, and what is missing was taken out.

use chancery_model::filter::Operator;
use chancery_model::query::{Query, Scope};
use serde::Serialize;
use uuid::Uuid;

use super::cells::CELL;
use super::error::VaultError;
use super::keyring::Keyring;
use super::lookup::is_id;
use super::tables::{AUDIT, AuditRow, HEAD, Row, SEGMENTS, SecretRow, SegmentRow, hex};
use super::verify::Findings;
use super::{Step, Vault};
use crate::cursor;
use crate::reads::{Count, PageWindow};
use crate::transaction::Transaction;

/// What is done to the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is the operation of that name")]
pub enum VaultOp {
    Create,
    Read,
    Update,
    Renew,
    SoftDelete,
    Restore,
    Delete,
    Expire,
    RollBack,
    DestroyVersion,
    Wrap,
    Unwrap,
    ChangePassword,
    RotateKey,
    RetireKey,
    AddRoot,
    RemoveRoot,
    ChangeSetting,
    Open,
    Reveal,
    Job,
    Verify,
    Purge,
    EncryptColumn,
    DecryptColumn,
    List,
    Find,
    Status,
    Versions,
    Census,
}

impl VaultOp {
    /// Its name in the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            VaultOp::Create => "create",
            VaultOp::Read => "read",
            VaultOp::Update => "update",
            VaultOp::Renew => "renew",
            VaultOp::SoftDelete => "softDelete",
            VaultOp::Restore => "restore",
            VaultOp::Delete => "delete",
            VaultOp::Expire => "expire",
            VaultOp::RollBack => "rollBack",
            VaultOp::DestroyVersion => "destroyVersion",
            VaultOp::Wrap => "wrap",
            VaultOp::Unwrap => "unwrap",
            VaultOp::ChangePassword => "changePassword",
            VaultOp::RotateKey => "rotateKey",
            VaultOp::RetireKey => "retireKey",
            VaultOp::AddRoot => "addRoot",
            VaultOp::RemoveRoot => "removeRoot",
            VaultOp::ChangeSetting => "changeSetting",
            VaultOp::Open => "open",
            VaultOp::Reveal => "reveal",
            VaultOp::Job => "job",
            VaultOp::Verify => "verify",
            VaultOp::Purge => "purge",
            VaultOp::EncryptColumn => "encryptColumn",
            VaultOp::DecryptColumn => "decryptColumn",
            VaultOp::List => "list",
            VaultOp::Find => "find",
            VaultOp::Status => "status",
            VaultOp::Versions => "versions",
            VaultOp::Census => "census",
        }
    }
}

/// The look-ups, by their names in the audit: they need no key, so a sealed vault answers them and cannot sign that it did.
const LOOK_UPS: [VaultOp; 5] = [
    VaultOp::List,
    VaultOp::Find,
    VaultOp::Status,
    VaultOp::Versions,
    VaultOp::Census,
];

/// The operations after which a secret is gone.
const REMOVALS: [VaultOp; 2] = [VaultOp::Delete, VaultOp::Purge];

impl AuditRow {
    /// Whether it may be without a code: a sealed vault answers look-ups and refuses all else.
    pub(super) fn may_be_unsigned(&self) -> bool {
        self.outcome != "ok" || LOOK_UPS.iter().any(|op| op.as_str() == self.op)
    }

    /// Whether the secret is gone since.
    pub(super) fn removes(&self) -> bool {
        self.outcome == "ok" && REMOVALS.iter().any(|op| op.as_str() == self.op)
    }
}

/// Whether look-ups are written down: lists and counts, what is known of a secret, its state and versions, and what keys hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LookUps {
    /// Each call, before it is answered. One that cannot be written down, as in a database that can only be read, is answered all
    /// the same, and told in the log of the program.
    #[default]
    Audited,
    /// They are not.
    Unaudited,
}

/// What was done to which secret, for the audit.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) op: VaultOp,
    pub(super) secret: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) row_version: Option<u64>,
}

impl Event {
    pub(super) fn new(op: VaultOp) -> Event {
        Event {
            op,
            secret: None,
            version: None,
            row_version: None,
        }
    }

    pub(super) fn of(op: VaultOp, secret: &SecretRow) -> Event {
        Event {
            op,
            secret: Some(secret.id.clone()),
            version: Some(secret.version),
            row_version: Some(secret.row_version),
        }
    }
}

/// An entry of the audit as people see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id; later ones are greater.
    pub id: String,
    /// When, in ms since 1970.
    pub at: i64,
    /// What was done.
    pub op: String,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// The id of the user or API key.
    pub actor: Option<String>,
    /// Where from, as the caller told it.
    pub client: Option<String>,
    /// The id of the secret.
    pub secret: Option<String>,
    /// The version of the secret that was current.
    pub version: Option<u64>,
}

/// One page of the audit, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What walking the audit found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Closed segments that were walked.
    pub segments: u64,
    /// Entries that were looked at.
    pub entries: u64,
    /// Secrets that were compared with the audit.
    pub secrets: u64,
    /// What is wrong; empty if all is well.
    pub faults: Vec<String>,
    /// The number and the code of the last closed segment: kept elsewhere, it shows later that nothing before it was changed.
    pub head: Option<AuditHead>,
}

/// The last closed segment of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditHead {
    /// Its number.
    pub segment: u64,
    /// Its code: 64 hexadecimal digits.
    pub code: String,
}

impl std::fmt::Display for AuditHead {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.segment, self.code)
    }
}

/// Most segments that are closed and not chained: a program that ends leaves one, or as many as it made keys.
const UNCHAINED_MAX: u64 = 1_000;
/// Rows that are read at once.
pub(super) const ROWS_AT_ONCE: u64 = 1_000;

/// The number of the open segment, as the transaction sees it: if it is closed meanwhile, the transaction is overtaken.
pub(super) async fn open_segment(tx: &Transaction) -> Result<u64, VaultError> {
    match tx.table(SEGMENTS)?.get(HEAD).await? {
        Some(record) => Ok(SegmentRow::of(&record)?.number),
        None => {
            let head = SegmentRow {
                id: HEAD.into(),
                number: 1,
                ..SegmentRow::default()
            };
            tx.table(SEGMENTS)?.insert(head.to_json()).await?;
            Ok(1)
        }
    }
}

impl Step<'_> {
    /// Notes what is done.
    pub(super) async fn note(&self, event: Event, outcome: &str) -> Result<(), VaultError> {
        let mut row = self.vault.entry(event, outcome, self.segment);
        if let Some(keyring) = &self.keyring {
            row = row.signed(&keyring.mac);
        }
        self.tx.table(AUDIT)?.insert(row.to_json()).await?;
        Ok(())
    }
}

impl Vault {
    /// An entry of the audit, without a code.
    pub(super) fn entry(&self, event: Event, outcome: &str, segment: u64) -> AuditRow {
        AuditRow {
            id: Uuid::now_v7().to_string(),
            segment,
            at: self.now(),
            op: event.op.as_str().into(),
            outcome: outcome.into(),
            actor: self.store.actor.id.as_ref().map(ToString::to_string),
            client: self.client.as_ref().map(ToString::to_string),
            secret: event.secret,
            version: event.version,
            row_version: event.row_version,
            ..AuditRow::default()
        }
    }

    /// The audit, newest first, of one secret or of all.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] for a place that is none, [`VaultError::Store`].
    pub async fn audit(
        &self,
        secret: Option<&str>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<AuditPage, VaultError> {
        if !(1..=ROWS_AT_ONCE).contains(&limit) {
            let message = format!("limit is 1 to {ROWS_AT_ONCE}, not {limit}");
            return Err(VaultError::Invalid(vec![super::issue("limit", message)]));
        }
        let mut query = Query::new().descending("id");
        if let Some(secret) = secret {
            if !is_id(secret) && !secret.starts_with(CELL) {
                return Ok(AuditPage {
                    entries: Vec::new(),
                    next: None,
                });
            }
            query = query.filter("secret", Operator::Eq, secret);
        }
        let table = self.store.table(AUDIT)?;
        let definition = table.definition()?;
        let boundary = match after {
            None => None,
            Some(text) => Some(cursor::decode(text, &definition, 1).ok_or_else(|| {
                VaultError::Invalid(vec![super::issue("cursor", "It is no place of the audit")])
            })?),
        };
        let page = table
            .page(
                &query,
                Scope::Live,
                PageWindow::After(boundary),
                limit,
                Count::None,
            )
            .await?;
        let rows = page.records.iter().map(AuditRow::of);
        let entries: Result<Vec<AuditEntry>, _> = rows.map(|row| row.map(entry)).collect();
        Ok(AuditPage {
            entries: entries?,
            next: page
                .next
                .filter(|_| page.has_more)
                .map(|place| cursor::encode(&place)),
        })
    }

    /// Closes the open segment if it has rows, and chains it to the one before. Returns its number and code.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn seal_audit(&self) -> Result<Option<AuditHead>, VaultError> {
        let keyring = self.keyring()?;
        let segments = self.store.table(SEGMENTS)?;
        let Some(head) = segments.get(HEAD).await? else {
            return Ok(None);
        };
        let head = SegmentRow::of(&head)?;
        if self.rows_of(head.number, 1).await?.is_empty() {
            if head.number > 1 {
                // A program may have ended before it was chained.
                self.chain(&keyring, head.number - 1).await?;
            }
            return self.last_segment(head.number).await;
        }
        // From here on, no row comes to it.
        let closed = self
            .store
            .transaction(async |tx| {
                let now = tx.table(SEGMENTS)?.get(HEAD).await?;
                let now = now.map(|record| SegmentRow::of(&record)).transpose()?;
                if now.is_some_and(|now| now.number == head.number) {
                    let next = serde_json::json!({"number": head.number + 1});
                    tx.table(SEGMENTS)?.update(HEAD, next).await?;
                }
                Ok(())
            })
            .await;
        closed?;
        self.chain(&keyring, head.number).await?;
        self.last_segment(head.number + 1).await
    }

    /// Writes the segments that are closed and not chained yet: one, or more if a program ended in between.
    async fn chain(&self, keyring: &Keyring, last: u64) -> Result<(), VaultError> {
        let segments = self.store.table(SEGMENTS)?;
        if segments.get(segment_key(last)).await?.is_some() {
            return Ok(());
        }
        let mut first = last;
        while first > 1 && segments.get(segment_key(first - 1)).await?.is_none() {
            first -= 1;
            if last - first > UNCHAINED_MAX {
                return Err(VaultError::Tampered {
                    what: "the end of the audit",
                });
            }
        }
        for number in first..=last {
            if segments.get(segment_key(number)).await?.is_some() {
                continue;
            }
            let previous = match number {
                1 => String::new(),
                _ => match segments.get(segment_key(number - 1)).await? {
                    Some(record) => SegmentRow::of(&record)?.mac,
                    None => String::new(),
                },
            };
            let (rows, root) = self.gather(keyring, number, &mut Findings::default()).await?;
            let mut segment = SegmentRow {
                id: segment_key(number),
                number,
                rows,
                root,
                previous,
                at: self.now(),
                mac: String::new(),
            };
            segment.mac = hex(&segment.code(&keyring.mac));
            match segments.insert(segment.to_json()).await {
                // Another process chained it.
                Err(crate::Error::KeyTaken { .. }) => {}
                inserted => drop(inserted?),
            }
        }
        Ok(())
    }

    async fn rows_of(&self, segment: u64, limit: u64) -> Result<Vec<crate::Record>, VaultError> {
        let filter = serde_json::json!({ "segment": segment });
        Ok(self.store.table(AUDIT)?.first_where(filter, limit).await?)
    }

    async fn last_segment(&self, open: u64) -> Result<Option<AuditHead>, VaultError> {
        let Some(number) = open.checked_sub(1).filter(|number| *number > 0) else {
            return Ok(None);
        };
        let found = self.store.table(SEGMENTS)?.get(segment_key(number)).await?;
        let row = found.map(|record| SegmentRow::of(&record)).transpose()?;
        Ok(row.map(|row| AuditHead {
            segment: row.number,
            code: row.mac,
        }))
    }
}

/// The key of a closed segment, in the order of the numbers.
pub(super) fn segment_key(number: u64) -> String {
    format!("{number:016}")
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.at,
        op: row.op,
        outcome: row.outcome,
        actor: row.actor,
        client: row.client,
        secret: row.secret,
        version: row.version,
    }
}
