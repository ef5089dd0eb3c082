//! A subject of three functions: the shortest way in, for a store whose promise is one of the ready ones.

use super::contract::{Contract, Operation, Told};
use super::subject::{Failure, Subject};
use crate::storage::simulated::Simulated;
use std::fmt;
use std::marker::PhantomData;

/// A subject that opens, applies and observes by these functions: see [`Subject`] for what each is to do. It closes by
/// dropping the store, and masks nothing.
///
/// `C` is what its clients are promised: [`Map`](super::Map), [`Log`](super::Log), [`Streams`](super::Streams).
pub fn functions<C, Store, Open, Apply, Observe>(
    open: Open,
    apply: Apply,
    observe: Observe,
) -> Functions<C, Open, Apply, Observe>
where
    C: Contract,
    Open: Fn(&Simulated) -> Result<Store, Failure> + Sync,
    Apply: Fn(&mut Store, &Operation<C::Write>) -> Result<Told, Failure> + Sync,
    Observe: Fn(&mut Store) -> Result<C::State, Failure> + Sync,
{
    Functions {
        open,
        apply,
        observe,
        contract: PhantomData,
    }
}

/// What [`functions`] makes.
pub struct Functions<C, Open, Apply, Observe> {
    open: Open,
    apply: Apply,
    observe: Observe,
    contract: PhantomData<fn() -> C>,
}

impl<C, Open, Apply, Observe> fmt::Debug for Functions<C, Open, Apply, Observe> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}

impl<C, Store, Open, Apply, Observe> Subject for Functions<C, Open, Apply, Observe>
where
    C: Contract,
    Open: Fn(&Simulated) -> Result<Store, Failure> + Sync,
    Apply: Fn(&mut Store, &Operation<C::Write>) -> Result<Told, Failure> + Sync,
    Observe: Fn(&mut Store) -> Result<C::State, Failure> + Sync,
{
    type Contract = C;
    type Store = Store;

    fn name(&self) -> String {
        let name = std::any::type_name::<Store>();
        let name = name.split('<').next().unwrap_or(name);
        name.rsplit("::").next().unwrap_or(name).into()
    }

    fn open(&self, storage: &Simulated) -> Result<Store, Failure> {
        (self.open)(storage)
    }

    fn apply(&self, store: &mut Store, asked: &Operation<C::Write>) -> Result<Told, Failure> {
        (self.apply)(store, asked)
    }

    fn observe(&self, store: &mut Store) -> Result<C::State, Failure> {
        (self.observe)(store)
    }
}
