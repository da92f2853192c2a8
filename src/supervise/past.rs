//! What the log says of phases: what was changed in one, what a step printed, what was refused, and the whole of each for a report.
//! Reads; writes nothing.

use crate::event::line::{Line, Machine};
use crate::event::{Committed, Detail, Human, PhaseEnded, PhaseStarted, PhaseStep, State};
use crate::gate::Project;
use crate::record::read::Reader;
use crate::record::{LogError, blob_path};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a blob that are read.
const BLOB: usize = 1 << 20;

/// A record, as far as it could be read.
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) line: Line,
}

/// The records from `from` on, where there are `records` in all.
///
/// # Errors
/// Where the log cannot be read.
pub(super) fn since(project: &Project, from: u64, records: u64) -> Result<Vec<Record>, LogError> {
    let mut found = Vec::new();
    each(project, from, records, |record| found.push(record))?;
    Ok(found)
}

fn each(project: &Project, from: u64, records: u64, mut take: impl FnMut(Record)) -> Result<(), LogError> {
    // A line that is no record may stand between them; what is too early is passed over.
    let count = records.saturating_sub(from).saturating_add(16);
    let mut reader = Reader::last(&project.paths.log, usize::try_from(count).unwrap_or(usize::MAX))?;
    while let Some(item) = reader.next_line()? {
        if let Some((Ok(line), seal)) = item.record
            && seal.seq >= from
        {
            take(Record { seq: seal.seq, line });
        }
    }
    Ok(())
}

/// What the command that began with record `of` printed, both streams.
pub(super) fn printed(project: &Project, of: u64, records: u64) -> String {
    let Ok(records) = since(project, of, records) else { return String::new() };
    let mut whole = String::new();
    for record in records {
        let Machine::Known(Detail::Output { of: begun, blob, .. }) = &record.line.machine else { continue };
        if *begun != of {
            continue;
        }
        let kept = blob.as_ref().and_then(|sha256| std::fs::read(blob_path(&project.paths.state, sha256)).ok());
        match (kept, record.line.human) {
            (Some(bytes), _) => {
                let start = bytes.len().saturating_sub(BLOB);
                whole += &String::from_utf8_lossy(bytes.get(start..).unwrap_or_default());
            }
            (None, Human::Labelled { text, .. }) => whole += &text,
            (None, Human::Fields { .. }) => {}
        }
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
    }
    whole
}

/// What was refused since a record, and by which rules, the oldest first.
pub(super) fn refusals(project: &Project, from: u64, records: u64) -> Vec<(String, Vec<String>)> {
    let found = since(project, from, records).unwrap_or_default();
    let refused = found.into_iter().filter_map(|record| match &record.line.machine {
        Machine::Known(detail) => refusal(detail, &record.line.human),
        Machine::Unknown(_) => None,
    });
    refused.collect()
}

fn subject(human: &Human) -> String {
    match human {
        Human::Fields { target, .. } => target.clone(),
        Human::Labelled { text, .. } => text.clone(),
    }
}

/// What was changed in a phase and not taken back.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Records of changes, and the files of each.
    all: BTreeMap<u64, BTreeSet<String>>,
    /// What each record that takes something back takes back.
    turned: BTreeMap<u64, u64>,
    /// Those of the first that do not stand.
    gone: BTreeSet<u64>,
}

impl Changes {
    fn add(&mut self, seq: u64, committed: &Committed) {
        match committed.undoes {
            Some(of) => {
                // What takes back a taking back makes the first stand again.
                let change = self.turned.get(&of).copied().unwrap_or(of);
                self.turned.insert(seq, change);
                if !self.gone.remove(&change) {
                    self.gone.insert(change);
                }
            }
            None => {
                let counted = committed.counted.files.iter().cloned();
                self.all.insert(seq, counted.collect());
            }
        }
    }

    /// Records of changes that stand, the oldest first.
    pub(super) fn standing(&self) -> Vec<u64> {
        self.all.keys().copied().filter(|seq| !self.gone.contains(seq)).collect()
    }

    /// Files of changes that stand.
    pub(super) fn files(&self) -> BTreeSet<String> {
        let standing = self.all.iter().filter(|(seq, _)| !self.gone.contains(seq));
        standing.flat_map(|(_, files)| files.iter().cloned()).collect()
    }
}

/// What was changed from a record on, up to another where one is named.
pub(super) fn changes(project: &Project, (from, to): (u64, Option<u64>), records: u64) -> Result<Changes, LogError> {
    let mut changes = Changes::default();
    each(project, from, records, |record| {
        if let Machine::Known(Detail::ChangeCommitted(committed)) = &record.line.machine {
            // What was done later may still take back what was done then.
            let within = to.is_none_or(|to| record.seq <= to);
            if within || committed.undoes.is_some() {
                changes.add(record.seq, committed);
            }
        }
    })?;
    Ok(changes)
}

/// Records of what a phase changed and what still stands, the newest first; `None`: the phase was never begun.
///
/// # Errors
/// Where the log cannot be read.
pub fn phase_changes(project: &Project, state: &State, phase: &str) -> Result<Option<Vec<u64>>, LogError> {
    let mut spans: Vec<(u64, Option<u64>)> = Vec::new();
    each(project, 1, state.records, |record| match &record.line.machine {
        Machine::Known(Detail::PhaseStarted(started)) if started.phase == phase => spans.push((record.seq, None)),
        Machine::Known(Detail::PhaseEnded(ended)) if ended.phase == phase => {
            if let Some(span) = spans.iter_mut().find(|span| span.0 == ended.of) {
                span.1 = Some(record.seq);
            }
        }
        Machine::Known(_) | Machine::Unknown(_) => {}
    })?;
    if spans.is_empty() {
        return Ok(None);
    }
    let mut all = BTreeSet::new();
    for span in spans {
        all.extend(changes(project, span, state.records)?.standing());
    }
    Ok(Some(all.into_iter().rev().collect()))
}

