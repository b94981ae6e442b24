//! A list that needs no heap while it is short: most bundles touch a few resources, most resources see a few
//! bundles, and an allocation for each would cost the peer a good part of its time.

use std::ops::{Deref, DerefMut};

/// A list with room for `N` in itself.
#[derive(Clone, Debug)]
pub(super) struct Few<T, const N: usize> {
    here: [T; N],
    /// How many are here; 0 once there have been too many.
    length: usize,
    /// All of them, once there have been too many.
    heap: Vec<T>,
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Few<T, N> {
        Few { here: [T::default(); N], length: 0, heap: Vec::new() }
    }
}

impl<T: Copy, const N: usize> Few<T, N> {
    pub(super) fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Inserts an item before the one at a place, which must be at most the length.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        if self.heap.is_empty() && self.length < N {
            self.here.copy_within(at..self.length, at + 1);
            self.here[at] = item;
            self.length += 1;
            return;
        }
        self.heap.extend_from_slice(&self.here[..self.length]);
        self.length = 0;
        self.heap.insert(at, item);
    }

    /// Removes the item at a place, which must be below the length.
    pub(super) fn remove(&mut self, at: usize) {
        if self.heap.is_empty() {
            self.here.copy_within(at + 1..self.length, at);
            self.length -= 1;
        } else {
            self.heap.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.heap.clear();
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.heap.is_empty() { &self.here[..self.length] } else { &self.heap }
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.heap.is_empty() { &mut self.here[..self.length] } else { &mut self.heap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::workload::Random;

    #[test]
    fn it_is_a_list() {
        let mut random = Random::new(1);
        let (mut few, mut list) = (Few::<u32, 3>::default(), Vec::new());
        for step in 0..2_000 {
            let at = random.below(u32::try_from(list.len()).expect("short") + 1) as usize;
            match random.below(5) {
                0 | 1 => {
                    few.insert(at, step);
                    list.insert(at, step);
                }
                2 | 3 if at < list.len() => {
                    few.remove(at);
                    list.remove(at);
                }
                4 if random.below(20) == 0 => {
                    few.clear();
                    list.clear();
                }
                _ => {
                    few.push(step);
                    list.push(step);
                }
            }
            assert_eq!(few[..], list[..], "step {step}");
        }
    }
}
