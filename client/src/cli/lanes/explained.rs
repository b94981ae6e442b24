//! The explanation of one bundle, for people and as JSON, by the names of the file.

use clearlane_core::lanes::{Access, Explanation, Joint, Met, Resource, Sharing, Step};
use serde_json::{Value, json};

use super::{IDS_SHOWN_MAX, listed, shown};
use crate::cli::footprints::Footprints;
use crate::cli::report::counted;

/// The most rows of one paragraph: the rest is in the JSON.
const ROWS_MAX: usize = 20;

/// The explanation as one object; places count from 0 in the order of the plan.
pub(super) fn to_json(batch: &Footprints, found: &Explanation, workers: usize) -> Value {
    let met = |met: &Met| json!({ "bundle": name(batch, met.bundle), "access": word(met.access) });
    let conflicts = found.sharings.iter().map(|sharing| {
        json!({
            "resource": label(batch, sharing.resource),
            "access": word(sharing.access),
            "earlier": sharing.earlier.iter().map(met).collect::<Vec<_>>(),
            "later": sharing.later.iter().map(met).collect::<Vec<_>>(),
        })
    });
    let if_commuting = found
        .if_commuting
        .iter()
        .map(|freed| json!({ "resource": label(batch, freed.without), "colour": freed.colour, "start": freed.start }));
    let without = found
        .without
        .iter()
        .map(|freed| json!({ "bundle": name(batch, freed.without), "colour": freed.colour, "start": freed.start }));
    json!({
        "bundle": name(batch, found.at),
        "place": found.at,
        "cost": found.cost,
        "colour": found.standing.colour,
        "start": found.standing.start,
        "workers": workers,
        "start_on_workers": found.standing.start_on_workers,
        "conflicts": conflicts.collect::<Vec<_>>(),
        "follows": found.follows.iter().map(|before| name(batch, *before)).collect::<Vec<_>>(),
        "chain": found.chain.iter().map(|step| step_json(batch, step)).collect::<Vec<_>>(),
        "if_commuting": if_commuting.collect::<Vec<_>>(),
        "without": without.collect::<Vec<_>>(),
    })
}

fn step_json(batch: &Footprints, step: &Step) -> Value {
    let joint = step.joint.map(|joint| {
        json!({
            "resource": label(batch, joint.resource),
            "before": word(joint.before),
            "after": word(joint.after),
        })
    });
    json!({ "bundle": name(batch, step.bundle), "colour": step.colour, "joint": joint })
}

/// The explanation in paragraphs; `of` is the number of colours and of workers.
pub(super) fn human(batch: &Footprints, found: &Explanation, of: (u32, usize)) -> String {
    let (colours, workers) = of;
    let (start, on_workers) = (found.standing.start, found.standing.start_on_workers);
    let waiting = match on_workers.saturating_sub(start) {
        0 => "as early as its conflicts allow".to_owned(),
        waiting => format!("{waiting} later than its conflicts ask, for want of a free worker"),
    };
    let mut text = format!(
        "bundle         {}, colour {} of {colours}, cost {}\n\
         starts at      {on_workers} on {}, {start} if workers are never short: {waiting}\n",
        shown(&name(batch, found.at)),
        found.standing.colour,
        found.cost,
        counted(workers as u64, "worker"),
    );
    if found.sharings.is_empty() {
        text.push_str("conflicts      none: it runs beside any other\n");
        return text;
    }
    let names = found.follows.iter().map(|before| name(batch, *before));
    let follows = if found.follows.is_empty() { "none: it may run at once".to_owned() } else { listed(names) };
    text.push_str(&format!("follows        {follows}\n"));
    text.push_str(&paragraph("conflicts", found.sharings.iter().map(|sharing| sharing_text(batch, sharing))));
    text.push_str(&chain_text(batch, &found.chain));
    text.push_str(&freed_text(batch, found));
    text
}

/// What alone would give a lower colour or an earlier start, the best first.
fn freed_text(batch: &Footprints, found: &Explanation) -> String {
    let commuting = found.if_commuting.iter().map(|freed| {
        let resource = shown(&label(batch, freed.without));
        (freed.colour, freed.start, format!("if all only added to {resource}"))
    });
    let without = found
        .without
        .iter()
        .map(|freed| (freed.colour, freed.start, format!("without {}", shown(&name(batch, freed.without)))));
    let standing = (found.standing.colour, found.standing.start);
    let mut helping: Vec<(u32, u64, String)> = commuting.chain(without).collect();
    let tried = helping.len();
    helping.retain(|(colour, start, _)| *colour < standing.0 || *start < standing.1);
    helping.sort_by_key(|(colour, start, _)| (*start, *colour));
    if tried > 0 && helping.is_empty() {
        return format!("what would free it: none of {tried} resources and predecessors alone\n");
    }
    let rows: Vec<String> =
        helping.into_iter().map(|(colour, start, what)| format!("colour {colour}, start {start} {what}")).collect();
    paragraph("what would free it, if workers are never short", rows.into_iter())
}

/// A title and rows under it, at most [`ROWS_MAX`]; nothing where there is no row.
fn paragraph(title: &str, rows: impl ExactSizeIterator<Item = String>) -> String {
    if rows.len() == 0 {
        return String::new();
    }
    let more = rows.len().saturating_sub(ROWS_MAX);
    let mut text = format!("{title}\n");
    rows.take(ROWS_MAX).for_each(|row| text.push_str(&format!("  {row}\n")));
    if more > 0 {
        text.push_str(&format!("  and {more} more, all with --json\n"));
    }
    text
}

