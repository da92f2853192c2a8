//! Whether what covers a hidden path was still there at the end of a run: whoever removes or replaces a mount point from
//! outside takes the mount away in every namespace, and with it the cover.
//! Knows which files stood there, not how they are mounted.

use rustix::event::{PollFd, PollFlags};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::io::read;
use std::fs::Metadata;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files and folders that are mounted on, as they stood before a fence was built.
#[derive(Debug, Default)]
pub(super) struct Watch {
    before: Vec<(PathBuf, Identity)>,
}

impl Watch {
    pub(super) fn over(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let before = paths.into_iter().filter_map(|path| {
            let found = path.symlink_metadata().ok()?;
            Some((path, Identity::of(&found)))
        });
        Self { before: before.collect() }
    }

    /// Those that are gone or others now.
    pub(super) fn gone(&self) -> impl Iterator<Item = &PathBuf> {
        self.before.iter().filter(|(path, before)| !is_at(path, *before)).map(|(path, _)| path)
    }
}

/// Tells at once when something is gone or another, where a command could write in its place.
#[derive(Debug)]
pub(in crate::execute) struct Alarm {
    watch: Watch,
    events: OwnedFd,
}

impl Alarm {
    /// Over `paths`, from now on.
    ///
    /// # Errors
    /// Those of watching the folders they lie in.
    pub(super) fn over(paths: Vec<PathBuf>) -> Result<Self, rustix::io::Errno> {
        let events = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let names = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::MOVE_SELF;
        for folder in paths.iter().filter_map(|path| path.parent()) {
            add_watch(&events, folder, names | WatchFlags::DELETE_SELF)?;
        }
        Ok(Self { watch: Watch::over(paths), events })
    }

    /// What to wait for.
    pub(in crate::execute) fn awaits(&self) -> PollFd<'_> {
        PollFd::new(&self.events, PollFlags::IN)
    }

    /// Whether anything is gone or another by now.
    pub(in crate::execute) fn rings(&self) -> bool {
        let (mut taken, mut any) = ([0; 4096], false);
        while read(&self.events, &mut taken).is_ok_and(|len| len > 0) {
            any = true;
        }
        any && self.gone().next().is_some()
    }

    /// What is.
    pub(in crate::execute) fn gone(&self) -> impl Iterator<Item = &PathBuf> {
        self.watch.gone()
    }
}

/// Which file it is: a number that was freed is given out again, so the time it was made counts too, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64, Option<SystemTime>);

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino(), found.created().ok())
    }
}

/// Whether that very file stands at `path`.
fn is_at(path: &Path, identity: Identity) -> bool {
    path.symlink_metadata().is_ok_and(|found| Identity::of(&found) == identity)
}
