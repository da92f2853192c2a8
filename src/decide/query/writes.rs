//! Writes: where they are let through, where a person is asked, and what they may write to.
//! What a write reads and calls is judged as that of any query. Knows no servers.

use super::ground::{QueryGround, named, of_type};
use super::{Found, QueryJudgement, Sight, judge_query, table};
use crate::action::query::catalog::{Named, Relation, RelationKind, TypeKind};
use crate::action::query::{Engine, Kind, Query};
use crate::decide::judging::{BuiltIn, UNATTENDED};
use crate::decide::policy::{Policy, Supervision};
use crate::decide::{Match, Verdict};
use crate::event::Mode;
use crate::event::line::printable;
use std::collections::BTreeSet;

/// The database that a write goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing<'a> {
    /// One of its own, for tests.
    Test,
    /// The real one in mode paper: tables whose names begin so are written; of all else a person is asked.
    Paper(&'a str),
    /// The real one: a person is asked.
    Real,
}

/// Judges a query that may write. `ground` as for [`judge_query`], which judges what it reads and calls.
pub fn judge_write(
    query: &Query,
    ground: Option<&QueryGround>,
    policy: &Policy,
    writing: Writing<'_>,
) -> QueryJudgement {
    let judged = judge_query(query, ground, policy);
    if !is_let(query, writing) {
        return judged;
    }
    let matches = judged.matches.into_iter().filter(|found| found.id != table::WRITES.id).collect();
    let mut found = Found { matches, open: judged.open, groups: judged.groups };
    let sight = Sight { query, ground, sql: &policy.settings().sql };
    sight.written(writing, &mut found);
    if let (Writing::Paper(_), Kind::Insert | Kind::Update | Kind::Merge) = (writing, query.kind()) {
        // What lies in a table of paper belongs to no group: nobody would count it, nor see what is computed from it.
        for reached in sight.reached(&policy.settings().alpha) {
            found.say(&table::CHANGES, &format!("it keeps what it reads of {reached}, where no rule about it holds"));
        }
    }
    attended(found, policy)
}

/// Judges what a database itself says that a write would write to, by triggers and foreign keys as well.
pub fn judge_touched(touched: &BTreeSet<String>, writing: Writing<'_>) -> Option<QueryJudgement> {
    let Writing::Paper(prefix) = writing else { return None };
    let strays: Vec<_> = touched.iter().filter(|name| !name.starts_with(prefix)).map(|name| printable(name)).collect();
    (!strays.is_empty()).then(|| {
        let mut found = Found::default();
        found.say(&table::CHANGES, &format!("it writes to `{}` as well", strays.join("`, `")));
        QueryJudgement::of(found)
    })
}

/// Judges which of its databases may be reached in a mode.
pub fn judge_mode(mode: Option<Mode>, test: bool) -> QueryJudgement {
    let mut found = Found::default();
    if let Some(mode) = mode.filter(|mode| mode.is_for_tests() && !test) {
        found.say(&table::MODE, &format!("`{}`", mode.word()));
    }
    QueryJudgement::of(found)
}

/// Judges a database for tests of which `why` tells that it may be the real one.
pub fn judge_apart(why: Option<&str>) -> QueryJudgement {
    let mut found = Found::default();
    if let Some(why) = why {
        found.say(&table::NOT_APART, why);
    }
    QueryJudgement::of(found)
}

/// Judges a write that a person has denied before.
pub fn judge_denied(name: &str, reason: Option<&str>) -> QueryJudgement {
    let mut found = Found::default();
    let reason = reason.map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
    found.say(&table::DENIED, &format!("`{name}`{reason}"));
    QueryJudgement::of(found)
}

/// What asks is denied where nobody is there.
fn attended(mut found: Found, policy: &Policy) -> QueryJudgement {
    let unattended = policy.settings().supervision == Supervision::Unattended;
    if unattended && let Some(asks) = found.matches.iter().find(|found| found.verdict == Verdict::Ask) {
        let (id, reason, instead, at) = UNATTENDED.said(&asks.reason);
        found.matches.push(Match { id, verdict: Verdict::Deny, reason, instead, at, command: None, overruled: None });
    }
    QueryJudgement::of(found)
}

