//! What an action on a file comes to: the set of changes, with the new content laid apart.
//! Judges and records nothing.

use super::{FileAct, FileRequest, Verb};
use crate::action::edit::{EditError, patch, replace};
use crate::action::{Change, ChangeSet, Node};
use crate::decide::holds_secrets;
use crate::execute::change::exclusively;
use crate::execute::file::{Ends, FindError, Stood, find, lay, locked, stood, writable};
use crate::gate::{Project, World, shown};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

/// An action that can be judged.
pub(super) struct Made {
    pub(super) set: ChangeSet,
    pub(super) verb: Verb,
    /// The file.
    pub(super) path: PathBuf,
    /// Where it is moved to.
    pub(super) to: Option<PathBuf>,
}

/// Why an action comes to nothing.
pub(super) enum Trouble {
    /// It was never going to: what is wrong, and what to do instead.
    Asked { what: String, help: &'static str },
    /// A rule of guard's own is against it, whatever it would come to: so nothing is told of what stands there.
    Refused { rule: &'static str, what: String },
    /// Somebody else changed the file.
    Conflict { what: String },
    /// The system stands in the way, perhaps only for now.
    System { what: String },
}

/// Where an action takes place.
pub(super) struct Ground<'a> {
    pub(super) world: &'a World,
    pub(super) project: &'a Project,
    /// Where new content is laid.
    pub(super) upper: &'a Path,
    /// Bytes of a file that is edited or copied, at most.
    pub(super) most: u64,
    /// What no action touches, absolute.
    pub(super) kept: &'a [PathBuf],
    /// Whether builds make a path, from the project's root.
    pub(super) is_output: &'a dyn Fn(&Path) -> bool,
}

/// The path in the project that `written` means.
pub(super) fn place(world: &World, project: &Project, written: &OsStr, ends: Ends) -> Result<PathBuf, Trouble> {
    let what = |cause: &dyn std::fmt::Display| format!("`{}`: {cause}", shown(Path::new(written)));
    find(&project.root, &world.cwd, Path::new(written), ends).map_err(|error| match error {
        FindError::Outside => Trouble::Refused { rule: "guard:writes-outside", what: shown(Path::new(written)) },
        FindError::Mounted => {
            let what = format!("{} ({error})", shown(Path::new(written)));
            Trouble::Refused { rule: "guard:writes-outside", what }
        }
        FindError::Empty => Trouble::Asked { what: what(&error), help: "name a file of the project" },
        FindError::Dangling(_) => {
            Trouble::Asked { what: what(&error), help: "name the file itself, or delete the link first" }
        }
        FindError::Slash => {
            Trouble::Asked { what: what(&error), help: "name a file; folders are made as files need them" }
        }
        FindError::NoFolder | FindError::NotFolder | FindError::TooLong => {
            Trouble::Asked { what: what(&error), help: "`guard file list` shows what is there" }
        }
        FindError::Moved => Trouble::Conflict { what: what(&error) },
        FindError::System(cause) => Trouble::System { what: trouble("find", Path::new(written), cause) },
    })
}

/// What went wrong with a file: locked, no right to, no room, or something else.
pub(super) fn trouble(what: &str, path: &Path, error: Errno) -> String {
    let why = match error {
        Errno::ACCESS => ": guard has no right to; its owner or mode must change",
        Errno::PERM => ": it may not be changed, perhaps by an attribute such as `chattr +i`",
        Errno::ROFS => ": the file system is read-only",
        Errno::NOSPC | Errno::DQUOT => ": there is no room left",
        Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => ": somebody uses it",
        _ => "",
    };
    format!("cannot {what} `{}`: {error}{why}", shown(path))
}

fn system(what: &str, path: &Path, error: &std::io::Error) -> Trouble {
    let errno = error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
    Trouble::System { what: trouble(what, path, errno) }
}

impl Ground<'_> {
    /// Works out what `request` changes.
    pub(super) fn make(&self, request: &FileRequest) -> Result<Made, Trouble> {
        let follows = match request.act {
            FileAct::Write(_) | FileAct::From(_) | FileAct::Replace { .. } | FileAct::Patch(_) => Ends::Followed,
            // What goes or moves is the link itself.
            FileAct::Delete | FileAct::Move(_) => Ends::AsIs,
        };
        let path = place(self.world, self.project, &request.path, follows)?;
        let goes = matches!(request.act, FileAct::Delete);
        let before = self.before(&path, goes)?;
        expected(request, &path, before.as_ref())?;
        if let Some(holder) = before.as_ref().and_then(|stood| stood.file.as_ref()).and_then(locked) {
            let who = holder.pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            return Err(Trouble::System { what: format!("`{}` is locked by {who}", shown(&path)) });
        }
        let mut made = Made {
            set: ChangeSet::default(),
            verb: if before.is_some() { Verb::Modify } else { Verb::Create },
            path: path.clone(),
            to: None,
        };
        match &request.act {
            FileAct::Write(content) => self.put(&path, before, content, &mut made)?,
            FileAct::From(source) => {
                let source = place(self.world, self.project, source, Ends::Followed)?;
                let stood = self.before(&source, false)?.ok_or_else(|| missing(&source))?;
                let content = self.content(&source, &stood)?;
                self.put(&path, before, &content, &mut made)?;
            }
            FileAct::Replace { old, new, all } => {
                let stood = before.ok_or_else(|| missing(&path))?;
                let text = self.text(&path, &stood)?;
                let (text, _) = replace(&text, old, new, *all).map_err(|error| unfit(&path, &error))?;
                self.put(&path, Some(stood), text.as_bytes(), &mut made)?;
            }
            FileAct::Patch(diff) => {
                let text = match &before {
                    Some(stood) => self.text(&path, stood)?,
                    None => String::new(),
                };
                let text = patch(&text, diff).map_err(|error| unfit(&path, &error))?;
                self.put(&path, before, text.as_bytes(), &mut made)?;
            }
            FileAct::Delete => {
                let stood = before.ok_or_else(|| missing(&path))?;
                made.verb = Verb::Delete;
                made.set.changes.push(Change { path, before: Some(stood.node), after: None });
            }
            FileAct::Move(to) => self.rename(&path, before, to, &mut made)?,
        }
        self.writable(&made.set)?;
        made.set.changes.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
        Ok(made)
    }

