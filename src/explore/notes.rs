//! Notes the crash points of a life that works.

use super::contract::Told;
use super::history::History;
use super::life::Notes;
use super::point::{Budget, Lived, Point, Trail};
use super::search::Search;
use super::subject::{Failure, OperationOf, Subject};
use crate::counterexample::Trouble;
use crate::storage::simulated::Simulated;
use models::disk::lazy::Lazy;
use std::sync::Arc;

pub(super) struct Points<'p, 's, S: Subject> {
    pub(super) search: &'p mut Search<'s, S>,
    pub(super) before: Option<Arc<Trail>>,
    /// The life as it began; how far it came is filled in.
    pub(super) life: Lived,
    pub(super) left: Budget,
    pub(super) excused: bool,
    /// Choices that an earlier run had in common with this one: points up to there were noted.
    pub(super) common: Option<usize>,
}

impl<'s, S: Subject> Points<'_, 's, S> {
    /// The point at which the life stands.
    pub(super) fn at(&mut self, storage: &Simulated, history: &History<S::Contract>) {
        let taken = storage.choices().asked();
        if self.is_new(taken, storage.calls()) {
            self.note(storage.lazy(), storage, storage.calls(), history);
        }
    }

    /// Whether no run before was there: with other choices, or before anything went wrong.
    fn is_new(&self, taken: usize, calls: usize) -> bool {
        let troubled = self.life.trouble.is_none_or(|(call, _)| calls > call);
        troubled && self.common.is_none_or(|common| taken > common)
    }

    fn note(
        &mut self,
        disk: Lazy<u8>,
        storage: &Simulated,
        calls: usize,
        history: &History<S::Contract>,
    ) {
        let choices = storage.choices().options();
        let excuses = |(_, trouble): (usize, Trouble)| trouble.excuses();
        self.search.reach(Point {
            disk: disk.collapsed(&self.search.profile),
            legal: Arc::new(history.legal()),
            history: Arc::new(history.clone()),
            converges: None,
            excused: self.excused || self.life.trouble.is_some_and(excuses),
            left: self.left,
            depth: 0,
            trail: Arc::new(Trail {
                before: self.before.clone(),
                life: Lived {
                    choices,
                    calls,
                    ..self.life.clone()
                },
            }),
        });
    }
}

impl<S: Subject> Notes<S::Contract> for Points<'_, '_, S> {
    fn asked(&mut self, _: &OperationOf<S>, _: &Simulated, _: &History<S::Contract>) {
        self.life.operations += 1;
    }

    fn worked(&mut self, storage: &Simulated, history: &History<S::Contract>) {
        for watched in storage.watched() {
            if self.is_new(watched.choices, watched.call + 1) {
                self.note(watched.disk, storage, watched.call + 1, history);
            }
        }
    }

    fn answered(
        &mut self,
        _: &OperationOf<S>,
        _: &Result<Told, Failure>,
        storage: &Simulated,
        history: &History<S::Contract>,
    ) {
        self.at(storage, history);
    }
}
