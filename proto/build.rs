//! Compiles the protobuf files in pure Rust, so that nothing but Rust need be installed.

use std::path::{Path, PathBuf};

use prost::Message as _;

const FILES: &[&str] = &[
    "admin_service.proto",
    "auction.proto",
    "command.proto",
    "intent.proto",
    "intent_service.proto",
    "ledger_service.proto",
    "log.proto",
    "log_service.proto",
    "solver_service.proto",
    "venue.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let paths: Vec<PathBuf> = FILES.iter().map(|file| Path::new("clearlane/v1").join(file)).collect();
    let descriptors = protox::compile(paths, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
