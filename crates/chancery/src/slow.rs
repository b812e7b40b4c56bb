//! Slow queries: told to the log with their shape and the backend's plan, and the slowest kept for the doctor. Never a value.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use chancery_model::Table;
use chancery_model::filter::{FieldRef, Filter};
use chancery_model::query::plan::{Plan, SortKey};
use chancery_storage::{Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::error::Error;
use crate::held::Reader;
use crate::limits::SLOW_QUERIES_MAX;
use crate::store::Store;

/// The kind of the one document that keeps them.
const KIND: &str = "slow-queries";
/// Its id.
const ID: &str = "slowest";

/// One question that took long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowQuery {
    /// What was asked: `query`, `count`, `aggregate`.
    pub what: Cow<'static, str>,
    /// The table's slug.
    pub table: String,
    /// The filter and order, with a question mark in the place of each value.
    pub shape: String,
    /// How long it took, in ms.
    pub took_ms: u64,
    /// Records or groups answered.
    pub rows: u64,
    /// How the backend answered it.
    pub plan: Vec<String>,
}

/// What counts as slow, and the slowest seen since the store was opened.
pub(crate) struct SlowQueries {
    threshold: Option<Duration>,
    seen: Arc<Mutex<Vec<SlowQuery>>>,
    /// Whether there are some that are not kept yet.
    fresh: Arc<AtomicBool>,
}

impl SlowQueries {
    pub(crate) fn new(threshold_ms: Option<u64>) -> SlowQueries {
        SlowQueries {
            threshold: threshold_ms.map(Duration::from_millis),
            seen: Arc::default(),
            fresh: Arc::default(),
        }
    }

    /// The slowest seen, one of each shape, slowest first.
    pub(crate) fn seen(&self) -> Vec<SlowQuery> {
        self.seen.lock().clone()
    }

    /// Asks, and tells if it took long.
    pub(crate) async fn watch<T>(
        &self,
        reader: &Reader,
        what: &'static str,
        plan: &Plan,
        rows: impl Fn(&T) -> u64,
        ask: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let span = tracing::debug_span!(target: "chancery::trace", "ask", what, table = %plan.table.slug);
        let answer = ask.instrument(span).await?;
        let took = started.elapsed();
        if self.threshold.is_some_and(|threshold| took >= threshold) {
            let slow = SlowQuery {
                what: what.into(),
                table: plan.table.slug.clone(),
                shape: shape(plan),
                took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                rows: rows(&answer),
                plan: Vec::new(),
            };
            metrics::counter!("chancery_slow_queries_total").increment(1);
            // Beside the caller, who has waited long enough.
            let (reader, plan) = (reader.clone(), plan.clone());
            let (seen, fresh) = (self.seen.clone(), self.fresh.clone());
            tokio::spawn(async move {
                let slow = tell(&reader, &plan, slow).await;
                let changed = take(&mut seen.lock(), slow);
                fresh.fetch_or(changed, SeqCst);
            });
        }
        Ok(answer)
    }
}

impl Store {
    /// The slowest queries since the store was opened, one of each shape, slowest first.
    pub fn slow_queries(&self) -> Vec<SlowQuery> {
        self.core.slow.seen()
    }

    /// Writes down the slowest queries seen, beside those of other processes and of before. Does nothing if there is nothing
    /// new. A server does this now and then, and [`Store::close`] at the end.
    ///
    /// # Errors
    /// [`Error::Storage`]; the next time tries again.
    pub async fn keep_slow_queries(&self) -> Result<(), Error> {
        if !self.core.slow.fresh.swap(false, SeqCst) {
            return Ok(());
        }
        let done = self.write_slow_queries().await;
        if done.is_err() {
            self.core.slow.fresh.store(true, SeqCst);
        }
        done
    }

    async fn write_slow_queries(&self) -> Result<(), Error> {
        let (mut all, version) = self.read_slow_queries().await?;
        for slow in self.slow_queries() {
            take(&mut all, slow);
        }
        let document = Document {
            kind: KIND.into(),
            id: ID.into(),
            lookup: None,
            body: serde_json::to_value(&all).map_err(|error| Error::Internal(error.to_string()))?,
            version: 0,
        };
        let batch = Batch {
            at: crate::access::now_ms(),
            documents: vec![DocumentWrite::Put {
                document,
                expected: Some(version),
            }],
            ..Batch::default()
        };
        self.backend().commit(batch).await?;
        Ok(())
    }

    /// The slowest queries that were written down, by whichever process, slowest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn kept_slow_queries(&self) -> Result<Vec<SlowQuery>, Error> {
        Ok(self.read_slow_queries().await?.0)
    }

    async fn read_slow_queries(&self) -> Result<(Vec<SlowQuery>, u64), Error> {
        let query = DocumentQuery::Id {
            kind: KIND.into(),
            id: ID.into(),
        };
        let kept = self.backend().documents(query).await?.pop();
        // What an older or newer program wrote in another form is of no use, and in nobody's way.
        let read = |document: &Document| Vec::deserialize(&document.body).unwrap_or_default();
        Ok(kept.map_or_else(Default::default, |document| (read(&document), document.version)))
    }
}