fn sharing_text(batch: &Footprints, sharing: &Sharing) -> String {
    let all = |met: &[Met]| listed(met.iter().map(|met| format!("{} ({})", name(batch, met.bundle), word(met.access))));
    let mut text = format!("{} ({})", shown(&label(batch, sharing.resource)), word(sharing.access));
    for (side, met) in [("after", &sharing.earlier), ("before", &sharing.later)] {
        if !met.is_empty() {
            text.push_str(&format!(", {side} {}", all(met)));
        }
    }
    text
}

/// The chain from colour 1 on, a row a bundle; of a long one the end, which is nearest to the bundle.
fn chain_text(batch: &Footprints, chain: &[Step]) -> String {
    if chain.len() < 2 {
        return String::new();
    }
    let left_out = chain.len().saturating_sub(IDS_SHOWN_MAX);
    let mut text = "a longest chain leads to its colour\n".to_owned();
    if left_out > 0 {
        text.push_str(&format!("  {left_out} bundles of lower colours before, all with --json\n"));
    }
    for step in chain.iter().skip(left_out) {
        let joint = step.joint.map_or_else(String::new, |joint| joint_text(batch, joint));
        text.push_str(&format!("  {}  {}{joint}\n", step.colour, shown(&name(batch, step.bundle))));
    }
    text
}

fn joint_text(batch: &Footprints, joint: Joint) -> String {
    format!(", by {} ({} after {})", shown(&label(batch, joint.resource)), word(joint.after), word(joint.before))
}

fn word(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Add => "add",
    }
}

fn name(batch: &Footprints, place: usize) -> String {
    batch.names.get(place).cloned().unwrap_or_else(|| place.to_string())
}

fn label(batch: &Footprints, resource: Resource) -> String {
    batch.labels.get(&resource).cloned().unwrap_or_else(|| format!("{resource:?}"))
}

#[cfg(test)]
mod tests {
    use clearlane_core::lanes::explain;

    use super::*;
    use crate::cli::footprints::read_lines;

    const TEXT: &str = "{\"id\":\"a\",\"cost\":5,\"score\":9,\"write\":[\"pool\"]}
{\"id\":\"b\",\"cost\":2,\"score\":8,\"write\":[\"pool\"]}
{\"id\":\"c\\u001b\",\"cost\":1,\"score\":7,\"read\":[\"pool\"],\"write\":[\"rail\"]}
{\"id\":\"d\",\"cost\":4,\"score\":6,\"add\":[\"pool\",\"rail\"]}
{\"id\":\"e\",\"cost\":3,\"score\":5,\"write\":[\"other\"]}";

    fn explained(place: usize) -> (String, Value) {
        let batch = read_lines(TEXT).expect("five bundles");
        let found = explain(&batch.footprints, &batch.costs, place, 1).expect("small");
        (human(&batch, &found, (4, 1)), to_json(&batch, &found, 1))
    }

    #[test]
    fn a_bundle_that_waits_is_explained_by_names() {
        let expected = "\
bundle         c\u{fffd}, colour 3 of 4, cost 1
starts at      7 on 1 worker, 7 if workers are never short: as early as its conflicts allow
follows        b
conflicts
  pool (read), after a (write), b (write), before d (add)
  rail (write), before d (add)
a longest chain leads to its colour
  1  a
  2  b, by pool (write after write)
  3  c\u{fffd}, by pool (read after write)
what would free it, if workers are never short
  colour 1, start 0 if all only added to pool
  colour 2, start 5 without b
";
        assert_eq!(explained(2).0, expected);
    }

    #[test]
    fn a_bundle_that_meets_nobody_waits_only_for_workers() {
        let expected = "\
bundle         e, colour 1 of 4, cost 3
starts at      12 on 1 worker, 0 if workers are never short: 12 later than its conflicts ask, for want of a free worker
conflicts      none: it runs beside any other
";
        assert_eq!(explained(4).0, expected);
    }

    #[test]
    fn the_object_holds_all_of_it() {
        let expected = json!({
            "bundle": "b", "place": 1, "cost": 2, "colour": 2, "start": 5, "workers": 1, "start_on_workers": 5,
            "conflicts": [{
                "resource": "pool",
                "access": "write",
                "earlier": [{ "bundle": "a", "access": "write" }],
                "later": [{ "bundle": "c\u{1b}", "access": "read" }, { "bundle": "d", "access": "add" }],
            }],
            "follows": ["a"],
            "chain": [
                { "bundle": "a", "colour": 1, "joint": null },
                { "bundle": "b", "colour": 2, "joint": { "resource": "pool", "before": "write", "after": "write" } },
            ],
            "if_commuting": [{ "resource": "pool", "colour": 1, "start": 0 }],
            "without": [{ "bundle": "a", "colour": 1, "start": 0 }],
        });
        assert_eq!(explained(1).1, expected);
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let lines: Vec<String> = (0..40).map(|at| format!("{{\"id\":\"{at}\",\"write\":[\"x\",\"y\"]}}")).collect();
        let batch = read_lines(&lines.join("\n")).expect("forty bundles");
        let found = explain(&batch.footprints, &batch.costs, 39, 8).expect("small");
        let text = human(&batch, &found, (40, 8));
        assert!(text.contains("after 0 (write), 1 (write)") && text.contains("11 (write) and 27 more\n"), "{text}");
        assert!(text.contains("  28 bundles of lower colours before, all with --json\n  29  28, by x"), "{text}");
        assert!(text.contains("what would free it, if workers are never short\n  colour 39, start 38 without 38\n"));
        let rows = paragraph("rows", (0..25).map(|row| row.to_string()));
        assert!(rows.ends_with("  19\n  and 5 more, all with --json\n"), "{rows}");
    }
}
