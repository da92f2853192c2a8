//! Settings beside the rules: supervision, limits, budgets, the fence, services.
//! Knows their keys and their meaning; what enforces them lies elsewhere.

use super::alpha::{self, Alpha};
use super::content::{self, Content, Contents};
use super::coupling::{self, Couplings, Group};
use super::database::{self, Database, Sql, SqlNames};
use super::glob::{Bases, PathPattern, path_meant};
use super::harness::{self, Harness};
use super::keys;
use super::later::Later;
use super::read::{At, Reader, Table};
use super::rule_table;
use super::strength::Strength;
use super::toolchain::{self, Toolchain};
use super::whitelist::Whitelist;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Whether a person can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Supervision {
    /// A person can be asked.
    Attended,
    /// Nobody can: every ask is a refusal.
    Unattended,
}

/// The fence a command needs, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Require {
    /// Landlock and seccomp are enough.
    Landlock,
    /// Namespaces and seccomp are enough.
    NoOverlay,
    /// Everything.
    Full,
}

/// `[approvals]`: how a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// How long a request waits for an answer.
    pub request: Duration,
    /// How long an approval waits for its use.
    pub use_within: Duration,
    /// How many requests may wait at once.
    pub waiting: u32,
    /// The least strength of an answer to a command; none: the strongest there is an approver for, up to a signature.
    pub command: Option<Strength>,
    /// The same for going on after a halt.
    pub resume: Option<Strength>,
}

/// `[limits]`: what a command may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time for one command.
    pub timeout: Duration,
    /// Bytes resident, over all of a command's processes, that must not be exceeded for `memory_window`.
    pub memory: u64,
    /// How long `memory` may be exceeded.
    pub memory_window: Duration,
    /// Bytes of the largest file a command may leave behind.
    pub file_size: u64,
    /// Bytes a command may write in all.
    pub total_write: u64,
    /// Bytes that are kept of what changes replaced.
    pub undo: u64,
    /// Bytes a command may print in all.
    pub output: u64,
    /// Processor time of all of a command's processes together.
    pub cpu: Duration,
    /// Processes and threads that a command may have at once.
    pub processes: u32,
    /// Files that one process may hold open.
    pub open_files: u32,
    /// Commands that may run at once in a project.
    pub parallel: u32,
}

/// `[attempts]`: failures in a row before guard halts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Over all categories.
    pub total: u32,
    /// Syntax errors.
    pub syntax: u32,
    /// Import errors.
    pub import: u32,
    /// Type errors.
    pub r#type: u32,
    /// Failing tests.
    pub test: u32,
    /// Errors of a dry run.
    pub runtime: u32,
    /// Errors of a database.
    pub database: u32,
    /// Refusals of the same target.
    pub denials: u32,
}

/// `[loop]`: what a build loop may spend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loop {
    /// Whether guard mends an import error itself, by installing what `requirements.txt` names.
    pub install: bool,
    /// Time for which an agent may neither print nor ask for anything.
    pub silence: Duration,
    /// Runs of the agent, over all phases of a plan.
    pub agent_runs: u32,
    /// Time for a plan, waiting for a person not counted.
    pub wall: Duration,
}

/// `[iteration]`: what one round of changes may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iteration {
    /// Files.
    pub files: u32,
    /// Files of one folder, coupled or not.
    pub folder: u32,
    /// Which of them belong together, so that there may be more.
    pub couplings: Later<Couplings>,
    /// What builds and installations make, which does not count as files.
    pub(crate) outputs: Later<Vec<PathPattern>>,
}

impl Iteration {
    /// Whether `path`, absolute, is made by builds and installations.
    pub fn is_output(&self, path: &Path, project: &Path, home: Option<&Path>) -> bool {
        !self.outputs.is_empty() && path_meant(&self.outputs, path, Bases { project, home })
    }
}

/// `[[service]]`: something that listens and can be opened to a rule's commands by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The name rules use.
    pub name: String,
    /// Exact address and port.
    pub address: SocketAddr,
    /// What it is.
    pub kind: ServiceKind,
    /// The environment variable of guard's whose URL says as whom commands connect: its posture is checked as that user.
    pub url_env: Option<String>,
    /// Whether it is opened without a check.
    pub trusted: bool,
}

/// Kinds of services; each has a posture check of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceKind {
    /// PostgreSQL.
    Postgres,
    /// QuestDB, by its PostgreSQL port.
    Questdb,
    /// Redis.
    Redis,
    /// HTTP.
    Http,
    /// Any TCP service.
    Tcp,
}

