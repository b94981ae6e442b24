//! Verdicts: what a solver is told of one bundle, both ways.

use std::cell::OnceCell;

use clearlane_core::auction::{AuctionInput, Loss, Verdict};
use clearlane_core::lanes::Resource;
use clearlane_core::money::Score;
use clearlane_core::names::{FactIndex, IntentIndex, ReserveIndex, SolverId, VenueIndex};
use clearlane_core::refusal::{Reason, Refusal};

use crate::field::{refuse, required, shown};
use crate::wire::bundle_verdict::Verdict as WireVerdict;
use crate::{delta, outcome, wire};

/// What the resources of an auction are called; nothing where its input is unknown.
#[derive(Debug, Default)]
pub struct ResourceNames<'a> {
    input: Option<&'a AuctionInput>,
    /// Whose accounts the reserves are; only looked for where something was lost on one.
    payers: OnceCell<Vec<String>>,
}

impl<'a> ResourceNames<'a> {
    /// The names in this auction.
    #[must_use]
    pub fn of(input: Option<&'a AuctionInput>) -> ResourceNames<'a> {
        ResourceNames { input, payers: OnceCell::new() }
    }

    /// What a resource is called: a venue by its name, an intent by party and id, a reserve by party, asset and module.
    #[must_use]
    pub fn name(&self, resource: Resource) -> Option<String> {
        let input = self.input?;
        match resource {
            Resource::Venue(index) => input.venues.get(index.at()).map(|venue| venue.name.to_string()),
            Resource::Intent(index) => {
                input.intents.get(index.at()).map(|intent| format!("{} {}", intent.party, intent.id))
            }
            Resource::Reserve(index) => self.payers.get_or_init(|| payers(input)).get(index.at()).cloned(),
            Resource::Fact(_) | Resource::Other(_) => None,
        }
    }
}

fn payers(input: &AuctionInput) -> Vec<String> {
    let named = delta::payers(input).map(|(party, coin)| {
        let party = party.map_or_else(|| "nobody".to_owned(), ToString::to_string);
        coin.map_or_else(String::new, |(asset, module)| format!("{party} {asset} {module}"))
    });
    named.collect()
}

/// Writes a verdict, with what it names by name where that is known.
#[must_use]
pub fn to_wire(verdict: &Verdict, names: &ResourceNames<'_>) -> wire::BundleVerdict {
    let verdict = match verdict {
        Verdict::Won(score) => WireVerdict::Won(wire::BundleWon { score: score.to_string() }),
        Verdict::Lost(loss) => WireVerdict::Lost(loss_to_wire(loss, names)),
        Verdict::Refused(refusal) => WireVerdict::Refused(outcome::refusal_to_wire(refusal)),
        Verdict::FloorBetter(score) => WireVerdict::FloorBetter(wire::BundleWon { score: score.to_string() }),
    };
    wire::BundleVerdict { verdict: Some(verdict) }
}

/// Reads a verdict.
///
/// # Errors
///
/// `MISSING` if it says nothing, `MALFORMED` for a score or resource.
pub fn from_wire(verdict: &wire::BundleVerdict) -> Result<Verdict, Refusal> {
    Ok(match required(verdict.verdict.as_ref(), "verdict")? {
        WireVerdict::Won(won) => Verdict::Won(score(&won.score, "won.score")?),
        WireVerdict::Lost(lost) => Verdict::Lost(loss_from_wire(lost)?),
        WireVerdict::Refused(refusal) => Verdict::Refused(outcome::refusal_to_core(refusal)),
        WireVerdict::FloorBetter(won) => Verdict::FloorBetter(score(&won.score, "floor_better.score")?),
    })
}

fn loss_to_wire(loss: &Loss, names: &ResourceNames<'_>) -> wire::BundleLost {
    let (winner, bundle, winner_score) = loss.to.unwrap_or_default();
    wire::BundleLost {
        score: loss.score.to_string(),
        has_winner: loss.to.is_some(),
        winner_solver: winner.0,
        winner_bundle: bundle,
        winner_score: winner_score.to_string(),
        resource: resource_to_wire(loss.on),
        resource_name: names.name(loss.on).unwrap_or_default(),
        refusal: Some(outcome::refusal_to_wire(&loss.refusal)),
    }
}

fn loss_from_wire(lost: &wire::BundleLost) -> Result<Loss, Refusal> {
    let to = if lost.has_winner {
        Some((SolverId(lost.winner_solver), lost.winner_bundle, score(&lost.winner_score, "lost.winner_score")?))
    } else {
        None
    };
    Ok(Loss {
        score: score(&lost.score, "lost.score")?,
        to,
        on: resource_from_wire(&lost.resource)?,
        refusal: outcome::refusal_to_core(required(lost.refusal.as_ref(), "lost.refusal")?),
    })
}

fn score(text: &str, field: &str) -> Result<Score, Refusal> {
    text.parse()
        .map_err(|_| Refusal::new(Reason::Malformed, field, format!("expected a whole number, found {}", shown(text))))
}

fn resource_to_wire(resource: Resource) -> String {
    match resource {
        Resource::Intent(index) => format!("intent {}", index.0),
        Resource::Venue(index) => format!("venue {}", index.0),
        Resource::Reserve(index) => format!("reserve {}", index.0),
        Resource::Fact(index) => format!("fact {}", index.0),
        Resource::Other(number) => format!("other {number}"),
    }
}

fn resource_from_wire(text: &str) -> Result<Resource, Refusal> {
    let parts = text.split_once(' ').and_then(|(kind, number)| Some((kind, number.parse().ok()?)));
    match parts {
        Some(("intent", number)) => Ok(Resource::Intent(IntentIndex(number))),
        Some(("venue", number)) => Ok(Resource::Venue(VenueIndex(number))),
        Some(("reserve", number)) => Ok(Resource::Reserve(ReserveIndex(number))),
        Some(("fact", number)) => Ok(Resource::Fact(FactIndex(number))),
        Some(("other", number)) => Ok(Resource::Other(number)),
        Some(_) | None => {
            let message = format!("expected a kind of resource and a number, found {}", shown(text));
            refuse(Reason::Malformed, "lost.resource", message)
        }
    }
}
