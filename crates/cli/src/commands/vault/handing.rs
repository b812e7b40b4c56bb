//! `chancery vault wrap` and `unwrap`: handing a value over, once.

use chancery_api::vault::{SecretToken, SecretWrap};
use clap::Args;

use super::secrets::wants_password;
use super::{Place, told};
use crate::commands::key::expiry;
use crate::failure::Failure;
use crate::secret_input::{PasswordArgs, SecretInput, TokenArgs, ValueArgs};
use crate::target::Missing;
use crate::target::vault::open;

/// Wrap a value, or that of a secret, to hand it over: the token that is printed gives it once
#[derive(Args, Debug)]
#[command(after_long_help = "\
Whoever unwraps it second is told that somebody came first: then the value is to be replaced.

Examples:
  chancery vault wrap --expires 1h < password.txt
  chancery vault wrap --secret --token-file smtp.token --expires 1h")]
pub(super) struct Wrap {
    #[command(flatten)]
    value: ValueArgs,
    /// Wrap the value of a secret, by its token
    #[arg(long, conflicts_with = "file")]
    secret: bool,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// Until when it can be taken: a time (1h) or an instant
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<String>,
}

impl Wrap {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let mut input = SecretInput::new();
        let mut wrap = SecretWrap {
            expires_at: Some(self.expires),
            ..SecretWrap::default()
        };
        match self.secret {
            true => {
                wrap.token = Some(input.token(&self.token)?);
                wrap.password = input.password(&self.password)?;
            }
            false => (wrap.value, wrap.value_base64) = input.value(&self.value)?,
        }
        let missing = match self.secret {
            true => Missing::Refuse,
            false => Missing::Make,
        };
        let vault = open(place.target, place.root, missing, place.output)?;
        let wrapped = vault.wrap(wrap).map_err(wants_password)?;
        match place.output.json() {
            true => place.output.value(&wrapped),
            false => place.output.line(wrapped.token.expose()),
        }
    }
}

/// Take what was wrapped; it is gone then
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery vault unwrap                              asks for the token
  chancery vault unwrap --info --token-file got.token")]
pub(super) struct Unwrap {
    #[command(flatten)]
    token: TokenArgs,
    /// Only tell who wrapped it and whether it was taken; it stays as it is
    #[arg(long)]
    info: bool,
}

impl Unwrap {
    pub(super) fn run(self, place: &Place<'_>) -> Result<(), Failure> {
        let token = SecretToken {
            token: SecretInput::new().token(&self.token)?,
        };
        if self.info {
            let info = place.open()?.wrap_info(token)?;
            return told::wrapped(place.output, &info);
        }
        let taken = place.open()?.unwrap(token)?;
        match place.output.json() {
            true => place.output.value(&taken),
            false => told::value(place.output, taken.value.as_ref(), taken.value_base64.as_ref()),
        }
    }
}