/// All settings, after the layers were merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether a person can be asked.
    pub supervision: Supervision,
    /// Whether what would be asked runs, fenced and recorded, so that a team sees what a policy would do.
    pub observe: bool,
    /// Every whitelist in force; a program's name must be on all of them. None: only rules allow.
    pub whitelists: Vec<Whitelist>,
    /// What a command may use.
    pub limits: Limits,
    /// The machine's own limit of time, which no other layer's rule can exceed.
    pub ceiling: Option<Duration>,
    /// Budgets of failures.
    pub attempts: Attempts,
    /// What a build loop may spend.
    pub r#loop: Loop,
    /// How a person is asked.
    pub approvals: Approvals,
    /// Budgets of changes.
    pub iteration: Iteration,
    /// The fence that commands need.
    pub require: Require,
    /// What commands may read of homes and of the system's closed folders.
    pub toolchain: Toolchain,
    /// What an agent's harness gets.
    pub run: Harness,
    /// Checks of what changed files hold.
    pub content: Later<Contents>,
    /// Services that rules may open.
    pub services: Vec<Service>,
    /// Databases that can be asked.
    pub databases: Vec<Database>,
    /// What queries may name.
    pub sql: Later<SqlNames>,
    /// What queries may not find out.
    pub alpha: Alpha,
}

/// The settings one source gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) supervision: Option<Supervision>,
    pub(crate) observe: Option<bool>,
    pub(crate) whitelist: Option<Whitelist>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) memory: Option<u64>,
    pub(crate) memory_window: Option<Duration>,
    pub(crate) file_size: Option<u64>,
    pub(crate) total_write: Option<u64>,
    pub(crate) undo: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cpu: Option<Duration>,
    pub(crate) processes: Option<u32>,
    pub(crate) open_files: Option<u32>,
    pub(crate) parallel: Option<u32>,
    /// In the order of [`keys::ATTEMPTS`].
    pub(crate) attempts: [Option<u32>; 8],
    pub(crate) install: Option<bool>,
    pub(crate) silence: Option<Duration>,
    pub(crate) agent_runs: Option<u32>,
    pub(crate) wall: Option<Duration>,
    pub(crate) request: Option<Duration>,
    pub(crate) use_within: Option<Duration>,
    pub(crate) waiting: Option<u32>,
    pub(crate) command: Option<Strength>,
    pub(crate) resume: Option<Strength>,
    pub(crate) files: Option<u32>,
    pub(crate) folder: Option<u32>,
    pub(crate) coupled: Vec<Group>,
    pub(crate) uncoupled: Vec<Group>,
    pub(crate) outputs: Option<Vec<PathPattern>>,
    pub(crate) require: Option<Require>,
    pub(crate) toolchain: Option<Toolchain>,
    pub(crate) run: Option<harness::Given>,
    pub(crate) content: Vec<Content>,
    pub(crate) services: Vec<At<Service>>,
    pub(crate) databases: Vec<At<Database>>,
    pub(crate) sql: Vec<Sql>,
    pub(crate) alpha: Option<alpha::Given>,
}

/// The words of `supervision`.
pub(crate) const SUPERVISIONS: &[(&str, Supervision)] =
    &[("attended", Supervision::Attended), ("unattended", Supervision::Unattended)];
/// The words of `require`.
pub(crate) const REQUIRES: &[(&str, Require)] =
    &[("full", Require::Full), ("no-overlay", Require::NoOverlay), ("landlock", Require::Landlock)];
/// The words of `kind`.
pub(crate) const KINDS: &[(&str, ServiceKind)] = &[
    ("postgres", ServiceKind::Postgres),
    ("questdb", ServiceKind::Questdb),
    ("redis", ServiceKind::Redis),
    ("http", ServiceKind::Http),
    ("tcp", ServiceKind::Tcp),
];

