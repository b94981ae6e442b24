//! Freezes the input of a new auction: picks the intents, reserves their funds, copies venues and prices.
//!
//! An account reserves the least of its free balance and the worst needs of all its options on
//! offer. An intent whose options can't reach its minimum within the reserves waits, and so does one
//! whose condition does not hold; the facts that the others' conditions read are frozen too.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Context, OpenAuction};
use crate::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Denomination, INTENTS_MAX, Reserve, VENUES_MAX,
};
use crate::book::{BookIntent, BookOption, IntentKey, WaitsFor};
use crate::breakage::Breakage;
use crate::event::{Event, IntentChange, IntentEvent, Outcome};
use crate::fact::{self, Clause, Fact, FrozenClause, Subject};
use crate::intent::Choose;
use crate::ledger::{AccountKey, Owner};
use crate::money::{AUCTION_ATOMS_MAX, Atoms};
use crate::names::{
    AccountIndex, AssetIndex, AuctionId, DenominationIndex, FactIndex, ModuleIndex, ReserveIndex, VenueIndex,
};
use crate::pending::{Offered, PendingAuction};
use crate::refusal::{Reason, Refusal};
use crate::root;
use crate::state::State;
use crate::venue::Terms;

type Coin = (AssetIndex, ModuleIndex);

pub(super) fn apply(
    state: &mut State,
    context: &Context<'_>,
    open: OpenAuction,
    outcome: &mut Outcome,
) -> Result<(), Breakage> {
    let auction = AuctionId(state.auctions.saturating_add(1));
    if state.auction.is_some() {
        return Err(Breakage::WrongAuction(auction));
    }
    if state.clock >= open.close_at || open.close_at > open.settle_by {
        // Sequenced too late to take solutions: the shell opens another one.
        return Ok(());
    }
    tell_unmet(state, open, outcome);
    let candidates = candidates(state, open);
    let mut draft = Draft::default();
    let expanded: Vec<Candidate> = candidates.iter().filter_map(|key| expand(state, *key)).collect();
    draft.reserve(state, &expanded);
    for candidate in &expanded {
        if draft.is_full(state) {
            break;
        }
        let offer = draft.offer(state, candidate);
        consider(state, candidate.key, auction, offer.err(), outcome);
    }
    draft.add_venues(state);
    let pending = draft.finish(state, context, auction, open);
    hold(state, &pending)?;
    for offered in &pending.intents {
        if let Some(intent) = state.book.get_mut(offered.key) {
            intent.last_offered = auction.0;
        }
        tell(state, offered.key, IntentChange::Offered(auction), outcome);
    }
    state.auctions = auction.0;
    outcome.events.push(Event::AuctionOpened(Arc::clone(&pending.input)));
    state.auction = Some(pending);
    Ok(())
}

/// The most candidates that are looked at for each that may be offered: many may lack funds.
const CONSIDERED_FACTOR: usize = 4;
/// The most options of all intents together: with them a snapshot stays below 16 MiB.
const OPTIONS_IN_ALL_MAX: usize = 60_000;
/// The most ways to pay for one intent: its options times the accounts they may draw on.
const WAYS_MAX: usize = 64;

/// Notes that an intent was looked at, and tells its party when it starts to wait for funds.
fn consider(state: &mut State, key: IntentKey, auction: AuctionId, lack: Option<Refusal>, outcome: &mut Outcome) {
    let Some(intent) = state.book.get_mut(key) else { return };
    intent.last_considered = auction.0;
    let now = lack.is_some().then_some(WaitsFor::Funds);
    let before = std::mem::replace(&mut intent.waits_for, now);
    if let Some(refusal) = lack.filter(|_| before != now) {
        tell(state, key, IntentChange::Waiting(refusal), outcome);
    }
}

