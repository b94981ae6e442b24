//! `bench lanes`: what planning costs, how good plans are, and what rivals need for the same.

use clearlane_core::lanes::{
    Batch, Footprint, Plan, PlanReport, Planner, bound_in_order, ended, makespan, schedule_expecting,
};
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::report;
use super::workload::{Random, Shape, WORKLOADS, Workload};
use super::{median, nanos, peers, permille_up};

/// The numbers of workers for which makespans are simulated.
const WORKERS: [usize; 4] = [2, 8, 16, 64];
/// Bundles of the batch on which exact graphs are built and coloured by DSATUR: some seconds and a gigabyte.
const DSATUR_BUNDLES: u32 = 10_000;

/// Measures planning: nanoseconds and bytes a bundle, colours, makespans; prio-graph and DSATUR beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`plan` is colours and links to direct predecessors; `number` lays a batch out for it; `rank` adds what the ready
queue needs. Makespans are simulated exactly, by list scheduling, longest remaining path first, and given as
thousandths of max(work/p, critical path) (order kept) and of max(work/p, hottest) (any order).
prio-graph is measured in builds with the feature `peers`.")]
pub(crate) struct Lanes {
    /// Bundles a batch.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    bundles: u32,
    /// Rounds of which the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Leaves out DSATUR on the exact graph, which takes most of the time and memory.
    #[arg(long)]
    no_dsatur: bool,
}

/// What one workload gave.
struct Row {
    name: &'static str,
    bundles: usize,
    number_nanos: u64,
    plan_nanos: u64,
    rank_nanos: u64,
    bytes: u64,
    report: PlanReport,
    makespans: Vec<Makespans>,
    rival_nanos: Option<u64>,
}

/// The simulated makespans of a workload at some costs.
struct Makespans {
    costs: &'static str,
    spans: Vec<Span>,
}

/// A makespan on some workers, in thousandths of what no schedule can beat, rounded up.
struct Span {
    workers: usize,
    /// Of max(work/p, critical path).
    of_path: u64,
    /// Of the sharper bound that also counts what has to come first.
    of_bound: u64,
    /// Of max(work/p, hottest), whatever the order.
    of_any_order: u64,
}

/// The exact graph against the planner, on one hot batch.
struct Duel {
    bundles: usize,
    plan_nanos: u64,
    dsatur_nanos: u64,
    dsatur_colours: u32,
    colours: u32,
    edges: usize,
    rival: Option<(u64, usize)>,
    /// Per number of workers the makespan of DSATUR's classes with a barrier after each, and ours, at unit costs.
    spans: Vec<(usize, u64, u64)>,
}

impl Lanes {
    /// Measures and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let rounds = usize::try_from(self.rounds).unwrap_or(1);
        let spinner = report::spinner("planning");
        let mut rows = Vec::new();
        for shape in WORKLOADS {
            spinner.set_message(format!("planning {}", shape.0));
            rows.push(measure(&Workload::new(shape, self.bundles, 1), rounds));
        }
        spinner.set_message("colouring the exact graph by DSATUR");
        let duel = if self.no_dsatur { None } else { duel(rounds) };
        spinner.finish_and_clear();
        report::print(is_json, &human(&rows, duel.as_ref()), &to_json(&rows, duel.as_ref()))
    }
}

fn measure(workload: &Workload, rounds: usize) -> Row {
    let bundles = workload.batch.len();
    let each = |time| nanos(time) / (bundles as u64).max(1);
    let references: Vec<&Footprint> = workload.footprints.iter().collect();
    let (numbering, _) = median(rounds, || Batch::new(&references));
    let (planning, plan) = median(rounds, || Plan::new(&workload.batch));
    let plan = plan.unwrap_or_default();
    let (ranking, _) = median(rounds, || (plan.longest_remaining(&[]), plan.followers()));
    let mut planner = Planner::new(&workload.batch);
    let whole = planner.next_part(bundles);
    let report = PlanReport::of(&workload.batch, &[]);
    Row {
        name: workload.name,
        bundles,
        number_nanos: each(numbering),
        plan_nanos: each(planning),
        rank_nanos: each(ranking),
        bytes: (whole.bytes() + planner.bytes()) as u64 / (bundles as u64).max(1),
        makespans: makespans(&workload.batch, &plan),
        rival_nanos: peers::priority_graph::plan(workload).map(|levels| each(levels.elapsed)),
        report,
    }
}

