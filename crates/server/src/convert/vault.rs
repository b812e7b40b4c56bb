//! The vault on the wire and in the library. Values, tokens and passwords go from one type that prints nothing into another.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chancery::credentials::Secret;
use chancery::model::time::parse_instant;
use chancery::model::{Code, Issue};
use chancery::vault::{self as library, SecretBytes};
use chancery_api::concealed::Concealed;
use chancery_api::query::Direction;
use chancery_api::vault as wire;

use super::{maybe_time, time};

/// Text that must not be seen, on its way in.
pub fn secret(text: Concealed) -> Secret {
    Secret::new(text.take())
}

/// A password on its way in, if there is one.
pub fn password(text: Option<Concealed>) -> Option<Secret> {
    text.map(secret)
}

/// A value on its way in: as text or as base64, and not as both.
///
/// # Errors
/// What is wrong with it, which does not repeat it.
pub fn value_in(text: Option<Concealed>, base64: Option<Concealed>) -> Result<Vec<u8>, Issue> {
    match (text, base64) {
        (Some(text), None) => Ok(text.take().into_bytes()),
        (None, Some(text)) => STANDARD
            .decode(text.expose())
            .map_err(|_| Issue::new("valueBase64", Code::Format, "This is not base64")),
        (None, None) => Err(Issue::new("value", Code::Required, "A value is required")),
        (Some(_), Some(_)) => Err(Issue::new(
            "valueBase64",
            Code::Definition,
            "A value is given as value or as valueBase64, not as both",
        )),
    }
}

/// A value on its way out: as text if it is UTF-8, otherwise as base64.
pub fn value_out(value: &SecretBytes) -> (Option<Concealed>, Option<Concealed>) {
    match std::str::from_utf8(value.expose()) {
        Ok(text) => (Some(Concealed::new(text)), None),
        Err(_) => (None, Some(Concealed::new(STANDARD.encode(value.expose())))),
    }
}

/// A time on its way in, in ms since 1970.
///
/// # Errors
/// The issue, if it is none.
pub fn instant(field: &str, text: &str) -> Result<i64, Issue> {
    parse_instant(text).ok_or_else(|| {
        let message = format!("\"{text}\" is no time; write 2027-01-31T12:00:00Z");
        Issue::new(field, Code::Format, message)
    })
}

/// A time on its way in, if there is one.
///
/// # Errors
/// As [`instant`].
pub fn maybe_instant(field: &str, text: Option<&str>) -> Result<Option<i64>, Issue> {
    text.map(|text| instant(field, text)).transpose()
}

/// The token of a new secret.
///
/// # Errors
/// The issue, if a token is given and a length, too.
pub fn new_token(token: Option<Concealed>, length: Option<u64>) -> Result<library::NewToken, Issue> {
    match (token, length) {
        (None, None) => Ok(library::NewToken::Drawn),
        (None, Some(chars)) => Ok(library::NewToken::DrawnOf(
            usize::try_from(chars).unwrap_or(usize::MAX),
        )),
        (Some(token), None) => Ok(library::NewToken::Custom(secret(token))),
        (Some(_), Some(_)) => Err(Issue::new(
            "length",
            Code::Definition,
            "A token that is given has its own length",
        )),
    }
}

/// A secret that was made.
pub fn created(created: &library::Created) -> wire::SecretCreated {
    wire::SecretCreated {
        token: Concealed::new(created.token.expose()),
        id: created.id.clone(),
        version: created.version,
    }
}

/// A value that was read.
pub fn revealed(revealed: &library::Revealed) -> wire::SecretValue {
    let (value, value_base64) = value_out(&revealed.value);
    wire::SecretValue {
        value,
        value_base64,
        version: revealed.version,
        reads_left: revealed.reads_left,
    }
}

/// Whether a secret can be read.
pub fn status(status: library::SecretStatus) -> wire::SecretStatus {
    match status {
        library::SecretStatus::Live => wire::SecretStatus::Live,
        library::SecretStatus::Expired => wire::SecretStatus::Expired,
        library::SecretStatus::Deleted => wire::SecretStatus::Deleted,
        library::SecretStatus::Exhausted => wire::SecretStatus::Exhausted,
    }
}

