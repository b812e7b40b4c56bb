//! The top of the command line: the options that hold everywhere. Each command is a file under `commands/`.

use clap::Parser;

use crate::commands::Command;

/// A record store: schema-checked tables of records, with every change remembered.
///
/// Commands work on a database on this machine (--data DIR, --database URL) or on a running server
/// (--server URL --key KEY). Data go to stdout, everything else to stderr; --json makes the data readable for programs.
#[derive(Debug, Parser)]
#[command(
    name = "chancery",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    propagate_version = false
)]
#[command(
    subcommand_required = true,
    after_long_help = "\
Examples:
  chancery serve --demo                      start a server with something to look at
  chancery import customers.csv --create     make a table out of a file
  chancery query customers 'city=Brno'       look into it
  chancery export customers -o out.csv       take it out again

Exit status: 0 done; 1 the data were refused; 2 the command was wrong or something failed."
)]
pub(crate) struct Cli {
    /// Write data as JSON, for programs; failures too (on stderr)
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
