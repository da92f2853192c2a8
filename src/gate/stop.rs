//! Why guard stopped before or instead of running anything, each with its exit code and what to do.
//! Knows no layout: doors print these.

use super::project::shown;
use crate::approve::Unusable;
use crate::approve::ssh::SignatureError;
use crate::decide::Match;
use crate::decide::policy::{Fault, Faults};
use crate::execute::ExecuteError;
use crate::execute::change::ChangeError;
use crate::record::{Holder, LogError};
use std::path::PathBuf;
use std::time::Duration;

/// A reason why nothing ran that is not a judgement. Every one fails closed.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// No `guard.toml` above.
    #[error("no `guard.toml` in `{}` or any folder above it", shown(from))]
    NoProject {
        /// Where the search began.
        from: PathBuf,
    },
    /// A `guard.toml` that guard has no state for.
    #[error("guard has no record of the project `{}` on this machine, though it holds a `guard.toml`", shown(root))]
    NotInitialised {
        /// The project's root.
        root: PathBuf,
    },
    /// A folder that cannot be entered.
    #[error("cannot enter `{}`: {cause}", shown(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// Neither `HOME` nor `XDG_STATE_HOME`, or both relative.
    #[error("no place for guard's state: neither `HOME` nor `XDG_STATE_HOME` is set to an absolute path")]
    NoHome,
    /// A policy file that cannot be read.
    #[error("cannot read the policy `{}`: {cause}", shown(path))]
    PolicyUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The machine's or the person's policy, where somebody else could have written it.
    #[error("`{}` is not its owner's alone: {cause}", shown(path))]
    LoosePolicy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A policy with faults.
    #[error("the policy is invalid:\n{faults}")]
    PolicyInvalid {
        /// Every fault.
        faults: Faults,
    },
    /// The machine's or the person's configuration, where it cannot be read.
    #[error("cannot read the configuration `{}`: {cause}", shown(path))]
    SettingsUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The machine's or the person's configuration, where somebody else could have written it.
    #[error("the configuration `{}` is not its owner's alone: {cause}", shown(path))]
    LooseSettings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A configuration with faults; its lines are not shown, since the address of a webhook may be a secret.
    #[error("the configuration is invalid:\n{}", unquoted(faults))]
    SettingsInvalid {
        /// Every fault.
        faults: Faults,
    },
    /// A file of cases that cannot be read.
    #[error("cannot read the cases `{}`: {cause}", shown(path))]
    CasesUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// A file of cases with faults.
    #[error("the cases are invalid:\n{faults}")]
    CasesInvalid {
        /// Every fault.
        faults: Faults,
    },
    /// A project policy that differs from the trusted one.
    #[error("`guard.toml` has changed since it was trusted:\n{}", difference.trim_end())]
    Untrusted {
        /// The difference, one line a change.
        difference: String,
    },
    /// A service that the rule opens, and that is not opened.
    #[error("the service `{name}` is not opened: {cause}")]
    Service {
        /// Its name.
        name: String,
        /// Why, as a fragment.
        cause: String,
        /// What to do about it.
        help: String,
    },
    /// A configuration that docker-compose did not print, so that it could not be judged.
    #[error("docker-compose does not say what it would run: {cause}")]
    Configuration {
        /// Its own words, or what was wrong with them.
        cause: String,
    },
    /// Guard was told to stop before anything ran.
    #[error("stopped before it began")]
    Cancelled {
        /// 128 and the signal.
        code: i32,
    },
    /// As many commands run in the project as may at once.
    #[error("{}", crowded(holders, *most, *waited))]
    Busy {
        /// Those that run, so far as they are known.
        holders: Vec<Holder>,
        /// How many may.
        most: u32,
        /// How long it waited for its turn.
        waited: Duration,
    },
    /// A person is needed before anything goes on.
    #[error("halted (`{name}`): nothing runs until a person resumes")]
    Halted {
        /// The halt's name.
        name: String,
    },
    /// A request that cannot be used or answered.
    #[error("`{}`: {cause}", crate::event::line::printable(name))]
    Approval {
        /// The request's name.
        name: String,
        /// Why.
        cause: Unusable,
    },
    /// Somebody has answered before.
    #[error("`{name}` was approved before, by {}", crate::event::line::printable(by))]
    Answered {
        /// The request's name.
        name: String,
        /// Who it was.
        by: String,
    },
    /// An answer that is worth less than the policy demands.
    #[error("the policy wants an answer of strength `{required}`, and this one is `{given}`")]
    TooWeak {
        /// What it is.
        given: &'static str,
        /// What it must be.
        required: &'static str,
    },
    /// No lasting rule can be made of a request.
    #[error("no rule can allow `{name}` always: {cause}")]
    NoRule {
        /// The request's name.
        name: String,
        /// Why.
        cause: String,
    },
    /// The policy asks, and nobody could answer.
    #[error("the policy asks for an answer of strength `{required}`, and no approver can give one")]
    Nobody {
        /// What it must be.
        required: &'static str,
    },
    /// A list of approvers that cannot be read.
    #[error("the list of approvers is invalid:\n{faults}")]
    Signers {
        /// Every fault.
        faults: Faults,
    },
    /// A signature that does not count.
    #[error("the signature does not count: {cause}")]
    Signature {
        /// Why.
        cause: Box<SignatureError>,
    },
    /// Changes that rules refused as they were about to come in: another had come in since they were judged.
    #[error("its changes were refused: {}", reasons(rules))]
    Refused {
        /// The rules.
        rules: Vec<Match>,
    },
    /// An iteration that cannot be closed or begun yet.
    #[error("{what}")]
    Iteration {
        /// Why not.
        what: String,
        /// What to do.
        help: String,
    },
    /// A migration that is not proposed, or not run.
    #[error("{what}")]
    Migration {
        /// Why not.
        what: String,
        /// What to do instead.
        help: String,
    },
    /// Changes that cannot be brought into the project.
    #[error(transparent)]
    Change(ChangeError),
    /// Changes that are on record and not all in the project.
    #[error("the changes of transaction `{transaction}` are on record and not yet all in the project: {cause}")]
    HalfDone {
        /// The transaction's name.
        transaction: String,
        /// What stands in the way.
        cause: String,
    },
    /// Guard runs inside one of its own fences.
    #[error("already fenced: run it directly")]
    Fenced,
    /// The log cannot be used.
    #[error(transparent)]
    Log(LogError),
    /// The command could not be run.
    #[error(transparent)]
    Execute(ExecuteError),
    /// Something else the system refused.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: String,
        /// The system's message.
        cause: String,
    },
    /// Something asked of guard that it will not do.
    #[error("{what}")]
    Usage {
        /// What is wrong with it.
        what: String,
        /// What to do instead.
        help: String,
    },
}

