//! Rows of markets and trades that queries were given, task by task.
//! Knows no budgets and no groups: a record says whether its rows count.

use crate::event::{QueryEnd, QueryStart};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tasks that are counted one by one; of more the one with the fewest rows is forgotten. All together count on.
const TASKS: usize = 256;

/// Rows given since a person last trusted the policy or resumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exports {
    /// By what callers called the task; what has no name is one task.
    tasks: BTreeMap<String, u64>,
    /// All of them.
    all: u64,
    /// Queries that run, each with its task and the rows it could be given.
    running: BTreeMap<u64, (String, u64)>,
}

impl Exports {
    /// Rows that a task was given.
    pub fn task(&self, task: Option<&str>) -> u64 {
        self.tasks.get(task.unwrap_or_default()).copied().unwrap_or_default()
    }

    /// Rows that all tasks were given.
    pub fn all(&self) -> u64 {
        self.all
    }

    pub(super) fn start(&mut self, seq: u64, start: &QueryStart) {
        if let Some(most) = start.most {
            self.running.insert(seq, (start.task.clone().unwrap_or_default(), most));
        }
    }

    pub(super) fn end(&mut self, end: &QueryEnd) {
        if let Some((task, _)) = self.running.remove(&end.of)
            && !end.groups.is_empty()
        {
            self.count(task, end.rows);
        }
    }

    /// Its end was never seen: whatever it could be given counts.
    pub(super) fn lost(&mut self, of: u64) {
        if let Some((task, most)) = self.running.remove(&of) {
            self.count(task, most);
        }
    }

    /// A person begins the count anew.
    pub(super) fn forgive(&mut self) {
        self.tasks.clear();
        self.all = 0;
    }

    fn count(&mut self, task: String, rows: u64) {
        self.all = self.all.saturating_add(rows);
        let counted = self.tasks.entry(task).or_default();
        *counted = counted.saturating_add(rows);
        while self.tasks.len() > TASKS {
            let Some(fewest) = self.tasks.iter().min_by_key(|(_, rows)| **rows).map(|(task, _)| task.clone()) else {
                return;
            };
            self.tasks.remove(&fewest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::QueryEnded;

    fn start(task: Option<&str>, most: Option<u64>) -> QueryStart {
        QueryStart {
            database: "market".into(),
            server: None,
            test: false,
            environment: None,
            approval: None,
            sha256: None,
            policy: String::new(),
            timeout_ms: 0,
            most,
            task: task.map(str::to_owned),
            warnings: Vec::new(),
        }
    }

    fn end(of: u64, rows: u64, groups: &[&str]) -> QueryEnd {
        QueryEnd {
            of,
            ended: QueryEnded::Answered,
            rows,
            bytes: 0,
            changed: None,
            truncated: None,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            rules: Vec::new(),
            tries: 1,
            duration_ms: 0,
            check: None,
        }
    }

    #[test]
    fn rows_of_groups_count_for_their_task_and_for_all_and_lost_queries_in_full() {
        let mut exports = Exports::default();
        exports.start(1, &start(Some("a"), Some(100)));
        exports.start(2, &start(None, Some(100)));
        exports.start(3, &start(Some("a"), Some(100)));
        exports.start(4, &start(Some("a"), None));
        exports.end(&end(1, 7, &["market"]));
        exports.end(&end(2, 5, &["fills"]));
        exports.end(&end(4, 9, &["market"]));
        assert_eq!(
            (exports.task(Some("a")), exports.task(None), exports.task(Some("b")), exports.all()),
            (7, 5, 0, 12)
        );
        exports.lost(3);
        exports.lost(99);
        assert_eq!((exports.task(Some("a")), exports.all()), (107, 112));
        exports.start(5, &start(Some("a"), Some(100)));
        exports.end(&end(5, 50, &[]));
        assert_eq!(exports.all(), 112, "rows of nothing in a group");
        exports.forgive();
        assert_eq!((exports.task(Some("a")), exports.all()), (0, 0));
    }

    #[test]
    fn many_names_of_tasks_do_not_grow_the_state_and_all_count_together() {
        let mut exports = Exports::default();
        for number in 0..1_000 {
            exports.start(number, &start(Some(&format!("task {number}")), Some(9)));
            exports.end(&end(number, 1 + number % 3, &["market"]));
        }
        assert_eq!((exports.tasks.len(), exports.all()), (TASKS, 1_999));
    }
}
