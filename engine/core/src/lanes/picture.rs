//! A plan as a picture in text: workers as rows, time across, each bundle by its colour.

use super::makespan::{Slot, ended, schedule};
use super::plan::{Plan, cost_of};

/// The letters that stand for colours, in turn.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
/// How wide a drawing is, in its own units.
const SVG_WIDTH: u64 = 1_000;
/// How wide a letter of a drawing is.
const LETTER_WIDTH: u64 = 6;

/// Draws a plan on some workers, at most `width` characters a row.
///
/// Each row is a worker that runs something; a letter is the colour of what runs then, in capitals on the critical
/// path, and `.` is idle. With `colourful` the letters carry terminal colours. Where nothing takes any time there is
/// one line that says so.
#[must_use]
pub fn picture(plan: &Plan, costs: &[u64], workers: usize, width: usize, colourful: bool) -> String {
    let slots = schedule(plan, costs, workers);
    let end = ended(&slots);
    if end == 0 {
        let why = if slots.is_empty() { "there is no bundle" } else { "every bundle costs 0" };
        return format!("nothing to draw: {why}\n");
    }
    let critical = critical_bundles(plan, costs);
    let width = u64::try_from(width.clamp(8, 400)).unwrap_or(80).min(end);
    let mut text = String::new();
    for worker in 0..used(&slots) {
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

/// How many workers run something: those with the lowest numbers.
fn used(slots: &[Slot]) -> usize {
    let highest = slots.iter().map(|slot| slot.worker).max();
    highest.and_then(|worker| usize::try_from(worker).ok()).map_or(0, |worker| worker.saturating_add(1))
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

/// Draws the same as an SVG document: bundles by name, those on the critical path in a black frame.
///
/// A bundle without a name is called by its place. Names are cut to fit; the whole name is in the title that shows
/// under the pointer.
#[must_use]
pub fn svg(plan: &Plan, costs: &[u64], workers: usize, names: &[String]) -> String {
    let slots = schedule(plan, costs, workers);
    let critical = critical_bundles(plan, costs);
    let end = slots.iter().map(|slot| slot.end).max().unwrap_or(0).max(1);
    let height = used(&slots).max(1).saturating_mul(24);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SVG_WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"10\">\n"
    );
    for slot in &slots {
        let at = usize::try_from(slot.bundle).unwrap_or(usize::MAX);
        let name = names.get(at).cloned().unwrap_or_else(|| at.to_string());
        text.push_str(&block(slot, plan.colour(at), end, (&name, critical.get(at) == Some(&true))));
    }
    text.push_str("</svg>\n");
    text
}

fn block(slot: &Slot, colour: u32, end: u64, (name, is_critical): (&str, bool)) -> String {
    let scaled = |time: u64| time.saturating_mul(SVG_WIDTH).checked_div(end).unwrap_or(0);
    let x = scaled(slot.start);
    let width = scaled(slot.end).saturating_sub(x).max(1);
    let y = u64::from(slot.worker).saturating_mul(24);
    let (class, stroke) = if is_critical { ("critical", "#000\" stroke-width=\"2") } else { ("bundle", "none") };
    let suffix = if is_critical { ", on the critical path" } else { "" };
    let hue = colour.wrapping_mul(47).checked_rem(360).unwrap_or(0);
    let weight = if is_critical { " font-weight=\"bold\"" } else { "" };
    format!(
        "<g class=\"{class}\"><title>{} colour {colour}, {} to {}{suffix}</title>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"20\" fill=\"hsl({hue},60%,60%)\" stroke=\"{stroke}\"/>\
         <text x=\"{}\" y=\"{}\"{weight}>{}</text></g>\n",
        escaped(name),
        slot.start,
        slot.end,
        x.saturating_add(3),
        y.saturating_add(14),
        escaped(&fitting(name, width)),
    )
}

/// As much of a name as fits a block, an ellipsis where some is cut off.
fn fitting(name: &str, width: u64) -> String {
    let letters = width.saturating_sub(4).checked_div(LETTER_WIDTH).and_then(|fit| usize::try_from(fit).ok());
    let letters = letters.unwrap_or(0);
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    let kept = name.chars().take(letters.saturating_sub(1));
    kept.chain((letters > 0).then_some('\u{2026}')).collect()
}

/// Text as XML holds it; characters that XML can't hold become the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Batch, Footprint, Resource};

    #[test]
    fn the_critical_path_is_in_capitals() {
        let write = |key| Footprint::new(vec![(Resource::Other(key), Access::Write)]);
        let plan = Plan::new(&Batch::new(&[&write(1), &write(1), &write(2)]).expect("small"));
        for workers in [2, 8] {
            assert_eq!(picture(&plan, &[4, 4, 2], workers, 8, false), "  0 AAAABBBB\n  1 aa......\n");
            assert!(svg(&plan, &[4, 4, 2], workers, &[]).contains("viewBox=\"0 0 1000 48\""));
        }
        assert_eq!(picture(&plan, &[0, 0, 0], 2, 8, false), "nothing to draw: every bundle costs 0\n");
        assert_eq!(picture(&Plan::default(), &[], 2, 8, false), "nothing to draw: there is no bundle\n");
    }

    #[test]
    fn a_drawing_names_bundles_and_frames_the_critical_path() {
        let write = |key| Footprint::new(vec![(Resource::Other(key), Access::Write)]);
        let plan = Plan::new(&Batch::new(&[&write(1), &write(1), &write(2)]).expect("small"));
        let names = ["a<b>&\"c'", "tab\t\u{1}"].map(str::to_owned);
        let drawn = svg(&plan, &[4, 4, 2], 2, &names);
        assert!(drawn.contains(">a&lt;b&gt;&amp;&quot;c&apos;</text>"), "{drawn}");
        assert!(drawn.contains("<title>tab \u{fffd} colour 2, 4 to 8, on the critical path</title>"), "{drawn}");
        assert!(drawn.contains("<g class=\"bundle\"><title>2 colour 1, 0 to 2</title>"), "{drawn}");
        assert_eq!(drawn.matches("class=\"critical\"").count(), 2);
        assert_eq!((fitting("abcdef", 40), fitting("abcdef", 30)), ("abcdef".to_owned(), "abc\u{2026}".to_owned()));
        assert_eq!((fitting("abcdef", 9), fitting("", 0)), (String::new(), String::new()));
    }
}
