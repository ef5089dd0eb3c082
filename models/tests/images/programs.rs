//! Small random programs, and what it takes to run them on both sides.

use crate::brute::{Fault, Images, Paths, Rules, World, paths_in};
use models::disk::{Call, Disk, Failure};
use models::profile::{NAMES, Profile, SWITCHES};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// One step of a program.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Call(Call<u8>),
    /// A barrier that fails.
    Fail(String, Failure),
    Kill,
    /// The image is chosen by its index among the distinct ones, modulo their number.
    PowerCut(usize),
    /// Looks at every file, then writes: cuts off the zeros and garbage at its end, or appends.
    Recover {
        barrier: bool,
    },
}

/// Effects that a power cut decides: so many that 2^n stays affordable.
const UNDECIDED_MAX: usize = 9;

fn file() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("a"), 3 => Just("b"), 2 => Just("d/a"), 1 => Just("d/b")
    ]
    .prop_map(String::from)
}

fn directory() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(""), 2 => Just("d"), 1 => Just("e")].prop_map(String::from)
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![8 => file(), 1 => Just("d".into()), 1 => Just("e".into()), 1 => Just("e/d".into())]
}

fn call() -> impl Strategy<Value = Call<u8>> {
    let cells = proptest::collection::vec(prop_oneof![6 => 1..5_u8, 1 => Just(0)], 1..=3);
    prop_oneof![
        3 => file().prop_map(Call::Create),
        1 => directory().prop_map(Call::CreateDirectory),
        8 => (file(), 0..5_usize, cells).prop_map(|(file, at, cells)| Call::Write { file, at, cells }),
        3 => (file(), 0..6_usize).prop_map(|(file, to)| Call::SetLen { file, to }),
        3 => (any_path(), any_path()).prop_map(|(from, to)| Call::Rename { from, to }),
        2 => any_path().prop_map(Call::Remove),
        3 => file().prop_map(Call::Barrier),
        2 => file().prop_map(Call::DataBarrier),
        2 => directory().prop_map(Call::DirectoryBarrier),
    ]
}

fn failing() -> impl Strategy<Value = Step> {
    let failure = prop_oneof![
        4 => Just(Failure::DataStays),
        4 => Just(Failure::DataReverts),
        1 => Just(Failure::Abort)
    ];
    (file(), failure).prop_map(|(file, failure)| Step::Fail(file, failure))
}

fn setup() -> impl Strategy<Value = Vec<Step>> {
    let create = |path: &str| Call::Create(path.into());
    let write = |file: &str, cells: &[u8]| Call::Write {
        file: file.into(),
        at: 0,
        cells: cells.into(),
    };
    let barrier = |path: &str| Call::Barrier(path.into());
    let root = || Call::DirectoryBarrier(String::new());
    let directory = || Call::CreateDirectory("d".into());
    prop_oneof![
        1 => Just(vec![]),
        2 => Just(vec![create("a")]),
        2 => Just(vec![create("a"), barrier("a"), root()]),
        3 => Just(vec![create("a"), write("a", &[7, 8]), barrier("a"), root()]),
        2 => Just(vec![create("a"), write("a", &[7]), create("b"), write("b", &[8, 9]),
            barrier("a"), barrier("b"), root()]),
        1 => Just(vec![directory(), create("d/a"), create("a"), root()]),
        1 => Just(vec![directory(), create("d/a"), create("a"), root(), Call::DirectoryBarrier("d".into()),
            write("d/a", &[7, 8, 9]), barrier("d/a")]),
    ]
    .prop_map(|calls| calls.into_iter().map(Step::Call).collect())
}

/// A set-up, and some steps; no power cuts.
pub(crate) fn one_life() -> impl Strategy<Value = Vec<Step>> {
    let step =
        prop_oneof![20 => call().prop_map(Step::Call), 2 => failing(), 1 => Just(Step::Kill)];
    (setup(), proptest::collection::vec(step, 1..8))
        .prop_map(|(setup, steps)| [setup, steps].concat())
}

/// Several lives, most with a recovery after the power cut.
pub(crate) fn lives() -> impl Strategy<Value = Vec<Step>> {
    let cut = (
        any::<u16>(),
        prop_oneof![3 => Just(None), 4 => any::<bool>().prop_map(Some)],
    );
    let steps = proptest::collection::vec(call().prop_map(Step::Call), 0..4);
    let later = (cut, steps, proptest::option::weighted(0.2, failing()));
    (one_life(), proptest::collection::vec(later, 0..3)).prop_map(|(mut program, lives)| {
        for ((index, recover), steps, failing) in lives {
            program.push(Step::PowerCut(index.into()));
            program.extend(recover.map(|barrier| Step::Recover { barrier }));
            program.extend(steps);
            program.extend(failing);
        }
        program
    })
}

