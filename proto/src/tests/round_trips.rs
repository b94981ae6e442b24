//! Round trips, one test a kind.

use std::sync::Arc;

use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, AuctionVenue, Bundle, Denomination, Fill, FloorTerms, Loss, Reserve,
    RuleSet, Solution, Standing, VenueUse, Verdict,
};
use clearlane_core::command::{
    Action, AddKey, Cancel, DefineAsset, DefineModule, DefineParty, DefineVenue, Movement, RevokeKey, Role, SetEvent,
    SetPrice,
};
use clearlane_core::condition::Condition;
use clearlane_core::config::Config;
use clearlane_core::event::{Accepted, CommandOutcome, End, FillEvent, IntentChange, IntentEvent};
use clearlane_core::fact::{Fact, FrozenClause, Test, Value};
use clearlane_core::hash::Hash;
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use clearlane_core::lanes::Resource;
use clearlane_core::names::{
    AuctionId, CommandId, DenominationIndex, FactIndex, IntentIndex, Name, PartyIndex, PublicKey, ReserveIndex,
    SolverId, VenueIndex,
};
use clearlane_core::price::Price;
use clearlane_core::record::{Body, Commands, Genesis, OpenAuction, Record, SettleAuction};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::Timestamp;
use clearlane_core::venue::{
    Concentrated, ConstantProduct, Direction, Ladder, Level, Rail, Stable, Terms, VenueState, Weighted,
};
use clearlane_core::wide::U256;
use prost::Message as _;

use super::Assets;
use crate::{auction, command, envelope, events, intent, outcome, record, venue, verdict, wire};

const ID: CommandId = CommandId([7; 16]);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn intents() -> Vec<Intent> {
    let option = |maximum| IntentOption {
        give_asset: name("EUR"),
        give_module: Some(name("bank-eu")),
        give_amount: 25_000,
        get_asset: name("USD"),
        get_module: None,
        get_amount: 270_000_000,
        maximum,
    };
    let full = Intent {
        id: ID,
        kind: Kind::ExactIn,
        options: vec![option(Some(20_000)), option(None)],
        fill: FillRule::Partial { minimum: Some(100) },
        choose: Choose::One,
        payee: Some(name("bob")),
        condition: Condition::parse("price USD >= 1.08 and balance EUR in bank-eu < 250 and event shipped-7").ok(),
        limits: Limits { worst_price: Price::parse("1.08"), maximum_fee: Some(5), maximum_total: Some(6) },
        valid_from: Timestamp(3),
        deadline: Timestamp(9),
        reference: "rent".to_owned(),
        memo: vec![1, 2],
    };
    let plain = Intent {
        kind: Kind::ExactOut,
        options: vec![IntentOption { give_amount: 0, ..option(None) }],
        fill: FillRule::AllOrNothing,
        choose: Choose::Split,
        payee: None,
        limits: Limits::default(),
        condition: None,
        ..full.clone()
    };
    vec![Intent { fill: FillRule::Partial { minimum: None }, ..plain.clone() }, plain, full]
}

fn all_terms() -> Vec<Terms> {
    vec![
        Terms::ConstantProduct(ConstantProduct { fee_ppm: 3_000 }),
        Terms::Weighted(Weighted { fee_ppm: 1, weights: [1, 4].into() }),
        Terms::Stable(Stable { fee_ppm: 400, ann: 800, d: 1 << 100, scale: [1, 1_000_000].into() }),
        Terms::Ladder(Ladder { levels: vec![Level { amount_in: 10, amount_out: 9 }] }),
        Terms::Weighted(Weighted { fee_ppm: 0, weights: [1; 8].into() }),
        Terms::Concentrated(Concentrated::new(500, U256::ONE << 96_usize, &[(-10, 7), (0, -3), (10, -4)]).unwrap()),
        Terms::Rail(Rail { fixed_fee: 0, fee_ppm: 5, rate_num: 2, rate_den: 3, min_in: 1, max_in: 1_000, uses_max: 2 }),
    ]
}

