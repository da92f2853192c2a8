//! Findings: what in a configuration a person must have seen before it runs.
//! Knows the top of a configuration; services have a file of their own.

use super::call::Task;
use super::service::{self, is_nothing, shown};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a configuration is judged against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The project's root.
    pub(super) project: &'a Path,
    /// The folder that relative paths start from.
    pub(super) folder: &'a Path,
    /// What guard and git rest on.
    pub(super) guarded: &'a [PathBuf],
}

/// When a finding takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// When containers, networks and volumes are made: `up`.
    Makes,
    /// Whenever containers start: `up`, `restart`.
    Mounts,
    /// Whenever anything changes: `up`, `restart`, `down`.
    Runs,
    /// Always.
    Reads,
}

/// One thing that a person must have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    reach: Reach,
    pub(super) reason: String,
}

impl Finding {
    pub(super) fn new(reach: Reach, reason: String) -> Self {
        Self { reach, reason }
    }

    /// Whether it concerns what is to be done.
    pub(super) fn concerns(&self, task: Task) -> bool {
        match (task, self.reach) {
            (_, Reach::Reads) | (Task::Up, _) => true,
            (Task::Restart, Reach::Mounts | Reach::Runs) | (Task::Down, Reach::Runs) => true,
            (Task::Restart | Task::Down | Task::Ps | Task::Logs, _) => false,
        }
    }
}

/// Everything about a configuration that a person must have seen; `name` is the project's.
pub(super) fn look(config: &Value, name: &str, scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let Value::Object(top) = config else {
        return vec![Finding::new(Reach::Reads, "the configuration is not a mapping".to_owned())];
    };
    for (key, value) in top {
        match key.as_str() {
            "name" | "version" => {}
            "services" => {
                each(key, value, &mut found, |service, keys, found| service::look(service, keys, scene, found))
            }
            "networks" => {
                each(key, value, &mut found, |network, keys, found| self::network(network, keys, name, found))
            }
            "volumes" => each(key, value, &mut found, |volume, keys, found| self::volume(volume, keys, name, found)),
            "secrets" | "configs" => {
                let kind = if key == "secrets" { "secret" } else { "config" };
                each(key, value, &mut found, |it, keys, found| file(kind, it, keys, scene, found));
            }
            own if own.starts_with("x-") => {}
            other => found.push(Finding::new(Reach::Runs, format!("`{other}` is not known to guard"))),
        }
    }
    found
}

fn each(key: &str, value: &Value, found: &mut Vec<Finding>, mut look: impl FnMut(&str, &Value, &mut Vec<Finding>)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| look(name, value, found)),
        other if is_nothing(other) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            found.push(Finding::new(Reach::Runs, format!("`{key}` is not a mapping")))
        }
    }
}

fn network(network: &str, keys: &Value, project: &str, found: &mut Vec<Finding>) {
    let mut say = |reach, what: String| found.push(Finding::new(reach, format!("network `{network}`: {what}")));
    if keys.get("external").is_some_and(|value| !is_nothing(value)) {
        return say(Reach::Makes, "`external`: it is not this project's".to_owned());
    }
    for (key, value) in keys.as_object().into_iter().flatten().filter(|(_, value)| !is_nothing(value)) {
        match key.as_str() {
            "name" => own_name(network, value, project, &mut say),
            "driver" if matches!(value.as_str(), Some("bridge" | "default" | "overlay" | "null" | "none")) => {}
            "driver" => say(Reach::Makes, format!("`driver: {}` joins the machine's network", shown(value))),
            "driver_opts" => {
                let foreign = value.as_object().into_iter().flatten().map(|(name, _)| name);
                let foreign =
                    foreign.filter(|name| !name.starts_with("com.docker.network.")).cloned().collect::<Vec<_>>();
                if !foreign.is_empty() {
                    say(Reach::Makes, format!("`driver_opts` guard does not know: {}", foreign.join(", ")));
                }
            }
            "attachable" | "enable_ipv4" | "enable_ipv6" | "internal" | "ipam" | "labels" | "external" => {}
            own if own.starts_with("x-") => {}
            other => say(Reach::Makes, format!("`{other}` is not known to guard")),
        }
    }
}

fn volume(volume: &str, keys: &Value, project: &str, found: &mut Vec<Finding>) {
    let mut say = |reach, what: String| found.push(Finding::new(reach, format!("volume `{volume}`: {what}")));
    if keys.get("external").is_some_and(|value| !is_nothing(value)) {
        return say(Reach::Makes, "`external`: it is not this project's".to_owned());
    }
    for (key, value) in keys.as_object().into_iter().flatten().filter(|(_, value)| !is_nothing(value)) {
        match key.as_str() {
            "name" => own_name(volume, value, project, &mut say),
            "driver" if matches!(value.as_str(), Some("local" | "default")) => {}
            "driver" => say(Reach::Makes, format!("`driver: {}` keeps it elsewhere", shown(value))),
            "driver_opts" => say(Reach::Mounts, "`driver_opts` can mount any place of the machine".to_owned()),
            "labels" | "external" => {}
            own if own.starts_with("x-") => {}
            other => say(Reach::Makes, format!("`{other}` is not known to guard")),
        }
    }
}

/// The name a network or volume gets by itself is the project's; by another one it may be another project's.
fn own_name(key: &str, value: &Value, project: &str, say: &mut impl FnMut(Reach, String)) {
    let name = shown(value);
    if name != format!("{project}_{key}") {
        say(Reach::Runs, format!("`name: {name}` can be another project's"));
    }
}

fn file(kind: &str, name: &str, keys: &Value, scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let mut say = |reach, what: String| found.push(Finding::new(reach, format!("{kind} `{name}`: {what}")));
    for (key, value) in keys.as_object().into_iter().flatten().filter(|(_, value)| !is_nothing(value)) {
        match key.as_str() {
            "file" => say(Reach::Mounts, format!("`file` {}", service::place(&shown(value), scene))),
            "environment" => say(Reach::Makes, "`environment` takes a variable that guard does not pass on".to_owned()),
            "external" => say(Reach::Makes, "`external`: it is not this project's".to_owned()),
            "content" | "name" | "labels" | "template_driver" => {}
            own if own.starts_with("x-") => {}
            other => say(Reach::Makes, format!("`{other}` is not known to guard")),
        }
    }
}
