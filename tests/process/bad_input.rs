//! Bad input over the wire: each kind has its own code and field, and no book changes.

use clearlane_client::envelope::command;
use clearlane_client::{Client, ClientError};
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use clearlane_proto::{ENVELOPE_BYTES_MAX, wire};

use crate::harness::{Site, alice_key, all_done, id, now, payment, set_up, side, signed};
use prost::Message as _;

type IntentCase = (&'static str, fn(&mut wire::Intent), &'static str, &'static str);

fn give(intent: &mut wire::Intent, decimal: &str) {
    intent.options[0].give = Some(side("EUR", decimal));
}

fn both(intent: &mut wire::Intent, decimal: &str) {
    give(intent, decimal);
    intent.options[0].get = Some(side("EUR", decimal));
}

fn unlimited(intent: &mut wire::Intent) {
    let get = wire::Side { asset: "USD".to_owned(), module: "bank".to_owned(), amount: None };
    intent.options[0].get = Some(get);
}

const INTENTS: &[IntentCase] = &[
    (
        "unknown asset",
        |intent| intent.options[0].give = Some(side("XXX", "1")),
        "UNKNOWN_ASSET",
        "intent.options[0].give.amount.asset",
    ),
    ("unknown party", |intent| "zoe".clone_into(&mut intent.payee), "UNKNOWN_PARTY", "intent.payee"),
    ("zero", |intent| both(intent, "0"), "AMOUNT_ZERO", "intent.options[0].give.amount"),
    ("negative", |intent| give(intent, "-1"), "AMOUNT_NEGATIVE", "intent.options[0].give.amount"),
    ("over-precise", |intent| give(intent, "1.001"), "AMOUNT_TOO_PRECISE", "intent.options[0].give.amount"),
    ("over-large", |intent| give(intent, &"9".repeat(60)), "AMOUNT_TOO_LARGE", "intent.options[0].give.amount"),
    ("past deadline", |intent| intent.deadline_ns = 1, "DEADLINE_PASSED", "intent.deadline_ns"),
    ("insufficient funds", |intent| both(intent, "1000.01"), "INSUFFICIENT_FUNDS", "intent.options[0].give.amount"),
    (
        "impossible limit",
        |intent| intent.options[0].get = Some(side("EUR", "1.01")),
        "LIMIT_IMPOSSIBLE",
        "intent.options[0].get.amount",
    ),
    ("no limit", unlimited, "LIMIT_REQUIRED", "intent.limits"),
    (
        "condition",
        |intent| intent.condition = Some(wire::Condition { expression: "true".to_owned() }),
        "MALFORMED",
        "intent.condition.expression",
    ),
    (
        "condition on nothing",
        |intent| intent.condition = Some(wire::Condition { expression: "price XXX > 1".to_owned() }),
        "UNKNOWN_ASSET",
        "intent.condition.expression",
    ),
];

/// The books' part of the state root.
async fn books(client: &Client) -> Vec<u8> {
    client.root().await.expect("a root").books_root
}

/// The refusal of the only command of an envelope.
async fn refusal(client: &Client, envelope: wire::SignedEnvelope, what: &str) -> wire::Refusal {
    let mut outcomes = client.submit(envelope).await.expect(what);
    match outcomes.pop().and_then(|outcome| outcome.result) {
        Some(Outcome::Refusal(refusal)) => refusal,
        other => panic!("{what}: expected a refusal, found {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_command_is_refused_by_code_and_field() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let used = id(millis);
    all_done(&client.submit(signed(used, payment(millis))).await.expect("a payment"));
    let before = books(&client).await;

    for (what, spoil, code, field) in INTENTS {
        let mut intent = payment(millis);
        spoil(&mut intent);
        let found = refusal(&client, signed(id(millis), intent), what).await;
        assert_eq!((found.code.as_str(), found.field.as_str()), (*code, *field), "{what}: {}", found.message);
        assert_eq!(books(&client).await, before, "{what}");
    }

    let other = wire::Intent { reference: "other bytes".to_owned(), ..payment(millis) };
    let found = refusal(&client, signed(used, other), "same id").await;
    assert_eq!((found.code.as_str(), found.field.as_str()), ("ID_REUSED", "id"), "{}", found.message);

    let mut bytes = command(id(millis), Action::Intent(payment(millis))).encode_to_vec();
    bytes.extend(UNKNOWN_FIELD);
    let unknown = wire::Envelope { party: "alice".to_owned(), commands: vec![bytes] };
    let found = refusal(&client, alice_key().sign_envelope(unknown.encode_to_vec()), "unknown field").await;
    assert_eq!((found.code.as_str(), found.field.as_str()), ("UNKNOWN_FIELD", "command"), "{}", found.message);
    assert_eq!(books(&client).await, before);
}

/// Field 100 as a varint of 1: no message of the contract has it.
const UNKNOWN_FIELD: [u8; 3] = [0xa0, 0x06, 0x01];

type EnvelopeCase = (&'static str, fn(wire::SignedEnvelope) -> wire::SignedEnvelope, &'static str, &'static str);

fn bad_signature(mut envelope: wire::SignedEnvelope) -> wire::SignedEnvelope {
    envelope.signature[0] ^= 1;
    envelope
}

fn unknown_field(envelope: wire::SignedEnvelope) -> wire::SignedEnvelope {
    let mut payload = envelope.payload;
    payload.extend(UNKNOWN_FIELD);
    alice_key().sign_envelope(payload)
}

fn too_large(_: wire::SignedEnvelope) -> wire::SignedEnvelope {
    let inner = wire::Envelope { party: "alice".to_owned(), commands: vec![vec![0; ENVELOPE_BYTES_MAX]] };
    alice_key().sign_envelope(inner.encode_to_vec())
}

const ENVELOPES: &[EnvelopeCase] = &[
    ("bad signature", bad_signature, "BAD_SIGNATURE", "signature"),
    ("unknown field", unknown_field, "UNKNOWN_FIELD", "payload"),
    ("too large", too_large, "TOO_LARGE", "payload"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_envelope_is_refused_as_a_whole() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let before = books(&client).await;
    for (what, spoil, code, field) in ENVELOPES {
        let answer = client.submit(spoil(signed(id(millis), payment(millis)))).await;
        let Err(ClientError::Refused(status)) = answer else { panic!("{what}: expected a status, found {answer:?}") };
        let message = status.message();
        assert!(message.starts_with(code), "{what}: {message}");
        assert!(message.contains(field), "{what}: {message}");
        assert_eq!(books(&client).await, before, "{what}");
    }
}
