//! What breaks a rule is refused by code and field.

use clearlane_core::auction::certificate::DUAL_PRICES_MAX;
use clearlane_core::auction::{BUNDLES_MAX, FILLS_MAX, INTENTS_MAX, USES_MAX, VENUES_MAX};
use clearlane_core::command::COMMANDS_MAX;
use clearlane_core::names::CommandId;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::Timestamp;
use clearlane_core::venue::TICKS_MAX;
use prost::Message as _;

use super::{Assets, command, decimal, envelope, intent, submit};
use crate::wire::command::Action;
use crate::{ENVELOPE_BYTES_MAX, auction, record, wire};

type Change<T> = fn(&mut T);

fn check<T: std::fmt::Debug>(result: Result<T, Refusal>, reason: Reason, field: &str) {
    let refusal = result.expect_err(field);
    assert_eq!((refusal.reason, refusal.field.as_str()), (reason, field), "{refusal}");
}

fn give(intent: &mut wire::Intent) -> &mut wire::Side {
    intent.options[0].give.as_mut().unwrap()
}

fn condition(expression: &str) -> Option<wire::Condition> {
    Some(wire::Condition { expression: expression.to_owned() })
}

#[test]
fn wrong_intents_are_refused_by_field() {
    let table: &[(Reason, &str, Change<wire::Intent>)] = &[
        (Reason::Missing, "condition.expression", |i| i.condition = Some(wire::Condition::default())),
        (Reason::Malformed, "condition.expression", |i| i.condition = condition("price USD => 1.08")),
        (Reason::TooLarge, "condition.expression", |i| i.condition = condition(&" ".repeat(2_049))),
        (Reason::NotSupported, "group", |i| i.group = Some(wire::Group::default())),
        (Reason::NotSupported, "schedule", |i| i.schedule = Some(wire::Schedule::default())),
        (Reason::NotSupported, "mandate", |i| i.mandate = Some(wire::Mandate::default())),
        (Reason::Missing, "kind", |i| i.kind = 0),
        (Reason::OutOfRange, "kind", |i| i.kind = 9),
        (Reason::OutOfRange, "choose", |i| i.choose = 9),
        (Reason::Missing, "deadline_ns", |i| i.deadline_ns = 0),
        (Reason::BadName, "payee", |i| i.payee = "a b".to_owned()),
        (Reason::Missing, "options[0].give", |i| i.options[0].give = None),
        (Reason::Missing, "options[0].get", |i| i.options[0].get = None),
        (Reason::BadName, "options[0].give.asset", |i| give(i).asset = String::new()),
        (Reason::BadName, "options[0].give.module", |i| give(i).module = "é".to_owned()),
        (Reason::Missing, "options[0].give.amount", |i| give(i).amount = None),
        (Reason::Missing, "options[0].give.amount", |i| give(i).amount = Some(wire::Amount::default())),
        (Reason::OutOfRange, "options[0].give.amount.asset", |i| give(i).amount = decimal("USD", "1")),
        (Reason::UnknownAsset, "options[0].give.amount.asset", |i| give(i).asset = "XYZ".to_owned()),
        (Reason::AmountTooPrecise, "options[0].give.amount", |i| give(i).amount = decimal("EUR", "1.005")),
        (Reason::AmountNegative, "options[0].give.amount", |i| give(i).amount = decimal("EUR", "-1")),
        (Reason::AmountMalformed, "options[0].give.amount", |i| give(i).amount = decimal("EUR", "1e3")),
        (Reason::AmountTooLarge, "options[0].give.amount", |i| give(i).amount = decimal("EUR", &"9".repeat(50))),
        (Reason::OutOfRange, "options[0].maximum.asset", |i| i.options[0].maximum = decimal("USD", "1")),
        (Reason::OutOfRange, "fill.minimum.asset", |i| {
            let rule = decimal("USD", "1").map(wire::fill::Rule::Minimum);
            i.fill = Some(wire::Fill { rule });
        }),
        (Reason::AmountMalformed, "limits.worst_price", |i| {
            i.limits = Some(wire::Limits { worst_price: "0".to_owned(), ..wire::Limits::default() });
        }),
    ];
    for (reason, field, change) in table {
        let mut wrong = intent();
        change(&mut wrong);
        check(crate::intent::to_core(&wrong, CommandId::default(), &Assets), *reason, field);
    }
}

