//! Judging a query before it is sent, and once more by what the server's catalog says of the names in it.
//! Pure: a query that was read and facts in, a verdict with every rule that matched out.

mod alpha;
mod ground;
mod names;
mod relations;
mod table;
#[cfg(test)]
mod tests;
mod writes;

pub use alpha::{Export, judge_export};
pub use ground::QueryGround;
pub use writes::{Writing, judge_apart, judge_denied, judge_mode, judge_touched, judge_write};

use super::judging::BuiltIn;
use super::policy::{Policy, Posture, SqlNames};
use super::{Match, Verdict};
use crate::action::query::{Engine, Kind, Place, Query, Unreadable};
use crate::event::line::printable;
use std::collections::BTreeSet;

/// Rules of guard's own about queries.
pub(super) fn own() -> impl Iterator<Item = &'static BuiltIn> {
    table::ALL.into_iter().chain(writes::ALL)
}

/// The policy's answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryJudgement {
    /// The strictest verdict.
    pub verdict: Verdict,
    /// Every rule that matched, each with the part of the query it matched at.
    pub matches: Vec<Match>,
    /// Names that only the server's catalog can tell about, as they are written; none where it was asked.
    pub open: Vec<String>,
    /// The groups of `[alpha]` whose rows it gives.
    pub groups: BTreeSet<String>,
}

impl QueryJudgement {
    /// Nothing was found.
    pub fn allowed() -> Self {
        Self::of(Found::default())
    }

    fn of(found: Found) -> Self {
        let verdict = found.matches.iter().map(|found| found.verdict).max().unwrap_or(Verdict::Allow);
        Self { verdict, matches: found.matches, open: found.open, groups: found.groups }
    }
}

/// Judges a text that could not be read as a query.
pub fn judge_unreadable(unreadable: &Unreadable) -> QueryJudgement {
    let mut found = Found::default();
    let (id, reason, instead, at) = table::UNREAD.said(&format!("{} at {}", unreadable.why, unreadable.at));
    let instead = unreadable.instead.clone().or(instead);
    found.matches.push(Match { id, verdict: Verdict::Deny, reason, instead, at, command: None, overruled: None });
    QueryJudgement::of(found)
}

/// Judges a query. `ground`: what the server's catalog says; `None`: nobody has asked it yet, and what it has to tell stays
/// open.
pub fn judge_query(query: &Query, ground: Option<&QueryGround>, policy: &Policy) -> QueryJudgement {
    let mut found = Found::default();
    let sight = Sight { query, ground, sql: &policy.settings().sql };
    sight.statement(&mut found);
    sight.relations(&mut found);
    sight.names(&mut found);
    sight.alpha(&policy.settings().alpha, &mut found);
    QueryJudgement::of(found)
}

/// Judges what the user of a database can do beside reading: `reaching` out of it, and `writing` to it, each as fragments.
pub fn judge_posture(posture: Posture, reaching: &[String], writing: &[String]) -> QueryJudgement {
    let mut found = Found::default();
    let refused = match posture {
        Posture::Any => Vec::new(),
        Posture::Contained => reaching.to_vec(),
        Posture::ReadOnly => [reaching, writing].concat(),
    };
    if !refused.is_empty() {
        found.say(&table::POSTURE, &refused.join("; "));
    }
    QueryJudgement::of(found)
}

/// Judges where a database lies that is not on this machine: a host, or a file outside the project.
pub fn judge_place(hosts: &[String], place: &str) -> QueryJudgement {
    let mut found = Found::default();
    if !hosts.iter().any(|host| host.eq_ignore_ascii_case(place)) {
        found.say(&table::HOST, &format!("`{}`", printable(place)));
    }
    QueryJudgement::of(found)
}

/// One query, as it is looked at.
#[derive(Clone, Copy)]
struct Sight<'a> {
    query: &'a Query,
    ground: Option<&'a QueryGround>,
    sql: &'a SqlNames,
}

/// What was found in a query.
#[derive(Default)]
struct Found {
    matches: Vec<Match>,
    open: Vec<String>,
    groups: BTreeSet<String>,
}

impl Found {
    /// Adds a rule that matched at a place, once for each thing it matched.
    fn add(&mut self, own: &'static BuiltIn, what: &str, place: Place) {
        self.say(own, &format!("`{}` at {place}", printable(what)));
    }

    /// The same, with words of its own.
    fn say(&mut self, own: &'static BuiltIn, what: &str) {
        let (id, reason, instead, at) = own.said(what);
        let found = Match { id, verdict: own.verdict, reason, instead, at, command: None, overruled: None };
        if !self.matches.contains(&found) {
            self.matches.push(found);
        }
    }

    /// The same, of a rule that the policy fills with what it says at `at`.
    fn refuse(&mut self, own: &'static BuiltIn, what: &str, at: &str) {
        let (id, reason, instead, _) = own.said(what);
        let at = at.to_owned();
        let found = Match { id, verdict: own.verdict, reason, instead, at, command: None, overruled: None };
        if !self.matches.contains(&found) {
            self.matches.push(found);
        }
    }

    fn leave_open(&mut self, name: String) {
        if !self.open.contains(&name) {
            self.open.push(name);
        }
    }
}

impl Sight<'_> {
    fn engine(self) -> Engine {
        self.query.engine()
    }

    /// What sort of statement it is.
    fn statement(self, found: &mut Found) {
        let kind = self.query.kind();
        for lock in self.query.locks() {
            found.add(&table::LOCKS, &lock.strength.to_uppercase(), lock.place);
        }
        for written in self.query.writes() {
            found.add(&table::WRITES, &format!("{kind} on {}", written.path), written.place);
        }
        let begins = || self.query.first_word().is_some_and(|word| BEGINNINGS.contains(&word.as_str()));
        if self.engine() == Engine::QuestDb && kind.reads_only() && !begins() {
            // The server runs some statements of few words as it reads them.
            let text = printable(self.query.text().trim());
            return found.say(&table::STATEMENT, &format!("`{text}`; `SELECT * FROM {text}` is one"));
        }
        if kind.reads_only() || !self.query.locks().is_empty() && is_locking(kind) {
            return;
        }
        if writes(kind) {
            if self.query.writes().is_empty() {
                found.say(&table::WRITES, &format!("`{kind}`"));
            }
        } else {
            found.say(&table::STATEMENT, &format!("`{kind}`"));
        }
    }
}

/// Words that a read of QuestDB's begins with.
const BEGINNINGS: [&str; 5] = ["select", "with", "declare", "show", "explain"];

fn is_locking(kind: &Kind) -> bool {
    match kind {
        Kind::Locking => true,
        Kind::Explain(of) | Kind::ExplainAnalyze(of) => is_locking(of),
        Kind::Select
        | Kind::Values
        | Kind::Table
        | Kind::Show(_)
        | Kind::SelectInto
        | Kind::WithWrites
        | Kind::Insert
        | Kind::Update
        | Kind::Delete
        | Kind::Merge
        | Kind::Truncate
        | Kind::Ddl { .. }
        | Kind::Other(_) => false,
    }
}

fn writes(kind: &Kind) -> bool {
    match kind {
        Kind::SelectInto
        | Kind::WithWrites
        | Kind::Insert
        | Kind::Update
        | Kind::Delete
        | Kind::Merge
        | Kind::Truncate
        | Kind::Ddl { .. } => true,
        Kind::Explain(of) | Kind::ExplainAnalyze(of) => writes(of),
        Kind::Select | Kind::Values | Kind::Table | Kind::Show(_) | Kind::Locking | Kind::Other(_) => false,
    }
}