/// What is known of a secret.
pub fn info(info: library::SecretInfo) -> wire::SecretInfo {
    wire::SecretInfo {
        kind: match info.kind {
            library::SecretKind::Secret => wire::SecretKind::Secret,
            library::SecretKind::Wrap => wire::SecretKind::Wrap,
        },
        status: status(info.status),
        id: info.id,
        version: info.version,
        has_password: info.password,
        custom_token: info.custom,
        expires_at: maybe_time(info.expires_at),
        deleted_at: maybe_time(info.soft_deleted_at),
        max_reads: info.max_reads,
        reads_left: info.reads_left,
        metadata: info.data,
        row_version: info.row_version,
        created_at: time(info.created_at),
        updated_at: time(info.updated_at),
        created_by: info.created_by,
    }
}

/// What is known of a wrapping token.
pub fn wrap_info(info: library::WrapInfo) -> wire::SecretWrapInfo {
    wire::SecretWrapInfo {
        status: status(info.status),
        origin: info.origin,
        created_by: info.created_by,
        created_at: time(info.created_at),
        expires_at: maybe_time(info.expires_at),
        taken_at: maybe_time(info.taken_at),
    }
}

/// A version of a secret.
pub fn version(version: &library::VersionInfo) -> wire::SecretVersion {
    wire::SecretVersion {
        number: version.number,
        state: match version.state {
            library::VersionState::Live => wire::SecretVersionState::Live,
            library::VersionState::Destroyed => wire::SecretVersionState::Destroyed,
        },
        bytes: version.bytes,
        has_password: version.password,
        created_at: time(version.created_at),
    }
}

/// Which secrets are listed, without how many and after which: those are the list's.
///
/// # Errors
/// All times that are none.
pub fn query(asked: &wire::SecretQuery) -> Result<library::SecretQuery, Vec<Issue>> {
    use library::{Expiry, SecretOrder, SecretScope};
    let mut issues = Vec::new();
    let mut instant = |field: &str, text: &Option<String>| {
        maybe_instant(field, text.as_deref()).unwrap_or_else(|issue| {
            issues.push(issue);
            None
        })
    };
    let from = instant("createdFrom", &asked.created_from);
    let until = instant("createdUntil", &asked.created_until);
    if !issues.is_empty() {
        return Err(issues);
    }
    let mut query = library::SecretQuery::new()
        .expiry(match asked.expiry {
            wire::SecretExpiry::Any => Expiry::Any,
            wire::SecretExpiry::Expired => Expiry::Expired,
            wire::SecretExpiry::Unexpired => Expiry::Unexpired,
            wire::SecretExpiry::Never => Expiry::Never,
        })
        .scope(match asked.state {
            wire::SecretState::Live => SecretScope::Live,
            wire::SecretState::Deleted => SecretScope::Deleted,
            wire::SecretState::All => SecretScope::All,
        })
        .order(match asked.order {
            wire::SecretOrder::Id => SecretOrder::Id,
            wire::SecretOrder::CreatedAt => SecretOrder::CreatedAt,
            wire::SecretOrder::UpdatedAt => SecretOrder::UpdatedAt,
            wire::SecretOrder::ExpiresAt => SecretOrder::ExpiresAt,
        });
    if asked.direction == Direction::Desc {
        query = query.descending();
    }
    if let Some(ids) = &asked.ids {
        query = query.ids(ids.iter().cloned());
    }
    if let Some(tokens) = &asked.tokens {
        query = query.tokens(tokens.iter().map(Concealed::expose));
    }
    if let Some(kind) = asked.kind {
        query = query.kind(match kind {
            wire::SecretKind::Secret => library::SecretKind::Secret,
            wire::SecretKind::Wrap => library::SecretKind::Wrap,
        });
    }
    if let Some(from) = from {
        query = query.created_from(from);
    }
    if let Some(until) = until {
        query = query.created_until(until);
    }
    for (name, text) in &asked.metadata {
        query = query.data(name, text);
    }
    Ok(query)
}

/// A change of a secret beside its value.
///
/// # Errors
/// The issue, if the time is none.
pub fn patch(patch: wire::SecretPatch, expected: Option<u64>) -> Result<library::SecretPatch, Issue> {
    let expires_at = match patch.expires_at {
        None => None,
        Some(at) => Some(maybe_instant("expiresAt", at.as_deref())?),
    };
    Ok(library::SecretPatch {
        data: patch.metadata,
        expires_at,
        expected,
    })
}

