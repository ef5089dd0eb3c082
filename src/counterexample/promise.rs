//! The promises of the contract in words: those of `specs/contract.toml`, which are part of this program.

use super::Broken;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(serde::Deserialize)]
struct Contract {
    #[serde(rename = "invariant")]
    invariants: Vec<Invariant>,
}

#[derive(serde::Deserialize)]
struct Invariant {
    id: String,
    name: String,
    text: String,
}

static CONTRACT: LazyLock<BTreeMap<String, (String, String)>> = LazyLock::new(|| {
    let contract = toml::from_str(include_str!("../../specs/contract.toml"));
    let invariants = contract.map_or_else(|_| Vec::new(), |contract: Contract| contract.invariants);
    let named = |of: Invariant| (of.id, (of.name, of.text));
    invariants.into_iter().map(named).collect()
});

impl Broken {
    /// The promise of an id, `D1`, broken; what was promised and what is there are yet to be said.
    pub fn of(promise: &str) -> Self {
        let (name, text) = CONTRACT.get(promise).cloned().unwrap_or_default();
        Self {
            promise: promise.into(),
            name,
            text,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::contract::Promise;

    #[test]
    fn every_promise_has_a_name_and_a_sentence() {
        for promise in Promise::CONTRACT {
            let broken = Broken::of(&promise.to_string());
            assert!(
                !broken.name.is_empty() && broken.text.ends_with('.'),
                "{promise}"
            );
        }
        assert_eq!(Broken::of("W1").name, "");
    }
}
