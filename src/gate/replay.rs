//! Looking back: past actions of the log judged by the policy as it stands, and what rules did or did not do.
//! Writes nothing and starts nothing.

use super::{Present, Request, Stop, World, examine};
use crate::action::shell::{Asked, unquoted};
use crate::decide::{Judgement, Layer};
use crate::record::{History, Looked, Past, Paths};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};

/// What became of past actions.
#[derive(Debug, Default)]
pub struct Replay {
    /// Actions that were judged again.
    pub actions: usize,
    /// Those of them whose record does not say in which folder or in which form they were asked.
    pub assumed: usize,
    /// Actions that would be judged otherwise, equal ones together, in order of the first of each.
    pub changes: Vec<Change>,
    /// Actions that cannot be judged again.
    pub lost: Vec<Lost>,
}

/// Equal actions that would be judged otherwise.
#[derive(Debug)]
pub struct Change {
    /// Their records.
    pub seqs: Vec<u64>,
    /// The first of them.
    pub past: Past,
    /// What would be said now.
    pub judgement: Judgement,
}

/// An action whose record does not hold it.
#[derive(Debug)]
pub struct Lost {
    /// Its record.
    pub seq: u64,
    /// What the record shows.
    pub shown: String,
    /// Why it cannot be judged again.
    pub why: &'static str,
}

/// What decides whether two actions are equal.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    text: String,
    argv: Option<bool>,
    cwd: Option<String>,
    task: Option<String>,
    verdict: String,
    rules: Vec<String>,
}

/// Judges the actions recorded since `since` by the policy as it stands, in the world as it is now.
///
/// # Errors
/// A log that cannot be read.
pub fn replay(world: &World, present: &Present, paths: &Paths, since: Option<DateTime<Utc>>) -> Result<Replay, Stop> {
    let mut replay = Replay::default();
    // Where a group of equal actions stands among the changes; `None`: it is judged as it was.
    let mut known: HashMap<Same, Option<usize>> = HashMap::new();
    let mut history = History::open(paths).map_err(Stop::Log)?;
    while let Some((time, looked)) = history.next_record().map_err(Stop::Log)? {
        let past = match looked {
            Looked::Action(past) if since.is_none_or(|since| time >= since) => *past,
            Looked::Action(_) | Looked::Trusted | Looked::Other => continue,
        };
        let asked = past.text.clone().and_then(|text| asked(&text, past.argv));
        let asked = match asked {
            Ok(asked) => asked,
            Err(why) => {
                replay.lost.push(Lost { seq: past.seq, shown: past.shown, why });
                continue;
            }
        };
        replay.actions += 1;
        replay.assumed += usize::from(past.argv.is_none() || past.cwd.is_none());
        let same = Same {
            text: past.text.clone().unwrap_or_default(),
            argv: past.argv,
            cwd: past.cwd.clone(),
            task: past.task.clone(),
            verdict: past.verdict.clone(),
            rules: past.rules.iter().map(|rule| rule.id.clone()).collect(),
        };
        match known.get(&same) {
            Some(None) => continue,
            Some(Some(at)) => {
                if let Some(change) = replay.changes.get_mut(*at) {
                    change.seqs.push(past.seq);
                }
                continue;
            }
            None => {}
        }
        let cwd = past.cwd.as_ref().map_or_else(|| present.root.clone(), |cwd| present.root.join(cwd));
        let world = World { cwd, ..world.clone() };
        let request = Request {
            asked,
            timeout: None,
            task: past.task.clone(),
            reason: None,
            waiting: None,
            dry_run: false,
            step: None,
        };
        let judgement = examine(&world, &present.root, request, &present.policy).judgement;
        if judgement.verdict().word() == past.verdict {
            known.insert(same, None);
        } else {
            known.insert(same, Some(replay.changes.len()));
            replay.changes.push(Change { seqs: vec![past.seq], past, judgement });
        }
    }
    Ok(replay)
}

/// What was asked, from its text. A record that does not say in which form is taken as a line, which may be any.
fn asked(text: &str, argv: Option<bool>) -> Result<Asked, &'static str> {
    match argv {
        Some(true) if text.is_empty() => Ok(Asked::Argv(Vec::new())),
        Some(true) => unquoted(text).map(Asked::Argv).ok_or("its words cannot be told from its text"),
        Some(false) | None => Ok(Asked::Line(text.into())),
    }
}

/// What rules did in the last records.
#[derive(Debug, Default)]
pub struct Usage {
    /// Records that were looked at.
    pub records: usize,
    /// The actions among them.
    pub actions: usize,
    /// When the first of those records was written.
    pub from: Option<DateTime<Utc>>,
    /// Actions since the policy was last trusted, where that is among the records.
    pub since_trust: Option<usize>,
    /// Ids of rules of the layers that matched nothing.
    pub unused: Vec<String>,
    /// Rules of the layers.
    pub rules: usize,
}

/// Which rules of `layers` matched no action of the log's last `count` records.
///
/// # Errors
/// A log that cannot be read.
pub fn unused(present: &Present, paths: &Paths, count: usize, layers: &[Layer]) -> Result<Usage, Stop> {
    let mut usage = Usage::default();
    let mut matched: HashSet<String> = HashSet::new();
    let mut history = History::last(paths, count).map_err(Stop::Log)?;
    while let Some((time, looked)) = history.next_record().map_err(Stop::Log)? {
        usage.records += 1;
        usage.from.get_or_insert(time);
        match looked {
            Looked::Action(past) => {
                usage.actions += 1;
                usage.since_trust = usage.since_trust.map(|actions| actions + 1);
                matched.extend(past.rules.into_iter().map(|rule| rule.id));
            }
            Looked::Trusted => usage.since_trust = Some(0),
            Looked::Other => {}
        }
    }
    let of_layers = present.policy.rules().filter(|(layer, _, _)| layers.contains(layer));
    for (_, _, text) in of_layers {
        usage.rules += 1;
        if !matched.contains(&text.id) {
            usage.unused.push(text.id);
        }
    }
    Ok(usage)
}