/// Tells the log, with the plan.
async fn tell(reader: &Reader, plan: &Plan, mut slow: SlowQuery) -> SlowQuery {
    match reader.explain(plan).await {
        Ok(lines) => slow.plan = lines.iter().map(|line| without_values(line)).collect(),
        Err(error) => {
            tracing::debug!(target: "chancery::slow", %error, "a slow query could not be explained")
        }
    }
    tracing::warn!(
        target: "chancery::slow",
        what = &*slow.what,
        table = slow.table,
        shape = slow.shape,
        took_ms = slow.took_ms,
        rows = slow.rows,
        plan = slow.plan.join(" | "),
        "a slow query"
    );
    slow
}

/// Takes one in, if it is among the slowest; answers whether that changed anything.
fn take(seen: &mut Vec<SlowQuery>, slow: SlowQuery) -> bool {
    let same =
        |one: &SlowQuery| (&one.what, &one.table, &one.shape) == (&slow.what, &slow.table, &slow.shape);
    match seen.iter_mut().find(|one| same(one)) {
        Some(one) if one.took_ms >= slow.took_ms => return false,
        Some(one) => *one = slow,
        None => seen.push(slow),
    }
    seen.sort_by_key(|one| std::cmp::Reverse(one.took_ms));
    seen.truncate(SLOW_QUERIES_MAX);
    true
}

/// A line of a plan without the literals that a backend may show: what stands in single quotes.
fn without_values(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quoted = false;
    for c in line.chars() {
        match (c, quoted) {
            ('\'', false) => {
                quoted = true;
                out.push('?');
            }
            ('\'', true) => quoted = false,
            (_, true) => {}
            (c, false) => out.push(c),
        }
    }
    out
}

/// A plan's filter, search and order without values.
fn shape(plan: &Plan) -> String {
    let mut out = filter_shape(&plan.table, &plan.filter);
    if plan.search.is_some() {
        out.push_str(" search ?");
    }
    if !plan.sort.is_empty() {
        let keys: Vec<String> = plan.sort.iter().map(|key| sort_shape(&plan.table, key)).collect();
        out.push_str(" by ");
        out.push_str(&keys.join(", "));
    }
    out
}

fn sort_shape(table: &Table, key: &SortKey) -> String {
    let name = field_name(table, &key.field);
    match key.descending {
        true => format!("-{name}"),
        false => name,
    }
}

fn filter_shape(table: &Table, filter: &Filter) -> String {
    let joined = |parts: &[Filter], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| filter_shape(table, part)).collect();
        format!("({})", parts.join(word))
    };
    match filter {
        Filter::All => "all".into(),
        Filter::And(parts) => joined(parts, " and "),
        Filter::Or(parts) => joined(parts, " or "),
        Filter::Field(field, test) => {
            // The name of the test, and nothing of what it compares with.
            let told = format!("{test:?}");
            let end = told
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(told.len());
            format!("{} {} ?", field_name(table, field), told[..end].to_lowercase())
        }
    }
}

fn field_name(table: &Table, field: &FieldRef) -> String {
    match field {
        FieldRef::Column(ordinal) => table
            .columns
            .get(usize::from(*ordinal))
            .map_or_else(|| format!("column {ordinal}"), |column| column.slug.clone()),
        // What a caller named an undeclared field is the caller's data.
        FieldRef::Extra(_) => "undeclared".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use chancery_model::filter::Test;
    use chancery_model::{Column, Value};

    use super::*;

    #[test]
    fn a_shape_names_fields_and_tests_and_no_value() {
        let table = Arc::new(Table {
            columns: vec![Column {
                slug: "city".into(),
                ..Column::default()
            }],
            ..Table::default()
        });
        let equal = |field| Filter::Field(field, Test::Eq(Value::text("secret")));
        let mut plan = Plan::all(table, 0);
        plan.filter = Filter::Or(vec![
            equal(FieldRef::Column(0)),
            equal(FieldRef::Extra("mine".into())),
        ]);
        plan.sort = vec![SortKey {
            field: FieldRef::CreatedAt,
            descending: true,
            nulls_first: false,
        }];
        assert_eq!(shape(&plan), "(city eq ? or undeclared eq ?) by -createdat");
    }

    #[test]
    fn a_plan_loses_its_literals() {
        let check = |line: &str, expected: &str| assert_eq!(without_values(line), expected);
        check("Filter: (c0 = 'it''s secret'::text)", "Filter: (c0 = ??::text)");
        check("SCAN t1", "SCAN t1");
    }
}
