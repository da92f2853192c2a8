//! What was asked in the past, as the log has it: for whoever judges it again, or counts what rules did.
//! Checks nothing, and says which records no longer hold what was asked.

use super::read::{Item, Reader};
use super::{LogError, Paths, blob_path};
use crate::event::line::{Line, Machine};
use crate::event::{Detail, Human, RuleHit};
use chrono::{DateTime, Utc};

/// The words that stand in the place of a secret begin with this.
const REDACTED: &str = "‹redacted:";

/// One action of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its record.
    pub seq: u64,
    /// When it was recorded.
    pub time: DateTime<Utc>,
    /// The command, as far as the record shows it.
    pub shown: String,
    /// The command whole, or why the log does not have it.
    pub text: Result<String, &'static str>,
    /// Whether it was a program and its arguments; `None`: the record does not say.
    pub argv: Option<bool>,
    /// The folder it started in, relative to the project; `None`: the record does not say.
    pub cwd: Option<String>,
    /// What the caller called the task.
    pub task: Option<String>,
    /// `allow`, `ask` or `deny`.
    pub verdict: String,
    /// Every rule that matched.
    pub rules: Vec<RuleHit>,
}

/// A record, as whoever looks back sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Something was asked.
    Action(Box<Past>),
    /// A person trusted the policy.
    Trusted,
    /// Anything else.
    Other,
}

/// Reads records of a log, with the whole texts of actions where blobs have them.
#[derive(Debug)]
pub struct History<'p> {
    reader: Reader,
    paths: &'p Paths,
}

impl<'p> History<'p> {
    /// From the log's beginning.
    pub fn open(paths: &'p Paths) -> Result<History<'p>, LogError> {
        Ok(History { reader: Reader::open(&paths.log)?, paths })
    }

    /// From the last `count` lines on.
    pub fn last(paths: &'p Paths, count: usize) -> Result<History<'p>, LogError> {
        Ok(History { reader: Reader::last(&paths.log, count)?, paths })
    }

    /// The next record and its time, in the order of the log; lines that are none are passed over.
    pub fn next_record(&mut self) -> Result<Option<(DateTime<Utc>, Looked)>, LogError> {
        while let Some(item) = self.reader.next_line()? {
            let Item { record: Some((Ok(line), seal)), .. } = item else { continue };
            let time = line.time;
            return Ok(Some((time, self.look(line, seal.seq))));
        }
        Ok(None)
    }

    fn look(&self, line: Line, seq: u64) -> Looked {
        let Line { time, human, machine, long, .. } = line;
        let Machine::Known(detail) = machine else { return Looked::Other };
        let (verdict, rules, cwd, asked, task) = match detail {
            Detail::ShellStart { rules, cwd, asked, task, observed, .. } => {
                (if observed { "ask" } else { "allow" }.to_owned(), rules, Some(cwd), asked, task)
            }
            // Nothing was judged while everything was halted.
            Detail::ShellRefused { verdict, .. } if verdict == "halted" => return Looked::Other,
            Detail::ShellRefused { verdict, rules, cwd, asked, task, .. } => (verdict, rules, cwd, asked, task),
            Detail::PolicyTrusted { .. } => return Looked::Trusted,
            Detail::Created { .. }
            | Detail::ReturnCode { .. }
            | Detail::Output { .. }
            | Detail::ShellEnd { .. }
            | Detail::ShellError { .. }
            | Detail::Unfenced { .. }
            | Detail::ConnectionRefused { .. }
            | Detail::HostReached { .. }
            | Detail::AgentStarted(_)
            | Detail::AgentEnded(_)
            | Detail::CallRefused { .. }
            | Detail::ChangeCommitted(_)
            | Detail::ChangeWithheld(_)
            | Detail::ChangeFinished(_)
            | Detail::IterationStarted(_)
            | Detail::IterationClosed(_)
            | Detail::FileChanged { .. }
            | Detail::FileRefused { .. }
            | Detail::FileRead(_)
            | Detail::QueryStart(_)
            | Detail::QueryResult { .. }
            | Detail::QueryError { .. }
            | Detail::QueryEnd(_)
            | Detail::QueryRefused(_)
            | Detail::ModeSet(_)
            | Detail::PhaseStarted(_)
            | Detail::PhaseStep(_)
            | Detail::PhaseEnded(_)
            | Detail::MigrationProposed(_)
            | Detail::MigrationStart(_)
            | Detail::MigrationEnd(_)
            | Detail::MigrationDone(_)
            | Detail::MigrationRefused(_)
            | Detail::Lost { .. }
            | Detail::Requested(_)
            | Detail::Approved { .. }
            | Detail::Denied { .. }
            | Detail::Consumed { .. }
            | Detail::Closed { .. }
            | Detail::Escalated(_)
            | Detail::Analysed { .. }
            | Detail::RuleAdded { .. }
            | Detail::ApproverChanged { .. }
            | Detail::Resumed { .. }
            | Detail::Recovered { .. }
            | Detail::LogFull {}
            | Detail::PoisonCleared { .. }
            | Detail::NotifyFailed { .. }
            | Detail::Checkpoint { .. } => return Looked::Other,
        };
        let (at, shown) = match human {
            Human::Labelled { text, .. } => ("text", text),
            Human::Fields { target, .. } => ("target", target),
        };
        let text = match long.iter().find(|long| long.at == at) {
            None => Ok(shown.clone()),
            Some(long) => {
                let whole = std::fs::read(blob_path(&self.paths.state, &long.sha256)).ok();
                whole.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("it is long, and its blob is gone")
            }
        };
        let whole = text.and_then(|text| match text {
            text if text.contains(REDACTED) => Err("a part of it is redacted"),
            text if text.contains('\u{fffd}') => Err("it was not text, and its bytes are not in the record"),
            text if text.is_empty() && rules.iter().any(|rule| rule.id == "guard:too-big") => {
                Err("it was too long to be recorded")
            }
            text => Ok(text),
        });
        let argv = asked.map(|asked| asked == "argv");
        Looked::Action(Box::new(Past { seq, time, shown, text: whole, argv, cwd, task, verdict, rules }))
    }
}
