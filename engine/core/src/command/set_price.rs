//! Sets or clears a reference price. An auction in progress keeps the price it opened with.

use super::{Desk, SetPrice, Stop};
use crate::event::Accepted;
use crate::refusal::{Reason, Refusal};

pub(super) fn apply(desk: &mut Desk<'_>, set: &SetPrice) -> Result<Accepted, Stop> {
    let at = desk.state.assets.find(&set.asset);
    let asset = at.and_then(|at| desk.state.assets.get_mut(at));
    let unknown = || Refusal::new(Reason::UnknownAsset, "asset", format!("no asset is named {}", set.asset));
    asset.ok_or_else(unknown)?.price = set.price;
    Ok(Accepted::Done)
}