/// Whether a statement of this sort can be let through there; what cannot is refused as a query that is to read.
fn is_let(query: &Query, writing: Writing<'_>) -> bool {
    let test = writing == Writing::Test;
    let sort = match query.kind() {
        Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge => true,
        Kind::Truncate => test,
        Kind::Ddl { .. } => test && query.defines_plainly(),
        Kind::Select
        | Kind::Values
        | Kind::Table
        | Kind::Show(_)
        | Kind::Explain(_)
        | Kind::ExplainAnalyze(_)
        | Kind::SelectInto
        | Kind::WithWrites
        | Kind::Locking
        | Kind::Other(_) => false,
    };
    sort && query.engine() != Engine::QuestDb
}

impl Sight<'_> {
    /// What is written to, each relation once.
    fn written(self, writing: Writing<'_>, found: &mut Found) {
        let kind = self.query.kind();
        let defines = matches!(kind, Kind::Ddl { .. });
        if self.query.writes().is_empty() && !defines {
            found.say(&table::TARGET, &format!("`{kind}`, of which guard does not know what it writes to"));
        }
        for written in self.query.writes() {
            let asked = named(&written.path);
            let what = format!("`{kind} on {}` at {}", printable(&written.path.to_string()), written.place);
            let Some(ground) = self.ground else {
                match writing {
                    Writing::Paper(prefix) if asked.name.starts_with(prefix) => {
                        found.leave_open(written.path.to_string())
                    }
                    Writing::Test if !defines => found.leave_open(written.path.to_string()),
                    Writing::Test => {}
                    Writing::Paper(prefix) => {
                        found.say(&table::CHANGES, &format!("{what}, which is no table of paper (`{prefix}*`)"));
                    }
                    Writing::Real => found.say(&table::CHANGES, &what),
                }
                continue;
            };
            let relation = ground.catalog().relations.get(&asked);
            if let Some(relation) = relation
                && (relation.built_in
                    || self.sql.denies_relation(self.engine(), Some(&relation.schema), &relation.name))
            {
                found.say(&table::TARGET, &format!("{what}, which nobody writes to but the server"));
                continue;
            }
            match writing {
                Writing::Test => {
                    if let Some(why) = relation.and_then(away) {
                        found.say(&table::TARGET, &format!("{what}, {why}"));
                    }
                }
                Writing::Paper(prefix) => {
                    let strays = match relation {
                        None => vec!["of which the catalog knows nothing".to_owned()],
                        Some(relation) => self.strays(relation, prefix),
                    };
                    if !strays.is_empty() {
                        found.say(&table::CHANGES, &format!("{what}, {}", strays.join(", ")));
                    }
                }
                Writing::Real => {
                    let more: Vec<String> = relation.map(more).unwrap_or_default();
                    let more = more.iter().map(|more| format!(", {more}")).collect::<String>();
                    found.say(&table::CHANGES, &format!("{what}{more}"));
                }
            }
        }
    }

    /// What keeps a relation from being a plain table of paper.
    fn strays(self, relation: &Relation, prefix: &str) -> Vec<String> {
        let mut all = Vec::new();
        if !relation.name.starts_with(prefix) {
            all.push(format!("which is no table of paper (`{prefix}*`)"));
        }
        all.extend(more(relation));
        let names = |named: &[Named]| named.iter().map(|named| format!("`{named}`")).collect::<Vec<_>>().join(", ");
        if !relation.children.is_empty() {
            let children: Vec<Named> = relation.children.iter().map(|child| child.named.clone()).collect();
            all.push(format!("which {} inherits from", names(&children)));
        }
        if !relation.parents.is_empty() {
            all.push(format!("which is a part of {}", names(&relation.parents)));
        }
        if !relation.policies.is_empty() {
            all.push("which has conditions of row security".to_owned());
        }
        if self.engine() == Engine::Postgres {
            all.extend(self.computed(relation, prefix));
        }
        all
    }

    /// Expressions that are computed when a row is written, and that are not proved harmless. Of SQLite's, whose functions are
    /// its own and must not reach out where a table's definition calls them, none is looked at.
    fn computed(self, relation: &Relation, prefix: &str) -> Vec<String> {
        let Some(ground) = self.ground else { return Vec::new() };
        let whole = Named::within(&relation.schema, &relation.name);
        let mut all = Vec::new();
        for (text, query) in ground.computed(&whole) {
            if is_own_sequence(text, prefix) {
                continue;
            }
            let mut inner = Found::default();
            match query {
                Ok(query) => {
                    let sight = Sight { query, ..self };
                    sight.statement(&mut inner);
                    sight.relations(&mut inner);
                    sight.names(&mut inner);
                }
                Err(_) => inner.say(&table::UNREAD, text),
            }
            if !inner.matches.is_empty() {
                all.push(format!("which computes {}", printable(text)));
            }
        }
        for column in relation.columns.iter().filter(|column| column.type_name.contains('.')) {
            let types = ground.catalog().types.get(&of_type(&column.type_name));
            // A domain has defaults beside its conditions, and the others may be made of domains.
            let plain = |kind: &TypeKind| match kind {
                TypeKind::Enum => true,
                TypeKind::Domain { .. } | TypeKind::Composite | TypeKind::Range | TypeKind::Base | TypeKind::Pseudo => {
                    false
                }
            };
            if types.is_none_or(|types| types.is_empty() || types.iter().any(|of| !plain(&of.kind))) {
                all.push(format!("whose column `{}` is of a type that may compute", printable(&column.name)));
            }
        }
        all
    }
}

