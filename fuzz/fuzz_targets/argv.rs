//! Any words as an argument vector, `0xff` between them: taken apart and judged without a panic, in time.

#![no_main]

mod common;

use guard::action::Shell;
use guard::action::shell::unquoted;
use guard::decide::example_environment;
use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fuzz_target!(|data: &[u8]| {
    let argv: Vec<OsString> = data.split(|byte| *byte == 0xff).map(|word| OsString::from_vec(word.to_vec())).collect();
    let judgement = common::timed(|| common::judged(Shell::from_argv_in(argv.clone(), &example_environment())));
    let guard::action::Action::Shell(shell) = judgement.action();
    if shell.faults().is_empty() {
        assert_eq!(unquoted(shell.text()), Some(argv), "what is written down is what was asked");
    }
});
