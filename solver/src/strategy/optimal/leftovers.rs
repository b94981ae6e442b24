//! What is left over goes to owners: first as surplus that counts, then to whoever can take it.
//!
//! Whatever nobody can take stays in a venue, whose promise is lowered.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, Bundle, Fill, VenueUse, size_of};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, VenueIndex};
use clearlane_core::venue::Direction;

use super::model::Model;
use crate::strategy::value::{atoms, float};

/// What came in and what went out of each denomination.
pub(super) type Balances = BTreeMap<DenominationIndex, (Atoms, Atoms)>;

/// The sums of fills and uses.
pub(super) fn balances(input: &AuctionInput, fills: &[Fill], uses: &[VenueUse]) -> Balances {
    let mut balances = Balances::new();
    let mut add = |denomination: DenominationIndex, inward: Atoms, outward: Atoms| {
        let sums = balances.entry(denomination).or_default();
        *sums = (sums.0.saturating_add(inward), sums.1.saturating_add(outward));
    };
    for fill in fills {
        let (_, option) = option_of(input, fill);
        add(option.give, fill.sold, 0);
        add(option.get, 0, fill.bought);
    }
    for used in uses {
        let [put, drawn] = coins_of(input, used);
        add(put, 0, used.amount_in);
        add(drawn, used.amount_out, 0);
    }
    balances
}

/// The coin that goes in and the one that comes out.
pub(super) fn coins_of(input: &AuctionInput, used: &VenueUse) -> [DenominationIndex; 2] {
    let coins = input.venues[used.venue.at()].coins;
    [used.direction.from, used.direction.into].map(|coin| coins.as_slice()[usize::from(coin)])
}

/// The option that a fill names.
pub(super) fn option_of<'a>(input: &'a AuctionInput, fill: &Fill) -> (&'a AuctionIntent, &'a AuctionOption) {
    let intent = &input.intents[fill.intent.at()];
    (intent, &intent.options[usize::from(fill.option)])
}

/// How often what is left over is traded for something that owners can use: back to the coins that venues
/// took for it, then on through venues.
const ROUNDS_MAX: usize = 3;

/// With more uses than this, or further than this, single atoms are not worth the time.
const EVENED_MAX: usize = 16;
const EVENED_ATOMS: Atoms = 8;

/// Hands out what is left over; nothing may be short.
pub(super) fn hand_out(input: &AuctionInput, model: &Model, fills: &mut [Fill], uses: &mut Vec<VenueUse>) {
    let mut takers: BTreeMap<DenominationIndex, Vec<usize>> = BTreeMap::new();
    for (at, fill) in fills.iter().enumerate() {
        let (intent, option) = option_of(input, fill);
        takers.entry(intent.surplus_denomination(option)).or_default().push(at);
    }
    let of = |denomination: &DenominationIndex| takers.get(denomination).map_or(&[][..], Vec::as_slice);
    even_out(input, uses);
    uses.iter_mut().for_each(|used| trim(input, used, used.amount_out));
    for trade in [release, feed] {
        for _ in 0..ROUNDS_MAX {
            for (denomination, (inward, outward)) in balances(input, fills, uses) {
                let left = inward.saturating_sub(outward);
                let left = pay_counted(input, model, fills, of(&denomination), left);
                trade(input, uses, denomination, left);
            }
        }
    }
    for (denomination, (inward, outward)) in balances(input, fills, uses) {
        let mut left = inward.saturating_sub(outward);
        left = pay_counted(input, model, fills, of(&denomination), left);
        for at in of(&denomination) {
            left -= pay(input, &mut fills[*at], left);
        }
        left = keep_in_venues(input, uses, denomination, left);
        for at in 0..fills.len() {
            if left == 0 {
                break;
            }
            left -= absorb(input, fills, at, denomination, left);
        }
        if left > 0 {
            give_to_venue(input, model, uses, denomination, left);
        }
    }
}

