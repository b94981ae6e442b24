//! An engine that is told to end: it does, everybody who waits gets an answer, and nothing acknowledged is lost.

use clearlane_client::{Client, ClientError};
use clearlane_proto::strict::StrictCodec;
use clearlane_proto::wire;
use tokio::sync::mpsc;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::tokio_stream::{self, StreamExt as _};
use tonic::transport::Endpoint;

use crate::harness::{Site, all_done, held_by_bob, id, now, payment, set_up, signed};

/// Clients that pay as fast as they can.
const PAYERS: usize = 24;

/// Acknowledged payments after which the engine is told to end.
const PAYMENTS_BEFORE_END: usize = 200;

/// Atoms of one payment.
const PAYMENT_ATOMS: usize = 100;

/// Pays until it is refused; how many payments were acknowledged, and the refusal's code.
async fn pay_until_refused(client: Client, told: mpsc::UnboundedSender<()>) -> (usize, Code) {
    let millis = now(&client).await;
    let mut acknowledged = 0;
    loop {
        match client.submit(signed(id(millis), payment(millis))).await {
            Ok(_) => acknowledged += 1,
            Err(ClientError::Refused(status)) => return (acknowledged, status.code()),
            Err(other) => panic!("expected an answer, found {other}"),
        }
        // The listener has heard enough once it ends the engine.
        let _ = told.send(());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_answers_everybody() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let (told, mut heard) = mpsc::unbounded_channel();
    let mut payers = Vec::new();
    for _ in 0..PAYERS {
        payers.push(tokio::spawn(pay_until_refused(engine.connect().await, told.clone())));
    }
    for _ in 0..PAYMENTS_BEFORE_END {
        heard.recv().await.expect("an acknowledged payment");
    }
    let ended = tokio::task::spawn_blocking(move || engine.terminate()).await.expect("an exit status");
    assert_eq!(ended.code(), Some(0));
    let mut acknowledged = 0;
    for payer in payers {
        let (paid, code) = payer.await.expect("every payer got an answer");
        // A call that races the end of its connection gets whatever code the transport has for that.
        let codes = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];
        assert!(codes.contains(&code), "found {code:?}");
        acknowledged += paid;
    }
    let engine = site.start();
    let happened = held_by_bob(&engine.connect().await).await / PAYMENT_ATOMS;
    assert!(happened >= acknowledged.min(1_000), "{acknowledged} acknowledged, {happened} happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_end_with_the_engine() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;

    let first = tokio_stream::once(signed(id(millis), payment(millis)));
    let submitting = first.chain(tokio_stream::pending());
    let mut replies = client.intents().submit_stream(submitting).await.expect("a stream").into_inner();
    all_done(&replies.message().await.expect("a reply").expect("a reply").outcomes);
    let mut watch = client.watch("alice", None).await.expect("a watch");
    let unregistered = client.solvers().compete(tokio_stream::pending::<wire::SolverMessage>()).await;
    let mut unregistered = unregistered.expect("a stream").into_inner();
    unregistered.message().await.expect("a greeting").expect("a greeting");

    let ended = tokio::task::spawn_blocking(move || engine.terminate()).await.expect("an exit status");
    assert_eq!(ended.code(), Some(0));
    let told = replies.message().await.expect_err("the stream was not complete");
    assert!(told.message().starts_with("STOPPING"), "{told}");
    let told = watch.message().await.expect_err("the watch was not complete");
    assert!(told.message().starts_with("STOPPING"), "{told}");
    assert_eq!(unregistered.message().await.expect("an orderly end"), None);
}

/// What the health service is asked: `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// What it answers: `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthReply {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `NOT_SERVING`.
const NOT_SERVING: i32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_wait_for_who_does_not_leave() {
    let site = Site::new();
    let engine = site.start();
    let endpoint = Endpoint::from_shared(format!("http://{}", engine.address)).expect("an address");
    let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.expect("a connection"));
    grpc.ready().await.expect("a connection");
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let codec = StrictCodec::<HealthRequest, HealthReply>::default();
    let request = tonic::Request::new(HealthRequest::default());
    let mut health = grpc.server_streaming(request, path, codec).await.expect("a stream").into_inner();
    engine.ask_to_end();
    while health.message().await.expect("a status").expect("a status").status != NOT_SERVING {}
    // This stream stays open, and the engine would give it a while.
    engine.ask_to_end();
    let ended = tokio::task::spawn_blocking(move || engine.ended()).await.expect("an exit status");
    assert_eq!(ended.code(), Some(1));
}
