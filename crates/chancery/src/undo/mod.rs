//! Undo: takes an operation back as a unit, and undo of an undo is redo. It knows no import, no bulk and no merge: whatever
//! stands in the change log under one operation is taken back by the same code.
//!
//! An operation is read from its newest change backwards, in windows (`window`). In each, every record is looked up and
//! followed back to what it was before the operation (`trail`), what it should be is decided (`decide`, pure), and all of it
//! is written in one commit that rests on what was read (`write`). An operation of one window is one commit; of a larger one
//! each commit writes down how far it came (`kept`), so that what a kill interrupts goes on when the store is opened.

mod decide;
mod kept;
mod report;
mod run;
mod trail;
mod window;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use kept::recover;
pub use report::{RevertOptions, RevertReport, Skipped, Why};
pub(crate) use run::take_back;
