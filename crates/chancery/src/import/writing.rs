//! Writes the rows of a file, part by part. It decides neither the order of the parts nor what becomes of bad rows.

use chancery_storage::DocumentWrite;

use super::collect::ChunkDone;
use super::links::Links;
use super::read::Part;
use super::shape::Shape;
use crate::bulk::OnError;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::line::Place;
use crate::rows::{RowOptions, RowOutcome};

/// Writes chunks.
pub(super) struct Writing {
    pub(super) handle: TableHandle,
    pub(super) shape: Shape,
    pub(super) links: Links,
    pub(super) options: RowOptions,
}

impl Writing {
    pub(super) async fn chunk(
        &self,
        chunk: &Part,
        documents: Vec<DocumentWrite>,
        place: Option<Place>,
    ) -> Result<ChunkDone, Error> {
        let resolved = self.links.resolve(chunk).await?;
        let cells = self.shape.cells(chunk, &resolved);
        let prepared = self.shape.prepare(chunk, &cells, &resolved);
        let stop = self.options.on_error == OnError::Abort && !prepared.bad.is_empty();
        let options = RowOptions {
            dry_run: stop,
            documents,
            ..self.options.clone()
        };
        let outcome = self.handle.write_rows(&prepared.rows, &options, place).await?;
        let mut done = ChunkDone {
            rows: chunk.len() as u64,
            masked: chunk.masked(),
            bytes: chunk.bytes(),
            ..ChunkDone::default()
        };
        done.revision = outcome.committed.then_some(outcome.revision);
        let mut bad = prepared.bad;
        for (index, row) in prepared.at.into_iter().zip(outcome.rows) {
            match row {
                RowOutcome::Created(_) => done.created += 1,
                RowOutcome::Updated(_) => done.updated += 1,
                RowOutcome::Unchanged(_) => done.unchanged += 1,
                RowOutcome::Failed(issues) if issues.is_empty() => {}
                RowOutcome::Failed(issues) => bad.push((index, issues)),
            }
        }
        self.shape.refuse(chunk, bad, &mut done);
        Ok(done)
    }
}
