//! Why the log cannot be used, and what a person can do about it.

use std::path::PathBuf;

/// Why the log cannot be used. Every one fails closed: nothing runs that cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The project was never set up.
    #[error("no audit log for `{project}`", project = project.display())]
    NotCreated {
        /// The project's root.
        project: PathBuf,
    },
    /// There is a log, but nothing is known of it here: the project was moved or copied.
    #[error("audit log `{log}` is not known here: no state belongs to `{project}`", log = log.display(), project = project.display())]
    Unknown {
        /// The log.
        log: PathBuf,
        /// The project's root.
        project: PathBuf,
    },
    /// A log is already there.
    #[error("`{log}` is already there: nothing was changed", log = log.display())]
    AlreadyCreated {
        /// The log.
        log: PathBuf,
    },
    /// The log is gone.
    #[error("audit log `{log}` is missing: it had {records} records", log = log.display())]
    Missing {
        /// The log.
        log: PathBuf,
        /// Records it had at least.
        records: u64,
    },
    /// The log ends before records that were acknowledged.
    #[error("audit log `{log}` was shortened: it ends with record #{has}, record #{had} was acknowledged", log = log.display())]
    Shorter {
        /// The log.
        log: PathBuf,
        /// Its last record.
        has: u64,
        /// The last record known to have been there.
        had: u64,
    },
    /// A line is not what was written.
    #[error("audit log `{log}` was edited at record #{seq}: {what}", log = log.display())]
    Edited {
        /// The log.
        log: PathBuf,
        /// The record that does not hold.
        seq: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The log is a symbolic link.
    #[error("audit log `{log}` is a symbolic link", log = log.display())]
    Link {
        /// The log.
        log: PathBuf,
    },
    /// The log has another name beside this one.
    #[error("audit log `{log}` has {links} hard links", log = log.display())]
    HardLinked {
        /// The log.
        log: PathBuf,
        /// How many.
        links: u64,
    },
    /// The log is a folder, a pipe or a device.
    #[error("audit log `{log}` is {is}, not a plain file", log = log.display())]
    NotAFile {
        /// The log.
        log: PathBuf,
        /// What it is.
        is: &'static str,
    },
    /// Another file stands where the open log stood.
    #[error("audit log `{log}` was replaced while it was open", log = log.display())]
    Replaced {
        /// The log.
        log: PathBuf,
    },
    /// The log may not be written.
    #[error("cannot write audit log `{log}`: {cause}", log = log.display())]
    ReadOnly {
        /// The log.
        log: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// No room is left.
    #[error("no room left for audit log `{log}`: {cause}", log = log.display())]
    Full {
        /// The log.
        log: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// The key state cannot be read.
    #[error("key state `{path}` cannot be used: {what}", path = path.display())]
    Keys {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// An earlier sync failed and nobody has looked at it.
    #[error("audit log `{log}` is barred since a write could not be made durable: {cause}", log = log.display())]
    Poisoned {
        /// The log.
        log: PathBuf,
        /// What failed then.
        cause: String,
    },
    /// The records are written but could not be made durable.
    #[error("cannot make audit log `{log}` durable: {cause}", log = log.display())]
    Sync {
        /// The log.
        log: PathBuf,
        /// The system's message.
        cause: String,
    },
    /// Another guard held the lock all the time.
    #[error("audit log is locked: waited {waited_ms} ms for `{lock}`", lock = lock.display())]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long this guard waited.
        waited_ms: u128,
    },
    /// A record is longer than a line may be, even shortened.
    #[error("record is too long: {bytes} bytes, at most {longest}", longest = crate::event::line::LONGEST)]
    TooLong {
        /// Bytes it would have.
        bytes: usize,
    },
    /// Anything else the system refused.
    #[error("cannot {what} `{path}`: {cause}", path = path.display())]
    System {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's message.
        cause: String,
    },
}

impl LogError {
    /// What to do about it, as a fragment for a help line.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            LogError::NotCreated { .. } => "run `guard init` in the project".into(),
            LogError::Unknown { log, .. } => format!(
                "if the project was moved, run `guard audit recover`; to begin anew, move `{}` away and run `guard init`",
                log.display()
            ),
            LogError::AlreadyCreated { .. } => return None,
            LogError::Missing { log, .. } | LogError::Shorter { log, .. } | LogError::Edited { log, .. } => format!(
                "look at it with `guard audit verify` and put `{}` back from a copy; to begin anew, move it and its state \
                 folder away and run `guard init`",
                log.display()
            ),
            LogError::Link { log } => format!("replace the link by the file itself: `{}`", log.display()),
            LogError::HardLinked { log, .. } => {
                format!("find the other name with `find -samefile {}` and remove it", log.display())
            }
            LogError::NotAFile { log, .. } => format!("move `{}` away and put the log back from a copy", log.display()),
            LogError::Replaced { log } => {
                format!("put the file that stood at `{}` back, then try again", log.display())
            }
            LogError::ReadOnly { log, .. } => {
                format!("make `{}` writable for this user (`chmod u+w`, `chattr -i`, remount)", log.display())
            }
            LogError::Full { log, .. } => {
                format!("free space on the file system of `{}`, then try again", log.display())
            }
            LogError::Keys { .. } => "run `guard audit recover --seed FILE` with the seed shown at `guard init`".into(),
            LogError::Poisoned { .. } | LogError::Sync { .. } => {
                "check the disk, then run `guard audit verify` and `guard audit recover`".into()
            }
            LogError::Busy { .. } => {
                "another guard hangs: find it with `fuser` on the lock file, then try again".into()
            }
            LogError::TooLong { .. } => "split the action into smaller ones".into(),
            LogError::System { path, .. } => format!("check the permissions of `{}`, then try again", path.display()),
        })
    }

    pub(super) fn system(what: &'static str, path: impl Into<PathBuf>, cause: impl std::fmt::Display) -> LogError {
        LogError::System { what, path: path.into(), cause: cause.to_string() }
    }
}
