//! Where the changes of an operation stand in the log. Reads commits only, no changes.

use std::collections::HashMap;

use chancery_model::change::Commit;
use chancery_storage::{Backend, CommitQuery, LoggedCommit};

use super::single_revision;
use crate::error::Error;
use crate::limits::COMMITS_AT_ONCE;

/// The changes of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The commit.
    pub(crate) revision: u64,
    /// Its first change.
    pub(crate) first: u64,
    /// The first change after it; none if it is the newest commit, whose changes end with the log.
    pub(crate) end: Option<u64>,
}

impl Span {
    /// How many changes it has, if that is known without reading them.
    pub(crate) fn len(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.first))
    }
}

/// The commits of an operation that changed records, newest first, and who did the newest; none if there is no such operation.
///
/// # Errors
/// Whatever the backend says.
pub(crate) async fn spans_of(
    backend: &dyn Backend,
    operation: &str,
) -> Result<Option<(Vec<Span>, Commit)>, Error> {
    let found = match single_revision(operation) {
        Some(revision) => {
            let found = backend.commits(CommitQuery::Revisions(vec![revision])).await?;
            let own = |logged: &LoggedCommit| logged.commit.operation.is_none();
            found.into_iter().filter(own).collect()
        }
        None => of_name(backend, operation).await?,
    };
    let spans = spans(backend, &found).await?;
    let changed = found.iter().zip(spans).filter(|(_, span)| span.len() != Some(0));
    let (commits, spans): (Vec<&LoggedCommit>, Vec<Span>) = changed.unzip();
    Ok(commits.first().map(|newest| (spans, newest.commit.clone())))
}

async fn of_name(backend: &dyn Backend, operation: &str) -> Result<Vec<LoggedCommit>, Error> {
    let mut found: Vec<LoggedCommit> = Vec::new();
    loop {
        let query = CommitQuery::Before {
            revision: found.last().map_or(u64::MAX, |logged| logged.commit.revision),
            operation: Some(operation.into()),
            limit: COMMITS_AT_ONCE,
        };
        let more = backend.commits(query).await?;
        let last = more.len() < COMMITS_AT_ONCE;
        found.extend(more);
        if last {
            return Ok(found);
        }
    }
}

/// The spans of commits, in their order.
///
/// # Errors
/// Whatever the backend says.
pub(crate) async fn spans(backend: &dyn Backend, commits: &[LoggedCommit]) -> Result<Vec<Span>, Error> {
    let mut firsts: HashMap<u64, u64> = HashMap::new();
    for part in commits.chunks(COMMITS_AT_ONCE) {
        let next: Vec<u64> = part.iter().map(|logged| logged.commit.revision + 1).collect();
        for logged in backend.commits(CommitQuery::Revisions(next)).await? {
            firsts.insert(logged.commit.revision, logged.first_change);
        }
    }
    let span = |logged: &LoggedCommit| Span {
        revision: logged.commit.revision,
        first: logged.first_change,
        end: firsts.get(&(logged.commit.revision + 1)).copied(),
    };
    Ok(commits.iter().map(span).collect())
}
