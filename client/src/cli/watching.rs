//! Watching strategies at work: on a terminal the best score so far, what it can be at most, and the time left; a
//! signal asks for the best answer so far.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clearlane_solver::offline::Watch;
use clearlane_solver::strategy::Progress;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::failure::Failure;
use super::report;
use super::signals::stop_flag;

/// See the module.
pub(crate) struct Watching {
    bar: ProgressBar,
    heard: Mutex<BTreeMap<&'static str, Progress>>,
    stop: Arc<AtomicBool>,
}

impl Watching {
    /// Begins to watch for as long as strategies may take; from now on a first signal only asks for their answers.
    pub(crate) fn new(what: &str, budget: Option<Duration>) -> Result<Watching, Failure> {
        let bar = report::spinner(what);
        if let Some(budget) = budget.filter(|_| !bar.is_hidden()) {
            let left = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // What can't be shown is not.
                let _ = write!(out, "{} s left", budget.saturating_sub(state.elapsed()).as_secs());
            };
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {left}") {
                bar.set_style(style.with_key("left", left));
            }
        }
        Ok(Watching { bar, heard: Mutex::default(), stop: stop_flag()? })
    }

    /// Whether a signal asked for the answers.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Lets a strategy of this name answer, watched.
    pub(crate) fn watch<T>(&self, strategy: &'static str, answer: impl FnOnce(Watch<'_>) -> T) -> T {
        let is_wanted = || self.is_stopped();
        let tell = |progress: Progress| self.hear(strategy, progress);
        answer(Watch { is_wanted: &is_wanted, tell: &tell })
    }

    /// Stops showing anything.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn hear(&self, strategy: &'static str, progress: Progress) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(strategy, progress);
        self.bar.set_message(text(&heard));
    }
}

/// The best of what was heard, in a line.
fn text(heard: &BTreeMap<&'static str, Progress>) -> String {
    let best = heard.iter().max_by(|(_, one), (_, other)| one.score.total_cmp(&other.score));
    let Some((strategy, Progress { score, bound })) = best else { return "solving".to_owned() };
    let of_bound = match bound {
        Some(bound) if *bound > 0.0 => format!(" of at most {bound:.2} ({:.2} %)", 100.0 * score / bound),
        Some(_) | None => String::new(),
    };
    format!("{strategy}: best {score:.2}{of_bound}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_shown_with_its_bound() {
        let mut heard = BTreeMap::new();
        assert_eq!(text(&heard), "solving");
        heard.insert("one", Progress { score: 10.0, bound: None });
        assert_eq!(text(&heard), "one: best 10.00");
        heard.insert("other", Progress { score: 12.5, bound: Some(20.0) });
        assert_eq!(text(&heard), "other: best 12.50 of at most 20.00 (62.50 %)");
    }
}
