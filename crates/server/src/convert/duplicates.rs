//! Searches for duplicates at the border: how they are asked for, and how they stand. Compares nothing.

use std::time::Duration;

use chancery::model::{Code, Issue};
use chancery::{
    ComparedColumn, DuplicateCompare, DuplicateOptions, Error, FindState, FindStatus, NotDuplicates, PairNow,
    SIMILARITY,
};
use chancery_api::ErrorCode;
use chancery_api::duplicates as wire;
use chancery_api::limits::{FIND_WAIT_MS_DEFAULT, FIND_WAIT_MS_MAX};

use super::{queries, time};
use crate::fault::Fault;

/// What is asked for.
pub fn options(asked: &wire::FindDuplicates) -> Result<DuplicateOptions, Error> {
    let wrong = |text: &str| Err(Error::Query(vec![Issue::new("columns", Code::Required, text)]));
    let columns = match (&asked.columns, &asked.column_slugs) {
        (Some(columns), None) => columns
            .iter()
            .map(|column| ComparedColumn {
                column: column.column.clone(),
                compare: match column.compare {
                    wire::Compare::Exact => DuplicateCompare::Exact,
                    wire::Compare::Normalised => DuplicateCompare::Normalised,
                    wire::Compare::Fuzzy => {
                        DuplicateCompare::Fuzzy(column.similarity.or(asked.similarity).unwrap_or(SIMILARITY))
                    }
                },
            })
            .collect(),
        (None, Some(slugs)) => {
            let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
            DuplicateOptions::by(&slugs, asked.similarity).columns
        }
        (Some(_), Some(_)) => return wrong("Name the columns once: columns or columnSlugs."),
        (None, None) => return wrong("Name the columns to compare: columns, or columnSlugs."),
    };
    Ok(DuplicateOptions {
        columns,
        case_sensitive: asked.case_sensitive,
        blocking: asked.blocking.clone(),
        query: queries::question(asked.filter.as_ref(), &[], None)?,
        ..DuplicateOptions::default()
    })
}

/// How long the answer is waited for.
pub(crate) fn wait(asked: Option<wire::Wait>) -> Result<Duration, Fault> {
    let ms = match asked {
        None => FIND_WAIT_MS_DEFAULT,
        Some(wire::Wait::Whether(true)) => FIND_WAIT_MS_MAX,
        Some(wire::Wait::Whether(false)) => 0,
        Some(wire::Wait::Ms(ms)) if ms <= FIND_WAIT_MS_MAX => ms,
        Some(wire::Wait::Ms(ms)) => {
            let detail = format!("wait is {ms} ms; the limit findWaitMsMax is {FIND_WAIT_MS_MAX}.");
            return Err(Fault::new(ErrorCode::LimitExceeded, detail));
        }
    };
    Ok(Duration::from_millis(ms))
}

/// What was asked for.
fn asked(options: &DuplicateOptions) -> wire::FindDuplicates {
    let column = |column: &ComparedColumn| {
        let (compare, similarity) = match column.compare {
            DuplicateCompare::Exact => (wire::Compare::Exact, None),
            DuplicateCompare::Normalised => (wire::Compare::Normalised, None),
            DuplicateCompare::Fuzzy(similarity) => (wire::Compare::Fuzzy, Some(similarity)),
        };
        wire::ComparedColumn {
            column: column.column.clone(),
            compare,
            similarity,
        }
    };
    wire::FindDuplicates {
        columns: Some(options.columns.iter().map(column).collect()),
        case_sensitive: options.case_sensitive,
        blocking: options.blocking.clone(),
        filter: options.query.filter.as_ref().map(queries::filter_out),
        ..wire::FindDuplicates::default()
    }
}

/// A search as it stands.
pub fn find(status: &FindStatus) -> wire::Find {
    let found = match &status.state {
        FindState::Done(found) => Some(found),
        _ => None,
    };
    let told = found.map(|found| found.told).unwrap_or_default();
    wire::Find {
        id: status.id.clone(),
        asked: asked(&status.options),
        state: match status.state {
            FindState::Running => wire::FindState::Running,
            FindState::Done(_) => wire::FindState::Done,
            FindState::Cancelled => wire::FindState::Cancelled,
            FindState::Failed(_) => wire::FindState::Failed,
        },
        phase: status.progress.phase.as_str().to_owned(),
        done: status.progress.done,
        total: status.progress.total,
        groups: found.map_or(0, |found| found.groups.len() as u64),
        records: found.map_or(0, |found| found.records),
        compared: told.compared,
        crowded: told.crowded,
        shortened: told.shortened,
        error: match &status.state {
            FindState::Failed(error) => Some(error.to_string()),
            _ => None,
        },
    }
}

/// What was said about records.
pub(crate) fn ignored(said: NotDuplicates) -> wire::IgnoredDuplicates {
    wire::IgnoredDuplicates {
        id: said.id,
        record_ids: said.records,
        created_at: time(said.created_at),
        created_by: said.created_by,
    }
}

/// The pairs of a group.
pub fn pairs(pairs: Vec<PairNow>) -> Vec<wire::DuplicatePair> {
    let columns = |pair: &PairNow| {
        let columns = pair.columns.iter();
        columns
            .map(|column| (column.column.clone(), column.similarity))
            .collect()
    };
    let pair = |pair: PairNow| wire::DuplicatePair {
        columns: columns(&pair),
        record_ids: vec![pair.keys.0.to_string(), pair.keys.1.to_string()],
        score: pair.score,
    };
    pairs.into_iter().map(pair).collect()
}
