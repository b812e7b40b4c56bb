//! Checking the audit: the chain of its segments and the code of each entry, and every secret with what the entries say of it. It
//! changes nothing but that the open segment is closed.

use std::collections::HashMap;

use chancery_model::filter::Operator;
use chancery_model::query::{Query, Scope};
use chancery_vault::keys::MacPurpose;
use uuid::Uuid;

use super::Vault;
use super::audit::{AuditHead, AuditReport, ROWS_AT_ONCE, segment_key};
use super::error::VaultError;
use super::keyring::Keyring;
use super::tables::{
    AUDIT, AuditRow, HEAD, Row, SECRETS, SEGMENTS, SecretRow, SegmentRow, Told, VERSIONS, VersionRow, hex,
};
use crate::reads::{Count, PageWindow};
use crate::record::Record;

/// Most faults that a report names.
const FAULTS_TOLD_MAX: usize = 100;
/// Secrets whose versions are read at once, with what they hold.
const SECRETS_AT_ONCE: usize = 32;

/// What was found so far: faults, and what the entries say of each secret.
#[derive(Default)]
pub(super) struct Findings {
    faults: Vec<String>,
    secrets: HashMap<Uuid, Newest>,
}

/// What the newest entry about a secret says.
#[derive(Clone, Copy, Default)]
struct Newest {
    row_version: u64,
    /// It was deleted for good.
    gone: bool,
    /// It was compared.
    seen: bool,
}

impl Findings {
    fn tell(&mut self, fault: impl FnOnce() -> String) {
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(fault());
        }
    }

    /// Notes what a genuine entry says of secrets.
    fn learn(&mut self, row: &AuditRow) {
        let told = row.secrets.as_deref().map(Told::of).unwrap_or_default();
        let own = row.secret.clone().zip(row.row_version);
        for (id, row_version) in told.0.into_iter().chain(own) {
            let Ok(id) = Uuid::parse_str(&id) else { continue };
            let newest = self.secrets.entry(id).or_default();
            if row_version > newest.row_version {
                (newest.row_version, newest.gone) = (row_version, row.removes());
            }
        }
    }
}

