//! What the log gets of a query, in the owner's words (SKILL 3, query logging).
//! Knows no judging.

use super::QueryRequest;
use super::ended::Ran;
use super::place::Asked;
use crate::action::query::Engine;
use crate::decide::{QueryJudgement, Verdict};
use crate::event::{Checked, Detail, Entry, Environment, QueryEnd, QueryEnded, QueryRefused, QueryStart, RuleHit};
use crate::execute::query::{Cause, Failed, Truncated};
use crate::gate::entries::{of, said};
use std::time::Duration;

/// That it is about to be sent.
pub(super) fn start(asked: &Asked, shown: &str, request: &QueryRequest, about: About<'_>) -> Entry {
    let detail = QueryStart {
        database: asked.database.name.clone(),
        server: about.server.map(str::to_owned),
        test: asked.test,
        environment: Some(asked.environment()),
        approval: about.approval.map(str::to_owned),
        sha256: about.sha256,
        policy: about.policy.to_owned(),
        timeout_ms: millis(asked.database.timeout),
        most: about.most,
        task: request.task.clone(),
        warnings: about.warnings.to_vec(),
    };
    let label = format!("DB_QUERY [{}]", asked.database.engine);
    said(&label, shown.to_owned(), Detail::QueryStart(Box::new(detail)))
}

/// What else a start tells.
pub(super) struct About<'a> {
    pub(super) server: Option<&'a str>,
    pub(super) policy: &'a str,
    pub(super) warnings: &'a [String],
    pub(super) sha256: Option<String>,
    /// Rows it can be given, where they are counted.
    pub(super) most: Option<u64>,
    /// The request that a person approved.
    pub(super) approval: Option<&'a str>,
}

/// What a refusal tells.
#[derive(Default)]
pub(super) struct Refusing<'a> {
    pub(super) verdict: &'a str,
    pub(super) rules: Vec<RuleHit>,
    pub(super) policy: &'a str,
    pub(super) environment: Option<Environment>,
    pub(super) targets: Vec<String>,
    pub(super) request: Option<String>,
}

impl<'a> Refusing<'a> {
    pub(super) fn of(verdict: &'a str) -> Self {
        Self { verdict, ..Self::default() }
    }
}

/// That it was refused before anything of it was sent.
pub(super) fn refused(
    (database, engine): (&str, Option<Engine>),
    shown: &str,
    request: &QueryRequest,
    about: Refusing<'_>,
) -> Entry {
    let detail = QueryRefused {
        database: database.to_owned(),
        verdict: about.verdict.to_owned(),
        rules: about.rules,
        policy: about.policy.to_owned(),
        environment: about.environment,
        task: request.task.clone(),
        targets: about.targets,
        request: about.request,
    };
    let result = match about.verdict {
        "halted" => "HALTED",
        "ask" => "PENDING",
        _ => "DENIED",
    };
    let engine = engine.map_or_else(|| database.to_owned(), |engine| engine.to_string());
    of("DB", "QUERY", &format!("{engine}: {shown}"), result, Detail::QueryRefused(Box::new(detail)))
}

/// How it ended.
pub(super) fn end(
    engine: Engine,
    shown: &str,
    (number, ran): (u64, &Ran),
    took: Duration,
    check: Option<Checked>,
) -> Vec<Entry> {
    let mut end = QueryEnd {
        of: number,
        ended: QueryEnded::Answered,
        rows: ran.done.rows,
        bytes: ran.done.bytes,
        changed: ran.done.changed.filter(|_| ran.failed.is_none() && ran.refused.is_none()),
        truncated: ran.done.truncated.map(|cap| word(cap).to_owned()),
        groups: ran.groups.iter().cloned().collect(),
        rules: Vec::new(),
        tries: ran.tries,
        duration_ms: millis(took),
        check: None,
    };
    let (line, mut result) = match (&ran.refused, &ran.failed) {
        (Some(judgement), _) => {
            end.ended = QueryEnded::Refused;
            end.rules = hits(judgement);
            (None, if judgement.verdict == Verdict::Ask { "PENDING" } else { "DENIED" }.to_owned())
        }
        (None, Some(failed)) => {
            end.ended = match failed.cause {
                Cause::TimedOut => QueryEnded::TimedOut,
                Cause::Sink => QueryEnded::Cancelled,
                Cause::Down
                | Cause::Auth
                | Cause::Denied
                | Cause::Syntax
                | Cause::Lost
                | Cause::Serialization
                | Cause::Limit
                | Cause::Strange
                | Cause::Uncertain
                | Cause::Other => QueryEnded::Failed,
            };
            let word = match end.ended {
                QueryEnded::TimedOut => "TIMEOUT",
                QueryEnded::Cancelled => "CANCELLED",
                QueryEnded::Answered | QueryEnded::Refused | QueryEnded::Failed => "FAIL",
            };
            (Some(error(number, failed)), word.to_owned())
        }
        (None, None) => {
            let told = rows(ran.done.rows);
            let more = if ran.done.truncated.is_some() { " (truncated)" } else { "" };
            let (rows, text) = match ran.done.changed {
                None => (told.clone(), format!("{told} returned{more}")),
                Some(changed) => {
                    let changed = format!("{} changed", rows(changed));
                    let returned = if ran.done.rows > 0 { format!(", {told} returned{more}") } else { String::new() };
                    (changed.clone(), changed + &returned)
                }
            };
            (Some(said("DB_RESULT", text, Detail::QueryResult { of: number })), rows)
        }
    };
    if let Some(spent) = check.as_ref().and_then(|check| check.attempts) {
        result = format!("{} {}/{}", if spent.is_all() { "FAIL" } else { "RETRY" }, spent.used, spent.budget);
    }
    end.check = check.map(Box::new);
    let ended = of("DB", "QUERY", &format!("{engine}: {shown}"), &result, Detail::QueryEnd(Box::new(end)));
    line.into_iter().chain([ended]).collect()
}

fn error(of: u64, failed: &Failed) -> Entry {
    let detail = Detail::QueryError { of, class: failed.cause.word().to_owned(), code: failed.code.clone() };
    said("DB_ERROR", failed.message.clone(), detail)
}

fn rows(number: u64) -> String {
    if number == 1 { "1 row".into() } else { format!("{number} rows") }
}

pub(super) fn word(cap: Truncated) -> &'static str {
    match cap {
        Truncated::Rows => "rows",
        Truncated::Bytes => "bytes",
    }
}

/// Rules that decided, as the log keeps them.
pub(super) fn hits(judgement: &QueryJudgement) -> Vec<RuleHit> {
    let mut hits: Vec<RuleHit> = Vec::new();
    for found in &judgement.matches {
        let hit = RuleHit { id: found.id.clone(), verdict: found.verdict.word().into() };
        if !hits.contains(&hit) {
            hits.push(hit);
        }
    }
    hits
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
