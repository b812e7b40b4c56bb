//! The doctor: everything that can be wrong with a database, found by looking at all of it, and the mending of what is made
//! from records alone. It changes no record.

use std::collections::HashMap;

use chancery_model::field::Storage;
use chancery_model::{Generated, Key, Record, Table, TableId, Value};
use chancery_storage::{Backend, Counter, Finding, FindingKind, Part};
use serde::Serialize;

use crate::error::Error;
use crate::limits::FINDINGS_MAX;
use crate::slow::SlowQuery;
use crate::store::Store;
use crate::transfer::{Carried, TransferPhase, TransferProgress, Watcher};

/// What the doctor saw.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// What is kept the records in: `sqlite` …
    pub backend: String,
    /// How much there is.
    pub carried: Carried,
    /// The tables, largest first.
    pub tables: Vec<TableSize>,
    /// The slowest queries that servers have seen, slowest first. They are no findings: nothing is wrong with the database.
    pub slow_queries: Vec<SlowQuery>,
    /// What is wrong, at most [`crate::limits::FINDINGS_MAX`].
    pub findings: Vec<Symptom>,
    /// How many there are in all.
    pub finding_count: u64,
}

/// How large a table is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableSize {
    /// The table's slug.
    pub table: String,
    /// Its workspace.
    pub workspace: String,
    /// Its records, trash and expired ones too.
    pub records: u64,
    /// Those in the trash.
    pub trash: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Symptom {
    /// What kind of thing, for programs: `missingIndex` …
    pub kind: &'static str,
    /// Where.
    pub place: String,
    /// What.
    pub detail: String,
    /// What to do next.
    pub next: &'static str,
    /// Whether it was mended just now.
    pub repaired: bool,
}

/// Whether to mend what can be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repair {
    /// Look only.
    #[default]
    No,
    /// Make anew what is made from records: indexes, full-text indexes, counters.
    Safe,
}

impl Diagnosis {
    /// Whether nothing is wrong any more.
    pub fn is_healthy(&self) -> bool {
        self.finding_count == 0
            || self.finding_count == self.findings.len() as u64
                && self.findings.iter().all(|one| one.repaired)
    }
}

/// A finding, and for a counter how many numbers it is behind.
struct Found {
    finding: Finding,
    behind: Option<(Counter, u64)>,
}

impl Store {
    /// Looks at everything there is: files, relations, indexes, every record and the whole change log.
    ///
    /// # Errors
    /// [`Error::Storage`] if it is damaged so badly that it cannot be read to its end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// let store = chancery::Store::open("memory:").await?;
    /// assert!(store.examine(Default::default(), &|_| {}).await?.is_healthy());
    /// # Ok(()) }
    /// ```
    pub async fn examine(&self, repair: Repair, watch: Watcher<'_>) -> Result<Diagnosis, Error> {
        let backend = &**self.backend();
        let physical = backend.examine().await?;
        let mut look = Look::default();
        for finding in physical {
            look.note(finding, None);
        }
        // Records of a relation that lacks something cannot be read to their end, and damage says enough by itself.
        let readable = look.found.iter().all(|found| {
            !matches!(
                found.finding.kind,
                FindingKind::Damage | FindingKind::MissingRelation | FindingKind::MissingColumn
            )
        });
        if readable {
            look.walk(backend, watch).await?;
        }
        let mut diagnosis = Diagnosis {
            backend: backend.name().into(),
            carried: look.carried,
            tables: look.sizes(),
            slow_queries: self.kept_slow_queries().await.unwrap_or_default(),
            findings: Vec::new(),
            finding_count: look.count,
        };
        for found in look.found {
            let repaired = repair == Repair::Safe && mend(backend, &found).await?;
            diagnosis.findings.push(Symptom {
                kind: found.finding.kind.as_str(),
                next: found.finding.kind.next(),
                place: found.finding.place,
                detail: found.finding.detail,
                repaired,
            });
        }
        Ok(diagnosis)
    }
}

async fn mend(backend: &dyn Backend, found: &Found) -> Result<bool, Error> {
    if let Some((counter, behind)) = found.behind {
        backend.draw(counter, behind).await?;
        return Ok(true);
    }
    match found.finding.kind.is_mendable() {
        true => Ok(backend.mend(&found.finding).await?),
        false => Ok(false),
    }
}

/// What is seen on the way through a dump.
#[derive(Default)]
struct Look {
    carried: Carried,
    found: Vec<Found>,
    count: u64,
    tables: HashMap<TableId, (std::sync::Arc<Table>, TableSize)>,
    /// The largest number in use of each column that counts.
    used: HashMap<(u32, u16), i64>,
    last: HashMap<(u32, u16), u64>,
    newest_change: u64,
    change_revision: u64,
    newest_record_change: Option<(u64, String)>,
    commits: u64,
    missing_commits: u64,
}

impl Look {
    fn note(&mut self, finding: Finding, behind: Option<(Counter, u64)>) {
        self.count += 1;
        if self.found.len() < FINDINGS_MAX {
            self.found.push(Found { finding, behind });
        }
    }

    fn say(&mut self, kind: FindingKind, place: String, detail: impl Into<String>) {
        let finding = Finding {
            kind,
            place,
            detail: detail.into(),
            table: None,
            index: None,
        };
        self.note(finding, None);
    }

