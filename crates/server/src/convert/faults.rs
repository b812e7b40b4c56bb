//! Errors of the library as refusals on the wire. What is foreign goes to the log and nowhere else.

use chancery::StorageError;
use chancery::access::AccessError;
use chancery::model::Issue as Found;
use chancery::{Code, Error};
use chancery_api::{ErrorCode, Issue, JsonMap};

use super::records;
use crate::fault::Fault;

/// Most issues in one refusal; `errorsTotal` says how many there are.
const ISSUES_MAX: usize = 1_000;

/// An issue as the library found it.
pub(crate) fn issue(found: Found) -> Issue {
    Issue {
        field: found.field,
        code: found.code.as_str().to_owned(),
        message: found.message,
        params: found.params,
        ..Issue::default()
    }
}

/// Issues as the library found them.
pub(crate) fn issues(found: impl IntoIterator<Item = Found>) -> Vec<Issue> {
    found.into_iter().map(issue).collect()
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let hint = error.hint();
        let text = error.to_string();
        let fault = match error {
            Error::Invalid { issues, .. } => invalid(issues),
            Error::Definition(found) => listed(ErrorCode::InvalidDefinition, text, issues(found)),
            Error::Query(found) => listed(ErrorCode::InvalidFilter, text, issues(found)),
            Error::Unique { issues: found, .. } => listed(ErrorCode::UniqueViolation, text, issues(found)),
            Error::KeyTaken { issues: found, .. } => listed(ErrorCode::AlreadyExists, text, issues(found)),
            // Its state is in the way, not its name.
            Error::Taken {
                what: "job" | "import" | "column",
                ..
            } => Fault::new(ErrorCode::Conflict, text),
            Error::Taken { .. } => Fault::new(ErrorCode::AlreadyExists, text),
            Error::NotFound { what, .. } => Fault::new(not_found(what), text),
            Error::Referenced { .. } => Fault::new(ErrorCode::Referenced, text),
            Error::Forbidden { .. } => Fault::new(ErrorCode::Forbidden, text),
            Error::FileInUse { .. } => Fault::new(ErrorCode::FileInUse, format!("{text}.")),
            Error::InTrash { .. } => Fault::new(ErrorCode::Gone, text),
            Error::Version { current, .. } => {
                let version = current.version();
                let shown = records::to_json(&current);
                let tag =
                    http::HeaderValue::from_str(&format!("\"{version}\"")).expect("digits make a header");
                Fault::new(ErrorCode::VersionConflict, text)
                    .current(shown)
                    .header(http::header::ETAG, tag)
            }
            Error::TransactionConflict { table, key, .. } => {
                let key = key.as_ref().map_or(chancery::Json::Null, records::key_json);
                Fault::new(ErrorCode::TransactionConflict, text)
                    .param("table", table)
                    .param("key", key)
            }
            Error::Cancelled | Error::TransactionEnded => Fault::new(ErrorCode::Conflict, text),
            Error::Limit { what, .. } if what.contains("BytesMax)") || what.contains("announced") => {
                Fault::new(ErrorCode::BodyTooLarge, sentence(&text))
            }
            Error::Limit { .. } => Fault::new(ErrorCode::LimitExceeded, text),
            Error::Bulk(items) => bulk(text, items),
            Error::Repeated { .. } => Fault::new(
                ErrorCode::IdempotencyInProgress,
                "A request with this Idempotency-Key is done or running.",
            ),
            Error::File { message, .. } => Fault::new(ErrorCode::InvalidFile, message),
            Error::Irreversible { .. } => Fault::new(ErrorCode::Irreversible, text),
            Error::Kept(_) => Fault::new(ErrorCode::ChangedSince, text),
            Error::Gone { .. } => Fault::new(ErrorCode::RevisionGone, format!("T{}.", &text[1..])),
            Error::Storage(error) => storage(error),
            // A backup over HTTP goes into a file of the server's own, so this is the server's disk.
            error @ (Error::Changed { .. } | Error::Unlike(_)) => return Fault::internal(error),
            Error::Internal(cause) => Fault::internal(cause),
        };
        fault.maybe_hint(hint)
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Fault {
        storage(error)
    }
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Fault {
        let hint = error.hint();
        let text = sentence(&error.to_string());
        let fault = match error {
            AccessError::WrongCredentials => Fault::new(ErrorCode::InvalidCredentials, text),
            AccessError::SetupDone => Fault::new(ErrorCode::SetupDone, text),
            AccessError::EmailTaken(_) => Fault::new(ErrorCode::AlreadyExists, text),
            AccessError::NotFound { what: "user", .. } => Fault::new(ErrorCode::UserNotFound, text),
            AccessError::NotFound { .. } => Fault::new(ErrorCode::ApiKeyNotFound, text),
            AccessError::LastOwner | AccessError::Changed(_) => Fault::new(ErrorCode::Conflict, text),
            AccessError::TooMany { seconds } => {
                Fault::new(ErrorCode::TooManyRequests, text).retry_after(seconds)
            }
            AccessError::Invalid(issues) => invalid(issues),
            AccessError::Limit { .. } => Fault::new(ErrorCode::Conflict, text),
            AccessError::Storage(error) => storage(error),
            AccessError::Internal(cause) => Fault::internal(cause),
        };
        fault.maybe_hint(hint)
    }
}

