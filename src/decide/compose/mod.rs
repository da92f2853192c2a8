//! docker-compose, the one command that works outside the fence: which calls guard writes itself, and what in a
//! configuration a person must have seen.
//! Pure: reads no file and starts nothing.

mod call;

pub use call::{Call, Task, project_name};
