//! Every refusal of a command, by code and field, with the books as they were.

use clearlane_core::command::{Action, AddKey, Cancel, DefineAsset, DefineVenue, Movement, RevokeKey, Role, SetPrice};
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption};
use clearlane_core::money::AUCTION_ATOMS_MAX;
use clearlane_core::names::{CommandId, PublicKey};
use clearlane_core::price::Price;
use clearlane_core::refusal::Reason;
use clearlane_core::time::Timestamp;
use clearlane_core::venue::{ConstantProduct, Terms};
use clearlane_tests::desk::{Desk, NOON, command, exact_in, exact_out, key, movement, name, option};

type Case = (&'static str, fn(&mut Intent), Reason, &'static str);

const INTENTS: &[Case] = &[
    ("no option", |intent| intent.options.clear(), Reason::Missing, "options"),
    (
        "too many options",
        |intent| intent.options = vec![option(("EUR", 1), ("USD", 1)); 17],
        Reason::TooLarge,
        "options",
    ),
    ("long reference", |intent| intent.reference = "x".repeat(257), Reason::TooLarge, "reference"),
    ("long memo", |intent| intent.memo = vec![0; 1_025], Reason::TooLarge, "memo"),
    ("past deadline", |intent| intent.deadline = NOON, Reason::DeadlinePassed, "deadline_ns"),
    ("start after deadline", |intent| intent.valid_from = Timestamp::MAX, Reason::DeadlineBeforeStart, "valid_from_ns"),
    ("unknown payee", |intent| intent.payee = Some(name("zoe")), Reason::UnknownParty, "payee"),
    (
        "unknown give",
        |intent| intent.options[0].give_asset = name("XXX"),
        Reason::UnknownAsset,
        "options[0].give.asset",
    ),
    ("unknown get", |intent| intent.options[0].get_asset = name("XXX"), Reason::UnknownAsset, "options[0].get.asset"),
    (
        "unknown module",
        |intent| intent.options[0].give_module = Some(name("moon")),
        Reason::UnknownModule,
        "options[0].give.module",
    ),
    ("no account", |intent| intent.options[0].give_asset = name("GBP"), Reason::UnknownAccount, "options[0].give"),
    ("zero", |intent| intent.options[0].give_amount = 0, Reason::AmountZero, "options[0].give.amount"),
    (
        "over-large",
        |intent| intent.options[0].give_amount = AUCTION_ATOMS_MAX,
        Reason::AmountTooLarge,
        "options[0].give.amount",
    ),
    ("no limit", |intent| intent.options[0].get_amount = 0, Reason::LimitRequired, "limits"),
    ("fee between assets", |intent| intent.limits.maximum_fee = Some(1), Reason::NotSupported, "limits.maximum_fee"),
    (
        "total below the amount",
        |intent| intent.limits.maximum_total = Some(1),
        Reason::LimitImpossible,
        "limits.maximum_total",
    ),
    ("zero maximum", |intent| intent.options[0].maximum = Some(0), Reason::AmountZero, "options[0].maximum"),
    (
        "options of different size",
        |intent| intent.options.push(option(("EUR", 9_999), ("USD", 1))),
        Reason::LimitImpossible,
        "options[1]",
    ),
    (
        "a minimum in the unit of another option",
        |intent| (intent.choose, intent.options) = (Choose::One, one_of()),
        Reason::LimitImpossible,
        "fill.minimum",
    ),
    (
        "a total in the unit of another option",
        |intent| {
            (intent.choose, intent.options, intent.fill) = (Choose::One, one_of(), FillRule::AllOrNothing);
            intent.limits.maximum_total = Some(40_000);
        },
        Reason::LimitImpossible,
        "limits.maximum_total",
    ),
    (
        "a price of another pair",
        |intent| {
            (intent.choose, intent.options, intent.fill) = (Choose::One, one_of(), FillRule::AllOrNothing);
            intent.limits.worst_price = Price::parse("0.5");
        },
        Reason::LimitImpossible,
        "limits.worst_price",
    ),
    (
        "maxima below the whole",
        |intent| {
            intent.fill = FillRule::AllOrNothing;
            intent.options[0].maximum = Some(9_999);
        },
        Reason::LimitImpossible,
        "options[0].maximum",
    ),
    (
        "minimum above the size",
        |intent| intent.fill = FillRule::Partial { minimum: Some(10_001) },
        Reason::OutOfRange,
        "fill.minimum",
    ),
];

