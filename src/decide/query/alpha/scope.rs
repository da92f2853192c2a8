//! Which columns are in scope, and what flows through each: of relations in groups, of queries, of what a query brings along.
//! Knows names only; judges nothing.

use super::flow::{Degree, Flow, Sort};
use crate::action::query::{Expr, Literal, Name, Node, Path};
use crate::decide::policy::Alpha;
use std::collections::{BTreeMap, BTreeSet};

/// What columns there may be beside those that are known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// None.
    None,
    /// Those of a relation in a group, whose names tell what they are.
    Named,
    /// Any, all of which are this.
    All(Flow),
}

impl Others {
    /// Those of two.
    pub(super) fn and(self, other: Others) -> Others {
        match (self, other) {
            (Others::None, others) | (others, Others::None) => others,
            (Others::All(one), Others::All(other)) => Others::All(one.or(other)),
            (Others::Named, Others::Named | Others::All(_)) | (Others::All(_), Others::Named) => Others::Named,
        }
    }
}

/// What a source or a query gives.
#[derive(Debug, Clone)]
pub(super) struct Outputs {
    pub(super) columns: Vec<(Name, Flow)>,
    pub(super) others: Others,
    /// Relations in groups whose rows these are made of, and the groups.
    pub(super) bases: BTreeMap<String, BTreeSet<String>>,
    /// Its rows are of one thing, or of no longer a time than values may be aggregated over.
    pub(super) bounded: bool,
    /// It is one row of what the query itself says.
    pub(super) is_one: bool,
}

impl Outputs {
    /// Nothing of any group.
    pub(super) fn foreign(flow: Flow) -> Outputs {
        Outputs { others: Others::All(flow), ..Outputs::none() }
    }

    /// No columns yet.
    pub(super) fn none() -> Outputs {
        Outputs { columns: Vec::new(), others: Others::None, bases: BTreeMap::new(), bounded: true, is_one: false }
    }

    /// What flows through a column; `None`: there is none of that name.
    fn column(&self, name: &Name, alpha: &Alpha) -> Option<Flow> {
        let known = self.columns.iter().filter(|(known, _)| known == name).map(|(_, flow)| *flow).reduce(Flow::or);
        known.or(match self.others {
            Others::None => None,
            Others::Named => Some(Flow::column(alpha.column(name.as_str()))),
            Others::All(flow) => Some(flow),
        })
    }

    /// What a key of ORDER BY after it is: a number or a name of what it gives; anything else could be any of that.
    /// `known`: the catalog was asked for the columns.
    pub(super) fn order_key(&self, key: &Expr, alpha: &Alpha, known: bool) -> Flow {
        let flow = if let Node::Column(path) = &key.node {
            self.column(&path.name, alpha)
        } else if let Node::Literal(Literal::Number(number)) = &key.node {
            match (self.others, number.parse::<usize>().ok().and_then(|number| number.checked_sub(1))) {
                (Others::None, Some(number)) => self.columns.get(number).map(|(_, flow)| *flow),
                (Others::Named | Others::All(_), _) if !known => Some(Flow::FREE),
                (Others::None | Others::Named | Others::All(_), _) => None,
            }
        } else {
            None
        };
        flow.unwrap_or_else(|| self.whole())
    }

    fn names(&self, name: &Name) -> bool {
        self.columns.iter().any(|(known, _)| known == name)
    }

    /// All its columns in one.
    pub(super) fn whole(&self) -> Flow {
        let others = match self.others {
            Others::None => None,
            Others::Named => Some(Flow::VALUE),
            Others::All(flow) => Some(flow),
        };
        let all: Vec<Flow> = self.columns.iter().map(|(_, flow)| *flow).chain(others).collect();
        Flow::made(&all, Degree::Linear)
    }

    /// With its first columns renamed. Where their number is not known, each name may stand for any of them.
    pub(super) fn renamed(mut self, names: &[Name]) -> Outputs {
        if names.is_empty() {
            return self;
        }
        if self.others == Others::None {
            for ((known, _), name) in self.columns.iter_mut().zip(names) {
                known.clone_from(name);
            }
            return self;
        }
        let any = match self.others {
            Others::All(flow) if self.columns.is_empty() => flow,
            Others::None | Others::Named | Others::All(_) => self.whole(),
        };
        let columns = names.iter().map(|name| (name.clone(), any)).collect();
        Outputs { columns, others: Others::All(any), ..self }
    }

    /// The same, and whatever another part of a UNION gives in the place of each.
    pub(super) fn or(mut self, other: Outputs) -> Outputs {
        let counted = self.others == Others::None && other.others == Others::None;
        if counted && self.columns.len() == other.columns.len() {
            for ((_, flow), (_, more)) in self.columns.iter_mut().zip(&other.columns) {
                *flow = flow.or(*more);
            }
        } else if self.columns.is_empty() && other.columns.is_empty() && self.others == other.others {
            // All columns of two relations of one form, in the order of both.
        } else {
            let any = self.whole().or(other.whole());
            self.columns.iter_mut().for_each(|(_, flow)| *flow = flow.or(any));
            self.others = Others::All(any);
        }
        self.bases.extend(other.bases);
        self.bounded &= other.bounded;
        self.is_one = false;
        self
    }

    /// As a source of rows that the query makes up, if it is one: what is computed, and holds no value of a group.
    pub(super) fn brought(mut self) -> Outputs {
        if !self.bases.is_empty() || self.is_one {
            return self;
        }
        self.bring(|flow| flow.computed || flow.sort == Sort::Parameter);
        self
    }

