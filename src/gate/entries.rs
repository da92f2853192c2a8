//! What the gate writes to the log at each step of the pipeline.
//! Knows the owner's words for results, not how lines are laid out.

use super::notice::Unsent;
use super::{Project, Request, Stop};
use crate::action::Action;
use crate::action::shell::{Asked, quoted};
use crate::approve::{Permit, Refusal};
use crate::decide::{Judgement, Verdict};
use crate::event::{Checked, Composition, Detail, Ended, Entry, Human, Proves, Requested, RuleHit};
use crate::execute::{Capture, Outcome, Traffic};
use crate::record::{Log, Redactor};
use std::path::Path;
use std::time::Duration;

/// A refusal; `targets`: what is counted of it; `request`: the one that a person is asked.
pub(super) fn refused(
    refusal: &Refusal,
    (project, cwd): (&Project, &Path),
    request: &Request,
    targets: Vec<String>,
    name: Option<String>,
) -> Vec<Entry> {
    let judgement = refusal.judgement();
    let result = match judgement.verdict() {
        Verdict::Deny => "DENIED",
        Verdict::Ask | Verdict::Allow => "PENDING",
    };
    let detail = Detail::ShellRefused {
        verdict: judgement.verdict().word().into(),
        rules: hits(judgement),
        policy: judgement.policy().into(),
        cwd: Some(folder(project, cwd)),
        asked: Some(asked(refusal.action()).into()),
        task: request.task.clone(),
        reason: request.reason.clone(),
        targets,
        request: name,
    };
    vec![Entry { human: exec(text(refusal.action()), result), detail }]
}

/// The refusal of a call of guard that is a person's.
pub(super) fn persons(
    judgement: &Judgement,
    rules: Vec<RuleHit>,
    (project, cwd): (&Project, &Path),
    request: &Request,
) -> Vec<Entry> {
    let detail = Detail::ShellRefused {
        verdict: Verdict::Deny.word().into(),
        rules,
        policy: judgement.policy().into(),
        cwd: Some(folder(project, cwd)),
        asked: Some(asked(judgement.action()).into()),
        task: request.task.clone(),
        reason: request.reason.clone(),
        targets: Vec::new(),
        request: None,
    };
    vec![Entry { human: exec(text(judgement.action()), "DENIED"), detail }]
}

/// A refusal while everything is halted: nothing was judged.
pub(super) fn halted(project: &Project, cwd: &Path, request: &Request) -> Vec<Entry> {
    let text = match &request.asked {
        Asked::Line(line) => line.to_string_lossy().into_owned(),
        Asked::Argv(argv) => argv.iter().map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" "),
    };
    let detail = Detail::ShellRefused {
        verdict: "halted".into(),
        rules: Vec::new(),
        policy: String::new(),
        cwd: Some(folder(project, cwd)),
        asked: None,
        task: request.task.clone(),
        reason: request.reason.clone(),
        targets: Vec::new(),
        request: None,
    };
    vec![Entry { human: exec(&text, "HALTED"), detail }]
}

/// That a person is asked.
pub(super) fn requested(action: &Action, requested: Requested) -> Entry {
    let target = format!("{}: {}", requested.name, text(action));
    approval("REQUEST", &target, "PENDING", Detail::Requested(Box::new(requested)))
}

/// `[APPROVAL] [ACTION] [TARGET] [RESULT]`
pub(super) fn approval(action: &str, target: &str, result: &str, detail: Detail) -> Entry {
    of("APPROVAL", action, target, result, detail)
}

/// `[ESCALATION] [ACTION] [TARGET] [RESULT]`
pub(super) fn escalation(action: &str, target: &str, result: &str, detail: Detail) -> Entry {
    of("ESCALATION", action, target, result, detail)
}

pub(super) fn of(skill: &str, action: &str, target: &str, result: &str, detail: Detail) -> Entry {
    let human =
        Human::Fields { skill: skill.into(), action: action.into(), target: target.into(), result: result.into() };
    Entry { human, detail }
}

pub(super) fn start(
    permit: &Permit,
    (project, cwd): (&Project, &Path),
    timeout: Duration,
    request: &Request,
    composition: Option<Composition>,
) -> Vec<Entry> {
    let detail = Detail::ShellStart {
        rules: hits(permit.judgement()),
        policy: permit.judgement().policy().into(),
        cwd: folder(project, cwd),
        asked: Some(asked(permit.action()).into()),
        task: request.task.clone(),
        reason: request.reason.clone(),
        timeout_ms: millis(timeout),
        observed: permit.observed(),
        composition: composition.map(Box::new),
        approval: permit.approval().map(str::to_owned),
        step: request.step.as_ref().map(|step| step.name.clone()),
    };
    vec![Entry { human: labelled("SHELL_EXEC", text(permit.action()).into()), detail }]
}

pub(super) fn end(
    log: &Log,
    redactor: &Redactor,
    permit: &Permit,
    of: u64,
    outcome: &Outcome,
) -> Result<Vec<Entry>, Stop> {
    let code = outcome.exit_code.to_string();
    let mut entries = vec![
        Entry { human: labelled("RETURN_CODE", code), detail: Detail::ReturnCode { of } },
        output(log, redactor, "STDOUT", of, &outcome.stdout)?,
        output(log, redactor, "STDERR", of, &outcome.stderr)?,
    ];
    entries.extend(traffic(of, &outcome.traffic));
    entries.push(Entry {
        human: exec(text(permit.action()), word(outcome, permit.grant().check.is_some())),
        detail: Detail::ShellEnd {
            of,
            ended: outcome.ended,
            exit_code: outcome.exit_code,
            limit: outcome.limit.clone(),
            duration_ms: millis(outcome.duration),
            fence: outcome.fence.level.name().into(),
            missing: outcome.fence.missing.clone(),
            check: None,
        },
    });
    Ok(entries)
}

