//! A list that follows the steps of its records: all of an order, or a window with a reserve behind it. Reads nothing:
//! when the reserve is used up it says so.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Key, Record as Row, Value};
use hashbrown::{HashMap, HashSet};

use super::limits::LIVE_RECORDS_MAX;
use super::push::{LiveChange, LiveNews, LiveResult, SnapshotReason};
use super::query::{Asked, What};
use super::step::Step;
use crate::record::Record;

/// Bytes of a step of a list besides the record in it, roughly.
const STEP_BYTES: usize = 60;
/// Bytes of a record besides its texts, roughly.
const RECORD_BYTES: usize = 160;
/// Bytes of a value that is no text, roughly.
const VALUE_BYTES: usize = 16;

/// The records of a live list, from the start of its order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    rows: Vec<Arc<Row>>,
    /// Whether nothing stands behind them.
    complete: bool,
    /// What the subscriber has, while the list has to be read again.
    lost: Option<Vec<Arc<Row>>>,
}

/// What steps did to a view.
pub(crate) enum Applied {
    /// Nothing that is seen.
    Same,
    /// This.
    News(LiveNews),
    /// It has to be read again.
    Lost,
    /// There are more records than a live query may have.
    Excess,
}

/// A record that the steps of a commit touched: where and what it was in the list, and the last step.
struct Touched {
    old: Option<(usize, Arc<Row>)>,
    last: Arc<Step>,
}

type AllTouched = HashMap<Key, Touched>;

/// From so many records on, a commit is merged into a list as a whole.
const MERGED_FROM: usize = 64;

impl List {
    /// The list of records that were read, `kept` of them at most; `steps` came meanwhile, and those of them that the read
    /// has seen already change nothing.
    pub(crate) fn new(asked: &Asked, mut rows: Vec<Arc<Row>>, steps: &[Arc<Step>]) -> List {
        let complete = rows.len() <= asked.kept();
        rows.truncate(asked.kept());
        let mut list = List {
            rows,
            complete,
            lost: None,
        };
        let last: HashMap<&Key, &Arc<Step>> = steps.iter().map(|step| (&step.key, step)).collect();
        if !last.is_empty() {
            list.rows.retain(|row| !last.contains_key(&row.key));
            for step in last.into_values() {
                list.enter(asked, step.new.as_ref());
            }
        }
        list
    }

    /// Whether so many of its records left that others may belong into what is seen.
    pub(crate) fn is_short(&self, asked: &Asked) -> bool {
        match asked.what {
            What::List { offset, limit } => match limit {
                Some(limit) => !self.complete && self.rows.len() < offset + limit,
                None => !self.complete,
            },
            _ => false,
        }
    }

    /// Whether it is longer than a live list may be.
    pub(crate) fn is_excessive(&self, asked: &Asked) -> bool {
        matches!(asked.what, What::List { limit: None, .. })
            && (!self.complete || self.rows.len() > LIVE_RECORDS_MAX)
    }

    /// What is seen of it.
    pub(crate) fn window(&self, asked: &Asked) -> &[Arc<Row>] {
        let What::List { offset, limit } = asked.what else {
            return &self.rows;
        };
        let from = offset.min(self.rows.len());
        let to = limit.map_or(self.rows.len(), |limit| (offset + limit).min(self.rows.len()));
        &self.rows[from..to]
    }

    pub(crate) fn result(&self, asked: &Asked) -> LiveResult {
        let record = |row: &Arc<Row>| Record::new(asked.table.clone(), row.clone());
        LiveResult::Records(self.window(asked).iter().map(record).collect())
    }

    /// Follows the steps of one commit.
    pub(crate) fn apply(&mut self, asked: &Asked, steps: &[&Arc<Step>]) -> Applied {
        let windowed = !matches!(
            asked.what,
            What::List {
                offset: 0,
                limit: None
            }
        );
        let window = windowed.then(|| self.window(asked).to_vec());
        let touched = self.touched(asked, steps);
        if touched.len() < MERGED_FROM {
            self.follow(asked, &touched);
        } else {
            self.merge(asked, &touched);
        }
        if windowed && self.rows.len() > asked.kept() {
            self.rows.truncate(asked.kept());
            self.complete = false;
        }
        if self.is_excessive(asked) {
            return Applied::Excess;
        }
        if self.is_short(asked) {
            self.lost = window;
            return Applied::Lost;
        }
        let changes = match &window {
            Some(window) => self.window_changes(asked, window, &touched),
            None => self.all_changes(asked, &touched),
        };
        self.news(asked, changes)
    }

