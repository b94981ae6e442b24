//! Roots and outcomes compared, on logs of a few records.

use std::ops::ControlFlow;

use clearlane_core::config::Config;
use clearlane_core::names::{AuctionId, Name, PublicKey};
use clearlane_core::record::Record;
use clearlane_core::time::Timestamp;
use clearlane_log::{Appended, Batch, Options, merkle};

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn genesis() -> Body {
    let config = Config::new(name("cell"), name("EUR"));
    Body::Genesis(Box::new(Genesis { config, admin: name("admin"), admin_key: PublicKey([1; 32]) }))
}

/// A log of a genesis and, in a second batch, a tick and a checkpoint with this root.
fn logged(applied_through: u64, outcomes_root: [u8; 32], root: Hash) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut log, _) = FileLog::open(folder.path(), Options::default()).expect("a log");
    let first = vec![record::encode(Timestamp(1), &genesis())];
    let second = vec![record::encode(Timestamp(2), &Body::Tick), record::encode(Timestamp(3), &Body::Checkpoint(root))];
    let batches = [(0, merkle::MountainRange::default().root(), first), (applied_through, outcomes_root, second)];
    for (last, (applied_through, outcomes_root, records)) in (0..).zip(batches) {
        let batch = Batch { applied_through, outcomes_root, records, ..Batch::default() };
        assert!(matches!(log.append(Sequence(last), batch), Ok(Appended::Appended(_))));
    }
    folder
}

#[test]
fn what_differs_is_reported_and_what_was_not_compared_is_not_equal() {
    let record = Record { time: Timestamp(1), body: genesis() };
    let mut cell = Cell::start(&record).expect("a genesis");
    let outcomes = cell.outcomes_root().0;
    let tick = Record { time: Timestamp(2), body: Body::Tick };
    cell.apply(Hash([0; 32]), None, &Workers::new(1), &tick).expect("a tick");
    let root = cell.state_root();

    let report = |folder: &tempfile::TempDir, to| replay(folder.path(), to, 1).expect("a report");
    let good = logged(1, outcomes, root);
    let whole = report(&good, None);
    assert!(whole.equal && whole.difference.is_none());
    assert_eq!((whole.compared_roots, whole.compared_outcomes), (1, 1));
    assert_eq!((whole.root, whole.expected_root), (root, RecordedRoot(Some(root))));
    let start = report(&good, Some(1));
    assert!(!start.equal && start.difference.is_none());
    assert_eq!((start.compared_roots, start.compared_outcomes), (0, 0));
    assert_eq!(start.expected_root, RecordedRoot(None));

    let wrong = Hash([7; 32]);
    let other_root = report(&logged(1, outcomes, wrong), None);
    assert!(!other_root.equal);
    assert_eq!((other_root.root, other_root.expected_root), (root, RecordedRoot(Some(wrong))));
    for (applied_through, outcomes) in [(1, [7; 32]), (2, outcomes)] {
        let other_outcomes = report(&logged(applied_through, outcomes, root), None);
        assert!(!other_outcomes.equal && other_outcomes.difference.is_some());
    }
}

/// Ends a replay after the first batch.
#[derive(Default)]
struct Impatient {
    passed: Vec<(u64, u64)>,
}

impl Onlooker for Impatient {
    fn passed(&mut self, sequence: u64, last: u64) -> ControlFlow<()> {
        self.passed.push((sequence, last));
        ControlFlow::Break(())
    }

    fn settled(&mut self, _: &Cell, _: &SettledAuction) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn voided(&mut self, _: AuctionId) {}
}

#[test]
fn an_onlooker_may_end_a_replay_early() {
    let folder = logged(1, [7; 32], Hash([7; 32]));
    let mut impatient = Impatient::default();
    let report = replay_before(folder.path(), None, 1, &mut impatient).expect("a report");
    assert!(report.is_stopped && report.difference.is_none(), "what follows is wrong, and was not read");
    assert_eq!((report.batches, impatient.passed), (1, vec![(1, 2)]));
}
