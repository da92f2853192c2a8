//! What is asked: an agent's wish, parsed into structure, and the facts about the world it touches.
//! Knows no files, clock or processes: whoever calls gathers [`Facts`] and hands them in.

mod change;
pub mod edit;
mod facts;
mod hidden;
pub mod migration;
pub mod query;
pub mod shell;
pub mod source;

pub use change::{Change, ChangeKind, ChangeSet, Node};
pub use facts::{Facts, Found, Program};
pub use hidden::is_hidden;
pub use shell::Shell;

/// One thing an agent asks guard to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A command: an argument vector, or a line for `bash -c`.
    Shell(Shell),
}
