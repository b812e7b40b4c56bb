//! What a dump held, as counts and hashes by section: enough to say later whether a copy holds the same, although the
//! source has gone on. The hashes find damage, not malice.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use chancery_model::{Json, Record, Value};
use chancery_storage::{Dump, Part, Totals};

use super::{Carried, TransferPhase, TransferProgress, Watcher};
use crate::error::Error;

/// Counts and hashes by section.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    totals: Totals,
    sections: BTreeMap<String, Section>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Section {
    items: u64,
    hash: u64,
}

impl Section {
    /// Takes one more item in; the order counts.
    fn take(&mut self, feed: impl FnOnce(&mut DefaultHasher)) {
        let mut hasher = DefaultHasher::new();
        self.hash.hash(&mut hasher);
        feed(&mut hasher);
        self.items += 1;
        self.hash = hasher.finish();
    }
}

impl Tally {
    /// Reads a dump to its end.
    pub(crate) async fn of(mut dump: Dump, watch: Watcher<'_>) -> Result<Tally, Error> {
        let (mut tally, mut done, mut total) = (Tally::default(), 0, 0);
        while let Some(part) = dump.recv().await {
            let part = part?;
            let table = match &part {
                Part::Start(totals) => {
                    total = totals.items();
                    None
                }
                Part::Records(table, _) => Some(table.slug.clone()),
                _ => None,
            };
            done += tally.take(&part);
            watch(TransferProgress {
                phase: TransferPhase::Verifying,
                table,
                done,
                total,
            });
        }
        if done != total {
            return Err(Error::Internal(format!(
                "only {done} of {total} items could be read"
            )));
        }
        Ok(tally)
    }

    /// What was seen.
    pub(crate) fn carried(&self) -> Carried {
        self.totals.into()
    }

    /// Takes a part in and answers how many items it had, counters aside.
    pub(crate) fn take(&mut self, part: &Part) -> u64 {
        match part {
            Part::Start(totals) => {
                self.totals = *totals;
                0
            }
            Part::Documents(all) => {
                let section = self.section("documents");
                for document in all {
                    section.take(|to| {
                        let body = document.body.to_string();
                        (
                            &document.kind,
                            &document.id,
                            &document.lookup,
                            body,
                            document.version,
                        )
                            .hash(to);
                    });
                }
                all.len() as u64
            }
            Part::Table {
                table,
                last_change_at,
            } => {
                let section = self.section("tables");
                section.take(|to| (table.number, &table.id, table.schema_version, last_change_at).hash(to));
                1
            }
            Part::Records(table, all) => {
                let section = self.section(&format!("records of {}", table.slug));
                for record in all {
                    section.take(|to| feed(record, to));
                }
                all.len() as u64
            }
            Part::Counters(all) => {
                let section = self.section("counters");
                for (counter, last) in all {
                    section.take(|to| (counter, last).hash(to));
                }
                0
            }
            Part::Changes(all) => {
                let section = self.section("changes");
                for change in all {
                    section.take(|to| {
                        (change.number, change.revision, change.table, &change.key).hash(to);
                        (change.kind, change.previous).hash(to);
                        change.before.iter().for_each(|(ordinal, value)| {
                            ordinal.hash(to);
                            feed_value(value, to);
                        });
                    });
                }
                all.len() as u64
            }
            Part::Commits(all) => {
                let section = self.section("commits");
                for logged in all {
                    let commit = &logged.commit;
                    section.take(|to| {
                        (commit.revision, commit.at, &commit.actor, &commit.operation).hash(to);
                        (format!("{:?}", commit.reason), logged.first_change).hash(to);
                    });
                }
                all.len() as u64
            }
        }
    }

    fn section(&mut self, name: &str) -> &mut Section {
        if !self.sections.contains_key(name) {
            self.sections.insert(name.to_owned(), Section::default());
        }
        self.sections.get_mut(name).expect("it was just put in")
    }

    /// What a copy has otherwise, section by section, for people.
    pub(crate) fn differences(&self, copy: &Tally) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.sections.keys().chain(copy.sections.keys()).collect();
        let mut out = Vec::new();
        for name in names {
            let (own, other) = (self.sections.get(name), copy.sections.get(name));
            let (own, other) = (
                own.copied().unwrap_or_default(),
                other.copied().unwrap_or_default(),
            );
            if own.items != other.items {
                out.push(format!("{name}: {} of {}", other.items, own.items));
            } else if own != other {
                out.push(format!("{name}: the contents differ"));
            }
        }
        out
    }
}

/// A record in a form that is the same on every backend.
fn feed(record: &Record, to: &mut DefaultHasher) {
    (&record.key, record.version, record.change).hash(to);
    (
        record.created_at,
        record.updated_at,
        record.expires_at,
        record.deleted_at,
    )
        .hash(to);
    (&record.created_by, &record.updated_by).hash(to);
    let metadata = &record.metadata;
    (metadata.source, &metadata.import_id, metadata.import_row).hash(to);
    (&metadata.external_id, &metadata.duplicate_of).hash(to);
    for (ordinal, value) in record
        .values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_null())
    {
        ordinal.hash(to);
        feed_value(value, to);
    }
    if let Some(extra) = record.extra.as_deref().filter(|extra| !extra.is_empty()) {
        Json::Object(extra.clone()).to_string().hash(to);
    }
}

pub(crate) fn feed_value(value: &Value, to: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(to),
        Value::Bool(bool) => (1_u8, bool).hash(to),
        Value::Int(int) => (2_u8, int).hash(to),
        Value::Float(float) => (3_u8, float.to_bits()).hash(to),
        // A backend may show more zeros behind the point than another.
        Value::Decimal(decimal) => (4_u8, decimal.normalize().to_string()).hash(to),
        Value::Text(text) => (5_u8, text).hash(to),
        Value::List(list) => (6_u8, list).hash(to),
        Value::Json(json) => (7_u8, json.to_string()).hash(to),
    }
}
