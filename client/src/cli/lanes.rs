//! `lanes`: the plan of a batch of bundles in numbers and as a picture.

use std::path::PathBuf;

use clearlane_core::lanes::{Batch, Footprint, Plan, PlanReport, RESOURCES_MAX, picture, svg};
use serde_json::{Map, Value, json};

use super::competition::read_auction;
use super::failure::{Failure, read_file, write_file};
use super::footprints::{Footprints, is_lines, of_auction, read_lines};
use super::report;

/// Characters a row of the picture.
const PICTURE_WIDTH: usize = 100;
/// The most rows of the picture.
const PICTURE_WORKERS_MAX: usize = 1_024;

/// Plans bundles in lanes: what can run side by side, what has to wait, how long it takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane lanes bundles.jsonl
  clearlane lanes auction.json --workers 16 --svg plan.svg --json

A file of bundles has one a line: {\"id\":\"a\",\"cost\":3,\"score\":10,\"write\":[\"pool\"],\"read\":[],\"add\":[]}.
Higher scores come first, ties as given; keys are any texts. An auction file is solved first, and every
bundle that holds is planned. In the picture a row is a worker, a letter a colour, capitals the critical path.")]
pub(crate) struct Lanes {
    /// Bundles as JSON lines, or an auction; `-` reads standard input.
    file: PathBuf,
    /// Draws the plan into this file.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Workers in the picture.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    workers: u32,
}

impl Lanes {
    /// Plans and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let bytes = read_file(&self.file)?;
        let batch = batch_of(&bytes)?;
        let footprints: Vec<&Footprint> = batch.footprints.iter().collect();
        let too_many = || Failure::Failed(format!("expected at most {RESOURCES_MAX} keys, found more"));
        let numbered = Batch::new(&footprints).ok_or_else(too_many)?;
        let plan = Plan::new(&numbered);
        let workers = usize::try_from(self.workers).unwrap_or(PICTURE_WORKERS_MAX);
        if let Some(path) = &self.svg {
            write_file(path, &svg(&plan, &batch.costs, workers, &batch.names))?;
        }
        let planned = PlanReport::of(&numbered, &batch.costs);
        let drawn = picture(&plan, &batch.costs, workers, PICTURE_WIDTH, !is_json && report::is_colourful());
        let json = to_json(&planned);
        report::print(is_json, &format!("{}\n{drawn}", human(&planned)), &json);
        Ok(())
    }
}

fn batch_of(bytes: &[u8]) -> Result<Footprints, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Ok(Footprints::default()),
        Ok(text) if is_lines(text) => read_lines(text),
        Ok(_) | Err(_) => {
            let spinner = report::spinner("solving");
            let batch = of_auction(&read_auction(bytes)?);
            spinner.finish_and_clear();
            batch
        }
    }
}

fn to_json(planned: &PlanReport) -> Value {
    let makespan: Map<String, Value> =
        planned.makespan.iter().map(|(workers, span)| (workers.to_string(), Value::from(*span))).collect();
    json!({
        "bundles": planned.bundles,
        "colours": planned.colours,
        "hottest": planned.hottest,
        "work": planned.work,
        "critical_path": planned.critical_path,
        "makespan": makespan,
    })
}

fn human(planned: &PlanReport) -> String {
    let mut text = format!(
        "bundles        {}\ncolours        {}\nhottest        {} writers of the busiest resource\n\
         work           {}\ncritical path  {}\n",
        planned.bundles, planned.colours, planned.hottest, planned.work, planned.critical_path,
    );
    for (workers, span) in &planned.makespan {
        text.push_str(&format!("makespan       {span} on {workers} workers\n"));
    }
    text
}
