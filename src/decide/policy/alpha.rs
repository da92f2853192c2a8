//! `[alpha]`: what queries may not find out about markets and trades: groups of relations, which of their columns are values,
//! statistics, spans and a budget (SKILL 3, anti-alpha-mining enforcement). Knows how it is written and merged; no SQL.

use super::Layer;
use super::keys;
use super::read::{At, Reader, Table};
use super::wild;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// Lists of names in `[alpha]`, as the table `NAMES` has them.
const STATISTICS: usize = 0;
const TIMES: usize = 1;
const IDS: usize = 2;
const LABELS: usize = 3;
/// Their keys.
const NAMES: [&str; 4] = ["statistics", "times", "ids", "labels"];

/// One `[alpha]`, as a source has it.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// Where it stands, for messages.
    at: String,
    lists: [Vec<String>; 4],
    window_rows: Option<u32>,
    window_time: Option<Duration>,
    aggregate_time: Option<Duration>,
    task_rows: Option<u32>,
    all_rows: Option<u32>,
    groups: Vec<Group>,
    /// Names of groups that others must not be reached with, to be looked up.
    named: Vec<At<String>>,
}

/// A group of relations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Tables and views of it, in any schema.
    relations: Vec<String>,
    /// Groups that no statement reaches together with it.
    not_with: Vec<String>,
    /// Where it stands: `guard.toml:12`.
    pub at: String,
}

/// What a column of a relation in a group is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnIs {
    /// A price, a quantity, a signal: whatever is not named as anything else.
    Value,
    /// When something happened.
    Time,
    /// It tells one row, or the rows of one thing, from all others.
    Id,
    /// A word: a symbol, a side, a status.
    Label,
}

/// What the policy says, all layers together. Empty: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alpha {
    groups: Vec<Group>,
    /// Patterns by list, each with where it stands.
    lists: [Vec<(String, Vec<String>)>; 4],
    /// Rows that a window over values may hold, and that two rows compared by hand may lie apart.
    pub window_rows: Bound<u32>,
    /// The same in time.
    pub window_time: Bound<Duration>,
    /// Time that values may be aggregated over.
    pub aggregate_time: Bound<Duration>,
    /// Rows of groups that one task may be given.
    pub task_rows: Bound<u64>,
    /// Rows of groups that all tasks together may be given.
    pub all_rows: Bound<u64>,
}

/// A number and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound<T> {
    /// The number.
    pub most: T,
    /// Where it stands: `guard.toml:12`, or the first `[alpha]` where nobody says it.
    pub at: String,
}

impl Alpha {
    /// Whether the policy has no groups, so that no rule applies.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The groups that a relation belongs to, whatever schema it is in.
    pub fn groups_of<'a>(&'a self, relation: &str) -> impl Iterator<Item = &'a Group> {
        let name = relation.to_lowercase();
        self.groups.iter().filter(move |group| any(&group.relations, &name))
    }

    /// The group that must not be reached together with `one` because either says so, and where that stands.
    pub fn apart(&self, one: &str, other: &str) -> Option<&str> {
        let says = |group: &&Group, other: &str| group.not_with.iter().any(|name| name == other);
        let mut either = self
            .groups
            .iter()
            .filter(|group| group.name == one && says(group, other) || group.name == other && says(group, one));
        either.next().map(|group| group.at.as_str())
    }

    /// Where it stands that a function is a statistic; `None`: it is none.
    pub fn statistic(&self, function: &str) -> Option<&str> {
        let name = function.to_lowercase();
        let [statistics, ..] = &self.lists;
        statistics.iter().find(|(_, patterns)| any(patterns, &name)).map(|(at, _)| at.as_str())
    }

    /// What a column of a relation in a group is.
    pub fn column(&self, name: &str) -> ColumnIs {
        let name = name.to_lowercase();
        let [_, times, ids, labels] = &self.lists;
        let listed = |list: &[(String, Vec<String>)]| list.iter().any(|(_, patterns)| any(patterns, &name));
        match (listed(times), listed(ids), listed(labels)) {
            (true, ..) => ColumnIs::Time,
            (false, true, _) => ColumnIs::Id,
            (false, false, true) => ColumnIs::Label,
            (false, false, false) => ColumnIs::Value,
        }
    }
}

fn any(patterns: &[String], name: &str) -> bool {
    // Most patterns begin otherwise, and a query has many names.
    let begins = |pattern: &str| pattern.starts_with('*') || pattern.as_bytes().first() == name.as_bytes().first();
    patterns.iter().any(|pattern| begins(pattern) && wild::word(pattern, name))
}

