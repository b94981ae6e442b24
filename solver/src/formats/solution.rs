//! Solution files: aggregate fills and uses of one answer to an auction file, by the file's names.
//!
//! Uses are aggregates: a pool that bundles used in both directions appears once, by the difference
//! of its flows. That holds wherever the bundles held one after another, whatever their order. Rails that allow
//! several uses and pools of more than two coins appear use by use, in the order of execution.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionVenue, Bundle, Fill, VenueUse};
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, IntentIndex, VenueIndex};
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{Direction, PerCoin};
use serde_json::{Map, Value, json};

use super::node::{Fields, Node};
use super::{Auction, FormatError};

/// What a solution file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSolution {
    /// At most one fill per intent and option, in their order.
    pub fills: Vec<Fill>,
    /// In order of venues, each once unless its uses count one by one.
    pub uses: Vec<FileUse>,
}

/// The sum of all uses of one venue, or one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileUse {
    /// The venue, by its place in the auction's input.
    pub venue: VenueIndex,
    /// Atoms that go in, per coin.
    pub amounts_in: PerCoin<Atoms>,
    /// Atoms that come out, per coin.
    pub amounts_out: PerCoin<Atoms>,
}

impl FileUse {
    /// The difference of opposing flows; none if nothing comes out of the venue.
    fn net(self) -> Option<FileUse> {
        let less = |amounts: PerCoin<Atoms>, others: PerCoin<Atoms>| {
            let mut others = others.into_iter();
            amounts.map(|amount| amount.saturating_sub(others.next().unwrap_or(0)))
        };
        let amounts_in = less(self.amounts_in, self.amounts_out);
        let amounts_out = less(self.amounts_out, self.amounts_in);
        amounts_out.iter().any(|amount| *amount > 0).then_some(FileUse { amounts_in, amounts_out, ..self })
    }

    /// The coins that go in and out, if there is one of each.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        let only = |amounts: &PerCoin<Atoms>| {
            let mut coins = (0_u8..).zip(amounts).filter(|(_, amount)| **amount > 0).map(|(coin, _)| coin);
            coins.next().filter(|_| coins.next().is_none())
        };
        let direction = Direction { from: only(&self.amounts_in)?, into: only(&self.amounts_out)? };
        direction.is_pair().then_some(direction)
    }

    fn add(&mut self, used: &VenueUse) {
        let Direction { from, into } = used.direction;
        for (amounts, coin, amount) in
            [(&mut self.amounts_in, from, used.amount_in), (&mut self.amounts_out, into, used.amount_out)]
        {
            if let Some(sum) = amounts.get_mut(coin) {
                *sum = sum.saturating_add(amount);
            }
        }
    }
}

impl FileSolution {
    /// Sums bundles that execute one after another; opposing flows through a venue cancel, and what it would
    /// only gain is left over. Sums that would overflow saturate.
    pub fn of<'a>(auction: &Auction, bundles: impl IntoIterator<Item = &'a Bundle>) -> FileSolution {
        let mut fills: BTreeMap<(IntentIndex, u16), Fill> = BTreeMap::new();
        let mut uses: BTreeMap<(VenueIndex, usize), FileUse> = BTreeMap::new();
        for (turn, bundle) in bundles.into_iter().enumerate() {
            for fill in &bundle.fills {
                let empty = Fill { sold: 0, bought: 0, ..*fill };
                let sum = fills.entry((fill.intent, fill.option)).or_insert(empty);
                sum.sold = sum.sold.saturating_add(fill.sold);
                sum.bought = sum.bought.saturating_add(fill.bought);
            }
            for used in &bundle.uses {
                let venue = auction.input.venues.get(used.venue.at());
                let none = venue.map(|venue| venue.coins).unwrap_or_default().map(|_| 0);
                let turn = if venue.is_some_and(AuctionVenue::has_single_uses) { turn } else { 0 };
                let empty = FileUse { venue: used.venue, amounts_in: none, amounts_out: none };
                uses.entry((used.venue, turn)).or_insert(empty).add(used);
            }
        }
        FileSolution {
            fills: fills.into_values().collect(),
            uses: uses.into_values().filter_map(FileUse::net).collect(),
        }
    }

    /// The file's text, by the auction's names.
    #[must_use]
    pub fn write(&self, auction: &Auction) -> String {
        let fills: Vec<Value> = self.fills.iter().map(|fill| fill_json(auction, fill)).collect();
        let uses: Vec<Value> = self.uses.iter().map(|used| use_json(auction, used)).collect();
        json!({ "fills": fills, "uses": uses }).to_string()
    }

    /// Reads a solution file; whether it is valid is not judged here.
    ///
    /// # Errors
    ///
    /// Names the field that is missing, malformed, repeated, or refers to nothing in the auction.
    pub fn read(auction: &Auction, bytes: &[u8]) -> Result<FileSolution, FormatError> {
        let file = Node::root(bytes)?.object()?;
        let orders = auction.market.orders.iter().enumerate();
        let intents = orders.map(|(at, order)| (order.name.as_str(), IntentIndex::from_at(at))).collect();
        let venues = auction.market.venues.iter().enumerate();
        let venues = venues.map(|(at, venue)| (venue.name.as_str(), VenueIndex::from_at(at))).collect();
        let mut fills = BTreeMap::new();
        for node in file.need("fills")?.list()? {
            let fill = read_fill(auction, &node, &intents)?;
            if fills.insert((fill.intent, fill.option), fill).is_some() {
                return Err(node.refused(Reason::FilledTwice, "an option that is filled once"));
            }
        }
        let mut uses = BTreeMap::new();
        for node in file.need("uses")?.list()? {
            let used = read_use(auction, &node, &venues)?;
            let is_single = auction.input.venues.get(used.venue.at()).is_some_and(AuctionVenue::has_single_uses);
            let turn = if is_single { uses.len() } else { 0 };
            if is_single && used.direction().is_none() {
                return Err(node.expected("one asset that goes in and one that comes out"));
            }
            if uses.insert((used.venue, turn), used).is_some() {
                return Err(node.refused(Reason::VenueUsedTwice, "a venue that is used once"));
            }
        }
        Ok(FileSolution { fills: fills.into_values().collect(), uses: uses.into_values().collect() })
    }
}