/// What a store of several files does: tables made under a temporary name that is used again and
/// again, renamed over others or not, removed; a log beside them.
pub(crate) fn store() -> impl Strategy<Value = Vec<Step>> {
    let path = |name: &str| format!("d/{name}");
    let table = || prop_oneof![Just("a"), Just("b"), Just("c")].prop_map(path);
    let temporary = move || path("tmp");
    let log = move || path("log");
    let directory = || Step::Call(Call::DirectoryBarrier("d".into()));
    let cells = || proptest::collection::vec(1..5_u8, 1..=2);
    let failure = || prop_oneof![Just(Failure::DataStays), Just(Failure::DataReverts)];
    let barrier = |file: String, failure: Option<Failure>| match failure {
        Some(failure) => Step::Fail(file, failure),
        None => Step::Call(Call::Barrier(file)),
    };
    let covered =
        move || proptest::option::weighted(0.8, proptest::option::weighted(0.15, failure()));
    let made = (
        table(),
        cells(),
        covered(),
        any::<bool>(),
        proptest::bool::weighted(0.6),
    );
    let made = made.prop_map(move |(table, cells, covered, named, durable)| {
        let write = Call::Write {
            file: temporary(),
            at: 0,
            cells,
        };
        let mut steps = vec![Step::Call(Call::Create(temporary())), Step::Call(write)];
        steps.extend(covered.map(|failure| barrier(temporary(), failure)));
        if named {
            let rename = Call::Rename {
                from: temporary(),
                to: table,
            };
            steps.push(Step::Call(rename));
        }
        steps.extend(durable.then(directory));
        steps
    });
    let written = (0..4_usize, cells(), covered()).prop_map(move |(at, cells, covered)| {
        let write = Call::Write {
            file: log(),
            at,
            cells,
        };
        let barrier = covered.map(|failure| barrier(log(), failure));
        std::iter::once(Step::Call(write)).chain(barrier).collect()
    });
    let one = |call: Call<u8>| vec![Step::Call(call)];
    let removed = prop_oneof![2 => table(), 3 => Just(temporary())].prop_map(Call::Remove);
    let steps = prop_oneof![
        4 => made,
        3 => written,
        2 => removed.prop_map(one),
        1 => (0..3_usize).prop_map(move |to| one(Call::SetLen { file: log(), to })),
        1 => Just(vec![directory()]),
        1 => Just(vec![Step::Kill]),
        1 => any::<u16>().prop_map(|index| vec![Step::PowerCut(index.into())]),
    ];
    proptest::collection::vec(steps, 1..8).prop_map(move |steps| {
        let write = |file, cells: &[u8]| Call::Write {
            file,
            at: 0,
            cells: cells.into(),
        };
        let calls = [
            Call::CreateDirectory("d".into()),
            Call::Create(log()),
            Call::Create(path("a")),
            write(log(), &[7]),
            write(path("a"), &[8, 9]),
            Call::Barrier(log()),
            Call::Barrier(path("a")),
            Call::DirectoryBarrier("d".into()),
            Call::DirectoryBarrier(String::new()),
        ];
        calls
            .map(Step::Call)
            .into_iter()
            .chain(steps.concat())
            .collect()
    })
}

fn sizes() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        Just((1, 2)),
        Just((1, 4)),
        Just((2, 2)),
        Just((2, 4)),
        Just((1, 1))
    ]
}

/// One of the six profiles.
pub(crate) fn named() -> impl Strategy<Value = Profile> {
    (proptest::sample::select(&NAMES[..]), sizes()).prop_map(|(name, (sector, block))| {
        Profile::named(name)
            .expect("a profile")
            .with_sizes(sector, block)
    })
}

/// One of the six profiles with up to four switches set anyhow.
pub(crate) fn switched() -> impl Strategy<Value = Profile> {
    let switch = (0..SWITCHES.len(), 0..4_usize);
    (named(), proptest::collection::vec(switch, 0..=4)).prop_map(|(profile, switches)| {
        switches
            .into_iter()
            .fold(profile, |profile, (switch, value)| {
                let (switch, values) = SWITCHES[switch];
                profile
                    .with(switch, values[value % values.len()])
                    .expect("a listed value")
            })
    })
}

/// What chance seldom meets: the page of a doomed write, of a call that is one with its size, is
/// written again.
pub(crate) fn rare() -> (Profile, Vec<Step>) {
    let whole_calls = Profile::posix().with_sizes(2, 2).with("R4", "yes");
    let write = |cells: &[u8]| {
        Step::Call(Call::Write {
            file: "a".into(),
            at: 0,
            cells: cells.into(),
        })
    };
    let program = vec![
        Step::Call(Call::Create("a".into())),
        write(&[1]),
        Step::Call(Call::Barrier("a".into())),
        Step::Call(Call::DirectoryBarrier(String::new())),
        write(&[2, 3]),
        Step::Fail("a".into(), Failure::DataStays),
        write(&[4]),
    ];
    (whole_calls.expect("a switch"), program)
}

