//! Whether each thing that a person allowed was asked, answered in time, and used once; and whether nothing began while
//! everything was halted.
//! Knows no signatures: who may answer stands in the person's configuration, not in the log.

use crate::event::{Detail, State};
use std::collections::BTreeSet;

/// Requests and answers, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: State,
    /// Used approvals whose command has not begun.
    ready: BTreeSet<String>,
}

impl Ledger {
    /// Takes a record written at `at`, in seconds since 1970; what is wrong with it.
    pub(super) fn add(&mut self, seq: u64, at: i64, detail: &Detail) -> Option<String> {
        let wrong = self.wrong(at, detail);
        if let Detail::Consumed { name } = detail {
            self.ready.insert(name.clone());
        }
        if !matches!(detail, Detail::ShellStart { .. }) {
            self.state.apply(seq, detail);
        }
        wrong
    }

    /// Takes the start of a command.
    pub(super) fn start(&self) -> Option<String> {
        let halt = self.state.requests.halt.as_ref()?;
        Some(format!("a command began while everything was halted (`{}`)", halt.name))
    }

    fn wrong(&mut self, at: i64, detail: &Detail) -> Option<String> {
        let requests = &self.state.requests;
        match detail {
            Detail::Requested(asked) => {
                let known = requests.open(&asked.name).is_some() || requests.done(&asked.name).is_some();
                known.then(|| format!("`{}` was asked before", asked.name))
            }
            Detail::Approved { name, .. } => match requests.open(name) {
                None => Some(format!("it approves `{name}`, which does not wait")),
                Some(open) if open.approved.is_some() => Some(format!("`{name}` was approved before")),
                Some(open) if at > open.asked.expires => Some(format!("it approves `{name}`, which had expired")),
                Some(_) => None,
            },
            Detail::RuleAdded { name, .. } => match requests.open(name) {
                None => Some(format!("it allows `{name}` by a rule, which does not wait")),
                Some(open) if at > open.asked.expires => {
                    Some(format!("it allows `{name}` by a rule, which had expired"))
                }
                Some(_) => None,
            },
            Detail::Denied { name, .. } | Detail::Closed { name, .. } => {
                requests.open(name).is_none().then(|| format!("it ends `{name}`, which does not wait"))
            }
            Detail::Consumed { name } => match requests.open(name).and_then(|open| open.approved.as_ref()) {
                None => Some(format!("it uses `{name}`, which nobody approved, or which was used before")),
                Some(approved) if at > approved.until => Some(format!("it uses `{name}` after its approval expired")),
                Some(_) => None,
            },
            Detail::ShellStart { approval: Some(name), .. } => {
                (!self.ready.remove(name)).then(|| format!("it began by `{name}`, which was not used for it"))
            }
            Detail::ChangeCommitted(committed) => {
                let unused = committed.approval.as_ref().filter(|name| !self.ready.remove(*name));
                unused.map(|name| format!("it brings in changes by `{name}`, which was not used for it"))
            }
            Detail::Resumed { name, .. } => {
                let halted = requests.halt.as_ref().is_some_and(|halt| halt.name == *name);
                (!halted).then(|| format!("it resumes `{name}`, which was not halted"))
            }
            Detail::Escalated(escalated) => {
                let halted = requests.halt.as_ref();
                halted.map(|halt| format!("it halts `{}` while `{}` was halted", escalated.name, halt.name))
            }
            Detail::Created { .. }
            | Detail::PolicyTrusted { .. }
            | Detail::ShellStart { approval: None, .. }
            | Detail::ReturnCode { .. }
            | Detail::Output { .. }
            | Detail::ShellEnd { .. }
            | Detail::ShellRefused { .. }
            | Detail::Analysed { .. }
            | Detail::ApproverChanged { .. }
            | Detail::ShellError { .. }
            | Detail::Unfenced { .. }
            | Detail::ConnectionRefused { .. }
            | Detail::HostReached { .. }
            | Detail::AgentStarted(_)
            | Detail::AgentEnded(_)
            | Detail::CallRefused { .. }
            | Detail::ChangeWithheld(_)
            | Detail::ChangeFinished { .. }
            | Detail::FileChanged { .. }
            | Detail::FileRefused { .. }
            | Detail::Lost { .. }
            | Detail::Recovered { .. }
            | Detail::LogFull {}
            | Detail::PoisonCleared { .. }
            | Detail::NotifyFailed { .. }
            | Detail::Checkpoint { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{By, Requested};

    fn by_rule() -> Detail {
        let by = By { who: "anna".into(), strength: "terminal".into(), key: None, signature: None };
        Detail::RuleAdded { name: "command-1".into(), rule: "always-command-1".into(), text: String::new(), by }
    }

    fn asked() -> Detail {
        Detail::Requested(Box::new(Requested {
            name: "command-1".into(),
            kind: "command".into(),
            nonce: String::new(),
            content: String::new(),
            same: String::new(),
            targets: Vec::new(),
            policy: String::new(),
            uid: 0,
            expires: 100,
        }))
    }

    #[test]
    fn a_rule_is_added_for_what_waits_once_and_in_time() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.add(1, 10, &by_rule()), Some("it allows `command-1` by a rule, which does not wait".into()));
        assert_eq!(ledger.add(2, 10, &asked()), None);
        assert_eq!(ledger.add(3, 11, &by_rule()), None);
        assert_eq!(ledger.add(4, 12, &by_rule()), Some("it allows `command-1` by a rule, which does not wait".into()));
        let used = ledger.add(5, 13, &Detail::Consumed { name: "command-1".into() });
        assert!(used.is_some_and(|wrong| wrong.contains("nobody approved")));
        let mut late = Ledger::default();
        assert_eq!(late.add(1, 10, &asked()), None);
        assert_eq!(late.add(2, 101, &by_rule()), Some("it allows `command-1` by a rule, which had expired".into()));
    }
}
