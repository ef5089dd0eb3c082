//! Lazy fates visit what the enumeration of crash images visits, as far as a program can tell: the same
//! programs, with looks at pieces of the disk between the steps, on both; compared are the sets of all that
//! was seen along the way and of all that is there at the end.

use crate::brute::Paths;
use crate::programs::{Step, recovery};
use models::disk::lazy::{Ask, Canonical, Choices, GivenUp, Lazy};
use models::disk::{Call, Disk, Failure, Ino};
use models::profile::Profile;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A step of a program that looks before it acts.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Step(Step),
    Look(Look),
    /// The step is taken where the last look found something that is not zero.
    IfFound(Step),
}

#[derive(Clone, Debug)]
pub(crate) enum Look {
    Exists(String),
    Names(String),
    Size(String),
    Cells(String, usize),
}

fn look() -> impl Strategy<Value = Look> {
    let path = || prop_oneof![4 => Just("a"), 3 => Just("b"), 2 => Just("d/a"), 2 => Just("d/tmp"), 2 => Just("d/log")];
    let path = move || path().prop_map(String::from);
    let directory = prop_oneof![Just(String::new()), Just("d".to_string())];
    prop_oneof![
        2 => path().prop_map(Look::Exists),
        1 => directory.prop_map(Look::Names),
        2 => path().prop_map(Look::Size),
        4 => (path(), 0..5_usize).prop_map(|(path, at)| Look::Cells(path, at)),
    ]
}

/// A program with looks in it.
pub(crate) fn looking(
    program: impl Strategy<Value = Vec<Step>>,
) -> impl Strategy<Value = Vec<Act>> {
    let looks = proptest::collection::vec((any::<u8>(), look(), any::<bool>()), 0..6);
    (program, looks).prop_map(|(program, looks)| {
        let mut acts: Vec<Act> = program.into_iter().map(Act::Step).collect();
        for (place, look, acts_on_it) in looks {
            // Most looks are after the first power cut.
            let cut = acts
                .iter()
                .position(|act| matches!(act, Act::Step(Step::PowerCut(_))));
            let first = cut.map_or(acts.len(), |cut| cut + 1);
            let place = first + usize::from(place) % (acts.len() - first + 1);
            if let (true, Some(Act::Step(step @ (Step::Call(_) | Step::Fail(..))))) =
                (acts_on_it, acts.get(place).cloned())
            {
                acts[place] = Act::IfFound(step);
            }
            acts.insert(place, Act::Look(look));
        }
        acts
    })
}

/// All that a run of a program saw.
type Seen = Vec<String>;

/// A disk to look at and to change.
trait Machine {
    fn lookup(&mut self, path: &str) -> Option<Ino>;
    fn list(&mut self, node: Ino) -> Option<Vec<String>>;
    fn size(&mut self, node: Ino) -> Option<usize>;
    fn read(&mut self, node: Ino, at: usize, len: usize) -> Vec<u8>;
    fn call(&mut self, call: &Call<u8>) -> bool;
    fn fail(&mut self, node: Ino, failure: Failure);

    fn look(&mut self, look: &Look) -> (String, bool) {
        match look {
            Look::Exists(path) => {
                let found = self.lookup(path).is_some();
                (format!("{path}: {found}"), found)
            }
            Look::Names(path) => {
                let names = self.lookup(path).and_then(|node| self.list(node));
                (
                    format!("{path}: {names:?}"),
                    names.is_some_and(|names| !names.is_empty()),
                )
            }
            Look::Size(path) => {
                let size = self.lookup(path).and_then(|node| self.size(node));
                (
                    format!("{path}: {size:?}"),
                    size.is_some_and(|size| size > 0),
                )
            }
            Look::Cells(path, at) => {
                let cells = match self.lookup(path) {
                    Some(node) if self.size(node).is_some() => self.read(node, *at, 1),
                    _ => Vec::new(),
                };
                (
                    format!("{path} {at}: {cells:?}"),
                    cells.iter().any(|cell| *cell != 0),
                )
            }
        }
    }

