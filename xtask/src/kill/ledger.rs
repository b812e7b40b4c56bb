//! What the server has acknowledged and what was in flight: the judge of the kill loop.
//!
//! Speaks to no server; it is told what was sent, what was answered and what is found afterwards.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use super::wire::Found;

/// How many examples an error shows.
const EXAMPLES: usize = 10;

/// The last acknowledged state of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) value: i64,
}

/// A bulk request and its records.
struct BulkSent {
    life: u32,
    names: Vec<String>,
}

#[derive(Default)]
struct Books {
    /// Acknowledged records by name.
    rows: HashMap<String, Row>,
    /// Names that can be lent to a writer for an update; a name is with one writer at a time.
    idle: Vec<String>,
    /// Creates without an answer yet.
    creating: HashSet<String>,
    /// Updates without an answer yet: the value that was sent.
    updating: HashMap<String, i64>,
    /// Bulks without an answer yet.
    bulks: BTreeMap<String, BulkSent>,
    /// In which life each record was created.
    born: HashMap<String, u32>,
    /// Acknowledged records that the current life has written to.
    touched: HashSet<String>,
    counts: Counts,
}

/// Acknowledgements so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) creates: u64,
    pub(super) updates: u64,
    pub(super) bulks: u64,
}

/// What does not agree.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Acknowledged, but gone or older than acknowledged.
    pub(super) lost: Vec<String>,
    /// Bulks of which only a part is there.
    pub(super) partial: Vec<String>,
    /// There, but not as anyone sent it.
    pub(super) wrong: Vec<String>,
    /// Requests without an answer.
    pub(super) in_flight: u64,
    /// Those of them that took effect all the same, which is allowed.
    pub(super) in_flight_kept: u64,
}

impl Verdict {
    pub(super) fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.partial.is_empty() && self.wrong.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.partial.extend(other.partial);
        self.wrong.extend(other.wrong);
        self.in_flight += other.in_flight;
        self.in_flight_kept += other.in_flight_kept;
    }

    pub(super) fn examples(&self) -> String {
        let kinds = [
            ("lost", &self.lost),
            ("partial", &self.partial),
            ("wrong", &self.wrong),
        ];
        let lines = kinds
            .iter()
            .flat_map(|(kind, list)| list.iter().map(move |line| format!("  {kind}: {line}")));
        lines.take(EXAMPLES).collect::<Vec<_>>().join("\n")
    }
}

/// The books, shared by all writers.
#[derive(Default)]
pub(super) struct Ledger {
    books: Mutex<Books>,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no holder of this lock panics")
    }

    /// A single create is about to be sent.
    pub(super) fn creating(&self, life: u32, name: &str) {
        let mut books = self.books();
        books.creating.insert(name.to_owned());
        books.born.insert(name.to_owned(), life);
    }

    /// It was acknowledged.
    pub(super) fn created(&self, name: &str, row: Row) {
        let mut books = self.books();
        books.creating.remove(name);
        books.accept(name, row);
        books.counts.creates += 1;
    }

    /// A record for one writer alone to update, chosen by `draw`.
    pub(super) fn lend(&self, draw: u64) -> Option<(String, Row)> {
        let mut books = self.books();
        let count = books.idle.len();
        if count == 0 {
            return None;
        }
        let index = usize::try_from(draw % count as u64).expect("below a usize");
        let name = books.idle.swap_remove(index);
        let row = books.rows[&name].clone();
        Some((name, row))
    }

    /// An update of a lent record is about to be sent.
    pub(super) fn updating(&self, name: &str, value: i64) {
        let mut books = self.books();
        books.updating.insert(name.to_owned(), value);
        books.touched.insert(name.to_owned());
    }

    /// It was acknowledged.
    pub(super) fn updated(&self, name: &str, version: u64, value: i64) {
        let mut books = self.books();
        books.updating.remove(name);
        let row = books.rows.get_mut(name).expect("a lent record is in the books");
        row.version = version;
        row.value = value;
        books.idle.push(name.to_owned());
        books.counts.updates += 1;
    }

    /// A bulk create is about to be sent.
    pub(super) fn creating_bulk(&self, life: u32, bulk: &str, names: &[String]) {
        let mut books = self.books();
        for name in names {
            books.born.insert(name.clone(), life);
        }
        books.bulks.insert(
            bulk.to_owned(),
            BulkSent {
                life,
                names: names.to_vec(),
            },
        );
    }

    /// It was acknowledged: ids and versions in the order of `names`.
    pub(super) fn created_bulk(&self, bulk: &str, names: &[String], made: Vec<(String, u64)>) {
        let mut books = self.books();
        books.bulks.remove(bulk);
        for (name, (id, version)) in names.iter().zip(made) {
            books.accept(
                name,
                Row {
                    id,
                    version,
                    value: 0,
                },
            );
        }
        books.counts.bulks += 1;
    }

    /// Acknowledged so far.
    pub(super) fn counts(&self) -> Counts {
        self.books().counts
    }

    /// Ids of the records that this life wrote to and an earlier one created.
    pub(super) fn touched_from_before(&self, life: u32) -> Vec<String> {
        let books = self.books();
        let older = books.touched.iter().filter(|name| books.born[*name] != life);
        older.map(|name| books.rows[name].id.clone()).collect()
    }

    /// Compares what a life wrote with what is `found`, and decides what was in flight by what is there.
    pub(super) fn settle(&self, life: u32, found: &[Found]) -> Verdict {
        let mut books = self.books();
        let found: HashMap<&str, &Found> = found
            .iter()
            .map(|record| (record.name.as_str(), record))
            .collect();
        let mut verdict = Verdict::default();
        books.settle_bulks(&found, &mut verdict);
        books.settle_creates(&found, &mut verdict);
        books.settle_updates(&found, &mut verdict);
        let written: HashSet<String> = books
            .rows
            .keys()
            .filter(|name| books.born[*name] == life || books.touched.contains(*name))
            .cloned()
            .collect();
        for name in &written {
            books.judge(name, found.get(name.as_str()).copied(), &mut verdict);
        }
        books.judge_unknown(&found, &mut verdict);
        books.touched.clear();
        verdict
    }

    /// Compares everything ever acknowledged with everything that is there.
    pub(super) fn audit(&self, found: &[Found]) -> Verdict {
        let books = self.books();
        let mut verdict = Verdict::default();
        let by_name: HashMap<&str, &Found> = found
            .iter()
            .map(|record| (record.name.as_str(), record))
            .collect();
        if by_name.len() != found.len() {
            verdict.wrong.push(format!(
                "{} records share {} unique names",
                found.len(),
                by_name.len()
            ));
        }
        for name in books.rows.keys() {
            books.judge(name, by_name.get(name.as_str()).copied(), &mut verdict);
        }
        books.judge_unknown(&by_name, &mut verdict);
        verdict
    }
}

