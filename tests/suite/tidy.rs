//! What the compiler can't hold: sizes, names, what the core may use, the arrows between packages, the map.
//!
//! Every rule is a function from text to complaints, and has a canary: a text that must be complained about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a source file.
const LINES_MAX: usize = 400;
/// Lines of the map.
const ARCHITECTURE_LINES_MAX: usize = 200;

/// Which packages of the workspace each may need, by folder; what is not here may need any.
const ARROWS: [(&str, &[&str]); 6] = [
    ("engine/core", &[]),
    ("engine/log", &[]),
    ("proto", &["clearlane-core"]),
    ("engine", &["clearlane-core", "clearlane-log", "clearlane-proto"]),
    ("solver", &["clearlane-core", "clearlane-proto"]),
    // Without its feature `cli`: optional dependencies are another matter.
    ("client", &["clearlane-proto"]),
];

/// What the core must not name outside its tests.
const IMPURE: [&str; 11] = [
    "Instant",
    "SystemTime",
    "std::thread",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "HashMap",
    "HashSet",
    "f32",
    "f64",
];

/// Names under which anything could be kept.
const CATCH_ALL: [&str; 7] = ["utils", "common", "helpers", "shared", "manager", "types", "misc"];

/// What is unfinished, skipped, silenced, or waits for a time; in two parts, so that this file has none of them.
const UNWANTED: [(&str, &str); 4] = [("todo", "!("), ("unimplemented", "!("), ("#[ign", "ore"), ("[all", "ow(")];
const UNWANTED_IN_TESTS: [(&str, &str); 2] = [("thread::sl", "eep"), ("time::sl", "eep")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's folder").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The source files of a folder, by their path from the root.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !name.starts_with("target") {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let relative = path.strip_prefix(root()).expect("a path below the root").to_string_lossy().into_owned();
                let text = read(&relative);
                found.insert(relative, text);
            }
        }
    }
    assert!(!found.is_empty(), "expected sources in {folder:?}, found none");
    found
}

/// The part of a file that is no test, and the part that is.
fn split_tests<'a>(path: &str, text: &'a str) -> (&'a str, &'a str) {
    let is_test = path.split('/').any(|part| part == "tests" || part == "tests.rs");
    if is_test { ("", text) } else { text.split_at(text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len())) }
}

fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

fn names(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let stands_alone = |(at, _): (usize, &str)| {
        !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next())
    };
    line.match_indices(word).any(stands_alone)
}

fn size(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > LINES_MAX { vec![format!("{path}: expected at most {LINES_MAX} lines, found {lines}")] } else { vec![] }
}

fn name(path: &str) -> Vec<String> {
    let found = path.split('/').map(|part| part.trim_end_matches(".rs")).find(|part| CATCH_ALL.contains(part));
    found.map(|part| format!("{path}: expected names that say what is inside, found {part}")).into_iter().collect()
}

fn impurity(path: &str, text: &str) -> Vec<String> {
    let (source, _) = split_tests(path, text);
    let mut complaints = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        for word in IMPURE.into_iter().filter(|word| names(code(line), word)) {
            complaints.push(format!("{path}:{number}: expected a pure core, found {word}"));
        }
    }
    complaints
}

fn unwanted(path: &str, text: &str) -> Vec<String> {
    let (_, tests) = split_tests(path, text);
    let found = |text: &str, (first, second): (&str, &str)| text.contains(&format!("{first}{second}"));
    let everywhere = UNWANTED.into_iter().filter(|word| found(text, *word));
    let in_tests = UNWANTED_IN_TESTS.into_iter().filter(|word| found(tests, *word));
    everywhere.chain(in_tests).map(|(first, second)| format!("{path}: expected no {first}{second}")).collect()
}

/// The packages of the workspace that a manifest always needs.
fn needs(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let table = |name: &str| manifest.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let is_optional = |value: &toml::Value| value.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
    let all = table("dependencies").into_iter().chain(table("build-dependencies"));
    let always = all.filter(|(name, value)| name.starts_with("clearlane-") && !is_optional(value));
    always.map(|(name, _)| name).collect()
}