/// Leaves to venues what a bundle must not keep: more than an atom a fill.
pub(super) fn put_back(input: &AuctionInput, model: &Model, bundle: &mut Bundle) {
    let slack = Atoms::try_from(bundle.fills.len()).unwrap_or(Atoms::MAX);
    for (denomination, (inward, outward)) in balances(input, &bundle.fills, &bundle.uses) {
        let left = inward.saturating_sub(outward);
        if left > slack {
            let left = keep_in_venues(input, &mut bundle.uses, denomination, left);
            if left > slack {
                give_to_venue(input, model, &mut bundle.uses, denomination, left);
            }
        }
    }
}

/// Moves single atoms between venues that trade the same pair, where both together then round to more.
fn even_out(input: &AuctionInput, uses: &mut [VenueUse]) {
    if uses.len() > EVENED_MAX {
        return;
    }
    let quote = |used: &VenueUse, amount_in: Atoms| {
        let venue = &input.venues[used.venue.at()];
        venue.terms.out_for(&venue.opening, used.direction, amount_in)
    };
    for first in 0..uses.len() {
        for second in (0..uses.len()).filter(|second| *second != first) {
            let (one, other) = (uses[first], uses[second]);
            if coins_of(input, &one) != coins_of(input, &other) {
                continue;
            }
            let moved = (1..EVENED_ATOMS.min(one.amount_in)).filter_map(|atoms| {
                let (less, more) = (one.amount_in - atoms, other.amount_in + atoms);
                Some((quote(&one, less)?, quote(&other, more)?, less, more))
            });
            let Some((less_out, more_out, less, more)) = moved.max_by_key(|(one, other, ..)| one + other) else {
                continue;
            };
            if less_out + more_out > one.amount_out + other.amount_out {
                (uses[first].amount_in, uses[first].amount_out) = (less, less_out);
                (uses[second].amount_in, uses[second].amount_out) = (more, more_out);
            }
        }
    }
}

/// Promises so much from a venue and puts in no more than that takes.
fn trim(input: &AuctionInput, used: &mut VenueUse, amount_out: Atoms) {
    let venue = &input.venues[used.venue.at()];
    let least = venue.terms.in_for(&venue.opening, used.direction, amount_out);
    if let Some(amount_in) = least.filter(|least| *least < used.amount_in) {
        (used.amount_in, used.amount_out) = (amount_in, amount_out);
    }
}

/// Takes less of a denomination from venues, for less of what they take for it.
fn release(input: &AuctionInput, uses: &mut [VenueUse], denomination: DenominationIndex, left: Atoms) {
    let mut left = left;
    for used in uses.iter_mut().filter(|used| coins_of(input, used)[1] == denomination) {
        let before = used.amount_out;
        if left > 0 && before > left {
            trim(input, used, before - left);
            left -= before - used.amount_out;
        }
    }
}

/// Puts more into the venue that already takes most of a denomination, if that brings anything.
fn feed(input: &AuctionInput, uses: &mut [VenueUse], denomination: DenominationIndex, left: Atoms) {
    let takes = |used: &&mut VenueUse| coins_of(input, used)[0] == denomination;
    let Some(used) = uses.iter_mut().filter(takes).max_by_key(|used| used.amount_in) else { return };
    let venue = &input.venues[used.venue.at()];
    let amount_in = used.amount_in.saturating_add(left);
    let most = venue.terms.out_for(&venue.opening, used.direction, amount_in);
    if let Some(amount_out) = most.filter(|most| left > 0 && *most > used.amount_out) {
        (used.amount_in, used.amount_out) = (amount_in, amount_out);
    }
}

/// Leaves what nobody wants to a pool, for nothing: a bundle may not keep it.
fn give_to_venue(
    input: &AuctionInput,
    model: &Model,
    uses: &mut Vec<VenueUse>,
    denomination: DenominationIndex,
    left: Atoms,
) {
    let takes = |venue: usize, direction: Direction, amount_in: Atoms| {
        let found = &input.venues[venue];
        found.terms.take(&found.opening, direction, amount_in, 0).is_ok()
    };
    for used in uses.iter_mut().filter(|used| coins_of(input, used)[0] == denomination) {
        let amount_in = used.amount_in.saturating_add(left);
        let found = &input.venues[used.venue.at()];
        if found.terms.take(&found.opening, used.direction, amount_in, used.amount_out).is_ok() {
            used.amount_in = amount_in;
            return;
        }
    }
    let row = model.row_of[denomination.at()];
    let is_used = |venue: usize| uses.iter().any(|used| used.venue.at() == venue);
    let mut curves = model.curves.iter().filter(|curve| Some(curve.input) == row && !is_used(curve.venue));
    if let Some(curve) = curves.find(|curve| takes(curve.venue, curve.direction, left)) {
        let (venue, direction) = (VenueIndex::from_at(curve.venue), curve.direction);
        uses.push(VenueUse { venue, direction, amount_in: left, amount_out: 0 });
    }
}

