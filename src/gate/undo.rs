//! Taking back what a set of changes did: everything it replaced stands again as it was, or nothing is touched.
//! Knows no doors.

use super::bringing::Bringing;
use super::desk::Desk;
use super::transaction::{Changes, begun};
use super::{Project, Stop, World, shown};
use crate::action::{Change, Node};
use crate::event::line::{self, Machine};
use crate::event::{Changed, Committed, Detail};
use crate::execute::change::{Aside, Basis, ChangeError, Transaction, is_whole, reverse};
use crate::record::read::{Reader, find_record};
use std::fs::File;
use std::path::PathBuf;

/// Takes back the changes that record `seq` tells of, or those of the command that began there.
///
/// # Errors
/// Where there are none, where what they replaced is not kept, or where something has changed since.
pub fn undo(world: &World, project: &Project, seq: u64) -> Result<Changes, Stop> {
    let mut desk = Desk::open(world, project)?;
    let (seq, committed) = found(project, seq)?;
    let gone = |what: &str| Stop::Usage {
        what: format!("the changes of record {seq} cannot be taken back: {what}"),
        help: "`guard audit show` tells what they were; restore the files from version control".into(),
    };
    let aside = Aside::find(&project.paths.state, &committed.transaction);
    let aside = aside.filter(|_| committed.kept);
    let aside = aside.ok_or_else(|| gone("what they replaced is not kept, or no longer (`undo` in `[limits]`)"))?;
    let listed = aside.list().ok().filter(|(_, hash)| *hash == committed.manifest).and_then(|(list, _)| list.set());
    let set = reverse(&listed.ok_or_else(|| gone("what is kept of them is not what was recorded"))?);
    for change in &set.changes {
        if let (Some(path), Some(Node::File { sha256, .. })) = (content(&aside, change), &change.after)
            && !is_whole(&path, sha256).unwrap_or(false)
        {
            return Err(gone("what is kept of them is not what was recorded"));
        }
    }
    let transaction = Transaction::begin(&project.paths.state, &project.root)
        .map_err(|error| Stop::Change(begun(project, &error)))?;
    let changed = Changed::of(None, &set);
    let claim = desk.taken_back(&set);
    let bringing = Bringing { undoes: Some(seq), ..Bringing::of(changed.clone(), claim) };
    let find = |change: &Change| {
        let path = content(&aside, change).unwrap_or_default();
        let opened = File::open(&path);
        opened.map_err(|error| ChangeError::System { what: "open", path, cause: error.to_string() })
    };
    let receipt = match desk.bring_in(transaction, set, Basis::Content, find, bringing) {
        Err(Stop::Change(ChangeError::Conflict { path, .. })) => {
            return Err(Stop::Usage {
                what: format!("`{}` is not as the changes of record {seq} left it", shown(&path)),
                help:
                    "take back first what changed it later (`guard audit tail` shows the records), or mend it by hand"
                        .into(),
            });
        }
        brought => brought?,
    };
    Ok(Changes::of(changed, Some(receipt.last)))
}

/// Where the content lies that a change of the reversed set brings back.
fn content(aside: &Aside, change: &Change) -> Option<PathBuf> {
    match (&change.before, &change.after) {
        (Some(Node::File { sha256: before, .. }), Some(Node::File { sha256: after, .. })) if before == after => None,
        (_, Some(Node::File { sha256, .. })) => Some(aside.content(sha256)),
        (_, Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None) => None,
    }
}

/// The record of changes that `seq` means: that one, or the first behind the start of a command that names it.
fn found(project: &Project, seq: u64) -> Result<(u64, Committed), Stop> {
    let none = || {
        Stop::Usage {
        what: format!("record {seq} tells of no changes that are in the project"),
        help: "name the record of the changes, or of the start of the command that made them; `guard audit tail` shows both"
            .into(),
    }
    };
    let at = |at: u64| -> Result<Option<Detail>, Stop> {
        let item = find_record(&project.paths.log, at).map_err(Stop::Log)?;
        let line = item.and_then(|item| item.record).and_then(|(line, _)| line.ok());
        Ok(line.and_then(known))
    };
    match at(seq)? {
        Some(Detail::ChangeCommitted(committed)) => return Ok((seq, *committed)),
        Some(Detail::ShellStart { .. }) => {}
        Some(_) | None => return Err(none()),
    }
    // Others may have written as much as they liked meanwhile.
    let mut reader = Reader::open(&project.paths.log).map_err(Stop::Log)?;
    while let Some(item) = reader.next_line().map_err(Stop::Log)? {
        let Some((Ok(line), seal)) = item.record else { continue };
        if seal.seq > seq
            && let Some(Detail::ChangeCommitted(committed)) = known(line)
            && committed.changed.of == Some(seq)
        {
            return Ok((seal.seq, *committed));
        }
    }
    Err(none())
}

fn known(line: line::Line) -> Option<Detail> {
    match line.machine {
        Machine::Known(detail) => Some(detail),
        Machine::Unknown(_) => None,
    }
}