/// What recovery does with what it sees.
pub(crate) fn recovery(seen: &Paths, barrier: bool) -> Vec<Call<u8>> {
    let mut calls = Vec::new();
    for (path, contents) in seen {
        let Some(contents) = contents else { continue };
        let valid = contents
            .iter()
            .take_while(|cell| (1..10).contains(*cell))
            .count();
        if valid < contents.len() {
            calls.push(Call::SetLen {
                file: path.clone(),
                to: valid,
            });
        } else {
            calls.push(Call::Write {
                file: path.clone(),
                at: valid,
                cells: vec![6],
            });
        }
        if barrier {
            calls.push(Call::Barrier(path.clone()));
        }
    }
    calls
}

/// Whether a step touches the path or what is above it.
pub(crate) fn touches(step: &Step, path: &str) -> bool {
    let near =
        |other: &str| !other.is_empty() && (path.starts_with(other) || other.ends_with("/d"));
    match step {
        Step::Call(Call::Rename { from, to }) => near(from) || near(to),
        Step::Call(call) => near(call.path()),
        Step::Fail(other, _) => near(other),
        Step::Kill | Step::PowerCut(_) | Step::Recover { .. } => false,
    }
}

/// Where two runs of a program parted: the trusted code, and the definition.
#[derive(Debug)]
#[expect(dead_code, reason = "a failing test prints it")]
pub(crate) enum Difference {
    Accepted(Call<u8>, bool, bool),
    Views {
        disks: BTreeSet<Paths>,
        worlds: BTreeSet<Paths>,
    },
    Images {
        missing: Vec<Paths>,
        invented: Vec<Paths>,
    },
}

/// A program on both sides at once. After a power cut there may be several disks behind one tree:
/// what the store gave up, which cells are holes, whether two names are one file is not in the
/// tree. All of them go on.
pub(crate) struct Run<'p> {
    profile: &'p Profile,
    fault: Fault,
    writeback: Option<Writeback>,
    disks: Vec<Disk<u8>>,
    worlds: BTreeSet<World>,
}

/// When the operating system writes back on the disk's side, one effect at a time; a power cut
/// loses what it did not get to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writeback {
    /// Before power cuts only: a cache that reverts shows who wrote back before (design, section 4).
    BeforePowerCuts,
    /// After every step.
    Always,
}

/// Disks that stand for one state of a program, beyond which a run ends.
const DISKS_MAX: usize = 300;

impl<'p> Run<'p> {
    pub(crate) fn new(profile: &'p Profile, fault: Fault) -> Self {
        Self {
            profile,
            fault,
            writeback: None,
            disks: vec![Disk::default()],
            worlds: BTreeSet::from([World::default()]),
        }
    }

    pub(crate) fn with_writeback(self, writeback: Writeback) -> Self {
        Self {
            writeback: Some(writeback),
            ..self
        }
    }

