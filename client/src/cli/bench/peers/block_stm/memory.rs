//! The multi-version memory (algorithms 2 and 3): for each resource what each bundle wrote there last.

use std::mem::swap;
use std::sync::Mutex;

use crossbeam::utils::CachePadded;

use crate::cli::bench::peers::threads::lock;
use crate::cli::bench::settlement::OPENING;

/// In place of an incarnation: the bundle is expected to write here again, its value is void.
const ESTIMATE: u32 = u32::MAX;

/// An attempt at a bundle, by its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) bundle: u32,
    pub(super) incarnation: u32,
}

/// What a bundle finds in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No earlier bundle wrote it.
    Opening,
    /// The last earlier writer left this.
    Value(Version, u64),
    /// The last earlier writer, this bundle, was aborted and is expected to write it again.
    Estimate(u32),
}

/// One read of an attempt: from whom, `None` for the opening, and what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) resource: u32,
    pub(super) from: Option<Version>,
    pub(super) value: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    version: Version,
    value: u64,
}

/// What the last finished attempt at a bundle read and wrote.
#[derive(Debug, Default)]
struct Recorded {
    reads: Vec<Read>,
    written: Vec<u32>,
}

/// Every version of every resource.
///
/// A bundle's record is locked before a resource and never after it; one resource is locked at a time.
#[derive(Debug)]
pub(super) struct Memory {
    /// For each resource its entries in order of bundle. Bundles arrive nearly in order, so that an insertion
    /// moves few.
    resources: Vec<Mutex<Vec<Entry>>>,
    recorded: Vec<CachePadded<Mutex<Recorded>>>,
}

impl Memory {
    pub(super) fn new(resources: usize, bundles: usize) -> Memory {
        Memory {
            resources: (0..resources).map(|_| Mutex::default()).collect(),
            recorded: (0..bundles).map(|_| CachePadded::default()).collect(),
        }
    }

    /// What the last writer before a bundle left in a resource.
    pub(super) fn read(&self, resource: u32, bundle: u32) -> Found {
        let entries = lock(&self.resources[resource as usize]);
        let before = entries.partition_point(|entry| entry.version.bundle < bundle);
        match before.checked_sub(1).map(|last| entries[last]) {
            None => Found::Opening,
            Some(entry) if entry.version.incarnation == ESTIMATE => Found::Estimate(entry.version.bundle),
            Some(entry) => Found::Value(entry.version, entry.value),
        }
    }

    /// Takes over what an attempt read and wrote; whether it wrote where the one before did not.
    ///
    /// `reads` is left with a used buffer. Linear in both lists for each write: an attempt writes a few.
    pub(super) fn record(&self, version: Version, reads: &mut Vec<Read>, writes: &[(u32, u64)]) -> bool {
        let mut recorded = lock(&self.recorded[version.bundle as usize]);
        for (resource, value) in writes {
            self.put(*resource, Entry { version, value: *value });
        }
        let is_written = |resource: &u32| writes.iter().any(|(written, _)| written == resource);
        for resource in recorded.written.iter().filter(|resource| !is_written(resource)) {
            self.remove(*resource, version.bundle);
        }
        let is_new = writes.iter().any(|(resource, _)| !recorded.written.contains(resource));
        recorded.written.clear();
        recorded.written.extend(writes.iter().map(|(resource, _)| *resource));
        swap(&mut recorded.reads, reads);
        is_new
    }

    /// Marks all that an aborted attempt wrote: readers then wait for the next one.
    pub(super) fn convert_writes_to_estimates(&self, bundle: u32) {
        let recorded = lock(&self.recorded[bundle as usize]);
        for resource in &recorded.written {
            let mut entries = lock(&self.resources[*resource as usize]);
            if let Ok(at) = entries.binary_search_by_key(&bundle, |entry| entry.version.bundle) {
                entries[at].version.incarnation = ESTIMATE;
            }
        }
    }