fn states() -> [VenueState; 4] {
    [
        VenueState::Pool { reserves_micro: [U256::MAX, U256::ZERO].into() },
        VenueState::Pool { reserves_micro: [U256::ONE; 8].into() },
        VenueState::Concentrated { sqrt_price: U256::MAX, held: [0, 1 << 127] },
        VenueState::Counter { taken: 1, given: 2, uses: 3, available: 4 },
    ]
}

fn define_venue(terms: Terms) -> DefineVenue {
    DefineVenue {
        name: name("pool-1"),
        assets: vec![name("EUR"), name("USD")],
        modules: vec![name("bank-eu"), name("bank-us")],
        terms,
        inventory: vec![0, 5],
    }
}

fn actions() -> Vec<Action> {
    let movement = Movement { party: name("bob"), asset: name("EUR"), module: name("bank-eu"), amount: 12 };
    let mut actions = vec![
        Action::Cancel(Cancel { intent: ID }),
        Action::DefineAsset(DefineAsset { code: name("EUR"), scale: 2 }),
        Action::DefineModule(DefineModule { name: name("bank-eu") }),
        Action::DefineParty(DefineParty { name: name("bob") }),
        Action::RevokeKey(RevokeKey { key: PublicKey([1; 32]) }),
        Action::SetPrice(SetPrice { asset: name("EUR"), price: Price::parse("0.8971") }),
        Action::SetPrice(SetPrice { asset: name("EUR"), price: None }),
        Action::SetEvent(SetEvent { name: name("shipped-7"), is_attested: true }),
        Action::SetEvent(SetEvent { name: name("shipped-7"), is_attested: false }),
        Action::Deposit(movement.clone()),
        Action::Withdraw(movement),
    ];
    let roles = [Role::Party, Role::Solver, Role::Gateway, Role::Oracle, Role::Admin];
    let key = PublicKey([1; 32]);
    actions.extend(roles.map(|role| Action::AddKey(AddKey { party: name("bob"), key, role })));
    actions.extend(all_terms().into_iter().map(|terms| Action::DefineVenue(Box::new(define_venue(terms)))));
    actions.extend(intents().into_iter().map(|intent| Action::Submit(Box::new(intent))));
    actions
}

fn bundles() -> Vec<Bundle> {
    let using = |direction| VenueUse { venue: VenueIndex(3), direction, amount_in: 1, amount_out: 2 };
    vec![
        Bundle::default(),
        Bundle {
            fills: vec![Fill { intent: IntentIndex(1), option: u16::MAX, sold: 5, bought: 6 }],
            uses: vec![using(Direction::FORWARD), using(Direction::BACKWARD)],
        },
    ]
}

pub(super) fn input() -> AuctionInput {
    let denomination = |asset: &str, price| Denomination { asset: name(asset), module: name("m"), scale: 2, price };
    let coins = [DenominationIndex(1), DenominationIndex(0)].into();
    AuctionInput {
        auction: AuctionId(1),
        rules: RuleSet::Plain,
        opened_at: Timestamp(1),
        close_at: Timestamp(2),
        settle_by: Timestamp(3),
        seed: Hash([4; 32]),
        surplus_cap_ppm: 10_000,
        denominations: vec![denomination("EUR", Price::parse("1")), denomination("USD", None)],
        reserves: vec![Reserve { denomination: DenominationIndex(1), amount: 9, is_scarce: true }],
        intents: vec![AuctionIntent {
            floor: Some(FloorTerms { option: 0, sold: 7, bought: 8 }),
            party: name("bob"),
            id: ID,
            kind: Kind::ExactOut,
            choose: Choose::One,
            is_all_or_nothing: true,
            remaining: 5,
            options: vec![AuctionOption {
                give: DenominationIndex(0),
                get: DenominationIndex(1),
                give_amount: 1,
                get_amount: 2,
                maximum: 3,
                reserve: ReserveIndex(0),
                minimum: 2,
                number: 7,
                left: 4,
            }],
            condition: Vec::new(),
        }],
        facts: Vec::new(),
        venues: all_terms()
            .into_iter()
            .zip(states().into_iter().cycle())
            .map(|(terms, opening)| AuctionVenue { name: name("pool"), coins, terms, opening })
            .collect(),
    }
}

