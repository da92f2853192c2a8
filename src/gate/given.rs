//! What a harness may write to outside the project, and what of that it obeys and may not.
//! Knows the disk as it is; the fence keeps it so.

use super::{Project, Stop, World, shown};
use crate::decide::policy::Harness;
use crate::execute::sandbox::Writable;
use crate::execute::{Followed, follow};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What it may write to outside the project, of what is there; and the links by which it finds that.
pub(super) fn writable(
    world: &World,
    project: &Project,
    given: &Harness,
) -> Result<(Vec<Writable>, Vec<PathBuf>), Stop> {
    let home = world.home().ok_or(Stop::NoHome)?;
    let meant = |path: &String| path.strip_prefix("~/").map_or_else(|| PathBuf::from(path), |below| home.join(below));
    let (mut all, mut links): (Vec<Writable>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    for path in given.folders.iter().map(meant) {
        let Ok(real) = fs::canonicalize(&path) else { continue };
        allowed(&real, &home, project)?;
        if real != path {
            links.push(path);
        }
        if !all.iter().any(|other| real.starts_with(&other.path)) {
            all.retain(|other| !other.path.starts_with(&real));
            all.push(Writable { path: real, kept: Vec::new() });
        }
    }
    let mut missing = Vec::new();
    for path in given.settings.iter().map(meant) {
        let Followed { real, links } = follow(&path);
        let lies = |at: &PathBuf| all.iter().any(|writable| at.starts_with(&writable.path));
        if let Some(link) = links.iter().find(|link| lies(link)) {
            return Err(linked(&path, link));
        }
        if !lies(&real) {
            continue;
        }
        if real.symlink_metadata().is_err() {
            missing.push(shown(&path));
            continue;
        }
        let changes = |at: &Path| !at.starts_with(&real) && all.iter().any(|writable| at.starts_with(&writable.path));
        own(&real, &changes, &mut { LOOKED })?;
        if let Some(folder) = all.iter_mut().find(|writable| real.starts_with(&writable.path)) {
            folder.kept.push(real);
        }
    }
    if all.len() > MOST {
        let what = format!("`[run] folders` names {} that are there, and {MOST} can be given", all.len());
        return Err(Stop::Usage { what, help: "name a folder that holds several of them".into() });
    }
    if missing.is_empty() { Ok((all, links)) } else { Err(unkept(&missing)) }
}

/// Files and folders that can be given.
const MOST: usize = 16;
/// Files of a folder that stays read-only which are looked at.
const LOOKED: usize = 10_000;

/// That nothing at or below `path`, of which `left` are looked at, has another name as well or leads to what `changes`.
fn own(path: &Path, changes: &dyn Fn(&Path) -> bool, left: &mut usize) -> Result<(), Stop> {
    let cannot = |what: String, help: &str| Err(Stop::Usage { what, help: help.into() });
    let unread = |error: io::Error| Stop::Usage {
        what: format!("`{}` is to be kept read-only, and cannot be looked at: {error}", shown(path)),
        help: "make it readable, or name only those folders in `[run] folders` that are written to".into(),
    };
    let found = path.symlink_metadata().map_err(unread)?;
    let Some(fewer) = left.checked_sub(1) else {
        let what = format!("`{}` and others: over {LOOKED} files of one setting, too many to look at", shown(path));
        return cannot(what, "name what the harness obeys in `[run] settings`, not a folder of everything");
    };
    *left = fewer;
    if found.is_file() && found.nlink() > 1 {
        let what = format!("`{}` goes by another name as well, by which it could be written to", shown(path));
        return cannot(what, "make it a file of its own: copy it, and put the copy in its place");
    }
    if found.is_symlink() {
        let Followed { real, links } = follow(path);
        if links.iter().chain([&real]).any(|at| changes(at)) {
            let what = format!("`{}` is a link to what is written to, `{}`", shown(path), shown(&real));
            return cannot(what, "put what it leads to in its place");
        }
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).map_err(unread)? {
            own(&entry.map_err(unread)?.path(), changes, left)?;
        }
    }
    Ok(())
}

fn linked(path: &Path, link: &Path) -> Stop {
    let by = if path == link { String::new() } else { format!(", by which `{}` is found", shown(path)) };
    let what =
        format!("`{}`{by}, is a link, which cannot be kept read-only in a folder that is written to", shown(link));
    let help = "make it a file or folder of its own, or name only those folders in `[run] folders` that are written to";
    Stop::Usage { what, help: help.into() }
}

fn unkept(missing: &[String]) -> Stop {
    let all = missing.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    Stop::Usage {
        what: format!("{all}: not there, and what is not there cannot be kept read-only: the harness could make it"),
        help: "make each (an empty folder, or a file that says nothing, such as `{}`), or name only those folders in \
               `[run] folders` that are written to"
            .into(),
    }
}

/// Whether a harness can be given `path`: not the project, guard's own or the keys, nor what they lie in, nor a whole home.
fn allowed(path: &Path, home: &Path, project: &Project) -> Result<(), Stop> {
    let program = std::env::current_exe().ok();
    let compiled = super::grants::compiled();
    let own = [
        Some(&project.root),
        Some(&compiled),
        Some(&project.state_root),
        project.config_root.as_ref(),
        project.keys.as_ref(),
        program.as_ref(),
    ];
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let touches =
        own.into_iter().flatten().map(|own| real(own)).any(|own| own.starts_with(path) || path.starts_with(&own));
    if touches || real(home).starts_with(path) || path.parent().is_none() {
        return Err(Stop::Usage {
            what: format!(
                "`{}` cannot be given to a harness: the project, guard's own files, keys or a whole home lie there",
                shown(path)
            ),
            help: "name the folders that it keeps its sessions and credentials in, in `[run] folders`".into(),
        });
    }
    Ok(())
}
