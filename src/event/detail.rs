//! The machine's part of each log line: one JSON object, tagged by `event`.
//! Knows no layout of lines.

use super::FileRead;
use super::agents::{AgentEnded, AgentStarted};
use super::changes::{Committed, Finished, Withheld};
use super::checks::Checked;
use super::iteration::{Begun, Ended as IterationEnded};
use super::migration::{MigrationDone, MigrationEnd, MigrationProposed, MigrationRefused, MigrationStart};
use super::mode::ModeSet;
use super::phases::{PhaseEnded, PhaseStarted, PhaseStep};
use super::query::{QueryEnd, QueryRefused, QueryStart};
use super::requests::{By, Closing, Escalated, Requested};
use serde::{Deserialize, Serialize};

/// The machine's part of a line. Durations are in milliseconds, lengths in bytes, hashes in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Detail {
    /// The first record of a log.
    Created {
        /// Random name of the log, 32 hex digits.
        log_id: String,
        /// Guard's version.
        guard: String,
        /// Hash of the policy as trusted at creation.
        policy: String,
        /// First 16 hex digits of SHA-256 over the seed.
        seed_fingerprint: String,
    },
    /// A person trusted a project policy.
    PolicyTrusted {
        /// Hash of the policy file.
        policy: String,
    },
    /// A command is about to run; durable before it does.
    ShellStart {
        /// Rules that matched.
        rules: Vec<RuleHit>,
        /// Hash of the policy it was judged by.
        policy: String,
        /// The folder it starts in, relative to the project.
        cwd: String,
        /// `argv`: a program and its arguments; `line`: a line for bash. Older records do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<String>,
        /// What the caller called the task.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Why the caller wants it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Time limit.
        timeout_ms: u64,
        /// Whether it runs only because the project is in observe mode.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        observed: bool,
        /// What docker-compose is given that runs outside the fence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        composition: Option<Box<Composition>>,
        /// The request that a person approved, where it runs by one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
        /// The step of the phase that it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
    },
    /// The exit code of a command.
    ReturnCode {
        /// Sequence number of its start.
        of: u64,
    },
    /// What it wrote on one of its streams.
    Output {
        /// Sequence number of its start.
        of: u64,
        /// Bytes written, all of them.
        len: u64,
        /// SHA-256 of all bytes as written, where there are any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// SHA-256 of the redacted text kept as a blob, where it is longer than the line shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blob: Option<String>,
    },
    /// A command was refused a connection, a port or a local socket.
    ConnectionRefused {
        /// Sequence number of its start.
        of: u64,
        /// `connect`, `bind` or `listen`.
        call: String,
        /// Address and port, host and port, or path.
        address: String,
        /// Why.
        why: String,
        /// How often.
        times: u64,
    },
    /// A command reached a host through guard's proxy.
    HostReached {
        /// Sequence number of its start.
        of: u64,
        /// Name and port.
        host: String,
        /// By how many connections.
        times: u64,
    },
    /// A command has ended.
    ShellEnd {
        /// Sequence number of its start.
        of: u64,
        /// How it ended.
        ended: Ended,
        /// Exit code guard passed on.
        exit_code: i32,
        /// The limit that it was ended at, besides that of time: `memory`, `total-write`, `output`, `cpu`, `processes`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<String>,
        /// Wall time.
        duration_ms: u64,
        /// Level of the fence it ran in: `full`, `partial`, `landlock`; `none`: outside, by a runner.
        fence: String,
        /// What of the fence was missing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        missing: Vec<String>,
        /// What it proves, where its rule calls it a check.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        check: Option<Box<Checked>>,
    },
    /// An agent's harness is about to run in the fence; durable before it does.
    AgentStarted(Box<AgentStarted>),
    /// It has ended, and with it all that it started.
    AgentEnded(Box<AgentEnded>),
    /// A call of guard from inside its fence that is not an agent's.
    CallRefused {
        /// Sequence number of its start.
        of: u64,
        /// How often.
        times: u64,
    },
    /// A command did not run: denied, waiting for a person, or everything is halted.
    ShellRefused {
        /// `deny`, `ask` or `halted`.
        verdict: String,
        /// Rules that matched.
        rules: Vec<RuleHit>,
        /// Hash of the policy it was judged by.
        policy: String,
        /// The folder it would have started in, relative to the project. Older records do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// As in a start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<String>,
        /// What the caller called the task.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Why the caller wanted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What was refused, as fingerprints of its commands, so that the same is known again however it is spelled.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<String>,
        /// The request that was made of it, or that waits already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<String>,
    },
    /// A person is asked.
    Requested(Box<Requested>),
    /// A person said yes.
    Approved {
        /// The request's name.
        name: String,
        /// Who said so, and how that is known.
        by: By,
        /// Until when it can be used, in seconds since 1970.
        until: i64,
    },
    /// A person said no.
    Denied {
        /// The request's name.
        name: String,
        /// Who said so, and how that is known.
        by: By,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An approval is used up; durable before what it allows begins.
    Consumed {
        /// The request's name.
        name: String,
    },
    /// A request, or an approval, can no longer be used.
    Closed {
        /// The request's name.
        name: String,
        /// Why.
        how: Closing,
    },
    /// A person had a rule added to their policy that allows what a request asks, so that it needs no approval.
    RuleAdded {
        /// The request's name.
        name: String,
        /// The rule's id.
        rule: String,
        /// The rule as it was written.
        text: String,
        /// Who said so, and how that is known.
        by: By,
    },
    /// Who may approve has changed.
    ApproverChanged {
        /// The approver's name.
        name: String,
        /// Fingerprints of the keys.
        keys: Vec<String>,
        /// Whether they may from now on; else no longer.
        added: bool,
        /// Who said so, and how that is known.
        by: By,
    },
    /// Everything is halted until a person resumes.
    Escalated(Box<Escalated>),
    /// The agent's own analysis of what is halted.
    Analysed {
        /// The name of the halt.
        name: String,
        /// What it says.
        analysis: String,
    },
    /// A person resumed what was halted: every count begins anew.
    Resumed {
        /// The name of the halt.
        name: String,
        /// Who said so, and how that is known.
        by: By,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Guard could not do its job: the command did not run.
    ShellError {
        /// Sequence number of its start, where one was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u64>,
        /// Exit code guard gave.
        exit_code: i32,
        /// Why, as the caller was told.
        cause: String,
    },
    /// A command that a harness ran outside of guard.
    Unfenced {
        /// The harness's tool.
        tool: String,
        /// The folder of its session, relative to the project.
        cwd: String,
    },
    /// A file that a harness changed by itself.
    FileChanged {
        /// The harness's tool.
        tool: String,
    },
    /// A file that a harness was kept from changing: by rules, or while everything is halted.
    FileRefused {
        /// The harness's tool.
        tool: String,
        /// Rules that decided; none where it was not judged.
        rules: Vec<RuleHit>,
        /// Hash of the policy it was judged by; empty where it was not.
        policy: String,
    },
    /// A file that was read.
    FileRead(FileRead),
    /// Changes to the project are brought in; durable before they are.
    ChangeCommitted(Box<Committed>),
    /// Changes to the project were not brought in.
    ChangeWithheld(Box<Withheld>),
    /// Changes that a killed guard had begun to bring in are in the project now, but for what somebody changed meanwhile.
    ChangeFinished(Box<Finished>),
    /// An iteration begins: what changes from now on counts in it.
    IterationStarted(Box<Begun>),
    /// An iteration is closed: nothing counts until the next one begins.
    IterationClosed(Box<IterationEnded>),
    /// The project is in another mode from now on.
    ModeSet(Box<ModeSet>),
    /// A query is about to be sent to a server; durable before it is.
    QueryStart(Box<QueryStart>),
    /// The rows that a query gave.
    QueryResult {
        /// Sequence number of its start.
        of: u64,
    },
    /// The error that a query gave.
    QueryError {
        /// Sequence number of its start.
        of: u64,
        /// `down`, `auth`, `denied`, `syntax`, `timeout`, `lost`, `serialization`, `limit`, `strange`, `uncertain`
        /// or `other`.
        class: String,
        /// The server's code for it, SQLSTATE where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// A query has ended.
    QueryEnd(Box<QueryEnd>),
    /// A query was refused before anything of it reached a server.
    QueryRefused(Box<QueryRefused>),
    /// A migration was proposed, and tried on a copy of the schema where that could be done.
    MigrationProposed(Box<MigrationProposed>),
    /// A migration is about to be run; durable before it is.
    MigrationStart(Box<MigrationStart>),
    /// A migration that was run has ended.
    MigrationEnd(Box<MigrationEnd>),
    /// A person ran a migration by themselves.
    MigrationDone(MigrationDone),
    /// A migration was not proposed, or not run.
    MigrationRefused(MigrationRefused),
    /// A phase of a plan begins.
    PhaseStarted(Box<PhaseStarted>),
    /// A step of a phase has ended.
    PhaseStep(Box<PhaseStep>),
    /// A phase has ended.
    PhaseEnded(Box<PhaseEnded>),
    /// A start without an end whose process is gone.
    Lost {
        /// Sequence number of the start.
        of: u64,
    },
    /// A torn tail was ended with a newline and is covered by this record.
    Recovered {
        /// Bytes of the torn line, without the newline that ended it.
        bytes: u64,
        /// SHA-256 of those bytes.
        sha256: String,
    },
    /// The disk is full; this was written into the reserve.
    LogFull {},
    /// The poison left by a failed sync was looked at and removed by a person.
    PoisonCleared {
        /// What the poison file said.
        cause: String,
    },
    /// A person could not be told of something.
    NotifyFailed {
        /// The request or escalation.
        name: String,
        /// `command` or `webhook`, those of the machine's configuration with `machine-` in front.
        channel: String,
        /// How often it was tried.
        tries: u32,
        /// What came of the last try.
        cause: String,
    },
    /// A fixed point, every 256 records and before the end of a phase.
    Checkpoint {
        /// Records before this one.
        records: u64,
    },
}

/// The configuration docker-compose was given, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// The compose project's name.
    pub project: String,
    /// SHA-256 of the configuration as it was judged and run; none where there are secrets in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The files it was made of.
    pub files: Vec<SourceFile>,
}

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Relative to the project.
    pub path: String,
    /// SHA-256; none where there are secrets in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with an exit code.
    Exited,
    /// By a signal that guard did not send; its number is the exit code less 128.
    Signalled,
    /// Guard ended it at its time limit.
    TimedOut,
    /// Guard was told to stop (Ctrl-C, TERM, HUP).
    Cancelled,
    /// Guard ended it at another limit.
    Limit,
}

/// A rule that matched, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule's id.
    pub id: String,
    /// `allow`, `ask` or `deny`.
    pub verdict: String,
}