/// Reads `[alpha]`.
pub(crate) fn read(reader: &mut Reader<'_>, root: Table<'_, '_>) -> Option<Given> {
    let table = reader.table(root, "alpha", "[alpha]")?;
    reader.only(table, keys::ALPHA);
    let span = reader.key(root, "alpha").unwrap_or_default();
    let mut names = |key: &str| names(reader, table, key).into_iter().map(|at| at.value).collect();
    let lists = NAMES.map(&mut names);
    let mut given = Given {
        at: reader.place(&span),
        lists,
        window_rows: reader.integer(table, "window_rows", 0).map(|at| at.value),
        window_time: reader.duration(table, "window_time").map(|at| at.value),
        aggregate_time: reader.duration(table, "aggregate_time").map(|at| at.value),
        task_rows: reader.integer(table, "task_rows", 1).map(|at| at.value),
        all_rows: reader.integer(table, "all_rows", 1).map(|at| at.value),
        groups: Vec::new(),
        named: Vec::new(),
    };
    for (table, span) in reader.tables(table, "group", "[[alpha.group]]") {
        let (group, named) = group(reader, table, &span);
        given.groups.extend(group);
        given.named.extend(named);
    }
    Some(given)
}

fn group(reader: &mut Reader<'_>, table: Table<'_, '_>, span: &Range<usize>) -> (Option<Group>, Vec<At<String>>) {
    reader.only(table, keys::ALPHA_GROUP);
    reader.required(table, keys::ALPHA_GROUP, span, "a group of relations");
    let name = reader.string(table, "name");
    let relations = names(reader, table, "relations").into_iter().map(|at| at.value).collect();
    let named = reader.strings(table, "not_with").unwrap_or_default();
    let at = reader.place(span);
    let not_with = named.iter().map(|at| at.value.clone()).collect();
    (name.map(|name| Group { name: name.value, relations, not_with, at }), named)
}

/// Names as rules compare them: in small letters, `*` for any part, without a schema.
fn names(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Vec<At<String>> {
    let given = reader.strings(table, key).unwrap_or_default();
    for At { value, span } in &given {
        let plain = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '_' | '$' | '*');
        if value.is_empty() || !value.chars().all(plain) {
            let help = "names in lower case and without a schema: \"candles\", \"stddev*\", \"*_at\"";
            reader.fault(span.clone(), format!("`{value}` is no name"), help);
        }
    }
    given
}

/// Names in `not_with` that no group of any layer has.
pub(crate) fn strangers<'g>(all: impl Iterator<Item = &'g Given> + Clone) -> BTreeSet<String> {
    let known: BTreeSet<&str> = all.clone().flat_map(|given| &given.groups).map(|group| group.name.as_str()).collect();
    let named = all.flat_map(|given| &given.named).map(|at| at.value.as_str());
    named.filter(|name| !known.contains(name)).map(str::to_owned).collect()
}

impl Given {
    /// Names of other groups, each with its place.
    pub(crate) fn named(&self) -> &[At<String>] {
        &self.named
    }
}

/// All sources as one. Groups, and statistics, add up. Names of times, ids and labels take columns out of the rules: where
/// the machine's policy has an `[alpha]`, only those of guard and of the machine count, and its numbers can only be tightened.
pub(crate) fn merge<'g>(given: impl Iterator<Item = (Layer, &'g Given)> + Clone) -> Alpha {
    let closed = given.clone().any(|(layer, _)| layer == Layer::Machine);
    let list = |number: usize| -> Vec<(String, Vec<String>)> {
        let counts = |layer: Layer| number == STATISTICS || !closed || layer <= Layer::Machine;
        let all = given.clone().filter(|(layer, _)| counts(*layer));
        let all = all.filter_map(|(_, given)| Some((given.at.clone(), given.lists.get(number)?.clone())));
        all.filter(|(_, patterns)| !patterns.is_empty()).collect()
    };
    let first = given.clone().next().map(|(_, given)| given.at.clone()).unwrap_or_default();
    Alpha {
        groups: given.clone().flat_map(|(_, given)| given.groups.clone()).collect(),
        lists: [list(STATISTICS), list(TIMES), list(IDS), list(LABELS)],
        window_rows: bound(given.clone(), &first, |given| given.window_rows, 1),
        window_time: bound(given.clone(), &first, |given| given.window_time, Duration::from_secs(60)),
        aggregate_time: bound(given.clone(), &first, |given| given.aggregate_time, Duration::from_secs(3600)),
        task_rows: bound(given.clone(), &first, |given| given.task_rows.map(u64::from), 10_000),
        all_rows: bound(given.clone(), &first, |given| given.all_rows.map(u64::from), 100_000),
    }
}

