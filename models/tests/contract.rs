//! The oracle against the definitions: a judge that keeps all that ever happened, and drops no
//! obligation, agrees with it on random runs of good and of broken protocols.

use models::contract::{Event, Key, OpId, Operation, Oracle, Promise, Terms, Value, View, Write};
use models::disk::Failure;
use models::disk::image::Fates;
use models::machine::Setup;
use models::machine::bounds::Bounds;
use models::machine::process::Ground;
use models::machine::script::{Move, Run};
use models::profile::Profile;
use models::wal::as_found::Assumed;
use models::wal::{Layout, SyncMode, Variant, Wal};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Values = BTreeMap<Key, Value>;

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Open,
    Returned,
}

/// The judge by definition: what was last served, and every operation of this life in full.
#[derive(Default)]
struct History {
    served: Values,
    life: Vec<(OpId, Vec<Write>, Outcome)>,
    acknowledged: usize,
    syncing: bool,
}

impl History {
    /// `Some(legal)` where a recovery served something.
    fn observe(&mut self, event: &Event) -> Option<bool> {
        match event {
            Event::Invoked(id, Operation::Write(writes)) => {
                self.life.push((*id, writes.clone(), Outcome::Open));
            }
            Event::Invoked(..) => self.syncing = true,
            Event::Returned { durable, .. } => {
                if !std::mem::take(&mut self.syncing)
                    && let Some(last) = self.life.last_mut()
                {
                    last.2 = Outcome::Returned;
                }
                if *durable {
                    self.acknowledged = self.life.len();
                }
            }
            Event::Failed => self.syncing = false,
            Event::Refused if std::mem::take(&mut self.syncing) => {}
            Event::Refused => drop(self.life.pop()),
            Event::PowerCut { .. } | Event::Kill | Event::Reopened => self.syncing = false,
            Event::Served { view, .. } => {
                let legal = self.legal().contains(&view.values);
                self.served = view.values.clone();
                self.life.clear();
                self.acknowledged = 0;
                return Some(legal);
            }
            _ => {}
        }
        None
    }

    /// Every legal recovered state: a prefix that holds all that is acknowledged, in which an
    /// operation that did not return is in or out. Written down as 2^n choices.
    fn legal(&self) -> BTreeSet<Values> {
        let mut legal = BTreeSet::new();
        for prefix in 0..=self.life.len() {
            for choice in 0u32..1 << prefix {
                let taken = |i: usize| choice & (1 << i) != 0;
                let must = |i: usize| self.life[i].2 == Outcome::Returned;
                let complete = (0..prefix).all(|i| taken(i) || !must(i));
                let acknowledged =
                    (0..self.acknowledged).all(|i| !must(i) || (i < prefix && taken(i)));
                if complete && acknowledged {
                    let mut view = View {
                        values: self.served.clone(),
                        ..View::default()
                    };
                    for (i, (id, writes, _)) in self.life[..prefix].iter().enumerate() {
                        if taken(i) {
                            view.apply(*id, writes);
                        }
                    }
                    legal.insert(view.values);
                }
            }
        }
        legal
    }
}

fn setup(variant: Variant, sync: SyncMode) -> Setup<Wal> {
    let judged = Promise::CONTRACT.into_iter();
    let other = [Promise::D6, Promise::D8, Promise::D9, Promise::D10];
    Setup {
        ground: Ground {
            protocol: Wal {
                variant,
                sync,
                layout: Layout::Small { head: 1, write: 1 },
            },
            profile: Profile::posix(),
            without: None,
            guarded: false,
            forget: false,
        },
        terms: Terms {
            judged: judged.filter(|promise| !other.contains(promise)).collect(),
            every: None,
            kills_only: false,
        },
        bounds: Bounds {
            operations: 9,
            keys: 3,
            deletes: 9,
            batches: 9,
            syncs: 9,
            closes: 9,
            flushes: 0,
            compactions: 0,
            crashes: 9,
            failures: 9,
            power_cut: true,
            kill: true,
            failure_kinds: Failure::ALL.to_vec(),
            start_empty: false,
            keys_in_order: false,
            fresh_keys: false,
            count_refused: true,
        },
    }
}

/// A random walk of that many moves; the result: how many recoveries were legal, and illegal.
fn walk(setup: &Setup<Wal>, choices: &[(u8, u16)]) -> Result<(usize, usize), TestCaseError> {
    let alphabet = setup.bounds.alphabet();
    let mut run = Run::new(setup);
    let mut history = History::default();
    let (mut legal, mut illegal) = (0, 0);
    for &(kind, pick) in choices {
        let pick = usize::from(pick);
        let next = match kind {
            0..=9 if !run.process.steps.is_empty() => Move::Step,
            0..=9 if history.life.len() >= 8 => Move::Kill,
            0..=9 => Move::Invoke(alphabet[pick % alphabet.len()].operation.clone()),
            10 => match run.process.failures() {
                [] => continue,
                failures => Move::Fail(failures[pick % failures.len()]),
            },
            11 => Move::Kill,
            _ => {
                let bit = |i: usize| pick >> (i % 16) & 1 == 1;
                Move::PowerCut(Fates {
                    kept: (0..run.disk.log().len()).filter(|&i| bit(i)).collect(),
                    fills: (0..8)
                        .map(|i| usize::from(bit(i + 3)) + usize::from(bit(i)))
                        .collect(),
                })
            }
        };
        let Some(events) = run.make(&next) else {
            continue;
        };
        for event in &events {
            if let Some(is_legal) = history.observe(event) {
                prop_assert_eq!(is_legal, run.breach.is_none(), "{:?}", (event, run.breach));
                if !is_legal {
                    return Ok((legal, illegal + 1));
                }
                legal += 1;
            }
        }
        illegal += usize::from(run.breach.is_some());
        prop_assert_eq!(run.breach, None, "a breach where nothing was served");
    }
    Ok((legal, illegal))
}

