//! What a compose file and its `.env` send docker-compose to, before it is asked: other files, other names, another machine.
//! Knows texts; where the paths lead is for whoever looks at the disk.

use super::yaml;
use serde_json::Value;

/// A file that a compose file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it is named: ``service `web`: `env_file` ``.
    pub named: String,
    /// The path as it stands there.
    pub path: String,
    /// Whether it is a compose file itself, which may name more.
    pub compose: bool,
}

/// The files that the compose file `text` names: `extends`, `include`, `env_file`, `label_file`, wherever they stand.
/// What `file:` of secrets and configs names stands in the configuration itself.
///
/// # Errors
/// Why the text cannot be relied on, as a fragment.
pub fn references(text: &str) -> Result<Vec<Reference>, String> {
    let mut found = Vec::new();
    for document in yaml::documents(text)? {
        walk(&document, &mut Vec::new(), &mut found);
    }
    Ok(found)
}

fn walk<'v>(value: &'v Value, way: &mut Vec<&'v str>, found: &mut Vec<Reference>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                named(key, value, way, found);
                way.push(key);
                walk(value, way, found);
                way.pop();
            }
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, way, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn named(key: &str, value: &Value, way: &[&str], found: &mut Vec<Reference>) {
    let (inner, compose): (&[&str], bool) = match key {
        "env_file" | "label_file" => (&["path"], false),
        "extends" => (&["file"], true),
        "include" if way.is_empty() => (&["path", "project_directory"], true),
        _ => return,
    };
    let place = match way {
        ["services", service, ..] => format!("service `{service}`: `{key}`"),
        [] => format!("`{key}`"),
        [first, ..] => format!("`{first}`: `{key}`"),
    };
    // `extends: NAME` is a service of the same file.
    let plain = key != "extends";
    for path in paths(value, inner, plain) {
        found.push(Reference { named: place.clone(), path, compose });
    }
}

fn paths(value: &Value, inner: &[&str], plain: bool) -> Vec<String> {
    match value {
        Value::String(text) if plain => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(|value| paths(value, inner, plain)).collect(),
        Value::Object(map) => {
            let values = inner.iter().filter_map(|key| map.get(*key));
            values.flat_map(|value| paths(value, &[], true)).collect()
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Variables by which docker-compose itself is steered.
const STEERING: [&str; 11] = [
    "COMPOSE_DISABLE_ENV_FILE",
    "COMPOSE_ENV_FILES",
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_PROJECT_NAME",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
];

/// The variables of a `.env` that steer docker-compose, each with its value as written. Loose: a line inside a quoted
/// value counts as well.
pub fn steering(dotenv: &str) -> Vec<(&'static str, String)> {
    let lines = dotenv.split(['\n', '\r']).map(|line| line.trim_start_matches('\u{feff}').trim());
    let found = lines.filter_map(|line| {
        let line = line.strip_prefix("export").map_or(line, str::trim_start).trim_start_matches(['\'', '"']);
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
        let (name, rest) = line.split_at_checked(end)?;
        let name = STEERING.into_iter().find(|known| *known == name)?;
        let value = rest.trim_start_matches(['\'', '"']).trim_start().trim_start_matches(['=', ':']).trim();
        Some((name, value.trim_matches(['\'', '"']).to_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_compose_file_names_is_found() {
        let text = "
x-base: &base {env_file: /etc/a}
include:
  - b.yml
  - path: [c.yml, ../d.yml]
    env_file: e.env
    project_directory: ../dir
services:
  web:
    extends: {file: f.yml, service: web}
    env_file:
      - g.env
      - path: h.env
        required: false
  other:
    extends: web
  third:
    <<: *base
    label_file: [i]
    environment: {include: x}
";
        let found = references(text).unwrap();
        let found: Vec<(&str, &str, bool)> =
            found.iter().map(|r| (r.named.as_str(), r.path.as_str(), r.compose)).collect();
        let expected = [
            ("`x-base`: `env_file`", "/etc/a", false),
            ("`include`", "b.yml", true),
            ("`include`", "c.yml", true),
            ("`include`", "../d.yml", true),
            ("`include`", "../dir", true),
            ("`include`: `env_file`", "e.env", false),
            ("service `web`: `extends`", "f.yml", true),
            ("service `web`: `env_file`", "g.env", false),
            ("service `web`: `env_file`", "h.env", false),
            ("service `third`: `env_file`", "/etc/a", false),
            ("service `third`: `label_file`", "i", false),
        ];
        for one in expected {
            assert!(found.contains(&one), "{one:?} in {found:?}");
        }
        assert_eq!(found.len(), expected.len(), "{found:?}");
    }

    #[test]
    fn what_steers_docker_compose_is_found_in_every_spelling() {
        // python-dotenv takes quoted names and `export`, godotenv `NAME: value`.
        let text = "A=1\nCOMPOSE_FILE=x.yml\r  export DOCKER_HOST = tcp://h:1\n'COMPOSE_PROJECT_NAME'='other'\n\
            COMPOSE_PROFILES: dev\n#COMPOSE_ENV_FILES=x\nMY_COMPOSE_FILE=x\nDOCKER_BUILDKIT=1\n\u{feff}DOCKER_CONTEXT=c\n";
        let expected = [
            ("COMPOSE_FILE", "x.yml"),
            ("DOCKER_HOST", "tcp://h:1"),
            ("COMPOSE_PROJECT_NAME", "other"),
            ("COMPOSE_PROFILES", "dev"),
            ("DOCKER_CONTEXT", "c"),
        ];
        assert_eq!(steering(text), expected.map(|(name, value)| (name, value.to_owned())));
    }
}
