//! Numbers drawn and documents written, decided on the same overlay as the records that they stand beside. It runs nothing.

use chancery_model::{Key, Record, Value};

use super::overlay::{Kept, Name, Overlay, Undo, put, set_value};
use crate::batch::{Counter, DocumentWrite, Draw, DrawTarget};
use crate::error::StorageError;

/// The number that is `count` after the last one given.
fn next_number(last: u64, count: u64) -> Result<i64, StorageError> {
    let next = last.checked_add(count).and_then(|next| i64::try_from(next).ok());
    next.ok_or_else(|| StorageError::Internal(format!("a counter would pass {}", i64::MAX)))
}

impl Overlay {
    /// Puts a drawn or given number in its place and notes in `drawn` how far its counter has gone.
    pub(super) fn draw(
        &self,
        draw: &Draw,
        record: &mut Record,
        drawn: &mut Vec<(Counter, u64)>,
    ) -> Result<(), StorageError> {
        let noted = drawn
            .iter()
            .rev()
            .find(|(counter, _)| *counter == draw.counter)
            .map(|(_, last)| *last);
        let last = noted.unwrap_or_else(|| self.counters.get(&draw.counter).copied().unwrap_or_default());
        let (number, last) = match draw.given {
            Some(given) => (given, last.max(u64::try_from(given).unwrap_or_default())),
            None => (next_number(last, 1)?, last + 1),
        };
        drawn.push((draw.counter, last));
        match draw.target {
            DrawTarget::Key => record.key = Key::Int(number),
            DrawTarget::Column(column) => set_value(record, usize::from(column), Value::Int(number)),
        }
        Ok(())
    }

    /// Draws numbers alone and answers the first.
    pub(super) fn draw_alone(&mut self, counter: Counter, count: u64) -> Result<u64, StorageError> {
        let last = self.counters.get(&counter).copied().unwrap_or_default();
        let end = next_number(last, count)?;
        let old = self.counters.insert(counter, end as u64);
        self.undo.push(Undo::Counter(counter, old));
        self.drawn.insert(counter.place());
        Ok(last + 1)
    }

    /// Decides a write of a document.
    pub(super) fn document(&mut self, write: &DocumentWrite) -> Result<(), StorageError> {
        let (document, expected) = match write {
            DocumentWrite::Delete { kind, id } => {
                self.keep((kind.clone(), id.clone()), None);
                self.document_writes.push((write.clone(), 0));
                return Ok(());
            }
            DocumentWrite::Put { document, expected } => (document, expected),
        };
        let name = (document.kind.clone(), document.id.clone());
        let found = self.documents.get(&name).map_or(0, |kept| kept.version);
        let lookup = document
            .lookup
            .as_ref()
            .map(|lookup| (document.kind.clone(), lookup.clone()));
        let holder = lookup.and_then(|lookup| self.lookups.get(&lookup));
        if expected.is_some_and(|expected| expected != found) || holder.is_some_and(|id| *id != document.id) {
            return Err(StorageError::DocumentConflict {
                kind: document.kind.clone(),
                id: document.id.clone(),
            });
        }
        let kept = Kept {
            version: found + 1,
            lookup: document.lookup.clone(),
        };
        self.keep(name, Some(kept));
        self.document_writes.push((write.clone(), found + 1));
        Ok(())
    }

    fn keep(&mut self, name: Name, kept: Option<Kept>) {
        let kind = name.0.clone();
        let old = self.documents.get(&name).cloned();
        if let Some(lookup) = old.as_ref().and_then(|old| old.lookup.clone()) {
            let place = (kind.clone(), lookup);
            let old = self.lookups.remove(&place);
            self.undo.push(Undo::Lookup(place, old));
        }
        if let Some(lookup) = kept.as_ref().and_then(|kept| kept.lookup.clone()) {
            let place = (kind, lookup);
            let old = self.lookups.insert(place.clone(), name.1.clone());
            self.undo.push(Undo::Lookup(place, old));
        }
        put(&mut self.documents, name.clone(), kept);
        self.undo.push(Undo::Document(name, old));
    }
}
