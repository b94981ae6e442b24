//! Logarithms to base 2 in integers, for weights whose ratio has no small terms.
//!
//! Numbers are in units of 2^-176. The logarithm of an integer x of at most 136 bits is k + log2 m with m in [1, 2):
//! a constant for the sixteenth c at or below m, then `2 / ln 2 * (z + z^3/3 + .. + z^35/35)` with
//! `z = (m - c) / (m + c) < 1/32`. Each operation is rounded down once, so the result is within [`ERROR`] of the
//! logarithm. Neighbouring integers differ by more than 2^40 units, so [`log2`] rises strictly.

use crate::wide::{U256, resize};
use ruint::Uint;

/// Wide enough for products of two numbers in [1, 4).
pub(crate) type U384 = Uint<384, 6>;

/// Binary digits after the point.
pub(crate) const FRACTION_BITS: usize = 176;
/// Integers have at most this many bits.
const INTEGER_BITS: usize = 136;
/// The most by which a result here differs from the true one, in units; a count of roundings gives ten.
pub(crate) const ERROR: u64 = 64;
/// Powers of z taken: z^2 is below 2^-10, so what is left out is below 2^-180.
const LOG_TERMS: u64 = 18;
/// Powers of the exponent taken: it is below 0.0434, so what is left out is below 2^-180.
const EXP_TERMS: u64 = 25;

const ONE: U384 = U384::from_limbs([0, 0, 1 << 48, 0, 0, 0]);
/// 2 / ln 2.
const TWO_BY_LN_2: U384 =
    U384::from_limbs([0xfa23_ad5d_eaa3_75a5, 0xc2ee_fa1f_fb41_a474, 0x0002_e2a8_eca5_705f, 0, 0, 0]);
/// ln 2.
const LN_2: U384 = U384::from_limbs([0xf6af_40f3_4326_7298, 0x79ab_c9e3_b398_03f2, 0x0000_b172_17f7_d1cf, 0, 0, 0]);

/// log2 of 1, 17/16, .. 31/16.
const LOGS: [U384; 16] = [
    U384::from_limbs([0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0, 0, 0]),
    U384::from_limbs([0x5ac3_ca50_7cfa_b1d2, 0x167c_cc53_8261_4457, 0x0000_1663_f6fa_c913, 0, 0, 0]),
    U384::from_limbs([0x5ba2_49e7_cd47_44b3, 0x0f3f_4016_2414_0d17, 0x0000_2b80_3473_f7ad, 0, 0, 0]),
    U384::from_limbs([0x6be4_99ea_ddb5_a952, 0x1447_51b3_314f_09de, 0x0000_3f78_2d72_04d0, 0, 0, 0]),
    U384::from_limbs([0x6d33_65b1_57f8_dece, 0x2bf9_24af_dbfd_36bf, 0x0000_5269_e12f_346e, 0, 0, 0]),
    U384::from_limbs([0x5618_5dba_8beb_a3cb, 0x22d2_cad4_15ae_1a71, 0x0000_646e_ea24_7c5c, 0, 0, 0]),
    U384::from_limbs([0xd6bf_3e73_0bb7_410e, 0x3bf8_faf8_6641_5554, 0x0000_759d_4f80_cba8, 0, 0, 0]),
    U384::from_limbs([0x0aa8_3f28_69dd_6be1, 0x32c4_12ba_94db_12ef, 0x0000_8608_2806_b1d5, 0, 0, 0]),
    U384::from_limbs([0xadd1_24f3_e6a3_a259, 0x879f_a00b_120a_068b, 0x0000_95c0_1a39_fbd6, 0, 0, 0]),
    U384::from_limbs([0xda66_cb62_aff1_bd9d, 0x57f2_495f_b7fa_6d7e, 0x0000_a4d3_c25e_68dc, 0, 0, 0]),
    U384::from_limbs([0x511e_1cf4_83d2_9006, 0x5e69_76da_1c87_2983, 0x0000_b350_0472_3c46, 0, 0, 0]),
    U384::from_limbs([0x0973_6edb_b3ea_e70d, 0x96de_e021_361e_13a3, 0x0000_c140_4ead_f383, 0, 0, 0]),
    U384::from_limbs([0xa847_38c6_a548_0171, 0x9b33_2ac9_03a4_13e5, 0x0000_ceae_cfea_8085, 0, 0, 0]),
    U384::from_limbs([0x671f_05d8_4c6e_2ead, 0xd25a_5b8a_19b1_c637, 0x0000_dba4_a47a_a996, 0, 0, 0]),
    U384::from_limbs([0x1b04_8aa5_3e9c_8128, 0xb398_c4ba_ee07_3d4b, 0x0000_e829_fb69_3044, 0, 0, 0]),
    U384::from_limbs([0x1454_06c1_f1d2_6c71, 0x9551_0d1e_3f80_fbc7, 0x0000_f446_359b_1353, 0, 0, 0]),
];

