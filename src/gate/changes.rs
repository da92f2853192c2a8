//! Facts about what a command changed, read from its upper layer and the project: secrets in new content, where links lead.
//! Judges nothing.

use super::content::Gathered;
use crate::action::{Change, ChangeKind, ChangeSet, Node};
use crate::decide::{ChangeFacts, Policy};
use crate::execute::change::{ReadError, open_before, open_written};
use crate::record::Redactor;
use rustix::fs::lgetxattr;
use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The upper layer that took the command's writes.
    pub upper: &'a Path,
    /// The project's root, without symbolic links.
    pub project: &'a Path,
    /// The person's home.
    pub home: Option<&'a Path>,
    /// Roots of projects within this one, absolute.
    pub nested: &'a [PathBuf],
    /// The caller's `PATH`.
    pub path: Option<&'a OsStr>,
}

/// Bytes of changed files that are looked through for secrets, all together.
const SEARCHED: u64 = 64 << 20;

/// Files of settings that hold tokens at times, and the words before those.
const SETTINGS: [&str; 5] = [".npmrc", ".pypirc", ".yarnrc", ".yarnrc.yml", "pip.conf"];
const WORDS: [&str; 4] = ["_auth", "authtoken", "_password", "password"];

/// Gathers what judging a change set needs. Labels and what was answered already are the caller's to add.
///
/// # Errors
/// Where a changed file cannot be read.
pub fn change_facts(
    set: &ChangeSet,
    look: Look<'_>,
    redactor: &Redactor,
    policy: &Policy,
) -> Result<ChangeFacts, ReadError> {
    let mut view = View { set, look, folders: HashMap::new(), bare: HashMap::new() };
    let mut facts = ChangeFacts {
        project: look.project.to_owned(),
        home: look.home.map(Path::to_owned),
        nested: within(look.project, look.nested),
        ..ChangeFacts::default()
    };
    let limit = policy.settings().limits.file_size;
    let mut left = SEARCHED;
    let mut gathered = Gathered::new(set, look, policy);
    for change in &set.changes {
        let path = &change.path;
        if let Some(Node::Link { to }) = &change.after {
            let leads = view.leads(path, to);
            if let Some(inside) = leads.as_ref().and_then(|leads| leads.strip_prefix(look.project).ok()) {
                gathered.link(path, inside);
            }
            facts.leads.extend(leads.map(|leads| (path.clone(), leads)));
        }
        for folder in path.ancestors().skip(1) {
            // What is known of it is known of those above it.
            if view.folders.contains_key(folder) {
                break;
            }
            if view.is_environment(folder) {
                facts.environments.insert(folder.to_owned());
            }
        }
        if view.is_in_bare(path) {
            facts.bare.insert(path.clone());
        }
        if has_capabilities(look.project, change) {
            facts.capable.insert(path.clone());
        }
        if path.file_name().is_some_and(|name| SETTINGS.iter().any(|known| name.eq_ignore_ascii_case(known)))
            && view.holds_token(change)?
        {
            facts.tokens.insert(path.clone());
        }
        if is_configuration(path)
            && let Some(Node::File { len, .. }) = change.before
        {
            let old = content(open_before(look.project, path)?, len.min(limit), path)?;
            let named = is_of_production(path) && redactor.redact(&String::from_utf8_lossy(&old)).is_some();
            if named || !redactor.certain(&old).is_empty() {
                facts.credentials.insert(path.clone());
            }
        }
        let output = policy.settings().iteration.is_output(&look.project.join(path), look.project, look.home);
        if let (Some(Node::File { len, .. }), None) = (&change.before, &change.after)
            && !output
            && *len <= limit
        {
            gathered.add(change, None, None)?;
        }
        // What is bigger is asked in any case.
        if let Some(Node::File { len, .. }) = change.after
            && change.kind() != ChangeKind::Mode
            && !output
            && len <= limit
        {
            match left.checked_sub(len) {
                Some(less) => left = less,
                None => {
                    let why = "not looked through: there is too much".to_owned();
                    facts.secrets.insert(path.clone(), vec![why]);
                    continue;
                }
            }
            let after = content(open_written(look.upper, path)?, len, path)?;
            let new = redactor.certain(&after);
            let before = match change.before {
                Some(Node::File { len, .. }) if !new.is_empty() && len <= limit => {
                    Some(content(open_before(look.project, path)?, len, path)?)
                }
                Some(_) | None => None,
            };
            let old = before.as_ref().map(|before| redactor.certain(before)).unwrap_or_default();
            let fresh: Vec<String> = new.difference(&old).map(|(kind, _)| kind.clone()).collect();
            if !fresh.is_empty() {
                facts.secrets.insert(path.clone(), fresh);
            }
            gathered.add(change, Some(after), before)?;
        }
    }
    facts.typed = gathered.typed();
    facts.content = gathered.findings();
    Ok(facts)
}

/// Endings of configuration files.
const CONFIGURATION: [&str; 9] = ["cfg", "conf", "env", "ini", "json", "properties", "toml", "yaml", "yml"];

