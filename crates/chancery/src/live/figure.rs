//! A figure that follows the steps of its records, alone or by groups. Where that cannot be done exactly it says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Function, Group, Measure};
use chancery_model::filter::FieldRef;
use chancery_model::tally::{Tally, Unknown};
use chancery_model::{Json, Record as Row, Value, limits};

use super::list::Applied;
use super::push::{LiveNews, LiveResult};
use super::query::{Asked, Figure};
use super::step::Step;
use crate::figures::{plain_json, value_json};

/// The value that groups records; null after all others, as figures come from everywhere else.
type GroupKey = (bool, Value);

/// A live figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    groups: BTreeMap<GroupKey, Tally>,
    /// The figures of each group where they cannot be kept by tallies: then every step means to read again.
    read: Option<BTreeMap<GroupKey, Value>>,
    /// What the subscriber was told last.
    pub(crate) said: LiveResult,
}

impl Figures {
    /// What to ask in order to know the figure and how to go on from it.
    pub(crate) fn question(asked: &Asked, figure: &Figure) -> AggregatePlan {
        let count = |field: Option<FieldRef>| Measure {
            function: Function::Count,
            field,
        };
        let measures = vec![
            count(None),
            count(figure.measure.field.clone()),
            Measure {
                function: basis(figure.measure.function),
                field: figure.measure.field.clone(),
            },
            figure.measure.clone(),
        ];
        AggregatePlan {
            over: asked.plan.clone(),
            measures,
            group_by: figure.group_by.iter().map(|(field, _)| field.clone()).collect(),
            limit: limits::GROUPS_MAX as u64 + 1,
        }
    }

    /// From the answer to [`Figures::question`].
    pub(crate) fn of_answer(asked: &Asked, figure: &Figure, answer: Vec<Group>) -> Figures {
        let key = |group: &Group| match group.keys.first() {
            Some(value) => (value.is_null(), value.clone().by_value()),
            None => (false, Value::Null),
        };
        let tally = |group: &Group| {
            let [records, values, value, _] = group.figures.as_slice() else {
                return Err(Unknown);
            };
            if open(figure) || is_alike(asked) {
                return Err(Unknown);
            }
            let count = |value: &Value| value.as_int().unwrap_or(0) as u64;
            Tally::of(figure.measure.function, count(records), count(values), value)
        };
        let tallies: Result<BTreeMap<_, _>, Unknown> = answer
            .iter()
            .map(|group| Ok((key(group), tally(group)?)))
            .collect();
        let mut figures = Figures {
            groups: BTreeMap::new(),
            read: None,
            said: LiveResult::Value(Json::Null),
        };
        match tallies {
            Ok(groups) => figures.groups = groups,
            Err(Unknown) => {
                let value = |group: &Group| group.figures.last().cloned().unwrap_or_default();
                let read = answer.iter().map(|group| (key(group), value(group)));
                figures.read = Some(read.collect());
            }
        }
        figures.said = figures.result(asked, figure);
        figures
    }

    /// From the records themselves.
    pub(crate) fn of_rows(asked: &Asked, figure: &Figure, rows: &[Arc<Row>]) -> Figures {
        use chancery_model::aggregate::Accumulator;
        let (function, field) = (figure.measure.function, figure.measure.field.as_ref());
        let mut groups: BTreeMap<GroupKey, (u64, u64, Accumulator, Accumulator)> = BTreeMap::new();
        let new = || {
            (
                0,
                0,
                Accumulator::new(basis(function)),
                Accumulator::new(function),
            )
        };
        if figure.group_by.is_none() {
            groups.insert((false, Value::Null), new());
        }
        for row in rows {
            let (records, values, sum, value) = groups.entry(group_of(figure, row)).or_insert_with(new);
            *records += 1;
            *values += u64::from(field.is_some_and(|field| !row.field(field).is_null()));
            sum.take(row, field);
            value.take(row, field);
        }
        let answer = groups
            .into_iter()
            .map(|((_, key), (records, values, sum, value))| Group {
                keys: if figure.group_by.is_some() {
                    vec![key]
                } else {
                    Vec::new()
                },
                figures: vec![
                    Value::Int(records as i64),
                    Value::Int(values as i64),
                    sum.finish(),
                    value.finish(),
                ],
            });
        Figures::of_answer(asked, figure, answer.collect())
    }