/// An entry of the audit.
pub fn audit_entry(entry: library::AuditEntry) -> wire::VaultAuditEntry {
    wire::VaultAuditEntry {
        id: entry.id,
        at: time(entry.at),
        op: entry.op,
        outcome: entry.outcome,
        actor: entry.actor,
        client: entry.client,
        secret: entry.secret,
        version: entry.version,
    }
}

/// The last closed segment of the audit, on its way in.
///
/// # Errors
/// The issue, if it cannot be one.
pub fn head_in(head: wire::VaultAuditHead) -> Result<library::AuditHead, Issue> {
    let is_code = head.code.len() == 64 && head.code.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_code || head.segment > chancery_api::limits::VAULT_SEGMENT_MAX {
        let message = "This is no head of an audit: a number, and a code of 64 hexadecimal digits";
        return Err(Issue::new("head", Code::Format, message));
    }
    Ok(library::AuditHead {
        segment: head.segment,
        code: head.code.to_ascii_lowercase(),
    })
}

/// What walking the audit found.
pub fn report(report: library::AuditReport) -> wire::VaultReport {
    wire::VaultReport {
        sound: report.faults.is_empty(),
        segments: report.segments,
        entries: report.entries,
        secrets: report.secrets,
        faults: report.faults,
        head: report.head.map(|head| wire::VaultAuditHead {
            segment: head.segment,
            code: head.code,
        }),
    }
}

/// A data key.
pub fn key(key: &library::KeyCensus) -> wire::VaultKey {
    wire::VaultKey {
        kid: key.kid,
        state: match key.state {
            library::KeyState::Active => wire::VaultKeyState::Active,
            library::KeyState::Opens => wire::VaultKeyState::Opens,
            library::KeyState::Retired => wire::VaultKeyState::Retired,
        },
        created_at: time(key.born),
        versions: key.versions,
        columns: key.columns,
    }
}

/// A root key.
pub fn root(root: library::RootSlot) -> wire::VaultRoot {
    wire::VaultRoot {
        fingerprint: root.fingerprint,
        opens: root.opens,
        added_at: time(root.added_at),
        removed_at: maybe_time(root.removed_at),
    }
}

/// What a sweep did.
pub fn swept(swept: library::Swept) -> wire::VaultSwept {
    wire::VaultSwept {
        deleted: swept.deleted,
        spared: swept.spared,
    }
}

/// How the vault is: asks it for its root keys, and for its data keys unless it is sealed.
///
/// # Errors
/// Those of the vault.
pub async fn vault_status(vault: &library::Vault) -> Result<wire::VaultStatus, library::VaultError> {
    let sealed = vault.is_sealed();
    let keys = match sealed {
        true => Vec::new(),
        false => vault.census().await?.iter().map(key).collect(),
    };
    Ok(wire::VaultStatus {
        sealed,
        roots: vault.roots().await?.into_iter().map(root).collect(),
        keys,
    })
}

/// What became of one token of several, for whoever may manage the vault.
pub fn read_status(error: &library::VaultError) -> wire::ReadStatus {
    use library::VaultError;
    match error {
        VaultError::NotFound | VaultError::TokenRequired => wire::ReadStatus::Missing,
        VaultError::Expired { .. } => wire::ReadStatus::Expired,
        VaultError::Exhausted => wire::ReadStatus::Exhausted,
        VaultError::OtherKind { .. } => wire::ReadStatus::Wrapped,
        VaultError::TooManyAttempts { .. } => wire::ReadStatus::TooManyAttempts,
        VaultError::DecryptionFailed { .. } | VaultError::Tampered { .. } => wire::ReadStatus::Unreadable,
        _ => wire::ReadStatus::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_in_and_out_as_what_it_is() {
        for bytes in [&b""[..], b"hunter2", "grüße".as_bytes(), &[0xff, 0, 1]] {
            let (text, base64) = value_out(&SecretBytes::new(bytes.to_vec()));
            assert_eq!(text.is_some(), std::str::from_utf8(bytes).is_ok());
            assert_eq!(value_in(text, base64).unwrap(), bytes);
        }
    }

    #[test]
    fn a_value_that_is_none_or_two_is_refused_without_repeating_it() {
        let some = || Some(Concealed::new("hun!er2"));
        for (text, base64, field) in [
            (None, None, "value"),
            (some(), some(), "valueBase64"),
            (None, some(), "valueBase64"),
        ] {
            let issue = value_in(text, base64).unwrap_err();
            assert_eq!(issue.field, field);
            assert!(!issue.message.contains("hun!er2"));
        }
    }
}
