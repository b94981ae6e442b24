//! Every command line that is shown to people, in README and in `--help`, is one that the program takes.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use super::Cli;

const README: &str = include_str!("../../../README.md");

/// What stands for a public key or an id that a shell would put in.
const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// The program's command lines in a line of a shell; what follows two spaces is an explanation.
fn commands(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches("$ ").replace("cargo run --release -- ", "clearlane ");
    if let Some((before, rest)) = line.split_once("$(") {
        let (inner, after) = rest.split_once(')').unwrap_or((rest, ""));
        let stands_for = if inner.starts_with("clearlane keys show") { KEY } else { ID };
        let outer = commands(&format!("{before}{stands_for}{after}"));
        return commands(inner).into_iter().chain(outer).collect();
    }
    let line = line.split("  ").next().unwrap_or_default().replace("$INTENT", ID);
    let parts = line.split(" && ").flat_map(|part| part.split(" | ").next()?.split(" > ").next());
    parts.filter(|part| part.starts_with("clearlane ")).map(str::to_owned).collect()
}

/// What the program says to a command line that it does not take.
fn complaint(command: &str) -> Option<String> {
    match Cli::try_parse_from(command.split_whitespace()) {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => None,
        Err(error) => Some(format!("{command}: {error}")),
    }
}

fn assert_taken(text: &str, at_least: usize) {
    let commands: Vec<String> =
        text.lines().flat_map(commands).filter(|command| !command.contains("COMMAND")).collect();
    assert!(commands.len() >= at_least, "expected {at_least} commands or more, found {commands:?} in {text}");
    let complaints: Vec<String> = commands.iter().filter_map(|command| complaint(command)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_command_in_readme_is_taken() {
    let blocks: String = README.split("```").skip(1).step_by(2).collect();
    assert_taken(&blocks, 25);
}

#[test]
fn every_command_has_examples_in_its_help_and_takes_them() {
    let program = Cli::command();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.starts_with("Example"), "expected examples in the help of {}", command.get_name());
        assert_taken(&help, 1);
    }
}

#[test]
fn a_command_that_is_not_taken_is_found() {
    assert_eq!(commands("ID=$(clearlane submit a --party p | cut -d' ' -f1)"), ["clearlane submit a --party p"]);
    assert_eq!(commands("  clearlane demo --seed 7    another day"), ["clearlane demo --seed 7"]);
    assert_eq!(commands("clearlane keys new && clearlane status").len(), 2);
    assert_eq!(commands("clearlane replay data --json > a.json"), ["clearlane replay data --json"]);
    assert!(complaint("clearlane sumbit intent.json").is_some());
    assert!(complaint("clearlane admin key alice party 00").is_some());
    assert!(complaint("clearlane submit --help").is_none());
}
