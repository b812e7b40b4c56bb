//! A dump item by item, and where each stands in the order of all. It compares nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use chancery_model::change::Change;
use chancery_model::{Key, Record, Table, TableId};
use chancery_storage::{Counter, Document, Dump, LoggedCommit, Part, Totals};

use crate::error::Error;

/// One thing that a store holds.
pub(crate) enum Item {
    Document(Document),
    Table(Arc<Table>, Option<i64>),
    Record(Arc<Table>, Arc<Record>),
    Counter(Counter, u64),
    Change(Change),
    Commit(LoggedCommit),
}

/// Where an item stands in a dump; the order of the variants is that of the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Document(String, String),
    Table(TableId),
    Record(TableId, Key),
    Counter(u32, u16),
    Change(u64),
    Commit(u64),
}

impl Item {
    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        match self {
            Item::Document(document) => Place::Document(document.kind.clone(), document.id.clone()),
            Item::Table(table, _) => Place::Table(table.number),
            Item::Record(table, record) => Place::Record(table.number, record.key.clone()),
            Item::Counter(counter, _) => {
                let (table, ordinal) = counter.place();
                Place::Counter(table, ordinal)
            }
            Item::Change(change) => Place::Change(change.number),
            Item::Commit(logged) => Place::Commit(logged.commit.revision),
        }
    }

    /// What it is called in a report.
    pub(crate) fn name(&self) -> String {
        match self {
            Item::Document(document) => format!("{} {}", document.kind, document.id),
            Item::Table(table, _) => format!("table {}", table.slug),
            Item::Record(table, record) => format!("record {} of {}", record.key, table.slug),
            Item::Counter(Counter::Tables, _) => "counter of tables".into(),
            Item::Counter(Counter::Column(table, ordinal), _) => {
                format!("counter of column {ordinal} of table {}", table.0)
            }
            Item::Change(change) => format!("change {}", change.number),
            Item::Commit(logged) => format!("commit {}", logged.commit.revision),
        }
    }
}

/// The items of a dump, one after the other.
pub(crate) struct Items {
    dump: Dump,
    waiting: VecDeque<Item>,
    /// What the dump said at its start.
    pub(crate) totals: Totals,
}

impl Items {
    /// The items of a dump.
    pub(crate) fn new(dump: Dump) -> Items {
        Items {
            dump,
            waiting: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// The next item; none after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, Error> {
        while self.waiting.is_empty() {
            let Some(part) = self.dump.recv().await else {
                return Ok(None);
            };
            match part? {
                Part::Start(totals) => self.totals = totals,
                Part::Documents(all) => self.waiting.extend(all.into_iter().map(Item::Document)),
                Part::Table {
                    table,
                    last_change_at,
                } => {
                    self.waiting.push_back(Item::Table(table, last_change_at));
                }
                Part::Records(table, all) => {
                    let items = all.into_iter().map(|record| Item::Record(table.clone(), record));
                    self.waiting.extend(items);
                }
                Part::Counters(all) => {
                    let items = all
                        .into_iter()
                        .map(|(counter, last)| Item::Counter(counter, last));
                    self.waiting.extend(items);
                }
                Part::Changes(all) => self.waiting.extend(all.into_iter().map(Item::Change)),
                Part::Commits(all) => self.waiting.extend(all.into_iter().map(Item::Commit)),
            }
        }
        Ok(self.waiting.pop_front())
    }
}
