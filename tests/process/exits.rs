//! How commands end: 0 done, 1 refused or failed, 2 usage; one JSON object last; no panic where nobody reads.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::harness::{Site, program};

const AUCTION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/auction.json");
const BUNDLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/bundles.jsonl");

/// The arguments, in which FOLDER is a new one, and how the command ends.
const ENDS: &[(&[&str], i32)] = &[
    (&["solve", AUCTION, "--solution", "FOLDER/solution.json"], 0),
    (&["check", AUCTION, "FOLDER/solution.json"], 0),
    (&["lanes", BUNDLES], 0),
    (&["lanes", AUCTION], 0),
    (&["solve", "FOLDER/absent.json"], 1),
    (&["solve", BUNDLES], 1),
    (&["check", AUCTION, "FOLDER/empty"], 1),
    (&["check", AUCTION, BUNDLES], 1),
    (&["lanes", "FOLDER/absent.jsonl"], 1),
    (&["replay", "FOLDER/absent"], 1),
    (&["demo", "--auction", "FOLDER/absent.json"], 1),
    (&["demo", "--keep", "FOLDER"], 1),
    (&["solve"], 2),
    (&["solve", AUCTION, "--strategy", "none"], 2),
    (&["solver", "--strategy", "none"], 2),
    (&["check", AUCTION], 2),
    (&["lanes"], 2),
    (&["lanes", BUNDLES, "--workers", "0"], 2),
    (&["replay", "FOLDER", "--lanes", "0"], 2),
    (&["demo", "--seed", "first"], 2),
    (&["submit", AUCTION], 2),
    (&["nothing"], 2),
];

#[test]
fn every_command_ends_as_its_help_says() {
    let site = Site::new();
    let folder = site.file("files");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("empty"), "").expect("a file");
    for (arguments, status) in ENDS {
        let arguments = arguments.iter().map(|argument| argument.replace("FOLDER", &folder.to_string_lossy()));
        let arguments: Vec<String> = arguments.collect();
        let output = program().args(&arguments).arg("--json").output().expect("the program runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(*status), "{arguments:?}: {out}{err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
        if *status == 0 {
            assert_eq!(err, "", "{arguments:?}: progress is for terminals");
        }
        if *status < 2 {
            let last = out.lines().last().unwrap_or_default();
            let json: Result<serde_json::Value, _> = serde_json::from_str(last);
            assert!(json.is_ok_and(|json| json.is_object()), "{arguments:?}: {out}");
        }
    }
}

#[test]
fn nothing_panics_where_the_reader_left() {
    for arguments in
        [&["solve", AUCTION] as &[&str], &["lanes", BUNDLES], &["lanes", "--help"], &["check", AUCTION, "-"]]
    {
        let mut command = program();
        let spawned =
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the program starts");
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().expect("a piped stderr").read_to_string(&mut told).expect("text on stderr");
        child.wait().expect("a process to wait for");
        assert!(!told.contains("panicked"), "{arguments:?}: {told}");
    }
}

#[test]
fn one_line_of_a_long_output_is_enough() {
    let mut command = program();
    let spawned = command.args(["solve", AUCTION]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a piped stdout")).read_line(&mut line).expect("text on stdout");
    assert_eq!(line, "example\n");
    assert_eq!(child.wait().expect("a process to wait for").code(), Some(0));
}
