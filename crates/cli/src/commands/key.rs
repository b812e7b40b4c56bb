//! `chancery key`: API keys, also for a database that a running server has open. Shows a key once, when it is made.

use std::io::Write;

use chancery::access::append_key;
use chancery_api::access::{ApiKeyCreate, ApiKeyCreated, Grant, Scope};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::grant;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{DatabaseArgs, Missing, TargetArgs, is_locked, key_created, key_input};

/// Make, list and revoke API keys
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  chancery key create --name backup --scope read
  chancery key create --name ci --scope write --expires 90d --json
  chancery key create --name shop --scope none --grant orders=write --grant products=read
  chancery key list
  chancery key revoke 0190a2b4-…"
)]
pub(crate) struct Key {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it; it is shown this once and kept nowhere
    #[command(
        long_about = "Make a key and print it; it is shown this once and kept nowhere.\n\n\
Works beside a running server on the same database: the server takes the key at once.",
        after_long_help = "\
Examples:
  chancery key create --name me --scope admin
  export CHANCERY_KEY=$(chancery key create --name me --scope write)"
    )]
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do; each scope includes the ones before it
        #[arg(long, value_enum)]
        scope: KeyScope,
        #[arg(long = "grant", value_name = "PLACE=SCOPE", value_parser = grant::parse, help = grant::HELP)]
        grants: Vec<Grant>,
        /// When it ends: after a time (90d, 12h) or at an instant (2027-01-31T12:00:00Z)
        #[arg(long, value_name = "WHEN", value_parser = expiry)]
        expires: Option<String>,
    },
    /// List the keys, newest first, without what makes them secret
    List,
    /// End a key at once
    Revoke {
        /// The id of the key, not the key itself
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyScope {
    /// Nothing but what --grant gives
    None,
    /// Read
    Read,
    /// Read and write records and tables
    Write,
    /// Everything
    Admin,
}

impl Key {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Create {
                name,
                scope,
                grants,
                expires,
            } => {
                let scope = match scope {
                    KeyScope::None => Scope::None,
                    KeyScope::Read => Scope::Read,
                    KeyScope::Write => Scope::Write,
                    KeyScope::Admin => Scope::Admin,
                };
                let made = create(
                    &self.target,
                    ApiKeyCreate {
                        name,
                        scope,
                        grants,
                        expires_at: Some(expires),
                    },
                )?;
                show(&made, output)?;
            }
            Action::List => {
                let keys = self.target.open(Missing::Refuse)?.keys()?;
                if output.json() {
                    output.value(&keys)?;
                    return Ok(Exit::Done);
                }
                let mut text = TextTable::new([
                    "id",
                    "name",
                    "scope",
                    "starts with",
                    "created",
                    "expires",
                    "last used",
                ]);
                for key in keys {
                    let expires = key.expires_at.unwrap_or_else(|| "never".into());
                    let used = key.last_used_at.unwrap_or_else(|| "never".into());
                    text.row([
                        key.id,
                        key.name,
                        scope_text(key.scope).into(),
                        key.prefix,
                        key.created_at,
                        expires,
                        used,
                    ]);
                }
                let mut out = output.data();
                text.write(&mut out)?;
                out.flush()?;
            }
            Action::Revoke { id } => {
                self.target.open(Missing::Refuse)?.delete_key(&id)?;
                output.say(&format!("revoked {id}"));
            }
        }
        Ok(Exit::Done)
    }
}

/// Makes a key wherever the records are; beside a running server too.
fn create(target: &TargetArgs, key: ApiKeyCreate) -> Result<ApiKeyCreated, Failure> {
    if target.server_url().is_none()
        && let Some(made) = beside(&target.database, &key)?
    {
        return Ok(made);
    }
    target.open(Missing::Make)?.create_key(key)
}

/// Makes a key in a database that a server has open; none if nobody has.
fn beside(database: &DatabaseArgs, key: &ApiKeyCreate) -> Result<Option<ApiKeyCreated>, Failure> {
    let Some(file) = database.file().filter(|file| file.exists()) else {
        return Ok(None);
    };
    if !is_locked(database)? {
        return Ok(None);
    }
    if !key.grants.is_empty() {
        let message = "a server has this database open, and grants can only be given through it";
        return Err(Failure::new(message).hint("add --server URL --key KEY, with a key of the scope admin"));
    }
    let input = key_input(key.clone(), Vec::new())?;
    Ok(Some(key_created(append_key(&file, input)?)))
}

fn show(made: &ApiKeyCreated, output: &Output) -> Result<(), Failure> {
    if output.json() {
        let mut value = json!({"id": made.id, "name": made.name, "scope": made.scope, "key": made.key});
        if let Some(expires) = &made.expires_at {
            value["expiresAt"] = json!(expires);
        }
        return output.value(&value);
    }
    output.say(&format!(
        "{} ({}), id {}; the key is shown this once:",
        made.name,
        scope_text(made.scope),
        made.id
    ));
    output.line(&made.key)
}

fn scope_text(scope: Scope) -> &'static str {
    match scope {
        Scope::None => "none",
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}

/// `90d`, `12h`, `30m` from now, or an instant, as an instant.
pub(crate) fn expiry(text: &str) -> Result<String, String> {
    let wrong = || {
        format!("\"{text}\" is neither a time such as 90d or 12h nor an instant such as 2027-01-31T12:00:00Z")
    };
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.to_string());
    }
    let seconds = match text.char_indices().last() {
        Some((_, 'd')) => 86_400,
        Some((_, 'h')) => 3_600,
        Some((_, 'm')) => 60,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..text.len() - 1]
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(wrong)?;
    let span = jiff::SignedDuration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?);
    // Times are kept to the millisecond.
    let now =
        jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond()).map_err(|_| wrong())?;
    now.checked_add(span)
        .map(|end| end.to_string())
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_or_an_instant() {
        assert_eq!(expiry("2027-01-31T12:00:00Z").unwrap(), "2027-01-31T12:00:00Z");
        assert!(expiry("90d").unwrap() > expiry("12h").unwrap());
        for text in ["", "d", "-1d", "0h", "90", "90w", "99999999999999999d"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
