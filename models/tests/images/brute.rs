//! Crash images by brute force: the definition, written a second time and apart from `disk.rs`.
//!
//! A program runs on a [`World`] that never folds anything away: the objects as the last power cut
//! left them, and every effect since. What can be seen is computed anew each time; a power cut tries
//! *all* subsets of the effects that are not durable, keeps those that are downward-closed, applies
//! them in issue order and multiplies out what lost space may read. Slow, and easy to believe.
//!
//! Where the design is silent or says two things, this is how it is read here:
//!
//! A1  Edges hold between calls, and inside a call only for R3, R4, R5, R6 and R9. R20 orders writes
//!     of different calls; the pieces of one write are torn freely.
//! A2  R5 and R6 speak of each block of an append by itself: its size, and the data in that block.
//!     A sector that reaches beyond the old size is appended as a whole, however it may tear.
//! A3  R14 is about files. A directory barrier covers the names in the directory, not its own.
//! A4  R15 holds for the barrier of a directory too (both commit the one journal), and not for a
//!     data barrier.
//! A5  A failed barrier dooms the data of its own file, under R15 too. Where the cache reverts, the
//!     sizes go with the data, those of a data barrier with R16 = no included.
//! A6  What the needs of a covered effect hold is durable from then on, a doomed write to its sector
//!     included (R20): no later failure takes it away.
//! A7  Data beyond the size is there, unseen, until a smaller size cuts it off; a later growth shows it.
//! A8  Lost space is a hole that a lost write was to fill, whether or not the size that reveals it is
//!     durable. Left with zeros it is a hole still: the next lost write may leave it with garbage.
//! A9  Fills are chosen for an atom (a sector, or with R2 = no a cell) as a whole.
//! A10 A file that is cut or removed gives up what it held in the cache, what was durable in it, and
//!     every version between: what is durable with the first k effects since. A power cut that leaves
//!     a smaller size, or no name, does the same. A file with another name is not removed.
//! A11 Damage beside a write (R19 = no) strikes cells that the call does not touch, one fate for each
//!     side, and is no more once the write is durable. It orders nothing and waits for nothing.

use models::disk::{Call, Cell, Failure, Tree};
use models::profile::{AppendOrder, NameOrder, OverwriteOrder, Profile, SizeAfterData};
use std::collections::{BTreeMap, BTreeSet};

/// What a tree looks like from outside: every path, and the contents of files.
pub(crate) type Paths = BTreeMap<String, Option<Vec<u8>>>;

/// What one power cut can leave: trees, each with the worlds that show it.
pub(crate) type Images = BTreeMap<Paths, BTreeSet<World>>;

mod fault;

pub(crate) use fault::Fault;

/// The rules in force: a profile, and the mistake to make.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'p> {
    pub(crate) profile: &'p Profile,
    pub(crate) fault: Fault,
}

