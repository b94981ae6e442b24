//! dev
use clearlane_solver::formats;
use std::time::Instant;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("folder")?;
    for family in ["hand", "public"] {
        let mut paths: Vec<_> = std::fs::read_dir(format!("{folder}/{family}"))?.map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let auction = formats::read(&std::fs::read(&path)?)?;
            let answer: serde_json::Value = serde_json::from_slice(&std::fs::read(format!("{folder}/answers/{family}/{name}"))?)?;
            let bound: f64 = answer["bound_relaxation"].as_str().unwrap().parse()?;
            let started = Instant::now();
            let (found, value, steps, text) = clearlane_solver::strategy::optimal::relax(&auction.input);
            println!("{name:32} {bound:14.6} {found:14.6} {:.2e} {value:14.6} {steps} {:.2} ms {text}", found / bound - 1.0, started.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