impl Books {
    fn accept(&mut self, name: &str, row: Row) {
        self.rows.insert(name.to_owned(), row);
        self.idle.push(name.to_owned());
    }

    fn accept_found(&mut self, record: &Found) {
        let row = Row {
            id: record.id.clone(),
            version: record.version,
            value: record.value,
        };
        self.accept(&record.name, row);
    }

    /// All or none of a bulk without an answer.
    fn settle_bulks(&mut self, found: &HashMap<&str, &Found>, verdict: &mut Verdict) {
        for (bulk, sent) in std::mem::take(&mut self.bulks) {
            verdict.in_flight += 1;
            let there: Vec<&Found> = sent
                .names
                .iter()
                .filter_map(|name| found.get(name.as_str()).copied())
                .collect();
            if there.is_empty() {
                continue;
            }
            verdict.in_flight_kept += 1;
            if there.len() != sent.names.len() {
                let message = format!(
                    "{bulk} of life {}: {} of {} records",
                    sent.life,
                    there.len(),
                    sent.names.len()
                );
                verdict.partial.push(message);
            }
            there.iter().for_each(|record| self.accept_found(record));
        }
    }

    fn settle_creates(&mut self, found: &HashMap<&str, &Found>, verdict: &mut Verdict) {
        for name in std::mem::take(&mut self.creating) {
            verdict.in_flight += 1;
            if let Some(record) = found.get(name.as_str()) {
                verdict.in_flight_kept += 1;
                self.accept_found(record);
            }
        }
    }

    /// An update without an answer may have happened once, whole, or not at all.
    fn settle_updates(&mut self, found: &HashMap<&str, &Found>, verdict: &mut Verdict) {
        for (name, sent) in std::mem::take(&mut self.updating) {
            verdict.in_flight += 1;
            let row = self.rows.get_mut(&name).expect("a lent record is in the books");
            if let Some(record) = found.get(name.as_str())
                && (record.value, record.version) == (sent, row.version + 1)
            {
                verdict.in_flight_kept += 1;
                row.value = sent;
                row.version = record.version;
            }
            self.idle.push(name);
        }
    }

    fn judge(&self, name: &str, found: Option<&Found>, verdict: &mut Verdict) {
        let row = &self.rows[name];
        let expected = format!(
            "{name} acknowledged as version {} with value {}",
            row.version, row.value
        );
        match found {
            None => verdict.lost.push(format!("{expected}, is gone")),
            Some(record) if record.version < row.version => {
                verdict.lost.push(format!(
                    "{expected}, is version {} with value {}",
                    record.version, record.value
                ));
            }
            Some(record)
                if (record.version, record.value, &record.id) != (row.version, row.value, &row.id) =>
            {
                verdict.wrong.push(format!("{expected}, is {record:?}"));
            }
            Some(_) => {}
        }
    }

