//! A real engine process on a folder of its own, and signed commands to send it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use clearlane_client::envelope::{command, envelope, envelope_of};
use clearlane_client::ids::new_id;
use clearlane_client::keys::to_hex;
use clearlane_client::{Client, KeyPair};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use tempfile::TempDir;

/// After this a process that does not end is killed, so that a test that fails ends as well.
const END_BOUND: Duration = Duration::from_secs(30);

/// The program under test.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_clearlane"))
}

/// The administrator's key.
pub(crate) fn admin_key() -> KeyPair {
    KeyPair::from_seed([1; 32])
}

/// Alice's key.
pub(crate) fn alice_key() -> KeyPair {
    KeyPair::from_seed([2; 32])
}

/// A folder for one engine after another.
pub(crate) struct Site {
    folder: TempDir,
}

/// A running engine; killed when dropped.
pub(crate) struct Process {
    /// Gone once it was waited for.
    child: Option<Child>,
    /// Kept open so that the engine's last line has somewhere to go.
    _stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: String,
}

impl Site {
    /// A new, empty one.
    pub(crate) fn new() -> Site {
        Site { folder: tempfile::tempdir().expect("a folder") }
    }

    /// The engine's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The command line of an engine on this folder.
    pub(crate) fn engine(&self) -> Command {
        let mut engine = program();
        engine.arg("engine").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0", "--lanes", "1"]);
        engine.arg("--admin-key").arg(to_hex(&admin_key().public()));
        engine
    }

    /// Starts an engine and waits until it says where it listens.
    pub(crate) fn start(&self) -> Process {
        self.start_with(&[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(&self, flags: &[&str]) -> Process {
        let errors = self.folder.path().join("stderr");
        let sink = File::create(&errors).expect("a file for stderr");
        let spawned = self.engine().args(flags).stdout(Stdio::piped()).stderr(sink).spawn();
        let mut child = spawned.expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text on stdout");
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            let told = std::fs::read_to_string(&errors).unwrap_or_default();
            panic!("expected the engine to listen, found {line:?} and {told}");
        };
        let address = address.to_owned();
        Process { child: Some(child), _stdout: stdout, address }
    }

    /// Starts an engine that is expected to end by itself: its exit status, stdout and stderr.
    pub(crate) fn start_in_vain(&self) -> (ExitStatus, String, String) {
        self.start_in_vain_with(&[])
    }

    /// The same with more flags.
    pub(crate) fn start_in_vain_with(&self, flags: &[&str]) -> (ExitStatus, String, String) {
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.folder.path().join(name));
        let sink = |path| File::create(path).expect("a file for output");
        let spawned = self.engine().args(flags).stdout(sink(&stdout)).stderr(sink(&stderr)).spawn();
        let status = ended(spawned.expect("the program starts"));
        let text = |path| std::fs::read_to_string(path).expect("text");
        (status, text(&stdout), text(&stderr))
    }
}

impl Process {
    /// A connection to it.
    pub(crate) async fn connect(&self) -> Client {
        Client::connect(&self.address).await.expect("the engine answers")
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("a running process");
        child.kill().expect("SIGKILL");
        child.wait().expect("a killed process");
    }

    /// Ends it with SIGTERM and waits for its exit status.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.ask_to_end();
        self.ended()
    }

    /// Sends it SIGTERM.
    pub(crate) fn ask_to_end(&self) {
        signal("-TERM", self.child.as_ref().expect("a running process").id());
    }

    /// Waits for its exit status.
    pub(crate) fn ended(mut self) -> ExitStatus {
        ended(self.child.take().expect("a running process"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already in most tests; nothing else can be done about it here.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a process ended.
fn ended(mut child: Child) -> ExitStatus {
    let id = child.id();
    let (told, heard) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        // Nobody listens any more only where the test has failed.
        let _ = told.send(child.wait());
    });
    let Ok(status) = heard.recv_timeout(END_BOUND) else {
        signal("-KILL", id);
        panic!("the process did not end in {END_BOUND:?}");
    };
    waiting.join().expect("a thread that waited");
    status.expect("a process to wait for")
}

fn signal(name: &str, id: u32) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status();
    assert!(sent.expect("the kill command").success());
}

/// Defines assets, a module and two parties, and gives alice 1,000.00 EUR.
pub(crate) async fn set_up(client: &Client) {
    let asset = |code: &str| Action::DefineAsset(wire::DefineAsset { code: code.to_owned(), scale: 2 });
    let party = |name: &str| Action::DefineParty(wire::DefineParty { name: name.to_owned() });
    let key = wire::AddKey {
        party: "alice".to_owned(),
        key: alice_key().public().to_vec(),
        role: i32::from(wire::Role::Party),
    };
    let definitions = vec![
        asset("EUR"),
        asset("USD"),
        Action::DefineModule(wire::DefineModule { name: "bank".to_owned() }),
        party("alice"),
        party("bob"),
        Action::AddKey(key),
    ];
    let millis = now(client).await;
    let signed = envelope_of(&admin_key(), "admin", definitions, millis).expect("randomness");
    all_done(&client.apply(signed).await.expect("definitions"));
    for asset in ["EUR", "USD"] {
        let amount = Some(amount(asset, "1000.00"));
        let deposit = wire::Movement { party: "alice".to_owned(), amount, module: "bank".to_owned() };
        let signed = envelope_of(&admin_key(), "admin", vec![Action::Deposit(deposit)], millis).expect("randomness");
        all_done(&client.deposit(signed).await.expect("a deposit"));
    }
}

/// Asserts that every command's effect is complete.
pub(crate) fn all_done(outcomes: &[wire::CommandOutcome]) {
    assert!(!outcomes.is_empty(), "expected outcomes, found none");
    for outcome in outcomes {
        assert_eq!(outcome.result, Some(Outcome::Accepted(i32::from(wire::Accepted::Done))));
    }
}

/// The engine's clock in milliseconds.
pub(crate) async fn now(client: &Client) -> u64 {
    client.status().await.expect("a status").time_ns / 1_000_000
}

/// An amount in whole units.
pub(crate) fn amount(asset: &str, decimal: &str) -> wire::Amount {
    wire::Amount { asset: asset.to_owned(), value: Some(wire::amount::Value::Decimal(decimal.to_owned())) }
}

/// One side of an option, at the bank.
pub(crate) fn side(asset: &str, decimal: &str) -> wire::Side {
    let amount = Some(amount(asset, decimal));
    wire::Side { asset: asset.to_owned(), module: "bank".to_owned(), amount }
}

/// Pays bob 1.00 EUR within the hour.
pub(crate) fn payment(millis: u64) -> wire::Intent {
    let one = || Some(side("EUR", "1.00"));
    wire::Intent {
        kind: i32::from(wire::Kind::ExactIn),
        options: vec![wire::Option { give: one(), get: one(), maximum: None }],
        payee: "bob".to_owned(),
        deadline_ns: (millis + 3_600_000) * 1_000_000,
        ..wire::Intent::default()
    }
}

/// A fresh id of this millisecond.
pub(crate) fn id(millis: u64) -> [u8; 16] {
    new_id(millis).expect("randomness")
}

/// An intent signed by alice.
pub(crate) fn signed(id: [u8; 16], intent: wire::Intent) -> wire::SignedEnvelope {
    envelope(&alice_key(), "alice", &[command(id, Action::Intent(intent))])
}

/// What bob holds, in atoms.
pub(crate) async fn held_by_bob(client: &Client) -> usize {
    let accounts = client.accounts("bob").await.expect("bob's accounts");
    accounts.iter().map(|account| account.posted.parse::<usize>().expect("atoms")).sum()
}