fn not_found(what: &str) -> ErrorCode {
    match what {
        "workspace" => ErrorCode::WorkspaceNotFound,
        "table" => ErrorCode::TableNotFound,
        "column" => ErrorCode::ColumnNotFound,
        "option" => ErrorCode::OptionNotFound,
        "job" => ErrorCode::JobNotFound,
        "import" => ErrorCode::ImportNotFound,
        "view" => ErrorCode::ViewNotFound,
        "form" => ErrorCode::FormNotFound,
        "file" => ErrorCode::FileNotFound,
        "find" => ErrorCode::FindNotFound,
        "ignored duplicates" => ErrorCode::IgnoredNotFound,
        "query" => ErrorCode::QueryNotFound,
        "operation" => ErrorCode::OperationNotFound,
        "version" => ErrorCode::VersionNotFound,
        "webhook" => ErrorCode::WebhookNotFound,
        "field type" => ErrorCode::FieldTypeNotFound,
        _ => ErrorCode::RecordNotFound,
    }
}

/// An error's text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let first = text.chars().next();
    let begun = first.map_or(String::new(), |c| {
        c.to_uppercase().collect::<String>() + &text[c.len_utf8()..]
    });
    format!("{begun}.")
}

/// Invalid values; where all of them clash with other records it is a conflict.
pub(super) fn invalid(found: Vec<Found>) -> Fault {
    let all = |code: Code| !found.is_empty() && found.iter().all(|issue| issue.code == code);
    let code = if all(Code::Unique) {
        ErrorCode::UniqueViolation
    } else if all(Code::Reference) {
        ErrorCode::ReferenceViolation
    } else {
        ErrorCode::ValidationFailed
    };
    let detail = match found.as_slice() {
        [one] => format!("{}: {}.", one.field, one.message),
        many => format!("{} values are invalid; errors lists them.", many.len()),
    };
    listed(code, detail, issues(found))
}

pub(super) fn listed(code: ErrorCode, detail: String, mut issues: Vec<Issue>) -> Fault {
    let total = issues.len();
    issues.truncate(ISSUES_MAX);
    let fault = Fault::new(code, detail).issues(issues);
    if total > ISSUES_MAX {
        fault.total(total as u64)
    } else {
        fault
    }
}

/// Bad items of a bulk that is all or nothing: every one of them, with its index.
fn bulk(detail: String, items: Vec<(usize, Vec<Found>)>) -> Fault {
    let clash = items
        .iter()
        .flat_map(|(_, found)| found)
        .all(|issue| matches!(issue.code, Code::Unique | Code::KeyTaken));
    let flat = items.into_iter().flat_map(|(index, found)| {
        found.into_iter().map(move |found| Issue {
            index: Some(index as u64),
            ..issue(found)
        })
    });
    let mut flat: Vec<Issue> = flat.collect();
    flat.iter_mut()
        .for_each(|issue| issue.params.retain(|_, value| !value.is_null()));
    let code = if clash && !flat.is_empty() {
        ErrorCode::UniqueViolation
    } else {
        ErrorCode::ValidationFailed
    };
    let total = flat.len();
    // A bulk has at most 10,000 items, and each is named: none hides behind a limit.
    let fault = Fault::new(code, format!("{detail}.")).issues(flat);
    if total > ISSUES_MAX {
        fault.total(total as u64)
    } else {
        fault
    }
}

fn storage(error: StorageError) -> Fault {
    if let StorageError::Behind { wanted, newest } = &error {
        let detail = format!("Revision {wanted} is not here yet; the newest is {newest}.");
        return Fault::new(ErrorCode::StorageUnavailable, detail).retry_after(1);
    }
    let detail = match &error {
        StorageError::Full => "The disk is full; nothing was written.",
        StorageError::Closed => "The store is closing.",
        StorageError::Locked { .. } => "Another process has the database.",
        StorageError::Unavailable { .. } => "The database cannot be reached; nothing was written.",
        StorageError::Unsure { .. } => "The database was lost in mid-write; the write may have happened.",
        _ => return Fault::internal(error),
    };
    Fault::new(ErrorCode::StorageUnavailable, detail).retry_after(5)
}

/// An issue found by the server itself.
pub(crate) fn own_issue(field: &str, code: Code, message: impl Into<String>) -> Issue {
    Issue {
        field: field.into(),
        code: code.as_str().into(),
        message: message.into(),
        params: JsonMap::new(),
        ..Issue::default()
    }
}
