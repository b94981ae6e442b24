//! Dives: from a relaxation to decisions in few rounds, each of which decides the clearest cases.
//!
//! A rail's fixed fee enters as a fee on each unit of the flow that it had in the round before.

use super::model::{Model, Rule};
use super::node::Choice;
use super::search::{INTEGRAL, Leaning, Outcome, Relaxed, Search, leaning};

/// Rounds of one dive.
const ROUNDS_MAX: usize = 40;
/// Rounds in which rails may settle before nothing else is open.
const RAIL_ROUNDS: usize = 6;
/// A rail whose flow is below this many times its fee is not worth it.
const FEES_MIN: f64 = 1.02;

/// A fee counts as at most this share of a flow: larger jumps leave the path.
const FEE_SHARE_MAX: f64 = 0.5;

/// Which cases a round decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Leaves out the least used share of what is fractional: one in so many.
    Drop(usize),
    /// Takes the upper quarter where more than this is used and leaves out the lower quarter.
    Both,
}

impl Search<'_> {
    /// Decides all open groups of `choices` and keeps the result if it is the best; whether it is.
    pub(super) fn dive(&mut self, choices: &[Choice], start: &Relaxed, style: Style) -> bool {
        let mut choices = choices.to_vec();
        let mut priced = None;
        let mut relaxed = start.clone();
        for round in 0..ROUNDS_MAX {
            let is_settled = self.price_rails(&mut choices, &mut priced, &relaxed);
            let mut open = self.open_leanings(&mut choices, &relaxed, round > 0);
            open.retain(|(_, leaning)| leaning.fraction > INTEGRAL);
            if open.is_empty() && (is_settled || round >= RAIL_ROUNDS) {
                break;
            }
            decide(&mut choices, open, style);
            let model = priced.as_ref().unwrap_or(self.model);
            match self.solve_in(model, &choices, &relaxed.snapshot) {
                Outcome::Solved(next) => relaxed = *next,
                Outcome::Worse | Outcome::Halted => return false,
            }
        }
        self.offer(decided(self.model, &choices, &relaxed.shares), &relaxed.snapshot)
    }

    /// What is open, apart from rails; what is clearly not used is left out, and alternatives are reduced to one.
    fn open_leanings(&self, choices: &mut [Choice], relaxed: &Relaxed, is_late: bool) -> Vec<(usize, Leaning)> {
        let mut open = Vec::new();
        for (place, choice) in choices.iter_mut().enumerate().filter(|(_, choice)| **choice == Choice::Open) {
            let rule = self.model.groups[place].rule;
            if matches!(rule, Rule::Free | Rule::Rail) {
                continue;
            }
            let leaning = leaning(self.model, place, &relaxed.shares);
            match rule {
                Rule::One if leaning.used > 0.0 => *choice = leaning.nearest,
                Rule::Whole | Rule::WholeOne if is_late && leaning.used < 1e-4 => *choice = Choice::Out,
                Rule::Free | Rule::Rail | Rule::One | Rule::Whole | Rule::WholeOne => open.push((place, leaning)),
            }
        }
        open
    }

    /// Prices open rails by their last flow and drops those not worth their fee; whether none is left to change.
    fn price_rails(&self, choices: &mut [Choice], priced: &mut Option<Model>, relaxed: &Relaxed) -> bool {
        let mut is_settled = true;
        for (place, choice) in choices.iter_mut().enumerate().filter(|(_, choice)| **choice == Choice::Open) {
            let group = &self.model.groups[place];
            if group.rule != Rule::Rail {
                continue;
            }
            let hull = group.terms.start;
            let rail = self.model.rail(place);
            let flow = relaxed.shares[hull] * rail.most;
            let model = priced.get_or_insert_with(|| self.model.clone());
            if flow < FEES_MIN * rail.least {
                *choice = Choice::Out;
                is_settled = false;
                continue;
            }
            let effective = rail.rate * rail.most * (1.0 - (rail.fee / flow).min(FEE_SHARE_MAX));
            let old = model.terms[hull].by_x[1];
            is_settled &= (effective - old).abs() < 1e-4 * old;
            model.terms[hull].by_x[1] = effective;
        }
        is_settled
    }
}

/// Decides the clearest of the open cases.
fn decide(choices: &mut [Choice], mut open: Vec<(usize, Leaning)>, style: Style) {
    open.sort_by(|one, other| one.1.used.total_cmp(&other.1.used));
    let count = open.len();
    match style {
        Style::Drop(part) => {
            for (place, _) in open.into_iter().take(count.div_ceil(part)) {
                choices[place] = Choice::Out;
            }
        }
        Style::Both => {
            let quarter = count.div_ceil(4);
            for (at, (place, leaning)) in open.into_iter().enumerate() {
                let is_upper = at + quarter >= count && leaning.used > 0.6;
                if is_upper && leaning.nearest != Choice::Open {
                    choices[place] = leaning.nearest;
                } else if at < quarter {
                    choices[place] = Choice::Out;
                }
            }
        }
    }
}

/// The decisions with each open group decided as its shares are nearest to.
pub(super) fn decided(model: &Model, choices: &[Choice], shares: &[f64]) -> Vec<Choice> {
    let decide = |(place, choice): (usize, &Choice)| match choice {
        Choice::Open => leaning(model, place, shares).nearest,
        Choice::Out | Choice::In | Choice::Only(_) => *choice,
    };
    choices.iter().enumerate().map(decide).collect()
}
