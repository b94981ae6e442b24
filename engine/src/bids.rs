//! Solutions while an auction takes them: the last version per solver, bounded in number and bytes.
//!
//! They live in memory until the close; receiving one is no promise that it is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clearlane_core::auction::{AuctionInput, OpenPlan, PlanSummary, Solution};
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::refusal::{Reason, Refusal};

use crate::keys::ActiveKeys;

/// The most solvers that may bid in one auction: the log then holds that many solutions an auction.
pub const SOLVERS_MAX: usize = 64;

/// The sealed solutions of the auction that is open, if one is.
#[derive(Debug, Default)]
pub struct Bids {
    sealed: Mutex<Sealed>,
    /// Brought up to date only when somebody looks, so that solvers never wait for it; locked before `sealed`.
    plan: Mutex<Option<OpenPlan>>,
}

#[derive(Debug, Default)]
struct Sealed {
    open: Option<Arc<AuctionInput>>,
    /// Whether solvers are told of it, with what its intents' floors are.
    is_published: bool,
    by_solver: BTreeMap<SolverId, Bid>,
    /// Whose solutions the plan has not taken in.
    changed: BTreeSet<SolverId>,
}

/// One solver's sealed solution.
#[derive(Debug)]
struct Bid {
    /// The key that sent it; it must still be active when the bidding ends.
    key: PublicKey,
    /// The highest version that has arrived; 0 if none had one.
    version: u64,
    /// `None` once withdrawn: what arrives late must not bring it back.
    solution: Option<Arc<Solution>>,
}

/// A solver, and its last version if it has not withdrawn.
type Change = (SolverId, Option<Arc<Solution>>);

impl Bids {
    /// Starts taking solutions for an auction.
    pub fn open(&self, input: Arc<AuctionInput>) {
        *self.lock() = Sealed { open: Some(input), ..Sealed::default() };
    }

    /// Takes in what solvers are told of the auction; false if it takes no more solutions.
    #[must_use]
    pub fn publish(&self, input: Arc<AuctionInput>) -> bool {
        let mut sealed = self.lock();
        let is_open = sealed.open.as_ref().is_some_and(|open| open.auction == input.auction);
        if is_open {
            sealed.open = Some(input);
            sealed.is_published = true;
        }
        is_open
    }

    /// What solvers are told of the auction that takes solutions; `None` before they are.
    #[must_use]
    pub fn published(&self) -> Option<Arc<AuctionInput>> {
        let sealed = self.lock();
        sealed.open.clone().filter(|_| sealed.is_published)
    }

    /// Takes a solution in place of the solver's earlier one, unless a version as high has arrived; 0 has none.
    ///
    /// # Errors
    ///
    /// `AUCTION_CLOSED` if that auction does not take solutions, `OLD_VERSION` if this is late, `RESOURCE_EXHAUSTED` if
    /// too many solvers bid.
    pub fn put(&self, key: PublicKey, version: u64, solution: Solution) -> Result<(), Refusal> {
        let (solver, auction) = (solution.solver, solution.auction);
        self.replace(solver, auction, Bid { key, version, solution: Some(Arc::new(solution)) })
    }

    /// Takes the solver's solution back, by the same rule.
    ///
    /// # Errors
    ///
    /// As [`Bids::put`].
    pub fn withdraw(&self, key: PublicKey, version: u64, solver: SolverId, auction: AuctionId) -> Result<(), Refusal> {
        self.replace(solver, auction, Bid { key, version, solution: None })
    }

    fn replace(&self, solver: SolverId, auction: AuctionId, bid: Bid) -> Result<(), Refusal> {
        let mut sealed = self.lock();
        check_open(&sealed, auction)?;
        let highest = sealed.by_solver.get(&solver).map(|earlier| earlier.version);
        if highest.is_none() && sealed.by_solver.len() >= SOLVERS_MAX {
            let message = format!("expected at most {SOLVERS_MAX} solvers in one auction");
            return Err(Refusal::new(Reason::Exhausted, "solution", message));
        }
        let (highest, version) = (highest.unwrap_or(0), bid.version);
        if version > 0 && version <= highest {
            let message = format!("expected a version above {highest}, found {version}");
            return Err(Refusal::new(Reason::OldVersion, "version", message));
        }
        sealed.by_solver.insert(solver, Bid { version: version.max(highest), ..bid });
        sealed.changed.insert(solver);
        Ok(())
    }

