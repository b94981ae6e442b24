//! A disk in memory that counts its operations and can crash or fail at a chosen one.
//!
//! Each read, listing, measurement and creation is one operation; a durable write is two, the write and its sync.
//! What a write leaves that a crash or failure interrupts is decided sector by sector from a seed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{BLOCK_BYTES, Disk};

/// The unit that a drive writes whole even when it loses power.
const SECTOR_BYTES: usize = 512;

/// What becomes of sectors that were written and not yet synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsynced {
    /// All keep what they held before.
    Dropped,
    /// All hold what was written.
    Kept,
    /// Each holds one or the other.
    Torn,
    /// Each holds one, the other, or noise.
    Garbage,
}

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Power is lost: this and every later operation fails until `restart`.
    Crash,
    /// This operation alone fails; the machine lives on.
    Fail,
}

/// A fault to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The operation it strikes, counted from 1.
    pub at_operation: u64,
    /// What happens.
    pub kind: FaultKind,
    /// What is left of an interrupted write.
    pub unsynced: Unsynced,
    /// Decides every choice that `unsynced` leaves open.
    pub seed: u64,
}

/// A disk in memory; clones share the same files.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: BTreeMap<String, Sparse>,
    operations: u64,
    fault: Option<Fault>,
    is_crashed: bool,
}

