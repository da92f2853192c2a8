//! How grave a migration is: a class for each thing its statements do, with the reason.
//! Pure: what was read in, classes out. Knows no server.

#[cfg(test)]
mod tests;

use crate::action::migration::{Act, Does, Step};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// How grave something is, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Adds what was not there; what is there stays as it is, and nobody waits for it.
    Additive,
    /// Keeps others waiting, or what they do from being taken.
    Locking,
    /// Writes what is there anew.
    Rewriting,
    /// Takes away what is there, or what others rely on; or nobody can tell.
    Destructive,
    /// Guard cannot read it, so it counts as destructive.
    Unread,
}

impl Class {
    /// The word of logs, of `--json` and of people.
    pub fn word(self) -> &'static str {
        match self {
            Class::Additive => "additive",
            Class::Locking => "locking",
            Class::Rewriting => "rewriting",
            Class::Destructive => "destructive",
            Class::Unread => "unread",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.word())
    }
}

/// One thing that a migration does, and how grave that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// How grave.
    pub class: Class,
    /// What, as a fragment: `drops column orders.note`.
    pub what: String,
    /// Why it is of that class, as a fragment.
    pub why: String,
}

/// Classifies each statement, in order.
pub fn classify_steps(steps: &[Step]) -> Vec<Vec<Operation>> {
    let mut made = BTreeSet::new();
    steps.iter().map(|step| of_step(step, &mut made)).collect()
}

/// The gravest of all; nothing at all is additive.
pub fn gravest<'o>(operations: impl IntoIterator<Item = &'o Operation>) -> Class {
    operations.into_iter().map(|operation| operation.class).max().unwrap_or(Class::Additive)
}

fn of_step(step: &Step, made: &mut BTreeSet<String>) -> Vec<Operation> {
    if let Some(why) = &step.unread {
        let told = step.acts.iter().map(|act| operation(act, made)).map(|(class, what, _)| (class, what));
        let grave = told.filter(|(class, _)| *class >= Class::Destructive).map(|(_, what)| what).next();
        let what = grave.unwrap_or_else(|| "what guard cannot read".to_owned());
        return vec![Operation { class: Class::Unread, what, why: format!("it cannot be read: {why}") }];
    }
    let mut all = Vec::new();
    for act in &step.acts {
        let (class, what, why) = operation(act, made);
        all.push(Operation { class, what, why: why.to_owned() });
        if act.does == (Does::CreateTable { fresh: true }) {
            made.insert(act.to.clone());
        } else if moves_names(&act.does) {
            made.clear();
        }
    }
    if all.is_empty() {
        let why = "nobody can tell what it does".to_owned();
        all.push(Operation { class: Class::Destructive, what: "a statement".into(), why });
    }
    all
}

/// Whether a name may stand for another table from here on.
fn moves_names(does: &Does) -> bool {
    matches!(
        does,
        Does::Setting
            | Does::Rename
            | Does::Drop(_)
            | Does::Opaque(_)
            | Does::Other(_)
            | Does::Create(_)
            | Does::CreateTable { fresh: false }
    )
}

