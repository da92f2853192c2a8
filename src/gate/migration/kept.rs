//! The stored copy of a migration: exactly what would be run, against which database, in which state. A person approves this
//! copy, and it is what runs.
//! Knows no approvals.

use crate::action::migration::Passage;
use crate::action::query::Engine;
use crate::decide::migration::{Class, Operation, gravest};
use crate::event::line::hex;
use crate::execute::migration::Shape;
use crate::gate::stored::folder;
use crate::gate::{Project, Stop, shown, trust};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// By what it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// By guard, statement by statement.
    Sql,
    /// By Alembic, in the fence.
    Alembic,
}

impl Tool {
    /// The word of logs and of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Tool::Sql => "sql",
            Tool::Alembic => "alembic",
        }
    }
}

/// A file that it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Relative to the project.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Whether it is one of those that were proposed; else it is one that these need.
    pub proposed: bool,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// As it is sent.
    pub text: String,
    /// The file it stands in, and the line, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(String, u32)>,
    /// What it does, and how grave that is.
    pub operations: Vec<Operation>,
    /// Whether the server takes it only outside of a transaction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// What came of trying it on a copy of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trial {
    /// It ran.
    Ran {
        /// What has gone (`- …`) and come (`+ …`).
        difference: Vec<String>,
        /// Alembic's revisions afterwards.
        revisions: Vec<String>,
    },
    /// It was not tried.
    Not {
        /// Why.
        why: String,
        /// What a person does about it.
        help: String,
    },
}

/// A migration as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    pub(super) v: u32,
    /// Never the same twice, so that the hash of a copy tells nothing of what it holds.
    pub(super) salt: String,
    /// What it is for.
    pub description: String,
    /// The database's name in the policy.
    pub database: String,
    /// What it is.
    pub engine: Engine,
    /// Whether it is for the database for tests.
    pub test: bool,
    /// What tells its server and database from any other.
    pub server: String,
    /// The same for a person.
    pub shown: String,
    /// By what it is run.
    pub tool: Tool,
    /// Whether it goes back.
    pub down: bool,
    /// The revision that Alembic goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The folder of `alembic.ini`, relative to the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Files that it is bound to.
    pub files: Vec<File>,
    /// What would be run, in order.
    pub statements: Vec<Statement>,
    /// What in the Python of its files is worth a look, with the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<(String, Passage)>,
    /// SHA-256 of what the schema looks like before.
    pub before: String,
    /// Alembic's revisions before.
    pub revisions: Vec<String>,
    /// What came of trying it.
    pub trial: Trial,
    /// Whether a person must allow it.
    pub asks: bool,
    /// Hash of the policy that it was proposed under.
    pub policy: String,
    /// What the caller calls the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
}

impl Kept {
    /// The gravest class of what it does, its Python included.
    pub fn class(&self) -> Class {
        let class = gravest(self.statements.iter().flat_map(|statement| &statement.operations));
        if self.passages.is_empty() { class } else { class.max(Class::Destructive) }
    }

    /// Its title in a line of the log.
    pub fn title(&self, name: &str) -> String {
        format!("{}: {name}: {}", self.engine, self.description)
    }

    /// What the schema becomes, where that is known.
    pub(super) fn after(&self, before: &Shape) -> Option<Shape> {
        match &self.trial {
            Trial::Ran { difference, .. } => before.changed(difference),
            Trial::Not { .. } => None,
        }
    }

    /// What makes two proposals the same, whenever they are made.
    pub(super) fn same(&self) -> Vec<u8> {
        serde_json::to_vec(&Kept { salt: String::new(), task: None, ..self.clone() }).unwrap_or_default()
    }

    fn written(&self) -> (Vec<u8>, String) {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        let hash = hex(&Sha256::digest(&bytes));
        (bytes, hash)
    }

    /// The hash of what would be kept.
    pub(super) fn content(&self) -> String {
        self.written().1
    }

    /// Keeps it under its name, durably.
    pub(super) fn keep(&self, project: &Project, name: &str) -> Result<(), Stop> {
        folder(&project.paths.state.join("migrations"))?;
        trust::keep(&path(project, name), &self.written().0)
    }

    /// What is kept under a name; `None`: nothing is, or it is not what was kept.
    pub(in crate::gate) fn load(project: &Project, name: &str, content: &str) -> Result<Option<Kept>, Stop> {
        let path = path(project, name);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = format!("cannot read `{}`", shown(&path));
                return Err(Stop::System { what, cause: error.to_string() });
            }
        };
        let same = hex(&Sha256::digest(&bytes)) == content;
        Ok(serde_json::from_slice(&bytes).ok().filter(|_| same))
    }
}

fn path(project: &Project, name: &str) -> PathBuf {
    project.paths.state.join("migrations").join(format!("{name}.json"))
}
