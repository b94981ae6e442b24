//! Both directions against each other, and engines that misbehave.

use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Clearing, Solution, clear, verify, with_floors};
use clearlane_core::lanes::Sequential;
use clearlane_core::names::SolverId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::question::Question;
use super::reply::Reply;
use super::{ServeOptions, ViaCow, answer, serve};
use crate::formats;
use crate::strategy::{Budget, Joint, Strategy as _};

const OPPOSING: &str = include_str!("../../../docs/examples/opposing.json");
const AUCTION: &str = include_str!("../../../docs/examples/auction.json");

/// One of each kind of venue that the format carries, and two that it does not.
const VENUES: &str = r#"{"schema":"auction-instance/2","id":"venues","surplus_cap_ppm":500000,
"assets":[{"id":"EUR","decimals":2,"ref_price":"1"},{"id":"USD","decimals":4,"ref_price":"0.9"},{"id":"XAU","decimals":18}],
"intents":[{"id":"a","kind":"exact_in","fill":"partial","choose":"split","options":[
{"sell_asset":"EUR","sell_amount":"100000","buy_asset":"USD","buy_amount":"9000000"}]},
{"id":"b","kind":"exact_out","fill":"fill_or_kill","choose":"split","options":[
{"sell_asset":"USD","sell_amount":"1300000","buy_asset":"EUR","buy_amount":"10000"}]},
{"id":"c","kind":"exact_in","fill":"partial","choose":"one","options":[
{"sell_asset":"EUR","sell_amount":"100","buy_asset":"USD","buy_amount":"900000"},
{"sell_asset":"USD","sell_amount":"100","buy_asset":"EUR","buy_amount":"90"}]}],
"liquidity":[
{"id":"cp","type":"constant_product","assets":["EUR","USD"],"reserves":["1000000","110000000"],"fee_ppm":3000},
{"id":"w","type":"weighted","assets":["EUR","USD"],"reserves":["3000000","100000000"],"fee_ppm":3000,"weights":[3,1]},
{"id":"s","type":"stable","assets":["EUR","USD"],"reserves":["1000000","110000000"],"fee_ppm":400,"ann":400,
"scale":["100","1"],"d":"210000000"},
{"id":"l","type":"ladder","asset_in":"EUR","asset_out":"USD","levels":[{"in":"5000","out":"560000"}]},
{"id":"l2","type":"ladder","asset_in":"EUR","asset_out":"USD","levels":[{"in":"5000","out":"560000"},{"in":"5000","out":"550000"}]},
{"id":"r","type":"rail","asset_in":"EUR","asset_out":"XAU","fixed_fee":"1","fee_ppm":0,"rate_num":"1","rate_den":"2","min_in":"2","max_in":"100"}]}"#;

fn input(text: &str) -> AuctionInput {
    let input = formats::read(text.as_bytes()).expect("an auction").input;
    with_floors(&AuctionInput { rules: clearlane_core::auction::RuleSet::Floor, ..input })
}

fn asked(input: &AuctionInput) -> Question {
    Question::of(input, std::time::SystemTime::now() + Duration::from_secs(3600))
}

/// What this crate's own engine answers.
fn replied(question: &Question) -> Value {
    let (auction, terms) = formats::read_cow_request(question.json.to_string().as_bytes()).expect("a request");
    assert!(auction.market.refused_venues.is_empty(), "{:?}", auction.market.refused_venues);
    assert_eq!(auction.market.orders.len(), question.orders.len(), "{:?}", auction.market.refused_orders);
    answer(&auction, &terms, &Joint, &Budget::unlimited()).json
}

fn cleared(input: &AuctionInput, reply: Reply) -> Clearing {
    let solution = Solution { solver: SolverId(1), auction: input.auction, bundles: reply.bundles, prices: None };
    clear(input, &[solution], &Sequential)
}