/// At unit costs, at costs of 1:10, and at these mispredicted up to twofold.
fn makespans(batch: &Batch, plan: &Plan) -> Vec<Makespans> {
    let bundles = plan.bundles();
    let unit = vec![1; bundles];
    let mut random = Random::new(3);
    let mixed: Vec<u64> = (0..bundles).map(|_| if random.below(10) == 0 { 100 } else { 10 }).collect();
    // Each cost expected at between half and twice what it is.
    let expected: Vec<u64> = mixed.iter().map(|cost| cost * (50 + u64::from(random.below(151))) / 100).collect();
    let spans = |expected: &[u64], costs: &[u64]| {
        let critical = plan.critical_path(costs);
        let (work, hottest) = (costs.iter().sum::<u64>(), batch.hottest_work(costs));
        let of = |workers: usize| {
            let span = ended(&schedule_expecting(plan, expected, costs, workers));
            let share = work.div_ceil(workers as u64);
            Span {
                workers,
                of_path: permille_up(span, share.max(critical)),
                of_bound: permille_up(span, bound_in_order(plan, costs, workers)),
                of_any_order: permille_up(span, share.max(hottest)),
            }
        };
        WORKERS.into_iter().map(of).collect::<Vec<_>>()
    };
    let at = |name, expected: &[u64], costs: &[u64]| Makespans { costs: name, spans: spans(expected, costs) };
    vec![at("unit", &unit, &unit), at("1:10", &mixed, &mixed), at("1:10, mispredicted 2x", &expected, &mixed)]
}

fn duel(rounds: usize) -> Option<Duel> {
    let workload = Workload::new(("zipf-1.1", Shape::Zipf(11)), DSATUR_BUNDLES, 1);
    let (planning, plan) = median(rounds.max(9), || Plan::new(&workload.batch));
    let plan = plan?;
    let colouring = peers::barriers::colour(&workload)?;
    let span = |workers| (workers, peers::barriers::makespan(&colouring, &[], workers), makespan(&plan, &[], workers));
    Some(Duel {
        bundles: workload.batch.len(),
        plan_nanos: nanos(planning),
        dsatur_nanos: nanos(colouring.elapsed),
        dsatur_colours: colouring.colours,
        colours: plan.colours(),
        edges: colouring.edges,
        rival: peers::priority_graph::plan(&workload).map(|found| (nanos(found.elapsed), found.levels)),
        spans: WORKERS.map(span).to_vec(),
    })
}

fn human(rows: &[Row], duel: Option<&Duel>) -> String {
    let header = ["workload", "number", "plan", "rank", "prio-graph", "bytes", "colours", "hottest"];
    let text = |nanos: Option<u64>| nanos.map_or_else(|| "-".to_owned(), |nanos| nanos.to_string());
    let cells = |row: &Row| {
        let numbers = [row.number_nanos, row.plan_nanos, row.rank_nanos].map(|nanos| nanos.to_string());
        let mut cells = vec![row.name.to_owned()];
        cells.extend(numbers);
        cells.push(text(row.rival_nanos));
        cells.extend([row.bytes, u64::from(row.report.colours), u64::from(row.report.hottest)].map(|n| n.to_string()));
        cells
    };
    let bundles = rows.first().map_or(0, |row| row.bundles);
    let mut out = format!("{bundles} bundles a batch; nanoseconds and bytes a bundle\n");
    out.push_str(&report::table(&header, &rows.iter().map(cells).collect::<Vec<_>>()));
    out.push_str(
        "\nmakespan in thousandths of max(work/p, critical path) | the sharper bound | max(work/p, hottest)\n",
    );
    let spans = |row: &Row| -> Vec<Vec<String>> {
        let span = |span: &Span| format!("{} | {} | {}", span.of_path, span.of_bound, span.of_any_order);
        let line = |at: &Makespans| {
            let mut cells = vec![row.name.to_owned(), at.costs.to_owned()];
            cells.extend(at.spans.iter().map(span));
            cells
        };
        row.makespans.iter().map(line).collect()
    };
    let header = ["workload", "costs", "p = 2", "p = 8", "p = 16", "p = 64"];
    out.push_str(&report::table(&header, &rows.iter().flat_map(spans).collect::<Vec<_>>()));
    if let Some(duel) = duel {
        out.push_str(&format!(
            "\n{} bundles, Zipf 1.1: plan {} µs, {} colours; DSATUR on {} edges {} ms, {} colours: {} times as long",
            duel.bundles,
            duel.plan_nanos / 1_000,
            duel.colours,
            duel.edges,
            duel.dsatur_nanos / 1_000_000,
            duel.dsatur_colours,
            duel.dsatur_nanos / duel.plan_nanos.max(1),
        ));
        if let Some((nanos, levels)) = duel.rival {
            out.push_str(&format!("; prio-graph {} µs, {levels} levels", nanos / 1_000));
        }
        for (workers, barriers, ours) in &duel.spans {
            out.push_str(&format!(
                "\nunit costs on {workers} workers: makespan {ours}, with a barrier a colour {barriers}"
            ));
        }
        out.push('\n');
    }
    out
}