/// A file's length and its blocks; a block that was never written is zero.
#[derive(Clone, Debug, Default)]
struct Sparse {
    length: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl SimulatedDisk {
    /// Creates an empty disk without a fault.
    #[must_use]
    pub fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// Arms a fault, replacing an earlier one.
    pub fn plan(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// Powers the disk on again with what survived, without a fault and with the count back at 0.
    pub fn restart(&self) {
        let mut state = self.state();
        state.operations = 0;
        state.fault = None;
        state.is_crashed = false;
    }

    /// Counts the operations since the last restart.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Copies the files to a disk of their own, which has neither fault nor count.
    #[must_use]
    pub fn copy(&self) -> SimulatedDisk {
        let state = State { files: self.state().files.clone(), ..State::default() };
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Returns a file's bytes, if it exists; counts no operation.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.files.get(name)?;
        let mut bytes = vec![0; usize::try_from(file.length).ok()?];
        file.read(0, &mut bytes).then_some(bytes)
    }

    /// Overwrites bytes behind the log's back, growing the file where needed; counts no operation.
    pub fn damage(&self, name: &str, offset: u64, bytes: &[u8]) {
        let mut state = self.state();
        let file = state.files.entry(name.to_owned()).or_default();
        file.length = file.length.max(offset + bytes.len() as u64);
        file.write(offset, bytes);
    }

    /// Cuts a file behind the log's back; counts no operation.
    pub fn truncate(&self, name: &str, length: u64) {
        if let Some(file) = self.state().files.get_mut(name) {
            let mut bytes = vec![0; usize::try_from(length.min(file.length)).unwrap_or(0)];
            file.read(0, &mut bytes);
            *file = Sparse { length: bytes.len() as u64, blocks: BTreeMap::new() };
            file.write(0, &bytes);
        }
    }

    /// Removes a file behind the log's back; counts no operation.
    pub fn remove(&self, name: &str) {
        self.state().files.remove(name);
    }

    /// Exchanges two files behind the log's back; counts no operation.
    pub fn swap(&self, left: &str, right: &str) {
        let mut state = self.state();
        if let (Some(first), Some(second)) = (state.files.remove(left), state.files.remove(right)) {
            state.files.insert(left.to_owned(), second);
            state.files.insert(right.to_owned(), first);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change to the state is whole before anything can panic, so a poisoned one is still sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimulatedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.count()?;
        Ok(state.files.keys().cloned().collect())
    }

    fn create_zeroed(&mut self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.state();
        let zeros = Sparse { length, blocks: BTreeMap::new() };
        let was_crashed = state.is_crashed;
        let struck = state.count();
        let appears = match (&struck, state.fault) {
            (Err(_), Some(fault)) if !was_crashed => Noise::new(fault).keeps(),
            (Err(_), _) => false,
            (Ok(()), _) => true,
        };
        if appears {
            state.files.insert(name.to_owned(), zeros);
        }
        struck
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let mut state = self.state();
        state.count()?;
        state.files.get(name).map(|file| file.length).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        state.count()?;
        let file = state.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        if file.read(offset, buffer) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn write_durable_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let was_crashed = state.is_crashed;
        let struck = state.count().and_then(|()| state.count());
        let fault = state.fault;
        let file = state.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        if offset + bytes.len() as u64 > file.length {
            return Err(io::Error::other("write beyond the length of a pre-written file"));
        }
        match (&struck, fault) {
            (Ok(()), _) => file.write(offset, bytes),
            (Err(_), Some(fault)) if !was_crashed => file.interrupt(offset, bytes, &mut Noise::new(fault)),
            (Err(_), _) => {}
        }
        struck
    }
}

impl State {
    /// Counts an operation and strikes where the fault is due.
    fn count(&mut self) -> io::Result<()> {
        if self.is_crashed {
            return Err(io::Error::other("simulated disk is off"));
        }
        self.operations += 1;
        match self.fault {
            Some(fault) if fault.at_operation == self.operations => {
                self.is_crashed = fault.kind == FaultKind::Crash;
                Err(io::Error::other(format!("simulated fault at operation {}", self.operations)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Sparse {
    /// Fills the buffer, or says that the file ends before.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        if offset + buffer.len() as u64 > self.length {
            return false;
        }
        buffer.fill(0);
        let end = offset + buffer.len() as u64;
        for (at, block) in self.blocks.range(offset / BLOCK_BYTES as u64..end.div_ceil(BLOCK_BYTES as u64)) {
            let start = at * BLOCK_BYTES as u64;
            let (from, to) = (offset.max(start), end.min(start + BLOCK_BYTES as u64));
            buffer[index(from - offset)..index(to - offset)]
                .copy_from_slice(&block[index(from - start)..index(to - start)]);
        }
        true
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut written = 0;
        while written < bytes.len() {
            let at = offset + written as u64;
            let within = index(at % BLOCK_BYTES as u64);
            let size = (BLOCK_BYTES - within).min(bytes.len() - written);
            let block = self.blocks.entry(at / BLOCK_BYTES as u64).or_insert_with(|| vec![0; BLOCK_BYTES]);
            block[within..within + size].copy_from_slice(&bytes[written..written + size]);
            written += size;
        }
    }

    fn interrupt(&mut self, offset: u64, bytes: &[u8], noise: &mut Noise) {
        let mut at = offset;
        for sector in bytes.chunks(SECTOR_BYTES) {
            let mut old = vec![0; sector.len()];
            self.read(at, &mut old);
            self.write(at, &noise.sector(&old, sector));
            at += sector.len() as u64;
        }
    }
}

/// The choices of an interrupted write, from a seed by SplitMix64.
struct Noise {
    unsynced: Unsynced,
    state: u64,
}

impl Noise {
    fn new(fault: Fault) -> Noise {
        Noise { unsynced: fault.unsynced, state: fault.seed }
    }

    fn keeps(&mut self) -> bool {
        match self.unsynced {
            Unsynced::Dropped => false,
            Unsynced::Kept => true,
            Unsynced::Torn | Unsynced::Garbage => self.next().is_multiple_of(2),
        }
    }

    fn sector(&mut self, old: &[u8], new: &[u8]) -> Vec<u8> {
        if self.unsynced == Unsynced::Garbage && self.next().is_multiple_of(3) {
            return (0..new.len()).map(|_| self.next().to_le_bytes()[0]).collect();
        }
        if self.keeps() { new.to_vec() } else { old.to_vec() }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Narrows a distance within one buffer or block.
fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}