#[test]
fn intents_come_back() {
    for expected in intents() {
        assert_eq!(intent::to_core(&intent::to_wire(&expected), ID, &Assets), Ok(expected));
    }
}

#[test]
fn commands_come_back_with_the_digest_of_their_bytes() {
    for action in actions() {
        let unsigned = clearlane_core::command::Command { id: ID, digest: Hash::default(), action };
        let bytes = command::to_wire(&unsigned).encode_to_vec();
        let expected = clearlane_core::command::Command { digest: command::digest(&bytes), ..unsigned };
        assert_eq!(command::to_core(&bytes, &Assets), Ok(expected));
    }
}

#[test]
fn venues_come_back() {
    for terms in all_terms() {
        let expected = define_venue(terms);
        assert_eq!(venue::define_to_core(&venue::define_to_wire(&expected)), Ok(expected));
    }
    for state in states() {
        assert_eq!(venue::state_to_core(Some(&venue::state_to_wire(&state)), "state"), Ok(state));
    }
}

#[test]
fn auctions_come_back() {
    assert_eq!(auction::input_to_core(&auction::input_to_wire(&input())), Ok(input()));
    let mut conditional = input();
    conditional.facts = vec![Fact { name: "event e".to_owned(), value: Value::Event(true) }];
    conditional.intents[0].condition = vec![FrozenClause { fact: FactIndex(0), test: Test::Event }];
    assert_eq!(auction::input_to_core(&auction::input_to_wire(&conditional)), Ok(input()), "conditions stay");
    assert_eq!(auction::bundles_to_core(&auction::bundles_to_wire(&bundles())), Ok(bundles()));
}

#[test]
fn verdicts_come_back() {
    let refusal = Refusal::new(Reason::VenueRule, "uses[0]", "expected less");
    let loss = |to, on| Verdict::Lost(Loss { score: -1, to, on, refusal: refusal.clone() });
    let verdicts = [
        Verdict::Won(i128::MAX),
        Verdict::FloorBetter(i128::MIN),
        Verdict::Refused(refusal.clone()),
        loss(Some((SolverId(1), 2, 3)), Resource::Venue(VenueIndex(3))),
        loss(None, Resource::Intent(IntentIndex(4))),
        loss(None, Resource::Reserve(ReserveIndex(5))),
        loss(None, Resource::Fact(FactIndex(7))),
        loss(None, Resource::Other(6)),
    ];
    for expected in verdicts {
        assert_eq!(verdict::from_wire(&verdict::to_wire(&expected, &verdict::ResourceNames::default())), Ok(expected));
    }
}

#[test]
fn outcomes_come_back() {
    let refusal = Refusal::new(Reason::IdReused, "id", "expected the same bytes");
    for result in [Ok(Accepted::Done), Ok(Accepted::Booked), Ok(Accepted::Queued), Err(refusal)] {
        let expected = CommandOutcome { id: ID, is_repeated: true, result };
        assert_eq!(outcome::to_core(&outcome::to_wire(&expected)), Ok(expected));
    }
}

#[test]
fn reasons_come_back_and_unknown_codes_are_kept() {
    for reason in Reason::ALL {
        let expected = Refusal::new(*reason, "field", "message");
        assert_eq!(outcome::refusal_to_core(&outcome::refusal_to_wire(&expected)), expected);
    }
    let unknown = wire::Refusal { code: "NEW".to_owned(), message: "text".to_owned(), field: "f".to_owned() };
    assert_eq!(outcome::refusal_to_core(&unknown), Refusal::new(Reason::Malformed, "f", "NEW: text"));
}