    /// What steps touch: each record once, with what it was in the list.
    fn touched(&self, asked: &Asked, steps: &[&Arc<Step>]) -> AllTouched {
        let mut touched = AllTouched::with_capacity(steps.len());
        for step in steps {
            match touched.get_mut(&step.key) {
                Some(had) => had.last = Arc::clone(step),
                None => {
                    let at = self.find(asked, &step.key, step.old.as_ref());
                    let old = at.map(|at| (at, self.rows[at].clone()));
                    let last = Arc::clone(step);
                    touched.insert(step.key.clone(), Touched { old, last });
                }
            }
        }
        touched
    }

    /// Follows few steps.
    fn follow(&mut self, asked: &Asked, touched: &AllTouched) {
        for (key, Touched { old, .. }) in touched {
            let Some((at, row)) = old else { continue };
            // Positions move as others leave; then the record is found again.
            let here = self.rows.get(*at).is_some_and(|row| row.key == *key);
            let at = if here {
                Some(*at)
            } else {
                self.find(asked, key, Some(row))
            };
            if let Some(at) = at {
                self.rows.remove(at);
            }
        }
        for Touched { last, .. } in touched.values() {
            self.enter(asked, last.new.as_ref());
        }
    }

    /// Follows many steps.
    fn merge(&mut self, asked: &Asked, touched: &AllTouched) {
        self.rows.retain(|row| !touched.contains_key(&row.key));
        let end = if self.complete {
            None
        } else {
            self.rows.last().cloned()
        };
        if end.is_none() && !self.complete {
            return;
        }
        let new = touched.values().filter_map(|touched| touched.last.new.clone());
        self.rows.extend(new.filter(|row| asked.plan.admits(row)));
        asked.plan.sort(&mut self.rows);
        if let Some(end) = end {
            // What comes behind the last that is known may come behind others that are not known, too.
            let known = self
                .rows
                .partition_point(|row| asked.plan.compare(row, &end).is_le());
            self.rows.truncate(known);
        }
    }

    /// What the subscriber was told last.
    pub(crate) fn told(&self, asked: &Asked) -> Vec<Arc<Row>> {
        match &self.lost {
            Some(lost) => lost.clone(),
            None => self.window(asked).to_vec(),
        }
    }

    /// The steps from another list to this one, told as news.
    pub(crate) fn since(&self, asked: &Asked, old: &[Arc<Row>]) -> Applied {
        let now = self.window(asked);
        let had: HashMap<&Key, &Arc<Row>> = old.iter().map(|row| (&row.key, row)).collect();
        let same = |(old, new): (&Arc<Row>, &Arc<Row>)| old.key == new.key && !differs(asked, old, new);
        if old.len() == now.len() && old.iter().zip(now).all(same) {
            return Applied::Same;
        }
        let unmoved = old.len() == now.len() && old.iter().zip(now).all(|(old, new)| old.key == new.key);
        if !unmoved {
            return Applied::News(LiveNews::Snapshot(
                self.result(asked),
                Some(SnapshotReason::Resumed),
            ));
        }
        let mut changes = Vec::new();
        for (at, row) in now.iter().enumerate().rev() {
            if had.get(&row.key).is_some_and(|old| differs(asked, old, row)) {
                changes.push(put(asked, now, at));
            }
        }
        self.news(asked, changes)
    }

    fn enter(&mut self, asked: &Asked, new: Option<&Arc<Row>>) {
        let Some(row) = new.filter(|row| asked.plan.admits(row)) else {
            return;
        };
        let at = self
            .rows
            .partition_point(|had| asked.plan.compare(had, row).is_lt());
        // What comes behind the last that is known may come behind others that are not known, too.
        if at < self.rows.len() || self.complete {
            self.rows.insert(at, row.clone());
        }
    }

    fn find(&self, asked: &Asked, key: &Key, old: Option<&Arc<Row>>) -> Option<usize> {
        let old = old.filter(|old| asked.plan.admits(old))?;
        match self.rows.binary_search_by(|had| asked.plan.compare(had, old)) {
            Ok(at) if self.rows[at].key == *key => Some(at),
            // A log of an older program does not say everything that the record was.
            _ => self.rows.iter().position(|had| had.key == *key),
        }
    }

