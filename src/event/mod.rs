//! What happened: the vocabulary of the audit log, and [`State`], the fold of all of it.
//! Knows neither how entries are sealed nor where they are kept.

mod agents;
mod changes;
mod checks;
mod detail;
mod iteration;
pub mod line;
mod migration;
mod mode;
mod phases;
mod query;
mod requests;
mod state;

pub use agents::{AgentEnded, AgentStarted};
pub use changes::{Changed, ChangedFile, Committed, FileRead, Finished, Transactions, Why, Withheld};
pub use checks::{Checked, Proves, Spent};
pub use detail::{Composition, Detail, Ended, RuleHit, SourceFile};
pub use iteration::{Begun, Counted, Ended as IterationEnded, NAMES};
pub use migration::{MigrationDone, MigrationEnd, MigrationEnded, MigrationProposed, MigrationRefused, MigrationStart};
pub use mode::{Environment, Mode, ModeSet, Standing as ModeStanding};
pub use phases::{PhaseEnded, PhaseStarted, PhaseStep, StepResult};
pub use query::{QueryEnd, QueryEnded, QueryRefused, QueryStart};
pub use requests::{By, Cause, Closing, Escalated, Requested};
pub use state::{
    AGENT, Attempts, Came, DRY_RUN, Done, Ending, Exports, Halt, INSTALL, Iteration, Known, KnownPlan, Migrations,
    Open, Passed, Permission, Phases, Red, Refused, Requests, Round, Series, State, StepEnd, StepRun, Tried, Working,
};

/// One line of the log before it is sealed: what a person reads, and what a machine reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The owner's line.
    pub human: Human,
    /// The machine's part.
    pub detail: Detail,
}

/// The human part of a line. Texts are raw here; [`line`] escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Human {
    /// `[SKILL] [ACTION] [TARGET] [RESULT]`
    Fields {
        /// FILE, SHELL, DB, MIGRATION, SKILL, PLUGIN, PHASE, ESCALATION, APPROVAL or GUARD.
        skill: String,
        /// EXEC, MODIFY, QUERY, INIT, …
        action: String,
        /// What it was done to.
        target: String,
        /// SUCCESS, PASS, FAIL, DENIED, PENDING, TIMEOUT, `50 rows`, …
        result: String,
    },
    /// `LABEL: text`, as in `SHELL_EXEC: pytest tests/`.
    Labelled {
        /// SHELL_EXEC, RETURN_CODE, STDOUT, STDERR, …
        label: String,
        /// The rest of the line.
        text: String,
    },
}
