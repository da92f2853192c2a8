//! What waits to be sent: one file for each delivery in a folder of the state, and whose turn it is to send them.
//! Knows files and locks, not channels.

use super::Delivery;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder of what waits.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
}

/// The right to send what waits; given up when dropped.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Queue {
    /// The queue in a project's state folder, made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn at(state: &Path) -> io::Result<Queue> {
        let folder = state.join("notices");
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) => Ok(Queue { folder }),
        }
    }

    /// The file for a delivery; files are sent in the order of their names. `micros`: since 1970.
    pub fn place(&self, micros: i64, delivery: &Delivery) -> PathBuf {
        self.folder.join(format!("{micros:018}-{}.{}.json", delivery.id, delivery.channel))
    }

    /// All files that wait, oldest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Takes the turn. Who holds it looks at the folder only afterwards, so that one who waits is enough: whatever was put
    /// there before is seen by either. `None`: there are two already.
    ///
    /// # Errors
    /// The locks cannot be made.
    pub fn turn(&self) -> io::Result<Option<Turn>> {
        let turn = self.lock(".turn")?;
        if taken(&turn)? {
            return Ok(Some(Turn { _lock: turn }));
        }
        let next = self.lock(".next")?;
        if !taken(&next)? {
            return Ok(None);
        }
        loop {
            match flock(&turn, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Some(Turn { _lock: turn })),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn lock(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.folder.join(name))
    }
}

fn taken(lock: &File) -> io::Result<bool> {
    match flock(lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sends_one_waits_and_everybody_else_may_go() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::at(folder.path()).unwrap();
        let first = queue.turn().unwrap().unwrap();
        std::thread::scope(|scope| {
            // Where the look below took the place for an instant, it asks again.
            let second = scope.spawn(|| while queue.turn().unwrap().is_none() {});
            while taken(&queue.lock(".next").unwrap()).unwrap() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            assert!(queue.turn().unwrap().is_none());
            assert!(!second.is_finished());
            drop(first);
            second.join().unwrap();
        });
        assert!(queue.turn().unwrap().is_some());
    }
}
