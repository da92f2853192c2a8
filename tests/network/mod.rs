//! Tests of the network: what a fence's command reaches, and every way tried to reach more.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail like tests")]

mod attacks;
mod hosts;
mod records;
mod servers;
mod services;
mod users;

use crate::fence::stage::{Seen, Stage};
use guard::execute::sandbox::Reach;

/// A project whose commands have ports of their own.
fn stage() -> Stage {
    Stage { reach: Reach::own(), ..Stage::new() }
}

/// A line of bash that runs Python.
fn python(code: &str) -> String {
    assert!(!code.contains('\''), "single quotes are for bash");
    format!("/usr/bin/python3 -S -c '\nimport ctypes, errno, os, select, socket, struct, sys, threading, time\n{code}'")
}

/// Runs Python in a fence.
fn inside(stage: &Stage, code: &str) -> Seen {
    stage.line(&python(code))
}
