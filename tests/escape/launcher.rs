//! A process that runs commands as a given user on a kernel of which parts were taken away, by `launch.py`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum User {
    Root,
    Ordinary,
}

impl User {
    /// Root's number, or nobody's; that of whoever runs the tests without being root.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ordinary if super::ground::own_number() == 0 => 65_534,
            Self::Ordinary => super::ground::own_number(),
        }
    }
}

/// What to run.
pub(crate) struct Order {
    pub(crate) argv: Vec<String>,
    pub(crate) cwd: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    /// Seconds after which it is asked to end.
    pub(crate) limit: f64,
    /// A file that is left open for it, for writing, as descriptor 9.
    pub(crate) left: PathBuf,
    pub(crate) terminal: bool,
}

/// What came of it; a signal is a negative code.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// What the terminal showed.
    pub(crate) terminal: String,
}

#[derive(Deserialize)]
struct Started {
    pid: i32,
}

pub(crate) struct Launcher {
    pub(crate) user: User,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Launcher {
    /// For `user`, `without` a part of the kernel.
    pub(crate) fn new(user: User, without: &str) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-S", "-c", include_str!("launch.py"), &user.number().to_string(), without])
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { user, child, orders, answers }
    }

    fn ask<A: serde::de::DeserializeOwned>(&mut self, order: &serde_json::Value) -> A {
        let mut line = String::new();
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    /// Runs `order` to its end.
    pub(crate) fn run(&mut self, order: &Order) -> Answer {
        self.ask(&serde_json::json!({
            "goes_on": false, "argv": order.argv, "cwd": order.cwd, "env": order.env, "limit": order.limit,
            "left": order.left, "terminal": order.terminal,
        }))
    }

    /// Starts a process that goes on after its first line of output; its id.
    pub(crate) fn start(&mut self, argv: &[&str], cwd: &Path, env: &BTreeMap<String, String>) -> i32 {
        let started: Started = self.ask(&serde_json::json!({ "goes_on": true, "argv": argv, "cwd": cwd, "env": env }));
        started.pid
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