    /// As rows whose columns are numbers to count by where `is` says so.
    pub(super) fn bring(&mut self, is: impl Fn(Flow) -> bool) {
        let brought = |flow: Flow| Flow { brought: flow.brought || !flow.has_value() && is(flow), ..flow };
        self.columns.iter_mut().for_each(|(_, flow)| *flow = brought(*flow));
        if let Others::All(flow) = self.others {
            self.others = Others::All(brought(flow));
        }
    }
}

/// A source in scope.
#[derive(Debug)]
pub(super) struct Bound {
    /// What it is called; `None`: only its columns are.
    pub(super) name: Option<Name>,
    pub(super) outputs: Outputs,
    /// It is a query of its own, not a relation as it stands.
    pub(super) derived: bool,
    /// It is joined on columns of the same name, which are one column then.
    pub(super) shares: bool,
}

/// Where a source stands: the level of queries, and the number in it.
pub(super) type At = (usize, usize);

/// Sources in scope, one level for each query that encloses.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The catalog was asked for the columns of relations.
    pub(super) known: bool,
    pub(super) levels: Vec<Vec<Bound>>,
}

impl Scope {
    /// What a column is: where it comes from and what flows through it. What nobody here knows could be anything.
    pub(super) fn column(&self, path: &Path, alpha: &Alpha) -> (Option<At>, Flow) {
        let found = match path.qualifier.last() {
            Some(source) => self.qualified(source, &path.name, alpha),
            None => self.unqualified(&path.name, alpha),
        };
        found.map_or((None, Flow::VALUE), |(at, flow)| (Some(at), flow))
    }

    /// A column of the innermost query that has one of that name. Where nobody knows whether it has, it may be one of a query
    /// around it: once the catalog was asked, one that holds a value goes before.
    fn unqualified(&self, name: &Name, alpha: &Alpha) -> Option<(At, Flow)> {
        let mut inner = None;
        for (level, sources) in self.levels.iter().enumerate().rev() {
            let Some(found) = self.bare(level, name, alpha) else { continue };
            if inner.is_some() && found.1.has_value() {
                return Some(found);
            }
            let says = |bound: &Bound| bound.name.as_ref() == Some(name) || bound.outputs.names(name);
            if !self.known || inner.is_none() && sources.iter().any(says) {
                return Some(found);
            }
            inner.get_or_insert(found);
        }
        inner
    }

    fn qualified(&self, source: &Name, name: &Name, alpha: &Alpha) -> Option<(At, Flow)> {
        let (at, bound) = self.source(source)?;
        Some((at, bound.outputs.column(name, alpha).unwrap_or(Flow::VALUE)))
    }

    /// The source of a name.
    pub(super) fn source(&self, name: &Name) -> Option<(At, &Bound)> {
        self.levels.iter().enumerate().rev().find_map(|(level, sources)| {
            let found = sources.iter().enumerate().find(|(_, bound)| bound.name.as_ref() == Some(name));
            found.map(|(number, bound)| ((level, number), bound))
        })
    }

    fn bare(&self, level: usize, name: &Name, alpha: &Alpha) -> Option<(At, Flow)> {
        let sources = self.levels.get(level)?;
        let all = || sources.iter().enumerate();
        // A name that is no column may be a source's: its whole row.
        let row = all().find(|(_, bound)| bound.name.as_ref() == Some(name) && !bound.outputs.names(name));
        let row = row.map(|(number, bound)| ((level, number), bound));
        if let Some((at, bound)) = row
            && bound.outputs.bases.is_empty()
        {
            // `generate_series(1, 9) AS n` is its one column.
            return Some((at, Flow { computed: false, ..bound.outputs.whole() }));
        }
        let row = row.map(|(at, bound)| (at, bound.outputs.whole()));
        let named = || all().filter(|(_, bound)| bound.outputs.names(name));
        let shares = sources.iter().any(|bound| bound.shares);
        let mut found: Vec<(At, Flow)> = Vec::new();
        if shares || named().next().is_none() {
            found.extend(
                all().filter_map(|(number, bound)| Some(((level, number), bound.outputs.column(name, alpha)?))),
            );
        } else {
            found.extend(
                named().filter_map(|(number, bound)| Some(((level, number), bound.outputs.column(name, alpha)?))),
            );
        }
        // A source of a group first: whoever could have the column.
        found.extend(row);
        let flow = found.iter().map(|(_, flow)| *flow).max_by_key(|flow| flow.degree)?;
        let of_group =
            found.iter().find(|((_, number), _)| sources.get(*number).is_some_and(|of| !of.outputs.bases.is_empty()));
        let flow = of_group.filter(|_| !flow.has_value()).map_or(flow, |(_, flow)| *flow);
        let at = of_group.or(found.first()).map(|(at, _)| *at)?;
        Some((at, flow))
    }

    /// The columns of `*` or `t.*` at the innermost level.
    pub(super) fn star(&self, of: Option<&Name>) -> Vec<&Bound> {
        let all = self.levels.last().map_or(&[][..], Vec::as_slice);
        match of {
            None => all.iter().collect(),
            Some(name) => self.source(name).map(|(_, bound)| bound).into_iter().collect(),
        }
    }
}

/// Whether a flow is a column as it stands of this sort.
pub(super) fn is_plain(flow: Flow, sort: Sort) -> bool {
    flow.sort == sort && !flow.computed && !flow.has_value()
}
