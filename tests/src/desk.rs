//! A core with a few parties, assets and funds, driven record by record without a shell.

use clearlane_core::auction::{Bundle, Solution};
use clearlane_core::book::IntentKey;
use clearlane_core::command::{
    Action, AddKey, Cancel, Command, DefineAsset, DefineModule, DefineParty, DefineVenue, Movement, Role, SetEvent,
    SetPrice,
};
use clearlane_core::config::Config;
use clearlane_core::event::{Accepted, Outcome};
use clearlane_core::hash::{Hash, Hasher};
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use clearlane_core::invariants;
use clearlane_core::lanes::{Executor, Sequential};
use clearlane_core::money::Atoms;
use clearlane_core::names::{AuctionId, CommandId, Name, PublicKey, SolverId};
use clearlane_core::price::Price;
use clearlane_core::record::{Body, Commands, Context, Genesis, OpenAuction, Record, SettleAuction, apply, start};
use clearlane_core::refusal::Refusal;
use clearlane_core::root;
use clearlane_core::state::State;
use clearlane_core::time::{Span, Timestamp};
use clearlane_core::venue::Terms;

/// Noon of a day in 2026, in nanoseconds.
pub const NOON: Timestamp = Timestamp(1_790_000_000_000_000_000);

/// A core that is driven record by record.
pub struct Desk {
    /// The state after the last record.
    pub state: State,
    /// Every record so far, genesis first.
    pub records: Vec<Record>,
    ids: u64,
}

/// A name that is known to be valid.
///
/// # Panics
///
/// If it is not.
#[must_use]
pub fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

/// The key of a party in a role.
#[must_use]
pub fn key(party: &str, role: Role) -> PublicKey {
    PublicKey(Hasher::new("test key").bytes(party.as_bytes()).bytes(format!("{role:?}").as_bytes()).finish().0)
}

impl Default for Desk {
    fn default() -> Desk {
        Desk::new()
    }
}

impl Desk {
    /// A new cell with an administrator and nothing else.
    ///
    /// # Panics
    ///
    /// If genesis breaks.
    #[must_use]
    pub fn new() -> Desk {
        let genesis = Genesis {
            config: Config::new(name("test"), name("EUR")),
            admin: name("admin"),
            admin_key: key("admin", Role::Admin),
        };
        let record = Record { time: NOON, body: Body::Genesis(Box::new(genesis)) };
        Desk { state: start(&record).expect("genesis"), records: vec![record], ids: 0 }
    }

    /// A cell with EUR and USD (2 decimals, at 1 and 0.9 EUR) in one bank, and alice and bob with 1,000.00 of each.
    #[must_use]
    pub fn stocked() -> Desk {
        let mut desk = Desk::new();
        desk.module("bank");
        desk.asset("EUR", 2, "1");
        desk.asset("USD", 2, "0.9");
        for party in ["alice", "bob"] {
            desk.party(party);
            desk.deposit(party, "EUR", 100_000);
            desk.deposit(party, "USD", 100_000);
        }
        desk
    }

    /// The next id: a UUIDv7 made at the state's time.
    pub fn next_id(&mut self) -> CommandId {
        self.ids += 1;
        let millis = (self.state.clock.0 / 1_000_000).to_be_bytes();
        let mut id = [0; 16];
        id[..6].copy_from_slice(&millis[2..]);
        id[6] = 0x70;
        id[8..].copy_from_slice(&self.ids.to_be_bytes());
        id[8] = 0x80;
        CommandId(id)
    }

    /// Applies one body a nanosecond later.
    ///
    /// # Panics
    ///
    /// If the core breaks or an invariant does not hold.
    pub fn record(&mut self, body: Body) -> Outcome {
        self.record_at(self.state.clock.after(Span(1)), body)
    }

    /// Applies one body at a time.
    ///
    /// # Panics
    ///
    /// If the core breaks or an invariant does not hold.
    pub fn record_at(&mut self, time: Timestamp, body: Body) -> Outcome {
        let record = Record { time, body };
        let outcome = step(&mut self.state, &record, &Sequential);
        self.records.push(record);
        outcome
    }

    /// Lets time pass.
    pub fn wait(&mut self, span: Span) -> Outcome {
        self.record_at(self.state.clock.after(span), Body::Tick)
    }

    /// What a party's key in a role gets for an action under a fresh id.
    ///
    /// # Errors
    ///
    /// The core's refusal.
    pub fn ask(&mut self, party: &str, role: Role, action: Action) -> Result<Accepted, Refusal> {
        let id = self.next_id();
        self.ask_as(party, key(party, role), command(id, action))
    }