/// 100.00 EUR or 100.00 USD for the other one.
fn one_of() -> Vec<IntentOption> {
    vec![option(("EUR", 10_000), ("USD", 9_000)), option(("USD", 10_000), ("EUR", 9_000))]
}

#[test]
fn intents_are_refused_by_name_and_change_no_book() {
    for (what, spoil, reason, field) in INTENTS {
        let mut desk = Desk::stocked();
        desk.asset("GBP", 2, "1.1");
        let id = desk.next_id();
        let mut intent = exact_in(id, ("EUR", 10_000), ("USD", 9_000));
        spoil(&mut intent);
        let before = desk.books_root();
        let refusal = desk.submit("alice", intent).expect_err(what);
        assert_eq!((refusal.reason, refusal.field), (*reason, format!("intent.{field}")), "{what}");
        assert_eq!(desk.books_root(), before, "{what}");
    }
}

#[test]
fn a_transfer_beyond_the_free_balance_names_the_held_part() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 60_000), ("USD", 60_000))).expect("booked");
    desk.open_auction();
    let before = desk.books_root();
    let id = desk.next_id();
    let mut pay = exact_out(id, ("EUR", 50_000), ("EUR", 50_000));
    pay.payee = Some(name("bob"));
    let refusal = desk.submit("alice", pay.clone()).expect_err("held");
    assert_eq!(refusal.reason, Reason::InsufficientFunds);
    assert_eq!(refusal.message, "expected 50000 atoms, found 40000 free and 60000 held");
    assert_eq!(desk.books_root(), before);
    assert_eq!(desk.submit("alice", pay), Err(refusal), "a refused id stays refused");
}

#[test]
fn a_limit_that_cannot_hold_is_refused() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    let refusal = desk.submit("alice", exact_in(id, ("EUR", 100), ("EUR", 101))).expect_err("more than given");
    assert_eq!(refusal.reason, Reason::LimitImpossible);
}

#[test]
fn ids_are_judged_before_what_they_carry() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 100), ("USD", 90))).expect("booked");
    let before = desk.books_root();
    let reused = desk.submit("alice", exact_in(id, ("EUR", 101), ("USD", 90))).expect_err("other bytes");
    assert_eq!((reused.reason, reused.field.as_str()), (Reason::IdReused, "id"));
    let malformed = desk.submit("alice", exact_in(CommandId([1; 16]), ("EUR", 1), ("USD", 1))).expect_err("no UUIDv7");
    assert_eq!(malformed.reason, Reason::IdOutsideWindow);
    let mut old = desk.next_id();
    old.0[1] -= 1;
    let outside = desk.submit("alice", exact_in(old, ("EUR", 1), ("USD", 1))).expect_err("too old");
    assert_eq!(outside.reason, Reason::IdOutsideWindow);
    assert_eq!(desk.books_root(), before);
}

#[test]
fn keys_and_roles_are_judged_first() {
    let mut desk = Desk::stocked();
    let deposit = || Action::Deposit(movement("alice", "EUR", 1));
    let id = desk.next_id();
    let unknown = desk.ask_as("alice", PublicKey([9; 32]), command(id, deposit())).expect_err("no such key");
    assert_eq!(unknown.reason, Reason::UnknownKey);
    let foreign = desk.ask_as("bob", key("alice", Role::Party), command(id, deposit())).expect_err("not bob's");
    assert_eq!(foreign.reason, Reason::NotAuthorized);
    let nobody = desk.ask_as("zoe", key("alice", Role::Party), command(id, deposit())).expect_err("no zoe");
    assert_eq!(nobody.reason, Reason::UnknownParty);
    let role = desk.ask("alice", Role::Party, deposit()).expect_err("parties don't deposit");
    assert_eq!(role.reason, Reason::NotAuthorized);
    desk.admin(Action::RevokeKey(RevokeKey { key: key("alice", Role::Party) }));
    let id = desk.next_id();
    let revoked = desk.submit("alice", exact_in(id, ("EUR", 1), ("USD", 1))).expect_err("revoked");
    assert_eq!(revoked.reason, Reason::UnknownKey);
}

/// The same with a wrong number of coins somewhere, and the field that says so.
fn misshapen(whole: &DefineVenue) -> impl Iterator<Item = (DefineVenue, Reason, &'static str)> + use<> {
    let venues = [
        DefineVenue { assets: vec![name("EUR")], ..whole.clone() },
        DefineVenue { assets: vec![name("EUR"); 9], ..whole.clone() },
        DefineVenue { modules: vec![name("bank"); 3], ..whole.clone() },
        DefineVenue { inventory: vec![1], ..whole.clone() },
        DefineVenue {
            assets: vec![name("EUR"); 3],
            modules: vec![name("bank"); 3],
            inventory: vec![1; 3],
            ..whole.clone()
        },
    ];
    let fields = ["assets", "assets", "modules", "inventory", "terms"];
    venues.into_iter().zip(fields).map(|(venue, field)| (venue, Reason::OutOfRange, field))
}

