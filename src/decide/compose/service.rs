//! What of a service gives its containers more than a container has, key by key. A key that is not in the table asks.
//! Knows one service at a time.

use super::finding::{Finding, Reach, Scene};
use crate::decide::judging::normal;
use serde_json::Value;
use std::path::Path;

/// How a key is looked at.
enum Look {
    /// Any value leaves the container inside its walls.
    Harmless,
    /// Any value but nothing (`null`, `false`, an empty list) asks, for this reason.
    Asks(&'static str),
    /// Some values ask.
    By(fn(&Value, &Scene<'_>) -> Vec<String>),
}

use Look::{Asks, By, Harmless};

/// Keys of a service, sorted. Source: the compose specification's `05-services.md`, and the keys of version 1.29.
static KEYS: &[(&str, Look)] = &[
    ("annotations", Harmless),
    ("attach", Harmless),
    ("blkio_config", Asks("is set on devices of the machine")),
    ("build", Asks("runs a Dockerfile's commands and copies files of the machine into an image")),
    ("cap_add", By(cap_add)),
    ("cap_drop", Harmless),
    ("cgroup", By(host_only)),
    ("cgroup_parent", Asks("joins a control group of the machine")),
    ("command", Harmless),
    ("configs", Harmless),
    ("container_name", Harmless),
    ("cpu_count", Harmless),
    ("cpu_percent", Harmless),
    ("cpu_period", Harmless),
    ("cpu_quota", Harmless),
    ("cpu_rt_period", Asks("takes real time from the machine")),
    ("cpu_rt_runtime", Asks("takes real time from the machine")),
    ("cpu_shares", Harmless),
    ("cpus", Harmless),
    ("cpuset", Harmless),
    ("credential_spec", Asks("hands it credentials of the machine")),
    ("depends_on", Harmless),
    ("deploy", By(deploy)),
    ("develop", Harmless),
    ("device_cgroup_rules", Asks("opens devices of the machine")),
    ("devices", Asks("opens devices of the machine")),
    ("dns", Harmless),
    ("dns_opt", Harmless),
    ("dns_search", Harmless),
    ("domainname", Harmless),
    ("entrypoint", Harmless),
    ("env_file", Asks("is read when it runs, not when it is judged")),
    ("environment", Harmless),
    ("expose", Harmless),
    ("external_links", Asks("joins containers of another project")),
    ("extra_hosts", Harmless),
    ("gpus", Asks("opens devices of the machine")),
    ("group_add", Harmless),
    ("healthcheck", Harmless),
    ("hostname", Harmless),
    ("image", Harmless),
    ("init", Harmless),
    ("ipc", By(shared)),
    ("labels", Harmless),
    ("links", Harmless),
    ("logging", By(logging)),
    ("mac_address", Harmless),
    ("mem_limit", Harmless),
    ("mem_reservation", Harmless),
    ("mem_swappiness", Harmless),
    ("memswap_limit", Harmless),
    ("network_mode", By(shared)),
    ("networks", Harmless),
    ("oom_kill_disable", Asks("can leave the machine without memory")),
    ("oom_score_adj", Asks("can leave the machine without memory")),
    ("pid", By(shared)),
    ("pids_limit", Harmless),
    ("platform", Harmless),
    ("ports", Harmless),
    ("post_start", By(hooks)),
    ("pre_stop", By(hooks)),
    ("privileged", Asks("makes it root on the machine")),
    ("profiles", Harmless),
    ("provider", Asks("starts a program of the machine")),
    ("pull_policy", By(pull)),
    ("read_only", Harmless),
    ("restart", Harmless),
    ("runtime", Asks("chooses what runs containers on the machine")),
    ("scale", Harmless),
    ("secrets", Harmless),
    ("security_opt", By(security)),
    ("shm_size", Harmless),
    ("stdin_open", Harmless),
    ("stop_grace_period", Harmless),
    ("stop_signal", Harmless),
    ("sysctls", Harmless),
    ("tmpfs", Harmless),
    ("tty", Harmless),
    ("ulimits", Harmless),
    ("use_api_socket", Asks("hands it the Docker socket, which is root on the machine")),
    ("user", Harmless),
    ("userns_mode", Asks("chooses whose users its users are")),
    ("uts", By(host_only)),
    ("volumes", By(mounts)),
    ("volumes_from", By(volumes_from)),
    ("working_dir", Harmless),
];

/// Everything about `service` that a person must have seen.
pub(super) fn look(name: &str, service: &Value, scene: &Scene<'_>, into: &mut Vec<Finding>) {
    let Value::Object(keys) = service else {
        into.push(Finding::new(Reach::Makes, format!("service `{name}` is not a mapping")));
        return;
    };
    for (key, value) in keys {
        if key.starts_with("x-") || is_nothing(value) {
            continue;
        }
        let at = KEYS.binary_search_by(|(known, _)| (*known).cmp(key));
        let found = at.ok().and_then(|at| KEYS.get(at));
        let reach = match key.as_str() {
            "volumes" => Reach::Mounts,
            "post_start" | "pre_stop" | "provider" => Reach::Runs,
            _ => Reach::Makes,
        };
        let reasons = match found {
            Some((_, Harmless)) => continue,
            Some((_, Asks(reason))) => vec![(*reason).to_owned()],
            Some((_, By(look))) => look(value, scene),
            None => vec!["is not known to guard".to_owned()],
        };
        into.extend(
            reasons.into_iter().map(|reason| Finding::new(reach, format!("service `{name}`: `{key}` {reason}"))),
        );
    }
}

/// Whether a key says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) => false,
    }
}

/// A value as it stands in a message.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.replace("$$", "$"))
}

