//! The one JSON object of `--json`. Its keys are a promise; a test snapshots them.
//! Knows no layout for people.

use super::judged::{Part, View};
use super::{Cli, changes};
use crate::decide::{Judgement, Match};
use crate::event::{Ended, Spent};
use crate::execute::{self, Capture, Traffic};
use crate::failfast::{self, Finding};
use crate::gate::{self, Answer, Stop};
use crate::record::Holder;
use clap::CommandFactory;
use serde::Serialize;
use std::ffi::OsString;
use std::io::Write;

/// Bytes of each stream that are kept in the object: this much of the head and of the tail together.
const SHOWN: usize = 1 << 20;

#[derive(Debug, Serialize)]
struct Object {
    verdict: &'static str,
    exit_code: i32,
    signal: Option<i32>,
    timed_out: bool,
    limit: Option<String>,
    rules: Vec<Rule>,
    request: Option<String>,
    stdout: Option<String>,
    stderr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_b64: Option<String>,
    truncated: bool,
    duration_ms: Option<u64>,
    fence: Option<Fence>,
    /// Of a command that used its network: what it was refused, and the hosts it reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
    log: Option<Log>,
    error: Option<Fault>,
    /// Of a check: `green`, `nothing` (it ended with 0 and shows no test that ran) or `failure`.
    proves: Option<&'static str>,
    /// Of a check that failed: the category of its error.
    category: Option<&'static str>,
    /// Of a check that failed: what its output says is wrong.
    failures: Option<Vec<Failure>>,
    /// Of what counted: how much of the budgets is spent.
    attempts: Option<Attempts>,
    /// What to do next.
    hint: Option<String>,
    /// The halt that it led to, or that keeps it from running.
    halted: Option<String>,
    /// What came of its changes to the project; none where there were none.
    changes: Option<changes::Object>,
    /// Of `check` alone: the parts of what was asked, and what decided each.
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Vec<Part>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    id: String,
    verdict: &'static str,
    reason: String,
    instead: Option<String>,
    at: String,
}

#[derive(Debug, Serialize)]
struct Fence {
    level: &'static str,
    missing: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Network {
    refused: Vec<Refused>,
    refused_more: u64,
    reached: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Refused {
    call: &'static str,
    address: String,
    why: &'static str,
    times: u64,
}

#[derive(Debug, Serialize)]
struct Log {
    seq: u64,
    hash: String,
}

#[derive(Debug, Serialize)]
struct Attempts {
    used: u32,
    budget: u32,
    total_used: u32,
    total_budget: u32,
}

#[derive(Debug, Serialize)]
struct Failure {
    file: Option<String>,
    line: Option<u64>,
    message: String,
}

#[derive(Debug, Serialize)]
struct Fault {
    message: String,
    help: Option<String>,
    /// Where it is not the command's turn: what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    holders: Option<Vec<Holder>>,
}

/// Prints the object for an answer, and nothing else.
///
/// # Errors
/// Those of standard output.
pub(super) fn print(answer: &Answer) -> std::io::Result<()> {
    write(&object(answer))
}

/// The same with the parts of what was judged, if it was.
///
/// # Errors
/// Those of standard output.
pub(super) fn print_with(answer: &Answer, view: Option<View>) -> std::io::Result<()> {
    let mut object = object(answer);
    object.commands = view.map(|view| view.parts);
    write(&object)
}

/// Prints the object for a call that could not be understood; `message` is clap's, `own` are guard's own words of the call.
pub(super) fn print_usage<'a>(message: &str, own: impl Iterator<Item = &'a OsString>) {
    let mut object = object(&Answer::default());
    // `error: WHAT`, then paragraphs: tips, the usage, and where to find more.
    let mut parts = message.trim().split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let what = parts.next().unwrap_or_default();
    let mut help: Vec<String> = parts.filter(|part| !part.starts_with("For more information")).collect();
    let whole = Cli::command();
    let (mut at, mut named) = (&whole, "guard".to_owned());
    for word in own {
        let Some(found) = word.to_str().and_then(|word| at.find_subcommand(word)) else { continue };
        (at, named) = (found, format!("{named} {}", found.get_name()));
    }
    help.push(format!("see `{named} --help`"));
    let message = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    object.error = Some(Fault { message, help: Some(help.join("; ")), holders: None });
    // It ends with 125 in any case.
    let _unwritten = write(&object);
}

fn write(object: &Object) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(object)?;
    text.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush())
}

