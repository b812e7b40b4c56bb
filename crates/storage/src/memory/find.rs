//! Many records by equal fields at once: through an index where one helps, else in one pass. No filters, no orders.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Record, Value};

use super::access::key_of;
use super::index::{Index, IndexKind};
use super::relation::Relation;

/// For each tuple the live records whose fields equal it, at most `limit` each, in key order.
pub(super) fn find(
    relation: &Relation,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
    limit: usize,
) -> Vec<Vec<Arc<Record>>> {
    if let Some(at) = fields.iter().position(|field| *field == FieldRef::Key) {
        return tuples
            .iter()
            .map(|tuple| by_key(relation, fields, tuple, at, limit))
            .collect();
    }
    let structured = tuples
        .iter()
        .flatten()
        .any(|value| matches!(value, Value::Json(_)));
    match best_index(relation, fields, tuples) {
        _ if structured => tuples
            .iter()
            .map(|tuple| by_looking(relation, fields, tuple, limit))
            .collect(),
        Some((index, positions)) => tuples
            .iter()
            .map(|tuple| by_index(relation, index, &positions, fields, tuple, limit))
            .collect(),
        None => in_one_pass(relation, fields, tuples, limit),
    }
}

fn equal(record: &Record, fields: &[FieldRef], tuple: &[Value]) -> bool {
    fields
        .iter()
        .zip(tuple)
        .all(|(field, value)| *record.field(field) == *value)
}

/// JSON is equal in any order of members, which neither an index nor a hash knows.
fn by_looking(relation: &Relation, fields: &[FieldRef], tuple: &[Value], limit: usize) -> Vec<Arc<Record>> {
    let records = relation.live.iter().map(|(_, slot)| relation.slots.get(*slot));
    records
        .filter(|record| equal(record, fields, tuple))
        .take(limit)
        .cloned()
        .collect()
}

fn by_key(
    relation: &Relation,
    fields: &[FieldRef],
    tuple: &[Value],
    at: usize,
    limit: usize,
) -> Vec<Arc<Record>> {
    let key = tuple
        .get(at)
        .and_then(|value| key_of(&relation.definition, value));
    let record = key.and_then(|key| relation.get(&key));
    let wanted = record.filter(|record| record.deleted_at.is_none() && equal(record, fields, tuple));
    wanted.filter(|_| limit > 0).into_iter().cloned().collect()
}

/// The index with the most different values of which the fields give at least the first ones, and where among the fields
/// those are.
fn best_index<'a>(
    relation: &'a Relation,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
) -> Option<(&'a Index, Vec<usize>)> {
    let position = |wanted: &FieldRef| fields.iter().position(|field| field == wanted);
    let covered = relation.indexes.iter().map(|index| {
        let positions: Vec<usize> = index.fields.iter().map_while(position).collect();
        (index, positions)
    });
    let null_at = |place: usize| {
        tuples
            .iter()
            .any(|tuple| tuple.get(place).is_none_or(Value::is_null))
    };
    let usable = covered.filter(|(index, positions)| match positions.first() {
        None => false,
        Some(first) => index.kind != IndexKind::Sparse || !null_at(*first),
    });
    usable.max_by_key(|(index, positions)| (positions.len() == index.fields.len(), index.entries.len()))
}

fn by_index(
    relation: &Relation,
    index: &Index,
    positions: &[usize],
    fields: &[FieldRef],
    tuple: &[Value],
    limit: usize,
) -> Vec<Arc<Record>> {
    let values: Vec<&Value> = positions
        .iter()
        .filter_map(|position| tuple.get(*position))
        .collect();
    let (from, to) = index.prefix(&values);
    let groups = index.entries.range(from, to);
    let many = groups.clone().nth(1).is_some();
    let records = groups
        .flat_map(|(_, holders)| holders.walk(true))
        .map(|slot| relation.slots.get(slot));
    let records = records.filter(|record| equal(record, fields, tuple));
    if !many {
        return records.take(limit).cloned().collect();
    }
    let mut records: Vec<Arc<Record>> = records.cloned().collect();
    records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    records.truncate(limit);
    records
}

fn in_one_pass(
    relation: &Relation,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
    limit: usize,
) -> Vec<Vec<Arc<Record>>> {
    let mut wanted: HashMap<&[Value], Vec<usize>> = HashMap::new();
    for (at, tuple) in tuples.iter().enumerate() {
        wanted.entry(tuple).or_default().push(at);
    }
    let mut found = vec![Vec::new(); tuples.len()];
    for (_, slot) in relation.live.iter() {
        let record = relation.slots.get(*slot);
        let values: Vec<Value> = fields
            .iter()
            .map(|field| record.field(field).into_owned())
            .collect();
        for at in wanted.get(values.as_slice()).into_iter().flatten() {
            if found[*at].len() < limit {
                found[*at].push(record.clone());
            }
        }
    }
    found
}
