//! Random walks through the core: whatever is asked, in whatever order, the books stay right.
//!
//! Every record is followed by all invariants; beside the core runs a model, written apart, that knows
//! only events: balances from postings, and per intent what was filled, at which price, until when, on which facts.

mod facts;

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Solution, clear};
use clearlane_core::command::Action;
use clearlane_core::event::{End, Event, FillEvent, IntentChange, IntentEvent, Outcome};
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use clearlane_core::lanes::Sequential;
use clearlane_core::names::{AccountIndex, CommandId, PartyIndex, SolverId};
use clearlane_core::record::{Body, SettleAuction};
use clearlane_core::root;
use clearlane_core::time::{Span, Timestamp};
use clearlane_core::venue::{ConstantProduct, Ladder, Level, Terms};
use clearlane_engine::executor::{Method, Workers};
use clearlane_solver::strategy::{Budget, strategy};
use clearlane_tests::desk::{Desk, name};
use clearlane_tests::random::Random;
use facts::{Facts, condition};

const PARTIES: [&str; 3] = ["alice", "bob", "carol"];
const ASSETS: [&str; 3] = ["EUR", "USD", "JPY"];
const MODULES: [&str; 2] = ["bank", "branch"];
const WALKS: u64 = 150;
const STEPS: usize = 120;

/// What one party may have learned of one intent.
#[derive(Default)]
struct Known {
    intent: Option<Intent>,
    filled: BTreeMap<u16, u128>,
    is_ended: bool,
}

/// What events alone tell.
#[derive(Default)]
struct Model {
    balances: BTreeMap<AccountIndex, i128>,
    intents: BTreeMap<(PartyIndex, CommandId), Known>,
    fills: usize,
    ended: BTreeMap<&'static str, usize>,
}

impl Model {
    fn hear(&mut self, now: Timestamp, outcome: &Outcome, seed: u64) {
        for event in &outcome.events {
            match event {
                Event::Posted(posting) => {
                    let amount = i128::try_from(posting.amount).expect("below the supply");
                    *self.balances.entry(posting.debit).or_default() -= amount;
                    *self.balances.entry(posting.credit).or_default() += amount;
                }
                Event::Intent(change) => self.hear_intent(now, change, seed),
                Event::AuctionOpened(_)
                | Event::AuctionClosed(_)
                | Event::AuctionSettled(_)
                | Event::AuctionVoided(_)
                | Event::Checkpoint(_) => {}
            }
        }
        self.intents.values().for_each(|known| known.check_rest(seed));
    }

    fn hear_intent(&mut self, now: Timestamp, event: &IntentEvent, seed: u64) {
        let known = self.intents.entry((event.party, event.id)).or_default();
        assert!(!known.is_ended, "seed {seed}: {} changed after its end", event.id);
        match &event.change {
            IntentChange::Accepted(intent) => known.intent = Some((**intent).clone()),
            IntentChange::Filled(fill) => {
                self.fills += 1;
                known.fill(now, fill, seed);
            }
            IntentChange::Ended(end) => {
                known.is_ended = true;
                let name = match end {
                    End::Settled => "settled",
                    End::Expired => "expired",
                    End::Cancelled => "cancelled",
                };
                *self.ended.entry(name).or_default() += 1;
            }
            IntentChange::Offered(_) | IntentChange::Waiting(_) => {}
        }
    }

    fn compare(&self, desk: &Desk, seed: u64) {
        for (index, account) in desk.state.ledger.iter() {
            let heard = self.balances.get(&index).copied().unwrap_or(0).unsigned_abs();
            assert_eq!(account.posted, heard, "seed {seed}: account {} of {:?}", index.0, account.key);
        }
    }
}

