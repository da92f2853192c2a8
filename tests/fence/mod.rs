//! Tests of the fence topic. A test binary started as an ordinary user gets its folder by `GUARD_TEST_BASE`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

pub(crate) mod ending;
mod escapes;
mod forms;
pub(crate) mod rungs;
mod running;
pub(crate) mod stage;
pub(crate) mod tricks;
mod users;
