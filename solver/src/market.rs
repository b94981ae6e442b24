//! A neutral description of one market: assets, venues, orders, and what could not be represented.
//!
//! File formats are read into it; an offline auction and the commands that build the same
//! market in a running engine both derive from it, so that they cannot drift apart.

use std::collections::BTreeMap;

use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, Reserve, RuleSet,
};
use clearlane_core::hash::{Hash, Hasher};
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms, Rounding, mul_div};
use clearlane_core::names::{AuctionId, CommandId, DenominationIndex, Name, ReserveIndex};
use clearlane_core::price::Price;
use clearlane_core::refusal::Refusal;
use clearlane_core::time::Timestamp;
use clearlane_core::venue::{PerCoin, Terms};

/// The module in which markets read from files live.
pub const MODULE: &str = "main";

/// What a file holds, in the core's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// What the file calls itself.
    pub name: String,
    /// How its solutions are judged unless somebody says otherwise.
    pub rules: RuleSet,
    /// How far above the reference price surplus still counts, in parts per million.
    pub surplus_cap_ppm: u32,
    /// Every asset, in the order of denominations.
    pub assets: Vec<MarketAsset>,
    /// Every venue that can be represented.
    pub venues: Vec<MarketVenue>,
    /// Every order that can be represented.
    pub orders: Vec<MarketOrder>,
    /// What owners hold of an asset, where the file says so: all their options that give it draw on that. Other
    /// options have funds of their own.
    pub shared: BTreeMap<(Name, DenominationIndex), Atoms>,
    /// Assets that cannot be represented, by name, and why; orders and venues in them are refused too.
    pub refused_assets: Vec<(String, Refusal)>,
    /// Venues that cannot be represented, by name, and why.
    pub refused_venues: Vec<(String, Refusal)>,
    /// Orders that cannot be represented, by name, and why.
    pub refused_orders: Vec<(String, Refusal)>,
}

/// An asset of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketAsset {
    /// Its name.
    pub name: Name,
    /// Its decimals.
    pub scale: u8,
    /// The value of one whole unit in the reference asset, if known.
    pub price: Option<Price>,
}

/// A venue of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketVenue {
    /// Its name.
    pub name: Name,
    /// The places of its coins in the market's assets.
    pub coins: PerCoin<DenominationIndex>,
    /// Its rule.
    pub terms: Terms,
    /// What it holds of each coin, in atoms.
    pub inventory: PerCoin<Atoms>,
}

/// An order of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketOrder {
    /// What the file calls it.
    pub name: String,
    /// Who gives and gets.
    pub owner: Name,
    /// Which side is fixed.
    pub kind: Kind,
    /// Whether only the whole may be filled; otherwise any part from one atom up.
    pub is_all_or_nothing: bool,
    /// How many options may be used.
    pub choose: Choose,
    /// The ways to fill it.
    pub options: Vec<MarketOption>,
}

/// One way to fill an order, at full size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketOption {
    /// The place of the asset given.
    pub give: DenominationIndex,
    /// The place of the asset got.
    pub get: DenominationIndex,
    /// Exact-in: the amount given. Exact-out: the most to give.
    pub give_amount: Atoms,
    /// Exact-in: the least to get. Exact-out: the amount got.
    pub get_amount: Atoms,
    /// The most of the fixed side that this option may fill; absent means all.
    pub maximum: Option<Atoms>,
}

impl MarketOption {
    /// The fixed side at full size.
    #[must_use]
    pub fn fixed(&self, kind: Kind) -> Atoms {
        match kind {
            Kind::ExactIn => self.give_amount,
            Kind::ExactOut => self.get_amount,
        }
    }

    /// The most that may leave the owner through this option.
    #[must_use]
    pub fn worst_need(&self, kind: Kind) -> Atoms {
        let most = self.maximum.unwrap_or(Atoms::MAX).min(self.fixed(kind));
        match kind {
            Kind::ExactIn => most,
            Kind::ExactOut => {
                let pro_rata = mul_div(most, self.give_amount, self.get_amount, Rounding::Up);
                pro_rata.unwrap_or(self.give_amount)
            }
        }
    }
}

impl Market {
    /// What each owner needs of each asset so that no order of theirs lacks funds, or holds if the file says so.
    #[must_use]
    pub fn balances(&self) -> BTreeMap<(Name, DenominationIndex), Atoms> {
        let mut balances = BTreeMap::new();
        for order in &self.orders {
            for option in &order.options {
                let balance: &mut Atoms = balances.entry((order.owner.clone(), option.give)).or_default();
                *balance = balance.saturating_add(option.worst_need(order.kind));
            }
        }
        for (holder, amount) in &self.shared {
            if let Some(balance) = balances.get_mut(holder) {
                *balance = (*balance).min(*amount);
            }
        }
        balances
    }

