//! Sets or clears a reference price. An auction in progress keeps the price it opened with.

use super::{Desk, SetPrice, Stop, refuse};
use crate::event::Accepted;
use crate::refusal::{Reason, Refusal};

pub(super) fn apply(desk: &mut Desk<'_>, set: &SetPrice) -> Result<Accepted, Stop> {
    let at = desk.state.assets.find(&set.asset);
    let asset = at.and_then(|at| desk.state.assets.get_mut(at));
    let unknown = || Refusal::new(Reason::UnknownAsset, "asset", format!("no asset is named {}", set.asset));
    let asset = asset.ok_or_else(unknown)?;
    if set.asset == desk.state.config.reference_asset && set.price != asset.price {
        let message = format!("expected 1, as scores are counted in {}", set.asset);
        refuse(Reason::OutOfRange, "price", message)?;
    }
    asset.price = set.price;
    Ok(Accepted::Done)
}