    /// Everything, the last names first.
    fn everything(&mut self) -> Paths {
        let mut paths = Paths::new();
        let root = self.lookup("").expect("a root");
        let mut open = vec![(String::new(), root, vec![root])];
        while let Some((path, node, above)) = open.pop() {
            for name in self.list(node).unwrap_or_default().into_iter().rev() {
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}/{name}")
                };
                let node = self.lookup(&path).expect("a listed name");
                match self.size(node) {
                    Some(size) => {
                        // Backwards, to read in another order than it was written.
                        let mut cells = Vec::new();
                        for at in (0..size).rev() {
                            cells.extend(self.read(node, at, 1));
                        }
                        cells.reverse();
                        paths.insert(path, Some(cells));
                    }
                    None => {
                        paths.insert(path.clone(), None);
                        if !above.contains(&node) {
                            open.push((path, node, [&above[..], &[node]].concat()));
                        }
                    }
                }
            }
        }
        paths
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call(call) => drop(self.call(call)),
            Step::Fail(path, failure) => {
                if let Some(node) = self.lookup(path) {
                    self.fail(node, *failure);
                }
            }
            Step::Recover { barrier } => {
                for call in recovery(&self.everything(), *barrier) {
                    self.call(&call);
                }
            }
            Step::Kill | Step::PowerCut(_) => {}
        }
    }
}

struct Eager<'a>(&'a mut Disk<u8>, &'a Profile);

impl Machine for Eager<'_> {
    fn lookup(&mut self, path: &str) -> Option<Ino> {
        self.0.view().lookup(path)
    }
    fn list(&mut self, node: Ino) -> Option<Vec<String>> {
        Some(
            self.0
                .view()
                .entries(node)?
                .keys()
                .map(ToString::to_string)
                .collect(),
        )
    }
    fn size(&mut self, node: Ino) -> Option<usize> {
        Some(self.0.view().cells(node)?.len())
    }
    fn read(&mut self, node: Ino, at: usize, len: usize) -> Vec<u8> {
        let cells = self.0.view().cells(node).unwrap_or_default();
        cells.iter().skip(at).take(len).copied().collect()
    }
    fn call(&mut self, call: &Call<u8>) -> bool {
        self.0.apply(call, self.1).is_ok()
    }
    fn fail(&mut self, node: Ino, failure: Failure) {
        self.0.fail_barrier(node, failure);
    }
}

struct Undecided<'a>(&'a mut Lazy<u8>, Ask<'a>);

impl Machine for Undecided<'_> {
    fn lookup(&mut self, path: &str) -> Option<Ino> {
        self.0.lookup(path, &mut self.1)
    }
    fn list(&mut self, node: Ino) -> Option<Vec<String>> {
        let names = self.0.list(node, &mut self.1)?;
        Some(names.iter().map(ToString::to_string).collect())
    }
    fn size(&mut self, node: Ino) -> Option<usize> {
        self.0.size(node, &mut self.1)
    }
    fn read(&mut self, node: Ino, at: usize, len: usize) -> Vec<u8> {
        self.0.read(node, at, len, &mut self.1).to_vec()
    }
    fn call(&mut self, call: &Call<u8>) -> bool {
        self.0.apply(call, &mut self.1).is_ok()
    }
    fn fail(&mut self, node: Ino, failure: Failure) {
        self.0.fail_barrier(node, failure);
    }
}

/// Takes a step, and says what was seen.
fn act(machine: &mut impl Machine, act: &Act, found: &mut bool, seen: &mut Seen) {
    match act {
        Act::Step(step) => machine.step(step),
        Act::Look(look) => {
            let (text, is_there) = machine.look(look);
            *found = is_there;
            seen.push(text);
        }
        Act::IfFound(step) if *found => machine.step(step),
        Act::IfFound(_) => {}
    }
}

/// More than this is too large for a test.
const MANY: usize = 4_000;
const UNDECIDED_MAX: usize = 8;

