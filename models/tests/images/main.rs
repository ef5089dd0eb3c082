//! The crash images of the disk are those of the definition.
//!
//! [`brute`] is the definition written a second time; [`programs`] makes small programs up. Beside
//! the comparison: what must hold of any profile and any program (design, section 4).

mod brute;
mod lazy;
mod programs;

use brute::{Fault, Paths};
use lazy::{Act, eagerly, lazily, looking};
use models::disk::lazy::Lazy;
use models::disk::{Call, Failure};
use models::profile::{Profile, SWITCHES};
use programs::{
    Run, Step, Writeback, live, lives, named, one_life, rare, store, switched, touches, trees,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        // PROPTEST_CASES asks for more, not for less.
        cases: cases.max(ProptestConfig::default().cases),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        max_global_rejects: cases.max(ProptestConfig::default().cases),
        ..ProptestConfig::default()
    }
}

fn compare(profile: &Profile, program: &[Step]) -> Result<(), TestCaseError> {
    let same = Run::new(profile, Fault::None).run(program);
    prop_assert!(same.is_ok(), "{:?}", same.err());
    Ok(())
}

proptest! {
    #![proptest_config(cases(8_000))]

    /// Also: what is seen is the same after every step, kills included; the same calls are refused.
    #[test]
    fn the_six_profiles_have_the_images_of_the_definition(profile in named(), program in lives()) {
        compare(&profile, &program)?;
    }

    #[test]
    fn a_store_of_several_files_has_the_images_of_the_definition(
        profile in prop_oneof![named(), switched()],
        program in store(),
    ) {
        compare(&profile, &program)?;
    }

    #[test]
    fn profiles_switched_anyhow_have_the_images_of_the_definition(
        profile in switched(),
        program in lives(),
    ) {
        compare(&profile, &program)?;
    }
}

/// A profile and a program for the twin: a write that was written back has damaged nothing there, and
/// what a sector of several cells held is a history that depends on what was written back.
fn for_the_twin(profile: Profile, program: &[Step]) -> (Profile, Writeback) {
    let cells = if profile.stale { 1 } else { profile.sector };
    let block = profile.block;
    let profile = profile.with_sizes(cells, block).with("R19", "yes");
    let reverts = |step: &Step| matches!(step, Step::Fail(_, Failure::DataReverts));
    let when = match program.iter().any(reverts) {
        true => Writeback::BeforePowerCuts,
        false => Writeback::Always,
    };
    (profile.expect("a switch"), when)
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn writing_back_one_effect_at_a_time_leads_to_the_images_of_the_definition(
        profile in prop_oneof![named(), switched()],
        program in lives(),
    ) {
        let (profile, when) = for_the_twin(profile, &program);
        let same = Run::new(&profile, Fault::None).with_writeback(when).run(&program);
        prop_assert!(same.is_ok(), "{:?} {:?}", when, same.err());
    }
}

fn visit_the_same(profile: &Profile, program: &[Act]) -> Result<(), TestCaseError> {
    let (Some(eager), Some((lazy, _))) = (eagerly(program, profile), lazily(program, profile))
    else {
        return Err(TestCaseError::reject("too large"));
    };
    let missing: Vec<_> = eager.difference(&lazy).collect();
    let invented: Vec<_> = lazy.difference(&eager).collect();
    prop_assert!(
        missing.is_empty() && invented.is_empty(),
        "missing: {missing:?}\ninvented: {invented:?}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn lazy_fates_show_a_program_what_all_images_show_it(
        profile in named(),
        program in looking(lives()),
    ) {
        visit_the_same(&profile, &program)?;
    }

    #[test]
    fn lazy_fates_show_a_store_what_all_images_show_it(
        profile in prop_oneof![named(), switched()],
        program in looking(store()),
    ) {
        visit_the_same(&profile, &program)?;
    }

    #[test]
    fn lazy_fates_of_profiles_switched_anyhow_show_what_all_images_show(
        profile in switched(),
        program in looking(lives()),
    ) {
        visit_the_same(&profile, &program)?;
    }
}

/// Bounded and without chance: a count that says that it is not exact has its reason.
#[test]
fn most_counts_are_exact() {
    let mut runner = TestRunner::deterministic();
    let (mut exact, mut large, mut all) = (0, 0, 0);
    for _ in 0..2_000 {
        let case = (named(), store()).new_tree(&mut runner);
        let (profile, program) = case.expect("a case").current();
        let count = live(&program, &profile)
            .0
            .count_crash_images(&profile, usize::MAX);
        all += 1;
        exact += usize::from(count.exact);
        large += usize::from(count.images > 100.0);
    }
    assert!(
        exact * 10 >= all * 7 && large > 5,
        "{exact} exact, {large} large of {all}"
    );
}

