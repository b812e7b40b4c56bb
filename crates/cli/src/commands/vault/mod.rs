//! `chancery vault`: secret values behind tokens. No value, token or password is ever an argument: other users of the machine would see it.

mod care;
mod columns;
mod handing;
mod jobs;
mod secrets;
mod told;

use clap::{Args, Subcommand};

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::root_key::RootArgs;
use crate::target::TargetArgs;

/// Put secret values away, and read them by token
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
A secret is put away with `create`, which prints its token; whoever shows the token gets the value. It is sealed with the key of the \
vault, and, if it has one, with a password besides. Values, tokens and passwords come from files, from stdin or from the keyboard, never \
from the command line. What no file gives is read from stdin: the token on the first line, the password on the next, then the value.

The vault is locked by a root key: the file vault.key beside the database, made together with the vault. Back it up, apart \
from the database. Without it the vault stays sealed: lists and deletion work, nothing can be read.

Examples:
  chancery vault create --metadata app=shop < smtp-password.txt
  chancery vault read --token-file smtp.token
  chancery vault list --metadata app=shop
  chancery vault verify"
)]
pub(crate) struct Vault {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    root: RootArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Create(secrets::Create),
    Read(secrets::Read),
    List(secrets::List),
    Show(secrets::Show),
    Update(secrets::Update),
    Renew(secrets::Renew),
    Passwd(secrets::Passwd),
    Delete(secrets::Delete),
    Restore(secrets::Restore),
    Versions(secrets::Versions),
    RollBack(secrets::RollBack),
    Wrap(handing::Wrap),
    Unwrap(handing::Unwrap),
    Audit(care::Audit),
    Verify(care::Verify),
    Status(care::Status),
    Sweep(care::Sweep),
    RotateKey(jobs::RotateKey),
    Purge(jobs::Purge),
    EncryptColumn(columns::EncryptColumn),
    DecryptColumn(columns::DecryptColumn),
    Jobs(jobs::Jobs),
    Job(jobs::JobOne),
    Key(care::Key),
}

/// Where the vault is, and how it is opened.
struct Place<'a> {
    target: &'a TargetArgs,
    root: &'a RootArgs,
    output: &'a Output,
}

impl Vault {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let place = Place {
            target: &self.target,
            root: &self.root,
            output,
        };
        match self.action {
            Action::Create(create) => create.run(&place)?,
            Action::Read(read) => read.run(&place)?,
            Action::List(list) => list.run(&place)?,
            Action::Show(show) => show.run(&place)?,
            Action::Update(update) => update.run(&place)?,
            Action::Renew(renew) => renew.run(&place)?,
            Action::Passwd(passwd) => return passwd.run(&place),
            Action::Delete(delete) => delete.run(&place)?,
            Action::Restore(restore) => restore.run(&place)?,
            Action::Versions(versions) => versions.run(&place)?,
            Action::RollBack(back) => back.run(&place)?,
            Action::Wrap(wrap) => wrap.run(&place)?,
            Action::Unwrap(unwrap) => unwrap.run(&place)?,
            Action::Audit(audit) => audit.run(&place)?,
            Action::Verify(verify) => return verify.run(&place),
            Action::Status(status) => status.run(&place)?,
            Action::Sweep(sweep) => sweep.run(&place)?,
            Action::RotateKey(rotate) => return rotate.run(&place),
            Action::Purge(purge) => return purge.run(&place),
            Action::EncryptColumn(encrypt) => return encrypt.run(&place),
            Action::DecryptColumn(decrypt) => return decrypt.run(&place),
            Action::Jobs(jobs) => jobs.run(&place)?,
            Action::Job(job) => return job.run(&place),
            Action::Key(key) => key.run(&place)?,
        }
        Ok(Exit::Done)
    }
}
