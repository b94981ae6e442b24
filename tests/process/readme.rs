//! README is a test: its transcript is what the demo prints, and its commands lead from nothing to a settled intent.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const README: &str = include_str!("../../README.md");

/// The blocks of commands under a heading, in order.
fn blocks(heading: &str) -> Vec<&'static str> {
    let (_, section) = README.split_once(&format!("## {heading}\n")).expect("the heading");
    let section = section.split("\n## ").next().unwrap_or_default();
    let fenced = section.split("```bash\n").skip(1);
    fenced.map(|rest| rest.split_once("```").expect("the end of the block").0).collect()
}

/// A shell in a folder in which `clearlane` is the program under test and stops at the first failure.
fn shell(folder: &Path, script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_clearlane"));
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", program.parent().expect("its folder").display());
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", script]).current_dir(folder).env("PATH", path);
    for name in ["CLEARLANE_ENGINE", "CLEARLANE_KEY", "CLEARLANE_PARTY"] {
        shell.env_remove(name);
    }
    shell
}

/// The engine of README's first terminal, killed when dropped.
struct Engine {
    child: Child,
    address: String,
}

impl Engine {
    /// Runs the block as it is written, but on a port that the system chooses.
    fn start(folder: &Path, block: &str) -> Engine {
        let script = block.replace("clearlane engine ", "exec clearlane engine --listen 127.0.0.1:0 ");
        assert_ne!(script, block, "README starts an engine");
        let spawned = shell(folder, &script).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.expect("bash starts");
        let lines = BufReader::new(child.stdout.take().expect("a piped stdout")).lines();
        let told = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        Engine { address: told.expect("the engine listens"), child }
    }

    fn run(&self, folder: &Path, block: &str) -> Output {
        let output = shell(folder, block).env("CLEARLANE_ENGINE", &self.address).output().expect("bash runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{block}\n{told}\n{}", String::from_utf8_lossy(&output.stdout));
        output
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended with the test that failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_walk_leads_from_nothing_to_a_settled_intent() {
    let site = TempDir::new().expect("a folder");
    let folder = site.path();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"), folder.join("docs")).expect("a link");
    let walk = blocks("From nothing to a settled intent");
    let [start, define, swap] = walk.as_slice() else { panic!("expected three blocks, found {}", walk.len()) };
    let engine = Engine::start(folder, start);
    engine.run(folder, define);
    let watched = text(&engine.run(folder, swap));
    assert!(watched.contains("settled"), "{watched}");
    assert!(watched.lines().any(|line| line.starts_with("EUR    bank    150.00")), "{watched}");
    for heading in ["For solver operators", "For operators and auditors"] {
        for block in blocks(heading) {
            engine.run(folder, block);
        }
    }
}

/// A line with every number and every run of spaces alike.
fn shape(line: &str) -> String {
    let is_figure = |word: &str| {
        let is_root = word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_root || word.trim_end_matches([',', ':']).parse::<f64>().is_ok()
    };
    let words = line.split_whitespace().map(|word| if is_figure(word) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// The first line of a transcript whose shape does not follow, in order, in what was printed.
fn first_not_printed<'a>(transcript: &'a str, printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(shape);
    transcript.lines().find(|line| !printed.any(|found| found == shape(line)))
}

#[test]
fn the_transcript_is_what_the_demo_prints() {
    let (_, transcript) = README.split_once("```\n$ cargo run --release -- demo\n").expect("the transcript");
    let (transcript, _) = transcript.split_once("```").expect("its end");
    let output = crate::harness::program().arg("demo").output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(told, "", "progress is for terminals");
    let printed = text(&output);
    assert_eq!(first_not_printed(transcript, &printed), None, "{printed}");
    assert_eq!(transcript.lines().last().map(shape), printed.lines().last().map(shape), "the last line is shown");

    assert_eq!(first_not_printed("a 1\nb 2", "a 7.50\n\nb   3,"), None);
    assert_eq!(first_not_printed("b 2\na 1", "a 7\nb 3"), Some("a 1"));
}