#[test]
fn records_come_back() {
    let genesis =
        Genesis { config: Config::new(name("cell"), name("EUR")), admin: name("root"), admin_key: PublicKey([8; 32]) };
    let bodies = [
        Body::Genesis(Box::new(genesis)),
        Body::OpenAuction(OpenAuction { close_at: Timestamp(1), settle_by: Timestamp(2) }),
        Body::Solution(Solution { solver: SolverId(1), auction: AuctionId(2), bundles: bundles(), prices: None }),
        Body::Solution(Solution {
            solver: SolverId(2),
            auction: AuctionId(2),
            bundles: vec![],
            prices: DualPrices::new(vec![None, Price::parse("0.00001"), Price::new((1 << 96) - 1, 40)]),
        }),
        Body::CloseAuction(AuctionId(3)),
        Body::SettleAuction(SettleAuction { auction: AuctionId(4), digest: Hash([5; 32]) }),
        Body::Tick,
        Body::Checkpoint(Hash([6; 32])),
    ];
    for body in bodies {
        let bytes = record::encode(Timestamp(11), &body);
        assert_eq!(record::decode(&bytes, &Assets), Ok(Record { time: Timestamp(11), body }));
    }
}

#[test]
fn recorded_commands_come_back_without_the_refused() {
    let good = super::submit().encode_to_vec();
    let signed = super::envelope(vec![vec![0xff], good.clone(), vec![]]);
    let opened = envelope::open(&signed, &Assets).unwrap();
    assert_eq!(opened.ids, [CommandId::default(), ID, CommandId::default()]);
    let record = record::decode(&record::encode_commands(Timestamp(5), &signed, &[0, 2]), &Assets).unwrap();
    let expected = Commands {
        party: name("alice"),
        key: PublicKey([1; 32]),
        commands: vec![command::to_core(&good, &Assets).unwrap()],
    };
    assert_eq!(record, Record { time: Timestamp(5), body: Body::Commands(expected) });
}

#[test]
fn changes_of_intents_are_told() {
    let fill = FillEvent { auction: None, option: 1, sold: 2, bought: 3, surplus: -4, standing: None };
    let told = |change| {
        let event = IntentEvent { party: PartyIndex(0), id: ID, time: Timestamp(6), change };
        let update = events::to_wire("bob", &Arc::new(event));
        assert_eq!((update.party.as_str(), update.id, update.time_ns), ("bob", ID.0.to_vec(), 6));
        update.change.unwrap()
    };
    use wire::intent_update::Change;
    assert_eq!(told(IntentChange::Offered(AuctionId(5))), Change::Offered(5));
    assert_eq!(told(IntentChange::Accepted(Box::new(intents().remove(0)))), Change::Accepted(true));
    assert_eq!(told(IntentChange::Ended(End::Expired)), Change::Ended("expired".to_owned()));
    let filled = wire::FillUpdate {
        auction: 0,
        option: 1,
        sold: "2".to_owned(),
        bought: "3".to_owned(),
        surplus: "-4".to_owned(),
        ..wire::FillUpdate::default()
    };
    assert_eq!(told(IntentChange::Filled(fill.clone())), Change::Filled(filled.clone()));
    let floor = Some(FloorTerms { option: 1, sold: 5, bought: 6 });
    let standing = Standing { floor, over_limit: 7, over_floor: Some(-8), captured: 9, bound: 11, value_filled: 1_000 };
    let standing = FillEvent { standing: Some(Box::new(standing)), ..fill };
    let told = told(IntentChange::Filled(standing));
    let expected = wire::FillUpdate {
        floor: Some(wire::FloorTerms { option: 1, sold: "5".to_owned(), bought: "6".to_owned() }),
        over_limit: "7".to_owned(),
        over_floor: "-8".to_owned(),
        captured: "9".to_owned(),
        bound: "11".to_owned(),
        missed_bps: "20.00".to_owned(),
        ..filled
    };
    assert_eq!(told, Change::Filled(expected));
}
