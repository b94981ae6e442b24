//! Solutions of a Gnosis Protocol v1 batch in the protocol's own form: prices by token, and of each executed order its
//! account, its number, and the amounts that execute.

use std::collections::BTreeMap;

use clearlane_core::auction::gpv1::{BatchSolution, BatchTrade};
use clearlane_core::names::{DenominationIndex, IntentIndex};
use clearlane_core::refusal::Reason;
use serde_json::{Map, Value, json};

use super::FormatError;
use super::gpv1::{Batch, OrderName};
use super::node::Node;

impl Batch {
    /// The text of a solution's file.
    #[must_use]
    pub fn write(&self, solution: &BatchSolution) -> String {
        json!({ "prices": self.prices_json(solution), "orders": self.trades_json(solution) }).to_string()
    }

    /// The price of an atom of each token that has one, by the token's name.
    #[must_use]
    pub fn prices_json(&self, solution: &BatchSolution) -> Value {
        let named = |(token, price): (&DenominationIndex, &u128)| {
            Some((self.input.tokens.get(token.at())?.to_string(), json!(price.to_string())))
        };
        Value::Object(solution.prices.iter().filter_map(named).collect::<Map<_, _>>())
    }

    fn trades_json(&self, solution: &BatchSolution) -> Value {
        let one = |trade: &BatchTrade| {
            let (order, name) = (self.input.orders.get(trade.order.at())?, self.names.get(trade.order.at())?);
            let token = |token: DenominationIndex| self.input.tokens.get(token.at()).map(ToString::to_string);
            Some(json!({
                "accountID": name.account,
                "orderID": name.number,
                "sellToken": token(order.give),
                "buyToken": token(order.get),
                "sellAmount": order.give_amount.to_string(),
                "buyAmount": order.get_amount.to_string(),
                "execSellAmount": trade.sold.to_string(),
                "execBuyAmount": trade.bought.to_string(),
            }))
        };
        solution.trades.iter().filter_map(one).collect()
    }

    /// Reads a solution; whether it is valid is not judged here. Orders of which nothing executes are passed over.
    ///
    /// # Errors
    ///
    /// Names the field that is missing, malformed, or refers to nothing in the batch.
    pub fn read_solution(&self, bytes: &[u8]) -> Result<BatchSolution, FormatError> {
        let file = Node::root(bytes)?.object()?;
        let tokens = (0_u32..).map(DenominationIndex);
        let tokens: BTreeMap<&str, DenominationIndex> =
            self.input.tokens.iter().map(clearlane_core::names::Name::as_str).zip(tokens).collect();
        let mut solution = BatchSolution::default();
        for (name, node) in file.need("prices")?.object()?.entries() {
            let Some(token) = tokens.get(name.as_str()) else {
                return Err(node.refused(Reason::UnknownAsset, "the price of a token of the batch"));
            };
            if node.written() != "null" {
                solution.prices.insert(*token, node.atoms()?);
            }
        }
        let orders = (0_u32..).map(IntentIndex);
        let orders: BTreeMap<&OrderName, IntentIndex> = self.names.iter().zip(orders).collect();
        for node in file.need("orders")?.list()? {
            let fields = node.object()?;
            let number = fields.need("orderID")?.integer()?;
            let name = OrderName { account: fields.need("accountID")?.text()?, number };
            let order = orders.get(&name).copied();
            let order = order.ok_or_else(|| node.refused(Reason::UnknownIntent, "an order of the batch"))?;
            let (sold, bought) = (fields.need("execSellAmount")?.atoms()?, fields.need("execBuyAmount")?.atoms()?);
            if sold > 0 || bought > 0 {
                solution.trades.push(BatchTrade { order, sold, bought });
            }
        }
        Ok(solution)
    }
}
