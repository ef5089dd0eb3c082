//! The tree against a map: any writes, with checkpoints and reopenings between them.

use super::*;
use crate::storage::simulated::Simulated;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<Write>),
    Checkpoint,
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few of them, so that they are met again; of any length that there is.
    (0u8..60, 0usize..24).prop_map(|(key, more)| {
        let mut bytes = vec![key];
        bytes.resize(1 + usize::from(key) * more % 24, key);
        bytes
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop::collection::vec(any::<u8>(), 0..22);
    let write = prop_oneof![
        3 => (key(), value).prop_map(|(key, value)| Write::Put { key, value }),
        2 => key().prop_map(|key| Write::Delete { key }),
    ];
    let step = prop_oneof![
        20 => prop::collection::vec(write, 1..4).prop_map(Step::Write),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_is_a_map(steps in steps(), from in key(), to in key()) {
        let storage = Simulated::named("strict").unwrap();
        let dir = Path::new("store");
        let mut tree = open(storage.clone(), dir).unwrap();
        let mut map: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(writes) => {
                    tree.write(&writes).unwrap();
                    for write in writes {
                        match write {
                            Write::Put { key, value } => drop(map.insert(key, value)),
                            Write::Delete { key } => drop(map.remove(&key)),
                        }
                    }
                }
                Step::Checkpoint => tree.checkpoint().unwrap(),
                Step::Reopen => {
                    drop(tree);
                    tree = open(storage.clone(), dir).unwrap();
                }
            }
        }
        let found: Result<Vec<_>, _> = tree.range::<[u8]>(..).collect();
        prop_assert_eq!(found.unwrap(), Vec::from_iter(map.clone()));
        for key in map.keys().chain([&from, &to]) {
            let found = tree.get(key).unwrap();
            prop_assert_eq!(found.as_ref(), map.get(key));
        }
        let found: Result<Vec<_>, _> = tree.range(from.clone()..to.clone()).collect();
        let expected: Vec<_> = map.into_iter().filter(|(key, _)| from <= *key && *key < to).collect();
        prop_assert_eq!(found.unwrap(), expected);
        // Every page is in the tree, or free, or one of the first three.
        let stats = tree.stats().unwrap();
        prop_assert_eq!(reachable(&tree) + stats.free_pages + 3, stats.pages);
    }
}

/// How many pages the tree has, from the root down; each leaf is where the branches and its neighbours say.
fn reachable(tree: &Btree<Simulated>) -> u64 {
    let Node::Header { root, .. } = *tree.look(|book| book.pages.node(2)).unwrap() else {
        panic!("no header");
    };
    let (mut open, mut pages, mut leaves) = (vec![root], 0, Vec::new());
    while let Some(number) = open.pop() {
        pages += 1;
        match &*tree.look(|book| book.pages.node(number)).unwrap() {
            Node::Branch { left, children } => {
                open.extend(children.iter().rev().map(|(_, child)| *child));
                open.push(*left);
            }
            Node::Leaf { right, .. } => leaves.push((number, *right)),
            other => panic!("{other:?}"),
        }
    }
    for pair in leaves.windows(2) {
        assert_eq!(pair[0].1, pair[1].0);
    }
    assert_eq!(leaves.last().unwrap().1, 0);
    pages
}