impl Known {
    /// One fill keeps the limit, the size, the maximum, the choice and the deadline.
    fn fill(&mut self, now: Timestamp, fill: &FillEvent, seed: u64) {
        let intent = self.intent.as_ref().expect("accepted before");
        let option = &intent.options[usize::from(fill.option)];
        assert!(now <= intent.deadline, "seed {seed}: filled past the deadline");
        let (fixed, full) = match intent.kind {
            Kind::ExactIn => (fill.sold, option.give_amount),
            Kind::ExactOut => (fill.bought, option.get_amount),
        };
        if option.give_amount > 0 && option.get_amount > 0 {
            let is_kept = fill.bought * option.give_amount >= fill.sold * option.get_amount;
            assert!(is_kept, "seed {seed}: {} sold {} for {}", intent.id, fill.sold, fill.bought);
        }
        *self.filled.entry(fill.option).or_default() += fixed;
        let total: u128 = self.filled.values().sum();
        assert!(total <= full, "seed {seed}: {} filled {total} of {full}", intent.id);
        let most = option.maximum.unwrap_or(full);
        assert!(self.filled[&fill.option] <= most, "seed {seed}: {} filled beyond {most}", intent.id);
        if intent.choose == Choose::One {
            assert_eq!(self.filled.len(), 1, "seed {seed}: a one-of used two options");
        }
    }

    /// What a whole auction left of the intent, since the fills of one bundle count together.
    fn check_rest(&self, seed: u64) {
        let (Some(intent), Some(option)) = (&self.intent, self.filled.keys().next()) else { return };
        let option = &intent.options[usize::from(*option)];
        let full = match intent.kind {
            Kind::ExactIn => option.give_amount,
            Kind::ExactOut => option.get_amount,
        };
        let total: u128 = self.filled.values().sum();
        let reach = if intent.choose == Choose::One { full.min(option.maximum.unwrap_or(full)) } else { full };
        match intent.fill {
            FillRule::AllOrNothing => assert_eq!(total, full, "seed {seed}: a part of {}", intent.id),
            FillRule::Partial { minimum: Some(minimum) } => {
                let rest = reach - total;
                assert!(rest == 0 || rest >= minimum, "seed {seed}: {rest} of {} left, below {minimum}", intent.id);
                assert!(rest == 0 || total >= minimum, "seed {seed}: {total} of {} below {minimum}", intent.id);
            }
            FillRule::Partial { minimum: None } => {}
        }
    }
}

struct Walk {
    desk: Desk,
    model: Model,
    facts: Facts,
    random: Random,
    seed: u64,
    submitted: Vec<(&'static str, CommandId)>,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let mut desk = Desk::new();
        MODULES.into_iter().for_each(|module| desk.module(module));
        for (asset, scale, price) in [("EUR", 2, "1"), ("USD", 2, "0.9"), ("JPY", 0, "0.006")] {
            desk.asset(asset, scale, price);
        }
        PARTIES.into_iter().for_each(|party| desk.party(party));
        let (model, facts, random) = (Model::default(), Facts::default(), Random::new(seed));
        Walk { desk, model, facts, random, seed, submitted: Vec::new() }.stocked()
    }

    fn stocked(mut self) -> Walk {
        for party in PARTIES {
            for asset in ASSETS {
                let amount = 1 + u128::from(self.random.below(40_000));
                self.desk.deposit_in("bank", party, asset, amount);
                self.desk.deposit_in("branch", party, asset, amount / 3 + 1);
            }
        }
        self.desk.venue(
            "pool",
            ["EUR", "USD"],
            Terms::ConstantProduct(ConstantProduct { fee_ppm: 3_000 }),
            [900_000, 1_000_000],
        );
        self.desk.venue(
            "other",
            ["USD", "JPY"],
            Terms::ConstantProduct(ConstantProduct { fee_ppm: 500 }),
            [300_000, 450_000],
        );
        let level = |amount_in, amount_out| Level { amount_in, amount_out };
        let levels = vec![level(10_000, 16_500), level(50_000, 80_000)];
        self.desk.venue("ladder", ["EUR", "JPY"], Terms::Ladder(Ladder { levels }), [0, 200_000]);
        // The set-up is in the model too: it replays what the desk did so far.
        let mut copy = Desk::new();
        for record in self.desk.records[1..].iter().cloned() {
            let time = record.time;
            let outcome = copy.record_at(time, record.body);
            self.model.hear(time, &outcome, self.seed);
        }
        self
    }