/// Everything that a program can see, by the enumeration of images. `None`: too much.
pub(crate) fn eagerly(program: &[Act], profile: &Profile) -> Option<BTreeSet<(Seen, Paths)>> {
    let mut states = HashSet::from([(Disk::default(), false, Seen::new())]);
    for next in program {
        let mut after = HashSet::new();
        for (mut disk, mut found, mut seen) in states {
            if let Act::Step(Step::PowerCut(_)) = next {
                if disk.log().len() > UNDECIDED_MAX {
                    return None;
                }
                let images = disk.crash_images(profile).into_iter();
                after.extend(images.map(|(_, image)| (image, found, seen.clone())));
            } else {
                act(&mut Eager(&mut disk, profile), next, &mut found, &mut seen);
                after.insert((disk, found, seen));
            }
            if after.len() > MANY {
                return None;
            }
        }
        states = after;
    }
    let end = |(mut disk, _, seen)| (seen, Eager(&mut disk, profile).everything());
    Some(states.into_iter().map(end).collect())
}

/// The same with lazy fates, and how many runs that took. Where two runs leave disks that are said to have
/// the same future, their futures are compared too.
pub(crate) fn lazily(
    program: &[Act],
    profile: &Profile,
) -> Option<(BTreeSet<(Seen, Paths)>, usize)> {
    let (mut choices, mut all, mut runs) = (Choices::default(), BTreeSet::new(), 0);
    let mut futures: HashMap<(Canonical<u8>, GivenUp<u8>), BTreeSet<Paths>> = HashMap::new();
    loop {
        let (mut lazy, mut found, mut seen) = (Lazy::from(Disk::default()), false, Seen::new());
        for next in program {
            if let Act::Step(Step::PowerCut(_)) = next {
                lazy = lazy.power_cut(profile);
            } else {
                let choices = &mut choices;
                let mut machine = Undecided(&mut lazy, Ask { profile, choices });
                act(&mut machine, next, &mut found, &mut seen);
            }
        }
        if lazy.known().log().len() <= UNDECIDED_MAX && runs < 40 {
            lazy = lazy.collapsed(profile);
            let future = future(&lazy, profile)?;
            let known = futures
                .entry((lazy.canonical(), lazy.given_up()))
                .or_insert_with(|| future.clone());
            assert_eq!(*known, future, "one future for two");
        }
        let choices_here = &mut choices;
        let mut machine = Undecided(
            &mut lazy,
            Ask {
                profile,
                choices: choices_here,
            },
        );
        all.insert((seen, machine.everything()));
        runs += 1;
        if runs > MANY * 4 {
            return None;
        }
        if choices.advance().is_none() {
            return Some((all, runs));
        }
    }
}

/// What can be there after another power cut.
fn future(lazy: &Lazy<u8>, profile: &Profile) -> Option<BTreeSet<Paths>> {
    let cut = lazy.clone().power_cut(profile);
    let (mut choices, mut all, mut runs) = (Choices::default(), BTreeSet::new(), 0);
    loop {
        let mut lazy = cut.clone();
        let ask = Ask {
            profile,
            choices: &mut choices,
        };
        all.insert(Undecided(&mut lazy, ask).everything());
        runs += 1;
        if runs > MANY {
            return None;
        }
        if choices.advance().is_none() {
            return Some(all);
        }
    }
}

/// Two disks whose power cut left a masked write open are compared by what the mask leaves of it.
#[test]
fn what_is_open_is_masked_too() {
    let profile = Profile::named("xfs").expect("a profile");
    let cut = |number: u8, rest: u8| {
        let (mut lazy, mut choices) = (Lazy::from(Disk::default()), Choices::default());
        let mut ask = Ask {
            profile: &profile,
            choices: &mut choices,
        };
        let write = |cells: [u8; 2]| Call::Write {
            file: "a".into(),
            at: 0,
            cells: cells.into(),
        };
        let calls = [
            Call::Create("a".into()),
            write([1, 1]),
            Call::Barrier("a".into()),
            write([number, rest]),
        ];
        for call in calls {
            lazy.apply(&call, &mut ask).expect("it is done");
        }
        let open = lazy.power_cut(&profile);
        let masked = open.masked(|_, cells| cells[0] = 0);
        (open.canonical(), masked.expect("it is masked").canonical())
    };
    let ((one, masked_one), (other, masked_other)) = (cut(2, 2), cut(3, 2));
    assert_ne!(one, other);
    assert_eq!(masked_one, masked_other);
    assert_ne!(cut(2, 3).1, masked_one);
}
