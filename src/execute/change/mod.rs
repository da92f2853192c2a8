//! What a command changes in its project: kept apart while it runs, read from there, then brought into the project whole or
//! not at all. Knows no rules: whether it may come in is decided elsewhere.

mod apply;
mod aside;
mod error;
mod folder;
mod journal;
mod overlay;
mod place;
mod read;
mod redo;
mod shut;
mod side;
mod stage;
mod stand;
mod times;
mod transaction;

pub(in crate::execute) use place::Root;
pub(in crate::execute) use stage::{access, attributes, hash};
pub(in crate::execute) use stand::special;

pub use aside::{Aside, is_whole, reverse};
pub use error::ReadError;
pub use folder::remove as remove_folder;
pub use journal::{Journal, Unfinished, finish, unfinished};
pub use read::{Bounds, read, read_within};
pub use side::{open_before, open_written};
pub use stage::{Basis, ChangeError, Conflict, Staged, stage};
pub use times::take_times;
pub use transaction::{Kept, Transaction, exclusively};