fn protocols() -> impl Strategy<Value = (Variant, SyncMode)> {
    let as_found = Variant::AsFoundLsm(Assumed {
        split_flush: true,
        tail_left: true,
    });
    let variants = vec![
        Variant::Durable,
        Variant::AcknowledgeBeforeBarrier,
        Variant::TornTailLeft,
        Variant::NoGeneration,
        Variant::CacheTrusted,
        Variant::NoEndMark,
        as_found,
    ];
    let modes = vec![SyncMode::Every, SyncMode::EveryN(2), SyncMode::Never];
    (prop::sample::select(variants), prop::sample::select(modes))
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        // PROPTEST_CASES asks for more, not for less.
        cases: cases.max(ProptestConfig::default().cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn the_oracle_judges_as_the_definition_does(
        (variant, sync) in protocols(),
        choices in prop::collection::vec((0u8..14, any::<u16>()), 1..60),
    ) {
        walk(&setup(variant, sync), &choices)?;
    }
}

/// What a client does in one life, and how each operation ends.
fn lives() -> impl Strategy<Value = Vec<Vec<(Operation, Event)>>> {
    let write = (0..2u8, any::<bool>()).prop_map(|(key, delete)| Write { key, delete });
    let batch = [0, 1].map(|key| Write { key, delete: false });
    let operation = prop_oneof![
        6 => write.prop_map(|write| Operation::Write(vec![write])),
        2 => Just(Operation::Write(batch.into())),
        1 => Just(Operation::Sync),
    ];
    let returned = |durable| Event::Returned {
        durable,
        identity: None,
    };
    let end = prop_oneof![3 => Just(returned(false)), 3 => Just(returned(true)), 2 => Just(Event::Failed)];
    let life = prop::collection::vec((operation, end), 0..5);
    prop::collection::vec(life, 1..4)
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// No engine stands between: a client that goes on after a failure, and any recovered state.
    #[test]
    fn the_oracle_judges_any_recovered_state_as_the_definition_does(
        lives in lives(),
        shown in prop::collection::vec((0..2usize, prop::collection::vec(0..12u16, 2), any::<prop::sample::Index>()), 3),
    ) {
        let terms = Terms { judged: vec![Promise::D1, Promise::D2, Promise::D3, Promise::D4, Promise::D7], ..Terms::default() };
        let (mut oracle, mut history) = (Oracle::default(), History::default());
        let mut id = 0;
        for (life, (kind, values, pick)) in lives.into_iter().zip(shown) {
            let mut events = Vec::new();
            for (operation, end) in life {
                id += 1;
                events.extend([Event::Invoked(id, operation), end]);
            }
            for event in &events {
                history.observe(event);
                prop_assert_eq!(oracle.observe(event, &terms).breach, None);
            }
            // One of the legal states, or any.
            let legal: Vec<Values> = history.legal().into_iter().collect();
            let any = (0u8..).zip(values).filter(|(_, op)| (1..=id).contains(op));
            let values = match kind {
                0 => legal[pick.index(legal.len())].clone(),
                _ => any.map(|(key, op)| (key, Value::Of(op))).collect(),
            };
            let view = View { values, ..View::default() };
            oracle.observe(&Event::PowerCut { after: Some(view.clone()) }, &terms);
            let served = Event::Served { view, odd: false };
            let is_legal = history.observe(&served).expect("it was served");
            let breach = oracle.observe(&served, &terms).breach;
            prop_assert_eq!(is_legal, breach.is_none(), "{:?} {:?}", served, breach);
            if !is_legal {
                break;
            }
        }
    }
}

/// One state breaks two promises; each is named where it alone is judged.
#[test]
fn a_state_that_breaks_two_promises_is_found_by_a_judge_of_either() {
    let put = |key| Operation::Write(vec![Write { key, delete: false }]);
    let served = |values: &[(Key, OpId)]| Event::Served {
        view: View {
            values: values
                .iter()
                .map(|(key, op)| (*key, Value::Of(*op)))
                .collect(),
            ..View::default()
        },
        odd: false,
    };
    let acknowledged = Event::Returned {
        durable: true,
        identity: None,
    };
    // The first is served and never acknowledged, the second acknowledged; then both are gone.
    let events = [
        Event::Invoked(1, put(0)),
        Event::Kill,
        served(&[(0, 1)]),
        Event::Invoked(2, put(1)),
        acknowledged,
        Event::Kill,
        served(&[]),
    ];
    for judged in [Promise::D1, Promise::D7] {
        let terms = Terms {
            judged: vec![judged],
            ..Terms::default()
        };
        let mut oracle = Oracle::default();
        let breaches = events
            .iter()
            .map(|event| oracle.observe(event, &terms).breach);
        assert_eq!(breaches.last(), Some(Some(judged)));
    }
}

#[test]
fn the_walks_reach_legal_and_illegal_recoveries() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let strategy = (
        protocols(),
        prop::collection::vec((0u8..14, any::<u16>()), 60),
    );
    let (mut legal, mut illegal) = (0, 0);
    for _ in 0..500 {
        let tree = strategy.new_tree(&mut runner).expect("a strategy");
        let ((variant, sync), choices) = tree.current();
        let (l, i) = walk(&setup(variant, sync), &choices).expect("the judges agree");
        (legal, illegal) = (legal + l, illegal + i);
    }
    assert!(
        legal > 500 && illegal > 50,
        "{legal} legal, {illegal} illegal"
    );
}
