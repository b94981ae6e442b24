//! Requests to CoW solver engines as auctions: what they hold, and what CoW's own baseline solver makes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clearlane_core::auction::{Fill, VenueUse, judge};
use clearlane_core::intent::Kind;
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Atoms;
use clearlane_core::names::{IntentIndex, VenueIndex};
use clearlane_core::price::Price;
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{Direction, Terms};
use clearlane_core::wide::{U256, wide};
use clearlane_solver::formats::{self, Auction};
use clearlane_solver::market::Market;
use clearlane_solver::offline::solve;
use clearlane_solver::strategy::{Direct, Joint, Netting, Strategy};
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var("CLEARLANE_DATA").ok().map(|folder| Path::new(&folder).join("cow"));
    if folder.is_none() {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds cow/7400681.solve.json");
    }
    folder
}

fn auction(path: &Path) -> Auction {
    let bytes = std::fs::read(path).expect("the file is there");
    formats::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("JSON")
}

/// Whether prices agree to the 53 bits of the floats in the older file and to one wei for 10^18 atoms.
fn is_close(scale: u8, one: Option<Price>, other: Option<Price>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    let in_places = |price: Price| {
        let power = U256::from(10_u8).pow(U256::from(40 - price.places()));
        wide::<256, 4>(price.mantissa()) * power
    };
    let wei = U256::from(10_u8).pow(U256::from(40 - 36 + scale));
    in_places(one).abs_diff(in_places(other)) <= (in_places(one) >> 52_usize) + wei
}

/// A pool of the captured auction with a coin that earns.
const RATED_POOL: &str = "0x6a9603e481fb8f2c09804ea9adab49a338855b90";

/// One whose rates the older schema writes so that they can't be held.
const UNRATED_POOL: &str = "0x81b7f92c7b7d9349b989b4982588761bfa1aa627";

#[test]
fn the_same_auction_reads_the_same_from_both_schemas() {
    let Some(folder) = folder() else { return };
    let older = auction(&folder.join("7400681_prod_mainnet.json")).market;
    let newer = auction(&folder.join("7400681.solve.json")).market;
    // The older schema writes prices as floats, and nothing else differs.
    for (one, other) in older.assets.iter().zip(&newer.assets) {
        assert_eq!((&one.name, one.scale), (&other.name, other.scale));
        assert!(is_close(one.scale, one.price, other.price), "{}: {:?} {:?}", one.name, one.price, other.price);
    }
    let fields = |refused: &[(String, clearlane_core::refusal::Refusal)]| {
        refused.iter().map(|(name, refusal)| (name.clone(), refusal.reason)).collect::<Vec<_>>()
    };
    assert_eq!(older.assets.len(), newer.assets.len());
    assert_eq!(fields(&older.refused_orders), fields(&newer.refused_orders));
    // The rates of one pool have no common unit that 128 bits could hold; the newer schema says their quotients.
    let mut newer = newer;
    let at = newer.venues.iter().position(|venue| venue.name.as_str() == UNRATED_POOL).expect("the pool is there");
    newer.venues.remove(at);
    let mut refused = fields(&older.refused_venues);
    refused.retain(|(name, _)| name != UNRATED_POOL);
    assert_eq!(refused.len() + 1, older.refused_venues.len());
    assert_eq!(refused, fields(&newer.refused_venues));
    let mut expected = Market { assets: newer.assets.clone(), refused_venues: newer.refused_venues.clone(), ..older };
    // One pool scales a coin by a rate: one file divides by it, the other multiplies by its inverse to 18 digits.
    let at = expected.venues.iter().position(|venue| venue.name.as_str() == RATED_POOL).expect("the pool is there");
    let scales = [&expected, &newer].map(|market| {
        let Terms::Stable(stable) = &market.venues[at].terms else { panic!("a stable pool") };
        stable.scale
    });
    let [divided, multiplied] = scales.map(|scale| {
        wide::<256, 4>(scale.as_slice()[0]) * U256::from(10_u8).pow(U256::from(18))
            / wide::<256, 4>(scale.as_slice()[1])
    });
    assert!(divided.abs_diff(multiplied) < U256::from(10_u8), "{divided} {multiplied}");
    expected.venues[at].terms = newer.venues[at].terms.clone();
    assert_eq!(newer, expected);
    assert_eq!((newer.orders.len(), newer.venues.len()), (527, 803));
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if !path.to_string_lossy().ends_with("_expected.json") && !path.ends_with("index.json") {
            found.push(path);
        }
    }
}

