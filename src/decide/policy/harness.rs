//! `[run]`: what an agent's harness gets in the fence of `guard run`.
//! Knows how it is written and which layer may add to it; what is there is known elsewhere.

use super::read::{At, Reader, Table};
use super::rule_table::{each, host, variable};
use super::{Layer, keys};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a harness gets. Paths are absolute or begin with `~/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harness {
    /// Variables of guard's environment.
    pub env: Vec<String>,
    /// Hosts it may connect to by TLS on port 443.
    pub hosts: Vec<String>,
    /// Files and folders it may write to.
    pub folders: Vec<String>,
    /// Files and folders in these that stay read-only.
    pub settings: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
    /// Bytes resident, over all of its processes.
    pub memory: u64,
}

/// What one source gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    env: Option<Vec<String>>,
    hosts: Option<Vec<String>>,
    folders: Option<Vec<String>>,
    settings: Option<Vec<String>>,
    timeout: Option<Duration>,
    memory: Option<u64>,
}

/// Reads `[run]`.
pub(crate) fn read(reader: &mut Reader<'_>, table: Table<'_, '_>) -> Given {
    reader.only(table, keys::RUN);
    Given {
        env: table.has("env").then(|| each(reader, table, "env", variable)),
        hosts: table.has("hosts").then(|| each(reader, table, "hosts", host)),
        folders: paths(reader, table, "folders"),
        settings: paths(reader, table, "settings"),
        timeout: reader.duration(table, "timeout").map(|at| at.value),
        memory: reader.size(table, "memory").map(|at| at.value),
    }
}

fn paths(reader: &mut Reader<'_>, table: Table<'_, '_>, key: &str) -> Option<Vec<String>> {
    let mut paths = Vec::new();
    for At { value, span } in reader.paths(table, key)? {
        let trimmed = value.trim_end_matches('/');
        let below = trimmed.strip_prefix("~/").or_else(|| trimmed.strip_prefix('/'));
        let plain = below.is_some_and(|below| below.split('/').all(|part| !["", ".", ".."].contains(&part)));
        if !plain {
            let help = "write \"~/.claude\" or \"/srv/agent\"; a whole home, or `/`, cannot be given";
            reader.fault(span, format!("`{value}` names no file or folder"), help);
        } else if value.contains(['*', '?', '[']) {
            reader.fault(span, format!("`{value}` is a pattern"), "name the file or folder itself");
        } else {
            paths.push(trimmed.to_owned());
        }
    }
    Some(paths)
}

/// All sources as one. What any of them keeps read-only stays so; of the rest the machine's list, where it has one, is the
/// only one, and its limits can only be tightened.
pub(crate) fn merge<'g>(given: impl Iterator<Item = (Layer, &'g Given)> + Clone) -> Harness {
    let list = |of: fn(&Given) -> Option<&Vec<String>>, adds: bool| {
        let machine = !adds && given.clone().any(|(layer, given)| layer == Layer::Machine && of(given).is_some());
        let mut all: Vec<String> = Vec::new();
        for path in
            given.clone().filter(|(layer, _)| !machine || *layer == Layer::Machine).filter_map(|(_, g)| of(g)).flatten()
        {
            if !all.contains(path) {
                all.push(path.clone());
            }
        }
        all
    };
    let (mut timeout, mut memory) = (Duration::from_secs(24 * 3600), 4_000_000_000);
    for (_, one) in given.clone() {
        timeout = one.timeout.unwrap_or(timeout);
        memory = one.memory.unwrap_or(memory);
    }
    for (_, machine) in given.clone().filter(|(layer, _)| *layer == Layer::Machine) {
        timeout = machine.timeout.map_or(timeout, |most| most.min(timeout));
        memory = machine.memory.map_or(memory, |most| most.min(memory));
    }
    Harness {
        env: list(|given| given.env.as_ref(), false),
        hosts: list(|given| given.hosts.as_ref(), false),
        folders: list(|given| given.folders.as_ref(), false),
        settings: list(|given| given.settings.as_ref(), true),
        timeout,
        memory,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Source};
    use super::*;

    fn load(sources: &[(Layer, &str)]) -> Result<Harness, String> {
        let source = |(layer, text): &(Layer, &str)| Source {
            layer: *layer,
            name: format!("{layer:?}.toml"),
            text: format!("version = 1\n{text}"),
        };
        let sources: Vec<Source> = sources.iter().map(source).collect();
        Policy::load(&sources).map(|policy| policy.settings().run.clone()).map_err(|faults| faults.to_string())
    }

    #[test]
    fn the_machine_s_lists_are_the_only_ones_and_what_is_kept_adds_up() {
        let machine = (Layer::Machine, "[run]\nhosts = [\"a.org\"]\nsettings = [\"~/.a/x\"]\ntimeout = \"1h\"");
        let project = (
            Layer::Project,
            "[run]\nhosts = [\"B.org\"]\nfolders = [\"~/.a/\"]\nsettings = [\"~/.a/y\"]\ntimeout = \"2h\"\nenv = [\"KEY\"]\nmemory = \"2GB\"",
        );
        let expected = Harness {
            env: vec!["KEY".into()],
            hosts: vec!["b.org".into()],
            folders: vec!["~/.a".into()],
            settings: vec!["~/.a/y".into()],
            timeout: Duration::from_secs(7200),
            memory: 2_000_000_000,
        };
        assert_eq!(load(&[project]), Ok(expected.clone()));
        let both = Harness {
            hosts: vec!["a.org".into()],
            settings: vec!["~/.a/x".into(), "~/.a/y".into()],
            timeout: Duration::from_secs(3600),
            ..expected
        };
        assert_eq!(load(&[machine, project]), Ok(both));
    }

    #[test]
    fn what_is_no_file_no_host_and_no_variable_is_a_fault() {
        for wrong in ["~", "/", "~/../x", "a", "~/*", ""] {
            let text = format!("[run]\nfolders = [\"{wrong}\"]");
            assert!(load(&[(Layer::Project, &text)]).is_err(), "{wrong}");
        }
        assert!(load(&[(Layer::Project, "[run]\nhosts = [\"a b\"]")]).is_err());
        assert!(load(&[(Layer::Project, "[run]\nenv = [\"A=B\"]")]).is_err());
        assert!(load(&[(Layer::Project, "[run]\nwrites = [\"~/.a\"]")]).is_err());
    }
}
