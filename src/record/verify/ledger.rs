//! Whether each thing that a person allowed was asked, answered in time, and used once; and whether nothing began while
//! everything was halted.
//! Knows no signatures: who may answer stands in the person's configuration, not in the log.

use crate::event::{Cause, Committed, Detail, State};
use std::collections::BTreeMap;

/// Requests and answers, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: State,
    /// Used approvals of which nothing has come yet, and the kinds of their requests.
    ready: BTreeMap<String, String>,
}

impl Ledger {
    /// Takes a record written at `at`, in seconds since 1970; what is wrong with it.
    pub(super) fn add(&mut self, seq: u64, at: i64, detail: &Detail) -> Option<String> {
        let wrong = self.wrong(at, detail);
        if let Detail::Consumed { name } = detail {
            let kind = self.state.requests.open(name).map(|open| open.asked.kind.clone());
            self.ready.insert(name.clone(), kind.unwrap_or_default());
        }
        if !matches!(detail, Detail::ShellStart { .. } | Detail::QueryStart(_)) {
            self.state.apply(seq, detail);
        }
        wrong
    }

    /// Takes the start of a command.
    pub(super) fn start(&self) -> Option<String> {
        let halt = self.state.requests.halt.as_ref()?;
        Some(format!("a command began while everything was halted (`{}`)", halt.name))
    }