fn fill_json(auction: &Auction, fill: &Fill) -> Value {
    json!({
        "intent": auction.intent_name(fill.intent),
        "option": fill.option,
        "sold": fill.sold.to_string(),
        "bought": fill.bought.to_string(),
    })
}

fn use_json(auction: &Auction, used: &FileUse) -> Value {
    let coins = auction.market.venues.get(used.venue.at()).map(|venue| venue.coins).unwrap_or_default();
    json!({
        "liquidity": auction.venue_name(used.venue),
        "in": amounts_json(auction, coins, used.amounts_in),
        "out": amounts_json(auction, coins, used.amounts_out),
    })
}

fn amounts_json(auction: &Auction, coins: PerCoin<DenominationIndex>, amounts: PerCoin<Atoms>) -> Value {
    let mut object = Map::new();
    for (coin, amount) in coins.into_iter().zip(amounts) {
        if let (Some(asset), true) = (auction.market.assets.get(coin.at()), amount > 0) {
            object.insert(asset.name.to_string(), amount.to_string().into());
        }
    }
    Value::Object(object)
}

fn read_fill(auction: &Auction, node: &Node<'_>, intents: &BTreeMap<&str, IntentIndex>) -> Result<Fill, FormatError> {
    let fields = node.object()?;
    let intent = named(&fields, "intent", intents, Reason::UnknownIntent)?;
    let option = fields.need("option")?;
    let options = auction.market.orders.get(intent.at()).map_or(0, |order| order.options.len());
    let number: u64 = option.integer()?;
    let number = u16::try_from(number).ok().filter(|number| usize::from(*number) < options);
    Ok(Fill {
        intent,
        option: number.ok_or_else(|| option.refused(Reason::UnknownOption, &format!("one of {options} options")))?,
        sold: fields.need("sold")?.atoms()?,
        bought: fields.need("bought")?.atoms()?,
    })
}

fn read_use(auction: &Auction, node: &Node<'_>, venues: &BTreeMap<&str, VenueIndex>) -> Result<FileUse, FormatError> {
    let fields = node.object()?;
    let venue = named(&fields, "liquidity", venues, Reason::UnknownVenue)?;
    let coins = auction.market.venues.get(venue.at()).map(|venue| venue.coins).unwrap_or_default();
    let coins: Vec<&str> =
        coins.iter().map(|coin| auction.market.assets.get(coin.at()).map_or("", |asset| asset.name.as_str())).collect();
    Ok(FileUse {
        venue,
        amounts_in: read_amounts(&fields.need("in")?, &coins)?,
        amounts_out: read_amounts(&fields.need("out")?, &coins)?,
    })
}

fn read_amounts(node: &Node<'_>, coins: &[&str]) -> Result<PerCoin<Atoms>, FormatError> {
    let mut amounts = vec![0; coins.len()];
    for (name, amount) in node.object()?.entries() {
        let slot = amounts.iter_mut().zip(coins).find(|(_, coin)| **coin == name);
        let Some((slot, _)) = slot else {
            return Err(node.refused(Reason::UnknownAsset, &format!("amounts of {}", coins.join(" and "))));
        };
        *slot = amount.atoms()?;
    }
    Ok(PerCoin::from_slice(&amounts).unwrap_or_default())
}

fn named<T: Copy>(
    fields: &Fields<'_>,
    field: &str,
    places: &BTreeMap<&str, T>,
    unknown: Reason,
) -> Result<T, FormatError> {
    let node = fields.need(field)?;
    places.get(node.text()?.as_str()).copied().ok_or_else(|| node.refused(unknown, "a name in the auction"))
}
