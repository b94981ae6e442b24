//! Ticks: the prices at which the liquidity of a concentrated pool changes.
//!
//! Square roots of prices, in atoms of coin 1 per atom of coin 0, are in units of 2^-96. That of tick i is
//! sqrt(1.0001)^i, computed as Uniswap v3 does (`TickMath.getSqrtRatioAtTick`), so that states of such pools can be
//! taken over to the unit.

use crate::wide::{U256, wide};

/// Ticks are from minus this to this.
pub const TICK_MAX: i32 = 887_272;

/// 2^128 divided by sqrt(1.0001) to the power of 1, 2, 4, .. as Uniswap v3 has them.
const FACTORS: [u128; 20] = [
    0xfffc_b933_bd6f_ad37_aa2d_162d_1a59_4001,
    0xfff9_7272_373d_4132_59a4_6990_580e_213a,
    0xfff2_e50f_5f65_6932_ef12_357c_f3c7_fdcc,
    0xffe5_caca_7e10_e4e6_1c36_24ea_a094_1cd0,
    0xffcb_9843_d60f_6159_c9db_5883_5c92_6644,
    0xff97_3b41_fa98_c081_472e_6896_dfb2_54c0,
    0xff2e_a164_66c9_6a38_43ec_78b3_26b5_2861,
    0xfe5d_ee04_6a99_a2a8_11c4_61f1_969c_3053,
    0xfcbe_86c7_900a_88ae_dcff_c83b_479a_a3a4,
    0xf987_a725_3ac4_1317_6f2b_074c_f781_5e54,
    0xf339_2b08_22b7_0005_940c_7a39_8e4b_70f3,
    0xe715_9475_a2c2_9b74_43b2_9c7f_a6e8_89d9,
    0xd097_f3bd_fd20_22b8_845a_d8f7_92aa_5825,
    0xa9f7_4646_2d87_0fdf_8a65_dc1f_90e0_61e5,
    0x70d8_69a1_56d2_a1b8_90bb_3df6_2baf_32f7,
    0x31be_135f_97d0_8fd9_8123_1505_542f_cfa6,
    0x09aa_508b_5b7a_84e1_c677_de54_f3e9_9bc9,
    0x005d_6af8_dedb_8119_6699_c329_225e_e604,
    0x0000_2216_e584_f5fa_1ea9_2604_1bed_fe98,
    0x0000_0000_048a_1703_91f7_dc42_444e_8fa2,
];

/// A tick of a pool, with what follows from its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Which.
    pub index: i32,
    /// What the liquidity gains as the price rises through it, and loses as it falls.
    pub liquidity_net: i128,
    /// The square root of its price.
    pub(super) sqrt_price: U256,
    /// The liquidity above it, up to the next one.
    pub(super) liquidity: u128,
}

/// The square root of a tick's price, rounded up; `None` beyond [`TICK_MAX`].
#[must_use]
pub fn sqrt_price_at(tick: i32) -> Option<U256> {
    let size = tick.unsigned_abs();
    if size > TICK_MAX.unsigned_abs() {
        return None;
    }
    let mut ratio = U256::ONE.wrapping_shl(128);
    for (bit, factor) in (0_u32..).zip(FACTORS) {
        if size.wrapping_shr(bit) & 1 == 1 {
            ratio = ratio.checked_mul(wide(factor))?.wrapping_shr(128);
        }
    }
    if tick > 0 {
        ratio = U256::MAX.checked_div(ratio)?;
    }
    let floor = ratio.wrapping_shr(32);
    if floor.wrapping_shl(32) == ratio { Some(floor) } else { floor.checked_add(U256::ONE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_those_of_uniswap() {
        let cases = [
            (-887272, "4295128739"),
            (-200000, "3598751819609688046946419"),
            (-1, "79224201403219477170569942574"),
            (0, "79228162514264337593543950336"),
            (1, "79232123823359799118286999568"),
            (72355, "2951004640542154957745188068202"),
            (887272, "1461446703485210103287273052203988822378723970342"),
        ];
        for (tick, expected) in cases {
            assert_eq!(sqrt_price_at(tick).map(|price| price.to_string()), Some(expected.to_owned()), "{tick}");
        }
        assert_eq!((sqrt_price_at(TICK_MAX + 1), sqrt_price_at(i32::MIN)), (None, None));
    }
}