/// Tells the parties of intents that start to wait for their condition, at most as many as may be looked at.
fn tell_unmet(state: &mut State, open: OpenAuction, outcome: &mut Outcome) {
    let is_news = |intent: &BookIntent| {
        !intent.condition.is_empty() && intent.waits_for != Some(WaitsFor::Condition) && is_valid(state, open, intent)
    };
    let unmet = |(key, intent): (&IntentKey, &BookIntent)| Some((*key, fact::lack(state, &intent.condition)?));
    let most = intents_max(state).saturating_mul(CONSIDERED_FACTOR);
    let news = state.book.iter().filter(|(_, intent)| is_news(intent)).filter_map(unmet);
    let news: Vec<(IntentKey, Refusal)> = news.take(most).collect();
    for (key, refusal) in news {
        if let Some(intent) = state.book.get_mut(key) {
            intent.waits_for = Some(WaitsFor::Condition);
            tell(state, key, IntentChange::Waiting(refusal), outcome);
        }
    }
}

/// Whether an intent's times let it be offered.
fn is_valid(state: &State, open: OpenAuction, intent: &BookIntent) -> bool {
    intent.valid_from <= state.clock && intent.deadline >= open.settle_by
}

/// Intents that may be offered now, those longest not looked at first.
fn candidates(state: &State, open: OpenAuction) -> Vec<IntentKey> {
    let is_ready = |intent: &BookIntent| is_valid(state, open, intent) && fact::holds(state, &intent.condition);
    let mut keys: Vec<(u64, IntentKey)> = state
        .book
        .iter()
        .filter(|(_, intent)| is_ready(intent))
        .map(|(key, intent)| (intent.last_considered, *key))
        .collect();
    keys.sort_unstable();
    keys.truncate(intents_max(state).saturating_mul(CONSIDERED_FACTOR));
    keys.into_iter().map(|(_, key)| key).collect()
}

fn intents_max(state: &State) -> usize {
    usize::try_from(state.config.auction_intents_max).unwrap_or(usize::MAX).min(INTENTS_MAX)
}

/// An intent with each of its options tied to one paying account.
struct Candidate {
    key: IntentKey,
    intent: BookIntent,
    options: Vec<(u16, BookOption, AccountIndex)>,
}

fn expand(state: &State, key: IntentKey) -> Option<Candidate> {
    let intent = state.book.get(key)?.clone();
    let mut options = Vec::new();
    for (at, option) in intent.options.iter().enumerate() {
        let number = u16::try_from(at).ok()?;
        let is_open = intent.chosen.is_none_or(|chosen| chosen == number);
        if !is_open || intent.left(option) == 0 {
            continue;
        }
        let accounts = state.ledger.of_owner_in(Owner::Party(key.party), option.give_asset);
        let accounts =
            accounts.filter(|(_, account)| option.give_module.is_none_or(|module| module == account.key.module));
        options.extend(accounts.map(|(index, _)| (number, *option, index)));
    }
    options.truncate(WAYS_MAX);
    Some(Candidate { key, intent, options })
}

/// The tables of the input while they grow.
#[derive(Default)]
struct Draft {
    coins: BTreeMap<Coin, DenominationIndex>,
    denominations: Vec<Coin>,
    reserve_of: BTreeMap<AccountIndex, ReserveIndex>,
    reserves: Vec<(AccountIndex, Reserve)>,
    /// What the caps of the options on offer could together take from each reserve.
    claims: Vec<Atoms>,
    intents: Vec<(AuctionIntent, Offered)>,
    options_in_all: usize,
    venues: Vec<(AuctionVenue, VenueIndex)>,
    fact_of: BTreeMap<Subject, FactIndex>,
    facts: Vec<Fact>,
}

impl Draft {
    fn denomination(&mut self, coin: Coin) -> DenominationIndex {
        let next = DenominationIndex::from_at(self.denominations.len());
        let index = *self.coins.entry(coin).or_insert(next);
        if index == next {
            self.denominations.push(coin);
        }
        index
    }

