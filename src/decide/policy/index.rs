//! Rules by the names of programs, so that a judgement looks at few of them.
//! Knows no conditions but the program's name.

use super::numbers::{Numbers, row};
use super::rule::{Conditions, ProgramName, Rule};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

/// Numbers of rules by program, all in one run of bytes, so that loading them is one copy: how many rows the three tables have, the
/// tables, and all names, sorted, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    bytes: Vec<u8>,
    /// Rules that name no program, or by glob or path, and what else a command must have for them.
    any: Range<usize>,
    /// Where each name and the numbers of its rules end.
    ends: Range<usize>,
    /// Numbers of rules, name after name.
    numbers: Range<usize>,
}

/// What a command has that rules without a program look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

    fn as_bits(self) -> u32 {
        u32::from(self.assigns) | u32::from(self.wrappers) << 1 | u32::from(self.paths) << 2
    }

    fn of_bits(bits: u32) -> Has {
        Has { assigns: bits & 1 != 0, wrappers: bits & 2 != 0, paths: bits & 4 != 0 }
    }
}

impl Index {
    /// An index of `rules`.
    pub(crate) fn new(rules: &[Rule]) -> Index {
        let mut named: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let (mut any, mut ends, mut numbers) =
            (Numbers::<2>::default(), Numbers::<2>::default(), Numbers::<1>::default());
        for (number, rule) in rules.iter().enumerate() {
            let number = length(number);
            let names: Option<Vec<&str>> = rule.when.programs.iter().map(plain).collect();
            match names {
                Some(names) if !names.is_empty() => {
                    for name in names {
                        named.entry(name).or_default().push(number);
                    }
                }
                Some(_) | None => any.push([number, Has::needed(&rule.when).as_bits()]),
            }
        }
        let mut names = String::new();
        for (name, of) in named {
            names.push_str(name);
            of.into_iter().for_each(|number| numbers.push([number]));
            ends.push([length(names.len()), length(numbers.len())]);
        }
        let mut head = Numbers::<3>::default();
        head.push([any.len(), ends.len(), numbers.len()].map(length));
        // A policy has a few megabytes at most: this is the whole of it.
        let tables = [head.bytes(), any.bytes(), ends.bytes(), numbers.bytes(), names.as_bytes()];
        Self::from_bytes(tables.concat()).unwrap_or_default()
    }

    /// What [`Index::bytes`] gave; `None`: it is something else.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Index> {
        let [any, ends, numbers] = row::<3>(&bytes, 0)?;
        let mut at = Numbers::<3>::ROW;
        let mut table = |rows: u32, row: usize| {
            let from = at;
            at = from.checked_add((rows as usize).checked_mul(row)?)?;
            Some(from..at)
        };
        let (any, ends) = (table(any, Numbers::<2>::ROW)?, table(ends, Numbers::<2>::ROW)?);
        let numbers = table(numbers, Numbers::<1>::ROW)?;
        (numbers.end <= bytes.len()).then_some(Index { bytes, any, ends, numbers })
    }

    /// All of it, to be kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Numbers of the rules that could match one of these names, in order.
    pub(crate) fn candidates<'n>(&self, names: impl Iterator<Item = &'n str>, has: Has) -> Vec<usize> {
        let any = (0..).map_while(|at| row::<2>(self.table(&self.any), at));
        let possible = any.filter(|[_, needed]| has.all_of(Has::of_bits(*needed)));
        let mut found: Vec<usize> = possible.map(|[number, _]| number as usize).collect();
        for name in names {
            let numbers = self.of(name).filter_map(|at| row::<1>(self.table(&self.numbers), at));
            found.extend(numbers.map(|[number]| number as usize));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where the numbers of this name's rules stand.
    fn of(&self, name: &str) -> Range<usize> {
        let (mut low, mut high) = (0, self.ends.len() / Numbers::<2>::ROW);
        while low < high {
            let middle = low.midpoint(high);
            let (known, numbers) = self.entry(middle);
            match known.cmp(name.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return numbers,
            }
        }
        0..0
    }

    fn entry(&self, at: usize) -> (&[u8], Range<usize>) {
        let end = |at: usize| {
            row::<2>(self.table(&self.ends), at).map_or((0, 0), |[name, rules]| (name as usize, rules as usize))
        };
        let (from, to) = (at.checked_sub(1).map_or((0, 0), end), end(at));
        let names = self.bytes.get(self.numbers.end..).unwrap_or_default();
        (names.get(from.0..to.0).unwrap_or_default(), from.1..to.1)
    }

    fn table(&self, table: &Range<usize>) -> &[u8] {
        self.bytes.get(table.clone()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Policy;
    use crate::decide::policy::{Layer, Source};

    #[test]
    fn rules_are_found_by_name_and_by_what_a_command_has() {
        let rule =
            |id: &str, rest: &str| format!("[[rule]]\nid = \"{id}\"\n{rest}\nverdict = \"deny\"\nreason = \"tests\"\n");
        let texts = [
            rule("a", "program = [\"make\", \"zig\"]"),
            rule("b", "program = [\"ma*\"]"),
            rule("c", "program = [\"make\"]"),
            rule("d", "assigns = [\"LD_*\"]"),
        ];
        let text = format!("version = 1\n{}", texts.concat());
        let policy = Policy::load(&[Source { layer: Layer::Project, name: "guard.toml".into(), text }]).unwrap();
        let ids = |name: &str, has: Has| -> String {
            let numbers = policy.body.index.candidates([name].into_iter(), has);
            let own = numbers.iter().filter_map(|at| policy.text(*at)).filter(|text| text.id.len() == 1);
            own.map(|text| text.id).collect()
        };
        let all = Has { assigns: true, wrappers: true, paths: true };
        assert_eq!(
            ["make", "zig", "mak", "zi", ""].map(|name| ids(name, Has::default())),
            ["abc", "ab", "b", "b", "b"]
        );
        assert_eq!(ids("make", all), "abcd");
        let bytes = policy.body.index.bytes().to_vec();
        assert_eq!(Index::from_bytes(bytes.clone()).as_ref(), Some(&policy.body.index));
        assert_eq!(Index::from_bytes(bytes[..11].to_vec()), None);
        assert_eq!(Index::from_bytes([&[0xff; 12], &bytes[12..]].concat()), None, "more rows than there are");
    }
}
