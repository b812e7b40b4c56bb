//! Query plans: what a backend is asked. Everything is resolved; a backend decides nothing but how to answer fast.

use std::borrow::Cow;
use std::sync::Arc;

use crate::filter::{FieldRef, Filter};
use crate::query::fuzzy;
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// The words, folded; of a fuzzy search as [`fuzzy::plain`] has them.
    pub words: Vec<String>,
    /// The searchable columns to look into.
    pub columns: Vec<u16>,
    /// Whether accents count for nothing and a word may be misspelt, as [`fuzzy`] says.
    pub fuzzy: bool,
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

    /// Puts records in order. What ranks them is worked out once for each.
    pub fn sort(&self, records: &mut Vec<Arc<Record>>) {
        if !self.is_ranked() {
            return records.sort_by(|a, b| self.compare(a, b));
        }
        let mut ranked: Vec<(u32, Arc<Record>)> = records
            .drain(..)
            .map(|record| (self.rank(&record), record))
            .collect();
        ranked.sort_by(|a, b| self.compare_ranked((a.0, &a.1), (b.0, &b.1)));
        records.extend(ranked.into_iter().map(|(_, record)| record));
    }

    /// The same question in the order behind the rank, if it is ranked.
    pub fn unranked(&self) -> Option<Plan> {
        self.is_ranked().then(|| Plan {
            sort: self.sort[1..].to_vec(),
            ..self.clone()
        })
    }

    /// Whether the order begins with how well records fit the search. Then many records are better compared together with
    /// their [`Plan::rank`] than by [`Plan::compare`], which works it out each time.
    pub fn is_ranked(&self) -> bool {
        self.sort.first().is_some_and(|key| key.field == FieldRef::Rank)
    }

    /// How well a record fits the search, 0 for best and for every record of an order without ranks.
    pub fn rank(&self, record: &Record) -> u32 {
        let search = self.search.as_ref().filter(|_| self.is_ranked());
        search.and_then(|search| search.misfit(record)).unwrap_or(0)
    }

    /// What a key of the order compares.
    fn value<'r>(&self, record: &'r Record, field: &FieldRef) -> Cow<'r, Value> {
        match field {
            FieldRef::Rank => Cow::Owned(Value::Int(self.rank(record).into())),
            field => record.field(field),
        }
    }

    /// The order of two records: the sort keys, then the key.
    pub fn compare(&self, a: &Record, b: &Record) -> std::cmp::Ordering {
        self.compare_by(self.order(), a, b)
    }

    /// The same for records whose ranks are known.
    pub fn compare_ranked(&self, a: (u32, &Record), b: (u32, &Record)) -> std::cmp::Ordering {
        let rest = &self.order()[usize::from(self.is_ranked())..];
        a.0.cmp(&b.0).then_with(|| self.compare_by(rest, a.1, b.1))
    }

    fn compare_by(&self, keys: &[SortKey], a: &Record, b: &Record) -> std::cmp::Ordering {
        keys.iter()
            .map(|key| key.compare(&self.value(a, &key.field), &self.value(b, &key.field)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| a.key.cmp(&b.key))
    }

    /// The order of a record and a boundary.
    pub fn compare_to(&self, record: &Record, boundary: &Boundary) -> std::cmp::Ordering {
        self.order()
            .iter()
            .zip(&boundary.values)
            .map(|(key, value)| key.compare(&self.value(record, &key.field), value))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| record.key.cmp(&boundary.key))
    }

    /// The boundary at a record.
    pub fn boundary(&self, record: &Record) -> Boundary {
        let values = self
            .sort
            .iter()
            .map(|key| self.value(record, &key.field).into_owned())
            .collect();
        Boundary {
            values,
            key: record.key.clone(),
        }
    }
}

impl SortKey {
    /// What fits a search best comes first.
    pub const BEST_FIRST: SortKey = SortKey {
        field: FieldRef::Rank,
        descending: false,
        nulls_first: false,
    };

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
    /// How badly a record fits, 0 for best; none if it does not. Only a fuzzy search tells more than that.
    pub fn misfit(&self, record: &Record) -> Option<u32> {
        if !self.fuzzy {
            return self.matches(record).then_some(0);
        }
        let texts = self
            .columns
            .iter()
            .filter_map(|column| record.value(*column).as_text());
        fuzzy::misfit(&self.words, texts)
    }

    /// Whether every word starts a word of one of the columns, or is merely like one if the search is fuzzy.
    pub fn matches(&self, record: &Record) -> bool {
        if self.fuzzy {
            return self.misfit(record).is_some();
        }
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
