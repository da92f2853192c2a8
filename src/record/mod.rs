//! The audit log: written so that nothing acknowledged is lost and nothing can be changed unseen.
//! Knows no policy, and nothing of how things run.

mod append;
mod blob;
mod create;
mod error;
mod files;
mod index;
mod keys;
mod log;
mod output;
mod past;
mod plain;
pub mod read;
mod recover;
pub mod redact;
mod reserve;
mod running;
mod scan;
mod seal;
mod shorten;
mod snapshot;
mod turn;
pub mod verify;

pub use append::{CHECKPOINT, Started};
pub use blob::{LONGEST_BLOB, blob_path};
pub use create::{Created, create, nonce};
pub use error::LogError;
pub use files::{Disk, Files, Step};
pub use index::{LOG_NAME, below, find, find_real, find_state};
pub use log::Log;
pub use output::Stored;
pub use past::{History, Looked, Past};
pub use recover::{Mended, recover, relink};
pub use redact::{Masked, Redactor, Secrets, TagKey};
pub use seal::{Key, chain};
pub use turn::{Holder, Turn, Turned};

use running::Running;
use scan::Point;
use std::path::PathBuf;

/// Where a project's log and its state lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `build_audit.log` in the project's root.
    pub log: PathBuf,
    /// `$XDG_STATE_HOME/guard/<log-id>/`.
    pub state: PathBuf,
}

/// What an append that is durable gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Sequence number of the first entry appended.
    pub first: u64,
    /// Sequence number of the last one; the entries stand one after the other.
    pub last: u64,
    /// Hash of the last one, 64 hex digits.
    pub hash: String,
}