fn is_configuration(path: &Path) -> bool {
    path.extension().is_some_and(|ending| CONFIGURATION.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether a path says that it is about production.
fn is_of_production(path: &Path) -> bool {
    let path = path.to_string_lossy().to_lowercase();
    path.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| matches!(word, "prod" | "production" | "live"))
}

/// Roots of projects within `project`, from its root.
pub(super) fn within(project: &Path, nested: &[PathBuf]) -> Vec<PathBuf> {
    nested.iter().filter_map(|root| root.strip_prefix(project).ok()).map(Path::to_owned).collect()
}

/// Whether a file gets another content and had rights that only the machine's administrator can give again.
fn has_capabilities(project: &Path, change: &Change) -> bool {
    match (&change.before, &change.after) {
        (Some(Node::File { sha256: before, .. }), Some(Node::File { sha256: after, .. })) if before != after => {
            // No more than whether it is there.
            lgetxattr(project.join(&change.path), "security.capability", &mut [0_u8; 0][..]).is_ok_and(|len| len > 0)
        }
        _ => false,
    }
}

/// The content of a file whose length is known.
pub(super) fn content(file: File, len: u64, path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = file.take(len).read_to_end(&mut bytes);
    read.map_err(|cause| ReadError::System { what: "read", path: path.to_owned(), cause })?;
    Ok(bytes)
}

/// The project as it would be with the changes.
struct View<'a> {
    set: &'a ChangeSet,
    look: Look<'a>,
    /// Whether a folder is a virtual environment.
    folders: HashMap<PathBuf, bool>,
    /// Whether git would take a folder for a repository.
    bare: HashMap<PathBuf, bool>,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    Nothing,
    Folder,
    Link(PathBuf),
    Other,
}

/// Links on the way of a link, at most: as many as the kernel follows.
const LINKS: usize = 40;

impl View<'_> {
    fn change(&self, path: &Path) -> Option<&Change> {
        let at = self.set.changes.binary_search_by(|change| change.path.as_os_str().cmp(path.as_os_str()));
        self.set.changes.get(at.ok()?)
    }

    /// What would stand at a path from the project's root.
    fn stands(&self, path: &Path) -> Stands {
        if let Some(change) = self.change(path) {
            return match &change.after {
                None => Stands::Nothing,
                Some(Node::Folder { .. }) => Stands::Folder,
                Some(Node::Link { to }) => Stands::Link(to.clone()),
                Some(Node::File { .. } | Node::Special { .. }) => Stands::Other,
            };
        }
        let path = self.look.project.join(path);
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => Stands::Folder,
            Ok(found) if found.is_symlink() => path.read_link().map_or(Stands::Other, Stands::Link),
            Ok(_) => Stands::Other,
            Err(_) => Stands::Nothing,
        }
    }

    /// Where a link leads, links on the way and at the end followed; as soon as it is outside, by its letters. `None`: it leads
    /// round in a circle.
    fn leads(&self, path: &Path, to: &Path) -> Option<PathBuf> {
        let mut place = self.look.project.join(path.parent()?);
        let parts = |path: &Path| path.components().map(|part| PathBuf::from(part.as_os_str())).collect::<Vec<_>>();
        let mut pending: VecDeque<PathBuf> = parts(to).into();
        let mut links = 0;
        while let Some(part) = pending.pop_front() {
            match part.components().next()? {
                Component::RootDir | Component::Prefix(_) => place = PathBuf::from("/"),
                Component::CurDir => {}
                Component::ParentDir => {
                    place.pop();
                }
                Component::Normal(name) => {
                    place.push(name);
                    let inside = place.strip_prefix(self.look.project).ok().map(Path::to_owned);
                    if let Some(Stands::Link(to)) = inside.map(|inside| self.stands(&inside)) {
                        links += 1;
                        if links > LINKS {
                            return None;
                        }
                        place.pop();
                        parts(&to).into_iter().rev().for_each(|part| pending.push_front(part));
                    }
                }
            }
        }
        Some(place)
    }

    /// Whether a folder is the root of a virtual environment.
    fn is_environment(&mut self, folder: &Path) -> bool {
        if let Some(known) = self.folders.get(folder) {
            return *known;
        }
        // One that was there before, or that is new as a whole: a file of that name makes no environment of other work.
        let is = self.stands(&folder.join("pyvenv.cfg")) == Stands::Other
            && (self.look.project.join(folder).join("pyvenv.cfg").symlink_metadata().is_ok()
                || self.change(folder).is_some_and(|change| change.before.is_none()));
        self.folders.insert(folder.to_owned(), is);
        is
    }

    /// Whether a path belongs to a folder that git takes for a repository although it is not called `.git`: there its
    /// settings and hooks count for whoever calls git in it.
    fn is_in_bare(&mut self, path: &Path) -> bool {
        const PARTS: [&str; 6] = ["HEAD", "config", "hooks", "objects", "refs", "commondir"];
        let mut below = path;
        while let (Some(folder), Some(name)) = (below.parent(), below.file_name()) {
            if PARTS.iter().any(|part| name == *part) && self.is_bare(folder) {
                return true;
            }
            below = folder;
        }
        false
    }

    fn is_bare(&mut self, folder: &Path) -> bool {
        if let Some(known) = self.bare.get(folder) {
            return *known;
        }
        let is = !folder.components().any(|part| part.as_os_str() == ".git")
            && !matches!(self.stands(&folder.join("HEAD")), Stands::Nothing | Stands::Folder)
            && ["objects", "refs"]
                .iter()
                .all(|name| matches!(self.stands(&folder.join(name)), Stands::Folder | Stands::Link(_)));
        self.bare.insert(folder.to_owned(), is);
        is
    }

    /// Whether a file of settings holds or held a token.
    fn holds_token(&self, change: &Change) -> Result<bool, ReadError> {
        const MOST: u64 = 1 << 20;
        let says = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            WORDS.iter().any(|word| text.contains(word))
        };
        let (path, look) = (&change.path, self.look);
        let before = match &change.before {
            Some(Node::File { len, .. }) => says(content(open_before(look.project, path)?, (*len).min(MOST), path)?),
            Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => false,
        };
        Ok(before
            || match &change.after {
                Some(Node::File { len, .. }) => says(content(open_written(look.upper, path)?, (*len).min(MOST), path)?),
                Some(Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) | None => false,
            })
    }
}