impl Vault {
    /// Walks the audit from its beginning and compares the secrets with it: tells entries that were altered or taken out, secrets that
    /// were altered or whose versions were, secrets that are older or newer than the audit says, and secrets that are gone without
    /// an entry. It holds about 50 bytes for each secret that there ever was. With the code of a segment that was kept elsewhere, it
    /// also tells whether everything up to there is what it was.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn verify_audit(&self, kept: Option<&AuditHead>) -> Result<AuditReport, VaultError> {
        let keyring = self.keyring()?;
        let head = self.seal_audit().await?;
        let mut report = AuditReport {
            head: head.clone(),
            ..AuditReport::default()
        };
        let mut findings = Findings::default();
        let segments = self.store.table(SEGMENTS)?;
        let last = head.map_or(0, |head| head.segment);
        let mut previous = String::new();
        for number in 1..=last {
            let Some(record) = segments.get(segment_key(number)).await? else {
                findings.tell(|| format!("segment {number} of the audit is missing"));
                previous.clear();
                continue;
            };
            let segment = SegmentRow::of(&record)?;
            if segment.mac != hex(&segment.code(&keyring.mac)) {
                findings.tell(|| format!("segment {number} of the audit was altered"));
            }
            if segment.previous != previous {
                findings.tell(|| format!("segment {number} of the audit does not follow the one before"));
            }
            if kept.is_some_and(|kept| kept.segment == number && kept.code != segment.mac) {
                findings
                    .tell(|| format!("segment {number} of the audit is not the one that was kept elsewhere"));
            }
            let (rows, root) = self.gather(&keyring, number, &mut findings).await?;
            if rows != segment.rows {
                let had = segment.rows;
                findings.tell(|| format!("segment {number} of the audit had {had} entries and has {rows}"));
            } else if root != segment.root {
                findings.tell(|| format!("entries of segment {number} of the audit were altered"));
            }
            report.segments += 1;
            report.entries += rows;
            previous = segment.mac;
        }
        if let Some(kept) = kept.filter(|kept| kept.segment > last) {
            let segment = kept.segment;
            findings.tell(|| format!("the audit ends before segment {segment}, which was kept elsewhere"));
        }
        self.compare(&keyring, &mut report, &mut findings).await?;
        report.faults = findings.faults;
        Ok(report)
    }

    /// How many rows a segment has, and the code over all of them in their order. Rows that are not genuine are told.
    pub(super) async fn gather(
        &self,
        keyring: &Keyring,
        segment: u64,
        findings: &mut Findings,
    ) -> Result<(u64, String), VaultError> {
        let (mut count, mut root) = (0, [0; 32]);
        let mut after = None;
        let query = Query::new()
            .filter("segment", Operator::Eq, segment)
            .ascending("id");
        loop {
            let window = PageWindow::After(after);
            let table = self.store.table(AUDIT)?;
            let page = table
                .page(&query, Scope::Live, window, ROWS_AT_ONCE, Count::None)
                .await?;
            for record in &page.records {
                let row = AuditRow::of(record)?;
                let code = row.code(&keyring.mac);
                // Of rows that were written while the vault was sealed, only that they are there can be told. Nothing is
                // changed while it is.
                let unsigned = row.mac.is_empty() && row.may_be_unsigned();
                if row.mac == hex(&code) {
                    findings.learn(&row);
                } else if !unsigned {
                    findings.tell(|| format!("entry {} of the audit was altered", row.id));
                }
                root = keyring.mac.mac(MacPurpose::Audit, &[b"chain", &root, &code]);
                count += 1;
            }
            after = page.next;
            if !page.has_more {
                return Ok((count, hex(&root)));
            }
        }
    }

    /// Compares each secret with the newest entry of the audit about it, and its versions with what it says of them.
    async fn compare(
        &self,
        keyring: &Keyring,
        report: &mut AuditReport,
        findings: &mut Findings,
    ) -> Result<(), VaultError> {
        let (mut after, mut unknown) = (None, Vec::new());
        loop {
            let table = self.store.table(SECRETS)?;
            let window = PageWindow::After(after);
            let page = table
                .page(&Query::new(), Scope::Live, window, ROWS_AT_ONCE, Count::None)
                .await?;
            for records in page.records.chunks(SECRETS_AT_ONCE) {
                report.secrets += records.len() as u64;
                self.compare_some(keyring, records, findings, &mut unknown)
                    .await?;
            }
            after = page.next;
            if !page.has_more {
                break;
            }
        }
        let mut missing = Vec::new();
        for (id, newest) in &findings.secrets {
            let id = id.to_string();
            if !newest.seen && !newest.gone && self.store.table(SECRETS)?.get(id.as_str()).await?.is_none() {
                missing.push(id);
            }
        }
        // What was made or deleted meanwhile has its entry in a segment that was opened since.
        let head = self.store.table(SEGMENTS)?.get(HEAD).await?;
        let open = head.map(|head| SegmentRow::of(&head)).transpose()?;
        let open = open.map_or(0, |open| open.number);
        for number in report.head.as_ref().map_or(0, |head| head.segment) + 1..=open {
            self.gather(keyring, number, findings).await?;
        }
        let of = |findings: &Findings, id: &String| {
            let id = Uuid::parse_str(id).ok();
            id.and_then(|id| findings.secrets.get(&id).copied())
        };
        for (id, row_version) in unknown {
            match of(findings, &id) {
                None => findings.tell(|| format!("secret {id} is not in the audit: it was added")),
                Some(newest) if newest.row_version < row_version => findings
                    .tell(|| format!("secret {id} is newer than the audit says: an entry was taken out")),
                Some(_) => {}
            }
        }
        for id in missing {
            if of(findings, &id).is_some_and(|newest| !newest.gone) {
                findings
                    .tell(|| format!("secret {id} is gone, and the audit does not say that it was deleted"));
            }
        }
        Ok(())
    }

    /// As [`Vault::compare`], of some secrets; those of whose newest state no entry says anything are added to the
    /// unknown ones.
    async fn compare_some(
        &self,
        keyring: &Keyring,
        secrets: &[Record],
        findings: &mut Findings,
        unknown: &mut Vec<(String, u64)>,
    ) -> Result<(), VaultError> {
        let ids: Vec<String> = secrets.iter().map(Record::id).collect();
        let query = Query::new().filter("secret", Operator::In, ids);
        let mut versions: HashMap<String, Vec<VersionRow>> = HashMap::new();
        for record in self.store.table(VERSIONS)?.select(&query).await? {
            let Ok(version) = VersionRow::of(&record) else {
                continue;
            };
            versions.entry(version.secret.clone()).or_default().push(version);
        }
        for record in secrets {
            let id = record.id();
            let newest = Uuid::parse_str(&id)
                .ok()
                .and_then(|id| findings.secrets.get_mut(&id));
            let known = newest.map(|newest| {
                newest.seen = true;
                newest.row_version
            });
            let row = match SecretRow::of(record) {
                Ok(row) if row.is_genuine(&keyring.mac) => row,
                _ => {
                    findings.tell(|| format!("secret {id} was altered"));
                    continue;
                }
            };
            match known {
                Some(known) if known > row.row_version => {
                    findings.tell(|| format!("secret {id} is older than the audit says: it was put back"));
                }
                Some(known) if known == row.row_version => {}
                _ => unknown.push((id.clone(), row.row_version)),
            }
            let versions = versions.remove(&id).unwrap_or_default();
            if row.owns_all(&versions, &keyring.mac) {
                continue;
            }
            // They were read after the secret, which may have changed in between.
            if let Err(VaultError::Tampered { .. }) = self.versions_of(&row).await {
                findings
                    .tell(|| format!("a version of secret {id} was altered, put back, added or taken out"));
            }
        }
        Ok(())
    }
}
