//! Merkle trees over BLAKE3, with leaves and inner nodes in separate domains.
//!
//! The tree over n leaves splits at the greatest power of two below n (the shape of RFC 6962), so a `MountainRange`
//! grown one leaf at a time has the same root as `root` over all leaves at once. The root of no leaves is 32 zeros.

/// A node of a tree: 32 bytes of BLAKE3.
pub type Hash = [u8; 32];

/// The root of a tree without leaves.
pub const EMPTY_ROOT: Hash = [0; 32];

const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;

/// Hashes the bytes of one leaf.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[LEAF]).update(bytes);
    *hasher.finalize().as_bytes()
}

/// Hashes two children into their parent.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[NODE]).update(left).update(right);
    *hasher.finalize().as_bytes()
}

/// Computes the root over leaves that `leaf` has hashed.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    let mut range = MountainRange::default();
    for hash in leaves {
        range.push(*hash);
    }
    range.root()
}

/// A tree that grows by appending: the roots of its perfect subtrees, at most one a height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountainRange {
    count: u64,
    // Highest first. Bit h of `count` tells whether a peak of height h exists, so 64 are the most.
    peaks: Vec<Hash>,
}

impl MountainRange {
    /// Appends a leaf that `leaf` has hashed.
    pub fn push(&mut self, leaf: Hash) {
        let merges = self.count.trailing_ones();
        let mut peak = leaf;
        for _ in 0..merges {
            if let Some(left) = self.peaks.pop() {
                peak = node(&left, &peak);
            }
        }
        self.peaks.push(peak);
        self.count += 1;
    }

    /// Counts the leaves.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Computes the root over all leaves so far.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.peaks.iter().rev().copied().reduce(|right, left| node(&left, &right)).unwrap_or(EMPTY_ROOT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The twin: RFC 6962's recursive definition.
    fn recursive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [only] => *only,
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node(&recursive_root(left), &recursive_root(right))
            }
        }
    }

    #[test]
    fn leaf_and_node_domains_differ() {
        let (left, right) = (leaf(b"left"), leaf(b"right"));
        assert_ne!(node(&left, &right), leaf(&[left, right].concat()));
        assert_ne!(node(&left, &right), node(&right, &left));
    }

    proptest! {
        #[test]
        fn mountain_range_matches_the_recursive_tree(count in 0u64..200) {
            let leaves: Vec<Hash> = (0..count).map(|number| leaf(&number.to_le_bytes())).collect();
            prop_assert_eq!(root(&leaves), recursive_root(&leaves));
        }
    }
}
