//! Which way a venue is used: one of its coins goes in and another comes out.

use super::per_coin::COINS_MAX;

/// A directed pair of coins of one venue, by their places.
///
/// Ladders and rails offer [`Direction::FORWARD`] alone, pools every pair of different coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direction {
    /// The coin that goes in.
    pub from: u8,
    /// The coin that comes out.
    pub into: u8,
}

impl Direction {
    /// Coin 0 goes in, coin 1 comes out.
    pub const FORWARD: Direction = Direction { from: 0, into: 1 };
    /// Coin 1 goes in, coin 0 comes out.
    pub const BACKWARD: Direction = Direction { from: 1, into: 0 };

    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Direction {
        Direction { from: self.into, into: self.from }
    }

    /// Every directed pair among so many coins, in order of the coin that goes in, then of the one that comes out.
    pub fn all(coins: usize) -> impl Iterator<Item = Direction> {
        let places = move || (0_u8..).take(coins.min(COINS_MAX));
        places().flat_map(move |from| places().map(move |into| Direction { from, into })).filter(|way| way.is_pair())
    }

    /// Whether two different coins are meant.
    #[must_use]
    pub fn is_pair(self) -> bool {
        self.from != self.into
    }

    /// Its place in a table of `coins` rows, the coins that go in, and as many columns, those that come out.
    #[must_use]
    pub fn place(self, coins: usize) -> usize {
        usize::from(self.from).saturating_mul(coins).saturating_add(usize::from(self.into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_coins_has_a_place_of_its_own() {
        assert_eq!(Direction::all(2).collect::<Vec<_>>(), [Direction::FORWARD, Direction::BACKWARD]);
        for coins in 2..=COINS_MAX {
            let mut places: Vec<usize> = Direction::all(coins).map(|direction| direction.place(coins)).collect();
            assert!(places.is_sorted() && places.iter().all(|place| *place < coins * coins), "{coins}");
            places.dedup();
            assert_eq!(places.len(), coins * (coins - 1));
        }
        assert_eq!(Direction::FORWARD.reversed(), Direction::BACKWARD);
    }
}
