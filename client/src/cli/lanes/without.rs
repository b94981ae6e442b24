//! What a plan would be without one of its bundles.

use clearlane_core::lanes::Preview;
use serde_json::{Value, json};

use super::shown;
use crate::cli::failure::Failure;
use crate::cli::footprints::Footprints;

/// A plan in three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    colours: u32,
    hottest: u32,
    critical_path: u64,
}

impl Extent {
    fn of(preview: &Preview<usize>) -> Extent {
        Extent { colours: preview.colours(), hottest: preview.hottest(), critical_path: preview.critical_path() }
    }
}

/// A plan before and after one bundle is taken out.
#[derive(Debug)]
pub(super) struct Without {
    name: String,
    before: Extent,
    after: Extent,
    /// Bundles whose colour is lower now.
    moved: usize,
}

impl Without {
    /// Takes out the bundle at a place.
    pub(super) fn of(batch: &Footprints, at: usize) -> Result<Without, Failure> {
        let mut preview = Preview::default();
        for (place, (footprint, cost)) in batch.footprints.iter().zip(&batch.costs).enumerate() {
            let inserted = preview.insert(place, footprint.clone(), *cost);
            inserted.map_err(|error| Failure::Failed(format!("--without: {error}")))?;
        }
        let colours = |preview: &Preview<usize>| -> Vec<Option<u32>> {
            (0..batch.footprints.len()).map(|place| preview.colour(&place)).collect()
        };
        let (before, colours_before) = (Extent::of(&preview), colours(&preview));
        preview.remove(&at);
        let both = colours_before.into_iter().zip(colours(&preview)).enumerate();
        let moved = both.filter(|(place, (before, after))| *place != at && before != after).count();
        let name = batch.names.get(at).cloned().unwrap_or_default();
        Ok(Without { name, before, after: Extent::of(&preview), moved })
    }

    /// The change as a paragraph.
    pub(super) fn human(&self) -> String {
        let (before, after) = (self.before, self.after);
        format!(
            "\nwithout {}\n  colours        {} -> {}\n  hottest        {} -> {}\n  critical path  {} -> {}\n  \
             moved          {} bundles to a lower colour\n",
            shown(&self.name),
            before.colours,
            after.colours,
            before.hottest,
            after.hottest,
            before.critical_path,
            after.critical_path,
            self.moved,
        )
    }

    /// The change as an object.
    pub(super) fn to_json(&self) -> Value {
        let (before, after) = (self.before, self.after);
        json!({
            "bundle": self.name,
            "colours": { "before": before.colours, "after": after.colours },
            "hottest": { "before": before.hottest, "after": after.hottest },
            "critical_path": { "before": before.critical_path, "after": after.critical_path },
            "moved": self.moved,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::footprints::read_lines;

    #[test]
    fn taking_a_bundle_out_shows_what_the_plan_gains() {
        let text = "{\"id\":\"a\",\"cost\":5,\"write\":[\"x\"]}\n{\"id\":\"b\",\"cost\":2,\"write\":[\"x\",\"y\"]}\n\
            {\"id\":\"c\",\"write\":[\"y\"]}\n{\"id\":\"d\",\"write\":[\"z\"]}";
        let batch = read_lines(text).expect("four bundles");
        let without = Without::of(&batch, 1).expect("few");
        let expected = json!({
            "bundle": "b",
            "colours": { "before": 3, "after": 1 },
            "hottest": { "before": 2, "after": 1 },
            "critical_path": { "before": 8, "after": 5 },
            "moved": 1,
        });
        assert_eq!(without.to_json(), expected);
        assert!(without.human().contains("critical path  8 -> 5\n"), "{}", without.human());
    }
}
