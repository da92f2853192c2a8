//! Presets and packs: the policies embedded in guard, which other policies extend by name. A pack holds the rules of one
//! topic; a preset is a list of packs, and settings. Knows their texts only.

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

/// An embedded pack of that name.
macro_rules! pack {
    ($name:literal, $summary:literal) => {
        Preset {
            name: $name,
            file: concat!("policy/pack/", $name, ".toml"),
            summary: $summary,
            text: include_str!(concat!("../../../policy/pack/", $name, ".toml")),
        }
    };
}

/// All packs: the rules of one topic each, which presets and projects extend by name.
pub const PACKS: &[Preset] = &[
    pack!("reading", "tools that only read and tell"),
    pack!("help", "what any installed program tells about itself"),
    pack!("text", "sed, awk, sort and their like"),
    pack!("files", "copies, moves, removals, modes, below the project and outside"),
    pack!("archives", "tar, zip, gzip and their like"),
    pack!("disks", "file systems and whole devices"),
    pack!("rights", "sudo and its like, accounts"),
    pack!("processes", "signals, shutdown, the kernel's settings"),
    pack!("services", "systemd, launchd, logs of the machine"),
    pack!("network", "the machine's network: shown, never changed"),
    pack!("transfer", "curl, wget, ssh, rsync: what comes and goes over the network"),
    pack!("packages", "package managers of systems"),
    pack!("macos", "tools that only a Mac has"),
    pack!("shells", "shells, interpreters, variables that load code"),
    pack!("secrets", "keys, passwords and tokens"),
    pack!("git", "git: looking, recording, losing work or history"),
    pack!("forges", "gh, glab and their like"),
    pack!("databases", "psql, mysql, sqlite3, redis-cli, mongosh and their like"),
    pack!("queries", "what queries of `guard db` may name"),
    pack!("containers", "docker and podman"),
    pack!("clusters", "kubectl, helm and their like"),
    pack!("aws", "the command line of Amazon's cloud"),
    pack!("azure", "the command line of Microsoft's cloud"),
    pack!("gcloud", "the command line of Google's cloud"),
    pack!("infrastructure", "terraform, packer, cdk, ansible and their like"),
    pack!("javascript", "npm, yarn, pnpm, node"),
    pack!("builds", "cargo, go, make, and other languages' build tools"),
    pack!("guard", "guard's own files and commands"),
    pack!("python-tools", "pytest, mypy, pylint, black, isort, ruff and python itself"),
    pack!("pip", "pip: packages by name, from PyPI"),
    pack!("uv", "uv, poetry, pipx and conda"),
    pack!("alembic", "revisions of Alembic, and who may run them"),
    pack!("docker-compose", "docker-compose by guard's own runner"),
    pack!("parallel", "one process at a time"),
    pack!("trading", "the modes of a trading system, and what a person decides there"),
];

/// Hash of guard's version, all presets and all packs, known when guard is built, so that a call does not hash them again.
pub(crate) const STAMP: u64 = {
    let mut hash = fold(0xcbf2_9ce4_8422_2325, env!("CARGO_PKG_VERSION").as_bytes());
    let mut lists: &[&[Preset]] = &[PRESETS, PACKS];
    while let [list, others @ ..] = lists {
        let mut rest = *list;
        while let [preset, tail @ ..] = rest {
            hash = fold(fold(hash, preset.name.as_bytes()), preset.text.as_bytes());
            rest = tail;
        }
        lists = others;
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

/// The preset or pack of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    embedded().find(|preset| preset.name == name)
}

/// All presets, and then all packs.
pub fn embedded() -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().chain(PACKS)
}

impl Preset {
    /// The preset as a source of the built-in layer.
    pub fn source(&self) -> Source {
        Source { layer: Layer::BuiltIn, name: self.file.to_owned(), text: self.text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::policy::layers;

    #[test]
    fn every_pack_loads_alone() {
        for pack in PACKS {
            let bare = |name: &str| {
                let text = "version = 1".to_owned();
                (name == ALWAYS).then(|| Source { layer: Layer::BuiltIn, name: "default.toml".into(), text })
            };
            let merged = layers::load(&[pack.source()], &bare).unwrap_or_else(|faults| panic!("{faults}"));
            assert!(!merged.rules.is_empty() || !merged.settings.sql.is_empty(), "{}", pack.name);
        }
    }
}
