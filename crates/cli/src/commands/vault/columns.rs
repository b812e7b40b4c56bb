//! `chancery vault encrypt-column` and `decrypt-column`: long work on all values of a column. The library does it.

use chancery_api::columns::ColumnMask;
use chancery_api::jobs::{JobColumn, JobKind, VaultJobCreate};
use clap::Args;

use super::Place;
use super::jobs::How;
use crate::commands::table::mask;
use crate::failure::{Exit, Failure};

/// Which column.
#[derive(Args, Debug)]
struct Of {
    /// The table, by slug or id
    table: String,
    /// The column's slug
    column: String,
    /// The workspace, by slug or id
    #[arg(long, value_name = "WORKSPACE", default_value = "default")]
    workspace: String,
}

impl Of {
    fn wire(self) -> JobColumn {
        JobColumn {
            workspace: Some(self.workspace),
            table: self.table,
            column: self.column,
        }
    }
}

/// Encrypt all values of a column, or seal those of an encrypted one anew
#[derive(Args, Debug)]
#[command(after_long_help = "\
Everybody reads and writes meanwhile, and sees the values until all are encrypted; from then on they see masks, and admins reveal values, each \
of which is written down. The history tells of the column in masks too, and nothing readable of it stays in the store. Backups, exports and \
reports of imports that were made before keep what they have; so do copies of the database, and a PostgreSQL server until it has vacuumed.

With --indexed, equal values have equal cells: they are found, matched and kept unique, and whoever has the database sees which records have the \
same value. A column that is encrypted already gets the newest data key, and the mask and the index that are asked for.

It is a job: if it is interrupted, it goes on where it stood; called off in time, the column is as it was.

Examples:
  chancery vault encrypt-column people iban --mask last4 --indexed --dry-run
  chancery vault encrypt-column people iban --mask last4 --indexed
  chancery vault encrypt-column people salary")]
pub(super) struct EncryptColumn {
    #[command(flatten)]
    of: Of,
    /// What is shown of the values: full (nothing), last4 or email; as it was, or full, when absent
    #[arg(long, value_name = "MASK", value_parser = mask)]
    mask: Option<ColumnMask>,
    /// Find equal values, match by them, keep them unique
    #[arg(long, conflicts_with = "not_indexed")]
    indexed: bool,
    /// Give the index up
    #[arg(long)]
    not_indexed: bool,
    #[command(flatten)]
    how: How,
}

impl EncryptColumn {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        let indexed = (self.indexed || self.not_indexed).then_some(self.indexed);
        let job = VaultJobCreate {
            of: Some(self.of.wire()),
            mask: self.mask,
            indexed,
            ..self.how.job(JobKind::EncryptColumn)
        };
        self.how.run(place, job)
    }
}

/// Make all values of an encrypted column readable again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Whoever may read the table reads the values from then on, also those that the history tells of. That it was done, and by whom, is in the audit.

Examples:
  chancery vault decrypt-column people salary --dry-run
  chancery vault decrypt-column people salary")]
pub(super) struct DecryptColumn {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    how: How,
}

impl DecryptColumn {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        let job = VaultJobCreate {
            of: Some(self.of.wire()),
            ..self.how.job(JobKind::DecryptColumn)
        };
        self.how.run(place, job)
    }
}