/// All that the log says of phases.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Each time that a phase was worked on, in order.
    pub phases: Vec<PastPhase>,
}

/// A phase that was worked on.
#[derive(Debug, Clone)]
pub struct PastPhase {
    /// The record of its start.
    pub seq: u64,
    /// When that was.
    pub began: DateTime<Utc>,
    /// What it was to be.
    pub started: PhaseStarted,
    /// Its steps.
    pub steps: Vec<PastStep>,
    /// How it ended, and when; `None`: not yet.
    pub ended: Option<(DateTime<Utc>, PhaseEnded)>,
    /// What was refused meanwhile, and by which rules.
    pub refused: Vec<(String, Vec<String>)>,
    /// What a person approved or denied meanwhile, and in which words the log says so.
    pub decided: Vec<String>,
    /// Halts meanwhile.
    pub halts: Vec<String>,
    /// Files that were changed, by the records of the changes, and not taken back.
    pub files: Vec<String>,
    /// Commands that ran, and the limits that some were ended at.
    pub runs: u64,
    /// The limits that commands were ended at.
    pub limits: Vec<String>,
}

/// A step of a phase.
#[derive(Debug, Clone)]
pub struct PastStep {
    /// Its record.
    pub seq: u64,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What it was.
    pub step: PhaseStep,
}

/// Reads all that the log says of phases; of one alone where it is named.
///
/// # Errors
/// Where the log cannot be read.
pub fn report(project: &Project, state: &State, phase: Option<&str>) -> Result<Report, LogError> {
    let mut report = Report::default();
    let mut open: Option<(PastPhase, Changes)> = None;
    let mut close = |open: &mut Option<(PastPhase, Changes)>| {
        if let Some((mut past, changes)) = open.take() {
            past.files = changes.files().into_iter().collect();
            if phase.is_none_or(|phase| past.started.phase == phase) {
                report.phases.push(past);
            }
        }
    };
    each(project, 1, state.records, |Record { seq, line }| {
        let Machine::Known(detail) = line.machine else { return };
        if let Detail::PhaseStarted(started) = detail {
            close(&mut open);
            open = Some((PastPhase::begun(seq, line.time, *started), Changes::default()));
            return;
        }
        let Some((past, changes)) = &mut open else { return };
        if let Some(refusal) = refusal(&detail, &line.human) {
            past.refused.push(refusal);
        } else if let Detail::ChangeCommitted(committed) = &detail {
            changes.add(seq, committed);
        } else if let Detail::PhaseStep(step) = detail {
            past.steps.push(PastStep { seq, at: line.time, step: *step });
        } else if let Detail::PhaseEnded(ended) = detail {
            past.ended = Some((line.time, *ended));
            close(&mut open);
        } else {
            past.add(detail);
        }
    })?;
    close(&mut open);
    Ok(report)
}

/// What was refused, and by which rules.
fn refusal(detail: &Detail, human: &Human) -> Option<(String, Vec<String>)> {
    let rules = if let Detail::ShellRefused { rules, .. } | Detail::FileRefused { rules, .. } = detail {
        rules
    } else if let Detail::QueryRefused(refused) = detail {
        &refused.rules
    } else if let Detail::ChangeWithheld(withheld) = detail {
        &withheld.rules
    } else {
        return None;
    };
    let rules: Vec<String> = rules.iter().filter(|rule| rule.verdict == "deny").map(|rule| rule.id.clone()).collect();
    (!rules.is_empty()).then(|| (subject(human), rules))
}

impl PastPhase {
    /// What else is told of it.
    fn add(&mut self, detail: Detail) {
        if let Detail::ShellEnd { limit, .. } = detail {
            self.runs += 1;
            self.limits.extend(limit);
        } else if let Detail::Approved { name, by, .. } = detail {
            self.decided.push(format!("{name} approved by {} ({})", by.who, by.strength));
        } else if let Detail::Denied { name, by, .. } = detail {
            self.decided.push(format!("{name} denied by {} ({})", by.who, by.strength));
        } else if let Detail::Escalated(escalated) = detail {
            self.halts.push(escalated.name);
        }
    }

    fn begun(seq: u64, began: DateTime<Utc>, started: PhaseStarted) -> Self {
        Self {
            seq,
            began,
            started,
            steps: Vec::new(),
            ended: None,
            refused: Vec::new(),
            decided: Vec::new(),
            halts: Vec::new(),
            files: Vec::new(),
            runs: 0,
            limits: Vec::new(),
        }
    }
}

/// What the check that began with record `run` spent, where this record is its end.
pub(super) fn spent(record: &Record, run: u64) -> Option<crate::event::Spent> {
    match &record.line.machine {
        Machine::Known(Detail::ShellEnd { of, check, .. }) if *of == run => check.as_ref()?.attempts,
        Machine::Known(_) | Machine::Unknown(_) => None,
    }
}

/// Names of the tests that failed in the check that began with record `run`.
pub(super) fn failing(project: &Project, run: u64, records: u64) -> Vec<String> {
    let found = since(project, run, records).unwrap_or_default();
    let tests = found.into_iter().find_map(|record| match record.line.machine {
        Machine::Known(Detail::ShellEnd { of, check, .. }) if of == run => check.map(|check| check.tests),
        Machine::Known(_) | Machine::Unknown(_) => None,
    });
    tests.unwrap_or_default()
}
