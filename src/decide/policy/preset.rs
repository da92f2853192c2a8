//! Presets: the policies embedded in guard, which other policies extend by name.
//! Knows their texts only.

use super::{Layer, Source};

/// An embedded policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// The name in `extends`.
    pub name: &'static str,
    /// Its name in messages.
    pub file: &'static str,
    /// What it is for, in a line.
    pub summary: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The preset that is always in force, whatever a policy extends.
pub(crate) const ALWAYS: &str = "default";

/// All presets, in the order in which they are offered.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "default",
        file: "policy/default.toml",
        summary: "common read-only tools are allowed, destruction is denied, the rest asks",
        text: include_str!("../../../policy/default.toml"),
    },
    Preset {
        name: "python",
        file: "policy/python.toml",
        summary: "a Python project: python, pytest, pylint, mypy, black, isort, pip",
        text: include_str!("../../../policy/python.toml"),
    },
    Preset {
        name: "python-trading",
        file: "policy/python-trading.toml",
        summary: "a Python trading system: modes of main.py, docker-compose, one command at a time",
        text: include_str!("../../../policy/python-trading.toml"),
    },
];

/// Hash of guard's version and all presets, known when guard is built, so that a call does not hash them again.
pub(crate) const STAMP: u64 = {
    let mut hash = fold(0xcbf2_9ce4_8422_2325, env!("CARGO_PKG_VERSION").as_bytes());
    let mut rest = PRESETS;
    while let [preset, tail @ ..] = rest {
        hash = fold(fold(hash, preset.name.as_bytes()), preset.text.as_bytes());
        rest = tail;
    }
    hash
};

/// FNV-1a, 64 bits.
const fn fold(mut hash: u64, mut bytes: &[u8]) -> u64 {
    while let [byte, tail @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        bytes = tail;
    }
    // The end of a text counts, so that what moves from one into the next changes the hash.
    (hash ^ 0xff).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The preset as a source of the built-in layer.
    pub fn source(&self) -> Source {
        Source { layer: Layer::BuiltIn, name: self.file.to_owned(), text: self.text.to_owned() }
    }
}