#[test]
fn wrong_commands_are_refused_by_field() {
    let key = |role, length| wire::AddKey { party: "bob".to_owned(), key: vec![1; length], role };
    let movement = wire::Movement { party: "bob".to_owned(), amount: decimal("EUR", "1"), module: "m".to_owned() };
    let set = wire::SetPrice { asset: "EUR".to_owned(), price: "-1".to_owned() };
    let asset = wire::DefineAsset { code: "EUR".to_owned(), scale: 256 };
    let unfixed = wire::Intent { kind: 0, ..intent() };
    let moved = |amount| wire::Movement { amount, ..movement.clone() };
    let table = [
        (Reason::Missing, "id", wire::Command { id: vec![], ..submit() }),
        (Reason::Malformed, "id", wire::Command { id: vec![7; 15], ..submit() }),
        (Reason::Missing, "action", wire::Command { action: None, ..submit() }),
        (Reason::Missing, "intent.kind", command(Action::Intent(unfixed))),
        (Reason::Missing, "cancel.intent", command(Action::Cancel(wire::Cancel { intent: vec![] }))),
        (Reason::OutOfRange, "define_asset.scale", command(Action::DefineAsset(asset))),
        (Reason::BadName, "define_party.name", command(Action::DefineParty(wire::DefineParty::default()))),
        (Reason::Missing, "add_key.role", command(Action::AddKey(key(0, 32)))),
        (Reason::OutOfRange, "add_key.role", command(Action::AddKey(key(99, 32)))),
        (Reason::Malformed, "add_key.key", command(Action::AddKey(key(1, 31)))),
        (Reason::BadName, "define_venue.name", command(Action::DefineVenue(wire::DefineVenue::default()))),
        (Reason::AmountMalformed, "set_price.price", command(Action::SetPrice(set))),
        (Reason::BadName, "set_event.name", command(Action::SetEvent(wire::SetEvent::default()))),
        (Reason::Missing, "deposit.amount", command(Action::Deposit(moved(None)))),
        (Reason::UnknownAsset, "withdraw.amount.asset", command(Action::Withdraw(moved(decimal("XYZ", "1"))))),
    ];
    for (reason, field, wrong) in table {
        check(crate::command::to_core(&wrong.encode_to_vec(), &Assets), reason, field);
    }
    check(crate::command::to_core(&[0xff], &Assets), Reason::Malformed, "command");
}

#[test]
fn unknown_fields_are_refused() {
    let unknown = [0xf8, 0x06, 0x01];
    let known = submit().encode_to_vec();
    let bytes = [known.as_slice(), &unknown].concat();
    check(crate::command::to_core(&bytes, &Assets), Reason::UnknownField, "command");
    let mut signed = envelope(vec![known]);
    signed.payload.extend(unknown);
    check(crate::envelope::open(&signed, &Assets), Reason::UnknownField, "payload");
    let bytes = [record::encode(Timestamp(1), &clearlane_core::record::Body::Tick).as_slice(), &unknown].concat();
    check(record::decode(&bytes, &Assets), Reason::UnknownField, "record");
}

#[test]
fn wrong_envelopes_are_refused_by_field() {
    let table: &[(Reason, &str, Change<wire::SignedEnvelope>)] = &[
        (Reason::TooLarge, "payload", |e| e.payload = vec![0; ENVELOPE_BYTES_MAX + 1]),
        (Reason::NotSupported, "algorithm", |e| e.algorithm = 2),
        (Reason::Malformed, "key", |e| e.key = vec![1; 33]),
        (Reason::Malformed, "signature", |e| e.signature = vec![1; 63]),
        (Reason::Malformed, "payload", |e| e.payload = vec![0xff]),
        (Reason::BadName, "party", |e| e.payload = vec![]),
        (Reason::Missing, "commands", |e| e.payload = envelope(vec![]).payload),
        (Reason::TooLarge, "commands", |e| e.payload = envelope(vec![vec![]; COMMANDS_MAX + 1]).payload),
    ];
    for (reason, field, change) in table {
        let mut wrong = envelope(vec![submit().encode_to_vec()]);
        change(&mut wrong);
        check(crate::envelope::open(&wrong, &Assets), *reason, field);
    }
}

/// A concentrated pool with something changed.
fn concentrated(change: Change<wire::Concentrated>) -> Option<wire::VenueTerms> {
    let tick = |index, net: &str| wire::Tick { index, liquidity_net: net.to_owned() };
    let price = "79228162514264337593543950336".to_owned();
    let mut pool = wire::Concentrated { fee_ppm: 5, sqrt_price: price, ticks: vec![tick(-10, "5"), tick(10, "-5")] };
    change(&mut pool);
    Some(wire::VenueTerms { kind: Some(wire::venue_terms::Kind::Concentrated(pool)) })
}