    fn record(&mut self, body: Body) -> Outcome {
        let outcome = self.desk.record(body);
        self.model.hear(self.desk.state.clock, &outcome, self.seed);
        outcome
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..=8 => self.submit(),
            9 => self.cancel(),
            10 => self.wait(),
            11 => self.fact(),
            12 => self.move_money(),
            _ => self.auction_step(),
        }
    }

    fn submit(&mut self) {
        let party = self.random.pick(&PARTIES);
        let kind = self.random.pick(&[Kind::ExactIn, Kind::ExactOut]);
        let choose = self.random.pick(&[Choose::Split, Choose::Split, Choose::One]);
        let count = 1 + self.random.below(3);
        let shared = (self.random.pick(&ASSETS), 1 + u128::from(self.random.below(30_000)));
        let options = (0..count).map(|_| self.option(kind, choose, shared)).collect();
        let fill = match self.random.below(4) {
            0 => FillRule::AllOrNothing,
            1 => FillRule::Partial { minimum: None },
            _ => FillRule::Partial { minimum: Some(1 + u128::from(self.random.below(5_000))) },
        };
        let id = self.desk.next_id();
        let now = self.desk.state.clock;
        let payee = if self.random.below(3) == 0 { Some(name(self.random.pick(&PARTIES))) } else { None };
        let deadline = now.after(Span::millis(1 + u64::from(self.random.below(20_000))));
        let valid_from = if self.random.below(5) == 0 { now.after(Span::millis(1)) } else { Timestamp(0) };
        let (limits, reference, memo) = (Limits::default(), String::new(), Vec::new());
        let condition = condition(&mut self.random);
        let intent =
            Intent { id, kind, options, fill, choose, payee, limits, condition, valid_from, deadline, reference, memo };
        let body = Desk::submission(party, intent);
        let times = 1 + self.random.below(2);
        for _ in 0..times {
            self.record(body.clone());
        }
        self.submitted.push((party, id));
    }

    fn option(&mut self, kind: Kind, choose: Choose, shared: (&'static str, u128)) -> IntentOption {
        let is_shared = choose == Choose::Split || self.random.below(2) == 0;
        let fixed =
            if is_shared { shared } else { (self.random.pick(&ASSETS), 1 + u128::from(self.random.below(30_000))) };
        let other = self.random.pick(&ASSETS);
        // Around the reference price, so that some can trade and some can't.
        let value = |asset: &str| {
            if asset == "JPY" {
                6_u128
            } else if asset == "USD" {
                9
            } else {
                10
            }
        };
        let fair = fixed.1 * value(fixed.0) / value(other);
        let other_amount = (fair * u128::from(80 + self.random.below(40)) / 100).max(1);
        let (give, get) = match kind {
            Kind::ExactIn => (fixed, (other, other_amount)),
            Kind::ExactOut => ((other, other_amount), fixed),
        };
        let module = |random: &mut Random| (random.below(3) == 0).then(|| name(random.pick(&MODULES)));
        IntentOption {
            give_asset: name(give.0),
            give_module: module(&mut self.random),
            give_amount: give.1,
            get_asset: name(get.0),
            get_module: module(&mut self.random),
            get_amount: get.1,
            maximum: (self.random.below(3) == 0).then(|| 1 + u128::from(self.random.below(20_000))),
        }
    }

    fn cancel(&mut self) {
        let Some((party, id)) = self.random.pick_of(&self.submitted) else { return };
        let own = self.desk.next_id();
        self.record(Desk::cancellation(party, own, id));
    }

    fn wait(&mut self) {
        let span = Span::millis(u64::from(self.random.below(4_000)) + 1);
        let outcome = self.desk.wait(span);
        self.model.hear(self.desk.state.clock, &outcome, self.seed);
    }

    fn fact(&mut self) {
        let action = self.facts.change(&mut self.random);
        let id = self.desk.next_id();
        self.record(Desk::administration(id, action));
    }

    fn move_money(&mut self) {
        let (party, asset) = (self.random.pick(&PARTIES), self.random.pick(&ASSETS));
        let movement = clearlane_core::command::Movement {
            party: name(party),
            asset: name(asset),
            module: name(self.random.pick(&MODULES)),
            amount: 1 + u128::from(self.random.below(20_000)),
        };
        let id = self.desk.next_id();
        let action = if self.random.below(2) == 0 { Action::Deposit(movement) } else { Action::Withdraw(movement) };
        self.record(Desk::administration(id, action));
    }

    /// Opens an auction, or answers, closes and settles the one that is open; now and then too late.
    fn auction_step(&mut self) {
        let Some(pending) = self.desk.state.auction.clone() else {
            let outcome = self.desk.open_auction();
            self.model.hear(self.desk.state.clock, &outcome, self.seed);
            self.facts.hear_opening(&self.desk, &self.model, &outcome, self.seed);
            return;
        };
        let auction = pending.input.auction;
        if pending.is_open {
            for (solver, bundles) in self.answers(&pending.input) {
                self.record(Body::Solution(Solution { solver, auction, bundles, prices: None }));
            }
            self.record(Body::CloseAuction(auction));
            return;
        }
        let clearing = clear(&pending.input, &pending.solutions, &Sequential);
        if self.random.below(6) == 0 {
            self.wait();
        }
        self.record(Body::SettleAuction(SettleAuction { auction, digest: clearing.digest }));
    }

    fn answers(&mut self, input: &AuctionInput) -> Vec<(SolverId, Vec<Bundle>)> {
        let mut answers = Vec::new();
        for (solver, strategy_name) in [(2, "direct"), (3, "netting")] {
            if self.random.below(3) > 0 {
                let strategy = strategy(strategy_name).expect("known");
                answers.push((SolverId(solver), strategy.solve(input, &Budget::unlimited()).bundles));
            }
        }
        let honest: Vec<Bundle> = answers.iter().flat_map(|(_, bundles)| bundles.clone()).collect();
        let twisted = honest.into_iter().map(|bundle| self.twisted(bundle)).collect();
        answers.push((SolverId(4), twisted));
        answers
    }

    /// A bundle that is a little off, in one place.
    fn twisted(&mut self, mut bundle: Bundle) -> Bundle {
        let by = u128::from(self.random.below(3));
        let fill_at = self.random.below(4) as usize;
        if let Some(fill) = bundle.fills.get_mut(fill_at) {
            match self.random.below(5) {
                0 => fill.bought += by,
                1 => fill.sold = fill.sold.saturating_sub(by),
                2 => fill.option ^= 1,
                3 => fill.intent.0 ^= 1,
                _ => (fill.sold, fill.bought) = (fill.sold / 2, fill.bought / 2),
            }
        } else if let Some(used) = bundle.uses.first_mut() {
            used.amount_out += by;
        }
        bundle
    }
}

