//! Tests of change sets: real overlays, read, judged and shown. A test binary started as an ordinary user gets its folder
//! by `GUARD_TEST_BASE`.

mod coming;
mod hostile;
mod judged;
mod overlay;
mod properties;
pub(crate) mod scene;
mod users;
