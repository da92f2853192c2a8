//! The mode a project is in, and what that means for databases: backtest, test, paper, live.
//! Knows no databases.

use super::By;
use serde::{Deserialize, Serialize};

/// What the project is doing (the owner's specification, SKILL 3, sandbox principle).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It computes on what was: only databases for tests.
    Backtest,
    /// It is tested: only databases for tests.
    Test,
    /// It acts as if: production is read, and written to tables of paper alone.
    Paper,
    /// It acts: production is read.
    Live,
}

impl Mode {
    /// All of them, with their words.
    pub const WORDS: [(&'static str, Mode); 4] =
        [("backtest", Mode::Backtest), ("test", Mode::Test), ("paper", Mode::Paper), ("live", Mode::Live)];

    /// The word of logs, policies and the command line.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Backtest => "backtest",
            Mode::Test => "test",
            Mode::Paper => "paper",
            Mode::Live => "live",
        }
    }

    /// The mode of a word.
    pub fn of(word: &str) -> Option<Mode> {
        Mode::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, mode)| mode)
    }

    /// Whether only databases for tests can be reached.
    pub fn is_for_tests(self) -> bool {
        match self {
            Mode::Backtest | Mode::Test => true,
            Mode::Paper | Mode::Live => false,
        }
    }
}

/// Which database a query went to, and what could be written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The one for tests.
    Test,
    /// The real one, in mode paper.
    Paper,
    /// The real one.
    Live,
}

impl Environment {
    /// That of a database: `test`: it is the one for tests.
    pub fn of(test: bool, mode: Option<Mode>) -> Self {
        match mode {
            _ if test => Environment::Test,
            Some(Mode::Paper) => Environment::Paper,
            Some(Mode::Backtest | Mode::Test | Mode::Live) | None => Environment::Live,
        }
    }

    /// The word of logs and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Environment::Test => "test",
            Environment::Paper => "paper",
            Environment::Live => "live",
        }
    }
}

/// A mode that was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeSet {
    /// The mode from now on.
    pub to: Mode,
    /// The one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Mode>,
    /// Who set it, and how that is known.
    pub by: By,
}

/// The mode as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The mode; `None`: nobody has set one.
    pub now: Option<Mode>,
    /// The record that set it; 0: none.
    pub seq: u64,
}