fn reasons(rules: &[Match]) -> String {
    let each = rules.iter().map(|rule| format!("{}: {}", rule.id, rule.reason));
    each.collect::<Vec<_>>().join("; ")
}

/// Who runs, and that nobody else can.
fn crowded(holders: &[Holder], most: u32, waited: Duration) -> String {
    let who = match (most, holders.len()) {
        (1, 0 | 1) => "another command runs in this project".to_owned(),
        _ => format!("as many commands run in this project as may at once ({most})"),
    };
    let waited = match waited.as_secs() {
        0 => String::new(),
        seconds => format!(" (after {seconds} s of waiting)"),
    };
    let all: Vec<String> = holders.iter().map(held).collect();
    format!("{who}{waited}{}{}", if all.is_empty() { "" } else { ": " }, all.join(", "))
}

/// One that runs: what, which record and process, since when.
pub fn held(holder: &Holder) -> String {
    let record = holder.seq.map(|seq| format!("record #{seq}, ")).unwrap_or_default();
    let since = chrono::DateTime::from_timestamp(holder.since, 0).map(|since| since.format("%H:%M:%S UTC").to_string());
    let (command, since) = (crate::event::line::printable(&holder.command), since.unwrap_or_default());
    format!("`{command}` ({record}process {}, since {since})", holder.pid)
}

