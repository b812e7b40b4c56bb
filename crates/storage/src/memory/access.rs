//! Which records a plan has to look at: by key, by an index, or all. It reads no record and filters nothing exactly;
//! whoever follows it checks [`Plan::admits`].

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope};
use chancery_model::record::key_value;
use chancery_model::{Key, KeyKind, Table, Value};

use super::index::{Index, IndexKind};
use super::ordered::Place;
use super::relation::Relation;
use super::slots::Slot;

/// Up to how many values in a range are counted one by one for an estimate.
const COUNTED_VALUES: usize = 32;

/// A way to the records of a plan. It leads to all of them, and perhaps to others.
#[derive(Debug)]
pub(crate) enum Access<'a> {
    /// All records of the scope.
    Everything,
    /// These, in key order.
    Keys(Vec<Slot>),
    /// Those with keys from here (inclusive) to there (inclusive).
    KeyRange(Option<Key>, Option<Key>),
    /// The live ones under these entries of an index, in the order of their values.
    Entries(&'a Index, Vec<(Place, Place)>),
}

/// A way and about how many records lie on it.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    /// The way.
    pub(crate) access: Access<'a>,
    /// About how many records.
    pub(crate) estimate: usize,
}

impl Access<'_> {
    /// Whether it gives records in key order.
    pub(crate) fn in_key_order(&self) -> bool {
        match self {
            Access::Everything | Access::Keys(_) | Access::KeyRange(..) => true,
            Access::Entries(index, ranges) => match ranges.as_slice() {
                [] => true,
                [(from, to)] => index.entries.range(*from, *to).nth(1).is_none(),
                _ => false,
            },
        }
    }
}

/// The way with the fewest records.
pub(crate) fn choose<'a>(relation: &'a Relation, plan: &Plan) -> Choice<'a> {
    let mut best = Choice {
        access: Access::Everything,
        estimate: relation.live.len() + relation.trash.len(),
    };
    let scope = relation.scope(plan);
    let mut conditions = Vec::new();
    collect(&plan.filter, &mut conditions);
    let mut consider = |access: Option<Access<'a>>| {
        if let Some(access) = access {
            let estimate = estimate(relation, &access);
            if estimate < best.estimate {
                best = Choice { access, estimate };
            }
        }
    };
    for (field, test) in &conditions {
        match field {
            FieldRef::Key => consider(keys(relation, test)),
            field if scope == Scope::Live => {
                let index = relation.index_of(field);
                consider(index.and_then(|index| Some(Access::Entries(index, entries(index, test)?))));
            }
            _ => {}
        }
    }
    if scope == Scope::Live && conditions.len() > 1 {
        for index in relation.indexes.iter().filter(|index| index.fields.len() > 1) {
            consider(prefix(index, &conditions));
        }
    }
    best
}

/// The entries of a single-column index under which every record lies that passes a test; `None` if the index does not
/// help. (JSON is equal in any order of members, which no index knows.)
pub(crate) fn entries(index: &Index, test: &Test) -> Option<Vec<(Place, Place)>> {
    if index.kind == IndexKind::Sparse && test.passes(&Value::Null) {
        return None;
    }
    let map = &index.entries;
    let at = |bound: &dyn Fn(&Value) -> bool| map.partition(|tuple| bound(&tuple.values()[0]));
    let equal = |value: &Value| index.prefix(&[value]);
    let ranges = match test {
        Test::Eq(Value::Json(_)) => return None,
        Test::In(values) if values.iter().any(|value| matches!(value, Value::Json(_))) => return None,
        Test::Eq(value) => vec![equal(value)],
        Test::In(values) => {
            let mut values: Vec<&Value> = values.iter().collect();
            values.sort_unstable();
            // Numbers of different kinds may be one value, and lie in one place.
            let mut ranges: Vec<(Place, Place)> = values.into_iter().map(equal).collect();
            ranges.dedup();
            ranges
        }
        Test::Blank => vec![
            equal(&Value::Null),
            equal(&Value::text("")),
            equal(&Value::List(Vec::new())),
        ],
        Test::Lt(bound) | Test::Le(bound) | Test::Gt(bound) | Test::Ge(bound) if bound.is_null() => {
            Vec::new()
        }
        Test::Lt(bound) => vec![(
            at(&|value| value < bound && !value.comparable(bound)),
            at(&|value| value < bound),
        )],
        Test::Le(bound) => vec![(
            at(&|value| value < bound && !value.comparable(bound)),
            at(&|value| value <= bound),
        )],
        Test::Gt(bound) => vec![(
            at(&|value| value <= bound),
            at(&|value| value <= bound || value.comparable(bound)),
        )],
        Test::Ge(bound) => vec![(
            at(&|value| value < bound),
            at(&|value| value <= bound || value.comparable(bound)),
        )],
        Test::Between(low, high) if !low.comparable(high) => Vec::new(),
        Test::Between(low, high) => vec![(at(&|value| value < low), at(&|value| value <= high))],
        Test::StartsWith(start) => {
            let low = Value::text(start.as_str());
            let starts = |value: &Value| {
                value
                    .as_text()
                    .is_some_and(|text| text.starts_with(start.as_str()))
            };
            vec![(
                at(&|value| *value < low),
                at(&|value| *value < low || starts(value)),
            )]
        }
        _ => return None,
    };
    Some(ranges.into_iter().filter(|(from, to)| from < to).collect())
}

