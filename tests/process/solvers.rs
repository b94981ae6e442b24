//! A solver process beside an engine that comes and goes.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use clearlane_client::KeyPair;
use clearlane_client::envelope::envelope_of;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;

use crate::harness::{Site, admin_key, all_done, now, program, terminate};

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_outlives_its_engine() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    let key = KeyPair::from_seed([3; 32]);
    let file = site.file("solver.key");
    key.write_new(&file).expect("a new key file");
    let solver = || "solver".to_owned();
    let add = wire::AddKey { party: solver(), key: key.public().to_vec(), role: i32::from(wire::Role::Solver) };
    let define = vec![Action::DefineParty(wire::DefineParty { name: solver() }), Action::AddKey(add)];
    let signed = envelope_of(&admin_key(), "admin", define, now(&client).await).expect("randomness");
    all_done(&client.apply(signed).await.expect("definitions"));
    drop(client);

    let mut command = program();
    command.args(["solver", "--engine", &engine.address, "--json", "--key"]).arg(file).env_remove("RUST_LOG");
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("the program starts");
    let mut told = BufReader::new(child.stderr.take().expect("a piped stderr")).lines();
    let mut wait_for = |what: &str| {
        let found = told.by_ref().map_while(Result::ok).find(|line| line.contains(what));
        assert!(found.is_some(), "expected {what:?} on stderr, found its end");
    };
    wait_for("registered");
    let address = engine.address.clone();
    engine.kill();
    wait_for("trying again");
    let engine = site.start_at(&address, &[]);
    wait_for("registered");
    assert_eq!(terminate(&mut child).code(), Some(0));
    drop(engine);
}