/// What its network was let through to, and what not.
pub(super) fn traffic(of: u64, traffic: &Traffic) -> impl Iterator<Item = Entry> + use<> {
    let refused = |call: &str, address: &str, why: &str, times| {
        let detail =
            Detail::ConnectionRefused { of, call: call.into(), address: address.into(), why: why.into(), times };
        self::of("NETWORK", &call.to_uppercase(), address, "DENIED", detail)
    };
    let reached = traffic.reached.iter().map(|(host, times)| {
        self::of("NETWORK", "CONNECT", host, "SUCCESS", Detail::HostReached { of, host: host.clone(), times: *times })
    });
    let each = traffic.refused.iter().map(|r| refused(r.call, &r.address, r.why, r.times));
    let more = (traffic.refused_more > 0)
        .then(|| refused("connect", "others", "as above; too many to record one by one", traffic.refused_more));
    reached.chain(each).chain(more).collect::<Vec<_>>().into_iter()
}

pub(super) fn not_run(action: &Action, of: Option<u64>, stop: &Stop) -> Vec<Entry> {
    let detail = Detail::ShellError { of, exit_code: stop.exit_code(), cause: stop.to_string() };
    vec![Entry { human: exec(text(action), "ERROR"), detail }]
}

pub(super) fn policy_trusted(hash: &str) -> Vec<Entry> {
    vec![of("GUARD", "TRUST", super::POLICY_FILE, "SUCCESS", Detail::PolicyTrusted { policy: hash.into() })]
}

/// Puts what a check proves into the last of the entries of its end.
pub(super) fn proves(entries: &mut [Entry], checked: Checked) {
    let Some(Entry { human: Human::Fields { result, .. }, detail: Detail::ShellEnd { check, .. } }) =
        entries.last_mut()
    else {
        return;
    };
    if let Some(spent) = checked.attempts {
        let word = if spent.is_all() { "FAIL" } else { "RETRY" };
        *result = format!("{word} {}/{}", spent.used, spent.budget);
    }
    if checked.proves == Proves::Nothing && result == "PASS" {
        *result = "UNPROVED".into();
    }
    *check = Some(Box::new(checked));
}

/// A person could not be told.
pub(super) fn not_told(unsent: &Unsent) -> Entry {
    let Unsent { name, channel, why } = unsent;
    let human = Human::Fields {
        skill: "GUARD".into(),
        action: "NOTIFY".into(),
        target: format!("{name}: {channel}"),
        result: "FAIL".into(),
    };
    let detail = Detail::NotifyFailed {
        name: name.clone(),
        channel: channel.clone(),
        tries: why.tries,
        cause: why.cause.clone(),
    };
    Entry { human, detail }
}

fn output(log: &Log, redactor: &Redactor, label: &str, of: u64, capture: &Capture) -> Result<Entry, Stop> {
    let kept = log.store_output(redactor, capture).map_err(Stop::Log)?;
    let detail = Detail::Output { of, len: kept.len, sha256: kept.sha256, blob: kept.blob };
    Ok(Entry { human: labelled(label, kept.shown), detail })
}

/// The owner's word for how it ended: PASS and FAIL for checks, SUCCESS and FAIL for the rest.
/// The owner's word for how something ended; `check`: whether it was to prove something.
pub(super) fn word(outcome: &Outcome, check: bool) -> &'static str {
    match outcome.ended {
        Ended::Exited | Ended::Signalled if outcome.exit_code != 0 => "FAIL",
        Ended::Exited | Ended::Signalled if check => "PASS",
        Ended::Exited | Ended::Signalled => "SUCCESS",
        Ended::TimedOut => "TIMEOUT",
        Ended::Cancelled => "CANCELLED",
        Ended::Limit => "LIMIT",
    }
}

fn hits(judgement: &Judgement) -> Vec<RuleHit> {
    let mut hits: Vec<RuleHit> = Vec::new();
    for found in judgement.matches() {
        let hit = RuleHit { id: found.id.clone(), verdict: found.verdict.word().into() };
        if !hits.contains(&hit) {
            hits.push(hit);
        }
    }
    hits
}

fn exec(text: &str, result: &str) -> Human {
    Human::Fields { skill: "SHELL".into(), action: "EXEC".into(), target: text.into(), result: result.into() }
}

/// The folder an action starts in, from the project's root.
pub(super) fn folder(project: &Project, cwd: &Path) -> String {
    let inside = cwd.strip_prefix(&project.root).unwrap_or(cwd);
    if inside.as_os_str().is_empty() { ".".into() } else { inside.to_string_lossy().into_owned() }
}

/// How it was asked, so that it can be judged again as it was.
fn asked(action: &Action) -> &'static str {
    let Action::Shell(shell) = action;
    match shell.asked() {
        Asked::Argv(_) => "argv",
        Asked::Line(_) => "line",
    }
}

/// `LABEL: text`
pub(super) fn said(label: &str, text: String, detail: Detail) -> Entry {
    Entry { human: labelled(label, text), detail }
}

fn labelled(label: &str, text: String) -> Human {
    Human::Labelled { label: label.into(), text }
}

pub(super) fn text(action: &Action) -> &str {
    match action {
        Action::Shell(shell) => shell.text(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
