//! Exact states put into an empty memory. It checks only what the state itself rests on.

use chancery_model::Json;

use super::State;
use super::relation::Relation;
use crate::batch::Document;
use crate::error::StorageError;
use crate::part::{Fill, Part, UNFINISHED_ID, UNFINISHED_KIND, misplaced};

/// Does one step.
pub(super) fn fill(state: &mut State, step: Fill) -> Result<(), StorageError> {
    match step {
        Fill::Begin => begin(state),
        Fill::Part(part) => take(state, part),
        Fill::Finish => Ok(()),
        Fill::Open => {
            state.documents.set(UNFINISHED_KIND, UNFINISHED_ID, None);
            Ok(())
        }
    }
}

fn begin(state: &mut State) -> Result<(), StorageError> {
    let documents = state.documents.all();
    if documents.iter().any(|document| document.kind == UNFINISHED_KIND) {
        *state = State::default();
    } else if state.revision > 0 || !documents.is_empty() {
        let place = "the memory".to_owned();
        return Err(StorageError::NotEmpty { place });
    }
    let mark = Document {
        kind: UNFINISHED_KIND.into(),
        id: UNFINISHED_ID.into(),
        lookup: None,
        body: Json::Null,
        version: 1,
    };
    state.documents.set(UNFINISHED_KIND, UNFINISHED_ID, Some(mark));
    Ok(())
}

fn take(state: &mut State, part: Part) -> Result<(), StorageError> {
    match part {
        Part::Start(_) => {}
        Part::Documents(documents) => {
            for document in documents {
                let (kind, id) = (document.kind.clone(), document.id.clone());
                state.documents.set(&kind, &id, Some(document));
            }
        }
        Part::Table {
            table,
            last_change_at,
        } => {
            let mut relation = Relation::new(table.clone());
            relation.touched.at = last_change_at;
            state.relations.insert(table.number, relation);
        }
        Part::Records(table, records) => {
            let relation = state.relations.get_mut(&table.number);
            let relation = relation.ok_or_else(|| misplaced("records before their table"))?;
            for record in records {
                let vacancy = relation.vacancy(&record).map_err(|rejection| {
                    StorageError::Internal(format!("{} has no place: {rejection:?}", table.slug))
                })?;
                if let Some(taken) = vacancy.taken.first() {
                    let what = format!("{} has no place: {taken:?} is there", table.slug);
                    return Err(StorageError::Internal(what));
                }
                relation.add(record, vacancy);
            }
        }
        Part::Counters(counters) => state.counters.extend(counters),
        Part::Changes(changes) => {
            for change in changes {
                if let Some(relation) = state.relations.get_mut(&change.table) {
                    relation.touched.revision = change.revision;
                }
                if !state.log.fill(change) {
                    return Err(misplaced("changes with a gap"));
                }
            }
        }
        Part::Commits(commits) => {
            for commit in commits {
                state.revision = commit.commit.revision;
                state.log.fill_commit(commit);
            }
        }
    }
    Ok(())
}
