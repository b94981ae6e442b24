//! The sequencer over a log in memory.

use std::sync::{Mutex, PoisonError};

use clearlane_core::command::{Action, AddKey, Command, DefineAsset, DefineModule, DefineParty, Movement, Role};
use clearlane_core::config::Config;
use clearlane_core::intent::{Choose, FillRule, Intent, IntentOption, Kind, Limits};
use clearlane_core::names::{CommandId, Name, PublicKey};
use clearlane_core::record::{Commands, Genesis};
use clearlane_core::time::Span;
use clearlane_log::{Batches, Header, MemoryLog};
use clearlane_proto::{record, wire};
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::stored::StoredCommands;

/// A log whose batches a test can read afterwards.
#[derive(Clone, Default)]
struct Shared {
    log: Arc<Mutex<MemoryLog>>,
    last: Option<Header>,
}

impl Log for Shared {
    fn append(&mut self, expected_last: Sequence, batch: Batch) -> Result<Appended, LogError> {
        let appended = self.log.lock().unwrap_or_else(PoisonError::into_inner).append(expected_last, batch)?;
        if let Appended::Appended(header) = &appended {
            self.last = Some(header.clone());
        }
        Ok(appended)
    }

    fn last(&self) -> Option<&Header> {
        self.last.as_ref()
    }

