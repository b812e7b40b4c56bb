//! The subscriptions of a store: what each has, what waits for it, and how steps change both. Reads nothing; it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use chancery_model::{Json, Record as Row, TableId};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::figure::Figures;
use super::index::{Id, Index};
use super::limits::{LIVE_PUSHED_RECORDS_MAX, LIVE_PUSHES_MAX, STEPS_WHILE_READ_MAX};
use super::list::{Applied, List, differs};
use super::load::Wanted;
use super::push::{LiveNews, LiveResult, Push, SnapshotReason};
use super::query::{Asked, Place, What};
use super::step::Step;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::record::Record;

/// All subscriptions of a store.
#[derive(Default)]
pub(crate) struct State {
    /// Everything up to this revision was followed.
    pub(crate) revision: u64,
    /// Whether tasks follow the log.
    pub(crate) is_followed: bool,
    pub(crate) subscriptions: HashMap<Id, Subscription>,
    pub(crate) index: Index,
    /// Those whose result has to be read again.
    pub(crate) lost: Vec<Id>,
    pub(crate) catalog: Option<Arc<Catalog>>,
    newest: Id,
}

/// One subscription.
pub(crate) struct Subscription {
    pub(crate) wanted: Arc<Wanted>,
    pub(crate) view: View,
    asked: Option<Arc<Asked>>,
    places: Vec<Place>,
    /// What the subscriber was told last, while the result is read again.
    told: Option<(Told, Arc<Asked>)>,
    pushes: VecDeque<Push>,
    held: usize,
    /// Pushes were left out: the next one is a fresh result.
    pub(crate) overflowed: bool,
    pub(crate) failure: Option<Error>,
    inbox: Arc<Inbox>,
    rung: bool,
    lost: bool,
}

/// What a subscription has of its result.
pub(crate) enum View {
    /// Nothing, and follows nothing.
    Idle,
    /// It is being read; steps wait.
    Read(Vec<(u64, Arc<Step>)>, Overrun),
    One(Option<Arc<Row>>),
    List(List),
    Figures(Figures),
    /// What a closure made; whether it runs, and whether what it read was touched meanwhile.
    Made {
        value: Option<Json>,
        runs: bool,
        touched: bool,
    },
}

/// Whether more steps came than are kept, while a result was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrun(pub(crate) bool);

/// What a subscriber was told last.
enum Told {
    One(Option<Arc<Row>>),
    List(Vec<Arc<Row>>),
    Result(LiveResult),
}

/// Where subscriptions ring when there is news: one for each subscriber, or one for all of a connection.
#[derive(Default)]
pub(crate) struct Inbox {
    ready: Mutex<VecDeque<Id>>,
    bell: Notify,
}

impl Inbox {
    pub(crate) fn ring(&self, id: Id) {
        self.ready.lock().push_back(id);
        self.bell.notify_one();
    }

    /// Waits for a subscription that has news. May be given up without losing any.
    pub(crate) async fn wait(&self) -> Id {
        loop {
            if let Some(id) = self.ready.lock().pop_front() {
                return id;
            }
            self.bell.notified().await;
        }
    }

    pub(crate) fn forget(&self, id: Id) {
        self.ready.lock().retain(|had| *had != id);
    }
}

impl State {
    pub(crate) fn add(&mut self, wanted: Arc<Wanted>, inbox: Arc<Inbox>) -> Id {
        self.newest += 1;
        let subscription = Subscription {
            wanted,
            view: View::Idle,
            asked: None,
            places: Vec::new(),
            told: None,
            pushes: VecDeque::new(),
            held: 0,
            overflowed: false,
            failure: None,
            inbox,
            rung: false,
            lost: false,
        };
        self.subscriptions.insert(self.newest, subscription);
        self.newest
    }

    pub(crate) fn remove(&mut self, id: Id) {
        if let Some(subscription) = self.subscriptions.remove(&id) {
            subscription
                .places
                .iter()
                .for_each(|place| self.index.remove(id, place));
            subscription.inbox.forget(id);
        }
    }

