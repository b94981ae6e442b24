//! An engine with a market that solvers can serve, sessions of theirs, and streams that say anything.

use clearlane_client::envelope::envelope_of;
use clearlane_client::{Client, KeyPair};
use clearlane_core::auction::{AuctionInput, AuctionIntent, Bundle, Fill, verify};
use clearlane_core::money::Score;
use clearlane_core::names::IntentIndex;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::engine_message::Message as Heard;
use clearlane_proto::wire::solver_message::Message as Said;
use clearlane_proto::wire::solver_service_client::SolverServiceClient;
use clearlane_proto::{auction, wire};
use clearlane_solver::session::{Memory, Session, SessionOptions};
use clearlane_solver::strategy::Proposal;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use crate::harness::{Process, admin_key, all_done, id, now, payment, set_up, side, signed};

/// Bidding that solvers of a debug build keep easily, and settling that outlasts everything.
pub(crate) const FLAGS: [&str; 6] = ["--auction-every-ms", "50", "--bidding-ms", "400", "--settling-ms", "30000"];

/// What a raw stream holds of what it has not read: some hundred small messages.
const WINDOW_BYTES: u32 = 16_384;

/// The key of the solver of this number.
pub(crate) fn solver_key(number: u8) -> KeyPair {
    KeyPair::from_seed([100 + number; 32])
}

/// Sets up the market and so many solvers, `solver-0` first.
pub(crate) async fn set_up_arena(client: &Client, solvers: u8) {
    set_up(client).await;
    let price = wire::SetPrice { asset: "USD".to_owned(), price: "0.9".to_owned() };
    let mut actions = vec![Action::SetPrice(price)];
    for number in 0..solvers {
        let party = format!("solver-{number}");
        let (key, role) = (solver_key(number).public().to_vec(), wire::Role::Solver.into());
        actions.push(Action::DefineParty(wire::DefineParty { name: party.clone() }));
        actions.push(Action::AddKey(wire::AddKey { party, key, role }));
    }
    let signed = envelope_of(&admin_key(), "admin", actions, now(client).await).expect("randomness");
    all_done(&client.apply(signed).await.expect("definitions"));
}

/// Alice books a swap.
pub(crate) async fn swap(client: &Client, give: (&str, &str), get: (&str, &str)) -> [u8; 16] {
    let millis = now(client).await;
    let option = wire::Option { give: Some(side(give.0, give.1)), get: Some(side(get.0, get.1)), maximum: None };
    let swap = wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) };
    let booked = id(millis);
    client.submit(signed(booked, swap)).await.expect("a booked intent");
    booked
}

/// Books two swaps that fill each other, with something to share.
pub(crate) async fn opposing_swaps(client: &Client) {
    swap(client, ("EUR", "9.00"), ("USD", "9.50")).await;
    swap(client, ("USD", "10.00"), ("EUR", "8.50")).await;
}

fn options(engine: &Process, number: u8) -> SessionOptions {
    let (key, strategy) = (solver_key(number).seed(), format!("test {number}"));
    SessionOptions { engine: engine.address.clone(), key, strategy }
}

/// A solver's session.
pub(crate) async fn session(engine: &Process, number: u8) -> Session {
    resumed(engine, number, Memory::default()).await
}

/// The same after another one.
pub(crate) async fn resumed(engine: &Process, number: u8, memory: Memory) -> Session {
    Session::resume(&options(engine, number), memory).await.expect("a session")
}

/// The intents that give this asset, by place.
pub(crate) fn giving(input: &AuctionInput, asset: &str) -> Vec<IntentIndex> {
    let gives = |intent: &AuctionIntent| {
        let give = intent.options.first().and_then(|option| input.denominations.get(option.give.at()));
        give.is_some_and(|give| give.asset.as_str() == asset)
    };
    let places = input.intents.iter().enumerate().filter(|(_, intent)| gives(intent));
    places.map(|(at, _)| IntentIndex(u32::try_from(at).expect("few"))).collect()
}