    /// What stands at `path`, which an action may be done to; `goes`: only its name is taken away.
    fn before(&self, path: &Path, goes: bool) -> Result<Option<Stood>, Trouble> {
        let refused = |rule| Err(Trouble::Refused { rule, what: shown(path) });
        let real = self.project.root.join(path);
        if self.kept.iter().any(|kept| real.starts_with(kept)) {
            return refused("guard:writes-protected");
        }
        if holds_secrets(path) && !(self.is_output)(path) {
            return refused("guard:changes-secret-file");
        }
        let folder = "name a file in it; folders are made as files need them";
        if path.as_os_str().is_empty() {
            return Err(Trouble::Asked { what: "the project's root is a folder".into(), help: folder });
        }
        let look =
            || stood(&self.project.root, path).map_err(|error| Trouble::System { what: trouble("read", path, error) });
        let mut stood = look()?;
        if stood.as_ref().is_some_and(|stood| stood.file.is_some() && stood.names > 1) {
            // Another guard that is about to replace it gives it a second name, for whoever wants it back.
            let _alone = exclusively(&self.project.paths.state);
            stood = look()?;
            let names = stood.as_ref().map_or(0, |stood| stood.names);
            if names > 1 && !goes && !(self.is_output)(path) {
                return refused("guard:changes-linked");
            }
        }
        match stood.as_ref().map(|stood| &stood.node) {
            None | Some(Node::File { .. } | Node::Link { .. }) => Ok(stood),
            Some(Node::Special { kind }) => {
                let what = format!("`{}` is no file, but a {kind}", shown(path));
                Err(Trouble::Asked { what, help: "actions are for files" })
            }
            Some(Node::Folder { .. }) => {
                Err(Trouble::Asked { what: format!("`{}` is a folder", shown(path)), help: folder })
            }
        }
    }

    /// What the caller could not write to by themselves, guard does not write to for them: its renames need less.
    fn writable(&self, set: &ChangeSet) -> Result<(), Trouble> {
        for change in &set.changes {
            let above = change.path.parent().unwrap_or(Path::new(""));
            let replaced = change.before.is_some() && change.after.is_some();
            for path in replaced.then_some(change.path.as_path()).into_iter().chain([above]) {
                match writable(&self.project.root, path) {
                    // A folder that is made with it.
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(Trouble::System { what: trouble("write to", path, error) }),
                }
            }
        }
        Ok(())
    }

