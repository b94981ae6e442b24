//! Bundles that count nothing, grouped so that the clearing executes them in the order in which they hold.
//!
//! Among equal scores the clearing prefers bundles that fill more intents. Such bundles that touch
//! each other become groups, each with fewer intents than the one before.

use std::collections::BTreeSet;

use clearlane_core::auction::{AuctionInput, Bundle, FILLS_MAX, USES_MAX, verify};

use super::joint::components;
use super::merge::merged;

/// The same fills in groups; bundles that can't be merged stay as they are.
pub(super) fn ranked(input: &AuctionInput, bundles: Vec<Bundle>) -> Vec<Bundle> {
    let mut grouped = Vec::new();
    for component in components(bundles) {
        for group in groups(component) {
            let whole = merged(input, &group).filter(|bundle| is_valid(input, bundle));
            match whole {
                Some(whole) => grouped.push(whole),
                None => grouped.extend(group),
            }
        }
    }
    grouped
}

fn is_valid(input: &AuctionInput, bundle: &Bundle) -> bool {
    bundle.fills.len() <= FILLS_MAX && bundle.uses.len() <= USES_MAX && verify(input, bundle).is_ok()
}

/// Splits a list into parts with fewer and fewer intents: as few of the first as still leave enough for the rest.
fn groups(bundles: Vec<Bundle>) -> Vec<Vec<Bundle>> {
    let mut size: usize = (1..).find(|size: &usize| size * (size + 1) / 2 >= bundles.len()).unwrap_or(1);
    let mut groups: Vec<Vec<Bundle>> = Vec::new();
    let mut intents = BTreeSet::new();
    for bundle in bundles {
        intents.extend(bundle.fills.iter().map(|fill| fill.intent));
        match groups.last_mut().filter(|_| intents.len() <= size) {
            Some(group) => group.push(bundle),
            None => {
                size = if groups.is_empty() { size } else { size.saturating_sub(1).max(1) };
                intents = bundle.fills.iter().map(|fill| fill.intent).collect();
                groups.push(vec![bundle]);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::Fill;
    use clearlane_core::names::IntentIndex;

    use super::*;

    #[test]
    fn groups_shrink_and_keep_the_order() {
        let bundle = |intent| Bundle {
            fills: vec![Fill { intent: IntentIndex(intent), option: 0, sold: 1, bought: 1 }],
            uses: Vec::new(),
        };
        let groups = groups((0..9).map(bundle).collect());
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        assert_eq!(sizes, [4, 3, 2]);
        let intents: Vec<u32> = groups.iter().flatten().map(|bundle| bundle.fills[0].intent.0).collect();
        assert!(intents.is_sorted());
    }
}
