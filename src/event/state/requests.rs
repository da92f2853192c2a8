//! What a person is asked, from the asking to the use of the answer; and the halt, if there is one.
//! Knows no clock: whoever reads compares the times.

use crate::event::{By, Cause, Closing, Escalated, Requested, Spent};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Requests that are done with and still known by name.
const KEPT: usize = 64;
/// Fingerprints that a person denied and that are still known.
const DENIED: usize = 256;

/// Everything a person was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Names given so far, over all kinds.
    pub named: u64,
    /// What waits for an answer, or for the use of its approval, by name.
    pub open: BTreeMap<String, Open>,
    /// What is done with, the oldest first: name and outcome.
    pub done: VecDeque<(String, Done)>,
    /// What a person denied, the oldest first.
    pub denied: VecDeque<Refused>,
    /// What is halted.
    pub halt: Option<Box<Halt>>,
}

/// A request that is not done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// As it was asked.
    pub asked: Requested,
    /// Its record.
    pub seq: u64,
    /// The approval, once there is one.
    pub approved: Option<Permission>,
}

/// An approval that was not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Who gave it.
    pub by: By,
    /// Until when it can be used, in seconds since 1970.
    pub until: i64,
}

/// A command that a person denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its fingerprint.
    pub target: String,
    /// The request's name.
    pub name: String,
    /// Why, if they said so.
    pub reason: Option<String>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Approved and used.
    Used,
    /// Denied by a person.
    Denied,
    /// Nobody answered or used it in time.
    Expired,
    /// What it rests on has changed.
    Changed,
    /// A halt that was resumed.
    Resumed,
    /// The policy allows it by itself.
    Allowed,
}

/// What is halted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Its name: `resume-` and a number.
    pub name: String,
    /// Its record.
    pub seq: u64,
    /// What led to it.
    pub cause: Cause,
    /// Category of the errors, where failures led to it.
    pub category: Option<String>,
    /// What is spent, where a budget is.
    pub attempts: Option<Spent>,
    /// 32 hex digits that were never used before.
    pub nonce: String,
    /// SHA-256 of the report.
    pub content: String,
    /// The user whose call led to it.
    pub uid: u32,
}

impl Requests {
    /// The request of a name that waits for an answer or for its use.
    pub fn open(&self, name: &str) -> Option<&Open> {
        self.open.get(name)
    }

    /// What came of a request that is done with.
    pub fn done(&self, name: &str) -> Option<Done> {
        self.done.iter().rev().find(|(known, _)| known == name).map(|(_, done)| *done)
    }

    /// A person's denial of a command of this fingerprint.
    pub fn denied(&self, target: &str) -> Option<&Refused> {
        self.denied.iter().rev().find(|known| known.target == target)
    }

    pub(super) fn ask(&mut self, seq: u64, asked: &Requested) {
        // Migrations are counted by themselves.
        if asked.kind != "migration" {
            self.named = self.named.saturating_add(1);
        }
        self.open.insert(asked.name.clone(), Open { asked: asked.clone(), seq, approved: None });
    }

    pub(super) fn approve(&mut self, name: &str, by: &By, until: i64) {
        if let Some(open) = self.open.get_mut(name) {
            open.approved = Some(Permission { by: by.clone(), until });
        }
    }

    pub(super) fn deny(&mut self, name: &str, reason: Option<&str>) {
        if let Some(open) = self.open.get(name) {
            let targets: Vec<String> = open.asked.targets.clone();
            let of = |target| Refused { target, name: name.to_owned(), reason: reason.map(str::to_owned) };
            self.denied.extend(targets.into_iter().map(of));
        }
        while self.denied.len() > DENIED {
            self.denied.pop_front();
        }
        self.finish(name, Done::Denied);
    }

    /// A person has changed their mind about what is allowed: what they denied before is judged again.
    pub(super) fn forgive(&mut self) {
        self.denied.clear();
    }

    pub(super) fn close(&mut self, name: &str, how: Closing) {
        self.finish(
            name,
            match how {
                Closing::Expired => Done::Expired,
                Closing::Changed => Done::Changed,
                Closing::Allowed => Done::Allowed,
            },
        );
    }

    pub(super) fn finish(&mut self, name: &str, done: Done) {
        if self.open.remove(name).is_some() {
            self.remember(name, done);
        }
    }

    pub(super) fn halt(&mut self, seq: u64, escalated: &Escalated) {
        self.named = self.named.saturating_add(1);
        self.halt = Some(Box::new(Halt {
            name: escalated.name.clone(),
            seq,
            cause: escalated.cause,
            category: escalated.category.clone(),
            attempts: escalated.attempts,
            nonce: escalated.nonce.clone(),
            content: escalated.content.clone(),
            uid: escalated.uid,
        }));
    }

    pub(super) fn resume(&mut self, name: &str) {
        if self.halt.take_if(|halt| halt.name == name).is_some() {
            self.remember(name, Done::Resumed);
        }
    }

    fn remember(&mut self, name: &str, done: Done) {
        self.done.push_back((name.to_owned(), done));
        while self.done.len() > KEPT {
            self.done.pop_front();
        }
    }
}
