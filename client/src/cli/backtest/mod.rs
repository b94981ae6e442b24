//! `replay --what-if`: the auctions of a log held again with another strategy, judged by the same clearing.
//!
//! Each auction is held again on its recorded input: what other fills would have changed in later ones is not followed.
//! A bidder is told what a solver was told and is held to a solver's limits: floors, sizes, a budget. What it is
//! worth is what `clear` says of its answer on the recorded input.

mod bidder;
mod contest;
mod gate;
mod object;
mod table;
mod totals;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clearlane_core::names::{AuctionId, Name};
use clearlane_engine::cell::Cell;
use clearlane_engine::executor::Workers;
use clearlane_engine::replay::{Onlooker, SettledAuction};
use serde_json::Value;

use super::failure::Failure;
use super::report;
use super::signals::stop_flag;
use bidder::{Bidder, Limit};
use contest::{Contest, Rivals, Row};
use gate::Baseline;
use totals::Totals;

/// What to try on the recorded auctions.
#[derive(Debug, clap::Args)]
pub(crate) struct WhatIf {
    /// Answers every auction that settled with this strategy (direct, netting, joint or optimal) instead of the
    /// recorded solutions, against the built-in bidder alone, and compares what is captured.
    #[arg(long, value_name = "STRATEGY")]
    what_if: Option<String>,
    /// A second strategy: both bid in the same auctions, and each in auctions of its own.
    #[arg(long, value_name = "STRATEGY", requires = "what_if")]
    against: Option<String>,
    /// Leaves the recorded solutions in the auctions: the strategy bids beside them.
    #[arg(long, requires = "what_if")]
    keep_recorded: bool,
    /// Bids in place of this party's recorded solutions, beside all others.
    #[arg(long = "as", value_name = "PARTY", requires = "what_if", conflicts_with = "keep_recorded")]
    in_place_of: Option<String>,
    /// Milliseconds that a strategy may take for an answer [default: as long as the recorded auction took solutions,
    /// less what a session keeps for sending].
    #[arg(long, value_name = "N", requires = "what_if")]
    budget_ms: Option<u64>,
    /// How many times as fast as the wall the clock of the recorded engine ran (its --clock-scale), by which the
    /// recorded times are divided.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "what_if",
        value_parser = clap::value_parser!(u32).range(1..))]
    clock_scale: u32,
    /// A budget of work instead of time: a strategy stops after it has asked so often whether it has to, on one
    /// thread, and answers alike each time, however fast the machine.
    #[arg(long, value_name = "N", requires = "what_if", conflicts_with = "budget_ms")]
    budget_steps: Option<u64>,
    /// A result stored with --json: exits 1, naming each, if an auction or the total captures less.
    #[arg(long, value_name = "FILE", requires = "what_if")]
    gate: Option<PathBuf>,
    /// How much less may be captured than stored, in basis points.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "gate",
        value_parser = clap::value_parser!(u16).range(0..=10_000))]
    tolerance_bps: u16,
}

/// What was found in the auctions held again.
pub(super) struct Found {
    names: (&'static str, Option<&'static str>),
    limit: Limit,
    rivals: Rivals,
    rows: Vec<Row>,
    voided: u64,
    is_stopped: bool,
}

/// Holds the auctions of a log again while it is replayed.
pub(super) struct Backtest {
    first: Bidder,
    second: Option<Bidder>,
    found: Found,
    failed: Option<Failure>,
    baseline: Option<(Baseline, u16)>,
    /// Whether the party whose place is taken bid at all.
    is_party_seen: bool,
    workers: Workers,
    stop: Arc<AtomicBool>,
    bar: indicatif::ProgressBar,
}

impl WhatIf {
    /// What it asks for, if anything; a signal ends it early.
    pub(super) fn backtest(&self, lanes: usize) -> Result<Option<Backtest>, Failure> {
        if self.what_if.is_some() { self.until(lanes, stop_flag()?) } else { Ok(None) }
    }

    fn until(&self, lanes: usize, stop: Arc<AtomicBool>) -> Result<Option<Backtest>, Failure> {
        let Some(first) = &self.what_if else { return Ok(None) };
        let limit = match (self.budget_ms, self.budget_steps) {
            (_, Some(steps)) => Limit::Steps(steps),
            (Some(millis), None) => Limit::Millis(millis),
            (None, None) => Limit::Recorded(self.clock_scale),
        };
        let first = Bidder::new(first, limit)?;
        let second = self.against.as_ref().map(|name| Bidder::new(name, limit)).transpose()?;
        if second.as_ref().is_some_and(|second| second.name() == first.name()) {
            let message = format!("--against: expected another strategy than {}", first.name());
            return Err(Failure::Usage(message));
        }
        let rivals = self.rivals()?;
        let baseline = self.gate.as_ref().map(|path| Baseline::read(path)).transpose()?;
        if let Some(baseline) = &baseline {
            baseline.check_comparable(&rivals)?;
        }
        let found = Found {
            names: (first.name(), second.as_ref().map(Bidder::name)),
            limit,
            rivals,
            rows: Vec::new(),
            voided: 0,
            is_stopped: false,
        };
        Ok(Some(Backtest {
            first,
            second,
            found,
            failed: None,
            baseline: baseline.map(|baseline| (baseline, self.tolerance_bps)),
            is_party_seen: false,
            workers: Workers::new(lanes),
            stop,
            bar: report::bar(0, "batches"),
        }))
    }

