//! Actions on files: found, read, edited, judged as any change of the project is, and brought in by the same way.
//! Knows no doors.

mod act;
mod list;
mod make;
mod read;

pub use act::change_file;
pub use list::{Listed, list_files};
pub use read::{Part, Reading, read_file};

use super::request::Waiting;
use std::ffi::OsString;

/// A change of one file, as it is asked for.
#[derive(Debug)]
pub struct FileRequest {
    /// The file, as written.
    pub path: OsString,
    /// What is done to it.
    pub act: FileAct,
    /// Why: the log says it.
    pub reason: Option<String>,
    /// SHA-256, in hex, of what the caller takes its content to be; `none`: that it is not there.
    pub expect: Option<String>,
    /// What the caller calls the task.
    pub task: Option<String>,
    /// Whether the caller waits where a person is asked.
    pub waiting: Option<Waiting>,
    /// Whether the change is only looked at.
    pub dry_run: bool,
}

/// What is done to a file.
#[derive(Debug)]
pub enum FileAct {
    /// This becomes its whole content; it is made if it is not there.
    Write(Vec<u8>),
    /// The content of another file of the project becomes its own.
    From(OsString),
    /// A text in it is replaced.
    Replace {
        /// What stands there.
        old: String,
        /// What will stand there.
        new: String,
        /// Wherever it stands, not once.
        all: bool,
    },
    /// A unified diff is applied to it.
    Patch(String),
    /// It is removed.
    Delete,
    /// It gets this name.
    Move(OsString),
}

/// What the log calls a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Modify,
    Delete,
    Move,
}

impl Verb {
    /// `[FILE] [ACTION]`
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Modify => "MODIFY",
            Self::Delete => "DELETE",
            Self::Move => "MOVE",
        }
    }

    /// The owner's word of what is done: `Modified [file]: [reason]` (SKILL 1, auditability).
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Modify => "Modified",
            Self::Delete => "Deleted",
            Self::Move => "Moved",
        }
    }
}
