//! The command line: one file a command, text for people by default, JSON on request.
//!
//! Exit status: 0 done, 1 refused or failed, 2 usage.

mod admin;
mod backtest;
mod batch;
mod bench;
mod books;
mod bound;
mod caller;
mod check;
mod competition;
mod cow_rules;
mod decimal;
mod demo;
mod engine;
#[cfg(test)]
mod examples;
mod explain;
mod failure;
mod footprints;
mod intent_file;
mod intents;
mod keys;
mod lanes;
mod nearest;
mod outcome;
mod replay;
mod report;
mod sending;
mod signals;
mod solve;
mod solver;
mod standings;
mod venue_file;
mod watching;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use caller::Caller;
use failure::Failure;

/// Clears payment intents: engine, solvers, books and offline tools in one program.
#[derive(Debug, Parser)]
#[command(
    name = "clearlane",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  clearlane demo                                    a day in seconds, start here
  clearlane solve auction.json                      one auction offline
  clearlane keys new --out admin.key                a key pair
  clearlane submit invoice.json --party alice       what should happen
  clearlane COMMAND --help                          what a command does, with examples

Exits 0 when done, 1 when refused or failed, 2 on usage."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    caller: Caller,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Solve(solve::Solve),
    Check(check::Check),
    Lanes(lanes::Lanes),
    Bench(bench::Bench),
    Keys(keys::Keys),
    Accounts(books::Accounts),
    Balances(books::Balances),
    Statement(books::Statement),
    Status(books::Status),
    Submit(intents::Submit),
    Intents(intents::Intents),
    Watch(intents::Watch),
    Cancel(intents::Cancel),
    Admin(admin::Admin),
    Engine(engine::Engine),
    Solver(solver::Solver),
    Solvers(standings::Solvers),
    Replay(replay::Replay),
}

/// Reads the arguments and does what they ask.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_json = cli.caller.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Reported) {
                report::note(&format!("clearlane: {failure}"));
                if is_json {
                    // Nothing more can be said where this can't be written either.
                    drop(report::line(&failure.json().to_string()));
                }
            }
            ExitCode::from(failure.status())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let caller = cli.caller;
    match cli.command {
        Command::Demo(command) => online(command.run(caller.json)),
        Command::Solve(command) => command.run(caller.json),
        Command::Check(command) => command.run(caller.json),
        Command::Lanes(command) => command.run(caller.json),
        Command::Bench(command) => command.run(caller.json),
        Command::Keys(command) => command.run(&caller),
        Command::Accounts(command) => online(command.run(&caller)),
        Command::Balances(command) => online(command.run(&caller)),
        Command::Statement(command) => online(command.run(&caller)),
        Command::Status(command) => online(command.run(&caller)),
        Command::Submit(command) => online(command.run(&caller)),
        Command::Intents(command) => online(command.run(&caller)),
        Command::Watch(command) => online(command.run(&caller)),
        Command::Cancel(command) => online(command.run(&caller)),
        Command::Admin(command) => online(command.run(&caller)),
        Command::Engine(command) => online(command.run(caller.json)),
        Command::Solver(command) => online(command.run(&caller)),
        Command::Solvers(command) => online(command.run(&caller)),
        Command::Replay(command) => command.run(caller.json),
    }
}

/// Runs what waits for the network.
fn online(task: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::Failed(format!("can't start threads: {error}")))?.block_on(task)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_follow_the_command() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        for line in [
            "clearlane solve a.json --budget-ms 5 --strategy joint --strategy direct --json",
            "clearlane balances --engine 127.0.0.1:1 --party alice",
            "clearlane admin deposit alice EUR bank-eu 5.00 --key admin.key",
            "clearlane cancel 01890a5d-ac96-774b-bcce-b302099a8057 --party alice",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        let cli = parse("clearlane keys show --key k --json").expect("a command");
        assert!(cli.caller.json && cli.caller.key.ends_with("k"));
        let unknown = parse("clearlane cancel abc").expect_err("no id");
        assert_eq!((unknown.kind(), unknown.exit_code()), (ErrorKind::ValueValidation, 2));
    }
}
