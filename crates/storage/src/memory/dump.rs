//! Everything in memory as a dump. The snapshot is a list of shared records; nothing is copied but the lists.

use std::sync::Arc;

use chancery_model::{Key, Record};

use super::State;
use crate::part::{Dump, IDENTITY_KIND, PART_ROWS, PARTS_WAITING, Part, Totals, UNFINISHED_KIND};

/// All parts of a state, which may change meanwhile.
pub(super) fn dump(state: &State) -> Dump {
    let parts = parts(state);
    let (sender, receiver) = tokio::sync::mpsc::channel(PARTS_WAITING);
    tokio::spawn(async move {
        for part in parts {
            if sender.send(Ok(part)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

fn parts(state: &State) -> Vec<Part> {
    let mut documents = state.documents.all();
    documents.retain(|document| ![UNFINISHED_KIND, IDENTITY_KIND].contains(&document.kind.as_str()));
    let mut relations: Vec<_> = state.relations.values().collect();
    relations.sort_unstable_by_key(|relation| relation.definition.number);
    let size = |relation: &&super::relation::Relation| (relation.live.len() + relation.trash.len()) as u64;
    let mut parts = vec![Part::Start(Totals {
        revision: state.revision,
        documents: documents.len() as u64,
        tables: relations.len() as u64,
        records: relations.iter().map(size).sum(),
        changes: state.log.changes().len() as u64,
        commits: state.log.commits().len() as u64,
    })];
    parts.push(Part::Documents(documents));
    parts.extend(relations.iter().map(|relation| Part::Table {
        table: relation.definition.clone(),
        last_change_at: relation.touched.at,
    }));
    for relation in relations {
        let mut records: Vec<(&Key, &Arc<Record>)> = relation
            .slots
            .iter()
            .map(|record| (&record.key, record))
            .collect();
        records.sort_unstable_by_key(|(key, _)| *key);
        parts.extend(records.chunks(PART_ROWS).map(|chunk| {
            let records = chunk.iter().map(|(_, record)| (*record).clone());
            Part::Records(relation.definition.clone(), records.collect())
        }));
    }
    let mut counters: Vec<_> = state
        .counters
        .iter()
        .filter(|(_, last)| **last > 0)
        .map(|(counter, last)| (*counter, *last))
        .collect();
    counters.sort_unstable_by_key(|(counter, _)| counter.place());
    parts.push(Part::Counters(counters));
    let changes = state.log.changes().chunks(PART_ROWS);
    parts.extend(changes.map(|chunk| Part::Changes(chunk.to_vec())));
    let commits = state.log.commits().chunks(PART_ROWS);
    parts.extend(commits.map(|chunk| Part::Commits(chunk.to_vec())));
    parts
}