    fn rivals(&self) -> Result<Rivals, Failure> {
        let Some(party) = &self.in_place_of else {
            return Ok(if self.keep_recorded { Rivals::Recorded } else { Rivals::Nobody });
        };
        let named = Name::new(party).map(Rivals::RecordedBut);
        named.ok_or_else(|| Failure::Usage(format!("--as: expected the name of a party, found {party:?}")))
    }
}

impl Backtest {
    /// Puts what was found in words and in one object; whether it passes the gate, if there is one, and is complete.
    pub(super) fn finish(self) -> Result<(String, Value, bool), Failure> {
        self.bar.finish_and_clear();
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let found = self.found;
        if let (Rivals::RecordedBut(party), false, false) = (&found.rivals, self.is_party_seen, found.rows.is_empty()) {
            return Err(Failure::Failed(format!("--as: expected a party that bid, found no solution of {party}")));
        }
        let totals = Totals::of(&found.rows, found.names);
        let (mut text, mut json) = (table::of(&found, &totals), object::of(&found, &totals));
        let mut is_good = !found.is_stopped;
        if found.is_stopped {
            text.push_str("stopped before the end of the log: later auctions are left out\n");
        }
        if let Some((baseline, tolerance_bps)) = self.baseline {
            let shortfalls = baseline.shortfalls(&found.rows, tolerance_bps);
            is_good &= shortfalls.is_empty();
            text.push_str(&baseline.text(&shortfalls));
            if let Some(fields) = json.as_object_mut() {
                fields.insert("gate".to_owned(), baseline.json(&shortfalls, tolerance_bps));
            }
        }
        Ok((text, json, is_good))
    }

    fn stop_if_asked(&mut self) -> ControlFlow<()> {
        self.found.is_stopped |= self.stop.load(Ordering::Relaxed);
        if self.found.is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Onlooker for Backtest {
    fn passed(&mut self, sequence: u64, last: u64) -> ControlFlow<()> {
        self.bar.set_length(last);
        self.bar.set_position(sequence);
        self.stop_if_asked()
    }

    fn settled(&mut self, cell: &Cell, auction: &SettledAuction) -> ControlFlow<()> {
        self.bar.set_message(format!("auction {}", auction.input.auction.0));
        if let Rivals::RecordedBut(party) = &self.found.rivals {
            let names = auction.solutions.iter().map(|solution| cell.state.solver_party(solution.solver));
            self.is_party_seen |= names.flatten().any(|name| name == party);
        }
        let stop = Arc::clone(&self.stop);
        let contest = Contest {
            first: &self.first,
            second: self.second.as_ref(),
            rivals: &self.found.rivals,
            executor: &self.workers,
            is_stopped: &|| stop.load(Ordering::Relaxed),
        };
        match contest.hold(&cell.state, auction) {
            Ok(row) => self.found.rows.extend(row),
            Err(failed) => {
                self.failed = Some(failed);
                return ControlFlow::Break(());
            }
        }
        self.stop_if_asked()
    }

    fn voided(&mut self, _: AuctionId) {
        self.found.voided = self.found.voided.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what_if(strategy: &str) -> WhatIf {
        WhatIf {
            what_if: Some(strategy.to_owned()),
            against: None,
            keep_recorded: false,
            in_place_of: None,
            budget_ms: None,
            clock_scale: 1,
            budget_steps: Some(7),
            gate: None,
            tolerance_bps: 0,
        }
    }

    #[test]
    fn a_backtest_that_is_stopped_prints_what_it_has_and_is_not_good() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut backtest = what_if("direct").until(1, Arc::clone(&stop)).expect("flags").expect("a backtest");
        assert!(backtest.passed(1, 3).is_continue());
        stop.store(true, Ordering::Relaxed);
        assert!(backtest.passed(2, 3).is_break());
        let (text, json, is_good) = backtest.finish().expect("a result");
        assert!(!is_good && json["stopped"] == true && json["budget"] == "7 steps", "{json}");
        assert!(text.contains("stopped before the end"), "{text}");
    }

    #[test]
    fn an_unknown_strategy_is_told_the_known_ones() {
        let failure = what_if("oracle").until(1, Arc::default()).err().expect("no such strategy");
        assert!(matches!(&failure, Failure::Usage(message) if message.contains("netting")), "{failure}");
    }
}