fn object(answer: &Answer) -> Object {
    let outcome = answer.outcome.as_ref();
    let (stdout, stdout_b64, cut_out) = outcome.map_or((None, None, false), |outcome| stream(&outcome.stdout));
    let (stderr, stderr_b64, cut_err) = outcome.map_or((None, None, false), |outcome| stream(&outcome.stderr));
    let (proves, failed) = match &answer.finding {
        Some(Finding::Failed(failed)) => (Some("failure"), Some(failed)),
        Some(Finding::Green(_)) => (Some("green"), None),
        Some(Finding::Unproved(_)) => (Some("nothing"), None),
        None => (None, None),
    };
    Object {
        verdict: answer.verdict(),
        exit_code: answer.exit_code(),
        signal: outcome.and_then(|outcome| outcome.signal),
        timed_out: outcome.is_some_and(|outcome| outcome.ended == Ended::TimedOut),
        limit: outcome.and_then(|outcome| outcome.limit.clone()),
        rules: answer.judgement.iter().flat_map(Judgement::matches).map(rule).collect(),
        request: answer.request.clone(),
        stdout,
        stderr,
        stdout_b64,
        stderr_b64,
        truncated: cut_out || cut_err,
        duration_ms: outcome.map(|outcome| u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX)),
        fence: outcome
            .map(|outcome| Fence { level: outcome.fence.level.name(), missing: outcome.fence.missing.clone() }),
        network: outcome.map(|outcome| &outcome.traffic).filter(|traffic| !traffic.is_empty()).map(network),
        log: answer.receipt.as_ref().map(|receipt| Log { seq: receipt.last, hash: receipt.hash.clone() }),
        proves,
        category: failed.map(|failed| failed.category.word()),
        failures: failed.map(|failed| failed.failures.iter().map(failure).collect()),
        attempts: answer.attempts.map(attempts),
        hint: gate::hint(answer),
        halted: answer.halted.clone().or_else(|| match &answer.stop {
            Some(Stop::Halted { name }) => Some(name.clone()),
            Some(_) | None => None,
        }),
        changes: answer.changes.as_ref().map(changes::object),
        commands: None,
        error: answer.stop.as_ref().map(fault),
    }
}

fn fault(stop: &Stop) -> Fault {
    let holders = if let Stop::Busy { holders, .. } = stop { Some(holders.clone()) } else { None };
    Fault { message: stop.to_string(), help: stop.help(), holders }
}

pub(super) fn rule(found: &Match) -> Rule {
    Rule {
        id: found.id.clone(),
        verdict: found.verdict.word(),
        reason: found.reason.clone(),
        instead: found.instead.clone(),
        at: found.at.clone(),
    }
}

fn network(traffic: &Traffic) -> Network {
    let refused = traffic.refused.iter().cloned();
    Network {
        refused: refused
            .map(|execute::Refused { call, address, why, times }| Refused { call, address, why, times })
            .collect(),
        refused_more: traffic.refused_more,
        reached: traffic.reached.iter().map(|(host, _)| host.clone()).collect(),
    }
}

fn attempts(spent: Spent) -> Attempts {
    let Spent { used, budget, total_used, total_budget } = spent;
    Attempts { used, budget, total_used, total_budget }
}

fn failure(found: &failfast::Failure) -> Failure {
    Failure { file: found.file.clone(), line: found.line, message: found.message.clone() }
}

/// A stream as text, or as base64 where it is not UTF-8, and whether something was left out.
fn stream(capture: &Capture) -> (Option<String>, Option<String>, bool) {
    let (bytes, cut) = capture.excerpt(SHOWN);
    match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None, cut),
        Err(error) => (None, Some(base64(error.as_bytes())), cut),
    }
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place)) & 63;
            let letter =
                if place > chunk.len() { '=' } else { char::from(*ALPHABET.get(sextet as usize).unwrap_or(&b'=')) };
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_the_test_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in vectors {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
