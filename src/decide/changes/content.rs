//! What is wrong with the contents of changed files, and the rules of guard's own about it.
//! Knows no languages: what was found comes as facts.

use super::{Findings, Ground, git, shown};
use crate::decide::Verdict;
use crate::decide::judging::{BuiltIn, own_rule as rule};
use crate::decide::policy::{ContentCheck, Writes};
use std::path::PathBuf;

/// Something that a check found in a changed file's new content, and that its old did not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the project's root.
    pub path: PathBuf,
    /// Which check.
    pub check: ContentCheck,
    /// Its line, from 1.
    pub line: u64,
    /// Its column in characters, from 1.
    pub column: u64,
    /// What is wrong, as a fragment.
    pub what: String,
}

impl Finding {
    /// It with its place: `a.py:3:5: what is wrong`.
    pub fn told(&self) -> String {
        const MOST: usize = 400;
        // Whoever lists it puts it into backticks.
        let what = crate::event::line::visible(&self.what).replace('`', "'");
        let what: String = what.chars().take(MOST).collect();
        format!("{}:{}:{}: {what}", shown(&self.path), self.line, self.column)
    }
}

/// Whether a rule of guard's own is about contents.
pub fn is_about_content(id: &str) -> bool {
    ALL.iter().any(|own| own.id == id)
}

/// The rule that a finding of a check matches.
fn of(check: ContentCheck) -> &'static BuiltIn {
    match check {
        ContentCheck::Syntax => &SYNTAX,
        ContentCheck::Imports => &IMPORTS,
        ContentCheck::Names => &NAMES,
        ContentCheck::Explained => &EXPLAINED,
        ContentCheck::Types => &TYPES,
        ContentCheck::Pinned => &PINNED,
        ContentCheck::Markers => &MARKERS,
        ContentCheck::Text => &TEXT,
        ContentCheck::Endings => &ENDINGS,
        ContentCheck::Fields => &FIELDS,
    }
}

/// Adds what the facts say. What builds make, and what git alone brings back from its history, is not looked at.
pub(super) fn judge(ground: Ground<'_>, found: &mut Findings) {
    for finding in &ground.facts.content {
        let fields = finding.check == ContentCheck::Fields;
        let of_git = ground.area == Writes::Git && !fields;
        if !of_git && !git::is_in(&finding.path) && !ground.is_output(&finding.path) {
            found.add(of(finding.check), &finding.told(), 1);
        }
    }
}

/// All of them.
pub(super) static ALL: [&BuiltIn; 10] =
    [&SYNTAX, &IMPORTS, &NAMES, &EXPLAINED, &TYPES, &PINNED, &MARKERS, &TEXT, &ENDINGS, &FIELDS];

pub(super) static SYNTAX: BuiltIn = rule(
    "guard:content-syntax",
    Verdict::Deny,
    "leaves a file that cannot be read as what it is: {}",
    Some(
        "mend it there and write it again; what is broken on purpose belongs in a folder that `[[content]]` excepts, as `fixtures/` is",
    ),
);
pub(super) static IMPORTS: BuiltIn = rule(
    "guard:content-imports",
    Verdict::Deny,
    "imports what is not there: {}",
    Some("make the module first, or name its distribution in requirements.txt"),
);
pub(super) static NAMES: BuiltIn = rule(
    "guard:content-names",
    Verdict::Deny,
    "imports a name that the module does not have: {}",
    Some("import a name that it has, or add it there first"),
);
pub(super) static EXPLAINED: BuiltIn = rule(
    "guard:content-explained",
    Verdict::Deny,
    "adds what nothing explains: {}",
    Some("begin it with a docstring, or put a comment above that says what it is for"),
);
pub(super) static TYPES: BuiltIn = rule(
    "guard:content-types",
    Verdict::Deny,
    "does not agree with the types: {}",
    Some("mend the types there and write it again"),
);
pub(super) static PINNED: BuiltIn = rule(
    "guard:content-pinned",
    Verdict::Deny,
    "requires what is not pinned: {}",
    Some("name one exact version: `NAME==VERSION`"),
);
pub(super) static MARKERS: BuiltIn = rule(
    "guard:content-markers",
    Verdict::Deny,
    "leaves the marks of an unfinished merge: {}",
    Some("decide for one side, or join both, and take the marks out"),
);
pub(super) static TEXT: BuiltIn = rule(
    "guard:content-text",
    Verdict::Deny,
    "does not leave a text as what it was: {}",
    Some("write it in the encoding it has, without NUL"),
);
pub(super) static ENDINGS: BuiltIn = rule(
    "guard:content-endings",
    Verdict::Deny,
    "changes how lines end: {}",
    Some("end every line as the file's lines end"),
);
pub(super) static FIELDS: BuiltIn = rule(
    "guard:content-fields",
    Verdict::Ask,
    "changes fields that others rest on: {}",
    Some("add a field and leave those that are there"),
);
