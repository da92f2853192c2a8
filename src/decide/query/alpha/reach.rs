//! Which groups a query reaches, through whatever stands between: views, materialized views, partitions.
//! Knows nothing of how they are joined: what is reached together is together.

use super::super::ground::named;
use super::super::{Found, Sight, table};
use crate::action::query::catalog::{Named, RelationKind};
use crate::action::query::{Place, Query};
use crate::decide::policy::Alpha;
use std::collections::BTreeSet;
use std::fmt;

/// A group that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) group: String,
    /// The relation by which it is, as it was written.
    by: String,
    /// Where that stands in the statement.
    place: Place,
}

impl fmt::Display for Reached {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by == self.group {
            true => write!(to, "`{}` at {}", self.by, self.place),
            false => write!(to, "`{}` (of the group `{}`) at {}", self.by, self.group, self.place),
        }
    }
}

/// All groups that are reached, each once.
pub(super) fn reached(sight: Sight<'_>, alpha: &Alpha) -> Vec<Reached> {
    let mut all: Vec<Reached> = Vec::new();
    for read in sight.query.reads() {
        let mut groups = BTreeSet::new();
        reaches(sight, alpha, &named(&read.path), &mut groups, &mut BTreeSet::new());
        for group in groups {
            if !all.iter().any(|known| known.group == group) {
                all.push(Reached { group, by: read.path.to_string(), place: read.place });
            }
        }
    }
    all
}

/// Adds the groups of a relation and of what stands behind it.
pub(super) fn reaches(
    sight: Sight<'_>,
    alpha: &Alpha,
    asked: &Named,
    groups: &mut BTreeSet<String>,
    seen: &mut BTreeSet<Named>,
) {
    if !seen.insert(asked.clone()) {
        return;
    }
    let mut add = |name: &str| groups.extend(alpha.groups_of(name).map(|group| group.name.clone()));
    add(&asked.name);
    let Some(ground) = sight.ground else { return };
    let Some(relation) = ground.catalog().relations.get(asked) else { return };
    add(&relation.name);
    relation.parents.iter().for_each(|parent| add(&parent.name));
    relation.children.iter().for_each(|child| add(&child.named.name));
    let whole = Named::within(&relation.schema, &relation.name);
    let inner: Vec<&Query> = ground.within(&whole).chain(ground.stored(&whole)).flatten().collect();
    for query in inner {
        for read in query.reads() {
            reaches(sight, alpha, &named(&read.path), groups, seen);
        }
    }
}

/// What servers keep of every table to plan queries with: its most common values, how they are spread and go together.
const PLANNERS: [&str; 9] = [
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
    "pg_statistic",
    "pg_statistic_ext_data",
    "sqlite_stat1",
    "sqlite_stat2",
    "sqlite_stat3",
    "sqlite_stat4",
];

/// Statistics of a server's own that are read, by whatever view.
pub(super) fn planners(sight: Sight<'_>, found: &mut Found, at: &str) {
    let mut seen = BTreeSet::new();
    let mut open: Vec<(Named, Place)> =
        sight.query.reads().iter().map(|read| (named(&read.path), read.place)).collect();
    while let Some((asked, place)) = open.pop() {
        if !seen.insert(asked.clone()) {
            continue;
        }
        if PLANNERS.iter().any(|planner| asked.name.eq_ignore_ascii_case(planner)) {
            found.refuse(&table::STATISTICS, &format!("`{asked}` at {place} holds those of every table"), at);
        }
        let Some(ground) = sight.ground else { continue };
        let Some(relation) = ground.catalog().relations.get(&asked).filter(|relation| !relation.built_in) else {
            continue;
        };
        let whole = Named::within(&relation.schema, &relation.name);
        let inner = ground.within(&whole).chain(ground.stored(&whole)).flatten();
        open.extend(inner.flat_map(|query| query.reads().iter().map(move |read| (named(&read.path), place))));
    }
}

/// A relation whose own query is not known, though it has one.
pub(super) fn unseen(sight: Sight<'_>, asked: &Named) -> bool {
    let Some(ground) = sight.ground else { return false };
    let Some(relation) = ground.catalog().relations.get(asked) else { return false };
    let whole = Named::within(&relation.schema, &relation.name);
    match &relation.kind {
        RelationKind::View { .. } => !ground.within(&whole).any(Result::is_ok),
        RelationKind::Materialized { .. } => !ground.stored(&whole).is_some_and(Result::is_ok),
        RelationKind::Table
        | RelationKind::Partitioned
        | RelationKind::Foreign { .. }
        | RelationKind::Virtual { .. }
        | RelationKind::Sequence
        | RelationKind::Index
        | RelationKind::Composite
        | RelationKind::Other(_) => false,
    }
}

/// Groups that the policy keeps apart.
pub(super) fn apart(alpha: &Alpha, reached: &[Reached], found: &mut Found) {
    for (number, one) in reached.iter().enumerate() {
        for other in reached.iter().skip(number + 1) {
            if let Some(at) = alpha.apart(&one.group, &other.group) {
                found.refuse(&table::GROUPS, &format!("{one} and {other}"), at);
            }
        }
    }
}