    /// Records nobody sent.
    fn judge_unknown(&self, found: &HashMap<&str, &Found>, verdict: &mut Verdict) {
        for name in found.keys().filter(|name| !self.rows.contains_key(**name)) {
            verdict
                .wrong
                .push(format!("{name} is there, but was never created"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, version: u64, value: i64) -> Found {
        Found {
            id: format!("id-{name}"),
            version,
            name: name.to_owned(),
            value,
        }
    }

    fn row(name: &str) -> Row {
        Row {
            id: format!("id-{name}"),
            version: 1,
            value: 0,
        }
    }

    /// One acknowledged record, one acknowledged bulk of two.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        ledger.creating(0, "a");
        ledger.created("a", row("a"));
        let names = ["b-0".to_owned(), "b-1".to_owned()];
        ledger.creating_bulk(0, "b", &names);
        ledger.created_bulk("b", &names, vec![("id-b-0".into(), 1), ("id-b-1".into(), 1)]);
        ledger
    }

    #[test]
    fn everything_there_is_clean() {
        let verdict = ledger().settle(0, &[found("a", 1, 0), found("b-0", 1, 0), found("b-1", 1, 0)]);
        assert!(verdict.is_clean(), "{verdict:?}");
        assert_eq!(
            ledger().counts(),
            Counts {
                creates: 1,
                updates: 0,
                bulks: 1
            }
        );
    }

    #[test]
    fn a_missing_record_is_lost() {
        let verdict = ledger().settle(0, &[found("a", 1, 0), found("b-0", 1, 0)]);
        assert_eq!(
            verdict.lost,
            ["b-1 acknowledged as version 1 with value 0, is gone"]
        );
    }

    #[test]
    fn an_acknowledged_update_that_is_undone_is_lost() {
        let ledger = ledger();
        let (name, _) = loop {
            let lent = ledger.lend(0).expect("three are idle");
            if lent.0 == "a" {
                break lent;
            }
        };
        ledger.updating(&name, 1);
        ledger.updated(&name, 2, 1);
        let verdict = ledger.settle(0, &[found("a", 1, 0), found("b-0", 1, 0), found("b-1", 1, 0)]);
        assert_eq!(
            verdict.lost,
            ["a acknowledged as version 2 with value 1, is version 1 with value 0"]
        );
    }

    #[test]
    fn an_update_in_flight_may_be_there_or_not_but_not_half() {
        for (version, value, kept, clean) in [
            (1, 0, 0, true),
            (2, 1, 1, true),
            (2, 0, 0, false),
            (1, 1, 0, false),
            (3, 1, 0, false),
        ] {
            let ledger = Ledger::default();
            ledger.creating(0, "a");
            ledger.created("a", row("a"));
            ledger.lend(0).expect("one is idle");
            ledger.updating("a", 1);
            let verdict = ledger.settle(0, &[found("a", version, value)]);
            assert_eq!(
                (verdict.is_clean(), verdict.in_flight_kept),
                (clean, kept),
                "{version} {value}: {verdict:?}"
            );
        }
    }

    #[test]
    fn a_bulk_in_flight_is_whole_or_absent() {
        let names: Vec<String> = (0..3).map(|index| format!("c-{index}")).collect();
        let all: Vec<Found> = names.iter().map(|name| found(name, 1, 0)).collect();
        for (there, partial) in [(0, 0), (2, 1), (3, 0)] {
            let ledger = Ledger::default();
            ledger.creating_bulk(0, "c", &names);
            assert_eq!(
                ledger.settle(0, &all[..there]).partial.len(),
                partial,
                "{there} of 3"
            );
        }
    }

    #[test]
    fn a_create_in_flight_may_be_there_and_counts_from_then_on() {
        let ledger = Ledger::default();
        ledger.creating(0, "a");
        assert!(ledger.settle(0, &[found("a", 1, 0)]).is_clean());
        assert_eq!(ledger.audit(&[]).lost.len(), 1);
    }

    #[test]
    fn a_record_nobody_sent_and_a_double_one_are_wrong() {
        assert_eq!(
            Ledger::default().audit(&[found("x", 1, 0)]).wrong,
            ["x is there, but was never created"]
        );
        let ledger = Ledger::default();
        ledger.creating(0, "a");
        ledger.created("a", row("a"));
        assert_eq!(
            ledger.audit(&[found("a", 1, 0), found("a", 1, 0)]).wrong,
            ["2 records share 1 unique names"]
        );
    }

    #[test]
    fn records_of_earlier_lives_are_looked_up_one_by_one() {
        let ledger = ledger();
        ledger.settle(0, &[found("a", 1, 0), found("b-0", 1, 0), found("b-1", 1, 0)]);
        assert!(ledger.touched_from_before(1).is_empty());
        let (name, row) = ledger.lend(1).expect("three are idle");
        ledger.updating(&name, 1);
        assert_eq!(ledger.touched_from_before(1), [row.id]);
    }
}