    /// Reserves A = min(free, the sum of the worst needs) of every account that pays.
    fn reserve(&mut self, state: &State, candidates: &[Candidate]) {
        let mut needs: BTreeMap<AccountIndex, Atoms> = BTreeMap::new();
        for candidate in candidates {
            let kind = candidate.intent.kind;
            for (_, option, account) in &candidate.options {
                let need = option.worst_need(kind, candidate.intent.left(option)).unwrap_or(0);
                let sum = needs.entry(*account).or_default();
                *sum = sum.saturating_add(need);
            }
        }
        for (index, need) in needs {
            let Some(account) = state.ledger.account(index) else { continue };
            let amount = need.min(account.free()).min(AUCTION_ATOMS_MAX.saturating_sub(1));
            let denomination = self.denomination((account.key.asset, account.key.module));
            self.reserve_of.insert(index, ReserveIndex::from_at(self.reserves.len()));
            self.reserves.push((index, Reserve { denomination, amount, is_scarce: false }));
            self.claims.push(0);
        }
    }

    /// Offers an intent, or says what its accounts lack.
    fn offer(&mut self, state: &State, candidate: &Candidate) -> Result<(), Refusal> {
        let (options, numbers) = self.options(candidate);
        let intent = &candidate.intent;
        let fillable = options.iter().fold(0_u128, |sum, option| sum.saturating_add(option.maximum));
        let remaining = intent.remaining();
        let minimum = options.iter().map(|option| option.minimum).min().unwrap_or(1);
        let needed = if intent.is_all_or_nothing { remaining } else { minimum };
        let is_fillable = match intent.choose {
            Choose::Split => fillable >= needed,
            Choose::One => true,
        };
        if options.is_empty() || !is_fillable {
            let message = format!("expected funds to fill {needed} atoms, found enough for {fillable}");
            return Err(Refusal::new(Reason::InsufficientFunds, "options", message));
        }
        self.claim(candidate, &options);
        self.options_in_all = self.options_in_all.saturating_add(options.len());
        let Some(party) = state.parties.name(candidate.key.party.at()) else { return Ok(()) };
        let on_offer = AuctionIntent {
            floor: None,
            party: party.clone(),
            id: candidate.key.id,
            kind: intent.kind,
            choose: intent.choose,
            is_all_or_nothing: intent.is_all_or_nothing,
            remaining,
            options,
            condition: intent.condition.iter().map(|clause| self.freeze(state, clause)).collect(),
        };
        self.intents.push((on_offer, Offered { key: candidate.key, payee: intent.payee, options: numbers }));
        Ok(())
    }

    /// Freezes the fact that a clause reads, once however many read it.
    fn freeze(&mut self, state: &State, clause: &Clause) -> FrozenClause {
        let next = FactIndex::from_at(self.facts.len());
        let fact = *self.fact_of.entry(clause.subject.clone()).or_insert(next);
        if fact == next {
            let (name, value) = (fact::name(state, &clause.subject), fact::value(state, &clause.subject));
            self.facts.push(Fact { name, value });
        }
        FrozenClause { fact, test: clause.test }
    }

    fn options(&mut self, candidate: &Candidate) -> (Vec<AuctionOption>, Vec<u16>) {
        let intent = &candidate.intent;
        let mut options = Vec::new();
        let mut numbers = Vec::new();
        for (number, option, account) in &candidate.options {
            let Some(reserve) = self.reserve_of.get(account).copied() else { continue };
            let Some((_, set_aside)) = self.reserves.get(reserve.at()).copied() else { continue };
            let left = intent.left(option);
            let maximum = left.min(option.affordable(intent.kind, set_aside.amount));
            let size = if intent.choose == Choose::One { left } else { intent.remaining() };
            let minimum = option.minimum.min(size);
            let is_whole = intent.choose == Choose::One && intent.is_all_or_nothing;
            let is_too_little = intent.choose == Choose::One && maximum < minimum;
            if maximum == 0 || is_too_little || (is_whole && maximum < option.full(intent.kind)) {
                continue;
            }
            let get = self.denomination((option.get_asset, option.get_module));
            options.push(AuctionOption {
                give: set_aside.denomination,
                get,
                give_amount: option.give_amount,
                get_amount: option.get_amount,
                maximum,
                minimum,
                number: *number,
                left,
                reserve,
            });
            numbers.push(*number);
        }
        (options, numbers)
    }

