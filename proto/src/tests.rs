//! Every kind goes over the wire and comes back equal; what breaks a rule is refused by code and field.

mod refusals;
mod round_trips;

use crate::{ALGORITHM_ED25519, Scales, wire};
use prost::Message as _;

/// Euros with two decimals, dollars with six.
struct Assets;

impl Scales for Assets {
    fn scale(&self, asset: &str) -> Option<u8> {
        [("EUR", 2), ("USD", 6)].iter().find(|(code, _)| *code == asset).map(|(_, scale)| *scale)
    }
}

fn decimal(asset: &str, text: &str) -> Option<wire::Amount> {
    Some(wire::Amount { asset: asset.to_owned(), value: Some(wire::amount::Value::Decimal(text.to_owned())) })
}

/// Gives 250 euros for at least 270 dollars.
fn intent() -> wire::Intent {
    let side = |asset: &str, text: &str| wire::Side {
        asset: asset.to_owned(),
        module: String::new(),
        amount: decimal("", text),
    };
    wire::Intent {
        kind: wire::Kind::ExactIn.into(),
        options: vec![wire::Option { give: Some(side("EUR", "250.00")), get: Some(side("USD", "270")), maximum: None }],
        deadline_ns: 9,
        ..wire::Intent::default()
    }
}

fn command(action: wire::command::Action) -> wire::Command {
    wire::Command { id: vec![7; 16], action: Some(action) }
}

fn submit() -> wire::Command {
    command(wire::command::Action::Intent(intent()))
}

fn envelope(commands: Vec<Vec<u8>>) -> wire::SignedEnvelope {
    wire::SignedEnvelope {
        payload: wire::Envelope { party: "alice".to_owned(), commands }.encode_to_vec(),
        key: vec![1; 32],
        signature: vec![2; 64],
        algorithm: ALGORITHM_ED25519,
    }
}
