//! One value for each coin of a venue, kept inline so that a quote allocates nothing.

/// The most coins of one venue.
pub const COINS_MAX: usize = 8;

/// One value for each coin of a venue, in the order of its coins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PerCoin<T> {
    /// Places beyond the count hold the default.
    values: [T; COINS_MAX],
    count: usize,
}

impl<T: Copy + Default> PerCoin<T> {
    /// The same values; `None` if there are more than [`COINS_MAX`].
    #[must_use]
    pub fn from_slice(values: &[T]) -> Option<PerCoin<T>> {
        let mut all = PerCoin { values: [T::default(); COINS_MAX], count: values.len() };
        all.values.get_mut(..values.len())?.copy_from_slice(values);
        Some(all)
    }

    /// The number of coins.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The values.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.values.get(..self.count).unwrap_or_default()
    }

    /// The values, in order of coins.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// The value of one coin.
    #[must_use]
    pub fn get(&self, coin: u8) -> Option<T> {
        self.as_slice().get(usize::from(coin)).copied()
    }

    /// The place of one coin's value.
    pub fn get_mut(&mut self, coin: u8) -> Option<&mut T> {
        self.values.get_mut(..self.count)?.get_mut(usize::from(coin))
    }

    /// A value made of each.
    #[must_use]
    pub fn map<U: Copy + Default>(&self, mut of: impl FnMut(T) -> U) -> PerCoin<U> {
        let mut all = PerCoin { values: [U::default(); COINS_MAX], count: self.count };
        for (made, value) in all.values.iter_mut().zip(self.as_slice()) {
            *made = of(*value);
        }
        all
    }

    /// A value made of each; `None` if one can't be.
    #[must_use]
    pub fn try_map<U: Copy + Default>(&self, mut of: impl FnMut(T) -> Option<U>) -> Option<PerCoin<U>> {
        let mut is_made = true;
        let all = self.map(|value| {
            let made = of(value);
            is_made = is_made && made.is_some();
            made.unwrap_or_default()
        });
        is_made.then_some(all)
    }
}

impl<T: Copy + Default> Default for PerCoin<T> {
    fn default() -> PerCoin<T> {
        PerCoin { values: [T::default(); COINS_MAX], count: 0 }
    }
}

impl<T: Copy + Default + std::fmt::Debug> std::fmt::Debug for PerCoin<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl<T: Copy + Default, const COUNT: usize> From<[T; COUNT]> for PerCoin<T> {
    fn from(values: [T; COUNT]) -> PerCoin<T> {
        const { assert!(COUNT <= COINS_MAX, "more coins than a venue may have") };
        PerCoin::from_slice(&values).unwrap_or_default()
    }
}

impl<T: Copy + Default> IntoIterator for PerCoin<T> {
    type Item = T;
    type IntoIter = std::iter::Take<std::array::IntoIter<T, COINS_MAX>>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter().take(self.count)
    }
}

impl<'a, T: Copy + Default> IntoIterator for &'a PerCoin<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_values_as_given_and_no_more_than_fit() {
        let mut values: PerCoin<u32> = [5, 6, 7].into();
        *values.get_mut(1).expect("a coin") = 9;
        assert_eq!((values.as_slice(), values.get(2), values.get(3)), (&[5, 9, 7][..], Some(7), None));
        assert_eq!(values.into_iter().sum::<u32>(), 21);
        assert_eq!(values.map(u64::from), [5_u64, 9, 7].into());
        assert_eq!(values.try_map(|value| value.checked_sub(6)), None);
        assert_eq!(PerCoin::from_slice(&[0; COINS_MAX + 1]), None);
        assert_eq!(PerCoin::from_slice(&[1; COINS_MAX]).map(|values| values.count()), Some(COINS_MAX));
        assert!(values.get_mut(3).is_none());
    }
}
