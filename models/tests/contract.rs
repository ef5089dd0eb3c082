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
use models::protocol::Protocol;
use models::wal::as_found::Assumed;
use models::wal::group::{self, Group};
use models::wal::{Layout, SyncMode, Variant, Wal};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

type Values = BTreeMap<Key, Value>;

/// A write that a client asked for.
struct Asked {
    id: OpId,
    writes: Vec<Write>,
    returned: bool,
    acknowledged: bool,
}

/// The judge by definition: what was last served, and every operation of this life in full, in order of invocation.
#[derive(Default)]
struct History {
    served: Values,
    life: Vec<Asked>,
    /// Operations that have no answer yet, in this life.
    waiting: Vec<OpId>,
}

impl History {
    /// `Some(legal)` where a recovery served something.
    fn observe(&mut self, event: &Event) -> Option<bool> {
        match event {
            Event::Invoked(id, operation) => {
                self.waiting.push(*id);
                if let Operation::Write(writes) = operation {
                    self.life.push(Asked {
                        id: *id,
                        writes: writes.clone(),
                        returned: false,
                        acknowledged: false,
                    });
                }
            }
            Event::Returned { op, durable, .. } => {
                self.waiting.retain(|waiting| waiting != op);
                for asked in &mut self.life {
                    asked.returned |= asked.id == *op;
                    asked.acknowledged |= asked.returned && *durable;
                }
            }
            Event::Failed(op) => self.waiting.retain(|waiting| waiting != op),
            Event::Refused(op) => {
                self.waiting.retain(|waiting| waiting != op);
                self.life.retain(|asked| asked.id != *op);
            }
            Event::PowerCut { .. } | Event::Kill | Event::Reopened => self.waiting.clear(),
            Event::Served { view, .. } => {
                let legal = self.legal().contains(&view.values);
                self.served = view.values.clone();
                self.life.clear();
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
                let taken = |i: usize| i < prefix && choice & (1 << i) != 0;
                let is_legal = (self.life.iter().enumerate()).all(|(i, asked)| {
                    let complete = i >= prefix || !asked.returned || taken(i);
                    complete && (!asked.acknowledged || taken(i))
                });
                if is_legal {
                    let mut view = View {
                        values: self.served.clone(),
                        ..View::default()
                    };
                    for (i, asked) in self.life.iter().enumerate() {
                        if taken(i) {
                            view.apply(asked.id, &asked.writes);
                        }
                    }
                    legal.insert(view.values);
                }
            }
        }
        legal
    }
}

fn log(variant: Variant, sync: SyncMode) -> Wal {
    Wal {
        variant,
        sync,
        layout: Layout::Small { head: 1, write: 1 },
        preallocate: 0,
    }
}

