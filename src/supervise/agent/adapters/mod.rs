//! The kinds of agents: one table, one file each.
//! Knows no processes: an adapter says what to start and what it hears.

mod claude;
mod codex;
mod command;
mod script;

use super::brief::Brief;
use super::heard::{Hear, Listening};
use std::ffi::OsString;
use std::path::Path;

/// What a plan says of its agent, and what there is to start one.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// `[agent] run`: a program with its arguments, or arguments added to an agent's own.
    pub run: &'a [String],
    /// `[agent] file`, without links.
    pub file: Option<&'a Path>,
    /// The program of guard itself, without links.
    pub guard: &'a Path,
}

/// How agents of a kind are started, told and heard.
#[derive(Debug, Clone, Copy)]
pub struct Adapter {
    /// The kind, as plans say it.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    argv: fn(Given<'_>, &Brief) -> Result<Vec<OsString>, &'static str>,
    stdin: fn(&Brief) -> String,
    hear: Hear,
}

/// All kinds.
pub const ADAPTERS: [Adapter; 4] = [command::ADAPTER, claude::ADAPTER, codex::ADAPTER, script::ADAPTER];

/// The adapter of a kind; none: there is no such kind.
pub fn adapter(kind: &str) -> Option<Adapter> {
    ADAPTERS.into_iter().find(|adapter| adapter.name == kind)
}

impl Adapter {
    /// The program to start in the fence, and its arguments.
    ///
    /// # Errors
    /// What the plan does not say, and must.
    pub fn argv(&self, given: Given<'_>, brief: &Brief) -> Result<Vec<OsString>, &'static str> {
        (self.argv)(given, brief)
    }

    /// What it finds on standard input.
    pub fn stdin(&self, brief: &Brief) -> String {
        (self.stdin)(brief)
    }

    /// Its variables, besides those of every program in the fence.
    pub fn env(&self, brief: &Brief) -> Vec<(OsString, OsString)> {
        super::environment(brief)
    }

    /// Listens to one run of it.
    pub fn listen(&self) -> Listening {
        Listening::new(self.hear)
    }
}

/// `own` words, and those of the plan after them.
fn words(own: &[&str], run: &[String]) -> Vec<OsString> {
    own.iter().copied().chain(run.iter().map(String::as_str)).map(OsString::from).collect()
}