/// The class, what it does, and why that is so grave. `made`: tables of this migration, which nobody uses yet.
fn operation(act: &Act, made: &BTreeSet<String>) -> (Class, String, &'static str) {
    use Class::{Additive, Destructive, Locking, Rewriting};
    let is_new = made.contains(&act.on);
    let to = &act.to;
    let of = |text: &str| if to.is_empty() { text.to_owned() } else { format!("{text} {to}") };
    let is_note = to.rsplit('.').next() == Some("alembic_version");
    match &act.does {
        Does::Update { filtered: true } | Does::Delete { filtered: true } if is_note => {
            (Additive, "notes the revision".to_owned(), "Alembic keeps it there")
        }
        Does::CreateTable { .. } => (Additive, of("creates table"), "it is new"),
        Does::CreateTableAs => (Locking, of("creates a table from a query:"), "it reads all of what it is made from"),
        Does::CreateIndex { concurrently: true } => {
            (Additive, of("creates an index on"), "it is built beside what others do")
        }
        Does::CreateIndex { .. } if is_new => (Additive, of("creates an index on"), "its table is new"),
        Does::CreateIndex { .. } => (
            Locking,
            of("creates an index on"),
            "nobody can write to the table until it is built: CONCURRENTLY would let them",
        ),
        Does::Create(sort) => (Additive, of(&format!("creates {}", sort.to_lowercase())), "it is new"),
        Does::Replace(sort) => {
            (Destructive, of(&format!("replaces {}", sort.to_lowercase())), "what stood there before is gone")
        }
        Does::CreateCode(sort) => (
            Destructive,
            of(&format!("creates {}", sort.to_lowercase())),
            "its body runs whenever it is called, and guard does not read it",
        ),
        Does::AddColumn { demands: true, .. } if !is_new => (
            Destructive,
            of("adds column"),
            "it is NOT NULL and has no default: it fails where there are rows, and old writers fail after it",
        ),
        Does::AddColumn { computes: true, .. } if !is_new => {
            (Rewriting, of("adds column"), "its value is computed for every row that is there")
        }
        Does::AddColumn { constrained: true, .. } if !is_new => {
            (Locking, of("adds column"), "its constraint keeps others waiting until every row is checked")
        }
        Does::AddColumn { .. } => (Additive, of("adds column"), "rows that are there stay as they are"),
        Does::DropColumn => (Destructive, of("drops column"), "its values are gone"),
        Does::Rename => (Destructive, of("renames"), "whoever uses the old name fails"),
        Does::ColumnType => {
            (Destructive, of("changes the type of"), "values may not fit, and the table is written anew")
        }
        Does::SetNotNull if is_new => (Additive, of("sets NOT NULL on"), "its table is new"),
        Does::SetNotNull => {
            (Destructive, of("sets NOT NULL on"), "it fails where a row has no value, and old writers fail after it")
        }
        Does::Loosen => (Locking, of("changes a default or NOT NULL of"), "others wait for a moment"),
        Does::Constrain if is_new => (Additive, of("adds a constraint to"), "its table is new"),
        Does::Constrain => (
            Locking,
            of("adds a constraint to"),
            "others wait until every row is checked: NOT VALID, then VALIDATE, would let them",
        ),
        Does::ConstrainLater => (Locking, of("adds a constraint to"), "old writers fail where they break it"),
        Does::DropConstraint => {
            (Destructive, of("drops constraint of"), "nothing keeps rows from breaking it any more")
        }
        Does::Disable => {
            (Destructive, of("disables triggers, rules or row security of"), "what they guard is unguarded")
        }
        Does::Alter(form) => (Destructive, of(&format!("does `{form}` to")), "guard knows no milder class for it"),
        Does::AddValue => (Additive, of("adds a value to type"), "what is there stays as it is"),
        Does::Drop(sort) => {
            (Destructive, of(&format!("drops {}", sort.to_lowercase())), "it is gone, with what it holds")
        }
        Does::Truncate => (Destructive, of("truncates"), "all its rows are gone"),
        Does::Delete { filtered: false } => (Destructive, of("deletes every row of"), "there is no WHERE"),
        Does::Delete { .. } => (Destructive, of("deletes rows of"), "they are gone"),
        Does::Update { filtered: false } => (Destructive, of("updates every row of"), "there is no WHERE"),
        Does::Update { .. } => (Rewriting, of("updates rows of"), "their old values are gone"),
        Does::Insert => (Additive, of("inserts into"), "rows that are there stay as they are"),
        Does::Merge => (Destructive, of("merges into"), "rows that are there may change"),
        Does::Read => (Additive, "reads".to_owned(), "nothing changes"),
        Does::Comment => (Additive, "comments".to_owned(), "nothing changes"),
        Does::Opaque(what) => (Destructive, format!("runs {what}"), "guard does not read its body"),
        Does::Transaction(word) => {
            (Destructive, format!("says {word}"), "guard runs all of it in one transaction of its own")
        }
        Does::Rights(word) => (Destructive, of(&format!("says {word}")), "it changes who may do what"),
        Does::Beyond(what) => (Destructive, of(what), "it reaches out of the database"),
        Does::Setting => (Locking, of("sets"), "it changes how what follows is run"),
        Does::Other(word) => (Destructive, format!("says {word}"), "guard knows no milder class for it"),
    }
}