fn arrows(folder: &str, manifest: &str, allowed: &[&str]) -> Vec<String> {
    let wrong = needs(manifest).into_iter().filter(|needed| !allowed.contains(&needed.as_str()));
    wrong.map(|needed| format!("{folder}/Cargo.toml: expected no dependency on {needed}")).collect()
}

/// Checks the length of the map, and that what it names in backquotes with a slash or as a file is there.
fn map(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let too_long = format!("ARCHITECTURE.md: expected at most {ARCHITECTURE_LINES_MAX} lines, found {lines}");
    let mut complaints = if lines > ARCHITECTURE_LINES_MAX { vec![too_long] } else { vec![] };
    for named in text.split('`').skip(1).step_by(2) {
        let is_path = !named.contains(' ') && (named.contains('/') || named.ends_with(".rs") || named.ends_with(".md"));
        if is_path && !root().join(named).exists() {
            complaints.push(format!("ARCHITECTURE.md: expected paths that exist, found {named}"));
        }
    }
    complaints
}

fn assert_tidy(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn check(folder: &str, rule: impl Fn(&str, &str) -> Vec<String>) {
    assert_tidy(sources(folder).iter().flat_map(|(path, text)| rule(path, text)).collect());
}

#[test]
fn files_are_short_and_named_after_what_they_hold() {
    check("", size);
    check("", |path, _| name(path));
    assert_eq!(size("a.rs", &"\n".repeat(LINES_MAX)).len(), 0);
    assert_eq!(size("a.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
    assert_eq!(name("client/src/common.rs").len() + name("engine/utils/mod.rs").len(), 2);
    assert_eq!(name("client/src/types_of_venue.rs").len(), 0);
}

#[test]
fn the_core_uses_no_clock_thread_file_network_float_or_hash_order() {
    check("engine/core/src", impurity);
    for word in IMPURE {
        assert_eq!(impurity("a.rs", &format!("use x::{{{word}}};")).len(), 1, "{word}");
    }
    let fine = "// a HashMap\nfn instant(my_f64: Instantly) {}\n#[cfg(test)]\nmod tests { use std::fs; }";
    assert_eq!(impurity("a.rs", fine), Vec::<String>::new());
}

#[test]
fn nothing_is_unfinished_skipped_silenced_or_waits_for_a_time() {
    check("", unwanted);
    for (first, second) in UNWANTED {
        assert_eq!(unwanted("src/a.rs", &format!("{first}{second}")).len(), 1, "{first}");
    }
    for (first, second) in UNWANTED_IN_TESTS {
        assert_eq!(unwanted("src/a.rs", &format!("{first}{second}")).len(), 0, "{first}");
        assert_eq!(unwanted("tests/a.rs", &format!("{first}{second}")).len(), 1, "{first}");
        let inside = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{ {first}{second} }}");
        assert_eq!(unwanted("src/a.rs", &inside).len(), 1, "{first}");
    }
}

#[test]
fn packages_depend_on_each_other_only_along_the_arrows() {
    for (folder, allowed) in ARROWS {
        assert_tidy(arrows(folder, &read(&format!("{folder}/Cargo.toml")), allowed));
    }
    let manifest = "[dependencies]\nserde = \"1\"\nclearlane-engine.workspace = true\n\
        clearlane-solver = { workspace = true, optional = true }\n[build-dependencies]\nclearlane-core = \"1\"";
    assert_eq!(arrows("x", manifest, &[]).len(), 2);
    assert_eq!(arrows("x", manifest, &["clearlane-engine", "clearlane-core"]), Vec::<String>::new());
}

#[test]
fn the_map_is_short_and_shows_what_is_there() {
    assert_tidy(map(&read("ARCHITECTURE.md")));
    assert_eq!(map("see `engine/core/src/nowhere.rs` and `lib.rs`").len(), 2);
    assert_eq!(map("`cargo test a/b` runs `tests/suite`"), Vec::<String>::new());
    assert_eq!(map(&"\n".repeat(ARCHITECTURE_LINES_MAX + 1)).len(), 1);
}
