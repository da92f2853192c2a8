//! What of `.git` an ordinary git command changes, and what only a person does.
//! Source: gitrepository-layout(5), and what git 2.39 was seen to change (add, commit, merge, rebase, cherry-pick, stash,
//! switch, tag, gc).

use crate::action::{Change, Node};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// Files at the top of a repository that its commands write.
const FILES: [&str; 21] = [
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "COMMIT_EDITMSG",
    "FETCH_HEAD",
    "HEAD",
    "MERGE_AUTOSTASH",
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "MERGE_RR",
    "NOTES_EDITMSG",
    "ORIG_HEAD",
    "REBASE_HEAD",
    "REVERT_HEAD",
    "SQUASH_MSG",
    "TAG_EDITMSG",
    "gc.log",
    "gc.pid",
    "index",
    "packed-refs",
    "shallow",
];

/// Folders whose content its commands write.
const FOLDERS: [&str; 4] = ["logs", "objects", "refs", "rr-cache"];

/// Folders of work that was interrupted: `rebase --continue`, by whomever, runs what they list. They may only go.
const UNFINISHED: [&str; 3] = ["rebase-apply", "rebase-merge", "sequencer"];

/// Files below those folders that lead elsewhere.
const LEADING: [&str; 2] = ["objects/info/alternates", "objects/info/http-alternates"];

/// Whether `name` is what git takes for a repository, here or on a file system with other rules for names: in any case, with
/// dots, spaces or a stream behind it, by its short name (`verify_path` of git, for `core.protectNTFS`).
pub(super) fn is_repository(name: &OsStr) -> bool {
    let lower = name.as_bytes().to_ascii_lowercase();
    let rest = lower.strip_prefix(b".git").or_else(|| lower.strip_prefix(b"git~1"));
    rest.is_some_and(|rest| {
        let plain = rest.iter().take_while(|b| matches!(b, b'.' | b' ')).count();
        rest.get(plain).is_none_or(|b| *b == b':')
    })
}

/// Whether a path is a repository, or lies in one.
pub(super) fn is_in(path: &Path) -> bool {
    path.components().any(|part| is_repository(part.as_os_str()))
}

/// Whether a change touches what git keeps for itself; `writes`: the command may change what git's own commands do.
pub(super) fn is_kept(change: &Change, writes: bool) -> bool {
    let mut parts = change.path.components();
    let Some(repository) = parts.find(|part| is_repository(part.as_os_str())) else { return false };
    let plain = |node: &Option<Node>| matches!(node, None | Some(Node::File { .. } | Node::Folder { .. }));
    let exactly = repository == Component::Normal(OsStr::new(".git"));
    !(writes && exactly && plain(&change.after) && is_written(parts.as_path(), change.after.is_none()))
}

/// Whether git's own commands write `path` of a repository; `goes`: it is removed.
fn is_written(path: &Path, goes: bool) -> bool {
    let Some(first) = path.components().next().and_then(|part| part.as_os_str().to_str()) else { return false };
    // Another repository would be another matter, here as anywhere.
    if is_in(path) || LEADING.iter().any(|leading| path == Path::new(leading)) {
        return false;
    }
    let alone = path.components().nth(1).is_none();
    match first {
        "modules" => return is_of_module(path, goes),
        "worktrees" => return is_of_worktree(path, goes),
        _ => {}
    }
    (alone && (FILES.contains(&first) || first.starts_with("sharedindex.") || first.starts_with("BISECT_")))
        || FOLDERS.contains(&first)
        || path == Path::new("info/refs")
        || goes && UNFINISHED.contains(&first)
}

/// The same for what git keeps of a further work tree below `worktrees/NAME`: its index, its `HEAD`, its logs. Where it lies
/// (`gitdir`) and what it belongs to (`commondir`) is a person's, and so are its settings.
fn is_of_worktree(path: &Path, goes: bool) -> bool {
    let mut parts = path.components();
    let named = parts.nth(1).is_some();
    let rest = parts.as_path();
    let further = ["info", "modules", "objects", "worktrees"].iter().any(|name| rest.starts_with(name));
    named && !further && is_written(rest, goes)
}

/// The same for a submodule's repository below `modules`, whose name may have several parts.
fn is_of_module(path: &Path, goes: bool) -> bool {
    const NEVER: [&str; 6] = ["config", "config.worktree", "hooks", "info", "modules", "worktrees"];
    let mut parts = path.components();
    parts.next();
    let mut named = false;
    while let Some(part) = parts.next() {
        if NEVER.iter().any(|name| part.as_os_str() == *name) {
            return false;
        }
        if named && is_written(&Path::new(part.as_os_str()).join(parts.as_path()), goes) {
            return true;
        }
        named = true;
    }
    false
}