    /// The whole content of a file.
    fn content(&self, path: &Path, stood: &Stood) -> Result<Vec<u8>, Trouble> {
        let (Some(mut file), Node::File { len, .. }) = (stood.file.as_ref(), &stood.node) else {
            let what = format!("`{}` is a link, not a file", shown(path));
            return Err(Trouble::Asked { what, help: "name the file itself" });
        };
        if *len > self.most {
            let what = format!(
                "`{}` has {len} bytes, and at most {} are taken (`[limits] file_size`)",
                shown(path),
                self.most
            );
            return Err(Trouble::Asked { what, help: "change it with a command: `guard exec`" });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| system("read", path, &error))?;
        Ok(bytes)
    }

    fn text(&self, path: &Path, stood: &Stood) -> Result<String, Trouble> {
        let bytes = self.content(path, stood)?;
        String::from_utf8(bytes).map_err(|_| {
            let what = format!("`{}` is not text (UTF-8)", shown(path));
            Trouble::Asked {
                what,
                help: "write it whole with `guard file write`, or change it with a command: `guard exec`",
            }
        })
    }

    /// Lays the new content of `path` apart, and says what that changes.
    fn put(&self, path: &Path, before: Option<Stood>, content: &[u8], made: &mut Made) -> Result<(), Trouble> {
        let trouble = |error: std::io::Error| system("write", path, &error);
        let (mode, like) = match &before {
            Some(Stood { node: Node::File { mode, .. }, file, .. }) => (*mode, file.as_ref()),
            Some(_) | None => (0o666 & !umask(), None),
        };
        let after = lay(self.upper, path, content, mode, like).map_err(trouble)?;
        self.folders(path, &mut made.set);
        let before = before.map(|stood| stood.node);
        if before.as_ref() != Some(&after) {
            made.set.changes.push(Change { path: path.to_owned(), before, after: Some(after) });
        }
        Ok(())
    }

    /// Folders above `path` that are not there yet.
    fn folders(&self, path: &Path, set: &mut ChangeSet) {
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        let missing = above.take_while(|above| self.project.root.join(above).symlink_metadata().is_err());
        let after = || Some(Node::Folder { mode: 0o777 & !umask() });
        set.changes.extend(missing.map(|above| Change { path: above.to_owned(), before: None, after: after() }));
    }

    fn rename(&self, path: &Path, before: Option<Stood>, to: &OsStr, made: &mut Made) -> Result<(), Trouble> {
        let stood = before.ok_or_else(|| missing(path))?;
        let to = place(self.world, self.project, to, Ends::AsIs)?;
        if self.before(&to, true)?.is_some() {
            let what = format!("`{}` is there already", shown(&to));
            return Err(Trouble::Asked { what, help: "choose another name, or delete that file first" });
        }
        let after = match &stood.node {
            Node::File { mode, .. } => {
                let content = self.content(path, &stood)?;
                lay(self.upper, &to, &content, *mode, stood.file.as_ref())
                    .map_err(|error| system("write", &to, &error))?
            }
            node @ (Node::Link { .. } | Node::Folder { .. } | Node::Special { .. }) => node.clone(),
        };
        made.verb = Verb::Move;
        self.folders(&to, &mut made.set);
        made.set.changes.push(Change { path: path.to_owned(), before: Some(stood.node), after: None });
        made.set.changes.push(Change { path: to.clone(), before: None, after: Some(after) });
        made.to = Some(to);
        Ok(())
    }
}

/// That a file is what its caller takes it for.
fn expected(request: &FileRequest, path: &Path, before: Option<&Stood>) -> Result<(), Trouble> {
    let Some(expect) = &request.expect else { return Ok(()) };
    let found = match before.map(|stood| &stood.node) {
        Some(Node::File { sha256, .. }) => crate::event::line::hex(sha256),
        Some(_) => "a link".to_owned(),
        None => "none".to_owned(),
    };
    if found.eq_ignore_ascii_case(expect) {
        return Ok(());
    }
    let what = match found.as_str() {
        "none" => format!("`{}` is not there, and `{expect}` was expected", shown(path)),
        found => format!("`{}` is not what was expected: its SHA-256 is {found}", shown(path)),
    };
    Err(Trouble::Conflict { what })
}

fn missing(path: &Path) -> Trouble {
    let what = format!("`{}` is not there", shown(path));
    Trouble::Asked { what, help: "`guard file list` shows what is there; `guard file write` makes a file" }
}

fn unfit(path: &Path, error: &EditError) -> Trouble {
    let help = "read the file as it is now (`guard file read`), and give what stands there, with as many lines around it \
                as make it the only place";
    Trouble::Asked { what: format!("`{}`: {error}", shown(path)), help }
}

/// What new files and folders are kept from.
fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    rustix::process::umask(mask);
    mask.as_raw_mode()
}
