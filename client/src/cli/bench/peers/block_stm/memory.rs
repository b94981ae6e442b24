//! The multi-version memory (algorithms 2 and 3): for each resource what each bundle wrote there last.

use std::mem::swap;
use std::sync::Mutex;

use crossbeam::utils::CachePadded;

use super::few::Few;
use crate::cli::bench::peers::threads::lock;
use crate::cli::bench::settlement::OPENING;

/// In place of an incarnation: the bundle is expected to write here again, its value is void.
const ESTIMATE: u32 = u32::MAX;

/// Reads or writes of an attempt that need no heap.
const FEW_TOUCHES: usize = 4;
/// Versions of a resource that need no heap.
const FEW_ENTRIES: usize = 2;

/// An attempt at a bundle, by its place in the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What an attempt read.
pub(super) type Reads = Few<Read, FEW_TOUCHES>;
/// What an attempt wrote: each resource once, with its value.
pub(super) type Writes = Few<(u32, u64), FEW_TOUCHES>;

/// One read of an attempt: from whom, `None` for the opening, and what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    pub(super) resource: u32,
    pub(super) from: Option<Version>,
    pub(super) value: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    version: Version,
    value: u64,
}

/// What the last finished attempt at a bundle read and wrote.
#[derive(Debug, Default)]
struct Recorded {
    reads: Reads,
    written: Few<u32, FEW_TOUCHES>,
}

/// Every version of every resource.
///
/// A bundle's record is locked before a resource and never after it; one resource is locked at a time.
#[derive(Debug)]
pub(super) struct Memory {
    /// For each resource its entries in order of bundle. Bundles arrive nearly in order, so that an insertion
    /// moves few.
    resources: Vec<Mutex<Few<Entry, FEW_ENTRIES>>>,
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
        match place_of(&entries, bundle).checked_sub(1).map(|last| entries[last]) {
            None => Found::Opening,
            Some(entry) if entry.version.incarnation == ESTIMATE => Found::Estimate(entry.version.bundle),
            Some(entry) => Found::Value(entry.version, entry.value),
        }
    }

    /// Takes over what an attempt read and wrote; whether it wrote where the one before did not.
    ///
    /// `reads` is left with a used buffer. Linear in both lists for each write: an attempt writes a few.
    pub(super) fn record(&self, version: Version, reads: &mut Reads, writes: &[(u32, u64)]) -> bool {
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
        writes.iter().for_each(|(resource, _)| recorded.written.push(*resource));
        swap(&mut recorded.reads, reads);
        is_new
    }

    /// Marks all that an aborted attempt wrote: readers then wait for the next one.
    pub(super) fn convert_writes_to_estimates(&self, bundle: u32) {
        let recorded = lock(&self.recorded[bundle as usize]);
        for resource in recorded.written.iter() {
            let mut entries = lock(&self.resources[*resource as usize]);
            let place = place_of(&entries, bundle);
            if let Some(entry) = entries.get_mut(place).filter(|entry| entry.version.bundle == bundle) {
                entry.version.incarnation = ESTIMATE;
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
        self.resources.iter().map(|entries| lock(entries).last().map_or(OPENING, |entry| entry.value)).collect()
    }

    fn put(&self, resource: u32, entry: Entry) {
        let mut entries = lock(&self.resources[resource as usize]);
        let place = place_of(&entries, entry.version.bundle);
        match entries.get_mut(place).filter(|old| old.version.bundle == entry.version.bundle) {
            Some(old) => *old = entry,
            None => entries.insert(place, entry),
        }
    }

    fn remove(&self, resource: u32, bundle: u32) {
        let mut entries = lock(&self.resources[resource as usize]);
        let place = place_of(&entries, bundle);
        if entries.get(place).is_some_and(|entry| entry.version.bundle == bundle) {
            entries.remove(place);
        }
    }
}

/// How many entries are of earlier bundles, looked for from the end, near which most are asked for.
fn place_of(entries: &[Entry], bundle: u32) -> usize {
    let mut width = 1;
    while width < entries.len() && entries[entries.len() - width].version.bundle >= bundle {
        width *= 2;
    }
    let start = entries.len().saturating_sub(width);
    start + entries[start..].partition_point(|entry| entry.version.bundle < bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(bundle: u32, incarnation: u32) -> Version {
        Version { bundle, incarnation }
    }

    #[test]
    fn a_place_is_found_among_any_number_of_entries() {
        for length in 0..40_u32 {
            let entries: Vec<Entry> = (0..length).map(|at| Entry { version: version(3 * at, 0), value: 0 }).collect();
            for bundle in 0..=3 * length {
                assert_eq!(place_of(&entries, bundle), bundle.div_ceil(3).min(length) as usize);
            }
        }
    }

    #[test]
    fn a_bundle_reads_the_last_writer_before_it() {
        let memory = Memory::new(1, 8);
        assert_eq!(memory.read(0, 7), Found::Opening);
        assert!(memory.record(version(5, 0), &mut Reads::default(), &[(0, 50)]));
        assert!(memory.record(version(2, 0), &mut Reads::default(), &[(0, 20)]));
        assert_eq!(memory.read(0, 2), Found::Opening);
        assert_eq!(memory.read(0, 5), Found::Value(version(2, 0), 20));
        assert_eq!(memory.read(0, 6), Found::Value(version(5, 0), 50));
        memory.convert_writes_to_estimates(5);
        assert_eq!(memory.read(0, 6), Found::Estimate(5));
        assert!(!memory.record(version(5, 1), &mut Reads::default(), &[(0, 51)]), "an old place");
        assert!(!memory.record(version(2, 1), &mut Reads::default(), &[]), "no place");
        assert_eq!(memory.read(0, 5), Found::Opening);
        assert_eq!(memory.into_values(), [51]);
    }

    #[test]
    fn a_read_is_valid_until_someone_before_writes() {
        let memory = Memory::new(2, 8);
        let read = |from| {
            let mut reads = Reads::default();
            reads.push(Read { resource: 0, from, value: 1 });
            reads
        };
        memory.record(version(4, 0), &mut read(None), &[(1, 4)]);
        assert!(memory.validate_read_set(4));
        memory.record(version(5, 0), &mut Reads::default(), &[(0, 5)]);
        assert!(memory.validate_read_set(4), "a later one does not matter");
        memory.record(version(3, 0), &mut Reads::default(), &[(0, 3)]);
        assert!(!memory.validate_read_set(4), "an earlier one does");
        memory.record(version(4, 1), &mut read(Some(version(3, 0))), &[(1, 4)]);
        assert!(memory.validate_read_set(4) && memory.blocking(4).is_none());
        memory.convert_writes_to_estimates(3);
        assert!(!memory.validate_read_set(4), "an estimate is no value");
        assert_eq!(memory.blocking(4), Some(3));
        memory.record(version(3, 1), &mut Reads::default(), &[(0, 3)]);
        assert!(!memory.validate_read_set(4), "the same value of another attempt");
    }
}