    /// Follows the steps of one commit.
    pub(crate) fn apply(&mut self, asked: &Asked, figure: &Figure, steps: &[&Arc<Step>]) -> Applied {
        let concerned = |step: &&&Arc<Step>| {
            let admits = |row: &Option<Arc<Row>>| row.as_ref().is_some_and(|row| asked.plan.admits(row));
            admits(&step.old) || admits(&step.new)
        };
        if self.read.is_some() {
            return match steps.iter().find(concerned) {
                Some(_) => Applied::Lost,
                None => Applied::Same,
            };
        }
        let mut changed = false;
        for step in steps {
            match self.step(asked, figure, step) {
                Ok(different) => changed |= different,
                Err(Unknown) => return Applied::Lost,
            }
        }
        if self.groups.len() > limits::GROUPS_MAX {
            return Applied::Excess;
        }
        if !changed {
            return Applied::Same;
        }
        let result = self.result(asked, figure);
        if result == self.said {
            return Applied::Same;
        }
        self.said = result.clone();
        Applied::News(LiveNews::Snapshot(result, None))
    }

    /// Follows one step; answers whether a figure changed.
    fn step(&mut self, asked: &Asked, figure: &Figure, step: &Step) -> Result<bool, Unknown> {
        let admits = |row: &Option<Arc<Row>>| row.as_ref().filter(|row| asked.plan.admits(row)).cloned();
        let (old, new) = (admits(&step.old), admits(&step.new));
        let field = figure.measure.field.as_ref();
        if let (Some(old), Some(new)) = (&old, &new) {
            let same_value = field.is_none_or(|field| old.field(field) == new.field(field));
            if same_value && group_of(figure, old) == group_of(figure, new) {
                return Ok(false);
            }
        }
        let counts_values = field.is_some();
        let mut changed = false;
        if let Some(old) = old {
            let key = group_of(figure, &old);
            let tally = self.groups.get_mut(&key).ok_or(Unknown)?;
            let was = tally.figure(counts_values)?;
            tally.leave(&old, field)?;
            changed |= was != tally.figure(counts_values)?;
            if tally.is_empty() && figure.group_by.is_some() {
                self.groups.remove(&key);
                changed = true;
            }
        }
        if let Some(new) = new {
            let mut is_new = false;
            let tally = self.groups.entry(group_of(figure, &new)).or_insert_with(|| {
                is_new = true;
                Tally::new(figure.measure.function)
            });
            let was = tally.figure(counts_values)?;
            tally.enter(&new, field)?;
            changed |= is_new || was != tally.figure(counts_values)?;
        }
        Ok(changed)
    }

    /// Whether there are more groups than one answer may have.
    pub(crate) fn is_excessive(&self) -> bool {
        let groups = self.read.as_ref().map_or(self.groups.len(), BTreeMap::len);
        groups > limits::GROUPS_MAX
    }

    pub(crate) fn result(&self, asked: &Asked, figure: &Figure) -> LiveResult {
        let counts_values = figure.measure.field.is_some();
        let tallied = || {
            let figure = |tally: &Tally| tally.figure(counts_values).unwrap_or_default();
            self.groups.iter().map(move |(key, tally)| (key, figure(tally)))
        };
        let pairs: Vec<(&GroupKey, Value)> = match &self.read {
            Some(read) => read.iter().map(|(key, value)| (key, value.clone())).collect(),
            None => tallied().collect(),
        };
        let shown = |value: &Value| match (figure.measure.function, &figure.field) {
            (Function::Min | Function::Max, Some(field)) => value_json(&asked.table, field, value),
            _ => plain_json(value),
        };
        match &figure.group_by {
            Some((_, name)) => LiveResult::Groups(
                pairs
                    .iter()
                    .map(|((_, key), value)| (value_json(&asked.table, name, key), shown(value)))
                    .collect(),
            ),
            None => LiveResult::Value(pairs.first().map_or(Json::Null, |(_, value)| shown(value))),
        }
    }
}

/// What a tally is made of: a mean cannot go on from a mean.
fn basis(function: Function) -> Function {
    match function {
        Function::Avg => Function::Sum,
        other => other,
    }
}

/// Whether a sum is over undeclared fields, which may hold anything.
fn open(figure: &Figure) -> bool {
    let sums = matches!(figure.measure.function, Function::Sum | Function::Avg);
    sums && matches!(figure.measure.field, Some(FieldRef::Extra(_)))
}

/// Whether it is over what is merely like some words. An index misses few of those where very many words are alike, and a record
/// that was never counted cannot leave.
fn is_alike(asked: &Asked) -> bool {
    asked.plan.search.as_ref().is_some_and(|search| search.fuzzy)
}

fn group_of(figure: &Figure, row: &Row) -> GroupKey {
    match &figure.group_by {
        Some((field, _)) => {
            let value = row.field(field).into_owned().by_value();
            (value.is_null(), value)
        }
        None => (false, Value::Null),
    }
}