    fn rules(&self) -> Rules<'p> {
        Rules {
            profile: self.profile,
            fault: self.fault,
        }
    }

    /// Runs a program to its end, or until a power cut would decide too much.
    pub(crate) fn run(&mut self, program: &[Step]) -> Result<(), Difference> {
        for step in program {
            if self.undecided() > UNDECIDED_MAX || self.disks.len() > DISKS_MAX {
                break;
            }
            self.step(step)?;
        }
        if self.undecided() > UNDECIDED_MAX + 3 || self.disks.len() > DISKS_MAX {
            return Ok(());
        }
        self.images().map(drop)
    }

    fn undecided(&self) -> usize {
        let undecided = self.worlds.iter().map(World::undecided);
        undecided.max().unwrap_or(0)
    }

    /// The disks that writing back leads to, none or some or all of what is cached.
    fn written_back(&self) -> Vec<Disk<u8>> {
        let mut disks = self.disks.clone();
        let mut seen: HashSet<Disk<u8>> = disks.iter().cloned().collect();
        let mut next = 0;
        while let Some(disk) = disks.get(next).cloned() {
            next += 1;
            for index in disk.write_backs(self.profile) {
                let mut disk = disk.clone();
                disk.write_back(index, self.profile);
                if seen.insert(disk.clone()) {
                    disks.push(disk);
                }
            }
        }
        disks
    }

    fn step(&mut self, step: &Step) -> Result<(), Difference> {
        match step {
            Step::Call(call) => self.call(call)?,
            Step::Fail(path, failure) => self.fail(path, *failure),
            Step::Kill => {
                let rules = self.rules();
                let worlds = std::mem::take(&mut self.worlds).into_iter();
                self.worlds = worlds
                    .map(|mut world| {
                        world.kill(rules);
                        world
                    })
                    .collect();
            }
            Step::Recover { barrier } => {
                let seen = paths_in(self.disks[0].view());
                for call in recovery(&seen, *barrier) {
                    self.call(&call)?;
                }
            }
            Step::PowerCut(index) => {
                let (mut disks, mut images) = self.images()?;
                let index = index % images.len();
                let tree = images.keys().nth(index).cloned().unwrap_or_default();
                self.disks = disks.remove(&tree).unwrap_or_default();
                self.worlds = images.remove(&tree).unwrap_or_default();
            }
        }
        if self.writeback == Some(Writeback::Always) {
            self.disks = self.written_back();
        }
        self.same_view()
    }

    fn call(&mut self, call: &Call<u8>) -> Result<(), Difference> {
        let rules = self.rules();
        let mut accepted = [BTreeSet::new(), BTreeSet::new()];
        for disk in &mut self.disks {
            accepted[0].insert(disk.apply(call, self.profile).is_ok());
        }
        let worlds = std::mem::take(&mut self.worlds).into_iter();
        self.worlds = worlds
            .map(|mut world| {
                accepted[1].insert(world.call(call, rules));
                world
            })
            .collect();
        if accepted[0] != accepted[1] {
            let [disk, brute] = accepted.map(|accepted| accepted.contains(&true));
            return Err(Difference::Accepted(call.clone(), disk, brute));
        }
        Ok(())
    }

    fn fail(&mut self, path: &str, failure: Failure) {
        for disk in &mut self.disks {
            fail(disk, path, failure);
        }
        let rules = self.rules();
        let worlds = std::mem::take(&mut self.worlds).into_iter();
        self.worlds = worlds
            .map(|mut world| {
                world.fail(path, failure, rules);
                world
            })
            .collect();
    }

    fn same_view(&self) -> Result<(), Difference> {
        let disks: BTreeSet<Paths> = self
            .disks
            .iter()
            .map(|disk| paths_in(disk.view()))
            .collect();
        let worlds: BTreeSet<Paths> = self
            .worlds
            .iter()
            .map(|world| world.view(self.rules()))
            .collect();
        match disks == worlds {
            true => Ok(()),
            false => Err(Difference::Views { disks, worlds }),
        }
    }

    /// What a power cut can leave now, on both sides: the same trees.
    #[expect(clippy::type_complexity)]
    fn images(&self) -> Result<(BTreeMap<Paths, Vec<Disk<u8>>>, Images), Difference> {
        let mut disks: BTreeMap<Paths, Vec<Disk<u8>>> = BTreeMap::new();
        let written_back = match self.writeback {
            None => self.disks.clone(),
            Some(_) => self.written_back(),
        };
        for disk in &written_back {
            for (fates, image) in disk.crash_images(self.profile) {
                if self.writeback.is_some() && !disk.loses_what_is_cached(&fates) {
                    continue;
                }
                let same = disks.entry(paths_in(image.view())).or_default();
                if !same.contains(&image) {
                    same.push(image);
                }
            }
        }
        let mut images = Images::new();
        for world in &self.worlds {
            for (tree, worlds) in world.images(self.rules()) {
                images.entry(tree).or_default().extend(worlds);
            }
        }
        let missing: Vec<Paths> = images
            .keys()
            .filter(|tree| !disks.contains_key(*tree))
            .cloned()
            .collect();
        let invented: Vec<Paths> = disks
            .keys()
            .filter(|tree| !images.contains_key(*tree))
            .cloned()
            .collect();
        if missing.is_empty() && invented.is_empty() {
            Ok((disks, images))
        } else {
            Err(Difference::Images { missing, invented })
        }
    }
}

/// A disk after a program without power cuts, and what was seen after each step.
pub(crate) fn live(program: &[Step], profile: &Profile) -> (Disk<u8>, Vec<Paths>) {
    let mut disk = Disk::default();
    let mut seen = Vec::new();
    for step in program {
        match step {
            // A refused call changes nothing.
            Step::Call(call) => drop(disk.apply(call, profile)),
            Step::Fail(path, failure) => fail(&mut disk, path, *failure),
            Step::Kill | Step::PowerCut(_) | Step::Recover { .. } => {}
        }
        seen.push(paths_in(disk.view()));
    }
    (disk, seen)
}

fn fail(disk: &mut Disk<u8>, path: &str, failure: Failure) {
    if let Some(node) = disk.view().lookup(path) {
        disk.fail_barrier(node, failure);
    }
}

/// The trees that a power cut can leave now.
pub(crate) fn trees(disk: &Disk<u8>, profile: &Profile) -> BTreeSet<Paths> {
    let images = disk.crash_images(profile).into_iter();
    images.map(|(_, image)| paths_in(image.view())).collect()
}
