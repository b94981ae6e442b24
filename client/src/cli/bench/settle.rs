//! `bench settle`: bundles a second, method by method, against one bundle after another.

use std::path::PathBuf;
use std::time::Duration;

use clearlane_core::lanes::Executor as _;
use clearlane_engine::executor::{LANES_MAX, Method, Workers};
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::report;
use super::settlement::{Work, rounds_per_micro};
use super::workload::{WORKLOADS, Workload};
use super::{nanos, ours, peers, permille, rounds_in_turn};

/// The work of one measured batch: long against starting threads, short against patience.
const BATCH_NANOS: u64 = 60_000_000;
/// Bundles of a batch at most, where they do no work.
const BUNDLES_MAX: u64 = 200_000;
/// What settling a bundle takes besides its work, about.
const SETTLE_NANOS: u64 = 30;

/// Measures running bundles: ours and its rivals, over one settlement.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane bench settle --workload uniform --work-us 1
  clearlane bench settle --auction auction.json

Every method settles the same bundles and must leave the same books. `speed-up` is against one bundle after
another on one thread, planning and starting threads included. `chosen` is what the cost model takes.
Block-STM needs no footprints and ours does; DSATUR reorders, so its books may differ.")]
pub(crate) struct Settle {
    /// The bundles of this auction, solved first, instead of workloads.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["workloads", "works", "dsatur"])]
    auction: Option<PathBuf>,
    /// Only these workloads.
    #[arg(long = "workload", value_name = "NAME")]
    workloads: Vec<String>,
    /// Only these microseconds of work a bundle; `mixed` is 1:10 around 1.
    #[arg(long = "work-us", value_name = "N")]
    works: Vec<String>,
    /// Threads; 0 takes one per processor.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = workers_of)]
    workers: usize,
    /// Runs DSATUR's colours with a barrier after each too, coloured before: on smaller batches.
    #[arg(long)]
    dsatur: bool,
    /// Rounds of which the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// One measured method.
struct Row {
    workload: &'static str,
    work: String,
    bundles: usize,
    method: &'static str,
    nanos: u64,
    speed_up_permille: u64,
    /// `None` where the method has an order of its own.
    is_equal: Option<bool>,
    chosen: Option<&'static str>,
}

impl Settle {
    /// Measures and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = Workers::calibrated(if self.workers == 0 { processors } else { self.workers });
        if let Some(path) = &self.auction {
            return super::auction::run(path, workers, self.rounds, is_json);
        }
        let rounds_per_micro = rounds_per_micro();
        let shapes = self.shapes()?;
        let works = self.works()?;
        let mut rows = Vec::new();
        let spinner = report::spinner("measuring");
        for shape in shapes {
            for work in &works {
                spinner.set_message(format!("measuring {} at {} µs", shape.0, work.0));
                rows.extend(self.measure(shape, work, workers, rounds_per_micro));
            }
        }
        spinner.finish_and_clear();
        let differs =
            rows.iter().find(|row| row.is_equal == Some(false)).map(|row| format!("{} {}", row.workload, row.method));
        report::print(is_json, &human(&rows, workers.lanes()), &to_json(&rows, workers))?;
        differs.map_or(Ok(()), |what| Err(Failure::Failed(format!("{what} left other books"))))
    }

    fn shapes(&self) -> Result<Vec<(&'static str, super::workload::Shape)>, Failure> {
        let known = || WORKLOADS.map(|(name, _)| name).join(", ");
        if self.workloads.is_empty() {
            return Ok(WORKLOADS.to_vec());
        }
        let find = |name: &String| {
            let found = WORKLOADS.into_iter().find(|(known, _)| known == name);
            found.ok_or_else(|| Failure::Usage(format!("expected a workload of {}, found {name}", known())))
        };
        self.workloads.iter().map(find).collect()
    }

    fn works(&self) -> Result<Vec<(String, u64, bool)>, Failure> {
        if self.works.is_empty() {
            return Ok(["0", "1", "10", "mixed"].iter().filter_map(|text| work_of(text)).collect());
        }
        let find = |text: &String| {
            let expected = || format!("expected whole microseconds up to 1000 or `mixed`, found {text}");
            work_of(text).ok_or_else(|| Failure::Usage(expected()))
        };
        self.works.iter().map(find).collect()
    }