#[test]
fn random_walks_keep_the_books_right_and_replay_alike() {
    let (mut fills, mut offered, mut told) = (0, 0, 0);
    let mut ended: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in 0..WALKS {
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
        }
        walk.model.compare(&walk.desk, seed);
        let replayed = walk.desk.replay(&Workers::new(3).always(Method::ALL[walk.model.fills % Method::ALL.len()]));
        assert_eq!(root::of(&replayed), root::of(&walk.desk.state), "seed {seed}");
        fills += walk.model.fills;
        (offered, told) = (offered + walk.facts.offered, told + walk.facts.told);
        for (end, count) in walk.model.ended {
            *ended.entry(end).or_default() += count;
        }
    }
    assert!(fills > 500, "only {fills} fills");
    assert!(offered > 500 && told > 50, "only {offered} offered under a condition, {told} told to wait for one");
    assert!(["settled", "expired", "cancelled"].iter().all(|end| ended.contains_key(end)), "{ended:?}");
}

#[test]
fn a_ledger_that_loses_an_atom_is_noticed() {
    let mut walk = Walk::new(1);
    let account = *walk.model.balances.keys().last().expect("stocked");
    *walk.model.balances.entry(account).or_default() += 1;
    let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk.model.compare(&walk.desk, 1)));
    assert!(compared.is_err());
}
