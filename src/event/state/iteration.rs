//! The open iteration: which files its changes count, and whether a check was green since the last of them.
//! Knows no bounds: a record says what counted when it was written.

use crate::event::{Committed, NAMES};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Changes of one file that are remembered one by one; with more it stays counted, whatever is taken back.
const CHANGES: usize = 64;
/// Stands for changes that are not remembered: no record has this number.
const FORGOTTEN: u64 = 0;

/// The iteration, if one is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iteration {
    /// The open one.
    pub open: Option<Box<Round>>,
}

/// An open iteration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Its record.
    pub seq: u64,
    /// What it is for; none where a change began it.
    pub what: Option<String>,
    /// Counted files, and the records of the changes that count each.
    pub files: BTreeMap<String, BTreeSet<u64>>,
    /// Changes that were taken back, and the files that they counted.
    pub taken: BTreeMap<u64, BTreeSet<String>>,
    /// Records that took back a change, or that taking back, and the change.
    pub turned: BTreeMap<u64, u64>,
    /// How many more there are, at most: of these no name is known, so that none is known again.
    pub more: u64,
    /// The record of the last change, or of its taking back.
    pub last: Option<u64>,
    /// The end of a check that began after the last change, and was green.
    pub green: Option<u64>,
}

impl Round {
    /// How many files count.
    pub fn number(&self) -> u64 {
        self.more.saturating_add(self.files.len() as u64)
    }

    /// Whether nothing of it is in the project: nothing changed, or all of it was taken back.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.more == 0
    }

    fn count<'a>(&mut self, seq: u64, files: impl IntoIterator<Item = &'a String>) {
        for file in files {
            if !self.files.contains_key(file) && self.files.len() >= NAMES {
                self.more = self.more.saturating_add(1);
                continue;
            }
            let changes = self.files.entry(file.clone()).or_default();
            changes.insert(if changes.len() < CHANGES { seq } else { FORGOTTEN });
        }
    }

    /// Takes out what a change counted, or what a taking back took out in again; `seq` is the record that does it, `of` the
    /// one that it takes back. Whether any of it is known by name.
    fn turn(&mut self, seq: u64, of: u64) -> bool {
        let change = self.turned.get(&of).copied().unwrap_or(of);
        if let Some(files) = self.taken.remove(&change) {
            self.count(change, &files);
        } else {
            let mut files = BTreeSet::new();
            self.files.retain(|file, changes| {
                if changes.remove(&change) {
                    files.insert(file.clone());
                }
                !changes.is_empty()
            });
            if files.is_empty() {
                return false;
            }
            if self.taken.len() < CHANGES {
                self.taken.insert(change, files);
            }
        }
        // What is no longer remembered counts anew when it is taken back once more.
        if self.turned.len() < CHANGES {
            self.turned.insert(seq, change);
        }
        true
    }
}

impl Iteration {
    pub(super) fn begin(&mut self, seq: u64, what: Option<&str>) {
        self.open = Some(Box::new(Round { seq, what: what.map(str::to_owned), ..Round::default() }));
    }

    pub(super) fn close(&mut self, of: u64) {
        let _closed = self.open.take_if(|round| round.seq == of);
    }

    pub(super) fn commit(&mut self, seq: u64, committed: &Committed) {
        let Some(round) = &mut self.open else { return };
        if committed.counted.is_empty() {
            return;
        }
        round.last = Some(seq);
        round.green = None;
        match committed.undoes {
            // What was done in an earlier iteration does not count in this one when it is taken back.
            Some(of) if of < round.seq => {}
            Some(of) if round.turn(seq, of) => {}
            Some(_) | None => {
                round.count(seq, &committed.counted.files);
                round.more = round.more.saturating_add(committed.counted.more);
            }
        }
    }

