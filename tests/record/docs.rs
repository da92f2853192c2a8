//! `docs/log.md` is held to what the code does.

use super::*;
use guard::event::{
    AgentEnded, AgentStarted, Begun, By, Cause, Changed, ChangedFile, Checked, Closing, Committed, Composition,
    Counted, Ended, Environment, Escalated, FileRead, Finished, IterationEnded, MigrationDone, MigrationEnd,
    MigrationEnded, MigrationProposed, MigrationRefused, MigrationStart, Mode, ModeSet, PhaseEnded, PhaseStarted,
    PhaseStep, Proves, QueryEnd, QueryEnded, QueryRefused, QueryStart, Requested, RuleHit, SourceFile, Spent,
    StepResult, Why, Withheld,
};
use std::collections::{BTreeMap, BTreeSet};

/// One of each, with every optional field set. A new variant does not compile until it is added here.
fn all() -> Vec<Detail> {
    let s = || "x".to_owned();
    let by = || By { who: s(), strength: s(), key: Some(s()), signature: Some(s()) };
    let spent = Some(Spent { used: 1, budget: 1, total_used: 1, total_budget: 1 });
    let checked = || Checked {
        rule: s(),
        proves: Proves::Failure,
        at_ms: 1,
        targets: vec![s()],
        options: vec![s()],
        ran: Some(1),
        left_out: Some(1),
        clears: vec![1],
        category: Some(s()),
        attempts: spent,
        tests: vec![s()],
        message: Some(s()),
    };
    let rules = || vec![RuleHit { id: s(), verdict: s() }];
    let file = || ChangedFile { path: s(), change: s(), kind: s(), sha256: Some(s()) };
    let changed = || Changed { of: Some(1), files: vec![file()], more: 1 };
    let mut details = vec![Detail::Created { log_id: s(), guard: s(), policy: s(), seed_fingerprint: s() }];
    loop {
        let next = match details.last().unwrap() {
            Detail::Created { .. } => Detail::PolicyTrusted { policy: s() },
            Detail::PolicyTrusted { .. } => Detail::ShellStart {
                rules: rules(),
                policy: s(),
                cwd: s(),
                asked: Some(s()),
                task: Some(s()),
                reason: Some(s()),
                timeout_ms: 1,
                observed: true,
                composition: Some(Box::new(Composition {
                    project: s(),
                    config: Some(s()),
                    files: vec![SourceFile { path: s(), sha256: Some(s()) }],
                })),
                approval: Some(s()),
                step: Some(s()),
            },
            Detail::ShellStart { .. } => Detail::ReturnCode { of: 1 },
            Detail::ReturnCode { .. } => Detail::Output { of: 1, len: 1, sha256: Some(s()), blob: Some(s()) },
            Detail::Output { .. } => Detail::ConnectionRefused { of: 1, call: s(), address: s(), why: s(), times: 1 },
            Detail::ConnectionRefused { .. } => Detail::HostReached { of: 1, host: s(), times: 1 },
            Detail::HostReached { .. } => Detail::ShellEnd {
                of: 1,
                ended: Ended::Exited,
                exit_code: 1,
                limit: Some(s()),
                duration_ms: 1,
                fence: s(),
                missing: vec![s()],
                check: Some(Box::new(checked())),
            },
            Detail::ShellEnd { .. } => Detail::AgentStarted(Box::new(AgentStarted {
                policy: s(),
                cwd: s(),
                hosts: vec![s()],
                folders: vec![s()],
                env: vec![s()],
                timeout_ms: 1,
                attempt: Some(1),
            })),
            Detail::AgentStarted(_) => Detail::CallRefused { of: 1, times: 1 },
            Detail::CallRefused { .. } => Detail::AgentEnded(Box::new(AgentEnded {
                of: 1,
                ended: Ended::Exited,
                exit_code: 1,
                limit: Some(s()),
                duration_ms: 1,
                fence: s(),
                missing: vec![s()],
                calls: 1,
            })),
            Detail::AgentEnded(_) => Detail::ShellRefused {
                verdict: s(),
                rules: rules(),
                policy: s(),
                cwd: Some(s()),
                asked: Some(s()),
                task: Some(s()),
                reason: Some(s()),
                targets: vec![s()],
                request: Some(s()),
            },
            Detail::ShellRefused { .. } => Detail::Requested(Box::new(Requested {
                name: s(),
                kind: s(),
                nonce: s(),
                content: s(),
                same: s(),
                targets: vec![s()],
                policy: s(),
                uid: 1,
                expires: 1,
            })),
            Detail::Requested(_) => Detail::Approved { name: s(), by: by(), until: 1 },
            Detail::Approved { .. } => Detail::Denied { name: s(), by: by(), reason: Some(s()) },
            Detail::Denied { .. } => Detail::Consumed { name: s() },
            Detail::Consumed { .. } => Detail::Closed { name: s(), how: Closing::Changed },
            Detail::Closed { .. } => Detail::RuleAdded { name: s(), rule: s(), text: s(), by: by() },
            Detail::RuleAdded { .. } => Detail::ApproverChanged { name: s(), keys: vec![s()], added: true, by: by() },
            Detail::ApproverChanged { .. } => Detail::Escalated(Box::new(Escalated {
                name: s(),
                cause: Cause::Failures,
                category: Some(s()),
                attempts: spent,
                nonce: s(),
                content: s(),
                uid: 1,
                said: Some(s()),
            })),
            Detail::Escalated(_) => Detail::Analysed { name: s(), analysis: s() },
            Detail::Analysed { .. } => Detail::Resumed { name: s(), by: by(), note: Some(s()) },
            Detail::Resumed { .. } => Detail::ShellError { of: Some(1), exit_code: 1, cause: s() },
            Detail::ShellError { .. } => Detail::Unfenced { tool: s(), cwd: s() },
            Detail::Unfenced { .. } => Detail::FileChanged { tool: s() },
            Detail::FileChanged { .. } => Detail::FileRefused { tool: s(), rules: rules(), policy: s() },
            Detail::FileRefused { .. } => Detail::FileRead(FileRead { len: 1, from: Some(1), to: Some(2) }),
            Detail::FileRead(_) => Detail::ChangeCommitted(Box::new(Committed {
                changed: changed(),
                transaction: s(),
                manifest: s(),
                kept: true,
                undoes: Some(1),
                approval: Some(s()),
                reason: Some(s()),
                counted: Counted { files: vec![s()], more: 1 },
            })),
            Detail::ChangeCommitted(_) => Detail::ChangeWithheld(Box::new(Withheld {
                changed: changed(),
                why: Why::Deny,
                rules: rules(),
                request: Some(s()),
                cause: Some(s()),
                reason: Some(s()),
                targets: vec![s()],
            })),
            Detail::ChangeWithheld(_) => {
                Detail::ChangeFinished(Box::new(Finished { transaction: s(), conflicts: vec![s()], more: 1 }))
            }
            Detail::ChangeFinished(_) => Detail::IterationStarted(Box::new(Begun { what: Some(s()) })),
            Detail::IterationStarted(_) => {
                Detail::IterationClosed(Box::new(IterationEnded { of: 1, check: Some(1), by: Some(by()) }))
            }
            Detail::IterationClosed(_) => Detail::QueryStart(Box::new(QueryStart {
                database: s(),
                server: Some(s()),
                test: true,
                environment: Some(Environment::Paper),
                approval: Some(s()),
                sha256: Some(s()),
                policy: s(),
                timeout_ms: 1,
                most: Some(1),
                task: Some(s()),
                warnings: vec![s()],
            })),
            Detail::QueryStart(_) => Detail::QueryResult { of: 1 },
            Detail::QueryResult { .. } => Detail::QueryError { of: 1, class: s(), code: Some(s()) },
            Detail::QueryError { .. } => Detail::QueryEnd(Box::new(QueryEnd {
                of: 1,
                ended: QueryEnded::Answered,
                rows: 1,
                bytes: 1,
                changed: Some(1),
                truncated: Some(s()),
                groups: vec![s()],
                rules: rules(),
                tries: 1,
                duration_ms: 1,
                check: Some(Box::new(checked())),
            })),
            Detail::QueryEnd(_) => Detail::QueryRefused(Box::new(QueryRefused {
                database: s(),
                verdict: s(),
                rules: rules(),
                policy: s(),
                environment: Some(Environment::Test),
                task: Some(s()),
                targets: vec![s()],
                request: Some(s()),
            })),
            Detail::QueryRefused(_) => {
                Detail::ModeSet(Box::new(ModeSet { to: Mode::Paper, before: Some(Mode::Test), by: by() }))
            }
            Detail::ModeSet(_) => Detail::MigrationProposed(Box::new(MigrationProposed {
                name: s(),
                database: s(),
                server: s(),
                test: true,
                tool: s(),
                down: true,
                files: vec![SourceFile { path: s(), sha256: Some(s()) }],
                class: s(),
                untried: Some(s()),
                asks: true,
                content: s(),
                policy: s(),
                task: Some(s()),
            })),
            Detail::MigrationProposed(_) => Detail::MigrationStart(Box::new(MigrationStart {
                name: s(),
                database: s(),
                server: s(),
                test: true,
                approval: Some(s()),
                policy: s(),
            })),
            Detail::MigrationStart(_) => Detail::MigrationEnd(Box::new(MigrationEnd {
                of: 1,
                name: s(),
                ended: MigrationEnded::Done,
                cause: Some(s()),
                code: Some(s()),
                statements: 1,
                duration_ms: 1,
                check: Some(Box::new(checked())),
            })),
            Detail::MigrationEnd(_) => Detail::MigrationDone(MigrationDone { name: s(), uid: 1, compared: true }),
            Detail::MigrationDone(_) => Detail::MigrationRefused(MigrationRefused { name: Some(s()), cause: s() }),
            Detail::MigrationRefused(_) => Detail::PhaseStarted(Box::new(PhaseStarted {
                plan: s(),
                plan_sha256: s(),
                phase: s(),
                sha256: s(),
                description: s(),
                files: vec![s()],
                mode: Some(Mode::Test),
                attempts: BTreeMap::from([(s(), 1)]),
            })),
            Detail::PhaseStarted(_) => Detail::PhaseStep(Box::new(PhaseStep {
                of: 1,
                step: s(),
                attempt: 1,
                result: StepResult::Fail,
                run: Some(1),
                duration_ms: 1,
                files: s(),
                category: Some(s()),
                message: Some(s()),
                error: Some(s()),
                tests: Some(1),
                asks: vec![s()],
                cost: Some(1),
                check: Some(Box::new(checked())),
            })),
            Detail::PhaseStep(_) => Detail::PhaseEnded(Box::new(PhaseEnded {
                of: 1,
                phase: s(),
                complete: true,
                files: vec![s()],
                more: 1,
                tests: Some(1),
                agent_runs: 1,
                duration_ms: 1,
                cost: 1,
                category: Some(s()),
                attempts: Some(Spent { used: 1, budget: 3, total_used: 1, total_budget: 3 }),
                last: Some(s()),
                halt: Some(s()),
            })),
            Detail::PhaseEnded(_) => Detail::Lost { of: 1 },
            Detail::Lost { .. } => Detail::Recovered { bytes: 1, sha256: s() },
            Detail::Recovered { .. } => Detail::LogFull {},
            Detail::LogFull {} => Detail::PoisonCleared { cause: s() },
            Detail::PoisonCleared { .. } => Detail::NotifyFailed { name: s(), channel: s(), tries: 3, cause: s() },
            Detail::NotifyFailed { .. } => Detail::Checkpoint { records: 1 },
            Detail::Checkpoint { .. } => return details,
        };
        details.push(next);
    }
}