    /// What any key gets for a command.
    ///
    /// # Errors
    ///
    /// The core's refusal.
    ///
    /// # Panics
    ///
    /// If the core gives no outcome.
    pub fn ask_as(&mut self, party: &str, key: PublicKey, command: Command) -> Result<Accepted, Refusal> {
        let commands = Commands { party: name(party), key, commands: vec![command] };
        let outcome = self.record(Body::Commands(commands));
        outcome.commands.into_iter().next().expect("one outcome a command").result
    }

    /// Has the administrator do something that must succeed.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub fn admin(&mut self, action: Action) {
        self.ask("admin", Role::Admin, action).expect("the administrator may");
    }

    /// Names a module.
    pub fn module(&mut self, module: &str) {
        self.admin(Action::DefineModule(DefineModule { name: name(module) }));
    }

    /// Names an asset with a price.
    pub fn asset(&mut self, code: &str, scale: u8, price: &str) {
        self.admin(Action::DefineAsset(DefineAsset { code: name(code), scale }));
        self.price(code, price);
    }

    /// Sets a reference price.
    pub fn price(&mut self, code: &str, price: &str) {
        self.admin(Action::SetPrice(SetPrice { asset: name(code), price: Price::parse(price) }));
    }

    /// Attests an event or withdraws it.
    pub fn event(&mut self, event: &str, is_attested: bool) {
        self.admin(Action::SetEvent(SetEvent { name: name(event), is_attested }));
    }

    /// Names a party with a key in the role of a party.
    pub fn party(&mut self, party: &str) {
        self.admin(Action::DefineParty(DefineParty { name: name(party) }));
        self.admin(Action::AddKey(AddKey { party: name(party), key: key(party, Role::Party), role: Role::Party }));
    }

    /// Credits a party's account in `bank`.
    pub fn deposit(&mut self, party: &str, asset: &str, amount: Atoms) {
        self.deposit_in("bank", party, asset, amount);
    }

    /// Credits a party's account in a module.
    pub fn deposit_in(&mut self, module: &str, party: &str, asset: &str, amount: Atoms) {
        self.admin(Action::Deposit(Movement { module: name(module), ..movement(party, asset, amount) }));
    }

    /// The record by which a party submits an intent under its own id.
    #[must_use]
    pub fn submission(party: &str, intent: Intent) -> Body {
        asking(party, Role::Party, command(intent.id, Action::Submit(Box::new(intent))))
    }

    /// The record by which a party cancels an intent.
    #[must_use]
    pub fn cancellation(party: &str, id: CommandId, intent: CommandId) -> Body {
        asking(party, Role::Party, command(id, Action::Cancel(Cancel { intent })))
    }

    /// The record by which the administrator asks for something.
    #[must_use]
    pub fn administration(id: CommandId, action: Action) -> Body {
        asking("admin", Role::Admin, command(id, action))
    }

    /// Opens a venue in `bank`, stocked by fresh deposits of the administrator.
    pub fn venue<const COINS: usize>(
        &mut self,
        venue: &str,
        assets: [&str; COINS],
        terms: Terms,
        inventory: [Atoms; COINS],
    ) {
        for (asset, amount) in assets.into_iter().zip(inventory) {
            if amount > 0 {
                self.deposit("admin", asset, amount);
            }
        }
        let modules = vec![name("bank"); COINS];
        let assets = assets.map(name).to_vec();
        let inventory = inventory.to_vec();
        self.admin(Action::DefineVenue(Box::new(DefineVenue { name: name(venue), assets, modules, terms, inventory })));
    }

    /// Submits an intent under its own id.
    ///
    /// # Errors
    ///
    /// The core's refusal.
    pub fn submit(&mut self, party: &str, intent: Intent) -> Result<Accepted, Refusal> {
        let command = command(intent.id, Action::Submit(Box::new(intent)));
        self.ask_as(party, key(party, Role::Party), command)
    }

    /// Cancels an intent.
    ///
    /// # Errors
    ///
    /// The core's refusal.
    pub fn cancel(&mut self, party: &str, intent: CommandId) -> Result<Accepted, Refusal> {
        self.ask(party, Role::Party, Action::Cancel(Cancel { intent }))
    }

    /// What a party's account in `bank` has posted and held.
    #[must_use]
    pub fn balance(&self, party: &str, asset: &str) -> (Atoms, Atoms) {
        let found = self.state.party(&name(party)).zip(self.state.asset(&name(asset)));
        let module = self.state.module(&name("bank"));
        let index =
            found.zip(module).and_then(|((party, asset), module)| self.state.party_account(party, asset, module));
        index
            .and_then(|index| self.state.ledger.account(index))
            .map_or((0, 0), |account| (account.posted, account.held))
    }

    /// The key of an intent in the book.
    ///
    /// # Panics
    ///
    /// If the party is unknown.
    #[must_use]
    pub fn intent_key(&self, party: &str, id: CommandId) -> IntentKey {
        IntentKey { party: self.state.party(&name(party)).expect("a known party"), id }
    }

    /// Opens an auction that closes in a second and must settle within another.
    pub fn open_auction(&mut self) -> Outcome {
        let now = self.state.clock;
        let open = OpenAuction { close_at: now.after(Span::seconds(1)), settle_by: now.after(Span::seconds(2)) };
        self.record(Body::OpenAuction(open))
    }

    /// Answers the open auction, closes it, clears it and settles it.
    ///
    /// # Panics
    ///
    /// If no auction is open.
    pub fn settle_auction(&mut self, solutions: Vec<(SolverId, Vec<Bundle>)>) -> Outcome {
        let auction = AuctionId(self.state.auctions);
        for (solver, bundles) in solutions {
            self.record(Body::Solution(Solution { solver, auction, bundles, prices: None }));
        }
        self.record(Body::CloseAuction(auction));
        let pending = self.state.auction.as_ref().expect("an auction");
        let clearing = clearlane_core::auction::clear(&pending.input, &pending.solutions, &Sequential);
        self.record(Body::SettleAuction(SettleAuction { auction, digest: clearing.digest }))
    }

    /// The state that the same records give on another executor.
    ///
    /// # Panics
    ///
    /// If the core breaks.
    #[must_use]
    pub fn replay(&self, executor: &dyn Executor) -> State {
        let mut state = start(&self.records[0]).expect("genesis");
        for record in &self.records[1..] {
            step(&mut state, record, executor);
        }
        state
    }

    /// The root of the books, which a refusal leaves as it was.
    #[must_use]
    pub fn books_root(&self) -> Hash {
        root::books(&self.state)
    }
}

