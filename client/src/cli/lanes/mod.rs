//! `lanes`: the plan of a batch of bundles in numbers and as a picture.

mod explained;
mod solutions;
mod without;

use std::path::{Path, PathBuf};

use clearlane_core::lanes::{
    Batch, ExplainError, Footprint, GRAPH_BUNDLES_MAX, PREVIEW_BUNDLES_MAX, Plan, PlanReport, RESOURCES_MAX, Slot,
    explain, picture, schedule, svg,
};
use clearlane_solver::formats::Auction;
use clearlane_solver::formats::solution::FileSolution;
use serde_json::{Map, Value, json};

use super::check::verdict;
use super::competition::read_auction;
use super::failure::{Failure, read_file, write_file};
use super::footprints::{Footprints, is_lines, of_auction, read_lines};
use super::report;
use without::Without;

/// Characters a row of the picture.
const PICTURE_WIDTH: usize = 100;
/// The most rows of the picture.
const PICTURE_WORKERS_MAX: usize = 1_024;
/// The bundles whose slots the JSON gives at most: as many as one can be explained among.
const SCHEDULE_MAX: usize = GRAPH_BUNDLES_MAX;
/// The most ids that a refusal or a row names: what fits a few lines of a terminal.
const IDS_SHOWN_MAX: usize = 12;

/// Plans bundles in lanes: what can run side by side, what has to wait, how long it takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane lanes bundles.jsonl
  clearlane lanes bundles.jsonl --explain a
  clearlane lanes bundles.jsonl --without a --json
  clearlane lanes auction.json --workers 16 --svg plan.svg --json
  clearlane lanes auction.json --solution mine.json --solution theirs.json

