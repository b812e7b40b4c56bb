//! The error codes: one table of code, HTTP status, title and the sentence of its documentation. Holds no logic.
//!
//! A code is never renamed and never reused: programs branch on it. A new one is a line in [`error_codes!`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Builds [`ErrorCode`] and its lookups from one list, so that a code cannot miss its status, title or sentence.
macro_rules! error_codes {
    ($($variant:ident $code:literal $status:literal $title:literal : $doc:literal;)*) => {
        /// Why a request was refused, for a program. The HTTP status follows from it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(
                #[doc = $doc]
                #[serde(rename = $code)]
                $variant,
            )*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The code as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $code,)* }
            }

            /// The HTTP status that goes with the code.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* }
            }

            /// The same few words for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(ErrorCode::$variant => $title,)* }
            }

            /// When it happens and what to do, in one sentence.
            pub const fn doc(self) -> &'static str {
                match self { $(ErrorCode::$variant => $doc,)* }
            }
        }
    };
}

error_codes! {
    MalformedJson "malformedJson" 400 "The body is not JSON": "The body cannot be read as JSON; the detail says at which line and column.";
    MalformedBody "malformedBody" 400 "The body cannot be read": "The multipart form, NDJSON stream or upload is broken or misses a part.";
    MalformedPath "malformedPath" 400 "The path cannot be read": "A part of the path is not valid UTF-8 or not what the route expects.";
    InvalidParameter "invalidParameter" 400 "A query parameter is invalid": "A query parameter has a value it cannot have; the detail names it and what it takes.";
    UnknownParameter "unknownParameter" 400 "There is no such query parameter": "The route does not take this query parameter; the hint offers the nearest one.";
    InvalidHeader "invalidHeader" 400 "A request header is invalid": "A header such as If-Match or Idempotency-Key has a value that cannot be used.";
    InvalidCursor "invalidCursor" 400 "The cursor is not one of ours": "The cursor was altered, belongs to another query, or is too old; start again without it.";
    LimitExceeded "limitExceeded" 400 "A limit is exceeded": "A named limit is exceeded; the detail says its name and its number.";
    Unauthenticated "unauthenticated" 401 "Who are you?": "The route needs an API key or a session and none that is valid was given.";
    InvalidCredentials "invalidCredentials" 401 "E-mail or password is wrong": "Nobody signs in with this e-mail and password.";
    InvalidSetupToken "invalidSetupToken" 401 "The set-up link is not valid": "The one-time token is wrong or used; the server prints a new one when it starts without users.";
    Forbidden "forbidden" 403 "Not allowed": "The credentials are valid but their scope or role does not allow this.";
    AccessDenied "accessDenied" 403 "The token or the password is wrong": "No secret can be read or changed with this token and password; whether it is missing, over, used up or locked is told to administrators only.";
    PasswordRequired "passwordRequired" 403 "The secret has a password": "The secret, or this version of it, needs its password.";
    InvalidPassword "invalidPassword" 403 "The password is wrong": "The password is not the one of the secret.";
    ProofRequired "proofRequired" 403 "Knowing the token is not enough": "A change of a secret needs its password, or the scope admin.";
    CsrfRequired "csrfRequired" 403 "The CSRF token is missing or wrong": "A change made with a session cookie needs the header X-CSRF-Token from GET /api/auth/session.";
    OriginRefused "originRefused" 403 "The origin is not allowed": "The request comes from a page of another origin.";
    RouteNotFound "routeNotFound" 404 "There is nothing here": "No route has this path; the reference is at /api/docs.";
    WorkspaceNotFound "workspaceNotFound" 404 "There is no such workspace": "No workspace that you may see has this id or slug.";
    TableNotFound "tableNotFound" 404 "There is no such table": "No table that you may see has this id or slug.";
    ColumnNotFound "columnNotFound" 404 "There is no such column": "The table has no column with this id or slug.";
    OptionNotFound "optionNotFound" 404 "There is no such option": "The column has no option with this id or name.";
    RecordNotFound "recordNotFound" 404 "There is no such record": "The table has no record with this id or key.";
    FileNotFound "fileNotFound" 404 "There is no such file": "No file that you may see has this id, or it has no thumbnail.";
    ViewNotFound "viewNotFound" 404 "There is no such view": "No view of this id is kept of the table, or it is somebody else's own.";
    FormNotFound "formNotFound" 404 "There is no such form": "No form of this id is kept of the table; for strangers also one that is closed, or whose table has enableForm off.";
    QueryNotFound "queryNotFound" 404 "There is no such query": "No query of this name is stored in the workspace.";
    ImportNotFound "importNotFound" 404 "There is no such import": "No import that you may see has this id.";
    FindNotFound "findNotFound" 404 "There is no such search": "No search for duplicates of this table has this id, or it was forgotten: a server process remembers the last ones for an hour. Ask again.";
    IgnoredNotFound "ignoredNotFound" 404 "There is no such word": "Nothing with this id was said about records that are no duplicates.";
    OperationNotFound "operationNotFound" 404 "There is no such operation": "No operation that you may see has this id, or the change log does not hold it any more.";
    VersionNotFound "versionNotFound" 404 "There is no such version": "The record never had this version, or the change log does not reach back so far.";
    FieldTypeNotFound "fieldTypeNotFound" 404 "There is no such field type": "GET /api/field-types lists the types there are.";
    ApiKeyNotFound "apiKeyNotFound" 404 "There is no such API key": "No API key has this id.";
    UserNotFound "userNotFound" 404 "There is no such user": "No user has this id.";
    WebhookNotFound "webhookNotFound" 404 "There is no such webhook": "No webhook has this id.";
    DeliveryNotFound "deliveryNotFound" 404 "There is no such delivery": "The webhook has no message with this id, or the change log does not hold its event any more.";
    SecretNotFound "secretNotFound" 404 "There is no such secret": "No secret has this id or token, or it is deleted.";
    JobNotFound "jobNotFound" 404 "There is no such job": "No job has this id; GET /api/jobs lists those there are.";
    VaultKeyNotFound "vaultKeyNotFound" 404 "There is no such key": "The vault has no key with this number or fingerprint.";
    MethodNotAllowed "methodNotAllowed" 405 "The method does not fit": "The path exists, but not with this method; the header Allow lists those that do.";
    AlreadyExists "alreadyExists" 409 "That name is taken": "A workspace, table, column, user or record with this slug, e-mail or key exists already.";
    TokenTaken "tokenTaken" 409 "The token is taken": "Another secret has the token that was chosen.";
    TokenReserved "tokenReserved" 409 "The token belongs to a deleted secret": "Restore that secret, delete it for good, or choose another token.";
    OtherKind "otherKind" 409 "It is a token of another kind": "A wrapping token is unwrapped, and the token of a secret is read; not the other way round.";
    UniqueViolation "uniqueViolation" 409 "The value is in use": "Another record has this value in a column that is unique.";
    ReferenceViolation "referenceViolation" 409 "It refers to nothing": "A value refers to a record that is not there; errors names the column, the table and the key.";
    FileInUse "fileInUse" 409 "Records name the file": "The file cannot be deleted while records name it, those in the trash included; the detail says which.";
    Referenced "referenced" 409 "Other records depend on it": "Another record refers to this one and restricts its end; the detail names it.";
    IdempotencyMismatch "idempotencyMismatch" 409 "The idempotency key was used for something else": "The same Idempotency-Key came with another path or body; choose a new key for a new request.";
    IdempotencyInProgress "idempotencyInProgress" 409 "The first request is still running": "A request with the same Idempotency-Key has not finished; repeat a little later.";
    SetupDone "setupDone" 409 "Set-up is done already": "The store has users; sign in, or ask one of them.";
    TransactionConflict "transactionConflict" 409 "Others changed what the transaction rests on": "A record was not at the version that an operation expects, or others kept changing it; `params` names its table and key. Read again and repeat.";
    Conflict "conflict" 409 "The change conflicts with the state": "The thing is not in a state that allows this; the detail says why.";
    Irreversible "irreversible" 409 "It cannot be taken back": "The operation cleared a table, and the change log does not keep what was in it; restore a backup.";
    ChangedSince "changedSince" 409 "Something was changed since": "The operation cannot be taken back as a whole; without allOrNothing what was changed since stays as it is.";
    Gone "gone" 410 "It is in the trash": "The record is deleted but can be restored.";
    RevisionGone "revisionGone" 410 "The change log does not hold that place": "Read the records again and go on from the current revision.";
    SecretExpired "secretExpired" 410 "Its time is over": "The secret has expired; it can be renewed.";
    SecretExhausted "secretExhausted" 410 "It was read as often as it allowed": "All reads that the secret allowed were made.";
    WrapTaken "wrapTaken" 410 "It was taken already": "What was wrapped was handed over before; if that was not to you, treat it as known to others.";
    VersionConflict "versionConflict" 412 "It was changed meanwhile": "The version in If-Match is not the current one; `current` is the record as it is now.";
    BodyTooLarge "bodyTooLarge" 413 "The body is too large": "The body exceeds a limit; the detail says its name and its number.";
    UnsupportedMediaType "unsupportedMediaType" 415 "The content type does not fit": "The route does not read this Content-Type; the detail names those it reads.";
    RangeNotSatisfiable "rangeNotSatisfiable" 416 "The file has no such part": "The Range header asks for bytes behind the end; Content-Range says how many there are.";
    MisdirectedRequest "misdirectedRequest" 421 "The host name is not ours": "The Host header names a host this server does not answer for.";
    InvalidBody "invalidBody" 422 "The body does not have the expected shape": "The body is JSON, but a member is unknown, missing or of another type; the detail says which and where.";
    ValidationFailed "validationFailed" 422 "Values are invalid": "One or more values break a constraint; `errors` lists all of them.";
    InvalidDefinition "invalidDefinition" 422 "The definition makes no sense": "A table, column or option definition contradicts itself; `errors` lists why.";
    InvalidFilter "invalidFilter" 422 "The query does not fit the table": "A filter, sort or aggregate names a column or operator that does not exist or does not fit.";
    InvalidFile "invalidFile" 422 "The file cannot be imported": "The uploaded file is empty, broken or of another format; the detail says where.";
    PreconditionRequired "preconditionRequired" 428 "A precondition is required": "The change needs an If-Match header with the version it is based on.";
    TooManyRequests "tooManyRequests" 429 "Too many attempts": "Wait as long as Retry-After says.";
    Internal "internal" 500 "Something failed here": "Not your doing; the log holds the cause under the requestId of this answer.";
    SecretUnreadable "secretUnreadable" 500 "The secret does not open": "What is stored was altered or belongs elsewhere; POST /api/vault/audit/verify says what, a backup brings it back.";
    Timeout "timeout" 503 "It took too long": "The request exceeded the time limit and was abandoned; narrow it, or use an import or a stream.";
    Overloaded "overloaded" 503 "Too busy": "Too many requests are running; repeat after Retry-After.";
    VaultSealed "vaultSealed" 503 "The vault is sealed": "The server has no root key for the vault, so nothing in it can be opened or sealed.";
    ShuttingDown "shuttingDown" 503 "The server is stopping": "Repeat after Retry-After, against the next process.";
    StorageUnavailable "storageUnavailable" 503 "The storage cannot be reached": "The database is locked, full or away; nothing was written.";
}

/// Written out, because a derived schema would not see the names that the table gives.
impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let names = ErrorCode::ALL.iter().map(|code| code.as_str());
        let text = "Why a request was refused, for a program. The HTTP status follows from it.";
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .description(Some(text));
        RefOr::T(object.build().into())
    }
}

impl ToSchema for ErrorCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ErrorCode")
    }
}

impl ErrorCode {
    /// The address of the code's documentation, relative to the server.
    pub fn type_uri(self) -> String {
        format!("/api/docs#error-{}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_written_once_and_has_an_error_status() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} is there twice", code.as_str());
            assert!((400..600).contains(&code.status()), "{}", code.as_str());
            assert!(
                code.doc().ends_with('.'),
                "{} has no full sentence",
                code.as_str()
            );
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
