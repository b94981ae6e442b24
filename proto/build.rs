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
    read_requests_strictly(&out.join("clearlane.v1.rs"))
}

/// Gives the generated servers, and not the clients, the codec that refuses unknown fields: the generator has one
/// name for both.
fn read_requests_strictly(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    const LENIENT: &str = "tonic_prost::ProstCodec::default()";
    let (mut is_server, mut servers, mut replaced) = (false, 0, 0);
    let mut code = String::new();
    for line in std::fs::read_to_string(path)?.lines() {
        if let Some(module) = line.strip_prefix("pub mod ") {
            is_server = module.ends_with("_server {");
            servers += usize::from(is_server);
        }
        let is_codec = is_server && line.contains(LENIENT);
        replaced += usize::from(is_codec);
        let strict = is_codec.then(|| line.replace(LENIENT, "crate::strict::StrictCodec::default()"));
        code.push_str(strict.as_deref().unwrap_or(line));
        code.push('\n');
    }
    if servers == 0 || replaced < servers {
        return Err(format!("expected a codec in each of {servers} generated servers, found {replaced}").into());
    }
    std::fs::write(path, code)?;
    Ok(())
}
