//! Files of a project as actions on them see them: found by descriptors beneath its root, looked at without following or
//! waiting for anything, and new content laid into a transaction.
//! Knows no rules.

mod find;
mod lay;
mod locks;
mod look;
mod walk;

pub use find::{Ends, FindError, find};
pub use lay::lay;
pub use locks::{Holder as LockHolder, locked};
pub use look::{Stood, stood, writable};
pub use walk::{Met, Next, walk};
