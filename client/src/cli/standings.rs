//! `solvers`: how solvers have done lately.

use clearlane_core::money::Score;
use clearlane_proto::wire;
use serde_json::{Value, json};

use super::caller::Caller;
use super::failure::Failure;
use super::report;

/// Says how solvers have done: how soon they answered, how many bundles were valid, won, lost or refused, and by what.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane solvers
  clearlane solvers --party fast-solver --json

Counts each solver's last 500 auctions since the engine started. p50 and p95 are from when an auction was put on the
wire until the engine had the solver's last answer to it, by the engine's clock. A bundle is valid if it breaks no rule
alone. Scores are in the reference asset.")]
pub(crate) struct Solvers {}

impl Solvers {
    /// Asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let mut standings = caller.connect().await?.solver_standings().await?;
        if let Some(party) = &caller.party {
            standings.retain(|one| one.party == *party);
        }
        let json = json!({ "solvers": standings.iter().map(object).collect::<Vec<_>>() });
        report::print(caller.json, &text(&standings), &json)
    }
}

fn text(standings: &[wire::SolverStanding]) -> String {
    if standings.is_empty() {
        return "no solver has registered since the engine started".to_owned();
    }
    let columns = [
        "solver",
        "strategy",
        "stream",
        "auctions",
        "answered",
        "p50 ms",
        "p95 ms",
        "bundles",
        "valid",
        "won",
        "lost",
        "refused",
        "score won",
    ];
    let row = |one: &wire::SolverStanding| {
        let refused: u64 = one.refused.iter().map(|refused| refused.count).sum();
        let lost = one.lost.saturating_add(one.floor_better);
        let stream = if one.connected { "open" } else { "none" };
        let texts = [&one.party, &one.strategy, stream].map(str::to_owned).into_iter();
        let auctions = [one.offered, one.answered].map(|count| count.to_string()).into_iter();
        let latencies = [one.latency_p50_ns, one.latency_p95_ns].map(|nanos| millis(nanos, one.answered)).into_iter();
        let bundles = [one.bundles, one.valid, one.won, lost, refused].map(|count| count.to_string()).into_iter();
        texts.chain(auctions).chain(latencies).chain(bundles).chain([score(&one.score_won)]).collect()
    };
    let rows: Vec<Vec<String>> = standings.iter().map(row).collect();
    let mut text = report::table(&columns, &rows);
    for one in standings {
        for (what, counts) in [("bundles", &one.refused), ("messages", &one.messages_refused)] {
            if !counts.is_empty() {
                let counts: Vec<String> =
                    counts.iter().map(|refused| format!("{} {}", refused.count, refused.code)).collect();
                text.push_str(&format!("{}: {what} refused: {}\n", one.party, counts.join(", ")));
            }
        }
    }
    text
}

fn object(one: &wire::SolverStanding) -> Value {
    let counts = |refused: &[wire::RefusedCount]| {
        Value::Object(refused.iter().map(|refused| (refused.code.clone(), json!(refused.count))).collect())
    };
    json!({
        "solver": one.solver, "party": one.party, "strategy": one.strategy, "connected": one.connected,
        "offered": one.offered, "answered": one.answered, "voided": one.voided,
        "latency_p50_ns": one.latency_p50_ns, "latency_p95_ns": one.latency_p95_ns,
        "bundles": one.bundles, "valid": one.valid, "won": one.won, "lost": one.lost, "floor_better": one.floor_better,
        "refused": counts(&one.refused), "messages_refused": counts(&one.messages_refused),
        "score_won": score(&one.score_won), "contribution": score(&one.contribution),
    })
}

/// Milliseconds with a decimal; a dash where nothing was answered.
fn millis(nanos: u64, answered: u32) -> String {
    if answered == 0 {
        return "-".to_owned();
    }
    let tenths = nanos.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A score in whole reference units; text that is none stays as it is.
fn score(text: &str) -> String {
    text.parse::<Score>().map_or_else(|_| text.to_owned(), report::score_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_a_solver_and_a_line_for_what_was_refused() {
        let refused = |code: &str, count| wire::RefusedCount { code: code.to_owned(), count };
        let fast = wire::SolverStanding {
            party: "fast".to_owned(),
            strategy: "joint".to_owned(),
            connected: true,
            offered: 9,
            answered: 7,
            latency_p50_ns: 12_340_000,
            latency_p95_ns: 100_000_000,
            bundles: 20,
            valid: 17,
            won: 10,
            lost: 4,
            floor_better: 3,
            refused: vec![refused("OVER_FILLED", 2), refused("VENUE_RULE", 1)],
            messages_refused: vec![refused("AUCTION_CLOSED", 2)],
            score_won: "1500000000000000000".to_owned(),
            ..wire::SolverStanding::default()
        };
        let idle = wire::SolverStanding { party: "idle".to_owned(), score_won: "0".to_owned(), ..Default::default() };
        let expected = "\
solver  strategy  stream  auctions  answered  p50 ms  p95 ms  bundles  valid  won  lost  refused  score won
fast    joint     open    9         7         12.4    100.0   20       17     10   7     3        1.5
idle              none    0         0         -       -       0        0      0    0     0        0
fast: bundles refused: 2 OVER_FILLED, 1 VENUE_RULE
fast: messages refused: 2 AUCTION_CLOSED
";
        assert_eq!(text(&[fast.clone(), idle]), expected);
        let json = object(&fast);
        assert_eq!((json["refused"]["OVER_FILLED"].as_u64(), json["score_won"].as_str()), (Some(2), Some("1.5")));
        assert!(text(&[]).starts_with("no solver"));
    }
}
