//! Why a command failed, and with which exit status: 1 refused or failed, 2 usage.

use std::io::Read;
use std::path::Path;

use clearlane_client::{ClientError, KeyError};
use serde_json::{Value, json};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was asked in a way that can't be done.
    #[error("{0}")]
    Usage(String),
    /// It was refused or went wrong.
    #[error("{0}")]
    Failed(String),
    /// It was sent, and whether it happened is not known.
    #[error("{message}")]
    Unanswered {
        /// What is known, and how to find out.
        message: String,
        /// The commands that were sent.
        ids: Vec<String>,
    },
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
            Failure::Failed(_)
            | Failure::Unanswered { .. }
            | Failure::Reported
            | Failure::Client(_)
            | Failure::Key(_) => 1,
        }
    }

    /// What scripts read of it.
    pub(crate) fn json(&self) -> Value {
        let error = self.to_string();
        match self {
            Failure::Unanswered { ids, .. } => json!({ "error": error, "ids": ids }),
            Failure::Client(refused) => match refused.refusal() {
                Some(refusal) => {
                    json!({ "error": error, "code": refusal.code, "field": refusal.field, "message": refusal.message })
                }
                None => json!({ "error": error }),
            },
            Failure::Usage(_) | Failure::Failed(_) | Failure::Reported | Failure::Key(_) => json!({ "error": error }),
        }
    }
}

/// The most bytes of a file that a command reads: as many as an auction file may have, the largest kind there is.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads a whole file, or standard input for `-`; refuses more than [`FILE_BYTES_MAX`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::Failed(format!("can't read {}: {error}", path.display()));
    let bytes = if path == Path::new("-") {
        read_bounded(std::io::stdin().lock(), FILE_BYTES_MAX)
    } else {
        std::fs::File::open(path).and_then(|file| read_bounded(file, FILE_BYTES_MAX))
    };
    bytes.map_err(failed)?.ok_or_else(|| {
        Failure::Failed(format!("{}: expected at most {FILE_BYTES_MAX} bytes, found more", path.display()))
    })
}

/// Everything there is to read; `None` if that is more than `bytes_max`.
fn read_bounded(source: impl Read, bytes_max: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // One byte more tells a source that ends at the bound from one that goes on.
    let read = source.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(read).is_ok_and(|read| read <= bytes_max).then_some(bytes))
}

/// Writes a whole file.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::Failed(format!("can't write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused_at_the_bound() {
        assert_eq!(read_bounded([7_u8; 4].as_slice(), 4).expect("bytes"), Some(vec![7; 4]));
        assert_eq!(read_bounded([7_u8; 5].as_slice(), 4).expect("bytes"), None);
        assert_eq!(read_bounded(std::io::repeat(7), 4).expect("bytes"), None);
    }
}
