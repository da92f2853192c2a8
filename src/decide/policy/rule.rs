//! A rule: what it looks for in a command, what it says, and what an allowed command gets.
//! Knows neither its file's syntax nor how commands are matched.

use super::Layer;
use super::glob::{Glob, PathPattern, Pattern};
use crate::decide::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A rule without its texts, which are read only when it matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// The layer it comes from.
    pub(crate) layer: Layer,
    /// What it says.
    pub(crate) verdict: Verdict,
    /// When it matches: all of these.
    pub(crate) when: Conditions,
    /// Whether that is a matter of the program alone.
    pub(crate) only_program: bool,
    /// What an allowed command gets.
    pub(crate) gives: Gives,
}

/// What a person reads of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// Its name.
    pub id: String,
    /// Why it is there, as a fragment.
    pub reason: String,
    /// What to do instead.
    pub instead: Option<String>,
    /// Where it stands: `policy/python.toml:40`.
    pub at: String,
}

/// The examples of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examples {
    /// Commands it must match.
    pub hits: Vec<Example>,
    /// Commands it must not match.
    pub misses: Vec<Example>,
}

/// A command that shows what a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The command line.
    pub line: String,
    /// The bytes of the source it stands in, quotes included.
    pub span: std::ops::Range<usize>,
}

/// Conditions of a rule; empty ones hold. Where several values are listed one is enough, but an allowing rule needs
/// every operand, path and address of the command to be meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    /// Names of programs.
    pub(crate) programs: Vec<ProgramName>,
    /// Beginnings of the operands.
    pub(crate) subcommands: Vec<Subcommand>,
    /// Flags of which one must be there.
    pub(crate) flags_any: Vec<Flag>,
    /// Flags that must all be there.
    pub(crate) flags_all: Vec<Flag>,
    /// Flags of which none may be there.
    pub(crate) flags_none: Vec<Flag>,
    /// Operands and values.
    pub(crate) args: Vec<Pattern>,
    /// Its arguments, exactly.
    pub(crate) exactly: Option<Vec<String>>,
    /// Paths it reads.
    pub(crate) reads: Vec<PathPattern>,
    /// Paths it writes to.
    pub(crate) writes_to: Vec<PathPattern>,
    /// Paths it removes, or renames away.
    pub(crate) removes: Vec<PathPattern>,
    /// How many operands it has at most.
    pub(crate) operands_most: Option<usize>,
    /// Whether an operand behind the subcommand names something that is there.
    pub(crate) names_files: Option<bool>,
    /// Program text it is handed.
    pub(crate) code: Vec<Pattern>,
    /// Programs one of which may run at the same time.
    pub(crate) beside: Vec<ProgramName>,
    /// Variables it sets.
    pub(crate) assigns: Vec<Pattern>,
    /// Wrappers around it.
    pub(crate) wrapped: Vec<String>,
    /// Where its standard input comes from.
    pub(crate) stdin: Option<StdinIs>,
    /// Whether something about it cannot be known beforehand.
    pub(crate) unprovable: Option<bool>,
    /// Hosts of addresses among its arguments.
    pub(crate) url: Vec<Pattern>,
    /// Folders it starts in.
    pub(crate) folder: Vec<PathPattern>,
    /// The caller's label.
    pub(crate) task: Vec<Pattern>,
    /// The project's mode.
    pub(crate) mode: Vec<Pattern>,
    /// The plan's phase.
    pub(crate) phase: Vec<Pattern>,
    /// Whether the open phase names what it writes to, letter for letter.
    pub(crate) in_plan: Option<bool>,
}

/// How a rule names a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProgramName {
    /// By name, version suffix ignored.
    Name(String),
    /// By a glob over names: `mkfs*`.
    Glob(Glob),
    /// By the path of its file.
    Path(PathPattern),
}

/// A beginning of a command's operands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subcommand {
    /// Whether it names what is not meant.
    pub(crate) negated: bool,
    /// Its words: `["stash", "drop"]`.
    pub(crate) words: Vec<Glob>,
}

/// A flag, and the value it must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flag {
    /// `-v`, `--volumes`, `-delete`.
    pub(crate) name: String,
    /// The value in `--mode=live`.
    pub(crate) value: Option<Glob>,
}

/// What `stdin` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StdinIs {
    /// The program takes its program text from it.
    Code,
    /// The output of another command.
    Pipe,
    /// A file.
    File,
    /// A here-document or here-string.
    Text,
}

/// What an allowed command gets beyond the least. `None`: the rule does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gives {
    pub(crate) timeout: Option<Timeout>,
    pub(crate) network: Option<Network>,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) services: Option<Vec<String>>,
    pub(crate) writes: Option<Writes>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) dotenv: Option<bool>,
    pub(crate) check: Option<Check>,
    pub(crate) runner: Option<Runner>,
}

/// A limit of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Timeout {
    /// So long.
    Fixed(Duration),
    /// As long as a flag of the command says, and something on top, up to a bound.
    Flag {
        /// `--duration`.
        flag: String,
        /// What is added.
        plus: Duration,
        /// The bound.
        most: Duration,
    },
}

/// What a command may reach, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Network {
    /// Nothing.
    None,
    /// Ports bound inside its own fence.
    #[default]
    Loopback,
    /// The hosts its rule names.
    Hosts,
}

/// What a command may write, least first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Writes {
    /// Nothing: the project is read-only.
    Nothing,
    /// The project, in a transaction.
    #[default]
    Project,
    /// The project and the parts of `.git` that an ordinary commit changes.
    Git,
    /// The project and a virtual environment that guard made.
    Venv,
}

/// What a command checks; its success is evidence, its failure an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// Tests.
    Test,
    /// Types.
    Type,
    /// Syntax.
    Syntax,
    /// Formatting.
    Format,
}

/// A way of running other than the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runner {
    /// docker-compose's own runner.
    Compose,
}

impl Check {
    /// The word policies and logs use.
    pub fn word(self) -> &'static str {
        match self {
            Check::Test => "test",
            Check::Type => "type",
            Check::Syntax => "syntax",
            Check::Format => "format",
        }
    }
}

impl Conditions {
    /// Whether any condition looks at more than which program runs.
    pub(crate) fn only_program(&self) -> bool {
        let bare = Conditions { programs: self.programs.clone(), ..Conditions::default() };
        !self.programs.is_empty() && *self == bare
    }

    /// Whether there is no condition at all.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Conditions::default()
    }
}
