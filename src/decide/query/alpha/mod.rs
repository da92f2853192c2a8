//! What queries may not find out about a market and its trades: judged by what flows from which relation through the structure
//! of a query, never by its spelling (SKILL 3, anti-alpha-mining enforcement). Views are followed once the catalog tells them.
//! Knows no server; groups, columns, statistics and spans are the policy's.

mod block;
mod bounds;
mod calls;
mod expr;
mod flow;
mod joins;
mod look;
mod pairs;
mod reach;
mod scope;
#[cfg(test)]
mod tests;
mod time;
mod walk;

use super::table;
use super::{Found, Sight};
use crate::decide::policy::{Alpha, Policy};
use std::collections::BTreeSet;

impl Sight<'_> {
    /// The groups whose rows it reads, each with the relation as it is written and its place.
    pub(super) fn reached(self, alpha: &Alpha) -> Vec<String> {
        if alpha.is_empty() {
            Vec::new()
        } else {
            reach::reached(self, alpha).iter().map(ToString::to_string).collect()
        }
    }

    /// What could find out what nobody asked for; the groups that are reached.
    pub(super) fn alpha(self, alpha: &Alpha, found: &mut Found) {
        if alpha.is_empty() {
            return;
        }
        reach::planners(self, found, &alpha.aggregate_time.at);
        let reached = reach::reached(self, alpha);
        if reached.is_empty() {
            return;
        }
        reach::apart(alpha, &reached, found);
        if let Some(body) = self.query.shape() {
            found.groups = reached.iter().map(|reached| reached.group.clone()).collect();
            walk::Walk::new(self, alpha, found).whole(body);
        }
    }
}

/// What remains of the budget of rows, before a query is sent that reaches a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// Rows that the task was given so far.
    pub task: u64,
    /// Rows that all tasks together were given.
    pub all: u64,
}

impl Export {
    /// How many rows may still be given.
    pub fn left(self, policy: &Policy) -> u64 {
        let alpha = &policy.settings().alpha;
        let task = alpha.task_rows.most.saturating_sub(self.task);
        task.min(alpha.all_rows.most.saturating_sub(self.all))
    }
}

/// Judges whether any more rows may be given; `groups`: what the query reaches.
pub fn judge_export(policy: &Policy, groups: &BTreeSet<String>, given: Export) -> super::QueryJudgement {
    let alpha = &policy.settings().alpha;
    let mut found = Found::default();
    let bounds = [
        (given.task, &alpha.task_rows, "this task was", "task_rows"),
        (given.all, &alpha.all_rows, "all tasks were", "all_rows"),
    ];
    for (used, bound, who, key) in bounds {
        if !groups.is_empty() && used >= bound.most {
            let names: Vec<String> = groups.iter().map(|group| format!("`{group}`")).collect();
            let what =
                format!("{who} given {used} rows of {}, and may be given {} (`{key}`)", names.join(", "), bound.most);
            found.refuse(&table::EXPORT, &what, &bound.at);
        }
    }
    super::QueryJudgement::of(found)
}
