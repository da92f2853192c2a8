//! How deep a structure is, so that whoever walks it later needs no deeper stack than a thread has.

use super::{Fault, Place, Unreadable};
use std::cell::Cell;

/// How deep the parsers and whoever follows them may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    /// Levels of structure: brackets, and chains of operators, each of which is one.
    levels: usize,
    /// Calls within calls of sqlparser; a bracket costs it a few.
    pub(super) calls: usize,
}

impl Depth {
    /// What fits into the stack of any thread.
    pub(super) const SHALLOW: Depth = Depth { levels: 20, calls: 40 };
    /// What fits into the stack that deep statements are parsed on.
    pub(super) const DEEP: Depth = Depth { levels: 192, calls: 800 };
}

/// Counts levels.
#[derive(Debug)]
pub(super) struct Level {
    now: Cell<usize>,
    most: usize,
}

/// One level; it is left when this is dropped.
pub(super) struct Entered<'l>(&'l Level);

impl Level {
    pub(super) fn new(depth: Depth) -> Level {
        Level { now: Cell::new(0), most: depth.levels }
    }

    /// One level deeper, or a refusal.
    pub(super) fn enter(&self, at: Place) -> Result<Entered<'_>, Unreadable> {
        let now = self.now.get() + 1;
        if now > self.most {
            let why = format!("an expression of more than {} levels", self.most);
            let fault = Unreadable::new(Fault::Deep, at, why);
            return Err(fault.instead("write IN (…) for long lists, and WITH for steps"));
        }
        self.now.set(now);
        Ok(Entered(self))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.now.set(self.0.now.get().saturating_sub(1));
    }
}