    /// Stops taking solutions and hands them over in order of solver, but for those whose key no longer bids.
    #[must_use]
    pub fn close(&self, keys: &ActiveKeys) -> Vec<Solution> {
        let sealed = std::mem::take(&mut *self.lock());
        let bids = sealed.by_solver.into_iter().filter(|(solver, bid)| keys.solver_of(&bid.key) == Some(*solver));
        bids.filter_map(|(_, bid)| bid.solution).map(Arc::unwrap_or_clone).collect()
    }

    /// The lanes in which what is promised so far would run, and the nanoseconds that the longest path would take;
    /// `None` while no auction takes solutions.
    ///
    /// Milliseconds where much has changed since somebody looked; a fifth of a second a solver where its bundles come
    /// before tens of thousands of others that all share something. Nobody but who looks as well waits for it.
    #[must_use]
    pub fn lanes(&self) -> Option<(PlanSummary, u64)> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, changed) = self.take_changes();
        let Some(input) = input else {
            *plan = None;
            return None;
        };
        let kept = plan.take().filter(|plan| plan.auction() == input.auction);
        let plan = plan.insert(kept.unwrap_or_else(|| OpenPlan::new(input)));
        for (solver, solution) in changed {
            plan.put(solver, solution.as_ref().map_or(&[], |solution| solution.bundles.as_slice()));
        }
        Some((plan.summary(), plan.critical_path()))
    }

    /// The auction that solvers are told of, and what changed since the last time; nothing of a solver that withdrew.
    fn take_changes(&self) -> (Option<Arc<AuctionInput>>, Vec<Change>) {
        let mut sealed = self.lock();
        if !sealed.is_published {
            return (None, Vec::new());
        }
        let changed = std::mem::take(&mut sealed.changed);
        let solution = |solver: SolverId| sealed.by_solver.get(&solver).and_then(|bid| bid.solution.clone());
        (sealed.open.clone(), changed.into_iter().map(|solver| (solver, solution(solver))).collect())
    }

    /// Stops taking solutions for an auction that is over.
    pub fn discard(&self) {
        *self.lock() = Sealed::default();
    }

    fn lock(&self) -> MutexGuard<'_, Sealed> {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_open(sealed: &Sealed, auction: AuctionId) -> Result<(), Refusal> {
    let open = sealed.open.as_ref().map(|input| input.auction);
    if open == Some(auction) {
        return Ok(());
    }
    let message = match open {
        Some(open) => format!("expected auction {}, found {}", open.0, auction.0),
        None => format!("auction {} takes no more solutions", auction.0),
    };
    Err(Refusal::new(Reason::AuctionClosed, "auction", message))
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::{Bundle, Fill, RuleSet};
    use clearlane_core::command::{Action, Command, RevokeKey, Role};
    use clearlane_core::config::Config;
    use clearlane_core::hash::Hash;
    use clearlane_core::names::{CommandId, IntentIndex, Name, PartyIndex};
    use clearlane_core::state::{KeyGrant, State};
    use clearlane_core::time::Timestamp;

    use super::*;

    /// Three solvers' keys, and a state in which they may bid.
    fn state() -> (State, [PublicKey; 3]) {
        let name = |text: &str| Name::new(text).expect("a name");
        let mut state = State::new(Config::new(name("cell"), name("EUR")));
        let keys = [1, 2, 3].map(|number| PublicKey([number; 32]));
        for (party, key) in (0..).zip(keys) {
            let grant = KeyGrant { party: PartyIndex(party), role: Role::Solver, is_active: true };
            state.keys.insert(key, grant);
        }
        (state, keys)
    }

    /// An auction without anything on offer.
    fn input() -> Arc<AuctionInput> {
        Arc::new(AuctionInput {
            auction: AuctionId(1),
            rules: RuleSet::Plain,
            opened_at: Timestamp(1),
            close_at: Timestamp(2),
            settle_by: Timestamp(3),
            seed: Hash([0; 32]),
            surplus_cap_ppm: 0,
            denominations: Vec::new(),
            reserves: Vec::new(),
            intents: Vec::new(),
            venues: Vec::new(),
            facts: Vec::new(),
        })
    }

    /// A bundle that fills one intent.
    fn filling(intent: u32) -> Bundle {
        let fill = Fill { intent: IntentIndex(intent), option: 0, sold: 1, bought: 1 };
        Bundle { fills: vec![fill], uses: Vec::new() }
    }

    fn answer(solver: u32, bundles: Vec<Bundle>) -> Solution {
        Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None }
    }

    fn shape(solutions: &[Solution]) -> Vec<(u32, usize)> {
        solutions.iter().map(|one| (one.solver.0, one.bundles.len())).collect()
    }

    #[test]
    fn the_last_version_counts_and_none_after_the_close() {
        let (state, [first, second, third]) = state();
        let bids = Bids::default();
        assert!(bids.put(first, 0, answer(1, Vec::new())).is_err());
        bids.open(input());
        bids.put(second, 0, answer(2, Vec::new())).expect("open");
        bids.put(first, 0, answer(1, Vec::new())).expect("open");
        bids.put(first, 0, answer(1, vec![Bundle::default()])).expect("replaces");
        bids.put(third, 0, answer(3, Vec::new())).expect("open");
        bids.withdraw(third, 0, SolverId(3), AuctionId(1)).expect("open");
        assert_eq!(shape(&bids.close(&ActiveKeys::of(&state))), [(1, 1), (2, 0)]);
        let late = bids.put(first, 0, answer(1, Vec::new()));
        assert_eq!(late.map_err(|refusal| refusal.reason), Err(Reason::AuctionClosed));
    }

    #[test]
    fn what_arrives_late_replaces_nothing() {
        let (state, [first, ..]) = state();
        let bids = Bids::default();
        bids.open(input());
        let put = |version, bundles| bids.put(first, version, answer(1, vec![Bundle::default(); bundles]));
        let withdraw = |version| bids.withdraw(first, version, SolverId(1), AuctionId(1));
        let late = |found: Result<(), Refusal>| assert_eq!(found.map_err(|it| it.reason), Err(Reason::OldVersion));
        put(3, 3).expect("open");
        late(put(3, 1));
        late(put(2, 1));
        late(withdraw(1));
        put(4, 4).expect("newer");
        withdraw(7).expect("newer");
        late(put(6, 1));
        put(0, 5).expect("it has no version");
        late(put(7, 1));
        assert_eq!(shape(&bids.close(&ActiveKeys::of(&state))), [(1, 5)]);
        bids.open(input());
        put(1, 1).expect("another auction counts from the start");
        withdraw(2).expect("open");
        assert_eq!(shape(&bids.close(&ActiveKeys::of(&state))), []);
    }

    #[test]
    fn lanes_follow_what_is_promised_while_an_auction_is_open() {
        let (state, [first, second, _]) = state();
        let bids = Bids::default();
        assert_eq!(bids.lanes(), None);
        bids.open(input());
        assert_eq!(bids.lanes(), None);
        assert!(bids.publish(input()));
        let shape = || bids.lanes().map(|(plan, _)| (plan.bundles, plan.colours, plan.hottest));
        assert_eq!(shape(), Some((0, 0, 0)));
        bids.put(first, 0, answer(1, vec![filling(1), filling(2)])).expect("open");
        bids.put(second, 0, answer(2, vec![filling(2)])).expect("open");
        assert_eq!(shape(), Some((3, 2, 2)));
        bids.put(first, 0, answer(1, vec![filling(3)])).expect("open");
        assert_eq!(shape(), Some((2, 1, 1)));
        bids.withdraw(second, 0, SolverId(2), AuctionId(1)).expect("open");
        assert_eq!(shape(), Some((1, 1, 1)));
        assert_eq!(bids.close(&ActiveKeys::of(&state)).len(), 1);
        assert_eq!(bids.lanes(), None);
        assert!(!bids.publish(input()), "it is closed");
    }

    #[test]
    fn a_key_that_was_revoked_after_it_bid_does_not_bid() {
        let (mut state, [first, second, _]) = state();
        let keys = ActiveKeys::of(&state);
        let bids = Bids::default();
        bids.open(input());
        bids.put(first, 0, answer(1, Vec::new())).expect("open");
        bids.put(second, 0, answer(2, Vec::new())).expect("open");
        state.keys.get_mut(&first).expect("a grant").is_active = false;
        let action = Action::RevokeKey(RevokeKey { key: first });
        let revoked = Command { id: CommandId::default(), digest: Hash([0; 32]), action };
        keys.take_in(&state, &[revoked]);
        assert_eq!(shape(&bids.close(&keys)), [(2, 0)]);
    }
}
