//! Query plans: what a backend is asked. Everything is resolved; a backend decides nothing but how to answer fast.

use std::sync::Arc;

use crate::filter::{FieldRef, Filter};
use crate::{Key, Record, Table, Value};

/// One question about the records of one table.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The table.
    pub table: Arc<Table>,
    /// Which records.
    pub filter: Filter,
    /// Which of them, by words.
    pub search: Option<Search>,
    /// Live, trashed or both.
    pub scope: Scope,
    /// The time at which expiry is judged, ms.
    pub now: i64,
    /// The order; the key, ascending, always comes last.
    pub sort: Vec<SortKey>,
    /// Which part of the order.
    pub window: Window,
}

/// Which records are asked for, by their state. Expired records are never seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Not in the trash.
    #[default]
    Live,
    /// In the trash.
    Trash,
    /// Both.
    All,
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// By what.
    pub field: FieldRef,
    /// Largest first.
    pub descending: bool,
    /// Nulls before all others; otherwise after all others, in both directions.
    pub nulls_first: bool,
}

/// Which part of the ordered records.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// All of them.
    All,
    /// `limit` records after skipping `offset`.
    Offset {
        /// Records skipped.
        offset: u64,
        /// Records given.
        limit: u64,
    },
    /// `limit` records after a boundary.
    After {
        /// The boundary, itself excluded; it need not exist any more.
        boundary: Boundary,
        /// Records given.
        limit: u64,
    },
    /// The `limit` records right before a boundary, in the plan's order.
    Before {
        /// The boundary, itself excluded; it need not exist any more.
        boundary: Boundary,
        /// Records given.
        limit: u64,
    },
}

/// A place in an order: the sort values and key of a record that is or was there.
#[derive(Clone, Debug, PartialEq)]
pub struct Boundary {
    /// One value for each sort key.
    pub values: Vec<Value>,
    /// The key.
    pub key: Key,
}

/// A full-text search: every word must be the start of a word in one of the columns.
///
/// Words are runs of letters and digits, compared in lower case.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The words, folded.
    pub words: Vec<String>,
    /// The searchable columns to look into.
    pub columns: Vec<u16>,
}

impl Plan {
    /// All live records of a table in key order.
    pub fn all(table: Arc<Table>, now: i64) -> Plan {
        Plan {
            table,
            filter: Filter::All,
            search: None,
            scope: Scope::Live,
            now,
            sort: Vec::new(),
            window: Window::All,
        }
    }

    /// Whether a record belongs to the answer, order and window aside.
    pub fn admits(&self, record: &Record) -> bool {
        let in_scope = match self.scope {
            Scope::Live => record.deleted_at.is_none(),
            Scope::Trash => record.deleted_at.is_some(),
            Scope::All => true,
        };
        in_scope
            && record.expires_at.is_none_or(|expires| expires > self.now)
            && self.filter.matches(record)
            && self.search.as_ref().is_none_or(|search| search.matches(record))
    }

    /// The sort keys that decide: those after the record's key never do, not even where a boundary was taken from a record
    /// that has changed since.
    pub fn order(&self) -> &[SortKey] {
        let by_key = self.sort.iter().position(|key| key.field == FieldRef::Key);
        by_key.map_or(&self.sort, |last| &self.sort[..=last])
    }

    /// The order of two records: the sort keys, then the key.
    pub fn compare(&self, a: &Record, b: &Record) -> std::cmp::Ordering {
        self.order()
            .iter()
            .map(|key| key.compare(&a.field(&key.field), &b.field(&key.field)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| a.key.cmp(&b.key))
    }

    /// The order of a record and a boundary.
    pub fn compare_to(&self, record: &Record, boundary: &Boundary) -> std::cmp::Ordering {
        self.order()
            .iter()
            .zip(&boundary.values)
            .map(|(key, value)| key.compare(&record.field(&key.field), value))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| record.key.cmp(&boundary.key))
    }

    /// The boundary at a record.
    pub fn boundary(&self, record: &Record) -> Boundary {
        let values = self
            .sort
            .iter()
            .map(|key| record.field(&key.field).into_owned())
            .collect();
        Boundary {
            values,
            key: record.key.clone(),
        }
    }
}

impl SortKey {
    /// The order of two values under this key.
    pub fn compare(&self, a: &Value, b: &Value) -> std::cmp::Ordering {
        use std::cmp::Ordering;
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if self.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if self.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if self.descending => b.cmp(a),
            (false, false) => a.cmp(b),
        }
    }
}

impl Search {
    /// Whether every word starts a word of one of the columns.
    pub fn matches(&self, record: &Record) -> bool {
        let mut present: Vec<String> = Vec::new();
        for column in &self.columns {
            if let Value::Text(text) = record.value(*column) {
                present.extend(words(text));
            }
        }
        self.words
            .iter()
            .all(|word| present.iter().any(|token| token.starts_with(word.as_str())))
    }
}

/// The words of a text: runs of letters and digits, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(crate::filter::fold)
}
