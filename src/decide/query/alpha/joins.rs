//! Conditions on sources, and whose rows each leaves out: an outer join keeps those of one side.
//! Knows no columns.

use super::bounds::conjuncts;
use crate::action::query::{Block, Expr, From, Join, On, Source};

/// A part of a condition, and the sources whose rows it leaves out.
pub(super) struct Part<'e> {
    pub(super) condition: &'e Expr,
    binds: Binds,
}

enum Binds {
    /// Any of them.
    Any,
    /// One that is joined.
    One(usize),
    /// None that is known.
    None,
}

impl Part<'_> {
    /// Whether it leaves out rows of a source.
    pub(super) fn binds(&self, number: usize) -> bool {
        match self.binds {
            Binds::Any => true,
            Binds::One(only) => only == number,
            Binds::None => false,
        }
    }
}

/// All conditions on the sources of a SELECT.
pub(super) fn parts(block: &Block) -> Vec<Part<'_>> {
    let mut all = Vec::new();
    let mut filter = Vec::new();
    block.filter.iter().for_each(|condition| conjuncts(condition, &mut filter));
    all.extend(filter.into_iter().map(|condition| Part { condition, binds: Binds::Any }));
    let sources = flat(&block.sources);
    let inner = sources.iter().all(|source| leaves_out(source.join));
    for (number, source) in sources.iter().enumerate() {
        let On::Condition(on) = &source.on else { continue };
        let mut conditions = Vec::new();
        conjuncts(on, &mut conditions);
        for condition in conditions {
            let binds = match inner {
                true => Binds::Any,
                false if keeps_left(source.join) => Binds::One(number),
                false => Binds::None,
            };
            all.push(Part { condition, binds });
        }
    }
    all
}

/// Whether a join keeps rows of what stands before it that meet nothing, and none of its own.
pub(super) fn keeps_left(join: Join) -> bool {
    match join {
        Join::Comma | Join::Inner | Join::Cross | Join::Left | Join::Asof | Join::Lt => true,
        Join::Right | Join::Full | Join::Splice | Join::Window | Join::Horizon => false,
    }
}

/// Sources as they are bound: those in brackets without a name stand for themselves.
pub(super) fn flat(sources: &[Source]) -> Vec<&Source> {
    let mut all = Vec::new();
    for source in sources {
        match &source.from {
            From::Nested(inner) if source.alias.is_none() => all.extend(flat(inner)),
            From::Nested(_) | From::Relation(_) | From::Definition(_) | From::Query(_) | From::Calls(_) => {
                all.push(source)
            }
        }
    }
    all
}

/// Whether conditions of this join leave out rows of what stands before it.
pub(super) fn leaves_out(join: Join) -> bool {
    match join {
        Join::Comma | Join::Inner | Join::Cross => true,
        Join::Left | Join::Right | Join::Full | Join::Asof | Join::Lt | Join::Splice | Join::Window | Join::Horizon => {
            false
        }
    }
}
