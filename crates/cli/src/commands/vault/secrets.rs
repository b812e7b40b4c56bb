//! `chancery vault create`, `read`, `list` and what else is done with secrets. Reads and prints; the vault decides.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chancery_api::jobs::{JobKind, VaultJobCreate};
use chancery_api::query::{Count, Direction};
use chancery_api::vault::{
    SecretCreate, SecretDelete, SecretExpiry, SecretPassword, SecretPatch, SecretQuery, SecretRead,
    SecretRenew, SecretRestore, SecretRollBack, SecretState, SecretUpdate,
};
use clap::{Args, ValueEnum};

use super::jobs::How;
use super::{Place, told};
use crate::commands::key::expiry;
use crate::failure::{Exit, Failure};
use crate::secret_input::{PasswordArgs, SecretInput, TokenArgs, ValueArgs};
use crate::target::Missing;
use crate::target::vault::{VaultTarget, open};

/// Most secrets asked for at once.
const PAGE: u64 = 1_000;

impl Place<'_> {
    pub(super) fn open(&self) -> Result<Box<dyn VaultTarget>, Failure> {
        open(self.target, self.root, Missing::Refuse, self.output)
    }

    /// As [`Place::open`]; a store that has no vault yet gets one.
    pub(super) fn open_or_make(&self) -> Result<Box<dyn VaultTarget>, Failure> {
        open(self.target, self.root, Missing::MakeVault, self.output)
    }
}

/// Put a value away and print its token
#[derive(Args, Debug)]
#[command(after_long_help = "\
The value comes from stdin, without its last line break, or from a file, as it is. The token is shown this once: whoever has it can \
read the value. With a password the value is locked by that, too; it cannot be brought back if the password is lost.

Examples:
  chancery vault create < smtp-password.txt
  chancery vault create --file server.pem --expires 90d --metadata host=www
  chancery vault create --password --max-reads 3
  TOKEN=$(openssl rand -base64 24 | chancery vault create)")]
pub(super) struct Create {
    #[command(flatten)]
    value: ValueArgs,
    /// A file with the token to use, of 1 to 255 bytes; one is drawn without it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many characters a drawn token has
    #[arg(long, value_name = "CHARS", conflicts_with = "token_file")]
    length: Option<u64>,
    /// Lock it with a password as well: the next line of stdin, or asked for twice
    #[arg(long)]
    password: bool,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// When it is over: after a time (90d, 12h) or at an instant (2027-01-31T12:00:00Z)
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<String>,
    /// How often it can be read
    #[arg(long, value_name = "N")]
    max_reads: Option<u64>,
    /// Something about it that is not secret; may be given several times
    #[arg(long = "metadata", value_name = "NAME=TEXT", value_parser = pair)]
    metadata: Vec<(String, String)>,
}

impl Create {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let mut input = SecretInput::new();
        let token = match &self.token_file {
            Some(file) => Some(input.token_of(file)?),
            None => None,
        };
        let password = match self.password || self.password_file.is_some() {
            true => Some(input.new_password(self.password_file.as_deref())?),
            false => None,
        };
        let (value, value_base64) = input.value(&self.value)?;
        let made = open(place.target, place.root, Missing::Make, place.output)?.create(SecretCreate {
            value,
            value_base64,
            password,
            token,
            length: self.length,
            expires_at: Some(self.expires),
            max_reads: self.max_reads,
            metadata: self.metadata.into_iter().collect(),
        })?;
        if place.output.json() {
            return place.output.value(&made);
        }
        place.output.say(&format!(
            "put away, id {}; its token is shown this once:",
            made.id
        ));
        place.output.line(made.token.expose())
    }
}

/// Read the value behind a token
#[derive(Args, Debug)]
#[command(after_long_help = "\
Prints the value as it is, with a line break after it on a terminal only.