#[test]
fn what_is_asked_and_answered_holds_where_it_came_from() {
    for (text, left_out) in [(OPPOSING, (0, 0)), (VENUES, (1, 2)), (AUCTION, (0, 0))] {
        let input = input(text);
        let question = asked(&input);
        let reply = Reply::read(&input, &question, replied(&question).to_string().as_bytes()).expect("an answer");
        assert_eq!(reply.refused, [], "{text}");
        assert!(!reply.bundles.is_empty(), "{text}");
        for bundle in &reply.bundles {
            verify(&input, bundle).expect("a valid bundle");
        }
        assert_eq!(question.left_out, left_out, "{text}");
        let cleared = cleared(&input, reply);
        assert!(cleared.score >= cleared.floor_score);
    }
}

/// The largest auction that a build without optimisation answers in reasonable time.
const DEBUG_INTENTS_MAX: usize = 200;

#[test]
fn public_auctions_survive_the_way_there_and_back() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/public");
        return;
    };
    let (mut auctions, mut bundles) = (0, 0);
    for entry in std::fs::read_dir(format!("{folder}/auctions/public")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("the file is there");
        let auction = formats::read(text.as_bytes()).expect("an auction");
        if auction.input.intents.len() > DEBUG_INTENTS_MAX {
            continue;
        }
        let input = input(&text);
        let question = asked(&input);
        let reply = Reply::read(&input, &question, replied(&question).to_string().as_bytes()).expect("an answer");
        assert_eq!(reply.refused, [], "{}", path.display());
        bundles += reply.bundles.len();
        auctions += 1;
        let cleared = cleared(&input, reply);
        assert!(cleared.score >= cleared.floor_score, "{}", path.display());
    }
    assert!(auctions >= 4 && bundles >= 4, "{auctions} {bundles}");
}

#[test]
fn opposing_intents_win_by_what_an_engine_answers() {
    let input = input(OPPOSING);
    let question = asked(&input);
    let reply = Reply::read(&input, &question, replied(&question).to_string().as_bytes()).expect("an answer");
    let cleared = cleared(&input, reply);
    assert!(cleared.score > cleared.floor_score, "{} {}", cleared.score, cleared.floor_score);
    assert!(cleared.executed.iter().any(|executed| executed.solver == SolverId(1)), "{:?}", cleared.verdicts);
}

#[test]
fn what_can_not_be_represented_is_refused_by_name() {
    let input = input(OPPOSING);
    let question = asked(&input);
    let whole = replied(&question);
    let edits: [(&str, Value, &str, &str); 11] = [
        ("/trades/0/kind", json!("jit"), "NOT_SUPPORTED", "trades.kind"),
        ("/trades/0/order", json!("0x00"), "UNKNOWN_INTENT", "trades.order"),
        ("/trades/0/fee", json!("1"), "NOT_SUPPORTED", "trades.fee"),
        ("/trades/0/executedAmount", json!(5), "AMOUNT_MALFORMED", "executedAmount"),
        ("/trades/0/executedAmount", json!("9".repeat(40)), "AMOUNT_TOO_LARGE", "executedAmount"),
        ("/trades/0/executedAmount", json!("100001"), "OVER_FILLED", "intents[0]"),
        ("/prices", json!({}), "MISSING", "prices"),
        ("/preInteractions", json!([{}]), "NOT_SUPPORTED", "preInteractions"),
        ("/interactions", json!([{ "kind": "custom" }]), "NOT_SUPPORTED", "interactions.kind"),
        ("/interactions", json!([{ "kind": "liquidity", "id": "99" }]), "UNKNOWN_VENUE", "interactions.id"),
        ("/interactions", json!(null), "MALFORMED", "interactions"),
    ];
    for (pointer, value, code, field) in edits {
        let mut answer = whole.clone();
        *answer["solutions"][0].pointer_mut(pointer).expect("a field") = value;
        let reply = Reply::read(&input, &question, answer.to_string().as_bytes()).expect("an answer");
        let found: Vec<_> = reply
            .refused
            .iter()
            .map(|(name, refusal)| (name.as_str(), refusal.reason.code(), refusal.field.as_str()))
            .collect();
        assert_eq!(found, [("0", code, field)], "{pointer}");
    }
    for (answer, field) in [("[]", "solutions"), ("{\"error\":{\"code\":\"other\"}}", "error"), ("{", "answer")] {
        let refusal = Reply::read(&input, &question, answer.as_bytes()).expect_err(field);
        assert_eq!(refusal.field, field);
    }
}

