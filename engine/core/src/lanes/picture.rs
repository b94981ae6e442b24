//! A plan as a picture in text: workers as rows, time across, each bundle by its colour.

use super::makespan::{Slot, schedule};
use super::plan::{Plan, cost_of};

/// The letters that stand for colours, in turn.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Draws a plan on some workers, at most `width` characters a row.
///
/// Each row is a worker; a letter is the colour of what runs then, in capitals on the critical
/// path, and `.` is idle. With `colourful` the letters carry terminal colours.
#[must_use]
pub fn picture(plan: &Plan, costs: &[u64], workers: usize, width: usize, colourful: bool) -> String {
    let slots = schedule(plan, costs, workers);
    let end = slots.iter().map(|slot| slot.end).max().unwrap_or(0).max(1);
    let critical = critical_bundles(plan, costs);
    let width = u64::try_from(width.clamp(8, 400)).unwrap_or(80).min(end);
    let mut text = String::new();
    for worker in 0..workers.max(1) {
        let of_worker: Vec<&Slot> = slots.iter().filter(|slot| usize::try_from(slot.worker) == Ok(worker)).collect();
        text.push_str(&format!("{worker:>3} "));
        for column in 0..width {
            let time = column.saturating_mul(end).checked_div(width).unwrap_or(0);
            let running = of_worker.iter().find(|slot| slot.start <= time && time < slot.end);
            text.push_str(&running.map_or_else(|| ".".to_owned(), |slot| cell(plan, slot, &critical, colourful)));
        }
        text.push('\n');
    }
    text
}

fn cell(plan: &Plan, slot: &Slot, critical: &[bool], colourful: bool) -> String {
    let at = usize::try_from(slot.bundle).unwrap_or(usize::MAX);
    let colour = plan.colour(at).saturating_sub(1);
    let turn = usize::try_from(colour).unwrap_or(0).checked_rem(LETTERS.len()).unwrap_or(0);
    let letter = char::from(LETTERS.get(turn).copied().unwrap_or(b'?'));
    let letter = if critical.get(at) == Some(&true) { letter.to_ascii_uppercase() } else { letter };
    if colourful {
        let paint = colour.checked_rem(6).unwrap_or(0).saturating_add(31);
        format!("\u{1b}[{paint}m{letter}\u{1b}[0m")
    } else {
        letter.to_string()
    }
}

/// One longest path: from its first bundle on, always the follower with as much left as remains.
fn critical_bundles(plan: &Plan, costs: &[u64]) -> Vec<bool> {
    let remaining = plan.longest_remaining(costs);
    let followers = plan.followers();
    let mut critical = vec![false; plan.nodes()];
    let longest = remaining.iter().copied().max().unwrap_or(0);
    let is_start = |at: &usize| plan.follows(*at).is_empty() && remaining.get(*at) == Some(&longest);
    let mut next = (0..plan.bundles()).find(is_start);
    while let Some(node) = next {
        if let Some(mark) = critical.get_mut(node) {
            *mark = true;
        }
        let cost = if plan.is_bundle(node) { cost_of(costs, node) } else { 0 };
        let left = remaining.get(node).copied().unwrap_or(0).saturating_sub(cost);
        let mut nodes = followers.list(node).iter().filter_map(|node| usize::try_from(*node).ok());
        next = nodes.find(|node| remaining.get(*node) == Some(&left));
    }
    critical
}

/// Draws the same as an SVG document.
#[must_use]
pub fn svg(plan: &Plan, costs: &[u64], workers: usize) -> String {
    let slots = schedule(plan, costs, workers);
    let critical = critical_bundles(plan, costs);
    let end = slots.iter().map(|slot| slot.end).max().unwrap_or(0).max(1);
    let height = workers.max(1).saturating_mul(24);
    let mut text = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 {height}\">\n");
    for slot in &slots {
        let at = usize::try_from(slot.bundle).unwrap_or(usize::MAX);
        let colour = plan.colour(at);
        let scaled = |time: u64| time.saturating_mul(1_000).checked_div(end).unwrap_or(0);
        let (x, right) = (scaled(slot.start), scaled(slot.end));
        let stroke = if critical.get(at) == Some(&true) { "#000" } else { "none" };
        text.push_str(&format!(
            "<rect x=\"{x}\" y=\"{}\" width=\"{}\" height=\"20\" fill=\"hsl({},60%,60%)\" stroke=\"{stroke}\">\
             <title>bundle {} colour {colour}</title></rect>\n",
            slot.worker.saturating_mul(24),
            right.saturating_sub(x).max(1),
            colour.wrapping_mul(47).checked_rem(360).unwrap_or(0),
            slot.bundle,
        ));
    }
    text.push_str("</svg>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Batch, Footprint, Resource};

    #[test]
    fn the_critical_path_is_in_capitals() {
        let write = |key| Footprint::new(vec![(Resource::Other(key), Access::Write)]);
        let plan = Plan::new(&Batch::new(&[&write(1), &write(1), &write(2)]).expect("small"));
        assert_eq!(picture(&plan, &[4, 4, 2], 2, 8, false), "  0 AAAABBBB\n  1 aa......\n");
        assert!(svg(&plan, &[4, 4, 2], 2).contains("hsl("));
    }
}
