//! The commands, one file each. This is the list of them.
//!
//! # To add a command
//! 1. Write `commands/<name>.rs` with a clap `Args` and a `run`.
//! 2. Add its line to [`Command`] and to [`run`].
//! 3. Run the tests with `UPDATE_DOCS=1` and look at the difference in `docs/cli.md`.

mod api;
mod backup;
mod bench;
mod column_type;
mod completions;
mod dedupe;
mod doctor;
pub(crate) mod export;
mod file;
mod grant;
mod history;
pub(crate) mod import;
mod imports;
pub(crate) mod key;
mod migrate;
mod move_store;
mod operation;
mod query;
mod record;
mod restore;
pub(crate) mod serve;
mod table;
pub(crate) mod transfers;
mod user;
mod vault;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Table(table::Table),
    Record(record::Record),
    Query(query::Query),
    Dedupe(dedupe::Dedupe),
    File(file::Files),
    History(history::History),
    Operation(operation::Operation),
    Import(import::Import),
    Imports(imports::Imports),
    Export(export::Export),
    Key(key::Key),
    User(user::User),
    Vault(vault::Vault),
    Api(api::Api),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Doctor(doctor::Doctor),
    Migrate(migrate::Migrate),
    Move(move_store::Move),
    Bench(bench::Bench),
    Completions(completions::Completions),
}

/// Runs a command.
pub(crate) fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Serve(command) => command.run(output),
        Command::Table(command) => command.run(output),
        Command::Record(command) => command.run(output),
        Command::Query(command) => command.run(output),
        Command::Dedupe(command) => command.run(output),
        Command::File(command) => command.run(output),
        Command::History(command) => command.run(output),
        Command::Operation(command) => command.run(output),
        Command::Import(command) => command.run(output),
        Command::Imports(command) => command.run(output),
        Command::Export(command) => command.run(output),
        Command::Key(command) => command.run(output),
        Command::User(command) => command.run(output),
        Command::Vault(command) => command.run(output),
        Command::Api(command) => command.run(output),
        Command::Backup(command) => command.run(output),
        Command::Restore(command) => command.run(output),
        Command::Doctor(command) => command.run(output),
        Command::Migrate(command) => command.run(output),
        Command::Move(command) => command.run(output),
        Command::Bench(command) => command.run(output),
        Command::Completions(command) => command.run(),
    }
}