fn step(state: &mut State, record: &Record, executor: &dyn Executor) -> Outcome {
    let batch_hash = Hasher::new("test batch").number(state.records).finish();
    let outcome = apply(state, &Context { batch_hash, clearing: None, executor }, record).expect("the core holds");
    invariants::check_all(state).expect("every invariant holds");
    outcome
}

fn asking(party: &str, role: Role, command: Command) -> Body {
    Body::Commands(Commands { party: name(party), key: key(party, role), commands: vec![command] })
}

/// A command whose digest follows from its action.
#[must_use]
pub fn command(id: CommandId, action: Action) -> Command {
    let digest = Hasher::new("test command").bytes(format!("{action:?}").as_bytes()).finish();
    Command { id, digest, action }
}

/// A movement of value in `bank`.
#[must_use]
pub fn movement(party: &str, asset: &str, amount: Atoms) -> Movement {
    Movement { party: name(party), asset: name(asset), module: name("bank"), amount }
}

/// An intent that gives exactly `give` for at least `get`, in parts of any size, within an hour of noon.
#[must_use]
pub fn exact_in(id: CommandId, give: (&str, Atoms), get: (&str, Atoms)) -> Intent {
    intent(id, Kind::ExactIn, give, get)
}

/// An intent that gets exactly `get` for at most `give`, in parts of any size, within an hour of noon.
#[must_use]
pub fn exact_out(id: CommandId, give: (&str, Atoms), get: (&str, Atoms)) -> Intent {
    intent(id, Kind::ExactOut, give, get)
}

fn intent(id: CommandId, kind: Kind, give: (&str, Atoms), get: (&str, Atoms)) -> Intent {
    Intent {
        id,
        kind,
        options: vec![option(give, get)],
        fill: FillRule::Partial { minimum: Some(1) },
        choose: Choose::Split,
        payee: None,
        condition: None,
        limits: Limits::default(),
        valid_from: Timestamp(0),
        deadline: NOON.after(Span::seconds(3_600)),
        reference: String::new(),
        memo: Vec::new(),
    }
}

/// One way to give and get.
#[must_use]
pub fn option(give: (&str, Atoms), get: (&str, Atoms)) -> IntentOption {
    IntentOption {
        give_asset: name(give.0),
        give_module: None,
        give_amount: give.1,
        get_asset: name(get.0),
        get_module: None,
        get_amount: get.1,
        maximum: None,
    }
}
