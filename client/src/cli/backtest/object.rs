//! What a backtest found as one JSON object, which is also what a later one can be gated by.

use std::time::Duration;

use clearlane_core::money::Score;
use serde_json::{Value, json};

use super::Found;
use super::contest::{Attempt, Outcome, Row};
use super::totals::{HeadToHead, Sums, Totals};
use crate::cli::bound::{basis_points_text, ratio_text};
use crate::cli::report::score_text;

/// The whole object.
pub(super) fn of(found: &Found, totals: &Totals) -> Value {
    json!({
        "strategy": found.names.0,
        "against": found.names.1,
        "budget": found.limit.to_string(),
        "rivals": found.rivals.to_string(),
        "stopped": found.is_stopped,
        "voided": found.voided,
        "auctions": found.rows.iter().map(|row| row_json(row, found)).collect::<Vec<_>>(),
        "totals": totals_json(totals, found),
    })
}

fn row_json(row: &Row, found: &Found) -> Value {
    let bound = row.bound();
    json!({
        "auction": row.auction.0,
        "input": row.input_digest.to_string(),
        "intents": row.intents,
        "venues": row.venues,
        "budget_us": row.budget.map(micros),
        "bound": score_text(bound),
        "floor": score_text(row.floor),
        "recorded": outcome_json(&row.recorded, bound),
        "what_if": attempt_json(&row.first, &row.recorded, bound),
        "against": row.second.as_ref().map(|second| attempt_json(second, &row.recorded, bound)),
        "head_to_head": row.together.as_ref().map(|together| together_json(together, bound, found)),
    })
}

fn outcome_json(outcome: &Outcome, bound: Score) -> Value {
    let winners = outcome
        .shares
        .iter()
        .map(|share| json!({ "solver": share.name, "bundles": share.bundles, "score": score_text(share.score) }));
    let missed = bound.saturating_sub(outcome.captured);
    json!({
        "captured": score_text(outcome.captured),
        "ratio": ratio_text(outcome.captured, bound),
        "missed": score_text(missed),
        "missed_bps": basis_points_text(missed, outcome.value),
        "winner": outcome.winner().map(|(name, _)| name),
        "margin": outcome.winner().map(|(_, margin)| score_text(margin)),
        "winners": winners.collect::<Vec<_>>(),
    })
}

fn attempt_json(attempt: &Attempt, recorded: &Outcome, bound: Score) -> Value {
    let gain = attempt.outcome.captured.saturating_sub(recorded.captured);
    let own = json!({
        "gain": score_text(gain),
        "score": score_text(attempt.score),
        "bundles": attempt.proposed,
        "won": attempt.won,
        "lost": attempt.lost,
        "refused": attempt.refused,
        "left_out": attempt.left_out,
        "elapsed_us": micros(attempt.elapsed),
        "late": attempt.is_late,
    });
    merged(outcome_json(&attempt.outcome, bound), own)
}

fn together_json(together: &Outcome, bound: Score, found: &Found) -> Value {
    let (first, second) = found.names;
    let [first_score, second_score] = [first, second.unwrap_or_default()].map(|name| together.score_of(name));
    let ahead = match first_score.cmp(&second_score) {
        std::cmp::Ordering::Greater => Some(first),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => second,
    };
    let duel = json!({ "ahead": ahead, "by": score_text(first_score.saturating_sub(second_score).saturating_abs()) });
    merged(outcome_json(together, bound), duel)
}

fn totals_json(totals: &Totals, found: &Found) -> Value {
    json!({
        "auctions": found.rows.len(),
        "recorded": score_text(totals.recorded),
        "floor": score_text(totals.floor),
        "bound": score_text(totals.bound),
        "what_if": sums_json(&totals.first, totals),
        "against": totals.second.as_ref().map(|second| sums_json(second, totals)),
        "head_to_head": totals.together.as_ref().map(|duel| duel_json(duel, found)),
    })
}

fn sums_json(sums: &Sums, totals: &Totals) -> Value {
    let [better, equal, worse] = sums.against_recorded;
    let missed = totals.bound.saturating_sub(sums.captured);
    json!({
        "captured": score_text(sums.captured),
        "gain": score_text(sums.captured.saturating_sub(totals.recorded)),
        "ratio": ratio_text(sums.captured, totals.bound),
        "missed": score_text(missed),
        "missed_bps": basis_points_text(missed, sums.value),
        "score": score_text(sums.score),
        "auctions_better": better,
        "auctions_equal": equal,
        "auctions_worse": worse,
        "bundles": sums.proposed,
        "won": sums.won,
        "lost": sums.lost,
        "refused": sums.refused,
        "left_out": sums.left_out,
        "elapsed_us": micros(sums.elapsed),
        "slowest_us": micros(sums.slowest),
        "late": sums.late,
    })
}

fn duel_json(duel: &HeadToHead, found: &Found) -> Value {
    let side = |name: &str, score: Score, auctions: usize, margin: Score| json!({ "strategy": name, "score": score_text(score), "auctions": auctions, "margin": score_text(margin) });
    let ([first, second], [ahead, equal, behind], [by, back]) = (duel.scores, duel.auctions, duel.margins);
    json!({
        "captured": score_text(duel.captured),
        "what_if": side(found.names.0, first, ahead, by),
        "against": side(found.names.1.unwrap_or_default(), second, behind, back),
        "auctions_equal": equal,
    })
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

/// The fields of both objects.
fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut fields), Value::Object(more)) => {
            fields.extend(more);
            Value::Object(fields)
        }
        (one, _) => one,
    }
}