/// What a change of a relation's rows does beside changing them.
fn more(relation: &Relation) -> Vec<String> {
    let mut all = Vec::new();
    let quoted = |names: &[String]| names.iter().map(|name| printable(name)).collect::<Vec<_>>().join("`, `");
    match &relation.kind {
        RelationKind::Table => {}
        RelationKind::View { .. } | RelationKind::Materialized { .. } => all.push("which is a view".to_owned()),
        RelationKind::Foreign { server } => all.push(format!("which lies on another server (`{server}`)")),
        RelationKind::Partitioned => all.push("which has partitions".to_owned()),
        RelationKind::Virtual { module } => all.push(format!("which the module `{module}` makes up")),
        RelationKind::Sequence | RelationKind::Index | RelationKind::Composite | RelationKind::Other(_) => {
            all.push("which is no table".to_owned());
        }
    }
    if !relation.triggers.is_empty() {
        all.push(format!("which has triggers (`{}`)", quoted(&relation.triggers)));
    }
    if !relation.rules.is_empty() {
        all.push(format!("which has rules (`{}`)", quoted(&relation.rules)));
    }
    if !relation.cascades.is_empty() {
        let names: Vec<String> = relation.cascades.iter().map(Named::to_string).collect();
        all.push(format!("whose keys change rows of `{}` as well", quoted(&names)));
    }
    all
}

/// What leads out of a database for tests.
fn away(relation: &Relation) -> Option<String> {
    let kind = match &relation.kind {
        RelationKind::Table | RelationKind::Partitioned => None,
        RelationKind::View { .. }
        | RelationKind::Materialized { .. }
        | RelationKind::Foreign { .. }
        | RelationKind::Virtual { .. }
        | RelationKind::Sequence
        | RelationKind::Index
        | RelationKind::Composite
        | RelationKind::Other(_) => more(relation).into_iter().next(),
    };
    let rules = (!relation.rules.is_empty()).then(|| "which has rules".to_owned());
    let child = relation.children.iter().find(|child| child.foreign);
    kind.or(rules).or_else(|| child.map(|child| format!("a part of which, `{}`, lies on another server", child.named)))
}

/// Whether a default only takes the next number of a sequence of paper.
fn is_own_sequence(text: &str, prefix: &str) -> bool {
    let Some(rest) = text.strip_prefix("nextval('").and_then(|rest| rest.strip_suffix("'::regclass)")) else {
        return false;
    };
    let name = rest.rsplit_once('.').map_or(rest, |(_, name)| name).trim_matches('"');
    name.starts_with(prefix) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The rules of this file.
pub(super) static ALL: [&BuiltIn; 5] =
    [&table::CHANGES, &table::TARGET, &table::MODE, &table::NOT_APART, &table::DENIED];
