//! Aggregates in memory: groups the records of a plan and lets the model's arithmetic do the rest.

use std::collections::HashMap;

use chancery_model::Value;
use chancery_model::aggregate::{Accumulator, AggregatePlan, Group};
use chancery_model::query::SortKey;

use super::read::Reader;

/// The groups of a plan, in the order of their values, nulls last.
pub(super) fn aggregate(reader: &Reader<'_>, plan: &AggregatePlan) -> Vec<Group> {
    let fresh = || -> Vec<Accumulator> {
        plan.measures
            .iter()
            .map(|measure| Accumulator::new(measure.function))
            .collect()
    };
    let mut groups: HashMap<Vec<Value>, Vec<Accumulator>> = HashMap::new();
    if plan.group_by.is_empty() {
        groups.insert(Vec::new(), fresh());
    }
    let mut keys = Vec::with_capacity(plan.group_by.len());
    for record in reader.candidates() {
        keys.clear();
        let key = |field| record.field(field).into_owned().by_value();
        keys.extend(plan.group_by.iter().map(key));
        let accumulators = match groups.get_mut(&keys) {
            Some(accumulators) => accumulators,
            None => groups.entry(keys.clone()).or_insert_with(fresh),
        };
        for (accumulator, measure) in accumulators.iter_mut().zip(&plan.measures) {
            accumulator.take(record, measure.field.as_ref());
        }
    }
    let mut groups: Vec<(Vec<Value>, Vec<Accumulator>)> = groups.into_iter().collect();
    groups.sort_unstable_by(|(a, _), (b, _)| compare(&plan.group_by, a, b));
    groups.truncate(usize::try_from(plan.limit).unwrap_or(usize::MAX));
    let figures =
        |accumulators: Vec<Accumulator>| accumulators.into_iter().map(Accumulator::finish).collect();
    groups
        .into_iter()
        .map(|(keys, accumulators)| Group {
            keys,
            figures: figures(accumulators),
        })
        .collect()
}

/// Group values in ascending order, nulls last.
fn compare(fields: &[chancery_model::filter::FieldRef], a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    let ascending = |field: &chancery_model::filter::FieldRef| SortKey {
        field: field.clone(),
        descending: false,
        nulls_first: false,
    };
    let pairs = fields
        .iter()
        .zip(a.iter().zip(b))
        .map(|(field, (a, b))| ascending(field).compare(a, b));
    pairs
        .into_iter()
        .find(|ordering| ordering.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}
