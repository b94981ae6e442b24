//! Plain transfers: one option within one asset and module settles in its own record, in log order.

use super::movement::{check_funds, post};
use super::{Desk, Stop, refuse};
use crate::book::{BookIntent, BookOption};
use crate::event::{Accepted, End, Event, FillEvent, IntentChange, IntentEvent};
use crate::intent::{Intent, Kind};
use crate::ledger::{AccountKey, Owner};
use crate::names::ModuleIndex;
use crate::refusal::{Reason, Refusal};

/// The paying module and the option, if the intent is a plain transfer.
pub(super) fn as_plain(desk: &Desk<'_>, intent: &BookIntent) -> Option<(ModuleIndex, BookOption)> {
    let [option] = intent.options.as_slice() else { return None };
    let module = option.give_module.unwrap_or(option.get_module);
    let is_whole = option.maximum == option.full(intent.kind);
    let is_plain = intent.condition.is_empty()
        && option.give_asset == option.get_asset
        && module == option.get_module
        && is_whole
        && intent.valid_from <= desk.state.clock;
    is_plain.then_some((module, *option))
}

pub(super) fn apply(
    desk: &mut Desk<'_>,
    source: &Intent,
    intent: &BookIntent,
    (module, option): (ModuleIndex, BookOption),
) -> Result<Accepted, Stop> {
    let amount = option.full(intent.kind);
    if option.give_amount < option.get_amount {
        let message = format!("expected to get at most {} atoms, found {}", option.give_amount, option.get_amount);
        refuse(Reason::LimitImpossible, "options[0].get.amount", message)?;
    }
    let field = match intent.kind {
        Kind::ExactIn => "options[0].give.amount",
        Kind::ExactOut => "options[0].get.amount",
    };
    let asset = option.give_asset;
    let missing = || Refusal::new(Reason::UnknownAccount, "options[0].give", "the party has no such account");
    let debit = desk.state.party_account(desk.party, asset, module).ok_or_else(missing)?;
    check_funds(desk, debit, amount, field)?;
    let credit = desk.state.ledger.open(AccountKey { owner: Owner::Party(intent.payee), asset, module });
    tell(desk, IntentChange::Accepted(Box::new(source.clone())));
    post(desk, debit, credit, amount)?;
    let fill = FillEvent { auction: None, option: 0, sold: amount, bought: amount, surplus: 0, standing: None };
    tell(desk, IntentChange::Filled(fill));
    tell(desk, IntentChange::Ended(End::Settled));
    Ok(Accepted::Done)
}

fn tell(desk: &mut Desk<'_>, change: IntentChange) {
    let (party, id, time) = (desk.party, desk.id, desk.state.clock);
    desk.events.push(Event::Intent(IntentEvent { party, id, time, change }));
}