    fn read_from(&self, _: Sequence) -> Result<Batches<'_>, LogError> {
        Err(LogError::ReadOnly)
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// A new cell on a log.
pub(crate) fn parts(mut log: impl Log + 'static) -> Parts {
    let genesis =
        Genesis { config: Config::new(name("cell"), name("EUR")), admin: name("admin"), admin_key: PublicKey([1; 32]) };
    let body = Body::Genesis(Box::new(genesis));
    let records = vec![record::encode(Timestamp(1), &body)];
    let appended = log.append(Sequence(0), Batch { records, ..Batch::default() });
    assert!(matches!(appended, Ok(Appended::Appended(_))));
    let span = clearlane_core::time::Span::seconds(1);
    let (notices, _) = broadcast::channel(NOTICES_MAX);
    Parts {
        log: Box::new(log),
        cell: Cell::start(&Record { time: Timestamp(1), body }).expect("a genesis"),
        clock: Clock::new(Timestamp(2), 1),
        times: AuctionTimes { every: span, bidding: span, settling: span },
        workers: Arc::new(Workers::new(1)),
        clearings: Arc::default(),
        bids: Arc::default(),
        offers: Arc::default(),
        scales: Arc::default(),
        keys: Arc::default(),
        notices,
    }
}

/// Commands of nobody, which take a record and change nothing.
pub(crate) fn admitted() -> (Admitted, oneshot::Receiver<Vec<clearlane_core::event::CommandOutcome>>) {
    let (outcomes, receiver) = oneshot::channel();
    let commands = Commands { party: name("nobody"), key: PublicKey([2; 32]), commands: Vec::new() };
    let commands = StoredCommands { envelope: wire::SignedEnvelope::default(), refused: Vec::new(), commands };
    let room = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("room");
    (Admitted { commands, reply: Reply { outcomes, room } }, receiver)
}

#[test]
fn many_records_without_an_auction_end_in_a_checkpoint() {
    let log = Shared::default();
    let (door, stopper, queues) = queues();
    let sequencer = Sequencer::new(parts(log.clone()), queues, door.clone());
    let thread = std::thread::spawn(move || sequencer.run());
    for _ in 0..CHECKPOINT_RECORDS {
        let (admitted, outcomes) = admitted();
        door.submit(admitted).expect("room");
        outcomes.blocking_recv().expect("an answer");
    }
    stopper.stop();
    let cell = thread.join().expect("no panic").expect("an orderly end");
    assert_eq!(cell.records_since_checkpoint(), 0);
    let log = log.log.lock().unwrap_or_else(PoisonError::into_inner);
    let batches = log.read_from(Sequence(1)).expect("batches").map(|batch| batch.expect("a batch"));
    let records: Vec<Vec<u8>> = batches.flat_map(|batch| batch.records).collect();
    let scales = AssetScales::default();
    // Those of commands here are not signed, and can't be read again.
    let read = records.iter().filter_map(|bytes| record::decode(bytes, &scales).ok());
    let checkpoints = read.filter(|record| matches!(record.body, Body::Checkpoint(_))).count();
    assert!(checkpoints >= 2, "one after {CHECKPOINT_RECORDS} records and one at the end, found {checkpoints}");
}

#[test]
fn a_reader_that_panics_does_not_take_the_writer_with_it() {
    let (door, stopper, queues) = queues();
    let sequencer = Sequencer::new(parts(MemoryLog::new()), queues, door.clone());
    let thread = std::thread::spawn(move || sequencer.run());
    let (asked, answer) = oneshot::channel::<()>();
    door.look(Box::new(move |_, _| {
        let _asked = asked;
        panic!("a reader's mistake");
    }))
    .expect("room");
    assert!(answer.blocking_recv().is_err(), "nobody answers");
    let (admitted, outcomes) = admitted();
    door.submit(admitted).expect("room");
    outcomes.blocking_recv().expect("an answer");
    stopper.stop();
    thread.join().expect("no panic").expect("an orderly end");
}

/// A swap of alice's that is valid for an hour, and all that it needs.
fn swap(cell: &mut Cell) {
    let (alice, key) = (name("alice"), PublicKey([3; 32]));
    let funds = Movement { party: alice.clone(), asset: name("EUR"), module: name("bank"), amount: 100 };
    let define = [
        Action::DefineModule(DefineModule { name: name("bank") }),
        Action::DefineAsset(DefineAsset { code: name("EUR"), scale: 2 }),
        Action::DefineAsset(DefineAsset { code: name("USD"), scale: 2 }),
        Action::DefineParty(DefineParty { name: alice.clone() }),
        Action::AddKey(AddKey { party: alice.clone(), key, role: Role::Party }),
        Action::Deposit(funds),
    ];
    let option = IntentOption {
        give_asset: name("EUR"),
        give_module: None,
        give_amount: 100,
        get_asset: name("USD"),
        get_module: None,
        get_amount: 90,
        maximum: None,
    };
    let intent = Intent {
        id: id(100),
        kind: Kind::ExactIn,
        options: vec![option],
        fill: FillRule::AllOrNothing,
        choose: Choose::Split,
        payee: None,
        condition: None,
        limits: Limits::default(),
        valid_from: Timestamp(0),
        deadline: Timestamp(0).after(Span::seconds(3_600)),
        reference: String::new(),
        memo: Vec::new(),
    };
    let commands = define.into_iter().map(|action| (name("admin"), PublicKey([1; 32]), action));
    let commands = commands.chain([(alice, key, Action::Submit(Box::new(intent)))]);
    for (number, (party, key, action)) in (0_u8..).zip(commands) {
        let id = if matches!(action, Action::Submit(_)) { id(100) } else { id(number) };
        let commands = vec![Command { id, digest: Hash([number; 32]), action }];
        let time = Timestamp(2 + u64::from(number));
        let record = Record { time, body: Body::Commands(Commands { party, key, commands }) };
        let outcome = cell.apply(Hash([0; 32]), None, &Workers::new(1), &record).expect("a contract holds");
        assert!(outcome.commands.iter().all(|command| command.result.is_ok()), "{:?}", outcome.commands);
    }
}

/// A UUIDv7 of the start of 1970.
fn id(number: u8) -> CommandId {
    CommandId([0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, number])
}

#[test]
fn a_clearing_that_panics_voids_its_auction_and_the_engine_goes_on() {
    let mut parts = parts(MemoryLog::new());
    parts.times = AuctionTimes { every: Span::millis(1), bidding: Span::millis(1), settling: Span::millis(50) };
    swap(&mut parts.cell);
    let (clearings, mut notices) = (Arc::clone(&parts.clearings), parts.notices.subscribe());
    clearings.fails.store(true, std::sync::atomic::Ordering::Relaxed);
    let (door, stopper, queues) = queues();
    let sequencer = Sequencer::new(parts, queues, door);
    let thread = std::thread::spawn(move || sequencer.run());
    let mut voided = Vec::new();
    let settled = loop {
        match notices.blocking_recv().expect("the sequencer tells") {
            Notice::Opened(_) | Notice::Closed(_) => {}
            Notice::Voided(auction) => {
                voided.push(auction);
                clearings.fails.store(false, std::sync::atomic::Ordering::Relaxed);
            }
            Notice::Settled(clearing) => break clearing.auction,
        }
    };
    assert_eq!(voided.first(), Some(&AuctionId(1)));
    assert!(settled > AuctionId(1) && clearings.seen().panicked >= 1, "{:?}", clearings.seen());
    stopper.stop();
    let cell = thread.join().expect("no panic").expect("an orderly end");
    assert_eq!(cell.state.book.len(), 1, "what a void auction offered is offered again");
}