#[test]
fn wrong_auctions_are_refused_by_field() {
    let table: &[(Reason, &str, Change<wire::AuctionInput>)] = &[
        (Reason::OutOfRange, "rules", |i| i.rules = "other".to_owned()),
        (Reason::OutOfRange, "rules", |i| i.rules = "gpv1".to_owned()),
        (Reason::Malformed, "seed", |i| i.seed = vec![0; 31]),
        (Reason::OutOfRange, "denominations[0].scale", |i| i.denominations[0].scale = 19),
        (Reason::OutOfRange, "reserves[0].denomination", |i| i.reserves[0].denomination = 2),
        (Reason::OutOfRange, "intents[0].options[0].give", |i| i.intents[0].options[0].give = 2),
        (Reason::OutOfRange, "intents[0].options[0].reserve", |i| i.intents[0].options[0].reserve = 1),
        (Reason::OutOfRange, "venues[0].coins[1]", |i| i.venues[0].coins = vec![0, 2]),
        (Reason::OutOfRange, "venues[0].coins", |i| i.venues[0].coins = vec![0]),
        (Reason::OutOfRange, "venues[0].coins", |i| i.venues[0].coins = vec![0; 9]),
        (Reason::TooLarge, "venues[0].terms.concentrated.ticks", |i| {
            i.venues[0].terms = concentrated(|pool| pool.ticks = vec![wire::Tick::default(); TICKS_MAX + 1]);
        }),
        (Reason::OutOfRange, "venues[0].terms.concentrated.ticks[1].index", |i| {
            i.venues[0].terms = concentrated(|pool| pool.ticks[1].index = -10);
        }),
        (Reason::AmountMalformed, "venues[0].terms.concentrated.ticks[0].liquidity_net", |i| {
            i.venues[0].terms = concentrated(|pool| pool.ticks[0].liquidity_net = "+5".to_owned());
        }),
        (Reason::OutOfRange, "venues[0].terms.concentrated.sqrt_price", |i| {
            i.venues[0].terms = concentrated(|pool| pool.sqrt_price = "0".to_owned());
        }),
        (Reason::OutOfRange, "venues[0].opening.concentrated.held", |i| {
            let state = wire::ConcentratedState { sqrt_price: "1".to_owned(), held: vec!["1".to_owned(); 3] };
            i.venues[0].opening = Some(wire::VenueState { kind: Some(wire::venue_state::Kind::Concentrated(state)) });
        }),
        (Reason::Missing, "venues[0].terms", |i| i.venues[0].terms = None),
        (Reason::Missing, "venues[0].opening", |i| i.venues[0].opening = None),
        (Reason::TooLarge, "intents", |i| i.intents = vec![i.intents[0].clone(); INTENTS_MAX + 1]),
        (Reason::TooLarge, "venues", |i| i.venues = vec![i.venues[0].clone(); VENUES_MAX + 1]),
    ];
    for (reason, field, change) in table {
        let mut wrong = auction::input_to_wire(&super::round_trips::input());
        change(&mut wrong);
        check(auction::input_to_core(&wrong), *reason, field);
    }
}

#[test]
fn wrong_bundles_are_refused_by_field() {
    let fill = wire::FillPromise { sold: "1".to_owned(), bought: "1".to_owned(), ..wire::FillPromise::default() };
    let filled = |fill, count| vec![wire::Bundle { fills: vec![fill; count], uses: vec![] }];
    let used = vec![wire::Bundle { fills: vec![], uses: vec![wire::VenueUse::default(); USES_MAX + 1] }];
    let use_ = wire::VenueUse {
        coin_out: 256,
        amount_in: "1".to_owned(),
        amount_out: "1".to_owned(),
        ..wire::VenueUse::default()
    };
    let beyond = vec![wire::Bundle { fills: vec![], uses: vec![use_] }];
    let far = wire::FillPromise { option: 65_536, ..fill.clone() };
    let negative = wire::FillPromise { sold: "-1".to_owned(), ..fill.clone() };
    let table = [
        (Reason::TooLarge, "bundles", vec![wire::Bundle::default(); BUNDLES_MAX + 1]),
        (Reason::TooLarge, "bundles[0].fills", filled(fill, FILLS_MAX + 1)),
        (Reason::TooLarge, "bundles[0].uses", used),
        (Reason::OutOfRange, "bundles[0].uses[0].coin_out", beyond),
        (Reason::OutOfRange, "bundles[0].fills[0].option", filled(far, 1)),
        (Reason::AmountNegative, "bundles[0].fills[0].sold", filled(negative, 1)),
    ];
    for (reason, field, wrong) in table {
        check(auction::bundles_to_core(&wrong), reason, field);
    }
}

#[test]
fn wrong_prices_of_a_solution_are_refused_by_place() {
    let huge = "9".repeat(30);
    let long = "0".repeat(129);
    for wrong in ["", "-1", "0.0", "1e-41", "nan", "inf", "+1", "1,5", huge.as_str()] {
        let prices = vec!["0".to_owned(), wrong.to_owned()];
        check(auction::prices_to_core(&prices), Reason::AmountMalformed, "prices[1]");
    }
    check(auction::prices_to_core(&[long]), Reason::TooLarge, "prices[0]");
    check(auction::prices_to_core(&vec!["1".to_owned(); DUAL_PRICES_MAX + 1]), Reason::TooLarge, "prices");
    assert_eq!(auction::prices_to_core(&[]), Ok(None));
}

#[test]
fn wrong_records_are_refused() {
    let signed = envelope(vec![submit().encode_to_vec(), vec![0xff]]);
    let decode = |refused: &[u32]| record::decode(&record::encode_commands(Timestamp(1), &signed, refused), &Assets);
    check(decode(&[]), Reason::Malformed, "command");
    check(decode(&[2]), Reason::OutOfRange, "commands.refused");
    check(decode(&[1, 0]), Reason::OutOfRange, "commands.refused");
    check(record::decode(&wire::LogRecord::default().encode_to_vec(), &Assets), Reason::Missing, "body");
}