    /// From now on steps are kept for the subscription, until its result was read.
    pub(crate) fn begin(&mut self, id: Id, asked: Arc<Asked>) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        subscription.remember();
        subscription.lost = false;
        for place in subscription.places.drain(..) {
            self.index.remove(id, &place);
        }
        let place = asked.place();
        self.index.add(id, &asked.table, &place);
        subscription.places.push(place);
        subscription.view = View::Read(Vec::new(), Overrun::default());
        subscription.asked = Some(asked);
    }

    /// From now on what a closure reads is watched.
    pub(crate) fn begin_made(&mut self, id: Id) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        for place in subscription.places.drain(..) {
            self.index.remove(id, &place);
        }
        subscription.lost = false;
        let value = match &mut subscription.view {
            View::Made { value, .. } => value.take(),
            _ => None,
        };
        subscription.view = View::Made {
            value,
            runs: true,
            touched: false,
        };
    }

    /// A closure is about to read there.
    pub(crate) fn depend(&mut self, id: Id, table: &Arc<chancery_model::Table>, place: Place) {
        if let Some(subscription) = self.subscriptions.get_mut(&id)
            && !subscription.places.contains(&place)
        {
            self.index.add(id, table, &place);
            subscription.places.push(place);
        }
    }

    /// Takes what a closure made; answers whether it is true at the revision that was followed.
    pub(crate) fn made(&mut self, id: Id, new: Json, is_last: bool) -> Option<bool> {
        let revision = self.revision;
        let subscription = self.subscriptions.get_mut(&id)?;
        let View::Made { value, runs, touched } = &mut subscription.view else {
            return None;
        };
        if *touched && !is_last {
            return Some(false);
        }
        let again = *touched;
        let news = value.as_ref().is_some_and(|had| *had != new);
        *value = Some(new.clone());
        (*runs, *touched) = (false, false);
        subscription.overflowed = false;
        if news {
            let news = LiveNews::Snapshot(LiveResult::Value(new), None);
            self.push(id, revision, news);
        }
        if again {
            self.lose(id);
        }
        Some(true)
    }

    /// Follows steps, in the order of the log; those of one revision are one commit.
    pub(crate) fn follow(&mut self, steps: &[(u64, TableId, Arc<Step>)]) {
        let mut ids = Vec::new();
        for commit in steps.chunk_by(|(a, ..), (b, ..)| a == b) {
            let [(revision, table, step)] = commit else {
                self.follow_many(commit);
                continue;
            };
            ids.clear();
            if let Some(watched) = self.index.watched(*table) {
                watched.concerned(step, &mut ids);
            }
            for id in &ids {
                self.apply(*id, *revision, &[step]);
            }
        }
    }

    fn follow_many(&mut self, commit: &[(u64, TableId, Arc<Step>)]) {
        let mut concerned: HashMap<Id, Vec<&Arc<Step>>> = HashMap::new();
        let mut ids = Vec::new();
        for (_, table, step) in commit {
            ids.clear();
            if let Some(watched) = self.index.watched(*table) {
                watched.concerned(step, &mut ids);
            }
            for id in &ids {
                concerned.entry(*id).or_default().push(step);
            }
        }
        let revision = commit.first().map_or(0, |(revision, ..)| *revision);
        for (id, steps) in concerned {
            self.apply(id, revision, &steps);
        }
    }

    fn apply(&mut self, id: Id, revision: u64, steps: &[&Arc<Step>]) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        let Some(applied) = subscription.apply(revision, steps) else {
            return;
        };
        self.applied(id, revision, applied);
    }

    fn applied(&mut self, id: Id, revision: u64, applied: Applied) {
        match applied {
            Applied::Same => {}
            Applied::News(news) => self.push(id, revision, news),
            Applied::Lost => self.lose(id),
            Applied::Excess => self.fail(id, super::load::excess()),
        }
    }

    /// Has the result of a subscription read again.
    pub(crate) fn lose(&mut self, id: Id) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        match &mut subscription.view {
            View::Read(_, overrun) => *overrun = Overrun(true),
            View::Made {
                runs: true, touched, ..
            } => *touched = true,
            _ if subscription.lost || subscription.overflowed => {}
            _ => {
                subscription.lost = true;
                self.lost.push(id);
            }
        }
    }

    /// Has a result read again that could not be read.
    pub(crate) fn lose_again(&mut self, id: Id) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        match &mut subscription.view {
            // What is lost follows no steps.
            View::Read(kept, _) => *kept = Vec::new(),
            View::Made { runs, .. } => *runs = false,
            _ => {}
        }
        if !std::mem::replace(&mut subscription.lost, true) {
            self.lost.push(id);
        }
    }

    pub(crate) fn lose_table(&mut self, table: TableId) {
        let ids = self.index.watched(table).map(|watched| watched.everybody());
        ids.into_iter().flatten().for_each(|id| self.lose(id));
    }

    /// Ends a subscription with an error, which its subscriber is told.
    pub(crate) fn fail(&mut self, id: Id, error: Error) {
        self.stop(id);
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            subscription.failure = Some(error);
            subscription.ring(id);
        }
    }

    pub(crate) fn fail_all(&mut self, error: impl Fn() -> Error) {
        let ids: Vec<Id> = self.subscriptions.keys().copied().collect();
        ids.into_iter().for_each(|id| self.fail(id, error()));
    }

    /// Follows nothing for a subscription any more.
    fn stop(&mut self, id: Id) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            for place in subscription.places.drain(..) {
                self.index.remove(id, &place);
            }
            subscription.view = View::Idle;
            subscription.told = None;
        }
    }

    fn push(&mut self, id: Id, revision: u64, news: LiveNews) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        let push = Push { revision, news };
        subscription.held += push.weight();
        subscription.pushes.push_back(push);
        subscription.ring(id);
        let waiting = subscription.pushes.len();
        if waiting > LIVE_PUSHES_MAX || (waiting > 1 && subscription.held > LIVE_PUSHED_RECORDS_MAX) {
            subscription.pushes = VecDeque::new();
            subscription.held = 0;
            subscription.overflowed = true;
            // Whoever does not read costs nothing from here on: the result is read when they come back.
            self.stop(id);
        }
    }

    /// The next push that waits; none if there is none, or only a fresh result can go on.
    pub(crate) fn take(&mut self, id: Id) -> Option<Push> {
        let subscription = self.subscriptions.get_mut(&id)?;
        let push = subscription.pushes.pop_front();
        match &push {
            Some(push) => subscription.held -= push.weight(),
            None => subscription.rung = false,
        }
        push
    }

    /// The result as it is, and its revision: both from one moment.
    pub(crate) fn loaded(&self, id: Id) -> (u64, Option<LiveResult>) {
        let subscription = self.subscriptions.get(&id);
        (self.revision, subscription.and_then(Subscription::result))
    }

    /// Takes a result that was read; answers whether it is exact at the revision that was followed.
    pub(crate) fn finish(&mut self, id: Id, fresh: Fresh, reading: Reading) -> bool {
        let revision = self.revision;
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return true;
        };
        if !subscription.finish(fresh, reading) {
            return false;
        }
        let told = subscription.told.take();
        if subscription.overflowed {
            subscription.overflowed = false;
        } else if let Some(told) = told {
            let applied = subscription.since(told);
            self.applied(id, revision, applied);
        }
        true
    }
}