    /// What happened to a list that is seen whole.
    fn all_changes(&self, asked: &Asked, touched: &AllTouched) -> Vec<LiveChange> {
        let mut changes = Vec::new();
        let mut puts = Vec::new();
        for (key, Touched { old, last }) in touched {
            match (old, self.find(asked, key, last.new.as_ref())) {
                (None, None) => {}
                (Some(_), None) => changes.push(LiveChange::Remove { key: key.clone() }),
                (None, Some(at)) => puts.push(at),
                (Some((was, old)), Some(at)) => {
                    let row = &self.rows[at];
                    let moved = match touched.len() {
                        1 => *was != at,
                        _ => asked.plan.compare(old, row).is_ne(),
                    };
                    if moved || differs(asked, old, row) {
                        puts.push(at);
                    }
                }
            }
        }
        // From the end, so that what a record stands before is there already.
        puts.sort_unstable_by(|a, b| b.cmp(a));
        changes.extend(puts.into_iter().map(|at| put(asked, &self.rows, at)));
        changes
    }

    /// What happened to a window.
    fn window_changes(&self, asked: &Asked, old: &[Arc<Row>], touched: &AllTouched) -> Vec<LiveChange> {
        let now = self.window(asked);
        let had: HashMap<&Key, &Arc<Row>> = old.iter().map(|row| (&row.key, row)).collect();
        let has: HashSet<&Key> = now.iter().map(|row| &row.key).collect();
        let gone = old.iter().filter(|row| !has.contains(&row.key));
        let mut changes: Vec<LiveChange> = gone
            .map(|row| LiveChange::Remove { key: row.key.clone() })
            .collect();
        for (at, row) in now.iter().enumerate().rev() {
            let news = match had.get(&row.key) {
                None => true,
                Some(old) if touched.contains_key(&row.key) => {
                    differs(asked, old, row) || asked.plan.compare(old, row).is_ne()
                }
                Some(_) => false,
            };
            if news {
                changes.push(put(asked, now, at));
            }
        }
        changes
    }

    /// The smaller of changes and the whole.
    fn news(&self, asked: &Asked, changes: Vec<LiveChange>) -> Applied {
        if changes.is_empty() {
            return Applied::Same;
        }
        let window = self.window(asked);
        if changes.len() * 2 > window.len() {
            let whole: usize = window.iter().map(|row| bytes(row)).sum();
            let steps: usize = changes.iter().map(change_bytes).sum();
            if whole < steps {
                let reason = Some(SnapshotReason::Smaller);
                return Applied::News(LiveNews::Snapshot(self.result(asked), reason));
            }
        }
        Applied::News(LiveNews::Changes(changes))
    }
}

fn put(asked: &Asked, rows: &[Arc<Row>], at: usize) -> LiveChange {
    LiveChange::Put {
        record: Record::new(asked.table.clone(), rows[at].clone()),
        before: rows.get(at + 1).map(|next| next.key.clone()),
    }
}

fn change_bytes(change: &LiveChange) -> usize {
    match change {
        LiveChange::Put { record, .. } => STEP_BYTES + bytes(record.row()),
        LiveChange::Remove { .. } => STEP_BYTES,
    }
}

/// How long a record is as JSON, roughly.
fn bytes(row: &Row) -> usize {
    let value = |value: &Value| match value {
        Value::Null => 0,
        Value::Text(text) => text.len() + VALUE_BYTES,
        Value::List(list) => list.iter().map(|item| item.len() + 4).sum(),
        Value::Json(json) => json.to_string().len(),
        _ => VALUE_BYTES,
    };
    let extra = row
        .extra
        .as_ref()
        .map_or(0, |extra| extra.len() * 2 * VALUE_BYTES);
    RECORD_BYTES + row.values.iter().map(value).sum::<usize>() + extra
}

/// Whether anything that is seen of a record differs.
pub(crate) fn differs(asked: &Asked, old: &Row, new: &Row) -> bool {
    let field = |field: &FieldRef| old.field(field) != new.field(field);
    match &asked.fields {
        None => old.change != new.change,
        Some(fields) => fields.iter().any(field),
    }
}
