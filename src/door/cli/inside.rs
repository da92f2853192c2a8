//! A call of guard from inside the fence of `guard run`: handed to the guard outside, which judges, runs and records it.
//! Knows nothing of what is called.

use super::text::{Paint, Tone};
use crate::execute::calls;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Hands the call on, and passes its exit code back.
pub(super) fn call(words: &[OsString]) -> ExitCode {
    let mut stderr = std::io::stderr();
    match calls::call(words) {
        Ok(answer) => {
            if !answer.said.is_empty() {
                let _gone = writeln!(stderr, "{}", answer.said);
            }
            ExitCode::from(answer.code)
        }
        Err(error) => {
            let what = Paint::on(&stderr).with(Tone::Bad, "the guard outside does not answer");
            let _gone = writeln!(stderr, "guard: {what}: {error}");
            ExitCode::from(125)
        }
    }
}