/// 2 to the power of 0, 1/16, .. 15/16.
const POWERS: [U384; 16] = [
    U384::from_limbs([0x0000_0000_0000_0000, 0x0000_0000_0000_0000, 0x0001_0000_0000_0000, 0, 0, 0]),
    U384::from_limbs([0x8364_2914_08b3_ceb0, 0xf629_8b92_b718_42a9, 0x0001_0b55_86cf_9890, 0, 0, 0]),
    U384::from_limbs([0x7920_3550_9ff7_d758, 0xadcd_f7c8_c50e_b14a, 0x0001_172b_83c7_d517, 0, 0, 0]),
    U384::from_limbs([0x93b0_3285_6690_2df6, 0x866c_1fad_b1c1_5cb5, 0x0001_2387_a6e7_5623, 0, 0, 0]),
    U384::from_limbs([0xedec_bc27_3436_29f5, 0x52de_8d5a_4630_5c85, 0x0001_306f_e0a3_1b71, 0, 0, 0]),
    U384::from_limbs([0xfba2_cb82_b824_4267, 0x235b_4122_3e13_d773, 0x0001_3dea_64c1_2342, 0, 0, 0]),
    U384::from_limbs([0xe036_3ba2_e159_c579, 0x71d4_397a_fec4_2e20, 0x0001_4bfd_ad53_62a2, 0, 0, 0]),
    U384::from_limbs([0x5d88_d7c8_1280_e069, 0x958c_9301_5191_eb34, 0x0001_5ab0_7dd4_8542, 0, 0, 0]),
    U384::from_limbs([0x7d3e_3ade_c175_1277, 0xc908_b2fb_1366_ea95, 0x0001_6a09_e667_f3bc, 0, 0, 0]),
    U384::from_limbs([0x5ef4_2b66_9779_6053, 0x6d7d_5102_3f6c_da1f, 0x0001_7a11_473e_b018, 0, 0, 0]),
    U384::from_limbs([0x3e6e_d61f_2733_304a, 0xb5ba_7c55_a192_c9bb, 0x0001_8ace_5422_aa0d, 0, 0, 0]),
    U384::from_limbs([0x8dda_de50_c217_186c, 0x01c7_c46b_071f_2be5, 0x0001_9c49_182a_3f09, 0, 0, 0]),
    U384::from_limbs([0x7fbc_3ae6_75ea_440b, 0xd5e8_734d_1773_205a, 0x0001_ae89_f995_ad3a, 0, 0, 0]),
    U384::from_limbs([0x6794_4496_4a36_6612, 0xc222_0cb1_2a09_1ba6, 0x0001_c199_bdd8_5529, 0, 0, 0]),
    U384::from_limbs([0xa9f5_89f5_59c0_876f, 0x725d_a05a_eb66_e0dc, 0x0001_d581_8dcf_ba48, 0, 0, 0]),
    U384::from_limbs([0x1f86_dea2_0610_ceee, 0x9858_f73a_18f5_db30, 0x0001_ea4a_fa2a_490d, 0, 0, 0]),
];

/// The logarithm of an integer; `None` for zero and beyond 136 bits.
pub(crate) fn log2(integer: U256) -> Option<U384> {
    let bits = integer.bit_len();
    if bits == 0 || bits > INTEGER_BITS {
        return None;
    }
    let whole = bits.checked_sub(1)?;
    let mantissa = resize::<256, 4, 384, 6>(integer)?.wrapping_shl(FRACTION_BITS.checked_sub(whole)?);
    let (sixteenth, above) = split(mantissa.checked_sub(ONE)?)?;
    let base = mantissa.checked_sub(above)?;
    let z = above.wrapping_shl(FRACTION_BITS).checked_div(mantissa.checked_add(base)?)?;
    let square = product(z, z);
    let mut sum = U384::ZERO;
    for term in (0..LOG_TERMS).rev() {
        let odd = U384::from(term.checked_mul(2)?.checked_add(1)?);
        sum = product(sum, square).checked_add(ONE.checked_div(odd)?)?;
    }
    let fraction = product(product(sum, z), TWO_BY_LN_2).checked_add(*LOGS.get(sixteenth)?)?;
    U384::from(whole).wrapping_shl(FRACTION_BITS).checked_add(fraction)
}

