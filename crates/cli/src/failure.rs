//! Why a command did not do what it was asked, and how it ends. Prints nothing itself.

use std::io;
use std::process::ExitCode;

use chancery::access::AccessError;
use chancery::vault::VaultError;
use chancery::{Error, Issue, StorageError};
use chancery_api::{ErrorCode, Problem};
use serde_json::{Value as Json, json};

/// How a command ends, for whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// The data were refused; the command itself was right.
    Refused,
    /// The command was wrong, or something failed.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Failed => 2,
        })
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell.
    Told(Box<Told>),
    /// Nobody reads our output any more, which is how `| head` ends.
    BrokenPipe,
}

/// What is told of a failure.
#[derive(Debug)]
pub(crate) struct Told {
    exit: Exit,
    /// What is wrong, in one sentence.
    pub(crate) message: String,
    /// Every single issue: where, and what.
    pub(crate) issues: Vec<(String, String)>,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// The command was wrong, or something failed.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure::told(Exit::Failed, message.into(), Vec::new(), None)
    }

    /// The data were refused.
    pub(crate) fn refused(message: impl Into<String>) -> Failure {
        Failure::told(Exit::Refused, message.into(), Vec::new(), None)
    }

    fn told(exit: Exit, message: String, issues: Vec<(String, String)>, hint: Option<String>) -> Failure {
        Failure::Told(Box::new(Told {
            exit,
            message,
            issues,
            hint,
        }))
    }

    /// Adds what to do next, unless that is said already.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        if let Failure::Told(told) = &mut self {
            told.hint.get_or_insert(hint.into());
        }
        self
    }

    /// Puts what to do next in the place of what was said.
    pub(crate) fn instead(mut self, hint: impl Into<String>) -> Failure {
        if let Failure::Told(told) = &mut self {
            told.hint = Some(hint.into());
        }
        self
    }

    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Told(told) => told.exit,
            Failure::BrokenPipe => Exit::Done,
        }
    }

    /// The failure for programs.
    pub(crate) fn to_json(&self) -> Json {
        let Failure::Told(told) = self else {
            return Json::Null;
        };
        let issues = told
            .issues
            .iter()
            .map(|(field, message)| json!({"field": field, "message": message}));
        json!({"error": told.message, "issues": issues.collect::<Vec<_>>(), "hint": told.hint})
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let hint = error.hint();
        let message = match &error {
            Error::Invalid { table, issues } => {
                format!("{} refused by table \"{table}\"", count(issues.len()))
            }
            Error::Definition(_) => "the definition makes no sense".into(),
            Error::Query(_) => "the query does not fit the table".into(),
            Error::Internal(text) => format!("something failed inside: {text}"),
            other => lower_first(&other.to_string()),
        };
        let exit = match &error {
            Error::Invalid { .. }
            | Error::Unique { .. }
            | Error::KeyTaken { .. }
            | Error::InTrash { .. }
            | Error::Version { .. }
            | Error::TransactionConflict { .. }
            | Error::Taken { .. }
            | Error::Bulk(_)
            | Error::Irreversible { .. }
            | Error::Kept(_)
            | Error::File { .. }
            | Error::NotFound {
                what: "record" | "job",
                ..
            } => Exit::Refused,
            _ => Exit::Failed,
        };
        let issues = match &error {
            Error::Bulk(items) => items
                .iter()
                .flat_map(|(index, issues)| {
                    issues
                        .iter()
                        .map(move |issue| (format!("[{index}] {}", issue.field), issue.message.clone()))
                })
                .collect(),
            other => pairs(other.issues()),
        };
        Failure::told(exit, message, issues, hint)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Failure {
        Failure::from(Error::Storage(error))
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Failure {
        match error {
            AccessError::Storage(error) => error.into(),
            AccessError::Invalid(issues) => Failure::told(
                Exit::Refused,
                format!("{} refused", count(issues.len())),
                pairs(&issues),
                None,
            ),
            other => {
                let exit = match other {
                    AccessError::Internal(_) => Exit::Failed,
                    _ => Exit::Refused,
                };
                Failure::told(
                    exit,
                    other.to_string(),
                    Vec::new(),
                    other.hint().map(str::to_owned),
                )
            }
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Failure {
        let hint = error.hint();
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::Invalid(issues) => Failure::told(
                Exit::Refused,
                format!("{} refused", count(issues.len())),
                pairs(&issues),
                hint,
            ),
            other => {
                let exit = match &other {
                    VaultError::Sealed
                    | VaultError::Busy
                    | VaultError::Root(_)
                    | VaultError::Tampered { .. }
                    | VaultError::DecryptionFailed { .. } => Exit::Failed,
                    _ => Exit::Refused,
                };
                Failure::told(exit, lower_first(&other.to_string()), Vec::new(), hint)
            }
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        let exit = match problem.code {
            ErrorCode::ValidationFailed
            | ErrorCode::UniqueViolation
            | ErrorCode::ReferenceViolation
            | ErrorCode::AlreadyExists
            | ErrorCode::VersionConflict
            | ErrorCode::TransactionConflict
            | ErrorCode::Irreversible
            | ErrorCode::ChangedSince
            | ErrorCode::Gone
            | ErrorCode::RecordNotFound
            | ErrorCode::AccessDenied
            | ErrorCode::PasswordRequired
            | ErrorCode::InvalidPassword
            | ErrorCode::ProofRequired
            | ErrorCode::SecretNotFound
            | ErrorCode::SecretExpired
            | ErrorCode::SecretExhausted
            | ErrorCode::WrapTaken
            | ErrorCode::TokenTaken
            | ErrorCode::TokenReserved
            | ErrorCode::OtherKind
            | ErrorCode::VersionNotFound
            | ErrorCode::VaultKeyNotFound
            | ErrorCode::JobNotFound
            | ErrorCode::Conflict
            | ErrorCode::TooManyRequests
            | ErrorCode::InvalidFile => Exit::Refused,
            _ => Exit::Failed,
        };
        let issues = problem.errors.iter().map(|issue| {
            let place = match (issue.row, issue.index) {
                (Some(row), _) => format!("row {row} {}", issue.field),
                (None, Some(index)) => format!("[{index}] {}", issue.field),
                (None, None) => issue.field.clone(),
            };
            (place, issue.message.clone())
        });
        let detail = problem.detail.trim_end_matches('.');
        let message = match problem.code {
            ErrorCode::Internal => {
                format!("{} (request {})", lower_first(&problem.title), problem.request_id)
            }
            _ if problem.errors.is_empty() => lower_first(detail),
            ErrorCode::ValidationFailed => format!("{} refused", count(problem.errors.len())),
            _ => lower_first(&problem.title),
        };
        Failure::told(exit, message, issues.collect(), problem.hint)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::new(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        if error.io_error_kind() == Some(io::ErrorKind::BrokenPipe) {
            return Failure::BrokenPipe;
        }
        Failure::new(error.to_string())
    }
}

impl From<csv::Error> for Failure {
    fn from(error: csv::Error) -> Failure {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            other => Failure::new(format!("{other:?}")),
        }
    }
}

fn pairs(issues: &[Issue]) -> Vec<(String, String)> {
    issues
        .iter()
        .map(|issue| (issue.field.clone(), issue.message.clone()))
        .collect()
}

fn count(issues: usize) -> String {
    if issues == 1 {
        "1 value is".into()
    } else {
        format!("{issues} values are")
    }
}

/// Messages follow `chancery: `, so they begin small.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_lowercase().to_string());
    match first {
        // Names and abbreviations stay as they are: `SQLite …`.
        Some(_) if text.chars().nth(1).is_some_and(char::is_uppercase) => text.to_owned(),
        Some(first) => first + chars.as_str(),
        None => String::new(),
    }
}
