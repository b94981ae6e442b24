//! Amounts: human decimals or atoms on the wire, atoms in the core.

use clearlane_core::money::{AmountError, Atoms, parse_amount};
use clearlane_core::refusal::{Reason, Refusal};

use crate::field::{refuse, required, shown};
use crate::{Scales, wire};

/// Reads an amount of the asset that it names itself.
///
/// # Errors
///
/// `MISSING` without a value, `UNKNOWN_ASSET` for a decimal of an asset without a scale, else what is wrong
/// with the text.
pub fn to_core(amount: &wire::Amount, field: &str, scales: &impl Scales) -> Result<Atoms, Refusal> {
    match required(amount.value.as_ref(), field)? {
        wire::amount::Value::Atoms(text) => atoms(text, field),
        wire::amount::Value::Decimal(text) => match scales.scale(&amount.asset) {
            Some(scale) => parse(text, scale, field),
            None => {
                let message = format!("expected a defined asset, found {}", shown(&amount.asset));
                refuse(Reason::UnknownAsset, &format!("{field}.asset"), message)
            }
        },
    }
}

/// Reads an amount that must be of `asset`, which it need not name.
///
/// # Errors
///
/// As [`to_core`], and `OUT_OF_RANGE` if it names another asset.
pub fn of_asset(amount: &wire::Amount, asset: &str, field: &str, scales: &impl Scales) -> Result<Atoms, Refusal> {
    if !amount.asset.is_empty() && amount.asset != asset {
        let message = format!("expected {asset:?}, found {}", shown(&amount.asset));
        return refuse(Reason::OutOfRange, &format!("{field}.asset"), message);
    }
    let named = wire::Amount { asset: asset.to_owned(), value: amount.value.clone() };
    to_core(&named, field, scales)
}

/// Reads atoms from plain text.
///
/// # Errors
///
/// `MISSING` if it is empty, else what is wrong with the text.
pub fn atoms(text: &str, field: &str) -> Result<Atoms, Refusal> {
    if text.is_empty() {
        return refuse(Reason::Missing, field, "expected an amount in atoms, found none");
    }
    parse(text, 0, field)
}

/// Writes an amount in atoms.
#[must_use]
pub fn to_wire(atoms: Atoms, asset: &str) -> wire::Amount {
    wire::Amount { asset: asset.to_owned(), value: Some(wire::amount::Value::Atoms(atoms.to_string())) }
}

fn parse(text: &str, scale: u8, field: &str) -> Result<Atoms, Refusal> {
    parse_amount(text, scale).map_err(|error| {
        let (reason, message) = match error {
            AmountError::Negative => (Reason::AmountNegative, "expected zero or more, found a minus sign".to_owned()),
            AmountError::NotANumber => (Reason::AmountMalformed, "expected a number, found other text".to_owned()),
            AmountError::TooPrecise { scale } => {
                (Reason::AmountTooPrecise, format!("expected at most {scale} decimals, found more"))
            }
            AmountError::TooLarge => (Reason::AmountTooLarge, "expected at most 2^127 atoms, found more".to_owned()),
        };
        Refusal::new(reason, field, message)
    })
}
