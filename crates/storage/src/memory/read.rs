//! Answers to plans from one state: walks in order where it can, gathers and sorts where it must. Changes nothing.

use std::cmp::Ordering;
use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::query::{Boundary, Plan, Scope, SortKey, Window};
use chancery_model::{Key, Record, Value};

use super::access::{self, Access, Choice};
use super::index::{Holders, Index, IndexKind};
use super::ordered::{OrderedMap, Place};
use super::relation::Relation;
use super::slots::Slot;

type Slots<'a> = Box<dyn Iterator<Item = Slot> + 'a>;

/// One plan on one table.
pub(crate) struct Reader<'a> {
    relation: &'a Relation,
    plan: &'a Plan,
    /// Whether every record of the scope belongs to the answer.
    plain: bool,
}

/// A window, taken apart.
struct Part<'a> {
    skip: usize,
    take: usize,
    boundary: Option<&'a Boundary>,
    /// Whether the order is walked from its end.
    backward: bool,
}

/// What serves an order without sorting.
enum Order<'a> {
    Key { descending: bool },
    Index(&'a Index, &'a SortKey),
    None,
}

impl<'a> Reader<'a> {
    /// A plan on its table.
    pub(crate) fn new(relation: &'a Relation, plan: &'a Plan) -> Reader<'a> {
        let everything = match &plan.filter {
            chancery_model::filter::Filter::All => true,
            chancery_model::filter::Filter::And(parts) => parts.is_empty(),
            _ => false,
        };
        Reader {
            relation,
            plan,
            plain: everything && plan.search.is_none() && relation.expiring == 0,
        }
    }

    /// The records of the plan, in its order and window.
    pub(crate) fn records(&self) -> Vec<&'a Arc<Record>> {
        let part = self.part();
        if part.take == 0 {
            return Vec::new();
        }
        let choice = access::choose(self.relation, self.plan);
        let mut records = match self.order(&part) {
            Order::Key { descending } if choice.access.in_key_order() => {
                self.walk_keys(&choice.access, descending, &part)
            }
            Order::Key { descending } if self.walks(&choice, &part) => {
                self.walk_keys(&Access::Everything, descending, &part)
            }
            Order::Index(index, key) => match &choice.access {
                Access::Entries(other, ranges) if std::ptr::eq(index, *other) => {
                    self.walk_index(index, key, Some(ranges), &part)
                }
                _ if index.kind != IndexKind::Sparse && self.walks(&choice, &part) => {
                    self.walk_index(index, key, None, &part)
                }
                access => self.gather(access, &part),
            },
            _ => self.gather(&choice.access, &part),
        };
        if part.backward {
            records.reverse();
        }
        records
    }

    /// The records of the plan, order and window aside.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &'a Arc<Record>> + '_ {
        let choice = access::choose(self.relation, self.plan);
        self.slots(&choice.access)
            .map(|slot| self.relation.slots.get(slot))
            .filter(|record| self.admits(record))
    }

    /// How many records the plan has, where that is known without looking at them.
    pub(crate) fn known_count(&self) -> Option<usize> {
        if self.plain {
            return Some(self.scope_len());
        }
        let simple = self.relation.scope(self.plan) == Scope::Live
            && self.plan.search.is_none()
            && self.relation.expiring == 0;
        let chancery_model::filter::Filter::Field(field, test) = &self.plan.filter else {
            return None;
        };
        let index = self.relation.index_of(field).filter(|_| simple)?;
        let ranges = access::entries(index, test).filter(|ranges| access::exact(index, test, ranges))?;
        Some(access::count_entries(self.relation, index, &ranges))
    }

    /// About how many records the plan has, from at most `looks` of them.
    pub(crate) fn estimated_count(&self, looks: usize) -> usize {
        let choice = access::choose(self.relation, self.plan);
        let all = match choice.access {
            Access::Everything => self.scope_len(),
            _ => choice.estimate,
        };
        if all <= looks {
            return self.candidates().count();
        }
        let step = all.div_ceil(looks);
        let sampled = |map: &OrderedMap<Key, Slot>| -> Vec<Slot> {
            let places = (0..map.len()).step_by(step).map(|rank| map.place_at(rank));
            places.map(|place| *map.at(place)).collect()
        };
        let slots: Vec<Slot> = match &choice.access {
            Access::Everything => match self.plan.scope {
                Scope::Live => sampled(&self.relation.live),
                Scope::Trash => sampled(&self.relation.trash),
                Scope::All => [sampled(&self.relation.live), sampled(&self.relation.trash)].concat(),
            },
            access => self.slots(access).take(looks).collect(),
        };
        let admitted = slots
            .iter()
            .filter(|slot| self.admits(self.relation.slots.get(**slot)))
            .count();
        admitted * all / slots.len().max(1)
    }

    /// How the plan is answered, for a person.
    pub(crate) fn explain(&self) -> Vec<String> {
        let part = self.part();
        let table = &self.relation.definition;
        let name = |field: &FieldRef| match field {
            FieldRef::Column(column) => table.at(*column).slug.clone(),
            other => format!("{other:?}"),
        };
        let named = |index: &Index| index.fields.iter().map(name).collect::<Vec<_>>().join(", ");
        let choice = access::choose(self.relation, self.plan);
        let way = match &choice.access {
            Access::Everything => format!("all {} records of {}", self.scope_len(), table.slug),
            Access::Keys(slots) => format!("{} records of {} by key", slots.len(), table.slug),
            Access::KeyRange(..) => format!(
                "about {} records of {} by a range of keys",
                choice.estimate, table.slug
            ),
            Access::Entries(index, _) => {
                format!(
                    "about {} records of {} by the index on {}",
                    choice.estimate,
                    table.slug,
                    named(index)
                )
            }
        };
        let order = match self.order(&part) {
            Order::Key { .. } if choice.access.in_key_order() => "in key order".to_owned(),
            Order::Key { .. } if self.walks(&choice, &part) => {
                "walks all in key order until the page is full".to_owned()
            }
            Order::Index(index, _) if self.walks(&choice, &part) => {
                format!("walks the index on {} until the page is full", named(index))
            }
            _ => "sorts what passes the filter".to_owned(),
        };
        vec![way, order]
    }

    fn admits(&self, record: &Record) -> bool {
        self.plan.admits(record)
    }

    fn scope_len(&self) -> usize {
        match self.plan.scope {
            Scope::Live => self.relation.live.len(),
            Scope::Trash => self.relation.trash.len(),
            Scope::All => self.relation.live.len() + self.relation.trash.len(),
        }
    }

    fn part(&self) -> Part<'a> {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        match &self.plan.window {
            Window::All => Part {
                skip: 0,
                take: usize::MAX,
                boundary: None,
                backward: false,
            },
            Window::Offset { offset, limit } => Part {
                skip: size(*offset),
                take: size(*limit),
                boundary: None,
                backward: false,
            },
            Window::After { boundary, limit } => Part {
                skip: 0,
                take: size(*limit),
                boundary: Some(boundary),
                backward: false,
            },
            Window::Before { boundary, limit } => Part {
                skip: 0,
                take: size(*limit),
                boundary: Some(boundary),
                backward: true,
            },
        }
    }

    fn order(&self, part: &Part<'_>) -> Order<'a> {
        let Some(first) = self.plan.sort.first() else {
            return Order::Key { descending: false };
        };
        if first.field == FieldRef::Key && part.boundary.is_none_or(agrees) {
            return Order::Key {
                descending: first.descending,
            };
        }
        let complete = part
            .boundary
            .is_none_or(|boundary| boundary.values.len() == self.plan.sort.len());
        match self.relation.index_of(&first.field) {
            Some(index) if complete && self.relation.scope(self.plan) == Scope::Live => {
                Order::Index(index, first)
            }
            _ => Order::None,
        }
    }

    /// Whether walking all records in order until the window is full is cheaper than following the choice and sorting.
    fn walks(&self, choice: &Choice<'_>, part: &Part<'_>) -> bool {
        let all = self.scope_len();
        let wanted = part.skip.saturating_add(part.take);
        let walked = wanted.saturating_mul(all / choice.estimate.max(1) + 1).min(all);
        walked <= choice.estimate
    }

    /// Records in key order, or against it, until the window is full.
    fn walk_keys(&self, access: &Access<'a>, descending: bool, part: &Part<'_>) -> Vec<&'a Arc<Record>> {
        let ascending = descending == part.backward;
        let boundary = part.boundary.map(|boundary| &boundary.key);
        let mut skip = part.skip;
        let past = |slot: &Slot| {
            let key = &self.relation.slots.get(*slot).key;
            boundary.is_none_or(|boundary| if ascending { key > boundary } else { key < boundary })
        };
        let slots: Slots<'_> = match access {
            Access::Everything => self.by_key((None, None), boundary, ascending, &mut skip),
            Access::KeyRange(from, to) => {
                self.by_key((from.as_ref(), to.as_ref()), boundary, ascending, &mut skip)
            }
            Access::Keys(slots) if ascending => Box::new(slots.iter().copied().filter(past)),
            Access::Keys(slots) => Box::new(slots.iter().rev().copied().filter(past)),
            Access::Entries(index, ranges) => {
                let holders = ranges.first().map(|(from, _)| index.entries.at(*from));
                match (holders, boundary) {
                    (None, _) => Box::new(std::iter::empty()),
                    (Some(holders), None) => holders.walk(ascending),
                    (Some(holders), Some(key)) => holders.walk_past(key, ascending, &self.relation.slots),
                }
            }
        };
        let records = slots
            .map(|slot| self.relation.slots.get(slot))
            .filter(|record| self.admits(record));
        records.skip(skip).take(part.take).collect()
    }

    /// The records of the scope within a range of keys and past a boundary, by key. Takes from `skip` what could be
    /// skipped by position.
    fn by_key(
        &self,
        (from, to): (Option<&Key>, Option<&Key>),
        boundary: Option<&Key>,
        ascending: bool,
        skip: &mut usize,
    ) -> Slots<'a> {
        let places = |map: &OrderedMap<Key, Slot>| {
            let mut start = from.map_or(map.start(), |key| map.partition(|other| other < key));
            let mut end = to.map_or(map.end(), |key| map.partition(|other| other <= key));
            if let Some(boundary) = boundary {
                match ascending {
                    true => start = start.max(map.partition(|other| other <= boundary)),
                    false => end = end.min(map.partition(|other| other < boundary)),
                }
            }
            (start, end)
        };
        let (live, trash) = (&self.relation.live, &self.relation.trash);
        let map = match self.plan.scope {
            Scope::Live => live,
            Scope::Trash => trash,
            Scope::All => {
                let (a, b) = (places(live), places(trash));
                return merged(live.range(a.0, a.1), trash.range(b.0, b.1), ascending);
            }
        };
        let (mut start, mut end) = places(map);
        if self.plain && *skip > 0 {
            match ascending {
                true => start = map.place_at(map.rank(start).saturating_add(*skip)),
                false => end = map.place_at(map.rank(end).saturating_sub(*skip)),
            }
            *skip = 0;
        }
        let range = map.range(start, end);
        match ascending {
            true => Box::new(range.map(|(_, slot)| *slot)),
            false => Box::new(range.rev().map(|(_, slot)| *slot)),
        }
    }

    /// Records in the order of an index, group by group of equal values, until the window is full.
    fn walk_index(
        &self,
        index: &'a Index,
        key: &SortKey,
        ranges: Option<&[(Place, Place)]>,
        part: &Part<'_>,
    ) -> Vec<&'a Arc<Record>> {
        let mut page = Page {
            skip: part.skip,
            take: part.take,
            records: Vec::new(),
        };
        for (holders, partial) in groups(index, key, ranges, part) {
            let boundary = part.boundary.filter(|_| partial);
            if self.plan.sort.len() == 1 {
                if self.plain && boundary.is_none() && page.skip >= holders.len() {
                    page.skip -= holders.len();
                    continue;
                }
                let slots = match boundary {
                    Some(boundary) => holders.walk_past(&boundary.key, !part.backward, &self.relation.slots),
                    None => holders.walk(!part.backward),
                };
                let records = slots
                    .map(|slot| self.relation.slots.get(slot))
                    .filter(|record| self.admits(record));
                page.fill(records);
            } else {
                let slots = holders.walk(!part.backward);
                page.fill(
                    self.sorted(slots, boundary, part.backward, page.wanted())
                        .into_iter(),
                );
            }
            if page.records.len() == page.take {
                break;
            }
        }
        page.records
    }

    /// Follows a way to its end, keeps what belongs to the answer, and sorts.
    fn gather(&self, access: &Access<'a>, part: &Part<'_>) -> Vec<&'a Arc<Record>> {
        let wanted = part.skip.saturating_add(part.take);
        let mut records = self.sorted(self.slots(access), part.boundary, part.backward, wanted);
        records.drain(..part.skip.min(records.len()));
        records
    }

    /// The first `wanted` of the records in these slots that belong to the answer, sorted.
    fn sorted(
        &self,
        slots: impl Iterator<Item = Slot>,
        boundary: Option<&Boundary>,
        backward: bool,
        wanted: usize,
    ) -> Vec<&'a Arc<Record>> {
        let directed = |ordering: Ordering| if backward { ordering.reverse() } else { ordering };
        let records = slots
            .map(|slot| self.relation.slots.get(slot))
            .filter(|record| self.admits(record));
        let past = |record: &&Arc<Record>| {
            boundary.is_none_or(|boundary| directed(self.plan.compare_to(record, boundary)).is_gt())
        };
        let records = records.filter(past);
        if !self.plan.is_ranked() {
            let compare = |a: &&Arc<Record>, b: &&Arc<Record>| directed(self.plan.compare(a, b));
            return first(records.collect(), wanted, compare);
        }
        let ranked = records.map(|record| (self.plan.rank(record), record)).collect();
        let compare = |a: &(u32, &Arc<Record>), b: &(u32, &Arc<Record>)| {
            directed(self.plan.compare_ranked((a.0, a.1), (b.0, b.1)))
        };
        let found = first(ranked, wanted, compare).into_iter();
        found.map(|(_, record)| record).collect()
    }

    /// The slots on a way, in no order that is promised.
    fn slots<'s>(&'s self, access: &Access<'a>) -> Slots<'s> {
        match access {
            Access::Everything => self.by_key((None, None), None, true, &mut 0),
            Access::KeyRange(from, to) => self.by_key((from.as_ref(), to.as_ref()), None, true, &mut 0),
            Access::Keys(slots) => Box::new(slots.clone().into_iter()),
            Access::Entries(index, ranges) => {
                let (index, ranges) = (*index, ranges.clone());
                let entries = ranges
                    .into_iter()
                    .flat_map(|(from, to)| index.entries.range(from, to));
                Box::new(entries.flat_map(|(_, holders)| holders.walk(true)))
            }
        }
    }
}

