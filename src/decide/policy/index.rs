//! Rules by the names of programs, so that a judgement looks at few of them.
//! Knows no conditions but the program's name.

use super::rule::{Conditions, ProgramName, Rule};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Numbers of rules by program. The names stand in one text, so that loading them is one copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// All names, sorted, one after the other.
    names: String,
    /// Where each name and the numbers of its rules end.
    ends: Vec<(u32, u32)>,
    /// Numbers of rules, name after name.
    numbers: Vec<u32>,
    /// Rules that name no program, or by glob or path, and what else a command must have for them.
    any: Vec<(u32, Has)>,
}

/// What a command has that rules without a program look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Has {
    /// It sets variables.
    pub(crate) assigns: bool,
    /// Something stands around it.
    pub(crate) wrappers: bool,
    /// It is known to touch paths.
    pub(crate) paths: bool,
}

impl Has {
    /// What a command must have for a rule of these conditions.
    fn needed(when: &Conditions) -> Has {
        let places = !when.reads.is_empty() || !when.writes_to.is_empty() || !when.removes.is_empty();
        Has {
            assigns: !when.assigns.is_empty(),
            wrappers: !when.wrapped.is_empty(),
            paths: when.programs.is_empty() && places,
        }
    }

    fn all_of(self, needed: Has) -> bool {
        self.assigns >= needed.assigns && self.wrappers >= needed.wrappers && self.paths >= needed.paths
    }
}

impl Index {
    /// An index of `rules`.
    pub(crate) fn new(rules: &[Rule]) -> Index {
        let mut named: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut index = Index::default();
        for (number, rule) in rules.iter().enumerate() {
            let number = length(number);
            let names: Option<Vec<&str>> = rule.when.programs.iter().map(plain).collect();
            match names {
                Some(names) if !names.is_empty() => {
                    for name in names {
                        named.entry(name).or_default().push(number);
                    }
                }
                Some(_) | None => index.any.push((number, Has::needed(&rule.when))),
            }
        }
        for (name, numbers) in named {
            index.names.push_str(name);
            index.numbers.extend(numbers);
            index.ends.push((length(index.names.len()), length(index.numbers.len())));
        }
        index
    }

    /// Numbers of the rules that could match one of these names, in order.
    pub(crate) fn candidates<'n>(&self, names: impl Iterator<Item = &'n str>, has: Has) -> Vec<usize> {
        let possible = self.any.iter().filter(|(_, needed)| has.all_of(*needed));
        let mut numbers: Vec<usize> = possible.map(|(number, _)| *number as usize).collect();
        for name in names {
            numbers.extend(self.of(name).iter().map(|number| *number as usize));
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn of(&self, name: &str) -> &[u32] {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            let (known, numbers) = self.entry(middle);
            match known.cmp(name) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return numbers,
            }
        }
        &[]
    }

    fn entry(&self, at: usize) -> (&str, &[u32]) {
        let end = |at: usize| self.ends.get(at).map_or((0, 0), |(name, rules)| (*name as usize, *rules as usize));
        let (from, to) = (at.checked_sub(1).map_or((0, 0), end), end(at));
        let name = self.names.get(from.0..to.0).unwrap_or_default();
        (name, self.numbers.get(from.1..to.1).unwrap_or_default())
    }
}

/// A policy has far fewer bytes than this holds.
fn length(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn plain(program: &ProgramName) -> Option<&str> {
    match program {
        ProgramName::Name(name) => Some(name),
        ProgramName::Glob(_) | ProgramName::Path(_) => None,
    }
}
