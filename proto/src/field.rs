//! Reads single fields of messages, or refuses them by their path.

use clearlane_core::names::Name;
use clearlane_core::price::Price;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{COINS_MAX, PerCoin};
use prost::Message;

/// Refuses `field`.
pub(crate) fn refuse<T>(reason: Reason, field: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}

/// Decodes a message that holds nothing but known fields in their shortest form.
pub(crate) fn strict<M: Message + Default>(bytes: &[u8], field: &str) -> Result<M, Refusal> {
    let message = M::decode(bytes).map_err(|error| {
        Refusal::new(Reason::Malformed, field, format!("expected an encoded message, found {error}"))
    })?;
    if message.encode_to_vec() != bytes {
        let text = "expected known fields only, in order and in their shortest form, found other bytes";
        return refuse(Reason::UnknownField, field, text);
    }
    Ok(message)
}

/// A submessage that must be there.
pub(crate) fn required<'a, T>(value: Option<&'a T>, field: &str) -> Result<&'a T, Refusal> {
    value.ok_or_else(|| Refusal::new(Reason::Missing, field, "expected a value, found none"))
}

/// A name that must be there.
pub(crate) fn name(text: &str, field: &str) -> Result<Name, Refusal> {
    Name::new(text).ok_or_else(|| {
        let message = format!("expected 1 to 64 visible ASCII characters, found {} bytes", text.len());
        Refusal::new(Reason::BadName, field, message)
    })
}

/// A name, or nothing if the text is empty.
pub(crate) fn optional_name(text: &str, field: &str) -> Result<Option<Name>, Refusal> {
    if text.is_empty() { Ok(None) } else { name(text, field).map(Some) }
}

/// A price, or nothing if the text is empty.
pub(crate) fn price(text: &str, field: &str) -> Result<Option<Price>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    match Price::parse(text) {
        Some(price) => Ok(Some(price)),
        None => refuse(Reason::AmountMalformed, field, "expected a positive decimal within bounds, found other text"),
    }
}

/// Exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(bytes: &[u8], field: &str) -> Result<[u8; N], Refusal> {
    if bytes.is_empty() {
        return refuse(Reason::Missing, field, format!("expected {N} bytes, found none"));
    }
    bytes.try_into().map_err(|_| {
        let message = format!("expected {N} bytes, found {}", bytes.len());
        Refusal::new(Reason::Malformed, field, message)
    })
}

/// From two to [`COINS_MAX`] values, each converted under its own path.
pub(crate) fn coins_of<T, U>(
    values: &[T],
    field: &str,
    convert: impl Fn(&T, &str) -> Result<U, Refusal>,
) -> Result<Vec<U>, Refusal> {
    if !(2..=COINS_MAX).contains(&values.len()) {
        let message = format!("expected from 2 to {COINS_MAX} values, found {}", values.len());
        return refuse(Reason::OutOfRange, field, message);
    }
    each(values, field, convert)
}

/// The same in the form in which a venue keeps them.
pub(crate) fn per_coin<T, U: Copy + Default>(
    values: &[T],
    field: &str,
    convert: impl Fn(&T, &str) -> Result<U, Refusal>,
) -> Result<PerCoin<U>, Refusal> {
    Ok(PerCoin::from_slice(&coins_of(values, field, convert)?).unwrap_or_default())
}

/// Every value, each converted under its own path.
pub(crate) fn each<T, U>(
    values: &[T],
    field: &str,
    convert: impl Fn(&T, &str) -> Result<U, Refusal>,
) -> Result<Vec<U>, Refusal> {
    values.iter().enumerate().map(|(at, value)| convert(value, &format!("{field}[{at}]"))).collect()
}

/// Refuses a list or text of more than `most`.
pub(crate) fn at_most(count: usize, most: usize, field: &str) -> Result<(), Refusal> {
    if count > most {
        return refuse(Reason::TooLarge, field, format!("expected at most {most}, found {count}"));
    }
    Ok(())
}

/// An integer in a narrower type.
pub(crate) fn narrow<T: TryFrom<u32>>(value: u32, field: &str) -> Result<T, Refusal> {
    T::try_from(value).map_err(|_| Refusal::new(Reason::OutOfRange, field, format!("expected less, found {value}")))
}

/// Refuses the value of an enumeration that this version does not know.
pub(crate) fn unknown_value<T>(value: i32, field: &str) -> Result<T, Refusal> {
    refuse(Reason::OutOfRange, field, format!("expected a known value, found {value}"))
}

/// The start of a peer's text, short enough to repeat in a message.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 64;
    format!("{:?}", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
}