/// Bounded and without chance: were the lazy side to read one switch of a profile otherwise than the
/// enumeration does, a program would show it.
#[test]
fn every_switch_that_one_side_reads_otherwise_would_be_seen() {
    let mut runner = TestRunner::deterministic();
    let mut unseen: Vec<&str> = SWITCHES.iter().map(|(switch, _)| *switch).collect();
    let values = |switch: &str| {
        SWITCHES
            .iter()
            .find(|(name, _)| *name == switch)
            .map(|(_, values)| *values)
    };
    for _ in 0..4_000 {
        let case = (switched(), looking(lives())).new_tree(&mut runner);
        let (profile, program) = case.expect("a case").current();
        unseen.retain(|switch| {
            let with = |value: &str| profile.clone().with(switch, value).expect("a listed value");
            let all = values(switch).unwrap_or_default();
            let (one, other) = (with(all[0]), with(all[all.len() - 1]));
            match (eagerly(&program, &one), lazily(&program, &other)) {
                (Some(eager), Some((lazy, _))) => eager == lazy,
                _ => true,
            }
        });
    }
    assert_eq!(unseen, Vec::<&str>::new());
}

/// Bounded and without chance: the same programs at every run.
#[test]
fn every_mistake_in_the_definition_would_be_seen() {
    let mut runner = TestRunner::deterministic();
    let random = std::iter::from_fn(|| {
        let case = (switched(), lives()).new_tree(&mut runner);
        Some(case.expect("a case").current())
    });
    let mut unseen = Fault::ALL.to_vec();
    // Two that the twin does not know, and two that chance does not meet in sectors of one cell.
    let beside = [Fault::DamageIgnored, Fault::DamageOutlivesTheBarrier];
    let seldom = [Fault::DoomedLosesR20, Fault::OnlyDurableContentsAreGivenUp];
    let mut unseen_by_the_twin = unseen.clone();
    unseen_by_the_twin.retain(|fault| !beside.contains(fault) && !seldom.contains(fault));
    for (profile, program) in std::iter::once(rare()).chain(random).take(8_000) {
        unseen.retain(|&fault| Run::new(&profile, fault).run(&program).is_ok());
        assert!(Run::new(&profile, Fault::None).run(&program).is_ok());
        let (profile, when) = for_the_twin(profile, &program);
        let twin = |fault| Run::new(&profile, fault).with_writeback(when);
        unseen_by_the_twin.retain(|&fault| twin(fault).run(&program).is_ok());
    }
    assert_eq!(unseen, []);
    assert_eq!(unseen_by_the_twin, []);
}

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn taking_a_guarantee_away_removes_no_image(
        profile in switched(),
        program in one_life(),
        switch in 0..SWITCHES.len(),
        value in 1..4_usize,
    ) {
        // Where data waits for a barrier, covering less takes away the image that shows it: the one
        // switch that is no implication, off in every profile.
        let profile = profile.with("data-waits-for-barrier", "no").expect("a switch");
        // In sectors of several cells, a profile that made less durable may have given up other
        // mixtures of old and new: what a sector held is a history, not a set of implications.
        let cells = if profile.stale { 1 } else { profile.sector };
        let block = profile.block;
        let profile = profile.with_sizes(cells, block);
        let (switch, values) = SWITCHES[switch];
        let value = 1 + value % (values.len() - 1);
        let strong = profile.clone().with(switch, values[value]).expect("a switch");
        let weak = profile.with(switch, values[value - 1]).expect("a switch");
        let ((strong_disk, strong_seen), (weak_disk, weak_seen)) =
            (live(&program, &strong), live(&program, &weak));
        // A barrier that covered less leaves more for a later failure to revert: two programs.
        prop_assume!(strong_seen == weak_seen);
        prop_assume!(weak_disk.log().len() <= 14);
        let removed: Vec<Paths> = trees(&strong_disk, &strong)
            .difference(&trees(&weak_disk, &weak))
            .cloned()
            .collect();
        prop_assert_eq!(removed, Vec::<Paths>::new());
    }
    #[test]
    fn every_profile_lies_between_strict_and_posix(profile in named(), program in one_life()) {
        let of = |name: &str| {
            let named = Profile::named(name).expect("a profile");
            let cells = if profile.stale { 1 } else { profile.sector };
            let named = named.with_sizes(cells, profile.block);
            let (disk, seen) = live(&program, &named);
            (disk.log().len() <= 14).then(|| (trees(&disk, &named), seen))
        };
        let (Some(strict), Some(middle), Some(posix)) = (of("strict"), of(&profile.name), of("posix"))
        else {
            return Err(TestCaseError::reject("too large"));
        };
        prop_assume!(strict.1 == middle.1 && middle.1 == posix.1);
        prop_assert!(strict.0.is_subset(&middle.0), "{:?}", strict.0.difference(&middle.0));
        prop_assert!(middle.0.is_subset(&posix.0), "{:?}", middle.0.difference(&posix.0));
    }

    #[test]
    fn a_crash_with_the_fates_of_an_image_leaves_that_image(
        profile in switched(),
        program in one_life(),
    ) {
        let (disk, _) = live(&program, &profile);
        prop_assume!(disk.log().len() <= 14);
        for (fates, image) in disk.crash_images(&profile) {
            prop_assert_eq!(disk.crash(&fates, &profile), image, "{:?}", fates);
        }
    }

    #[test]
    fn images_are_counted_without_making_them(
        profile in prop_oneof![named(), switched()],
        program in prop_oneof![one_life(), store()],
        steps in prop_oneof![5 => Just(usize::MAX), 1 => 0..20_usize],
    ) {
        let (disk, _) = live(&program, &profile);
        prop_assume!(disk.log().len() <= 14);
        let (count, images) = (disk.count_crash_images(&profile, steps), disk.crash_images(&profile).len());
        match count.exact {
            true => prop_assert_eq!(count.images, images as f64),
            false => prop_assert!(1.0 <= count.images && count.images <= images as f64, "{:?}, {}", count, images),
        }
        // Where lost space reads zeros only, each image takes fates of its own.
        let filled = profile.garbage || profile.stale;
        let (ways, all) = Lazy::from(disk).power_cut(&profile).canonical().ways();
        prop_assert!(!all || filled || images as f64 <= ways, "{} ways, {} images", ways, images);
    }

    /// K1.
    #[test]
    fn what_completed_barriers_covered_is_in_every_later_image(
        profile in switched(),
        before in one_life(),
        after in one_life(),
        file in proptest::sample::select(vec!["a", "b", "d/a"]),
    ) {
        let fails = |step: &Step| matches!(step, Step::Fail(..));
        let mut program: Vec<Step> = before.into_iter().filter(|step| !fails(step)).collect();
        let (directory, _) = file.rsplit_once('/').unwrap_or(("", file));
        let covering = [Call::CreateDirectory("d".into()), Call::Create(file.into()),
            Call::Barrier(file.into()), Call::DirectoryBarrier(directory.into()),
            Call::DirectoryBarrier(String::new())];
        program.extend(covering.map(Step::Call));
        let (covered, _) = live(&program, &profile);
        prop_assume!(covered.view().file(file).is_some());
        program.extend(after.into_iter().filter(|step| !touches(step, file)));
        let (disk, _) = live(&program, &profile);
        prop_assume!(disk.log().len() <= 14);
        for image in trees(&disk, &profile) {
            let found = image.get(file).cloned().flatten();
            prop_assert_eq!(found.as_deref(), covered.view().file(file));
        }
    }

    /// K4.
    #[test]
    fn doomed_data_is_durable_only_when_it_is_written_again(
        profile in switched(),
        (at, cells) in (0..4_usize, proptest::collection::vec(5..9_u8, 1..=2)),
        failure in proptest::sample::select(vec![Failure::DataStays, Failure::DataReverts]),
        barriers in proptest::collection::vec(0..3_usize, 0..4),
    ) {
        let file = || "a".to_string();
        let all = [Call::Barrier(file()), Call::DataBarrier(file()), Call::DirectoryBarrier(String::new())];
        let write = |at, cells: &[u8]| Call::Write { file: file(), at, cells: cells.into() };
        let old = [1, 2, 3, 4];
        let durable = [Call::Create(file()), write(0, &old), all[0].clone(), all[2].clone()];
        let mut program: Vec<Step> = durable.map(Step::Call).into();
        program.push(Step::Call(write(at, &cells)));
        program.push(Step::Fail(file(), failure));
        program.extend(barriers.iter().map(|&i| Step::Call(all[i].clone())));
        let read = |program: &[Step]| -> Vec<Vec<u8>> {
            let (disk, _) = live(program, &profile);
            let trees = trees(&disk, &profile).into_iter();
            trees.filter_map(|tree| tree.get("a").cloned().flatten()).collect()
        };
        let images = read(&program);
        prop_assert!(images.iter().any(|image| image[..4] == old), "{:?}", images);
        let new = [5, 6, 7, 8, 9, 10];
        program.push(Step::Call(write(0, &new)));
        program.push(Step::Call(all[0].clone()));
        prop_assert_eq!(read(&program), [new]);
    }
}
