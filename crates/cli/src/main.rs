//! The one binary, `chancery`: reads the command line and hands over. It holds no rule about records.

mod cli;
mod commands;
mod demo;
mod failure;
mod filter;
mod input;
mod output;
mod record_text;
mod root_key;
mod secret_input;
mod table_text;
mod target;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::failure::Failure;
use crate::output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = Output::new(cli.json);
    match commands::run(cli.command, &output) {
        Ok(exit) => exit.into(),
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit().into()
        }
    }
}
