//! Errors of the vault as refusals on the wire. None of them holds a value, a token or a password.

use chancery::vault::VaultError;
use chancery_api::ErrorCode;

use super::faults::{issue, listed, sentence};
use crate::fault::Fault;

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Fault {
        let hint = error.hint();
        let text = sentence(&error.to_string());
        let fault = match error {
            VaultError::Invalid(found) => return super::faults::invalid(found).maybe_hint(hint),
            VaultError::TokenRequired => {
                let found = chancery::Issue::new("token", chancery::Code::Required, "A token is required");
                listed(ErrorCode::ValidationFailed, text, vec![issue(found)])
            }
            VaultError::Denied => Fault::new(ErrorCode::AccessDenied, text),
            VaultError::PasswordRequired => Fault::new(ErrorCode::PasswordRequired, text),
            VaultError::InvalidPassword => Fault::new(ErrorCode::InvalidPassword, text),
            VaultError::ProofRequired => Fault::new(ErrorCode::ProofRequired, text),
            VaultError::NotFound => Fault::new(ErrorCode::SecretNotFound, "There is no such secret."),
            VaultError::TokenTaken => Fault::new(ErrorCode::TokenTaken, text),
            VaultError::TokenReserved => Fault::new(ErrorCode::TokenReserved, text),
            VaultError::OtherKind { .. } => Fault::new(ErrorCode::OtherKind, text),
            VaultError::Expired { at } => {
                Fault::new(ErrorCode::SecretExpired, text).param("at", super::time(at))
            }
            VaultError::Exhausted => Fault::new(ErrorCode::SecretExhausted, text),
            VaultError::WrapTaken { at } => {
                Fault::new(ErrorCode::WrapTaken, text).param("at", super::time(at))
            }
            VaultError::Version { .. } => Fault::new(ErrorCode::VersionNotFound, text),
            VaultError::Conflict { .. } => Fault::new(ErrorCode::VersionConflict, text),
            VaultError::Sealed => Fault::new(ErrorCode::VaultSealed, text),
            VaultError::Busy => Fault::new(ErrorCode::Overloaded, text),
            VaultError::TooManyAttempts { retry_after_ms } => {
                let seconds = u64::try_from(retry_after_ms).unwrap_or(0) / 1_000 + 1;
                Fault::new(ErrorCode::TooManyRequests, text).retry_after(seconds)
            }
            VaultError::DecryptionFailed { .. } | VaultError::Tampered { .. } => {
                Fault::new(ErrorCode::SecretUnreadable, text)
            }
            VaultError::Root(error) => return Fault::internal(error),
            VaultError::Store(error) => return error.into(),
        };
        fault.maybe_hint(hint)
    }
}
