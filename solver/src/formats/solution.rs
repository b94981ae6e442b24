//! Solution files: aggregate fills and uses of one answer to an auction file, by the file's names.
//!
//! Uses are aggregates: a pool that bundles used in both directions appears once, by the difference
//! of its flows. That holds wherever the bundles held one after another, whatever their order.

use std::collections::BTreeMap;

use clearlane_core::auction::{Bundle, Fill};
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, IntentIndex, VenueIndex};
use clearlane_core::refusal::Reason;
use clearlane_core::venue::Direction;
use serde_json::{Map, Value, json};

use super::node::{Fields, Node};
use super::{Auction, FormatError};

/// What a solution file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSolution {
    /// At most one fill per intent and option, in their order.
    pub fills: Vec<Fill>,
    /// At most one use per venue, in their order.
    pub uses: Vec<FileUse>,
}

/// The sum of all uses of one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileUse {
    /// The venue, by its place in the auction's input.
    pub venue: VenueIndex,
    /// Atoms that go in, per coin.
    pub amounts_in: [Atoms; 2],
    /// Atoms that come out, per coin.
    pub amounts_out: [Atoms; 2],
}

impl FileUse {
    /// The difference of opposing flows; none if nothing comes out of the venue.
    fn net(self) -> Option<FileUse> {
        let ([in_first, in_second], [out_first, out_second]) = (self.amounts_in, self.amounts_out);
        let amounts_out = [out_first.saturating_sub(in_first), out_second.saturating_sub(in_second)];
        let amounts_in = [in_first.saturating_sub(out_first), in_second.saturating_sub(out_second)];
        (amounts_out != [0; 2]).then_some(FileUse { amounts_in, amounts_out, ..self })
    }
}

impl FileSolution {
    /// Sums bundles that execute one after another; opposing flows through a venue cancel, and what it would
    /// only gain is left over. Sums that would overflow saturate.
    pub fn of<'a>(bundles: impl IntoIterator<Item = &'a Bundle>) -> FileSolution {
        let mut fills: BTreeMap<(IntentIndex, u16), Fill> = BTreeMap::new();
        let mut uses: BTreeMap<VenueIndex, FileUse> = BTreeMap::new();
        for bundle in bundles {
            for fill in &bundle.fills {
                let empty = Fill { sold: 0, bought: 0, ..*fill };
                let sum = fills.entry((fill.intent, fill.option)).or_insert(empty);
                sum.sold = sum.sold.saturating_add(fill.sold);
                sum.bought = sum.bought.saturating_add(fill.bought);
            }
            for used in &bundle.uses {
                let (amounts_in, amounts_out) = match used.direction {
                    Direction::Forward => ([used.amount_in, 0], [0, used.amount_out]),
                    Direction::Backward => ([0, used.amount_in], [used.amount_out, 0]),
                };
                let empty = FileUse { venue: used.venue, amounts_in: [0; 2], amounts_out: [0; 2] };
                let sum = uses.entry(used.venue).or_insert(empty);
                sum.amounts_in = added(sum.amounts_in, amounts_in);
                sum.amounts_out = added(sum.amounts_out, amounts_out);
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
            if uses.insert(used.venue, used).is_some() {
                return Err(node.refused(Reason::VenueUsedTwice, "a venue that is used once"));
            }
        }
        Ok(FileSolution { fills: fills.into_values().collect(), uses: uses.into_values().collect() })
    }
}

fn added(sum: [Atoms; 2], amounts: [Atoms; 2]) -> [Atoms; 2] {
    let ([first, second], [more_first, more_second]) = (sum, amounts);
    [first.saturating_add(more_first), second.saturating_add(more_second)]
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

fn amounts_json(auction: &Auction, coins: [DenominationIndex; 2], amounts: [Atoms; 2]) -> Value {
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
    let coins = coins.map(|coin| auction.market.assets.get(coin.at()).map_or("", |asset| asset.name.as_str()));
    Ok(FileUse {
        venue,
        amounts_in: read_amounts(&fields.need("in")?, coins)?,
        amounts_out: read_amounts(&fields.need("out")?, coins)?,
    })
}

fn read_amounts(node: &Node<'_>, coins: [&str; 2]) -> Result<[Atoms; 2], FormatError> {
    let [first, second] = coins;
    let mut amounts = [0; 2];
    let [first_amount, second_amount] = &mut amounts;
    for (name, amount) in node.object()?.entries() {
        let slot = match name.as_str() {
            name if name == first => &mut *first_amount,
            name if name == second => &mut *second_amount,
            _ => return Err(node.refused(Reason::UnknownAsset, &format!("amounts of {first} and {second}"))),
        };
        *slot = amount.atoms()?;
    }
    Ok(amounts)
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
