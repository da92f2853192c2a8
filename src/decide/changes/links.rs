//! Links that lead out of the project.
//! Knows where a link leads by its letters, and from facts where it leads once links are followed.

use super::{ChangeFacts, table};
use crate::decide::judging::{BuiltIn, normal};
use std::path::{Component, Path, PathBuf};

/// Where installed programs and libraries lie; what a build links to.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix/store"];

/// The same below a person's home.
const TOOLCHAINS: [&str; 8] =
    [".cargo", ".rustup", ".pyenv", ".nvm", ".asdf", ".local/share/uv", ".local/share/pnpm", ".local/share/mise"];

/// The rule that a link `path` to `to` matches, if it leads out.
pub(super) fn leads_out(path: &Path, to: &Path, facts: &ChangeFacts, output: bool) -> Option<&'static BuiltIn> {
    let folder = facts.project.join(path.parent().unwrap_or(Path::new("")));
    let outside = |place: &PathBuf| !place.starts_with(&facts.project);
    let leads = [Some(normal(&folder.join(to))), facts.leads.get(path).cloned()];
    let mut leads = leads.into_iter().flatten().filter(outside).peekable();
    let climbs = climbs_out(path, to);
    if leads.peek().is_none() && !climbs {
        return None;
    }
    let installed = |place: PathBuf| {
        SYSTEM.iter().any(|folder| place.starts_with(folder))
            || [&facts.home, &facts.own_home]
                .into_iter()
                .flatten()
                .any(|home| TOOLCHAINS.iter().any(|at| place.starts_with(home.join(at))))
    };
    match (output, !climbs && leads.all(installed)) {
        (true, true) => None,
        (true, false) => Some(&table::LINK_OF_OUTPUT),
        (false, _) => Some(&table::LINK_OUTSIDE),
    }
}

/// Whether a relative target goes above the project's root on its way, even if it comes back: with the project somewhere
/// else it would lead elsewhere.
fn climbs_out(path: &Path, to: &Path) -> bool {
    if to.is_absolute() {
        return false;
    }
    let mut depth = path.components().count().saturating_sub(1);
    for part in to.components() {
        match part {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            Component::Normal(_) => depth += 1,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    false
}