    fn measure(
        &self,
        shape: (&'static str, super::workload::Shape),
        (name, each, is_mixed): &(String, u64, bool),
        workers: Workers,
        rounds_per_micro: u64,
    ) -> Vec<Row> {
        let most = if self.dsatur { peers::barriers::COLOURED_MAX as u64 } else { BUNDLES_MAX };
        let bundles = (BATCH_NANOS / (each + SETTLE_NANOS)).min(most);
        let workload = Workload::new(shape, u32::try_from(bundles).unwrap_or(u32::MAX), 1);
        let work = Work::new(workload.batch.len(), *each, *is_mixed, rounds_per_micro);
        let colouring = if self.dsatur { peers::barriers::colour(&workload) } else { None };
        let methods = methods(&workload, &work, workers, colouring.as_ref());
        let settled: Vec<&dyn Fn() -> Vec<u64>> = methods.iter().map(|method| method.settle.as_ref()).collect();
        let measured = rounds_in_turn(self.rounds, &settled);
        let Some((base, _)) = measured.first() else { return Vec::new() };
        // Of a run of its own: the first row is compared as well.
        let expected = &ours::sequential(&workload, &work);
        let row = |(method, (time, values)): (&Way<'_>, &(Duration, Vec<u64>))| Row {
            workload: workload.name,
            work: name.clone(),
            bundles: workload.batch.len(),
            method: method.name,
            nanos: nanos(*time),
            speed_up_permille: permille(nanos(*base), nanos(*time)),
            is_equal: method.keeps_order.then(|| values == expected),
            chosen: method.chosen,
        };
        methods.iter().zip(&measured).map(row).collect()
    }
}

/// Settles a batch and gives what its resources then hold.
type Settled<'a> = Box<dyn Fn() -> Vec<u64> + 'a>;

/// One way to settle a batch.
struct Way<'a> {
    name: &'static str,
    chosen: Option<&'static str>,
    /// Whether it must leave the books of one bundle after another.
    keeps_order: bool,
    settle: Settled<'a>,
}

/// One bundle after another first, against which all others are measured.
fn methods<'a>(
    workload: &'a Workload,
    work: &'a Work,
    workers: Workers,
    colouring: Option<&'a peers::barriers::Colouring>,
) -> Vec<Way<'a>> {
    let lanes = workers.lanes();
    let way = |name, settle: Settled<'a>| Way { name, chosen: None, keeps_order: true, settle };
    let chosen = workers.choose(&workload.batch, &work.nanos).method.name();
    let mut all = vec![
        way("sequential", Box::new(|| ours::sequential(workload, work))),
        Way { chosen: Some(chosen), ..way("chosen", Box::new(move || ours::chosen(workload, work, workers))) },
    ];
    let ours = [Method::Independent, Method::Tickets, Method::ReadyQueue].into_iter();
    let ours = ours.filter(|method| *method != Method::Independent || workload.batch.is_commuting());
    all.extend(
        ours.map(|method| way(method.name(), Box::new(move || ours::by_method(workload, work, workers, method)))),
    );
    all.push(way("block-stm", Box::new(move || peers::block_stm::run(workload, work, lanes))));
    all.push(way("sorted-locks", Box::new(move || peers::locks::run(workload, work, lanes))));
    all.extend(colouring.map(|colouring| {
        let settle: Settled<'a> = Box::new(move || peers::barriers::run(workload, work, lanes, colouring));
        Way { keeps_order: false, ..way("dsatur-barriers", settle) }
    }));
    all
}

fn workers_of(text: &str) -> Result<usize, String> {
    let expected = || format!("expected at most {LANES_MAX}");
    text.parse().ok().filter(|workers| *workers <= LANES_MAX).ok_or_else(expected)
}

fn work_of(text: &str) -> Option<(String, u64, bool)> {
    if text == "mixed" {
        return Some((text.to_owned(), 1_000, true));
    }
    let micros: u64 = text.parse().ok().filter(|micros| *micros <= 1_000)?;
    Some((text.to_owned(), micros * 1_000, false))
}

fn human(rows: &[Row], lanes: usize) -> String {
    let header = ["workload", "µs", "bundles", "method", "bundles/s", "speed-up", "books"];
    let cells = |row: &Row| {
        let per_second = row.bundles as u128 * 1_000_000_000 / u128::from(row.nanos.max(1));
        let method = row.chosen.map_or_else(|| row.method.to_owned(), |chosen| format!("chosen: {chosen}"));
        vec![
            row.workload.to_owned(),
            row.work.clone(),
            row.bundles.to_string(),
            method,
            per_second.to_string(),
            format!("{}.{:03}", row.speed_up_permille / 1_000, row.speed_up_permille % 1_000),
            row.is_equal.map_or("another order", |is_equal| if is_equal { "equal" } else { "DIFFERENT" }).to_owned(),
        ]
    };
    format!("{lanes} workers\n{}", report::table(&header, &rows.iter().map(cells).collect::<Vec<_>>()))
}

fn to_json(rows: &[Row], workers: Workers) -> Value {
    let model = workers.model();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "workload": row.workload, "work_us": row.work, "bundles": row.bundles, "method": row.method,
                "chosen": row.chosen, "nanos": row.nanos, "speed_up_permille": row.speed_up_permille,
                "equal": row.is_equal,
            })
        })
        .collect();
    json!({
        "bench": "settle", "workers": workers.lanes(), "rows": rows,
        "model_nanos": {"spawn": model.spawn, "claim": model.claim, "plan": model.plan, "rank": model.rank,
            "release": model.release},
    })
}
