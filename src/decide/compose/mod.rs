//! docker-compose, the one command that works outside the fence: which calls guard writes itself, and what in a
//! configuration a person must have seen.
//! Pure: reads no file and starts nothing.

mod call;
mod finding;
mod service;
mod sources;
mod yaml;

pub use call::{Call, Task, project_name};
pub use sources::{Reference, references, steering};
pub(crate) use yaml::scalar;

use finding::Scene;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What the gate found out about the configuration of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The folder docker-compose takes for its project's.
    pub folder: PathBuf,
    /// What sends docker-compose elsewhere, each as a fragment. Then `config` is not asked for.
    pub elsewhere: Vec<String>,
    /// What `docker-compose config` printed.
    pub config: String,
    /// What guard and git rest on, inside the project and outside.
    pub guarded: Vec<PathBuf>,
    /// An empty file that no command can write, to be read in the place of `.env`.
    pub nothing: PathBuf,
}

/// A configuration that was judged, in guard's own writing: exactly this is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The project's name.
    pub name: String,
    /// The project's folder.
    pub folder: PathBuf,
    /// The configuration, as JSON.
    pub text: String,
    /// What is read in the place of `.env`.
    pub nothing: PathBuf,
}

/// Judges a configuration: what a person must have seen, and what runs.
pub(super) fn judge(call: &Call, project: &Path, findings: &Findings) -> (Vec<String>, Option<Composed>) {
    let mut reasons = findings.elsewhere.clone();
    let folder = &findings.folder;
    let default = project_name(folder);
    let name = match (call.name(), &default) {
        (Some(name), _) => name.to_owned(),
        (None, Some(name)) => name.clone(),
        (None, None) => {
            reasons.push(format!("no name for the project follows from its folder's, `{}`", folder.display()));
            return (reasons, None);
        }
    };
    if !reasons.is_empty() {
        return (reasons, None);
    }
    let config = match yaml::documents(&findings.config).map(|mut all| (all.pop(), all.is_empty())) {
        Ok((Some(config), true)) => config,
        Ok(_) => return (vec!["its configuration is not one document".to_owned()], None),
        Err(cause) => return (vec![format!("its configuration cannot be relied on: {cause}")], None),
    };
    if merges(&config) {
        return (vec!["its configuration still holds `<<`".to_owned()], None);
    }
    if let Some(said) = config.get("name").and_then(Value::as_str).filter(|said| *said != name && call.name().is_none())
    {
        reasons.push(format!("`name: {said}` can be another project's; the folder's own name is `{name}`"));
    }
    let scene = Scene { project, folder, guarded: &findings.guarded };
    let found = finding::look(&config, &name, &scene);
    reasons.extend(found.into_iter().filter(|found| found.concerns(call.task())).map(|found| found.reason));
    let composed =
        Composed { name, folder: folder.clone(), text: config.to_string(), nothing: findings.nothing.clone() };
    (reasons, Some(composed))
}

/// Whether a key would be merged into its neighbours when it is read again.
fn merges(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| key == "<<" || merges(value)),
        Value::Array(list) => list.iter().any(merges),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
