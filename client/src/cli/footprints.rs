//! Files of footprints: JSON lines of bundles with what they touch, read into a batch to plan.
//!
//! Keys are arbitrary texts and become numbers in order of appearance.

use std::collections::BTreeMap;

use clearlane_core::auction::{Opened, verify};
use clearlane_core::lanes::{Access, Footprint, Resource};
use clearlane_solver::formats::Auction;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::competition::{chosen, compete};
use super::decimal::Decimal;
use super::failure::Failure;

/// The most that one bundle may cost: the work of all bundles of a batch then fits 64 bits.
const COST_MAX: u64 = 1_000_000_000;

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
    score: Decimal,
    footprint: Footprint,
}

/// The fields of an object as they are written, also those that are there twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// Whether a file is one of footprints: its first line is an object with none but their fields, or a key's.
pub(crate) fn is_lines(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let fields = first.and_then(|line| serde_json::from_str::<Fields<'_>>(line).ok());
    fields.is_some_and(|Fields(fields)| {
        let is_key = |name: &str| ["write", "read", "add"].contains(&name);
        fields.iter().all(|(name, _)| FIELDS.contains(&name.as_str())) || fields.iter().any(|(name, _)| is_key(name))
    })
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
    lines.sort_by(|left, right| right.score.cmp(&left.score));
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
    let given: Fields<'_> = serde_json::from_str(text).map_err(|error| format!("expected a JSON object: {error}"))?;
    let mut fields: BTreeMap<String, &RawValue> = BTreeMap::new();
    for (name, value) in given.0 {
        if !FIELDS.contains(&name.as_str()) {
            return Err(format!("expected fields of {}, found {name:?}", FIELDS.join(", ")));
        }
        if fields.contains_key(&name) {
            return Err(format!("{name}: expected each field once, found it twice"));
        }
        fields.insert(name, value);
    }
    let mut touched = Vec::new();
    for (field, access) in [("write", Access::Write), ("read", Access::Read), ("add", Access::Add)] {
        for key in touched_by(fields.get(field).copied(), field)? {
            let next = u32::try_from(keys.len()).map_err(|_| "expected at most 2^32 keys, found more")?;
            touched.push((Resource::Other(*keys.entry(key).or_insert(next)), access));
        }
    }
    let whole =
        |cost: &&RawValue| cost.get().parse().map_err(|_| format!("cost: expected a whole number, found {cost}"));
    let cost: u64 = fields.get("cost").map_or(Ok(1), whole)?;
    if cost > COST_MAX {
        return Err(format!("cost: expected at most {COST_MAX}, found {cost}"));
    }
    let score = fields.get("score").map_or_else(|| Ok(Decimal::zero()), |score| score_of(score))?;
    let name = fields.get("id").map_or_else(|| place.to_string(), |id| text_of(&value_of(id)));
    Ok(Line { name, cost, score, footprint: Footprint::new(touched) })
}

/// A score is a number or, as amounts are, a text of one.
fn score_of(score: &RawValue) -> Result<Decimal, String> {
    let text = serde_json::from_str::<String>(score.get());
    let found = Decimal::parse(text.as_deref().unwrap_or(score.get()));
    found.ok_or_else(|| format!("score: expected a decimal number, found {score}"))
}

fn value_of(raw: &RawValue) -> Value {
    // What was raw is valid JSON; a number too large for any type stays as it was written.
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::String(raw.get().to_owned()))
}

fn touched_by(value: Option<&RawValue>, field: &str) -> Result<Vec<String>, String> {
    match value.map(value_of) {
        None => Ok(Vec::new()),
        Some(Value::Array(keys)) => Ok(keys.iter().map(text_of).collect()),
        Some(other) => Err(format!("{field}: expected a list of keys, found {other}")),
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Solves an auction and takes every bundle that holds alone, best first; a bundle costs its fills and uses.
pub(crate) fn of_auction(auction: &Auction) -> Result<Footprints, Failure> {
    let competition = compete(&Opened::new(&auction.input), &chosen(&[])?, None)?;
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
    fn scores_are_compared_exactly_and_however_they_are_written() {
        let scores = ["100000000000000000000001", "\"100000000000000000000002\"", "1e23", "\"-1\"", "0.1", "\"0.10\""];
        let text: String = scores.iter().map(|score| format!("{{\"score\":{score}}}\n")).collect();
        assert_eq!(read_lines(&text).expect("six bundles").names, ["1", "0", "2", "4", "5", "3"]);
    }

    #[test]
    fn a_bundle_that_touches_nothing_may_come_first() {
        for first in ["{\"id\":\"a\",\"cost\":3}", "{\"score\":\"1\"}", "{}"] {
            assert!(is_lines(&format!("{first}\n{TEXT}")), "{first}");
        }
        for other in ["{\"schema\":\"auction-instance/1\"}", "{\"id\":1,\"orders\":[]}", "[]", "{\n\"id\":1}"] {
            assert!(!is_lines(other), "{other}");
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let bad = |line: &str| read_lines(line).expect_err("a bad line").to_string();
        assert_eq!(bad("{\"cost\":-1}"), "line 1: cost: expected a whole number, found -1");
        assert_eq!(bad("{\"cost\":1000000001}"), "line 1: cost: expected at most 1000000000, found 1000000001");
        assert!(bad("\n{\"wirte\":[]}").starts_with("line 2: expected fields of id"));
        let again = "line 3: id: expected each id once, found \"a\" of line 1 again";
        assert_eq!(bad("{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"a\"}"), again);
        assert!(bad("{\"id\":1}\n{}").starts_with("line 2: id: expected each id once"));
        assert!(bad("{\"write\":\"x\"}").contains("expected a list of keys"));
        let twice = "{\"write\":[\"x\"],\"write\":[\"y\"]}";
        assert!(is_lines(twice));
        assert_eq!(bad(twice), "line 1: write: expected each field once, found it twice");
        assert_eq!(bad("{\"score\":\"high\"}"), "line 1: score: expected a decimal number, found \"high\"");
        assert!(bad("[]").starts_with("line 1: expected a JSON object"));
    }
}