#[test]
fn every_fixture_is_read_whole() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder.join("solve-fixtures/auctions"), &mut paths);
    assert_eq!(paths.len(), 65);
    paths.push(folder.join("cow-backtester-fixtures/body_8339027_trimmed.json"));
    for path in paths {
        let market = auction(&path).market;
        let (found, name) = (json(&path), path.display());
        // One fixture gives two pools the same id: an answer that names it could mean either.
        let twice = usize::from(path.ends_with("buy_order_rounding_same_path.json"));
        assert_eq!(market.refused_venues.len(), twice, "{name}: {:?}", market.refused_venues);
        assert!(market.refused_orders.is_empty(), "{name}: {:?}", market.refused_orders);
        assert_eq!(market.orders.len(), found["orders"].as_array().expect("orders").len(), "{name}");
        assert_eq!(market.venues.len() + twice, found["liquidity"].as_array().map_or(0, Vec::len), "{name}");
    }
}

/// An amount that a solution states.
fn amount(value: &Value) -> Atoms {
    value.as_str().expect("text").parse().expect("an amount")
}

/// What CoW's baseline solver makes of one order, in an auction of that order alone.
struct Expected {
    auction: Auction,
    kind: Kind,
    /// With the fee that it expects to charge.
    gross: Fill,
    /// Without it.
    net: Fill,
    uses: Vec<VenueUse>,
}

/// An order is sold `executedAmount` at the solution's prices, what it gets rounded up; one that buys gives what the
/// prices say, rounded down. A fee comes on top of what is sold, and is left out here.
fn expected(auction: &Auction, solution: &Value) -> Expected {
    let trade = &solution["trades"][0];
    let uid = trade["order"].as_str().expect("text");
    let mut market = auction.market.clone();
    market.orders.retain(|order| order.name == uid);
    let order = market.orders.first().unwrap_or_else(|| panic!("{uid}: {:?}", auction.market.refused_orders)).clone();
    let option = order.options[0];
    let prices: BTreeMap<String, Atoms> = solution["prices"]
        .as_object()
        .expect("prices")
        .iter()
        .map(|(token, price)| (token.to_ascii_lowercase(), amount(price)))
        .collect();
    let price = |place: clearlane_core::names::DenominationIndex| prices[market.assets[place.at()].name.as_str()];
    let executed = wide::<256, 4>(amount(&trade["executedAmount"]));
    let (give, get) = (wide::<256, 4>(price(option.give)), wide::<256, 4>(price(option.get)));
    let (sold, bought) = match order.kind {
        Kind::ExactIn => (executed, (executed * give).div_ceil(get)),
        Kind::ExactOut => (executed * get / give, executed),
    };
    let net = Fill { intent: IntentIndex(0), option: 0, sold: sold.to(), bought: bought.to() };
    let gross = Fill { sold: net.sold + trade.get("fee").map_or(0, amount), ..net };
    let place = |name: &Value| {
        let name = name.as_str().expect("text").to_ascii_lowercase();
        market.assets.iter().position(|asset| asset.name.as_str() == name).expect("a token")
    };
    let use_of = |interaction: &Value| {
        let at = market.venues.iter().position(|venue| Some(venue.name.as_str()) == interaction["id"].as_str());
        let at = at.expect("liquidity of the auction");
        let coin = |token: &Value| {
            let coins = &market.venues[at].coins;
            let coin = coins.iter().position(|coin| coin.at() == place(token)).expect("a coin");
            u8::try_from(coin).expect("few")
        };
        VenueUse {
            venue: VenueIndex::from_at(at),
            direction: Direction { from: coin(&interaction["inputToken"]), into: coin(&interaction["outputToken"]) },
            amount_in: amount(&interaction["inputAmount"]),
            amount_out: amount(&interaction["outputAmount"]),
        }
    };
    let uses = solution["interactions"].as_array().expect("a list").iter().map(use_of).collect();
    let alone = Auction { input: market.to_input(auction.input.seed), market, batch: None };
    Expected { auction: alone, kind: order.kind, gross, net, uses }
}