/// A result that was read, before the steps that came meanwhile.
pub(crate) enum Fresh {
    One(Option<Arc<Row>>),
    Rows(Vec<Arc<Row>>),
    Figures(Figures),
    /// The records of a figure.
    FigureRows(Vec<Arc<Row>>),
}

/// When a result was read: between these revisions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Subscription {
    fn ring(&mut self, id: Id) {
        if !self.rung {
            self.rung = true;
            self.inbox.ring(id);
        }
    }

    fn remember(&mut self) {
        let Some(asked) = &self.asked else { return };
        let told = match &self.view {
            View::One(row) => Told::One(row.clone()),
            View::List(list) => Told::List(list.told(asked)),
            View::Figures(figures) => Told::Result(figures.said.clone()),
            View::Idle | View::Read(..) | View::Made { .. } => return,
        };
        self.told = Some((told, asked.clone()));
    }

    fn apply(&mut self, revision: u64, steps: &[&Arc<Step>]) -> Option<Applied> {
        if let View::Made { .. } = &self.view {
            return Some(Applied::Lost);
        }
        if self.lost {
            return None;
        }
        let asked = self.asked.as_ref()?;
        Some(match &mut self.view {
            View::Idle | View::Made { .. } => Applied::Same,
            View::Read(kept, overrun) => {
                if kept.len() + steps.len() > STEPS_WHILE_READ_MAX {
                    *overrun = Overrun(true);
                } else {
                    kept.extend(steps.iter().map(|step| (revision, Arc::clone(step))));
                }
                Applied::Same
            }
            View::One(row) => {
                let last = steps.last()?;
                let new = seen(asked, last.new.as_ref());
                let same = same_row(asked, row.as_ref(), new.as_ref());
                *row = new;
                match same {
                    true => Applied::Same,
                    false => Applied::News(LiveNews::Snapshot(one(asked, row.as_ref()), None)),
                }
            }
            View::List(list) => list.apply(asked, steps),
            View::Figures(figures) => match &asked.what {
                What::Figure(figure) => figures.apply(asked, figure, steps),
                _ => Applied::Same,
            },
        })
    }

    /// Turns a result that was read into a view; answers whether that is exact.
    fn finish(&mut self, fresh: Fresh, reading: Reading) -> bool {
        let Some(asked) = &self.asked else { return true };
        let View::Read(kept, overrun) = &mut self.view else {
            return true;
        };
        if overrun.0 {
            return false;
        }
        let steps: Vec<Arc<Step>> = kept.iter().map(|(_, step)| step.clone()).collect();
        let view = match (fresh, &asked.what) {
            (Fresh::One(row), _) => {
                let row = steps.last().map_or(row, |step| step.new.clone());
                View::One(seen(asked, row.as_ref()))
            }
            (Fresh::Rows(rows), _) => {
                let list = List::new(asked, rows, &steps);
                // So many of them left meanwhile that others, which were not read, belong into what is seen.
                if list.is_short(asked) && !list.is_excessive(asked) {
                    return false;
                }
                View::List(list)
            }
            (Fresh::FigureRows(rows), What::Figure(figure)) => {
                let list = List::new(asked, rows, &steps);
                View::Figures(Figures::of_rows(asked, figure, list.window(asked)))
            }
            (Fresh::Figures(mut figures), What::Figure(figure)) => {
                // Which of the steps the read has seen is known only if nothing was committed while it ran.
                if steps.is_empty() {
                    self.view = View::Figures(figures);
                    return true;
                }
                if reading.from != reading.to {
                    return false;
                }
                let later: Vec<Arc<Step>> = kept
                    .iter()
                    .filter(|(revision, _)| *revision > reading.from)
                    .map(|(_, step)| step.clone())
                    .collect();
                let later: Vec<&Arc<Step>> = later.iter().collect();
                if matches!(figures.apply(asked, figure, &later), Applied::Lost) {
                    return false;
                }
                View::Figures(figures)
            }
            _ => return true,
        };
        self.view = view;
        true
    }

    /// What is new since the subscriber was told last.
    fn since(&self, (told, by): (Told, Arc<Asked>)) -> Applied {
        let Some(asked) = &self.asked else {
            return Applied::Same;
        };
        let resumed = Some(SnapshotReason::Resumed);
        match (told, &self.view) {
            // By another definition everything may look different.
            _ if by.table.schema_version != asked.table.schema_version => self.anew(resumed),
            (Told::List(old), View::List(list)) => list.since(asked, &old),
            (Told::One(old), View::One(row)) if same_row(asked, old.as_ref(), row.as_ref()) => Applied::Same,
            (Told::Result(old), View::Figures(figures)) if old == figures.said => Applied::Same,
            _ => self.anew(resumed),
        }
    }

    fn anew(&self, reason: Option<SnapshotReason>) -> Applied {
        match self.result() {
            Some(result) => Applied::News(LiveNews::Snapshot(result, reason)),
            None => Applied::Same,
        }
    }

    /// The result as it is.
    pub(crate) fn result(&self) -> Option<LiveResult> {
        if let View::Made { value, .. } = &self.view {
            return value.clone().map(LiveResult::Value);
        }
        let asked = self.asked.as_ref()?;
        match &self.view {
            View::One(row) => Some(one(asked, row.as_ref())),
            View::List(list) => Some(list.result(asked)),
            View::Figures(figures) => Some(figures.said.clone()),
            View::Idle | View::Read(..) | View::Made { .. } => None,
        }
    }

    /// Whether what was read is more than a live query may have.
    pub(crate) fn is_excessive(&self) -> bool {
        match (&self.asked, &self.view) {
            (Some(asked), View::List(list)) => list.is_excessive(asked),
            (_, View::Figures(figures)) => figures.is_excessive(),
            _ => false,
        }
    }
}

fn seen(asked: &Asked, row: Option<&Arc<Row>>) -> Option<Arc<Row>> {
    row.filter(|row| row.visible(asked.plan.now)).cloned()
}

fn one(asked: &Asked, row: Option<&Arc<Row>>) -> LiveResult {
    LiveResult::Record(row.map(|row| Record::new(asked.table.clone(), row.clone())))
}

fn same_row(asked: &Asked, old: Option<&Arc<Row>>, new: Option<&Arc<Row>>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => !differs(asked, old, new),
        _ => false,
    }
}