/// Pays the surplus that counts, in proportion to how much of it each fill has room for.
fn pay_counted(input: &AuctionInput, model: &Model, fills: &mut [Fill], takers: &[usize], left: Atoms) -> Atoms {
    let rooms: Vec<(usize, Atoms)> = takers.iter().map(|at| (*at, room(input, model, &fills[*at]))).collect();
    let total = rooms.iter().fold(0, |sum: Atoms, (_, room)| sum.saturating_add(*room));
    let share = (float(left) / float(total.max(1))).min(1.0);
    let mut rest = left;
    for (at, room) in &rooms {
        let paid = atoms(float(*room) * share).min(*room).min(rest);
        rest -= pay(input, &mut fills[*at], paid);
    }
    for (at, _) in &rooms {
        let paid = self::room(input, model, &fills[*at]).min(rest);
        rest -= pay(input, &mut fills[*at], paid);
    }
    rest
}

/// Atoms of surplus that a fill could still be paid and that would count.
fn room(input: &AuctionInput, model: &Model, fill: &Fill) -> Atoms {
    let reference = model.references[fill.intent.at()][usize::from(fill.option)];
    match input.intents[fill.intent.at()].kind {
        Kind::ExactIn => atoms(float(fill.sold) * reference).saturating_sub(fill.bought),
        Kind::ExactOut if reference > 0.0 => {
            let least = atoms((float(fill.bought) / reference).ceil());
            fill.sold.saturating_sub(least.max(1))
        }
        Kind::ExactOut => 0,
    }
}

/// Improves a fill by so many atoms as it can take; what it took.
fn pay(input: &AuctionInput, fill: &mut Fill, amount: Atoms) -> Atoms {
    let (intent, _) = option_of(input, fill);
    match intent.kind {
        Kind::ExactIn => {
            fill.bought += amount;
            amount
        }
        Kind::ExactOut => {
            let paid = amount.min(fill.sold.saturating_sub(1));
            fill.sold -= paid;
            paid
        }
    }
}

/// Lets a partial fill give a little less or get a little more; what that takes up.
fn absorb(input: &AuctionInput, fills: &mut [Fill], at: usize, denomination: DenominationIndex, left: Atoms) -> Atoms {
    let fill = fills[at];
    let (intent, option) = option_of(input, &fill);
    let of_intent = fills.iter().filter(|other| other.intent == fill.intent);
    let total = of_intent.fold(0, |sum: Atoms, fill| sum.saturating_add(intent.fixed_of(fill.sold, fill.bought)));
    let fixed = intent.fixed_of(fill.sold, fill.bought);
    if intent.is_all_or_nothing || left > fixed / 2 {
        return 0;
    }
    let most = option.maximum.min(option.left);
    match intent.kind {
        Kind::ExactIn if option.give == denomination && total - left >= option.minimum => fills[at].sold -= left,
        Kind::ExactOut
            if option.get == denomination && fixed + left <= most && total + left <= size_of(intent, fill.option) =>
        {
            fills[at].bought += left;
        }
        Kind::ExactIn | Kind::ExactOut => return 0,
    }
    left
}

/// Lowers what venues promise of a denomination; what is left over even so.
fn keep_in_venues(input: &AuctionInput, uses: &mut [VenueUse], denomination: DenominationIndex, left: Atoms) -> Atoms {
    let mut left = left;
    for used in uses {
        if coins_of(input, used)[1] == denomination {
            let kept = left.min(used.amount_out);
            used.amount_out -= kept;
            left -= kept;
        }
    }
    left
}
