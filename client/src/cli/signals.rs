//! Signals that end a command: Ctrl-C and the request to terminate.

use super::failure::Failure;

/// Waits for Ctrl-C or SIGTERM.
#[cfg(unix)]
pub(crate) async fn stop_requested() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Failure::Failed(format!("can't wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn stop_requested() -> Result<(), Failure> {
    let waited = tokio::signal::ctrl_c().await;
    waited.map_err(|error| Failure::Failed(format!("can't wait for signals: {error}")))
}

/// Writes what happens to stderr, as much as `RUST_LOG` asks for, else from `info` on.
pub(crate) fn trace_to_stderr() {
    let asked = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = asked.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let is_colourful = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_colourful);
    // A second call keeps the first subscriber.
    drop(subscriber.with_writer(std::io::stderr).try_init());
}
