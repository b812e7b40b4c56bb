//! What an examination of a database finds, and what may be done about it. It looks at nothing itself.

use std::sync::Arc;

use chancery_model::Table;

/// One thing that is not as it should be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Where: a table, a column, an index.
    pub place: String,
    /// What is wrong there.
    pub detail: String,
    /// The table it is about, if there is a definition of it.
    pub table: Option<Arc<Table>>,
    /// The index it is about, by the backend's own name.
    pub index: Option<String>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Pages or indexes contradict each other.
    Damage,
    /// A table that is defined has no relation.
    MissingRelation,
    /// A relation that no definition names.
    Orphan,
    /// A defined column that the relation has not, or has with another type.
    MissingColumn,
    /// A column of the relation that is not defined.
    ExtraColumn,
    /// An index that is missing, broken or not the one that is defined.
    MissingIndex,
    /// A full-text index that does not fit its table.
    StaleSearch,
    /// A value that does not fit its column.
    BadValue,
    /// A counter that would give a number again.
    CounterBehind,
    /// Numbers that are missing in the change log, or changes without their commit.
    LogGap,
}

impl FindingKind {
    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::Damage => "damage",
            FindingKind::MissingRelation => "missingRelation",
            FindingKind::Orphan => "orphan",
            FindingKind::MissingColumn => "missingColumn",
            FindingKind::ExtraColumn => "extraColumn",
            FindingKind::MissingIndex => "missingIndex",
            FindingKind::StaleSearch => "staleSearch",
            FindingKind::BadValue => "badValue",
            FindingKind::CounterBehind => "counterBehind",
            FindingKind::LogGap => "logGap",
        }
    }

    /// Whether it can be mended without losing anything: what is made again is made from the records.
    pub fn is_mendable(self) -> bool {
        matches!(
            self,
            FindingKind::MissingIndex | FindingKind::StaleSearch | FindingKind::CounterBehind
        )
    }

    /// What to do next.
    pub fn next(self) -> &'static str {
        match self {
            FindingKind::Damage => "Restore the newest backup that `restore` accepts; keep this file aside.",
            FindingKind::MissingRelation | FindingKind::MissingColumn => {
                "Restore a backup: records or values are gone."
            }
            FindingKind::Orphan => {
                "Nothing reads it; drop it by hand once you are sure that nobody needs it."
            }
            FindingKind::ExtraColumn => {
                "Nothing reads it; drop it by hand once you are sure that nobody needs it."
            }
            FindingKind::MissingIndex | FindingKind::StaleSearch | FindingKind::CounterBehind => {
                "Run `chancery doctor --repair`."
            }
            FindingKind::BadValue => "Read the record and write the value again.",
            FindingKind::LogGap => "Restore a backup if the history matters; records are not affected.",
        }
    }
}

impl Finding {
    /// A finding about a table.
    pub(crate) fn of(
        kind: FindingKind,
        table: &Arc<Table>,
        place: String,
        detail: impl Into<String>,
    ) -> Finding {
        Finding {
            kind,
            place,
            detail: detail.into(),
            table: Some(table.clone()),
            index: None,
        }
    }

    /// A finding about something without a definition.
    pub(crate) fn somewhere(kind: FindingKind, place: String, detail: impl Into<String>) -> Finding {
        Finding {
            kind,
            place,
            detail: detail.into(),
            table: None,
            index: None,
        }
    }

    /// The finding about an index.
    pub(crate) fn on_index(self, index: &str) -> Finding {
        Finding {
            index: Some(index.to_owned()),
            ..self
        }
    }
}