/// Each fault in a line, with its place and what to write instead.
fn unquoted(Faults(faults): &Faults) -> String {
    let line = |fault: &Fault| {
        let help = fault.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{}:{}:{}: {}{help}", fault.file, fault.line, fault.column, fault.message)
    };
    faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Stop {
    /// Guard's exit code for it.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::NoProject { .. }
            | Self::NotInitialised { .. }
            | Self::PolicyUnreadable { .. }
            | Self::LoosePolicy { .. }
            | Self::PolicyInvalid { .. }
            | Self::SettingsUnreadable { .. }
            | Self::LooseSettings { .. }
            | Self::SettingsInvalid { .. }
            | Self::CasesUnreadable { .. }
            | Self::CasesInvalid { .. }
            | Self::Untrusted { .. }
            | Self::Nobody { .. }
            | Self::Signers { .. } => 78,
            Self::Halted { .. } => 77,
            Self::Approval { cause, .. } => match cause {
                Unusable::Waiting | Unusable::Unanswered | Unusable::Expired | Unusable::Changed => 75,
                Unusable::Denied => 126,
                Unusable::Unknown | Unusable::Used | Unusable::Allowed | Unusable::Halt | Unusable::Resumed => 125,
            },
            Self::TooWeak { .. }
            | Self::Signature { .. }
            | Self::Refused { .. }
            | Self::Iteration { .. }
            | Self::Migration { .. } => 126,
            Self::Execute(ExecuteError::NoProgram(_)) => 127,
            Self::Execute(ExecuteError::NotExecutable { .. }) => 126,
            Self::Execute(ExecuteError::Fence { .. } | ExecuteError::AlreadyFenced | ExecuteError::System { .. }) => {
                125
            }
            Self::Cancelled { code } => *code,
            Self::Folder { .. }
            | Self::Configuration { .. }
            | Self::Answered { .. }
            | Self::NoRule { .. }
            | Self::NoHome
            | Self::Service { .. }
            | Self::Fenced
            | Self::Change(_)
            | Self::HalfDone { .. }
            | Self::Log(_)
            | Self::Busy { .. }
            | Self::System { .. }
            | Self::Usage { .. } => 125,
        }
    }

    /// The `verdict` of `--json`: `invalid` where settings are at fault, `halted` and `ask` where a person is needed,
    /// `deny` where one said no, else `error`.
    pub fn verdict(&self) -> &'static str {
        match self.exit_code() {
            75 => "ask",
            77 => "halted",
            78 => "invalid",
            126 if matches!(
                self,
                Self::Approval { .. } | Self::Refused { .. } | Self::Iteration { .. } | Self::Migration { .. }
            ) =>
            {
                "deny"
            }
            _ => "error",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoProject { .. } => {
                Some("run `guard init` in the project's root, or name the project with `-C DIR`".into())
            }
            Self::NotInitialised { .. } => {
                Some("a person runs `guard init` there: it keeps the `guard.toml` and begins a log".into())
            }
            Self::NoHome => Some("set `HOME` or `XDG_STATE_HOME` to an absolute path".into()),
            Self::PolicyUnreadable { .. } => Some("make it a readable file, or restore it from version control".into()),
            Self::LoosePolicy { .. } | Self::LooseSettings { .. } => Some("take write permission from group and others, for the file and its folder, and give both to their owner".into()),
            Self::PolicyInvalid { .. } => Some("`guard policy check` shows every fault; nothing runs until it is mended".into()),
            Self::SettingsUnreadable { .. } => Some("make it a readable file, or remove it".into()),
            Self::SettingsInvalid { .. } => Some("mend it, and try it with `guard notify test`".into()),
            Self::CasesUnreadable { .. } => {
                Some("write `[[case]]` tables into it: `guard policy test --help` says how".into())
            }
            Self::CasesInvalid { .. } => Some("no case was tried; mend the file first".into()),
            Self::Untrusted { .. } => {
                Some("a person looks at the change and runs `guard policy trust`, or restores the file".into())
            }
            Self::Service { help, .. } => Some(help.clone()),
            Self::Configuration { .. } => Some("mend the compose file; `docker-compose config` shows what is wrong with it".into()),
            Self::Halted { .. } => Some(
                "stop here, and tell the person what you think is wrong with `guard escalate --analysis TEXT`; \
                 they decide how it goes on"
                    .into(),
            ),
            Self::Approval { cause, .. } => Some(match cause {
                Unusable::Unknown => "`guard pending` lists what waits".into(),
                Unusable::Waiting => "wait for it with `guard wait`, or go on with something else".into(),
                Unusable::Unanswered | Unusable::Expired | Unusable::Changed => {
                    "ask for the same command again with `guard exec`".into()
                }
                Unusable::Used => "ask for the same command again with `guard exec`, if it is to run once more".into(),
                Unusable::Allowed => "ask for the same command again with `guard exec`: it runs without a person".into(),
                Unusable::Denied => "reach the goal another way, or tell the person why it is needed".into(),
                Unusable::Halt => "`guard status` says what is halted".into(),
                Unusable::Resumed => "`guard status` says where everything stands now".into(),
            }),
            Self::Answered { .. } => Some("`guard status` says what became of it".into()),
            Self::NoRule { name, .. } => Some(format!("`guard approve {name}` without `--always` allows it once")),
            Self::TooWeak { .. } => Some("a person answers with `--key FILE` or `--agent`; `[approvals]` in the policy says what is enough".into()),
            Self::Nobody { .. } => Some("a person adds an approver with `guard approver add NAME KEY.pub`, or sets `supervision = \"unattended\"`".into()),
            Self::Signers { .. } => Some("mend or remove the line; `guard approver list` reads the same files".into()),
            Self::Signature { cause } => Some(match cause.help() {
                Some(help) => help.to_owned(),
                None => "sign the statement as it stands now with an approver's key; `guard approver list` names them".into(),
            }),
            Self::Fenced => Some("drop `guard exec --`: what runs here is fenced and recorded already".into()),
            Self::Change(error) => Some(match error {
                ChangeError::Conflict { .. } => "look at what stands there now, and run the command again".into(),
                ChangeError::System { .. } => "mend that, and run the command again: nothing was changed".into(),
            }),
            Self::HalfDone { .. } => {
                Some("mend that: the next call of guard goes on where this one stopped, and nothing else runs before".into())
            }
            Self::Usage { help, .. } | Self::Iteration { help, .. } | Self::Migration { help, .. } => Some(help.clone()),
            Self::Refused { rules } => rules.iter().find_map(|rule| rule.instead.clone()),
            Self::Busy { .. } => Some(
                "ask for it again when that has ended, or wait for it with `guard exec --wait-turn 60 -- …`; how many run \
                 at once is `parallel` in `[limits]` of the policy"
                    .into(),
            ),
            Self::Log(error) => error.help(),
            Self::Execute(error) => error.mend(),
            Self::Folder { .. } => Some("name a folder that is there and may be entered, with `-C DIR` or by going to it".into()),
            Self::System { .. } | Self::Cancelled { .. } => None,
        }
    }
}
