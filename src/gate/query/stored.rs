//! The stored copy of a write that a person is asked about: exactly what would be sent, to which database, under which policy.
//! Knows no approvals.

use super::Stop;
use crate::approve::{Approval, Unusable, usable};
use crate::decide::{Match, QueryJudgement};
use crate::event::Open;
use crate::execute::query::Identity;
use crate::gate::desk::{Desk, now};
use crate::gate::{Project, stored};
use serde::{Deserialize, Serialize};

/// The kind of such requests.
pub(in crate::gate) const KIND: &str = "query";

/// A write, as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gate) struct StoredQuery {
    pub(super) v: u32,
    /// Never the same twice, so that the hash of a copy tells nothing of what it holds.
    pub(super) salt: String,
    /// The database's name, and the variable with the URL that it would be written by.
    pub(in crate::gate) database: String,
    pub(super) variable: String,
    /// What tells the database from any other, and the same for a person.
    pub(super) server: String,
    pub(in crate::gate) shown: String,
    /// The text, as it would be sent.
    pub(in crate::gate) sql: String,
    pub(super) task: Option<String>,
    /// Hash of the policy that asks.
    pub(in crate::gate) policy: String,
    /// The rules that ask, with what the catalog says of what is written to.
    pub(in crate::gate) rules: Vec<Asks>,
}

/// A rule that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asks {
    /// Its id.
    pub id: String,
    /// `ask`, or of others that matched `allow`.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

impl Asks {
    pub(super) fn of(judged: &QueryJudgement) -> Vec<Asks> {
        let each = |found: &Match| Asks {
            id: found.id.clone(),
            verdict: found.verdict.word().to_owned(),
            reason: found.reason.clone(),
        };
        judged.matches.iter().map(each).collect()
    }
}

/// An approval that can be used now, and what it is bound to beside the text and the policy.
pub(super) struct Approved {
    pub(super) approval: Approval,
    pub(super) bound: Bound,
}

/// What a person saw that a write would be done to.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// The request's name.
    pub(super) name: String,
    server: String,
    shown: String,
    rules: Vec<Asks>,
}

impl Bound {
    /// Whether this is the database: a copy of it somewhere else is not.
    pub(super) fn is_of(&self, found: &Identity) -> bool {
        self.server == found.stable && self.shown == found.shown
    }

    /// Whether the catalog still says the same of what is written to: its triggers, rules and cascades.
    pub(super) fn is_as_seen(&self, judged: &QueryJudgement) -> bool {
        self.rules == Asks::of(judged)
    }
}

impl StoredQuery {
    /// The stored copy of a request, if it is still what was asked.
    pub(in crate::gate) fn load(project: &Project, open: &Open) -> Result<Option<StoredQuery>, Stop> {
        let Some((bytes, content)) = stored::bytes(project, &open.asked.name)? else { return Ok(None) };
        if content != open.asked.content {
            return Ok(None);
        }
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// Keeps it under a request's name, durably; the hash of its bytes.
    pub(super) fn keep(&self, project: &Project, name: &str) -> Result<String, Stop> {
        stored::keep_bytes(project, name, &serde_json::to_vec(self).unwrap_or_default())
    }
}

impl Desk<'_> {
    /// The approval of a request of this name, to be used for its text and database now.
    pub(super) fn approved_query(&mut self, name: &str) -> Result<Approved, Stop> {
        let requests = &self.state().requests;
        let open = requests.open(name).cloned();
        let content = open.as_ref().map(|open| open.asked.content.as_str()).unwrap_or_default();
        let approval = usable(requests, name, content, now().timestamp())
            .map_err(|cause| Stop::Approval { name: name.to_owned(), cause })?;
        let stored = open.map_or(Ok(None), |open| StoredQuery::load(self.project, &open))?;
        match stored.filter(|stored| stored.policy == self.policy.hash()) {
            Some(StoredQuery { server, shown, rules, .. }) => {
                Ok(Approved { approval, bound: Bound { name: name.to_owned(), server, shown, rules } })
            }
            None => Err(self.is_changed(name)?),
        }
    }

    /// Ends a request whose ground has changed; what to stop with.
    pub(super) fn is_changed(&mut self, name: &str) -> Result<Stop, Stop> {
        self.changed(name)?;
        Ok(Stop::Approval { name: name.to_owned(), cause: Unusable::Changed })
    }
}
