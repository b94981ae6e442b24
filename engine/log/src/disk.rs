//! The seam between the log and its storage: few operations, each durable when it returns.
//!
//! Whoever implements it never retries a failed write or sync, since the kernel may have dropped the data.

use std::io;

use crate::error::LogError;

/// Writes start and end on multiples of this: the greatest unit that common drives write whole.
pub(crate) const BLOCK_BYTES: usize = 4096;

/// Bytes read at once while checking that a stretch is zero.
pub(crate) const CHUNK_BYTES: usize = 256 * BLOCK_BYTES;

static ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// Storage for a flat set of named files.
pub trait Disk: Send {
    /// Lists the names of all files.
    ///
    /// # Errors
    /// What the storage answers.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file of zeros that after a crash exists whole or not at all; durable on return.
    ///
    /// # Errors
    /// What the storage answers.
    fn create_zeroed(&mut self, name: &str, length: u64) -> io::Result<()>;

    /// Returns a file's length in bytes.
    ///
    /// # Errors
    /// What the storage answers.
    fn length(&self, name: &str) -> io::Result<u64>;

    /// Fills the buffer from a file.
    ///
    /// # Errors
    /// What the storage answers; a file that ends too early is `UnexpectedEof`.
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Overwrites bytes within a file's length; durable on return.
    ///
    /// # Errors
    /// What the storage answers; what the file then holds is unknown until a restart.
    fn write_durable_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(BLOCK_BYTES).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

/// Finds the first and the last block that hold anything in a stretch, as offsets into the file.
pub(crate) fn nonzero_blocks(
    disk: &impl Disk,
    name: &str,
    from: u64,
    length: u64,
) -> Result<Option<(u64, u64)>, LogError> {
    let mut found: Option<(u64, u64)> = None;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = from;
    while offset < length {
        let size = usize::try_from(length - offset).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        read(disk, name, offset, &mut buffer[..size])?;
        for (index, block) in buffer[..size].chunks(BLOCK_BYTES).enumerate() {
            if !is_zero(block) {
                let at = offset + (index * BLOCK_BYTES) as u64;
                found = Some((found.map_or(at, |(first, _)| first), at));
            }
        }
        offset += size as u64;
    }
    Ok(found)
}

pub(crate) fn read(disk: &impl Disk, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), LogError> {
    disk.read_at(name, offset, buffer).map_err(failed("read", name))
}

/// Names the operation and the file in an error from the disk.
pub(crate) fn failed(operation: &'static str, name: &str) -> impl FnOnce(io::Error) -> LogError {
    let file = name.to_owned();
    move |source| LogError::Io { operation, file, source }
}