impl Rules<'_> {
    fn wrong(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn block(&self, cell: usize) -> usize {
        cell / self.profile.block
    }

    fn sector(&self, cell: usize) -> usize {
        cell / self.profile.sector
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Space {
    Holds(u8),
    /// A write to this hole was lost.
    Lost,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct File {
    size: usize,
    /// What was written; a cell that is not here is a hole. May lie beyond the size (A7).
    cells: BTreeMap<usize, Space>,
}

impl File {
    fn contents(&self) -> Vec<u8> {
        let cell = |i: usize| match self.cells.get(&i) {
            Some(Space::Holds(cell)) => *cell,
            _ => 0,
        };
        (0..self.size).map(cell).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    File(File),
    Directory(BTreeMap<String, usize>),
}

type Objects = BTreeMap<usize, Object>;

const ROOT: usize = 0;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Data {
        file: usize,
        at: usize,
        cells: Vec<u8>,
        /// In a sector that reaches beyond the size before the call.
        appended: bool,
        /// And in a block that was not allocated.
        fresh: bool,
    },
    /// Garbage beside a write.
    Damage { file: usize, from: usize, to: usize },
    Size {
        file: usize,
        to: usize,
        cause: Cause,
    },
    Name {
        directory: usize,
        name: String,
        target: Option<usize>,
        /// Of a rename over an existing name: the file that is moved.
        replaces_with: Option<usize>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    SetLen,
    /// To less than before.
    Truncate,
    Append,
    /// An append into a block that was not allocated.
    AppendOfBlock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Cached,
    Durable,
    Doomed,
    /// Doomed, and the cache shows what was there before.
    Reverted,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Effect {
    what: What,
    call: usize,
    state: State,
}

impl Effect {
    fn file(&self) -> Option<usize> {
        match self.what {
            What::Data { file, .. } | What::Damage { file, .. } | What::Size { file, .. } => {
                Some(file)
            }
            What::Name { .. } => None,
        }
    }

    fn is_data(&self) -> bool {
        matches!(self.what, What::Data { .. })
    }

    fn is_size(&self) -> bool {
        matches!(self.what, What::Size { .. })
    }

    fn is_name(&self) -> bool {
        matches!(self.what, What::Name { .. })
    }

    fn is_damage(&self) -> bool {
        matches!(self.what, What::Damage { .. })
    }

    fn is_doomed(&self) -> bool {
        matches!(self.state, State::Doomed | State::Reverted)
    }

    fn allocates(&self) -> bool {
        matches!(
            self.what,
            What::Size {
                cause: Cause::AppendOfBlock,
                ..
            }
        )
    }

    /// Data or a size that a write beyond the old size brought about.
    fn is_append(&self) -> bool {
        match self.what {
            What::Data { appended, .. } => appended,
            What::Size { cause, .. } => matches!(cause, Cause::Append | Cause::AppendOfBlock),
            _ => false,
        }
    }

    fn is_visible(&self, rules: Rules<'_>) -> bool {
        let hidden = self.state == State::Reverted && !rules.wrong(Fault::RevertedStaysVisible);
        !self.is_damage() && !hidden
    }
}

/// What a file gave up: a place in a block, and the sector that stood there.
type Stale = (usize, Vec<u8>);

/// Objects, and everything that happened since they were all there was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct World {
    objects: Objects,
    effects: Vec<Effect>,
    calls: usize,
    aborted: bool,
    stale: BTreeSet<Stale>,
}

impl Default for World {
    fn default() -> Self {
        Self::after(
            BTreeMap::from([(ROOT, Object::Directory(BTreeMap::new()))]),
            BTreeSet::new(),
        )
    }
}

impl World {
    fn after(objects: Objects, stale: BTreeSet<Stale>) -> Self {
        Self {
            objects,
            stale,
            effects: Vec::new(),
            calls: 0,
            aborted: false,
        }
    }

    /// How many effects a power cut decides now.
    pub(crate) fn undecided(&self) -> usize {
        self.effects
            .iter()
            .filter(|effect| effect.state != State::Durable)
            .count()
    }

    /// What a program sees.
    pub(crate) fn view(&self, rules: Rules<'_>) -> Paths {
        paths(&self.seen(rules))
    }

    fn seen(&self, rules: Rules<'_>) -> Objects {
        self.applied(rules, |effect| effect.is_visible(rules))
    }

    /// The objects with some effects applied in issue order, and the others lost.
    fn applied(&self, rules: Rules<'_>, kept: impl Fn(&Effect) -> bool) -> Objects {
        let mut objects = self.objects.clone();
        for effect in &self.effects {
            let kept = kept(effect);
            let target = match &effect.what {
                What::Name { directory, .. } => *directory,
                What::Data { file, .. } | What::Damage { file, .. } | What::Size { file, .. } => {
                    *file
                }
            };
            match (objects.get_mut(&target), &effect.what) {
                (Some(Object::File(file)), What::Data { at, cells, .. }) => {
                    for (cell, i) in cells.iter().zip(*at..) {
                        if kept {
                            if i < file.size || !rules.wrong(Fault::DataBeyondTheSizeIsDropped) {
                                file.cells.insert(i, Space::Holds(*cell));
                            }
                        } else {
                            file.cells.entry(i).or_insert(Space::Lost);
                        }
                    }
                }
                (Some(Object::File(file)), What::Damage { from, to, .. }) if kept => {
                    let garbage = u8::garbage();
                    file.cells
                        .extend((*from..*to).map(|i| (i, Space::Holds(garbage))));
                }
                (Some(Object::File(file)), What::Size { to, .. }) if kept => {
                    if !rules.wrong(Fault::CutKeepsItsTail) {
                        file.cells.retain(|i, _| i < to);
                    }
                    if rules.wrong(Fault::DurableSizesFillHoles) && effect.state == State::Durable {
                        for i in file.size..*to {
                            file.cells.entry(i).or_insert(Space::Holds(0));
                        }
                    }
                    file.size = *to;
                }
                (Some(Object::Directory(names)), What::Name { name, target, .. }) if kept => {
                    match target {
                        Some(target) => names.insert(name.clone(), *target),
                        None => names.remove(name),
                    };
                }
                _ => {}
            }
        }
        objects
    }

    /// A kill takes nothing that is in the cache.
    pub(crate) fn kill(&mut self, rules: Rules<'_>) {
        if rules.wrong(Fault::KilledCacheIsLost) {
            self.effects.retain(|effect| effect.state == State::Durable);
        }
    }

    /// Makes a call. Whether it was accepted.
    pub(crate) fn call(&mut self, call: &Call<u8>, rules: Rules<'_>) -> bool {
        self.attempt(call, rules).is_some()
    }

    fn attempt(&mut self, call: &Call<u8>, rules: Rules<'_>) -> Option<()> {
        if self.aborted && !rules.wrong(Fault::AbortForgotten) {
            return None;
        }
        let seen = self.seen(rules);
        self.calls += 1;
        match call {
            Call::Create(path) => self.create(&seen, path, Object::File(File::default())),
            Call::CreateDirectory(path) => {
                self.create(&seen, path, Object::Directory(BTreeMap::new()))
            }
            Call::Write { file, at, cells } => {
                let file = find(&seen, file)?;
                let size = file_of(&seen, file)?.size;
                self.write(file, size, *at, cells, rules);
                Some(())
            }
            Call::SetLen { file, to } => {
                let file = find(&seen, file)?;
                let size = file_of(&seen, file)?.size;
                if size != *to {
                    self.give_up(&seen, file, *to, rules);
                    let cause = match *to < size {
                        true => Cause::Truncate,
                        false => Cause::SetLen,
                    };
                    self.issue(What::Size {
                        file,
                        to: *to,
                        cause,
                    });
                }
                Some(())
            }
            Call::Rename { from, to } => self.rename(&seen, from, to, rules),
            Call::Remove(path) => {
                let gone = find(&seen, path)?;
                let (directory, name) = split(&seen, path)?;
                if matches!(&seen[&gone], Object::Directory(names) if !names.is_empty()) {
                    return None;
                }
                self.give_up_name(&seen, gone, rules);
                self.issue(What::Name {
                    directory,
                    name,
                    target: None,
                    replaces_with: None,
                });
                Some(())
            }
            Call::Barrier(path) | Call::DirectoryBarrier(path) => {
                self.barrier(find(&seen, path)?, false, rules);
                Some(())
            }
            Call::DataBarrier(path) => {
                self.barrier(find(&seen, path)?, true, rules);
                Some(())
            }
        }
    }

    fn issue(&mut self, what: What) {
        self.effects.push(Effect {
            what,
            call: self.calls,
            state: State::Cached,
        });
    }

    fn create(&mut self, seen: &Objects, path: &str, object: Object) -> Option<()> {
        let (directory, name) = split(seen, path)?;
        if find(seen, path).is_some() {
            return None;
        }
        let new = self.objects.keys().max().map_or(0, |last| last + 1);
        self.objects.insert(new, object);
        self.issue(What::Name {
            directory,
            name,
            target: Some(new),
            replaces_with: None,
        });
        Some(())
    }

    fn write(&mut self, file: usize, size: usize, at: usize, cells: &[u8], rules: Rules<'_>) {
        let end = at + cells.len();
        // Every cell of the call, sector by sector, block by block.
        let mut start = at;
        while start < end {
            let block = rules.block(start);
            let block_end = end.min((block + 1) * rules.profile.block);
            let allocated = block < size.div_ceil(rules.profile.block);
            if block_end > size {
                let cause = if allocated {
                    Cause::Append
                } else {
                    Cause::AppendOfBlock
                };
                self.issue(What::Size {
                    file,
                    to: block_end,
                    cause,
                });
            }
            while start < block_end {
                let sector = rules.sector(start) * rules.profile.sector;
                let next = sector + rules.profile.sector;
                let stop = block_end.min(next);
                if !rules.profile.power_safe_overwrite && !rules.wrong(Fault::DamageIgnored) {
                    for (from, to) in [(sector, start), (stop, next.min(size))] {
                        if from < to.min(size) {
                            self.issue(What::Damage {
                                file,
                                from,
                                to: to.min(size),
                            });
                        }
                    }
                }
                let step = if rules.profile.sector_atomic {
                    stop - start
                } else {
                    1
                };
                for piece in (start..stop).step_by(step) {
                    let cells = cells[piece - at..piece - at + step].to_vec();
                    self.issue(What::Data {
                        file,
                        at: piece,
                        cells,
                        appended: stop > size,
                        fresh: stop > size && !allocated,
                    });
                }
                start = stop;
            }
        }
    }

    fn rename(&mut self, seen: &Objects, from: &str, to: &str, rules: Rules<'_>) -> Option<()> {
        let moved = find(seen, from)?;
        let (old_directory, old_name) = split(seen, from)?;
        let (directory, name) = split(seen, to)?;
        let replaced = find(seen, to);
        if replaced == Some(moved) {
            return Some(());
        }
        // A directory replaces nothing and is not moved into itself.
        let is_file = |object| file_of(seen, object).is_some();
        if !is_file(moved)
            && (replaced.is_some() || format!("{to}/").starts_with(&format!("{from}/")))
        {
            return None;
        }
        if let Some(replaced) = replaced {
            if !is_file(replaced) {
                return None;
            }
            self.give_up_name(seen, replaced, rules);
        }
        let replaces_with = replaced.map(|_| moved);
        self.issue(What::Name {
            directory: old_directory,
            name: old_name,
            target: None,
            replaces_with,
        });
        self.issue(What::Name {
            directory,
            name,
            target: Some(moved),
            replaces_with,
        });
        Some(())
    }

    fn barrier(&mut self, object: usize, data_only: bool, rules: Rules<'_>) {
        let is_file = matches!(self.objects[&object], Object::File(_));
        let p = rules.profile;
        let r14 = p.barrier_covers_name
            && (is_file || rules.wrong(Fault::R14ForDirectories))
            && !rules.wrong(Fault::R14Ignored);
        let r15 = p.barrier_covers_all && !data_only && !rules.wrong(Fault::R15Ignored);
        let r16 = (p.data_barrier_covers_size || rules.wrong(Fault::R16Always))
            && !rules.wrong(Fault::R16Ignored);
        let covers = |effect: &Effect| {
            r15 || match &effect.what {
                What::Data { file, .. } => *file == object,
                What::Damage { .. } => false,
                What::Size { file, .. } => *file == object && (!data_only || r16),
                What::Name {
                    directory, target, ..
                } => *directory == object || (*target == Some(object) && r14 && !data_only),
            }
        };
        let needs = self.needs(rules);
        let mut durable = 0_u128;
        for (i, effect) in self.effects.iter().enumerate() {
            let open = effect.state == State::Cached
                || (effect.is_doomed() && rules.wrong(Fault::DoomedIsCovered));
            if open && !effect.is_damage() && covers(effect) {
                let all = if rules.wrong(Fault::NeedsAreNotDurable) {
                    1 << i
                } else {
                    needs[i]
                };
                durable |= all;
            }
        }
        for (i, effect) in self.effects.iter_mut().enumerate() {
            if durable >> i & 1 == 1 {
                effect.state = State::Durable;
            }
        }
        self.end_damage(rules);
    }

    /// Damage beside a durable write did not happen (A11).
    fn end_damage(&mut self, rules: Rules<'_>) {
        if rules.wrong(Fault::DamageOutlivesTheBarrier) {
            return;
        }
        let written: BTreeSet<(usize, usize, usize)> = (self.effects.iter())
            .filter(|effect| effect.state == State::Durable)
            .filter_map(|effect| match effect.what {
                What::Data { file, at, .. } => Some((effect.call, file, rules.sector(at))),
                _ => None,
            })
            .collect();
        self.effects.retain(|effect| match effect.what {
            What::Damage { file, from, .. } => {
                effect.state != State::Cached
                    || !written.contains(&(effect.call, file, rules.sector(from)))
            }
            _ => true,
        });
    }

    /// Fails a barrier. Whether there was one to fail.
    pub(crate) fn fail(&mut self, path: &str, failure: Failure, rules: Rules<'_>) -> bool {
        let seen = self.seen(rules);
        let Some(object) = find(&seen, path) else {
            return false;
        };
        let doomed = match failure {
            Failure::Abort => {
                self.aborted = true;
                return true;
            }
            Failure::DataStays => State::Doomed,
            Failure::DataReverts => State::Reverted,
        };
        if !rules.wrong(Fault::NothingIsDoomed) {
            for effect in &mut self.effects {
                let meant = !effect.is_size() || doomed == State::Reverted;
                if effect.state == State::Cached && effect.file() == Some(object) && meant {
                    effect.state = doomed;
                }
            }
        }
        true
    }

    /// Notes what a file holds that loses a name, unless it has another.
    fn give_up_name(&mut self, seen: &Objects, object: usize, rules: Rules<'_>) {
        let names = |directory| {
            names_of(seen, directory)
                .into_iter()
                .flat_map(BTreeMap::values)
        };
        if seen
            .keys()
            .copied()
            .flat_map(names)
            .filter(|found| **found == object)
            .count()
            == 1
        {
            self.give_up(seen, object, 0, rules);
        }
    }

    /// Notes what a file holds from a cell on.
    fn give_up(&mut self, seen: &Objects, object: usize, from: usize, rules: Rules<'_>) {
        let given_up = self.given_up(seen, object, from, rules);
        self.stale.extend(given_up);
    }

    /// What a file holds from a cell on: in the cache, durably, and in between (A10).
    fn given_up(
        &self,
        seen: &Objects,
        object: usize,
        from: usize,
        rules: Rules<'_>,
    ) -> BTreeSet<Stale> {
        let mut stale = BTreeSet::new();
        if !rules.profile.stale {
            return stale;
        }
        stale.extend(sectors(&contents_of(seen, object), from, rules));
        if rules.wrong(Fault::DurableContentsForgotten) {
            return stale;
        }
        for end in 0..=self.effects.len() {
            let index = std::cell::Cell::new(0);
            let version = self.applied(rules, |effect| {
                let i = index.replace(index.get() + 1);
                !effect.is_damage() && (effect.state == State::Durable || i < end)
            });
            stale.extend(sectors(&contents_of(&version, object), from, rules));
            if rules.wrong(Fault::OnlyDurableContentsAreGivenUp) {
                return stale;
            }
        }
        stale
    }

    /// Which effects each effect cannot be kept without: bit j of row i.
    fn needs(&self, rules: Rules<'_>) -> Vec<u128> {
        let n = self.effects.len();
        assert!(n <= 128, "too many effects for a bit set");
        let related = |i: usize, j: usize| requires(&self.effects, i, j, rules);
        let row = |i: usize| {
            (0..n)
                .filter(|&j| i == j || related(i, j))
                .map(|j| 1 << j)
                .sum()
        };
        let direct: Vec<u128> = (0..n).map(row).collect();
        if rules.wrong(Fault::EdgesDirectOnly) {
            return direct;
        }
        let early = rules.wrong(Fault::DoomedEdgesDropBeforeClosing);
        let mut needs = if early { direct } else { closed(direct) };
        if !rules.wrong(Fault::DoomedKeepsItsEdges) {
            for (i, row) in needs.iter_mut().enumerate() {
                for j in (0..n).filter(|&j| j != i) {
                    let (a, b) = (&self.effects[i], &self.effects[j]);
                    let page = a.is_visible(rules)
                        && b.is_visible(rules)
                        && !rules.wrong(Fault::DoomedLosesR20)
                        && j < i
                        && r20(a, b, rules);
                    if (a.is_doomed() || b.is_doomed()) && !page {
                        *row &= !(1 << j);
                    }
                }
            }
        }
        closed(needs)
    }

    /// Every world that a power cut can leave.
    pub(crate) fn images(&self, rules: Rules<'_>) -> Images {
        let needs = self.needs(rules);
        let n = self.effects.len();
        let bits = |wanted: &dyn Fn(&Effect) -> bool| -> u128 {
            (0..n)
                .filter(|&i| wanted(&self.effects[i]))
                .map(|i| 1 << i)
                .sum()
        };
        let durable = bits(&|effect| effect.state == State::Durable);
        let waits = rules.profile.data_waits_for_barrier && !rules.wrong(Fault::DataNeverWaits);
        let never = bits(&|effect| {
            waits && effect.state != State::Durable && (effect.is_data() || effect.is_damage())
        });
        let open: Vec<usize> = (0..n).filter(|&i| durable >> i & 1 == 0).collect();
        let mut found = BTreeSet::new();
        for subset in 0_u32..1 << open.len() {
            let chosen = (0..open.len())
                .filter(|k| subset >> k & 1 == 1)
                .map(|k| 1 << open[k]);
            let kept: u128 = durable | chosen.sum::<u128>();
            let downward_closed = (0..n).all(|i| kept >> i & 1 == 0 || needs[i] & !kept == 0);
            if downward_closed && kept & never == 0 {
                let index = std::cell::Cell::new(0);
                found.insert(reachable(&self.applied(rules, |_| {
                    let i = index.replace(index.get() + 1);
                    kept >> i & 1 == 1
                })));
            }
        }
        let seen = self.seen(rules);
        let mut images = Images::new();
        for objects in found {
            for objects in self.filled(objects, rules) {
                let stale = self.stale_after(&seen, &objects, rules);
                let world = World::after(objects, stale);
                images
                    .entry(paths(&world.objects))
                    .or_default()
                    .insert(world);
            }
        }
        images
    }

    /// Every way in which the lost space of these objects may read.
    fn filled(&self, objects: Objects, rules: Rules<'_>) -> Vec<Objects> {
        let p = rules.profile;
        let atom = match p.sector_atomic && !rules.wrong(Fault::FillsCellByCell) {
            true => p.sector,
            false => 1,
        };
        let mut lost: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        let mut empty = objects;
        for (&number, object) in &mut empty {
            let Object::File(file) = object else { continue };
            let size = file.size;
            file.cells.retain(|i, _| *i < size);
            for i in 0..size {
                let any = rules.wrong(Fault::HolesAreLostSpace) && !file.cells.contains_key(&i);
                if any || file.cells.get(&i) == Some(&Space::Lost) {
                    file.cells.remove(&i);
                    lost.entry((number, i / atom)).or_default().push(i);
                }
            }
            if rules.wrong(Fault::HolesForgottenAtPowerCuts) {
                for i in (0..size).filter(|i| !lost.values().any(|cells| cells.contains(i))) {
                    file.cells.entry(i).or_insert(Space::Holds(0));
                }
            }
        }
        let mut worlds = vec![empty];
        for ((number, _), cells) in lost {
            let mut fills = BTreeSet::from([vec![0; cells.len()]]);
            if p.garbage && !rules.wrong(Fault::GarbageForgotten) {
                fills.insert(vec![u8::garbage(); cells.len()]);
            }
            let stale = p.stale && !rules.wrong(Fault::StaleForgotten);
            for (place, sector) in self.stale.iter().filter(|_| stale) {
                let start = rules.sector(cells[0]) * p.sector;
                if *place == start % p.block || rules.wrong(Fault::StaleFromAnyPlace) {
                    fills.insert(cells.iter().map(|i| sector[i - start]).collect());
                }
            }
            let fill = |objects: &Objects, fill: &Vec<u8>| {
                let mut objects = objects.clone();
                if let Some(Object::File(file)) = objects.get_mut(&number)
                    && fill.iter().any(|cell| *cell != 0)
                {
                    let filled = cells.iter().zip(fill);
                    file.cells
                        .extend(filled.map(|(i, cell)| (*i, Space::Holds(*cell))));
                }
                objects
            };
            worlds = worlds
                .iter()
                .flat_map(|w| fills.iter().map(|f| fill(w, f)).collect::<Vec<_>>())
                .collect();
        }
        worlds
    }

    fn stale_after(&self, seen: &Objects, left: &Objects, rules: Rules<'_>) -> BTreeSet<Stale> {
        let mut stale = self.stale.clone();
        if rules.wrong(Fault::StaleForgottenAtPowerCuts) {
            stale.clear();
        }
        for (&number, object) in seen {
            if !matches!(object, Object::File(_)) {
                continue;
            }
            let from = file_of(left, number).map_or(0, |file| file.size);
            if rules.wrong(Fault::PowerCutsGiveUpTheCacheOnly) && rules.profile.stale {
                stale.extend(sectors(&contents_of(seen, number), from, rules));
            } else {
                stale.extend(self.given_up(seen, number, from, rules));
            }
        }
        stale
    }
}

/// Whether effect `i` cannot be kept without effect `j`, by one rule of the profile.
fn requires(effects: &[Effect], i: usize, j: usize, rules: Rules<'_>) -> bool {
    let (a, b) = (&effects[i], &effects[j]);
    if a.is_damage() || b.is_damage() {
        return false;
    }
    let p = rules.profile;
    let rule = |on: bool, ignored: Fault| on && !rules.wrong(ignored);
    let one_file = a.file().is_some() && a.file() == b.file();
    let earlier = j < i;
    let one_call = a.call == b.call;
    let r3 = rule(p.block_atomic, Fault::R3Ignored)
        && one_call
        && matches!((&a.what, &b.what), (What::Data { at, .. }, What::Data { at: other, .. })
            if rules.block(*at) == rules.block(*other));
    let r4 = rule(p.call_atomic, Fault::R4Ignored) && one_call;
    let r5_on = match p.size_after_data {
        SizeAfterData::No => false,
        SizeAfterData::NewBlocks => a.allocates(),
        SizeAfterData::Yes => true,
    };
    let r5 = rule(r5_on, Fault::R5Ignored)
        && one_call
        && b.is_append()
        && matches!((&a.what, &b.what), (What::Size { to, .. }, What::Data { at, .. })
            if rules.block(to - 1) == rules.block(*at));
    let r6_on = match p.append_order {
        AppendOrder::No => false,
        AppendOrder::NewBlocks => b.is_size() || (a.allocates() && b.is_append()),
        AppendOrder::Yes => b.is_size() || b.is_append(),
    };
    let r6 = rule(r6_on, Fault::R6Ignored) && earlier && one_file && a.is_size();
    let r7 = rule(p.append_first, Fault::R7Ignored) && earlier && !one_call && b.is_append();
    let overwrite = b.is_data() && !b.is_append();
    let set_len = b.is_size() && !b.is_append();
    let r8_on = match p.overwrite_order {
        OverwriteOrder::No => false,
        OverwriteOrder::BeforeExtend => overwrite && one_file && a.allocates(),
        OverwriteOrder::Yes => overwrite || set_len,
    };
    let r8 = rule(r8_on, Fault::R8Ignored) && earlier && !one_call;
    let r9 = rule(p.rename_atomic, Fault::RenameNotTied) && one_call && a.is_name() && b.is_name();
    let metadata = !a.is_data() && !b.is_data();
    let r10_on = match p.name_order {
        NameOrder::No => false,
        NameOrder::Names => a.is_name() && b.is_name(),
        NameOrder::Metadata => metadata,
        NameOrder::Everything => metadata || b.is_name(),
    };
    let r10 = rule(r10_on, Fault::R10Ignored) && earlier && !one_call;
    let moves =
        matches!(a.what, What::Name { replaces_with: Some(moved), .. } if b.file() == Some(moved));
    let r11 = rule(p.replace_after_data, Fault::R11Ignored) && earlier && moves;
    let r20 = earlier && r20(a, b, rules);
    let truncation = matches!(
        b.what,
        What::Size {
            cause: Cause::Truncate,
            ..
        }
    );
    let into_new_block = matches!(a.what, What::Data { fresh: true, .. });
    let r21 = rule(p.freed_blocks_wait, Fault::R21Ignored)
        && earlier
        && one_file
        && truncation
        && into_new_block;
    r3 || r4 || r5 || r6 || r7 || r8 || r9 || r10 || r11 || r20 || r21
}

/// R20: writes to one sector persist in order.
fn r20(a: &Effect, b: &Effect, rules: Rules<'_>) -> bool {
    let on = rules.profile.sector_order && !rules.wrong(Fault::R20Ignored);
    let two_calls = a.call != b.call || rules.wrong(Fault::R20InsideACall);
    let one_sector = matches!((&a.what, &b.what), (What::Data { at, .. }, What::Data { at: other, .. })
        if rules.sector(*at) == rules.sector(*other));
    on && two_calls && a.file() == b.file() && one_sector
}

/// The transitive closure.
fn closed(mut rows: Vec<u128>) -> Vec<u128> {
    loop {
        let step = |row: &u128| {
            (0..rows.len())
                .filter(|j| row >> j & 1 == 1)
                .fold(*row, |all, j| all | rows[j])
        };
        let next: Vec<u128> = rows.iter().map(step).collect();
        if next == rows {
            return rows;
        }
        rows = next;
    }
}

/// The sectors of contents from a cell on, with their place in a block; what was before it reads zero.
fn sectors(contents: &[u8], from: usize, rules: Rules<'_>) -> Vec<Stale> {
    let p = rules.profile;
    let mut given_up = vec![0; contents.len().next_multiple_of(p.sector)];
    if let Some(cells) = contents.get(from..) {
        given_up[from..contents.len()].copy_from_slice(cells);
    }
    let numbered = given_up.chunks(p.sector).enumerate();
    numbered
        .filter(|(_, sector)| sector.iter().any(|cell| *cell != 0))
        .map(|(i, sector)| (i * p.sector % p.block, sector.to_vec()))
        .collect()
}

fn file_of(objects: &Objects, number: usize) -> Option<&File> {
    match objects.get(&number)? {
        Object::File(file) => Some(file),
        Object::Directory(_) => None,
    }
}

fn contents_of(objects: &Objects, number: usize) -> Vec<u8> {
    file_of(objects, number).map_or(Vec::new(), File::contents)
}

fn names_of(objects: &Objects, number: usize) -> Option<&BTreeMap<String, usize>> {
    match objects.get(&number)? {
        Object::Directory(names) => Some(names),
        Object::File(_) => None,
    }
}

fn find(objects: &Objects, path: &str) -> Option<usize> {
    let mut at = ROOT;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = *names_of(objects, at)?.get(name)?;
    }
    Some(at)
}

/// The directory that a path is in, and its name there.
fn split(objects: &Objects, path: &str) -> Option<(usize, String)> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = find(objects, directory)?;
    names_of(objects, directory)?;
    (!name.is_empty()).then(|| (directory, name.to_string()))
}

/// What names reach, and nothing else.
fn reachable(objects: &Objects) -> Objects {
    let mut left = Objects::new();
    let mut next = vec![ROOT];
    while let Some(number) = next.pop() {
        if left.insert(number, objects[&number].clone()).is_none() {
            next.extend(
                names_of(objects, number)
                    .into_iter()
                    .flat_map(BTreeMap::values),
            );
        }
    }
    left
}

/// Every path and the object that it names. A directory below itself is not entered again.
fn paths_of(objects: &Objects) -> Vec<(String, usize)> {
    fn walk(
        objects: &Objects,
        at: usize,
        path: &str,
        above: &[usize],
        all: &mut Vec<(String, usize)>,
    ) {
        let above = [above, &[at]].concat();
        for (name, &number) in names_of(objects, at).into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}/{name}")
            };
            all.push((path.clone(), number));
            if !above.contains(&number) {
                walk(objects, number, &path, &above, all);
            }
        }
    }
    let mut all = Vec::new();
    walk(objects, ROOT, "", &[], &mut all);
    all
}

fn paths(objects: &Objects) -> Paths {
    let contents = |number: usize| file_of(objects, number).map(File::contents);
    paths_of(objects)
        .into_iter()
        .map(|(path, number)| (path, contents(number)))
        .collect()
}

/// The same of a tree of the trusted code.
pub(crate) fn paths_in(tree: &Tree<u8>) -> Paths {
    let owned = |(path, cells): (String, Option<&[u8]>)| (path, cells.map(<[u8]>::to_vec));
    tree.paths().into_iter().map(owned).collect()
}
