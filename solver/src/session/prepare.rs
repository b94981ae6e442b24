//! From what a strategy proposes to what may be sent: valid by the core's rules and small enough.

use clearlane_core::auction::{AuctionInput, BUNDLES_MAX, Bundle, verify};
use clearlane_core::money::Score;
use clearlane_proto::{SOLUTION_BYTES_MAX, auction, wire};
use prost::Message as _;

use crate::strategy::Proposal;

/// Tag and length of one bundle and what else a solution holds, at most.
const FRAME_BYTES: usize = 8;
/// The auction's number and the frame of the message, at most.
const SOLUTION_FRAME_BYTES: usize = 64;

/// The bundles that the core's rules admit, in their order, and the prices; where not all bundles fit one solution
/// beside the prices, those that score most for their size.
#[must_use]
pub fn prepared(input: &AuctionInput, proposal: Proposal) -> Proposal {
    let Proposal { bundles, prices } = proposal;
    let texts = prices.as_ref().map(auction::prices_to_wire).unwrap_or_default();
    let taken = texts
        .iter()
        .fold(SOLUTION_FRAME_BYTES, |sum: usize, text| sum.saturating_add(text.len()).saturating_add(FRAME_BYTES));
    let proposed = bundles.into_iter().filter_map(|bundle| {
        let score = verify(input, &bundle).ok()?.score;
        Some(Sized { score, bytes: bytes_of(&bundle), bundle })
    });
    let bundles = fitted(proposed.collect(), SOLUTION_BYTES_MAX.saturating_sub(taken));
    Proposal { bundles, prices }
}

struct Sized {
    bundle: Bundle,
    score: Score,
    bytes: usize,
}

fn bytes_of(bundle: &Bundle) -> usize {
    let messages: Vec<wire::Bundle> = auction::bundles_to_wire(std::slice::from_ref(bundle));
    messages.iter().fold(0, |sum: usize, message| sum.saturating_add(message.encoded_len()).saturating_add(FRAME_BYTES))
}

fn fitted(bundles: Vec<Sized>, bytes_max: usize) -> Vec<Bundle> {
    let mut places: Vec<usize> = (0..bundles.len()).collect();
    let density = |at: &usize| {
        let each = bundles.get(*at);
        let bytes = each.and_then(|each| u128::try_from(each.bytes.max(1)).ok()).unwrap_or(1);
        each.map_or(0, |each| Score::try_from(bytes).map_or(0, |bytes| each.score.checked_div(bytes).unwrap_or(0)))
    };
    places.sort_by_key(|at| std::cmp::Reverse(density(at)));
    let mut left = bytes_max;
    let mut is_kept = vec![false; bundles.len()];
    for at in places.into_iter().take(BUNDLES_MAX) {
        let rest = bundles.get(at).and_then(|each| left.checked_sub(each.bytes));
        if let (Some(rest), Some(slot)) = (rest, is_kept.get_mut(at)) {
            left = rest;
            *slot = true;
        }
    }
    let kept = bundles.into_iter().zip(is_kept).filter(|(_, is_kept)| *is_kept);
    kept.map(|(each, _)| each.bundle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_densest_are_kept_in_their_order() {
        let sized = |score: u8, bytes: usize| {
            let fill = clearlane_core::auction::Fill {
                intent: clearlane_core::names::IntentIndex(u32::from(score)),
                option: 0,
                sold: 1,
                bought: 1,
            };
            Sized { bundle: Bundle { fills: vec![fill], uses: Vec::new() }, score: Score::from(score), bytes }
        };
        let kept = fitted(vec![sized(10, 10), sized(90, 90), sized(200, 10), sized(30, 10)], 100);
        let scores: Vec<u32> = kept.iter().map(|bundle| bundle.fills[0].intent.0).collect();
        assert_eq!(scores, [10, 200, 30]);
    }
}