fn host_only(value: &Value, _: &Scene<'_>) -> Vec<String> {
    if value == "private" { Vec::new() } else { vec![format!("is `{}`: it shares the machine's", shown(value))] }
}

/// `network_mode`, `pid`, `ipc`: a container's own, or that of another service of this project.
fn shared(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let own = ["none", "bridge", "default", "private", "shareable"];
    let text = value.as_str().unwrap_or_default();
    if own.contains(&text) || text.starts_with("service:") {
        return Vec::new();
    }
    let whose = if text == "host" { "the machine's" } else { "what is not this project's" };
    vec![format!("is `{}`: it shares {whose}", shown(value))]
}

fn cap_add(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    vec![format!("gives it privileges over the machine: {}", list.iter().map(shown).collect::<Vec<_>>().join(", "))]
}

fn deploy(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let devices = ["/resources/reservations/devices", "/resources/limits/devices"];
    let some = devices.iter().any(|at| value.pointer(at).is_some_and(|found| !is_nothing(found)));
    if some { vec!["opens devices of the machine".to_owned()] } else { Vec::new() }
}

/// Drivers that keep what was written on this machine.
fn logging(value: &Value, _: &Scene<'_>) -> Vec<String> {
    match value.get("driver").and_then(Value::as_str) {
        None | Some("json-file" | "local" | "none") => Vec::new(),
        Some(other) => vec![format!("sends what it writes away, by `{other}`")],
    }
}

fn hooks(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let loud = list.iter().any(|hook| hook.get("privileged").is_some_and(|found| !is_nothing(found)));
    if loud || !value.is_array() { vec!["runs a privileged command".to_owned()] } else { Vec::new() }
}

fn pull(value: &Value, _: &Scene<'_>) -> Vec<String> {
    if value == "build" { vec!["is `build`: runs a Dockerfile's commands".to_owned()] } else { Vec::new() }
}

fn security(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let tightens = |option: &Value| {
        option.as_str().is_some_and(|text| {
            matches!(text, "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true")
        })
    };
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let loose = list
        .iter()
        .filter(|option| !tightens(option))
        .map(|option| format!("is `{}`: it changes what holds it in", shown(option)));
    if value.is_array() { loose.collect() } else { vec!["is not a list".to_owned()] }
}

fn volumes_from(value: &Value, _: &Scene<'_>) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let foreign = list.iter().filter(|from| from.as_str().is_none_or(|text| text.starts_with("container:")));
    foreign.map(|from| format!("takes the volumes of `{}`, which is not this project's", shown(from))).collect()
}

fn mounts(value: &Value, scene: &Scene<'_>) -> Vec<String> {
    let Value::Array(list) = value else { return vec!["is not a list".to_owned()] };
    list.iter()
        .filter_map(|mount| match mount {
            Value::String(text) => {
                let (source, _) = text.split_once(':')?;
                let named = !source.is_empty() && !source.contains(['/', '~', '\\', '.']) || is_volume(source);
                (!named).then(|| place(source, scene))
            }
            Value::Object(keys) => {
                let source = keys.get("source").map(shown).unwrap_or_default();
                match keys.get("type").and_then(Value::as_str) {
                    Some("volume") if source.is_empty() || is_volume(&source) => None,
                    Some("tmpfs") => None,
                    Some("bind") => Some(place(&source, scene)),
                    Some(other) => Some(format!("mounts a `{other}` that guard does not know")),
                    None => Some("mounts something without a type".to_owned()),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Some("is not a list of mounts".to_owned())
            }
        })
        .collect()
}

/// Whether docker takes it for a volume's name: no path.
fn is_volume(source: &str) -> bool {
    source.starts_with(|c: char| c.is_ascii_alphanumeric())
        && source.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Why a place of the machine must not be mounted unseen.
///
/// Inside the project too: docker follows links each time a container starts, so whoever puts a link in the place of
/// the folder opens any other one (tried: `mv data x; ln -s /etc/apt data; docker-compose restart`).
pub(super) fn place(source: &str, scene: &Scene<'_>) -> String {
    let source = source.replace("$$", "$");
    let path = normal(&scene.folder.join(&source));
    let holds = |inner: &Path| inner.starts_with(&path);
    let sockets = ["/var/run/docker.sock", "/run/docker.sock"].map(Path::new);
    if sockets.iter().any(|socket| path == *socket) || path.file_name().is_some_and(|name| name == "docker.sock") {
        return format!("mounts `{source}`, the Docker socket, which is root on the machine");
    }
    if let Some(own) = scene.guarded.iter().find(|own| holds(own) || path.starts_with(own)) {
        return format!("mounts `{source}`, and with it `{}`, which guard rests on", own.display());
    }
    if path.starts_with(scene.project) {
        return format!("mounts `{source}` of the project, where a link in its place would open the whole machine");
    }
    format!("mounts `{source}` of the machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
