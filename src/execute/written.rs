//! What a command has written in all: a folder measured, with what lies in no folder, and watched while the command runs.
//! Knows nothing of what the folder is, nor of how a command is stopped.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A measurement may take this part of the time, so that a large folder does not keep a processor busy.
const SHARE: u32 = 10;

/// Bytes that a name takes at least, whatever it names: an entry, an inode.
const NAME: u64 = 4096;
/// Time between two stops, until the command has ended: what floods the first process with signals of its own loses one.
const AGAIN: Duration = Duration::from_millis(50);

/// Bytes of disk space that everything in `folder` takes, links not followed. Holes take none, a name at least 4 KiB but
/// where it says that something was removed; a file with several names counts once for each. What vanishes meanwhile, or
/// cannot be looked at, takes none.
pub fn allocated(folder: &Path) -> u64 {
    measure(folder, &AtomicBool::new(false))
}

/// The same, given up once `over` says so.
fn measure(folder: &Path, over: &AtomicBool) -> u64 {
    let mut folders = vec![folder.to_owned()];
    let mut total = 0_u64;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if over.load(Ordering::Relaxed) {
                return total;
            }
            if let Ok(found) = entry.metadata() {
                let least = if found.file_type().is_char_device() { 0 } else { NAME };
                total = total.saturating_add(found.blocks().saturating_mul(512).max(least));
                if found.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
    }
    total
}

/// A folder that is watched until this ends. A thread does it, so that nobody who keeps guard's output waiting can keep it
/// from looking.
#[derive(Debug)]
pub(super) struct Watching {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<bool>>,
}

impl Watching {
    /// Looks at `folder`, and at what `elsewhere` says, every `pause`; once there are more than `most` bytes, `stop` is called
    /// again and again until this ends.
    pub(super) fn begin(
        folder: PathBuf,
        most: u64,
        pause: Duration,
        elsewhere: impl Fn() -> u64 + Send + 'static,
        stop: impl Fn() + Send + 'static,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut next = pause;
            loop {
                if !rest(next, &told) {
                    return false;
                }
                let begin = Instant::now();
                if measure(&folder, &told).saturating_add(elsewhere()) > most {
                    break;
                }
                next = pause.max(begin.elapsed() * SHARE);
            }
            loop {
                stop();
                if !rest(AGAIN, &told) {
                    return true;
                }
            }
        });
        Self { over, thread: Some(thread) }
    }

    /// Ends it; whether too much was written. `stop` is not called any more after this.
    pub(super) fn end(mut self) -> bool {
        self.finish()
    }

    fn finish(&mut self) -> bool {
        let Some(thread) = self.thread.take() else { return false };
        self.over.store(true, Ordering::Relaxed);
        thread.thread().unpark();
        thread.join().unwrap_or(false)
    }
}

/// Lets that much time pass; false: it was told to end.
fn rest(time: Duration, told: &AtomicBool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if told.load(Ordering::Relaxed) {
            return false;
        }
        std::thread::park_timeout(time.saturating_sub(begin.elapsed()));
    }
    !told.load(Ordering::Relaxed)
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn what_is_measured_is_disk_space_below_a_folder_and_never_behind_a_link() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let empty = allocated(folder.path());
        fs::write(other.path().join("large"), vec![1; 1 << 20]).unwrap();
        std::os::unix::fs::symlink(other.path(), folder.path().join("link")).unwrap();
        fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        let sparse = fs::File::create(folder.path().join("a/sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        let before = allocated(folder.path());
        assert!((empty..empty + 65_536).contains(&before), "{before}");
        fs::write(folder.path().join("a/b/c/file"), vec![1; 300_000]).unwrap();
        let grown = allocated(folder.path()) - before;
        assert!((300_000..340_000).contains(&grown), "{grown}");
        assert_eq!(allocated(Path::new("/no/such/folder")), 0);
        let before = allocated(folder.path());
        (0..100).for_each(|number| drop(fs::File::create(folder.path().join(format!("a/{number}"))).unwrap()));
        let grown = allocated(folder.path()) - before;
        assert!((409_600..450_000).contains(&grown), "{grown}");
    }

    #[test]
    fn a_watch_stops_once_what_grows_is_too_large_and_else_ends_when_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = channel();
        let pause = Duration::from_millis(10);
        let watching =
            Watching::begin(folder.path().to_owned(), 1 << 20, pause, || 100_000, move || sender.send(()).unwrap());
        fs::write(folder.path().join("a"), vec![1; 900_000]).unwrap();
        assert!(receiver.recv_timeout(Duration::from_millis(200)).is_err());
        fs::write(folder.path().join("b"), vec![1; 900_000]).unwrap();
        // Once would be lost where the one who is told is flooded.
        for _ in 0..3 {
            assert!(receiver.recv_timeout(Duration::from_secs(20)).is_ok());
        }
        assert!(watching.end());
        let long =
            Watching::begin(folder.path().to_owned(), 1, Duration::from_secs(3600), || 0, || panic!("it was ended"));
        let begin = Instant::now();
        assert!(!long.end());
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}
