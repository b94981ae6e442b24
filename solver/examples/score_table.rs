//! Scores of a strategy on a folder of `auction-instance/1` files, beside the best known and the bound.
//!
//! Arguments: the folder that holds `public` and `answers`, milliseconds, and a part of the names wanted.

use std::path::Path;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, SCORE_UNIT, verify};
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::{Budget, strategy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("expected a folder")?;
    let budget: u64 = arguments.get(1).map_or(Ok(100), |text| text.parse())?;
    let wanted = arguments.get(2).cloned().unwrap_or_default();
    let (mut total, mut best_total) = (0.0, 0.0);
    for family in ["hand", "public"] {
        let Ok(entries) = std::fs::read_dir(format!("{folder}/{family}")) else { continue };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !name.contains(&wanted) {
                continue;
            }
            let auction = formats::read(&std::fs::read(&path)?)?;
            let (known, bound) = known(Path::new(&format!("{folder}/answers/{family}/{name}.json")));
            let (score, millis) = scored(&auction.input, budget)?;
            println!(
                "{name:28} {score:14.6} best known {known:14.6} ratio {:.5} of bound {:.5} in {millis} ms",
                score / known.max(1e-9),
                score / bound
            );
            total += score;
            best_total += known;
        }
    }
    println!("pooled {:.5}", total / best_total);
    Ok(())
}

/// The best known score and the bound, from an answer's file; none known without one.
fn known(path: &Path) -> (f64, f64) {
    let read = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let of = |field: &str| read.as_ref()?.get(field)?.as_str()?.parse::<f64>().ok();
    (of("best_known").unwrap_or(f64::NAN), of("bound_relaxation").unwrap_or(f64::NAN))
}

#[expect(clippy::cast_precision_loss, reason = "only shown")]
fn scored(input: &AuctionInput, budget: u64) -> Result<(f64, u128), Box<dyn std::error::Error>> {
    let strategy = strategy("optimal")?;
    let (bundles, millis) = match std::env::var("CPU_TIME") {
        Ok(_) => {
            let start = cpu_nanos();
            let is_spent = || cpu_nanos() - start >= budget * 1_000_000;
            let bundles = strategy.solve(input, &Budget::new(&is_spent)).bundles;
            (bundles, u128::from((cpu_nanos() - start) / 1_000_000))
        }
        Err(_) => {
            let found = answer(input, &[strategy.as_ref()], Some(Duration::from_millis(budget))).remove(0);
            (found.solution.bundles, found.elapsed.as_millis())
        }
    };
    let mut score = 0;
    for bundle in &bundles {
        score += verify(input, bundle).map_err(|refusal| refusal.to_string())?.score;
    }
    Ok((score as f64 / SCORE_UNIT as f64, millis))
}

/// What this thread has run for, where Linux tells: for machines that do other things too.
fn cpu_nanos() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}