Examples:
  chancery vault read                                asks for the token
  echo \"$TOKEN\" | chancery vault read -
  chancery vault read --token-file smtp.token --password-file password.txt
  chancery vault read --token-file server.token > server.pem")]
pub(super) struct Read {
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// An older version; the newest without it
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

impl Read {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let mut input = SecretInput::new();
        let read = SecretRead {
            token: input.token(&self.token)?,
            password: input.password(&self.password)?,
            version: self.version,
        };
        let value = place.open()?.read(read).map_err(wants_password)?;
        if place.output.json() {
            return place.output.value(&value);
        }
        if let Some(left) = value.reads_left {
            place.output.say(&format!("it can be read {left} more times"));
        }
        told::value(place.output, value.value.as_ref(), value.value_base64.as_ref())
    }
}

pub(super) fn wants_password(failure: Failure) -> Failure {
    failure.hint("if it has a password, add --password or --password-file FILE")
}

/// List secrets, without their values and tokens
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault list
  chancery vault list --metadata app=shop --expiry expired
  chancery vault list --state deleted --json")]
pub(super) struct List {
    /// Those with this text in their metadata; may be given several times
    #[arg(long = "metadata", value_name = "NAME=TEXT", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// By the time at which they are over
    #[arg(long, value_enum, default_value = "any")]
    expiry: Expiry,
    /// By whether they are deleted
    #[arg(long, value_enum, default_value = "live")]
    state: State,
    /// Newest first
    #[arg(long)]
    newest: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only count them
    #[arg(long)]
    count: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Expiry {
    /// Whatever that is
    Any,
    /// Over already
    Expired,
    /// Not over yet, or never
    Unexpired,
    /// Never over
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// Those that are not
    Live,
    /// Those that are
    Deleted,
    /// Both
    All,
}

impl List {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let mut query = SecretQuery {
            expiry: match self.expiry {
                Expiry::Any => SecretExpiry::Any,
                Expiry::Expired => SecretExpiry::Expired,
                Expiry::Unexpired => SecretExpiry::Unexpired,
                Expiry::Never => SecretExpiry::Never,
            },
            state: match self.state {
                State::Live => SecretState::Live,
                State::Deleted => SecretState::Deleted,
                State::All => SecretState::All,
            },
            direction: match self.newest {
                true => Direction::Desc,
                false => Direction::Asc,
            },
            metadata: self.metadata.into_iter().collect(),
            ..SecretQuery::default()
        };
        let vault = place.open()?;
        if self.count {
            (query.count, query.limit) = (Count::Exact, Some(1));
            let total = vault.list(&query)?.pagination.total.unwrap_or_default();
            return match place.output.json() {
                true => place.output.value(&serde_json::json!({ "count": total })),
                false => place.output.line(&total.to_string()),
            };
        }
        let wanted = self.limit.unwrap_or(u64::MAX);
        let mut secrets = Vec::new();
        while (secrets.len() as u64) < wanted {
            query.limit = Some(PAGE.min(wanted - secrets.len() as u64));
            let page = vault.list(&query)?;
            secrets.extend(page.secrets);
            query.cursor = page.pagination.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        told::list(place.output, &secrets)
    }
}

/// Show what is known of a secret, without its value and token
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault show 0190a2b4-…")]
pub(super) struct Show {
    /// Its id, which `create` and `list` tell
    id: String,
}

impl Show {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let info = place.open()?.show(&self.id)?;
        told::info(place.output, &info)
    }
}

/// Give a secret a new value; older ones stay, as versions
#[derive(Args, Debug)]
#[command(after_long_help = "\
Knowing the token is not enough: it takes the password of the secret, or the right to manage the vault.

Examples:
  chancery vault update --token-file smtp.token < new-password.txt
  printf '%s\\n%s' \"$TOKEN\" \"$VALUE\" | chancery vault update
  chancery vault update --token-file a.token --password --file new.pem")]
pub(super) struct Update {
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    value: ValueArgs,
}

