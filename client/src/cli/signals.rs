//! Signals that end a command: Ctrl-C and the request to terminate.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::Failure;

/// The exit status of a command that a second signal ends: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// A flag that the first signal raises, for work that looks up now and then; a second signal ends the process.
///
/// From its return on no signal is missed.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("can't wait for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let is_raised = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_raised);
    let (listening, heard) = std::sync::mpsc::channel();
    let listen = async move {
        let mut first = pin!(stop_requested());
        // Asked once, it listens.
        let asked = std::future::poll_fn(|context| std::task::Poll::Ready(first.as_mut().poll(context)));
        // The other end waits for this before it goes on.
        let _ = listening.send(asked.await.is_pending());
        if first.await.is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
        if stop_requested().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listen));
    thread.map_err(failed)?;
    match heard.recv() {
        Ok(true) => Ok(is_raised),
        Ok(false) | Err(_) => Err(Failure::Failed("can't wait for signals".to_owned())),
    }
}

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