#[test]
fn addresses_of_engines() {
    for (url, is_one) in [
        ("http://127.0.0.1:8080", true),
        ("http://solver/mainnet/", true),
        ("https://127.0.0.1:8080", false),
        ("127.0.0.1:8080", false),
        ("http://a?b=c", false),
        ("", false),
    ] {
        assert_eq!(ViaCow::new(url).is_ok(), is_one, "{url}");
    }
}

/// Serves every connection one way until the test is over.
fn engine(say: &'static [u8], is_endless: bool) -> (tokio::runtime::Runtime, ViaCow) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0_u8; 4096];
            let _ = stream.read(&mut request).await;
            let mut is_open = stream.write_all(say).await.is_ok();
            while is_endless && is_open {
                is_open = stream.write_all(b"10000\r\n").await.is_ok()
                    && stream.write_all(&[b' '; 0x10000]).await.is_ok()
                    && stream.write_all(b"\r\n").await.is_ok();
            }
            if say.is_empty() {
                // Until the other side goes.
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
            }
        }
    });
    (runtime, ViaCow::new(&format!("http://{address}")).expect("an address"))
}

#[test]
fn engines_that_misbehave_cost_no_more_than_their_bids() {
    let input = input(OPPOSING);
    let cases: [(&str, &'static [u8], bool); 5] = [
        ("silent", b"", false),
        ("gone", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", false),
        ("failing", b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\n{}", false),
        ("wrong", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull", false),
        ("endless", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", true),
    ];
    for (name, say, is_endless) in cases {
        let (_runtime, via) = engine(say, is_endless);
        // The silent one is waited for as long as there is, the others are given all they need.
        let wait = if name == "silent" { Duration::from_millis(200) } else { Duration::from_secs(60) };
        let ends_at = Instant::now() + wait;
        let is_spent = || Instant::now() >= ends_at;
        let proposal = via.solve(&input, &Budget::new(&is_spent).ending_at(ends_at));
        assert_eq!(proposal.bundles, [], "{name}");
    }
    let nobody = ViaCow::new("http://127.0.0.1:1").expect("an address");
    assert_eq!(nobody.solve(&input, &Budget::unlimited()).bundles, []);
}

/// Sends a request and reads all of the answer.
async fn exchange(address: std::net::SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!("{head} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("a head");
    // One that refuses may close before it has read all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn requests_are_answered_or_refused_by_their_status() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let options = ServeOptions { strategy: "joint".to_owned(), budget: Some(Duration::from_secs(60)) };
    let serving = tokio::spawn(serve(listener, options, stopped));
    let question = asked(&input(OPPOSING)).json;
    let mut late = question.clone();
    late["deadline"] = json!("2020-01-01T00:00:00Z");
    let mut endless_zone = question.clone();
    endless_zone["deadline"] = json!("2106-01-01T00:00:00+9999999999999999:00");
    let [question, late, endless_zone] = [question, late, endless_zone].map(|request| request.to_string());
    let endless = vec![b' '; (10 << 20) + 1];
    let cases: [(&str, &[u8], &str, &str); 9] = [
        ("POST /solve", question.as_bytes(), "200", "\"kind\":\"fulfillment\""),
        ("POST /solve", late.as_bytes(), "200", "{\"solutions\":[]}"),
        ("POST /solve", endless_zone.as_bytes(), "400", "deadline: expected a moment"),
        ("POST /solve", b"{}", "400", "tokens: expected a value"),
        ("POST /solve", &endless, "413", ""),
        ("POST /notify", b"{\"kind\":\"success\"}", "200", "{}"),
        ("GET /healthz", b"", "200", "ok"),
        ("GET /solve", b"", "405", "POST /solve"),
        ("GET /metrics", b"", "404", "expected /solve"),
    ];
    for (head, body, status, part) in cases {
        let answer = exchange(address, head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(part), "{head}: {answer}");
    }
    stop.send_replace(true);
    serving.await.expect("no panic").expect("it stops");
    let unknown = ServeOptions { strategy: "oracle".to_owned(), budget: None };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let failed = serve(listener, unknown, tokio::sync::watch::channel(false).1).await;
    assert!(failed.expect_err("no such strategy").to_string().contains("oracle"));
}
