//! Files of footprints: JSON lines of bundles with what they touch, read into a batch to plan.
//!
//! Keys are arbitrary texts and become numbers in order of appearance.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use clearlane_core::auction::verify;
use clearlane_core::lanes::{Access, Footprint, Resource};
use clearlane_solver::formats::Auction;
use serde_json::Value;

use super::competition::{chosen, compete};
use super::failure::Failure;

/// What one bundle of a file says.
const FIELDS: [&str; 6] = ["id", "cost", "score", "write", "read", "add"];

/// Bundles in the order in which they are planned.
#[derive(Debug, Default)]
pub(crate) struct Footprints {
    /// What each is called.
    pub names: Vec<String>,
    /// What each touches.
    pub footprints: Vec<Footprint>,
    /// What each costs.
    pub costs: Vec<u64>,
    /// What each resource is called.
    pub labels: BTreeMap<Resource, String>,
}

struct Line {
    name: String,
    cost: u64,
    score: Value,
    footprint: Footprint,
}

/// Whether a file is one of footprints: its first line is an object with one of their fields.
pub(crate) fn is_lines(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let value = first.and_then(|line| serde_json::from_str::<Value>(line).ok());
    value.is_some_and(|value| ["write", "read", "add"].iter().any(|field| value.get(field).is_some()))
}

/// Reads JSON lines; the batch is ordered by score, highest first, then as given.
pub(crate) fn read_lines(text: &str) -> Result<Footprints, Failure> {
    let mut keys = BTreeMap::new();
    let mut lines = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (number, text) in (1_usize..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let line = read_line(text, lines.len(), &mut keys);
        let line = line.and_then(|line| once(line, number, &mut seen));
        lines.push(line.map_err(|message| Failure::Failed(format!("line {number}: {message}")))?);
    }
    lines.sort_by(|left, right| by_score(&right.score, &left.score));
    let labels = keys.into_iter().map(|(key, number)| (Resource::Other(number), key)).collect();
    let mut batch = Footprints { labels, ..Footprints::default() };
    for line in lines {
        batch.names.push(line.name);
        batch.footprints.push(line.footprint);
        batch.costs.push(line.cost);
    }
    Ok(batch)
}

/// An id names one bundle, also one that a line has from its place.
fn once(line: Line, number: usize, seen: &mut BTreeMap<String, usize>) -> Result<Line, String> {
    match seen.insert(line.name.clone(), number) {
        None => Ok(line),
        Some(first) => Err(format!("id: expected each id once, found {:?} of line {first} again", line.name)),
    }
}

fn read_line(text: &str, place: usize, keys: &mut BTreeMap<String, u32>) -> Result<Line, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("expected JSON: {error}"))?;
    let fields = value.as_object().ok_or("expected an object, found other JSON")?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("expected fields of {}, found {name:?}", FIELDS.join(", ")));
    }
    let mut touched = Vec::new();
    for (field, access) in [("write", Access::Write), ("read", Access::Read), ("add", Access::Add)] {
        for key in touched_by(fields.get(field), field)? {
            let next = u32::try_from(keys.len()).map_err(|_| "expected at most 2^32 keys, found more")?;
            touched.push((Resource::Other(*keys.entry(key).or_insert(next)), access));
        }
    }
    let cost = match fields.get("cost") {
        None => 1,
        Some(cost) => cost.as_u64().ok_or_else(|| format!("cost: expected a whole number, found {cost}"))?,
    };
    let score = fields.get("score").cloned().unwrap_or_else(|| Value::from(0));
    if number_of(&score).is_none() {
        return Err(format!("score: expected a number, found {score}"));
    }
    let name = fields.get("id").map_or_else(|| place.to_string(), text_of);
    Ok(Line { name, cost, score, footprint: Footprint::new(touched) })
}

fn touched_by(value: Option<&Value>, field: &str) -> Result<Vec<String>, String> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(keys)) => Ok(keys.iter().map(text_of).collect()),
        Some(other) => Err(format!("{field}: expected a list of keys, found {other}")),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A score as far as a float tells; texts may hold what numbers can't.
fn number_of(score: &Value) -> Option<f64> {
    score.as_f64().or_else(|| score.as_str()?.parse().ok())
}

fn by_score(left: &Value, right: &Value) -> Ordering {
    let whole = |score: &Value| text_of(score).parse::<i128>().ok();
    let rough = number_of(left).zip(number_of(right)).map(|(left, right)| left.total_cmp(&right));
    let exact = whole(left).zip(whole(right)).map(|(left, right)| left.cmp(&right));
    exact.or(rough).unwrap_or(Ordering::Equal)
}

/// Solves an auction and takes every bundle that holds alone, best first; a bundle costs its fills and uses.
pub(crate) fn of_auction(auction: &Auction) -> Result<Footprints, Failure> {
    let competition = compete(&auction.input, &chosen(&[])?, None);
    let mut verified = Vec::new();
    for answer in &competition.answers {
        for (number, bundle) in answer.solution.bundles.iter().enumerate() {
            if let Ok(found) = verify(&auction.input, bundle) {
                let cost = bundle.fills.len().saturating_add(bundle.uses.len());
                verified.push((found.score, format!("{}-{number}", answer.strategy), found.footprint, cost));
            }
        }
    }
    verified.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    let mut batch = Footprints::default();
    for (_, name, footprint, cost) in verified {
        batch.names.push(name);
        batch.footprints.push(footprint);
        batch.costs.push(u64::try_from(cost).unwrap_or(u64::MAX));
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"id\":\"low\",\"cost\":2,\"score\":1,\"write\":[\"x\"]}\n\n\
        {\"id\":7,\"score\":9007199254740993,\"write\":[\"x\"],\"read\":[\"y\"]}\n\
        {\"id\":\"tie\",\"score\":9007199254740993,\"add\":[\"z\"]}\n";

    #[test]
    fn lines_are_ordered_by_score_then_as_given() {
        assert!(is_lines(TEXT));
        let batch = read_lines(TEXT).expect("three bundles");
        assert_eq!(batch.names, ["7", "tie", "low"]);
        assert_eq!(batch.costs, [1, 1, 2]);
        assert!(batch.footprints[0].conflicts_with(&batch.footprints[2]));
        assert!(!batch.footprints[0].conflicts_with(&batch.footprints[1]));
    }

    #[test]
    fn a_bad_line_is_named() {
        let bad = |line: &str| read_lines(line).expect_err("a bad line").to_string();
        assert_eq!(bad("{\"cost\":-1}"), "line 1: cost: expected a whole number, found -1");
        assert!(bad("\n{\"wirte\":[]}").starts_with("line 2: expected fields of id"));
        let again = "line 3: id: expected each id once, found \"a\" of line 1 again";
        assert_eq!(bad("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"a\"}"), again);
        assert!(bad("{\"id\":1}\n{}").starts_with("line 2: id: expected each id once"));
        assert!(bad("{\"write\":\"x\"}").contains("expected a list of keys"));
        assert!(!is_lines("{\"schema\":\"auction-instance/1\"}"));
    }
}
