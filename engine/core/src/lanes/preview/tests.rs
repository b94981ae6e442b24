//! What a preview says beside the plan made anew, and how much a change moves.

use std::cmp::Reverse;

use super::*;
use crate::lanes::tests::below;
use crate::lanes::{Batch, Plan, schedule};

type Key = (Reverse<u32>, u32);

/// The plan made anew: it must say the same of every bundle.
fn assert_twin(preview: &Preview<Key>, bundles: &BTreeMap<Key, (Footprint, u64)>, step: u32) {
    let batch = Batch::new(&bundles.values().map(|(footprint, _)| footprint).collect::<Vec<_>>()).expect("small");
    let costs: Vec<u64> = bundles.values().map(|(_, cost)| *cost).collect();
    let plan = Plan::new(&batch);
    let found = (preview.len(), preview.colours(), preview.hottest(), preview.critical_path());
    let expected = (plan.bundles(), plan.colours(), plan.hottest(), plan.critical_path(&costs));
    assert_eq!(found, expected, "step {step}");
    let keys: Vec<&Key> = bundles.keys().collect();
    for slot in schedule(&plan, &costs, bundles.len()) {
        let (at, key) = (slot.bundle as usize, keys[slot.bundle as usize]);
        let found = (preview.colour(key), preview.start(key));
        assert_eq!(found, (Some(plan.colour(at)), Some(slot.start)), "step {step}, bundle {at}");
    }
}

fn random_footprint(seed: &mut u64, keys: u32, writes: u32) -> Footprint {
    let accesses = [Access::Read, Access::Add, Access::Write];
    let touched = (0..=below(seed, 3)).map(|_| {
        let kinds = if below(seed, 8) < writes { 3 } else { 2 };
        (Resource::Other(below(seed, keys)), accesses[below(seed, kinds) as usize])
    });
    Footprint::new(touched.collect())
}

#[test]
fn bundles_that_come_and_go_leave_the_plan_that_would_be_made_anew() {
    for round in 0..40_u32 {
        let mut seed = 0x9e37_79b9_7f4a_7c15 ^ u64::from(round) << 20;
        let (keys, writes, most) = (1 + below(&mut seed, 12), below(&mut seed, 8), 4 + below(&mut seed, 60));
        let mut preview = Preview::default();
        let mut bundles = BTreeMap::new();
        for step in 0..300 {
            let held = u32::try_from(bundles.len()).expect("few");
            if below(&mut seed, most) < held {
                let at = below(&mut seed, held) as usize;
                let key: Key = *bundles.keys().nth(at).expect("held");
                let (footprint, _) = bundles.remove(&key).expect("held");
                assert_eq!(preview.remove(&key), Some(footprint), "round {round}, step {step}");
            } else {
                let key = (Reverse(below(&mut seed, 1_000)), step);
                let footprint = random_footprint(&mut seed, keys, writes);
                let cost = u64::from(below(&mut seed, 6));
                bundles.insert(key, (footprint.clone(), cost));
                assert_eq!(preview.insert(key, footprint, cost), Ok(()), "round {round}, step {step}");
            }
            assert_twin(&preview, &bundles, round * 1_000 + step);
        }
        let keys: Vec<Key> = bundles.keys().copied().collect();
        keys.iter().for_each(|key| assert!(preview.remove(key).is_some()));
        assert!(preview.is_empty() && preview.resources.is_empty());
        assert_eq!((preview.colours(), preview.hottest(), preview.critical_path()), (0, 0, 0));
    }
}

#[test]
fn changes_at_once_leave_the_plan_that_would_be_made_anew() {
    let mut seed = 7;
    let (mut preview, mut bundles) = (Preview::default(), BTreeMap::new());
    for step in 0..60 {
        let many = [1, 2, 200][below(&mut seed, 3) as usize];
        let out: Vec<Key> = bundles.keys().filter(|_| below(&mut seed, 300) < many).copied().collect();
        out.iter().for_each(|key| drop(bundles.remove(key)));
        let into: Vec<_> = (0..many)
            .map(|number| {
                let key: Key = (Reverse(below(&mut seed, 1_000)), step * 1_000 + number);
                (key, random_footprint(&mut seed, 40, 4), u64::from(below(&mut seed, 6)))
            })
            .collect();
        bundles.extend(into.iter().map(|(key, footprint, cost)| (*key, (footprint.clone(), *cost))));
        preview.change(&out, into);
        assert_twin(&preview, &bundles, step);
    }
}