/// The number of the most specific layer, and not more than the machine's.
fn bound<'g, T: Ord + Clone>(
    given: impl Iterator<Item = (Layer, &'g Given)> + Clone,
    first: &str,
    get: impl Fn(&Given) -> Option<T>,
    fallback: T,
) -> Bound<T> {
    let said = given.filter_map(|(layer, of)| Some((layer, Bound { most: get(of)?, at: of.at.clone() })));
    let all: Vec<(Layer, Bound<T>)> = said.collect();
    let machine = all.iter().rev().find(|(layer, _)| *layer == Layer::Machine);
    let tightest = all.last().into_iter().chain(machine).min_by(|(_, one), (_, other)| one.most.cmp(&other.most));
    tightest.map_or_else(|| Bound { most: fallback, at: first.to_owned() }, |(_, bound)| bound.clone())
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Source};
    use super::*;

    fn load(sources: &[(Layer, &str)]) -> Result<Alpha, String> {
        let source = |(layer, text): &(Layer, &str)| Source {
            layer: *layer,
            name: format!("{layer:?}.toml"),
            text: format!("version = 1\n{text}"),
        };
        let sources: Vec<Source> = sources.iter().map(source).collect();
        Policy::load(&sources).map(|policy| policy.settings().alpha.clone()).map_err(|faults| faults.to_string())
    }

    const GROUP: &str = "[[alpha.group]]\nname = \"market\"\nrelations = [\"candles\"]";

    #[test]
    fn a_policy_without_groups_says_nothing_and_a_preset_brings_sound_ones() {
        assert!(load(&[(Layer::Project, "")]).unwrap().is_empty());
        assert!(load(&[(Layer::Project, "extends = [\"python\"]")]).unwrap().is_empty());
        let alpha = load(&[(Layer::Project, "extends = [\"python-trading\"]")]).unwrap();
        let of = |name: &str| alpha.groups_of(name).map(|group| group.name.as_str()).collect::<Vec<_>>();
        assert_eq!((of("candles"), of("FILLS"), of("users")), (vec!["market"], vec!["fills"], vec![]));
        assert!(alpha.apart("signals", "fills").is_some() && alpha.apart("fills", "signals").is_some());
        assert!(alpha.apart("orders", "fills").is_none());
        let is = |names: [&str; 4]| names.map(|name| alpha.column(name));
        let expected = [ColumnIs::Time, ColumnIs::Id, ColumnIs::Label, ColumnIs::Value];
        assert_eq!(is(["placed_at", "order_id", "symbol", "price"]), expected);
        assert!(alpha.statistic("STDDEV_samp").is_some() && alpha.statistic("sum").is_none());
    }

    #[test]
    fn no_project_loosens_what_the_machine_s_policy_says() {
        let machine = format!("[alpha]\nwindow_rows = 2\ntask_rows = 100\ntimes = [\"at\"]\n{GROUP}");
        let project = "[alpha]\nwindow_rows = 9\ntask_rows = 7\naggregate_time = \"9d\"\ntimes = [\"price\"]\nstatistics = [\"beta\"]\n[[alpha.group]]\nname = \"market\"\nrelations = [\"bars\"]";
        let alone = load(&[(Layer::Project, project)]).unwrap();
        assert_eq!((alone.window_rows.most, alone.column("price")), (9, ColumnIs::Time));
        let both = load(&[(Layer::Machine, &machine), (Layer::Project, project)]).unwrap();
        assert_eq!(both.window_rows, Bound { most: 2, at: "Machine.toml:2".into() });
        assert_eq!(both.task_rows, Bound { most: 7, at: "Project.toml:2".into() });
        assert_eq!(both.aggregate_time.most, Duration::from_secs(9 * 86_400), "the machine's says nothing about it");
        assert_eq!([both.column("price"), both.column("at")], [ColumnIs::Value, ColumnIs::Time]);
        assert_eq!(both.statistic("beta"), Some("Project.toml:2"));
        assert_eq!((both.groups_of("bars").count(), both.groups_of("candles").count()), (1, 1));
    }

    #[test]
    fn strange_names_and_groups_that_are_not_there_are_faults() {
        for wrong in [
            format!("{GROUP}\nnot_with = [\"fills\"]"),
            GROUP.replace("candles", "Candles"),
            GROUP.replace("candles", "public.candles"),
            GROUP.replace("relations", "tables"),
            format!("[alpha]\nwindow_rows = -1\n{GROUP}"),
            format!("[alpha]\naggregate_time = 5\n{GROUP}"),
        ] {
            assert!(load(&[(Layer::Project, &wrong)]).is_err(), "{wrong}");
        }
    }
}