fn setup<P: Protocol>(protocol: P, writers: u8) -> Setup<P> {
    let judged = Promise::CONTRACT.into_iter();
    let other = [Promise::D6, Promise::D8, Promise::D9, Promise::D10];
    Setup {
        ground: Ground {
            protocol,
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
            writers,
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

/// What a random walk met.
#[derive(Default)]
struct Met {
    legal: usize,
    illegal: usize,
    /// How many operations were in progress at once, at most.
    at_once: usize,
}

/// A random walk of that many moves.
fn walk<P: Protocol>(setup: &Setup<P>, choices: &[(u8, u16)]) -> Result<Met, TestCaseError> {
    let alphabet = setup.bounds.alphabet();
    let mut run = Run::new(setup);
    let mut history = History::default();
    let mut met = Met::default();
    for &(kind, pick) in choices {
        let pick = usize::from(pick);
        let next = match kind {
            0..=6 if !run.process.steps.is_empty() => Move::Step,
            0..=9 if history.life.len() >= 8 && !run.process.steps.is_empty() => Move::Step,
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
        let made = run.make(&next).or_else(|| run.make(&Move::Step));
        let Some(events) = made else {
            continue;
        };
        met.at_once = met.at_once.max(run.oracle.in_progress());
        for event in &events {
            if let Some(is_legal) = history.observe(event) {
                prop_assert_eq!(is_legal, run.breach.is_none(), "{:?}", (event, run.breach));
                if !is_legal {
                    met.illegal += 1;
                    return Ok(met);
                }
                met.legal += 1;
            }
        }
        prop_assert_eq!(run.breach, None, "a breach where nothing was served");
    }
    Ok(met)
}

fn modes() -> impl Strategy<Value = SyncMode> {
    let modes = vec![SyncMode::Every, SyncMode::EveryN(2), SyncMode::Never];
    prop::sample::select(modes)
}

fn groups() -> impl Strategy<Value = (Group, u8)> {
    let variants = vec![
        group::Variant::Durable,
        group::Variant::CoveredByRunning,
        group::Variant::AcknowledgedWhenWritten,
        group::Variant::BarrierRetried,
        group::Variant::MarkOfStaged,
        group::Variant::FirstBatchOfMany,
    ];
    // Mistakes of recovery are the log's.
    let logs = prop::sample::select(vec![
        Variant::Durable,
        Variant::NoGeneration,
        Variant::CacheTrusted,
        Variant::NoEndMark,
    ]);
    let group = (prop::sample::select(variants), logs, modes());
    let group = group.prop_map(|(variant, below, sync)| Group {
        variant,
        log: log(below, sync),
    });
    (group, 2u8..4)
}

fn protocols() -> impl Strategy<Value = Wal> {
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
    (prop::sample::select(variants), modes()).prop_map(|(variant, sync)| log(variant, sync))
}

fn choices() -> impl Strategy<Value = Vec<(u8, u16)>> {
    prop::collection::vec((0u8..14, any::<u16>()), 1..60)
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
        protocol in protocols(),
        choices in choices(),
    ) {
        walk(&setup(protocol, 1), &choices)?;
    }

    #[test]
    fn the_oracle_judges_several_writers_as_the_definition_does(
        (group, writers) in groups(),
        choices in choices(),
    ) {
        walk(&setup(group, writers), &choices)?;
    }
}

/// How an operation ends, if it does.
#[derive(Clone, Copy, Debug)]
enum End {
    Returned { durable: bool },
    Failed,
    Never,
}

/// An operation, how it ends, and how many others are invoked before it does; the last number orders ends at one time.
type Invoked = (Operation, End, usize, u8);

/// What a client does in one life.
fn lives() -> impl Strategy<Value = Vec<Vec<Invoked>>> {
    let write = (0..2u8, any::<bool>()).prop_map(|(key, delete)| Write { key, delete });
    let batch = [0, 1].map(|key| Write { key, delete: false });
    let operation = prop_oneof![
        6 => write.prop_map(|write| Operation::Write(vec![write])),
        2 => Just(Operation::Write(batch.into())),
        1 => Just(Operation::Sync),
    ];
    let returned = |durable| End::Returned { durable };
    let end = prop_oneof![3 => Just(returned(false)), 3 => Just(returned(true)), 2 => Just(End::Failed), 1 => Just(End::Never)];
    let wait = prop_oneof![2 => Just(0), 1 => 0..4usize];
    let life = prop::collection::vec((operation, end, wait, any::<u8>()), 0..5);
    prop::collection::vec(life, 1..4)
}

/// What happens in a life whose first operation is the one after that.
fn events_of(life: Vec<Invoked>, last: OpId) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, (operation, end, wait, order)) in life.into_iter().enumerate() {
        let op = last + 1 + OpId::try_from(place).expect("a few");
        events.push(((place, 0, 0), Event::Invoked(op, operation)));
        let end = match end {
            End::Returned { durable } => Event::Returned {
                op,
                durable,
                identity: None,
            },
            End::Failed => Event::Failed(op),
            End::Never => continue,
        };
        events.push(((place + wait, 1, order), end));
    }
    events.sort_by_key(|(when, _)| *when);
    events.into_iter().map(|(_, event)| event).collect()
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// No engine stands between: a client with several operations in progress that goes on after a failure, and any
    /// recovered state.
    #[test]
    fn the_oracle_judges_any_recovered_state_as_the_definition_does(
        lives in lives(),
        shown in prop::collection::vec((0..2usize, prop::collection::vec(0..12u16, 2), any::<prop::sample::Index>()), 3),
    ) {
        let terms = Terms { judged: vec![Promise::D1, Promise::D2, Promise::D3, Promise::D4, Promise::D7], ..Terms::default() };
        let (mut oracle, mut history) = (Oracle::default(), History::default());
        let mut id = 0;
        for (life, (kind, values, pick)) in lives.into_iter().zip(shown) {
            let asked = life.len();
            for event in events_of(life, id) {
                history.observe(&event);
                prop_assert_eq!(oracle.observe(&event, &terms).breach, None);
                prop_assert_eq!(oracle.in_progress(), history.waiting.len());
            }
            id += OpId::try_from(asked).expect("a few");
            // One of the legal states, or any.
            let legal: Vec<Values> = history.legal().into_iter().collect();
            let any = (0u8..).zip(values).filter(|(_, op)| (1..=id).contains(op));
            let values = match kind {
                0 => legal[pick.index(legal.len())].clone(),
                _ => any.map(|(key, op)| (key, Value::Of(op))).collect(),
            };
            let view = View { values, ..View::default() };
            let cut = Event::PowerCut { after: Some(view.clone()) };
            history.observe(&cut);
            oracle.observe(&cut, &terms);
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

/// Else there were a gap: the second is promised, and the first said Ok.
#[test]
fn an_ok_that_comes_late_is_promised_with_what_was_invoked_later() {
    let put = |key| Operation::Write(vec![Write { key, delete: false }]);
    let returned = |op, durable| Event::Returned {
        op,
        durable,
        identity: None,
    };
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
    let asked = [Event::Invoked(1, put(0)), Event::Invoked(2, put(1))];
    let terms = Terms {
        judged: Promise::CONTRACT.to_vec(),
        ..Terms::default()
    };
    for is_told in [false, true] {
        let mut oracle = Oracle::default();
        let mut breach = None;
        let told = is_told.then(|| returned(1, false));
        let events = asked.iter().cloned().chain([returned(2, true)]).chain(told);
        for event in events.chain([Event::Kill, served(&[(1, 2)])]) {
            breach = breach.or(oracle.observe(&event, &terms).breach);
        }
        assert_eq!(breach.is_some(), is_told);
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
        op: 2,
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

/// What so many random walks meet.
fn met_by<P: Protocol>(setups: impl Strategy<Value = Setup<P>>) -> Met {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let moves = prop::collection::vec((0u8..14, any::<u16>()), 60);
    let strategy = (setups, moves);
    let mut all = Met::default();
    for _ in 0..1_000 {
        let tree = strategy.new_tree(&mut runner).expect("a strategy");
        let (setup, choices) = tree.current();
        let met = walk(&setup, &choices).expect("the judges agree");
        all.legal += met.legal;
        all.illegal += met.illegal;
        all.at_once = all.at_once.max(met.at_once);
    }
    all
}

#[test]
fn the_walks_reach_legal_and_illegal_recoveries() {
    let one = met_by(protocols().prop_map(|log| setup(log, 1)));
    let several = met_by(groups().prop_map(|(group, writers)| setup(group, writers)));
    for met in [&one, &several] {
        let (legal, illegal) = (met.legal, met.illegal);
        assert!(
            legal > 500 && illegal > 20,
            "{legal} legal, {illegal} illegal"
        );
    }
    assert_eq!((one.at_once, several.at_once), (1, 3));
}