#[test]
fn every_event_and_each_of_its_fields_is_documented_and_nothing_else_is() {
    let page = include_str!("../../docs/log.md");
    let table = page.split("| `event` | fields | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let word = |cell: &str| cell.trim().trim_matches(['[', ']', '`']).to_owned();
    let documented: BTreeMap<String, BTreeSet<String>> = table
        .lines()
        .filter(|row| row.starts_with("| `"))
        .map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            let fields = cells[2].split(',').map(word).filter(|f| !f.is_empty());
            (word(cells[1]), fields.collect())
        })
        .collect();
    let real: BTreeMap<String, BTreeSet<String>> = all()
        .iter()
        .map(|detail| {
            let serde_json::Value::Object(mut map) = serde_json::to_value(detail).unwrap() else { panic!() };
            let event = map.remove("event").unwrap().as_str().unwrap().to_owned();
            (event, map.keys().cloned().collect())
        })
        .collect();
    assert_eq!(documented, real);
}

#[test]
fn every_event_survives_its_line() {
    for detail in all() {
        let human = note("x").human;
        let mut out = Vec::new();
        let time = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        line::Draft::new(&human, &detail, &[]).unwrap().write(&mut out, time, (None, None));
        let read = line::parse(&out).unwrap();
        assert_eq!((read.human, read.machine), (human, line::Machine::Known(detail)));
    }
}
