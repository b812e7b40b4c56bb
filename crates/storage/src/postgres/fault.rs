//! What PostgreSQL says, put into the words of [`StorageError`]. It repeats no values: details of a failed statement may
//! hold records, and the text goes to a log.

use tokio_postgres::error::SqlState;

use crate::error::StorageError;

/// The result of a step inside the backend; it becomes a [`StorageError`] at its border.
pub(super) type Pg<T> = Result<T, Fault>;

/// Why a step failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server or the way to it.
    Db(tokio_postgres::Error),
    /// No connection could be had.
    Pool(String),
    /// A stored value that cannot be what was stored.
    Unreadable(String),
    /// Known in the seam's words already.
    Storage(StorageError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Fault {
        Fault::Db(error)
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Fault {
        Fault::Storage(error)
    }
}

impl Fault {
    fn code(&self) -> Option<&SqlState> {
        match self {
            Fault::Db(error) => error.code(),
            _ => None,
        }
    }

    /// Whether the connection is gone, and with it the answer.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            Fault::Db(error) => match error.code() {
                None => error.is_closed() || is_io(error),
                Some(code) => {
                    [
                        SqlState::ADMIN_SHUTDOWN,
                        SqlState::CRASH_SHUTDOWN,
                        SqlState::CANNOT_CONNECT_NOW,
                        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    ]
                    .contains(code)
                        || code.code().starts_with("08")
                }
            },
            _ => false,
        }
    }

    /// Whether the same may work a moment later, and nothing was done.
    pub(super) fn is_collision(&self) -> bool {
        self.code().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        })
    }

    /// Whether it took longer than a statement may, or somebody ended it: elsewhere it would again.
    pub(super) fn is_cancelled(&self) -> bool {
        self.code() == Some(&SqlState::QUERY_CANCELED)
    }

    /// Whether a prepared statement was made for a definition that has changed since.
    pub(super) fn is_stale_statement(&self) -> bool {
        self.code().is_some_and(|code| {
            [
                SqlState::FEATURE_NOT_SUPPORTED,
                SqlState::UNDEFINED_PSTATEMENT,
                SqlState::DATATYPE_MISMATCH,
            ]
            .contains(code)
        })
    }

    /// Whether a table's relation is not there.
    pub(super) fn is_missing_relation(&self) -> bool {
        self.code() == Some(&SqlState::UNDEFINED_TABLE)
    }

    /// Whether a column is not there: the full-text index of another definition.
    pub(super) fn is_missing_column(&self) -> bool {
        self.code() == Some(&SqlState::UNDEFINED_COLUMN)
    }

    /// The error as the seam says it; `server` is its name for people.
    pub(super) fn outward(self, server: &str) -> StorageError {
        let unavailable = |detail: String| StorageError::Unavailable {
            server: server.to_owned(),
            detail,
        };
        match self {
            Fault::Storage(error) => error,
            Fault::Pool(detail) => unavailable(detail),
            Fault::Unreadable(detail) => StorageError::Damaged {
                path: server.to_owned(),
                detail,
            },
            Fault::Db(error) => match error.as_db_error() {
                None if error.is_closed() || is_io(&error) => unavailable(cause(&error)),
                None => StorageError::Internal(cause(&error)),
                Some(answer) => {
                    let (code, message) = (answer.code().code(), answer.message());
                    match code {
                        "53100" => StorageError::Full,
                        "53300" | "57014" | "55P03" | "57P01" | "57P02" | "57P03" | "25P03" | "40001"
                        | "40P01" => unavailable(message.to_owned()),
                        "28000" | "28P01" | "42501" | "25006" => StorageError::Denied {
                            server: server.to_owned(),
                            detail: message.to_owned(),
                        },
                        "3D000" => StorageError::Url(format!("{server}: {message}")),
                        "XX001" | "XX002" => StorageError::Damaged {
                            path: server.to_owned(),
                            detail: message.to_owned(),
                        },
                        _ if code.starts_with("08") => unavailable(message.to_owned()),
                        _ => StorageError::Internal(format!("{message} ({code})")),
                    }
                }
            },
        }
    }
}

/// Whether an error is of the network or of its encryption, not of the server's answer.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    error.to_string().contains("timeout")
}

/// An error with what caused it.
fn cause(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
