//! Which rules of a file system a script hangs on.

use models::profile::{Profile, SWITCHES};

/// For each rule of the profile that could guarantee more: what it says, `R5 = no`, and the profile in which it
/// guarantees all that it can.
pub fn stronger(profile: &Profile) -> Vec<(String, Profile)> {
    let set = |switch: &str, value: &str| {
        let with = profile.clone().with(switch, value)?;
        Some(Profile {
            name: profile.name.clone(),
            ..with
        })
    };
    // That data waits for a barrier guarantees nothing: it only takes images away.
    let guarantees = SWITCHES
        .iter()
        .filter(|(switch, _)| *switch != "data-waits-for-barrier");
    let switches = guarantees.filter_map(|(switch, values)| {
        let strongest = set(switch, values.last()?)?;
        let now = values
            .iter()
            .find(|value| set(switch, value).as_ref() == Some(profile))?;
        (strongest != *profile).then(|| (format!("{switch} = {now}"), strongest))
    });
    switches.collect()
}

/// What a script hangs on.
#[derive(Clone, Debug, Default)]
pub struct Hangs {
    /// Rules as they are, `R5 = no`: with any one of them as strong as can be, it breaks nothing.
    pub needs: Vec<String>,
    /// The profile with one of the other rules stronger: there it breaks the promise all the same. Nothing may be made of
    /// it that does not.
    pub also: Vec<Profile>,
}

/// What a script hangs on. `breaks`: whether it breaks the promise on a file system.
pub fn hangs_on(profile: &Profile, mut breaks: impl FnMut(&Profile) -> bool) -> Hangs {
    let mut hangs = Hangs::default();
    for (says, stronger) in stronger(profile) {
        match breaks(&stronger) {
            true => hangs.also.push(stronger),
            false => hangs.needs.push(says),
        }
    }
    hangs
}

/// What a rule says, as it is in a profile that does not have it: for a reader who does not know its number.
pub fn in_words(need: &str) -> &'static str {
    match need {
        "R2 = no" => "a sector can be written in part",
        "R3 = no" => "a block can be written in part",
        "R4 = no" => "a call can be written in part",
        "R5 = no" => "a file's new size can be kept without the data below it",
        "R5 = new-blocks" => {
            "a file's new size can be kept without the data below it, in a block that it had"
        }
        "R6 = no" => "a later append can be kept without an earlier one",
        "R6 = new-blocks" => {
            "a later append can be kept without an earlier one's data, in a block that the file had"
        }
        "R7 = no" => "what follows an append can be kept without it",
        "R8 = no" => "what follows an overwrite can be kept without it",
        "R8 = before-extend" => {
            "what follows an overwrite can be kept without it, unless it makes the file longer"
        }
        "R9 = no" => "a rename can be kept in part",
        "R10 = no" => "changes of names can be kept in any order",
        "R10 = names" => "a change of a name can be kept without a change of a size before it",
        "R10 = metadata" => "a change of a name can be kept without data before it",
        "R11 = no" => {
            "a rename over a file can be kept without the data of the file that it puts there"
        }
        "R14 = no" => "a barrier of a file does not cover its name",
        "R15 = no" => "a barrier covers nothing but its own object",
        "R16 = no" => "a data barrier does not cover the size",
        "R19 = no" => "a write can damage what is beside it",
        "R20 = no" => "two writes to one sector can be kept in any order",
        "R21 = no" => "what was cut off can be kept without what is written there next",
        "garbage = yes" => "space whose write was lost can read as anything",
        "stale = yes" => "space whose write was lost can read as what this store held there before",
        _ => "a rule of the profile",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::profile::NAMES;

    #[test]
    fn every_rule_that_a_profile_can_lack_has_a_sentence() {
        for name in NAMES {
            let profile = Profile::named(name).expect("a profile");
            for (need, stronger) in stronger(&profile) {
                assert_ne!(in_words(&need), "a rule of the profile", "{need}");
                assert_ne!(stronger, profile);
            }
        }
        let posix = Profile::posix();
        let all = hangs_on(&posix, |_| false);
        assert_eq!(
            (all.needs.len(), all.also.len()),
            (stronger(&posix).len(), 0)
        );
        let none = hangs_on(&posix, |_| true);
        assert_eq!(
            (none.needs.len(), none.also.len()),
            (0, stronger(&posix).len())
        );
    }
}
