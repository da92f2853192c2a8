//! The policy: layers of TOML, read, checked and merged, and its compiled form.
//! Takes texts; knows nothing of files or trust.

mod alpha;
mod compiled;
mod content;
mod coupling;
mod database;
mod difference;
mod fault;
mod glob;
mod index;
mod keys;
mod later;
mod layers;
mod loaded;
mod numbers;
mod preset;
mod quantity;
mod read;
mod rule;
mod rule_table;
mod schema;
mod settings;
mod strength;
mod toolchain;
mod harness;
mod whitelist;
pub(crate) mod wild;
mod written;

pub use alpha::{Alpha, Bound, ColumnIs, Group};
pub use compiled::{CompiledError, Rows};
pub use content::{ContentCheck, Contents};
pub use coupling::Couplings;
pub use database::{Database, Literals, Posture, SqlNames};
pub use difference::{Change, difference};
pub use fault::{Fault, Faults};
pub use harness::Harness;
pub use loaded::Policy;
pub use preset::{PACKS, PRESETS, Preset, embedded, preset};
pub use rule::{Check, Example, Examples, Network, RuleText, Runner, Writes};
pub use schema::schema;
pub(crate) use schema::table as schema_of;
pub use settings::{
    Approvals, Attempts, Iteration, Limits, Loop, Require, Service, ServiceKind, Settings, Supervision,
};
pub use strength::Strength;
pub use toolchain::Toolchain;
pub use whitelist::Whitelist;
pub use written::Written;

pub(crate) use fault::nearest;
pub(crate) use glob::{Bases, Glob, PathPattern, Pattern, assignment_meant, is_plain, meant, path_meant};
pub(crate) use index::Has;
pub(crate) use keys::{ATTEMPTS, CASE, CASES, CONFIG, Form, Key, NOTIFY, RULE, key, required, words};
pub(crate) use quantity::duration;
pub(crate) use read::{MOST as FAULTS, Notation, Reader, Table, root};
pub(crate) use rule::{Flag, Gives, ProgramName, Rule, StdinIs, Subcommand, Timeout};
pub(crate) use rule_table::VERDICTS;
pub(crate) use whitelist::unversioned;

use serde::{Deserialize, Serialize};

/// Where a policy text comes from; later layers may allow what earlier ones ask, none overrides a `deny` of any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    /// Embedded in guard.
    BuiltIn,
    /// `/etc/guard/policy.toml`.
    Machine,
    /// The person's.
    Person,
    /// The project's `guard.toml`.
    Project,
}

/// One policy text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its layer.
    pub layer: Layer,
    /// Its name in messages: `guard.toml`.
    pub name: String,
    /// The text.
    pub text: String,
}
