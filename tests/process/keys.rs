//! Keys: strangers do not reach the log, and a key that was revoked does not bid.

use clearlane_client::envelope::{command, envelope, envelope_of};
use clearlane_client::{Client, ClientError, KeyPair};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_solver::session::{Session, SessionError, SessionOptions};
use clearlane_solver::strategy::Proposal;
use tonic::Code;

use crate::harness::{Site, admin_key, all_done, id, now, payment, set_up, side, signed};

fn solver_key() -> KeyPair {
    KeyPair::from_seed([3; 32])
}

async fn administer(client: &Client, actions: Vec<Action>) {
    let signed = envelope_of(&admin_key(), "admin", actions, now(client).await).expect("randomness");
    all_done(&client.apply(signed).await.expect("outcomes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_envelope_is_refused_and_not_logged() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let before = client.status().await.expect("a status").records;
    let stranger = KeyPair::from_seed([9; 32]);
    for party in ["alice", "nobody"] {
        let sent = envelope(&stranger, party, &[command(id(millis), Action::Intent(payment(millis)))]);
        let Err(ClientError::Refused(status)) = client.submit(sent).await else { panic!("expected a refusal") };
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().starts_with("UNKNOWN_KEY (key)"), "{status}");
    }
    assert_eq!(client.status().await.expect("a status").records, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_solver_does_not_go_on_bidding() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let key = solver_key().public().to_vec();
    let add = wire::AddKey { party: "solver".to_owned(), key: key.clone(), role: wire::Role::Solver.into() };
    let define = Action::DefineParty(wire::DefineParty { name: "solver".to_owned() });
    administer(&client, vec![define, Action::AddKey(add)]).await;
    let strategy = "direct".to_owned();
    let options = SessionOptions { engine: engine.address.clone(), key: solver_key().seed(), strategy };
    let mut session = Session::connect(&options).await.expect("a session");
    administer(&client, vec![Action::RevokeKey(wire::RevokeKey { key })]).await;

    let millis = now(&client).await;
    let option = wire::Option { give: Some(side("EUR", "1.00")), get: Some(side("USD", "9.00")), maximum: None };
    let swap = wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) };
    client.submit(signed(id(millis), swap)).await.expect("a booked intent");
    let input = session.next_auction().await.expect("a stream").expect("an auction");
    session.answer(input.auction, &Proposal::default()).await.expect("sent");
    let told = loop {
        match session.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("expected a reason"),
            Err(error) => break error,
        }
    };
    let SessionError::Broken(status) = told else { panic!("expected a status, found {told}") };
    assert!(status.message().starts_with("UNKNOWN_KEY"), "{status}");
    assert!(Session::connect(&options).await.is_err(), "it does not register again");
}