    /// The auction of all orders over all venues, each option with a reserve of its own unless balances are shared.
    ///
    /// Intents and venues keep their places: intent `i` is `orders[i]`, venue `j` is `venues[j]`.
    #[must_use]
    pub fn to_input(&self, seed: Hash) -> AuctionInput {
        let mut reserves = Reserves::of(self);
        let intents = self.orders.iter().map(|order| intent_of(order, &mut reserves)).collect();
        AuctionInput {
            auction: AuctionId(1),
            rules: self.rules,
            opened_at: Timestamp(0),
            close_at: Timestamp(0),
            settle_by: Timestamp::MAX,
            seed,
            surplus_cap_ppm: self.surplus_cap_ppm,
            denominations: self.assets.iter().filter_map(denomination_of).collect(),
            reserves: reserves.list,
            intents,
            venues: self.venues.iter().map(venue_of).collect(),
            facts: Vec::new(),
        }
    }
}

/// A synthetic UUIDv7 for an order that only has a name; its time is the start of 1970.
#[must_use]
pub fn command_id(name: &str) -> CommandId {
    let digest = Hasher::new("clearlane.solver.order-name").bytes(name.as_bytes()).finish();
    let mut bytes = [0_u8; 16];
    for (byte, random) in bytes.iter_mut().zip(digest.0).skip(6) {
        *byte = random;
    }
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = 0x70 | (*version & 0x0f);
    *variant = 0x80 | (*variant & 0x3f);
    CommandId(bytes)
}

fn denomination_of(asset: &MarketAsset) -> Option<Denomination> {
    let module = Name::new(MODULE)?;
    Some(Denomination { asset: asset.name.clone(), module, scale: asset.scale, price: asset.price })
}

fn venue_of(venue: &MarketVenue) -> AuctionVenue {
    AuctionVenue {
        name: venue.name.clone(),
        coins: venue.coins,
        terms: venue.terms.clone(),
        opening: venue.terms.opening(&venue.inventory),
    }
}

/// What the options draw on, while the list grows.
struct Reserves {
    list: Vec<Reserve>,
    /// Those that several options may draw on.
    shared: BTreeMap<(Name, DenominationIndex), ReserveIndex>,
}

impl Reserves {
    fn of(market: &Market) -> Reserves {
        let mut needs: BTreeMap<(Name, DenominationIndex), Atoms> = BTreeMap::new();
        for order in &market.orders {
            for option in &order.options {
                let need = needs.entry((order.owner.clone(), option.give)).or_default();
                *need = need.saturating_add(option.worst_need(order.kind));
            }
        }
        let mut reserves = Reserves { list: Vec::new(), shared: BTreeMap::new() };
        for (holder, balance) in &market.shared {
            let need = needs.get(holder).copied().unwrap_or(0);
            let amount = need.min(*balance).min(AUCTION_ATOMS_MAX - 1);
            reserves.shared.insert(holder.clone(), ReserveIndex::from_at(reserves.list.len()));
            reserves.list.push(Reserve { denomination: holder.1, amount, is_scarce: need > amount });
        }
        reserves
    }

    /// The reserve of an option, and what it holds.
    fn draw(&mut self, order: &MarketOrder, option: &MarketOption) -> (ReserveIndex, Atoms) {
        let shared = self.shared.get(&(order.owner.clone(), option.give)).copied();
        if let Some((index, reserve)) = shared.and_then(|index| Some((index, self.list.get(index.at())?))) {
            return (index, reserve.amount);
        }
        let (index, amount) = (ReserveIndex::from_at(self.list.len()), option.worst_need(order.kind));
        self.list.push(Reserve { denomination: option.give, amount, is_scarce: false });
        (index, amount)
    }
}

fn intent_of(order: &MarketOrder, reserves: &mut Reserves) -> AuctionIntent {
    let mut options = Vec::with_capacity(order.options.len());
    for (number, option) in (0_u16..).zip(&order.options) {
        let (reserve, amount) = reserves.draw(order, option);
        let left = option.maximum.unwrap_or(Atoms::MAX).min(option.fixed(order.kind));
        let affordable = match order.kind {
            Kind::ExactIn => Some(amount),
            Kind::ExactOut => mul_div(amount, option.get_amount, option.give_amount, Rounding::Down),
        };
        let maximum = left.min(affordable.unwrap_or(Atoms::MAX));
        options.push(AuctionOption {
            give: option.give,
            get: option.get,
            give_amount: option.give_amount,
            get_amount: option.get_amount,
            maximum,
            minimum: 1,
            number,
            left,
            reserve,
        });
    }
    AuctionIntent {
        floor: None,
        party: order.owner.clone(),
        id: command_id(&order.name),
        kind: order.kind,
        choose: order.choose,
        is_all_or_nothing: order.is_all_or_nothing,
        remaining: order.options.iter().map(|option| option.fixed(order.kind)).max().unwrap_or(0),
        options,
        condition: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_ids_are_version_7_and_differ_by_name() {
        assert_eq!(command_id("a").millis(), Some(0));
        assert_ne!(command_id("a"), command_id("b"));
    }

    #[test]
    fn an_exact_out_option_reserves_its_share_of_the_most_it_may_give() {
        let coins = [DenominationIndex(0), DenominationIndex(1)];
        let option = MarketOption { give: coins[0], get: coins[1], give_amount: 101, get_amount: 10, maximum: Some(5) };
        assert_eq!(option.worst_need(Kind::ExactOut), 51);
        assert_eq!(option.worst_need(Kind::ExactIn), 5);
    }
}
