//! A stored result that later ones are held to: what captures less is named.

use std::collections::BTreeMap;
use std::path::Path;

use clearlane_core::money::{Score, parse_amount};
use serde_json::{Value, json};

use super::contest::{Rivals, Row};
use crate::cli::failure::{Failure, read_file};
use crate::cli::report::{score_text, short_score};

/// The decimals of a score.
const SCORE_SCALE: u8 = 18;
/// Basis points in a whole.
const BASIS_POINTS: Score = 10_000;

/// What a stored result captured, auction by auction.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    strategy: String,
    rivals: String,
    is_stopped: bool,
    auctions: BTreeMap<u64, Stored>,
}

#[derive(Clone, Debug)]
struct Stored {
    input: String,
    captured: Score,
}

/// One way to fall short of a baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shortfall {
    /// An auction captures less.
    Auction { auction: u64, stored: Score, captured: Score },
    /// All auctions of the baseline together capture less.
    Total { stored: Score, captured: Score },
    /// The log has another auction of this number: it is not the log of the baseline.
    OtherInput { auction: u64 },
    /// The auction was not held again.
    Missing { auction: u64 },
}

impl Baseline {
    /// Reads what `replay --what-if --json` printed.
    pub(super) fn read(path: &Path) -> Result<Baseline, Failure> {
        let bytes = read_file(path)?;
        let failed = |what: &str| Failure::Failed(format!("{}: expected {what}", path.display()));
        let text = String::from_utf8(bytes).map_err(|_| failed("UTF-8"))?;
        let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let json: Value = serde_json::from_str(last).map_err(|_| failed("one JSON object as the last line"))?;
        Baseline::of(&json).ok_or_else(|| failed("what `clearlane replay --what-if STRATEGY --json` prints"))
    }

    fn of(json: &Value) -> Option<Baseline> {
        let stored = json.get("what_if")?;
        let mut auctions = BTreeMap::new();
        for row in stored.get("auctions")?.as_array()? {
            let captured = row.get("what_if")?.get("captured")?.as_str()?;
            let input = row.get("input")?.as_str()?.to_owned();
            auctions.insert(row.get("auction")?.as_u64()?, Stored { input, captured: score(captured)? });
        }
        let text = |field: &str| stored.get(field).and_then(Value::as_str).map(str::to_owned);
        let is_stopped = stored.get("stopped")?.as_bool()?;
        Some(Baseline { strategy: text("strategy")?, rivals: text("rivals")?, is_stopped, auctions })
    }

    /// Refuses a baseline that was stopped early, or taken among other bidders.
    pub(super) fn check_comparable(&self, rivals: &Rivals) -> Result<(), Failure> {
        if self.is_stopped {
            return Err(Failure::Failed("--gate: expected a complete result, found one that was stopped".to_owned()));
        }
        let (stored, asked) = (&self.rivals, rivals.to_string());
        if *stored == asked {
            return Ok(());
        }
        Err(Failure::Failed(format!("--gate: expected a result taken {asked}, found one taken {stored}")))
    }

    /// Where these auctions capture less than stored by more than the tolerance; auctions that are new are fine.
    pub(super) fn shortfalls(&self, rows: &[Row], tolerance_bps: u16) -> Vec<Shortfall> {
        let held: BTreeMap<u64, &Row> = rows.iter().map(|row| (row.auction.0, row)).collect();
        let mut shortfalls = Vec::new();
        let (mut all_stored, mut all_captured): (Score, Score) = (0, 0);
        for (auction, stored) in &self.auctions {
            let auction = *auction;
            let Some(row) = held.get(&auction) else {
                shortfalls.push(Shortfall::Missing { auction });
                continue;
            };
            if row.input_digest.to_string() != stored.input {
                shortfalls.push(Shortfall::OtherInput { auction });
                continue;
            }
            let captured = row.first.outcome.captured;
            if captured < least(stored.captured, tolerance_bps) {
                shortfalls.push(Shortfall::Auction { auction, stored: stored.captured, captured });
            }
            all_stored = all_stored.saturating_add(stored.captured);
            all_captured = all_captured.saturating_add(captured);
        }
        if all_captured < least(all_stored, tolerance_bps) {
            shortfalls.push(Shortfall::Total { stored: all_stored, captured: all_captured });
        }
        shortfalls
    }