/// Reads all settings of one source.
pub(crate) fn read(reader: &mut Reader<'_>, root: Table<'_, '_>) -> Given {
    let mut given = Given {
        supervision: reader.choice(root, "supervision", SUPERVISIONS).map(|at| at.value),
        observe: reader.boolean(root, "observe").map(|at| at.value),
        ..Given::default()
    };
    if let Some(table) = reader.table(root, "shell", "[shell]") {
        reader.only(table, keys::SHELL);
        given.whitelist = whitelist(reader, table);
    }
    if let Some(table) = reader.table(root, "limits", "[limits]") {
        reader.only(table, keys::LIMITS);
        given.timeout = reader.duration(table, "timeout").map(|at| at.value);
        given.memory = reader.size(table, "memory").map(|at| at.value);
        given.memory_window = reader.duration(table, "memory_window").map(|at| at.value);
        given.file_size = reader.size(table, "file_size").map(|at| at.value);
        given.total_write = reader.size(table, "total_write").map(|at| at.value);
        given.undo = reader.size(table, "undo").map(|at| at.value);
        given.output = reader.size(table, "output").map(|at| at.value);
        given.cpu = reader.duration(table, "cpu").map(|at| at.value);
        given.processes = reader.integer(table, "processes", 1).map(|at| at.value);
        given.open_files = reader.integer(table, "open_files", 1).map(|at| at.value);
        given.parallel = reader.integer(table, "parallel", 1).map(|at| at.value);
    }
    if let Some(table) = reader.table(root, "attempts", "[attempts]") {
        reader.only(table, keys::ATTEMPTS);
        for (slot, key) in given.attempts.iter_mut().zip(keys::ATTEMPTS) {
            *slot = reader.integer(table, key.name, 1).map(|at| at.value);
        }
    }
    if let Some(table) = reader.table(root, "loop", "[loop]") {
        reader.only(table, keys::LOOP);
        given.install = reader.boolean(table, "install").map(|at| at.value);
        given.silence = reader.duration(table, "silence").map(|at| at.value);
        given.agent_runs = reader.integer(table, "agent_runs", 1).map(|at| at.value);
        given.wall = reader.duration(table, "wall").map(|at| at.value);
    }
    if let Some(table) = reader.table(root, "approvals", "[approvals]") {
        reader.only(table, keys::APPROVALS);
        given.request = reader.duration(table, "request").map(|at| at.value);
        given.use_within = reader.duration(table, "use").map(|at| at.value);
        given.waiting = reader.integer(table, "waiting", 1).map(|at| at.value);
        given.command = reader.choice(table, "command", &Strength::WORDS).map(|at| at.value);
        given.resume = reader.choice(table, "resume", &Strength::WORDS).map(|at| at.value);
    }
    if let Some(table) = reader.table(root, "iteration", "[iteration]") {
        reader.only(table, keys::ITERATION);
        given.files = reader.integer(table, "files", 1).map(|at| at.value);
        given.folder = reader.integer(table, "folder", 1).map(|at| at.value);
        given.outputs = table.has("outputs").then(|| rule_table::each(reader, table, "outputs", PathPattern::read));
    }
    given.coupled = coupling::read(reader, root, "coupled", "[[coupled]]");
    given.uncoupled = coupling::read(reader, root, "uncoupled", "[[uncoupled]]");
    if let Some(table) = reader.table(root, "fence", "[fence]") {
        reader.only(table, keys::FENCE);
        given.require = reader.choice(table, "require", REQUIRES).map(|at| at.value);
        given.toolchain = toolchain::read(reader, table);
    }
    given.run = reader.table(root, "run", "[run]").map(|table| harness::read(reader, table));
    for (table, span) in reader.tables(root, "content", "[[content]]") {
        given.content.push(content::read(reader, table, &span));
    }
    for (table, span) in reader.tables(root, "database", "[[database]]") {
        given.databases.extend(database::read(reader, table, &span));
    }
    for (table, span) in reader.tables(root, "sql", "[[sql]]") {
        given.sql.extend(database::read_sql(reader, table, &span));
    }
    given.alpha = alpha::read(reader, root);
    for (table, span) in reader.tables(root, "service", "[[service]]") {
        reader.only(table, keys::SERVICE);
        let name = reader.string(table, "name");
        let address = address(reader, table);
        let kind = reader.choice(table, "kind", KINDS);
        let url_env = reader.string(table, "url_env").map(|at| at.value);
        let trusted = reader.boolean(table, "trusted").is_some_and(|at| at.value);
        reader.required(table, keys::SERVICE, &span, "a service");
        if let (Some(name), Some(address), Some(kind)) = (name, address, kind) {
            let service = Service { name: name.value, address, kind: kind.value, url_env, trusted };
            given.services.push(At { value: service, span: name.span });
        }
    }
    given
}

fn whitelist(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<Whitelist> {
    let pattern = reader.string(table, "whitelist")?;
    match Whitelist::read(&pattern.value, reader.place(&pattern.span)) {
        Ok(whitelist) => Some(whitelist),
        Err(cause) => {
            let help = "write program names as '^(python|pytest)'; the end of the name is implied";
            reader.fault(pattern.span, format!("`whitelist` is not a regular expression: {cause}"), help);
            None
        }
    }
}

fn address(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Option<SocketAddr> {
    let text = reader.string(table, "address")?;
    let address = text.value.parse().ok();
    if address.is_none() {
        let help = "write it as \"127.0.0.1:5432\" or \"[::1]:5432\": names are not looked up";
        reader.fault(text.span, format!("`{}` is not an address and port", text.value), help);
    }
    address
}
