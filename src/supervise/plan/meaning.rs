//! What a plan must mean to be one: ids, dependencies, places inside the project, expressions.
//! Knows the plan alone.

use super::Phase;
use crate::decide::policy::{FAULTS, PathPattern, nearest};
use regex::bytes::{Regex, RegexBuilder};
use std::collections::{BTreeSet, HashMap};

/// What is wrong, and what to write instead.
type Wrong = (String, String);
/// The same with its place: the phase's number, the key, and the number among its like.
type Placed = ((Option<usize>, &'static str, usize), String, String);

/// What is wrong with the phases together.
pub(super) fn faults(phases: &[Phase]) -> Vec<Placed> {
    let mut faults = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (number, phase) in phases.iter().enumerate().filter(|(_, phase)| !phase.id.is_empty()) {
        let place = (Some(number), "id", 0);
        if !is_id(&phase.id) {
            let help = "an id is X.Y, two numbers: \"2.3\"".to_owned();
            faults.push((place, format!("`{}` is no id of a phase", phase.id), help));
        } else if known.contains_key(phase.id.as_str()) {
            faults.push((place, format!("a second phase {}", phase.id), "give this one another id".to_owned()));
        } else {
            known.insert(&phase.id, number);
        }
    }
    let ids: Vec<&str> = phases.iter().map(|phase| phase.id.as_str()).filter(|id| is_id(id)).collect();
    for (number, phase) in phases.iter().enumerate() {
        for (nth, id) in phase.after.iter().enumerate().filter(|(_, id)| !known.contains_key(id.as_str())) {
            // Looking for the nearest id takes time, and nobody reads so many.
            if faults.len() >= FAULTS {
                break;
            }
            let help = match nearest(id, &ids) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "name a phase of this plan".to_owned(),
            };
            faults.push(((Some(number), "after", nth), format!("no phase is called `{id}`"), help));
        }
    }
    for cycle in cycles(phases, &known) {
        let names: Vec<&str> = cycle.iter().filter_map(|number| phases.get(*number)).map(|p| p.id.as_str()).collect();
        let place = (cycle.first().copied(), "after", 0);
        let message = format!("a cycle: {} comes after {}", names.join(" comes after "), names.first().unwrap_or(&""));
        faults.push((place, message, "take one of them out".to_owned()));
    }
    faults
}

/// Whether it is X.Y: two numbers, written as numbers are.
fn is_id(id: &str) -> bool {
    let number = |part: &str| {
        let digits = (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    id.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor))
}

/// The phases that each comes after, by number; names that are not there do not count.
fn before<'p>(phases: &'p [Phase], known: &'p HashMap<&str, usize>) -> impl Iterator<Item = BTreeSet<usize>> + 'p {
    phases.iter().map(|phase| phase.after.iter().filter_map(|id| known.get(id.as_str()).copied()).collect())
}

/// Numbers of the phases, each behind those it comes after, else as they are.
pub(super) fn order(phases: &[Phase]) -> Vec<usize> {
    let known = phases.iter().enumerate().rev().map(|(number, phase)| (phase.id.as_str(), number)).collect();
    let mut waits: Vec<BTreeSet<usize>> = before(phases, &known).collect();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    for (number, wait) in waits.iter().enumerate() {
        for first in wait {
            if let Some(behind) = behind.get_mut(*first) {
                behind.push(number);
            }
        }
    }
    let mut ready: BTreeSet<usize> =
        waits.iter().enumerate().filter(|(_, wait)| wait.is_empty()).map(|(number, _)| number).collect();
    let mut order = Vec::new();
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for number in behind.get(next).into_iter().flatten() {
            if let Some(wait) = waits.get_mut(*number) {
                wait.remove(&next);
                if wait.is_empty() {
                    ready.insert(*number);
                }
            }
        }
    }
    order
}

/// Phases that wait for each other, every such group once.
fn cycles(phases: &[Phase], known: &HashMap<&str, usize>) -> Vec<Vec<usize>> {
    let waits: Vec<BTreeSet<usize>> = before(phases, known).collect();
    let ordered: BTreeSet<usize> = order(phases).into_iter().collect();
    let mut left: BTreeSet<usize> = (0..phases.len()).filter(|number| !ordered.contains(number)).collect();
    let mut cycles = Vec::new();
    while let Some(first) = left.first().copied() {
        let mut walked = vec![first];
        let mut at = first;
        while let Some(next) = waits.get(at).and_then(|wait| wait.iter().find(|number| left.contains(number))) {
            if let Some(from) = walked.iter().position(|number| number == next) {
                cycles.push(walked.split_off(from));
                break;
            }
            walked.push(*next);
            at = *next;
        }
        let cycle = cycles.last().into_iter().flatten();
        let done: BTreeSet<usize> = walked.iter().chain(cycle).copied().collect();
        left.retain(|number| !done.contains(number));
    }
    cycles
}

/// Whether a glob over files is one, and stays in the project.
pub(super) fn glob(text: &str) -> Result<(), Wrong> {
    let plain = text.strip_prefix('!').unwrap_or(text);
    inside(plain)?;
    PathPattern::read(text).map(|_| ()).map_err(|cause| {
        (format!("`{text}` is no glob: {cause}"), "`*` and `?` stop at `/`, `**` does not: \"services/**\"".to_owned())
    })
}

/// Whether a path stays in the project, as it is written.
pub(super) fn inside(path: &str) -> Result<(), Wrong> {
    let help = "write it from the project's root: \"services/risk.py\"".to_owned();
    if path.trim().is_empty() {
        return Err(("a path that is empty".to_owned(), help));
    }
    if path.contains('\0') {
        return Err(("a path that holds a NUL".to_owned(), help));
    }
    if path.starts_with('/') {
        return Err((format!("`{path}` is absolute"), help));
    }
    if path == "~" || path.starts_with("~/") || path.split('/').any(|part| part == "..") {
        return Err((format!("`{path}` leaves the project"), help));
    }
    Ok(())
}

/// Builds a regular expression of `holds` or `lacks`, over bytes: `^` and `$` mean a line's ends, and `\d`, `\w`, `\s` and
/// `(?i)` know ASCII alone.
///
/// # Errors
/// Why it is none, and what to write instead.
pub fn expression(text: &str) -> Result<Regex, (String, String)> {
    if text.is_empty() {
        let help = "it is found everywhere: say what must be there".to_owned();
        return Err(("a regular expression that is empty".to_owned(), help));
    }
    let built = RegexBuilder::new(text).unicode(false).multi_line(true).size_limit(1 << 20).build();
    built.map_err(|error| {
        let said = error.to_string();
        let cause = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let help = "in TOML, single quotes keep backslashes as they are: '\\d+ orders'".to_owned();
        (format!("`{text}` is no regular expression: {cause}"), help)
    })
}