/// `bought S - sold B`: what a fill of an order is above its limit.
fn surplus(auction: &Auction, fill: &Fill) -> U256 {
    let option = auction.market.orders[0].options[0];
    let gained = wide::<256, 4>(fill.bought) * wide::<256, 4>(option.give_amount);
    gained - wide::<256, 4>(fill.sold) * wide::<256, 4>(option.get_amount)
}

/// Gas is free here, and what CoW's solver charges for it is left out of its amounts, so that both are about the
/// same trade. An order that only trades whole gets at least as much for what it sells, or gives at most as much for
/// what it buys; one that trades in part gains at least as much over its limit, at a size of its own.
#[test]
fn every_order_is_served_at_least_as_well_as_by_the_baseline_solver() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("solve-fixtures/auctions/benchmark_rust");
    let strategies: [&dyn Strategy; 3] = [&Direct, &Netting, &Joint];
    let (mut fixtures, mut orders) = (0, 0);
    for fixture in json(&folder.join("index.json"))["fixtures"].as_array().expect("a list") {
        let name = fixture["input"].as_str().expect("a name");
        let auction = auction(&folder.join(name));
        let theirs = json(&folder.join(name.replace(".json", "_expected.json")));
        for solution in theirs["solutions"].as_array().expect("a list") {
            let Expected { auction, kind, gross, net, uses } = expected(&auction, solution);
            let judged = judge(&auction.input, &[gross], &uses);
            assert!(judged.is_ok(), "{name}: what CoW's solver does holds by the rules here, found {judged:?}");
            let solved = solve(&auction.input, &strategies, None, &Sequential);
            let mut ours = Fill { sold: 0, bought: 0, ..net };
            for fill in solved.clearing.executed.iter().flat_map(|executed| &executed.bundle.fills) {
                (ours.sold, ours.bought) = (ours.sold + fill.sold, ours.bought + fill.bought);
            }
            let context = format!("{name}: {ours:?} against {net:?}");
            if auction.market.orders[0].is_all_or_nothing {
                match kind {
                    Kind::ExactIn => assert!(ours.sold >= net.sold && ours.bought >= net.bought, "{context}"),
                    Kind::ExactOut => assert!(ours.bought == net.bought && ours.sold <= net.sold, "{context}"),
                }
            }
            assert!(surplus(&auction, &ours) >= surplus(&auction, &net), "{context}");
            orders += 1;
        }
        fixtures += 1;
    }
    assert_eq!((fixtures, orders), (17, 18));
}

const REQUEST: &str = r#"{"id":"7","effectiveGasPrice":"0x10","deadline":"2106-01-01T00:00:00.000Z",
"tokens":{"0xAA":{"decimals":18,"referencePrice":"1000000000000000000","availableBalance":"0","trusted":true},
"0xbb":{"decimals":6,"referencePrice":null,"availableBalance":"0","trusted":true},
"0xcc":{"decimals":24,"referencePrice":"1","availableBalance":"0","trusted":true},
"0xdd":{"decimals":8,"referencePrice":"154321000000000000000000000001","availableBalance":"0","trusted":true}},
"orders":[{"uid":"0x01","sellToken":"0xaa","buyToken":"0xBB","sellAmount":"1000","buyAmount":"990","kind":"sell",
"owner":"0x0E","partiallyFillable":false,"class":"limit","feePolicies":[{"kind":"volume","factor":0.01}]},
{"uid":"0x02","sellToken":"0xbb","buyToken":"0xee","sellAmount":"1000","buyAmount":"0x10","kind":"buy",
"owner":"0x0E","partiallyFillable":true,"class":"market"}],
"liquidity":[{"kind":"limitOrder","id":"0","makerToken":"0xbb","takerToken":"0xaa","makerAmount":"500",
"takerAmount":"400","takerTokenFeeAmount":"100","gasEstimate":"66358"},
{"kind":"constantProduct","id":"1","tokens":{"0xFF":{"balance":"5000"},"0xee":{"balance":"6000"}},"fee":"0.003"}]}"#;