A file of bundles has one a line:
  {\"id\":\"a\",\"cost\":3,\"score\":10,\"write\":[\"pool\"],\"read\":[],\"add\":[]}
Higher scores come first, ties as given; keys are any texts; an id names one bundle, and a line
without one has its place, from 0. Two bundles conflict if they share a key and are not both
reading or both adding.

An auction file is solved first, and every bundle that holds is planned, as STRATEGY-NUMBER.
With --solution it is not solved: each solution, as `solve --solution` writes it and `check`
reads it, must be valid and is split into bundles, fills and uses that share no asset (in one
module) and no intent going apart. They are called s1-0, s1-1, ... of the first file, s2-0, ...
of the second, cost their fills and uses, and come best score first. Parts of one solution
never conflict; those of several do.

A makespan is compared with two bounds, in thousandths in JSON: the work shared by the workers
or the critical path, which no schedule in this order beats, and the work or the busiest
resource's writers, which none in any order does. In the picture a row is a worker, a letter a
colour, capitals the critical path; --svg frames it.")]
pub(crate) struct Lanes {
    /// Bundles as JSON lines, or an auction; `-` reads standard input.
    file: PathBuf,
    /// Plans what is in this solution of the auction; repeat it for several.
    #[arg(long, value_name = "FILE")]
    solution: Vec<PathBuf>,
    /// Explains what this bundle waits for and what would free it.
    #[arg(long, value_name = "BUNDLE")]
    explain: Option<String>,
    /// Shows what the plan would be without this bundle.
    #[arg(long, value_name = "BUNDLE")]
    without: Option<String>,
    /// Draws the plan into this file.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Workers in the picture and the explanation.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    workers: u32,
}

impl Lanes {
    /// Plans and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let batch = batch_of(&read_file(&self.file)?, &self.solution)?;
        let (human, json) = self.plan(&batch, !is_json && report::is_colourful())?;
        report::print(is_json, &human, &json)
    }

    /// What is printed of a batch, as text and as JSON; draws it on request.
    fn plan(&self, batch: &Footprints, is_colourful: bool) -> Result<(String, Value), Failure> {
        let asked = self.asked(batch)?;
        let footprints: Vec<&Footprint> = batch.footprints.iter().collect();
        let too_many = || Failure::Failed(format!("expected at most {RESOURCES_MAX} keys, found more"));
        let numbered = Batch::new(&footprints).ok_or_else(too_many)?;
        let plan = Plan::new(&numbered);
        let workers = usize::try_from(self.workers).unwrap_or(PICTURE_WORKERS_MAX);
        let planned = PlanReport::of(&numbered, &batch.costs);
        let (mut text, mut json) = (human(&planned), to_json(&planned));
        json.insert("schedule".to_owned(), schedule_json(batch, &plan, workers));
        json.insert("schedule_left_out".to_owned(), plan.bundles().saturating_sub(SCHEDULE_MAX).into());
        if let Some(at) = asked.without {
            let without = Without::of(batch, at)?;
            text.push_str(&without.human());
            json.insert("without".to_owned(), without.to_json());
        }
        if let Some(at) = asked.explain {
            let found =
                explain(&batch.footprints, &batch.costs, at, workers).map_err(|error| unexplained(batch, at, error))?;
            text.push_str(&format!("\n{}", explained::human(batch, &found, (plan.colours(), workers))));
            json.insert("explain".to_owned(), explained::to_json(batch, &found, workers));
        }
        if let Some(path) = &self.svg {
            write_file(path, &svg(&plan, &batch.costs, workers, &batch.names))?;
        }
        text.push_str(&format!("\n{}", picture(&plan, &batch.costs, workers, PICTURE_WIDTH, is_colourful)));
        Ok((text, Value::Object(json)))
    }

    /// What is asked of single bundles, refused before anything is planned where it can't be answered.
    fn asked(&self, batch: &Footprints) -> Result<Asked, Failure> {
        let place = |id: &Option<String>| id.as_ref().map(|id| place_of(batch, id)).transpose();
        let asked = Asked { without: place(&self.without)?, explain: place(&self.explain)? };
        let bundles = batch.footprints.len();
        if asked.without.is_some() && bundles > PREVIEW_BUNDLES_MAX {
            let message = format!("--without: expected at most {PREVIEW_BUNDLES_MAX} bundles, found {bundles}");
            return Err(Failure::Failed(message));
        }
        match asked.explain {
            Some(at) if bundles > GRAPH_BUNDLES_MAX => {
                Err(unexplained(batch, at, ExplainError::TooManyBundles(bundles)))
            }
            Some(_) | None => Ok(asked),
        }
    }
}

/// The places of the bundles that are asked for.
struct Asked {
    without: Option<usize>,
    explain: Option<usize>,
}

fn unexplained(batch: &Footprints, at: usize, error: ExplainError) -> Failure {
    let id = batch.names.get(at).map_or("", String::as_str);
    Failure::Failed(format!("can't explain {id:?}: {error}"))
}

/// The first bundles in the order of the plan, each with when and on which of the picture's workers it runs.
fn schedule_json(batch: &Footprints, plan: &Plan, workers: usize) -> Value {
    let mut slots = schedule(plan, &batch.costs, workers);
    slots.sort_unstable_by_key(|slot| slot.bundle);
    let row = |(slot, (at, name)): (&Slot, (usize, &String))| json!({ "bundle": name, "colour": plan.colour(at), "start": slot.start, "worker": slot.worker });
    slots.iter().zip(batch.names.iter().enumerate()).take(SCHEDULE_MAX).map(row).collect()
}

fn batch_of(bytes: &[u8], solutions: &[PathBuf]) -> Result<Footprints, Failure> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.trim().is_empty() || is_lines(text));
    if let (Some(_), false) = (text, solutions.is_empty()) {
        return Err(Failure::Usage("--solution: expected an auction to go with it, found bundles as lines".to_owned()));
    }
    if let Some(text) = text {
        return read_lines(text);
    }
    let auction = read_auction(bytes)?;
    let mut batch = if solutions.is_empty() {
        let spinner = report::spinner("solving");
        let batch = of_auction(&auction);
        spinner.finish_and_clear();
        batch?
    } else {
        let read = solutions.iter().map(|path| read_solution(&auction, path)).collect::<Result<Vec<_>, _>>()?;
        solutions::bundles_of(&auction, &read)
    };
    batch.labels = solutions::labels_of(&auction, &batch.footprints);
    Ok(batch)
}