    /// Takes changes that were brought in.
    fn committed(&mut self, committed: &Committed) -> Option<String> {
        if let Some(name) = &committed.approval
            && self.ready.remove(name).is_none_or(|kind| kind != "change")
        {
            return Some(format!("it brings in changes by `{name}`, which was not used for it"));
        }
        // Of many more than a guard can have left unfinished.
        if self.state.transactions.holds(&committed.transaction) {
            return Some(format!("it brings in the changes of transaction `{}` again", committed.transaction));
        }
        let halt = self.state.requests.halt.as_ref().filter(|halt| halt.cause == Cause::Person);
        halt.map(|halt| format!("it brings in changes while a person had halted everything (`{}`)", halt.name))
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
                let used = self.ready.remove(name).is_some_and(|kind| kind == "command");
                (!used).then(|| format!("it began by `{name}`, which was not used for it"))
            }
            Detail::QueryStart(start) => {
                let name = start.approval.as_ref()?;
                let used = self.ready.remove(name).is_some_and(|kind| kind == "query");
                (!used).then(|| format!("it began by `{name}`, which was not used for it"))
            }
            Detail::MigrationStart(start) => {
                let name = start.approval.as_ref()?;
                let used = self.ready.remove(name).is_some_and(|kind| kind == "migration");
                (!used).then(|| format!("it began by `{name}`, which was not used for it"))
            }
            Detail::ChangeCommitted(committed) => self.committed(committed),
            Detail::Resumed { name, .. } => {
                let halted = requests.halt.as_ref().is_some_and(|halt| halt.name == *name);
                (!halted).then(|| format!("it resumes `{name}`, which was not halted"))
            }
            Detail::Escalated(escalated) => {
                let halted = requests.halt.as_ref();
                halted.map(|halt| format!("it halts `{}` while `{}` was halted", escalated.name, halt.name))
            }
            Detail::IterationStarted(_) => {
                let open = self.state.iteration.open.as_ref();
                open.map(|round| format!("it begins an iteration while that of record #{} is open", round.seq))
            }
            Detail::IterationClosed(ended) => {
                let open = self.state.iteration.open.as_ref().is_some_and(|round| round.seq == ended.of);
                (!open).then(|| format!("it closes the iteration of record #{}, which is not open", ended.of))
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
            | Detail::ChangeFinished(_)
            | Detail::FileChanged { .. }
            | Detail::FileRefused { .. }
            | Detail::FileRead(_)
            | Detail::QueryResult { .. }
            | Detail::QueryError { .. }
            | Detail::QueryEnd(_)
            | Detail::QueryRefused(_)
            | Detail::ModeSet(_)
            | Detail::PhaseStarted(_)
            | Detail::PhaseStep(_)
            | Detail::PhaseEnded(_)
            | Detail::MigrationProposed(_)
            | Detail::MigrationEnd(_)
            | Detail::MigrationDone(_)
            | Detail::MigrationRefused(_)
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
    use crate::event::{Begun, By, Changed, Counted, Escalated, IterationEnded, Requested};

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

    fn request(name: &str) -> [Detail; 3] {
        let kind = name.split('-').next().unwrap_or_default().to_owned();
        let Detail::Requested(asked) = asked() else { panic!() };
        let by = By { who: "anna".into(), strength: "terminal".into(), key: None, signature: None };
        [
            Detail::Requested(Box::new(Requested { name: name.into(), kind, ..*asked })),
            Detail::Approved { name: name.into(), by, until: 90 },
            Detail::Consumed { name: name.into() },
        ]
    }

    fn commit(transaction: &str, approval: Option<&str>) -> Detail {
        Detail::ChangeCommitted(Box::new(Committed {
            changed: Changed { of: None, files: Vec::new(), more: 0 },
            transaction: transaction.into(),
            manifest: String::new(),
            kept: true,
            undoes: None,
            approval: approval.map(str::to_owned),
            reason: None,
            counted: Counted::default(),
        }))
    }

    fn last(details: impl IntoIterator<Item = Detail>) -> Option<String> {
        let mut ledger = Ledger::default();
        let wrong = (1_u64..).zip(details).map(|(seq, detail)| ledger.add(seq, 10, &detail));
        wrong.last().unwrap()
    }

    #[test]
    fn changes_come_in_once_by_an_approval_of_changes_and_never_while_a_person_halted() {
        let halt = |cause| {
            Detail::Escalated(Box::new(Escalated {
                name: "resume-1".into(),
                cause,
                category: None,
                attempts: None,
                nonce: String::new(),
                content: String::new(),
                uid: 0,
                said: None,
            }))
        };
        assert_eq!(last([commit("a", None), commit("b", None)]), None);
        assert_eq!(
            last([commit("a", None), commit("b", None), commit("a", None)]),
            Some("it brings in the changes of transaction `a` again".into())
        );
        assert_eq!(last(request("change-1").into_iter().chain([commit("a", Some("change-1"))])), None);
        assert_eq!(
            last(request("command-1").into_iter().chain([commit("a", Some("command-1"))])),
            Some("it brings in changes by `command-1`, which was not used for it".into())
        );
        let begun = Detail::ShellStart {
            rules: Vec::new(),
            policy: String::new(),
            cwd: ".".into(),
            asked: None,
            task: None,
            reason: None,
            timeout_ms: 1,
            observed: false,
            composition: None,
            approval: Some("change-1".into()),
            step: None,
        };
        assert_eq!(
            last(request("change-1").into_iter().chain([begun])),
            Some("it began by `change-1`, which was not used for it".into())
        );
        assert_eq!(
            last([halt(Cause::Person), commit("a", None)]),
            Some("it brings in changes while a person had halted everything (`resume-1`)".into())
        );
        // What halts a command by its own failures lets its changes in: they are what a person looks at.
        assert_eq!(last([halt(Cause::Failures), commit("a", None)]), None);
    }

    #[test]
    fn an_iteration_begins_where_none_is_open_and_closes_once() {
        let begun = || Detail::IterationStarted(Box::new(Begun { what: None }));
        let ended = |of| Detail::IterationClosed(Box::new(IterationEnded { of, check: None, by: None }));
        assert_eq!(last([begun(), ended(1), begun(), ended(3)]), None);
        assert_eq!(last([begun(), begun()]), Some("it begins an iteration while that of record #1 is open".into()));
        assert_eq!(last([begun(), ended(2)]), Some("it closes the iteration of record #2, which is not open".into()));
        assert_eq!(
            last([begun(), ended(1), ended(1)]),
            Some("it closes the iteration of record #1, which is not open".into())
        );
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
