//! What `chancery vault` prints. It holds values for as long as it takes to print them.

use std::io::{self, IsTerminal, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chancery_api::concealed::Concealed;
use chancery_api::vault::{SecretInfo, SecretStatus, SecretVersionList, SecretVersionState, SecretWrapInfo};

use super::secrets::pairs;
use crate::failure::Failure;
use crate::output::Output;
use crate::table_text::TextTable;

/// A value as it is, on a terminal with a line break after it.
pub(super) fn value(
    output: &Output,
    text: Option<&Concealed>,
    base64: Option<&Concealed>,
) -> Result<(), Failure> {
    let mut out = output.data();
    match (text, base64) {
        (Some(text), _) => out.write_all(text.expose().as_bytes())?,
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text.expose());
            out.write_all(&bytes.map_err(|_| Failure::new("the server's answer is no base64"))?)?;
        }
        (None, None) => {}
    }
    if io::stdout().is_terminal() {
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// A list of secrets.
pub(super) fn list(output: &Output, secrets: &[SecretInfo]) -> Result<(), Failure> {
    if output.json() {
        return output.value(&secrets);
    }
    if secrets.is_empty() {
        output.say("no secret");
        return Ok(());
    }
    let mut text = TextTable::new([
        "id",
        "status",
        "version>",
        "password",
        "expires",
        "reads left>",
        "metadata",
    ]);
    for secret in secrets {
        text.row([
            secret.id.clone(),
            status(secret.status).into(),
            secret.version.to_string(),
            if secret.has_password { "yes" } else { "no" }.into(),
            secret.expires_at.clone().unwrap_or_else(|| "never".into()),
            secret
                .reads_left
                .map_or_else(String::new, |left| left.to_string()),
            pairs(&secret.metadata),
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

/// One secret.
pub(super) fn info(output: &Output, secret: &SecretInfo) -> Result<(), Failure> {
    if output.json() {
        return output.value(secret);
    }
    let mut lines = vec![
        ("id", secret.id.clone()),
        ("status", status(secret.status).to_owned()),
        ("version", secret.version.to_string()),
        (
            "password",
            if secret.has_password { "yes" } else { "no" }.to_owned(),
        ),
        (
            "expires",
            secret.expires_at.clone().unwrap_or_else(|| "never".into()),
        ),
        ("created", secret.created_at.clone()),
        ("updated", secret.updated_at.clone()),
    ];
    if let (Some(left), Some(max)) = (secret.reads_left, secret.max_reads) {
        lines.push(("reads left", format!("{left} of {max}")));
    }
    if !secret.metadata.is_empty() {
        lines.push(("metadata", pairs(&secret.metadata)));
    }
    pairs_of(output, &lines)
}

/// The versions of a secret.
pub(super) fn versions(output: &Output, list: &SecretVersionList) -> Result<(), Failure> {
    if output.json() {
        return output.value(&list.versions);
    }
    let mut text = TextTable::new(["version>", "state", "bytes>", "password", "created"]);
    for version in &list.versions {
        text.row([
            version.number.to_string(),
            match version.state {
                SecretVersionState::Live => "live",
                SecretVersionState::Destroyed => "destroyed",
            }
            .into(),
            version.bytes.to_string(),
            if version.has_password { "yes" } else { "no" }.into(),
            version.created_at.clone(),
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

/// What was wrapped.
pub(super) fn wrapped(output: &Output, info: &SecretWrapInfo) -> Result<(), Failure> {
    if output.json() {
        return output.value(info);
    }
    let mut lines = vec![
        (
            "status",
            match info.status {
                SecretStatus::Exhausted => "taken".to_owned(),
                other => status(other).to_owned(),
            },
        ),
        ("wrapped", info.created_at.clone()),
        (
            "expires",
            info.expires_at.clone().unwrap_or_else(|| "never".into()),
        ),
    ];
    for (name, text) in [
        ("taken", &info.taken_at),
        ("by", &info.created_by),
        ("secret", &info.origin),
    ] {
        if let Some(text) = text {
            lines.push((name, text.clone()));
        }
    }
    pairs_of(output, &lines)
}

/// Names and texts, a line each.
pub(super) fn pairs_of(output: &Output, lines: &[(&str, String)]) -> Result<(), Failure> {
    let mut out = output.data();
    for (name, text) in lines {
        writeln!(out, "{name:<10}  {text}")?;
    }
    Ok(out.flush()?)
}

fn status(status: SecretStatus) -> &'static str {
    match status {
        SecretStatus::Live => "live",
        SecretStatus::Expired => "expired",
        SecretStatus::Deleted => "deleted",
        SecretStatus::Exhausted => "exhausted",
    }
}
