//! The judgement: the strictest verdict of everything that matched, and every match with its reason.
//! Knows no wording beyond what the rules say.

use super::compose::{self, Call, Composed, Findings};
use super::judging;
use super::policy::{Check, Network, Policy, Runner, Writes};
use crate::action::{Action, Facts};
use crate::event::State;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the policy says, from mildest to strictest; the strictest match wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// It may run, fenced.
    Allow,
    /// A person must say so.
    Ask,
    /// It must not run.
    Deny,
}

impl Verdict {
    /// The word policies and logs use.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Ask => "ask",
            Verdict::Deny => "deny",
        }
    }
}

/// A rule that matched, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule's id.
    pub id: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, as a fragment.
    pub reason: String,
    /// What to do instead, if the rule knows.
    pub instead: Option<String>,
    /// Where the rule stands: `guard.toml:12`, `policy/python.toml:40`, `built in`.
    pub at: String,
    /// Which of the action's commands it matched; `None`: the action as a whole, or a command that is only suspected.
    pub command: Option<usize>,
    /// The rule of a person's, the project's or the machine's that answers this ask with an allow, if one does.
    pub overruled: Option<String>,
}

/// What an allowed command gets. Where several simple commands run together, the least of each; shipped rules for
/// tools that only read (`writes = false`) take nothing from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Time limit.
    pub timeout: Duration,
    /// Whether it may write to the project.
    pub writes: bool,
    /// What it may write beyond or below that: a part of `.git`, a virtual environment.
    pub area: Writes,
    /// What it may reach.
    pub network: Network,
    /// The hosts it may reach, with [`Network::Hosts`].
    pub hosts: Vec<String>,
    /// The services opened to it, by name.
    pub services: Vec<String>,
    /// How it runs, where not in the fence.
    pub runner: Option<Runner>,
    /// Names of environment variables it gets besides the usual ones.
    pub env: Vec<String>,
    /// Whether it may read the project's `.env` files.
    pub dotenv: bool,
    /// The check it is, if it is one and nothing else stands beside it.
    pub check: Option<Check>,
    /// Its commands that a rule calls a check, whatever stands around them: what fails of them has failed, though only one
    /// that stands alone proves anything by its success.
    pub checks: Vec<Checking>,
}

/// A command of an action that a rule calls a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checking {
    /// Its number.
    pub command: usize,
    /// The rule's id.
    pub rule: String,
    /// What it checks.
    pub check: Check,
}

/// The policy's answer to one action. Only [`judge`] makes one.
///
/// ```compile_fail
/// // A judgement cannot be made up: its fields are private.
/// let forged = guard::decide::Judgement { verdict: guard::decide::Verdict::Allow };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    action: Action,
    program: Option<PathBuf>,
    verdict: Verdict,
    matches: Vec<Match>,
    grant: Grant,
    call: Option<Call>,
    composed: Option<Composed>,
    observed: bool,
    policy: String,
}

impl Judgement {
    /// What was judged.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The file that an argument vector's first word was resolved to when it was judged: this one is started.
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The strictest verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Every rule that matched, strictest first, then in order of the commands.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// What the action gets if it runs.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The call of docker-compose that the runner writes itself, where a rule gives one.
    pub fn call(&self) -> Option<&Call> {
        self.call.as_ref()
    }

    /// The configuration that was judged with it: exactly this is run. `None` before [`configured`].
    pub fn composed(&self) -> Option<&Composed> {
        self.composed.as_ref()
    }

    /// Whether the policy is in observe mode: what would be asked runs, fenced and recorded.
    pub fn observe(&self) -> bool {
        self.observed
    }

    /// Hash of the policy that judged, in hex.
    pub fn policy(&self) -> &str {
        &self.policy
    }
}

/// Judges an action: total, deterministic, the strictest match wins, nothing matched asks.
pub fn judge(action: Action, facts: &Facts, state: &State, policy: &Policy) -> Judgement {
    let judged = judging::weigh(&action, facts, state, policy);
    Judgement {
        program: judged.program,
        verdict: judged.verdict,
        matches: judged.matches,
        grant: judged.grant,
        call: judged.call,
        composed: None,
        observed: policy.settings().observe,
        policy: policy.hash().to_owned(),
        action,
    }
}

/// Judges the configuration that an allowed call of docker-compose would run as well: it can only become stricter.
pub fn configured(mut judgement: Judgement, findings: &Findings, facts: &Facts, policy: &Policy) -> Judgement {
    let Some(call) = &judgement.call else { return judgement };
    let (reasons, composed) = compose::judge(call, &facts.project, findings);
    judgement.composed = composed;
    if !reasons.is_empty() {
        let (verdict, matches) = judging::configuration(reasons, policy);
        judgement.verdict = judgement.verdict.max(verdict);
        judgement.matches.splice(0..0, matches);
    }
    judgement
}
