//! CoW's solver-engine API by the command line: a solver engine that bids in Clearlane's auctions, both of this program.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use clearlane_client::KeyPair;
use clearlane_client::envelope::envelope_of;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;

use crate::harness::{Site, admin_key, all_done, id, now, payment, program, set_up, side, signed, terminate};

/// The lines among which one is sought: those of about ten auctions.
const LINES_MAX: usize = 60;

/// A process that is killed where it was not ended.
struct Running {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        let spawned = command.env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a piped stdout")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("a piped stderr")).lines();
        Running { child, stdout, stderr }
    }

    /// Reads what it says until a line has this.
    fn wait_for(&mut self, what: &str) -> String {
        let lines = self.stderr.by_ref().map_while(Result::ok).take(LINES_MAX);
        let mut told = Vec::new();
        for line in lines {
            if line.contains(what) {
                return line;
            }
            told.push(line);
        }
        panic!("expected {what:?} on stderr, found {}", told.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended where the test came to its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cow_solver_engine_wins_an_auction() {
    let mut served = Running::start(program().args(["solver", "--serve-cow", "127.0.0.1:0"]));
    let listening = served.stdout.next().expect("a line").expect("text");
    let address = listening.strip_prefix("listening on ").expect("an address").to_owned();

    let site = Site::new();
    let engine = site.start_with(&["--auction-every-ms", "50", "--bidding-ms", "2000", "--settling-ms", "5000"]);
    let client = engine.connect().await;
    set_up(&client).await;
    let key = KeyPair::from_seed([3; 32]);
    let file = site.file("solver.key");
    key.write_new(&file).expect("a new key file");
    let solver = || "solver".to_owned();
    let add = wire::AddKey { party: solver(), key: key.public().to_vec(), role: i32::from(wire::Role::Solver) };
    let price = Action::SetPrice(wire::SetPrice { asset: "USD".to_owned(), price: "0.93".to_owned() });
    let define = vec![Action::DefineParty(wire::DefineParty { name: solver() }), Action::AddKey(add), price];
    let definitions = envelope_of(&admin_key(), "admin", define, now(&client).await).expect("randomness");
    all_done(&client.apply(definitions).await.expect("definitions"));

    let url = format!("http://{address}");
    let mut command = program();
    command.args(["solver", "--engine", &engine.address, "--via-cow", &url, "--json", "--key"]).arg(&file);
    let mut bidding = Running::start(&mut command);
    bidding.wait_for("registered");
    // No venue could serve either: they trade with each other, or not at all.
    let millis = now(&client).await;
    for (give, get) in [(side("EUR", "100.00"), side("USD", "105.00")), (side("USD", "110.00"), side("EUR", "99.00"))] {
        let option = wire::Option { give: Some(give), get: Some(get), maximum: None };
        let swap = wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) };
        client.submit(signed(id(millis), swap)).await.expect("a booked intent");
    }
    bidding.wait_for("bundle won");
    served.wait_for("answered");

    // An engine that goes away costs its bids, and no session.
    assert_eq!(terminate(&mut served.child).code(), Some(0));
    assert_eq!(served.stdout.next().expect("a line").expect("text"), "stopped");
    let option = wire::Option { give: Some(side("EUR", "1.00")), get: Some(side("USD", "9.00")), maximum: None };
    let swap = wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) };
    client.submit(signed(id(millis), swap)).await.expect("a booked intent");
    let told = bidding.wait_for("no answer");
    assert!(told.contains(&address), "{told}");
    assert_eq!(terminate(&mut bidding.child).code(), Some(0), "it is told to stop, not broken");
}
