//! The bounds of one iteration: how many files its changes may touch, all of them together and in one folder.
//! Pure: the open iteration and what a change set counts in, what is against it out.

use super::table::{self, FULL, TOO_MANY_FILES};
use super::{Listed, said};
use crate::decide::Match;
use crate::decide::judging::BuiltIn;
use crate::decide::policy::{Iteration, Writes};
use crate::event::Round;
use crate::event::line::visible;
use std::collections::{BTreeMap, BTreeSet};

/// Files that are compared with each other; of more nobody says that each belongs to each.
const COMPARED: usize = crate::event::NAMES;

/// The files that changes touch, outputs of builds and the like aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// From the project's root.
    pub(super) files: BTreeSet<String>,
    /// Old and new names of what was moved and not changed otherwise.
    pub(super) moved: Vec<(String, String)>,
}

impl Touched {
    /// The files that count in the open iteration. One that was moved is one change, under its new name; under a name that
    /// counts already it would be none, and any number of files could be made to go by way of that.
    pub fn counted(&self, round: Option<&Round>) -> Vec<String> {
        let known = |file: &String| round.is_some_and(|round| round.more > 0 || round.files.contains_key(file));
        let mut counted = self.files.clone();
        for (from, _) in self.moved.iter().filter(|(_, to)| self.files.contains(to) && !known(to)) {
            counted.remove(from);
        }
        counted.into_iter().collect()
    }
}

/// What an iteration allows, and who asks.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// `[iteration]` of the policy.
    pub iteration: &'a Iteration,
    /// What the command may write.
    pub area: Writes,
}

/// What is against `counted` files in the iteration that is open, if one is.
pub fn bounds(counted: &[String], round: Option<&Round>, bounds: Bounds<'_>) -> Vec<Match> {
    let sum = Sum { counted, round, bounds };
    [sum.many().or_else(|| sum.full()), sum.folder()].into_iter().flatten().collect()
}

/// An iteration, and what would come to it.
#[derive(Clone, Copy)]
struct Sum<'a> {
    counted: &'a [String],
    round: Option<&'a Round>,
    bounds: Bounds<'a>,
}

impl<'a> Sum<'a> {
    fn open(self) -> impl Iterator<Item = &'a str> {
        self.round.into_iter().flat_map(|round| round.files.keys().map(String::as_str))
    }

    fn is_new(self, file: &str) -> bool {
        self.round.is_none_or(|round| !round.files.contains_key(file))
    }

    /// Files of the set that do not count yet.
    fn new_files(self) -> Vec<&'a str> {
        self.counted.iter().map(String::as_str).filter(|file| self.is_new(file)).collect()
    }

    fn most(self) -> u64 {
        u64::from(self.bounds.iteration.files)
    }

    /// More files than an iteration may touch, whatever else is open.
    fn many(self) -> Option<Match> {
        let (number, most) = (self.counted.len(), self.most());
        if number as u64 <= most || self.new_files().is_empty() || self.coupled(self.counted.iter()) {
            return None;
        }
        let what = format!("{number}, at most {most}: {}", listed(self.counted, 0));
        Some(said(&TOO_MANY_FILES, &what))
    }

    /// Files that would fit by themselves, where the open iteration has too many already.
    fn full(self) -> Option<Match> {
        let round = self.round?;
        let new = self.new_files();
        let number = round.number().saturating_add(new.len() as u64);
        let all = self.open().chain(new.iter().copied());
        if new.is_empty() || number <= self.most() || round.more == 0 && self.coupled(all) {
            return None;
        }
        let open = listed(self.open(), round.more);
        let what = format!(
            "{} would be added to {open}, of which it may hold {} (`guard iteration status`); {}",
            listed(new, 0),
            self.most(),
            self.fitting()
        );
        Some(said(&FULL, &what))
    }

    /// Whether every two of these files are coupled.
    fn coupled<T: AsRef<str>>(self, files: impl Iterator<Item = T>) -> bool {
        let files: Vec<T> = files.take(COMPARED + 1).collect();
        let couplings = &self.bounds.iteration.couplings;
        files.len() <= COMPARED
            && files.iter().enumerate().all(|(at, one)| {
                files.iter().skip(at + 1).all(|other| couplings.between(one.as_ref(), other.as_ref()).is_some())
            })
    }

    /// What could be added: what is coupled with every file that is open.
    fn fitting(self) -> String {
        const MOST: usize = 5;
        let couplings = &self.bounds.iteration.couplings;
        let none = "no other file is coupled with all of these".to_owned();
        let Some(first) = self.open().next().filter(|_| self.round.is_some_and(|round| round.more == 0)) else {
            return none;
        };
        if !self.coupled(self.open()) {
            return none;
        }
        let mut fitting: Vec<String> = Vec::new();
        for (file, name) in couplings.counterparts(first) {
            // What is a pattern still may fit; only what is named is known to.
            let fits = file.contains(['*', '?', '{']) && self.open().nth(1).is_none()
                || self.open().all(|open| couplings.between(open, &file).is_some());
            if fits && self.is_new(&file) && fitting.len() < MOST {
                fitting.push(format!("`{}` ({})", visible(&file), visible(name)));
            }
        }
        if fitting.is_empty() { none } else { format!("coupled with these would be {}", fitting.join(", ")) }
    }

    /// A folder of which more files would change than one iteration may.
    fn folder(self) -> Option<Match> {
        let new = self.new_files();
        let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in self.open().chain(new.iter().copied()) {
            folders.entry(parent(file)).or_default().insert(file);
        }
        // What has no name could lie in any of them.
        let unnamed = self.round.map_or(0, |round| round.more);
        let most = u64::from(self.bounds.iteration.folder);
        let touched: BTreeSet<&str> = new.iter().map(|file| parent(file)).collect();
        let over = folders
            .into_iter()
            .find(|(folder, files)| touched.contains(folder) && (files.len() as u64).saturating_add(unnamed) > most);
        let (folder, files) = over?;
        let folder = if folder.is_empty() { "the project's root".to_owned() } else { format!("`{}`", visible(folder)) };
        let what = format!("{folder}, at most {most}: {}", listed(files, unnamed));
        let rule: &'static BuiltIn = match self.bounds.area {
            Writes::Git => &table::FOLDER_BY_GIT,
            Writes::Nothing | Writes::Project | Writes::Venv => &table::FOLDER,
        };
        Some(said(rule, &what))
    }
}

fn parent(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn listed<T: AsRef<str>>(files: impl IntoIterator<Item = T>, more: u64) -> Listed {
    let mut list = Listed::default();
    files.into_iter().for_each(|file| list.add(&visible(file.as_ref()), 1));
    list.all = list.all.saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
    list
}