/// The first `wanted` in an order.
fn first<T>(mut items: Vec<T>, wanted: usize, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if wanted < items.len() {
        if wanted > 0 {
            items.select_nth_unstable_by(wanted - 1, &compare);
        }
        items.truncate(wanted);
    }
    items.sort_unstable_by(compare);
    items
}

/// A page being filled.
struct Page<'a> {
    skip: usize,
    take: usize,
    records: Vec<&'a Arc<Record>>,
}

impl<'a> Page<'a> {
    /// How many records are still to be skipped or taken.
    fn wanted(&self) -> usize {
        self.skip.saturating_add(self.take - self.records.len())
    }

    fn fill(&mut self, records: impl Iterator<Item = &'a Arc<Record>>) {
        for record in records {
            if self.skip > 0 {
                self.skip -= 1;
            } else {
                self.records.push(record);
            }
            if self.records.len() == self.take {
                return;
            }
        }
    }
}

/// Whether the values of a boundary in key order are its key.
fn agrees(boundary: &Boundary) -> bool {
    boundary
        .values
        .first()
        .is_some_and(|value| *value == chancery_model::record::key_value(&boundary.key))
}

/// The groups of an index in the order of a sort key, from the boundary on. The flag says of a group that the boundary
/// is inside it.
fn groups<'a, 'p>(
    index: &'a Index,
    key: &SortKey,
    ranges: Option<&[(Place, Place)]>,
    part: &Part<'p>,
) -> Box<dyn Iterator<Item = (&'a Holders, bool)> + 'a> {
    let map = &index.entries;
    let up = key.descending == part.backward;
    let nulls_early = key.nulls_first != part.backward;
    let (null, values) = index.prefix(&[&Value::Null]);
    let ranges = ranges.map_or_else(|| vec![(map.start(), map.end())], <[_]>::to_vec);
    let has_nulls = null < values && ranges.iter().any(|(from, to)| *from <= null && null < *to);
    let mut nulls = has_nulls.then(|| (map.at(null), false));
    let (mut low, mut high) = (values, map.end());
    let mut inside = (high, high);
    match part.boundary.map(|boundary| &boundary.values[0]) {
        None => {}
        Some(Value::Null) => {
            nulls = nulls.map(|(holders, _)| (holders, true));
            if !nulls_early {
                high = low;
            }
        }
        Some(value) => {
            inside = index.prefix(&[value]);
            nulls = nulls.filter(|_| !nulls_early);
            match up {
                true => low = low.max(inside.0),
                false => high = high.min(inside.1),
            }
        }
    }
    let clipped = ranges
        .into_iter()
        .map(move |(from, to)| (from.max(low), to.min(high)));
    let flat = clipped
        .filter(|(from, to)| from < to)
        .flat_map(move |(from, to)| {
            let partial = from <= inside.0 && inside.0 < to && inside.0 < inside.1;
            let partial = partial.then(|| std::ptr::from_ref(map.at(inside.0)));
            map.range(from, to)
                .map(move |(_, holders)| (holders, partial.is_some_and(|at| std::ptr::eq(at, holders))))
        });
    let values: Box<dyn Iterator<Item = (&'a Holders, bool)> + 'a> = match up {
        true => Box::new(flat),
        false => Box::new(flat.rev()),
    };
    match nulls_early {
        true => Box::new(nulls.into_iter().chain(values)),
        false => Box::new(values.chain(nulls)),
    }
}

/// Two walks by key as one.
fn merged<'a>(
    a: super::ordered::Range<'a, Key, Slot>,
    b: super::ordered::Range<'a, Key, Slot>,
    ascending: bool,
) -> Slots<'a> {
    let directed =
        |range: super::ordered::Range<'a, Key, Slot>| -> Box<dyn Iterator<Item = &'a (Key, Slot)> + 'a> {
            if ascending {
                Box::new(range)
            } else {
                Box::new(range.rev())
            }
        };
    let (mut a, mut b) = (directed(a).peekable(), directed(b).peekable());
    Box::new(std::iter::from_fn(move || {
        let first = match (a.peek(), b.peek()) {
            (Some((x, _)), Some((y, _))) => (x < y) == ascending,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let next = if first { a.next() } else { b.next() };
        next.map(|(_, slot)| *slot)
    }))
}