    /// A check that began with record `of` ended green.
    pub(super) fn green(&mut self, seq: u64, of: u64) {
        if let Some(round) = &mut self.open
            && of > round.last.unwrap_or(round.seq)
        {
            round.green = Some(seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Changed, Counted};

    fn commit(files: &[&str], undoes: Option<u64>) -> Committed {
        Committed {
            changed: Changed { of: None, files: Vec::new(), more: 0 },
            transaction: String::new(),
            manifest: String::new(),
            kept: true,
            undoes,
            approval: None,
            reason: None,
            counted: Counted::of(files.iter().map(|file| (*file).to_owned())),
        }
    }

    fn names(iteration: &Iteration) -> (Vec<&str>, u64) {
        let round = iteration.open.as_deref().unwrap();
        (round.files.keys().map(String::as_str).collect(), round.more)
    }

    fn begun() -> Iteration {
        let mut iteration = Iteration::default();
        iteration.begin(10, None);
        iteration
    }

    #[test]
    fn a_file_counts_once_and_until_every_change_of_it_is_taken_back() {
        let mut iteration = begun();
        iteration.commit(11, &commit(&["a", "b"], None));
        iteration.commit(12, &commit(&["a"], None));
        assert_eq!(names(&iteration), (vec!["a", "b"], 0));
        iteration.commit(13, &commit(&["a"], Some(12)));
        assert_eq!(names(&iteration), (vec!["a", "b"], 0));
        iteration.commit(14, &commit(&["a", "b"], Some(11)));
        assert_eq!(names(&iteration), (vec![], 0));
        assert!(iteration.open.as_deref().unwrap().is_empty());
        // Taken back again, it stands in the project again.
        iteration.commit(15, &commit(&["a", "b"], Some(14)));
        assert_eq!(names(&iteration), (vec!["a", "b"], 0));
        // By whichever of its records.
        for (seq, of) in [(16, 11), (17, 16), (18, 15), (19, 14)] {
            iteration.commit(seq, &commit(&["a", "b"], Some(of)));
            assert_eq!(names(&iteration).0.len(), if seq % 2 == 0 { 0 } else { 2 }, "{seq}");
        }
    }

    #[test]
    fn what_is_taken_back_of_an_earlier_iteration_does_not_count_and_needs_a_check() {
        let mut iteration = begun();
        iteration.green(12, 11);
        iteration.commit(13, &commit(&["a"], Some(9)));
        let round = iteration.open.as_deref().unwrap();
        assert_eq!((round.is_empty(), round.last, round.green), (true, Some(13), None));
    }

    #[test]
    fn more_names_than_are_kept_stay_a_number_that_nothing_takes_back() {
        let mut iteration = begun();
        let all: Vec<String> = (0..NAMES + 5).map(|n| format!("f{n:03}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        iteration.commit(11, &commit(&all, None));
        let round = iteration.open.as_deref().unwrap();
        assert_eq!((round.files.len(), round.more, round.number()), (NAMES, 5, 69));
        iteration.commit(12, &commit(&["zzz"], None));
        assert_eq!(iteration.open.as_deref().unwrap().more, 6);
        iteration.commit(13, &commit(&all, Some(11)));
        assert_eq!(names(&iteration), (vec![], 6));
    }

    #[test]
    fn a_file_that_changed_more_often_than_is_remembered_stays_counted() {
        let mut iteration = begun();
        let last = 11 + CHANGES as u64;
        (11..=last).for_each(|seq| iteration.commit(seq, &commit(&["a"], None)));
        (11..=last).for_each(|seq| {
            iteration.open.as_deref_mut().unwrap().turn(1000 + seq, seq);
        });
        assert_eq!(names(&iteration), (vec!["a"], 0));
    }

    #[test]
    fn a_check_is_worth_something_that_began_after_the_last_change() {
        let mut iteration = begun();
        iteration.commit(11, &commit(&["a"], None));
        let green = |iteration: &Iteration| iteration.open.as_deref().unwrap().green;
        iteration.green(13, 10);
        assert_eq!(green(&iteration), None);
        iteration.green(15, 14);
        assert_eq!(green(&iteration), Some(15));
        // What changes no file that counts leaves it green.
        iteration.commit(16, &commit(&[], None));
        assert_eq!(green(&iteration), Some(15));
        iteration.commit(17, &commit(&["a"], None));
        assert_eq!(green(&iteration), None);
        iteration.close(9);
        assert!(iteration.open.is_some());
        iteration.close(10);
        assert!(iteration.open.is_none());
    }
}