    /// The verdict for scripts.
    pub(super) fn json(&self, shortfalls: &[Shortfall], tolerance_bps: u16) -> Value {
        json!({
            "passed": shortfalls.is_empty(),
            "strategy": self.strategy,
            "auctions": self.auctions.len(),
            "tolerance_bps": tolerance_bps,
            "shortfalls": shortfalls.iter().map(Shortfall::json).collect::<Vec<_>>(),
        })
    }

    /// The verdict for people.
    pub(super) fn text(&self, shortfalls: &[Shortfall]) -> String {
        let stored = format!("{} auctions stored for {}", self.auctions.len(), self.strategy);
        if shortfalls.is_empty() {
            return format!("gate        passed: nothing captures less than the {stored}\n");
        }
        let lines: Vec<String> = shortfalls.iter().map(|shortfall| format!("  {}\n", shortfall.text())).collect();
        format!("gate        FAILED by the {stored}\n{}", lines.concat())
    }
}

impl Shortfall {
    fn json(&self) -> Value {
        let of = |auction: Option<u64>, code: &str, scores: Option<(Score, Score)>| {
            let stored = scores.map(|(stored, _)| score_text(stored));
            let captured = scores.map(|(_, captured)| score_text(captured));
            json!({ "auction": auction, "code": code, "stored": stored, "captured": captured })
        };
        match self {
            Shortfall::Auction { auction, stored, captured } => of(Some(*auction), "LESS", Some((*stored, *captured))),
            Shortfall::Total { stored, captured } => of(None, "LESS_IN_TOTAL", Some((*stored, *captured))),
            Shortfall::OtherInput { auction } => of(Some(*auction), "OTHER_INPUT", None),
            Shortfall::Missing { auction } => of(Some(*auction), "MISSING", None),
        }
    }

    fn text(&self) -> String {
        let less = |stored: &Score, captured: &Score| {
            format!("captures {}, {} less than stored", short_score(*captured), short_score(stored - captured))
        };
        match self {
            Shortfall::Auction { auction, stored, captured } => format!("auction {auction} {}", less(stored, captured)),
            Shortfall::Total { stored, captured } => format!("the total {}", less(stored, captured)),
            Shortfall::OtherInput { auction } => {
                format!("auction {auction} is another one than stored: this is not the baseline's log")
            }
            Shortfall::Missing { auction } => format!("auction {auction} was not held again"),
        }
    }
}

/// The least that passes: the stored score less so many basis points of it, rounded up.
fn least(stored: Score, tolerance_bps: u16) -> Score {
    let (wholes, rest) = (stored / BASIS_POINTS, stored % BASIS_POINTS);
    let share = Score::from(tolerance_bps);
    let spared = wholes.saturating_mul(share).saturating_add(rest.saturating_mul(share) / BASIS_POINTS);
    stored.saturating_sub(spared)
}

/// A score as it was printed.
fn score(text: &str) -> Option<Score> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let size = Score::try_from(parse_amount(digits, SCORE_SCALE).ok()?).ok()?;
    Some(if is_negative { size.saturating_neg() } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_they_are_printed() {
        for value in [0, 1, -1, 1_500_000_000_000_000_000, 123_456_789_012_345_678_901, -7_000_000_000_000_000_000] {
            assert_eq!(score(&score_text(value)), Some(value));
        }
        assert_eq!(score("1e3"), None);
    }

    #[test]
    fn the_least_that_passes_is_the_stored_score_less_its_tolerance() {
        assert_eq!(least(1_000_003, 0), 1_000_003);
        assert_eq!(least(1_000_000, 10), 999_000);
        // A tenth of an atom is not spared.
        assert_eq!(least(1_000_999, 10), 999_999);
        assert_eq!(least(5, 10_000), 0);
        assert_eq!(least(Score::MAX, 10_000), 0);
    }
}