impl Update {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let mut input = SecretInput::new();
        let token = input.token(&self.token)?;
        let password = input.password(&self.password)?;
        let (value, value_base64) = input.value(&self.value)?;
        let updated = place.open()?.update(SecretUpdate {
            token,
            value,
            value_base64,
            password,
            new_password: None,
        });
        let updated = updated.map_err(wants_password)?;
        match place.output.json() {
            true => place.output.value(&updated),
            false => {
                place.output.say(&format!("version {}", updated.version));
                Ok(())
            }
        }
    }
}

/// A secret by its token, or by its id.
#[derive(Args, Debug)]
struct Which {
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// Its id instead of its token, for whoever manages the vault
    #[arg(long, value_name = "ID", conflicts_with_all = ["token_file", "password", "password_file"])]
    id: Option<String>,
}

/// Set when a secret is over, also of one that is over already
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault renew --expires 90d --token-file smtp.token
  chancery vault renew --expires never --id 0190a2b4-…")]
pub(super) struct Renew {
    #[command(flatten)]
    which: Which,
    /// After a time (90d, 12h), at an instant (2027-01-31T12:00:00Z), or `never`
    #[arg(long, value_name = "WHEN", value_parser = expiry_or_never)]
    expires: Over,
}

/// When a secret is over.
#[derive(Clone, Debug)]
struct Over(Option<String>);

fn expiry_or_never(text: &str) -> Result<Over, String> {
    match text {
        "never" => Ok(Over(None)),
        text => expiry(text).map(|at| Over(Some(at))),
    }
}

impl Renew {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let Over(expires_at) = self.expires;
        let info = match &self.which.id {
            Some(id) => place.open()?.patch(
                id,
                SecretPatch {
                    metadata: None,
                    expires_at: Some(expires_at),
                },
            )?,
            None => {
                let mut input = SecretInput::new();
                let renew = SecretRenew {
                    token: input.token(&self.which.token)?,
                    expires_at,
                    password: input.password(&self.which.password)?,
                };
                place.open()?.renew(renew).map_err(wants_password)?
            }
        };
        told::info(place.output, &info)
    }
}

/// Give one secret another password, or none, or all that have the same; values stay as they are
#[derive(Args, Debug)]
#[command(after_long_help = "\
With --password the old password is the next line of stdin, or asked for; the new one comes after it.

With --all no token is needed: every secret that the old password opens gets the new one, deleted ones and older versions, too. Others stay as they are. It is a job: Ctrl-C pauses it, and of a server only ends the waiting; `chancery vault job ID --resume` goes on and asks for both passwords again, as they are kept nowhere.

Examples:
  chancery vault passwd --password                    asks for the token, the old and the new password
  chancery vault passwd --token-file a.token --password-file old.txt --new-password-file new.txt
  chancery vault passwd --token-file a.token --password-file old.txt --remove
  chancery vault passwd --all                         asks for the old and the new password
  chancery vault passwd --all --password-file old.txt --new-password-file new.txt --dry-run")]
pub(super) struct Passwd {
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// A file whose first line is the new password
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Take the password away
    #[arg(long, conflicts_with = "new_password_file")]
    remove: bool,
    /// Of all secrets that the old password opens
    #[arg(long, conflicts_with_all = ["token_file", "dash"])]
    all: bool,
    #[command(flatten)]
    how: How,
}

impl Passwd {
    pub(super) fn run(self, place: &Place<'_>) -> Result<Exit, Failure> {
        match self.all {
            true => self.of_all(place),
            false => self.of_one(place).map(|()| Exit::Done),
        }
    }

    fn of_all(self, place: &Place<'_>) -> Result<Exit, Failure> {
        let mut input = SecretInput::new();
        let old = input.old_password(self.password.file())?;
        let new_password = match self.remove {
            true => None,
            false => Some(input.new_password(self.new_password_file.as_deref())?),
        };
        let job = VaultJobCreate {
            old_password: Some(old),
            new_password,
            ..self.how.job(JobKind::ChangePassword)
        };
        self.how.run(place, job)
    }

