//! What a command changes in its project: kept apart while it runs, then brought into the project whole or not at all.
//! Knows no rules: whether it may come in is decided elsewhere.

mod apply;
mod folder;
mod journal;
mod place;
mod stage;
mod transaction;

pub use journal::{Journal, Unfinished, finish, unfinished};
pub use stage::{Basis, ChangeError, Conflict, Staged, stage};
pub use transaction::{Kept, Transaction};
