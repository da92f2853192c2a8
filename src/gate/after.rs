//! What a harness did, or was kept from doing, by itself: recorded, since no `exec` records it.
//! Judges nothing.

use super::desk::Desk;
use super::{Project, Stop, World, entries, secrets};
use crate::decide::Match;
use crate::event::{Detail, Entry, Human, RuleHit};
use crate::record::Log;

/// Records a command that a harness ran outside of guard.
///
/// # Errors
/// What keeps the record from being written.
pub fn ran_unfenced(world: &World, project: &Project, tool: &str, command: &str) -> Result<(), Stop> {
    let human = fields("SHELL", "EXEC", command.to_owned(), "UNFENCED");
    let detail = Detail::Unfenced { tool: tool.to_owned(), cwd: entries::folder(project, &world.cwd) };
    append(world, project, Entry { human, detail })
}

/// Records a file that a harness changed.
///
/// # Errors
/// What keeps the record from being written.
pub fn changed_file(world: &World, project: &Project, tool: &str, path: &str) -> Result<(), Stop> {
    let human = fields("FILE", "MODIFY", file(world, project, path), "SUCCESS");
    append(world, project, Entry { human, detail: Detail::FileChanged { tool: tool.to_owned() } })
}

/// The record of a change to a file that a harness was kept from; while everything is halted nothing is judged.
pub(super) fn refused_file(
    desk: &Desk<'_>,
    (tool, path): (&str, &str),
    (rules, policy): (&[Match], String),
    halted: bool,
) -> Entry {
    let result = if halted { "HALTED" } else { "DENIED" };
    let human = fields("FILE", "MODIFY", file(desk.world, desk.project, path), result);
    Entry { human, detail: Detail::FileRefused { tool: tool.to_owned(), rules: hits(rules), policy } }
}

/// The rules of a refusal, as the log keeps them.
pub(super) fn hits(rules: &[Match]) -> Vec<RuleHit> {
    rules.iter().map(|rule| RuleHit { id: rule.id.clone(), verdict: rule.verdict.word().into() }).collect()
}

fn append(world: &World, project: &Project, entry: Entry) -> Result<(), Stop> {
    let mut log = Log::open(&project.paths).map_err(Stop::Log)?;
    let redactor = secrets::redactor(world, project, log.tag_key())?;
    log.append(&redactor, vec![entry]).map_err(Stop::Log)?;
    Ok(())
}

fn fields(skill: &str, action: &str, target: String, result: &str) -> Human {
    Human::Fields { skill: skill.into(), action: action.into(), target, result: result.into() }
}

/// A file as the log names it: from the project's root, links followed in its folder.
fn file(world: &World, project: &Project, path: &str) -> String {
    let whole = world.cwd.join(path);
    let real = std::fs::canonicalize(&whole).or_else(|_| {
        let (folder, name) = (whole.parent().unwrap_or(&whole), whole.file_name().unwrap_or_default());
        std::fs::canonicalize(folder).map(|folder| folder.join(name))
    });
    entries::folder(project, &real.unwrap_or(whole))
}