    fn of_one(self, place: &Place<'_>) -> Result<(), Failure> {
        self.how.only_with("--all")?;
        let mut input = SecretInput::new();
        let (token, password) = (input.token(&self.token)?, input.password(&self.password)?);
        let new_password = match self.remove {
            true => None,
            false => Some(input.new_password(self.new_password_file.as_deref())?),
        };
        let changed = place.open()?.change_password(SecretPassword {
            token,
            password,
            new_password,
        });
        let info = changed.map_err(wants_password)?;
        told::info(place.output, &info)
    }
}

/// Delete a secret, so that it can be restored, or for good
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault delete --token-file smtp.token
  chancery vault delete --id 0190a2b4-… --permanent")]
pub(super) struct Delete {
    #[command(flatten)]
    which: Which,
    /// For good, with all its versions
    #[arg(long)]
    permanent: bool,
}

impl Delete {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        match &self.which.id {
            Some(id) => place.open()?.delete_by_id(id, self.permanent)?,
            None => {
                let mut input = SecretInput::new();
                let delete = SecretDelete {
                    token: input.token(&self.which.token)?,
                    permanent: self.permanent,
                    password: input.password(&self.which.password)?,
                };
                place.open()?.delete(delete).map_err(wants_password)?;
            }
        }
        place.output.say(match self.permanent {
            true => "deleted for good",
            false => "deleted; `chancery vault restore` brings it back",
        });
        Ok(())
    }
}

/// Restore a secret that was deleted
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault list --state deleted
  chancery vault restore --id 0190a2b4-…")]
pub(super) struct Restore {
    #[command(flatten)]
    which: Which,
}

impl Restore {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let info = match &self.which.id {
            Some(id) => place.open()?.restore_by_id(id)?,
            None => {
                let mut input = SecretInput::new();
                let restore = SecretRestore {
                    token: input.token(&self.which.token)?,
                    password: input.password(&self.which.password)?,
                };
                place.open()?.restore(restore).map_err(wants_password)?
            }
        };
        told::info(place.output, &info)
    }
}

/// List the versions of a secret, or destroy one of them
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault versions 0190a2b4-…
  chancery vault versions 0190a2b4-… --destroy 2")]
pub(super) struct Versions {
    /// Its id
    id: String,
    /// Destroy the key of this version, and with it its value
    #[arg(long, value_name = "N")]
    destroy: Option<u64>,
}

impl Versions {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let vault = place.open()?;
        if let Some(version) = self.destroy {
            vault.destroy_version(&self.id, version)?;
            place.output.say(&format!("destroyed version {version}"));
            return Ok(());
        }
        told::versions(place.output, &vault.versions(&self.id)?)
    }
}

/// Make an older version of a secret the newest again
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault roll-back 0190a2b4-… 3")]
pub(super) struct RollBack {
    /// Its id
    id: String,
    /// The number of the version
    version: u64,
    #[command(flatten)]
    password: PasswordArgs,
}

impl RollBack {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let back = SecretRollBack {
            version: self.version,
            password: SecretInput::new().password(&self.password)?,
        };
        let number = place.open()?.roll_back(&self.id, back).map_err(wants_password)?;
        match place.output.json() {
            true => place.output.value(&number),
            false => {
                place.output.say(&format!("version {}", number.version));
                Ok(())
            }
        }
    }
}

/// `name=text`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, text) = text.split_once('=').ok_or("write NAME=TEXT: app=shop")?;
    Ok((name.to_owned(), text.to_owned()))
}

/// Pairs as they are shown: `app=shop, host=www`.
pub(super) fn pairs(metadata: &BTreeMap<String, String>) -> String {
    let pairs = metadata.iter().map(|(name, text)| format!("{name}={text}"));
    pairs.collect::<Vec<_>>().join(", ")
}