    async fn walk(&mut self, backend: &dyn Backend, watch: Watcher<'_>) -> Result<(), Error> {
        let mut dump = backend.dump().await?;
        let (mut done, mut total) = (0, 0);
        while let Some(part) = dump.recv().await {
            let part = part?;
            let mut slug = None;
            done += match &part {
                Part::Start(totals) => {
                    (self.carried, total) = ((*totals).into(), totals.items());
                    0
                }
                Part::Documents(all) => all.len() as u64,
                Part::Table { table, .. } => {
                    let size = TableSize {
                        table: table.slug.clone(),
                        workspace: table.workspace.clone(),
                        records: 0,
                        trash: 0,
                    };
                    self.tables.insert(table.number, (table.clone(), size));
                    1
                }
                Part::Records(table, all) => {
                    slug = Some(table.slug.clone());
                    all.iter().for_each(|record| self.record(table, record));
                    all.len() as u64
                }
                Part::Counters(all) => {
                    self.last
                        .extend(all.iter().map(|(counter, last)| (counter.place(), *last)));
                    0
                }
                Part::Changes(all) => {
                    for change in all {
                        self.change(change.number, change.revision);
                    }
                    all.len() as u64
                }
                Part::Commits(all) => {
                    for logged in all {
                        self.commit(logged.commit.revision);
                    }
                    all.len() as u64
                }
            };
            watch(TransferProgress {
                phase: TransferPhase::Verifying,
                table: slug,
                done,
                total,
            });
        }
        self.counters();
        self.end();
        Ok(())
    }

    fn record(&mut self, table: &Table, record: &Record) {
        if let Some((_, size)) = self.tables.get_mut(&table.number) {
            size.records += 1;
            size.trash += u64::from(record.deleted_at.is_some());
        }
        if self
            .newest_record_change
            .as_ref()
            .is_none_or(|(newest, _)| record.change > *newest)
        {
            let place = format!("record {} of table {}", record.key, table.slug);
            self.newest_record_change = Some((record.change, place));
        }
        for column in &table.columns {
            let counts = column.field_type == "autoNumber"
                || column.constraints.generated == Some(Generated::Autoincrement);
            let value = match (&record.key, table.key_column == Some(column.ordinal)) {
                (Key::Int(key), true) => Some(*key),
                _ => record.value(column.ordinal).as_int(),
            };
            if let (true, Some(value)) = (counts, value) {
                let used = self.used.entry((table.number.0, column.ordinal)).or_insert(value);
                *used = (*used).max(value);
            }
            let value = record.value(column.ordinal);
            if !column.live() || fits(column.kind().storage(), value) {
                continue;
            }
            let place = format!("record {} of table {}", record.key, table.slug);
            let detail = format!(
                "the value of {} is of another kind than a {} is",
                column.slug, column.field_type
            );
            self.say(FindingKind::BadValue, place, detail);
        }
    }

    fn change(&mut self, number: u64, revision: u64) {
        if number != self.newest_change + 1 {
            let detail = format!("changes {} to {} are missing", self.newest_change + 1, number - 1);
            self.say(FindingKind::LogGap, "the change log".into(), detail);
        }
        if revision < self.change_revision {
            let detail = format!(
                "change {number} is of revision {revision}, after one of {}",
                self.change_revision
            );
            self.say(FindingKind::LogGap, "the change log".into(), detail);
        }
        self.newest_change = number;
        self.change_revision = revision;
    }

    fn commit(&mut self, revision: u64) {
        self.missing_commits += revision - self.commits - 1;
        self.commits = revision;
    }

    fn counters(&mut self) {
        let used: Vec<_> = self.used.drain().collect();
        for ((number, ordinal), used) in used {
            let last = self.last.get(&(number, ordinal)).copied().unwrap_or_default();
            let Some(behind) = u64::try_from(used).ok().and_then(|used| used.checked_sub(last)) else {
                continue;
            };
            if behind == 0 {
                continue;
            }
            let counter = Counter::Column(TableId(number), ordinal);
            let table = self.tables.get(&TableId(number)).map(|(table, _)| table.clone());
            let slug = table.as_ref().map_or("", |table| table.slug.as_str());
            let finding = Finding {
                kind: FindingKind::CounterBehind,
                place: format!("counter of column {ordinal} of table {slug}"),
                detail: format!("it is at {last}, and {used} is in use"),
                table,
                index: None,
            };
            self.note(finding, Some((counter, behind)));
        }
    }

    fn end(&mut self) {
        if self.missing_commits > 0 {
            let detail = format!("{} revisions are missing", self.missing_commits);
            self.say(FindingKind::LogGap, "the commits".into(), detail);
        }
        if self.change_revision > self.commits {
            let detail = format!(
                "the newest change is of revision {}, the newest commit {}",
                self.change_revision, self.commits
            );
            self.say(FindingKind::LogGap, "the commits".into(), detail);
        }
        if let Some((change, place)) = self.newest_record_change.take()
            && change > self.newest_change
        {
            let detail = format!(
                "its newest change is {change}, and the log ends at {}",
                self.newest_change
            );
            self.say(FindingKind::LogGap, place, detail);
        }
    }

    fn sizes(&mut self) -> Vec<TableSize> {
        let mut sizes: Vec<TableSize> = self.tables.drain().map(|(_, (_, size))| size).collect();
        sizes.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.table.cmp(&b.table)));
        sizes
    }
}

/// Whether a value is of a kind that a column keeps.
fn fits(storage: Storage, value: &Value) -> bool {
    match (storage, value) {
        (_, Value::Null) => true,
        (Storage::Bool, Value::Bool(_))
        | (Storage::Int, Value::Int(_))
        | (Storage::Number, Value::Int(_) | Value::Float(_))
        | (Storage::Decimal, Value::Decimal(_))
        | (Storage::Text, Value::Text(_))
        | (Storage::List, Value::List(_))
        // An object or array; a lone scalar is kept as itself.
        | (Storage::Json, _) => true,
        _ => false,
    }
}
