//! A counterexample of the model, on the real engine.

use super::lockstep::Lockstep;
use super::script::{Step, Write};
use super::{CELL_BYTES, Discipline, Divergence, Kind, Script, Sync};
use crate::storage::simulated::{Fault, Point};
use models::contract::Operation;
use models::machine::script::Move;

/// Runs the moves of a script on the real engine over simulated storage, with sectors of one cell
/// and blocks of two, in lock step with the model. `Ok`: the engine did what the model did, up to
/// the breach. The moves are those of a check that starts after the first recovery, with a head of two cells
/// a record (as-found: of one), on which no lost space reads anything but zeros.
pub fn replay(
    discipline: Discipline,
    sync: Sync,
    profile: &str,
    moves: &[Move],
) -> Result<(), Divergence> {
    let cannot = |why: &str| Err(Divergence::new(Kind::NotModelled, "", why));
    let write = |w: &models::contract::Write| Write {
        key: w.key,
        value: (!w.delete).then_some(6),
    };
    let operations = moves.iter().filter_map(|next| match next {
        Move::Invoke(operation) => Some(operation),
        _ => None,
    });
    let steps = operations.clone().map(|operation| match operation {
        Operation::Write(writes) => Step::Write(writes.iter().map(write).collect()),
        Operation::Sync | Operation::Flush | Operation::Compact => Step::Sync,
        Operation::Close => Step::Close,
    });
    let script = Script {
        discipline,
        sync,
        profile: profile.into(),
        sector_bytes: CELL_BYTES,
        block_bytes: 2 * CELL_BYTES,
        keys: vec![1; 3],
        steps: steps.collect(),
    };
    let operations: Vec<&Operation> = operations.collect();
    let mut both = Lockstep::new(&script)?;
    both.open()?;
    both.settle();
    let mut invoked = 0;
    for (number, next) in moves.iter().enumerate() {
        let crash = |m: &&Move| matches!(m, Move::Kill | Move::PowerCut(_));
        match next {
            Move::Invoke(_) => {
                let rest = &moves[number + 1..];
                let end = rest
                    .iter()
                    .take_while(|m| !matches!(m, Move::Invoke(_)) && !crash(m))
                    .count();
                if rest[..end].iter().any(|m| matches!(m, Move::Fail(_))) {
                    return cannot("a failed barrier is not replayed");
                }
                if rest.get(end).is_some_and(|m| crash(&m)) {
                    let calls = both.calls_within(Script::id(invoked), operations[invoked], end);
                    both.engine
                        .plan(Point::Call(both.engine.calls() + calls), Fault::Die);
                }
                both.ask(Script::id(invoked), operations[invoked])?;
                invoked += 1;
            }
            Move::Step | Move::Fail(_) => {}
            Move::Kill => {
                both.kill()?;
                both.open()?;
            }
            Move::PowerCut(fates) if fates.fills.iter().all(|fill| *fill == 0) => {
                both.power_cut(fates)?;
                both.open()?;
            }
            Move::PowerCut(_) => return cannot("lost space that reads otherwise is not replayed"),
        }
    }
    Ok(())
}