#[test]
fn a_request_is_read_by_its_meaning() {
    let (auction, terms) = formats::read_cow_request(REQUEST.as_bytes()).expect("a request");
    let market = &auction.market;
    let assets: Vec<_> = market.assets.iter().map(|asset| (asset.name.as_str(), asset.price)).collect();
    let price = |text: &str| Price::parse(text);
    let expected = [
        ("0xaa", price("1")),
        ("0xbb", None),
        ("0xdd", price("15.43210000000000000000000000")),
        ("0xee", None),
        ("0xff", None),
    ];
    assert_eq!(assets, expected, "addresses are lower case, unlisted tokens have no price, digits beyond 28 go");
    assert_eq!((market.refused_assets[0].0.as_str(), market.refused_assets[0].1.reason), ("0xcc", Reason::OutOfRange));
    let options: Vec<_> = market.orders.iter().map(|order| order.options[0]).collect();
    assert_eq!((options[0].give_amount, options[0].get_amount), (1000, 1000), "the fee on the volume comes on top");
    assert_eq!((market.orders[1].kind, options[1].give_amount, options[1].get_amount), (Kind::ExactOut, 1000, 16));
    assert_eq!(market.balances().into_values().collect::<Vec<_>>(), [1000, 1000]);
    let ladder = &market.venues[0];
    assert_eq!(ladder.terms.out_for(&auction.input.venues[0].opening, Direction::FORWARD, 250), Some(250));
    assert_eq!(
        (terms.has_solver_fee, terms.gas, terms.gas_price),
        (vec![true, false], vec![66_358, 0], U256::from(16))
    );
}

#[test]
fn what_a_request_asks_too_much_is_refused_by_name() {
    let cases = [
        ("\"class\":\"limit\"", "\"class\":\"liquidity\"", "NOT_SUPPORTED", "class"),
        (
            "\"class\":\"limit\"",
            "\"class\":\"limit\",\"wrappers\":[{\"address\":\"0x0\"}]",
            "NOT_SUPPORTED",
            "wrappers",
        ),
        ("0.01}", "1}", "NOT_SUPPORTED", "orders[0].feePolicies[0].factor"),
        ("\"0xaa\",\"buyToken\":\"0xBB\"", "\"0xaa\",\"buyToken\":\"0xAA\"", "NOT_SUPPORTED", "buyToken"),
        ("\"0xaa\",\"buyToken\":\"0xBB\"", "\"0xcc\",\"buyToken\":\"0xAA\"", "UNKNOWN_ASSET", "sellToken"),
        ("\"sellAmount\":\"1000\"", "\"sellAmount\":\"-1\"", "AMOUNT_NEGATIVE", "orders[0].sellAmount"),
        (
            "\"sellAmount\":\"1000\"",
            "\"sellAmount\":\"0x1000000000000000000000000000000\"",
            "AMOUNT_TOO_LARGE",
            "sellAmount",
        ),
    ];
    for (valid, broken, code, field) in cases {
        let text = REQUEST.replacen(valid, broken, 1);
        let market = formats::read(text.as_bytes()).unwrap_or_else(|error| panic!("{broken}: {error}")).market;
        let (name, refusal) = market.refused_orders.first().unwrap_or_else(|| panic!("{broken}"));
        assert_eq!((name.as_str(), refusal.reason.code(), refusal.field.as_str()), ("0x01", code, field));
    }
    let market = formats::read(REQUEST.replacen("limitOrder", "curve", 1).as_bytes()).expect("the rest").market;
    assert_eq!(market.refused_venues[0].1.field, "kind");
    let error =
        formats::read(REQUEST.replacen("\"kind\":\"sell\"", "\"kind\":\"swap\"", 1).as_bytes()).expect_err("a kind");
    assert!(error.to_string().starts_with("orders[0].kind: "), "{error}");
    (0..REQUEST.len()).for_each(|end| assert!(formats::read(&REQUEST.as_bytes()[..end]).is_err()));
}