fn to_json(rows: &[Row], duel: Option<&Duel>) -> Value {
    let spans = |at: &Makespans| {
        let of = |span: &Span| {
            json!({
                "workers": span.workers, "of_path_permille": span.of_path, "of_bound_permille": span.of_bound,
                "of_any_order_permille": span.of_any_order,
            })
        };
        json!({ "costs": at.costs, "makespan": at.spans.iter().map(of).collect::<Vec<_>>() })
    };
    let row = |row: &Row| {
        json!({
            "workload": row.name, "bundles": row.bundles, "number_nanos": row.number_nanos,
            "plan_nanos": row.plan_nanos, "rank_nanos": row.rank_nanos, "bytes": row.bytes,
            "colours": row.report.colours, "hottest": row.report.hottest, "critical_path": row.report.critical_path,
            "components": row.report.components, "prio_graph_nanos": row.rival_nanos,
            "makespans": row.makespans.iter().map(spans).collect::<Vec<_>>(),
        })
    };
    let duel = duel.map(|duel| {
        json!({
            "bundles": duel.bundles, "plan_nanos": duel.plan_nanos, "dsatur_nanos": duel.dsatur_nanos,
            "dsatur_colours": duel.dsatur_colours, "colours": duel.colours, "edges": duel.edges,
            "prio_graph_nanos": duel.rival.map(|(nanos, _)| nanos),
            "prio_graph_levels": duel.rival.map(|(_, levels)| levels),
        })
    });
    json!({"bench": "lanes", "rows": rows.iter().map(row).collect::<Vec<_>>(), "exact_graph": duel})
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLES: u32 = 20_000;
    /// What planning may take of memory for a bundle of two to four keys, in bytes.
    const BYTES_MAX: u64 = 80;

    fn rows() -> Vec<Row> {
        WORKLOADS.into_iter().map(|shape| measure(&Workload::new(shape, BUNDLES, 1), 1)).collect()
    }

    #[test]
    fn makespans_and_bytes_are_within_their_bounds() {
        for row in rows() {
            let most = |costs: &str| if costs.contains("mispredicted") { 1_100 } else { 1_020 };
            for at in &row.makespans {
                for span in &at.spans {
                    let what = format!("{}, {} costs, {} workers", row.name, at.costs, span.workers);
                    assert!(span.of_bound <= most(at.costs), "{what}: {} of the bound", span.of_bound);
                    // With the hot bundles last two workers can't reach max(work/p, critical path) at all.
                    assert!(span.of_path <= most(at.costs) || row.name == "hot-last", "{what}: {}", span.of_path);
                }
            }
            if row.name.starts_with("zipf") || row.name == "uniform" {
                assert!(row.bytes <= BYTES_MAX, "{}: {} bytes a bundle", row.name, row.bytes);
            }
            assert_eq!(u64::from(row.report.colours), row.report.critical_path, "{}", row.name);
        }
    }

    #[test]
    fn colours_and_bytes_are_these() {
        // Zipf's law goes through powers of floats, which another machine's library may round otherwise.
        let is_exact = |row: &Row| !row.name.starts_with("zipf") && row.name != "hot-last";
        let figures = rows().into_iter().filter(is_exact);
        let figures = figures.map(|row| (row.name, row.report.colours, row.report.hottest, row.bytes));
        let expected = [
            ("uniform", 27, 12, 36),
            ("hubs", 370, 355, 32),
            ("credits", 1, 0, 66),
            ("hot-account", 1, 0, 69),
            ("hot-scarce", 20_000, 20_000, 56),
            ("pools-1", 3_950, 3_950, 76),
            ("pools-4", 1_018, 1_018, 76),
            ("pools-16", 272, 272, 76),
            ("rings", 6, 2, 32),
            ("read-heavy", 242, 20, 97),
        ];
        assert_eq!(figures.collect::<Vec<_>>(), expected);
    }
}