    fn is_full(&self, state: &State) -> bool {
        self.intents.len() >= intents_max(state) || self.options_in_all >= OPTIONS_IN_ALL_MAX
    }

    fn claim(&mut self, candidate: &Candidate, options: &[AuctionOption]) {
        for option in options {
            let fixed = option.maximum;
            let need = match candidate.intent.kind {
                crate::intent::Kind::ExactIn => Some(fixed),
                crate::intent::Kind::ExactOut => {
                    crate::money::mul_div(fixed, option.give_amount, option.get_amount, crate::money::Rounding::Down)
                }
            };
            if let Some(claim) = self.claims.get_mut(option.reserve.at()) {
                *claim = claim.saturating_add(need.unwrap_or(Atoms::MAX));
            }
        }
    }

    fn add_venues(&mut self, state: &State) {
        for (at, (name, venue)) in state.venues.iter().enumerate() {
            if self.venues.len() >= VENUES_MAX {
                return;
            }
            let index = VenueIndex::from_at(at);
            let inventory = venue.coins.map(|coin| inventory_of(state, index, coin));
            let is_pool = !matches!(venue.terms, Terms::Ladder(_) | Terms::Rail(_));
            let is_stocked = venue.terms.is_stocked(&inventory);
            let is_in_range = inventory.iter().all(|amount| *amount < AUCTION_ATOMS_MAX);
            if !is_stocked || (is_pool && !is_in_range) {
                continue;
            }
            let coins = venue.coins.map(|coin| self.denomination(coin));
            let opening = venue.terms.opening(&inventory);
            self.venues.push((AuctionVenue { name: name.clone(), coins, terms: venue.terms.clone(), opening }, index));
        }
    }

    fn finish(self, state: &State, context: &Context<'_>, auction: AuctionId, open: OpenAuction) -> PendingAuction {
        let claims = self.claims;
        let (accounts, mut reserves): (Vec<AccountIndex>, Vec<Reserve>) = self.reserves.into_iter().unzip();
        for (reserve, claim) in reserves.iter_mut().zip(claims) {
            reserve.is_scarce = claim > reserve.amount;
            // What only waiting intents could need stays free.
            reserve.amount = reserve.amount.min(claim);
        }
        let (intents, offered) = self.intents.into_iter().unzip();
        let (venues, venue_indices) = self.venues.into_iter().unzip();
        let denominations = self.denominations.iter().filter_map(|coin| describe(state, *coin)).collect();
        let input = AuctionInput {
            auction,
            rules: state.config.rules,
            opened_at: state.clock,
            close_at: open.close_at,
            settle_by: open.settle_by,
            seed: context.batch_hash,
            surplus_cap_ppm: state.config.surplus_cap_ppm,
            denominations,
            reserves,
            intents,
            venues,
            facts: self.facts,
        };
        PendingAuction {
            input_digest: root::auction_input(&input),
            input: Arc::new(input),
            is_open: true,
            solutions: Vec::new(),
            denominations: self.denominations,
            reserves: accounts,
            intents: offered,
            venues: venue_indices,
        }
    }
}

fn describe(state: &State, (asset, module): Coin) -> Option<Denomination> {
    let row = state.assets.get(asset.at())?;
    Some(Denomination {
        asset: state.assets.name(asset.at())?.clone(),
        module: state.modules.name(module.at())?.clone(),
        scale: row.scale,
        price: row.price,
    })
}

fn inventory_of(state: &State, venue: VenueIndex, (asset, module): Coin) -> Atoms {
    let key = AccountKey { owner: Owner::Inventory(venue), asset, module };
    state.ledger.find(key).map_or(0, |index| state.ledger.free(index))
}

fn hold(state: &mut State, pending: &PendingAuction) -> Result<(), Breakage> {
    for (account, reserve) in pending.reserves.iter().zip(&pending.input.reserves) {
        state.ledger.hold(*account, reserve.amount)?;
    }
    Ok(())
}

fn tell(state: &State, key: IntentKey, change: IntentChange, outcome: &mut Outcome) {
    outcome.events.push(Event::Intent(IntentEvent { party: key.party, id: key.id, time: state.clock, change }));
}
