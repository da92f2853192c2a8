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
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};

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

/// A place where a command in the fence and its test meet: the project is its own until it ends.
fn meeting(stage: &mut Stage) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    stage.reach.services.push(listener.local_addr().unwrap());
    listener
}

/// Takes the one line that a command says there.
fn met(listener: &TcpListener) -> (String, TcpStream) {
    let (stream, _) = listener.accept().unwrap();
    let mut line = String::new();
    BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
    (line.trim().to_owned(), stream)
}