    /// Whether the last attempt at a bundle would still read what it read.
    pub(super) fn validate_read_set(&self, bundle: u32) -> bool {
        let recorded = lock(&self.recorded[bundle as usize]);
        recorded.reads.iter().all(|read| match self.read(read.resource, bundle) {
            Found::Opening => read.from.is_none(),
            Found::Value(version, _) => read.from == Some(version),
            Found::Estimate(_) => false,
        })
    }

    /// Whom the last attempt at a bundle would have to wait for.
    pub(super) fn blocking(&self, bundle: u32) -> Option<u32> {
        let recorded = lock(&self.recorded[bundle as usize]);
        recorded.reads.iter().find_map(|read| match self.read(read.resource, bundle) {
            Found::Opening | Found::Value(_, _) => None,
            Found::Estimate(blocking) => Some(blocking),
        })
    }

    /// What the last bundles left in each resource.
    pub(super) fn into_values(self) -> Vec<u64> {
        let last = |entries: Mutex<Vec<Entry>>| lock(&entries).last().map_or(OPENING, |entry| entry.value);
        self.resources.into_iter().map(last).collect()
    }

    fn put(&self, resource: u32, entry: Entry) {
        let mut entries = lock(&self.resources[resource as usize]);
        match entries.binary_search_by_key(&entry.version.bundle, |entry| entry.version.bundle) {
            Ok(at) => entries[at] = entry,
            Err(at) => entries.insert(at, entry),
        }
    }

    fn remove(&self, resource: u32, bundle: u32) {
        let mut entries = lock(&self.resources[resource as usize]);
        if let Ok(at) = entries.binary_search_by_key(&bundle, |entry| entry.version.bundle) {
            entries.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(bundle: u32, incarnation: u32) -> Version {
        Version { bundle, incarnation }
    }

    #[test]
    fn a_bundle_reads_the_last_writer_before_it() {
        let memory = Memory::new(1, 8);
        assert_eq!(memory.read(0, 7), Found::Opening);
        assert!(memory.record(version(5, 0), &mut Vec::new(), &[(0, 50)]));
        assert!(memory.record(version(2, 0), &mut Vec::new(), &[(0, 20)]));
        assert_eq!(memory.read(0, 2), Found::Opening);
        assert_eq!(memory.read(0, 5), Found::Value(version(2, 0), 20));
        assert_eq!(memory.read(0, 6), Found::Value(version(5, 0), 50));
        memory.convert_writes_to_estimates(5);
        assert_eq!(memory.read(0, 6), Found::Estimate(5));
        assert!(!memory.record(version(5, 1), &mut Vec::new(), &[(0, 51)]), "an old place");
        assert!(!memory.record(version(2, 1), &mut Vec::new(), &[]), "no place");
        assert_eq!(memory.read(0, 5), Found::Opening);
        assert_eq!(memory.into_values(), [51]);
    }

    #[test]
    fn a_read_is_valid_until_someone_before_writes() {
        let memory = Memory::new(2, 8);
        let read = |from| vec![Read { resource: 0, from, value: 1 }];
        memory.record(version(4, 0), &mut read(None), &[(1, 4)]);
        assert!(memory.validate_read_set(4));
        memory.record(version(5, 0), &mut Vec::new(), &[(0, 5)]);
        assert!(memory.validate_read_set(4), "a later one does not matter");
        memory.record(version(3, 0), &mut Vec::new(), &[(0, 3)]);
        assert!(!memory.validate_read_set(4), "an earlier one does");
        memory.record(version(4, 1), &mut read(Some(version(3, 0))), &[(1, 4)]);
        assert!(memory.validate_read_set(4) && memory.blocking(4).is_none());
        memory.convert_writes_to_estimates(3);
        assert!(!memory.validate_read_set(4), "an estimate is no value");
        assert_eq!(memory.blocking(4), Some(3));
        memory.record(version(3, 1), &mut Vec::new(), &[(0, 3)]);
        assert!(!memory.validate_read_set(4), "the same value of another attempt");
    }
}