#[test]
fn changes_in_place_leave_the_plan_that_would_be_made_anew() {
    for round in 0..30_u32 {
        let mut seed = 0x51_7c_c1_b7 ^ u64::from(round) << 24;
        let (keys, writes) = (1 + below(&mut seed, 12), below(&mut seed, 8));
        let (mut preview, mut bundles) = (Preview::default(), BTreeMap::new());
        for step in 0..40 {
            let (share, many) = (below(&mut seed, 100), below(&mut seed, 30));
            let out: Vec<Key> = bundles.keys().filter(|_| below(&mut seed, 100) < share).copied().collect();
            out.iter().for_each(|key| drop(bundles.remove(key)));
            let into: Vec<_> = (0..many)
                .map(|number| {
                    let again = out.get(number as usize).filter(|_| below(&mut seed, 4) == 0).copied();
                    let key = again.unwrap_or((Reverse(below(&mut seed, 50)), step * 1_000 + number));
                    (key, random_footprint(&mut seed, keys, writes), u64::from(below(&mut seed, 3)))
                })
                .collect();
            bundles.extend(into.iter().map(|(key, footprint, cost)| (*key, (footprint.clone(), *cost))));
            let settled = preview.change_in_place(&out, into);
            assert!(settled <= bundles.len(), "round {round}, step {step}: {settled} of {}", bundles.len());
            assert_twin(&preview, &bundles, round * 1_000 + step);
        }
    }
}

#[test]
fn changes_in_front_of_a_long_queue_move_each_bundle_once() {
    let touch = || Footprint::new(vec![(Resource::Other(1), Access::Write)]);
    let mut preview = Preview::default();
    let queue = 4_096_u32;
    preview.change(&[], (0..queue).map(|at| (queue + at, touch(), 1)).collect());
    let into: Vec<_> = (0..64).map(|at| (at, touch(), 1)).collect();
    assert_eq!(preview.change_in_place(&[], into), 4_096 + 64);
    assert_eq!((preview.colours(), preview.start(&(2 * queue - 1))), (4_160, Some(4_159)));
    let out: Vec<u32> = (0..64).collect();
    let into: Vec<_> = (0..64).map(|at| (100 + at, touch(), 2)).collect();
    assert_eq!(preview.change_in_place(&out, into), 4_096 + 64);
    assert_eq!((preview.colours(), preview.critical_path()), (4_160, 4_096 + 128));
}

#[test]
fn what_splits_a_run_moves_what_comes_after_it() {
    let touch = |access| Footprint::new(vec![(Resource::Other(1), access)]);
    let mut preview = Preview::default();
    for key in [10, 20, 30] {
        preview.insert(key, touch(Access::Add), 2).expect("room");
    }
    assert_eq!((preview.colours(), preview.hottest(), preview.start(&30)), (1, 0, Some(0)));
    preview.insert(15, touch(Access::Write), 5).expect("room");
    let colours = [10, 15, 20, 30].map(|key| preview.colour(&key));
    assert_eq!((colours, preview.hottest()), ([Some(1), Some(2), Some(3), Some(3)], 1));
    assert_eq!((preview.start(&30), preview.critical_path()), (Some(7), 9));
    preview.remove(&15).expect("there");
    assert_eq!((preview.colours(), preview.hottest(), preview.critical_path()), (1, 0, 2));
}

#[test]
fn a_key_names_one_bundle_and_there_is_a_most() {
    let mut preview = Preview::default();
    for key in 0..PREVIEW_BUNDLES_MAX {
        preview.insert(key, Footprint::default(), 1).expect("room");
    }
    assert_eq!(preview.insert(0, Footprint::default(), 1), Err(PreviewError::Taken));
    assert_eq!(preview.insert(PREVIEW_BUNDLES_MAX, Footprint::default(), 1), Err(PreviewError::Full));
    assert_eq!(PreviewError::Full.to_string(), "expected at most 65536 bundles, found more");
    assert_eq!((preview.remove(&PREVIEW_BUNDLES_MAX), preview.start(&PREVIEW_BUNDLES_MAX)), (None, None));
    assert_eq!((preview.len(), preview.colours()), (PREVIEW_BUNDLES_MAX, 1));
}