/// Whether every record under the entries that [`entries`] gives passes the test. Numbers of different kinds may share
/// an entry and not be equal.
pub(crate) fn exact(index: &Index, test: &Test, ranges: &[(Place, Place)]) -> bool {
    let values = match test {
        Test::Eq(value) => std::slice::from_ref(value),
        Test::In(values) => values.as_slice(),
        _ => return true,
    };
    let plain = |value: &Value| match value {
        Value::Int(int) => int.unsigned_abs() < 1 << 53,
        Value::Float(_) | Value::Decimal(_) | Value::Json(_) => false,
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) => true,
    };
    let decimal =
        |(from, _): &(Place, Place)| matches!(index.entries.key(*from).values()[0], Value::Decimal(_));
    values.iter().all(plain) && !ranges.iter().any(decimal)
}

/// How many records lie under entries of an index, exactly.
pub(crate) fn count_entries(relation: &Relation, index: &Index, ranges: &[(Place, Place)]) -> usize {
    let map = &index.entries;
    let width = |(from, to): &(Place, Place)| map.rank(*to) - map.rank(*from);
    if map.len() == relation.live.len() {
        return ranges.iter().map(width).sum();
    }
    let under = |(from, to): &(Place, Place)| {
        map.range(*from, *to)
            .map(|(_, holders)| holders.len())
            .sum::<usize>()
    };
    ranges.iter().map(under).sum()
}

/// A key as a value back as a key of a table; `None` if no key of the table is that value.
pub(crate) fn key_of(table: &Table, value: &Value) -> Option<Key> {
    let key = match (table.key_kind, value) {
        (KeyKind::Int, Value::Int(int)) => Key::Int(*int),
        (KeyKind::Text, Value::Text(text)) => Key::Text(text.as_str().into()),
        (KeyKind::Uuid, Value::Text(text)) => Key::parse(KeyKind::Uuid, text)?,
        _ => return None,
    };
    (key_value(&key) == *value).then_some(key)
}

/// The conditions that all records of a filter meet.
fn collect<'f>(filter: &'f Filter, conditions: &mut Vec<(&'f FieldRef, &'f Test)>) {
    match filter {
        Filter::All | Filter::Or(_) => {}
        Filter::And(parts) => parts.iter().for_each(|part| collect(part, conditions)),
        Filter::Field(field, test) => conditions.push((field, test)),
    }
}

fn estimate(relation: &Relation, access: &Access<'_>) -> usize {
    match access {
        Access::Everything => relation.live.len() + relation.trash.len(),
        Access::Keys(slots) => slots.len(),
        Access::KeyRange(from, to) => {
            let map = &relation.live;
            let from = from
                .as_ref()
                .map_or(0, |key| map.rank(map.partition(|other| other < key)));
            let to = to
                .as_ref()
                .map_or(map.len(), |key| map.rank(map.partition(|other| other <= key)));
            to.saturating_sub(from) + relation.trash.len()
        }
        Access::Entries(index, ranges) => {
            let map = &index.entries;
            let width: usize = ranges
                .iter()
                .map(|(from, to)| map.rank(*to) - map.rank(*from))
                .sum();
            if width <= COUNTED_VALUES {
                return count_entries(relation, index, ranges);
            }
            width * (relation.live.len() / map.len().max(1)).max(1)
        }
    }
}

fn keys<'a>(relation: &'a Relation, test: &Test) -> Option<Access<'a>> {
    let table = &relation.definition;
    let slots = |values: &[Value]| {
        let keys = values.iter().filter_map(|value| key_of(table, value));
        let mut slots: Vec<Slot> = keys.filter_map(|key| relation.slots.find(&key)).collect();
        slots.sort_unstable_by(|a, b| relation.slots.get(*a).key.cmp(&relation.slots.get(*b).key));
        slots.dedup();
        Access::Keys(slots)
    };
    Some(match test {
        Test::Eq(value) => slots(std::slice::from_ref(value)),
        Test::In(values) => slots(values),
        Test::Gt(bound) | Test::Ge(bound) => Access::KeyRange(Some(key_of(table, bound)?), None),
        Test::Lt(bound) | Test::Le(bound) => Access::KeyRange(None, Some(key_of(table, bound)?)),
        Test::Between(low, high) => Access::KeyRange(Some(key_of(table, low)?), Some(key_of(table, high)?)),
        _ => return None,
    })
}

/// The entries of an index of several columns whose first columns have one value each.
fn prefix<'a>(index: &'a Index, conditions: &[(&FieldRef, &Test)]) -> Option<Access<'a>> {
    let equal = |wanted: &FieldRef| {
        conditions.iter().find_map(|(field, test)| match (field, test) {
            (_, Test::Eq(Value::Json(_))) => None,
            (field, Test::Eq(value)) if *field == wanted => Some(value),
            _ => None,
        })
    };
    let values: Vec<&Value> = index.fields.iter().map_while(equal).collect();
    if values.is_empty() {
        return None;
    }
    let (from, to) = index.prefix(&values);
    Some(Access::Entries(
        index,
        if from < to { vec![(from, to)] } else { Vec::new() },
    ))
}
