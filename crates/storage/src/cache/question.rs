//! A question to a backend as what tells it from every other, and its answer. It remembers nothing.

use std::fmt::Write;
use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::query::Plan;
use chancery_model::{Record, TableId};

use super::weight;
use crate::error::StorageError;
use crate::seam::{Backend, CountMode};

/// A question longer than this is not remembered, in bytes.
const QUESTION_BYTES_MAX: usize = 8 * 1024;

/// What is asked.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// Records.
    Records(&'a Plan),
    /// How many.
    Count(&'a Plan),
    /// Figures.
    Figures(&'a AggregatePlan),
}

/// What is answered. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Records, in order.
    Records(Arc<[Arc<Record>]>),
    /// How many.
    Count(u64),
    /// Figures, group by group.
    Figures(Arc<[Group]>),
}

/// A question, whole: two that differ in anything but the time at which they are asked are not equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The table it is about.
    pub(super) table: TableId,
    /// Everything else, the version of the table's definition first.
    pub(super) text: Arc<str>,
}

impl Ask<'_> {
    /// The plan it is about.
    pub(super) fn plan(&self) -> &Plan {
        match self {
            Ask::Records(plan) | Ask::Count(plan) => plan,
            Ask::Figures(figures) => &figures.over,
        }
    }

    /// The question, if it is short enough to be remembered. The time is no part of it: it only decides what has expired.
    pub(super) fn question(&self) -> Option<Question> {
        let plan = self.plan();
        let mut text = String::with_capacity(256);
        let (version, scope) = (plan.table.schema_version, plan.scope);
        // The model's own forms: texts are quoted in them, so no two plans have the same.
        let written = match self {
            Ask::Records(_) => write!(
                text,
                "{version} records {scope:?} {:?} {:?} {:?} {:?}",
                plan.filter, plan.search, plan.sort, plan.window
            ),
            Ask::Count(_) => write!(
                text,
                "{version} count {scope:?} {:?} {:?}",
                plan.filter, plan.search
            ),
            Ask::Figures(AggregatePlan {
                measures,
                group_by,
                limit,
                ..
            }) => write!(
                text,
                "{version} figures {scope:?} {:?} {:?} {measures:?} {group_by:?} {limit}",
                plan.filter, plan.search
            ),
        };
        (written.is_ok() && text.len() <= QUESTION_BYTES_MAX).then(|| Question {
            table: plan.table.number,
            text: text.into(),
        })
    }

    /// Puts it to a backend.
    pub(super) async fn put_to(&self, backend: &dyn Backend) -> Result<Answer, StorageError> {
        Ok(match self {
            Ask::Records(plan) => Answer::Records(backend.query(plan).await?.into()),
            Ask::Count(plan) => Answer::Count(backend.count(plan, CountMode::Exact).await?),
            Ask::Figures(plan) => Answer::Figures(backend.aggregate(plan).await?.into()),
        })
    }

    /// Whether an answer is one to such a question.
    pub(super) fn fits(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Ask::Records(_), Answer::Records(_))
                | (Ask::Count(_), Answer::Count(_))
                | (Ask::Figures(_), Answer::Figures(_))
        )
    }
}

impl Answer {
    /// Its size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Answer::Records(records) => weight::records(records),
            Answer::Count(_) => 0,
            Answer::Figures(groups) => weight::groups(groups),
        }
    }
}

#[cfg(test)]
mod tests {
    use chancery_model::filter::{FieldRef, Filter, Test};
    use chancery_model::query::{Scope, SortKey, Window};
    use chancery_model::{Table, Value};

    use super::*;

    fn plan() -> Plan {
        Plan::all(Arc::new(Table::default()), 1)
    }

    fn text(plan: &Plan) -> Arc<str> {
        Ask::Records(plan).question().expect("a short question").text
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_question() {
        let equal = |value: Value| Filter::Field(FieldRef::Column(0), Test::Eq(value));
        let mut all = vec![
            plan(),
            Plan {
                scope: Scope::Trash,
                ..plan()
            },
            Plan {
                window: Window::Offset { offset: 1, limit: 2 },
                ..plan()
            },
            Plan {
                sort: vec![SortKey {
                    field: FieldRef::Key,
                    descending: true,
                    nulls_first: false,
                }],
                ..plan()
            },
            Plan {
                table: Arc::new(Table {
                    schema_version: 2,
                    ..Table::default()
                }),
                ..plan()
            },
        ];
        for value in [
            Value::Int(1),
            Value::text("1"),
            Value::text("\"1\""),
            Value::Float(1.5),
            Value::Null,
        ] {
            all.push(Plan {
                filter: equal(value),
                ..plan()
            });
        }
        let texts: std::collections::HashSet<Arc<str>> = all.iter().map(text).collect();
        assert_eq!(texts.len(), all.len());
        assert_ne!(Ask::Count(&plan()).question(), Ask::Records(&plan()).question());
    }

    #[test]
    fn the_time_is_no_part_of_a_question() {
        let later = Plan { now: 2, ..plan() };
        assert_eq!(text(&later), text(&plan()));
    }

    #[test]
    fn a_long_question_is_not_remembered() {
        let long = Plan {
            filter: Filter::Field(
                FieldRef::Column(0),
                Test::Contains("x".repeat(QUESTION_BYTES_MAX)),
            ),
            ..plan()
        };
        assert_eq!(Ask::Records(&long).question(), None);
    }
}