/// Reads a solution that holds.
fn read_solution(auction: &Auction, path: &Path) -> Result<FileSolution, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{}: {error}", path.display()));
    let solution = FileSolution::read(auction, &read_file(path)?).map_err(|error| failed(&error))?;
    verdict(auction, &solution).map_err(|refusal| failed(&format!("not valid: {refusal}")))?;
    Ok(solution)
}

/// The place of the bundle that is called this.
fn place_of(batch: &Footprints, id: &str) -> Result<usize, Failure> {
    let place = batch.names.iter().position(|name| name == id);
    place.ok_or_else(|| {
        let ids = if batch.names.is_empty() { "there is none".to_owned() } else { listed(batch.names.iter().cloned()) };
        Failure::Failed(format!(
            "expected the id of a planned bundle, found {id:?}; give one of: {ids} (a line without an id has its \
             place from 0; --svg OUT shows all of them)"
        ))
    })
}

/// Up to [`IDS_SHOWN_MAX`] of these with commas, and how many more there are.
fn listed(mut items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(IDS_SHOWN_MAX);
    let mut text = items.by_ref().take(IDS_SHOWN_MAX).map(|item| shown(&item)).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A name from a file, without what would move a terminal's cursor.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn to_json(planned: &PlanReport) -> Map<String, Value> {
    let by_workers = |values: &[(usize, u64)]| -> Value {
        let entries = values.iter().map(|(workers, value)| (workers.to_string(), Value::from(*value)));
        Value::Object(entries.collect())
    };
    let json = json!({
        "bundles": planned.bundles,
        "colours": planned.colours,
        "components": planned.components,
        "hottest": planned.hottest,
        "hottest_work": planned.hottest_work,
        "work": planned.work,
        "critical_path": planned.critical_path,
        "makespan": by_workers(&planned.makespan),
        "permille_in_order": by_workers(&planned.permille_in_order()),
        "permille_in_any_order": by_workers(&planned.permille_in_any_order()),
    });
    match json {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn human(planned: &PlanReport) -> String {
    let mut text = format!(
        "bundles        {} in {}\ncolours        {}\n\
         hottest        {} writers of the busiest resource\n\
         hottest work   {} of the writers of one resource\n\
         work           {}\ncritical path  {}\n",
        planned.bundles,
        report::counted(u64::from(planned.components), "component"),
        planned.colours,
        planned.hottest,
        planned.hottest_work,
        planned.work,
        planned.critical_path,
    );
    let (in_order, in_any_order) = (planned.permille_in_order(), planned.permille_in_any_order());
    for (((workers, span), (_, kept)), (_, free)) in planned.makespan.iter().zip(in_order).zip(in_any_order) {
        let (kept, free) = (thousandths(kept), thousandths(free));
        text.push_str(&format!(
            "makespan       {span} on {}: {kept} of the bound in this order, {free} in any order\n",
            report::counted(*workers as u64, "worker"),
        ));
    }
    text
}

fn thousandths(permille: u64) -> String {
    format!("{}.{:03}", permille / 1_000, permille % 1_000)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        lanes: Lanes,
    }

    const TEXT: &[u8] = b"{\"id\":\"a\",\"cost\":3,\"write\":[\"x\"]}\n{\"id\":\"b\",\"cost\":3,\"write\":[\"x\"]}\n\
        {\"id\":\"c\",\"write\":[\"y\"]}";

    fn lanes(arguments: &str) -> Lanes {
        Line::try_parse_from(format!("lanes file {arguments}").split_whitespace()).expect("arguments").lanes
    }

    fn planned(arguments: &str) -> Result<(String, Value), Failure> {
        lanes(arguments).plan(&batch_of(TEXT, &[])?, false)
    }

    #[test]
    fn the_object_keeps_its_fields_and_has_more_on_request() {
        let (_, json) = planned("").expect("a plan");
        let expected = json!({
            "bundles": 3, "colours": 2, "components": 2, "hottest": 2, "hottest_work": 6, "work": 7, "critical_path": 6,
            "makespan": { "1": 7, "2": 6, "8": 6, "16": 6, "64": 6 },
            "permille_in_order": { "1": 1000, "2": 1000, "8": 1000, "16": 1000, "64": 1000 },
            "permille_in_any_order": { "1": 1000, "2": 1000, "8": 1000, "16": 1000, "64": 1000 },
            "schedule": [
                { "bundle": "a", "colour": 1, "start": 0, "worker": 0 },
                { "bundle": "b", "colour": 2, "start": 3, "worker": 0 },
                { "bundle": "c", "colour": 1, "start": 0, "worker": 1 },
            ],
            "schedule_left_out": 0,
        });
        assert_eq!(json, expected);
        let (_, json) = planned("--explain b --without a").expect("a plan");
        assert_eq!((&json["explain"]["bundle"], &json["without"]["bundle"]), (&json!("b"), &json!("a")));
        assert_eq!(json["bundles"], 3);
    }

    #[test]
    fn the_text_is_a_report_then_what_was_asked_then_the_picture() {
        let (text, _) = planned("--workers 2 --without a --explain c").expect("a plan");
        assert!(
            text.starts_with("bundles        3 in 2 components\ncolours        2\nhottest        2 writers"),
            "{text}"
        );
        assert!(text.contains("makespan       7 on 1 worker: 1.000 of the bound in this order, 1.000 in any order\n"));
        let places = ["\nwithout a\n", "\nbundle         c, colour 1 of 2", "\n  0 AAABBB\n  1 a.....\n"];
        let places = places.map(|part| text.find(part).expect("a part"));
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn an_unknown_bundle_is_refused_with_those_there_are() {
        let refused = |arguments: &str| planned(arguments).expect_err("an unknown bundle").to_string();
        let expected = "expected the id of a planned bundle, found \"z\"; give one of: a, b, c (a line without an id \
            has its place from 0; --svg OUT shows all of them)";
        assert_eq!((refused("--explain z"), refused("--without z")), (expected.to_owned(), expected.to_owned()));
        assert_eq!(listed((0..14).map(|at| at.to_string())), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more");
        assert_eq!(thousandths(1_058), "1.058");
    }

    #[test]
    fn what_is_too_large_to_explain_is_refused_by_its_bound() {
        let text: String = (0..4_097).map(|at| format!("{{\"id\":\"{at}\",\"add\":[\"x\"]}}\n")).collect();
        let refused = lanes("--explain 5").plan(&batch_of(text.as_bytes(), &[]).expect("bundles"), false);
        let expected = "can't explain \"5\": expected at most 4096 bundles to explain one of, found 4097";
        assert_eq!(refused.expect_err("too many").to_string(), expected);
        let batch = batch_of(text.as_bytes(), &[]).expect("bundles");
        let (_, json) = lanes("").plan(&batch, false).expect("a plan");
        assert_eq!(json["schedule"].as_array().map(Vec::len), Some(SCHEDULE_MAX));
        assert_eq!(json["schedule_left_out"], 1);
    }

    #[test]
    fn a_solution_needs_an_auction() {
        let failure = batch_of(TEXT, &[PathBuf::from("solution.json")]).expect_err("lines");
        assert_eq!(failure.status(), 2);
        assert!(batch_of(b" \n", &[]).expect("nothing").names.is_empty());
    }
}