#[test]
fn administration_is_refused_by_name_and_changes_no_book() {
    let mut desk = Desk::stocked();
    let pool = || Terms::ConstantProduct(ConstantProduct { fee_ppm: 3_000 });
    let venue = |assets: [&str; 2], inventory: [u128; 2]| {
        let modules = vec![name("bank"), name("bank")];
        let assets = assets.map(name).to_vec();
        let inventory = inventory.to_vec();
        DefineVenue { name: name("pool"), assets, modules, terms: pool(), inventory }
    };
    let whole = venue(["EUR", "USD"], [1, 1]);
    let misshapen = misshapen(&whole);
    let venues = vec![
        (venue(["EUR", "X"], [1, 1]), Reason::UnknownAsset, "assets[1]"),
        (venue(["EUR", "EUR"], [1, 1]), Reason::OutOfRange, "assets"),
        (venue(["EUR", "USD"], [0, 1]), Reason::AmountZero, "inventory[0]"),
        (venue(["EUR", "USD"], [1, 1 << 112]), Reason::AmountTooLarge, "inventory[1]"),
        (whole, Reason::UnknownAccount, "inventory[0]"),
    ];
    let venues = venues.into_iter().chain(misshapen);
    let venues = venues.map(|(venue, reason, field)| (Action::DefineVenue(Box::new(venue)), reason, field));
    let moved = |party: &str, asset: &str, module: &str, amount| Movement {
        party: name(party),
        asset: name(asset),
        module: name(module),
        amount,
    };
    let cases: Vec<(Action, Reason, &str)> = vec![
        (Action::DefineAsset(DefineAsset { code: name("EUR"), scale: 3 }), Reason::AlreadyExists, "code"),
        (Action::DefineAsset(DefineAsset { code: name("X"), scale: 19 }), Reason::OutOfRange, "scale"),
        (Action::SetPrice(SetPrice { asset: name("X"), price: None }), Reason::UnknownAsset, "asset"),
        (Action::SetPrice(SetPrice { asset: name("EUR"), price: None }), Reason::OutOfRange, "price"),
        (
            Action::AddKey(AddKey { party: name("zoe"), key: PublicKey([1; 32]), role: Role::Party }),
            Reason::UnknownParty,
            "party",
        ),
        (
            Action::AddKey(AddKey { party: name("bob"), key: key("alice", Role::Party), role: Role::Party }),
            Reason::AlreadyExists,
            "key",
        ),
        (Action::RevokeKey(RevokeKey { key: PublicKey([1; 32]) }), Reason::UnknownKey, "key"),
        (Action::RevokeKey(RevokeKey { key: key("admin", Role::Admin) }), Reason::OutOfRange, "key"),
        (Action::Deposit(moved("zoe", "EUR", "bank", 1)), Reason::UnknownParty, "party"),
        (Action::Deposit(moved("bob", "X", "bank", 1)), Reason::UnknownAsset, "asset"),
        (Action::Deposit(moved("bob", "EUR", "moon", 1)), Reason::UnknownModule, "module"),
        (Action::Deposit(moved("bob", "EUR", "bank", 0)), Reason::AmountZero, "amount"),
        (Action::Deposit(moved("bob", "EUR", "bank", 1 << 127)), Reason::AmountTooLarge, "amount"),
        (Action::Withdraw(moved("admin", "EUR", "bank", 1)), Reason::UnknownAccount, "party"),
        (Action::Withdraw(moved("bob", "EUR", "bank", 100_001)), Reason::InsufficientFunds, "amount"),
        (Action::Cancel(Cancel { intent: CommandId([3; 16]) }), Reason::UnknownIntent, "intent"),
    ];
    for (action, reason, field) in cases.into_iter().chain(venues) {
        let before = desk.books_root();
        let what = format!("{action:?}");
        let refusal = desk.ask("admin", Role::Admin, action).expect_err(&what);
        let (_, within) = refusal.field.split_once('.').unwrap_or_else(|| panic!("{what}: {refusal}"));
        assert_eq!((refusal.reason, within), (reason, field), "{what}: {refusal}");
        assert_eq!(desk.books_root(), before, "{what}");
    }
}