/// A bundle for each pair of opposing swaps, at one price that both take, and what each scores alone.
pub(crate) fn answer(input: &AuctionInput) -> (Proposal, Vec<Score>) {
    let pairs = giving(input, "EUR").into_iter().zip(giving(input, "USD"));
    let fill = |intent, sold, bought| Fill { intent, option: 0, sold, bought };
    let bundle =
        |(euros, dollars)| Bundle { fills: vec![fill(euros, 900, 1_000), fill(dollars, 1_000, 900)], uses: vec![] };
    let bundles: Vec<Bundle> = pairs.map(bundle).collect();
    let scores = bundles.iter().map(|bundle| verify(input, bundle).expect("a valid bundle").score).collect();
    (Proposal { bundles, prices: None }, scores)
}

/// A registered stream that may say anything.
pub(crate) struct Raw {
    pub(crate) outgoing: mpsc::Sender<wire::SolverMessage>,
    pub(crate) incoming: Streaming<wire::EngineMessage>,
    /// Kept open: without it the connection ends as soon as the engine ends the stream, unread or not.
    _connection: SolverServiceClient<Channel>,
}

impl Raw {
    /// Opens a stream on a connection of its own, as a process has it, that holds little of what is not read; registers
    /// as the solver of this number.
    pub(crate) async fn register(engine: &Process, number: u8) -> Raw {
        let endpoint = Endpoint::from_shared(format!("http://{}", engine.address)).expect("an address");
        let channel = endpoint.initial_stream_window_size(WINDOW_BYTES).connect().await.expect("the engine answers");
        let (outgoing, messages) = mpsc::channel(1);
        let mut client = SolverServiceClient::new(channel).max_encoding_message_size(usize::MAX);
        let incoming = client.compete(ReceiverStream::new(messages)).await.expect("a stream").into_inner();
        let mut raw = Raw { outgoing, incoming, _connection: client };
        let Heard::Hello(hello) = raw.hear().await else { panic!("expected a greeting") };
        assert!(raw.say(Said::Register(solver_key(number).sign_registration(&hello.nonce, "raw"))).await);
        assert!(matches!(raw.hear().await, Heard::Registered(_)));
        raw
    }

    /// Says something; false once the stream is over.
    pub(crate) async fn say(&self, said: Said) -> bool {
        self.outgoing.send(wire::SolverMessage { message: Some(said) }).await.is_ok()
    }

    /// The next message of a stream that is open.
    pub(crate) async fn hear(&mut self) -> Heard {
        self.message().await.message.expect("a message")
    }

    /// The same with what stands around it.
    pub(crate) async fn message(&mut self) -> wire::EngineMessage {
        self.incoming.message().await.expect("an open stream").expect("a message")
    }

    /// Reads until an auction opens.
    pub(crate) async fn opened(&mut self) -> AuctionInput {
        loop {
            if let Heard::Opened(input) = self.hear().await {
                return auction::input_to_core(&input).expect("an input");
            }
        }
    }

    /// Reads to the end: the status that ended the stream.
    pub(crate) async fn end(mut self) -> Option<Status> {
        loop {
            match self.incoming.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(status) => return Some(status),
            }
        }
    }
}

/// A solution of these bundles.
pub(crate) fn solution(auction: u64, bundles: Vec<wire::Bundle>) -> Said {
    Said::Solution(wire::SolverSolution { auction, bundles, ..wire::SolverSolution::default() })
}

/// A bundle of these fills: intent, option, sold, bought.
pub(crate) fn bundle(fills: &[(u32, u32, &str, &str)]) -> wire::Bundle {
    let fill = |(intent, option, sold, bought): &(u32, u32, &str, &str)| wire::FillPromise {
        intent: *intent,
        option: *option,
        sold: (*sold).to_owned(),
        bought: (*bought).to_owned(),
    };
    wire::Bundle { fills: fills.iter().map(fill).collect(), uses: Vec::new() }
}
