//! What a search needs beside the records. It builds nothing.

use chancery_model::query::plan::Search;

/// What is to be there before a search is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The full-text index.
    Index,
    /// The index, and the list of the table's different words.
    IndexAndWords,
}

impl Need {
    /// What a search needs.
    pub(crate) fn of(search: &Search) -> Need {
        if search.fuzzy {
            Need::IndexAndWords
        } else {
            Need::Index
        }
    }
}
