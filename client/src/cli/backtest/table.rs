//! What a backtest found, as people read it: an auction a row, then the sums.

use std::collections::BTreeMap;
use std::time::Duration;

use clearlane_core::money::Score;

use super::Found;
use super::contest::{Attempt, Outcome, Row};
use super::totals::{HeadToHead, Sums, Totals};
use crate::cli::bound::{basis_points_text, ratio_text};
use crate::cli::report::{counted, short_score, table};

/// The whole text.
pub(super) fn of(found: &Found, totals: &Totals) -> String {
    let (first, second) = found.names;
    let mut text = format!("what if {first} had bid ({}, budget {})\n", found.rivals, found.limit);
    if found.rows.is_empty() {
        text.push_str("no auction settled: there is nothing to hold again\n");
        return text;
    }
    let gained = format!("{first} gains");
    let mut header = vec!["auction", "intents", "bound", "recorded", "won by", first, gained.as_str(), "missed bp"];
    header.extend(["winner", "margin", "ms", "refused"]);
    text.push_str(&table(&header, &found.rows.iter().map(row).collect::<Vec<_>>()));
    text.push_str(&sums_text(first, &totals.first, totals));
    if let (Some(second), Some(sums), Some(duel)) = (second, &totals.second, &totals.together) {
        text.push_str(&format!("\n{first} and {second} in the same auctions\n"));
        let header = ["auction", first, second, "ahead", "by", &format!("{first} alone"), &format!("{second} alone")];
        text.push_str(&table(&header, &found.rows.iter().filter_map(|row| duel_row(row, found)).collect::<Vec<_>>()));
        text.push_str(&sums_text(second, sums, totals));
        text.push_str(&duel_text(first, second, duel));
    }
    if found.voided > 0 {
        text.push_str(&format!("{} void and left out\n", counted(found.voided, "auction")));
    }
    text
}

fn row(row: &Row) -> Vec<String> {
    let attempt = &row.first;
    let (winner, margin) = winner_text(&attempt.outcome);
    let missed = row.bound().saturating_sub(attempt.outcome.captured);
    let late = if attempt.is_late { " late" } else { "" };
    vec![
        row.auction.0.to_string(),
        row.intents.to_string(),
        short_score(row.bound()),
        short_score(row.recorded.captured),
        winner_text(&row.recorded).0,
        short_score(attempt.outcome.captured),
        short_score(attempt.outcome.captured.saturating_sub(row.recorded.captured)),
        basis_points_text(missed, attempt.outcome.value).unwrap_or_else(|| "-".to_owned()),
        winner,
        margin,
        format!("{}{late}", millis(attempt.elapsed)),
        refused_text(&attempt.refused),
    ]
}

fn duel_row(row: &Row, found: &Found) -> Option<Vec<String>> {
    let (together, second): (&Outcome, &Attempt) = (row.together.as_ref()?, row.second.as_ref()?);
    let (first_name, second_name) = (found.names.0, found.names.1?);
    let (one, other) = (together.score_of(first_name), together.score_of(second_name));
    let ahead = match one.cmp(&other) {
        std::cmp::Ordering::Greater => first_name,
        std::cmp::Ordering::Equal => "neither",
        std::cmp::Ordering::Less => second_name,
    };
    Some(vec![
        row.auction.0.to_string(),
        short_score(one),
        short_score(other),
        ahead.to_owned(),
        short_score(one.saturating_sub(other).saturating_abs()),
        short_score(row.first.outcome.captured),
        short_score(second.outcome.captured),
    ])
}

fn sums_text(name: &str, sums: &Sums, totals: &Totals) -> String {
    let [better, equal, worse] = sums.against_recorded;
    let missed = totals.bound.saturating_sub(sums.captured);
    let points = basis_points_text(missed, sums.value).map_or_else(String::new, |points| format!(", {points} bp"));
    let mut text = format!(
        "total       recorded {}, {name} {} of at most {} ({}); floor {}; missed {}{points}\n\
         auctions    {better} better than recorded, {equal} equal, {worse} worse\n\
         bundles     {} proposed, {} won {}, {} lost, refused: {}\n\
         time        {} ms in all, {} ms the slowest\n",
        short_score(totals.recorded),
        short_score(sums.captured),
        short_score(totals.bound),
        ratio_text(sums.captured, totals.bound),
        short_score(totals.floor),
        short_score(missed),
        sums.proposed,
        sums.won,
        short_score(sums.score),
        sums.lost,
        refused_text(&sums.refused),
        millis(sums.elapsed),
        millis(sums.slowest),
    );
    if sums.left_out > 0 {
        let bundles = counted(u64::try_from(sums.left_out).unwrap_or(u64::MAX), "bundle");
        text.push_str(&format!("left out    {bundles} for which a solution has no room\n"));
    }
    if sums.late > 0 {
        let answers = counted(u64::try_from(sums.late).unwrap_or(u64::MAX), "answer");
        text.push_str(&format!(
            "late        {answers} ready only after the close: live, they would have won nothing\n"
        ));
    }
    text
}

fn duel_text(first: &str, second: &str, duel: &HeadToHead) -> String {
    let ([one, other], [ahead, equal, behind], [by, back]) = (duel.scores, duel.auctions, duel.margins);
    let side = |name: &str, score: Score, auctions: usize, margin: Score| {
        format!("{name} won {} and {auctions} by {}", short_score(score), short_score(margin))
    };
    format!("head to head  {}; {}; {equal} equal\n", side(first, one, ahead, by), side(second, other, behind, back))
}

fn winner_text(outcome: &Outcome) -> (String, String) {
    let winner = outcome.winner();
    winner.map_or_else(|| ("nobody".to_owned(), "-".to_owned()), |(name, by)| (name.to_owned(), short_score(by)))
}

fn refused_text(refused: &BTreeMap<&'static str, usize>) -> String {
    let counts: Vec<String> = refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// Milliseconds with one decimal, cut off.
fn millis(elapsed: Duration) -> String {
    format!("{}.{}", elapsed.as_millis(), elapsed.as_micros() / 100 % 10)
}
