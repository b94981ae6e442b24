//! Why a command failed, and with which exit status: 1 refused or failed, 2 usage.

use std::path::Path;

use clearlane_client::{ClientError, KeyError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was asked in a way that can't be done.
    #[error("{0}")]
    Usage(String),
    /// It was refused or went wrong.
    #[error("{0}")]
    Failed(String),
    /// What went wrong was printed already.
    #[error("failed")]
    Reported,
    /// The engine did not answer as asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no usable key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Failure {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Failed(_) | Failure::Reported | Failure::Client(_) | Failure::Key(_) => 1,
        }
    }
}

/// Reads a whole file, or standard input for `-`.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| Failure::Failed(format!("can't read {}: {error}", path.display())))
}

/// Writes a whole file.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::Failed(format!("can't write {}: {error}", path.display())))
}