/// The least integer whose [`log2`] is at least this; `None` beyond 136 bits.
pub(crate) fn least_with(logarithm: U384) -> Option<U256> {
    let whole = usize::try_from(logarithm.wrapping_shr(FRACTION_BITS)).ok().filter(|whole| *whole < INTEGER_BITS)?;
    let power = power_of(logarithm.wrapping_shl(208).wrapping_shr(208))?;
    let shift = FRACTION_BITS.checked_sub(whole)?;
    let slack = U384::from(ERROR);
    let below = power.checked_sub(slack)?.wrapping_shr(shift);
    let above = power.checked_add(slack)?.wrapping_shr(shift);
    let mut least = resize::<384, 6, 256, 4>(below)?.max(U256::ONE);
    if below == above && !below.is_zero() {
        return least.checked_add(U256::ONE);
    }
    // The power is an integer up to what rounding hides: only the logarithm itself decides.
    while log2(least)? < logarithm {
        least = least.checked_add(U256::ONE)?;
    }
    Some(least)
}

/// 2 to the power of a fraction, in [1, 2): that of the sixteenth at or below it, times the series of `e^x`.
fn power_of(fraction: U384) -> Option<U384> {
    let (sixteenth, above) = split(fraction)?;
    let exponent = product(above, LN_2);
    let mut sum = ONE;
    for term in (1..EXP_TERMS).rev() {
        sum = product(sum, exponent).checked_div(U384::from(term))?.checked_add(ONE)?;
    }
    Some(product(sum, *POWERS.get(sixteenth)?))
}

/// Of a fraction below one, the number of whole sixteenths and the rest.
fn split(fraction: U384) -> Option<(usize, U384)> {
    let shift = FRACTION_BITS.checked_sub(4)?;
    let sixteenths = fraction.wrapping_shr(shift);
    let rest = fraction.checked_sub(sixteenths.wrapping_shl(shift))?;
    Some((usize::try_from(sixteenths).ok()?, rest))
}

/// The product of two numbers below four, rounded down.
fn product(first: U384, second: U384) -> U384 {
    first.wrapping_mul(second).wrapping_shr(FRACTION_BITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Integer, and its logarithm as 100 digits give it, rounded down: whole and upper bits, lower 128 bits.
    const CASES: &[(u128, u128, u128)] = &[
        (1, 0, 0),
        (2, 281474976710656, 0),
        (3, 446127282977750, 180274600694099902704927360804333003353),
        (7, 790200161304709, 206296014273638068071708936484250190193),
        (10, 935039633142894, 58450429836284059992986147206867771086),
        (1000000, 5610237798857365, 10420212096765896494542275809438415064),
        (18446744073709551617, 18014398509481984, 7490900928631539394120221453678114),
        (12345678901234567890123, 20656442059863715, 3146327554498914751206512607225345946),
        (170141183460469231731687303715884118073, 35747322042253312, 10026178234429209055),
    ];

    #[test]
    fn logarithms_lie_within_the_error_of_the_true_ones() {
        for (integer, upper, lower) in CASES {
            let expected = (U384::from(*upper) << 128) | U384::from(*lower);
            let found = log2(U256::from(*integer)).expect("in range");
            assert!(found.abs_diff(expected) <= U384::from(16_u8), "{integer}: {found} {expected}");
        }
        assert_eq!((log2(U256::ZERO), log2(U256::ONE)), (None, Some(U384::ZERO)));
        let largest = (U256::ONE << INTEGER_BITS) - U256::ONE;
        assert!(log2(largest).is_some() && log2(largest + U256::ONE).is_none());
        assert_eq!(least_with(U384::from(INTEGER_BITS) << FRACTION_BITS), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_least_integer_with_a_logarithm_is_found(
            noise in any::<[u64; 3]>(), bits in 1_usize..INTEGER_BITS, away in 0_u64..3,
        ) {
            let integer = (U256::from_limbs([noise[0], noise[1], noise[2], 0]) >> (192 - bits)) | (U256::ONE << (bits - 1));
            let logarithm = log2(integer).unwrap();
            prop_assert_eq!(least_with(logarithm), Some(integer));
            if away > 0 {
                prop_assert_eq!(least_with(logarithm + U384::from(away)), Some(integer + U256::ONE));
            }
            if integer > U256::ONE {
                prop_assert_eq!(least_with(logarithm - U384::from(away)), Some(integer));
                prop_assert!(log2(integer - U256::ONE).unwrap() < logarithm);
            }
            // The logarithm of a square is twice the logarithm: a check that knows no series.
            let half = integer >> (bits / 2);
            let (double, square) = (log2(half).unwrap() << 1_usize, log2(half * half).unwrap());
            prop_assert!(double.abs_diff(square) <= U384::from(32_u8));
        }
    }
}
