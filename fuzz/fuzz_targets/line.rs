//! Any bytes as a line for bash: taken apart, judged and drawn without a panic, in time.

#![no_main]

mod common;

use guard::action::Shell;
use guard::decide::example_environment;
use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fuzz_target!(|data: &[u8]| {
    let line = OsString::from_vec(data.to_vec());
    common::timed(|| {
        let shell = Shell::from_line_in(line, &example_environment());
        let outline = shell.outline();
        assert_eq!(held(&outline), shell.commands().len());
        common::judged(shell)
    });
});

fn held(part: &guard::action::shell::Outline) -> usize {
    part.commands.len() + part.parts.iter().map(held).sum::<usize>()
}
