//! The level that suits coins of which each is idle over a band, in logarithms.

use super::worth::Value;
use crate::venue::{FRACTION_BITS, least_with, log2};
use crate::wide::{U256, U512, resize};

/// Logarithms are taken of this many leading bits.
const HEAD_BITS: usize = 136;
/// Numbers are 2 to this times larger in logarithms, so that one divided by a weight is above one.
pub(super) const OFFSET_BITS: usize = 64;

/// Between which levels a coin is idle, as logarithms, and how much it weighs beyond them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) low: U512,
    pub(super) high: U512,
    pub(super) weight: U512,
}

/// The level at which what is above it and what is below it weigh the same; `None` without bands.
///
/// The difference is linear between the ends of bands.
pub(super) fn level_of(bands: &[Band]) -> Option<U512> {
    let mut ends: Vec<U512> = bands.iter().flat_map(|band| [band.low, band.high]).collect();
    ends.sort_unstable();
    let mut before: Option<(U512, U512)> = None;
    for end in ends {
        let (below, above) = distances(bands, end)?;
        let Some(short) = above.checked_sub(below) else {
            before = Some((end, below.checked_sub(above)?));
            continue;
        };
        let Some((start, far)) = before else { return Some(end) };
        let width = end.checked_sub(start)?;
        let part = width.checked_mul(far)?.checked_div(far.checked_add(short)?)?;
        return start.checked_add(part);
    }
    None
}

/// By how much a level is below the bands above it and above those below it, by weight.
fn distances(bands: &[Band], level: U512) -> Option<(U512, U512)> {
    bands.iter().try_fold((U512::ZERO, U512::ZERO), |(below, above), band| {
        let short = band.low.saturating_sub(level).checked_mul(band.weight)?;
        let beyond = level.saturating_sub(band.high).checked_mul(band.weight)?;
        Some((below.checked_add(short)?, above.checked_add(beyond)?))
    })
}

/// `log2(number / weight)` plus [`OFFSET_BITS`], at most its two logarithms' errors off and never above by the bits
/// that were dropped; `None` for zero.
pub(super) fn log_by_weight(number: Value, weight: u64) -> Option<U512> {
    let shift = number.bit_len().saturating_sub(HEAD_BITS);
    let head = log2(resize(number.wrapping_shr(shift))?)?;
    let whole = U512::from(shift.checked_add(OFFSET_BITS)?).checked_shl(FRACTION_BITS)?;
    whole.checked_add(resize(head)?)?.checked_sub(resize(log2(U256::from(weight))?)?)
}

/// A number whose logarithm plus [`OFFSET_BITS`] is at most this and an error, to [`HEAD_BITS`] less two bits.
pub(super) fn number_below(log: U512) -> Option<Value> {
    let whole = usize::try_from(log.wrapping_shr(FRACTION_BITS)).ok()?;
    let fraction = log.checked_sub(U512::from(whole).checked_shl(FRACTION_BITS)?)?;
    let bits = HEAD_BITS.checked_sub(2)?;
    let head = least_with(resize(fraction.checked_add(U512::from(bits).checked_shl(FRACTION_BITS)?)?)?)?;
    let head: Value = resize(head.checked_sub(U256::ONE)?)?;
    match whole.checked_sub(bits.checked_add(OFFSET_BITS)?) {
        Some(shift) => head.checked_shl(shift),
        None => Some(head.wrapping_shr(bits.checked_add(OFFSET_BITS)?.checked_sub(whole)?)),
    }
}
