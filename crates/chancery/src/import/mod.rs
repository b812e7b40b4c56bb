//! Import: files become records, every row is accounted for, nothing is half-done. It knows no HTTP and holds no SQL.
//!
//! A CSV file goes through these steps, one file each: `file` (where the bytes are) → `decode` (bytes to UTF-8) →
//! `cells` (text to rows) → `mapping` (columns of the file to columns of the table) → `check` (decide every row, write
//! nothing) → `run` (write through the one path of `rows`) → `kept` (the report stays readable). `undo` takes back what
//! was written when a later part fails or the program ends. `job` keeps a file while a person looks, maps and tries, and
//! `saved` remembers the mapping for the next one.
//!
//! Before that, `prepare` makes rows of whatever came: `unpack` (gzip, zstd, zip), `sheet` (workbooks), `flat` (JSON objects).
//!
//! # To add a format
//! Write `import/<name>.rs` that turns it into rows of cells, as `sheet` does, and let `prepare` find out that a file is one.

mod analysis;
mod binary;
mod cells;
mod check;
mod collect;
mod decode;
mod dialect;
mod exported;
mod file;
mod flat;
mod job;
mod kept;
mod links;
mod locale;
mod mapping;
mod objects;
mod options;
mod plan;
mod prepare;
mod read;
mod report;
mod run;
mod saved;
mod scan;
mod shape;
mod sheet;
mod stage;
mod undo;
mod unique;
mod unpack;
mod writing;

pub use analysis::{AnalysedColumn, Analysis, PREVIEW_ROWS, Suggestion};
pub use file::{FileFormat, ImportFile};
pub(crate) use kept::Imports;
pub use options::{GuardRule, ImportControl, ImportOptions, Mapping, Notation, Phase, Progress, ReadOptions};
pub use report::{ImportEnd, ImportReport, ImportedColumn, RowError};
pub use saved::SavedMapping;
pub use stage::{ImportChange, ImportDraft, ImportInto, ImportJob, ImportStage, ImportUpload};
pub(crate) use undo::recover;
