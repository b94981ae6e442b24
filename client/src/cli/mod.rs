//! The command line: one file a command, text for people by default, JSON on request.
//!
//! Exit status: 0 done, 1 refused or failed, 2 usage.

mod check;
mod competition;
mod failure;
mod footprints;
mod lanes;
mod report;
mod solve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Clears payment intents: engine, solvers, books and offline tools in one program.
#[derive(Debug, Parser)]
#[command(name = "clearlane", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Prints one JSON object as the last line of stdout.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Solve(solve::Solve),
    Check(check::Check),
    Lanes(lanes::Lanes),
}

/// Reads the arguments and does what they ask.
pub(crate) fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Reported) {
                eprintln!("clearlane: {failure}");
            }
            ExitCode::from(failure.status())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Solve(command) => command.run(cli.json),
        Command::Check(command) => command.run(cli.json),
        Command::Lanes(command) => command.run(cli.json),
    }
}
